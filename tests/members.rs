//! Memberships end to end: lost answers, a lost ledger, members that were there before, and ids the destination
//! does not take.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use serde_json::json;
use std::collections::BTreeMap;
use support::{Example, Sandbox, root, step};

const ADD: &str = "PUT /lists/{parent_id}/add_contacts";

/// An account, and the example with a migration that moves contacts and segments alone.
fn start() -> (Sandbox, Example) {
    let seed = root().join("examples/usercom/sandbox.yaml");
    let sandbox = Sandbox::start(
        "freshsales.yaml",
        &[
            "--seed",
            seed.to_str().expect("path"),
            "--tier",
            "pro",
            "--calls-per-minute",
            "0",
        ],
    );
    let example = Example::against("usercom", &sandbox);
    // What has nothing to do with lists stays in files of one header line.
    for file in [
        "deals.csv",
        "events.csv",
        "activities.csv",
        "conversations.csv",
        "messages.csv",
    ] {
        example.edit_export(file, |bytes| {
            let header = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
            [header, b"\n"].concat()
        });
    }
    (sandbox, example)
}

/// The ids of each list's members, by name.
fn members(sandbox: &Sandbox) -> BTreeMap<String, Vec<i64>> {
    let lists = sandbox.get("/lists")["lists"].as_array().cloned();
    lists
        .expect("lists")
        .iter()
        .map(|list| {
            let mut ids = Vec::new();
            for page in 1.. {
                let path = format!("/contacts/lists/{}?per_page=100&page={page}", list["id"]);
                let answer = sandbox.get(&path);
                let rows = answer["contacts"].as_array().expect("rows");
                if rows.is_empty() {
                    break;
                }
                ids.extend(rows.iter().filter_map(|r| r["id"].as_i64()));
            }
            ids.sort_unstable();
            (list["name"].as_str().expect("a name").to_owned(), ids)
        })
        .collect()
}

fn calls(sandbox: &Sandbox, route: &str) -> u64 {
    sandbox.admin_get("/calls")["by_route"][route]
        .as_u64()
        .unwrap_or(0)
}

#[test]
fn lost_answers_and_a_lost_ledger_end_in_the_same_members() {
    let (sandbox, example) = start();
    // The first answer never comes, the second is cut in the middle: both had their effect.
    let faults = json!({"faults": [
        {"fault": "drop_after", "method": "PUT", "path": "/lists/*/add_contacts", "call": 1},
        {"fault": "truncated", "method": "PUT", "path": "/lists/*/add_contacts", "call": 3},
    ]});
    assert_eq!(sandbox.admin_post("/faults", &faults).0, 200);
    let report = example.run();
    let there = members(&sandbox);
    assert_eq!(there.len(), 2);
    for (name, ids) in &there {
        assert!(ids.len() > 25, "{name}: {}", ids.len());
        assert!(ids.windows(2).all(|w| w[0] != w[1]), "nobody twice");
    }
    let counts = step(&report, "segment_member");
    assert_eq!(counts["balanced"], true);
    let created = there.values().map(Vec::len).sum::<usize>() as u64;
    assert_eq!(counts["created"].as_u64(), Some(created));
    let sent = calls(&sandbox, ADD);
    let again = example.run();
    assert_eq!(again["calls_write"], 0);

    // Without its ledger it finds them again and writes nothing.
    std::fs::remove_dir_all(example.folder.path().join(".transload")).expect("a ledger");
    let found = example.run();
    assert_eq!(step(&found, "segment_member")["created"], 0);
    assert_eq!(calls(&sandbox, ADD), sent);
    assert_eq!(members(&sandbox), there);
}

#[test]
fn a_membership_that_changed_at_the_source_moves() {
    let (sandbox, example) = start();
    example.run();
    let before = members(&sandbox);
    assert!(before["Tea drinkers"].len() > 100);
    // At the source two rows are about others now; one of them was said twice, and the other row still says it.
    let mut was = Vec::new();
    example.edit_export("segment_members.csv", |bytes| {
        let text = String::from_utf8(bytes).expect("text");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for (line, now) in [(1, "70007"), (4, "70009")] {
            let cells: Vec<&str> = lines[line].split(',').collect();
            was.push(cells[2].to_owned());
            lines[line] = format!("{},{},{now}", cells[0], cells[1]);
        }
        (lines.join("\n") + "\n").into_bytes()
    });
    let report = example.run();
    assert_eq!(step(&report, "segment_member")["balanced"], true);
    let after = members(&sandbox);
    let contacts = sandbox.view("contacts", "All Contacts");
    let id = |source: &str| {
        contacts
            .iter()
            .find(|c| c["custom_field"]["cf_usercom_original_id__c"] == source)
            .and_then(|c| c["id"].as_i64())
            .expect("a contact")
    };
    let tea = &after["Tea drinkers"];
    assert!(tea.contains(&id("70007")) && tea.contains(&id("70009")));
    assert!(tea.contains(&id(&was[0])), "another row stands for it");
    assert!(!tea.contains(&id(&was[1])));
    assert_eq!(after["Newsletter, all"], before["Newsletter, all"]);
    assert_eq!(example.run()["calls_write"], 0);
}

#[test]
fn a_member_that_does_not_show_up_is_held_and_one_refused_fails_alone() {
    for (quirk, outcome, code) in [("ignore", "held", "not_taken"), ("reject", "failed", "")] {
        let (sandbox, example) = start();
        sandbox.admin_post("/quirks", &json!({"unknown_member": quirk}));
        let report = example.run();
        assert_eq!(step(&report, "segment_member")["failed"], 0);
        // A new member whose contact a person deleted since.
        let contacts = sandbox.view("contacts", "All Contacts");
        let gone = contacts
            .iter()
            .find(|c| c["custom_field"]["cf_usercom_original_id__c"] == "70010")
            .expect("a contact");
        let (status, _) = support::fetch_with(
            "DELETE",
            &format!("{}/contacts/{}", sandbox.base, gone["id"]),
            &sandbox.key,
            None,
        );
        assert_eq!(status, 200);
        example.edit_export("segment_members.csv", |mut bytes| {
            bytes.extend_from_slice(b"n1,2,70010\nn2,2,70002\n");
            bytes
        });
        let report = example.run();
        let counts = step(&report, "segment_member");
        assert_eq!(counts["balanced"], true);
        assert_eq!(
            counts[outcome].as_u64().map(|n| n > 0),
            Some(true),
            "{counts}"
        );
        assert_eq!(counts["created"], 1, "the other one: {counts}");
        if !code.is_empty() {
            let holds = example.holds();
            assert!(
                holds.contains(&("segment_member".into(), "n1".into(), code.into())),
                "{holds:?}"
            );
        }
    }
}
