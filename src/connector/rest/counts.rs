//! How many calls were made. Counts only; nothing decides by them.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Calls made so far, each try counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallCounts {
    /// Calls that only read.
    pub read: u64,
    /// Calls that may have written.
    pub write: u64,
    /// Milliseconds in which the budget let nobody through.
    pub waited_ms: u64,
    /// Answers by HTTP status.
    pub by_status: BTreeMap<u16, u64>,
    /// Calls without an answer.
    pub lost: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    read: AtomicU64,
    write: AtomicU64,
    lost: AtomicU64,
    by_status: Mutex<BTreeMap<u16, u64>>,
}

impl Counters {
    pub(super) fn sent(&self, writes: bool) {
        let counter = if writes { &self.write } else { &self.read };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes an answer's status; `None`: there was none.
    pub(super) fn answered(&self, status: Option<u16>) {
        match status {
            Some(status) => {
                let mut by_status = self
                    .by_status
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                *by_status.entry(status).or_default() += 1;
            }
            None => {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    pub(super) fn read_out(&self, waited_ms: u64) -> CallCounts {
        CallCounts {
            read: self.read.load(Ordering::Relaxed),
            write: self.write.load(Ordering::Relaxed),
            waited_ms,
            lost: self.lost.load(Ordering::Relaxed),
            by_status: self
                .by_status
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        }
    }
}
