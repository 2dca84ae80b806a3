//! Actimo to the simulated account, row by row of the requirements: the example is loaded once, then each row reads
//! the destination back over HTTP and compares with the export's files.

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
use support::moved::{Moved, Row, assert_same, by_column, by_custom};

const FALLBACK: &str = "hr.desk@workplace.example";

fn moved() -> &'static Moved {
    static MOVED: OnceLock<Moved> = OnceLock::new();
    MOVED.get_or_init(|| Moved::run("actimo", "pro"))
}

/// Rows of contacts that arrived under their own id, each with its contact. Those with a duplicate are left out.
fn arrived() -> Vec<(Row, &'static Value)> {
    let there = by_custom(&moved().contacts, "cf_actimo_id");
    let rows: Vec<(Row, &Value)> = moved()
        .export("contacts.csv")
        .into_iter()
        .filter(|r| !r["email"].chars().any(char::is_uppercase))
        .filter_map(|r| {
            let contact = there.get(&r["contact_id"]).copied()?;
            Some((r, contact))
        })
        .collect();
    assert!(rows.len() > 250, "only {}", rows.len());
    rows
}

fn all_held() -> BTreeMap<String, BTreeSet<String>> {
    let mut all = moved().held("contact");
    for (code, keys) in moved().held("lead") {
        all.entry(code).or_default().extend(keys);
    }
    all
}

/// A custom field's values against what the rows say.
fn assert_custom(field: &str, wanted: impl Fn(&Row) -> Value) {
    let mut present = 0;
    for (row, contact) in arrived() {
        let wanted = wanted(&row);
        present += usize::from(!wanted.is_null());
        assert_eq!(contact["custom_field"][field], wanted, "{field} of {row:?}");
    }
    assert!(present > 50, "{field}: only {present} have a value");
}

fn whole(row: &Row, column: &str) -> Value {
    row[column].parse::<i64>().map_or(Value::Null, Value::from)
}

/// The type of a contact's custom field at the destination.
fn type_of(field: &str) -> String {
    let fields = moved().sandbox.get("/settings/contacts/fields");
    let fields = fields["fields"].as_array().expect("fields").clone();
    let found = fields.into_iter().find(|f| f["name"] == field);
    let found = found.unwrap_or_else(|| panic!("no field {field}"));
    found["type"].as_str().expect("a type").to_owned()
}

/// A percentage with or without its sign, as a number.
fn percent(text: &str) -> Option<f64> {
    text.trim_end_matches(['%', ' ']).parse().ok()
}

fn assert_decimal(field: &str, wanted: impl Fn(&Row) -> Option<f64>) {
    let mut present = 0;
    for (row, contact) in arrived() {
        let value = &contact["custom_field"][field];
        let value = value
            .as_f64()
            .or_else(|| value.as_str().and_then(|t| t.parse().ok()));
        assert_eq!(value, wanted(&row), "{field} of {row:?}");
        present += usize::from(value.is_some());
    }
    assert!(present > 50, "{field}: only {present} have a value");
    assert_eq!(type_of(field), "number");
}

#[test]
fn books_balance_and_a_second_run_writes_nothing() {
    moved().assert_balanced();
}

#[test]
fn act_01_sales_ready_contacts_become_leads_and_the_others_contacts() {
    let m = moved();
    let stages = m.selector("lifecycle_stages");
    let (mut leads, mut contacts) = (0, 0);
    for (row, contact) in arrived() {
        let ready = row["data1"] == "yes" || row["data2"] == "2";
        let wanted = match ready {
            true => "lead",
            false => "customer",
        };
        assert_eq!(
            contact["lifecycle_stage_id"].as_i64(),
            Some(stages[wanted]),
            "{row:?}"
        );
        assert_same(
            &row,
            contact,
            &[("first_name", "first_name"), ("last_name", "last_name")],
        );
        let mobile = format!("+45{}", row["mobile"].replace(' ', ""));
        assert_eq!(contact["mobile_number"], mobile);
        *(if ready { &mut leads } else { &mut contacts }) += 1;
    }
    assert!(leads > 50 && contacts > 100, "{leads} {contacts}");
    let emails: BTreeSet<String> = m
        .contacts
        .iter()
        .filter_map(|c| Some(c["email"].as_str()?.to_lowercase()))
        .collect();
    assert_eq!(emails.len(), m.contacts.len(), "no e-mail twice");
    assert_eq!(all_held()["required"].len(), 4);
}

#[test]
fn act_01_original_times_are_kept() {
    for (row, contact) in arrived() {
        let kept = contact["custom_field"]["cf_actimo_created"].as_str();
        let wanted = jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M:%S", &row["created_at"])
            .expect("a time")
            .in_tz("Europe/Copenhagen")
            .expect("a zone")
            .timestamp();
        let kept: jiff::Timestamp = kept.expect("kept").parse().expect("an instant");
        assert_eq!(kept, wanted);
    }
}

#[test]
fn act_02_companies_become_accounts_and_contacts_get_theirs() {
    let m = moved();
    let there = by_custom(&m.accounts, "cf_actimo_id");
    let industries = m.selector("industry_types");
    let rows = m.export("companies.csv");
    assert_eq!(there.len(), rows.len());
    for row in &rows {
        let account = there[&row["company_id"]];
        assert_same(row, account, &[("name", "name")]);
        let wanted = match row["industry"].as_str() {
            "" => None,
            "Biavl" => Some("other".to_owned()),
            same => Some(same.to_lowercase()),
        };
        assert_eq!(
            account["industry_type_id"].as_i64(),
            wanted.map(|w| industries[&w])
        );
        assert_eq!(
            account["number_of_employees"].as_i64(),
            row["employee_count"].parse().ok()
        );
        let revenue = account["annual_revenue"].as_str();
        let revenue: Option<f64> = revenue.and_then(|r| r.parse().ok());
        assert_eq!(revenue, row["annual_revenue"].parse().ok());
    }
    let mut linked = 0;
    for (row, contact) in arrived() {
        match there.get(&row["company_id"]) {
            Some(account) => {
                assert_eq!(contact["sales_accounts"][0]["id"], account["id"]);
                assert_eq!(contact["sales_accounts"][0]["is_primary"], true);
                linked += 1;
            }
            None => assert_eq!(contact["sales_accounts"], Value::Array(Vec::new())),
        }
    }
    assert!(linked > 200);
}

#[test]
fn act_03_engagement_score_is_a_number() {
    assert_decimal("cf_engagement_score__c", |r| {
        r["engagement_score"].parse().ok()
    });
    assert_eq!(
        all_held()["not_a_number"].len(),
        8,
        "scores and rates in words"
    );
}

#[test]
fn act_04_training_completion_is_a_number() {
    assert_decimal("cf_training_completion_rate__c", |r| {
        percent(&r["training_completion_rate"])
    });
}

#[test]
fn act_05_message_counts_are_numbers() {
    assert_custom("cf_messages_opened__c", |r| whole(r, "message_open_count"));
    assert_custom("cf_messages_clicked__c", |r| {
        whole(r, "message_click_count")
    });
    assert_eq!(type_of("cf_messages_opened__c"), "number");
}

#[test]
fn act_06_tags_stay_and_taken_ones_get_the_source_as_prefix() {
    let mut taken = 0;
    for (row, contact) in arrived() {
        let there: BTreeSet<String> = contact["tags"]
            .as_array()
            .expect("tags")
            .iter()
            .filter_map(|t| Some(t.as_str()?.to_owned()))
            .collect();
        let wanted: BTreeSet<String> = row["tags"]
            .split('|')
            .filter(|t| !t.is_empty())
            .map(|t| match t {
                "VIP" => "actimo/VIP".to_owned(),
                other => other.to_owned(),
            })
            .collect();
        assert_eq!(there, wanted, "{row:?}");
        taken += usize::from(wanted.contains("actimo/VIP"));
    }
    assert!(taken > 20);
    let old = moved()
        .contacts
        .iter()
        .find(|c| c["email"] == "old.friend@clients.example")
        .expect("who was there before");
    assert_eq!(old["tags"], serde_json::json!(["VIP"]));
}

#[test]
fn act_07_departments_stand_on_contacts_and_accounts() {
    assert_custom("cf_department__c", |r| {
        match r["department_name"].as_str() {
            "" => Value::Null,
            name => name.into(),
        }
    });
    let rows = by_column(&moved().export("companies.csv"), "company_id");
    let mut named = 0;
    for (id, account) in by_custom(&moved().accounts, "cf_actimo_id") {
        assert_same(
            &rows[&id],
            &account["custom_field"],
            &[("department_name", "cf_department__c")],
        );
        named += usize::from(!rows[&id]["department_name"].is_empty());
    }
    assert!(named > 10);
}

#[test]
fn act_08_last_engagement_is_a_day_in_the_accounts_zone() {
    assert_custom("cf_last_engagement_date__c", |r| {
        r["last_engagement_date"][..10].into()
    });
    assert_eq!(type_of("cf_last_engagement_date__c"), "date");
    assert_eq!(all_held()["not_a_date"].len(), 4);
}

#[test]
fn act_09_training_paths_are_one_text() {
    assert_custom(
        "cf_assigned_training_paths__c",
        |r| match r["assigned_training_paths"].as_str() {
            "" => Value::Null,
            paths => paths.replace('|', "; ").into(),
        },
    );
}

#[test]
fn act_10_surveys_are_numbers_and_their_history_a_file_with_the_way_back() {
    assert_custom("cf_survey_responses__c", |r| whole(r, "survey_responses"));
    assert_decimal("cf_survey_engagement_rate__c", |r| {
        percent(&r["survey_engagement_rate"])
    });
    let m = moved();
    let folder = m.example.folder.path().join(".transload/handoff");
    let history = support::csv_rows(&folder.join("survey_history.csv"));
    let rows = m.export("surveys.csv");
    assert_eq!(history.len(), rows.len());
    for (kept, row) in history.iter().zip(&rows) {
        for column in ["survey", "contact_id", "question", "answer"] {
            assert_eq!(kept[column], row[column]);
        }
    }
    let words = std::fs::read_to_string(folder.join("survey_history.md")).expect("the document");
    assert!(words.contains("Build the survey again"));
    let inventory = std::fs::read_to_string(folder.join("automations.md")).expect("the document");
    assert!(inventory.contains("Assign path Onboarding") && inventory.contains("Send survey"));
}

#[test]
fn act_11_no_contact_lands_without_an_owner() {
    let m = moved();
    let users = by_column(&m.export("users.csv"), "user_id");
    let mut fallback = 0;
    for (row, contact) in arrived() {
        let matched = users
            .get(&row["owner_id"])
            .and_then(|u| m.user(&u["email"]));
        let wanted = matched.or_else(|| m.user(FALLBACK));
        assert!(wanted.is_some());
        assert_eq!(contact["owner_id"].as_i64(), wanted, "{row:?}");
        fallback += usize::from(matched.is_none());
    }
    assert!(fallback > 20);
    assert_eq!(
        m.held("user")["not_at_destination"],
        BTreeSet::from(["13".to_owned()])
    );
    assert_eq!(
        all_held()["reference_missing"].len(),
        4,
        "blank owners wait"
    );
}
