//! The order of values: for `order:` and `keep:`, and for comparisons in conditions.

use super::text;
use crate::value::Value;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use std::cmp::Ordering;

/// A total order for sorting: blanks last either way, whole numbers written as text compare as numbers and stand
/// before other texts.
pub(crate) fn sorting(a: &Value<'_>, b: &Value<'_>, descending: bool) -> Ordering {
    match (a.is_present(), b.is_present()) {
        (false, false) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (true, true) => {
            let order = match (rank(a), rank(b)) {
                (ra, rb) if ra != rb => ra.cmp(&rb),
                _ => same_kind(a, b).unwrap_or(Ordering::Equal),
            };
            if descending { order.reverse() } else { order }
        }
    }
}

/// Values of one rank compare with each other.
fn rank(value: &Value<'_>) -> u8 {
    match value {
        Value::Bool(_) => 0,
        Value::Int(_) | Value::Decimal(_) => 1,
        Value::Text(t) if whole(t).is_some() => 1,
        Value::Date(_) | Value::DateTime(_) => 2,
        Value::Text(_) | Value::Dest(_) => 3,
        Value::List(_) => 4,
        Value::Absent | Value::Blank | Value::Bad(_) => 5,
    }
}

fn whole(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

fn same_kind(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    match (a, b) {
        (Value::Text(x), Value::Text(y)) => Some(match (whole(x), whole(y)) {
            (Some(x), Some(y)) => x.cmp(&y),
            _ => x.cmp(y),
        }),
        (Value::Text(x), other) => comparing(&Value::Int(whole(x)?), other),
        (other, Value::Text(y)) => comparing(other, &Value::Int(whole(y)?)),
        (Value::List(x), Value::List(y)) => Some(x.len().cmp(&y.len())),
        _ => comparing(a, b),
    }
}

/// How two values compare in a condition; `None` where they do not: one is blank or bad, or they are of different
/// kinds. Texts compare trimmed and without case; a day compares with an instant by its day in UTC.
pub(crate) fn comparing(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    Some(match (a, b) {
        (Value::Int(x), Value::Int(y)) => x.cmp(y),
        (Value::Int(x), Value::Decimal(y)) => Decimal::from(*x).cmp(y),
        (Value::Decimal(x), Value::Int(y)) => x.cmp(&Decimal::from(*y)),
        (Value::Decimal(x), Value::Decimal(y)) => x.cmp(y),
        (Value::Bool(x), Value::Bool(y)) => x.cmp(y),
        (Value::Date(x), Value::Date(y)) => x.cmp(y),
        (Value::DateTime(x), Value::DateTime(y)) => x.cmp(y),
        (Value::Date(x), Value::DateTime(y)) => x.cmp(&TimeZone::UTC.to_datetime(*y).date()),
        (Value::DateTime(x), Value::Date(y)) => TimeZone::UTC.to_datetime(*x).date().cmp(y),
        (Value::Text(x), Value::Text(y)) => {
            if text::fold_equal(x, y) {
                Ordering::Equal
            } else {
                text::folded(x).cmp(&text::folded(y))
            }
        }
        (Value::Dest(x), Value::Dest(y)) => x.id.cmp(y.id),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(text: &str) -> Value<'_> {
        if text.is_empty() {
            Value::Blank
        } else {
            Value::Text(text)
        }
    }

    #[test]
    fn ids_compare_as_numbers_and_blanks_come_last() {
        let mut texts = vec!["10", "9", "", "b", "a", "100"];
        texts.sort_by(|x, y| sorting(&value(x), &value(y), false));
        assert_eq!(texts, ["9", "10", "100", "a", "b", ""]);
        texts.sort_by(|x, y| sorting(&value(x), &value(y), true));
        assert_eq!(texts, ["b", "a", "100", "10", "9", ""]);
    }

    proptest! {
        #[test]
        fn sorting_is_an_order(texts in proptest::collection::vec("[0-9]{0,2}|[a-b]{0,2}| 7", 3)) {
            let v: Vec<_> = texts.iter().map(|t| value(t)).collect();
            prop_assert_eq!(sorting(&v[0], &v[1], false), sorting(&v[1], &v[0], false).reverse());
            if sorting(&v[0], &v[1], false).is_le() && sorting(&v[1], &v[2], false).is_le() {
                prop_assert!(sorting(&v[0], &v[2], false).is_le());
            }
        }
    }
}
