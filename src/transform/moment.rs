//! Days and instants as text, for ops and templates.

use crate::value::Value;
use bumpalo::{Bump, collections::String as BumpString};
use jiff::{
    civil::Date,
    fmt::strtime::{self, BrokenDownTime},
    tz::TimeZone,
};

/// The day a text names in a strptime format.
pub(crate) fn day(found: &str, format: &str) -> Option<Date> {
    BrokenDownTime::parse(format, found.trim())
        .and_then(|parts| parts.to_date())
        .ok()
}

/// A day or instant as text in a strftime format; instants in a zone. `None` for other values and for formats that a
/// day cannot fill (`%H`).
pub(crate) fn format<'a>(
    value: Value<'_>,
    format: &str,
    zone: &TimeZone,
    arena: &'a Bump,
) -> Option<Value<'a>> {
    let parts = match value {
        Value::Date(d) => BrokenDownTime::from(d),
        Value::DateTime(t) => BrokenDownTime::from(&t.to_zoned(zone.clone())),
        _ => return None,
    };
    let mut out = Text(BumpString::new_in(arena));
    parts.format(format, &mut out).ok()?;
    Some(match out.0.into_bump_str() {
        "" => Value::Blank,
        text => Value::Text(text),
    })
}

/// The bump string as jiff wants it.
struct Text<'a>(BumpString<'a>);

impl jiff::fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> Result<(), jiff::Error> {
        self.0.push_str(text);
        Ok(())
    }
}

/// True when a strftime format can be written at all.
pub(crate) fn is_format(format: &str) -> bool {
    let sample = jiff::Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    strtime::format(format, &sample).is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn days_in_formats() {
        assert_eq!(
            day("03/09/2024", "%m/%d/%Y"),
            Some(jiff::civil::date(2024, 3, 9))
        );
        assert_eq!(day("13/45/2024", "%m/%d/%Y"), None);
        assert_eq!(day("", "%m/%d/%Y"), None);
    }

    #[test]
    fn instants_are_written_in_a_zone() {
        let arena = Bump::new();
        let at = Value::DateTime("2024-01-01T03:30:00Z".parse().unwrap());
        let zone = TimeZone::fixed(jiff::tz::offset(-6));
        assert_eq!(
            format(at, "%Y-%m-%d %H:%M", &zone, &arena),
            Some(Value::Text("2023-12-31 21:30"))
        );
        assert_eq!(format(Value::Int(3), "%Y", &zone, &arena), None);
    }

    proptest! {
        #[test]
        fn no_format_breaks_it(f in "(%[a-zA-Z:.0-9]|[a-z /-]){0,8}", text in "\\PC{0,16}") {
            let arena = Bump::new();
            is_format(&f);
            day(&text, &f);
            format(Value::Date(jiff::civil::date(2024, 2, 29)), &f, &TimeZone::UTC, &arena);
        }
    }
}
