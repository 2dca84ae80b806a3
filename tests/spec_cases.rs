//! Reading projects: what belongs together is found, and no text however broken makes the reader fall over.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

use proptest::prelude::*;
use std::{fs, path::Path};
use transload::{
    diag::{Diagnostics, Files, render_json, render_short, render_text},
    spec::{Project, SpecKind, project::Side, shape, shapes, yaml},
};

const PLATFORM: &str = "spec: platform/v1\nplatform: NAME\nchecked: \"2026-08-20\"\nconnect: {files: {}}\nobjects:\n  contact:\n    rows: {file: c.csv, key: [id]}\n    fields: {id: {type: id}}\n";
const MAPPING: &str = "spec: mapping/v1\nsource: old\ndestination: new\nvalue_maps:\n  words: {file: tables/words.csv}\nobjects:\n  contact: {from: contact, to: contact}\n";
const MIGRATION: &str =
    "spec: migration/v1\nmapping: old--new\nsource: {folder: export}\ndestination: {folder: out}\n";

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn customer(root: &Path) {
    write(
        root,
        "specs/platforms/old.yaml",
        &PLATFORM.replace("NAME", "old"),
    );
    write(
        root,
        "specs/platforms/new.yaml",
        &PLATFORM.replace("NAME", "new"),
    );
    write(root, "specs/mappings/old--new.yaml", MAPPING);
    write(root, "specs/mappings/tables/words.csv", "from,to\na,b\n");
    write(root, "customers/acme/migration.yaml", MIGRATION);
}

fn findings(project: &Project) -> String {
    render_short(&project.files, &project.diagnostics)
}

#[test]
fn a_migration_brings_all_that_it_names() {
    let folder = tempfile::tempdir().unwrap();
    customer(folder.path());
    let project = Project::load(&[folder.path().join("customers/acme/migration.yaml")]);
    assert_eq!(findings(&project), "");
    let migration = &project.migrations[0];
    let mapping = project.mapping_of(migration).unwrap();
    assert_eq!(
        (mapping.kind, mapping.name().as_str()),
        (SpecKind::Mapping, "old--new")
    );
    assert_eq!(
        project.platform_of(mapping, Side::Source).unwrap().name(),
        "old"
    );
    assert_eq!(
        project
            .platform_of(mapping, Side::Destination)
            .unwrap()
            .name(),
        "new"
    );
    let (_, text) = project.table(mapping.file, "tables/words.csv").unwrap();
    assert_eq!(text, "from,to\na,b\n");
    assert!(project.table(migration.file, "tables/words.csv").is_none());
    assert_eq!(project.specs().count(), 4);
}

#[test]
fn a_file_named_twice_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    customer(folder.path());
    write(folder.path(), "customers/other/migration.yaml", MIGRATION);
    let detour = folder.path().join("customers/../specs/platforms/old.yaml");
    let paths = [
        folder.path().to_path_buf(),
        folder.path().join("specs"),
        detour,
    ];
    let project = Project::load(&paths);
    assert_eq!(findings(&project), "");
    let counts = (
        project.platforms.len(),
        project.mappings.len(),
        project.migrations.len(),
    );
    assert_eq!(counts, (2, 1, 2));
    assert_eq!(project.tables.len(), 1);
}

#[test]
fn only_specs_are_taken_from_folders() {
    let folder = tempfile::tempdir().unwrap();
    customer(folder.path());
    for path in [
        ".transload/plan.yaml",
        ".git/x.yaml",
        "specs/.old.yaml",
        "specs/notes.txt",
    ] {
        write(folder.path(), path, "spec: nonsense/v1\n");
    }
    write(folder.path(), "sandbox.yaml", "user:\n  - {name: Kim}\n");
    write(
        folder.path(),
        "late.yaml",
        "# a remark\n\n---\n# another\nspec: nonsense/v1\n",
    );
    let project = Project::load(&[folder.path()]);
    let found = findings(&project);
    assert_eq!(found.lines().count(), 1, "{found}");
    assert!(
        found.contains("late.yaml:5:7: error[E0111] `nonsense/v1` is no kind of spec"),
        "{found}"
    );
}

#[test]
fn another_folder_of_specs_can_be_named() {
    let folder = tempfile::tempdir().unwrap();
    customer(folder.path());
    let root = folder.path();
    fs::rename(root.join("specs"), root.join("definitions")).unwrap();
    let path = root.join("customers/acme/migration.yaml");
    let found = findings(&Project::load(&[&path]));
    assert!(
        found.contains(":2:10: error[E0116] `old--new` is not found"),
        "{found}"
    );
    let named = format!("{MIGRATION}specs: ../../definitions\n");
    write(root, "customers/acme/migration.yaml", &named);
    let project = Project::load(&[&path]);
    assert_eq!(findings(&project), "");
    assert!(project.mapping_of(&project.migrations[0]).is_some());
}

#[test]
fn a_path_to_nothing_is_a_finding() {
    let project = Project::load(&["no/such/file.yaml"]);
    let found = findings(&project);
    assert!(
        found.starts_with("no/such/file.yaml:1:1: error[E0101]"),
        "{found}"
    );
    assert_eq!(project.specs().count(), 0);
}

#[test]
fn shipped_files_are_read_without_a_finding() {
    let project = Project::load(&["specs", "examples"]);
    assert_eq!(findings(&project), "");
    assert!(
        project.platforms.len() >= 2
            && !project.mappings.is_empty()
            && !project.migrations.is_empty()
    );
    for migration in &project.migrations {
        let mapping = project.mapping_of(migration).unwrap();
        assert!(project.platform_of(mapping, Side::Source).is_some());
        assert!(project.platform_of(mapping, Side::Destination).is_some());
    }
}

/// Reads a text as each kind of spec, and shows what was found in every form.
fn read(text: &str) {
    let mut files = Files::default();
    let file = files.add("x.yaml", text.to_owned());
    let mut out = Diagnostics::default();
    if let Some(tree) = yaml::parse(file, text, &mut out) {
        for (kind, ..) in SpecKind::ALL {
            shape::check(&tree, shapes::of(*kind), &mut out);
        }
    }
    for d in out.sorted() {
        for label in std::iter::once(&d.primary).chain(&d.related) {
            let range = label.span.start as usize..label.span.end as usize;
            assert!(text.get(range).is_some(), "{d:?}");
        }
        assert!(!d.message.is_empty());
    }
    let shown = render_text(&files, &out, false);
    assert_eq!(shown.is_empty(), out.is_empty());
    render_json(&files, &out);
}

fn shipped() -> Vec<String> {
    [
        "specs/platforms/freshsales.yaml",
        "specs/mappings/allclients--freshsales.yaml",
        "examples/allclients/migration.yaml",
    ]
    .iter()
    .map(|p| fs::read_to_string(p).unwrap())
    .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// A shipped file with a few places changed is read, checked and shown without a panic.
    #[test]
    fn broken_specs_are_findings(
        which in 0usize..3,
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, "[\\PC\n\t:{}\\[\\]'\"&*!#|>-]{0,6}"), 1..5),
    ) {
        let mut text = shipped().swap_remove(which);
        for (at, cut, put) in changes {
            let edge = |text: &str, i: usize| (0..=i.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
            let start = edge(&text, at.index(text.len().max(1)));
            let end = edge(&text, start + cut).max(start);
            text.replace_range(start..end, &put);
        }
        read(&text);
    }

    /// The same for text that only looks like YAML.
    #[test]
    fn any_text_is_a_finding_or_a_tree(text in "(spec: (platform|mapping|migration)/v1\n)?([a-z_]{1,9}: ?|- |\\{|\\}|\\[|\\]|, |\n {0,4}|'|\"|\\PC|[0-9.]{1,4}){0,60}") {
        read(&text);
    }
}
