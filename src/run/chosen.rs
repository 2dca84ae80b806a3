//! A run over some records only: which, and what it saw of them.
//!
//! The transform still runs over every record, as the order of an export decides things (which of two records with a
//! key comes first); what it says about the others goes no further.

use super::item::{Item, Settlement};
use crate::{
    ident::{FieldId, ObjectId, StepId},
    transform::PageKeys,
    value::Page,
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};
use xxhash_rust::xxh3::xxh3_64;

/// A record's key in short. Two of ten million keys share one with a chance of 3 in a million, and then both are
/// chosen: no harm.
pub fn short(key: &str) -> u64 {
    xxh3_64(key.as_bytes())
}

/// The records of a run over some.
#[derive(Debug, Default)]
pub struct Chosen {
    /// By source object.
    keys: HashMap<ObjectId, HashSet<u64>>,
    seen: Mutex<Seen>,
}

/// What a run saw of the chosen records.
#[derive(Debug, Default)]
pub struct Seen {
    /// Records to be written, part by part.
    pub works: Vec<SeenWork>,
    /// What became of the others.
    pub ends: BTreeMap<(StepId, String), SeenEnd>,
    /// Cells as the export has them, by source object and key.
    pub cells: HashMap<(ObjectId, String), Vec<(FieldId, String)>>,
}

/// A record to be written, or one part of it.
#[derive(Clone, Debug)]
pub struct SeenWork {
    /// The step.
    pub step: StepId,
    /// Its key.
    pub key: String,
    /// Its line in the file; 0 where there are none.
    pub line: u64,
    /// The part.
    pub part: u16,
    /// The wire record, without deferred references.
    pub body: Vec<u8>,
    /// The wire record of the second pass.
    pub second: Option<Vec<u8>>,
    /// The parent, for objects that are listed below theirs.
    pub parent: Option<(ObjectId, String)>,
}

/// What became of a record that no pass wanted to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeenEnd {
    /// Set aside: code and words.
    Held(String, String),
    /// Another step takes it.
    Routed,
    /// Left out on purpose.
    Dropped(String),
    /// It went into this record.
    Merged(String),
}

impl Chosen {
    /// These records, by source object and [`short`] key.
    pub fn new(keys: impl IntoIterator<Item = (ObjectId, u64)>) -> Chosen {
        let mut all: HashMap<ObjectId, HashSet<u64>> = HashMap::new();
        for (object, key) in keys {
            all.entry(object).or_default().insert(key);
        }
        Chosen {
            keys: all,
            seen: Mutex::default(),
        }
    }

    /// True when the record is one of them.
    pub fn has(&self, object: ObjectId, key: &str) -> bool {
        self.keys
            .get(&object)
            .is_some_and(|keys| keys.contains(&short(key)))
    }

    /// How many records of an object there are.
    pub fn count(&self, object: ObjectId) -> u64 {
        self.keys.get(&object).map_or(0, |k| k.len() as u64)
    }

    /// What was seen.
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves of what a pass said about a page what is about chosen records. Gives the number of these records.
    pub fn keep(&self, object: ObjectId, first: StepId, items: &mut Vec<Item>) -> u64 {
        items.retain(|item| self.has(object, item.about().1));
        let mut records = 0;
        let mut seen = self.seen();
        for item in items.iter() {
            let (step, key) = item.about();
            let beside = match item {
                Item::Work(work) => work.part > 0,
                Item::Unmatched { .. } => true,
                Item::Hold(_) | Item::Settle { .. } => false,
            };
            records += u64::from(step == first && !beside);
            let end = match item {
                Item::Work(work) => {
                    seen.works.push(SeenWork {
                        step,
                        key: work.key.clone(),
                        line: work.line,
                        part: work.part,
                        body: work.body.clone(),
                        second: None,
                        parent: work.parent.clone(),
                    });
                    continue;
                }
                Item::Unmatched { .. } => continue,
                Item::Hold(held) => SeenEnd::Held(held.code.clone(), held.words.clone()),
                Item::Settle { why, .. } => match why {
                    Settlement::Routed => SeenEnd::Routed,
                    Settlement::Dropped(reason) => SeenEnd::Dropped(reason.clone()),
                    Settlement::Merged(into) => SeenEnd::Merged(into.clone()),
                    Settlement::Skipped => continue,
                },
            };
            seen.ends.insert((step, key.to_owned()), end);
        }
        records
    }

    /// Notes the cells of chosen records of a page.
    pub fn note_cells(&self, object: ObjectId, columns: &[FieldId], page: &Page, keys: &PageKeys) {
        let mut seen = self.seen();
        for row in 0..page.rows() {
            let (key, fault) = keys.get(page, row);
            if fault.is_some() || !self.has(object, key) {
                continue;
            }
            let cells = seen.cells.entry((object, key.to_owned())).or_default();
            for (at, field) in columns.iter().enumerate() {
                if !cells.iter().any(|(f, _)| f == field) {
                    cells.push((*field, page.cell(row, at).1.to_owned()));
                }
            }
        }
    }

    /// Notes what the second pass writes for a record.
    pub fn note_second(&self, step: StepId, key: &str, part: u16, body: &[u8]) {
        let mut seen = self.seen();
        let work = seen
            .works
            .iter_mut()
            .find(|w| w.step == step && w.part == part && w.key == key);
        if let Some(work) = work {
            work.second = Some(body.to_vec());
        }
    }
}
