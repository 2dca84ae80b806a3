//! `value_maps:`: rows inline or from a CSV table, with the migration's own rows.

use super::{
    kind::Kind,
    literal,
    scope::{Ctx, MapFacts},
};
use crate::{
    diag::{Code, Diagnostic, FileId, Span},
    ident::{FieldId, ObjectId},
    mapping::{ValueMap, model::OtherValue},
    platform::Platform,
    spec::{Entry, Node, Project},
    value::Type,
};
use std::collections::BTreeMap;

/// A row as written: key and value with their places.
struct Row {
    key: String,
    value: String,
    key_span: Span,
    value_span: Span,
}

/// Reads all value maps of a mapping and adds the migration's rows.
pub fn lower(ctx: &mut Ctx<'_>, project: &Project, mapping: &Node, migration: Option<&Node>) {
    for entry in mapping.get_entries("value_maps") {
        let rows = rows_of(ctx, project, entry);
        let own = migration
            .and_then(|m| m.get("value_maps"))
            .and_then(|m| m.entry(&entry.key))
            .map(|e| rows_of(ctx, project, e))
            .unwrap_or_default();
        let other = migration
            .and_then(|m| m.get("value_maps"))
            .and_then(|m| m.get(&entry.key))
            .and_then(|m| m.get("other"));
        one(ctx, entry, rows, own, other);
    }
    for entry in migration
        .map(|m| m.get_entries("value_maps"))
        .unwrap_or_default()
    {
        if !ctx.value_maps.iter().any(|m| m.name == entry.key) {
            let known: Vec<String> = ctx.value_maps.iter().map(|m| m.name.clone()).collect();
            ctx.push(
                Diagnostic::new(
                    Code::UnknownValueMap,
                    entry.key_span,
                    format!("the mapping has no value map `{}`", entry.key),
                )
                .did_you_mean(&entry.key, known.iter().map(String::as_str)),
            );
        }
    }
}

fn one(
    ctx: &mut Ctx<'_>,
    entry: &Entry,
    rows: Vec<Row>,
    own: Vec<Row>,
    other_instead: Option<&Node>,
) {
    let node = &entry.value;
    let exact = node.get_bool("exact").unwrap_or(false);
    let gives = node
        .get("out")
        .and_then(|n| dotted(ctx, n, Side::Destination));
    let mut takes = Vec::new();
    for item in node.get_items("in") {
        if let Some((object, field)) = dotted(ctx, item, Side::Source) {
            takes.push((object, field, item.span));
        }
    }
    let out = match gives {
        Some((object, field)) => {
            let field = &ctx.destination_of(object).fields[field.ix()];
            // A reference field is found by the text of its record's key.
            let data_type = match field.data_type {
                Type::Ref | Type::Tags | Type::MultiEnum | Type::List => Type::Text,
                other => other,
            };
            Kind {
                link: None,
                data_type,
                ..Kind::of_field(field)
            }
        }
        None => Kind::plain(Type::Text, false),
    };
    let key_of = |row: &Row| {
        if exact {
            row.key.clone()
        } else {
            row.key.trim().to_lowercase()
        }
    };
    let mut all: Vec<Row> = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows {
        let key = key_of(&row);
        match seen.get(&key) {
            Some(first) => {
                let finding = Diagnostic::new(
                    Code::MapDuplicate,
                    row.key_span,
                    format!(
                        "the value map `{}` has two rows for '{}'",
                        entry.key, row.key
                    ),
                )
                .related(all[*first].key_span, "the other row");
                ctx.push(if exact {
                    finding.hint("remove one of them")
                } else {
                    finding.hint("keys compare trimmed and without case; write `exact: true` if case matters")
                });
            }
            None => {
                seen.insert(key, all.len());
                all.push(row);
            }
        }
    }
    // A migration's row stands in for the mapping's row of the same value.
    for row in own {
        match seen.get(&key_of(&row)) {
            Some(first) => all[*first] = row,
            None => {
                seen.insert(key_of(&row), all.len());
                all.push(row);
            }
        }
    }
    let other_node = other_instead.or_else(|| node.get("other"));
    let used = other_node.and_then(|o| o.get("use"));
    let other = match (other_node.and_then(Node::text), used.and_then(Node::text)) {
        (Some("keep"), _) => OtherValue::Keep,
        (Some("create"), _) => OtherValue::Create,
        (_, Some(text)) => OtherValue::Use(text.to_owned()),
        _ => OtherValue::Hold,
    };
    for (text, span) in all
        .iter()
        .map(|r| (r.value.as_str(), r.value_span))
        .chain(used.and_then(|n| Some((n.text()?, n.span))))
    {
        output(ctx, &entry.key, &out, text, span);
    }
    ctx.map_facts.push(MapFacts {
        takes,
        gives,
        rows: all.iter().map(|r| (r.key_span, r.value_span)).collect(),
        out: what_comes_out(&out, &all, &other),
    });
    ctx.value_maps.push(ValueMap {
        name: entry.key.clone(),
        rows: all.into_iter().map(|r| (r.key, r.value)).collect(),
        exact,
        other,
        out_type: out.data_type,
        span: entry.key_span,
    });
}

/// A row's value must be a choice of the field under `out:`, or at least of its type.
fn output(ctx: &mut Ctx<'_>, map: &str, out: &Kind, text: &str, span: Span) {
    if text.is_empty() {
        return;
    }
    if let Some(values) = &out.values
        && !values.iter().any(|v| v == text)
    {
        ctx.push(
            Diagnostic::new(
                Code::NotAChoice,
                span,
                format!(
                    "'{text}' is not among the choices of the destination field (value map `{map}`)"
                ),
            )
            .did_you_mean(text, values.iter().map(String::as_str)),
        );
    } else if literal::typed(text, out.data_type).is_none() {
        ctx.push(Diagnostic::new(
            Code::OutOfRange,
            span,
            format!(
                "'{text}' is no {} (value map `{map}`)",
                out.data_type.name()
            ),
        ));
    } else if let Some(max) = out.max
        && out.data_type.is_text()
        && text.chars().count() as u64 > max
    {
        ctx.push(Diagnostic::new(
            Code::OutOfRange,
            span,
            format!("'{text}' is longer than the {max} characters of the destination field"),
        ));
    }
}

fn what_comes_out(out: &Kind, rows: &[Row], other: &OtherValue) -> Kind {
    let closed = matches!(other, OtherValue::Hold | OtherValue::Use(_));
    let values: Vec<String> = rows
        .iter()
        .map(|r| r.value.clone())
        .chain(match other {
            OtherValue::Use(v) => Some(v.clone()),
            _ => None,
        })
        .collect();
    Kind {
        max: closed
            .then(|| values.iter().map(|v| v.chars().count() as u64).max())
            .flatten(),
        values: (closed && out.data_type.is_text()).then_some(values),
        ..Kind::plain(out.data_type, false)
    }
}

#[derive(Clone, Copy)]
enum Side {
    Source,
    Destination,
}

/// `object.field` of one side.
fn dotted(ctx: &mut Ctx<'_>, node: &Node, side: Side) -> Option<(ObjectId, FieldId)> {
    let text = node.text()?;
    let Some((object, field)) = text.split_once('.') else {
        ctx.push(Diagnostic::new(
            Code::BadPath,
            node.span,
            format!("`{text}` is not `object.field`"),
        ));
        return None;
    };
    let (id, platform): (_, &Platform) = match side {
        Side::Source => (ctx.source_object(object, node.span)?, ctx.source),
        Side::Destination => (ctx.destination_object(object, node.span)?, ctx.destination),
    };
    let (field, _) = ctx.field(&platform.objects[id.ix()], field, node.span)?;
    Some((id, field))
}

fn rows_of(ctx: &mut Ctx<'_>, project: &Project, entry: &Entry) -> Vec<Row> {
    let mut rows: Vec<Row> = entry
        .value
        .get_entries("rows")
        .iter()
        .map(|e| Row {
            key: e.key.clone(),
            value: e.value.text().unwrap_or("").to_owned(),
            key_span: e.key_span,
            value_span: e.value.span,
        })
        .collect();
    if let Some(named) = entry.value.get("file")
        && let Some((file, text)) = named
            .text()
            .and_then(|n| project.table(entry.key_span.file, n))
    {
        rows.extend(table(ctx, file, text));
    }
    rows
}

/// A table has a header line and two columns: the source's value and the destination's.
fn table(ctx: &mut Ctx<'_>, file: FileId, text: &str) -> Vec<Row> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(true)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let at = error.position().map_or(0, csv::Position::byte);
                ctx.push(Diagnostic::new(
                    Code::MapColumns,
                    line_at(file, text, at),
                    format!("the table cannot be read: {error}"),
                ));
                break;
            }
        };
        let span = line_at(file, text, record.position().map_or(0, csv::Position::byte));
        match (record.get(0), record.get(1), record.get(2)) {
            (Some(key), Some(value), None) => rows.push(Row {
                key: key.to_owned(),
                value: value.to_owned(),
                key_span: span,
                value_span: span,
            }),
            _ => ctx.push(
                Diagnostic::new(
                    Code::MapColumns,
                    span,
                    format!("this row has {} cells", record.len()),
                )
                .hint("a table has two columns: the source's value and the destination's"),
            ),
        }
    }
    rows
}

/// The line that starts at or around a byte.
fn line_at(file: FileId, text: &str, byte: u64) -> Span {
    let mut start = usize::try_from(byte).unwrap_or(0).min(text.len());
    // Positions of records may point at the end of the line before.
    while text
        .as_bytes()
        .get(start)
        .is_some_and(|b| matches!(b, b'\n' | b'\r'))
    {
        start += 1;
    }
    let end = text.get(start..).map_or(start, |rest| {
        start + rest.find(['\n', '\r']).unwrap_or(rest.len())
    });
    Span {
        file,
        start: u32::try_from(start).unwrap_or(0),
        end: u32::try_from(end).unwrap_or(0),
    }
}
