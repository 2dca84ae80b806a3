//! How a value becomes a destination record: by the key of a source record, or by a natural key.

use super::{
    kind::{Family, Kind, family},
    scope::Ctx,
};
use crate::{
    diag::{Code, Diagnostic, Span},
    ident::{ObjectId, StepId},
    mapping::RefSource,
    platform::Field,
    spec::Node,
};

/// What an entry says of the records its reference takes.
pub struct Takes<'a> {
    /// The reference field.
    pub field: &'a Field,
    /// The objects it takes here.
    pub objects: &'a [ObjectId],
    /// Only records loaded by these steps count; empty: any.
    pub only: &'a [StepId],
}

/// The way from a value to a record of one of the objects a reference field takes.
pub fn source_of(
    ctx: &mut Ctx<'_>,
    takes: &Takes<'_>,
    kind: &Kind,
    span: Span,
) -> Option<RefSource> {
    let field = takes.field;
    let several = field.reference.as_ref().is_some_and(|r| r.many);
    match &kind.link {
        Some(objects) => by_key(ctx, field, takes.objects, objects, takes.only, span),
        None if several && kind.is_list() => natural(ctx, field, takes.objects, kind, span),
        None if family(kind.data_type) == Family::Text && !kind.is_list() => {
            natural(ctx, field, takes.objects, kind, span)
        }
        None => {
            ctx.push(
                Diagnostic::new(
                    Code::TypeMismatch,
                    span,
                    format!("`{}` is a reference and takes no {}", field.name, kind.shown()),
                )
                .hint("name a reference field or a join of the source, or the text of the record's key"),
            );
            None
        }
    }
}

/// The same for an entry that says nothing more than its value.
pub fn by_declaration(
    ctx: &mut Ctx<'_>,
    field: &Field,
    kind: &Kind,
    span: Span,
) -> Option<RefSource> {
    let objects = field.reference.as_ref().map_or(&[][..], |r| &r.to);
    let takes = Takes {
        field,
        objects,
        only: &[],
    };
    source_of(ctx, &takes, kind, span)
}

/// The destination object that `object:` names: one of those the reference takes.
pub fn named(ctx: &mut Ctx<'_>, field: &Field, node: &Node) -> Option<ObjectId> {
    let name = node.text()?;
    let takes = field.reference.as_ref().map_or(&[][..], |r| &r.to);
    let found = takes
        .iter()
        .find(|o| ctx.destination_of(**o).name == name)
        .copied();
    if found.is_none() {
        let names: Vec<String> = takes
            .iter()
            .map(|o| ctx.destination_of(*o).name.clone())
            .collect();
        ctx.push(
            Diagnostic::new(
                Code::ReferenceKind,
                node.span,
                format!(
                    "`{}` takes {}, and not {name}",
                    field.name,
                    names.join(" or ")
                ),
            )
            .related(field.span, "the reference is declared here")
            .did_you_mean(name, names.iter().map(String::as_str)),
        );
    }
    found
}

fn by_key(
    ctx: &mut Ctx<'_>,
    field: &Field,
    takes: &[ObjectId],
    objects: &[ObjectId],
    only: &[StepId],
    span: Span,
) -> Option<RefSource> {
    for object in objects {
        ctx.uses.objects.insert(*object);
        let name = &ctx.source_of(*object).name;
        let steps: Vec<(String, ObjectId)> = ctx
            .headers
            .iter()
            .filter(|h| h.from == Some(*object) && !h.of.is_report())
            .filter(|h| only.is_empty() || h.id.is_some_and(|id| only.contains(&id)))
            .filter_map(|h| Some((h.name.clone(), h.to?)))
            .collect();
        let loads = |h: &super::scope::Header| h.from == Some(*object) && !h.of.is_report();
        if !ctx.headers.iter().any(loads) {
            ctx.push(
                Diagnostic::new(
                    Code::ReferenceUnloaded,
                    span,
                    format!(
                        "`{}` needs records of {name}, and no object mapping loads them",
                        field.name
                    ),
                )
                .hint(format!("add an object mapping with `from: {name}`")),
            );
            return None;
        }
        let fits = |to: &ObjectId| takes.contains(to);
        let words = takes
            .iter()
            .map(|o| ctx.destination_of(*o).name.as_str())
            .collect::<Vec<_>>()
            .join(" or ");
        if !steps.iter().any(|(_, to)| fits(to)) {
            let there = steps
                .iter()
                .map(|(_, to)| ctx.destination_of(*to).name.as_str())
                .collect::<Vec<_>>()
                .join(" and ");
            let message = if steps.is_empty() {
                format!("`only:` leaves no object mapping that loads records of {name}")
            } else {
                format!(
                    "`{}` takes {words}, and records of {name} become {there}",
                    field.name
                )
            };
            ctx.push(
                Diagnostic::new(Code::ReferenceKind, span, message)
                    .related(field.span, "the reference is declared here"),
            );
            return None;
        }
        let strays: Vec<&str> = steps
            .iter()
            .filter(|(_, to)| !fits(to))
            .map(|(s, _)| s.as_str())
            .collect();
        if !strays.is_empty() {
            let good: Vec<&str> = steps
                .iter()
                .filter(|(_, to)| fits(to))
                .map(|(s, _)| s.as_str())
                .collect();
            let finding = Diagnostic::new(
                Code::PartlyReferable,
                span,
                format!(
                    "records of {name} that go to `{}` cannot stand in `{}`",
                    strays.join("`, `"),
                    field.name
                ),
            )
            .hint(format!(
                "say `only: [{}]`, and what a missing one does: `missing: blank`",
                good.join(", ")
            ));
            ctx.push(finding);
        }
    }
    Some(RefSource::SourceKey(objects.to_vec()))
}

fn natural(
    ctx: &mut Ctx<'_>,
    field: &Field,
    takes: &[ObjectId],
    kind: &Kind,
    span: Span,
) -> Option<RefSource> {
    let [object] = takes else {
        ctx.push(
            Diagnostic::new(
                Code::NoNaturalKey,
                span,
                format!(
                    "`{}` takes records of several objects, and a {} does not say of which",
                    field.name,
                    kind.shown()
                ),
            )
            .hint("say of which: `object: NAME`; or use a reference field or a join of the source"),
        );
        return None;
    };
    let target = ctx.destination_of(*object);
    if !target.keys.iter().any(|k| k.by.len() == 1) {
        ctx.push(
            Diagnostic::new(
                Code::NoNaturalKey,
                span,
                format!(
                    "{} has no key of a single field, so a {} finds none of its records",
                    target.name,
                    kind.shown()
                ),
            )
            .related(target.span, "declared here")
            .hint("use a reference field or a join of the source"),
        );
        return None;
    }
    Some(RefSource::NaturalKey(*object))
}
