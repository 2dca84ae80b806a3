//! Reading the ledger: where records went, what is open, what is held, how runs ended.
//!
//! A view is its own read-only connection and never waits for the writer. What the writer has gathered and
//! not written yet (at most two seconds' worth) is missing from it; [`super::Ledger::view`] writes it first.

pub use super::runs::{RunRow, StepRow};
use super::{
    chain::Hash,
    entry::{Entry, Origin, WriteOp},
    schema::{self, SchemaError},
    store::LedgerError,
    stretch,
    words::words,
};
use rusqlite::{Connection, OptionalExtension, Row};
use serde::{Deserialize, Serialize};
use std::path::Path;

words! {
    /// How a record stands.
    RecordState {
        /// Seen, without a call.
        #[default]
        Known = "known",
        /// About to be sent; without an answer. In doubt after a crash.
        Intended = "intended",
        /// At the destination.
        Confirmed = "confirmed",
        /// The destination refused the last write.
        Refused = "refused",
        /// Sent, and it is not known whether it was written.
        InDoubt = "in_doubt",
        /// Looked for and not at the destination.
        Absent = "absent",
        /// Went into another record.
        Merged = "merged",
    }
}

/// A record of a step, borrowed from the row being read.
#[derive(Clone, Copy, Debug)]
pub struct RecordRow<'a> {
    /// Key of the source record.
    pub key: &'a str,
    /// Part of the record.
    pub part: u32,
    /// How it stands.
    pub state: RecordState,
    /// The last call meant for it.
    pub op: Option<WriteOp>,
    /// How it came to be at the destination.
    pub origin: Option<Origin>,
    /// The destination's id.
    pub dest_id: Option<&'a str>,
    /// Fingerprint of what was written or refused last.
    pub fingerprint: Option<u64>,
    /// True when its deferred references are written.
    pub second_pass: bool,
    /// The chunk of its last intent.
    pub chunk: Option<&'a str>,
    /// What it can be looked up by; of a merged record: the key of the one that stands for it.
    pub match_key: Option<&'a str>,
    /// Why it was refused or is in doubt.
    pub why: Option<&'a str>,
}

/// Held by the engine or refused by the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldKind {
    /// The engine set it aside.
    Held,
    /// The destination refused it.
    Failed,
}

/// A record that is set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// The step.
    pub step: String,
    /// Key of the source record.
    pub key: String,
    /// Part of the record.
    pub part: u32,
    /// By whom.
    pub kind: HoldKind,
    /// The code.
    pub code: String,
    /// The destination field.
    pub field: Option<String>,
    /// The value found, shortened.
    pub value: Option<String>,
    /// Why, in words.
    pub words: String,
    /// Line of the source file.
    pub line: Option<u64>,
    /// The run since which it stands.
    pub since_run: i64,
}

/// Records that are set aside for the same reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HoldReason {
    /// The step.
    pub step: String,
    /// The code.
    pub code: String,
    /// The destination field.
    pub field: Option<String>,
    /// How many.
    pub records: u64,
}

/// Why the ledger cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is not usable as a ledger.
    #[error("cannot read the ledger: {0}")]
    Schema(#[from] SchemaError),
    /// SQLite refuses.
    #[error("cannot read the ledger: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A row is not what this engine writes.
    #[error("cannot read the ledger: {what}")]
    Strange {
        /// What.
        what: String,
    },
    /// What is to be read cannot be written first.
    #[error(transparent)]
    Unwritable(#[from] LedgerError),
}

impl ReadError {
    /// True when the file is damaged or no ledger: trying again does not help.
    pub fn is_damage(&self) -> bool {
        match self {
            ReadError::Schema(error) => error.is_damage(),
            ReadError::Sqlite(error) => schema::is_damage(error),
            ReadError::Strange { .. } => true,
            ReadError::Unwritable(_) => false,
        }
    }
}

/// A read-only look at a ledger.
pub struct View {
    pub(super) connection: Connection,
}

impl View {
    /// Opens the file for reading.
    pub fn open(path: &Path) -> Result<View, ReadError> {
        Ok(View {
            connection: schema::open_reader(path)?,
        })
    }

    /// The random name the ledger got when it was made.
    pub fn lineage(&self) -> Result<String, ReadError> {
        Ok(self
            .connection
            .query_row("SELECT value FROM meta WHERE name = 'lineage'", [], |r| {
                r.get(0)
            })?)
    }

    /// The number of the last entry and the hash that vouches for all of them; `None` when there is none.
    pub fn head(&self) -> Result<Option<(i64, Hash)>, ReadError> {
        let last = stretch::last(&self.connection)?;
        Ok(last.and_then(|(seq, hash)| Some((seq, hash?))))
    }

    /// Calls `each` with every record of a step, in key order, parts in order.
    pub fn each_record(
        &self,
        step: &str,
        each: impl FnMut(RecordRow<'_>),
    ) -> Result<u64, ReadError> {
        self.records(
            "SELECT r.key, r.part, r.state, r.op, r.origin, r.dest_id, r.fingerprint, r.second_pass, r.chunk,
               r.match_key, r.why
             FROM records r WHERE r.step = (SELECT id FROM steps WHERE name = ?1) ORDER BY r.key, r.part",
            step,
            each,
        )
    }

    /// Calls `each` with every record of a step that has an intent without an answer, in key order.
    pub fn each_open(&self, step: &str, each: impl FnMut(RecordRow<'_>)) -> Result<u64, ReadError> {
        self.records(
            "SELECT r.key, r.part, r.state, r.op, r.origin, r.dest_id, r.fingerprint, r.second_pass, r.chunk,
               r.match_key, r.why
             FROM records r INDEXED BY open_records WHERE r.state IN (1, 4)
               AND r.step = (SELECT id FROM steps WHERE name = ?1) ORDER BY r.key, r.part",
            step,
            each,
        )
    }

    fn records(
        &self,
        sql: &str,
        step: &str,
        mut each: impl FnMut(RecordRow<'_>),
    ) -> Result<u64, ReadError> {
        let mut query = self.connection.prepare_cached(sql)?;
        let mut rows = query.query([step])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            each(record(row)?);
            count += 1;
        }
        Ok(count)
    }

    /// Records of each step by state, in order of step name.
    pub fn states(&self) -> Result<Vec<(String, RecordState, u64)>, ReadError> {
        let mut query = self.connection.prepare_cached(
            "SELECT s.name, r.state, count(*) FROM records r JOIN steps s ON s.id = r.step
             GROUP BY s.name, r.state ORDER BY s.name, r.state",
        )?;
        let mut rows = query.query([])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push((
                row.get(0)?,
                state(row.get(1)?)?,
                row.get::<_, i64>(2)?.cast_unsigned(),
            ));
        }
        Ok(all)
    }

    /// What is set aside, by step, then key. `step`: of one step only.
    pub fn each_hold(
        &self,
        step: Option<&str>,
        mut each: impl FnMut(Hold),
    ) -> Result<u64, ReadError> {
        let mut query = self.connection.prepare_cached(
            "SELECT s.name, h.key, h.part, h.failed, h.code, h.field, h.value, h.words, h.line, h.since_run
             FROM holds h JOIN steps s ON s.id = h.step WHERE ?1 IS NULL OR s.name = ?1
             ORDER BY s.name, h.key, h.part",
        )?;
        let mut rows = query.query([step])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            each(Hold {
                step: row.get(0)?,
                key: row.get(1)?,
                part: row.get(2)?,
                kind: if row.get(3)? {
                    HoldKind::Failed
                } else {
                    HoldKind::Held
                },
                code: row.get(4)?,
                field: row.get(5)?,
                value: row.get(6)?,
                words: row.get(7)?,
                line: row.get::<_, Option<i64>>(8)?.map(i64::cast_unsigned),
                since_run: row.get(9)?,
            });
            count += 1;
        }
        Ok(count)
    }

    /// Holds by step, code and field with their number, the most frequent first.
    pub fn hold_reasons(&self) -> Result<Vec<HoldReason>, ReadError> {
        let mut query = self.connection.prepare_cached(
            "SELECT s.name, h.code, h.field, count(*) FROM holds h JOIN steps s ON s.id = h.step
             GROUP BY s.name, h.code, h.field ORDER BY count(*) DESC, s.name, h.code, h.field",
        )?;
        let mut rows = query.query([])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(HoldReason {
                step: row.get(0)?,
                code: row.get(1)?,
                field: row.get(2)?,
                records: row.get::<_, i64>(3)?.cast_unsigned(),
            });
        }
        Ok(all)
    }

    /// Bulk calls that are not settled: (chunk, job id), of one step.
    pub fn jobs(&self, step: &str) -> Result<Vec<(String, String)>, ReadError> {
        let mut query = self.connection.prepare_cached(
            "SELECT chunk, job FROM jobs WHERE step = (SELECT id FROM steps WHERE name = ?1) ORDER BY chunk",
        )?;
        let rows = query.query_map([step], |r| Ok((r.get(0)?, r.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What was decided, by name.
    pub fn decisions(&self) -> Result<Vec<(String, String)>, ReadError> {
        let mut query = self
            .connection
            .prepare_cached("SELECT name, value FROM decisions ORDER BY name")?;
        let rows = query.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Up to where a step has taken in its source.
    pub fn watermark(&self, step: &str) -> Result<Option<String>, ReadError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT value FROM watermarks WHERE step = (SELECT id FROM steps WHERE name = ?1)",
            )?
            .query_row([step], |r| r.get(0))
            .optional()?)
    }

    /// Files that are whole: (path, bytes, BLAKE3), of one step.
    pub fn files(&self, step: &str) -> Result<Vec<(String, u64, String)>, ReadError> {
        let mut query = self.connection.prepare_cached(
            "SELECT path, bytes, blake3 FROM files WHERE step = (SELECT id FROM steps WHERE name = ?1) ORDER BY path",
        )?;
        let rows = query.query_map([step], |r| {
            Ok((r.get(0)?, r.get::<_, i64>(1)?.cast_unsigned(), r.get(2)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Calls `each` with the entries after `seq`: (number, run, milliseconds of Unix time, entry).
    pub fn each_entry(
        &self,
        seq: i64,
        each: impl FnMut(i64, i64, i64, Entry),
    ) -> Result<(), ReadError> {
        self.entries(seq, |_| true, each)
    }

    /// The same for the entries about one record of any step. Goes through the journal.
    pub fn each_entry_of(
        &self,
        key: &str,
        each: impl FnMut(i64, i64, i64, Entry),
    ) -> Result<(), ReadError> {
        self.entries(0, |found| found.key == key, each)
    }

    fn entries(
        &self,
        seq: i64,
        wanted: impl Fn(&stretch::Found<'_>) -> bool,
        mut each: impl FnMut(i64, i64, i64, Entry),
    ) -> Result<(), ReadError> {
        stretch::walk(&self.connection, seq, wanted, |place, found| {
            each(place.seq, place.run, place.at_ms, place.entry(found)?);
            Ok(())
        })
    }
}

pub(super) fn strange(what: String) -> ReadError {
    ReadError::Strange { what }
}

fn state(code: u8) -> Result<RecordState, ReadError> {
    RecordState::from_code(code).ok_or_else(|| strange(format!("a record has state {code}")))
}

/// Reads a row of `records`. An empty text is a cleared one.
fn record<'a>(row: &'a Row<'a>) -> Result<RecordRow<'a>, ReadError> {
    let text = |column: usize| -> Result<Option<&'a str>, rusqlite::Error> {
        Ok(row
            .get_ref(column)?
            .as_str_or_null()?
            .filter(|t| !t.is_empty()))
    };
    Ok(RecordRow {
        key: row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?,
        part: row.get(1)?,
        state: state(row.get(2)?)?,
        op: row.get::<_, Option<u8>>(3)?.and_then(WriteOp::from_code),
        origin: row.get::<_, Option<u8>>(4)?.and_then(Origin::from_code),
        dest_id: text(5)?,
        fingerprint: row.get::<_, Option<i64>>(6)?.map(i64::cast_unsigned),
        second_pass: row.get(7)?,
        chunk: text(8)?,
        match_key: text(9)?,
        why: text(10)?,
    })
}
