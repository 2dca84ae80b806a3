//! Splits: complete, exclusive, without rows that nothing reaches.

use super::cover::{Cover, Space};
use crate::{
    check::facts::Facts,
    diag::{Code, Diagnostic, Diagnostics},
    ident::{ObjectId, StepId},
    mapping::SplitTo,
};

pub(super) fn rule(facts: &Facts<'_>, out: &mut Diagnostics) {
    for ix in 0..facts.mapping.source.objects.len() {
        let Ok(id) = u16::try_from(ix).map(ObjectId) else {
            continue;
        };
        if facts.splits[ix].span.is_some() {
            rows(facts, id, out);
            steps(facts, id, out);
        } else {
            unsplit(facts, id, out);
        }
    }
}

fn rows(facts: &Facts<'_>, id: ObjectId, out: &mut Diagnostics) {
    let rows = &facts.mapping.splits[id.ix()];
    let known = &facts.splits[id.ix()];
    let object = &facts.mapping.source.objects[id.ix()];
    let rest = rows.iter().position(|r| r.when.is_none());
    match rest {
        None if !known.broken => {
            if let Some(span) = known.span {
                out.push(
                    Diagnostic::new(
                        Code::SplitNoElse,
                        span,
                        format!(
                            "the split of {} does not say where the other records go",
                            object.name
                        ),
                    )
                    .hint("end it with `{else: [STEP]}`, or `{else: {drop: REASON}}`"),
                );
            }
        }
        Some(at) => {
            for row in &rows[at + 1..] {
                out.push(
                    Diagnostic::new(
                        Code::SplitAfterElse,
                        row.span,
                        "no record comes here: the row before takes all others",
                    )
                    .related(rows[at].span, "`else` stands here")
                    .hint("put `else` last"),
                );
            }
        }
        None => {}
    }
    let space = Space::of(object);
    let mut before = Cover::none();
    for row in &rows[..rest.unwrap_or(rows.len())] {
        let Some(when) = &row.when else { continue };
        let here = space.of_condition(when);
        if here.is_empty(&space) {
            out.push(
                Diagnostic::new(
                    Code::SplitDeadRow,
                    row.span,
                    "no record comes here: the condition contradicts itself",
                )
                .hint("mend the condition, or remove the row"),
            );
        } else if here.within(&before, &space) {
            out.push(
                Diagnostic::new(
                    Code::SplitDeadRow,
                    row.span,
                    "no record comes here: the rows before take all of them",
                )
                .hint("put this row further up, or remove it"),
            );
        }
        before.add(here);
    }
    if let Some(at) = rest
        && !known.broken
        && before.is_all(&space)
    {
        out.push(
            Diagnostic::new(
                Code::ElseUnreachable,
                rows[at].span,
                "no record comes here: the rows before take every value there is",
            )
            .hint("let `else` stand for what is not expected: `{else: {drop: REASON}}`"),
        );
    }
}

/// Every step of a split object must be named, and no record may go twice to one object.
fn steps(facts: &Facts<'_>, id: ObjectId, out: &mut Diagnostics) {
    let rows = &facts.mapping.splits[id.ix()];
    let object = &facts.mapping.source.objects[id.ix()];
    let named = |step: StepId| {
        rows.iter()
            .any(|r| matches!(&r.to, SplitTo::Steps(list) if list.contains(&step)))
    };
    if !facts.splits[id.ix()].broken {
        for (step, known) in facts.mapping.steps_from(id) {
            if !named(step) && !known.of.is_report() {
                out.push(
                    Diagnostic::new(
                        Code::SplitMissing,
                        known.span,
                        format!(
                            "no row of the split of {} names `{}`",
                            object.name, known.name
                        ),
                    )
                    .hint("name it in a row, or remove it"),
                );
            }
        }
    }
    for row in rows {
        let SplitTo::Steps(list) = &row.to else {
            continue;
        };
        for (i, step) in list.iter().enumerate() {
            let to = |s: &StepId| facts.mapping.steps.get(s.ix()).map(|s| s.to);
            if let Some(other) = list[..i].iter().find(|s| to(s) == to(step)) {
                shared(facts, *other, *step, row.span, out);
            }
        }
    }
}

/// Without a split every step of the object takes every record.
fn unsplit(facts: &Facts<'_>, id: ObjectId, out: &mut Diagnostics) {
    let loads = |(_, s): &(StepId, &crate::mapping::Step)| !s.of.is_report();
    let steps: Vec<_> = facts.mapping.steps_from(id).filter(loads).collect();
    for (i, (step, known)) in steps.iter().enumerate() {
        if let Some((other, _)) = steps[..i].iter().find(|(_, s)| s.to == known.to) {
            shared(facts, *other, *step, known.span, out);
        }
    }
}

fn shared(
    facts: &Facts<'_>,
    first: StepId,
    second: StepId,
    span: crate::diag::Span,
    out: &mut Diagnostics,
) {
    let (a, b) = (
        &facts.mapping.steps[first.ix()],
        &facts.mapping.steps[second.ix()],
    );
    out.push(
        Diagnostic::new(
            Code::SharedDestination,
            span,
            format!(
                "`{}` and `{}` both load each record of {} into {}",
                a.name,
                b.name,
                facts.mapping.source.objects[a.from.ix()].name,
                facts.mapping.destination.objects[a.to.ix()].name
            ),
        )
        .related(a.span, "the other object mapping")
        .hint("divide the records with `splits:`, or make one object mapping of the two"),
    );
}
