//! Brings a record that is there up to date: asks what is there, sends only what changed at the source, leaves what
//! people changed since as the policy says.

use super::{
    before,
    context::Context,
    failure::RunError,
    item::Work,
    merge::{Clash, Merged, Sides},
    send::{self, Done, Sent},
};
use crate::{
    connector::Reply,
    ident::StepId,
    ledger::{Entry, Origin},
    mapping::{Conflict, Step},
    platform::OpKind,
};
use serde_json::Value;
use std::sync::PoisonError;

/// A field of a record that changed at both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflicted {
    /// The step.
    pub step: StepId,
    /// The source record's key.
    pub key: String,
    /// The field, the policy and both values, masked.
    pub clash: Clash,
}

/// Updates a record by id. A hold that stands already is not noted down again.
///
/// # Errors
/// When the destination or the ledger stops.
pub async fn update(
    ctx: &Context,
    step: &Step,
    work: Work,
    id: String,
    origin: Origin,
) -> Result<Done, RunError> {
    let object = ctx.object(step.to)?;
    let wanted: Value = serde_json::from_slice(&work.body)
        .map_err(|e| RunError::Internal(format!("an encoded record is no JSON: {e}")))?;
    let base = ctx.bases.of(step, &work.key, work.part)?;
    let sides = Sides {
        readers: ctx.readers(step.to),
        custom_at: ctx.mapping.destination.custom.as_ref().map(|c| &*c.at),
        object,
        step,
        policy: &ctx.mapping.policy,
        wanted: &wanted,
        base: base.as_ref(),
        decided: ctx.mapping.overrides.of(work.step, &work.key),
    };
    ctx.claim(step.to, &id);
    if !sides.changed() {
        // What the fingerprint saw is nothing that is written.
        return unchanged(ctx, step, work, id, &Merged::default(), &sides, None).await;
    }
    let there = match object.op(OpKind::Get) {
        None => None,
        Some(_) => match ctx.rest.get(step.to, &id).await? {
            Some(record) => Some(record),
            None => {
                let words = format!("the record {id} it was bound to is gone at the destination");
                let held = send::held(step, &work, "gone", &words);
                return hold(ctx, work, "gone", words, vec![held]).await;
            }
        },
    };
    let merged = sides.merge(there.as_ref());
    ctx.conflicts(&work, &merged.clashes);
    if merged.holds() {
        let (words, entries) = conflict(step, &work, &merged.clashes);
        return hold(ctx, work, "conflict", words, entries).await;
    }
    let Some(patch) = &merged.patch else {
        return unchanged(ctx, step, work, id, &merged, &sides, there.as_ref()).await;
    };
    let was = there
        .as_ref()
        .and_then(|there| before::image(sides.readers, object, step, patch, there));
    let patch = patch.to_string();
    ctx.ledger
        .append(vec![send::intent_to_change(step, &work, was)])
        .await?;
    match ctx.rest.update(step.to, &id, patch.as_bytes()).await? {
        Reply::Done { record, .. } => {
            let written = merged.written(&sides, record.as_ref(), true);
            let mut entries = told(step, &work, &merged.clashes);
            entries.push(send::confirmed(step, &work, &id, origin, Some(written)));
            ctx.ledger.append(entries).await?;
            let differs = send::differing(ctx, step, patch.as_bytes(), record.as_ref())?;
            Ok(Done {
                work,
                sent: Sent::Updated { id },
                differs,
            })
        }
        Reply::Refused { status, reasons } => send::refuse(ctx, step, work, status, reasons).await,
        Reply::Gone => {
            let reasons = vec![format!("the record {id} is gone at the destination")];
            send::refuse(ctx, step, work, 404, reasons).await
        }
        Reply::InDoubt { why } => {
            // An update by id may be repeated; the next run does it.
            ctx.ledger
                .append(vec![send::in_doubt(step, &work, &why)])
                .await?;
            let words = format!("the update of {id} was not answered: {why}");
            Ok(Done {
                work,
                sent: Sent::Held {
                    code: "in_doubt",
                    words,
                },
                differs: Vec::new(),
            })
        }
    }
}

/// Notes that nothing had to be written.
async fn unchanged(
    ctx: &Context,
    step: &Step,
    work: Work,
    id: String,
    merged: &Merged,
    sides: &Sides<'_>,
    there: Option<&Value>,
) -> Result<Done, RunError> {
    let written = merged.written(sides, there, false);
    let mut entries = told(step, &work, &merged.clashes);
    entries.push(send::confirmed(
        step,
        &work,
        &id,
        Origin::Unchanged,
        Some(written),
    ));
    ctx.ledger.append(entries).await?;
    Ok(Done {
        work,
        sent: Sent::Unchanged { id },
        differs: Vec::new(),
    })
}

async fn hold(
    ctx: &Context,
    work: Work,
    code: &'static str,
    words: String,
    entries: Vec<Entry>,
) -> Result<Done, RunError> {
    if !ctx.standing.has(work.step, &work.key, code, &words) {
        ctx.ledger.append(entries).await?;
    }
    Ok(Done {
        work,
        sent: Sent::Held { code, words },
        differs: Vec::new(),
    })
}

/// The words and the entries of a hold for conflicts that a person has to decide about.
pub(super) fn conflict(step: &Step, work: &Work, clashes: &[Clash]) -> (String, Vec<Entry>) {
    let open = || clashes.iter().filter(|c| c.policy == Conflict::Hold);
    let words: Vec<String> = open()
        .map(|c| {
            format!(
                "{} is now {} at the source, and people changed it to {} at the destination",
                c.field, c.ours, c.theirs
            )
        })
        .collect();
    let words = words.join("; ");
    let mut held = send::held(step, work, "conflict", &words);
    if let Entry::Held { field, .. } = &mut held {
        *field = open().next().map(|c| c.field.clone());
    }
    let mut entries = told(step, work, clashes);
    entries.push(held);
    (words, entries)
}

/// The entries that tell of conflicts.
pub(super) fn told(step: &Step, work: &Work, clashes: &[Clash]) -> Vec<Entry> {
    let entry = |clash: &Clash| Entry::Conflicted {
        step: step.name.clone(),
        key: work.key.clone(),
        part: u32::from(work.part),
        field: clash.field.clone(),
        policy: clash.policy.word().to_owned(),
        ours: clash.ours.clone(),
        theirs: clash.theirs.clone(),
        seen: clash.seen.clone(),
    };
    clashes.iter().map(entry).collect()
}

impl Context {
    /// Notes fields that changed at both sides, for the report.
    pub(super) fn conflicts(&self, work: &Work, clashes: &[Clash]) {
        let mut all = self
            .conflicted
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.extend(clashes.iter().map(|clash| Conflicted {
            step: work.step,
            key: work.key.clone(),
            clash: clash.clone(),
        }));
    }

    /// Takes what was noted, in order of step, field and key.
    pub fn take_conflicts(&self) -> Vec<Conflicted> {
        let mut all = std::mem::take(
            &mut *self
                .conflicted
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        all.sort_by(|a, b| (a.step, &a.clash.field, &a.key).cmp(&(b.step, &b.clash.field, &b.key)));
        all
    }
}
