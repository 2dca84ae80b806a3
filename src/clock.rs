//! The only place that reads time.
//!
//! Everything that needs the time of day or a span of time is handed a [`Clock`], so that tests decide what
//! time it is. It formats nothing and waits for nothing.

use jiff::Timestamp;
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The instant it is now. It may jump when the system's time is set.
    fn now(&self) -> Timestamp;

    /// Time since this clock was made; never goes back. For waiting and measuring.
    fn monotonic(&self) -> Duration;
}

/// The time of the machine.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts at zero.
    pub fn new() -> SystemClock {
        SystemClock {
            origin: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> SystemClock {
        SystemClock::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads time")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct FixedClock {
    state: Mutex<(Timestamp, Duration)>,
}

impl FixedClock {
    /// A clock that shows this instant, with its monotonic time at zero.
    pub fn new(now: Timestamp) -> FixedClock {
        FixedClock {
            state: Mutex::new((now, Duration::ZERO)),
        }
    }

    /// Moves both times on. At the end of the supported range the instant stays where it is.
    pub fn advance(&self, by: Duration) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(later) = state.0.checked_add(by) {
            state.0 = later;
        }
        state.1 = state.1.saturating_add(by);
    }

    /// Sets the instant, as when the system's time is set: the monotonic time does not move.
    pub fn set(&self, now: Timestamp) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0 = now;
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn monotonic(&self) -> Duration {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_moves_only_when_told() {
        let start = Timestamp::UNIX_EPOCH;
        let clock = FixedClock::new(start);
        assert_eq!((clock.now(), clock.monotonic()), (start, Duration::ZERO));
        clock.advance(Duration::from_secs(90));
        assert_eq!(clock.now().as_second(), 90);
        assert_eq!(clock.monotonic(), Duration::from_secs(90));
        clock.set(start);
        assert_eq!(clock.now(), start);
        assert_eq!(clock.monotonic(), Duration::from_secs(90));
    }

    #[test]
    fn a_fixed_clock_survives_the_end_of_time() {
        let clock = FixedClock::new(Timestamp::MAX);
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.now(), Timestamp::MAX);
    }

    #[test]
    fn the_system_clock_never_goes_back() {
        let clock = SystemClock::new();
        let first = clock.monotonic();
        assert!(clock.monotonic() >= first);
        assert!(clock.now() > Timestamp::UNIX_EPOCH);
    }
}
