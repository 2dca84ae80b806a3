//! One cell of a sheet as the text a CSV export would hold.
//!
//! | a sheet holds | the text |
//! |---|---|
//! | a text | itself |
//! | a number | its digits, at most 15 that count, as the program shows them; never an exponent |
//! | a day, a time of a day | the first declared format that fits, else ISO 8601 without a zone |
//! | a span of time | `H:MM:SS` |
//! | true, false | the first declared words, else `true` and `false` |
//! | an error (`#N/A`) | none: the row is a fault |
//!
//! A percentage is a number with a format: 47 % stands as 0.47, and so it is read.

use calamine::{DataRef, ExcelDateTime};
use jiff::civil::{Date, DateTime, Time};
use std::borrow::Cow;

/// How the platform writes what a sheet holds as more than text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// strptime formats of days and times, in order of preference; empty: ISO 8601.
    pub moments: Vec<String>,
    /// The words for true and false.
    pub truth: Option<(String, String)>,
}

/// Days that a sheet can count: to the end of the year 9999.
const DAYS: f64 = 2_958_466.0;

/// The text of a cell; `None` for an empty one. An error is a sentence fragment.
pub(super) fn text<'c>(
    value: &'c DataRef<'_>,
    form: &Form,
) -> Result<Option<Cow<'c, str>>, String> {
    let text: Cow<'c, str> = match value {
        DataRef::Empty => return Ok(None),
        DataRef::String(text) => text.as_str().into(),
        DataRef::SharedString(text) => (*text).into(),
        DataRef::Int(n) => n.to_string().into(),
        DataRef::Float(n) => number(*n).ok_or("holds no number")?.into(),
        DataRef::Bool(truth) => match (&form.truth, truth) {
            (Some((yes, _)), true) => yes.clone().into(),
            (Some((_, no)), false) => no.clone().into(),
            (None, true) => "true".into(),
            (None, false) => "false".into(),
        },
        DataRef::DateTime(serial) if serial.is_duration() => {
            span(serial.as_f64()).ok_or("holds no span of time")?.into()
        }
        DataRef::DateTime(serial) => moment(serial, form)
            .ok_or_else(|| format!("holds the day number {}, which is no day", serial.as_f64()))?
            .into(),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.as_str().into(),
        DataRef::Error(error) => return Err(format!("holds the error {error}")),
    };
    Ok((!text.is_empty()).then_some(text))
}

/// A number as its digits.
pub(super) fn number(n: f64) -> Option<String> {
    if !n.is_finite() {
        return None;
    }
    // A sheet keeps 15 digits that count; what a double holds beyond is noise (0.1 + 0.2).
    let rounded: f64 = format!("{n:.14e}").parse().ok()?;
    Some(match rounded {
        // No negative zero.
        0.0 => "0".to_owned(),
        r => r.to_string(),
    })
}

fn moment(serial: &ExcelDateTime, form: &Form) -> Option<String> {
    let value = serial.as_f64();
    if !(0.0..DAYS).contains(&value) {
        return None;
    }
    let (year, month, day, hour, minute, second, milli) = serial.to_ymd_hms_milli();
    let small = |n: u8| i8::try_from(n).ok();
    let time = Time::new(
        small(hour)?,
        small(minute)?,
        small(second)?,
        i32::from(milli) * 1_000_000,
    )
    .ok()?;
    let date = Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()?;
    let at = date.to_datetime(time);
    let whole = time == Time::midnight();
    // A day takes a format of days where there is one; a time of a day never loses its time.
    let fits = |f: &&String| whole != has_time(f);
    let format = form
        .moments
        .iter()
        .find(fits)
        .or_else(|| form.moments.first().filter(|_| whole));
    Some(match format {
        Some(format) => jiff::fmt::strtime::format(format, at).ok()?,
        None => iso(at, whole),
    })
}

fn iso(at: DateTime, whole: bool) -> String {
    match whole {
        true => at.date().to_string(),
        false => at.to_string(),
    }
}

/// True when a format shows the time of a day.
fn has_time(format: &str) -> bool {
    format.split('%').skip(1).any(|d| {
        d.trim_start_matches(['-', '_', '0'])
            .starts_with(['H', 'I', 'k', 'l', 'M', 'T', 'R', 'c'])
    })
}

fn span(days: f64) -> Option<String> {
    if !(0.0..DAYS).contains(&days) {
        return None;
    }
    let seconds = (days * 86_400.0).round() as u64;
    Some(format!(
        "{}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    ))
}

/// The name of a cell: `C7`. Row and column from 0.
pub(super) fn name(row: u32, column: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = u64::from(column) + 1;
    while rest > 0 {
        let digit = (rest - 1) % 26;
        letters.push(char::from(b'A' + u8::try_from(digit).unwrap_or(0)));
        rest = (rest - 1) / 26;
    }
    let letters: String = letters.iter().rev().collect();
    format!("{letters}{}", u64::from(row) + 1)
}
