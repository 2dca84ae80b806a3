//! What a run leaves for whoever looks on: what it is about to do, how far it is, what it waits for.
//!
//! Nothing decides by it. The last of each kind stands among the decisions, so that a look costs no walk through the
//! journal.

use super::{
    counted::decide,
    entry::Entry,
    view::{ReadError, View, strange},
};
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

const PLANNED: &str = "planned";
const PROGRESS: &str = "progress/";
const WAITING: &str = "waiting";
const WAIVED: &str = "waived";
/// What a rollback was told to undo alone; empty: all.
pub const ROLLBACK_ONLY: &str = "rollback_only";

/// What a run is about to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The batches in order.
    pub batches: Vec<Vec<PlannedStep>>,
}

/// One step of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// The step.
    pub step: String,
    /// Records of its source object; `None`: not known.
    pub records: Option<u64>,
    /// Calls at the destination, if every record is new; `None`: not known.
    pub calls: Option<u64>,
}

/// How far a step is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progressed {
    /// The step.
    #[serde(skip)]
    pub step: String,
    /// True for its second pass.
    #[serde(default)]
    pub second_pass: bool,
    /// Records that have an outcome.
    pub settled: u64,
    /// Records there are; `None`: not known.
    pub of: Option<u64>,
    /// An earlier moment of the same run, a few minutes ago at most, in milliseconds of Unix time.
    pub since_ms: i64,
    /// Records that had an outcome by then.
    pub since_settled: u64,
}

/// What a run waits for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Until when, in milliseconds of Unix time.
    pub until_ms: i64,
    /// Why.
    pub why: String,
}

#[derive(Serialize, Deserialize)]
struct Said<T> {
    run: i64,
    at_ms: i64,
    what: T,
}

/// What the entries of this kind do to the decisions.
pub(super) fn write(
    connection: &Connection,
    database: &str,
    run: i64,
    at_ms: i64,
    entry: &Entry,
) -> Result<(), rusqlite::Error> {
    match entry {
        Entry::Planned(what) => decide(connection, database, PLANNED, &Said { run, at_ms, what }),
        Entry::Progressed(what) => {
            let name = format!("{PROGRESS}{}", what.step);
            decide(connection, database, &name, &Said { run, at_ms, what })
        }
        Entry::Waiting(what) => decide(connection, database, WAITING, &Said { run, at_ms, what }),
        Entry::Waived { by } => {
            let what = by;
            decide(connection, database, WAIVED, &Said { run, at_ms, what })
        }
        _ => Ok(()),
    }
}

impl View {
    fn said<T: DeserializeOwned>(&self, name: &str) -> Result<Option<Said<T>>, ReadError> {
        let found: Option<String> = self
            .connection
            .prepare_cached("SELECT value FROM decisions WHERE name = ?1")?
            .query_row([name], |r| r.get(0))
            .optional()?;
        found
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|e| strange(format!("{name}: {e}")))
    }

    /// What the last run that got so far was about to do: its number, when it said so, and what.
    pub fn planned(&self) -> Result<Option<(i64, i64, Planned)>, ReadError> {
        let said = self.said(PLANNED)?;
        Ok(said.map(|s| (s.run, s.at_ms, s.what)))
    }

    /// How far the steps of a run are, each with the moment (milliseconds of Unix time) in which that was so; those
    /// that have not said yet are left out. In order of name.
    pub fn progress(&self, run: i64) -> Result<Vec<(String, i64, Progressed)>, ReadError> {
        let mut query = self.connection.prepare_cached(
            "SELECT name, value FROM decisions WHERE name >= ?1 AND name < ?1 || char(1114111) ORDER BY name",
        )?;
        let mut rows = query.query([PROGRESS])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            let (name, value): (String, String) = (row.get(0)?, row.get(1)?);
            let said: Said<Progressed> =
                serde_json::from_str(&value).map_err(|e| strange(format!("{name}: {e}")))?;
            let step = name.strip_prefix(PROGRESS).unwrap_or("").to_owned();
            if said.run == run {
                let mut what = said.what;
                what.step.clone_from(&step);
                all.push((step, said.at_ms, what));
            }
        }
        Ok(all)
    }

    /// What a run waited for last.
    pub fn waiting(&self, run: i64) -> Result<Option<Waiting>, ReadError> {
        let said = self.said::<Waiting>(WAITING)?;
        Ok(said.filter(|s| s.run == run).map(|s| s.what))
    }

    /// The last run that began without an approved sample, and what allowed it; `None` also where an older engine wrote.
    pub fn waived(&self) -> Result<Option<(i64, String)>, ReadError> {
        let said = self.said::<String>(WAIVED)?;
        Ok(said.map(|s| (s.run, s.what)))
    }

    /// The step or object that the last rollback was told to undo alone.
    pub fn rollback_only(&self) -> Result<Option<String>, ReadError> {
        let found: Option<String> = self
            .connection
            .prepare_cached("SELECT value FROM decisions WHERE name = ?1")?
            .query_row([ROLLBACK_ONLY], |r| r.get(0))
            .optional()?;
        Ok(found.filter(|only| !only.is_empty()))
    }

    /// Calls of all accounts since a second of Unix time, as far as they are limited.
    pub fn calls_since(&self, second: i64) -> Result<u64, ReadError> {
        let calls: i64 = self
            .connection
            .prepare_cached("SELECT coalesce(sum(calls), 0) FROM budget WHERE second >= ?1")?
            .query_row([second], |r| r.get(0))?;
        Ok(calls.cast_unsigned())
    }
}
