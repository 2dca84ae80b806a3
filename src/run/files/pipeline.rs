//! Pages of a file through all cores: taken apart and worked on side by side, begun and delivered in source order.
//!
//! Workers pull: whoever is free takes the next rows off the file, so that nothing is queued that nobody works on. Two
//! moments are in source order: `begin` sees every page once before any later page begins, and `deliver` takes
//! results one after the other. Memory is bounded by a few pages for each worker.

use crate::{
    connector::{Cancel, Stop, files::Rows},
    run::failure::RunError,
    value::Page,
};
use std::{
    collections::BTreeMap,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// Results that may wait for an earlier one, for each worker.
const WAITING: usize = 4;

/// The number of workers: as many as the machine has cores.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Runs the pages of a file through `workers` threads. `worker` makes what a thread keeps for itself; `begin` and
/// `deliver` are called in source order; `work` is not. A result holds its page until it is delivered; `deliver`
/// gives the page back to be used again.
///
/// # Errors
/// The first error of the file or of `deliver`, or a stop on request.
pub fn run<L, K: Send, T: Send>(
    rows: Rows,
    workers: usize,
    cancel: &Cancel,
    worker: impl Fn() -> L + Sync,
    begin: impl Fn(&Page) -> K + Sync,
    work: impl Fn(&mut L, Page, K) -> T + Sync,
    deliver: impl FnMut(T) -> Result<Page, RunError> + Send,
) -> Result<(), RunError> {
    let line = Line {
        reader: Mutex::new(Reader { rows, next: 0 }),
        turn: Mutex::new(Turn::default()),
        turned: Condvar::new(),
        outbox: Mutex::new(Outbox {
            next: 0,
            ready: BTreeMap::new(),
            busy: false,
        }),
        moved: Condvar::new(),
        spare: Mutex::new(Vec::new()),
        failure: Mutex::new(None),
        stop: AtomicBool::new(false),
        room: workers.max(1) * WAITING,
    };
    let deliver = Mutex::new(deliver);
    std::thread::scope(|scope| {
        for _ in 0..workers.max(1) {
            scope.spawn(|| {
                let _guard = Guard(&line);
                let mut own = worker();
                while let Some((number, page, key)) = line.take(cancel, &begin) {
                    let result = work(&mut own, page, key);
                    line.put(number, result, &deliver);
                }
            });
        }
    });
    match lock(&line.failure).take() {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

struct Line<T> {
    reader: Mutex<Reader>,
    turn: Mutex<Turn>,
    turned: Condvar,
    outbox: Mutex<Outbox<T>>,
    moved: Condvar,
    spare: Mutex<Vec<Page>>,
    failure: Mutex<Option<RunError>>,
    stop: AtomicBool,
    room: usize,
}

struct Reader {
    rows: Rows,
    /// The number of the next piece.
    next: u64,
}

/// Whose page begins next, and the number of its first row.
#[derive(Default)]
struct Turn {
    next: u64,
    rows: u64,
}

struct Outbox<T> {
    /// The number of the next result to deliver.
    next: u64,
    ready: BTreeMap<u64, T>,
    /// Someone delivers.
    busy: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T: Send> Line<T> {
    /// The next page, begun; `None` when there is none, or the line stops.
    fn take<K>(
        &self,
        cancel: &Cancel,
        begin: &(impl Fn(&Page) -> K + Sync),
    ) -> Option<(u64, Page, K)> {
        self.wait_for_room();
        if cancel.is_cancelled() {
            self.fail(RunError::Stop(Stop::Cancelled));
        }
        let mut spare = lock(&self.spare).pop().unwrap_or_default();
        let (number, piece) = {
            let mut reader = lock(&self.reader);
            if self.stopped() {
                return None;
            }
            reader.rows.recycle_text(std::mem::take(&mut spare.text));
            match reader.rows.next_piece() {
                Ok(Some(piece)) => {
                    let number = reader.next;
                    reader.next += 1;
                    (number, piece)
                }
                Ok(None) => return None,
                Err(error) => {
                    drop(reader);
                    self.fail(error.into());
                    return None;
                }
            }
        };
        let mut page = piece.into_page(spare);
        let mut turn = lock(&self.turn);
        while turn.next != number {
            if self.stopped() {
                return None;
            }
            turn = self
                .turned
                .wait(turn)
                .unwrap_or_else(PoisonError::into_inner);
        }
        page.first = turn.rows;
        turn.rows += page.rows() as u64;
        let key = begin(&page);
        turn.next += 1;
        drop(turn);
        self.turned.notify_all();
        Some((number, page, key))
    }

    /// Waits until results that cannot be delivered yet are few.
    fn wait_for_room(&self) {
        let mut outbox = lock(&self.outbox);
        while outbox.ready.len() >= self.room && !self.stopped() {
            outbox = self
                .moved
                .wait(outbox)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes a result, and delivers all whose turn it is unless another thread does.
    fn put(
        &self,
        number: u64,
        result: T,
        deliver: &Mutex<impl FnMut(T) -> Result<Page, RunError>>,
    ) {
        let mut outbox = lock(&self.outbox);
        outbox.ready.insert(number, result);
        if outbox.busy {
            return;
        }
        outbox.busy = true;
        while let Some(result) = {
            let next = outbox.next;
            outbox.ready.remove(&next)
        } {
            outbox.next += 1;
            drop(outbox);
            if !self.stopped() {
                match lock(deliver)(result) {
                    Ok(page) => lock(&self.spare).push(page),
                    Err(error) => self.fail(error),
                }
            }
            self.moved.notify_all();
            outbox = lock(&self.outbox);
        }
        outbox.busy = false;
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    fn fail(&self, error: RunError) {
        lock(&self.failure).get_or_insert(error);
        self.halt();
    }

    fn halt(&self) {
        self.stop.store(true, Ordering::Release);
        // Whoever is about to wait has looked at `stop` under the lock, so the lock comes first here, too.
        drop(lock(&self.turn));
        self.turned.notify_all();
        drop(lock(&self.outbox));
        self.moved.notify_all();
    }
}

/// A worker that panics lets nobody wait for its page.
struct Guard<'l, T: Send>(&'l Line<T>);

impl<T: Send> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.halt();
        }
    }
}
