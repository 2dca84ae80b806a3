//! How two values of a field differ: what a person would say at a glance.

use crate::{outcome::reconcile::How, platform::wire::WireValue, value::Type};
use encoding_rs::WINDOWS_1252;
use rust_decimal::Decimal;

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same.
    Equal,
    /// The same but for what a destination may normalise.
    Normalised,
    /// Not the same.
    Differs(How),
}

/// Compares what should be in a field with what is. `prefix`: put before an item of a list where people had it already.
/// Items that are there beyond those expected are nobody's fault: a list is added to.
pub fn compare(
    data_type: Type,
    expected: &WireValue,
    there: &WireValue,
    prefix: Option<&str>,
) -> Verdict {
    if expected.same(there) {
        return Verdict::Equal;
    }
    match (expected, there) {
        (_, t) if t.is_nothing() => Verdict::Differs(How::Empty),
        (WireValue::Many(expected), _) => {
            let there: &[String] = match there {
                WireValue::Many(items) => items,
                WireValue::One(item) => std::slice::from_ref(item),
                _ => &[],
            };
            let has = |item: &String| {
                there.iter().any(|t| {
                    t == item || prefix.is_some_and(|p| t.strip_prefix(p) == Some(item.as_str()))
                })
            };
            match expected.iter().all(has) {
                true => Verdict::Equal,
                false => Verdict::Differs(How::Items),
            }
        }
        (WireValue::One(a), WireValue::One(b)) => {
            let (x, y) = (a.trim(), b.trim());
            if x == y || (data_type == Type::Email && x.eq_ignore_ascii_case(y)) {
                return Verdict::Normalised;
            }
            Verdict::Differs(how(data_type, x, y))
        }
        _ => Verdict::Differs(How::Other),
    }
}

fn how(data_type: Type, expected: &str, there: &str) -> How {
    match data_type {
        Type::Int | Type::Decimal | Type::Bytes => number(expected, there),
        Type::Date | Type::DateTime => How::Shifted,
        Type::Bool | Type::Enum | Type::Id | Type::Ref => How::Other,
        _ => text(expected, there),
    }
}

fn number(expected: &str, there: &str) -> How {
    match (expected.parse::<Decimal>(), there.parse::<Decimal>()) {
        (Ok(a), Ok(b)) if (a - b).abs() < Decimal::ONE && b.scale() < a.scale() => How::Rounded,
        _ => How::Other,
    }
}

fn text(expected: &str, there: &str) -> How {
    let bare = |t: &str| t.split_whitespace().collect::<String>();
    let (a, b) = (bare(expected), bare(there));
    if a == b {
        return How::Spaces;
    }
    if a.to_lowercase() == b.to_lowercase() {
        return How::Case;
    }
    if expected.starts_with(there) {
        return How::Truncated;
    }
    if escaped(expected) == there || escaped(there) == expected {
        return How::Escaped;
    }
    if misread(expected, there) {
        return How::Encoding;
    }
    How::Other
}

/// The text with the marks of markup written out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// True when UTF-8 was read as Windows-1252 or the other way round, or letters became marks of replacement.
fn misread(expected: &str, there: &str) -> bool {
    let as_1252 = |text: &str| WINDOWS_1252.decode(text.as_bytes()).0.into_owned();
    if as_1252(expected) == there || as_1252(there) == expected {
        return true;
    }
    let (mut a, mut b) = (expected.chars(), there.chars());
    let mut replaced = false;
    loop {
        match (a.next(), b.next()) {
            (None, None) => return replaced,
            (Some(x), Some(y)) if x == y => {}
            (Some(x), Some('\u{fffd}' | '?')) if !x.is_ascii() => replaced = true,
            _ => return false,
        }
    }
}

/// How alike two texts are, from 0 to 1: the share of words they have in common.
pub fn likeness(a: &str, b: &str) -> f64 {
    let words = |t: &str| -> Vec<String> { t.split_whitespace().map(str::to_lowercase).collect() };
    let (a, mut b) = (words(a), words(b));
    let most = a.len().max(b.len());
    if most == 0 {
        return 0.0;
    }
    let mut common = 0usize;
    for word in &a {
        if let Some(at) = b.iter().position(|w| w == word) {
            b.swap_remove(at);
            common += 1;
        }
    }
    common as f64 / most as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> WireValue {
        WireValue::One(text.to_owned())
    }

    fn differs(data_type: Type, a: &str, b: &str) -> How {
        match compare(data_type, &one(a), &one(b), None) {
            Verdict::Differs(how) => how,
            other => panic!("{other:?} for {a} and {b}"),
        }
    }

    #[test]
    fn what_a_destination_may_normalise_is_no_difference() {
        for (data_type, a, b) in [
            (Type::Text, "Ann ", "Ann"),
            (Type::Email, "A@b.example", "a@B.example"),
        ] {
            assert_eq!(
                compare(data_type, &one(a), &one(b), None),
                Verdict::Normalised
            );
        }
        let tags = |list: &[&str]| WireValue::Many(list.iter().map(|t| (*t).to_owned()).collect());
        let more = compare(Type::Tags, &tags(&["a"]), &tags(&["b", "a"]), None);
        assert_eq!(more, Verdict::Equal);
        let prefixed = compare(Type::Tags, &tags(&["a"]), &tags(&["x/a"]), Some("x/"));
        assert_eq!(prefixed, Verdict::Equal);
        let lost = compare(Type::Tags, &tags(&["a", "c"]), &tags(&["a"]), Some("x/"));
        assert_eq!(lost, Verdict::Differs(How::Items));
    }

    #[test]
    fn differences_have_names() {
        for (data_type, a, b, how) in [
            (Type::Text, "Ann Lee", "Ann  Lee", How::Spaces),
            (Type::Text, "Ann Lee", "ann LEE", How::Case),
            (Type::Text, "A long story", "A long", How::Truncated),
            (Type::Text, "R & D <x>", "R &amp; D &lt;x&gt;", How::Escaped),
            (Type::Text, "Müller", "MÃ¼ller", How::Encoding),
            (Type::Text, "Müller", "M?ller", How::Encoding),
            (Type::Text, "Ann", "Bob", How::Other),
            (Type::Decimal, "12.34", "12.3", How::Rounded),
            (Type::Decimal, "1234", "123400", How::Other),
            (Type::Date, "2024-01-02", "2024-01-01", How::Shifted),
        ] {
            assert_eq!(differs(data_type, a, b), how, "{a} / {b}");
        }
        assert_eq!(
            compare(Type::Text, &one("x"), &WireValue::Null, None),
            Verdict::Differs(How::Empty)
        );
    }

    #[test]
    fn likeness_counts_common_words() {
        assert!(likeness("a b c d", "a b c x") > 0.7);
        assert!(likeness("a b", "c d") < 0.1);
        assert!(likeness("", "") < 0.1);
    }
}
