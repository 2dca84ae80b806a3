//! Values as text: the canonical form, comparison without case, shortening for messages.
//!
//! The canonical form is what keys, joins, value maps and templates see; wire forms are the platform's.

use crate::value::{Scalar, Value, glance};
use bumpalo::{Bump, collections::String as BumpString};

/// Between the parts of a key of several fields.
pub(crate) const KEY_SEPARATOR: char = '\u{1f}';

/// The canonical text of a value; `None` when there is nothing.
pub(crate) fn canonical<'a>(value: &Value<'a>, arena: &'a Bump) -> Option<&'a str> {
    match value {
        Value::Absent | Value::Blank => None,
        Value::Text(t) => Some(t),
        Value::Bool(true) => Some("true"),
        Value::Bool(false) => Some("false"),
        Value::Dest(d) => Some(d.id),
        Value::Bad(f) => Some(f.found),
        other => {
            let mut out = BumpString::new_in(arena);
            push(&mut out, other);
            Some(out.into_bump_str())
        }
    }
}

/// Writes the canonical text of a value; nothing for an absent or blank one.
pub(crate) fn push(out: &mut impl std::fmt::Write, value: &Value<'_>) {
    // Writing to a string in memory cannot fail.
    let _ = match value {
        Value::Absent | Value::Blank => Ok(()),
        Value::Text(t) => out.write_str(t),
        Value::Int(i) => out.write_str(itoa::Buffer::new().format(*i)),
        Value::Decimal(d) => write!(out, "{}", d.normalize()),
        Value::Bool(b) => out.write_str(if *b { "true" } else { "false" }),
        Value::Date(d) => write!(out, "{d}"),
        Value::DateTime(t) => write!(out, "{t}"),
        Value::Dest(d) => out.write_str(d.id),
        Value::Bad(f) => out.write_str(f.found),
        Value::List(items) => {
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    let _ = out.write_str("; ");
                }
                push(out, item);
            }
            Ok(())
        }
    };
}

/// Appends a text trimmed and in lower case.
pub(crate) fn push_folded(out: &mut String, text: &str) {
    let text = glance::trim(text);
    if glance::is_lower(text.as_bytes()) {
        out.push_str(text);
    } else if text.is_ascii() {
        let from = out.len();
        out.push_str(text);
        out[from..].make_ascii_lowercase();
    } else {
        out.extend(text.chars().flat_map(char::to_lowercase));
    }
}

/// A text trimmed and in lower case.
pub(crate) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_folded(&mut out, text);
    out
}

/// A text in lower case, trimmed, without a copy where nothing changes.
pub(crate) fn fold_in<'a>(text: &'a str, arena: &'a Bump) -> &'a str {
    lower_in(glance::trim(text), arena)
}

/// A text in lower case, without a copy where nothing changes.
pub(crate) fn lower_in<'a>(text: &'a str, arena: &'a Bump) -> &'a str {
    if glance::is_lower(text.as_bytes()) {
        return text;
    }
    if text.is_ascii() {
        let copy = arena.alloc_str(text);
        copy.make_ascii_lowercase();
        return copy;
    }
    let mut out = BumpString::with_capacity_in(text.len(), arena);
    out.extend(text.chars().flat_map(char::to_lowercase));
    out.into_bump_str()
}

/// True when a text, trimmed and in lower case, is this one (already trimmed and in lower case).
pub(crate) fn folds_to(text: &str, folded: &str) -> bool {
    let text = glance::trim(text);
    if text.is_ascii() {
        return text.eq_ignore_ascii_case(folded);
    }
    text.chars().flat_map(char::to_lowercase).eq(folded.chars())
}

/// True when two texts are equal trimmed and without case.
pub(crate) fn fold_equal(a: &str, b: &str) -> bool {
    let (a, b) = (glance::trim(a), glance::trim(b));
    if a == b {
        return true;
    }
    if a.is_ascii() && b.is_ascii() {
        return a.eq_ignore_ascii_case(b);
    }
    a.chars()
        .flat_map(char::to_lowercase)
        .eq(b.chars().flat_map(char::to_lowercase))
}

/// The start of a text, at most this many characters.
pub(crate) fn shortened(text: &str, max: usize) -> &str {
    match text.char_indices().nth(max) {
        Some((at, _)) => &text[..at],
        None => text,
    }
}

/// The number of characters; cheap for ASCII.
pub(crate) fn chars(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.chars().count()
    }
}

/// A literal as a value. Texts are borrowed, lists are built in the arena; an empty text is blank.
pub(crate) fn literal<'a>(scalar: &'a Scalar, arena: &'a Bump) -> Value<'a> {
    match scalar {
        Scalar::Blank => Value::Blank,
        Scalar::Text(t) if t.is_empty() => Value::Blank,
        Scalar::Text(t) => Value::Text(t),
        Scalar::Int(i) | Scalar::Bytes(i) | Scalar::Seconds(i) => Value::Int(*i),
        Scalar::Decimal(d) => Value::Decimal(*d),
        Scalar::Bool(b) => Value::Bool(*b),
        Scalar::Date(d) => Value::Date(*d),
        Scalar::List(items) if items.is_empty() => Value::Blank,
        Scalar::List(items) => {
            Value::List(arena.alloc_slice_fill_iter(items.iter().map(|i| literal(i, arena))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lower_case_borrows_where_nothing_changes() {
        let arena = Bump::new();
        let text = "already lower";
        assert!(std::ptr::eq(lower_in(text, &arena), text));
        assert_eq!(lower_in("Ärger ÄÖ", &arena), "ärger äö");
        assert_eq!(fold_in("  Ann@X.Example ", &arena), "ann@x.example");
    }

    proptest! {
        #[test]
        fn folding_agrees_with_itself(a in "\\PC{0,12}", b in "\\PC{0,12}") {
            prop_assert_eq!(fold_equal(&a, &b), folded(&a) == folded(&b));
            prop_assert_eq!(folds_to(&a, &folded(&b)), folded(&a) == folded(&b));
        }

        #[test]
        fn shortening_keeps_whole_characters(text in "\\PC{0,30}", max in 0usize..40) {
            let short = shortened(&text, max);
            prop_assert!(text.starts_with(short));
            prop_assert_eq!(short.chars().count(), text.chars().count().min(max));
        }
    }
}
