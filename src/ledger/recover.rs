//! What is done with a ledger file before the first append: the end of the journal is checked, and what a
//! crash left unfolded is folded.
//!
//! Only the part of the chain that was not folded yet is walked here; the whole is walked by `verify`.

use super::{
    chain::Hash,
    fold::Fold,
    intents::Open,
    stretch::{self, Part},
};
use hashbrown::HashMap;
use rusqlite::{Connection, OptionalExtension};

/// Where a writer starts from.
pub(super) struct Start {
    pub lineage: String,
    pub seq: i64,
    pub head: Hash,
    pub fold: Fold,
    pub open: Open,
}

/// Why it cannot start.
pub(super) enum Recover {
    Damaged { seq: i64, why: String },
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Recover {
    fn from(error: rusqlite::Error) -> Self {
        Recover::Sqlite(error)
    }
}

/// Checks the end of the journal and folds what was not folded yet.
pub(super) fn recover(connection: &Connection) -> Result<Start, Recover> {
    let damaged = |seq: i64, why: &str| Recover::Damaged {
        seq,
        why: why.to_owned(),
    };
    let lineage: String =
        connection.query_row("SELECT value FROM meta WHERE name = 'lineage'", [], |r| {
            r.get(0)
        })?;
    let mut steps = HashMap::new();
    let mut query = connection.prepare("SELECT id, name FROM steps")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        steps.insert(row.get(1)?, row.get(0)?);
    }
    let number = |name: &str| {
        connection.query_row("SELECT value FROM meta WHERE name = ?1", [name], |r| {
            r.get::<_, i64>(0)
        })
    };
    let (head_seq, folded) = (number("head_seq")?, number("folded")?);
    let last = stretch::last(connection)?.map_or(0, |(seq, _)| seq);
    if last != head_seq {
        return Err(damaged(
            last.min(head_seq) + 1,
            "the journal does not end where the ledger says it ends",
        ));
    }
    let mut head = match folded {
        0 => Hash::genesis(&lineage),
        _ => stretch::hash_at(connection, folded)?
            .ok_or_else(|| damaged(folded, "the entry is not there or has no hash"))?,
    };
    let mut fold = Fold::new("main", steps);
    let mut query = connection.prepare("SELECT step, key, part FROM holds")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        fold.stands((row.get(0)?, row.get::<_, String>(1)?.into(), row.get(2)?));
    }
    let mut buffer = Vec::new();
    let mut seq = folded;
    let names = stretch::names(connection)?;
    stretch::each(connection, folded, |stretch| {
        let stretch = stretch?;
        head = stretch.hash_after(head, &mut buffer);
        if stretch.first != seq + 1 || !stretch.is(head) {
            return Err(damaged(seq + 1, &stretch.unlike()));
        }
        seq = stretch.last;
        stretch.each(
            |number, part| {
                let Part::Entry(found) = part else {
                    return Ok(());
                };
                let entry = found.entry(&names).map_err(|e| damaged(number, &e))?;
                let step = match (found.number(), entry.step()) {
                    (Some(number), _) => number,
                    (None, "") => 0,
                    (None, name) => fold.step(name),
                };
                fold.gather(step, stretch.run, entry);
                Ok(())
            },
            |number, why| damaged(number, &why),
        )
    })?;
    let stored: Option<Vec<u8>> = connection
        .query_row("SELECT value FROM meta WHERE name = 'head'", [], |r| {
            r.get(0)
        })
        .optional()?;
    if stored.unwrap_or_else(|| Hash::genesis(&lineage).0.to_vec()) != head.0 {
        return Err(damaged(
            head_seq,
            "its hash is not the one the ledger ends with",
        ));
    }
    drop(rows);
    drop(query);
    if seq > folded {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let written = fold.write_gathered(connection).and_then(|()| {
            connection.execute("UPDATE meta SET value = ?1 WHERE name = 'folded'", [seq])
        });
        connection.execute_batch(if written.is_ok() {
            "COMMIT"
        } else {
            "ROLLBACK"
        })?;
        written?;
    }
    let mut open = Open::default();
    let mut query =
        connection.prepare("SELECT step, key, part FROM records WHERE state IN (1, 4)")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        open.waits((row.get(0)?, row.get::<_, String>(1)?.into(), row.get(2)?));
    }
    drop(rows);
    drop(query);
    Ok(Start {
        lineage,
        seq,
        head,
        fold,
        open,
    })
}
