//! Small numbers by whole number: for keys that are numbers, as most ids are.
//!
//! Ids stand close together, so they are kept in blocks of neighbours: a look-up computes no hash of a text, compares
//! no text, and touches one place in memory. Where they do not stand close together, an ordinary hash table takes over.

use super::directory::{BLOCK, Directory, Sparse, place, wasteful};

/// Places for each number beyond which blocks are a waste.
const ROOM: usize = 16;
/// A place that holds nothing.
const NONE: u32 = u32::MAX;

/// A number written the one way it can be written: no sign, no leading zero, at most 18 digits.
#[inline]
pub fn whole_number(key: &str) -> Option<u64> {
    let bytes = key.as_bytes();
    if bytes.is_empty() || bytes.len() > 18 || (bytes[0] == b'0' && bytes.len() > 1) {
        return None;
    }
    let mut n = 0u64;
    for b in bytes {
        if !b.is_ascii_digit() {
            return None;
        }
        n = n * 10 + u64::from(b - b'0');
    }
    Some(n)
}

/// A map from numbers to numbers below `u32::MAX`.
#[derive(Debug, Default)]
pub struct NumberMap {
    directory: Directory,
    blocks: Vec<Box<[u32; BLOCK]>>,
    /// All of it, when numbers are far apart.
    sparse: Option<Sparse>,
    count: usize,
}

impl NumberMap {
    /// The number of entries.
    pub fn len(&self) -> usize {
        self.count
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What stands for a number.
    #[inline]
    pub fn get(&self, key: u64) -> Option<u32> {
        if let Some(sparse) = &self.sparse {
            return sparse.all.get(&key).copied();
        }
        let block = self.blocks.get(self.directory.find(key)?)?;
        Some(block[place(key)]).filter(|v| *v != NONE)
    }

    /// Puts a value there unless one stands there; gives what stands there now. `u32::MAX` is no value.
    pub fn get_or_insert(&mut self, key: u64, value: u32) -> u32 {
        let (slot, count) = self.slot(key);
        if *slot == NONE {
            *slot = value;
            *count += usize::from(value != NONE);
        }
        *slot
    }

    /// Puts a value there. `u32::MAX` is no value.
    pub fn insert(&mut self, key: u64, value: u32) {
        let (slot, count) = self.slot(key);
        *count += usize::from(*slot == NONE && value != NONE);
        *slot = value;
    }

    /// Every number with what stands for it.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u32)> {
        let blocks = self.directory.iter().filter_map(|(first, at)| {
            let block = self.blocks.get(at)?;
            Some((first..).zip(block.iter().copied()))
        });
        let sparse = self.sparse.iter().flat_map(|sparse| &sparse.all);
        let sparse = sparse.map(|(n, v)| (*n, *v));
        blocks.flatten().filter(|(_, v)| *v != NONE).chain(sparse)
    }

    /// Bytes in use.
    pub fn bytes(&self) -> usize {
        let sparse = self.sparse.as_ref().map_or(0, Sparse::bytes);
        self.blocks.len() * size_of::<[u32; BLOCK]>()
            + self.blocks.capacity() * size_of::<usize>()
            + self.directory.bytes()
            + sparse
    }

    /// The place of a number, made as needed, and the number of entries.
    fn slot(&mut self, key: u64) -> (&mut u32, &mut usize) {
        if self.sparse.as_mut().is_some_and(|s| s.is_full(ROOM)) {
            self.gather();
        }
        if self.sparse.is_none() && self.directory.find(key).is_none() {
            self.grow(key);
        }
        if let Some(sparse) = &mut self.sparse {
            return (sparse.all.entry(key).or_insert(NONE), &mut self.count);
        }
        let at = self.directory.find(key).unwrap_or(0);
        (&mut self.blocks[at][place(key)], &mut self.count)
    }

    /// Makes the block of a number, or goes over to a hash table.
    #[cold]
    fn grow(&mut self, key: u64) {
        if wasteful(self.blocks.len(), self.count, ROOM) {
            self.scatter();
            return;
        }
        self.directory.insert(key, self.blocks.len());
        self.blocks.push(Box::new([NONE; BLOCK]));
    }

    fn scatter(&mut self) {
        let all = self.iter().collect();
        self.blocks = Vec::new();
        self.directory = Directory::default();
        self.sparse = Some(Sparse::of(all));
    }

    /// Comes back from the hash table.
    #[cold]
    fn gather(&mut self) {
        let sparse = self.sparse.take().unwrap_or_default();
        for (key, value) in sparse.all {
            let at = self.directory.find(key).unwrap_or_else(|| {
                self.directory.insert(key, self.blocks.len());
                self.blocks.push(Box::new([NONE; BLOCK]));
                self.blocks.len() - 1
            });
            if let Some(block) = self.blocks.get_mut(at) {
                block[place(key)] = value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[test]
    fn only_the_one_way_to_write_a_number_is_one() {
        assert_eq!(whole_number("0"), Some(0));
        assert_eq!(whole_number("402"), Some(402));
        assert_eq!(
            whole_number("999999999999999999"),
            Some(999_999_999_999_999_999)
        );
        for none in ["", "00", "07", "+7", "-7", "7 ", "1234567890123456789", "x"] {
            assert_eq!(whole_number(none), None, "{none:?}");
        }
    }

    #[test]
    fn numbers_far_apart_take_no_blocks() {
        let mut map = NumberMap::default();
        for n in 0..10_000u32 {
            map.insert(u64::from(n) * 1_000_003, n);
        }
        assert_eq!(map.len(), 10_000);
        assert!(map.sparse.is_some());
        assert!(map.bytes() < 10_000 * 64, "{}", map.bytes());
        assert!((0..10_000u32).all(|n| map.get(u64::from(n) * 1_000_003) == Some(n)));
    }

    #[test]
    fn neighbours_cost_little_wherever_they_begin() {
        for first in [1, 16_000_000_000_u64] {
            let mut map = NumberMap::default();
            for n in 0..100_000u32 {
                map.insert(first + u64::from(n), n);
            }
            assert!(map.sparse.is_none());
            assert!(map.bytes() < 100_000 * 5, "{}", map.bytes());
            assert_eq!(map.get(first + 777), Some(777));
            assert_eq!(map.get(first + 100_000), None);
            assert_eq!(map.get(0), None);
        }
    }

    #[test]
    fn neighbours_in_any_order_come_back_from_the_hash_table() {
        let mut map = NumberMap::default();
        let mut went = false;
        for n in 0..100_000u32 {
            map.insert(u64::from(n) * 7_919 % 100_003, n);
            went |= map.sparse.is_some();
        }
        assert!(went && map.sparse.is_none());
        assert_eq!(map.len(), 100_000);
        assert_eq!((map.get(7_919), map.get(100_004)), (Some(1), None));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Against a plain map, near and far.
        #[test]
        fn it_is_a_map(steps in prop::collection::vec((0..300_u64, 0..2_u8, 0..4_u8), 0..400), spread in prop::sample::select(vec![1_u64, 7, 5_000, 99_999_999_999])) {
            let (mut map, mut model) = (NumberMap::default(), HashMap::new());
            for (n, what, value) in steps {
                let (key, value) = (n * spread, u32::from(value));
                match what {
                    0 => {
                        map.insert(key, value);
                        model.insert(key, value);
                    }
                    _ => {
                        let stands = *model.entry(key).or_insert(value);
                        prop_assert_eq!(map.get_or_insert(key, value), stands);
                    }
                }
                prop_assert_eq!(map.get(key), model.get(&key).copied());
                prop_assert_eq!(map.get(key + 1), model.get(&(key + 1)).copied());
            }
            prop_assert_eq!(map.len(), model.len());
            prop_assert!(model.iter().all(|(k, v)| map.get(*k) == Some(*v)));
            prop_assert_eq!(map.iter().collect::<HashMap<_, _>>(), model);
        }
    }
}
