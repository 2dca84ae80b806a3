//! Record counts to measure a mapping by, when no migration says how many there are.

use super::Counts;
use crate::{
    ident::{ObjectId, StepId},
    mapping::{Mapping, SplitTo},
};

/// So many records in every source object; a split shares them evenly among its rows.
///
/// Says nothing about any customer: it makes pairs comparable.
pub fn of(mapping: &Mapping, records: u64) -> Counts {
    let mut counts = Counts::default();
    for at in 0..mapping.source.objects.len() {
        let Ok(id) = u16::try_from(at).map(ObjectId) else {
            break;
        };
        counts.source.insert(id, records);
        let Some(rows) = mapping.splits.get(at).filter(|rows| !rows.is_empty()) else {
            continue;
        };
        let share = records.div_ceil(rows.len() as u64);
        for row in rows {
            if let SplitTo::Steps(steps) = &row.to {
                for step in steps {
                    *counts.steps.entry(*step).or_default() += share;
                }
            }
        }
        // A step that no row names takes every record of a split object.
        for (step, _) in mapping.steps_from(id) {
            counts
                .steps
                .entry(step)
                .or_insert_with(|| if names(rows, step) { 0 } else { records });
        }
    }
    counts
}

fn names(rows: &[crate::mapping::SplitRow], step: StepId) -> bool {
    rows.iter().any(|row| match &row.to {
        SplitTo::Steps(steps) => steps.contains(&step),
        SplitTo::Drop(_) => false,
    })
}
