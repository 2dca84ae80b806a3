//! What connectors promise: pages out, replies in, and when everything must stop.

use crate::pace::Pause;
use std::path::PathBuf;

/// What the destination answered to one write, read once and for all. Retries of what is safe to retry
/// (not sent, rate-limited, reads) have happened before a reply is given.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// It is there.
    Done {
        /// The destination's id; `None` when the answer carries none (then it is looked up).
        id: Option<String>,
        /// True when the server says that it was new (status 201 or an upsert that says so).
        created: bool,
        /// The record as answered.
        record: Option<serde_json::Value>,
    },
    /// The destination refused; nothing was written.
    Refused {
        /// HTTP status.
        status: u16,
        /// Its reasons.
        reasons: Vec<String>,
    },
    /// The record addressed by id does not exist (any more).
    Gone,
    /// It was sent and the effect is not known: timeout, reset, 5xx after sending, an unreadable answer.
    InDoubt {
        /// What happened.
        why: String,
    },
}

/// What the destination answered to a bulk call.
#[derive(Clone, Debug, PartialEq)]
pub enum BulkReply {
    /// A job runs; ask for it by this id.
    Job(String),
    /// Refused as a whole; nothing was written.
    Refused {
        /// HTTP status.
        status: u16,
        /// Its reasons.
        reasons: Vec<String>,
    },
    /// The effect is not known.
    InDoubt {
        /// What happened.
        why: String,
    },
}

/// Why no further call makes sense. The run ends (exit code in brackets).
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum Stop {
    /// 401 or 403 (2): the key is wrong or lacks a right.
    #[error("{system} refuses the key: status {status}{}", reasons_suffix(.reasons))]
    Denied {
        /// The platform's name for people.
        system: String,
        /// HTTP status.
        status: u16,
        /// Its reasons.
        reasons: Vec<String>,
    },
    /// Cannot be reached after all tries (75).
    #[error("cannot reach {system} at {address}: {why}")]
    Unreachable {
        /// The platform's name for people.
        system: String,
        /// Host and port.
        address: String,
        /// The cause.
        why: String,
    },
    /// The budget of the day or window is spent, or the answers stay bad (75).
    #[error("{system} takes no more calls for now: {why}")]
    Busy {
        /// The platform's name for people.
        system: String,
        /// The cause.
        why: String,
    },
    /// An answer that does not fit the platform file (70 for a read that cannot go on).
    #[error("{system} answered {call} with something unexpected: {why}")]
    Unexpected {
        /// The platform's name for people.
        system: String,
        /// Method and path.
        call: String,
        /// What was wrong.
        why: String,
    },
    /// Answers arrive cut short or garbled, after all tries (75).
    #[error("the answers of {system} to {call} arrive damaged: {why}")]
    Damaged {
        /// The platform's name for people.
        system: String,
        /// Method and path.
        call: String,
        /// What is wrong with the last one.
        why: String,
    },
    /// The migration's own pace: its window is closed, or the calls of its day are used (75).
    #[error("paused until {}: {}", .0.moment, .0.why)]
    Paused(Pause),
    /// The calls of a day cannot be set aside, so none is made (75).
    #[error("the calls of the day cannot be counted, so nothing more is sent: {why}")]
    Uncounted {
        /// The cause.
        why: String,
    },
    /// The caller asked to stop (130, 143).
    #[error("stopped on request")]
    Cancelled,
}

fn reasons_suffix(reasons: &[String]) -> String {
    if reasons.is_empty() {
        String::new()
    } else {
        format!(" ({})", reasons.join("; "))
    }
}

/// Why records cannot be read at all. Single bad rows are no error: they are held (see `value::RowFault`).
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// The file is not there.
    #[error("cannot find {}", .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file has no header, lacks a column, or is no file of its format.
    #[error("{}: {why}", .path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// An API source stopped.
    #[error(transparent)]
    Stop(#[from] Stop),
}
