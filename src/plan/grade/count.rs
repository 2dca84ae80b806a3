//! What the grade counts in a plan, by name.

use crate::{
    ident::ObjectId,
    mapping::{Input, JoinKind, Step},
    plan::{
        Load, Plan,
        cardinality::{Cardinality, Computed, loaded, routes},
        loss,
    },
    platform::Connect,
};
use std::collections::BTreeSet;

pub(super) fn source_name(plan: &Plan, object: ObjectId) -> &str {
    let objects = &plan.mapping.source.objects;
    objects.get(object.ix()).map_or("", |o| o.name.as_str())
}

pub(super) fn field_name<'p>(plan: &'p Plan, step: &Step, at: usize) -> &'p str {
    let objects = &plan.mapping.destination.objects;
    step.fields
        .get(at)
        .and_then(|map| objects.get(step.to.ix())?.fields.get(map.to.ix()))
        .map_or("", |f| f.name.as_str())
}

/// The names of steps for which this holds, by name.
pub(super) fn steps(plan: &Plan, holds: impl Fn(&Load, &Step) -> bool) -> Vec<String> {
    let mut names: Vec<String> = plan
        .mapping
        .steps
        .iter()
        .zip(&plan.loads)
        .filter(|(step, load)| holds(load, step))
        .map(|(step, _)| step.name.clone())
        .collect();
    names.sort();
    names
}

pub(super) fn splits(plan: &Plan) -> Vec<String> {
    (0..plan.mapping.splits.len())
        .filter_map(|at| Some(ObjectId(u16::try_from(at).ok()?)))
        .filter(|id| routes(&plan.mapping, *id).len() > 1)
        .map(|id| source_name(plan, id).to_owned())
        .collect()
}

/// Fields of distinct destination fields: steps that share an object of the source say the same thing twice.
pub(super) fn distinct(plan: &Plan, holds: impl Fn(&Step, usize) -> bool) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut names = Vec::new();
    for step in plan.mapping.steps.iter().filter(|s| !s.of.is_report()) {
        for (at, map) in step.fields.iter().enumerate() {
            if !map.automatic && holds(step, at) && seen.insert((step.from, step.to, map.to)) {
                names.push(format!("{}.{}", step.name, field_name(plan, step, at)));
            }
        }
    }
    names.sort();
    names
}

pub(super) fn lossy(plan: &Plan) -> Vec<String> {
    distinct(plan, |step, at| {
        loss::of_field(&plan.mapping, step, at).is_lossy()
    })
}

/// Joins whose records are loaded themselves and of which a field takes several.
pub(super) fn many_to_one(plan: &Plan) -> Vec<String> {
    let mapping = &plan.mapping;
    let mut seen = BTreeSet::new();
    for step in mapping.steps.iter().filter(|s| !s.of.is_report()) {
        for map in &step.fields {
            for (join, field) in loss::joins_read(mapping, step, map) {
                let Some(of) = step.joins.get(join.ix()) else {
                    continue;
                };
                let loaded = loaded(mapping, of.object, field);
                if of.kind == JoinKind::All && loaded.is_some() {
                    seen.insert((step.from, of.object));
                }
            }
        }
    }
    let words = |(from, of)| format!("{} of {}", source_name(plan, of), source_name(plan, from));
    seen.into_iter().map(words).collect()
}

pub(super) fn not_moved(plan: &Plan, rows: &[Computed]) -> Vec<String> {
    plan.mapping
        .page
        .iter()
        .enumerate()
        .filter(|(at, row)| {
            let computed = rows.get(*at).and_then(|c| c.cardinality);
            row.support == "by_hand"
                || row.support == "none"
                || computed == Some(Cardinality::ByHand)
        })
        .map(|(_, row)| row.id.clone())
        .collect()
}

pub(super) fn joins(plan: &Plan) -> Vec<String> {
    let mapping = &plan.mapping;
    let of_splits = mapping
        .split_joins
        .iter()
        .enumerate()
        .filter_map(|(at, joins)| Some((ObjectId(u16::try_from(at).ok()?), joins)))
        .flat_map(|(from, joins)| joins.iter().map(move |j| (from, j.object)));
    let of_steps = mapping
        .steps
        .iter()
        .filter(|s| !s.of.is_report())
        .flat_map(|s| s.joins.iter().map(move |j| (s.from, j.object)));
    let all: BTreeSet<(ObjectId, ObjectId)> = of_splits.chain(of_steps).collect();
    all.into_iter()
        .map(|(from, of)| format!("{} to {}", source_name(plan, from), source_name(plan, of)))
        .collect()
}

pub(super) fn merges(plan: &Plan) -> Vec<String> {
    plan.mapping
        .merges
        .iter()
        .enumerate()
        .filter(|(_, merge)| merge.is_some())
        .filter_map(|(at, _)| Some(ObjectId(u16::try_from(at).ok()?)))
        .map(|id| source_name(plan, id).to_owned())
        .collect()
}

pub(super) fn guards(plan: &Plan) -> Vec<String> {
    let mut all: Vec<String> = plan
        .mapping
        .steps
        .iter()
        .flat_map(|s| s.guards.iter().map(|g| format!("{}: {}", s.name, g.code)))
        .collect();
    all.sort();
    all
}

pub(super) fn composed(plan: &Plan) -> Vec<String> {
    distinct(plan, |step, at| {
        step.fields
            .get(at)
            .is_some_and(|f| matches!(f.input, Input::Text(_)))
    })
}

pub(super) fn files_only(plan: &Plan) -> Vec<String> {
    [&plan.mapping.source, &plan.mapping.destination]
        .into_iter()
        .filter(|p| matches!(p.connect, Connect::Files(_)))
        .map(|p| p.title.clone())
        .collect()
}

pub(super) fn by_hand_fields(plan: &Plan) -> Vec<String> {
    if !plan.manifest.fields_by_hand {
        return Vec::new();
    }
    let objects = &plan.mapping.destination.objects;
    plan.manifest
        .objects
        .iter()
        .filter_map(|need| {
            let title = &objects.get(need.object.ix())?.title;
            Some(format!("{title} ({})", need.fields.len()))
        })
        .collect()
}

pub(super) fn second_pass(plan: &Plan) -> Vec<String> {
    let mut all: Vec<String> = plan
        .deferred
        .iter()
        .filter_map(|d| {
            let step = plan.step(d.step)?;
            Some(format!("{}.{}", step.name, field_name(plan, step, d.field)))
        })
        .collect();
    all.sort();
    all
}
