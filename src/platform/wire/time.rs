//! Days and instants in ISO 8601, from text and to text, by hand because nearly every record has some.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::{Offset, TimeZone},
};

/// What a text says of time: a day, a time of that day, and how far from UTC.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Moment {
    /// The day.
    pub date: Date,
    /// The time; `None`: a day only.
    pub time: Option<Time>,
    /// Offset from UTC; `None`: none was written.
    pub offset: Option<Offset>,
}

/// The zone of times without an offset.
#[derive(Clone, Debug)]
pub(super) enum Zone {
    /// Always the same distance from UTC.
    Fixed(Offset),
    /// With summer time and the like.
    Named(TimeZone),
}

impl Zone {
    /// The zone of that name; UTC for `None` and for a name that nobody knows.
    pub fn of(name: Option<&str>) -> Zone {
        match name.and_then(crate::platform::zone::find) {
            None => Zone::Fixed(Offset::UTC),
            Some(zone) => match zone.to_fixed_offset() {
                Ok(offset) => Zone::Fixed(offset),
                Err(_) => Zone::Named(zone),
            },
        }
    }

    /// The instant of a local time. In the hour that summer time skips, the later reading; in the hour
    /// that comes twice, the first one.
    pub fn instant(&self, local: DateTime) -> Option<Timestamp> {
        match self {
            Zone::Fixed(offset) => offset.to_timestamp(local).ok(),
            Zone::Named(zone) => zone.to_ambiguous_timestamp(local).compatible().ok(),
        }
    }
}

impl Moment {
    /// The instant; a day alone is its midnight in the zone.
    pub fn instant(&self, zone: &Zone) -> Option<Timestamp> {
        let local = self.date.to_datetime(self.time.unwrap_or(Time::midnight()));
        match self.offset {
            Some(offset) => offset.to_timestamp(local).ok(),
            None => zone.instant(local),
        }
    }
}

/// Reads `YYYY-MM-DD`, optionally with `T` or a blank and `HH:MM[:SS[.fraction]]`, optionally with `Z`,
/// `UTC`, `±HH`, `±HHMM` or `±HH:MM`. Digits after the ninth of a fraction are dropped.
pub(super) fn iso(text: &str) -> Option<Moment> {
    let b = text.as_bytes();
    if b.len() < 10 || b[4] != b'-' || b[7] != b'-' {
        return None;
    }
    let year = two(b, 0)? as i16 * 100 + two(b, 2)? as i16;
    let date = Date::new(year, two(b, 5)? as i8, two(b, 8)? as i8).ok()?;
    // A year of zeros is how some databases write nothing.
    if year == 0 {
        return None;
    }
    if b.len() == 10 {
        return Some(Moment {
            date,
            time: None,
            offset: None,
        });
    }
    if !matches!(b[10], b'T' | b't' | b' ') || b.len() < 16 || b[13] != b':' {
        return None;
    }
    let (hour, minute) = (two(b, 11)?, two(b, 14)?);
    let (mut second, mut nanos, mut at) = (0, 0, 16);
    if b.get(16) == Some(&b':') {
        second = two(b, 17)?;
        at = 19;
        if matches!(b.get(19), Some(b'.' | b',')) {
            let digits = b[20..].iter().take_while(|d| d.is_ascii_digit()).count();
            if digits == 0 {
                return None;
            }
            for i in 0..9 {
                let digit = if i < digits { b[20 + i] - b'0' } else { 0 };
                nanos = nanos * 10 + i32::from(digit);
            }
            at = 20 + digits;
        }
    }
    // A leap second is the last second of its minute to us.
    let second = if second == 60 { 59 } else { second };
    let time = Time::new(hour as i8, minute as i8, second as i8, nanos).ok()?;
    let offset = offset(text.get(at..)?)?;
    Some(Moment {
        date,
        time: Some(time),
        offset,
    })
}

/// `Some(None)` for no offset, `None` for something else behind the time.
fn offset(text: &str) -> Option<Option<Offset>> {
    let text = text.strip_prefix(' ').unwrap_or(text);
    let b = text.as_bytes();
    match b.first() {
        None => return Some(None),
        Some(b'Z' | b'z') if b.len() == 1 => return Some(Some(Offset::UTC)),
        Some(b'+' | b'-') => {}
        _ if text.eq_ignore_ascii_case("utc") || text.eq_ignore_ascii_case("gmt") => {
            return Some(Some(Offset::UTC));
        }
        _ => return None,
    }
    let (hours, minutes) = match b.len() {
        3 => (two(b, 1)?, 0),
        5 => (two(b, 1)?, two(b, 3)?),
        6 if b[3] == b':' => (two(b, 1)?, two(b, 4)?),
        _ => return None,
    };
    if minutes > 59 {
        return None;
    }
    let seconds = i32::from(hours) * 3600 + i32::from(minutes) * 60;
    let signed = if b[0] == b'-' { -seconds } else { seconds };
    Offset::from_seconds(signed).ok().map(Some)
}

/// Two digits at a place.
fn two(b: &[u8], at: usize) -> Option<u8> {
    let (tens, ones) = (
        b.get(at)?.wrapping_sub(b'0'),
        b.get(at + 1)?.wrapping_sub(b'0'),
    );
    (tens <= 9 && ones <= 9).then(|| tens * 10 + ones)
}

/// Appends `YYYY-MM-DD`.
pub(super) fn write_date(date: Date, out: &mut Vec<u8>) {
    match day(date) {
        Some(day) => out.extend_from_slice(&day),
        None => out.extend_from_slice(&long_day(date)),
    }
}

/// Appends `YYYY-MM-DDTHH:MM:SSZ`, with a fraction only where there is one.
pub(super) fn write_instant(instant: Timestamp, out: &mut Vec<u8>) {
    let utc = Offset::UTC.to_datetime(instant);
    let [h, i] = pair(utc.hour().cast_unsigned());
    let [m, n] = pair(utc.minute().cast_unsigned());
    let [s, t] = pair(utc.second().cast_unsigned());
    let nanos = utc.subsec_nanosecond();
    match day(utc.date()) {
        Some([a, b, c, d, _, e, f, _, g, j]) if nanos == 0 => out.extend_from_slice(&[
            a, b, c, d, b'-', e, f, b'-', g, j, b'T', h, i, b':', m, n, b':', s, t, b'Z',
        ]),
        _ => {
            write_date(utc.date(), out);
            out.extend_from_slice(&[b'T', h, i, b':', m, n, b':', s, t]);
            if nanos > 0 {
                let digits = format!("{nanos:09}");
                out.push(b'.');
                out.extend_from_slice(digits.trim_end_matches('0').as_bytes());
            }
            out.push(b'Z');
        }
    }
}

/// `YYYY-MM-DD` of a year from 0 to 9999.
#[inline]
fn day(date: Date) -> Option<[u8; 10]> {
    let year = u16::try_from(date.year()).ok().filter(|y| *y <= 9999)?;
    let ([a, b], [c, d]) = (pair((year / 100) as u8), pair((year % 100) as u8));
    let [e, f] = pair(date.month().cast_unsigned());
    let [g, h] = pair(date.day().cast_unsigned());
    Some([a, b, c, d, b'-', e, f, b'-', g, h])
}

/// The day of a year before 0, with its sign and as many digits as ISO 8601 gives it.
#[cold]
fn long_day(date: Date) -> Vec<u8> {
    let mut out = date.to_string().split_at(7).0.as_bytes().to_vec();
    for part in [date.month(), date.day()] {
        out.push(b'-');
        out.extend_from_slice(&pair(part.cast_unsigned()));
    }
    out
}

/// Two digits.
#[inline]
fn pair(n: u8) -> [u8; 2] {
    [b'0' + n / 10 % 10, b'0' + n % 10]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn utc(text: &str) -> Option<String> {
        let instant = iso(text)?.instant(&Zone::of(None))?;
        let mut out = Vec::new();
        write_instant(instant, &mut out);
        Some(String::from_utf8(out).expect("digits"))
    }

    #[test]
    fn usual_forms() {
        for (text, value) in [
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
            ("2026-01-02 03:04:05", "2026-01-02T03:04:05Z"),
            ("2026-01-02T03:04:05+05:30", "2026-01-01T21:34:05Z"),
            ("2026-01-02T03:04:05-0600", "2026-01-02T09:04:05Z"),
            ("2026-01-02 03:04:05+02", "2026-01-02T01:04:05Z"),
            (
                "2026-01-02 03:04:05.123456+00:00",
                "2026-01-02T03:04:05.123456Z",
            ),
            (
                "2026-01-02 03:04:05.1234567891",
                "2026-01-02T03:04:05.123456789Z",
            ),
            ("2026-01-02 03:04:05 UTC", "2026-01-02T03:04:05Z"),
            ("2026-01-02 03:04", "2026-01-02T03:04:00Z"),
            ("2026-01-02", "2026-01-02T00:00:00Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
            ("2024-02-29", "2024-02-29T00:00:00Z"),
        ] {
            assert_eq!(utc(text).as_deref(), Some(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "2026",
            "2026-1-2",
            "0000-00-00",
            "0000-00-00 00:00:00",
            "0000-01-01",
            "2026-02-30",
            "2026-13-01",
            "2025-02-29",
            "2026-01-02T",
            "2026-01-02T25:00:00Z",
            "2026-01-02T03:60:00Z",
            "2026-01-02T03:04:61Z",
            "2026-01-02T03:04:05.Z",
            "2026-01-02T03:04:05X",
            "2026-01-02T03:04:05+5",
            "2026-01-02T03:04:05+99:00",
            "2026-01-02T03:04:05+05:60",
            "2026/01/02",
            "2026-01-02x",
            "２０26-01-02",
            "2026-01-02T03:04:05é",
            "2026-01-0é",
            "2026-01-02T03:04:05.1é",
        ] {
            assert_eq!(utc(text), None, "{text}");
        }
    }

    #[test]
    fn summer_time_gap_and_overlap_follow_the_compatible_rule() {
        let zone = Zone::of(Some("America/Chicago"));
        let at = |text: &str| {
            let instant = iso(text).and_then(|m| m.instant(&zone)).expect("a time");
            instant.to_string()
        };
        // 02:30 does not exist on this day: read as 03:30.
        assert_eq!(at("2026-03-08 02:30:00"), "2026-03-08T08:30:00Z");
        // 01:30 comes twice: the first.
        assert_eq!(at("2026-11-01 01:30:00"), "2026-11-01T06:30:00Z");
        assert_eq!(at("2026-07-01 12:00:00"), "2026-07-01T17:00:00Z");
        // An offset wins over the zone.
        assert_eq!(at("2026-07-01 12:00:00Z"), "2026-07-01T12:00:00Z");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = iso(&text);
        }

        #[test]
        fn near_times_never_panic(text in "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]?[0-9:.,+Zzé -]{0,24}") {
            let _ = utc(&text);
        }

        #[test]
        fn instants_survive(seconds in -62_000_000_000i64..253_000_000_000, nanos in 0i32..1_000_000_000) {
            let value = Timestamp::new(seconds, nanos.max(0)).expect("in range");
            let mut out = Vec::new();
            write_instant(value, &mut out);
            let text = String::from_utf8(out).expect("digits");
            prop_assert_eq!(iso(&text).and_then(|m| m.instant(&Zone::of(None))), Some(value));
        }

        #[test]
        fn agrees_with_the_library(seconds in -62_000_000_000i64..253_000_000_000) {
            let value = Timestamp::from_second(seconds).expect("in range");
            let mut out = Vec::new();
            write_instant(value, &mut out);
            prop_assert_eq!(String::from_utf8(out).expect("digits"), value.to_string());
        }
    }
}
