//! What the destination shows of a record that is about to be decided on.

use super::{context::Context, decide::Seen, item::Work, key::KeyRule};
use crate::mapping::Step;

/// What the destination shows under the record's match keys, the first that shows something.
pub fn see(ctx: &Context, step: &Step, work: &Work) -> Seen {
    let no_key = match &work.parent {
        Some((object, id)) if ctx.was_there(*object, id) => Seen::NoKeyBelow,
        _ => Seen::NoKey,
    };
    let Some(directory) = ctx.directory(step.to) else {
        return no_key;
    };
    let member = ctx.object(step.to).is_ok_and(|o| o.membership.is_some());
    let mut seen = no_key;
    for (key, text) in step.match_keys.iter().zip(&work.keys) {
        let (Some(text), Some(rule)) = (text, directory.rule(&KeyRule::from(key))) else {
            continue;
        };
        match directory.seen(rule, text, &step.name, &work.key) {
            Seen::Nothing | Seen::NoKey | Seen::NoKeyBelow => seen = Seen::Nothing,
            // A membership is the same whoever adds it: two that are being added are no conflict.
            Seen::Taken { id: None, .. } if member => seen = Seen::Nothing,
            found => return found,
        }
    }
    seen
}
