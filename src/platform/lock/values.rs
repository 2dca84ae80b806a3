//! Where the values of a pick-list go: each value seen in the data, how often, and what the mapping makes of it.

use serde::{Deserialize, Serialize};

/// The values that one entry of a step meets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueTable {
    /// The step.
    pub step: String,
    /// The destination object.
    pub to: String,
    /// The destination field.
    pub field: String,
    /// The source fields it reads.
    pub from: Vec<String>,
    /// Records that reach the step; a split sends only a part of an object's records here.
    pub records: u64,
    /// The values, the most frequent first.
    pub rows: Vec<ValueRow>,
    /// Further values that are not listed.
    pub more: u64,
    /// The choices a field of the mapping gets, where they are those observed in the data.
    pub observed: Option<Vec<String>>,
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueRow {
    /// The value as the source has it; empty where it is blank, or where the mapping gives a literal.
    pub value: String,
    /// Records that have it.
    pub records: u64,
    /// What the mapping makes of it; `None`: nothing.
    pub to: Option<String>,
    /// The code of the hold, where the mapping has no way for it.
    pub fault: Option<String>,
}
