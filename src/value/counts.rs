//! How often numbers came: for keys that are numbers, as most ids are.
//!
//! Few things come more often than 254 times, so a count takes a byte and a million of them stay in the cache; those that
//! do have a table of their own.

use super::directory::{BLOCK, Directory, Sparse, place, wasteful};
use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// Places for each number beyond which blocks are a waste.
const ROOM: usize = 64;
/// The count stands in the other table.
const MORE: u8 = u8::MAX;

/// Counts of numbers.
#[derive(Debug, Default)]
pub struct NumberCounts {
    directory: Directory,
    blocks: Vec<[u8; BLOCK]>,
    /// Counts that do not fit a byte.
    many: HashMap<u64, u32, FixedState>,
    /// All counts, when numbers are far apart.
    sparse: Option<Sparse>,
    /// Numbers in blocks.
    count: usize,
}

impl NumberCounts {
    /// How often a number came.
    #[inline]
    pub fn get(&self, number: u64) -> u32 {
        let block = self.directory.find(number).and_then(|b| self.blocks.get(b));
        match (block.map(|block| block[place(number)]), &self.sparse) {
            (Some(MORE), _) => self.many.get(&number).copied().unwrap_or(0),
            (Some(count), _) => u32::from(count),
            (None, Some(sparse)) => sparse.all.get(&number).copied().unwrap_or(0),
            (None, None) => 0,
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
        if let Some(sparse) = &mut self.sparse {
            let count = sparse.all.entry(number).or_insert(0);
            *count = more(*count);
            if sparse.is_full(ROOM) {
                self.gather();
            }
            return;
        }
        match self.directory.find(number) {
            // Another that does not fit a byte.
            Some(_) => {
                let count = more(self.get(number));
                self.set(number, count);
            }
            None if wasteful(self.blocks.len(), self.count, ROOM) => {
                self.sparse = Some(Sparse::of(self.iter().collect()));
                (self.blocks, self.directory) = (Vec::new(), Directory::default());
                (self.many, self.count) = (HashMap::default(), 0);
                self.add_elsewhere(number);
            }
            None => self.set(number, 1),
        }
    }

    /// Comes back from the hash table.
    fn gather(&mut self) {
        let sparse = self.sparse.take().unwrap_or_default();
        for (number, count) in sparse.all {
            self.set(number, count);
        }
    }

    /// Says how often a number came, which goes into a block.
    fn set(&mut self, number: u64, count: u32) {
        let at = self.directory.find(number).unwrap_or_else(|| {
            self.directory.insert(number, self.blocks.len());
            self.blocks.push([0; BLOCK]);
            self.blocks.len() - 1
        });
        let byte = u8::try_from(count).unwrap_or(MORE);
        if let Some(block) = self.blocks.get_mut(at) {
            let slot = &mut block[place(number)];
            self.count += usize::from(*slot == 0);
            *slot = byte;
        }
        if byte == MORE {
            self.many.insert(number, count);
        }
    }

    /// Every number that came, with how often.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u32)> {
        let blocks = self.directory.iter().filter_map(|(first, at)| {
            let block = self.blocks.get(at)?;
            Some((first..).zip(block.iter().copied()))
        });
        let few = blocks.flatten().filter(|(_, n)| *n != 0 && *n != MORE);
        let sparse = self.sparse.iter().flat_map(|sparse| &sparse.all);
        let others = self.many.iter().chain(sparse);
        few.map(|(number, count)| (number, u32::from(count)))
            .chain(others.map(|(number, count)| (*number, *count)))
    }

    /// Bytes in use.
    pub fn bytes(&self) -> usize {
        self.blocks.capacity() * BLOCK
            + self.directory.bytes()
            + self.many.allocation_size()
            + self.sparse.as_ref().map_or(0, Sparse::bytes)
    }
}

/// One more, to the most there is.
fn more(count: u32) -> u32 {
    count.saturating_add(1).min(u32::MAX - 1)
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
        assert!(far.sparse.is_some() && near.sparse.is_none());
        assert!(far.bytes() < 100_000 * 64, "{}", far.bytes());
        assert!(near.bytes() < 100_000 * 2, "{}", near.bytes());
        assert_eq!((far.get(1_000_003), far.get(1)), (1, 0));
    }

    #[test]
    fn neighbours_in_any_order_come_back_from_the_hash_table() {
        let mut counts = NumberCounts::default();
        let mut went = false;
        for n in 0..100_000u64 {
            counts.add_one(n * 7_919 % 100_003);
            went |= counts.sparse.is_some();
        }
        assert!(went && counts.sparse.is_none());
        assert!(counts.bytes() < 100_000 * 3, "{}", counts.bytes());
        assert_eq!((counts.get(7_919), counts.get(100_004)), (1, 0));
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
