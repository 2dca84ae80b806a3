//! Reads a sheet of decisions as it comes back from a spreadsheet: CSV with commas, semicolons or tabs, with or without
//! a byte order mark, or a workbook; or as JSON from a program.

use super::json;
use crate::{
    cli::exit::{Exit, Failure},
    connector::{
        csv::Column,
        xlsx::{Form, Options, XlsxReader},
    },
    report::{holds::SHEET, mask::shortened, sheet},
};
use std::{fs, path::Path};

/// The columns that must be there: without the others a decision can be read.
const NEEDED: [&str; 7] = [
    "step",
    "key",
    "field",
    "decision",
    "new_value",
    "note",
    "id",
];

/// A sheet.
#[derive(Debug, Default)]
pub struct Sheet {
    /// Its rows.
    pub rows: Vec<Row>,
    /// For each column of [`SHEET`] its position in the file.
    places: Vec<Option<usize>>,
    /// False for JSON, where members have names and no letters.
    lettered: bool,
    /// Hash of the file.
    pub hash: String,
}

/// A row of it.
#[derive(Debug, Default)]
pub struct Row {
    /// Where it begins: the line of the file, the row of a workbook; the header is the first.
    pub line: u64,
    cells: Vec<String>,
}

impl Row {
    /// The cell of a column of [`SHEET`]; empty where there is none.
    pub fn get(&self, column: &str) -> &str {
        let at = SHEET.iter().position(|c| *c == column);
        at.and_then(|at| self.cells.get(at))
            .map_or("", String::as_str)
    }

    /// True when nothing stands in it.
    pub fn is_blank(&self) -> bool {
        self.cells.iter().all(|c| c.trim().is_empty())
    }
}

impl Sheet {
    /// A column as a spreadsheet names it: `J`.
    pub fn letter(&self, column: &str) -> String {
        let place = self.place(column).filter(|_| self.lettered);
        place.map_or_else(String::new, letters)
    }

    /// True when the file has this column of [`SHEET`].
    pub fn has(&self, column: &str) -> bool {
        self.place(column).is_some()
    }

    fn place(&self, column: &str) -> Option<usize> {
        let at = SHEET.iter().position(|c| *c == column)?;
        self.places.get(at).copied().flatten()
    }
}

/// The letters of a column: A, B, … Z, AA, …
fn letters(mut at: usize) -> String {
    let mut out = Vec::new();
    loop {
        out.push(b'A' + u8::try_from(at % 26).unwrap_or(0));
        if at < 26 {
            break;
        }
        at = at / 26 - 1;
    }
    out.reverse();
    String::from_utf8_lossy(&out).into_owned()
}

/// Rows of cells, each with its line; the header first.
pub type Table = Vec<(u64, Vec<String>)>;

/// Reads a sheet.
///
/// # Errors
/// When the file cannot be read, is neither CSV nor JSON nor a workbook, or lacks a column.
pub fn read(path: &Path) -> Result<Sheet, Failure> {
    let bytes = fs::read(path).map_err(|e| {
        Failure::new(Exit::Usage, format!("cannot read {}: {e}", path.display()))
            .hint("name the sheet that `transload holds export` wrote")
    })?;
    let hash = blake3::hash(&bytes).to_hex().to_string();
    let is_workbook = bytes.starts_with(b"PK\x03\x04");
    let is_json = !is_workbook && (json::is_named(path) || json::is_meant(&bytes));
    let table = match (is_workbook, is_json) {
        (true, _) => workbook(path)?,
        (_, true) => json::table(path, text(path, &bytes)?)?,
        _ => table(path, text(path, &bytes)?)?,
    };
    if is_json && table.is_empty() {
        return Ok(Sheet {
            hash,
            ..Sheet::default()
        });
    }
    let mut lines = table.into_iter();
    let header = loop {
        match lines.next() {
            Some((_, cells)) if cells.iter().all(|c| c.trim().is_empty()) => {}
            Some((_, cells)) => break cells,
            None => {
                return Err(
                    Failure::new(Exit::Usage, format!("{} is empty", path.display()))
                        .hint("export the sheet again: `transload holds export`"),
                );
            }
        }
    };
    // Only texts of a CSV file got a quote in front; a workbook knows what is a text.
    let plain = |cell: &str| match is_workbook || is_json {
        true => cell.to_owned(),
        false => sheet::plain(cell).to_owned(),
    };
    let header: Vec<String> = header.iter().map(|c| c.trim().to_lowercase()).collect();
    let place = |column: &str| header.iter().position(|h| h == column);
    let missing: Vec<&str> = NEEDED.into_iter().filter(|c| place(c).is_none()).collect();
    if !missing.is_empty() {
        return Err(Failure::new(
            Exit::Usage,
            format!(
                "{}:1: the sheet has no column `{}`; it has {}",
                path.display(),
                missing.join("`, `"),
                // It may be no sheet at all; then this is whatever its first line has.
                shortened(&header.join(", "))
            ),
        )
        .hint(
            "columns may be moved and added, but those of the export must stay with their names",
        ));
    }
    let places: Vec<Option<usize>> = SHEET.iter().map(|c| place(c)).collect();
    let rows = lines.map(|(line, cells)| Row {
        line,
        cells: places
            .iter()
            .map(|at| {
                at.and_then(|at| cells.get(at))
                    .map_or_else(String::new, |c| plain(c))
            })
            .collect(),
    });
    let rows = rows.filter(|r| !r.is_blank()).collect();
    Ok(Sheet {
        rows,
        places,
        lettered: !is_json,
        hash,
    })
}

/// The cells of the first sheet of a workbook.
fn workbook(path: &Path) -> Result<Table, Failure> {
    let wrong = |e: crate::connector::ExtractError| {
        Failure::new(Exit::Usage, e.to_string()).hint("save the sheet again, or as CSV")
    };
    let columns: Vec<Column> = SHEET
        .iter()
        .map(|name| Column {
            header: (*name).to_owned(),
            ..Column::default()
        })
        .collect();
    let forms = vec![Form::default(); columns.len()];
    let mut reader =
        XlsxReader::open(path, &Options::default(), &columns, &forms).map_err(wrong)?;
    let header = reader.layout().headers().to_vec();
    let places: Vec<Option<usize>> = SHEET
        .iter()
        .map(|name| header.iter().position(|h| h.to_lowercase() == *name))
        .collect();
    let width = header.len();
    let mut all = vec![(1, header)];
    while let Some(page) = reader.next_page().map_err(wrong)? {
        if let Some(fault) = page.faults.first() {
            return Err(Failure::new(
                Exit::Usage,
                format!("{}:{}: the row {}", path.display(), fault.line, fault.why),
            )
            .hint("correct the cell in the spreadsheet"));
        }
        for (row, line) in page.lines.iter().enumerate() {
            let mut cells = vec![String::new(); width];
            for (column, place) in places.iter().enumerate() {
                if let Some(cell) = place.and_then(|at| cells.get_mut(at)) {
                    page.cell(row, column).1.clone_into(cell);
                }
            }
            all.push((*line, cells));
        }
    }
    Ok(all)
}

/// The text of a CSV or JSON file, without a byte order mark.
fn text<'b>(path: &Path, bytes: &'b [u8]) -> Result<&'b str, Failure> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|e| {
        let before = bytes.get(..e.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        Failure::new(
            Exit::Usage,
            format!("{}:{line}: the sheet is not UTF-8", path.display()),
        )
        .hint("save it as `CSV UTF-8`, which spreadsheets offer beside plain CSV")
    })
}

/// The cells of a CSV file, each row with its line.
fn table(path: &Path, text: &str) -> Result<Table, Failure> {
    let first = text.lines().next().unwrap_or_default();
    let count = |c: char| first.matches(c).count();
    let delimiter = [(',', b','), (';', b';'), ('\t', b'\t')]
        .into_iter()
        .max_by_key(|(c, byte)| (count(*c), *byte == b','))
        .map_or(b',', |(_, byte)| byte);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let mut lines = Lines::of(text);
    let mut all = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| {
            let line = e.position().map_or(0, csv::Position::line);
            Failure::new(Exit::Usage, format!("{}:{line}: {e}", path.display()))
                .hint("save the sheet again as CSV")
        })?;
        let at = record.position().map_or(0, csv::Position::byte);
        let line = lines.of_row(usize::try_from(at).unwrap_or(usize::MAX));
        all.push((line, record.iter().map(str::to_owned).collect()));
    }
    Ok(all)
}

/// Counts the lines of a file from row to row. The reader's own count is one behind where lines end with CR LF: it
/// takes the LF for the beginning of the next row.
struct Lines<'t> {
    rest: &'t [u8],
    at: usize,
    line: u64,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Lines<'t> {
        Lines {
            rest: text.as_bytes(),
            at: 0,
            line: 1,
        }
    }

    /// The line of the row that begins at this byte or behind the line ends that stand there. Rows in order.
    fn of_row(&mut self, byte: usize) -> u64 {
        while let Some((first, rest)) = self.rest.split_first() {
            let is_end = matches!(first, b'\n' | b'\r');
            if self.at >= byte && !is_end {
                break;
            }
            let is_first_of_two = *first == b'\r' && rest.first() == Some(&b'\n');
            if is_end && !is_first_of_two {
                self.line += 1;
            }
            self.rest = rest;
            self.at += 1;
        }
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_the_letters_of_a_spreadsheet() {
        for (at, expected) in [
            (0, "A"),
            (9, "J"),
            (25, "Z"),
            (26, "AA"),
            (701, "ZZ"),
            (702, "AAA"),
        ] {
            assert_eq!(letters(at), expected);
        }
    }

    #[test]
    fn rows_have_the_lines_of_the_file() {
        let text = "a,b\nx,\"1\n2\"\n\ny,1\n";
        for text in [text.to_owned(), text.replace('\n', "\r\n")] {
            let table = table(Path::new("s.csv"), &text);
            let lines: Vec<u64> = table.unwrap_or_default().iter().map(|r| r.0).collect();
            assert_eq!(lines, [1, 2, 5], "{text:?}");
        }
    }
}
