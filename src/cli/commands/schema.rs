//! `transload schema`: the JSON Schema of a kind of spec, or its keys as tables for people.

use crate::{
    cli::{
        args::{Schema, SchemaFormat, SchemaKind},
        exit::{Exit, Failure},
        out,
    },
    spec::{
        SpecKind,
        shape::{json_schema, reference},
    },
};

/// Prints the schema.
///
/// # Errors
/// When it cannot be written as JSON, which would be a fault of the engine.
pub fn run(args: &Schema) -> Result<Exit, Failure> {
    let kind = match args.kind {
        SchemaKind::Platform => SpecKind::Platform,
        SchemaKind::Mapping => SpecKind::Mapping,
        SchemaKind::Migration => SpecKind::Migration,
    };
    if args.format == SchemaFormat::Markdown {
        out::result(&reference(kind));
        return Ok(Exit::Done);
    }
    let text = serde_json::to_string_pretty(&json_schema(kind))
        .map_err(|e| Failure::new(Exit::Internal, e.to_string()))?;
    out::result(&text);
    Ok(Exit::Done)
}
