//! What stands before a run: a plan with what discovery found, runs that refuse to start, and the admin's part done as a
//! command. Against an account of its own, over HTTP.

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
use support::{Example, Sandbox, counts, csv_rows, failed_with, replace_block, root, transload};

const PAIRS: [&str; 5] = [
    "actimo",
    "allclients",
    "interactive",
    "smartdesk",
    "usercom",
];

fn command(name: &str, example: &Example, more: &[&str]) -> Output {
    transload()
        .arg(name)
        .arg(example.migration())
        .args(more)
        .output()
        .expect("it runs")
}

/// The JSON a command prints, with its exit code.
fn json_of(name: &str, example: &Example, more: &[&str]) -> (Option<i32>, Value) {
    let output = command(name, example, &[&["--format", "json"], more].concat());
    let text = String::from_utf8_lossy(&output.stdout);
    let json = serde_json::from_str(&text)
        .unwrap_or_else(|e| panic!("{e} in {text}\n{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), json)
}

fn discover(example: &Example) {
    let output = command("discover", example, &[]);
    support_ok(&output);
}

fn support_ok(output: &Output) {
    assert!(
        output.status.success(),
        "exit {:?}\n{}\n{}",
        output.status.code(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The pre-flight part of a plan, with the exit code.
fn flight(example: &Example) -> (Option<i32>, Value) {
    let (code, plan) = json_of("plan", example, &[]);
    (code, plan["preflight"].clone())
}

fn findings<'v>(flight: &'v Value, kind: &str) -> Vec<&'v Value> {
    let all = flight["findings"].as_array().expect("findings");
    all.iter().filter(|f| f["kind"] == kind).collect()
}

fn blocking(flight: &Value) -> Vec<&str> {
    let all = flight["findings"].as_array().expect("findings");
    all.iter()
        .filter(|f| f["blocks"] == true)
        .map(|f| f["what"].as_str().expect("words"))
        .collect()
}

fn run(example: &Example, more: &[&str]) -> Output {
    transload()
        .arg("run")
        .arg(example.migration())
        .args(["--auto-approve", "--format", "json"])
        .args(more)
        .output()
        .expect("it runs")
}

fn account(pair: &str, tier: &str) -> Sandbox {
    let seed = root().join(format!("examples/{pair}/sandbox.yaml"));
    let seed = seed.to_str().expect("a path");
    Sandbox::start(
        "freshsales.yaml",
        &["--seed", seed, "--tier", tier, "--calls-per-minute", "0"],
    )
}

#[test]
fn without_discovery_nothing_is_missing_and_nothing_is_known() {
    let example = Example::copy("smartdesk");
    let (code, flight) = flight(&example);
    assert_eq!(code, Some(0), "{flight}");
    assert_eq!(flight["source_known"], false);
    assert_eq!(flight["destination_known"], false);
    let states: BTreeSet<&str> = flight["fields"]
        .as_array()
        .expect("fields")
        .iter()
        .map(|f| f["state"].as_str().expect("a state"))
        .collect();
    assert_eq!(states, BTreeSet::from(["not_known"]));
    for check in flight["checks"].as_array().expect("checks") {
        let said = check["check"] == "none";
        assert_eq!(
            check["result"],
            if said { "said" } else { "not_known" },
            "{check}"
        );
    }
    let text = command("plan", &example, &[]);
    let text = String::from_utf8(text.stdout).expect("text");
    assert!(
        text.contains("not known; run `transload discover`"),
        "{text}"
    );
    assert!(!text.contains("nothing blocks"), "{text}");
    assert!(
        text.contains("is not known: `transload discover` first"),
        "{text}"
    );
}

#[test]
fn the_shipped_examples_are_not_blocked_and_every_form_says_the_same() {
    for pair in PAIRS {
        let example = Example::copy(pair);
        discover(&example);
        let (code, flight) = flight(&example);
        assert_eq!((code, blocking(&flight)), (Some(0), vec![]), "{pair}");
        assert_eq!(flight["destination_known"], true, "{pair}");
        let form = |format: &str| {
            let output = command("plan", &example, &["--format", format]);
            String::from_utf8(output.stdout).expect("text")
        };
        // Tables break lines nowhere, so each cell stands whole.
        let (text, markdown) = (form("text"), form("markdown"));
        let mut cells = 0;
        let mut said = |cell: &str| {
            cells += 1;
            assert!(text.contains(cell), "{pair} text: {cell}\n{text}");
            let escaped = cell.replace('|', "\\|").replace('<', "&lt;");
            let shown: String = escaped.chars().take(150).collect();
            assert!(
                markdown.contains(&shown),
                "{pair} markdown: {shown}\n{markdown}"
            );
        };
        for finding in flight["findings"].as_array().expect("findings") {
            said(finding["what"].as_str().expect("words"));
        }
        for field in flight["fields"].as_array().expect("fields") {
            said(field["name"].as_str().expect("a name"));
        }
        for owner in flight["owners"].as_array().expect("owners") {
            said(owner["decision"].as_str().expect("words"));
        }
        assert!(cells > 10, "{pair}: {cells}");
    }
}

#[test]
fn owners_and_values_are_those_of_the_export() {
    let example = Example::copy("allclients");
    discover(&example);
    let (_, flight) = flight(&example);
    let folder = example.folder.path().join("export");
    let (contacts, users) = (
        csv_rows(&folder.join("Contacts.csv")),
        csv_rows(&folder.join("Users.csv")),
    );
    let tasks = csv_rows(&folder.join("Tasks.csv"));
    let seed = fs::read_to_string(example.folder.path().join("sandbox.yaml")).expect("a seed");
    let seed: serde_yaml::Value = serde_yaml::from_str(&seed).expect("yaml");
    let there: BTreeSet<String> = seed["user"]
        .as_sequence()
        .expect("users")
        .iter()
        .map(|u| u["email"].as_str().expect("an address").to_lowercase())
        .collect();
    let listed: BTreeSet<String> = users.iter().map(|u| u["Email"].to_lowercase()).collect();
    let mut behind: BTreeMap<String, u64> = listed.iter().map(|l| (l.clone(), 0)).collect();
    for row in contacts.iter().chain(&tasks) {
        if !row["Owner Email"].is_empty() {
            *behind.entry(row["Owner Email"].to_lowercase()).or_default() += 1;
        }
    }
    let told: BTreeMap<String, (String, u64)> = flight["owners"]
        .as_array()
        .expect("owners")
        .iter()
        .filter(|o| o["state"] != "nobody")
        .map(|o| {
            let owner = o["owner"].as_str().expect("an owner").to_lowercase();
            let state = o["state"].as_str().expect("a state").to_owned();
            (owner, (state, o["records"].as_u64().expect("a number")))
        })
        .collect();
    let expected: BTreeMap<String, (String, u64)> = behind
        .into_iter()
        .map(|(owner, records)| {
            let state = match (listed.contains(&owner), there.contains(&owner)) {
                (false, _) => "not_listed",
                (true, true) => "matched",
                (true, false) => "unmatched",
            };
            (owner, (state.to_owned(), records))
        })
        .collect();
    assert_eq!(told, expected);
    assert!(expected.values().any(|(state, _)| state == "unmatched"));

    let view = flight["values"]
        .as_array()
        .expect("values")
        .iter()
        .find(|v| v["to"] == "task.done")
        .expect("the table of task.done");
    let mut counted: BTreeMap<&str, u64> = BTreeMap::new();
    for row in tasks.iter().filter(|r| !r["Status"].is_empty()) {
        *counted.entry(row["Status"].as_str()).or_default() += 1;
    }
    for row in view["rows"].as_array().expect("rows") {
        let value = row["value"].as_str().expect("a value");
        assert_eq!(row["records"].as_u64(), counted.remove(value), "{value}");
        let to = if value.to_lowercase() == "open" {
            "false"
        } else {
            "true"
        };
        match row["state"].as_str() {
            Some("goes") => assert_eq!(row["to"], to, "{value}"),
            other => assert_eq!(
                (other, row["code"].as_str()),
                (Some("held"), Some("not_mapped")),
                "{value}"
            ),
        }
    }
    assert!(counted.is_empty(), "{counted:?}");
}

/// Adds a second pipeline to SmartDesk's export.
fn second_pipeline(example: &Example) {
    example.edit_export("pipelines.csv", |mut bytes| {
        bytes.extend_from_slice(b"Partner Pipeline\n");
        bytes
    });
}

#[test]
fn a_growth_account_has_no_room_for_a_second_pipeline() {
    let sandbox = account("smartdesk", "growth");
    let example = Example::against("smartdesk", &sandbox);
    second_pipeline(&example);
    let before = counts(&sandbox);
    // Without a lock the run sees it by itself.
    let message = failed_with(&run(&example, &["--provision"]), 6);
    assert!(
        message.contains("pipeline records: 1 there and 1 to come, tier growth allows 1"),
        "{message}"
    );
    assert!(message.contains("take tier pro"), "{message}");
    assert_eq!(counts(&sandbox), before, "nothing was sent");

    discover(&example);
    let (code, judged) = flight(&example);
    assert_eq!(code, Some(1));
    let over = findings(&judged, "over_tier");
    assert_eq!(over.len(), 1, "{judged}");
    assert_eq!(over[0]["blocks"], true);
    let checks = judged["checks"].as_array().expect("checks");
    let check = checks
        .iter()
        .find(|c| c["check"] == "rows_within_tier")
        .expect("the check");
    assert_eq!(check["result"], "failed");
    let message = failed_with(&run(&example, &["--provision"]), 6);
    assert!(message.contains("pipeline records"), "{message}");
    assert_eq!(counts(&sandbox), before, "nothing was sent");
    // The way out.
    example.edit(|text| text.replace("tier: growth", "tier: pro"));
    let (_, judged) = flight(&example);
    assert_eq!(findings(&judged, "over_tier"), [] as [&Value; 0]);
}

#[test]
fn from_discovery_over_a_blocked_plan_and_the_admins_part_to_a_loaded_account() {
    let sandbox = account("allclients", "growth");
    let example = Example::against("allclients", &sandbox);
    discover(&example);
    let (code, judged) = flight(&example);
    assert_eq!(code, Some(1));
    let missing = findings(&judged, "custom_field_missing");
    assert!(missing.len() > 10, "{judged}");
    let groups = judged["fields"]
        .as_array()
        .expect("fields")
        .iter()
        .find(|f| f["label"] == "Groups")
        .expect("Groups");
    // The options are those of the export.
    let contacts = csv_rows(&example.folder.path().join("export/Contacts.csv"));
    let observed: BTreeSet<&str> = contacts
        .iter()
        .flat_map(|r| r["Groups"].split(','))
        .map(str::trim)
        .filter(|g| !g.is_empty())
        .collect();
    let options: BTreeSet<&str> = groups["options"]
        .as_array()
        .expect("options")
        .iter()
        .map(|o| o.as_str().expect("an option"))
        .collect();
    assert_eq!(options, observed);

    let before = counts(&sandbox);
    let message = failed_with(&run(&example, &[]), 6);
    assert!(
        message.contains("contact.cf_groups is not at the destination"),
        "{message}"
    );
    assert_eq!(counts(&sandbox), before, "nothing was sent");
    let state = example.folder.path().join(".transload");
    let rows = csv_rows(&state.join("checklist.csv"));
    let items: BTreeSet<&str> = rows.iter().map(|r| r["item"].as_str()).collect();
    for field in judged["fields"].as_array().expect("fields") {
        assert!(
            items.contains(field["name"].as_str().unwrap()),
            "{field} in {items:?}"
        );
    }
    assert!(items.contains("lena.brandt@agency.example"), "{items:?}");
    let page = fs::read_to_string(state.join("checklist.md")).expect("a page");
    assert!(page.contains("cf_groups"), "{page}");

    let (code, done) = json_of("provision", &example, &[]);
    assert_eq!(code, Some(0), "{done}");
    assert!(done["done"].as_array().expect("done").len() > missing.len());
    assert_eq!(done["refused"], serde_json::json!([]));
    // Templates need more than a name: they are made as a run makes them, from the same rows.
    let index = example
        .folder
        .path()
        .join("export/EmailTemplates/index.csv");
    let templates = csv_rows(&index).len();
    let made = counts(&sandbox);
    // One names a file that is not there, and is held as in a run.
    let held = example.holds().into_iter();
    let held = held.filter(|(step, ..)| step == "template").count();
    assert_eq!(held, 1);
    assert_eq!(
        made["email_template"] + held,
        before["email_template"] + templates
    );
    assert_eq!(made["contact"], before["contact"], "an admin's part only");
    let (code, again) = json_of("provision", &example, &[]);
    assert_eq!(code, Some(0));
    assert_eq!(
        (&again["done"], &again["refused"]),
        (&serde_json::json!([]), &serde_json::json!([])),
        "a second time makes nothing"
    );
    assert_eq!(counts(&sandbox), made);
    let text = command("provision", &example, &[]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("nothing to do"), "{text}");
    assert!(!text.contains("exists"), "{text}");

    discover(&example);
    let (code, judged) = flight(&example);
    assert_eq!((code, blocking(&judged)), (Some(0), vec![]));
    let states: BTreeSet<&str> = judged["fields"]
        .as_array()
        .expect("fields")
        .iter()
        .map(|f| f["state"].as_str().expect("a state"))
        .collect();
    assert_eq!(states, BTreeSet::from(["exists"]));
    // Nothing of an admin's part is left for the run: it does without.
    support_ok(&run(&example, &[]));
    let there = counts(&sandbox);
    assert!(there["contact"] > before["contact"] + 200);
    assert_eq!(there["email_template"], made["email_template"]);
}

#[test]
fn an_option_that_the_account_lacks_blocks_and_so_does_an_unknown_stage() {
    let sandbox = account("allclients", "growth");
    let example = Example::against("allclients", &sandbox);
    support_ok(&command("provision", &example, &[]));
    // Somebody took the options away.
    let field = json!({"object": "contact", "name": "cf_groups", "label": "Groups", "type": "multi_enum", "choices": ["Book Club"]});
    assert_eq!(sandbox.admin_post("/fields", &field).0, 200);
    discover(&example);
    let (code, judged) = flight(&example);
    assert_eq!(code, Some(1));
    let differs = findings(&judged, "custom_field_differs");
    assert_eq!(differs.len(), 1);
    let what = differs[0]["what"].as_str().unwrap();
    assert!(
        what.starts_with("contact.cf_groups lacks the options "),
        "{what}"
    );
    assert!(!what.contains("Book Club"), "{what}");
    let checks = judged["checks"].as_array().expect("checks");
    let check = checks
        .iter()
        .find(|c| c["check"] == "choices_complete")
        .expect("the check");
    assert_eq!(check["result"], "failed");
    let message = failed_with(&run(&example, &[]), 6);
    assert!(message.contains("lacks the options"), "{message}");

    // A record of a pick-list that is not there.
    let example = Example::copy("smartdesk");
    example.own_specs(|name, text| {
        if name == "smartdesk--freshsales.yaml" {
            text.replace("\"prospect\": \"Lead\"", "\"prospect\": \"Suspect\"")
        } else {
            text
        }
    });
    discover(&example);
    let (code, judged) = flight(&example);
    assert_eq!(code, Some(1));
    let missing = findings(&judged, "choice_missing");
    assert_eq!(missing.len(), 1, "{judged}");
    assert!(missing[0]["what"].as_str().unwrap().contains("\"Suspect\""));
    let contacts = csv_rows(&example.folder.path().join("export/contacts.csv"));
    let prospects = contacts
        .iter()
        .filter(|r| r["lifecycle_stage"].eq_ignore_ascii_case("prospect"));
    assert_eq!(missing[0]["records"], prospects.count());
    assert_eq!(run(&example, &[]).status.code(), Some(6));
}

#[test]
fn values_without_a_destination_wait_or_block_by_their_number() {
    let example = Example::copy("smartdesk");
    discover(&example);
    let (code, judged) = flight(&example);
    assert_eq!(code, Some(0));
    let of_lifecycle = |judged: &Value| -> Value {
        findings(judged, "value_without_destination")
            .into_iter()
            .find(|f| f["what"].as_str().unwrap().starts_with("contact.lifecycle"))
            .cloned()
            .expect("a finding")
    };
    let few = of_lifecycle(&judged);
    assert_eq!(
        (&few["blocks"], &few["records"]),
        (&json!(false), &json!(4))
    );
    assert!(
        few["what"]
            .as_str()
            .unwrap()
            .contains("\"regular guest\" (4)"),
        "{few}"
    );
    assert!(
        few["way_out"]
            .as_str()
            .unwrap()
            .contains("value map `lifecycle`"),
        "{few}"
    );

    // More than the migration's policy allows would end in holds anyway.
    example.edit_export("contacts.csv", |bytes| {
        let text = String::from_utf8(bytes).expect("utf-8");
        text.replace(",client,", ",guest,")
            .replace(",customer,", ",guest,")
            .into_bytes()
    });
    // The lock is of another export now, and both say so.
    let (_, judged) = flight(&example);
    assert_eq!(findings(&judged, "changed_since").len(), 1, "{judged}");
    discover(&example);
    let (code, judged) = flight(&example);
    assert_eq!(code, Some(1));
    let many = of_lifecycle(&judged);
    assert_eq!(many["blocks"], true, "{many}");
    assert!(
        many["what"]
            .as_str()
            .unwrap()
            .contains("more than `policy.errors` allows")
    );
}

#[test]
fn a_run_looks_at_the_account_again_and_names_what_is_gone() {
    let first = account("allclients", "growth");
    let example = Example::against("allclients", &first);
    support_ok(&command("provision", &example, &[]));
    discover(&example);
    assert_eq!(flight(&example).0, Some(0));
    // The same migration against an account that nobody prepared.
    let other = account("allclients", "growth");
    example.edit(|text| text.replace(&first.base, &other.base));
    let output = run(&example, &[]);
    let message = failed_with(&output, 6);
    assert!(
        message.contains("contact.cf_groups is not at the destination"),
        "{message}"
    );
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("since discovery: destination contact.cf_groups is gone"),
        "{stderr}"
    );
    assert_eq!(
        counts(&other)["contact"],
        counts(&first)["contact"],
        "nothing was sent"
    );
}

#[test]
fn stages_and_users_are_made_once_and_what_the_account_refuses_is_told_as_that() {
    let sandbox = account("interactive", "pro");
    let example = Example::against("interactive", &sandbox);
    let (_, done) = json_of("provision", &example, &[]);
    let made = counts(&sandbox);
    assert!(made["stage"] > 8 && made["pipeline"] > 1, "{made:?}");
    let lines = |told: &Value, list: &str| -> Vec<String> {
        let all = told[list].as_array().expect("a list").iter();
        all.map(|d| d.as_str().expect("a line").to_owned())
            .collect()
    };
    let first = lines(&done, "done");
    let once: BTreeSet<&String> = first.iter().collect();
    assert_eq!(once.len(), first.len(), "each thing once: {first:?}");
    assert!(
        first.iter().any(|l| l.ends_with("records of stage: made")),
        "{first:?}"
    );
    // An owner of the export that is no address.
    let refused = lines(&done, "refused");
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].starts_with("user o9: "), "{refused:?}");
    let (_, again) = json_of("provision", &example, &[]);
    assert_eq!(lines(&again, "done"), [] as [String; 0]);
    assert_eq!(lines(&again, "refused"), refused);
    assert_eq!(counts(&sandbox), made);
    // A rollback lists what it made: only a person can remove it.
    let (_, undone) = json_of("rollback", &example, &["--plan"]);
    let by_hand = undone["by_hand"].as_array().expect("a list");
    assert!(by_hand.iter().any(|l| l["object"] == "stage"), "{undone}");
}

#[test]
fn a_real_account_is_not_provisioned() {
    let example = Example::copy("allclients");
    example.edit(|text| {
        replace_block(
            text,
            "destination:",
            "destination:\n  http: {base: \"https://crm.example/api\", secret: \"env:TRANSLOAD_TEST_KEY\"}\n",
        )
    });
    let message = failed_with(&command("provision", &example, &[]), 2);
    assert!(message.contains("real account"), "{message}");
}

#[test]
fn what_people_take_over_is_written_as_documents() {
    let example = Example::copy("actimo");
    discover(&example);
    let folder = example.folder.path().join("handover");
    let out = folder.to_str().expect("a path");
    let (code, told) = json_of("handoff", &example, &["--out", out]);
    assert_eq!(code, Some(0));
    let rows = csv_rows(&folder.join("automations.csv"));
    let exported = csv_rows(&example.folder.path().join("export/automations.csv"));
    assert_eq!(rows.len(), exported.len());
    for (row, record) in rows.iter().zip(&exported) {
        for column in ["name", "trigger", "conditions", "actions"] {
            assert_eq!(row[column], record[column]);
        }
        assert!(!row["recommended"].is_empty(), "{row:?}");
    }
    let documents = told["documents"].as_array().expect("documents");
    let names: BTreeSet<&str> = documents
        .iter()
        .map(|d| d["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, BTreeSet::from(["automations", "survey_history"]));
    let page = fs::read_to_string(folder.join("README.md")).expect("a page");
    assert!(
        page.contains("survey_history") && page.contains("[ ]"),
        "{page}"
    );
    assert!(folder.join("checklist.csv").is_file());
}
