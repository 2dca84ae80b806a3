//! Holds as a sheet: out with reason and proposed fix, back with decisions, and only what they touch runs again.

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
    path::PathBuf,
    process::{Output, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};
use support::{
    Example, Sandbox, failed_with,
    loaded::Loaded,
    recorder::{Recorder, Written},
    report_of,
    sheet::{self, Decision, Row, write},
    step, transload,
};

/// The example with the most kinds of holds, loaded.
fn loaded() -> &'static Loaded {
    static LOADED: OnceLock<Loaded> = OnceLock::new();
    LOADED.get_or_init(|| Loaded::run("smartdesk", "growth"))
}

/// One migration with its account, and what stands before it.
struct Desk {
    sandbox: Sandbox,
    recorder: Recorder,
    example: Example,
}

impl Desk {
    fn new() -> Desk {
        let (sandbox, example) = loaded().copy();
        let recorder = Recorder::before(&sandbox);
        example.edit(|text| text.replace(&sandbox.base, &recorder.base));
        Desk {
            sandbox,
            recorder,
            example,
        }
    }

    fn sheet(&self) -> PathBuf {
        sheet::path(&self.example)
    }

    fn holds(&self, action: &str, args: &[&str]) -> Output {
        sheet::holds(&self.example, action, args)
    }

    fn export(&self) -> Vec<Row> {
        sheet::export(&self.example)
    }

    fn decide(&self, decisions: &[Decision<'_>]) {
        sheet::decide(&self.example, decisions);
    }

    fn import(&self) -> String {
        sheet::import(&self.example)
    }

    fn retry_with(&self, more: &[&str]) -> Output {
        sheet::retry(&self.example, more)
    }

    /// Tries again; gives the report and the writing calls.
    fn retry(&self, more: &[&str]) -> (Value, usize) {
        self.recorder.take();
        let report = report_of(&self.retry_with(more));
        for step in report["steps"].as_array().expect("steps") {
            assert_eq!(step["balanced"], true, "{step}");
        }
        let calls = self.recorder.take();
        (report, records(&calls))
    }

    fn contact(&self, email: &str) -> Option<Value> {
        let mut all = self.sandbox.view("contacts", "All Contacts").into_iter();
        all.find(|c| c["email"] == email)
    }

    fn held(&self, step: &str, key: &str) -> Option<String> {
        let mut all = self.example.holds().into_iter();
        all.find(|h| h.0 == step && h.1 == key).map(|h| h.2)
    }

    /// What `holds list` says was decided about a held record.
    fn decided(&self, key: &str) -> String {
        let output = self.holds("list", &["--format", "json"]);
        let rows: Vec<Value> = serde_json::from_slice(&output.stdout).expect("rows");
        let row = rows.iter().find(|r| r["key"] == key).expect("a row");
        let words = row["decided"].as_array().expect("words").iter();
        let words: Vec<&str> = words.filter_map(Value::as_str).collect();
        words.join(", ")
    }

    fn journal(&self) -> Vec<Value> {
        let output = transload()
            .args(["audit", "export"])
            .arg(self.example.migration())
            .args(["--format", "json"])
            .output()
            .expect("it runs");
        let all: Value = serde_json::from_slice(&output.stdout).expect("json");
        all["operations"].as_array().expect("operations").clone()
    }
}

/// How many records were written: a bulk call writes several.
fn records(calls: &[Written]) -> usize {
    let of = |call: &Written| {
        let body = call.body.as_object();
        let list = body.and_then(|b| b.values().find_map(Value::as_array));
        list.map_or(1, Vec::len)
    };
    calls.iter().map(of).sum()
}

fn sum(report: &Value, count: &str) -> usize {
    let steps = report["steps"].as_array().expect("steps").iter();
    steps
        .map(|s| usize::try_from(s[count].as_u64().expect("a number")).expect("small"))
        .sum()
}

#[test]
fn decisions_come_back_and_only_what_they_touch_runs() {
    let desk = Desk::new();
    desk.decide(&[
        ("contact", "C3013", "lifecycle", "map", "Customer", ""),
        (
            "contact",
            "C3012",
            "email",
            "set",
            "fixed.12@desk-clients.example",
            "asked by phone",
        ),
        (
            "contact",
            "C3011",
            "email",
            "drop",
            "",
            "never had an address",
        ),
        (
            "contact",
            "C3014",
            "owner",
            "set",
            "noor.haddad@desk.example",
            "",
        ),
        ("contact", "C3014", "city", "blank", "", ""),
        ("deal", "D708", "", "drop", "", ""),
    ]);
    let told = desk.import();
    assert!(
        told.contains("1 row of a value map, 5 decisions about records"),
        "{told}"
    );
    assert!(told.contains(": regular guest -> Customer"), "{told}");
    assert!(told.contains("approval"), "{told}");
    // The row of the value map decides further records, besides the four that are named.
    let decided: usize = told
        .lines()
        .find_map(|l| l.strip_suffix(" of 116 held records have a decision"))
        .and_then(|n| n.parse().ok())
        .expect("a number");
    assert!(decided > 5, "{told}");
    assert_eq!(desk.decided("C3093"), "map lifecycle");
    assert_eq!(desk.decided("C3012"), "set email");
    let show = desk.holds("show", &["contact", "C3093"]);
    let show = String::from_utf8_lossy(&show.stdout).into_owned();
    assert!(
        show.contains("regular guest -> Customer, for every record with the value, by Kim Ortega"),
        "{show}"
    );
    // Nothing has run; a second time nothing is new.
    assert_eq!(desk.recorder.take(), []);
    let again = desk.import();
    assert!(
        again.contains("nothing new is decided") && again.contains("6 were decided before"),
        "{again}"
    );
    let dry = desk.holds("retry", &["--dry-run", "--step", "contact"]);
    let dry = String::from_utf8_lossy(&dry.stdout).into_owned();
    assert!(
        dry.contains("set email")
            && dry.contains("map lifecycle")
            && dry.contains("would be gone over"),
        "{dry}"
    );
    let mapped = dry.matches("map lifecycle").count();
    let ending = dry.lines().find(|l| l.starts_with("not_mapped "));
    let ending = ending.expect("a count for the code");
    assert!(
        ending.ends_with(&format!(", {mapped} with a decision")),
        "{dry}"
    );
    assert_eq!(desk.recorder.take(), []);

    let output = desk.retry_with(&[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains(&format!(
            "goes over 116 of 116 held records, {decided} of them with a decision"
        )),
        "{said}"
    );
    let report = report_of(&output);
    let calls = desk.recorder.take();
    let preview = report["preview"].as_array().expect("a preview");
    let new: u64 = preview.iter().filter_map(|p| p["new"].as_u64()).sum();
    assert!(new > 5, "{preview:?}");
    assert_eq!(records(&calls), sum(&report, "created"));
    assert_eq!(sum(&report, "created") as u64, new);
    assert_eq!(sum(&report, "updated"), 0);
    assert_eq!(step(&report, "contact")["dropped"], 1, "{report}");
    assert_eq!(step(&report, "deal")["dropped"], 1);

    // What the destination holds now.
    let stages = desk.sandbox.get("/selector/lifecycle_stages");
    let customer = stages["lifecycle_stages"]
        .as_array()
        .expect("stages")
        .iter()
        .find(|s| s["name"] == "Customer")
        .expect("a stage")["id"]
        .clone();
    for email in [
        "morgan.13@desk-clients.example",
        "devon.93@desk-clients.example",
    ] {
        let contact = desk.contact(email).expect("mapped");
        assert_eq!(contact["lifecycle_stage_id"], customer, "{email}");
    }
    assert!(desk.contact("fixed.12@desk-clients.example").is_some());
    let owned = desk
        .contact("bailey.14@desk-clients.example")
        .expect("owned");
    let users = desk.sandbox.get("/selector/owners");
    let noor = users["users"]
        .as_array()
        .expect("users")
        .iter()
        .find(|u| u["email"] == "noor.haddad@desk.example")
        .expect("a user");
    assert_eq!(owned["owner_id"], noor["id"]);
    assert_eq!(owned["city"], Value::Null);
    for (step, key) in [
        ("contact", "C3011"),
        ("contact", "C3012"),
        ("contact", "C3013"),
        ("deal", "D708"),
    ] {
        assert_eq!(desk.held(step, key), None, "{step} {key}");
    }

    // Nothing is left: neither for a retry nor for a run.
    let (_, calls) = desk.retry(&[]);
    assert_eq!(calls, 0);
    assert_eq!(desk.example.run()["calls_write"], 0);

    // The audit shows who decided, and the trace of the record too.
    let decided: Vec<Value> = desk
        .journal()
        .into_iter()
        .filter(|e| e["outcome"] == "decided" && e["source_id"] == "overrides")
        .collect();
    assert_eq!(decided.len(), 1, "{decided:?}");
    let reason = decided[0]["reason"].as_str().expect("a reason");
    assert!(
        reason.contains("Kim Ortega") && reason.contains("set contact C3012 email"),
        "{reason}"
    );
    assert!(
        !reason.contains("fixed.12"),
        "values stay in the file: {reason}"
    );
    let trace = transload()
        .arg("trace")
        .arg(desk.example.migration())
        .args(["contact/C3012", "--provision"])
        .output()
        .expect("it runs");
    let trace = String::from_utf8_lossy(&trace.stdout).into_owned();
    assert!(
        trace.contains("decided: set email \"fixed.12@desk-clients.example\", by Kim Ortega")
            && trace.contains("asked by phone"),
        "{trace}"
    );
    // The file of decisions is part of what is verified.
    let verify = || {
        let mut command = transload();
        command
            .args(["audit", "verify"])
            .arg(desk.example.migration());
        let output = command.output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), said)
    };
    let (code, said) = verify();
    assert_eq!(code, Some(0));
    assert!(said.contains("is what was decided last"), "{said}");
    let file = desk.example.folder.path().join(".transload/overrides.json");
    let text = fs::read_to_string(&file).expect("the file");
    fs::write(&file, text.replace("asked by phone", "asked")).expect("the file");
    let (code, said) = verify();
    assert_eq!(code, Some(1));
    assert!(
        said.contains("chain unbroken") && said.contains("changed it by hand"),
        "{said}"
    );
    fs::remove_file(&file).expect("the file");
    let (code, said) = verify();
    assert_eq!(code, Some(1));
    assert!(said.contains("is missing"), "{said}");
}

#[test]
fn a_sheet_goes_out_and_comes_back_as_json() {
    let desk = Desk::new();
    let file = desk.example.folder.path().join("holds.json");
    let import = || desk.holds("import", &["holds.json", "--by", "Kim Ortega"]);
    let output = desk.holds("export", &["--out", "holds.json"]);
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8_lossy(&import().stdout).into_owned();
    assert!(told.starts_with("nothing new is decided"), "{told}");
    let text = fs::read_to_string(&file).expect("a sheet");
    let mut rows: Vec<Value> = serde_json::from_str(&text).expect("rows");
    let columns: Vec<String> = rows[0]
        .as_object()
        .expect("a row")
        .keys()
        .cloned()
        .collect();
    let csv = desk.holds("export", &[]);
    let csv = String::from_utf8_lossy(&csv.stdout).into_owned();
    assert_eq!(
        csv.lines().next(),
        Some(format!("\u{feff}{}", columns.join(",")).as_str())
    );
    let at = rows.iter().position(|r| r["key"] == "C3013").expect("it");
    rows[at]["decision"] = "map".into();
    rows[at]["new_value"] = "Custmer".into();
    rows[at]["value"] = "changed".into();
    let write = |rows: &[Value]| {
        let text = serde_json::to_string_pretty(rows).expect("text");
        fs::write(&file, &text).expect("a sheet");
        text
    };
    let text = write(&rows);
    failed_with(&import(), 2);
    let said = String::from_utf8_lossy(&import().stderr).into_owned();
    let before = text
        .split("\"key\": \"C3013\"")
        .next()
        .expect("a beginning");
    // The row begins two lines above its key.
    let line = before.lines().count() - 2;
    assert!(
        said.contains(&format!("holds.json:{line}, value: the value was changed")),
        "{said}"
    );
    rows[at]["value"] = "regular guest".into();
    rows[at]["new_value"] = "Customer".into();
    write(&rows);
    let told = String::from_utf8_lossy(&import().stdout).into_owned();
    assert!(told.starts_with("1 row of a value map"), "{told}");
    // What is no sheet is told shortly, and its content is not shown.
    fs::write(&file, serde_json::json!({"rows": rows}).to_string()).expect("a file");
    let told = failed_with(&import(), 2);
    assert!(
        told.contains("holds.json:1: the sheet is no list of rows") && told.len() < 200,
        "{told}"
    );
    let csv = desk.example.folder.path().join("holds.csv");
    fs::write(&csv, "person ".repeat(100)).expect("a file");
    let output = desk.holds("import", &["holds.csv", "--by", "Kim Ortega"]);
    let told = failed_with(&output, 2);
    assert!(told.matches("person").count() < 10, "{told}");
}

#[test]
fn a_filter_takes_along_what_waits() {
    let desk = Desk::new();
    desk.decide(&[(
        "contact",
        "C3012",
        "email",
        "set",
        "fixed.12@desk-clients.example",
        "",
    )]);
    desk.import();
    let (report, calls) = desk.retry(&["--step", "contact", "--key", "C3012"]);
    assert_eq!(step(&report, "contact")["created"], 1);
    assert_eq!(step(&report, "contact")["read"], 1);
    let behind = sum(&report, "created") - 1;
    assert!(behind > 0, "{report}");
    assert_eq!(calls, sum(&report, "created") + sum(&report, "updated"));
    let none = desk.retry_with(&["--key", "nobody"]);
    assert!(failed_with(&none, 3).contains("no hold is meant"));
}

#[test]
fn a_refused_record_is_tried_again_once_for_each_decision() {
    let desk = Desk::new();
    let choice = (
        "contact",
        "C3014",
        "cf_preferred_channel",
        "set",
        "Carrier pigeon",
        "",
    );
    desk.decide(&[
        (
            "contact",
            "C3014",
            "owner",
            "set",
            "noor.haddad@desk.example",
            "",
        ),
        choice,
    ]);
    desk.import();
    let only = ["--step", "contact", "--key", "C3014"];
    let (report, calls) = desk.retry(&only);
    assert_eq!(step(&report, "contact")["failed"], 1, "{report}");
    // Together with others, then alone for the reason.
    assert!(calls > 0);
    let code = desk.held("contact", "C3014").expect("refused");
    assert!(code.starts_with("refused"), "{code}");
    // The same content is not sent again by itself.
    assert_eq!(desk.retry(&only).1, 0);
    assert_eq!(desk.example.run()["calls_write"], 0);
    desk.decide(&[("contact", "C3014", "", "again", "", "")]);
    let told = desk.import();
    assert!(told.contains("1 to be tried again"), "{told}");
    assert!(desk.import().contains("nothing new is decided"));
    assert_eq!(desk.retry(&only).1, calls);
    assert_eq!(desk.retry(&only).1, 0);
    // A later decision about the same cell takes the place of the earlier one.
    desk.decide(&[(
        "contact",
        "C3014",
        "cf_preferred_channel",
        "set",
        "E-mail",
        "",
    )]);
    desk.import();
    let (report, calls) = desk.retry(&only);
    assert_eq!(step(&report, "contact")["created"], 1, "{report}");
    assert!(calls >= 1);
    assert_eq!(desk.held("contact", "C3014"), None);
}

#[test]
fn a_sheet_without_decisions_changes_nothing() {
    let desk = Desk::new();
    let rows = desk.export();
    assert!(rows.len() >= 116, "{}", rows.len());
    let exported = fs::read_to_string(desk.sheet()).expect("a sheet");
    let before = desk.journal();
    let semicolons = {
        let mut writer = csv::WriterBuilder::new()
            .delimiter(b';')
            .from_writer(Vec::new());
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(exported.as_bytes());
        for record in reader.records() {
            writer.write_record(&record.expect("a row")).expect("a row");
        }
        String::from_utf8(writer.into_inner().expect("bytes")).expect("text")
    };
    let few: Vec<Row> = rows.iter().step_by(7).rev().cloned().collect();
    for (name, text) in [
        ("as it was", exported.clone()),
        (
            "without the mark",
            exported.trim_start_matches('\u{feff}').to_owned(),
        ),
        (
            "with line ends of another system",
            exported.replace('\n', "\r\n"),
        ),
        ("with semicolons", semicolons),
    ] {
        fs::write(desk.sheet(), text).expect("a sheet");
        let told = desk.import();
        assert!(told.starts_with("nothing new is decided"), "{name}: {told}");
    }
    write(&desk.sheet(), &few);
    assert!(desk.import().starts_with("nothing new is decided"));
    assert!(
        !desk
            .example
            .folder
            .path()
            .join(".transload/overrides.json")
            .exists()
    );
    assert_eq!(desk.journal(), before);
    // And a try without a decision writes nothing.
    assert_eq!(desk.retry(&[]).1, 0);
}

#[test]
fn what_looks_like_a_formula_comes_back_as_it_was() {
    let desk = Desk::new();
    let value = "=HYPERLINK(\"x\")";
    desk.example.edit_export("contacts.csv", |bytes| {
        let text = String::from_utf8(bytes).expect("text");
        text.replace("regular guest", "\"=HYPERLINK(\"\"x\"\")\"")
            .into_bytes()
    });
    desk.example.run();
    let rows = desk.export();
    let row = rows.iter().find(|r| r["key"] == "C3013").expect("a row");
    assert_eq!(row["value"], format!("'{value}"));
    desk.decide(&[("contact", "C3013", "lifecycle", "map", "Customer", "=1+1")]);
    desk.import();
    let file = fs::read(desk.example.folder.path().join(".transload/overrides.json")).expect("it");
    let decided: Value = serde_json::from_slice(&file).expect("json");
    assert_eq!(decided["values"][0]["from"], value, "{decided}");
    desk.retry(&[]);
    assert_eq!(desk.held("contact", "C3013"), None);
    assert!(desk.contact("morgan.13@desk-clients.example").is_some());
}

#[test]
fn killed_between_decisions_and_their_end_nothing_is_lost_and_nothing_is_twice() {
    let desk = Desk::new();
    desk.decide(&[
        ("contact", "C3013", "lifecycle", "map", "Customer", ""),
        (
            "contact",
            "C3012",
            "email",
            "set",
            "fixed.12@desk-clients.example",
            "",
        ),
        (
            "contact",
            "C3014",
            "owner",
            "set",
            "noor.haddad@desk.example",
            "",
        ),
    ]);
    desk.import();
    let before = support::counts(&desk.sandbox);
    for calls in [1, 3] {
        desk.recorder.take();
        let mut child = transload()
            .args([
                "holds",
                "retry",
                "migration.yaml",
                "--auto-approve",
                "--provision",
            ])
            .current_dir(desk.example.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let until = Instant::now() + Duration::from_secs(60);
        let mut seen = 0;
        while seen < calls && Instant::now() < until && child.try_wait().expect("a child").is_none()
        {
            seen += desk.recorder.take().len();
            thread::sleep(Duration::from_millis(2));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
    desk.retry(&[]);
    let after = support::counts(&desk.sandbox);
    assert_eq!(desk.retry(&[]).1, 0);
    assert_eq!(desk.example.run()["calls_write"], 0);
    // Undisturbed, the same decisions lead to the same.
    let other = Desk::new();
    assert_eq!(support::counts(&other.sandbox), before);
    fs::copy(
        desk.example.folder.path().join(".transload/overrides.json"),
        other
            .example
            .folder
            .path()
            .join(".transload/overrides.json"),
    )
    .expect("a copy");
    other.retry(&[]);
    assert_eq!(support::counts(&other.sandbox), after);
    assert_eq!(other.example.holds(), desk.example.holds());
}

/// A sheet that is damaged in one way, and what is said about it.
type Damage = (&'static str, fn(&mut Vec<Row>));

fn row<'r>(rows: &'r mut [Row], key: &str) -> &'r mut Row {
    rows.iter_mut().find(|r| r["key"] == key).expect("a row")
}

fn put(rows: &mut [Row], key: &str, cells: &[(&str, &str)]) {
    let row = row(rows, key);
    for (column, text) in cells {
        row.insert((*column).to_owned(), (*text).to_owned());
    }
}

const DAMAGES: &[Damage] = &[
    ("an unknown decision", |r| {
        put(
            r,
            "C3013",
            &[("decision", "mapp"), ("new_value", "Customer")],
        )
    }),
    ("no decision", |r| {
        put(r, "C3013", &[("new_value", "Customer")])
    }),
    ("no value", |r| {
        put(r, "C3013", &[("decision", "map")]);
        put(r, "C3012", &[("decision", "set")]);
    }),
    ("a needless value", |r| {
        put(r, "C3011", &[("decision", "drop"), ("new_value", "x")])
    }),
    ("no choice", |r| {
        let mut own = row(r, "T11").clone();
        for (column, text) in [
            ("id", ""),
            ("field", "done"),
            ("decision", "set"),
            ("new_value", "maybe"),
        ] {
            own.insert(column.into(), text.into());
        }
        r.push(own);
    }),
    ("no e-mail address", |r| {
        put(r, "C3012", &[("decision", "set"), ("new_value", "nobody")])
    }),
    ("too long", |r| {
        let mut own = row(r, "C3012").clone();
        let long = "x".repeat(300);
        for (column, text) in [
            ("id", ""),
            ("field", "city"),
            ("decision", "set"),
            ("new_value", &*long),
        ] {
            own.insert(column.into(), text.into());
        }
        r.push(own);
    }),
    ("no value map", |r| {
        put(
            r,
            "C3012",
            &[("decision", "map"), ("new_value", "a@desk.example")],
        )
    }),
    ("a required field", |r| {
        put(r, "C3011", &[("decision", "blank")])
    }),
    ("no field", |r| {
        put(r, "D708", &[("decision", "set"), ("new_value", "x")])
    }),
    ("no conflict", |r| put(r, "C3012", &[("decision", "keep")])),
    ("nothing refused", |r| {
        put(r, "C3012", &[("decision", "again")])
    }),
    ("an unknown step", |r| {
        put(r, "C3012", &[("step", "contac"), ("decision", "drop")])
    }),
    ("another key", |r| {
        put(r, "C3012", &[("key", "C3013"), ("decision", "drop")])
    }),
    ("another field", |r| {
        put(r, "C3012", &[("field", "city"), ("decision", "blank")])
    }),
    ("a changed value", |r| {
        put(
            r,
            "C3013",
            &[
                ("value", "regular"),
                ("decision", "map"),
                ("new_value", "Customer"),
            ],
        )
    }),
    ("a changed value, and no value map", |r| {
        put(
            r,
            "C3012",
            &[("value", "somebody@desk.example"), ("decision", "drop")],
        )
    }),
    ("an unknown record", |r| {
        put(
            r,
            "C3012",
            &[("id", ""), ("key", "C3O12"), ("decision", "drop")],
        )
    }),
    ("an unknown field", |r| {
        put(
            r,
            "C3012",
            &[("id", ""), ("field", "citty"), ("decision", "blank")],
        )
    }),
    ("another migration", |r| {
        put(
            r,
            "C3012",
            &[("id", "h00000000-0123456789ab"), ("decision", "drop")],
        )
    }),
    ("two decisions", |r| {
        put(
            r,
            "C3012",
            &[("decision", "set"), ("new_value", "a@desk.example")],
        );
        let mut other = row(r, "C3012").clone();
        other.insert("decision".into(), "drop".into());
        other.insert("new_value".into(), String::new());
        r.push(other);
    }),
    ("two rows of a value map", |r| {
        put(
            r,
            "C3013",
            &[("decision", "map"), ("new_value", "Customer")],
        );
        put(r, "C3093", &[("decision", "map"), ("new_value", "Lead")]);
    }),
    ("a column less", |r| {
        for row in r.iter_mut() {
            row.remove("decision");
            row.insert("decison".to_owned(), String::new());
        }
    }),
];

#[test]
fn damaged_sheets_are_told_with_row_column_cause_and_hint() {
    let desk = Desk::new();
    let rows = desk.export();
    let before = desk.journal();
    let mut told = String::new();
    for (name, damage) in DAMAGES {
        let mut damaged = rows.clone();
        // As few rows as possible: the lines stay where they are when the example grows.
        damaged
            .retain(|r| ["C3011", "C3012", "C3013", "C3093", "D708", "T11"].contains(&&*r["key"]));
        damage(&mut damaged);
        write(&desk.sheet(), &damaged);
        let output = desk.holds("import", &["holds.csv", "--by", "Kim Ortega"]);
        assert_eq!(output.stdout, b"", "{name}");
        failed_with(&output, 2);
        told.push_str(&format!(
            "== {name}\n{}\n",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    fs::write(desk.sheet(), b"step,key\nK\xf6ln,1\n").expect("a sheet");
    let output = desk.holds("import", &["holds.csv", "--by", "Kim Ortega"]);
    told.push_str(&format!("== bytes\n{}", failed_with(&output, 2)));
    insta::assert_snapshot!("damaged_sheets", told);
    // Nothing of it was noted down.
    assert_eq!(desk.journal(), before);
    assert!(
        !desk
            .example
            .folder
            .path()
            .join(".transload/overrides.json")
            .exists()
    );
}

#[test]
fn a_workbook_goes_out_and_comes_back() {
    let desk = Desk::new();
    let output = desk.holds("export", &["--out", "holds.xlsx"]);
    assert!(output.status.success(), "{output:?}");
    let import = |file: &str| desk.holds("import", &[file, "--by", "Kim Ortega"]);
    let told = import("holds.xlsx");
    assert!(String::from_utf8_lossy(&told.stdout).starts_with("nothing new is decided"));
    // Filled in by another program, which keeps numbers as numbers.
    let rows = desk.export();
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    let header: Vec<&String> = rows[0].keys().collect();
    for (column, name) in (0u16..).zip(&header) {
        sheet
            .write_string(0, column, name.as_str())
            .expect("a cell");
    }
    for (line, row) in (1u32..).zip(&rows) {
        for (column, name) in (0u16..).zip(&header) {
            let cell = match (row["key"].as_str(), name.as_str()) {
                ("C3013", "decision") => "map",
                ("C3013", "new_value") => "Custmer",
                ("C3012", "decision") => "drip",
                _ => row[*name].as_str(),
            };
            match cell.parse::<f64>() {
                Ok(n) => sheet.write_number(line, column, n).expect("a cell"),
                Err(_) => sheet.write_string(line, column, cell).expect("a cell"),
            };
        }
    }
    book.save(desk.example.folder.path().join("filled.xlsx"))
        .expect("a workbook");
    let told = failed_with(&import("filled.xlsx"), 2);
    assert!(told.contains("1 fault in filled.xlsx"), "{told}");
    let said = import("filled.xlsx").stderr;
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(said.contains("did you mean `Customer`?"), "{said}");
    let at = rows.iter().position(|r| r["key"] == "C3012").expect("it");
    let place = format!("fault: filled.xlsx:{}, column", at + 2);
    assert!(said.contains(&place), "{place}: {said}");
}

#[test]
fn a_sheet_of_before_says_what_is_no_longer_held() {
    let desk = Desk::new();
    desk.decide(&[(
        "contact",
        "C3012",
        "email",
        "set",
        "fixed.12@desk-clients.example",
        "",
    )]);
    let old = fs::read(desk.sheet()).expect("a sheet");
    desk.import();
    desk.retry(&["--key", "C3012"]);
    // The very decision is known.
    fs::write(desk.sheet(), &old).expect("a sheet");
    assert!(desk.import().contains("1 was decided before"));
    // Another one comes too late.
    let text = String::from_utf8(old)
        .expect("text")
        .replace("fixed.12@", "other.12@");
    fs::write(desk.sheet(), text).expect("a sheet");
    let output = desk.holds("import", &["holds.csv", "--by", "Kim Ortega"]);
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("C3012 of step `contact` is no longer held"),
        "{said}"
    );
}

#[test]
fn an_import_beside_a_run_is_refused() {
    let desk = Desk::new();
    desk.decide(&[("contact", "C3011", "email", "drop", "", "")]);
    let ledger = desk.example.folder.path().join(".transload/ledger.sqlite");
    let clock = std::sync::Arc::new(transload::clock::SystemClock::new());
    let run = transload::ledger::Ledger::open(&ledger, transload::ledger::Options::new(clock));
    let run = run.expect("the lease");
    let output = desk.holds("import", &["holds.csv", "--by", "Kim Ortega"]);
    assert!(failed_with(&output, 7).contains("lease"));
    assert!(
        !desk
            .example
            .folder
            .path()
            .join(".transload/overrides.json")
            .exists()
    );
    drop(run);
    desk.import();
}

#[test]
fn of_two_imports_at_once_none_is_lost() {
    let desk = Desk::new();
    let sheets = [("C3011", "one.csv"), ("C3012", "two.csv")];
    for (key, name) in sheets {
        let mut rows = desk.export();
        rows.retain(|r| r["step"] == "contact" && r["key"] == key);
        assert!(!rows.is_empty(), "{key}");
        rows[0].insert("decision".to_owned(), "drop".to_owned());
        write(&desk.example.folder.path().join(name), &rows[..1]);
    }
    let mut open: Vec<&str> = sheets.iter().map(|(_, name)| *name).collect();
    // Both begin at once; whoever finds the other at work says so with 7 and is started again.
    for _ in 0..50 {
        let started: Vec<_> = open
            .iter()
            .map(|name| {
                let child = transload()
                    .args(["holds", "import", "migration.yaml", name, "--by", "Kim"])
                    .current_dir(desk.example.folder.path())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn();
                (*name, child.expect("it starts"))
            })
            .collect();
        for (name, mut child) in started {
            let code = child.wait().expect("it ends").code();
            assert!(matches!(code, Some(0 | 7)), "{name}: {code:?}");
            if code == Some(0) {
                open.retain(|o| *o != name);
            }
        }
        if open.is_empty() {
            break;
        }
    }
    let decided = fs::read(desk.example.folder.path().join(".transload/overrides.json"));
    let decided: Value = serde_json::from_slice(&decided.expect("decisions")).expect("json");
    let mut keys: Vec<&str> = decided["records"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|r| r["key"].as_str().expect("a key"))
        .collect();
    keys.sort_unstable();
    assert_eq!(keys, ["C3011", "C3012"], "{decided}");
}

#[test]
fn decisions_that_are_lost_are_told_and_nothing_is_sent_without_them() {
    let desk = Desk::new();
    desk.decide(&[("contact", "C3011", "email", "drop", "", "")]);
    desk.import();
    let state = desk.example.folder.path().join(".transload");
    let (file, kept) = (state.join("overrides.json"), state.join("kept.json"));
    let command = |args: &[&str]| {
        let mut command = transload();
        command.args(args).current_dir(desk.example.folder.path());
        command.output().expect("it runs")
    };
    let told = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let looks: [&[&str]; 2] = [
        &["status", "migration.yaml"],
        &["holds", "list", "migration.yaml"],
    ];
    let writes: [&[&str]; 4] = [
        &["run", "migration.yaml", "--auto-approve", "--provision"],
        &["holds", "retry", "migration.yaml", "--auto-approve"],
        &["sample", "migration.yaml"],
        &["approve", "migration.yaml", "--by", "Kim Ortega"],
    ];

    fs::rename(&file, &kept).expect("gone");
    for args in looks {
        let output = command(args);
        assert!(output.status.success(), "{args:?}: {}", told(&output));
        assert!(
            told(&output).contains("is missing, and by the ledger Kim Ortega"),
            "{args:?}"
        );
    }
    desk.recorder.take();
    for args in writes {
        let said = failed_with(&command(args), 2);
        assert!(
            said.contains("is missing, and by the ledger"),
            "{args:?}: {said}"
        );
    }
    assert_eq!(records(&desk.recorder.take()), 0);

    // A copy brings them back.
    fs::rename(&kept, &file).expect("back");
    assert!(!told(&command(looks[0])).contains("missing"));

    // Without one, the sheet does.
    fs::remove_file(&file).expect("gone");
    assert!(!desk.import().contains("nothing new"));
    assert!(!told(&command(looks[1])).contains("missing"));

    // What is no file of decisions, and a folder in its place.
    fs::write(&file, "{\"schema_version\": 1,").expect("a file");
    for args in looks {
        assert!(
            told(&command(args)).contains("overrides.json: EOF"),
            "{args:?}"
        );
    }
    failed_with(&command(writes[0]), 2);
    fs::remove_file(&file).expect("gone");
    fs::create_dir(&file).expect("a folder");
    assert!(failed_with(&command(writes[0]), 2).contains("is a folder"));
    fs::remove_dir(&file).expect("gone");
    fs::create_dir(state.join("overrides.json.part")).expect("a folder");
    let output = desk.holds("import", &["holds.csv", "--by", "Kim Ortega"]);
    assert!(failed_with(&output, 2).contains("overrides.json.part is a folder"));
    fs::remove_dir(state.join("overrides.json.part")).expect("gone");
    let ledger = state.join("ledger.sqlite");
    fs::rename(&ledger, &kept).expect("gone");
    fs::create_dir(&ledger).expect("a folder");
    for args in looks {
        assert!(
            failed_with(&command(args), 2).contains("is a folder, not a ledger"),
            "{args:?}"
        );
    }
}
