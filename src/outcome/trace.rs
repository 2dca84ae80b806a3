//! The whole story of one source record: where its values come from, what was decided, what was sent, what is there now.

use serde::Serialize;

/// A record explained.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Trace {
    /// Version of this shape.
    pub schema_version: u32,
    /// Name of the mapping.
    pub mapping: String,
    /// The source object.
    pub object: String,
    /// The record's key.
    pub key: String,
    /// Its line in the export.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// False when the source has no such record (any more); then only its history is told.
    pub in_source: bool,
    /// Its cells, empty ones left out: field and text.
    pub cells: Vec<(String, String)>,
    /// The row of the split that took it; `None`: the object has no split, or the record went into another first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<SplitTrace>,
    /// What each step that reads the object does with it.
    pub steps: Vec<StepTrace>,
}

/// The first row of a split that holds for a record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SplitTrace {
    /// Its number in the split, from 1.
    pub row: usize,
    /// File and line.
    pub place: String,
    /// That line.
    pub line: String,
    /// The steps it sends the record to; empty when it drops it.
    pub to: Vec<String>,
    /// Why it drops the record; empty when it does not.
    pub dropped: String,
}

/// What one step does with a record.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StepTrace {
    /// The step.
    pub step: String,
    /// File and line of its name in the mapping.
    pub place: String,
    /// The destination object.
    pub to: String,
    /// `loaded`, `held`, `dropped`, `routed`, `merged`, or empty when the source has no such record.
    pub decision: String,
    /// Why.
    pub reason: String,
    /// What people decided about the record.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decided: Vec<DecidedTrace>,
    /// Its fields.
    pub fields: Vec<FieldTrace>,
    /// What would be sent to create it, by part; nothing secret stands in it.
    pub requests: Vec<Request>,
    /// What the ledger knows now; `None`: nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known: Option<Known>,
    /// What happened, the oldest first.
    pub history: Vec<Happened>,
    /// What the destination shows now, by part.
    pub there: Vec<There>,
}

/// A decision about the record, from a sheet of holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DecidedTrace {
    /// What was decided: `set`, `blank`, `drop`, `keep`, `overwrite`.
    pub decision: String,
    /// The destination field; empty where it is about the record.
    pub field: String,
    /// The value of a `set`.
    pub value: String,
    /// Who decided.
    pub by: String,
    /// When: an instant in UTC.
    pub at: String,
    /// What they said.
    pub note: String,
}

/// How one destination field gets its value.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FieldTrace {
    /// The destination field.
    pub field: String,
    /// File and line of its entry.
    pub place: String,
    /// That line.
    pub line: String,
    /// The value at first and after each op: the op's name, the value.
    pub values: Vec<(String, String)>,
    /// What is sent; of a reference the destination's id. Empty: nothing.
    pub sent: String,
}

/// A call.
#[derive(Clone, Debug, Serialize)]
pub struct Request {
    /// Which part, from 0.
    pub part: u16,
    /// Method and path.
    pub call: String,
    /// The record.
    pub body: serde_json::Value,
}

/// What the ledger knows about a record.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Known {
    /// How it stands.
    pub state: String,
    /// How it came to be at the destination.
    pub origin: String,
    /// The destination's id.
    pub id: String,
    /// True when the content is the one written last.
    pub unchanged: bool,
}

/// An entry of the ledger.
#[derive(Clone, Debug, Serialize)]
pub struct Happened {
    /// Its number.
    pub entry: i64,
    /// The run.
    pub run: i64,
    /// When: an instant in UTC.
    pub at: String,
    /// Its word.
    pub what: String,
    /// More about it.
    pub detail: String,
}

/// What the destination shows.
#[derive(Clone, Debug, Default, Serialize)]
pub struct There {
    /// Which part, from 0.
    pub part: u16,
    /// The destination's id.
    pub id: String,
    /// True when it is there; `None`: nobody can ask.
    pub found: Option<bool>,
    /// Fields that are not as they should be: field, expected, there.
    pub differences: Vec<(String, String, String)>,
}
