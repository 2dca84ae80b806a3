//! The executor: from a plan to loaded records, resumable at any moment.
//!
//! Batches in order; in a batch one pass per source object, side by side; each record decided by one table
//! ([`decide`]), sent with its intent in the ledger first, booked exactly once. Emits events, never prints.

pub mod allowance;
pub mod attach;
pub mod base;
pub mod beat;
pub mod books;
pub mod before;
pub mod bulk;
pub mod chosen;
pub mod compare;
pub mod context;
pub mod decide;
pub mod directory;
pub mod discover;
pub mod execute;
pub mod extract;
pub mod failure;
pub mod files;
pub mod find;
pub mod gate;
pub mod item;
pub mod jobs;
pub mod key;
pub mod known;
pub mod loader;
pub mod overflow;
pub mod members;
pub mod merge;
pub mod newest;
pub mod pass;
pub mod preflight;
pub mod prepare;
pub mod preview;
pub mod provision;
pub mod reconcile;
pub mod resolver;
pub mod sample;
pub mod rollback;
pub mod second;
pub mod send;
pub mod sight;
pub mod source;
pub mod stand_in;
pub mod tags;
pub mod update;
pub mod trace;

pub use execute::{Inputs, Outcome, run};
pub use failure::RunError;
