//! Looks for a record whose answer was lost: by its key, else among its parent's records by its content.

use super::{compare, context::Context, directory, failure::RunError, item::Work, key::KeyRule};
use crate::{mapping::Step, platform::OpKind};
use std::time::Duration;

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    /// It is there under this id.
    Found(String),
    /// It is not there.
    NotThere,
    /// The destination cannot tell.
    CannotTell,
}

/// How long to wait before each look: the server may still be working on a call whose connection broke.
pub const PAUSES: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_millis(1000),
];

/// Looks for a record until it shows up, at most three times.
///
/// # Errors
/// When the destination stops answering.
pub async fn find(ctx: &Context, step: &Step, work: &Work) -> Result<Search, RunError> {
    let mut last = Search::CannotTell;
    for pause in PAUSES {
        tokio::time::sleep(pause).await;
        last = look(ctx, step, work).await?;
        if last != Search::NotThere {
            return Ok(last);
        }
    }
    Ok(last)
}

/// Looks for a record that an earlier process may have sent. Nobody sends it any more, so one look decides, once the
/// server has had the time to end that call.
///
/// # Errors
/// When the destination stops answering.
pub async fn find_earlier(ctx: &Context, step: &Step, work: &Work) -> Result<Search, RunError> {
    if work.keys.iter().any(Option::is_some) && ctx.can_list(ctx.object(step.to)?) {
        ctx.list_calm(step.to).await?;
        return Ok(by_key(ctx, step, work));
    }
    ctx.calm().await;
    look(ctx, step, work).await
}

/// Looks once.
///
/// # Errors
/// When the destination stops answering.
pub async fn look(ctx: &Context, step: &Step, work: &Work) -> Result<Search, RunError> {
    let object = ctx.object(step.to)?;
    let has_key = work.keys.iter().any(Option::is_some);
    if has_key && ctx.can_list(object) {
        ctx.list(step.to, false).await?;
        return Ok(by_key(ctx, step, work));
    }
    if has_key && object.op(OpKind::Lookup).is_some() {
        return by_lookup(ctx, step, work).await;
    }
    if let (Some(_), Some((parent, parent_id))) = (object.op(OpKind::Children), &work.parent) {
        let records = ctx.rest.children(step.to, *parent, parent_id).await?;
        return Ok(by_content(ctx, step, work, records));
    }
    if object.op(OpKind::List).is_some() {
        let mut cursor = ctx.rest.list(step.to);
        while let Some(page) = cursor.next().await? {
            if let Search::Found(id) = by_content(ctx, step, work, page.records) {
                return Ok(Search::Found(id));
            }
        }
        return Ok(Search::NotThere);
    }
    Ok(Search::CannotTell)
}

/// Looks in what was listed last.
pub fn by_key(ctx: &Context, step: &Step, work: &Work) -> Search {
    let Some(directory) = ctx.directory(step.to) else {
        return Search::CannotTell;
    };
    for (key, text) in step.match_keys.iter().zip(&work.keys) {
        if let (Some(text), Some(rule)) = (text, directory.rule(&KeyRule::from(key)))
            && let Some(id) = directory.id_of(rule, text)
        {
            return Search::Found(id.to_owned());
        }
    }
    Search::NotThere
}

async fn by_lookup(ctx: &Context, step: &Step, work: &Work) -> Result<Search, RunError> {
    let object = ctx.object(step.to)?;
    let Some(op) = object.op(OpKind::Lookup) else {
        return Ok(Search::CannotTell);
    };
    for (key, text) in step.match_keys.iter().zip(&work.keys) {
        let (Some(text), [(field, _)]) = (text, key.pairs.as_slice()) else {
            continue;
        };
        if let Some((wire_name, _)) = op.keys.iter().find(|(_, f)| f == field) {
            let records = ctx.rest.lookup(step.to, wire_name, text).await?;
            return Ok(records
                .iter()
                .find_map(directory::record_id)
                .map_or(Search::NotThere, Search::Found));
        }
    }
    Ok(Search::CannotTell)
}

/// The first record with the same content that stands for no other source record; it is claimed at once, so that
/// of two records alike each gets its own.
fn by_content(ctx: &Context, step: &Step, work: &Work, records: Vec<serde_json::Value>) -> Search {
    let Ok(body) = serde_json::from_slice::<serde_json::Value>(&work.body) else {
        return Search::CannotTell;
    };
    let Ok(object) = ctx.object(step.to) else {
        return Search::CannotTell;
    };
    for record in records {
        let Some(id) = directory::record_id(&record) else {
            continue;
        };
        if !ctx.is_claimed(step.to, &id)
            && compare::differences(ctx.readers(step.to), object, step, &body, &record).is_empty()
            && ctx.claim(step.to, &id)
        {
            return Search::Found(id);
        }
    }
    Search::NotThere
}
