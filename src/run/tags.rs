//! Which tags people had before the migration: decided once, when the first batch that writes them begins, and kept
//! in the ledger. A later run would take the migration's own tags for theirs.

use super::{context::Context, failure::RunError};
use crate::{
    ident::{ObjectId, StepId},
    ledger::Entry,
    mapping::{Op, Step},
};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Tags by destination object, in lower case.
pub type Taken = HashMap<ObjectId, HashSet<String>>;

/// Adds the tags of the objects that a batch writes with `prefix_if_taken`. Its destinations have been listed.
///
/// # Errors
/// When the ledger stops.
pub async fn decide(ctx: &Context, batch: &[StepId], taken: &mut Taken) -> Result<(), RunError> {
    for id in batch {
        let step = ctx.step(*id)?;
        if taken.contains_key(&step.to) || !prefixes(step) {
            continue;
        }
        let name = format!("tags_taken/{}", ctx.object(step.to)?.name);
        let internal = |e: &dyn std::fmt::Display| RunError::Internal(e.to_string());
        let decided = ctx
            .ledger
            .glance()?
            .decisions()
            .map_err(|e| internal(&e))?
            .into_iter()
            .find(|(n, _)| *n == name);
        let tags: HashSet<String> = match decided {
            Some((_, value)) => serde_json::from_str(&value).map_err(|e| internal(&e))?,
            None => {
                let tags: HashSet<String> = ctx
                    .directory(step.to)
                    .map(|d| d.tags().clone())
                    .unwrap_or_default();
                let sorted: BTreeSet<&String> = tags.iter().collect();
                let value = serde_json::to_string(&sorted).map_err(|e| internal(&e))?;
                ctx.ledger
                    .append(vec![Entry::Decided { name, value }])
                    .await?;
                tags
            }
        };
        taken.insert(step.to, tags);
    }
    Ok(())
}

/// Takes in what an earlier run decided.
///
/// # Errors
/// When the ledger cannot be read.
pub fn recall(ctx: &Context, taken: &mut Taken) -> Result<(), RunError> {
    let internal = |e: &dyn std::fmt::Display| RunError::Internal(e.to_string());
    let decisions = ctx.ledger.glance().and_then(|v| v.decisions());
    for (name, value) in decisions? {
        let object = name.strip_prefix("tags_taken/");
        let found = object.and_then(|o| ctx.mapping.destination.object(o));
        if let Some((id, _)) = found {
            let tags = serde_json::from_str(&value).map_err(|e| internal(&e))?;
            taken.insert(id, tags);
        }
    }
    Ok(())
}

fn prefixes(step: &Step) -> bool {
    let ops = step.fields.iter().map(|f| &f.ops);
    ops.chain(step.lets.iter().map(|l| &l.ops))
        .flatten()
        .any(|op| matches!(op, Op::PrefixIfTaken(_)))
}
