//! One run at a time: a lock of the operating system, and an epoch that fences whoever lost it.
//!
//! The lock file goes free when its process dies, however it dies, so that a killed run can be resumed at
//! once. Where the lock does not decide (a network drive, a stopped process) the lease's heartbeat does, and
//! each append compares the epoch: a writer that was overtaken writes nothing more.

use super::view::{ReadError, View};
use rusqlite::{Connection, params};
use std::{
    fs::{File, OpenOptions, TryLockError},
    path::Path,
    time::Duration,
};

/// Who runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Name of the machine.
    pub host: String,
    /// Process id.
    pub process: u32,
}

impl Holder {
    /// This process.
    pub fn this_process() -> Holder {
        let host = ["/proc/sys/kernel/hostname", "/etc/hostname"]
            .iter()
            .find_map(|p| std::fs::read_to_string(p).ok())
            .or_else(|| std::env::var("HOSTNAME").ok())
            .or_else(|| std::env::var("COMPUTERNAME").ok())
            .unwrap_or_default();
        Holder {
            host: host.trim().to_owned(),
            process: std::process::id(),
        }
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} on {}", self.process, self.host)
    }
}

/// The lease, as long as it is held.
pub(super) struct Lease {
    pub epoch: i64,
    /// Freed with the process; `None` when the lease was taken over from a process that does not answer.
    _lock: Option<File>,
}

pub(super) enum Refusal {
    Held { by: Holder, since_ms: i64 },
    Io(std::io::Error),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Refusal::Sqlite(error)
    }
}

pub(super) enum Lock {
    Got(File),
    Taken,
    Unsupported,
}

/// Locks the file, and makes it where it is missing.
pub(super) fn lock_file(path: &Path) -> Result<Lock, std::io::Error> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    Ok(match file.try_lock() {
        Ok(()) => Lock::Got(file),
        Err(TryLockError::WouldBlock) => Lock::Taken,
        Err(TryLockError::Error(_)) => Lock::Unsupported,
    })
}

/// Takes the lease or says who has it. `now_ms`: Unix time.
pub(super) fn acquire(
    connection: &Connection,
    lock_path: &Path,
    holder: &Holder,
    ttl: Duration,
    now_ms: i64,
) -> Result<Lease, Refusal> {
    let lock = lock_file(lock_path).map_err(Refusal::Io)?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let taken = decide(connection, &lock, holder, ttl, now_ms);
    connection.execute_batch(if taken.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    Ok(Lease {
        epoch: taken?,
        _lock: match lock {
            Lock::Got(file) => Some(file),
            Lock::Taken | Lock::Unsupported => None,
        },
    })
}

fn decide(
    connection: &Connection,
    lock: &Lock,
    holder: &Holder,
    ttl: Duration,
    now_ms: i64,
) -> Result<i64, Refusal> {
    let (by, since_ms, seen_ms, ended) = connection.query_row(
        "SELECT host, process, since_ms, seen_ms, ended FROM lease",
        [],
        |r| {
            Ok((
                Holder {
                    host: r.get(0)?,
                    process: r.get(1)?,
                },
                r.get::<_, i64>(2)?,
                r.get::<_, i64>(3)?,
                r.get::<_, bool>(4)?,
            ))
        },
    )?;
    let ttl_ms = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX);
    let fresh = now_ms.saturating_sub(seen_ms) < ttl_ms;
    let held = match lock {
        // The lock says that no process of this machine has it; another machine may.
        Lock::Got(_) => !ended && by.host != holder.host && fresh,
        // Ended, and the lock is taken: somebody is just starting.
        Lock::Taken => ended || fresh,
        Lock::Unsupported => !ended && fresh,
    };
    if held {
        return Err(Refusal::Held { by, since_ms });
    }
    Ok(connection.query_row(
        "UPDATE lease SET epoch = epoch + 1, host = ?1, process = ?2, since_ms = ?3, seen_ms = ?3, ended = 0
         RETURNING epoch",
        params![holder.host, holder.process, now_ms],
        |r| r.get(0),
    )?)
}

/// The lease as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRow {
    /// Who took it last.
    pub holder: Holder,
    /// When, in milliseconds of Unix time.
    pub since_ms: i64,
    /// When they were seen last, in milliseconds of Unix time.
    pub seen_ms: i64,
    /// True when they gave it back.
    pub ended: bool,
}

/// A holder that says nothing for so long (milliseconds) is not at work.
const SILENT: i64 = 60_000;

impl LeaseRow {
    /// True when somebody is at work. Takes no lock, so that it never stands in the way of one who begins.
    pub fn at_work(&self, now_ms: i64) -> bool {
        let fresh = now_ms.saturating_sub(self.seen_ms) < SILENT;
        !self.ended && self.holder.process != 0 && fresh && self.holder.may_live()
    }
}

impl Holder {
    /// False when it is known that the process is gone.
    fn may_live(&self) -> bool {
        let processes = Path::new("/proc");
        if self.host != Holder::this_process().host || !processes.join("self").exists() {
            return true;
        }
        let stat = std::fs::read_to_string(processes.join(self.process.to_string()).join("stat"));
        // `4242 (name) S ...`: a zombie is gone.
        stat.is_ok_and(|text| {
            let state = text
                .rsplit(')')
                .next()
                .and_then(|rest| rest.trim_start().chars().next());
            !matches!(state, Some('Z' | 'X'))
        })
    }
}

impl View {
    /// Who took the lease last, and whether they still have it.
    pub fn lease(&self) -> Result<LeaseRow, ReadError> {
        Ok(self.connection.query_row(
            "SELECT host, process, since_ms, seen_ms, ended FROM lease",
            [],
            |r| {
                Ok(LeaseRow {
                    holder: Holder {
                        host: r.get(0)?,
                        process: r.get(1)?,
                    },
                    since_ms: r.get(2)?,
                    seen_ms: r.get(3)?,
                    ended: r.get(4)?,
                })
            },
        )?)
    }
}
