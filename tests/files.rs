//! A run into a folder of files: what stands in them, in which order, what reports tell, and what a second run does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use serde_json::{Value, json};
use std::{fs, path::Path, process::Output};
use support::{report_of, step, transload};

const OLD: &str = r#"
spec: platform/v1
platform: old
title: Old
checked: "2026-08-20"
connect:
  files: {encoding: utf-8}
objects:
  boss:
    rows: {file: bosses.csv, key: [email]}
    keys: [{by: [email], compare: [trim, lower]}]
    fields:
      email: {type: email, required: true, unique: true}
      number: {type: text, required: true}
  person:
    rows: {file: people.csv, key: [id]}
    fields:
      id: {type: id, required: true, unique: true}
      name: {type: text}
      email: {type: text}
      age: {type: int}
      friend: {type: ref, to: [person]}
      boss: {type: ref, to: [boss]}
      visits: {type: text}
  visit:
    rows: {file: visits.csv, key: [id]}
    fields:
      id: {type: id, required: true, unique: true}
      person: {type: ref, to: [person]}
      kind: {type: text}
"#;

const NEW: &str = r#"
spec: platform/v1
platform: new
title: New
checked: "2026-08-20"
connect:
  files: {encoding: utf-8}
objects:
  user:
    rows: {file: users.jsonl, key: [id]}
    keys: [{by: [id]}]
    fields:
      id: {type: id, required: true}
  contact:
    rows: {file: contacts.jsonl, key: [id]}
    fields:
      id: {type: id, required: true}
      name: {type: text}
      age: {type: int}
      friend: {type: ref, to: [contact]}
      stranger: {type: text}
      owner: {type: ref, to: [user]}
  visit:
    rows: {file: visits.csv, key: [id]}
    fields:
      id: {type: id, required: true, path: Visit}
      kind: {type: text, path: Kind}
      who: {type: ref, to: [contact], path: Who}
  left:
    rows: {file: left.jsonl, hash_key: true}
    fields:
      of: {type: text}
      key: {type: text}
      reason: {type: text}
      number: {type: int}
"#;

const MAPPING: &str = r#"
spec: mapping/v1
source: old
destination: new
policy:
  errors: {max_share: "90%"}
merge:
  person: {by: [email], keep: [id asc]}
splits:
  person:
    join:
      calls: {all: visit, by: {person: id}, where: kind == 'call', order: [id asc]}
    rows:
      - {when: name is blank, drop: no name}
      - {when: count(calls) > 1, drop: calls too often}
      - {else: [contact]}
  visit:
    - {when: person is unknown, drop: nobody}
    - {when: person is dropped, drop: left out}
    - {else: [visit]}
objects:
  boss:
    from: boss
    to: user
    match: [{id: number}]
    found: use
    absent: {fallback: {id: u-0}}
  contact:
    from: person
    to: contact
    fields:
      id: {from: id, transform: [{prefix: c-}]}
      name: name
      age: {from: age, bad: blank}
      friend: {from: friend, missing: blank}
      stranger: {from: friend, when: friend is unknown}
      owner: {from: boss, missing: fallback}
  visit:
    from: visit
    to: visit
    fields:
      id: id
      kind: kind
      who: person
  dropped:
    from: person
    of: dropped
    to: left
    fields: {of: {const: dropped}, key: id, reason: outcome.reason}
  merged:
    from: person
    of: merged
    to: left
    fields: {of: {const: merged}, key: id, reason: outcome.into}
  held:
    from: person
    of: held
    to: left
    fields: {of: {const: held}, key: outcome.key, reason: outcome.code}
  missing:
    from: boss
    of: missing
    to: left
    fields: {of: {const: missing}, key: outcome.key, number: outcome.records}
ignore:
  person: {visits: Counted by joins}
"#;

const MIGRATION: &str = "
spec: migration/v1
mapping: old--new
specs: specs
approve: none
source: {folder: data}
destination: {folder: out}
";

const PEOPLE: &str = "id,name,email,age,friend,boss,visits
1,Ann,ann@x.example,30,2,BOSS@x.example,
2,\"Bo \"\"B\"\"\",bo@x.example,old,1,gone@x.example,
3,,cy@x.example,,1,,
4,Ann again,ANN@x.example,,,,
,No key,no@x.example,,,,
5,Eve,eve@x.example,,9,gone@x.example,
6,Fay,fay@x.example,,4,,
7,Gil,gil@x.example,,,,
";

const VISITS: &str = "id,person,kind
1,1,call
2,4,\"meet, eat\"
3,3,call
4,9,call
5,7,call
6,7,call
";

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn project(mapping: &str, migration: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write(&at("specs/platforms/old.yaml"), OLD);
    write(&at("specs/platforms/new.yaml"), NEW);
    write(&at("specs/mappings/old--new.yaml"), mapping);
    write(&at("migration.yaml"), migration);
    write(&at("data/bosses.csv"), "email,number\nboss@X.example,u-1\n");
    write(&at("data/people.csv"), PEOPLE);
    write(&at("data/visits.csv"), VISITS);
    folder
}

fn run(folder: &Path) -> Output {
    transload()
        .args(["run", "migration.yaml", "--format", "json"])
        .current_dir(folder)
        .output()
        .unwrap()
}

fn done(folder: &Path) -> Value {
    report_of(&run(folder))
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

#[test]
fn records_reports_and_books_agree() {
    let project = project(MAPPING, MIGRATION);
    let report = done(project.path());
    let out = project.path().join("out");
    assert_eq!(
        lines(&out.join("contacts.jsonl")),
        [
            json!({"id": "c-1", "name": "Ann", "age": 30, "friend": "c-2", "owner": "u-1"}),
            json!({"id": "c-2", "name": "Bo \"B\"", "friend": "c-1", "owner": "u-0"}),
            json!({"id": "c-5", "name": "Eve", "stranger": "9", "owner": "u-0"}),
            json!({"id": "c-6", "name": "Fay", "friend": "c-1", "owner": "u-0"}),
        ],
        "in source order; the ring of friends is whole; what was merged is found under its survivor"
    );
    assert_eq!(
        fs::read_to_string(out.join("visits.csv")).unwrap(),
        "Visit,Kind,Who\r\n1,call,c-1\r\n2,\"meet, eat\",c-1\r\n"
    );
    assert_eq!(
        lines(&out.join("left.jsonl")),
        [
            json!({"of": "dropped", "key": "3", "reason": "no name"}),
            json!({"of": "merged", "key": "4", "reason": "1"}),
            json!({"of": "held", "key": "line 6", "reason": "missing_key"}),
            json!({"of": "dropped", "key": "7", "reason": "calls too often"}),
            json!({"of": "missing", "key": "gone@x.example", "number": 2}),
        ]
    );
    assert!(
        !out.join("users.jsonl").exists(),
        "what is only used is not written"
    );
    let contact = step(&report, "contact");
    assert_eq!(
        json!([
            contact["read"],
            contact["created"],
            contact["merged"],
            contact["dropped"],
            contact["held"]
        ]),
        json!([8, 4, 1, 2, 1])
    );
    assert_eq!(step(&report, "visit")["dropped"], 4);
    assert_eq!(report["nothing_left"], false);
}

#[test]
fn a_second_run_writes_nothing_and_mends_what_was_changed() {
    let project = project(MAPPING, MIGRATION);
    done(project.path());
    let contacts = project.path().join("out/contacts.jsonl");
    let whole = fs::read(&contacts).unwrap();
    let before = fs::metadata(&contacts).unwrap().modified().unwrap();
    let again = done(project.path());
    assert_eq!(again["nothing_left"], true);
    assert_eq!(step(&again, "contact")["unchanged"], 4);
    assert_eq!(step(&again, "contact")["created"], 0);
    assert_eq!(fs::metadata(&contacts).unwrap().modified().unwrap(), before);
    assert!(!project.path().join("out/contacts.jsonl.part").exists());
    fs::write(&contacts, "torn").unwrap();
    assert_eq!(done(project.path())["nothing_left"], false);
    assert_eq!(fs::read(&contacts).unwrap(), whole);
}

#[test]
fn a_file_of_somebody_else_is_left_alone() {
    let project = project(MAPPING, MIGRATION);
    let contacts = project.path().join("out/contacts.jsonl");
    write(&contacts, "mine\n");
    let output = run(project.path());
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(told.contains("was not written by this migration"), "{told}");
    assert_eq!(fs::read_to_string(&contacts).unwrap(), "mine\n");
}

#[test]
fn holds_run_along_rings_and_are_released_when_mended() {
    // Who has no age is held; so is whoever needs a held friend, round the ring.
    let mapping = MAPPING
        .replace(
            "age: {from: age, bad: blank}",
            "age: {from: age, missing: hold}",
        )
        .replace("friend: {from: friend, missing: blank}", "friend: friend");
    let project = project(&mapping, MIGRATION);
    let report = done(project.path());
    let contact = step(&report, "contact");
    assert_eq!(json!([contact["created"], contact["held"]]), json!([0, 5]));
    let people = PEOPLE.replace("old", "31");
    write(&project.path().join("data/people.csv"), &people);
    let report = done(project.path());
    let contact = step(&report, "contact");
    assert_eq!(json!([contact["created"], contact["held"]]), json!([2, 3]));
    let held: u64 = report["holds"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|h| h["step"] == "contact")
        .map(|h| h["records"].as_u64().unwrap())
        .sum();
    assert_eq!(held, 3, "{}", report["holds"]);
}
