//! Whether the files of an export are still those that discovery looked at: by their size, then by their content.
//!
//! The schema lock has the hash of each file's content, and no time. Which content a file has is kept beside it by size
//! and time of change, so that a run reads no file twice to find that nothing has changed.

use crate::{
    clock::{Clock, SystemClock},
    ident::ObjectId,
    platform::lock::SourceInventory,
    run::source::{Source, print_of},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

/// The file beside the lock.
const FILE: &str = "prints.json";
/// A file that changed so lately may change again within the grain of its time.
const SETTLED: Duration = Duration::from_secs(2);

/// A file as it was when its content was hashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    bytes: u64,
    /// Its time of change, in nanoseconds of Unix time.
    changed: String,
    print: String,
}

/// The hashes of files that are known without reading them.
pub struct Prints {
    file: PathBuf,
    known: BTreeMap<String, Known>,
    fresh: bool,
}

impl Prints {
    /// Those that are kept in a state folder. What cannot be read is no loss.
    pub fn load(state: &Path) -> Prints {
        let file = state.join(FILE);
        let known = fs::read(&file).ok();
        let known = known.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Prints {
            file,
            known: known.unwrap_or_default(),
            fresh: false,
        }
    }

    /// The hash of a file's content; read only where its size or time of change is another one. `None`: it cannot be
    /// read.
    pub fn of(&mut self, path: &Path) -> Option<String> {
        let (bytes, changed, _) = seen(path)?;
        let name = path.display().to_string();
        if let Some(known) = self.known.get(&name)
            && known.bytes == bytes
            && known.changed == changed
        {
            return Some(known.print.clone());
        }
        let print = print_of(path)?;
        self.remember(path, &print);
        Some(print)
    }

    fn remember(&mut self, path: &Path, print: &str) {
        let Some((bytes, changed, at)) = seen(path) else {
            return;
        };
        let now = SystemClock::new().now().as_millisecond();
        let age = u128::try_from(now).unwrap_or_default();
        if age < (at + SETTLED).as_millis() {
            return;
        }
        let known = Known {
            bytes,
            changed,
            print: print.to_owned(),
        };
        self.known.insert(path.display().to_string(), known);
        self.fresh = true;
    }

    /// Keeps what is new. Not being able to is no loss: the files are read once more.
    pub fn keep(self) {
        if !self.fresh {
            return;
        }
        let part = self.file.with_extension("json.part");
        if let Ok(bytes) = serde_json::to_vec_pretty(&self.known) {
            let _ = fs::write(&part, bytes).and_then(|()| fs::rename(&part, &self.file));
        }
    }
}

/// Size, time of change as text, and since 1970; `None` where there is no such file.
fn seen(path: &Path) -> Option<(u64, String, Duration)> {
    let meta = fs::metadata(path).ok()?;
    let at = meta.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some((meta.len(), at.as_nanos().to_string(), at))
}

/// Keeps what discovery found out about the content of files.
pub fn note(state: &Path, source: &Source, found: &SourceInventory) {
    let mut prints = Prints::load(state);
    for (id, object) in (0u16..).map(ObjectId).zip(&source.platform().objects) {
        let seen = found.object(&object.name).and_then(|o| o.print.as_deref());
        if let (Some(print), Some(path)) = (seen, source.path(id)) {
            prints.remember(&path, print);
        }
    }
    prints.keep();
}
