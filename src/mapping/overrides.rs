//! What people decided about held records, as it goes into a mapping: rows of value maps for everybody, and values,
//! blanks and drops for single records.
//!
//! [`Decisions`] is the file that `holds import` keeps. [`Decisions::apply`] is the one place where it becomes part of
//! a mapping, after `check` and before the plan: a row of a value map counts as the mapping's own from there on (its
//! fingerprint, previews and approvals follow by themselves), and what is about single records stands beside the steps
//! in [`Overrides`], which no plan and no approval looks at.

use super::{Conflict, FieldMap, Input, Mapping, Op, Step, model::ValueMap};
use crate::ident::StepId;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Version of the file.
pub const VERSION: u32 = 1;
/// Its name in the state folder.
pub const FILE: &str = "overrides.json";

/// Everything that was decided, in order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decisions {
    /// Version of this shape.
    pub schema_version: u32,
    /// Name of the mapping they were made for.
    pub mapping: String,
    /// Rows of value maps.
    #[serde(default)]
    pub values: Vec<ValueRow>,
    /// What is about single records.
    #[serde(default)]
    pub records: Vec<RecordRow>,
}

/// Who decided, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decided {
    /// Who.
    pub by: String,
    /// When: an instant in UTC.
    pub at: String,
    /// What they said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// A row of a value map.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueRow {
    /// The value map.
    pub map: String,
    /// The value at the source.
    pub from: String,
    /// The value it becomes.
    pub to: String,
    /// Who and when.
    pub decided: Decided,
}

/// What is done with one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The field reads this value instead of the source's.
    Set,
    /// The field is left out.
    Blank,
    /// The record is left out.
    Drop,
    /// What people wrote at the destination stays.
    Keep,
    /// The source's value is written over it.
    Overwrite,
}

impl Decision {
    /// Its word in sheets, files and reports.
    pub fn word(self) -> &'static str {
        match self {
            Decision::Set => "set",
            Decision::Blank => "blank",
            Decision::Drop => "drop",
            Decision::Keep => "keep",
            Decision::Overwrite => "overwrite",
        }
    }
}

/// A decision about one record of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordRow {
    /// The step.
    pub step: String,
    /// Key of the source record.
    pub key: String,
    /// The destination field; empty where it is about the record.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub field: String,
    /// What is done.
    pub decision: Decision,
    /// The value of a `set`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What the decision is bound to: the row as it was read (a row without a key of its own), or the two values of a
    /// conflict. When that is another one, the decision no longer counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<String>,
    /// Who and when.
    pub decided: Decided,
}

impl RecordRow {
    /// True when both are about the same cell, so that the later one takes the place of the earlier.
    pub fn same_cell(&self, other: &RecordRow) -> bool {
        let whole = |d: Decision| d == Decision::Drop;
        self.step == other.step
            && self.key == other.key
            && (whole(self.decision) || whole(other.decision) || self.field == other.field)
    }
}

/// A value given for a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// This text, read as the source's own.
    Set(String),
    /// Nothing is sent.
    Blank,
}

/// What was decided about one record.
#[derive(Clone, Debug, Default)]
pub struct RecordOverride {
    /// Why it is left out, and the row that this is bound to.
    left_out: Option<(String, Option<String>)>,
    /// By position in `Step::fields`.
    given: Vec<(usize, Given)>,
    /// Conflicts: the field (empty: all), what is done, and the two values it is bound to.
    conflicts: Vec<(String, Conflict, Option<String>)>,
    /// The decisions as they were made.
    pub rows: Vec<RecordRow>,
}

impl RecordOverride {
    /// Why the record is left out; `None` when it is not.
    pub fn left_out(&self) -> Option<&str> {
        let (reason, _) = self.left_out.as_ref()?;
        Some(reason)
    }

    /// The same for a row that has no key of its own: only as long as it is the row that was decided about.
    pub fn row_left_out(&self, row: &str) -> Option<&str> {
        let (reason, seen) = self.left_out.as_ref()?;
        let same = seen.as_ref().is_none_or(|s| s == row);
        same.then_some(reason)
    }

    /// What the entry at this position gives instead.
    pub fn given(&self, entry: usize) -> Option<&Given> {
        self.given
            .iter()
            .find(|(at, _)| *at == entry)
            .map(|(_, g)| g)
    }

    /// What is done about a conflict in a field. `seen`: its two values, as the ledger names them.
    pub fn conflict(&self, field: &str, seen: &str) -> Option<Conflict> {
        self.conflicts
            .iter()
            .find(|(f, _, bound)| {
                (f.is_empty() || f == field) && bound.as_ref().is_none_or(|b| b == seen)
            })
            .map(|(_, c, _)| *c)
    }
}

/// What was decided about records of one step, by key.
pub type StepOverrides = HashMap<String, RecordOverride>;

/// What was decided about single records, by step; and, to be shown beside them, the rows that went into value maps.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    steps: BTreeMap<StepId, Arc<StepOverrides>>,
    values: Vec<ValueRow>,
}

impl Overrides {
    /// Those of a step; `None` when there are none, so that nobody looks anything up.
    pub fn of_step(&self, step: StepId) -> Option<&Arc<StepOverrides>> {
        self.steps.get(&step)
    }

    /// What was decided about one record.
    pub fn of(&self, step: StepId, key: &str) -> Option<&RecordOverride> {
        self.steps.get(&step)?.get(key)
    }

    /// The row that was decided for a value of a value map.
    pub fn mapped(&self, map: &ValueMap, value: &str) -> Option<&ValueRow> {
        let is = |row: &&ValueRow| match map.exact {
            true => row.from == value,
            false => row.from.trim().to_lowercase() == value.trim().to_lowercase(),
        };
        let mut of_map = self.values.iter().rev().filter(|row| row.map == map.name);
        of_map.find(is)
    }

    /// The same for a step whose entries were spread: `places` has for each new entry the old one it comes from.
    pub fn spread(&mut self, step: StepId, places: &[usize]) {
        let Some(all) = self.steps.get_mut(&step) else {
            return;
        };
        for record in Arc::make_mut(all).values_mut() {
            let was = std::mem::take(&mut record.given);
            for (now, old) in places.iter().enumerate() {
                if let Some((_, given)) = was.iter().find(|(at, _)| at == old) {
                    record.given.push((now, given.clone()));
                }
            }
        }
    }
}

impl Decisions {
    /// An empty list for a mapping.
    pub fn new(mapping: &str) -> Decisions {
        Decisions {
            schema_version: VERSION,
            mapping: mapping.to_owned(),
            ..Decisions::default()
        }
    }

    /// Puts everything into a mapping. Gives what has no place in it any more, in words: a mapping may have changed
    /// since the decision.
    pub fn apply(&self, mapping: &mut Mapping) -> Vec<String> {
        let mut lost = Vec::new();
        // The last decision about a value counts, and of two rows the first.
        for row in &self.values {
            match mapping.value_maps.iter_mut().find(|m| m.name == row.map) {
                Some(map) => map.rows.insert(0, (row.from.clone(), row.to.clone())),
                None => lost.push(format!("there is no value map `{}` any more", row.map)),
            }
        }
        let mut steps: BTreeMap<StepId, StepOverrides> = BTreeMap::new();
        for row in &self.records {
            let found = (0u16..)
                .map(StepId)
                .zip(&mapping.steps)
                .find(|(_, s)| s.name == row.step);
            let Some((id, step)) = found else {
                lost.push(format!("there is no step `{}` any more", row.step));
                continue;
            };
            let given = match (row.decision, &row.value) {
                (Decision::Set, Some(value)) => Some(Given::Set(value.clone())),
                (Decision::Set | Decision::Blank, _) => Some(Given::Blank),
                _ => None,
            };
            let at = entry(mapping, step, &row.field);
            if given.is_some() && at.is_none() {
                lost.push(format!(
                    "step `{}` fills no `{}` any more",
                    row.step, row.field
                ));
                continue;
            }
            let record = steps.entry(id).or_default().entry(row.key.clone());
            let record = record.or_default();
            record.rows.push(row.clone());
            if let (Some(given), Some(at)) = (given, at) {
                record.given.push((at, given));
            }
            match row.decision {
                Decision::Drop => {
                    let reason = match row.decided.note.as_str() {
                        "" => format!("left out by a decision of {}", row.decided.by),
                        note => note.to_owned(),
                    };
                    record.left_out = Some((reason, row.seen.clone()));
                }
                Decision::Keep | Decision::Overwrite => {
                    let policy = match row.decision {
                        Decision::Overwrite => Conflict::Overwrite,
                        _ => Conflict::Keep,
                    };
                    let conflict = (row.field.clone(), policy, row.seen.clone());
                    record.conflicts.push(conflict);
                }
                Decision::Set | Decision::Blank => {}
            }
        }
        mapping.overrides.values.clone_from(&self.values);
        mapping.overrides.steps = steps.into_iter().map(|(id, s)| (id, Arc::new(s))).collect();
        lost.sort();
        lost.dedup();
        lost
    }
}

/// The position of the entry that fills a destination field.
pub fn entry(mapping: &Mapping, step: &Step, field: &str) -> Option<usize> {
    let object = mapping.destination.objects.get(step.to.ix())?;
    step.fields.iter().position(|m| {
        object
            .fields
            .get(m.to.ix())
            .is_some_and(|f| f.name == field)
    })
}

/// The value map that an entry goes through, by its position: among its own ops, or those of the `let` it reads.
pub fn map_of(step: &Step, entry: &FieldMap) -> Option<usize> {
    let map = |ops: &[Op]| {
        ops.iter().find_map(|op| match op {
            Op::Map(at) => Some(*at),
            _ => None,
        })
    };
    map(&entry.ops).or_else(|| match &entry.input {
        Input::Let { binding, .. } => map(&step.lets.get(*binding)?.ops),
        _ => None,
    })
}
