//! A JSON scanner over one text: checks as it goes, builds nothing it is not asked for.

use memchr::memchr2;

/// Deepest nesting that is followed.
const DEPTH_MAX: usize = 128;

/// Where and why a text is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// Position in the text.
    pub at: usize,
    /// A sentence fragment.
    pub why: &'static str,
}

/// A string as found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    /// It has no escapes and stands at `start..end`.
    Plain { start: usize, end: usize },
    /// It was put together in the buffer.
    Built,
}

/// The first byte of a value tells its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    Text,
    Number,
    /// `true` or `false`.
    Bool,
    Null,
}

/// Walks over a text.
pub(crate) struct Scanner<'t> {
    text: &'t str,
    pub(crate) at: usize,
}

impl<'t> Scanner<'t> {
    pub(crate) fn new(text: &'t str, at: usize) -> Scanner<'t> {
        Scanner { text, at }
    }

    fn bytes(&self) -> &'t [u8] {
        self.text.as_bytes()
    }

    fn wrong<T>(&self, why: &'static str) -> Result<T, Wrong> {
        Err(Wrong { at: self.at, why })
    }

    pub(crate) fn peek(&mut self) -> Option<u8> {
        while let Some(b) = self.bytes().get(self.at) {
            if !matches!(b, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(*b);
            }
            self.at += 1;
        }
        None
    }

    /// Takes this byte where it comes next.
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub(crate) fn kind(&mut self) -> Result<Kind, Wrong> {
        match self.peek() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::Text),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            Some(_) => self.wrong("a value should stand"),
            None => self.wrong("it ends too early"),
        }
    }

    /// Takes a string; one with escapes is written to `buffer`, which is emptied first.
    pub(crate) fn string(&mut self, buffer: &mut String) -> Result<Text, Wrong> {
        if !self.take(b'"') {
            return self.wrong("a string should stand");
        }
        let start = self.at;
        let mut piece = start;
        let mut built = false;
        loop {
            let rest = self.bytes().get(self.at..).unwrap_or_default();
            let Some(n) = memchr2(b'"', b'\\', rest) else {
                self.at = self.text.len();
                return self.wrong("a string is not closed");
            };
            if let Some(bad) = rest[..n].iter().position(|b| *b < 0x20) {
                self.at += bad;
                return self.wrong("a control character stands in a string");
            }
            self.at += n;
            if rest[n] == b'"' {
                let end = self.at;
                self.at += 1;
                if !built {
                    return Ok(Text::Plain { start, end });
                }
                buffer.push_str(self.text.get(piece..end).unwrap_or_default());
                return Ok(Text::Built);
            }
            if !built {
                buffer.clear();
                built = true;
            }
            buffer.push_str(self.text.get(piece..self.at).unwrap_or_default());
            buffer.push(self.escape()?);
            piece = self.at;
        }
    }

    fn escape(&mut self) -> Result<char, Wrong> {
        let kind = self.bytes().get(self.at + 1).copied();
        let plain = match kind {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return self.wrong("an unknown escape stands in a string"),
        };
        self.at += 2;
        Ok(plain)
    }

    fn unicode(&mut self) -> Result<char, Wrong> {
        let unit = |at: usize| -> Option<u32> {
            let four = self.text.get(at..at + 4)?;
            if !four.bytes().all(|b| b.is_ascii_hexdigit()) {
                return None;
            }
            u32::from_str_radix(four, 16).ok()
        };
        let first = unit(self.at + 2);
        let (code, len) = match first {
            Some(high @ 0xD800..=0xDBFF) => {
                let low = if self.text.get(self.at + 6..self.at + 8) == Some("\\u") {
                    unit(self.at + 8)
                } else {
                    None
                };
                match low {
                    Some(low @ 0xDC00..=0xDFFF) => {
                        (Some(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)), 12)
                    }
                    _ => (None, 0),
                }
            }
            other => (other, 6),
        };
        match code.and_then(char::from_u32) {
            Some(c) => {
                self.at += len;
                Ok(c)
            }
            None => self.wrong("a \\u escape is no character"),
        }
    }

    /// Takes a number, `true`, `false` or `null`; its text stands at the range returned.
    pub(crate) fn word(&mut self) -> Result<(usize, usize), Wrong> {
        self.peek();
        let start = self.at;
        let rest = self.bytes().get(start..).unwrap_or_default();
        let len = rest
            .iter()
            .position(|b| !matches!(b, b'0'..=b'9' | b'a'..=b'z' | b'E' | b'+' | b'-' | b'.'))
            .unwrap_or(rest.len());
        let word = rest.get(..len).unwrap_or_default();
        if matches!(word, b"true" | b"false" | b"null") || is_number(word) {
            self.at += len;
            return Ok((start, start + len));
        }
        self.wrong("something stands that is neither a number nor true, false or null")
    }

    /// Takes any value. With `out`, its compact form is appended there.
    pub(crate) fn value(&mut self, out: Option<&mut String>) -> Result<(), Wrong> {
        let mut sink = String::new();
        match out {
            Some(out) => self.nested(&mut Some(out), 0, &mut sink),
            None => self.nested(&mut None, 0, &mut sink),
        }
    }

    fn nested(
        &mut self,
        out: &mut Option<&mut String>,
        depth: usize,
        buffer: &mut String,
    ) -> Result<(), Wrong> {
        let kind = self.kind()?;
        let text = self.text;
        let mut put = |piece: &str| {
            if let Some(out) = out {
                out.push_str(piece);
            }
        };
        match kind {
            Kind::Text => {
                let start = self.at;
                self.string(buffer)?;
                // As written, escapes and all.
                put(text.get(start..self.at).unwrap_or_default());
            }
            Kind::Number | Kind::Bool | Kind::Null => {
                let (start, end) = self.word()?;
                put(text.get(start..end).unwrap_or_default());
            }
            Kind::Object | Kind::Array => {
                if depth == DEPTH_MAX {
                    return self.wrong("it is nested too deep");
                }
                let (open, close, shut) = match kind {
                    Kind::Object => ("{", b'}', "}"),
                    _ => ("[", b']', "]"),
                };
                self.at += 1;
                put(open);
                let mut first = true;
                while !self.take(close) {
                    let comma = self.take(b',');
                    if comma == first {
                        return self.wrong(if first {
                            "a value should stand"
                        } else {
                            "a comma or a closing bracket should stand"
                        });
                    }
                    if let (true, Some(out)) = (comma, out.as_mut()) {
                        out.push(',');
                    }
                    first = false;
                    if kind == Kind::Object {
                        self.peek();
                        let start = self.at;
                        self.string(buffer)?;
                        let end = self.at;
                        if !self.take(b':') {
                            return self.wrong("a colon should stand");
                        }
                        if let Some(out) = out {
                            out.push_str(text.get(start..end).unwrap_or_default());
                            out.push(':');
                        }
                    }
                    self.nested(out, depth + 1, buffer)?;
                }
                if let Some(out) = out {
                    out.push_str(shut);
                }
            }
        }
        Ok(())
    }
}

/// The number grammar of JSON.
fn is_number(word: &[u8]) -> bool {
    let digits = |s: &[u8]| s.iter().take_while(|b| b.is_ascii_digit()).count();
    let mut rest = word.strip_prefix(b"-").unwrap_or(word);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest[0] == b'0') {
        return false;
    }
    rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let n = digits(fraction);
        if n == 0 {
            return false;
        }
        rest = &fraction[n..];
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = match exponent {
            [b'+' | b'-', tail @ ..] => tail,
            all => all,
        };
        let n = digits(exponent);
        if n == 0 {
            return false;
        }
        rest = &exponent[n..];
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn compact(text: &str) -> Result<String, Wrong> {
        let mut out = String::new();
        let mut scanner = Scanner::new(text, 0);
        scanner.value(Some(&mut out))?;
        match scanner.peek() {
            None => Ok(out),
            Some(_) => scanner.wrong("more follows"),
        }
    }

    #[test]
    fn compact_text_keeps_numbers_and_escapes_as_written() {
        assert_eq!(
            compact(" { \"a\" : [ 1.10 , -0 , 1e5, true ] ,\"b\":{ } , \"c\":\"x\\u00e9 y\"}")
                .as_deref(),
            Ok("{\"a\":[1.10,-0,1e5,true],\"b\":{},\"c\":\"x\\u00e9 y\"}")
        );
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in [
            "",
            "{",
            "[1,]",
            "[,1]",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "nul",
            "True",
            "\"a",
            "\"\n\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "[1 2]",
            "1 2",
            "NaN",
            "{\"a\":1,}",
        ] {
            assert!(compact(text).is_err(), "{text}");
            assert!(
                serde_json::from_str::<serde_json::Value>(text).is_err(),
                "{text}"
            );
        }
        let deep = "[".repeat(100_000);
        assert_eq!(
            compact(&deep).map_err(|w| w.why),
            Err("it is nested too deep")
        );
    }

    fn unescaped(text: &str) -> Result<String, Wrong> {
        let mut buffer = String::new();
        Ok(match Scanner::new(text, 0).string(&mut buffer)? {
            Text::Plain { start, end } => text[start..end].to_owned(),
            Text::Built => buffer,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn agrees_with_serde_json(
            text in "([\\[\\]{},:\"a0.e+-]|\\\\[nu\"]|\\\\u[0-9dD][89cC]3[0-9a-f]|true|null|\"a\":| |é){0,16}",
        ) {
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            let ours = compact(&text);
            prop_assert_eq!(theirs.is_ok(), ours.is_ok(), "{:?}", ours);
            if let (Ok(theirs), Ok(ours)) = (theirs, ours) {
                prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&ours).ok(), Some(theirs));
            }
        }

        #[test]
        fn strings_come_back(text in "(\\PC|[\n\t\"\\\\\u{1}]|\u{1F600}){0,20}") {
            let written = serde_json::to_string(&text).unwrap_or_default();
            prop_assert_eq!(unescaped(&written), Ok(text.clone()));
            let ascii: String = text.encode_utf16().map(|u| format!("\\u{u:04x}")).collect();
            prop_assert_eq!(unescaped(&format!("\"{ascii}\"")), Ok(text));
        }
    }
}
