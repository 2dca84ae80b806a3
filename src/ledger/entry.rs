//! Journal entries: what happened, in the past tense.
//!
//! An entry says which step and record it is about, and the rest as JSON. It carries no secret. It holds
//! keys of records, and of holds one shortened value, because people must be able to find them.

pub use super::words::{Origin, Undone, WriteOp};
use super::{
    approval::Approval,
    counted::{CountedAfter, CountedBefore},
    file_check::FileCheck,
    progress::{Planned, Progressed, Waiting},
    written::Written,
};
use crate::event::Counts;
use serde::{Deserialize, Serialize};

/// Something that happened. The order in the journal is the order of events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// A run began.
    RunStarted {
        /// The command, as people know it (`run`, `rollback`).
        command: String,
        /// Hash of the plan.
        plan: String,
        /// Version of the engine.
        engine: String,
        /// True when the run before it has no end.
        resumed: bool,
    },
    /// A run ended. A run without this entry was interrupted.
    RunEnded {
        /// `completed`, `completed_with_holds`, `stopped`, `paused`, `waiting` (for a person), `aborted`.
        outcome: String,
        /// Of a pause: until when it lasts, in milliseconds of Unix time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until_ms: Option<i64>,
        /// Why it did not come to its end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// Somebody said that the sample is right.
    Approved(Approval),
    /// A run began without an approved sample.
    Waived {
        /// What allowed it: `--auto-approve`, `approve: none`.
        by: String,
    },
    /// A step began.
    StepStarted {
        /// The step.
        #[serde(skip)]
        step: String,
        /// Hash of the step's meaning.
        hash: String,
        /// True for its second pass.
        #[serde(default)]
        second_pass: bool,
    },
    /// A step ended, with its books.
    StepEnded {
        /// The step.
        #[serde(skip)]
        step: String,
        /// Its books.
        counts: Counts,
    },
    /// A record is about to be sent. On disk before the call.
    Intended(Intent),
    /// A record is at the destination.
    Confirmed {
        /// The step.
        #[serde(skip)]
        step: String,
        /// Key of the source record.
        #[serde(skip)]
        key: String,
        /// Part of the record; 0 unless one record became several.
        #[serde(skip)]
        part: u32,
        /// The destination's id.
        dest_id: String,
        /// How it came to be there.
        origin: Origin,
        /// Fingerprint of what was written.
        fingerprint: u64,
        /// What was written, field by field; `None` when nothing was, and in entries of older engines.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        written: Option<Written>,
    },
    /// A file went with a record, and the copy was compared with what was sent.
    FileSent {
        /// The step.
        #[serde(skip)]
        step: String,
        /// Key of the source record.
        #[serde(skip)]
        key: String,
        /// Part of the record.
        #[serde(skip)]
        part: u32,
        /// The destination field.
        field: String,
        /// SHA-256 of what was read and sent, in hexadecimal.
        sha256: String,
        /// Its size in bytes.
        bytes: u64,
        /// How sure it is that the copy is right.
        check: FileCheck,
        /// Why it is no surer, or what is wrong with the copy.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// The destination refused a record; nothing was written.
    Refused {
        /// The step.
        #[serde(skip)]
        step: String,
        /// Key of the source record.
        #[serde(skip)]
        key: String,
        /// Part of the record.
        #[serde(skip)]
        part: u32,
        /// HTTP status.
        status: u16,
        /// The destination's reasons.
        reasons: Vec<String>,
        /// Fingerprint of what was refused: the same content is not sent again.
        #[serde(default)]
        fingerprint: u64,
    },
    /// It is not known whether a record was written.
    InDoubt {
        /// The step.
        #[serde(skip)]
        step: String,
        /// Key of the source record.
        #[serde(skip)]
        key: String,
        /// Part of the record.
        #[serde(skip)]
        part: u32,
        /// What happened.
        why: String,
    },
    /// An intended record was found not to be at the destination: the call had no effect. Closes the intent.
    Absent {
        /// The step.
        #[serde(skip)]
        step: String,
        /// Key of the source record.
        #[serde(skip)]
        key: String,
        /// Part of the record.
        #[serde(skip)]
        part: u32,
    },
    /// A record was set aside.
    Held {
        /// The step.
        #[serde(skip)]
        step: String,
        /// Key of the source record.
        #[serde(skip)]
        key: String,
        /// Part of the record.
        #[serde(skip)]
        part: u32,
        /// The hold code (`too_long`, `join_none`).
        code: String,
        /// The destination field it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        field: Option<String>,
        /// The value found, shortened.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<String>,
        /// Why, in words.
        words: String,
        /// Line of the source file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        line: Option<u64>,
    },
    /// A hold or refusal no longer stands.
    Released {
        /// The step.
        #[serde(skip)]
        step: String,
        /// Key of the source record.
        #[serde(skip)]
        key: String,
    },
    /// A person wants a refused record, or one whose call is in doubt and did not arrive, to be tried once more as it is.
    Again {
        /// The step.
        #[serde(skip)]
        step: String,
        /// Key of the source record.
        #[serde(skip)]
        key: String,
        /// Part of the record.
        #[serde(skip)]
        part: u32,
        /// A call whose answer was lost did not arrive; false: the destination refused it.
        #[serde(default)]
        doubt: bool,
    },
    /// A duplicate went into another record.
    Merged {
        /// The step.
        #[serde(skip)]
        step: String,
        /// Key of the source record.
        #[serde(skip)]
        key: String,
        /// Key of the record that stands for both.
        into: String,
    },
    /// What members of a record held before a write without an intent of its own changes them (a second pass). On
    /// disk before the call.
    Before {
        /// The step.
        #[serde(skip)]
        step: String,
        /// Key of the source record.
        #[serde(skip)]
        key: String,
        /// Part of the record.
        #[serde(skip)]
        part: u32,
        /// The members, as they were.
        members: serde_json::Value,
    },
    /// What the migration did to a record was undone; the ledger forgets where it went.
    RolledBack {
        /// The step.
        #[serde(skip)]
        step: String,
        /// Key of the source record.
        #[serde(skip)]
        key: String,
        /// Part of the record.
        #[serde(skip)]
        part: u32,
        /// The destination's id it had.
        dest_id: String,
        /// What was done.
        did: Undone,
    },
    /// A rollback left a record as it is.
    Kept {
        /// The step.
        #[serde(skip)]
        step: String,
        /// Key of the source record.
        #[serde(skip)]
        key: String,
        /// Part of the record.
        #[serde(skip)]
        part: u32,
        /// Why.
        why: String,
    },
    /// A field was changed at the source, and people had changed it at the destination.
    Conflicted {
        /// The step.
        #[serde(skip)]
        step: String,
        /// Key of the source record.
        #[serde(skip)]
        key: String,
        /// Part of the record.
        #[serde(skip)]
        part: u32,
        /// The destination field.
        field: String,
        /// What was done: `keep`, `overwrite`, `hold`.
        policy: String,
        /// The value of the source, masked.
        ours: String,
        /// The value of the destination, masked.
        theirs: String,
        /// Both values in short, as a decision about the conflict names them.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        seen: String,
    },
    /// The deferred references of a record were written.
    SecondPassDone {
        /// The step.
        #[serde(skip)]
        step: String,
        /// Key of the source record.
        #[serde(skip)]
        key: String,
        /// Part of the record.
        #[serde(skip)]
        part: u32,
        /// What was written, field by field.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        written: Option<Written>,
    },
    /// The destination works on a bulk call.
    JobStarted {
        /// The step.
        #[serde(skip)]
        step: String,
        /// The chunk, as in the intents of its records.
        #[serde(skip)]
        chunk: String,
        /// The destination's id of the job.
        job: String,
    },
    /// A bulk call is settled.
    JobEnded {
        /// The step.
        #[serde(skip)]
        step: String,
        /// The chunk.
        #[serde(skip)]
        chunk: String,
    },
    /// The destination's own count of an object, before a batch made the first record of it.
    CountedBefore(CountedBefore),
    /// The same after the batch, against what must be there.
    CountedAfter(CountedAfter),
    /// What a run is about to do, batch by batch.
    Planned(Planned),
    /// How far a step is; written every few seconds.
    Progressed(Progressed),
    /// The run waits for its calls.
    Waiting(Waiting),
    /// Something was decided once and for all (a prefix, a name, a choice).
    Decided {
        /// What about.
        #[serde(skip)]
        name: String,
        /// What.
        value: String,
    },
    /// A step has taken in its source up to here.
    Watermark {
        /// The step.
        #[serde(skip)]
        step: String,
        /// Up to where, in the source's own terms.
        value: String,
    },
    /// A file of the destination is whole.
    FileWritten {
        /// The step.
        #[serde(skip)]
        step: String,
        /// Its path below the destination's folder.
        #[serde(skip)]
        path: String,
        /// Its size in bytes.
        bytes: u64,
        /// Its BLAKE3 hash, in hexadecimal.
        blake3: String,
    },
    /// Calls made in a span of time; what a resumed run starts its rate budget from.
    BudgetUsed {
        /// The account.
        #[serde(skip)]
        account: String,
        /// Start of the span in seconds of Unix time.
        second: i64,
        /// Calls.
        calls: u64,
    },
    /// Calls set aside before they are made, so that no crash loses count of a day. Said again for the same second
    /// it takes the place of what was said before: what was not needed is given back.
    CallsReserved {
        /// The account.
        #[serde(skip)]
        account: String,
        /// When, in seconds of Unix time.
        second: i64,
        /// Calls.
        calls: u64,
    },
}

/// What is about to be sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// The step.
    #[serde(skip)]
    pub step: String,
    /// Key of the source record.
    #[serde(skip)]
    pub key: String,
    /// Part of the record; 0 unless one record became several.
    #[serde(skip)]
    pub part: u32,
    /// The call.
    pub op: WriteOp,
    /// Fingerprint of what is sent.
    pub fingerprint: u64,
    /// The chunk it goes with, for bulk calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk: Option<String>,
    /// What the record can be looked up by if the answer is lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_key: Option<String>,
    /// Of an update: the members it is about to change, as they were. What a rollback restores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<serde_json::Value>,
}

impl Entry {
    /// True for an entry about calls, which commands without a run make too.
    pub(super) fn needs_no_run(&self) -> bool {
        matches!(self, Entry::BudgetUsed { .. } | Entry::CallsReserved { .. })
    }

    /// True when it is about one record, or about a call of many.
    pub(super) fn is_of_a_record(&self) -> bool {
        matches!(
            self,
            Entry::Intended(_)
                | Entry::Confirmed { .. }
                | Entry::Refused { .. }
                | Entry::InDoubt { .. }
                | Entry::Absent { .. }
                | Entry::Held { .. }
                | Entry::Released { .. }
                | Entry::Before { .. }
                | Entry::SecondPassDone { .. }
                | Entry::JobStarted { .. }
                | Entry::JobEnded { .. }
        )
    }

    /// The step it is about; empty when it is about none.
    pub fn step(&self) -> &str {
        self.place().0
    }
}
