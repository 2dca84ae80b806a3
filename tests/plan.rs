//! What the planner prints: the shipped migration, and small cases for order, second passes and refusals.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is the report")]

use std::path::Path;
use transload::{
    check,
    mapping::{Mapping, Migration},
    plan::{self, Counts},
    report::{plan_graph, plan_json, plan_text},
    spec::Project,
};

fn root(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn shipped() -> Migration {
    let project = Project::load(&[root("examples/allclients/migration.yaml")]);
    check::check_migration(&project, &project.migrations[0])
        .0
        .unwrap()
}

/// Records per source object of the example, as a count of its rows says.
fn counts(mapping: &Mapping) -> Counts {
    let rows = [
        ("user", 4),
        ("contact", 12_345),
        ("note", 30_000),
        ("task", 2_000),
        ("template", 6),
    ];
    Counts {
        source: rows
            .into_iter()
            .map(|(name, n)| (mapping.source.object(name).unwrap().0, n))
            .collect(),
        ..Counts::default()
    }
}

#[test]
fn the_shipped_plan_reads_well() {
    let migration = shipped();
    let plan = plan::compile(migration.mapping).unwrap();
    let estimate = plan::estimate(&plan, &counts(&plan.mapping));
    let hash = plan.fingerprints.plan.short();
    let text = plan_text::render(&plan, Some(&estimate), migration.tier.as_deref());
    insta::assert_snapshot!("shipped_text", text.replace(&hash, "[hash]"));
    insta::assert_snapshot!("shipped_dot", plan_graph::dot(&plan));
    insta::assert_snapshot!("shipped_mermaid", plan_graph::mermaid(&plan));
    let json = serde_json::to_string_pretty(&plan_json::render(&plan, Some(&estimate))).unwrap();
    let hash = regex::Regex::new("[0-9a-f]{64}").unwrap();
    insta::assert_snapshot!("shipped_json", hash.replace_all(&json, "[hash]"));
}
