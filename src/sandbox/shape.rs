//! What follows from a platform for every record of an object, worked out once: what the server sets by
//! itself, which values are indexed, and which references must agree.

use super::{coerce, store::Record};
use crate::{
    ident::{FieldId, ObjectId},
    platform::{Connect, Http, Object, OpKind, Platform, zone},
    value::Type,
};
use jiff::tz::TimeZone;
use serde_json::Value;
use std::sync::Arc;

/// The platform and what follows from it.
pub(super) struct Rules {
    /// The platform.
    pub platform: Arc<Platform>,
    /// Its API.
    pub http: Http,
    /// The account's zone.
    pub zone: TimeZone,
    /// By object.
    pub shapes: Vec<Shape>,
    /// The tier that is simulated.
    pub tier: Option<String>,
}

/// What follows for one object.
pub(super) struct Shape {
    /// By field: what the server sets.
    pub set: Vec<Setting>,
    /// Fields whose values are indexed.
    indexed: Vec<FieldId>,
    /// References that are indexed by what they point to.
    linked: Vec<FieldId>,
    /// References that must agree: this one points to a record that itself points where the other one does.
    pub agree: Vec<Agreement>,
}

/// `deal.stage` points to a stage of the pipeline that `deal.pipeline` points to.
pub(super) struct Agreement {
    /// The narrower reference (stage).
    pub inner: FieldId,
    /// The object it points to.
    pub to: ObjectId,
    /// The reference of that object (its pipeline).
    pub through: FieldId,
    /// The wider reference of this object (pipeline).
    pub outer: FieldId,
}

/// What the server sets by itself.
#[derive(Debug, PartialEq)]
pub(super) enum Setting {
    /// Nothing.
    Nothing,
    /// The moment of creation.
    Created,
    /// The moment of the last change.
    Updated,
    /// A text with `{field}` places.
    Text(String),
    /// A JSON list with `{field}` places: how another field shows a second time.
    List(Value),
    /// The value of a field of the record that a reference points to.
    Through(FieldId, String),
    /// The moment a boolean became true.
    When(FieldId),
}

/// Index name of the kinds of entries that are no field's value.
const FILTER: &str = "?filter";

/// Conditions of a named filter that ask when an instant is. As of the last change of the record: nobody looks at a
/// simulated account for as long as its days pass.
const WHEN: [&str; 4] = ["past", "ahead", "today", "tomorrow"];

impl Rules {
    /// Works the rules out; `None` when the platform is no HTTP API.
    pub(super) fn of(platform: Arc<Platform>, tier: Option<String>) -> Option<Rules> {
        let Connect::Http(http) = &platform.connect else {
            return None;
        };
        let http = Http::clone(http);
        let shapes = platform
            .objects
            .iter()
            .map(|o| shape(&platform, o))
            .collect();
        Some(Rules {
            zone: http
                .zone
                .as_deref()
                .and_then(zone::find)
                .unwrap_or(TimeZone::UTC),
            http,
            shapes,
            tier,
            platform,
        })
    }

    /// The object with that id.
    pub(super) fn object(&self, id: ObjectId) -> &Object {
        &self.platform.objects[id.ix()]
    }

    /// The index entries of a record.
    pub(super) fn entries(&self, object: ObjectId, record: &Record) -> Vec<(String, String)> {
        let (def, shape) = (self.object(object), &self.shapes[object.ix()]);
        let mut out = Vec::new();
        for id in &shape.indexed {
            let field = &def.fields[id.ix()];
            if let Some(value) = record.fields.get(&field.name) {
                out.push((field.name.clone(), key_text(value)));
            }
        }
        for (name, value) in &record.custom {
            if value.is_string() || value.is_number() {
                out.push((name.clone(), key_text(value)));
            }
        }
        for id in &shape.linked {
            let field = &def.fields[id.ix()];
            for (to, id) in self.links(object, *id, record) {
                out.push((link_name(&field.name), self.link_text(to, id)));
            }
        }
        for (name, conditions) in &def.filters {
            let holds = conditions.iter().all(|(id, want)| {
                let field = &def.fields[id.ix()];
                let found = record.fields.get(&field.name);
                match found {
                    Some(Value::String(at)) if WHEN.contains(&want.as_str()) => {
                        self.is_when(at, want, record.updated)
                    }
                    // A boolean that was never set is false.
                    None => want.is_empty() || (field.data_type == Type::Bool && want == "false"),
                    Some(value) => coerce::plain(value) == *want,
                }
            });
            if holds {
                out.push((FILTER.to_owned(), name.clone()));
            }
        }
        out
    }

    /// True when an instant is past, ahead, or on this or the next day of the account's zone, seen from `now` (in
    /// milliseconds).
    fn is_when(&self, at: &str, want: &str, now: i64) -> bool {
        let Ok(at) = at.parse::<jiff::Timestamp>() else {
            return false;
        };
        let Ok(now) = jiff::Timestamp::from_millisecond(now) else {
            return false;
        };
        let day = |t: jiff::Timestamp| t.to_zoned(self.zone.clone()).date();
        match want {
            "past" => at <= now,
            "ahead" => at > now,
            "today" => day(at) == day(now),
            "tomorrow" => day(now).tomorrow().is_ok_and(|next| day(at) == next),
            _ => false,
        }
    }

    /// The index entry of records that a named filter lets through.
    pub(super) fn filter_entry(&self, name: &str) -> (String, String) {
        (FILTER.to_owned(), name.to_owned())
    }

    /// The index entry of records whose reference points to a record.
    pub(super) fn link_entry(&self, field: &str, to: ObjectId, id: i64) -> (String, String) {
        (link_name(field), self.link_text(to, id))
    }

    fn link_text(&self, to: ObjectId, id: i64) -> String {
        format!("{}:{id}", self.object(to).name)
    }

    /// Where a reference of a record points, the primary one first.
    pub(super) fn links(
        &self,
        object: ObjectId,
        field: FieldId,
        record: &Record,
    ) -> Vec<(ObjectId, i64)> {
        let def = &self.object(object).fields[field.ix()];
        let Some(form) = &def.reference else {
            return Vec::new();
        };
        let only = form.to.first().copied();
        match (record.fields.get(&def.name), only) {
            (Some(Value::Number(n)), Some(to)) => {
                n.as_i64().map(|id| (to, id)).into_iter().collect()
            }
            (Some(Value::Array(list)), Some(to)) => list
                .iter()
                .flat_map(|v| match v {
                    Value::Object(one) => self.kinds(one),
                    id => id.as_i64().map(|id| (to, id)).into_iter().collect(),
                })
                .collect(),
            (Some(Value::Object(one)), _) => self.kinds(one),
            _ => Vec::new(),
        }
    }

    /// The records that `{object: id}` means.
    fn kinds(&self, one: &serde_json::Map<String, Value>) -> Vec<(ObjectId, i64)> {
        one.iter()
            .filter_map(|(name, id)| Some((self.platform.object(name)?.0, id.as_i64()?)))
            .collect()
    }

    /// References of any object that lose their value when a record of `to` is deleted: (object, field).
    pub(super) fn unlinked_by(&self, to: ObjectId) -> Vec<(ObjectId, FieldId)> {
        let mut out = Vec::new();
        for (at, object) in self.platform.objects.iter().enumerate() {
            for (f, field) in object.fields.iter().enumerate() {
                let hit = field
                    .reference
                    .as_ref()
                    .is_some_and(|r| r.unlink && r.to.contains(&to));
                if let (true, Ok(at), Ok(f)) = (hit, u16::try_from(at), u16::try_from(f)) {
                    out.push((ObjectId(at), FieldId(f)));
                }
            }
        }
        out
    }
}

fn link_name(field: &str) -> String {
    format!("@{field}")
}

/// The form in which key values are compared.
pub(super) fn key_text(value: &Value) -> String {
    coerce::plain(value).trim().to_lowercase()
}

fn shape(platform: &Platform, object: &Object) -> Shape {
    let ids = || (0..object.fields.len()).filter_map(|i| u16::try_from(i).ok().map(FieldId));
    let mut indexed: Vec<FieldId> = ids()
        .filter(|id| object.fields[id.ix()].unique)
        .chain(object.ops.iter().flat_map(|o| o.keys.iter().map(|k| k.1)))
        .chain(object.keys.iter().flat_map(|k| k.by.iter().copied()))
        .filter(|id| object.fields[id.ix()].reference.is_none())
        .collect();
    indexed.sort_unstable();
    indexed.dedup();
    let children: Vec<FieldId> = object
        .ops
        .iter()
        .filter(|o| o.kind == OpKind::Children)
        .filter_map(|o| o.of)
        .collect();
    let linked = ids()
        .filter(|id| {
            let unlink = object.fields[id.ix()]
                .reference
                .as_ref()
                .is_some_and(|r| r.unlink);
            let member = object.membership.is_some_and(|m| m.member == *id);
            unlink || children.contains(id) || member
        })
        .collect();
    Shape {
        set: object
            .fields
            .iter()
            .map(|f| {
                f.set
                    .as_deref()
                    .map_or(Setting::Nothing, |s| setting(object, s))
            })
            .collect(),
        indexed,
        linked,
        agree: agreements(platform, object),
    }
}

fn setting(object: &Object, text: &str) -> Setting {
    if text == "created" {
        return Setting::Created;
    }
    if text == "updated" {
        return Setting::Updated;
    }
    if let Some(field) = text.strip_prefix("when ")
        && let Some((id, _)) = object.field(field.trim())
    {
        return Setting::When(id);
    }
    if text.starts_with('[')
        && let Ok(list) = serde_json::from_str(text)
    {
        return Setting::List(list);
    }
    if !text.contains('{')
        && let Some((field, other)) = text.split_once('.')
        && let Some((id, _)) = object.field(field)
    {
        return Setting::Through(id, other.to_owned());
    }
    Setting::Text(text.to_owned())
}

/// A reference agrees with another when the object it points to is identified within the object that the
/// other one points to (a stage by its pipeline and name).
fn agreements(platform: &Platform, object: &Object) -> Vec<Agreement> {
    let mut out = Vec::new();
    for (inner, to) in object.references() {
        let &[to] = to else { continue };
        let target = &platform.objects[to.ix()];
        let Some(key) = target.keys.first() else {
            continue;
        };
        for through in &key.by {
            let Some(wider) = &target.fields[through.ix()].reference else {
                continue;
            };
            let outer = object
                .references()
                .find(|(id, to)| *id != inner && **to == *wider.to);
            if let Some((outer, _)) = outer {
                out.push(Agreement {
                    inner,
                    to,
                    through: *through,
                    outer,
                });
            }
        }
    }
    out
}

/// A dotted member of a JSON value.
pub(super) fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |v, part| v.get(part))
}

/// A dotted member of a record's map.
pub(super) fn member<'a>(map: &'a serde_json::Map<String, Value>, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        None => map.get(path),
        Some((head, tail)) => at(map.get(head)?, tail),
    }
}

/// Puts a value under a dotted path, making the objects and arrays on the way: numbers are positions.
pub(super) fn put(map: &mut serde_json::Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            map.insert(path.to_owned(), value);
        }
        Some((head, tail)) => place(map.entry(head).or_insert(Value::Null), tail, value),
    }
}

fn place(at: &mut Value, path: &str, value: Value) {
    let (part, rest) = match path.split_once('.') {
        Some((part, rest)) => (part, Some(rest)),
        None => (path, None),
    };
    let position = part.parse::<usize>().ok().filter(|n| *n < 100);
    if at.is_null() {
        *at = match position {
            Some(_) => Value::Array(Vec::new()),
            None => Value::Object(serde_json::Map::new()),
        };
    }
    let slot = match (at, position) {
        (Value::Array(list), Some(n)) => {
            // An array whose only item is nothing is an empty one.
            if value.is_null() && rest.is_none() && list.len() <= n {
                return;
            }
            if list.len() <= n {
                list.resize(n + 1, Value::Null);
            }
            list.get_mut(n)
        }
        (Value::Object(map), _) => Some(map.entry(part).or_insert(Value::Null)),
        _ => None,
    };
    match (slot, rest) {
        (Some(slot), Some(rest)) => place(slot, rest, value),
        (Some(slot), None) => *slot = value,
        (None, _) => {}
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_make_objects_and_arrays() {
        let mut map = serde_json::Map::new();
        put(&mut map, "a", json!(1));
        put(&mut map, "meta.total", json!(2));
        put(&mut map, "meta.pages", json!(3));
        put(&mut map, "phones.0", json!("+1"));
        put(&mut map, "links.1.id", json!(7));
        put(&mut map, "none.0", Value::Null);
        assert_eq!(
            Value::Object(map),
            json!({
                "a": 1,
                "meta": {"total": 2, "pages": 3},
                "phones": ["+1"],
                "links": [null, {"id": 7}],
                "none": [],
            })
        );
    }
}
