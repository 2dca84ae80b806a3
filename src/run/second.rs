//! The second pass of a step: references that only later records could resolve, written by id.

use super::{
    before,
    context::Context,
    failure::RunError,
    item::{self, Collector, Item, StepEncoder, Work},
    prepare,
    resolver::Resolver,
    source::Source,
};
use crate::{
    connector::Reply,
    event::Event,
    ident::StepId,
    ledger::{Entry, IdState, Origin},
    transform::{Pass, Tables},
};
use bumpalo::Bump;
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

/// Writes the deferred references of one step. Records that have theirs already are left alone.
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
    let mut done = SecondPass::default();
    let chosen = ctx.chosen.get();
    let mut tasks: JoinSet<Result<bool, RunError>> = JoinSet::new();
    for work in works {
        if let Some(chosen) = chosen {
            if !chosen.has(step.from, &work.key) {
                continue;
            }
            chosen.note_second(id, &work.key, work.part, &work.body);
        }
        let there = ids.with(id, &work.key, u32::from(work.part), |e| {
            (e.state == IdState::Confirmed && !e.second_pass)
                .then(|| (e.dest_id.to_owned(), e.origin == Some(Origin::Created)))
        });
        let Some(Some((dest_id, ours))) = there else {
            continue;
        };
        if tasks.len() >= SIDE_BY_SIDE
            && let Some(joined) = tasks.join_next().await
        {
            count(&mut done, joined)?;
        }
        let ctx = Arc::clone(ctx);
        tasks.spawn(async move { write(&ctx, work, &dest_id, ours).await });
    }
    while let Some(joined) = tasks.join_next().await {
        count(&mut done, joined)?;
    }
    Ok(done)
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

/// Writes the references of one record. False when the destination refuses them. `ours`: this migration created it, so
/// that nothing of it has to be kept for a rollback.
async fn write(ctx: &Context, work: Work, dest_id: &str, ours: bool) -> Result<bool, RunError> {
    let step = ctx.step(work.step)?;
    if !ours && let Some(entry) = before::entry(ctx, step, &work, dest_id).await? {
        ctx.ledger.append(vec![entry]).await?;
    }
    match ctx.rest.update(step.to, dest_id, &work.body).await? {
        Reply::Done { record, .. } => {
            let written = ctx.written(step, &work.body, record.as_ref());
            ctx.ledger
                .append(vec![Entry::SecondPassDone {
                    step: step.name.clone(),
                    key: work.key.clone(),
                    part: u32::from(work.part),
                    written,
                }])
                .await?;
            Ok(true)
        }
        Reply::Refused { reasons, .. } => {
            ctx.ledger
                .append(vec![Entry::Held {
                    step: step.name.clone(),
                    key: work.key.clone(),
                    part: u32::from(work.part),
                    code: "second_pass_refused".to_owned(),
                    field: None,
                    value: None,
                    words: reasons.join("; "),
                    line: (work.line > 0).then_some(work.line),
                }])
                .await?;
            Ok(false)
        }
        Reply::Gone => Ok(false),
        // Not marked as done: the next run writes it again, which is safe by id.
        Reply::InDoubt { .. } => Ok(false),
    }
}
