//! `docs/authoring.md` works as it stands: its files are written out, checked, planned, run and explained.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use serde_json::Value;
use std::{collections::BTreeMap, fs, path::Path};
use support::{root, transload};

/// The guide's files in a folder, with an export that its text describes.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    for path in ["specs/platforms", "specs/mappings", "customer/export"] {
        fs::create_dir_all(at(path)).unwrap();
    }
    fs::copy(
        root().join("specs/platforms/freshsales.yaml"),
        at("specs/platforms/freshsales.yaml"),
    )
    .unwrap();
    let guide = fs::read_to_string(root().join("docs/authoring.md")).unwrap();
    let mut written = Vec::new();
    let mut mapping = String::new();
    let mut more = String::new();
    for block in guide.split("```yaml\n").skip(1) {
        let text = block.split("```").next().unwrap();
        let path = if text.contains("spec: platform/v1") {
            "specs/platforms/petshop.yaml"
        } else if text.contains("spec: migration/v1") {
            "customer/migration.yaml"
        } else if text.starts_with("user:") {
            "customer/sandbox.yaml"
        } else if text.starts_with("attachments:") {
            // What a later section adds to the migration.
            more.push_str(text);
            continue;
        } else {
            // The mapping, and its tests from a later section.
            mapping.push_str(text);
            mapping.push('\n');
            continue;
        };
        fs::write(at(path), text).unwrap();
        written.push(path);
    }
    fs::write(at("specs/mappings/petshop--freshsales.yaml"), mapping).unwrap();
    assert!(!more.is_empty());
    let migration = fs::read_to_string(at("customer/migration.yaml")).unwrap();
    fs::write(
        at("customer/migration.yaml"),
        format!("{migration}\n{more}"),
    )
    .unwrap();
    assert_eq!(written.len(), 3, "{written:?}");
    let staff = "Mail,Name\nkim@petshop.example,Kim Berg\n";
    let owners = "No;First name;Last name;E-mail;Status;Newsletter;Pets;Since;Advisor;Loyalty Points;Old Remark\n\
        1;Ann;Roe;ann@x.example;regular;yes;Dog,Cat;03.04.2021;kim@petshop.example;12;x\n\
        2;Bo;;BO@x.example;new;no;;;;;\n\
        3;Cy;Lane;;regular;no;Bird;01.01.2020;;7;\n\
        4;Di;Ray;di@x.example;gone;no;;;;;\n\
        5;Ed;Poe;ed@x.example;vip;no;;01.02.2020;;;\n\
        6;Ann;R;ann@x.example;new;no;Fish;01.01.2019;;;\n";
    let visits = "No,Owner no,When,What\n\
        10,1,03.04.2023 10:15,Vaccination\n\
        11,2,04.04.2023 09:00,\"Teeth, both\"\n\
        12,99,05.04.2023 09:00,Nobody\n\
        13,6,05.04.2023 09:00,Merged owner\n";
    fs::write(at("customer/export/staff.csv"), staff).unwrap();
    fs::write(at("customer/export/owners.csv"), owners).unwrap();
    fs::write(at("customer/export/visits.csv"), visits).unwrap();
    folder
}

fn run(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let output = transload()
        .current_dir(folder)
        // The secret that the guide's migration names.
        .env("FILES_TOKEN", "a-token")
        .args(args)
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn the_guide_works_as_it_stands() {
    let folder = project();
    let folder = folder.path();
    let (code, out, _) = run(folder, &["validate", "--strict", "."]);
    assert_eq!(code, 0, "{out}");
    assert!(
        out.contains("4 files checked: 0 errors, 0 warnings"),
        "{out}"
    );

    let page = "specs/mappings/petshop--freshsales.yaml";
    let (code, out, err) = run(folder, &["page", page]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("3 of 3 objects map 1:1."), "{out}");
    assert!(out.contains("By the rules behind them 3 are 1:1."), "{out}");

    let (code, out, err) = run(
        folder,
        &[
            "run",
            "customer/migration.yaml",
            "--auto-approve",
            "--format",
            "json",
        ],
    );
    assert_eq!(code, 0, "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let counts: BTreeMap<&str, [u64; 5]> = report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| {
            let n = |key: &str| s[key].as_u64().unwrap();
            let counts = ["read", "created", "merged", "dropped", "held"].map(n);
            (s["step"].as_str().unwrap(), counts)
        })
        .collect();
    assert_eq!(counts["owner"], [6, 2, 1, 1, 2], "{report}");
    assert_eq!(counts["visit"], [4, 3, 0, 0, 1], "{report}");

    // Every hold that a reader of the guide meets is explained.
    let (_, out, _) = run(
        folder,
        &[
            "holds",
            "list",
            "customer/migration.yaml",
            "--format",
            "json",
        ],
    );
    let holds: Vec<Value> = serde_json::from_str(&out).unwrap();
    let codes: Vec<&str> = holds.iter().map(|h| h["code"].as_str().unwrap()).collect();
    assert_eq!(
        codes,
        ["required", "not_mapped", "reference_missing"],
        "{holds:?}"
    );
    for code in codes {
        let (exit, out, _) = run(folder, &["explain", code]);
        assert_eq!(exit, 0, "{code}");
        assert!(out.contains("*What to do:*"), "{code}: {out}");
    }
    let (exit, _, err) = run(folder, &["explain", "no_such_hold"]);
    assert_eq!(exit, 2);
    assert!(err.contains("guards:"), "{err}");
    let (exit, out, _) = run(folder, &["explain"]);
    assert_eq!(exit, 0);
    assert!(out.contains("E0103") && out.contains("join_none"), "{out}");
}
