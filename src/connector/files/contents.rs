//! Texts that stand in files beside the export, named by a cell.
//!
//! A name comes from the customer's data, so nothing outside the export folder is ever read.

use crate::{
    connector::text::decode,
    value::{Cell, CellKind, Page},
};
use std::{
    io::{ErrorKind, Read as _},
    path::{Component, Path, PathBuf},
};

/// Longest text of a file, in bytes.
const FILE_MAX: u64 = 16 << 20;

/// Text that a page may gather before the rest of its rows go to the next one.
const PAGE_MAX: usize = 8 << 20;

/// Reads the files that some columns name.
#[derive(Debug)]
pub struct Contents {
    /// The export folder.
    folder: PathBuf,
    /// The folder of the file whose cells name files.
    beside: PathBuf,
    /// Positions of the columns.
    columns: Vec<usize>,
    /// A page whose rows are not all given out, and the first of them.
    open: Option<(Page, usize)>,
}

impl Contents {
    pub(super) fn new(folder: &Path, beside: &Path, columns: Vec<usize>) -> Contents {
        Contents {
            folder: folder.to_owned(),
            beside: beside.to_owned(),
            columns,
            open: None,
        }
    }

    /// Takes a page whose cells name files. The one before must have been given out.
    pub(super) fn fill(&mut self, page: Page) {
        self.open = Some((page, 0));
    }

    /// The next rows with the texts of their files; `None` when the page is used up.
    pub(super) fn next_page(&mut self) -> Option<Page> {
        let (from, first_row) = self.open.as_mut()?;
        let mut page = Page {
            width: from.width,
            first: from.first + *first_row as u64,
            faults: std::mem::take(&mut from.faults),
            ..Page::default()
        };
        while *first_row < from.rows() && page.text.len() < PAGE_MAX {
            for column in 0..from.width {
                let (kind, text) = from.cell(*first_row, column);
                let start = page.text.len();
                let kind = if kind == CellKind::Text && self.columns.contains(&column) {
                    match read(&self.folder, &self.beside, text) {
                        Ok(found) => {
                            page.text.push_str(&found);
                            if found.is_empty() {
                                CellKind::Null
                            } else {
                                CellKind::Text
                            }
                        }
                        Err(why) => {
                            page.text.push_str(&format!("{text} ({why})"));
                            CellKind::NoFile
                        }
                    }
                } else {
                    page.text.push_str(text);
                    kind
                };
                // Far below 4 GiB: a page, and at most one row of files above `PAGE_MAX`.
                page.cells.push(Cell {
                    start: start as u32,
                    len: (page.text.len() - start) as u32,
                    kind,
                });
            }
            page.lines
                .push(from.lines.get(*first_row).copied().unwrap_or_default());
            *first_row += 1;
        }
        if *first_row >= from.rows() {
            self.open = None;
        }
        Some(page)
    }
}

/// The text of the file with this name. An error is a sentence fragment.
fn read(folder: &Path, beside: &Path, name: &str) -> Result<String, String> {
    let path = confined(folder, beside, name.trim())?;
    let why = |e: std::io::Error| match e.kind() {
        ErrorKind::NotFound => "no such file".to_owned(),
        _ => format!("cannot be read: {e}"),
    };
    let file = std::fs::File::open(&path).map_err(why)?;
    let meta = file.metadata().map_err(why)?;
    if !meta.is_file() {
        return Err("no file".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(FILE_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(why)?;
    if bytes.len() as u64 > FILE_MAX {
        return Err(format!("longer than {} MiB", FILE_MAX >> 20));
    }
    decode::whole(bytes)
}

/// The real path of a file that a cell names, and its size in bytes. `rows`: the file with that cell. An error is a
/// sentence fragment.
///
/// # Errors
/// When there is no such file, or it lies outside the export folder.
pub fn attached(folder: &Path, rows: &Path, name: &str) -> Result<(PathBuf, u64), String> {
    let beside = rows.parent().unwrap_or(folder);
    let path = confined(folder, beside, name.trim())?;
    let meta = std::fs::metadata(&path).map_err(|e| format!("cannot be read: {e}"))?;
    if meta.is_file() {
        Ok((path, meta.len()))
    } else {
        Err("no file".to_owned())
    }
}

/// The real path of a name, when it lies in the export folder.
fn confined(folder: &Path, beside: &Path, name: &str) -> Result<PathBuf, String> {
    let outside = || "it does not lie in the export folder".to_owned();
    if name.contains('\0') {
        return Err("no file name".to_owned());
    }
    let relative = Path::new(name);
    let plain = |c: Component<'_>| matches!(c, Component::Normal(_) | Component::CurDir);
    if !relative.components().all(plain) {
        return Err(outside());
    }
    let real = |path: &Path| {
        path.canonicalize().map_err(|e| match e.kind() {
            ErrorKind::NotFound => "no such file".to_owned(),
            _ => format!("cannot be read: {e}"),
        })
    };
    let path = real(&beside.join(relative))?;
    // Links may lead anywhere: what counts is where they end.
    if path.starts_with(real(folder)?) {
        Ok(path)
    } else {
        Err(outside())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("export/t")).unwrap();
        std::fs::write(dir.path().join("secret.txt"), "secret").unwrap();
        std::fs::write(dir.path().join("export/t/a.html"), "<p>é</p>").unwrap();
        std::fs::write(dir.path().join("export/t/latin.html"), b"<p>caf\xe9</p>").unwrap();
        std::fs::write(dir.path().join("export/top.html"), "").unwrap();
        dir
    }

    #[test]
    fn names_lead_to_texts_inside_the_folder_only() {
        let dir = folder();
        let export = dir.path().join("export");
        let beside = export.join("t");
        let found = |name: &str| read(&export, &beside, name);
        assert_eq!(found("a.html").as_deref(), Ok("<p>é</p>"));
        assert_eq!(found(" ./a.html ").as_deref(), Ok("<p>é</p>"));
        assert_eq!(found("latin.html").as_deref(), Ok("<p>café</p>"));
        assert_eq!(found("b.html"), Err("no such file".to_owned()));
        assert_eq!(found("."), Err("no file".to_owned()));
        assert_eq!(found("a\0b"), Err("no file name".to_owned()));
        let outside = Err("it does not lie in the export folder".to_owned());
        assert_eq!(found("../../secret.txt"), outside);
        assert_eq!(found("../top.html"), outside);
        assert_eq!(
            found(&dir.path().join("secret.txt").display().to_string()),
            outside
        );
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(dir.path().join("secret.txt"), beside.join("l")).unwrap();
            std::os::unix::fs::symlink(dir.path(), beside.join("up")).unwrap();
            assert_eq!(found("l"), outside);
            assert_eq!(found("up/secret.txt"), outside);
        }
    }

    #[test]
    fn a_file_that_is_too_long_is_refused() {
        let dir = folder();
        let export = dir.path().join("export");
        let file = std::fs::File::create(export.join("big")).unwrap();
        file.set_len(FILE_MAX + 1).unwrap();
        assert_eq!(
            read(&export, &export, "big"),
            Err("longer than 16 MiB".to_owned())
        );
    }

    #[test]
    fn a_page_of_long_texts_is_given_out_in_parts() {
        let dir = folder();
        let export = dir.path().join("export");
        std::fs::write(export.join("long"), "x".repeat(PAGE_MAX)).unwrap();
        let names = Page {
            width: 1,
            text: "longnone".to_owned(),
            cells: [(0, 4), (0, 4), (4, 4), (0, 0)]
                .map(|(start, len)| Cell {
                    start,
                    len,
                    kind: if len == 0 {
                        CellKind::Null
                    } else {
                        CellKind::Text
                    },
                })
                .to_vec(),
            lines: vec![2, 3, 4, 5],
            faults: Vec::new(),
            first: 10,
        };
        let mut contents = Contents::new(&export, &export, vec![0]);
        contents.fill(names);
        let pages: Vec<Page> = std::iter::from_fn(|| contents.next_page()).collect();
        let firsts: Vec<(u64, usize)> = pages.iter().map(|p| (p.first, p.rows())).collect();
        assert_eq!(firsts, [(10, 1), (11, 1), (12, 2)]);
        assert_eq!(pages[0].cell(0, 0).1.len(), PAGE_MAX);
        assert_eq!(
            pages[2].cell(0, 0),
            (CellKind::NoFile, "none (no such file)")
        );
        assert_eq!(pages[2].cell(1, 0), (CellKind::Null, ""));
        assert_eq!(pages[2].lines, [4, 5]);
    }
}
