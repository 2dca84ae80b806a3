//! Reads a CSV file page by page.

use crate::{
    connector::{
        ExtractError,
        csv::{
            header::{Column, Layout},
            sniff,
            split::{Sink, split, unquoted},
        },
        text::{Block, Blocks, Limits, RowEnds, decode},
    },
    value::Page,
};
use std::{ops::Range, path::Path, sync::Arc};

/// Bytes that the separator is guessed from.
const SNIFF: usize = 64 * 1024;

/// How a file is read.
#[derive(Clone, Debug)]
pub struct Options {
    /// `auto` or an encoding label.
    pub encoding: String,
    /// The cell separator; `None` to find out.
    pub delimiter: Option<u8>,
    /// Sizes of pages and rows.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            encoding: "auto".to_owned(),
            delimiter: None,
            limits: Limits::default(),
        }
    }
}

/// A CSV file that is being read.
///
/// [`CsvReader::next_page`] is the plain way. To use several threads, one takes blocks off with
/// [`CsvReader::next_block`] and any number turn them into pages with [`Layout::parse`]; who puts the pages
/// back in order sets their `first`.
pub struct CsvReader {
    blocks: Blocks,
    layout: Arc<Layout>,
    /// The rest of the block that the header stood in.
    pending: Option<Block>,
    rows: u64,
    spare: Page,
}

impl CsvReader {
    /// Opens a file and finds the asked columns in its header. Cells of a page stand in the order of `columns`.
    ///
    /// # Errors
    /// The file is missing or cannot be read, has no header or a header that is no use, or the encoding
    /// is unknown.
    pub fn open(
        path: &Path,
        options: &Options,
        columns: &[Column],
    ) -> Result<CsvReader, ExtractError> {
        let shape = |why: String| ExtractError::Shape {
            path: path.to_owned(),
            why,
        };
        let encoding = decode::by_label(&options.encoding).map_err(shape)?;
        let ends = |delimiter| RowEnds::Quoted { delimiter };
        let mut blocks = Blocks::open(path, encoding, ends(b','), options.limits)?;
        let delimiter = match options.delimiter {
            Some(said) => said,
            None => {
                let first = blocks.peek()?;
                let first = String::from_utf8_lossy(first.get(..SNIFF).unwrap_or(first));
                sniff::delimiter(&first, &|header| {
                    let header = header.trim().to_lowercase();
                    columns.iter().any(|c| {
                        std::iter::once(&c.header)
                            .chain(&c.aliases)
                            .any(|n| n.trim().to_lowercase() == header)
                    })
                })
            }
        };
        if matches!(delimiter, b'"' | b'\r' | b'\n' | 0 | 0x80..) {
            return Err(shape(format!(
                "{:?} cannot separate cells",
                char::from(delimiter)
            )));
        }
        blocks.set_ends(ends(delimiter));
        let mut block = loop {
            match blocks.next_block()? {
                None => {
                    return Err(shape(
                        "is empty; the first line must name the columns".into(),
                    ));
                }
                Some(block) if !block.text.is_empty() => break block,
                Some(Block { faults, .. }) => {
                    if let Some(fault) = faults.into_iter().next() {
                        return Err(shape(format!("the header {}", fault.why)));
                    }
                }
            }
        };
        let mut header = Header {
            text: &block.text,
            cells: Vec::new(),
        };
        let (after, line) = split(&block.text, 0, block.line, delimiter, &mut header);
        let headers = header.cells;
        if let Some(damage) = block.damage.iter().find(|d| d.at < after) {
            return Err(shape(format!("the header {}", damage.why)));
        }
        if headers.is_empty() {
            return Err(shape(
                "is empty; the first line must name the columns".into(),
            ));
        }
        let layout = Layout::new(headers, columns, delimiter).map_err(shape)?;
        (block.start, block.line) = (after, line);
        Ok(CsvReader {
            blocks,
            layout: Arc::new(layout),
            pending: Some(block),
            rows: 0,
            spare: Page::default(),
        })
    }

    /// The next rows; `None` at the end. A page may hold faults and no rows.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn next_page(&mut self) -> Result<Option<Page>, ExtractError> {
        let Some(block) = self.next_block()? else {
            return Ok(None);
        };
        let mut page = self.layout.parse(block, std::mem::take(&mut self.spare));
        page.first = self.rows;
        self.rows += page.rows() as u64;
        Ok(Some(page))
    }

    /// The next rows as text, for [`Layout::parse`]; `None` at the end.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn next_block(&mut self) -> Result<Option<Block>, ExtractError> {
        match self.pending.take() {
            Some(block) if block.start < block.text.len() || !block.faults.is_empty() => {
                Ok(Some(block))
            }
            _ => self.blocks.next_block(),
        }
    }

    /// Takes back a page that is no longer needed, to use its memory again.
    pub fn recycle(&mut self, mut page: Page) {
        self.blocks.recycle(std::mem::take(&mut page.text));
        self.spare = page;
    }

    /// Takes back the text of a page that is no longer needed.
    pub fn recycle_text(&mut self, text: String) {
        self.blocks.recycle(text);
    }

    /// Where columns go; shared with threads that take blocks apart.
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// Headers that nobody asked for: the customer's own fields.
    pub fn unknown_columns(&self) -> Vec<&str> {
        self.layout.unknown_columns()
    }

    /// The name of the encoding as known so far.
    pub fn encoding(&self) -> &'static str {
        self.blocks.encoding().name()
    }
}

/// Takes the first row only.
struct Header<'t> {
    text: &'t str,
    cells: Vec<String>,
}

impl Sink for Header<'_> {
    fn cell(&mut self, _column: usize, start: usize, end: usize) {
        let text = self.text.get(start..end).unwrap_or_default();
        self.cells.push(text.to_owned());
    }

    fn quoted(&mut self, _column: usize, inner: Range<usize>, behind: Range<usize>) {
        self.cells.push(unquoted(self.text, inner, behind));
    }

    fn row(&mut self, _cells: usize, _start: usize, _end: usize, _line: u64) -> bool {
        false
    }
}
