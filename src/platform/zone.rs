//! Zones and date formats by name.
//!
//! Zones come from the tables inside the binary and never from the machine, so that the same file means
//! the same instants everywhere.

use jiff::{
    civil::{Date, date},
    tz::{Offset, TimeZone, TimeZoneDatabase},
};

/// The zone of an IANA name, of a fixed offset (`-06:00`, `+0530`), or of `UTC` and `Z`.
pub fn find(name: &str) -> Option<TimeZone> {
    if name.eq_ignore_ascii_case("utc") || name == "Z" {
        return Some(TimeZone::UTC);
    }
    if let Some(offset) = fixed(name) {
        return Some(TimeZone::fixed(offset));
    }
    TimeZoneDatabase::bundled().get(name).ok()
}

/// An offset written as `±HH:MM` or `±HHMM`.
fn fixed(text: &str) -> Option<Offset> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let (hours, minutes) = match rest.len() {
        5 => rest.split_once(':')?,
        4 if rest.is_ascii() => rest.split_at(2),
        _ => return None,
    };
    let digits = |t: &str| -> Option<i32> {
        (t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit())).then(|| t.parse().ok())?
    };
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    if hours > 25 || minutes > 59 {
        return None;
    }
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

/// Checks a strptime format without an input.
///
/// # Errors
///
/// The parser's words, when a directive is unknown or the text ends inside one.
pub fn check_format(format: &str) -> Result<(), String> {
    if format.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    if !format.contains('%') {
        return Err(format!(
            "it has no directive such as `%Y`, so it is the same text for every day{}",
            meant(format)
        ));
    }
    let sample = jiff::Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    jiff::fmt::strtime::format(format, &sample)
        .map(|_| ())
        .map_err(|e| {
            let whole = e.to_string();
            // The last part is the cause; before it stands what the library was doing.
            whole.rsplit(": ").next().unwrap_or(&whole).to_owned()
        })
}

/// Checks a strptime format that days are read with, without an input: what it writes of a day it must read back.
///
/// # Errors
///
/// Why no day can be read with it.
pub fn check_reading_format(format: &str) -> Result<(), String> {
    check_format(format)?;
    let sample = date(2026, 11, 23).at(13, 45, 56, 0);
    let Ok(sample) = sample.to_zoned(TimeZone::UTC) else {
        return Ok(());
    };
    let read = jiff::fmt::strtime::format(format, &sample)
        .and_then(|text| jiff::fmt::strtime::parse(format, text))
        .and_then(|parsed| day_of(&parsed));
    match read {
        Ok(date) if date == sample.date() => Ok(()),
        Ok(_) => Err("a day that it writes is another day when it is read back".to_owned()),
        Err(_) => Err(format!(
            "no day can be read with it: it needs a year, a month and a day{}",
            meant(format)
        )),
    }
}

/// The day that was read; of an instant (`%s`) its day in UTC.
fn day_of(parsed: &jiff::fmt::strtime::BrokenDownTime) -> Result<Date, jiff::Error> {
    parsed.to_date().or_else(|e| {
        let instant = parsed.to_timestamp().map_err(|_| e)?;
        Ok(TimeZone::UTC.to_datetime(instant).date())
    })
}

/// What a format of another language was most likely meant to be: `dd/MM/yyyy` is `%d/%m/%Y`.
fn meant(format: &str) -> String {
    const WORDS: [(&str, &str); 9] = [
        ("yyyy", "%Y"),
        ("YYYY", "%Y"),
        ("MM", "%m"),
        ("dd", "%d"),
        ("DD", "%d"),
        ("HH", "%H"),
        ("hh", "%H"),
        ("mm", "%M"),
        ("ss", "%S"),
    ];
    let mut out = format.to_owned();
    // Months in small letters, as in `dd/mm/yyyy`: minutes come after hours.
    let hours = out.find(['H', 'h']).unwrap_or(usize::MAX);
    if !out.contains("MM") && out.find("mm").is_some_and(|at| at < hours) {
        out = out.replacen("mm", "%m", 1);
    }
    for (theirs, ours) in WORDS {
        out = out.replace(theirs, ours);
    }
    if out == format || format.contains('%') {
        return String::new();
    }
    format!("; write `{out}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_by_name_and_by_offset() {
        for good in [
            "UTC",
            "utc",
            "Z",
            "America/Chicago",
            "Europe/Berlin",
            "-06:00",
            "+0530",
        ] {
            assert!(find(good).is_some(), "{good}");
        }
        for bad in [
            "", "Chicago", "+6", "+26:00", "-06:60", "+aa:bb", "-€1", "+1é", "+-1-1",
        ] {
            assert!(find(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn formats_are_checked_without_an_input() {
        assert!(check_format("%m/%d/%Y %I:%M:%S %p").is_ok());
        assert!(check_format("%K").is_err());
        assert!(check_format("%").is_err());
        assert!(check_format(" ").is_err());
    }
}
