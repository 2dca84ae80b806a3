//! Cuts rows into cells: the hot loop of reading.
//!
//! Positions of separators and line ends are found 64 bytes at a time; a cell is a range of the block's
//! own text, so nothing is copied unless a quote is doubled.

use crate::connector::text::count_breaks;
use memchr::memchr;

/// Line ends and separators of a text, one after the other.
struct Marks<'t> {
    bytes: &'t [u8],
    delimiter: u64,
    /// Start of the 64 bytes that `mask` is about.
    base: usize,
    /// One bit for each mark that is not taken yet.
    mask: u64,
}

const ONES: u64 = 0x0101_0101_0101_0101;
const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;
/// Gathers the lowest bit of each of eight bytes into the top byte of a product.
const GATHER: u64 = 0x0102_0408_1020_4080;

impl<'t> Marks<'t> {
    fn new(bytes: &'t [u8], delimiter: u8, from: usize) -> Marks<'t> {
        let mut marks = Marks {
            bytes,
            delimiter: u64::from(delimiter) * ONES,
            base: usize::MAX,
            mask: 0,
        };
        marks.go_to(from);
        marks
    }

    /// The next mark.
    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.mask == 0 {
            self.base += 64;
            if self.base >= self.bytes.len() {
                self.base = self.bytes.len();
                return None;
            }
            self.mask = self.mask_at(self.base);
        }
        let at = self.base + self.mask.trailing_zeros() as usize;
        self.mask &= self.mask - 1;
        Some(at)
    }

    /// Goes on from this position.
    #[inline]
    fn go_to(&mut self, at: usize) {
        let base = at & !63;
        if base != self.base {
            self.base = base;
            self.mask = self.mask_at(base);
        }
        self.mask &= u64::MAX << (at & 63);
    }

    #[inline]
    fn mask_at(&self, base: usize) -> u64 {
        let Some(rest) = self.bytes.get(base..) else {
            return 0;
        };
        match rest.first_chunk::<64>() {
            Some(chunk) => self.mask_of(chunk),
            None => {
                // Zero bytes are no marks.
                let mut padded = [0; 64];
                for (to, from) in padded.iter_mut().zip(rest) {
                    *to = *from;
                }
                self.mask_of(&padded)
            }
        }
    }

    #[inline]
    fn mask_of(&self, chunk: &[u8; 64]) -> u64 {
        let (words, _) = chunk.as_chunks::<8>();
        let mut mask = 0;
        for (i, word) in words.iter().enumerate() {
            let word = u64::from_le_bytes(*word);
            // The high bit of each byte of `other` is set where the byte differs from all three.
            let other = differs(word ^ self.delimiter)
                & differs(word ^ (u64::from(b'\n') * ONES))
                & differs(word ^ (u64::from(b'\r') * ONES));
            let bits = ((!other >> 7) & ONES).wrapping_mul(GATHER) >> 56;
            mask |= bits << (i * 8);
        }
        mask
    }
}

/// Sets the high bit of each byte that is not zero. The other bits mean nothing.
#[inline]
fn differs(word: u64) -> u64 {
    ((word & LOW) + LOW) | word
}

/// What a row is made of, as the splitter finds it.
pub(crate) trait Sink {
    /// A cell whose text stands at `start..end`.
    fn cell(&mut self, column: usize, start: usize, end: usize);

    /// A cell whose text had to be put together.
    fn built(&mut self, column: usize, text: &str);

    /// A row ended: its number of cells, its text at `start..end` with its line end, and its first line.
    /// False to stop.
    fn row(&mut self, cells: usize, start: usize, end: usize, line: u64) -> bool;
}

/// Cuts `text[from..]`, which starts with a row and ends with one, and tells the sink. Returns where it
/// stopped and on which line. Empty lines are passed over.
pub(crate) fn split(
    text: &str,
    from: usize,
    line: u64,
    delimiter: u8,
    sink: &mut impl Sink,
) -> (usize, u64) {
    let bytes = text.as_bytes();
    let mut marks = Marks::new(bytes, delimiter, from);
    let mut at = from;
    let mut line = line;
    let mut built = String::new();
    'rows: while at < bytes.len() {
        let row_start = at;
        let row_line = line;
        let mut column = 0;
        let mut any_quoted = false;
        loop {
            // `end` is the mark that closes the cell, or the end of the text.
            let end;
            if bytes.get(at) == Some(&b'"') {
                let cell = quoted(text, at, &mut built);
                any_quoted = true;
                marks.go_to(cell.after);
                end = marks.next().unwrap_or(bytes.len());
                if end == cell.after && !cell.built {
                    sink.cell(column, at + 1, cell.end);
                } else {
                    if !cell.built {
                        built.clear();
                        built.push_str(text.get(at + 1..cell.end).unwrap_or_default());
                    }
                    // What follows the closing quote belongs to the cell as it stands.
                    built.push_str(text.get(cell.after..end).unwrap_or_default());
                    sink.built(column, &built);
                }
            } else {
                end = marks.next().unwrap_or(bytes.len());
                if column == 0 && end == at && bytes.get(at).is_some_and(|b| *b != delimiter) {
                    // An empty line.
                    at = after_line(bytes, end, &mut marks);
                    line += 1;
                    continue 'rows;
                }
                sink.cell(column, at, end);
            }
            column += 1;
            match bytes.get(end) {
                Some(b) if *b == delimiter => at = end + 1,
                Some(_) => {
                    at = after_line(bytes, end, &mut marks);
                    break;
                }
                None => {
                    at = bytes.len();
                    break;
                }
            }
        }
        line += if any_quoted {
            count_breaks(bytes.get(row_start..at).unwrap_or_default())
        } else {
            1
        };
        if !sink.row(column, row_start, at, row_line) {
            break;
        }
    }
    (at, line)
}

/// The position after the line end that starts here.
#[inline]
fn after_line(bytes: &[u8], at: usize, marks: &mut Marks<'_>) -> usize {
    if bytes.get(at) == Some(&b'\r') && bytes.get(at + 1) == Some(&b'\n') {
        marks.go_to(at + 2);
        at + 2
    } else {
        at + 1
    }
}

struct Quoted {
    /// Where the text ends, when it is not built.
    end: usize,
    /// The position after the closing quote.
    after: usize,
    /// True when quotes were doubled and the text stands in the buffer.
    built: bool,
}

/// Reads the quoted text that opens at `at`. Without a closing quote it goes to the end.
fn quoted(text: &str, at: usize, buffer: &mut String) -> Quoted {
    let bytes = text.as_bytes();
    let mut piece = at + 1;
    let mut built = false;
    let end = loop {
        let rest = bytes.get(piece..).unwrap_or_default();
        let Some(n) = memchr(b'"', rest) else {
            break bytes.len();
        };
        let quote = piece + n;
        if bytes.get(quote + 1) != Some(&b'"') {
            break quote;
        }
        if !built {
            buffer.clear();
            built = true;
        }
        buffer.push_str(text.get(piece..=quote).unwrap_or_default());
        piece = quote + 2;
    };
    if built {
        buffer.push_str(text.get(piece..end).unwrap_or_default());
    }
    Quoted {
        end,
        after: (end + 1).min(bytes.len()),
        built,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Default)]
    struct Rows<'t> {
        text: &'t str,
        row: Vec<String>,
        rows: Vec<(u64, Vec<String>)>,
    }

    impl Sink for Rows<'_> {
        fn cell(&mut self, column: usize, start: usize, end: usize) {
            assert_eq!(column, self.row.len());
            self.row.push(self.text[start..end].to_owned());
        }
        fn built(&mut self, column: usize, text: &str) {
            assert_eq!(column, self.row.len());
            self.row.push(text.to_owned());
        }
        fn row(&mut self, cells: usize, _: usize, _: usize, line: u64) -> bool {
            assert_eq!(cells, self.row.len());
            self.rows.push((line, std::mem::take(&mut self.row)));
            true
        }
    }

    fn rows(text: &str, delimiter: u8) -> Vec<(u64, Vec<String>)> {
        let mut sink = Rows {
            text,
            ..Rows::default()
        };
        let (end, _) = split(text, 0, 1, delimiter, &mut sink);
        assert_eq!(end, text.len());
        sink.rows
    }

    fn by_csv(text: &str, delimiter: u8) -> Vec<Vec<String>> {
        csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(text.as_bytes())
            .records()
            .map(|r| r.unwrap().iter().map(str::to_owned).collect())
            .collect()
    }

    #[test]
    fn corner_cases() {
        let cells = |text: &str| -> Vec<Vec<String>> {
            rows(text, b',').into_iter().map(|(_, r)| r).collect()
        };
        assert_eq!(cells("a,b\r\nc,d"), [["a", "b"], ["c", "d"]]);
        assert_eq!(cells("a,\"x\r\ny\"\n"), [["a", "x\r\ny"]]);
        assert_eq!(cells("\"say \"\"hi\"\"\",b\n"), [["say \"hi\"", "b"]]);
        assert_eq!(cells("5\" nail,\"b\"c\n"), [["5\" nail", "bc"]]);
        assert_eq!(cells("a\rb\r\rc"), [["a"], ["b"], ["c"]]);
        assert_eq!(cells("\n\r\n,\n"), [["", ""]]);
        assert_eq!(cells("\"\"\n"), [[""]]);
        assert_eq!(cells(" \"a\",b\n"), [[" \"a\"", "b"]]);
        assert_eq!(cells("\"open,\nand on"), [["open,\nand on"]]);
        assert_eq!(cells(""), Vec::<Vec<String>>::new());
    }

    #[test]
    fn lines_are_those_where_rows_start() {
        let lines: Vec<u64> = rows("a\n\n\"x\ny\r\nz\"\r\n\rb\n", b',')
            .into_iter()
            .map(|(l, _)| l)
            .collect();
        assert_eq!(lines, [1, 3, 7]);
    }

    #[test]
    fn marks_are_found_at_every_offset() {
        for at in 0..200 {
            let mut text = vec![b'x'; 200];
            text[at] = b'\t';
            let mut marks = Marks::new(&text, b'\t', 0);
            assert_eq!((marks.next(), marks.next()), (Some(at), None));
        }
        // Bytes that differ from a mark in one bit, and high bytes, are none.
        let near: Vec<u8> = (1..=255u8).filter(|b| !b",\r\n".contains(b)).collect();
        assert_eq!(Marks::new(&near, b',', 0).next(), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn agrees_with_the_csv_crate(
            text in "([a,;\"\r\n é]|\"\"|\r\n|,\"|\",){0,60}",
            delimiter in proptest::sample::select(vec![b',', b';', b'a']),
        ) {
            let ours: Vec<Vec<String>> = rows(&text, delimiter).into_iter().map(|(_, r)| r).collect();
            prop_assert_eq!(ours, by_csv(&text, delimiter));
        }
    }
}
