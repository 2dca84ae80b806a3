//! Reading back: what a record at the destination holds, comparable with what was sent.

use super::{
    Encoder,
    encode::joined,
    json::{at, text_of},
    list::{self, trimmed},
    number,
    pattern::Pattern,
    record::segments,
    time::{self, Moment, Zone},
};
use crate::{
    ident::ObjectId,
    platform::{Connect, Field, ListFormat, Platform, RefForm},
    value::{Type, Value},
};
use bumpalo::Bump;
use serde_json::Value as Json;

/// What a field holds, in a form that is equal for equal meanings: numbers in their shortest form, days as
/// `YYYY-MM-DD`, instants in UTC, booleans as `true` and `false`. Texts stay as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireValue {
    /// The record has no such member.
    Absent,
    /// Null, an empty text, or an empty list.
    Null,
    /// One value.
    One(String),
    /// Several, in order.
    Many(Vec<String>),
    /// A reference.
    Record {
        /// Its object, where the record says so or only one is possible.
        object: Option<ObjectId>,
        /// Its id.
        id: String,
    },
}

impl WireValue {
    /// True when there is nothing: absent and null mean the same to a reader.
    pub fn is_nothing(&self) -> bool {
        matches!(self, WireValue::Absent | WireValue::Null)
    }

    /// True when both mean the same. Nothing equals nothing, and lists compare without order, as servers
    /// give choices and tags in their own.
    pub fn same(&self, other: &WireValue) -> bool {
        match (self, other) {
            (WireValue::Many(a), WireValue::Many(b)) => {
                let (mut a, mut b) = (a.clone(), b.clone());
                a.sort_unstable();
                b.sort_unstable();
                a == b
            }
            (WireValue::Record { object: a, id: x }, WireValue::Record { object: b, id: y }) => {
                x == y && (a.is_none() || b.is_none() || a == b)
            }
            _ => self == other || (self.is_nothing() && other.is_nothing()),
        }
    }
}

impl std::fmt::Display for WireValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            WireValue::Absent | WireValue::Null => Ok(()),
            WireValue::One(text) => f.write_str(text),
            WireValue::Many(items) => f.write_str(&items.join("; ")),
            WireValue::Record { id, .. } => f.write_str(id),
        }
    }
}

/// Reads one field of answered records.
#[derive(Clone, Debug)]
pub struct FieldReader {
    data_type: Type,
    /// Member names, tried in order.
    paths: Vec<Vec<String>>,
    encoder: Encoder,
    joined: Option<ListFormat>,
    /// The member of an item that holds the value.
    item: Option<String>,
    reference: Option<RefForm>,
    truth: Vec<(String, bool)>,
    patterns: Vec<Pattern>,
    zone: Zone,
}

impl FieldReader {
    /// Compiles a field of a platform.
    pub fn new(platform: &Platform, field: &Field) -> FieldReader {
        let own = segments(platform, field);
        let read = field.read_path.as_deref().map(|p| p.split('.').collect());
        let zone = match &platform.connect {
            Connect::Files(files) => files.zone.as_deref(),
            Connect::Http(http) => http.zone.as_deref(),
        };
        let owned = |path: Vec<&str>| path.into_iter().map(str::to_owned).collect();
        FieldReader {
            data_type: field.data_type,
            paths: read.into_iter().chain([own]).map(owned).collect(),
            encoder: Encoder::new(platform, field),
            joined: joined(platform, field),
            item: field.item.as_ref().map(|i| i.value.clone()),
            reference: field.reference.clone(),
            truth: field
                .truth
                .iter()
                .flat_map(|t| {
                    let yes = t.yes.iter().map(|w| (w.to_lowercase(), true));
                    yes.chain(t.no.iter().map(|w| (w.to_lowercase(), false)))
                })
                .collect(),
            patterns: field.format.iter().map(|f| Pattern::new(f)).collect(),
            zone: Zone::of(field.zone.as_deref().or(zone)),
        }
    }

    /// What the record holds in this field.
    pub fn read(&self, record: &Json) -> WireValue {
        let found = self.paths.iter().find_map(|path| {
            path.iter().try_fold(record, |here, part| match here {
                Json::Object(members) => members.get(part),
                Json::Array(items) => items.get(part.parse::<usize>().ok()?),
                _ => None,
            })
        });
        match found {
            None => WireValue::Absent,
            Some(Json::Null) => WireValue::Null,
            Some(json) => match (&self.reference, self.data_type.is_list()) {
                (Some(reference), _) => read_reference(reference, json, record),
                (None, true) => self.read_list(json),
                (None, false) => self.read_scalar(json),
            },
        }
    }

    /// What the record should hold after this value was written. A bad value is nothing.
    pub fn sent(&self, value: &Value<'_>) -> WireValue {
        match value {
            Value::Absent | Value::Bad(_) => WireValue::Absent,
            Value::Blank => WireValue::Null,
            Value::Dest(d) if self.reference.as_ref().is_some_and(|r| r.many) => {
                many(vec![d.id.to_owned()])
            }
            Value::Dest(d) => WireValue::Record {
                object: Some(d.object),
                id: d.id.to_owned(),
            },
            Value::List(items) => many(items.iter().map(plain).collect()),
            Value::Text(t) => self.canonical(t),
            other => WireValue::One(plain(other)),
        }
    }

    fn read_scalar(&self, json: &Json) -> WireValue {
        match json {
            Json::Array(_) | Json::Object(_) => WireValue::One(json.to_string()),
            scalar => match text_of(scalar) {
                Some(text) => self.canonical(&text),
                None => WireValue::Null,
            },
        }
    }

    /// A text in the form that equal meanings share; as it is when it cannot be read.
    fn canonical(&self, text: &str) -> WireValue {
        if text.is_empty() {
            return WireValue::Null;
        }
        let short = trimmed(text);
        let value = match self.data_type {
            Type::Int | Type::Decimal | Type::Bytes => number::decimal(short).map(Value::Decimal),
            Type::Bool => {
                let word = short.to_lowercase();
                let declared = self.truth.iter().find(|(w, _)| *w == word).map(|(_, b)| *b);
                declared.or_else(|| word.parse().ok()).map(Value::Bool)
            }
            // The zone of a day is dropped: it is the account's, and the day is what was meant.
            Type::Date => self.moment(short).map(|m| Value::Date(m.date)),
            Type::DateTime => self
                .moment(short)
                .and_then(|m| m.instant(&self.zone))
                .map(Value::DateTime),
            _ => None,
        };
        WireValue::One(value.map_or_else(|| text.to_owned(), |v| plain(&v)))
    }

    fn moment(&self, text: &str) -> Option<Moment> {
        self.patterns
            .iter()
            .find_map(|p| p.read(text))
            .or_else(|| time::iso(text))
    }

    fn read_list(&self, json: &Json) -> WireValue {
        match json {
            Json::Array(items) => many(
                items
                    .iter()
                    .filter_map(|i| match i {
                        Json::Null => None,
                        Json::Object(_) if self.item.is_some() => {
                            let member = self.item.as_deref().unwrap_or_default();
                            at(i, member).and_then(text_of).map(|t| t.into_owned())
                        }
                        Json::Array(_) | Json::Object(_) => Some(i.to_string()),
                        scalar => text_of(scalar).map(|t| t.into_owned()),
                    })
                    .collect(),
            ),
            Json::String(text) => {
                let arena = Bump::new();
                let split = self
                    .joined
                    .as_ref()
                    .and_then(|f| list::split(f, trimmed(text), &arena));
                match split {
                    Some(items) => many(items.iter().map(plain).collect()),
                    None if text.is_empty() => WireValue::Null,
                    None => WireValue::Many(vec![text.clone()]),
                }
            }
            other => self.read_scalar(other),
        }
    }

    /// Copies the member as it stands into another record, with the word for the kind of a reference; null where the
    /// record has none. Read there again, it is the same.
    pub fn copy(&self, from: &Json, to: &mut Json) {
        let found = self
            .paths
            .iter()
            .find_map(|path| Some((path, member(from, path)?)));
        match (found, self.paths.last()) {
            (Some((path, value)), _) => put(to, path, value.clone()),
            (None, Some(own)) => put(to, own, Json::Null),
            (None, None) => {}
        }
        let kind = self.reference.as_ref().and_then(|r| r.kind_path.as_ref());
        if let Some(path) = kind
            && let Some(word) = at(from, path)
        {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            put(to, &path, word.clone());
        }
    }

    /// The member as it stands; `None` where the record has none.
    pub fn member<'v>(&self, record: &'v Json) -> Option<&'v Json> {
        self.paths.iter().find_map(|path| member(record, path))
    }

    /// Every record that a reference names: its object, where the record says so or only one is possible, and its id.
    pub fn references(&self, record: &Json) -> Vec<(Option<ObjectId>, String)> {
        let Some(reference) = &self.reference else {
            return Vec::new();
        };
        let items: Vec<&Json> = match self.member(record) {
            None => return Vec::new(),
            Some(Json::Array(items)) => items.iter().collect(),
            Some(one) => vec![one],
        };
        let read = |item: &Json| match read_reference(reference, item, record) {
            WireValue::Record { object, id } => Some((object, id)),
            _ => None,
        };
        items.into_iter().filter_map(read).collect()
    }

    /// Puts a value where this field is written.
    pub fn put(&self, value: Json, to: &mut Json) {
        if let Some(own) = self.paths.last() {
            put(to, own, value);
        }
    }

    /// The encoder of the same field.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }
}

/// The part of a path that runs through objects; below an array the whole array is meant.
fn named(path: &[String]) -> &[String] {
    let end = path.iter().position(|p| p.parse::<usize>().is_ok());
    path.get(..end.unwrap_or(path.len())).unwrap_or(path)
}

fn member<'v>(record: &'v Json, path: &[String]) -> Option<&'v Json> {
    named(path)
        .iter()
        .try_fold(record, |here, part| here.as_object()?.get(part))
}

fn put(record: &mut Json, path: &[String], value: Json) {
    let mut here = record;
    for part in named(path) {
        if !here.is_object() {
            *here = Json::Object(serde_json::Map::new());
        }
        let Json::Object(members) = here else { return };
        here = members.entry(part.clone()).or_insert(Json::Null);
    }
    *here = value;
}

fn many(items: Vec<String>) -> WireValue {
    if items.is_empty() {
        WireValue::Null
    } else {
        WireValue::Many(items)
    }
}

/// The id of a reference: bare, in an object, or of the marked (else first) item of an array.
fn read_reference(reference: &RefForm, json: &Json, record: &Json) -> WireValue {
    let (member, mark) = match &reference.item {
        Some((member, mark)) => (member.as_deref(), mark.as_deref()),
        None => (None, None),
    };
    if let (true, Json::Array(items)) = (reference.many, json) {
        // Any order: which they are is what counts.
        let ids = items.iter().filter_map(|item| match item {
            Json::Object(members) => members.get(member.unwrap_or("id")).and_then(text_of),
            scalar => text_of(scalar),
        });
        return many(ids.map(std::borrow::Cow::into_owned).collect());
    }
    let item = match json {
        Json::Array(items) => {
            let marked = items
                .iter()
                .find(|i| mark.is_some_and(|m| i.get(m).and_then(Json::as_bool) == Some(true)));
            match marked.or(items.first()) {
                Some(item) => item,
                None => return WireValue::Null,
            }
        }
        other => other,
    };
    let id = match item {
        Json::Object(members) => members.get(member.unwrap_or("id")).and_then(text_of),
        scalar => text_of(scalar),
    };
    let Some(id) = id.filter(|id| !id.is_empty()) else {
        return WireValue::Null;
    };
    let object = match &reference.kind_path {
        Some(path) => at(record, path).and_then(Json::as_str).and_then(|word| {
            let kind = reference.kinds.iter().find(|(_, w)| w == word);
            kind.map(|(object, _)| *object)
        }),
        None => match reference.to.as_slice() {
            [only] => Some(*only),
            _ => None,
        },
    };
    WireValue::Record {
        object,
        id: id.into_owned(),
    }
}

/// A value as text, by its own kind alone.
fn plain(value: &Value<'_>) -> String {
    let mut out = Vec::new();
    match value {
        Value::Text(t) => return (*t).to_owned(),
        Value::Dest(d) => return d.id.to_owned(),
        Value::Bool(b) => return b.to_string(),
        Value::Int(n) => number::write_int(*n, &mut out),
        Value::Decimal(d) => number::write_decimal(d, &mut out),
        Value::Date(d) => time::write_date(*d, &mut out),
        Value::DateTime(t) => time::write_instant(*t, &mut out),
        Value::Absent | Value::Blank | Value::Bad(_) | Value::List(_) => {}
    }
    String::from_utf8_lossy(&out).into_owned()
}
