//! Where rows end, found piece by piece without looking into cells.

use super::outline::{Outline, Shape};
use memchr::{memchr, memchr_iter, memrchr};

/// What ends a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowEnds {
    /// LF, wherever it stands (JSON lines).
    Lines,
    /// LF, CRLF or a bare CR outside quotes (CSV). A quote opens only at the start of a cell.
    Quoted {
        /// The cell separator.
        delimiter: u8,
    },
}

/// Follows a growing buffer and remembers where its last complete row ends. Each byte is seen once.
#[derive(Debug)]
pub struct Cutter {
    ends: RowEnds,
    /// The first byte not seen yet.
    seen: usize,
    /// What stands at `seen`, where rows may hold quotes.
    outline: Outline,
    /// End of the last complete row, 0 for none.
    row_end: usize,
    /// Line breaks of the buffer in what was seen.
    breaks: u64,
    /// Those before the 64 bytes in which the last complete row ends, and its own in these.
    row_breaks: (u64, u64),
    /// A zero byte was seen, or nobody looked.
    zeros: bool,
}

impl Cutter {
    /// A cutter for a buffer that begins at the start of a row.
    pub fn new(ends: RowEnds) -> Cutter {
        let (delimiter, zeros) = match ends {
            RowEnds::Lines => (0, true),
            RowEnds::Quoted { delimiter } => (delimiter, false),
        };
        Cutter {
            ends,
            seen: 0,
            outline: Outline::new(delimiter),
            row_end: 0,
            breaks: 0,
            row_breaks: (0, 0),
            zeros,
        }
    }

    /// The end of the last complete row; `None` while no row is complete.
    pub fn row_end(&self) -> Option<usize> {
        (self.row_end > 0).then_some(self.row_end)
    }

    /// True when what was seen ends inside quotes.
    pub fn in_quotes(&self) -> bool {
        self.outline.in_quotes()
    }

    /// Line breaks up to the end of the last complete row.
    pub fn row_breaks(&self, buffer: &[u8]) -> u64 {
        match self.ends {
            RowEnds::Lines => count_breaks(buffer.get(..self.row_end).unwrap_or_default()),
            RowEnds::Quoted { .. } => self.row_breaks.0 + u64::from(self.row_breaks.1.count_ones()),
        }
    }

    /// False when no zero byte stands in what was seen.
    pub fn may_hold_zeros(&self) -> bool {
        self.zeros
    }

    /// Looks at what is new in `buffer`. `last`: nothing follows. `first_only`: stop after one row end.
    pub fn advance(&mut self, buffer: &[u8], last: bool, first_only: bool) {
        match self.ends {
            RowEnds::Lines => self.advance_lines(buffer, last, first_only),
            RowEnds::Quoted { delimiter } => {
                // A CR may be the first of two: the next byte tells.
                let known = match buffer.split_last() {
                    Some((b'\r', before)) if !last => before,
                    _ => buffer,
                };
                self.advance_quoted(known, buffer, delimiter, first_only);
                if last && !self.in_quotes() && !(first_only && self.row_end > 0) {
                    self.row_end = buffer.len();
                    self.row_breaks = (self.breaks, 0);
                }
            }
        }
    }

    /// Forgets the first `bytes` of the buffer; the rest goes on as it was.
    pub fn drop_front(&mut self, buffer: &[u8], bytes: usize) {
        if let RowEnds::Quoted { .. } = self.ends {
            let kept = buffer.get(bytes..self.seen).unwrap_or_default();
            self.breaks = match bytes == self.row_end {
                true => self.breaks.saturating_sub(self.row_breaks(buffer)),
                false => count_breaks(kept),
            };
            self.zeros &= memchr(0, kept).is_some();
        }
        self.seen = self.seen.saturating_sub(bytes);
        self.row_end = 0;
        self.row_breaks = (0, 0);
    }

    fn advance_lines(&mut self, buffer: &[u8], last: bool, first_only: bool) {
        let fresh = buffer.get(self.seen..).unwrap_or_default();
        let end = if first_only {
            memchr(b'\n', fresh)
        } else {
            memrchr(b'\n', fresh)
        };
        match end {
            Some(at) => {
                let end = self.seen + at + 1;
                self.row_end = end;
                self.seen = if first_only { end } else { buffer.len() };
            }
            None => self.seen = buffer.len(),
        }
        if last && !(first_only && self.row_end > 0) {
            self.row_end = buffer.len();
        }
    }

    fn advance_quoted(&mut self, known: &[u8], buffer: &[u8], delimiter: u8, first_only: bool) {
        while self.seen < known.len() {
            let shape = self.outline.step::<false>(known, self.seen);
            let Shape { outer, breaks, .. } = shape;
            self.zeros |= shape.zeros;
            if outer != 0 && first_only {
                let at = self.seen + outer.trailing_zeros() as usize;
                let two = buffer.get(at..at + 2) == Some(b"\r\n");
                self.row_end = at + 1 + usize::from(two);
                self.seen = self.row_end;
                self.outline = Outline::new(delimiter);
                self.breaks = count_breaks(buffer.get(..self.seen).unwrap_or_default());
                self.row_breaks = (self.breaks, 0);
                return;
            }
            if outer != 0 {
                let behind = outer.leading_zeros();
                self.row_end = self.seen + (64 - behind as usize);
                self.row_breaks = (self.breaks, breaks & u64::MAX >> behind);
            }
            self.breaks += u64::from(breaks.count_ones());
            self.seen += shape.bytes;
        }
    }
}

/// The number of line breaks: LF, CRLF, and CR alone.
pub fn count_breaks(bytes: &[u8]) -> u64 {
    let mut breaks = memchr_iter(b'\n', bytes).count() as u64;
    let mut rest = bytes;
    while let Some(at) = memchr(b'\r', rest) {
        rest = &rest[at + 1..];
        breaks += u64::from(rest.first() != Some(&b'\n'));
    }
    breaks
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Feeds `text` in pieces and gives the end of the last row, and whether quotes are open.
    fn fed(ends: RowEnds, text: &[u8], pieces: &[usize]) -> (Option<usize>, bool) {
        let mut cutter = Cutter::new(ends);
        let mut upto = 0;
        for piece in pieces {
            upto = (upto + piece).min(text.len());
            if upto < text.len() {
                cutter.advance(&text[..upto], false, false);
            }
        }
        cutter.advance(text, true, false);
        (cutter.row_end(), cutter.in_quotes())
    }

    const CSV: RowEnds = RowEnds::Quoted { delimiter: b',' };

    #[test]
    fn quotes_hide_line_breaks_only_at_the_start_of_a_cell() {
        assert_eq!(fed(CSV, b"a,\"x\ny\"\nb", &[]), (Some(9), false));
        assert_eq!(fed(CSV, b"a\"x\nb\"", &[]), (Some(6), false));
        assert_eq!(fed(CSV, b"a\r\nb,\"c\r\n", &[]), (Some(3), true));
        assert_eq!(fed(CSV, b"a\rb\r", &[]), (Some(4), false));
        assert_eq!(fed(CSV, b"\"a\"\"\n\"\n", &[]), (Some(7), false));
        assert_eq!(fed(RowEnds::Lines, b"{}\n{\n", &[]), (Some(5), false));
        assert_eq!(fed(CSV, b"", &[]), (None, false));
    }

    #[test]
    fn line_breaks_of_all_kinds_count_once() {
        assert_eq!(count_breaks(b"a\nb\r\nc\rd\r\r\n\r"), 6);
    }

    proptest! {
        #[test]
        fn pieces_change_nothing(
            text in "[a,\"\r\n]{0,40}",
            pieces in proptest::collection::vec(1usize..6, 0..12),
        ) {
            for ends in [CSV, RowEnds::Lines] {
                prop_assert_eq!(
                    fed(ends, text.as_bytes(), &pieces),
                    fed(ends, text.as_bytes(), &[])
                );
            }
        }
    }
}
