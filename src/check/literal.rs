//! Literals: numbers with units, dates, booleans and texts, as written in YAML or in a condition.

use crate::{
    spec::{Node, tree::NodeKind},
    value::{Scalar, Type},
};
use rust_decimal::Decimal;
use std::str::FromStr;

/// A number with or without a unit, or a date: `3`, `2.50`, `25MB`, `48h`, `2026-08-20`.
pub fn number(text: &str) -> Option<Scalar> {
    if let Ok(i) = text.parse::<i64>() {
        return Some(Scalar::Int(i));
    }
    if let Ok(date) = jiff::civil::Date::strptime("%Y-%m-%d", text) {
        return Some(Scalar::Date(date));
    }
    let split = text
        .char_indices()
        .find(|(i, c)| *i > 0 && c.is_alphabetic())
        .map_or(text.len(), |(i, _)| i);
    let (digits, unit) = text.split_at(split);
    let amount = Decimal::from_str(digits).ok()?;
    if unit.is_empty() {
        return Some(Scalar::Decimal(amount));
    }
    let whole = |factor: i64| {
        let product = amount.checked_mul(Decimal::from(factor))?;
        product
            .fract()
            .is_zero()
            .then(|| i64::try_from(product).ok())?
    };
    let bytes = [
        ("B", 1),
        ("kB", 1_000),
        ("KB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
    ];
    if let Some((_, factor)) = bytes.iter().find(|(u, _)| *u == unit) {
        return whole(*factor).map(Scalar::Bytes);
    }
    let seconds = [
        ("s", 1),
        ("m", 60),
        ("h", 3_600),
        ("d", 86_400),
        ("w", 604_800),
    ];
    let (_, factor) = seconds.iter().find(|(u, _)| *u == unit)?;
    whole(*factor).map(Scalar::Seconds)
}

/// A YAML scalar or list as a literal, by its own look: unquoted numbers, dates and booleans are what they
/// look like, everything else is text.
pub fn scalar(node: &Node) -> Option<Scalar> {
    match &node.kind {
        NodeKind::Null => Some(Scalar::Blank),
        NodeKind::Scalar { text, quoted } => Some(match text.as_str() {
            "" => Scalar::Blank,
            "true" if !quoted => Scalar::Bool(true),
            "false" if !quoted => Scalar::Bool(false),
            _ if *quoted => Scalar::Text(text.clone()),
            _ => number(text).unwrap_or_else(|| Scalar::Text(text.clone())),
        }),
        NodeKind::List(items) => items
            .iter()
            .map(scalar)
            .collect::<Option<_>>()
            .map(Scalar::List),
        NodeKind::Map(_) => None,
    }
}

/// Reads a text as a value of that type; `None` when it is none.
pub fn typed(text: &str, data_type: Type) -> Option<Scalar> {
    if text.is_empty() {
        return Some(Scalar::Blank);
    }
    match data_type {
        Type::Int => text.parse().ok().map(Scalar::Int),
        Type::Decimal => Decimal::from_str(text).ok().map(Scalar::Decimal),
        Type::Bool => match text.to_ascii_lowercase().as_str() {
            "true" => Some(Scalar::Bool(true)),
            "false" => Some(Scalar::Bool(false)),
            _ => None,
        },
        Type::Date => jiff::civil::Date::strptime("%Y-%m-%d", text)
            .ok()
            .map(Scalar::Date),
        Type::Bytes => match number(text)? {
            Scalar::Bytes(b) | Scalar::Int(b) => Some(Scalar::Bytes(b)),
            _ => None,
        },
        Type::DateTime => jiff::Timestamp::from_str(text)
            .ok()
            .map(|_| Scalar::Text(text.to_owned())),
        Type::Email => text.contains('@').then(|| Scalar::Text(text.to_owned())),
        _ => Some(Scalar::Text(text.to_owned())),
    }
}

/// The type a literal has by itself.
pub fn type_of(literal: &Scalar) -> Option<Type> {
    Some(match literal {
        Scalar::Blank => return None,
        Scalar::Text(_) => Type::Text,
        Scalar::Int(_) => Type::Int,
        Scalar::Decimal(_) => Type::Decimal,
        Scalar::Bool(_) => Type::Bool,
        Scalar::Date(_) => Type::Date,
        Scalar::Bytes(_) => Type::Bytes,
        // A span of time is compared with nothing that has a type of its own.
        Scalar::Seconds(_) => Type::Int,
        Scalar::List(_) => Type::List,
    })
}

/// A literal as people write it.
pub fn show(literal: &Scalar) -> String {
    match literal {
        Scalar::Blank => "nothing".to_owned(),
        Scalar::Text(t) => format!("'{t}'"),
        Scalar::Int(i) => i.to_string(),
        Scalar::Decimal(d) => d.to_string(),
        Scalar::Bool(b) => b.to_string(),
        Scalar::Date(d) => d.to_string(),
        Scalar::Bytes(b) => format!("{b} bytes"),
        Scalar::Seconds(s) => format!("{s} s"),
        Scalar::List(items) => {
            format!(
                "[{}]",
                items.iter().map(show).collect::<Vec<_>>().join(", ")
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_exact() {
        assert_eq!(number("25MB"), Some(Scalar::Bytes(25_000_000)));
        assert_eq!(number("25MiB"), Some(Scalar::Bytes(26_214_400)));
        assert_eq!(number("1.5h"), Some(Scalar::Seconds(5_400)));
        assert_eq!(number("48h"), Some(Scalar::Seconds(172_800)));
        assert_eq!(number("-7"), Some(Scalar::Int(-7)));
        assert_eq!(number("2026-02-30"), None);
        assert_eq!(number("3parsecs"), None);
    }
}
