//! The commands, one per file.

pub mod approve;
pub mod audit;
pub mod completions;
pub mod delta;
pub mod discover;
pub mod explain;
pub mod extract;
pub mod handoff;
pub mod holds;
pub mod holds_export;
pub mod holds_import;
pub mod holds_retry;
pub mod holds_show;
pub mod page;
pub mod plan;
pub mod propose;
pub mod reconcile;
pub mod provision;
pub mod rollback;
pub mod run;
pub mod run_files;
pub mod sample;
pub mod sandbox;
pub mod schema;
pub mod status;
pub mod trace;
pub mod validate;

use super::{
    exit::{Exit, Failure},
    ledger_faults::unreadable,
};
use crate::ledger::View;
use std::path::{Path, PathBuf};

/// The folder of a migration's own files: `.transload` beside it.
pub fn state_folder(migration: &Path) -> PathBuf {
    let folder = if migration.is_dir() {
        migration
    } else {
        migration.parent().unwrap_or(Path::new(""))
    };
    folder.join(".transload")
}

/// The ledger of a migration.
pub fn ledger_path(migration: &Path) -> PathBuf {
    state_folder(migration).join("ledger.sqlite")
}

/// Opens a migration's ledger for reading.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn open_view(migration: &Path) -> Result<View, Failure> {
    let path = ledger_path(migration);
    if path.is_dir() {
        let message = format!("{} is a folder, not a ledger", path.display());
        return Err(Failure::new(Exit::Usage, message)
            .hint("move it away, and restore the ledger from a copy"));
    }
    if !path.is_file() {
        return Err(
            Failure::new(Exit::Nothing, format!("no ledger at {}", path.display()))
                .hint("the migration has not run yet"),
        );
    }
    View::open(&path).map_err(|e| unreadable(&path, &e))
}
