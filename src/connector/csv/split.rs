//! Cuts rows into cells: the hot loop of reading.
//!
//! A cell is a range of the block's own text, so nothing is copied unless a quote is doubled.

use crate::connector::text::{
    lanes::{Lanes, WIDTH},
    outline::Outline,
};
use memchr::memchr;
use std::ops::Range;

/// What a row is made of, as the splitter finds it.
pub(crate) trait Sink {
    /// A cell whose text stands at `start..end`.
    fn cell(&mut self, column: usize, start: usize, end: usize);

    /// A cell in quotes: what stands between them, where a quote is doubled, and what follows them up to the end of the
    /// cell, nearly always nothing, which belongs to it as it stands.
    fn quoted(&mut self, column: usize, inner: Range<usize>, behind: Range<usize>);

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
    let mut outline = Outline::new(delimiter);
    let (mut at, mut row_start, mut column) = (from, from, 0);
    let mut line = line;
    // Line breaks in quotes of the row at hand.
    let mut inner_breaks = 0;
    // Up to there cells may hold quotes that are plain text.
    let mut plain = 0;
    let mut base = from;
    while base < bytes.len() {
        let shape = outline.step::<true>(bytes, base);
        if shape.plain != 0 {
            plain = base + WIDTH - shape.plain.leading_zeros() as usize;
        }
        let mut ends = shape.ends;
        let mut inner = shape.breaks & !shape.outer;
        while ends != 0 {
            let bit = ends & ends.wrapping_neg();
            let end = base + ends.trailing_zeros() as usize;
            ends ^= bit;
            let ends_row = shape.outer & bit != 0;
            if bytes.get(at) == Some(&b'"') {
                quoted(bytes, column, at, end, plain > at, sink);
            } else if ends_row && column == 0 && at == end {
                // An empty line.
                at = after_line(bytes, end);
                row_start = at;
                line += 1;
                continue;
            } else {
                sink.cell(column, at, end);
            }
            column += 1;
            if !ends_row {
                at = end + 1;
                continue;
            }
            at = after_line(bytes, end);
            let row_line = line;
            line += 1;
            if inner_breaks != 0 || inner != 0 {
                let before = inner & (bit - 1);
                line += inner_breaks + u64::from(before.count_ones());
                inner ^= before;
                inner_breaks = 0;
            }
            if !sink.row(column, row_start, at, row_line) {
                return (at, line);
            }
            row_start = at;
            column = 0;
        }
        if inner != 0 {
            inner_breaks += u64::from(inner.count_ones());
        }
        base += WIDTH;
    }
    if column > 0 || at < bytes.len() {
        // The last row has no line end.
        if bytes.get(at) == Some(&b'"') {
            quoted(bytes, column, at, bytes.len(), true, sink);
        } else {
            sink.cell(column, at, bytes.len());
        }
        sink.row(column + 1, row_start, bytes.len(), line);
        line += inner_breaks;
    }
    (bytes.len(), line)
}

/// The position after the line end that starts here.
#[inline]
fn after_line(bytes: &[u8], at: usize) -> usize {
    let two = bytes.get(at..at + 2) == Some(b"\r\n");
    at + 1 + usize::from(two)
}

/// Tells the sink of the cell at `at..end`, which opens with a quote. Unless `doubtful`, its last byte closes it.
#[inline]
fn quoted(
    bytes: &[u8],
    column: usize,
    at: usize,
    end: usize,
    doubtful: bool,
    sink: &mut impl Sink,
) {
    let close = match doubtful {
        true => closing(bytes, at + 1, end),
        false => end - 1,
    };
    sink.quoted(column, at + 1..close, (close + 1).min(end)..end);
}

/// Where the quote stands that closes the text from `from` on; `end` when none does.
#[cold]
fn closing(bytes: &[u8], from: usize, end: usize) -> usize {
    let mut at = from;
    while let Some(n) = memchr(b'"', bytes.get(at..end).unwrap_or_default()) {
        if at + n + 1 == end || bytes.get(at + n + 1) != Some(&b'"') {
            return at + n;
        }
        at += n + 2;
    }
    end
}

/// Appends the text at `range` with one quote for each two.
pub(crate) fn undouble(bytes: &[u8], range: Range<usize>, out: &mut Vec<u8>) {
    /// Copied at once, whatever is needed of it.
    const STRIDE: usize = 16;
    let start = out.len();
    out.resize(start + range.len() + STRIDE, 0);
    let (mut from, mut to) = (range.start, start);
    let mut piece = |from: usize, upto: usize| {
        let len = upto - from;
        let whole = (bytes.get(from..from + STRIDE), out.get_mut(to..to + STRIDE));
        if let (true, (Some(source), Some(place))) = (len <= STRIDE, whole) {
            place.copy_from_slice(source);
        } else if let (Some(source), Some(place)) =
            (bytes.get(from..upto), out.get_mut(to..to + len))
        {
            place.copy_from_slice(source);
        }
        to += len;
    };
    let mut base = range.start;
    while base < range.end {
        let (lanes, _) = Lanes::at(bytes, base);
        let mut quotes = lanes.equal(b'"');
        while quotes != 0 {
            let at = base + quotes.trailing_zeros() as usize;
            quotes &= quotes - 1;
            if at >= range.end {
                break;
            }
            // The second of two is passed over.
            if at >= from {
                piece(from, at + 1);
                from = at + 2;
            }
        }
        base += WIDTH;
    }
    if from < range.end {
        piece(from, range.end);
    }
    out.truncate(to);
}

/// The text of a cell in quotes.
pub(crate) fn unquoted(text: &str, inner: Range<usize>, behind: Range<usize>) -> String {
    let mut cell = Vec::new();
    undouble(text.as_bytes(), inner, &mut cell);
    cell.extend_from_slice(text.as_bytes().get(behind).unwrap_or_default());
    String::from_utf8_lossy(&cell).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::text::count_breaks;
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
        fn quoted(&mut self, column: usize, inner: Range<usize>, behind: Range<usize>) {
            assert_eq!(column, self.row.len());
            self.row.push(unquoted(self.text, inner, behind));
        }
        fn row(&mut self, cells: usize, start: usize, end: usize, line: u64) -> bool {
            assert_eq!(cells, self.row.len());
            // Twice counted: by the outline on its way, and here.
            assert_eq!(line, 1 + count_breaks(&self.text.as_bytes()[..start]));
            assert!(end <= self.text.len());
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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]
        #[test]
        fn agrees_with_the_csv_crate(
            text in "([a,;\"\r\n é]|\"\"|\r\n|,\"|\",|,\"[a\n]{60,70}|[b;é \"]{62}){0,60}",
            delimiter in proptest::sample::select(vec![b',', b';', b'a']),
        ) {
            let ours: Vec<Vec<String>> = rows(&text, delimiter).into_iter().map(|(_, r)| r).collect();
            prop_assert_eq!(ours, by_csv(&text, delimiter));
        }
    }
}
