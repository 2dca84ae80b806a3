//! Ops, compiled: zones found, patterns built, tables prepared. How each changes a value stands here.
//!
//! Ops see present values; absent, blank and bad ones pass through, except for `default`. Text ops go through lists
//! item by item. What is really lost is noted in the scope.

use super::{
    contact, html,
    items::{list, over, split, unique},
    json::{self, Shape},
    map::MapTable,
    moment,
    scope::Scope,
    text,
};
use crate::{
    ident::ObjectId,
    mapping::{Loss, op::RoundMode},
    value::{FaultKind, Scalar, Value},
};
use bumpalo::collections::{String as BumpString, Vec as BumpVec};
use jiff::{civil::Time, tz::TimeZone};
use regex::Regex;
use rust_decimal::{RoundingStrategy, prelude::ToPrimitive as _};
use std::sync::Arc;

/// One op.
#[derive(Debug)]
pub(crate) enum Act {
    Trim,
    Lower,
    Upper,
    Squeeze,
    Map(Arc<MapTable>),
    Cut {
        max: usize,
        at: Option<String>,
    },
    Over {
        max: usize,
        hold: bool,
    },
    Round {
        mode: RoundMode,
        scale: u32,
    },
    DayIn(TimeZone),
    At {
        zone: TimeZone,
        time: Time,
    },
    Phone(Option<(&'static str, &'static str)>),
    WebAddress,
    EmailAddress,
    ParseJson(Shape),
    Plain,
    Split(String),
    JoinWith(String),
    Unique,
    First,
    /// The names of records of an object: its position, the index by key, the column with the name.
    Names {
        object: usize,
        index: usize,
        column: Option<usize>,
    },
    PrefixIfTaken {
        prefix: String,
        object: ObjectId,
    },
    Regex(Box<Regex>),
    Replace {
        pattern: Box<Regex>,
        with: String,
    },
    Number,
    ParseDate(String),
    FormatDate {
        format: String,
        zone: TimeZone,
    },
    Default(Scalar),
    Prefix(String),
    Mask,
    Hash(Box<[u8; 32]>),
}

impl Act {
    /// Puts the value after this op in place of the value.
    #[inline]
    pub fn change<'a>(&'a self, value: &mut Value<'a>, scope: &mut Scope<'a>) {
        *value = match (self, &*value) {
            (Act::Default(scalar), Value::Absent | Value::Blank) => {
                text::literal(scalar, scope.arena)
            }
            (_, Value::Absent | Value::Blank | Value::Bad(_)) => return,
            (Act::Lower, Value::Text(t)) => or_blank(text::lower_in(t, scope.arena)),
            (Act::Prefix(prefix), Value::Text(t)) => Value::Text(joined(prefix, t, scope)),
            (Act::Unique, Value::List(items)) => unique(items, scope),
            (Act::Map(table), Value::Text(_)) => {
                if table.change(value, scope.arena) {
                    scope.lose(Loss::Merge);
                }
                return;
            }
            (_, value) => self.apply(*value, scope),
        };
    }

    /// The value after this op.
    pub fn apply<'a>(&'a self, value: Value<'a>, scope: &mut Scope<'a>) -> Value<'a> {
        match value {
            Value::Absent | Value::Blank => {
                return match self {
                    Act::Default(scalar) => text::literal(scalar, scope.arena),
                    _ => value,
                };
            }
            Value::Bad(_) => return value,
            _ => {}
        }
        match self {
            Act::Default(_) => value,
            Act::Map(table) => {
                let (value, merged) = table.apply(value, scope.arena);
                if merged {
                    scope.lose(Loss::Merge);
                }
                value
            }
            Act::Over { max, hold } => over(value, *max, *hold, scope),
            Act::Round { mode, scale } => round(value, *mode, *scale, scope),
            Act::DayIn(zone) => match value {
                Value::DateTime(t) => {
                    let local = zone.to_datetime(t);
                    if local.time() != Time::midnight() {
                        scope.lose(Loss::Precision);
                    }
                    Value::Date(local.date())
                }
                other => other,
            },
            Act::At { zone, time } => match value {
                // A time that a clock change skips or repeats is taken as RFC 5545 says.
                Value::Date(day) => match zone
                    .to_ambiguous_timestamp(day.to_datetime(*time))
                    .compatible()
                {
                    Ok(t) => Value::DateTime(t),
                    Err(_) => {
                        let found = text::canonical(&value, scope.arena).unwrap_or("");
                        scope.bad(FaultKind::NotADate, found)
                    }
                },
                other => other,
            },
            Act::FormatDate { format, zone } => {
                moment::format(value, format, zone, scope.arena).unwrap_or(value)
            }
            Act::JoinWith(separator) => match value {
                Value::List(items) => {
                    let mut out = BumpString::new_in(scope.arena);
                    for (i, item) in items.iter().enumerate() {
                        if i > 0 {
                            out.push_str(separator);
                        }
                        text::push(&mut out, item);
                    }
                    or_blank(out.into_bump_str())
                }
                other => other,
            },
            Act::Split(separator) => match value {
                Value::Text(t) => split(t, separator, scope),
                other => other,
            },
            Act::Unique => match value {
                Value::List(items) => unique(items, scope),
                other => other,
            },
            Act::First => match value {
                Value::List(items) => {
                    if items.len() > 1 {
                        scope.lose(Loss::Items);
                    }
                    items.first().copied().unwrap_or(Value::Blank)
                }
                other => other,
            },
            _ => self.each(value, scope),
        }
    }

    /// Ops that work on one text, item by item for a list.
    fn each<'a>(&'a self, value: Value<'a>, scope: &mut Scope<'a>) -> Value<'a> {
        if let Value::List(items) = value {
            let mut out = BumpVec::with_capacity_in(items.len(), scope.arena);
            for item in items {
                match self.each(*item, scope) {
                    bad @ Value::Bad(_) => return bad,
                    v if v.is_present() => out.push(v),
                    _ => {}
                }
            }
            return list(out);
        }
        let arena = scope.arena;
        let Some(found) = text::canonical(&value, arena) else {
            return value;
        };
        match self {
            Act::Trim => or_blank(found.trim()),
            Act::Lower => or_blank(text::lower_in(found, arena)),
            Act::Upper => or_blank(upper(found, scope)),
            Act::Squeeze => or_blank(squeeze(found, scope)),
            Act::Cut { max, at } => cut(found, *max, at.as_deref(), scope),
            Act::Phone(region) => match contact::phone(found, *region, arena) {
                Some(t) => Value::Text(t),
                None => scope.bad(FaultKind::NotAPhone, found),
            },
            Act::WebAddress => match contact::web_address(found, arena) {
                Some(t) => Value::Text(t),
                None => scope.bad(FaultKind::NotAUrl, found),
            },
            Act::EmailAddress => match contact::email(found, arena) {
                Some(t) => Value::Text(t),
                None => scope.bad(FaultKind::NotAnEmail, found),
            },
            Act::ParseJson(shape) => json::members(found, shape, arena),
            Act::Plain => {
                let plain = html::plain(found, arena);
                if plain != found {
                    scope.lose(Loss::Markup);
                }
                or_blank(plain)
            }
            Act::Names {
                object,
                index,
                column,
            } => named(found, *object, *index, *column, scope),
            Act::PrefixIfTaken { prefix, object } => {
                let taken = scope.resolve.is_some_and(|r| r.tag_taken(*object, found));
                Value::Text(if taken {
                    joined(prefix, found, scope)
                } else {
                    found
                })
            }
            Act::Regex(pattern) => match pattern.captures(found) {
                Some(c) => {
                    let kept = c.get(1).or_else(|| c.get(0)).map_or("", |m| m.as_str());
                    if kept.len() < found.len() {
                        scope.lose(Loss::Markup);
                    }
                    or_blank(kept)
                }
                None => scope.bad(FaultKind::NoMatch, found),
            },
            Act::Replace { pattern, with } => match pattern.replace_all(found, with.as_str()) {
                std::borrow::Cow::Borrowed(_) => Value::Text(found),
                std::borrow::Cow::Owned(changed) => {
                    scope.lose(Loss::Markup);
                    or_blank(arena.alloc_str(&changed))
                }
            },
            Act::Number => match value {
                Value::Int(_) | Value::Decimal(_) => value,
                _ => match json::decimal(found.trim()) {
                    Some(d) => Value::Decimal(d),
                    None => scope.bad(FaultKind::NotANumber, found),
                },
            },
            Act::ParseDate(format) => match value {
                Value::Date(_) | Value::DateTime(_) => value,
                _ => match moment::day(found, format) {
                    Some(day) => Value::Date(day),
                    None => scope.bad(FaultKind::NotADate, found),
                },
            },
            Act::Prefix(prefix) => Value::Text(joined(prefix, found, scope)),
            Act::Mask => {
                scope.lose(Loss::All);
                Value::Text(mask(found, scope))
            }
            Act::Hash(key) => {
                scope.lose(Loss::All);
                let hash = blake3::keyed_hash(key, found.as_bytes()).to_hex();
                Value::Text(arena.alloc_str(text::shortened(&hash, 32)))
            }
            // The ops that `apply` has dealt with.
            Act::Default(_)
            | Act::Map(_)
            | Act::Over { .. }
            | Act::Round { .. }
            | Act::DayIn(_)
            | Act::At { .. }
            | Act::FormatDate { .. }
            | Act::JoinWith(_)
            | Act::Split(_)
            | Act::Unique
            | Act::First => value,
        }
    }
}

/// A text, or blank when it is empty.
fn or_blank(text: &str) -> Value<'_> {
    if text.is_empty() {
        Value::Blank
    } else {
        Value::Text(text)
    }
}

fn joined<'a>(prefix: &str, found: &str, scope: &Scope<'a>) -> &'a str {
    let mut out = BumpString::with_capacity_in(prefix.len() + found.len(), scope.arena);
    out.push_str(prefix);
    out.push_str(found);
    out.into_bump_str()
}

fn upper<'a>(found: &'a str, scope: &Scope<'a>) -> &'a str {
    if !found.chars().any(|c| c.is_lowercase()) {
        return found;
    }
    let mut out = BumpString::with_capacity_in(found.len(), scope.arena);
    out.extend(found.chars().flat_map(char::to_uppercase));
    out.into_bump_str()
}

/// Trimmed, with one space for each run of white space.
pub(crate) fn squeeze<'a>(found: &'a str, scope: &Scope<'a>) -> &'a str {
    let trimmed = found.trim();
    let mut last_blank = false;
    let is_squeezed = trimmed.chars().all(|c| {
        let blank = c.is_whitespace();
        let fine = !blank || (c == ' ' && !last_blank);
        last_blank = blank;
        fine
    });
    if is_squeezed {
        return trimmed;
    }
    let mut out = BumpString::with_capacity_in(trimmed.len(), scope.arena);
    for word in trimmed.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out.into_bump_str()
}

/// At most `max` characters, ending before the last `at` in them where there is one.
fn cut<'a>(found: &'a str, max: usize, at: Option<&str>, scope: &mut Scope<'a>) -> Value<'a> {
    let short = text::shortened(found, max);
    if short.len() == found.len() {
        return Value::Text(found);
    }
    scope.lose(Loss::Shorten);
    // A separator that begins right after the limit is as good a place as one before it.
    let place = at.filter(|s| !s.is_empty()).and_then(|s| {
        if found[short.len()..].starts_with(s) {
            Some(short.len())
        } else {
            short.rfind(s).filter(|at| *at > 0)
        }
    });
    or_blank(place.map_or(short, |at| &short[..at]))
}

fn round<'a>(value: Value<'a>, mode: RoundMode, scale: u32, scope: &mut Scope<'a>) -> Value<'a> {
    let number = match value {
        Value::Decimal(d) => d,
        Value::Text(t) => match json::decimal(t.trim()) {
            Some(d) => d,
            None => return scope.bad(FaultKind::NotANumber, t),
        },
        other => return other,
    };
    let rounded = number.round_dp_with_strategy(
        scale,
        match mode {
            RoundMode::HalfUp => RoundingStrategy::MidpointAwayFromZero,
            RoundMode::HalfEven => RoundingStrategy::MidpointNearestEven,
            RoundMode::Down => RoundingStrategy::ToZero,
        },
    );
    if rounded != number {
        scope.lose(Loss::Precision);
    }
    if scale > 0 {
        return Value::Decimal(rounded);
    }
    match rounded.to_i64() {
        Some(i) => Value::Int(i),
        None => {
            let found = text::canonical(&Value::Decimal(number), scope.arena).unwrap_or("");
            scope.bad(FaultKind::OutOfRange, found)
        }
    }
}

/// `Name (key)` of the record with this key; the key alone where there is no such record or it has no name.
fn named<'a>(
    key: &'a str,
    object: usize,
    index: usize,
    column: Option<usize>,
    scope: &Scope<'a>,
) -> Value<'a> {
    let arena = scope.arena;
    let rows = scope
        .tables
        .index(index)
        .map_or(&[][..], |i| i.rows(text::fold_in(key, arena), arena));
    let name = rows.first().zip(column).and_then(|(row, column)| {
        text::canonical(&scope.tables.value(object, *row, column, arena), arena)
    });
    match name {
        Some(name) => {
            let mut out = BumpString::with_capacity_in(name.len() + key.len() + 3, arena);
            out.push_str(name);
            out.push_str(" (");
            out.push_str(key.trim());
            out.push(')');
            Value::Text(out.into_bump_str())
        }
        None => Value::Text(key),
    }
}

/// The first and the last character with stars between; short texts are all stars.
fn mask<'a>(found: &str, scope: &Scope<'a>) -> &'a str {
    let count = text::chars(found);
    let mut out = BumpString::with_capacity_in(found.len(), scope.arena);
    for (i, c) in found.chars().enumerate() {
        let end = i == 0 || i + 1 == count;
        out.push(if end && count > 4 { c } else { '*' });
    }
    out.into_bump_str()
}
