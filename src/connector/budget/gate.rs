//! What stands before the budget's windows: the hours of a migration, and calls set aside for the day.
//!
//! A call is let out only inside the hours and out of calls that a durable account has set aside before; so no
//! crash and no other process makes a day's calls go over.

use crate::pace::{Cause, Opening, Pace, Pause};
use jiff::{SignedDuration, Timestamp};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Calls that may be made until the day ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// How many.
    pub calls: u64,
    /// When the day ends: what is left by then is void.
    pub until: Timestamp,
}

/// Why no calls were set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoCalls {
    /// The day's calls are used.
    Spent,
    /// The account cannot be written.
    Unwritable(String),
}

/// The answer of an [`Allowance`], when it comes.
pub type Reserving<'a> = Pin<Box<dyn Future<Output = Result<Reserved, NoCalls>> + Send + 'a>>;

/// Sets calls aside in an account that outlives the process.
pub trait Allowance: Send + Sync {
    /// Sets some calls aside; done when that is durable.
    fn reserve(&self, now: Timestamp) -> Reserving<'_>;
}

/// The gate of one account.
pub struct Gate {
    pace: Arc<Pace>,
    /// The hours hold for these calls.
    hours: bool,
    allowance: Option<Arc<dyn Allowance>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// A span of the window that was looked up, so that not every call asks the calendar.
    open: Option<(Timestamp, Timestamp)>,
    block: Option<Reserved>,
}

/// Why no call may go out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shut {
    Paused(Pause),
    Unwritable(String),
}

impl Gate {
    /// A gate. `hours`: the window holds for these calls; `allowance`: where the calls of a day are set aside.
    pub fn new(pace: Arc<Pace>, hours: bool, allowance: Option<Arc<dyn Allowance>>) -> Gate {
        Gate {
            hours: hours && pace.has_window(),
            pace,
            allowance,
            state: Mutex::new(State::default()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until when calls may go out; `None`: there is no end in sight.
    fn open(&self, now: Timestamp) -> Result<Option<Timestamp>, Pause> {
        if !self.hours {
            return Ok(None);
        }
        let known = self.state().open;
        if let Some((_, until)) = known.filter(|(since, until)| *since <= now && now < *until) {
            return Ok(Some(until));
        }
        match self.pace.opening(now) {
            Opening::Open(until) => {
                self.state().open = until.map(|until| (now, until));
                Ok(until)
            }
            Opening::Closed(_) => match self.pace.closed(now) {
                Some(pause) => Err(pause),
                None => Ok(None),
            },
        }
    }

    /// Waits until a call of the day is set aside. Asked by one caller at a time.
    pub(super) async fn ready(&self, now: Timestamp) -> Result<(), Shut> {
        self.open(now).map_err(Shut::Paused)?;
        let Some(allowance) = &self.allowance else {
            return Ok(());
        };
        let has_some = |block: &Reserved| block.calls > 0 && now < block.until;
        if self.state().block.as_ref().is_some_and(has_some) {
            return Ok(());
        }
        match allowance.reserve(now).await {
            Ok(block) => {
                self.state().block = Some(block);
                Ok(())
            }
            Err(NoCalls::Spent) => Err(Shut::Paused(self.pace.spent(now, self.hours))),
            Err(NoCalls::Unwritable(why)) => Err(Shut::Unwritable(why)),
        }
    }

    /// The pause, when a wait of that length would end after the window.
    pub(super) fn ends_before(&self, now: Timestamp, wait: Duration) -> Option<Pause> {
        let end = self.open(now).ok().flatten()?;
        let wait = SignedDuration::try_from(wait).ok()?;
        let then = now.checked_add(wait).ok()?;
        match self.pace.opening(then) {
            Opening::Closed(_) if then >= end => self.pace.closed(then).map(|p| {
                // Told as of now: the moment shows its date when that is not today.
                self.pace.pause(now, p.until, Cause::Window)
            }),
            _ => None,
        }
    }

    /// True when calls are set aside before they are made.
    pub fn sets_aside(&self) -> bool {
        self.allowance.is_some()
    }

    /// Takes one of the calls set aside. One that then never reached the server stays counted.
    pub(super) fn take(&self) {
        if let Some(block) = &mut self.state().block {
            block.calls = block.calls.saturating_sub(1);
        }
    }

    /// Calls of the last block that were not made; nobody may call any more.
    pub fn unused(&self) -> u64 {
        self.state().block.take().map_or(0, |block| block.calls)
    }
}
