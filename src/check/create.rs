//! Fields that the mapping brings along: `create:`, `stamp:` and the migration's `rename:`.
//!
//! Runs before the steps, so that the destination they see has these fields already.

use super::scope::Ctx;
use crate::{
    diag::{Code, Diagnostic, Span},
    ident::{FieldId, ObjectId},
    mapping::{Create, Op},
    platform::{CustomRules, Field, Object, Platform, words},
    spec::Node,
    value::Type,
};
use std::collections::BTreeMap;

/// A field entry that nobody wrote under `fields:`.
#[derive(Clone, Debug)]
pub struct Automatic {
    /// Position of the step among the headers.
    pub header: usize,
    /// The source field.
    pub from: FieldId,
    /// The destination field.
    pub to: FieldId,
    /// Ops that make its type fit, before those of the migration.
    pub ops: Vec<Op>,
    /// The migration's ops.
    pub transform: Vec<Node>,
    /// What is created; `None` for `to:` an existing field.
    pub create: Option<Create>,
    /// Where it is declared.
    pub span: Span,
}

/// Created fields by object and by the name they have in the mapping.
#[derive(Clone, Debug, Default)]
pub struct Created {
    /// (destination object, name in the mapping) to the field and what is created.
    pub fields: BTreeMap<(ObjectId, String), (FieldId, Create)>,
    /// Entries from stamps and custom columns.
    pub automatic: Vec<Automatic>,
    /// Where each created field is first declared.
    spans: BTreeMap<(ObjectId, FieldId), Span>,
}

/// A created field as declared in one place.
pub struct NewField<'n> {
    /// The destination object.
    pub object: ObjectId,
    /// Its name in the mapping.
    pub name: &'n str,
    /// What is created.
    pub create: Create,
    /// The customer's name for it.
    pub rename: Option<&'n str>,
    /// Where it stands.
    pub span: Span,
}

/// True when records of an object can carry custom fields.
pub fn takes_custom(platform: &Platform, object: &Object) -> bool {
    platform.custom.is_some() && (object.custom_at.is_some() || object.custom_columns)
}

impl Created {
    /// Adds a created field to the destination.
    pub fn add(
        &mut self,
        ctx: &mut Ctx<'_>,
        destination: &mut Platform,
        new: NewField<'_>,
    ) -> Option<FieldId> {
        let NewField {
            object,
            name,
            create,
            rename,
            span,
        } = new;
        let key = (object, name.to_owned());
        if let Some((id, known)) = self.fields.get(&key) {
            if *known != create {
                let first = self.spans.get(&(object, *id)).copied().unwrap_or(span);
                ctx.push(
                    Diagnostic::new(
                        Code::CreateExists,
                        span,
                        format!("`{name}` is created twice, with different words"),
                    )
                    .related(first, "the other place")
                    .hint("let both say the same, or name another field"),
                );
            }
            return Some(*id);
        }
        let rules = destination.custom.as_ref()?;
        let field = field_of(rules, name, &create, rename, span)?;
        let slot = destination.objects.get_mut(object.ix())?;
        let id = FieldId(u16::try_from(slot.fields.len()).ok()?);
        slot.fields.push(field);
        self.fields.insert(key, (id, create));
        self.spans.insert((object, id), span);
        Some(id)
    }

    /// The created field of that name in the mapping.
    pub fn find(&self, object: ObjectId, name: &str) -> Option<&(FieldId, Create)> {
        self.fields.get(&(object, name.to_owned()))
    }
}

/// The field a creation makes, with the narrower of the limits of its type and its own.
fn field_of(
    rules: &CustomRules,
    name: &str,
    create: &Create,
    rename: Option<&str>,
    span: Span,
) -> Option<Field> {
    let label = match rename {
        Some(new) => label_of(rules, new),
        None => create.label.clone(),
    };
    // A type that cannot be had is told by its own check; the entry goes on as declared.
    let mut field = rules
        .field(&label, create.data_type)
        .unwrap_or_else(|| Field::new(name, create.data_type));
    name.clone_into(&mut field.name);
    if let Some(new) = rename {
        new.clone_into(&mut field.name);
    }
    field.path.clone_from(&field.name);
    field.label = label;
    field.custom = true;
    field.max = create.max.or(field.max);
    field.scale = create.scale.or(field.scale);
    field.values.clone_from(&create.values);
    field.values_observed =
        matches!(create.data_type, Type::Enum | Type::MultiEnum) && create.values.is_none();
    field.span = span;
    Some(field)
}

/// A label that leads to an API name.
pub fn label_of(rules: &CustomRules, name: &str) -> String {
    words::in_title_case(name.strip_prefix(&rules.prefix).unwrap_or(name))
}

/// Reads `create:` of a field entry.
pub fn read(node: &Node, name: &str, rules: Option<&CustomRules>) -> Option<Create> {
    let data_type = node.get_text("type").and_then(Type::parse)?;
    let whole = |key: &str| node.get_text(key).and_then(|t| t.parse::<u64>().ok());
    let choices = node.get("values").filter(|v| v.text().is_none());
    Some(Create {
        data_type,
        label: node.get_text("label").map_or_else(
            || rules.map_or_else(|| words::in_title_case(name), |r| label_of(r, name)),
            str::to_owned,
        ),
        values: choices.map(|list| {
            list.items()
                .iter()
                .filter_map(|n| n.text().map(str::to_owned))
                .collect()
        }),
        max: whole("max"),
        scale: node.get_text("scale").and_then(|t| t.parse().ok()),
    })
}

/// Gathers every created field of the mapping into the destination.
pub fn gather(
    ctx: &mut Ctx<'_>,
    mapping: &Node,
    migration: Option<&Node>,
    destination: &mut Platform,
) -> Created {
    let mut created = Created::default();
    let renames = migration
        .map(|m| m.get_entries("rename"))
        .unwrap_or_default();
    let mut renamed: Vec<bool> = vec![false; renames.len()];
    let mut rename_of = |object: &str, name: &str| -> Option<&str> {
        let at = renames
            .iter()
            .position(|r| r.key.split_once('.') == Some((object, name)))?;
        renamed[at] = true;
        renames[at].value.text()
    };
    let headers = ctx.headers.clone();
    for header in &headers {
        let Some((step, to)) = mapping
            .get("objects")
            .and_then(|o| o.get(&header.name))
            .zip(header.to)
        else {
            continue;
        };
        for entry in step.get_entries("fields") {
            let Some(node) = entry.value.get("create") else {
                continue;
            };
            let rules = ctx.destination.custom.as_ref();
            let Some(create) = read(node, &entry.key, rules) else {
                continue;
            };
            let object = ctx.destination_of(to);
            if !allowed(ctx, to, &entry.key, entry.key_span) {
                continue;
            }
            if let Some((_, field)) = object.field(&entry.key) {
                ctx.push(
                    Diagnostic::new(
                        Code::CreateExists,
                        entry.key_span,
                        format!("{} has the field `{}` already", object.name, entry.key),
                    )
                    .related(field.span, "declared here")
                    .hint("remove `create:`"),
                );
                continue;
            }
            let rename = rename_of(&object.name, &entry.key);
            let new = NewField {
                object: to,
                name: &entry.key,
                create,
                rename,
                span: entry.key_span,
            };
            created.add(ctx, destination, new);
        }
    }
    stamps(ctx, mapping, destination, &mut created, &mut rename_of);
    for (entry, used) in renames.iter().zip(renamed) {
        if !used {
            let known: Vec<String> = created
                .fields
                .keys()
                .map(|(o, n)| format!("{}.{n}", ctx.destination_of(*o).name))
                .collect();
            ctx.push(
                Diagnostic::new(
                    Code::RenameUnknown,
                    entry.key_span,
                    format!("the mapping creates no field `{}`", entry.key),
                )
                .did_you_mean(&entry.key, known.iter().map(String::as_str)),
            );
        }
    }
    created
}

/// Reports an object that takes no custom fields.
pub fn allowed(ctx: &mut Ctx<'_>, to: ObjectId, name: &str, span: Span) -> bool {
    let object = ctx.destination_of(to);
    let takes = takes_custom(ctx.destination, object);
    if !takes {
        ctx.push(
            Diagnostic::new(
                Code::NoCustomFields,
                span,
                format!(
                    "`{name}` cannot be created: {} takes no custom fields",
                    object.name
                ),
            )
            .related(object.span, "declared here without `custom:`")
            .hint("put the value into a field or text that the object has"),
        );
    }
    takes
}

/// `stamp:` by source object: source field to the name of a created field.
fn stamps<'m>(
    ctx: &mut Ctx<'_>,
    mapping: &'m Node,
    destination: &mut Platform,
    created: &mut Created,
    rename_of: &mut impl FnMut(&str, &str) -> Option<&'m str>,
) {
    let Some(rules) = ctx.destination.custom.clone() else {
        if let Some(entry) = mapping.entry("stamp") {
            ctx.push(Diagnostic::new(
                Code::NoCustomFields,
                entry.key_span,
                format!(
                    "{} takes no custom fields, so nothing can be stamped",
                    ctx.destination.name
                ),
            ));
        }
        return;
    };
    for object_entry in mapping.get_entries("stamp") {
        let Some(from) = ctx.source_object(&object_entry.key, object_entry.key_span) else {
            continue;
        };
        let headers = ctx.headers.clone();
        let targets: Vec<(usize, ObjectId)> = headers
            .iter()
            .enumerate()
            .filter(|(_, h)| h.from == Some(from))
            .filter_map(|(i, h)| Some((i, h.to?)))
            .filter(|(_, to)| takes_custom(ctx.destination, ctx.destination_of(*to)))
            .collect();
        if targets.is_empty() {
            ctx.push(
                Diagnostic::new(
                    Code::NoCustomFields,
                    object_entry.key_span,
                    format!(
                        "records of {} go to no object that takes custom fields",
                        object_entry.key
                    ),
                )
                .hint("remove the stamp"),
            );
            continue;
        }
        for entry in object_entry.value.entries() {
            let object = ctx.source_of(from);
            let Some((source_field, declared)) = ctx.field(object, &entry.key, entry.key_span)
            else {
                continue;
            };
            ctx.reads(from, source_field);
            let Some(name) = entry.value.text() else {
                continue;
            };
            let (data_type, ops) = as_custom(&rules, declared.data_type);
            let create = Create {
                data_type,
                label: stamp_label(&rules, ctx.source, name),
                values: None,
                max: None,
                scale: None,
            };
            for (header, to) in &targets {
                let destination_object = ctx.destination_of(*to);
                let rename = rename_of(&destination_object.name, name);
                let new = NewField {
                    object: *to,
                    name,
                    create: create.clone(),
                    rename,
                    span: entry.value.span,
                };
                let to_field = created.add(ctx, destination, new);
                if let Some(to_field) = to_field {
                    created.automatic.push(Automatic {
                        header: *header,
                        from: source_field,
                        to: to_field,
                        ops: ops.clone(),
                        transform: Vec::new(),
                        create: Some(create.clone()),
                        span: entry.value.span,
                    });
                }
            }
        }
    }
}

/// `cf_allclients_id` of AllClients becomes "AllClients Id", as far as the name follows from it.
fn stamp_label(rules: &CustomRules, source: &Platform, name: &str) -> String {
    let plain = label_of(rules, name);
    let titled = name
        .strip_prefix(&rules.prefix)
        .and_then(|n| n.strip_prefix(&source.name))
        .map(|rest| format!("{} {}", source.title, words::in_title_case(rest)));
    titled
        .filter(|label| rules.api_name(label) == name)
        .unwrap_or(plain)
}

/// The type a value of this type has in a custom field, and the ops that bring it there: its own type where
/// the destination offers it, else the nearest one that loses nothing.
pub fn as_custom(rules: &CustomRules, data_type: Type) -> (Type, Vec<Op>) {
    let has = |t: Type| rules.custom_type(t).is_some();
    match data_type {
        t if has(t) => (t, Vec::new()),
        Type::DateTime | Type::Date => (
            Type::Text,
            vec![Op::FormatDate {
                format: if data_type == Type::Date {
                    "%Y-%m-%d"
                } else {
                    "%Y-%m-%dT%H:%M:%SZ"
                }
                .to_owned(),
                zone: None,
            }],
        ),
        Type::Tags | Type::List if has(Type::MultiEnum) => (Type::MultiEnum, Vec::new()),
        Type::Tags | Type::List | Type::MultiEnum => {
            (Type::Text, vec![Op::JoinWith("; ".to_owned())])
        }
        Type::Int if has(Type::Decimal) => (Type::Decimal, Vec::new()),
        Type::Bytes if has(Type::Int) => (Type::Int, Vec::new()),
        _ => (Type::Text, Vec::new()),
    }
}
