//! Rollback end to end: what the migration made and nobody touched goes, what it changed gets back what it held, what
//! people changed or added to stays; killed at any moment the same command goes on; a second one does nothing; a run
//! after it starts clean.

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
    process::Stdio,
    sync::{Arc, OnceLock},
    thread,
    time::{Duration, Instant},
};
use support::{
    Example, Sandbox, counts, failed_with, fetch_with, loaded::Loaded, root, step, transload,
};
use transload::{
    clock::SystemClock,
    ledger::{Entry, Intent, Ledger, Options, Origin, RecordState, RunMeta, View, WriteOp},
};

/// AllClients, loaded once for all tests.
fn allclients() -> &'static Loaded {
    static LOADED: OnceLock<Loaded> = OnceLock::new();
    LOADED.get_or_init(|| Loaded::run("allclients", "growth"))
}

/// A part of AllClients, likewise: enough to be in the middle of something.
fn some_clients() -> &'static Loaded {
    static LOADED: OnceLock<Loaded> = OnceLock::new();
    LOADED.get_or_init(|| {
        Loaded::run_with("allclients", "growth", |example| {
            let mut kept = BTreeSet::new();
            for (file, key) in [("Contacts.csv", 0), ("Notes.csv", 1), ("Tasks.csv", 1)] {
                example.edit_export(file, |bytes| {
                    let mut reader = csv::ReaderBuilder::new()
                        .flexible(true)
                        .from_reader(bytes.as_slice());
                    let header = reader.byte_headers().expect("a header").clone();
                    let mut writer = csv::WriterBuilder::new()
                        .flexible(true)
                        .from_writer(Vec::new());
                    writer.write_byte_record(&header).expect("a header");
                    for row in reader.byte_records() {
                        let row = row.expect("a row");
                        let key = row.get(key).unwrap_or_default().to_vec();
                        let first = file == "Contacts.csv" && kept.len() < 90;
                        if first {
                            kept.insert(key.clone());
                        }
                        if kept.contains(&key) {
                            writer.write_byte_record(&row).expect("a row");
                        }
                    }
                    writer.into_inner().expect("bytes")
                });
            }
        })
    })
}

/// Interactive, likewise.
fn interactive() -> &'static Loaded {
    static LOADED: OnceLock<Loaded> = OnceLock::new();
    LOADED.get_or_init(|| Loaded::run("interactive", "pro"))
}

fn sandbox(name: &str, tier: &str, more: &[&str]) -> Sandbox {
    let seed = root().join(format!("examples/{name}/sandbox.yaml"));
    let seed = seed.to_str().expect("path");
    let mut args = vec!["--seed", seed, "--tier", tier, "--calls-per-minute", "0"];
    args.extend(more);
    Sandbox::start("freshsales.yaml", &args)
}

fn command(example: &Example, more: &[&str]) -> std::process::Command {
    let mut command = transload();
    command
        .arg("rollback")
        .arg(example.migration())
        .args(["--format", "json"])
        .args(more);
    command
}

fn rollback(example: &Example, more: &[&str]) -> Value {
    let output = command(example, more).output().expect("it runs");
    assert!(
        output.status.success(),
        "exit {:?}: {}",
        output.status.code(),
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("json")
}

/// Shows a rollback, then does it: nothing changed in between.
fn undo(example: &Example, more: &[&str]) -> Value {
    let preview = rollback(example, &[&["--plan"], more].concat());
    let report = rollback(example, more);
    agree(&report, &preview);
    report
}

/// Fails unless a rollback did, record by record, what its preview said.
fn agree(report: &Value, preview: &Value) {
    assert_eq!(preview["preview"], true);
    assert_eq!(preview["calls_write"], 0);
    assert_eq!(report["preview"], false);
    assert_eq!(report["steps"], preview["steps"]);
    for list in ["kept", "by_hand"] {
        assert_eq!(sorted(&report[list]), sorted(&preview[list]), "{list}");
    }
    assert_eq!(report["nothing_left"], preview["nothing_left"]);
}

fn sorted(list: &Value) -> Vec<String> {
    let all = list.as_array().expect("a list").iter();
    let mut all: Vec<String> = all.map(Value::to_string).collect();
    all.sort_unstable();
    all
}

/// Live records by object and id, without what says nothing: times of change, and members that hold nothing.
fn state(sandbox: &Sandbox) -> BTreeMap<String, Value> {
    state_of(&sandbox.admin_get("/dump"))
}

fn state_of(dump: &Value) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for (object, rows) in dump.as_object().expect("objects") {
        for row in rows.as_array().expect("rows") {
            if row["deleted"] == true {
                continue;
            }
            let mut held = serde_json::Map::new();
            for part in ["fields", "custom"] {
                for (name, value) in row[part].as_object().into_iter().flatten() {
                    let empty = value.is_null() || *value == json!([]) || *value == json!("");
                    if !empty && name != "updated_at" {
                        held.insert(name.clone(), value.clone());
                    }
                }
            }
            held.sort_keys();
            let id = match row["id"].as_u64() {
                Some(id) => id.to_string(),
                None => row["id"].to_string(),
            };
            all.insert(format!("{object} {id}"), Value::Object(held));
        }
    }
    all
}

/// What is in one state and not, or otherwise, in the other.
fn only<'s>(
    a: &'s BTreeMap<String, Value>,
    b: &BTreeMap<String, Value>,
) -> BTreeMap<&'s str, &'s Value> {
    a.iter()
        .filter(|(id, value)| b.get(*id) != Some(*value))
        .map(|(id, value)| (id.as_str(), value))
        .collect()
}

fn put(sandbox: &Sandbox, collection: &str, wrap: &str, record: &Value, change: Value) {
    let path = format!("/{collection}/{}", record["id"]);
    sandbox.person("PUT", &path, &json!({ wrap: change }));
}

fn sum(report: &Value, name: &str) -> u64 {
    let steps = report["steps"].as_array().expect("steps").iter();
    steps.map(|s| s[name].as_u64().expect("a number")).sum()
}

/// Kept records by what they are: `contact 17` to why.
fn kept(report: &Value) -> BTreeMap<String, String> {
    report["kept"]
        .as_array()
        .expect("kept")
        .iter()
        .map(|k| {
            (
                format!(
                    "{} {}",
                    k["object"].as_str().unwrap(),
                    k["id"].as_str().unwrap()
                ),
                k["why"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

#[test]
fn only_what_nobody_touched_goes_and_what_was_there_is_as_before() {
    let (sandbox, example) = allclients().copy();
    let before = state_of(&allclients().before);
    let loaded = state(&sandbox);

    // People go to work. The destination's clock has whole seconds.
    thread::sleep(Duration::from_millis(1100));
    let contacts = sandbox.records("contact");
    let mut mine = contacts
        .iter()
        .filter(|c| !before.contains_key(&format!("contact {}", c["id"])))
        .filter(|c| {
            sandbox
                .children("contacts", &c["id"].to_string(), "notes")
                .len()
                == 1
        });
    let mut next = || mine.next().expect("a contact of the migration");
    let edited = next();
    put(
        &sandbox,
        "contacts",
        "contact",
        edited,
        json!({"city": "Elsewhere"}),
    );
    let unmapped = next();
    put(
        &sandbox,
        "contacts",
        "contact",
        unmapped,
        json!({"job_title": "Chair"}),
    );
    let grown = next();
    let added = sandbox.person(
        "POST",
        "/notes",
        &json!({"note": {"description": "Called back", "targetable_type": "Contact", "targetable_id": grown["id"]}}),
    );
    let deal_of = next();
    let deal = sandbox.person(
        "POST",
        "/deals",
        &json!({"deal": {"name": "By hand", "contacts_added_list": [deal_of["id"]]}}),
    );
    let noted = next();
    let note = sandbox.children("contacts", &noted["id"].to_string(), "notes")[0].clone();
    put(
        &sandbox,
        "notes",
        "note",
        &note,
        json!({"description": "Corrected by hand"}),
    );
    let removed = next();
    sandbox.person(
        "DELETE",
        &format!("/contacts/{}", removed["id"]),
        &Value::Null,
    );
    // One that was there before: the migration changed it, and now people do.
    let lee = contacts
        .iter()
        .find(|c| {
            c["wire"]["email"]
                .as_str()
                .is_some_and(|e| e.eq_ignore_ascii_case("lee.known@family.example"))
        })
        .expect("Lee");
    let lee_id = format!("contact {}", lee["id"]);
    assert_ne!(before[&lee_id], loaded[&lee_id], "the migration changed it");
    let city = lee["wire"]["city"].as_str().expect("a city of the export");
    let mut tags = lee["wire"]["tags"].as_array().expect("tags").clone();
    tags.push(json!("added since"));
    put(
        &sandbox,
        "contacts",
        "contact",
        lee,
        json!({"city": format!("New {city}"), "tags": tags}),
    );

    let worked_on = state(&sandbox);
    sandbox.admin_post("/reset_counters", &json!({}));
    let preview = rollback(&example, &["--plan"]);
    assert_eq!(state(&sandbox), worked_on, "a preview writes nothing");

    let report = rollback(&example, &[]);
    agree(&report, &preview);
    let contact = step(&report, "contact");
    assert_eq!(contact["restored"], 3, "{contact}");
    assert_eq!(contact["gone"], 1, "{contact}");
    assert_eq!(contact["kept"], 5, "{contact}");
    assert_eq!(contact["bin_seconds"], 90 * 86_400);
    assert_eq!(step(&report, "template")["by_hand"], 8);
    assert_eq!(step(&report, "user")["untouched"], 8);

    let stay = kept(&report);
    let of = |r: &Value| format!("contact {}", r["id"]);
    let note_id = format!("note {}", note["id"]);
    assert_eq!(
        stay.keys().cloned().collect::<BTreeSet<_>>(),
        [
            of(edited),
            of(unmapped),
            of(grown),
            of(deal_of),
            of(noted),
            note_id.clone(),
            lee_id.clone()
        ]
        .into(),
    );
    assert_eq!(stay[&of(edited)], "people changed it since");
    assert!(
        stay[&of(grown)].contains(&added["note"]["id"].to_string()),
        "{stay:?}"
    );
    assert!(
        stay[&of(deal_of)].contains(&deal["deal"]["id"].to_string()),
        "{stay:?}"
    );
    assert!(stay[&of(noted)].contains(&note_id), "{stay:?}");

    // Equal to the first state, but for what people did.
    let after = state(&sandbox);
    let lost = only(&before, &after);
    assert_eq!(
        lost.keys().copied().collect::<Vec<_>>(),
        [lee_id.as_str()],
        "{lost:?}"
    );
    let now = &after[&lee_id];
    assert_eq!(now["city"], format!("New {city}"));
    let tags: BTreeSet<&str> = now["tags"]
        .as_array()
        .expect("tags")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(tags, ["VIP", "Imported by hand", "added since"].into());
    let mut rest = now.clone();
    let mut was = before[&lee_id].clone();
    for name in ["city", "tags"] {
        rest.as_object_mut().unwrap().remove(name);
        was.as_object_mut().unwrap().remove(name);
    }
    assert_eq!(rest, was, "everything else is as it was");
    let more = only(&after, &before);
    let mut expected: BTreeSet<String> = stay.keys().cloned().collect();
    expected.insert(format!("note {}", added["note"]["id"]));
    expected.insert(format!("deal {}", deal["deal"]["id"]));
    let templates = after
        .keys()
        .filter(|k| k.starts_with("email_template "))
        .cloned();
    expected.extend(templates);
    // What hung below the contact that people removed is out of everybody's reach.
    let unseen: BTreeSet<String> = more
        .iter()
        .filter(|(_, v)| v["about"]["contact"] == removed["id"])
        .map(|(id, _)| (*id).to_owned())
        .collect();
    expected.extend(unseen.iter().cloned());
    assert_eq!(
        more.keys()
            .map(|k| (*k).to_owned())
            .collect::<BTreeSet<_>>(),
        expected
    );

    // A second one has nothing to do, and still says what stays.
    sandbox.admin_post("/reset_counters", &json!({}));
    let second = rollback(&example, &[]);
    assert_eq!(second["by_hand"], report["by_hand"], "still to be done");
    assert_eq!(second["nothing_left"], true, "{second}");
    assert_eq!(second["calls_write"], 0);
    assert_eq!(state(&sandbox), after);
    let mut again = kept(&second);
    assert!(again.remove(&lee_id).is_none(), "its fields were settled");
    assert_eq!(again.len(), 6);

    // The ledger is whole, and a run starts clean: what stayed is known, the rest comes again, once.
    let verified = transload()
        .args(["audit", "verify"])
        .arg(example.migration())
        .output()
        .expect("it runs");
    assert!(verified.status.success(), "{verified:?}");
    let report = example.run();
    let contact = step(&report, "contact");
    assert_eq!(contact["failed"], 0, "{contact}");
    assert_eq!(contact["created"], 283 - 5, "{contact}");
    assert_eq!(contact["unchanged"], 5, "{contact}");
    let there = counts(&sandbox);
    assert_eq!(there["contact"], 286);
    assert_eq!(
        there["task"] - unseen.iter().filter(|k| k.starts_with("task")).count(),
        124
    );
    let notes = unseen.iter().filter(|k| k.starts_with("note")).count();
    assert_eq!(there["note"] - notes, 329 + 1);
    assert_eq!(
        example.run()["calls_write"],
        0,
        "a further run has nothing left"
    );
}

#[test]
fn references_circles_and_other_objects_are_undone_in_order() {
    let (sandbox, example) = interactive().copy();
    let before = state_of(&interactive().before);
    // Only contacts: what this migration put below and beside them holds nearly all of them.
    let part = rollback(&example, &["--plan", "--only", "deal"]);
    assert!(sum(&part, "removed") > 0, "{part}");
    assert_eq!(step(&part, "account")["removed"], 0);
    let report = undo(&example, &[]);
    let after = state(&sandbox);
    assert_eq!(only(&before, &after), BTreeMap::new(), "{report:#}");
    // What is left is what no call removes.
    let left: BTreeSet<&str> = only(&after, &before)
        .into_keys()
        .filter_map(|k| k.split(' ').next())
        .collect();
    assert_eq!(
        left,
        ["document", "lifecycle_stage", "pipeline", "stage"].into(),
        "{report:#}"
    );
    assert_eq!(report["kept"], json!([]));
    let by_hand = report["by_hand"].as_array().expect("by hand").len() as u64;
    assert_eq!(by_hand, sum(&report, "by_hand"));
    assert!(by_hand > 0);
    // Nobody has done it: it is listed again, and nothing else is.
    let second = rollback(&example, &[]);
    assert_eq!(sorted(&second["by_hand"]), sorted(&report["by_hand"]));
    assert_eq!(
        (&second["nothing_left"], &second["calls_write"]),
        (&json!(true), &json!(0))
    );
    // And once more from the start.
    let run = example.run();
    for s in run["steps"].as_array().expect("steps") {
        assert_eq!(
            (&s["failed"], &s["balanced"]),
            (&json!(0), &json!(true)),
            "{s}"
        );
    }
    assert_eq!(example.run()["calls_write"], 0);
    assert_eq!(counts(&sandbox)["contact"], 282);
}

#[test]
fn members_leave_lists_that_stay() {
    let sandbox = sandbox("usercom", "pro", &[]);
    let before = state(&sandbox);
    let example = Example::against("usercom", &sandbox);
    example.run();
    let members = |s: &Sandbox| -> usize {
        let lists = s.get("/lists")["lists"].as_array().expect("lists").clone();
        lists
            .iter()
            .map(|l| {
                s.get(&format!("/contacts/lists/{}?per_page=1", l["id"]))["meta"]["total"]
                    .as_u64()
                    .unwrap_or(0) as usize
            })
            .sum()
    };
    assert!(members(&sandbox) > 100);
    let report = undo(&example, &[]);
    assert!(
        step(&report, "segment_member")["removed"].as_u64() > Some(100),
        "{report}"
    );
    assert_eq!(members(&sandbox), 0);
    assert_eq!(report["kept"], json!([]), "nobody touched anything");
    assert_eq!(only(&before, &state(&sandbox)), BTreeMap::new());
}

#[test]
fn what_only_a_person_can_remove_is_listed_until_it_is_done() {
    let (sandbox, example) = interactive().copy();
    let only = ["--only", "stage"];
    let ids = |report: &Value| -> BTreeSet<String> {
        let all = report["by_hand"].as_array().expect("a list").iter();
        all.map(|l| l["id"].as_str().expect("an id").to_owned())
            .collect()
    };
    let first = ids(&undo(&example, &only));
    assert!(first.len() > 3, "{first:?}");
    assert_eq!(ids(&rollback(&example, &only)), first);
    let told = transload()
        .arg("status")
        .arg(example.migration())
        .args(["--format", "json"])
        .output()
        .expect("it runs");
    let told: Value = serde_json::from_slice(&told.stdout).expect("json");
    assert_eq!(told["only"], "stage", "{told}");
    assert!(told["stays"]["contact"].as_u64() > Some(10), "{told}");
    let why = told["next"]["why"].as_str().expect("words");
    assert!(why.contains("undone in part"), "{why}");
    let next = told["next"]["command"].as_str().expect("a command");
    assert!(next.starts_with("transload sample "), "{next}");
    // A run finds them by name and makes none; that they are this migration's own is not forgotten.
    let run = example.run();
    assert_eq!(run["calls_write"], 0);
    assert_eq!(step(&run, "stage")["created"], 0);
    assert_eq!(ids(&undo(&example, &only)), first);
    // An admin removes one.
    let done = first.iter().next().expect("a stage");
    let url = format!("{}/objects/stage/{done}", sandbox.admin);
    let (status, answer) = fetch_with("DELETE", &url, &sandbox.key, None);
    assert_eq!(status, 200, "{answer}");
    let left = undo(&example, &only);
    assert_eq!(left["calls_write"], 0);
    let mut expected = first.clone();
    expected.remove(done);
    assert_eq!(ids(&left), expected);
}

fn ledger_of(example: &Example) -> std::path::PathBuf {
    example
        .migration()
        .with_file_name(".transload")
        .join("ledger.sqlite")
}

/// The key of a contact that the migration made.
fn made_contact(example: &Example) -> String {
    let mut key = None;
    let view = View::open(&ledger_of(example)).expect("a ledger");
    view.each_record("contact", |record| {
        if record.state == RecordState::Confirmed && record.origin == Some(Origin::Created) {
            key.get_or_insert_with(|| record.key.to_owned());
        }
    })
    .expect("records");
    key.expect("a contact")
}

/// Leaves the ledger as a run does that is killed while it creates a contact.
fn killed_run(example: &Example, key: &str) {
    let options = Options::new(Arc::new(SystemClock::new()));
    let ledger = Ledger::open(&ledger_of(example), options).expect("a ledger");
    let run = RunMeta {
        command: "run".to_owned(),
        ..RunMeta::default()
    };
    ledger.begin_run(run).expect("a run");
    let intent = Entry::Intended(Intent {
        step: "contact".to_owned(),
        key: key.to_owned(),
        part: 0,
        op: WriteOp::Create,
        fingerprint: 1,
        chunk: None,
        match_key: None,
        before: None,
    });
    ledger.append_blocking(vec![intent]).expect("an intent");
}

#[test]
fn a_rollback_asks_nothing_by_the_id_of_a_call_without_an_answer() {
    let (_sandbox, example) = some_clients().copy();
    killed_run(&example, "never answered");
    let preview = rollback(&example, &["--plan"]);
    assert!(sum(&preview, "removed") > 60, "{preview}");
}

#[test]
fn killed_at_any_moment_the_same_command_goes_on_and_no_load_comes_between() {
    let (undisturbed, contacts) = {
        let (sandbox, example) = some_clients().copy();
        let loaded = counts(&sandbox)["contact"];
        rollback(&example, &[]);
        let left = counts(&sandbox);
        let made = loaded - left["contact"];
        (left, made)
    };
    assert!(contacts > 60, "{contacts}");
    let before = state_of(&some_clients().before);
    for (round, calls) in [20u64, 80, 140].into_iter().enumerate() {
        let (sandbox, example) = some_clients().copy();
        let contact = made_contact(&example);
        // Calls are always under way, so that one is when the end comes.
        let faults = json!({"seed": round, "faults": [
            {"fault": "drop_after", "rate": 0.005, "method": "DELETE"},
            {"fault": "slow", "rate": 1.0, "method": "DELETE", "millis": 60},
        ]});
        assert_eq!(sandbox.admin_post("/faults", &faults).0, 200);
        sandbox.admin_post("/reset_counters", &json!({}));
        let mut child = command(&example, &[])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let began = Instant::now();
        while sandbox.admin_get("/calls")["writes"].as_u64() < Some(calls)
            && began.elapsed() < Duration::from_secs(60)
        {
            let ended = child.try_wait().expect("a child");
            assert!(ended.is_none(), "round {round}: it ended before the kill");
            thread::sleep(Duration::from_millis(2));
        }
        child.kill().expect("SIGKILL");
        child.wait().expect("it is gone");
        sandbox.admin_post("/faults", &json!({}));
        // What a load would take for gone may be half removed: it waits until the rollback is finished.
        let there = state(&sandbox);
        for load in ["run", "sample", "delta"] {
            let mut load_now = transload();
            load_now
                .arg(load)
                .arg(example.migration())
                .arg("--provision");
            if load != "sample" {
                load_now.arg("--auto-approve");
            }
            let why = failed_with(&load_now.output().expect("it runs"), 6);
            assert!(why.contains("a rollback is unfinished"), "{why}");
            assert!(why.contains("transload rollback"), "{why}");
        }
        assert_eq!(state(&sandbox), there, "round {round}: a load wrote");
        // What began in time may be finished later.
        if round == 0 {
            example.edit(|text| text.replace("policy:\n", "policy:\n  rollback: {for: 1s}\n"));
            thread::sleep(Duration::from_millis(1100));
        }
        let report = undo(&example, &[]);
        assert_eq!(report["kept"], json!([]), "round {round}");
        assert_eq!(counts(&sandbox), undisturbed, "round {round}");
        assert_eq!(
            only(&before, &state(&sandbox)),
            BTreeMap::new(),
            "round {round}"
        );
        if round == 0 {
            failed_with(&command(&example, &[]).output().expect("it runs"), 2);
            example.edit(|text| text.replace("  rollback: {for: 1s}\n", ""));
        }
        assert_eq!(rollback(&example, &[])["calls_write"], 0, "round {round}");
        if round == 2 {
            // A load that is killed after the rollback is over goes on as any other.
            killed_run(&example, &contact);
            let run = example.run();
            assert_eq!(step(&run, "contact")["created"], contacts, "round {round}");
            assert_eq!(example.run()["calls_write"], 0, "round {round}");
        }
    }
}

#[test]
fn outside_its_window_and_without_a_ledger_nothing_is_undone() {
    let none = command(&Example::copy("allclients"), &["--plan"])
        .output()
        .expect("it runs");
    failed_with(&none, 3);
    let (sandbox, example) = allclients().copy();
    let loaded = state(&sandbox);
    example.edit(|text| text.replace("policy:\n", "policy:\n  rollback: {for: 1s}\n"));
    thread::sleep(Duration::from_millis(1500));
    for more in [&["--plan"][..], &[]] {
        let late = command(&example, more).output().expect("it runs");
        let why = failed_with(&late, 2);
        assert!(why.contains("could be undone until"), "{why}");
    }
    assert_eq!(state(&sandbox), loaded);
    example.edit(|text| text.replace("rollback: {for: 1s}", "rollback: {for: 7d}"));
    let wrong = command(&example, &["--only", "nothing"])
        .output()
        .expect("it runs");
    failed_with(&wrong, 2);
    assert_eq!(state(&sandbox), loaded);
}
