//! Blocks of neighbouring numbers: which block of a table stands for which thousand of them.
//!
//! Ids stand close together, so a table keeps them in blocks of neighbours: a look-up computes no hash and touches one
//! place in memory. Tables over it decide what a block holds. Where numbers stand too far apart for blocks an ordinary hash
//! table takes over, and gives back when they turn out to fill a range that they only came to in any order ([`Sparse`]).

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashSet};

/// Neighbours in a block.
pub(super) const BLOCK: usize = 1024;
/// Blocks whose place stands in a plain list; the others are found by hash.
const NEAR: u64 = 1 << 16;
/// A place that holds nothing.
const NONE: u32 = u32::MAX;

/// The place of each block in a table's list of blocks.
#[derive(Debug, Default)]
pub(super) struct Directory {
    near: Vec<u32>,
    far: HashMap<u64, u32, FixedState>,
}

impl Directory {
    /// The place of the block that a number is in.
    #[inline]
    pub fn find(&self, number: u64) -> Option<usize> {
        let block = number / BLOCK as u64;
        let at = if block < NEAR {
            self.near.get(block as usize).copied()
        } else {
            self.far.get(&block).copied()
        };
        at.filter(|at| *at != NONE).map(|at| at as usize)
    }

    /// Says that the block of a number stands at this place.
    pub fn insert(&mut self, number: u64, at: usize) {
        let at = u32::try_from(at).unwrap_or(NONE);
        let block = number / BLOCK as u64;
        if block >= NEAR {
            self.far.insert(block, at);
            return;
        }
        let block = block as usize;
        if self.near.len() <= block {
            self.near.resize(block + 1, NONE);
        }
        self.near[block] = at;
    }

    /// The first number of every block and its place; those at the start of the numbers in order, then the others.
    pub fn iter(&self) -> impl Iterator<Item = (u64, usize)> {
        let near = (0u64..).zip(self.near.iter().copied());
        let far = self.far.iter().map(|(number, at)| (*number, *at));
        near.chain(far)
            .filter(|(_, at)| *at != NONE)
            .map(|(number, at)| (number * BLOCK as u64, at as usize))
    }

    /// Bytes in use.
    pub fn bytes(&self) -> usize {
        self.near.capacity() * size_of::<u32>() + self.far.allocation_size()
    }
}

/// Blocks that are made without a look at how full they are.
const FREE: usize = 64;

/// True when so many blocks are a waste for so many numbers. `room`: places for each number that are none.
pub(super) fn wasteful(blocks: usize, numbers: usize, room: usize) -> bool {
    blocks >= FREE && blocks * BLOCK > numbers * room
}

/// Numbers that stand too far apart for blocks, as far as is known.
#[derive(Debug, Default)]
pub(super) struct Sparse {
    /// What stands for each number.
    pub all: HashMap<u64, u32, FixedState>,
    /// How many there were at the last look at how they stand.
    looked: usize,
}

impl Sparse {
    /// These numbers.
    pub fn of(all: HashMap<u64, u32, FixedState>) -> Sparse {
        Sparse {
            looked: all.len(),
            all,
        }
    }

    /// True when they fill their blocks by now. Looks when they are twice as many as at the last time.
    pub fn is_full(&mut self, room: usize) -> bool {
        if self.all.len() < (self.looked * 2).max(FREE * 8) {
            return false;
        }
        self.looked = self.all.len();
        let blocks: HashSet<u64, FixedState> = self.all.keys().map(|n| n / BLOCK as u64).collect();
        // Only where it is clear, so that the next number does not turn it back.
        !wasteful(blocks.len() * 2, self.all.len(), room)
    }

    /// Bytes in use.
    pub fn bytes(&self) -> usize {
        self.all.allocation_size()
    }
}

/// The place of a number in its block.
#[inline]
pub(super) fn place(number: u64) -> usize {
    (number % BLOCK as u64) as usize
}
