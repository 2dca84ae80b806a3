//! How a transform asks where a referenced record went.

use crate::{
    ident::{ObjectId, StepId},
    value::DestRef,
};

/// Answers where records went. `run` answers from the ledger's id map and the destination's directory; tests from
/// a table.
pub trait Resolve: Sync {
    /// Where the record of a source object with this key went. `only`: steps that count (empty: any);
    /// `to`: destination objects that fit.
    fn by_source(
        &self,
        object: ObjectId,
        key: &str,
        only: &[StepId],
        to: &[ObjectId],
    ) -> Resolution<'_>;

    /// Records of a source object that will be asked for soon, by keys that are whole numbers. Whoever answers from
    /// memory may bring them near; there is nothing to answer.
    fn ahead(&self, object: ObjectId, keys: &[u64]) {
        let _ = (object, keys);
    }

    /// The record that stands in for records of a source object that are not there.
    fn fallback(&self, object: ObjectId, only: &[StepId], to: &[ObjectId]) -> Option<DestRef<'_>> {
        let _ = (object, only, to);
        None
    }

    /// The destination record with this natural key (its object's first key, trimmed, in lower case).
    fn by_natural(&self, object: ObjectId, key: &str) -> Resolution<'_>;

    /// True when people had this tag at the destination before the migration first ran.
    fn tag_taken(&self, object: ObjectId, tag: &str) -> bool;
}

/// Where a referenced record went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution<'a> {
    /// It is at the destination.
    Found(DestRef<'a>),
    /// It is not there, and this one stands in for it.
    Fallback {
        /// The one that stands in.
        record: DestRef<'a>,
        /// It does so until the other one is there.
        reassign: bool,
    },
    /// It is not there yet and will be; the reference is written in the second pass.
    Later,
    /// It was held or failed; so is whatever needs it.
    Held,
    /// It was left out on purpose.
    Dropped,
    /// There is no such record.
    Unknown,
}
