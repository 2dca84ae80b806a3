//! Reads the records of a sample back from the destination and compares them with what was written, field by field.
//!
//! A success answer proves nothing: what counts is what a later read shows.

use crate::{
    connector::Stop,
    ident::{ObjectId, StepId},
    ledger::{Origin, RecordState},
    mapping::Step,
    platform::{
        OpKind,
        wire::{Class, WireValue, class_of},
    },
    run::{
        chosen::SeenWork, context::Context, directory::record_id, execute::Executor,
        failure::RunError,
    },
    value::Type,
};
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};
use tokio::task::JoinSet;

/// Reads under way at a time.
const SIDE_BY_SIDE: usize = 16;

/// A record of the sample as it came back.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The step.
    pub step: StepId,
    /// The source record's key.
    pub key: String,
    /// Its line in the file; 0 where there are none.
    pub line: u64,
    /// The part.
    pub part: u16,
    /// Its id at the destination.
    pub dest_id: String,
    /// How it came to be there.
    pub origin: Origin,
    /// Its fields.
    pub fields: Vec<ComparedField>,
    /// Fields that the destination does not show.
    pub not_shown: Vec<usize>,
    /// Why it could not be compared.
    pub unread: Option<&'static str>,
}

/// A field as it came back.
#[derive(Clone, Debug)]
pub struct ComparedField {
    /// Position in the step's fields.
    pub at: usize,
    /// What was written.
    pub expected: WireValue,
    /// What is there.
    pub actual: WireValue,
    /// How they compare.
    pub class: Class,
}

/// Reads back and compares every chosen record that is at the destination.
///
/// # Errors
/// When the destination stops answering.
pub(super) async fn all(executor: &Executor) -> Result<Vec<Compared>, RunError> {
    let ctx = &executor.ctx;
    let works: Vec<SeenWork> = match ctx.chosen.get() {
        Some(chosen) => chosen.seen().works.clone(),
        None => Vec::new(),
    };
    let known = known(ctx, &works)?;
    let mut there = Vec::new();
    for work in works {
        if let Some((id, origin)) = known.get(&(work.step, work.key.clone(), work.part)) {
            there.push((work, id.clone(), *origin));
        }
    }
    let records = fetch(ctx, &there).await?;
    let mut out = Vec::with_capacity(there.len());
    for (work, id, origin) in there {
        let step = ctx.step(work.step)?;
        let record = records.get(&(step.to, id.clone()));
        out.push(compare(ctx, step, work, id, origin, record)?);
    }
    out.sort_by(|a, b| (a.step, &a.key, a.part).cmp(&(b.step, &b.key, b.part)));
    Ok(out)
}

/// Parts of records to id and origin.
type Known = HashMap<(StepId, String, u16), (String, Origin)>;

/// Where the ledger says that records are, and how they came there in whichever run: id and origin.
fn known(ctx: &Context, works: &[SeenWork]) -> Result<Known, RunError> {
    let view = ctx.ledger.view()?;
    let mut wanted: BTreeMap<StepId, HashSet<&str>> = BTreeMap::new();
    for work in works {
        wanted.entry(work.step).or_default().insert(&work.key);
    }
    let mut all = HashMap::new();
    for (id, keys) in wanted {
        view.each_record(&ctx.step(id)?.name, |record| {
            if let (RecordState::Confirmed, Some(dest_id)) = (record.state, record.dest_id)
                && keys.contains(record.key)
                && let Ok(part) = u16::try_from(record.part)
            {
                let origin = record.origin.unwrap_or_default();
                all.insert(
                    (id, record.key.to_owned(), part),
                    (dest_id.to_owned(), origin),
                );
            }
        })
        .map_err(RunError::from)?;
    }
    Ok(all)
}

type Records = HashMap<(ObjectId, String), Value>;
/// A record by its object and id; `None` where it is not there.
type Fetched = Option<(ObjectId, String, Value)>;

/// The records as the destination shows them: by id where it can, else from lists, read once each.
async fn fetch(
    ctx: &Arc<Context>,
    there: &[(SeenWork, String, Origin)],
) -> Result<Records, RunError> {
    let mut records = Records::new();
    let mut tasks: JoinSet<Result<Fetched, Stop>> = JoinSet::new();
    let mut lists: Vec<ObjectId> = Vec::new();
    let mut parents: BTreeMap<(ObjectId, ObjectId, String), ()> = BTreeMap::new();
    for (work, id, _) in there {
        let to = ctx.step(work.step)?.to;
        let object = ctx.object(to)?;
        if object.op(OpKind::Get).is_some() {
            while tasks.len() >= SIDE_BY_SIDE {
                settle(&mut tasks, &mut records).await?;
            }
            let (ctx, id) = (Arc::clone(ctx), id.clone());
            tasks.spawn(async move {
                let record = ctx.rest.get(to, &id).await?;
                Ok(record.map(|r| (to, id, r)))
            });
        } else if ctx.can_list(object) {
            if !lists.contains(&to) {
                lists.push(to);
            }
        } else if let (Some(_), Some((parent, parent_id))) =
            (object.op(OpKind::Children), &work.parent)
        {
            parents.insert((to, *parent, parent_id.clone()), ());
        }
    }
    while !tasks.is_empty() {
        settle(&mut tasks, &mut records).await?;
    }
    for to in lists {
        let object = ctx.object(to)?;
        let mut add = |list: Vec<Value>| {
            records.extend(
                list.into_iter()
                    .filter_map(|r| Some(((to, record_id(&r)?), r))),
            );
        };
        if object.op(OpKind::List).is_some() {
            let mut cursor = ctx.rest.list(to);
            while let Some(page) = cursor.next().await? {
                add(page.records);
            }
        } else {
            let path = format!("/_admin/objects/{}", object.name);
            add(ctx.rest.admin_records(&path).await?);
        }
    }
    let mut tasks: JoinSet<Result<(ObjectId, Vec<Value>), Stop>> = JoinSet::new();
    let mut parents = parents.into_keys();
    loop {
        while tasks.len() < SIDE_BY_SIDE
            && let Some((to, parent, parent_id)) = parents.next()
        {
            let ctx = Arc::clone(ctx);
            tasks.spawn(async move { Ok((to, ctx.rest.children(to, parent, &parent_id).await?)) });
        }
        let Some(joined) = tasks.join_next().await else {
            return Ok(records);
        };
        let (to, list) = joined.map_err(|e| RunError::Internal(e.to_string()))??;
        records.extend(
            list.into_iter()
                .filter_map(|r| Some(((to, record_id(&r)?), r))),
        );
    }
}

async fn settle(
    tasks: &mut JoinSet<Result<Fetched, Stop>>,
    records: &mut Records,
) -> Result<(), RunError> {
    if let Some(joined) = tasks.join_next().await
        && let Some((to, id, record)) = joined.map_err(|e| RunError::Internal(e.to_string()))??
    {
        records.insert((to, id), record);
    }
    Ok(())
}

fn compare(
    ctx: &Context,
    step: &Step,
    work: SeenWork,
    dest_id: String,
    origin: Origin,
    record: Option<&Value>,
) -> Result<Compared, RunError> {
    let mut out = Compared {
        step: work.step,
        key: work.key.clone(),
        line: work.line,
        part: work.part,
        dest_id,
        origin,
        fields: Vec::new(),
        not_shown: Vec::new(),
        unread: None,
    };
    // What was only bound was never written.
    if origin == Origin::Matched {
        out.unread = Some("bound to what was there; nothing was written");
        return Ok(out);
    }
    let object = ctx.object(step.to)?;
    let Some(record) = record else {
        out.unread = Some(
            match object.op(OpKind::Get).is_some() || ctx.can_list(object) {
                true => "it is not there any more",
                false => "the destination has no call that shows it",
            },
        );
        return Ok(out);
    };
    let sent = sent(&work)?;
    let readers = ctx.readers(step.to);
    for (at, map) in step.fields.iter().enumerate() {
        let (Some(reader), Some(field)) =
            (readers.get(map.to.ix()), object.fields.get(map.to.ix()))
        else {
            continue;
        };
        let (expected, actual) = (reader.read(&sent), reader.read(record));
        // References and files may stand elsewhere on reads, or nowhere.
        let elsewhere = matches!(field.data_type, Type::Ref | Type::File);
        if elsewhere && actual == WireValue::Absent || field.data_type == Type::File {
            if !expected.is_nothing() {
                out.not_shown.push(at);
            }
            continue;
        }
        let created = origin == Origin::Created;
        let class = class_of(field.data_type, &expected, &actual, !created);
        // What people put into a record that was there before is theirs, not the server's.
        if class == Class::Equal && expected.is_nothing() || class == Class::ServerSet && !created {
            continue;
        }
        out.fields.push(ComparedField {
            at,
            expected,
            actual,
            class,
        });
    }
    Ok(out)
}

/// What was written in both passes, as one record.
fn sent(work: &SeenWork) -> Result<Value, RunError> {
    let read = |bytes: &[u8]| -> Result<Map<String, Value>, RunError> {
        serde_json::from_slice(bytes)
            .map_err(|e| RunError::Internal(format!("an encoded record is no JSON: {e}")))
    };
    let mut all = read(&work.body)?;
    if let Some(second) = &work.second {
        for (name, value) in read(second)? {
            match (all.get_mut(&name), value) {
                (Some(Value::Object(there)), Value::Object(more)) => there.extend(more),
                (_, value) => {
                    all.insert(name, value);
                }
            }
        }
    }
    Ok(Value::Object(all))
}
