//! Words and marks of paths and conditions, with their byte ranges in the scalar's text.

use std::ops::Range;

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it stands in the scalar's text.
    pub range: Range<usize>,
}

/// Kinds of token.
#[derive(Clone, Debug, PartialEq)]
pub enum TokenKind {
    /// A name or keyword.
    Word(String),
    /// `$name`
    Param(String),
    /// A quoted text.
    Text(String),
    /// A number, date or number with a unit, as written.
    Number(String),
    /// A mark: `(`, `)`, `[`, `]`, `,`, `.`, `..`, or a comparison.
    Mark(&'static str),
    /// Something that no token starts with.
    Stray(char),
    /// A text whose quote is not closed.
    Open,
}

const MARKS: &[&str] = &[
    "==", "!=", "<=", ">=", "..", "<", ">", "(", ")", "[", "]", ",", ".",
];

/// Cuts a text into tokens. Never fails: what is no token becomes [`TokenKind::Stray`] or [`TokenKind::Open`].
pub fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let start = at;
        let kind = if c == '\'' || c == '"' {
            quoted(text, &mut at, c)
        } else if c.is_ascii_digit()
            || (c == '-' && text[at + 1..].starts_with(|d: char| d.is_ascii_digit()))
        {
            at += 1 + run(&text[at + 1..], |c| {
                c.is_alphanumeric() || c == '-' || c == '_' || c == '.'
            });
            // `1..` is a number and a range mark.
            if let Some(dots) = text[start..at].find("..") {
                at = start + dots;
            }
            TokenKind::Number(text[start..at].to_owned())
        } else if c == '$' {
            at += 1 + run(&text[at + 1..], word_char);
            TokenKind::Param(text[start + 1..at].to_owned())
        } else if word_char(c) {
            at += run(&text[at..], word_char);
            TokenKind::Word(text[start..at].to_owned())
        } else if let Some(mark) = MARKS.iter().find(|m| text[at..].starts_with(**m)) {
            at += mark.len();
            TokenKind::Mark(mark)
        } else {
            at += c.len_utf8();
            TokenKind::Stray(c)
        };
        out.push(Token {
            kind,
            range: start..at,
        });
    }
    out
}

fn word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn run(text: &str, accept: impl Fn(char) -> bool) -> usize {
    text.find(|c| !accept(c)).unwrap_or(text.len())
}

fn quoted(text: &str, at: &mut usize, quote: char) -> TokenKind {
    let mut out = String::new();
    let mut chars = text[*at + 1..].char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        if c != quote {
            out.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == quote) {
            // A doubled quote stands for itself.
            chars.next();
            out.push(c);
        } else {
            *at += 1 + i + quote.len_utf8();
            return TokenKind::Text(out);
        }
    }
    *at = text.len();
    TokenKind::Open
}

/// What a token is, for messages.
pub fn describe(token: Option<&Token>) -> String {
    match token.map(|t| &t.kind) {
        None => "the end".to_owned(),
        Some(TokenKind::Word(w)) => format!("`{w}`"),
        Some(TokenKind::Param(p)) => format!("`${p}`"),
        Some(TokenKind::Text(t)) => format!("'{t}'"),
        Some(TokenKind::Number(n)) => format!("`{n}`"),
        Some(TokenKind::Mark(m)) => format!("`{m}`"),
        Some(TokenKind::Stray(c)) => format!("`{c}`"),
        Some(TokenKind::Open) => "a quote that is not closed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_numbers_and_marks_are_cut() {
        let kinds: Vec<String> = tokens("firms[1..].id >= 25MB and $x in ['a''b', -3.5]")
            .iter()
            .map(|t| describe(Some(t)))
            .collect();
        assert_eq!(
            kinds.join(" "),
            "`firms` `[` `1` `..` `]` `.` `id` `>=` `25MB` `and` `$x` `in` `[` 'a'b' `,` `-3.5` `]`"
        );
    }

    #[test]
    fn an_open_quote_and_a_stray_mark_are_told() {
        assert_eq!(
            tokens("a = 'b").last().map(|t| t.kind.clone()),
            Some(TokenKind::Open)
        );
        assert_eq!(tokens("a = 'b")[1].kind, TokenKind::Stray('='));
    }
}
