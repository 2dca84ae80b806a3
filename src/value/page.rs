//! A page: some records of one object as cells by position, the unit of reading.
//!
//! Every extractor yields this one shape, whatever the file or API was: text in one buffer, cells as
//! ranges into it, row by row, columns in the order that was asked for. Nothing is named here, so the
//! transform can resolve names once and then index.

/// What a cell holds before its declared type is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellKind {
    /// The record has no such member.
    Absent,
    /// Null, or an empty cell.
    Null,
    /// Text, or a number or boolean as its text.
    Text,
    /// A JSON array or object, as compact JSON text.
    Json,
    /// The cell names a file whose text should be the value, and that file cannot be read; the text is the
    /// name and the reason. The value is bad with `FaultKind::NoFile`.
    NoFile,
}

/// One cell: a range of the page's text and its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// First byte in [`Page::text`].
    pub start: u32,
    /// Length in bytes.
    pub len: u32,
    /// What it holds.
    pub kind: CellKind,
}

/// A row that could not be cut into cells. It is held with its line, never dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFault {
    /// Line in the file where the row starts, from 1 (0 where there are no lines).
    pub line: u64,
    /// The row as found, shortened to 4 KiB.
    pub raw: String,
    /// What is wrong with it, a sentence fragment.
    pub why: String,
}

/// Some records of one object, in source order.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Cells of a row.
    pub width: usize,
    /// The text that cells point into. At most 4 GiB - 1.
    pub text: String,
    /// Cells row after row: `rows() * width` of them.
    pub cells: Vec<Cell>,
    /// For each row the line in the file where it starts (0 where there are no lines).
    pub lines: Vec<u64>,
    /// Rows that could not be read.
    pub faults: Vec<RowFault>,
    /// Position of the first row among all good rows of the object, from 0.
    pub first: u64,
}

impl Page {
    /// The number of good rows.
    pub fn rows(&self) -> usize {
        self.lines.len()
    }

    /// The kind and text of a cell. Text is empty for absent and null cells.
    #[inline]
    pub fn cell(&self, row: usize, column: usize) -> (CellKind, &str) {
        match self.cells.get(row * self.width + column) {
            Some(c) => {
                let start = c.start as usize;
                (
                    c.kind,
                    self.text.get(start..start + c.len as usize).unwrap_or(""),
                )
            }
            None => (CellKind::Absent, ""),
        }
    }
}
