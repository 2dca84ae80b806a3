//! Places in files: byte ranges that become line and column only when shown.

use std::path::{Path, PathBuf};

/// A file known to a [`Files`] table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A byte range of one file. Start and end lie on character boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// The files that findings can point into.
#[derive(Debug, Default)]
pub struct Files {
    files: Vec<SourceFile>,
}

#[derive(Debug)]
struct SourceFile {
    path: PathBuf,
    text: String,
    line_starts: Vec<usize>,
}

impl Files {
    /// Adds a file and gives its id. `path` is shown to people as it stands here.
    pub fn add(&mut self, path: impl Into<PathBuf>, text: String) -> FileId {
        let line_starts = std::iter::once(0)
            .chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|i| i + 1))
            .collect();
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(SourceFile {
            path: path.into(),
            text,
            line_starts,
        });
        id
    }

    /// The path of a file as it was added; empty for an unknown id.
    pub fn path(&self, id: FileId) -> &Path {
        self.files
            .get(id.0 as usize)
            .map_or(Path::new(""), |f| &f.path)
    }

    /// The text of a file; empty for an unknown id.
    pub fn text(&self, id: FileId) -> &str {
        self.files.get(id.0 as usize).map_or("", |f| &f.text)
    }

    /// Line and column (both from 1, the column in characters) of a byte offset.
    pub fn line_column(&self, id: FileId, offset: u32) -> (usize, usize) {
        let Some(file) = self.files.get(id.0 as usize) else {
            return (1, 1);
        };
        let offset = (offset as usize).min(file.text.len());
        let line = file.line_starts.partition_point(|s| *s <= offset).max(1);
        let start = file.line_starts.get(line - 1).copied().unwrap_or(0);
        let column = file
            .text
            .get(start..offset)
            .map_or(0, |s| s.chars().count());
        (line, column + 1)
    }

    /// The text of a line (from 1) without its line end; empty for an unknown one.
    pub fn line(&self, id: FileId, line: usize) -> &str {
        let text = self.text(id);
        let (start, end) = (self.line_start(id, line), self.line_start(id, line + 1));
        text.get(start..end)
            .unwrap_or("")
            .trim_end_matches(['\n', '\r'])
    }

    /// The byte at which a line (from 1) starts; the end of the text for a line behind the last.
    pub fn line_start(&self, id: FileId, line: usize) -> usize {
        let Some(file) = self.files.get(id.0 as usize) else {
            return 0;
        };
        file.line_starts
            .get(line.saturating_sub(1))
            .copied()
            .unwrap_or(file.text.len())
    }
}
