//! What does not load: `handoff:`, `ignore:`, `page:` and `tests:`.

use super::{
    facts::Ignored,
    scope::{Ctx, Scope},
    when,
};
use crate::{
    diag::{Code, Diagnostic, Span},
    ident::{FieldId, ObjectId},
    mapping::{Advice, Handoff, PageRow, TestCase},
    spec::Node,
};
use std::collections::{BTreeMap, BTreeSet};

/// Reads `handoff:`.
pub fn handoffs(ctx: &mut Ctx<'_>, mapping: &Node) -> Vec<Handoff> {
    let mut out = Vec::new();
    for entry in mapping.get_entries("handoff") {
        let node = &entry.value;
        let Some(from) = node
            .get("from")
            .and_then(|n| ctx.source_object(n.text().unwrap_or(""), n.span))
        else {
            continue;
        };
        ctx.uses.objects.insert(from);
        let mut scope = Scope::of(from);
        let condition = node.get("when").map(|w| when::lower(ctx, &mut scope, w));
        let declared = ctx.source_of(from);
        let mut show = Vec::new();
        for item in node.get_items("show") {
            if let Some((field, _)) = ctx.field(declared, item.text().unwrap_or(""), item.span) {
                ctx.reads(from, field);
                show.push(field);
            }
        }
        if matches!(condition, Some(None)) {
            continue;
        }
        out.push(Handoff {
            name: entry.key.clone(),
            from,
            when: condition.flatten(),
            show,
            say: node.get_text("say").map(str::to_owned),
            advise: advice(ctx, from, node),
        });
    }
    out
}

/// Reads `advise:` of a hand-off.
fn advice(ctx: &mut Ctx<'_>, from: ObjectId, handoff: &Node) -> Option<Advice> {
    let node = handoff.get("advise")?;
    let by = node.get("from")?;
    let declared = ctx.source_of(from);
    let (field, _) = ctx.field(declared, by.text().unwrap_or(""), by.span)?;
    ctx.reads(from, field);
    Some(Advice {
        from: field,
        rows: node
            .get_entries("rows")
            .iter()
            .map(|e| (e.key.clone(), e.value.text().unwrap_or("").to_owned()))
            .collect(),
        other: node.get_text("other").map(str::to_owned),
    })
}

/// What `ignore:` leaves out.
#[derive(Default)]
pub struct Left {
    /// Fields with their reasons.
    pub fields: Vec<(ObjectId, FieldId, String)>,
    /// Where each stands.
    pub places: Vec<Ignored>,
    /// Whole objects.
    pub objects: Vec<(ObjectId, Span)>,
    /// Whole objects with their reasons.
    pub reasons: Vec<(ObjectId, String)>,
}

/// Reads `ignore:`.
pub fn ignored(ctx: &mut Ctx<'_>, mapping: &Node) -> Left {
    let mut left = Left::default();
    for entry in mapping.get_entries("ignore") {
        let Some(object) = ctx.source_object(&entry.key, entry.key_span) else {
            continue;
        };
        if entry.value.is_null() || entry.value.text().is_some() {
            let why = reason(ctx, &entry.value, &entry.key, entry.key_span);
            left.reasons.push((object, why));
            left.objects.push((object, entry.key_span));
            continue;
        }
        for field_entry in entry.value.entries() {
            let declared = ctx.source_of(object);
            let why = reason(
                ctx,
                &field_entry.value,
                &field_entry.key,
                field_entry.key_span,
            );
            if let Some((field, _)) = ctx.field(declared, &field_entry.key, field_entry.key_span) {
                left.fields.push((object, field, why));
                left.places.push(Ignored {
                    object,
                    field,
                    span: field_entry.key_span,
                });
            }
        }
    }
    left
}

/// The reason of something left out; a missing one is a finding.
pub fn reason(ctx: &mut Ctx<'_>, node: &Node, name: &str, span: Span) -> String {
    let why = node.text().unwrap_or("").trim().to_owned();
    if why.is_empty() {
        ctx.push(
            Diagnostic::new(
                Code::NoReason,
                span,
                format!("`{name}` is left out without a reason"),
            )
            .hint("write why, in a few words; it is printed on the pair page"),
        );
    }
    why
}

/// Reads `page:`. Each row must be bound to something that exists.
pub fn page(ctx: &mut Ctx<'_>, mapping: &Node) -> Vec<PageRow> {
    let mut out: Vec<PageRow> = Vec::new();
    let mut gone: BTreeSet<String> = BTreeSet::new();
    let rows = mapping
        .get("page")
        .map(|p| p.get_items("rows"))
        .unwrap_or_default();
    for node in rows {
        let text = |key: &str| node.get_text(key).unwrap_or("").to_owned();
        let id = text("id");
        let span = node.get("id").map_or(node.span, |n| n.span);
        if let Some(other) = out.iter().find(|r| r.id == id) {
            ctx.push(
                Diagnostic::new(
                    Code::DuplicateTest,
                    span,
                    format!("there are two rows `{id}`"),
                )
                .related(other.span, "the other row"),
            );
        }
        let mut by = Vec::new();
        for item in node.get_items("by") {
            let named = item.text().unwrap_or("");
            if names_something(mapping, named) {
                by.push(named.to_owned());
                continue;
            }
            // Rows bound to parts of one thing that is gone have one cause.
            let whole: Vec<&str> = named.splitn(3, '.').take(2).collect();
            let whole = whole.join(".");
            if names_something(mapping, &whole) || gone.insert(whole) {
                ctx.push(
                    Diagnostic::new(
                        Code::PageRowNamesNothing,
                        item.span,
                        format!("the row {id} is bound to `{named}`, which does not exist"),
                    )
                    .hint("bind it to `objects.NAME`, `objects.NAME.FIELD`, `splits.OBJECT`, `merge.OBJECT`, `stamp.OBJECT`, `value_maps.NAME`, `handoff.NAME` or `migration.custom_fields`"),
                );
            }
        }
        out.push(PageRow {
            id,
            source: text("source"),
            destination: text("destination"),
            cardinality: text("cardinality"),
            support: text("support"),
            note: node.get_text("note").map(str::to_owned),
            by,
            span,
        });
    }
    out
}

/// True when a dotted path names a part of the mapping, or of migrations in general.
fn names_something(mapping: &Node, path: &str) -> bool {
    let parts: Vec<&str> = path.split('.').collect();
    match parts.as_slice() {
        ["migration", "custom_fields"] => true,
        [
            part @ ("splits" | "merge" | "stamp" | "value_maps" | "handoff" | "objects"),
            name,
        ] => mapping.get(part).is_some_and(|p| p.entry(name).is_some()),
        ["objects", name, field] => mapping
            .get("objects")
            .and_then(|o| o.get(name))
            .is_some_and(|step| {
                ["fields", "join", "let"]
                    .iter()
                    .any(|k| step.get(k).is_some_and(|f| f.entry(field).is_some()))
            }),
        _ => false,
    }
}

/// Reads `tests:` as far as names go; they run later.
pub fn tests(ctx: &mut Ctx<'_>, mapping: &Node) -> Vec<TestCase> {
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    let mut out = Vec::new();
    for node in mapping.get_items("tests") {
        let name_node = node.get("name");
        let name = name_node.and_then(Node::text).unwrap_or("").to_owned();
        let span = name_node.map_or(node.span, |n| n.span);
        if let Some(other) = seen.insert(name.clone(), span) {
            ctx.push(
                Diagnostic::new(
                    Code::DuplicateTest,
                    span,
                    format!("there are two tests named `{name}`"),
                )
                .related(other, "the other test"),
            );
        }
        if let Some(of) = node.get("of") {
            let known =
                |n: &str| ctx.source.object(n).is_some() || ctx.headers.iter().any(|h| h.name == n);
            if !known(of.text().unwrap_or("")) {
                names_nothing(ctx, of.span, of.text().unwrap_or(""), Names::Either);
            }
        }
        for (key, names) in [
            ("given", Names::Source),
            ("destination", Names::Destination),
        ] {
            for entry in node.get_entries(key) {
                records(ctx, &entry.key, entry.key_span, &entry.value, names);
            }
        }
        for entry in node.get_entries("expect") {
            if matches!(
                entry.key.as_str(),
                "held" | "dropped" | "reassign" | "merged" | "handoff"
            ) {
                for item in entry.value.items() {
                    let Some(step) = item.get("step") else {
                        continue;
                    };
                    if !ctx
                        .headers
                        .iter()
                        .any(|h| Some(h.name.as_str()) == step.text())
                    {
                        names_nothing(ctx, step.span, step.text().unwrap_or(""), Names::Step);
                    }
                }
            } else if !ctx.headers.iter().any(|h| h.name == entry.key) {
                names_nothing(ctx, entry.key_span, &entry.key, Names::Step);
            }
        }
        out.push(TestCase { name, span });
    }
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    Source,
    Destination,
    Step,
    Either,
}

/// Records of a test: their object and fields must exist.
fn records(ctx: &mut Ctx<'_>, object: &str, span: Span, list: &Node, names: Names) {
    let platform = if names == Names::Source {
        ctx.source
    } else {
        ctx.destination
    };
    let Some((_, declared)) = platform.object(object) else {
        names_nothing(ctx, span, object, names);
        return;
    };
    for record in list.items() {
        for entry in record.entries() {
            // A test may use columns that only a customer has; those are named as the migration names them.
            if declared.field(&entry.key).is_none() && !declared.custom_columns {
                ctx.push(
                    Diagnostic::new(
                        Code::TestNamesNothing,
                        entry.key_span,
                        format!("{object} has no field `{}`", entry.key),
                    )
                    .did_you_mean(&entry.key, declared.fields.iter().map(|f| f.name.as_str())),
                );
            }
        }
    }
}

fn names_nothing(ctx: &mut Ctx<'_>, span: Span, name: &str, names: Names) {
    // A source object that the mapping itself looked for in vain has its finding.
    let message = format!("{} (source) has no object `{name}`", ctx.source.name);
    if names == Names::Source && ctx.out.has(Code::UnknownObject, &message) {
        return;
    }
    let objects = |p: &crate::platform::Platform| {
        p.objects.iter().map(|o| o.name.clone()).collect::<Vec<_>>()
    };
    let steps: Vec<String> = ctx.headers.iter().map(|h| h.name.clone()).collect();
    let (what, known) = match names {
        Names::Source => ("source object", objects(ctx.source)),
        Names::Destination => ("destination object", objects(ctx.destination)),
        Names::Step => ("object mapping", steps),
        Names::Either => (
            "object or object mapping",
            [objects(ctx.source), steps].concat(),
        ),
    };
    ctx.push(
        Diagnostic::new(
            Code::TestNamesNothing,
            span,
            format!("there is no {what} `{name}`"),
        )
        .did_you_mean(name, known.iter().map(String::as_str)),
    );
}
