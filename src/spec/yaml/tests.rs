//! The reader of YAML: what it refuses, and where it says so.

use super::*;
use crate::diag::Files;
use std::time::{Duration, Instant};

fn read(text: &str) -> (Files, Option<Tree>, Vec<String>) {
    let mut files = Files::default();
    let file = files.add("x.yaml", text.to_owned());
    let mut out = Diagnostics::default();
    let tree = parse(file, text, &mut out);
    let found = out
        .sorted()
        .iter()
        .map(|d| {
            let (line, column) = files.line_column(file, d.primary.span.start);
            format!("{line}:{column} {}", d.code.id())
        })
        .collect();
    (files, tree, found)
}

fn slice(text: &str, span: Span) -> &str {
    &text[span.start as usize..span.end as usize]
}

#[test]
fn places_are_exact() {
    let text = "\u{feff}a: 'b c'\nd:\n  - ü\n  - |\n    x\n    y\n\ne: {f: \"\\u00e4\", g: }\n";
    let (_, tree, found) = read(text);
    assert!(found.is_empty(), "{found:?}");
    let root = tree.unwrap().root;
    let places: Vec<&str> = root
        .entries()
        .iter()
        .map(|e| slice(text, e.value.span))
        .collect();
    assert_eq!(places[0], "'b c'");
    assert_eq!(places[1], "- ü\n  - |\n    x\n    y");
    assert_eq!(places[2], "{f: \"\\u00e4\", g: }");
    let items = root.get_items("d");
    assert_eq!(slice(text, items[0].span), "ü");
    assert_eq!(items[1].text(), Some("x\ny\n"));
    let e = root.get("e").unwrap();
    assert_eq!(e.get_text("f"), Some("ä"));
    assert!(e.entry("g").unwrap().value.is_null());
    assert_eq!(slice(text, e.entry("g").unwrap().key_span), "g");
}

#[test]
fn nulls_are_plain_only() {
    let (_, tree, _) = read("[null, ~, '', \"null\", Null, 'x', ]");
    let kinds: Vec<bool> = tree
        .unwrap()
        .root
        .items()
        .iter()
        .map(Node::is_null)
        .collect();
    assert_eq!(kinds, [true, true, false, false, true, false]);
}

#[test]
fn every_fault_has_its_place() {
    for (text, expected) in [
        ("a: 1\nb: 2\na: 3\na: 4\n", &["3:1 E0104", "4:1 E0104"][..]),
        (
            "a: &x 1\nb: *x\n<<: {z: 1}\nd: !!str 5\n",
            &["1:4 E0109", "2:4 E0109", "3:1 E0109", "4:4 E0109"],
        ),
        ("%YAML 1.2\n---\na: b", &["1:1 E0109"]),
        ("? [a]\n: b", &["1:3 E0109"]),
        ("a: {{ x }}", &["1:5 E0109"]),
        ("yes: 1\nNo: 2\n'off': 3\n", &["1:1 E0109", "2:1 E0109"]),
        ("a: b\n---\nc: d", &["2:1 E0102"]),
        ("a:\n\tc: d", &["2:1 E0102"]),
        ("a: [1, 2\nb: c", &["2:2 E0102"]),
        ("a: 'x", &["1:4 E0102"]),
        ("a: b: c", &["1:5 E0102"]),
        ("a: x\u{7}", &["1:5 E0102"]),
        ("ä: 1\nü: 'x", &["2:4 E0102"]),
        (": 4", &["1:1 E0102"]),
    ] {
        assert_eq!(read(text).2, expected, "{text:?}");
    }
}

#[test]
fn bombs_are_refused_at_once() {
    let deep_flow = "[".repeat(100_000);
    let deep_block = (0..200)
        .map(|i| format!("{}a:\n", " ".repeat(i)))
        .collect::<String>();
    let dashes = "- ".repeat(50_000);
    let mut laughs = String::from("a0: &a0 [x, x]\n");
    for i in 1..40 {
        laughs.push_str(&format!("a{i}: &a{i} [*a{0}, *a{0}]\n", i - 1));
    }
    let many = "- x\n".repeat(MAX_NODES + 1);
    let pairs = "a: 1\n".repeat(90_000);
    let huge = "x".repeat(MAX_BYTES + 1);
    for (name, text, code) in [
        ("deep flow", deep_flow, "E0110"),
        ("deep block", deep_block, "E0110"),
        ("dashes", dashes, "E0110"),
        ("laughs", laughs, "E0109"),
        ("many", many, "E0110"),
        ("pairs", pairs, "E0104"),
        ("huge", huge, "E0110"),
    ] {
        let start = Instant::now();
        let (_, _, found) = read(&text);
        // The promise is 100 ms; a busy machine and a debug build get room.
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{name}: {:?}",
            start.elapsed()
        );
        assert!(found.iter().any(|f| f.ends_with(code)), "{name}: {found:?}");
        assert!(found.len() <= 2 * MAX_FINDINGS, "{name}: {}", found.len());
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in r"(\PC|[ \t\n:\-\[\]{}#&*!|>'%@,?0-9a-c]){0,200}") {
        let (_, tree, _) = read(&text);
        if let Some(tree) = tree {
            walk(&text, &tree.root);
        }
    }
}

/// Each place lies in the text, on character boundaries; a plain text of one line stands there as it is.
fn walk(text: &str, node: &Node) {
    let at = text.get(node.span.start as usize..node.span.end as usize);
    assert!(at.is_some(), "{text:?} {:?}", node.span);
    if let NodeKind::Scalar { text: said, quoted } = &node.kind {
        let at = at.unwrap();
        if !quoted && !at.contains('\n') {
            assert_eq!(at, said, "{text:?}");
        }
        if *quoted && !at.contains(['\\', '\n', '\'']) && at.starts_with('"') {
            assert_eq!(&at[1..at.len() - 1], said, "{text:?}");
        }
    }
    for e in node.entries() {
        assert!(
            text.get(e.key_span.start as usize..e.key_span.end as usize)
                .is_some()
        );
        walk(text, &e.value);
    }
    for item in node.items() {
        walk(text, item);
    }
}
