//! Sends one record: intent, call, outcome. Never a second create before the destination was asked.

use super::{
    attach::{self, Form, check},
    compare,
    context::Context,
    failure::RunError,
    find::{self, Search},
    item::Work,
};
use crate::{
    connector::Reply,
    ledger::{Entry, Intent, Origin, WriteOp, Written},
    mapping::Step,
    platform::OpKind,
};
use serde_json::Value;

/// How a record ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// New at the destination.
    Created {
        /// Its id there.
        id: String,
    },
    /// Written over.
    Updated {
        /// Its id there.
        id: String,
    },
    /// There already, nothing written.
    Unchanged {
        /// Its id there.
        id: String,
    },
    /// Refused.
    Failed {
        /// The destination's reasons.
        reasons: String,
    },
    /// Set aside.
    Held {
        /// The hold code.
        code: &'static str,
        /// In words.
        words: String,
    },
}

/// A record's end, and what the destination kept otherwise than it was sent (names of fields).
#[derive(Clone, Debug)]
pub struct Done {
    /// The record.
    pub work: Work,
    /// How it ended.
    pub sent: Sent,
    /// Fields that differ from what was sent.
    pub differs: Vec<String>,
}

/// How a record ended that was tried alone.
pub enum Tried {
    /// It is booked.
    Done(Done),
    /// The destination refused it; not booked yet.
    Refused(Refusal),
}

/// A refusal that is not booked yet.
pub struct Refusal {
    /// The record.
    pub work: Work,
    /// The status.
    pub status: u16,
    /// The destination's reasons.
    pub reasons: Vec<String>,
}

/// How often a create is sent when each answer is lost and the record is not there.
const ATTEMPTS: usize = 4;

/// The entry that says a record is about to be sent.
pub fn intent(step: &Step, work: &Work, op: WriteOp) -> Entry {
    Entry::Intended(Intent {
        step: step.name.clone(),
        key: work.key.clone(),
        part: u32::from(work.part),
        op,
        fingerprint: work.fingerprint,
        chunk: None,
        match_key: work.keys.iter().flatten().next().cloned(),
        before: None,
    })
}

/// The same for changes to a record by id. `before`: the members it is about to change, as they were.
pub fn intent_to_change(step: &Step, work: &Work, before: Option<Value>) -> Entry {
    let mut entry = intent(step, work, WriteOp::Update);
    if let Entry::Intended(intent) = &mut entry {
        intent.before = before;
    }
    entry
}

/// The entry that says a record is at the destination.
pub fn confirmed(
    step: &Step,
    work: &Work,
    id: &str,
    origin: Origin,
    written: Option<Written>,
) -> Entry {
    Entry::Confirmed {
        step: step.name.clone(),
        key: work.key.clone(),
        part: u32::from(work.part),
        dest_id: id.to_owned(),
        origin,
        fingerprint: work.fingerprint,
        written,
    }
}

/// The entry that says a record is not at the destination: its call had no effect.
pub fn absent(step: &Step, work: &Work) -> Entry {
    Entry::Absent {
        step: step.name.clone(),
        key: work.key.clone(),
        part: u32::from(work.part),
    }
}

/// The entry that says it is not known whether a record was written.
pub fn in_doubt(step: &Step, work: &Work, why: &str) -> Entry {
    Entry::InDoubt {
        step: step.name.clone(),
        key: work.key.clone(),
        part: u32::from(work.part),
        why: why.to_owned(),
    }
}

/// The entry that sets a record aside.
pub fn held(step: &Step, work: &Work, code: &str, words: &str) -> Entry {
    Entry::Held {
        step: step.name.clone(),
        key: work.key.clone(),
        part: u32::from(work.part),
        code: code.to_owned(),
        field: None,
        value: None,
        words: words.to_owned(),
        line: (work.line > 0).then_some(work.line),
    }
}

/// Creates a record. `doubt`: an earlier process meant to create it and its end is not known.
///
/// # Errors
/// When the destination or the ledger stops.
pub async fn create(ctx: &Context, step: &Step, work: Work, doubt: bool) -> Result<Done, RunError> {
    let _alone = match work.keys.iter().any(Option::is_some) {
        true => None,
        false => ctx.alone(&work.body).await,
    };
    create_alone(ctx, step, work, doubt).await
}

/// Creates a record, and leaves it to the caller what a refusal means.
///
/// # Errors
/// When the destination or the ledger stops.
pub async fn try_create(ctx: &Context, step: &Step, work: Work) -> Result<Tried, RunError> {
    tried(ctx, step, work, false).await
}

/// Binds a record without a key to one of the same content below its parent, or creates it.
///
/// # Errors
/// When the destination or the ledger stops.
pub async fn look_or_create(ctx: &Context, step: &Step, work: Work) -> Result<Done, RunError> {
    let _alone = ctx.alone(&work.body).await;
    // Nothing was sent for it yet: one look is enough, there is no late write to wait for.
    if let Search::Found(id) = find::look(ctx, step, &work).await? {
        let written = ctx.written(step, &work.body, None);
        ctx.ledger
            .append(vec![confirmed(
                step,
                &work,
                &id,
                Origin::Unchanged,
                written,
            )])
            .await?;
        return Ok(Done {
            work,
            sent: Sent::Unchanged { id },
            differs: Vec::new(),
        });
    }
    create_alone(ctx, step, work, false).await
}

async fn create_alone(
    ctx: &Context,
    step: &Step,
    work: Work,
    doubt: bool,
) -> Result<Done, RunError> {
    match tried(ctx, step, work, doubt).await? {
        Tried::Done(done) => Ok(done),
        Tried::Refused(r) => refuse(ctx, step, r.work, r.status, r.reasons).await,
    }
}

async fn tried(ctx: &Context, step: &Step, work: Work, doubt: bool) -> Result<Tried, RunError> {
    let (earlier, mut doubt) = (doubt, doubt);
    let mut form: Option<Option<Form>> = None;
    for attempt in 0..ATTEMPTS {
        if doubt {
            let search = match earlier && attempt == 0 {
                true => find::find_earlier(ctx, step, &work).await?,
                false => find::find(ctx, step, &work).await?,
            };
            match search {
                Search::Found(id) => {
                    check::adopted(ctx, step, &work, form.flatten()).await?;
                    return Ok(Tried::Done(adopt(ctx, step, work, id).await?));
                }
                Search::NotThere => {
                    ctx.ledger.append(vec![absent(step, &work)]).await?;
                }
                Search::CannotTell => break,
            }
        }
        let form = match &mut form {
            Some(form) => form,
            none => match attach::form(ctx, step, &work).await? {
                Ok(made) => none.insert(made),
                Err(missed) => {
                    let held = set_aside(ctx, step, work, missed.code, missed.words).await?;
                    return Ok(Tried::Done(held));
                }
            },
        };
        ctx.count_before(step.to).await?;
        ctx.ledger
            .append(vec![intent(step, &work, WriteOp::Create)])
            .await?;
        let reply = match post(ctx, step, &work, form.as_ref()).await {
            Ok(reply) => reply,
            Err(stop) => {
                // A create ends this way only when it was not sent, or not carried out: the next run need not
                // look for it. Where the ledger is what stopped, it stays open, which is safe.
                let _ = ctx.ledger.append(vec![absent(step, &work)]).await;
                return Err(stop);
            }
        };
        match reply {
            Reply::Done {
                id: Some(id),
                record,
                ..
            } => {
                ctx.claim(step.to, &id);
                if let Some(form) = form {
                    let sent = check::sent(ctx, step, work, form, id, record).await?;
                    return Ok(Tried::Done(sent));
                }
                let written = ctx.written(step, &work.body, record.as_ref());
                // Nothing depends on it before the step ends, and what is appended later comes after it.
                let entry = confirmed(step, &work, &id, Origin::Created, written);
                ctx.ledger.note(vec![entry])?;
                let differs = differing(ctx, step, &work.body, record.as_ref())?;
                return Ok(Tried::Done(Done {
                    work,
                    sent: Sent::Created { id },
                    differs,
                }));
            }
            Reply::Refused { status, reasons } => {
                // The call whose end was not known may have come to it just now: then this refusal says no more than that the record
                // is there.
                if doubt
                    && work.keys.iter().any(Option::is_some)
                    && let Search::Found(id) = find::look(ctx, step, &work).await?
                {
                    return Ok(Tried::Done(adopt(ctx, step, work, id).await?));
                }
                return Ok(Tried::Refused(Refusal {
                    work,
                    status,
                    reasons,
                }));
            }
            Reply::Gone => {
                let reasons = vec!["the address of the object is not known there".to_owned()];
                return Ok(Tried::Refused(Refusal {
                    work,
                    status: 404,
                    reasons,
                }));
            }
            Reply::Done { id: None, .. } => {
                ctx.ledger
                    .append(vec![in_doubt(step, &work, "the answer carries no id")])
                    .await?;
            }
            Reply::InDoubt { why } => {
                ctx.ledger.append(vec![in_doubt(step, &work, &why)]).await?;
            }
        }
        doubt = true;
    }
    let words =
        "it is not known whether it was written, and the destination cannot tell".to_owned();
    let held = set_aside(ctx, step, work, "in_doubt", words).await?;
    Ok(Tried::Done(held))
}

/// Sets a record aside. A hold that stands already is not noted down again.
async fn set_aside(
    ctx: &Context,
    step: &Step,
    work: Work,
    code: &'static str,
    words: String,
) -> Result<Done, RunError> {
    if !ctx.standing.has(work.step, &work.key, code, &words) {
        let entries = vec![held(step, &work, code, &words)];
        ctx.ledger.append(entries).await?;
    }
    Ok(Done {
        work,
        sent: Sent::Held { code, words },
        differs: Vec::new(),
    })
}

/// Notes that an interrupted create did arrive.
///
/// # Errors
/// When the ledger stops.
pub async fn adopt(ctx: &Context, step: &Step, work: Work, id: String) -> Result<Done, RunError> {
    ctx.claim(step.to, &id);
    // The answer was lost: what the destination made of it is seen by asking.
    let object = ctx.object(step.to)?;
    let record = match object.op(OpKind::Get) {
        Some(_) => ctx.rest.get(step.to, &id).await?,
        None => None,
    };
    let written = ctx.written(step, &work.body, record.as_ref());
    ctx.ledger
        .append(vec![confirmed(step, &work, &id, Origin::Created, written)])
        .await?;
    Ok(Done {
        work,
        sent: Sent::Created { id },
        differs: Vec::new(),
    })
}

async fn post(
    ctx: &Context,
    step: &Step,
    work: &Work,
    form: Option<&Form>,
) -> Result<Reply, RunError> {
    let object = ctx.object(step.to)?;
    if let Some(form) = form {
        return Ok(ctx
            .rest
            .create_multipart(step.to, &form.record, form.files.clone())
            .await?);
    }
    if ctx.admin(object) {
        let path = format!("/_admin/objects/{}", object.name);
        return Ok(ctx.rest.admin_create(&path, &work.body).await?);
    }
    Ok(ctx.rest.create(step.to, &work.body).await?)
}

/// Notes that the destination refused a record.
///
/// # Errors
/// When the ledger stops.
pub async fn refuse(
    ctx: &Context,
    step: &Step,
    work: Work,
    status: u16,
    reasons: Vec<String>,
) -> Result<Done, RunError> {
    let text = reasons.join("; ");
    ctx.ledger
        .append(vec![Entry::Refused {
            step: step.name.clone(),
            key: work.key.clone(),
            part: u32::from(work.part),
            status,
            reasons,
            fingerprint: work.fingerprint,
        }])
        .await?;
    Ok(Done {
        work,
        sent: Sent::Failed { reasons: text },
        differs: Vec::new(),
    })
}

/// Names of the fields that the destination answered otherwise than they were sent.
///
/// # Errors
/// When there is no such object: a fault of the engine.
pub fn differing(
    ctx: &Context,
    step: &Step,
    sent: &[u8],
    record: Option<&Value>,
) -> Result<Vec<String>, RunError> {
    let Some(record) = record else {
        return Ok(Vec::new());
    };
    let object = ctx.object(step.to)?;
    let Ok(sent) = serde_json::from_slice::<Value>(sent) else {
        return Ok(Vec::new());
    };
    Ok(
        compare::differences(ctx.readers(step.to), object, step, &sent, record)
            .into_iter()
            .filter_map(|f| object.fields.get(f.ix()).map(|f| f.name.clone()))
            .collect(),
    )
}
