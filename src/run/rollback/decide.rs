//! What a rollback does with each record: decided once, before anything is written, from what the ledger says and what
//! the destination shows. A preview and a real rollback decide alike.

use super::{
    past::{History, Past},
    touched::{self, Restore},
};
use crate::{
    ident::{FieldId, ObjectId},
    ledger::{Origin, Written},
    mapping::Mapping,
    platform::{Object, OpKind, wire::FieldReader},
    run::reconcile::shelf::Shelf,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

/// A record of the destination.
pub type Place = (ObjectId, String);

/// What to do with a record.
#[derive(Clone, Debug)]
pub enum Do {
    /// Remove it.
    Remove,
    /// Give its fields back what they held.
    Restore(Restore),
    /// Nothing at the destination.
    Unbind,
    /// Nothing: it is not there any more.
    Gone,
    /// Nothing, and nothing to tell: a person has removed what an earlier rollback left to them.
    Settled,
    /// A person has to remove it.
    ByHand(String),
    /// It stays.
    Keep {
        /// Why.
        why: String,
        /// The fields it is about.
        fields: Vec<String>,
    },
}

/// What the decisions need.
pub struct World<'w> {
    /// The mapping.
    pub mapping: &'w Mapping,
    /// Readers of the fields of every destination object.
    pub readers: &'w [Arc<[FieldReader]>],
    /// What the destination shows.
    pub shelves: &'w BTreeMap<ObjectId, Shelf>,
    /// Only records of these destination objects or steps are undone; `None`: all.
    pub only: Option<&'w str>,
}

impl World<'_> {
    /// A destination object.
    pub fn object(&self, id: ObjectId) -> Option<&Object> {
        self.mapping.destination.objects.get(id.ix())
    }

    /// The readers of its fields.
    pub fn readers(&self, id: ObjectId) -> &[FieldReader] {
        self.readers.get(id.ix()).map_or(&[], |r| r)
    }

    /// The destination object of a step.
    pub fn object_of(&self, past: &Past) -> Option<ObjectId> {
        self.mapping.steps.get(past.step.ix()).map(|s| s.to)
    }

    /// The records that a record refers to.
    pub fn refers(&self, id: ObjectId, record: &Value) -> Vec<(FieldId, Place)> {
        let Some(object) = self.object(id) else {
            return Vec::new();
        };
        let mut all = Vec::new();
        for ((at, reader), field) in self.readers(id).iter().enumerate().zip(&object.fields) {
            let Some(reference) = &field.reference else {
                continue;
            };
            let at = FieldId(u16::try_from(at).unwrap_or(u16::MAX));
            for (kind, other) in reader.references(record) {
                match kind {
                    Some(kind) => all.push((at, (kind, other))),
                    None => all.extend(reference.to.iter().map(|o| (at, (*o, other.clone())))),
                }
            }
        }
        all
    }
}

/// True for records that are to be undone: of this destination object or step, or all.
pub fn is_chosen(mapping: &Mapping, only: Option<&str>, past: &Past) -> bool {
    let Some(only) = only else { return true };
    let Some(step) = mapping.steps.get(past.step.ix()) else {
        return false;
    };
    let object = mapping.destination.objects.get(step.to.ix());
    step.name == only || object.is_some_and(|o| o.name == only)
}

/// Everything decided, by step and in the order of its records.
pub struct Decisions {
    /// By step.
    pub steps: Vec<Vec<Do>>,
    /// What this migration wrote into each record.
    pub written: HashMap<Place, Vec<Written>>,
}

/// Decides.
pub fn decide(world: &World<'_>, history: &History) -> Decisions {
    let mut written: HashMap<Place, Vec<Written>> = HashMap::new();
    let mut made: HashSet<Place> = HashSet::new();
    for past in history.steps.iter().flatten() {
        let Some(object) = world.object_of(past) else {
            continue;
        };
        let place = (object, past.id.clone());
        if past.origin == Some(Origin::Created) {
            made.insert(place.clone());
        }
        if let Some(w) = &past.written {
            written.entry(place).or_default().push(w.clone());
        }
    }
    let steps = history.steps.iter().map(|all| {
        all.iter()
            .map(|past| alone(world, history, &made, &written, past))
            .collect()
    });
    let mut decisions = Decisions {
        steps: steps.collect(),
        written,
    };
    hold_together(world, history, &mut decisions);
    decisions
}

fn keep(why: impl Into<String>) -> Do {
    Do::Keep {
        why: why.into(),
        fields: Vec::new(),
    }
}

fn by_hand(object: &Object) -> Do {
    Do::ByHand(format!("no call of the API removes {}", object.title))
}

/// What is right for a record by itself.
fn alone(
    world: &World<'_>,
    history: &History,
    made: &HashSet<Place>,
    written: &HashMap<Place, Vec<Written>>,
    past: &Past,
) -> Do {
    let Some((id, object)) = world
        .object_of(past)
        .and_then(|id| Some((id, world.object(id)?)))
    else {
        return Do::Unbind;
    };
    if !is_chosen(world.mapping, world.only, past) {
        return keep("not asked for (`--only`)");
    }
    if past.id.is_empty() {
        return keep(
            "it is not known whether it was written; running the migration again finds out",
        );
    }
    let place = (id, past.id.clone());
    let ours = past.origin == Some(Origin::Created);
    let changed = past.origin == Some(Origin::Updated) || (past.is_open() && !ours);
    if !ours && (!changed || made.contains(&place)) {
        return Do::Unbind;
    }
    let shelf = world.shelves.get(&id).filter(|s| s.unread.is_none());
    let Some(shelf) = shelf else {
        return match ours {
            true => Do::ByHand(format!(
                "no call of the API shows or removes {}",
                object.title
            )),
            false => keep("no call of the API shows it"),
        };
    };
    let Some(record) = shelf.position(&past.id).map(|at| shelf.record(at)) else {
        // What is only shown below others cannot be seen once they are gone: that it is not seen says nothing.
        return match (past.again, object.op(OpKind::List)) {
            (false, _) => Do::Gone,
            (true, Some(_)) => Do::Settled,
            (true, None) => by_hand(object),
        };
    };
    let readers = world.readers(id);
    if !ours {
        let Some(before) = &past.before else {
            return match past.is_open() || past.written.is_some() {
                true => keep("what it held before is not in the ledger"),
                false => Do::Unbind,
            };
        };
        let platform = &world.mapping.destination;
        let restore = touched::restore(
            platform,
            readers,
            object,
            past.written.as_ref(),
            before,
            record,
        );
        return Do::Restore(restore);
    }
    if past.again || object.op(OpKind::Delete).is_none() {
        return by_hand(object);
    }
    let wrote: Vec<&Written> = written.get(&place).into_iter().flatten().collect();
    let is_member = object.membership.is_some();
    if wrote.is_empty() && !is_member {
        return keep(
            "the ledger does not say what was written, so nobody can tell whether people changed it",
        );
    }
    let fields = touched::edited(readers, object, &wrote, &history.removed, record);
    match fields.is_empty() {
        true => Do::Remove,
        false => Do::Keep {
            why: "people changed it since".to_owned(),
            fields,
        },
    }
}

/// A record that stays holds the records it refers to: nothing is taken from under what people have.
fn hold_together(world: &World<'_>, history: &History, decisions: &mut Decisions) {
    // Which decision stands for a record that this migration made or changed.
    let mut of: HashMap<Place, (usize, usize)> = HashMap::new();
    for (s, (pasts, all)) in history.steps.iter().zip(&decisions.steps).enumerate() {
        for (r, (past, what)) in pasts.iter().zip(all).enumerate() {
            if let Some(object) = world.object_of(past)
                && !matches!(what, Do::Unbind | Do::Gone | Do::Settled)
            {
                let slot = of.entry((object, past.id.clone()));
                match past.again {
                    true => slot.or_insert((s, r)),
                    false => slot.insert_entry((s, r)).into_mut(),
                };
            }
        }
    }
    // Who refers to what is to be removed.
    let mut by: HashMap<Place, Vec<Place>> = HashMap::new();
    let mut queue: Vec<(Place, Place)> = Vec::new();
    for (id, shelf) in world.shelves {
        for at in 0..shelf.count() {
            let place = (*id, shelf.id(at).to_owned());
            let what = of
                .get(&place)
                .and_then(|(s, r)| decisions.steps.get(*s)?.get(*r));
            for (field, target) in world.refers(*id, shelf.record(at)) {
                let removes = of
                    .get(&target)
                    .and_then(|(s, r)| decisions.steps.get(*s)?.get(*r))
                    .is_some_and(|d| matches!(d, Do::Remove));
                if !removes || target == place {
                    continue;
                }
                match what {
                    // It goes first, or is this migration's own and of no use without the other.
                    Some(Do::ByHand(_)) => {}
                    Some(Do::Restore(r)) if r.fields.contains(&field) => {}
                    Some(Do::Remove) => by.entry(place.clone()).or_default().push(target),
                    _ => queue.push((target, place.clone())),
                }
            }
        }
    }
    while let Some((target, holder)) = queue.pop() {
        let Some((s, r)) = of.get(&target).copied() else {
            continue;
        };
        let Some(slot) = decisions.steps.get_mut(s).and_then(|all| all.get_mut(r)) else {
            continue;
        };
        if !matches!(slot, Do::Remove) {
            continue;
        }
        let known = of.contains_key(&holder);
        *slot = keep(held_by(world, &holder, known));
        // What stays holds what it refers to.
        if let Some(more) = by.remove(&target) {
            queue.extend(more.into_iter().map(|t| (t, target.clone())));
        }
    }
}

/// Why a record stays that another refers to.
pub fn held_by(world: &World<'_>, holder: &Place, of_ours: bool) -> String {
    let object = world.object(holder.0).map_or("record", |o| o.name.as_str());
    match of_ours {
        true => format!("{object} {}, which stays, refers to it", holder.1),
        false => format!(
            "{object} {}, which this migration did not make, refers to it",
            holder.1
        ),
    }
}
