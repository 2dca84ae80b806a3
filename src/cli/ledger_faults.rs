//! Why a ledger cannot be used, and what to do about it: exit codes and hints. Opens and reads nothing.

use super::exit::{Exit, Failure, unwritable};
use crate::ledger::{OpenError, ReadError, SchemaError};
use std::path::Path;

/// What to do about a ledger that cannot be used.
const RESTORE: &str = "restore the file from a copy made after the last run; without one, remove it: `docs/RESUME.md` says what a run without its ledger finds again";

/// What to do about a file that cannot be used as a ledger. What a newer engine wrote is whole: nobody is told to remove it.
fn restore_or(error: &SchemaError) -> &'static str {
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

/// The same with the file's name.
pub fn unreadable(path: &Path, error: &ReadError) -> Failure {
    let mut failure = unread(error);
    if error.is_damage() {
        failure.message = format!("{}: {}", path.display(), failure.message);
    }
    failure
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
