//! How long to wait before another try: exponential, with full jitter, within the platform's settings.
//!
//! It counts and computes; it decides nothing about what may be tried again and waits for nothing.

use crate::platform::Limits;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// The waits between the tries of one call.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// Most tries, the first included; at least 1.
    pub tries: u32,
    wait: Duration,
    wait_max: Duration,
}

impl Backoff {
    /// The platform's settings.
    pub fn of(limits: &Limits) -> Backoff {
        Backoff {
            tries: limits.tries.max(1),
            wait: limits.wait,
            wait_max: limits.wait_max.max(limits.wait),
        }
    }

    /// The longest wait before the next try after so many failures (from 1): doubles each time.
    pub fn ceiling(&self, failures: u32) -> Duration {
        let doubled = 1u32.checked_shl(failures.saturating_sub(1).min(31));
        self.wait
            .saturating_mul(doubled.unwrap_or(u32::MAX))
            .min(self.wait_max)
    }

    /// The wait before the next try after so many failures: anything up to the ceiling, yet no less than an
    /// eighth of it, so that an unlucky draw does not hammer.
    pub fn delay(&self, failures: u32, jitter: &Jitter) -> Duration {
        let ceiling = self.ceiling(failures);
        let least = ceiling / 8;
        least + (ceiling - least).mul_f64(jitter.draw())
    }
}

/// Random fractions that keep many callers from trying again in step. Not for secrets.
#[derive(Debug)]
pub struct Jitter(AtomicU64);

impl Jitter {
    /// A sequence of fractions that starts from this number.
    pub fn new(seed: u64) -> Jitter {
        Jitter(AtomicU64::new(seed))
    }

    /// The next fraction, at least 0 and below 1 (SplitMix64).
    pub fn draw(&self) -> f64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        // 53 bits are what a double holds exactly.
        (z >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff(tries: u32, wait_ms: u64, max_ms: u64) -> Backoff {
        Backoff::of(&Limits {
            tries,
            wait: Duration::from_millis(wait_ms),
            wait_max: Duration::from_millis(max_ms),
            ..Limits::default()
        })
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let b = backoff(6, 100, 450);
        let ceilings: Vec<_> = (1..=4).map(|n| b.ceiling(n).as_millis()).collect();
        assert_eq!(ceilings, [100, 200, 400, 450]);
        assert_eq!(b.ceiling(u32::MAX).as_millis(), 450);
    }

    #[test]
    fn delays_spread_between_an_eighth_and_the_whole() {
        let b = backoff(6, 800, 800);
        let jitter = Jitter::new(7);
        let delays: Vec<_> = (0..1000).map(|_| b.delay(1, &jitter).as_millis()).collect();
        assert!(delays.iter().all(|d| (100..=800).contains(d)));
        let mean = delays.iter().sum::<u128>() / 1000;
        assert!((420..480).contains(&mean), "mean {mean}");
    }

    #[test]
    fn odd_settings_stay_usable() {
        assert_eq!(backoff(0, 0, 0).tries, 1);
        assert_eq!(backoff(1, 500, 10).ceiling(1).as_millis(), 500);
        assert_eq!(backoff(1, 0, 0).delay(3, &Jitter::new(1)), Duration::ZERO);
    }
}
