//! An export that does not fit the specs is refused before the first call: nothing is lost in silence.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use std::fs;
use support::Example;

/// Runs the example after a change of its export; gives the exit code and stderr.
fn run_after(change: impl FnOnce(&std::path::Path)) -> (Option<i32>, String, Example) {
    let example = Example::copy("allclients");
    change(&example.folder.path().join("export"));
    let output = example.command().output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), text, example)
}

fn rename_column(file: &std::path::Path, from: &str, to: &str) {
    let bytes = fs::read(file).expect("a file");
    let at = bytes
        .windows(from.len())
        .position(|w| w == from.as_bytes())
        .expect("the column");
    let mut changed = bytes[..at].to_vec();
    changed.extend_from_slice(to.as_bytes());
    changed.extend_from_slice(&bytes[at + from.len()..]);
    fs::write(file, changed).expect("a file");
}

#[test]
fn a_renamed_column_is_told_with_the_nearest_name() {
    let (code, text, example) =
        run_after(|export| rename_column(&export.join("Contacts.csv"), "Phone 1", "Phone One"));
    assert_eq!(code, Some(2), "{text}");
    assert!(
        text.contains(
            "Contacts.csv has no column `Phone 1` (field contact.phone1); did you mean `Phone One`?"
        ),
        "{text}"
    );
    assert!(
        !example.folder.path().join(".transload/reports").exists(),
        "nothing was sent"
    );
}

#[test]
fn a_column_that_nobody_named_is_told_with_the_way_out() {
    let (code, text, _) =
        run_after(|export| rename_column(&export.join("Contacts.csv"), "Gift Idea", "Pet"));
    assert_eq!(code, Some(2), "{text}");
    assert!(
        text.contains("Contacts.csv has no column `Gift Idea`"),
        "{text}"
    );
    assert!(
        text.contains("Contacts.csv has a column `Pet` that nobody named; name it in the migration under custom_fields: contact:"),
        "{text}"
    );
}

#[test]
fn all_missing_files_are_told_at_once_before_the_first_call() {
    let (code, text, _) = run_after(|export| {
        fs::remove_file(export.join("Notes.csv")).expect("removed");
        fs::remove_file(export.join("Tasks.csv")).expect("removed");
    });
    assert_eq!(code, Some(2), "{text}");
    assert!(
        text.contains("Notes.csv") && text.contains("Tasks.csv"),
        "{text}"
    );
    assert!(!text.contains("batch 1"), "{text}");
}

#[test]
fn a_spec_of_another_kind_is_named() {
    let output = support::transload()
        .arg("run")
        .arg(support::root().join("specs/mappings/allclients--freshsales.yaml"))
        .arg("--auto-approve")
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("is no migration"), "{text}");
}
