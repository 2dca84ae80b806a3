//! The rate limit of a simulated account: windows of calls, the headers that tell of them, and the most calls
//! that were sent within any window.

use crate::platform::{Limits, zone};
use jiff::{Timestamp, tz::TimeZone};
use std::collections::VecDeque;

/// Calls within the last stretch of time, by millisecond.
#[derive(Debug, Default)]
struct Span {
    calls: VecDeque<(i64, u64)>,
    count: u64,
}

impl Span {
    fn forget(&mut self, until: i64) {
        while let Some((at, n)) = self.calls.front().copied() {
            if at > until {
                break;
            }
            self.count -= n;
            self.calls.pop_front();
        }
    }

    fn add(&mut self, now: i64) {
        match self.calls.back_mut() {
            Some((at, n)) if *at >= now => *n += 1,
            _ => self.calls.push_back((now, 1)),
        }
        self.count += 1;
    }

    /// When `n` of the calls will have left a window of that length.
    fn gone(&self, n: u64, per: i64) -> Option<i64> {
        let mut left = n;
        for (at, calls) in &self.calls {
            if *calls >= left {
                return Some(at + per);
            }
            left -= calls;
        }
        None
    }
}

/// One limit.
#[derive(Debug)]
struct Window {
    max: u64,
    per: i64,
    used: Span,
    sent: Span,
    peak: u64,
}

/// How windows run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// Aligned to the clock instead of rolling.
    pub clock: bool,
    /// Rejected calls use up the window, too.
    pub rejected: bool,
}

/// All limits of an account.
#[derive(Debug)]
pub(super) struct Limiter {
    windows: Vec<Window>,
    on: bool,
    headers: [Option<String>; 3],
    format: Option<String>,
    zone: TimeZone,
}

/// The most calls sent within any window of one length.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(super) struct Peak {
    /// Length of the window in milliseconds.
    pub per_ms: i64,
    /// Calls allowed.
    pub max: u64,
    /// Most calls seen in any rolling window, rejected ones included.
    pub sent: u64,
}

impl Limiter {
    /// The limits of the tier; `per_minute` stands in for all of them.
    pub(super) fn of(
        limits: &Limits,
        tier: Option<&str>,
        per_minute: Option<u64>,
        unlimited: bool,
        account_zone: Option<&str>,
    ) -> Limiter {
        let window = |max, per| Window {
            max,
            per,
            used: Span::default(),
            sent: Span::default(),
            peak: 0,
        };
        let windows = match per_minute {
            Some(max) => vec![window(max, 60_000)],
            None => limits
                .calls
                .iter()
                .map(|c| {
                    window(
                        c.max.at(tier),
                        i64::try_from(c.per.as_millis()).unwrap_or(i64::MAX).max(1),
                    )
                })
                .collect(),
        };
        Limiter {
            windows,
            on: !unlimited,
            headers: [
                limits.limit_header.clone(),
                limits.left_header.clone(),
                limits.reset_header.clone(),
            ],
            format: limits.reset_format.clone(),
            zone: account_zone.and_then(zone::find).unwrap_or(TimeZone::UTC),
        }
    }

    /// Counts a call. True when it is within all limits.
    pub(super) fn take(&mut self, now: i64, manner: Manner) -> bool {
        let mut open = true;
        for w in &mut self.windows {
            w.sent.forget(now - w.per);
            w.sent.add(now);
            w.peak = w.peak.max(w.sent.count);
            w.used.forget(start(now, w.per, manner));
            open &= w.used.count < w.max;
        }
        let allowed = open || !self.on;
        if self.on && (allowed || manner.rejected) {
            for w in &mut self.windows {
                w.used.add(now);
            }
        }
        allowed
    }

    /// The headers that tell of the limit, as of now. The first declared limit is told of, and another one only
    /// while it is what refuses calls.
    pub(super) fn told(&mut self, now: i64, manner: Manner) -> Vec<(String, String)> {
        if !self.on {
            return Vec::new();
        }
        for w in &mut self.windows {
            w.used.forget(start(now, w.per, manner));
        }
        let full = self
            .windows
            .iter()
            .filter(|w| w.used.count >= w.max)
            .max_by_key(|w| reset(w, now, manner));
        let Some(w) = full.or_else(|| self.windows.first()) else {
            return Vec::new();
        };
        // Whole seconds, rounded up: at the moment that is told the window is open again.
        let reset = reset(w, now, manner).div_euclid(1000) + 1;
        let reset = match &self.format {
            None => reset.to_string(),
            Some(format) => Timestamp::from_second(reset)
                .unwrap_or_default()
                .to_zoned(self.zone.clone())
                .strftime(format)
                .to_string(),
        };
        let values = [
            w.max.to_string(),
            w.max.saturating_sub(w.used.count).to_string(),
            reset,
        ];
        self.headers
            .iter()
            .zip(values)
            .filter_map(|(name, value)| Some((name.clone()?, value)))
            .collect()
    }

    /// What was seen so far.
    pub(super) fn peaks(&self) -> Vec<Peak> {
        self.windows
            .iter()
            .map(|w| Peak {
                per_ms: w.per,
                max: w.max,
                sent: w.peak,
            })
            .collect()
    }

    /// Forgets what was seen; the windows stay as they are.
    pub(super) fn reset_peaks(&mut self) {
        for w in &mut self.windows {
            w.peak = w.sent.count;
        }
    }
}

/// Calls at this moment and before are outside the window.
fn start(now: i64, per: i64, manner: Manner) -> i64 {
    if manner.clock {
        now - now.rem_euclid(per) - 1
    } else {
        now - per
    }
}

/// When there will be room in the window for one more call.
fn reset(w: &Window, now: i64, manner: Manner) -> i64 {
    if manner.clock {
        return now - now.rem_euclid(w.per) + w.per;
    }
    let over = (w.used.count + 1).saturating_sub(w.max).max(1);
    w.used.gone(over, w.per).unwrap_or(now + w.per)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::{CallLimit, Tiered};
    use proptest::prelude::*;
    use std::time::Duration;

    fn limiter(max: u64, per: u64) -> Limiter {
        let limits = Limits {
            calls: vec![CallLimit {
                max: Tiered::All(max),
                per: Duration::from_millis(per),
            }],
            limit_header: Some("limit".into()),
            left_header: Some("left".into()),
            reset_header: Some("reset".into()),
            ..Limits::default()
        };
        Limiter::of(&limits, None, None, false, None)
    }

    #[test]
    fn the_reset_that_is_told_opens_the_window() {
        for clock in [false, true] {
            for rejected in [false, true] {
                let manner = Manner { clock, rejected };
                let mut l = limiter(3, 10_000);
                let now = 1_000_000_123;
                for i in 0..5 {
                    assert_eq!(l.take(now + i * 100, manner), i < 3);
                }
                let told = l.told(now + 500, manner);
                assert_eq!(told[1], ("left".to_owned(), "0".to_owned()));
                let at: i64 = told[2].1.parse::<i64>().unwrap() * 1000;
                assert!(l.take(at, manner), "{manner:?}: closed at {at}");
            }
        }
    }

    proptest! {
        #[test]
        fn never_more_than_allowed_in_any_window(
            steps in proptest::collection::vec(0i64..400, 1..200), max in 1u64..8, rejected: bool,
        ) {
            let manner = Manner { clock: false, rejected };
            let mut l = limiter(max, 1000);
            let (mut now, mut taken) = (5_000_000, Vec::new());
            for step in steps {
                now += step;
                if l.take(now, manner) {
                    taken.push(now);
                }
            }
            for (i, first) in taken.iter().enumerate() {
                let within = taken[i..].iter().take_while(|t| **t < first + 1000).count();
                prop_assert!(within as u64 <= max);
            }
        }
    }
}
