//! The story of single records: cells, ops, decisions, the request, the ledger, and what is there now.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use serde_json::{Value, json};
use std::process::Output;
use support::{Example, account, failed_with, transload};

fn traced(example: &Example, record: &str, more: &[&str]) -> Output {
    transload()
        .arg("trace")
        .arg(example.migration())
        .arg(record)
        .args(more)
        .output()
        .expect("it runs")
}

fn trace(example: &Example, record: &str) -> Value {
    let output = traced(example, record, &["--format", "json"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("json")
}

fn step<'t>(trace: &'t Value, name: &str) -> &'t Value {
    let steps = trace["steps"].as_array().expect("steps");
    steps.iter().find(|s| s["step"] == name).expect("a step")
}

fn field<'t>(step: &'t Value, name: &str) -> &'t Value {
    let fields = step["fields"].as_array().expect("fields");
    fields
        .iter()
        .find(|f| f["field"] == name)
        .unwrap_or_else(|| panic!("no field {name}"))
}

#[test]
fn a_record_is_explained_from_its_cells_to_what_is_there_now() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    let rows = support::csv_rows(&example.folder.path().join("export/Contacts.csv"));
    example.run();
    let contact = sandbox
        .records("contact")
        .into_iter()
        .find(|c| {
            c["wire"]["tags"].as_array().is_some_and(|t| !t.is_empty())
                && c["custom"]["cf_allclients_id"].is_string()
                && c["wire"]["last_name"] != "Known"
        })
        .expect("a contact");
    let key = contact["custom"]["cf_allclients_id"]
        .as_str()
        .expect("a key");
    let told = trace(&example, &format!("contact/{key}"));
    assert_eq!(
        (&told["schema_version"], &told["in_source"]),
        (&json!(1), &json!(true))
    );
    let line = told["line"].as_u64().expect("a line");
    assert!(line > 1 && line as usize <= rows.len() * 3, "{line}");
    let cells = told["cells"].as_array().expect("cells");
    assert!(
        cells.iter().any(|c| c[0] == "id" && c[1] == key),
        "{cells:?}"
    );

    let s = step(&told, "contact");
    assert_eq!(s["decision"], "loaded");
    assert!(
        s["place"]
            .as_str()
            .expect("a place")
            .contains("allclients--freshsales.yaml:")
    );
    let owner = field(s, "owner");
    let line: usize = owner["place"]
        .as_str()
        .expect("a place")
        .rsplit(':')
        .next()
        .unwrap()
        .parse()
        .expect("a line");
    let mapping =
        std::fs::read_to_string(support::root().join("specs/mappings/allclients--freshsales.yaml"))
            .expect("a mapping");
    assert_eq!(
        mapping.lines().nth(line - 1).unwrap().trim(),
        owner["line"].as_str().unwrap()
    );
    assert!(
        owner["line"].as_str().unwrap().starts_with("owner:"),
        "{owner}"
    );
    assert_eq!(owner["sent"], contact["wire"]["owner_id"].to_string());
    assert!(
        owner["values"][0][1]
            .as_str()
            .expect("a value")
            .contains('@'),
        "{owner}"
    );
    let tags = field(s, "tags");
    let ops: Vec<&str> = tags["values"]
        .as_array()
        .expect("values")
        .iter()
        .map(|v| v[0].as_str().unwrap())
        .collect();
    assert_eq!(ops, ["source", "unique", "over"]);

    // The request is what was sent: what is there holds all of it.
    let request = &s["requests"][0];
    assert_eq!(request["call"], "POST /contacts");
    assert_eq!(request["body"]["email"], contact["wire"]["email"]);
    let what: Vec<&str> = s["history"]
        .as_array()
        .expect("history")
        .iter()
        .map(|h| h["what"].as_str().unwrap())
        .collect();
    assert_eq!(what, ["intended", "confirmed"]);
    assert_eq!(s["known"]["origin"], "created");
    assert_eq!(s["known"]["unchanged"], true);
    assert_eq!(s["there"][0]["found"], true);
    assert_eq!(s["there"][0]["differences"], json!([]));
    assert_eq!(s["there"][0]["id"], contact["id"].to_string());
    let all = told.to_string();
    assert!(!all.contains("sandbox-key"), "no secret");

    // What people change shows.
    let path = format!("/contacts/{}", contact["id"]);
    sandbox.person("PUT", &path, &json!({"contact": {"last_name": "Else"}}));
    let told = trace(&example, &format!("contact/{key}"));
    let there = &step(&told, "contact")["there"][0]["differences"][0];
    assert_eq!(
        (&there[0], &there[2]),
        (&json!("last_name"), &json!("Else"))
    );

    // A task goes through a value map: the row is named.
    let tasks = support::csv_rows(&example.folder.path().join("export/Tasks.csv"));
    let held: Vec<String> = example
        .holds()
        .into_iter()
        .filter(|(s, _, _)| s == "task")
        .map(|(_, k, _)| k)
        .collect();
    let id = "TaskID";
    let one = tasks
        .iter()
        .find(|t| !held.contains(&t[id]))
        .expect("a task");
    let told = trace(&example, &format!("task/{}", one[id]));
    let done = field(step(&told, "task"), "done");
    assert!(
        done["values"][1][0]
            .as_str()
            .expect("an op")
            .starts_with("map task_done (row "),
        "{done}"
    );

    // A held record says why, and shows how far its values came.
    let (_, held, code) = example
        .holds()
        .into_iter()
        .find(|(s, _, c)| s == "task" && c == "not_mapped")
        .expect("a hold");
    let told = trace(&example, &format!("task/{held}"));
    let s = step(&told, "task");
    assert_eq!(s["decision"], "held");
    assert!(
        s["reason"].as_str().expect("a reason").starts_with(&code),
        "{s}"
    );
    assert!(
        s["reason"].as_str().expect("a reason").contains("no row"),
        "{s}"
    );
    let done = field(s, "done");
    let status = tasks
        .iter()
        .find(|t| t[id] == held)
        .expect("the row of the export")["Status"]
        .clone();
    assert_eq!(
        done["values"],
        json!([["source", status], ["map task_done (no row)", ""]]),
        "a value that is no choice is shown as it is: {s}"
    );
    assert!(told.get("split").is_none(), "tasks have no split");
    let (_, orphan, _) = example
        .holds()
        .into_iter()
        .find(|(s, _, c)| s == "note" && c == "join_none")
        .expect("a hold");
    let told = trace(&example, &format!("note/{orphan}"));
    assert_eq!(step(&told, "note")["decision"], "held");

    let text = traced(&example, &format!("contact/{key}"), &[]);
    let text = String::from_utf8(text.stdout).expect("text");
    for part in [
        "source\n",
        "step contact -> contact",
        "request: POST /contacts",
        "ledger\n",
        "there, with differences",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    failed_with(&traced(&example, "contact/none-such", &[]), 3);
    failed_with(&traced(&example, "nothing/1", &[]), 2);
    failed_with(&traced(&example, "contact", &[]), 2);
}

#[test]
fn a_record_held_for_what_stands_at_the_destination_was_not_sent() {
    let example = Example::copy("smartdesk");
    example.run();
    let told = trace(&example, "account/A210");
    let step = step(&told, "account");
    assert_eq!(step["decision"], "held", "{step}");
    let reason = step["reason"].as_str().expect("a reason");
    assert!(reason.starts_with("same_match_key: "), "{reason}");
    assert_eq!(step["requests"].as_array().map(Vec::len), Some(0));
    for field in step["fields"].as_array().expect("fields") {
        assert_eq!(field["sent"], "", "{field}");
    }
}

#[test]
fn splits_and_merges_say_where_a_record_went() {
    let example = Example::copy("interactive");
    example.run();
    let rows = support::csv_rows(&example.folder.path().join("export/contacts.csv"));
    let held: Vec<String> = example.holds().into_iter().map(|(_, key, _)| key).collect();
    let lead = rows
        .iter()
        .find(|r| r["lifecycle_stage"] == "Subscriber" && !held.contains(&r["contact_id"]))
        .expect("a lead");
    let told = trace(&example, &format!("contact/{}", lead["contact_id"]));
    assert_eq!(step(&told, "contact")["decision"], "routed");
    assert_eq!(step(&told, "lead")["decision"], "loaded");
    // The row that took it is named, by number and place.
    let split = &told["split"];
    assert_eq!(split["to"], json!(["lead"]), "{split}");
    let mapping = "specs/mappings/interactive--freshsales.yaml";
    let text = std::fs::read_to_string(support::root().join(mapping)).expect("a mapping");
    let place = split["place"].as_str().expect("a place");
    let (file, line) = place.rsplit_once(':').expect("a line");
    assert!(file.ends_with("interactive--freshsales.yaml"), "{place}");
    let line = text
        .lines()
        .nth(line.parse::<usize>().expect("a number") - 1);
    assert_eq!(split["line"], line.expect("the line").trim());
    assert!(
        split["line"].as_str().is_some_and(|l| l.contains("lead")),
        "{split}"
    );
    let text = traced(&example, &format!("contact/{}", lead["contact_id"]), &[]);
    let text = String::from_utf8(text.stdout).expect("text");
    let named = format!("split, row {} ({place}): to lead", split["row"]);
    assert!(text.contains(&named), "{named} in\n{text}");
    // Another row takes a customer.
    let other = rows
        .iter()
        .filter(|r| r["lifecycle_stage"] != lead["lifecycle_stage"])
        .filter(|r| !held.contains(&r["contact_id"]))
        .map(|r| trace(&example, &format!("contact/{}", r["contact_id"])))
        .find(|t| step(t, "contact")["decision"] == "loaded")
        .expect("a contact");
    assert_ne!(other["split"]["row"], split["row"]);
    assert_eq!(other["split"]["to"], json!(["contact"]));
    // Of two with one address one goes into the other.
    let address = |r: &std::collections::BTreeMap<String, String>| r["email"].trim().to_lowercase();
    let twins: Vec<&str> = rows
        .iter()
        .filter(|r| !address(r).is_empty())
        .filter(|r| rows.iter().filter(|o| address(o) == address(r)).count() == 2)
        .take(2)
        .map(|r| r["contact_id"].as_str())
        .collect();
    let first = rows
        .iter()
        .find(|r| r["contact_id"] == twins[0])
        .expect("a row");
    let pair = rows.iter().filter(|r| address(r) == address(first));
    let told: Vec<Value> = pair
        .map(|r| trace(&example, &format!("contact/{}", r["contact_id"])))
        .collect();
    assert_eq!(told.len(), 2);
    let merged = |t: &&Value| {
        [step(t, "contact"), step(t, "lead")]
            .iter()
            .any(|s| s["decision"] == "merged")
    };
    assert_eq!(told.iter().filter(merged).count(), 1);
    let twin = told.iter().find(merged).expect("a merged record").clone();
    let steps = [step(&twin, "contact"), step(&twin, "lead")];
    assert!(
        steps.iter().any(|s| s["reason"]
            .as_str()
            .is_some_and(|r| r.starts_with("into ct-"))),
        "{twin}"
    );
}
