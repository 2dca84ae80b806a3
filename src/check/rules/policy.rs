//! `found:`, `absent:` and `match:` must go together.

use crate::{
    check::facts::Facts,
    diag::{Code, Diagnostic, Diagnostics},
    mapping::{Absent, Found},
    platform::Creation,
};

pub(super) fn rule(facts: &Facts<'_>, out: &mut Diagnostics) {
    for (step, known) in facts.mapping.steps.iter().zip(facts.steps) {
        let object = &facts.mapping.destination.objects[step.to.ix()];
        if known.matched.is_none() {
            if let Some(span) = known.found {
                out.push(
                    Diagnostic::new(
                        Code::FoundAbsent,
                        span,
                        "`found:` without `match:`: no record can be found",
                    )
                    .hint("add `match:`, or remove `found:`"),
                );
            }
            if let Some(span) = known.absent.filter(|_| step.absent != Absent::Create) {
                out.push(
                    Diagnostic::new(
                        Code::FoundAbsent,
                        span,
                        "without `match:` no record can be found, so this would be every record",
                    )
                    .hint("add `match:`, or say `absent: create`"),
                );
            }
        }
        let creates = matches!(step.absent, Absent::Create | Absent::Placeholder(_));
        if step.later_reassign
            && !matches!(step.absent, Absent::Fallback(_) | Absent::Placeholder(_))
        {
            out.push(
                Diagnostic::new(
                    Code::FoundAbsent,
                    known.absent.unwrap_or(step.span),
                    "`later: reassign` without a fallback: there is nothing to reassign",
                )
                .hint("say `absent: {fallback: {…}}`, or remove `later:`"),
            );
        }
        if let Absent::Fallback(keys) = &step.absent {
            let fields: Vec<_> = keys.iter().map(|k| k.field).collect();
            let same = |by: &[crate::ident::FieldId]| {
                by.len() == fields.len() && by.iter().all(|f| fields.contains(f))
            };
            let matched = |k: &crate::mapping::MatchKey| {
                same(&k.pairs.iter().map(|(f, _)| *f).collect::<Vec<_>>())
            };
            if !object.keys.iter().any(|k| same(&k.by)) && !step.match_keys.iter().any(matched) {
                out.push(
                    Diagnostic::new(
                        Code::FoundAbsent,
                        known.absent.unwrap_or(step.span),
                        format!(
                            "the fallback is no key of {}: it does not say which record",
                            object.name
                        ),
                    )
                    .hint("name the fields of a key, as in `match:`"),
                );
            }
        }
        if let Some(span) = known.written
            && step.found != Found::Update
            && !creates
        {
            out.push(
                Diagnostic::new(
                    Code::NeverWritten,
                    span,
                    format!(
                        "`{}` never writes a record: these fields have no effect",
                        step.name
                    ),
                )
                .hint("say `found: update` or `absent: create`, or remove the fields"),
            );
        }
        if step.absent == Absent::Create && object.create == Creation::ByHand {
            out.push(
                Diagnostic::new(
                    Code::ByHandCreation,
                    known.absent.unwrap_or(step.span),
                    format!("only an admin can create records of {}", object.name),
                )
                .related(object.span, "`create: by_hand` here")
                .hint(
                    "they go to the admin's checklist; a sandbox with `provision: true` makes them",
                ),
            );
        }
    }
}
