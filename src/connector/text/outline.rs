//! What shapes a CSV text, sixty-four bytes at a time: separators, line breaks, and what stands in quotes.
//!
//! A quote opens only at the start of a cell, and a doubled one inside is text. So each quote turns inside to outside
//! or back, as long as every opening one stands at the start of a cell and every closing one at its end. Where one does
//! not, the quotes of the rest of its cell are plain text, and count for nothing.

use super::lanes::Lanes;

/// Follows a text from its start, or from the start of a row.
#[derive(Clone, Debug)]
pub(crate) struct Outline {
    delimiter: u8,
    /// What is next stands in quotes.
    inside: bool,
    /// What is next is the start of a cell.
    fresh: bool,
    /// The byte before was a closing quote, or the first of two.
    closed: bool,
    /// Quotes are plain up to the end of the cell.
    plain: bool,
    /// The byte before was a CR.
    cr: bool,
}

/// What stands at sixty-four bytes, as bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Ends of cells and rows. Of CR LF only the CR.
    pub ends: u64,
    /// LF and CR outside quotes.
    pub outer: u64,
    /// Line breaks, in quotes and outside. Of CR LF only the CR.
    pub breaks: u64,
    /// Bytes of cells whose quotes are plain text.
    pub plain: u64,
}

impl Outline {
    /// At the start of a row.
    pub(crate) fn new(delimiter: u8) -> Outline {
        Outline {
            delimiter,
            inside: false,
            fresh: true,
            closed: false,
            plain: false,
            cr: false,
        }
    }

    /// True when what comes next stands in quotes.
    pub(crate) fn in_quotes(&self) -> bool {
        self.inside
    }

    /// Follows the next `n` bytes, at least one.
    #[inline(always)]
    pub(crate) fn step(&mut self, lanes: &Lanes, n: usize) -> Shape {
        let (quotes, lf) = (lanes.equal(b'"'), lanes.equal(b'\n'));
        let cr = match lanes.any([b'\r']) {
            true => lanes.equal(b'\r'),
            false => 0,
        };
        let breaks = lf | cr;
        let second = lf & (cr << 1 | u64::from(self.cr));
        let marks = breaks | lanes.equal(self.delimiter);
        let last = n.wrapping_sub(1) & 63;
        self.cr = cr >> last & 1 != 0;
        let (within, plain) = if quotes == 0 && !self.closed {
            let within = match self.inside {
                true => u64::MAX,
                false => 0,
            };
            self.plain &= marks == 0;
            self.fresh = marks & !within & 1 << last != 0;
            (within, 0)
        } else {
            self.turn(quotes, marks, n)
        };
        Shape {
            ends: marks & !within & !second,
            outer: breaks & !within,
            breaks: breaks & !second,
            plain,
        }
    }

    /// What stands in quotes, opening ones included, and what in cells whose quotes are plain.
    #[inline]
    fn turn(&mut self, mut quotes: u64, marks: u64, n: usize) -> (u64, u64) {
        let last = n.wrapping_sub(1) & 63;
        let valid = u64::MAX >> (63 - last);
        let mut plain = 0;
        if self.plain {
            plain = up_to_mark(u64::MAX, marks);
            quotes &= !plain;
        }
        loop {
            let within = filled(quotes) ^ u64::from(self.inside).wrapping_neg();
            let (opening, closing) = (quotes & within, quotes & !within);
            let outside = marks & !within;
            let may_open = (outside | closing) << 1 | u64::from(self.fresh || self.closed);
            let behind = closing << 1 | u64::from(self.closed);
            let wrong = opening & !may_open | behind & !(marks | quotes | plain) & valid;
            if wrong == 0 {
                self.inside = within >> last & 1 != 0;
                self.closed = closing >> last & 1 != 0;
                self.fresh = outside >> last & 1 != 0;
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
