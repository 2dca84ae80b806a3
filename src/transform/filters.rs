//! The filters and tests of templates, and how our values look in them.
//!
//! The names are those of `mapping::text`. A filter gives an undefined value on, so that `x | trim | or("")` holds for
//! a blank `x`.

use super::{html, map::MapTable, text};
use crate::value::Value;
use bumpalo::Bump;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use minijinja::{
    Environment, Error, ErrorKind, Value as JValue,
    value::{Enumerator, Object, ObjectRepr},
};
use rust_decimal::{Decimal, RoundingStrategy};
use std::{fmt, sync::Arc};

/// A day or an instant in a template.
#[derive(Debug)]
enum Moment {
    Day(Date),
    Instant(Timestamp, TimeZone),
}

impl Moment {
    fn write(&self, format: &str) -> Result<String, Error> {
        let written = match self {
            Moment::Day(d) => jiff::fmt::strtime::format(format, *d),
            Moment::Instant(t, zone) => {
                jiff::fmt::strtime::format(format, &t.to_zoned(zone.clone()))
            }
        };
        written.map_err(|e| Error::new(ErrorKind::InvalidOperation, e.to_string()))
    }
}

impl Object for Moment {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &**self {
            Moment::Day(d) => write!(f, "{d}"),
            Moment::Instant(..) => {
                f.write_str(&self.write("%Y-%m-%dT%H:%M:%S%:z").map_err(|_| fmt::Error)?)
            }
        }
    }
}

/// An exact decimal in a template.
#[derive(Debug)]
struct Exact(Decimal);

impl Object for Exact {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A value as templates see it; instants in a zone. Absent and blank values are undefined, bad ones fail when used.
pub(crate) fn value(value: &Value<'_>, zone: &TimeZone) -> JValue {
    match value {
        Value::Absent | Value::Blank => JValue::UNDEFINED,
        Value::Text(t) => JValue::from(*t),
        Value::Int(i) => JValue::from(*i),
        Value::Bool(b) => JValue::from(*b),
        Value::Decimal(d) => JValue::from_object(Exact(*d)),
        Value::Date(d) => JValue::from_object(Moment::Day(*d)),
        Value::DateTime(t) => JValue::from_object(Moment::Instant(*t, zone.clone())),
        Value::List(items) => JValue::from(
            items
                .iter()
                .map(|i| self::value(i, zone))
                .collect::<Vec<_>>(),
        ),
        Value::Dest(d) => JValue::from(d.id),
        Value::Bad(fault) => JValue::from(Error::new(
            ErrorKind::InvalidOperation,
            format!(
                "{}: {}",
                fault.kind.code(),
                text::shortened(fault.found, 80)
            ),
        )),
    }
}

fn nothing(value: &JValue) -> bool {
    value.is_undefined() || value.is_none() || value.as_str() == Some("")
}

fn present(value: &JValue) -> bool {
    !nothing(value) && value.as_object().is_none_or(|o| o.is_true())
}

/// A filter of texts, and of each text of a list.
fn on_text(value: &JValue, change: &dyn Fn(&str) -> String) -> Result<JValue, Error> {
    if nothing(value) {
        return Ok(JValue::UNDEFINED);
    }
    if let Some(t) = value.as_str() {
        return Ok(JValue::from(change(t)));
    }
    if value.kind() == minijinja::value::ValueKind::Seq {
        let items = value.try_iter()?.map(|i| on_text(&i, change));
        return Ok(JValue::from(items.collect::<Result<Vec<_>, _>>()?));
    }
    Ok(JValue::from(change(&value.to_string())))
}

fn on_moment(value: &JValue, format: &str) -> Result<JValue, Error> {
    if nothing(value) {
        return Ok(JValue::UNDEFINED);
    }
    match value.downcast_object_ref::<Moment>() {
        Some(moment) => moment.write(format).map(JValue::from),
        None => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("`{}` is no date", text::shortened(&value.to_string(), 80)),
        )),
    }
}

fn items(value: &JValue) -> Result<Vec<JValue>, Error> {
    Ok(value.try_iter()?.collect())
}

fn mapped(
    maps: &[Arc<MapTable>],
    value: &JValue,
    name: &str,
    zone: &TimeZone,
) -> Result<JValue, Error> {
    if nothing(value) {
        return Ok(JValue::UNDEFINED);
    }
    let Some(table) = maps.iter().find(|m| m.name == name) else {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("there is no value map `{name}`"),
        ));
    };
    let arena = Bump::new();
    let found = arena.alloc_str(&value.to_string());
    match table.apply(Value::Text(found), &arena).0 {
        Value::Bad(_) => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!(
                "the value map `{name}` has no row for `{}`",
                text::shortened(found, 80)
            ),
        )),
        out => Ok(self::value(&out, zone)),
    }
}

fn rounded(value: &JValue, digits: Option<u32>) -> Result<JValue, Error> {
    if nothing(value) {
        return Ok(JValue::UNDEFINED);
    }
    let number = match value.downcast_object_ref::<Exact>() {
        Some(exact) => Some(exact.0),
        None => value.to_string().trim().parse().ok(),
    };
    match number {
        Some(d) => Ok(JValue::from_object(Exact(d.round_dp_with_strategy(
            digits.unwrap_or(0),
            RoundingStrategy::MidpointAwayFromZero,
        )))),
        None => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("`{}` is no number", text::shortened(&value.to_string(), 80)),
        )),
    }
}

/// Adds every filter and test.
pub(crate) fn add(env: &mut Environment<'static>, maps: Vec<Arc<MapTable>>, zone: &TimeZone) {
    env.add_filter(
        "or",
        |value: JValue, other: JValue| {
            if present(&value) { value } else { other }
        },
    );
    env.add_filter("date", |value: JValue| on_moment(&value, "%Y-%m-%d"));
    env.add_filter("time", |value: JValue| on_moment(&value, "%H:%M"));
    env.add_filter("plain", |value: JValue| {
        on_text(&value, &|t| html::plain(t, &Bump::new()).to_owned())
    });
    let zone = zone.clone();
    env.add_filter("map", move |value: JValue, name: String| {
        mapped(&maps, &value, &name, &zone)
    });
    env.add_filter("trim", |value: JValue| {
        on_text(&value, &|t| t.trim().to_owned())
    });
    env.add_filter("lower", |value: JValue| on_text(&value, &str::to_lowercase));
    env.add_filter("upper", |value: JValue| on_text(&value, &str::to_uppercase));
    env.add_filter("squeeze", |value: JValue| {
        on_text(&value, &|t| {
            t.split_whitespace().collect::<Vec<_>>().join(" ")
        })
    });
    env.add_filter("replace", |value: JValue, from: String, to: String| {
        on_text(&value, &|t| t.replace(&from, &to))
    });
    env.add_filter("join", |value: JValue, separator: Option<String>| {
        if nothing(&value) {
            return Ok(JValue::UNDEFINED);
        }
        let separator = separator.unwrap_or_default();
        let texts: Vec<String> = items(&value)?
            .iter()
            .filter(|i| !nothing(i))
            .map(ToString::to_string)
            .collect();
        Ok::<_, Error>(JValue::from(texts.join(&separator)))
    });
    let pick = |value: JValue, last: bool| {
        if nothing(&value) {
            return Ok(JValue::UNDEFINED);
        }
        let mut all = items(&value)?;
        let one = if last {
            all.pop()
        } else {
            all.into_iter().next()
        };
        Ok::<_, Error>(one.unwrap_or(JValue::UNDEFINED))
    };
    env.add_filter("first", move |value: JValue| pick(value, false));
    env.add_filter("last", move |value: JValue| pick(value, true));
    env.add_filter("reverse", |value: JValue| {
        if nothing(&value) {
            return Ok(JValue::UNDEFINED);
        }
        let mut all = items(&value)?;
        all.reverse();
        Ok::<_, Error>(JValue::from(all))
    });
    env.add_filter("unique", |value: JValue| {
        if nothing(&value) {
            return Ok(JValue::UNDEFINED);
        }
        let mut seen = hashbrown::HashSet::new();
        let mut all = items(&value)?;
        all.retain(|i| seen.insert(i.to_string()));
        Ok::<_, Error>(JValue::from(all))
    });
    env.add_filter("length", |value: JValue| {
        match (nothing(&value), value.len()) {
            (true, _) => Ok(0),
            (false, Some(n)) => Ok(n),
            (false, None) => Err(Error::new(ErrorKind::InvalidOperation, "it has no length")),
        }
    });
    env.add_filter("round", |value: JValue, digits: Option<u32>| {
        rounded(&value, digits)
    });
    env.add_test("present", |value: JValue| present(&value));
    env.add_test("blank", |value: JValue| !present(&value));
    env.add_test("defined", |value: JValue| !value.is_undefined());
    env.add_test("even", |value: i64| value % 2 == 0);
    env.add_test("odd", |value: i64| value % 2 != 0);
    env.add_function("range", minijinja::functions::range);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::mapping::text::{FILTERS, TESTS};

    #[test]
    fn every_declared_filter_and_test_is_there() {
        let mut env = Environment::empty();
        add(&mut env, Vec::new(), &TimeZone::UTC);
        for filter in FILTERS {
            let used = format!("{{{{ x | {filter} }}}}");
            let error = env.render_str(&used, JValue::UNDEFINED).err();
            assert!(
                error.is_none_or(|e| e.kind() != ErrorKind::UnknownFilter),
                "{filter} is missing"
            );
        }
        for test in TESTS {
            let used = format!("{{{{ x is {test} }}}}");
            let error = env.render_str(&used, JValue::UNDEFINED).err();
            assert!(
                error.is_none_or(|e| e.kind() != ErrorKind::UnknownTest),
                "{test} is missing"
            );
        }
    }
}
