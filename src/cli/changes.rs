//! From what a run knows of changes to what reports show: names for positions, groups with examples.

use crate::{
    ident::StepId,
    mapping::Mapping,
    report::changes::{ConflictExample, ConflictGroup, EXAMPLES, StepPreview},
    run::{preview::Preview, update::Conflicted},
};
use std::collections::BTreeMap;

fn name(mapping: &Mapping, id: StepId) -> String {
    mapping
        .steps
        .get(id.ix())
        .map_or_else(String::new, |s| s.name.clone())
}

/// What the run was going to do, in the order of the mapping.
pub fn previews(mapping: &Mapping, all: &BTreeMap<StepId, Preview>) -> Vec<StepPreview> {
    all.iter()
        .map(|(id, p)| StepPreview {
            step: name(mapping, *id),
            new: p.new,
            changed: p.changed,
            unchanged: p.unchanged,
            waiting: p.waiting,
            fields: p.fields.clone(),
        })
        .collect()
}

/// Conflicts by step, field and policy.
pub fn conflicts(mapping: &Mapping, all: &[Conflicted]) -> Vec<ConflictGroup> {
    let mut groups: Vec<ConflictGroup> = Vec::new();
    for c in all {
        let (step, policy) = (name(mapping, c.step), c.clash.policy.word());
        let example = ConflictExample {
            key: c.key.clone(),
            source: c.clash.ours.clone(),
            destination: c.clash.theirs.clone(),
        };
        match groups
            .iter_mut()
            .find(|g| g.step == step && g.field == c.clash.field && g.policy == policy)
        {
            Some(group) => {
                group.records += 1;
                if group.examples.len() < EXAMPLES {
                    group.examples.push(example);
                }
            }
            None => groups.push(ConflictGroup {
                step,
                field: c.clash.field.clone(),
                policy: policy.to_owned(),
                records: 1,
                examples: vec![example],
            }),
        }
    }
    groups
}
