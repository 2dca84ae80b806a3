//! All records of an object that is found below others: the list of each parent in turn, into one file.
//!
//! What the address says the record need not: where a field is the parent, its id is put into the record.

use super::{
    Tally,
    cache::{Cache, Entry, Index, name_of, print},
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
    platform::{Object, OpKind, wire},
    run::{context::Emit, failure::RunError},
};
use serde_json::Value;
use std::{
    collections::{HashSet, VecDeque},
    fs::File,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::task::JoinHandle;

/// Parents that are asked ahead of the one whose records are written. The budget decides how many go out at a time.
const AHEAD: usize = 16;

/// Parents between two signs of life.
const TOLD_EVERY: u64 = 25;

type Asked = JoinHandle<Result<Vec<Value>, Stop>>;

/// Reads the children of every parent of the extract.
pub(super) async fn read(
    rest: &Rest,
    id: ObjectId,
    path: &Path,
    cache: &Cache,
    parents: &Index,
    clock: &Arc<dyn Clock>,
    emit: &Emit,
) -> Result<(String, Entry), RunError> {
    let platform = Arc::clone(rest.platform());
    let internal = |what: &str| RunError::Internal(what.to_owned());
    let object = super::object(&platform, id).ok_or_else(|| internal("an unknown object"))?;
    let op = object
        .op(OpKind::Children)
        .ok_or_else(|| internal("an object that is below no other"))?;
    let began = clock.now();
    let mut tally = Tally::new(&platform, object);
    let mut writer = Writer::create(path, Form::Jsonl)?;
    for (parent, _) in &op.parents {
        let above = super::object(&platform, *parent).ok_or_else(|| internal("no parent"))?;
        let entry = parents
            .objects
            .get(&above.name)
            .ok_or_else(|| internal("parents that were not read"))?;
        let of = op
            .of
            .and_then(|f| object.fields.get(f.ix()))
            .filter(|f| f.parent)
            .map(|f| f.path.clone());
        let mut waiting: VecDeque<(String, Asked)> = VecDeque::new();
        let mut ids = Ids::open(&cache.path(entry), above)?;
        let mut asked = 0u64;
        loop {
            while waiting.len() < AHEAD {
                let Some(next) = ids.next()? else { break };
                let (rest, parent, key) = (rest.clone(), *parent, next.clone());
                let call = tokio::spawn(async move { rest.children(id, parent, &key).await });
                waiting.push_back((next, call));
            }
            let Some((key, call)) = waiting.pop_front() else {
                break;
            };
            let found = call
                .await
                .map_err(|e| RunError::Internal(e.to_string()))
                .and_then(|r| r.map_err(RunError::from));
            let found = match found {
                Ok(found) => found,
                Err(error) => {
                    for (_, call) in waiting {
                        call.abort();
                    }
                    return Err(error);
                }
            };
            write(
                found,
                (&op.id, of.as_deref()),
                &key,
                &mut writer,
                &mut tally,
            )?;
            asked += 1;
            if asked.is_multiple_of(TOLD_EVERY) {
                emit(&Event::Extracting {
                    object: object.name.clone(),
                    records: tally.records,
                    total: None,
                });
            }
        }
    }
    let bytes = writer.finish()?;
    tally.finished(emit);
    Ok((
        object.name.clone(),
        Entry {
            file: name_of(path),
            bytes,
            records: tally.records,
            twice: tally.twice,
            print: print(&platform, object),
            began,
            ended: clock.now(),
        },
    ))
}

fn write(
    found: Vec<Value>,
    (id, of): (&str, Option<&str>),
    parent: &str,
    writer: &mut Writer,
    tally: &mut Tally<'_>,
) -> Result<(), RunError> {
    let mut known = HashSet::new();
    for mut record in found {
        // A list that moves while it is read shows a record twice.
        if let Some(key) = wire::at(&record, id).and_then(wire::text_of)
            && !known.insert(key.into_owned())
        {
            tally.twice += 1;
            continue;
        }
        if let (Some(of), Value::Object(members)) = (of, &mut record) {
            // As the ids of an API are: a number where it is one.
            let id = parent
                .parse::<u64>()
                .ok()
                .filter(|n| n.to_string() == parent)
                .map_or_else(|| Value::from(parent), Value::from);
            members.insert(of.to_owned(), id);
        }
        tally.record(&record);
        let line = serde_json::to_vec(&record).map_err(|e| RunError::Internal(e.to_string()))?;
        writer.write_json(&line)?;
    }
    Ok(())
}

/// The ids of an extracted object, in the order of its file.
struct Ids {
    lines: std::io::Lines<BufReader<File>>,
    at: String,
    path: PathBuf,
}

impl Ids {
    fn open(path: &Path, object: &Object) -> Result<Ids, ExtractError> {
        let file = File::open(path).map_err(|source| ExtractError::Io {
            path: path.to_owned(),
            source,
        })?;
        Ok(Ids {
            lines: BufReader::new(file).lines(),
            at: object
                .op(OpKind::List)
                .map_or_else(|| "id".to_owned(), |op| op.id.clone()),
            path: path.to_owned(),
        })
    }

    fn next(&mut self) -> Result<Option<String>, ExtractError> {
        let trouble = |source| ExtractError::Io {
            path: self.path.clone(),
            source,
        };
        for line in self.lines.by_ref() {
            let line = line.map_err(trouble)?;
            let record: Value =
                serde_json::from_str(&line).map_err(|e| trouble(std::io::Error::other(e)))?;
            if let Some(id) = wire::at(&record, &self.at).and_then(wire::text_of) {
                return Ok(Some(id.into_owned()));
            }
        }
        Ok(None)
    }
}
