//! Between batches: the destination's own count of every object that a batch made records of, against what the ledger
//! says must be there.
//!
//! An object is counted before the first record of it is made, and the count is in the ledger before that record is
//! sent: a run that goes on after a stop compares with the same one. Whoever makes nothing counts nothing. People work
//! in the account meanwhile: more records than expected are told, fewer are a fault only where records of ours are
//! missing, or where it cannot be proved that none is.

use super::{context::Context, directory::record_id, failure::RunError};
use crate::{
    event::Event,
    ident::{ObjectId, StepId},
    ledger::{CountedAfter, CountedBefore, Entry},
    mapping::CountGate,
    outcome::gate::{BatchCount, MissingRecord, Verdict},
    platform::OpKind,
};
use std::{
    collections::{BTreeSet, HashSet},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

/// Pages that are read to count a list that does not say its total, or to find out which records are missing.
const PAGES: usize = 100;
/// Records that are read one by one to find out which are missing.
const READS: usize = 100;
/// Missing records that are named.
const NAMED: usize = 10;
/// How long to wait before each further look at a count that is too small: a list may follow a write late.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// What the destination held of each object before the batch.
#[derive(Debug)]
pub struct Gate {
    policy: CountGate,
    batch: AtomicU64,
    /// True once the slot of an object is filled: the way past it is short.
    counted: Vec<AtomicBool>,
    slots: Vec<tokio::sync::Mutex<Option<CountedBefore>>>,
}

impl Gate {
    /// A gate for so many destination objects.
    pub fn new(policy: CountGate, objects: usize) -> Gate {
        Gate {
            policy,
            batch: AtomicU64::new(0),
            counted: (0..objects).map(|_| AtomicBool::new(false)).collect(),
            slots: (0..objects)
                .map(|_| tokio::sync::Mutex::new(None))
                .collect(),
        }
    }

    fn is_counted(&self, object: ObjectId) -> bool {
        self.counted
            .get(object.ix())
            .is_none_or(|c| c.load(Ordering::Acquire))
    }

    fn set(
        &self,
        object: ObjectId,
        baseline: Option<CountedBefore>,
        slot: &mut Option<CountedBefore>,
    ) {
        if let Some(counted) = self.counted.get(object.ix()) {
            counted.store(baseline.is_some(), Ordering::Release);
        }
        *slot = baseline;
    }
}

impl Context {
    /// Counts an object at the destination, once a batch, before the first record of it is made. Whoever is about to
    /// make another one waits until that is done.
    ///
    /// # Errors
    /// When the destination or the ledger stops.
    pub async fn count_before(&self, object: ObjectId) -> Result<(), RunError> {
        if self.gate.policy == CountGate::Off || self.gate.is_counted(object) {
            return Ok(());
        }
        let Some(slot) = self.gate.slots.get(object.ix()) else {
            return Ok(());
        };
        let mut slot = slot.lock().await;
        if slot.is_some() {
            return Ok(());
        }
        let baseline = CountedBefore {
            object: self.object(object)?.name.clone(),
            batch: self.gate.batch.load(Ordering::Relaxed),
            records: count(self, object).await?,
            made: made(self, object)?,
        };
        self.ledger
            .append(vec![Entry::CountedBefore(baseline.clone())])
            .await?;
        self.gate.set(object, Some(baseline), &mut slot);
        Ok(())
    }
}

/// Begins a batch (from 1). What an interrupted run counted before it counts.
///
/// # Errors
/// When the ledger cannot be read.
pub fn open(ctx: &Context, batch: u64, steps: &[StepId]) -> Result<(), RunError> {
    ctx.gate.batch.store(batch, Ordering::Relaxed);
    if ctx.gate.policy == CountGate::Off {
        return Ok(());
    }
    let view = ctx.ledger.glance()?;
    for object in objects(ctx, steps)? {
        let known = view.counted_before(&ctx.object(object)?.name)?;
        // Nobody else is at work between two batches.
        if let Some(Ok(mut slot)) = ctx.gate.slots.get(object.ix()).map(|s| s.try_lock()) {
            ctx.gate.set(object, known, &mut slot);
        }
    }
    Ok(())
}

/// Ends a batch: counts again every object that was counted before it, and compares.
///
/// # Errors
/// When records of ours are missing and the policy is `balanced`; when the destination or the ledger stops.
pub async fn pass(ctx: &Context, steps: &[StepId]) -> Result<Vec<BatchCount>, RunError> {
    let mut all = Vec::new();
    if ctx.gate.policy == CountGate::Off {
        return Ok(all);
    }
    for object in objects(ctx, steps)? {
        let Some(slot) = ctx.gate.slots.get(object.ix()) else {
            continue;
        };
        let mut slot = slot.lock().await;
        let Some(before) = slot.take() else {
            continue;
        };
        ctx.gate.set(object, None, &mut slot);
        drop(slot);
        let done = compare(ctx, object, &before).await?;
        let passed = done.verdict != Verdict::Missing || ctx.gate.policy == CountGate::Warn;
        ctx.ledger
            .append(vec![Entry::CountedAfter(CountedAfter {
                object: done.object.clone(),
                batch: done.batch,
                found: done.found,
                expected: done.expected,
                verdict: word(done.verdict),
                passed,
            })])
            .await?;
        (ctx.emit)(&Event::Counted {
            batch: done.batch,
            object: done.object.clone(),
            expected: done.expected,
            found: done.found,
            verdict: word(done.verdict),
            words: done.line(),
        });
        all.push(done);
    }
    let missing: Vec<String> = all
        .iter()
        .filter(|c| c.verdict == Verdict::Missing)
        .map(|c| format!("  {}", c.line()))
        .collect();
    if missing.is_empty() || ctx.gate.policy != CountGate::Balanced {
        return Ok(all);
    }
    let batch = ctx.gate.batch.load(Ordering::Relaxed);
    Err(RunError::Gate(format!(
        "batch {batch} made records that are not at the destination, so {}:\n{}",
        consequence(batch, ctx.plan.batches.len()),
        missing.join("\n")
    )))
}

/// What does not happen after a batch (from 1) whose records are missing.
fn consequence(batch: u64, of: usize) -> &'static str {
    match batch < of as u64 {
        true => "the next one does not begin",
        false => "the run ends here",
    }
}

async fn compare(
    ctx: &Context,
    object: ObjectId,
    before: &CountedBefore,
) -> Result<BatchCount, RunError> {
    let now = made(ctx, object)?;
    let mut done = BatchCount {
        batch: before.batch,
        object: ctx.object(object)?.name.clone(),
        before: before.records,
        made: now.cast_signed() - before.made.cast_signed(),
        expected: None,
        found: None,
        verdict: Verdict::NotKnown,
        missing: Vec::new(),
        missing_records: 0,
    };
    let Some(records) = before.records else {
        return Ok(done);
    };
    let expected = records.saturating_add_signed(done.made);
    done.expected = Some(expected);
    let mut pauses = PAUSES.into_iter();
    let found = loop {
        let Some(found) = count(ctx, object).await? else {
            return Ok(done);
        };
        if found >= expected {
            break found;
        }
        match pauses.next() {
            Some(pause) => tokio::time::sleep(pause).await,
            None => break found,
        }
    };
    done.found = Some(found);
    done.verdict = match found {
        _ if found == expected => Verdict::Balanced,
        _ if found > expected => Verdict::More,
        _ => {
            let (missing, all) = missing(ctx, object, found).await?;
            done.missing_records = match all {
                true => missing.len() as u64,
                false => expected - found,
            };
            let verdict = match missing.is_empty() && all {
                true => Verdict::Others,
                false => Verdict::Missing,
            };
            done.missing = missing.into_iter().take(NAMED).collect();
            verdict
        }
    };
    Ok(done)
}

/// The destination's own count; `None` where it cannot tell with few calls, or answers otherwise than the platform
/// file says: a count is no reason to end a run.
async fn count(ctx: &Context, object: ObjectId) -> Result<Option<u64>, RunError> {
    let def = ctx.object(object)?;
    if def.op(OpKind::List).is_some() {
        return match ctx.rest.count(object, PAGES).await {
            Ok(count) => Ok(count),
            Err(crate::connector::Stop::Unexpected { call, why, .. }) => {
                tracing::warn!(%call, %why, "cannot count");
                Ok(None)
            }
            Err(stop) => Err(stop.into()),
        };
    }
    if ctx.admin(def) {
        let records = ctx.rest.admin_records(&admin_path(&def.name)).await?;
        return Ok(Some(records.len() as u64));
    }
    Ok(None)
}

/// Records of ours made in this batch that are not there, and whether these are all.
async fn missing(
    ctx: &Context,
    object: ObjectId,
    there: u64,
) -> Result<(Vec<MissingRecord>, bool), RunError> {
    let def = ctx.object(object)?;
    let view = ctx.ledger.view()?;
    let mut suspects = view.made_since(&def.name, &steps_of(ctx, object))?;
    drop(view);
    let mut all = true;
    let page = def
        .op(OpKind::List)
        .and_then(|op| op.page.as_ref())
        .map_or(usize::MAX, |p| p.size.max(1));
    let listable = def.op(OpKind::List).is_some() && there.div_ceil(page as u64) <= PAGES as u64;
    let can_get = def.op(OpKind::Get).is_some();
    if listable || ctx.admin(def) {
        let listed = ids(ctx, object).await?;
        suspects.retain(|(_, _, id)| !listed.contains(id));
    } else if !can_get {
        return Ok((Vec::new(), false));
    }
    // A list may leave out what a call by id shows.
    let mut missing = Vec::new();
    for (at, (step, key, id)) in suspects.into_iter().enumerate() {
        if can_get {
            if at >= READS {
                all = false;
                break;
            }
            if ctx.rest.get(object, &id).await?.is_some() {
                continue;
            }
        }
        missing.push(MissingRecord { step, key, id });
    }
    Ok((missing, all))
}

/// The ids that the destination lists.
async fn ids(ctx: &Context, object: ObjectId) -> Result<HashSet<String>, RunError> {
    let def = ctx.object(object)?;
    if def.op(OpKind::List).is_none() {
        let records = ctx.rest.admin_records(&admin_path(&def.name)).await?;
        return Ok(records.iter().filter_map(record_id).collect());
    }
    let mut all = HashSet::new();
    let mut cursor = ctx.rest.list(object);
    while let Some(page) = cursor.next().await? {
        all.extend(page.records.iter().filter_map(record_id));
    }
    Ok(all)
}

fn made(ctx: &Context, object: ObjectId) -> Result<u64, RunError> {
    let view = ctx.ledger.view()?;
    Ok(view.made(&steps_of(ctx, object))?)
}

/// The names of all steps that write an object.
fn steps_of(ctx: &Context, object: ObjectId) -> Vec<&str> {
    let steps = ctx.mapping.steps.iter();
    steps
        .filter(|s| s.to == object)
        .map(|s| s.name.as_str())
        .collect()
}

/// The objects that steps write.
fn objects(ctx: &Context, steps: &[StepId]) -> Result<BTreeSet<ObjectId>, RunError> {
    steps.iter().map(|id| Ok(ctx.step(*id)?.to)).collect()
}

fn admin_path(object: &str) -> String {
    format!("/_admin/objects/{object}")
}

fn word(verdict: Verdict) -> String {
    match verdict {
        Verdict::Balanced => "balanced",
        Verdict::More => "more",
        Verdict::Others => "others",
        Verdict::Missing => "missing",
        Verdict::NotKnown => "not_known",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_last_batch_no_next_one_is_spoken_of() {
        assert!(consequence(1, 2).contains("the next one"));
        assert!(!consequence(2, 2).contains("next"));
    }
}
