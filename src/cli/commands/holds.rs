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
    let text = match format {
        HoldsFormat::Text => holds::render_text(&rows),
        HoldsFormat::Json => holds::render_json(&rows),
        HoldsFormat::Csv => holds::render_csv(&rows),
    };
    out::result(&text);
    Ok(Exit::Done)
}
