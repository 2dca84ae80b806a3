//! Reconciliation against planted damage: everything that was broken at the destination is found, where it is and how, and
//! on a clean run nothing is. No ledger is read: it is deleted before.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::Path, process::Output};
use support::{Example, Sandbox, root, transload};

fn reconcile(example: &Example, more: &[&str]) -> (i32, Value) {
    let output = reconciled(&example.migration(), more);
    let code = output.status.code().expect("a code");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(code == 0 || code == 1, "exit {code}: {stderr}");
    (code, serde_json::from_slice(&output.stdout).expect("json"))
}

fn reconciled(migration: &Path, more: &[&str]) -> Output {
    transload()
        .arg("reconcile")
        .arg(migration)
        .args(["--provision", "--format", "json"])
        .args(more)
        .output()
        .expect("it runs")
}

fn moved(name: &str, tier: &str) -> (Sandbox, Example) {
    let seed = root().join(format!("examples/{name}/sandbox.yaml"));
    let seed = seed.to_str().expect("path");
    let sandbox = Sandbox::start(
        "freshsales.yaml",
        &["--seed", seed, "--tier", tier, "--calls-per-minute", "0"],
    );
    let example = Example::against(name, &sandbox);
    example.run();
    // It must do without.
    fs::remove_dir_all(example.folder.path().join(".transload")).expect("the ledger");
    (sandbox, example)
}

/// What a finding is about, as one text: `engagement/en-3 missing`, `contact/ct-1.city wrong_value encoding`.
fn told(report: &Value) -> BTreeSet<String> {
    let findings = report["findings"].as_array().expect("findings");
    let all: BTreeSet<String> = findings
        .iter()
        .map(|f| {
            let text = |name: &str| f[name].as_str().unwrap_or("").to_owned();
            let field = match text("field").as_str() {
                "" => String::new(),
                field => format!(".{field}"),
            };
            format!(
                "{}/{}{field} {} {}",
                text("step"),
                text("key"),
                text("kind"),
                text("how")
            )
            .trim()
            .to_owned()
        })
        .collect();
    assert_eq!(all.len() as u64, report["findings_total"], "{report}");
    all
}

#[test]
fn nothing_is_found_after_a_clean_run_of_each_example() {
    for (name, tier) in [
        ("actimo", "pro"),
        ("allclients", "growth"),
        ("interactive", "pro"),
        ("smartdesk", "pro"),
        ("usercom", "pro"),
    ] {
        let (sandbox, example) = moved(name, tier);
        sandbox.admin_post("/reset_counters", &json!({}));
        let (code, report) = reconcile(&example, &[]);
        assert_eq!((code, &report["findings"]), (0, &json!([])), "{name}");
        let mut compared = 0;
        for step in report["steps"].as_array().expect("steps") {
            assert_eq!(step["balanced"], true, "{name}: {step}");
            assert_eq!(step["found"], step["expected"], "{name}: {step}");
            // Two source rows may say the same membership: the second finds what the first explains.
            let twice = i64::from(step["step"] == "segment_member");
            let found = step["found"].as_i64().expect("a number");
            assert_eq!(step["compared"], found - twice, "{name}: {step}");
            compared += step["compared"].as_u64().expect("a number");
        }
        assert!(compared > 300, "{name}: only {compared}");
        // It only read, and its counts are the destination's own.
        assert_eq!(sandbox.admin_get("/calls")["writes"], 0);
        for object in report["objects"].as_array().expect("objects") {
            let name = object["object"].as_str().expect("a name");
            let there = sandbox.records(name).len();
            assert_eq!(object["there"], there, "{name}: {object}");
        }
        // A sample finds nothing either, and compares less.
        let (code, sampled) = reconcile(&example, &["--sample", "20"]);
        assert_eq!(code, 0, "{name}: {sampled}");
        let fewer: u64 = sampled["steps"]
            .as_array()
            .expect("steps")
            .iter()
            .map(|s| s["compared"].as_u64().expect("a number"))
            .sum();
        assert!(fewer < compared, "{name}: {fewer} of {compared}");
    }
}

/// Records of a dump that damage has not touched yet, so that each kind gets one of its own.
struct Fresh {
    rows: Vec<Value>,
}

impl Fresh {
    fn of(sandbox: &Sandbox, object: &str) -> Fresh {
        Fresh {
            rows: sandbox.records(object),
        }
    }

    /// The next record for which this holds.
    fn take(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        let at = self.rows.iter().position(fits).expect("a record that fits");
        self.rows.remove(at)
    }
}

fn text<'v>(record: &'v Value, field: &str) -> &'v str {
    record["wire"][field].as_str().unwrap_or("")
}

fn custom<'v>(record: &'v Value, field: &str) -> &'v str {
    record["custom"][field].as_str().unwrap_or("")
}

/// Plants a damage into a record of an API collection, as a person would.
fn put(sandbox: &Sandbox, collection: &str, wrap: &str, record: &Value, change: Value) {
    let path = format!("/{collection}/{}", record["id"]);
    sandbox.person("PUT", &path, &json!({ wrap: change }));
}

/// A contact's custom fields with changes: the API replaces them as a whole.
fn customs(record: &Value, change: &[(&str, Value)]) -> Value {
    let mut all = record["custom"].clone();
    for (name, value) in change {
        all[*name] = value.clone();
    }
    json!({ "custom_field": all })
}

#[test]
fn every_planted_damage_is_found_and_nothing_else() {
    let (sandbox, example) = moved("interactive", "pro");
    let mut wrong = BTreeSet::new();
    let mut damage = |what: String| assert!(wrong.insert(what.clone()), "{what} twice");

    let accounts = sandbox.records("account");
    // No damage to a contact that others refer to changes what they should hold.
    let mut contacts = Fresh::of(&sandbox, "contact");
    contacts
        .rows
        .retain(|c| custom(c, "cf_interactive_id").starts_with("ct-"));
    let contact_key = |c: &Value| {
        let step = match custom(c, "cf_original_lifecycle") {
            "" => "contact",
            _ => "lead",
        };
        format!("{step}/{}", custom(c, "cf_interactive_id"))
    };
    let change = |c: &Value, change: Value| put(&sandbox, "contacts", "contact", c, change);

    let c = contacts.take(|c| c["wire"]["owner_id"].is_u64());
    let other = sandbox
        .records("user")
        .into_iter()
        .find(|u| u["id"] != c["wire"]["owner_id"])
        .expect("another user");
    change(&c, json!({"owner_id": other["id"]}));
    damage(format!("{}.owner wrong_reference other", contact_key(&c)));

    let c = contacts.take(|c| text(c, "city") == "Gdańsk");
    change(&c, json!({"city": "GdaÅ„sk"}));
    damage(format!("{}.city wrong_value encoding", contact_key(&c)));

    let c = contacts.take(|c| {
        !text(c, "first_name").is_empty()
            && !text(c, "last_name").is_empty()
            && text(c, "first_name") != text(c, "last_name")
    });
    change(
        &c,
        json!({"first_name": text(&c, "last_name"), "last_name": text(&c, "first_name")}),
    );
    for field in ["first_name", "last_name"] {
        damage(format!("{}.{field} wrong_value swapped", contact_key(&c)));
    }

    let c = contacts.take(|c| !custom(c, "cf_buying_phase").is_empty());
    change(&c, customs(&c, &[("cf_buying_phase", Value::Null)]));
    damage(format!(
        "{}.cf_buying_phase wrong_value empty",
        contact_key(&c)
    ));

    let c = contacts.take(|c| custom(c, "cf_region") == "North");
    change(&c, customs(&c, &[("cf_region", json!("South"))]));
    damage(format!("{}.cf_region wrong_value other", contact_key(&c)));

    let c = contacts.take(|c| !text(c, "mobile_number").is_empty());
    change(&c, json!({"mobile_number": null}));
    damage(format!("{}.mobile wrong_value empty", contact_key(&c)));

    let c = contacts.take(|c| !text(c, "last_name").is_empty());
    change(
        &c,
        json!({"last_name": text(&c, "last_name").to_uppercase()}),
    );
    damage(format!("{}.last_name wrong_value case", contact_key(&c)));

    let c = contacts.take(|c| text(c, "address").contains(' '));
    change(
        &c,
        json!({"address": text(&c, "address").replace(' ', "  ")}),
    );
    damage(format!("{}.address wrong_value spaces", contact_key(&c)));

    let c = contacts.take(|c| c["wire"]["sales_accounts"][0]["id"].is_u64());
    change(&c, json!({"sales_accounts": []}));
    damage(format!("{}.account wrong_reference empty", contact_key(&c)));

    let c = contacts.take(|c| !text(c, "email").is_empty());
    change(&c, json!({"email": "somebody.else@clients.example"}));
    damage(format!("{}.email wrong_value other", contact_key(&c)));

    let c = contacts.take(|c| c["wire"]["lifecycle_stage_id"].is_u64());
    let stage = sandbox
        .records("lifecycle_stage")
        .into_iter()
        .find(|s| s["id"] != c["wire"]["lifecycle_stage_id"])
        .expect("another stage");
    change(&c, json!({"lifecycle_stage_id": stage["id"]}));
    damage(format!(
        "{}.lifecycle wrong_reference other",
        contact_key(&c)
    ));

    let mut deals = Fresh::of(&sandbox, "deal");
    let deal_key = |d: &Value| format!("deal/{}", custom(d, "cf_interactive_id"));
    let change = |d: &Value, change: Value| put(&sandbox, "deals", "deal", d, change);

    let d = deals.take(|d| !text(d, "expected_close").is_empty());
    let day: jiff::civil::Date = text(&d, "expected_close").parse().expect("a day");
    let before = day.yesterday().expect("a day before").to_string();
    change(&d, json!({"expected_close": before}));
    damage(format!("{}.close_date wrong_value shifted", deal_key(&d)));

    let amount = |d: &Value| text(d, "amount").parse::<f64>().unwrap_or(0.0);
    let d = deals.take(|d| amount(d) > 1.0);
    change(&d, json!({"amount": amount(&d) * 100.0}));
    damage(format!("{}.amount wrong_value other", deal_key(&d)));

    let d = deals.take(|d| amount(d).fract() > 0.0);
    change(&d, json!({"amount": amount(&d).round()}));
    damage(format!("{}.amount wrong_value rounded", deal_key(&d)));

    let d = deals.take(|d| d["wire"]["deal_stage_id"].is_u64());
    let stage = sandbox
        .records("stage")
        .into_iter()
        .find(|s| {
            s["id"] != d["wire"]["deal_stage_id"]
                && s["wire"]["deal_pipeline_id"] == d["wire"]["deal_pipeline_id"]
        })
        .expect("another stage");
    change(&d, json!({"deal_stage_id": stage["id"]}));
    damage(format!("{}.stage wrong_reference other", deal_key(&d)));

    // Without its stamp a deal is told by what else it holds.
    let d = deals.take(|_| true);
    change(&d, customs(&d, &[("cf_interactive_id", Value::Null)]));
    damage(format!(
        "{}.cf_interactive_id wrong_value empty",
        deal_key(&d)
    ));

    // The same deal once more, stamp included.
    let d = deals.take(|_| true);
    let mut twin = d["wire"].clone();
    for name in [
        "id",
        "contact_ids",
        "probability",
        "created_at",
        "updated_at",
    ] {
        twin.as_object_mut().expect("a record").remove(name);
    }
    sandbox.person("POST", "/deals", &json!({ "deal": twin }));
    damage(format!("{} doubled", deal_key(&d)));

    let child = accounts
        .iter()
        .find(|a| a["wire"]["parent_sales_account_id"].is_u64())
        .expect("an account with a parent");
    let other = accounts
        .iter()
        .find(|a| a["id"] != child["id"] && a["id"] != child["wire"]["parent_sales_account_id"])
        .expect("another account");
    put(
        &sandbox,
        "sales_accounts",
        "sales_account",
        child,
        json!({"parent_sales_account_id": other["id"]}),
    );
    damage(format!(
        "account/{}.parent wrong_reference other",
        custom(child, "cf_interactive_id")
    ));

    plant_below_parents(&sandbox, &example, &mut damage);

    assert!(wrong.len() >= 25, "only {} kinds", wrong.len());
    let (code, report) = reconcile(&example, &["--values"]);
    assert_eq!(code, 1);
    let found = told(&report);
    assert_eq!(found, wrong, "{report:#}");
    // Masked unless asked for.
    let masked = transload()
        .arg("reconcile")
        .arg(example.migration())
        .arg("--provision")
        .output()
        .expect("it runs");
    let shown = String::from_utf8(masked.stdout).expect("text");
    assert!(shown.contains("read in another encoding"), "{shown}");
    assert!(!shown.contains("Gda"), "{shown}");
    let page = reconciled(&example.migration(), &["--format", "markdown"]);
    assert_eq!(page.status.code(), Some(2), "one format at a time");
}

/// Damage to notes, activities and documents, which have no key of their own.
fn plant_below_parents(sandbox: &Sandbox, example: &Example, damage: &mut dyn FnMut(String)) {
    let export = |file: &str| support::csv_rows(&example.folder.path().join("export").join(file));
    let notes = export("notes.csv");
    // A note of the export with its own words, and the record it became.
    let there = sandbox.records("note");
    let mut pairs: Vec<(String, Value)> = notes
        .iter()
        .filter_map(|row| {
            // `no-7` reads "<p>Note <b>7</b> &amp; more, ...": as text it ends so.
            let number = row["note_id"].trim_start_matches("no-");
            let ends = format!("\nNote {number} & more, \"quoted\"");
            let mut same = there
                .iter()
                .filter(|n| text(n, "description").ends_with(&ends));
            let one = same.next()?;
            let alone = same.next().is_none() && text(one, "description").len() < 200;
            alone.then(|| (row["note_id"].clone(), one.clone()))
        })
        .collect();
    let mut next = |fits: &dyn Fn(&Value) -> bool| {
        let at = pairs.iter().position(|(_, n)| fits(n)).expect("a note");
        pairs.remove(at)
    };
    let of_contact = |n: &Value| n["wire"]["targetable_type"] == "Contact";

    let (key, n) = next(&|n| text(n, "description").split(' ').count() > 6);
    let cut: String = text(&n, "description")
        .chars()
        .take(text(&n, "description").chars().count() - 9)
        .collect();
    put(sandbox, "notes", "note", &n, json!({"description": cut}));
    damage(format!("note/{key}.body wrong_value truncated"));

    let (key, n) = next(&of_contact);
    let other = sandbox
        .records("contact")
        .into_iter()
        .find(|c| c["id"] != n["wire"]["targetable_id"])
        .expect("another contact");
    put(
        sandbox,
        "notes",
        "note",
        &n,
        json!({"targetable_id": other["id"], "targetable_type": "Contact"}),
    );
    damage(format!("note/{key}.about wrong_parent other"));

    let (key, n) = next(&of_contact);
    sandbox.person(
        "POST",
        "/notes",
        &json!({"note": {
            "description": n["wire"]["description"],
            "targetable_id": n["wire"]["targetable_id"],
            "targetable_type": "Contact",
        }}),
    );
    damage(format!("note/{key} doubled"));

    let (key, n) = next(&of_contact);
    sandbox.person("DELETE", &format!("/notes/{}", n["id"]), &Value::Null);
    damage(format!("note/{key} missing"));

    let activities = sandbox.records("sales_activity");
    let rows = export("engagements.csv");
    let of = |subject: &str| {
        let mut same = rows.iter().filter(|r| r["subject"] == subject);
        let one = same.next()?;
        same.next().is_none().then(|| one["engagement_id"].clone())
    };
    let mut alone = activities
        .iter()
        .filter_map(|a| Some((of(text(a, "title"))?, a)))
        .filter(|(_, a)| text(a, "notes").contains("<p>"));
    let (key, a) = alone.next().expect("an activity");
    let escaped = text(a, "notes").replace('<', "&lt;").replace('>', "&gt;");
    put(
        sandbox,
        "sales_activities",
        "sales_activity",
        a,
        json!({"notes": escaped}),
    );
    damage(format!("engagement/{key}.notes wrong_value escaped"));
    let (key, a) = alone.next().expect("an activity");
    sandbox.person(
        "DELETE",
        &format!("/sales_activities/{}", a["id"]),
        &Value::Null,
    );
    damage(format!("engagement/{key} missing"));
}

#[test]
fn a_lost_person_takes_notes_and_tasks_along_and_other_damage_is_told_apart() {
    let (sandbox, example) = moved("allclients", "growth");
    let mut contacts = Fresh::of(&sandbox, "contact");
    contacts
        .rows
        .retain(|c| !custom(c, "cf_allclients_id").is_empty());
    let key = |c: &Value| custom(c, "cf_allclients_id").to_owned();

    let tagged = contacts.take(|c| c["wire"]["tags"].as_array().is_some_and(|t| t.len() > 1));
    let fewer: Vec<Value> = tagged["wire"]["tags"].as_array().expect("tags")[1..].to_vec();
    put(
        &sandbox,
        "contacts",
        "contact",
        &tagged,
        json!({"tags": fewer}),
    );

    // People add tags: that is no damage.
    let more = contacts.take(|c| c["wire"]["tags"].as_array().is_some_and(|t| t.len() == 1));
    let tags = json!([more["wire"]["tags"][0], "added by hand"]);
    put(
        &sandbox,
        "contacts",
        "contact",
        &more,
        json!({"tags": tags}),
    );

    let tasks = sandbox.records("task");
    let done = tasks
        .iter()
        .find(|t| t["fields"]["done"] == true)
        .expect("a closed task");
    put(&sandbox, "tasks", "task", done, json!({"status": 0}));
    let later = tasks
        .iter()
        .find(|t| t["id"] != done["id"] && text(t, "due_date") != text(done, "due_date"))
        .expect("a task");
    let due: jiff::Timestamp = text(later, "due_date").parse().expect("a time");
    let moved = due + jiff::SignedDuration::from_hours(1);
    put(
        &sandbox,
        "tasks",
        "task",
        later,
        json!({"due_date": moved.to_string()}),
    );

    let lost = contacts.take(|c| {
        let id = c["id"].to_string();
        sandbox.children("contacts", &id, "notes").len() > 1
    });
    let id = lost["id"].to_string();
    let notes = sandbox.children("contacts", &id, "notes").len();
    let own: Vec<Value> = sandbox.children("contacts", &id, "tasks");
    sandbox.person("DELETE", &format!("/contacts/{id}"), &Value::Null);

    let (code, report) = reconcile(&example, &[]);
    assert_eq!(code, 1);
    let found = told(&report);
    let about = |begins: &str, ends: &str| {
        let fits = |f: &&String| f.starts_with(begins) && f.ends_with(ends);
        found.iter().filter(fits).count()
    };
    assert!(found.contains(&format!("contact/{}.tags wrong_value items", key(&tagged))));
    assert_eq!(
        about(&format!("contact/{}", key(&more)), ""),
        0,
        "{found:?}"
    );
    assert!(found.contains(&format!("contact/{} missing", key(&lost))));
    assert_eq!(about("note/", " missing"), notes, "{found:?}");
    let touched = |t: &Value| own.iter().any(|o| o["id"] == t["id"]);
    assert_eq!(
        about("task/", ".done wrong_value other"),
        usize::from(!touched(done)),
        "{found:?}"
    );
    assert_eq!(
        about("task/", ".due wrong_value shifted"),
        usize::from(!touched(later)),
        "{found:?}"
    );
    let missing = report["findings"].as_array().expect("findings").iter();
    for f in missing.filter(|f| f["step"] == "note" && f["kind"] == "missing") {
        assert_eq!(f["note"], "a record it refers to is missing, too");
    }
    // Who is not at the destination is told by name and number.
    let waits = report["unassigned"].as_array().expect("unassigned");
    assert!(
        waits
            .iter()
            .any(|u| u["key"] == "lena.brandt@agency.example" && u["fallback"] == false),
        "{waits:?}"
    );
    assert!(
        report["unmatched"]
            .as_array()
            .expect("unmatched")
            .iter()
            .any(|u| u["field"] == "done" && u["records"] == 1)
    );
}

#[test]
fn a_member_that_was_taken_out_of_a_list_is_missing() {
    let (sandbox, example) = moved("usercom", "pro");
    let rows = support::csv_rows(&example.folder.path().join("export/segment_members.csv"));
    let lists = sandbox.get("/lists")["lists"]
        .as_array()
        .expect("lists")
        .clone();
    let list = &lists[0]["id"];
    let members = sandbox.get(&format!("/contacts/lists/{list}?per_page=100"));
    let contact = members["contacts"][3]["id"].clone();
    let path = format!("/lists/{list}/remove_contacts");
    sandbox.person("PUT", &path, &json!({"ids": [contact]}));
    let (code, report) = reconcile(&example, &[]);
    assert_eq!(code, 1);
    let found = told(&report);
    assert!(!found.is_empty() && found.len() < rows.len());
    assert!(
        found
            .iter()
            .all(|f| f.starts_with("segment_member/") && f.ends_with(" missing")),
        "{found:?}"
    );
}

#[test]
fn an_account_that_was_never_loaded_misses_everything_and_files_are_refused() {
    let example = Example::copy("allclients");
    let (code, report) = reconcile(&example, &[]);
    assert_eq!(code, 1);
    let steps = report["steps"].as_array().expect("steps");
    let contact = steps.iter().find(|s| s["step"] == "contact").expect("step");
    // Three people are there already, by their e-mail, with other values.
    assert_eq!(contact["found"], 3);
    assert_eq!(contact["missing"], 283);
    assert_eq!(contact["differing"], 3);
    let text = transload()
        .arg("reconcile")
        .arg(example.migration())
        .args(["--provision", "--format", "markdown"])
        .output()
        .expect("it runs");
    let page = String::from_utf8(text.stdout).expect("text");
    assert!(
        page.contains("| contact (contact -> contact) | 320 |"),
        "{page}"
    );

    example
        .edit(|text| support::replace_block(text, "destination:", "destination:\n  folder: out\n"));
    let none = reconciled(&example.migration(), &["--sample", "0"]);
    assert_eq!(none.status.code(), Some(2));
    let message = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(message.contains("leave `--sample` out"), "{message}");
    let refused = reconciled(&example.migration(), &[]);
    let code = refused.status.code();
    assert!(code == Some(1) || code == Some(2), "{refused:?}");
}
