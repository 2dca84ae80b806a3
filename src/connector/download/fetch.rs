//! Reads files from allowed hosts: a few at a time, tried again as other reads are, kept beside the ledger until they
//! were sent on.

use super::{
    follow::{Fault, Missed, Sink, follow},
    hosts::Hosts,
};
use crate::connector::{
    cancel::Cancel,
    retry::{Backoff, Jitter},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use url::Url;

/// Files that are there at a time, from the first byte read until they were sent on.
const AT_A_TIME: usize = 8;
/// After so many files in a row that a host did not give for its own fault, further ones are tried once.
const DOWN: u32 = 3;

/// How files are read.
#[derive(Clone, Debug)]
pub struct Settings {
    /// From where.
    pub hosts: Hosts,
    /// Most bytes of one file.
    pub max: u64,
    /// Longest time for one try.
    pub timeout: Duration,
    /// Whether copies of files are read back from the destination, too.
    pub read_back: bool,
    /// Where they are kept until they were sent on.
    pub folder: PathBuf,
    /// How often a host is tried, with which waits.
    pub backoff: Backoff,
    /// Stops it.
    pub cancel: Cancel,
}

/// Reads files.
#[derive(Clone)]
pub struct Downloads {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    places: Arc<Semaphore>,
    jitter: Jitter,
    number: AtomicU64,
    /// Files in a row that a host did not give, by host.
    down: Mutex<BTreeMap<String, u32>>,
    /// What an interrupted process left was removed.
    swept: OnceCell<()>,
}

/// A file that was read. It is removed when this is dropped.
#[derive(Debug)]
pub struct Fetched {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256 checksum in hexadecimal.
    pub sha256: String,
    /// Its name, made harmless; `None` when the host gives none.
    pub name: Option<String>,
    /// Its type, as the host calls it.
    pub kind: Option<String>,
    _kept: Kept,
}

/// Removes a file when it is dropped, and gives its place to the next.
#[derive(Debug)]
struct Kept {
    path: PathBuf,
    _place: OwnedSemaphorePermit,
}

impl Drop for Kept {
    fn drop(&mut self) {
        // What stays is removed by the next run.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Why no further file can be read.
#[derive(Debug, thiserror::Error)]
pub enum Halt {
    /// The caller asked to stop.
    #[error("stopped on request")]
    Cancelled,
    /// Files cannot be kept.
    #[error("cannot write {}: {source}", .path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

impl Downloads {
    /// Reads nothing yet.
    pub fn new(settings: Settings) -> Downloads {
        Downloads {
            inner: Arc::new(Inner {
                settings,
                places: Arc::new(Semaphore::new(AT_A_TIME)),
                jitter: Jitter::new(u64::from(std::process::id())),
                number: AtomicU64::new(0),
                down: Mutex::default(),
                swept: OnceCell::new(),
            }),
        }
    }

    /// Most bytes of one file, wherever it comes from.
    pub fn max(&self) -> u64 {
        self.inner.settings.max
    }

    /// Whether copies of files are read back from the destination.
    pub fn reads_back(&self) -> bool {
        self.inner.settings.read_back
    }

    /// Why an address is not asked, whatever is there; `None` for one that is.
    pub fn refuses(&self, address: &str) -> Option<Missed> {
        self.address(address).err()
    }

    fn address(&self, address: &str) -> Result<Url, Missed> {
        let url = Url::parse(address.trim()).map_err(|_| Missed {
            code: "file_refused",
            words: "the address of the file is none".to_owned(),
        })?;
        self.inner.settings.hosts.find(&url)?;
        Ok(url)
    }

    /// Reads the file at an address, at most `max` bytes. The inner error is the code and the words of a hold.
    ///
    /// # Errors
    /// When no further file can be read.
    pub async fn fetch(&self, address: &str, max: u64) -> Result<Result<Fetched, Missed>, Halt> {
        let url = match self.address(address) {
            Ok(url) => url,
            Err(missed) => return Ok(Err(missed)),
        };
        let Ok(place) = Arc::clone(&self.inner.places).acquire_owned().await else {
            return Err(Halt::Cancelled);
        };
        let kept = Kept {
            path: self.inner.settings.folder.join(format!(
                "{}.part",
                self.inner.number.fetch_add(1, Ordering::Relaxed)
            )),
            _place: place,
        };
        let host = url.host_str().unwrap_or_default().to_owned();
        let tries = match self.failures(&host) >= DOWN {
            true => 1,
            false => self.inner.settings.backoff.tries,
        };
        let mut failures = 0;
        loop {
            let (missed, after) = match self.once(&url, &kept.path, max).await? {
                Ok((sha256, bytes, name, kind)) => {
                    self.note(&host, false);
                    return Ok(Ok(Fetched {
                        path: kept.path.clone(),
                        bytes,
                        sha256,
                        name,
                        kind,
                        _kept: kept,
                    }));
                }
                Err(Fault::Missed(missed)) => {
                    self.note(&host, false);
                    return Ok(Err(missed));
                }
                Err(Fault::Disk(source)) => {
                    let path = kept.path.clone();
                    return Err(Halt::Disk { path, source });
                }
                Err(Fault::Again { why, after }) => (why, after),
            };
            failures += 1;
            if failures >= tries {
                self.note(&host, true);
                return Ok(Err(missed));
            }
            let backoff = &self.inner.settings.backoff;
            let wait = backoff
                .delay(failures, &self.inner.jitter)
                .max(after.unwrap_or_default())
                .min(backoff.ceiling(u32::MAX));
            tracing::debug!(millis = wait.as_millis(), "trying to read a file again");
            tokio::select! {
                biased;
                () = self.inner.settings.cancel.cancelled() => return Err(Halt::Cancelled),
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn once(&self, url: &Url, path: &Path, max: u64) -> Result<Result<Read, Fault>, Halt> {
        let settings = &self.inner.settings;
        let read = async {
            self.folder().await.map_err(Fault::Disk)?;
            let file = tokio::fs::File::create(path).await.map_err(Fault::Disk)?;
            let mut sink = Sink::new(Some(file), max.min(settings.max));
            let judge = |url: &Url| settings.hosts.judge(url);
            let answered = follow(url.clone(), &judge, &mut sink).await?;
            let (sha256, bytes) = sink.close().await.map_err(Fault::Disk)?;
            if let Some(missed) = page(url, answered.kind.as_deref()) {
                return Err(Fault::Missed(missed));
            }
            Ok((sha256, bytes, answered.name, answered.kind))
        };
        tokio::select! {
            biased;
            () = settings.cancel.cancelled() => Err(Halt::Cancelled),
            read = read => Ok(read),
            () = tokio::time::sleep(settings.timeout) => {
                let why = format!("not there within {} s", settings.timeout.as_secs_f64());
                Ok(Err(Fault::Again { why: Missed::unavailable(url, why), after: None }))
            }
        }
    }

    /// Makes the folder, once without what an interrupted process left in it.
    async fn folder(&self) -> std::io::Result<()> {
        let folder = &self.inner.settings.folder;
        self.inner
            .swept
            .get_or_init(|| async {
                // One that cannot be removed is told when it is written into.
                let _ = tokio::fs::remove_dir_all(folder).await;
            })
            .await;
        tokio::fs::create_dir_all(folder).await
    }

    fn failures(&self, host: &str) -> u32 {
        let down = self.inner.down.lock();
        let down = down.unwrap_or_else(PoisonError::into_inner);
        down.get(host).copied().unwrap_or(0)
    }

    fn note(&self, host: &str, failed: bool) {
        let down = self.inner.down.lock();
        let mut down = down.unwrap_or_else(PoisonError::into_inner);
        match failed {
            true => *down.entry(host.to_owned()).or_default() += 1,
            false => {
                down.remove(host);
            }
        }
    }
}

/// Checksum, size, name and type.
type Read = (String, u64, Option<String>, Option<String>);

/// A web page in the place of a file that is none: a sign-in, an error told with status 200.
fn page(url: &Url, kind: Option<&str>) -> Option<Missed> {
    let html = kind?.to_ascii_lowercase().starts_with("text/html");
    let path = url.path().to_ascii_lowercase();
    let meant = [".html", ".htm", ".xhtml"]
        .iter()
        .any(|e| path.ends_with(e));
    (html && !meant).then(|| {
        let why = "the host answers with a web page instead".to_owned();
        Missed::unavailable(url, why)
    })
}
