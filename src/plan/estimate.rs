//! What a plan costs in calls and hours, from the number of records per object.
//!
//! An estimate on purpose: it assumes that every record is new, that nothing is held, and that no call fails.
//! Hours follow from the tightest window of each tier.

use super::{Load, Plan, paced::Paced};
use crate::{
    ident::{ObjectId, StepId},
    mapping::RefSource,
    platform::{Connect, Limits, Object, OpKind},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Calls to ask for the state of one bulk job, on average.
const POLLS: u64 = 2;

/// How many records there are.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Records of a source object.
    pub source: BTreeMap<ObjectId, u64>,
    /// Records a step will get, where it is known better (a split sends each record to one step only).
    pub steps: BTreeMap<StepId, u64>,
    /// Records a destination object holds already.
    pub existing: BTreeMap<ObjectId, u64>,
}

/// Calls of one step at the destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepCalls {
    /// Records it gets; `None`: not known.
    pub records: Option<u64>,
    /// True when a split sends only a part of the object's records here, and the part is not known.
    pub at_most: bool,
    /// Single or bulk calls that write.
    pub write: u64,
    /// Calls that ask for bulk jobs.
    pub poll: u64,
    /// Calls that find out the ids after bulk jobs whose answer has none.
    pub find: u64,
    /// Calls of the second pass.
    pub second_pass: u64,
}

impl StepCalls {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.write + self.poll + self.find + self.second_pass
    }
}

/// Hours on one tier.
#[derive(Clone, Debug, PartialEq)]
pub struct TierHours {
    /// The tier; `None` where the platform has none.
    pub tier: Option<String>,
    /// The time the windows force, at least.
    pub time: Duration,
    /// The window that decides: calls and its length; `None` when nothing is limited.
    pub window: Option<(u64, Duration)>,
}

/// What a plan costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// By [`StepId`].
    pub steps: Vec<StepCalls>,
    /// Calls that list what is at the destination, by object.
    pub listing: Vec<(ObjectId, u64)>,
    /// All calls at the destination.
    pub calls: u64,
    /// Calls that read the source; 0 for files.
    pub source_calls: u64,
    /// Steps whose records are not known; their calls are not in the sum.
    pub unknown: Vec<StepId>,
    /// By tier of the destination, smallest first; one entry without a name where it has none.
    pub tiers: Vec<TierHours>,
    /// Days under the pace of the migration; `None` where it has none.
    pub paced: Option<Paced>,
}

/// Counts the calls of a plan.
pub fn estimate(plan: &Plan, counts: &Counts) -> Estimate {
    let mapping = &plan.mapping;
    let destination = &mapping.destination;
    let mut steps = Vec::with_capacity(mapping.steps.len());
    let mut unknown = Vec::new();
    for (i, step) in mapping.steps.iter().enumerate() {
        let Ok(id) = u16::try_from(i).map(StepId) else {
            break;
        };
        let split = mapping
            .splits
            .get(step.from.ix())
            .is_some_and(|s| !s.is_empty());
        let known = counts.steps.get(&id).copied();
        let records = known.or_else(|| counts.source.get(&step.from).copied());
        if records.is_none() && plan.load(id).writes() {
            unknown.push(id);
        }
        let object = destination.objects.get(step.to.ix());
        let mut calls = StepCalls {
            records,
            at_most: split && known.is_none() && records.is_some(),
            ..StepCalls::default()
        };
        if let (Some(records), Some(object)) = (records, object) {
            let deferred = plan.deferred_of(id).next().is_some();
            write_calls(&mut calls, plan.load(id), object, records, deferred);
        }
        steps.push(calls);
    }
    let listing: Vec<(ObjectId, u64)> = listed(plan)
        .into_iter()
        .filter_map(|id| {
            let object = destination.objects.get(id.ix())?;
            let existing = counts.existing.get(&id).copied().unwrap_or(0);
            Some((id, list_calls(object, existing)?))
        })
        .collect();
    let calls = steps.iter().map(StepCalls::total).sum::<u64>()
        + listing.iter().map(|(_, calls)| calls).sum::<u64>();
    let source_calls = match mapping.source.connect {
        Connect::Files(_) => 0,
        Connect::Http(_) => source_objects(plan)
            .into_iter()
            .filter_map(|id| {
                let object = mapping.source.objects.get(id.ix())?;
                let known = |id: &ObjectId| counts.source.get(id).copied().unwrap_or(0);
                list_calls(object, known(&id)).or_else(|| {
                    // One list below each parent.
                    let op = object.op(OpKind::Children)?;
                    Some(op.parents.iter().map(|(parent, _)| known(parent)).sum())
                })
            })
            .sum(),
    };
    let names: Vec<Option<&String>> = if destination.tiers.is_empty() {
        vec![None]
    } else {
        destination.tiers.iter().map(Some).collect()
    };
    Estimate {
        tiers: names
            .into_iter()
            .map(|tier| hours(&destination.limits, tier, calls))
            .collect(),
        steps,
        listing,
        calls,
        source_calls,
        unknown,
        paced: None,
    }
}

fn write_calls(calls: &mut StepCalls, load: &Load, object: &Object, records: u64, deferred: bool) {
    match load {
        Load::Bulk { size, .. } => {
            let jobs = records.div_ceil((*size).max(1) as u64);
            let op = object.op(OpKind::BulkUpsert);
            calls.write = jobs;
            if op.is_some_and(|o| o.job.is_some()) {
                calls.poll = jobs * POLLS;
            }
            let tells_ids = op
                .and_then(|o| o.job.as_ref())
                .is_some_and(|j| j.rows.is_some());
            if !tells_ids {
                calls.find = list_calls(object, records).unwrap_or(records);
            }
            if deferred {
                calls.second_pass = jobs * (1 + POLLS);
            }
        }
        Load::Upsert { .. } | Load::Single { .. } => {
            calls.write = records;
            if deferred {
                calls.second_pass = records;
            }
        }
        Load::Members { size } => {
            // At least: every owner has a last call of its own.
            calls.write = records.div_ceil((*size).max(1) as u64);
            let page = object
                .op(OpKind::Children)
                .and_then(|op| op.page.as_ref())
                .map_or(records.max(1), |p| p.size.max(1) as u64);
            // Before, to see who is a member already, and after, to prove it.
            calls.find = 1 + records.div_ceil(page);
        }
        Load::Use | Load::ByHand | Load::File => {}
    }
}

/// Calls that list so many records; `None` when the object has no list.
fn list_calls(object: &Object, records: u64) -> Option<u64> {
    let op = object.op(OpKind::List)?;
    let times: u64 = op
        .each
        .iter()
        .map(|(_, values)| values.len().max(1) as u64)
        .product();
    let pages = match &op.page {
        Some(page) => records.div_ceil(page.size.max(1) as u64).max(1),
        None => 1,
    };
    // Each value of `each` has a last page of its own.
    Some(pages + times - 1)
}

/// Destination objects whose records are listed: to recognise records, and for references by natural key.
fn listed(plan: &Plan) -> BTreeSet<ObjectId> {
    let mut all = BTreeSet::new();
    for step in &plan.mapping.steps {
        if !step.match_keys.is_empty() {
            all.insert(step.to);
        }
        let mut sources: Vec<&RefSource> = step
            .fields
            .iter()
            .filter_map(|f| f.reference.as_ref())
            .collect();
        while let Some(source) = sources.pop() {
            match source {
                RefSource::NaturalKey(object) => {
                    all.insert(*object);
                }
                RefSource::ByInput(list) => sources.extend(list),
                RefSource::SourceKey(_) => {}
            }
        }
    }
    all
}

/// Source objects that are read: by steps and by joins.
fn source_objects(plan: &Plan) -> BTreeSet<ObjectId> {
    plan.mapping
        .steps
        .iter()
        .flat_map(|s| std::iter::once(s.from).chain(s.joins.iter().map(|j| j.object)))
        .chain(plan.mapping.split_joins.iter().flatten().map(|j| j.object))
        .collect()
}

/// The time that the windows of a tier force: the first window's worth goes out at once, each further one
/// waits a window.
fn hours(limits: &Limits, tier: Option<&String>, calls: u64) -> TierHours {
    let slowest = limits
        .calls
        .iter()
        .filter_map(|limit| {
            let max = limit.max.at(tier.map(String::as_str));
            let waits = calls.checked_sub(1)?.checked_div(max)?;
            let time = limit
                .per
                .checked_mul(u32::try_from(waits).unwrap_or(u32::MAX))
                .unwrap_or(Duration::MAX);
            Some((time, max, limit.per))
        })
        .max_by_key(|(time, max, per)| (*time, *per, *max));
    TierHours {
        tier: tier.cloned(),
        time: slowest.map_or(Duration::ZERO, |(time, ..)| time),
        window: slowest.map(|(_, max, per)| (max, per)),
    }
}
