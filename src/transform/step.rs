//! One step over one record: joins, guards, fields, and then an effect, a hold or a settlement.

use super::{
    compile::{CompileError, Compiler},
    condition::Condition,
    effect::{Effect, Hold, Settled, Sink},
    field::{FieldCode, Got, Trouble, Turn},
    fingerprint::Fingerprint,
    holds,
    node::{JoinCode, JoinFault, LetCode},
    resolve::Resolve,
    scope::Scope,
    text,
    uses::Uses,
};
use crate::{
    ident::{ObjectId, StepId},
    mapping::{Mapping, Step, overrides::StepOverrides},
    value::Value,
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Kinds of loss; [`crate::mapping::Loss`] has as many.
pub(crate) const LOSSES: usize = 8;
/// Further faults of a record that its hold names.
const FURTHER: usize = 4;
/// Most characters of a value in a hold.
const VALUE_MAX: usize = 200;

/// A step, compiled.
#[derive(Debug)]
pub(crate) struct StepCode {
    /// The step.
    pub id: StepId,
    joins: Vec<JoinCode>,
    lets: Vec<LetCode>,
    guards: Vec<GuardCode>,
    fields: Vec<FieldCode>,
    /// What people decided about records of the step; `None`: nothing, and nothing is looked up.
    decided: Option<Arc<StepOverrides>>,
    second: bool,
    /// How many records lost something, by field and kind.
    losses: Vec<[AtomicU64; LOSSES]>,
}

#[derive(Debug)]
struct GuardCode {
    when: Condition,
    code: String,
    words: String,
}

/// Room that is used again for every record of a page.
#[derive(Default)]
pub(crate) struct Work<'a> {
    values: Vec<Value<'a>>,
    /// What fields lost, where they did.
    lost: Vec<(usize, u16)>,
    pages: Vec<(usize, &'a [Value<'a>])>,
    troubles: Vec<(usize, Trouble<'a>)>,
    /// The fingerprint of the record.
    pub print: Fingerprint,
    tail: Fingerprint,
}

/// The record at hand.
#[derive(Clone, Copy)]
pub(crate) struct At<'a> {
    /// Its key.
    pub key: &'a str,
    /// Its line.
    pub line: u64,
}

/// What a record leaves behind beside its values.
#[derive(Clone, Copy)]
struct Left<'s, 'a> {
    has_deferred: bool,
    missed: &'s [(ObjectId, &'a str)],
    unmatched: &'s [(&'a str, &'a str)],
}

impl StepCode {
    /// Compiles a step. `deferred` are the entries written in the second pass; `second` says that this is it.
    pub fn new(
        compiler: &Compiler<'_>,
        id: StepId,
        step: &Step,
        deferred: &[(StepId, usize)],
        second: bool,
    ) -> Result<StepCode, CompileError> {
        let mapping: &Mapping = compiler.mapping;
        let to = mapping
            .destination
            .objects
            .get(step.to.ix())
            .ok_or_else(|| compiler.error(format!("the destination has no {:?}", step.to)))?;
        let mut fields = Vec::with_capacity(step.fields.len());
        for (at, entry) in step.fields.iter().enumerate() {
            let turn = match (deferred.contains(&(id, at)), second) {
                (true, false) => Turn::Later,
                (false, true) => Turn::Before,
                _ => Turn::Now,
            };
            fields.push(FieldCode::new(compiler, entry, to, turn)?);
        }
        let guards = step.guards.iter().map(|guard| {
            let words = guard.say.clone();
            Ok(GuardCode {
                when: compiler.condition(&guard.when)?,
                words: words.unwrap_or_else(|| format!("a guard of step `{}` holds it", step.name)),
                code: guard.code.clone(),
            })
        });
        Ok(StepCode {
            id,
            joins: compiler.joins(&Uses::of_step(mapping, step).rows)?,
            lets: compiler.lets()?,
            guards: guards.collect::<Result<_, _>>()?,
            losses: fields
                .iter()
                .map(|_| std::array::from_fn(|_| AtomicU64::new(0)))
                .collect(),
            fields,
            decided: mapping.overrides.of_step(id).map(Arc::clone),
            second,
        })
    }

    /// Why a row without a usable key is left out by a decision; `None` when it is not.
    #[cold]
    pub fn row_left_out(&self, named: &str, row: &str) -> Option<&str> {
        self.decided.as_ref()?.get(named)?.row_left_out(row)
    }

    /// How many records lost something in a field.
    pub fn losses(&self) -> impl Iterator<Item = (usize, [u64; LOSSES])> {
        self.losses
            .iter()
            .enumerate()
            .map(|(at, counts)| (at, counts.each_ref().map(|c| c.load(Ordering::Relaxed))))
    }

    /// Runs the step over the record in scope.
    pub fn run<'a>(
        &'a self,
        at: At<'a>,
        scope: &mut Scope<'a>,
        resolve: &'a dyn Resolve,
        work: &mut Work<'a>,
        sink: &mut dyn Sink,
    ) {
        let decided = self.decided.as_ref().and_then(|all| all.get(at.key));
        if let Some(reason) = decided.and_then(|d| d.left_out()) {
            return sink.settle(self.id, at.key, at.line, Settled::Dropped(reason));
        }
        scope.program(&self.joins, &self.lets);
        for join in &self.joins {
            match join.find(scope) {
                Ok(found) => scope.push_join(found),
                Err(fault) => return self.hold_join(at, join, fault, sink),
            }
        }
        for guard in &self.guards {
            if guard.when.holds(scope) {
                return sink.hold(&Hold {
                    step: self.id,
                    key: at.key,
                    line: at.line,
                    code: &guard.code,
                    field: "",
                    value: "",
                    words: &guard.words,
                });
            }
        }
        work.lost.clear();
        work.pages.clear();
        work.troubles.clear();
        work.print.clear();
        scope.take_lost();
        scope.missed.clear();
        scope.unmatched.clear();
        let mut has_deferred = false;
        // Every field below puts its value in place of the one before.
        if work.values.len() != self.fields.len() {
            work.values.resize(self.fields.len(), Value::Absent);
        }
        for (i, (field, value)) in self.fields.iter().zip(&mut work.values).enumerate() {
            let got = match decided.and_then(|d| d.given(i)) {
                None => field.evaluate(scope, resolve, &mut work.print, value),
                Some(given) => field.given(given, scope, resolve, &mut work.print, value),
            };
            match got {
                Ok(Got::Value) => {}
                Ok(Got::Deferred) => {
                    has_deferred = true;
                    *value = Value::Absent;
                }
                Ok(Got::Pages(pages)) => {
                    work.pages.push((i, pages));
                    *value = pages.first().copied().unwrap_or(Value::Blank);
                }
                Err(trouble) => {
                    work.troubles.push((i, trouble));
                    *value = Value::Absent;
                }
            }
            let lost = scope.take_lost();
            if lost != 0 {
                work.lost.push((i, lost));
            }
        }
        if !work.troubles.is_empty() {
            return self.trouble(at, &work.troubles, sink);
        }
        if self.second && !work.values.iter().any(Value::is_present) && !self.clears(work) {
            return sink.settle(self.id, at.key, at.line, Settled::Skipped);
        }
        let left = Left {
            has_deferred,
            missed: &scope.missed,
            unmatched: &scope.unmatched,
        };
        self.emit(at, left, work, sink);
    }

    /// True when the second pass has a blank to send.
    fn clears(&self, work: &Work<'_>) -> bool {
        let fields = self.fields.iter().zip(&work.values);
        fields
            .into_iter()
            .any(|(f, v)| *v == Value::Blank && f.clears())
    }

    fn emit<'a>(
        &'a self,
        at: At<'a>,
        left: Left<'_, 'a>,
        work: &mut Work<'a>,
        sink: &mut dyn Sink,
    ) {
        for (field, lost) in &work.lost {
            let counts = self.losses.get(*field).into_iter().flatten();
            for (kind, count) in counts.enumerate() {
                if lost & (1 << kind) != 0 {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        let longest = work.pages.iter().map(|(_, p)| p.len()).max().unwrap_or(1);
        let parts = u16::try_from(longest).unwrap_or(u16::MAX).max(1);
        for part in 0..parts {
            let fingerprint = if work.pages.is_empty() {
                work.print.finish()
            } else {
                work.tail.clone_from(&work.print);
                work.tail.part(part, parts);
                for (field, pages) in &work.pages {
                    let value = pages
                        .get(usize::from(part))
                        .copied()
                        .unwrap_or(Value::Blank);
                    if let Some(slot) = work.values.get_mut(*field) {
                        *slot = value;
                    }
                    if let Some(code) = self.fields.get(*field) {
                        code.print_page(&value, &mut work.tail);
                    }
                }
                work.tail.finish()
            };
            sink.effect(&Effect {
                step: self.id,
                key: at.key,
                line: at.line,
                part,
                parts,
                values: &work.values,
                fingerprint,
                has_deferred: left.has_deferred,
                missed: if part == 0 { left.missed } else { &[] },
                unmatched: if part == 0 { left.unmatched } else { &[] },
            });
        }
    }

    #[cold]
    fn trouble(&self, at: At<'_>, troubles: &[(usize, Trouble<'_>)], sink: &mut dyn Sink) {
        let name = |i: &usize| self.fields.get(*i).map_or("", |f| f.name.as_str());
        let mut holding = troubles
            .iter()
            .filter_map(|(i, t)| Some((name(i), holds::code(t)?, t)));
        let Some((field, code, first)) = holding.next() else {
            let left_out: Vec<_> = troubles.iter().map(|(i, _)| name(i)).collect();
            let reason = format!(
                "{} refers to a record that was left out",
                left_out.join(", ")
            );
            return sink.settle(self.id, at.key, at.line, Settled::Dropped(&reason));
        };
        let mut words = format!("{field} {}", holds::words(first));
        for (other, _, trouble) in holding.take(FURTHER) {
            words.push_str("; ");
            words.push_str(other);
            words.push(' ');
            words.push_str(&holds::words(trouble));
        }
        sink.hold(&Hold {
            step: self.id,
            key: at.key,
            line: at.line,
            code,
            field,
            value: text::shortened(holds::found(first), VALUE_MAX),
            words: &words,
        });
    }

    #[cold]
    fn hold_join(&self, at: At<'_>, join: &JoinCode, fault: JoinFault, sink: &mut dyn Sink) {
        let words = match (&join.say, fault) {
            (Some(say), _) => say.clone(),
            (None, JoinFault::None) => format!("`{}` finds no record", join.name),
            (None, JoinFault::Many) => format!("`{}` finds several records", join.name),
        };
        sink.hold(&Hold {
            step: self.id,
            key: at.key,
            line: at.line,
            code: holds::join(fault),
            field: "",
            value: "",
            words: &words,
        });
    }
}
