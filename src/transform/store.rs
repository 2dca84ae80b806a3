//! Source records kept for joins, merges and names: cells by position in one text, no record of its own.
//!
//! A row costs its text, 5 bytes for each cell and 8 bytes. Values are decoded when they are asked for. Rows beyond the
//! memory that is allowed stand outside, as they stood inside.

use super::{columns::Columns, overflow::Room};
use crate::value::{CellKind, Page, Value};
use bumpalo::Bump;

/// Bytes gathered before they are put outside.
const GATHER: usize = 1 << 20;

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
    /// Rows before those in memory.
    outside: Vec<Outside>,
    room: Option<Room>,
    /// The first row in memory.
    first: u32,
}

/// Rows that stand outside: for each the ends and kinds of its cells, then its text.
#[derive(Debug)]
struct Outside {
    /// The first row.
    first: u32,
    /// Where the list of positions stands: one of each row and the end of the last.
    list: u64,
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
            outside: Vec::new(),
            room: None,
            first: 0,
        }
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        self.text.capacity()
            + self.starts.capacity() * size_of::<u64>()
            + self.ends.capacity() * size_of::<u32>()
            + self.kinds.capacity() * size_of::<CellKind>()
    }

    /// Adds a row of a page: `from` has the page's column for each kept one. `None` when four thousand million rows
    /// are there.
    pub fn push(&mut self, page: &Page, row: usize, from: &[usize], key: &str) -> Option<u32> {
        let id = u32::try_from(self.starts.len())
            .ok()?
            .checked_add(self.first)?;
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

    /// Puts the rows in memory outside.
    pub fn spill(&mut self, room: &Room) {
        let rows = self.starts.len();
        if rows == 0 {
            return;
        }
        let width = self.columns.len() + 1;
        let mut positions = Vec::with_capacity(rows + 1);
        let mut bytes = Vec::new();
        // Rows of one gathering stand together, so a row ends where its bytes do, not where the next begins.
        let mut pending: Vec<(usize, usize)> = Vec::new();
        for row in 0..rows {
            let start = bytes.len();
            let cells = row * width..(row + 1) * width;
            let ends = self.ends.get(cells.clone()).unwrap_or(&[]);
            for end in ends {
                bytes.extend_from_slice(&end.to_le_bytes());
            }
            bytes.extend(
                self.kinds
                    .get(cells)
                    .unwrap_or(&[])
                    .iter()
                    .map(|k| code(*k)),
            );
            let from = self.starts[row] as usize;
            let len = ends.last().map_or(0, |e| *e as usize);
            bytes.extend_from_slice(self.text.get(from..from + len).unwrap_or("").as_bytes());
            pending.push((start, bytes.len()));
            if bytes.len() >= GATHER || row + 1 == rows {
                let at = room.append(&bytes);
                let placed = pending.drain(..);
                positions.extend(placed.map(|(from, to)| (at + from as u64, (to - from) as u32)));
                bytes.clear();
            }
        }
        for (at, len) in positions {
            bytes.extend_from_slice(&at.to_le_bytes());
            bytes.extend_from_slice(&len.to_le_bytes());
        }
        self.outside.push(Outside {
            first: self.first,
            list: room.append(&bytes),
        });
        self.first = self.first.saturating_add(rows as u32);
        self.room.get_or_insert_with(|| room.clone());
        self.text = String::new();
        self.starts = Vec::new();
        self.ends = Vec::new();
        self.kinds = Vec::new();
    }

    /// A cell; the column after the last one is the key.
    fn cell<'a>(&'a self, row: u32, column: usize, arena: &'a Bump) -> (CellKind, &'a str) {
        if let (true, Some(room)) = (row < self.first, &self.room) {
            return self.far(row, column, room, arena);
        }
        let row = (row - self.first) as usize;
        let width = self.columns.len() + 1;
        let at = row * width + column;
        let (Some(start), Some(end), Some(kind)) =
            (self.starts.get(row), self.ends.get(at), self.kinds.get(at))
        else {
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

    /// A cell that stands outside.
    #[cold]
    fn far<'a>(
        &self,
        row: u32,
        column: usize,
        room: &Room,
        arena: &'a Bump,
    ) -> (CellKind, &'a str) {
        let absent = (CellKind::Absent, "");
        let piece = self.outside.partition_point(|o| o.first <= row);
        let Some(piece) = piece.checked_sub(1).and_then(|at| self.outside.get(at)) else {
            return absent;
        };
        let mut place = [0; 12];
        room.read(piece.list + u64::from(row - piece.first) * 12, &mut place);
        let [a, b, c, d, e, f, g, h, i, j, k, l] = place;
        let at = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let len = u32::from_le_bytes([i, j, k, l]) as usize;
        let bytes = arena.alloc_slice_fill_copy(len, 0u8);
        room.read(at, bytes);
        let width = self.columns.len() + 1;
        let end = |column: usize| -> Option<usize> {
            let four = bytes.get(column * 4..column * 4 + 4)?;
            Some(u32::from_le_bytes(four.try_into().ok()?) as usize)
        };
        let from = match column.checked_sub(1) {
            Some(before) => end(before),
            None => Some(0),
        };
        let (Some(from), Some(to)) = (from, end(column)) else {
            return absent;
        };
        let text = width * 5;
        let kind = bytes.get(width * 4 + column).copied().unwrap_or(0);
        let text = bytes.get(text + from..text + to).unwrap_or(&[]);
        (kind_of(kind), std::str::from_utf8(text).unwrap_or_default())
    }

    /// The key of a row.
    pub fn key<'a>(&'a self, row: u32, arena: &'a Bump) -> &'a str {
        self.cell(row, self.columns.len(), arena).1
    }

    /// The value of a cell.
    pub fn value<'a>(&'a self, row: u32, column: usize, arena: &'a Bump) -> Value<'a> {
        if column >= self.columns.len() {
            return Value::Absent;
        }
        let (kind, text) = self.cell(row, column, arena);
        self.columns.decode(column, kind, text, arena)
    }

    /// Only these rows, renumbered in their order.
    pub fn select(self, rows: &[u32]) -> Store {
        let width = self.columns.len() + 1;
        let mut out = Store {
            starts: Vec::with_capacity(rows.len()),
            ends: Vec::with_capacity(rows.len() * width),
            kinds: Vec::with_capacity(rows.len() * width),
            ..Store::new(Columns::default())
        };
        let mut arena = Bump::new();
        for row in rows {
            let start = out.text.len();
            out.starts.push(start as u64);
            for column in 0..width {
                let (kind, text) = self.cell(*row, column, &arena);
                out.cell_end(start, kind, text);
            }
            arena.reset();
        }
        out.columns = self.columns;
        out
    }
}

const KINDS: [CellKind; 5] = [
    CellKind::Absent,
    CellKind::Null,
    CellKind::Text,
    CellKind::Json,
    CellKind::NoFile,
];

fn code(kind: CellKind) -> u8 {
    kind as u8
}

fn kind_of(code: u8) -> CellKind {
    let kind = KINDS.get(usize::from(code)).copied();
    kind.unwrap_or(CellKind::Absent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ident::FieldId,
        platform::{Field, Object},
        transform::sorted::tests::room,
        value::{Cell, Type},
    };

    #[test]
    fn rows_are_the_same_inside_and_outside() {
        for (code, kind) in (0u8..).zip(KINDS) {
            assert_eq!((kind_of(code), kind as u8), (kind, code));
        }
        let mut object = Object::new("thing");
        object.fields = vec![Field::new("a", Type::Text), Field::new("b", Type::Text)];
        let columns = || Columns::new(&object, &[FieldId(0), FieldId(1)], None);
        let (mut inside, mut outside) = (Store::new(columns()), Store::new(columns()));
        let room = room(0);
        for n in 0..1_000u32 {
            let text = format!("ä{n}|bb");
            let at = text.find('|').unwrap() as u32;
            let cell = |start, len, kind| Cell { start, len, kind };
            let page = Page {
                width: 2,
                cells: vec![
                    cell(0, at, CellKind::Text),
                    cell(
                        at + 1,
                        n % 3,
                        if n % 3 == 0 {
                            CellKind::Null
                        } else {
                            CellKind::Text
                        },
                    ),
                ],
                lines: vec![1],
                text,
                ..Page::default()
            };
            let key = n.to_string();
            assert_eq!(inside.push(&page, 0, &[0, 1], &key), Some(n));
            assert_eq!(outside.push(&page, 0, &[0, 1], &key), Some(n));
            // The last rows stay inside.
            if n % 300 == 299 {
                outside.spill(&room);
            }
        }
        let arena = Bump::new();
        for n in 0..1_001 {
            for column in 0..3 {
                assert_eq!(
                    outside.cell(n, column, &arena),
                    inside.cell(n, column, &arena)
                );
            }
        }
        let rows = [3, 299, 300, 950];
        let (a, b) = (inside.select(&rows), outside.select(&rows));
        for n in 0..4 {
            assert_eq!(a.key(n, &arena), rows[n as usize].to_string());
            assert_eq!(a.value(n, 0, &arena), b.value(n, 0, &arena));
        }
        assert!(room.spilled() > 0);
    }
}
