//! What to do with one record: the table of `docs/RESUME.md`, as a pure function.
//!
//! Everything known about the record goes in (ledger, destination, policy), one action comes out. The same
//! table serves the first run, a resumed run and a run with nothing left, so that they cannot disagree.

use crate::mapping::{Absent, Found, Step};

/// What the ledger knows about a record (one part of it).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// Nothing.
    New,
    /// It is at the destination under this id, as of this fingerprint.
    Confirmed {
        /// The destination's id.
        id: String,
        /// Fingerprint of what was written.
        fingerprint: u64,
        /// True when the record was only bound, never written.
        bound: bool,
        /// True when this migration created it.
        created: bool,
    },
    /// A create was intended and its outcome is not known.
    OpenCreate,
    /// The destination refused it.
    Refused {
        /// Fingerprint of what was refused.
        fingerprint: u64,
        /// The destination's id, where the refusal was of a change.
        id: Option<String>,
    },
}

/// What the destination shows under the record's match keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The step has no match key, or the record has no value for one.
    NoKey,
    /// The same, but its parent was at the destination before this migration: it may be there, too.
    NoKeyBelow,
    /// No record has the key.
    Nothing,
    /// This record has it and no other source record stands behind it.
    Record(String),
    /// This record has it, and it was made from (or is being made from) another source record.
    Taken {
        /// The destination's id; `None` while it is being made.
        id: Option<String>,
        /// The other source record's key.
        by: String,
    },
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing: it is there and unchanged.
    Unchanged,
    /// Note that this record is that one; write nothing.
    Bind(String),
    /// Note that an interrupted write did arrive.
    Adopt(String),
    /// Bring that record up to date.
    Update(String),
    /// Create it.
    Create,
    /// Find out whether an interrupted write arrived, then create or adopt.
    Resolve,
    /// Look for the same content below its parent, then bind or create.
    Look,
    /// Set it aside.
    Hold(&'static str, String),
    /// Nothing: the destination refused this very content before.
    StillRefused,
    /// End the run.
    Fail(String),
}

/// The table.
pub fn decide(step: &Step, fingerprint: u64, known: &Known, seen: &Seen) -> Action {
    match (known, seen) {
        (
            Known::Confirmed {
                fingerprint: was,
                bound,
                ..
            },
            _,
        ) if *was == fingerprint || *bound => Action::Unchanged,
        (Known::Confirmed { id, .. }, _) => Action::Update(id.clone()),

        // Refused content is sent again when it has changed, or when a person says so.
        (
            Known::Refused {
                fingerprint: was, ..
            },
            _,
        ) if *was == fingerprint => Action::StillRefused,
        (Known::Refused { id: Some(id), .. }, _) => Action::Update(id.clone()),

        // An interrupted create with a key: the listing made after the interruption tells.
        (Known::OpenCreate, Seen::Record(id)) => Action::Adopt(id.clone()),
        (Known::OpenCreate, Seen::Nothing | Seen::NoKey | Seen::NoKeyBelow) => Action::Resolve,

        (_, Seen::Record(id)) => match step.found {
            Found::Use => Action::Bind(id.clone()),
            Found::Update => Action::Update(id.clone()),
            Found::Hold => Action::Hold("exists", format!("exists at the destination as {id}")),
            Found::Fail => Action::Fail(format!(
                "a record of step `{}` exists at the destination as {id}, and its policy is `found: fail`",
                step.name
            )),
        },
        (_, Seen::Taken { id, by }) => match (step.found, id) {
            (Found::Use, Some(id)) => Action::Bind(id.clone()),
            _ => Action::Hold(
                "same_match_key",
                format!("has the same match key as record {by}; merge them or correct one"),
            ),
        },
        // A ledger that was lost, or records brought over by hand: without a key only the content can tell.
        (_, Seen::NoKeyBelow) if step.absent == Absent::Create => Action::Look,
        (_, Seen::Nothing | Seen::NoKey | Seen::NoKeyBelow) => match step.absent {
            Absent::Create | Absent::Placeholder(_) => Action::Create,
            Absent::Hold | Absent::Fallback(_) => Action::Hold(
                "not_at_destination",
                "has no record at the destination, and none is created".to_owned(),
            ),
            Absent::Fail => Action::Fail(format!(
                "a record of step `{}` is not at the destination, and its policy is `absent: fail`",
                step.name
            )),
        },
    }
}

#[cfg(test)]
mod tests;
