//! XLSX workbooks: one sheet as pages of records, read as it streams.
//!
//! The same contract as CSV: cells by asked position, header names and aliases without case, faults for rows that
//! cannot be trusted, never a silent change. What a workbook may unfold to is bounded before anything is read
//! ([`guard`]). The workbook library borrows from itself while it reads, so it lives in a thread of its own.

mod cell;
pub mod guard;
mod read;

pub use cell::Form;
pub use read::{Options, XlsxReader};

#[cfg(test)]
mod tests;
