//! Which encoding a text file has, and its bytes as UTF-8.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Bytes a guess looks at. The detector is slow, and a few thousand foreign letters are plenty.
const SAMPLE: usize = 64 * 1024;

/// The encoding of a label such as `windows-1252`; `Ok(None)` for `auto`.
///
/// # Errors
/// The label is known to nobody.
pub fn by_label(label: &str) -> Result<Option<&'static Encoding>, String> {
    if label.eq_ignore_ascii_case("auto") {
        return Ok(None);
    }
    Encoding::for_label(label.trim().as_bytes())
        .map(Some)
        .ok_or_else(|| {
            format!(
                "unknown encoding {label:?}: use auto, or a label such as utf-8 or windows-1252"
            )
        })
}

/// What the first bytes of a file say for certain: the encoding and the length of the byte order mark.
/// UTF-16 without a mark is recognised by the zero bytes of its first two characters.
pub(super) fn by_first_bytes(bytes: &[u8]) -> Option<(&'static Encoding, usize)> {
    if let Some(found) = Encoding::for_bom(bytes) {
        return Some(found);
    }
    match bytes {
        [a, 0, b, 0, ..] if *a != 0 && *b != 0 => Some((UTF_16LE, 0)),
        [0, a, 0, b, ..] if *a != 0 && *b != 0 => Some((UTF_16BE, 0)),
        _ => None,
    }
}

/// Decides about bytes that are no valid UTF-8 in a file that was ASCII so far: UTF-8 with some broken
/// places when most foreign letters are well formed, else the detector's guess.
pub(super) fn guess(bytes: &[u8]) -> &'static Encoding {
    let (mut good, mut bad, mut first_bad) = (0usize, 0usize, None);
    let mut at = 0;
    for chunk in bytes.utf8_chunks() {
        // Bytes above 0x7F that are no continuation: one for each well-formed foreign letter.
        good += chunk.valid().bytes().filter(|b| *b >= 0xC0).count();
        at += chunk.valid().len();
        if !chunk.invalid().is_empty() {
            bad += 1;
            first_bad.get_or_insert(at);
            at += chunk.invalid().len();
        }
    }
    if good > bad {
        return UTF_8;
    }
    let from = first_bad.unwrap_or(0).saturating_sub(SAMPLE / 8);
    let to = bytes.len().min(from + SAMPLE);
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes.get(from..to).unwrap_or(bytes), true);
    detector.guess(None, Utf8Detection::Deny)
}

/// A whole file as text: by its byte order mark, else UTF-8, else the detector's guess. An error is a sentence
/// fragment.
///
/// # Errors
/// It holds bytes that are no text in its encoding.
pub fn whole(bytes: Vec<u8>) -> Result<String, String> {
    let (encoding, mark) = match by_first_bytes(&bytes) {
        Some(found) => found,
        None => match String::from_utf8(bytes) {
            Ok(text) => return Ok(text),
            Err(e) => {
                let bytes = e.into_bytes();
                return decoded(guess(&bytes), &bytes);
            }
        },
    };
    decoded(encoding, bytes.get(mark..).unwrap_or_default())
}

fn decoded(encoding: &'static Encoding, bytes: &[u8]) -> Result<String, String> {
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .map(std::borrow::Cow::into_owned)
        .ok_or_else(|| format!("holds bytes that are no {}", encoding.name()))
}

/// Appends the decoded form of `bytes` to `out`, and a position in `out` for each place that is malformed
/// in this encoding.
pub(super) fn decode_onto(
    decoder: &mut Decoder,
    bytes: &[u8],
    last: bool,
    out: &mut Vec<u8>,
    malformed: &mut Vec<usize>,
) {
    let mut text = String::with_capacity(
        decoder
            .max_utf8_buffer_length_without_replacement(bytes.len())
            .unwrap_or(bytes.len()),
    );
    let mut read = 0;
    loop {
        let rest = bytes.get(read..).unwrap_or_default();
        let (result, n) = decoder.decode_to_string_without_replacement(rest, &mut text, last);
        read += n;
        match result {
            encoding_rs::DecoderResult::InputEmpty => break,
            encoding_rs::DecoderResult::OutputFull => text.reserve(rest.len().max(64)),
            encoding_rs::DecoderResult::Malformed(..) => {
                malformed.push(out.len() + text.len());
                if text.capacity() - text.len() < 8 {
                    text.reserve(rest.len().max(64));
                }
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
    }
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_known_or_refused() {
        assert_eq!(by_label("Auto"), Ok(None));
        assert_eq!(by_label("latin1"), Ok(Some(encoding_rs::WINDOWS_1252)));
        assert!(by_label("ebcdic").is_err_and(|e| e.contains("ebcdic")));
    }

    #[test]
    fn first_bytes_decide() {
        assert_eq!(by_first_bytes(b"\xEF\xBB\xBFa"), Some((UTF_8, 3)));
        assert_eq!(by_first_bytes(b"\xFF\xFEa\0"), Some((UTF_16LE, 2)));
        assert_eq!(by_first_bytes(b"a\0b\0"), Some((UTF_16LE, 0)));
        assert_eq!(by_first_bytes(b"\0a\0b"), Some((UTF_16BE, 0)));
        assert_eq!(by_first_bytes(b"ab"), None);
        assert_eq!(by_first_bytes(b""), None);
    }

    #[test]
    fn a_few_broken_places_do_not_make_utf8_something_else() {
        let mut text = "Zoë, Łukasz, Ирина, 王芳\n".as_bytes().to_vec();
        text.push(0xE9);
        assert_eq!(guess(&text), UTF_8);
        assert_eq!(
            guess(b"Ren\xE9e M\xFCller, caf\xE9\n"),
            encoding_rs::WINDOWS_1252
        );
    }
}
