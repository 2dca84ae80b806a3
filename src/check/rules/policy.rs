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
