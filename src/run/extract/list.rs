//! All records of one object by its list, into one file.

use super::{
    Tally,
    cache::{Entry, print},
};
use crate::{
    clock::Clock,
    connector::{
        ExtractError, Stop,
        files::{Form, Writer},
        rest::Rest,
    },
    event::Event,
    ident::ObjectId,
    platform::{OpKind, wire},
    run::{context::Emit, failure::RunError},
};
use jiff::Timestamp;
use serde_json::Value;
use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    sync::Arc,
};
use xxhash_rust::xxh3::xxh3_64;

/// How often a list is read that ends before its own number of records: it may have moved, once.
const ATTEMPTS: usize = 2;

/// An object as it was read before.
pub(super) struct Before {
    /// Its file.
    pub path: PathBuf,
    /// Since when changes are asked for: the beginning of its reading, less the overlap.
    pub since: Timestamp,
}

/// Reads one list.
pub(super) struct Reader {
    pub rest: Rest,
    pub object: ObjectId,
    pub path: PathBuf,
    /// Read only what changed since then, and keep the rest.
    pub before: Option<Before>,
    pub clock: Arc<dyn Clock>,
    pub emit: Emit,
}

impl Reader {
    /// Reads the list to its end. The file has its name only then.
    pub async fn read(self) -> Result<(String, Entry), RunError> {
        let mut attempt = 1;
        loop {
            match self.once().await {
                Err(RunError::Stop(Stop::Damaged { call, why, .. })) if attempt < ATTEMPTS => {
                    tracing::info!(%call, %why, "reading the list again");
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    async fn once(&self) -> Result<(String, Entry), RunError> {
        let platform = Arc::clone(self.rest.platform());
        let object = super::object(&platform, self.object)
            .ok_or_else(|| RunError::Internal("an unknown object".to_owned()))?;
        let id = object
            .op(OpKind::List)
            .map_or_else(|| "id".to_owned(), |op| op.id.clone());
        let began = self.clock.now();
        let mut tally = Tally::new(&platform, object);
        let mut known = HashSet::new();
        let mut writer = Writer::create(&self.path, Form::Jsonl)?;
        let since = self.before.as_ref().map(|b| b.since);
        let mut cursor = self.rest.list(self.object).since(since).whole();
        let mut changed = Changed::default();
        while let Some(page) = cursor.next().await? {
            let mut anything_new = false;
            for record in page.records {
                // A list that moves while it is read shows a record twice. The first one stays: what it became
                // since is a change after the extract.
                let key = wire::at(&record, &id).and_then(wire::text_of);
                let key = key.map(|k| xxh3_64(k.as_bytes()));
                if key.is_some_and(|k| !known.insert(k)) {
                    tally.twice += 1;
                    continue;
                }
                anything_new = true;
                if self.before.is_some() {
                    changed.add(key, record);
                } else {
                    put(&record, &mut writer, &mut tally)?;
                }
            }
            cursor.met(anything_new)?;
            (self.emit)(&Event::Extracting {
                object: object.name.clone(),
                records: tally.records + changed.records.len() as u64,
                total: page.total,
            });
        }
        if let Some(before) = &self.before {
            changed.merge(before, &id, &mut writer, &mut tally)?;
        }
        let bytes = writer.finish()?;
        tally.finished(&self.emit);
        Ok((
            object.name.clone(),
            Entry {
                file: super::cache::name_of(&self.path),
                bytes,
                records: tally.records,
                twice: tally.twice,
                print: print(&platform, object),
                began,
                ended: self.clock.now(),
            },
        ))
    }
}

/// Writes one record.
fn put(record: &Value, writer: &mut Writer, tally: &mut Tally<'_>) -> Result<(), RunError> {
    tally.record(record);
    let line = serde_json::to_vec(record).map_err(|e| RunError::Internal(e.to_string()))?;
    writer.write_json(&line)?;
    Ok(())
}

/// Records that changed since an earlier reading, in the order of the list.
#[derive(Default)]
struct Changed {
    records: Vec<Option<Value>>,
    by_key: HashMap<u64, usize>,
}

impl Changed {
    fn add(&mut self, key: Option<u64>, record: Value) {
        if let Some(key) = key {
            self.by_key.insert(key, self.records.len());
        }
        self.records.push(Some(record));
    }

    /// Writes the records of before, changed ones in their new form at their old place, then the new ones.
    fn merge(
        mut self,
        before: &Before,
        id: &str,
        writer: &mut Writer,
        tally: &mut Tally<'_>,
    ) -> Result<(), RunError> {
        let trouble = |source| ExtractError::Io {
            path: before.path.clone(),
            source,
        };
        let old = File::open(&before.path).map_err(trouble)?;
        for line in BufReader::new(old).lines() {
            let line = line.map_err(trouble)?;
            let record: Value =
                serde_json::from_str(&line).map_err(|e| trouble(std::io::Error::other(e)))?;
            let key = wire::at(&record, id).and_then(wire::text_of);
            let place = key.and_then(|k| self.by_key.get(&xxh3_64(k.as_bytes())));
            let newer = place.and_then(|at| self.records.get_mut(*at)?.take());
            put(&newer.unwrap_or(record), writer, tally)?;
        }
        for record in self.records.iter().flatten() {
            put(record, writer, tally)?;
        }
        Ok(())
    }
}
