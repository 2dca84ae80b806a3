//! Declared date formats: common strptime patterns compiled, the rest through the library.

use super::time::Moment;
use jiff::civil::{Date, Time};

/// One declared format.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    /// Compiled: only common directives.
    Quick(Vec<Part>),
    /// As written, for the library.
    Slow(String),
}

/// A piece of a compiled format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// This byte.
    Byte(u8),
    /// Any white space, or none.
    Blank,
    /// Four digits.
    Year,
    /// One or two digits: 00-68 are 20xx, 69-99 are 19xx.
    ShortYear,
    /// One or two digits.
    Month,
    /// An English name of a month, in full or its first three letters, in any case.
    MonthName,
    /// One or two digits.
    Day,
    /// One or two digits, 0-23.
    Hour,
    /// One or two digits, 1-12.
    HalfHour,
    /// One or two digits.
    Minute,
    /// One or two digits.
    Second,
    /// AM or PM in any case.
    Half,
}

impl Pattern {
    /// Compiles a format.
    pub fn new(format: &str) -> Pattern {
        compile(format).map_or_else(|| Pattern::Slow(format.to_owned()), Pattern::Quick)
    }

    /// What a whole text says by this format.
    pub fn read(&self, text: &str) -> Option<Moment> {
        match self {
            Pattern::Quick(parts) => quick(parts, text.as_bytes()),
            Pattern::Slow(format) => slow(format, text),
        }
    }
}

fn compile(format: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut bytes = format.bytes();
    while let Some(b) = bytes.next() {
        if b.is_ascii_whitespace() {
            if parts.last() != Some(&Part::Blank) {
                parts.push(Part::Blank);
            }
            continue;
        }
        if b != b'%' {
            parts.push(Part::Byte(b));
            continue;
        }
        match bytes.next()? {
            b'Y' => parts.push(Part::Year),
            b'y' => parts.push(Part::ShortYear),
            b'm' => parts.push(Part::Month),
            b'b' | b'B' | b'h' => parts.push(Part::MonthName),
            b'd' | b'e' => parts.push(Part::Day),
            b'H' => parts.push(Part::Hour),
            b'I' => parts.push(Part::HalfHour),
            b'M' => parts.push(Part::Minute),
            b'S' => parts.push(Part::Second),
            b'p' | b'P' => parts.push(Part::Half),
            b'%' => parts.push(Part::Byte(b'%')),
            b'F' => parts.extend([
                Part::Year,
                Part::Byte(b'-'),
                Part::Month,
                Part::Byte(b'-'),
                Part::Day,
            ]),
            b'T' => parts.extend([
                Part::Hour,
                Part::Byte(b':'),
                Part::Minute,
                Part::Byte(b':'),
                Part::Second,
            ]),
            _ => return None,
        }
    }
    // Without a whole day there is nothing to compile; the library decides what such a format means.
    let has = |p: Part| parts.contains(&p);
    let day = (has(Part::Year) || has(Part::ShortYear))
        && (has(Part::Month) || has(Part::MonthName))
        && has(Part::Day);
    // An hour of twelve needs its half; half a day alone means nothing.
    let halves = has(Part::HalfHour) == has(Part::Half) && !(has(Part::Hour) && has(Part::Half));
    (day && halves).then_some(parts)
}

fn quick(parts: &[Part], b: &[u8]) -> Option<Moment> {
    let mut at = 0;
    let (mut year, mut month, mut day) = (0i16, 0u8, 0u8);
    let (mut hour, mut minute, mut second) = (None, 0u8, 0u8);
    let mut after_noon = None;
    for part in parts {
        match part {
            Part::Byte(want) => {
                if b.get(at) != Some(want) {
                    return None;
                }
                at += 1;
            }
            Part::Blank => {
                while b.get(at).is_some_and(u8::is_ascii_whitespace) {
                    at += 1;
                }
            }
            Part::Year => {
                let digits = b.get(at..at + 4)?;
                if !digits.iter().all(u8::is_ascii_digit) {
                    return None;
                }
                year = digits.iter().fold(0, |n, d| n * 10 + i16::from(d - b'0'));
                at += 4;
            }
            Part::ShortYear => {
                let n = i16::from(number(b, &mut at)?);
                year = if n < 69 { 2000 + n } else { 1900 + n };
            }
            Part::Month => month = number(b, &mut at)?,
            Part::MonthName => month = month_name(b, &mut at)?,
            Part::Day => day = number(b, &mut at)?,
            Part::Hour => hour = Some(number(b, &mut at)?),
            Part::HalfHour => {
                let n = number(b, &mut at)?;
                if !(1..=12).contains(&n) {
                    return None;
                }
                hour = Some(n % 12);
            }
            Part::Minute => minute = number(b, &mut at)?,
            Part::Second => second = number(b, &mut at)?,
            Part::Half => {
                let word = b.get(at..at + 2)?;
                after_noon = if word.eq_ignore_ascii_case(b"am") {
                    Some(false)
                } else if word.eq_ignore_ascii_case(b"pm") {
                    Some(true)
                } else {
                    return None;
                };
                at += 2;
            }
        }
    }
    // Year 0 is how some databases write nothing.
    if at != b.len() || year == 0 {
        return None;
    }
    let date = Date::new(year, month as i8, day as i8).ok()?;
    let time = match hour {
        None => None,
        Some(hour) => {
            let hour = if after_noon == Some(true) {
                hour + 12
            } else {
                hour
            };
            Some(Time::new(hour as i8, minute as i8, second as i8, 0).ok()?)
        }
    };
    Some(Moment {
        date,
        time,
        offset: None,
    })
}

/// English month names; the first three letters are the short ones.
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

fn month_name(b: &[u8], at: &mut usize) -> Option<u8> {
    let rest = b.get(*at..)?;
    let letters = rest.iter().take_while(|c| c.is_ascii_alphabetic()).count();
    let word = &rest[..letters];
    let month = MONTHS.iter().position(|m| {
        word.eq_ignore_ascii_case(m.as_bytes()) || word.eq_ignore_ascii_case(&m.as_bytes()[..3])
    })?;
    *at += letters;
    Some(month as u8 + 1)
}

/// One or two digits.
fn number(b: &[u8], at: &mut usize) -> Option<u8> {
    let first = b.get(*at).filter(|d| d.is_ascii_digit())? - b'0';
    *at += 1;
    match b.get(*at).filter(|d| d.is_ascii_digit()) {
        None => Some(first),
        Some(second) => {
            *at += 1;
            Some(first * 10 + (second - b'0'))
        }
    }
}

fn slow(format: &str, text: &str) -> Option<Moment> {
    let broken = jiff::fmt::strtime::parse(format, text).ok()?;
    let date = broken.to_date().ok();
    match date {
        Some(date) => Some(Moment {
            date,
            time: broken.hour().and_then(|_| broken.to_time().ok()),
            offset: broken.offset(),
        }),
        // Seconds since 1970 and their like have no day of their own.
        None => {
            let utc = jiff::tz::Offset::UTC;
            let local = utc.to_datetime(broken.to_timestamp().ok()?);
            Some(Moment {
                date: local.date(),
                time: Some(local.time()),
                offset: Some(utc),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(format: &str, text: &str) -> Option<String> {
        let m = Pattern::new(format).read(text)?;
        let time = m.time.map(|t| format!(" {t}")).unwrap_or_default();
        let offset = m.offset.map(|o| format!(" {o}")).unwrap_or_default();
        Some(format!("{}{time}{offset}", m.date))
    }

    #[test]
    fn us_dates_with_and_without_a_time() {
        let full = "%m/%d/%Y %I:%M:%S %p";
        for (format, text, value) in [
            (full, "8/5/2026 9:07:03 am", "2026-08-05 09:07:03"),
            (full, "08/05/2026 12:00:00 AM", "2026-08-05 00:00:00"),
            (full, "08/05/2026 12:30:00 PM", "2026-08-05 12:30:00"),
            (full, "08/05/2026  11:59:59PM", "2026-08-05 23:59:59"),
            ("%m/%d/%Y", "2/29/2024", "2024-02-29"),
            ("%d.%m.%y", "1.2.99", "1999-02-01"),
            ("%F %T", "2026-01-02 3:04:05", "2026-01-02 03:04:05"),
            ("%b %d, %Y", "Jan 2, 2026", "2026-01-02"),
            ("%d %B %Y", "9 SEPTEMBER 2026", "2026-09-09"),
            ("%Y, day %j", "2026, day 033", "2026-02-02"),
            (
                "%Y-%m-%dT%H:%M:%S%z",
                "2026-01-02T03:04:05+0100",
                "2026-01-02 03:04:05 +01",
            ),
            ("%s", "0", "1970-01-01 00:00:00 +00"),
        ] {
            assert_eq!(
                shown(format, text).as_deref(),
                Some(value),
                "{format} {text}"
            );
        }
        for (format, text) in [
            (full, "08/05/2026"),
            (full, "13/05/2026 9:00:00 am"),
            (full, "08/05/2026 13:00:00 PM"),
            (full, "08/05/2026 0:00:00 AM"),
            (full, "08/05/2026 9:00:00 xm"),
            ("%m/%d/%Y", "2/30/2026"),
            ("%m/%d/%Y", "2/3/26"),
            ("%m/%d/%Y", "2/3/2026x"),
            ("%m/%d/%Y", "2/3/é026"),
            ("%m/%d/%Y", "00/00/0000"),
            ("%b %d, %Y", "Foo 2, 2026"),
            ("%b %d, %Y", "Janu 2, 2026"),
            ("%Y, day %j", "2026, day 400"),
        ] {
            assert_eq!(shown(format, text), None, "{format} {text}");
        }
    }

    #[test]
    fn common_formats_are_compiled() {
        assert!(matches!(
            Pattern::new("%m/%d/%Y %I:%M %p"),
            Pattern::Quick(_)
        ));
        assert!(matches!(Pattern::new("%Y %j"), Pattern::Slow(_)));
        assert!(matches!(Pattern::new("%m/%d"), Pattern::Slow(_)));
        assert!(matches!(Pattern::new("%m/%d/%Y %I:%M"), Pattern::Slow(_)));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,30}") {
            for format in ["%m/%d/%Y %I:%M:%S %p", "%F %T", "%b %d, %Y", "%s", "%Y %j", "%d.%m.%y"] {
                let _ = Pattern::new(format).read(&text);
            }
        }

        #[test]
        fn agrees_with_the_library(y in 1i16..9999, m in 1i8..=12, d in 1i8..=31, h in 0i8..24, min in 0i8..60) {
            let Ok(date) = Date::new(y, m, d) else { return Ok(()) };
            let format = "%m/%d/%Y %I:%M %p";
            let text = jiff::fmt::strtime::format(format, date.at(h, min, 0, 0)).expect("formats");
            prop_assert_eq!(Pattern::new(format).read(&text), slow(format, &text));
        }
    }
}
