//! The `plain` op: markup to plain text.
//!
//! Text without `<` and `&` is already plain and is not looked at further, which is the usual case.

use bumpalo::{Bump, collections::String as BumpString};
use html2text::{config, render::TextDecorator};

/// Lines are not wrapped: no line of a record is longer.
const WIDTH: usize = 1 << 20;

/// The plain text of some markup. Paragraphs and line breaks stay as line ends, lists keep a mark for each item, a
/// link keeps its address in brackets where its text is another; emphasis and pictures go. Text that cannot be
/// read as markup stays as it is.
pub(crate) fn plain<'a>(markup: &'a str, arena: &'a Bump) -> &'a str {
    if !markup.bytes().any(|b| b == b'<' || b == b'&') {
        return markup;
    }
    // Line ends in the markup are white space there, as in a browser.
    match config::with_decorator(Words::default())
        .allow_width_overflow()
        .no_link_wrapping()
        .string_from_read(markup.as_bytes(), WIDTH)
    {
        Ok(text) => tidy(&text, arena),
        Err(_) => markup,
    }
}

/// Without blanks at the ends of lines and of the whole, with at most one empty line in a row, and without addresses
/// that repeat the text before them.
fn tidy<'a>(text: &str, arena: &'a Bump) -> &'a str {
    let mut out = BumpString::with_capacity_in(text.len(), arena);
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
        let mut rest = line;
        while let Some(open) = rest.find(OPEN) {
            let (before, inside) = rest.split_at(open);
            let inside = &inside[OPEN.len()..];
            let Some(close) = inside.find(CLOSE) else {
                break;
            };
            let address = &inside[..close];
            out.push_str(before);
            let shown = address.strip_prefix("mailto:").unwrap_or(address);
            if !before.ends_with(shown) {
                out.push_str(" (");
                out.push_str(address);
                out.push(')');
            }
            rest = &inside[close + CLOSE.len()..];
        }
        out.push_str(rest);
    }
    out.into_bump_str()
}

/// Around an address while the text is made; characters that no text has (private use).
const OPEN: &str = "\u{f8f0}";
const CLOSE: &str = "\u{f8f1}";

/// Text without decoration but for the addresses of links.
#[derive(Clone, Debug, Default)]
struct Words {
    links: Vec<String>,
}

impl TextDecorator for Words {
    type Annotation = ();

    fn decorate_link_start(&mut self, url: &str) -> (String, ()) {
        self.links.push(url.trim().to_owned());
        (String::new(), ())
    }

    fn decorate_link_end(&mut self) -> String {
        match self.links.pop() {
            Some(url)
                if ["http://", "https://", "mailto:"]
                    .iter()
                    .any(|s| url.starts_with(s)) =>
            {
                format!("{OPEN}{url}{CLOSE}")
            }
            _ => String::new(),
        }
    }

    fn decorate_em_start(&self) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_em_end(&self) -> String {
        String::new()
    }

    fn decorate_strong_start(&self) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_strong_end(&self) -> String {
        String::new()
    }

    fn decorate_strikeout_start(&self) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_strikeout_end(&self) -> String {
        String::new()
    }

    fn decorate_code_start(&self) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_code_end(&self) -> String {
        String::new()
    }

    fn decorate_preformat_first(&self) {}

    fn decorate_preformat_cont(&self) {}

    fn decorate_image(&mut self, _src: &str, title: &str) -> (String, ()) {
        (title.to_owned(), ())
    }

    fn header_prefix(&self, _level: usize) -> String {
        String::new()
    }

    fn quote_prefix(&self) -> String {
        "> ".to_owned()
    }

    fn unordered_item_prefix(&self) -> String {
        "- ".to_owned()
    }

    fn ordered_item_prefix(&self, i: i64) -> String {
        format!("{i}. ")
    }

    fn make_subblock_decorator(&self) -> Self {
        Words::default()
    }

    fn decorate_superscript_start(&self) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_superscript_end(&self) -> String {
        String::new()
    }
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
            (
                "<a href=\"https://x.example\">site</a>!",
                "site (https://x.example)!",
            ),
            (
                "<a href=\"https://x.example\">https://x.example</a>",
                "https://x.example",
            ),
            (
                "<a href=\"mailto:a@x.example\">a@x.example</a>",
                "a@x.example",
            ),
            ("<a href=\"#top\">up</a>", "up"),
            ("<ul><li>one<li>two</ul>", "- one\n- two"),
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
