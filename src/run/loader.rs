//! Takes what a pass says, page by page, and brings it to the destination.
//!
//! One loader per pass. It decides about each record in source order (so that the outcome does not depend
//! on timing), lets many calls run side by side, and books every end. It owns the id maps of its steps while
//! they grow; nobody reads them before the pass is over.

mod aside;

use super::{
    books::Books,
    bulk,
    context::Context,
    decide::{self, Action, Known},
    failure::RunError,
    item::{Item, Work},
    key::KeyRule,
    members::{self, Members},
    send::{self, Done, Sent},
    sight,
};
use crate::{
    event::Event,
    ident::StepId,
    ledger::{Entry, Origin},
    mapping::Absent,
    plan::Load,
    run::{known::StepMemory, second, stand_in, update},
};
use std::{collections::BTreeMap, sync::Arc};
use tokio::{sync::mpsc, task::JoinSet};

/// Calls, or chunks, under way at a time. More than the destination takes at once, so that the ledger's
/// flushes are shared by many.
const SIDE_BY_SIDE: usize = 256;

/// What a reader thread says about one page.
pub struct PageItems {
    /// Source records in it, faulty rows included.
    pub records: u64,
    /// What the pass said.
    pub items: Vec<Item>,
    /// When the latest of its records was changed, where they say so.
    pub newest: Option<jiff::Timestamp>,
}

/// Loads one pass.
pub struct Loader {
    ctx: Arc<Context>,
    memory: BTreeMap<StepId, StepMemory>,
    books: Books,
    tasks: JoinSet<Result<Vec<Done>, RunError>>,
    chunks: BTreeMap<StepId, Vec<Work>>,
    members: Members,
    chunk_number: u64,
    read: u64,
    newest: Option<jiff::Timestamp>,
    settled: u64,
    failure: Option<RunError>,
}

/// What is known when a pass is over.
pub struct Loaded {
    /// What became of the records, for later passes and runs.
    pub memory: BTreeMap<StepId, StepMemory>,
    /// The books.
    pub books: Books,
    /// When the latest of all records was changed, where they say so.
    pub newest: Option<jiff::Timestamp>,
}

impl Loader {
    /// A loader for steps with what the ledger knows about them.
    pub fn new(ctx: Arc<Context>, memory: BTreeMap<StepId, StepMemory>) -> Loader {
        Loader {
            ctx,
            memory,
            books: Books::default(),
            tasks: JoinSet::new(),
            chunks: BTreeMap::new(),
            members: Members::default(),
            chunk_number: 0,
            read: 0,
            newest: None,
            settled: 0,
            failure: None,
        }
    }

    /// Loads all pages.
    ///
    /// # Errors
    /// When the destination, the ledger or the source stops. What was under way has been settled by then as far as
    /// it could be.
    pub async fn run(
        mut self,
        mut pages: mpsc::Receiver<Result<PageItems, RunError>>,
    ) -> Result<Loaded, RunError> {
        while self.failure.is_none() {
            let Some(page) = pages.recv().await else {
                break;
            };
            if let Err(error) = self.page(page).await {
                self.failure = Some(error);
            }
        }
        if self.failure.is_none() {
            let rest: Vec<(StepId, Vec<Work>)> =
                std::mem::take(&mut self.chunks).into_iter().collect();
            for (step, works) in rest {
                if let Err(error) = self.send_chunk(step, works).await {
                    self.failure = Some(error);
                }
            }
            for (step, works) in self.members.owners() {
                let ctx = Arc::clone(&self.ctx);
                self.spawn(async move { members::add(&ctx, ctx.step(step)?, works).await })
                    .await;
            }
        }
        while !self.tasks.is_empty() {
            self.join_one().await;
        }
        if self.failure.is_none()
            && self.ctx.chosen.get().is_none()
            && let Err(error) = self.release_gone().await
        {
            self.failure = Some(error);
        }
        match self.failure {
            Some(error) => Err(error),
            None => Ok(Loaded {
                memory: self.memory,
                books: self.books,
                newest: self.newest,
            }),
        }
    }

    async fn page(&mut self, page: Result<PageItems, RunError>) -> Result<(), RunError> {
        let page = page?;
        self.read += page.records;
        self.newest = self.newest.max(page.newest);
        for id in self.memory.keys() {
            self.books.of(*id).read += page.records;
        }
        let mut entries = Vec::new();
        for item in page.items {
            let (step, key) = item.about();
            self.memory(step)?.met(key);
            match item {
                Item::Hold(held) => self.hold(held, &mut entries)?,
                Item::Settle { step, key, why } => self.settle(step, key, why, &mut entries)?,
                Item::Work(work) => self.place(*work, &mut entries).await?,
                Item::Unmatched {
                    step,
                    key,
                    field,
                    value,
                } => self.books.unmatched(step, &key, field, value),
            }
            if self.failure.is_some() {
                break;
            }
        }
        if !entries.is_empty() {
            self.ctx.ledger.append(entries).await?;
        }
        self.progress();
        Ok(())
    }

    fn progress(&self) {
        for id in self.memory.keys() {
            if let Ok(step) = self.ctx.step(*id) {
                (self.ctx.emit)(&Event::StepProgress {
                    step: step.name.clone(),
                    read: self.read,
                    settled: self.books.settled(*id),
                });
            }
        }
    }

    fn memory(&mut self, step: StepId) -> Result<&mut StepMemory, RunError> {
        self.memory
            .get_mut(&step)
            .ok_or_else(|| RunError::Internal(format!("no memory of {step:?}")))
    }

    async fn place(&mut self, work: Work, entries: &mut Vec<Entry>) -> Result<(), RunError> {
        let ctx = Arc::clone(&self.ctx);
        let step = ctx.step(work.step)?;
        let known = self.memory(work.step)?.known(&work.key, work.part);
        if let Some(hold) = self.memory(work.step)?.open_hold(&work.key) {
            ctx.standing.note(work.step, &work.key, hold);
        }
        let member = ctx.object(step.to)?.membership.is_some();
        if member && !matches!(known, Known::Confirmed { .. }) {
            self.members.list(&ctx, step, &work).await?;
        }
        let seen = sight::see(&ctx, step, &work);
        match decide::decide(step, work.fingerprint, &known, &seen) {
            Action::Unchanged => {
                // A change of it was held, and the source has gone back to what is there.
                let memory = self.memory(work.step)?;
                let waits = memory
                    .open_hold(&work.key)
                    .is_some_and(|h| second::decides(&ctx, work.step, &h));
                if memory.has_content_hold(&work.key) && !waits {
                    entries.push(Entry::Released {
                        step: step.name.clone(),
                        key: work.key.clone(),
                    });
                }
                let id = match known {
                    Known::Confirmed { id, .. } => id,
                    _ => String::new(),
                };
                self.book(Done {
                    work,
                    sent: Sent::Unchanged { id },
                    differs: Vec::new(),
                });
            }
            Action::Look => {
                self.spawn(async move {
                    let step = ctx.step(work.step)?;
                    Ok(vec![send::look_or_create(&ctx, step, work).await?])
                })
                .await;
            }
            Action::Bind(id) => {
                ctx.found_there(step.to, &id);
                entries.push(send::confirmed(step, &work, &id, Origin::Matched, None));
                self.book(Done {
                    work,
                    sent: Sent::Unchanged { id },
                    differs: Vec::new(),
                });
            }
            Action::Adopt(id) => {
                if let Some(mut directory) = ctx.directory(step.to) {
                    directory.own(&id, &step.name, &work.key);
                }
                self.spawn(async move {
                    let step = ctx.step(work.step)?;
                    Ok(vec![send::adopt(&ctx, step, work, id).await?])
                })
                .await;
            }
            Action::Hold(code, words) => {
                if !self
                    .memory(work.step)?
                    .is_open_hold(&work.key, code, &words)
                {
                    entries.push(send::held(step, &work, code, &words));
                }
                self.book(Done {
                    work,
                    sent: Sent::Held { code, words },
                    differs: Vec::new(),
                });
            }
            Action::StillRefused => {
                let reasons = self
                    .memory(work.step)?
                    .refusal(&work.key)
                    .unwrap_or("refused before")
                    .to_owned();
                self.book(Done {
                    work,
                    sent: Sent::Failed { reasons },
                    differs: Vec::new(),
                });
            }
            Action::Fail(words) => return Err(RunError::Policy(words)),
            Action::Update(was) if member => {
                let keep = !matches!(known, Known::Confirmed { created: true, .. })
                    || self.memory(work.step)?.stands_for_another(&was, &work.key);
                self.spawn(async move {
                    members::change(&ctx, ctx.step(work.step)?, work, was, keep).await
                })
                .await;
            }
            Action::Resolve | Action::Create if member => {
                self.claim(&ctx, &work);
                if self.members.take(work).is_some() {
                    return Err(RunError::Internal(format!(
                        "a membership of step `{}` without its owner",
                        step.name
                    )));
                }
            }
            Action::Update(id) => {
                let origin = match known {
                    Known::Confirmed { created: true, .. } => Origin::Created,
                    _ => {
                        ctx.found_there(step.to, &id);
                        Origin::Updated
                    }
                };
                self.claim(&ctx, &work);
                self.spawn(async move {
                    let step = ctx.step(work.step)?;
                    Ok(vec![update::update(&ctx, step, work, id, origin).await?])
                })
                .await;
            }
            Action::Resolve => {
                self.claim(&ctx, &work);
                self.spawn(async move {
                    let step = ctx.step(work.step)?;
                    Ok(vec![send::create(&ctx, step, work, true).await?])
                })
                .await;
            }
            Action::Create => {
                let work = match &step.absent {
                    Absent::Placeholder(keys) => stand_in::filled(&ctx, step, keys, work)?,
                    _ => work,
                };
                self.claim(&ctx, &work);
                if *ctx.plan.load(work.step) == Load::ByHand && !ctx.provision {
                    let (code, words) = (
                        "by_hand",
                        "only an admin can create it at the destination; see the checklist"
                            .to_owned(),
                    );
                    if !self
                        .memory(work.step)?
                        .is_open_hold(&work.key, code, &words)
                    {
                        entries.push(send::held(step, &work, code, &words));
                    }
                    self.book(Done {
                        work,
                        sent: Sent::Held { code, words },
                        differs: Vec::new(),
                    });
                } else if matches!(ctx.plan.load(work.step), Load::Bulk { .. })
                    && bulk::bulk_key(&ctx, step)
                        .is_some_and(|(_, at)| work.keys.get(at).is_some_and(Option::is_some))
                {
                    self.collect(work).await?;
                } else {
                    self.spawn(async move {
                        let step = ctx.step(work.step)?;
                        Ok(vec![send::create(&ctx, step, work, false).await?])
                    })
                    .await;
                }
            }
        }
        Ok(())
    }

    /// Notes the keys of a record that is about to be made, so that a second one with the same key is seen.
    fn claim(&self, ctx: &Context, work: &Work) {
        let Ok(step) = ctx.step(work.step) else {
            return;
        };
        if let Some(mut directory) = ctx.directory(step.to) {
            for (key, text) in step.match_keys.iter().zip(&work.keys) {
                if let (Some(text), Some(rule)) = (text, directory.rule(&KeyRule::from(key))) {
                    directory.claim(rule, text, &step.name, &work.key);
                }
            }
        }
    }

    async fn collect(&mut self, work: Work) -> Result<(), RunError> {
        let step = work.step;
        let size = match self.ctx.plan.load(step) {
            Load::Bulk { size, .. } => (*size).max(1),
            _ => 1,
        };
        let chunk = self.chunks.entry(step).or_default();
        chunk.push(work);
        if chunk.len() >= size {
            let works = std::mem::take(chunk);
            self.send_chunk(step, works).await?;
        }
        Ok(())
    }

    async fn send_chunk(&mut self, step: StepId, works: Vec<Work>) -> Result<(), RunError> {
        if works.is_empty() {
            return Ok(());
        }
        self.chunk_number += 1;
        let ctx = Arc::clone(&self.ctx);
        let first = works.first().map(|w| w.key.clone()).unwrap_or_default();
        let chunk = format!("{}-{}-{first}", ctx.step(step)?.name, self.chunk_number);
        self.spawn(async move {
            let step = ctx.step(step)?;
            bulk::create(&ctx, step, chunk, works).await
        })
        .await;
        Ok(())
    }

    async fn spawn(
        &mut self,
        task: impl Future<Output = Result<Vec<Done>, RunError>> + Send + 'static,
    ) {
        while self.tasks.len() >= self.ctx.side_by_side(SIDE_BY_SIDE) {
            self.join_one().await;
        }
        self.tasks.spawn(task);
        while let Some(joined) = self.tasks.try_join_next() {
            self.joined(joined);
        }
    }

    async fn join_one(&mut self) {
        if let Some(joined) = self.tasks.join_next().await {
            self.joined(joined);
            if self.settled.is_multiple_of(50) {
                self.progress();
            }
        }
    }

    fn joined(&mut self, joined: Result<Result<Vec<Done>, RunError>, tokio::task::JoinError>) {
        match joined {
            Ok(Ok(all)) => {
                for done in all {
                    self.book(done);
                }
            }
            // The first failure is the cause; the others follow from it.
            Ok(Err(error)) => {
                self.failure.get_or_insert(error);
            }
            Err(error) => {
                self.failure
                    .get_or_insert(RunError::Internal(error.to_string()));
            }
        }
    }

    fn book(&mut self, done: Done) {
        let Done {
            work,
            sent,
            differs,
        } = done;
        let ctx = Arc::clone(&self.ctx);
        let Ok(step) = ctx.step(work.step) else {
            return;
        };
        let Some(memory) = self.memory.get_mut(&work.step) else {
            return;
        };
        match &sent {
            Sent::Created { id } | Sent::Updated { id } | Sent::Unchanged { id } => {
                let origin = match &sent {
                    Sent::Created { .. } => Origin::Created,
                    Sent::Updated { .. } => Origin::Updated,
                    _ => Origin::Unchanged,
                };
                memory.set_confirmed(&work.key, work.part, id, work.fingerprint, origin);
                if let Some(mut directory) = ctx.directory(step.to) {
                    for (key, text) in step.match_keys.iter().zip(&work.keys) {
                        if let (Some(text), Some(rule)) =
                            (text, directory.rule(&KeyRule::from(key)))
                        {
                            directory.made(rule, text, id);
                        }
                    }
                    directory.own(id, &step.name, &work.key);
                }
            }
            Sent::Failed { .. } | Sent::Held { .. } => memory.set_held(&work.key),
        }
        self.books.differs(work.step, &work.key, &differs);
        if self.books.settle(work.step, &work.key, work.parts, &sent) {
            self.settled += 1;
        }
    }
}
