//! How good proposals are: those for a pair whose mapping is known, held against that mapping.
//!
//! Counted are the standard destination fields that the mapping fills from source fields. A field is right when its first
//! (or one of its first three) candidates is among the fields that the mapping reads for it. The pair of objects is
//! taken as chosen; how often it would have been proposed is counted apart.

use super::{Evidence, Proposal, SourcePath, of_pair, propose};
use crate::{
    ident::{FieldId, ObjectId},
    mapping::{FieldMap, Input, Mapping, Step},
    platform::Object,
    value::Type,
};
use std::collections::BTreeSet;

/// Above this confidence a wrong proposal counts as a false promise.
pub const SURE: f64 = 0.9;

/// Figures of one mapping.
#[derive(Clone, Debug, Default)]
pub struct Measure {
    /// Pairs of objects in the mapping.
    pub objects: u64,
    /// Of those: proposed as the first.
    pub objects_first: u64,
    /// Of those: among the first three.
    pub objects_third: u64,
    /// Standard fields that the mapping fills from source fields.
    pub fields: u64,
    /// Of those: the first candidate is right.
    pub first: u64,
    /// Of those: one of the first three is.
    pub third: u64,
    /// First candidates above [`SURE`] that the mapping contradicts, also for fields that it does not fill.
    pub sure_and_wrong: u64,
    /// What was missed, and what was sure and wrong.
    pub misses: Vec<Miss>,
}

impl Measure {
    /// The figures of several mappings together, without their misses.
    pub fn sum<'a>(all: impl IntoIterator<Item = &'a Measure>) -> Measure {
        let mut out = Measure::default();
        for one in all {
            out.objects += one.objects;
            out.objects_first += one.objects_first;
            out.objects_third += one.objects_third;
            out.fields += one.fields;
            out.first += one.first;
            out.third += one.third;
            out.sure_and_wrong += one.sure_and_wrong;
        }
        out
    }
}

/// A field that was not proposed rightly.
#[derive(Clone, Debug)]
pub struct Miss {
    /// The step.
    pub step: String,
    /// The destination field.
    pub field: String,
    /// What the mapping reads; empty: nothing.
    pub wanted: Vec<String>,
    /// The first candidate and its confidence.
    pub proposed: Option<(String, f64)>,
}

/// Measures proposals against a mapping that they do not see.
pub fn measure(mapping: &Mapping, evidence: &Evidence) -> Measure {
    let mut out = Measure::default();
    let proposal = propose(&mapping.source, &mapping.destination, evidence);
    let mut seen = BTreeSet::new();
    for step in mapping.steps.iter().filter(|s| !s.of.is_report()) {
        if seen.insert((step.from, step.to)) {
            objects(&proposal, step, &mut out);
        }
        fields(mapping, step, evidence, &mut out);
    }
    out
}

fn objects(proposal: &Proposal, step: &Step, out: &mut Measure) {
    out.objects += 1;
    let place = proposal
        .objects
        .get(step.from.ix())
        .and_then(|o| o.to.iter().position(|(to, _)| *to == step.to));
    out.objects_first += u64::from(place == Some(0));
    out.objects_third += u64::from(place.is_some_and(|p| p < 3));
}

fn fields(mapping: &Mapping, step: &Step, evidence: &Evidence, out: &mut Measure) {
    let pair = (step.from, step.to);
    let proposed = of_pair(&mapping.source, &mapping.destination, pair, evidence);
    let Some(to) = mapping.destination.objects.get(step.to.ix()) else {
        return;
    };
    for (id, field) in (0u16..).map(FieldId).zip(&to.fields) {
        if field.custom || field.data_type == Type::Id {
            continue;
        }
        let candidates = proposed
            .iter()
            .find(|p| p.to == id)
            .map_or(&[][..], |p| p.candidates.as_slice());
        let map = step
            .fields
            .iter()
            .find(|f| f.to == id && f.create.is_none());
        let wanted = map.map(|m| reads(mapping, step, m)).unwrap_or_default();
        let right = |path: &SourcePath| wanted.contains(&(path.object, path.field));
        let first = candidates.first();
        let hit = first.is_some_and(|c| right(&c.from));
        let sure = first.is_some_and(|c| c.confidence > SURE);
        if !wanted.is_empty() {
            out.fields += 1;
            out.first += u64::from(hit);
            out.third += u64::from(candidates.iter().take(3).any(|c| right(&c.from)));
        }
        out.sure_and_wrong += u64::from(sure && !hit);
        if (sure || !wanted.is_empty()) && !hit {
            let name = |(object, field): (ObjectId, FieldId)| {
                let object = mapping.source.objects.get(object.ix());
                object.map_or_else(String::new, |o| path_name(o, field))
            };
            out.misses.push(Miss {
                step: step.name.clone(),
                field: field.name.clone(),
                wanted: wanted.iter().copied().map(name).collect(),
                proposed: first.map(|c| (name((c.from.object, c.from.field)), c.confidence)),
            });
        }
    }
}

fn path_name(object: &Object, field: FieldId) -> String {
    let field = object.fields.get(field.ix()).map_or("", |f| &f.name);
    format!("{}.{field}", object.name)
}

/// The source fields that a field map reads, those of joined objects and of the join itself included.
fn reads(mapping: &Mapping, step: &Step, map: &FieldMap) -> BTreeSet<(ObjectId, FieldId)> {
    let mut out = BTreeSet::new();
    input(mapping, step, &map.input, &mut out);
    out
}

fn input(mapping: &Mapping, step: &Step, from: &Input, out: &mut BTreeSet<(ObjectId, FieldId)>) {
    match from {
        Input::Field(field) => {
            out.insert((step.from, *field));
        }
        Input::Join { join, field, .. } => {
            let Some(join) = step.joins.get(join.ix()) else {
                return;
            };
            let own = join.by.iter().flatten().map(|(_, own)| (step.from, *own));
            match field {
                Some(field) => {
                    out.insert((join.object, *field));
                }
                // The record itself is found by what the join compares.
                None => out.extend(own),
            }
        }
        Input::Let { binding, .. } => {
            if let Some(binding) = step.lets.get(*binding) {
                input(mapping, step, &binding.input, out);
            }
        }
        Input::FirstOf(all) => {
            for one in all {
                input(mapping, step, one, out);
            }
        }
        Input::Text(template) => words(mapping, step, template, out),
        Input::Count(_) | Input::Const(_) | Input::Param(_) | Input::Outcome(_) => {}
    }
}

/// Fields named in a template: the record's own, and those of joined records.
fn words(mapping: &Mapping, step: &Step, template: &str, out: &mut BTreeSet<(ObjectId, FieldId)>) {
    let words: BTreeSet<&str> = template
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .collect();
    let joined = step
        .joins
        .iter()
        .filter(|j| words.contains(j.name.as_str()));
    for object in joined.map(|j| j.object).chain([step.from]) {
        let fields = mapping.source.objects.get(object.ix()).map(|o| &o.fields);
        for (id, field) in (0u16..).map(FieldId).zip(fields.into_iter().flatten()) {
            if words.contains(field.name.as_str()) {
                out.insert((object, id));
            }
        }
    }
}
