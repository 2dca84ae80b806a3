//! A rollback: what was undone, or would be, and what stays with the reason.

use serde::Serialize;

/// Everything a rollback says.
#[derive(Clone, Debug, Serialize)]
pub struct Rollback {
    /// Version of this shape.
    pub schema_version: u32,
    /// Name of the mapping.
    pub mapping: String,
    /// The destination's name for people.
    pub destination: String,
    /// True for a preview: nothing was written.
    pub preview: bool,
    /// True when nothing was left to undo.
    pub nothing_left: bool,
    /// When the last load ended: an instant in UTC. `None` when nothing was loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loaded: Option<String>,
    /// Until when it can be undone: an instant in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// By step, in the order in which it was undone.
    pub steps: Vec<StepUndo>,
    /// What stays, with the reason.
    pub kept: Vec<Left>,
    /// What only a person can remove.
    pub by_hand: Vec<Left>,
    /// Calls that read.
    pub calls_read: u64,
    /// Calls that write.
    pub calls_write: u64,
}

/// One step.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StepUndo {
    /// The step.
    pub step: String,
    /// The destination object.
    pub object: String,
    /// Records this migration made, removed.
    pub removed: u64,
    /// Records it made, that were not there any more.
    pub gone: u64,
    /// Records that were there before, with their fields as they were.
    pub restored: u64,
    /// Records that were only bound, or had nothing to undo: untouched.
    pub untouched: u64,
    /// Records that stay, as people changed them or added to them.
    pub kept: u64,
    /// Records that only a person can remove.
    pub by_hand: u64,
    /// Seconds that removed records stay in the destination's recycle bin, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bin_seconds: Option<u64>,
}

impl StepUndo {
    /// Everything the step has.
    pub fn total(&self) -> u64 {
        self.removed + self.gone + self.restored + self.untouched + self.kept + self.by_hand
    }
}

/// A record, or fields of it, that stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The step.
    pub step: String,
    /// Key of the source record.
    pub key: String,
    /// Part of the record.
    pub part: u32,
    /// The destination object.
    pub object: String,
    /// The destination's id.
    pub id: String,
    /// Why.
    pub why: String,
    /// The fields that it is about; empty for the whole record.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}
