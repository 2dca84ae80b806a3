//! Before anything else: the export's files are there, and their columns are the ones the platform file names.
//!
//! A column that is missing, or that nobody named, would lose values of every record in silence; so a run does not
//! begin. Reads headers only.

use super::{failure::RunError, source::Source};
use crate::{connector::ExtractError, ident::FieldId, mapping::Mapping, platform::Object};
use std::collections::BTreeSet;

/// Looks at the header of every file the mapping reads.
///
/// # Errors
/// [`RunError::Source`] with one line for each missing file, missing column and unnamed column.
pub fn columns(mapping: &Mapping, source: &Source) -> Result<(), RunError> {
    let mut faults = Vec::new();
    for id in mapping.source_objects() {
        let Some(object) = mapping.source.objects.get(id.ix()) else {
            continue;
        };
        let ignored: BTreeSet<FieldId> = mapping
            .ignored
            .iter()
            .filter(|(o, _, _)| *o == id)
            .map(|(_, f, _)| *f)
            .collect();
        match source.header(id) {
            Ok(header) => {
                for at in header.missing {
                    let field = FieldId(u16::try_from(at).unwrap_or(u16::MAX));
                    if !ignored.contains(&field) {
                        faults.extend(missing(object, at, &header.unknown));
                    }
                }
                for column in &header.unknown {
                    faults.push(unknown(object, column));
                }
            }
            Err(ExtractError::Stop(stop)) => return Err(stop.into()),
            Err(error) => faults.push(format!("  {error}")),
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(RunError::Source {
        what: format!(
            "the export does not fit the specs; nothing was sent\n{}",
            faults.join("\n")
        ),
    })
}

fn missing(object: &Object, at: usize, unknown: &[String]) -> Option<String> {
    let field = object.fields.get(at)?;
    let near = unknown
        .iter()
        .map(|u| {
            (
                strsim::damerau_levenshtein(&u.to_lowercase(), &field.path.to_lowercase()),
                u,
            )
        })
        .filter(|(distance, u)| *distance <= u.chars().count().max(3) / 2)
        .min();
    let hint = near.map_or_else(String::new, |(_, u)| format!("; did you mean `{u}`?"));
    let file = object.rows.as_ref().map_or("", |r| r.file.as_str());
    Some(format!(
        "  {file} has no column `{}` (field {}.{}){hint}",
        field.path, object.name, field.name
    ))
}

fn unknown(object: &Object, column: &str) -> String {
    let file = object.rows.as_ref().map_or("", |r| r.file.as_str());
    let way_out = if object.custom_columns {
        format!(
            "name it in the migration under custom_fields: {}: (with a type, or `ignore:` and the reason)",
            object.name
        )
    } else {
        "name it in the platform file, and map or ignore it in the mapping".to_owned()
    };
    format!("  {file} has a column `{column}` that nobody named; {way_out}")
}
