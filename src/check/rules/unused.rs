//! What is declared and never read.

use crate::{
    check::facts::Facts,
    diag::{Code, Diagnostic, Diagnostics},
};

pub(super) fn rule(facts: &Facts<'_>, out: &mut Diagnostics) {
    // A broken entry may be the one that reads it.
    for known in facts.steps.iter().filter(|k| k.broken.is_empty()) {
        for (name, span) in &known.unused_joins {
            out.push(
                Diagnostic::new(
                    Code::UnusedJoin,
                    *span,
                    format!("nothing reads the join `{name}`"),
                )
                .hint("remove it"),
            );
        }
        for (name, span) in &known.unused_lets {
            out.push(
                Diagnostic::new(
                    Code::UnusedLet,
                    *span,
                    format!("nothing reads the let `{name}`"),
                )
                .hint("remove it"),
            );
        }
    }
    for split in facts.splits.iter().filter(|s| !s.broken) {
        for (name, span) in &split.unused_joins {
            out.push(
                Diagnostic::new(
                    Code::UnusedJoin,
                    *span,
                    format!("no row counts the join `{name}`"),
                )
                .hint("remove it"),
            );
        }
    }
    if facts.steps.iter().any(|k| !k.broken.is_empty()) {
        return;
    }
    for (at, (param, span)) in facts.mapping.params.iter().zip(facts.params).enumerate() {
        if !facts.ctx.uses.params.contains(&at) {
            out.push(
                Diagnostic::new(
                    Code::UnusedParam,
                    *span,
                    format!("nothing reads the parameter `{}`", param.name),
                )
                .hint("remove it, here and in the migrations"),
            );
        }
    }
}
