//! Reads a sheet of decisions as it comes back from a spreadsheet: CSV with commas, semicolons or tabs, with or without
//! a byte order mark, or a workbook.

use crate::{
    cli::exit::{Exit, Failure},
    connector::{
        csv::Column,
        xlsx::{Form, Options, XlsxReader},
    },
    report::{holds::SHEET, sheet},
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
    /// Hash of the file.
    pub hash: String,
}

/// A row of it.
#[derive(Debug, Default)]
pub struct Row {
    /// Where it begins: the line of a CSV file, the row of a workbook.
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
        let at = SHEET.iter().position(|c| *c == column);
        let place = at.and_then(|at| self.places.get(at).copied().flatten());
        place.map_or_else(String::new, letters)
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
type Table = Vec<(u64, Vec<String>)>;

/// Reads a sheet.
///
/// # Errors
/// When the file cannot be read, is neither CSV nor a workbook, or lacks a column.
pub fn read(path: &Path) -> Result<Sheet, Failure> {
    let bytes = fs::read(path).map_err(|e| {
        Failure::new(Exit::Usage, format!("cannot read {}: {e}", path.display()))
            .hint("name the sheet that `transload holds export` wrote")
    })?;
    let hash = blake3::hash(&bytes).to_hex().to_string();
    let is_workbook = bytes.starts_with(b"PK\x03\x04");
    let table = match is_workbook {
        true => workbook(path)?,
        false => table(path, &bytes)?,
    };
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
    let plain = |cell: &str| match is_workbook {
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
                header.join(", ")
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
    Ok(Sheet { rows, places, hash })
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

/// The cells of a CSV file, each row with its line.
fn table(path: &Path, bytes: &[u8]) -> Result<Table, Failure> {
    let wrong = |line: u64, why: &str, hint: &str| {
        Failure::new(Exit::Usage, format!("{}:{line}: {why}", path.display())).hint(hint)
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let before = bytes.get(..e.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|b| **b == b'\n').count() as u64 + 1;
        wrong(
            line,
            "the sheet is not UTF-8",
            "save it as `CSV UTF-8`, which spreadsheets offer beside plain CSV",
        )
    })?;
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
    let mut all = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| {
            let line = e.position().map_or(0, csv::Position::line);
            wrong(line, &e.to_string(), "save the sheet again as CSV")
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        all.push((line, record.iter().map(str::to_owned).collect()));
    }
    Ok(all)
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
}
