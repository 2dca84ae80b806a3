//! The circuit breaker: many bad answers in a row, over all calls, and everybody pauses; more, and the run
//! stops.
//!
//! Bad is an answer that says nothing about the call: none at all, a server error, an unreadable body.

use std::sync::{Mutex, PoisonError};

/// Bad answers in a row before everybody pauses.
const PAUSE_AFTER: u32 = 10;
/// Pauses in a row before the run stops.
const PAUSES: u32 = 3;

#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// Bad answers in a row, and what the last one was.
    bad: Mutex<(u32, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trip {
    No,
    /// Everybody pauses; the how manieth pause in a row, from 1.
    Pause(u32),
}

impl Breaker {
    /// Notes a call that was answered with something that makes sense.
    pub(super) fn good(&self) {
        let mut bad = self.bad.lock().unwrap_or_else(PoisonError::into_inner);
        bad.0 = 0;
    }

    pub(super) fn bad(&self, why: &str) -> Trip {
        let mut bad = self.bad.lock().unwrap_or_else(PoisonError::into_inner);
        bad.0 = bad.0.saturating_add(1);
        why.clone_into(&mut bad.1);
        if bad.0.is_multiple_of(PAUSE_AFTER) {
            Trip::Pause(bad.0 / PAUSE_AFTER)
        } else {
            Trip::No
        }
    }

    /// Why no further call makes sense; `None` while it does.
    pub(super) fn open(&self) -> Option<String> {
        let bad = self.bad.lock().unwrap_or_else(PoisonError::into_inner);
        (bad.0 >= PAUSE_AFTER * PAUSES).then(|| {
            format!(
                "{} calls in a row went wrong, the last one: {}",
                bad.0, bad.1
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_pauses_twice_and_then_opens() {
        let breaker = Breaker::default();
        let mut pauses = Vec::new();
        for n in 1..=30 {
            assert_eq!(breaker.open(), None, "before {n}");
            if let Trip::Pause(p) = breaker.bad("status 502") {
                pauses.push((n, p));
            }
        }
        assert_eq!(pauses, [(10, 1), (20, 2), (30, 3)]);
        assert!(breaker.open().is_some_and(|w| w.contains("status 502")));
    }

    #[test]
    fn a_good_answer_begins_anew() {
        let breaker = Breaker::default();
        for _ in 0..9 {
            breaker.bad("timeout");
        }
        breaker.good();
        assert_eq!(breaker.bad("timeout"), Trip::No);
    }
}
