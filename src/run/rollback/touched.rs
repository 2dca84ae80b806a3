//! Whether people changed a record since this migration wrote it, and how its fields get back what they held.

use crate::{
    ident::{FieldId, ObjectId},
    ledger::{Written, written::item_hash},
    platform::{
        Object, Platform,
        wire::{FieldReader, WireValue},
    },
    run::base::{stamp, value_hash},
    value::{DestRef, Type, Value},
};
use serde_json::{Map, Value as Json};
use std::collections::HashSet;

/// A record as it is now, with what only the list showed of it: a call for one record may show less (what a list
/// includes on request), and what is not shown was not changed.
pub fn filled(mut now: Json, listed: &Json) -> Json {
    fill(&mut now, listed);
    now
}

fn fill(now: &mut Json, listed: &Json) {
    let (Json::Object(now), Json::Object(listed)) = (now, listed) else {
        return;
    };
    for (name, value) in listed {
        match now.get_mut(name) {
            Some(there) => fill(there, value),
            None => {
                now.insert(name.clone(), value.clone());
            }
        }
    }
}

/// The fields of a record that are not as written any more: their names. `written`: by every step that wrote into it.
/// References to records that this rollback removed do not count.
pub fn edited(
    readers: &[FieldReader],
    object: &Object,
    written: &[&Written],
    removed: &HashSet<u64>,
    record: &Json,
) -> Vec<String> {
    let mut edited = Vec::new();
    let mut loosened = false;
    for (reader, field) in readers.iter().zip(&object.fields) {
        let wrote: Vec<_> = written
            .iter()
            .filter_map(|w| w.fields.get(&field.name))
            .collect();
        if wrote.is_empty() {
            continue;
        }
        let shown = reader.read(record);
        // Neither the answer to the write nor any call since shows it.
        if shown == WireValue::Absent && wrote.iter().all(|w| w.kept.is_none()) {
            continue;
        }
        let now = value_hash(field.data_type, &shown);
        if wrote.iter().any(|w| w.is(now)) {
            continue;
        }
        match wrote.iter().any(|w| removed.contains(&w.sent)) {
            true => loosened = true,
            false => edited.push(field.name.clone()),
        }
    }
    if edited.is_empty() && !loosened {
        // Fields this migration never wrote: only the destination's own time of the last change tells.
        let now = stamp(readers, object, record);
        let stamps: Vec<&String> = written.iter().filter_map(|w| w.stamp.as_ref()).collect();
        if let Some(now) = now
            && !stamps.is_empty()
            && !stamps.contains(&&now)
        {
            let by = object
                .fields
                .iter()
                .find(|f| f.set.as_deref() == Some("updated"));
            edited.extend(by.map(|f| f.name.clone()));
        }
    }
    edited
}

/// What to send so that a record gets back what its fields held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Restore {
    /// The wire record to send; `None` when all is as it was.
    pub body: Option<Json>,
    /// Fields that get back what they held.
    pub fields: Vec<FieldId>,
    /// Names of fields that people changed since: they stay.
    pub kept: Vec<String>,
}

/// Works out a restore. `before`: the members as they were; `record`: as they are.
pub fn restore(
    platform: &Platform,
    readers: &[FieldReader],
    object: &Object,
    written: Option<&Written>,
    before: &Json,
    record: &Json,
) -> Restore {
    let mut out = Restore::default();
    let mut body = Json::Object(Map::new());
    let mut custom = false;
    for (at, (reader, field)) in readers.iter().zip(&object.fields).enumerate() {
        let (was, is) = (reader.read(before), reader.read(record));
        if matches!(was, WireValue::Absent) || field.data_type == Type::File || was.same(&is) {
            continue;
        }
        let wrote = written.and_then(|w| w.fields.get(&field.name));
        let ours = wrote
            .as_ref()
            .is_some_and(|w| w.is(value_hash(field.data_type, &is)));
        let id = FieldId(u16::try_from(at).unwrap_or(u16::MAX));
        if let WireValue::Many(now) = &is
            && let Some(wrote) = &wrote
            && !wrote.items.is_empty()
        {
            // A list was added to: what this migration added goes, what people added stays.
            let had = items(&was);
            let left: Vec<&String> = now
                .iter()
                .filter(|i| had.contains(i) || !wrote.items.contains(&item_hash(i)))
                .collect();
            if left.len() == now.len() {
                continue;
            }
            let values: Vec<Value<'_>> = left.iter().map(|i| Value::Text(i)).collect();
            let value = match values.is_empty() {
                true => clear(reader),
                false => json(reader, &Value::List(&values)),
            };
            reader.put(value, &mut body);
            custom |= field.custom;
            out.fields.push(id);
            continue;
        }
        if !ours {
            out.kept.push(field.name.clone());
            continue;
        }
        out.fields.push(id);
        custom |= field.custom;
        if let Some(reference) = &field.reference {
            let value = match &was {
                WireValue::Record { object: kind, id } => {
                    let kind = kind.or(reference.to.first().copied());
                    let object = kind.unwrap_or(ObjectId(0));
                    json(reader, &Value::Dest(DestRef { object, id }))
                }
                _ => clear(reader),
            };
            match (&reference.remove_path, &is) {
                (Some(path), WireValue::Record { id, .. }) => {
                    let ours = id
                        .parse::<u64>()
                        .map_or(Json::from(id.as_str()), Json::from);
                    if let Json::Object(members) = &mut body {
                        members.insert(path.clone(), Json::Array(vec![ours]));
                    }
                    if !was.is_nothing() {
                        reader.put(value, &mut body);
                    }
                }
                _ => reader.put(value, &mut body),
            }
            if let Some(kind) = &reference.kind_path
                && let Json::Object(members) = &mut body
            {
                let word = before.get(kind).cloned().unwrap_or(Json::Null);
                members.insert(kind.clone(), word);
            }
            continue;
        }
        let value = match was.is_nothing() {
            true => clear(reader),
            false => {
                let mut copied = Json::Null;
                reader.copy(before, &mut copied);
                raw(reader, &copied)
            }
        };
        reader.put(value, &mut body);
    }
    if custom {
        whole_container(platform, record, &mut body);
    }
    let any = body.as_object().is_some_and(|b| !b.is_empty());
    out.body = any.then_some(body);
    out
}

/// The other custom fields as they are: a destination may replace the container as a whole.
fn whole_container(platform: &Platform, record: &Json, body: &mut Json) {
    let Some(at) = platform.custom.as_ref().map(|c| c.at.as_str()) else {
        return;
    };
    if at.is_empty() {
        return;
    }
    let (Some(Json::Object(now)), Some(Json::Object(ours))) = (record.get(at), body.get_mut(at))
    else {
        return;
    };
    for (name, value) in now {
        if !value.is_null() && !ours.contains_key(name) {
            ours.insert(name.clone(), value.clone());
        }
    }
}

fn items(value: &WireValue) -> Vec<&String> {
    match value {
        WireValue::Many(items) => items.iter().collect(),
        WireValue::One(item) => vec![item],
        _ => Vec::new(),
    }
}

fn json(reader: &FieldReader, value: &Value<'_>) -> Json {
    let mut bytes = Vec::new();
    reader.encoder().write_json(value, &mut bytes);
    serde_json::from_slice(&bytes).unwrap_or(Json::Null)
}

fn clear(reader: &FieldReader) -> Json {
    let mut bytes = Vec::new();
    reader.encoder().write_clear(&mut bytes);
    serde_json::from_slice(&bytes).unwrap_or(Json::Null)
}

/// The member of a copied field, whatever its path.
fn raw(reader: &FieldReader, copied: &Json) -> Json {
    reader.member(copied).cloned().unwrap_or(Json::Null)
}
