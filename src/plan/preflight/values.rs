//! Value tables against the account: which values of a pick-list have a destination, and which have none.

use super::{Facts, Preflight};
use crate::{
    mapping::{Absent, FieldMap, Mapping, Op, RefSource, Step},
    plan::{Load, Plan},
    platform::{
        Creation, Object,
        lock::{AccountInventory, ValueRow, ValueTable},
    },
};
use serde::Serialize;

/// The values of one entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ValueView {
    /// The step.
    pub step: String,
    /// The destination object and field.
    pub to: String,
    /// The source fields.
    pub from: Vec<String>,
    /// The destination object whose record each value names; `None`: they are choices of the field.
    pub record_of: Option<String>,
    /// The values, the most frequent first.
    pub rows: Vec<ValueLine>,
    /// Further values that are not listed.
    pub more: u64,
}

/// Where one value goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ValueLine {
    /// The value in the source; empty for a literal of the mapping.
    pub value: String,
    /// Records that have it.
    pub records: u64,
    /// What it becomes; `None`: nothing.
    pub to: Option<String>,
    /// How that stands.
    pub state: ValueState,
    /// The code of the hold, where there is one.
    pub code: Option<String>,
}

/// How a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueState {
    /// It has a place.
    Goes,
    /// The run makes its place.
    Made,
    /// An admin makes its place; until then its records wait.
    ByHand,
    /// The mapping has no way for it: its records are held.
    Held,
    /// The mapping knows where, and the destination has no such choice.
    Missing,
    /// Whether the destination has it is not known.
    NotKnown,
}

impl ValueState {
    /// The word in reports.
    pub fn words(self) -> &'static str {
        match self {
            ValueState::Goes => "",
            ValueState::Made => "made by the run",
            ValueState::ByHand => "to be made by an admin",
            ValueState::Held => "no destination: held",
            ValueState::Missing => "not at the destination",
            ValueState::NotKnown => "not known",
        }
    }
}

pub(super) fn judge(plan: &Plan, facts: &Facts<'_>, out: &mut Preflight) {
    let mapping = &plan.mapping;
    let tables = facts.tables(plan);
    for table in tables {
        let Some((at, step)) = mapping
            .steps
            .iter()
            .enumerate()
            .find(|(_, s)| s.name == table.step)
        else {
            continue;
        };
        let Some(to) = mapping.destination.objects.get(step.to.ix()) else {
            continue;
        };
        let Some((entry, map)) = step.fields.iter().enumerate().find(|(_, m)| {
            to.fields
                .get(m.to.ix())
                .is_some_and(|f| f.name == table.field)
        }) else {
            continue;
        };
        // Owners have a report of their own.
        if to.holds_owners() {
            continue;
        }
        let place = Place {
            plan,
            facts,
            tables,
            step,
            entry,
            map,
            to,
            load: plan.loads.get(at),
        };
        let rows: Vec<ValueLine> = table.rows.iter().map(|row| place.line(row)).collect();
        place.find(table, &rows, out);
        out.values.push(ValueView {
            step: table.step.clone(),
            to: format!("{}.{}", to.name, table.field),
            from: table.from.clone(),
            record_of: place.record_of_name(),
            rows,
            more: table.more,
        });
    }
}

/// Where the values of one entry go.
struct Place<'p> {
    plan: &'p Plan,
    facts: &'p Facts<'p>,
    tables: &'p [ValueTable],
    step: &'p Step,
    entry: usize,
    map: &'p FieldMap,
    to: &'p Object,
    load: Option<&'p Load>,
}

impl Place<'_> {
    fn line(&self, row: &ValueRow) -> ValueLine {
        let state = match (&row.to, &row.fault) {
            (_, Some(_)) => ValueState::Held,
            (None, None) => ValueState::Goes,
            (Some(to), None) => self.state(to),
        };
        ValueLine {
            value: row.value.clone(),
            records: row.records,
            to: row.to.clone(),
            state,
            code: row.fault.clone(),
        }
    }

    fn state(&self, value: &str) -> ValueState {
        let account = self.facts.account();
        if let Some(object) = named(self.map) {
            return self.record_of(object, value, account);
        }
        if self.names_records() {
            return self.own_record(value, account);
        }
        if let Some(create) = &self.map.create {
            return match &create.values {
                Some(listed) if !among(listed, value) => ValueState::Held,
                // Whether the options are there is the manifest's to say.
                _ => ValueState::Goes,
            };
        }
        let declared = self.to.fields.get(self.map.to.ix());
        match declared.and_then(|f| f.values.as_ref()) {
            Some(listed) if !among(listed, value) => ValueState::Held,
            _ => ValueState::Goes,
        }
    }

    /// The object whose record a value names.
    fn record_of_name(&self) -> Option<String> {
        let objects = &self.plan.mapping.destination.objects;
        match named(self.map) {
            Some(object) => objects.get(object.ix()).map(|o| o.name.clone()),
            None => self.names_records().then(|| self.to.name.clone()),
        }
    }

    /// A record of another object, found by its name.
    fn record_of(
        &self,
        object: crate::ident::ObjectId,
        value: &str,
        account: Option<&AccountInventory>,
    ) -> ValueState {
        let mapping: &Mapping = &self.plan.mapping;
        let Some(target) = mapping.destination.objects.get(object.ix()) else {
            return ValueState::NotKnown;
        };
        let there = account
            .and_then(|a| a.object(&target.name))
            .and_then(|o| o.has(value));
        if there == Some(true) {
            return ValueState::Goes;
        }
        let made = mapping.steps.iter().enumerate().any(|(at, step)| {
            step.to == object
                && step.absent == Absent::Create
                && (self.facts.provision || self.plan.loads.get(at) != Some(&Load::ByHand))
                && self.tables.iter().any(|t| {
                    t.step == step.name
                        && t.rows
                            .iter()
                            .any(|r| r.to.as_deref().is_some_and(|to| same(to, value)))
                })
        });
        match there {
            _ if made => ValueState::Made,
            Some(_) => ValueState::Missing,
            None => ValueState::NotKnown,
        }
    }

    /// True when the entry is the key of an object whose records are few and known by name.
    fn names_records(&self) -> bool {
        let few = self.to.create == Creation::ByHand || self.to.rows_max.is_some();
        few && self
            .step
            .match_keys
            .iter()
            .any(|k| matches!(k.pairs.as_slice(), [(_, at)] if *at == self.entry))
    }

    fn own_record(&self, value: &str, account: Option<&AccountInventory>) -> ValueState {
        let there = account
            .and_then(|a| a.object(&self.to.name))
            .and_then(|o| o.has(value));
        match (there, &self.step.absent) {
            (Some(true), _) => ValueState::Goes,
            (_, Absent::Create | Absent::Placeholder(_)) => {
                let by_hand = self.load == Some(&Load::ByHand) && !self.facts.provision;
                match (by_hand, there) {
                    (false, _) => ValueState::Made,
                    (true, Some(false)) => ValueState::ByHand,
                    (true, _) => ValueState::NotKnown,
                }
            }
            (None, _) => ValueState::NotKnown,
            (Some(false), _) => ValueState::Held,
        }
    }

    fn find(&self, table: &ValueTable, rows: &[ValueLine], out: &mut Preflight) {
        let place = format!("{}.{}", table.step, table.field);
        let of = |state: ValueState| -> (Vec<String>, u64) {
            let rows: Vec<&ValueLine> = rows.iter().filter(|r| r.state == state).collect();
            let shown = |r: &&ValueLine| {
                let shown = match (state, &r.to) {
                    (ValueState::Held, _) | (_, None) => &r.value,
                    (_, Some(to)) => to,
                };
                format!("\"{shown}\" ({})", r.records)
            };
            (
                rows.iter().map(shown).collect(),
                rows.iter().map(|r| r.records).sum(),
            )
        };
        let (held, records) = of(ValueState::Held);
        if !held.is_empty() {
            let policy = &self.plan.mapping.policy;
            let too_many = policy.is_exceeded(records, table.records);
            let mut what = format!("{place}: no destination for {}", super::list(&held, 8));
            if too_many {
                what.push_str("; that is more than `policy.errors` allows");
            }
            out.find(
                "value_without_destination",
                too_many,
                what,
                self.way_out(),
                Some(records),
            );
        }
        let (missing, records) = of(ValueState::Missing);
        if !missing.is_empty() {
            out.find(
                "choice_missing",
                true,
                format!(
                    "{place}: the destination has no {}",
                    super::list(&missing, 8)
                ),
                "an admin adds it, or the value map takes another one",
                Some(records),
            );
        }
        let (by_hand, records) = of(ValueState::ByHand);
        if !by_hand.is_empty() {
            out.find(
                "record_by_hand",
                false,
                format!(
                    "{} records of step `{}` are made by an admin: {}",
                    self.to.title,
                    table.step,
                    super::list(&by_hand, 8)
                ),
                if self.plan.mapping.policy.is_exceeded(records, table.records) {
                    "an admin makes them first; until then they and what needs them are held, and a run ends with exit 5"
                } else {
                    "an admin makes them first; until then they and what needs them are held"
                },
                Some(records),
            );
        }
        if table.more > 0 {
            out.find(
                "values_not_listed",
                false,
                format!("{place}: {} further values were not looked at", table.more),
                "is it a pick-list at all?",
                None,
            );
        }
    }

    fn way_out(&self) -> String {
        let map = self.map.ops.iter().find_map(|op| match op {
            Op::Map(at) => self.plan.mapping.value_maps.get(*at),
            _ => None,
        });
        match map {
            Some(map) => format!(
                "add rows to value map `{}` in the migration (`value_maps:`), or change its `other:`",
                map.name
            ),
            None => "correct the source, or map the values".to_owned(),
        }
    }
}

fn named(map: &FieldMap) -> Option<crate::ident::ObjectId> {
    fn of(source: &RefSource) -> Option<crate::ident::ObjectId> {
        match source {
            RefSource::NaturalKey(object) => Some(*object),
            RefSource::SourceKey(_) => None,
            RefSource::ByInput(list) => list.iter().find_map(of),
        }
    }
    map.reference.as_ref().and_then(of)
}

fn same(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

fn among(list: &[String], value: &str) -> bool {
    list.iter().any(|l| same(l, value))
}
