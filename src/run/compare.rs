//! Compares what was sent with what is there, field by field.

use crate::{
    ident::FieldId,
    mapping::Step,
    platform::{
        Object,
        wire::{FieldReader, WireValue},
    },
    value::Type,
};
use serde_json::Value;

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
pub fn same(data_type: Type, was: &WireValue, is: &WireValue) -> bool {
    match (was, is) {
        (WireValue::One(a), WireValue::One(b)) if data_type == Type::Email => {
            a.trim().eq_ignore_ascii_case(b.trim())
        }
        (WireValue::One(a), WireValue::One(b)) => a.trim() == b.trim(),
        _ => was.same(is),
    }
}
