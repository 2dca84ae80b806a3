//! Compares what was sent with what is there, field by field, and says what has to be sent to make them equal.

use crate::{
    ident::FieldId,
    mapping::Step,
    platform::{
        Object,
        wire::{FieldReader, WireValue},
    },
    value::Type,
};
use serde_json::{Map, Value};

/// The fields of a step whose value in `sent` (a wire record) is not the value in `there`. Fields that were not sent
/// references and files (which a destination shows in other shapes, or not at all) do not count.
pub fn differences(
    readers: &[FieldReader],
    object: &Object,
    step: &Step,
    sent: &Value,
    there: &Value,
) -> Vec<FieldId> {
    step.fields
        .iter()
        .filter(|m| {
            let (Some(reader), Some(field)) =
                (readers.get(m.to.ix()), object.fields.get(m.to.ix()))
            else {
                return false;
            };
            let was = reader.read(sent);
            !matches!(field.data_type, Type::Ref | Type::File)
                && !was.is_nothing()
                && !same(field.data_type, &was, &reader.read(there))
        })
        .map(|m| m.to)
        .collect()
}

/// True when two values of a field mean the same: white space at the ends and the case of an e-mail address are
/// the destination's to normalise.
fn same(data_type: Type, was: &WireValue, is: &WireValue) -> bool {
    match (was, is) {
        (WireValue::One(a), WireValue::One(b)) if data_type == Type::Email => {
            a.trim().eq_ignore_ascii_case(b.trim())
        }
        (WireValue::One(a), WireValue::One(b)) => a.trim() == b.trim(),
        _ => was.same(is),
    }
}

/// The part of a wire record that has to be sent to bring `there` up to date: members that differ. Custom
/// fields travel as a whole (`custom_at` is their container), because a destination may replace the container;
/// lists are united with what is there. `None` when nothing differs.
pub fn patch(
    readers: &[FieldReader],
    custom_at: Option<&str>,
    object: &Object,
    step: &Step,
    sent: &Value,
    there: &Value,
) -> Option<Value> {
    let Value::Object(members) = sent else {
        return None;
    };
    let mut out = Map::new();
    for m in &step.fields {
        let (Some(reader), Some(field)) = (readers.get(m.to.ix()), object.fields.get(m.to.ix()))
        else {
            continue;
        };
        let (was, is) = (reader.read(sent), reader.read(there));
        if matches!(was, WireValue::Absent) || same(field.data_type, &was, &is) {
            continue;
        }
        if field.custom && custom_at.is_some_and(|at| !at.is_empty()) {
            let at = custom_at.unwrap_or_default();
            if let Some(Value::Object(ours)) = members.get(at) {
                out.insert(at.to_owned(), Value::Object(united(there.get(at), ours)));
            }
            continue;
        }
        let top = field.path.split('.').next().unwrap_or(&field.path);
        match (members.get(top), there.get(top)) {
            (Some(Value::Array(ours)), Some(Value::Array(theirs))) if field.data_type.is_list() => {
                let mut union = theirs.clone();
                union.extend(ours.iter().filter(|i| !theirs.contains(i)).cloned());
                if union.len() > theirs.len() {
                    out.insert(top.to_owned(), Value::Array(union));
                }
            }
            (Some(value), _) => {
                out.insert(top.to_owned(), value.clone());
            }
            (None, _) => {}
        }
        // The kind of a polymorphic reference travels with it.
        if let Some(kind) = field.reference.as_ref().and_then(|r| r.kind_path.as_ref())
            && let Some(value) = members.get(kind)
        {
            out.insert(kind.clone(), value.clone());
        }
    }
    (!out.is_empty()).then_some(Value::Object(out))
}

/// What is there, without nulls, with ours over it.
fn united(there: Option<&Value>, ours: &Map<String, Value>) -> Map<String, Value> {
    let mut all = match there {
        Some(Value::Object(map)) => map.clone(),
        _ => Map::new(),
    };
    all.retain(|_, v| !v.is_null());
    for (key, value) in ours {
        all.insert(key.clone(), value.clone());
    }
    all
}
