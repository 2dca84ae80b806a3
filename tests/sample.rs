//! `transload sample`: a slice that shows everything, with all it needs; loaded, read back and compared. Drawing it
//! again writes nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Output,
};
use support::{Example, Sandbox, counts, csv_rows, failed_with, root, transload};

/// An account as an example expects it.
fn account(name: &str, more: &[&str]) -> Sandbox {
    let seed = root().join(format!("examples/{name}/sandbox.yaml"));
    let tier = if ["allclients", "smartdesk"].contains(&name) {
        "growth"
    } else {
        "pro"
    };
    let mut args = vec![
        "--seed",
        seed.to_str().expect("path"),
        "--tier",
        tier,
        "--calls-per-minute",
        "0",
    ];
    args.extend(more);
    Sandbox::start("freshsales.yaml", &args)
}

fn sample(example: &Example, more: &[&str]) -> Output {
    transload()
        .arg("sample")
        .arg(example.migration())
        .args(["--provision", "--format", "json"])
        .args(more)
        .output()
        .expect("it runs")
}

/// The report of a sample that ended with one of these codes.
fn report(output: &Output, codes: &[i32]) -> Value {
    let code = output.status.code().expect("a code");
    assert!(
        codes.contains(&code),
        "exit {code}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("a JSON report")
}

fn chosen(report: &Value, object: &str) -> BTreeSet<String> {
    report["keys"][object]
        .as_array()
        .into_iter()
        .flatten()
        .map(|k| k.as_str().expect("a key").to_owned())
        .collect()
}

fn coverage<'r>(report: &'r Value, kind: &str) -> Option<&'r Value> {
    report["coverage"]
        .as_array()
        .expect("coverage")
        .iter()
        .find(|c| c["kind"] == kind)
}

/// Values of one class: (step, field, expected, actual).
fn of_class(report: &Value, class: &str) -> Vec<(String, String, String, String)> {
    let text = |v: &Value| v.as_str().expect("a text").to_owned();
    let mut all = Vec::new();
    for record in report["compared"].as_array().expect("records") {
        for field in record["fields"].as_array().expect("fields") {
            if field["class"] == class {
                all.push((
                    text(&record["step"]),
                    text(&field["field"]),
                    text(&field["expected"]),
                    text(&field["actual"]),
                ));
            }
        }
    }
    all
}

/// The files, key columns and columns of source fields, as the platform file says.
struct Export {
    platform: serde_yaml::Value,
    example: std::path::PathBuf,
}

impl Export {
    fn of(name: &str, example: &Example) -> Export {
        let text = fs::read_to_string(root().join(format!("specs/platforms/{name}.yaml")))
            .expect("a platform");
        Export {
            platform: serde_yaml::from_str(&text).expect("YAML"),
            example: example.folder.path().join("export"),
        }
    }

    /// (key, value of the field) of each row of an object.
    fn cells(&self, object: &str, field: &str) -> Vec<(String, String)> {
        let object = &self.platform["objects"][object];
        let file = object["rows"]["file"].as_str().expect("a file");
        let column = |name: &str| {
            let path = &object["fields"][name]["path"];
            path.as_str().unwrap_or(name).to_owned()
        };
        let key = column(object["rows"]["key"][0].as_str().expect("a key"));
        let field = column(field);
        csv_rows(&self.example.join(file))
            .into_iter()
            .map(|r| {
                let cell = |c: &str| r.get(c).cloned().unwrap_or_default();
                (cell(&key), cell(&field))
            })
            .collect()
    }
}

/// The value-map rows of a mapping that cells of these records take, found without the engine.
fn rows_taken(
    mapping: &serde_yaml::Value,
    export: &Export,
    only: Option<&Value>,
) -> BTreeSet<(String, String)> {
    let mut taken = BTreeSet::new();
    let Some(maps) = mapping["value_maps"].as_mapping() else {
        return taken;
    };
    for (name, map) in maps {
        let name = name.as_str().expect("a name");
        let rows: BTreeSet<String> = map["rows"]
            .as_mapping()
            .expect("rows")
            .keys()
            .map(|k| k.as_str().expect("a key").trim().to_lowercase())
            .collect();
        for input in map["in"].as_sequence().expect("in") {
            let (object, field) = input
                .as_str()
                .expect("a field")
                .split_once('.')
                .expect("object.field");
            let chosen = only.map(|report| chosen(report, object));
            for (key, cell) in export.cells(object, field) {
                let cell = cell.trim().to_lowercase();
                // Some objects have keys in lower case.
                let is_chosen = chosen
                    .as_ref()
                    .is_none_or(|c| c.contains(&key) || c.contains(&key.to_lowercase()));
                if is_chosen && rows.contains(&cell) {
                    taken.insert((name.to_owned(), cell));
                }
            }
        }
    }
    taken
}

/// Which row of the split each record takes, by the rules of the mapping said again in the test.
fn split_rows(name: &str, export: &Export) -> Vec<(&'static str, BTreeMap<String, usize>)> {
    let cells = |object: &str, field: &str| -> BTreeMap<String, String> {
        export.cells(object, field).into_iter().collect()
    };
    let by = |object: &str, field: &str, rows: &[&[&str]]| -> BTreeMap<String, usize> {
        cells(object, field)
            .into_iter()
            .map(|(key, cell)| {
                let at = rows.iter().position(|r| r.contains(&cell.as_str()));
                (key, at.unwrap_or(rows.len()))
            })
            .collect()
    };
    match name {
        "interactive" => vec![(
            "contact",
            by(
                "contact",
                "lifecycle_stage",
                &[&["Subscriber", "Lead", "Marketing Qualified"]],
            ),
        )],
        "smartdesk" => vec![(
            "activity",
            by("activity", "kind", &[&["call"], &["meeting"], &["email"]]),
        )],
        "actimo" => {
            let ready = cells("contact", "sales_ready");
            let deals = cells("contact", "active_deals");
            let rows = ready
                .into_iter()
                .map(|(key, ready)| {
                    let deals: u64 = deals[&key].parse().unwrap_or(0);
                    let yes = ["yes", "ja", "1", "true"].contains(&ready.to_lowercase().as_str());
                    (key, usize::from(!(yes || deals > 0)))
                })
                .collect();
            vec![("contact", rows)]
        }
        "usercom" => {
            let deals: BTreeSet<String> = export
                .cells("deal", "contact")
                .into_iter()
                .map(|(_, contact)| contact)
                .collect();
            let names = [
                "email",
                "phone",
                "custom_id",
                "last_heard",
                "push_key",
                "fcm_key",
            ];
            let columns: Vec<_> = names.iter().map(|n| cells("contact", n)).collect();
            let contact = cells("contact", "last_event_type")
                .into_iter()
                .map(|(key, event)| {
                    let row = if columns.iter().all(|c| c[&key].is_empty()) {
                        0
                    } else if deals.contains(&key)
                        || ["call", "email", "meeting"].contains(&event.as_str())
                    {
                        1
                    } else {
                        2
                    };
                    (key, row)
                })
                .collect();
            vec![
                ("contact", contact),
                (
                    "activity",
                    by("activity", "kind", &[&["email_open", "email_click"]]),
                ),
            ]
        }
        _ => Vec::new(),
    }
}

#[test]
fn samples_of_the_examples_show_every_row_that_the_exports_have_and_a_second_one_writes_nothing() {
    for name in [
        "actimo",
        "allclients",
        "interactive",
        "smartdesk",
        "usercom",
    ] {
        let sandbox = account(name, &[]);
        let example = Example::against(name, &sandbox);
        // The size that nobody chose, and for the others what showing everything takes.
        let more: &[&str] = match name {
            "allclients" => &["--values"],
            _ => &["--values", "--size", "1"],
        };
        let first = report(&sample(&example, more), &[0]);
        let (size, of) =
            first["records"]
                .as_array()
                .expect("objects")
                .iter()
                .fold((0, 0), |(n, of), o| {
                    (
                        n + o["chosen"].as_u64().expect("a number"),
                        of + o["of"].as_u64().expect("a number"),
                    )
                });
        let cover = first["cover"].as_u64().expect("a number");
        assert!((20..200).contains(&cover), "{name}: {cover}");
        let expected = match name {
            "allclients" => 300..=310,
            _ => cover..=250,
        };
        assert!(
            expected.contains(&size) && of > 350,
            "{name}: {size} of {of}"
        );
        // Said by the test, not by the engine: rows of value maps and splits.
        let export = Export::of(name, &example);
        let text =
            fs::read_to_string(root().join(format!("specs/mappings/{name}--freshsales.yaml")))
                .expect("a mapping");
        let mapping: serde_yaml::Value = serde_yaml::from_str(&text).expect("YAML");
        let all = rows_taken(&mapping, &export, None);
        let shown = rows_taken(&mapping, &export, Some(&first));
        assert_eq!(shown, all, "{name}: value-map rows");
        if let Some(rows) = coverage(&first, "value-map rows") {
            // The engine finds no other rows missing than those that no cell has.
            let missing = rows["missing"].as_array().expect("missing").len();
            let total = rows["total"].as_u64().expect("a number") as usize;
            assert_eq!(total - missing, all.len(), "{name}: {rows}");
        }
        for (object, rows) in split_rows(name, &export) {
            let chosen = chosen(&first, object);
            let all: BTreeSet<usize> = rows.values().copied().collect();
            let shown: BTreeSet<usize> = rows
                .iter()
                .filter(|(key, _)| chosen.contains(*key))
                .map(|(_, row)| *row)
                .collect();
            assert!(all.len() > 1, "{name}: {object}");
            assert_eq!(shown, all, "{name}: split rows of {object}");
        }
        // Everything else that is found in the export is shown, too.
        for kind in first["coverage"].as_array().expect("coverage") {
            let what = kind["kind"].as_str().expect("a kind");
            let found = match what {
                // What is nowhere in the export cannot be shown, and is said.
                "value-map rows" | "destination fields" | "types of destination fields" => continue,
                "guards" if name == "smartdesk" => json!(["deal account_unknown"]),
                _ => json!([]),
            };
            assert_eq!(kind["missing"], found, "{name}: {kind}");
        }
        // The second one.
        let kept = fs::read(example.folder.path().join(".transload/sample.json")).expect("kept");
        let before = sandbox.admin_get("/dump");
        sandbox.admin_post("/reset_counters", &json!({}));
        let second = report(&sample(&example, more), &[0]);
        assert_eq!(second, first, "{name}");
        assert_eq!(sandbox.admin_get("/dump"), before, "{name}");
        let again = fs::read(example.folder.path().join(".transload/sample.json")).expect("kept");
        assert!(kept == again, "{name}: the kept report is another");
    }
}

#[test]
fn a_sample_has_all_that_its_records_need() {
    let sandbox = account("interactive", &[]);
    let example = Example::against("interactive", &sandbox);
    let first = report(&sample(&example, &["--size", "120"]), &[0]);
    let export = Export::of("interactive", &example);
    let has: BTreeMap<&str, BTreeSet<String>> = [
        "owner",
        "company",
        "contact",
        "deal",
        "engagement",
        "note",
        "attachment",
        "stage",
        "pipeline",
    ]
    .into_iter()
    .map(|o| (o, chosen(&first, o)))
    .collect();
    let everybody: BTreeMap<&str, BTreeSet<String>> = ["owner", "company", "contact", "deal"]
        .into_iter()
        .map(|o| {
            (
                o,
                export.cells(o, "id").into_iter().map(|(k, _)| k).collect(),
            )
        })
        .collect();
    // What holds a record before its fields are looked at leaves its references open.
    let early: BTreeSet<String> = example
        .holds()
        .into_iter()
        .filter(|(_, _, code)| ["join_none", "large_file"].contains(&code.as_str()))
        .map(|(_, key, _)| key)
        .collect();
    let mut looked = 0;
    for (object, field, parent) in [
        ("company", "parent", "company"),
        ("company", "owner", "owner"),
        ("deal", "company", "company"),
        ("deal", "contact", "contact"),
        ("deal", "owner", "owner"),
        ("stage", "pipeline", "pipeline"),
    ] {
        for (key, named) in export.cells(object, field) {
            let exists = everybody.get(parent).is_none_or(|all| all.contains(&named));
            if has[object].contains(&key) && !named.is_empty() && exists && !early.contains(&key) {
                let named = if parent == "pipeline" {
                    named.to_lowercase()
                } else {
                    named
                };
                assert!(has[parent].contains(&named), "{object} {key} needs {named}");
                looked += 1;
            }
        }
    }
    for (object, field) in [
        ("engagement", "parent"),
        ("note", "parent"),
        ("attachment", "parent"),
    ] {
        for (key, named) in export.cells(object, field) {
            let parent = ["contact", "company", "deal"]
                .into_iter()
                .find(|o| everybody[o].contains(&named));
            if let Some(parent) =
                parent.filter(|_| has[object].contains(&key) && !early.contains(&key))
            {
                assert!(has[parent].contains(&named), "{object} {key} needs {named}");
                looked += 1;
            }
        }
    }
    assert!(looked > 60, "{looked}");
    // Duplicates come together: same e-mail, one survives.
    let emails = export.cells("contact", "email");
    let mut clusters: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (key, email) in emails {
        if !email.is_empty() {
            clusters
                .entry(email.to_lowercase())
                .or_default()
                .insert(key);
        }
    }
    let mut whole = 0;
    for cluster in clusters.values().filter(|c| c.len() > 1) {
        let chosen = cluster
            .iter()
            .filter(|k| has["contact"].contains(*k))
            .count();
        assert!(chosen == 0 || chosen == cluster.len(), "{cluster:?}");
        whole += usize::from(chosen > 0);
    }
    assert!(whole > 0);
    // Books count only the sample, and no record outside of it is held.
    for step in first["steps"].as_array().expect("steps") {
        let from = step["from"].as_str().expect("an object");
        assert_eq!(
            step["records"],
            has.get(from)
                .map_or(step["records"].clone(), |k| json!(k.len()))
        );
    }
    for (step, key, _) in example.holds() {
        let from = match step.as_str() {
            "user" => "owner",
            "account" => "company",
            "lead" => "contact",
            other => other,
        };
        if let Some(keys) = has.get(from) {
            assert!(keys.contains(&key), "{step} {key}");
        }
    }
}

#[test]
fn values_that_come_back_otherwise_are_named_by_class() {
    let sandbox = account("interactive", &["--quirk", "custom_text_over=cut"]);
    let example = Example::against("interactive", &sandbox);
    // The spec believes that any text is a telephone number and that custom texts are long; the account knows better.
    example.own_specs(|name, text| match name {
        "freshsales.yaml" => {
            let there = "phone: {type: phone, max: 50, on_bad: blank, why: A bad phone is stored as null with 200}";
            assert!(text.contains(there));
            let text = text.replace(there, "phone: {type: text, max: 50}");
            let there = "text: {vendor: text, max: 256,";
            assert!(text.contains(there));
            text.replace(there, "text: {vendor: text, max: 9000,")
        }
        _ => text,
    });
    example.edit_export("companies.csv", |bytes| {
        let text = String::from_utf8(bytes).expect("text");
        text.replace("+1 555 010 0185", "ask the desk").into_bytes()
    });
    let long = "long ".repeat(80);
    example.edit_export("contacts.csv", |bytes| {
        let text = String::from_utf8(bytes).expect("text");
        // Many people without a stage: the account gives them its first one.
        text.replacen(",Research,", &format!(",{long},"), 1)
            .replace(",Evangelist,", ",,")
            .into_bytes()
    });
    let size = ["--size", "2000", "--values"];
    let first = report(&sample(&example, &size), &[1]);
    let dropped = of_class(&first, "dropped");
    assert!(!dropped.is_empty());
    for (step, field, expected, actual) in dropped {
        assert_eq!(
            (
                step.as_str(),
                field.as_str(),
                expected.as_str(),
                actual.as_str()
            ),
            ("account", "phone", "ask the desk", "")
        );
    }
    let record = first["compared"]
        .as_array()
        .expect("records")
        .iter()
        .flat_map(|r| r["fields"].as_array().expect("fields"))
        .find(|f| f["class"] == "dropped")
        .expect("a dropped one");
    assert_eq!(
        record["source"],
        json!([{"field": "phone", "value": "ask the desk"}])
    );
    let shortened = of_class(&first, "shortened");
    assert_eq!(shortened.len(), 1, "{shortened:?}");
    assert_eq!(shortened[0].1, "cf_buying_phase");
    assert!(shortened[0].3.len() < shortened[0].2.len() && shortened[0].3.starts_with("long"));
    assert!(
        of_class(&first, "normalised")
            .iter()
            .all(|(_, field, ..)| field == "email")
    );
    assert!(!of_class(&first, "normalised").is_empty());
    let server_set = of_class(&first, "server_set");
    assert!(!server_set.is_empty());
    assert!(
        server_set
            .iter()
            .all(|(_, f, expected, _)| f == "lifecycle" && expected.is_empty())
    );
    assert!(of_class(&first, "wrong").is_empty());
    // Somebody edits a loaded record: the next sample shows it, and leaves it alone.
    let victim = first["compared"]
        .as_array()
        .expect("records")
        .iter()
        .find(|r| r["step"] == "contact" && r["origin"] == "created")
        .expect("a contact");
    let id = victim["id"].as_str().expect("an id");
    let (status, _) = put(
        &sandbox,
        &format!("/contacts/{id}"),
        &json!({"contact": {"job_title": "Somebody else"}}),
    );
    assert_eq!(status, 200);
    let second = report(&sample(&example, &size), &[1]);
    let wrong = of_class(&second, "wrong");
    assert!(
        wrong.iter().any(|(s, f, _, actual)| s == "contact"
            && f == "job_title"
            && actual == "Somebody else")
            || of_class(&second, "server_set")
                .iter()
                .any(|(_, f, _, actual)| f == "job_title" && actual == "Somebody else"),
        "{wrong:?}"
    );
    assert_ne!(second["content"], first["content"]);
}

fn put(sandbox: &Sandbox, path: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}{path}", sandbox.base);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _ = rustls::crypto::ring::default_provider().install_default();
    runtime.block_on(async {
        let answer = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client")
            .put(url)
            .header("authorization", format!("Token token={}", sandbox.key))
            .header("content-type", "application/json")
            .body(body.to_string())
            .send()
            .await
            .expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    })
}

#[test]
fn a_sample_goes_on_after_a_kill_and_a_run_after_it_ends_like_any_other() {
    let sandbox = account("allclients", &["--fault", "slow=0.3"]);
    let example = Example::against("allclients", &sandbox);
    let mut child = transload()
        .arg("sample")
        .arg(example.migration())
        .args(["--provision", "--size", "250"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    while counts(&sandbox)["task"] < 3 {
        assert!(
            child.try_wait().expect("a state").is_none(),
            "it ended before"
        );
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.kill().expect("SIGKILL");
    child.wait().expect("it is gone");
    assert_eq!(sandbox.admin_post("/faults", &json!({"faults": []})).0, 200);
    report(&sample(&example, &["--size", "250"]), &[0]);
    let there = counts(&sandbox);
    assert!(there["contact"] < 286 && there["note"] < 329, "{there:?}");
    sandbox.admin_post("/reset_counters", &json!({}));
    let first = example.run();
    // What the sample brought is not written again.
    for (step, object) in [("contact", "contact"), ("task", "task")] {
        let created = support::step(&first, step)["created"]
            .as_u64()
            .expect("a number");
        assert_eq!(
            created as usize + there[object],
            counts(&sandbox)[object],
            "{step}"
        );
    }
    assert_eq!(example.run()["calls_write"], 0);
    let undisturbed = account("allclients", &[]);
    let other = Example::against("allclients", &undisturbed);
    other.run();
    same_accounts(&sandbox, &undisturbed);
    assert_eq!(example.holds(), other.holds());
}

/// What an account holds, with names for ids: the order in which records were made does not matter.
fn without_ids(sandbox: &Sandbox) -> BTreeMap<String, Vec<String>> {
    fn named(value: &Value, names: &BTreeMap<String, String>) -> Value {
        match value {
            Value::Number(n) => match names.get(&n.to_string()) {
                Some(name) => json!(name),
                None => value.clone(),
            },
            Value::Array(all) => all.iter().map(|v| named(v, names)).collect(),
            Value::Object(all) => all
                .iter()
                .filter(|(k, _)| {
                    !["created_at", "updated_at", "completed_at"].contains(&k.as_str())
                })
                .map(|(k, v)| (k.clone(), named(v, names)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            other => other.clone(),
        }
    }
    let dump = sandbox.admin_get("/dump");
    let objects = dump.as_object().expect("objects");
    let names: BTreeMap<String, String> = objects
        .values()
        .flat_map(|rows| rows.as_array().expect("rows"))
        .map(|row| {
            let name = ["email", "name", "title"]
                .iter()
                .find_map(|n| row["fields"][*n].as_str());
            (
                row["wire"]["id"].to_string(),
                name.unwrap_or_default().to_owned(),
            )
        })
        .collect();
    objects
        .iter()
        .map(|(object, rows)| {
            let mut texts: Vec<String> = rows
                .as_array()
                .expect("rows")
                .iter()
                .map(|row| {
                    let fields = named(&row["fields"], &names);
                    format!("{fields} {} {}", row["custom"], row["deleted"])
                })
                .collect();
            texts.sort_unstable();
            (object.clone(), texts)
        })
        .collect()
}

/// Fails with the first record that only one of two accounts holds.
fn same_accounts(one: &Sandbox, other: &Sandbox) {
    let (one, other) = (without_ids(one), without_ids(other));
    for (object, rows) in &one {
        let theirs = &other[object];
        let difference = rows.iter().find(|r| !theirs.contains(r));
        assert_eq!(difference, None, "{object}");
        assert_eq!(rows.len(), theirs.len(), "{object}");
    }
}

#[test]
fn shared_formats_mask_people_unless_values_are_asked_for() {
    let sandbox = account("allclients", &[]);
    let example = Example::against("allclients", &sandbox);
    let run = |format: &str, more: &[&str]| {
        let output = transload()
            .arg("sample")
            .arg(example.migration())
            .args(["--provision", "--size", "60", "--format", format])
            .args(more)
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).expect("text")
    };
    let people = ["clients.example", "agency.example", "Sample Street", "555"];
    for format in ["text", "json", "markdown"] {
        let text = run(format, &[]);
        for person in people {
            assert!(!text.contains(person), "{format}: {person}");
        }
    }
    let kept = fs::read_to_string(example.folder.path().join(".transload/sample.json"))
        .expect("the kept report");
    assert!(people.iter().all(|p| !kept.contains(p)));
    let open = run("json", &["--values"]);
    assert!(people.iter().all(|p| open.contains(p)));
    let kept_then = fs::read_to_string(example.folder.path().join(".transload/sample.json"))
        .expect("the kept report");
    assert_eq!(kept_then, kept);
    assert!(run("markdown", &[]).starts_with("# Sample of allclients--freshsales"));
}

#[test]
fn a_destination_of_files_takes_no_sample() {
    let example = Example::copy("allclients");
    example
        .edit(|text| support::replace_block(text, "destination:", "destination: {folder: out}\n"));
    let output = transload()
        .arg("sample")
        .arg(example.migration())
        .output()
        .expect("it runs");
    let message = failed_with(&output, 2);
    assert!(message.contains("files"), "{message}");
}
