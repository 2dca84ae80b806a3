//! The executor: batches in order, the passes of a batch side by side, books after each, second passes at
//! the end.

mod announce;
mod references;

use super::{
    attach::check::Checked,
    beat::Beat,
    books::{Group, Unmatched},
    chosen::Chosen,
    context::{Context, Emit},
    failure::RunError,
    files::WrittenFile,
    gate, jobs,
    known::{Gone, StepMemory},
    loader::Loaded,
    pass, preflight, prepare,
    preview::Preview,
    provision, second,
    source::Source,
    tags::{self, Taken},
    update::Conflicted,
};
use crate::{
    connector::rest::Rest,
    event::{Counts, Event},
    ident::{ObjectId, StepId},
    ledger::{Entry, IdMap, Ledger, Origin, Run},
    mapping::{Mapping, RefSource},
    outcome::gate::BatchCount,
    plan::Plan,
    transform::Tables,
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};
use tokio::task::JoinSet;

/// What a run needs.
pub struct Inputs {
    /// The mapping.
    pub mapping: Arc<Mapping>,
    /// Its plan.
    pub plan: Arc<Plan>,
    /// Where records are read.
    pub source: Arc<Source>,
    /// Zone of source times without one.
    pub zone: Option<String>,
    /// The destination.
    pub rest: Rest,
    /// The ledger, open and begun.
    pub ledger: Arc<Ledger>,
    /// The run in it.
    pub run: Run,
    /// Do an admin's part through the admin plane.
    pub provision: bool,
    /// Listener.
    pub emit: Emit,
    /// Note which records the source no longer has.
    pub watch: bool,
    /// Only these records; `None`: all.
    pub only: Option<Chosen>,
}

/// What a run did.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The books, in the order of the plan.
    pub steps: Vec<(StepId, Counts)>,
    /// Refusals by step and reason.
    pub refusals: BTreeMap<(StepId, String), Group>,
    /// Fields kept otherwise than sent.
    pub differences: BTreeMap<(StepId, String), Group>,
    /// References left blank because nothing is there, by step, field and what they named.
    pub unmatched: BTreeMap<Unmatched, Group>,
    /// Files that were sent, by how sure it is that their copies are right.
    pub sent_files: BTreeMap<StepId, Checked>,
    /// References written in second passes.
    pub second_pass_written: u64,
    /// What was done about custom fields, one line each.
    pub fields_made: Vec<String>,
    /// Steps with more held and failed records than the policy allows.
    pub over_limit: Vec<StepId>,
    /// What was going to happen, by step; empty when no run before came to its end.
    pub previews: BTreeMap<StepId, Preview>,
    /// Records at the destination that the source no longer has; empty where nobody asked.
    pub gone: Vec<(StepId, Gone)>,
    /// Up to when the source had changes, by step: before and now.
    pub watermarks: Vec<(StepId, Option<String>, Option<String>)>,
    /// The destination's own counts after the batches that made records.
    pub counts: Vec<BatchCount>,
    /// Fields that changed at both sides.
    pub conflicts: Vec<Conflicted>,
    /// Files of the destination; empty for an API.
    pub files: Vec<WrittenFile>,
    /// What the source's records left behind, for documents.
    pub tables: Option<Arc<Tables>>,
}

/// Runs a migration into an HTTP destination.
///
/// # Errors
/// See [`RunError`]; running again goes on from there.
pub async fn run(mut inputs: Inputs) -> Result<Outcome, RunError> {
    let only = inputs.only.take();
    let mut executor = Executor::prepare(inputs).await?;
    if let Some(only) = only
        && executor.ctx.chosen.set(only).is_err()
    {
        return Err(RunError::Internal("records were chosen twice".to_owned()));
    }
    if executor.ctx.chosen.get().is_some() {
        executor.outcome.previews = executor.preview().await?;
    }
    executor.load().await?;
    executor.outcome.sent_files = executor.ctx.sent_files.counts();
    Ok(executor.outcome)
}

/// A run that is ready to load: everything is read that is needed, and the destination has the fields it needs.
pub(super) struct Executor {
    pub(super) ctx: Arc<Context>,
    ids: Arc<IdMap>,
    pub(super) tables: Arc<Tables>,
    pub(super) source: Arc<Source>,
    finished: Vec<bool>,
    pub(super) listed: HashSet<ObjectId>,
    pub(super) taken: Taken,
    watch: bool,
    run: i64,
    /// Records of the source objects that steps read, where known.
    expected: BTreeMap<ObjectId, u64>,
    _beat: Beat,
    pub(super) outcome: Outcome,
}

impl Executor {
    /// Looks at the export, the destination and its custom fields.
    ///
    /// # Errors
    /// See [`RunError`].
    pub(super) async fn prepare(inputs: Inputs) -> Result<Executor, RunError> {
        let Inputs {
            mapping,
            plan,
            source,
            zone,
            rest,
            ledger,
            run,
            provision,
            emit,
            watch,
            only: _,
        } = inputs;
        let (mut beat, emit) = Beat::listen(emit);
        beat.start(&ledger, &rest);
        emit(&Event::RunStarted {
            run: run.id,
            resumed: run.resumed,
            batches: plan.batches.len(),
        });
        preflight::columns(&mapping, &source)?;
        rest.probe().await?;
        let tables = {
            let (mapping, source, emit) =
                (Arc::clone(&mapping), Arc::clone(&source), Arc::clone(&emit));
            tokio::task::spawn_blocking(move || {
                prepare::index(&mapping, &source, zone.as_deref(), &emit)
            })
            .await
            .map_err(|e| RunError::Internal(e.to_string()))??
        };
        let mut executor = Executor {
            ctx: Arc::new(Context::new(
                Arc::clone(&mapping),
                plan,
                rest,
                ledger,
                Arc::clone(&source),
                emit,
                provision,
            )),
            ids: Arc::new(IdMap::new(mapping.steps.len())),
            tables: Arc::new(tables),
            source,
            finished: vec![false; mapping.steps.len()],
            listed: HashSet::new(),
            taken: Taken::new(),
            watch,
            run: run.id,
            expected: BTreeMap::new(),
            _beat: beat,
            outcome: Outcome::default(),
        };
        jobs::follow(&executor.ctx).await?;
        executor.outcome.fields_made = provision::fields(&executor.ctx, &executor.tables).await?;
        Ok(executor)
    }

    /// Loads, batch by batch, then the second passes.
    ///
    /// # Errors
    /// See [`RunError`].
    pub(super) async fn load(&mut self) -> Result<(), RunError> {
        self.announce().await?;
        if self.outcome.previews.is_empty() && self.has_run(self.run)? {
            self.outcome.previews = self.preview().await?;
        }
        self.batches().await?;
        self.second_passes().await?;
        self.outcome.conflicts = self.ctx.take_conflicts();
        self.outcome.tables = Some(Arc::clone(&self.tables));
        Ok(())
    }

    async fn batches(&mut self) -> Result<(), RunError> {
        let batches = self.ctx.plan.batches.clone();
        for (number, batch) in batches.iter().enumerate() {
            let names = batch
                .iter()
                .map(|s| self.ctx.step(*s).map(|s| s.name.clone()))
                .collect::<Result<Vec<_>, _>>()?;
            (self.ctx.emit)(&Event::BatchStarted {
                batch: number + 1,
                steps: names,
            });
            gate::open(&self.ctx, number as u64 + 1, batch)?;
            self.batch(batch).await?;
            self.outcome
                .counts
                .extend(gate::pass(&self.ctx, batch).await?);
        }
        Ok(())
    }

    async fn batch(&mut self, batch: &[StepId]) -> Result<(), RunError> {
        self.list_destinations(batch).await?;
        let mut memories = self.memories(&self.ids, batch)?;
        self.own(&self.ids, batch)?;
        self.ctx.bases.refresh(&self.ctx.ledger)?;
        tags::decide(&self.ctx, batch, &mut self.taken).await?;
        let resolver = Arc::new(self.resolver(batch)?);
        let mut passes: BTreeMap<ObjectId, Vec<StepId>> = BTreeMap::new();
        for id in batch {
            passes
                .entry(self.ctx.step(*id)?.from)
                .or_default()
                .push(*id);
        }
        let mut tasks: JoinSet<Result<Loaded, RunError>> = JoinSet::new();
        for steps in passes.into_values() {
            let memory: BTreeMap<StepId, StepMemory> = steps
                .iter()
                .filter_map(|s| Some((*s, memories.remove(s)?)))
                .collect();
            for id in &steps {
                let step = self.ctx.step(*id)?;
                (self.ctx.emit)(&Event::StepStarted {
                    step: step.name.clone(),
                    records: self.expected.get(&step.from).copied(),
                    second_pass: false,
                });
                self.ctx
                    .ledger
                    .append(vec![Entry::StepStarted {
                        step: step.name.clone(),
                        hash: self
                            .ctx
                            .plan
                            .fingerprints
                            .steps
                            .get(id.ix())
                            .map(ToString::to_string)
                            .unwrap_or_default(),
                        second_pass: false,
                    }])
                    .await?;
            }
            let (ctx, source, resolver, tables) = (
                Arc::clone(&self.ctx),
                Arc::clone(&self.source),
                Arc::clone(&resolver),
                Arc::clone(&self.tables),
            );
            tasks.spawn(async move {
                pass::load(&ctx, &source, resolver, &tables, &steps, memory).await
            });
        }
        // Every pass comes to its own end before the first failure is told: what was under way is settled.
        let mut failure = None;
        while let Some(joined) = tasks.join_next().await {
            match joined.map_err(|e| RunError::Internal(e.to_string())) {
                Ok(Ok(loaded)) => self.finish(&loaded).await?,
                Ok(Err(error)) | Err(error) => {
                    failure.get_or_insert(error);
                }
            }
        }
        if let Some(error) = failure {
            return Err(error);
        }
        for id in batch {
            if let Some(done) = self.finished.get_mut(id.ix()) {
                *done = true;
            }
        }
        Ok(())
    }

    /// Lists what the destination holds of the objects that a batch writes or refers to by a natural key.
    pub(super) async fn list_destinations(&mut self, batch: &[StepId]) -> Result<(), RunError> {
        let mut objects = Vec::new();
        for id in batch {
            let step = self.ctx.step(*id)?;
            objects.push(step.to);
            for field in &step.fields {
                if let Some(RefSource::NaturalKey(object)) = &field.reference {
                    objects.push(*object);
                }
            }
        }
        for object in objects {
            if self.listed.insert(object) {
                self.ctx.list(object, true).await?;
            }
        }
        Ok(())
    }

    /// What the ledger knows about the records of a batch.
    pub(super) fn memories(
        &self,
        ids: &Arc<IdMap>,
        batch: &[StepId],
    ) -> Result<HashMap<StepId, StepMemory>, RunError> {
        let view = self.ctx.ledger.view()?;
        let mut all = HashMap::new();
        for id in batch {
            let name = &self.ctx.step(*id)?.name;
            let mut memory = StepMemory::load(Arc::clone(ids), &view, *id, name)
                .map_err(|e| RunError::Internal(e.to_string()))?;
            if self.watch {
                memory.watch();
            }
            all.insert(*id, memory);
        }
        Ok(all)
    }

    /// Notes which destination records stand for source records already.
    pub(super) fn own(&self, ids: &IdMap, batch: &[StepId]) -> Result<(), RunError> {
        for id in batch {
            let step = self.ctx.step(*id)?;
            let known = ids.snapshot(*id);
            for (key, _, entry) in known.iter() {
                if !entry.dest_id.is_empty() && entry.state == crate::ledger::IdState::Confirmed {
                    self.ctx.claim(step.to, entry.dest_id);
                    if entry.origin != Some(Origin::Created) {
                        self.ctx.found_there(step.to, entry.dest_id);
                    }
                    if let Some(mut directory) = self.ctx.directory(step.to) {
                        directory.own(entry.dest_id, &step.name, &key);
                    }
                }
            }
        }
        Ok(())
    }

    /// Closes the books of the steps of a pass.
    async fn finish(&mut self, loaded: &Loaded) -> Result<(), RunError> {
        let books = &loaded.books;
        for (id, counts) in books.counts() {
            let name = self.ctx.step(id)?.name.clone();
            if !counts.balanced() {
                return Err(RunError::Books {
                    step: name,
                    detail: format!("{counts:?}"),
                });
            }
            self.ctx
                .ledger
                .append(vec![Entry::StepEnded {
                    step: name.clone(),
                    counts,
                }])
                .await?;
            (self.ctx.emit)(&Event::StepFinished { step: name, counts });
            self.outcome.steps.push((id, counts));
            self.outcome.over_limit = over_limit(&self.ctx.mapping, &self.outcome.steps);
            self.mark(id, loaded.newest).await?;
            if let Some(memory) = loaded.memory.get(&id) {
                let gone = memory.gone().into_iter().map(|g| (id, g));
                self.outcome.gone.extend(gone);
            }
        }
        self.outcome
            .refusals
            .extend(books.refusals().iter().map(|(k, v)| (k.clone(), v.clone())));
        self.outcome.unmatched.extend(
            books
                .left_blank()
                .iter()
                .map(|(k, v)| (k.clone(), v.clone())),
        );
        self.outcome.differences.extend(
            books
                .differences()
                .iter()
                .map(|(k, v)| (k.clone(), v.clone())),
        );
        Ok(())
    }

    /// Moves the watermark of a step that is done.
    async fn mark(&mut self, id: StepId, newest: Option<jiff::Timestamp>) -> Result<(), RunError> {
        let step = self.ctx.step(id)?.name.clone();
        let view = self.ctx.ledger.glance();
        let before = view.and_then(|v| v.watermark(&step))?;
        let was: Option<jiff::Timestamp> = before.as_deref().and_then(|b| b.parse().ok());
        let mut now = before.clone();
        // A run over some records has not taken in all that is older.
        let whole = self.ctx.chosen.get().is_none();
        if let Some(newest) = newest.filter(|n| whole && was.is_none_or(|w| w < *n)) {
            let value = newest.to_string();
            now = Some(value.clone());
            let entry = Entry::Watermark { step, value };
            self.ctx.ledger.append(vec![entry]).await?;
        }
        self.outcome.watermarks.push((id, before, now));
        Ok(())
    }

    async fn second_passes(&mut self) -> Result<(), RunError> {
        let mut steps: Vec<StepId> = self.ctx.plan.deferred.iter().map(|d| d.step).collect();
        steps.dedup();
        for id in steps {
            let resolver = Arc::new(self.resolver(&[id])?);
            let done = second::run(
                &self.ctx,
                &self.source,
                resolver,
                &self.tables,
                id,
                Arc::clone(&self.ids),
            )
            .await?;
            self.outcome.second_pass_written += done.written;
        }
        Ok(())
    }
}

/// The steps with more held and failed records than the policy allows.
pub(super) fn over_limit(mapping: &Mapping, steps: &[(StepId, Counts)]) -> Vec<StepId> {
    let bad = steps.iter().map(|(id, c)| (*id, c.held + c.failed, c.read));
    mapping.policy.too_many(bad)
}
