//! `transload holds list`: what is held, and why.

use crate::{
    cli::{
        args::{Holds, HoldsAction, HoldsFormat, HoldsList},
        commands::open_view,
        exit::{Exit, Failure},
        out,
    },
    report::holds,
};
use std::collections::BTreeSet;

/// Lists holds.
///
/// # Errors
/// When there is no ledger or it cannot be read.
pub fn run(args: &Holds) -> Result<Exit, Failure> {
    let HoldsAction::List(HoldsList {
        migration,
        code,
        step,
        format,
    }) = &args.action;
    let view = open_view(migration)?;
    let mut rows = Vec::new();
    view.each_hold(step.as_deref(), |hold| {
        if code.as_ref().is_none_or(|c| *c == hold.code) {
            rows.push(hold);
        }
    })
    .map_err(|e| Failure::new(Exit::Temporary, e.to_string()))?;
    if rows.is_empty() {
        let reasons = view
            .hold_reasons()
            .map_err(|e| Failure::new(Exit::Temporary, e.to_string()))?;
        let (steps, codes): (BTreeSet<_>, BTreeSet<_>) =
            reasons.into_iter().map(|r| (r.step, r.code)).unzip();
        let nothing_like_it = |wanted: &Option<String>, known: &BTreeSet<String>, what: &str| {
            let wanted = wanted.as_ref().filter(|w| !known.contains(*w))?;
            let list: Vec<&str> = known.iter().map(String::as_str).collect();
            Some(format!(
                "nothing is held with {what} `{wanted}`; there is: {}",
                list.join(", ")
            ))
        };
        if let Some(note) = nothing_like_it(step, &steps, "step")
            .or_else(|| nothing_like_it(code, &codes, "code"))
            .filter(|_| !steps.is_empty())
        {
            out::note(&note);
        }
    }
    let text = match format {
        HoldsFormat::Text => holds::render_text(&rows),
        HoldsFormat::Json => holds::render_json(&rows),
        HoldsFormat::Csv => holds::render_csv(&rows),
    };
    out::result(&text);
    Ok(Exit::Done)
}
