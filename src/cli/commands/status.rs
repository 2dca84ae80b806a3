//! `transload status`: where a migration stands, read from its ledger; works beside a run.

use crate::{
    cli::{
        args::{ReportFormat, Status},
        commands::open_view,
        exit::{Exit, Failure},
        out,
    },
    report::status,
};

/// Prints the state of the last run and what is held.
///
/// # Errors
/// When there is no ledger or it cannot be read.
pub fn run(args: &Status) -> Result<Exit, Failure> {
    let view = open_view(&args.migration)?;
    let status = status::gather(&view)
        .map_err(|e| super::unreadable(&super::ledger_path(&args.migration), &e))?;
    out::result(&match args.format {
        ReportFormat::Text => status::render_text(&status),
        ReportFormat::Json => status::render_json(&status),
    });
    Ok(Exit::Done)
}
