//! One cause, one finding: a single slip in a good file makes a single error, however much of the file depends on it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use std::fs;
use support::root;
use transload::{check, diag::Severity, spec::Project};

const MAPPING: &str = "mappings/allclients--freshsales.yaml";
const PLATFORM: &str = "platforms/allclients.yaml";

/// What stands in the mapping, and the slip.
const IN_MAPPING: &[(&str, &str)] = &[
    (
        "    from: contact\n    to: contact",
        "    fron: contact\n    to: contact",
    ),
    (
        "    from: note\n    to: note",
        "    from: note\n    too: note",
    ),
    (
        "    to: contact\n    match: [{email: email}]\n    found: update\n    absent: create\n    fields:",
        "    to: contact\n    match: [{email: email}]\n    found: update\n    absent: create\n    feilds:",
    ),
    ("  task_done:\n    in", "  task_don:\n    in"),
    ("value_maps:", "value_map:"),
    ("objects:\n", "object:\n"),
    (
        "    join:\n      who: {one: contact, by: [{id: contact_id}",
        "    joins:\n      who: {one: contact, by: [{id: contact_id}",
    ),
    (
        "      who: {one: contact, by: [{id: contact_id}",
        "      whom: {one: contact, by: [{id: contact_id}",
    ),
    (
        "      who: {one: contact, by: [{id: contact_id}",
        "      who: {one: contct, by: [{id: contact_id}",
    ),
    (
        "by: [{id: contact_id}, {email: contact_email}]",
        "by: [{id: contactid}, {email: contact_email}]",
    ),
    (
        "    from: contact\n    to: contact",
        "    from: contct\n    to: contact",
    ),
    (
        "    from: contact\n    to: contact",
        "    from: contact\n    to: contct",
    ),
    (
        "    from: user\n    to: user",
        "    from: usr\n    to: user",
    ),
    ("  user:\n    from: user", "  users:\n    from: user"),
    (
        "  contact:\n    from: contact",
        "  contacts:\n    from: contact",
    ),
    (
        "      first_name: first_name",
        "      first_name: firstname",
    ),
    (
        "      first_name: first_name",
        "      firstname: first_name",
    ),
    (
        "match: [{email: email}]\n    found: update",
        "match: [{emal: email}]\n    found: update",
    ),
    ("source: allclients", "source: allclient"),
    ("stamp:\n  contact", "stamp:\n  contct"),
    ("  contact:\n    by: [email]", "  contct:\n    by: [email]"),
    ("    by: [email]", "    by: [emal]"),
    ("transform: [squeeze]", "transform: [squeez]"),
    ("ignore:\n  user", "ignore:\n  usr"),
    ("ignore:\n", "ignor:\n"),
    ("{from: template, when", "{from: templte, when"),
    ("{{ details | or(\"\") }}", "{{ details | or(\"\") }"),
    ("{{ body | plain }}", "{{ bdy | plain }}"),
];

/// What stands in the platform file, and the slip.
const IN_PLATFORM: &[(&str, &str)] = &[
    ("  contact:\n", "  contakt:\n"),
    ("    fields:\n", "    feilds:\n"),
    ("email: {type: email", "email: {type: emial"),
    ("rows:", "rosw:"),
    ("first_name:", "first_nam:"),
    ("key: [id]", "key: [idd]"),
    ("connect:", "conect:"),
    ("objects:\n", "object:\n"),
    ("spec: platform/v1", "spec: platfrm/v1"),
    ("spec: platform/v1\n", ""),
];

#[test]
fn a_slip_is_one_finding() {
    let folder = tempfile::tempdir().unwrap();
    for kind in ["platforms", "mappings"] {
        fs::create_dir_all(folder.path().join(kind)).unwrap();
    }
    for name in [MAPPING, PLATFORM, "platforms/freshsales.yaml"] {
        fs::copy(root().join("specs").join(name), folder.path().join(name)).unwrap();
    }
    let mut faults = Vec::new();
    let slips = [(MAPPING, IN_MAPPING), (PLATFORM, IN_PLATFORM)];
    for (file, slips) in slips {
        let good = fs::read_to_string(folder.path().join(file)).unwrap();
        for (stands, slip) in slips {
            assert!(good.contains(stands), "{file} has no {stands:?}");
            fs::write(folder.path().join(file), good.replacen(stands, slip, 1)).unwrap();
            let project = Project::load(&[folder.path().join(MAPPING)]);
            let found = check::check_project(&project);
            let told: Vec<String> = found
                .sorted()
                .iter()
                .filter(|d| d.severity != Severity::Note)
                .map(|d| format!("{} {}", d.code.id(), d.message))
                .collect();
            if told.len() != 1 {
                faults.push(format!("{slip:?} makes {}: {told:#?}", told.len()));
            }
        }
        fs::write(folder.path().join(file), good).unwrap();
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn two_slips_are_two_findings() {
    let folder = tempfile::tempdir().unwrap();
    for kind in ["platforms", "mappings"] {
        fs::create_dir_all(folder.path().join(kind)).unwrap();
    }
    for name in [MAPPING, PLATFORM, "platforms/freshsales.yaml"] {
        fs::copy(root().join("specs").join(name), folder.path().join(name)).unwrap();
    }
    let path = folder.path().join(MAPPING);
    let text = fs::read_to_string(&path).unwrap();
    // What stands under a misspelt key is checked as if the key were right.
    let broken = text
        .replacen("value_maps:", "value_map:", 1)
        .replacen(
            "      first_name: first_name",
            "      first_name: firstname",
            1,
        )
        .replacen("    in: [task.status]", "    in: [task.statuss]", 1);
    fs::write(&path, broken).unwrap();
    let found = check::check_project(&Project::load(&[path]));
    let codes: Vec<&str> = found
        .sorted()
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .map(|d| d.code.id())
        .collect();
    assert_eq!(codes, ["E0103", "E0202", "E0204"], "{codes:?}");
}

/// Formats in other languages' words pass for texts; they are told with what they were meant to be.
#[test]
fn a_format_that_reads_no_day_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("platforms")).unwrap();
    let path = folder.path().join(PLATFORM);
    let good = fs::read_to_string(root().join("specs").join(PLATFORM)).unwrap();
    let stands = "format: [\"%m/%d/%Y %I:%M:%S %p\", \"%m/%d/%Y %I:%M %p\", \"%m/%d/%Y\"]";
    assert!(good.contains(stands));
    for (format, told) in [
        ("dd/MM/yyyy", Some("write `%d/%m/%Y`")),
        ("dd/mm/yyyy hh:mm", Some("write `%d/%m/%Y %H:%M`")),
        ("%m/%d", Some("it needs a year, a month and a day")),
        ("%H:%M", Some("it needs a year, a month and a day")),
        ("%Q", Some("cannot be read")),
        ("", Some("it is empty")),
        ("%d.%m.%Y", None),
        ("%d %B %Y %H:%M", None),
        ("%Y-%m-%dT%H:%M:%S%:z", None),
        ("%s", None),
        ("%y%m%d", None),
        ("%F", None),
    ] {
        let text = good.replacen(stands, &format!("format: [\"{format}\"]"), 1);
        fs::write(&path, text).unwrap();
        let found = check::check_project(&Project::load(&[&path]));
        let messages: Vec<&str> = found
            .sorted()
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .map(|d| d.message.as_str())
            .collect();
        match told {
            Some(words) => assert!(
                messages.len() == 1 && messages[0].contains(words),
                "{format}: {messages:?}"
            ),
            None => assert_eq!(messages, [""; 0], "{format}"),
        }
    }
}
