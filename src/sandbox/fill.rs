//! Fills a simulated source: records with their own ids and times, as an export has them.
//!
//! Nothing is judged. A source holds what people put into it over years: dangling references, values that no form
//! would take today. Such a value stays the text it is.

use super::{
    coerce::{self, Reading},
    options::Seed,
    shape::{Rules, Setting},
    store::Record,
    world::Inside,
};
use crate::{ident::ObjectId, platform::Field, value::Type};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Why an account cannot be filled.
pub(super) enum Unfit {
    /// A record has no place in it.
    Record {
        /// The object.
        object: String,
        /// Its number in the list, from 1.
        number: usize,
        /// Why.
        why: String,
    },
    /// The account cannot be written.
    Store(rusqlite::Error),
}

/// Stores every record, all of an object at once.
pub(super) fn all(rules: &Rules, inside: &mut Inside, now: i64, fill: &Seed) -> Result<(), Unfit> {
    for (name, rows) in &fill.records {
        let unfit = |number: usize, why: String| Unfit::Record {
            object: name.clone(),
            number,
            why,
        };
        let Some((object, _)) = rules.platform.object(name) else {
            return Err(unfit(1, "there is no such object".to_owned()));
        };
        let mut made: Vec<Record> = Vec::with_capacity(rows.len());
        let mut ids = HashSet::new();
        for (at, row) in rows.iter().enumerate() {
            let record = record(rules, object, row, now).map_err(|why| unfit(at + 1, why))?;
            if record.id != 0 && !ids.insert(record.id) {
                return Err(unfit(
                    at + 1,
                    format!("the id {} is there twice", record.id),
                ));
            }
            made.push(record);
        }
        inside
            .store
            .together(|store| {
                for mut record in made {
                    let entries = rules.entries(object, &record);
                    store.insert(object, &mut record, &entries)?;
                }
                Ok(())
            })
            .map_err(Unfit::Store)?;
    }
    Ok(())
}

fn record(
    rules: &Rules,
    object: ObjectId,
    row: &Map<String, Value>,
    now: i64,
) -> Result<Record, String> {
    let def = rules.object(object);
    let mut record = Record {
        created: now,
        updated: now,
        ..Record::default()
    };
    for (name, value) in row {
        let Some((id, field)) = def.field(name) else {
            return Err(format!("there is no field `{name}`"));
        };
        if value.is_null() {
            continue;
        }
        let text = coerce::plain(value);
        let moment = || {
            text.parse::<Timestamp>()
                .ok()
                .map(Timestamp::as_millisecond)
        };
        match &rules.shapes[object.ix()].set[id.ix()] {
            Setting::Created => record.created = moment().unwrap_or(now),
            Setting::Updated => record.updated = moment().unwrap_or(now),
            _ if field.data_type == Type::Id => {
                record.id = text
                    .parse()
                    .ok()
                    .filter(|n| *n > 0)
                    .ok_or_else(|| format!("its id `{text}` is no whole number above 0"))?;
            }
            _ => {
                record
                    .fields
                    .insert(field.name.clone(), stored(rules, field, value));
            }
        }
    }
    Ok(record)
}

/// The stored form of a value; the value itself where it has none.
fn stored(rules: &Rules, field: &Field, value: &Value) -> Value {
    if let Some(form) = &field.reference {
        let number = coerce::plain(value).parse::<i64>().ok();
        return match number {
            Some(n) if form.item.is_some() => Value::Array(vec![n.into()]),
            Some(n) => n.into(),
            None => value.clone(),
        };
    }
    if value.is_array() {
        return value.clone();
    }
    let how = Reading {
        zone: &rules.zone,
        as_text: true,
        drop_unknown_choice: false,
    };
    coerce::stored(field, value, how).unwrap_or_else(|_| value.clone())
}
