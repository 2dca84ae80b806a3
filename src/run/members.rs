//! Memberships: who is a member already, adding the others in chunks, and the proof that they are there.
//!
//! Adding a member twice is the same as once, so a call whose answer was lost is simply made again. A success
//! answer proves nothing about single members: what the owner shows afterwards decides.

use super::{
    context::Context,
    failure::RunError,
    item::Work,
    send::{self, Done, Sent},
};
use crate::{
    connector::Reply,
    ident::{FieldId, ObjectId, StepId},
    ledger::{Entry, Intent, Origin, WriteOp},
    mapping::Step,
    platform::{Membership, OpKind},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

/// How long to wait before each look at an owner that does not show all members yet.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_millis(1000),
];

/// The memberships of a pass that are to be added, by owner.
#[derive(Default)]
pub struct Members {
    waiting: BTreeMap<(StepId, String), Vec<Work>>,
    listed: HashSet<(StepId, String)>,
}

impl Members {
    /// Takes what the owner of a record shows into the directory, once per owner.
    ///
    /// # Errors
    /// When the destination stops answering.
    pub async fn list(&mut self, ctx: &Context, step: &Step, work: &Work) -> Result<(), RunError> {
        let Some((parent, owner)) = &work.parent else {
            return Ok(());
        };
        if self.listed.insert((work.step, owner.clone())) {
            shown(ctx, step, *parent, owner).await?;
        }
        Ok(())
    }

    /// A membership to add. Where its owner is not known, nobody can add it: it is given back.
    pub fn take(&mut self, mut work: Work) -> Option<Work> {
        let Some((_, owner)) = &work.parent else {
            return Some(work);
        };
        // A list may have very many members: what waits stays small.
        work.body.shrink_to_fit();
        self.waiting
            .entry((work.step, owner.clone()))
            .or_default()
            .push(work);
        None
    }

    /// Everything that waits, an owner at a time.
    pub fn owners(&mut self) -> impl Iterator<Item = (StepId, Vec<Work>)> + use<> {
        std::mem::take(&mut self.waiting)
            .into_iter()
            .map(|((step, _), works)| (step, works))
    }
}

/// Takes the members that an owner shows into the directory, and gives the ids of the memberships.
async fn shown(
    ctx: &Context,
    step: &Step,
    parent: ObjectId,
    owner: &str,
) -> Result<HashSet<String>, RunError> {
    let records = ctx.rest.children(step.to, parent, owner).await?;
    let ids = records.iter().filter_map(Context::record_id).collect();
    if let Some(mut directory) = ctx.directory(step.to) {
        for record in records {
            directory.list(&record, false);
        }
    }
    Ok(ids)
}

/// The ids of owner and member of a record.
fn pair(ctx: &Context, step: &Step, work: &Work) -> Option<(String, String)> {
    let object = ctx.object(step.to).ok()?;
    let form = object.membership?;
    let body: Value = serde_json::from_slice(&work.body).ok()?;
    let at = |field: FieldId| {
        let path = &object.fields.get(field.ix())?.path;
        match path.split('.').try_fold(&body, |v, part| v.get(part))? {
            Value::String(id) if !id.is_empty() => Some(id.clone()),
            Value::Number(id) => Some(id.to_string()),
            _ => None,
        }
    };
    Some((at(form.of)?, at(form.member)?))
}

/// Adds members to their one owner, chunk by chunk, and settles each by what the owner shows then.
///
/// # Errors
/// When the destination or the ledger stops. What was under way stays open: the next run adds it again.
pub async fn add(ctx: &Context, step: &Step, works: Vec<Work>) -> Result<Vec<Done>, RunError> {
    let object = ctx.object(step.to)?;
    let size = object.op(OpKind::Create).map_or(1, |op| op.size.max(1));
    let Some((parent, owner)) = works.first().and_then(|w| w.parent.clone()) else {
        return Ok(Vec::new());
    };
    let mut members = Vec::with_capacity(works.len());
    for work in works {
        let Some((_, member)) = pair(ctx, step, &work) else {
            return Err(RunError::Internal(format!(
                "a membership of step `{}` without its member",
                step.name
            )));
        };
        members.push((work, member));
    }
    let mut refused = HashMap::new();
    for (number, chunk) in members.chunks(size).enumerate() {
        let name = format!("{}-{owner}-{number}", step.name);
        let intents = chunk.iter().map(|(work, _)| intent(step, work, &name));
        ctx.ledger.append(intents.collect()).await?;
        let mut ids: Vec<&str> = chunk.iter().map(|(_, id)| id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        match ctx.rest.add_members(step.to, &owner, &ids).await? {
            Reply::Done { .. } => {}
            Reply::Refused { status, reasons } => {
                // Which of them it is about is not said: each gets its own answer.
                if ids.len() == 1 {
                    refused.insert(ids[0].to_owned(), (status, reasons));
                    continue;
                }
                for id in ids {
                    if let Some(why) = alone(ctx, step, &owner, id).await? {
                        refused.insert(id.to_owned(), why);
                    }
                }
            }
            Reply::Gone => {
                let why = format!("{owner} is gone at the destination");
                for id in ids {
                    refused.insert(id.to_owned(), (404, vec![why.clone()]));
                }
            }
            Reply::InDoubt { why } => {
                let doubts = chunk.iter().map(|(work, _)| Entry::InDoubt {
                    step: step.name.clone(),
                    key: work.key.clone(),
                    part: u32::from(work.part),
                    why: why.clone(),
                });
                ctx.ledger.append(doubts.collect()).await?;
            }
        }
    }
    let there = proof(ctx, step, (parent, &owner), &members, &refused).await?;
    settle(ctx, step, &owner, members, refused, &there).await
}

fn intent(step: &Step, work: &Work, chunk: &str) -> Entry {
    Entry::Intended(Intent {
        step: step.name.clone(),
        key: work.key.clone(),
        part: u32::from(work.part),
        op: WriteOp::Bulk,
        fingerprint: work.fingerprint,
        chunk: Some(chunk.to_owned()),
        match_key: work.keys.iter().flatten().next().cloned(),
        before: None,
    })
}

/// Why the destination does not take this one.
type Refusal = (u16, Vec<String>);

async fn alone(
    ctx: &Context,
    step: &Step,
    owner: &str,
    id: &str,
) -> Result<Option<Refusal>, RunError> {
    Ok(match ctx.rest.add_members(step.to, owner, &[id]).await? {
        Reply::Refused { status, reasons } => Some((status, reasons)),
        Reply::Gone => Some((404, vec![format!("{owner} is gone at the destination")])),
        Reply::Done { .. } | Reply::InDoubt { .. } => None,
    })
}

/// The memberships that the owner shows, looked at until all are there, at most three times more.
async fn proof(
    ctx: &Context,
    step: &Step,
    (parent, owner): (ObjectId, &str),
    members: &[(Work, String)],
    refused: &HashMap<String, Refusal>,
) -> Result<HashSet<String>, RunError> {
    let mut there = shown(ctx, step, parent, owner).await?;
    for pause in PAUSES {
        let all = members
            .iter()
            .filter(|(_, id)| !refused.contains_key(id))
            .all(|(_, id)| there.contains(&Membership::id(owner, id)));
        if all {
            break;
        }
        tokio::time::sleep(pause).await;
        there = shown(ctx, step, parent, owner).await?;
    }
    Ok(there)
}

async fn settle(
    ctx: &Context,
    step: &Step,
    owner: &str,
    members: Vec<(Work, String)>,
    mut refused: HashMap<String, Refusal>,
    there: &HashSet<String>,
) -> Result<Vec<Done>, RunError> {
    let mut done = Vec::with_capacity(members.len());
    let mut entries = Vec::new();
    for (work, member) in members {
        let id = Membership::id(owner, &member);
        let sent = if let Some((status, reasons)) = refused.remove(&member) {
            done.push(send::refuse(ctx, step, work, status, reasons).await?);
            continue;
        } else if !there.contains(&id) {
            let words = format!("{owner} does not show it as a member after it was added");
            entries.push(send::held(step, &work, "not_taken", &words));
            Sent::Held {
                code: "not_taken",
                words,
            }
        } else if ctx.claim(step.to, &id) {
            entries.push(send::confirmed(step, &work, &id, Origin::Created, None));
            Sent::Created { id }
        } else {
            // A second source record says the same.
            entries.push(send::confirmed(step, &work, &id, Origin::Matched, None));
            Sent::Unchanged { id }
        };
        done.push(Done {
            work,
            sent,
            differs: Vec::new(),
        });
    }
    ctx.ledger.append(entries).await?;
    Ok(done)
}

/// A membership that is another one now: the new one is added, then the old one taken out, unless it was there
/// before or another source record stands for it (`keep`).
///
/// # Errors
/// When the destination or the ledger stops. Both calls can be made again.
pub async fn change(
    ctx: &Context,
    step: &Step,
    work: Work,
    was: String,
    keep: bool,
) -> Result<Vec<Done>, RunError> {
    let same = pair(ctx, step, &work)
        .is_some_and(|(owner, member)| Membership::id(&owner, &member) == was);
    if same {
        ctx.ledger
            .append(vec![send::confirmed(
                step,
                &work,
                &was,
                Origin::Unchanged,
                None,
            )])
            .await?;
        return Ok(vec![Done {
            work,
            sent: Sent::Unchanged { id: was },
            differs: Vec::new(),
        }]);
    }
    let done = add(ctx, step, vec![work]).await?;
    let added = done.iter().any(|d| matches!(d.sent, Sent::Created { .. }));
    if added && !keep {
        // Gone already is as good.
        let _ = ctx.rest.delete(step.to, &was).await?;
    }
    Ok(done)
}
