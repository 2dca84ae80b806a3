//! Reads a JSON lines file page by page.

use crate::{
    connector::{
        ExtractError,
        csv::Column,
        jsonl::scan::{Kind, Scanner, Text, Wrong},
        text::{Block, Blocks, Limits, RowEnds, blocks::shortened, decode},
    },
    value::{Cell, CellKind, Page, RowFault},
};
use std::path::Path;

/// How a file is read.
#[derive(Clone, Debug)]
pub struct Options {
    /// `auto` or an encoding label.
    pub encoding: String,
    /// Sizes of pages and lines.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            encoding: "auto".to_owned(),
            limits: Limits::default(),
        }
    }
}

/// A JSON lines file that is being read.
pub struct JsonlReader {
    blocks: Blocks,
    paths: Paths,
    rows: u64,
    spare: Page,
}

impl JsonlReader {
    /// Opens a file. The header and the aliases of a column are dotted member paths; `required` is not looked
    /// at, since no line speaks for the others: missing members are absent cells.
    ///
    /// # Errors
    /// The file is missing or cannot be read, or the encoding is unknown.
    pub fn open(
        path: &Path,
        options: &Options,
        columns: &[Column],
    ) -> Result<JsonlReader, ExtractError> {
        let encoding = decode::by_label(&options.encoding).map_err(|why| ExtractError::Shape {
            path: path.to_owned(),
            why,
        })?;
        Ok(JsonlReader {
            blocks: Blocks::open(path, encoding, RowEnds::Lines, options.limits)?,
            paths: Paths::new(columns),
            rows: 0,
            spare: Page::default(),
        })
    }

    /// The next lines; `None` at the end. A page may hold faults and no rows.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn next_page(&mut self) -> Result<Option<Page>, ExtractError> {
        let Some(block) = self.blocks.next_block()? else {
            return Ok(None);
        };
        let mut page = self.paths.parse(block, std::mem::take(&mut self.spare));
        page.first = self.rows;
        self.rows += page.rows() as u64;
        Ok(Some(page))
    }

    /// Takes back a page that is no longer needed, to use its memory again.
    pub fn recycle(&mut self, mut page: Page) {
        self.blocks.recycle(std::mem::take(&mut page.text));
        self.spare = page;
    }

    /// The name of the encoding as known so far.
    pub fn encoding(&self) -> &'static str {
        self.blocks.encoding().name()
    }
}

/// The asked member paths as a tree.
#[derive(Clone, Debug)]
struct Paths {
    width: usize,
    /// The first is the object of a line.
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    /// Members that matter.
    members: Vec<(String, usize)>,
    /// Positions in a page's row that take this value.
    takes: Vec<usize>,
}

impl Paths {
    fn new(columns: &[Column]) -> Paths {
        let mut nodes = vec![Node::default()];
        for (position, column) in columns.iter().enumerate() {
            for path in std::iter::once(&column.header).chain(&column.aliases) {
                let mut at = 0;
                for name in path.split('.') {
                    let known = nodes[at].members.iter().find(|(n, _)| n == name);
                    at = match known {
                        Some((_, next)) => *next,
                        None => {
                            let next = nodes.len();
                            nodes[at].members.push((name.to_owned(), next));
                            nodes.push(Node::default());
                            next
                        }
                    };
                }
                if !nodes[at].takes.contains(&position) {
                    nodes[at].takes.push(position);
                }
            }
        }
        Paths {
            width: columns.len(),
            nodes,
        }
    }

    fn parse(&self, block: Block, spare: Page) -> Page {
        let Block {
            text,
            start,
            line,
            damage,
            faults,
        } = block;
        let mut damage = damage.iter().peekable();
        let mut page = Page {
            width: self.width,
            text: String::new(),
            ..spare
        };
        page.cells.clear();
        page.lines.clear();
        page.faults.clear();
        let mut row = Row {
            nodes: &self.nodes,
            text: &text,
            cells: Vec::new(),
            extra: String::new(),
            buffer: String::new(),
        };
        let (mut at, mut line) = (start, line);
        while at < text.len() {
            let rest = text.get(at..).unwrap_or_default();
            let len = memchr::memchr(b'\n', rest.as_bytes()).map_or(rest.len(), |n| n + 1);
            let raw = rest.get(..len).unwrap_or_default();
            let mut why = None;
            while let Some(d) = damage.next_if(|d| d.at < at + len) {
                why.get_or_insert_with(|| d.why.to_owned());
            }
            if !raw.trim().is_empty() {
                let extra = row.extra.len();
                row.cells.clear();
                row.cells.resize(self.width, ABSENT);
                if why.is_none() {
                    why = row.line(at, len).err();
                }
                match why {
                    None => {
                        page.cells.extend_from_slice(&row.cells);
                        page.lines.push(line);
                    }
                    Some(why) => {
                        row.extra.truncate(extra);
                        page.faults.push(RowFault {
                            line,
                            raw: shortened(raw),
                            why,
                        });
                    }
                }
            }
            at += len;
            line += 1;
        }
        let extra = row.extra;
        page.faults.extend(faults);
        page.text = text;
        page.text.push_str(&extra);
        page
    }
}

const ABSENT: Cell = Cell {
    start: 0,
    len: 0,
    kind: CellKind::Absent,
};

/// The line that is being read.
struct Row<'b> {
    nodes: &'b [Node],
    text: &'b str,
    cells: Vec<Cell>,
    /// Texts that do not stand in the block as they are; goes behind its text.
    extra: String,
    buffer: String,
}

impl Row<'_> {
    fn line(&mut self, at: usize, len: usize) -> Result<(), String> {
        let line = self.text.get(..at + len).unwrap_or_default();
        let mut scanner = Scanner::new(line, at);
        let wrong = |wrong: Wrong| {
            let before = self.text.get(at..wrong.at).unwrap_or_default();
            format!(
                "is no JSON: {} at character {}",
                wrong.why,
                before.chars().count() + 1
            )
        };
        if scanner.kind().map_err(wrong)? != Kind::Object {
            return Err("is no JSON object".to_owned());
        }
        let whole = self.object(&mut scanner, 0);
        match whole {
            Err(Trouble::Wrong(w)) => Err(self.described(at, w)),
            Err(Trouble::Twice(name)) => Err(format!(
                "holds two values for {name:?}, and only one can be meant"
            )),
            Ok(()) => match scanner.peek() {
                None => Ok(()),
                Some(_) => Err(self.described(
                    at,
                    Wrong {
                        at: scanner.at,
                        why: "more follows after the object",
                    },
                )),
            },
        }
    }

    fn described(&self, line: usize, wrong: Wrong) -> String {
        let before = self.text.get(line..wrong.at).unwrap_or_default();
        format!(
            "is no JSON: {} at character {}",
            wrong.why,
            before.chars().count() + 1
        )
    }

    /// Takes an object whose members are those of a node. Depth is bounded by the asked paths.
    fn object(&mut self, scanner: &mut Scanner<'_>, node: usize) -> Result<(), Trouble> {
        let nodes = self.nodes;
        scanner.take(b'{');
        let mut first = true;
        while !scanner.take(b'}') {
            if scanner.take(b',') == first {
                return Err(Trouble::Wrong(Wrong {
                    at: scanner.at,
                    why: if first {
                        "a member should stand"
                    } else {
                        "a comma or a closing bracket should stand"
                    },
                }));
            }
            first = false;
            let mut buffer = std::mem::take(&mut self.buffer);
            let name = scanner.string(&mut buffer)?;
            let name = match name {
                Text::Plain { start, end } => self.text.get(start..end).unwrap_or_default(),
                Text::Built => buffer.as_str(),
            };
            let member = nodes
                .get(node)
                .and_then(|n| n.members.iter().find(|(known, _)| known == name));
            self.buffer = buffer;
            if !scanner.take(b':') {
                return Err(Trouble::Wrong(Wrong {
                    at: scanner.at,
                    why: "a colon should stand",
                }));
            }
            match member {
                None => scanner.value(None)?,
                Some((name, child)) => self.member(scanner, name, *child)?,
            }
        }
        Ok(())
    }

    /// Takes an array, of which some positions matter: numbers among the members of a node.
    fn array(&mut self, scanner: &mut Scanner<'_>, node: usize) -> Result<(), Trouble> {
        let nodes = self.nodes;
        scanner.take(b'[');
        let mut position = 0usize;
        while !scanner.take(b']') {
            if scanner.take(b',') == (position == 0) {
                return Err(Trouble::Wrong(Wrong {
                    at: scanner.at,
                    why: if position == 0 {
                        "a value should stand"
                    } else {
                        "a comma or a closing bracket should stand"
                    },
                }));
            }
            let wanted = nodes.get(node).and_then(|n| {
                n.members
                    .iter()
                    .find(|(name, _)| name.parse() == Ok(position))
            });
            match wanted {
                None => scanner.value(None)?,
                Some((name, child)) => self.member(scanner, name, *child)?,
            }
            position += 1;
        }
        Ok(())
    }

    fn member(
        &mut self,
        scanner: &mut Scanner<'_>,
        name: &str,
        child: usize,
    ) -> Result<(), Trouble> {
        let nodes = self.nodes;
        let Some(node) = nodes.get(child) else {
            return Ok(());
        };
        let kind = scanner.kind()?;
        if matches!(kind, Kind::Object | Kind::Array) && !node.members.is_empty() {
            let start = scanner.at;
            match kind {
                Kind::Object => self.object(scanner, child)?,
                _ => self.array(scanner, child)?,
            }
            if node.takes.is_empty() {
                return Ok(());
            }
            scanner.at = start;
        }
        let cell = match kind {
            Kind::Text => {
                let mut buffer = std::mem::take(&mut self.buffer);
                let found = scanner.string(&mut buffer)?;
                let cell = match found {
                    Text::Plain { start, end } => self.cell(start, end - start, CellKind::Text),
                    Text::Built => {
                        let start = self.text.len() + self.extra.len();
                        self.extra.push_str(&buffer);
                        self.cell(start, buffer.len(), CellKind::Text)
                    }
                };
                self.buffer = buffer;
                cell
            }
            Kind::Number | Kind::Bool => {
                let (start, end) = scanner.word()?;
                self.cell(start, end - start, CellKind::Text)
            }
            Kind::Null => {
                scanner.word()?;
                self.cell(0, 0, CellKind::Null)
            }
            Kind::Object | Kind::Array => {
                let start = self.text.len() + self.extra.len();
                let before = self.extra.len();
                scanner.value(Some(&mut self.extra))?;
                self.cell(start, self.extra.len() - before, CellKind::Json)
            }
        };
        for take in &node.takes {
            if let Some(slot) = self.cells.get_mut(*take) {
                if slot.kind != CellKind::Absent {
                    return Err(Trouble::Twice(name.to_owned()));
                }
                *slot = cell;
            }
        }
        Ok(())
    }

    fn cell(&self, start: usize, len: usize, kind: CellKind) -> Cell {
        // A block's text is far below 4 GiB (`Limits` are clamped).
        Cell {
            start: start as u32,
            len: len as u32,
            kind: if len == 0 { CellKind::Null } else { kind },
        }
    }
}

enum Trouble {
    Wrong(Wrong),
    Twice(String),
}

impl From<Wrong> for Trouble {
    fn from(wrong: Wrong) -> Trouble {
        Trouble::Wrong(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn pages(text: &str, paths: &[&str]) -> Page {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let columns: Vec<Column> = paths
            .iter()
            .map(|p| Column {
                header: (*p).to_owned(),
                ..Column::default()
            })
            .collect();
        let mut reader = JsonlReader::open(file.path(), &Options::default(), &columns).unwrap();
        let page = reader.next_page().unwrap().unwrap();
        assert!(reader.next_page().unwrap().is_none());
        page
    }

    #[test]
    fn members_become_cells_in_the_order_asked() {
        let page = pages(
            "\u{feff}{\"id\":1.50,\"a\":{\"b\":\"x\\ny\",\"n\":null},\"ok\":true,\"l\":[ 1, {\"k\": 2} ]}\r\n\n{\"id\":\"\"}",
            &["ok", "a.b", "id", "a.n", "l", "none", "a", "id"],
        );
        let row = |r: usize| (0..8).map(|c| page.cell(r, c)).collect::<Vec<_>>();
        assert_eq!(
            row(0),
            [
                (CellKind::Text, "true"),
                (CellKind::Text, "x\ny"),
                (CellKind::Text, "1.50"),
                (CellKind::Null, ""),
                (CellKind::Json, "[1,{\"k\":2}]"),
                (CellKind::Absent, ""),
                (CellKind::Json, "{\"b\":\"x\\ny\",\"n\":null}"),
                (CellKind::Text, "1.50"),
            ]
        );
        assert_eq!(page.cell(1, 2), (CellKind::Null, ""));
        assert_eq!(page.lines, [1, 3]);
        assert!(page.faults.is_empty());
    }

    #[test]
    fn numbers_step_into_arrays() {
        let page = pages(
            "{\"p\":[\"+1\",{\"n\":2}],\"q\":{\"0\":\"x\"}}\n{\"p\":[]}\n{\"p\":[1 2]}\n{\"p\":null}",
            &["p.0", "p.1.n", "p", "q.0"],
        );
        let row = |r: usize| (0..4).map(|c| page.cell(r, c)).collect::<Vec<_>>();
        assert_eq!(
            row(0),
            [
                (CellKind::Text, "+1"),
                (CellKind::Text, "2"),
                (CellKind::Json, "[\"+1\",{\"n\":2}]"),
                (CellKind::Text, "x"),
            ]
        );
        assert_eq!(page.cell(1, 0), (CellKind::Absent, ""));
        assert_eq!(page.cell(1, 2), (CellKind::Json, "[]"));
        assert_eq!(page.faults.len(), 1);
        assert_eq!(page.lines, [1, 2, 4]);
    }

    #[test]
    fn bad_lines_are_faults_with_their_line() {
        let page = pages(
            "{\"id\":1}\n{\"id\":}\n[1]\n{\"id\":1,\"id\":2}\n{\"id\":3} x\n{\"é\":1 2}\n{\"id\":4}\n",
            &["id"],
        );
        assert_eq!(page.lines, [1, 7]);
        let faults: Vec<(u64, &str)> = page
            .faults
            .iter()
            .map(|f| (f.line, f.why.as_str()))
            .collect();
        assert_eq!(
            faults,
            [
                (2, "is no JSON: a value should stand at character 7"),
                (3, "is no JSON object"),
                (4, "holds two values for \"id\", and only one can be meant"),
                (
                    5,
                    "is no JSON: more follows after the object at character 10"
                ),
                (
                    6,
                    "is no JSON: a comma or a closing bracket should stand at character 8"
                ),
            ]
        );
    }
}
