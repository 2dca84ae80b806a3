//! What a pass says about records: effects, holds, and records that settle without either.
//!
//! Every source record gets exactly one of them for every step of the pass (an effect may come in several
//! parts), so that the books of a step balance. Knows no ledger and no connector: a [`Sink`] decides what
//! an effect leads to.

use crate::{
    ident::{ObjectId, StepId},
    mapping::Loss,
    value::Value,
};

/// Takes what a pass says, in the order of the page.
pub trait Sink {
    /// A record for one step.
    fn effect(&mut self, effect: &Effect<'_>);

    /// A record set aside for one step.
    fn hold(&mut self, hold: &Hold<'_>);

    /// A record that this step neither writes nor holds.
    fn settle(&mut self, step: StepId, key: &str, line: u64, why: Settled<'_>);
}

/// A destination record to be, or one part of it.
#[derive(Clone, Copy, Debug)]
pub struct Effect<'a> {
    /// The step.
    pub step: StepId,
    /// The source record's key.
    pub key: &'a str,
    /// Line in the file where the record starts (0 where there are no lines).
    pub line: u64,
    /// Which part, from 0. A record has several where a text was spread over pages.
    pub part: u16,
    /// How many parts, at least 1.
    pub parts: u16,
    /// Values aligned with `Step::fields`. Entries of the other pass and references that resolve later are absent.
    pub values: &'a [Value<'a>],
    /// Fingerprint of the values: xxh3 over a canonical form in which a reference is the key it was looked up
    /// by, so that it is the same whatever ids the destination gave. Entries of the other pass are not in it.
    pub fingerprint: u64,
    /// True when a deferred entry has a value, so that the second pass has something to write.
    pub has_deferred: bool,
    /// References of this record to records that are not there, where a report tells them: the source object and the
    /// key. Once for each record, with its first part.
    pub missed: &'a [(ObjectId, &'a str)],
    /// References of this record that were left blank because nothing is there: the destination field and what it
    /// named. Once for each record, with its first part.
    pub unmatched: &'a [(&'a str, &'a str)],
}

/// A record set aside, with the reason.
#[derive(Clone, Copy, Debug)]
pub struct Hold<'a> {
    /// The step.
    pub step: StepId,
    /// The source record's key; `line N` for a row without one.
    pub key: &'a str,
    /// Line in the file where the record starts (0 where there are no lines).
    pub line: u64,
    /// The hold code.
    pub code: &'a str,
    /// The destination field it is about; empty when it is about the record.
    pub field: &'a str,
    /// The value it is about, shortened to 200 characters; may be empty.
    pub value: &'a str,
    /// What is wrong, for people; further faults of the record stand here too.
    pub words: &'a str,
}

/// Why a record is neither written nor held by a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled<'a> {
    /// A split sends it to other steps.
    Routed,
    /// Left out on purpose, for this reason.
    Dropped(&'a str),
    /// It stands for the same thing as another record and went into it.
    Merged {
        /// The survivor's key.
        into: &'a str,
    },
    /// The second pass has nothing to write for it.
    Skipped,
}

/// How often values of one field lost something in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LossCount {
    /// The step.
    pub step: StepId,
    /// Position in `Step::fields`.
    pub field: usize,
    /// What was lost.
    pub loss: Loss,
    /// In how many records.
    pub records: u64,
}
