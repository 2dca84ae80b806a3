//! What a simulated source holds: the records of an export, as values without their wire formats.

use super::exit::{Exit, Failure};
use crate::{
    connector::files,
    ident::{FieldId, ObjectId},
    platform::{Connect, Object, Platform, wire::Decoder},
    sandbox::Seed,
    value::Value,
};
use bumpalo::Bump;
use serde_json::{Map, Value as Json};
use std::path::Path;

/// Reads an export of `base` for a simulated account of `variant`, which has the same objects and fields. Objects
/// that the account does not serve are left out.
///
/// # Errors
/// When a file of the export is missing or cannot be read, or holds rows that are no rows.
pub fn from_export(base: &Platform, variant: &Platform, folder: &Path) -> Result<Seed, Failure> {
    let mut records = Vec::new();
    for object in variant.objects.iter().filter(|o| !o.ops.is_empty()) {
        let Some((id, there)) = base.object(&object.name) else {
            continue;
        };
        let rows = rows(base, id, there, object, folder)?;
        records.push((object.name.clone(), rows));
    }
    Ok(Seed { records })
}

fn rows(
    base: &Platform,
    id: ObjectId,
    there: &Object,
    wanted: &Object,
    folder: &Path,
) -> Result<Vec<Map<String, Json>>, Failure> {
    let fail = |why: String| Failure::new(Exit::Usage, why);
    let zone = match &base.connect {
        Connect::Files(files) => files.zone.as_deref(),
        Connect::Http(http) => http.zone.as_deref(),
    };
    let fields: Vec<(FieldId, &str, Decoder)> = (0u16..)
        .zip(&there.fields)
        .filter(|(_, f)| wanted.field(&f.name).is_some())
        .map(|(at, f)| (FieldId(at), f.name.as_str(), Decoder::new(f, zone)))
        .collect();
    let columns: Vec<FieldId> = fields.iter().map(|(id, ..)| *id).collect();
    let mut reader = files::open(base, id, folder, &columns, &files::Overrides::default())
        .map_err(|e| fail(e.to_string()))?;
    let mut rows = Vec::new();
    let mut arena = Bump::new();
    while let Some(page) = reader.next_page().map_err(|e| fail(e.to_string()))? {
        if let Some(fault) = page.faults.first() {
            return Err(fail(format!(
                "row {} of {} cannot be read: it {}",
                fault.line, there.name, fault.why
            )));
        }
        for row in 0..page.rows() {
            let mut record = Map::new();
            for (column, (_, name, decoder)) in fields.iter().enumerate() {
                let (kind, text) = page.cell(row, column);
                let value = json(&decoder.decode(kind, text, &arena));
                if !value.is_null() {
                    record.insert((*name).to_owned(), value);
                }
            }
            rows.push(record);
        }
        arena.reset();
        reader.recycle(page);
    }
    Ok(rows)
}

/// A value in its plain form; what cannot be read stays the text it is.
fn json(value: &Value<'_>) -> Json {
    match value {
        Value::Absent | Value::Blank => Json::Null,
        Value::Text(t) => (*t).into(),
        Value::Int(n) => (*n).into(),
        Value::Decimal(d) => d.to_string().into(),
        Value::Bool(b) => (*b).into(),
        Value::Date(d) => d.to_string().into(),
        Value::DateTime(t) => t.to_string().into(),
        Value::List(items) => Json::Array(items.iter().map(json).collect()),
        Value::Dest(dest) => dest.id.into(),
        Value::Bad(fault) => fault.found.into(),
    }
}
