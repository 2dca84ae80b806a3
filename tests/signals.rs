//! Stopped by a signal, read by somebody who goes away, run without a terminal: a run ends cleanly, says so in
//! its exit code, and goes on.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use serde_json::Value;
use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};
use support::{Example, account, counts};

fn signal(child: &Child, name: &str) {
    let sent = Command::new("sh")
        .args(["-c", "kill -s \"$0\" \"$1\"", name, &child.id().to_string()])
        .status()
        .expect("kill");
    assert!(sent.success());
}

/// The binary with a script of sh around it; `$0` is the binary, `$1` the migration.
fn piped(example: &Example, script: &str) -> Output {
    Command::new("sh")
        .args(["-c", script])
        .arg(env!("CARGO_BIN_EXE_transload"))
        .arg(example.migration())
        .env("TRANSLOAD_TEST_KEY", "sandbox-key")
        .env("NO_COLOR", "1")
        .output()
        .expect("it runs")
}

#[test]
fn signals_stop_cleanly_and_the_same_command_goes_on() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        // Slow answers, so that calls are under way when the signal comes.
        let sandbox = account(&["--fault", "slow=0.2"]);
        let example = Example::against("allclients", &sandbox);
        let child = example
            .command()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let began = Instant::now();
        while counts(&sandbox)["note"] < 20 {
            assert!(began.elapsed() < Duration::from_secs(60), "nothing loads");
            std::thread::sleep(Duration::from_millis(20));
        }
        signal(&child, name);
        let told = Instant::now();
        let output = child.wait_with_output().expect("it ends");
        assert!(
            told.elapsed() < Duration::from_secs(20),
            "{name}: slow to stop"
        );
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{name}: {stderr}");
        assert!(stderr.contains("stopped cleanly"), "{stderr}");
        let some = counts(&sandbox)["note"];
        assert!(some < 329, "{name}: it was over before");
        // A clean stop leaves nothing in doubt.
        let status = support::transload()
            .args(["status", "--format", "json"])
            .arg(example.migration())
            .output()
            .expect("it runs");
        let status: Value = serde_json::from_slice(&status.stdout).expect("json");
        assert_eq!(status["run"]["outcome"], "stopped", "{status}");
        for states in status["records"].as_object().expect("steps").values() {
            assert!(states["intended"].is_null(), "{name}: {status}");
        }
        example.run();
        assert_eq!(example.run()["calls_write"], 0);
        assert_eq!(counts(&sandbox)["note"], 329);
        assert_eq!(counts(&sandbox)["task"], 124);
        assert_eq!(sandbox.admin_get("/calls")["repeated"]["after_effect"], 0);
    }
}

#[test]
fn a_reader_that_goes_away_breaks_nothing() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    for script in [
        "\"$0\" validate \"$1\" | head -n 1; echo",
        "\"$0\" plan \"$1\" | head -n 1; echo",
        "\"$0\" plan --format json \"$1\" | head -c 1; echo",
        "\"$0\" explain | head -n 1; echo",
        "\"$0\" run \"$1\" --auto-approve --provision --events - | head -n 1; echo",
        "\"$0\" run \"$1\" --auto-approve --provision | head -n 1; echo",
        "\"$0\" holds list \"$1\" | head -n 1; echo",
        "\"$0\" --help | head -n 1; echo",
    ] {
        let output = piped(&example, script);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.contains("panicked"), "{script}: {stderr}");
        assert!(output.stdout.len() > 1, "{script}: {stderr}");
    }
    // The run whose reader went away came to its end all the same.
    assert_eq!(example.run()["calls_write"], 0);
    assert_eq!(counts(&sandbox)["note"], 329);
}

#[test]
fn without_stderr_or_stdout_a_run_comes_to_its_end() {
    for script in [
        "\"$0\" run \"$1\" --auto-approve --provision 2>&-",
        "\"$0\" run \"$1\" --auto-approve --provision >&-",
        "\"$0\" run \"$1\" --auto-approve --provision >&- 2>&- <&-",
        "\"$0\" run \"$1\" --auto-approve --provision --events - >&- 2>&-",
        "\"$0\" run \"$1\" --auto-approve --provision >/dev/full 2>/dev/full",
    ] {
        let sandbox = account(&[]);
        let example = Example::against("allclients", &sandbox);
        let output = piped(&example, script);
        // A reader that is gone is no failure; a result that a full disk has cut is one, and the load is whole all the same.
        let code = if script.contains("/dev/full") { 75 } else { 0 };
        assert_eq!(output.status.code(), Some(code), "{script}: {output:?}");
        assert_eq!(counts(&sandbox)["note"], 329, "{script}");
        assert_eq!(example.run()["calls_write"], 0, "{script}");
    }
}

fn events(lines: impl Iterator<Item = String>) -> Vec<Value> {
    lines
        .map(|l| serde_json::from_str(&l).unwrap_or_else(|e| panic!("{e}: {l}")))
        .collect()
}

#[test]
fn events_are_one_json_document_per_line() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    let mut child = example
        .command()
        .args(["--events", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let out = BufReader::new(child.stdout.take().expect("stdout"));
    let told = events(out.lines().map(|l| l.expect("text")));
    assert!(child.wait().expect("it ends").success());
    let of = |name: &str| told.iter().filter(|e| e["event"] == name).count();
    assert_eq!((of("run_started"), of("run_finished")), (1, 1));
    assert_eq!((of("step_started"), of("step_finished")), (5, 5));
    // A file is appended to: two runs, one after the other.
    let file = example.folder.path().join("events of runs.jsonl");
    for _ in 0..2 {
        let output = example
            .command()
            .arg("--events")
            .arg(&file)
            .output()
            .expect("it runs");
        support::report_of(&output);
    }
    let text = fs::read_to_string(&file).expect("events");
    let told = events(text.lines().map(str::to_owned));
    assert_eq!(
        told.iter().filter(|e| e["event"] == "run_finished").count(),
        2
    );
    // What cannot be opened is told before anything is called.
    let output = example
        .command()
        .arg("--events")
        .arg(example.folder.path().join("no/such/folder/events"))
        .output()
        .expect("it runs");
    let message = support::failed_with(&output, 2);
    assert!(message.contains("no/such/folder"), "{message}");
}

#[test]
fn machine_formats_parse_and_stderr_without_a_terminal_is_short() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    let output = example.command().output().expect("it runs");
    support::report_of(&output);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !stderr.contains('\u{1b}') && !stderr.contains('\r'),
        "{stderr:?}"
    );
    assert!(stderr.contains("run 1 starts"), "{stderr}");
    assert!(
        stderr.contains("contact: read 320, created 283"),
        "{stderr}"
    );
    let progress = stderr.lines().filter(|l| l.contains(": read ")).count();
    assert_eq!(progress, 5, "{stderr}");
    let migration = example.migration();
    let migration = migration.to_str().expect("path");
    for args in [
        &["validate", migration, "--format", "json"][..],
        &["plan", migration, "--format", "json"],
        &["plan", migration, "--format", "json", "--offline"],
        &["status", migration, "--format", "json"],
        &["holds", "list", migration, "--format", "json"],
        &["schema", "mapping"],
    ] {
        let output = support::transload().args(args).output().expect("it runs");
        assert!(output.status.success(), "{args:?}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap_or_else(|e| panic!("{args:?}: {e}"));
    }
    let output = support::transload()
        .args(["holds", "list", migration, "--format", "csv"])
        .output()
        .expect("it runs");
    let mut rows = csv::Reader::from_reader(output.stdout.as_slice());
    assert_eq!(
        rows.records().filter(|r| r.is_ok()).count(),
        example.holds().len()
    );
    let output = support::transload()
        .args(["holds", "list", migration, "--step", "contcat"])
        .output()
        .expect("it runs");
    let message = support::failed_with(&output, 2);
    assert!(message.contains("contact, note, task"), "{message}");
}
