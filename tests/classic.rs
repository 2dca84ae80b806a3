//! The classic product beside the Suite: two platform files that differ where they must, real leads, and a move into
//! them that reads the destination back over HTTP.

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
    fs,
    sync::OnceLock,
};
use support::{
    Sandbox, fetch,
    moved::{Moved, assert_same, by_custom},
    root, step,
};

/// Where the two files differ, and why. A place stands for everything below it.
const DIFFERENT: &[&str] = &[
    // Who it is, where it is, and what its tiers are called.
    "platform",
    "title",
    "why",
    "tiers",
    "connect.http.base",
    "connect.http.mount",
    "connect.http.params",
    "limits.calls",
    // Custom fields: totals by tier; by type nothing is known about the classic product.
    "custom_fields.total_max",
    "custom_fields.types.bool.count_max",
    "custom_fields.types.date.count_max",
    "custom_fields.types.decimal.count_max",
    "custom_fields.types.enum.count_max",
    "custom_fields.types.html.count_max",
    "custom_fields.types.int.count_max",
    "custom_fields.types.multi_enum.count_max",
    "custom_fields.types.text.count_max",
    "gotchas",
    // Objects of one product alone.
    "objects.lead",
    "objects.lead_source",
    "objects.lead_stage",
    "objects.lifecycle_stage",
    "objects.list",
    "objects.list_member",
    "quirks.unknown_member",
    // Bulk calls are documented for the Suite.
    "objects.account.ops.bulk_upsert",
    "objects.contact.ops.bulk_upsert",
    // How long the recycle bin keeps records is documented for the Suite.
    "shapes.viewed.delete.keeps",
    // A contact has no lifecycle stage, and older pages ask for a last name.
    "objects.contact.include",
    "objects.contact.fields.lifecycle",
    "objects.contact.fields.last_name",
    "objects.pipeline.rows_max",
    // Leads have notes, tasks and activities.
    "objects.appointment.fields.about",
    "objects.appointment.ops.children.parents.lead",
    "objects.note.fields.about",
    "objects.note.ops.children.parents.lead",
    "objects.sales_activity.fields.about",
    "objects.task.fields.about",
    "objects.task.ops.children.parents.lead",
];

fn differences(at: &str, a: Option<&Value>, b: Option<&Value>, out: &mut BTreeSet<String>) {
    if let (Some(Value::Object(x)), Some(Value::Object(y))) = (a, b) {
        for key in x.keys().chain(y.keys()) {
            let below = match at {
                "" => key.clone(),
                at => format!("{at}.{key}"),
            };
            differences(&below, x.get(key), y.get(key), out);
        }
    } else if a != b {
        out.insert(at.to_owned());
    }
}

fn platform(name: &str) -> Value {
    let path = root().join(format!("specs/platforms/{name}.yaml"));
    serde_yaml::from_str(&fs::read_to_string(path).expect("a platform file")).expect("YAML")
}

#[test]
fn the_two_files_differ_only_where_they_must() {
    let mut found = BTreeSet::new();
    let (suite, classic) = (platform("freshsales"), platform("freshsales_classic"));
    differences("", Some(&suite), Some(&classic), &mut found);
    let allowed = |place: &str| {
        DIFFERENT
            .iter()
            .any(|d| place == *d || place.starts_with(&format!("{d}.")))
    };
    let forgotten: Vec<&String> = found.iter().filter(|f| !allowed(f)).collect();
    assert!(forgotten.is_empty(), "only in one of them: {forgotten:#?}");
    let idle: Vec<&&str> = DIFFERENT
        .iter()
        .filter(|d| {
            !found
                .iter()
                .any(|f| f == **d || f.starts_with(&format!("{d}.")))
        })
        .collect();
    assert!(idle.is_empty(), "no longer different: {idle:#?}");
}

#[test]
fn each_product_serves_its_own_addresses() {
    let classic = Sandbox::start("freshsales_classic.yaml", &["--tier", "forest"]);
    let origin = classic.base.trim_end_matches("/api").to_owned();
    assert_eq!(classic.base, format!("{origin}/api"));
    let status = |url: &str, key: &str| fetch(url, Some(key), None).0;
    assert_eq!(
        status(&format!("{}/leads/filters", classic.base), &classic.key),
        200
    );
    // Leads, too, are listed through a view.
    assert_eq!(
        status(&format!("{}/leads", classic.base), &classic.key),
        403
    );
    for path in [
        "/crm/sales/api/leads/filters",
        "/crm/sales/api/selector/owners",
    ] {
        assert_eq!(
            status(&format!("{origin}{path}"), &classic.key),
            404,
            "{path}"
        );
    }
    for path in ["/selector/lifecycle_stages", "/lists"] {
        let url = format!("{}{path}", classic.base);
        assert_eq!(status(&url, &classic.key), 404, "{path}");
    }
    let suite = Sandbox::start("freshsales.yaml", &["--tier", "pro"]);
    assert!(suite.base.ends_with("/crm/sales/api"));
    for path in ["/leads", "/leads/filters", "/settings/leads/fields"] {
        let url = format!("{}{path}", suite.base);
        assert_eq!(status(&url, &suite.key), 404, "{path}");
    }
}

#[test]
fn a_lead_needs_a_last_name_and_keeps_its_company() {
    let b = Sandbox::start("freshsales_classic.yaml", &["--calls-per-minute", "0"]);
    let post = |body: Value| {
        let url = format!("{}/leads", b.base);
        support::fetch_with("POST", &url, &b.key, Some(&body))
    };
    let (status, answer) = post(serde_json::json!({"lead": {"first_name": "Ada"}}));
    assert_eq!(status, 400);
    assert_eq!(
        answer["errors"]["message"],
        serde_json::json!(["Last name can't be blank"])
    );
    let industry = b.get("/selector/industry_types")["industry_types"][0]["id"].clone();
    let lead = serde_json::json!({"lead": {
        "last_name": "Lind",
        "email": "ada@acme.test",
        "company": {"name": "Acme", "industry_type_id": industry, "number_of_employees": 12},
        "deal": {"name": "Pilot", "amount": "12.50"},
    }});
    let (status, answer) = post(lead.clone());
    assert_eq!(status, 200, "{answer}");
    let made = &answer["lead"];
    assert_eq!(made["company"]["name"], "Acme");
    assert_eq!(made["company"]["industry_type_id"], industry);
    assert_eq!(made["company"]["number_of_employees"], 12);
    let amount: f64 = made["deal"]["amount"]
        .as_str()
        .expect("text")
        .parse()
        .expect("a number");
    assert!((amount - 12.5).abs() < 1e-9);
    assert!(made["lead_stage_id"].is_i64(), "the first stage");
    // Two leads of one address are no conflict.
    assert_eq!(post(lead).0, 200);
}

fn moved() -> &'static Moved {
    static MOVED: OnceLock<Moved> = OnceLock::new();
    MOVED.get_or_init(|| {
        Moved::run_on(
            "freshsales_classic.yaml",
            "smartdesk_classic",
            "garden",
            |example| {
                let export = root().join("examples/smartdesk/export");
                example.edit(|text| {
                    text.replace("../smartdesk/export", export.to_str().expect("a path"))
                });
            },
        )
    })
}

#[test]
fn books_balance_and_a_second_run_writes_nothing() {
    moved().assert_balanced();
}

#[test]
fn sd_01_leads_become_leads_with_their_source_stage_and_company() {
    let m = moved();
    let all = m.sandbox.view("leads", "All Leads");
    let (there, held) = (by_custom(&all, "cf_smartdesk_id"), m.held_keys("lead"));
    let (sources, stages) = (m.selector("lead_sources"), m.selector("lead_stages"));
    let (mut compared, mut flagged) = (0, 0);
    let rows = support::csv_rows(&root().join("examples/smartdesk/export/leads.csv"));
    for row in &rows {
        if held.contains(&row["id"]) {
            continue;
        }
        let lead = there[&row["id"]];
        assert_same(
            row,
            lead,
            &[
                ("first_name", "first_name"),
                ("last_name", "last_name"),
                ("phone", "work_number"),
            ],
        );
        assert_eq!(
            lead["email"].as_str().map(str::to_lowercase),
            Some(row["email"].to_lowercase())
        );
        assert_eq!(lead["company"]["name"], row["company"].as_str());
        let source = match row["lead_source"].as_str() {
            "Website" => "web form",
            "Referral" => "referral",
            "Fair" => "trade show",
            _ => "other",
        };
        assert_eq!(lead["lead_source_id"].as_i64(), Some(sources[source]));
        let stage = match row["lead_status"].as_str() {
            "Open" => "new",
            "Working" => "contacted",
            _ => "interested",
        };
        assert_eq!(lead["lead_stage_id"].as_i64(), Some(stages[stage]));
        assert_eq!(lead["owner_id"].as_i64(), m.user(&row["owner_email"]));
        let custom = &lead["custom_field"];
        assert_same(
            row,
            custom,
            &[
                ("lead_source", "cf_lead_source"),
                ("lead_status", "cf_lead_status"),
            ],
        );
        flagged += usize::from(custom["cf_to_convert"] == true);
        compared += 1;
    }
    assert!(compared > 50 && flagged > 5, "{compared} {flagged}");
    // One was there before and is that lead now; nobody became a contact.
    assert_eq!(step(&m.report, "lead")["updated"], 1);
    assert_eq!(all.len(), there.len());
    let contacts: BTreeSet<&str> = m
        .contacts
        .iter()
        .filter_map(|c| c["email"].as_str())
        .collect();
    assert!(contacts.iter().all(|e| !e.contains("desk-leads.example")));
}

#[test]
fn what_is_about_a_lead_stands_below_it() {
    let m = moved();
    let all = m.sandbox.view("leads", "All Leads");
    let there = by_custom(&all, "cf_smartdesk_id");
    let rows = support::csv_rows(&root().join("examples/smartdesk/export/activities.csv"));
    let mut notes: BTreeMap<&str, usize> = BTreeMap::new();
    let held = m.held_keys("note");
    for row in &rows {
        if row["type"] == "note"
            && there.contains_key(&row["related_id"])
            && !held.contains(&row["id"])
        {
            *notes.entry(row["related_id"].as_str()).or_default() += 1;
        }
    }
    assert!(notes.len() > 5, "{notes:?}");
    for (lead, count) in notes {
        let id = there[lead]["id"].to_string();
        assert_eq!(
            m.sandbox.children("leads", &id, "notes").len(),
            count,
            "{lead}"
        );
    }
}

#[test]
fn sd_02_contacts_keep_their_stage_as_a_status() {
    let m = moved();
    let statuses = m.selector("contact_statuses");
    let there = by_custom(&m.contacts, "cf_smartdesk_id");
    let held = m.held_keys("contact");
    let rows = support::csv_rows(&root().join("examples/smartdesk/export/contacts.csv"));
    let mut compared = 0;
    for row in rows.iter().filter(|r| !held.contains(&r["id"])) {
        let contact = there[&row["id"]];
        let status = match row["lifecycle_stage"].to_lowercase().as_str() {
            "prospect" | "lead" => "new",
            "qualified" => "qualified",
            _ => "won",
        };
        assert_eq!(
            contact["contact_status_id"].as_i64(),
            Some(statuses[status])
        );
        assert_same(
            row,
            &contact["custom_field"],
            &[("lifecycle_stage", "cf_lifecycle_stage")],
        );
        assert_eq!(contact.get("lifecycle_stage_id"), None);
        compared += 1;
    }
    assert!(compared > 200);
}
