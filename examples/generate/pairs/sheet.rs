//! A table that is written as a CSV file.

use super::File;

/// Rows below a header.
pub struct Sheet {
    header: &'static [&'static str],
    separator: char,
    line_end: &'static str,
    text: String,
}

/// One row, cells by header.
#[derive(Clone)]
pub struct Row {
    header: &'static [&'static str],
    cells: Vec<String>,
}

impl Row {
    /// An empty row.
    pub fn new(header: &'static [&'static str]) -> Row {
        Row {
            header,
            cells: vec![String::new(); header.len()],
        }
    }

    /// Sets a cell. An unknown header is a slip in this program, and the tests catch it.
    pub fn set(&mut self, header: &str, value: impl Into<String>) -> &mut Row {
        let at = self.header.iter().position(|h| *h == header);
        debug_assert!(at.is_some(), "no column {header}");
        if let Some(cell) = at.and_then(|at| self.cells.get_mut(at)) {
            *cell = value.into();
        }
        self
    }

    /// A cell.
    pub fn get(&self, header: &str) -> &str {
        let at = self.header.iter().position(|h| *h == header);
        at.and_then(|at| self.cells.get(at)).map_or("", |c| c)
    }
}

impl Sheet {
    /// A table with its header, cells separated by commas.
    pub fn new(header: &'static [&'static str], line_end: &'static str) -> Sheet {
        Sheet::with(header, ',', line_end)
    }

    /// A table with its header.
    pub fn with(header: &'static [&'static str], separator: char, line_end: &'static str) -> Sheet {
        let mut sheet = Sheet {
            header,
            separator,
            line_end,
            text: String::new(),
        };
        let names: Vec<String> = header.iter().map(|h| (*h).to_owned()).collect();
        sheet.push_cells(&names);
        sheet
    }

    /// Adds a row.
    pub fn push(&mut self, row: &Row) {
        debug_assert_eq!(row.header, self.header);
        self.push_cells(&row.cells);
    }

    /// Adds a row that lost its last cells.
    pub fn push_short(&mut self, row: &Row, lost: usize) {
        let kept = row.cells.len().saturating_sub(lost);
        self.push_cells(&row.cells[..kept]);
    }

    /// Adds a row as careless programs do, without quotes: commas in cells become further cells.
    pub fn push_unquoted(&mut self, row: &Row) {
        self.text.push_str(&row.cells.join(","));
        self.text.push_str(self.line_end);
    }

    fn push_cells(&mut self, cells: &[String]) {
        for (n, cell) in cells.iter().enumerate() {
            if n > 0 {
                self.text.push(self.separator);
            }
            if cell.contains(['"', self.separator, '\r', '\n']) {
                self.text.push('"');
                self.text.push_str(&cell.replace('"', "\"\""));
                self.text.push('"');
            } else {
                self.text.push_str(cell);
            }
        }
        self.text.push_str(self.line_end);
    }

    /// The file in UTF-8.
    pub fn utf8(self) -> Vec<u8> {
        self.text.into_bytes()
    }

    /// The file in UTF-8 with a byte order mark.
    pub fn utf8_marked(self) -> Vec<u8> {
        let mut bytes = b"\xEF\xBB\xBF".to_vec();
        bytes.extend(self.text.into_bytes());
        bytes
    }

    /// The file in Windows-1252.
    pub fn windows_1252(self) -> Vec<u8> {
        encoding_rs::WINDOWS_1252.encode(&self.text).0.into_owned()
    }
}

/// A file in UTF-8.
pub fn csv(name: &str, sheet: Sheet) -> File {
    (name.to_owned(), sheet.utf8())
}

/// A table from rows whose cells stand in the order of the header.
pub fn sheet(
    header: &'static [&'static str],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> Sheet {
    separated(header, ',', rows)
}

/// A table with another separator.
pub fn separated(
    header: &'static [&'static str],
    separator: char,
    rows: impl IntoIterator<Item = Vec<String>>,
) -> Sheet {
    let mut sheet = Sheet::with(header, separator, "\n");
    for cells in rows {
        let mut row = Row::new(header);
        for (name, cell) in header.iter().zip(cells) {
            row.set(name, cell);
        }
        sheet.push(&row);
    }
    sheet
}

/// Owned cells.
pub fn texts(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|c| (*c).to_owned()).collect()
}
