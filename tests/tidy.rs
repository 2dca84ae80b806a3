//! House rules that the compiler does not hold: who may import whom, how long a file may grow, that
//! every file says what it is for, and that no vendor is named in the code.
//!
//! Reads the sources as text: an import made inside a macro escapes it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// One row per top-level module in flow order: the module, and what it may import. A row may name only
/// modules of rows above it.
const LAYERS: &[(&str, &str)] = &[
    ("ident", ""),
    ("clock", ""),
    ("secret", ""),
    ("value", "ident"),
    ("diag", "ident"),
    ("event", "ident value"),
    ("outcome", ""),
    ("platform", "ident value diag"),
    ("pace", "platform"),
    ("connector", "ident clock secret value platform pace"),
    ("spec", "ident value diag"),
    ("mapping", "ident value diag platform pace"),
    ("check", "ident value diag platform pace spec mapping"),
    ("plan", "ident value diag platform pace mapping"),
    ("propose", "ident value platform mapping"),
    ("transform", "ident clock value platform mapping"),
    ("ledger", "ident clock value event"),
    (
        "run",
        "ident clock secret value event outcome platform pace connector mapping plan transform ledger",
    ),
    (
        "report",
        "ident value diag event outcome platform mapping plan propose ledger",
    ),
    ("sandbox", "ident clock value platform"),
    (
        "cli",
        "ident clock secret value diag event outcome platform pace connector spec mapping check plan propose transform ledger run report sandbox",
    ),
];

/// The longest a file may be, unit tests left out.
const MAX_LINES: usize = 500;

/// Names that only platform files and mappings may know.
const VENDORS: &[&str] = &[
    "freshsales",
    "freshworks",
    "usercom",
    "actimo",
    "smartdesk",
    "allclients",
];

struct Source {
    name: String,
    module: String,
    text: String,
    code: String,
}

fn rust_files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("src can be read") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            rust_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    rust_files(&root, &mut paths);
    paths.sort();
    paths
        .into_iter()
        .map(|p| {
            let name = p
                .strip_prefix(&root)
                .expect("below src")
                .to_string_lossy()
                .replace('\\', "/");
            let text = fs::read_to_string(&p).expect("source is text");
            Source {
                module: name
                    .split('/')
                    .next()
                    .expect("a name")
                    .trim_end_matches(".rs")
                    .to_owned(),
                code: shipped(&name, &text),
                name,
                text,
            }
        })
        .collect()
}

/// The part that ships: no unit tests at the end, no comments, and nothing of a file of tests.
fn shipped(name: &str, text: &str) -> String {
    if name.ends_with("/tests.rs") || name.contains("/tests/") {
        return String::new();
    }
    let end = text.find("#[cfg(test)]\nmod ").unwrap_or(text.len());
    text[..end]
        .lines()
        .map(|l| match l.find("//") {
            // A `//` inside a string (an address) is no comment.
            Some(at) if l[..at].matches('"').count() % 2 == 0 => &l[..at],
            _ => l,
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// The modules named after `crate::`, brace groups included.
fn imports(code: &str) -> BTreeSet<String> {
    let word = |s: &str| -> String {
        s.trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if !rest.starts_with('{') {
            found.insert(word(rest));
            continue;
        }
        let (mut depth, mut fresh) = (0usize, true);
        for (i, c) in rest.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => {
                    fresh = true;
                    continue;
                }
                c if c.is_whitespace() => continue,
                _ if fresh && depth == 1 => {
                    found.insert(word(&rest[i..]));
                    fresh = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
}

fn report(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn layers_are_listed_in_flow_order() {
    let mut above = BTreeSet::new();
    for (module, allowed) in LAYERS {
        for used in allowed.split_whitespace() {
            assert!(
                above.contains(used),
                "`{module}` may import `{used}`, which stands on a later row"
            );
        }
        above.insert(*module);
    }
}

#[test]
fn modules_import_only_what_their_row_allows() {
    let table: BTreeMap<_, _> = LAYERS.iter().copied().collect();
    let mut faults = Vec::new();
    for s in sources() {
        let (name, module) = (&s.name, &s.module);
        let Some(allowed) = table.get(module.as_str()) else {
            if !["lib", "main"].contains(&module.as_str()) {
                faults.push(format!("{name}: `{module}` has no row in the table"));
            }
            continue;
        };
        if s.code.contains("super::super") {
            faults.push(format!(
                "{name}: `super::super` hides the import; write `crate::…`"
            ));
        }
        for used in imports(&s.code) {
            if used.starts_with(char::is_uppercase) {
                faults.push(format!(
                    "{name}: `crate::{used}` hides its module; name the module"
                ));
            } else if used != *module
                && table.contains_key(used.as_str())
                && !allowed.split_whitespace().any(|a| a == used)
            {
                faults.push(format!("{name}: `{module}` may not import `{used}`"));
            }
        }
    }
    report(&faults);
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let mut faults = Vec::new();
    for s in sources() {
        let lines = s.code.lines().count();
        if lines > MAX_LINES {
            faults.push(format!("{}: {lines} lines, at most {MAX_LINES}", s.name));
        }
        if !s.text.starts_with("//!") {
            faults.push(format!("{}: does not open with `//!`", s.name));
        }
    }
    report(&faults);
}

#[test]
fn only_some_modules_are_async() {
    let may = ["connector", "run", "sandbox", "cli", "ledger", "main"];
    let mut faults = Vec::new();
    for s in sources() {
        let is_async = ["async fn", ".await", "tokio::"]
            .iter()
            .any(|w| s.code.contains(w));
        if is_async && !may.contains(&s.module.as_str()) {
            faults.push(format!("{}: `{}` is synchronous", s.name, s.module));
        }
    }
    report(&faults);
}

#[test]
fn pure_modules_do_no_input_or_output() {
    let banned = [
        "std::fs",
        "std::net",
        "std::env",
        "std::process",
        "reqwest",
        "rusqlite",
    ];
    let mut faults = Vec::new();
    for s in sources() {
        if !["check", "plan", "transform", "report"].contains(&s.module.as_str()) {
            continue;
        }
        for word in banned.iter().filter(|w| s.code.contains(**w)) {
            faults.push(format!(
                "{}: `{}` is pure, yet it names `{word}`",
                s.name, s.module
            ));
        }
    }
    report(&faults);
}

#[test]
fn no_vendor_is_named_in_the_code() {
    let mut faults = Vec::new();
    for s in sources() {
        let code = s.code.to_lowercase();
        for vendor in VENDORS.iter().filter(|v| code.contains(**v)) {
            faults.push(format!(
                "{}: names `{vendor}`; vendors live in specs/",
                s.name
            ));
        }
    }
    report(&faults);
}

#[test]
fn a_reconciliation_reads_no_ledger() {
    let mut faults = Vec::new();
    let mut files = 0;
    for s in sources() {
        if !s.name.starts_with("run/reconcile/") {
            continue;
        }
        files += 1;
        if s.code.to_lowercase().contains("ledger") {
            faults.push(format!(
                "{}: proves a run without its own account of itself, yet it names the ledger",
                s.name
            ));
        }
        // What the rest of the runner knows comes from the ledger: only these parts of it do not.
        for line in s.code.lines().filter(|l| l.contains("crate::run")) {
            for part in ["known", "loader", "send", "execute", "second", "resolver"] {
                if line.contains(&format!("run::{part}")) {
                    faults.push(format!("{}: uses `run::{part}`", s.name));
                }
            }
        }
    }
    assert!(files > 0);
    report(&faults);
}
