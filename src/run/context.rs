//! What every task of a run shares.

use super::{
    attach::check::Tally, base::Bases, chosen::Chosen, directory::Directory, failure::RunError,
    gate::Gate, key::KeyRule, known::StandingHolds,
};
use crate::{
    connector::rest::Rest,
    event::Event,
    ident::{ObjectId, StepId},
    ledger::Ledger,
    mapping::{Mapping, RefSource, Step},
    plan::Plan,
    platform::{Creation, Object, OpKind, wire::FieldReader},
    run::{directory, source::Source, update::Conflicted},
};
use serde_json::Value;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Takes events as they happen.
pub type Emit = Arc<dyn Fn(&Event) + Send + Sync>;

/// What every task of a run shares.
pub struct Context {
    /// The mapping.
    pub mapping: Arc<Mapping>,
    /// The plan.
    pub plan: Arc<Plan>,
    /// Its deferred references as the transform wants them.
    pub deferred: Vec<(StepId, usize)>,
    /// The destination.
    pub rest: Rest,
    /// The ledger.
    pub ledger: Arc<Ledger>,
    /// Where records are read: files that records name are sent from there.
    pub source: Arc<Source>,
    /// Listener.
    pub emit: Emit,
    /// Create through the admin plane what only an admin can create.
    pub provision: bool,
    /// Files that were sent, by how sure it is that their copies are right.
    pub sent_files: Tally,
    /// Only these records; empty: all.
    pub chosen: OnceLock<Chosen>,
    /// Readers of the fields of every destination object.
    readers: Vec<Arc<[FieldReader]>>,
    /// The destination's records by object.
    directories: HashMap<ObjectId, Shelf>,
    /// Destination ids already bound, by destination object: a record found by its content counts once.
    claimed: Mutex<HashSet<(ObjectId, String)>>,
    /// What was written into records before.
    pub bases: Bases,
    /// What the destination held before the batch.
    pub gate: Gate,
    /// Destination records that were there before this migration's ledger knew them.
    prior: Mutex<HashSet<(ObjectId, String)>>,
    /// Holds of records that are tried again.
    pub standing: StandingHolds,
    /// Fields that changed at both sides.
    pub conflicted: Mutex<Vec<Conflicted>>,
    /// One call at a time for records of the same content, which only their number tells apart.
    alike: Vec<tokio::sync::Mutex<()>>,
    /// When this process began to look at the destination.
    begun: Instant,
}

/// How long a server may still work on a call whose process is gone.
const CALM: Duration = Duration::from_millis(1500);

/// Pages with nothing new in a row that end a listing which looks further than usual.
const DEEP: u32 = 5;

/// Locks for records of the same content. Many more than calls in flight, so that others rarely meet.
const ALIKE: usize = 1024;

struct Shelf {
    directory: Mutex<Directory>,
    /// One listing of an object at a time, and when the last one began.
    listing: tokio::sync::Mutex<Option<Instant>>,
}

impl Context {
    /// The shared state of a run, with an empty directory for every destination object that needs one.
    pub fn new(
        mapping: Arc<Mapping>,
        plan: Arc<Plan>,
        rest: Rest,
        ledger: Arc<Ledger>,
        source: Arc<Source>,
        emit: Emit,
        provision: bool,
    ) -> Context {
        let mut shelves: HashMap<ObjectId, Vec<KeyRule>> = HashMap::new();
        for step in &mapping.steps {
            let rules = shelves.entry(step.to).or_default();
            for key in &step.match_keys {
                let rule = KeyRule::from(key);
                if !rules.contains(&rule) {
                    rules.push(rule);
                }
            }
            for field in &step.fields {
                if let Some(RefSource::NaturalKey(object)) = &field.reference {
                    shelves.entry(*object).or_default();
                }
            }
        }
        for (id, rules) in &mut shelves {
            if let Some(object) = mapping.destination.objects.get(id.ix()) {
                for key in &object.keys {
                    let rule = KeyRule::from(key);
                    if !rules.contains(&rule) {
                        rules.push(rule);
                    }
                }
            }
        }
        let platform = &mapping.destination;
        let readers: Vec<Arc<[FieldReader]>> = platform
            .objects
            .iter()
            .map(|o| {
                o.fields
                    .iter()
                    .map(|f| FieldReader::new(platform, f))
                    .collect()
            })
            .collect();
        let directories = shelves
            .into_iter()
            .filter(|(_, rules)| !rules.is_empty())
            .map(|(id, rules)| {
                let own = readers.get(id.ix()).cloned().unwrap_or_default();
                let directory = Directory::new(own, rules);
                (
                    id,
                    Shelf {
                        directory: Mutex::new(directory),
                        listing: tokio::sync::Mutex::new(None),
                    },
                )
            })
            .collect();
        let gate = Gate::new(mapping.policy.gate, platform.objects.len());
        Context {
            deferred: plan.deferred.iter().map(|d| (d.step, d.field)).collect(),
            mapping,
            plan,
            rest,
            ledger,
            source,
            emit,
            provision,
            sent_files: Tally::default(),
            chosen: OnceLock::new(),
            readers,
            directories,
            claimed: Mutex::new(HashSet::new()),
            bases: Bases::default(),
            standing: StandingHolds::default(),
            conflicted: Mutex::new(Vec::new()),
            gate,
            prior: Mutex::new(HashSet::new()),
            alike: (0..ALIKE).map(|_| tokio::sync::Mutex::new(())).collect(),
            begun: Instant::now(),
        }
    }

    /// The step with that id.
    ///
    /// # Errors
    /// When the plan names a step that the mapping does not have: a fault of the engine.
    pub fn step(&self, id: StepId) -> Result<&Step, RunError> {
        self.mapping
            .steps
            .get(id.ix())
            .ok_or_else(|| RunError::Internal(format!("no step {id:?}")))
    }

    /// The readers of an object's fields.
    pub fn readers(&self, object: ObjectId) -> &[FieldReader] {
        self.readers.get(object.ix()).map_or(&[], |r| r)
    }

    /// A destination object.
    ///
    /// # Errors
    /// When there is none: a fault of the engine.
    pub fn object(&self, id: ObjectId) -> Result<&Object, RunError> {
        self.mapping
            .destination
            .objects
            .get(id.ix())
            .ok_or_else(|| RunError::Internal(format!("no destination object {id:?}")))
    }

    /// The directory of an object; `None` where the object has no key.
    pub fn directory(&self, object: ObjectId) -> Option<MutexGuard<'_, Directory>> {
        self.directories
            .get(&object)
            .map(|s| s.directory.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// True when the object's records can be listed (by its own call, or on the admin plane).
    pub fn can_list(&self, object: &Object) -> bool {
        object.op(OpKind::List).is_some() || self.admin(object)
    }

    /// True when records of the object go through the admin plane.
    pub fn admin(&self, object: &Object) -> bool {
        self.provision && object.create == Creation::ByHand
    }

    /// Lists an object into its directory. `all`: to the end; else, where the platform lists the newest first,
    /// until a page shows only what a listing before it has shown.
    ///
    /// # Errors
    /// When the destination stops answering.
    pub async fn list(&self, id: ObjectId, all: bool) -> Result<(), RunError> {
        self.list_since(id, (!all).then_some(1), None).await
    }

    /// The same some pages further: records of one second stand in any order, and what people delete meanwhile moves a list
    /// on past a record.
    ///
    /// # Errors
    /// When the destination stops answering.
    pub async fn list_deep(&self, id: ObjectId) -> Result<(), RunError> {
        self.list_since(id, Some(DEEP), None).await
    }

    /// The same for what an earlier process may have sent, once its last call has had the time to end: one listing
    /// tells of all its records.
    ///
    /// # Errors
    /// When the destination stops answering.
    pub async fn list_calm(&self, id: ObjectId) -> Result<(), RunError> {
        self.list_since(id, Some(1), Some(self.calm().await)).await
    }

    /// Waits until the last call of an earlier process has had the time to end at the server; when that was.
    pub async fn calm(&self) -> Instant {
        let at = self.begun + CALM;
        tokio::time::sleep_until(at).await;
        at
    }

    /// How many records may be begun at a time. Where the calls of a day are set aside only as many as the destination
    /// takes: what a record needs is done within the day, however few calls it has.
    pub fn side_by_side(&self, usual: usize) -> usize {
        match self.rest.budget().gate().is_some_and(|g| g.sets_aside()) {
            true => self.mapping.destination.limits.in_flight.clamp(1, usual),
            false => usual,
        }
    }

    /// Lists, unless that was done since a moment. `known`: how many pages in a row with nothing new end it.
    async fn list_since(
        &self,
        id: ObjectId,
        known: Option<u32>,
        since: Option<Instant>,
    ) -> Result<(), RunError> {
        let (Some(shelf), object) = (self.directories.get(&id), self.object(id)?) else {
            return Ok(());
        };
        // Everybody who waits here while a listing runs needs one that began after the wait: no sharing of
        // a listing that is half done.
        let mut listed = shelf.listing.lock().await;
        if since.is_some_and(|since| listed.is_some_and(|at| at >= since)) {
            return Ok(());
        }
        let began = Instant::now();
        let mut seen = 0u64;
        if let Some(op) = object.op(OpKind::List) {
            // What a call has just made is looked at once, and then forgotten.
            let keep = known.is_some();
            let mut idle = 0;
            let newest_first = op.newest_first;
            let mut cursor = self.rest.list(id);
            while let Some(page) = cursor.next().await? {
                seen += page.records.len() as u64;
                let mut fresh = false;
                if let Some(mut directory) = self.directory(id) {
                    for record in &page.records {
                        fresh |= directory.list(record, keep);
                    }
                }
                (self.emit)(&Event::Listing {
                    object: object.name.clone(),
                    records: seen,
                });
                idle = if fresh { 0 } else { idle + 1 };
                if newest_first && known.is_some_and(|known| idle >= known) {
                    break;
                }
            }
            if let Some(mut directory) = self.directory(id) {
                directory.listing_ended();
            }
        } else if self.admin(object) {
            let path = format!("/_admin/objects/{}", object.name);
            let records = self.rest.admin_records(&path).await?;
            if let Some(mut directory) = self.directory(id) {
                for record in &records {
                    directory.list(record, false);
                }
            }
        }
        *listed = Some(began);
        Ok(())
    }

    /// Takes a destination record for one source record; false when another has it already.
    pub fn claim(&self, object: ObjectId, id: &str) -> bool {
        self.claimed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((object, id.to_owned()))
    }

    /// True when a destination record stands for some source record.
    pub fn is_claimed(&self, object: ObjectId, id: &str) -> bool {
        self.claimed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&(object, id.to_owned()))
    }

    /// Notes that a destination record was there before this migration made anything below it.
    pub fn found_there(&self, object: ObjectId, id: &str) {
        self.prior
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((object, id.to_owned()));
    }

    /// True when a destination record was there before this migration.
    pub fn was_there(&self, object: ObjectId, id: &str) -> bool {
        self.prior
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&(object, id.to_owned()))
    }

    /// Waits until no other record of the same content is being looked for or made.
    pub async fn alone(&self, body: &[u8]) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let at = usize::try_from(hasher.finish() % (ALIKE as u64)).ok()?;
        Some(self.alike.get(at)?.lock().await)
    }

    /// The id of a record in an answer.
    pub fn record_id(record: &Value) -> Option<String> {
        directory::record_id(record)
    }
}
