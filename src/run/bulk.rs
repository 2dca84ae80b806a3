//! Sends a chunk of records in one bulk call, follows its job, and settles each record by what is there.
//!
//! Where a job reports failures of single records is not known for every platform, so the listing after the
//! job decides: what is there was created, what is not is sent alone and gets its own answer.

use super::{
    context::Context,
    failure::RunError,
    find::{self, Search},
    item::Work,
    key::KeyRule,
    send::{self, Done, Refusal, Sent, Tried},
};
use crate::{
    connector::{
        BulkReply,
        rest::{BulkRow, JobState},
    },
    event::Event,
    ledger::{Entry, Intent, Origin, WriteOp},
    mapping::Step,
    platform::OpKind,
};
use serde_json::Value;

/// The bulk key of a step: its wire name and the position of the match key that holds it.
pub fn bulk_key(ctx: &Context, step: &Step) -> Option<(String, usize)> {
    let object = ctx.mapping.destination.objects.get(step.to.ix())?;
    let op = object.op(OpKind::BulkUpsert)?;
    step.match_keys.iter().enumerate().find_map(|(at, key)| {
        let [(field, _)] = key.pairs.as_slice() else {
            return None;
        };
        let unique = object.fields.get(field.ix())?.unique;
        let (name, _) = op.keys.iter().find(|(_, f)| f == field)?;
        unique.then(|| (name.clone(), at))
    })
}

/// Creates a chunk of records that the listing did not show.
///
/// # Errors
/// When the destination or the ledger stops.
pub async fn create(
    ctx: &Context,
    step: &Step,
    chunk: String,
    works: Vec<Work>,
) -> Result<Vec<Done>, RunError> {
    let Some((key_name, key_at)) = bulk_key(ctx, step) else {
        return Err(RunError::Internal(
            "a bulk call without a bulk key".to_owned(),
        ));
    };
    ctx.count_before(step.to).await?;
    let intents = works
        .iter()
        .map(|w| {
            Entry::Intended(Intent {
                step: step.name.clone(),
                key: w.key.clone(),
                part: u32::from(w.part),
                op: WriteOp::Bulk,
                fingerprint: w.fingerprint,
                chunk: Some(chunk.clone()),
                match_key: w.keys.get(key_at).cloned().flatten(),
                before: None,
            })
        })
        .collect();
    ctx.ledger.append(intents).await?;
    let rows: Vec<BulkRow<'_>> = works
        .iter()
        .map(|w| BulkRow {
            key_wire: &key_name,
            key_value: w.keys.get(key_at).and_then(|k| k.as_deref()).unwrap_or(""),
            record: &w.body,
        })
        .collect();
    let reply = match ctx.rest.bulk_upsert(step.to, &rows).await {
        Ok(reply) => reply,
        Err(stop) => {
            // It ends this way only when it was not sent, or not carried out: the next run need not look for each.
            let absent = works.iter().map(|w| send::absent(step, w)).collect();
            let _ = ctx.ledger.append(absent).await;
            return Err(stop.into());
        }
    };
    match reply {
        BulkReply::Job(job) => {
            // It is on its way to the disk from here on; the job goes on meanwhile.
            let noted = ctx.ledger.append(vec![Entry::JobStarted {
                step: step.name.clone(),
                chunk: chunk.clone(),
                job: job.clone(),
            }]);
            let state = ctx.rest.wait_job(step.to, &job).await;
            noted.await?;
            let state = state?;
            if !matches!(state, JobState::Done(_)) {
                (ctx.emit)(&Event::Resolving {
                    step: step.name.clone(),
                    records: works.len() as u64,
                });
            }
            // A job that nobody knows is not known to be over.
            if let (JobState::Gone, Some(last)) = (state, works.last()) {
                find::find(ctx, step, last).await?;
            }
        }
        BulkReply::Refused { .. } => {}
        BulkReply::InDoubt { why } => {
            (ctx.emit)(&Event::Resolving {
                step: step.name.clone(),
                records: works.len() as u64,
            });
            let doubts = works
                .iter()
                .map(|w| Entry::InDoubt {
                    step: step.name.clone(),
                    key: w.key.clone(),
                    part: u32::from(w.part),
                    why: why.clone(),
                })
                .collect();
            ctx.ledger.append(doubts).await?;
            // A job that nobody can ask for may still be at work: its last record tells when it is done.
            if let Some(last) = works.last() {
                find::find(ctx, step, last).await?;
            }
        }
    }
    let ended = Entry::JobEnded {
        step: step.name.clone(),
        chunk,
    };
    settle(ctx, step, works, ended).await
}

/// Settles records that a bulk call may have written. `ended`: what is noted down when the last of them is settled.
async fn settle(
    ctx: &Context,
    step: &Step,
    works: Vec<Work>,
    ended: Entry,
) -> Result<Vec<Done>, RunError> {
    ctx.list(step.to, false).await?;
    let mut done = Vec::with_capacity(works.len());
    let mut entries = Vec::new();
    let mut rest = Vec::new();
    for work in works {
        match there(ctx, step, &work) {
            Some((id, record)) => {
                ctx.claim(step.to, &id);
                let differs = send::differing(ctx, step, &work.body, record.as_ref())?;
                let written = ctx.written(step, &work.body, record.as_ref());
                entries.push(send::confirmed(step, &work, &id, Origin::Created, written));
                done.push(Done {
                    work,
                    sent: Sent::Created { id },
                    differs,
                });
            }
            None => rest.push(work),
        }
    }
    if rest.is_empty() {
        entries.push(ended);
        ctx.ledger.append(entries).await?;
        return Ok(done);
    }
    ctx.ledger.append(entries).await?;
    let mut refused = Vec::new();
    for work in rest {
        // Not listed is not proof enough for a second call: look once more under its key.
        match find::look(ctx, step, &work).await? {
            Search::Found(id) => done.push(send::adopt(ctx, step, work, id).await?),
            _ => match send::try_create(ctx, step, work).await? {
                Tried::Done(one) => done.push(one),
                Tried::Refused(refusal) => refused.push(refusal),
            },
        }
    }
    look_again(ctx, step, refused, &mut done).await?;
    ctx.ledger.append(vec![ended]).await?;
    Ok(done)
}

/// Settles records that were refused alone after a bulk call that may have written them: the refusal may say no more than that
/// they are there by now.
async fn look_again(
    ctx: &Context,
    step: &Step,
    mut refused: Vec<Refusal>,
    done: &mut Vec<Done>,
) -> Result<(), RunError> {
    let listed = ctx.can_list(ctx.object(step.to)?);
    for (nth, pause) in find::PAUSES.into_iter().enumerate() {
        if refused.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(pause).await;
        match (listed, nth) {
            (false, _) => {}
            (true, 0) => ctx.list_deep(step.to).await?,
            (true, _) => ctx.list(step.to, false).await?,
        }
        let mut still = Vec::with_capacity(refused.len());
        for refusal in refused {
            let search = match listed {
                true => find::by_key(ctx, step, &refusal.work),
                false => find::look(ctx, step, &refusal.work).await?,
            };
            match search {
                Search::Found(id) => done.push(send::adopt(ctx, step, refusal.work, id).await?),
                _ => still.push(refusal),
            }
        }
        refused = still;
    }
    for Refusal {
        work,
        status,
        reasons,
    } in refused
    {
        done.push(send::refuse(ctx, step, work, status, reasons).await?);
    }
    Ok(())
}

/// The record that the listing shows under the keys of a source record: its id, and itself.
fn there(ctx: &Context, step: &Step, work: &Work) -> Option<(String, Option<Value>)> {
    let mut directory = ctx.directory(step.to)?;
    for (key, text) in step.match_keys.iter().zip(&work.keys) {
        let (Some(text), Some(rule)) = (text, directory.rule(&KeyRule::from(key))) else {
            continue;
        };
        if let Some(id) = directory.id_of(rule, text).map(str::to_owned) {
            let record = directory.take_record(&id);
            return Some((id, record));
        }
    }
    None
}
