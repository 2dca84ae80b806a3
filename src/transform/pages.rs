//! The `pages` op: one long text spread over several records, nothing lost.

use super::text;
use bumpalo::Bump;

/// The parts of a text, each at most `max` characters with its mark; a text that fits stays one part without a mark.
///
/// Breaks stand after a line end or a blank where one is in the last quarter of a part. Joining the parts without their
/// marks gives the text again, so nothing is shortened. `mark` has `{n}` and `{of}`; a space follows it.
pub(crate) fn spread<'a>(whole: &'a str, max: usize, mark: &str, arena: &'a Bump) -> &'a [&'a str] {
    if text::chars(whole) <= max {
        return arena.alloc_slice_copy(&[whole]);
    }
    // The mark grows with the number of parts, and the number of parts with the mark.
    let mut expected = 2;
    let mut parts = Vec::new();
    for _ in 0..8 {
        parts = cut(whole, |n| {
            max.saturating_sub(text::chars(&marked(mark, n, expected)))
                .max(1)
        });
        if parts.len() == expected {
            break;
        }
        expected = parts.len();
    }
    let of = parts.len();
    arena.alloc_slice_fill_iter(parts.into_iter().enumerate().map(|(i, part)| {
        let mut page = bumpalo::collections::String::new_in(arena);
        page.push_str(&marked(mark, i + 1, of));
        page.push_str(part);
        page.into_bump_str() as &str
    }))
}

fn marked(mark: &str, n: usize, of: usize) -> String {
    if mark.is_empty() {
        return String::new();
    }
    let mut out = mark
        .replace("{n}", &n.to_string())
        .replace("{of}", &of.to_string());
    out.push(' ');
    out
}

fn cut(mut rest: &str, room: impl Fn(usize) -> usize) -> Vec<&str> {
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let room = room(parts.len() + 1);
        let Some((hard, _)) = rest.char_indices().nth(room) else {
            parts.push(rest);
            break;
        };
        let late = text::shortened(rest, room - room / 4).len();
        let soft = |c: fn(char) -> bool| {
            rest[late..hard]
                .char_indices()
                .rfind(|(_, ch)| c(*ch))
                .map(|(at, ch)| late + at + ch.len_utf8())
        };
        let at = soft(|c| c == '\n')
            .or_else(|| soft(char::is_whitespace))
            .unwrap_or(hard);
        parts.push(&rest[..at]);
        rest = &rest[at..];
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_that_fits_stays() {
        let arena = Bump::new();
        assert_eq!(spread("short", 5, "({n}/{of})", &arena), ["short"]);
    }

    #[test]
    fn parts_are_marked_and_break_at_blanks() {
        let arena = Bump::new();
        let parts = spread("aaaa bbbb cccc dddd", 16, "({n}/{of})", &arena);
        assert_eq!(parts, ["(1/2) aaaa bbbb ", "(2/2) cccc dddd"]);
    }

    #[test]
    fn a_mark_longer_than_the_page_still_ends() {
        let arena = Bump::new();
        let parts = spread("abcdef", 3, "(part {n} of {of})", &arena);
        assert_eq!(parts.len(), 6);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(whole in "[a-z \n]{0,300}|\\PC{0,120}", max in 12usize..60) {
            let arena = Bump::new();
            let parts = spread(&whole, max, "({n}/{of})", &arena);
            let of = parts.len();
            let mut again = String::new();
            for (i, part) in parts.iter().enumerate() {
                prop_assert!(part.chars().count() <= max, "{part:?} has more than {max}");
                let mark = if of > 1 { format!("({}/{of}) ", i + 1) } else { String::new() };
                let own = part.strip_prefix(mark.as_str());
                prop_assert!(own.is_some(), "{part:?} lacks {mark}");
                again.push_str(own.unwrap_or(""));
            }
            prop_assert_eq!(again, whole);
        }
    }
}
