//! The id map in memory: source key and part to the destination's id, per step.
//!
//! It answers millions of references while a run inserts, so it neither locks nor copies on the way: a
//! [`StepIds`] snapshot is a few immutable segments, and its answers borrow from it. New entries go into one
//! open segment; a snapshot seals that. Segments are merged in the manner of a binary counter, so that there
//! are few of them however often snapshots are taken. Later entries replace earlier ones.

use super::{
    view::{ReadError, RecordState, View},
    words::{Origin, WriteOp},
};
use crate::{
    ident::StepId,
    value::{NumberMap, whole_number},
};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::{
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
    fn flags(&self) -> u8 {
        self.state as u8
            | (self.origin.map_or(0, |o| o.code() + 1) << 3)
            | (u8::from(self.second_pass) << 6)
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

/// One record: its key and then its id stand in the arena from `at` on.
#[derive(Clone, Copy)]
struct Slot {
    fingerprint: u64,
    at: u32,
    key_len: u32,
    part: u32,
    /// The lower 24 bits are the length of the id, the upper 8 the flags.
    tail: u32,
}

/// Records of a segment that are near anyway.
const NEAR: usize = 4096;
const ID_MAX: usize = (1 << 24) - 1;
/// A segment is sealed before its arena outgrows the offsets.
const ARENA_MAX: usize = 3 << 30;

#[derive(Default)]
struct Segment {
    /// Positions of the first parts of records whose key is a whole number.
    numbers: NumberMap,
    /// Positions of all others.
    table: HashTable<u32>,
    slots: Vec<Slot>,
    arena: String,
}

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

impl Segment {
    fn key(&self, slot: &Slot) -> &str {
        let at = slot.at as usize;
        self.arena.get(at..at + slot.key_len as usize).unwrap_or("")
    }

    fn entry(&self, slot: &Slot) -> IdEntry<'_> {
        let at = slot.at as usize + slot.key_len as usize;
        let len = slot.tail as usize & ID_MAX;
        let flags = (slot.tail >> 24) as u8;
        IdEntry {
            dest_id: self.arena.get(at..at + len).unwrap_or(""),
            fingerprint: slot.fingerprint,
            state: STATES
                .get(usize::from(flags & 7))
                .copied()
                .unwrap_or(IdState::Open),
            origin: ((flags >> 3) & 7)
                .checked_sub(1)
                .and_then(Origin::from_code),
            second_pass: flags & 64 != 0,
        }
    }

    #[inline]
    fn find(&self, name: Name<'_>) -> Option<usize> {
        let found = match name.by {
            By::Number(n) => self.numbers.get(n),
            By::Hash(hash) => self
                .table
                .find(hash, |ix| {
                    self.slots
                        .get(*ix as usize)
                        .is_some_and(|s| s.part == name.part && self.key(s) == name.key)
                })
                .copied(),
        };
        found.map(|ix| ix as usize)
    }

    fn get(&self, name: Name<'_>) -> Option<IdEntry<'_>> {
        let slot = self.slots.get(self.find(name)?)?;
        Some(self.entry(slot))
    }

    fn insert(&mut self, name: Name<'_>, entry: &IdEntry<'_>) {
        let Name { key, part, by } = name;
        // An id of 16 MiB is none; it is cut so that the rest stays right, and will never be found again.
        let id = entry
            .dest_id
            .get(..entry.dest_id.len().min(ID_MAX))
            .unwrap_or("");
        let tail = (u32::from(entry.flags()) << 24) | u32::try_from(id.len()).unwrap_or(0);
        if let Some(ix) = self.find(name) {
            let same = self
                .slots
                .get(ix)
                .is_some_and(|s| self.entry(s).dest_id == id);
            let at = if same {
                None
            } else {
                let at = u32::try_from(self.arena.len()).unwrap_or(u32::MAX);
                self.arena.push_str(key);
                self.arena.push_str(id);
                Some(at)
            };
            if let Some(slot) = self.slots.get_mut(ix) {
                slot.fingerprint = entry.fingerprint;
                slot.tail = tail;
                slot.at = at.unwrap_or(slot.at);
            }
            return;
        }
        let slot = Slot {
            fingerprint: entry.fingerprint,
            at: u32::try_from(self.arena.len()).unwrap_or(u32::MAX),
            key_len: u32::try_from(key.len()).unwrap_or(u32::MAX),
            part,
            tail,
        };
        self.arena.push_str(key);
        self.arena.push_str(id);
        let ix = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.slots.push(slot);
        let hash = match by {
            By::Number(n) => return self.numbers.insert(n, ix),
            By::Hash(hash) => hash,
        };
        let Segment {
            table,
            slots,
            arena,
            ..
        } = self;
        table.insert_unique(hash, ix, |ix| {
            slots.get(*ix as usize).map_or(0, |s| {
                let at = s.at as usize;
                hash_of(arena.get(at..at + s.key_len as usize).unwrap_or(""), s.part)
            })
        });
    }

    fn shrink(&mut self) {
        let Segment {
            table,
            slots,
            arena,
            ..
        } = self;
        slots.shrink_to_fit();
        arena.shrink_to_fit();
        table.shrink_to_fit(|ix| {
            slots.get(*ix as usize).map_or(0, |s| {
                let at = s.at as usize;
                hash_of(arena.get(at..at + s.key_len as usize).unwrap_or(""), s.part)
            })
        });
    }

    /// Both in one; entries of `newer` win.
    fn merged(older: &Segment, newer: &Segment) -> Segment {
        let mut all = Segment {
            numbers: NumberMap::default(),
            table: HashTable::with_capacity(older.table.len() + newer.table.len()),
            slots: Vec::with_capacity(older.slots.len() + newer.slots.len()),
            arena: String::with_capacity(older.arena.len() + newer.arena.len()),
        };
        for slot in &older.slots {
            let name = Name::new(older.key(slot), slot.part);
            if newer.find(name).is_none() {
                all.insert(name, &older.entry(slot));
            }
        }
        for slot in &newer.slots {
            let name = Name::new(newer.key(slot), slot.part);
            all.insert(name, &newer.entry(slot));
        }
        all.shrink();
        all
    }

    fn bytes(&self) -> usize {
        self.arena.capacity()
            + self.slots.capacity() * size_of::<Slot>()
            + self.table.allocation_size()
            + self.numbers.bytes()
    }
}

/// The records of one step as they stood at a moment. Cheap to clone; lookups do not lock.
#[derive(Clone, Default)]
pub struct StepIds {
    sealed: Vec<Arc<Segment>>,
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

    /// Brings the first parts of records near that will be asked for, by keys that are whole numbers. Places that
    /// do not depend on each other are waited for together, so each kind of place has its own loop.
    pub fn ahead(&self, keys: &[u64]) {
        let mut touched = 0;
        for segment in self.sealed.iter().filter(|s| s.slots.len() > NEAR) {
            let found: Vec<u32> = keys
                .iter()
                .filter_map(|k| segment.numbers.get(*k))
                .collect();
            let slots = found
                .iter()
                .filter_map(|ix| segment.slots.get(*ix as usize));
            let ends: Vec<u32> = slots.map(|s| s.at.saturating_add(s.key_len)).collect();
            let arena = segment.arena.as_bytes();
            let bytes = ends.iter().filter_map(|at| arena.get(*at as usize));
            touched = bytes.fold(touched, |all, b| all ^ b);
        }
        std::hint::black_box(touched);
    }

    /// Every record, in no order that means anything, but the same in each process that inserted alike.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u32, IdEntry<'_>)> {
        self.sealed
            .iter()
            .enumerate()
            .flat_map(move |(i, segment)| {
                segment.slots.iter().filter_map(move |slot| {
                    let key = segment.key(slot);
                    let name = Name::new(key, slot.part);
                    let replaced = self
                        .sealed
                        .get(i + 1..)
                        .is_some_and(|later| later.iter().any(|s| s.find(name).is_some()));
                    (!replaced).then(|| (key, slot.part, segment.entry(slot)))
                })
            })
    }
}

#[derive(Default)]
struct StepTable {
    sealed: Vec<Arc<Segment>>,
    open: Segment,
}

impl StepTable {
    fn seal(&mut self) {
        if self.open.slots.is_empty() {
            return;
        }
        self.open.shrink();
        self.sealed.push(Arc::new(std::mem::take(&mut self.open)));
        // Merge while the last is not clearly smaller than the one before: few segments, few copies.
        while let [.., older, newer] = self.sealed.as_slice() {
            if older.slots.len() > newer.slots.len() * 2
                || older.arena.len() + newer.arena.len() > ARENA_MAX
            {
                break;
            }
            let all = Arc::new(Segment::merged(older, newer));
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
            let known = table.open.find(name).is_some()
                || table.sealed.iter().any(|s| s.find(name).is_some());
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
    if table.open.arena.len() + key.len() + entry.dest_id.len() > ARENA_MAX {
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
                let id = format!("{}", number % 1000);
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
