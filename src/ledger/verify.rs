//! Proof that nobody changed the ledger: the hash chain is whole, and the state is what the journal says.
//!
//! Reads only; the state is folded once more into temporary tables and compared.

use super::{
    chain::Hash,
    fold::Fold,
    schema::{STATE_TABLES, knows_pauses, state_tables},
    stretch::{self, Part},
    view::{ReadError, View},
};
use hashbrown::HashMap;
use std::collections::HashSet;

/// A ledger that is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Entries in the journal.
    pub entries: i64,
    /// The hash that vouches for all of them.
    pub head: Hash,
}

/// The first place at which a ledger is not whole.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// An entry was edited, removed, added or moved.
    #[error("entry {seq} is broken: {why}")]
    Entry {
        /// Its number.
        seq: i64,
        /// What is wrong.
        why: String,
    },
    /// The journal is whole, but a table was changed beside it.
    #[error("table `{table}` is not what the journal says: {what}")]
    State {
        /// The table.
        table: &'static str,
        /// The first row that differs, its first columns.
        what: String,
    },
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl From<rusqlite::Error> for Broken {
    fn from(error: rusqlite::Error) -> Self {
        Broken::Read(ReadError::Sqlite(error))
    }
}

impl View {
    /// Walks the whole journal and compares the state with it. Takes seconds per million entries.
    ///
    /// # Errors
    /// The first broken entry, or the first table that differs.
    pub fn verify(&self) -> Result<Verified, Broken> {
        // One read transaction, so that a run beside it changes nothing under our eyes.
        self.connection.execute_batch("BEGIN")?;
        let result = self.verify_snapshot();
        self.connection.execute_batch("ROLLBACK")?;
        result
    }

    fn verify_snapshot(&self) -> Result<Verified, Broken> {
        let connection = &self.connection;
        let broken = |seq: i64, why: String| Broken::Entry { seq, why };
        let lineage = self.lineage()?;
        let number = |name: &str| {
            let read =
                connection.query_row("SELECT value FROM meta WHERE name = ?1", [name], |r| {
                    r.get::<_, i64>(0)
                });
            read.map_err(|e| match e {
                rusqlite::Error::QueryReturnedNoRows => Broken::State {
                    table: "meta",
                    what: format!("`{name}` is missing"),
                },
                other => other.into(),
            })
        };
        let (head_seq, folded) = (number("head_seq")?, number("folded")?);
        let mut steps = HashMap::new();
        {
            let mut query = connection.prepare("SELECT id, name FROM steps")?;
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                steps.insert(row.get(1)?, row.get(0)?);
            }
        }
        connection.execute_batch(&state_tables("temp"))?;
        let mut fold = Fold::new("temp", steps);
        let mut head = Hash::genesis(&lineage);
        let mut seq = 0;
        let mut buffer = Vec::new();
        let names = stretch::names(connection)?;
        // Steps whose number the journal says.
        let mut said: HashSet<i64> = HashSet::new();
        let missing = |name: &str| Broken::State {
            table: "steps",
            what: format!("`{name}` is missing"),
        };
        stretch::each(connection, i64::MIN, |stretch| {
            let stretch = stretch.map_err(|e| broken(seq + 1, e.to_string()))?;
            if stretch.first != seq + 1 || stretch.last < stretch.first {
                let follows = match stretch.last - stretch.first {
                    0 => format!("entry {} follows", stretch.last),
                    _ => format!("entries {} to {} follow", stretch.first, stretch.last),
                };
                return Err(broken(seq + 1, format!("it is missing; {follows}")));
            }
            head = stretch.hash_after(head, &mut buffer);
            if !stretch.is(head) {
                return Err(broken(seq + 1, stretch.unlike()));
            }
            seq = stretch.last;
            stretch.each(
                |number, part| {
                    let found = match part {
                        Part::Entry(found) => found,
                        Part::Name(step, name) if names.get(&step).is_some_and(|n| n == name) => {
                            said.insert(step);
                            return Ok(());
                        }
                        Part::Name(_, name) => return Err(missing(name)),
                    };
                    let entry = found.entry(&names).map_err(|e| broken(number, e))?;
                    let step = match (found.number(), entry.step()) {
                        (Some(step), _) if step == 0 || said.contains(&step) => step,
                        (Some(step), _) => {
                            let why = format!("nothing says which step has the number {step}");
                            return Err(broken(number, why));
                        }
                        (None, "") => 0,
                        (None, name) => fold.step(name),
                    };
                    if fold.has_new_steps() {
                        return Err(missing(entry.step()));
                    }
                    fold.write_small(connection, step, stretch.run, stretch.at_ms, &entry)?;
                    if number <= folded {
                        fold.gather(step, stretch.run, entry);
                    }
                    Ok(())
                },
                broken,
            )?;
            if fold.waiting() > 100_000 {
                fold.write_gathered(connection)?;
            }
            Ok(())
        })?;
        if seq != head_seq {
            return Err(broken(
                seq + 1,
                format!("it is missing; the ledger says that it ends with entry {head_seq}"),
            ));
        }
        if folded > seq {
            return Err(Broken::State {
                table: "meta",
                what: format!("`folded` is {folded}, and the journal ends with entry {seq}"),
            });
        }
        let stored: Vec<u8> = connection
            .query_row("SELECT value FROM meta WHERE name = 'head'", [], |r| {
                r.get(0)
            })
            .or_else(|e| match e {
                rusqlite::Error::QueryReturnedNoRows if seq == 0 => Ok(head.0.to_vec()),
                rusqlite::Error::QueryReturnedNoRows => Err(Broken::State {
                    table: "meta",
                    what: "`head` is missing".to_owned(),
                }),
                other => Err(other.into()),
            })?;
        if stored != head.0 {
            return Err(broken(
                seq,
                "its hash is not the one the ledger ends with".to_owned(),
            ));
        }
        fold.write_gathered(connection)?;
        for table in STATE_TABLES {
            // A file of an older engine lacks the tables that came later.
            if *table == "reserved" && !knows_pauses(connection)? {
                continue;
            }
            self.compare(table)?;
        }
        Ok(Verified { entries: seq, head })
    }

    fn compare(&self, table: &'static str) -> Result<(), Broken> {
        // A file of an older engine lacks the columns that came later.
        let columns: String = self.connection.query_row(
            "SELECT group_concat(name, ', ') FROM pragma_table_info(?1, 'main')",
            [table],
            |r| r.get(0),
        )?;
        for (one, other, word) in [("main", "temp", "not in it"), ("temp", "main", "missing")] {
            let mut query = self.connection.prepare(&format!(
                "SELECT {columns} FROM {one}.{table} EXCEPT SELECT {columns} FROM {other}.{table} LIMIT 1"
            ))?;
            let mut rows = query.query([])?;
            if let Some(row) = rows.next()? {
                let columns: Vec<String> = (0..3)
                    .filter_map(|c| row.get::<_, rusqlite::types::Value>(c).ok())
                    .map(|v| match v {
                        rusqlite::types::Value::Text(t) => t,
                        rusqlite::types::Value::Integer(i) => i.to_string(),
                        other => format!("{other:?}"),
                    })
                    .collect();
                return Err(Broken::State {
                    table,
                    what: format!("the row ({}) is {word}", columns.join(", ")),
                });
            }
        }
        Ok(())
    }
}
