//! Writes load files that appear whole or not at all.
//!
//! Records go to `NAME.part` through a large buffer; only [`Writer::finish`] gives the file its name. What is
//! written is never altered: no cell is quoted against spreadsheets here, that is for reports.

use std::{
    fs::{File, OpenOptions},
    io::{BufWriter, ErrorKind, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

/// Bytes gathered before the system is asked to write. What is longer is written from where it stands: gathered first, it
/// would be copied out of the processor's caches.
const BUFFER: usize = 64 << 10;

/// What a file is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// One JSON object to a line.
    Jsonl,
    /// Comma-separated cells below a header; CRLF line ends as RFC 4180 has them.
    Csv {
        /// The header.
        header: Vec<String>,
        /// The cell separator.
        delimiter: u8,
    },
}

impl Form {
    /// The bytes that a file of this form begins with.
    pub fn head(&self) -> Vec<u8> {
        let mut line = Vec::new();
        if let Form::Csv { header, delimiter } = self {
            for (n, cell) in header.iter().enumerate() {
                if n > 0 {
                    line.push(*delimiter);
                }
                push_cell(&mut line, cell.as_bytes(), *delimiter);
            }
            line.extend_from_slice(b"\r\n");
        }
        line
    }
}

/// Why a file cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// No space is left.
    #[error("no space is left to write {}: free some and run again", .path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("cannot write {}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A record does not fit the form.
    #[error("cannot write a record to {}: {why}", .path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// What an earlier run wrote is not there.
    #[error(
        "{} holds {found} bytes where an earlier run wrote {wanted}: it was changed or removed in between",
        .path.display()
    )]
    Lost {
        /// The file.
        path: PathBuf,
        /// Its size.
        found: u64,
        /// The size it should have at least.
        wanted: u64,
    },
}

/// A file that is being written.
pub struct Writer {
    path: PathBuf,
    part: PathBuf,
    out: BufWriter<File>,
    form: Form,
    /// Bytes written, buffered ones included.
    position: u64,
    line: Vec<u8>,
}

impl Writer {
    /// Starts a file anew; an unfinished one of the same name is overwritten. Folders are made as needed.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn create(path: &Path, form: Form) -> Result<Writer, WriteError> {
        let part = part_of(path);
        let at = |source| trouble(&part, source);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(at)?;
        }
        let file = File::create(&part).map_err(at)?;
        let mut writer = Writer {
            path: path.to_owned(),
            part: part.clone(),
            out: BufWriter::with_capacity(BUFFER, file),
            form,
            position: 0,
            line: Vec::new(),
        };
        let head = writer.form.head();
        writer.put(&head)?;
        Ok(writer)
    }

    /// Goes on with a file that [`Writer::sync`] had brought to `position`; what came after is cut off. A
    /// finished file is copied and goes on, too.
    ///
    /// # Errors
    /// The file is not there any more or is shorter, or cannot be written.
    pub fn resume(path: &Path, form: Form, position: u64) -> Result<Writer, WriteError> {
        if position == 0 {
            return Writer::create(path, form);
        }
        let part = part_of(path);
        let at = |source| trouble(&part, source);
        if !part.exists() && path.exists() {
            std::fs::copy(path, &part).map_err(at)?;
        }
        let opened = OpenOptions::new().write(true).open(&part);
        let mut file = match opened {
            Err(e) if e.kind() == ErrorKind::NotFound => {
                return Err(WriteError::Lost {
                    path: part,
                    found: 0,
                    wanted: position,
                });
            }
            other => other.map_err(at)?,
        };
        let found = file.metadata().map_err(at)?.len();
        if found < position {
            return Err(WriteError::Lost {
                path: part,
                found,
                wanted: position,
            });
        }
        file.set_len(position).map_err(at)?;
        file.seek(SeekFrom::End(0)).map_err(at)?;
        Ok(Writer {
            path: path.to_owned(),
            part,
            out: BufWriter::with_capacity(BUFFER, file),
            form,
            position,
            line: Vec::new(),
        })
    }

    /// Appends a record that is encoded already, as one line.
    ///
    /// # Errors
    /// The record has a line break, the file is no JSON lines file, or cannot be written.
    pub fn write_json(&mut self, record: &[u8]) -> Result<(), WriteError> {
        if self.form != Form::Jsonl {
            return Err(self.misfit("it is a CSV file"));
        }
        if memchr::memchr(b'\n', record).is_some() {
            return Err(self.misfit("the record has a line break"));
        }
        self.put(record)?;
        self.put(b"\n")
    }

    /// Appends a row of cells. A cell is quoted where it must be.
    ///
    /// # Errors
    /// The number of cells is not that of the header, the file is no CSV file, or cannot be written.
    pub fn write_cells<'c>(
        &mut self,
        cells: impl IntoIterator<Item = &'c str>,
    ) -> Result<(), WriteError> {
        let Form::Csv { header, delimiter } = &self.form else {
            return Err(self.misfit("it is a JSON lines file"));
        };
        let (columns, delimiter) = (header.len(), *delimiter);
        self.line.clear();
        let mut count = 0;
        for cell in cells {
            if count > 0 {
                self.line.push(delimiter);
            }
            count += 1;
            push_cell(&mut self.line, cell.as_bytes(), delimiter);
        }
        if count != columns {
            return Err(self.misfit("it has not as many cells as the header"));
        }
        if self.line.is_empty() {
            // A bare line would be no row at all.
            self.line.extend_from_slice(b"\"\"");
        }
        self.line.extend_from_slice(b"\r\n");
        let line = std::mem::take(&mut self.line);
        let written = self.put(&line);
        self.line = line;
        written
    }

    /// Appends whole rows in the file's form, line ends included: made elsewhere, by [`push_cell`] or as JSON lines.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_rows(&mut self, rows: &[u8]) -> Result<(), WriteError> {
        self.put(rows)
    }

    /// Gives the file up: what was written is removed, and a finished file of the same name stays.
    ///
    /// # Errors
    /// The unfinished file cannot be removed.
    pub fn discard(self) -> Result<(), WriteError> {
        let part = self.part.clone();
        drop(self);
        std::fs::remove_file(&part).map_err(|e| trouble(&part, e))
    }

    /// Bytes written so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Makes what was written so far durable, and returns its length: the place to resume from.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn sync(&mut self) -> Result<u64, WriteError> {
        let synced = self
            .out
            .flush()
            .and_then(|()| self.out.get_ref().sync_data());
        synced.map_err(|e| trouble(&self.part, e))?;
        Ok(self.position)
    }

    /// Gives the file its name without waiting for the disk; returns its length in bytes. For files that can be made
    /// again and are known by their hash: after a loss of power the file may be torn under its name.
    ///
    /// # Errors
    /// The file cannot be written; then it stays under its `.part` name.
    pub fn publish(mut self) -> Result<u64, WriteError> {
        self.out.flush().map_err(|e| trouble(&self.part, e))?;
        std::fs::rename(&self.part, &self.path).map_err(|e| trouble(&self.path, e))?;
        Ok(self.position)
    }

    /// Makes everything durable and gives the file its name. Returns its length in bytes.
    ///
    /// # Errors
    /// The file cannot be written; then it stays under its `.part` name.
    pub fn finish(mut self) -> Result<u64, WriteError> {
        self.sync()?;
        std::fs::rename(&self.part, &self.path).map_err(|e| trouble(&self.path, e))?;
        #[cfg(unix)]
        if let Some(folder) = self.path.parent() {
            let folder = if folder.as_os_str().is_empty() {
                Path::new(".")
            } else {
                folder
            };
            let synced = File::open(folder).and_then(|f| f.sync_all());
            synced.map_err(|e| trouble(&self.path, e))?;
        }
        Ok(self.position)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.out
            .write_all(bytes)
            .map_err(|e| trouble(&self.part, e))?;
        self.position += bytes.len() as u64;
        Ok(())
    }

    fn misfit(&self, why: &'static str) -> WriteError {
        WriteError::Form {
            path: self.path.clone(),
            why,
        }
    }
}

fn part_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

fn trouble(path: &Path, source: std::io::Error) -> WriteError {
    let path = path.to_owned();
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            WriteError::Full { path }
        }
        _ => WriteError::Io { path, source },
    }
}

/// Appends a cell, quoted where it must be.
pub fn push_cell(line: &mut Vec<u8>, cell: &[u8], delimiter: u8) {
    let special = |b: &u8| matches!(*b, b'"' | b'\r' | b'\n') || *b == delimiter;
    if !cell.iter().any(special) {
        line.extend_from_slice(cell);
        return;
    }
    line.push(b'"');
    for (n, piece) in cell.split(|b| *b == b'"').enumerate() {
        if n > 0 {
            line.extend_from_slice(b"\"\"");
        }
        line.extend_from_slice(piece);
    }
    line.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn csv_form(header: &[&str]) -> Form {
        Form::Csv {
            header: header.iter().map(|h| (*h).to_owned()).collect(),
            delimiter: b',',
        }
    }

    #[test]
    fn a_file_appears_when_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out/contact.jsonl");
        let mut writer = Writer::create(&path, Form::Jsonl).unwrap();
        writer.write_json(b"{\"a\":1}").unwrap();
        assert!(!path.exists());
        assert!(matches!(
            writer.write_json(b"{\n}"),
            Err(WriteError::Form { .. })
        ));
        assert!(matches!(
            writer.write_cells(["a"]),
            Err(WriteError::Form { .. })
        ));
        assert_eq!(writer.finish().unwrap(), 8);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"a\":1}\n");
        assert!(!dir.path().join("out/contact.jsonl.part").exists());
    }

    #[test]
    fn an_unfinished_file_goes_on_where_it_was_durable() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("note.csv");
        let form = csv_form(&["id", "body"]);
        let mut writer = Writer::create(&path, form.clone()).unwrap();
        writer.write_cells(["1", "a \"b\"\nc"]).unwrap();
        let durable = writer.sync().unwrap();
        writer.write_cells(["2", "lost"]).unwrap();
        writer.sync().unwrap();
        drop(writer);
        let mut writer = Writer::resume(&path, form.clone(), durable).unwrap();
        assert!(matches!(
            writer.write_cells(["2"]),
            Err(WriteError::Form { .. })
        ));
        writer.write_cells(["2", ""]).unwrap();
        let end = writer.finish().unwrap();
        let want = "id,body\r\n1,\"a \"\"b\"\"\nc\"\r\n2,\r\n";
        assert_eq!(std::fs::read_to_string(&path).unwrap(), want);
        // A finished file goes on as well, and stays as it is until the new one is whole.
        let mut writer = Writer::resume(&path, form.clone(), end).unwrap();
        writer.write_cells(["3", "x"]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), want);
        writer.finish().unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            format!("{want}3,x\r\n")
        );
        assert!(matches!(
            Writer::resume(&path, form, 1_000),
            Err(WriteError::Lost { wanted: 1_000, .. })
        ));
        assert!(matches!(
            Writer::resume(&dir.path().join("none"), Form::Jsonl, 5),
            Err(WriteError::Lost { found: 0, .. })
        ));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_said_as_such() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("contact.jsonl");
        std::os::unix::fs::symlink("/dev/full", part_of(&path)).unwrap();
        let mut writer = Writer::create(&path, Form::Jsonl).unwrap();
        writer.write_json(b"{}").unwrap();
        let error = writer.finish().unwrap_err();
        assert!(matches!(error, WriteError::Full { .. }), "{error}");
        assert!(error.to_string().starts_with("no space is left to write "));
        assert!(!path.exists());
    }

    #[test]
    fn other_trouble_names_the_file() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("taken"), "").unwrap();
        let error = Writer::create(&dir.path().join("taken/x.jsonl"), Form::Jsonl)
            .err()
            .unwrap();
        assert!(error.to_string().contains("taken"), "{error}");
    }

    proptest! {
        #[test]
        fn rows_read_back_as_they_were(
            rows in proptest::collection::vec(
                proptest::collection::vec("[a,;\"\r\n é=+]{0,6}", 2), 0..6),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("x.csv");
            let mut writer = Writer::create(&path, csv_form(&["a", "b"])).unwrap();
            for row in &rows {
                writer.write_cells(row.iter().map(String::as_str)).unwrap();
            }
            writer.finish().unwrap();
            let read: Vec<Vec<String>> = csv::Reader::from_path(&path).unwrap().records()
                .map(|r| r.unwrap().iter().map(str::to_owned).collect()).collect();
            prop_assert_eq!(read, rows);
        }
    }
}
