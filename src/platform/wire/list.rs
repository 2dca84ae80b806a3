//! Several values in one text: separators, brackets, PostgreSQL quoting, JSON arrays.

use crate::{platform::ListFormat, value::Value};
use bumpalo::{Bump, collections::Vec as BumpVec};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Ends of texts that carry no meaning: blank, tab, CR, LF.
pub(super) const WHITE: [char; 4] = [' ', '\t', '\r', '\n'];

/// A text without white space at both ends; most have none, which two bytes show.
#[inline]
pub(super) fn trimmed(text: &str) -> &str {
    let white = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
    let b = text.as_bytes();
    match b.first().is_some_and(white) || b.last().is_some_and(white) {
        true => text.trim_matches(WHITE),
        false => text,
    }
}

/// The items of a declared list, trimmed, without empty ones. `None`: brackets or quotes do not close.
pub(super) fn split<'a>(
    format: &ListFormat,
    text: &'a str,
    arena: &'a Bump,
) -> Option<BumpVec<'a, Value<'a>>> {
    let mut inner = text;
    if let Some((open, close)) = format.brackets {
        inner = match (after(text, open), before(text, close)) {
            (Some(rest), Some(_)) => before(rest, close)?,
            (None, None) => text,
            _ => return None,
        };
    }
    let mut items = BumpVec::new_in(arena);
    if format.quoted {
        quoted(inner, &format.separator, arena, &mut items)?;
        return Some(items);
    }
    if let [separator] = format.separator.as_bytes() {
        // The usual case: one ASCII byte, found without decoding characters.
        let mut start = 0;
        for at in memchr::memchr_iter(*separator, inner.as_bytes()) {
            push(&inner[start..at], &mut items);
            start = at + 1;
        }
        push(&inner[start..], &mut items);
    } else {
        for item in inner.split(format.separator.as_str()) {
            push(item, &mut items);
        }
    }
    Some(items)
}

/// What follows this character, when the text begins with it.
fn after(text: &str, open: char) -> Option<&str> {
    match open.is_ascii() {
        true if text.as_bytes().first() == Some(&(open as u8)) => text.get(1..),
        true => None,
        false => text.strip_prefix(open),
    }
}

/// What stands before this character, when the text ends with it.
fn before(text: &str, close: char) -> Option<&str> {
    match close.is_ascii() {
        true if text.as_bytes().last() == Some(&(close as u8)) => text.get(..text.len() - 1),
        true => None,
        false => text.strip_suffix(close),
    }
}

fn push<'a>(item: &'a str, items: &mut BumpVec<'a, Value<'a>>) {
    let item = trimmed(item);
    if !item.is_empty() {
        items.push(Value::Text(item));
    }
}

/// PostgreSQL's array text: `a,"b,c","with \"q\"",NULL`.
fn quoted<'a>(
    text: &'a str,
    separator: &str,
    arena: &'a Bump,
    items: &mut BumpVec<'a, Value<'a>>,
) -> Option<()> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(WHITE);
        if let Some(after) = rest.strip_prefix('"') {
            let (item, tail) = until_quote(after, arena)?;
            push(item, items);
            rest = tail.trim_start_matches(WHITE);
            if rest.is_empty() {
                return Some(());
            }
            rest = rest.strip_prefix(separator)?;
            continue;
        }
        let (item, tail) = match rest.split_once(separator) {
            Some((item, tail)) => (item, Some(tail)),
            None => (rest, None),
        };
        if item.contains(['"', '{', '}']) {
            return None;
        }
        if !trimmed(item).eq_ignore_ascii_case("null") {
            push(item, items);
        }
        match tail {
            Some(tail) => rest = tail,
            None => return Some(()),
        }
    }
}

/// The text up to the closing quote, escapes taken away, and what follows the quote.
fn until_quote<'a>(text: &'a str, arena: &'a Bump) -> Option<(&'a str, &'a str)> {
    let end = memchr::memchr2(b'"', b'\\', text.as_bytes())?;
    if text.as_bytes()[end] == b'"' {
        return Some((&text[..end], &text[end + 1..]));
    }
    let mut plain = bumpalo::collections::String::with_capacity_in(text.len(), arena);
    let mut chars = text.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => return Some((plain.into_bump_str(), &text[i + 1..])),
            '\\' => plain.push(chars.next()?.1),
            c => plain.push(c),
        }
    }
    None
}

/// The items of a JSON array: texts trimmed, numbers and booleans as their text, nulls and empty texts left
/// out, nested arrays and objects as compact JSON. A single value is a list of one. `None`: not JSON.
pub(super) fn json<'a>(text: &'a str, arena: &'a Bump) -> Option<BumpVec<'a, Value<'a>>> {
    let mut items = BumpVec::new_in(arena);
    let mut reader = serde_json::Deserializer::from_str(text);
    Items {
        items: &mut items,
        arena,
        inside: false,
    }
    .deserialize(&mut reader)
    .ok()?;
    reader.end().ok()?;
    Some(items)
}

/// The values of a JSON array of objects: that member of each, trimmed; items that are no objects stand for
/// themselves. Nulls and empty texts are left out. `None`: not JSON.
pub(super) fn members<'a>(
    member: &str,
    text: &'a str,
    arena: &'a Bump,
) -> Option<BumpVec<'a, Value<'a>>> {
    let json: serde_json::Value = serde_json::from_str(text).ok()?;
    let mut items = BumpVec::new_in(arena);
    let all = match &json {
        serde_json::Value::Array(all) => all.as_slice(),
        one => std::slice::from_ref(one),
    };
    for item in all {
        let value = match item {
            serde_json::Value::Object(_) => super::json::at(item, member),
            other => Some(other),
        };
        if let Some(found) = value.and_then(super::json::text_of) {
            let found = trimmed(&found);
            if !found.is_empty() {
                items.push(Value::Text(arena.alloc_str(found)));
            }
        }
    }
    Some(items)
}

/// Collects one value or the items of one array.
struct Items<'v, 'a> {
    items: &'v mut BumpVec<'a, Value<'a>>,
    arena: &'a Bump,
    inside: bool,
}

impl Items<'_, '_> {
    fn own(self, text: &str) {
        let text = trimmed(text);
        if !text.is_empty() {
            self.items.push(Value::Text(self.arena.alloc_str(text)));
        }
    }

    fn shown(self, value: impl fmt::Display) {
        let text = value.to_string();
        self.own(&text);
    }
}

impl<'de: 'a, 'a> DeserializeSeed<'de> for Items<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Items<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, v: bool) -> Result<(), E> {
        self.own(if v { "true" } else { "false" });
        Ok(())
    }

    fn visit_i64<E>(self, v: i64) -> Result<(), E> {
        self.shown(v);
        Ok(())
    }

    fn visit_u64<E>(self, v: u64) -> Result<(), E> {
        self.shown(v);
        Ok(())
    }

    fn visit_f64<E>(self, v: f64) -> Result<(), E> {
        self.shown(v);
        Ok(())
    }

    fn visit_borrowed_str<E>(self, v: &'de str) -> Result<(), E> {
        push(v, self.items);
        Ok(())
    }

    fn visit_str<E>(self, v: &str) -> Result<(), E> {
        self.own(v);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if self.inside {
            let mut nested = Vec::new();
            while let Some(v) = seq.next_element::<serde_json::Value>()? {
                nested.push(v);
            }
            self.shown(serde_json::Value::Array(nested));
            return Ok(());
        }
        while seq
            .next_element_seed(Items {
                items: &mut *self.items,
                arena: self.arena,
                inside: true,
            })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut members = serde_json::Map::new();
        while let Some((key, value)) = map.next_entry::<String, serde_json::Value>()? {
            members.insert(key, value);
        }
        self.shown(serde_json::Value::Object(members));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(items: Option<BumpVec<'_, Value<'_>>>) -> Option<Vec<String>> {
        Some(
            items?
                .iter()
                .map(|v| match v {
                    Value::Text(t) => (*t).to_owned(),
                    other => format!("{other:?}"),
                })
                .collect(),
        )
    }

    fn parts(separator: &str, brackets: bool, quoted: bool, text: &str) -> Option<Vec<String>> {
        let format = ListFormat {
            separator: separator.to_owned(),
            brackets: brackets.then_some(('{', '}')),
            quoted,
        };
        let arena = Bump::new();
        texts(split(&format, text, &arena))
    }

    fn some(items: &[&str]) -> Option<Vec<String>> {
        Some(items.iter().map(|s| (*s).to_owned()).collect())
    }

    #[test]
    fn separators_and_brackets() {
        assert_eq!(
            parts(",", false, false, "a, b,,c ,"),
            some(&["a", "b", "c"])
        );
        assert_eq!(parts(",", true, false, "{a,b}"), some(&["a", "b"]));
        assert_eq!(parts(",", true, false, "{}"), some(&[]));
        assert_eq!(parts(",", true, false, "a,b"), some(&["a", "b"]));
        assert_eq!(parts("; ", false, false, "a; b;c"), some(&["a", "b;c"]));
        assert_eq!(
            parts(",", false, false, "größe,東京"),
            some(&["größe", "東京"])
        );
        assert_eq!(parts(",", true, false, "{a,b"), None);
        assert_eq!(parts(",", true, false, "a,b}"), None);
        assert_eq!(parts(",", true, false, "{"), None);
    }

    #[test]
    fn postgres_quoting() {
        assert_eq!(
            parts(
                ",",
                true,
                true,
                r#"{"a,b",c,NULL,"with \"q\"","\\x" , "NULL","}"}"#
            ),
            some(&["a,b", "c", r#"with "q""#, r"\x", "NULL", "}"])
        );
        assert_eq!(parts(",", true, true, "{}"), some(&[]));
        assert_eq!(parts(",", true, true, r#"{"",a}"#), some(&["a"]));
        for bad in [
            r#"{"a}"#,
            r#"{"a"b}"#,
            "{{a},{b}}",
            r#"{a"b"}"#,
            r#"{"a\}"#,
            r#"{"a\"}"#,
        ] {
            assert_eq!(parts(",", true, true, bad), None, "{bad}");
        }
    }

    #[test]
    fn json_arrays() {
        let arena = Bump::new();
        let read = |text| texts(json(text, &arena));
        assert_eq!(
            read(r#"["a"," b ","",null,1,2.5,true,"\u00e9\n","x\"y",{"k":1},["n"]]"#),
            some(&[
                "a",
                "b",
                "1",
                "2.5",
                "true",
                "é",
                "x\"y",
                "{\"k\":1}",
                "[\"n\"]"
            ])
        );
        assert_eq!(read("[]"), some(&[]));
        assert_eq!(read("\"one\""), some(&["one"]));
        for bad in ["[", "[1,]", "a", "[1] x", ""] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_member_of_each_object() {
        let arena = Bump::new();
        let read = |text| texts(members("name", text, &arena));
        assert_eq!(
            read(r#"[{"id":1,"name":" Big, old "},{"name":""},{"id":2},{"name":7},"bare",null]"#),
            some(&["Big, old", "7", "bare"])
        );
        assert_eq!(read("[]"), some(&[]));
        assert_eq!(read("[{"), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[{}\",;\\\\ aNUL\\[\\]é1:]{0,30}") {
            for (brackets, quoted) in [(false, false), (true, false), (true, true), (false, true)] {
                let _ = parts(",", brackets, quoted, &text);
                let _ = parts("; ", brackets, quoted, &text);
            }
            let arena = Bump::new();
            let _ = json(&text, &arena);
        }

        #[test]
        fn quoted_items_survive(items in prop::collection::vec("[a-z\",{}\\\\]{1,8}", 0..6)) {
            let body: Vec<String> = items
                .iter()
                .map(|i| format!("\"{}\"", i.replace('\\', "\\\\").replace('"', "\\\"")))
                .collect();
            prop_assert_eq!(parts(",", true, true, &format!("{{{}}}", body.join(","))), Some(items));
        }
    }
}
