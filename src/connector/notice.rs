//! What an answer's headers say about the rate: calls left, the moment of reset, how long to wait.
//!
//! Read defensively: a header that makes no sense says nothing. It decides nothing.

use crate::platform::Limits;
use jiff::{
    Timestamp,
    civil::DateTime,
    fmt::{rfc2822, strtime},
    tz::{Offset, TimeZone},
};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use std::time::Duration;

/// What an answer said about the rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notice {
    /// Calls left.
    pub left: Option<u64>,
    /// Until the server counts anew.
    pub reset_in: Option<Duration>,
    /// Until the server wants the next call; not capped.
    pub retry_after: Option<Duration>,
}

/// Reads an answer's headers. `zone`: the platform's, for moments without one; `longest`: the longest window,
/// beyond which a moment of reset makes no sense; `now`: our own time, where the answer does not carry the server's.
pub fn read(
    headers: &HeaderMap,
    limits: &Limits,
    zone: Option<&str>,
    longest: Duration,
    now: Timestamp,
) -> Notice {
    let text = |name: &str| {
        let text = headers.get(name)?.to_str().ok()?.trim();
        (!text.is_empty() && text.len() <= 100).then_some(text)
    };
    // Only differences count, so that the server's clock may be wrong.
    let now = text(DATE.as_str()).and_then(http_date).unwrap_or(now);
    Notice {
        left: limits
            .left_header
            .as_deref()
            .and_then(text)
            .and_then(calls_left),
        reset_in: limits
            .reset_header
            .as_deref()
            .and_then(text)
            .and_then(|t| reset_in(t, limits.reset_format.as_deref(), zone, longest, now)),
        retry_after: text(RETRY_AFTER.as_str()).and_then(|t| retry_after(t, now)),
    }
}

/// `12`, `12.0`; a negative number means none.
fn calls_left(text: &str) -> Option<u64> {
    let number: f64 = text.parse().ok()?;
    if !number.is_finite() || number > 1e12 {
        return None;
    }
    // Saturates at 0.
    Some(number as u64)
}

/// Seconds or an HTTP date. A moment in the past and a negative number say nothing.
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<f64>() {
        return seconds_from(seconds);
    }
    until(http_date(text)?, now)
}

fn seconds_from(seconds: f64) -> Option<Duration> {
    (seconds.is_finite() && seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(1e9)))
}

fn until(moment: Timestamp, now: Timestamp) -> Option<Duration> {
    Duration::try_from(moment.duration_since(now)).ok()
}

/// A moment in the declared format, as seconds or milliseconds since 1970, or seconds from now: the first
/// reading that lies within the longest window.
fn reset_in(
    text: &str,
    format: Option<&str>,
    zone: Option<&str>,
    longest: Duration,
    now: Timestamp,
) -> Option<Duration> {
    let fits = |wait: &Duration| *wait <= longest + longest / 20 + Duration::from_secs(5);
    let written = format.into_iter().flat_map(|f| moments(f, text, zone));
    let number = text.parse::<f64>().ok().filter(|n| n.is_finite());
    let epoch = number.into_iter().flat_map(|n| {
        [n, n / 1000.0]
            .into_iter()
            .filter(|n| (1e9..1e11).contains(n))
            .filter_map(|n| Timestamp::from_millisecond((n * 1000.0) as i64).ok())
    });
    written
        .chain(epoch)
        .chain(http_date(text))
        .chain(text.parse::<Timestamp>().ok())
        .filter_map(|moment| until(moment, now))
        .find(fits)
        .or_else(|| number.and_then(seconds_from).filter(fits))
}

/// The moments a text may mean: in UTC, and in the platform's zone.
fn moments(format: &str, text: &str, zone: Option<&str>) -> Vec<Timestamp> {
    let Ok(parts) = strtime::parse(format, text) else {
        return Vec::new();
    };
    if let Ok(moment) = parts.to_timestamp() {
        return vec![moment];
    }
    let Ok(civil) = parts.to_datetime() else {
        return Vec::new();
    };
    [Some(TimeZone::UTC), zone.and_then(time_zone)]
        .into_iter()
        .flatten()
        .filter_map(|z| z.to_timestamp(civil).ok())
        .collect()
}

/// `-06:00` or an IANA name.
fn time_zone(name: &str) -> Option<TimeZone> {
    let (sign, rest) = match name.as_bytes().first()? {
        b'+' => (1, name.get(1..)?),
        b'-' => (-1, name.get(1..)?),
        _ => return TimeZone::get(name).ok(),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
    Offset::from_seconds(sign * seconds)
        .ok()
        .map(TimeZone::fixed)
}

/// The three forms of RFC 9110.
fn http_date(text: &str) -> Option<Timestamp> {
    if let Ok(moment) = rfc2822::DateTimeParser::new().parse_timestamp(text) {
        return Some(moment);
    }
    ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
        .into_iter()
        .find_map(|f| DateTime::strptime(f, text).ok())
        .and_then(|civil| TimeZone::UTC.to_timestamp(civil).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reqwest::header::{HeaderName, HeaderValue};

    const NOW: &str = "2026-11-20T12:00:00Z";
    const HOUR: Duration = Duration::from_secs(3600);

    fn limits() -> Limits {
        Limits {
            left_header: Some("x-left".to_owned()),
            reset_header: Some("x-reset".to_owned()),
            reset_format: Some("%d%m%y%H%M%S".to_owned()),
            ..Limits::default()
        }
    }

    fn notice(headers: &[(&str, &str)]) -> Notice {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        read(&map, &limits(), Some("-06:00"), HOUR, NOW.parse().unwrap())
    }

    fn reset(text: &str) -> Option<u64> {
        notice(&[("x-reset", text)]).reset_in.map(|d| d.as_secs())
    }

    fn wait(text: &str) -> Option<u64> {
        notice(&[("retry-after", text)])
            .retry_after
            .map(|d| d.as_secs())
    }

    #[test]
    fn a_moment_of_reset_is_read_in_every_usual_form() {
        assert_eq!(reset("201126121500"), Some(900), "declared format, UTC");
        assert_eq!(
            reset("201126061500"),
            Some(900),
            "declared format, the platform's zone"
        );
        assert_eq!(reset("1795176900"), Some(900), "seconds since 1970");
        assert_eq!(reset("1795176900000"), Some(900), "milliseconds since 1970");
        assert_eq!(reset("900"), Some(900), "seconds from now");
        assert_eq!(reset("0.5"), Some(0));
        assert_eq!(reset("Fri, 20 Nov 2026 12:15:00 GMT"), Some(900));
        assert_eq!(reset("2026-11-20T12:15:00Z"), Some(900));
    }

    #[test]
    fn a_moment_of_reset_that_makes_no_sense_says_nothing() {
        for text in [
            "",
            "soon",
            "-5",
            "NaN",
            "inf",
            "99999999",
            "201126115900",
            "311326121500",
            "1795170000",
            "2026-11-22T12:15:00Z",
            "99999999999999999999999999",
        ] {
            assert_eq!(reset(text), None, "{text}");
        }
    }

    #[test]
    fn waits_are_read_as_seconds_and_dates() {
        assert_eq!(wait("7"), Some(7));
        assert_eq!(wait(" 7 "), Some(7));
        assert_eq!(wait("1.5"), Some(1));
        assert_eq!(wait("9999999"), Some(9_999_999));
        assert_eq!(wait("1e300"), Some(1_000_000_000));
        assert_eq!(wait("Fri, 20 Nov 2026 12:00:30 GMT"), Some(30));
        assert_eq!(wait("Friday, 20-Nov-26 12:00:30 GMT"), Some(30));
        assert_eq!(wait("Fri Nov 20 12:00:30 2026"), Some(30));
        for text in ["-1", "soon", "NaN", "Fri, 20 Nov 2026 11:00:00 GMT", ""] {
            assert_eq!(wait(text), None, "{text}");
        }
    }

    #[test]
    fn the_servers_own_date_is_what_counts() {
        let got = notice(&[
            ("date", "Fri, 20 Nov 2026 18:00:00 GMT"),
            ("retry-after", "Fri, 20 Nov 2026 18:00:05 GMT"),
            ("x-reset", "201126181000"),
        ]);
        assert_eq!(got.retry_after, Some(Duration::from_secs(5)));
        assert_eq!(got.reset_in, Some(Duration::from_secs(600)));
    }

    #[test]
    fn calls_left_are_whole_and_never_negative() {
        let left = |t: &str| notice(&[("x-left", t)]).left;
        assert_eq!(left("12"), Some(12));
        assert_eq!(left("12.0"), Some(12));
        assert_eq!(left("-3"), Some(0));
        for text in ["", "many", "NaN", "1e99"] {
            assert_eq!(left(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_header_is_too_odd_to_read(
            left in "\\PC{0,40}", reset in "[ -~]{0,40}", wait in "[ -~]{0,120}", date in "[ -~]{0,40}",
        ) {
            let mut map = HeaderMap::new();
            for (name, value) in [("x-left", left), ("x-reset", reset), ("retry-after", wait), ("date", date)] {
                if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                    map.insert(HeaderName::from_static(name), value);
                }
            }
            for format in [None, Some("%d%m%y%H%M%S"), Some("%Q%s"), Some("%")] {
                let limits = Limits { reset_format: format.map(str::to_owned), ..limits() };
                let got = read(&map, &limits, Some("+25:99"), HOUR, NOW.parse().unwrap());
                prop_assert!(got.reset_in.is_none_or(|d| d <= HOUR * 2));
            }
        }

        #[test]
        fn numbers_of_every_size_stay_within_the_window(n in any::<i64>(), f in any::<f64>()) {
            for text in [n.to_string(), f.to_string()] {
                let got = notice(&[("x-left", &text), ("x-reset", &text), ("retry-after", &text)]);
                prop_assert!(got.reset_in.is_none_or(|d| d <= HOUR * 2));
                prop_assert!(got.retry_after.is_none_or(|d| d <= Duration::from_secs(1_000_000_000)));
            }
        }

        #[test]
        fn a_written_moment_reads_back(ahead in 1u64..3600) {
            let now: Timestamp = NOW.parse().unwrap();
            let then = now + Duration::from_secs(ahead);
            let civil = TimeZone::UTC.to_datetime(then);
            for text in [civil.strftime("%d%m%y%H%M%S").to_string(), then.as_second().to_string()] {
                prop_assert_eq!(reset(&text), Some(ahead));
            }
        }
    }
}
