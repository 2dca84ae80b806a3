//! From a cell to a value: the declared type and wire format of one source field, compiled.

use super::{
    list::{self, trimmed},
    number,
    pattern::Pattern,
    time::{self, Moment, Zone},
};
use crate::{
    platform::{Field, ListFormat},
    value::{CellKind, Fault, FaultKind, Type, Value, glance},
};
use bumpalo::Bump;

/// Reads the cells of one source field.
#[derive(Clone, Debug)]
pub struct Decoder {
    form: Form,
    blank_when_bad: bool,
}

#[derive(Clone, Debug)]
enum Form {
    Text,
    Int,
    Decimal,
    Bool(Vec<(String, bool)>),
    Date(Vec<Pattern>),
    DateTime(Vec<Pattern>, Zone),
    /// Several values; how they stand in one text, and the member of an item that holds the value.
    List(Option<ListFormat>, Option<String>),
    /// A reference; the member of an array's items that holds the id.
    Ref(String),
}

impl Decoder {
    /// Compiles a field. `zone` is the connection's: the zone of times that carry none, unless the field has its own.
    pub fn new(field: &Field, zone: Option<&str>) -> Decoder {
        let patterns = || field.format.iter().map(|f| Pattern::new(f)).collect();
        let form = match field.data_type {
            Type::Int | Type::Bytes => Form::Int,
            Type::Decimal => Form::Decimal,
            Type::Bool => Form::Bool(truths(field)),
            Type::Date => Form::Date(patterns()),
            Type::DateTime => Form::DateTime(patterns(), Zone::of(field.zone.as_deref().or(zone))),
            Type::MultiEnum | Type::Tags | Type::List => Form::List(
                field.list.clone(),
                field.item.as_ref().map(|i| i.value.clone()),
            ),
            Type::Ref => Form::Ref(
                field
                    .reference
                    .as_ref()
                    .and_then(|r| r.item.as_ref()?.0.clone())
                    .unwrap_or_else(|| "id".to_owned()),
            ),
            _ => Form::Text,
        };
        Decoder {
            form,
            blank_when_bad: field.blank_when_bad,
        }
    }

    /// The value of a cell. Texts are trimmed, and empty ones are blank; a text that cannot be read is bad, or
    /// blank where the field says `on_bad: blank`.
    pub fn decode<'a>(&self, kind: CellKind, text: &'a str, arena: &'a Bump) -> Value<'a> {
        let mut value = Value::Absent;
        self.decode_into(kind, text, arena, &mut value);
        value
    }

    /// The same into its place: what a hot loop keeps is written once.
    #[inline]
    pub fn decode_into<'a>(
        &self,
        kind: CellKind,
        text: &'a str,
        arena: &'a Bump,
        out: &mut Value<'a>,
    ) {
        match kind {
            CellKind::Text | CellKind::Json => {}
            CellKind::Absent => {
                *out = Value::Absent;
                return;
            }
            CellKind::Null => {
                *out = Value::Blank;
                return;
            }
            CellKind::NoFile => {
                *out = bad(FaultKind::NoFile, text, arena);
                return;
            }
        }
        let text = trimmed(text);
        if text.is_empty() {
            *out = Value::Blank;
        } else if let Form::Text = self.form {
            *out = Value::Text(one_line_end(text, arena));
        } else if let Err(fault) = self.read(kind, text, arena, out) {
            *out = match self.blank_when_bad {
                true => Value::Blank,
                false => bad(fault, text, arena),
            };
        }
    }

    fn read<'a>(
        &self,
        kind: CellKind,
        text: &'a str,
        arena: &'a Bump,
        out: &mut Value<'a>,
    ) -> Result<(), FaultKind> {
        *out = match &self.form {
            Form::Text => Value::Text(one_line_end(text, arena)),
            Form::Int => Value::Int(number::int(text).ok_or(FaultKind::NotANumber)?),
            Form::Decimal => Value::Decimal(number::decimal(text).ok_or(FaultKind::NotANumber)?),
            Form::Bool(words) => {
                let word = words.iter().find(|(word, _)| same_word(word, text));
                Value::Bool(word.ok_or(FaultKind::NotABool)?.1)
            }
            Form::Date(patterns) => {
                Value::Date(moment(patterns, text).ok_or(FaultKind::NotADate)?.date)
            }
            Form::DateTime(patterns, zone) => {
                let instant = moment(patterns, text).and_then(|m| m.instant(zone));
                Value::DateTime(instant.ok_or(FaultKind::NotADate)?)
            }
            Form::List(_, Some(member)) if kind == CellKind::Json => {
                listed(list::members(member, text, arena).ok_or(FaultKind::NotJson)?)
            }
            Form::List(format, _) => items(format.as_ref(), kind, text, arena)?,
            Form::Ref(member) => match kind {
                CellKind::Json => reference(member, text, arena)?,
                _ => Value::Text(text),
            },
        };
        Ok(())
    }
}

/// Texts of true and false: the declared ones, else `true` and `false`.
fn truths(field: &Field) -> Vec<(String, bool)> {
    match &field.truth {
        Some(t) => {
            let yes = t.yes.iter().map(|w| (w.trim().to_owned(), true));
            yes.chain(t.no.iter().map(|w| (w.trim().to_owned(), false)))
                .collect()
        }
        None => vec![("true".to_owned(), true), ("false".to_owned(), false)],
    }
}

fn same_word(word: &str, text: &str) -> bool {
    if let ([word], [text]) = (word.as_bytes(), text.as_bytes()) {
        return word.eq_ignore_ascii_case(text);
    }
    word.eq_ignore_ascii_case(text)
        || (!text.is_ascii() && word.to_lowercase() == text.to_lowercase())
}

/// The first declared format that fits, then ISO 8601, which none of them can be mistaken for (typed cells of
/// a sheet arrive in it, whatever the format of the texts around them).
fn moment(patterns: &[Pattern], text: &str) -> Option<Moment> {
    patterns
        .iter()
        .find_map(|p| p.read(text))
        .or_else(|| time::iso(text))
}

fn items<'a>(
    format: Option<&ListFormat>,
    kind: CellKind,
    text: &'a str,
    arena: &'a Bump,
) -> Result<Value<'a>, FaultKind> {
    let found = match (kind, format) {
        (CellKind::Json, _) => list::json(text, arena).ok_or(FaultKind::NotJson)?,
        (_, Some(format)) => list::split(format, text, arena).ok_or(FaultKind::NotAList)?,
        (_, None) => list::json(text, arena)
            .filter(|_| text.starts_with('['))
            .unwrap_or_else(|| bumpalo::vec![in arena; Value::Text(text)]),
    };
    Ok(listed(found))
}

fn listed<'a>(found: bumpalo::collections::Vec<'a, Value<'a>>) -> Value<'a> {
    if found.is_empty() {
        Value::Blank
    } else {
        Value::List(found.into_bump_slice())
    }
}

/// The id in a JSON cell: of the object, or of the first item of an array.
fn reference<'a>(member: &str, text: &str, arena: &'a Bump) -> Result<Value<'a>, FaultKind> {
    let json: serde_json::Value = serde_json::from_str(text).map_err(|_| FaultKind::NotJson)?;
    let first = match &json {
        serde_json::Value::Array(items) => match items.first() {
            Some(first) => first,
            None => return Ok(Value::Blank),
        },
        other => other,
    };
    let id = match first {
        serde_json::Value::Object(_) => first.get(member).and_then(super::json::text_of),
        other => super::json::text_of(other),
    };
    Ok(match id.as_deref().map(trimmed) {
        None | Some("") => Value::Blank,
        Some(id) => Value::Text(arena.alloc_str(id)),
    })
}

#[cold]
fn bad<'a>(kind: FaultKind, found: &'a str, arena: &'a Bump) -> Value<'a> {
    Value::Bad(arena.alloc(Fault { kind, found }))
}

/// Line ends of Windows become plain ones; other texts are borrowed as they are.
#[inline]
fn one_line_end<'a>(text: &'a str, arena: &'a Bump) -> &'a str {
    match glance::holds(text.as_bytes(), b'\r') {
        true => without_cr(text, arena),
        false => text,
    }
}

#[cold]
fn without_cr<'a>(text: &'a str, arena: &'a Bump) -> &'a str {
    if !text.contains("\r\n") {
        return text;
    }
    let mut out = bumpalo::collections::String::with_capacity_in(text.len(), arena);
    let mut rest = text;
    while let Some(at) = rest.find("\r\n") {
        out.push_str(&rest[..at]);
        out.push('\n');
        rest = &rest[at + 2..];
    }
    out.push_str(rest);
    out.into_bump_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Truth;

    fn field(data_type: Type) -> Field {
        Field::new("f", data_type)
    }

    /// The value in words: kind and content.
    fn read(field: &Field, kind: CellKind, text: &str) -> String {
        let arena = Bump::new();
        match Decoder::new(field, None).decode(kind, text, &arena) {
            Value::Text(t) => format!("text {t}"),
            Value::Int(n) => format!("int {n}"),
            Value::Decimal(d) => format!("decimal {d}"),
            Value::Bool(b) => format!("bool {b}"),
            Value::Date(d) => format!("date {d}"),
            Value::DateTime(t) => format!("instant {t}"),
            Value::List(items) => format!("list {items:?}"),
            Value::Bad(f) => format!("bad {} {}", f.kind.code(), f.found),
            other => format!("{other:?}").to_lowercase(),
        }
    }

    fn text(field: &Field, text: &str) -> String {
        read(field, CellKind::Text, text)
    }

    #[test]
    fn the_four_states_are_kept_apart() {
        for (_, data_type) in Type::ALL {
            let f = field(*data_type);
            assert_eq!(read(&f, CellKind::Absent, ""), "absent");
            assert_eq!(read(&f, CellKind::Null, ""), "blank");
            assert_eq!(text(&f, ""), "blank");
            assert_eq!(text(&f, " \t\r\n"), "blank");
            assert_eq!(read(&f, CellKind::NoFile, "a: gone"), "bad no_file a: gone");
        }
    }

    #[test]
    fn texts_are_trimmed_and_line_ends_are_one() {
        let f = field(Type::Html);
        assert_eq!(text(&f, " a\r\nb\rc\n\r\n"), "text a\nb\rc");
        assert_eq!(text(&f, "\u{a0}a\u{a0}"), "text \u{a0}a\u{a0}");
        assert_eq!(text(&f, "a\rb"), "text a\rb");
        assert_eq!(read(&f, CellKind::Json, "{\"a\":1}"), "text {\"a\":1}");
    }

    #[test]
    fn an_untouched_text_is_borrowed() {
        let (arena, cell) = (Bump::new(), "x y".to_owned());
        let value = Decoder::new(&field(Type::Text), None).decode(CellKind::Text, &cell, &arena);
        assert!(matches!(value, Value::Text(t) if std::ptr::eq(t, cell.as_str())));
        assert_eq!(arena.allocated_bytes(), 0);
    }

    #[test]
    fn numbers_and_truths() {
        assert_eq!(text(&field(Type::Int), " 12 "), "int 12");
        assert_eq!(text(&field(Type::Int), "1,000"), "bad not_a_number 1,000");
        assert_eq!(text(&field(Type::Decimal), "12.50"), "decimal 12.50");
        assert_eq!(
            text(&field(Type::Decimal), "12,50"),
            "bad not_a_number 12,50"
        );
        let mut f = field(Type::Bool);
        assert_eq!(text(&f, "TRUE"), "bool true");
        assert_eq!(text(&f, "1"), "bad not_a_bool 1");
        f.truth = Some(Truth {
            yes: vec!["t".to_owned(), "Größe".to_owned()],
            no: vec!["f".to_owned()],
            as_number: false,
        });
        assert_eq!(text(&f, "T"), "bool true");
        assert_eq!(text(&f, "GRÖßE"), "bool true");
        assert_eq!(text(&f, "f"), "bool false");
        assert_eq!(text(&f, "true"), "bad not_a_bool true");
    }

    #[test]
    fn a_field_may_turn_what_is_bad_into_blank() {
        let mut f = field(Type::DateTime);
        assert_eq!(
            text(&f, "0000-00-00 00:00:00"),
            "bad not_a_date 0000-00-00 00:00:00"
        );
        f.blank_when_bad = true;
        assert_eq!(text(&f, "0000-00-00 00:00:00"), "blank");
        assert_eq!(text(&f, "soon"), "blank");
        assert_eq!(text(&f, "2026-01-02"), "instant 2026-01-02T00:00:00Z");
        // A file that cannot be read is a fault all the same.
        assert_eq!(read(&f, CellKind::NoFile, "a"), "bad no_file a");
    }

    #[test]
    fn times_take_the_fields_zone_then_the_connections() {
        let mut f = field(Type::DateTime);
        f.format = vec!["%m/%d/%Y %I:%M %p".to_owned(), "%m/%d/%Y".to_owned()];
        let arena = Bump::new();
        let at = |f: &Field, zone, text| match Decoder::new(f, zone).decode(
            CellKind::Text,
            text,
            &arena,
        ) {
            Value::DateTime(t) => t.to_string(),
            other => format!("{other:?}"),
        };
        let chicago = Some("America/Chicago");
        assert_eq!(at(&f, chicago, "7/4/2026 1:05 PM"), "2026-07-04T18:05:00Z");
        assert_eq!(at(&f, chicago, "7/4/2026"), "2026-07-04T05:00:00Z");
        assert_eq!(at(&f, None, "7/4/2026"), "2026-07-04T00:00:00Z");
        assert_eq!(
            at(&f, chicago, "2026-07-04T00:00:00Z"),
            "2026-07-04T00:00:00Z"
        );
        f.zone = Some("+02:00".to_owned());
        assert_eq!(at(&f, chicago, "7/4/2026"), "2026-07-03T22:00:00Z");
        let day = Field {
            format: vec!["%m/%d/%Y".to_owned()],
            ..field(Type::Date)
        };
        assert_eq!(text(&day, "2/29/2026"), "bad not_a_date 2/29/2026");
        assert_eq!(text(&day, "2026-07-04T23:00:00-06:00"), "date 2026-07-04");
    }

    #[test]
    fn lists_and_references() {
        let mut f = field(Type::Tags);
        assert_eq!(text(&f, "a,b"), "list [Text(\"a,b\")]");
        assert_eq!(text(&f, "[\"a\"]"), "list [Text(\"a\")]");
        assert_eq!(text(&f, "[a"), "list [Text(\"[a\")]");
        assert_eq!(read(&f, CellKind::Json, "[]"), "blank");
        assert_eq!(read(&f, CellKind::Json, "[1,"), "bad not_json [1,");
        f.list = Some(ListFormat {
            separator: ",".to_owned(),
            brackets: Some(('{', '}')),
            quoted: true,
        });
        assert_eq!(text(&f, "{a,\"b,c\"}"), "list [Text(\"a\"), Text(\"b,c\")]");
        assert_eq!(text(&f, "{}"), "blank");
        assert_eq!(text(&f, "{a"), "bad not_a_list {a");
        let f = field(Type::Ref);
        assert_eq!(text(&f, "7"), "text 7");
        assert_eq!(read(&f, CellKind::Json, "[{\"id\":7}]"), "text 7");
        assert_eq!(read(&f, CellKind::Json, "[8,9]"), "text 8");
        assert_eq!(read(&f, CellKind::Json, "[]"), "blank");
        assert_eq!(read(&f, CellKind::Json, "{\"id\":null}"), "blank");
        assert_eq!(read(&f, CellKind::Json, "{"), "bad not_json {");
    }
}
