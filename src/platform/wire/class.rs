//! How a value came back from where it was written: the same, in another spelling, shorter, not at all, or wrong.

use super::WireValue;
use crate::value::Type;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::str::FromStr as _;

/// How a value came back. In the order of harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// As it was written.
    Equal,
    /// In another spelling of the same: case, white space, marks of a telephone number, the scheme of an address.
    Normalised,
    /// Nothing was written, and the server put something there.
    ServerSet,
    /// Its beginning, some of its items, or fewer digits.
    Shortened,
    /// Nothing is there.
    Dropped,
    /// Something else is there.
    Wrong,
}

impl Class {
    /// Every class, in the order of harm.
    pub const ALL: &'static [Class] = &[
        Class::Equal,
        Class::Normalised,
        Class::ServerSet,
        Class::Shortened,
        Class::Dropped,
        Class::Wrong,
    ];

    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Class::Equal => "equal",
            Class::Normalised => "normalised",
            Class::ServerSet => "server_set",
            Class::Shortened => "shortened",
            Class::Dropped => "dropped",
            Class::Wrong => "wrong",
        }
    }

    /// True when a person must say that it is all right.
    pub fn is_finding(self) -> bool {
        matches!(self, Class::Dropped | Class::Wrong)
    }
}

/// How a value of a field came back. `grown`: the record was there before, so a list may hold more than was written.
pub fn class_of(data_type: Type, written: &WireValue, there: &WireValue, grown: bool) -> Class {
    match (written.is_nothing(), there.is_nothing()) {
        (true, true) => return Class::Equal,
        (true, false) => return Class::ServerSet,
        (false, true) => return Class::Dropped,
        (false, false) => {}
    }
    if written.same(there) {
        return Class::Equal;
    }
    match (written, there) {
        (WireValue::One(a), WireValue::One(b)) => one(data_type, a, b),
        (WireValue::Many(a), WireValue::Many(b)) => many(a, b, grown),
        // A list of one, which a server shows as a single value, or the other way round.
        (WireValue::Many(a), WireValue::One(b)) => many(a, std::slice::from_ref(b), grown),
        (WireValue::One(a), WireValue::Many(b)) => many(std::slice::from_ref(a), b, grown),
        _ => Class::Wrong,
    }
}

fn one(data_type: Type, written: &str, there: &str) -> Class {
    if folded(data_type, written) == folded(data_type, there) {
        return Class::Normalised;
    }
    match data_type {
        Type::Int | Type::Decimal | Type::Bytes => {
            match (Decimal::from_str(written), Decimal::from_str(there)) {
                (Ok(a), Ok(b)) if a == b => Class::Equal,
                (Ok(a), Ok(b)) if fewer_digits(a, b) => Class::Shortened,
                _ => Class::Wrong,
            }
        }
        Type::Bool | Type::Date | Type::DateTime => Class::Wrong,
        _ => {
            let short = there.trim_end().trim_end_matches(['…', '.']).trim_end();
            if !short.is_empty() && short.len() < written.len() && written.starts_with(short) {
                Class::Shortened
            } else {
                Class::Wrong
            }
        }
    }
}

/// True when one number is the other with fewer digits, rounded or cut.
fn fewer_digits(written: Decimal, there: Decimal) -> bool {
    let scale = there.scale();
    scale < written.scale()
        && (written.round_dp(scale) == there
            || written.trunc_with_scale(scale) == there
            || (written - there).abs() < Decimal::new(1, scale))
}

fn many(written: &[String], there: &[String], grown: bool) -> Class {
    let fold = |list: &[String]| {
        let mut all: Vec<String> = list.iter().map(|t| folded(Type::Text, t)).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let (a, b) = (fold(written), fold(there));
    let within = |a: &[String], b: &[String]| a.iter().all(|t| b.contains(t));
    match (within(&a, &b), within(&b, &a)) {
        (true, true) => Class::Normalised,
        (true, false) if grown => Class::Normalised,
        (false, true) => Class::Shortened,
        _ => Class::Wrong,
    }
}

/// A text without what is mere spelling.
fn folded(data_type: Type, text: &str) -> String {
    let text = text.trim();
    match data_type {
        Type::Phone => text
            .chars()
            .filter(|c| c.is_ascii_digit() || *c == '+')
            .collect(),
        Type::Url => {
            let lower = text.to_lowercase();
            let bare = lower.split_once("://").map_or(lower.as_str(), |(_, r)| r);
            let bare = bare.strip_prefix("www.").unwrap_or(bare);
            bare.trim_end_matches('/').to_owned()
        }
        Type::Bool | Type::Int | Type::Decimal | Type::Bytes | Type::Date | Type::DateTime => {
            text.to_owned()
        }
        _ => {
            let words: Vec<&str> = text.split_whitespace().collect();
            words.join(" ").to_lowercase()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(data_type: Type, a: &str, b: &str) -> Class {
        let value = |t: &str| match t {
            "" => WireValue::Null,
            t => WireValue::One(t.to_owned()),
        };
        class_of(data_type, &value(a), &value(b), false)
    }

    fn lists(a: &[&str], b: &[&str], grown: bool) -> Class {
        let value = |l: &[&str]| WireValue::Many(l.iter().map(|t| (*t).to_owned()).collect());
        class_of(Type::Tags, &value(a), &value(b), grown)
    }

    #[test]
    fn every_class_has_its_case() {
        for (data_type, written, there, class) in [
            (Type::Text, "Ann", "Ann", Class::Equal),
            (Type::Text, "", "", Class::Equal),
            (
                Type::Email,
                "Ann@X.example",
                "ann@x.example",
                Class::Normalised,
            ),
            (Type::Text, "a  b ", "a b", Class::Normalised),
            (Type::Phone, "(555) 010-2", "555 0102", Class::Normalised),
            (
                Type::Url,
                "https://www.x.example/",
                "x.example",
                Class::Normalised,
            ),
            (Type::Phone, "call Bob", "", Class::Dropped),
            (Type::Int, "", "10", Class::ServerSet),
            (Type::Text, "a long text", "a long", Class::Shortened),
            (Type::Text, "a long text", "a long…", Class::Shortened),
            (Type::Decimal, "12.345", "12.35", Class::Shortened),
            (Type::Decimal, "12.345", "12.34", Class::Shortened),
            (Type::Decimal, "12.5", "13.5", Class::Wrong),
            (Type::Date, "2026-03-01", "2026-02-28", Class::Wrong),
            (Type::Bool, "true", "false", Class::Wrong),
            (Type::Text, "Ann", "Bob", Class::Wrong),
            (Type::Phone, "555 0102", "555 0103", Class::Wrong),
        ] {
            assert_eq!(
                texts(data_type, written, there),
                class,
                "{data_type:?} {written:?} {there:?}"
            );
        }
    }

    #[test]
    fn lists_lose_items_or_grow() {
        assert_eq!(lists(&["a", "b"], &["b", "a"], false), Class::Equal);
        assert_eq!(lists(&["A", "b"], &["b", "a"], false), Class::Normalised);
        assert_eq!(lists(&["a", "b"], &["a"], false), Class::Shortened);
        assert_eq!(lists(&["a"], &["a", "b"], false), Class::Wrong);
        assert_eq!(lists(&["a"], &["a", "b"], true), Class::Normalised);
        assert_eq!(lists(&["a"], &["c"], true), Class::Wrong);
    }

    #[test]
    fn references_are_right_or_wrong() {
        let to = |id: &str| WireValue::Record {
            object: None,
            id: id.to_owned(),
        };
        assert_eq!(class_of(Type::Ref, &to("1"), &to("1"), false), Class::Equal);
        assert_eq!(class_of(Type::Ref, &to("1"), &to("2"), false), Class::Wrong);
        let nothing = WireValue::Null;
        assert_eq!(
            class_of(Type::Ref, &to("1"), &nothing, false),
            Class::Dropped
        );
    }
}
