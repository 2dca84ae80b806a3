//! Every diagnostic code has its page, and every page its code.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

use std::{collections::BTreeSet, fs, path::Path};
use transload::diag::{Code, Severity, hold};

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

/// The codes of holds that the sources make, as texts beside the words that make a hold.
fn hold_codes() -> BTreeSet<String> {
    fn files(folder: &Path, out: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "tests" {
                files(&path, out);
            } else if name.ends_with(".rs") && name != "tests.rs" {
                let text = fs::read_to_string(&path).unwrap();
                let end = text.find("#[cfg(test)]\nmod ").unwrap_or(text.len());
                out.push(text[..end].to_owned());
            }
        }
    }
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut texts = Vec::new();
    for module in ["run", "transform", "value"] {
        files(&src.join(module), &mut texts);
    }
    // A code stands after `code:`, as the first argument of a hold, or as the outcome of a fault.
    let places = [
        r#"code: "([a-z_]+)""#,
        r#"[Hh]old\(\s*"([a-z_]+)","#,
        r#"held\([^;{}"]*"([a-z_]+)","#,
        r#"(?:FaultKind|KeyFault|JoinFault|Trouble)::[A-Za-z]+(?:\(_\))? => \(?\s*"([a-z_]+)","#,
        r#"BAD_ROW: &str = "([a-z_]+)""#,
    ];
    let mut codes = BTreeSet::new();
    for place in places {
        let pattern = regex::Regex::new(place).unwrap();
        for text in &texts {
            codes.extend(pattern.captures_iter(text).map(|c| c[1].to_owned()));
        }
    }
    codes
}

#[test]
fn every_hold_is_explained() {
    let made = hold_codes();
    assert!(made.len() > 20, "{made:?}");
    for known in [
        "join_none",
        "in_doubt",
        "same_match_key",
        "not_a_date",
        "exists",
        "bad_row",
    ] {
        assert!(made.contains(known), "{known} was not found in the sources");
    }
    let explained: BTreeSet<String> = hold::all().iter().map(|(c, _)| (*c).to_owned()).collect();
    let missing: Vec<&String> = made.difference(&explained).collect();
    assert!(missing.is_empty(), "docs/holds.md explains no {missing:?}");
}
