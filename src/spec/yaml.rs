//! Text to [`Tree`]: reads YAML events and keeps the place of every key and every scalar.
//!
//! Reads only the plain part of YAML: one document, no anchors, aliases, merge keys, tags or
//! directives, no list or map as a key. Limits hold before anything grows: the size is checked first,
//! depth and number of nodes with each event, and nothing here recurses. It does not know what a file
//! may hold; that is [`super::shape`].

use super::tree::{Entry, Node, NodeKind, Tree};
use crate::diag::{Code, Diagnostic, Diagnostics, FileId, Span};
use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, StructureStyle};

/// The largest file, in bytes.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
/// The deepest nesting of lists and maps.
pub const MAX_DEPTH: usize = 64;
/// The most nodes of one file: scalars, keys, lists and maps.
pub const MAX_NODES: usize = 200_000;
/// The most findings of one kind in one file; more would only hide the first.
const MAX_FINDINGS: usize = 50;

/// True for a plain scalar that YAML 1.1 readers take for a boolean although YAML 1.2 does not.
pub fn is_old_boolean(text: &str) -> bool {
    matches!(
        text.to_ascii_lowercase().as_str(),
        "y" | "n" | "yes" | "no" | "on" | "off"
    )
}

/// True for a plain key that some YAML readers take for a boolean or null.
pub fn is_doubtful_key(text: &str) -> bool {
    is_old_boolean(text)
        || matches!(
            text.to_ascii_lowercase().as_str(),
            "true" | "false" | "null" | "~"
        )
}

/// Reads a file. `None` when there is no tree: a syntax error or a limit, which ends the reading of
/// this file, or an alias, whose value nobody knows. Duplicate keys and other features that are not
/// allowed are findings too, but the tree goes on without them.
pub fn parse(file: FileId, text: &str, out: &mut Diagnostics) -> Option<Tree> {
    let base = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let whole = text.get(base..).unwrap_or("");
    let mut reader = Reader {
        file,
        base,
        text: whole,
        stack: Vec::new(),
        root: None,
        nodes: 0,
        features: 0,
        duplicates: 0,
        aliases: 0,
        out,
    };
    if text.len() > MAX_BYTES {
        reader.stop(
            Code::TooLarge,
            0,
            0,
            format!(
                "the file has {} bytes, at most {MAX_BYTES} are read",
                text.len()
            ),
            "move long value maps to a CSV file and name it with `file:`",
        );
        return None;
    }
    reader.read()
}

/// A list or map that is still open.
struct Frame {
    start: usize,
    flow: bool,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        key: Option<Key>,
    },
}

struct Key {
    text: String,
    span: Span,
    quoted: bool,
}

struct Reader<'t, 'd> {
    file: FileId,
    base: usize,
    text: &'t str,
    stack: Vec<Frame>,
    root: Option<Node>,
    nodes: usize,
    features: usize,
    duplicates: usize,
    aliases: usize,
    out: &'d mut Diagnostics,
}

impl Reader<'_, '_> {
    fn read(mut self) -> Option<Tree> {
        let options = granit_parser::options! {
            emit_comments: false,
            emit_anchor_events: true,
            emit_unresolved_aliases: true,
            disallow_directives: true,
            block_nesting_limit: MAX_DEPTH + 1,
            flow_nesting_limit: MAX_DEPTH + 1,
        };
        let mut documents = 0usize;
        for next in Parser::new_from_str_with_options(self.text, options) {
            let (event, place) = match next {
                Ok(pair) => pair,
                Err(error) => {
                    self.syntax(&error);
                    return None;
                }
            };
            let range = place.byte_range().unwrap_or(0..0);
            let (start, end) = (range.start, range.end.max(range.start));
            if let Some(tag) = place.tag_span().and_then(|s| s.byte_range()) {
                self.feature(
                    tag.start,
                    tag.end,
                    "a tag is not allowed here",
                    "write the value without `!`; the type follows from the key",
                );
            }
            if self.features > MAX_FINDINGS {
                return None;
            }
            match event {
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        self.stop(
                            Code::BadYaml,
                            start,
                            end,
                            "a second document begins here".into(),
                            "put each spec into a file of its own",
                        );
                        return None;
                    }
                }
                Event::Scalar(text, style, ..) => {
                    let plain = style == ScalarStyle::Plain;
                    self.scalar(text.into_owned(), plain, start, end)?;
                }
                Event::SequenceStart(style, ..) => {
                    self.open(start, end, style, Content::List(Vec::new()))?;
                }
                Event::MappingStart(style, ..) => {
                    let content = Content::Map {
                        entries: Vec::new(),
                        key: None,
                    };
                    self.open(start, end, style, content)?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.close(end)?,
                Event::Anchor(..) => self.feature(
                    start,
                    end,
                    "an anchor is not allowed here",
                    "write the value where it is needed; `shapes:` and `value_maps:` serve reuse",
                ),
                Event::Alias(_) | Event::UnresolvedAlias(_) => {
                    self.feature(
                        start,
                        end,
                        "an alias is not allowed here",
                        "write the value out; `*` begins an alias, quote a text that begins with it",
                    );
                    self.aliases += 1;
                    let node = Node {
                        span: self.span(start, end),
                        kind: NodeKind::Null,
                    };
                    self.place(node, "*", false)?;
                }
                _ => {}
            }
        }
        let root = self.root.take().unwrap_or(Node {
            span: self.span(0, 0),
            kind: NodeKind::Null,
        });
        (self.aliases == 0).then_some(Tree { root })
    }

    fn span(&self, start: usize, end: usize) -> Span {
        let at = |offset: usize| u32::try_from(self.base + offset).unwrap_or(u32::MAX);
        Span {
            file: self.file,
            start: at(start),
            end: at(end.max(start)),
        }
    }

    fn scalar(&mut self, text: String, plain: bool, start: usize, end: usize) -> Option<()> {
        let written = self.text.get(start..end).unwrap_or("");
        let is_null =
            plain && (written.is_empty() || matches!(&*text, "" | "~" | "null" | "Null" | "NULL"));
        // The line ends behind a block scalar are no part of its place.
        let end = start + written.trim_end_matches([' ', '\t', '\r', '\n']).len();
        let span = self.span(start, end);
        // An empty scalar has a text of the parser's own making.
        let key = if written.is_empty() {
            String::new()
        } else {
            text.clone()
        };
        let kind = if is_null {
            NodeKind::Null
        } else {
            NodeKind::Scalar {
                text,
                quoted: !plain,
            }
        };
        self.place(Node { span, kind }, &key, plain)
    }

    /// Puts a finished node where it belongs: as a key, as a value, as an item or as the root.
    fn place(&mut self, node: Node, key_text: &str, plain: bool) -> Option<()> {
        self.count(node.span)?;
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return Some(());
        };
        match &mut frame.content {
            Content::List(items) => items.push(node),
            Content::Map { entries, key } => match key.take() {
                Some(key) if !key.quoted && key.text == "<<" => {}
                Some(key) => entries.push(Entry {
                    key: key.text,
                    key_span: key.span,
                    key_quoted: key.quoted,
                    value: node,
                }),
                None => {
                    *key = Some(Key {
                        text: key_text.to_owned(),
                        span: node.span,
                        quoted: !plain,
                    });
                    if plain {
                        self.plain_key(key_text, node.span);
                    }
                }
            },
        }
        Some(())
    }

    /// Reports plain keys that are no text for every YAML reader.
    fn plain_key(&mut self, key: &str, span: Span) {
        let (start, end) = self.offsets(span);
        if key == "<<" {
            self.feature(
                start,
                end,
                "merge keys are not allowed",
                "write the keys out",
            );
        } else if key.is_empty() {
            self.stop(
                Code::BadYaml,
                start,
                end,
                "a key is missing before `:`".to_owned(),
                "write the key, or quote the text that holds the `:`",
            );
        } else if is_doubtful_key(key) {
            self.feature(
                start,
                end,
                &format!("the key `{key}` is a boolean or null for some YAML readers"),
                &format!("quote it: \"{key}\""),
            );
        }
    }

    fn offsets(&self, span: Span) -> (usize, usize) {
        (
            (span.start as usize).saturating_sub(self.base),
            (span.end as usize).saturating_sub(self.base),
        )
    }

    fn open(
        &mut self,
        start: usize,
        end: usize,
        style: StructureStyle,
        content: Content,
    ) -> Option<()> {
        if let Some(Frame {
            content: Content::Map { key: None, .. },
            ..
        }) = self.stack.last()
        {
            self.stop(
                Code::YamlFeature,
                start,
                end,
                "a list or map cannot be a key".into(),
                "quote a text that begins with `{{`, `{`, `[` or `?`",
            );
            return None;
        }
        if self.stack.len() >= MAX_DEPTH {
            self.too_deep(start, end);
            return None;
        }
        self.count(self.span(start, end))?;
        self.stack.push(Frame {
            start,
            flow: style == StructureStyle::Flow,
            content,
        });
        Some(())
    }

    fn close(&mut self, end: usize) -> Option<()> {
        let frame = self.stack.pop()?;
        let (kind, last) = match frame.content {
            Content::List(items) => {
                let last = items.last().map(|n| n.span.end);
                (NodeKind::List(items), last)
            }
            Content::Map { mut entries, .. } => {
                self.drop_duplicates(&mut entries);
                let last = entries.last().map(|e| e.value.span.end.max(e.key_span.end));
                (NodeKind::Map(entries), last)
            }
        };
        let mut span = self.span(frame.start, end);
        if !frame.flow {
            span.end = last.unwrap_or(span.start).max(span.start);
        }
        // Opening it has counted it; `place` must not count it twice.
        self.nodes = self.nodes.saturating_sub(1);
        self.place(Node { span, kind }, "", false)
    }

    /// Reports each key that stands twice and keeps the first.
    fn drop_duplicates(&mut self, entries: &mut Vec<Entry>) {
        let mut order: Vec<usize> = (0..entries.len()).collect();
        order.sort_by(|a, b| entries[*a].key.cmp(&entries[*b].key));
        let mut extra = vec![false; entries.len()];
        let mut first = 0;
        for pair in order.windows(2) {
            let &[a, b] = pair else { continue };
            if entries[a].key != entries[b].key {
                continue;
            }
            if !extra[a] {
                first = a;
            }
            extra[b] = true;
            self.duplicates += 1;
            if self.duplicates <= MAX_FINDINGS {
                self.out.push(
                    Diagnostic::new(
                        Code::DuplicateKey,
                        entries[b].key_span,
                        format!("the key `{}` stands here twice", entries[b].key),
                    )
                    .related(entries[first].key_span, "first here")
                    .hint("keep one of them"),
                );
            }
        }
        if extra.contains(&true) {
            let mut keep = extra.iter().map(|e| !e);
            entries.retain(|_| keep.next().unwrap_or(true));
        }
    }

    fn count(&mut self, span: Span) -> Option<()> {
        self.nodes += 1;
        if self.nodes <= MAX_NODES {
            return Some(());
        }
        let (start, end) = self.offsets(span);
        self.stop(
            Code::TooLarge,
            start,
            end,
            format!("the file has more than {MAX_NODES} values"),
            "move long value maps to a CSV file and name it with `file:`",
        );
        None
    }

    fn too_deep(&mut self, start: usize, end: usize) {
        self.stop(
            Code::TooLarge,
            start,
            end,
            format!("lists and maps are nested deeper than {MAX_DEPTH} levels"),
            "no spec needs that; look for a bracket that is never closed",
        );
    }

    fn feature(&mut self, start: usize, end: usize, message: &str, hint: &str) {
        self.features += 1;
        if self.features <= MAX_FINDINGS {
            let span = self.span(start, end);
            self.out
                .push(Diagnostic::new(Code::YamlFeature, span, message).hint(hint));
        }
    }

    fn stop(&mut self, code: Code, start: usize, end: usize, message: String, hint: &str) {
        let span = self.span(start, end);
        self.out
            .push(Diagnostic::new(code, span, message).hint(hint));
    }

    fn syntax(&mut self, error: &ScanError) {
        let at = error
            .marker()
            .byte_offset()
            .unwrap_or(0)
            .min(self.text.len());
        let at = (0..=at)
            .rev()
            .find(|i| self.text.is_char_boundary(*i))
            .unwrap_or(0);
        // The parser names the start of the text that holds a strange character, and notices a tab behind it.
        let at = match error.kind() {
            ErrorKind::UnexpectedCharacter { character } => {
                self.text[at..].find(*character).map_or(at, |i| at + i)
            }
            _ => at,
        };
        let is_tab = matches!(
            error.kind(),
            ErrorKind::TabNotAllowed
                | ErrorKind::TabInBlockIndentation
                | ErrorKind::TabInIndentation
                | ErrorKind::TabAtBlockScalarStart
                | ErrorKind::TabInPlainScalar
        );
        let line = self.text[..at].rfind('\n').map_or(0, |i| i + 1);
        let at = match self.text[line..at].rfind('\t') {
            Some(tab) if is_tab => line + tab,
            _ => at,
        };
        // One character is enough for the caret; at a line end the caret stands behind the last one.
        let end = self.text[at..]
            .chars()
            .next()
            .filter(|c| !matches!(c, '\n' | '\r'))
            .map_or(at, |c| at + c.len_utf8());
        let (code, message, hint) = match error.kind() {
            ErrorKind::RecursionLimitExceeded => return self.too_deep(at, end),
            ErrorKind::DirectiveDisallowed => (
                Code::YamlFeature,
                "directives are not allowed".to_owned(),
                "remove the line that begins with `%`",
            ),
            _ if is_tab => (
                Code::BadYaml,
                "a tab stands where only spaces may".to_owned(),
                "indent with spaces",
            ),
            ErrorKind::MappingValueNotAllowed => (
                Code::BadYaml,
                "a `:` is not allowed here".to_owned(),
                "quote a text that holds `: `, or mend the indentation",
            ),
            ErrorKind::UnexpectedCharacter { character } => (
                Code::BadYaml,
                format!("`{}` cannot stand here", character.escape_default()),
                "quote a text that begins with a special character; control characters are not allowed",
            ),
            ErrorKind::UnclosedQuotedScalar => (
                Code::BadYaml,
                "this quote is never closed".to_owned(),
                "close it on the same line, or write a block text with `|`",
            ),
            kind => (
                Code::BadYaml,
                format!("this is not YAML: {kind}"),
                "the fault may stand a line above: look for a missing `:`, quote or bracket, or a wrong indentation",
            ),
        };
        self.stop(code, at, end, message, hint);
    }
}

#[cfg(test)]
mod tests;
