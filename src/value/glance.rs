//! Questions about short texts, answered eight or sixteen bytes at a time.
//!
//! Values are short, and a search that is made for long texts costs more to begin than they cost to read.

use wide::u8x16;

const ONES: u64 = 0x0101_0101_0101_0101;
const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Whether a question has the answer yes for some byte. `word` answers for eight bytes and `wide` for sixteen, by any
/// bit that is set. Some bytes are asked twice.
#[inline(always)]
fn any(bytes: &[u8], word: impl Fn(u64) -> u64, wide: impl Fn(u8x16) -> u8x16) -> bool {
    if let Some(last) = bytes.last_chunk::<16>() {
        let mut found = wide(u8x16::new(*last));
        for chunk in bytes.as_chunks::<16>().0 {
            found |= wide(u8x16::new(*chunk));
        }
        return found.to_bitmask() != 0;
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        return word(u64::from_le_bytes(*first)) | word(u64::from_le_bytes(*last)) != 0;
    }
    let joined = match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some([a, b, c, d]), Some([e, f, g, h])) => [*a, *b, *c, *d, *e, *f, *g, *h],
        _ => match bytes {
            [] => return false,
            [a] => [*a; 8],
            [a, b] => [*a, *b, *a, *b, *a, *b, *a, *b],
            [a, b, .., c] => [*a, *b, *c, *a, *b, *c, *a, *b],
        },
    };
    word(u64::from_le_bytes(joined)) != 0
}

/// The high bit of each byte that is zero, and of no other.
#[inline(always)]
fn zero(word: u64) -> u64 {
    !(((word & LOW) + LOW) | word) & HIGH
}

/// The high bit of each byte from `from` to below `to`, both ASCII.
#[inline(always)]
fn between(word: u64, from: u8, to: u8) -> u64 {
    let low = word & LOW;
    let at_least = |b: u8| low + ONES * u64::from(128 - b);
    at_least(from) & !at_least(to) & !word & HIGH
}

/// Whether this byte stands in a text.
#[inline]
pub fn holds(text: &[u8], byte: u8) -> bool {
    let (eight, sixteen) = (ONES * u64::from(byte), u8x16::splat(byte));
    any(text, |w| zero(w ^ eight), |v| v.simd_eq(sixteen))
}

/// The bytes that JSON has to escape.
#[inline(always)]
pub fn escapes(sixteen: u8x16) -> u8x16 {
    let control = u8x16::splat(0x1F);
    sixteen.min(control).simd_eq(sixteen)
        | sixteen.simd_eq(u8x16::splat(b'"'))
        | sixteen.simd_eq(u8x16::splat(b'\\'))
}

/// Whether a text may stand in JSON as it is.
#[inline]
pub fn is_plain(text: &[u8]) -> bool {
    let (quote, slash) = (ONES * u64::from(b'"'), ONES * u64::from(b'\\'));
    !any(
        text,
        |w| zero(w ^ quote) | zero(w ^ slash) | between(w, 0, 0x20),
        escapes,
    )
}

/// Whether a text is ASCII without a capital letter.
#[inline]
pub fn is_lower(text: &[u8]) -> bool {
    let (first, last) = (u8x16::splat(b'A'), u8x16::splat(b'Z'));
    !any(
        text,
        |w| w & HIGH | between(w, b'A', b'Z' + 1),
        |v| v & u8x16::splat(0x80) | v.max(first).simd_eq(v) & v.min(last).simd_eq(v),
    )
}

/// A text without white space at both ends; most have none, which two bytes show.
#[inline]
pub fn trim(text: &str) -> &str {
    let bare = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    match bare(text.as_bytes().first()) && bare(text.as_bytes().last()) {
        true => text,
        false => text.trim(),
    }
}

/// Up to sixteen bytes as one number, the first of them the lowest.
#[inline(always)]
fn number(bytes: &[u8]) -> u128 {
    if let Some(chunk) = bytes.first_chunk::<16>() {
        return u128::from_le_bytes(*chunk);
    }
    let (first, last, width) =
        if let (Some(a), Some(b)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
            (u64::from_le_bytes(*a), u64::from_le_bytes(*b), 8)
        } else if let (Some(a), Some(b)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
            let (a, b) = (u32::from_le_bytes(*a), u32::from_le_bytes(*b));
            (a.into(), b.into(), 4)
        } else {
            let mut few = 0;
            for (at, byte) in bytes.iter().take(3).enumerate() {
                few |= u128::from(*byte) << (at * 8);
            }
            return few;
        };
    // What both hold is the same in both.
    u128::from(first) | u128::from(last) << ((bytes.len() - width) * 8)
}

/// The last `len` bytes of a text of at least sixteen, as one number.
#[inline(always)]
fn tail(text: &[u8], len: usize) -> u128 {
    let last = text.last_chunk::<16>();
    last.map_or(0, |c| u128::from_le_bytes(*c)) >> ((16 - len) * 8)
}

/// Appends a text; most are short, and a copy of a length that nobody knows before is a call.
#[inline]
pub fn append(text: &[u8], out: &mut Vec<u8>) {
    let end = out.len() + text.len();
    match text.len() {
        0..=16 => out.extend_from_slice(&number(text).to_le_bytes()),
        17..=32 => {
            out.extend_from_slice(text.first_chunk::<16>().unwrap_or(&[0; 16]));
            out.extend_from_slice(&tail(text, text.len() - 16).to_le_bytes());
        }
        _ => out.extend_from_slice(text),
    }
    out.truncate(end);
}

/// Appends a text between two double quotes.
#[inline]
pub fn append_quoted(text: &[u8], out: &mut Vec<u8>) {
    const QUOTE: u128 = b'"' as u128;
    let end = out.len() + text.len() + 2;
    match text.len() {
        len @ 0..=14 => {
            let quoted = QUOTE | number(text) << 8 | QUOTE << ((len + 1) * 8);
            out.extend_from_slice(&quoted.to_le_bytes());
        }
        len @ 16..=30 => {
            let rest = len - 15;
            let first = QUOTE | number(text) << 8;
            out.extend_from_slice(&first.to_le_bytes());
            let last = tail(text, rest) | QUOTE << (rest * 8);
            out.extend_from_slice(&last.to_le_bytes());
        }
        _ => {
            out.reserve(text.len() + 2);
            out.push(b'"');
            out.extend_from_slice(text);
            out.push(b'"');
        }
    }
    out.truncate(end);
}

/// A text of up to thirty-two bytes that is appended again and again.
#[derive(Clone, Debug)]
pub struct Stamp {
    text: Vec<u8>,
    padded: [u8; 32],
}

impl Stamp {
    /// A text of any length; long ones are appended as any other.
    pub fn new(text: Vec<u8>) -> Stamp {
        let mut padded = [0; 32];
        for (to, from) in padded.iter_mut().zip(&text) {
            *to = *from;
        }
        Stamp { text, padded }
    }

    /// The text.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Appends it.
    #[inline]
    pub fn append(&self, out: &mut Vec<u8>) {
        let len = self.text.len();
        if len <= self.padded.len() {
            let end = out.len() + len;
            out.extend_from_slice(&self.padded);
            out.truncate(end);
        } else {
            out.extend_from_slice(&self.text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_byte_is_told_at_every_place() {
        for len in 1..40 {
            for at in 0..len {
                for byte in 0..=255u8 {
                    let mut text = vec![b'x'; len];
                    text[at] = byte;
                    assert_eq!(holds(&text, b'\r'), byte == b'\r', "{text:?}");
                    let escaped = byte < 0x20 || matches!(byte, b'"' | b'\\');
                    assert_eq!(is_plain(&text), !escaped, "{text:?}");
                    let lower = byte.is_ascii() && !byte.is_ascii_uppercase();
                    assert_eq!(is_lower(&text), lower, "{text:?}");
                }
            }
        }
        assert!(is_plain(b"") && is_lower(b"") && !holds(b"", 0));
    }

    proptest! {
        #[test]
        fn what_is_appended_is_the_text(before in "[a-z]{0,20}", text in "[a-zé]{0,40}|\\PC{0,9}") {
            let mut out = before.clone().into_bytes();
            append(text.as_bytes(), &mut out);
            prop_assert_eq!(out, format!("{before}{text}").into_bytes());
            prop_assert_eq!(trim(&text), text.trim());
            let mut out = before.clone().into_bytes();
            append_quoted(text.as_bytes(), &mut out);
            prop_assert_eq!(out, format!("{before}\"{text}\"").into_bytes());
            let mut out = before.clone().into_bytes();
            Stamp::new(text.clone().into_bytes()).append(&mut out);
            prop_assert_eq!(out, format!("{before}{text}").into_bytes());
        }
    }
}
