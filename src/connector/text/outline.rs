//! What shapes a CSV text, sixty-four bytes at a time: separators, line breaks, and what stands in quotes.
//!
//! A quote opens only at the start of a cell, and a doubled one inside is text. So each quote turns inside to outside
//! or back, as long as every opening one stands at the start of a cell and every closing one at its end. Where one does
//! not, the quotes of the rest of its cell are plain text, and count for nothing.

use super::lanes::Lanes;

/// Follows a text from the start of a row.
#[derive(Clone, Debug)]
pub(crate) struct Outline {
    delimiter: u8,
    /// What is next stands in quotes.
    inside: bool,
    /// The byte before was a closing quote, or the first of two.
    closed: bool,
    /// Quotes are plain up to the end of the cell.
    plain: bool,
    /// The byte before.
    last: u8,
}

/// What stands at sixty-four bytes, as bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// How many bytes there are: fewer at the end of the text.
    pub bytes: usize,
    /// Ends of cells and rows outside quotes; 0 when only rows were asked for. Of CR LF only the CR.
    pub ends: u64,
    /// LF and CR outside quotes.
    pub outer: u64,
    /// Line breaks, in quotes and outside. Of CR LF only the CR.
    pub breaks: u64,
    /// Bytes of cells whose quotes are plain text.
    pub plain: u64,
    /// A zero byte is among them; only when rows alone were asked for.
    pub zeros: bool,
}

impl Outline {
    /// At the start of a row.
    pub(crate) fn new(delimiter: u8) -> Outline {
        Outline {
            delimiter,
            inside: false,
            closed: false,
            plain: false,
            last: b'\n',
        }
    }

    /// True when what comes next stands in quotes.
    pub(crate) fn in_quotes(&self) -> bool {
        self.inside
    }

    /// Follows the bytes from `at` on, where there is one: for `CELLS` and rows, or for rows alone.
    #[inline(always)]
    pub(crate) fn step<const CELLS: bool>(&mut self, bytes: &[u8], at: usize) -> Shape {
        let (lanes, n) = Lanes::at(bytes, at);
        let (quotes, lf) = (lanes.equal(b'"'), lanes.equal(b'\n'));
        let rare = match CELLS {
            true => lanes.any([b'\r']),
            false => lanes.any([b'\r', 0]),
        };
        let (mut breaks, mut second, mut zeros) = (lf, 0, false);
        if rare || self.last == b'\r' {
            let cr = lanes.equal(b'\r');
            second = lf & (cr << 1 | u64::from(self.last == b'\r'));
            breaks |= cr;
            zeros = !CELLS && lanes.any([0]);
        }
        let delimiters = match CELLS {
            true => lanes.equal(self.delimiter),
            false => 0,
        };
        let (within, plain) = if quotes != 0 || self.closed || self.plain {
            let marks = match CELLS {
                true => breaks | delimiters,
                false => breaks | lanes.equal(self.delimiter),
            };
            self.turn(quotes, marks, n)
        } else {
            (u64::from(self.inside).wrapping_neg(), 0)
        };
        self.last = bytes.get(at + n - 1).copied().unwrap_or_default();
        Shape {
            bytes: n,
            ends: (breaks | delimiters) & !within & !second,
            outer: breaks & !within,
            breaks: breaks & !second,
            plain,
            zeros,
        }
    }

    /// What stands in quotes, opening ones included, and what in cells whose quotes are plain.
    #[inline]
    fn turn(&mut self, mut quotes: u64, marks: u64, n: usize) -> (u64, u64) {
        let last = n.wrapping_sub(1) & 63;
        let valid = u64::MAX >> (63 - last);
        let mark_before = [self.delimiter, b'\n', b'\r'].contains(&self.last);
        let fresh = u64::from(self.closed || !self.inside && mark_before);
        let mut plain = 0;
        if self.plain {
            plain = up_to_mark(u64::MAX, marks);
            quotes &= !plain;
        }
        loop {
            let within = filled(quotes) ^ u64::from(self.inside).wrapping_neg();
            let (opening, closing) = (quotes & within, quotes & !within);
            let outside = marks & !within;
            let may_open = (outside | closing) << 1 | fresh;
            let behind = closing << 1 | u64::from(self.closed);
            let wrong = opening & !may_open | behind & !(marks | quotes | plain) & valid;
            if wrong == 0 {
                self.inside = within >> last & 1 != 0;
                self.closed = closing >> last & 1 != 0;
                self.plain = plain >> last & 1 != 0;
                return (within, plain);
            }
            let rest = up_to_mark(u64::MAX << wrong.trailing_zeros(), marks);
            plain |= rest;
            quotes &= !rest;
        }
    }
}

/// The bits of a run that has no end, up to the first mark in it.
fn up_to_mark(run: u64, marks: u64) -> u64 {
    let marks = marks & run;
    run & (marks & marks.wrapping_neg()).wrapping_sub(1)
}

/// Sets each bit from an odd one to before the next even one.
#[inline(always)]
fn filled(mut bits: u64) -> u64 {
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^ bits << 32
}
