//! The thread that writes: gathers what waits into one transaction, then answers all who wait.
//!
//! One transaction costs one flush of the disk, however many entries it holds. When a transaction fails the
//! writer is poisoned: it answers every later request with the first cause and writes nothing more.
//!
//! Nobody is answered before the transaction of its entries is on disk. While many calls are under way whose intents
//! are on disk already, nothing is lost by waiting: the destination has work, so a transaction waits a few milliseconds for more
//! entries to share it. Where few calls are under way each request is written at once.

use super::{
    chain::{Hash, hash_frame},
    entry::Entry,
    fold::Fold,
    frame::Frame,
    group::Group,
    intents::Open,
    lease::Lease,
    reached::Reached,
    store::{Appended, LedgerError, Run, RunMeta},
};
use crate::clock::Clock;
use rusqlite::{Connection, params};
use std::{
    collections::HashSet,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender},
    },
    time::Duration,
};
use tokio::sync::oneshot;

/// Takes an answer to whoever waits for it, in async code or on a thread.
pub(super) enum Answer<T> {
    Task(oneshot::Sender<Result<T, LedgerError>>),
    Thread(SyncSender<Result<T, LedgerError>>),
    /// Nobody waits; what is wrong is told to everybody who asks afterwards.
    Nobody,
}

impl<T> Answer<T> {
    /// The caller may be gone; then nobody waits for the answer.
    fn give(self, result: Result<T, LedgerError>) {
        match self {
            Answer::Task(sender) => drop(sender.send(result)),
            Answer::Thread(sender) => drop(sender.send(result)),
            Answer::Nobody => {}
        }
    }
}

/// What a caller asks for, with the way back.
pub(super) enum Request {
    Append(Vec<Entry>, Answer<Appended>),
    Begin(RunMeta, Answer<Run>),
    /// Write what was gathered.
    Settle(Answer<Appended>),
    Stop,
}

/// What answers a request when its transaction is done.
enum Done {
    /// With the number of the last entry by then.
    Appended(Answer<Appended>, Result<i64, LedgerError>),
    Begun(Answer<Run>, Result<Run, LedgerError>),
}

/// Gathered changes that are written at the latest.
const GATHER: usize = 50_000;
/// How long gathered changes wait at most.
const SETTLE_AFTER: Duration = Duration::from_secs(2);

/// Bytes of a frame, at most about this many.
const FRAME: usize = 1 << 18;

/// The writing side of a ledger. Lives on its own thread, with a connection that is its own.
pub(super) struct Writer {
    pub clock: Arc<dyn Clock>,
    pub lease: Lease,
    pub ttl: Duration,
    pub seq: i64,
    pub head: Hash,
    pub run: Option<i64>,
    pub fold: Fold,
    /// Intents without an answer.
    pub open: Open,
    pub poison: Option<LedgerError>,
    pub settled_at: Duration,
    pub seen_at: Duration,
    pub written: Pending,
    /// Bytes of the journal that were written since the log of changes was last copied into the file.
    pub uncopied: usize,
    pub reached: Reached,
}

/// What is appended and not in the table yet: the frame that is being filled.
#[derive(Default)]
pub(super) struct Pending {
    frame: Frame,
    run: i64,
    at_ms: i64,
    /// Steps whose number a frame of this writer says.
    said: HashSet<i64>,
    /// Steps of the entries of one request.
    steps: Vec<i64>,
}

impl Writer {
    /// Serves requests until it is told to stop or nobody can ask any more.
    pub fn serve(mut self, connection: &Connection, requests: &Receiver<Request>) {
        loop {
            let chore = self.chore();
            let first = match requests.recv_timeout(self.patience(chore)) {
                Ok(Request::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(request) => request,
                Err(RecvTimeoutError::Timeout) => {
                    self.look(connection, chore);
                    continue;
                }
            };
            let group = Group::gather(first, requests, self.open.calls());
            let stop = group.stop;
            self.answer(connection, group.requests);
            if stop {
                break;
            }
        }
        self.close(connection);
    }

    /// Writes one group in one transaction and answers it.
    fn answer(&mut self, connection: &Connection, group: Vec<Request>) {
        let mut answers: Vec<Done> = Vec::with_capacity(group.len());
        match self.begin(connection) {
            Ok(()) => {
                for request in group {
                    answers.extend(self.carry_out(connection, request));
                }
            }
            Err(error) => {
                let error = self.poison.get_or_insert(error);
                group.into_iter().for_each(|r| refuse(r, error.clone()));
            }
        }
        if self.poison.is_none()
            && let Err(error) = self.commit(connection)
        {
            self.poison = Some(error);
        }
        if self.poison.is_some() {
            let _ = connection.execute_batch("ROLLBACK");
        }
        let head = self.head;
        for answer in answers {
            match (answer, &self.poison) {
                (Done::Appended(to, _), Some(error)) => to.give(Err(error.clone())),
                (Done::Appended(to, done), None) => to.give(done.map(|seq| Appended { seq, head })),
                (Done::Begun(to, _), Some(error)) => to.give(Err(error.clone())),
                (Done::Begun(to, done), None) => to.give(done),
            }
        }
    }

    /// Does what one request asks for, inside a transaction; gives what answers it when the transaction is done.
    fn carry_out(&mut self, connection: &Connection, request: Request) -> Option<Done> {
        if let Some(error) = &self.poison {
            refuse(request, error.clone());
            return None;
        }
        match request {
            Request::Append(entries, answer) => {
                let done = self.append(connection, entries);
                if let (Err(error), Answer::Nobody) = (&done, &answer) {
                    self.poison = Some(error.clone());
                }
                let done = self.note(done).map(|()| self.seq);
                Some(Done::Appended(answer, done))
            }
            Request::Begin(meta, answer) => {
                let done = self.begin_run(connection, meta);
                Some(Done::Begun(answer, self.note(done)))
            }
            Request::Settle(answer) => {
                let done = self.settle(connection);
                let done = self.note(done).map(|()| self.seq);
                Some(Done::Appended(answer, done))
            }
            Request::Stop => None,
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

    /// Begins a transaction, if nobody has taken over.
    pub fn begin(&self, connection: &Connection) -> Result<(), LedgerError> {
        if let Some(error) = &self.poison {
            return Err(error.clone());
        }
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let epoch: i64 = connection
            .prepare_cached("SELECT epoch FROM lease")?
            .query_row([], |r| r.get(0))?;
        if epoch != self.lease.epoch {
            return Err(LedgerError::Fenced);
        }
        Ok(())
    }

    pub fn commit(&mut self, connection: &Connection) -> Result<(), LedgerError> {
        let now = self.clock.monotonic();
        self.write_frame(connection)?;
        if now.saturating_sub(self.settled_at) > SETTLE_AFTER || self.fold.waiting() >= GATHER {
            self.settle(connection)?;
        }
        connection
            .prepare_cached("INSERT OR REPLACE INTO meta VALUES ('head_seq', ?1), ('head', ?2)")?
            .execute(params![self.seq, self.head.0])?;
        if now.saturating_sub(self.seen_at) > self.ttl / 3 {
            connection
                .prepare_cached("UPDATE lease SET seen_ms = ?1")?
                .execute([self.clock.now().as_millisecond()])?;
            self.seen_at = now;
        }
        connection.prepare_cached("COMMIT")?.execute([])?;
        self.reached.keep_up(self.seq, now);
        Ok(())
    }

    /// Writes the frame that is being filled, if there is something in it. Inside a transaction.
    fn write_frame(&mut self, connection: &Connection) -> Result<(), LedgerError> {
        let Pending {
            frame, run, at_ms, ..
        } = &mut self.written;
        let entries = frame.entries();
        if entries == 0 {
            return Ok(());
        }
        let place = (self.seq - entries + 1, self.seq);
        self.head = hash_frame(self.head, place, *run, *at_ms, frame.bytes());
        connection
            .prepare_cached("INSERT INTO journal VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![
                self.seq,
                entries,
                *run,
                *at_ms,
                frame.bytes(),
                self.head.0
            ])?;
        self.uncopied += frame.bytes().len();
        frame.clear();
        Ok(())
    }

    /// Writes what was gathered. Inside a transaction.
    pub fn settle(&mut self, connection: &Connection) -> Result<(), LedgerError> {
        // What is folded ends where a frame ends, so that what a crash leaves begins with one.
        self.write_frame(connection)?;
        self.settled_at = self.clock.monotonic();
        if self.fold.waiting() == 0 {
            return Ok(());
        }
        self.fold.write_gathered(connection)?;
        connection
            .prepare_cached("INSERT OR REPLACE INTO meta VALUES ('folded', ?1)")?
            .execute([self.seq])?;
        Ok(())
    }

    fn begin_run(&mut self, connection: &Connection, meta: RunMeta) -> Result<Run, LedgerError> {
        let (last, unfinished): (i64, bool) = connection.query_row(
            "SELECT coalesce(max(run), 0), coalesce((SELECT outcome IS NULL FROM runs ORDER BY run DESC LIMIT 1), 0)
             FROM runs",
            [],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )?;
        self.run = Some(last + 1);
        let started = Entry::RunStarted {
            command: meta.command,
            plan: meta.plan,
            engine: meta.engine,
            resumed: unfinished,
        };
        self.append(connection, vec![started])?;
        Ok(Run {
            id: last + 1,
            resumed: unfinished,
        })
    }

    /// Appends the entries of one request, all or none.
    fn append(&mut self, connection: &Connection, entries: Vec<Entry>) -> Result<(), LedgerError> {
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
        let fold = &mut self.fold;
        let steps = entries.iter().map(|e| match e.step() {
            "" => 0,
            name => fold.step(name),
        });
        self.written.steps.clear();
        self.written.steps.extend(steps);
        self.open.apply(&entries, &self.written.steps)?;
        if self.fold.has_new_steps() {
            self.fold.write_new_steps(connection)?;
        }
        for (nth, entry) in entries.into_iter().enumerate() {
            if self.written.run != run || self.written.frame.bytes().len() >= FRAME {
                self.write_frame(connection)?;
            }
            let Pending {
                frame,
                run: of,
                at_ms,
                said,
                steps,
            } = &mut self.written;
            if frame.entries() == 0 {
                (*of, *at_ms) = (run, self.clock.now().as_millisecond());
            }
            let step = steps.get(nth).copied().unwrap_or_default();
            if step != 0 && said.insert(step) {
                frame.name(step, entry.step());
            }
            frame
                .push(step, &entry)
                .map_err(|e| LedgerError::Unwritable { why: e.to_string() })?;
            self.seq += 1;
            self.fold
                .write_small(connection, step, run, *at_ms, &entry)?;
            self.fold.gather(step, run, entry);
        }
        Ok(())
    }

    /// Writes what is left and gives the lease back. What cannot be written now is folded again later.
    fn close(mut self, connection: &Connection) {
        let begun = self.begin(connection);
        let done = begun.and_then(|()| self.settle(connection)).and_then(|()| {
            connection.execute("UPDATE lease SET ended = 1", [])?;
            self.commit(connection)
        });
        match done {
            Ok(()) => self.reached.write(self.seq),
            Err(_) => drop(connection.execute_batch("ROLLBACK")),
        }
    }
}

fn refuse(request: Request, error: LedgerError) {
    match request {
        Request::Append(_, answer) | Request::Settle(answer) => answer.give(Err(error)),
        Request::Begin(_, answer) => answer.give(Err(error)),
        Request::Stop => {}
    }
}
