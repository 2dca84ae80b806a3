//! How often numbers came: for keys that are numbers, as most ids are.
//!
//! Few things come more often than 254 times, so a count takes a byte and a million of them stay in the cache; those that
//! do have a table of their own.

use super::directory::{BLOCK, Directory, place};
use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// Blocks that are made without a look at how full they are.
const FREE: usize = 64;
/// Places for each number beyond which blocks are a waste.
const ROOM: usize = 64;
/// The count stands in the other table.
const MORE: u8 = u8::MAX;

/// Counts of numbers.
#[derive(Debug, Default)]
pub struct NumberCounts {
    directory: Directory,
    blocks: Vec<[u8; BLOCK]>,
    /// Counts that do not fit a byte; all of them, when numbers are far apart.
    others: HashMap<u64, u32, FixedState>,
    /// Numbers are far apart.
    sparse: bool,
    /// Numbers in blocks.
    count: usize,
}

impl NumberCounts {
    /// How often a number came.
    #[inline]
    pub fn get(&self, number: u64) -> u32 {
        let block = self.directory.find(number).and_then(|b| self.blocks.get(b));
        match block.map(|block| block[place(number)]) {
            Some(MORE) => self.others.get(&number).copied().unwrap_or(0),
            Some(count) => u32::from(count),
            None if self.sparse => self.others.get(&number).copied().unwrap_or(0),
            None => 0,
        }
    }

    /// Counts one more. Ends at `u32::MAX - 1`.
    #[inline]
    pub fn add_one(&mut self, number: u64) {
        if let Some(block) = self.directory.find(number)
            && let Some(block) = self.blocks.get_mut(block)
        {
            let slot = &mut block[place(number)];
            if *slot < MORE - 1 {
                self.count += usize::from(*slot == 0);
                *slot += 1;
                return;
            }
        }
        self.add_elsewhere(number);
    }

    #[cold]
    fn add_elsewhere(&mut self, number: u64) {
        let block = self.directory.find(number);
        if block.is_none() && !self.sparse {
            if self.blocks.len() < FREE || self.blocks.len() * BLOCK <= self.count * ROOM {
                self.directory.insert(number, self.blocks.len());
                let mut block = [0; BLOCK];
                block[place(number)] = 1;
                self.blocks.push(block);
                self.count += 1;
                return;
            }
            self.scatter();
        }
        let slot = block.and_then(|b| self.blocks.get_mut(b));
        let before = match slot.map(|block| std::mem::replace(&mut block[place(number)], MORE)) {
            Some(MORE) | None => 0,
            Some(count) => u32::from(count),
        };
        let all = self.others.entry(number).or_insert(before);
        *all = all.saturating_add(1).min(u32::MAX - 1);
    }

    /// Goes over to a hash table.
    fn scatter(&mut self) {
        self.others = self.iter().collect();
        self.blocks = Vec::new();
        self.directory = Directory::default();
        self.sparse = true;
    }

    /// Every number that came, with how often.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u32)> {
        let blocks = self.directory.iter().filter_map(|(first, at)| {
            let block = self.blocks.get(at)?;
            Some((first..).zip(block.iter().copied()))
        });
        let few = blocks.flatten().filter(|(_, n)| *n != 0 && *n != MORE);
        let others = self.others.iter().map(|(number, count)| (*number, *count));
        few.map(|(number, count)| (number, u32::from(count)))
            .chain(others)
    }

    /// Bytes in use.
    pub fn bytes(&self) -> usize {
        self.blocks.capacity() * BLOCK + self.directory.bytes() + self.others.allocation_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[test]
    fn what_comes_often_is_counted_on() {
        let mut counts = NumberCounts::default();
        for n in 0..1000 {
            counts.add_one(7);
            assert_eq!(counts.get(7), n + 1);
        }
        counts.add_one(8);
        assert_eq!((counts.get(8), counts.get(9)), (1, 0));
        let mut all: Vec<_> = counts.iter().collect();
        all.sort_unstable();
        assert_eq!(all, [(7, 1000), (8, 1)]);
    }

    #[test]
    fn numbers_far_apart_take_no_blocks_and_neighbours_little() {
        let (mut far, mut near) = (NumberCounts::default(), NumberCounts::default());
        for n in 0..100_000u64 {
            far.add_one(n * 1_000_003);
            near.add_one(16_000_000_000 + n);
        }
        assert!(far.sparse && !near.sparse);
        assert!(far.bytes() < 100_000 * 64, "{}", far.bytes());
        assert!(near.bytes() < 100_000 * 2, "{}", near.bytes());
        assert_eq!((far.get(1_000_003), far.get(1)), (1, 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Against a plain map, near and far, few and many.
        #[test]
        fn it_counts(steps in prop::collection::vec((0..200_u64, 1..300_u32), 0..200), spread in prop::sample::select(vec![1_u64, 7, 5_000, 99_999_999_999])) {
            let (mut counts, mut model) = (NumberCounts::default(), HashMap::new());
            for (n, times) in steps {
                for _ in 0..times {
                    counts.add_one(n * spread);
                }
                *model.entry(n * spread).or_insert(0) += times;
                prop_assert_eq!(counts.get(n * spread), model[&(n * spread)]);
                prop_assert_eq!(counts.get(n * spread + 1), model.get(&(n * spread + 1)).copied().unwrap_or(0));
            }
            prop_assert_eq!(counts.iter().collect::<HashMap<_, _>>(), model);
        }
    }
}
