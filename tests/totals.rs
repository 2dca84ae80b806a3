//! What is said about a run in different places adds up: its report, the status, the audit export, a reconciliation and
//! what the destination itself holds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};
use support::{Example, Sandbox, counts, root, step, transload};
use transload::ledger::View;

fn command(name: &[&str], example: &Example, more: &[&str]) -> Vec<u8> {
    let output = transload()
        .args(name)
        .arg(example.migration())
        .args(more)
        .output()
        .expect("it runs");
    assert!(
        output.status.success(),
        "{name:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

fn json(name: &[&str], example: &Example, more: &[&str]) -> Value {
    let mut all = vec!["--format", "json"];
    all.extend(more);
    serde_json::from_slice(&command(name, example, &all)).expect("json")
}

/// Makes a ledger one of version 3: an entry a row, each with a hash of its own.
fn as_version_3(ledger: &Path) {
    let view = View::open(ledger).expect("a ledger");
    let genesis = format!("transload ledger {}", view.lineage().expect("a lineage"));
    let mut hash = *blake3::hash(genesis.as_bytes()).as_bytes();
    let mut entries = Vec::new();
    view.each_entry(0, |seq, run, at_ms, entry| {
        entries.push((seq, run, at_ms, entry))
    })
    .expect("entries");
    drop(view);
    let connection = rusqlite::Connection::open(ledger).expect("a ledger");
    let old = "BEGIN; DROP TABLE journal; CREATE TABLE journal (
        seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, step TEXT NOT NULL,
        key TEXT NOT NULL, part INTEGER NOT NULL, data TEXT NOT NULL, hash BLOB NOT NULL) STRICT; PRAGMA user_version = 3;";
    connection.execute_batch(old).expect("a table");
    for (seq, run, at_ms, entry) in entries {
        let (step, key, part) = entry.place();
        let data = serde_json::to_value(&entry).expect("json")[entry.kind()].to_string();
        let mut hashed = hash.to_vec();
        for number in [seq, run, at_ms, i64::from(part)] {
            hashed.extend(number.to_le_bytes());
        }
        for text in [entry.kind(), step, key, &data] {
            hashed.extend((text.len() as u64).to_le_bytes());
            hashed.extend(text.as_bytes());
        }
        hash = *blake3::hash(&hashed).as_bytes();
        connection
            .execute(
                "INSERT INTO journal VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                (seq, run, at_ms, entry.kind(), step, key, part, data, hash),
            )
            .expect("a row");
    }
    connection
        .execute("UPDATE meta SET value = ?1 WHERE name = 'head'", [hash])
        .expect("the head");
    connection.execute_batch("COMMIT").expect("commit");
}

fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn all_accounts_of_a_run_add_up() {
    for (name, tier) in [
        ("allclients", "growth"),
        ("interactive", "pro"),
        ("usercom", "pro"),
    ] {
        let seed = root().join(format!("examples/{name}/sandbox.yaml"));
        let seed = seed.to_str().expect("path");
        let sandbox = Sandbox::start(
            "freshsales.yaml",
            &["--seed", seed, "--tier", tier, "--calls-per-minute", "0"],
        );
        let before = counts(&sandbox);
        let example = Example::against(name, &sandbox);
        let report = example.run();
        let status = json(&["status"], &example, &[]);
        let audit = json(&["audit", "export"], &example, &[]);
        let reconciled = json(&["reconcile"], &example, &["--provision"]);
        let after = counts(&sandbox);
        let operations = audit["operations"].as_array().expect("operations");
        assert_eq!(audit["schema_version"], 1);

        // By step and outcome the source records, and of what was created every part.
        let mut by: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
        let mut made: BTreeMap<&str, usize> = BTreeMap::new();
        for o in operations {
            let text = |field: &str| o[field].as_str().expect("a text");
            by.entry((text("step"), text("outcome")))
                .or_default()
                .insert(text("source_id"));
            if text("outcome") == "created" {
                *made.entry(text("destination_object")).or_default() += 1;
                assert!(!text("destination_id").is_empty(), "{o}");
                assert!(["create", "bulk", "upsert"].contains(&text("call")), "{o}");
            }
        }
        let of =
            |step: &str, outcome: &str| by.get(&(step, outcome)).map_or(0, BTreeSet::len) as u64;

        for books in report["steps"].as_array().expect("steps") {
            let this = books["step"].as_str().expect("a name");
            let what = |field: &str| format!("{name}, {this}, {field}");
            let told = status["steps"]
                .as_array()
                .expect("steps")
                .iter()
                .find(|s| s["step"] == this)
                .unwrap_or_else(|| panic!("{this} is not in the status"));
            let checked = step(&reconciled, this);
            for field in [
                "read",
                "created",
                "updated",
                "unchanged",
                "merged",
                "routed",
                "dropped",
                "held",
                "failed",
            ] {
                assert_eq!(told["counts"][field], books[field], "{}", what(field));
            }
            assert_eq!(
                of(this, "created"),
                number(&books["created"]),
                "{}",
                what("created")
            );
            assert_eq!(
                of(this, "updated"),
                number(&books["updated"]),
                "{}",
                what("updated")
            );
            assert_eq!(
                of(this, "matched") + of(this, "unchanged"),
                number(&books["unchanged"]),
                "{}",
                what("unchanged")
            );
            assert_eq!(of(this, "held"), number(&books["held"]), "{}", what("held"));
            assert_eq!(
                of(this, "refused"),
                number(&books["failed"]),
                "{}",
                what("failed")
            );
            for field in ["read", "merged", "routed", "dropped"] {
                assert_eq!(checked[field], books[field], "{}", what(field));
            }
            let loaded =
                number(&books["created"]) + number(&books["updated"]) + number(&books["unchanged"]);
            assert_eq!(number(&checked["loaded"]), loaded, "{}", what("loaded"));
            let held: u64 = checked["held"]
                .as_object()
                .expect("held")
                .values()
                .map(number)
                .sum();
            assert_eq!(held, number(&books["held"]), "{}", what("held"));
            let summary = operations
                .iter()
                .find(|o| o["step"] == this && o["outcome"] == "books")
                .expect("books");
            let begins = format!("read {}, created {}", books["read"], books["created"]);
            assert!(
                summary["reason"]
                    .as_str()
                    .expect("a text")
                    .starts_with(&begins),
                "{summary}"
            );
        }
        // What the destination holds: what was there and what was created, nothing else.
        for object in reconciled["objects"].as_array().expect("objects") {
            let this = object["object"].as_str().expect("a name");
            let Some(there) = after.get(this) else {
                continue;
            };
            let created = made.get(this).copied().unwrap_or(0);
            // Memberships are no records of the account.
            if this == "list_member" {
                continue;
            }
            assert_eq!(
                *there,
                before.get(this).copied().unwrap_or(0) + created,
                "{name}, {this}"
            );
            assert_eq!(object["there"], *there, "{name}, {this}");
        }
        let holds = example.holds();
        let held: u64 = report["steps"]
            .as_array()
            .expect("steps")
            .iter()
            .map(|s| number(&s["held"]))
            .sum();
        assert_eq!(holds.len() as u64, held, "{name}");

        // Who got what: every contact that was given to somebody says to whom.
        let given = operations.iter().filter(|o| {
            o["outcome"] == "created"
                && o["assigned"]
                    .as_str()
                    .is_some_and(|a| a.starts_with("owner="))
        });
        assert!(given.count() > 50, "{name}");
        if name != "allclients" {
            assert!(
                operations.iter().any(|o| o["assigned"] == "owner=fallback"),
                "{name}"
            );
        }
        let sheet = String::from_utf8(command(&["audit", "export"], &example, &[])).expect("text");
        let rows = csv::Reader::from_reader(sheet.as_bytes())
            .into_records()
            .count();
        assert_eq!(rows, operations.len(), "{name}");

        // A ledger that an older engine left says the same, and whatever writes goes on with it.
        if name == "allclients" {
            as_version_3(&example.folder.path().join(".transload/ledger.sqlite"));
            command(&["audit", "verify"], &example, &[]);
            assert_eq!(json(&["audit", "export"], &example, &[]), audit);
            let again = json(&["status"], &example, &[]);
            assert_eq!(again["steps"], status["steps"]);
            assert_eq!(example.run()["calls_write"], 0);
            command(&["audit", "verify"], &example, &[]);
            let longer = json(&["audit", "export"], &example, &[]);
            let longer = longer["operations"].as_array().expect("operations");
            assert_eq!(longer[..operations.len()], operations[..]);
        }

        // Undone, the same operations show what became of each.
        let undone = json(&["rollback"], &example, &[]);
        let sum = |field: &str| -> u64 {
            let steps = undone["steps"].as_array().expect("steps").iter();
            steps.map(|s| number(&s[field])).sum()
        };
        let audit = json(&["audit", "export"], &example, &[]);
        let count = |outcome: &str| -> u64 {
            let all = audit["operations"].as_array().expect("operations").iter();
            all.filter(|o| o["command"] == "rollback" && o["outcome"] == outcome)
                .count() as u64
        };
        for (field, outcome) in [
            ("removed", "removed"),
            ("restored", "restored"),
            ("untouched", "unbound"),
            ("kept", "kept"),
        ] {
            assert_eq!(sum(field), count(outcome), "{name}, {field}");
        }
        assert!(sum("removed") > 300, "{name}");
    }
}
