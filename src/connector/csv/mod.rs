//! CSV files in and out.
//!
//! Reading is RFC 4180 as spreadsheets write it: multi-line quoted cells, doubled quotes, LF, CRLF or bare CR
//! between rows, a quote inside an unquoted cell as itself. A row that cannot be cut into the cells of
//! its header is a fault with its line, never dropped. Cells are texts; types come later.

pub mod header;
pub mod read;
pub mod sniff;
pub mod split;

pub use header::{Column, Layout, Place};
pub use read::{CsvReader, Options};

#[cfg(test)]
mod tests;
