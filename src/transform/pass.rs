//! A pass: the steps that read one object, over its pages.
//!
//! [`Pass::keys`] is called for every page in source order and is cheap; [`Pass::run`] may then work on several pages at
//! once, as nothing in it depends on other pages. Every record gets one outcome for every step of the pass.

use super::{
    ahead::{self, Ahead},
    columns::Columns,
    compile::{CompileError, Compiler, map_tables, traced_map_tables},
    effect::{Effect, Hold, LossCount, Settled, Sink},
    groups::Part,
    holds,
    keys::{KeyRule, KeyScan, PageKeys},
    resolve::Resolve,
    scope::{Outcome, Record, Scope},
    split::{Goes, SplitCode},
    step::{At, LOSSES, StepCode, Work},
    tables::Tables,
    text,
    trace::{Touched, Trace},
    uses::Uses,
};
use crate::{
    ident::{FieldId, ObjectId, StepId},
    mapping::{Loss, Mapping, Of},
    value::Page,
};
use bumpalo::Bump;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

/// Every kind of loss, by its position in the counts of a step.
const LOSS_KINDS: [Loss; LOSSES] = [
    Loss::None,
    Loss::Normal,
    Loss::Merge,
    Loss::Precision,
    Loss::Shorten,
    Loss::Items,
    Loss::Markup,
    Loss::All,
];

/// What a pass does beside running its steps.
#[derive(Clone, Copy, Debug, Default)]
pub struct PassOptions<'o> {
    /// Entries written in the second pass.
    pub deferred: &'o [(StepId, usize)],
    /// This is that pass, and only they are written.
    pub second: bool,
    /// Steps that tell what was not loaded, of the same object.
    pub reports: &'o [StepId],
    /// The reports tell what the split, merges and keys decide; else only what the steps of this pass hold and drop.
    /// Of several passes over an object the last one tells.
    pub tells: bool,
    /// Nobody looks at fingerprints: they are 0.
    pub unprinted: bool,
    /// Told what records touch.
    pub trace: Option<&'o Arc<Trace>>,
}

/// Steps that read one object, compiled.
#[derive(Debug)]
pub struct Pass {
    object: ObjectId,
    columns: Columns,
    ahead: Ahead,
    tables: Arc<Tables>,
    split: SplitCode,
    steps: Vec<StepCode>,
    /// Steps that tell what was not loaded.
    reports: Vec<(Of, StepCode)>,
    /// False when a later pass over the object tells what the split, merges and keys decide.
    tells: bool,
    unprinted: bool,
    trace: Option<Arc<Trace>>,
    /// The step that holds records which no split can look at: rows without a key, and unreadable ones.
    /// `None`: every step does, as each takes every record.
    first: Option<StepId>,
    keys: Mutex<KeyScan>,
}

impl Pass {
    /// Compiles the steps, which all read one object. `deferred`: entries written in the second pass; `second`: this is
    /// that pass, and only they are written.
    ///
    /// # Errors
    ///
    /// When the steps read different objects, or a part does not compile; a checked mapping does.
    pub fn compile(
        mapping: Arc<Mapping>,
        tables: Arc<Tables>,
        steps: &[StepId],
        deferred: &[(StepId, usize)],
        second: bool,
    ) -> Result<Pass, CompileError> {
        let options = PassOptions {
            deferred,
            second,
            ..PassOptions::default()
        };
        Pass::build(mapping, tables, steps, &options)
    }

    /// The same with everything that a pass may do.
    ///
    /// # Errors
    ///
    /// As for [`Pass::compile`].
    pub fn build(
        mapping: Arc<Mapping>,
        tables: Arc<Tables>,
        steps: &[StepId],
        options: &PassOptions<'_>,
    ) -> Result<Pass, CompileError> {
        let PassOptions {
            deferred,
            second,
            reports,
            tells,
            unprinted,
            trace,
        } = *options;
        let wrong = |why: &str| CompileError {
            place: "a pass".to_owned(),
            why: why.to_owned(),
        };
        let mut chosen = Vec::with_capacity(steps.len() + reports.len());
        for id in steps.iter().chain(reports) {
            let step = mapping.steps.get(id.ix());
            chosen.push((
                *id,
                step.ok_or_else(|| wrong("it names a step that is not there"))?,
            ));
        }
        let Some((_, one)) = chosen.first() else {
            return Err(wrong("it has no steps"));
        };
        let object = one.from;
        if chosen.iter().any(|(_, s)| s.from != object) {
            return Err(wrong("its steps read different objects"));
        }
        let declared = mapping.source.objects.get(object.ix());
        let declared = declared.ok_or_else(|| wrong("it reads an object that is not there"))?;
        let rule = KeyRule::of(declared);
        let mut read: BTreeSet<FieldId> = rule.needs().iter().copied().collect();
        read.extend(Uses::of_split(&mapping, object).own);
        for (_, step) in &chosen {
            read.extend(Uses::of_step(&mapping, step).own);
        }
        let read: Vec<FieldId> = read.into_iter().collect();
        let columns = Columns::new(declared, &read, tables.zone.name.as_deref());
        let ahead = Ahead::new(chosen.iter().map(|(_, step)| *step), &columns);
        let maps = match trace {
            Some(trace) => traced_map_tables(&mapping, trace),
            None => map_tables(&mapping),
        };
        let compiler = |place: &str| Compiler {
            tables: Some(&tables),
            ..Compiler::plain(&mapping, &maps, &tables.zone.zone, object, &columns, place)
        };
        let split = SplitCode::new(compiler("a split"), object)?;
        let mut codes = Vec::with_capacity(steps.len());
        let mut told = Vec::with_capacity(reports.len());
        for (id, step) in chosen {
            let compiler = compiler("").step(step);
            let code = StepCode::new(&compiler, id, step, deferred, second)?;
            match step.of {
                Of::Loaded => codes.push(code),
                of => told.push((of, code)),
            }
        }
        let is_split = mapping
            .splits
            .get(object.ix())
            .is_some_and(|s| !s.is_empty());
        let mut loading = mapping
            .steps_from(object)
            .filter(|(_, s)| !s.of.is_report());
        let first = loading.next().map(|(id, _)| id);
        Ok(Pass {
            object,
            ahead,
            split,
            steps: codes,
            reports: told,
            tells,
            unprinted,
            trace: trace.map(Arc::clone),
            first: first.filter(|_| is_split),
            keys: Mutex::new(KeyScan::new(&rule, &columns.fields)),
            columns,
            tables,
        })
    }

    /// The object whose records it reads.
    pub fn object(&self) -> ObjectId {
        self.object
    }

    /// The columns its pages must have, in this order.
    pub fn columns(&self) -> &[FieldId] {
        &self.columns.fields
    }

    /// The keys of the next page. Pages come in source order, each once: which of two records with the same key
    /// is the first is decided here.
    pub fn keys(&self, page: &Page) -> PageKeys {
        // A scan that a panicking thread left is still a set of keys.
        let mut scan = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        scan.page(page)
    }

    /// Runs the steps over a page, in the order of its rows, then tells its unreadable rows. `keys` are
    /// those of this page; `arena` holds values until the sink is done with the page and may then be reset.
    pub fn run(
        &self,
        page: &Page,
        keys: &PageKeys,
        resolve: &dyn Resolve,
        arena: &Bump,
        sink: &mut dyn Sink,
    ) {
        let mut scope = Scope::new(&self.columns, &self.tables, Some(resolve), arena);
        let mut work = Work::default();
        work.print.off = self.unprinted;
        let mut watch = Watch {
            sink,
            pass: self,
            arena,
            outcomes: Vec::new(),
        };
        for row in 0..page.rows() {
            if row.is_multiple_of(ahead::TOGETHER) {
                self.ahead.look(page, row, resolve);
            }
            let (key, fault) = keys.get(page, row);
            let line = page.lines.get(row).copied().unwrap_or(0);
            if let Some(fault) = fault {
                let (code, words) = holds::key(fault);
                let at = page.first + row as u64;
                let named = name_of(key, line, at, code, arena);
                self.refuse(named, line, code, key, words, &mut watch);
                scope.enter(Record::Page(page, row), None);
                self.report(
                    At { key: named, line },
                    &mut scope,
                    &mut work,
                    resolve,
                    &mut watch,
                );
                continue;
            }
            let at = At { key, line };
            let part = self.tables.part(self.object, key);
            if let Some(part) = &part
                && !part.survives
            {
                self.merged(at, part, watch.sink);
                if self.tells && !self.reports.is_empty() {
                    let into = part.into;
                    let outcome = Outcome {
                        into,
                        ..Outcome::default()
                    };
                    watch.outcomes.push((Of::Merged, outcome));
                }
                if !self.reports.is_empty() {
                    scope.enter(Record::Page(page, row), None);
                    self.report(at, &mut scope, &mut work, resolve, &mut watch);
                }
                continue;
            }
            scope.enter(Record::Page(page, row), part.map(|p| p.members));
            let route = match part.and_then(|p| p.route) {
                Some(route) => route,
                None => self.split.route(&mut scope),
            };
            if let (Some(trace), Some(row)) = (&self.trace, route.row()) {
                trace.note(Touched::SplitRow(row));
            }
            for step in &self.steps {
                match self.split.goes(route, step.id) {
                    Goes::Here if self.reports.is_empty() => {
                        step.run(at, &mut scope, resolve, &mut work, watch.sink);
                    }
                    Goes::Here => step.run(at, &mut scope, resolve, &mut work, &mut watch),
                    Goes::Elsewhere => watch.sink.settle(step.id, key, line, Settled::Routed),
                    Goes::Nowhere(why) => {
                        watch.sink.settle(step.id, key, line, Settled::Dropped(why));
                    }
                }
            }
            if !self.reports.is_empty() {
                if self.tells
                    && let Some(reason) = self.split.leaves_out(route)
                {
                    let outcome = Outcome {
                        reason,
                        ..Outcome::default()
                    };
                    watch.outcomes.push((Of::Dropped, outcome));
                }
                self.report(at, &mut scope, &mut work, resolve, &mut watch);
            }
        }
        for (i, fault) in page.faults.iter().enumerate() {
            let value = text::shortened(&fault.raw, 200);
            let code = holds::BAD_ROW;
            let named = name_of("", fault.line, i as u64, code, arena);
            self.refuse(named, fault.line, code, value, &fault.why, &mut watch);
            scope.leave();
            let at = At {
                key: named,
                line: fault.line,
            };
            self.report(at, &mut scope, &mut work, resolve, &mut watch);
        }
    }

    /// Lets the reports tell what became of the record in scope.
    fn report<'a>(
        &'a self,
        at: At<'a>,
        scope: &mut Scope<'a>,
        work: &mut Work<'a>,
        resolve: &'a dyn Resolve,
        watch: &mut Watch<'_, 'a>,
    ) {
        for (of, step) in &self.reports {
            let outcome = watch.outcomes.iter().find(|(told, _)| told == of);
            match outcome {
                Some((_, outcome)) => {
                    scope.outcome = Outcome {
                        key: at.key,
                        ..*outcome
                    };
                    step.run(at, scope, resolve, work, watch.sink);
                }
                None if self.tells => {
                    watch.sink.settle(step.id, at.key, at.line, Settled::Routed);
                }
                None => {}
            }
        }
        watch.outcomes.clear();
    }

    /// A record that went into another: told for the steps that the survivor goes to.
    fn merged(&self, at: At<'_>, part: &Part<'_>, sink: &mut dyn Sink) {
        for step in &self.steps {
            let goes = match part.route {
                Some(route) => self.split.goes(route, step.id),
                None => Goes::Here,
            };
            let why = match goes {
                Goes::Here => Settled::Merged { into: part.into },
                Goes::Elsewhere => Settled::Routed,
                Goes::Nowhere(why) => Settled::Dropped(why),
            };
            sink.settle(step.id, at.key, at.line, why);
        }
    }

    /// Holds a record that cannot be told from others. With a split the object's first step holds it and the others
    /// do not see it; without one every step does.
    #[cold]
    fn refuse(
        &self,
        named: &str,
        line: u64,
        code: &'static str,
        value: &str,
        words: &str,
        watch: &mut Watch<'_, '_>,
    ) {
        let mut left_out = None;
        for step in &self.steps {
            if self.first.is_some_and(|first| first != step.id) {
                watch.sink.settle(step.id, named, line, Settled::Routed);
                continue;
            }
            if let Some(reason) = step.row_left_out(named, value) {
                watch
                    .sink
                    .settle(step.id, named, line, Settled::Dropped(reason));
                left_out = Some(reason);
                continue;
            }
            watch.sink.hold(&Hold {
                step: step.id,
                key: named,
                line,
                code,
                field: "",
                value,
                words,
            });
        }
        if self.tells && !self.reports.is_empty() {
            let outcome = Outcome {
                reason: watch.arena.alloc_str(left_out.unwrap_or(words)),
                code: if left_out.is_some() { "" } else { code },
                ..Outcome::default()
            };
            let of = match left_out {
                Some(_) => Of::Dropped,
                None => Of::Held,
            };
            watch.outcomes.push((of, outcome));
        }
    }

    /// What was lost so far in records with an effect, by step and field.
    pub fn losses(&self) -> Vec<LossCount> {
        let mut out = Vec::new();
        for step in &self.steps {
            for (field, counts) in step.losses() {
                let kinds = LOSS_KINDS.iter().zip(counts).filter(|(_, n)| *n > 0);
                out.extend(kinds.map(|(loss, records)| LossCount {
                    step: step.id,
                    field,
                    loss: *loss,
                    records,
                }));
            }
        }
        out
    }
}

/// How a record without a usable key is named.
#[cold]
fn name_of<'a>(key: &str, line: u64, at: u64, code: &str, arena: &'a Bump) -> &'a str {
    let named = match (code == "duplicate_key", line) {
        (true, 0) => format!("{key} (row {})", at + 1),
        (true, line) => format!("{key} (line {line})"),
        (false, 0) => format!("row {}", at + 1),
        (false, line) => format!("line {line}"),
    };
    arena.alloc_str(&named)
}

/// Passes on what steps say, and remembers for reports what they hold and leave out.
struct Watch<'s, 'a> {
    sink: &'s mut dyn Sink,
    pass: &'a Pass,
    arena: &'a Bump,
    /// What became of the record at hand.
    outcomes: Vec<(Of, Outcome<'a>)>,
}

impl<'a> Watch<'_, 'a> {
    fn name(&self, step: StepId) -> &'a str {
        let step = self.pass.tables.mapping.steps.get(step.ix());
        step.map_or("", |s| s.name.as_str())
    }
}

impl Sink for Watch<'_, '_> {
    fn effect(&mut self, effect: &Effect<'_>) {
        self.sink.effect(effect);
    }

    fn hold(&mut self, hold: &Hold<'_>) {
        let outcome = Outcome {
            reason: self.arena.alloc_str(hold.words),
            code: self.arena.alloc_str(hold.code),
            step: self.name(hold.step),
            ..Outcome::default()
        };
        self.outcomes.push((Of::Held, outcome));
        self.sink.hold(hold);
    }

    fn settle(&mut self, step: StepId, key: &str, line: u64, why: Settled<'_>) {
        if let Settled::Dropped(reason) = why {
            let outcome = Outcome {
                reason: self.arena.alloc_str(reason),
                step: self.name(step),
                ..Outcome::default()
            };
            self.outcomes.push((Of::Dropped, outcome));
        }
        self.sink.settle(step, key, line, why);
    }
}
