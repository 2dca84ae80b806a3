//! The second pass over a source: what was created, changed and deleted since the load, told and loaded once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use serde_json::{Value, json};
use std::{fs, process::Output};
use support::{Example, account, counts, failed_with, report_of, transload};

fn delta(example: &Example, more: &[&str]) -> Output {
    transload()
        .arg("delta")
        .arg(example.migration())
        .args(["--auto-approve", "--provision"])
        .args(more)
        .output()
        .expect("it runs")
}

fn step<'r>(report: &'r Value, name: &str) -> &'r Value {
    support::step(report, name)
}

#[test]
fn a_delta_loads_what_changed_tells_what_is_gone_and_is_repeatable() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    let message = failed_with(&delta(&example, &[]), 2);
    assert!(message.contains("second pass"), "{message}");
    example.run();
    let quiet = report_of(&delta(&example, &["--format", "json"]));
    assert_eq!(
        (&quiet["nothing_left"], &quiet["gone"]),
        (&json!(true), &json!([]))
    );
    let mark = step(&quiet, "contact")["watermark"].clone();
    assert!(mark.is_string(), "{quiet}");
    let before = counts(&sandbox);

    // The new export, in a folder of its own: a contact moves, a note is new, another is deleted.
    let old = example.folder.path().join("export");
    let new = example.folder.path().join("export-2");
    fs::create_dir_all(new.join("EmailTemplates")).expect("a folder");
    for folder in ["", "EmailTemplates"] {
        for entry in fs::read_dir(old.join(folder)).expect("the export") {
            let path = entry.expect("entry").path();
            if path.is_file() {
                let name = path.file_name().expect("a name");
                fs::copy(&path, new.join(folder).join(name)).expect("copy");
            }
        }
    }
    let contacts = fs::read(new.join("Contacts.csv")).expect("contacts");
    let text = String::from_utf8_lossy(&contacts).into_owned();
    let row = text
        .lines()
        .find(|l| l.starts_with("10002,"))
        .expect("a row");
    let moved = row
        .replace("Omaha", "Springfield")
        .replace("12/1/2024 8:12:30 PM", "12/1/2031 8:12:30 PM");
    assert_ne!(row, moved);
    fs::write(new.join("Contacts.csv"), text.replace(row, &moved)).expect("contacts");
    let notes = fs::read(new.join("Notes.csv")).expect("notes");
    let held: Vec<String> = example.holds().into_iter().map(|h| h.1).collect();
    let lines: Vec<&[u8]> = notes.split_inclusive(|b| *b == b'\n').collect();
    let key_of = |line: &[u8]| {
        let text = String::from_utf8_lossy(line).into_owned();
        text.split(',').next().unwrap_or("").to_owned()
    };
    // A note of one line between two others.
    let begins = |line: &[u8]| line.first().is_some_and(u8::is_ascii_digit);
    let gone = lines
        .windows(2)
        .skip(2)
        .filter(|w| begins(w[0]) && begins(w[1]) && !w[0].contains(&b'"'))
        .map(|w| key_of(w[0]))
        .find(|k| k.starts_with('5') && !held.contains(k))
        .expect("a loaded note");
    let mut out: Vec<u8> = lines
        .iter()
        .filter(|l| key_of(l) != gone)
        .flat_map(|l| l.to_vec())
        .collect();
    if !out.ends_with(b"\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"99001,10002,,05/28/2024 10:08 PM,New one,Kim\r\n");
    fs::write(new.join("Notes.csv"), out).expect("notes");

    let folder = new.to_str().expect("a path");
    let report = report_of(&delta(&example, &["--export", folder, "--format", "json"]));
    let contact = step(&report, "contact");
    assert_eq!(
        (&contact["created"], &contact["updated"]),
        (&json!(0), &json!(1)),
        "{report}"
    );
    assert_eq!(step(&report, "note")["created"], 1);
    let listed = report["gone"].as_array().expect("a list");
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(
        (&listed[0]["step"], &listed[0]["key"], &listed[0]["why"]),
        (&json!("note"), &json!(gone), &json!("deleted"))
    );
    assert_eq!(contact["watermark_before"], mark);
    assert!(contact["watermark"].as_str() > mark.as_str(), "{contact}");
    // Nothing is deleted at the destination.
    assert_eq!(counts(&sandbox)["note"], before["note"] + 1);
    assert_eq!(counts(&sandbox)["contact"], before["contact"]);

    // Again: nothing is written, and what is gone is told again.
    let again = report_of(&delta(&example, &["--export", folder, "--format", "json"]));
    assert_eq!(
        (&again["calls_write"], &again["nothing_left"]),
        (&json!(0), &json!(true))
    );
    assert_eq!(again["gone"], report["gone"]);
    // An export of changes only tells nothing about the rest.
    let part = report_of(&delta(
        &example,
        &["--export", folder, "--partial", "--format", "json"],
    ));
    assert_eq!(part["gone"], json!([]));
    assert!(
        !part["deletions_unseen"]
            .as_array()
            .expect("steps")
            .is_empty()
    );
    // The policy may say so, too.
    let policy = |more: &str| {
        example.edit(|text| {
            let at = text.find("policy:\n").expect("a policy") + "policy:\n".len();
            let rest = text[at..].lines().filter(|l| !l.starts_with("  delta:"));
            let rest: String = rest.map(|l| format!("{l}\n")).collect();
            format!("{}{more}{rest}", &text[..at])
        });
    };
    policy("  delta: {deleted: ignore}\n");
    let ignored = report_of(&delta(&example, &["--export", folder, "--format", "json"]));
    assert_eq!(ignored["gone"], json!([]));
    assert_eq!(ignored["deletions_unseen"], part["deletions_unseen"]);
    // After its time a delta has to be asked for.
    policy("  delta: {for: 1s}\n");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let late = failed_with(&delta(&example, &["--export", folder]), 2);
    assert!(
        late.contains("foreseen until") && late.contains("--late"),
        "{late}"
    );
    let forced = delta(
        &example,
        &["--export", folder, "--late", "--format", "json"],
    );
    assert_eq!(report_of(&forced)["calls_write"], 0);
    policy("  delta: {for: 30d}\n");
    // For people.
    for format in ["text", "markdown"] {
        let output = delta(&example, &["--export", folder, "--format", format]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains(&gone) && text.contains("deleted"), "{text}");
    }
}
