//! What a run is going to do, before it does it: the passes of the run over the source, against the ledger instead of the
//! destination.
//!
//! Made when an earlier run came to its end, so that a person sees what a changed mapping, value map or export leads
//! to. The ledger knows the fingerprint of every record and, for those whose fingerprint is another one now, a hash
//! of every field.
//!
//! Nothing is written and, beside the objects whose records stand in for others, nothing is listed. What only the
//! destination can tell is therefore left open: records made there by others, and references by natural keys, which
//! count as changed only where nothing else in the record did. References of second passes are not counted.

use super::{
    base::value_hash,
    context::Context,
    decide::{Known, Seen},
    execute::Executor,
    failure::RunError,
    item::{Collector, Item, Work},
    known::StepMemory,
    pass,
    resolver::Resolver,
    sight,
    source::Source,
    tags,
};
use crate::{
    event::Event,
    ident::{ObjectId, StepId},
    ledger::{IdMap, Origin, View},
    mapping::{Absent, Found, RefSource, Step},
    platform::wire::WireValue,
    transform::{Pass, Tables},
};
use bumpalo::Bump;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// What is going to happen to the records of one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// Not at the destination yet, as far as the ledger knows.
    pub new: u64,
    /// At the destination with other content.
    pub changed: u64,
    /// At the destination as they are.
    pub unchanged: u64,
    /// Held, or refused and not changed since.
    pub waiting: u64,
    /// Of the changed ones: how many by destination field.
    pub fields: BTreeMap<String, u64>,
}

/// True when the record is held for what stands at the destination.
fn waits_there(memory: &StepMemory, key: &str) -> bool {
    let code = memory.open_hold(key).map(|s| s.code);
    matches!(code.as_deref(), Some("same_match_key" | "exists"))
}

/// Stands for a destination id that is not known before the run.
const UNKNOWN: &str = "?";

impl Executor {
    /// True when the last run before this one came to its end.
    pub(super) fn has_run(&self, run: i64) -> Result<bool, RunError> {
        let view = self.ctx.ledger.view();
        let runs = view.and_then(|v| v.runs())?;
        let last = runs
            .iter()
            .rev()
            .find(|r| r.run < run && matches!(r.command.as_str(), "run" | "delta"));
        Ok(last.is_some_and(|r| {
            r.outcome
                .as_deref()
                .is_some_and(|o| o.starts_with("completed"))
        }))
    }

    /// Goes through all steps and says for each what is going to happen.
    pub(super) async fn preview(&mut self) -> Result<BTreeMap<StepId, Preview>, RunError> {
        let stand_ins: Vec<ObjectId> = self
            .ctx
            .mapping
            .steps
            .iter()
            .filter(|s| matches!(s.absent, Absent::Fallback(_)))
            .map(|s| s.to)
            .collect();
        for object in stand_ins {
            if self.listed.insert(object) {
                self.ctx.list(object, true).await?;
            }
        }
        tags::recall(&self.ctx, &mut self.taken)?;
        let ids = Arc::new(IdMap::new(self.ctx.mapping.steps.len()));
        let mut finished = vec![false; self.ctx.mapping.steps.len()];
        let mut all = BTreeMap::new();
        for batch in self.ctx.plan.batches.clone() {
            let resolver = Arc::new(self.preview_resolver(&ids, &finished));
            let mut passes: BTreeMap<ObjectId, Vec<StepId>> = BTreeMap::new();
            for id in &batch {
                passes
                    .entry(self.ctx.step(*id)?.from)
                    .or_default()
                    .push(*id);
            }
            for steps in passes.into_values() {
                let walk = Walk {
                    ctx: Arc::clone(&self.ctx),
                    source: Arc::clone(&self.source),
                    tables: Arc::clone(&self.tables),
                    resolver: Arc::clone(&resolver),
                    ids: Arc::clone(&ids),
                };
                let done = tokio::task::spawn_blocking(move || walk.steps(&steps))
                    .await
                    .map_err(|e| RunError::Internal(format!("the reader stopped: {e}")))??;
                all.extend(done);
            }
            for id in batch {
                if let Some(done) = finished.get_mut(id.ix()) {
                    *done = true;
                }
            }
        }
        for (id, preview) in &all {
            (self.ctx.emit)(&Event::Previewed {
                step: self.ctx.step(*id)?.name.clone(),
                new: preview.new,
                changed: preview.changed,
                unchanged: preview.unchanged,
                waiting: preview.waiting,
                fields: preview.fields.clone(),
            });
        }
        Ok(all)
    }

    fn preview_resolver(&self, ids: &IdMap, finished: &[bool]) -> Resolver {
        let steps = (0u16..)
            .map(StepId)
            .zip(finished)
            .map(|(id, done)| done.then(|| ids.snapshot(id)))
            .collect();
        let fallbacks = (0u16..)
            .map(StepId)
            .zip(&self.ctx.mapping.steps)
            .filter_map(|(id, step)| match &step.absent {
                Absent::Fallback(keys) => {
                    let found = self.stand_in(step, keys);
                    Some((id, found.unwrap_or_else(|| UNKNOWN.to_owned())))
                }
                _ => None,
            })
            .collect();
        Resolver::new(
            &self.ctx.mapping,
            steps,
            HashMap::new(),
            self.taken.clone(),
            fallbacks,
        )
        .with_unknown(UNKNOWN)
    }
}

/// One pass of a preview.
struct Walk {
    ctx: Arc<Context>,
    source: Arc<Source>,
    tables: Arc<Tables>,
    resolver: Arc<Resolver>,
    ids: Arc<IdMap>,
}

impl Walk {
    fn steps(&self, steps: &[StepId]) -> Result<BTreeMap<StepId, Preview>, RunError> {
        let strange = |e: &dyn std::fmt::Display| RunError::Internal(e.to_string());
        let view = self.ctx.ledger.view()?;
        let mut memory = BTreeMap::new();
        for id in steps {
            let name = &self.ctx.step(*id)?.name;
            let of_step = StepMemory::load(Arc::clone(&self.ids), &view, *id, name)
                .map_err(|e| strange(&e))?;
            memory.insert(*id, of_step);
        }
        let pass = Pass::compile(
            Arc::clone(&self.ctx.mapping),
            Arc::clone(&self.tables),
            steps,
            &self.ctx.deferred,
            false,
        )
        .map_err(|e| strange(&e))?;
        let encoders = pass::encoders(&self.ctx, steps)?;
        let mut all: BTreeMap<StepId, Preview> =
            steps.iter().map(|s| (*s, Preview::default())).collect();
        let mut reader = self.source.open(pass.object(), pass.columns())?;
        let mut arena = Bump::new();
        while let Some(page) = reader.next_page()? {
            let mut collector = Collector::new(&encoders);
            let keys = pass.keys(&page);
            pass.run(&page, &keys, self.resolver.as_ref(), &arena, &mut collector);
            arena.reset();
            for item in collector.into_items() {
                let (id, key) = item.about();
                if let Some(chosen) = self.ctx.chosen.get()
                    && !chosen.has(pass.object(), key)
                {
                    continue;
                }
                let (Some(seen), Some(known)) = (all.get_mut(&id), memory.get(&id)) else {
                    continue;
                };
                match &item {
                    Item::Hold(_) => {
                        known.set_held(key);
                        seen.waiting += 1;
                    }
                    Item::Settle { .. } | Item::Unmatched { .. } => {}
                    Item::Work(work) => self.work(self.ctx.step(id)?, work, known, &view, seen)?,
                }
            }
        }
        Ok(all)
    }

    fn work(
        &self,
        step: &Step,
        work: &Work,
        memory: &StepMemory,
        view: &View,
        seen: &mut Preview,
    ) -> Result<(), RunError> {
        let first = work.part == 0;
        match memory.known(&work.key, work.part) {
            Known::Confirmed {
                fingerprint, bound, ..
            } if bound || fingerprint == work.fingerprint => seen.unchanged += u64::from(first),
            Known::Confirmed { .. } => {
                seen.changed += u64::from(first);
                self.fields(step, work, view, seen)?;
            }
            Known::Refused { fingerprint, .. } if fingerprint == work.fingerprint => {
                seen.waiting += u64::from(first);
            }
            // Held by what the destination showed: as far as is known here, it still is.
            Known::New if waits_there(memory, &work.key) => {
                seen.waiting += u64::from(first);
                memory.set_held(&work.key);
            }
            Known::New | Known::OpenCreate | Known::Refused { .. } => {
                let there = match sight::see(&self.ctx, step, work) {
                    Seen::Record(id) if step.found == Found::Use => Some(id),
                    _ => None,
                };
                match (&there, &step.absent) {
                    (Some(_), _) => seen.unchanged += u64::from(first),
                    (None, Absent::Hold | Absent::Fallback(_) | Absent::Fail) => {
                        seen.waiting += u64::from(first);
                        memory.set_held(&work.key);
                        return Ok(());
                    }
                    (None, Absent::Create | Absent::Placeholder(_)) => {
                        seen.new += u64::from(first);
                    }
                }
                let id = there.as_deref().unwrap_or(UNKNOWN);
                let origin = Origin::Matched;
                memory.set_confirmed(&work.key, work.part, id, work.fingerprint, origin);
            }
        }
        Ok(())
    }

    /// Counts the fields of a changed record whose value is another one than was written last.
    fn fields(
        &self,
        step: &Step,
        work: &Work,
        view: &View,
        seen: &mut Preview,
    ) -> Result<(), RunError> {
        let written = view
            .written(&step.name, &work.key, u32::from(work.part))
            .map_err(|e| RunError::Internal(e.to_string()))?;
        let (Some(written), Ok(wanted)) = (written, serde_json::from_slice(&work.body)) else {
            return Ok(());
        };
        let object = self.ctx.object(step.to)?;
        let readers = self.ctx.readers(step.to);
        let mut open = Vec::new();
        let mut any = false;
        for m in &step.fields {
            let at = m.to.ix();
            let (Some(field), Some(reader)) = (object.fields.get(at), readers.get(at)) else {
                continue;
            };
            let value = reader.read(&wanted);
            if value == WireValue::Absent {
                continue;
            }
            let unknown = matches!(&value, WireValue::Record { id, .. } if id == UNKNOWN);
            if unknown && matches!(m.reference, Some(RefSource::NaturalKey(_))) {
                open.push(&field.name);
                continue;
            }
            let was = written.fields.get(&field.name);
            if was.is_none_or(|w| w.sent != value_hash(field.data_type, &value)) {
                *seen.fields.entry(field.name.clone()).or_default() += 1;
                any = true;
            }
        }
        if !any {
            for name in open {
                *seen.fields.entry(name.clone()).or_default() += 1;
            }
        }
        Ok(())
    }
}
