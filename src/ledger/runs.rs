//! Reading the ledger: how runs ended, the books of their steps, and the calls of an account.

use super::{
    schema,
    view::{ReadError, View, strange},
};
use crate::event::Counts;
use serde::Serialize;

/// A run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunRow {
    /// Its number.
    pub run: i64,
    /// The command.
    pub command: String,
    /// Hash of the plan.
    pub plan: String,
    /// Version of the engine.
    pub engine: String,
    /// True when it went on from an unfinished one.
    pub resumed: bool,
    /// Its start, in milliseconds of Unix time.
    pub started_ms: i64,
    /// Its end; `None` while it runs or when it was interrupted.
    pub ended_ms: Option<i64>,
    /// Its outcome; `None` as above.
    pub outcome: Option<String>,
    /// Of a run that paused: until when, in milliseconds of Unix time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
    /// Of a run that did not come to its end: why; `None` where somebody stopped it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A step of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepRow {
    /// The step.
    pub step: String,
    /// Hash of its meaning.
    pub hash: String,
    /// Its start, in milliseconds of Unix time.
    pub started_ms: i64,
    /// Its end.
    pub ended_ms: Option<i64>,
    /// Its books, once it has ended.
    pub counts: Option<Counts>,
}

impl View {
    /// All runs, the oldest first.
    pub fn runs(&self) -> Result<Vec<RunRow>, ReadError> {
        // A file of an older engine does not know why runs pause.
        let pause = match schema::knows_pauses(&self.connection)? {
            true => "until_ms, why",
            false => "NULL, NULL",
        };
        let mut query = self.connection.prepare_cached(&format!(
            "SELECT run, command, plan, engine, resumed, started_ms, ended_ms, outcome, {pause} FROM runs ORDER BY run"
        ))?;
        let rows = query.query_map([], |row| {
            Ok(RunRow {
                run: row.get(0)?,
                command: row.get(1)?,
                plan: row.get(2)?,
                engine: row.get(3)?,
                resumed: row.get(4)?,
                started_ms: row.get(5)?,
                ended_ms: row.get(6)?,
                outcome: row.get(7)?,
                until_ms: row.get(8)?,
                why: row.get(9)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The steps of a run with their books, in order of their start.
    pub fn steps(&self, run: i64) -> Result<Vec<StepRow>, ReadError> {
        let mut query = self.connection.prepare_cached(
            "SELECT s.name, r.hash, r.started_ms, r.ended_ms, r.counts FROM run_steps r
             JOIN steps s ON s.id = r.step WHERE r.run = ?1 ORDER BY r.started_ms, s.name",
        )?;
        let mut rows = query.query([run])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            let counts: Option<String> = row.get(4)?;
            all.push(StepRow {
                step: row.get(0)?,
                hash: row.get(1)?,
                started_ms: row.get(2)?,
                ended_ms: row.get(3)?,
                counts: counts
                    .map(|text| serde_json::from_str(&text))
                    .transpose()
                    .map_err(|e| strange(format!("books of a step: {e}")))?,
            });
        }
        Ok(all)
    }

    /// Calls of an account since a second of Unix time: (second, calls), in order.
    pub fn budget(&self, account: &str, since: i64) -> Result<Vec<(i64, u64)>, ReadError> {
        let mut query = self.connection.prepare_cached(
            "SELECT second, calls FROM budget WHERE account = ?1 AND second >= ?2 ORDER BY second",
        )?;
        let rows = query.query_map((account, since), |r| {
            Ok((r.get(0)?, r.get::<_, i64>(1)?.cast_unsigned()))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Calls of an account that were set aside since a second of Unix time: (second, calls), in order.
    pub fn reserved(&self, account: &str, since: i64) -> Result<Vec<(i64, u64)>, ReadError> {
        if !schema::knows_pauses(&self.connection)? {
            return Ok(Vec::new());
        }
        let mut query = self.connection.prepare_cached(
            "SELECT second, calls FROM reserved WHERE account = ?1 AND second >= ?2 ORDER BY second",
        )?;
        let rows = query.query_map((account, since), |r| {
            Ok((r.get(0)?, r.get::<_, i64>(1)?.cast_unsigned()))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
