//! A stored record as the API shows it, and what stands beside it when a call asks to include more.

use super::{
    coerce,
    shape::{Rules, Setting, put},
    store::{Record, Store},
};
use crate::{
    ident::{FieldId, ObjectId},
    platform::{Field, OpKind},
    value::Type,
};
use jiff::Timestamp;
use serde_json::{Map, Value};

/// The words of `include=a,b`.
pub(super) type Words<'a> = Vec<&'a str>;

/// A record in wire form.
pub(super) fn record(
    rules: &Rules,
    store: &Store,
    object: ObjectId,
    record: &Record,
    include: &Words<'_>,
) -> rusqlite::Result<Map<String, Value>> {
    let def = rules.object(object);
    let mut out = Map::with_capacity(def.fields.len() + 1);
    for (at, field) in def.fields.iter().enumerate() {
        // What the address says, the record does not.
        if field.parent {
            continue;
        }
        if let Some(word) = &field.include
            && !include.contains(&word.as_str())
        {
            continue;
        }
        let path = field.read_path.as_ref().unwrap_or(&field.path);
        let id = FieldId(u16::try_from(at).unwrap_or_default());
        match &rules.shapes[object.ix()].set[at] {
            Setting::Created => put(&mut out, path, stamp(rules, field, record.created)),
            Setting::Updated => put(&mut out, path, stamp(rules, field, record.updated)),
            Setting::List(template) => put(&mut out, path, list(rules, object, record, template)),
            _ if field.data_type == Type::Id => {
                put(&mut out, path, Value::Number(record.id.into()));
            }
            _ if field.reference.is_some() => {
                reference(rules, store, object, id, record, path, &mut out)?;
            }
            _ => {
                let value = record.fields.get(&field.name).unwrap_or(&Value::Null);
                let value = match (value, field.data_type) {
                    // A list that is empty is a list all the same.
                    (Value::Null, Type::Tags | Type::List) if field.list.is_none() => {
                        Value::Array(Vec::new())
                    }
                    _ => coerce::wire(field, value, &rules.zone),
                };
                put(&mut out, path, value);
            }
        }
    }
    custom(rules, store, object, record, &mut out);
    Ok(out)
}

fn custom(
    rules: &Rules,
    store: &Store,
    object: ObjectId,
    record: &Record,
    out: &mut Map<String, Value>,
) {
    let Some(form) = &rules.platform.custom else {
        return;
    };
    if rules.object(object).custom_at.is_none() {
        return;
    }
    let mut all = Map::new();
    for custom in store.custom(object) {
        let value = record.custom.get(&custom.name).unwrap_or(&Value::Null);
        let field = coerce::custom_as_field(custom, &rules.platform);
        all.insert(
            custom.name.clone(),
            coerce::wire(&field, value, &rules.zone),
        );
    }
    if form.at.is_empty() {
        out.extend(all);
    } else {
        put(out, &form.at, Value::Object(all));
    }
}

fn stamp(rules: &Rules, field: &Field, millis: i64) -> Value {
    let t = Timestamp::from_millisecond(millis).unwrap_or_default();
    Value::String(coerce::moment(
        t,
        field.format.first().map(String::as_str),
        &rules.zone,
    ))
}

/// A list that shows another field a second time; empty while that field is.
fn list(rules: &Rules, object: ObjectId, record: &Record, template: &Value) -> Value {
    let text = template.to_string();
    let filled =
        rules.object(object).fields.iter().any(|f| {
            text.contains(&format!("{{{}}}", f.name)) && record.fields.contains_key(&f.name)
        });
    if filled {
        fill(template, record)
    } else {
        Value::Array(Vec::new())
    }
}

fn fill(template: &Value, record: &Record) -> Value {
    match template {
        Value::String(s) => match s.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
            Some(name) => record.fields.get(name).cloned().unwrap_or(Value::Null),
            None => template.clone(),
        },
        Value::Array(items) => Value::Array(items.iter().map(|i| fill(i, record)).collect()),
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(k, v)| (k.clone(), fill(v, record)))
                .collect(),
        ),
        other => other.clone(),
    }
}

fn reference(
    rules: &Rules,
    store: &Store,
    object: ObjectId,
    id: FieldId,
    record: &Record,
    path: &str,
    out: &mut Map<String, Value>,
) -> rusqlite::Result<()> {
    let field = &rules.object(object).fields[id.ix()];
    let Some(form) = &field.reference else {
        return Ok(());
    };
    let links = rules.links(object, id, record);
    if let Some(kind_path) = &form.kind_path {
        let kind = links.first().and_then(|(to, _)| {
            form.kinds
                .iter()
                .find(|(o, _)| o == to)
                .map(|(_, word)| word.clone())
        });
        put(out, kind_path, kind.map_or(Value::Null, Value::String));
    }
    let Some((id_member, mark)) = &form.item else {
        let id = links.first().map(|(_, id)| Value::Number((*id).into()));
        // Records of another system may be named by a text.
        let named = || {
            record
                .fields
                .get(&field.name)
                .filter(|v| v.is_string())
                .cloned()
        };
        put(out, path, id.or_else(named).unwrap_or(Value::Null));
        return Ok(());
    };
    let mut items = Vec::with_capacity(links.len());
    for (to, id) in links {
        let Some(target) = store.get(to, id)?.filter(|r| !r.deleted) else {
            continue;
        };
        let Some(member) = id_member else {
            items.push(Value::Number(id.into()));
            continue;
        };
        let mut item = Map::new();
        if let Some(kind) = &form.item_kind {
            let word = form.kinds.iter().find(|(o, _)| *o == to);
            let word = word.map_or(Value::Null, |(_, w)| w.clone().into());
            put(&mut item, kind, word);
            put(&mut item, member, Value::Number(id.into()));
            items.push(Value::Object(item));
            continue;
        }
        put(&mut item, member, Value::Number(id.into()));
        for key in rules.object(to).keys.iter().flat_map(|k| &k.by) {
            let named = &rules.object(to).fields[key.ix()];
            if named.reference.is_none() {
                let value = target.fields.get(&named.name).unwrap_or(&Value::Null);
                put(
                    &mut item,
                    &named.path,
                    coerce::wire(named, value, &rules.zone),
                );
            }
        }
        if let Some(mark) = mark {
            put(&mut item, mark, Value::Bool(items.is_empty()));
        }
        items.push(Value::Object(item));
    }
    put(out, path, Value::Array(items));
    Ok(())
}

/// What stands beside the records because a call asked for it: a list per included word.
pub(super) fn beside(
    rules: &Rules,
    store: &Store,
    object: ObjectId,
    records: &[Record],
    include: &Words<'_>,
) -> rusqlite::Result<Vec<(String, Value)>> {
    let mut out: Vec<(String, Vec<(ObjectId, i64)>)> = Vec::new();
    for word in include {
        for (at, field) in rules.object(object).fields.iter().enumerate() {
            let Some(form) = field.reference.as_ref().filter(|_| wanted(field, word)) else {
                continue;
            };
            let id = FieldId(u16::try_from(at).unwrap_or_default());
            for to in &form.to {
                let name = collection(rules, *to);
                let ids = records
                    .iter()
                    .flat_map(|r| rules.links(object, id, r))
                    .filter(|(o, _)| o == to);
                let list = match out.iter().position(|(n, _)| *n == name) {
                    Some(at) => &mut out[at].1,
                    None => {
                        out.push((name, Vec::new()));
                        let last = out.len() - 1;
                        &mut out[last].1
                    }
                };
                list.extend(ids);
            }
        }
    }
    let mut lists = Vec::with_capacity(out.len());
    for (name, mut ids) in out {
        ids.sort_unstable();
        ids.dedup();
        let mut rows = Vec::with_capacity(ids.len());
        for (to, id) in ids {
            if let Some(found) = store.get(to, id)?.filter(|r| !r.deleted) {
                rows.push(Value::Object(record(
                    rules,
                    store,
                    to,
                    &found,
                    &Vec::new(),
                )?));
            }
        }
        lists.push((name, Value::Array(rows)));
    }
    Ok(lists)
}

/// A reference is meant by its include word when it is a list of bare ids, else by its member without the
/// ending `_id`, or by its name. References that show whole items carry them within the record.
fn wanted(field: &Field, word: &str) -> bool {
    let bare = field
        .reference
        .as_ref()
        .and_then(|r| r.item.as_ref())
        .is_none_or(|(member, _)| member.is_none());
    bare && match &field.include {
        Some(include) => include == word,
        None => field.path.strip_suffix("_id") == Some(word) || field.name == word,
    }
}

/// The name under which records of an object are listed.
fn collection(rules: &Rules, object: ObjectId) -> String {
    let def = rules.object(object);
    def.op(OpKind::List)
        .and_then(|op| op.records.as_deref())
        .and_then(|path| path.rsplit('.').next())
        .unwrap_or(&def.path)
        .to_owned()
}
