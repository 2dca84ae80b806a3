//! What the destination holds of one object, as it shows it: every record, found by its keys, its stamps, its parent
//! and its texts. Several records under one key stay several.

use crate::{
    ident::FieldId,
    platform::wire::{FieldReader, WireValue},
    run::{
        directory::record_id,
        key::{self, KeyRule, KeyText},
    },
};
use serde_json::Value as Json;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// The source record that explains a destination record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The step.
    pub step: String,
    /// The source record's key.
    pub key: String,
}

/// Records of one destination object.
pub struct Shelf {
    readers: Arc<[FieldReader]>,
    rules: Vec<KeyRule>,
    records: Vec<Json>,
    ids: Vec<String>,
    by_id: HashMap<String, usize>,
    /// For each rule: key text to records.
    by_key: Vec<HashMap<KeyText, Vec<usize>>>,
    /// For each field asked for: value to records. Made when first asked.
    by_value: HashMap<FieldId, HashMap<String, Vec<usize>>>,
    owners: Vec<Option<Owner>>,
    doubles: HashSet<usize>,
    /// Whether any record has a member for a field. Worked out when first asked.
    shown: HashMap<FieldId, bool>,
    /// Why nothing could be read; `None`: it was read.
    pub unread: Option<String>,
    /// True when only the records below some parents were read.
    pub partial: bool,
}

impl Shelf {
    /// An empty shelf with these keys.
    pub fn new(readers: Arc<[FieldReader]>, rules: Vec<KeyRule>) -> Shelf {
        Shelf {
            by_key: vec![HashMap::new(); rules.len()],
            readers,
            rules,
            records: Vec::new(),
            ids: Vec::new(),
            by_id: HashMap::new(),
            by_value: HashMap::new(),
            owners: Vec::new(),
            doubles: HashSet::new(),
            shown: HashMap::new(),
            unread: None,
            partial: false,
        }
    }

    /// Takes in a record as shown. One that moved while a list was read counts once.
    pub fn add(&mut self, record: Json) {
        let Some(id) = record_id(&record) else {
            return;
        };
        if self.by_id.contains_key(&id) {
            return;
        }
        let at = self.records.len();
        for (rule, index) in self.rules.iter().zip(&mut self.by_key) {
            if let Some(text) = key::of_record(rule, &self.readers, &record) {
                index.entry(text).or_default().push(at);
            }
        }
        self.by_value.clear();
        self.shown.clear();
        self.by_id.insert(id.clone(), at);
        self.ids.push(id);
        self.records.push(record);
        self.owners.push(None);
    }

    /// The number of records.
    pub fn count(&self) -> usize {
        self.records.len()
    }

    /// The ids, in the order shown.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// A record.
    pub fn record(&self, at: usize) -> &Json {
        self.records.get(at).unwrap_or(&Json::Null)
    }

    /// A record's id.
    pub fn id(&self, at: usize) -> &str {
        self.ids.get(at).map_or("", String::as_str)
    }

    /// The position of a record.
    pub fn position(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// Records under a key, the first shown first.
    pub fn under(&self, rule: &KeyRule, text: &str) -> &[usize] {
        let at = self.rules.iter().position(|r| r == rule);
        at.and_then(|at| self.by_key.get(at)?.get(text))
            .map_or(&[], Vec::as_slice)
    }

    /// Key text to the first id, for one rule: what natural keys resolve through.
    pub fn ids_by(&self, rule: &KeyRule) -> HashMap<String, String> {
        let Some(at) = self.rules.iter().position(|r| r == rule) else {
            return HashMap::new();
        };
        let index = self.by_key.get(at).into_iter().flatten();
        index
            .filter_map(|(text, all)| Some((text.clone(), self.id(*all.first()?).to_owned())))
            .collect()
    }

    /// Records whose field has this value.
    pub fn with(&mut self, field: FieldId, value: &str) -> Vec<usize> {
        let (readers, records) = (&self.readers, &self.records);
        let index = self.by_value.entry(field).or_insert_with(|| {
            let mut index: HashMap<String, Vec<usize>> = HashMap::new();
            for (at, record) in records.iter().enumerate() {
                if let Some(reader) = readers.get(field.ix())
                    && let WireValue::One(text) | WireValue::Record { id: text, .. } =
                        reader.read(record)
                {
                    index.entry(text.trim().to_owned()).or_default().push(at);
                }
            }
            index
        });
        index.get(value.trim()).cloned().unwrap_or_default()
    }

    /// What a field of a record holds.
    pub fn value(&self, at: usize, field: FieldId) -> WireValue {
        match self.readers.get(field.ix()) {
            Some(reader) => reader.read(self.record(at)),
            None => WireValue::Absent,
        }
    }

    /// True when some record has a member for a field: what none has, the destination does not show.
    pub fn shows(&mut self, field: FieldId) -> bool {
        let (readers, records) = (&self.readers, &self.records);
        *self.shown.entry(field).or_insert_with(|| {
            readers.get(field.ix()).is_some_and(|reader| {
                records
                    .iter()
                    .any(|r| !matches!(reader.read(r), WireValue::Absent))
            })
        })
    }

    /// The source record that explains a record.
    pub fn owner(&self, at: usize) -> Option<&Owner> {
        self.owners.get(at)?.as_ref()
    }

    /// True when nothing explains the record so far.
    pub fn is_free(&self, at: usize) -> bool {
        self.owner(at).is_none() && !self.doubles.contains(&at)
    }

    /// Notes what explains a record.
    pub fn take(&mut self, at: usize, step: &str, key: &str) {
        if let Some(slot) = self.owners.get_mut(at) {
            slot.get_or_insert_with(|| Owner {
                step: step.to_owned(),
                key: key.to_owned(),
            });
        }
    }

    /// Notes that a record is a double; false when it was known.
    pub fn double(&mut self, at: usize) -> bool {
        self.is_free(at) && self.doubles.insert(at)
    }

    /// Records that nothing explains.
    pub fn free(&self) -> Vec<usize> {
        (0..self.count()).filter(|at| self.is_free(*at)).collect()
    }

    /// (explained, doubled, extra).
    pub fn sums(&self) -> (u64, u64, u64) {
        let explained = self.owners.iter().flatten().count() as u64;
        let doubled = self.doubles.len() as u64;
        (
            explained,
            doubled,
            self.count() as u64 - explained - doubled,
        )
    }
}
