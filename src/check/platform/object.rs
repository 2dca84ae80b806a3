//! One object of a platform file: its fields, keys, rows, views and the records it starts with.

use super::{
    connect::delimiter,
    field::lower_field,
    membership,
    ops::{self, Parts},
    read::{Scope, join, text},
    side,
};
use crate::{
    diag::{Code, Diagnostic},
    ident::FieldId,
    platform::{Creation, CustomRules, Field, Key, Object, Op, OpKind, Rows, Write, words},
    spec::{Entry, Node},
    value::Type,
};

/// What an object needs to know of its platform.
pub(super) struct Around<'a> {
    /// The root of the file.
    pub root: &'a Node,
    /// True for a platform that is read from files.
    pub files: bool,
    /// The rules of custom fields.
    pub custom: Option<&'a CustomRules>,
}

/// An object without what names fields of other objects (`set`, initial references): see [`links`].
pub(super) fn object(entry: &Entry, around: &Around<'_>, scope: &mut Scope<'_>) -> Object {
    let node = &entry.value;
    let fields = fields(node, around, scope);
    let path = text(node, "path").unwrap_or_else(|| entry.key.clone());
    let ops = ops::ops(
        node,
        around.root,
        &Parts {
            name: &entry.key,
            path: &path,
            wrap: node.get_text("wrap"),
            include: node.get_text("include"),
            view_name: node.get_text("view_name"),
            membership: node.get("membership").is_some(),
        },
        &fields,
        scope,
    );
    side::check(entry, &ops, around.files, scope);
    side::parents(&fields, &ops, scope);
    let create = creation(entry, &ops, around, scope);
    let custom = node.get("custom");
    let keys = keys(entry, &fields, scope);
    let membership = membership::membership(entry, &fields, &ops, &keys, scope);
    Object {
        name: entry.key.clone(),
        title: text(node, "title").unwrap_or_else(|| words::in_words(&entry.key)),
        path,
        rows: node
            .get("rows")
            .map(|r| rows(r, &entry.key, &fields, scope)),
        ops,
        create,
        keys,
        membership,
        custom_at: custom.and_then(|c| custom_at(c, around, scope)),
        custom_columns: custom.and_then(|c| c.get_text("columns")) == Some("rest"),
        views: node
            .get_items("views")
            .iter()
            .filter_map(|v| {
                let id = scope.count(v.get("id"))?;
                let name = text(v, "name")?;
                Some((id, name, v.get_text("of") == Some("deleted")))
            })
            .collect(),
        filters: node
            .get_entries("filters")
            .iter()
            .map(|e| (e.key.clone(), values(&entry.key, &fields, &e.value, scope)))
            .collect(),
        rows_max: scope.tiered(node.get("rows_max")),
        initial: node
            .get_items("initial")
            .iter()
            .map(|row| initial(&entry.key, &fields, row, scope))
            .collect(),
        fields,
        span: entry.key_span,
    }
}

fn fields(node: &Node, around: &Around<'_>, scope: &mut Scope<'_>) -> Vec<Field> {
    let entries = node.get_entries("fields");
    if entries.len() > usize::from(u16::MAX) {
        scope.fault(
            Code::PlatformSize,
            node.span,
            format!("{} fields are more than an object can have", entries.len()),
        );
    }
    let fields: Vec<Field> = entries
        .iter()
        .take(usize::from(u16::MAX))
        .map(|e| lower_field(e, scope.objects, scope.diags))
        .collect();
    for (i, field) in fields.iter().enumerate() {
        let entry = &entries[i];
        check_paths(&fields[..i], field, entry, scope);
        if !around.files
            && let Some(reference) = &field.reference
            && reference.to.len() > 1
            && reference.kind_path.is_none()
            && reference.item_kind.is_none()
        {
            scope.diags.push(
                Diagnostic::new(
                    Code::PlatformKinds,
                    field.span,
                    format!(
                        "`{}` may point to several objects, and nothing says to which",
                        field.name
                    ),
                )
                .hint("add `kind_path` and `kinds`"),
            );
        }
    }
    fields
}

/// No two fields may stand at one place, and none below another that is written.
fn check_paths(before: &[Field], field: &Field, entry: &Entry, scope: &mut Scope<'_>) {
    let node = &entry.value;
    let at = node.get("path").map_or(entry.key_span, |n| n.span);
    for other in before {
        let same = other.path == field.path
            || other.aliases.contains(&field.path)
            || field
                .aliases
                .iter()
                .any(|a| *a == other.path || other.aliases.contains(a));
        let written = other.write != Write::Never && field.write != Write::Never;
        let nested =
            written && (below(&other.path, &field.path) || below(&field.path, &other.path));
        if same || nested {
            let how = if same {
                "stands at the same place as"
            } else {
                "stands within, or holds,"
            };
            scope.diags.push(
                Diagnostic::new(
                    Code::PlatformPath,
                    at,
                    format!("`{}` {how} `{}`", field.name, other.name),
                )
                .related(other.span, "the other field"),
            );
        }
    }
}

/// True when dotted path `inner` lies below `outer`.
fn below(inner: &str, outer: &str) -> bool {
    inner
        .strip_prefix(outer)
        .is_some_and(|rest| rest.starts_with('.'))
}

fn creation(entry: &Entry, ops: &[Op], around: &Around<'_>, scope: &mut Scope<'_>) -> Creation {
    let creates = ops
        .iter()
        .any(|o| matches!(o.kind, OpKind::Create | OpKind::Upsert | OpKind::BulkUpsert));
    let by_hand = entry.value.entry("create");
    if let Some(e) = by_hand
        && creates
    {
        scope.fault(
            Code::PlatformOp,
            e.key_span,
            "`create: by_hand`, and an operation that creates records",
        );
    }
    if around.files || creates {
        Creation::Api
    } else {
        Creation::ByHand
    }
}

fn custom_at(node: &Node, around: &Around<'_>, scope: &mut Scope<'_>) -> Option<String> {
    if let Some(e) = node.entry("columns")
        && !around.files
    {
        scope.fault(
            Code::PlatformCustom,
            e.key_span,
            "`columns` are a matter of files, and this platform is an HTTP API",
        );
    }
    let get = node.entry("get")?;
    if around.custom.is_none() {
        scope.diags.push(
            Diagnostic::new(
                Code::PlatformCustom,
                get.key_span,
                "the object takes custom fields, and the platform does not say how they work",
            )
            .hint("add `custom_fields:` to the file"),
        );
    }
    get.value.text().map(str::to_owned)
}

fn rows(node: &Node, object: &str, fields: &[Field], scope: &mut Scope<'_>) -> Rows {
    let file = text(node, "file").unwrap_or_default();
    let format = match node.get_text("format") {
        Some(format) => format.to_owned(),
        None => match Rows::format_of(&file) {
            Some(format) => format.to_owned(),
            None => {
                if let Some(at) = node.get("file") {
                    scope.diags.push(
                        Diagnostic::new(
                            Code::PlatformRows,
                            at.span,
                            format!("the name `{file}` does not show the format"),
                        )
                        .hint("add `format: csv`, `jsonl` or `xlsx`"),
                    );
                }
                "csv".to_owned()
            }
        },
    };
    if let Some(e) = node.entry("sheet")
        && format != "xlsx"
    {
        scope.fault(
            Code::PlatformRows,
            e.key_span,
            format!("a {format} file has no sheets"),
        );
    }
    let key: Vec<FieldId> = node
        .get_items("key")
        .iter()
        .filter_map(|n| scope.field(object, fields, n.text()?, n.span))
        .collect();
    let hash = node.get_bool("hash_key").unwrap_or(false);
    match (node.entry("key"), hash) {
        (Some(e), true) => scope.fault(
            Code::PlatformRows,
            e.key_span,
            "both `key` and `hash_key`: a row is known by one or the other",
        ),
        (None, false) => scope.diags.push(
            Diagnostic::new(
                Code::PlatformRows,
                node.span,
                "nothing says what identifies a row",
            )
            .hint("add `key: [field]`, or `hash_key: true` where no column does"),
        ),
        _ => {}
    }
    Rows {
        file,
        format,
        sheet: text(node, "sheet"),
        key,
        encoding: text(node, "encoding"),
        delimiter: delimiter(node, scope),
    }
}

fn keys(entry: &Entry, fields: &[Field], scope: &mut Scope<'_>) -> Vec<Key> {
    entry
        .value
        .get_items("keys")
        .iter()
        .filter_map(|node| {
            let by: Vec<FieldId> = node
                .get_items("by")
                .iter()
                .filter_map(|n| scope.field(&entry.key, fields, n.text()?, n.span))
                .collect();
            let compares = |word: &str| {
                node.get_items("compare")
                    .iter()
                    .any(|n| n.text() == Some(word))
            };
            (!by.is_empty()).then(|| Key {
                by,
                trim: compares("trim"),
                lower: compares("lower"),
            })
        })
        .collect()
}

fn values(
    object: &str,
    fields: &[Field],
    node: &Node,
    scope: &mut Scope<'_>,
) -> Vec<(FieldId, String)> {
    node.entries()
        .iter()
        .filter_map(|e| {
            let field = scope.field(object, fields, &e.key, e.key_span)?;
            Some((field, e.value.text()?.to_owned()))
        })
        .collect()
}

fn initial(
    object: &str,
    fields: &[Field],
    node: &Node,
    scope: &mut Scope<'_>,
) -> Vec<(FieldId, String)> {
    let row = values(object, fields, node, scope);
    for e in node.entries() {
        let Some(field) = fields.iter().find(|f| f.name == e.key) else {
            continue;
        };
        let Some(found) = e.value.text() else {
            continue;
        };
        let fits = match field.data_type {
            Type::Int => found.parse::<i64>().is_ok(),
            Type::Decimal => found.parse::<rust_decimal::Decimal>().is_ok(),
            Type::Bool => matches!(found, "true" | "false"),
            _ => true,
        };
        if !fits {
            scope.fault(
                Code::PlatformInitial,
                e.value.span,
                format!("`{found}` is no {}", field.data_type.name()),
            );
        }
        if let Some(values) = &field.values
            && !values.iter().any(|v| v == found)
        {
            scope.fault(
                Code::PlatformInitial,
                e.value.span,
                format!("`{found}` is not among the choices of `{}`", field.name),
            );
        }
    }
    let missing: Vec<&str> = fields
        .iter()
        .filter(|f| f.required && node.get(&f.name).is_none())
        .map(|f| f.name.as_str())
        .collect();
    if !missing.is_empty() {
        scope.fault(
            Code::PlatformInitial,
            node.span,
            format!("a record needs {}", join(&missing)),
        );
    }
    row
}

/// What names fields and records of other objects: `set`, and references in `initial`.
pub(super) fn links(entry: &Entry, object: &Object, all: &[Object], scope: &mut Scope<'_>) {
    for (field, e) in object.fields.iter().zip(entry.value.get_entries("fields")) {
        if let (Some(set), Some(at)) = (&field.set, e.value.get("set")) {
            check_set(set, at, object, all, scope);
        }
    }
    for (row, node) in object.initial.iter().zip(entry.value.get_items("initial")) {
        for (field, found) in row {
            let field = &object.fields[field.ix()];
            let Some(reference) = &field.reference else {
                continue;
            };
            let known = reference
                .to
                .iter()
                .filter_map(|o| all.get(o.ix()))
                .any(|o| {
                    let key = o.keys.first().map_or(&[][..], |k| k.by.as_slice());
                    o.initial
                        .iter()
                        .flatten()
                        .any(|(f, text)| key.contains(f) && text == found)
                });
            if !known {
                scope.fault(
                    Code::PlatformInitial,
                    node.get(&field.name).map_or(node.span, |n| n.span),
                    format!("`{found}` is no record of a new account"),
                );
            }
        }
    }
}

fn check_set(set: &str, at: &Node, object: &Object, all: &[Object], scope: &mut Scope<'_>) {
    if matches!(set, "created" | "updated") {
        return;
    }
    if let Some(name) = set.strip_prefix("when ") {
        scope.field(&object.name, &object.fields, name.trim(), at.span);
        return;
    }
    if set.contains('{') {
        for place in ops::places(set) {
            scope.field(&object.name, &object.fields, place, at.span);
        }
        return;
    }
    let Some((name, member)) = set.split_once('.') else {
        scope.diags.push(
            Diagnostic::new(
                Code::PlatformField,
                at.span,
                format!("`{set}` does not say what the server sets"),
            )
            .hint("write `created`, `updated`, `when field`, `reference.field`, or a text with `{field}`"),
        );
        return;
    };
    let Some(id) = scope.field(&object.name, &object.fields, name, at.span) else {
        return;
    };
    let field = &object.fields[id.ix()];
    match field.reference.as_ref().and_then(|r| r.to.first()) {
        Some(to) => {
            if let Some(target) = all.get(to.ix()) {
                scope.field(&target.name, &target.fields, member, at.span);
            }
        }
        None => scope.fault(
            Code::PlatformReference,
            at.span,
            format!("`{name}` is no reference"),
        ),
    }
}
