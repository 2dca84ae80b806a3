//! Every diagnostic code has its page, and every page its code.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

use std::{collections::BTreeSet, fs, path::Path};
use transload::diag::{Code, Severity};

fn pages() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/codes");
    fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn ids_and_names_are_unique_and_well_formed() {
    let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
    for code in Code::ALL {
        let (id, name) = (code.id(), code.name());
        assert!(ids.insert(id), "{id} stands twice");
        assert!(names.insert(name), "{name} stands twice");
        let (letter, digits) = id.split_at(1);
        assert!(["E", "W", "N"].contains(&letter), "{id}");
        assert!(
            digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()),
            "{id}"
        );
        assert!(
            name.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
            "{id} {name}"
        );
        let severity = match letter {
            "E" => Severity::Error,
            "W" => Severity::Warning,
            _ => Severity::Note,
        };
        assert_eq!(code.severity(), severity, "{id}");
        assert_eq!(Code::find(&id.to_lowercase()), Some(*code));
        assert_eq!(Code::find(name), Some(*code));
    }
}

#[test]
fn every_code_has_a_page_that_says_something() {
    for code in Code::ALL {
        let (id, page) = (code.id(), code.page());
        assert!(
            page.starts_with(&format!("# {id} {}\n\n", code.name())),
            "{id}: the page begins with another title"
        );
        let words = page.split_whitespace().count();
        assert!(words > 25, "{id}: {words} words explain nothing");
        // Some findings are about the whole of a file or plan and have no line to show.
        let shown = page.contains("```") || words > 50;
        assert!(shown, "{id}: no example");
        assert_eq!(page.matches("```").count() % 2, 0, "{id}: an open example");
        assert!(
            page.to_lowercase().contains("what to do"),
            "{id}: it does not say what to do"
        );
    }
}

#[test]
fn every_page_has_a_code() {
    let known: BTreeSet<String> = Code::ALL.iter().map(|c| format!("{}.md", c.id())).collect();
    let extra: Vec<String> = pages().difference(&known).cloned().collect();
    assert!(extra.is_empty(), "pages without a code: {extra:?}");
}
