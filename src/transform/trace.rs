//! What the evaluation of a record touched: rows of value maps and of splits. For samples, which must show each.
//!
//! A pass without a trace pays one test of an option per look-up.

use std::sync::{Mutex, PoisonError};

/// Something that was touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Touched {
    /// A row of a value map: positions in `Mapping::value_maps` and in its rows.
    MapRow(usize, usize),
    /// A value without a row of this value map.
    MapOther(usize),
    /// A row of the split of the pass's object.
    SplitRow(usize),
}

/// Collects what is touched, until it is taken.
#[derive(Debug, Default)]
pub struct Trace {
    touched: Mutex<Vec<Touched>>,
}

impl Trace {
    pub(crate) fn note(&self, what: Touched) {
        self.touched
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(what);
    }

    /// What was touched since the last time. Asked by a sink for each record, it is what that record touched, where
    /// pages are run one after the other.
    pub fn take(&self) -> Vec<Touched> {
        std::mem::take(&mut *self.touched.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
