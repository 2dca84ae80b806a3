//! What an account holds beside records: custom fields, bulk jobs, and hashes of the bodies that were posted.

use super::Store;
use crate::{ident::ObjectId, value::Type};
use rusqlite::{OptionalExtension as _, params};
use serde_json::Value;

/// The account's tables. `name` turns object and field names into numbers, so that a platform file with
/// objects in another order still finds its records.
pub(super) const TABLES: &str = "
CREATE TABLE IF NOT EXISTS name (code INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS record (
  object INTEGER NOT NULL, id INTEGER NOT NULL, deleted INTEGER NOT NULL,
  created INTEGER NOT NULL, updated INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (object, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS record_updated ON record (object, deleted, updated, id);
CREATE INDEX IF NOT EXISTS record_live ON record (object, deleted, id);
CREATE TABLE IF NOT EXISTS entry (
  object INTEGER NOT NULL, name INTEGER NOT NULL, value TEXT NOT NULL, id INTEGER NOT NULL,
  PRIMARY KEY (object, name, value, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS used (object INTEGER PRIMARY KEY, id INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS custom (
  id INTEGER PRIMARY KEY, object INTEGER NOT NULL, name TEXT NOT NULL, label TEXT NOT NULL,
  type TEXT NOT NULL, choices TEXT NOT NULL, UNIQUE (object, name));
CREATE TABLE IF NOT EXISTS job (
  id INTEGER PRIMARY KEY, object INTEGER NOT NULL, rows TEXT NOT NULL, partial INTEGER NOT NULL,
  created INTEGER NOT NULL, updated INTEGER NOT NULL, results TEXT);
CREATE TABLE IF NOT EXISTS posted (hash INTEGER PRIMARY KEY, object INTEGER NOT NULL, state INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS content (sum TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL);
";

/// A custom field of the account.
#[derive(Clone, Debug)]
pub(in crate::sandbox) struct CustomField {
    /// Its id.
    pub id: i64,
    /// API name.
    pub name: String,
    /// Name for people.
    pub label: String,
    /// Type.
    pub data_type: Type,
    /// Choices, in order.
    pub choices: Vec<String>,
}

/// A bulk job.
#[derive(Clone, Debug)]
pub(in crate::sandbox) struct StoredJob {
    /// What it writes.
    pub object: ObjectId,
    /// The rows as sent.
    pub rows: Vec<Value>,
    /// True when some rows are to fail.
    pub partial: bool,
    /// Milliseconds since the epoch.
    pub created: i64,
    /// Milliseconds since the epoch.
    pub updated: i64,
    /// The results, once it is done.
    pub results: Option<Value>,
}

/// What is known of an earlier create call with the same body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sandbox) enum Posted {
    /// It was refused with an answer; sending it again is right.
    Refused,
    /// It had no effect, but the client was not told (5xx, connection lost).
    Unanswered,
    /// It made a record.
    Made,
}

impl Posted {
    fn code(self) -> i64 {
        match self {
            Posted::Refused => 0,
            Posted::Unanswered => 1,
            Posted::Made => 2,
        }
    }
}

impl Store {
    pub(super) fn load_custom(&self, object: i64) -> rusqlite::Result<Vec<CustomField>> {
        let mut query = self.db.prepare_cached(
            "SELECT id, name, label, type, choices FROM custom WHERE object = ?1 ORDER BY id",
        )?;
        let rows = query.query_map([object], |r| {
            let data_type: String = r.get(3)?;
            let choices: String = r.get(4)?;
            Ok(CustomField {
                id: r.get(0)?,
                name: r.get(1)?,
                label: r.get(2)?,
                data_type: Type::parse(&data_type).unwrap_or(Type::Text),
                choices: serde_json::from_str(&choices).unwrap_or_default(),
            })
        })?;
        rows.collect()
    }

    /// Keeps the content of a file.
    pub(in crate::sandbox) fn keep_content(&self, sum: &str, body: &[u8]) -> rusqlite::Result<()> {
        self.db
            .prepare_cached("INSERT OR IGNORE INTO content VALUES (?1, ?2)")?
            .execute(params![sum, body])
            .map(drop)
    }

    /// The content of a file by its checksum.
    pub(in crate::sandbox) fn content(&self, sum: &str) -> rusqlite::Result<Option<Vec<u8>>> {
        self.db
            .prepare_cached("SELECT body FROM content WHERE sum = ?1")?
            .query_row([sum], |r| r.get(0))
            .optional()
    }

    /// The custom fields of an object, in the order they were made.
    pub(in crate::sandbox) fn custom(&self, object: ObjectId) -> &[CustomField] {
        &self.custom[object.ix()]
    }

    /// Stores a custom field, or replaces the label and choices of the one with that API name. Gives its id.
    pub(in crate::sandbox) fn put_custom(
        &mut self,
        object: ObjectId,
        field: &CustomField,
    ) -> rusqlite::Result<i64> {
        let code = self.codes[object.ix()];
        let choices = serde_json::to_string(&field.choices).unwrap_or_default();
        self.db.execute(
            "INSERT INTO custom (object, name, label, type, choices) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (object, name) DO UPDATE SET label = excluded.label, type = excluded.type, choices = excluded.choices",
            params![code, field.name, field.label, field.data_type.name(), choices],
        )?;
        self.custom[object.ix()] = self.load_custom(code)?;
        Ok(self.custom[object.ix()]
            .iter()
            .find(|f| f.name == field.name)
            .map_or(0, |f| f.id))
    }

    /// Stores a bulk job and gives its id.
    pub(in crate::sandbox) fn add_job(
        &mut self,
        object: ObjectId,
        rows: &[Value],
        partial: bool,
        now: i64,
    ) -> rusqlite::Result<i64> {
        self.db.execute(
            "INSERT INTO job (object, rows, partial, created, updated) VALUES (?1, ?2, ?3, ?4, ?4)",
            params![
                self.codes[object.ix()],
                serde_json::to_string(rows).unwrap_or_default(),
                partial,
                now
            ],
        )?;
        Ok(self.db.last_insert_rowid())
    }

    /// The job with that id.
    pub(in crate::sandbox) fn job(&self, id: i64) -> rusqlite::Result<Option<StoredJob>> {
        let found = self
            .db
            .query_row(
                "SELECT object, rows, partial, created, updated, results FROM job WHERE id = ?1",
                [id],
                |r| {
                    Ok((
                        r.get::<_, i64>(0)?,
                        r.get::<_, String>(1)?,
                        r.get(2)?,
                        r.get(3)?,
                        r.get(4)?,
                        r.get::<_, Option<String>>(5)?,
                    ))
                },
            )
            .optional()?;
        let Some((code, rows, partial, created, updated, results)) = found else {
            return Ok(None);
        };
        let Some(object) = self.codes.iter().position(|c| *c == code) else {
            return Ok(None);
        };
        Ok(Some(StoredJob {
            object: ObjectId(u16::try_from(object).unwrap_or_default()),
            rows: serde_json::from_str(&rows).unwrap_or_default(),
            partial,
            created,
            updated,
            results: results.and_then(|r| serde_json::from_str(&r).ok()),
        }))
    }

    /// Ids of jobs that are not done.
    pub(in crate::sandbox) fn open_jobs(&self) -> rusqlite::Result<Vec<i64>> {
        let mut query = self
            .db
            .prepare("SELECT id FROM job WHERE results IS NULL ORDER BY id")?;
        let ids = query.query_map([], |r| r.get(0))?;
        ids.collect()
    }

    /// Stores the results of a job and drops its rows.
    pub(in crate::sandbox) fn finish_job(
        &mut self,
        id: i64,
        results: &Value,
        now: i64,
    ) -> rusqlite::Result<()> {
        self.db.execute(
            "UPDATE job SET results = ?2, updated = ?3, rows = '[]' WHERE id = ?1",
            params![id, results.to_string(), now],
        )?;
        Ok(())
    }

    /// What is known of earlier create calls with this hash.
    pub(in crate::sandbox) fn posted(&self, hash: i64) -> rusqlite::Result<Option<Posted>> {
        let found: Option<i64> = self
            .db
            .prepare_cached("SELECT state FROM posted WHERE hash = ?1")?
            .query_row([hash], |r| r.get(0))
            .optional()?;
        Ok(found.map(|n| match n {
            0 => Posted::Refused,
            1 => Posted::Unanswered,
            _ => Posted::Made,
        }))
    }

    /// Remembers a create call.
    pub(in crate::sandbox) fn set_posted(
        &mut self,
        object: ObjectId,
        hash: i64,
        state: Posted,
    ) -> rusqlite::Result<()> {
        self.db
            .prepare_cached(
                "INSERT INTO posted (hash, object, state) VALUES (?1, ?2, ?3)
                 ON CONFLICT (hash) DO UPDATE SET state = max(state, excluded.state)",
            )?
            .execute(params![hash, self.codes[object.ix()], state.code()])?;
        Ok(())
    }

    /// Forgets all create calls.
    pub(in crate::sandbox) fn forget_posted(&mut self) -> rusqlite::Result<()> {
        self.db.execute("DELETE FROM posted", [])?;
        Ok(())
    }
}
