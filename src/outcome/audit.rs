//! An operation of a migration, as auditors want it: what went where, by which rule, decided how, with which end.

use serde::Serialize;

/// One operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Operation {
    /// Number of the entry in the ledger.
    pub entry: i64,
    /// The run.
    pub run: i64,
    /// Its command.
    pub command: String,
    /// When: an instant in UTC.
    pub at: String,
    /// The step of the mapping that was applied.
    pub step: String,
    /// The source object.
    pub source_object: String,
    /// Key of the source record.
    pub source_id: String,
    /// Part of the record; 0 unless one record became several.
    pub part: u32,
    /// The destination object.
    pub destination_object: String,
    /// The destination's id.
    pub destination_id: String,
    /// The call: `create`, `update`, `upsert`, `bulk`, `delete`; empty where none was made.
    pub call: String,
    /// What was decided, or how it ended: `created`, `updated`, `matched`, `unchanged`, `refused`, `in_doubt`, `absent`,
    /// `held`, `released`, `merged`, `second_pass`, `removed`, `restored`, `gone`, `unbound`, `by_hand`, `kept`, `books`.
    pub outcome: String,
    /// To whom the record was given: `owner=KEY`, or `owner=fallback` where a stand-in has it.
    pub assigned: String,
    /// Why, where there is a reason; the books of a step.
    pub reason: String,
}
