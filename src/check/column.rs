//! `custom_fields:` of a migration: the customer's own columns of the export, and where they go.
//!
//! Each becomes a source field, and in every step of its object whose destination takes custom fields an
//! entry of the same type, unless the migration says otherwise.

use super::{
    create::{Automatic, Created, NewField, allowed, as_custom, takes_custom},
    kind::Kind,
    ops,
    platform::lower_field,
    scope::{Ctx, find_object},
};
use crate::{
    diag::{Code, Diagnostic, Diagnostics},
    ident::{FieldId, ObjectId},
    mapping::Create,
    platform::{Platform, words},
    spec::{Entry, Node, NodeKind},
    value::Type,
};

/// A custom column: its object and field, and what the migration says about it.
#[derive(Clone, Debug)]
pub struct Column {
    /// Source object.
    pub object: ObjectId,
    /// Its field, in the source with custom fields.
    pub field: FieldId,
    /// As written.
    pub entry: Entry,
}

/// Adds the columns to the source platform.
pub fn declare(source: &mut Platform, migration: &Node, out: &mut Diagnostics) -> Vec<Column> {
    let mut columns = Vec::new();
    let names: Vec<String> = source.objects.iter().map(|o| o.name.clone()).collect();
    for object_entry in migration.get_entries("custom_fields") {
        let Some(id) = find_object(
            source,
            "source",
            &object_entry.key,
            object_entry.key_span,
            out,
        ) else {
            continue;
        };
        let declared = &source.objects[id.ix()];
        if !declared.custom_columns && declared.custom_at.is_none() {
            out.push(
                Diagnostic::new(
                    Code::NoCustomColumns,
                    object_entry.key_span,
                    format!(
                        "the export of {} has no columns of the customer's own",
                        object_entry.key
                    ),
                )
                .related(declared.span, "declared here without `custom:`")
                .hint("add `custom: {columns: rest}` to the object in the platform file"),
            );
            continue;
        }
        for entry in object_entry.value.entries() {
            let object = &mut source.objects[id.ix()];
            let mut field = lower_field(&without_to(entry), &names, out);
            field.label = entry.key.trim().to_owned();
            field.name = words::as_name(&entry.key);
            field.custom = true;
            // The destination's label is not the column's.
            if entry.value.get("path").is_none() {
                entry.key.clone_into(&mut field.path);
            }
            let same = object
                .field(&field.name)
                .or_else(|| object.field_at(&field.path))
                .map(|(_, f)| (f.name.clone(), f.span, f.custom));
            if let Some((name, span, custom)) = same {
                out.push(
                    Diagnostic::new(
                        Code::ColumnKnown,
                        entry.key_span,
                        format!("`{}` is the field `{name}` already", entry.key),
                    )
                    .related(span, "declared here")
                    .hint(if custom {
                        "two labels that differ only in marks make one name: give one a `path:` and another name"
                    } else {
                        "remove it here; the mapping uses it by that name"
                    }),
                );
                continue;
            }
            let Ok(at) = u16::try_from(object.fields.len()) else {
                continue;
            };
            object.fields.push(field);
            columns.push(Column {
                object: id,
                field: FieldId(at),
                entry: entry.clone(),
            });
        }
    }
    columns
}

/// The entry as a field of a platform file: there `to` says where a reference points, here which field of
/// the destination takes the column.
fn without_to(entry: &Entry) -> Entry {
    let mut entry = entry.clone();
    if let NodeKind::Map(keys) = &mut entry.value.kind {
        keys.retain(|e| e.key != "to");
    }
    entry
}

/// Makes the entries that carry the columns over. Columns left out come back with their reasons.
pub fn carry(
    ctx: &mut Ctx<'_>,
    columns: &[Column],
    destination: &mut Platform,
    created: &mut Created,
) -> Vec<(ObjectId, FieldId, String)> {
    let mut ignored = Vec::new();
    for column in columns {
        let node = &column.entry.value;
        if let Some(reason) = node.get("ignore") {
            let reason = reason.text().unwrap_or("").trim();
            ctx.uses.objects.insert(column.object);
            ignored.push((column.object, column.field, reason.to_owned()));
            continue;
        }
        ctx.reads(column.object, column.field);
        let headers = ctx.headers.clone();
        let steps: Vec<(usize, ObjectId)> = headers
            .iter()
            .enumerate()
            .filter(|(_, h)| h.from == Some(column.object))
            .filter_map(|(i, h)| Some((i, h.to?)))
            .collect();
        match node.get("to") {
            Some(to) => onto(ctx, column, to, &steps, created),
            None => anew(ctx, column, &steps, destination, created),
        }
    }
    ignored
}

/// `to:`: an existing field, or one that the mapping creates.
fn onto(
    ctx: &mut Ctx<'_>,
    column: &Column,
    to: &Node,
    steps: &[(usize, ObjectId)],
    created: &mut Created,
) {
    let name = to.text().unwrap_or("");
    let mut found = false;
    for (header, object) in steps {
        let field = created
            .find(*object, name)
            .map(|(id, create)| (*id, Some(create.clone())))
            .or_else(|| Some((ctx.destination_of(*object).field(name)?.0, None)));
        if let Some((field, create)) = field {
            found = true;
            created.automatic.push(Automatic {
                header: *header,
                from: column.field,
                to: field,
                ops: Vec::new(),
                transform: column.entry.value.get_items("transform").to_vec(),
                create,
                span: column.entry.key_span,
            });
        }
    }
    if let (false, Some((_, object))) = (found, steps.first()) {
        let object = ctx.destination_of(*object);
        ctx.field(object, name, to.span);
    }
}

/// A new custom field of the column's type.
fn anew(
    ctx: &mut Ctx<'_>,
    column: &Column,
    steps: &[(usize, ObjectId)],
    destination: &mut Platform,
    created: &mut Created,
) {
    let node = &column.entry.value;
    let span = column.entry.key_span;
    let takers: Vec<(usize, ObjectId)> = steps
        .iter()
        .copied()
        .filter(|(_, to)| takes_custom(ctx.destination, ctx.destination_of(*to)))
        .collect();
    if takers.is_empty() {
        if let Some((_, to)) = steps.first() {
            allowed(ctx, *to, &column.entry.key, span);
        }
        return;
    }
    let Some(rules) = ctx.destination.custom.as_ref() else {
        return;
    };
    let source_field = &ctx.source_of(column.object).fields[column.field.ix()];
    let transform = node.get_items("transform");
    let carried = if transform.is_empty() {
        source_field.data_type
    } else {
        // The ops decide the type; their own faults are told here, once, and the entry is left out.
        match ops::lower(ctx, transform, Kind::of_field(source_field)) {
            Some((_, kind)) if kind.many => Type::List,
            Some((_, kind)) => kind.data_type,
            None => return,
        }
    };
    let (data_type, ops) = as_custom(rules, carried);
    if rules.custom_type(data_type).is_none() {
        ctx.push(
            Diagnostic::new(
                Code::TypeNotAvailable,
                span,
                format!(
                    "{} offers no custom field for {}",
                    ctx.destination.name,
                    carried.name()
                ),
            )
            .hint("send it to a field with `to:`, or leave it out with `ignore: REASON`"),
        );
        return;
    }
    let label = node
        .get_text("label")
        .unwrap_or(&column.entry.key)
        .trim()
        .to_owned();
    let name = rules.api_name(&label);
    let create = Create {
        data_type,
        label,
        values: source_field.values.clone().filter(|_| transform.is_empty()),
        // Longer texts than the source declares cannot come.
        max: None,
        scale: None,
    };
    for (header, to) in takers {
        let object = &destination.objects[to.ix()];
        if let (Some((_, other)), None) = (object.field(&name), created.find(to, &name)) {
            ctx.push(
                Diagnostic::new(
                    Code::CreateExists,
                    span,
                    format!(
                        "`{}` would become `{name}`, which {} has already",
                        column.entry.key, object.name
                    ),
                )
                .related(other.span, "the other field")
                .hint("say `label:` for another name, or `to:` to fill that field"),
            );
            continue;
        }
        let new = NewField {
            object: to,
            name: &name,
            create: create.clone(),
            rename: None,
            span,
        };
        let to_field = created.add(ctx, destination, new);
        if let Some(to_field) = to_field {
            created.automatic.push(Automatic {
                header,
                from: column.field,
                to: to_field,
                ops: ops.clone(),
                transform: transform.to_vec(),
                create: Some(create.clone()),
                span,
            });
        }
    }
}
