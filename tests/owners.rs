//! What happens to records whose owner is not at the destination, policy by policy.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use serde_json::{Value, json};
use support::{Example, Sandbox, failed_with, recorder::Recorder, report_of, root, transload};

const FALLBACK: &str = "hr.desk@workplace.example";
const MISSING: &str = "mads.friis@workplace.example";

fn account() -> Sandbox {
    let seed = root().join("examples/actimo/sandbox.yaml");
    let seed = seed.to_str().expect("path");
    Sandbox::start(
        "freshsales.yaml",
        &["--seed", seed, "--tier", "pro", "--calls-per-minute", "0"],
    )
}

fn user(sandbox: &Sandbox, email: &str) -> Option<i64> {
    let all = sandbox.get("/selector/owners");
    let mut users = all["users"].as_array().expect("users").iter();
    users
        .find(|u| {
            u["email"]
                .as_str()
                .is_some_and(|e| e.eq_ignore_ascii_case(email))
        })
        .and_then(|u| u["id"].as_i64())
}

fn invite(sandbox: &Sandbox, email: &str) -> i64 {
    let body = json!({"name": "Mads Friis", "email": email, "active": true});
    assert_eq!(sandbox.admin_post("/objects/user", &body).0, 200);
    user(sandbox, email).expect("a user")
}

/// Contacts that have this owner.
fn owned(sandbox: &Sandbox, owner: i64) -> Vec<Value> {
    let all = sandbox.view("contacts", "All Contacts");
    all.into_iter().filter(|c| c["owner_id"] == owner).collect()
}

/// The sum of a count over the steps that make contacts.
fn contacts(report: &Value, count: &str) -> usize {
    let steps = report["steps"].as_array().expect("steps").iter();
    steps
        .filter(|s| s["to"] == "contact")
        .map(|s| usize::try_from(s[count].as_u64().expect("a number")).expect("small"))
        .sum()
}

/// The example with another policy for owners.
fn with_policy(base: &str, policy: &str) -> Example {
    let example = Example::at("actimo", base);
    example.own_specs(|name, text| match name {
        "actimo--freshsales.yaml" => {
            let was = "    absent: {fallback: {email: $fallback_owner}}\n    later: reassign\n";
            assert!(text.contains(was));
            text.replace(was, policy)
        }
        _ => text,
    });
    example
}

#[test]
fn a_fallback_is_reassigned_when_the_owner_is_there_and_never_against_a_person() {
    let sandbox = account();
    let recorder = Recorder::before(&sandbox);
    let example = Example::at("actimo", &recorder.base);
    example.run();
    let fallback = user(&sandbox, FALLBACK).expect("the fallback");
    let theirs = owned(&sandbox, fallback);
    assert!(theirs.len() > 5);
    assert_eq!(example.run()["calls_write"], 0);
    recorder.take();
    // A person gives one of them to somebody else, and then the owner arrives.
    let other = user(&sandbox, "liv.dam@workplace.example").expect("a user");
    let moved = theirs[0]["id"].clone();
    sandbox.person(
        "PUT",
        &format!("/contacts/{moved}"),
        &json!({"contact": {"owner_id": other}}),
    );
    let owner = invite(&sandbox, MISSING);
    let report = example.run();
    let written = recorder.take();
    assert!(!written.is_empty());
    for call in &written {
        let (_, record) = call
            .body
            .as_object()
            .and_then(|o| o.iter().next())
            .expect("a record");
        assert_eq!(record, &json!({"owner_id": owner}), "{call:?}");
        assert_eq!(call.method, "PUT");
    }
    // Those of the fallback by right (no owner of theirs is missing) stay; the rest moved.
    let moved_there = owned(&sandbox, owner);
    assert_eq!(contacts(&report, "updated"), moved_there.len());
    assert_eq!(
        moved_there.len() + owned(&sandbox, fallback).len() + 1,
        theirs.len()
    );
    assert!(moved_there.len() > 5);
    let is = sandbox.get(&format!("/contacts/{moved}"));
    assert_eq!(is["contact"]["owner_id"], other);
    let conflicts = report["conflicts"].as_array().expect("conflicts");
    assert_eq!(conflicts.len(), 1, "{conflicts:?}");
    assert_eq!(
        (&conflicts[0]["field"], &conflicts[0]["records"]),
        (&json!("owner"), &json!(1))
    );
    // Told before it was done.
    let preview = report["preview"].as_array().expect("a preview");
    let told: u64 = preview
        .iter()
        .filter(|p| p["step"] == "contact" || p["step"] == "lead")
        .map(|p| {
            assert!(
                p["fields"]
                    .as_object()
                    .expect("fields")
                    .keys()
                    .all(|f| f == "owner")
            );
            p["fields"]["owner"].as_u64().unwrap_or(0)
        })
        .sum();
    assert_eq!(told, moved_there.len() as u64 + 1);
    assert!(!example.holds().iter().any(|h| h.0 == "user"));
    assert_eq!(example.run()["calls_write"], 0);
}

#[test]
fn without_later_a_fallback_stays() {
    let sandbox = account();
    let example = with_policy(
        &sandbox.base,
        "    absent: {fallback: {email: $fallback_owner}}\n",
    );
    example.run();
    let fallback = user(&sandbox, FALLBACK).expect("the fallback");
    let before = owned(&sandbox, fallback).len();
    invite(&sandbox, MISSING);
    let report = example.run();
    assert_eq!(report["calls_write"], 0, "{report}");
    assert_eq!(owned(&sandbox, fallback).len(), before);
}

#[test]
fn a_queue_holds_what_needs_the_owner_and_lets_it_go_when_there_is_one() {
    let sandbox = account();
    let example = with_policy(&sandbox.base, "    absent: hold\n");
    example.run();
    let waits = || {
        let mut all = example.holds();
        all.retain(|(step, _, code)| {
            code == "parent_held" && ["contact", "lead"].contains(&&**step)
        });
        all
    };
    let held = waits();
    assert!(held.len() > 5, "{held:?}");
    let owner = invite(&sandbox, MISSING);
    // What is held, and nothing else, is gone over.
    let output = transload()
        .args(["holds", "retry"])
        .arg(example.migration())
        .args(["--auto-approve", "--provision", "--format", "json"])
        .output()
        .expect("it runs");
    let report = report_of(&output);
    assert_eq!(contacts(&report, "unchanged"), 0, "{report}");
    // Some had another fault behind the owner's.
    let still = example.holds();
    let other = held
        .iter()
        .filter(|h| still.iter().any(|s| (&s.0, &s.1) == (&h.0, &h.1)));
    let released = held.len() - other.count();
    assert!(released > 5);
    assert_eq!(contacts(&report, "created"), released);
    assert!(owned(&sandbox, owner).len() > 5);
    assert_eq!(waits(), []);
    assert_eq!(example.run()["calls_write"], 0);
}

#[test]
fn fail_stops_before_anything_that_has_an_owner_is_written() {
    let sandbox = account();
    let example = with_policy(&sandbox.base, "    absent: fail\n");
    let output = example.command().output().expect("it runs");
    let message = failed_with(&output, 5);
    assert!(message.contains("absent: fail"), "{message}");
    assert_eq!(support::counts(&sandbox)["contact"], 1);
    invite(&sandbox, MISSING);
    example.run();
    assert!(support::counts(&sandbox)["contact"] > 50);
}

#[test]
fn a_placeholder_is_made_once_and_flagged() {
    let sandbox = account();
    let example = with_policy(
        &sandbox.base,
        "    absent: {placeholder: {active: false}}\n",
    );
    example.run();
    let all = sandbox.admin_get("/objects/user");
    let text = all.to_string();
    assert!(text.contains(MISSING), "{text}");
    let made = user(&sandbox, MISSING).expect("a placeholder");
    assert!(owned(&sandbox, made).len() > 5);
    let users = sandbox.get("/selector/owners");
    let one = users["users"]
        .as_array()
        .expect("users")
        .iter()
        .find(|u| u["id"] == made)
        .expect("the user")
        .clone();
    assert_eq!(one["is_active"], false, "{one}");
    assert_eq!(example.run()["calls_write"], 0);
}
