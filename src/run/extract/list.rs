//! All records of one object by its list, into one file.

use super::{
    Tally,
    cache::{Entry, print},
};
use crate::{
    clock::Clock,
    connector::{
        Stop,
        files::{Form, Writer},
        rest::Rest,
    },
    event::Event,
    ident::ObjectId,
    platform::{OpKind, wire},
    run::{context::Emit, failure::RunError},
};
use std::{collections::HashSet, path::PathBuf, sync::Arc};
use xxhash_rust::xxh3::xxh3_64;

/// How often a list is read that ends before its own number of records: it may have moved, once.
const ATTEMPTS: usize = 2;

/// Reads one list.
pub(super) struct Reader {
    pub rest: Rest,
    pub object: ObjectId,
    pub path: PathBuf,
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
        let mut cursor = self.rest.list(self.object).whole();
        let mut line = Vec::new();
        while let Some(page) = cursor.next().await? {
            for record in &page.records {
                // A list that moves while it is read shows a record twice. The first one stays: what it became
                // since is a change after the extract.
                let key = wire::at(record, &id).and_then(wire::text_of);
                if let Some(key) = key
                    && !known.insert(xxh3_64(key.as_bytes()))
                {
                    tally.twice += 1;
                    continue;
                }
                tally.record(record);
                line.clear();
                serde_json::to_writer(&mut line, record)
                    .map_err(|e| RunError::Internal(e.to_string()))?;
                writer.write_json(&line)?;
            }
            (self.emit)(&Event::Extracting {
                object: object.name.clone(),
                records: tally.records,
                total: page.total,
            });
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
