//! The hash chain: the hash of what is written together covers all of it and the hash before it.
//!
//! Says what that hash is; [`super::verify`] walks the journal with it.

use rusqlite::Row;
use std::fmt;

/// A hash of the chain.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Hash(pub(super) [u8; 32]);

impl Hash {
    /// What the first entry is chained to: it differs from ledger to ledger.
    pub(super) fn genesis(lineage: &str) -> Hash {
        Hash(*blake3::hash(format!("transload ledger {lineage}").as_bytes()).as_bytes())
    }

    /// The hash as it was read from a file; `None` when it has another length.
    pub(super) fn read(bytes: &[u8]) -> Option<Hash> {
        Some(Hash(bytes.try_into().ok()?))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// An entry with its place, as versions before 4 wrote and hashed it: each alone.
pub(super) struct Link<'a> {
    pub seq: i64,
    pub run: i64,
    pub at_ms: i64,
    pub kind: &'a str,
    pub step: &'a str,
    pub key: &'a str,
    pub part: u32,
    pub data: &'a str,
}

impl<'a> Link<'a> {
    /// Reads its columns in this order.
    pub fn read(row: &'a Row<'a>) -> Result<Link<'a>, rusqlite::Error> {
        let text = |column: usize| -> Result<&'a str, rusqlite::Error> {
            Ok(row.get_ref(column)?.as_str()?)
        };
        Ok(Link {
            seq: row.get(0)?,
            run: row.get(1)?,
            at_ms: row.get(2)?,
            kind: text(3)?,
            step: text(4)?,
            key: text(5)?,
            part: row.get(6)?,
            data: text(7)?,
        })
    }

    /// The hash of this entry after `before`. Texts are preceded by their length, so that no two entries
    /// have the same bytes.
    pub fn hash(&self, before: Hash, buffer: &mut Vec<u8>) -> Hash {
        buffer.clear();
        buffer.extend_from_slice(&before.0);
        for number in [self.seq, self.run, self.at_ms, i64::from(self.part)] {
            buffer.extend_from_slice(&number.to_le_bytes());
        }
        for text in [self.kind, self.step, self.key, self.data] {
            buffer.extend_from_slice(&(text.len() as u64).to_le_bytes());
            buffer.extend_from_slice(text.as_bytes());
        }
        Hash(*blake3::hash(buffer).as_bytes())
    }
}

/// The hash of entries that were written together, in one frame, after `before`. `place`: the numbers of the first and
/// the last of them.
pub(super) fn hash_frame(
    before: Hash,
    place: (i64, i64),
    run: i64,
    at_ms: i64,
    frame: &[u8],
) -> Hash {
    let mut hasher = blake3::Hasher::new();
    // No entry of an older version begins so: two forms never have the same bytes.
    hasher.update(b"transload frame ");
    hasher.update(&before.0);
    for number in [place.0, place.1, run, at_ms] {
        hasher.update(&number.to_le_bytes());
    }
    hasher.update(frame);
    Hash(*hasher.finalize().as_bytes())
}
