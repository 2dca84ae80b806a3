//! The thread that writes: gathers what waits into one transaction, then answers all who wait.
//!
//! One transaction costs one flush of the disk, however many entries it holds. When a transaction fails the
//! writer is poisoned: it answers every later request with the first cause and writes nothing more.

use super::{
    chain::{Hash, Link},
    entry::Entry,
    fold::{Fold, RecordKey},
    lease::Lease,
    store::{Appended, LedgerError, Run, RunMeta},
    words::Origin,
};
use crate::clock::Clock;
use rusqlite::{Connection, params};
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

/// Takes an answer to whoever waits for it, in async code or on a thread.
pub(super) type Answer<T> = Box<dyn FnOnce(Result<T, LedgerError>) + Send>;

/// What a caller asks for, with the way back.
pub(super) enum Request {
    Append(Vec<Entry>, Answer<Appended>),
    Begin(RunMeta, Answer<Run>),
    /// Write what was gathered.
    Settle(Answer<Appended>),
    Stop,
}

/// Entries of one transaction, at most about this many.
const GROUP: usize = 20_000;
/// Gathered changes that are written at the latest.
const GATHER: usize = 50_000;
/// How long gathered changes wait at most.
const SETTLE_AFTER: Duration = Duration::from_secs(2);
/// How often an idle writer looks around.
const LOOK: Duration = Duration::from_millis(500);

/// The writing side of a ledger. Lives on its own thread.
pub(super) struct Writer {
    pub connection: Connection,
    pub clock: Arc<dyn Clock>,
    pub lease: Lease,
    pub ttl: Duration,
    pub seq: i64,
    pub head: Hash,
    pub run: Option<i64>,
    pub fold: Fold,
    /// Intents without an answer.
    pub open: HashSet<RecordKey>,
    pub poison: Option<LedgerError>,
    pub settled_at: Duration,
    pub seen_at: Duration,
    pub buffer: Vec<u8>,
}

impl Writer {
    /// Serves requests until it is told to stop or nobody can ask any more.
    pub fn serve(mut self, requests: &Receiver<Request>) {
        loop {
            let first = match requests.recv_timeout(LOOK.min(self.ttl / 3)) {
                Ok(Request::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(request) => request,
                Err(RecvTimeoutError::Timeout) => {
                    self.look();
                    continue;
                }
            };
            let mut group = vec![first];
            let mut entries = weight(&group[0]);
            let mut stop = false;
            while entries < GROUP {
                match requests.try_recv() {
                    Ok(Request::Stop) => {
                        stop = true;
                        break;
                    }
                    Ok(request) => {
                        entries += weight(&request);
                        group.push(request);
                    }
                    Err(_) => break,
                }
            }
            self.answer(group);
            if stop {
                break;
            }
        }
        self.close();
    }

    /// Writes one group in one transaction and answers it.
    fn answer(&mut self, group: Vec<Request>) {
        if self.poison.is_none()
            && let Err(error) = self.begin()
        {
            self.poison = Some(error);
        }
        let mut answers: Vec<Box<dyn FnOnce(Option<LedgerError>)>> = Vec::new();
        for request in group {
            if let Some(error) = &self.poison {
                refuse(request, error.clone());
                continue;
            }
            match request {
                Request::Append(entries, answer) => {
                    let result = self.append(&entries);
                    let done = self.note(result);
                    answers.push(Box::new(move |failed| answer(failed.map_or(done, Err))));
                }
                Request::Begin(meta, answer) => {
                    let result = self.begin_run(meta);
                    let done = self.note(result);
                    answers.push(Box::new(move |failed| answer(failed.map_or(done, Err))));
                }
                Request::Settle(answer) => {
                    let result = self.settle();
                    let done = self.note(result).map(|()| self.appended());
                    answers.push(Box::new(move |failed| answer(failed.map_or(done, Err))));
                }
                Request::Stop => {}
            }
        }
        if self.poison.is_none()
            && let Err(error) = self.commit()
        {
            self.poison = Some(error);
        }
        if self.poison.is_some() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        for answer in answers {
            answer(self.poison.clone());
        }
    }

    /// A refusal concerns one caller; anything else poisons the writer.
    fn note<T>(&mut self, result: Result<T, LedgerError>) -> Result<T, LedgerError> {
        if let Err(error) = &result
            && !matches!(error, LedgerError::Illegal { .. })
        {
            self.poison = Some(error.clone());
        }
        result
    }

    fn begin(&mut self) -> Result<(), LedgerError> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let epoch: i64 = self
            .connection
            .prepare_cached("SELECT epoch FROM lease")?
            .query_row([], |r| r.get(0))?;
        if epoch != self.lease.epoch {
            return Err(LedgerError::Fenced);
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), LedgerError> {
        let now = self.clock.monotonic();
        if self.fold.waiting() >= GATHER || now.saturating_sub(self.settled_at) > SETTLE_AFTER {
            self.settle()?;
        }
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO meta VALUES ('head_seq', ?1), ('head', ?2)")?
            .execute(params![self.seq, self.head.0])?;
        if now.saturating_sub(self.seen_at) > self.ttl / 3 {
            self.connection
                .prepare_cached("UPDATE lease SET seen_ms = ?1")?
                .execute([self.clock.now().as_millisecond()])?;
            self.seen_at = now;
        }
        self.connection.execute_batch("COMMIT")?;
        Ok(())
    }

    /// Keeps the lease alive and writes gathered changes while nothing else is asked.
    fn look(&mut self) {
        let now = self.clock.monotonic();
        if self.poison.is_some()
            || (self.fold.waiting() == 0 && now.saturating_sub(self.seen_at) <= self.ttl / 3)
        {
            return;
        }
        let done = self
            .begin()
            .and_then(|()| self.settle())
            .and_then(|()| self.commit());
        if let Err(error) = done {
            let _ = self.connection.execute_batch("ROLLBACK");
            self.poison = Some(error);
        }
    }

    /// Writes what was gathered. Inside a transaction.
    fn settle(&mut self) -> Result<(), LedgerError> {
        self.settled_at = self.clock.monotonic();
        if self.fold.waiting() == 0 {
            return Ok(());
        }
        self.fold.write_gathered(&self.connection)?;
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO meta VALUES ('folded', ?1)")?
            .execute([self.seq])?;
        Ok(())
    }

    fn begin_run(&mut self, meta: RunMeta) -> Result<Run, LedgerError> {
        let (last, unfinished): (i64, bool) = self.connection.query_row(
            "SELECT coalesce(max(run), 0), coalesce((SELECT outcome IS NULL FROM runs ORDER BY run DESC LIMIT 1), 0)
             FROM runs",
            [],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )?;
        self.run = Some(last + 1);
        self.append(&[Entry::RunStarted {
            command: meta.command,
            plan: meta.plan,
            engine: meta.engine,
            resumed: unfinished,
        }])?;
        Ok(Run {
            id: last + 1,
            resumed: unfinished,
        })
    }

    /// Appends the entries of one request, all or none.
    fn append(&mut self, entries: &[Entry]) -> Result<Appended, LedgerError> {
        let run = match self.run {
            Some(run) => run,
            // Calls are counted whoever makes them: they belong to no run.
            None if entries.iter().all(Entry::needs_no_run) => 0,
            None => {
                return Err(LedgerError::Illegal {
                    what: "an entry before the run began".to_owned(),
                });
            }
        };
        let changes = self.check(entries)?;
        let at_ms = self.clock.now().as_millisecond();
        for entry in entries {
            let step = if entry.step().is_empty() {
                0
            } else {
                self.fold.step(entry.step())
            };
            let columns = entry
                .columns()
                .map_err(|e| LedgerError::Unwritable { why: e.to_string() })?;
            self.seq += 1;
            let link = Link::new(self.seq, run, at_ms, &columns);
            self.head = link.hash(self.head, &mut self.buffer);
            self.connection
                .prepare_cached("INSERT INTO journal VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?
                .execute(params![
                    self.seq,
                    run,
                    at_ms,
                    columns.kind,
                    columns.step,
                    columns.key,
                    columns.part,
                    columns.data,
                    self.head.0
                ])?;
            self.fold.gather(step, run, entry);
            self.fold
                .write_small(&self.connection, step, run, at_ms, entry)?;
        }
        if self.fold.has_new_steps() {
            self.fold.write_new_steps(&self.connection)?;
        }
        for (key, open) in changes {
            if open {
                self.open.insert(key);
            } else {
                self.open.remove(&key);
            }
        }
        Ok(self.appended())
    }

    /// An answer needs an open intent: that the intent came first is what makes a crash harmless. Returns which
    /// intents open and close.
    fn check(&mut self, entries: &[Entry]) -> Result<HashMap<RecordKey, bool>, LedgerError> {
        let mut changes: HashMap<RecordKey, bool> = HashMap::new();
        for entry in entries {
            let (key, part, needs_intent, opens) = match entry {
                Entry::Intended(i) => (&i.key, i.part, false, true),
                Entry::Confirmed {
                    key, part, origin, ..
                } => (
                    key,
                    *part,
                    matches!(origin, Origin::Created | Origin::Updated),
                    false,
                ),
                Entry::Refused { key, part, .. } | Entry::Absent { key, part, .. } => {
                    (key, *part, true, false)
                }
                Entry::InDoubt { key, part, .. } => (key, *part, true, true),
                Entry::RolledBack { key, part, .. } | Entry::Again { key, part, .. } => {
                    (key, *part, false, false)
                }
                _ => continue,
            };
            let step = self.fold.step(entry.step());
            let place: RecordKey = (step, key.as_str().into(), part);
            let is_open = changes
                .get(&place)
                .copied()
                .unwrap_or_else(|| self.open.contains(&place));
            if needs_intent && !is_open {
                return Err(LedgerError::Illegal {
                    what: format!(
                        "{} of {} `{key}` without an intent before it",
                        entry.kind(),
                        entry.step()
                    ),
                });
            }
            changes.insert(place, opens);
        }
        Ok(changes)
    }

    fn appended(&self) -> Appended {
        Appended {
            seq: self.seq,
            head: self.head,
        }
    }

    /// Writes what is left and gives the lease back. What cannot be written now is folded again later.
    fn close(mut self) {
        if self.poison.is_some() {
            return;
        }
        let done = self.begin().and_then(|()| self.settle()).and_then(|()| {
            self.connection.execute("UPDATE lease SET ended = 1", [])?;
            self.commit()
        });
        if done.is_err() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}

fn weight(request: &Request) -> usize {
    match request {
        Request::Append(entries, _) => entries.len(),
        Request::Begin(..) | Request::Settle(_) | Request::Stop => 1,
    }
}

fn refuse(request: Request, error: LedgerError) {
    match request {
        Request::Append(_, answer) | Request::Settle(answer) => answer(Err(error)),
        Request::Begin(_, answer) => answer(Err(error)),
        Request::Stop => {}
    }
}
