//! The `plain` op: markup to plain text.
//!
//! Text without `<` and `&` is already plain and is not looked at further, which is the usual case.

use bumpalo::Bump;
use html2text::config;

/// Lines are not wrapped: no line of a record is longer.
const WIDTH: usize = 1 << 20;

/// The plain text of some markup, trimmed at the end of each line; paragraphs and line breaks stay as line ends,
/// links and images lose their addresses unless they are the text. Text that cannot be read as markup stays as it is.
pub(crate) fn plain<'a>(markup: &'a str, arena: &'a Bump) -> &'a str {
    if !markup.bytes().any(|b| b == b'<' || b == b'&') {
        return markup;
    }
    // Runs of line ends in the markup are white space there, as in a browser.
    let Ok(text) = config::plain_no_decorate()
        .allow_width_overflow()
        .string_from_read(markup.as_bytes(), WIDTH)
    else {
        return markup;
    };
    let out = arena.alloc_str(&text);
    for_lines(out, arena)
}

/// Without blanks at the ends of lines and of the whole, and with at most one empty line in a row.
fn for_lines<'a>(text: &'a str, arena: &'a Bump) -> &'a str {
    let mut out = bumpalo::collections::String::with_capacity_in(text.len(), arena);
    let mut empty = 0;
    for line in text.trim().lines() {
        let line = line.trim_end();
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty > 1 {
            continue;
        }
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(line);
    }
    out.into_bump_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn markup_becomes_lines() {
        let arena = Bump::new();
        for (markup, expected) in [
            ("just text\n  kept", "just text\n  kept"),
            ("<p>Hello <b>there</b></p><p>Bye</p>", "Hello there\n\nBye"),
            ("a<br>b<br/>c", "a\nb\nc"),
            ("Fish &amp; chips &lt;3", "Fish & chips <3"),
            ("<a href=\"https://x.example\">site</a>", "site"),
            ("<ul><li>one<li>two</ul>", "* one\n* two"),
            ("<script>alert(1)</script>hi", "hi"),
            ("<p></p>", ""),
            ("5 < 6", "5 < 6"),
        ] {
            assert_eq!(plain(markup, &arena), expected, "{markup}");
        }
    }

    #[test]
    fn long_lines_stay_whole() {
        let arena = Bump::new();
        let words = "word ".repeat(2000);
        let markup = format!("<p>{words}</p>");
        assert_eq!(plain(&markup, &arena), words.trim());
    }

    proptest! {
        #[test]
        fn nothing_breaks_it(text in "\\PC{0,40}|[<>a-z/&; =\"]{0,60}") {
            let arena = Bump::new();
            plain(&text, &arena);
        }
    }
}
