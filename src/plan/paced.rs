//! How many days a load takes under the pace of a migration.
//!
//! An estimate like that of calls and hours: days on which a clock changes count as any other, and the burst that a
//! fresh window of the account allows is left out.

use crate::{pace::Pace, platform::Limits};

/// A load under a pace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paced {
    /// The pace in one line.
    pub pace: String,
    /// True when it has a window: its days are nights for many.
    pub window: bool,
    /// Most calls of one day; `None`: a day has no end of them.
    pub calls_a_day: Option<u64>,
    /// Calls with which each run begins anew: they list what is at the destination.
    pub listing: u64,
    /// Days on which calls are made; `None`: the calls of a day do not suffice for more than the listing.
    pub days: Option<u64>,
    /// Days of a week on which the window opens.
    pub days_a_week: u64,
}

/// The days that so many calls take on a tier, `listing` of them anew on each.
pub fn paced(pace: &Pace, limits: &Limits, tier: Option<&str>, calls: u64, listing: u64) -> Paced {
    let load = calls.saturating_sub(listing);
    let hours = pace.hours_a_day();
    let by_rate = limits
        .calls
        .iter()
        .map(|l| l.max.at(tier) as f64 / l.per.as_secs_f64().max(1e-3) * 3600.0)
        .chain(pace.per_hour.map(|n| n as f64))
        .map(|per_hour| ((per_hour * hours) as u64).max(1))
        .min();
    let calls_a_day = by_rate.into_iter().chain(pace.per_day).min();
    Paced {
        pace: pace.words(),
        window: pace.has_window(),
        calls_a_day,
        listing,
        days: match calls_a_day {
            Some(a_day) if a_day > listing => Some(match load {
                0 => calls.min(1),
                load => load.div_ceil(a_day - listing),
            }),
            Some(_) if calls == 0 => Some(0),
            Some(_) => None,
            None => Some(calls.min(1)),
        },
        days_a_week: pace.days.a_week(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        pace::{Days, Hours},
        platform::{CallLimit, Tiered},
    };
    use std::time::Duration;

    #[test]
    fn the_tighter_of_window_rate_and_day_decides() {
        let limits = Limits {
            calls: vec![CallLimit {
                max: Tiered::All(1000),
                per: Duration::from_secs(3600),
            }],
            ..Limits::default()
        };
        let mut pace = Pace {
            hours: vec![Hours::parse("22:00-06:00").unwrap()],
            days: Days::ALL,
            zone: jiff::tz::TimeZone::UTC,
            zone_name: "UTC".to_owned(),
            per_day: None,
            per_hour: None,
            why: None,
            file: "migration.yaml".to_owned(),
        };
        let days = |pace: &Pace, calls| {
            let p = paced(pace, &limits, None, calls, 0);
            (p.days, p.calls_a_day)
        };
        assert_eq!(days(&pace, 0), (Some(0), Some(8000)));
        assert_eq!(days(&pace, 8000), (Some(1), Some(8000)));
        assert_eq!(days(&pace, 8001), (Some(2), Some(8000)));
        pace.per_hour = Some(500);
        assert_eq!(days(&pace, 8001), (Some(3), Some(4000)));
        pace.per_day = Some(100);
        assert_eq!(days(&pace, 8001), (Some(81), Some(100)));
        // Each run lists anew before it goes on.
        let days_with = |listing| paced(&pace, &limits, None, 8000 + listing, listing).days;
        assert_eq!(days_with(60), Some(200));
        assert_eq!(days_with(99), Some(8000));
        assert_eq!(days_with(100), None);
        pace.hours.clear();
        pace.per_day = None;
        assert_eq!(days(&pace, 12_001), (Some(2), Some(12_000)));
        let free = paced(
            &Pace {
                per_hour: None,
                ..pace
            },
            &Limits::default(),
            None,
            9,
            3,
        );
        assert_eq!((free.days, free.calls_a_day), (Some(1), None));
    }
}
