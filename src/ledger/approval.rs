//! An approval: who said that the sample is right, and what exactly it was said about.

use super::{
    entry::Entry,
    stretch,
    view::{ReadError, View, strange},
};
use rusqlite::OptionalExtension;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The name under which the last approval stands among the decisions.
pub(super) const DECISION: &str = "approval";

/// What was approved, and by whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who approved.
    pub by: String,
    /// What they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Named parts of what was approved, each with its hash: platforms, steps, value maps, schema lock, sample, engine.
    pub parts: BTreeMap<String, String>,
    /// Findings of the sample that were accepted with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<String>,
}

/// The last approval, and when it was given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// Milliseconds of Unix time.
    pub at_ms: i64,
    /// What was approved.
    pub approval: Approval,
}

impl View {
    /// All approvals, the oldest first. Goes through the journal.
    pub fn approvals(&self) -> Result<Vec<Approved>, ReadError> {
        let mut all = Vec::new();
        stretch::walk(
            &self.connection,
            0,
            |found| found.kind == "approved",
            |place, found| {
                if let Entry::Approved(approval) = place.entry(found)? {
                    all.push(Approved {
                        at_ms: place.at_ms,
                        approval,
                    });
                }
                Ok(())
            },
        )?;
        Ok(all)
    }

    /// The last approval; `None` when nothing was ever approved.
    pub fn approval(&self) -> Result<Option<Approved>, ReadError> {
        let found: Option<String> = self
            .connection
            .prepare_cached("SELECT value FROM decisions WHERE name = ?1")?
            .query_row([DECISION], |r| r.get(0))
            .optional()?;
        found
            .map(|text| {
                serde_json::from_str(&text).map_err(|e| strange(format!("the approval: {e}")))
            })
            .transpose()
    }
}
