//! Hours and calls a day of a migration: no call outside the window, no day over, over runs, kills and commands; and
//! the end is the one of an undisturbed run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use serde_json::Value;
use std::{
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};
use support::{Example, Sandbox, account, counts, transload};
use transload::clock::{Clock, SystemClock};

/// A zone in which it is noon now, so that no midnight comes while the test runs.
fn noon() -> jiff::tz::Offset {
    let hour = SystemClock::new()
        .now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .hour();
    jiff::tz::Offset::constant(12 - hour)
}

/// The pace with a window from so many hours before or after now, in its zone.
fn pace(example: &Example, window: Option<(i64, i64)>, per_day: Option<u64>) {
    let zone = noon();
    let now = SystemClock::new().now();
    let at = |hours: i64| {
        let there = now + jiff::SignedDuration::from_hours(hours);
        zone.to_datetime(there).strftime("%H:%M").to_string()
    };
    let mut block = format!(
        "pace:\n  zone: \"{}{:02}:00\"\n",
        if zone.seconds() < 0 { '-' } else { '+' },
        zone.seconds().abs() / 3600
    );
    if let Some((from, to)) = window {
        block.push_str(&format!("  window: {}-{}\n", at(from), at(to)));
    }
    if let Some(n) = per_day {
        block.push_str(&format!("  per_day: {n}\n"));
    }
    example.edit(|text| {
        let text = support::replace_block(text, "pace:", "");
        format!("{text}\n{block}")
    });
}

fn calls(sandbox: &Sandbox) -> u64 {
    sandbox.admin_get("/calls")["calls"]
        .as_u64()
        .expect("calls")
}

fn command(example: &Example, words: &[&str]) -> Command {
    let mut command = transload();
    command.args(words).arg(example.migration());
    command
}

/// Fails unless a command ended for its pace; what it said.
fn paused(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(75), "{stderr}");
    assert!(
        !stderr.contains("error:") && !stderr.contains("panicked"),
        "{stderr}"
    );
    let line = stderr.lines().find(|l| l.starts_with("paused until "));
    line.unwrap_or_else(|| panic!("{stderr}")).to_owned()
}

fn run(example: &Example) -> Output {
    example.command().output().expect("it runs")
}

fn status(example: &Example) -> Value {
    let output = command(example, &["status", "--format", "json"])
        .output()
        .expect("it runs");
    serde_json::from_slice(&output.stdout).expect("json")
}

#[test]
fn a_closed_window_lets_no_call_out() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    pace(&example, Some((3, 5)), None);
    let status = command(&example, &["status"]).output().expect("it runs");
    assert_eq!(status.status.code(), Some(3));
    let said = String::from_utf8_lossy(&status.stderr).into_owned();
    for part in ["has not run yet", "its pace is ", "its window opens at "] {
        assert!(said.contains(part), "`{part}` in {said}");
    }
    let plan = command(&example, &["plan"]).output().expect("it runs");
    let plan = String::from_utf8_lossy(&plan.stdout).into_owned();
    assert!(
        plan.contains("1 opening of the window, at most 2 000 calls each"),
        "{plan}"
    );
    let said = paused(&run(&example));
    assert!(
        said.contains(":00): the window of migration.yaml; run the same command then"),
        "{said}"
    );
    for words in [&["sample"][..], &["delta", "--auto-approve"]] {
        paused(&command(&example, words).output().expect("it runs"));
    }
    assert_eq!(calls(&sandbox), 0);
    // To look is no load.
    let looked = command(&example, &["discover"]).output().expect("it runs");
    assert_ne!(looked.status.code(), Some(75));
    assert!(calls(&sandbox) > 0);
}

#[test]
fn days_never_go_over_and_the_end_is_the_same() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    pace(&example, Some((-3, 3)), Some(50));
    let said = paused(&run(&example));
    assert!(
        said.contains("the 50 calls a day of migration.yaml are used"),
        "{said}"
    );
    assert!(
        said.contains(" records to go; run the same command then"),
        "{said}"
    );
    let first = calls(&sandbox);
    assert!((40..=50).contains(&first), "{first} calls");
    let row = status(&example)["run"].clone();
    assert_eq!(row["outcome"], "paused", "{row}");
    let told = status(&example);
    assert_eq!(told["state"], "paused", "{told}");
    assert!(told["waits"]["until"].is_string(), "{told}");
    assert_eq!(told["waits"]["what"], row["why"], "{told}");
    let text = command(&example, &["status"]).output().expect("it runs");
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    let until = text.lines().find(|l| l.contains("waits until "));
    let until = until.expect("a line");
    let zone = noon();
    let name = format!(
        "({}{:02}:00): ",
        if zone.seconds() < 0 { '-' } else { '+' },
        zone.seconds().abs() / 3600
    );
    assert!(until.contains(&name), "{name} in {until}");
    let next = told["next"]["command"].as_str().expect("a command");
    assert!(next.starts_with("transload run "), "{next}");
    assert!(
        row["until_ms"].as_i64().expect("a moment") > row["ended_ms"].as_i64().expect("an end")
    );
    assert_eq!(row["why"], "the 50 calls a day of migration.yaml are used");

    // Nobody finds another call today.
    paused(&run(&example));
    for words in ["sample", "reconcile", "discover"] {
        paused(&command(&example, &[words]).output().expect("it runs"));
    }
    let mut trace = command(&example, &["trace"]);
    paused(&trace.arg("contact/1").output().expect("it runs"));
    assert_eq!(calls(&sandbox), first);

    // More a day, and kills in the middle of it.
    pace(&example, Some((-3, 3)), Some(350));
    for more in [120, 280] {
        let mut child = example
            .command()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let began = Instant::now();
        while calls(&sandbox) < more && began.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().expect("SIGKILL");
        child.wait().expect("it is gone");
    }
    let killed = calls(&sandbox);
    paused(&run(&example));
    let day = calls(&sandbox);
    assert!(
        day <= 350 && day >= killed.max(330),
        "{day} calls, {killed} before"
    );

    // Pause after pause, each day a little: every one goes on, and the end is as if nothing had been.
    let mut days = 0;
    for per_day in (day..).step_by(45).skip(1) {
        pace(&example, Some((-3, 3)), Some(per_day));
        let output = run(&example);
        assert!(calls(&sandbox) <= per_day);
        if output.status.success() {
            break;
        }
        paused(&output);
        days += 1;
        assert!(days < 12, "it does not come to its end");
    }
    assert!(days > 1, "{days} pauses");
    pace(&example, Some((-3, 3)), None);
    let report = example.run();
    assert_eq!(report["calls_write"], 0, "{report}");
    let there = counts(&sandbox);
    assert_eq!(
        (there["contact"], there["note"], there["task"]),
        (286, 329, 124),
        "{report}"
    );
    let audit = command(&example, &["audit", "verify"])
        .output()
        .expect("it runs");
    assert!(audit.status.success(), "{audit:?}");

    // Calls that nothing limited count when a limit comes.
    let before = calls(&sandbox);
    pace(&example, None, Some(before));
    paused(&run(&example));
    assert_eq!(calls(&sandbox), before);

    // Undoing is a load, too; its plan is none.
    pace(&example, Some((3, 5)), None);
    paused(&command(&example, &["rollback"]).output().expect("it runs"));
    assert_eq!(calls(&sandbox), before);
    let plan = command(&example, &["rollback", "--plan"])
        .output()
        .expect("it runs");
    assert!(plan.status.success(), "{plan:?}");
}

#[cfg(unix)]
#[test]
fn a_wait_ends_cleanly_on_a_signal() {
    use std::io::{BufRead, BufReader};
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    pace(&example, Some((3, 5)), None);
    let mut child = example
        .command()
        .arg("--wait")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stderr.take().expect("stderr")).lines();
    let said = lines.find_map(|l| Some(l.expect("text")).filter(|l| l.contains("waits for it")));
    assert!(said.is_some_and(|s| s.starts_with("paused until ")));
    // Nobody is kept from looking meanwhile.
    assert!(
        command(&example, &["plan"])
            .output()
            .expect("it runs")
            .status
            .code()
            .is_some()
    );
    let sent = Command::new("sh")
        .args(["-c", "kill -s INT \"$0\"", &child.id().to_string()])
        .status()
        .expect("kill");
    assert!(sent.success());
    let rest: Vec<String> = lines.map(|l| l.expect("text")).collect();
    assert_eq!(child.wait().expect("it ends").code(), Some(130), "{rest:?}");
    assert!(
        rest.iter().any(|l| l.contains("stopped cleanly")),
        "{rest:?}"
    );
    assert_eq!(calls(&sandbox), 0);
}
