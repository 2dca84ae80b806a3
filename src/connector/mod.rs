//! Connectors: the code that speaks to a kind of system. Knows platforms, no mapping, plan or ledger.

pub mod budget;
pub mod cancel;
mod causes;
pub mod contract;
pub mod csv;
pub mod download;
pub mod files;
pub mod jsonl;
pub mod notice;
pub mod rest;
pub mod retry;
pub mod text;
pub mod xlsx;

pub use cancel::Cancel;
pub use contract::{BulkReply, ExtractError, Reply, Stop};
