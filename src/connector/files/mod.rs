//! Export folders in, load files out: the rows of a platform's object wherever its file stands.
//!
//! Chooses the reader by the platform file, reads the texts that cells name, and writes files that appear
//! whole or not at all. Formats themselves are next door in `csv` and `jsonl`.

pub mod contents;
pub mod open;
pub mod write;

pub use contents::attached;
pub use open::{Overrides, Piece, RowCount, Rows, count_rows, open, open_records, path_of};
pub use write::{Form, WriteError, Writer, push_cell};
