//! A set of numbers that does not change, and the place of each among them in order: what is known about the n-th stands
//! n-th in a list, and needs no key of its own.
//!
//! A number costs two bits where numbers are neighbours, so the set of a million ids stays in the cache, and asking for one
//! that is not there touches nothing else.

use super::directory::{BLOCK, Directory, place};
use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// Numbers of a word.
const WORD: usize = 64;
/// Words of a block.
const WORDS: usize = BLOCK / WORD;
/// Blocks that are made whatever stands in them.
const FREE: usize = 64;
/// Numbers in a block below which, on average, blocks are a waste.
const FULL: usize = 16;

/// Which of 64 neighbours are there, and how many numbers stand before them.
#[derive(Clone, Copy, Debug, Default)]
struct Word {
    bits: u64,
    before: u32,
}

/// A set of numbers in order.
#[derive(Debug, Default)]
pub struct Ranks {
    directory: Directory,
    words: Vec<Word>,
    /// All of it, when numbers are far apart.
    sparse: HashMap<u64, u32, FixedState>,
    count: u32,
}

impl Ranks {
    /// The set of these numbers, which rise, each once. At most `u32::MAX - 1`; what comes after is not in it.
    pub fn of(numbers: &[u64]) -> Ranks {
        let mut blocks = 0;
        let mut last = None;
        for number in numbers {
            let block = number / BLOCK as u64;
            blocks += usize::from(last.replace(block) != Some(block));
        }
        let mut ranks = Ranks::default();
        let dense = blocks <= FREE || blocks * FULL <= numbers.len();
        if dense {
            ranks.words.reserve_exact(blocks * WORDS);
        } else {
            ranks.sparse.reserve(numbers.len());
        }
        let mut last = None;
        for (at, number) in (0..u32::MAX - 1).zip(numbers) {
            ranks.count = at + 1;
            if !dense {
                ranks.sparse.insert(*number, at);
                continue;
            }
            let block = number / BLOCK as u64;
            if last.replace(block) != Some(block) {
                ranks.directory.insert(*number, ranks.words.len() / WORDS);
                let fresh = ranks.words.len() + WORDS;
                ranks.words.resize(fresh, Word::default());
            }
            let start = ranks.words.len() - WORDS;
            let word = start + place(*number) / WORD;
            let bit = 1u64 << (number % WORD as u64);
            if let Some(word) = ranks.words.get_mut(word) {
                if word.bits == 0 {
                    word.before = at;
                }
                word.bits |= bit;
            }
        }
        ranks
    }

    /// The place of a number among all in order, from 0; `None` when it is not there.
    #[inline]
    pub fn find(&self, number: u64) -> Option<usize> {
        if let Some(block) = self.directory.find(number) {
            let word = self
                .words
                .get(block * WORDS + place(number) / WORD)
                .copied()?;
            let bit = 1u64 << (number % WORD as u64);
            if word.bits & bit == 0 {
                return None;
            }
            let before = (word.bits & (bit - 1)).count_ones();
            return Some((word.before + before) as usize);
        }
        if self.sparse.is_empty() {
            return None;
        }
        self.sparse.get(&number).map(|at| *at as usize)
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// All numbers in order.
    pub fn numbers(&self) -> Vec<u64> {
        let mut all = Vec::with_capacity(self.len());
        all.extend(self.sparse.keys());
        for (first, block) in self.directory.iter() {
            let words = self.words.get(block * WORDS..(block + 1) * WORDS);
            for (at, word) in (0u64..).zip(words.unwrap_or_default()) {
                let mut bits = word.bits;
                while bits != 0 {
                    all.push(first + at * WORD as u64 + u64::from(bits.trailing_zeros()));
                    bits &= bits - 1;
                }
            }
        }
        // Already so, unless they are far apart.
        all.sort_unstable();
        all
    }

    /// Bytes in use.
    pub fn bytes(&self) -> usize {
        self.words.capacity() * size_of::<Word>()
            + self.directory.bytes()
            + self.sparse.allocation_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn neighbours_cost_little_wherever_they_begin() {
        for first in [0, 16_000_000_000_u64] {
            let numbers: Vec<u64> = (first..first + 100_000).collect();
            let ranks = Ranks::of(&numbers);
            assert!(ranks.bytes() < 100_000 / 3, "{}", ranks.bytes());
            assert_eq!(ranks.find(first + 777), Some(777));
            assert_eq!(ranks.find(first + 100_000), None);
            assert_eq!(ranks.len(), 100_000);
        }
    }

    #[test]
    fn numbers_far_apart_take_no_blocks() {
        let numbers: Vec<u64> = (0..10_000).map(|n| n * 1_000_003).collect();
        let ranks = Ranks::of(&numbers);
        assert!(ranks.words.is_empty());
        assert_eq!(ranks.find(3_000_009), Some(3));
        assert_eq!(ranks.find(3_000_010), None);
        assert_eq!(ranks.numbers(), numbers);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Against a sorted set, near and far.
        #[test]
        fn it_is_a_set_in_order(numbers in prop::collection::btree_set(0..5_000_u64, 0..400), spread in prop::sample::select(vec![1_u64, 7, 5_000, 99_999_999_999])) {
            let numbers: BTreeSet<u64> = numbers.into_iter().map(|n| n * spread).collect();
            let list: Vec<u64> = numbers.iter().copied().collect();
            let ranks = Ranks::of(&list);
            prop_assert_eq!(ranks.len(), list.len());
            for (at, number) in list.iter().enumerate() {
                prop_assert_eq!(ranks.find(*number), Some(at));
                prop_assert_eq!(ranks.find(number + 1).is_some(), numbers.contains(&(number + 1)));
            }
            prop_assert_eq!(ranks.numbers(), list);
        }
    }
}
