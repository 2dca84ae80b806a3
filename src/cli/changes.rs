//! From what a run knows of changes to what reports show: names for positions, groups with examples.

use super::{
    commands::delta::DeltaArgs,
    exit::{Exit, Failure},
    ledger_faults::unread,
    load::Loaded,
};
use crate::{
    ident::{ObjectId, StepId},
    ledger::Ledger,
    mapping::{Deleted, Mapping},
    platform::OpKind,
    report::{
        changes::{ConflictExample, ConflictGroup, EXAMPLES, StepPreview},
        delta::{Found, GoneRecord},
    },
    run::{Outcome, preview::Preview, update::Conflicted},
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

/// What a delta adds to the report of its run. `last`: the last run before it that came to its end.
pub fn found(loaded: &Loaded, done: &Outcome, last: i64, args: &DeltaArgs) -> Found {
    let mapping = &loaded.migration.mapping;
    let source = &mapping.source;
    // A source that was asked for changes only does not tell what it no longer has.
    let asked = |object: ObjectId| {
        let list = source.objects.get(object.ix());
        let list = list.and_then(|o| o.op(OpKind::List));
        !args.whole && list.is_some_and(|l| l.since.is_some())
    };
    let ignored = mapping.policy.delta_deleted == Deleted::Ignore;
    let unseen = |step: &&crate::mapping::Step| args.partial || ignored || asked(step.from);
    Found {
        after_run: last,
        watermarks: done
            .watermarks
            .iter()
            .map(|(id, before, now)| (name(mapping, *id), before.clone(), now.clone()))
            .collect(),
        gone: done
            .gone
            .iter()
            .map(|(id, gone)| GoneRecord {
                step: name(mapping, *id),
                key: gone.key.clone(),
                destination_id: gone.dest_id.clone(),
                why: gone.why.to_owned(),
            })
            .collect(),
        deletions_unseen: mapping
            .steps
            .iter()
            .filter(unseen)
            .map(|s| s.name.clone())
            .collect(),
    }
}

/// The last run that came to its end.
///
/// # Errors
/// When there is none, or the ledger cannot be read.
pub fn last_complete(ledger: &Ledger) -> Result<i64, Failure> {
    let runs = ledger
        .view()
        .and_then(|v| v.runs())
        .map_err(|e| unread(&e))?;
    let complete = |o: &Option<String>| o.as_deref().is_some_and(|o| o.starts_with("completed"));
    runs.iter()
        .rev()
        .find(|r| complete(&r.outcome) && matches!(r.command.as_str(), "run" | "delta"))
        .map(|r| r.run)
        .ok_or_else(|| {
            Failure::new(
                Exit::Usage,
                "a delta is the second pass, and no run has come to its end yet",
            )
            .hint("`transload run` loads first; it goes on where it was stopped")
        })
}
