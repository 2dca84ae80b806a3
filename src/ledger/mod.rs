//! The durable account of a migration: what was meant, what happened, where every record went.
//!
//! One SQLite file beside the migration. The truth is the journal, an append-only, hash-chained list of
//! [`Entry`]s, each transaction of them a row (`frame`); every other table is a fold of it and can be made again. Steps stand here by name and
//! records by key, as texts: the ledger knows no mapping and no plan, and outlives both.
//!
//! One run writes ([`Ledger`], behind a lease); any number of readers look on ([`View`]). An append is
//! answered when it is on disk. When an append fails, every later one fails too, so that nothing is sent
//! that the journal does not know.

pub mod approval;
pub mod chain;
mod chores;
mod columns;
pub mod counted;
pub mod entry;
mod file_check;
mod fold;
mod frame;
mod group;
pub mod id_map;
mod intents;
mod kinds;
pub mod lease;
mod opened;
pub mod progress;
mod reached;
mod recover;
pub mod runs;
mod schema;
pub mod store;
mod stretch;
pub mod verify;
pub mod view;
mod words;
mod writer;
pub mod written;

pub use approval::{Approval, Approved};
pub use chain::Hash;
pub use counted::{CountedAfter, CountedBefore};
pub use entry::{Entry, Intent, Origin, Undone, WriteOp};
pub use file_check::FileCheck;
pub use id_map::{IdEntry, IdMap, IdState, StepIds};
pub use lease::Holder;
pub use progress::{Planned, PlannedStep, Progressed, ROLLBACK_ONLY, Waiting};
pub use runs::{RunRow, StepRow};
pub use schema::SchemaError;
pub use store::{Appended, Ledger, LedgerError, OpenError, Options, Run, RunMeta};
pub use verify::{Broken, Verified};
pub use view::{Hold, HoldKind, HoldReason, ReadError, RecordRow, RecordState, View};
pub use written::{Written, WrittenField, WrittenFields};
