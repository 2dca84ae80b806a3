//! How fast a run goes, and when it may end.

use super::{StepState, StepStatus, shown};
use crate::ledger::{Progressed, ReadError, View};
use serde::Serialize;

/// How far back calls are counted, in milliseconds: as long as the longest usual window of a rate limit, so that a run
/// that waits for its window shows the rate it really has.
const CALLS_BACK: i64 = 3_600_000;
/// A rate over less than this (milliseconds) says nothing.
const LEAST: i64 = 2_000;

/// How fast a run goes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rate {
    /// Records a minute that get their outcome, of all steps at work.
    pub records_per_minute: Option<u64>,
    /// Over how many seconds that was seen.
    pub records_seconds: u64,
    /// Calls a minute, where calls are limited and so counted.
    pub calls_per_minute: Option<u64>,
    /// Over how many seconds that was seen.
    pub calls_seconds: u64,
}

/// When a run may end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct End {
    /// An instant in UTC.
    pub at: String,
    /// From what that follows.
    pub from: String,
    /// Calls to go by the plan, if every record is new.
    pub calls: Option<u64>,
    /// Days that these calls take under the pace of the migration; `None` without one.
    pub days: Option<u64>,
}

/// A limit of calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Most calls.
    pub calls: u64,
    /// In so many seconds.
    pub seconds: u64,
    /// Whose it is, for people: `the limit of the tier`.
    pub of: String,
}

impl Limit {
    /// Seconds that so many calls take at least, when they go on for longer than the limit's own time.
    fn seconds_for(&self, calls: u64) -> u64 {
        let all = u128::from(calls) * u128::from(self.seconds);
        u64::try_from(all.div_ceil(u128::from(self.calls.max(1)))).unwrap_or(u64::MAX)
    }

    fn words(&self) -> String {
        match self.seconds {
            60 => format!("{} a minute", self.calls),
            3_600 => format!("{} an hour", self.calls),
            86_400 => format!("{} a day", self.calls),
            n => format!("{} in {}", self.calls, span(n)),
        }
    }
}

/// Calls that were made since a moment of the run (milliseconds of Unix time), which is given, too.
pub(super) fn calls(view: &View, started_ms: i64, now_ms: i64) -> Result<(i64, u64), ReadError> {
    let since_ms = started_ms.max(now_ms - CALLS_BACK);
    Ok((since_ms, view.calls_since(since_ms.div_euclid(1000))?))
}

fn a_minute(n: u64, ms: i64) -> Option<u64> {
    let ms = u64::try_from(ms)
        .ok()
        .filter(|ms| *ms >= LEAST.unsigned_abs())?;
    Some(n.saturating_mul(60_000) / ms)
}

/// The rate of a run; `None` where nothing is known yet.
pub(super) fn rate(
    progress: &[(String, i64, Progressed)],
    steps: &[StepStatus],
    since_ms: i64,
    now_ms: i64,
    calls: u64,
) -> Option<Rate> {
    let at_work = |name: &str| {
        steps
            .iter()
            .any(|s| s.step == name && s.state == StepState::AtWork)
    };
    let (mut records, mut longest, mut known) = (0u64, 0i64, false);
    for (step, at_ms, p) in progress {
        if !at_work(step) {
            continue;
        }
        let settled = p.settled.saturating_sub(p.since_settled);
        if let Some(rate) = a_minute(settled, at_ms - p.since_ms) {
            records += rate;
            known = true;
            longest = longest.max(at_ms - p.since_ms);
        }
    }
    let calls_per_minute = a_minute(calls, now_ms - since_ms).filter(|n| *n > 0);
    if !known && calls_per_minute.is_none() {
        return None;
    }
    Some(Rate {
        records_per_minute: known.then_some(records),
        records_seconds: longest.unsigned_abs() / 1000,
        calls_per_minute,
        calls_seconds: (now_ms - since_ms).unsigned_abs() / 1000,
    })
}

/// When a run may end: from the calls that the plan still has and the rate of calls, else from records and their rate;
/// never faster than the limits allow, of which a rate that was seen over a moment knows nothing. It does not begin
/// before the run's wait is over.
pub(super) fn end(
    steps: &[StepStatus],
    rate: Option<&Rate>,
    limits: &[Limit],
    now_ms: i64,
    until_ms: i64,
) -> Option<End> {
    let rate = rate?;
    let (mut records, mut calls) = (Some(0u64), Some(0u64));
    for step in steps {
        let left = match (step.state, step.of) {
            (StepState::Done | StepState::Stopped, _) => 0,
            (_, Some(of)) => of.saturating_sub(step.settled),
            (_, None) => {
                records = None;
                calls = None;
                break;
            }
        };
        records = records.map(|r| r + left);
        calls = match (calls, step.calls, step.of) {
            (Some(sum), Some(all), Some(of)) if of > 0 => {
                let share = u128::from(all) * u128::from(left) / u128::from(of);
                Some(sum + u64::try_from(share).unwrap_or(u64::MAX))
            }
            (Some(sum), Some(_), _) => Some(sum),
            (Some(sum), None, _) if left == 0 => Some(sum),
            _ => None,
        };
    }
    let seconds = |n: u64, a_minute: u64| n.saturating_mul(60).checked_div(a_minute);
    let (seconds, from) = match (
        calls,
        rate.calls_per_minute,
        records,
        rate.records_per_minute,
    ) {
        (Some(calls), Some(a_minute), ..) if calls > 0 => (
            seconds(calls, a_minute)?,
            format!(
                "{calls} calls to go by the plan, at {a_minute} a minute as over the last {}",
                span(rate.calls_seconds)
            ),
        ),
        (_, _, Some(records), Some(a_minute)) if records > 0 && a_minute > 0 => (
            seconds(records, a_minute)?,
            format!(
                "{records} records to go, at {a_minute} a minute as over the last {}",
                span(rate.records_seconds)
            ),
        ),
        _ => return None,
    };
    let tightest = calls.and_then(|calls| {
        let of = |limit| (Limit::seconds_for(limit, calls), limit, calls);
        limits.iter().map(of).max_by_key(|(seconds, ..)| *seconds)
    });
    let (seconds, from) = match tightest {
        Some((at_least, limit, calls)) if at_least > seconds => (
            at_least,
            format!(
                "{calls} calls to go by the plan, at most {} by {}",
                limit.words(),
                limit.of
            ),
        ),
        _ => (seconds, from),
    };
    let ms = i64::try_from(seconds).ok()?.checked_mul(1000)?;
    Some(End {
        at: shown(now_ms.max(until_ms).checked_add(ms)?),
        from,
        calls,
        days: None,
    })
}

/// A span of seconds for people.
pub(super) fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str, state: StepState, settled: u64, of: u64, calls: u64) -> StepStatus {
        StepStatus {
            step: name.into(),
            batch: Some(1),
            state,
            settled,
            of: Some(of),
            calls: Some(calls),
            counts: None,
        }
    }

    fn progress(name: &str, settled: u64) -> (String, i64, Progressed) {
        let what = Progressed {
            settled,
            since_ms: 0,
            since_settled: 0,
            ..Progressed::default()
        };
        (name.into(), 60_000, what)
    }

    #[test]
    fn the_end_follows_from_calls_where_they_are_counted() {
        let steps = [
            step("a", StepState::Done, 100, 100, 100),
            step("b", StepState::AtWork, 50, 100, 100),
            step("c", StepState::ToCome, 0, 200, 2),
        ];
        let rate = rate(
            &[progress("a", 100), progress("b", 50)],
            &steps,
            0,
            60_000,
            13,
        )
        .unwrap();
        assert_eq!(
            (rate.records_per_minute, rate.calls_per_minute),
            (Some(50), Some(13))
        );
        // 50 of 100 calls, and all 2: four minutes.
        let end = end(&steps, Some(&rate), &[], 60_000, 60_000).unwrap();
        assert_eq!(end.at, "1970-01-01T00:05:00Z");
        assert!(end.from.starts_with("52 calls"), "{end:?}");
    }

    #[test]
    fn without_limits_it_follows_from_records_and_never_begins_before_a_wait_is_over() {
        let steps = [step("b", StepState::AtWork, 50, 100, 100)];
        let rate = rate(&[progress("b", 50)], &steps, 0, 60_000, 0).unwrap();
        assert_eq!(rate.calls_per_minute, None);
        let at = |until| end(&steps, Some(&rate), &[], 60_000, until).unwrap();
        assert_eq!(at(0).at, "1970-01-01T00:02:00Z");
        assert_eq!(at(600_000).at, "1970-01-01T00:11:00Z");
        assert!(at(0).from.starts_with("50 records"), "{:?}", at(0));
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        let mut steps = [step("b", StepState::AtWork, 50, 100, 100)];
        assert_eq!(rate(&[], &steps, 0, 60_000, 0), None);
        // A rate over a moment says nothing.
        assert_eq!(rate(&[], &steps, 59_000, 60_000, 10), None);
        let known = rate(&[progress("b", 50)], &steps, 0, 60_000, 0);
        steps[0].of = None;
        assert_eq!(end(&steps, known.as_ref(), &[], 60_000, 0), None);
    }

    #[test]
    fn no_rate_is_faster_than_the_limits() {
        let limit = |calls, seconds| Limit {
            calls,
            seconds,
            of: "the limit of the tier".into(),
        };
        let steps = [step("b", StepState::AtWork, 500, 2_500, 2_500)];
        // 1000 calls in the first minute, of 1000 an hour.
        let rate = rate(&[progress("b", 500)], &steps, 0, 60_000, 1_000).unwrap();
        let at = |limits: &[Limit]| end(&steps, Some(&rate), limits, 0, 0).unwrap();
        assert_eq!(at(&[]).at, "1970-01-01T00:02:00Z");
        let told = at(&[limit(2_000, 60), limit(1_000, 3_600)]);
        assert_eq!(told.at, "1970-01-01T02:00:00Z");
        assert_eq!(
            told.from,
            "2000 calls to go by the plan, at most 1000 an hour by the limit of the tier"
        );
        // A limit that is wider than what was seen changes nothing.
        assert_eq!(at(&[limit(2_000, 60)]), at(&[]));
    }
}
