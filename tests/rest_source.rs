//! Sources read through their API: the same records as from an export, read once, whole or not at all, whatever the
//! server does on the way.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

#[path = "rest_source/shop.rs"]
mod shop;
mod support;

use serde_json::{Value, json};
use shop::{Answer, Shop};
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, Instant},
};
use support::{Example, Sandbox, failed_with, report_of, root, transload};
use transload::clock::{Clock, SystemClock};

const KEY: &str = "0123456789abcdef-source-token";

// ---- the same state by both ways ----

/// A destination account for the example.
fn crm() -> Sandbox {
    let seed = root().join("examples/usercom/sandbox.yaml");
    let seed = seed.to_str().expect("path");
    Sandbox::start(
        "freshsales.yaml",
        &["--seed", seed, "--tier", "pro", "--calls-per-minute", "0"],
    )
}

/// A simulated source that holds the example's export.
fn simulated_source() -> Sandbox {
    let export = root().join("examples/usercom/export");
    Sandbox::start(
        "usercom_api.yaml",
        &["--fill", export.to_str().expect("path"), "--key", KEY],
    )
}

/// The example that reads from that source into that account. Errors are retried without delay.
fn by_api(source: &Sandbox, destination: &Sandbox) -> Example {
    let example = Example::against("usercom_api", destination);
    let export = root().join("examples/usercom/export").display().to_string();
    example.edit(|text| {
        support::replace_block(
            text,
            "source:",
            &format!(
                "source:\n  platform: usercom_api\n  beside: {export}\n  http: {{base: \"{}\", secret: \"env:SOURCE_KEY\"}}\n",
                source.base
            ),
        )
    });
    example.own_specs(|name, text| match name {
        "usercom_api.yaml" => {
            let waits = "tries: 6, wait: 1s, wait_max: 2m";
            assert!(text.contains(waits));
            text.replace(waits, "tries: 6, wait: 10ms, wait_max: 50ms")
        }
        _ => text,
    });
    example
}

/// What an account holds, in a form that does not depend on ids and times: records by object, each reference replaced
/// by what it points to.
fn state(account: &Sandbox, begun: jiff::Timestamp) -> BTreeMap<String, Vec<String>> {
    let dump = account.admin_get("/dump");
    let mut plain: BTreeMap<i64, Value> = BTreeMap::new();
    let mut objects: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (object, rows) in dump.as_object().expect("objects") {
        for row in rows.as_array().expect("rows") {
            let id = row["id"].as_i64().expect("id");
            let mut record = json!({"fields": row["fields"], "custom": row["custom"], "deleted": row["deleted"]});
            timeless(&mut record, begun);
            plain.insert(id, record);
            objects.entry(object.clone()).or_default().push(id);
        }
    }
    // References to references: what a record is shows after as many rounds as chains are long.
    let mut names: BTreeMap<i64, String> = plain.keys().map(|id| (*id, String::new())).collect();
    for _ in 0..4 {
        names = plain
            .iter()
            .map(|(id, record)| {
                let mut record = record.clone();
                named(&mut record, &names);
                (
                    *id,
                    blake3::hash(record.to_string().as_bytes()).to_hex()[..16].to_owned(),
                )
            })
            .collect();
    }
    objects
        .into_iter()
        .map(|(object, ids)| {
            let mut lines: Vec<String> = ids
                .iter()
                .map(|id| {
                    let mut record = plain[id].clone();
                    named(&mut record, &names);
                    record.to_string()
                })
                .collect();
            lines.sort();
            (object, lines)
        })
        .collect()
}

/// Replaces instants of this test by a word.
fn timeless(value: &mut Value, begun: jiff::Timestamp) {
    match value {
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok_and(|t| t >= begun) => {
            *text = "now".to_owned();
        }
        Value::Array(items) => items.iter_mut().for_each(|i| timeless(i, begun)),
        Value::Object(map) => map.values_mut().for_each(|v| timeless(v, begun)),
        _ => {}
    }
}

/// Replaces ids of records by what the records are.
fn named(value: &mut Value, names: &BTreeMap<i64, String>) {
    match value {
        Value::Number(n) => {
            if let Some(name) = n.as_i64().and_then(|id| names.get(&id)) {
                *value = Value::String(name.clone());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|i| named(i, names)),
        Value::Object(map) => map.values_mut().for_each(|v| named(v, names)),
        _ => {}
    }
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push(path);
        }
    }
    all
}

#[test]
fn api_and_export_lead_to_the_same_account() {
    let begun = SystemClock::new().now() - jiff::SignedDuration::from_secs(60);
    let (a, b) = (crm(), crm());
    let source = simulated_source();
    let (status, _) = source.admin_post(
        "/faults",
        &json!({"faults": [
            {"fault": "rate_limited", "method": "GET", "path": "/users/", "call": 2},
            {"fault": "truncated", "method": "GET", "path": "/users/", "call": 4},
            {"fault": "server_error", "method": "GET", "path": "/companies/", "call": 1},
        ]}),
    );
    assert_eq!(status, 200);
    let from_export = Example::against("usercom", &a);
    let exported = from_export.run();
    let from_api = by_api(&source, &b);
    let run = |more: &[&str]| {
        let output = from_api
            .command()
            .args(more)
            .env("SOURCE_KEY", KEY)
            .output()
            .expect("it runs");
        report_of(&output)
    };
    let read = run(&[]);

    // The books are the same, record for record, and so are the holds.
    // Memberships have no id in the API, so their keys differ, and one that the export says twice is there once.
    let books = |report: &Value| -> Vec<Value> {
        let steps = report["steps"].as_array().expect("steps").iter();
        let mut steps: Vec<Value> = steps
            .filter(|s| s["step"] != "segment_member")
            .cloned()
            .collect();
        // Steps of a batch end in any order.
        steps.sort_by_key(|s| s["step"].to_string());
        steps
    };
    assert_eq!(books(&read), books(&exported));
    let (said, told) = (
        support::step(&exported, "segment_member"),
        support::step(&read, "segment_member"),
    );
    assert_eq!(said["created"], told["created"]);
    assert_eq!(said["held"], told["held"]);
    assert_eq!(said["read"].as_u64(), told["read"].as_u64().map(|n| n + 1));
    let held = |example: &Example| {
        let mut held = example.holds();
        for hold in &mut held {
            if hold.0 == "segment_member" {
                hold.1.clear();
            }
        }
        held.sort();
        held
    };
    assert_eq!(held(&from_api), held(&from_export));
    let (there, here) = (state(&a, begun), state(&b, begun));
    assert!(there["contact"].len() > 250 && there["deal"].len() > 50);
    for (object, records) in &there {
        let other = &here[object];
        assert_eq!(records.len(), other.len(), "{object}");
        for (one, two) in records.iter().zip(other) {
            assert_eq!(one, two, "{object}");
        }
    }
    assert!(there["list_member"].len() > 100);
    // Documents for people, too.
    let document = |example: &Example| {
        let path = example
            .folder
            .path()
            .join(".transload/handoff/segment_definitions.csv");
        let mut lines: Vec<String> = fs::read_to_string(path)
            .expect("a document")
            .lines()
            .map(str::to_owned)
            .collect();
        lines.sort();
        lines
    };
    assert_eq!(document(&from_api), document(&from_export));
    assert_eq!(document(&from_api).len(), 3);

    // Every fault struck, and each list was read to its end: 320 users on four pages.
    let calls = source.admin_get("/calls");
    assert_eq!(calls["faults"], 3, "{calls}");
    assert_eq!(calls["by_route"]["GET /users/"], 6, "{calls}");
    assert_eq!(calls["by_route"]["GET /companies/"], 2, "{calls}");
    assert_eq!(
        calls["by_route"]["GET /segments/{parent_id}/users/"], 3,
        "{calls}"
    );

    // Again: nothing is left, and nobody called the source. A refresh does.
    let again = run(&[]);
    assert_eq!(again["nothing_left"], true);
    assert_eq!(source.admin_get("/calls")["calls"], calls["calls"]);
    let fresh = run(&["--refresh"]);
    assert_eq!(fresh["nothing_left"], true);
    assert!(source.admin_get("/calls")["calls"].as_u64() > calls["calls"].as_u64());

    // A plan knows the numbers without a call, and no file holds the key.
    let seen = source.admin_get("/calls")["calls"].clone();
    let plan = transload()
        .arg("plan")
        .arg(from_api.migration())
        .args(["--format", "json"])
        .output()
        .expect("it runs");
    let plan: Value = serde_json::from_slice(&plan.stdout).expect("json");
    assert!(plan.to_string().contains("320"), "{plan}");
    assert_eq!(source.admin_get("/calls")["calls"], seen);
    let kept = files(&from_api.folder.path().join(".transload"));
    assert!(kept.iter().any(|f| f.ends_with("index.json")));
    for file in kept {
        let bytes = fs::read(&file).expect("a file");
        let found = bytes.windows(KEY.len()).any(|w| w == KEY.as_bytes());
        assert!(!found, "{} holds the key", file.display());
    }
}

#[test]
fn the_shipped_example_runs_with_one_command() {
    // Its own simulated source, with its faults, in the process of the run.
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["usercom", "usercom_api"] {
        let example = Example::copy(name);
        fs::rename(example.folder.path(), folder.path().join(name)).expect("rename");
        fs::create_dir(example.folder.path()).expect("a folder to remove");
    }
    let output = transload()
        .arg("run")
        .arg(folder.path().join("usercom_api/migration.yaml"))
        .args(["--auto-approve", "--provision", "--format", "json"])
        .output()
        .expect("it runs");
    let report = report_of(&output);
    assert_eq!(support::step(&report, "deal")["read"], 80);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("read contact: 320 records"), "{stderr}");
    assert!(!stderr.contains("no record carries"), "{stderr}");
}

#[test]
fn the_simulated_source_follows_its_file() {
    let source = simulated_source();
    let get = |path: &str, key: &str, accept: &str| shop::get(&source.base, path, key, accept);
    let version = "*/*; version=2";
    let token = format!("Token {KEY}");
    let (status, page) = get("/users/", &token, version);
    assert_eq!(status, 200);
    assert_eq!(page["count"], 320);
    assert_eq!(page["previous"], Value::Null);
    assert_eq!(page["results"].as_array().unwrap().len(), 100);
    let next = page["next"].as_str().unwrap();
    assert!(
        next.starts_with(&format!("{}/users/?cursor=", source.base)),
        "{next}"
    );
    let (_, second) = get(&next[source.base.len()..], &token, version);
    assert_ne!(second["results"][0], page["results"][0]);
    assert!(
        second["previous"]
            .as_str()
            .unwrap()
            .starts_with(&source.base)
    );
    let user = &page["results"][1];
    assert_eq!(user["id"], 70002);
    assert_eq!(user["tags"][1]["name"], "Big, old");
    assert!(user["tags"][1]["id"].is_i64());
    assert_eq!(user["interests"], json!(["Tea"]));
    assert_eq!(user["newsletter"], true);
    assert_eq!(user["last_heard"], "2024-01-11T13:35:19.123456Z");
    assert_eq!(user["created_at"], "2018-02-26T12:54:37Z");
    let (_, companies) = get("/companies/", &token, version);
    assert!(
        companies["results"][0]["phone_numbers"][0].is_string(),
        "{companies}"
    );
    let (_, members) = get("/segments/1/users/", &token, version);
    assert_eq!(members["results"][0], json!({"id": 70002}));
    // The key in its form, the version, and the slash at the end.
    assert_eq!(get("/users/", KEY, version).0, 401);
    assert_eq!(
        get("/users/", &format!("Token token={KEY}"), version).0,
        401
    );
    assert_eq!(get("/users/", &token, "application/json").0, 406);
    assert_eq!(get("/users", &token, version).0, 404);
    assert_eq!(get("/agents/", &token, version).0, 404);
}

// ---- other servers ----

#[test]
fn short_and_empty_pages_do_not_end_a_list_and_doubles_are_left_out() {
    let shop = Shop::start(|call| match call.asked("cursor") {
        "" => Answer::page(7, &[1, 2, 3], Some("a")),
        "a" => Answer::page(7, &[], Some("b")),
        "b" => Answer::page(7, &[3], Some("c")),
        "c" => Answer::page(7, &[4, 5, 6], Some("d")),
        _ => Answer::page(7, &[7], None),
    });
    let report = report_of(&shop.extract(&[]));
    assert_eq!(report["objects"][0]["records"], 7);
    assert_eq!(report["objects"][0]["twice"], 1);
    assert_eq!(shop.loaded(), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(shop.calls(), 5);
}

#[test]
fn too_many_calls_are_waited_for() {
    let shop = Shop::start(|call| match call.n {
        0 => Answer::status(429).header("retry-after", "1"),
        2 => Answer::status(429),
        _ => Answer::page(2, &[1, 2], None),
    });
    let begun = Instant::now();
    assert_eq!(report_of(&shop.extract(&[]))["objects"][0]["records"], 2);
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!(shop.calls(), 2);
    // Without a header, and with tries to spare for what else goes wrong.
    assert_eq!(
        report_of(&shop.extract(&["--refresh"]))["objects"][0]["records"],
        2
    );
    assert_eq!(shop.calls(), 4);
}

#[test]
fn damaged_pages_are_read_again_then_the_run_can_go_on_later() {
    let shop = Shop::start(|call| match (call.path.as_str(), call.n) {
        ("/api/people", 0) => Answer::cut_short(),
        ("/api/people", 1) => Answer::text("{\"count\": 1, \"results\": [{\"id\": 1"),
        ("/api/people", _) => Answer::page(2, &[1, 2], None),
        (_, n) if n < 6 => Answer::text("[1, 2"),
        _ => Answer::page(1, &[9], None),
    });
    shop.also_firms();
    let message = failed_with(&shop.extract(&[]), 75);
    assert!(message.contains("arrive damaged"), "{message}");
    assert!(message.contains("GET /firms"), "{message}");
    // Nothing half: people are complete and wait for the rest, and no plan counts anything yet.
    assert!(!shop.folder().join("extracts/index.json").exists());
    let next = fs::read_to_string(shop.folder().join("extracts/next.json")).expect("next");
    assert!(next.contains("person") && !next.contains("firm."), "{next}");
    let people = shop.calls_of("/api/people");
    assert_eq!(people, 3);
    let report = report_of(&shop.extract(&[]));
    assert_eq!(report["objects"].as_array().unwrap().len(), 2);
    assert_eq!(shop.calls_of("/api/people"), people, "people were complete");
    assert_eq!(shop.loaded(), [1, 2]);
}

#[test]
fn a_refresh_that_fails_leaves_the_extract_in_use() {
    let shop = Shop::start(|call| match call.n {
        0 => Answer::page(2, &[1, 2], None),
        1 => Answer::page(3, &[1, 2], Some("more")),
        _ => Answer::status(503),
    });
    report_of(&shop.extract(&[]));
    let message = failed_with(&shop.extract(&["--refresh"]), 75);
    assert!(message.contains("503"), "{message}");
    assert_eq!(shop.loaded(), [1, 2]);
    assert_eq!(shop.calls(), 5);
}

#[test]
fn a_list_that_goes_round_in_circles_is_an_error() {
    let shop = Shop::start(|call| match call.asked("cursor") {
        "" => Answer::page(9, &[1], Some("a")),
        "a" => Answer::page(9, &[2], Some("b")),
        _ => Answer::page(9, &[3], Some("a")),
    });
    let message = failed_with(&shop.extract(&[]), 70);
    assert!(message.contains("round in circles"), "{message}");
    assert_eq!(shop.calls(), 3);
    let same = Shop::start(|_| Answer::page(9, &[1], Some("a")));
    let message = failed_with(&same.extract(&[]), 70);
    assert!(message.contains("same page twice"), "{message}");
}

#[test]
fn a_list_without_an_end_is_an_error_and_no_loop() {
    // Pages that come again later, under cursors that are always new.
    let turning = Shop::start(|call| {
        let ids = if call.n % 2 == 0 { [1, 2] } else { [3, 4] };
        Answer::page(9, &ids, Some(&format!("c{}", call.n)))
    });
    let message = failed_with(&turning.extract(&[]), 70);
    assert!(message.contains("same page twice"), "{message}");
    assert_eq!(turning.calls(), 3);
    // The same records for ever, each time with something else about them.
    let endless = || {
        Shop::start(|call| {
            let row = format!("v{}", call.n);
            Answer::named(&[(1, &row)]).then(&format!("c{}", call.n))
        })
    };
    let shop = endless();
    let message = failed_with(&shop.extract(&[]), 70);
    assert!(message.contains("51 pages in a row"), "{message}");
    assert!(message.contains("`idle_pages`"), "{message}");
    assert_eq!(shop.calls(), 52);
    assert!(!shop.folder().join("extracts/index.json").exists());
    let shop = endless();
    shop.connect("idle_pages: 3");
    let message = failed_with(&shop.extract(&[]), 70);
    assert!(message.contains("4 pages in a row"), "{message}");
    assert_eq!(shop.calls(), 5);
}

#[test]
fn an_answer_that_does_not_come_is_waited_for_as_long_as_the_connection_says() {
    let shop = Shop::start(|call| match call.n {
        0..=2 => Answer::page(1, &[1], None).late(Duration::from_secs(30)),
        _ => Answer::page(1, &[1], None),
    });
    shop.connect("timeout: 1s");
    let begun = Instant::now();
    let message = failed_with(&shop.extract(&[]), 75);
    assert!(message.contains("no answer within 1 s"), "{message}");
    assert!(
        begun.elapsed() < Duration::from_secs(25),
        "three tries of a second"
    );
    assert_eq!(shop.calls(), 3);
    assert_eq!(report_of(&shop.extract(&[]))["objects"][0]["records"], 1);
}

#[cfg(unix)]
#[test]
fn killed_in_the_middle_of_reading_it_goes_on_with_what_it_lacks() {
    let shop = Shop::start(|call| match (call.path.as_str(), call.n) {
        ("/api/people", _) => Answer::page(3, &[1, 2, 3], None),
        (_, 0) => Answer::page(2, &[7], Some("a")),
        (_, 1) => Answer::page(2, &[8], None).late(Duration::from_secs(30)),
        _ => match call.asked("cursor") {
            "" => Answer::page(2, &[7], Some("a")),
            _ => Answer::page(2, &[8], None),
        },
    });
    shop.also_firms();
    let next = shop.folder().join("extracts/next.json");
    let mut child = shop.command(&[]).spawn().expect("it starts");
    let begun = Instant::now();
    // People are complete, firms are half read.
    while shop.calls_of("/api/firms") < 2
        || !fs::read_to_string(&next).is_ok_and(|t| t.contains("person"))
    {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().expect("SIGKILL");
    child.wait().expect("it is gone");
    assert!(!shop.folder().join("extracts/index.json").exists());
    let report = report_of(&shop.extract(&[]));
    assert_eq!(report["objects"].as_array().expect("objects").len(), 2);
    assert_eq!(shop.calls_of("/api/people"), 1, "people were complete");
    assert_eq!(shop.loaded(), [1, 2, 3]);
    let calls = shop.calls();
    report_of(&shop.extract(&[]));
    assert_eq!(shop.calls(), calls, "nothing is lacking");
    // What the killed one had half is gone.
    let files = fs::read_dir(shop.folder().join("extracts")).expect("extracts");
    let names: Vec<String> = files
        .map(|f| {
            f.expect("a file")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    assert!(names.iter().all(|n| !n.contains("part")), "{names:?}");
}

#[test]
fn fewer_records_than_the_server_says_are_not_all() {
    let shop = Shop::start(|_| Answer::page(3, &[1, 2], None));
    let message = failed_with(&shop.extract(&[]), 75);
    assert!(message.contains("ends after 2 records"), "{message}");
    assert_eq!(shop.calls(), 2, "read once more before giving up");
}

#[test]
fn a_key_that_is_refused_and_a_page_to_sign_in() {
    let denied = Shop::start(|_| Answer::status(401));
    let message = failed_with(&denied.extract(&[]), 2);
    assert!(message.contains("refuses the key"), "{message}");
    assert!(!message.contains(shop::KEY), "{message}");
    assert_eq!(denied.calls(), 1);
    let page = Shop::start(|_| Answer::html("<html><form>Sign in</form></html>"));
    let message = failed_with(&page.extract(&[]), 70);
    assert!(message.contains("a web page instead of JSON"), "{message}");
    let elsewhere = Shop::start(|_| Answer::link(2, &[1], "https://elsewhere.example/people"));
    let message = failed_with(&elsewhere.extract(&[]), 70);
    assert!(message.contains("another server"), "{message}");
    let other = Shop::start(|_| Answer::text("{\"people\": []}"));
    let message = failed_with(&other.extract(&[]), 70);
    assert!(message.contains("`results`"), "{message}");
}

#[cfg(unix)]
#[test]
fn a_stop_is_clean_and_goes_on() {
    let shop = Shop::start(|call| match call.n {
        0 => Answer::page(2, &[1], Some("a")),
        1 => Answer::page(2, &[2], None).late(Duration::from_secs(30)),
        _ => match call.asked("cursor") {
            "" => Answer::page(2, &[1], Some("a")),
            _ => Answer::page(2, &[2], None),
        },
    });
    let mut child = shop.command(&[]).spawn().expect("it starts");
    let begun = Instant::now();
    while shop.calls() < 2 {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    }
    // Nobody else reads the same source meanwhile.
    let message = failed_with(&shop.extract(&[]), 7);
    assert!(message.contains("another command is reading"), "{message}");
    let sent = std::process::Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .expect("kill");
    assert!(sent.success());
    assert_eq!(child.wait().expect("it ends").code(), Some(143));
    assert_eq!(report_of(&shop.extract(&[]))["objects"][0]["records"], 2);
    assert_eq!(shop.loaded(), [1, 2]);
}

#[test]
fn what_changed_takes_the_place_of_what_was() {
    let shop = Shop::start(|call| match (call.n, call.asked("since")) {
        (0, "") => Answer::named(&[(1, "Ann"), (2, "Bob"), (3, "Cem")]),
        (n @ (1 | 2), since) => {
            // Further back than the reading before began: a little, then by what the policy says.
            let since: jiff::Timestamp = since.parse().expect("an instant");
            let ago = SystemClock::new().now().duration_since(since);
            let least = if n == 1 { 10 } else { 120 };
            assert!((least..least + 20).contains(&ago.as_mins()), "{since}");
            Answer::named(&[(2, "Bea"), (4, "Dan")])
        }
        other => panic!("{other:?}"),
    });
    shop.edit_platform(|text| {
        text.replace(
            "records: results,",
            "records: results, since: {param: since},",
        )
        .replace(
            "fields: {id: {type: id}}",
            "fields: {id: {type: id}, name: {type: text}}",
        )
    });
    shop.edit_mapping(|text| text.replace("fields: {id: id}", "fields: {id: id, name: name}"));
    report_of(&shop.extract(&[]));
    let report = report_of(&shop.extract(&["--changed"]));
    assert_eq!(report["objects"][0]["records"], 4);
    assert_eq!(shop.loaded(), [1, 2, 3, 4]);
    let names: Vec<Value> = shop.rows().iter().map(|r| r["name"].clone()).collect();
    assert_eq!(names, ["Ann", "Bea", "Cem", "Dan"]);
    shop.edit_mapping(|text| format!("{text}policy: {{delta: {{overlap: 2h}}}}\n"));
    report_of(&shop.extract(&["--changed"]));
    assert_eq!(shop.calls(), 3);
}

#[test]
fn the_limit_of_a_source_is_kept() {
    let shop = Shop::start(|call| match call.n {
        n if n < 11 => Answer::page(12, &[u32::try_from(n).unwrap()], Some(&format!("c{n}"))),
        _ => Answer::page(12, &[11], None),
    });
    shop.edit_platform(|text| {
        text.replace(
            "limits: {",
            "limits: {calls: [{max: 4, per: 2s, scope: key}], ",
        )
    });
    assert_eq!(report_of(&shop.extract(&[]))["objects"][0]["records"], 12);
    let times = shop.times();
    for (i, at) in times.iter().enumerate() {
        // A little less than the window: the server sees calls later than they were counted.
        let window = times[i..]
            .iter()
            .filter(|t| **t - *at < Duration::from_millis(1800));
        assert!(window.count() <= 4, "{times:?}");
    }
}

#[test]
fn a_simulated_list_tells_what_changed_since() {
    let folder = tempfile::tempdir().expect("a folder");
    let platform = folder.path().join("shop.yaml");
    fs::write(
        &platform,
        "spec: platform/v1\nplatform: shop\nchecked: \"2026-08-20\"\n\
         connect: {http: {base: \"https://shop.example\", auth: {value: \"{secret}\"}}}\n\
         objects:\n  person:\n    path: people\n    ops: {list: {get: /people, records: results, since: {param: since, format: \"%Y-%m-%d %H:%M\"}, page: {style: offset, param: from, size: 10, total: count}}}\n    fields: {id: {type: id}, name: {type: text}, changed: {type: datetime, write: never, set: updated}}\n",
    )
    .expect("a file");
    let seed = folder.path().join("seed.yaml");
    fs::write(&seed, "person: [{name: Ann}, {name: Bob}]\n").expect("a file");
    let shop = Sandbox::start(
        platform.to_str().expect("path"),
        &["--seed", seed.to_str().expect("path")],
    );
    let asked = |since: &str| {
        let path = format!("/people?since={since}");
        shop::get(&shop.base, &path, &shop.key, "*/*").1["count"].clone()
    };
    assert_eq!(asked("2020-01-01%2000:00"), 2);
    assert_eq!(asked("2999-01-01%2000:00"), 0);
}

// ---- posted forms ----

#[test]
fn posted_forms_are_paged_and_errors_with_status_200_are_seen() {
    let shop = Shop::forms(|call| {
        assert_eq!(call.method, "POST");
        assert_eq!(call.header("authorization"), "");
        match (
            call.asked("apikey"),
            call.asked("accountid"),
            call.asked("response_type"),
        ) {
            (shop::KEY, "42", "json") => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(call.asked("size"), "2");
        match call.asked("offset") {
            "0" => Answer::text("{\"results\": {\"people\": [{\"id\": 1}, {\"id\": 2}]}}"),
            // Fewer than asked for, and not the end.
            "2" => Answer::text("{\"results\": {\"people\": [{\"id\": 3}]}}"),
            "3" => Answer::text("{\"results\": {\"people\": [{\"id\": 4}]}}"),
            _ => Answer::text("{\"results\": {\"people\": []}}"),
        }
    });
    report_of(&shop.extract(&[]));
    assert_eq!(shop.loaded(), [1, 2, 3, 4]);
    let wrong =
        Shop::forms(|_| Answer::text("{\"results\": {\"error\": \"Authentication failed\"}}"));
    let message = failed_with(&wrong.extract(&[]), 2);
    assert!(message.contains("Authentication failed"), "{message}");
    assert!(!message.contains(shop::KEY), "{message}");
    let broken = Shop::forms(|_| Answer::text("{\"results\": {\"error\": \"No such method\"}}"));
    let message = failed_with(&broken.extract(&[]), 70);
    assert!(message.contains("No such method"), "{message}");
}
