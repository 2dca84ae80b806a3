//! User.com to the simulated account, row by row of the requirements: the example is loaded once, then each row reads
//! the destination back over HTTP and compares with the export's files.

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
    sync::OnceLock,
};
use support::{
    moved::{Moved, Row, assert_same, by_column, by_custom},
    step,
};

const ADMIN: &str = "migration.admin@app.example";

fn moved() -> &'static Moved {
    static MOVED: OnceLock<Moved> = OnceLock::new();
    MOVED.get_or_init(|| Moved::run("usercom", "pro"))
}

fn contacts() -> BTreeMap<String, &'static Value> {
    by_custom(&moved().contacts, "cf_usercom_original_id__c")
}

/// Rows of contacts that arrived, each with its contact.
fn arrived() -> Vec<(Row, &'static Value)> {
    let there = contacts();
    let rows: Vec<(Row, &Value)> = moved()
        .export("contacts.csv")
        .into_iter()
        .filter_map(|r| {
            let contact = there.get(&r["id"]).copied()?;
            Some((r, contact))
        })
        .collect();
    assert!(rows.len() > 250, "only {}", rows.len());
    rows
}

fn owner_of(source: &str) -> Option<i64> {
    let m = moved();
    let owners = by_column(&m.export("owners.csv"), "id");
    m.user(&owners[source]["email"]).or_else(|| m.user(ADMIN))
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

fn instant(text: &str) -> jiff::Timestamp {
    text.parse().expect("an instant")
}

/// Items of a PostgreSQL array as the generator writes them.
fn items(text: &str) -> Vec<String> {
    let known = ["Partner", "Big, old", "with \"q\"", "Tea", "Long walks"];
    let plain = text.replace("\\\"", "\"");
    let mut found: Vec<String> = known
        .iter()
        .filter(|k| plain.contains(**k))
        .map(|k| (*k).to_owned())
        .collect();
    found.sort();
    found
}

/// Choices of a multi-select, as the API joins them.
fn choices(value: &Value) -> Vec<String> {
    let mut all: Vec<String> = value
        .as_str()
        .unwrap_or_default()
        .split(';')
        .filter(|c| !c.is_empty())
        .map(str::to_owned)
        .collect();
    all.sort();
    all
}

#[test]
fn books_balance_and_a_second_run_writes_nothing() {
    moved().assert_balanced();
}

#[test]
fn uc_01_deals_and_engagements_make_contacts_the_others_are_leads_and_chat_visitors_stay() {
    let m = moved();
    let stages = m.selector("lifecycle_stages");
    let with_deal: BTreeSet<String> = m
        .export("deals.csv")
        .into_iter()
        .map(|mut d| d.remove("user_id").expect("a contact"))
        .collect();
    let accounts = by_custom(&m.accounts, "cf_usercom_id");
    let (mut leads, mut by_deal, mut with_account) = (0, 0, 0);
    for (row, contact) in arrived() {
        let engaged = ["call", "email", "meeting"].contains(&row["last_event_type"].as_str());
        let deal = with_deal.contains(&row["id"]);
        let wanted = match engaged || deal {
            true => "customer",
            false => "lead",
        };
        assert_eq!(
            contact["lifecycle_stage_id"].as_i64(),
            Some(stages[wanted]),
            "{row:?}"
        );
        assert_same(
            &row,
            contact,
            &[
                ("first_name", "first_name"),
                ("last_name", "last_name"),
                ("email", "email"),
                ("phone_number", "mobile_number"),
            ],
        );
        let linked = contact["sales_accounts"].as_array().expect("a list");
        assert_eq!(!linked.is_empty(), wanted == "customer");
        // The company of a merged duplicate became the survivor's account.
        if let (Some(link), Some(account)) = (linked.first(), accounts.get(&row["company_id"])) {
            assert_eq!(link["id"], account["id"], "{row:?}");
            assert_eq!(link["is_primary"], true);
            with_account += 1;
        }
        leads += usize::from(wanted == "lead");
        by_deal += usize::from(deal && !engaged);
    }
    assert!(leads > 50 && by_deal > 5, "{leads} {by_deal}");
    assert!(with_account > 50, "only {with_account}");
    let silent = m.export("contacts.csv");
    let silent = silent
        .iter()
        .filter(|r| r["email"].is_empty() && r["custom_id"].is_empty());
    let dropped = &step(&m.report, "contact")["dropped"];
    assert_eq!(dropped.as_u64(), Some(silent.count() as u64));
}

#[test]
fn uc_02_companies_become_accounts_once() {
    let m = moved();
    let there = by_custom(&m.accounts, "cf_usercom_id");
    let industries = m.selector("industry_types");
    let (mut compared, mut partners) = (0, 0);
    for row in m.export("companies.csv") {
        let Some(account) = there.get(&row["id"]) else {
            continue;
        };
        assert_same(
            &row,
            account,
            &[
                ("name", "name"),
                ("phone", "phone"),
                ("address", "address"),
                ("city", "city"),
                ("country", "country"),
            ],
        );
        assert_eq!(account["website"], format!("https://{}", row["domain"]));
        let wanted = match row["industry"].as_str() {
            "IT" => Some("software"),
            "Retail" => Some("retail"),
            "Ceramics" => Some("other"),
            _ => None,
        };
        let industry = account["industry_type_id"].as_i64();
        // The survivor of two may have the other one's industry.
        if row["id"] != "5007" && row["id"] != "5008" {
            assert_eq!(industry, wanted.map(|w| industries[w]), "{row:?}");
            let partner = match row["partner"].as_str() {
                "t" => Value::Bool(true),
                "f" => Value::Bool(false),
                _ => Value::Null,
            };
            assert_eq!(account["custom_field"]["cf_partner"], partner, "{row:?}");
            partners += usize::from(partner == true);
            assert_eq!(account["owner_id"].as_i64(), owner_of(&row["assigned_to"]));
        }
        compared += 1;
    }
    assert!(partners > 10, "only {partners}");
    assert_eq!(step(&m.report, "account")["merged"], 1);
    assert_eq!(compared, m.export("companies.csv").len() - 1);
}

fn stages() -> BTreeMap<i64, Value> {
    moved().sandbox.get("/selector/deal_stages")["deal_stages"]
        .as_array()
        .expect("stages")
        .iter()
        .map(|s| (s["id"].as_i64().expect("an id"), s.clone()))
        .collect()
}

#[test]
fn uc_03_deals_keep_value_stage_owner_and_reasons() {
    let m = moved();
    let (there, stages) = (by_custom(&m.deals, "cf_usercom_id"), stages());
    let names = by_column(&m.export("stages.csv"), "id");
    let (mut won, mut lost) = (0, 0);
    for row in m.export("deals.csv") {
        let Some(deal) = there.get(&row["id"]) else {
            assert!(m.held_keys("deal").contains(&row["id"]));
            continue;
        };
        assert_same(
            &row,
            deal,
            &[("name", "name"), ("expected_close_date", "expected_close")],
        );
        let amount: f64 = deal["amount"].as_str().expect("text").parse().expect("n");
        assert_eq!(Some(amount), row["value"].parse().ok());
        let stage = &stages[&deal["deal_stage_id"].as_i64().expect("a stage")];
        assert_eq!(stage["name"], names[&row["stage_id"]]["name"].as_str());
        assert_eq!(deal["owner_id"].as_i64(), owner_of(&row["assigned_to"]));
        assert_same(
            &row,
            &deal["custom_field"],
            &[
                ("closed_won_reason", "cf_closed_won_reason"),
                ("closed_lost_reason", "cf_closed_lost_reason"),
            ],
        );
        won += usize::from(!row["closed_won_reason"].is_empty());
        lost += usize::from(!row["closed_lost_reason"].is_empty());
    }
    assert!(there.len() > 60 && won > 10 && lost > 3);
}

#[test]
fn uc_04_each_pipeline_gets_its_stages_with_whole_probabilities() {
    let m = moved();
    let pipelines = m.selector("deal_pipelines");
    let stages = stages();
    let stage = |pipeline: &str, name: &str| {
        let found = stages.values().find(|s| {
            s["name"] == name && s["deal_pipeline_id"].as_i64() == pipelines.get(pipeline).copied()
        });
        found.unwrap_or_else(|| panic!("{pipeline}/{name}"))
    };
    let find = |pipeline: &str, name: &str| stage(pipeline, name)["probability"].clone();
    assert_eq!(find("default pipeline", "Audit"), 34, "33.5 rounded");
    assert_eq!(find("partners", "First call"), 12, "12.4 rounded");
    assert_eq!(find("partners", "Signed"), 100, "99.6 rounded");
    assert_eq!(find("default pipeline", "New"), 10);
    // Every stage stands in its own pipeline; a new one keeps its place in the order.
    let rows = m.export("stages.csv");
    for row in &rows {
        let pipeline = match row["pipeline"].as_str() {
            "Main" => "default pipeline".to_owned(),
            other => other.to_lowercase(),
        };
        let there = stage(&pipeline, &row["name"]);
        if row["name"] != "Won" {
            assert_eq!(there["position"].to_string(), row["position"], "{row:?}");
        }
    }
    let partners = stages
        .values()
        .filter(|s| s["deal_pipeline_id"].as_i64() == pipelines.get("partners").copied());
    assert_eq!(partners.count(), 2, "no stage of the other pipeline");
    let deals = by_custom(&m.deals, "cf_usercom_id");
    let names = by_column(&rows, "id");
    let mut used = BTreeSet::new();
    for row in m.export("deals.csv") {
        let (Some(deal), Some(named)) = (deals.get(&row["id"]), names.get(&row["stage_id"])) else {
            continue;
        };
        let there = &stages[&deal["deal_stage_id"].as_i64().expect("a stage")];
        assert_eq!(
            deal["deal_pipeline_id"], there["deal_pipeline_id"],
            "{row:?}"
        );
        used.insert(named["pipeline"].clone());
    }
    assert_eq!(used.len(), 2, "both pipelines have deals");
    // The report says that probabilities are rounded.
    let page = support::transload()
        .args(["page", "--format", "markdown"])
        .arg(m.example.migration())
        .output()
        .expect("it runs");
    let page = String::from_utf8_lossy(&page.stdout).into_owned();
    assert!(
        page.contains("`stage.probability`: `round` makes it a whole number"),
        "{page}"
    );
}

#[test]
fn uc_05_events_with_an_end_become_appointments_with_their_attendees_and_others_tasks() {
    let m = moved();
    let by_title = |all: Vec<Value>| -> BTreeMap<String, Value> {
        all.into_iter()
            .map(|t| (t["title"].as_str().expect("a title").to_owned(), t))
            .collect()
    };
    let tasks = by_title(listed("tasks", &["open"]));
    let meetings = by_title(listed(
        "appointments",
        &[
            "past&include=appointment_attendees",
            "upcoming&include=appointment_attendees",
        ],
    ));
    let contacts = contacts();
    let mut held = m.held_keys("event");
    held.extend(m.held_keys("appointment"));
    let user = m.user("jan.nowak@app.example").expect("a user");
    let (mut attended, mut guests) = (0, 0);
    for row in m.export("events.csv") {
        if held.contains(&row["id"]) {
            continue;
        }
        let same = |record: &Value, member: &str, wanted: &str| {
            let found = record[member].as_str().expect("a time");
            assert_eq!(instant(found), instant(wanted), "{row:?}");
        };
        let (record, text) = if row["end"].is_empty() {
            let task = &tasks[&row["title"]];
            assert!(!meetings.contains_key(&row["title"]));
            same(task, "due_date", &row["start"]);
            assert_eq!(task["owner_id"].as_i64(), owner_of(&row["assigned_to"]));
            let text = task["description"].as_str().expect("a text");
            assert!(text.starts_with(&row["start"][..10]), "{text}");
            (task, text)
        } else {
            let meeting = &meetings[&row["title"]];
            assert!(!tasks.contains_key(&row["title"]));
            same(meeting, "from_date", &row["start"]);
            same(meeting, "end_date", &row["end"]);
            let wanted: Vec<Value> = row["attendees"]
                .contains("jan.nowak@app.example")
                .then(|| json!({"attendee_type": "FdMultitenant::User", "attendee_id": user}))
                .into_iter()
                .collect();
            assert_eq!(meeting["appointment_attendees"], json!(wanted), "{row:?}");
            attended += wanted.len();
            guests += usize::from(row["attendees"].contains("guest@"));
            (meeting, meeting["description"].as_str().expect("a text"))
        };
        assert_eq!(record["targetable_id"], contacts[&row["user_id"]]["id"]);
        // The owner of a meeting stands before its attendees.
        let (_, named) = text.split_once("attendees:").expect("attendees");
        for email in ["jan.nowak@app.example", "guest@elsewhere.example"] {
            assert_eq!(named.contains(email), row["attendees"].contains(email));
        }
    }
    assert!(
        tasks.len() > 10 && meetings.len() > 40,
        "{}",
        meetings.len()
    );
    assert!(attended > 20 && guests > 10, "{attended} {guests}");
    // Who is no user is listed, with how many name him.
    let unmatched = m.report["unmatched"].as_array().expect("rows");
    let guest = unmatched
        .iter()
        .find(|u| u["step"] == "appointment" && u["field"] == "attendees")
        .expect("the guest");
    assert_eq!(guest["value"], "guest@elsewhere.example");
    assert_eq!(guest["records"].as_u64(), Some(guests as u64));
    let folder = m.example.folder.path().join(".transload/handoff");
    let rows = support::csv_rows(&folder.join("unmatched.csv"));
    assert!(rows.iter().any(|r| r["value"] == "guest@elsewhere.example"));
    let list = std::fs::read_to_string(folder.join("task_attendees.md")).expect("the document");
    assert!(list.contains("guest@elsewhere.example"));
}

#[test]
fn uc_06_activities_become_tasks_or_email_records_by_type() {
    let m = moved();
    let tasks: BTreeMap<String, Value> = listed("tasks", &["completed"])
        .into_iter()
        .map(|t| (t["title"].as_str().expect("a title").to_owned(), t))
        .collect();
    let records: BTreeMap<String, Value> = listed("sales_activities", &[""])
        .into_iter()
        .map(|t| (t["title"].as_str().expect("a title").to_owned(), t))
        .collect();
    let email = m.selector("sales_activity_types")["email"];
    let mut held = m.held_keys("activity");
    held.extend(m.held_keys("email_record"));
    let contacts = contacts();
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for row in m.export("activities.csv") {
        if held.contains(&row["id"]) {
            continue;
        }
        *kinds.entry(row["activity_type"].clone()).or_default() += 1;
        assert!(!row["activity_type"].is_empty());
        let title = format!("{}: {}", row["activity_type"], row["name"]);
        let (record, at) = match row["activity_type"].starts_with("email") {
            true => {
                let record = &records[&title];
                assert_eq!(record["sales_activity_type_id"].as_i64(), Some(email));
                (record, "start_date")
            }
            false => (&tasks[&title], "due_date"),
        };
        let moment = record[at].as_str().expect("a time");
        assert_eq!(instant(moment), instant(&row["datetime"]), "{title}");
        assert_eq!(record["targetable_id"], contacts[&row["user_id"]]["id"]);
        if row["activity_type"] == "call" {
            let text = format!("{} seconds", row["duration"]);
            assert_eq!(record["description"], text);
        }
        assert_eq!(record["owner_id"].as_i64(), owner_of(&row["assigned_to"]));
    }
    for kind in ["email_open", "email_click", "call", "push"] {
        assert!(kinds.get(kind).is_some_and(|n| *n > 5), "{kind}: {kinds:?}");
    }
    assert!(tasks.len() > 60 && records.len() > 60);
}

#[test]
fn uc_07_tags_become_contact_types_and_long_ones_wait() {
    let (mut one, mut several) = (0, 0);
    for (row, contact) in arrived() {
        let custom = &contact["custom_field"];
        let tags = items(&row["tags"]);
        assert_eq!(choices(&custom["cf_contact_types"]), tags, "{row:?}");
        match tags.len() {
            0 => assert_eq!(custom["cf_contact_type"], Value::Null),
            1 => assert_eq!(custom["cf_contact_type"], tags[0].as_str()),
            _ => assert_eq!(custom["cf_contact_type"], "Partner", "the first"),
        }
        one += usize::from(tags.len() == 1);
        several += usize::from(tags.len() > 1);
    }
    assert!(one > 30 && several > 30, "{one} {several}");
    let held = moved().held("contact")["too_long"].len() + moved().held("lead")["too_long"].len();
    assert_eq!(held, 4, "more than 40 characters");
}

#[test]
fn uc_08_segments_become_lists_of_the_same_members_and_their_rules_leave_as_a_document() {
    let m = moved();
    let lists: BTreeMap<String, i64> = m.sandbox.get("/lists")["lists"]
        .as_array()
        .expect("lists")
        .iter()
        .map(|l| {
            let name = l["name"].as_str().expect("a name").to_owned();
            (name, l["id"].as_i64().expect("an id"))
        })
        .collect();
    assert_eq!(lists.len(), 2, "{lists:?}");
    let (contacts, rows) = (contacts(), m.export("segment_members.csv"));
    let mut all = 0;
    for segment in m.export("segments.csv") {
        let members: Vec<&Row> = rows
            .iter()
            .filter(|r| r["segment_id"] == segment["id"])
            .collect();
        let wanted: BTreeSet<i64> = members
            .iter()
            .filter_map(|r| contacts.get(&r["user_id"])?["id"].as_i64())
            .collect();
        let there = listed_below(&format!("/contacts/lists/{}", lists[&segment["name"]]));
        let ids: Vec<i64> = there.iter().filter_map(|c| c["id"].as_i64()).collect();
        assert_eq!(ids.len(), wanted.len(), "nobody twice");
        assert_eq!(BTreeSet::from_iter(ids), wanted, "{}", segment["name"]);
        all += wanted.len();
    }
    assert!(all > 150, "{all}");
    // Who did not arrive waits, or was left out, with the contact.
    let counts = step(&m.report, "segment_member");
    assert_eq!(counts["read"].as_u64(), Some(rows.len() as u64));
    assert_eq!(counts["created"].as_u64(), Some(all as u64));
    assert_eq!(counts["unchanged"], 1, "one was said twice");
    for row in &rows {
        let held = m.held_keys("segment_member").contains(&row["id"]);
        assert_eq!(held, !contacts.contains_key(&row["user_id"]), "{row:?}");
    }
    let calls = m.sandbox.admin_get("/calls");
    assert_eq!(
        calls["by_route"]["PUT /lists/{parent_id}/add_contacts"], 3,
        "100 a call, and an owner has a last call of its own"
    );
    let folder = m.example.folder.path().join(".transload/handoff");
    let rules = std::fs::read_to_string(folder.join("segment_definitions.md")).expect("rules");
    assert!(rules.contains("interest"));
}

/// All contacts below an address, page by page.
fn listed_below(path: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for page in 1.. {
        let answer = moved()
            .sandbox
            .get(&format!("{path}?page={page}&per_page=100"));
        let rows = answer["contacts"].as_array().expect("rows").clone();
        if rows.is_empty() {
            break;
        }
        all.extend(rows);
    }
    all
}

#[test]
fn uc_09_booleans_choices_dates_and_json_properties_keep_their_meaning() {
    let (mut known, mut plans) = (0, 0);
    for (row, contact) in arrived() {
        let custom = &contact["custom_field"];
        let wanted = match row["newsletter"].as_str() {
            "t" => Value::Bool(true),
            "f" => Value::Bool(false),
            _ => Value::Null,
        };
        assert_eq!(custom["cf_newsletter"], wanted);
        assert_eq!(choices(&custom["cf_interests"]), items(&row["interests"]));
        let born = match row["born"].split('.').collect::<Vec<_>>()[..] {
            [day, month, year] => format!("{year}-{month}-{day}"),
            _ => row["born"].clone(),
        };
        match born.is_empty() {
            true => assert_eq!(custom["cf_born"], Value::Null),
            false => assert_eq!(custom["cf_born"], born),
        }
        let properties: Value = serde_json::from_str(&row["properties"]).unwrap_or_default();
        assert_eq!(custom["cf_plan"], properties["plan"]);
        assert_eq!(custom["cf_seats"], properties["seats"]);
        known += usize::from(!wanted.is_null());
        plans += usize::from(!properties["plan"].is_null());
    }
    assert!(known > 100 && plans > 100);
    for code in ["not_json", "not_a_bool"] {
        assert!(moved().held("contact").contains_key(code), "{code}");
    }
}

#[test]
fn uc_10_unmatched_owners_queue_and_their_records_go_to_the_admin() {
    let m = moved();
    let mut waiting = 0;
    for (row, contact) in arrived() {
        assert_eq!(contact["owner_id"].as_i64(), owner_of(&row["assigned_to"]));
        waiting += usize::from(row["assigned_to"] == "10");
    }
    assert!(waiting > 30);
    assert_eq!(
        m.held("user")["not_at_destination"],
        BTreeSet::from(["10".to_owned()])
    );
}

#[test]
fn uc_11_conversations_become_readable_notes_in_time_order() {
    let m = moved();
    let (contacts, held) = (contacts(), m.held_keys("conversation"));
    let (mut compared, mut paged) = (0, 0);
    for row in m.export("conversations.csv") {
        if held.contains(&row["id"]) {
            continue;
        }
        let contact = contacts[&row["user_id"]]["id"].to_string();
        let notes = m.sandbox.children("contacts", &contact, "notes");
        let number = row["id"].trim_start_matches("chat-");
        let line = |n: usize| format!("Line {n} of chat {number} & so on");
        let texts: Vec<&str> = notes
            .iter()
            .filter_map(|n| n["description"].as_str())
            .filter(|t| t.contains(&format!(" of chat {number} &")))
            .collect();
        let all = texts.join("\n");
        let header = format!("Chat {}, {}", row["id"], &row["started_at"][..10]);
        assert!(all.contains(&header), "{header} not in {all}");
        if texts.len() > 1 {
            assert!((0..400).all(|n| all.contains(&line(n))), "nothing is lost");
            paged += 1;
            continue;
        }
        let at: Vec<Option<usize>> = (0..3).map(|n| all.find(&line(n))).collect();
        assert!(at[0].is_some() && at[0] < at[1] && at[1] < at[2], "{all}");
        assert!(all.contains("visitor: Line 0") && all.contains("Jan: Line 1"));
        compared += 1;
    }
    assert!(compared > 40 && paged > 0, "{compared} {paged}");
}
