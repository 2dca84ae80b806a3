//! The state of a simulated account, in SQLite: records, an index of their keys, custom fields and jobs.
//!
//! It stores what it is given. What a record may hold is decided in `accept`, what the index holds in `shape`.
//! Every change is committed before the call that made it is answered, so that an answer that was sent, and
//! one that was lost, both speak of a change that stands.

mod side;

pub(super) use side::{CustomField, Posted, StoredJob};

use crate::{ident::ObjectId, platform::Platform};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, path::Path};

/// First id of the first object; each further object starts this much higher, so that an id of one object is
/// no id of another.
const ID_STEP: i64 = 10_000_000_000;

/// A record of the account.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    /// Its id; 0 until it is stored.
    pub id: i64,
    /// True in the recycle bin.
    pub deleted: bool,
    /// Milliseconds since the epoch.
    pub created: i64,
    /// Milliseconds since the epoch.
    pub updated: i64,
    /// Values by field name, in stored form (see `coerce`); null fields are left out.
    pub fields: Map<String, Value>,
    /// Values of custom fields by API name.
    pub custom: Map<String, Value>,
}

/// Which records of an object are meant, and in which order.
#[derive(Clone, Debug)]
pub(super) struct Query {
    /// In the recycle bin, or not.
    pub deleted: bool,
    /// Only records with this index entry.
    pub entry: Option<(String, String)>,
    /// Only records changed since then, in milliseconds.
    pub since: Option<i64>,
    /// Order.
    pub order: Order,
    /// Descending.
    pub desc: bool,
    /// Records to pass over.
    pub offset: u64,
    /// Most records.
    pub limit: u64,
}

/// The order of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// By id.
    Id,
    /// By time of creation.
    Created,
    /// By time of the last change.
    Updated,
    /// By the value of a field.
    Field(String),
}

/// The tables and what is kept in memory about them.
pub(super) struct Store {
    db: Connection,
    codes: Vec<i64>,
    names: BTreeMap<String, i64>,
    next_id: Vec<i64>,
    live: Vec<u64>,
    deleted: Vec<u64>,
    custom: Vec<Vec<CustomField>>,
}

impl Store {
    /// Opens the file, or an account in memory.
    pub(super) fn open(path: Option<&Path>, platform: &Platform) -> rusqlite::Result<Store> {
        let db = match path {
            Some(path) => Connection::open(path)?,
            None => Connection::open_in_memory()?,
        };
        // One process at a time; what a simulator says need not survive a power cut, only a killed process.
        db.execute_batch(
            "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA temp_store=MEMORY;
             PRAGMA cache_size=-65536;",
        )?;
        db.execute_batch(side::TABLES)?;
        db.set_prepared_statement_cache_capacity(64);
        let mut store = Store {
            db,
            codes: Vec::new(),
            names: BTreeMap::new(),
            next_id: Vec::new(),
            live: Vec::new(),
            deleted: Vec::new(),
            custom: Vec::new(),
        };
        for (at, object) in platform.objects.iter().enumerate() {
            let code = store.code(&object.name)?;
            store.codes.push(code);
            let base = ID_STEP.saturating_mul(i64::try_from(at).unwrap_or(0) + 1) + 1000;
            let last: Option<i64> = store.db.query_row(
                "SELECT max(coalesce((SELECT max(id) FROM record WHERE object = ?1), 0),
                            coalesce((SELECT id FROM used WHERE object = ?1), 0))",
                [code],
                |r| r.get(0),
            )?;
            store.next_id.push(last.unwrap_or(0).max(base) + 1);
            for deleted in [false, true] {
                let n: i64 = store.db.query_row(
                    "SELECT count(*) FROM record WHERE object = ?1 AND deleted = ?2",
                    params![code, deleted],
                    |r| r.get(0),
                )?;
                let to = if deleted {
                    &mut store.deleted
                } else {
                    &mut store.live
                };
                to.push(u64::try_from(n).unwrap_or(0));
            }
            let fields = store.load_custom(code)?;
            store.custom.push(fields);
        }
        Ok(store)
    }

    fn code(&mut self, name: &str) -> rusqlite::Result<i64> {
        if let Some(code) = self.names.get(name) {
            return Ok(*code);
        }
        self.db
            .prepare_cached("INSERT OR IGNORE INTO name (text) VALUES (?1)")?
            .execute([name])?;
        let code = self
            .db
            .prepare_cached("SELECT code FROM name WHERE text = ?1")?
            .query_row([name], |r| r.get(0))?;
        self.names.insert(name.to_owned(), code);
        Ok(code)
    }

    /// Writes one fact about the account; `fact` reads it.
    pub(super) fn set_fact(&mut self, name: &str, value: &str) -> rusqlite::Result<()> {
        self.db.execute(
            "INSERT OR REPLACE INTO fact (name, value) VALUES (?1, ?2)",
            [name, value],
        )?;
        Ok(())
    }

    /// A fact about the account.
    pub(super) fn fact(&self, name: &str) -> rusqlite::Result<Option<String>> {
        self.db
            .query_row("SELECT value FROM fact WHERE name = ?1", [name], |r| {
                r.get(0)
            })
            .optional()
    }

    /// Runs changes as one: all of them stand, or none.
    pub(super) fn together<T>(
        &mut self,
        work: impl FnOnce(&mut Store) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        if !self.db.is_autocommit() {
            return work(self);
        }
        self.db
            .prepare_cached("BEGIN IMMEDIATE")?
            .execute(params![])?;
        match work(self) {
            Ok(done) => {
                self.db.prepare_cached("COMMIT")?.execute(params![])?;
                Ok(done)
            }
            Err(why) => {
                self.db.execute_batch("ROLLBACK")?;
                Err(why)
            }
        }
    }

    /// Stores a new record with its index entries and gives it an id, unless it has one.
    pub(super) fn insert(
        &mut self,
        object: ObjectId,
        record: &mut Record,
        entries: &[(String, String)],
    ) -> rusqlite::Result<()> {
        let at = object.ix();
        if record.id == 0 {
            record.id = self.next_id[at];
        }
        self.next_id[at] = self.next_id[at].max(record.id.saturating_add(1));
        let code = self.codes[at];
        self.db
            .prepare_cached("INSERT INTO record (object, id, deleted, created, updated, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![code, record.id, record.deleted, record.created, record.updated, body(record)])?;
        self.add_entries(code, record.id, entries)?;
        self.live[at] += 1;
        Ok(())
    }

    /// Stores a changed record. `gone` and `fresh` are its index entries before and after.
    pub(super) fn replace(
        &mut self,
        object: ObjectId,
        record: &Record,
        gone: &[(String, String)],
        fresh: &[(String, String)],
    ) -> rusqlite::Result<()> {
        let code = self.codes[object.ix()];
        self.db
            .prepare_cached("UPDATE record SET deleted = ?3, created = ?4, updated = ?5, body = ?6 WHERE object = ?1 AND id = ?2")?
            .execute(params![code, record.id, record.deleted, record.created, record.updated, body(record)])?;
        for (name, value) in gone.iter().filter(|e| !fresh.contains(e)) {
            let name = self.code(name)?;
            self.db
                .prepare_cached(
                    "DELETE FROM entry WHERE object = ?1 AND name = ?2 AND value = ?3 AND id = ?4",
                )?
                .execute(params![code, name, value, record.id])?;
        }
        let added: Vec<_> = fresh
            .iter()
            .filter(|e| !gone.contains(e))
            .cloned()
            .collect();
        self.add_entries(code, record.id, &added)
    }

    fn add_entries(
        &mut self,
        object: i64,
        id: i64,
        entries: &[(String, String)],
    ) -> rusqlite::Result<()> {
        for (name, value) in entries {
            let name = self.code(name)?;
            self.db
                .prepare_cached(
                    "INSERT OR IGNORE INTO entry (object, name, value, id) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(params![object, name, value, id])?;
        }
        Ok(())
    }

    /// Moves a record into the recycle bin or out of it.
    pub(super) fn set_deleted(
        &mut self,
        object: ObjectId,
        id: i64,
        deleted: bool,
        now: i64,
    ) -> rusqlite::Result<()> {
        let at = object.ix();
        let n = self
            .db
            .prepare_cached("UPDATE record SET deleted = ?3, updated = ?4 WHERE object = ?1 AND id = ?2 AND deleted <> ?3")?
            .execute(params![self.codes[at], id, deleted, now])?;
        if n > 0 {
            let (more, less) = if deleted {
                (&mut self.deleted[at], &mut self.live[at])
            } else {
                (&mut self.live[at], &mut self.deleted[at])
            };
            *more += 1;
            *less = less.saturating_sub(1);
        }
        Ok(())
    }

    /// Removes a record for good. Its id is not used again.
    pub(super) fn remove(
        &mut self,
        object: ObjectId,
        record: &Record,
        entries: &[(String, String)],
    ) -> rusqlite::Result<()> {
        let at = object.ix();
        let code = self.codes[at];
        self.replace(object, record, entries, &[])?;
        self.db.execute(
            "DELETE FROM record WHERE object = ?1 AND id = ?2",
            [code, record.id],
        )?;
        self.db.execute(
            "INSERT INTO used (object, id) VALUES (?1, ?2) ON CONFLICT (object) DO UPDATE SET id = max(id, excluded.id)",
            [code, record.id],
        )?;
        let n = if record.deleted {
            &mut self.deleted[at]
        } else {
            &mut self.live[at]
        };
        *n = n.saturating_sub(1);
        Ok(())
    }

    /// The record with that id, in the recycle bin or not.
    pub(super) fn get(&self, object: ObjectId, id: i64) -> rusqlite::Result<Option<Record>> {
        self.db
            .prepare_cached("SELECT id, deleted, created, updated, body FROM record WHERE object = ?1 AND id = ?2")?
            .query_row([self.codes[object.ix()], id], read)
            .optional()
    }

    /// Ids of records, live ones only unless `deleted`, with that index entry, lowest first.
    // `CROSS JOIN` keeps SQLite from walking all records of the object for one entry.
    pub(super) fn find(
        &mut self,
        object: ObjectId,
        name: &str,
        value: &str,
        deleted: bool,
    ) -> rusqlite::Result<Vec<i64>> {
        let name = self.code(name)?;
        let mut query = self.db.prepare_cached(
            "SELECT e.id FROM entry e CROSS JOIN record r ON r.object = e.object AND r.id = e.id
             WHERE e.object = ?1 AND e.name = ?2 AND e.value = ?3 AND r.deleted <= ?4 ORDER BY e.id",
        )?;
        let ids = query.query_map(
            params![self.codes[object.ix()], name, value, deleted],
            |r| r.get(0),
        )?;
        ids.collect()
    }

    /// Records in an order, and how many there are in all.
    pub(super) fn list(
        &mut self,
        object: ObjectId,
        query: &Query,
    ) -> rusqlite::Result<(Vec<Record>, u64)> {
        let code = self.codes[object.ix()];
        let since = query.since.unwrap_or(i64::MIN);
        let total = match &query.entry {
            _ if query.since.is_some() => self.changed(object, query, since)?,
            None if query.deleted => self.deleted[object.ix()],
            None => self.live[object.ix()],
            Some((name, value)) => {
                let name = self.code(name)?;
                let n: i64 = self
                    .db
                    .prepare_cached(
                        "SELECT count(*) FROM entry e CROSS JOIN record r ON r.object = e.object AND r.id = e.id
                         WHERE e.object = ?1 AND e.name = ?2 AND e.value = ?3 AND r.deleted = ?4",
                    )?
                    .query_row(params![code, name, value, query.deleted], |r| r.get(0))?;
                u64::try_from(n).unwrap_or(0)
            }
        };
        if query.limit == 0 || query.offset >= total {
            return Ok((Vec::new(), total));
        }
        let way = if query.desc { "DESC" } else { "ASC" };
        let order = match &query.order {
            Order::Id => format!("r.id {way}"),
            Order::Created => format!("r.created {way}, r.id {way}"),
            Order::Updated => format!("r.updated {way}, r.id {way}"),
            Order::Field(_) => format!("json_extract(r.body, ?7) {way}, r.id {way}"),
        };
        let path = match &query.order {
            Order::Field(name) => format!("$.f.\"{}\"", name.replace('"', "")),
            _ => String::new(),
        };
        let (name, value) = match &query.entry {
            Some((name, value)) => (self.code(name)?, value.as_str()),
            None => (0, ""),
        };
        let from = match &query.entry {
            Some(_) => {
                "FROM entry e CROSS JOIN record r ON r.object = e.object AND r.id = e.id
                 WHERE e.object = ?1 AND r.deleted = ?2 AND e.name = ?5 AND e.value = ?6 AND r.updated >= ?8"
            }
            None => "FROM record r WHERE r.object = ?1 AND r.deleted = ?2 AND ?5 = 0 AND ?6 = '' AND r.updated >= ?8",
        };
        let sql = format!(
            "SELECT r.id, r.deleted, r.created, r.updated, r.body {from} AND ?7 IS NOT NULL ORDER BY {order} LIMIT ?3 OFFSET ?4"
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let rows = statement.query_map(
            params![
                code,
                query.deleted,
                i64::try_from(query.limit).unwrap_or(i64::MAX),
                i64::try_from(query.offset).unwrap_or(i64::MAX),
                name,
                value,
                path,
                since
            ],
            read,
        )?;
        Ok((rows.collect::<rusqlite::Result<_>>()?, total))
    }

    /// How many records changed since a moment.
    fn changed(&mut self, object: ObjectId, query: &Query, since: i64) -> rusqlite::Result<u64> {
        let code = self.codes[object.ix()];
        let n: i64 = match &query.entry {
            None => self
                .db
                .prepare_cached(
                    "SELECT count(*) FROM record WHERE object = ?1 AND deleted = ?2 AND updated >= ?3",
                )?
                .query_row(params![code, query.deleted, since], |r| r.get(0))?,
            Some((name, value)) => {
                let name = self.code(name)?;
                self.db
                    .prepare_cached(
                        "SELECT count(*) FROM entry e CROSS JOIN record r ON r.object = e.object AND r.id = e.id
                         WHERE e.object = ?1 AND e.name = ?2 AND e.value = ?3 AND r.deleted = ?4 AND r.updated >= ?5",
                    )?
                    .query_row(params![code, name, value, query.deleted, since], |r| r.get(0))?
            }
        };
        Ok(u64::try_from(n).unwrap_or(0))
    }

    /// Every record of an object, live or not, by id.
    pub(super) fn all(&self, object: ObjectId) -> rusqlite::Result<Vec<Record>> {
        let mut query = self.db.prepare_cached(
            "SELECT id, deleted, created, updated, body FROM record WHERE object = ?1 ORDER BY id",
        )?;
        let rows = query.query_map([self.codes[object.ix()]], read)?;
        rows.collect()
    }

    /// Live records of an object.
    pub(super) fn live(&self, object: ObjectId) -> u64 {
        self.live[object.ix()]
    }
}

/// A record as text: values and custom values.
fn body(record: &Record) -> String {
    #[derive(serde::Serialize)]
    struct Body<'a> {
        f: &'a Map<String, Value>,
        c: &'a Map<String, Value>,
    }
    serde_json::to_string(&Body {
        f: &record.fields,
        c: &record.custom,
    })
    .unwrap_or_default()
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Record> {
    #[derive(serde::Deserialize)]
    struct Body {
        f: Map<String, Value>,
        c: Map<String, Value>,
    }
    let body: Body = serde_json::from_str(row.get_ref(4)?.as_str()?).map_err(|why| {
        rusqlite::Error::FromSqlConversionFailure(4, rusqlite::types::Type::Text, Box::new(why))
    })?;
    Ok(Record {
        id: row.get(0)?,
        deleted: row.get(1)?,
        created: row.get(2)?,
        updated: row.get(3)?,
        fields: body.f,
        custom: body.c,
    })
}
