//! `pages` makes several records of one: it must come last, once, and without a match.

use crate::{
    check::facts::Facts,
    diag::{Code, Diagnostic, Diagnostics},
    mapping::Op,
};

pub(super) fn rule(facts: &Facts<'_>, out: &mut Diagnostics) {
    for (step, known) in facts.mapping.steps.iter().zip(facts.steps) {
        let mut first = None;
        for (map, field) in step.fields.iter().zip(&known.fields) {
            for (at, (op, span)) in map.ops.iter().zip(&field.ops).enumerate() {
                if !matches!(op, Op::Pages { .. }) {
                    continue;
                }
                let mut tell = |message: &str, hint: &str| {
                    out.push(Diagnostic::new(Code::OpArgument, *span, message).hint(hint));
                };
                if at + 1 < map.ops.len() {
                    tell("`pages` must be the last op", "put the other ops before it");
                } else if first.is_some() {
                    tell(
                        "`pages` stands in two fields of one object mapping",
                        "spread one text only; cut the other",
                    );
                } else if known.matched.is_some() {
                    tell(
                        "`pages` makes several records, and `match:` knows only one",
                        "remove the match, or cut the text instead",
                    );
                }
                first = Some(*span);
            }
        }
    }
}
