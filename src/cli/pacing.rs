//! How a command keeps count of an account's calls, and what it does when the pace of the migration says to stop.
//!
//! Calls are noted in the ledger while they are made, so that the next process begins with them. The calls of a day
//! are set aside before (see `run::allowance`). A pause ends the command, or it waits and begins again.

use super::{
    commands::ledger_path,
    connect::Destination,
    exit::{Exit, Failure},
    out,
    progress::Progress,
    signal,
};
use crate::cli::ledger_faults::{open_failure, unread};
use crate::{
    clock::{Clock, SystemClock},
    connector::{
        Cancel, Stop,
        budget::{Allowance, Gate, Spent},
        rest::Rest,
    },
    event::Event,
    ledger::{Appended, Entry, Ledger, LedgerError, Options, View},
    mapping::Migration,
    pace::{Pace, Pause},
    run::{RunError, allowance::DayAccount},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::runtime::Runtime;

/// What to do after a pause.
pub const AGAIN: &str = "run the same command then";
/// How often calls are noted.
const NOTE: Duration = Duration::from_millis(500);
/// Notes until calls without a limit are noted for a day that may get one.
const NOTES: u32 = 60;
/// How long a wait sleeps at most before it looks at the time again: a machine may sleep, its time may be set.
const LOOK: Duration = Duration::from_secs(20);
/// Looks after which a wait is told again.
const TELL: u32 = 30;

/// What a command does with the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// It loads: the window holds.
    Load,
    /// It only reads, or does an admin's part: calls count, the window does not hold.
    Look,
}

/// The pause as what a command ends with.
pub fn failure(pause: &Pause) -> Failure {
    Failure::new(
        Exit::Temporary,
        format!("paused until {}: {}", pause.moment, pause.why),
    )
    .until(pause.until)
}

/// Nothing, while the window of a migration is open.
///
/// # Errors
/// The pause until it opens.
pub fn open(migration: &Migration) -> Result<(), Failure> {
    let pause = (migration.pace.as_ref()).and_then(|p| p.closed(SystemClock::new().now()));
    pause.map_or(Ok(()), |pause| Err(failure(&pause)))
}

/// Does a piece of work; with `wait` again after each pause, until it has another end.
///
/// # Errors
/// What the work ends with.
pub fn again<F: Future<Output = Result<Exit, Failure>>>(
    runtime: &Runtime,
    wait: bool,
    progress: &Progress,
    once: impl Fn() -> F,
) -> Result<Exit, Failure> {
    runtime.block_on(async {
        let cancel = Cancel::new();
        let by = signal::listen(&cancel);
        loop {
            let ended = once().await;
            let pause = match &ended {
                Err(failure) if wait => failure.until.map(|until| (until, &failure.message)),
                _ => None,
            };
            let Some((until, message)) = pause else {
                return ended;
            };
            progress.clear();
            out::note(&format!("{message}; waits for it"));
            if !sleep_until(until, &cancel, progress).await {
                return Ok(signal::stopped(&by));
            }
        }
    })
}

/// Sleeps until a moment; false when somebody asked to stop.
async fn sleep_until(until: jiff::Timestamp, cancel: &Cancel, progress: &Progress) -> bool {
    let clock = SystemClock::new();
    for look in 0u32.. {
        let left = Duration::try_from(until.duration_since(clock.now())).unwrap_or_default();
        if left.is_zero() || cancel.is_cancelled() {
            break;
        }
        if look % TELL == 0 {
            progress.event(&Event::Waiting {
                millis: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
                why: "the pace of the migration".to_owned(),
            });
        }
        tokio::select! {
            () = cancel.cancelled() => {}
            () = tokio::time::sleep(left.min(LOOK)) => {}
        }
    }
    !cancel.is_cancelled()
}

/// Ends a run in the ledger: as paused where that is why, else with its outcome, and with why it ended early.
///
/// # Errors
/// When the ledger cannot be written.
pub fn end_run<T>(
    ledger: &Ledger,
    result: &Result<T, RunError>,
    outcome: &str,
) -> Result<Appended, LedgerError> {
    match result {
        Err(RunError::Stop(Stop::Paused(pause))) => {
            ledger.pause_run(pause.until.as_millisecond(), &pause.why)
        }
        Err(RunError::Stop(Stop::Cancelled)) | Ok(_) => ledger.end_run(outcome),
        Err(error) => ledger.fail_run(outcome, &error.to_string()),
    }
}

/// The outcome of a run that did not come to its end.
pub fn outcome(error: &RunError) -> &'static str {
    match error {
        RunError::Stop(Stop::Cancelled) => "stopped",
        RunError::Stop(Stop::Paused(_)) => "paused",
        RunError::Waits { .. } => "waiting",
        _ => "aborted",
    }
}

/// The ledger of a command that only looks, open for its account of calls; `None` where no day and no hour is
/// counted.
///
/// # Errors
/// When another command has it.
pub fn ledger_to_look(migration: &Migration) -> Result<Option<Arc<Ledger>>, Failure> {
    if !migration.pace.as_deref().is_some_and(is_counted) {
        return Ok(None);
    }
    let clock = Arc::new(SystemClock::new()) as Arc<dyn Clock>;
    let ledger = Ledger::open(&ledger_path(&migration.path), Options::new(clock));
    Ok(Some(Arc::new(ledger.map_err(|e| open_failure(&e))?)))
}

fn is_counted(pace: &Pace) -> bool {
    pace.per_day.or(pace.per_hour).is_some()
}

/// The account of one destination or source, while a command makes calls.
pub struct Calls {
    task: tokio::task::JoinHandle<()>,
    notes: Arc<tokio::sync::Mutex<Notes>>,
    rest: Rest,
    day: Option<Arc<DayAccount>>,
}

impl Calls {
    /// Begins with what earlier processes spent, and keeps count. To be done before the first call.
    ///
    /// # Errors
    /// The pause, when the window is closed or the calls of the day are used.
    pub fn count(
        ledger: &Arc<Ledger>,
        destination: &Destination,
        migration: &Migration,
        to: Use,
    ) -> Result<Calls, Failure> {
        let (rest, account) = (&destination.rest, &destination.account);
        let now = SystemClock::new().now();
        let mut calls = Calls::of(ledger, rest, account);
        let Some(pace) = &migration.pace else {
            return Ok(calls);
        };
        if is_counted(pace) {
            let day = DayAccount::open(ledger, account, pace, now).map_err(|e| unread(&e))?;
            if day.left(now) == Some(0) {
                return Err(failure(&pace.spent(now, to == Use::Load)));
            }
            if let Ok(view) = ledger.view() {
                restore_lost(&view, rest, account, &day, now);
            }
            calls.day = Some(Arc::new(day));
        }
        let allowance = calls.day.clone().map(|day| day as Arc<dyn Allowance>);
        rest.budget()
            .keep(Gate::new(Arc::clone(pace), to == Use::Load, allowance));
        Ok(calls)
    }

    /// The same for any account, without a pace.
    pub fn of(ledger: &Arc<Ledger>, rest: &Rest, account: &str) -> Calls {
        let now = SystemClock::new().now();
        if let Ok(view) = ledger.view() {
            restore(&view, rest, account, now);
        }
        let notes = Notes {
            ledger: Arc::clone(ledger),
            rest: rest.clone(),
            account: account.to_owned(),
            known: BTreeMap::new(),
            day: 0,
        };
        let notes = Arc::new(tokio::sync::Mutex::new(notes));
        let shared = Arc::clone(&notes);
        let task = tokio::spawn(async move {
            for turn in 1u32.. {
                tokio::time::sleep(NOTE).await;
                // A ledger that cannot be written stops the run by itself; there is nothing to add here.
                if !shared.lock().await.note(turn % NOTES == 0).await {
                    return;
                }
            }
        });
        Calls {
            task,
            notes,
            rest: rest.clone(),
            day: None,
        }
    }

    /// Notes the last calls. To be done when no more are made.
    pub async fn end(self) {
        self.task.abort();
        self.notes.lock().await.note(true).await;
        if let Some(day) = &self.day {
            let unused = self.rest.budget().gate().map_or(0, Gate::unused);
            day.give_back(unused).await;
        }
    }
}

/// Tells the rate budget about calls of an earlier process, so that a restart does not exceed a window.
fn restore(view: &View, rest: &Rest, account: &str, now: jiff::Timestamp) {
    let Some(longest) = rest.budget().longest() else {
        return;
    };
    let back = i64::try_from(longest.as_secs())
        .unwrap_or(i64::MAX)
        .max(3600);
    if let Ok(used) = view.budget(account, now.as_second().saturating_sub(back)) {
        let spent: Vec<Spent> = used
            .into_iter()
            .map(|(second, calls)| Spent { second, calls })
            .collect();
        rest.budget().restore(&spent);
    }
}

/// Calls that a killed process set aside and may have made without noting them: they count as made now.
fn restore_lost(view: &View, rest: &Rest, account: &str, day: &DayAccount, now: jiff::Timestamp) {
    let Some((second, calls)) = day.last() else {
        return;
    };
    let Ok(noted) = view.budget(account, second) else {
        return;
    };
    // What was done longer ago than the longest wait for a place is in no window any more.
    let seen = noted.last().map_or(second, |(at, _)| second.max(*at));
    let made: u64 = noted.iter().map(|(_, n)| n).sum();
    if now.as_second().saturating_sub(seen) < 7200 {
        rest.budget().restore(&[Spent {
            second: now.as_second(),
            calls: calls.saturating_sub(made),
        }]);
    }
}

/// What was noted so far.
struct Notes {
    ledger: Arc<Ledger>,
    rest: Rest,
    account: String,
    known: BTreeMap<i64, u64>,
    /// Calls that are noted for the day; only where none are set aside.
    day: u64,
}

impl Notes {
    /// Notes what is new; `day`: for the day, too. False when the ledger cannot be written.
    async fn note(&mut self, day: bool) -> bool {
        let now: BTreeMap<i64, u64> = (self.rest.budget().snapshot().into_iter())
            .map(|s| (s.second, s.calls))
            .collect();
        let mut news: Vec<Entry> = now
            .iter()
            .filter(|(second, calls)| self.known.get(*second) != Some(calls))
            .map(|(second, calls)| Entry::BudgetUsed {
                account: self.account.clone(),
                second: *second,
                calls: *calls,
            })
            .collect();
        // A migration that gets a limit in the middle of a day begins with the calls made before.
        let calls = self.rest.calls();
        let made = calls.read + calls.write;
        let aside = day && self.rest.budget().gate().is_none_or(|g| !g.sets_aside());
        if aside && made > self.day {
            let second = SystemClock::new().now().as_second();
            // A row of this second, of an earlier process or of this one, is not taken the place of.
            let there = self
                .ledger
                .view()
                .and_then(|v| v.reserved(&self.account, second));
            let there = there.ok().and_then(|rows| rows.first().copied());
            let same = there.filter(|(at, _)| *at == second).map_or(0, |(_, n)| n);
            news.push(Entry::CallsReserved {
                account: self.account.clone(),
                second,
                calls: same + made - self.day,
            });
        }
        if !news.is_empty() && self.ledger.append(news).await.is_err() {
            return false;
        }
        self.known = now;
        if aside {
            self.day = made;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn a_wait_begins_again_when_the_pause_is_over() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let progress = Progress::new(None, true).unwrap();
        let clock = SystemClock::new();
        let work = |pauses: u32| {
            let times = AtomicU32::new(0);
            let until = clock.now() + Duration::from_millis(300);
            move || {
                let paused = times.fetch_add(1, Ordering::Relaxed) < pauses;
                std::future::ready(match paused {
                    true => Err(Failure::new(Exit::Temporary, "paused").until(until)),
                    false => Ok(Exit::Done),
                })
            }
        };
        let begun = clock.monotonic();
        // Once it sleeps; the second pause is over already.
        let ended = again(&runtime, true, &progress, work(2));
        assert!(matches!(ended, Ok(Exit::Done)));
        assert!(clock.monotonic() - begun >= Duration::from_millis(250));
        let ended = again(&runtime, false, &progress, work(1));
        assert!(ended.is_err_and(|f| f.exit == Exit::Temporary && f.until.is_some()));
    }
}
