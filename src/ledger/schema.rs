//! The tables of the ledger file, their version, and how a connection to it is set up.
//!
//! A file of a newer version is refused; older ones are lifted here, one version at a time.

use super::lease;
use rusqlite::{Connection, OpenFlags};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// Marks the file as ours (`TLdg`); `file(1)` and people can tell.
pub(super) const APPLICATION_ID: i32 = 0x544c_6467;

/// The version this engine writes.
pub(super) const VERSION: i32 = 4;

/// What was written together, in one transaction: the number of its last entry, how many they are, and the entries as
/// [`super::frame`] puts them.
const JOURNAL: &str = "
CREATE TABLE journal (
  seq INTEGER PRIMARY KEY, entries INTEGER NOT NULL, run INTEGER NOT NULL, at_ms INTEGER NOT NULL, data BLOB NOT NULL,
  hash BLOB NOT NULL) STRICT;
";

/// Tables and their meaning. `journal` is the truth; `records`, `holds`, `decisions`, `watermarks`, `runs`,
/// `run_steps`, `jobs`, `files`, `budget` and `reserved` are folds of it.
const TABLES: &str = "
CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
CREATE TABLE lease (
  one INTEGER PRIMARY KEY CHECK (one = 1), epoch INTEGER NOT NULL, host TEXT NOT NULL, process INTEGER NOT NULL,
  since_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL, ended INTEGER NOT NULL) STRICT;
CREATE TABLE steps (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
";

/// The tables that are folds of the journal, for one attached database.
pub(super) fn state_tables(database: &str) -> String {
    format!(
        "
CREATE TABLE {database}.records (
  step INTEGER NOT NULL, key TEXT NOT NULL, part INTEGER NOT NULL, state INTEGER NOT NULL, op INTEGER,
  origin INTEGER, dest_id TEXT, fingerprint INTEGER, second_pass INTEGER NOT NULL DEFAULT 0, chunk TEXT,
  match_key TEXT, why TEXT, written BLOB, written_later BLOB, stamp TEXT,
  PRIMARY KEY (step, key, part)) STRICT, WITHOUT ROWID;
CREATE TABLE {database}.holds (
  step INTEGER NOT NULL, key TEXT NOT NULL, part INTEGER NOT NULL, failed INTEGER NOT NULL, code TEXT NOT NULL,
  field TEXT, value TEXT, words TEXT NOT NULL, line INTEGER, since_run INTEGER NOT NULL,
  PRIMARY KEY (step, key, part)) STRICT, WITHOUT ROWID;
CREATE TABLE {database}.decisions (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE {database}.watermarks (step INTEGER PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE {database}.runs (
  run INTEGER PRIMARY KEY, command TEXT NOT NULL, plan TEXT NOT NULL, engine TEXT NOT NULL, resumed INTEGER NOT NULL,
  started_ms INTEGER NOT NULL, ended_ms INTEGER, outcome TEXT, until_ms INTEGER, why TEXT) STRICT;
CREATE TABLE {database}.run_steps (
  run INTEGER NOT NULL, step INTEGER NOT NULL, hash TEXT NOT NULL, started_ms INTEGER NOT NULL, ended_ms INTEGER,
  counts TEXT, PRIMARY KEY (run, step)) STRICT, WITHOUT ROWID;
CREATE TABLE {database}.jobs (
  step INTEGER NOT NULL, chunk TEXT NOT NULL, job TEXT NOT NULL, PRIMARY KEY (step, chunk)) STRICT, WITHOUT ROWID;
CREATE TABLE {database}.files (
  step INTEGER NOT NULL, path TEXT NOT NULL, bytes INTEGER NOT NULL, blake3 TEXT NOT NULL,
  PRIMARY KEY (step, path)) STRICT, WITHOUT ROWID;
CREATE TABLE {database}.budget (
  account TEXT NOT NULL, second INTEGER NOT NULL, calls INTEGER NOT NULL,
  PRIMARY KEY (account, second)) STRICT, WITHOUT ROWID;
{}",
        RESERVED.replace("CREATE TABLE ", &format!("CREATE TABLE {database}."))
    )
}

/// The table of calls that were set aside before they were made.
const RESERVED: &str = "CREATE TABLE reserved (
  account TEXT NOT NULL, second INTEGER NOT NULL, calls INTEGER NOT NULL,
  PRIMARY KEY (account, second)) STRICT, WITHOUT ROWID;";

/// What each version adds to the one before it, from the second on.
const LIFTS: &[(i32, &str)] = &[
    (
        2,
        "ALTER TABLE records ADD COLUMN written BLOB;
         ALTER TABLE records ADD COLUMN written_later BLOB;
         ALTER TABLE records ADD COLUMN stamp TEXT;",
    ),
    (
        3,
        "ALTER TABLE runs ADD COLUMN until_ms INTEGER;
         ALTER TABLE runs ADD COLUMN why TEXT;",
    ),
    (3, RESERVED),
    // What is written stays as it was, so that its hashes stay: an entry a row.
    (4, "ALTER TABLE journal RENAME TO journal_rows;"),
    (4, JOURNAL),
];

/// Brings an older file up to this version, all or nothing. Only whoever holds the lease may: an older engine that is
/// at work would not know the new columns.
pub(super) fn lift(connection: &Connection) -> Result<(), rusqlite::Error> {
    if marks(connection)?.1 >= VERSION {
        return Ok(());
    }
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let lifted = (|| {
        let (_, version) = marks(connection)?;
        for (to, sql) in LIFTS.iter().filter(|(to, _)| *to > version) {
            connection.execute_batch(sql)?;
            connection.pragma_update(None, "user_version", to)?;
        }
        Ok(())
    })();
    connection.execute_batch(if lifted.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    lifted
}

/// True when the file knows what was written into records.
pub(super) fn knows_written(connection: &Connection) -> Result<bool, rusqlite::Error> {
    Ok(marks(connection)?.1 >= 2)
}

/// True when the file knows why runs pause, and which calls were set aside.
pub(super) fn knows_pauses(connection: &Connection) -> Result<bool, rusqlite::Error> {
    Ok(marks(connection)?.1 >= 3)
}

/// True when the file keeps entries in frames.
pub(super) fn knows_frames(connection: &Connection) -> Result<bool, rusqlite::Error> {
    Ok(marks(connection)?.1 >= 4)
}

/// The table in which each entry has a row of its own: what versions before 4 wrote.
pub(super) fn rows_table(connection: &Connection) -> Result<Option<&'static str>, rusqlite::Error> {
    if !knows_frames(connection)? {
        return Ok(Some("journal"));
    }
    let lifted: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'journal_rows')")?
        .query_row([], |r| r.get(0))?;
    Ok(lifted.then_some("journal_rows"))
}

/// The names of the tables that are folds of the journal.
pub(super) const STATE_TABLES: &[&str] = &[
    "records",
    "holds",
    "decisions",
    "watermarks",
    "runs",
    "run_steps",
    "jobs",
    "files",
    "budget",
    "reserved",
];

/// Why a file cannot be used as a ledger.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// It is some other database.
    #[error("this file is not a ledger of Transload")]
    Foreign,
    /// It holds nothing at all: what made it never leaves it so.
    #[error("this file is empty, so nobody knows what was loaded")]
    Empty,
    /// It was written by a newer engine.
    #[error(
        "the ledger has version {found}, this engine knows version {VERSION}: use the engine that wrote it or a newer one"
    )]
    Newer {
        /// Its version.
        found: i32,
    },
    /// It cannot be made.
    #[error(transparent)]
    Io(std::io::Error),
    /// SQLite refuses.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

impl SchemaError {
    /// True when the file is no ledger, or is broken: trying again does not help.
    pub fn is_damage(&self) -> bool {
        match self {
            SchemaError::Foreign | SchemaError::Empty | SchemaError::Newer { .. } => true,
            SchemaError::Io(_) => false,
            SchemaError::Sqlite(error) => is_damage(error),
        }
    }
}

/// True when SQLite says that the file is no database, or a broken one.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    matches!(
        error.sqlite_error_code(),
        Some(DatabaseCorrupt | NotADatabase)
    ) || matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..)
    )
}

/// Opens the file for writing; makes it when it is not there.
pub(super) fn open_writer(path: &Path) -> Result<Connection, SchemaError> {
    if !path.exists() {
        make(path)?;
    }
    refuse_empty(path)?;
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(Duration::from_secs(30))?;
    let (application, version) = marks(&connection)?;
    check_marks(application, version)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cache_size", -32_000)?;
    // 16 MiB of changes: a copy of them into the file costs two flushes of its own.
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Makes a ledger under a name of its own and then gives it its place, where none is: a crash leaves a whole ledger
/// there, or none. So a file that is there and empty was emptied by somebody else.
///
/// A journal of changes that lies beside a ledger which somebody removed belongs to that one: it goes first. The lock
/// of the lease keeps others from starting in between.
fn make(path: &Path) -> Result<(), SchemaError> {
    let lock = lease::lock_file(&path.with_extension("lock")).map_err(SchemaError::Io)?;
    if matches!(lock, lease::Lock::Taken) {
        return wait_for(path);
    }
    if path.exists() {
        return Ok(());
    }
    for end in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(beside(path, end));
    }
    let made = path.with_extension(format!("sqlite.{}.new", std::process::id()));
    for old in leftovers(&made) {
        let _ = std::fs::remove_file(old);
    }
    let connection = Connection::open_with_flags(
        &made,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "fullfsync", true)?;
    create(&connection)?;
    connection.close().map_err(|(_, e)| e)?;
    // A link never takes the place of another process's ledger; where a disk knows no links, nobody is as fast.
    let placed = match std::fs::hard_link(&made, path) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists && !path.exists() => {
            std::fs::rename(&made, path)
        }
        _ => Ok(()),
    };
    for old in leftovers(&made) {
        let _ = std::fs::remove_file(old);
    }
    placed.map_err(SchemaError::Io)?;
    // Its name is to outlast a crash of the machine, too, where folders can be flushed.
    if let Some(folder) = path.parent()
        && let Ok(folder) = std::fs::File::open(folder)
    {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// What an earlier process of the same number may have left.
fn leftovers(made: &Path) -> [PathBuf; 2] {
    [made.to_owned(), beside(made, "-journal")]
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Another process makes it, which takes a moment.
fn wait_for(path: &Path) -> Result<(), SchemaError> {
    for _ in 0..100 {
        if path.exists() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let why = "another process holds its lock and has no ledger";
    Err(SchemaError::Io(std::io::Error::new(
        std::io::ErrorKind::ResourceBusy,
        why,
    )))
}

fn refuse_empty(path: &Path) -> Result<(), SchemaError> {
    match std::fs::metadata(path) {
        Ok(meta) if meta.len() == 0 => Err(SchemaError::Empty),
        _ => Ok(()),
    }
}

/// Opens the file for reading only.
pub(super) fn open_reader(path: &Path) -> Result<Connection, SchemaError> {
    refuse_empty(path)?;
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(Duration::from_secs(30))?;
    let (application, version) = marks(&connection)?;
    check_marks(application, version)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn marks(connection: &Connection) -> Result<(i32, i32), rusqlite::Error> {
    Ok((
        connection.pragma_query_value(None, "application_id", |r| r.get(0))?,
        connection.pragma_query_value(None, "user_version", |r| r.get(0))?,
    ))
}

fn check_marks(application: i32, version: i32) -> Result<(), SchemaError> {
    if application != APPLICATION_ID {
        return Err(SchemaError::Foreign);
    }
    if version > VERSION {
        return Err(SchemaError::Newer { found: version });
    }
    Ok(())
}

/// Makes the tables, all or none.
fn create(connection: &Connection) -> Result<(), SchemaError> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    connection.execute_batch(JOURNAL)?;
    connection.execute_batch(TABLES)?;
    connection.execute_batch(&state_tables("main"))?;
    // Few records are open at a time, so this index stays small and cheap.
    connection
        .execute_batch("CREATE INDEX open_records ON records (state) WHERE state IN (1, 4)")?;
    connection.execute_batch(&format!(
        "INSERT INTO meta VALUES ('lineage', lower(hex(randomblob(16)))), ('head_seq', 0), ('folded', 0);
         INSERT INTO lease VALUES (1, 0, '', 0, 0, 0, 1);
         PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {VERSION};
         COMMIT"
    ))?;
    Ok(())
}
