//! The call budget of one account, shared by every step: who may call now, and who waits how long.
//!
//! Several windows hold at the same time (by hour and minute), what the server says about calls left is
//! obeyed where it is less, and the number of calls in flight adapts. Waiting is first come, first served,
//! and nobody spins. It sends nothing and reads no header itself.

mod gate;
mod state;

pub use gate::{Allowance, Gate, NoCalls, Reserved, Reserving};
pub use state::Signal;

use super::{cancel::Cancel, notice::Notice};
use crate::{clock::Clock, pace::Pause, platform::Limits};
use gate::Shut;
use state::{State, Turn, words};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;

/// Told of waits longer than a second: how long, and why.
pub type OnWait = Arc<dyn Fn(Duration, &str) + Send + Sync>;

/// Waits longer than this are reported.
const WORTH_SAYING: Duration = Duration::from_secs(1);
/// Where each call waits a little, the wait is reported this often and not per call.
const SAID_LATELY: Duration = Duration::from_secs(5);

/// Calls answered in one second, for the next process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// Unix time in seconds, rounded up: no call counts earlier than it was.
    pub second: i64,
    /// Calls.
    pub calls: u64,
}

/// Why no place was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoPlace {
    /// The caller asked to stop.
    Cancelled,
    /// It would take too long; what is in the way.
    TooLong(String),
    /// The window is closed, or the calls of the day are used.
    Paused(Pause),
    /// The account of the day's calls cannot be written.
    Unwritable(String),
}

/// The call budget of one account. Clones share it.
#[derive(Clone)]
pub struct Budget {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<State>,
    /// Held by whoever is first in the line; tokio's mutex serves in order of arrival.
    line: tokio::sync::Mutex<()>,
    changed: Notify,
    gate: OnceLock<Gate>,
    clock: Arc<dyn Clock>,
    /// Added to the clock's time, so that calls of an earlier process lie at positive instants.
    origin: Duration,
    patience: Duration,
    on_wait: Option<OnWait>,
    said_at: Mutex<Option<Duration>>,
    /// The wait that was announced last: until when, and why.
    announced: Mutex<Option<(Duration, String)>>,
    waited_micros: AtomicU64,
}

/// The right to send one call. Dropped without a word it counts as sent.
#[must_use]
pub struct Permit {
    budget: Budget,
    sent_at: Duration,
    open: bool,
}

/// Limits of ours, beside those of the platform.
#[derive(Clone, Copy, Debug, Default)]
pub struct OurLimits {
    /// Most calls a minute.
    pub per_minute: Option<u64>,
    /// Most calls an hour.
    pub per_hour: Option<u64>,
}

impl Budget {
    /// The budget of a platform's limits at a tier, and of ours. `patience`: the longest wait for one call that is
    /// worth it.
    pub fn new(
        limits: &Limits,
        tier: Option<&str>,
        ours: OurLimits,
        clock: Arc<dyn Clock>,
        patience: Duration,
        on_wait: Option<OnWait>,
    ) -> Budget {
        let mut windows: Vec<(u64, Duration)> = limits
            .calls
            .iter()
            .map(|c| (c.max.at(tier), c.per))
            .collect();
        for (calls, seconds) in [(ours.per_minute, 60), (ours.per_hour, 3600)] {
            windows.extend(calls.map(|calls| (calls, Duration::from_secs(seconds))));
        }
        let state = State::new(&windows, limits.in_flight);
        let origin = state.longest().unwrap_or_default() * 2;
        Budget {
            inner: Arc::new(Inner {
                state: Mutex::new(state),
                line: tokio::sync::Mutex::new(()),
                changed: Notify::new(),
                gate: OnceLock::new(),
                clock,
                origin,
                patience,
                on_wait,
                said_at: Mutex::new(None),
                announced: Mutex::new(None),
                waited_micros: AtomicU64::new(0),
            }),
        }
    }

    /// Puts a gate before the windows. To be done before the first call; a second gate is not taken.
    pub fn keep(&self, gate: Gate) {
        let _ = self.inner.gate.set(gate);
    }

    /// The gate, when there is one.
    pub fn gate(&self) -> Option<&Gate> {
        self.inner.gate.get()
    }

    fn now(&self) -> Duration {
        self.inner.clock.monotonic() + self.inner.origin
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place in every window, in order of arrival.
    ///
    /// # Errors
    /// When the caller asked to stop, the wait would be longer than the budget's patience, or the gate is shut.
    pub async fn acquire(&self, cancel: &Cancel) -> Result<Permit, NoPlace> {
        let _first = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(NoPlace::Cancelled),
            first = self.inner.line.lock() => first,
        };
        let mut said: Option<Duration> = None;
        loop {
            if cancel.is_cancelled() {
                return Err(NoPlace::Cancelled);
            }
            if let Some(gate) = self.gate() {
                gate.ready(self.inner.clock.now()).await?;
            }
            let now = self.now();
            let turn = {
                let mut state = self.state();
                let turn = state.turn(now);
                if turn == Turn::Go {
                    state.sent();
                    if let Some(gate) = self.gate() {
                        gate.take();
                    }
                }
                turn
            };
            let wait = match turn {
                Turn::Go => {
                    if said.is_some() {
                        *self.announced_slot() = None;
                    }
                    return Ok(Permit {
                        budget: self.clone(),
                        sent_at: now,
                        open: true,
                    });
                }
                Turn::WhenAnswered => None,
                Turn::At(at, why) => {
                    let wait = at.saturating_sub(now);
                    let wall = self.inner.clock.now();
                    if let Some(pause) = self.gate().and_then(|g| g.ends_before(wall, wait)) {
                        return Err(NoPlace::Paused(pause));
                    }
                    if wait > self.inner.patience {
                        let span = words(Duration::from_secs(wait.as_secs()));
                        return Err(NoPlace::TooLong(format!("{why}, for {span} more")));
                    }
                    if said.is_none_or(|said| at > said + WORTH_SAYING) {
                        said = Some(at);
                        self.say(wait, &why);
                        *self.announced_slot() = Some((at, why));
                    }
                    Some(wait)
                }
            };
            tokio::select! {
                () = cancel.cancelled() => {}
                () = self.inner.changed.notified() => {}
                () = sleep_or_never(wait) => {}
            }
            if wait.is_some() {
                let waited = self.now().saturating_sub(now);
                let micros = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
                self.inner
                    .waited_micros
                    .fetch_add(micros, Ordering::Relaxed);
            }
        }
    }

    fn announced_slot(&self) -> MutexGuard<'_, Option<(Duration, String)>> {
        self.inner
            .announced
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The wait that holds the whole line up: how much longer, and why; `None` while calls go out.
    pub fn waits(&self) -> Option<(Duration, String)> {
        let (until, why) = self.announced_slot().clone()?;
        let left = until.saturating_sub(self.now());
        (!left.is_zero()).then_some((left, why))
    }

    /// Reports a wait that is worth it.
    pub fn say(&self, wait: Duration, why: &str) {
        if wait <= WORTH_SAYING {
            return;
        }
        let now = self.now();
        {
            let mut said_at = self
                .inner
                .said_at
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let lately = said_at.is_some_and(|at| now < at + SAID_LATELY);
            if lately && wait < SAID_LATELY {
                return;
            }
            *said_at = Some(now);
        }
        tracing::debug!(millis = wait.as_millis(), %why, "waiting");
        if let Some(on_wait) = &self.inner.on_wait {
            on_wait(wait, why);
        }
    }

    /// Nobody sends for so long.
    pub fn pause(&self, wait: Duration, why: &str) {
        let now = self.now();
        self.state().pause(now + wait, why);
        self.inner.changed.notify_one();
    }

    /// Until a place comes free in a window that is nearly full by our own count.
    pub fn frees_in(&self) -> Option<Duration> {
        self.state().frees_in(self.now())
    }

    /// The longest window; `None` without limits.
    pub fn longest(&self) -> Option<Duration> {
        self.state().longest()
    }

    /// Milliseconds in which the line stood still.
    pub fn waited_ms(&self) -> u64 {
        self.inner.waited_micros.load(Ordering::Relaxed) / 1000
    }

    /// The calls that still count, by second, for the next process to begin with.
    pub fn snapshot(&self) -> Vec<Spent> {
        let now = self.now();
        let wall = self.inner.clock.now().as_millisecond();
        let mut by_second: BTreeMap<i64, u64> = BTreeMap::new();
        for at in self.state().spent(now) {
            let age = i64::try_from(now.saturating_sub(at).as_millis()).unwrap_or(i64::MAX);
            let second = wall
                .saturating_sub(age)
                .saturating_add(999)
                .div_euclid(1000);
            *by_second.entry(second).or_default() += 1;
        }
        by_second
            .into_iter()
            .map(|(second, calls)| Spent { second, calls })
            .collect()
    }

    /// Begins with the calls of an earlier process. A moment in the future (the system's time was set) counts
    /// as now.
    pub fn restore(&self, spent: &[Spent]) {
        let now = self.now();
        let wall = self.inner.clock.now().as_millisecond();
        let mut state = self.state();
        for one in spent {
            let age = wall.saturating_sub(one.second.saturating_mul(1000)).max(0);
            let age = Duration::from_millis(age.unsigned_abs());
            if let Some(at) = now.checked_sub(age) {
                state.add_spent(at, one.calls, now);
            }
        }
    }

    fn close(&self, sent_at: Duration, signal: Signal, notice: &Notice) {
        let now = self.now();
        self.state()
            .answered(now, sent_at, signal, notice.left, notice.reset_in);
        self.inner.changed.notify_one();
    }
}

impl From<Shut> for NoPlace {
    fn from(shut: Shut) -> NoPlace {
        match shut {
            Shut::Paused(pause) => NoPlace::Paused(pause),
            Shut::Unwritable(why) => NoPlace::Unwritable(why),
        }
    }
}

async fn sleep_or_never(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

impl Permit {
    /// The call was answered, or its answer will not come.
    pub fn answered(mut self, signal: Signal, notice: &Notice) {
        self.open = false;
        self.budget.close(self.sent_at, signal, notice);
    }

    /// The call never reached the server: its place is free again.
    pub fn unsent(mut self) {
        self.open = false;
        self.budget.state().unsent();
        self.budget.inner.changed.notify_one();
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.open {
            self.budget
                .close(self.sent_at, Signal::Trouble, &Notice::default());
        }
    }
}

#[cfg(test)]
mod tests;
