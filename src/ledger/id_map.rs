//! The id map in memory: source key and part to the destination's id, per step.
//!
//! It answers millions of references while a run inserts, so it neither locks nor copies on the way: a
//! [`StepIds`] snapshot is a few immutable segments, and its answers borrow from it. New entries go into one
//! open segment; a snapshot seals that. Segments are merged in the manner of a binary counter, so that there
//! are few of them however often snapshots are taken. Later entries replace earlier ones.

mod open;
mod sealed;

use self::{open::Segment, sealed::Sealed};
use super::{
    view::{ReadError, RecordState, View},
    words::{Origin, WriteOp},
};
use crate::{ident::StepId, value::whole_number};
use foldhash::fast::FixedState;
use std::{
    borrow::Cow,
    hash::BuildHasher,
    sync::{Arc, PoisonError, RwLock},
};

/// How a record stands, for references and for what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdState {
    /// At the destination.
    Confirmed,
    /// Its call has no answer.
    Open,
    /// Set aside by the engine.
    Held,
    /// Refused by the destination.
    Failed,
    /// Went into another record; `dest_id` is that record's source key.
    Merged,
    /// Left out on purpose.
    Dropped,
}

/// What is known about a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdEntry<'a> {
    /// The destination's id; empty when it has none.
    pub dest_id: &'a str,
    /// Fingerprint of what was written or refused last; 0 when nothing was.
    pub fingerprint: u64,
    /// How it stands.
    pub state: IdState,
    /// How it came to be at the destination.
    pub origin: Option<Origin>,
    /// True when its deferred references are written.
    pub second_pass: bool,
}

impl IdEntry<'_> {
    /// All but the texts and numbers, in seven bits.
    fn flags(&self) -> u8 {
        self.state as u8
            | (self.origin.map_or(0, |o| o.code() + 1) << 3)
            | (u8::from(self.second_pass) << 6)
    }
}

impl<'a> IdEntry<'a> {
    /// The entry with these [`IdEntry::flags`].
    #[inline]
    fn of(dest_id: &'a str, fingerprint: u64, flags: u8) -> IdEntry<'a> {
        let state = STATES.get(usize::from(flags & 7)).copied();
        let origin = ((flags >> 3) & 7).checked_sub(1);
        IdEntry {
            dest_id,
            fingerprint,
            state: state.unwrap_or(IdState::Open),
            origin: origin.and_then(Origin::from_code),
            second_pass: flags & 64 != 0,
        }
    }
}

const STATES: [IdState; 6] = [
    IdState::Confirmed,
    IdState::Open,
    IdState::Held,
    IdState::Failed,
    IdState::Merged,
    IdState::Dropped,
];

fn hash_of(key: &str, part: u32) -> u64 {
    FixedState::default().hash_one((key, part))
}

/// What a record is looked up by.
#[derive(Clone, Copy)]
struct Name<'k> {
    key: &'k str,
    part: u32,
    by: By,
}

#[derive(Clone, Copy)]
enum By {
    Number(u64),
    Hash(u64),
}

impl<'k> Name<'k> {
    #[inline]
    fn new(key: &'k str, part: u32) -> Name<'k> {
        let number = whole_number(key).filter(|_| part == 0);
        let by = number.map_or_else(|| By::Hash(hash_of(key, part)), By::Number);
        Name { key, part, by }
    }
}

/// A segment is sealed before its arena outgrows the offsets.
const ARENA_MAX: usize = 3 << 30;

/// The records of one step as they stood at a moment. Cheap to clone; lookups do not lock.
#[derive(Clone, Default)]
pub struct StepIds {
    sealed: Vec<Arc<Sealed>>,
}

impl StepIds {
    /// What is known about the first part of a record.
    pub fn get(&self, key: &str) -> Option<IdEntry<'_>> {
        self.get_part(key, 0)
    }

    /// What is known about a part of a record.
    pub fn get_part(&self, key: &str, part: u32) -> Option<IdEntry<'_>> {
        let name = Name::new(key, part);
        self.sealed.iter().rev().find_map(|s| s.get(name))
    }

    /// Brings the first parts of records near that will be asked for, by keys that are whole numbers: asked for
    /// together, places that do not depend on each other are waited for together.
    pub fn ahead(&self, keys: &[u64]) {
        let all = self.sealed.iter().map(|segment| segment.touch(keys));
        std::hint::black_box(all.fold(0, |all, one| all ^ one));
    }

    /// Every record, in no order that means anything, but the same in each process that inserted alike.
    pub fn iter(&self) -> impl Iterator<Item = (Cow<'_, str>, u32, IdEntry<'_>)> {
        self.sealed
            .iter()
            .enumerate()
            .flat_map(move |(i, segment)| {
                segment.iter().filter(move |(key, part, _)| {
                    let name = Name::new(key, *part);
                    let later = self.sealed.get(i + 1..);
                    !later.is_some_and(|later| later.iter().any(|s| s.has(name)))
                })
            })
    }
}

#[derive(Default)]
struct StepTable {
    sealed: Vec<Arc<Sealed>>,
    open: Segment,
}

impl StepTable {
    fn seal(&mut self) {
        if self.open.len() == 0 {
            return;
        }
        let open = std::mem::take(&mut self.open);
        self.sealed.push(Arc::new(Sealed::of(&open)));
        // Merge while the last is not clearly smaller than the one before: few segments, few copies.
        while let [.., older, newer] = self.sealed.as_slice() {
            if older.len() > newer.len() * 2 || older.text() + newer.text() > ARENA_MAX {
                break;
            }
            let all = Arc::new(Sealed::merged(older, newer));
            self.sealed.truncate(self.sealed.len() - 2);
            self.sealed.push(all);
        }
    }
}

/// The id map of a run.
pub struct IdMap {
    steps: Vec<RwLock<StepTable>>,
}

impl IdMap {
    /// An empty map for so many steps.
    pub fn new(steps: usize) -> IdMap {
        IdMap {
            steps: (0..steps).map(|_| RwLock::default()).collect(),
        }
    }

    /// Loads what the ledger knows about a step, which stands there by name. Returns the number of records.
    pub fn load(&self, view: &View, step: StepId, name: &str) -> Result<u64, ReadError> {
        let Some(table) = self.steps.get(step.ix()) else {
            return Ok(0);
        };
        let mut table = table.write().unwrap_or_else(PoisonError::into_inner);
        let count = view.each_record(name, |record| {
            let state = match record.state {
                RecordState::Confirmed => IdState::Confirmed,
                // A change of a record that others made, and nothing of it confirmed: it is found by its keys again, and
                // changed again. Taken for a create of ours it would stay as it was.
                RecordState::Intended | RecordState::InDoubt
                    if record.op == Some(WriteOp::Update)
                        && record.dest_id.is_none_or(str::is_empty) =>
                {
                    return;
                }
                RecordState::Intended | RecordState::InDoubt => IdState::Open,
                RecordState::Refused => IdState::Failed,
                RecordState::Merged => IdState::Merged,
                RecordState::Known | RecordState::Absent => return,
            };
            let entry = IdEntry {
                dest_id: match state {
                    IdState::Merged => record.match_key.unwrap_or(""),
                    _ => record.dest_id.unwrap_or(""),
                },
                fingerprint: record.fingerprint.unwrap_or(0),
                state,
                origin: record.origin,
                second_pass: record.second_pass,
            };
            insert(&mut table, record.key, record.part, &entry);
        })?;
        view.each_hold(Some(name), |hold| {
            let name = Name::new(&hold.key, hold.part);
            // What is at the destination stays there while a change of it is held.
            let known = table.open.has(name) || table.sealed.iter().any(|s| s.has(name));
            if !known {
                let entry = IdEntry {
                    dest_id: "",
                    fingerprint: 0,
                    state: IdState::Held,
                    origin: None,
                    second_pass: false,
                };
                insert(&mut table, &hold.key, hold.part, &entry);
            }
        })?;
        table.seal();
        Ok(count)
    }

    /// Says what is known about a record from now on.
    pub fn insert(&self, step: StepId, key: &str, part: u32, entry: &IdEntry<'_>) {
        if let Some(table) = self.steps.get(step.ix()) {
            let mut table = table.write().unwrap_or_else(PoisonError::into_inner);
            insert(&mut table, key, part, entry);
        }
    }

    /// The same for many at once, with one lock.
    pub fn insert_all<'a>(
        &self,
        step: StepId,
        entries: impl IntoIterator<Item = (&'a str, u32, IdEntry<'a>)>,
    ) {
        if let Some(table) = self.steps.get(step.ix()) {
            let mut table = table.write().unwrap_or_else(PoisonError::into_inner);
            for (key, part, entry) in entries {
                insert(&mut table, key, part, &entry);
            }
        }
    }

    /// Reads one record as it stands now. For many lookups take a [`snapshot`](IdMap::snapshot).
    pub fn with<T>(
        &self,
        step: StepId,
        key: &str,
        part: u32,
        read: impl FnOnce(IdEntry<'_>) -> T,
    ) -> Option<T> {
        let table = self.steps.get(step.ix())?;
        let table = table.read().unwrap_or_else(PoisonError::into_inner);
        let name = Name::new(key, part);
        let sealed = || table.sealed.iter().rev().find_map(|s| s.get(name));
        let entry = table.open.get(name).or_else(sealed)?;
        Some(read(entry))
    }

    /// The records of a step as they stand now. Later inserts do not show in it.
    pub fn snapshot(&self, step: StepId) -> StepIds {
        let Some(table) = self.steps.get(step.ix()) else {
            return StepIds::default();
        };
        let mut table = table.write().unwrap_or_else(PoisonError::into_inner);
        table.seal();
        StepIds {
            sealed: table.sealed.clone(),
        }
    }

    /// Bytes in use, for reports.
    pub fn bytes(&self) -> usize {
        self.steps
            .iter()
            .map(|t| {
                let table = t.read().unwrap_or_else(PoisonError::into_inner);
                table.open.bytes() + table.sealed.iter().map(|s| s.bytes()).sum::<usize>()
            })
            .sum()
    }
}

fn insert(table: &mut StepTable, key: &str, part: u32, entry: &IdEntry<'_>) {
    if table.open.text() + key.len() + entry.dest_id.len() > ARENA_MAX {
        table.seal();
    }
    table.open.insert(Name::new(key, part), entry);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn entry(id: &str, fingerprint: u64, state: IdState) -> IdEntry<'_> {
        IdEntry {
            dest_id: id,
            fingerprint,
            state,
            origin: Some(Origin::Created),
            second_pass: fingerprint.is_multiple_of(2),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Against a plain map, with snapshots taken at any moment.
        #[test]
        fn it_is_a_map(inserts in prop::collection::vec((0..40_u32, 0..2_u32, any::<u64>(), 0..6_usize, 0..8_u8), 0..200)) {
            let map = IdMap::new(1);
            type Model = HashMap<(String, u32), (String, u64, IdState)>;
            let mut model = Model::new();
            let mut old: Vec<(StepIds, Model)> = Vec::new();
            for (key, part, number, state, snapshot) in inserts {
                // Numbers and other texts go different ways.
                let key = match key % 2 {
                    0 => format!("key {key}"),
                    _ => key.to_string(),
                };
                // Short ids and long ones go different ways, too.
                let id = "é".repeat((number % 12) as usize);
                map.insert(StepId(0), &key, part, &entry(&id, number, STATES[state]));
                prop_assert_eq!(map.with(StepId(0), &key, part, |e| e.fingerprint), Some(number));
                model.insert((key, part), (id, number, STATES[state]));
                if snapshot == 0 {
                    old.push((map.snapshot(StepId(0)), model.clone()));
                }
            }
            old.push((map.snapshot(StepId(0)), model));
            for (ids, model) in old {
                prop_assert!(ids.get("nobody").is_none());
                prop_assert_eq!(ids.iter().count(), model.len());
                for ((key, part), (id, number, state)) in model {
                    prop_assert_eq!(ids.get_part(&key, part), Some(entry(&id, number, state)));
                }
            }
        }
    }

    #[test]
    fn a_key_costs_less_than_61_bytes() {
        let map = IdMap::new(1);
        let count = 200_000;
        for n in 0..count {
            let (key, id) = (format!("{n:08}"), format!("{}", 70_000_000_000_u64 + n));
            map.insert(StepId(0), &key, 0, &entry(&id, n, IdState::Confirmed));
        }
        let ids = map.snapshot(StepId(0));
        assert_eq!(ids.get("00000042").unwrap().dest_id, "70000000042");
        let each = map.bytes() / usize::try_from(count).unwrap();
        assert!(each <= 61, "{each} bytes a key");
    }

    #[test]
    fn many_snapshots_leave_few_segments() {
        let map = IdMap::new(1);
        for n in 0..5_000 {
            map.insert(
                StepId(0),
                &n.to_string(),
                0,
                &entry("1", 1, IdState::Confirmed),
            );
            let _ = map.snapshot(StepId(0));
        }
        assert!(map.snapshot(StepId(0)).sealed.len() <= 14);
    }

    #[test]
    fn an_unknown_step_knows_nothing() {
        let map = IdMap::new(1);
        map.insert(StepId(3), "a", 0, &entry("1", 1, IdState::Confirmed));
        assert!(map.snapshot(StepId(3)).get("a").is_none());
        assert!(map.with(StepId(3), "a", 0, |_| ()).is_none());
    }
}
