//! From a value to bytes: the wire format of one destination field, compiled.

use super::{
    fit::Limits,
    json::{write_id, write_inner, write_text},
    number, time,
};
use crate::{
    ident::ObjectId,
    platform::{Field, ListFormat, NumberForm, Platform, zone},
    value::{DestRef, Type, Value, glance},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// Checks and writes the values of one destination field. See [`Encoder::fits`] for the checks.
#[derive(Clone, Debug)]
pub struct Encoder {
    /// What the field takes.
    pub(super) limits: Limits,
    /// How several values stand in one text; `None`: a JSON array.
    pub(super) joined: Option<ListFormat>,
    /// Written texts of true and false, as JSON.
    truth: Option<(Vec<u8>, Vec<u8>)>,
    number: NumberForm,
    /// strftime format and zone of days and instants; `None`: ISO 8601 and RFC 3339 in UTC.
    format: Option<(String, TimeZone)>,
    /// The member that holds the value of an item, as JSON; `None`: the value is the item.
    member: Option<Vec<u8>>,
    /// Members of the item of an array that holds a reference.
    item: Option<(Option<String>, Option<String>)>,
    /// The member of an item for the kind of what it points to, and the word for each object, as JSON.
    kinds: Option<Kinds>,
}

/// The member that names a kind, and the word for each object as JSON.
type Kinds = (String, Vec<(ObjectId, Vec<u8>)>);

impl Encoder {
    /// Compiles a field of a platform (the platform knows how its custom fields are written).
    pub fn new(platform: &Platform, field: &Field) -> Encoder {
        let format = field.format.first().map(|f| {
            let zone = field
                .zone
                .as_deref()
                .and_then(zone::find)
                .unwrap_or(TimeZone::UTC);
            (f.clone(), zone)
        });
        Encoder {
            limits: Limits::new(platform, field),
            joined: joined(platform, field),
            truth: field.truth.as_ref().and_then(|t| {
                let json = |word: &String| {
                    let mut out = Vec::new();
                    if t.as_number && number::int(word).is_some() {
                        out.extend_from_slice(word.trim_start_matches('+').as_bytes());
                    } else {
                        write_text(word, &mut out);
                    }
                    out
                };
                Some((json(t.yes.first()?), json(t.no.first()?)))
            }),
            number: field.number,
            format,
            member: field.item.as_ref().map(|i| {
                let mut out = Vec::new();
                write_text(&i.value, &mut out);
                out
            }),
            item: field.reference.as_ref().and_then(|r| r.item.clone()),
            kinds: field.reference.as_ref().and_then(|r| {
                let words = r.kinds.iter().map(|(object, word)| {
                    let mut json = Vec::new();
                    write_text(word, &mut json);
                    (*object, json)
                });
                Some((r.item_kind.clone()?, words.collect()))
            }),
        }
    }

    /// Appends the JSON value. Absent, blank and bad are `null`.
    pub fn write_json(&self, value: &Value<'_>, out: &mut Vec<u8>) {
        match value {
            Value::Absent | Value::Blank | Value::Bad(_) => out.extend_from_slice(b"null"),
            Value::Text(t) => write_text(t, out),
            Value::Bool(b) => match &self.truth {
                Some((yes, no)) => out.extend_from_slice(if *b { yes } else { no }),
                None => out.extend_from_slice(if *b { b"true" } else { b"false" }),
            },
            Value::Int(_) | Value::Decimal(_) if self.number == NumberForm::Plain => {
                self.write_text(value, out);
            }
            Value::Dest(dest) if self.item.is_some() => {
                out.push(b'[');
                self.write_item(dest, out);
                out.push(b']');
            }
            Value::Dest(dest) => write_id(dest.id, out),
            Value::List(items) if self.joined.is_none() => {
                out.push(b'[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    match item {
                        Value::Dest(dest) => self.write_item(dest, out),
                        Value::List(_) => out.extend_from_slice(b"null"),
                        item => match &self.member {
                            None => self.write_json(item, out),
                            Some(member) => {
                                out.push(b'{');
                                out.extend_from_slice(member);
                                out.push(b':');
                                self.write_json(item, out);
                                out.push(b'}');
                            }
                        },
                    }
                }
                out.push(b']');
            }
            Value::List(_)
            | Value::Int(_)
            | Value::Decimal(_)
            | Value::Date(_)
            | Value::DateTime(_) => {
                out.push(b'"');
                let start = out.len();
                self.write_text(value, out);
                // Items, separators and a declared format may hold characters that JSON escapes.
                let may = matches!(value, Value::List(_)) || self.format.is_some();
                if may && !glance::is_plain(&out[start..]) {
                    // The parts are all texts, so the whole is one.
                    let text = String::from_utf8_lossy(&out[start..]).into_owned();
                    out.truncate(start);
                    write_inner(&text, out);
                }
                out.push(b'"');
            }
        }
    }

    /// Appends the value as plain text: for file cells, form parts and query parameters. Absent, blank and bad
    /// are empty.
    pub fn write_text(&self, value: &Value<'_>, out: &mut Vec<u8>) {
        match value {
            Value::Absent | Value::Blank | Value::Bad(_) => {}
            Value::Text(t) => glance::append(t.as_bytes(), out),
            Value::Int(n) => number::write_int(*n, out),
            Value::Decimal(d) => number::write_decimal(d, out),
            Value::Bool(b) => self.write_truth(*b, out),
            Value::Date(d) => self.write_date(*d, out),
            Value::DateTime(t) => self.write_instant(*t, out),
            Value::Dest(dest) => out.extend_from_slice(dest.id.as_bytes()),
            Value::List(items) => self.write_joined(items, out),
        }
    }

    /// Appends what clears the field: an empty array where it holds an array, else `null`.
    pub fn write_clear(&self, out: &mut Vec<u8>) {
        let array =
            self.item.is_some() || (self.limits.data_type.is_list() && self.joined.is_none());
        out.extend_from_slice(if array { b"[]" } else { b"null" });
    }

    fn write_truth(&self, value: bool, out: &mut Vec<u8>) {
        let start = out.len();
        self.write_json(&Value::Bool(value), out);
        if out.get(start) == Some(&b'"') {
            let text: Option<String> = serde_json::from_slice(&out[start..]).ok();
            out.truncate(start);
            out.extend_from_slice(text.unwrap_or_default().as_bytes());
        }
    }

    fn write_date(&self, date: Date, out: &mut Vec<u8>) {
        let formatted = self
            .format
            .as_ref()
            .and_then(|(f, _)| jiff::fmt::strtime::format(f, date).ok());
        match formatted {
            Some(text) => out.extend_from_slice(text.as_bytes()),
            None => time::write_date(date, out),
        }
    }

    fn write_instant(&self, instant: Timestamp, out: &mut Vec<u8>) {
        let formatted = self.format.as_ref().and_then(|(f, zone)| {
            jiff::fmt::strtime::format(f, &instant.to_zoned(zone.clone())).ok()
        });
        match formatted {
            Some(text) => out.extend_from_slice(text.as_bytes()),
            None => time::write_instant(instant, out),
        }
    }

    /// One item of an array of references.
    fn write_item(&self, dest: &DestRef<'_>, out: &mut Vec<u8>) {
        let Some((Some(member), mark)) = &self.item else {
            return write_id(dest.id, out);
        };
        out.push(b'{');
        if let Some((kind, words)) = &self.kinds
            && let Some((_, word)) = words.iter().find(|(object, _)| *object == dest.object)
        {
            write_text(kind, out);
            out.push(b':');
            out.extend_from_slice(word);
            out.push(b',');
        }
        write_text(member, out);
        out.push(b':');
        write_id(dest.id, out);
        if let Some(mark) = mark {
            out.push(b',');
            write_text(mark, out);
            out.extend_from_slice(b":true");
        }
        out.push(b'}');
    }

    fn write_joined(&self, items: &[Value<'_>], out: &mut Vec<u8>) {
        let (separator, brackets, quoted) = match &self.joined {
            Some(f) => (f.separator.as_str(), f.brackets, f.quoted),
            None => (",", None, false),
        };
        let push = |c: char, out: &mut Vec<u8>| {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        };
        if let Some((open, _)) = brackets {
            push(open, out);
        }
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                out.extend_from_slice(separator.as_bytes());
            }
            let start = out.len();
            if !matches!(item, Value::List(_)) {
                self.write_text(item, out);
            }
            if quoted {
                quote(start, separator, out);
            }
        }
        if let Some((_, close)) = brackets {
            push(close, out);
        }
    }
}

/// Puts what stands behind `start` into double quotes where a reader needs them.
fn quote(start: usize, separator: &str, out: &mut Vec<u8>) {
    let item = String::from_utf8_lossy(&out[start..]);
    let plain = !item.is_empty()
        && !item.contains(separator)
        && !item.contains(['"', '\\', '{', '}', ' ', '\t', '\r', '\n'])
        && !item.eq_ignore_ascii_case("null");
    if plain {
        return;
    }
    let item = item.into_owned();
    out.truncate(start);
    out.push(b'"');
    for b in item.bytes() {
        if matches!(b, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(b);
    }
    out.push(b'"');
}

/// How a list field joins its values: as declared, else by the rule of its custom type.
pub(super) fn joined(platform: &Platform, field: &Field) -> Option<ListFormat> {
    if !field.data_type.is_list() {
        return None;
    }
    field.list.clone().or_else(|| {
        let rules = platform.custom.as_ref().filter(|_| field.custom)?;
        let separator = rules.custom_type(field.data_type)?.separator.clone()?;
        Some(ListFormat {
            separator,
            brackets: None,
            quoted: false,
        })
    })
}

/// Objects a reference may point to; empty for other types.
pub(super) fn targets(field: &Field) -> Vec<ObjectId> {
    match (&field.reference, field.data_type) {
        (Some(r), Type::Ref) => r.to.clone(),
        _ => Vec::new(),
    }
}
