//! How far a ledger has come, in a small file beside it: by this an older copy in its place is noticed.
//!
//! An older copy does not know what was made after it was taken, and a run on it would make that again. The file says less
//! than the ledger at any moment, never more; without it nothing is noticed, and nothing else depends on it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// How often it is brought up to date while entries are written.
const EVERY: Duration = Duration::from_secs(2);

/// The file beside a ledger.
pub(super) struct Reached {
    path: PathBuf,
    lineage: String,
    written_at: Duration,
}

impl Reached {
    /// That of the ledger at `path`. `now`: since the writer's clock began.
    pub fn beside(path: &Path, lineage: &str, now: Duration) -> Reached {
        Reached {
            path: path.with_extension("reached"),
            lineage: lineage.to_owned(),
            written_at: now,
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The entry that this ledger had come to; 0 when nothing says so.
    pub fn read(&self) -> i64 {
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        let said = text.trim_end().strip_prefix(self.lineage.as_str());
        said.and_then(|entry| entry.strip_prefix(' ')?.parse().ok())
            .unwrap_or(0)
    }

    /// Says it when it has not been said for a while.
    pub fn keep_up(&mut self, seq: i64, now: Duration) {
        if now.saturating_sub(self.written_at) > EVERY {
            self.written_at = now;
            self.write(seq);
        }
    }

    /// Says that entries up to this one are on disk. A file that cannot be written says what it said before, which holds.
    pub fn write(&self, seq: i64) {
        let _ = fs::write(&self.path, format!("{} {seq}\n", self.lineage));
    }
}
