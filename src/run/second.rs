//! The second pass of a step: references that only later records could resolve, written by id. References that were
//! written before and are others at the source now are changed as any field is: what people changed since stays.

use super::{
    before,
    context::Context,
    failure::RunError,
    item::{self, Collector, Item, StepEncoder, Work},
    known::Standing,
    merge::{Merged, Sides},
    prepare,
    resolver::Resolver,
    source::Source,
    update,
};
use crate::{
    connector::Reply,
    event::Event,
    ident::StepId,
    ledger::{Entry, IdState, Origin, Written, WrittenFields, written::name_hash},
    mapping::Step,
    platform::OpKind,
    transform::{Pass, Tables},
};
use bumpalo::Bump;
use serde_json::Value;
use std::{collections::HashMap, sync::Arc};
use tokio::task::JoinSet;

/// Updates under way at a time.
const SIDE_BY_SIDE: usize = 64;

/// What a second pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SecondPass {
    /// Records whose references were written.
    pub written: u64,
    /// Records whose references the destination refused.
    pub failed: u64,
}

/// A record whose references are to be written.
struct Record {
    work: Work,
    dest_id: String,
    /// This migration created it, so that nothing of it has to be kept for a rollback.
    ours: bool,
    /// What was written before, where a second pass wrote it and other references are wanted now.
    base: Option<Written>,
    /// A conflict of the record that stands in the ledger.
    standing: Option<Standing>,
}

/// Writes the deferred references of one step. Records that have theirs already, as the source has them, are left alone.
///
/// # Errors
/// When source, destination or ledger stop.
pub async fn run(
    ctx: &Arc<Context>,
    source: &Arc<Source>,
    resolver: Arc<Resolver>,
    tables: &Arc<Tables>,
    id: StepId,
    ids: Arc<crate::ledger::IdMap>,
) -> Result<SecondPass, RunError> {
    let step = ctx.step(id)?;
    (ctx.emit)(&Event::StepStarted {
        step: step.name.clone(),
        records: None,
        second_pass: true,
    });
    let pass = Pass::compile(
        Arc::clone(&ctx.mapping),
        Arc::clone(tables),
        &[id],
        &ctx.deferred,
        true,
    )
    .map_err(|e| RunError::Internal(e.to_string()))?;
    let object = ctx.object(step.to)?;
    let encoder = StepEncoder::new(
        step,
        item::encoder(&ctx.mapping.destination, object, step),
        None,
    );
    let source = Arc::clone(source);
    let works =
        tokio::task::spawn_blocking(move || collect(&source, &pass, id, encoder, &resolver))
            .await
            .map_err(|e| RunError::Internal(format!("the reader stopped: {e}")))??;
    prepare::sound(tables)?;
    ctx.bases.refresh(&ctx.ledger)?;
    let mut done = SecondPass::default();
    let chosen = ctx.chosen.get();
    let mut standing = standing(ctx, step, id)?;
    let mut released = Vec::new();
    let mut tasks: JoinSet<Result<bool, RunError>> = JoinSet::new();
    for work in works {
        if let Some(chosen) = chosen {
            if !chosen.has(step.from, &work.key) {
                continue;
            }
            chosen.note_second(id, &work.key, work.part, &work.body);
        }
        let there = ids.with(id, &work.key, u32::from(work.part), |e| {
            (e.state == IdState::Confirmed).then(|| {
                let ours = e.origin == Some(Origin::Created);
                (e.dest_id.to_owned(), ours, e.second_pass)
            })
        });
        let Some(Some((dest_id, ours, written))) = there else {
            continue;
        };
        let standing = standing.remove(&work.key);
        let base = match written {
            false => None,
            true => match other_now(ctx, step, &work)? {
                Some(base) => Some(base),
                None => {
                    // The source has gone back to what is there.
                    released.extend(standing.map(|_| release(step, &work.key)));
                    continue;
                }
            },
        };
        let record = Record {
            work,
            dest_id,
            ours,
            base,
            standing,
        };
        if tasks.len() >= ctx.side_by_side(SIDE_BY_SIDE)
            && let Some(joined) = tasks.join_next().await
        {
            count(&mut done, joined)?;
        }
        let ctx = Arc::clone(ctx);
        tasks.spawn(async move {
            match &record.base {
                None => write(&ctx, &record).await,
                Some(base) => change(&ctx, &record, base).await,
            }
        });
    }
    while let Some(joined) = tasks.join_next().await {
        count(&mut done, joined)?;
    }
    // What has no reference any more has no conflict either.
    let gone = standing.into_keys();
    let gone = gone.filter(|key| chosen.is_none_or(|c| c.has(step.from, key)));
    released.extend(gone.map(|key| release(step, &key)));
    if !released.is_empty() {
        ctx.ledger.append(released).await?;
    }
    Ok(done)
}

/// The conflicts of a step that second passes decide about, as they stand in the ledger.
fn standing(ctx: &Context, step: &Step, id: StepId) -> Result<HashMap<String, Standing>, RunError> {
    let view = ctx.ledger.view();
    let all = view.and_then(|v| Standing::all(&v, &step.name));
    let mut all = all.map_err(|e| RunError::Internal(e.to_string()))?;
    all.retain(|_, hold| decides(ctx, id, hold));
    Ok(all)
}

/// True when second passes decide about a hold: a conflict in a reference that they write.
pub fn decides(ctx: &Context, id: StepId, hold: &Standing) -> bool {
    let Some(step) = ctx.mapping.steps.get(id.ix()) else {
        return false;
    };
    let field = |at: &usize| {
        let object = ctx.mapping.destination.objects.get(step.to.ix())?;
        object.fields.get(step.fields.get(*at)?.to.ix())
    };
    hold.code == "conflict"
        && ctx
            .deferred
            .iter()
            .any(|(of, at)| *of == id && field(at).is_some_and(|field| field.name == hold.field))
}

fn release(step: &Step, key: &str) -> Entry {
    Entry::Released {
        step: step.name.clone(),
        key: key.to_owned(),
    }
}

fn count(
    done: &mut SecondPass,
    joined: Result<Result<bool, RunError>, tokio::task::JoinError>,
) -> Result<(), RunError> {
    match joined.map_err(|e| RunError::Internal(e.to_string()))?? {
        true => done.written += 1,
        false => done.failed += 1,
    }
    Ok(())
}

fn collect(
    source: &Source,
    pass: &Pass,
    id: StepId,
    encoder: StepEncoder,
    resolver: &Resolver,
) -> Result<Vec<Work>, RunError> {
    let encoders = HashMap::from([(id, encoder)]);
    let mut works = Vec::new();
    let mut arena = Bump::new();
    let mut reader = source.open(pass.object(), pass.columns())?;
    while let Some(page) = reader.next_page()? {
        let mut collector = Collector::new(&encoders);
        let keys = pass.keys(&page);
        pass.run(&page, &keys, resolver, &arena, &mut collector);
        arena.reset();
        works.extend(collector.into_items().into_iter().filter_map(|i| match i {
            Item::Work(work) if work.body != b"{}" => Some(*work),
            _ => None,
        }));
    }
    Ok(works)
}

/// What was written into a record, when it is not what the references are now. A ledger that does not say what was
/// written cannot tell, and the record is left alone.
fn other_now(ctx: &Context, step: &Step, work: &Work) -> Result<Option<Written>, RunError> {
    let Some(base) = ctx.bases.of(step, &work.key, work.part)? else {
        return Ok(None);
    };
    let wanted = wire(work)?;
    let changed = sides(ctx, step, work, &wanted, &base)?.changed();
    Ok(changed.then_some(base))
}

fn wire(work: &Work) -> Result<Value, RunError> {
    serde_json::from_slice(&work.body)
        .map_err(|e| RunError::Internal(format!("an encoded record is no JSON: {e}")))
}

fn sides<'a>(
    ctx: &'a Context,
    step: &'a Step,
    work: &Work,
    wanted: &'a Value,
    base: &'a Written,
) -> Result<Sides<'a>, RunError> {
    Ok(Sides {
        readers: ctx.readers(step.to),
        custom_at: ctx.mapping.destination.custom.as_ref().map(|c| &*c.at),
        object: ctx.object(step.to)?,
        step,
        policy: &ctx.mapping.policy,
        wanted,
        base: Some(base),
        decided: ctx.mapping.overrides.of(work.step, &work.key),
    })
}

/// Changes references that were written before: those that are others at the source now, and that people left as they
/// were written.
async fn change(ctx: &Context, record: &Record, base: &Written) -> Result<bool, RunError> {
    let Record { work, dest_id, .. } = record;
    let step = ctx.step(work.step)?;
    let wanted = wire(work)?;
    let sides = sides(ctx, step, work, &wanted, base)?;
    let there = match sides.object.op(OpKind::Get) {
        None => None,
        Some(_) => match ctx.rest.get(step.to, dest_id).await? {
            Some(there) => Some(there),
            None => return Ok(false),
        },
    };
    let merged = sides.merge(there.as_ref());
    ctx.conflicts(work, &merged.clashes);
    if merged.holds() {
        let (words, entries) = update::conflict(step, work, &merged.clashes);
        if record.standing.as_ref().is_none_or(|s| s.words != words) {
            ctx.ledger.append(entries).await?;
        }
        return Ok(false);
    }
    let mut entries = update::told(step, work, &merged.clashes);
    entries.extend(record.standing.as_ref().map(|_| release(step, &work.key)));
    let Some(patch) = &merged.patch else {
        let written = later(ctx, step, &merged, &sides, there.as_ref(), false);
        entries.push(done(step, work, Some(written)));
        ctx.ledger.append(entries).await?;
        return Ok(true);
    };
    if !record.ours
        && let Some(entry) = before::entry(ctx, step, work, dest_id).await?
    {
        ctx.ledger.append(vec![entry]).await?;
    }
    let body = patch.to_string();
    match ctx.rest.update(step.to, dest_id, body.as_bytes()).await? {
        Reply::Done { record, .. } => {
            let written = later(ctx, step, &merged, &sides, record.as_ref(), true);
            entries.push(done(step, work, Some(written)));
            ctx.ledger.append(entries).await?;
            Ok(true)
        }
        Reply::Refused { reasons, .. } => {
            set_aside(ctx, step, work, "second_pass_refused", reasons.join("; ")).await
        }
        Reply::Gone | Reply::InDoubt { .. } => Ok(false),
    }
}

/// Of what the ledger is to know of a record, what second passes write.
fn later(
    ctx: &Context,
    step: &Step,
    merged: &Merged,
    sides: &Sides<'_>,
    answer: Option<&Value>,
    wrote: bool,
) -> Written {
    let all = merged.written(sides, answer, wrote);
    let deferred = ctx.deferred.iter().filter_map(|(id, entry)| {
        let of = ctx.mapping.steps.get(id.ix())?;
        let to = of.fields.get(*entry)?.to;
        let field = sides.object.fields.get(to.ix())?;
        (of.name == step.name).then(|| name_hash(&field.name))
    });
    let deferred: Vec<u32> = deferred.collect();
    let mut fields = WrittenFields::default();
    for field in all.fields.iter().filter(|f| deferred.contains(&f.name)) {
        fields.add(&field);
    }
    Written {
        fields,
        stamp: all.stamp,
    }
}

fn done(step: &Step, work: &Work, written: Option<Written>) -> Entry {
    Entry::SecondPassDone {
        step: step.name.clone(),
        key: work.key.clone(),
        part: u32::from(work.part),
        written,
    }
}

async fn set_aside(
    ctx: &Context,
    step: &Step,
    work: &Work,
    code: &str,
    words: String,
) -> Result<bool, RunError> {
    ctx.ledger
        .append(vec![Entry::Held {
            step: step.name.clone(),
            key: work.key.clone(),
            part: u32::from(work.part),
            code: code.to_owned(),
            field: None,
            value: None,
            words,
            line: (work.line > 0).then_some(work.line),
        }])
        .await?;
    Ok(false)
}

/// Writes the references of one record for the first time. False when the destination refuses them.
async fn write(ctx: &Context, record: &Record) -> Result<bool, RunError> {
    let Record { work, dest_id, .. } = record;
    let step = ctx.step(work.step)?;
    if !record.ours
        && let Some(entry) = before::entry(ctx, step, work, dest_id).await?
    {
        ctx.ledger.append(vec![entry]).await?;
    }
    match ctx.rest.update(step.to, dest_id, &work.body).await? {
        Reply::Done { record, .. } => {
            let written = ctx.written(step, &work.body, record.as_ref());
            ctx.ledger.append(vec![done(step, work, written)]).await?;
            Ok(true)
        }
        Reply::Refused { reasons, .. } => {
            set_aside(ctx, step, work, "second_pass_refused", reasons.join("; ")).await
        }
        Reply::Gone => Ok(false),
        // Not marked as done: the next run writes it again, which is safe by id.
        Reply::InDoubt { .. } => Ok(false),
    }
}
