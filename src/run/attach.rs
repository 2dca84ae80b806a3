//! Files that travel with a record: found beside the export, looked at before they are sent.
//!
//! A cell of the export names the file; nothing outside the export folder is ever sent.

use super::{context::Context, failure::RunError, item::Work};
use crate::{connector::rest::FilePart, mapping::Step, platform::OpKind, value::Type};
use serde_json::Value;

/// A record whose call is a form of several parts.
#[derive(Clone, Debug)]
pub struct Form {
    /// The record without its files, as JSON bytes.
    pub record: Vec<u8>,
    /// The files.
    pub files: Vec<FilePart>,
}

/// The form of a record; `None` where the destination takes plain records. The inner error is the code and the
/// words of a hold: the file is missing, or larger than the destination takes.
///
/// # Errors
/// When the encoded record is no JSON: a fault of the engine.
pub fn form(
    ctx: &Context,
    step: &Step,
    work: &Work,
) -> Result<Result<Option<Form>, (&'static str, String)>, RunError> {
    let object = ctx.object(step.to)?;
    if !object.op(OpKind::Create).is_some_and(|op| op.multipart) {
        return Ok(Ok(None));
    }
    let mut record: Value = serde_json::from_slice(&work.body)
        .map_err(|e| RunError::Internal(format!("an encoded record is no JSON: {e}")))?;
    let mut files = Vec::new();
    for field in &object.fields {
        if field.data_type != Type::File {
            continue;
        }
        let Some(Value::String(name)) = record.as_object_mut().and_then(|r| r.remove(&field.path))
        else {
            continue;
        };
        let (path, bytes) = match ctx.source.attached(step.from, &name) {
            Ok(found) => found,
            Err(why) => return Ok(Err(("file_missing", format!("the file {name}: {why}")))),
        };
        if let Some(max) = field.max.filter(|max| bytes > *max) {
            let words = format!("the file {name} has {bytes} bytes, and {max} are the most");
            return Ok(Err(("file_too_large", words)));
        }
        files.push(FilePart {
            field: field.path.clone(),
            path,
            name: None,
        });
    }
    Ok(Ok(Some(Form {
        record: record.to_string().into_bytes(),
        files,
    })))
}
