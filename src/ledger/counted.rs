//! Counts of the destination around a batch: what it had before, so that a run that goes on after a stop still knows, and
//! what this migration made since.

use super::{
    entry::Entry,
    stretch,
    view::{ReadError, RecordState, View, strange},
    words::Origin,
};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Counts of batches that are not over, by destination object, among the decisions.
const OPEN: &str = "counted_before/";
/// The last count of each destination object that was compared.
const LAST: &str = "counted_after/";

/// What an object had before a batch made the first record of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedBefore {
    /// The destination object.
    #[serde(skip)]
    pub object: String,
    /// The batch, from 1.
    pub batch: u64,
    /// The destination's own count; `None` where it cannot tell.
    pub records: Option<u64>,
    /// Records of it that this migration had made by then and not undone.
    pub made: u64,
}

/// What it has after the batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountedAfter {
    /// The destination object.
    #[serde(skip)]
    pub object: String,
    /// The batch, from 1.
    pub batch: u64,
    /// The destination's own count; `None` where it cannot tell.
    pub found: Option<u64>,
    /// Records that must be there.
    pub expected: Option<u64>,
    /// `balanced`, `more`, `others`, `missing`, `not_known`.
    pub verdict: String,
    /// False when the run ends here: the count before the batch stays for the next one.
    pub passed: bool,
}

/// The last count of an object that was compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastCount {
    /// The run.
    pub run: i64,
    /// Milliseconds of Unix time.
    pub at_ms: i64,
    /// What was counted.
    #[serde(flatten)]
    pub count: CountedAfter,
}

/// Writes a decision as JSON.
pub(super) fn decide(
    connection: &Connection,
    database: &str,
    name: &str,
    value: &impl Serialize,
) -> Result<(), rusqlite::Error> {
    let value = serde_json::to_string(value)
        .map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
    connection
        .prepare_cached(&format!(
            "INSERT OR REPLACE INTO {database}.decisions VALUES (?1, ?2)"
        ))?
        .execute([name, &value])
        .map(drop)
}

/// Keeps a count before a batch until the batch is over.
pub(super) fn begin(
    connection: &Connection,
    database: &str,
    count: &CountedBefore,
) -> Result<(), rusqlite::Error> {
    let name = format!("{OPEN}{}", count.object);
    decide(connection, database, &name, count)
}

/// Keeps a count after a batch.
pub(super) fn end(
    connection: &Connection,
    database: &str,
    run: i64,
    at_ms: i64,
    count: &CountedAfter,
) -> Result<(), rusqlite::Error> {
    let last = LastCount {
        run,
        at_ms,
        count: count.clone(),
    };
    let name = format!("{LAST}{}", count.object);
    decide(connection, database, &name, &last)?;
    if count.passed {
        connection
            .prepare_cached(&format!("DELETE FROM {database}.decisions WHERE name = ?1"))?
            .execute([format!("{OPEN}{}", count.object)])?;
    }
    Ok(())
}

impl View {
    /// What an object had before a batch that is not over yet.
    pub fn counted_before(&self, object: &str) -> Result<Option<CountedBefore>, ReadError> {
        let found: Option<String> = self
            .connection
            .prepare_cached("SELECT value FROM decisions WHERE name = ?1")?
            .query_row([format!("{OPEN}{object}")], |r| r.get(0))
            .optional()?;
        let mut count: Option<CountedBefore> = found
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|e| strange(format!("the count of {object}: {e}")))?;
        if let Some(count) = &mut count {
            object.clone_into(&mut count.object);
        }
        Ok(count)
    }

    /// The last counts that were compared, by destination object.
    pub fn last_counts(&self) -> Result<BTreeMap<String, LastCount>, ReadError> {
        let mut all = BTreeMap::new();
        for (name, value) in self.decisions()? {
            if let Some(object) = name.strip_prefix(LAST) {
                let count = serde_json::from_str(&value)
                    .map_err(|e| strange(format!("the count of {object}: {e}")))?;
                all.insert(object.to_owned(), count);
            }
        }
        Ok(all)
    }

    /// How many records at the destination these steps have made and not undone; two source records in one are one.
    pub fn made(&self, steps: &[&str]) -> Result<u64, ReadError> {
        let names = serde_json::to_string(steps).map_err(|e| strange(e.to_string()))?;
        let count: i64 = self
            .connection
            .prepare_cached(
                "SELECT count(DISTINCT dest_id) FROM records
                 WHERE step IN (SELECT id FROM steps WHERE name IN (SELECT value FROM json_each(?1)))
                   AND state = ?2 AND origin = ?3 AND dest_id <> ''",
            )?
            .query_row(
                params![
                    names,
                    RecordState::Confirmed.code(),
                    Origin::Created.code()
                ],
                |r| r.get(0),
            )?;
        Ok(count.cast_unsigned())
    }

    /// The records that these steps have made since an object was counted before its batch, and not undone: step, key
    /// and the destination's id, in the order in which they were made. Goes through the journal.
    pub fn made_since(
        &self,
        object: &str,
        steps: &[&str],
    ) -> Result<Vec<(String, String, String)>, ReadError> {
        let mut made: Vec<(String, String, String)> = Vec::new();
        let wanted = ["confirmed", "rolled_back", "counted_before"];
        stretch::walk(
            &self.connection,
            0,
            |found| wanted.contains(&found.kind),
            |place, found| {
                match place.entry(found)? {
                    Entry::CountedBefore(count) if count.object == object => made.clear(),
                    Entry::Confirmed {
                        step,
                        key,
                        dest_id,
                        origin: Origin::Created,
                        ..
                    } if !dest_id.is_empty() && steps.contains(&step.as_str()) => {
                        made.push((step, key, dest_id));
                    }
                    Entry::RolledBack {
                        step, key, dest_id, ..
                    } => made.retain(|(s, k, i)| !(*s == step && *k == key && *i == dest_id)),
                    _ => {}
                }
                Ok(())
            },
        )?;
        Ok(made)
    }
}
