//! Stretches of the journal: what was written together and what one hash vouches for.
//!
//! Since version 4 a row of `journal` is a frame of one or more entries. Before it was one entry; such rows stay what they
//! are, as `journal_rows`, and the chain goes on from the last of them. Nobody else reads either table.

use super::{
    chain::{Hash, Link, hash_frame},
    entry::Entry,
    frame::{Item, Items, Packed},
    schema,
    view::{ReadError, strange},
};
use foldhash::{HashMap, HashMapExt};
use rusqlite::{Connection, OptionalExtension, Row};

/// One or more entries with the hash that vouches for them and all before them.
pub(super) struct Stretch<'a> {
    /// Number of its first entry.
    pub first: i64,
    /// Number of its last entry.
    pub last: i64,
    /// The run.
    pub run: i64,
    /// When it was written, in milliseconds of Unix time.
    pub at_ms: i64,
    /// The hash as stored; `None` when it is none.
    pub hash: Option<Hash>,
    body: Body<'a>,
}

enum Body<'a> {
    Row(Link<'a>),
    Frame(&'a [u8]),
}

/// One item of a stretch.
pub(super) enum Part<'a> {
    /// A step has this number.
    Name(i64, &'a str),
    /// An entry.
    Entry(Found<'a>),
}

/// An entry as it stands in the journal, not read yet.
pub(super) struct Found<'a> {
    /// Its kind.
    pub kind: &'a str,
    /// The key of its record, or what stands in its place.
    pub key: &'a str,
    /// The part of its record.
    pub part: u32,
    form: Form<'a>,
}

enum Form<'a> {
    Row(&'a str, &'a str),
    Packed(Packed<'a>),
}

/// The name of a step for its number.
pub(super) type Names = HashMap<i64, String>;

impl<'a> Stretch<'a> {
    fn of_row(row: &'a Row<'a>) -> Result<Stretch<'a>, rusqlite::Error> {
        let link = Link::read(row)?;
        Ok(Stretch {
            first: link.seq,
            last: link.seq,
            run: link.run,
            at_ms: link.at_ms,
            hash: row.get_ref(8)?.as_blob().ok().and_then(Hash::read),
            body: Body::Row(link),
        })
    }

    fn of_frame(row: &'a Row<'a>) -> Result<Stretch<'a>, rusqlite::Error> {
        let (last, entries): (i64, i64) = (row.get(0)?, row.get(1)?);
        Ok(Stretch {
            first: last.saturating_sub(entries).saturating_add(1),
            last,
            run: row.get(2)?,
            at_ms: row.get(3)?,
            hash: row.get_ref(5)?.as_blob().ok().and_then(Hash::read),
            body: Body::Frame(row.get_ref(4)?.as_blob()?),
        })
    }

    /// The hash that it must have after the one before it.
    pub fn hash_after(&self, before: Hash, buffer: &mut Vec<u8>) -> Hash {
        match &self.body {
            Body::Row(link) => link.hash(before, buffer),
            Body::Frame(bytes) => {
                hash_frame(before, (self.first, self.last), self.run, self.at_ms, bytes)
            }
        }
    }

    /// True when the stored hash is that one.
    pub fn is(&self, hash: Hash) -> bool {
        self.hash == Some(hash)
    }

    /// What is wrong with it when it is not.
    pub fn unlike(&self) -> String {
        match self.last.saturating_sub(self.first) {
            0 => "its hash does not fit".to_owned(),
            more => {
                format!("the hash of it and of the {more} that were written with it does not fit")
            }
        }
    }

    /// Calls `each` with every item and the number of its entry.
    ///
    /// # Errors
    /// Those of `each`, and the number of the first entry that cannot be read, with the reason, through `unreadable`.
    pub fn each<E>(
        &self,
        mut each: impl FnMut(i64, Part<'_>) -> Result<(), E>,
        unreadable: impl Fn(i64, String) -> E,
    ) -> Result<(), E> {
        let bytes = match &self.body {
            Body::Row(link) => {
                let found = Found {
                    kind: link.kind,
                    key: link.key,
                    part: link.part,
                    form: Form::Row(link.step, link.data),
                };
                return each(self.first, Part::Entry(found));
            }
            Body::Frame(bytes) => bytes,
        };
        let mut next = self.first;
        for item in Items::of(bytes).map_err(|e| unreadable(next, e.to_string()))? {
            match item.map_err(|e| unreadable(next, e.to_string()))? {
                Item::Name(step, name) => each(next, Part::Name(step, name))?,
                Item::Entry(_) if next > self.last => break,
                Item::Entry(packed) => {
                    let found = Found {
                        kind: packed.kind,
                        key: packed.key,
                        part: packed.part,
                        form: Form::Packed(packed),
                    };
                    each(next, Part::Entry(found))?;
                    next = next.saturating_add(1);
                }
            }
        }
        match next.checked_sub(1) == Some(self.last) {
            true => Ok(()),
            false => Err(unreadable(next, "it is not among the others".to_owned())),
        }
    }
}

impl Found<'_> {
    /// The number of its step, where it stands by number; 0 for none.
    pub fn number(&self) -> Option<i64> {
        match &self.form {
            Form::Row(..) => None,
            Form::Packed(packed) => Some(packed.step),
        }
    }

    /// The name of its step; empty for none, `None` when its number has no name.
    pub fn step<'s>(&'s self, names: &'s Names) -> Option<&'s str> {
        match &self.form {
            Form::Row(step, _) => Some(step),
            Form::Packed(packed) if packed.step == 0 => Some(""),
            Form::Packed(packed) => names.get(&packed.step).map(String::as_str),
        }
    }

    /// The entry.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn entry(&self, names: &Names) -> Result<Entry, String> {
        match &self.form {
            Form::Row(step, data) => {
                Entry::from_columns(self.kind, step, self.key, self.part, data)
                    .map_err(|e| e.to_string())
            }
            Form::Packed(packed) => match self.step(names) {
                Some(step) => packed.entry(step).map_err(|e| e.to_string()),
                None => Err(format!("its step {} has no name", packed.step)),
            },
        }
    }
}

/// The steps by number.
pub(super) fn names(connection: &Connection) -> Result<Names, rusqlite::Error> {
    let mut names = Names::new();
    let mut query = connection.prepare("SELECT id, name FROM steps")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        names.insert(row.get(0)?, row.get(1)?);
    }
    Ok(names)
}

const FRAMES: &str =
    "SELECT seq, entries, run, at_ms, data, hash FROM journal WHERE seq > ?1 ORDER BY seq";

/// Calls `each` with the stretches that hold entries after one, in their order; with an error where a row has other
/// columns than it should.
pub(super) fn each<E: From<rusqlite::Error>>(
    connection: &Connection,
    after: i64,
    mut each: impl FnMut(Result<Stretch<'_>, rusqlite::Error>) -> Result<(), E>,
) -> Result<(), E> {
    if let Some(table) = schema::rows_table(connection)? {
        let mut query = connection.prepare(&format!(
            "SELECT seq, run, at_ms, kind, step, key, part, data, hash FROM {table} WHERE seq > ?1 ORDER BY seq"
        ))?;
        let mut rows = query.query([after])?;
        while let Some(row) = rows.next()? {
            each(Stretch::of_row(row))?;
        }
    }
    if schema::knows_frames(connection)? {
        let mut query = connection.prepare(FRAMES)?;
        let mut rows = query.query([after])?;
        while let Some(row) = rows.next()? {
            each(Stretch::of_frame(row))?;
        }
    }
    Ok(())
}

/// The number of the last entry, with its hash as stored; `None` when there is no entry.
pub(super) fn last(
    connection: &Connection,
) -> Result<Option<(i64, Option<Hash>)>, rusqlite::Error> {
    row_of(connection, "ORDER BY seq DESC LIMIT 1", [])
}

/// The hash of an entry that is the last of its stretch, as stored.
pub(super) fn hash_at(connection: &Connection, seq: i64) -> Result<Option<Hash>, rusqlite::Error> {
    Ok(row_of(connection, "WHERE seq = ?1", [seq])?.and_then(|(_, hash)| hash))
}

fn row_of(
    connection: &Connection,
    which: &str,
    values: impl rusqlite::Params + Copy,
) -> Result<Option<(i64, Option<Hash>)>, rusqlite::Error> {
    let frames = schema::knows_frames(connection)?.then_some("journal");
    let rows = schema::rows_table(connection)?;
    for table in frames.into_iter().chain(rows) {
        let found: Option<(i64, Vec<u8>)> = connection
            .query_row(
                &format!("SELECT seq, hash FROM {table} {which}"),
                values,
                |r| Ok((r.get(0)?, r.get(1)?)),
            )
            .optional()?;
        if let Some((seq, hash)) = found {
            return Ok(Some((seq, Hash::read(&hash))));
        }
    }
    Ok(None)
}

/// Calls `each` with the entries after one that are wanted, by kind and key: number, run, milliseconds of Unix time, name of
/// the step, and the entry as it stands in the journal.
pub(super) fn walk(
    connection: &Connection,
    after: i64,
    wanted: impl Fn(&Found<'_>) -> bool,
    mut found: impl FnMut(Place<'_>, &Found<'_>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    // One look at all of it: a run beside it may lift the file, or give a step its number.
    let _snapshot = match connection.is_autocommit() {
        true => Some(connection.unchecked_transaction()?),
        false => None,
    };
    let names = names(connection)?;
    each(connection, after, |stretch| {
        let stretch = stretch?;
        stretch.each(
            |seq, part| match part {
                Part::Entry(entry) if seq > after && wanted(&entry) => {
                    let place = Place {
                        seq,
                        run: stretch.run,
                        at_ms: stretch.at_ms,
                        names: &names,
                    };
                    found(place, &entry)
                }
                Part::Name(step, name) if names.get(&step).is_none_or(|n| n != name) => {
                    let now = names.get(&step).map_or("none", String::as_str);
                    Err(strange(format!(
                        "entry {seq}: its step was `{name}` when it was written, and the table of steps says `{now}`"
                    )))
                }
                _ => Ok(()),
            },
            |seq, why| strange(format!("it is damaged at entry {seq}: {why}")),
        )
    })
}

/// Where an entry stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    /// Its number.
    pub seq: i64,
    /// Its run.
    pub run: i64,
    /// When it was written, in milliseconds of Unix time.
    pub at_ms: i64,
    names: &'a Names,
}

impl Place<'_> {
    /// The name of its step; empty for none.
    ///
    /// # Errors
    /// When its number has no name.
    pub fn step<'f>(&'f self, found: &'f Found<'_>) -> Result<&'f str, ReadError> {
        let named = found.step(self.names);
        named.ok_or_else(|| strange(format!("entry {}: its step has no name", self.seq)))
    }

    /// The entry.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn entry(&self, found: &Found<'_>) -> Result<Entry, ReadError> {
        found
            .entry(self.names)
            .map_err(|why| strange(format!("entry {}: {why}", self.seq)))
    }
}
