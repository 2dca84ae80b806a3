//! File names that others chose, made harmless.

/// Longest name, in bytes.
const MAX: usize = 200;

/// A file name without folders, control characters, marks that turn the reading direction, and quotes; `None` when
/// nothing is left. A name that is too long keeps its ending.
pub fn safe(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last
        .chars()
        .filter(|c| !c.is_control() && !is_turning(*c))
        .map(|c| match c {
            '"' | '<' | '>' | '|' | ':' | '*' | '?' => '_',
            c => c,
        })
        .collect();
    let clean = clean.trim().trim_start_matches('.').trim();
    if clean.is_empty() {
        return None;
    }
    if clean.len() <= MAX {
        return Some(clean.to_owned());
    }
    let (stem, ending) = match clean.rsplit_once('.') {
        Some((stem, ending)) if ending.len() <= 16 => (stem, format!(".{ending}")),
        _ => (clean, String::new()),
    };
    let mut end = stem.len().min(MAX - ending.len());
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    Some(format!("{}{ending}", stem.get(..end)?))
}

fn is_turning(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The file name that a `Content-Disposition` header gives, as it stands there.
pub(super) fn of_disposition(header: &str) -> Option<String> {
    let mut plain = None;
    for part in parts(header).skip(1) {
        let (key, value) = part.split_once('=')?;
        let value = value.trim();
        match key.trim().to_ascii_lowercase().as_str() {
            "filename*" => {
                let mut it = value.splitn(3, '\'');
                let (charset, _, text) = (it.next()?, it.next()?, it.next()?);
                let bytes = percent_decoded(text);
                return match charset.eq_ignore_ascii_case("utf-8") {
                    true => String::from_utf8(bytes).ok(),
                    false => Some(bytes.into_iter().map(char::from).collect()),
                };
            }
            "filename" => plain = Some(unquoted(value)),
            _ => {}
        }
    }
    plain
}

/// The parts between semicolons that stand outside quotes.
fn parts(header: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    header.split(move |c| {
        let cut = c == ';' && !quoted;
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        cut
    })
}

fn unquoted(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) else {
        return text.to_owned();
    };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            c => out.push(c),
        }
    }
    out
}

/// The bytes of a text with `%41` in it.
pub(super) fn percent_decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        let mut ahead = bytes.clone();
        let digits = (b == b'%').then(|| [ahead.next(), ahead.next()]);
        let value = match digits {
            Some([Some(high), Some(low)]) => {
                let digit = |d: u8| char::from(d).to_digit(16);
                digit(high).zip(digit(low)).map(|(h, l)| h * 16 + l)
            }
            _ => None,
        };
        match value.and_then(|v| u8::try_from(v).ok()) {
            Some(value) => {
                out.push(value);
                bytes = ahead;
            }
            None => out.push(b),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_what_could_harm() {
        for (given, kept) in [
            ("offer 1.pdf", Some("offer 1.pdf")),
            ("../../etc/passwd", Some("passwd")),
            ("C:\\temp\\a.txt", Some("a.txt")),
            ("a\r\nX-Evil: 1.txt", Some("aX-Evil_ 1.txt")),
            ("fdp\u{202e}exe.txt", Some("fdpexe.txt")),
            ("a\"; name=\"b", Some("a_; name=_b")),
            ("größe.txt", Some("größe.txt")),
            (".hidden", Some("hidden")),
            ("..", None),
            ("a/", None),
            ("\u{0}", None),
            ("", None),
        ] {
            assert_eq!(safe(given).as_deref(), kept, "{given:?}");
        }
        let long = format!("{}.pdf", "ö".repeat(300));
        let kept = safe(&long).unwrap();
        assert!(kept.len() <= MAX && kept.ends_with("ö.pdf"), "{kept}");
    }

    #[test]
    fn dispositions_give_their_name() {
        for (header, name) in [
            ("attachment; filename=\"a b.txt\"", Some("a b.txt")),
            ("attachment; filename=plain.txt", Some("plain.txt")),
            (
                "attachment; filename=\"x\"; filename*=UTF-8''gr%C3%B6%C3%9Fe.txt",
                Some("größe.txt"),
            ),
            ("attachment; filename=\"a;b\\\"c.txt\"", Some("a;b\"c.txt")),
            ("inline", None),
            ("attachment; filename*=broken", None),
        ] {
            assert_eq!(of_disposition(header).as_deref(), name, "{header}");
        }
        assert_eq!(percent_decoded("a%20b%zz%4"), b"a b%zz%4");
    }
}
