//! Between two runs things change: the export, the ledger, the account. The second run brings what is new, writes
//! what changed, releases what was corrected, and doubles nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};
use support::{
    Example, Sandbox, account, counts, failed_with, loaded::Loaded, report_of, root, sheet, step,
};

fn contact(sandbox: &Sandbox, email: &str) -> Value {
    sandbox
        .view("contacts", "All Contacts")
        .into_iter()
        .find(|c| {
            c["email"]
                .as_str()
                .is_some_and(|e| e.eq_ignore_ascii_case(email))
        })
        .unwrap_or(Value::Null)
}

fn replaced(bytes: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    let at = bytes
        .windows(from.len())
        .position(|w| w == from.as_bytes())
        .unwrap_or_else(|| panic!("no `{from}`"));
    [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat()
}

/// Leaves out the row that begins with this text.
fn without_row(bytes: Vec<u8>, begins: &str) -> Vec<u8> {
    let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
    let kept: Vec<u8> = lines
        .iter()
        .filter(|l| !l.starts_with(begins.as_bytes()))
        .flat_map(|l| l.to_vec())
        .collect();
    assert!(kept.len() < bytes.len(), "no row `{begins}`");
    kept
}

#[test]
fn a_lost_ledger_loses_and_doubles_nothing() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    example.run();
    let before = sandbox.admin_get("/dump");
    sandbox.admin_post("/reset_counters", &json!({}));
    fs::remove_dir_all(example.folder.path().join(".transload")).expect("the ledger");
    let report = example.run();
    assert_eq!(report["calls_write"], 0, "{report}");
    for name in ["contact", "note", "task", "template"] {
        let s = step(&report, name);
        assert_eq!(
            (&s["created"], &s["updated"]),
            (&json!(0), &json!(0)),
            "{s}"
        );
        assert_eq!(s["balanced"], true);
    }
    assert_eq!(sandbox.admin_get("/dump"), before);
    // The new ledger knows them: from here on it is as before.
    assert_eq!(example.run()["calls_write"], 0);
    example.edit_export("Notes.csv", |b| replaced(b, "Said: ", "Told: "));
    let report = example.run();
    assert_eq!(step(&report, "note")["updated"], 1, "{report}");
    assert_eq!(counts(&sandbox)["note"], 329);
}

#[test]
fn a_ledger_lost_after_a_kill_loses_and_doubles_nothing() {
    let sandbox = account(&["--fault", "slow=0.2"]);
    let example = Example::against("allclients", &sandbox);
    let mut child = example
        .command()
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    while counts(&sandbox)["note"] < 60 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.kill().expect("SIGKILL");
    child.wait().expect("it is gone");
    fs::remove_dir_all(example.folder.path().join(".transload")).expect("the ledger");
    example.run();
    assert_eq!(example.run()["calls_write"], 0);
    let there = counts(&sandbox);
    assert_eq!(
        (there["contact"], there["note"], there["task"]),
        (286, 329, 124)
    );
}

#[test]
fn notes_alike_arrive_as_often_as_they_are_in_the_export() {
    // The same note three times, under keys of their own; answers get lost on the way.
    let sandbox = account(&[]);
    let faults = json!({"seed": 5, "faults": [
        {"fault": "drop_after", "rate": 0.2, "method": "POST", "path": "/notes"},
        {"fault": "drop_before", "rate": 0.1, "method": "POST", "path": "/notes"},
    ]});
    assert_eq!(sandbox.admin_post("/faults", &faults).0, 200);
    let example = Example::against("allclients", &sandbox);
    example.edit_export("Notes.csv", |bytes| {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let header = text.lines().next().expect("a header").to_owned();
        let mut out = format!("{header}\r\n");
        for key in 0..40 {
            let who = if key % 2 == 0 {
                "10076,oakley.dyer.76@clients.example"
            } else {
                "10076,"
            };
            out.push_str(&format!(
                "9{key:04},{who},05/28/2024 10:08 PM,Called,Kim\r\n"
            ));
        }
        out.into_bytes()
    });
    let mut left = 20;
    loop {
        let output = example.command().output().expect("it runs");
        match output.status.code() {
            Some(75) if left > 0 => left -= 1,
            _ => {
                report_of(&output);
                break;
            }
        }
    }
    assert_eq!(counts(&sandbox)["note"], 40);
    fs::remove_dir_all(example.folder.path().join(".transload")).expect("the ledger");
    let report = example.run();
    assert_eq!(step(&report, "note")["created"], 0, "{report}");
    assert_eq!(counts(&sandbox)["note"], 40);
}

#[test]
fn changed_new_and_removed_records_are_told_apart() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    example.run();
    let email = "oakley.dyer.76@clients.example";
    let was = contact(&sandbox, email);
    assert!(!was.is_null());
    // Changed in the source.
    let city = was["city"].as_str().expect("a city").to_owned();
    let export = example.folder.path().join("export/Contacts.csv");
    let rows = support::csv_rows(&export);
    let key = rows
        .iter()
        .find(|r| r["Email"].eq_ignore_ascii_case(email))
        .expect("a row")["ContactID"]
        .clone();
    example.edit_export("Contacts.csv", |bytes| {
        let out: Vec<u8> = bytes
            .split_inclusive(|b| *b == b'\n')
            .flat_map(|l| {
                if l.starts_with(format!("{key},").as_bytes()) {
                    replaced(l.to_vec(), &city, "Springfield")
                } else {
                    l.to_vec()
                }
            })
            .collect();
        out
    });
    // New in the source: a note; gone from the source: a task.
    example.edit_export("Notes.csv", |mut bytes| {
        if !bytes.ends_with(b"\n") {
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(
            format!("99001,{key},{email},05/28/2024 10:08 PM,New one,Kim\r\n").as_bytes(),
        );
        bytes
    });
    let tasks = counts(&sandbox)["task"];
    let loaded: BTreeSet<String> =
        support::csv_rows(&example.folder.path().join("export/Tasks.csv"))
            .iter()
            .map(|r| r.get("TaskID").cloned().unwrap_or_default())
            .collect();
    let held: BTreeSet<String> = example
        .holds()
        .into_iter()
        .filter(|h| h.0 == "task")
        .map(|h| h.1)
        .collect();
    let gone = loaded.difference(&held).next().expect("a loaded task");
    example.edit_export("Tasks.csv", |b| without_row(b, &format!("{gone},")));
    let report = example.run();
    let of = |name: &str| {
        let s = step(&report, name);
        (s["created"].as_u64(), s["updated"].as_u64())
    };
    assert_eq!(of("contact"), (Some(0), Some(1)), "{report}");
    assert_eq!(of("note"), (Some(1), Some(0)));
    assert_eq!(of("task"), (Some(0), Some(0)));
    let is = contact(&sandbox, email);
    assert_eq!(is["city"], "Springfield");
    assert_eq!(is["id"], was["id"]);
    assert_eq!(is["custom_field"], was["custom_field"]);
    // What is gone from the source stays at the destination.
    assert_eq!(counts(&sandbox)["task"], tasks);
    assert_eq!(example.run()["calls_write"], 0);
}

#[test]
fn a_hold_that_is_mended_is_released_and_loaded_with_what_hung_on_it() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    example.run();
    let before = example.holds();
    let there = counts(&sandbox);
    // The owner of record 10026 and others is invited by the admin.
    let (status, _) = sandbox.admin_post(
        "/objects/user",
        &json!({"name": "Lena Brandt", "email": "lena.brandt@agency.example", "active": true}),
    );
    assert_eq!(status, 200);
    let report = example.run();
    let after = example.holds();
    assert!(after.len() < before.len(), "{after:?}");
    assert!(
        !after.iter().any(|(s, k, _)| s == "contact" && k == "10026"),
        "{after:?}"
    );
    let created = |s: &str| step(&report, s)["created"].as_u64().unwrap_or(0);
    assert!(created("contact") >= 1 && created("task") >= 1, "{report}");
    let now = counts(&sandbox);
    assert_eq!(
        now["contact"] as u64,
        there["contact"] as u64 + created("contact")
    );
    let held: u64 = report["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .map(|s| s["held"].as_u64().unwrap_or(0))
        .sum();
    assert_eq!(
        after.len() as u64,
        held,
        "the list and the books say the same"
    );
    assert_eq!(example.run()["calls_write"], 0);
}

#[test]
fn holds_end_when_the_change_is_taken_back_or_the_record_is_gone() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    example.run();
    let before = example.holds();
    let notes = fs::read(example.folder.path().join("export/Notes.csv")).expect("notes");
    // A note that is loaded loses its contact: held, and still at the destination.
    example.edit_export("Notes.csv", |b| {
        replaced(
            b,
            "10076,oakley.dyer.76@clients.example",
            "99999,nobody@nowhere.example",
        )
    });
    example.run();
    assert_eq!(example.holds().len(), before.len() + 1);
    assert_eq!(counts(&sandbox)["note"], 329);
    fs::write(example.folder.path().join("export/Notes.csv"), &notes).expect("notes");
    assert_eq!(example.run()["calls_write"], 0);
    assert_eq!(example.holds(), before);
    // Held records that leave the source leave the list.
    let (_, key, _) = before
        .iter()
        .find(|(s, _, code)| s == "note" && code == "join_none")
        .expect("a held note");
    example.edit_export("Notes.csv", |b| without_row(b, &format!("{key},")));
    let report = example.run();
    assert_eq!(example.holds().len(), before.len() - 1);
    assert_eq!(report["calls_write"], 0);
    assert_eq!(counts(&sandbox)["note"], 329);
}

#[test]
fn each_quirk_of_the_account_is_survived_or_told() {
    for quirk in [
        "unknown_custom_field=reject",
        "custom_field_update=merge",
        "short_pages=some",
        "search_lag=2s",
        "unknown_choice=ignore",
        "custom_text_over=cut",
        "deleted_key=taken",
    ] {
        let sandbox = account(&["--quirk", quirk]);
        let example = Example::against("allclients", &sandbox);
        let report = example.run();
        for s in report["steps"].as_array().expect("steps") {
            assert_eq!(
                (&s["balanced"], &s["failed"]),
                (&json!(true), &json!(0)),
                "{quirk}: {s}"
            );
        }
        let there = counts(&sandbox);
        assert_eq!(
            (there["contact"], there["note"], there["task"]),
            (286, 329, 124),
            "{quirk}"
        );
        assert_eq!(example.run()["calls_write"], 0, "{quirk}");
        fs::remove_dir_all(example.folder.path().join(".transload")).expect("the ledger");
        assert_eq!(
            example.run()["calls_write"],
            0,
            "{quirk}: the ledger was lost"
        );
    }
}

/// An account for the example with deals, which are created one by one between contacts and activities.
fn with_deals() -> (Sandbox, Example) {
    let seed = root().join("examples/smartdesk/sandbox.yaml");
    let seed = seed.to_str().expect("a path");
    let args = [
        "--seed",
        seed,
        "--tier",
        "growth",
        "--calls-per-minute",
        "0",
    ];
    let sandbox = Sandbox::start("freshsales.yaml", &args);
    let example = Example::against("smartdesk", &sandbox);
    (sandbox, example)
}

fn order(sandbox: &Sandbox, faults: Value) {
    let (status, answer) = sandbox.admin_post("/faults", &json!({ "faults": faults }));
    assert_eq!(status, 200, "{answer}");
}

#[test]
fn records_that_were_acknowledged_and_not_kept_end_the_run_before_the_next_batch() {
    let (sandbox, example) = with_deals();
    order(
        &sandbox,
        json!([{"fault": "forgotten", "method": "POST", "path": "/deals", "call": 2}]),
    );
    let output = example.command().output().expect("it runs");
    let message = failed_with(&output, 5);
    // The books so far stand on stdout, as they do at every other end with 5.
    let books: Value = serde_json::from_slice(&output.stdout).expect("books");
    let steps = books["steps"].as_array().expect("steps").iter();
    let deal = steps.clone().find(|s| s["step"] == "deal");
    assert!(deal.is_some_and(|s| s["balanced"] == true), "{books}");
    assert_eq!(books["outcome"], "aborted");
    let made = counts(&sandbox)["deal"];
    let expected = format!("deal: {made} there, {} expected (0 before", made + 1);
    for part in [
        "the next one does not begin",
        &expected,
        "MISSING deal D",
        "transload reconcile",
    ] {
        assert!(message.contains(part), "`{part}` in {message}");
    }
    let there = counts(&sandbox);
    assert_eq!((there["task"], there["note"]), (0, 0), "{there:?}");

    // The same command does not get past it: the count before the batch is in the ledger.
    let writes = |sandbox: &Sandbox| sandbox.admin_get("/calls")["writes"].clone();
    let before = writes(&sandbox);
    let again = failed_with(&example.command().output().expect("it runs"), 5);
    assert!(again.contains(&expected), "{again}");
    assert_eq!(writes(&sandbox), before);

    // Told and passed by.
    example.edit(|text| text.replace("policy:\n", "policy:\n  gate: {counts: warn}\n"));
    let output = example.command().output().expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("MISSING deal D"), "{stderr}");
    assert!(counts(&sandbox)["task"] > 0, "{stderr}");

    // Off: nobody asks.
    let (sandbox, example) = with_deals();
    order(
        &sandbox,
        json!([{"fault": "forgotten", "method": "POST", "path": "/deals", "call": 2}]),
    );
    example.edit(|text| text.replace("policy:\n", "policy:\n  gate: {counts: off}\n"));
    let output = example.command().output().expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!stderr.contains("MISSING"), "{stderr}");
    assert!(counts(&sandbox)["task"] > 0, "{stderr}");
}

#[test]
fn what_people_make_and_remove_meanwhile_is_no_fault_and_a_second_run_counts_nothing() {
    let (sandbox, example) = with_deals();
    let own = json!({"deal": {"name": "Their own", "amount": 5}});
    let ids: Vec<String> = (0..2)
        .map(|_| sandbox.person("POST", "/deals", &own)["deal"]["id"].to_string())
        .collect();
    // The run is interrupted among the deals, and people remove theirs before it goes on.
    order(
        &sandbox,
        json!([{"fault": "denied", "method": "POST", "path": "/deals", "call": 4}]),
    );
    assert_eq!(
        example.command().output().expect("it runs").status.code(),
        Some(2)
    );
    order(&sandbox, json!([]));
    for id in ids {
        sandbox.person("DELETE", &format!("/deals/{id}"), &Value::Null);
    }
    let report = example.run();
    let count = |object: &str| {
        let all = report["counts"].as_array().expect("counts");
        let found = all.iter().find(|c| c["object"] == object);
        found.unwrap_or_else(|| panic!("{object} in {report}"))
    };
    let deals = count("deal");
    assert_eq!(deals["verdict"], "others", "{deals}");
    assert_eq!(deals["before"], 2, "{deals}");
    assert_eq!(deals["missing_records"], 0, "{deals}");
    for object in ["task", "appointment", "sales_activity"] {
        assert_eq!(count(object)["verdict"], "balanced", "{report}");
    }
    // Notes are shown below their parents only.
    assert_eq!(count("note")["verdict"], "not_known");
    let again = example.run();
    assert_eq!(
        (&again["calls_write"], &again["counts"]),
        (&json!(0), &json!([]))
    );
}

/// Gives rows of a CSV file other values: (key in the first column, column, value).
fn with_cells(bytes: &[u8], cells: &[(&str, &str, &str)]) -> Vec<u8> {
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers().expect("a header").clone();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&header).expect("a header");
    for row in reader.records() {
        let row = row.expect("a row");
        let value = |at: usize| {
            let changed = cells
                .iter()
                .find(|(key, column, _)| row.get(0) == Some(key) && header.get(at) == Some(column));
            changed.map_or(row.get(at).unwrap_or_default(), |(_, _, value)| value)
        };
        writer
            .write_record((0..row.len()).map(value))
            .expect("a row");
    }
    writer.into_inner().expect("bytes")
}

#[test]
fn references_of_the_second_pass_follow_the_source_and_leave_what_people_changed() {
    let (sandbox, example) = Loaded::run("interactive", "pro").copy();
    // Accounts by the key of their company: id, and the id of the parent.
    let accounts = || -> BTreeMap<String, (u64, Option<u64>)> {
        let all = sandbox.view("sales_accounts", "All Accounts").into_iter();
        all.filter_map(|a| {
            let key = a["custom_field"]["cf_interactive_id"].as_str()?.to_owned();
            Some((
                key,
                (a["id"].as_u64()?, a["parent_sales_account_id"].as_u64()),
            ))
        })
        .collect()
    };
    let before = accounts();
    let mut children = before.iter().filter(|(_, (_, parent))| parent.is_some());
    let (moved, contested) = (
        children.next().expect("a child").0.clone(),
        children.next().expect("another child").0.clone(),
    );
    let parents: BTreeSet<u64> = before.values().filter_map(|(_, parent)| *parent).collect();
    let mut others = before
        .iter()
        .filter(|(_, (id, parent))| parent.is_none() && !parents.contains(id));
    let (new, theirs) = (
        others.next().expect("an account").0.clone(),
        others.next().expect("an account").0.clone(),
    );
    example.edit_export("companies.csv", |bytes| {
        let column = "parent_company_id";
        with_cells(
            &bytes,
            &[(&moved, column, &new), (&contested, column, &new)],
        )
    });
    let path = format!("/sales_accounts/{}", before[&contested].0);
    let change = json!({"sales_account": {"parent_sales_account_id": before[&theirs].0}});
    sandbox.person("PUT", &path, &change);

    let report = example.run();
    assert_eq!(report["calls_write"], 1, "{report}");
    let after = accounts();
    assert_eq!(after[&moved].1, Some(before[&new].0));
    assert_eq!(after[&contested].1, Some(before[&theirs].0), "theirs stays");
    let conflicts = report["conflicts"].as_array().expect("conflicts");
    assert_eq!(conflicts.len(), 1, "{conflicts:?}");
    assert_eq!(
        (&conflicts[0]["step"], &conflicts[0]["field"]),
        (&json!("account"), &json!("parent"))
    );
    for (key, (_, parent)) in &before {
        if ![&moved, &contested].contains(&key) {
            assert_eq!(after[key].1, *parent, "{key}");
        }
    }
    assert_eq!(example.run()["calls_write"], 0);
    assert_eq!(accounts(), after);

    // Held for a person: told once, whatever runs, and decided in the sheet.
    example.edit(|text| text.replace("policy:\n", "policy:\n  conflict: hold\n"));
    let other = others.next().expect("an account").0.clone();
    example.edit_export("companies.csv", |bytes| {
        with_cells(&bytes, &[(&contested, "parent_company_id", &other)])
    });
    example.run();
    assert_eq!(example.run()["calls_write"], 0);
    let told = sheet::told(&example);
    example.run();
    assert_eq!(sheet::told(&example), told);
    let decision = ("account", &*contested, "parent", "overwrite", "", "");
    sheet::decide(&example, &[decision]);
    sheet::import(&example);
    assert_eq!(report_of(&sheet::retry(&example, &[]))["calls_write"], 1);
    assert_eq!(accounts()[&contested].1, Some(before[&other].0));
    assert!(!example.holds().iter().any(|h| h.2 == "conflict"));
    assert_eq!(example.run()["calls_write"], 0);
    let verified = support::transload()
        .args(["audit", "verify"])
        .arg(example.migration())
        .output()
        .expect("it runs");
    assert!(verified.status.success(), "{verified:?}");
}

#[test]
fn exceptions_are_counted_object_by_object_or_together() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    let report = example.run();
    let number = |s: &Value, field: &str| s[field].as_u64().expect("a number");
    let steps = report["steps"].as_array().expect("steps");
    let bad = |s: &Value| number(s, "held") + number(s, "failed");
    let share = |bad: u64, read: u64| bad * 10_000 / read.max(1);
    let worst = steps
        .iter()
        .map(|s| share(bad(s), number(s, "read")))
        .max()
        .expect("a step");
    let (held, read) = steps
        .iter()
        .fold((0, 0), |(b, r), s| (b + bad(s), r + number(s, "read")));
    let between = (worst + share(held, read)) / 2;
    assert!(share(held, read) < between && between < worst, "{report}");
    let allowed = format!("{}.{:02}%", between / 100, between % 100);
    let policy = |more: &str| {
        let with = format!("policy:\n  errors: {{max_share: \"{allowed}\"{more}}}\n");
        example.edit(|text| support::replace_block(text, "policy:", &with));
    };
    policy("");
    let message = failed_with(&example.command().output().expect("it runs"), 5);
    assert!(
        message.contains("more than `policy.errors` allows"),
        "{message}"
    );
    policy(", per: run");
    assert_eq!(example.run()["calls_write"], 0);
}
