//! Numbers that were seen: for keys that are numbers, as most ids are. A number among neighbours costs a bit.

use super::directory::{BLOCK, Directory, place};
use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// Numbers of a word.
const WORD: usize = 64;
/// Words of a block.
const WORDS: usize = BLOCK / WORD;
/// Blocks that are made without a look at how full they are.
const FREE: usize = 1024;
/// Numbers in a block below which, on average, blocks are a waste.
const FULL: usize = 8;

/// A set that only grows.
#[derive(Debug, Default)]
pub struct NumberSet {
    directory: Directory,
    blocks: Vec<[u64; WORDS]>,
    /// Words of blocks that are not made: numbers that stand far apart.
    far: HashMap<u64, u64, FixedState>,
    count: usize,
}

impl NumberSet {
    /// Adds a number; false when it was there.
    #[inline]
    pub fn insert(&mut self, number: u64) -> bool {
        let bit = 1u64 << (number % WORD as u64);
        let word = match self.block(number) {
            Some(block) => self
                .blocks
                .get_mut(block)
                .map(|words| &mut words[place(number) / WORD]),
            None => Some(self.far.entry(number / WORD as u64).or_insert(0)),
        };
        let Some(word) = word else { return false };
        let new = *word & bit == 0;
        *word |= bit;
        self.count += usize::from(new);
        new
    }

    /// The block of a number, made when blocks are no waste.
    #[inline]
    fn block(&mut self, number: u64) -> Option<usize> {
        self.directory
            .find(number)
            .or_else(|| self.new_block(number))
    }

    #[cold]
    fn new_block(&mut self, number: u64) -> Option<usize> {
        let blocks = self.blocks.len();
        if blocks >= FREE && blocks * FULL > self.count {
            return None;
        }
        // What came while blocks were a waste goes with it.
        let first = number / BLOCK as u64 * WORDS as u64;
        let mut words = [0; WORDS];
        if !self.far.is_empty() {
            for (at, word) in (first..).zip(&mut words) {
                *word = self.far.remove(&at).unwrap_or(0);
            }
        }
        self.directory.insert(number, blocks);
        self.blocks.push(words);
        Some(blocks)
    }

    /// Bytes in use.
    pub fn bytes(&self) -> usize {
        self.blocks.capacity() * size_of::<[u64; WORDS]>()
            + self.directory.bytes()
            + self.far.allocation_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn neighbours_cost_little_and_numbers_far_apart_not_much() {
        let (mut near, mut far) = (NumberSet::default(), NumberSet::default());
        for n in 0..100_000u64 {
            assert!(near.insert(16_000_000_000 + n * 7_919 % 100_003));
            assert!(far.insert(n * 1_000_003));
        }
        assert!(near.bytes() < 100_000, "{}", near.bytes());
        assert!(far.bytes() < 100_000 * 64, "{}", far.bytes());
        assert!(!near.insert(16_000_000_000) && !far.insert(1_000_003));
    }

    #[test]
    fn what_came_far_apart_is_still_there_when_blocks_come() {
        let mut set = NumberSet::default();
        let wide = |n: u64| n * BLOCK as u64;
        for n in 0..5_000 {
            assert!(set.insert(wide(n)));
        }
        assert!(!set.far.is_empty());
        for n in 0..100_000 {
            set.insert(n);
        }
        for n in 0..5_000 {
            assert!(!set.insert(wide(n)), "{n}");
            assert_eq!(set.insert(wide(n) + 1), wide(n) >= 100_000, "{n}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Against a plain set, near and far.
        #[test]
        fn it_is_a_set(numbers in prop::collection::vec(0..500_u64, 0..600), spread in prop::sample::select(vec![1_u64, 7, 5_000, 99_999_999_999])) {
            let (mut set, mut model) = (NumberSet::default(), HashSet::new());
            for n in numbers {
                prop_assert_eq!(set.insert(n * spread), model.insert(n * spread));
            }
        }
    }
}
