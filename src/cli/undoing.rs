//! A rollback that was killed in the middle of a call stands in the way of a load until it is finished.
//!
//! What such a call did is not known. A load would take a record that is half gone for changed or deleted by people;
//! the rollback itself asks the destination and settles it.

use super::exit::{Exit, Failure};
use crate::cli::ledger_faults::unreadable;
use crate::ledger::{Ledger, View};
use std::path::Path;

/// Records that a rollback left in the middle of a call.
///
/// # Errors
/// When the ledger cannot be read.
pub fn open_calls(path: &Path, view: &View) -> Result<u64, Failure> {
    view.open_by("rollback").map_err(|e| unreadable(path, &e))
}

/// Refuses to load while a rollback is unfinished.
///
/// # Errors
/// When it is, and when the ledger cannot be read.
pub fn refuse(ledger: &Ledger) -> Result<(), Failure> {
    let view = ledger.view().map_err(|e| unreadable(ledger.path(), &e))?;
    match open_calls(ledger.path(), &view)? {
        0 => Ok(()),
        1 => Err(unfinished("a record")),
        n => Err(unfinished(&format!("{n} records"))),
    }
}

fn unfinished(records: &str) -> Failure {
    Failure::new(
        Exit::Waits,
        format!("a rollback is unfinished: it was stopped while it undid {records}"),
    )
    .hint("finish it first with `transload rollback`; then the same command loads again")
}
