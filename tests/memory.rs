//! Joins and merges within little memory: what they find is the same, and the report says what stood in a file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use serde_json::Value;
use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};
use support::{report_of, transload};

const OLD: &str = r#"
spec: platform/v1
platform: old
title: Old
checked: "2026-08-20"
connect:
  files: {encoding: utf-8}
objects:
  firm:
    rows: {file: firms.csv, key: [name]}
    fields:
      name: {type: text, required: true, unique: true}
      city: {type: text}
  person:
    rows: {file: people.csv, key: [id]}
    fields:
      id: {type: id, required: true, unique: true}
      email: {type: text}
      phone: {type: text}
      firm: {type: text}
      edited: {type: datetime}
  note:
    rows: {file: notes.csv, key: [id]}
    fields:
      id: {type: id, required: true, unique: true}
      person: {type: ref, to: [person]}
      kind: {type: text}
      written: {type: datetime}
      body: {type: text}
"#;

const NEW: &str = r#"
spec: platform/v1
platform: new
title: New
checked: "2026-08-20"
connect:
  files: {encoding: utf-8}
objects:
  contact:
    rows: {file: contacts.jsonl, key: [id]}
    fields:
      id: {type: id, required: true}
      email: {type: text}
      phone: {type: text}
      city: {type: text}
      calls: {type: int}
      notes: {type: text}
  left:
    rows: {file: left.jsonl, hash_key: true}
    fields:
      key: {type: text}
      why: {type: text}
"#;

/// Everything that needs tables: merges that fill and order, a join of one, joins of all with rows and with their number
/// only, and a split that counts.
const MAPPING: &str = r#"
spec: mapping/v1
source: old
destination: new
merge:
  person: {by: [email], keep: [edited desc, id asc], fill: true}
splits:
  person:
    join:
      calls: {all: note, by: {person: id}, where: kind == 'call', order: [id asc]}
    rows:
      - {when: count(calls) > 3, drop: calls too often}
      - {else: [contact]}
objects:
  contact:
    from: person
    to: contact
    join:
      company: {one: firm, by: {name: firm}, none: blank, many: hold}
      notes: {all: note, by: {person: id}, order: [written desc, id asc]}
      calls: {all: note, by: {person: id}, where: kind == 'call', order: [id asc]}
    fields:
      id: id
      email: {from: email, transform: [lower]}
      phone: phone
      city: company.city
      calls: count(calls)
      notes: {text: "{% for n in notes %}{{ n.body | or('-') }}|{% endfor %}"}
  merged:
    from: person
    of: merged
    to: left
    fields: {key: id, why: outcome.into}
  dropped:
    from: person
    of: dropped
    to: left
    fields: {key: id, why: outcome.reason}
"#;

const MIGRATION: &str = "
spec: migration/v1
mapping: old--new
specs: specs
approve: none
source: {folder: data}
destination: {folder: out}
";

const PEOPLE: usize = 3_000;

fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let mut firms = String::from("name,city\n");
    let mut people = String::from("id,email,phone,firm,edited\n");
    let mut notes = String::from("id,person,kind,written,body\n");
    for n in 0..700 {
        writeln!(firms, "Firm {n} of long names,City {n}").unwrap();
    }
    for n in 0..PEOPLE {
        // One of ten shares an address with an earlier one, in other letters; numbers and other keys among them.
        let (email, phone) = match n % 10 {
            3 => (format!("P{}@X.example", n - 3), String::new()),
            _ => (format!("p{n}@x.example"), format!("+1 555 {n}")),
        };
        let id = if n % 4 == 0 {
            format!("x-{n}")
        } else {
            n.to_string()
        };
        let day = n * 7 % 28 + 1;
        writeln!(
            people,
            "{id},{email},{phone},firm {} of LONG names,2024-03-{day:02}T10:00:00Z",
            n % 900
        )
        .unwrap();
    }
    for n in 0..4 * PEOPLE {
        let to = n * 7_919 % (PEOPLE + 50);
        let to = if to.is_multiple_of(4) {
            format!("x-{to}")
        } else {
            to.to_string()
        };
        let kind = if n % 3 == 0 { "call" } else { "mail" };
        let body = format!("\"said \"\"{n}\"\"\nand more, so that a record is not nothing\"");
        let day = n % 28 + 1;
        writeln!(notes, "{n},{to},{kind},2024-05-{day:02}T10:00:00Z,{body}").unwrap();
    }
    put("data/firms.csv", &firms);
    put("data/people.csv", &people);
    put("data/notes.csv", &notes);
    put("specs/platforms/old.yaml", OLD);
    put("specs/platforms/new.yaml", NEW);
    put("specs/mappings/old--new.yaml", MAPPING);
    put("migration.yaml", MIGRATION);
    folder
}

fn run(folder: &Path, memory: &str) -> (Value, BTreeMap<String, Vec<u8>>, Vec<Value>) {
    let output = transload()
        .args([
            "run",
            "migration.yaml",
            "--format",
            "json",
            "--events",
            "events",
        ])
        .args(["--memory", memory])
        .current_dir(folder)
        .output()
        .unwrap();
    let report = report_of(&output);
    let files = fs::read_dir(folder.join("out")).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, fs::read(path).unwrap())
    });
    let events = fs::read_to_string(folder.join("events")).unwrap();
    let events = events.lines().map(|l| serde_json::from_str(l).unwrap());
    (report, files.collect(), events.collect())
}

fn overflowed(events: &[Value]) -> Vec<u64> {
    let all = events.iter().filter(|e| e["event"] == "overflowed");
    all.map(|e| e["bytes"].as_u64().unwrap()).collect()
}

#[test]
fn little_memory_changes_nothing_but_where_things_stand() {
    let (plenty, little) = (project(), project());
    let (report, files, events) = run(plenty.path(), "64GiB");
    assert_eq!(report["overflow_bytes"], 0);
    assert_eq!(overflowed(&events), [0u64; 0]);
    let (tight, same, events) = run(little.path(), "48KiB");
    let bytes = tight["overflow_bytes"].as_u64().unwrap();
    // All of what joins and merges keep of the notes and the people.
    assert!(bytes > 1 << 20, "{bytes}");
    let told = overflowed(&events);
    assert!(told.len() == 1 && told[0] <= bytes, "{told:?} {bytes}");
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        ["contacts.jsonl", "left.jsonl"]
    );
    for (name, text) in &files {
        assert!(text.len() > 1000, "{name} has something to say");
        assert!(same[name] == *text, "{name} differs");
    }
    for part in ["steps", "holds"] {
        assert_eq!(report[part], tight[part]);
    }
    let kept = fs::read_dir(little.path().join(".transload")).unwrap();
    let kept: Vec<_> = kept.map(|e| e.unwrap().file_name()).collect();
    let left = kept
        .iter()
        .any(|n| n.to_string_lossy().contains("overflow"));
    assert!(!left, "{kept:?}");
}

#[test]
fn what_tables_do_is_in_the_files() {
    let project = project();
    let (_, files, _) = run(project.path(), "48KiB");
    let contacts = String::from_utf8(files["contacts.jsonl"].clone()).unwrap();
    let contacts: Vec<Value> = contacts
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    // Whoever was edited last stands for both, with the phone of the other.
    let filled = contacts.iter().filter(|c| {
        let id = c["id"].as_str().unwrap().trim_start_matches("x-");
        id.parse::<usize>().unwrap() % 10 == 3
    });
    let filled: Vec<_> = filled.collect();
    assert!(!filled.is_empty());
    assert!(
        filled
            .iter()
            .all(|c| c["phone"].as_str().unwrap().starts_with("+1 555"))
    );
    assert!(contacts.iter().any(|c| c["calls"] == 3));
    assert!(
        contacts
            .iter()
            .all(|c| c["calls"].as_i64().unwrap_or(0) <= 3)
    );
    assert!(contacts.iter().any(|c| c["city"] == "City 42"));
    let left = String::from_utf8(files["left.jsonl"].clone()).unwrap();
    // One of ten went into another, unless the other was left out with it; a few were left out.
    let out = left.matches("calls too often").count();
    let merged = left.lines().count() - out;
    assert!(
        out > 0 && (PEOPLE / 10 - out..=PEOPLE / 10).contains(&merged),
        "{out} {merged}"
    );
    assert_eq!(contacts.len() + out + merged, PEOPLE);
}

#[test]
fn a_size_that_is_none_is_refused() {
    let project = project();
    let output = transload()
        .args(["run", "migration.yaml", "--memory", "lots"])
        .current_dir(project.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("write it like 1GiB"), "{told}");
}
