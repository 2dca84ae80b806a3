//! The schema lock on disk: read, written whole or not at all.

use super::exit::{Exit, Failure, cannot_write, unwritable};
use crate::platform::lock::{self, SchemaLock};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The lock of a migration, in its state folder.
pub fn path(state: &Path) -> PathBuf {
    state.join(lock::FILE)
}

/// Reads the lock; `None` when there is none.
///
/// # Errors
/// When it cannot be read or is no lock of this version.
pub fn read(state: &Path) -> Result<Option<SchemaLock>, Failure> {
    let path = path(state);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => {
            let message = format!("cannot read {}: {e}", path.display());
            return Err(unwritable(message, &e));
        }
    };
    SchemaLock::from_bytes(&bytes).map(Some).map_err(|e| {
        Failure::new(Exit::Usage, format!("{}: {e}", path.display()))
            .hint("remove it and run `transload discover`, which makes a new one")
    })
}

/// Writes the lock.
///
/// # Errors
/// When the file cannot be written.
pub fn write(state: &Path, lock: &SchemaLock) -> Result<PathBuf, Failure> {
    let path = path(state);
    let bytes = lock
        .to_bytes()
        .map_err(|e| Failure::new(Exit::Internal, e.to_string()))?;
    let part = path.with_extension("json.part");
    fs::create_dir_all(state)
        .and_then(|()| fs::write(&part, bytes))
        .and_then(|()| fs::rename(&part, &path))
        .map_err(|e| cannot_write(&path, &e))?;
    Ok(path)
}
