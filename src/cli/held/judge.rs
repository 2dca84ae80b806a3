//! Judges a sheet of decisions: everything that is wrong with it at once, or what is to be noted down.

mod decide;
mod same;

use super::{Held, propose, read::Row, read::Sheet, sheet_of};
use crate::{
    diag::nearest,
    ident::StepId,
    ledger::{ReadError, RecordState, View, WriteOp},
    mapping::{
        Decision, Decisions, Mapping,
        overrides::{self, Decided, RecordRow, ValueRow},
    },
};
use same::{same, same_key, same_value, value_of};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

/// Every decision that a sheet may hold, with what it does.
pub const WORDS: [(&str, &str); 7] = [
    (
        "map",
        "the value becomes new_value for every record that has it: a row of the value map",
    ),
    ("set", "the field of this record reads new_value"),
    ("blank", "the field of this record is left out"),
    ("drop", "the record is left out"),
    ("keep", "what people wrote at the destination stays"),
    ("overwrite", "the source's value is written over it"),
    ("again", "the record is tried once more as it is"),
];

/// Something about a row.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Remark {
    /// The line.
    pub line: u64,
    /// The column.
    pub column: String,
    /// The column as a spreadsheet names it.
    pub letter: String,
    /// What is wrong, or to be known.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub hint: String,
}

/// A record to be tried once more.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Again {
    /// The step.
    pub step: String,
    /// Key of the source record.
    pub key: String,
    /// Part of the record.
    pub part: u32,
    /// The code it was held with.
    pub code: String,
    /// A call whose answer was lost did not arrive.
    pub doubt: bool,
}

/// What a sheet comes to.
#[derive(Debug, Default)]
pub struct Judged {
    /// What is wrong; nothing is noted down while there is something.
    pub faults: Vec<Remark>,
    /// What is worth knowing.
    pub notes: Vec<Remark>,
    /// Rows of value maps.
    pub values: Vec<ValueRow>,
    /// Decisions about records.
    pub records: Vec<RecordRow>,
    /// Records to be tried once more.
    pub again: Vec<Again>,
    /// Decisions of the sheet that were made before.
    pub already: usize,
    /// Rows without a decision.
    pub open: usize,
}

/// What a sheet is judged by.
pub struct Grounds<'g> {
    /// The mapping, with what was decided so far.
    pub mapping: &'g Arc<Mapping>,
    /// Zone of source times without one.
    pub zone: Option<&'g str>,
    /// What was decided so far.
    pub before: &'g Decisions,
    /// The ledger.
    pub view: &'g View,
    /// Its holds.
    pub held: &'g [Held],
    /// Who decides, and when.
    pub decided: Decided,
}

/// How a record stands in the ledger: its state, the fingerprint and the call it was written by.
type Stands = (RecordState, Option<u64>, Option<WriteOp>);

/// A decision of a row, read.
struct Read<'r> {
    row: &'r Row,
    step: StepId,
    word: &'static str,
    /// The hold it is about.
    held: &'r Held,
    entry: Option<usize>,
}

/// Judges a sheet.
///
/// # Errors
/// When the ledger cannot be read.
pub fn judge(sheet: &Sheet, grounds: &Grounds<'_>) -> Result<Judged, ReadError> {
    let mut judge = Judge {
        sheet,
        grounds,
        lineage: grounds.view.lineage()?,
        out: Judged::default(),
        by_id: HashMap::new(),
        cells: HashMap::new(),
        states: HashMap::new(),
    };
    for held in grounds.held {
        let field = held.hold.field.clone().unwrap_or_default();
        let further = held.further.iter().map(|(f, _)| f.clone());
        for field in std::iter::once(field).chain(further) {
            let id = held.id(&judge.lineage, &field);
            judge.by_id.insert(id, (held, field));
        }
    }
    judge.look_who_is_there()?;
    let mut read = Vec::new();
    for row in &sheet.rows {
        if let Some(one) = judge.row(row) {
            read.push(one);
        }
    }
    judge.maps(&read);
    for one in &read {
        judge.record(one);
    }
    let mut out = judge.out;
    out.faults.sort_by_key(|f| f.line);
    out.notes.sort_by_key(|n| n.line);
    Ok(out)
}

struct Judge<'g> {
    sheet: &'g Sheet,
    grounds: &'g Grounds<'g>,
    lineage: String,
    out: Judged,
    by_id: HashMap<String, (&'g Held, String)>,
    /// Decisions of this sheet by cell, with their line, word and value.
    cells: HashMap<(String, String, String), (u64, String, String)>,
    /// How records to be dropped or tried again stand in the ledger, by step and key.
    states: HashMap<(String, String), Stands>,
}

impl<'g> Judge<'g> {
    fn remark(&self, row: &Row, column: &str, message: String, hint: String) -> Remark {
        Remark {
            line: row.line,
            column: column.to_owned(),
            letter: self.sheet.letter(column),
            message,
            hint,
        }
    }

    fn fault(&mut self, row: &Row, column: &str, message: String, hint: impl Into<String>) {
        let remark = self.remark(row, column, message, hint.into());
        self.out.faults.push(remark);
    }

    fn note(&mut self, row: &Row, column: &str, message: String) {
        let remark = self.remark(row, column, message, String::new());
        self.out.notes.push(remark);
    }

    /// How the records stand of which that counts.
    fn look_who_is_there(&mut self) -> Result<(), ReadError> {
        let mut wanted: BTreeMap<&str, HashSet<&str>> = BTreeMap::new();
        for row in &self.sheet.rows {
            let word = row.get("decision").trim().to_lowercase();
            if word == "drop" || word == "again" {
                let keys = wanted.entry(row.get("step").trim()).or_default();
                keys.insert(self.key_of(row));
            }
        }
        let mut states = HashMap::new();
        for (step, keys) in wanted {
            self.grounds.view.each_record(step, |r| {
                if keys.contains(r.key) {
                    let stands = (r.state, r.fingerprint, r.op);
                    states.insert((step.to_owned(), r.key.to_owned()), stands);
                }
            })?;
        }
        self.states = states;
        Ok(())
    }

    /// Reads a row as far as which hold and which decision it is about.
    fn row(&mut self, row: &'g Row) -> Option<Read<'g>> {
        let word = row.get("decision").trim().to_lowercase();
        if word.is_empty() {
            self.out.open += 1;
            if !row.get("new_value").trim().is_empty() {
                let hint = "write `set` for this record, or `map` for every record with the value";
                self.fault(
                    row,
                    "decision",
                    "there is a new value, and no decision".to_owned(),
                    hint,
                );
            }
            return None;
        }
        let words = WORDS.map(|(w, _)| w);
        let Some(word) = words.into_iter().find(|w| *w == word) else {
            let hint = match nearest(&word, words) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("one of {}", words.join(", ")),
            };
            self.fault(
                row,
                "decision",
                format!("there is no decision `{word}`"),
                hint,
            );
            return None;
        };
        let (step, field) = (row.get("step").trim(), row.get("field").trim());
        let key = self.key_of(row).to_owned();
        let key = key.as_str();
        let mapping = self.grounds.mapping;
        let Some(id) = (0u16..)
            .map(StepId)
            .zip(&mapping.steps)
            .find(|(_, s)| s.name == step)
            .map(|(id, _)| id)
        else {
            let names = mapping.steps.iter().map(|s| s.name.as_str());
            let hint = match nearest(step, names.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its steps are {}", names.collect::<Vec<_>>().join(", ")),
            };
            self.fault(
                row,
                "step",
                format!("the mapping has no step `{step}`"),
                hint,
            );
            return None;
        };
        if self.has_other_value(row, step, key, field) {
            let hint = "leave it as it was exported; the new one stands in new_value";
            self.fault(row, "value", "the value was changed".to_owned(), hint);
            return None;
        }
        if self.is_made(row, id, word) {
            self.out.already += 1;
            return None;
        }
        let held = self.hold_of(row, step, key, field)?;
        let entry = mapping
            .steps
            .get(id.ix())
            .and_then(|s| overrides::entry(mapping, s, field));
        if !field.is_empty() && entry.is_none() {
            let names = names(mapping, id);
            let hint = match nearest(field, names.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name a field as the sheet has it".to_owned(),
            };
            self.fault(
                row,
                "field",
                format!("step `{step}` fills no field `{field}`"),
                hint,
            );
            return None;
        }
        Some(Read {
            row,
            step: id,
            word,
            held,
            entry,
        })
    }

    /// The key of a row. Spreadsheets take zeros away in front of numbers: the id says what stood there.
    fn key_of<'k>(&'k self, row: &'k Row) -> &'k str {
        let key = row.get("key");
        match self.by_id.get(row.get("id").trim()) {
            Some((held, _)) if same_key(&held.hold.key, key) => &held.hold.key,
            _ => key,
        }
    }

    /// True when the value of an exported row is another one than was exported. Only the first row of a hold has one.
    fn has_other_value(&self, row: &Row, step: &str, key: &str, field: &str) -> bool {
        let Some((held, of)) = self.by_id.get(row.get("id").trim()) else {
            return false;
        };
        let hold = &held.hold;
        let is_row = hold.step == step && hold.key == key && of == field;
        is_row && self.sheet.has("value") && !same_value(value_of(held, field), row.get("value"))
    }

    /// True when this very decision was made before.
    fn is_made(&self, row: &Row, id: StepId, word: &str) -> bool {
        let (key, field) = (self.key_of(row), row.get("field").trim());
        let before = self.grounds.before;
        if word == "map" {
            let value = match self.by_id.get(row.get("id").trim()) {
                Some((held, _)) => value_of(held, field),
                None => row.get("value"),
            };
            return self.map_at(id, field).is_some_and(|(map, _)| {
                before
                    .values
                    .iter()
                    .rev()
                    .find(|v| v.map == map && same(&v.from, value))
                    .is_some_and(|v| v.to == row.get("new_value"))
            });
        }
        let step = row.get("step").trim();
        if word == "keep" || word == "overwrite" {
            // A later conflict in the same field is another one.
            let clashes = self.clashes(step, key, field);
            return !clashes.is_empty()
                && clashes.iter().all(|(field, seen)| {
                    before.records.iter().any(|r| {
                        r.step == step
                            && r.key == key
                            && r.field == *field
                            && r.decision.word() == word
                            && r.seen.as_ref() == Some(seen)
                    })
                });
        }
        before.records.iter().any(|r| {
            r.step == step
                && r.key == key
                && r.decision.word() == word
                && (r.decision == Decision::Drop || r.field == field)
                && (r.decision != Decision::Set || r.value.as_deref() == Some(row.get("new_value")))
        })
    }

    /// The value map of a field: its name and position.
    fn map_at(&self, id: StepId, field: &str) -> Option<(String, usize)> {
        let mapping = self.grounds.mapping;
        let step = mapping.steps.get(id.ix())?;
        let entry = step.fields.get(overrides::entry(mapping, step, field)?)?;
        let at = overrides::map_of(step, entry)?;
        Some((mapping.value_maps.get(at)?.name.clone(), at))
    }

    /// The hold that a row is about, by its id; by step and key where a person added the row.
    fn hold_of(&mut self, row: &Row, step: &str, key: &str, field: &str) -> Option<&'g Held> {
        let again = "export the sheet again: `transload holds export`";
        let id = row.get("id").trim();
        let mut of_record = self
            .grounds
            .held
            .iter()
            .filter(|h| h.hold.step == step && h.hold.key == key);
        let first = of_record.next();
        if id.is_empty() {
            if first.is_none() {
                let known = self.grounds.held.iter().filter(|h| h.hold.step == step);
                let hint = match nearest(key, known.map(|h| h.hold.key.as_str())) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "`transload holds list` names what is held".to_owned(),
                };
                self.fault(
                    row,
                    "key",
                    format!("step `{step}` holds no record `{key}`"),
                    hint,
                );
            }
            return first;
        }
        if !id.starts_with(&sheet_of(&self.lineage)) {
            let message = "the row was exported from another migration, or its id was changed";
            self.fault(row, "id", message.to_owned(), again);
            return None;
        }
        match self.by_id.get(id) {
            Some((held, of)) => {
                let (held, of) = (*held, of.clone());
                let was = &held.hold;
                if was.step == step && was.key == key && of == field {
                    return Some(held);
                }
                let column = match (was.step == step, was.key == key) {
                    (false, _) => "step",
                    (_, false) => "key",
                    _ => "field",
                };
                self.fault(
                    row,
                    column,
                    format!(
                        "step, key and field were changed: the row was exported for {} {} {of}",
                        was.step, was.key
                    ),
                    "leave these columns as they are; a row of your own has no id",
                );
            }
            None => match first {
                Some(now) => {
                    let message = format!(
                        "the hold is another one since the sheet was exported: now it is {}, {}",
                        now.hold.code, now.hold.words
                    );
                    self.fault(row, "id", message, again);
                }
                None => self.note(
                    row,
                    "key",
                    format!("record {key} of step `{step}` is no longer held; nothing to decide"),
                ),
            },
        }
        None
    }

    /// True for the first decision about a cell; a second one that differs is a fault, the same one says nothing new.
    fn once(
        &mut self,
        row: &Row,
        word: &str,
        (step, key, field): (&str, &str, &str),
        value: &str,
    ) -> bool {
        let record = (step.to_owned(), key.to_owned());
        let of_record = |cell: &str| (record.0.clone(), record.1.clone(), cell.to_owned());
        let mut cells = vec![of_record(field)];
        // Whether the record goes at all excludes every decision about its fields.
        if !step.is_empty() && field != "again" {
            cells.push(of_record(if word == "drop" { "\u{0}fields" } else { "" }));
        }
        for cell in &cells {
            let Some((line, other, with)) = self.cells.get(cell).cloned() else {
                continue;
            };
            if other == word && with == value {
                return false;
            }
            let message =
                format!("two decisions for one cell: `{word}` here, `{other}` in line {line}");
            self.fault(row, "decision", message, "leave one of them");
            return false;
        }
        let told = (row.line, word.to_owned(), value.to_owned());
        self.cells.insert(of_record(field), told.clone());
        if word != "drop" && !step.is_empty() {
            self.cells.entry(of_record("\u{0}fields")).or_insert(told);
        }
        true
    }

    fn decided(&self, row: &Row) -> Decided {
        Decided {
            note: row.get("note").trim().to_owned(),
            ..self.grounds.decided.clone()
        }
    }
}

/// The destination fields that a step fills.
fn names(mapping: &Mapping, id: StepId) -> BTreeSet<String> {
    let Some(step) = mapping.steps.get(id.ix()) else {
        return BTreeSet::new();
    };
    let all = (0..step.fields.len()).filter_map(|at| propose::target(mapping, step, at));
    all.map(|f| f.name.clone()).collect()
}
