//! The frozen table of exit codes, and the failure that carries one.
//!
//! An orchestrator acts on these numbers; they never change. 99 is never used (schedulers read it as
//! "skipped"), nor 125 to 127 (shells).

use std::{io, path::Path, process::ExitCode};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, nothing left.
    Done = 0,
    /// Findings in specs, tests or comparisons.
    Findings = 1,
    /// Usage or configuration: flags, files, connections, a refused key.
    Usage = 2,
    /// Nothing selected, no inputs.
    Nothing = 3,
    /// The plan is stale, was used, or is not approved.
    NotApproved = 4,
    /// Finished, with more held or failed records than the policy allows.
    Held = 5,
    /// Waits for a person: owners, fields or objects only an admin can make.
    Waits = 6,
    /// Another run holds the lease.
    Busy = 7,
    /// An internal error.
    Internal = 70,
    /// Temporary: quota, network, disk, window. Running the same command again is safe.
    Temporary = 75,
    /// Stopped by SIGINT after a clean checkpoint.
    Interrupted = 130,
    /// Stopped by SIGTERM after a clean checkpoint.
    Terminated = 143,
}

impl Exit {
    /// Every code with its meaning, as documented in `transload help exit-codes` and the README.
    pub const ALL: &'static [(Exit, &'static str)] = &[
        (Exit::Done, "done (what is held waits in the hold queue)"),
        (Exit::Findings, "findings"),
        (Exit::Usage, "usage or configuration"),
        (Exit::Nothing, "nothing selected, no inputs"),
        (Exit::NotApproved, "plan stale, used or not approved"),
        (
            Exit::Held,
            "finished with more held or failed records than the policy allows",
        ),
        (Exit::Waits, "waits for a person (owners, fields, approval)"),
        (Exit::Busy, "another run holds the lease"),
        (Exit::Internal, "internal error"),
        (
            Exit::Temporary,
            "temporary; running the same command again is safe",
        ),
        (Exit::Interrupted, "interrupted after a clean stop"),
        (Exit::Terminated, "terminated after a clean stop"),
    ];
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why a command could not do its work: one clear message, a hint, and the exit code.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// The cause, one or a few lines.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Of a pause: when running the same command again goes on.
    pub until: Option<jiff::Timestamp>,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Failure {
            exit,
            message: message.into(),
            hint: None,
            until: None,
        }
    }

    /// A pause until then.
    #[must_use]
    pub fn until(mut self, until: jiff::Timestamp) -> Self {
        self.until = Some(until);
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A file or folder that cannot be written. A full disk passes; a folder that is none, or that this user may not write
/// to, does not pass by itself.
pub fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    unwritable(format!("cannot write {}: {error}", path.display()), error)
}

/// The same with a message of one's own.
pub fn unwritable(message: String, error: &io::Error) -> Failure {
    use io::ErrorKind;
    match error.kind() {
        ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::NotADirectory
        | ErrorKind::IsADirectory
        | ErrorKind::AlreadyExists
        | ErrorKind::NotFound
        | ErrorKind::InvalidFilename => Failure::new(Exit::Usage, message)
            .hint("see that it is a folder, and that this user may write there; nothing is lost"),
        _ => Failure::new(Exit::Temporary, message)
            .hint("make room, then run the same command again; nothing is lost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_frozen_table() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|(e, _)| *e as u8).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 70, 75, 130, 143]);
    }
}
