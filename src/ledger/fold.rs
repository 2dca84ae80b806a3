//! The fold: what each entry does to the state tables.
//!
//! Changes to records and holds are gathered in memory, where an intent and its outcome become one change,
//! and written sorted by key: sequential writes are several times faster than random ones. `meta.folded`
//! says up to which entry they are written; after a crash the rest is folded again from the journal. The
//! other tables are small and written at once.
//!
//! The result must not depend on where the gathering was cut, or `verify` would see damage where there is
//! none: each change is either "the latest wins" or "the greatest wins".

mod small;

use super::{entry::Entry, view::RecordState, words::Origin};
use hashbrown::{Equivalent, HashMap, hash_map::EntryRef};
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, BTreeSet};

/// A record of a step: step id, key, part.
pub(super) type RecordKey = (i64, Box<str>, u32);

/// The same, borrowed: most are looked up, and few are kept.
#[derive(Hash)]
pub(super) struct Of<'a>(pub i64, pub &'a str, pub u32);

impl From<&Of<'_>> for RecordKey {
    fn from(of: &Of<'_>) -> RecordKey {
        (of.0, of.1.into(), of.2)
    }
}

impl Equivalent<RecordKey> for Of<'_> {
    fn equivalent(&self, key: &RecordKey) -> bool {
        (self.0, self.1, self.2) == (key.0, &*key.1, key.2)
    }
}

/// A record of a step, all parts of it.
#[derive(Hash)]
struct AllOf<'a>(i64, &'a str);

impl Equivalent<(i64, Box<str>)> for AllOf<'_> {
    fn equivalent(&self, key: &(i64, Box<str>)) -> bool {
        (self.0, self.1) == (key.0, &*key.1)
    }
}

/// What becomes of a row of `records`; `None` keeps what is there, an empty text clears it.
#[derive(Default)]
struct RecordChange {
    /// True when what was known about the record is forgotten first.
    reset: bool,
    state: Option<RecordState>,
    op: Option<u8>,
    origin: Option<Origin>,
    dest_id: Option<String>,
    fingerprint: Option<u64>,
    second_pass: Option<bool>,
    chunk: Option<String>,
    match_key: Option<String>,
    why: Option<String>,
    written: Option<Vec<u8>>,
    written_later: Option<Vec<u8>>,
    stamp: Option<String>,
}

#[derive(Default)]
struct HoldChange {
    clear: bool,
    set: Option<HoldRow>,
}

struct HoldRow {
    failed: bool,
    code: String,
    field: Option<String>,
    value: Option<String>,
    words: String,
    line: Option<u64>,
    run: i64,
}

/// Folds entries into the state tables of one attached database.
pub(super) struct Fold {
    database: &'static str,
    steps: HashMap<String, i64>,
    new_steps: Vec<(i64, String)>,
    /// Boxed, so that little is moved when the map grows and when it is sorted.
    records: HashMap<RecordKey, Box<RecordChange>>,
    holds: BTreeMap<RecordKey, HoldChange>,
    /// Which holds stand, in the table and gathered: the parts of each record that has some. Most records never have one,
    /// and ending it would cost each of them a statement.
    standing: HashMap<(i64, Box<str>), BTreeSet<u32>>,
    released: BTreeSet<(i64, Box<str>)>,
}

impl Fold {
    /// A fold into the tables of `database` (`main`, or `temp` to check them), with the step ids given out so far.
    pub fn new(database: &'static str, steps: HashMap<String, i64>) -> Fold {
        Fold {
            database,
            steps,
            new_steps: Vec::new(),
            records: HashMap::new(),
            holds: BTreeMap::new(),
            standing: HashMap::new(),
            released: BTreeSet::new(),
        }
    }

    /// Notes a hold that the table has already.
    pub fn stands(&mut self, hold: RecordKey) {
        let (step, key, part) = hold;
        self.standing.entry((step, key)).or_default().insert(part);
    }

    /// The id of a step; a new name gets a new one.
    pub fn step(&mut self, name: &str) -> i64 {
        if let Some(id) = self.steps.get(name) {
            return *id;
        }
        let id = self.steps.values().copied().max().unwrap_or(0) + 1;
        self.steps.insert(name.to_owned(), id);
        self.new_steps.push((id, name.to_owned()));
        id
    }

    /// Writes the names that got an id since the last time.
    pub fn write_new_steps(&mut self, connection: &Connection) -> Result<(), rusqlite::Error> {
        for (id, name) in std::mem::take(&mut self.new_steps) {
            connection
                .prepare_cached("INSERT INTO steps VALUES (?1, ?2)")?
                .execute(params![id, name])?;
        }
        Ok(())
    }

    /// True when a name got an id that no row has yet.
    pub fn has_new_steps(&self) -> bool {
        !self.new_steps.is_empty()
    }

    /// Changes that wait to be written.
    pub fn waiting(&self) -> usize {
        self.records.len() + self.holds.len() + self.released.len()
    }

    fn record(&mut self, step: i64, key: &str, part: u32) -> &mut RecordChange {
        let of = Of(step, key, part);
        match self.records.entry_ref(&of) {
            EntryRef::Occupied(record) => record.into_mut(),
            EntryRef::Vacant(place) => place.insert_with_key((&of).into(), Box::default()),
        }
    }

    /// A hold that is only said again stands since it was said first.
    fn set_hold(&mut self, step: i64, key: &str, part: u32, mut row: HoldRow) {
        self.stands((step, key.into(), part));
        let hold = self.holds.entry((step, key.into(), part)).or_default();
        if let Some(before) = &hold.set {
            row.run = before.run;
        }
        hold.set = Some(row);
    }

    fn clear_hold(&mut self, step: i64, key: &str, part: u32) {
        let stood = self
            .standing
            .get_mut(&AllOf(step, key))
            .is_some_and(|parts| parts.remove(&part));
        if stood {
            let hold = self.holds.entry((step, key.into(), part)).or_default();
            hold.clear = true;
            hold.set = None;
        }
    }

    /// Gathers what an entry does to records and holds.
    pub fn gather(&mut self, step: i64, run: i64, entry: Entry) {
        match entry {
            Entry::Intended(i) => {
                let record = self.record(step, &i.key, i.part);
                record.state = Some(RecordState::Intended);
                record.op = Some(i.op.code());
                record.chunk = Some(i.chunk.unwrap_or_default());
                record.match_key = Some(i.match_key.unwrap_or_default());
                record.why = Some(String::new());
            }
            Entry::Confirmed {
                key,
                part,
                dest_id,
                origin,
                fingerprint,
                written,
                ..
            } => {
                self.clear_hold(step, &key, part);
                let record = self.record(step, &key, part);
                record.state = Some(RecordState::Confirmed);
                record.origin = record.origin.max(Some(origin));
                record.dest_id = Some(dest_id);
                record.fingerprint = Some(fingerprint);
                record.why = Some(String::new());
                if origin == Origin::Created {
                    record.second_pass = Some(false);
                    record.written_later = Some(Vec::new());
                }
                if let Some(written) = written {
                    record.written = Some(written.fields.into_bytes());
                    record.stamp = Some(written.stamp.unwrap_or_default());
                }
            }
            Entry::Refused {
                key,
                part,
                status,
                reasons,
                fingerprint,
                ..
            } => {
                let words = if reasons.is_empty() {
                    format!("status {status}")
                } else {
                    reasons.join("; ")
                };
                let record = self.record(step, &key, part);
                record.state = Some(RecordState::Refused);
                record.fingerprint = Some(fingerprint);
                record.why = Some(words.clone());
                let row = HoldRow {
                    failed: true,
                    code: format!("refused_{status}"),
                    field: None,
                    value: None,
                    words,
                    line: None,
                    run,
                };
                self.set_hold(step, &key, part, row);
            }
            Entry::InDoubt { key, part, why, .. } => {
                let record = self.record(step, &key, part);
                record.state = Some(RecordState::InDoubt);
                record.why = Some(why);
            }
            Entry::Absent { key, part, .. } => {
                let record = self.record(step, &key, part);
                record.state = Some(RecordState::Absent);
                record.dest_id = Some(String::new());
                record.why = Some(String::new());
                record.written = Some(Vec::new());
            }
            Entry::Again {
                key, part, doubt, ..
            } => {
                let record = self.record(step, &key, part);
                match doubt {
                    true => {
                        record.state = Some(RecordState::Absent);
                        record.dest_id = Some(String::new());
                    }
                    // No content has this fingerprint, so whatever it has now is sent.
                    false => record.fingerprint = Some(0),
                }
                record.why = Some(String::new());
            }
            Entry::Held {
                key,
                part,
                code,
                field,
                value,
                words,
                line,
                ..
            } => {
                let row = HoldRow {
                    failed: false,
                    code,
                    field,
                    value,
                    words,
                    line,
                    run,
                };
                self.set_hold(step, &key, part, row);
            }
            Entry::Released { key, .. } => {
                let parts = self.standing.remove(&AllOf(step, &key)).unwrap_or_default();
                let key: Box<str> = key.into();
                for part in &parts {
                    self.holds.remove(&(step, key.clone(), *part));
                }
                if !parts.is_empty() {
                    self.released.insert((step, key));
                }
            }
            Entry::Merged { key, into, .. } => {
                let record = self.record(step, &key, 0);
                record.state = Some(RecordState::Merged);
                record.match_key = Some(into);
                record.why = Some(String::new());
            }
            Entry::RolledBack { key, part, .. } => {
                *self.record(step, &key, part) = RecordChange {
                    reset: true,
                    state: Some(RecordState::Absent),
                    dest_id: Some(String::new()),
                    second_pass: Some(false),
                    why: Some(String::new()),
                    written: Some(Vec::new()),
                    written_later: Some(Vec::new()),
                    stamp: Some(String::new()),
                    ..RecordChange::default()
                };
                self.clear_hold(step, &key, part);
            }
            Entry::SecondPassDone {
                key, part, written, ..
            } => {
                let record = self.record(step, &key, part);
                record.second_pass = Some(true);
                if let Some(written) = written {
                    record.written_later = Some(written.fields.into_bytes());
                    record.stamp = Some(written.stamp.unwrap_or_default());
                }
            }
            _ => {}
        }
    }

    /// Writes what was gathered, in key order, and forgets it.
    pub fn write_gathered(&mut self, connection: &Connection) -> Result<(), rusqlite::Error> {
        let db = self.database;
        if !self.released.is_empty() {
            let mut delete = connection.prepare_cached(&format!(
                "DELETE FROM {db}.holds WHERE step = ?1 AND key = ?2"
            ))?;
            for (step, key) in std::mem::take(&mut self.released) {
                delete.execute(params![step, key])?;
            }
        }
        if !self.holds.is_empty() {
            let mut delete = connection.prepare_cached(&format!(
                "DELETE FROM {db}.holds WHERE step = ?1 AND key = ?2 AND part = ?3"
            ))?;
            let mut upsert = connection.prepare_cached(&format!(
                "INSERT INTO {db}.holds VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                 ON CONFLICT DO UPDATE SET failed = excluded.failed, code = excluded.code, field = excluded.field,
                   value = excluded.value, words = excluded.words, line = excluded.line"
            ))?;
            for ((step, key, part), change) in std::mem::take(&mut self.holds) {
                if change.clear {
                    delete.execute(params![step, key, part])?;
                }
                if let Some(row) = change.set {
                    upsert.execute(params![
                        step,
                        key,
                        part,
                        row.failed,
                        row.code,
                        row.field,
                        row.value,
                        row.words,
                        row.line.map(u64::cast_signed),
                        row.run
                    ])?;
                }
            }
        }
        // In the columns that a later version added, nothing is null: rows of an older engine look alike.
        let mut upsert = connection.prepare_cached(&format!(
            "INSERT INTO {db}.records VALUES (?1, ?2, ?3, coalesce(?4, 0), ?5, ?6, ?7, ?8, coalesce(?9, 0), ?10, ?11, ?12,
               nullif(?13, x''), nullif(?14, x''), nullif(?15, ''))
             ON CONFLICT DO UPDATE SET
               state = coalesce(?4, state), op = coalesce(?5, op),
               origin = CASE WHEN ?6 IS NULL OR origin > ?6 THEN origin ELSE ?6 END,
               dest_id = coalesce(?7, dest_id), fingerprint = coalesce(?8, fingerprint),
               second_pass = coalesce(?9, second_pass), chunk = coalesce(?10, chunk),
               match_key = coalesce(?11, match_key), why = coalesce(?12, why),
               written = CASE WHEN ?13 IS NULL THEN written ELSE nullif(?13, x'') END,
               written_later = CASE WHEN ?14 IS NULL THEN written_later ELSE nullif(?14, x'') END,
               stamp = CASE WHEN ?15 IS NULL THEN stamp ELSE nullif(?15, '') END"
        ))?;
        let mut forget = connection.prepare_cached(&format!(
            "DELETE FROM {db}.records WHERE step = ?1 AND key = ?2 AND part = ?3"
        ))?;
        // Most keys differ in their first bytes; those are compared where they lie.
        let mut records: Vec<_> = self.records.drain().map(|r| (begins(&r.0.1), r)).collect();
        records.sort_unstable_by(|(a, (of, _)), (b, (other, _))| {
            (of.0, a, &of.1, of.2).cmp(&(other.0, b, &other.1, other.2))
        });
        for (_, ((step, key, part), change)) in records {
            if change.reset {
                forget.execute(params![step, key, part])?;
            }
            upsert.execute(params![
                step,
                key,
                part,
                change.state.map(RecordState::code),
                change.op,
                change.origin.map(Origin::code),
                change.dest_id,
                change.fingerprint.map(u64::cast_signed),
                change.second_pass,
                change.chunk,
                change.match_key,
                change.why,
                change.written,
                change.written_later,
                change.stamp
            ])?;
        }
        Ok(())
    }
}

/// The first bytes of a text, as a number that has its order.
fn begins(text: &str) -> u64 {
    let mut first = [0; 8];
    for (place, byte) in first.iter_mut().zip(text.bytes()) {
        *place = byte;
    }
    u64::from_be_bytes(first)
}
