//! Findings for people and for programs: with excerpts, on one line each, or as JSON.
//!
//! The text shows each place with its line and a caret. Excerpts are safe to print: control characters are
//! replaced, long lines are cut around the place. Nothing is printed here.

use super::{Code, Diagnostic, Diagnostics, FileId, Files, Label, Severity, Span};
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde_json::{Value, json};
use std::{fmt::Write as _, ops::Range};

/// Version of the JSON shape; it grows when a member changes its meaning or goes.
pub const JSON_VERSION: u32 = 1;
/// Characters of a line that the renderer gets to see; it cuts the excerpt to the width of a page itself.
const LINE_MAX: usize = 1000;
/// Characters kept before the place in a line that is cut.
const BEFORE: usize = 500;
/// Places of one file so many lines apart share an excerpt.
const NEAR: usize = 6;

/// The findings with excerpts, by place; empty when there is none.
pub fn render_text(files: &Files, found: &Diagnostics, color: bool) -> String {
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let mut text = String::new();
    for diagnostic in found.sorted() {
        text.push_str(&one(files, diagnostic, &renderer));
        text.push_str("\n\n");
    }
    text.truncate(text.trim_end().len());
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// One line per finding: `path:line:column: error[E0103] message`.
pub fn render_short(files: &Files, found: &Diagnostics) -> String {
    let mut text = String::new();
    for d in found.sorted() {
        let (line, column) = files.line_column(d.primary.span.file, d.primary.span.start);
        // Writing into a `String` cannot fail.
        let _ = writeln!(
            text,
            "{}:{line}:{column}: {}[{}] {}",
            path(files, d.primary.span.file),
            severity(d.severity),
            d.code.id(),
            clean(&d.message),
        );
    }
    text
}

/// The findings as JSON: `{schema_version, errors, warnings, notes, diagnostics: [...]}`.
pub fn render_json(files: &Files, found: &Diagnostics) -> Value {
    let list: Vec<Value> = found
        .sorted()
        .iter()
        .map(|d| {
            let mut one = place(files, d.primary.span);
            one["code"] = json!(d.code.id());
            one["name"] = json!(d.code.name());
            one["severity"] = json!(severity(d.severity));
            one["message"] = json!(d.message);
            one["label"] = json!(d.primary.text);
            one["hint"] = json!(d.hint);
            one["related"] = d
                .related
                .iter()
                .map(|label| {
                    let mut at = place(files, label.span);
                    at["text"] = json!(label.text);
                    at
                })
                .collect();
            one
        })
        .collect();
    json!({
        "schema_version": JSON_VERSION,
        "errors": found.count(Severity::Error),
        "warnings": found.count(Severity::Warning),
        "notes": found.count(Severity::Note),
        "diagnostics": list,
    })
}

/// The word for a severity.
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn place(files: &Files, span: Span) -> Value {
    let (line, column) = files.line_column(span.file, span.start);
    let (end_line, end_column) = files.line_column(span.file, span.end);
    json!({
        "file": path(files, span.file),
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    })
}

fn path(files: &Files, file: FileId) -> String {
    clean(&files.path(file).to_string_lossy()).replace('\\', "/")
}

/// A text without characters that could steer a terminal or turn the reading direction.
fn clean(text: &str) -> String {
    text.chars().map(shown).collect()
}

fn shown(c: char) -> char {
    match c {
        '\t' => ' ',
        '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2028}'..='\u{2029}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

/// A label on its first line.
struct Mark<'a> {
    file: FileId,
    line: usize,
    column: usize,
    /// Bytes within the line.
    range: Range<usize>,
    text: &'a str,
    primary: bool,
    /// True when what stands there must not be shown.
    secret: bool,
}

fn mark<'a>(files: &Files, label: &'a Label, primary: bool) -> Mark<'a> {
    let (line, column) = files.line_column(label.span.file, label.span.start);
    let text = files.line(label.span.file, line);
    let start_of_line = files.line_start(label.span.file, line);
    let start = (label.span.start as usize)
        .saturating_sub(start_of_line)
        .min(text.len());
    let end = (label.span.end as usize)
        .saturating_sub(start_of_line)
        .clamp(start, text.len());
    Mark {
        file: label.span.file,
        line,
        column,
        range: start..end,
        text: &label.text,
        primary,
        secret: false,
    }
}

/// A line with what stands in secret places replaced byte by byte, so that no excerpt repeats a secret.
fn without_secrets(line: &str, marks: &[&Mark<'_>]) -> String {
    line.char_indices()
        .map(|(at, c)| {
            let hide = marks.iter().any(|m| m.secret && m.range.contains(&at));
            if hide {
                "*".repeat(c.len_utf8())
            } else {
                c.to_string()
            }
        })
        .collect()
}

fn one(files: &Files, diagnostic: &Diagnostic, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level
        .primary_title(clean(&diagnostic.message))
        .id(diagnostic.code.id());
    let mut group = Group::with_title(title);
    for block in blocks(files, diagnostic) {
        let Some(first) = block.iter().find(|m| m.primary).or_else(|| block.first()) else {
            continue;
        };
        let at = path(files, first.file);
        if files.text(first.file).is_empty() {
            group = group.element(Origin::path(at));
            continue;
        }
        let (snippet, cut) = excerpt(files, &block);
        group = if cut {
            // The column counted from the excerpt would be wrong.
            let origin = Origin::path(at).line(first.line).char_column(first.column);
            group.element(origin).element(snippet)
        } else {
            group.element(snippet.path(at))
        };
    }
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.message(clean(hint)));
    }
    renderer.render(&[group])
}

/// The places of a finding, those near to each other together; the primary one comes first.
fn blocks<'a>(files: &Files, diagnostic: &'a Diagnostic) -> Vec<Vec<Mark<'a>>> {
    let mut primary = mark(files, &diagnostic.primary, true);
    primary.secret = diagnostic.code == Code::LiteralSecret;
    let mut blocks: Vec<Vec<Mark<'a>>> = vec![vec![primary]];
    for label in &diagnostic.related {
        let mark = mark(files, label, false);
        let near = blocks.iter_mut().find(|b| {
            b.iter()
                .any(|m| m.file == mark.file && m.line.abs_diff(mark.line) <= NEAR)
        });
        match near {
            Some(block) => block.push(mark),
            None => blocks.push(vec![mark]),
        }
    }
    blocks
}

/// The lines of a block with its marks, and whether the start of a line was cut away.
fn excerpt(files: &Files, block: &[Mark<'_>]) -> (Snippet<'static, Annotation<'static>>, bool) {
    let mut cut = false;
    let lines = || block.iter().map(|m| m.line);
    let (first, last) = (lines().min().unwrap_or(1), lines().max().unwrap_or(1));
    let file = block.first().map_or(FileId(0), |m| m.file);
    let mut source = String::new();
    let mut annotations = Vec::new();
    for line in first..=last {
        let marks: Vec<&Mark<'_>> = block.iter().filter(|m| m.line == line).collect();
        let line_text = without_secrets(files.line(file, line), &marks);
        let (text, window) = shorten(&line_text, marks.first().map(|m| m.range.start));
        cut |= window.start > 0;
        for mark in marks {
            let at = |offset: usize| source.len() + text.position(offset, &window);
            let (start, end) = (at(mark.range.start), at(mark.range.end));
            let kind = if mark.primary {
                AnnotationKind::Primary
            } else {
                AnnotationKind::Context
            };
            let mut annotation = kind.span(start..end);
            if !mark.text.is_empty() {
                annotation = annotation.label(clean(mark.text));
            }
            annotations.push(annotation);
        }
        source.push_str(&text.shown);
        source.push('\n');
    }
    let snippet = Snippet::source(source)
        .line_start(first)
        .annotations(annotations);
    (snippet, cut)
}

/// A line as shown: cleaned and perhaps cut.
struct Shown {
    shown: String,
    /// For each character kept, its byte in the line and its byte in `shown`.
    places: Vec<(usize, usize)>,
}

impl Shown {
    /// The byte in `shown` for a byte of the line; what was cut away lies at its ends.
    fn position(&self, offset: usize, window: &Range<usize>) -> usize {
        if offset >= window.end {
            return self.shown.len();
        }
        let i = self.places.partition_point(|(byte, _)| *byte < offset);
        self.places.get(i).map_or(self.shown.len(), |(_, at)| *at)
    }
}

/// Cleans a line, and cuts it around a place when it is long. Also gives the bytes of the line that are kept.
fn shorten(line: &str, around: Option<usize>) -> (Shown, Range<usize>) {
    let chars: Vec<(usize, char)> = line.char_indices().collect();
    let (mut from, mut to) = (0, chars.len());
    if chars.len() > LINE_MAX {
        let place = around.unwrap_or(0);
        let at = chars.partition_point(|(byte, _)| *byte < place);
        from = at.saturating_sub(BEFORE);
        to = (from + LINE_MAX).min(chars.len());
    }
    let mut shown = String::new();
    let mut places = Vec::with_capacity(to - from);
    if from > 0 {
        shown.push('…');
    }
    for (byte, c) in &chars[from..to] {
        places.push((*byte, shown.len()));
        shown.push(self::shown(*c));
    }
    if to < chars.len() {
        shown.push('…');
    }
    let byte = |i: usize| chars.get(i).map_or(line.len() + 1, |(b, _)| *b);
    (Shown { shown, places }, byte(from)..byte(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_never_repeats_a_secret() {
        let mut files = Files::default();
        let text = "secret: \"s\u{e9}cret-token-123\"  # note\n";
        let file = files.add("m.yaml", text.to_owned());
        let (start, end) = (9, text.find("\"  #").expect("a quote"));
        let mut found = Diagnostics::default();
        found.push(Diagnostic::new(
            Code::LiteralSecret,
            span(file, start, end),
            "a secret stands here",
        ));
        let shown = render_text(&files, &found, false);
        assert!(shown.contains("secret: \"***"), "{shown}");
        assert!(!shown.contains("token"), "{shown}");
    }

    fn span(file: FileId, start: usize, end: usize) -> Span {
        Span {
            file,
            start: u32::try_from(start).unwrap(),
            end: u32::try_from(end).unwrap(),
        }
    }

    fn files(text: &str) -> (Files, FileId) {
        let mut files = Files::default();
        let file = files.add("specs/a.yaml", text.to_owned());
        (files, file)
    }

    fn sample(files: &Files, file: FileId) -> Diagnostics {
        let text = files.text(file);
        let at = text.find("found").unwrap();
        let first = text.find("from").unwrap();
        let mut out = Diagnostics::default();
        out.push(
            Diagnostic::new(
                Code::UnknownWord,
                span(file, at + 7, at + 12),
                "`updat` is not known",
            )
            .label("this word")
            .related(span(file, first, first + 4), "of this mapping")
            .hint("did you mean `update`?"),
        );
        out
    }

    #[test]
    fn a_finding_shows_its_lines_and_carets() {
        let (files, file) = files("objects:\n  ä: {from: ä}\n  b:\n    found: updat\n");
        let text = render_text(&files, &sample(&files, file), false);
        insta::assert_snapshot!(text, @r#"
        error[E0107]: `updat` is not known
         --> specs/a.yaml:4:12
          |
        2 |   ä: {from: ä}
          |       ---- of this mapping
        3 |   b:
        4 |     found: updat
          |            ^^^^^ this word
          |
          = help: did you mean `update`?
        "#);
    }

    #[test]
    fn long_lines_are_cut_and_marks_control() {
        for before in [10, 300, 5000, 1_000_000] {
            let (x, y) = ("x".repeat(before), "y".repeat(5000));
            let line = format!("{x}from: 1, found: up\u{1b}at, {y}");
            let (files, file) = files(&line);
            let text = render_text(&files, &sample(&files, file), false);
            assert!(text.lines().all(|l| l.chars().count() < 200), "{text}");
            assert!(!text.contains('\u{1b}'));
            assert!(
                text.contains(&format!("specs/a.yaml:1:{}\n", before + 17)),
                "{text}"
            );
            let caret = text.lines().find(|l| l.contains("^^^^^")).unwrap();
            let source = text.lines().find(|l| l.contains("found")).unwrap();
            let at = |l: &str, what: &str| l[..l.find(what).unwrap()].chars().count();
            assert_eq!(at(caret, "^^^^^"), at(source, "up\u{fffd}at"), "{text}");
        }
    }

    #[test]
    fn far_places_and_other_files_have_excerpts_of_their_own() {
        let (mut files, file) = files(&format!("a: 1\n{}a: 2\n", "b: 1\n".repeat(40)));
        let other = files.add("specs/b.yaml", "c: 3\n".to_owned());
        let mut out = Diagnostics::default();
        out.push(
            Diagnostic::new(
                Code::DuplicateKey,
                span(file, 205, 206),
                "`a` stands here twice",
            )
            .related(span(file, 0, 1), "first here")
            .related(span(other, 0, 1), "and here"),
        );
        insta::assert_snapshot!(render_text(&files, &out, false), @r#"
        error[E0104]: `a` stands here twice
          --> specs/a.yaml:42:1
           |
        42 | a: 2
           | ^
           |
          ::: specs/a.yaml:1:1
           |
         1 | a: 1
           | - first here
           |
          ::: specs/b.yaml:1:1
           |
         1 | c: 3
           | - and here
        "#);
    }

    #[test]
    fn an_unreadable_file_has_no_excerpt() {
        let (files, file) = files("");
        let mut out = Diagnostics::default();
        out.push(
            Diagnostic::new(Code::Unreadable, span(file, 0, 0), "`x` cannot be read").hint("look"),
        );
        insta::assert_snapshot!(render_text(&files, &out, false), @r#"
        error[E0101]: `x` cannot be read
        --> specs/a.yaml
         = help: look
        "#);
        assert_eq!(
            render_short(&files, &out),
            "specs/a.yaml:1:1: error[E0101] `x` cannot be read\n"
        );
    }

    #[test]
    fn json_has_a_stable_shape() {
        let (files, file) = files("from: 1\nfound: updat\n");
        let at = |line: u32, column: u32, end_column: u32| json!({"file": "specs/a.yaml", "line": line, "column": column, "end_line": line, "end_column": end_column});
        let mut related = at(1, 1, 5);
        related["text"] = json!("of this mapping");
        let mut one = at(2, 8, 13);
        for (key, value) in [
            ("code", json!("E0107")),
            ("name", json!("unknown-word")),
            ("severity", json!("error")),
            ("message", json!("`updat` is not known")),
            ("label", json!("this word")),
            ("hint", json!("did you mean `update`?")),
            ("related", json!([related])),
        ] {
            one[key] = value;
        }
        assert_eq!(
            render_json(&files, &sample(&files, file)),
            json!({"schema_version": 1, "errors": 1, "warnings": 0, "notes": 0, "diagnostics": [one]})
        );
    }

    #[test]
    fn color_is_asked_for() {
        let (files, file) = files("from: 1\nfound: updat\n");
        let found = sample(&files, file);
        assert!(render_text(&files, &found, true).contains('\u{1b}'));
        assert!(!render_text(&files, &found, false).contains('\u{1b}'));
        assert_eq!(render_text(&files, &Diagnostics::default(), false), "");
    }

    proptest::proptest! {
        #[test]
        fn any_place_in_any_text_is_shown(text in r"(\PC|[\n\r\t\x1b]){0,400}", a in 0usize..500, b in 0usize..500) {
            let (files, file) = files(&text);
            let edge = |i: usize| (0..=i.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap();
            let (start, end) = (edge(a.min(b)), edge(a.max(b)));
            let mut out = Diagnostics::default();
            out.push(Diagnostic::new(Code::BadYaml, span(file, start, end), "m").related(span(file, end, end), "r"));
            let shown = render_text(&files, &out, false);
            assert!(!shown.contains('\u{1b}'));
        }
    }
}
