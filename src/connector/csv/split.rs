//! Cuts rows into cells: the hot loop of reading.
//!
//! A cell is a range of the block's own text, so nothing is copied unless a quote is doubled.

use crate::connector::{csv::marks::Marks, text::count_breaks};

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
    let mut marks = Marks::new(bytes, [delimiter, b'\n', b'\r'], from);
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
fn after_line(bytes: &[u8], at: usize, marks: &mut Marks<'_, 3>) -> usize {
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
    let mut quotes = Marks::new(bytes, [b'"'], piece);
    let end = loop {
        let Some(quote) = quotes.next() else {
            break bytes.len();
        };
        if bytes.get(quote + 1) != Some(&b'"') {
            break quote;
        }
        quotes.next();
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
