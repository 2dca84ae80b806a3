//! Finds the few bytes that shape a text, 64 bytes at a time.
//!
//! A search for one byte after the other pays for its start each time, and in a table the next hit is near. Here
//! eight bytes are compared at once in a plain register, and the hits of 64 are kept as bits.

const ONES: u64 = 0x0101_0101_0101_0101;
const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;
/// Gathers the lowest bit of each of eight bytes into the top byte of a product.
const GATHER: u64 = 0x0102_0408_1020_4080;

/// The places of `N` bytes in a text, one after the other.
pub(crate) struct Marks<'t, const N: usize> {
    bytes: &'t [u8],
    /// Each wanted byte, eight times.
    wanted: [u64; N],
    /// Start of the 64 bytes that `mask` is about.
    base: usize,
    /// One bit for each place that is not taken yet.
    mask: u64,
}

impl<'t, const N: usize> Marks<'t, N> {
    /// The places from `from` on. Zero is no wanted byte.
    #[inline]
    pub(crate) fn new(bytes: &'t [u8], wanted: [u8; N], from: usize) -> Marks<'t, N> {
        let mut marks = Marks {
            bytes,
            wanted: wanted.map(|b| u64::from(b) * ONES),
            base: usize::MAX,
            mask: 0,
        };
        marks.go_to(from);
        marks
    }

    /// The next place.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<usize> {
        while self.mask == 0 {
            let base = self.base + 64;
            if base >= self.bytes.len() {
                return None;
            }
            self.base = base;
            self.mask = self.mask_at(base);
        }
        let at = self.base + self.mask.trailing_zeros() as usize;
        self.mask &= self.mask - 1;
        Some(at)
    }

    /// Goes on from this position.
    #[inline]
    pub(crate) fn go_to(&mut self, at: usize) {
        let base = at & !63;
        if base != self.base {
            self.base = base;
            self.mask = self.mask_at(base);
        }
        self.mask &= u64::MAX << (at & 63);
    }

    #[inline]
    fn mask_at(&self, base: usize) -> u64 {
        match self.bytes.get(base..).and_then(|b| b.first_chunk::<64>()) {
            Some(chunk) => self.mask_of(chunk),
            None => self.mask_of_rest(base),
        }
    }

    #[cold]
    fn mask_of_rest(&self, base: usize) -> u64 {
        let mut padded = [0; 64];
        let rest = self.bytes.get(base..).unwrap_or_default();
        for (to, from) in padded.iter_mut().zip(rest) {
            *to = *from;
        }
        self.mask_of(&padded)
    }

    #[inline(always)]
    fn mask_of(&self, chunk: &[u8; 64]) -> u64 {
        let (words, _) = chunk.as_chunks::<8>();
        let mut mask = 0;
        for (i, word) in words.iter().enumerate() {
            let word = u64::from_le_bytes(*word);
            // The high bit of each byte stays set where the byte differs from every wanted one.
            let other = self
                .wanted
                .iter()
                .fold(u64::MAX, |all, wanted| all & differs(word ^ wanted));
            let bits = ((!other >> 7) & ONES).wrapping_mul(GATHER) >> 56;
            mask |= bits << (i * 8);
        }
        mask
    }
}

/// Sets the high bit of each byte that is not zero. The other bits mean nothing.
#[inline(always)]
fn differs(word: u64) -> u64 {
    ((word & LOW) + LOW) | word
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn marks_are_found_at_every_offset() {
        for at in 0..200 {
            let mut text = vec![b'x'; 200];
            text[at] = b'\t';
            let mut marks = Marks::new(&text, [b'\t', b'\n'], 0);
            assert_eq!(
                (marks.next(), marks.next(), marks.next()),
                (Some(at), None, None)
            );
        }
        // Bytes that differ in one bit, and high bytes, are none.
        let near: Vec<u8> = (1..=255u8).filter(|b| !b",\r\n".contains(b)).collect();
        assert_eq!(Marks::new(&near, [b',', b'\n', b'\r'], 0).next(), None);
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_plain_search(
            bytes in proptest::collection::vec(proptest::sample::select(b"ab,\"\xFF\0-".to_vec()), 0..300),
            from in 0usize..300,
        ) {
            let mut marks = Marks::new(&bytes, [b',', b'"'], from);
            let found: Vec<usize> = std::iter::from_fn(|| marks.next()).collect();
            let plain: Vec<usize> = (from..bytes.len()).filter(|i| b",\"".contains(&bytes[*i])).collect();
            prop_assert_eq!(found, plain);
        }
    }
}
