//! Evaluates the mapping, batch by batch as a run does, and lays what it makes beside what is there.

use super::{
    resolve::{Resolver, Steps, UnassignedKeys, Went, natural_objects},
    shelf::Shelf,
    state::{Expected, State},
};
use crate::{
    ident::{ObjectId, StepId},
    mapping::{Absent, BlankPolicy, Input, Mapping},
    outcome::reconcile::{ObjectCheck, Reconciliation, Unassigned, Unmatched},
    plan::Plan,
    platform::wire::WireValue,
    run::{
        RunError, attach,
        key::{self, KeyRule},
        source::Source,
    },
    transform::{Effect, Hold, Pass, Resolve, Settled, Sink, Tables},
    value::{Scalar, Type, Value},
};
use bumpalo::Bump;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Evaluates everything.
///
/// # Errors
/// When the source stops.
pub fn all(
    mut state: State,
    plan: &Plan,
    source: &Source,
    tables: &Arc<Tables>,
    sample: Option<u64>,
) -> Result<Reconciliation, RunError> {
    let mapping = Arc::clone(&state.mapping);
    let deferred: Vec<(StepId, usize)> = plan.deferred.iter().map(|d| (d.step, d.field)).collect();
    let mut steps: Steps = vec![None; mapping.steps.len()];
    let mut unassigned = UnassignedKeys::new();
    for batch in &plan.batches {
        let resolver = resolver(&state, &steps);
        let mut passes: BTreeMap<ObjectId, Vec<StepId>> = BTreeMap::new();
        for id in batch {
            if let Some(step) = mapping.steps.get(id.ix()).filter(|s| !s.of.is_report()) {
                passes.entry(step.from).or_default().push(*id);
            }
        }
        for ids in passes.into_values() {
            let pass = Pass::compile(
                Arc::clone(&mapping),
                Arc::clone(tables),
                &ids,
                &deferred,
                false,
            )
            .map_err(|e| RunError::Internal(e.to_string()))?;
            run(&mut state, source, &pass, &resolver, &ids, false)?;
        }
        merge(&mut unassigned, resolver.unassigned());
        state.settle_exact();
        for id in batch {
            if let (Some(slot), Some(went)) = (steps.get_mut(id.ix()), state.went.get(id.ix())) {
                *slot = Some(Arc::new(went.clone()));
            }
        }
    }
    state.settle_rest();
    second_passes(&mut state, source, tables, &deferred, &mut steps)?;
    state.settle_doubles();
    Ok(finish(state, sample, unassigned))
}

/// The references that a run writes at its end.
fn second_passes(
    state: &mut State,
    source: &Source,
    tables: &Arc<Tables>,
    deferred: &[(StepId, usize)],
    steps: &mut Steps,
) -> Result<(), RunError> {
    let mapping = Arc::clone(&state.mapping);
    for (slot, went) in steps.iter_mut().zip(&state.went) {
        *slot = Some(Arc::new(went.clone()));
    }
    let mut ids: Vec<StepId> = deferred.iter().map(|(step, _)| *step).collect();
    ids.dedup();
    for id in ids {
        let resolver = resolver(state, steps);
        let pass = Pass::compile(
            Arc::clone(&mapping),
            Arc::clone(tables),
            &[id],
            deferred,
            true,
        )
        .map_err(|e| RunError::Internal(e.to_string()))?;
        run(state, source, &pass, &resolver, &[id], true)?;
    }
    Ok(())
}

fn run(
    state: &mut State,
    source: &Source,
    pass: &Pass,
    resolver: &dyn Resolve,
    ids: &[StepId],
    second: bool,
) -> Result<(), RunError> {
    let mut reader = source.open(pass.object(), pass.columns())?;
    let mut arena = Bump::new();
    while let Some(page) = reader.next_page()? {
        if !second {
            let rows = (page.rows() + page.faults.len()) as u64;
            for id in ids {
                if let Some(check) = state.check(*id) {
                    check.read += rows;
                }
            }
        }
        let keys = pass.keys(&page);
        let mut beside = Beside {
            state: &mut *state,
            source,
            second,
        };
        pass.run(&page, &keys, resolver, &arena, &mut beside);
        arena.reset();
        reader.recycle(page);
    }
    Ok(())
}

/// Takes what a pass says and lays it beside the destination.
struct Beside<'s> {
    state: &'s mut State,
    source: &'s Source,
    second: bool,
}

impl Beside<'_> {
    fn expected(&self, e: &Effect<'_>) -> Option<Expected> {
        let step = self.state.mapping.steps.get(e.step.ix())?;
        let rules = self.state.rules.get(e.step.ix())?;
        let values = step.fields.iter().zip(e.values).map(|(m, value)| {
            let Some(reader) = rules.readers.get(m.to.ix()) else {
                return WireValue::Absent;
            };
            match (value, m.blank) {
                (Value::Blank, BlankPolicy::Skip) => WireValue::Absent,
                _ => reader.sent(value),
            }
        });
        let parent = rules.parent.and_then(|at| match e.values.get(at) {
            Some(Value::Dest(d)) => Some((d.object, d.id.to_owned())),
            _ => None,
        });
        Some(Expected {
            step: e.step,
            key: e.key.to_owned(),
            line: e.line,
            part: e.part,
            values: values.collect(),
            keys: step
                .match_keys
                .iter()
                .map(|m| key::of_values(m, e.values))
                .collect(),
            parent,
            file_hold: match rules.has_files {
                true => self.file_hold(e),
                false => None,
            },
        })
    }

    /// The code of the hold of a record whose file cannot be sent.
    fn file_hold(&self, e: &Effect<'_>) -> Option<&'static str> {
        let step = self.state.mapping.steps.get(e.step.ix())?;
        let object = self.state.mapping.destination.objects.get(step.to.ix())?;
        step.fields.iter().zip(e.values).find_map(|(m, value)| {
            let field = object.fields.get(m.to.ix())?;
            let Value::Text(name) = value else {
                return None;
            };
            if field.data_type != Type::File {
                return None;
            }
            if attach::is_address(name) {
                // What its host would give is not asked for: it counts as sent.
                let refused = self.source.downloads().and_then(|d| d.refuses(name));
                return refused.map(|missed| missed.code);
            }
            match self.source.attached(step.from, name) {
                Err(_) => Some("file_missing"),
                Ok((_, bytes)) => [field.max, self.source.file_max()]
                    .into_iter()
                    .flatten()
                    .any(|max| bytes > max)
                    .then_some("file_too_large"),
            }
        })
    }
}

impl Sink for Beside<'_> {
    fn effect(&mut self, e: &Effect<'_>) {
        let Some(expected) = self.expected(e) else {
            return;
        };
        if !self.second {
            return self.state.place(expected);
        }
        let mapping = Arc::clone(&self.state.mapping);
        let Some(step) = mapping.steps.get(e.step.ix()) else {
            return;
        };
        let went = self.state.went.get(e.step.ix()).and_then(|w| w.get(e.key));
        let Some(Went::To(Some(id))) = went.cloned() else {
            return;
        };
        let position = self
            .state
            .shelves
            .get(&step.to)
            .and_then(|s| s.position(&id));
        if let Some(at) = position
            && let Some(compared) = self.state.compare(&expected, at)
        {
            self.state.judge(step, &expected, &id, &compared, true);
        }
    }

    fn hold(&mut self, h: &Hold<'_>) {
        if !self.second {
            self.state.hold(h);
        }
    }

    fn settle(&mut self, step: StepId, key: &str, _line: u64, why: Settled<'_>) {
        if self.second {
            return;
        }
        let Some(check) = self.state.check(step) else {
            return;
        };
        match why {
            Settled::Routed => check.routed += 1,
            Settled::Merged { .. } => check.merged += 1,
            Settled::Skipped => check.loaded += 1,
            Settled::Dropped(_) => {
                check.dropped += 1;
                self.state.set_went(step, key, Went::Dropped);
            }
        }
    }
}

fn resolver(state: &State, steps: &Steps) -> Resolver {
    let mapping = &state.mapping;
    let mut natural = HashMap::new();
    for object in natural_objects(mapping) {
        if let Some(shelf) = state.shelves.get(&object)
            && let Some(key) = mapping
                .destination
                .objects
                .get(object.ix())
                .and_then(|o| o.keys.first())
        {
            natural.insert(object, shelf.ids_by(&KeyRule::from(key)));
        }
    }
    let mut fallbacks = HashMap::new();
    for (id, slot) in (0u16..).map(StepId).zip(steps) {
        if slot.is_some()
            && let Some(found) = fallback(mapping, &state.shelves, id)
        {
            fallbacks.insert(id, found);
        }
    }
    Resolver::new(Arc::clone(mapping), steps.clone(), natural, fallbacks)
}

/// The record that stands in for those of a step that are not there.
pub fn fallback(
    mapping: &Mapping,
    shelves: &BTreeMap<ObjectId, Shelf>,
    id: StepId,
) -> Option<String> {
    let step = mapping.steps.get(id.ix())?;
    let Absent::Fallback(keys) = &step.absent else {
        return None;
    };
    let shelf = shelves.get(&step.to)?;
    let texts: Vec<String> = keys
        .iter()
        .filter_map(|k| literal(mapping, &k.value))
        .collect();
    step.match_keys.iter().find_map(|m| {
        let fields = m.pairs.iter().map(|(f, _)| *f);
        if !fields.eq(keys.iter().map(|k| k.field)) {
            return None;
        }
        let mut text = texts.join("\u{1f}");
        if m.lower {
            text = text.to_lowercase();
        }
        let at = shelf.under(&KeyRule::from(m), text.trim()).first()?;
        Some(shelf.id(*at).to_owned())
    })
}

fn literal(mapping: &Mapping, input: &Input) -> Option<String> {
    let scalar = match input {
        Input::Const(scalar) => scalar,
        Input::Param(at) => mapping.params.get(*at)?.value.as_ref()?,
        _ => return None,
    };
    match scalar {
        Scalar::Text(text) => Some(text.clone()),
        Scalar::Int(n) => Some(n.to_string()),
        _ => None,
    }
}

fn merge(all: &mut UnassignedKeys, more: UnassignedKeys) {
    for (place, (references, fallback)) in more {
        all.entry(place).or_insert((0, fallback)).0 += references;
    }
}

fn finish(mut state: State, sample: Option<u64>, unassigned: UnassignedKeys) -> Reconciliation {
    let mapping = Arc::clone(&state.mapping);
    let name = |id: StepId| {
        let step = mapping.steps.get(id.ix());
        step.map_or_else(String::new, |s| s.name.clone())
    };
    let is_report = |at: usize| mapping.steps.get(at).is_none_or(|s| s.of.is_report());
    let mut steps = Vec::new();
    for (at, mut check) in std::mem::take(&mut state.checks).into_iter().enumerate() {
        if is_report(at) {
            continue;
        }
        let ends = check.loaded + check.merged + check.routed + check.dropped + check.held_total();
        check.balanced =
            check.read == ends && check.expected == check.found + check.missing + check.unchecked;
        check.equal = check
            .compared
            .saturating_sub(check.differing + check.normalised + check.as_found);
        steps.push(check);
    }
    let mut objects = Vec::new();
    for (id, shelf) in &state.shelves {
        let Some(object) = mapping.destination.objects.get(id.ix()) else {
            continue;
        };
        if !mapping.steps.iter().any(|s| s.to == *id) {
            continue;
        }
        let (explained, doubled, extra) = shelf.sums();
        objects.push(ObjectCheck {
            object: object.name.clone(),
            there: (shelf.unread.is_none() && !shelf.partial).then_some(shelf.count() as u64),
            explained,
            doubled,
            extra,
            note: match (&shelf.unread, shelf.partial) {
                (Some(why), _) => Some(why.clone()),
                (None, true) => Some("read below the parents in the sample only".to_owned()),
                (None, false) => None,
            },
        });
    }
    Reconciliation {
        schema_version: 1,
        mapping: mapping.name.clone(),
        destination: mapping.destination.title.clone(),
        sample,
        clean: state.findings_total == 0,
        findings_total: state.findings_total,
        steps,
        objects,
        findings: state.findings,
        unassigned: unassigned
            .into_iter()
            .map(|((step, key), (references, fallback))| Unassigned {
                step: name(step),
                key,
                references,
                fallback,
            })
            .collect(),
        unmatched: state
            .unmatched
            .into_iter()
            .map(|((step, field, value), records)| Unmatched {
                step: name(step),
                field,
                value,
                records,
            })
            .collect(),
    }
}
