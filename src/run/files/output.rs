//! The files of a destination folder: one per object, whole or not at all, known again by their hash.

use crate::{
    connector::files::{Form, Writer},
    ledger::{Entry, View},
    platform::{Object, Platform},
    run::failure::RunError,
};
use std::{
    fs::File,
    io::Read,
    path::{Component, Path, PathBuf},
};

/// A file that a run wrote, or found as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenFile {
    /// Its path below the destination's folder.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// False when it was there with the same content.
    pub changed: bool,
}

/// A file being written.
pub struct Output {
    /// Its path below the folder.
    name: String,
    path: PathBuf,
    writer: Writer,
    hash: blake3::Hasher,
    /// What an earlier run wrote there: bytes and hash.
    before: Option<(u64, String)>,
}

/// The form of an object's file.
///
/// # Errors
/// When the platform file gives the object no file that can be written.
pub fn form_of(platform: &Platform, object: &Object) -> Result<Form, RunError> {
    let Some(rows) = &object.rows else {
        return Err(RunError::Policy(format!(
            "`{}` of {} has no file: give it `rows: {{file: NAME}}` in the platform file",
            object.name, platform.title
        )));
    };
    let plain = |c: Component<'_>| matches!(c, Component::Normal(_) | Component::CurDir);
    if !Path::new(&rows.file).components().all(plain) {
        return Err(RunError::Policy(format!(
            "the file of `{}`, {:?}, does not lie in the destination's folder",
            object.name, rows.file
        )));
    }
    match rows.format.as_str() {
        "jsonl" => Ok(Form::Jsonl),
        "csv" => Ok(Form::Csv {
            header: object.fields.iter().map(|f| f.path.clone()).collect(),
            delimiter: rows.delimiter.unwrap_or(b','),
        }),
        other => Err(RunError::Policy(format!(
            "the file of `{}` is {other}, and only csv and jsonl can be written",
            object.name
        ))),
    }
}

impl Output {
    /// Starts the file of an object. A file that no run of this migration wrote is not touched.
    ///
    /// # Errors
    /// When the file cannot be made, or a stranger's stands in its place.
    pub fn create(
        folder: &Path,
        platform: &Platform,
        object: &Object,
        step: &str,
        known: &View,
    ) -> Result<Output, RunError> {
        let form = form_of(platform, object)?;
        let name = object.rows.as_ref().map_or("", |r| r.file.as_str());
        let path = folder.join(name);
        let before = known.files(step).map_err(RunError::from)?;
        let before = before.into_iter().find(|(path, ..)| path == name);
        if before.is_none() && path.exists() {
            return Err(RunError::Policy(format!(
                "{} is there and was not written by this migration: move it away, or name another folder",
                path.display()
            )));
        }
        let mut hash = blake3::Hasher::new();
        hash.update(&form.head());
        Ok(Output {
            name: name.to_owned(),
            writer: Writer::create(&path, form)?,
            path,
            hash,
            before: before.map(|(_, bytes, hash)| (bytes, hash)),
        })
    }

    /// Appends rows.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&mut self, rows: &[u8]) -> Result<(), RunError> {
        self.hash.update(rows);
        Ok(self.writer.write_rows(rows)?)
    }

    /// Gives the file its name, unless the same stands there already. Says what the ledger is to keep.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(self, step: &str) -> Result<(WrittenFile, Option<Entry>), RunError> {
        let hash = self.hash.finalize().to_hex().to_string();
        let bytes = self.writer.position();
        let same = self.before.as_ref() == Some(&(bytes, hash.clone()));
        if same && holds(&self.path, bytes, &hash) {
            self.writer.discard()?;
            let file = WrittenFile {
                path: self.name,
                bytes,
                changed: false,
            };
            return Ok((file, None));
        }
        // No wait for the disk: a file that a loss of power tears has not its hash, and the next run makes it again.
        self.writer.publish()?;
        let entry = Entry::FileWritten {
            step: step.to_owned(),
            path: self.name.clone(),
            bytes,
            blake3: hash,
        };
        let file = WrittenFile {
            path: self.name,
            bytes,
            changed: true,
        };
        Ok((file, Some(entry)))
    }
}

/// True when a file has this size and hash. One that cannot be read has not.
fn holds(path: &Path, bytes: u64, hash: &str) -> bool {
    let Ok(mut file) = File::open(path) else {
        return false;
    };
    if file.metadata().map_or(true, |m| m.len() != bytes) {
        return false;
    }
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => {
                hasher.update(&buffer[..n]);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return false,
        }
    }
    hasher.finalize().to_hex().as_str() == hash
}
