//! `docs/language.md` misses nothing: its tables are made from the engine's, its hand-written parts name every op,
//! filter and word of a condition, and its examples are taken by the engine.
//!
//! `UPDATE=1 cargo test --test language` writes the tables anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use regex::Regex;
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::PathBuf};
use support::{root, transload};
use transload::{
    mapping::{Loss, Op, OutcomePart, text},
    spec::{
        SpecKind,
        shape::{json_schema, reference},
        shapes,
    },
};

fn path() -> PathBuf {
    root().join("docs/language.md")
}

fn page() -> String {
    fs::read_to_string(path()).unwrap()
}

fn types() -> String {
    let rows: String = shapes::TYPES
        .iter()
        .map(|(word, says)| format!("| `{word}` | {says} |\n"))
        .collect();
    format!("| type | is |\n|---|---|\n{rows}")
}

/// The text with what stands between two marks replaced.
fn filled(text: &str, name: &str, with: &str) -> String {
    let begin = format!("<!-- {name} -->\n");
    let at = text
        .find(&begin)
        .unwrap_or_else(|| panic!("no mark {name}"))
        + begin.len();
    let end = at + text[at..].find("<!-- end -->").expect("an end");
    format!("{}{}{}", &text[..at], with, &text[end..])
}

#[test]
fn the_tables_are_fresh() {
    let mut text = filled(&page(), "types", &types());
    for (kind, ..) in SpecKind::ALL {
        text = filled(&text, kind.name(), &reference(*kind));
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path(), &text).unwrap();
    }
    assert!(
        page() == text,
        "docs/language.md is stale; run `UPDATE=1 cargo test --test language`"
    );
}

fn keys(schema: &Value, out: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Object(properties)) = map.get("properties") {
                out.extend(properties.keys().cloned());
            }
            map.values().for_each(|v| keys(v, out));
        }
        Value::Array(list) => list.iter().for_each(|v| keys(v, out)),
        _ => {}
    }
}

#[test]
fn every_key_of_the_schemas_is_on_the_page() {
    let text = page();
    for (kind, ..) in SpecKind::ALL {
        let mut all = BTreeSet::new();
        keys(&json_schema(*kind), &mut all);
        assert!(all.len() > 30, "{}", kind.name());
        for key in all {
            // `spec` and `why` hold for all of them and are described once.
            let written =
                text.contains(&format!("| `{key}` |")) || ["spec", "why"].contains(&key.as_str());
            assert!(written, "{} key `{key}` is not on the page", kind.name());
        }
    }
}

#[test]
fn every_op_is_in_the_table_with_what_it_loses() {
    let text = page();
    let rows: Vec<&str> = text
        .lines()
        .skip_while(|l| !l.starts_with("| op |"))
        .take_while(|l| l.starts_with('|'))
        .collect();
    let names: Vec<&str> = shapes::op::WORDS
        .iter()
        .map(|(w, _)| *w)
        .chain(shapes::op::OP.keys.iter().map(|k| k.name))
        .collect();
    for name in names {
        let (word, argument) = (format!("`{name}`"), format!("`{{{name}:"));
        let row = rows.iter().find(|r| {
            r.starts_with(&format!("| {word}")) || r.starts_with(&format!("| {argument}"))
        });
        assert!(row.is_some(), "the op `{name}` has no row");
    }
    let lost = |op: &Op| match op.loss() {
        Loss::None => "none",
        Loss::Normal => "normal",
        Loss::Merge => "merge",
        Loss::Precision => "precision",
        Loss::Shorten => "shorten",
        Loss::Items => "items",
        Loss::Markup => "markup",
        Loss::All => "all",
    };
    let (s, z) = (String::new, || "UTC".to_owned());
    let scalar = transload::value::Scalar::Text(String::new());
    for op in [
        Op::Trim,
        Op::Lower,
        Op::Upper,
        Op::Squeeze,
        Op::Map(0),
        Op::Cut { max: 1, at: None },
        Op::Pages { max: 1, mark: s() },
        Op::Round {
            mode: transload::mapping::op::RoundMode::Down,
            scale: 0,
        },
        Op::DayIn(z()),
        Op::At {
            zone: z(),
            time: s(),
        },
        Op::PhoneNumber(None),
        Op::WebAddress,
        Op::EmailAddress,
        Op::ParseJson(Vec::new()),
        Op::Plain,
        Op::Split(s()),
        Op::JoinWith(s()),
        Op::Unique,
        Op::First,
        Op::Names,
        Op::PrefixIfTaken(s()),
        Op::Regex(s()),
        Op::Replace {
            pattern: s(),
            with: s(),
        },
        Op::Number,
        Op::ParseDate(s()),
        Op::FormatDate {
            format: s(),
            zone: None,
        },
        Op::Default(scalar),
        Op::Prefix(s()),
        Op::Mask,
        Op::Hash,
    ] {
        let name = op.name();
        let row = rows
            .iter()
            .find(|r| {
                r.starts_with(&format!("| `{name}`")) || r.starts_with(&format!("| `{{{name}:"))
            })
            .unwrap_or_else(|| panic!("no row {name}"));
        let cells: Vec<&str> = row.split(" | ").collect();
        assert_eq!(cells[2].trim(), lost(&op), "{name}: {row}");
    }
}

#[test]
fn every_filter_test_and_word_is_on_the_page() {
    let text = page();
    for filter in text::FILTERS {
        let written =
            text.contains(&format!("`{filter}`")) || text.contains(&format!("`{filter}("));
        assert!(written, "the filter `{filter}`");
    }
    for test in text::TESTS {
        assert!(text.contains(&format!("`is {test}`")), "the test `{test}`");
    }
    for word in [
        "and", "or", "not", "is", "present", "blank", "unknown", "dropped", "in", "has", "contains",
    ] {
        assert!(text.contains(&format!("\"{word}\"")), "the word `{word}`");
    }
    for (part, _) in OutcomePart::ALL {
        assert!(
            text.contains(&format!("`outcome.{part}`")),
            "outcome.{part}"
        );
    }
}

#[test]
fn the_command_prints_the_same() {
    let text = page();
    for (kind, ..) in SpecKind::ALL {
        let output = transload()
            .args(["schema", kind.name(), "--format", "markdown"])
            .output()
            .unwrap();
        assert!(output.status.success());
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(printed.trim()), "{}", kind.name());
    }
}

/// Examples of ops in the table are taken by the engine as they stand.
#[test]
fn the_examples_of_ops_have_their_shape() {
    let text = page();
    let example = Regex::new(r"`(\{[a-z_]+: [^`]*\})`").unwrap();
    let mut count = 0;
    for line in text
        .lines()
        .filter(|l| l.starts_with("| `{") || l.starts_with("| `phone`"))
    {
        let first = line.split(" | ").next().unwrap();
        for found in example.captures_iter(first) {
            let op = &found[1];
            let spec = format!(
                "spec: mapping/v1\nsource: a\ndestination: b\nobjects:\n  x:\n    from: x\n    to: y\n    absent: create\n    fields:\n      f: {{from: g, transform: [{op}]}}\n"
            );
            let mut files = transload::diag::Files::default();
            let file = files.add("x.yaml", spec.clone());
            let mut out = transload::diag::Diagnostics::default();
            let tree = transload::spec::yaml::parse(file, &spec, &mut out).expect("a tree");
            transload::spec::shape::check(&tree, shapes::of(SpecKind::Mapping), &mut out);
            let told: Vec<&str> = out.sorted().iter().map(|d| d.message.as_str()).collect();
            assert_eq!(told, [""; 0], "{op}");
            count += 1;
        }
    }
    assert!(count > 15, "{count} examples");
}
