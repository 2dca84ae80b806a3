//! What the ledger says this migration did: where records went, what was written into them, what they held before.

use crate::{
    ident::StepId,
    ledger::{Entry, Origin, RecordState, Undone, View, Written, view::ReadError},
    mapping::Mapping,
};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use xxhash_rust::xxh3::xxh3_64;

/// A record of a step: step, key of the source record, part.
type Place = (String, String, u32);

/// The commands that load.
const LOADS: [&str; 5] = ["run", "delta", "sample", "provision", "holds retry"];

/// A record that went to the destination, or may have.
#[derive(Clone, Debug)]
pub struct Past {
    /// The step.
    pub step: StepId,
    /// Key of the source record.
    pub key: String,
    /// Part of the record.
    pub part: u32,
    /// How it stands.
    pub state: RecordState,
    /// How it came to be there.
    pub origin: Option<Origin>,
    /// The destination's id; empty when it is not known.
    pub id: String,
    /// Fingerprint of what was written last.
    pub fingerprint: u64,
    /// What was written.
    pub written: Option<Written>,
    /// What its members held before this migration changed them.
    pub before: Option<Value>,
    /// True when an earlier rollback left it to a person and the ledger has forgotten it since: it is only listed
    /// again, and nothing is written about it.
    pub again: bool,
}

impl Past {
    /// True when a call may be under way whose end is not known.
    pub fn is_open(&self) -> bool {
        matches!(self.state, RecordState::Intended | RecordState::InDoubt)
    }
}

/// Everything this migration did.
#[derive(Default)]
pub struct History {
    /// By step of the mapping.
    pub steps: Vec<Vec<Past>>,
    /// Steps that the ledger knows and the mapping has no more, with the number of their records.
    pub unknown: Vec<(String, u64)>,
    /// Hashes of the ids that were removed so far.
    pub removed: HashSet<u64>,
    /// When the last load ended or was last heard of, in milliseconds of Unix time.
    pub loaded_ms: Option<i64>,
}

/// Reads it.
///
/// # Errors
/// When the ledger cannot be read.
pub fn read(view: &View, mapping: &Mapping) -> Result<History, ReadError> {
    let mut history = History::default();
    let mut images: HashMap<Place, Value> = HashMap::new();
    let mut by_hand: HashMap<Place, Vec<String>> = HashMap::new();
    let loads: HashSet<i64> = view
        .runs()?
        .into_iter()
        .filter(|r| LOADS.contains(&r.command.as_str()))
        .map(|r| r.run)
        .collect();
    view.each_entry(0, |_, run, at_ms, entry| {
        let writes = matches!(entry, Entry::Intended(_) | Entry::Confirmed { .. });
        if writes && loads.contains(&run) {
            history.loaded_ms = history.loaded_ms.max(Some(at_ms));
        }
        let (place, members) = match entry {
            // What a rollback writes is no change of the migration.
            Entry::Intended(i) if loads.contains(&run) => ((i.step, i.key, i.part), i.before),
            Entry::Before {
                step,
                key,
                part,
                members,
            } => ((step, key, part), Some(members)),
            Entry::RolledBack {
                step,
                key,
                part,
                dest_id,
                did,
            } => {
                let place = (step, key, part);
                images.remove(&place);
                match did {
                    Undone::ByHand => {
                        let ids = by_hand.entry(place).or_default();
                        if !ids.contains(&dest_id) {
                            ids.push(dest_id);
                        }
                    }
                    Undone::Removed | Undone::Gone => {
                        if did == Undone::Removed {
                            history.removed.insert(xxh3_64(dest_id.as_bytes()));
                        }
                        if let Some(ids) = by_hand.get_mut(&place) {
                            ids.retain(|id| *id != dest_id);
                        }
                    }
                    Undone::Unbound | Undone::Restored => {}
                }
                return;
            }
            _ => return,
        };
        if let Some(members) = members {
            match images.get_mut(&place) {
                Some(first) => underlay(first, &members),
                None => {
                    images.insert(place, members);
                }
            }
        }
    })?;
    for (id, step) in (0u16..).map(StepId).zip(&mapping.steps) {
        let mut records = Vec::new();
        view.each_record(&step.name, |r| {
            let there = match r.state {
                RecordState::Confirmed
                | RecordState::Refused
                | RecordState::Intended
                | RecordState::InDoubt => true,
                RecordState::Known | RecordState::Absent | RecordState::Merged => false,
            };
            let id_known = r.dest_id.is_some_and(|d| !d.is_empty());
            // Refused without an id: it was never there.
            if there && (id_known || r.state != RecordState::Refused) {
                records.push(Past {
                    step: id,
                    key: r.key.to_owned(),
                    part: r.part,
                    state: r.state,
                    origin: r.origin,
                    id: r.dest_id.unwrap_or_default().to_owned(),
                    fingerprint: r.fingerprint.unwrap_or_default(),
                    written: None,
                    before: None,
                    again: false,
                });
            }
        })?;
        for record in &mut records {
            record.written = view.written(&step.name, &record.key, record.part)?;
            let place = (step.name.clone(), record.key.clone(), record.part);
            record.before = images.remove(&place);
            // A run that found it again by its key did not make it, but an earlier one did.
            if let Some(ids) = by_hand.get_mut(&place)
                && let Some(at) = ids.iter().position(|id| *id == record.id)
            {
                ids.remove(at);
                record.origin = Some(Origin::Created);
            }
        }
        left_to_people(id, &step.name, &mut by_hand, &mut records);
        history.steps.push(records);
    }
    let mut unknown: HashMap<String, u64> = HashMap::new();
    for (name, state, records) in view.states()? {
        let known = mapping.steps.iter().any(|s| s.name == name);
        if !known && state == RecordState::Confirmed {
            *unknown.entry(name).or_default() += records;
        }
    }
    history.unknown = unknown.into_iter().collect();
    history.unknown.sort();
    Ok(history)
}

/// What earlier rollbacks left to people, and no run has found again since.
fn left_to_people(
    step: StepId,
    name: &str,
    by_hand: &mut HashMap<Place, Vec<String>>,
    records: &mut Vec<Past>,
) {
    let known = records.len();
    for ((of, key, part), ids) in by_hand.iter_mut() {
        if of != name {
            continue;
        }
        records.extend(ids.drain(..).map(|id| Past {
            step,
            key: key.clone(),
            part: *part,
            state: RecordState::Absent,
            origin: Some(Origin::Created),
            id,
            fingerprint: 0,
            written: None,
            before: None,
            again: true,
        }));
    }
    if records.len() > known {
        records.sort_by(|a, b| (&a.key, a.part, &a.id).cmp(&(&b.key, b.part, &b.id)));
    }
}

/// Adds what an image does not hold yet: the first image of a member is the one from before the migration.
fn underlay(first: &mut Value, more: &Value) {
    let (Value::Object(first), Value::Object(more)) = (first, more) else {
        return;
    };
    for (name, value) in more {
        match first.get_mut(name) {
            Some(there) => underlay(there, value),
            None => {
                first.insert(name.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_image_of_a_member_counts() {
        let mut first = json!({"city": "A", "custom": {"x": null}});
        underlay(
            &mut first,
            &json!({"city": "B", "zip": "1", "custom": {"x": 2, "y": 3}}),
        );
        assert_eq!(
            first,
            json!({"city": "A", "custom": {"x": null, "y": 3}, "zip": "1"})
        );
    }
}
