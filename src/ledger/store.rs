//! The ledger of the one run that writes.
//!
//! Opening takes the lease and repairs what a crash left half folded. It decides nothing about records:
//! what an open intent means is the executor's to find out.

use super::{
    chain::Hash,
    entry::Entry,
    lease::{self, Holder, Refusal},
    reached::Reached,
    recover::{Recover, recover},
    schema::{self, SchemaError},
    view::{ReadError, View},
    writer::{Answer, Pending, Request, Writer},
};
use crate::clock::Clock;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::Duration,
};
use tokio::sync::oneshot;

/// How a ledger is opened for writing.
#[derive(Clone)]
pub struct Options {
    /// Who runs.
    pub holder: Holder,
    /// How long a silent holder keeps the lease where the lock file does not decide.
    pub ttl: Duration,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Most pages of the file; what a full disk looks like, for tests.
    pub max_pages: Option<u32>,
}

impl Options {
    /// This process, with a lease of one minute.
    pub fn new(clock: Arc<dyn Clock>) -> Options {
        Options {
            holder: Holder::this_process(),
            ttl: Duration::from_secs(60),
            clock,
            max_pages: None,
        }
    }
}

/// Why a ledger cannot be opened for writing.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another run has the lease.
    #[error("another run holds the lease: {by}, since {since}")]
    Held {
        /// Who.
        by: Holder,
        /// Since when.
        since: jiff::Timestamp,
    },
    /// The folder or the lock file cannot be made.
    #[error("cannot open {}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is not usable as a ledger.
    #[error("cannot use {}: {source}", .path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: SchemaError,
    },
    /// The journal is damaged at its end.
    #[error("{} is damaged at entry {seq}: {why}; restore it from a copy", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The entry.
        seq: i64,
        /// What is wrong.
        why: String,
    },
    /// It is an older copy: what was made after it was taken would be made again.
    #[error(
        "{} is an older copy: it ends with entry {seq}, and had come to entry {reached} before; what was made since is not in it",
        .path.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Its last entry.
        seq: i64,
        /// The entry that it had come to.
        reached: i64,
        /// Where that stands.
        beside: PathBuf,
    },
}

/// Why an append was not done. None of its entries is in the journal.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum LedgerError {
    /// The file cannot be written; the ledger takes nothing more.
    #[error("the ledger cannot be written ({why}); nothing more is sent")]
    Unwritable {
        /// The cause.
        why: String,
    },
    /// Another run took the lease over; the ledger takes nothing more.
    #[error("another run has taken over; nothing more is sent")]
    Fenced,
    /// The entry does not follow from what is in the journal. The ledger goes on.
    #[error("the ledger refuses {what}")]
    Illegal {
        /// What.
        what: String,
    },
    /// The ledger was closed.
    #[error("the ledger is closed")]
    Closed,
}

impl From<rusqlite::Error> for LedgerError {
    fn from(error: rusqlite::Error) -> Self {
        LedgerError::Unwritable {
            why: error.to_string(),
        }
    }
}

/// Where the journal stands after an append.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Number of the last entry.
    pub seq: i64,
    /// A hash that vouches for it, everything before it and what was written together with it.
    pub head: Hash,
}

/// What is known when a run begins.
#[derive(Clone, Debug, Default)]
pub struct RunMeta {
    /// The command, as people know it.
    pub command: String,
    /// Hash of the plan.
    pub plan: String,
    /// Version of the engine.
    pub engine: String,
}

/// A run that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its number, from 1.
    pub id: i64,
    /// True when the run before it has no end.
    pub resumed: bool,
}

/// The ledger, open for writing by one run. Shared by reference; closes when dropped.
pub struct Ledger {
    path: PathBuf,
    lineage: String,
    requests: mpsc::Sender<Request>,
    thread: Option<JoinHandle<()>>,
    /// Nothing about single records is written: only in builds that measure what the journal costs.
    measured: bool,
}

/// Set in the environment of a build with the feature `measure`, leaves records out of the journal.
const WITHOUT: &str = "TRANSLOAD_MEASURE_WITHOUT_JOURNAL";

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("path", &self.path).finish()
    }
}

impl Ledger {
    /// Opens the ledger file, makes it and its folder where they are missing, and takes the lease.
    pub fn open(path: &Path, options: Options) -> Result<Ledger, OpenError> {
        let schema = |source| match source {
            SchemaError::Io(source) => OpenError::Io {
                path: path.to_owned(),
                source,
            },
            source => OpenError::Schema {
                path: path.to_owned(),
                source,
            },
        };
        if let Some(folder) = path.parent() {
            make_private_folder(folder).map_err(|source| OpenError::Io {
                path: folder.to_owned(),
                source,
            })?;
        }
        let connection = schema::open_writer(path).map_err(schema)?;
        if let Some(pages) = options.max_pages {
            connection
                .pragma_update(None, "max_page_count", pages)
                .map_err(|e| schema(e.into()))?;
        }
        let lock_path = path.with_extension("lock");
        let lease = lease::acquire(
            &connection,
            &lock_path,
            &options.holder,
            options.ttl,
            options.clock.now().as_millisecond(),
        )
        .map_err(|refusal| match refusal {
            Refusal::Held { by, since_ms } => OpenError::Held {
                by,
                since: jiff::Timestamp::from_millisecond(since_ms).unwrap_or_default(),
            },
            Refusal::Io(source) => OpenError::Io {
                path: lock_path.clone(),
                source,
            },
            Refusal::Sqlite(error) => schema(error.into()),
        })?;
        schema::lift(&connection).map_err(|e| schema(e.into()))?;
        let start = recover(&connection).map_err(|e| match e {
            Recover::Damaged { seq, why } => OpenError::Damaged {
                path: path.to_owned(),
                seq,
                why,
            },
            Recover::Sqlite(error) => schema(error.into()),
        })?;
        let now = options.clock.monotonic();
        let reached = Reached::beside(path, &start.lineage, now);
        let before = reached.read();
        if before > start.seq {
            return Err(OpenError::Older {
                path: path.to_owned(),
                seq: start.seq,
                reached: before,
                beside: reached.path().to_owned(),
            });
        }
        let writer = Writer {
            reached,
            clock: options.clock,
            lease,
            ttl: options.ttl,
            seq: start.seq,
            head: start.head,
            run: None,
            fold: start.fold,
            open: start.open,
            poison: None,
            settled_at: now,
            seen_at: now,
            written: Pending::default(),
            uncopied: 0,
        };
        let (requests, inbox) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || writer.serve(&connection, &inbox))
            .map_err(|source| OpenError::Io {
                path: path.to_owned(),
                source,
            })?;
        Ok(Ledger {
            path: path.to_owned(),
            lineage: start.lineage,
            requests,
            thread: Some(thread),
            measured: cfg!(feature = "measure") && std::env::var_os(WITHOUT).is_some(),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The random name the ledger got when it was made.
    pub fn lineage(&self) -> &str {
        &self.lineage
    }

    /// Begins a run. Entries can be appended from here on.
    pub fn begin_run(&self, meta: RunMeta) -> Result<Run, LedgerError> {
        self.wait(|answer| Request::Begin(meta, answer))
    }

    /// Ends the run and writes everything that was gathered. `outcome`: `completed`, `completed_with_holds`,
    /// `stopped`, `aborted`.
    pub fn end_run(&self, outcome: &str) -> Result<Appended, LedgerError> {
        self.end(outcome, None, None)
    }

    /// Ends a run that did not come to its end, with the reason.
    pub fn fail_run(&self, outcome: &str, why: &str) -> Result<Appended, LedgerError> {
        self.end(outcome, None, Some(why.to_owned()))
    }

    /// Ends the run as `paused`: until when, in milliseconds of Unix time, and what it waits for.
    pub fn pause_run(&self, until_ms: i64, why: &str) -> Result<Appended, LedgerError> {
        self.end("paused", Some(until_ms), Some(why.to_owned()))
    }

    fn end(
        &self,
        outcome: &str,
        until_ms: Option<i64>,
        why: Option<String>,
    ) -> Result<Appended, LedgerError> {
        let ended = Entry::RunEnded {
            outcome: outcome.to_owned(),
            until_ms,
            why,
        };
        // Both are asked for before one is waited for: they share a transaction.
        let (answer, answered) = mpsc::sync_channel(1);
        self.ask(Request::Append(vec![ended], Answer::Thread(answer)))?;
        let settled = self.settle();
        answered.recv().unwrap_or(Err(LedgerError::Closed))?;
        settled
    }

    /// Appends entries, all or none; done when they are on disk. The request is made at once, before the
    /// future is first polled; entries of concurrent callers share one flush of the disk.
    pub fn append(
        &self,
        entries: Vec<Entry>,
    ) -> impl Future<Output = Result<Appended, LedgerError>> + Send + use<> {
        let asked = match self.measured && entries.iter().all(Entry::is_of_a_record) {
            true => Ok(None),
            false => {
                let (answer, answered) = oneshot::channel();
                self.ask(Request::Append(entries, Answer::Task(answer)))
                    .map(|()| Some(answered))
            }
        };
        async move {
            match asked? {
                Some(answered) => answered.await.unwrap_or(Err(LedgerError::Closed)),
                None => Ok(Appended::default()),
            }
        }
    }

    /// Appends entries, and nobody waits until they are on disk: within milliseconds, and before anything that is appended
    /// later. Where that fails, every later append does. For outcomes: a crash before they are on disk leaves open intents,
    /// as a crash before the answer does.
    pub fn note(&self, entries: Vec<Entry>) -> Result<(), LedgerError> {
        match self.measured && entries.iter().all(Entry::is_of_a_record) {
            true => Ok(()),
            false => self.ask(Request::Append(entries, Answer::Nobody)),
        }
    }

    /// [`Ledger::append`] for callers outside of async code. Blocks the thread.
    pub fn append_blocking(&self, entries: Vec<Entry>) -> Result<Appended, LedgerError> {
        self.wait(|answer| Request::Append(entries, answer))
    }

    /// Writes changes that were gathered, so that a [`View`] sees all of them.
    pub fn settle(&self) -> Result<Appended, LedgerError> {
        self.wait(Request::Settle)
    }

    /// A view that does not wait until gathered changes are written: of everything but records and holds, which it may
    /// show as they were up to two seconds ago.
    pub fn glance(&self) -> Result<View, ReadError> {
        View::open(&self.path)
    }

    /// A view of the ledger as it stands now.
    pub fn view(&self) -> Result<View, ReadError> {
        self.settle()?;
        View::open(&self.path)
    }

    fn wait<T>(&self, request: impl FnOnce(Answer<T>) -> Request) -> Result<T, LedgerError> {
        let (answer, answered) = mpsc::sync_channel(1);
        self.ask(request(Answer::Thread(answer)))?;
        answered.recv().unwrap_or(Err(LedgerError::Closed))
    }

    fn ask(&self, request: Request) -> Result<(), LedgerError> {
        self.requests.send(request).map_err(|_| LedgerError::Closed)
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        let _ = self.requests.send(Request::Stop);
        if let Some(thread) = self.thread.take() {
            // A panic of the writer has been shown already; there is nothing to add here.
            let _ = thread.join();
        }
    }
}

fn make_private_folder(folder: &Path) -> Result<(), std::io::Error> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
