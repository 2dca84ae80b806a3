//! The segment that takes new entries: slots in the order they came, found by number or by hash.

use super::{By, IdEntry, Name, hash_of};
use crate::value::NumberMap;
use hashbrown::HashTable;

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

const ID_MAX: usize = (1 << 24) - 1;

/// Records by name, as they come. Later ones replace earlier ones of the same name.
#[derive(Default)]
pub(super) struct Segment {
    /// Positions of the first parts of records whose key is a whole number.
    numbers: NumberMap,
    /// Positions of all others.
    table: HashTable<u32>,
    slots: Vec<Slot>,
    arena: String,
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
        let id = self.arena.get(at..at + len).unwrap_or("");
        IdEntry::of(id, slot.fingerprint, flags)
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

    /// What is known about a record.
    pub fn get(&self, name: Name<'_>) -> Option<IdEntry<'_>> {
        let slot = self.slots.get(self.find(name)?)?;
        Some(self.entry(slot))
    }

    /// True when something is.
    pub fn has(&self, name: Name<'_>) -> bool {
        self.find(name).is_some()
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Bytes of text.
    pub fn text(&self) -> usize {
        self.arena.len()
    }

    /// Every record in the order in which they came first.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u32, IdEntry<'_>)> {
        let slots = self.slots.iter();
        slots.map(|slot| (self.key(slot), slot.part, self.entry(slot)))
    }

    /// The one that came at this place.
    pub fn entry_at(&self, at: usize) -> Option<IdEntry<'_>> {
        Some(self.entry(self.slots.get(at)?))
    }

    /// Says what is known about a record.
    pub fn insert(&mut self, name: Name<'_>, entry: &IdEntry<'_>) {
        let Name { key, part, by } = name;
        let id = id_of(entry);
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

    /// Gives back room that is not needed.
    pub fn shrink(&mut self) {
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

    /// Bytes in use.
    pub fn bytes(&self) -> usize {
        self.arena.capacity()
            + self.slots.capacity() * size_of::<Slot>()
            + self.table.allocation_size()
            + self.numbers.bytes()
    }
}

/// The id of an entry. One of 16 MiB is none; it is cut so that the rest stays right, and will never be found again.
pub(super) fn id_of<'e>(entry: &IdEntry<'e>) -> &'e str {
    let most = entry.dest_id.len().min(ID_MAX);
    entry.dest_id.get(..most).unwrap_or("")
}
