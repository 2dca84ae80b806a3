//! The pair pages: fresh in `docs/pairs/`, honest about what the rules make of a row, graded by what a mapping holds.
//!
//! `UPDATE=1 cargo test --test pages` writes `docs/pairs/` anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
    sync::Arc,
};
use support::{root, transload};
use transload::{
    check,
    mapping::{Handoff, Mapping, SplitRow, SplitTo},
    plan::{self, Grade, cardinality, grade::WEIGHTS},
    spec::Project,
};

fn pairs() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(root().join("specs/mappings"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "yaml"))
        .map(|p| p.file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|n| n.ends_with("--freshsales"))
        .collect();
    names.sort();
    names
}

fn page(spec: &Path, args: &[&str]) -> Output {
    transload()
        .arg("page")
        .arg(spec)
        .args(args)
        .output()
        .unwrap()
}

fn shown(spec: &Path, args: &[&str]) -> String {
    let output = page(spec, args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout).unwrap()
}

fn shipped(name: &str) -> PathBuf {
    root().join(format!("specs/mappings/{name}.yaml"))
}

/// A copy of all specs in which one mapping is changed.
fn changed(name: &str, change: impl Fn(String) -> String) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for kind in ["platforms", "mappings"] {
        fs::create_dir_all(folder.path().join("specs").join(kind)).unwrap();
        for entry in fs::read_dir(root().join("specs").join(kind)).unwrap() {
            let path = entry.unwrap().path();
            let to = folder
                .path()
                .join("specs")
                .join(kind)
                .join(path.file_name().unwrap());
            fs::copy(&path, to).unwrap();
        }
    }
    let path = folder.path().join(format!("specs/mappings/{name}.yaml"));
    let text = fs::read_to_string(&path).unwrap();
    let new = change(text.clone());
    assert_ne!(new, text, "nothing was changed");
    fs::write(&path, new).unwrap();
    (folder, path)
}

#[test]
fn the_pages_in_docs_are_fresh() {
    let folder = root().join("docs/pairs");
    for name in pairs() {
        let path = folder.join(format!("{name}.md"));
        let text = shown(&shipped(&name), &["--format", "markdown"]);
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == text,
            "{} is stale; run `UPDATE=1 cargo test --test pages`",
            path.display()
        );
    }
    let kept = fs::read_dir(&folder).unwrap().count();
    assert_eq!(kept, pairs().len(), "a page of a pair that is gone");
}

#[test]
fn the_shipped_pairs_say_how_much_maps_one_to_one() {
    for (name, line) in [
        ("interactive", "9 of 11 objects map 1:1."),
        ("actimo", "10 of 11 objects map 1:1."),
        ("usercom", "7 of 11 objects map 1:1."),
        ("smartdesk", "9 of 10 objects map 1:1."),
        ("allclients", "6 of 8 objects map 1:1."),
    ] {
        let text = shown(&shipped(&format!("{name}--freshsales")), &[]);
        assert!(text.contains(line), "{name}: {text}");
        assert!(text.contains("\nGrade B, "), "{name}: {text}");
    }
}

#[test]
fn every_format_has_every_row() {
    for name in pairs() {
        let spec = shipped(&name);
        let json: Value = serde_json::from_str(&shown(&spec, &["--format", "json"])).unwrap();
        assert_eq!(json["schema_version"], "transload/page/v1");
        let rows = json["rows"].as_array().unwrap();
        assert!(rows.len() >= 8, "{name}");
        let texts = ["text", "markdown", "html"].map(|f| shown(&spec, &["--format", f]));
        for row in rows {
            let id = row["id"].as_str().unwrap();
            for text in &texts {
                assert!(text.contains(id), "{name}: no {id}");
            }
        }
        for reason in json["reasons"].as_array().unwrap() {
            let why = reason["why"].as_str().unwrap();
            // Texts without marks that a format escapes.
            if why
                .chars()
                .all(|c| c.is_alphanumeric() || " ;,.-".contains(c))
            {
                for text in &texts {
                    assert!(text.contains(why), "{name}: no {why}");
                }
            }
        }
        let points: u64 = json["grade"]["areas"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|a| a["items"].as_array().unwrap())
            .map(|i| i["points"].as_u64().unwrap())
            .sum();
        assert_eq!(
            json["grade"]["points"], points,
            "{name}: items make the sum"
        );
    }
}

/// Row id to computed cardinality, of a spec.
fn computed(spec: &Path) -> Vec<(String, String, bool)> {
    let json: Value = serde_json::from_str(&shown(spec, &["--format", "json"])).unwrap();
    let text = |v: &Value| v.as_str().unwrap_or("not known").to_owned();
    json["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| {
            (
                text(&r["id"]),
                text(&r["computed"]),
                r["differs"].as_bool().unwrap(),
            )
        })
        .collect()
}

#[test]
fn cardinality_is_computed_from_the_rules() {
    let all = pairs()
        .iter()
        .flat_map(|n| computed(&shipped(n)))
        .collect::<Vec<_>>();
    for (id, class) in [
        ("INT-01", "1:1"),
        ("INT-02", "1:many"),    // a split
        ("INT-11", "many:1"),    // an `all:` join to companies, which are loaded themselves
        ("INT-09", "not known"), // only a migration names the custom fields
        ("ACT-01", "1:many"),
        ("ACT-04", "1:1"),   // `replace` before `number` reads a format
        ("ACT-08", "lossy"), // `day_in`
        ("UC-04", "lossy"),  // `round`
        ("UC-07", "1:1"),    // `first`, but all of them are kept beside it
        ("UC-09", "lossy"),  // `parse_json` with a shape
        ("UC-11", "lossy"),  // messages are part of their conversation; their markup is lost
        ("SD-03", "1:1"),    // the industry goes through a table, and is kept as it was
        ("SD-05", "lossy"),  // recognised by place, a stage keeps its own name
        ("SD-07", "1:many"),
        ("AC-02", "lossy"), // `plain` in a template
        ("AC-04", "1:1"),
    ] {
        let row = all.iter().find(|(i, ..)| i == id).unwrap();
        assert_eq!(row.1, class, "{id}");
    }
}

#[test]
fn a_row_that_says_otherwise_is_told() {
    let name = "allclients--freshsales";
    assert!(computed(&shipped(name)).contains(&("AC-06".into(), "1:1".into(), false)));
    let (_folder, spec) = changed(name, |text| {
        text.replace(
            "{id: AC-06, source: Task, destination: Task, cardinality: \"1:1\"",
            "{id: AC-06, source: Task, destination: Task, cardinality: \"1:many\"",
        )
    });
    assert!(computed(&spec).contains(&("AC-06".into(), "1:1".into(), true)));
    let text = shown(&spec, &[]);
    assert!(text.contains("AC-06: 1:1, not 1:many"), "{text}");
    assert!(text.contains("5 of 8 objects map 1:1."), "{text}");
    // What implements it changes what it is.
    let (_folder, spec) = changed(name, |text| {
        text.replace(
            "title: {from: title, missing: hold}",
            "title: {from: title, missing: hold, transform: [{cut: 40}]}",
        )
    });
    let text = shown(&spec, &[]);
    assert!(
        text.contains("AC-06: lossy, not 1:1: `task.title`: `cut` may shorten it to 40 characters"),
        "{text}"
    );
}

fn mapping_of(spec: &Path) -> Mapping {
    let project = Project::load(&[spec]);
    let (mapping, found) = check::check_mapping(&project, &project.mappings[0]);
    assert!(!found.has_errors() && !project.diagnostics.has_errors());
    mapping.unwrap()
}

fn graded(mapping: &Mapping) -> Grade {
    let plan = plan::compile(Arc::new(mapping.clone())).unwrap();
    plan::grade(&plan, &cardinality::of_rows(&plan), None, None)
}

#[test]
fn every_item_costs_its_weight() {
    let base = mapping_of(&shipped("allclients--freshsales"));
    let points = graded(&base).points;
    let weight = |id: &str| WEIGHTS.iter().find(|w| w.id == id).unwrap().points;
    let step = |m: &Mapping, name: &str| m.steps.iter().position(|s| s.name == name).unwrap();
    let costs = |change: &dyn Fn(&mut Mapping)| {
        let mut mapping = base.clone();
        change(&mut mapping);
        i64::from(graded(&mapping).points) - i64::from(points)
    };

    let handoff = costs(&|m| {
        let other = m.handoffs[0].clone();
        m.handoffs.push(Handoff {
            name: "more".to_owned(),
            ..other
        });
    });
    assert_eq!(handoff, i64::from(weight("handoff")));

    let map = costs(&|m| {
        m.value_maps.pop();
    });
    // Templates name maps by name and lose nothing through one that is gone.
    assert_eq!(map, -i64::from(weight("value_map")));

    let join = costs(&|m| {
        let at = step(m, "note");
        let mut join = m.steps[at].joins[0].clone();
        join.name = "template".to_owned();
        join.object = m.source.object("template").unwrap().0;
        m.steps[at].joins.push(join);
    });
    assert_eq!(join, i64::from(weight("join")));

    let split = costs(&|m| {
        let (task, note) = (step(m, "task"), step(m, "note"));
        let (object, span) = (m.source.object("task").unwrap().0, m.steps[task].span);
        let row = |at: usize| SplitRow {
            when: None,
            to: SplitTo::Steps(vec![transload::ident::StepId(at as u16)]),
            why: None,
            span,
        };
        m.splits[object.ix()] = vec![row(task), row(note)];
    });
    assert_eq!(split, i64::from(weight("split")));

    let by_hand = costs(&|m| m.page[3].support = "by_hand".to_owned());
    assert_eq!(by_hand, i64::from(weight("not_moved")));
}

const PLAIN: &str = "\
spec: platform/v1
platform: plain
checked: \"2026-08-20\"
connect: {files: {}}
objects:
  person:
    rows: {file: people.csv, key: [id]}
    fields:
      id: {type: id, required: true, unique: true}
      mail: {type: email}
";
const PLAIN_MAPPING: &str = "\
spec: mapping/v1
source: plain
destination: freshsales
objects:
  person:
    from: person
    to: contact
    match: [{external_id: id}]
    found: update
    absent: create
    fields:
      external_id: id
      email: {from: mail, missing: hold}
page:
  rows:
    - {id: P-1, source: Person, destination: Contact, cardinality: \"1:1\", support: full, by: [objects.person]}
";

#[test]
fn another_mapping_gets_another_letter() {
    let letter = |spec: &Path| {
        let json: Value = serde_json::from_str(&shown(spec, &["--format", "json"])).unwrap();
        json["grade"]["letter"].as_str().unwrap().to_owned()
    };
    // One object as it is.
    let (folder, _) = changed("smartdesk--freshsales", |text| text + "\n");
    let write = |path: &str, text: &str| {
        let path = folder.path().join("specs").join(path);
        fs::write(&path, text).unwrap();
        path
    };
    write("platforms/plain.yaml", PLAIN);
    assert_eq!(
        letter(&write("mappings/plain--freshsales.yaml", PLAIN_MAPPING)),
        "A"
    );
    // Rows that a person moves, decisions to take, documents to work through.
    let (_folder, spec) = changed("smartdesk--freshsales", |text| {
        let mut text = text.replace("support: full", "support: by_hand");
        for n in 0..3 {
            text = text.replace(
                "handoff:\n",
                &format!("handoff:\n  extra_{n}: {{from: lead, show: [email]}}\n"),
            );
        }
        text
    });
    assert_eq!(letter(&spec), "C");
}

#[test]
fn the_html_is_one_file_that_asks_for_nothing() {
    let hostile = "</td><script>alert(1)</script><img src=x onerror=y> \\\"'&amp;";
    let (folder, spec) = changed("allclients--freshsales", |text| {
        text.replace(
            "- {id: AC-01, source: Contact,",
            &format!("- {{id: \"AC-01\", note: \"{hostile}\", source: \"{hostile}\","),
        )
        .replace(
            "why: Users cannot be created by API; a contact waits until its owner exists",
            &format!("why: \"{hostile}\""),
        )
    });
    let path = folder.path().join("page.html");
    let output = page(&spec, &["--out", path.to_str().unwrap()]);
    assert!(output.status.success());
    assert!(output.stdout.is_empty(), "the file has it");
    let html = fs::read_to_string(&path).unwrap();
    for word in [
        "<script", "<img", "src=", "href=", "http:", "https:", "url(", "@import", "<link",
    ] {
        let at = html.find(word);
        // What was escaped is a text: it has no bracket before it.
        let is_text = at.is_some_and(|at| word == "src=" && html[..at].ends_with("&lt;img "));
        assert!(at.is_none() || is_text, "{word}");
    }
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(html.contains("Content-Security-Policy"));
    assert!(html.contains("@media print"));
    // Every element that is opened is closed, in order.
    let mut open: Vec<String> = Vec::new();
    let tag = regex::Regex::new(r"<(/?)([a-z0-9]+)[^>]*>").unwrap();
    let body = html.replace("<!doctype html>", "");
    for found in tag.captures_iter(&body) {
        let name = found[2].to_owned();
        if ["meta", "br"].contains(&name.as_str()) {
            continue;
        }
        if found[1].is_empty() {
            open.push(name);
        } else {
            assert_eq!(open.pop(), Some(name), "{}", &found[0]);
        }
    }
    assert_eq!(open, [""; 0]);
    // Without style it is headings and tables.
    assert_eq!(html.matches("<h1>").count(), 1);
    assert!(html.matches("<h2>").count() >= 7);
    assert!(html.matches("<th scope=\"col\">").count() > 20);
}

#[test]
fn a_hostile_row_stays_a_row_in_markdown() {
    let (_folder, spec) = changed("allclients--freshsales", |text| {
        text.replace(
            "- {id: AC-01, source: Contact,",
            "- {id: AC-01, note: \"a | b `c` <b> [x](javascript:y)\\nz\", source: Contact,",
        )
    });
    let text = shown(&spec, &["--format", "markdown"]);
    let row = text.lines().find(|l| l.starts_with("| AC-01")).unwrap();
    assert!(
        row.contains("a \\| b `c` &lt;b> \\[x\\](javascript:y) z"),
        "{row}"
    );
}

#[test]
fn a_migration_has_a_page_of_its_own() {
    let json: Value = serde_json::from_str(&shown(
        &root().join("examples/interactive/migration.yaml"),
        &["--format", "json"],
    ))
    .unwrap();
    assert_eq!(json["migration"], "migration.yaml");
    let timeline = json["timeline"].as_array().unwrap();
    assert_eq!(timeline.len(), 1, "its own records");
    assert!(timeline[0]["calls"].as_u64().unwrap() > 0);
    let ours: Vec<&Value> = timeline[0]["tiers"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|t| t["this_account"] == true)
        .collect();
    assert_eq!(ours.len(), 1, "its tier is marked");
    // The custom fields are known here.
    let row = json["rows"]
        .as_array()
        .unwrap()
        .iter()
        .find(|r| r["id"] == "INT-09")
        .unwrap();
    assert_eq!(row["computed"], "1:1");
    // The tier is known, and so is the number of pipelines.
    let gotcha = json["gotchas"]
        .as_array()
        .unwrap()
        .iter()
        .find(|g| g["id"] == "FS-3")
        .unwrap();
    assert_ne!(gotcha["outcome"], "at_the_run", "{gotcha}");
    // Without the export the yardsticks measure.
    let offline: Value = serde_json::from_str(&shown(
        &root().join("examples/interactive"),
        &["--format", "json", "--offline"],
    ))
    .unwrap();
    assert_eq!(offline["timeline"].as_array().unwrap().len(), 3);
}

#[test]
fn the_formats_read_well() {
    let spec = shipped("allclients--freshsales");
    insta::assert_snapshot!("page_text", shown(&spec, &[]));
    insta::assert_snapshot!("page_html", shown(&spec, &["--format", "html"]));
}

#[test]
fn what_makes_no_page_says_why() {
    let missing = page(Path::new("nowhere.yaml"), &[]);
    let message = support::failed_with(&missing, 2);
    assert!(message.contains("cannot find nowhere.yaml"), "{message}");
    let platform = page(&root().join("specs/platforms/freshsales.yaml"), &[]);
    assert!(support::failed_with(&platform, 2).contains("is no mapping"));
    let (_folder, spec) = changed("allclients--freshsales", |text| {
        text.replace("found: use", "found: us")
    });
    let broken = page(&spec, &[]);
    assert!(support::failed_with(&broken, 1).contains("no page was made"));
    let spec = shipped("allclients--freshsales");
    let output = page(&spec, &["--out", "/nowhere/page.md"]);
    assert!(support::failed_with(&output, 2).contains("cannot write /nowhere/page.md"));
}
