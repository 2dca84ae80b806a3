//! What the destination holds of one object: its records by their keys, as listed.
//!
//! Listed when a pass starts, so that found and absent are facts and not guesses, and again where an answer
//! was lost. Knows which source record stands behind an entry, so that two source records never end in one
//! destination record unseen.

use super::key::{self, KeyRule, KeyText};
use crate::{platform::wire::FieldReader, run::decide::Seen};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use xxhash_rust::xxh3::xxh3_64;

/// Records of one destination object.
pub struct Directory {
    readers: Arc<[FieldReader]>,
    rules: Vec<KeyRule>,
    /// For each rule: key text to position in `entries`.
    index: Vec<HashMap<KeyText, usize>>,
    by_id: HashMap<String, usize>,
    entries: Vec<Entry>,
    tags: HashSet<String>,
    /// The number of the listing under way, from 1; a listing that broke off is done again under its number.
    listing: u32,
}

struct Entry {
    id: Option<String>,
    /// The record as listed, as JSON, where somebody is about to look at it: of all others only the keys stay.
    record: Option<Box<[u8]>>,
    /// The source record behind it: step name and key.
    by: Option<(String, String)>,
    /// The listing that showed it first as it is now; 0: none has.
    listed: u32,
    /// A hash of the record as listed.
    seal: u64,
}

impl Entry {
    fn made(by: Option<(String, String)>) -> Entry {
        Entry {
            id: None,
            record: None,
            by,
            listed: 0,
            seal: 0,
        }
    }
}

impl Directory {
    /// An empty directory that indexes these keys. `readers` are those of the object's fields.
    pub fn new(readers: Arc<[FieldReader]>, rules: Vec<KeyRule>) -> Directory {
        Directory {
            index: vec![HashMap::new(); rules.len()],
            readers,
            rules,
            by_id: HashMap::new(),
            entries: Vec::new(),
            tags: HashSet::new(),
            listing: 1,
        }
    }

    /// The listing under way has shown all that was there when it began.
    pub fn listing_ended(&mut self) {
        self.listing = self.listing.saturating_add(1);
    }

    /// The position of a rule, for [`Directory::seen`].
    pub fn rule(&self, rule: &KeyRule) -> Option<usize> {
        self.rules.iter().position(|r| r == rule)
    }

    /// Takes in a record as listed. Returns false when a listing that ended has shown it exactly so.
    ///
    /// In a list with the newest first, only such a record says that what follows is known. One that was made meanwhile does not:
    /// older ones may be unseen. Nor does one that this same listing has shown already: the list moved while it was read. Nor one
    /// that has changed: it stands where its change puts it.
    ///
    /// `keep`: a record that is being made stays whole until it is taken.
    pub fn list(&mut self, record: &serde_json::Value, keep: bool) -> bool {
        let Some(id) = record_id(record) else {
            return false;
        };
        let keys: Vec<Option<KeyText>> = self
            .rules
            .iter()
            .map(|r| key::of_record(r, &self.readers, record))
            .collect();
        if let Some(serde_json::Value::Array(tags)) = record.get("tags") {
            self.tags.extend(
                tags.iter()
                    .filter_map(|t| t.as_str())
                    .map(str::to_lowercase),
            );
        }
        let json = serde_json::to_vec(record).unwrap_or_default();
        let seal = xxh3_64(&json);
        let (at, made) = match self.by_id.get(&id) {
            Some(at) => (*at, false),
            None => {
                // A record that is being made under one of these keys is this one.
                let pending = keys
                    .iter()
                    .zip(&self.index)
                    .filter_map(|(k, ix)| ix.get(k.as_ref()?).copied())
                    .find(|at| self.entries.get(*at).is_some_and(|e| e.id.is_none()));
                let at = pending.unwrap_or_else(|| {
                    self.entries.push(Entry::made(None));
                    self.entries.len() - 1
                });
                self.by_id.insert(id.clone(), at);
                (at, pending.is_some())
            }
        };
        for (key, index) in keys.into_iter().zip(&mut self.index) {
            if let Some(key) = key {
                index.entry(key).or_insert(at);
            }
        }
        let Some(entry) = self.entries.get_mut(at) else {
            return true;
        };
        entry.id = Some(id);
        if entry.listed == 0 || entry.seal != seal {
            entry.listed = self.listing;
            entry.seal = seal;
        }
        if keep && made {
            entry.record = Some(json.into_boxed_slice());
        }
        entry.listed == self.listing
    }

    /// Notes which source record stands behind a destination record.
    pub fn own(&mut self, id: &str, step: &str, key: &str) {
        if let Some(entry) = self.by_id.get(id).and_then(|at| self.entries.get_mut(*at)) {
            entry.by = Some((step.to_owned(), key.to_owned()));
        }
    }

    /// What stands under a key, for this source record.
    pub fn seen(&self, rule: usize, key_text: &str, step: &str, key: &str) -> Seen {
        let Some(entry) = self
            .index
            .get(rule)
            .and_then(|ix| ix.get(key_text))
            .and_then(|at| self.entries.get(*at))
        else {
            return Seen::Nothing;
        };
        match (&entry.by, &entry.id) {
            (Some((s, k)), id) if s != step || k != key => Seen::Taken {
                id: id.clone(),
                by: format!("{s}/{k}"),
            },
            (_, Some(id)) => Seen::Record(id.clone()),
            (_, None) => Seen::Nothing,
        }
    }

    /// The destination's id under a key.
    pub fn id_of(&self, rule: usize, key_text: &str) -> Option<&str> {
        let at = *self.index.get(rule)?.get(key_text)?;
        self.entries.get(at)?.id.as_deref()
    }

    /// Notes that a record is being made under a key, for this source record.
    pub fn claim(&mut self, rule: usize, key_text: &str, step: &str, key: &str) {
        if self
            .index
            .get(rule)
            .is_some_and(|ix| ix.contains_key(key_text))
        {
            return;
        }
        self.entries
            .push(Entry::made(Some((step.to_owned(), key.to_owned()))));
        let at = self.entries.len() - 1;
        if let Some(index) = self.index.get_mut(rule) {
            index.insert(key_text.to_owned(), at);
        }
    }

    /// Notes that the record made under a key got this id.
    pub fn made(&mut self, rule: usize, key_text: &str, id: &str) {
        if let Some(at) = self
            .index
            .get(rule)
            .and_then(|ix| ix.get(key_text))
            .copied()
        {
            self.by_id.entry(id.to_owned()).or_insert(at);
            if let Some(entry) = self.entries.get_mut(at) {
                entry.id = Some(id.to_owned());
            }
        }
    }

    /// The record as it was listed while it was being made, for the one who looks at it: it is kept once only.
    pub fn take_record(&mut self, id: &str) -> Option<serde_json::Value> {
        let at = *self.by_id.get(id)?;
        let json = self.entries.get_mut(at)?.record.take()?;
        serde_json::from_slice(&json).ok()
    }

    /// Tags of the listed records, in lower case.
    pub fn tags(&self) -> &HashSet<String> {
        &self.tags
    }

    /// The number of records listed.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// True when no record was listed.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Key text to id for one rule: what natural keys resolve through.
    pub fn ids_by(&self, rule: usize) -> HashMap<String, String> {
        self.index
            .get(rule)
            .into_iter()
            .flatten()
            .filter_map(|(k, at)| Some((k.clone(), self.entries.get(*at)?.id.clone()?)))
            .collect()
    }
}

/// The id of a record as the destination shows it: a number or a text under `id`.
pub fn record_id(record: &serde_json::Value) -> Option<String> {
    match record.get("id")? {
        serde_json::Value::String(s) if !s.is_empty() => Some(s.clone()),
        serde_json::Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ident::FieldId,
        platform::{Connect, Field, Platform},
        value::Type,
    };
    use serde_json::json;

    fn row(id: u64, updated: u64) -> serde_json::Value {
        json!({"id": id, "updated_at": updated})
    }

    #[test]
    fn only_what_an_ended_listing_showed_is_known() {
        let mut directory = Directory::new(Arc::from([]), Vec::new());
        // Twice in one listing: the list moved, and what it pushed down is still to come.
        assert!(directory.list(&row(1, 10), false));
        assert!(directory.list(&row(1, 10), false));
        // One that broke off says nothing about what it did not reach.
        assert!(directory.list(&row(1, 10), false));
        directory.listing_ended();
        assert!(!directory.list(&row(1, 10), false));
        assert!(directory.list(&row(2, 11), false));
        assert!(directory.list(&row(2, 11), false));
        directory.listing_ended();
        assert!(!directory.list(&row(2, 11), false));
        // Changed: it stands at the top now, before what was made earlier.
        assert!(directory.list(&row(1, 12), false));
        directory.listing_ended();
        assert!(!directory.list(&row(1, 12), false));
    }
    #[test]
    fn only_what_is_being_made_stays_whole_and_until_it_is_taken() {
        let platform = Platform::new("api", Connect::Http(Box::default()));
        let field = Field::new("ref", Type::Text);
        let readers = Arc::from([FieldReader::new(&platform, &field)]);
        let rule = KeyRule {
            fields: vec![FieldId(0)],
            trim: false,
            lower: false,
        };
        let mut directory = Directory::new(readers, vec![rule]);
        let record = |id: u64| json!({"id": id, "ref": format!("r{id}")});
        directory.claim(0, "r1", "contact", "1");
        directory.claim(0, "r2", "contact", "2");
        for (id, keep) in [(1, true), (2, false), (3, true)] {
            assert!(directory.list(&record(id), keep));
        }
        assert_eq!(directory.take_record("1"), Some(record(1)));
        assert_eq!(directory.take_record("1"), None, "it was taken");
        assert_eq!(directory.take_record("2"), None, "nobody looks at it");
        assert_eq!(directory.take_record("3"), None, "somebody else's");
        directory.list(&record(1), true);
        assert_eq!(directory.take_record("1"), None, "it is made");
        assert_eq!(directory.id_of(0, "r2"), Some("2"));
    }
}
