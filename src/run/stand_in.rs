//! Placeholders: records that stand in for what is not at the destination, flagged for an admin by the values that
//! the mapping gives them.

use super::{context::Context, failure::RunError, item::Work};
use crate::{
    mapping::{Input, Mapping, Step, policy::FallbackKey},
    platform::wire::RecordEncoder,
    value::{Scalar, Value},
};
use serde_json::{Map, Value as Json};

/// The record with the placeholder's values over its own.
///
/// # Errors
/// When the encoded record is no JSON: a fault of the engine.
pub fn filled(
    ctx: &Context,
    step: &Step,
    keys: &[FallbackKey],
    mut work: Work,
) -> Result<Work, RunError> {
    let object = ctx.object(step.to)?;
    let fields = keys
        .iter()
        .filter_map(|k| Some((object.fields.get(k.field.ix())?, false)));
    let encoder = RecordEncoder::new(&ctx.mapping.destination, fields);
    let values: Vec<Value<'_>> = keys
        .iter()
        .filter(|k| object.fields.get(k.field.ix()).is_some())
        .map(|k| literal(&ctx.mapping, &k.value))
        .collect();
    let mut over = Vec::new();
    encoder.append(&values, &mut over);
    let broken = |e| RunError::Internal(format!("an encoded record is no JSON: {e}"));
    let mut record: Map<String, Json> = serde_json::from_slice(&work.body).map_err(broken)?;
    let over: Map<String, Json> = serde_json::from_slice(&over).map_err(broken)?;
    for (name, value) in over {
        match (record.get_mut(&name), value) {
            (Some(Json::Object(there)), Json::Object(more)) => there.extend(more),
            (_, value) => {
                record.insert(name, value);
            }
        }
    }
    work.body = Json::Object(record).to_string().into_bytes();
    Ok(work)
}

/// A literal or a parameter as a value; blank where it is neither.
fn literal<'m>(mapping: &'m Mapping, input: &'m Input) -> Value<'m> {
    let scalar = match input {
        Input::Const(scalar) => Some(scalar),
        Input::Param(at) => mapping.params.get(*at).and_then(|p| p.value.as_ref()),
        _ => None,
    };
    match scalar {
        Some(Scalar::Text(text)) => Value::Text(text),
        Some(Scalar::Int(n) | Scalar::Bytes(n) | Scalar::Seconds(n)) => Value::Int(*n),
        Some(Scalar::Decimal(d)) => Value::Decimal(*d),
        Some(Scalar::Bool(b)) => Value::Bool(*b),
        Some(Scalar::Date(d)) => Value::Date(*d),
        Some(Scalar::Blank | Scalar::List(_)) | None => Value::Blank,
    }
}
