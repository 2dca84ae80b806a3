//! Values before and after each op, without a second interpreter: a mapping in which every prefix of every field's ops
//! is a field of its own, run by the same pass.

use crate::{
    ident::{FieldId, ObjectId, StepId},
    mapping::{Absent, FieldMap, JoinKind, Mapping, Missing, OnBad, OnJoin, Op},
    outcome::trace::DecidedTrace,
    platform::{Field, Object},
    value::{Type, Value},
};
use std::sync::Arc;

/// For a step: which field and how many of its ops each field of the made-up object stands for.
pub type Prefixes = Vec<(StepId, Vec<(usize, usize)>)>;

/// The mapping with prefixes for the steps that read an object.
pub fn mapping(real: &Mapping, object: ObjectId) -> (Mapping, Prefixes) {
    let mut made = real.clone();
    let mut platform = (*real.destination).clone();
    let mut all = Vec::new();
    // What is no declared choice is shown as it is.
    let mut source = (*real.source).clone();
    if let Some(read) = source.objects.get_mut(object.ix()) {
        for field in &mut read.fields {
            field.values_observed = true;
        }
    }
    made.source = Arc::new(source);
    for (id, step) in real.steps_from(object).filter(|(_, s)| !s.of.is_report()) {
        let Ok(to) = u16::try_from(platform.objects.len()).map(ObjectId) else {
            continue;
        };
        let mut target = Object::new("trace");
        let mut fields = Vec::new();
        let mut prefixes = Vec::new();
        for (at, entry) in step.fields.iter().enumerate() {
            for count in 0..=entry.ops.len() {
                let Ok(field) = u16::try_from(target.fields.len()).map(FieldId) else {
                    continue;
                };
                // A list takes anything, one value included.
                target
                    .fields
                    .push(Field::new(format!("{at}_{count}"), Type::List));
                let ops = entry.ops.iter().take(count);
                fields.push(FieldMap {
                    to: field,
                    ops: ops
                        .filter(|op| !matches!(op, Op::Pages { .. }))
                        .cloned()
                        .collect(),
                    when: None,
                    bad: OnBad::Blank,
                    reference: None,
                    missing: Missing::Blank,
                    needed: false,
                    create: None,
                    ..entry.clone()
                });
                prefixes.push((at, count));
            }
        }
        platform.objects.push(target);
        if let Some(slot) = made.steps.get_mut(id.ix()) {
            slot.to = to;
            slot.match_keys.clear();
            slot.guards.clear();
            slot.absent = Absent::Create;
            slot.fields = fields;
            for join in &mut slot.joins {
                if let JoinKind::One { none, many } = &mut join.kind {
                    (*none, *many) = (OnJoin::Blank, OnJoin::First);
                }
            }
        }
        let places: Vec<usize> = prefixes.iter().map(|(at, _)| *at).collect();
        made.overrides.spread(id, &places);
        all.push((id, prefixes));
    }
    made.destination = Arc::new(platform);
    (made, all)
}

/// What people decided about a record.
pub fn decided(mapping: &Mapping, id: StepId, key: &str) -> Vec<DecidedTrace> {
    let rows = mapping.overrides.of(id, key).map(|o| o.rows.as_slice());
    rows.unwrap_or_default()
        .iter()
        .map(|row| DecidedTrace {
            decision: row.decision.word().to_owned(),
            field: row.field.clone(),
            value: row.value.clone().unwrap_or_default(),
            by: row.decided.by.clone(),
            at: row.decided.at.clone(),
            note: row.decided.note.clone(),
        })
        .collect()
}

/// A value as people read it.
pub fn shown(value: &Value<'_>) -> String {
    match value {
        Value::Absent | Value::Blank => String::new(),
        Value::Bad(fault) => format!("bad: {}", fault.found),
        Value::Text(text) => (*text).to_owned(),
        Value::Int(n) => n.to_string(),
        Value::Decimal(d) => d.normalize().to_string(),
        Value::Bool(b) => b.to_string(),
        Value::Date(d) => d.to_string(),
        Value::DateTime(t) => t.to_string(),
        Value::Dest(d) => d.id.to_owned(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            items.join("; ")
        }
    }
}

/// The op's name, with the value map it goes through and the row it takes for this value.
pub fn named(mapping: &Mapping, op: &Op, value: &str) -> String {
    let Op::Map(at) = op else {
        return op.name().to_owned();
    };
    let Some(map) = mapping.value_maps.get(*at) else {
        return op.name().to_owned();
    };
    let same = |row: &str| match map.exact {
        true => row == value,
        false => row.trim().to_lowercase() == value.trim().to_lowercase(),
    };
    match map.rows.iter().find(|(from, _)| same(from)) {
        Some((from, to)) => format!("map {} (row \"{from}\": \"{to}\")", map.name),
        None if value.is_empty() => format!("map {}", map.name),
        None => format!("map {} (no row)", map.name),
    }
}
