//! What is known about the records of one step: from the ledger at the start, then as the run goes.

use super::decide::Known;
use crate::{
    ident::StepId,
    ledger::{IdEntry, IdMap, IdState, Origin, View, view::ReadError},
};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};
use xxhash_rust::xxh3::xxh3_64;

/// Holds that end otherwise than by the record's content.
const BY_HAND: &[&str] = &["second_pass_refused", "in_doubt", "file_differs"];

/// A hold or refusal as it stands in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its code.
    pub code: String,
    /// Its words.
    pub words: String,
    /// The destination field it is about; may be empty.
    pub field: String,
    /// The value it is about; may be empty.
    pub value: String,
}

impl Standing {
    /// The holds of a step as they stand in the ledger, by key.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn all(view: &View, step: &str) -> Result<HashMap<String, Standing>, ReadError> {
        let mut all = HashMap::new();
        view.each_hold(Some(step), |h| {
            let standing = Standing {
                code: h.code,
                words: h.words,
                field: h.field.unwrap_or_default(),
                value: h.value.unwrap_or_default(),
            };
            all.insert(h.key, standing);
        })?;
        Ok(all)
    }
}

/// Holds of records that a call is about to be made for: those who make it do not note them down again.
#[derive(Debug, Default)]
pub struct StandingHolds {
    all: Mutex<HashMap<(StepId, String), Standing>>,
}

impl StandingHolds {
    /// Notes a hold that stands.
    pub fn note(&self, step: StepId, key: &str, hold: Standing) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert((step, key.to_owned()), hold);
    }

    /// True when this very hold stands.
    pub fn has(&self, step: StepId, key: &str, code: &str, words: &str) -> bool {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        !all.is_empty()
            && all
                .get(&(step, key.to_owned()))
                .is_some_and(|s| s.code == code && s.words == words)
    }
}

/// The memory of one step.
pub struct StepMemory {
    step: StepId,
    ids: Arc<IdMap>,
    /// Holds and refusals as they stand in the ledger, by key.
    holds: HashMap<String, Standing>,
    /// Keys of holds that stand in the ledger and that this run has not come to yet.
    waiting: HashSet<String>,
    /// Hashes of the keys that this run has come to; `None` where nobody asks what is gone.
    came: Option<HashSet<u64>>,
    /// Records that another outcome than this step has now, and which.
    left: Vec<(String, &'static str)>,
}

/// A record that is at the destination and that the source no longer has for this step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Key of the source record.
    pub key: String,
    /// The destination's id.
    pub dest_id: String,
    /// `deleted`, or where it went instead: `routed`, `dropped`, `merged`.
    pub why: &'static str,
}

impl StepMemory {
    /// Loads what the ledger knows about a step.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn load(
        ids: Arc<IdMap>,
        view: &View,
        step: StepId,
        name: &str,
    ) -> Result<StepMemory, ReadError> {
        ids.load(view, step, name)?;
        let holds = Standing::all(view, name)?;
        let waiting = holds.keys().cloned().collect();
        Ok(StepMemory {
            step,
            ids,
            holds,
            waiting,
            came: None,
            left: Vec::new(),
        })
    }

    /// This run has come to the record.
    pub fn met(&mut self, key: &str) {
        self.waiting.remove(key);
        if let Some(came) = &mut self.came {
            came.insert(xxh3_64(key.as_bytes()));
        }
    }

    /// From now on, notes which records the source has.
    pub fn watch(&mut self) {
        self.came = Some(HashSet::new());
    }

    /// The source has the record, but no longer for this step.
    pub fn left(&mut self, key: &str, why: &'static str) {
        if self.came.is_some() && self.is_there(key) {
            self.left.push((key.to_owned(), why));
        }
    }

    fn is_there(&self, key: &str) -> bool {
        self.ids
            .with(self.step, key, 0, |e| e.state == IdState::Confirmed)
            .unwrap_or(false)
    }

    /// Records at the destination that the source no longer has for this step, in order of key.
    pub fn gone(&self) -> Vec<Gone> {
        let Some(came) = &self.came else {
            return Vec::new();
        };
        let known = self.ids.snapshot(self.step);
        let mut all: Vec<Gone> = known
            .iter()
            .filter(|(_, part, entry)| *part == 0 && entry.state == IdState::Confirmed)
            .filter_map(|(key, _, entry)| {
                let why = match self.left.iter().find(|(k, _)| *k == key) {
                    Some((_, why)) => why,
                    None if came.contains(&xxh3_64(key.as_bytes())) => return None,
                    None => "deleted",
                };
                Some(Gone {
                    key: key.into_owned(),
                    dest_id: entry.dest_id.to_owned(),
                    why,
                })
            })
            .collect();
        all.sort_by(|a, b| a.key.cmp(&b.key));
        all
    }

    /// Holds of records that the source no longer has, in order.
    pub fn holds_of_nothing(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.waiting.iter().cloned().collect();
        keys.sort_unstable();
        keys
    }

    /// What is known about a part of a record.
    pub fn known(&self, key: &str, part: u16) -> Known {
        self.ids
            .with(self.step, key, u32::from(part), |entry| {
                let confirmed = |fingerprint| Known::Confirmed {
                    id: entry.dest_id.to_owned(),
                    fingerprint,
                    bound: entry.origin == Some(Origin::Matched),
                    created: entry.origin == Some(Origin::Created),
                };
                match entry.state {
                    IdState::Confirmed => confirmed(entry.fingerprint),
                    // The change of a record that is there was interrupted: whatever it has now, it is sent again.
                    IdState::Open if !entry.dest_id.is_empty() => confirmed(!entry.fingerprint),
                    IdState::Open => Known::OpenCreate,
                    IdState::Failed => Known::Refused {
                        fingerprint: entry.fingerprint,
                        id: (!entry.dest_id.is_empty()).then(|| entry.dest_id.to_owned()),
                    },
                    IdState::Held | IdState::Merged | IdState::Dropped => Known::New,
                }
            })
            .unwrap_or(Known::New)
    }

    /// True when another source record of the step stands behind the same destination record.
    pub fn stands_for_another(&self, id: &str, key: &str) -> bool {
        self.ids
            .snapshot(self.step)
            .iter()
            .any(|(other, _, entry)| {
                other != key && entry.dest_id == id && entry.state == IdState::Confirmed
            })
    }

    /// True when this very hold stands in the ledger already.
    pub fn is_open_hold(&self, key: &str, code: &str, words: &str) -> bool {
        self.holds
            .get(key)
            .is_some_and(|s| s.code == code && s.words == words)
    }

    /// The same for a hold about a value.
    pub fn is_open_hold_of(&self, key: &str, code: &str, words: &str, value: &str) -> bool {
        self.is_open_hold(key, code, words) && self.holds.get(key).is_some_and(|s| s.value == value)
    }

    /// The hold of the record as it stands in the ledger.
    pub fn open_hold(&self, key: &str) -> Option<Standing> {
        self.holds.get(key).cloned()
    }

    /// True when a hold of the record's content stands in the ledger: not a refusal, nor a doubt about one of its
    /// calls or about the copy of a file, which end otherwise.
    pub fn has_content_hold(&self, key: &str) -> bool {
        self.holds.get(key).is_some_and(|Standing { code, .. }| {
            !code.starts_with("refused") && !BY_HAND.contains(&code.as_str())
        })
    }

    /// True when some hold or refusal of the record stands in the ledger.
    pub fn has_open_hold(&self, key: &str) -> bool {
        self.holds.contains_key(key)
    }

    /// Why the destination refused the record, as in the ledger.
    pub fn refusal(&self, key: &str) -> Option<&str> {
        self.holds.get(key).map(|s| s.words.as_str())
    }

    /// The record is at the destination.
    pub fn set_confirmed(&self, key: &str, part: u16, id: &str, fingerprint: u64, origin: Origin) {
        // What is unchanged keeps the references that a second pass wrote.
        let second_pass = origin == Origin::Unchanged
            && self
                .ids
                .with(self.step, key, u32::from(part), |e| e.second_pass)
                .unwrap_or(false);
        self.ids.insert(
            self.step,
            key,
            u32::from(part),
            &IdEntry {
                dest_id: id,
                fingerprint,
                state: IdState::Confirmed,
                origin: Some(origin),
                second_pass,
            },
        );
    }

    /// The record is set aside; what refers to it is, too. What is at the destination already stays known.
    pub fn set_held(&self, key: &str) {
        self.set(key, IdState::Held);
    }

    /// The record was left out on purpose.
    pub fn set_dropped(&self, key: &str) {
        self.set(key, IdState::Dropped);
    }

    fn set(&self, key: &str, state: IdState) {
        let there = self
            .ids
            .with(self.step, key, 0, |e| e.state == IdState::Confirmed)
            .unwrap_or(false);
        if !there {
            self.ids.insert(
                self.step,
                key,
                0,
                &IdEntry {
                    dest_id: "",
                    fingerprint: 0,
                    state,
                    origin: None,
                    second_pass: false,
                },
            );
        }
    }
}
