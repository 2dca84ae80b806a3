//! Each decision of a sheet on its own: what it needs, whether its value fits, and what is noted down for it.

use super::{
    Again, Judge, Read,
    same::{same_value, value_of},
};
use crate::{
    cli::held::propose,
    ledger::{Entry, RecordState, WriteOp},
    mapping::{
        Decision, Mapping, Op,
        overrides::{Decided, RecordRow, ValueRow},
    },
    transform,
};
use std::{collections::BTreeMap, sync::Arc};

/// Most characters of a value in a message.
const SHOWN: usize = 60;

impl<'g> Judge<'g> {
    /// Rows of value maps, all together: each is tried with the others in place.
    pub(super) fn maps(&mut self, read: &[Read<'g>]) {
        let mut rows: Vec<(&Read<'g>, ValueRow)> = Vec::new();
        for one in read.iter().filter(|r| r.word == "map") {
            let (row, field) = (one.row, one.row.get("field").trim());
            let value = value_of(one.held, field);
            let Some((map, at)) = self.map_at(one.step, field) else {
                let hint = "`set` gives a value to this record alone; or write a value map into the mapping";
                self.fault(
                    row,
                    "decision",
                    format!("`{field}` goes through no value map"),
                    hint,
                );
                continue;
            };
            let is_own = one.held.hold.field.as_deref() == Some(field);
            if !is_own || one.held.hold.value.is_none() {
                self.fault(
                    row,
                    "decision",
                    format!("the record is not held for a value of `{field}`"),
                    "`set` gives a value to this record alone; or add the row to the value map of the mapping",
                );
                continue;
            }
            if !row.get("value").is_empty() && !same_value(value, row.get("value")) {
                self.fault(
                    row,
                    "value",
                    "the value was changed".to_owned(),
                    "leave it as it was exported; the new one stands in new_value",
                );
                continue;
            }
            if value.chars().count() >= 200 {
                self.fault(
                    row,
                    "value",
                    "the value is too long for a row of a value map".to_owned(),
                    "`set` gives a value to this record alone",
                );
                continue;
            }
            let to = row.get("new_value");
            if to.trim().is_empty() {
                self.fault(
                    row,
                    "new_value",
                    "`map` needs a new value".to_owned(),
                    "write what the value becomes",
                );
                continue;
            }
            let exact = self
                .grounds
                .mapping
                .value_maps
                .get(at)
                .is_some_and(|m| m.exact);
            let from = if exact {
                value.to_owned()
            } else {
                value.trim().to_lowercase()
            };
            if !self.once(row, "map", ("", &map, &from), to) {
                continue;
            }
            rows.push((
                one,
                ValueRow {
                    map,
                    from: value.to_owned(),
                    to: to.to_owned(),
                    decided: self.decided(row),
                },
            ));
        }
        let mut mapping = Mapping::clone(self.grounds.mapping);
        for (_, row) in &rows {
            if let Some(map) = mapping.value_maps.iter_mut().find(|m| m.name == row.map) {
                map.rows.insert(0, (row.from.clone(), row.to.clone()));
            }
        }
        let mapping = Arc::new(mapping);
        for (one, row) in rows {
            let own = one.entry.is_some_and(|at| {
                let step = mapping.steps.get(one.step.ix());
                let entry = step.and_then(|s| s.fields.get(at));
                entry.is_some_and(|e| e.ops.iter().any(|o| matches!(o, Op::Map(_))))
            });
            let tried = match one.entry {
                Some(at) if own => {
                    transform::trial(&mapping, one.step, at, &row.from, self.grounds.zone)
                }
                Some(at) => transform::trial(&mapping, one.step, at, &row.to, self.grounds.zone),
                None => None,
            };
            match tried {
                Some(wrong) => self.unfit(one, &row.to, wrong),
                None => {
                    self.unheard(one, &row.to);
                    self.out.values.push(row);
                }
            }
        }
    }

    /// Says when a value names a record that no other row names: whether it is there, only a run can tell.
    fn unheard(&mut self, one: &Read<'g>, value: &str) {
        let mapping = self.grounds.mapping;
        let (Some(at), Some(step)) = (one.entry, mapping.steps.get(one.step.ix())) else {
            return;
        };
        let choices = propose::choices(mapping, step, at);
        let refers = step.fields.get(at).is_some_and(|f| f.reference.is_some());
        if refers && !choices.is_empty() && !choices.iter().any(|c| c == value) {
            let near = propose::near(value, &choices);
            let near = near.map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
            self.note(
                one.row,
                "new_value",
                format!(
                    "no other row names `{value}`: the run looks for it at the destination{near}"
                ),
            );
        }
    }

    /// A value that the field does not take.
    fn unfit(&mut self, one: &Read<'_>, value: &str, (code, words): (&'static str, String)) {
        let mapping = self.grounds.mapping;
        let hint = match (code, one.entry, mapping.steps.get(one.step.ix())) {
            ("not_a_choice" | "not_mapped", Some(at), Some(step)) => {
                let choices = match code {
                    // What is given goes through the value map, too.
                    "not_mapped" => propose::mapped(mapping, step, at),
                    _ => propose::choices(mapping, step, at),
                };
                match propose::near(value, &choices) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("it takes {}", propose::listed(&choices)),
                }
            }
            ("too_long", Some(at), Some(step)) => {
                let max = propose::target(mapping, step, at).and_then(|f| f.max);
                let has = value.chars().count();
                max.map_or_else(String::new, |m| {
                    format!("at most {m} characters; it has {has}")
                })
            }
            _ => "a value stands here as the source would have it".to_owned(),
        };
        let mut shown: String = value.chars().take(SHOWN).collect();
        if shown.len() < value.len() {
            shown.push('…');
        }
        let message = format!("`{shown}`: {} {words}", one.row.get("field").trim());
        self.fault(one.row, "new_value", message, hint);
    }

    /// A decision about one record.
    pub(super) fn record(&mut self, one: &Read<'g>) {
        let row = one.row;
        let decision = match one.word {
            "map" => return,
            "again" => return self.again(one),
            "set" => Decision::Set,
            "blank" => Decision::Blank,
            "drop" => Decision::Drop,
            "keep" => Decision::Keep,
            _ => Decision::Overwrite,
        };
        let hold = &one.held.hold;
        let value = row.get("new_value");
        if decision == Decision::Set && value.trim().is_empty() {
            return self.fault(
                row,
                "new_value",
                "`set` needs a new value".to_owned(),
                "write the value; `blank` leaves the field out",
            );
        }
        if decision != Decision::Set && !value.trim().is_empty() {
            let message = format!("`{}` takes no new value", one.word);
            return self.fault(
                row,
                "new_value",
                message,
                "`set` is the decision that takes one",
            );
        }
        let of_values = matches!(decision, Decision::Set | Decision::Blank);
        if of_values && row.get("field").trim().is_empty() {
            let hint = "name a field in a row of your own, or decide `drop`";
            return self.fault(
                row,
                "field",
                format!(
                    "`{}` needs a field, and this hold is about the record",
                    one.word
                ),
                hint,
            );
        }
        if of_values
            && matches!(
                hold.code.as_str(),
                "bad_row" | "missing_key" | "duplicate_key"
            )
        {
            let hint = "correct the export";
            return self.fault(
                row,
                "decision",
                format!(
                    "a row that is held as {} has no fields to decide about",
                    hold.code
                ),
                hint,
            );
        }
        let about_conflict = matches!(decision, Decision::Keep | Decision::Overwrite);
        if about_conflict && hold.code != "conflict" {
            let message = format!(
                "`{}` is about a conflict, and this is {}",
                one.word, hold.code
            );
            return self.fault(row, "decision", message, "see `transload explain conflict`");
        }
        match decision {
            Decision::Set => {
                let mapping = self.grounds.mapping;
                let step = mapping.steps.get(one.step.ix());
                let file = step.zip(one.entry);
                if file.is_some_and(|(s, at)| propose::holds_file(mapping, s, at)) {
                    let message = format!(
                        "`{}` holds what stands in a file, and `set` would send this text in its place",
                        row.get("field").trim()
                    );
                    let hint =
                        "put the file right in the export and run again; or `drop` the record";
                    return self.fault(row, "decision", message, hint);
                }
                let wrong = one.entry.and_then(|at| {
                    transform::trial(self.grounds.mapping, one.step, at, value, self.grounds.zone)
                });
                if let Some(wrong) = wrong {
                    return self.unfit(one, value, wrong);
                }
            }
            Decision::Blank => {
                let mapping = self.grounds.mapping;
                let step = mapping.steps.get(one.step.ix());
                let field = step
                    .zip(one.entry)
                    .and_then(|(s, at)| propose::target(mapping, s, at));
                if field.is_some_and(|f| f.required) {
                    let message = format!(
                        "`{}` is required at the destination",
                        row.get("field").trim()
                    );
                    return self.fault(
                        row,
                        "decision",
                        message,
                        "`set` gives it a value, `drop` leaves the record out",
                    );
                }
            }
            Decision::Drop => {
                if hold.code == "missing_key" {
                    return self.fault(
                        row,
                        "decision",
                        "a record without a key cannot be told from others".to_owned(),
                        "fill its key at the source, or take the row out of the export",
                    );
                }
                let place = (hold.step.clone(), hold.key.clone());
                let there = self.states.get(&place).map(|s| s.0) == Some(RecordState::Confirmed);
                if there && hold.code != "gone" {
                    return self.fault(
                        row,
                        "decision",
                        "the record is at the destination already, and `drop` does not remove it"
                            .to_owned(),
                        "`keep`, `set` or `blank` decide about its change; remove it there by hand",
                    );
                }
            }
            Decision::Keep | Decision::Overwrite => {}
        }
        let field = match decision {
            Decision::Drop => "",
            _ => row.get("field").trim(),
        };
        let fields = match decision {
            Decision::Keep | Decision::Overwrite => self.clashes(&hold.step, &hold.key, field),
            _ => Vec::new(),
        };
        if about_conflict && fields.is_empty() {
            let message = format!("`{field}` is in no conflict");
            return self.fault(
                row,
                "field",
                message,
                "the reason of the hold names the fields",
            );
        }
        let row_of = |field: &str, seen: Option<String>, decided: Decided| RecordRow {
            step: hold.step.clone(),
            key: hold.key.clone(),
            field: field.to_owned(),
            decision,
            value: (decision == Decision::Set).then(|| value.to_owned()),
            seen,
            decided,
        };
        if !about_conflict {
            if self.once(row, one.word, (&hold.step, &hold.key, field), value) {
                let seen = hold.value.clone().filter(|_| hold.code == "bad_row");
                let made = row_of(field, seen, self.decided(row));
                self.out.records.push(made);
            }
            return;
        }
        for (field, seen) in fields {
            if self.once(row, one.word, (&hold.step, &hold.key, &field), value) {
                let made = row_of(&field, Some(seen), self.decided(row));
                self.out.records.push(made);
            }
        }
    }

    /// The conflicts of a record as they were told last, with what they are bound to. `field`: only this one; empty:
    /// all.
    pub(super) fn clashes(&self, of: &str, key: &str, field: &str) -> Vec<(String, String)> {
        let mut last = 0;
        let mut all = BTreeMap::new();
        // What cannot be read now was read a moment ago; then there is no conflict to decide about.
        let _ = self.grounds.view.each_entry_of(key, |_, run, _, entry| {
            if let Entry::Conflicted {
                step, field, seen, ..
            } = entry
                && step == of
            {
                if run != last {
                    all.clear();
                    last = run;
                }
                all.insert(field, seen);
            }
        });
        all.into_iter()
            .filter(|(f, _)| field.is_empty() || f == field)
            .collect()
    }

    fn again(&mut self, one: &Read<'g>) {
        let hold = &one.held.hold;
        if !(hold.code.starts_with("refused") || hold.code == "in_doubt") {
            let message = format!(
                "`again` is for what the destination refused, and this is {}",
                hold.code
            );
            let hint =
                "whatever else is corrected at the source or in the mapping is tried by itself";
            return self.fault(one.row, "decision", message, hint);
        }
        if !one.row.get("new_value").trim().is_empty() {
            return self.fault(
                one.row,
                "new_value",
                "`again` takes no new value".to_owned(),
                "`set` is the decision that takes one",
            );
        }
        if !self.once(one.row, "again", (&hold.step, &hold.key, "again"), "") {
            return;
        }
        let place = (hold.step.clone(), hold.key.clone());
        let Some((state, fingerprint, op)) = self.states.get(&place).copied() else {
            let message = "the ledger knows no call for the record".to_owned();
            return self.fault(one.row, "decision", message, "run the migration again");
        };
        let doubt = match (state, op) {
            (RecordState::Refused, _) => false,
            (RecordState::Intended | RecordState::InDoubt, op) if op != Some(WriteOp::Update) => {
                true
            }
            _ => {
                let message = format!("record {} is tried again by itself", hold.key);
                return self.note(one.row, "decision", message);
            }
        };
        if !doubt && fingerprint == Some(0) {
            self.out.already += 1;
            return;
        }
        self.out.again.push(Again {
            step: hold.step.clone(),
            key: hold.key.clone(),
            part: hold.part,
            code: hold.code.clone(),
            doubt,
        });
    }
}
