//! What a run says while it runs. The executor emits events and never prints; progress bars, `--events`
//! and tests listen.
//!
//! Events are per chunk or per phase, never per record, except holds. They carry keys and codes, no
//! field values.

use serde::Serialize;
use std::collections::BTreeMap;

/// Something that happened in a run. Serialised as one JSON line with `event` as its tag.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run began or went on.
    RunStarted {
        /// Its number in the ledger.
        run: i64,
        /// True when an unfinished run came before.
        resumed: bool,
        /// Batches in the plan.
        batches: usize,
    },
    /// Records of a source are being read through its API.
    Extracting {
        /// The source object.
        object: String,
        /// Records read so far.
        records: u64,
        /// Records of the list, where the API says so.
        total: Option<u64>,
    },
    /// All records of a source object were read.
    Extracted {
        /// The source object.
        object: String,
        /// Records.
        records: u64,
        /// Records that came more than once, left out.
        twice: u64,
        /// Fields that no record carries.
        absent: Vec<String>,
    },
    /// Source records are being indexed for joins and merges.
    Indexing {
        /// The source object.
        object: String,
    },
    /// Joins and merges outgrew their memory.
    Overflowed {
        /// Bytes that stand in a file instead.
        bytes: u64,
    },
    /// Existing records of the destination are being listed.
    Listing {
        /// The destination object.
        object: String,
        /// Records seen so far.
        records: u64,
    },
    /// What is going to happen to the records of a step, as far as the ledger can tell.
    Previewed {
        /// The step.
        step: String,
        /// New ones.
        new: u64,
        /// Ones with other content than before.
        changed: u64,
        /// Ones as they are.
        unchanged: u64,
        /// Held or refused ones.
        waiting: u64,
        /// Changed ones by destination field.
        fields: BTreeMap<String, u64>,
    },
    /// A batch began.
    BatchStarted {
        /// From 1.
        batch: usize,
        /// Names of its steps.
        steps: Vec<String>,
    },
    /// A step began, or began its second pass.
    StepStarted {
        /// The step.
        step: String,
        /// Records expected, where known.
        records: Option<u64>,
        /// True for the second pass.
        second_pass: bool,
    },
    /// A step went on.
    StepProgress {
        /// The step.
        step: String,
        /// Records read so far.
        read: u64,
        /// Records settled so far.
        settled: u64,
    },
    /// The rate budget is spent for now.
    Waiting {
        /// Milliseconds until the next call may go out.
        millis: u64,
        /// Why.
        why: String,
    },
    /// Records are in doubt and are being looked up.
    Resolving {
        /// The step.
        step: String,
        /// How many.
        records: u64,
    },
    /// The destination was counted after a batch.
    Counted {
        /// The batch, from 1.
        batch: u64,
        /// The destination object.
        object: String,
        /// Records that must be there.
        expected: Option<u64>,
        /// Records that are there.
        found: Option<u64>,
        /// `balanced`, `more`, `others`, `missing`, `not_known`.
        verdict: String,
        /// The same in words, with the keys of records that are missing.
        words: String,
    },
    /// A step ended.
    StepFinished {
        /// The step.
        step: String,
        /// Its books.
        counts: Counts,
    },
    /// The run ended.
    RunFinished {
        /// `completed`, `completed_with_holds`, `stopped`, `aborted`.
        outcome: String,
        /// Calls made: (read, write).
        calls: (u64, u64),
    },
}

/// The books of a step. They balance when `read` equals the sum of the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Counts {
    /// Source records read.
    pub read: u64,
    /// New at the destination.
    pub created: u64,
    /// Existing ones written.
    pub updated: u64,
    /// Already there with the same content, or bound without writing.
    pub unchanged: u64,
    /// Duplicates that went into another record.
    pub merged: u64,
    /// Sent to another step by a split.
    pub routed: u64,
    /// Left out on purpose.
    pub dropped: u64,
    /// Set aside with a reason.
    pub held: u64,
    /// Refused by the destination.
    pub failed: u64,
}

impl Counts {
    /// True when every record read has exactly one outcome.
    pub fn balanced(&self) -> bool {
        self.read == self.settled()
    }

    /// Records that have an outcome.
    pub fn settled(&self) -> u64 {
        self.created
            + self.updated
            + self.unchanged
            + self.merged
            + self.routed
            + self.dropped
            + self.held
            + self.failed
    }

    /// Adds another step's books.
    pub fn add(&mut self, other: &Counts) {
        self.read += other.read;
        self.created += other.created;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.merged += other.merged;
        self.routed += other.routed;
        self.dropped += other.dropped;
        self.held += other.held;
        self.failed += other.failed;
    }
}
