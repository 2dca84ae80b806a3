//! JSON bytes out, and dotted paths into answers.

use crate::value::glance;
use serde_json::Value;
use std::borrow::Cow;
use wide::u8x16;

/// For each byte: 0 when it may stand in a JSON text, else the letter of its escape (`u` for `\u00XX`).
const ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 0x20 {
        table[i] = b'u';
        i += 1;
    }
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table[b'\n' as usize] = b'n';
    table[b'\r' as usize] = b'r';
    table[b'\t' as usize] = b't';
    table[0x08] = b'b';
    table[0x0c] = b'f';
    table
};

/// Appends a JSON text with its quotes.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    if glance::is_plain(text.as_bytes()) {
        glance::append_quoted(text.as_bytes(), out);
    } else {
        out.reserve(text.len() + 2);
        out.push(b'"');
        write_escaped(text.as_bytes(), out);
        out.push(b'"');
    }
}

/// Appends the inside of a JSON text.
#[inline]
pub(super) fn write_inner(text: &str, out: &mut Vec<u8>) {
    if glance::is_plain(text.as_bytes()) {
        glance::append(text.as_bytes(), out);
    } else {
        write_escaped(text.as_bytes(), out);
    }
}

fn write_escaped(bytes: &[u8], out: &mut Vec<u8>) {
    let mut start = 0;
    let mut base = 0;
    while base < bytes.len() {
        let rest = bytes.get(base..).unwrap_or_default();
        let sixteen = rest.first_chunk::<16>().copied().unwrap_or_else(|| {
            let mut padded = [b' '; 16];
            for (to, from) in padded.iter_mut().zip(rest) {
                *to = *from;
            }
            padded
        });
        let mut found = glance::escapes(u8x16::new(sixteen)).to_bitmask();
        while found != 0 {
            let at = base + found.trailing_zeros() as usize;
            found &= found - 1;
            let byte = bytes.get(at).copied().unwrap_or_default();
            glance::append(bytes.get(start..at).unwrap_or_default(), out);
            start = at + 1;
            match ESCAPES[usize::from(byte)] {
                b'u' => {
                    const HEX: &[u8; 16] = b"0123456789abcdef";
                    let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
                    out.extend_from_slice(&[b'\\', b'u', b'0', b'0', HEX[high], HEX[low]]);
                }
                escape => out.extend_from_slice(&[b'\\', escape]),
            }
        }
        base += 16;
    }
    out.extend_from_slice(bytes.get(start..).unwrap_or_default());
}

/// Appends an id: all digits as a number, anything else as a text. Leading zeros and ids beyond 18 digits
/// stay texts, as a number would change them on the way.
pub(super) fn write_id(id: &str, out: &mut Vec<u8>) {
    let digits = !id.is_empty() && id.len() <= 18 && id.bytes().all(|b| b.is_ascii_digit());
    if digits && (id.len() == 1 || !id.starts_with('0')) {
        out.extend_from_slice(id.as_bytes());
    } else {
        write_text(id, out);
    }
}

/// The value at a dotted path (`errors.message`, `sales_accounts.0.id`): names step into objects, numbers into
/// arrays. An empty path is the value itself.
pub fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    if path.is_empty() {
        return Some(value);
    }
    path.split('.').try_fold(value, |here, part| match here {
        Value::Object(members) => members.get(part),
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        _ => None,
    })
}

/// A scalar as text; `None` for null, arrays and objects.
pub fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(s) => Some(Cow::Borrowed(s)),
        Value::Number(n) => Some(Cow::Owned(n.to_string())),
        Value::Bool(b) => Some(Cow::Borrowed(if *b { "true" } else { "false" })),
        _ => None,
    }
}

/// The texts of a text, of a list of texts, or of the members of an object: what answers give as reasons.
/// Empty texts and nulls are left out.
pub fn texts_of(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(texts_of).collect(),
        Value::Object(members) => members.values().flat_map(texts_of).collect(),
        scalar => text_of(scalar)
            .filter(|t| !t.trim().is_empty())
            .map(Cow::into_owned)
            .into_iter()
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn paths_step_into_objects_and_arrays() {
        let v = json!({"a": {"b": [{"id": 7}, null]}, "0": "zero"});
        assert_eq!(at(&v, "a.b.0.id"), Some(&json!(7)));
        assert_eq!(at(&v, "a.b.1"), Some(&Value::Null));
        assert_eq!(at(&v, "0"), Some(&json!("zero")));
        assert_eq!(at(&v, ""), Some(&v));
        for none in ["a.b.2", "a.b.x", "a.b.-1", "b", "a..b", "a.b.0.id.x", "."] {
            assert_eq!(at(&v, none), None, "{none}");
        }
    }

    #[test]
    fn reasons_come_as_texts_lists_or_members() {
        assert_eq!(
            texts_of(&json!(["a", {"x": ["b"]}, null, " ", 3])),
            ["a", "b", "3"]
        );
        assert_eq!(texts_of(&json!("one")), ["one"]);
        assert!(texts_of(&Value::Null).is_empty());
    }

    #[test]
    fn ids_are_numbers_only_when_that_changes_nothing() {
        let id = |text| {
            let mut out = Vec::new();
            write_id(text, &mut out);
            String::from_utf8(out).expect("text")
        };
        assert_eq!(id("402"), "402");
        assert_eq!(id("0"), "0");
        assert_eq!(id("007"), "\"007\"");
        assert_eq!(id("acc-1"), "\"acc-1\"");
        assert_eq!(id(""), "\"\"");
        assert_eq!(id("1234567890123456789"), "\"1234567890123456789\"");
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in any::<String>()) {
            let mut out = Vec::new();
            write_text(&text, &mut out);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).expect("json"), text);
        }

        #[test]
        fn control_characters_come_back(text in "[\\x00-\\x7f]{0,40}") {
            let mut out = Vec::new();
            write_text(&text, &mut out);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).expect("json"), text);
        }
    }
}
