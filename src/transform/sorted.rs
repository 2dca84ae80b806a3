//! Look-ups that outgrew their memory: keys by hash, sorted, in blocks outside; the first hash of each block inside.
//!
//! A key is its 128-bit hash: that two of ten million keys share one has a chance of 1 in 10^24.

use super::overflow::Room;
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, binary_heap::PeekMut},
};
use xxhash_rust::xxh3::xxh3_128;

/// Entries of a block.
const BLOCK: usize = 256;
/// Bytes of an entry: the hash, and a row or a number.
const ENTRY: usize = 20;

/// A key and what stands for it.
type Entry = (u128, u32);

/// The hash of a key.
pub(crate) fn hash(key: &str) -> u128 {
    xxh3_128(key.as_bytes())
}

#[derive(Debug)]
struct Block {
    /// The first hash in it.
    first: u128,
    at: u64,
    entries: u32,
}

/// Entries in the order of their hashes.
#[derive(Debug)]
pub(crate) struct Sorted {
    blocks: Vec<Block>,
    room: Room,
}

impl Sorted {
    /// Sorts entries and writes them. Those of one hash stay in the order of their second halves.
    pub fn of(mut entries: Vec<Entry>, room: &Room) -> Sorted {
        entries.sort_unstable();
        let mut writer = Writer::new(room);
        entries.into_iter().for_each(|e| writer.push(e));
        writer.finish()
    }

    /// The values of a hash, in their order.
    pub fn find(&self, hash: u128) -> Vec<u32> {
        // Equal hashes may have begun in the block before the first that begins with one.
        let from = self.blocks.partition_point(|b| b.first < hash);
        let mut found = Vec::new();
        for block in self.blocks.get(from.saturating_sub(1)..).unwrap_or(&[]) {
            if block.first > hash {
                break;
            }
            let entries = self.entries(block);
            let start = entries.partition_point(|(h, _)| *h < hash);
            let rest = entries.get(start..).unwrap_or(&[]);
            found.extend(rest.iter().take_while(|(h, _)| *h == hash).map(|(_, v)| v));
        }
        found
    }

    /// Every hash with its values, in the order of hashes.
    pub fn each(&self, mut each: impl FnMut(u128, &mut Vec<u32>)) {
        groups(self.iter(), &mut each);
    }

    /// Several lists in one: for every hash what `each` leaves of its values.
    pub fn merged(lists: &[Sorted], room: &Room, mut each: impl FnMut(&mut Vec<u32>)) -> Sorted {
        let mut writer = Writer::new(room);
        let all = Merged::new(lists.iter().map(Sorted::iter).collect());
        groups(all, &mut |hash, values| {
            each(values);
            for value in values.iter() {
                writer.push((hash, *value));
            }
        });
        writer.finish()
    }

    fn iter(&self) -> impl Iterator<Item = Entry> {
        self.blocks.iter().flat_map(|b| self.entries(b))
    }

    fn entries(&self, block: &Block) -> Vec<Entry> {
        let mut bytes = vec![0; block.entries as usize * ENTRY];
        self.room.read(block.at, &mut bytes);
        let (entries, _) = bytes.as_chunks::<ENTRY>();
        let entries = entries.iter().map(|e| {
            let (mut hash, mut value) = ([0; 16], [0; 4]);
            hash.copy_from_slice(&e[..16]);
            value.copy_from_slice(&e[16..]);
            (u128::from_le_bytes(hash), u32::from_le_bytes(value))
        });
        entries.collect()
    }
}

/// Calls `each` for every hash with its values.
fn groups(entries: impl Iterator<Item = Entry>, each: &mut impl FnMut(u128, &mut Vec<u32>)) {
    let mut values = Vec::new();
    let mut current = None;
    for (hash, value) in entries {
        if current.is_some_and(|c| c != hash) {
            each(current.unwrap_or_default(), &mut values);
            values.clear();
        }
        current = Some(hash);
        values.push(value);
    }
    if let Some(hash) = current {
        each(hash, &mut values);
    }
}

/// Entries of sorted lists in one order.
struct Merged<I> {
    lists: Vec<I>,
    next: BinaryHeap<Reverse<(Entry, usize)>>,
}

impl<I: Iterator<Item = Entry>> Merged<I> {
    fn new(mut lists: Vec<I>) -> Merged<I> {
        let firsts = lists.iter_mut().enumerate();
        let next = firsts.filter_map(|(at, l)| Some(Reverse((l.next()?, at))));
        Merged {
            next: next.collect(),
            lists,
        }
    }
}

impl<I: Iterator<Item = Entry>> Iterator for Merged<I> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        let mut top = self.next.peek_mut()?;
        let Reverse((entry, at)) = *top;
        match self.lists.get_mut(at).and_then(Iterator::next) {
            Some(following) => *top = Reverse((following, at)),
            None => {
                PeekMut::pop(top);
            }
        }
        Some(entry)
    }
}

/// Writes a sorted list block by block.
struct Writer<'r> {
    room: &'r Room,
    blocks: Vec<Block>,
    bytes: Vec<u8>,
    first: u128,
}

impl<'r> Writer<'r> {
    fn new(room: &'r Room) -> Writer<'r> {
        Writer {
            room,
            blocks: Vec::new(),
            bytes: Vec::with_capacity(BLOCK * ENTRY),
            first: 0,
        }
    }

    fn push(&mut self, (hash, value): Entry) {
        if self.bytes.is_empty() {
            self.first = hash;
        }
        self.bytes.extend_from_slice(&hash.to_le_bytes());
        self.bytes.extend_from_slice(&value.to_le_bytes());
        if self.bytes.len() >= BLOCK * ENTRY {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.bytes.is_empty() {
            return;
        }
        self.blocks.push(Block {
            first: self.first,
            at: self.room.append(&self.bytes),
            entries: (self.bytes.len() / ENTRY) as u32,
        });
        self.bytes.clear();
    }

    fn finish(mut self) -> Sorted {
        self.flush();
        Sorted {
            blocks: self.blocks,
            room: self.room.clone(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::transform::overflow::Overflow;
    use proptest::prelude::*;
    use std::{
        collections::BTreeMap,
        sync::{Arc, Mutex},
    };

    /// An overflow in memory.
    #[derive(Debug, Default)]
    pub(crate) struct Bytes(Mutex<Vec<u8>>);

    impl Overflow for Bytes {
        fn append(&self, bytes: &[u8]) -> u64 {
            let mut all = self.0.lock().unwrap();
            let at = all.len() as u64;
            all.extend_from_slice(bytes);
            at
        }
        fn read(&self, at: u64, out: &mut [u8]) {
            let at = at as usize;
            out.copy_from_slice(&self.0.lock().unwrap()[at..at + out.len()]);
        }
        fn failure(&self) -> Option<String> {
            None
        }
    }

    pub(crate) fn room(most: u64) -> Room {
        Room::new(most, Arc::new(Bytes::default()))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Lists cut anywhere, merged, against a plain map; one hash may fill several blocks.
        #[test]
        fn it_is_a_map_of_lists(keys in prop::collection::vec(0u32..6, 0..2_000), cut in 1usize..700) {
            let room = room(0);
            let mut model: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
            let mut lists = Vec::new();
            let numbered: Vec<(u32, u32)> = (0u32..).zip(keys).map(|(n, k)| (k, n)).collect();
            for part in numbered.chunks(cut) {
                let entries = part.iter().map(|(k, n)| (hash(&k.to_string()), *n));
                lists.push(Sorted::of(entries.collect(), &room));
                for (k, n) in part {
                    model.entry(*k).or_default().push(*n);
                }
            }
            let all = Sorted::merged(&lists, &room, |_| {});
            for k in 0..7u32 {
                let want = model.get(&k).cloned().unwrap_or_default();
                prop_assert_eq!(all.find(hash(&k.to_string())), want);
            }
            let mut seen = 0;
            all.each(|_, values| seen += values.len());
            prop_assert_eq!(seen, numbered.len());
        }
    }
}
