//! The fold's small tables: runs, steps, jobs, decisions, files, calls. Written at once, entry by entry.

use super::Fold;
use crate::ledger::{
    approval::{self, Approved},
    counted,
    entry::Entry,
    progress,
};
use rusqlite::{Connection, params};

impl Fold {
    /// Writes what an entry does to the small tables.
    pub(in crate::ledger) fn write_small(
        &self,
        connection: &Connection,
        step: i64,
        run: i64,
        at_ms: i64,
        entry: &Entry,
    ) -> Result<(), rusqlite::Error> {
        let db = self.database;
        let run_sql = |sql: String, values: &[&dyn rusqlite::ToSql]| {
            connection.prepare_cached(&sql)?.execute(values).map(drop)
        };
        match entry {
            Entry::RunStarted {
                command,
                plan,
                engine,
                resumed,
            } => run_sql(
                format!(
                    "INSERT INTO {db}.runs VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULL, NULL, NULL, NULL)"
                ),
                params![run, command, plan, engine, resumed, at_ms],
            ),
            Entry::RunEnded {
                outcome,
                until_ms,
                why,
            } => run_sql(
                format!(
                    "UPDATE {db}.runs SET ended_ms = ?2, outcome = ?3, until_ms = ?4, why = ?5 WHERE run = ?1"
                ),
                params![run, at_ms, outcome, until_ms, why],
            ),
            Entry::StepStarted { hash, .. } => run_sql(
                format!("INSERT OR IGNORE INTO {db}.run_steps VALUES (?1, ?2, ?3, ?4, NULL, NULL)"),
                params![run, step, hash, at_ms],
            ),
            Entry::StepEnded { counts, .. } => {
                let counts = serde_json::to_string(counts)
                    .map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
                run_sql(
                    format!(
                        "INSERT INTO {db}.run_steps VALUES (?1, ?2, '', ?3, ?3, ?4)
                         ON CONFLICT DO UPDATE SET ended_ms = excluded.ended_ms, counts = excluded.counts"
                    ),
                    params![run, step, at_ms, counts],
                )
            }
            Entry::JobStarted { chunk, job, .. } => run_sql(
                format!("INSERT OR REPLACE INTO {db}.jobs VALUES (?1, ?2, ?3)"),
                params![step, chunk, job],
            ),
            Entry::JobEnded { chunk, .. } => run_sql(
                format!("DELETE FROM {db}.jobs WHERE step = ?1 AND chunk = ?2"),
                params![step, chunk],
            ),
            Entry::Approved(approval) => {
                let value = serde_json::to_string(&Approved {
                    at_ms,
                    approval: approval.clone(),
                })
                .map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
                run_sql(
                    format!("INSERT OR REPLACE INTO {db}.decisions VALUES (?1, ?2)"),
                    params![approval::DECISION, value],
                )
            }
            Entry::CountedBefore(count) => counted::begin(connection, db, count),
            Entry::CountedAfter(count) => counted::end(connection, db, run, at_ms, count),
            Entry::Planned(_) | Entry::Progressed(_) | Entry::Waiting(_) | Entry::Waived { .. } => {
                progress::write(connection, db, run, at_ms, entry)
            }
            Entry::Decided { name, value } => run_sql(
                format!("INSERT OR REPLACE INTO {db}.decisions VALUES (?1, ?2)"),
                params![name, value],
            ),
            Entry::Watermark { value, .. } => run_sql(
                format!("INSERT OR REPLACE INTO {db}.watermarks VALUES (?1, ?2)"),
                params![step, value],
            ),
            Entry::FileWritten {
                path,
                bytes,
                blake3,
                ..
            } => run_sql(
                format!("INSERT OR REPLACE INTO {db}.files VALUES (?1, ?2, ?3, ?4)"),
                params![step, path, bytes.cast_signed(), blake3],
            ),
            Entry::BudgetUsed {
                account,
                second,
                calls,
            } => {
                run_sql(
                    format!("INSERT OR REPLACE INTO {db}.budget VALUES (?1, ?2, ?3)"),
                    params![account, second, calls.cast_signed()],
                )?;
                // No window of any platform is longer than a day.
                run_sql(
                    format!("DELETE FROM {db}.budget WHERE account = ?1 AND second < ?2"),
                    params![account, second.saturating_sub(86_400)],
                )
            }
            Entry::CallsReserved {
                account,
                second,
                calls,
            } => {
                run_sql(
                    format!("INSERT OR REPLACE INTO {db}.reserved VALUES (?1, ?2, ?3)"),
                    params![account, second, calls.cast_signed()],
                )?;
                // A day of any zone lies within the last three.
                run_sql(
                    format!("DELETE FROM {db}.reserved WHERE account = ?1 AND second < ?2"),
                    params![account, second.saturating_sub(3 * 86_400)],
                )
            }
            _ => Ok(()),
        }
    }
}
