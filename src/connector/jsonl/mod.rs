//! JSON lines in: one object to a line, members found by dotted path.
//!
//! Gives the same pages as CSV. Numbers keep their text as written, so that no digit is lost.

pub mod read;
pub mod scan;

pub use read::{JsonlReader, Options};
