//! Reports: pure functions from results to text, JSON and Markdown. Never reads a file, never imports the runner:
//! a report can be made from a ledger of last week.

pub mod approval;
pub mod audit;
pub mod books;
pub mod delta;
pub mod discover;
pub mod document;
pub mod extract;
pub mod changes;
pub mod handoff;
pub mod holds;
pub mod mask;
pub mod page;
pub mod plan_graph;
pub mod plan_json;
pub mod plan_markdown;
pub mod plan_text;
pub mod preflight;
pub mod propose;
pub mod reconcile;
pub mod sample;
pub mod rollback;
pub mod sheet;
pub mod status;
pub mod trace;

pub use books::{Difference, HoldGroup, RunReport, StepBooks};
