//! Discovery against independent counts of the same exports, and drift after either side changed. The destination is
//! looked at over HTTP.

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
    path::{Path, PathBuf},
    process::Output,
};
use support::{Example, Sandbox, csv_rows, root, transload};

const PAIRS: [&str; 5] = [
    "actimo",
    "allclients",
    "interactive",
    "smartdesk",
    "usercom",
];

fn discover(example: &Example, more: &[&str]) -> Output {
    transload()
        .arg("discover")
        .arg(example.migration())
        .args(more)
        .output()
        .expect("it runs")
}

/// The JSON of a discovery that ended well.
fn found(example: &Example, more: &[&str]) -> Value {
    let output = discover(example, &[&["--format", "json"], more].concat());
    support::report_of(&output)
}

fn lock_of(example: &Example) -> PathBuf {
    example.folder.path().join(".transload/schema.lock.json")
}

fn list<'v>(value: &'v Value, name: &str) -> &'v Vec<Value> {
    value[name]
        .as_array()
        .unwrap_or_else(|| panic!("no list `{name}` in {value}"))
}

fn named<'v>(all: &'v [Value], member: &str, name: &str) -> &'v Value {
    all.iter()
        .find(|v| v[member] == name)
        .unwrap_or_else(|| panic!("no {name}"))
}

fn words(found: &Value) -> Vec<String> {
    let drift = found["drift"].as_array().expect("drift");
    let word = |c: &Value| c["words"].as_str().expect("words").to_owned();
    drift.iter().map(word).collect()
}

/// The account of the example, as a server of its own.
fn account(pair: &str, tier: &str) -> Sandbox {
    let seed = root().join(format!("examples/{pair}/sandbox.yaml"));
    let seed = seed.to_str().expect("a path");
    Sandbox::start(
        "freshsales.yaml",
        &["--seed", seed, "--tier", tier, "--calls-per-minute", "0"],
    )
}

type Rows = Vec<BTreeMap<String, String>>;

fn export(example: &Example, object: &Value) -> (String, Rows) {
    let file = object["file"].as_str().expect("a file").to_owned();
    let rows = csv_rows(&example.folder.path().join("export").join(&file));
    (file, rows)
}

#[test]
fn inventories_of_the_shipped_examples_agree_with_an_independent_count() {
    for pair in PAIRS {
        let example = Example::copy(pair);
        let found = found(&example, &["--source-only"]);
        let source = &found["inventory"]["source"];
        let mut compared = 0;
        for object in list(source, "objects") {
            assert_eq!(object["state"], "read", "{pair} {object}");
            let (file, rows) = export(&example, object);
            assert_eq!(object["records"], rows.len(), "{pair} {file}");
            for field in list(object, "fields") {
                let column = field["column"].as_str().expect("a column");
                if field["found"] != true || !rows[0].contains_key(column) {
                    continue;
                }
                let place = format!("{pair} {file} {column}");
                let filled: Vec<&str> = rows
                    .iter()
                    .map(|r| r[column].as_str())
                    // An empty list is written as `{}` where lists stand in braces.
                    .filter(|c| !c.is_empty() && *c != "{}")
                    .collect();
                assert_eq!(field["filled"], filled.len(), "{place}");
                let distinct: BTreeSet<&str> = filled.iter().copied().collect();
                // The text of a named file is not in the table.
                if !filled.iter().any(|c| c.ends_with(".html")) {
                    assert_eq!(field["distinct"], distinct.len(), "{place}");
                    let longest = filled.iter().map(|c| c.chars().count()).max();
                    assert_eq!(field["max_chars"], longest.unwrap_or(0), "{place}");
                }
                let is_list =
                    ["multi_enum", "tags", "list"].contains(&field["declared"].as_str().unwrap());
                if let Some(choices) = field["choices"].as_array().filter(|_| !is_list) {
                    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
                    for value in &filled {
                        *counts.entry(value).or_default() += 1;
                    }
                    let told: BTreeMap<&str, usize> = choices
                        .iter()
                        .map(|c| {
                            (
                                c["value"].as_str().unwrap(),
                                c["records"].as_u64().unwrap() as usize,
                            )
                        })
                        .collect();
                    if field["choices_more"] == 0 {
                        assert_eq!(told, counts, "{place}");
                    }
                }
                compared += 1;
            }
        }
        assert!(compared > 30, "{pair}: only {compared} columns");
    }
}

#[test]
fn duplicates_orphans_and_owners_are_those_of_the_file() {
    let example = Example::copy("allclients");
    let found = found(&example, &["--source-only"]);
    let source = &found["inventory"]["source"];
    let object = |name| named(list(source, "objects"), "object", name);
    let (_, contacts) = export(&example, object("contact"));
    let (_, users) = export(&example, object("user"));
    let (_, notes) = export(&example, object("note"));

    let mut by_email: BTreeMap<String, usize> = BTreeMap::new();
    for row in contacts.iter().filter(|r| !r["Email"].is_empty()) {
        *by_email.entry(row["Email"].to_lowercase()).or_default() += 1;
    }
    let several: Vec<usize> = by_email.values().copied().filter(|n| *n > 1).collect();
    let keys = list(object("contact"), "keys");
    let email = keys
        .iter()
        .find(|k| k["fields"] == json!(["email"]))
        .expect("a key");
    assert!(!several.is_empty());
    assert_eq!(email["clusters"], several.len());
    assert_eq!(email["records"], several.iter().sum::<usize>());
    let blank = contacts.iter().filter(|r| r["Email"].is_empty()).count();
    assert_eq!(email["blank"], blank);

    let known: BTreeSet<String> = users.iter().map(|r| r["Email"].to_lowercase()).collect();
    let owner = |r: &BTreeMap<String, String>| r["Owner Email"].to_lowercase();
    let orphans = contacts
        .iter()
        .filter(|r| !r["Owner Email"].is_empty() && !known.contains(&owner(r)))
        .count();
    let link = |object: &str, field: &str| {
        list(source, "links")
            .iter()
            .find(|l| l["object"] == object && l["fields"] == json!([field]))
            .unwrap_or_else(|| panic!("no link {object}.{field}"))
    };
    assert_eq!(link("contact", "owner_email")["orphans"], orphans);

    // A note finds its contact by id, else by address.
    let ids: BTreeSet<&str> = contacts.iter().map(|r| r["ContactID"].as_str()).collect();
    let lost = notes
        .iter()
        .filter(|r| {
            let by_id = ids.contains(r["ContactID"].as_str());
            let by_mail = by_email.contains_key(&r["Contact Email"].to_lowercase());
            let names = !r["ContactID"].is_empty() || !r["Contact Email"].is_empty();
            names && !by_id && !by_mail
        })
        .count();
    assert!(lost > 0);
    let join = list(source, "links")
        .iter()
        .find(|l| l["object"] == "note" && l["kind"] == "join")
        .expect("the join");
    assert_eq!(join["orphans"], lost);

    for told in list(source, "owners") {
        let key = told["key"].as_str().unwrap().to_lowercase();
        let records = list(told, "records");
        let behind = records
            .iter()
            .find(|r| r["object"] == "contact")
            .map_or(0, |r| r["records"].as_u64().unwrap());
        let counted = contacts.iter().filter(|r| owner(r) == key).count();
        assert_eq!(behind, counted as u64, "{key}");
        assert_eq!(told["listed"], known.contains(&key), "{key}");
    }
}

#[test]
fn a_lock_has_the_same_bytes_twice_and_tells_of_nobody() {
    let example = Example::copy("allclients");
    assert!(discover(&example, &[]).status.success());
    let first = fs::read_to_string(lock_of(&example)).expect("a lock");
    let again = found(&example, &[]);
    assert_eq!(
        fs::read_to_string(lock_of(&example)).expect("a lock"),
        first
    );
    assert_eq!(words(&again), [""; 0]);
    assert!(!first.contains("sandbox-key"));
    let contacts = csv_rows(&example.folder.path().join("export/Contacts.csv"));
    for row in &contacts {
        for column in ["Email", "Phone 1", "Address", "Other Email"] {
            let value = &row[column];
            assert!(
                value.chars().count() < 6 || !first.contains(value.as_str()),
                "{column} {value} is in the lock"
            );
        }
    }
    // The forms agree.
    let json = again["inventory"]["source"]["objects"]
        .as_array()
        .unwrap()
        .len();
    for format in ["text", "markdown"] {
        let output = discover(&example, &["--format", format]);
        let text = String::from_utf8(output.stdout).expect("text");
        let rows = list(&again["inventory"]["source"], "objects");
        assert_eq!(rows.len(), json);
        for object in rows {
            let name = object["object"].as_str().unwrap();
            let count = object["records"].to_string();
            assert!(
                text.lines().any(|l| l.contains(name) && l.contains(&count)),
                "{format}: {name} {count}\n{text}"
            );
        }
        assert!(text.contains("nothing changed"), "{text}");
    }
}

fn edit(path: &Path, change: impl FnOnce(String) -> String) {
    let text = fs::read_to_string(path).expect("a file");
    fs::write(path, change(text)).expect("a file");
}

#[test]
fn drift_names_what_changed_on_either_side() {
    let sandbox = account("smartdesk", "growth");
    let example = Example::against("smartdesk", &sandbox);
    let first = found(&example, &[]);
    assert_eq!(first["drift"], Value::Null);

    // A column under another name, a choice nobody had, one record less.
    edit(&example.folder.path().join("export/tasks.csv"), |text| {
        text.replacen("assignee_email", "assigned_to", 1)
            .replacen(",Open,", ",Waiting,", 1)
    });
    edit(
        &example.folder.path().join("export/campaigns.csv"),
        |text| {
            let kept: Vec<&str> = text.lines().collect();
            kept[..kept.len() - 1].join("\n") + "\n"
        },
    );
    // A field, an option and a user that somebody made at the destination.
    for choices in [json!(["A"]), json!(["A", "B"])] {
        let field =
            json!({"object": "contact", "label": "Shirt Size", "type": "enum", "choices": choices});
        assert_eq!(sandbox.admin_post("/fields", &field).0, 200);
    }
    let user = json!({"name": "New One", "email": "new.one@desk.example", "active": true});
    assert_eq!(sandbox.admin_post("/objects/user", &user).0, 200);

    let check = discover(&example, &["--check", "--format", "json"]);
    assert_eq!(
        check.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&check.stderr)
    );
    let second = found(&example, &[]);
    let told: Value = serde_json::from_slice(&check.stdout).expect("json");
    assert_eq!(
        told["drift"], second["drift"],
        "a check says the same and keeps nothing"
    );
    let words = words(&second);
    for expected in [
        "task.assignee_email is gone",
        "task.assigned_to is new",
        "task.status has `Waiting`, too",
        "contact.cf_shirt_size is new",
        "user has `new.one@desk.example`, too",
    ] {
        assert!(
            words.iter().any(|w| w == expected),
            "no {expected:?} in {words:#?}"
        );
    }
    assert!(
        words
            .iter()
            .any(|w| w.starts_with("campaign: ") && w.contains("records before")),
        "{words:#?}"
    );

    let choices = json!(["A", "C"]);
    let field =
        json!({"object": "contact", "label": "Shirt Size", "type": "enum", "choices": choices});
    assert_eq!(sandbox.admin_post("/fields", &field).0, 200);
    let third = found(&example, &[]);
    let last: Vec<String> = third["drift"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["side"] == "destination")
        .map(|c| c["words"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        last,
        [
            "contact.cf_shirt_size has no `B` any more",
            "contact.cf_shirt_size has `C`, too"
        ]
    );
    assert!(discover(&example, &["--check"]).status.success());
}

#[test]
fn people_outside_are_nobodys_choices() {
    // Attendees are looked up among users by their addresses; guests are no users.
    let example = Example::copy("usercom");
    assert!(discover(&example, &[]).status.success());
    let lock = fs::read_to_string(lock_of(&example)).expect("a lock");
    let events = csv_rows(&example.folder.path().join("export/events.csv"));
    let guests = events
        .iter()
        .filter(|r| r["attendees"].contains("guest@elsewhere.example"));
    assert!(guests.count() > 0);
    assert!(!lock.contains("guest@elsewhere.example"));
}

#[test]
fn a_source_behind_an_api_has_the_same_inventory_as_its_export() {
    // The shipped example has both; its simulated API is filled from the export.
    let export = Example::copy("usercom");
    let by_file = found(&export, &["--source-only"]);
    let folder = root().join("examples/usercom/export").display().to_string();
    let api = Example::copy("usercom_api");
    api.edit(|text| {
        text.replace("../usercom/export", &folder)
            .replace("    faults: {rate_limited: 0.1, truncated: 0.1}\n", "")
    });
    let unread = discover(&api, &["--source-only"]);
    assert_eq!(
        unread.status.code(),
        Some(3),
        "without a call there is nothing yet"
    );
    let by_api = found(&api, &[]);
    let count = |found: &Value, name: &str| -> Value {
        let objects = list(&found["inventory"]["source"], "objects");
        named(objects, "object", name)["records"].clone()
    };
    for object in [
        "contact",
        "company",
        "deal",
        "owner",
        "stage",
        "conversation",
    ] {
        assert_eq!(count(&by_api, object), count(&by_file, object), "{object}");
    }
    let owners = |found: &Value| -> BTreeMap<String, u64> {
        let all = list(&found["inventory"]["source"], "owners").iter();
        all.map(|o| {
            let deals = list(o, "records").iter().filter(|r| r["object"] == "deal");
            let name = o["matched_by"].as_str().unwrap_or_default().to_lowercase();
            (name, deals.map(|r| r["records"].as_u64().unwrap()).sum())
        })
        .collect()
    };
    assert_eq!(owners(&by_api), owners(&by_file));
    // Read once, it needs no further call.
    let again = found(&api, &["--source-only"]);
    assert_eq!(again["inventory"]["source"], by_api["inventory"]["source"]);
}

#[test]
fn a_missing_file_is_part_of_the_answer() {
    let example = Example::copy("allclients");
    fs::remove_file(example.folder.path().join("export/Notes.csv")).expect("removed");
    let output = discover(&example, &["--source-only", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let found: Value = serde_json::from_slice(&output.stdout).expect("json");
    let objects = list(&found["inventory"]["source"], "objects");
    assert_eq!(named(objects, "object", "note")["state"], "missing");
    assert_eq!(named(objects, "object", "contact")["state"], "read");
    assert_eq!(found["inventory"]["destination"], Value::Null);
}

#[test]
fn a_refused_key_is_one_clear_message() {
    let sandbox = account("allclients", "growth");
    let example = Example::against("allclients", &sandbox);
    let output = transload()
        .arg("discover")
        .arg(example.migration())
        .env("TRANSLOAD_TEST_KEY", "wrong")
        .output()
        .expect("it runs");
    let message = support::failed_with(&output, 2);
    assert!(message.contains("refuses the key"), "{message}");
    assert!(!lock_of(&example).exists());
}

#[test]
fn a_changed_export_is_noticed_by_its_content_and_not_by_its_time() {
    let example = Example::copy("allclients");
    let file = example.folder.path().join("export/Notes.csv");
    let changed = || -> bool {
        let output = transload()
            .args(["plan"])
            .arg(example.migration())
            .output()
            .expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.contains("Notes.csv changed since discovery")
    };
    let output = discover(&example, &[]);
    assert!(output.status.success(), "{output:?}");
    assert!(!changed());
    // Another content of the same size.
    let whole = fs::read(&file).expect("notes");
    let at = whole
        .windows(5)
        .position(|w| w == b"Said:")
        .expect("a note");
    let mut other = whole.clone();
    other[at..at + 5].copy_from_slice(b"Told:");
    fs::write(&file, &other).expect("notes");
    assert!(changed(), "the size is the same, the content is not");
    let output = transload()
        .args(["run", "--auto-approve"])
        .arg(example.migration())
        .output()
        .expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("Notes.csv changed since discovery"),
        "{stderr}"
    );
    // The same content at another time: a copy, or a checkout on another machine.
    fs::write(&file, &whole).expect("notes");
    assert!(!changed());
    let then = fs::metadata(&file).and_then(|m| m.modified());
    let later = then.expect("a time") - std::time::Duration::from_secs(3600);
    fs::File::options()
        .write(true)
        .open(&file)
        .and_then(|f| f.set_modified(later))
        .expect("another time");
    assert!(!changed());
    // What is kept for that is no part of the lock, which has no times.
    let state = example.folder.path().join(".transload");
    assert!(state.join("prints.json").is_file());
    let lock = fs::read_to_string(state.join("schema.lock.json")).expect("the lock");
    assert!(!lock.contains("changed"), "no time in the lock");
    // A lock of an older engine knows sizes only.
    let older: Value = serde_json::from_str(&lock).expect("json");
    let mut older = older;
    for object in older["source"]["objects"].as_array_mut().expect("objects") {
        object.as_object_mut().expect("an object").remove("print");
    }
    fs::write(state.join("schema.lock.json"), older.to_string()).expect("the lock");
    fs::write(&file, &other).expect("notes");
    assert!(!changed());
    fs::write(&file, [whole, b"x".to_vec()].concat()).expect("notes");
    assert!(changed());
}
