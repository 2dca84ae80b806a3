//! The file that tables go to when they outgrow their memory, and how much memory that is.

use crate::transform::{Overflow, Room};
use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Memory for joins and merges.
#[derive(Clone, Debug)]
pub struct Memory {
    /// Bytes; `None`: as much as they take.
    pub most: Option<u64>,
    /// The folder for what does not fit.
    pub folder: PathBuf,
}

impl Memory {
    /// Half of the machine's memory, where the system says how much it has.
    pub fn usual(folder: PathBuf) -> Memory {
        Memory {
            most: machine().map(|bytes| bytes / 2),
            folder,
        }
    }

    /// The room for one run's tables.
    pub fn room(&self) -> Option<Room> {
        let most = self.most?;
        // Several commands may look at one migration at a time.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("overflow-{}-{next}.tmp", std::process::id());
        let file = OverflowFile::new(self.folder.join(name));
        Some(Room::new(most, Arc::new(file)))
    }
}

/// The machine's memory in bytes.
fn machine() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// A file that is made when something goes into it and is gone with the run, however that ends: where the system allows
/// it, it has no name from the start.
#[derive(Debug)]
struct OverflowFile {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    file: Option<File>,
    end: u64,
    failure: Option<String>,
}

impl OverflowFile {
    fn new(path: PathBuf) -> OverflowFile {
        OverflowFile {
            path,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the file unless something went wrong before.
    fn attempt(&self, act: impl FnOnce(&mut State, &Path) -> io::Result<()>) -> u64 {
        let mut state = self.state();
        if state.failure.is_none()
            && let Err(error) = act(&mut state, &self.path)
        {
            state.failure = Some(format!(
                "cannot keep joins and merges in {}: {error}",
                self.path.display()
            ));
        }
        state.end
    }
}

/// Makes the file. It holds records of the source, so it is its owner's alone.
fn create(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    std::fs::remove_file(path)?;
    Ok(file)
}

impl Overflow for OverflowFile {
    fn append(&self, bytes: &[u8]) -> u64 {
        let end = self.attempt(|state, path| {
            let file = match &mut state.file {
                Some(file) => file,
                none => none.insert(create(path)?),
            };
            file.seek(SeekFrom::Start(state.end))?;
            file.write_all(bytes)?;
            state.end += bytes.len() as u64;
            Ok(())
        });
        end.saturating_sub(bytes.len() as u64)
    }

    fn read(&self, at: u64, out: &mut [u8]) {
        let mut whole = false;
        self.attempt(|state, _| {
            let file = state.file.as_mut().ok_or(io::ErrorKind::NotFound)?;
            file.seek(SeekFrom::Start(at))?;
            file.read_exact(out)?;
            whole = true;
            Ok(())
        });
        if !whole {
            out.fill(0);
        }
    }

    fn failure(&self) -> Option<String> {
        self.state().failure.clone()
    }
}

impl Drop for OverflowFile {
    fn drop(&mut self) {
        if self.state().file.take().is_some() && !cfg!(unix) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_and_the_file_goes_with_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let file = OverflowFile::new(folder.path().join("overflow.tmp"));
        assert_eq!((file.append(b"abc"), file.append(b"defg")), (0, 3));
        let mut out = [0; 4];
        file.read(2, &mut out);
        assert_eq!(&out, b"cdef");
        assert_eq!(file.append(b"h"), 7);
        assert_eq!(file.failure(), None);
        drop(file);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_cannot_be_kept_is_told_once_and_for_all() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let file = OverflowFile::new(folder.path().join("file/overflow.tmp"));
        file.append(b"abc");
        let why = file.failure().unwrap();
        assert!(why.contains("overflow.tmp"), "{why}");
        let mut out = [7; 2];
        file.read(0, &mut out);
        assert_eq!((out, file.failure()), ([0; 2], Some(why)));
    }
}
