//! Reading a source through its API, once, into files that everything else reads.
//!
//! An extract is all records of every object that a mapping reads, as the API gave them, one JSON lines file per
//! object below `.transload/extracts`. It is there whole or not at all: objects are read into an extract under way,
//! and only when the last of them is complete does it take the place of the one before ([`cache`]). An interrupted
//! extract goes on with the objects it lacks. Plans, samples and further runs need no call. No secret comes near
//! these files.

pub mod cache;
mod children;
mod list;

use super::{context::Emit, failure::RunError};
use crate::{
    clock::Clock,
    connector::rest::Rest,
    event::Event,
    ident::ObjectId,
    platform::{Object, OpKind, Platform},
};
use cache::{Cache, Entry, Index};
use jiff::SignedDuration;
use std::{collections::BTreeSet, path::Path, sync::Arc};
use tokio::task::JoinSet;

/// What an extract is made from and where it goes.
pub struct Extraction {
    /// The source.
    pub rest: Rest,
    /// The objects that must be in it, see [`objects`].
    pub objects: BTreeSet<ObjectId>,
    /// Names the account, so that the extract of another one is not taken for it. Holds no secret.
    pub account: String,
    /// Where extracts are kept.
    pub cache: Cache,
    /// What to read of what is there already.
    pub again: Again,
    /// How much further back than the last reading changes are asked for: clocks differ, and a server may show a change
    /// late.
    pub overlap: SignedDuration,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Listener.
    pub emit: Emit,
}

/// What is read of an extract that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Again {
    /// Nothing: only what is lacking.
    #[default]
    Nothing,
    /// What changed since, of objects whose list can be asked so; the others whole.
    Changed,
    /// Everything.
    Everything,
}

/// The objects to extract so that these can be read: those that the API gives, and the parents that others are
/// found below.
pub fn objects(platform: &Platform, read: &BTreeSet<ObjectId>) -> BTreeSet<ObjectId> {
    let mut all = BTreeSet::new();
    for id in read {
        let Some(object) = platform.objects.get(id.ix()) else {
            continue;
        };
        if object.rows.is_some() {
            continue;
        }
        all.insert(*id);
        if object.op(OpKind::List).is_none()
            && let Some(op) = object.op(OpKind::Children)
        {
            all.extend(op.parents.iter().map(|(parent, _)| *parent));
        }
    }
    all
}

/// Reads what the cache lacks, and again what is asked for. Does nothing when it has everything and that is nothing.
///
/// # Errors
/// When the source stops or a file cannot be written. What was complete by then is kept.
pub async fn read(extraction: Extraction) -> Result<Index, RunError> {
    let Extraction {
        rest,
        objects,
        account,
        cache,
        again,
        overlap,
        clock,
        emit,
    } = extraction;
    let platform = Arc::clone(rest.platform());
    let now = clock.now();
    let used = cache.used(&platform, &account);
    if again == Again::Nothing
        && let Some(whole) = cache.whole(&platform, &objects, &account)
    {
        return Ok(whole);
    }
    let _taken = cache.take()?;
    let mut next = cache.begin(&platform, &account, now, again != Again::Nothing)?;
    let lacking: Vec<ObjectId> = objects
        .iter()
        .copied()
        .filter(|id| {
            platform
                .objects
                .get(id.ix())
                .is_some_and(|o| !next.objects.contains_key(&o.name))
        })
        .collect();
    let (listed, below): (Vec<ObjectId>, Vec<ObjectId>) = lacking
        .into_iter()
        .partition(|id| object(&platform, *id).is_some_and(|o| o.op(OpKind::List).is_some()));
    let mut tasks: JoinSet<Result<(String, Entry), RunError>> = JoinSet::new();
    for id in listed {
        let path = cache.file(&platform, id, next.generation);
        let reader = list::Reader {
            rest: rest.clone(),
            object: id,
            path,
            before: (again == Again::Changed)
                .then(|| before(&platform, id, &cache, used.as_ref(), overlap))
                .flatten(),
            clock: Arc::clone(&clock),
            emit: Arc::clone(&emit),
        };
        tasks.spawn(reader.read());
    }
    // Every list comes to its own end before the first failure is told: what is complete need not be read again.
    let mut failure = None;
    while let Some(joined) = tasks.join_next().await {
        let done = joined
            .map_err(|e| RunError::Internal(e.to_string()))
            .and_then(|r| r);
        match done {
            Ok((name, entry)) => {
                next.objects.insert(name, entry);
                cache.keep(&next)?;
            }
            Err(error) => {
                failure.get_or_insert(error);
            }
        }
    }
    if let Some(error) = failure {
        return Err(error);
    }
    for id in below {
        let path = cache.file(&platform, id, next.generation);
        let (name, entry) = children::read(&rest, id, &path, &cache, &next, &clock, &emit).await?;
        next.objects.insert(name, entry);
        cache.keep(&next)?;
    }
    cache.publish(&next)?;
    Ok(next)
}

/// What was read before of an object whose list can be asked for what changed: its file, and when reading it began.
fn before(
    platform: &Platform,
    id: ObjectId,
    cache: &Cache,
    used: Option<&Index>,
    overlap: SignedDuration,
) -> Option<list::Before> {
    let object = object(platform, id)?;
    object.op(OpKind::List)?.since.as_ref()?;
    let entry = used?.objects.get(&object.name)?;
    Some(list::Before {
        path: cache.path(entry),
        since: entry
            .began
            .checked_sub(overlap)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH),
    })
}

fn object(platform: &Platform, id: ObjectId) -> Option<&Object> {
    platform.objects.get(id.ix())
}

/// Counts what the records of an object carry, and says so once they are all there.
struct Tally<'a> {
    object: &'a Object,
    paths: Vec<String>,
    seen: Vec<bool>,
    records: u64,
    twice: u64,
}

impl<'a> Tally<'a> {
    fn new(platform: &Platform, object: &'a Object) -> Tally<'a> {
        Tally {
            object,
            paths: object
                .fields
                .iter()
                .map(|f| platform.member_of(f))
                .collect(),
            seen: vec![false; object.fields.len()],
            records: 0,
            twice: 0,
        }
    }

    fn record(&mut self, record: &serde_json::Value) {
        self.records += 1;
        for (path, seen) in self.paths.iter().zip(&mut self.seen) {
            if !*seen {
                *seen = crate::platform::wire::at(record, path).is_some();
            }
        }
    }

    fn finished(&self, emit: &Emit) {
        let absent = if self.records == 0 {
            Vec::new()
        } else {
            self.object
                .fields
                .iter()
                .zip(&self.seen)
                .filter(|(f, seen)| !**seen && !f.parent)
                .map(|(f, _)| f.name.clone())
                .collect()
        };
        emit(&Event::Extracted {
            object: self.object.name.clone(),
            records: self.records,
            twice: self.twice,
            absent,
        });
    }
}

/// The folder of a migration's extracts, below its state folder.
pub fn folder(state: &Path) -> std::path::PathBuf {
    state.join("extracts")
}
