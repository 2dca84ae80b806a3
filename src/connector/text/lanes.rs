//! Sixty-four bytes compared at once: where certain bytes stand, as bits.
//!
//! A search for one byte after the other pays for its start each time, and in a table the next hit is near.

use wide::u8x16;

/// How many bytes are compared at once.
pub(crate) const WIDTH: usize = 64;
/// Stands beyond the end of a text. No byte that shapes a text is it, nor a zero.
const BEYOND: u8 = 0x80;

/// Sixty-four bytes of a text; bit 0 of an answer is the first of them.
#[derive(Clone, Copy)]
pub(crate) struct Lanes([u8x16; 4]);

impl Lanes {
    /// The bytes from `at` on, and how many there are: fewer than [`WIDTH`] at the end of the text.
    #[inline(always)]
    pub(crate) fn at(bytes: &[u8], at: usize) -> (Lanes, usize) {
        match bytes.get(at..).and_then(|b| b.first_chunk::<WIDTH>()) {
            Some(chunk) => (Lanes::of(chunk), WIDTH),
            None => Lanes::rest(bytes.get(at..).unwrap_or_default()),
        }
    }

    #[inline(always)]
    fn of(chunk: &[u8; WIDTH]) -> Lanes {
        let (quarters, _) = chunk.as_chunks::<16>();
        match quarters {
            [a, b, c, d] => Lanes([*a, *b, *c, *d].map(u8x16::new)),
            // Sixty-four are four times sixteen.
            _ => Lanes([u8x16::splat(BEYOND); 4]),
        }
    }

    #[cold]
    fn rest(bytes: &[u8]) -> (Lanes, usize) {
        let mut padded = [BEYOND; WIDTH];
        for (to, from) in padded.iter_mut().zip(bytes) {
            *to = *from;
        }
        (Lanes::of(&padded), bytes.len().min(WIDTH))
    }

    /// Where this byte stands.
    #[inline(always)]
    pub(crate) fn equal(&self, byte: u8) -> u64 {
        let wanted = u8x16::splat(byte);
        let [a, b, c, d] = self.0.map(|q| u64::from(q.simd_eq(wanted).to_bitmask()));
        a | b << 16 | c << 32 | d << 48
    }

    /// Whether one of these bytes stands there.
    #[inline(always)]
    pub(crate) fn any<const N: usize>(&self, bytes: [u8; N]) -> bool {
        let mut found = u8x16::splat(0);
        for byte in bytes {
            let wanted = u8x16::splat(byte);
            for quarter in self.0 {
                found |= quarter.simd_eq(wanted);
            }
        }
        found.to_bitmask() != 0
    }
}
