//! The published JSON Schemas: fresh, closed, and of one mind with our own reader.
//!
//! `UPDATE=1 cargo test --test schemas` writes `schemas/` anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};
use transload::{
    diag::{Diagnostics, Files},
    platform::OpKind,
    spec::{Node, NodeKind, SpecKind, load_file, shape, shapes, yaml},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn yaml_files(folder: &Path, out: &mut Vec<PathBuf>) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|e| e.unwrap().path())
        .collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            yaml_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "yaml") {
            out.push(path);
        }
    }
}

/// Every YAML file that ships.
fn shipped() -> Vec<PathBuf> {
    let mut out = Vec::new();
    yaml_files(&root().join("specs"), &mut out);
    yaml_files(&root().join("examples"), &mut out);
    assert!(out.len() >= 5, "{out:?}");
    out
}

/// The shipped files that are specs, with their text.
fn shipped_specs() -> Vec<(PathBuf, String, SpecKind)> {
    shipped()
        .into_iter()
        .filter_map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let kind = kind_of(&text)?;
            Some((path, text, kind))
        })
        .collect()
}

fn kind_of(text: &str) -> Option<SpecKind> {
    let line = text.lines().find(|l| l.starts_with("spec:"))?;
    SpecKind::ALL
        .iter()
        .map(|(k, ..)| *k)
        .find(|k| line.contains(&k.tag()))
}

fn schema_path(kind: SpecKind) -> PathBuf {
    root().join(format!("schemas/{}.schema.json", kind.name()))
}

fn as_json(text: &str) -> Value {
    serde_yaml::from_str(text).expect("YAML that serde reads")
}

fn validator(kind: SpecKind) -> jsonschema::Validator {
    let schema = shape::json_schema(kind);
    jsonschema::draft202012::meta::validate(&schema).expect("a valid schema");
    jsonschema::draft202012::new(&schema).expect("a schema that compiles")
}

#[test]
fn published_schemas_are_fresh() {
    for (kind, ..) in SpecKind::ALL {
        let path = schema_path(*kind);
        let mut text = serde_json::to_string_pretty(&shape::json_schema(*kind)).unwrap();
        text.push('\n');
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let there = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            there == text,
            "{} is stale; run `UPDATE=1 cargo test --test schemas`",
            path.display()
        );
    }
}

#[test]
fn shipped_specs_are_valid_for_the_schema() {
    for (path, text, kind) in shipped_specs() {
        let faults: Vec<String> = validator(kind)
            .iter_errors(&as_json(&text))
            .map(|e| format!("{}: {e}", e.instance_path()))
            .collect();
        assert!(
            faults.is_empty(),
            "{}:\n{}",
            path.display(),
            faults.join("\n")
        );
    }
}

#[test]
fn shipped_specs_have_their_shape() {
    for (path, ..) in shipped_specs() {
        let (mut files, mut out) = (Files::default(), Diagnostics::default());
        assert!(load_file(&path, &mut files, &mut out).is_some());
        let faults: Vec<String> = out
            .sorted()
            .iter()
            .map(|d| {
                let (line, column) = files.line_column(d.primary.span.file, d.primary.span.start);
                format!("{line}:{column} {} {}", d.code.id(), d.message)
            })
            .collect();
        assert!(
            faults.is_empty(),
            "{}:\n{}",
            path.display(),
            faults.join("\n")
        );
    }
}

#[test]
fn every_shipped_spec_names_its_schema() {
    for (path, text, kind) in shipped_specs() {
        let first = text.lines().next().unwrap();
        let named = first
            .strip_prefix("# yaml-language-server: $schema=")
            .unwrap_or_else(|| panic!("{}: the first line names no schema", path.display()));
        let file = path.parent().unwrap().join(named);
        assert_eq!(
            fs::canonicalize(&file).unwrap(),
            fs::canonicalize(schema_path(kind)).unwrap(),
            "{}",
            path.display()
        );
    }
}

#[test]
fn no_schema_hides_a_fault_behind_alternatives() {
    fn walk(value: &Value, at: &str, keywords: bool) {
        match value {
            Value::Object(map) => {
                if keywords {
                    assert!(
                        !map.contains_key("oneOf") && !map.contains_key("anyOf"),
                        "{at}: oneOf or anyOf"
                    );
                    if map.contains_key("properties") && map.get("type").is_some() {
                        assert_eq!(
                            map.get("additionalProperties"),
                            Some(&Value::Bool(false)),
                            "{at} is open"
                        );
                    }
                }
                for (key, inner) in map {
                    // Below these stand names, not keywords.
                    let names = keywords && matches!(key.as_str(), "properties" | "$defs");
                    walk(inner, &format!("{at}/{key}"), !names);
                }
            }
            Value::Array(items) => {
                for (i, inner) in items.iter().enumerate() {
                    walk(inner, &format!("{at}/{i}"), true);
                }
            }
            _ => {}
        }
    }
    for (kind, ..) in SpecKind::ALL {
        walk(&shape::json_schema(*kind), kind.name(), true);
    }
}

#[test]
fn every_key_of_a_schema_is_described() {
    for (kind, ..) in SpecKind::ALL {
        let schema = shape::json_schema(*kind);
        let mut objects = vec![&schema];
        objects.extend(schema["$defs"].as_object().unwrap().values());
        for object in objects {
            for (name, key) in object["properties"].as_object().unwrap() {
                let doc = key["description"].as_str().unwrap_or("");
                assert!(
                    doc.ends_with('.') && doc.len() > 8,
                    "{} {name}: {key}",
                    kind.name()
                );
            }
        }
    }
}

/// Our tree as JSON, by the rules of YAML 1.2; texts that look like numbers were quoted.
fn ours(node: &Node) -> Value {
    match &node.kind {
        NodeKind::Null => Value::Null,
        NodeKind::Scalar { text, quoted: true } => Value::String(text.clone()),
        NodeKind::Scalar { text, .. } => match shape::literal::plain_kind(text) {
            shape::literal::Plain::Text => Value::String(text.clone()),
            shape::literal::Plain::Bool => Value::Bool(text == "true"),
            _ => serde_json::from_str(text).unwrap(),
        },
        NodeKind::List(items) => Value::Array(items.iter().map(ours).collect()),
        NodeKind::Map(entries) => Value::Object(
            entries
                .iter()
                .map(|e| (e.key.clone(), ours(&e.value)))
                .collect(),
        ),
    }
}

#[test]
fn two_readers_read_the_same() {
    for path in shipped() {
        let text = fs::read_to_string(&path).unwrap();
        let mut files = Files::default();
        let file = files.add(&path, text.clone());
        let mut out = Diagnostics::default();
        let tree = yaml::parse(file, &text, &mut out).expect("a tree");
        assert!(out.is_empty(), "{}", path.display());
        assert_eq!(ours(&tree.root), as_json(&text), "{}", path.display());
    }
}

#[test]
fn operations_are_those_of_the_model() {
    let schema = shape::json_schema(SpecKind::Platform);
    let keys = schema["$defs"]["ops"]["properties"].as_object().unwrap();
    for (name, _) in OpKind::ALL {
        assert!(keys.contains_key(*name), "{name}");
    }
    assert_eq!(keys.len(), OpKind::ALL.len() + 2, "besides `use` and `why`");
}

#[test]
fn every_op_of_a_transform_can_be_written() {
    // The names of `mapping::Op`, kept in one list so that a new op is not forgotten here.
    let names = [
        "trim",
        "lower",
        "upper",
        "squeeze",
        "map",
        "cut",
        "over",
        "pages",
        "round",
        "day_in",
        "at",
        "phone",
        "url",
        "email",
        "parse_json",
        "plain",
        "split",
        "join",
        "unique",
        "first",
        "names",
        "prefix_if_taken",
        "regex",
        "replace",
        "number",
        "date",
        "format",
        "default",
        "prefix",
        "mask",
        "hash",
    ];
    let words: Vec<&str> = shapes::op::WORDS.iter().map(|(w, _)| *w).collect();
    let keys: Vec<&str> = shapes::op::OP.keys.iter().map(|k| k.name).collect();
    for name in names {
        assert!(words.contains(&name) || keys.contains(&name), "{name}");
    }
    for name in words.iter().chain(&keys) {
        assert!(names.contains(name), "{name} is no op");
    }
}

/// A small file of each kind, good as it stands.
const PLATFORM: &str = "\
spec: platform/v1
platform: acme
checked: \"2026-08-20\"
connect:
  http:
    base: https://acme.example/api
objects:
  contact:
    ops:
      list: {get: /contacts, page: {style: number}}
    fields:
      id: {type: id}
      name: {type: text, max: 50, truth: {means_true: [\"1\"], means_false: [\"0\"]}}
";
const MAPPING: &str = "\
spec: mapping/v1
source: acme
destination: other
params: {owner: email}
splits:
  contact:
    - {when: active, to: [contact]}
    - {else: [contact]}
value_maps:
  stage: {rows: {\"a\": \"b\"}, other: hold}
objects:
  contact:
    from: contact
    to: contact
    match: [{email: email}]
    found: update
    absent: create
    join:
      firm: {one: company, by: {id: company_id}}
    fields:
      email: email
      name: {from: name, transform: [trim, {cut: 40}]}
";
const MIGRATION: &str = "\
spec: migration/v1
mapping: acme--other
source: {folder: export}
destination:
  sandbox: {provision: true}
custom_fields:
  contact:
    Gift Idea: {type: text}
";

fn finds(text: &str) -> Vec<&'static str> {
    let mut files = Files::default();
    let file = files.add("x.yaml", text.to_owned());
    let mut out = Diagnostics::default();
    if let Some(tree) = yaml::parse(file, text, &mut out) {
        shape::check(&tree, shapes::of(kind_of(text).unwrap()), &mut out);
    }
    out.sorted().iter().map(|d| d.code.id()).collect()
}

#[test]
fn reader_and_schema_refuse_the_same() {
    for text in [PLATFORM, MAPPING, MIGRATION] {
        assert_eq!(finds(text), [""; 0], "{text}");
        assert!(validator(kind_of(text).unwrap()).is_valid(&as_json(text)));
    }
    // (file, what stands there, what stands there instead, the code)
    for (text, old, new, code) in [
        (PLATFORM, "platform: acme", "platform: Acme", "E0112"),
        (PLATFORM, "checked: \"2026-08-20\"\n", "", "E0105"),
        (PLATFORM, "\"2026-08-20\"", "20.8.2026", "E0112"),
        (PLATFORM, "base:", "bse:", "E0103"),
        (PLATFORM, "type: id", "type: idd", "E0107"),
        (PLATFORM, "max: 50", "max: \"50\"", "E0112"),
        (PLATFORM, "max: 50", "max: -5", "E0112"),
        (PLATFORM, "max: 50", "max: 5.5", "E0112"),
        (PLATFORM, "max: 50", "required: yes", "E0112"),
        (PLATFORM, "max: 50", "values: some", "E0107"),
        (PLATFORM, "style: number", "style: pages", "E0107"),
        (PLATFORM, "[\"1\"]", "[1]", "E0106"),
        (PLATFORM, "[\"1\"]", "[]", "E0106"),
        (
            PLATFORM,
            "  http:\n    base: https://acme.example/api",
            "  {}",
            "E0108",
        ),
        (PLATFORM, "  http:\n", "  files: {}\n  http:\n", "E0108"),
        (
            PLATFORM,
            "      id: {type: id}",
            "      Full Name: {type: text}",
            "E0112",
        ),
        (MAPPING, "source: acme", "source: 5", "E0106"),
        (MAPPING, "owner: email", "owner: mail", "E0107"),
        (MAPPING, "owner: email", "owner: {typ: email}", "E0103"),
        (MAPPING, "found: update", "found: updat", "E0107"),
        (
            MAPPING,
            "absent: create",
            "absent: {falback: {email: x}}",
            "E0103",
        ),
        (MAPPING, "absent: create", "absent: {}", "E0108"),
        (
            MAPPING,
            "match: [{email: email}]",
            "match: {email: email}",
            "E0106",
        ),
        (
            MAPPING,
            "transform: [trim, {cut: 40}]",
            "transform: trim",
            "E0106",
        ),
        (MAPPING, "{cut: 40}", "{cut: 40, trim: 1}", "E0103"),
        (MAPPING, "{cut: 40}", "{cut: 40, split: x}", "E0108"),
        (MAPPING, "{cut: 40}", "{cut: long}", "E0112"),
        (MAPPING, "{cut: 40}", "cut", "E0106"),
        (MAPPING, "{cut: 40}", "{}", "E0108"),
        (MAPPING, "from: name,", "from: name, const: x,", "E0108"),
        (MAPPING, "from: name,", "", "E0108"),
        (
            MAPPING,
            "email: email\n      name",
            "email: 5\n      name",
            "E0106",
        ),
        (
            MAPPING,
            "{one: company,",
            "{one: company, all: company,",
            "E0108",
        ),
        (MAPPING, "by: {id: company_id}", "by: id", "E0106"),
        (MAPPING, "other: hold", "other: {usee: x}", "E0103"),
        (MAPPING, "rows: {\"a\": \"b\"}, ", "", "E0108"),
        (
            MAPPING,
            "rows: {\"a\": \"b\"}",
            "rows: {\"a\": true}",
            "E0106",
        ),
        (
            MAPPING,
            "{when: active, to: [contact]}",
            "{when: active}",
            "E0108",
        ),
        (
            MAPPING,
            "{when: active, to: [contact]}",
            "{to: [contact]}",
            "E0108",
        ),
        (
            MAPPING,
            "{when: active, to: [contact]}",
            "{when: active, to: [contact], drop: x}",
            "E0108",
        ),
        (MAPPING, "    from: contact\n", "", "E0105"),
        (MAPPING, "    from: contact\n", "    from:\n", "E0106"),
        (
            MIGRATION,
            "mapping: acme--other",
            "mapping: ../acme",
            "E0112",
        ),
        (
            MIGRATION,
            "folder: export",
            "folder: export, http: {}",
            "E0108",
        ),
        (MIGRATION, "folder: export", "zone: UTC", "E0108"),
        (MIGRATION, "provision: true", "provision: \"true\"", "E0112"),
        (MIGRATION, "provision: true", "faults: {drop: 1.5}", "E0112"),
        (MIGRATION, "{type: text}", "{}", "E0108"),
        (
            MIGRATION,
            "{type: text}",
            "{type: text, ignore: x}",
            "E0108",
        ),
        (MIGRATION, "{type: text}", "text", "E0106"),
    ] {
        let broken = text.replacen(old, new, 1);
        assert_ne!(broken, text, "{old} is not in the file");
        let found = finds(&broken);
        assert!(
            !found.is_empty() && found.iter().all(|c| *c == code),
            "{new}: {found:?}, expected {code}"
        );
        let kind = kind_of(text).unwrap();
        assert!(
            !validator(kind).is_valid(&as_json(&broken)),
            "the schema takes `{new}`"
        );
    }
}
