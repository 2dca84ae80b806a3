//! A day's account through budgets that die, end and begin anew, on a clock of the test.

use super::*;
use crate::{
    clock::{Clock, FixedClock},
    connector::{
        Cancel,
        budget::{Budget, Gate, NoPlace, OurLimits, Signal},
        notice::Notice,
    },
    ledger::Options,
    pace::{Days, Hours},
    platform::{Limits, zone},
};
use std::{path::Path, time::Duration};

fn pace(hours: &[&str], per_day: u64) -> Arc<Pace> {
    Arc::new(Pace {
        hours: hours.iter().map(|h| Hours::parse(h).unwrap()).collect(),
        days: Days::ALL,
        zone: zone::find("Europe/Berlin").unwrap(),
        zone_name: "Europe/Berlin".to_owned(),
        per_day: Some(per_day),
        per_hour: None,
        why: None,
        file: "migration.yaml".to_owned(),
    })
}

struct Process {
    budget: Budget,
    account: Arc<DayAccount>,
    // Last, so that its lease goes back when all else is gone.
    _ledger: Arc<Ledger>,
}

fn begin(path: &Path, clock: &Arc<FixedClock>, pace: &Arc<Pace>) -> Process {
    let shared = Arc::clone(clock) as Arc<dyn Clock>;
    let ledger = Arc::new(Ledger::open(path, Options::new(Arc::clone(&shared))).unwrap());
    let account = Arc::new(DayAccount::open(&ledger, "acme", pace, clock.now()).unwrap());
    let budget = Budget::new(
        &Limits::default(),
        None,
        OurLimits::default(),
        shared,
        Duration::from_secs(60),
        None,
    );
    let allowance = Arc::clone(&account) as Arc<dyn Allowance>;
    budget.keep(Gate::new(Arc::clone(pace), true, Some(allowance)));
    Process {
        budget,
        account,
        _ledger: ledger,
    }
}

impl Process {
    /// Makes calls until none is let out; how many, and why not more.
    async fn calls(&self, most: u64) -> (u64, Option<NoPlace>) {
        for made in 0..most {
            match self.budget.acquire(&Cancel::new()).await {
                Ok(permit) => permit.answered(Signal::Fine, &Notice::default()),
                Err(end) => return (made, Some(end)),
            }
        }
        (most, None)
    }

    async fn end(self) {
        let unused = self.budget.gate().unwrap().unused();
        self.account.give_back(unused).await;
    }
}

fn why(end: Option<NoPlace>) -> String {
    match end {
        Some(NoPlace::Paused(pause)) => format!("{}: {}", pause.moment, pause.why),
        other => format!("{other:?}"),
    }
}

fn clock(text: &str) -> Arc<FixedClock> {
    Arc::new(FixedClock::new(text.parse().unwrap()))
}

#[tokio::test]
async fn a_day_is_counted_over_processes_and_begins_anew_at_midnight() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let (clock, pace) = (clock("2026-11-23T20:00:00Z"), pace(&[], 1000));
    let first = begin(&path, &clock, &pace);
    assert_eq!(first.calls(333).await.0, 333);
    first.end().await;
    // What was set aside and not used is there for the next process.
    let second = begin(&path, &clock, &pace);
    assert_eq!(second.account.used(clock.now()), 333);
    let (made, end) = second.calls(2000).await;
    assert_eq!(made, 667);
    assert_eq!(
        why(end),
        "2026-11-24 00:00 (Europe/Berlin): the 1000 calls a day of migration.yaml are used"
    );
    assert_eq!(second.calls(1).await.0, 0);
    clock.advance(Duration::from_secs(3 * 3600 - 1));
    assert_eq!(second.calls(1).await.0, 0, "one second before midnight");
    clock.advance(Duration::from_secs(1));
    assert_eq!(second.calls(2000).await.0, 1000);
    second.end().await;
}

#[tokio::test]
async fn a_killed_process_never_makes_a_day_go_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let (clock, pace) = (clock("2026-11-23T20:00:00Z"), pace(&[], 1000));
    let mut made = 0;
    for kill in 1.. {
        let process = begin(&path, &clock, &pace);
        let (some, end) = process.calls(47).await;
        made += some;
        // Dropped without a word.
        drop(process);
        clock.advance(Duration::from_millis(200));
        if end.is_some() {
            // Each kill costs the rest of a block of ten, here three or less.
            assert!(made <= 1000 && made >= 1000 - 10 * kill, "{made} in {kill}");
            break;
        }
    }
    assert!(made >= 900, "{made}");
}

#[tokio::test]
async fn more_calls_a_day_go_on_where_fewer_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let clock = clock("2026-11-23T20:00:00Z");
    let process = begin(&path, &clock, &pace(&[], 50));
    assert_eq!(process.calls(90).await.0, 50);
    process.end().await;
    let process = begin(&path, &clock, &pace(&[], 80));
    assert_eq!(process.calls(90).await.0, 30);
    process.end().await;
}

#[tokio::test]
async fn the_window_shuts_while_calls_are_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let clock = clock("2026-11-23T20:59:00Z");
    let process = begin(&path, &clock, &pace(&["22:00-06:00"], 1000));
    let (made, end) = process.calls(5).await;
    assert_eq!(
        (made, why(end).as_str()),
        (0, "22:00 (Europe/Berlin): the window of migration.yaml")
    );
    assert_eq!(
        process.account.used(clock.now()),
        0,
        "nothing is set aside in vain"
    );
    clock.advance(Duration::from_secs(60));
    assert_eq!(process.calls(5).await.0, 5);
    // A call under way when the window shuts comes to its end.
    clock.advance(Duration::from_secs(8 * 3600 - 1));
    let under_way = process.budget.acquire(&Cancel::new()).await.unwrap();
    clock.advance(Duration::from_secs(1));
    under_way.answered(Signal::Fine, &Notice::default());
    let (made, end) = process.calls(5).await;
    assert_eq!(
        (made, why(end).as_str()),
        (0, "22:00 (Europe/Berlin): the window of migration.yaml")
    );
    process.end().await;
}

#[tokio::test]
async fn a_wait_beyond_the_window_is_a_pause() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let clock = clock("2026-11-24T04:30:00Z");
    let process = begin(&path, &clock, &pace(&["22:00-06:00"], 1000));
    assert_eq!(process.calls(1).await.0, 1);
    process
        .budget
        .pause(Duration::from_secs(31 * 60), "asked to wait");
    let (made, end) = process.calls(1).await;
    assert_eq!(
        (made, why(end).as_str()),
        (0, "22:00 (Europe/Berlin): the window of migration.yaml")
    );
}
