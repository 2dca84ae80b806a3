//! Record keys: what names a source record in the id map, in holds and in reports.
//!
//! The key is the text of the object's key fields, trimmed, in lower case where the platform compares so, joined
//! by U+001F. An object without key fields takes the fingerprint of the row and a repetition number.
//! Repeats and repetition numbers depend on what came before, so a [`KeyScan`] sees pages in source order.

use super::text::{self, KEY_SEPARATOR};
use crate::{
    ident::FieldId,
    platform::Object,
    value::{CellKind, NumberSet, Page, Type, glance, whole_number},
};
use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashTable};
use xxhash_rust::xxh3::xxh3_64;

/// How the key of an object's records is made.
#[derive(Clone, Debug)]
pub(crate) struct KeyRule {
    /// The key fields; empty: the whole row.
    pub fields: Vec<FieldId>,
    /// Compare, and therefore keep, in lower case.
    pub lower: bool,
    /// The fields that make up the fingerprint of a row without a key.
    row: Vec<FieldId>,
}

impl KeyRule {
    /// The rule of an object: the key of its rows; for an API object its id field, else its first key.
    pub fn of(object: &Object) -> KeyRule {
        let all = || {
            (0u16..)
                .zip(&object.fields)
                .map(|(i, field)| (FieldId(i), field))
        };
        let fields = match &object.rows {
            Some(rows) => rows.key.clone(),
            None => match all().find(|(_, f)| f.data_type == Type::Id) {
                Some((id, _)) => vec![id],
                None => object
                    .keys
                    .first()
                    .map(|k| k.by.clone())
                    .unwrap_or_default(),
            },
        };
        let lower = object.keys.iter().any(|k| k.by == fields && k.lower);
        let row = if fields.is_empty() {
            // The customer's own fields stay out: adding one to the migration must not rename every record.
            all().filter(|(_, f)| !f.custom).map(|(id, _)| id).collect()
        } else {
            Vec::new()
        };
        KeyRule { fields, lower, row }
    }

    /// The fields that must be among the columns.
    pub fn needs(&self) -> &[FieldId] {
        if self.fields.is_empty() {
            &self.row
        } else {
            &self.fields
        }
    }

    /// True when a key of one field is this text, so that references can be looked up by it.
    pub fn is_single(&self) -> bool {
        self.fields.len() == 1
    }
}

/// Why a record has no usable key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFault {
    /// A key field is blank.
    Missing,
    /// An earlier record of the object has the same key.
    Duplicate,
}

/// The keys of a page's records.
#[derive(Clone, Debug, Default)]
pub struct PageKeys {
    own: String,
    keys: Vec<KeySpan>,
}

#[derive(Clone, Copy, Debug)]
struct KeySpan {
    start: u32,
    len: u32,
    /// In the page's text, else in `own`.
    in_page: bool,
    fault: Option<KeyFault>,
}

impl PageKeys {
    /// The key of a record and what is wrong with it. A blank key is empty text.
    pub fn get<'a>(&'a self, page: &'a Page, row: usize) -> (&'a str, Option<KeyFault>) {
        let Some(span) = self.keys.get(row) else {
            return ("", Some(KeyFault::Missing));
        };
        let text = if span.in_page { &page.text } else { &self.own };
        let start = span.start as usize;
        (
            text.get(start..start + span.len as usize).unwrap_or(""),
            span.fault,
        )
    }
}

/// Makes the keys of an object's pages, in source order, and notices repeats.
#[derive(Debug)]
pub(crate) struct KeyScan {
    columns: Vec<usize>,
    whole_row: bool,
    lower: bool,
    seen: KeySet,
    repeats: HashMap<u64, u32, FixedState>,
}

impl KeyScan {
    /// A scan over pages whose columns are `columns`.
    pub fn new(rule: &KeyRule, columns: &[FieldId]) -> KeyScan {
        KeyScan {
            columns: rule
                .needs()
                .iter()
                .map(|f| columns.iter().position(|c| c == f).unwrap_or(usize::MAX))
                .collect(),
            whole_row: rule.fields.is_empty(),
            lower: rule.lower,
            seen: KeySet::default(),
            repeats: HashMap::with_hasher(FixedState::default()),
        }
    }

    /// The keys of the next page.
    pub fn page(&mut self, page: &Page) -> PageKeys {
        let mut out = PageKeys {
            own: String::new(),
            keys: Vec::with_capacity(page.rows()),
        };
        let mut scratch = Vec::new();
        for row in 0..page.rows() {
            let span = if self.whole_row {
                self.row_key(page, row, &mut out.own, &mut scratch)
            } else if let [column] = self.columns[..] {
                self.single_key(page, row, column, &mut out.own)
            } else {
                self.joined_key(page, row, &mut out.own)
            };
            out.keys.push(span);
        }
        out
    }

    fn single_key(&mut self, page: &Page, row: usize, column: usize, own: &mut String) -> KeySpan {
        let (_, cell) = page.cell(row, column);
        let key = glance::trim(cell);
        if key.is_empty() {
            return missing();
        }
        if self.lower && key.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii()) {
            let from = own.len();
            text::push_folded(own, key);
            return self.owned(own, from);
        }
        let fault = self.repeat(key);
        let Some(span) = page.cells.get(row * page.width + column) else {
            return missing();
        };
        let lead = cell.len() - cell.trim_start().len();
        KeySpan {
            start: span.start + lead as u32,
            len: key.len() as u32,
            in_page: true,
            fault,
        }
    }

    fn joined_key(&mut self, page: &Page, row: usize, own: &mut String) -> KeySpan {
        let from = own.len();
        for (i, column) in self.columns.iter().enumerate() {
            let part = glance::trim(page.cell(row, *column).1);
            if part.is_empty() {
                own.truncate(from);
                return missing();
            }
            if i > 0 {
                own.push(KEY_SEPARATOR);
            }
            if self.lower {
                text::push_folded(own, part);
            } else {
                own.push_str(part);
            }
        }
        self.owned(own, from)
    }

    fn row_key(
        &mut self,
        page: &Page,
        row: usize,
        own: &mut String,
        scratch: &mut Vec<u8>,
    ) -> KeySpan {
        scratch.clear();
        for column in &self.columns {
            let (kind, cell) = page.cell(row, *column);
            scratch.push(u8::from(kind != CellKind::Absent));
            scratch.extend_from_slice(&(cell.len() as u64).to_le_bytes());
            scratch.extend_from_slice(cell.as_bytes());
        }
        let hash = xxh3_64(scratch);
        let repeat = self.repeats.entry(hash).or_insert(0);
        *repeat += 1;
        let from = own.len();
        own.push_str(&format!("{hash:016x}-{repeat}"));
        KeySpan {
            start: from as u32,
            len: (own.len() - from) as u32,
            in_page: false,
            fault: None,
        }
    }

    fn owned(&mut self, own: &str, from: usize) -> KeySpan {
        KeySpan {
            start: from as u32,
            len: (own.len() - from) as u32,
            in_page: false,
            fault: self.repeat(&own[from..]),
        }
    }

    fn repeat(&mut self, key: &str) -> Option<KeyFault> {
        (!self.seen.insert(key)).then_some(KeyFault::Duplicate)
    }
}

fn missing() -> KeySpan {
    KeySpan {
        start: 0,
        len: 0,
        in_page: false,
        fault: Some(KeyFault::Missing),
    }
}

/// Keys that were seen. Whole numbers, the usual ids, take bits and are exact; other texts are kept as 64-bit hashes
/// (two of ten million keys share one with a chance of 3 in a million).
#[derive(Debug, Default)]
struct KeySet {
    numbers: NumberSet,
    texts: HashTable<u64>,
}

impl KeySet {
    /// Adds a key; false when it was there.
    fn insert(&mut self, key: &str) -> bool {
        if let Some(n) = whole_number(key) {
            return self.numbers.insert(n);
        }
        let hash = xxh3_64(key.as_bytes());
        if self.texts.find(hash, |h| *h == hash).is_some() {
            return false;
        }
        self.texts.insert_unique(hash, hash, |h| *h);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn numbers_and_texts_do_not_meet() {
        let mut set = KeySet::default();
        for key in [
            "7",
            "07",
            "+7",
            "7 ",
            "0",
            "00",
            "",
            "123456789012345678901",
        ] {
            assert!(set.insert(key), "{key:?} is new");
            assert!(!set.insert(key), "{key:?} is there");
        }
    }

    proptest! {
        #[test]
        fn a_key_set_is_a_set(keys in proptest::collection::vec("[0-9]{0,3}|[a-c]{0,2}", 0..60)) {
            let mut set = KeySet::default();
            let mut model = HashSet::new();
            for key in keys {
                prop_assert_eq!(set.insert(&key), model.insert(key));
            }
        }
    }
}
