//! Look-up of kept records by the values of some fields: interned keys, and per key its rows or only their number.

use super::{
    order,
    overflow::Room,
    sorted::{self, Sorted},
    store::Store,
    text::{self, KEY_SEPARATOR},
};
use crate::{
    ident::{FieldId, ObjectId},
    mapping::{OrderBy, When},
    value::{NumberCounts, NumberMap, Value, whole_number},
};
use bumpalo::Bump;
use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// What is looked up by what.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct IndexSpec {
    /// The object looked up.
    pub object: ObjectId,
    /// The fields that make the key; a record with a blank one is not found.
    pub fields: Vec<FieldId>,
    /// The order of the rows of one key; then source order.
    pub order: Vec<OrderBy>,
    /// False when only the number of rows is wanted.
    pub rows: bool,
    /// Only records for which this holds.
    pub filter: Option<When>,
}

/// Texts that are stored once and named by number. Whole numbers, the usual ids, need no text.
#[derive(Debug, Default)]
struct Interner {
    numbers: NumberMap,
    text: String,
    /// For each text its number and its end.
    ends: Vec<u64>,
    names: Vec<u32>,
    table: HashTable<u32>,
    count: u32,
}

impl Interner {
    fn get(&self, at: u32) -> &str {
        let at = at as usize;
        let from = if at == 0 {
            0
        } else {
            self.ends[at - 1] as usize
        };
        &self.text[from..self.ends[at] as usize]
    }

    fn bytes(&self) -> usize {
        self.numbers.bytes()
            + self.text.capacity()
            + self.ends.capacity() * size_of::<u64>()
            + self.names.capacity() * size_of::<u32>()
            + self.table.allocation_size()
    }

    /// The hash of each text, by its number.
    fn hashes(&self) -> Vec<u128> {
        let mut all = vec![0; self.count as usize];
        for (number, id) in self.numbers.iter() {
            if let Some(slot) = all.get_mut(id as usize) {
                *slot = sorted::hash(&number.to_string());
            }
        }
        for (at, id) in (0u32..).zip(&self.names) {
            if let Some(slot) = all.get_mut(*id as usize) {
                *slot = sorted::hash(self.get(at));
            }
        }
        all
    }

    fn find(&self, key: &str) -> Option<u32> {
        if let Some(number) = whole_number(key) {
            return self.numbers.get(number);
        }
        let at = self
            .table
            .find(xxh3_64(key.as_bytes()), |at| self.get(*at) == key)?;
        self.names.get(*at as usize).copied()
    }

    /// The number of a text, new or not; `None` when there are four thousand million.
    fn intern(&mut self, key: &str) -> Option<u32> {
        let next = self.count;
        if let Some(number) = whole_number(key) {
            let id = self.numbers.get_or_insert(number, next);
            if id == next {
                self.count = next.checked_add(1)?;
            }
            return Some(id);
        }
        if let Some(id) = self.find(key) {
            return Some(id);
        }
        self.count = next.checked_add(1)?;
        let at = u32::try_from(self.ends.len()).ok()?;
        self.text.push_str(key);
        self.ends.push(self.text.len() as u64);
        self.names.push(next);
        let (text, ends) = (&self.text, &self.ends);
        self.table.insert_unique(xxh3_64(key.as_bytes()), at, |at| {
            let at = *at as usize;
            let from = if at == 0 { 0 } else { ends[at - 1] as usize };
            xxh3_64(&text.as_bytes()[from..ends[at] as usize])
        });
        Some(next)
    }
}

/// An index under construction.
#[derive(Debug)]
pub(crate) struct IndexBuilder {
    spec: IndexSpec,
    keys: Interner,
    counts: Vec<u32>,
    /// How many rows whole numbers have, when only that is wanted.
    tally: NumberCounts,
    pairs: Vec<(u32, u32)>,
    /// What outgrew its memory.
    outside: Vec<Sorted>,
    scratch: String,
}

impl IndexBuilder {
    /// An empty one.
    pub fn new(spec: IndexSpec) -> IndexBuilder {
        IndexBuilder {
            spec,
            keys: Interner::default(),
            counts: Vec::new(),
            tally: NumberCounts::default(),
            pairs: Vec::new(),
            outside: Vec::new(),
            scratch: String::new(),
        }
    }

    /// Adds a record: the values of the key's fields and its row in the store.
    pub fn add<'v>(&mut self, values: impl Iterator<Item = Value<'v>>, row: u32) {
        let mut scratch = std::mem::take(&mut self.scratch);
        let found = key_of(values, &mut scratch);
        if found
            && !self.spec.rows
            && let Some(number) = whole_number(&scratch)
        {
            self.tally.add_one(number);
        } else if found && let Some(id) = self.keys.intern(&scratch) {
            let at = id as usize;
            if at >= self.counts.len() {
                self.counts.resize(at + 1, 0);
            }
            self.counts[at] = self.counts[at].saturating_add(1);
            if self.spec.rows {
                self.pairs.push((id, row));
            }
        }
        self.scratch = scratch;
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        self.keys.bytes()
            + self.counts.capacity() * size_of::<u32>()
            + self.tally.bytes()
            + self.pairs.capacity() * size_of::<(u32, u32)>()
    }

    /// Puts what is in memory outside.
    pub fn spill(&mut self, room: &Room) {
        let hashes = self.keys.hashes();
        let mut entries: Vec<(u128, u32)> = match self.spec.rows {
            true => self
                .pairs
                .iter()
                .filter_map(|(id, row)| Some((*hashes.get(*id as usize)?, *row)))
                .collect(),
            false => hashes
                .iter()
                .copied()
                .zip(self.counts.iter().copied())
                .collect(),
        };
        let tally = self.tally.iter();
        entries.extend(tally.map(|(number, count)| (sorted::hash(&number.to_string()), count)));
        if !entries.is_empty() {
            self.outside.push(Sorted::of(entries, room));
        }
        self.keys = Interner::default();
        self.counts = Vec::new();
        self.tally = NumberCounts::default();
        self.pairs = Vec::new();
    }

    /// The same as [`IndexBuilder::finish`] of what outgrew its memory.
    fn finish_outside(
        mut self,
        room: &Room,
        store: Option<&Store>,
        survivor: &dyn Fn(u32) -> u32,
    ) -> Index {
        self.spill(room);
        let spec = self.spec;
        let mut arena = Bump::new();
        let all = Sorted::merged(&self.outside, room, |values| {
            if spec.rows {
                settle(values, store, survivor, &spec.order, &arena);
                arena.reset();
            } else {
                let sum = values.iter().fold(0u32, |sum, n| sum.saturating_add(*n));
                values.clear();
                values.push(sum);
            }
        });
        Index {
            outside: Some((all, room.clone())),
            ..Index::empty(spec)
        }
    }

    /// Sorts the rows of each key and turns merged rows into their survivors, each once. `room`: where what outgrew its
    /// memory went.
    pub fn finish(
        self,
        room: Option<&Room>,
        store: Option<&Store>,
        survivor: &dyn Fn(u32) -> u32,
    ) -> Index {
        if let Some(room) = room.filter(|_| !self.outside.is_empty()) {
            return self.finish_outside(room, store, survivor);
        }
        let mut index = Index {
            keys: self.keys,
            counts: self.counts,
            tally: self.tally,
            ..Index::empty(self.spec)
        };
        if !index.spec.rows {
            return index;
        }
        let mut offsets = Vec::with_capacity(index.counts.len() + 1);
        let mut total = 0u32;
        for count in &index.counts {
            offsets.push(total);
            total += count;
        }
        let mut rows = vec![0u32; total as usize];
        let mut next = offsets.clone();
        for (id, row) in self.pairs {
            let at = &mut next[id as usize];
            rows[*at as usize] = row;
            *at += 1;
        }
        let mut arena = Bump::new();
        for (id, count) in index.counts.iter_mut().enumerate() {
            if *count < 2 {
                if let Some(row) = rows.get_mut(offsets[id] as usize)
                    && *count == 1
                {
                    *row = survivor(*row);
                }
                continue;
            }
            let from = offsets[id] as usize;
            let group = &mut rows[from..from + *count as usize];
            let mut kept = group.to_vec();
            settle(&mut kept, store, survivor, &index.spec.order, &arena);
            group[..kept.len()].copy_from_slice(&kept);
            *count = kept.len() as u32;
            arena.reset();
        }
        index.offsets = offsets;
        index.rows = rows;
        index
    }
}

/// The rows of one key: survivors, each once, in order.
fn settle(
    rows: &mut Vec<u32>,
    store: Option<&Store>,
    survivor: &dyn Fn(u32) -> u32,
    order: &[OrderBy],
    arena: &Bump,
) {
    rows.iter_mut().for_each(|row| *row = survivor(*row));
    rows.sort_unstable();
    rows.dedup();
    if let Some(store) = store {
        sort_rows(rows, store, order, arena);
    }
}

/// Sorts rows by an order, then by source order.
pub(crate) fn sort_rows(rows: &mut [u32], store: &Store, order: &[OrderBy], arena: &Bump) {
    if order.is_empty() || rows.len() < 2 {
        rows.sort_unstable();
        return;
    }
    let mut keyed: Vec<(u32, Vec<(Value<'_>, bool)>)> = rows
        .iter()
        .map(|row| {
            let values = order.iter().map(|by| {
                let value = match store.columns.position(by.field) {
                    Some(column) => store.value(*row, column, arena),
                    None => Value::Absent,
                };
                (value, by.descending)
            });
            (*row, values.collect())
        })
        .collect();
    keyed.sort_by(|(row_a, a), (row_b, b)| {
        a.iter()
            .zip(b)
            .map(|((x, descending), (y, _))| order::sorting(x, y, *descending))
            .find(|o| o.is_ne())
            .unwrap_or(row_a.cmp(row_b))
    });
    for (slot, (row, _)) in rows.iter_mut().zip(keyed) {
        *slot = row;
    }
}

/// Writes the key of some values; false when one of them is not there.
pub(crate) fn key_of<'v>(values: impl Iterator<Item = Value<'v>>, out: &mut String) -> bool {
    out.clear();
    let mut any = false;
    for value in values {
        if any {
            out.push(KEY_SEPARATOR);
        }
        any = true;
        let from = out.len();
        match value {
            Value::Text(t) => text::push_folded(out, t),
            v if v.is_present() => text::push(out, &v),
            _ => return false,
        }
        if out.len() == from {
            return false;
        }
    }
    any
}

/// A finished index.
#[derive(Debug)]
pub(crate) struct Index {
    /// What it looks up.
    pub spec: IndexSpec,
    keys: Interner,
    counts: Vec<u32>,
    tally: NumberCounts,
    offsets: Vec<u32>,
    rows: Vec<u32>,
    /// All of it, when it outgrew its memory.
    outside: Option<(Sorted, Room)>,
}

impl Index {
    fn empty(spec: IndexSpec) -> Index {
        Index {
            spec,
            keys: Interner::default(),
            counts: Vec::new(),
            tally: NumberCounts::default(),
            offsets: Vec::new(),
            rows: Vec::new(),
            outside: None,
        }
    }

    /// The number of records with a key.
    pub fn count(&self, key: &str) -> u32 {
        if let Some((outside, _)) = &self.outside {
            let found = outside.find(sorted::hash(key));
            return match self.spec.rows {
                true => found.len() as u32,
                false => found.first().copied().unwrap_or(0),
            };
        }
        if !self.spec.rows
            && let Some(number) = whole_number(key)
        {
            return self.tally.get(number);
        }
        self.keys
            .find(key)
            .and_then(|id| self.counts.get(id as usize).copied())
            .unwrap_or(0)
    }

    /// The rows with a key, in order; empty when only numbers are kept.
    pub fn rows<'a>(&'a self, key: &str, arena: &'a Bump) -> &'a [u32] {
        if let Some((outside, _)) = &self.outside {
            return match self.spec.rows {
                true => arena.alloc_slice_copy(&outside.find(sorted::hash(key))),
                false => &[],
            };
        }
        let Some(id) = self.keys.find(key) else {
            return &[];
        };
        let (Some(from), Some(count)) =
            (self.offsets.get(id as usize), self.counts.get(id as usize))
        else {
            return &[];
        };
        let from = *from as usize;
        self.rows.get(from..from + *count as usize).unwrap_or(&[])
    }

    /// The same look-up with merged rows turned into their survivors, each once.
    pub fn surviving(mut self, survivor: &dyn Fn(u32) -> u32) -> Index {
        if let Some((outside, room)) = self.outside {
            // Sorted already, and a survivor stands first in its group: what is left stays in order.
            let all = Sorted::merged(&[outside], &room, |rows| first_survivors(rows, survivor));
            return Index {
                outside: Some((all, room)),
                ..Index::empty(self.spec)
            };
        }
        for (count, from) in self.counts.iter_mut().zip(&self.offsets) {
            let from = *from as usize;
            let group = self.rows.get(from..from + *count as usize);
            let mut kept = group.unwrap_or(&[]).to_vec();
            first_survivors(&mut kept, survivor);
            if let Some(group) = self.rows.get_mut(from..from + kept.len()) {
                group.copy_from_slice(&kept);
            }
            *count = kept.len() as u32;
        }
        self
    }

    /// All keys with more than one row: their rows in order, keys in the order of their first rows.
    pub fn repeated(&self) -> Vec<Vec<u32>> {
        let mut lists = Vec::new();
        if let Some((outside, _)) = &self.outside {
            outside.each(|_, rows| {
                if rows.len() > 1 {
                    lists.push(rows.clone());
                }
            });
        }
        for (count, from) in self.counts.iter().zip(&self.offsets) {
            let from = *from as usize;
            let rows = self.rows.get(from..from + *count as usize);
            lists.extend(rows.filter(|r| r.len() > 1).map(<[u32]>::to_vec));
        }
        lists.sort_by_key(|rows: &Vec<u32>| rows.iter().min().copied());
        lists
    }
}

/// Turns rows into survivors, each once, where it stands first.
fn first_survivors(rows: &mut Vec<u32>, survivor: &dyn Fn(u32) -> u32) {
    let mut kept = Vec::with_capacity(rows.len());
    for row in rows.iter() {
        let row = survivor(*row);
        if kept.last() != Some(&row) && !kept.contains(&row) {
            kept.push(row);
        }
    }
    *rows = kept;
}
