//! Why a run could not reach its end. Each kind has one exit code; the command line decides which.

use crate::{
    connector::{ExtractError, Stop, files::WriteError},
    ledger::{LedgerError, OpenError, ReadError},
};
use std::path::PathBuf;

/// Why a run ended early. Running the same command again goes on from here.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The destination or an API source takes no more calls.
    #[error(transparent)]
    Stop(#[from] Stop),
    /// The source cannot be read.
    #[error(transparent)]
    Extract(ExtractError),
    /// The export does not fit the specs.
    #[error("{what}")]
    Source {
        /// What does not fit, one item per line.
        what: String,
    },
    /// A file of the engine beside the migration cannot be used.
    #[error("{what}")]
    Unusable {
        /// Which, and why.
        what: String,
        /// What to do.
        hint: String,
    },
    /// The ledger cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Somebody else reads the source.
    #[error("another command is reading the source into {}", .folder.display())]
    Reading {
        /// Where to.
        folder: PathBuf,
    },
    /// The ledger cannot be read.
    #[error(transparent)]
    View(ReadError),
    /// The ledger cannot be written; nothing was sent after that.
    #[error("the ledger cannot be written, so nothing more is sent: {0}")]
    Ledger(#[from] LedgerError),
    /// An output file cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: String,
        /// The cause.
        source: std::io::Error,
    },
    /// A file of the destination cannot be written.
    #[error(transparent)]
    File(#[from] WriteError),
    /// Joins and merges outgrew their memory and could not be kept elsewhere.
    #[error("{0}")]
    Overflow(String),
    /// Something only a person can do is missing.
    #[error("{what}")]
    Waits {
        /// What is missing, one item per line.
        what: String,
    },
    /// A policy says to stop (`found: fail`, `absent: fail`).
    #[error("{0}")]
    Policy(String),
    /// Records that were made are not at the destination (`policy.gate`).
    #[error("{0}")]
    Gate(String),
    /// Books that do not balance; always a fault of the engine.
    #[error("the books of step `{step}` do not balance: {detail}")]
    Books {
        /// The step.
        step: String,
        /// The counts.
        detail: String,
    },
    /// A fault of the engine.
    #[error("internal error: {0}")]
    Internal(String),
}

impl From<ExtractError> for RunError {
    /// A source that stopped says so as any other connection does.
    fn from(error: ExtractError) -> RunError {
        match error {
            ExtractError::Stop(stop) => RunError::Stop(stop),
            error => RunError::Extract(error),
        }
    }
}

impl From<ReadError> for RunError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unwritable(error) => RunError::Ledger(error),
            other => RunError::View(other),
        }
    }
}
