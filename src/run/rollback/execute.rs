//! Carries the decisions out: intent, call, outcome for each record, what came last first.
//!
//! Each record is looked at once more right before it is removed or restored: hours may lie between the decision and the
//! call, and people work on.

use super::{
    backwards,
    decide::{Decisions, Do, Place, World, held_by},
    left,
    order::together,
    past::{History, Past},
    touched::{self, Restore},
    undo,
};
use crate::{
    connector::{Reply, rest::Rest},
    event::Event,
    ident::{ObjectId, StepId},
    ledger::{Entry, Intent, Ledger, Origin, Undone, WriteOp, Written},
    outcome::rollback::{Rollback, StepUndo},
    plan::Plan,
    platform::OpKind,
    run::{RunError, context::Emit},
};
use serde_json::Value;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use tokio::sync::Mutex;
use xxhash_rust::xxh3::xxh3_64;

/// Why fields of a restored record stay.
pub const FIELDS_STAY: &str = "people changed these fields since; the others are as they were";
/// Records under way at a time.
const SIDE_BY_SIDE: usize = 32;

/// Carries out.
pub struct Executor<'w> {
    pub(super) world: &'w World<'w>,
    rest: &'w Rest,
    ledger: &'w Arc<Ledger>,
    history: &'w History,
    decisions: Decisions,
    /// Everything that is to be removed.
    removing: HashSet<Place>,
    shared: Mutex<Shared>,
}

/// What records learn from each other.
struct Shared {
    /// Hashes of the ids removed so far.
    removed: HashSet<u64>,
    /// Records that others need, which stay after all: with the record that needs them.
    holding: HashMap<Place, Place>,
}

/// How a record ended.
enum End {
    Did(Undone),
    Kept(String, Vec<String>),
    Restored(Vec<String>),
}

impl<'w> Executor<'w> {
    /// An executor of decisions.
    pub fn new(
        world: &'w World<'w>,
        rest: &'w Rest,
        ledger: &'w Arc<Ledger>,
        history: &'w History,
        decisions: Decisions,
    ) -> Executor<'w> {
        let steps = history.steps.iter().zip(&decisions.steps);
        let removing = steps
            .flat_map(|(pasts, all)| pasts.iter().zip(all))
            .filter(|(_, what)| matches!(what, Do::Remove))
            .filter_map(|(past, _)| Some((world.object_of(past)?, past.id.clone())))
            .collect();
        Executor {
            world,
            rest,
            ledger,
            history,
            decisions,
            removing,
            shared: Mutex::new(Shared {
                removed: history.removed.clone(),
                holding: HashMap::new(),
            }),
        }
    }

    /// Undoes everything.
    ///
    /// # Errors
    /// When destination or ledger stop.
    pub async fn run(
        &mut self,
        plan: &Plan,
        out: &mut Rollback,
        emit: &Emit,
    ) -> Result<(), RunError> {
        for id in backwards(plan) {
            let Some(pasts) = self.history.steps.get(id.ix()) else {
                continue;
            };
            if pasts.is_empty() {
                continue;
            }
            let mut line = undo(self.world, id);
            emit(&Event::StepStarted {
                step: line.step.clone(),
                records: Some(pasts.len() as u64),
                second_pass: false,
            });
            let all = self
                .decisions
                .steps
                .get_mut(id.ix())
                .map(std::mem::take)
                .unwrap_or_default();
            self.step(id, pasts, all, &mut line, out, emit).await?;
            out.steps.push(line);
        }
        Ok(())
    }

    async fn step(
        &self,
        id: StepId,
        pasts: &[Past],
        all: Vec<Do>,
        line: &mut StepUndo,
        out: &mut Rollback,
        emit: &Emit,
    ) -> Result<(), RunError> {
        let mut quiet = Vec::new();
        let mut calls: Vec<(&Past, Do)> = Vec::new();
        for (past, what) in pasts.iter().zip(all) {
            match what {
                Do::Unbind => {
                    line.untouched += 1;
                    quiet.push(self.undone(past, Undone::Unbound));
                }
                Do::ByHand(why) => {
                    line.by_hand += 1;
                    out.by_hand.push(left(self.world, past, &why, &[]));
                    if !past.again {
                        quiet.extend(self.by_hand(past));
                    }
                }
                Do::Keep { why, fields } => {
                    line.kept += 1;
                    if !past.again {
                        quiet.push(self.kept(past, &why));
                    }
                    out.kept.push(left(self.world, past, &why, &fields));
                }
                Do::Settled => {}
                what => calls.push((past, what)),
            }
        }
        if !quiet.is_empty() {
            self.ledger.append(quiet).await?;
        }
        let total = calls.len() as u64;
        let mut settled = 0u64;
        for level in self.levels(id, calls) {
            for chunk in level.chunks(SIDE_BY_SIDE) {
                let ends = chunk.iter().map(|(past, what)| self.one(past, what));
                // Every call comes to its own end before the first failure is told.
                let ends = together(ends.collect()).await;
                let mut failure = None;
                for ((past, _), end) in chunk.iter().zip(ends) {
                    match end {
                        Ok(end) => self.book(past, end, line, out),
                        Err(error) => {
                            failure.get_or_insert(error);
                        }
                    }
                }
                if let Some(error) = failure {
                    return Err(error);
                }
                settled += chunk.len() as u64;
                emit(&Event::StepProgress {
                    step: line.step.clone(),
                    read: total,
                    settled,
                });
            }
        }
        Ok(())
    }

    fn book(&self, past: &Past, end: End, line: &mut StepUndo, out: &mut Rollback) {
        match end {
            End::Did(Undone::Removed) => line.removed += 1,
            End::Did(Undone::Gone) => line.gone += 1,
            End::Did(_) => line.untouched += 1,
            End::Restored(kept) => {
                line.restored += 1;
                if !kept.is_empty() {
                    out.kept.push(left(self.world, past, FIELDS_STAY, &kept));
                }
            }
            End::Kept(why, fields) => {
                line.kept += 1;
                out.kept.push(left(self.world, past, &why, &fields));
            }
        }
    }

    pub(super) fn record(&self, object: ObjectId, id: &str) -> Option<&Value> {
        let shelf = self.world.shelves.get(&object)?;
        Some(shelf.record(shelf.position(id)?))
    }

    async fn one(&self, past: &Past, what: &Do) -> Result<End, RunError> {
        match what {
            Do::Remove => self.remove(past).await,
            Do::Restore(_) => self.restore(past).await,
            _ => self.gone(past).await,
        }
    }

    /// The record as it is now; the inner `None`: it is not there. The outer: nobody can ask.
    async fn now(&self, past: &Past) -> Result<Option<Option<Value>>, RunError> {
        let Some((id, object)) = self
            .world
            .object_of(past)
            .and_then(|id| Some((id, self.world.object(id)?)))
        else {
            return Ok(None);
        };
        match object.op(OpKind::Get) {
            Some(_) => {
                let now = self.rest.get(id, &past.id).await?;
                let listed = self.record(id, &past.id);
                Ok(Some(now.map(|now| match listed {
                    Some(listed) => touched::filled(now, listed),
                    None => now,
                })))
            }
            None => Ok(None),
        }
    }

    async fn gone(&self, past: &Past) -> Result<End, RunError> {
        if let Some(Some(_)) = self.now(past).await? {
            return self
                .keep(past, "it is there, and no list shows it", Vec::new())
                .await;
        }
        self.did(past, Undone::Gone).await
    }

    async fn remove(&self, past: &Past) -> Result<End, RunError> {
        let Some(id) = self.world.object_of(past) else {
            return self.did(past, Undone::Unbound).await;
        };
        let place = (id, past.id.clone());
        let holder = self.shared.lock().await.holding.get(&place).cloned();
        if let Some(holder) = holder {
            let why = held_by(self.world, &holder, true);
            return self.stays(past, &place, &why, Vec::new()).await;
        }
        match self.now(past).await? {
            Some(None) => {
                self.shared
                    .lock()
                    .await
                    .removed
                    .insert(xxh3_64(past.id.as_bytes()));
                return self.did(past, Undone::Gone).await;
            }
            Some(Some(record)) => {
                let edited = self.edited(past, id, &record).await;
                if !edited.is_empty() {
                    return self
                        .stays(past, &place, "people changed it since", edited)
                        .await;
                }
            }
            None => {}
        }
        self.intend(past, WriteOp::Delete).await?;
        match self.rest.delete(id, &past.id).await? {
            Reply::Done { .. } => {
                self.shared
                    .lock()
                    .await
                    .removed
                    .insert(xxh3_64(past.id.as_bytes()));
                self.did(past, Undone::Removed).await
            }
            Reply::Gone => self.did(past, Undone::Gone).await,
            Reply::Refused { status, reasons } => {
                self.still(past).await?;
                let why = refusal(status, &reasons);
                self.stays(past, &place, &why, Vec::new()).await
            }
            Reply::InDoubt { why } => {
                self.doubt(past, &why).await?;
                let why = format!(
                    "it is not known whether it was removed ({why}); the same command finds out"
                );
                self.stays(past, &place, &why, Vec::new()).await
            }
        }
    }

    async fn edited(&self, past: &Past, id: ObjectId, record: &Value) -> Vec<String> {
        let Some(object) = self.world.object(id) else {
            return Vec::new();
        };
        let place = (id, past.id.clone());
        let wrote: Vec<&Written> = self
            .decisions
            .written
            .get(&place)
            .into_iter()
            .flatten()
            .collect();
        let shared = self.shared.lock().await;
        touched::edited(
            self.world.readers(id),
            object,
            &wrote,
            &shared.removed,
            record,
        )
    }

    async fn restore(&self, past: &Past) -> Result<End, RunError> {
        let Some((id, object)) = self
            .world
            .object_of(past)
            .and_then(|id| Some((id, self.world.object(id)?)))
        else {
            return self.did(past, Undone::Unbound).await;
        };
        let record = match self.now(past).await? {
            Some(None) => return self.did(past, Undone::Gone).await,
            Some(Some(record)) => record,
            None => self.record(id, &past.id).cloned().unwrap_or(Value::Null),
        };
        let Restore { body, kept, .. } = match &past.before {
            Some(before) => touched::restore(
                &self.world.mapping.destination,
                self.world.readers(id),
                object,
                past.written.as_ref(),
                before,
                &record,
            ),
            None => Restore::default(),
        };
        if let Some(body) = body {
            self.intend(past, WriteOp::Update).await?;
            let bytes = body.to_string();
            match self.rest.update(id, &past.id, bytes.as_bytes()).await? {
                Reply::Done { .. } => {}
                Reply::Gone => return self.did(past, Undone::Gone).await,
                Reply::Refused { status, reasons } => {
                    self.still(past).await?;
                    return self
                        .keep(past, &refusal(status, &reasons), Vec::new())
                        .await;
                }
                Reply::InDoubt { why } => {
                    self.doubt(past, &why).await?;
                    let why = format!(
                        "it is not known whether it was restored ({why}); the same command finds out"
                    );
                    return self.keep(past, &why, Vec::new()).await;
                }
            }
        }
        let mut entries = Vec::new();
        if !kept.is_empty() {
            let why = format!("{FIELDS_STAY}: {}", kept.join(", "));
            entries.push(self.kept(past, &why));
        }
        entries.push(self.undone(past, Undone::Restored));
        self.ledger.append(entries).await?;
        Ok(End::Restored(kept))
    }

    /// A record that stays after all holds what it refers to.
    async fn stays(
        &self,
        past: &Past,
        place: &Place,
        why: &str,
        fields: Vec<String>,
    ) -> Result<End, RunError> {
        if let Some(record) = self.record(place.0, &place.1) {
            let mut shared = self.shared.lock().await;
            for (_, target) in self.world.refers(place.0, record) {
                shared.holding.entry(target).or_insert(place.clone());
            }
        }
        self.keep(past, why, fields).await
    }

    async fn keep(&self, past: &Past, why: &str, fields: Vec<String>) -> Result<End, RunError> {
        self.ledger.append(vec![self.kept(past, why)]).await?;
        Ok(End::Kept(why.to_owned(), fields))
    }

    async fn did(&self, past: &Past, did: Undone) -> Result<End, RunError> {
        self.ledger.append(vec![self.undone(past, did)]).await?;
        Ok(End::Did(did))
    }

    async fn intend(&self, past: &Past, op: WriteOp) -> Result<(), RunError> {
        self.ledger
            .append(vec![Entry::Intended(Intent {
                step: self.name(past),
                key: past.key.clone(),
                part: past.part,
                op,
                fingerprint: past.fingerprint,
                chunk: None,
                match_key: None,
                before: None,
            })])
            .await?;
        Ok(())
    }

    /// A call had no effect: the record stands as it stood.
    async fn still(&self, past: &Past) -> Result<(), RunError> {
        self.ledger
            .append(vec![Entry::Confirmed {
                step: self.name(past),
                key: past.key.clone(),
                part: past.part,
                dest_id: past.id.clone(),
                origin: past.origin.unwrap_or(Origin::Unchanged),
                fingerprint: past.fingerprint,
                written: past.written.clone(),
            }])
            .await?;
        Ok(())
    }

    async fn doubt(&self, past: &Past, why: &str) -> Result<(), RunError> {
        self.ledger
            .append(vec![Entry::InDoubt {
                step: self.name(past),
                key: past.key.clone(),
                part: past.part,
                why: why.to_owned(),
            }])
            .await?;
        Ok(())
    }

    /// What only a person can remove stays known where a later run could not find it again, unless what it belongs to
    /// goes.
    fn by_hand(&self, past: &Past) -> Option<Entry> {
        let step = self.world.mapping.steps.get(past.step.ix())?;
        let belongs = self.record(step.to, &past.id).is_some_and(|record| {
            let targets = self.world.refers(step.to, record);
            targets
                .iter()
                .any(|(_, place)| self.removing.contains(place))
        });
        (belongs || !step.match_keys.is_empty()).then(|| self.undone(past, Undone::ByHand))
    }
}

fn refusal(status: u16, reasons: &[String]) -> String {
    match reasons.is_empty() {
        true => format!("the destination refuses with status {status}"),
        false => format!("the destination refuses: {}", reasons.join("; ")),
    }
}
