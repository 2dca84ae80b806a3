//! The base of three-way decisions: what was written into a record last, as hashes of its fields.
//!
//! Made from the wire record that is sent and the answer to it, kept in the ledger with the outcome, read again one
//! record at a time when a record is about to be changed: a run holds no base of all records.

use super::{context::Context, failure::RunError};
use crate::{
    ledger::{
        View, Written, WrittenField,
        written::{item_hash, name_hash},
    },
    mapping::Step,
    platform::{
        Object,
        wire::{FieldReader, WireValue},
    },
    value::Type,
};
use serde_json::Value;
use std::sync::{Mutex, PoisonError};
use xxhash_rust::xxh3::xxh3_64;

/// The hash of what a field holds. Equal for what `compare` calls the same: white space at the ends, the case of
/// an e-mail address, the order of a list and the kind of a reference do not count.
pub fn value_hash(data_type: Type, value: &WireValue) -> u64 {
    match value {
        WireValue::Absent | WireValue::Null => 0,
        WireValue::One(text) if data_type == Type::Email => {
            xxh3_64(text.trim().to_lowercase().as_bytes())
        }
        WireValue::One(text) => xxh3_64(text.trim().as_bytes()),
        WireValue::Many(items) => {
            let mut sorted: Vec<&str> = items.iter().map(String::as_str).collect();
            sorted.sort_unstable();
            xxh3_64(sorted.join("\u{1f}").as_bytes())
        }
        WireValue::Record { id, .. } => xxh3_64(id.as_bytes()),
    }
}

/// What was written: the fields of the step that `sent` (a wire record) carries or the answer shows, and the destination's own time of the change.
pub fn written(
    readers: &[FieldReader],
    object: &Object,
    step: &Step,
    sent: &Value,
    answer: Option<&Value>,
) -> Written {
    let mut all = Written::default();
    for m in &step.fields {
        let (Some(reader), Some(field)) = (readers.get(m.to.ix()), object.fields.get(m.to.ix()))
        else {
            continue;
        };
        let was = reader.read(sent);
        let kept = answer.map(|a| reader.read(a));
        let kept = kept.filter(|k| *k != WireValue::Absent);
        // What the destination has by itself where nothing was sent is part of the base, too: it tells later whether
        // a person filled it. A file is not shown again as it was sent.
        if (was == WireValue::Absent && kept.is_none()) || field.data_type == Type::File {
            continue;
        }
        let items = match &was {
            WireValue::Many(items) => items.iter().map(|i| item_hash(i)).collect(),
            _ => Vec::new(),
        };
        all.fields.add(&WrittenField {
            name: name_hash(&field.name),
            sent: value_hash(field.data_type, &was),
            kept: kept.map(|k| value_hash(field.data_type, &k)),
            items,
        });
    }
    all.stamp = answer.and_then(|a| stamp(readers, object, a));
    all
}

/// When the destination says that a record was changed last: an instant in UTC.
pub fn stamp(readers: &[FieldReader], object: &Object, record: &Value) -> Option<String> {
    let at = object
        .fields
        .iter()
        .position(|f| f.set.as_deref() == Some("updated"))?;
    match readers.get(at)?.read(record) {
        WireValue::One(text) => Some(text),
        _ => None,
    }
}

impl Context {
    /// What a write of `body` (an encoded wire record) put into a record, for the ledger. `answer`: the record as the
    /// destination answered it.
    pub fn written(&self, step: &Step, body: &[u8], answer: Option<&Value>) -> Option<Written> {
        let object = self.object(step.to).ok()?;
        let sent: Value = serde_json::from_slice(body).ok()?;
        Some(written(self.readers(step.to), object, step, &sent, answer))
    }
}

/// Reads bases from the ledger as it stood when the batch began. One connection for all tasks of a run: a read is
/// a few microseconds, and only records that are about to be changed are read.
#[derive(Default)]
pub struct Bases {
    view: Mutex<Option<View>>,
}

impl Bases {
    /// Looks at the ledger as it stands now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn refresh(&self, ledger: &crate::ledger::Ledger) -> Result<(), RunError> {
        let fresh = ledger.view()?;
        *self.view.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh);
        Ok(())
    }

    /// What was written into a part of a record; `None` when nothing is known.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn of(&self, step: &Step, key: &str, part: u16) -> Result<Option<Written>, RunError> {
        let view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        match view.as_ref() {
            None => Ok(None),
            Some(view) => view
                .written(&step.name, key, u32::from(part))
                .map_err(|e| RunError::Internal(e.to_string())),
        }
    }
}
