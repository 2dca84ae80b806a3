//! Where rows end, found piece by piece without looking into cells.

use memchr::{memchr, memchr_iter, memchr3, memrchr};

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
    /// Inside quotes at `seen`.
    quoted: bool,
    /// The byte before the buffer's first one is the end of a row or cell, or the file's start.
    fresh: bool,
    /// End of the last complete row, 0 for none.
    row_end: usize,
}

impl Cutter {
    /// A cutter for a buffer that begins at the start of a row.
    pub fn new(ends: RowEnds) -> Cutter {
        Cutter {
            ends,
            seen: 0,
            quoted: false,
            fresh: true,
            row_end: 0,
        }
    }

    /// The end of the last complete row; `None` while no row is complete.
    pub fn row_end(&self) -> Option<usize> {
        (self.row_end > 0).then_some(self.row_end)
    }

    /// True when what was seen ends inside quotes.
    pub fn in_quotes(&self) -> bool {
        self.quoted
    }

    /// Looks at what is new in `buffer`. `last`: nothing follows. `first_only`: stop after one row end.
    pub fn advance(&mut self, buffer: &[u8], last: bool, first_only: bool) {
        match self.ends {
            RowEnds::Lines => self.advance_lines(buffer, last, first_only),
            RowEnds::Quoted { delimiter } => {
                self.advance_quoted(buffer, delimiter, last, first_only);
                if last && !self.quoted && !(first_only && self.row_end > 0) {
                    self.row_end = buffer.len();
                }
            }
        }
    }

    /// Forgets the first `bytes` of the buffer; the rest goes on as it was.
    pub fn drop_front(&mut self, buffer: &[u8], bytes: usize) {
        self.fresh = match bytes.checked_sub(1).and_then(|at| buffer.get(at)) {
            Some(before) => self.opens_after(*before),
            None => self.fresh,
        };
        self.seen = self.seen.saturating_sub(bytes);
        self.row_end = 0;
    }

    fn opens_after(&self, before: u8) -> bool {
        match self.ends {
            RowEnds::Lines => false,
            RowEnds::Quoted { delimiter } => {
                before == delimiter || before == b'\n' || before == b'\r'
            }
        }
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

    fn advance_quoted(&mut self, buffer: &[u8], delimiter: u8, last: bool, first_only: bool) {
        let mut at = self.seen;
        while let Some(rest) = buffer.get(at..).filter(|r| !r.is_empty()) {
            if self.quoted {
                let Some(n) = memchr(b'"', rest) else {
                    at = buffer.len();
                    break;
                };
                if n + 1 == rest.len() && !last {
                    // The closing quote, or the first of two: the next byte tells.
                    at += n;
                    break;
                }
                if rest.get(n + 1) == Some(&b'"') {
                    at += n + 2;
                } else {
                    self.quoted = false;
                    at += n + 1;
                }
                continue;
            }
            let Some(n) = memchr3(b'"', b'\n', b'\r', rest) else {
                at = buffer.len();
                break;
            };
            let found = at + n;
            if rest[n] == b'"' {
                self.quoted = match found.checked_sub(1).and_then(|i| buffer.get(i)) {
                    Some(&b) => b == delimiter || b == b'\n' || b == b'\r',
                    None => self.fresh,
                };
                at = found + 1;
                continue;
            }
            if rest[n] == b'\r' && n + 1 == rest.len() && !last {
                at = found;
                break;
            }
            let crlf = rest[n] == b'\r' && rest.get(n + 1) == Some(&b'\n');
            at = found + 1 + usize::from(crlf);
            self.row_end = at;
            if first_only {
                break;
            }
        }
        self.seen = at;
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
