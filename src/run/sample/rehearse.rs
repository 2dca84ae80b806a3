//! Rehearses a run without writing anything: the passes of a run, its table of decisions, its resolver, into a survey.
//!
//! What an earlier run did must not change what a sample is chosen from, or a second sample would choose others. So a
//! record counts as found at the destination when it was there before this migration, and a refusal of before counts as
//! if it were sent again.

use super::survey::{Feature, Survey};
use crate::{
    ident::{ObjectId, StepId},
    ledger::{IdMap, Origin},
    mapping::{Absent, Found, RefSource},
    plan::Load,
    run::{
        chosen::short,
        context::Context,
        decide::{self, Action, Known, Seen},
        execute::Executor,
        failure::RunError,
        item::{StepEncoder, Work},
        key::{self, KeyRule},
        known::StepMemory,
        pass,
        resolver::Resolver,
        sight,
        source::Source,
    },
    transform::{
        Effect, Hold, Pass, PassOptions, Resolution, Resolve, Settled, Sink, Tables, Touched, Trace,
    },
    value::{DestRef, Value},
};
use bumpalo::Bump;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};
use xxhash_rust::xxh3::xxh3_64;

/// The id of a record that would be made: no destination gives such ones.
fn made_up(step: StepId, key: &str) -> String {
    format!("~{}-{:016x}", step.0, short(key))
}

/// Who claims a key of a destination object: object, rule and text in short, to step and record.
type Claims = HashMap<(ObjectId, usize, u64), (StepId, u64)>;

/// Surveys the whole export.
///
/// # Errors
/// When source, destination or ledger cannot be read.
pub(super) async fn survey(executor: &mut Executor) -> Result<Survey, RunError> {
    let ctx = Arc::clone(&executor.ctx);
    let steps = ctx.mapping.steps.len();
    let ids = Arc::new(IdMap::new(steps));
    let mut finished = vec![false; steps];
    let mut survey = Survey::default();
    let mut claims = Claims::new();
    let stand_ins: HashMap<StepId, String> = (0u16..)
        .map(StepId)
        .zip(&ctx.mapping.steps)
        .filter(|(_, s)| matches!(s.absent, Absent::Fallback(_)))
        .map(|(id, _)| (id, made_up(id, "")))
        .collect();
    let batches = ctx.plan.batches.clone();
    for batch in &batches {
        executor.list_destinations(batch).await?;
    }
    let deferred: Vec<StepId> = {
        let mut all: Vec<StepId> = ctx.plan.deferred.iter().map(|d| d.step).collect();
        all.dedup();
        all
    };
    let first = batches.iter().map(|b| (b.clone(), false));
    let second = deferred.iter().map(|id| (vec![*id], true));
    for (batch, second) in first.chain(second) {
        let mut memories = executor.memories(&ids, &batch)?;
        executor.own(&ids, &batch)?;
        let snapshots = (0u16..)
            .map(StepId)
            .zip(&finished)
            .map(|(id, done)| done.then(|| ids.snapshot(id)))
            .collect();
        let resolver = Arc::new(Resolver::new(
            &ctx.mapping,
            snapshots,
            executor.natural(&batch)?,
            HashMap::new(),
            stand_ins.clone(),
        ));
        let mut passes: BTreeMap<ObjectId, Vec<StepId>> = BTreeMap::new();
        for id in &batch {
            passes.entry(ctx.step(*id)?.from).or_default().push(*id);
        }
        for steps in passes.into_values() {
            let memory = steps
                .iter()
                .filter_map(|s| Some((*s, memories.remove(s)?)))
                .collect();
            let work = OnePass {
                ctx: Arc::clone(&ctx),
                source: Arc::clone(&executor.source),
                tables: Arc::clone(&executor.tables),
                resolver: Arc::clone(&resolver),
                steps,
                memory,
                second,
                survey,
                claims,
            };
            (survey, claims) = tokio::task::spawn_blocking(move || work.run())
                .await
                .map_err(|e| RunError::Internal(format!("the survey stopped: {e}")))??;
        }
        for id in &batch {
            if let Some(done) = finished.get_mut(id.ix()) {
                *done = true;
            }
        }
    }
    survey.finish();
    Ok(survey)
}

/// One pass of the rehearsal.
struct OnePass {
    ctx: Arc<Context>,
    source: Arc<Source>,
    tables: Arc<Tables>,
    resolver: Arc<Resolver>,
    steps: Vec<StepId>,
    memory: HashMap<StepId, StepMemory>,
    second: bool,
    survey: Survey,
    claims: Claims,
}

impl OnePass {
    fn run(mut self) -> Result<(Survey, Claims), RunError> {
        let trace = Arc::new(Trace::default());
        let pass = Pass::build(
            Arc::clone(&self.ctx.mapping),
            Arc::clone(&self.tables),
            &self.steps,
            &PassOptions {
                deferred: &self.ctx.deferred,
                second: self.second,
                unprinted: false,
                trace: Some(&trace),
                ..PassOptions::default()
            },
        )
        .map_err(|e| RunError::Internal(e.to_string()))?;
        let encoders = pass::encoders(&self.ctx, &self.steps)?;
        let naturals = naturals(&self.ctx, &self.steps)?;
        let asking = Asking {
            inner: &self.resolver,
            naturals: &naturals,
            claims: Mutex::new(std::mem::take(&mut self.claims)),
            asked: Mutex::default(),
        };
        let mut reader = self.source.open(pass.object(), pass.columns())?;
        let mut arena = Bump::new();
        while let Some(page) = reader.next_page()? {
            let mut sink = Rehearsal {
                ctx: &self.ctx,
                object: pass.object(),
                second: self.second,
                encoders: &encoders,
                memory: &self.memory,
                trace: &trace,
                asking: &asking,
                survey: &mut self.survey,
            };
            let keys = pass.keys(&page);
            pass.run(&page, &keys, &asking, &arena, &mut sink);
            arena.reset();
            reader.recycle(page);
        }
        let claims = asking
            .claims
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        Ok((self.survey, claims))
    }
}

/// The first key of each object that steps refer to by it: its rule's position.
fn naturals(ctx: &Context, steps: &[StepId]) -> Result<HashMap<ObjectId, usize>, RunError> {
    let mut all = HashMap::new();
    for id in steps {
        for field in &ctx.step(*id)?.fields {
            if let Some(RefSource::NaturalKey(object)) = &field.reference
                && let Some(key) = ctx.object(*object)?.keys.first()
                && let Some(rule) = ctx.directory(*object).and_then(|d| d.rule(&key.into()))
            {
                all.insert(*object, rule);
            }
        }
    }
    Ok(all)
}

/// The resolver of a run, which notes what it is asked.
struct Asking<'r> {
    inner: &'r Resolver,
    naturals: &'r HashMap<ObjectId, usize>,
    claims: Mutex<Claims>,
    /// Source records asked for, and destination records by key that a source record claims.
    asked: Mutex<Vec<Asked>>,
}

/// Something asked for.
enum Asked {
    Source(ObjectId, u64),
    Claimed(StepId, u64),
}

impl Asking<'_> {
    fn asked(&self, what: Asked) {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(what);
    }

    fn claimed(&self, object: ObjectId, rule: usize, text: &str) -> Option<(StepId, u64)> {
        self.claims
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&(object, rule, xxh3_64(text.as_bytes())))
            .copied()
    }
}

impl Resolve for Asking<'_> {
    fn by_source(
        &self,
        object: ObjectId,
        key: &str,
        only: &[StepId],
        to: &[ObjectId],
    ) -> Resolution<'_> {
        self.asked(Asked::Source(object, short(key)));
        self.inner.by_source(object, key, only, to)
    }

    fn fallback(&self, object: ObjectId, only: &[StepId], to: &[ObjectId]) -> Option<DestRef<'_>> {
        self.inner.fallback(object, only, to)
    }

    fn by_natural(&self, object: ObjectId, key: &str) -> Resolution<'_> {
        let claimed = self
            .naturals
            .get(&object)
            .and_then(|rule| self.claimed(object, *rule, key));
        if let Some((step, record)) = claimed {
            self.asked(Asked::Claimed(step, record));
        }
        match self.inner.by_natural(object, key) {
            Resolution::Unknown if claimed.is_some() => {
                Resolution::Found(DestRef { object, id: "~" })
            }
            other => other,
        }
    }

    fn tag_taken(&self, object: ObjectId, tag: &str) -> bool {
        self.inner.tag_taken(object, tag)
    }
}

/// Takes what a pass says into the survey.
struct Rehearsal<'s> {
    ctx: &'s Context,
    object: ObjectId,
    second: bool,
    encoders: &'s HashMap<StepId, StepEncoder>,
    memory: &'s HashMap<StepId, StepMemory>,
    trace: &'s Trace,
    asking: &'s Asking<'s>,
    survey: &'s mut Survey,
}

impl Rehearsal<'_> {
    /// Notes features of a record, with what it touched and asked for.
    fn note(&mut self, key: &str, mut features: Vec<Feature>, mut needs: Vec<(ObjectId, u64)>) {
        features.extend(self.trace.take().into_iter().map(|touched| match touched {
            Touched::MapRow(map, row) => Feature::MapRow(map, row),
            Touched::MapOther(map) => Feature::MapOther(map),
            Touched::SplitRow(row) => Feature::Split(self.object, row),
        }));
        let asked = std::mem::take(
            &mut *self
                .asking
                .asked
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        for one in asked {
            match one {
                Asked::Source(object, key) => needs.push((object, key)),
                Asked::Claimed(step, key) => {
                    if let Some(step) = self.ctx.mapping.steps.get(step.ix()) {
                        needs.push((step.from, key));
                    }
                }
            }
        }
        self.survey.note(self.object, short(key), features, needs);
    }

    /// What the run would do with a record; an error is the code under which it would be held.
    fn decide(&self, work: &Work) -> (Result<String, &'static str>, bool, Vec<(ObjectId, u64)>) {
        let Some(step) = self.ctx.mapping.steps.get(work.step.ix()) else {
            return (Err("none"), false, Vec::new());
        };
        let known = self
            .memory
            .get(&work.step)
            .map_or(Known::New, |m| m.known(&work.key, work.part));
        let known = match known {
            Known::Refused { id: Some(id), .. } => Known::Confirmed {
                id,
                fingerprint: 0,
                bound: false,
                created: false,
            },
            Known::Refused { id: None, .. } | Known::OpenCreate => Known::New,
            known => known,
        };
        let me = (work.step, short(&work.key));
        let mut needs = Vec::new();
        let mut seen = None;
        for (match_key, text) in step.match_keys.iter().zip(&work.keys) {
            let rule = self
                .ctx
                .directory(step.to)
                .and_then(|d| d.rule(&KeyRule::from(match_key)));
            let (Some(text), Some(rule)) = (text, rule) else {
                continue;
            };
            match self.asking.claimed(step.to, rule, text) {
                Some(other) if other != me => {
                    if let Some(by) = self.ctx.mapping.steps.get(other.0.ix()) {
                        needs.push((by.from, other.1));
                    }
                    // A run binds it once the other one has its id.
                    seen.get_or_insert(Seen::Taken {
                        id: (step.found == Found::Use).then(|| made_up(work.step, &work.key)),
                        by: String::new(),
                    });
                }
                Some(_) => {}
                None => {
                    self.asking
                        .claims
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .insert((step.to, rule, xxh3_64(text.as_bytes())), me);
                }
            }
        }
        let seen = seen.unwrap_or_else(|| sight::see(self.ctx, step, work));
        let found = match (&known, &seen) {
            (Known::Confirmed { created, .. }, _) => !created,
            (_, Seen::Record(_) | Seen::Taken { id: Some(_), .. }) => true,
            _ => false,
        };
        let by_hand = *self.ctx.plan.load(work.step) == Load::ByHand && !self.ctx.provision;
        let outcome = match decide::decide(step, work.fingerprint, &known, &seen) {
            Action::Hold(code, _) => Err(code),
            Action::Create if by_hand => Err("by_hand"),
            Action::Unchanged => match known {
                Known::Confirmed { id, .. } => Ok(id),
                _ => Ok(made_up(work.step, &work.key)),
            },
            Action::Bind(id) | Action::Adopt(id) | Action::Update(id) => Ok(id),
            // The run would end there; a sample says so when it comes to it.
            Action::Fail(_) => Err("policy"),
            Action::Create | Action::Resolve | Action::Look | Action::StillRefused => {
                Ok(made_up(work.step, &work.key))
            }
        };
        (outcome, found && step.found != Found::Hold, needs)
    }
}

impl Sink for Rehearsal<'_> {
    fn effect(&mut self, e: &Effect<'_>) {
        let Some(step) = self.ctx.mapping.steps.get(e.step.ix()) else {
            return;
        };
        let fields = e
            .values
            .iter()
            .enumerate()
            .filter(|(_, v)| v.is_present())
            .map(|(at, _)| Feature::Field(e.step, at));
        if self.second {
            let features = fields.collect();
            return self.note(e.key, features, Vec::new());
        }
        let parent = self
            .encoders
            .get(&e.step)
            .and_then(|s| s.parent)
            .and_then(|at| match e.values.get(at) {
                Some(Value::Dest(d)) => Some((d.object, d.id.to_owned())),
                _ => None,
            });
        let work = Work {
            step: e.step,
            key: e.key.to_owned(),
            line: e.line,
            part: e.part,
            parts: e.parts,
            fingerprint: e.fingerprint,
            body: Vec::new(),
            keys: step
                .match_keys
                .iter()
                .map(|m| key::of_values(m, e.values))
                .collect(),
            parent,
        };
        let (outcome, found, needs) = self.decide(&work);
        let memory = self.memory.get(&e.step);
        let mut features = Vec::new();
        match outcome {
            Ok(id) => {
                features.extend(fields);
                if e.parts > 1 {
                    features.push(Feature::Parts(e.step));
                }
                if found {
                    features.push(Feature::Found(e.step));
                }
                if let Some(memory) = memory {
                    let origin = match found {
                        true => Origin::Updated,
                        false => Origin::Created,
                    };
                    memory.set_confirmed(e.key, e.part, &id, e.fingerprint, origin);
                }
            }
            Err(code) => {
                features.push(Feature::Held(e.step, code.to_owned(), String::new()));
                if let Some(memory) = memory {
                    memory.set_held(e.key);
                }
            }
        }
        self.note(e.key, features, needs);
    }

    fn hold(&mut self, h: &Hold<'_>) {
        if let Some(memory) = self.memory.get(&h.step).filter(|_| !self.second) {
            memory.set_held(h.key);
        }
        let feature = Feature::Held(h.step, h.code.to_owned(), h.field.to_owned());
        self.note(h.key, vec![feature], Vec::new());
    }

    fn settle(&mut self, step: StepId, key: &str, _line: u64, why: Settled<'_>) {
        let (mut features, mut needs) = (Vec::new(), Vec::new());
        match why {
            Settled::Routed | Settled::Skipped => {}
            Settled::Dropped(_) => {
                features.push(Feature::Dropped(step));
                if let Some(memory) = self.memory.get(&step).filter(|_| !self.second) {
                    memory.set_dropped(key);
                }
            }
            Settled::Merged { into } => {
                features.push(Feature::Merged(step));
                needs.push((self.object, short(into)));
                // And the other way round: a survivor is shown with what went into it.
                self.survey
                    .note_need((self.object, short(into)), (self.object, short(key)));
            }
        }
        self.note(key, features, needs);
    }
}
