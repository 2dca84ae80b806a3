//! Ops on lists: taken apart, without repeats, without items that are too long.

use super::{scope::Scope, text};
use crate::{
    mapping::Loss,
    value::{FaultKind, Value},
};
use bumpalo::collections::Vec as BumpVec;

/// A list, or blank when it has no items.
pub(super) fn list<'a>(items: BumpVec<'a, Value<'a>>) -> Value<'a> {
    if items.is_empty() {
        Value::Blank
    } else {
        Value::List(items.into_bump_slice())
    }
}

/// Without what is longer than `max` characters; with `hold` that is a fault.
pub(super) fn over<'a>(
    value: Value<'a>,
    max: usize,
    hold: bool,
    scope: &mut Scope<'a>,
) -> Value<'a> {
    let too_long = |v: &Value<'a>| matches!(v, Value::Text(t) if text::chars(t) > max);
    match value {
        Value::List(items) => {
            let Some(first) = items.iter().find(|i| too_long(i)) else {
                return value;
            };
            if hold {
                let found = text::canonical(first, scope.arena).unwrap_or("");
                return scope.bad(FaultKind::TooLong, found);
            }
            scope.lose(Loss::Items);
            let kept = items.iter().filter(|i| !too_long(i)).copied();
            list(BumpVec::from_iter_in(kept, scope.arena))
        }
        Value::Text(t) if too_long(&value) => {
            if hold {
                scope.bad(FaultKind::TooLong, t)
            } else {
                scope.lose(Loss::Items);
                Value::Blank
            }
        }
        other => other,
    }
}

/// The parts of a text, trimmed, without empty ones.
pub(super) fn split<'a>(found: &'a str, separator: &str, scope: &Scope<'a>) -> Value<'a> {
    if separator.is_empty() {
        return Value::Text(found);
    }
    let parts = found
        .split(separator)
        .map(str::trim)
        .filter(|p| !p.is_empty())
        .map(Value::Text);
    list(BumpVec::from_iter_in(parts, scope.arena))
}

/// Without repeats, the first of each kept.
pub(super) fn unique<'a>(items: &'a [Value<'a>], scope: &mut Scope<'a>) -> Value<'a> {
    let repeats = |at: usize| match items[at] {
        Value::Text(text) => {
            let mut before = items[..at].iter();
            before.any(|i| matches!(i, Value::Text(t) if *t == text))
        }
        item => items[..at].contains(&item),
    };
    if items.len() <= 32 {
        let Some(first) = (1..items.len()).find(|at| repeats(*at)) else {
            return Value::List(items);
        };
        scope.lose(Loss::Normal);
        let mut out = BumpVec::with_capacity_in(items.len(), scope.arena);
        out.extend_from_slice(&items[..first]);
        out.extend(
            (first..items.len())
                .filter(|at| !repeats(*at))
                .map(|at| items[at]),
        );
        return list(out);
    }
    let mut seen = hashbrown::HashSet::new();
    let mut out = BumpVec::with_capacity_in(items.len(), scope.arena);
    for item in items {
        if seen.insert(text::canonical(item, scope.arena)) {
            out.push(*item);
        }
    }
    if out.len() < items.len() {
        scope.lose(Loss::Normal);
    }
    list(out)
}
