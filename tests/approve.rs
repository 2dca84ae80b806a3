//! `transload approve` and the gate of `transload run`: no full run without an approved sample, and an approval is void
//! as soon as anything it was given for has changed, which is named.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use serde_json::{Value, json};
use std::{fs, process::Output, sync::Arc};
use support::{Example, Sandbox, account, counts, failed_with, report_of, sheet, step, transload};
use transload::{
    clock::SystemClock,
    ledger::{Entry, Ledger, Options, RunMeta, View},
};

fn command(name: &str, example: &Example, more: &[&str]) -> Output {
    transload()
        .arg(name)
        .arg(example.migration())
        .args(more)
        .output()
        .expect("it runs")
}

fn sample(example: &Example, more: &[&str]) -> Output {
    let args = [&["--provision", "--size", "60", "--format", "json"], more].concat();
    command("sample", example, &args)
}

fn approve(example: &Example, more: &[&str]) -> Output {
    let args = [&["--by", "Kim Ortega", "--format", "json"], more].concat();
    command("approve", example, &args)
}

/// A full run without any waiver.
fn run(example: &Example) -> Output {
    command("run", example, &["--provision", "--format", "json"])
}

/// An example whose sample is drawn and approved.
fn approved(sandbox: &Sandbox) -> Example {
    let example = Example::against("allclients", sandbox);
    assert_eq!(sample(&example, &[]).status.code(), Some(0));
    assert_eq!(approve(&example, &[]).status.code(), Some(0));
    example
}

/// The entries of a kind in an example's ledger.
fn entries(example: &Example, kind: &str) -> Vec<Entry> {
    let view = View::open(&example.folder.path().join(".transload/ledger.sqlite")).expect("a view");
    let mut all = Vec::new();
    view.each_entry(0, |_, _, _, entry| {
        if entry.kind() == kind {
            all.push(entry);
        }
    })
    .expect("entries");
    all
}

/// The run refuses with 4, names what has changed, and sends nothing.
fn is_void(example: &Example, sandbox: &Sandbox, named: &[&str]) {
    let before = sandbox.admin_get("/calls")["calls"].clone();
    let message = failed_with(&run(example), 4);
    for part in named.iter().chain(&["Kim Ortega", "no longer holds"]) {
        assert!(message.contains(part), "`{part}` in {message}");
    }
    assert_eq!(sandbox.admin_get("/calls")["calls"], before);
}

#[test]
fn a_run_needs_a_sample_and_an_approval_and_then_ends_like_any_other() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    let message = failed_with(&run(&example), 4);
    assert!(message.contains("transload sample"), "{message}");
    assert!(
        !example
            .folder
            .path()
            .join(".transload/ledger.sqlite")
            .exists()
    );
    failed_with(&approve(&example, &[]), 3);
    assert_eq!(sample(&example, &[]).status.code(), Some(0));
    let next = |example: &Example| {
        let output = command("status", example, &["--format", "json"]);
        let status: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let next = status["next"]["command"].as_str().expect("a command");
        let word = next.split(' ').nth(1).expect("a word").to_owned();
        (
            status["run"]["command"].as_str().expect("one").to_owned(),
            status["approval"]["state"]
                .as_str()
                .expect("one")
                .to_owned(),
            word,
        )
    };
    let is = |last: &str, approval: &str, next: &str| {
        (last.to_owned(), approval.to_owned(), next.to_owned())
    };
    assert_eq!(next(&example), is("sample", "none", "approve"));
    // A sample is no approval.
    failed_with(&run(&example), 4);
    let output = approve(&example, &["--note", "looked at each"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        (&report["by"], &report["note"]),
        (&json!("Kim Ortega"), &json!("looked at each"))
    );
    for part in [
        "platform allclients",
        "platform freshsales",
        "mapping step contact",
        "value map task_done",
        "policy",
        "migration file",
        "schema lock",
        "sample",
        "engine",
    ] {
        assert!(report["parts"][part].is_string(), "{part} in {report}");
    }
    assert_eq!(next(&example), is("approve", "holds", "run"));
    let text = command("status", &example, &[]).stdout;
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(text.contains("approve (run 2 of 2) completed"), "{text}");
    assert!(text.contains("approval: by Kim Ortega at "), "{text}");
    assert!(matches!(
        entries(&example, "approved").as_slice(),
        [Entry::Approved(a)] if a.by == "Kim Ortega" && a.note.as_deref() == Some("looked at each")
    ));
    let loaded = counts(&sandbox)["contact"];
    assert!(loaded > 10 && loaded < 286);
    report_of(&run(&example));
    let there = counts(&sandbox);
    assert_eq!(
        (there["contact"], there["note"], there["task"]),
        (286, 329, 124)
    );
    assert_eq!(entries(&example, "waived"), []);
    // It still holds, and a further run writes nothing.
    assert_eq!(report_of(&run(&example))["calls_write"], 0);
    assert_eq!(next(&example), is("run", "holds", "holds"));
    let there = fs::read_to_string(example.migration()).expect("text");
    example.edit(|text| text.replace("tier: growth", "tier: pro"));
    assert_eq!(next(&example).1, "stale");
    example.edit(|_| "spec: migration/v1\n".to_owned());
    assert_eq!(next(&example).1, "not_known");
    example.edit(|_| there);
    // A decision about one record leaves it as it is; a row of a value map changes what was approved.
    sheet::decide(&example, &[("contact", "10021", "email", "drop", "", "")]);
    sheet::import(&example);
    assert_eq!(step(&report_of(&run(&example)), "contact")["dropped"], 1);
    sheet::decide(&example, &[("task", "70013", "done", "map", "false", "")]);
    sheet::import(&example);
    is_void(&example, &sandbox, &["value map task_done has changed"]);
    let verified = transload()
        .args(["audit", "verify"])
        .arg(example.migration())
        .output()
        .expect("it runs");
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
}

#[test]
fn comments_and_more_records_leave_an_approval_alone() {
    let sandbox = account(&[]);
    let example = approved(&sandbox);
    example.edit(|text| format!("# A remark\n{text}"));
    example.edit_export("Notes.csv", |mut bytes| {
        bytes.extend_from_slice(
            b"99001,10076,oakley.dyer.76@clients.example,05/28/2024 10:08 PM,New,Kim\r\n",
        );
        bytes
    });
    report_of(&run(&example));
}

#[test]
fn a_changed_spec_voids_an_approval_and_is_named() {
    let sandbox = account(&[]);
    let example = approved(&sandbox);
    let migration = fs::read_to_string(example.migration()).expect("migration");
    // The mapping, by its step.
    example.own_specs(|name, text| match name {
        "allclients--freshsales.yaml" => {
            assert!(text.contains("mobile: phone1"));
            text.replace("mobile: phone1", "mobile: phone2")
                .replace("work_phone: phone2", "work_phone: phone1")
        }
        _ => text,
    });
    is_void(&example, &sandbox, &["mapping step contact"]);
    // A value map.
    example.edit(|_| migration.clone());
    example.own_specs(|name, text| match name {
        "allclients--freshsales.yaml" => text.replace("\"5\": \"Low\"", "\"5\": \"Later\""),
        _ => text,
    });
    is_void(&example, &sandbox, &["value map task_priority"]);
    // A platform.
    example.edit(|_| migration.clone());
    example.own_specs(|name, text| match name {
        "freshsales.yaml" => text.replace("in_flight: 8", "in_flight: 4").replace(
            "job_title: {type: text, max: 255}",
            "job_title: {type: text, max: 200}",
        ),
        _ => text,
    });
    is_void(&example, &sandbox, &["platform freshsales"]);
    // The migration file: the tier, then a policy.
    example.edit(|_| migration.replace("tier: growth", "tier: pro"));
    is_void(&example, &sandbox, &["migration file"]);
    example.edit(|_| migration.replace("max_share: \"30%\"", "max_share: \"40%\""));
    is_void(&example, &sandbox, &["policy"]);
    // As it was, it holds again.
    example.edit(|_| migration.clone());
    report_of(&run(&example));
}

#[test]
fn another_sample_another_schema_and_another_engine_void_an_approval() {
    let sandbox = account(&[]);
    let example = approved(&sandbox);
    let state = example.folder.path().join(".transload");
    // The same sample again changes nothing; another one does.
    assert_eq!(sample(&example, &[]).status.code(), Some(0));
    assert_eq!(sample(&example, &["--seed", "8"]).status.code(), Some(0));
    is_void(&example, &sandbox, &["sample has changed"]);
    // An edited report, too.
    assert_eq!(sample(&example, &[]).status.code(), Some(0));
    assert_eq!(approve(&example, &[]).status.code(), Some(0));
    let kept = fs::read_to_string(state.join("sample.json")).expect("the sample");
    fs::write(
        state.join("sample.json"),
        kept.replacen("\"equal\"", "\"normalised\"", 1),
    )
    .expect("written");
    is_void(&example, &sandbox, &["sample has changed"]);
    fs::write(state.join("sample.json"), kept).expect("written");
    // A schema lock where there was none.
    let output = command("discover", &example, &[]);
    assert!(state.join("schema.lock.json").exists(), "{output:?}");
    is_void(&example, &sandbox, &["schema lock has changed"]);
    assert_eq!(approve(&example, &[]).status.code(), Some(0));
    // An approval given by another engine.
    let Some(Entry::Approved(last)) = entries(&example, "approved").pop() else {
        panic!("no approval")
    };
    let mut older = last.clone();
    older.parts.insert("engine".to_owned(), "0.0.1".to_owned());
    append(&example, Entry::Approved(older));
    is_void(&example, &sandbox, &["engine has changed"]);
    append(&example, Entry::Approved(last));
    report_of(&run(&example));
}

fn append(example: &Example, entry: Entry) {
    let path = example.folder.path().join(".transload/ledger.sqlite");
    let ledger = Ledger::open(&path, Options::new(Arc::new(SystemClock::new()))).expect("a ledger");
    ledger
        .begin_run(RunMeta {
            command: "approve".to_owned(),
            ..RunMeta::default()
        })
        .expect("begun");
    ledger.append_blocking(vec![entry]).expect("appended");
    ledger.end_run("completed").expect("ended");
}

#[test]
fn a_sample_of_other_specs_is_not_approved() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    assert_eq!(sample(&example, &[]).status.code(), Some(0));
    example.edit(|text| text.replace("tier: growth", "tier: pro"));
    let message = failed_with(&approve(&example, &[]), 4);
    assert!(message.contains("migration file"), "{message}");
}

#[test]
fn findings_are_accepted_by_name_or_not_at_all() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    // The spec misspells a member, and the account passes over members it does not know.
    example.own_specs(|name, text| match name {
        "freshsales.yaml" => text.replace(
            "mobile: {type: phone, max: 50, path: mobile_number}",
            "mobile: {type: phone, max: 50, path: mobile_numbre}",
        ),
        _ => text,
    });
    let output = sample(&example, &[]);
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let message = failed_with(&approve(&example, &[]), 1);
    assert!(
        message.contains("contact.mobile") && message.contains("dropped"),
        "{message}"
    );
    assert_eq!(entries(&example, "approved"), []);
    let output = approve(&example, &["--accept-findings"]);
    assert_eq!(output.status.code(), Some(0));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let accepted = report["accepted"].as_array().expect("findings");
    assert!(
        accepted
            .iter()
            .any(|f| f.as_str().is_some_and(|f| f.starts_with("contact.mobile:")))
    );
}

#[test]
fn a_waiver_is_said_aloud_and_stands_in_the_ledger() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    let output = example.command().output().expect("it runs");
    report_of(&output);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("without an approved sample: --auto-approve"),
        "{said}"
    );
    assert_eq!(
        entries(&example, "waived"),
        [Entry::Waived {
            by: "--auto-approve".to_owned()
        }]
    );
    example.edit(|text| format!("{text}\napprove: none\n"));
    let output = run(&example);
    report_of(&output);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("without an approved sample: approve: none"),
        "{said}"
    );
    assert_eq!(entries(&example, "waived").len(), 2);
}

#[test]
fn as_many_people_as_the_policy_asks_for_must_approve_the_same() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    example.edit(|text| text.replace("policy:\n", "policy:\n  approve: {sample: 2}\n"));
    assert_eq!(sample(&example, &[]).status.code(), Some(0));
    let output = approve(&example, &[]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        (&report["people"], &report["needed"]),
        (&json!(["Kim Ortega"]), &json!(2))
    );
    // The same person is one person.
    assert_eq!(approve(&example, &[]).status.code(), Some(0));
    let message = failed_with(&run(&example), 4);
    for part in ["2 people must approve", "1 has: Kim Ortega"] {
        assert!(message.contains(part), "`{part}` in {message}");
    }
    // A second one looked, too.
    let other = command("approve", &example, &["--by", "Jo Lind"]);
    assert_eq!(other.status.code(), Some(0));
    report_of(&run(&example));
    example.edit(|text| text.replace("tier: growth", "tier: pro"));
    let message = failed_with(&run(&example), 4);
    assert!(message.contains("no longer holds"), "{message}");
}

#[test]
fn a_sample_is_no_way_around_an_approval() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    let output = command(
        "sample",
        &example,
        &["--provision", "--size", "100000", "--format", "json"],
    );
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["size"], 300, "{report}");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("it aims at 300"), "{stderr}");
    let there = counts(&sandbox);
    assert!(
        there["contact"] + there["note"] + there["task"] < 400,
        "{there:?}"
    );
    failed_with(&run(&example), 4);
}
