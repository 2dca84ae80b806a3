//! One value: from the wire (or from a seed) to its stored form, and back to the wire.
//!
//! Stored forms: texts as sent; whole numbers as numbers; decimals as plain decimal text; days as
//! `YYYY-MM-DD`; instants as RFC 3339 in UTC; lists as arrays of texts. References are not handled here.

use crate::{
    platform::{CustomType, Field, ItemForm, NumberForm, Platform, Write, zone},
    value::Type,
};
use jiff::{Timestamp, civil, tz::TimeZone};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Number, Value};
use std::str::FromStr as _;

use super::store::CustomField;

/// Why a value is refused: the case under which the platform file gives the wording.
pub(super) type Case = &'static str;

/// How a value is read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    /// The account's zone, for times without one.
    pub zone: &'a TimeZone,
    /// True for seeds and the admin plane: values may stand as texts, as in a spec.
    pub as_text: bool,
    /// True when a choice that does not exist is dropped instead of refused.
    pub drop_unknown_choice: bool,
}

/// The stored form of a value; null when it is blank.
pub(super) fn stored(field: &Field, value: &Value, how: Reading<'_>) -> Result<Value, Case> {
    if matches!(value, Value::Null) || value.as_str().is_some_and(str::is_empty) {
        return Ok(Value::Null);
    }
    match field.data_type {
        Type::Int | Type::Bytes => whole(field, value),
        Type::Decimal => decimal(field, value),
        Type::Bool => truth(field, value, how),
        Type::Date => day(field, value),
        Type::DateTime => instant(field, value, how),
        Type::Tags | Type::MultiEnum | Type::List => items(field, value, how),
        Type::File => file(field, value, how),
        // `Ref` never comes here; everything else is text.
        _ => text(field, value, how),
    }
}

/// A part of a form with its name, size and checksum; in seeds a name is enough.
fn file(field: &Field, value: &Value, how: Reading<'_>) -> Result<Value, Case> {
    match value {
        Value::Object(part) => {
            let bytes = part.get("bytes").and_then(Value::as_u64).ok_or("bad")?;
            if field.max.is_some_and(|m| bytes > m) {
                return Err("max");
            }
            Ok(value.clone())
        }
        Value::String(_) if how.as_text => Ok(value.clone()),
        _ => Err("bad"),
    }
}

fn text(field: &Field, value: &Value, how: Reading<'_>) -> Result<Value, Case> {
    let text = match value {
        Value::String(s) => s.clone(),
        Value::Number(n) => n.to_string(),
        _ => return Err("bad"),
    };
    if field.max.is_some_and(|m| length(&text) > m) {
        return Err("max");
    }
    let good = match field.data_type {
        Type::Email => email_address::EmailAddress::is_valid(&text),
        Type::Url => is_url(&text),
        Type::Phone if field.blank_when_bad => is_phone(&text),
        Type::JsonText => serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok(),
        _ => true,
    };
    if !good {
        return Err("bad");
    }
    if field.data_type == Type::Enum && !is_choice(field, &text) {
        return if how.drop_unknown_choice {
            Ok(Value::Null)
        } else {
            Err("choice")
        };
    }
    Ok(Value::String(text))
}

fn length(text: &str) -> u64 {
    text.chars().count() as u64
}

fn is_choice(field: &Field, text: &str) -> bool {
    field
        .values
        .as_ref()
        .is_none_or(|all| all.iter().any(|v| v == text))
}

/// A web address, or a bare host with a dot in it and whatever follows.
fn is_url(text: &str) -> bool {
    if text.contains(char::is_whitespace) {
        return false;
    }
    let full = if text.contains("://") {
        url::Url::parse(text)
    } else {
        url::Url::parse(&format!("http://{text}"))
    };
    full.is_ok_and(|u| {
        matches!(u.scheme(), "http" | "https")
            && u.host_str()
                .is_some_and(|h| h.trim_matches('.').contains('.'))
    })
}

/// Digits with the usual marks between them, and perhaps an extension.
fn is_phone(text: &str) -> bool {
    let lower = text.to_lowercase();
    let number = lower
        .split_once("ext")
        .or_else(|| lower.split_once('x'))
        .map_or(lower.as_str(), |(n, _)| n);
    number.chars().filter(char::is_ascii_digit).count() >= 3
        && number
            .chars()
            .all(|c| c.is_ascii_digit() || " +-()./,;#*\u{a0}".contains(c))
}

fn whole(field: &Field, value: &Value) -> Result<Value, Case> {
    let n = match value {
        Value::Number(n) => n
            .as_i64()
            .or_else(|| n.as_f64().filter(|f| f.fract() == 0.0).and_then(as_i64)),
        Value::String(s) => s.trim().parse().ok(),
        _ => None,
    }
    .ok_or("bad")?;
    if field
        .max
        .is_some_and(|m| i64::try_from(m).is_ok_and(|m| n > m))
    {
        return Err("max");
    }
    if field.min.is_some_and(|m| n < m) {
        return Err("bad");
    }
    Ok(Value::Number(n.into()))
}

/// Whole numbers that a double holds exactly.
fn as_i64(f: f64) -> Option<i64> {
    (f.abs() <= 9_007_199_254_740_992.0)
        .then(|| format!("{f:.0}").parse().ok())
        .flatten()
}

fn decimal(field: &Field, value: &Value) -> Result<Value, Case> {
    let text = match value {
        Value::Number(n) => n.to_string(),
        Value::String(s) => s.trim().to_owned(),
        _ => return Err("bad"),
    };
    let mut n = Decimal::from_str(&text)
        .or_else(|_| Decimal::from_scientific(&text))
        .map_err(|_| "bad")?;
    if field.max.is_some_and(|m| n > Decimal::from(m)) {
        return Err("max");
    }
    if field.min.is_some_and(|m| n < Decimal::from(m)) {
        return Err("bad");
    }
    if let Some(scale) = field.scale {
        n = n.round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero);
    }
    Ok(Value::String(n.normalize().to_string()))
}

fn truth(field: &Field, value: &Value, how: Reading<'_>) -> Result<Value, Case> {
    if how.as_text {
        match value {
            Value::Bool(_) => return Ok(value.clone()),
            Value::String(s) if s == "true" || s == "false" => return Ok(Value::Bool(s == "true")),
            _ => {}
        }
    }
    match (&field.truth, value) {
        (None, Value::Bool(_)) => Ok(value.clone()),
        (Some(truth), Value::String(_) | Value::Number(_) | Value::Bool(_)) => {
            let text = plain(value);
            let has = |list: &[String]| list.iter().any(|t| t.eq_ignore_ascii_case(&text));
            match (has(&truth.yes), has(&truth.no)) {
                (true, _) => Ok(Value::Bool(true)),
                (_, true) => Ok(Value::Bool(false)),
                _ => Err("bad"),
            }
        }
        _ => Err("bad"),
    }
}

fn day(field: &Field, value: &Value) -> Result<Value, Case> {
    let text = value.as_str().ok_or("bad")?.trim();
    let mut found = field
        .format
        .iter()
        .find_map(|f| civil::Date::strptime(f, text).ok());
    if field.format.is_empty() {
        // `2026-03-31`, or a time on that day as it stands, whatever its zone.
        let form = text.as_bytes();
        let dashed = form.get(4) == Some(&b'-') && form.get(7) == Some(&b'-');
        found = dashed
            .then(|| {
                text.parse::<civil::Date>()
                    .or_else(|_| text.parse::<civil::DateTime>().map(|t| t.date()))
                    .ok()
            })
            .flatten();
    }
    found.map(|d| Value::String(d.to_string())).ok_or("bad")
}

fn instant(field: &Field, value: &Value, how: Reading<'_>) -> Result<Value, Case> {
    let text = value.as_str().ok_or("bad")?.trim();
    let zone = field
        .zone
        .as_deref()
        .and_then(zone::find)
        .unwrap_or_else(|| how.zone.clone());
    let civil = |t: civil::DateTime| t.to_zoned(zone.clone()).ok().map(|z| z.timestamp());
    let found = if field.format.is_empty() {
        text.parse::<Timestamp>()
            .ok()
            .or_else(|| text.parse::<civil::DateTime>().ok().and_then(civil))
    } else {
        field
            .format
            .iter()
            .find_map(|f| {
                Timestamp::strptime(f, text)
                    .ok()
                    .or_else(|| civil::DateTime::strptime(f, text).ok().and_then(civil))
            })
            .or_else(|| how.as_text.then(|| text.parse().ok()).flatten())
    };
    found.map(|t| Value::String(t.to_string())).ok_or("bad")
}

fn items(field: &Field, value: &Value, how: Reading<'_>) -> Result<Value, Case> {
    let texts: Vec<String> = match (value, &field.list) {
        (Value::Array(list), _) => list
            .iter()
            .map(|v| match v {
                Value::String(_) | Value::Number(_) => Ok(plain(v)),
                Value::Object(item) => {
                    let member = field.item.as_ref().ok_or("bad")?;
                    item.get(&member.value).map(plain).ok_or("bad")
                }
                _ => Err("bad"),
            })
            .collect::<Result<_, Case>>()?,
        (Value::String(s), Some(form)) => s
            .split(form.separator.as_str())
            .map(|t| t.trim().to_owned())
            .collect(),
        (Value::String(s), None) if how.as_text => {
            s.split(',').map(|t| t.trim().to_owned()).collect()
        }
        _ => return Err("bad"),
    };
    let mut kept: Vec<Value> = Vec::with_capacity(texts.len());
    for text in texts.into_iter().filter(|t| !t.is_empty()) {
        if field.item_max.is_some_and(|m| length(&text) > m) {
            return Err("max");
        }
        if field.data_type == Type::MultiEnum && !is_choice(field, &text) {
            if how.drop_unknown_choice {
                continue;
            }
            return Err("choice");
        }
        let item = Value::String(text);
        if !kept.contains(&item) {
            kept.push(item);
        }
    }
    Ok(if kept.is_empty() {
        Value::Null
    } else {
        Value::Array(kept)
    })
}

/// A value as text, without quotes.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(s) => s.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The wire form of a stored value.
pub(super) fn wire(field: &Field, value: &Value, zone: &TimeZone) -> Value {
    match (field.data_type, value) {
        (_, Value::Null) => Value::Null,
        (Type::Decimal, Value::String(s)) => match field.number {
            // A decimal text has at least one digit after the point ("0.0").
            NumberForm::Text if s.contains('.') || Decimal::from_str(s).is_err() => value.clone(),
            NumberForm::Text => Value::String(format!("{s}.0")),
            NumberForm::Plain => number(s),
        },
        (Type::Int | Type::Bytes, Value::Number(n)) if field.number == NumberForm::Text => {
            Value::String(n.to_string())
        }
        (Type::Bool, Value::Bool(b)) => match &field.truth {
            Some(truth) => {
                let list = if *b { &truth.yes } else { &truth.no };
                let text = list.first().cloned().unwrap_or_default();
                if truth.as_number {
                    number(&text)
                } else {
                    Value::String(text)
                }
            }
            None => value.clone(),
        },
        (Type::Date, Value::String(s)) => match (field.format.first(), s.parse::<civil::Date>()) {
            (Some(format), Ok(day)) => Value::String(day.strftime(format).to_string()),
            _ => value.clone(),
        },
        (Type::DateTime, Value::String(s)) => match s.parse::<Timestamp>() {
            Ok(t) => Value::String(moment(t, field.format.first().map(String::as_str), zone)),
            Err(_) => value.clone(),
        },
        (Type::Tags | Type::MultiEnum | Type::List, Value::Array(list)) => match &field.list {
            Some(form) => Value::String(
                list.iter()
                    .map(plain)
                    .collect::<Vec<_>>()
                    .join(&form.separator),
            ),
            None => match &field.item {
                Some(form) => Value::Array(list.iter().map(|v| item(form, v)).collect()),
                None => value.clone(),
            },
        },
        _ => value.clone(),
    }
}

/// An item of a list of objects: its value, and a number that the same text always has.
fn item(form: &ItemForm, value: &Value) -> Value {
    let mut out = serde_json::Map::new();
    if let Some(id) = &form.id {
        let hash = xxhash_rust::xxh3::xxh3_64(plain(value).as_bytes());
        out.insert(id.clone(), (hash % 1_000_000 + 1).into());
    }
    out.insert(form.value.clone(), value.clone());
    Value::Object(out)
}

/// An instant as text in the account's zone; in UTC with `Z` and as many digits as it has.
pub(super) fn moment(t: Timestamp, format: Option<&str>, zone: &TimeZone) -> String {
    if format.is_none() && *zone == TimeZone::UTC {
        return t.to_string();
    }
    let zoned = t.to_zoned(zone.clone());
    zoned
        .strftime(format.unwrap_or("%Y-%m-%dT%H:%M:%S%:z"))
        .to_string()
}

fn number(text: &str) -> Value {
    if let Ok(n) = text.parse::<i64>() {
        return Value::Number(n.into());
    }
    text.parse()
        .ok()
        .and_then(Number::from_f64)
        .map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

/// The rules of a custom field in the form of a standard one.
pub(super) fn custom_as_field(custom: &CustomField, platform: &Platform) -> Field {
    let rule = rule(platform, custom.data_type);
    Field {
        name: custom.name.clone(),
        label: custom.label.clone(),
        data_type: custom.data_type,
        path: custom.name.clone(),
        read_path: None,
        aliases: Vec::new(),
        custom: true,
        max: rule.and_then(|r| match custom.data_type {
            Type::Int | Type::Decimal => r
                .digits
                .and_then(|d| 10u64.checked_pow(d))
                .map(|n| n.saturating_sub(1)),
            _ => r.max,
        }),
        min: None,
        scale: rule.and_then(|r| r.scale),
        item_max: None,
        values: (!custom.choices.is_empty()).then(|| custom.choices.clone()),
        values_observed: false,
        unique: false,
        required: false,
        write: Write::Always,
        set: None,
        default: None,
        reference: None,
        truth: None,
        list: rule
            .and_then(|r| r.separator.clone())
            .filter(|_| custom.data_type.is_list())
            .map(|separator| crate::platform::ListFormat {
                separator,
                brackets: None,
                quoted: false,
            }),
        format: Vec::new(),
        zone: None,
        number: NumberForm::Plain,
        contents: false,
        item: None,
        parent: false,
        blank_when_bad: false,
        include: None,
        says: Vec::new(),
        why: None,
        span: platform.span,
    }
}

/// A choice by its text or by its id; the admin's form shows ids, clients send either.
pub(super) fn choice_text(custom: &CustomField, value: &Value) -> Value {
    let named = |v: &Value| {
        v.as_i64()
            .and_then(|id| usize::try_from(id - custom.id * 1000 - 1).ok())
            .and_then(|at| custom.choices.get(at))
            .map_or_else(|| v.clone(), |c| Value::String(c.clone()))
    };
    match value {
        Value::Array(list) => Value::Array(list.iter().map(named).collect()),
        other => named(other),
    }
}

/// The id of the choice at that position.
pub(super) fn choice_id(custom: &CustomField, at: usize) -> i64 {
    custom.id * 1000 + 1 + i64::try_from(at).unwrap_or(0)
}

/// The rule for the type of a custom field.
pub(super) fn rule(platform: &Platform, data_type: Type) -> Option<&CustomType> {
    platform.custom.as_ref()?.custom_type(data_type)
}
