//! Connectors: the code that speaks to a kind of system. Knows platforms, no mapping, plan or ledger.

pub mod contract;
pub mod csv;
pub mod files;
pub mod jsonl;
pub mod text;

pub use contract::{BulkReply, ExtractError, Reply, Stop};
