//! Proposals: how good they are for pairs whose mapping is known, that drafts can be edited into mappings, and that nothing
//! runs from one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use serde_json::Value;
use std::{fs, process::Output};
use support::{root, transload};

fn propose(args: &[&str]) -> Output {
    transload()
        .current_dir(root())
        .arg("propose")
        .args(args)
        .output()
        .expect("it runs")
}

fn text(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn measured(args: &[&str]) -> Value {
    let mut all = vec!["--format", "json", "--measure", "specs/mappings"];
    all.extend(args);
    serde_json::from_str(&text(&propose(&all))).expect("JSON")
}

#[test]
fn proposals_for_the_shipped_pairs_are_right_and_never_sure_and_wrong() {
    for args in [&[][..], &["--data", "examples"]] {
        let figures = measured(args);
        let pairs = figures["mappings"].as_object().expect("mappings");
        assert!(pairs.len() >= 5, "{figures}");
        for (name, pair) in pairs {
            assert!(pair["fields"].as_u64().expect("a number") >= 20, "{name}");
            assert!(
                pair["top_1"].as_f64().expect("a share") >= 0.85,
                "{name}: {pair}"
            );
            assert_eq!(pair["sure_and_wrong"], 0, "{name}: {pair}");
        }
        let all = &figures["all"];
        assert!(all["top_3"].as_f64() >= all["top_1"].as_f64(), "{all}");
    }
}

#[test]
fn the_measure_can_fail() {
    // The same mapping with its references to two fields exchanged must score lower.
    let folder = tempfile::tempdir().expect("a folder");
    let specs = folder.path().join("specs");
    fs::create_dir_all(specs.join("mappings")).expect("a folder");
    fs::create_dir_all(specs.join("platforms")).expect("a folder");
    for name in ["smartdesk.yaml", "freshsales.yaml"] {
        fs::copy(
            root().join("specs/platforms").join(name),
            specs.join("platforms").join(name),
        )
        .expect("copied");
    }
    let name = "smartdesk--freshsales.yaml";
    let whole = fs::read_to_string(root().join("specs/mappings").join(name)).expect("text");
    let turned = whole
        .replace("      city: city\n", "      city: country\n")
        .replace("      country: country\n", "      country: city\n");
    assert_ne!(whole, turned);
    let figures = |spec: &str| {
        let path = specs.join("mappings").join(name);
        fs::write(&path, spec).expect("written");
        let out = propose(&[
            "--format",
            "json",
            "--measure",
            path.to_str().expect("text"),
        ]);
        let figures: Value = serde_json::from_str(&text(&out)).expect("JSON");
        figures["all"]["top_1"].as_f64().expect("a share")
    };
    assert!(figures(&turned) < figures(&whole));
}

#[test]
fn a_draft_is_refused_until_a_person_has_made_it_a_mapping() {
    let folder = tempfile::tempdir().expect("a folder");
    let specs = folder.path().join("specs");
    fs::create_dir_all(specs.join("mappings")).expect("a folder");
    fs::create_dir_all(specs.join("platforms")).expect("a folder");
    for name in ["smartdesk.yaml", "freshsales.yaml"] {
        fs::copy(
            root().join("specs/platforms").join(name),
            specs.join("platforms").join(name),
        )
        .expect("copied");
    }
    let draft = specs.join("mappings/smartdesk--freshsales.yaml");
    let arguments = [
        "specs/platforms/smartdesk.yaml",
        "specs/platforms/freshsales.yaml",
        "--out",
        draft.to_str().expect("text"),
    ];
    assert!(propose(&arguments).status.success());
    // A second draft does not write over what may be edited by now.
    assert_eq!(propose(&arguments).status.code(), Some(2));

    let validate = || {
        transload()
            .args(["validate", "--format", "short"])
            .arg(&specs)
            .output()
            .expect("it runs")
    };
    let refused = validate();
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(said.contains("nothing runs from a draft"), "{said}");

    // Made a mapping, it is one: what is left to do is told as findings about its meaning, not about its form.
    let edited = fs::read_to_string(&draft)
        .expect("text")
        .replace("spec: draft/v1", "spec: mapping/v1");
    fs::write(&draft, edited).expect("written");
    let told = validate();
    let said = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(!said.contains("E01"), "{said}");
}

#[test]
fn every_proposal_has_reasons_and_a_confidence_and_is_made_the_same_twice() {
    let arguments = [
        "specs/platforms/usercom.yaml",
        "specs/platforms/freshsales.yaml",
        "--format",
        "json",
        "--data",
        "examples/usercom/export",
    ];
    let first = text(&propose(&arguments));
    assert_eq!(first, text(&propose(&arguments)));
    let proposal: Value = serde_json::from_str(&first).expect("JSON");
    let mut seen = 0;
    for object in proposal["objects"].as_array().expect("objects") {
        for to in object["to"].as_array().expect("destinations") {
            for field in to["fields"].as_array().expect("fields") {
                for candidate in field["candidates"].as_array().expect("candidates") {
                    let confidence = candidate["confidence"].as_f64().expect("a number");
                    assert!((0.25..=0.97).contains(&confidence), "{candidate}");
                    let reasons = candidate["reasons"].as_array().expect("reasons");
                    assert!(!reasons.is_empty(), "{candidate}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 50, "{seen}");
}
