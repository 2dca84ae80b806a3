//! A pass: the steps that read one object, over its pages.
//!
//! [`Pass::keys`] is called for every page in source order and is cheap; [`Pass::run`] may then work on several pages at
//! once, as nothing in it depends on other pages. Every record gets one outcome for every step of the pass.

use super::{
    columns::Columns,
    compile::{CompileError, Compiler, map_tables},
    effect::{Hold, LossCount, Settled, Sink},
    groups::Part,
    holds,
    keys::{KeyRule, KeyScan, PageKeys},
    resolve::Resolve,
    scope::{Record, Scope},
    split::{Goes, SplitCode},
    step::{At, LOSSES, StepCode, Work},
    tables::Tables,
    text,
    uses::Uses,
};
use crate::{
    ident::{FieldId, ObjectId, StepId},
    mapping::{Loss, Mapping},
    value::{Page, RowFault},
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

/// Steps that read one object, compiled.
#[derive(Debug)]
pub struct Pass {
    object: ObjectId,
    columns: Columns,
    tables: Arc<Tables>,
    split: SplitCode,
    steps: Vec<StepCode>,
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
        let wrong = |why: &str| CompileError {
            place: "a pass".to_owned(),
            why: why.to_owned(),
        };
        let mut chosen = Vec::with_capacity(steps.len());
        for id in steps {
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
        let maps = map_tables(&mapping);
        let compiler = |place: &str| Compiler {
            tables: Some(&tables),
            ..Compiler::plain(&mapping, &maps, &tables.zone.zone, object, &columns, place)
        };
        let split = SplitCode::new(compiler("a split"), object)?;
        let mut codes = Vec::with_capacity(chosen.len());
        for (id, step) in chosen {
            codes.push(StepCode::new(
                &compiler("").step(step),
                id,
                step,
                deferred,
                second,
            )?);
        }
        let is_split = mapping
            .splits
            .get(object.ix())
            .is_some_and(|s| !s.is_empty());
        let first = mapping.steps_from(object).next().map(|(id, _)| id);
        Ok(Pass {
            object,
            split,
            steps: codes,
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
        for row in 0..page.rows() {
            let (key, fault) = keys.get(page, row);
            let line = page.lines.get(row).copied().unwrap_or(0);
            if let Some(fault) = fault {
                let (code, words) = holds::key(fault);
                let value = if key.is_empty() { "" } else { key };
                let at = page.first + row as u64;
                self.refuse(key, line, at, code, value, words, sink);
                continue;
            }
            let at = At { key, line };
            let part = self.tables.part(self.object, key);
            if let Some(part) = &part
                && !part.survives
            {
                self.merged(at, part, sink);
                continue;
            }
            scope.enter(Record::Page(page, row), part.map(|p| p.members));
            let route = match part.and_then(|p| p.route) {
                Some(route) => route,
                None => self.split.route(&mut scope),
            };
            for step in &self.steps {
                match self.split.goes(route, step.id) {
                    Goes::Here => step.run(at, &mut scope, resolve, &mut work, sink),
                    Goes::Elsewhere => sink.settle(step.id, key, line, Settled::Routed),
                    Goes::Nowhere(why) => sink.settle(step.id, key, line, Settled::Dropped(why)),
                }
            }
        }
        for (i, fault) in page.faults.iter().enumerate() {
            self.bad_row(i, fault, sink);
        }
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

    #[cold]
    fn bad_row(&self, at: usize, fault: &RowFault, sink: &mut dyn Sink) {
        let value = text::shortened(&fault.raw, 200);
        let words = &fault.why;
        self.refuse(
            "",
            fault.line,
            at as u64,
            holds::BAD_ROW,
            value,
            words,
            sink,
        );
    }

    /// Holds a record that cannot be told from others. With a split the object's first step holds it and the others
    /// do not see it; without one every step does.
    #[cold]
    #[expect(clippy::too_many_arguments, reason = "each is one member of the hold")]
    fn refuse(
        &self,
        key: &str,
        line: u64,
        at: u64,
        code: &str,
        value: &str,
        words: &str,
        sink: &mut dyn Sink,
    ) {
        let named = match (code == "duplicate_key", line) {
            (true, 0) => format!("{key} (row {})", at + 1),
            (true, line) => format!("{key} (line {line})"),
            (false, 0) => format!("row {}", at + 1),
            (false, line) => format!("line {line}"),
        };
        for step in &self.steps {
            if self.first.is_some_and(|first| first != step.id) {
                sink.settle(step.id, &named, line, Settled::Routed);
                continue;
            }
            sink.hold(&Hold {
                step: step.id,
                key: &named,
                line,
                code,
                field: "",
                value,
                words,
            });
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
