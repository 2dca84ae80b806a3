//! Killed at any moment, a run that is started again ends where an undisturbed one would have: nothing lost,
//! nothing twice. Also when answers are lost after the server did its work.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};
use support::{Example, Sandbox};

fn sandbox(data: &std::path::Path, more: &[&str]) -> Sandbox {
    let seed = support::root().join("examples/allclients/sandbox.yaml");
    let mut args = vec![
        "--seed",
        seed.to_str().expect("path"),
        "--data",
        data.to_str().expect("path"),
        "--tier",
        "growth",
        "--calls-per-minute",
        "0",
    ];
    args.extend(more);
    Sandbox::start("freshsales.yaml", &args)
}

/// What an account holds, as texts that do not depend on ids, times or order: each record with its references
/// replaced by the names of what they point to. A record twice shows as two lines.
fn state(sandbox: &Sandbox) -> Vec<String> {
    let dump = sandbox.admin_get("/dump");
    let mut names: BTreeMap<(String, String), String> = BTreeMap::new();
    for (object, rows) in dump.as_object().expect("objects") {
        for row in rows.as_array().expect("rows") {
            let name = ["email", "name", "title", "description"]
                .iter()
                .find_map(|f| row["fields"][*f].as_str().or_else(|| row[*f].as_str()))
                .unwrap_or_default();
            names.insert((object.clone(), row["id"].to_string()), name.to_lowercase());
        }
    }
    let of = |objects: &[&str], id: &Value| -> String {
        objects
            .iter()
            .find_map(|o| names.get(&((*o).to_owned(), id.to_string())))
            .cloned()
            .unwrap_or_else(|| format!("?{id}"))
    };
    let mut lines = Vec::new();
    for (object, rows) in dump.as_object().expect("objects") {
        for row in rows.as_array().expect("rows") {
            let wire = if row["wire"].is_object() {
                &row["wire"]
            } else {
                row
            };
            let mut line = wire.clone();
            if let Some(map) = line.as_object_mut() {
                for gone in [
                    "id",
                    "created_at",
                    "updated_at",
                    "emails",
                    "completed_date",
                    "targetables",
                    "creater_id",
                ] {
                    map.remove(gone);
                }
                for (field, objects) in [
                    ("owner_id", &["user"][..]),
                    ("targetable_id", &["contact", "account", "deal"][..]),
                ] {
                    if let Some(id) = map.get(field).filter(|v| !v.is_null()).cloned() {
                        map.insert(field.to_owned(), json!(of(objects, &id)));
                    }
                }
            }
            lines.push(format!("{object} {line}"));
        }
    }
    lines.sort();
    lines
}

fn differing(a: &[String], b: &[String]) -> String {
    let only = |x: &[String], y: &[String]| {
        let mut rest: Vec<&String> = y.iter().collect();
        x.iter()
            .filter(|l| match rest.iter().position(|r| r == l) {
                Some(at) => {
                    rest.remove(at);
                    false
                }
                None => true,
            })
            .take(5)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n  ")
    };
    format!(
        "only undisturbed:\n  {}\nonly disturbed:\n  {}",
        only(a, b),
        only(b, a)
    )
}

fn undisturbed() -> (Vec<String>, Duration) {
    let data = tempfile::tempdir().expect("a folder");
    let sandbox = sandbox(&data.path().join("account.sqlite"), &[]);
    let example = Example::against("allclients", &sandbox);
    let began = Instant::now();
    example.run();
    (state(&sandbox), began.elapsed())
}

/// A small generator of moments: the seed is in the failure message.
struct Moments(u64);

impl Moments {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below.max(1)
    }
}

fn kill_and_finish(sandbox: &Sandbox, after: Duration) {
    let example = Example::against("allclients", sandbox);
    let mut child = example
        .command()
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    thread::sleep(after);
    child.kill().expect("SIGKILL");
    child.wait().expect("it is gone");
    example.run();
    let again = example.run();
    assert_eq!(again["calls_write"], 0, "a third run has nothing left");
}

#[test]
fn killed_at_25_random_moments_a_run_ends_like_an_undisturbed_one() {
    let (expected, whole) = undisturbed();
    let mut moments = Moments(0x5eed);
    let mut hit = 0;
    for round in 0..25 {
        let data = tempfile::tempdir().expect("a folder");
        let sandbox = sandbox(&data.path().join("account.sqlite"), &[]);
        let after = Duration::from_millis(moments.next(whole.as_millis() as u64));
        kill_and_finish(&sandbox, after);
        let found = state(&sandbox);
        assert!(
            expected == found,
            "round {round}, killed after {after:?}\n{}",
            differing(&expected, &found)
        );
        let calls = sandbox.admin_get("/calls");
        assert_eq!(
            calls["repeated"]["after_effect"], 0,
            "round {round}, killed after {after:?}: {calls}"
        );
        hit += usize::from(calls["calls"].as_u64() > Some(0));
    }
    assert!(hit > 0);
}

#[test]
fn answers_lost_after_commit_lose_and_double_nothing() {
    let (expected, whole) = undisturbed();
    let mut moments = Moments(77);
    for seed in ["1", "2", "3"] {
        let data = tempfile::tempdir().expect("a folder");
        let sandbox = sandbox(
            &data.path().join("account.sqlite"),
            &["--fault", "drop_after=0.05", "--random-seed", seed],
        );
        kill_and_finish(
            &sandbox,
            Duration::from_millis(moments.next(whole.as_millis() as u64)),
        );
        let found = state(&sandbox);
        assert!(
            expected == found,
            "seed {seed}\n{}",
            differing(&expected, &found)
        );
        let calls = sandbox.admin_get("/calls");
        assert_eq!(calls["repeated"]["after_effect"], 0, "seed {seed}: {calls}");
    }
}

#[test]
fn a_storm_of_faults_changes_nothing_in_the_end() {
    let (expected, _) = undisturbed();
    let data = tempfile::tempdir().expect("a folder");
    let sandbox = sandbox(
        &data.path().join("account.sqlite"),
        &[
            "--fault",
            "drop_before=0.02",
            "--fault",
            "drop_after=0.02",
            "--fault",
            "server_error=0.02",
            "--fault",
            "rate_limited=0.02",
            "--fault",
            "truncated=0.02",
            "--fault",
            "html=0.01",
            "--fault",
            "partial_bulk=0.3",
        ],
    );
    let example = Example::against("allclients", &sandbox);
    // Temporary ends are allowed; the same command goes on.
    let mut left = 10;
    loop {
        let output = example.command().output().expect("it runs");
        match output.status.code() {
            Some(0) => break,
            Some(75) if left > 0 => left -= 1,
            code => panic!("exit {code:?}: {}", String::from_utf8_lossy(&output.stderr)),
        }
    }
    example.run();
    let found = state(&sandbox);
    assert!(expected == found, "{}", differing(&expected, &found));
    let calls = sandbox.admin_get("/calls");
    assert_eq!(calls["repeated"]["after_effect"], 0, "{calls}");
}

fn order(sandbox: &Sandbox, faults: Value) {
    let (status, answer) = sandbox.admin_post("/faults", &json!({ "faults": faults }));
    assert_eq!(status, 200, "{answer}");
}

#[test]
fn a_list_that_moves_while_it_is_read_hides_no_chunk() {
    let (expected, _) = undisturbed();
    let data = tempfile::tempdir().expect("a folder");
    let sandbox = sandbox(&data.path().join("account.sqlite"), &[]);
    // The first job writes its page of records while the second page of the list is waited for: that page shows the
    // records of the first one again, and those of another job come after them.
    order(
        &sandbox,
        json!([
            {"fault": "late_job", "method": "POST", "path": "/contacts/bulk_upsert", "call": 1, "millis": 450},
            {"fault": "slow", "method": "GET", "path": "/contacts/view/*", "rate": 1.0, "millis": 500},
        ]),
    );
    let example = Example::against("allclients", &sandbox);
    example.run();
    let found = state(&sandbox);
    assert!(expected == found, "{}", differing(&expected, &found));
    let calls = sandbox.admin_get("/calls");
    assert_eq!(calls["by_route"]["POST /contacts"], Value::Null, "{calls}");
    assert_eq!(calls["repeated"]["after_effect"], 0, "{calls}");
}

#[test]
fn a_job_that_nobody_can_ask_for_may_come_late() {
    let (expected, _) = undisturbed();
    let data = tempfile::tempdir().expect("a folder");
    let sandbox = sandbox(&data.path().join("account.sqlite"), &[]);
    // The answer with the job's address is lost, and the job begins when its records are being sent one by one: between the look
    // and the create of one of them.
    order(
        &sandbox,
        json!([
            {"fault": "drop_after", "method": "POST", "path": "/contacts/bulk_upsert", "call": 1},
            {"fault": "late_job", "method": "POST", "path": "/contacts/bulk_upsert", "call": 1, "millis": 4500},
            {"fault": "slow", "method": "GET", "path": "/contacts/view/*", "rate": 1.0, "millis": 300},
        ]),
    );
    let example = Example::against("allclients", &sandbox);
    let mut child = example
        .command()
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let there = || support::counts(&sandbox).get("contact").copied();
    while there() < Some(270) {
        assert_eq!(child.try_wait().expect("a state"), None, "{:?}", there());
        thread::sleep(Duration::from_millis(50));
    }
    order(&sandbox, json!([]));
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    let found = state(&sandbox);
    assert!(expected == found, "{}", differing(&expected, &found));
    assert_eq!(example.run()["calls_write"], 0);
}
