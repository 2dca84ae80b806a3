//! Every line of a mapping is there for something: a line is taken out of a copy, and what its row of the requirements
//! promises is gone at the destination. The same fact holds with the shipped mapping.
//!
//! A line that is merely forgotten never gets that far: its source field is then open, and the check refuses.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Mutex, OnceLock},
};
use support::{Example, Sandbox, root};

/// A row, the lines that fulfil it, and the fact that is no more without them.
struct Row {
    id: &'static str,
    example: &'static str,
    tier: &'static str,
    /// Lines of the mapping as they stand there, without indent; each is taken out wherever it stands, a name with
    /// all that stands below it, and from the page row that names it.
    lines: &'static [&'static str],
    /// The source field that nobody reads then: object, field. Taking the lines out without ignoring it is refused.
    open: Option<(&'static str, &'static str)>,
    fact: fn(&Sandbox) -> bool,
}

fn any(records: &[Value], holds: impl Fn(&Value) -> bool) -> bool {
    records.iter().any(holds)
}

const ROWS: &[Row] = &[
    Row {
        id: "UC-08",
        example: "usercom",
        tier: "pro",
        lines: &["segment_member:"],
        open: Some(("segment_member", "")),
        fact: |sandbox| {
            let lists = sandbox.get("/lists")["lists"].clone();
            any(lists.as_array().expect("lists"), |l| {
                let path = format!("/contacts/lists/{}", l["id"]);
                !sandbox.get(&path)["contacts"]
                    .as_array()
                    .expect("rows")
                    .is_empty()
            })
        },
    },
    Row {
        id: "UC-09",
        example: "usercom",
        tier: "pro",
        lines: &["cf_plan: {from: extra.plan, create: {type: text, label: Plan}}"],
        open: None,
        fact: |sandbox| {
            let all = sandbox.view("contacts", "All Contacts");
            any(&all, |c| c["custom_field"]["cf_plan"] == "free")
        },
    },
    Row {
        id: "UC-04",
        example: "usercom",
        tier: "pro",
        lines: &[
            "probability: {from: probability, transform: [{round: half_up}], why: The destination takes whole numbers}",
        ],
        open: Some(("stage", "probability")),
        fact: |sandbox| {
            let stages = sandbox.get("/selector/deal_stages")["deal_stages"].clone();
            any(stages.as_array().expect("stages"), |s| {
                s["name"] == "Audit" && s["probability"] == 34
            })
        },
    },
    Row {
        id: "SD-04",
        example: "smartdesk",
        tier: "growth",
        lines: &["close_date: expected_close_date"],
        open: Some(("deal", "expected_close_date")),
        fact: |sandbox| {
            let all = sandbox.view("deals", "All Deals");
            any(&all, |d| d["expected_close"].is_string())
        },
    },
    Row {
        id: "ACT-06",
        example: "actimo",
        tier: "pro",
        lines: &["tags: {from: tags, transform: [unique, {prefix_if_taken: \"actimo/\"}]}"],
        open: Some(("contact", "tags")),
        fact: |sandbox| {
            let all = sandbox.view("contacts", "All Contacts");
            any(&all, |c| {
                let tags = c["tags"].as_array().expect("tags");
                any(tags, |t| {
                    t.as_str().is_some_and(|t| t.starts_with("actimo/"))
                })
            })
        },
    },
    Row {
        id: "INT-03",
        example: "interactive",
        tier: "pro",
        lines: &["parent: {from: parent, missing: blank}"],
        open: Some(("company", "parent")),
        fact: |sandbox| {
            let all = sandbox.view("sales_accounts", "All Accounts");
            any(&all, |a| a["parent_sales_account_id"].is_i64())
        },
    },
    Row {
        id: "AC-04",
        example: "allclients",
        tier: "growth",
        lines: &["tags: {from: tags, transform: [unique, {over: {max: 40, then: hold}}]}"],
        open: Some(("contact", "tags")),
        fact: |sandbox| {
            let all = sandbox.view("contacts", "All Contacts");
            let tagged = |c: &&Value| !c["tags"].as_array().expect("tags").is_empty();
            // One had its tags before.
            all.iter().filter(tagged).count() > 10
        },
    },
];

fn sandbox(row: &Row) -> Sandbox {
    let seed = root().join(format!("examples/{}/sandbox.yaml", row.example));
    Sandbox::start(
        "freshsales.yaml",
        &[
            "--seed",
            seed.to_str().expect("path"),
            "--tier",
            row.tier,
            "--calls-per-minute",
            "0",
        ],
    )
}

/// The mapping without the lines of a row.
fn without(row: &Row, text: &str) -> String {
    let mut taken = vec![0; row.lines.len()];
    let mut out = String::new();
    let mut below = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        if below.is_some_and(|b| indent > b) {
            continue;
        }
        below = None;
        match row.lines.iter().position(|l| line.trim() == *l) {
            Some(at) => {
                taken[at] += 1;
                below = Some(indent);
            }
            None => {
                out.push_str(line);
                out.push('\n');
            }
        }
    }
    for line in row.lines {
        let (name, rest) = line.split_once(':').expect("a key");
        out = match rest {
            "" => out.replace(&format!(", objects.{name}"), ""),
            // The page row is bound to what is left of the object.
            _ => regex::Regex::new(&format!(r"(objects\.\w+)\.{name}\b"))
                .expect("a pattern")
                .replace_all(&out, "$1")
                .into_owned(),
        };
    }
    assert!(taken.iter().all(|n| *n > 0), "{}: {taken:?}", row.id);
    out
}

/// An example whose mapping lacks the lines of a row; `ignored` says that the field is left out on purpose.
fn lacking(row: &Row, sandbox: &Sandbox, ignored: bool) -> Example {
    let example = Example::against(row.example, sandbox);
    let file = format!("{}--freshsales.yaml", row.example);
    example.own_specs(|name, text| {
        if name != file {
            return text;
        }
        let mut text = without(row, &text);
        if let (Some((object, field)), true) = (row.open, ignored) {
            let entry = match field {
                "" => format!("ignore:\n  {object}: Taken out by a test\n"),
                field => format!("ignore:\n  {object}:\n    {field}: Taken out by a test\n"),
            };
            text = match text.contains(&format!("\nignore:\n  {object}:\n")) {
                true => text.replacen(&format!("ignore:\n  {object}:\n"), &entry, 1),
                false => text.replacen("ignore:\n", &entry, 1),
            };
            assert!(text.contains("Taken out by a test"));
        }
        text
    });
    example
}

/// Whether the fact holds with the shipped mapping; each example is moved once.
fn holds_as_shipped(row: &Row) -> bool {
    static MOVED: OnceLock<Mutex<BTreeMap<&str, Sandbox>>> = OnceLock::new();
    let mut moved = MOVED
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let there = moved.entry(row.example).or_insert_with(|| {
        let sandbox = sandbox(row);
        Example::against(row.example, &sandbox).run();
        sandbox
    });
    (row.fact)(there)
}

fn matters(id: &str) {
    let row = ROWS.iter().find(|r| r.id == id).expect("a row");
    assert!(holds_as_shipped(row), "{id}: not even as shipped");
    let bare = sandbox(row);
    if row.open.is_some() {
        let example = lacking(row, &bare, false);
        let output = example.command().output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains("neither used nor ignored") || said.contains("nothing reads records"),
            "{id}: {said}"
        );
        assert_eq!(bare.admin_get("/calls")["writes"], 0, "{id}");
    }
    let example = lacking(row, &bare, true);
    example.run();
    assert!(!(row.fact)(&bare), "{id}: it holds without its line");
}

macro_rules! rows {
    ($($name:ident $id:literal)*) => {
        $(
            #[test]
            fn $name() {
                matters($id);
            }
        )*
        #[test]
        fn every_row_has_its_test() {
            let tested = [$($id),*];
            assert!(ROWS.iter().all(|r| tested.contains(&r.id)));
        }
    };
}

rows! {
    uc_08_members "UC-08"
    uc_09_json_keys "UC-09"
    uc_04_probabilities "UC-04"
    sd_04_close_dates "SD-04"
    act_06_prefixed_tags "ACT-06"
    int_03_parents "INT-03"
    ac_04_tags "AC-04"
}
