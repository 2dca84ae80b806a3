//! Nothing is left behind in silence: every source field is used or ignored with a reason.

use crate::{
    check::facts::Facts,
    diag::{Code, Diagnostic, Diagnostics},
    ident::{FieldId, ObjectId},
    platform::{Field, Object},
    value::Type,
};

pub(super) fn rule(facts: &Facts<'_>, out: &mut Diagnostics) {
    for (ix, object) in facts.mapping.source.objects.iter().enumerate() {
        let Ok(ix) = u16::try_from(ix) else { continue };
        let id = ObjectId(ix);
        let used = facts.ctx.uses.objects.contains(&id);
        if let Some((_, span)) = facts.ignored_objects.iter().find(|(o, _)| *o == id) {
            if used {
                out.push(
                    Diagnostic::new(
                        Code::IgnoredButUsed,
                        *span,
                        format!("{} is ignored as a whole and used", object.name),
                    )
                    .hint("ignore single fields instead"),
                );
            }
            continue;
        }
        ignored_and_used(facts, id, object, out);
        if facts.murky.contains(&id) {
            continue;
        }
        let open: Vec<&str> = open_fields(facts, id, object);
        let keys = object.fields.len() - accountable(object).count();
        if !used && open.len() + keys == object.fields.len() {
            out.push(
                Diagnostic::new(
                    Code::UncoveredObject,
                    facts.source_span,
                    format!("nothing reads records of {}", object.name),
                )
                .related(object.span, "declared here")
                .hint(format!(
                    "map it, hand it off, or leave it out: `ignore: {{{}: REASON}}`",
                    object.name
                )),
            );
        } else if !open.is_empty() {
            let place = facts
                .steps
                .iter()
                .find(|s| s.header.from == Some(id))
                .map_or(facts.source_span, |s| s.header.span);
            let what = if open.len() == 1 { "field" } else { "fields" };
            out.push(
                Diagnostic::new(
                    Code::Uncovered,
                    place,
                    format!(
                        "{} {what} of {} are neither used nor ignored: `{}`",
                        open.len(),
                        object.name,
                        open.join("`, `")
                    ),
                )
                .related(object.span, "declared here")
                .hint(format!(
                    "map them, or leave them out with a reason: `ignore: {{{}: {{{}: REASON}}}}`",
                    object.name, open[0]
                )),
            );
        }
    }
}

/// Fields that someone must account for. Keys are not: the ledger keeps them.
fn accountable(object: &Object) -> impl Iterator<Item = (FieldId, &Field)> {
    object
        .fields
        .iter()
        .enumerate()
        .filter_map(|(i, f)| Some((FieldId(u16::try_from(i).ok()?), f)))
        .filter(|(field, f)| {
            let key = object.rows.as_ref().is_some_and(|r| r.key.contains(field));
            f.data_type != Type::Id && !key
        })
}

/// Fields that nothing accounts for.
fn open_fields<'o>(facts: &Facts<'_>, id: ObjectId, object: &'o Object) -> Vec<&'o str> {
    accountable(object)
        .filter(|(field, _)| {
            let used = facts.ctx.uses.fields.contains(&(id, *field));
            let ignored = facts
                .mapping
                .ignored
                .iter()
                .any(|(o, i, _)| *o == id && i == field);
            !used && !ignored
        })
        .map(|(_, f)| f.name.as_str())
        .collect()
}

fn ignored_and_used(facts: &Facts<'_>, id: ObjectId, object: &Object, out: &mut Diagnostics) {
    for place in facts.ignored.iter().filter(|p| p.object == id) {
        if facts.ctx.uses.fields.contains(&(id, place.field)) {
            let name = &object.fields[place.field.ix()].name;
            out.push(
                Diagnostic::new(
                    Code::IgnoredButUsed,
                    place.span,
                    format!("`{name}` of {} is ignored and used", object.name),
                )
                .hint("remove it from `ignore:`, or stop using it"),
            );
        }
    }
}
