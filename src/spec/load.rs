//! One spec file: from a path to a checked tree.
//!
//! Reads the file, decodes it, parses it, and tells its kind by the `spec:` key. It follows no reference
//! to another file; that is [`super::project`].

use super::{Node, Tree, shape, shapes, yaml};
use crate::diag::{Code, Diagnostic, Diagnostics, FileId, Files, Span};
use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

/// The kinds of file people write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpecKind {
    /// `platform/v1`: one vendor's system.
    Platform,
    /// `mapping/v1`: how one platform becomes another.
    Mapping,
    /// `migration/v1`: one customer's move.
    Migration,
}

impl SpecKind {
    /// Every kind with its word and its newest version.
    pub const ALL: &'static [(SpecKind, &'static str, u32)] = &[
        (SpecKind::Platform, "platform", 1),
        (SpecKind::Mapping, "mapping", 1),
        (SpecKind::Migration, "migration", 1),
    ];

    /// The word before the slash: `platform`.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(k, ..)| *k == self)
            .map_or("", |(_, n, _)| n)
    }

    /// What stands behind `spec:` in a new file: `platform/v1`.
    pub fn tag(self) -> String {
        let version = Self::ALL
            .iter()
            .find(|(k, ..)| *k == self)
            .map_or(1, |k| k.2);
        format!("{}/v{version}", self.name())
    }
}

/// A spec file as read, misspelt keys mended ([`shape::mend()`]). When loading left no error for it, its tree has the shape of its kind, and the
/// accessors of [`Node`] may be trusted: required keys are there, words are known, numbers can be read.
#[derive(Clone, Debug)]
pub struct SpecFile {
    /// Its place in the table of files.
    pub file: FileId,
    /// Its kind.
    pub kind: SpecKind,
    /// What it says.
    pub tree: Tree,
    /// Where it was read, as shown to people.
    pub path: PathBuf,
}

impl SpecFile {
    /// The top of the tree.
    pub fn root(&self) -> &Node {
        &self.tree.root
    }

    /// The folder of the file; relative paths in the file start here.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// The name the file gives itself: `platform:` of a platform, `SOURCE--DESTINATION` of a mapping, the
    /// `mapping:` of a migration.
    pub fn name(&self) -> String {
        let text = |key| self.root().get_text(key).unwrap_or("");
        match self.kind {
            SpecKind::Platform => text("platform").to_owned(),
            SpecKind::Mapping => format!("{}--{}", text("source"), text("destination")),
            SpecKind::Migration => text("mapping").to_owned(),
        }
    }
}

/// Reads a text file of at most [`yaml::MAX_BYTES`]; a byte order mark is taken off. The reason why not,
/// as a fragment, otherwise.
pub(super) fn read_text(path: &Path) -> Result<String, (Code, String)> {
    let unreadable = |e: std::io::Error| (Code::Unreadable, format!("cannot be read: {e}"));
    let file = File::open(path).map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err((Code::Unreadable, "is not a file".to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(yaml::MAX_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() > yaml::MAX_BYTES {
        return Err((
            Code::TooLarge,
            format!("has more than {} bytes", yaml::MAX_BYTES),
        ));
    }
    let text = String::from_utf8(bytes).map_err(|e| {
        let good = e.utf8_error().valid_up_to();
        let line = 1 + e.as_bytes()[..good].iter().filter(|b| **b == b'\n').count();
        (
            Code::Unreadable,
            format!("is not UTF-8 text (line {line}, byte {good})"),
        )
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// The empty place at the start of a file, for findings about the file as a whole.
pub(super) fn top(file: FileId) -> Span {
    Span {
        file,
        start: 0,
        end: 0,
    }
}

/// Reads one spec file. Every fault of it becomes a finding; `None` when it cannot be read, is not YAML,
/// or does not say what it is.
pub fn load_file(path: &Path, files: &mut Files, out: &mut Diagnostics) -> Option<SpecFile> {
    let text = match read_text(path) {
        Ok(text) => text,
        Err((code, reason)) => {
            let file = files.add(path, String::new());
            let hint = match code {
                Code::TooLarge => "move long value maps to a CSV file and name it with `file:`",
                _ => "check the path, the rights and that the file is saved as UTF-8",
            };
            out.push(
                Diagnostic::new(code, top(file), format!("`{}` {reason}", path.display()))
                    .hint(hint),
            );
            return None;
        }
    };
    let file = files.add(path, text);
    let tree = yaml::parse(file, files.text(file), out)?;
    let kind = kind_of(&tree, file, out)?;
    let mut found = Diagnostics::default();
    shape::check(&tree, shapes::of(kind), &mut found);
    // The check of meaning reads on as if slips were what they were meant to be: one cause, one finding.
    let tree = if found.has_errors() {
        shape::mend(&tree, shapes::of(kind))
    } else {
        tree
    };
    out.extend(found);
    Some(SpecFile {
        file,
        kind,
        tree,
        path: path.to_path_buf(),
    })
}

/// Tells the kind by `spec: kind/vN`.
fn kind_of(tree: &Tree, file: FileId, out: &mut Diagnostics) -> Option<SpecKind> {
    let known = SpecKind::ALL
        .iter()
        .map(|(k, ..)| k.tag())
        .collect::<Vec<_>>();
    let list = known
        .iter()
        .map(|k| format!("`spec: {k}`"))
        .collect::<Vec<_>>()
        .join(", ");
    let Some(node) = tree.root.get("spec") else {
        let first = tree.root.entries().first();
        let span = tree
            .root
            .entry("spec")
            .or(first)
            .map_or(top(file), |e| e.key_span);
        out.push(
            Diagnostic::new(
                Code::UnknownSpec,
                span,
                "the file does not say what it is: `spec:` is missing",
            )
            .hint(format!("begin it with one of {list}")),
        );
        return None;
    };
    let text = node.text().unwrap_or("");
    let (word, version) = text.split_once("/v").unwrap_or((text, ""));
    let found = SpecKind::ALL.iter().find(|(_, name, _)| *name == word);
    let problem = match (found, version.parse::<u32>()) {
        (None, _) if word == "draft" => Diagnostic::new(
            Code::UnknownSpec,
            node.span,
            "this is a draft of a mapping, and nothing runs from a draft",
        )
        .hint("read and complete every line, then write `spec: mapping/v1`"),
        (Some((kind, _, newest)), Ok(v)) if v == *newest => return Some(*kind),
        (Some((kind, _, newest)), Ok(v)) if v > *newest => Diagnostic::new(
            Code::UnknownSpec,
            node.span,
            format!("`{text}` is newer than this program"),
        )
        .hint(format!("this program reads `{}`; update it", kind.tag())),
        (Some((kind, ..)), _) => Diagnostic::new(
            Code::UnknownSpec,
            node.span,
            format!("`{text}` names no version"),
        )
        .hint(format!("write `spec: {}`", kind.tag())),
        (None, _) => Diagnostic::new(
            Code::UnknownSpec,
            node.span,
            format!("`{text}` is no kind of spec"),
        )
        .did_you_mean(text, known.iter().map(String::as_str)),
    };
    out.push(problem);
    None
}
