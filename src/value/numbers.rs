//! Small numbers by whole number: for keys that are numbers, as most ids are.
//!
//! Ids stand close together, so they are kept in blocks of neighbours: a look-up computes no hash of a text, compares
//! no text, and touches one place in memory. Where they do not stand close together, an ordinary hash table takes over.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// Neighbours in a block.
const BLOCK: usize = 1024;
/// Blocks whose place stands in a plain list; the others are found by hash.
const NEAR: u64 = 1 << 16;
/// Blocks that are made without a look at how full they are.
const FREE: usize = 64;
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
    blocks: Vec<Box<[u32; BLOCK]>>,
    /// For each of the first blocks its place in `blocks`.
    near: Vec<u32>,
    far: HashMap<u64, u32, FixedState>,
    /// All of it, when numbers are far apart.
    sparse: Option<HashMap<u64, u32, FixedState>>,
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
            return sparse.get(&key).copied();
        }
        let block = self.blocks.get(self.block(key)? as usize)?;
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

    /// Counts one more.
    pub fn add_one(&mut self, key: u64) {
        let (slot, count) = self.slot(key);
        match *slot {
            NONE => {
                *slot = 1;
                *count += 1;
            }
            n => *slot = n.saturating_add(1).min(NONE - 1),
        }
    }

    /// Every number with what stands for it.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u32)> {
        let near = (0u64..).zip(self.near.iter().copied());
        let far = self.far.iter().map(|(number, at)| (*number, *at));
        let blocks = near.chain(far).filter_map(|(number, at)| {
            let block = self.blocks.get(at as usize)?;
            Some((number * BLOCK as u64..).zip(block.iter().copied()))
        });
        let sparse = self.sparse.iter().flatten().map(|(n, v)| (*n, *v));
        blocks.flatten().filter(|(_, v)| *v != NONE).chain(sparse)
    }

    /// Bytes in use.
    pub fn bytes(&self) -> usize {
        let sparse = self.sparse.as_ref().map_or(0, HashMap::allocation_size);
        self.blocks.len() * size_of::<[u32; BLOCK]>()
            + self.blocks.capacity() * size_of::<usize>()
            + self.near.capacity() * size_of::<u32>()
            + self.far.allocation_size()
            + sparse
    }

    #[inline]
    fn block(&self, key: u64) -> Option<u32> {
        let number = key / BLOCK as u64;
        if number < NEAR {
            return self.near.get(number as usize).copied();
        }
        self.far.get(&number).copied()
    }

    /// The place of a number, made as needed, and the number of entries.
    fn slot(&mut self, key: u64) -> (&mut u32, &mut usize) {
        if self.sparse.is_none()
            && self
                .block(key)
                .is_none_or(|at| at as usize >= self.blocks.len())
        {
            self.grow(key);
        }
        if self.sparse.is_some() {
            let sparse = self.sparse.get_or_insert_default();
            return (sparse.entry(key).or_insert(NONE), &mut self.count);
        }
        let at = self.block(key).unwrap_or(0) as usize;
        (&mut self.blocks[at][place(key)], &mut self.count)
    }

    /// Makes the block of a number, or goes over to a hash table.
    #[cold]
    fn grow(&mut self, key: u64) {
        if self.blocks.len() >= FREE && self.blocks.len() * BLOCK > self.count * ROOM {
            self.scatter();
            return;
        }
        let at = u32::try_from(self.blocks.len()).unwrap_or(NONE);
        self.blocks.push(Box::new([NONE; BLOCK]));
        let number = key / BLOCK as u64;
        if number < NEAR {
            let number = number as usize;
            if self.near.len() <= number {
                self.near.resize(number + 1, NONE);
            }
            self.near[number] = at;
        } else {
            self.far.insert(number, at);
        }
    }

    fn scatter(&mut self) {
        let all = self.iter().collect();
        self.blocks = Vec::new();
        self.near = Vec::new();
        self.far = HashMap::default();
        self.sparse = Some(all);
    }
}

#[inline]
fn place(key: u64) -> usize {
    (key % BLOCK as u64) as usize
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

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Against a plain map, near and far.
        #[test]
        fn it_is_a_map(steps in prop::collection::vec((0..300_u64, 0..3_u8, 0..4_u8), 0..400), spread in prop::sample::select(vec![1_u64, 7, 5_000, 99_999_999_999])) {
            let (mut map, mut model) = (NumberMap::default(), HashMap::new());
            for (n, what, value) in steps {
                let (key, value) = (n * spread, u32::from(value));
                match what {
                    0 => {
                        map.insert(key, value);
                        model.insert(key, value);
                    }
                    1 => {
                        let stands = *model.entry(key).or_insert(value);
                        prop_assert_eq!(map.get_or_insert(key, value), stands);
                    }
                    _ => {
                        map.add_one(key);
                        *model.entry(key).or_insert(0) += 1;
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
