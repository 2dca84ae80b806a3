//! Reports of what was not loaded: they go into files, hold no references, and take no records from splits.

use crate::{
    check::facts::Facts,
    diag::{Code, Diagnostic, Diagnostics},
    mapping::{Input, Of, SplitTo, Step},
    platform::Connect,
};

pub(super) fn rule(facts: &Facts<'_>, out: &mut Diagnostics) {
    let mapping = facts.mapping;
    for step in mapping.steps.iter().filter(|s| s.of.is_report()) {
        if matches!(mapping.destination.connect, Connect::Http(_)) {
            out.push(
                Diagnostic::new(
                    Code::Report,
                    step.span,
                    format!(
                        "`{}` reports what was not loaded, and {} is no folder of files",
                        step.name, mapping.destination.title
                    ),
                )
                .hint("the run's own report names what was held, merged and dropped"),
            );
            continue;
        }
        for field in &step.fields {
            if field.reference.is_some() {
                out.push(
                    Diagnostic::new(
                        Code::Report,
                        field.span,
                        format!(
                            "`{}` is a report, and reports hold no references",
                            step.name
                        ),
                    )
                    .hint("give the field the type `text`: the report keeps the key as it is"),
                );
            }
            if step.of == Of::Missing && !without_record(&field.input) {
                out.push(
                    Diagnostic::new(
                        Code::Report,
                        field.span,
                        format!(
                            "`{}` reports records that are not there, so they have no fields",
                            step.name
                        ),
                    )
                    .hint("take `outcome.key`, `outcome.records` or a `const`"),
                );
            }
        }
        if step.of == Of::Missing {
            reads_more(step, out);
        }
    }
    for row in mapping.splits.iter().flatten() {
        let SplitTo::Steps(steps) = &row.to else {
            continue;
        };
        for step in steps.iter().filter_map(|s| mapping.steps.get(s.ix())) {
            if step.of.is_report() {
                out.push(
                    Diagnostic::new(
                        Code::Report,
                        row.span,
                        format!("`{}` is a report, and a split sends it nothing", step.name),
                    )
                    .related(step.span, "the report")
                    .hint("say `drop: REASON` here: a report `of: dropped` tells it"),
                );
            }
        }
    }
}

/// True when a value needs no record.
fn without_record(input: &Input) -> bool {
    match input {
        Input::Outcome(_) | Input::Const(_) | Input::Param(_) => true,
        Input::FirstOf(list) => list.iter().all(without_record),
        _ => false,
    }
}

fn reads_more(step: &Step, out: &mut Diagnostics) {
    let at = step
        .joins
        .first()
        .map(|j| j.span)
        .or((!step.lets.is_empty() || !step.guards.is_empty()).then_some(step.span));
    if let Some(span) = at {
        out.push(
            Diagnostic::new(
                Code::Report,
                span,
                format!(
                    "`{}` reports records that are not there: it has no joins, lets or guards",
                    step.name
                ),
            )
            .hint("remove them"),
        );
    }
}
