//! What a write is about to change, as it was: the before-image that a rollback restores from.

use super::{context::Context, failure::RunError, item::Work};
use crate::{
    ledger::Entry,
    mapping::Step,
    platform::{
        Object, OpKind,
        wire::{FieldReader, WireValue},
    },
    value::Type,
};
use serde_json::Value;

/// The members that `body` (a wire record) changes in `there` (the record as read), as they are; `None` where it
/// changes none. Members of a container that travels as a whole count one by one.
pub fn image(
    readers: &[FieldReader],
    object: &Object,
    step: &Step,
    body: &Value,
    there: &Value,
) -> Option<Value> {
    let mut out = Value::Null;
    for m in &step.fields {
        let (Some(reader), Some(field)) = (readers.get(m.to.ix()), object.fields.get(m.to.ix()))
        else {
            continue;
        };
        let sent = reader.read(body);
        let untouched = sent == WireValue::Absent
            || field.data_type == Type::File
            || sent.same(&reader.read(there));
        if !untouched {
            reader.copy(there, &mut out);
        }
    }
    (!out.is_null()).then_some(out)
}

/// The entry that keeps what a write by id changes in a record that was there before. `None` where it changes nothing,
/// or the platform has no call that reads one record.
///
/// # Errors
/// When the destination stops answering.
pub async fn entry(
    ctx: &Context,
    step: &Step,
    work: &Work,
    id: &str,
) -> Result<Option<Entry>, RunError> {
    let object = ctx.object(step.to)?;
    if object.op(OpKind::Get).is_none() {
        return Ok(None);
    }
    let Some(there) = ctx.rest.get(step.to, id).await? else {
        return Ok(None);
    };
    let body: Value = serde_json::from_slice(&work.body)
        .map_err(|e| RunError::Internal(format!("an encoded record is no JSON: {e}")))?;
    let members = image(ctx.readers(step.to), object, step, &body, &there);
    Ok(members.map(|members| Entry::Before {
        step: step.name.clone(),
        key: work.key.clone(),
        part: u32::from(work.part),
        members,
    }))
}
