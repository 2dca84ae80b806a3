//! Finds the asked columns in a header, and turns blocks of rows into pages of those columns.

use crate::{
    connector::{
        csv::split::{Sink, split, undouble},
        text::{Block, Damage, blocks::shortened},
    },
    value::{Cell, CellKind, Page, RowFault},
};
use memchr::memchr;
use std::ops::Range;

/// Most columns of a file.
const COLUMNS_MAX: usize = 16_384;

/// A column that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// Its header; compared trimmed and without case.
    pub header: String,
    /// Other headers of the same column.
    pub aliases: Vec<String>,
    /// True when the file is no use without it; otherwise its cells are absent.
    pub required: bool,
}

impl Column {
    fn goes_by(&self, header: &str) -> bool {
        std::iter::once(&self.header)
            .chain(&self.aliases)
            .any(|name| folded(name) == header)
    }
}

fn folded(header: &str) -> String {
    header.trim().to_lowercase()
}

/// Where each column of a file goes. Shared by all threads that take blocks apart.
#[derive(Clone, Debug)]
pub struct Layout {
    delimiter: u8,
    /// The headers as they stand, trimmed.
    headers: Vec<String>,
    /// For each column of the file what becomes of it.
    takes: Vec<Place>,
    /// A page's row without a value.
    blank: Vec<Cell>,
    /// Pairs of positions in a page's row: the second holds the same column as the first.
    copies: Vec<(usize, usize)>,
    /// Positions of columns that no header names.
    missing: Vec<usize>,
}

/// What becomes of a column of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// To this position of a page's row.
    To(usize),
    /// Nobody asked.
    Pass,
    /// The column has no header, so a value in it has no meaning.
    Unnamed,
}

const ABSENT: Cell = Cell {
    start: 0,
    len: 0,
    kind: CellKind::Absent,
};

impl Layout {
    /// Finds the asked columns. An error is what is wrong with the header, a sentence fragment.
    pub(in crate::connector) fn new(
        headers: Vec<String>,
        columns: &[Column],
        delimiter: u8,
    ) -> Result<Layout, String> {
        if headers.len() > COLUMNS_MAX {
            return Err(format!(
                "the header has {} columns; the most is {COLUMNS_MAX}",
                headers.len()
            ));
        }
        let headers: Vec<String> = headers.iter().map(|h| h.trim().to_owned()).collect();
        let names: Vec<String> = headers.iter().map(|h| folded(h)).collect();
        let mut by_name: Vec<(&String, usize)> = names.iter().zip(0..).collect();
        by_name.sort();
        for pair in by_name.windows(2) {
            if let [(name, first), (same, second)] = pair
                && name == same
                && !name.is_empty()
            {
                return Err(format!(
                    "the header {:?} stands twice, in columns {} and {}: rename or remove one",
                    headers[*first],
                    first + 1,
                    second + 1
                ));
            }
        }
        let mut takes: Vec<Place> = names
            .iter()
            .map(|n| {
                if n.is_empty() {
                    Place::Unnamed
                } else {
                    Place::Pass
                }
            })
            .collect();
        let (mut copies, mut missing, mut lacking) = (Vec::new(), Vec::new(), Vec::new());
        for (position, column) in columns.iter().enumerate() {
            let mut found = names
                .iter()
                .enumerate()
                .filter(|(_, n)| !n.is_empty() && column.goes_by(n));
            match (found.next(), found.next()) {
                (Some((at, _)), None) => match takes[at] {
                    Place::To(first) => copies.push((first, position)),
                    _ => takes[at] = Place::To(position),
                },
                (Some((a, _)), Some((b, _))) => {
                    return Err(format!(
                        "the columns {:?} and {:?} both stand for {:?}: remove one",
                        headers[a], headers[b], column.header
                    ));
                }
                (None, _) => {
                    missing.push(position);
                    if column.required {
                        lacking.push(format!("{:?}", column.header));
                    }
                }
            }
        }
        if !lacking.is_empty() {
            return Err(format!(
                "the column{} {} {} missing; there {}",
                if lacking.len() == 1 { "" } else { "s" },
                lacking.join(", "),
                if lacking.len() == 1 { "is" } else { "are" },
                listed(&headers)
            ));
        }
        Ok(Layout {
            delimiter,
            headers,
            takes,
            blank: vec![ABSENT; columns.len()],
            copies,
            missing,
        })
    }

    /// The headers as they stand in the file, trimmed.
    pub fn headers(&self) -> &[String] {
        &self.headers
    }

    /// Headers that nobody asked for: the customer's own fields.
    pub fn unknown_columns(&self) -> Vec<&str> {
        self.headers
            .iter()
            .zip(&self.takes)
            .filter(|(_, t)| **t == Place::Pass)
            .map(|(h, _)| h.as_str())
            .collect()
    }

    /// Positions of asked columns that the file lacks; their cells are absent.
    pub fn missing_columns(&self) -> &[usize] {
        &self.missing
    }

    /// What becomes of a column of the file, by its position there.
    pub fn place(&self, column: usize) -> Place {
        self.takes.get(column).copied().unwrap_or(Place::Unnamed)
    }

    /// Pairs of positions in a page's row: the second holds the same column as the first.
    pub fn copies(&self) -> &[(usize, usize)] {
        &self.copies
    }

    /// The cell separator.
    pub fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// Takes a block apart. `spare` is an old page whose memory is used again. The page's `first` is 0: only
    /// who keeps the order of blocks knows it.
    pub fn parse(&self, block: Block, spare: Page) -> Page {
        let Block {
            text,
            start,
            line,
            damage,
            faults,
        } = block;
        let mut rows = Rows {
            layout: self,
            text: &text,
            damage: damage.iter().skip_while(|d| d.at < start).peekable(),
            extra: Vec::new(),
            cells: spare.cells,
            lines: spare.lines,
            faults: spare.faults,
            row: 0,
            stray: None,
        };
        rows.cells.clear();
        rows.lines.clear();
        rows.faults.clear();
        rows.open();
        split(&text, start, line, self.delimiter, &mut rows);
        let Rows {
            extra,
            mut cells,
            lines,
            faults: mut found,
            row,
            ..
        } = rows;
        cells.truncate(row);
        found.extend(faults);
        let mut text = text;
        // Quotes are taken out of it, so it is text as the block is.
        text.push_str(simdutf8::basic::from_utf8(&extra).unwrap_or_default());
        Page {
            width: self.blank.len(),
            text,
            cells,
            lines,
            faults: found,
            first: 0,
        }
    }
}

/// At most forty names for a message.
fn listed(headers: &[String]) -> String {
    let named: Vec<String> = headers
        .iter()
        .filter(|h| !h.is_empty())
        .map(|h| h.chars().take(60).collect())
        .collect();
    match named.len() {
        0 => "is none with a name".to_owned(),
        1 => format!("is {}", named[0]),
        n if n > 40 => format!("are {} and {} more", named[..40].join(", "), n - 40),
        _ => format!("are {}", named.join(", ")),
    }
}

/// Collects the rows of one page.
struct Rows<'b, D: Iterator<Item = &'b Damage>> {
    layout: &'b Layout,
    text: &'b str,
    damage: std::iter::Peekable<D>,
    /// Texts of cells that do not stand in the block as they are; goes behind its text.
    extra: Vec<u8>,
    cells: Vec<Cell>,
    lines: Vec<u64>,
    faults: Vec<RowFault>,
    /// Where the cells of the current row start.
    row: usize,
    /// A column without a header that holds a value.
    stray: Option<usize>,
}

impl<'b, D: Iterator<Item = &'b Damage>> Rows<'b, D> {
    fn open(&mut self) {
        self.cells.truncate(self.row);
        self.cells.extend_from_slice(&self.layout.blank);
    }

    #[inline]
    fn put(&mut self, column: usize, start: usize, len: usize) {
        match self.layout.takes.get(column) {
            Some(Place::To(position)) => {
                if let Some(cell) = self.cells.get_mut(self.row + position) {
                    // A block's text is far below 4 GiB (`Limits` are clamped).
                    *cell = Cell {
                        start: start as u32,
                        len: len as u32,
                        kind: if len == 0 {
                            CellKind::Null
                        } else {
                            CellKind::Text
                        },
                    };
                }
            }
            Some(Place::Unnamed) if len > 0 => self.stray = Some(column),
            _ => {}
        }
    }

    /// What is wrong with the row.
    fn fault(&mut self, cells: usize, start: usize, end: usize) -> Option<String> {
        let mut why = None;
        while let Some(d) = self.damage.next_if(|d| d.at < end) {
            if d.at >= start && why.is_none() {
                why = Some(d.why.to_owned());
            }
        }
        let stray = self.stray.take();
        if why.is_some() {
            return why;
        }
        let columns = self.layout.takes.len();
        if cells != columns {
            return Some(format!(
                "has {cells} {} where the header has {columns}",
                if cells == 1 { "cell" } else { "cells" }
            ));
        }
        stray.map(|c| format!("has a value in column {}, which has no header", c + 1))
    }
}

impl<'b, D: Iterator<Item = &'b Damage>> Sink for Rows<'b, D> {
    #[inline]
    fn cell(&mut self, column: usize, start: usize, end: usize) {
        self.put(column, start, end - start);
    }

    #[inline]
    fn quoted(&mut self, column: usize, inner: Range<usize>, behind: Range<usize>) {
        if matches!(self.layout.takes.get(column), Some(Place::Pass) | None) {
            return;
        }
        let bytes = self.text.as_bytes();
        let text = bytes.get(inner.clone()).unwrap_or_default();
        if behind.is_empty() && memchr(b'"', text).is_none() {
            return self.put(column, inner.start, inner.len());
        }
        let from = self.extra.len();
        undouble(bytes, inner, &mut self.extra);
        let behind = bytes.get(behind).unwrap_or_default();
        self.extra.extend_from_slice(behind);
        self.put(column, bytes.len() + from, self.extra.len() - from);
    }

    #[inline]
    fn row(&mut self, cells: usize, start: usize, end: usize, line: u64) -> bool {
        let sound = cells == self.layout.takes.len()
            && self.stray.is_none()
            && self.damage.peek().is_none_or(|d| d.at >= end);
        if sound {
            for (from, to) in &self.layout.copies {
                if let Some(cell) = self.cells.get(self.row + from).copied()
                    && let Some(slot) = self.cells.get_mut(self.row + to)
                {
                    *slot = cell;
                }
            }
            self.lines.push(line);
            self.row += self.layout.blank.len();
        } else if let Some(why) = self.fault(cells, start, end) {
            self.faults.push(RowFault {
                line,
                raw: shortened(self.text.get(start..end).unwrap_or_default()),
                why,
            });
        }
        self.open();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(header: &str, aliases: &[&str], required: bool) -> Column {
        Column {
            header: header.to_owned(),
            aliases: aliases.iter().map(|a| (*a).to_owned()).collect(),
            required,
        }
    }

    fn layout(headers: &[&str], columns: &[Column]) -> Result<Layout, String> {
        Layout::new(
            headers.iter().map(|h| (*h).to_owned()).collect(),
            columns,
            b',',
        )
    }

    #[test]
    fn headers_match_trimmed_without_case_and_by_alias() {
        let found = layout(
            &[" contact ID ", "EMAIL", "Gift Idea", ""],
            &[
                column("Email", &[], true),
                column("ContactID", &["Contact ID"], true),
                column("Phone 1", &[], false),
                column("email", &[], false),
            ],
        )
        .unwrap();
        assert_eq!(found.unknown_columns(), ["Gift Idea"]);
        assert_eq!(found.missing_columns(), [2]);
        let page = found.parse(
            Block {
                text: "1,a@x.example,tea,\n2,,,\n".to_owned(),
                line: 2,
                ..Block::default()
            },
            Page::default(),
        );
        assert_eq!(page.rows(), 2);
        assert_eq!(page.cell(0, 0), (CellKind::Text, "a@x.example"));
        assert_eq!(page.cell(0, 1), (CellKind::Text, "1"));
        assert_eq!(page.cell(0, 2), (CellKind::Absent, ""));
        assert_eq!(page.cell(0, 3), (CellKind::Text, "a@x.example"));
        assert_eq!(page.cell(1, 0), (CellKind::Null, ""));
    }

    #[test]
    fn what_is_wrong_with_a_header_is_named() {
        let id = column("ID", &["Key"], true);
        for (headers, want) in [
            (
                &["Name", "name "][..],
                "\"Name\" stands twice, in columns 1 and 2",
            ),
            (&["Name"][..], "the column \"ID\" is missing; there is Name"),
            (
                &["id", "Key"][..],
                "\"id\" and \"Key\" both stand for \"ID\"",
            ),
            (&[""][..], "there is none with a name"),
        ] {
            let why = layout(headers, std::slice::from_ref(&id)).unwrap_err();
            assert!(why.contains(want), "{why}");
        }
        let many: Vec<String> = (0..100_000).map(|n| format!("c{n}")).collect();
        let why = Layout::new(many, &[], b',').unwrap_err();
        assert!(why.contains("100000 columns"), "{why}");
    }

    #[test]
    fn a_value_without_a_header_is_a_fault() {
        let found = layout(&["a", ""], &[column("a", &[], true)]).unwrap();
        let page = found.parse(
            Block {
                text: "1,\n2,x\n3\n".to_owned(),
                line: 2,
                ..Block::default()
            },
            Page::default(),
        );
        assert_eq!(page.rows(), 1);
        assert_eq!(
            page.faults,
            [
                RowFault {
                    line: 3,
                    raw: "2,x".to_owned(),
                    why: "has a value in column 2, which has no header".to_owned(),
                },
                RowFault {
                    line: 4,
                    raw: "3".to_owned(),
                    why: "has 1 cell where the header has 2".to_owned(),
                },
            ]
        );
    }
}
