//! SmartDesk to the simulated account, row by row of the requirements: the example is loaded once, then each row
//! reads the destination back over HTTP and compares with the export's files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};
use support::{
    moved::{Moved, Row, assert_same, by_column, by_custom},
    step,
};

fn moved() -> &'static Moved {
    static MOVED: OnceLock<Moved> = OnceLock::new();
    MOVED.get_or_init(|| Moved::run("smartdesk", "growth"))
}

fn contacts() -> BTreeMap<String, &'static Value> {
    by_custom(&moved().contacts, "cf_smartdesk_id")
}

fn accounts() -> BTreeMap<String, &'static Value> {
    by_custom(&moved().accounts, "cf_smartdesk_id")
}

fn deals() -> BTreeMap<String, &'static Value> {
    by_custom(&moved().deals, "cf_smartdesk_id")
}

/// The account of that name, whatever its case and spaces.
fn account_named(name: &str) -> Option<&'static Value> {
    moved().accounts.iter().find(|a| {
        a["name"]
            .as_str()
            .is_some_and(|n| n.trim().eq_ignore_ascii_case(name.trim()))
    })
}

/// Where a related id of the export went: path of its collection, word and id.
fn destination(related: &str) -> Option<(&'static str, &'static str, String)> {
    let (path, word, found) = match related.chars().next()? {
        'A' => (
            "sales_accounts",
            "SalesAccount",
            accounts().get(related).copied(),
        ),
        'D' => ("deals", "Deal", deals().get(related).copied()),
        _ => ("contacts", "Contact", contacts().get(related).copied()),
    };
    Some((path, word, found?["id"].to_string()))
}

/// `dd/mm/yyyy hh:mm` in London as an instant.
fn london(text: &str) -> jiff::Timestamp {
    jiff::civil::DateTime::strptime("%d/%m/%Y %H:%M", text)
        .expect("a time")
        .in_tz("Europe/London")
        .expect("a zone")
        .timestamp()
}

fn instant(value: &Value) -> jiff::Timestamp {
    value.as_str().expect("text").parse().expect("an instant")
}

/// All records of a list that is called once per filter.
fn listed(object: &str, filters: &[&str]) -> Vec<Value> {
    let mut all = Vec::new();
    for filter in filters {
        for page in 1.. {
            let answer = moved().sandbox.get(&format!(
                "/{object}?filter={filter}&page={page}&per_page=100"
            ));
            let rows = answer[object].as_array().expect("rows").clone();
            if rows.is_empty() {
                break;
            }
            all.extend(rows);
        }
    }
    all
}

/// Activities of one kind that arrived.
fn activities(kind: &str, step: &str) -> Vec<Row> {
    let held = moved().held_keys(step);
    let rows: Vec<Row> = moved()
        .export("activities.csv")
        .into_iter()
        .filter(|r| r["type"] == kind && !held.contains(&r["id"]))
        .collect();
    assert!(rows.len() > 50, "{kind}: only {}", rows.len());
    rows
}

fn assert_related(row: &Row, record: &Value) {
    let (_, word, id) = destination(&row["related_id"]).expect("a parent");
    assert_eq!(record["targetable_type"], word, "{row:?}");
    assert_eq!(record["targetable_id"].to_string(), id, "{row:?}");
}

#[test]
fn books_balance_and_a_second_run_writes_nothing() {
    moved().assert_balanced();
}

#[test]
fn sd_01_leads_keep_source_and_status_and_are_never_converted() {
    let m = moved();
    let (there, held) = (contacts(), m.held_keys("lead"));
    let lead_stage = m.selector("lifecycle_stages")["lead"];
    let list = m
        .example
        .folder
        .path()
        .join(".transload/handoff/leads_to_convert.md");
    let list = std::fs::read_to_string(list).expect("the document");
    let (mut compared, mut flagged) = (0, 0);
    for row in m.export("leads.csv") {
        if held.contains(&row["id"]) {
            continue;
        }
        let lead = there[&row["id"]];
        assert_eq!(lead["lifecycle_stage_id"].as_i64(), Some(lead_stage));
        assert_eq!(lead["sales_accounts"], Value::Array(Vec::new()));
        let custom = &lead["custom_field"];
        assert_same(
            &row,
            custom,
            &[
                ("lead_source", "cf_lead_source"),
                ("lead_status", "cf_lead_status"),
                ("company", "cf_company"),
            ],
        );
        let wanted = match row["convert_flag"].as_str() {
            "Y" => Value::Bool(true),
            "N" => Value::Bool(false),
            _ => Value::Null,
        };
        assert_eq!(custom["cf_to_convert"], wanted);
        // Who should convert is in the list for people.
        let listed = list.contains(&row["email"]);
        assert_eq!(listed, wanted == true, "{row:?}");
        flagged += usize::from(wanted == true);
        compared += 1;
    }
    assert!(compared > 50 && flagged > 5);
    assert_eq!(m.held("lead")["same_match_key"].len(), 2);
}

#[test]
fn sd_02_contacts_find_their_account_by_name() {
    let m = moved();
    let (there, held) = (contacts(), m.held_keys("contact"));
    let stages = m.selector("lifecycle_stages");
    let (mut linked, mut other_case) = (0, 0);
    for row in m.export("contacts.csv") {
        if held.contains(&row["id"]) {
            continue;
        }
        let contact = there[&row["id"]];
        assert_same(
            &row,
            contact,
            &[
                ("first_name", "first_name"),
                ("last_name", "last_name"),
                ("phone", "work_number"),
                ("address", "address"),
                ("city", "city"),
                ("postcode", "zipcode"),
                ("country", "country"),
            ],
        );
        // One was there before, its address in capitals.
        let email = contact["email"].as_str().map(str::to_lowercase);
        assert_eq!(email, Some(row["email"].to_lowercase()), "{row:?}");
        let stage = match row["lifecycle_stage"].to_lowercase().as_str() {
            "prospect" => "lead",
            "qualified" => "sales qualified lead",
            _ => "customer",
        };
        assert_eq!(contact["lifecycle_stage_id"].as_i64(), Some(stages[stage]));
        let name = &row["account_name"];
        if name.is_empty() {
            assert_eq!(contact["sales_accounts"], Value::Array(Vec::new()));
            continue;
        }
        let account = account_named(name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(contact["sales_accounts"][0]["id"], account["id"], "{name}");
        other_case += usize::from(account["name"] != name.as_str());
        linked += 1;
    }
    assert!(linked > 200 && other_case > 0, "{linked} {other_case}");
    let held = m.held("contact");
    assert_eq!(held["join_many"].len(), 4, "two accounts of one name");
    assert_eq!(held["account_unknown"].len(), 4, "an orphan waits");
}

#[test]
fn sd_03_accounts_come_with_industry_size_website_and_own_fields() {
    let m = moved();
    let (there, held) = (accounts(), m.held_keys("account"));
    let industries = m.selector("industry_types");
    let mut compared = 0;
    for row in m.export("accounts.csv") {
        if held.contains(&row["id"]) {
            continue;
        }
        let account = there[&row["id"]];
        assert_same(&row, account, &[("website", "website"), ("phone", "phone")]);
        let wanted = match row["industry"].as_str() {
            "IT" => Some("software"),
            "Finance" => Some("financial services"),
            "Healthcare" => Some("health care"),
            "Beekeeping" => Some("other"),
            _ => None,
        };
        assert_eq!(
            account["industry_type_id"].as_i64(),
            wanted.map(|w| industries[w])
        );
        assert_eq!(
            account["number_of_employees"].as_i64(),
            row["employee_count"].parse().ok()
        );
        assert_same(
            &row,
            &account["custom_field"],
            &[
                ("Account Tier", "cf_account_tier"),
                ("industry", "cf_industry_original"),
            ],
        );
        compared += 1;
    }
    assert!(compared > 70);
    assert_eq!(
        m.held("account")["same_match_key"],
        BTreeSet::from(["A210".to_owned()])
    );
}

fn stages() -> BTreeMap<String, Value> {
    moved().sandbox.get("/selector/deal_stages")["deal_stages"]
        .as_array()
        .expect("stages")
        .iter()
        .map(|s| (s["name"].as_str().expect("a name").to_owned(), s.clone()))
        .collect()
}

/// The destination's name of a source stage.
fn stage_there(name: &str) -> &str {
    match name {
        "Needs analysis" => "Discovery",
        "Proposal" => "Demo",
        same => same,
    }
}

#[test]
fn sd_04_deals_take_value_owner_contact_and_a_reconciled_stage() {
    let m = moved();
    let (there, held, stages) = (deals(), m.held_keys("deal"), stages());
    let contacts = contacts();
    let (mut compared, mut with_contact) = (0, 0);
    for row in m.export("deals.csv") {
        if held.contains(&row["id"]) {
            continue;
        }
        let deal = there[&row["id"]];
        assert_eq!(deal["name"], row["name"].as_str());
        let amount: f64 = deal["amount"].as_str().expect("text").parse().expect("n");
        assert_eq!(Some(amount), row["value"].parse().ok());
        let day: Vec<&str> = row["expected_close_date"].split('/').collect();
        assert_eq!(
            deal["expected_close"],
            format!("{}-{}-{}", day[2], day[1], day[0])
        );
        assert_eq!(
            deal["deal_stage_id"],
            stages[stage_there(&row["stage"])]["id"]
        );
        assert_eq!(deal["owner_id"].as_i64(), m.user(&row["owner_email"]));
        let account = account_named(&row["account_name"]).expect("an account");
        assert_eq!(deal["sales_account_id"], account["id"]);
        if let Some(contact) = contacts.get(&row["contact_id"]) {
            let shown = m
                .sandbox
                .get(&format!("/deals/{}?include=contacts", deal["id"]));
            assert_eq!(shown["deal"]["contact_ids"][0], contact["id"]);
            with_contact += 1;
        }
        compared += 1;
    }
    assert!(compared > 80 && with_contact > 50);
}

#[test]
fn sd_05_stages_match_by_name_then_by_position_else_are_created() {
    let m = moved();
    let stages = stages();
    assert_eq!(stages.len(), 8, "seven were there, one is new");
    assert!(!stages.contains_key("Needs analysis") && !stages.contains_key("Proposal"));
    assert_eq!(stages["On hold"]["probability"], 5);
    assert_eq!(stages["Discovery"]["probability"], 50, "not written over");
    // By the place in the sequence: a stage of another name at the same place of the same pipeline stands for it.
    for row in m.export("stages.csv") {
        let there = &stages[stage_there(&row["stage"])];
        assert_eq!(there["position"].to_string(), row["position"], "{row:?}");
    }
    let deals = deals();
    let mut by_place = 0;
    for row in m.export("deals.csv") {
        if let Some(deal) = deals.get(&row["id"])
            && stage_there(&row["stage"]) != row["stage"]
        {
            let there = &stages[stage_there(&row["stage"])];
            assert_eq!(deal["deal_stage_id"], there["id"], "{row:?}");
            by_place += 1;
        }
    }
    assert!(by_place > 10, "only {by_place}");
    let books = step(&m.report, "stage");
    assert_eq!(
        (&books["created"], &books["unchanged"]),
        (&1.into(), &7.into())
    );
    assert_eq!(
        m.held("deal")["join_none"].len(),
        4,
        "deals of an unknown stage are flagged"
    );
}

#[test]
fn sd_06_tasks_follow_their_parent_and_those_without_wait() {
    let m = moved();
    let there: BTreeMap<String, Value> = listed("tasks", &["open", "completed"])
        .into_iter()
        .map(|t| (t["title"].as_str().expect("a title").to_owned(), t))
        .collect();
    let held = m.held_keys("task");
    let mut compared = 0;
    for row in m.export("tasks.csv") {
        if held.contains(&row["id"]) {
            continue;
        }
        let task = &there[&row["title"]];
        assert_eq!(task["description"], row["description"].as_str());
        assert_eq!(task["status"], i32::from(row["status"] == "Done"));
        assert_eq!(task["owner_id"].as_i64(), m.user(&row["assignee_email"]));
        let due = match row["due_date"].contains(' ') {
            true => row["due_date"].clone(),
            false => format!("{} 00:00", row["due_date"]),
        };
        assert_eq!(instant(&task["due_date"]), london(&due), "{row:?}");
        assert_related(&row, task);
        compared += 1;
    }
    assert!(compared > 80);
    assert!(m.held("task")["reference_missing"].len() > 20);
}

#[test]
fn sd_07_calls_become_completed_tasks() {
    let there: BTreeMap<String, Value> = listed("tasks", &["completed"])
        .into_iter()
        .map(|t| (t["description"].to_string(), t))
        .collect();
    for row in activities("call", "call") {
        let (_, task) = there
            .iter()
            .find(|(d, _)| d.ends_with(&format!("{}\"", row["body"])))
            .unwrap_or_else(|| panic!("{row:?}"));
        let subject = match row["subject"].as_str() {
            "" => "no subject",
            subject => subject,
        };
        assert_eq!(task["title"], format!("Call: {subject}"));
        assert_eq!(task["status"], 1);
        assert_eq!(instant(&task["due_date"]), london(&row["start"]));
        let said = task["description"].as_str().expect("text");
        assert!(said.starts_with(&format!(
            "{}, {} minutes",
            row["direction"], row["duration"]
        )));
        assert_related(&row, task);
    }
}

#[test]
fn sd_07_meetings_become_appointments() {
    let there: BTreeMap<String, Value> = listed("appointments", &["past", "upcoming"])
        .into_iter()
        .map(|t| (t["description"].as_str().expect("text").to_owned(), t))
        .collect();
    for row in activities("meeting", "meeting") {
        let meeting = &there[&row["body"]];
        assert_eq!(instant(&meeting["from_date"]), london(&row["start"]));
        assert_eq!(instant(&meeting["end_date"]), london(&row["end"]));
        assert_eq!(meeting["location"], row["location"].as_str());
        assert_related(&row, meeting);
    }
}

#[test]
fn sd_07_emails_become_activities_and_notes_become_notes() {
    let m = moved();
    let email = m.selector("sales_activity_types")["email"];
    let there = listed("sales_activities", &[""]);
    for row in activities("email", "email") {
        let activity = there
            .iter()
            .find(|a| {
                a["notes"]
                    .as_str()
                    .is_some_and(|n| n.ends_with(&row["body"]))
            })
            .unwrap_or_else(|| panic!("{row:?}"));
        assert_eq!(activity["sales_activity_type_id"].as_i64(), Some(email));
        assert_eq!(instant(&activity["start_date"]), london(&row["start"]));
        assert_eq!(activity["owner_id"].as_i64(), m.user(&row["owner_email"]));
        assert_related(&row, activity);
    }
    let names = by_column(&m.export("users.csv"), "email");
    for row in activities("note", "note") {
        let (path, _, id) = destination(&row["related_id"]).expect("a parent");
        let notes = m.sandbox.children(path, &id, "notes");
        let author = match names[&row["owner_email"].to_lowercase()]["name"].as_str() {
            "" => "unknown author".to_owned(),
            name => name.to_owned(),
        };
        let found = notes.iter().any(|n| {
            let text = n["description"].as_str().unwrap_or_default();
            text.contains(&author) && text.ends_with(&row["body"])
        });
        assert!(found, "{row:?} not in {notes:?}");
    }
}

#[test]
fn sd_08_missing_owners_get_a_placeholder_before_anything_they_own() {
    let m = moved();
    let users = m.sandbox.get("/selector/owners");
    let users = users["users"].as_array().expect("users");
    for email in ["tara.odell@desk.example", "ivo.kern@desk.example"] {
        let user = users.iter().find(|u| u["email"] == email).expect(email);
        assert_eq!(user["is_active"], false, "flagged for activation");
        let owned = m
            .contacts
            .iter()
            .filter(|c| c["owner_id"] == user["id"])
            .count();
        assert!(owned > 20, "{email} owns {owned}");
    }
    assert_eq!(users.len(), 5);
    assert_eq!(step(&m.report, "user")["created"], 2);
    let held = m.held("contact");
    assert_eq!(
        held["reference_missing"].len(),
        8,
        "unknown and blank owners"
    );
}

#[test]
fn sd_09_campaigns_come_without_their_counts() {
    let m = moved();
    let rows = m.sandbox.admin_get("/objects/campaign");
    let there: BTreeMap<&str, &Value> = rows
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|r| Some((r["fields"]["name"].as_str()?, &r["fields"])))
        .collect();
    let list = m
        .example
        .folder
        .path()
        .join(".transload/handoff/campaign_results.md");
    let list = std::fs::read_to_string(list).expect("the document");
    for row in m.export("campaigns.csv") {
        let campaign = there[row["name"].as_str()];
        assert_eq!(campaign["kind"], row["type"].as_str());
        assert_eq!(campaign["status"], row["status"].as_str());
        for (column, field) in [("start_date", "starts"), ("end_date", "ends")] {
            let day: Vec<&str> = row[column].split('/').collect();
            let day = format!("{}-{}-{}", day[2], day[1], day[0]);
            assert_eq!(campaign[field], day, "{row:?}");
        }
        for count in [&row["sends"], &row["opens"]] {
            assert!(
                !campaign.to_string().contains(count),
                "{count} stays behind"
            );
            assert!(
                list.contains(count.as_str()),
                "{count}, and is told: {list}"
            );
        }
    }
    assert_eq!(m.selector("campaigns").len(), 6);
}

#[test]
fn sd_10_templates_keep_text_and_merge_fields_and_dynamic_ones_are_flagged() {
    let m = moved();
    let rows = m.sandbox.admin_get("/objects/email_template");
    let there: BTreeMap<&str, &Value> = rows
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|r| Some((r["fields"]["name"].as_str()?, &r["fields"])))
        .collect();
    let folder = m.example.folder.path();
    let list = folder.join(".transload/handoff/dynamic_templates.md");
    let list = std::fs::read_to_string(list).expect("the document");
    let (mut merged, mut dynamic) = (0, 0);
    for row in m.export("email_templates.csv") {
        let html = std::fs::read_to_string(folder.join("export").join(&row["file"]));
        let html = html.expect("the file");
        assert_eq!(there[row["name"].as_str()]["html"], html.as_str());
        let subject = match row["subject"].as_str() {
            "" => &row["name"],
            subject => subject,
        };
        assert_eq!(there[row["name"].as_str()]["subject"], subject);
        merged += usize::from(html.contains("{{") || subject.contains("{{"));
        // Every one with conditions or loops is in the list for people, and no other.
        assert_eq!(html.contains("{%"), list.contains(&row["name"]), "{row:?}");
        dynamic += usize::from(html.contains("{%"));
    }
    assert!(merged > 0 && dynamic > 0, "{merged} {dynamic}");
}
