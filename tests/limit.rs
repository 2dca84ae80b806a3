//! The rate limit of the account: never exceeded by many concurrent tasks, used up while work waits, and known
//! again after a kill.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use serde_json::Value;
use std::{
    process::Stdio,
    time::{Duration, Instant},
};
use support::{Example, Sandbox};

const MAX: u64 = 40;
const PER: f64 = 2.0;

/// A platform file with one short window, in the specs of an example, and the server that obeys it.
fn world() -> (Example, Sandbox) {
    let example = Example::copy("allclients");
    example.own_specs(|name, text| {
        if name != "freshsales.yaml" {
            return text;
        }
        let begin = text.find("  calls:\n").expect("limits");
        let end = text.find("  told_by:").expect("limits");
        let calls = format!("  calls:\n    - {{max: {MAX}, per: 2s, scope: account}}\n");
        // One record per call: what is measured is the pace of many calls.
        [&text[..begin], &calls, &text[end..]].concat()
    });
    let platform = example
        .folder
        .path()
        .join("specs/platforms/freshsales.yaml");
    let seed = support::root().join("examples/allclients/sandbox.yaml");
    let sandbox = Sandbox::start(
        platform.to_str().expect("path"),
        &["--seed", seed.to_str().expect("path"), "--tier", "growth"],
    );
    example.edit(|text| {
        support::replace_block(
            text,
            "destination:",
            &format!(
                "destination:\n  http: {{base: \"{}\", secret: \"env:TRANSLOAD_TEST_KEY\"}}\n",
                sandbox.base
            ),
        )
    });
    (example, sandbox)
}

/// Calls, calls answered with 429, and the most calls that were sent within one window.
fn counted(sandbox: &Sandbox) -> (u64, u64, u64) {
    let calls: Value = sandbox.admin_get("/calls");
    let peak = &calls["peaks"][0];
    assert_eq!(
        (&peak["per_ms"], &peak["max"]),
        (&2000.into(), &MAX.into()),
        "{calls}"
    );
    (
        calls["calls"].as_u64().expect("calls"),
        calls["limited"].as_u64().expect("limited"),
        peak["sent"].as_u64().expect("a peak"),
    )
}

#[test]
fn many_tasks_keep_the_limit_and_use_it() {
    let (example, sandbox) = world();
    let began = Instant::now();
    let mut child = example
        .command()
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    // The stretch in which work always waits: from the first calls of notes and tasks until few are left.
    let mut samples: Vec<(f64, u64)> = Vec::new();
    while child.try_wait().expect("a child").is_none() {
        assert!(began.elapsed() < Duration::from_secs(120), "too slow");
        samples.push((began.elapsed().as_secs_f64(), counted(&sandbox).0));
        std::thread::sleep(Duration::from_millis(50));
    }
    let (calls, limited, peak) = counted(&sandbox);
    assert_eq!(limited, 0, "of {calls} calls");
    assert!(peak <= MAX, "{peak} calls within {PER} s");
    let from = samples
        .iter()
        .position(|(_, n)| *n >= 3 * MAX)
        .expect("a begin");
    let until = samples
        .iter()
        .position(|(_, n)| *n + MAX >= calls)
        .unwrap_or(samples.len() - 1);
    let (a, b) = (samples[from], samples[until]);
    // Calls come in bursts as windows open: what is allowed is counted in whole windows, to the next burst.
    let windows = ((b.0 - a.0) / PER).floor();
    assert!(windows >= 4.0, "{windows} windows are too few to judge");
    let allowed = windows * MAX as f64;
    let made = (b.1 - a.1) as f64;
    assert!(
        made >= 0.95 * allowed,
        "{made} of {allowed} calls in {:.1} s",
        b.0 - a.0
    );
}

#[test]
fn a_kill_does_not_make_the_next_run_exceed_the_limit() {
    let (example, sandbox) = world();
    for round in 0..3u64 {
        let before = counted(&sandbox).0;
        let mut child = example
            .command()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let began = Instant::now();
        let after = std::env::var("KILLS")
            .ok()
            .and_then(|k| k.parse::<u64>().ok())
            .map_or(2 * MAX, |k| (k * 7919 + round * 104729) % 90 + 3);
        while counted(&sandbox).0 < before + after && began.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(10));
        }
        child.kill().expect("SIGKILL");
        child.wait().expect("it is gone");
    }
    let began = Instant::now();
    let report = example.run();
    assert!(began.elapsed() < Duration::from_secs(120));
    let (calls, limited, peak) = counted(&sandbox);
    // Calls of the last moment before a kill are known from what the server says: a few may be told to wait.
    assert!(limited <= 3 * 2, "{limited} of {calls} calls were refused");
    assert!(peak <= MAX + 2, "{peak} calls within {PER} s");
    let there = support::counts(&sandbox);
    assert_eq!(
        (there["contact"], there["note"], there["task"]),
        (286, 329, 124),
        "{report}"
    );
}
