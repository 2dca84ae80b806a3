//! Source records kept in memory for joins, merges and names: cells by position in one text, no record of its own.
//!
//! A row costs its text, 5 bytes for each cell and 8 bytes. Values are decoded when they are asked for.

use super::columns::Columns;
use crate::value::{CellKind, Page, Value};
use bumpalo::Bump;

/// Some records of one source object.
#[derive(Debug)]
pub(crate) struct Store {
    /// The kept fields.
    pub columns: Columns,
    text: String,
    starts: Vec<u64>,
    /// For each cell where it ends, counted from the start of its row. The last cell of a row is its key.
    ends: Vec<u32>,
    kinds: Vec<CellKind>,
}

impl Store {
    /// An empty store.
    pub fn new(columns: Columns) -> Store {
        Store {
            columns,
            text: String::new(),
            starts: Vec::new(),
            ends: Vec::new(),
            kinds: Vec::new(),
        }
    }

    /// Adds a row of a page: `from` has the page's column for each kept one. `None` when four thousand million rows
    /// are there.
    pub fn push(&mut self, page: &Page, row: usize, from: &[usize], key: &str) -> Option<u32> {
        let id = u32::try_from(self.starts.len()).ok()?;
        let start = self.text.len();
        self.starts.push(start as u64);
        for column in from {
            let (kind, text) = page.cell(row, *column);
            self.cell_end(start, kind, text);
        }
        self.cell_end(start, CellKind::Text, key);
        Some(id)
    }

    fn cell_end(&mut self, start: usize, kind: CellKind, text: &str) {
        self.text.push_str(text);
        self.ends.push((self.text.len() - start) as u32);
        self.kinds.push(kind);
    }

    /// A cell; the column after the last one is the key.
    fn cell(&self, row: u32, column: usize) -> (CellKind, &str) {
        let width = self.columns.len() + 1;
        let at = row as usize * width + column;
        let (Some(start), Some(end), Some(kind)) = (
            self.starts.get(row as usize),
            self.ends.get(at),
            self.kinds.get(at),
        ) else {
            return (CellKind::Absent, "");
        };
        let from = if column == 0 { 0 } else { self.ends[at - 1] };
        let start = *start as usize;
        let text = self
            .text
            .get(start + from as usize..start + *end as usize)
            .unwrap_or("");
        (*kind, text)
    }

    /// The key of a row.
    pub fn key(&self, row: u32) -> &str {
        self.cell(row, self.columns.len()).1
    }

    /// The value of a cell.
    pub fn value<'a>(&'a self, row: u32, column: usize, arena: &'a Bump) -> Value<'a> {
        if column >= self.columns.len() {
            return Value::Absent;
        }
        let (kind, text) = self.cell(row, column);
        self.columns.decode(column, kind, text, arena)
    }

    /// Only these rows, renumbered in their order.
    pub fn select(self, rows: &[u32]) -> Store {
        let width = self.columns.len() + 1;
        let mut out = Store {
            text: String::new(),
            starts: Vec::with_capacity(rows.len()),
            ends: Vec::with_capacity(rows.len() * width),
            kinds: Vec::with_capacity(rows.len() * width),
            columns: Columns::default(),
        };
        for row in rows {
            let start = out.text.len();
            out.starts.push(start as u64);
            for column in 0..width {
                let (kind, text) = self.cell(*row, column);
                out.cell_end(start, kind, text);
            }
        }
        out.columns = self.columns;
        out
    }
}
