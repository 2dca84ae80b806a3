//! From a mapping to a plan: edges from references and `after`, an order, batches.

use super::{
    Fingerprints, Load, load, manifest,
    model::{Deferred, Edge, Plan, Reason},
    order::{Need, order},
};
use crate::{
    diag::{Code, Diagnostic, Diagnostics},
    ident::StepId,
    mapping::{FieldMap, Mapping, Of, RefSource, Step},
    platform::{OpKind, Write},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Makes the plan.
///
/// # Errors
/// Cycles of references that cannot be put off, and steps that the destination has no call for.
pub fn compile(mapping: Arc<Mapping>) -> Result<Plan, Diagnostics> {
    let mut diagnostics = Diagnostics::default();
    let loads: Vec<Load> = mapping
        .steps
        .iter()
        .map(|s| load::choose(&mapping, s, &mut diagnostics))
        .collect();
    // Numbers of the order are places by name, so that the plan does not depend on the file's order.
    let mut by_name: Vec<StepId> = (0..mapping.steps.len())
        .filter_map(|i| Some(StepId(u16::try_from(i).ok()?)))
        .collect();
    by_name.sort_by_key(|id| mapping.steps.get(id.ix()).map(|s| &s.name));
    let mut place = vec![0; mapping.steps.len()];
    for (i, id) in by_name.iter().enumerate() {
        if let Some(slot) = place.get_mut(id.ix()) {
            *slot = i;
        }
    }
    let links = Links::new(&mapping);
    let mut edges: Vec<Edge> = Vec::new();
    let mut needs: Vec<Vec<Need>> = vec![Vec::new(); by_name.len()];
    for (i, id) in by_name.iter().enumerate() {
        let Some(step) = mapping.steps.get(id.ix()) else {
            continue;
        };
        for (edge, cost) in links.needs(*id, step, loads.get(id.ix()).unwrap_or(&Load::Use)) {
            if let Some(list) = needs.get_mut(i) {
                list.push(Need {
                    on: place.get(edge.first.ix()).copied().unwrap_or(i),
                    group: group(edge.reason),
                    cost,
                });
            }
            edges.push(edge);
        }
    }
    let order = match order(&needs) {
        Ok(order) => order,
        Err(cycles) => {
            for cycle in cycles {
                let steps: Vec<StepId> = cycle
                    .iter()
                    .filter_map(|i| by_name.get(*i).copied())
                    .collect();
                diagnostics.push(cycle_fault(&mapping, &loads, &edges, &steps));
            }
            return Err(diagnostics);
        }
    };
    if diagnostics.has_errors() {
        return Err(diagnostics);
    }
    for edge in &mut edges {
        let at = |id: StepId| place.get(id.ix()).copied().unwrap_or(0);
        edge.deferred =
            order
                .put_off
                .contains(&(at(edge.then), group(edge.reason), at(edge.first)));
    }
    let mut batches = layers(&by_name, &order.nodes, &needs, &order.put_off);
    gather_reports(&mapping, &mut batches);
    edges.sort_by_key(|e| {
        let at = |id: StepId| place.get(id.ix()).copied().unwrap_or(0);
        (at(e.then), e.reason, at(e.first))
    });
    let mut deferred: Vec<Deferred> = Vec::new();
    for edge in edges.iter().filter(|e| e.deferred) {
        let Reason::Field(field) = edge.reason else {
            continue;
        };
        let entry = Deferred {
            step: edge.then,
            field,
        };
        // A step that writes nothing has nothing to complete.
        let writes = loads.get(edge.then.ix()).is_some_and(Load::writes);
        if writes && !deferred.contains(&entry) {
            deferred.push(entry);
        }
    }
    let manifest = manifest::collect(&mapping, &loads);
    let fingerprints = Fingerprints::of(&mapping);
    Ok(Plan {
        batches,
        edges,
        deferred,
        loads,
        manifest,
        fingerprints,
        mapping,
    })
}

fn group(reason: Reason) -> usize {
    match reason {
        Reason::Field(field) => field,
        Reason::After | Reason::When => usize::MAX,
    }
}

/// The steps of the mapping by what they read and write.
struct Links<'a> {
    mapping: &'a Mapping,
    from: BTreeMap<crate::ident::ObjectId, Vec<StepId>>,
    to: BTreeMap<crate::ident::ObjectId, Vec<StepId>>,
}

impl<'a> Links<'a> {
    fn new(mapping: &'a Mapping) -> Links<'a> {
        let mut links = Links {
            mapping,
            from: BTreeMap::new(),
            to: BTreeMap::new(),
        };
        for (i, step) in mapping.steps.iter().enumerate() {
            let Ok(id) = u16::try_from(i) else { break };
            if !step.of.is_report() {
                links.from.entry(step.from).or_default().push(StepId(id));
            }
            links.to.entry(step.to).or_default().push(StepId(id));
        }
        links
    }

    /// The steps whose records a reference field may name.
    fn referenced(&self, step: &Step, map: &FieldMap) -> BTreeSet<StepId> {
        let mut found = BTreeSet::new();
        let accepts = self
            .mapping
            .destination
            .objects
            .get(step.to.ix())
            .and_then(|o| o.fields.get(map.to.ix()))
            .and_then(|f| f.reference.as_ref())
            .map(|r| r.to.as_slice());
        let mut sources: Vec<&RefSource> = map.reference.iter().collect();
        while let Some(source) = sources.pop() {
            match source {
                RefSource::ByInput(list) => sources.extend(list),
                RefSource::SourceKey(objects) => {
                    for id in objects.iter().filter_map(|o| self.from.get(o)).flatten() {
                        let fits = self.mapping.steps.get(id.ix()).is_some_and(|s| {
                            accepts.is_none_or(|a| a.is_empty() || a.contains(&s.to))
                        });
                        if fits {
                            found.insert(*id);
                        }
                    }
                }
                RefSource::NaturalKey(object) => {
                    found.extend(self.to.get(object).into_iter().flatten());
                }
            }
        }
        found.retain(|id| map.only.is_empty() || map.only.contains(id));
        found
    }

    /// The steps whose outcome the condition of a field asks for.
    fn asked_by(&self, map: &FieldMap) -> BTreeSet<StepId> {
        let mut objects = BTreeSet::new();
        if let Some(when) = &map.when {
            when.asks(&mut objects);
        }
        self.steps_of(&objects)
    }

    fn steps_of(&self, objects: &BTreeSet<crate::ident::ObjectId>) -> BTreeSet<StepId> {
        let steps = objects.iter().filter_map(|o| self.from.get(o)).flatten();
        steps.copied().collect()
    }

    /// The steps whose outcome a guard of a step, or of its object's split, asks for; and those that a report of
    /// missing records must see the end of.
    fn asked(&self, step: &Step) -> BTreeSet<StepId> {
        let mut objects = BTreeSet::new();
        let rows = self.mapping.splits.get(step.from.ix());
        let split = rows.into_iter().flatten().filter_map(|r| r.when.as_ref());
        let own = step.guards.iter().map(|g| &g.when);
        for when in split.chain(own) {
            when.asks(&mut objects);
        }
        let mut found = self.steps_of(&objects);
        if step.of == Of::Missing {
            for (at, other) in (0u16..).zip(&self.mapping.steps) {
                let names = |f: &FieldMap| f.reference.as_ref().is_some_and(|r| r.names(step.from));
                if !other.of.is_report() && other.fields.iter().any(names) {
                    found.insert(StepId(at));
                }
            }
        }
        found
    }

    /// What a step needs first, with the cost of putting it off; `None`: it cannot be put off.
    fn needs(&self, id: StepId, step: &Step, load: &Load) -> Vec<(Edge, Option<u32>)> {
        let mut all = Vec::new();
        for (field, map) in step.fields.iter().enumerate() {
            let cost = match hard(self.mapping, step, load, field, map) {
                Some(_) => None,
                None if !load.writes() => Some(0),
                // A needed reference is put off only when the others do not suffice.
                None if map.needed => Some(3),
                None => Some(1),
            };
            for first in self
                .referenced(step, map)
                .union(&self.asked_by(map))
                .copied()
            {
                let edge = Edge {
                    first,
                    then: id,
                    reason: Reason::Field(field),
                    deferred: false,
                };
                all.push((edge, cost));
            }
        }
        for first in self.asked(step) {
            let edge = Edge {
                first,
                then: id,
                reason: Reason::When,
                deferred: false,
            };
            all.push((edge, None));
        }
        for first in step.after.iter().copied().collect::<BTreeSet<_>>() {
            let edge = Edge {
                first,
                then: id,
                reason: Reason::After,
                deferred: false,
            };
            all.push((edge, None));
        }
        all
    }
}

/// Why a reference cannot wait for a second pass; `None` when it can.
fn hard(
    mapping: &Mapping,
    step: &Step,
    load: &Load,
    field: usize,
    map: &FieldMap,
) -> Option<&'static str> {
    if step
        .match_keys
        .iter()
        .any(|k| k.pairs.iter().any(|(_, at)| *at == field))
    {
        return Some("records are recognised by it");
    }
    if !load.writes() {
        return None;
    }
    let object = mapping.destination.objects.get(step.to.ix())?;
    let target = object.fields.get(map.to.ix())?;
    if target.required {
        return Some("the destination requires it");
    }
    match target.write {
        Write::OnCreate => return Some("the destination takes it only with a new record"),
        Write::Never | Write::Always => {}
    }
    // Ids of files are known before anything is written.
    if *load == Load::File {
        return None;
    }
    let updates = [OpKind::Update, OpKind::Upsert, OpKind::BulkUpsert];
    if !updates.iter().any(|kind| object.op(*kind).is_some()) {
        return Some("the destination has no call that updates a record");
    }
    None
}

/// Layers: each step one after the last of what it needs, so that as many as can run side by side.
fn layers(
    by_name: &[StepId],
    order: &[usize],
    needs: &[Vec<Need>],
    put_off: &BTreeSet<(usize, usize, usize)>,
) -> Vec<Vec<StepId>> {
    let mut layer = vec![0_usize; by_name.len()];
    let mut batches: Vec<Vec<usize>> = Vec::new();
    for node in order {
        let after = needs
            .get(*node)
            .into_iter()
            .flatten()
            .filter(|n| !put_off.contains(&(*node, n.group, n.on)))
            .filter_map(|n| layer.get(n.on))
            .max()
            .map_or(0, |l| l + 1);
        if let Some(slot) = layer.get_mut(*node) {
            *slot = after;
        }
        if batches.len() <= after {
            batches.resize(after + 1, Vec::new());
        }
        if let Some(batch) = batches.get_mut(after) {
            batch.push(*node);
        }
    }
    batches
        .into_iter()
        .map(|mut batch| {
            batch.sort_unstable();
            batch
                .into_iter()
                .filter_map(|i| by_name.get(i).copied())
                .collect()
        })
        .collect()
}

/// Puts each report into the last batch that loads records of its object, so that they are read once for both.
fn gather_reports(mapping: &Mapping, batches: &mut Vec<Vec<StepId>>) {
    let step = |id: &StepId| mapping.steps.get(id.ix());
    let mut moves = Vec::new();
    for (at, batch) in batches.iter().enumerate() {
        for id in batch {
            let Some(report) = step(id).filter(|s| s.of.is_report() && s.of != Of::Missing) else {
                continue;
            };
            let loads =
                |id: &StepId| step(id).is_some_and(|s| s.from == report.from && !s.of.is_report());
            if let Some(last) = batches.iter().rposition(|b| b.iter().any(loads))
                && last > at
            {
                moves.push((at, last, *id));
            }
        }
    }
    for (from, to, id) in moves {
        if let Some(batch) = batches.get_mut(from) {
            batch.retain(|s| *s != id);
        }
        if let Some(batch) = batches.get_mut(to) {
            batch.push(id);
            batch.sort_by_key(|id| step(id).map(|s| &s.name));
        }
    }
    batches.retain(|b| !b.is_empty());
}

/// The finding for a cycle: the path, and at every turn why it cannot wait.
fn cycle_fault(mapping: &Mapping, loads: &[Load], edges: &[Edge], cycle: &[StepId]) -> Diagnostic {
    let step = |id: StepId| mapping.steps.get(id.ix());
    let name = |id: StepId| step(id).map_or("", |s| s.name.as_str());
    let mut path: Vec<&str> = cycle.iter().map(|id| name(*id)).collect();
    path.extend(cycle.first().map(|id| name(*id)));
    const SHOWN: usize = 12;
    if path.len() > SHOWN {
        let last = path.last().copied().unwrap_or("");
        path.truncate(SHOWN - 2);
        path.extend(["…", last]);
    }
    let turns = cycle.iter().enumerate().filter_map(|(i, then)| {
        let first = cycle.get((i + 1) % cycle.len())?;
        let step = step(*then)?;
        edges
            .iter()
            .filter(|e| e.then == *then && e.first == *first)
            .find_map(|edge| match edge.reason {
                Reason::After => Some((
                    step.span,
                    format!("`{}` comes after `{}`", step.name, name(*first)),
                )),
                Reason::When => Some((
                    step.span,
                    format!(
                        "a condition of `{}` asks what became of records of `{}`",
                        step.name,
                        name(*first)
                    ),
                )),
                Reason::Field(field) => {
                    let map = step.fields.get(field)?;
                    let load = loads.get(then.ix())?;
                    let why = hard(mapping, step, load, field, map)?;
                    Some((
                        map.span,
                        format!("`{}` needs `{}` here: {why}", step.name, name(*first)),
                    ))
                }
            })
    });
    let mut turns = turns.take(SHOWN);
    let (span, label) = turns
        .next()
        .or_else(|| Some((step(*cycle.first()?)?.span, String::new())))
        .unwrap_or_else(|| (mapping.destination.span, String::new()));
    let mut fault = Diagnostic::new(
        Code::RequiredCycle,
        span,
        format!("nothing can come first in {}", path.join(" -> ")),
    )
    .label(label);
    for (span, label) in turns {
        fault = fault.related(span, label);
    }
    fault.hint(
        "a reference that the destination does not require can be written in a second pass; leave one of these \
         out, or fill it with something that is there already",
    )
}
