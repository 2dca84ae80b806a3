//! Guesses the cell separator of a CSV file from its first rows.

use crate::connector::csv::split::{Sink, split, unquoted};
use std::ops::Range;

/// Separators that are tried, the likeliest first.
const CANDIDATES: &[u8] = b",;\t|";

/// Rows that are looked at.
const ROWS: usize = 50;

/// The separator that finds the most of the `wanted` headers, then cuts most rows alike, then makes the most
/// columns; a comma when nothing tells.
pub fn delimiter(text: &str, wanted: &dyn Fn(&str) -> bool) -> u8 {
    let mut best = (b',', (0, 0, 1));
    for &candidate in CANDIDATES {
        let mut seen = Seen {
            text,
            header: Vec::new(),
            widths: Vec::new(),
        };
        split(text, 0, 1, candidate, &mut seen);
        let columns = seen.header.len();
        // The last row may be cut off where the sample ends.
        let body = seen.widths.len().saturating_sub(2);
        let alike = seen.widths.iter().skip(1).take(body);
        let alike = alike.filter(|w| **w == columns).count();
        let hits = seen.header.iter().filter(|h| wanted(h)).count();
        let score = (hits, if columns > 1 { alike } else { 0 }, columns);
        if score > best.1 {
            best = (candidate, score);
        }
    }
    best.0
}

struct Seen<'t> {
    text: &'t str,
    header: Vec<String>,
    widths: Vec<usize>,
}

impl Sink for Seen<'_> {
    fn cell(&mut self, _column: usize, start: usize, end: usize) {
        if self.widths.is_empty() {
            let text = self.text.get(start..end).unwrap_or_default();
            self.header.push(text.to_owned());
        }
    }

    fn quoted(&mut self, _column: usize, inner: Range<usize>, behind: Range<usize>) {
        if self.widths.is_empty() {
            self.header.push(unquoted(self.text, inner, behind));
        }
    }

    fn row(&mut self, cells: usize, _start: usize, _end: usize, _line: u64) -> bool {
        self.widths.push(cells);
        self.widths.len() < ROWS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_are_told_apart() {
        let none = |_: &str| false;
        for (text, want) in [
            ("a,b\n1,2\n3,4\n", b','),
            ("a;b\n1,5;2,5\n3,5;4,5\n4,1;3\n", b';'),
            ("a\tb\n1\t2\n", b'\t'),
            ("a|b|c\n1|2,2|3\n1|2,3|3\n", b'|'),
            ("\"a;x\",b\n\"1;2\",2\n3,4\n", b','),
            ("only\n1\n", b','),
            ("", b','),
        ] {
            assert_eq!(delimiter(text, &none), want, "{text:?}");
        }
    }

    #[test]
    fn known_headers_weigh_more_than_even_rows() {
        let text = "Name, first;E-mail, work\na, b;c, d\ne, f;g, h\n";
        let wanted = |h: &str| h == "E-mail, work";
        assert_eq!(delimiter(text, &wanted), b';');
    }
}
