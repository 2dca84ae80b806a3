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

use super::exit::{Exit, Failure, unwritable};
use crate::ledger::{OpenError, ReadError, SchemaError, View};
use std::path::{Path, PathBuf};

/// What to do about a ledger that cannot be used.
pub const RESTORE: &str = "restore the file from a copy made after the last run; without one, remove it: `docs/RESUME.md` says what a run without its ledger finds again";

/// What to do about a file that cannot be used as a ledger. What a newer engine wrote is whole: nobody is told to remove it.
pub fn restore_or(error: &SchemaError) -> &'static str {
    match error {
        SchemaError::Newer { .. } => {
            "keep the file: a newer engine wrote it, and knows by it what was loaded"
        }
        SchemaError::Foreign => {
            "another program's file stands in its place: move it away, and restore the ledger from a copy"
        }
        _ => RESTORE,
    }
}

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

/// The same with the file's name.
pub fn unreadable(path: &Path, error: &ReadError) -> Failure {
    let mut failure = unread(error);
    if error.is_damage() {
        failure.message = format!("{}: {}", path.display(), failure.message);
    }
    failure
}

/// A ledger that is no ledger, or is damaged: trying again does not help. Anything else may be over the next time.
pub fn unread(error: &ReadError) -> Failure {
    if !error.is_damage() {
        return Failure::new(Exit::Temporary, error.to_string());
    }
    Failure::new(Exit::Usage, error.to_string()).hint(match error {
        ReadError::Schema(error) => restore_or(error),
        _ => RESTORE,
    })
}

/// Why a ledger cannot be opened for writing, and what to do about it.
pub fn open_failure(error: &OpenError) -> Failure {
    match error {
        OpenError::Held { .. } => Failure::new(Exit::Busy, error.to_string())
            .hint("wait until it ends, or stop it; `transload status` shows where it stands"),
        OpenError::Io { source, .. } => unwritable(error.to_string(), source),
        OpenError::Schema { source, .. } if source.is_damage() => {
            Failure::new(Exit::Usage, error.to_string()).hint(restore_or(source))
        }
        OpenError::Schema { .. } => Failure::new(Exit::Temporary, error.to_string())
            .hint("the file is whole; make room, or see that it may be written, and run the same command"),
        OpenError::Older { path, beside, .. } => Failure::new(Exit::Usage, error.to_string()).hint(format!(
            "put the latest ledger back; without one, remove {}: a run without its ledger finds again what the destination \
             shows (docs/RESUME.md, 6). Where the destination, too, stands as it stood then, remove {}",
            path.display(),
            beside.display()
        )),
        OpenError::Damaged { .. } => Failure::new(Exit::Usage, error.to_string()).hint(RESTORE),
    }
}
