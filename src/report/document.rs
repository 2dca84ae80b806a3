//! A document in blocks, rendered as plain text or as Markdown: what both say is the same by construction.

use super::handoff::cell;
use comfy_table::{Table, presets};

/// A part of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A heading; 1 is the title.
    Heading(usize, String),
    /// A paragraph of one line.
    Line(String),
    /// A list.
    Items(Vec<String>),
    /// A table with a header; without rows it is left out.
    Rows(Vec<&'static str>, Vec<Vec<String>>),
}

/// As plain text, aligned, without trailing blanks.
pub fn text(blocks: &[Block]) -> String {
    let mut out = String::new();
    for block in blocks {
        match block {
            Block::Heading(level, words) => {
                if !out.is_empty() {
                    out.push('\n');
                }
                push(&mut out, words);
                if *level == 1 {
                    push(&mut out, &"=".repeat(words.chars().count()));
                }
            }
            Block::Line(words) => push(&mut out, &format!("  {}", one_line(words))),
            Block::Items(items) => {
                for item in items {
                    push(&mut out, &format!("  - {}", one_line(item)));
                }
            }
            Block::Rows(_, rows) if rows.is_empty() => {}
            Block::Rows(header, rows) => {
                let mut table = Table::new();
                table.load_style(presets::NOTHING);
                table.set_header(header);
                for row in rows {
                    table.add_row(row.iter().map(|c| one_line(c)));
                }
                for row in table.lines().filter(|l| !l.trim().is_empty()) {
                    push(&mut out, &format!(" {row}"));
                }
            }
        }
    }
    out
}

/// As Markdown.
pub fn markdown(blocks: &[Block]) -> String {
    let mut out = String::new();
    for block in blocks {
        if !out.is_empty() && !matches!(block, Block::Rows(_, rows) if rows.is_empty()) {
            out.push('\n');
        }
        match block {
            Block::Heading(level, words) => {
                push(&mut out, &format!("{} {}", "#".repeat(*level), cell(words)));
            }
            Block::Line(words) => push(&mut out, &cell(words)),
            Block::Items(items) => {
                for item in items {
                    push(&mut out, &format!("- {}", cell(item)));
                }
            }
            Block::Rows(_, rows) if rows.is_empty() => {}
            Block::Rows(header, rows) => {
                push(&mut out, &format!("| {} |", header.join(" | ")));
                push(&mut out, &format!("|{}", "---|".repeat(header.len())));
                for row in rows {
                    let cells: Vec<String> = row.iter().map(|c| cell(c)).collect();
                    push(&mut out, &format!("| {} |", cells.join(" | ")));
                }
            }
        }
    }
    out
}

fn push(out: &mut String, line: &str) {
    out.push_str(line.trim_end());
    out.push('\n');
}

/// A text on one line.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r', '\t'], " ")
}

/// `1 record`, `2 records`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    super::plan_text::count(number, one, many)
}

/// `yes`, or nothing.
pub fn mark(yes: bool, word: &str) -> String {
    if yes { word.to_owned() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_say_the_same() {
        let blocks = [
            Block::Heading(1, "Plan".to_owned()),
            Block::Line("two <b> things".to_owned()),
            Block::Items(vec!["one\ntwo".to_owned()]),
            Block::Rows(vec!["a", "b"], vec![vec!["x|y".to_owned(), "2".to_owned()]]),
            Block::Rows(vec!["none"], Vec::new()),
        ];
        assert_eq!(
            text(&blocks),
            "Plan\n====\n  two <b> things\n  - one two\n  a    b\n  x|y  2\n"
        );
        assert_eq!(
            markdown(&blocks),
            "# Plan\n\ntwo &lt;b> things\n\n- one two\n\n| a | b |\n|---|---|\n| x\\|y | 2 |\n"
        );
    }
}
