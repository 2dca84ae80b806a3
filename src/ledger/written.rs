//! What was written into a record, field by field, as hashes: the base of the three-way decision of an update, and
//! what a rollback compares with. Values themselves are not kept: the ledger is no second copy of the data.
//!
//! Encoded in a few bytes per field, because the ledger holds one for every record: for each field a byte of flags,
//! the hash of its name (four bytes), the hash of the value sent (eight, none for nothing), the hash of the value the destination
//! answered where it is another one (eight), and for lists a hash of each item (four each, after their number).

use super::{
    schema,
    view::{ReadError, View, strange},
};
use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use rusqlite::OptionalExtension;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use xxhash_rust::xxh3::xxh3_64;

/// The answer held the value that was sent.
const KEPT: u8 = 1;
/// The answer held another value, whose hash follows.
const CHANGED: u8 = 2;
/// Items of a list follow.
const LIST: u8 = 4;
/// Nothing was sent: no hash of it follows.
const NOTHING: u8 = 8;

/// What was written into a record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The fields.
    #[serde(default, skip_serializing_if = "WrittenFields::is_empty")]
    pub fields: WrittenFields,
    /// When the destination says that the record was changed last, as of the answer to the write: an instant in
    /// UTC. `None` where the platform has no such field, or the answer did not carry it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<String>,
}

/// Fields in the order in which they were added. A later one of the same name counts.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct WrittenFields {
    bytes: Vec<u8>,
}

/// One field as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenField {
    /// Hash of its name: [`name_hash`].
    pub name: u32,
    /// Hash of the value that was sent; 0 when none was, or a blank that clears.
    pub sent: u64,
    /// Hash of the value the destination answered; `None` when the answer did not carry the field.
    pub kept: Option<u64>,
    /// Of a list: a hash of each item that was sent.
    pub items: Vec<u32>,
}

impl WrittenField {
    /// True when a value with this hash is the one that was written, as sent or as the destination answered.
    pub fn is(&self, hash: u64) -> bool {
        self.sent == hash || self.kept == Some(hash)
    }
}

/// The hash that stands for the name of a destination field.
pub fn name_hash(name: &str) -> u32 {
    short(xxh3_64(name.as_bytes()))
}

/// The hash that stands for an item of a list.
pub fn item_hash(item: &str) -> u32 {
    short(xxh3_64(item.as_bytes()))
}

fn short(hash: u64) -> u32 {
    let [a, b, c, d, ..] = hash.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

impl WrittenFields {
    /// Adds a field.
    pub fn add(&mut self, field: &WrittenField) {
        let mut flags = match field.kept {
            None => 0,
            Some(kept) if kept == field.sent => KEPT,
            Some(_) => CHANGED,
        };
        if !field.items.is_empty() {
            flags |= LIST;
        }
        if field.sent == 0 {
            flags |= NOTHING;
        }
        self.bytes.push(flags);
        self.bytes.extend_from_slice(&field.name.to_le_bytes());
        if field.sent != 0 {
            self.bytes.extend_from_slice(&field.sent.to_le_bytes());
        }
        if flags & CHANGED != 0 {
            let kept = field.kept.unwrap_or_default();
            self.bytes.extend_from_slice(&kept.to_le_bytes());
        }
        if flags & LIST != 0 {
            // Longer lists are merged by their first items only.
            let items = field.items.get(..usize::from(u16::MAX));
            let items = items.unwrap_or(&field.items);
            let count = u16::try_from(items.len()).unwrap_or(u16::MAX);
            self.bytes.extend_from_slice(&count.to_le_bytes());
            for item in items {
                self.bytes.extend_from_slice(&item.to_le_bytes());
            }
        }
    }

    /// The field of that name, as added last.
    pub fn get(&self, name: &str) -> Option<WrittenField> {
        let hash = name_hash(name);
        self.iter().filter(|f| f.name == hash).last()
    }

    /// The fields in order.
    pub fn iter(&self) -> impl Iterator<Item = WrittenField> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || read(&mut rest))
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The encoded form.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The encoded form, taken out.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Fields from their encoded form; `None` when it is none.
    pub fn from_bytes(bytes: Vec<u8>) -> Option<WrittenFields> {
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            read(&mut rest)?;
        }
        Some(WrittenFields { bytes })
    }

    /// Adds the fields of another list.
    pub fn extend(&mut self, more: &WrittenFields) {
        self.bytes.extend_from_slice(&more.bytes);
    }
}

impl View {
    /// What was written into a part of a record, by the first pass and then by the second; `None` when nothing was,
    /// or when the engine that wrote it did not note it.
    pub fn written(&self, step: &str, key: &str, part: u32) -> Result<Option<Written>, ReadError> {
        if !schema::knows_written(&self.connection)? {
            return Ok(None);
        }
        type Row = (Option<Vec<u8>>, Option<Vec<u8>>, Option<String>);
        let row: Option<Row> = self
            .connection
            .prepare_cached(
                "SELECT written, written_later, stamp FROM records
                 WHERE step = (SELECT id FROM steps WHERE name = ?1) AND key = ?2 AND part = ?3",
            )?
            .query_row((step, key, part), |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
            .optional()?;
        let Some((first, later, stamp)) = row else {
            return Ok(None);
        };
        let mut fields = WrittenFields::default();
        for bytes in [first, later].into_iter().flatten() {
            let more = WrittenFields::from_bytes(bytes)
                .ok_or_else(|| strange(format!("what was written into {step} `{key}`")))?;
            fields.extend(&more);
        }
        Ok((!fields.is_empty()).then_some(Written {
            fields,
            stamp: stamp.filter(|s| !s.is_empty()),
        }))
    }
}

/// Takes one field off the front.
fn read(rest: &mut &[u8]) -> Option<WrittenField> {
    let [flags] = take(rest)?;
    let name = u32::from_le_bytes(take(rest)?);
    let sent = match flags & NOTHING {
        0 => u64::from_le_bytes(take(rest)?),
        _ => 0,
    };
    let kept = match flags & (KEPT | CHANGED) {
        KEPT => Some(sent),
        CHANGED => Some(u64::from_le_bytes(take(rest)?)),
        _ => None,
    };
    let mut items = Vec::new();
    if flags & LIST != 0 {
        for _ in 0..u16::from_le_bytes(take(rest)?) {
            items.push(u32::from_le_bytes(take(rest)?));
        }
    }
    Some(WrittenField {
        name,
        sent,
        kept,
        items,
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

impl std::fmt::Debug for WrittenFields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Serialize for WrittenFields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD_NO_PAD.encode(&self.bytes))
    }
}

impl<'de> Deserialize<'de> for WrittenFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64_STANDARD_NO_PAD
            .decode(text)
            .map_err(D::Error::custom)?;
        WrittenFields::from_bytes(bytes).ok_or_else(|| D::Error::custom("no list of fields"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> (WrittenFields, Vec<WrittenField>) {
        let all: Vec<WrittenField> = [
            ("city", 7, None, vec![]),
            ("phone", 8, Some(9), vec![]),
            ("tags", 10, Some(10), vec![item_hash("a"), item_hash("b")]),
            ("city", 11, Some(11), vec![]),
            ("zip", 0, Some(0), vec![]),
            ("state", 0, Some(5), vec![]),
        ]
        .into_iter()
        .map(|(name, sent, kept, items)| WrittenField {
            name: name_hash(name),
            sent,
            kept,
            items,
        })
        .collect();
        let mut made = WrittenFields::default();
        for field in &all {
            made.add(field);
        }
        (made, all)
    }

    #[test]
    fn what_goes_in_comes_out() {
        let (made, all) = fields();
        assert_eq!(made.iter().collect::<Vec<_>>(), all);
        assert_eq!(made.get("city").map(|f| f.sent), Some(11));
        assert_eq!(
            made.get("zip").map(|f| (f.is(0), f.is(1))),
            Some((true, false))
        );
        assert_eq!(made.get("street"), None);
        let phone = made.get("phone").map(|f| (f.is(8), f.is(9), f.is(10)));
        assert_eq!(phone, Some((true, true, false)));
        let written = Written {
            fields: made,
            stamp: Some("2026-01-01T00:00:00Z".to_owned()),
        };
        let text = serde_json::to_string(&written).unwrap_or_default();
        assert_eq!(serde_json::from_str::<Written>(&text).ok(), Some(written));
    }

    #[test]
    fn what_is_cut_off_is_no_list() {
        let (made, _) = fields();
        for end in 1..made.bytes().len() {
            let part = made.bytes().get(..end).unwrap_or_default().to_vec();
            let whole = WrittenFields::from_bytes(part.clone());
            assert!(
                whole.is_none_or(|w| w.iter().count() < 6),
                "{end} bytes: {part:?}"
            );
        }
        assert!(serde_json::from_str::<Written>(r#"{"fields":"AAA"}"#).is_err());
    }
}
