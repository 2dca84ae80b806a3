//! Where a piece of a scalar's text stands in the file.
//!
//! A scalar's text and its spelling differ: quotes, escapes, doubled quotes, indented block lines. A path or
//! condition is parsed from the text; this file turns its byte ranges back into places people see.

use crate::{
    diag::{Files, Span},
    spec::Node,
};

/// The place of `start..end`, bytes of the text of a scalar node. Falls back to the whole node where the
/// spelling cannot be followed.
pub fn within(files: &Files, node: &Node, start: usize, end: usize) -> Span {
    let Some(text) = node.text() else {
        return node.span;
    };
    let raw = files
        .text(node.span.file)
        .get(node.span.start as usize..node.span.end as usize)
        .unwrap_or("");
    let offsets = match raw.as_bytes().first() {
        Some(b'"') => double_quoted(raw),
        Some(b'\'') => single_quoted(raw),
        Some(b'|') => block(raw, text),
        _ if raw == text || raw.starts_with(text) => (0..=text.len()).collect(),
        _ => block(raw, text),
    };
    // One raw offset for each byte of the text and one for its end; anything else was not followed.
    if offsets.len() != text.len() + 1 {
        return node.span;
    }
    let at = |i: usize| {
        offsets
            .get(i.min(text.len()))
            .and_then(|o| u32::try_from(*o).ok())
            .map_or(node.span.start, |o| node.span.start + o)
    };
    let (start, end) = (at(start), at(end.max(start)));
    Span {
        file: node.span.file,
        start,
        end: end.max(start),
    }
}

fn single_quoted(raw: &str) -> Vec<usize> {
    let inner = raw.strip_suffix('\'').unwrap_or(raw);
    let mut out = Vec::new();
    let mut i = 1;
    while i < inner.len() {
        out.push(i);
        i += if inner[i..].starts_with("''") { 2 } else { 1 };
        // Bytes inside a character advance one by one; `''` is ASCII, so slicing stays on boundaries.
        while i < inner.len() && !inner.is_char_boundary(i) {
            out.push(i);
            i += 1;
        }
    }
    out.push(inner.len());
    out
}

fn double_quoted(raw: &str) -> Vec<usize> {
    let inner = raw.strip_suffix('"').unwrap_or(raw);
    let mut out = Vec::new();
    let mut chars = inner.char_indices().skip(1).peekable();
    while let Some((i, c)) = chars.next() {
        if c != '\\' {
            out.extend(i..i + c.len_utf8());
            continue;
        }
        let Some((_, kind)) = chars.next() else { break };
        let digits = match kind {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        let mut code = 0u32;
        for _ in 0..digits {
            if let Some((_, d)) = chars.next() {
                code = code * 16 + d.to_digit(16).unwrap_or(0);
            }
        }
        let width = match kind {
            'x' | 'u' | 'U' => char::from_u32(code).map_or(1, char::len_utf8),
            'N' | '_' => 2,
            'L' | 'P' => 3,
            '\n' => 0,
            _ => 1,
        };
        out.extend(std::iter::repeat_n(i, width));
    }
    out.push(inner.len());
    out
}

/// Lines of the text found one after the other in the spelling: literal blocks and plain scalars over
/// several lines, whose indentation is not part of the text.
fn block(raw: &str, text: &str) -> Vec<usize> {
    let mut out = Vec::with_capacity(text.len() + 1);
    let mut from = if raw.starts_with(['|', '>']) {
        raw.find('\n').map_or(0, |i| i + 1)
    } else {
        0
    };
    for line in text.split_inclusive('\n') {
        let bare = line.strip_suffix('\n').unwrap_or(line);
        let Some(at) = raw.get(from..).and_then(|rest| rest.find(bare)) else {
            return Vec::new();
        };
        let start = from + at;
        out.extend(start..start + bare.len());
        if line.len() > bare.len() {
            out.push(start + bare.len());
        }
        from = start + line.len().min(raw.len() - start);
    }
    out.push(out.last().map_or(0, |o| o + 1));
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
    use super::*;
    use crate::{diag::FileId, spec::tree::NodeKind};

    fn place(raw: &str, text: &str, part: &str) -> String {
        let mut files = Files::default();
        let file: FileId = files.add("x", format!("k: {raw}\n"));
        let node = Node {
            span: Span {
                file,
                start: 3,
                end: 3 + u32::try_from(raw.len()).unwrap(),
            },
            kind: NodeKind::Scalar {
                text: text.into(),
                quoted: true,
            },
        };
        let at = text.find(part).unwrap();
        let span = within(&files, &node, at, at + part.len());
        files.text(file)[span.start as usize..span.end as usize].to_owned()
    }

    #[test]
    fn a_part_is_found_in_every_spelling() {
        assert_eq!(place("a.bc", "a.bc", "bc"), "bc");
        assert_eq!(place("\"a.bc\"", "a.bc", "bc"), "bc");
        assert_eq!(place("\"é\\\"x bc\"", "é\"x bc", "bc"), "bc");
        assert_eq!(place("\"\\u00e9 bc\"", "é bc", "bc"), "bc");
        assert_eq!(place("'it''s bc'", "it's bc", "bc"), "bc");
        assert_eq!(
            place("|\n    one\n    two bc\n", "one\ntwo bc\n", "bc"),
            "bc"
        );
    }
}
