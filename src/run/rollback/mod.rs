//! Rollback: undoes what the migration did, last things first, and only that.
//!
//! Records it made and nobody touched are removed; fields it changed get back what they held, unless people changed
//! them since; what people changed or added to stays, with the reason. Every call has its intent in the ledger first, so
//! that the same command goes on after any stop.

mod decide;
mod execute;
mod order;
mod past;
mod touched;

use super::{RunError, context::Emit};
use crate::{
    connector::rest::Rest,
    ident::ObjectId,
    ledger::{Ledger, Origin, View},
    mapping::Mapping,
    outcome::rollback::{Left, Rollback, StepUndo},
    plan::Plan,
    platform::OpKind,
    run::reconcile::{read::Reader, shelf::Shelf},
};
use decide::{Decisions, Do, World};
use past::History;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

/// What a rollback needs.
pub struct Inputs {
    /// The mapping.
    pub mapping: Arc<Mapping>,
    /// Its plan: what came last is undone first.
    pub plan: Arc<Plan>,
    /// The destination.
    pub rest: Rest,
    /// The ledger as it stands.
    pub view: View,
    /// The ledger, open and begun; `None` makes a preview that writes nothing.
    pub ledger: Option<Arc<Ledger>>,
    /// Only this destination object or step.
    pub only: Option<String>,
    /// Listener.
    pub emit: Emit,
}

/// When the last load ended or was last heard of, in milliseconds of Unix time; `None` when nothing was loaded.
///
/// # Errors
/// When the ledger cannot be read.
pub fn loaded_ms(view: &View, mapping: &Mapping) -> Result<Option<i64>, RunError> {
    let history = past::read(view, mapping)?;
    Ok(history.loaded_ms)
}

/// Undoes, or shows what it would undo.
///
/// # Errors
/// When destination or ledger stop; the same command goes on from there.
pub async fn rollback(inputs: Inputs) -> Result<Rollback, RunError> {
    let Inputs {
        mapping,
        plan,
        rest,
        view,
        ledger,
        only,
        emit,
    } = inputs;
    let history = past::read(&view, &mapping)?;
    drop(view);
    if let Some(only) = &only
        && !mapping.steps.iter().any(|s| s.name == *only)
        && !mapping.destination.objects.iter().any(|o| o.name == *only)
    {
        return Err(RunError::Source {
            what: format!("`--only {only}` names neither a step nor an object of the destination"),
        });
    }
    let mut out = Rollback {
        schema_version: 1,
        mapping: mapping.name.clone(),
        destination: mapping.destination.title.clone(),
        preview: ledger.is_none(),
        nothing_left: false,
        loaded: None,
        until: None,
        steps: Vec::new(),
        kept: Vec::new(),
        by_hand: Vec::new(),
        calls_read: 0,
        calls_write: 0,
    };
    for (step, records) in &history.unknown {
        out.kept.push(Left {
            step: step.clone(),
            key: String::new(),
            part: 0,
            object: String::new(),
            id: String::new(),
            why: format!(
                "{records} records: the step is no longer in the mapping; roll back with the mapping that loaded them"
            ),
            fields: Vec::new(),
        });
    }
    if history.steps.iter().all(Vec::is_empty) {
        out.nothing_left = true;
        return Ok(out);
    }
    rest.probe().await?;
    let reader = Reader::new(
        rest.clone(),
        Arc::clone(&mapping),
        false,
        None,
        Arc::clone(&emit),
    );
    let shelves = look(&reader, &mapping, &history, only.as_deref()).await?;
    let readers: Vec<_> = (0u16..)
        .map(ObjectId)
        .zip(&mapping.destination.objects)
        .map(|(id, _)| reader.readers(id))
        .collect();
    let world = World {
        mapping: &mapping,
        readers: &readers,
        shelves: &shelves,
        only: only.as_deref(),
    };
    let decisions = decide::decide(&world, &history);
    match &ledger {
        None => preview(&world, &plan, &history, &decisions, &mut out),
        Some(ledger) => {
            let mut executor = execute::Executor::new(&world, &rest, ledger, &history, decisions);
            executor.run(&plan, &mut out, &emit).await?;
        }
    }
    let calls = rest.calls();
    (out.calls_read, out.calls_write) = (calls.read, calls.write);
    out.nothing_left = out
        .steps
        .iter()
        .all(|s| s.removed + s.restored + s.gone + s.untouched == 0);
    Ok(out)
}

/// Reads what the decisions need: the objects written to, and those that may refer to what is to be removed. Objects
/// that are only shown below others are read below records that this migration knows.
async fn look(
    reader: &Reader,
    mapping: &Mapping,
    history: &History,
    only: Option<&str>,
) -> Result<BTreeMap<ObjectId, Shelf>, RunError> {
    let mut known: HashMap<ObjectId, HashSet<String>> = HashMap::new();
    let mut made: BTreeSet<ObjectId> = BTreeSet::new();
    let mut objects: BTreeSet<ObjectId> = BTreeSet::new();
    for past in history.steps.iter().flatten() {
        let Some(step) = mapping.steps.get(past.step.ix()) else {
            continue;
        };
        // A call without an answer leaves no id: nothing can be asked by it.
        if !past.id.is_empty() {
            known.entry(step.to).or_default().insert(past.id.clone());
        }
        if !decide::is_chosen(mapping, only, past) {
            continue;
        }
        match past.origin {
            Some(Origin::Created) => {
                made.insert(step.to);
                objects.insert(step.to);
            }
            Some(Origin::Updated) => {
                objects.insert(step.to);
            }
            _ if past.is_open() => {
                objects.insert(step.to);
            }
            _ => {}
        }
    }
    for (at, object) in mapping.destination.objects.iter().enumerate() {
        let refers = object
            .fields
            .iter()
            .filter_map(|f| f.reference.as_ref())
            .any(|r| r.to.iter().any(|to| made.contains(to)));
        let shown = object.op(OpKind::List).is_some() || object.op(OpKind::Children).is_some();
        if refers
            && shown
            && let Ok(id) = u16::try_from(at)
        {
            objects.insert(ObjectId(id));
        }
    }
    reader.read_objects(&objects, Some(&known)).await
}

/// The steps of the plan, what came last first.
fn backwards(plan: &Plan) -> Vec<crate::ident::StepId> {
    let mut all: Vec<_> = plan.batches.iter().flatten().copied().collect();
    all.reverse();
    all
}

/// A line of the report without counts.
fn undo(world: &World<'_>, step: crate::ident::StepId) -> StepUndo {
    let step = world.mapping.steps.get(step.ix());
    let object = step.and_then(|s| world.object(s.to));
    StepUndo {
        step: step.map(|s| s.name.clone()).unwrap_or_default(),
        object: object.map(|o| o.name.clone()).unwrap_or_default(),
        bin_seconds: object
            .and_then(|o| o.op(OpKind::Delete))
            .filter(|op| op.soft)
            .and_then(|op| op.keeps),
        ..StepUndo::default()
    }
}

/// What stays of a record.
fn left(world: &World<'_>, past: &past::Past, why: &str, fields: &[String]) -> Left {
    let step = world.mapping.steps.get(past.step.ix());
    Left {
        step: step.map(|s| s.name.clone()).unwrap_or_default(),
        key: past.key.clone(),
        part: past.part,
        object: step
            .and_then(|s| world.object(s.to))
            .map(|o| o.name.clone())
            .unwrap_or_default(),
        id: past.id.clone(),
        why: why.to_owned(),
        fields: fields.to_vec(),
    }
}

fn preview(
    world: &World<'_>,
    plan: &Plan,
    history: &History,
    decisions: &Decisions,
    out: &mut Rollback,
) {
    for id in backwards(plan) {
        let (Some(pasts), Some(all)) = (history.steps.get(id.ix()), decisions.steps.get(id.ix()))
        else {
            continue;
        };
        if pasts.is_empty() {
            continue;
        }
        let mut line = undo(world, id);
        for (past, what) in pasts.iter().zip(all) {
            match what {
                Do::Remove => line.removed += 1,
                Do::Gone => line.gone += 1,
                Do::Unbind => line.untouched += 1,
                Do::Settled => {}
                Do::Restore(restore) => {
                    line.restored += 1;
                    if !restore.kept.is_empty() {
                        let why = execute::FIELDS_STAY;
                        out.kept.push(left(world, past, why, &restore.kept));
                    }
                }
                Do::ByHand(why) => {
                    line.by_hand += 1;
                    out.by_hand.push(left(world, past, why, &[]));
                }
                Do::Keep { why, fields } => {
                    line.kept += 1;
                    out.kept.push(left(world, past, why, fields));
                }
            }
        }
        out.steps.push(line);
    }
}
