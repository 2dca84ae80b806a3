//! Interactive to the simulated account, row by row of the requirements: the example is loaded once, then each row
//! reads the destination back over HTTP and compares with the export's files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

#[path = "interactive/attachments.rs"]
mod attachments;
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

const FALLBACK: &str = "sales.desk@example-agency.example";

fn moved() -> &'static Moved {
    static MOVED: OnceLock<Moved> = OnceLock::new();
    MOVED.get_or_init(|| Moved::run("interactive", "pro"))
}

/// The user who should own a record of that source owner.
fn owner_of(source: &str) -> Option<i64> {
    let m = moved();
    let owners = by_column(&m.export("owners.csv"), "owner_id");
    let matched = owners.get(source).and_then(|o| m.user(&o["email"]));
    matched.or_else(|| m.user(FALLBACK))
}

fn contacts() -> BTreeMap<String, &'static Value> {
    by_custom(&moved().contacts, "cf_interactive_id")
}

fn accounts() -> BTreeMap<String, &'static Value> {
    by_custom(&moved().accounts, "cf_interactive_id")
}

fn deals() -> BTreeMap<String, &'static Value> {
    by_custom(&moved().deals, "cf_interactive_id")
}

fn is_lead(row: &Row) -> bool {
    let stage = row["lifecycle_stage"].to_lowercase();
    ["subscriber", "lead", "marketing qualified"].contains(&stage.trim())
}

/// Where a parent id of the export went: path of its collection and id.
fn destination(parent: &str) -> Option<(&'static str, String)> {
    let (path, found) = match parent.split_at(2).0 {
        "ct" => ("contacts", contacts().get(parent).copied()),
        "co" => ("sales_accounts", accounts().get(parent).copied()),
        _ => ("deals", deals().get(parent).copied()),
    };
    Some((path, found?["id"].to_string()))
}

#[test]
fn books_balance_and_a_second_run_writes_nothing() {
    moved().assert_balanced();
}

#[test]
fn int_01_contacts_keep_their_values_owner_and_source_id() {
    let m = moved();
    let (there, held) = (contacts(), m.held_keys("contact"));
    let mut compared = 0;
    for row in m.export("contacts.csv") {
        let id = &row["contact_id"];
        if is_lead(&row) || held.contains(id) {
            continue;
        }
        let Some(contact) = there.get(id) else {
            // Only the losing one of two with one e-mail is not there under its own id.
            let survivor = m.contacts.iter().find(|c| {
                c["email"]
                    .as_str()
                    .is_some_and(|e| e.eq_ignore_ascii_case(&row["email"]))
            });
            assert!(survivor.is_some(), "{id} is not at the destination");
            continue;
        };
        if row["email"].chars().any(char::is_uppercase) {
            assert_eq!(contact["city"], "Madison", "{id}: the gap is filled");
        }
        assert_same(
            &row,
            contact,
            &[
                ("first_name", "first_name"),
                ("last_name", "last_name"),
                ("job_title", "job_title"),
                ("phone", "work_number"),
                ("mobile", "mobile_number"),
                ("address", "address"),
                ("city", "city"),
                ("state", "state"),
                ("zip", "zipcode"),
                ("country", "country"),
            ],
        );
        assert_eq!(
            contact["email"].as_str().map(str::to_lowercase),
            Some(row["email"].to_lowercase())
        );
        assert_eq!(
            contact["custom_field"]["cf_interactive_created"],
            row["created_at"].as_str(),
            "{id}"
        );
        assert_eq!(contact["custom_field"]["cf_interactive_id"], id.as_str());
        if !row["owner_id"].is_empty() {
            assert_eq!(
                contact["owner_id"].as_i64(),
                owner_of(&row["owner_id"]),
                "{id}"
            );
        }
        compared += 1;
    }
    assert!(compared > 100, "only {compared} compared");
    let emails: BTreeSet<String> = m
        .contacts
        .iter()
        .filter_map(|c| Some(c["email"].as_str()?.to_lowercase()))
        .collect();
    assert_eq!(emails.len(), m.contacts.len(), "no e-mail twice");
    let books = step(&m.report, "contact");
    assert!(books["updated"].as_u64() > Some(0), "one existed before");
    assert!(books["merged"].as_u64() > Some(0), "some are duplicates");
    assert!(m.held("contact").contains_key("required") || m.held("lead").contains_key("required"));
}

#[test]
fn int_02_early_contacts_become_leads_with_status_and_history() {
    let m = moved();
    let (there, held) = (contacts(), m.held_keys("lead"));
    let stages = m.selector("lifecycle_stages");
    let mut leads = 0;
    for row in m.export("contacts.csv") {
        let id = &row["contact_id"];
        if held.contains(id) {
            continue;
        }
        let Some(contact) = there.get(id) else {
            continue;
        };
        let lead = contact["lifecycle_stage_id"].as_i64() == stages.get("lead").copied();
        assert_eq!(
            lead,
            is_lead(&row) || row["lifecycle_stage"].is_empty(),
            "{id}"
        );
        let custom = &contact["custom_field"];
        if is_lead(&row) {
            assert_same(
                &row,
                custom,
                &[
                    ("lead_status", "cf_lead_status"),
                    ("lead_status_history", "cf_lead_status_history"),
                ],
            );
            assert_eq!(
                custom["cf_original_lifecycle"],
                row["lifecycle_stage"].trim()
            );
            leads += 1;
        } else {
            assert_eq!(custom["cf_lead_status"], Value::Null, "{id}");
        }
    }
    assert!(leads > 100, "only {leads}");
}

#[test]
fn int_03_accounts_have_website_industry_numbers_and_parents_in_any_order() {
    let m = moved();
    let (there, held) = (accounts(), m.held_keys("account"));
    let industries = m.selector("industry_types");
    let rows = m.export("companies.csv");
    let position: BTreeMap<&str, usize> = rows
        .iter()
        .enumerate()
        .map(|(i, r)| (r["company_id"].as_str(), i))
        .collect();
    let (mut above, mut below, mut other) = (0, 0, 0);
    for (at, row) in rows.iter().enumerate() {
        let id = &row["company_id"];
        if held.contains(id) {
            continue;
        }
        let account = there.get(id).unwrap_or_else(|| panic!("{id}"));
        assert_eq!(
            account["name"].as_str().map(str::to_lowercase),
            Some(row["name"].to_lowercase()),
            "{id}"
        );
        if !row["website"].is_empty() {
            assert_eq!(account["website"], format!("https://{}", row["website"]));
        }
        let wanted = match row["industry"].as_str() {
            "" => None,
            "Banking" => Some("financial services"),
            "Hospital & Health Care" => Some("health care"),
            "Falconry" => Some("other"),
            same => Some(same),
        };
        let wanted = wanted.map(|w| industries[&w.to_lowercase()]);
        assert_eq!(account["industry_type_id"].as_i64(), wanted, "{id}");
        if row["industry"] == "Falconry" {
            assert_eq!(
                account["custom_field"]["cf_industry_original"], "Falconry",
                "{id}"
            );
            other += 1;
        }
        if !row["employee_count"].is_empty() {
            assert_eq!(
                account["number_of_employees"].as_i64(),
                row["employee_count"].parse().ok()
            );
        }
        if !row["annual_revenue"].is_empty() {
            let revenue: f64 = account["annual_revenue"]
                .as_str()
                .expect("text")
                .parse()
                .expect("a number");
            assert_eq!(Some(revenue), row["annual_revenue"].parse().ok(), "{id}");
        }
        let parent = &row["parent_company_id"];
        if !parent.is_empty() && !held.contains(parent) {
            assert_eq!(account["parent_sales_account_id"], there[parent]["id"]);
            match position[parent.as_str()] < at {
                true => above += 1,
                false => below += 1,
            }
        }
    }
    assert!(
        above > 3 && below > 3 && other > 0,
        "{above} {below} {other}"
    );
    assert!(m.held("account").contains_key("not_a_url"));
    // The account that was there in other case is the one that was used.
    let same = m
        .accounts
        .iter()
        .filter(|a| {
            a["name"]
                .as_str()
                .is_some_and(|n| n.eq_ignore_ascii_case("northwind sample llc"))
        })
        .count();
    assert_eq!(same, 1);
}

fn stages() -> BTreeMap<(String, String), Value> {
    let m = moved();
    let pipelines: BTreeMap<i64, String> = m
        .selector("deal_pipelines")
        .into_iter()
        .map(|(n, id)| (id, n))
        .collect();
    m.sandbox.get("/selector/deal_stages")["deal_stages"]
        .as_array()
        .expect("stages")
        .iter()
        .map(|s| {
            let pipeline = pipelines[&s["deal_pipeline_id"].as_i64().expect("id")].clone();
            let name = s["name"].as_str().expect("name").to_lowercase();
            ((pipeline, name), s.clone())
        })
        .collect()
}

fn pipeline_name(source: &str) -> String {
    match source {
        "Sales" => "default pipeline".to_owned(),
        other => other.to_lowercase(),
    }
}

#[test]
fn int_04_deals_take_stage_amount_owner_and_the_stages_probability() {
    let m = moved();
    let (there, held, stages) = (deals(), m.held_keys("deal"), stages());
    let (accounts, contacts) = (accounts(), contacts());
    let mut compared = 0;
    let mut used = BTreeSet::new();
    for row in m.export("deals.csv") {
        let id = &row["deal_id"];
        if held.contains(id) {
            continue;
        }
        let deal = there[id];
        assert_eq!(deal["name"], row["name"].as_str());
        assert_eq!(deal["expected_close"], row["close_date"].as_str());
        if !row["amount"].is_empty() {
            let amount: f64 = deal["amount"].as_str().expect("text").parse().expect("n");
            assert_eq!(Some(amount), row["amount"].parse().ok());
        }
        let stage = &stages[&(pipeline_name(&row["pipeline"]), row["stage"].to_lowercase())];
        assert_eq!(deal["deal_stage_id"], stage["id"], "{id}");
        assert_eq!(deal["deal_pipeline_id"], stage["deal_pipeline_id"], "{id}");
        assert_eq!(deal["probability"], stage["probability"], "{id}");
        assert_ne!(deal["probability"], 55);
        assert_eq!(
            deal["sales_account_id"], accounts[&row["company_id"]]["id"],
            "{id}"
        );
        assert_eq!(deal["owner_id"].as_i64(), owner_of(&row["owner_id"]));
        if let Some(contact) = contacts.get(&row["contact_id"]) {
            let shown = m
                .sandbox
                .get(&format!("/deals/{}?include=contacts", deal["id"]));
            assert_eq!(shown["deal"]["contact_ids"][0], contact["id"], "{id}");
        }
        used.insert(row["pipeline"].clone());
        compared += 1;
    }
    assert!(compared > 50, "only {compared}");
    assert_eq!(used.len(), 3, "each pipeline has deals");
    let held = m.held("deal");
    assert!(held.contains_key("join_none"), "an unknown stage waits");
    assert!(held.contains_key("not_a_number"), "a bad amount waits");
}

#[test]
fn int_05_missing_stages_are_created_with_their_probability() {
    let m = moved();
    let stages = stages();
    for row in m.export("stages.csv") {
        let key = (pipeline_name(&row["pipeline"]), row["stage"].to_lowercase());
        let stage = stages.get(&key).unwrap_or_else(|| panic!("{key:?}"));
        assert_eq!(
            stage["probability"].as_i64(),
            row["probability"].parse().ok(),
            "{key:?}"
        );
    }
    let books = step(&m.report, "stage");
    assert_eq!(
        books["created"], 5,
        "Trial, two of Renewals, two of Partners"
    );
    assert_eq!(books["unchanged"], 5);
    assert_eq!(step(&m.report, "pipeline")["created"], 1);
}

#[test]
fn int_06_lifecycle_stages_are_aligned_and_the_customers_own_is_a_field_on_both() {
    let m = moved();
    let (there, stages) = (contacts(), m.selector("lifecycle_stages"));
    for name in ["subscriber", "marketing qualified lead", "evangelist"] {
        assert!(stages.contains_key(name), "{name} was created");
    }
    let (mut seen, mut on_leads, mut on_contacts) = (BTreeSet::new(), 0, 0);
    for row in m.export("contacts.csv") {
        let Some(contact) = there.get(&row["contact_id"]) else {
            continue;
        };
        let wanted = match row["lifecycle_stage"].as_str() {
            "Sales Qualified" => "sales qualified lead",
            "Customer" => "customer",
            "Evangelist" => "evangelist",
            _ => "lead",
        };
        assert_eq!(
            contact["lifecycle_stage_id"].as_i64(),
            stages.get(wanted).copied(),
            "{}",
            row["contact_id"]
        );
        seen.insert(wanted);
        let phase = &row["buying_phase"];
        if !phase.is_empty() {
            assert_eq!(contact["custom_field"]["cf_buying_phase"], phase.as_str());
            match is_lead(&row) {
                true => on_leads += 1,
                false => on_contacts += 1,
            }
        }
    }
    assert_eq!(seen.len(), 4);
    assert!(on_leads > 20 && on_contacts > 20);
    assert!(
        m.held("contact").contains_key("not_mapped"),
        "a stage without a row waits"
    );
}

#[test]
fn int_07_engagements_become_sales_activities() {
    let m = moved();
    let types = m.selector("sales_activity_types");
    let mut there = BTreeMap::new();
    for page in 1.. {
        let answer = m
            .sandbox
            .get(&format!("/sales_activities?page={page}&per_page=100"));
        let rows = answer["sales_activities"].as_array().expect("rows").clone();
        if rows.is_empty() {
            break;
        }
        for row in rows {
            there.insert(row["notes"].as_str().expect("notes").to_owned(), row);
        }
    }
    let held = m.held_keys("engagement");
    let (mut compared, mut kinds, mut calls) = (0, BTreeSet::new(), 0);
    for row in m.export("engagements.csv") {
        if held.contains(&row["engagement_id"]) {
            continue;
        }
        let activity = &there[&row["body"]];
        let kind = match row["type"].as_str() {
            "call" => "phone",
            "meeting" => "appointment",
            other => other,
        };
        assert_eq!(
            activity["sales_activity_type_id"].as_i64(),
            types.get(kind).copied()
        );
        let title = match row["subject"].as_str() {
            "" => &row["type"],
            _ => &row["subject"],
        };
        assert_eq!(activity["title"], title.as_str());
        let instant = |v: &Value| {
            v.as_str()
                .expect("text")
                .parse::<jiff::Timestamp>()
                .expect("an instant")
                .to_string()
        };
        assert_eq!(instant(&activity["start_date"]), row["timestamp"]);
        let end = match row["end_timestamp"].as_str() {
            "" => &row["timestamp"],
            _ => &row["end_timestamp"],
        };
        assert_eq!(&instant(&activity["end_date"]), end);
        assert_eq!(activity["owner_id"].as_i64(), owner_of(&row["owner_id"]));
        let (path, id) = destination(&row["parent_id"]).expect("a parent");
        let kind = match path {
            "contacts" => "Contact",
            "sales_accounts" => "SalesAccount",
            _ => "Deal",
        };
        assert_eq!(activity["targetable_type"], kind);
        assert_eq!(activity["targetable_id"].to_string(), id);
        if row["type"] == "call" {
            let custom = &activity["custom_field"];
            let seconds = custom["cf_duration"].to_string();
            assert_eq!(seconds, row["duration"]);
            if !row["outcome"].is_empty() {
                assert_eq!(custom["cf_outcome"], row["outcome"].as_str());
            }
            calls += 1;
        }
        kinds.insert(path);
        compared += 1;
    }
    assert!(compared > 150 && calls > 40, "{compared} {calls}");
    assert_eq!(kinds.len(), 3, "contacts, accounts and deals have some");
    assert!(m.held("engagement").contains_key("reference_missing"));
}

#[test]
fn int_08_notes_follow_their_parent_with_date_and_author() {
    let m = moved();
    let names: BTreeMap<String, Row> = by_column(&m.export("owners.csv"), "owner_id");
    let held = m.held_keys("note");
    let (mut compared, mut paged) = (0, 0);
    for row in m.export("notes.csv") {
        let id = &row["note_id"];
        if held.contains(id) {
            continue;
        }
        let (path, parent) = destination(&row["parent_id"]).expect("a parent");
        let notes = m.sandbox.children(path, &parent, "notes");
        let number = format!("Note {} & more", id.trim_start_matches("no-"));
        let texts: Vec<&str> = notes
            .iter()
            .filter_map(|n| n["description"].as_str())
            .collect();
        if row["body"].starts_with("word ") {
            let words: usize = texts.iter().map(|t| t.matches("word").count()).sum();
            assert_eq!(words, 4000, "{id}: nothing of a long note is lost");
            paged += 1;
            continue;
        }
        let author = match row["author_id"].as_str() {
            "" => "unknown author",
            id => &names[id]["name"],
        };
        let header = format!("{} {author}", &row["created_at"][..10]);
        let body = match row["body"].is_empty() {
            true => "(no text)",
            false => &number,
        };
        assert!(
            texts
                .iter()
                .any(|t| t.starts_with(&header) && t.contains(body)),
            "{id}: {header} / {body} not in {texts:?}"
        );
        compared += 1;
    }
    assert!(compared > 80 && paged > 0, "{compared} {paged}");
}

#[test]
fn int_08_files_arrive_whole_and_large_ones_wait() {
    let m = moved();
    let held = m.held("attachment");
    assert_eq!(held["large_file"], BTreeSet::from(["at-5".to_owned()]));
    assert_eq!(
        held["file_missing"],
        BTreeSet::from(["at-6".to_owned(), "at-7".to_owned()])
    );
    let all_held = m.held_keys("attachment");
    let mut compared = 0;
    for row in m.export("attachments.csv") {
        if all_held.contains(&row["attachment_id"]) {
            continue;
        }
        let (path, parent) = destination(&row["parent_id"]).expect("a parent");
        let there = m.sandbox.children(path, &parent, "document_associations");
        let document = there
            .iter()
            .find(|d| d["file_name"] == row["file_name"].as_str())
            .unwrap_or_else(|| panic!("{row:?} not among {there:?}"));
        let content = std::fs::read(m.example.folder.path().join("export").join(&row["path"]))
            .expect("the file");
        assert_eq!(document["file"]["bytes"], content.len());
        assert_eq!(
            document["file"]["blake3"],
            blake3::hash(&content).to_hex().as_str()
        );
        compared += 1;
    }
    assert!(compared > 8, "only {compared}");
}

#[test]
fn int_09_custom_fields_keep_their_types() {
    let m = moved();
    let fields = m.sandbox.get("/settings/contacts/fields");
    let types: BTreeMap<&str, &str> = fields["fields"]
        .as_array()
        .expect("fields")
        .iter()
        .filter_map(|f| Some((f["name"].as_str()?, f["type"].as_str()?)))
        .collect();
    for (name, vendor) in [
        ("cf_favourite_product", "text"),
        ("cf_loyalty_points", "number"),
        ("cf_contract_end", "date"),
        ("cf_region", "dropdown"),
        ("cf_newsletter", "checkbox"),
    ] {
        assert_eq!(types.get(name), Some(&vendor), "{name}");
    }
    let there = contacts();
    let mut compared = 0;
    for row in m.export("contacts.csv") {
        let Some(contact) = there.get(&row["contact_id"]) else {
            continue;
        };
        if row["email"].chars().any(char::is_uppercase) {
            continue;
        }
        let custom = &contact["custom_field"];
        assert_same(
            &row,
            custom,
            &[
                ("Favourite Product", "cf_favourite_product"),
                ("Contract End", "cf_contract_end"),
                ("Region", "cf_region"),
            ],
        );
        if !row["Loyalty Points"].is_empty() {
            assert_eq!(
                custom["cf_loyalty_points"].as_i64(),
                row["Loyalty Points"].parse().ok()
            );
        }
        match row["Newsletter"].as_str() {
            "" => {}
            answer => assert_eq!(custom["cf_newsletter"], answer == "yes"),
        }
        compared += 1;
    }
    assert!(compared > 200);
    let held: BTreeSet<String> = [m.held("contact"), m.held("lead")]
        .into_iter()
        .flat_map(BTreeMap::into_keys)
        .collect();
    for code in ["not_a_number", "not_a_date", "not_a_bool"] {
        assert!(held.contains(code), "{code}");
    }
}

#[test]
fn int_09_a_missing_field_stops_the_run_before_anything_is_written() {
    let seed = support::root().join("examples/interactive/sandbox.yaml");
    let sandbox = support::Sandbox::start(
        "freshsales.yaml",
        &["--seed", seed.to_str().expect("path"), "--tier", "pro"],
    );
    let example = support::Example::against("interactive", &sandbox);
    let output = support::transload()
        .arg("run")
        .arg(example.migration())
        .args(["--auto-approve", "--format", "json"])
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(6));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("cf_loyalty_points"), "{said}");
    assert_eq!(sandbox.view("contacts", "All Contacts").len(), 1);
}

#[test]
fn int_10_owners_match_by_email_and_unmatched_ones_go_to_the_fallback() {
    let m = moved();
    let (there, desk) = (contacts(), m.user(FALLBACK));
    let (mut fallback, mut matched) = (0, 0);
    for row in m.export("contacts.csv") {
        let Some(contact) = there.get(&row["contact_id"]) else {
            continue;
        };
        match row["owner_id"].as_str() {
            // Without a user, and an owner that the export does not know.
            "o5" | "o9" => {
                assert_eq!(contact["owner_id"].as_i64(), desk);
                fallback += 1;
            }
            "o2" => {
                let ben = m.user("ben.okoye@example-agency.example");
                assert!(ben.is_some());
                assert_eq!(contact["owner_id"].as_i64(), ben);
                matched += 1;
            }
            _ => {}
        }
    }
    assert!(fallback > 5 && matched > 10, "{fallback} {matched}");
    assert_eq!(
        m.held("user")["not_at_destination"],
        BTreeSet::from(["o5".to_owned()])
    );
    let held = m.held("contact");
    assert!(
        held["reference_missing"].contains("ct-1113"),
        "a contact without an owner waits: {held:?}"
    );
}

#[test]
fn int_11_the_highest_then_latest_association_is_primary_and_the_others_are_kept() {
    let m = moved();
    let (there, accounts) = (contacts(), accounts());
    let companies = by_column(&m.export("companies.csv"), "company_id");
    let mut by_contact: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    // What belonged to a record that was merged belongs to the survivor.
    let survivors: BTreeMap<String, String> = there
        .iter()
        .filter_map(|(id, c)| Some((c["email"].as_str()?.to_lowercase(), id.clone())))
        .collect();
    let survivor: BTreeMap<String, String> = m
        .export("contacts.csv")
        .iter()
        .filter_map(|r| {
            let id = survivors.get(&r["email"].to_lowercase())?;
            Some((r["contact_id"].clone(), id.clone()))
        })
        .collect();
    for row in m.export("contact_companies.csv") {
        let Some(id) = survivor.get(&row["contact_id"]) else {
            continue;
        };
        by_contact.entry(id.clone()).or_default().push(row);
    }
    let (mut several, mut none) = (0, 0);
    for (id, contact) in &there {
        let Some(rows) = by_contact.get_mut(id) else {
            assert_eq!(contact["sales_accounts"], Value::Array(Vec::new()), "{id}");
            none += 1;
            continue;
        };
        rows.sort_by_key(|r| {
            let rank: i64 = r["rank"].parse().expect("a rank");
            let best = std::cmp::Reverse((rank, r["updated_at"].clone()));
            (best, r["association_id"].clone())
        });
        let linked = contact["sales_accounts"].as_array().expect("accounts");
        assert_eq!(linked.len(), 1, "{id}");
        assert_eq!(
            linked[0]["id"], accounts[&rows[0]["company_id"]]["id"],
            "{id}"
        );
        assert_eq!(linked[0]["is_primary"], true);
        let others = contact["custom_field"]["cf_other_accounts"].as_str();
        if rows.len() == 1 {
            assert_eq!(others, None, "{id}");
            continue;
        }
        let wanted: Vec<String> = rows[1..]
            .iter()
            .map(|r| {
                let company = &companies[&r["company_id"]];
                format!("{} ({})", company["name"], company["company_id"])
            })
            .collect();
        assert_eq!(others, Some(wanted.join("; ").as_str()), "{id}");
        several += 1;
    }
    assert!(several > 10 && none > 10, "{several} {none}");
}
