//! `after:` must not lead back to itself.

use crate::{
    check::facts::Facts,
    diag::{Code, Diagnostic, Diagnostics},
};

pub(super) fn rule(facts: &Facts<'_>, out: &mut Diagnostics) {
    let steps = &facts.mapping.steps;
    let mut told = vec![false; steps.len()];
    for start in 0..steps.len() {
        let Some(path) = back_to(facts, start) else {
            continue;
        };
        if path.iter().any(|s| told[*s]) {
            continue;
        }
        for s in &path {
            told[*s] = true;
        }
        let names: Vec<&str> = path
            .iter()
            .chain([&start])
            .map(|s| steps[*s].name.as_str())
            .collect();
        let span = facts.steps[start]
            .after
            .first()
            .copied()
            .unwrap_or(steps[start].span);
        out.push(
            Diagnostic::new(
                Code::AfterCycle,
                span,
                format!("`after:` goes round in a circle: {}", names.join(" after ")),
            )
            .hint("remove one of them; order that references show needs no `after:`"),
        );
    }
}

/// The way from a step along `after:` back to itself.
fn back_to(facts: &Facts<'_>, start: usize) -> Option<Vec<usize>> {
    let steps = &facts.mapping.steps;
    let mut seen = vec![false; steps.len()];
    let mut stack = vec![vec![start]];
    while let Some(path) = stack.pop() {
        let last = *path.last()?;
        for next in steps[last].after.iter().map(|s| s.ix()) {
            if next == start {
                return Some(path);
            }
            if next < steps.len() && !seen[next] {
                seen[next] = true;
                let mut longer = path.clone();
                longer.push(next);
                stack.push(longer);
            }
        }
    }
    None
}
