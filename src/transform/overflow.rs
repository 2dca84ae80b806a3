//! Where tables go that outgrow their memory.
//!
//! What joins and merges need is kept in memory up to a limit; beyond it the largest parts go to an [`Overflow`], which
//! `run` makes of a file. What is found is the same either way.

use std::{
    fmt::Debug,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Bytes that are appended once and read at random.
pub trait Overflow: Debug + Send + Sync {
    /// Appends bytes and gives their position. After a failure, which [`failure`](Overflow::failure) tells, it does
    /// nothing more.
    fn append(&self, bytes: &[u8]) -> u64;

    /// Reads bytes that were appended. After a failure they are zeros.
    fn read(&self, at: u64, out: &mut [u8]);

    /// Why it could not write or read. What was found since then is not to be used.
    fn failure(&self) -> Option<String>;
}

/// The memory that all tables of a run share.
#[derive(Clone, Debug)]
pub struct Room {
    most: u64,
    used: Arc<AtomicU64>,
    spilled: Arc<AtomicU64>,
    overflow: Arc<dyn Overflow>,
}

impl Room {
    /// So many bytes, and what does not fit goes there.
    pub fn new(most: u64, overflow: Arc<dyn Overflow>) -> Room {
        Room {
            most,
            used: Arc::default(),
            spilled: Arc::default(),
            overflow,
        }
    }

    /// Bytes that did not fit.
    pub fn spilled(&self) -> u64 {
        self.spilled.load(Ordering::Relaxed)
    }

    /// Why bytes could not be kept or found again.
    pub fn failure(&self) -> Option<String> {
        self.overflow.failure()
    }

    /// Says that a part has grown or shrunk. True when all together are too large, and this one is not small.
    pub(crate) fn resize(&self, from: usize, to: usize) -> bool {
        let (from, to) = (from as u64, to as u64);
        let before = self.used.fetch_add(to, Ordering::Relaxed);
        let all = (before + to).saturating_sub(from);
        self.used.fetch_sub(from, Ordering::Relaxed);
        all > self.most && to > self.most / 16
    }

    pub(crate) fn append(&self, bytes: &[u8]) -> u64 {
        self.spilled
            .fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.overflow.append(bytes)
    }

    pub(crate) fn read(&self, at: u64, out: &mut [u8]) {
        self.overflow.read(at, out);
    }
}
