//! The executor of a run into files: batches in order, in a batch one pass per source object on all cores.

use super::{
    collect::{Collector, PageOut, Told},
    layout::{self, FilePlan, Layout},
    output::Output,
    pipeline,
};
use crate::{
    connector::Cancel,
    event::{Counts, Event},
    ident::{ObjectId, StepId},
    ledger::{Entry, IdEntry, IdMap, Ledger, Run, View},
    mapping::{Mapping, Of, Step},
    plan::Plan,
    run::{
        context::Emit, execute::Outcome, failure::RunError, prepare, resolver::Resolver,
        source::Source,
    },
    transform::{MissingPass, Pass, PassOptions, Tables},
};
use bumpalo::Bump;
use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

/// What a run into files needs.
pub struct Inputs {
    /// The mapping.
    pub mapping: Arc<Mapping>,
    /// Its plan.
    pub plan: Arc<Plan>,
    /// Where records are read.
    pub source: Arc<Source>,
    /// Zone of source times without one.
    pub zone: Option<String>,
    /// The destination's folder.
    pub folder: PathBuf,
    /// The ledger, open and begun.
    pub ledger: Arc<Ledger>,
    /// The run in it.
    pub run: Run,
    /// Stops it.
    pub cancel: Cancel,
    /// Listener.
    pub emit: Emit,
}

/// Runs a migration into files. Blocks the thread.
///
/// # Errors
/// See [`RunError`]; running again writes what is missing.
pub fn run(inputs: Inputs) -> Result<Outcome, RunError> {
    (inputs.emit)(&Event::RunStarted {
        run: inputs.run.id,
        resumed: inputs.run.resumed,
        batches: inputs.plan.batches.len(),
    });
    let Layout {
        steps,
        files,
        fallbacks,
    } = layout::of(&inputs.mapping, &inputs.plan)?;
    let zone = inputs.zone.as_deref();
    let tables = prepare::index(&inputs.mapping, &inputs.source, zone, &inputs.emit)?;
    let count = inputs.mapping.steps.len();
    let view = inputs.ledger.view()?;
    let mut holds = Vec::with_capacity(count);
    for step in &inputs.mapping.steps {
        let mut open = HashMap::new();
        view.each_hold(Some(&step.name), |h| {
            open.insert(h.key, (h.code, h.words));
        })
        .map_err(internal)?;
        holds.push(open);
    }
    let mut executor = Executor {
        deferred: inputs
            .plan
            .deferred
            .iter()
            .map(|d| (d.step, d.field))
            .collect(),
        mapping: inputs.mapping,
        plan: inputs.plan,
        source: inputs.source,
        folder: inputs.folder,
        ledger: inputs.ledger,
        cancel: inputs.cancel,
        emit: inputs.emit,
        tables: Arc::new(tables),
        ids: IdMap::new(count),
        done: vec![false; count],
        counts: vec![Counts::default(); count],
        outputs: files.iter().map(|_| None).collect(),
        steps,
        files,
        fallbacks,
        natural: HashMap::new(),
        holds,
        entries: Vec::new(),
        missing: HashMap::new(),
        told: Told::new(),
        set_aside: 0,
        view,
        outcome: Outcome::default(),
    };
    executor.rehearse()?;
    executor.batches()?;
    executor.outcome.tables = Some(executor.tables);
    Ok(executor.outcome)
}

fn internal(error: impl std::fmt::Display) -> RunError {
    RunError::Internal(error.to_string())
}

/// The state of a run.
pub(super) struct Executor {
    pub(super) mapping: Arc<Mapping>,
    pub(super) plan: Arc<Plan>,
    pub(super) source: Arc<Source>,
    pub(super) folder: PathBuf,
    pub(super) ledger: Arc<Ledger>,
    pub(super) cancel: Cancel,
    pub(super) emit: Emit,
    pub(super) tables: Arc<Tables>,
    pub(super) steps: Vec<super::collect::StepWriter>,
    pub(super) files: Vec<FilePlan>,
    pub(super) fallbacks: HashMap<StepId, String>,
    /// References that are left out until ids are known.
    pub(super) deferred: Vec<(StepId, usize)>,
    pub(super) ids: IdMap,
    pub(super) natural: HashMap<ObjectId, HashMap<String, String>>,
    /// Steps whose ids are known.
    pub(super) done: Vec<bool>,
    pub(super) counts: Vec<Counts>,
    pub(super) outputs: Vec<Option<Output>>,
    /// Holds of earlier runs that have not been seen again, by step: key to code and words.
    pub(super) holds: Vec<HashMap<String, (String, String)>>,
    /// Entries that wait to be written together.
    pub(super) entries: Vec<Entry>,
    /// How many written records name a record that is not there, by source object.
    pub(super) missing: HashMap<ObjectId, BTreeMap<String, u64>>,
    pub(super) told: Told,
    /// Records that a rehearsal held or left out.
    pub(super) set_aside: u64,
    pub(super) view: View,
    pub(super) outcome: Outcome,
}

impl Executor {
    /// The step with that id.
    pub(super) fn step(&self, id: StepId) -> Result<&Step, RunError> {
        let step = self.mapping.steps.get(id.ix());
        step.ok_or_else(|| RunError::Internal(format!("no step {id:?}")))
    }

    fn batches(&mut self) -> Result<(), RunError> {
        let batches = self.plan.batches.clone();
        for (number, batch) in batches.iter().enumerate() {
            let mut names = Vec::with_capacity(batch.len());
            for id in batch {
                names.push(self.step(*id)?.name.clone());
            }
            (self.emit)(&Event::BatchStarted {
                batch: number + 1,
                steps: names,
            });
            for id in batch {
                self.start(*id)?;
            }
            self.passes(batch, false)?;
            self.missing_reports(batch)?;
            self.finished(batch);
            self.finish(number, batch)?;
        }
        Ok(())
    }

    /// Marks steps whose ids are known from here on.
    pub(super) fn finished(&mut self, batch: &[StepId]) {
        for id in batch {
            if let Some(done) = self.done.get_mut(id.ix()) {
                *done = true;
            }
        }
    }

    fn start(&mut self, id: StepId) -> Result<(), RunError> {
        let step = self.step(id)?.name.clone();
        (self.emit)(&Event::StepStarted {
            step: step.clone(),
            records: None,
            second_pass: false,
        });
        let hash = self.plan.fingerprints.steps.get(id.ix());
        self.entries.push(Entry::StepStarted {
            step,
            hash: hash.map(ToString::to_string).unwrap_or_default(),
            second_pass: false,
        });
        Ok(())
    }

    fn resolver(&self) -> Resolver {
        let steps = (0u16..).map(StepId).zip(&self.done);
        Resolver::new(
            &self.mapping,
            steps
                .map(|(id, done)| done.then(|| self.ids.snapshot(id)))
                .collect(),
            self.natural.clone(),
            HashMap::new(),
            self.fallbacks.clone(),
        )
    }

    /// Runs the passes of a batch. A rehearsal learns ids and writes nothing.
    pub(super) fn passes(&mut self, batch: &[StepId], rehearsal: bool) -> Result<(), RunError> {
        let resolver = self.resolver();
        let mut objects: BTreeMap<ObjectId, Vec<StepId>> = BTreeMap::new();
        for id in batch {
            let step = self.step(*id)?;
            match step.of {
                Of::Missing => {}
                Of::Loaded => objects.entry(step.from).or_default().push(*id),
                // A report of an object that nothing loads has a pass of its own.
                _ => {
                    objects.entry(step.from).or_default();
                }
            }
        }
        for (object, steps) in objects {
            let all = self.mapping.steps_from(object);
            let reports: Vec<StepId> = all
                .filter(|(_, s)| s.of.is_report() && s.of != Of::Missing && !rehearsal)
                .map(|(id, _)| id)
                .collect();
            // Reports stand in the last batch that loads records of their object.
            let tells = reports.iter().any(|id| batch.contains(id));
            if steps.is_empty() && !tells {
                continue;
            }
            let pass = Pass::build(
                Arc::clone(&self.mapping),
                Arc::clone(&self.tables),
                &steps,
                &PassOptions {
                    deferred: &self.deferred,
                    second: false,
                    reports: &reports,
                    tells,
                    unprinted: true,
                    ..PassOptions::default()
                },
            )
            .map_err(internal)?;
            self.pass(&pass, &steps, &reports, tells, rehearsal, &resolver)?;
        }
        Ok(())
    }

    fn pass(
        &mut self,
        pass: &Pass,
        steps: &[StepId],
        reports: &[StepId],
        tells: bool,
        rehearsal: bool,
        resolver: &Resolver,
    ) -> Result<(), RunError> {
        let rows = self.source.open(pass.object(), pass.columns())?;
        if !rehearsal {
            for id in steps.iter().chain(reports) {
                self.open(*id)?;
            }
        }
        let counted: Vec<StepId> = match tells {
            true => steps.iter().chain(reports).copied().collect(),
            false => steps.to_vec(),
        };
        let name = match steps.iter().chain(reports).next() {
            Some(first) => self.step(*first)?.name.clone(),
            None => String::new(),
        };
        let (files, count) = (self.files.len(), self.mapping.steps.len());
        let spare: Mutex<Vec<PageOut>> = Mutex::new(Vec::new());
        let writers = std::mem::take(&mut self.steps);
        let told = std::mem::take(&mut self.told);
        let mut newly_told = Vec::new();
        let mut read = 0;
        let cancel = self.cancel.clone();
        let result = pipeline::run(
            rows,
            pipeline::cores(),
            &cancel,
            Bump::new,
            |page| pass.keys(page),
            |arena, page, keys| {
                let old = spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let mut out = old.unwrap_or_default();
                out.clear(files, count);
                let mut collector = Collector {
                    steps: &writers,
                    out: &mut out,
                    rehearsal,
                    keeps_told: !tells,
                    told: &told,
                };
                pass.run(&page, &keys, resolver, arena, &mut collector);
                arena.reset();
                out.page = page;
                out
            },
            |mut out| {
                let page = std::mem::take(&mut out.page);
                let records = (page.rows() + page.faults.len()) as u64;
                read += records;
                prepare::sound(&self.tables)?;
                self.take(&mut out, records, &counted, rehearsal)?;
                newly_told.append(&mut out.told);
                if !rehearsal {
                    (self.emit)(&Event::StepProgress {
                        step: name.clone(),
                        read,
                        settled: read,
                    });
                }
                spare
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(out);
                Ok(page)
            },
        );
        self.steps = writers;
        self.told = told;
        for (step, key) in newly_told {
            self.told.entry(step).or_default().insert(key);
        }
        result
    }

    /// Takes what a pass said about a page.
    fn take(
        &mut self,
        out: &mut PageOut,
        records: u64,
        counted: &[StepId],
        rehearsal: bool,
    ) -> Result<(), RunError> {
        for (step, key, id, state) in out.each_id() {
            let entry = IdEntry {
                dest_id: id,
                fingerprint: 0,
                state,
                origin: None,
                second_pass: false,
            };
            self.ids.insert(step, key, 0, &entry);
        }
        for (object, key, id) in out.natural.drain(..) {
            self.natural.entry(object).or_default().insert(key, id);
        }
        if rehearsal {
            self.set_aside += out.counts.iter().map(|c| c.held + c.dropped).sum::<u64>();
            return Ok(());
        }
        for (file, rows) in self.outputs.iter_mut().zip(&out.rows) {
            if let (Some(file), false) = (file, rows.is_empty()) {
                file.write(rows)?;
            }
        }
        for (all, page) in self.counts.iter_mut().zip(&out.counts) {
            all.add(page);
        }
        for id in counted {
            if let Some(counts) = self.counts.get_mut(id.ix()) {
                counts.read += records;
            }
        }
        for (object, key) in out.missed.drain(..) {
            *self
                .missing
                .entry(object)
                .or_default()
                .entry(key)
                .or_insert(0) += 1;
        }
        for held in out.held.drain(..) {
            self.hold(held)?;
        }
        Ok(())
    }

    /// Opens the file of a step unless it is open.
    fn open(&mut self, id: StepId) -> Result<(), RunError> {
        let Some(at) = self.steps.get(id.ix()).and_then(|s| s.file) else {
            return Ok(());
        };
        let (Some(slot), Some(file)) = (self.outputs.get_mut(at), self.files.get(at)) else {
            return Ok(());
        };
        if slot.is_none() {
            let first = file.steps.first().copied().unwrap_or(id);
            let name = self.mapping.steps.get(first.ix()).map(|s| s.name.as_str());
            let step = self.mapping.steps.get(id.ix());
            let step = step.ok_or_else(|| internal(format!("no step {id:?}")))?;
            let object = layout::object_of(&self.mapping, step)?;
            *slot = Some(Output::create(
                &self.folder,
                &self.mapping.destination,
                object,
                name.unwrap_or(""),
                &self.view,
            )?);
        }
        Ok(())
    }

    /// Writes the reports of missing records.
    fn missing_reports(&mut self, batch: &[StepId]) -> Result<(), RunError> {
        for id in batch {
            let step = self.step(*id)?;
            if step.of != Of::Missing {
                continue;
            }
            let from = step.from;
            self.open(*id)?;
            let resolver = self.resolver();
            let pass = MissingPass::compile(&self.mapping, Arc::clone(&self.tables), *id)
                .map_err(internal)?;
            let missing = self.missing.remove(&from).unwrap_or_default();
            let mut out = PageOut::default();
            out.clear(self.files.len(), self.mapping.steps.len());
            let mut collector = Collector {
                steps: &self.steps,
                out: &mut out,
                rehearsal: false,
                keeps_told: false,
                told: &Told::new(),
            };
            let lines = missing.iter().map(|(key, n)| (key.as_str(), *n));
            pass.run(lines, &resolver, &mut collector);
            self.take(&mut out, missing.len() as u64, &[*id], false)?;
            self.missing.insert(from, missing);
        }
        Ok(())
    }
}
