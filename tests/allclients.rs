//! AllClients to the simulated account, row by row of the requirements: the example is loaded once, then each
//! row reads the destination back over HTTP with a client of its own and compares with the export's files.

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
    path::PathBuf,
    sync::OnceLock,
};
use support::{Example, Sandbox, csv_rows, sheet, step};

struct World {
    sandbox: Sandbox,
    example: Example,
    report: Value,
    second: Value,
    contacts: Vec<Value>,
    users: BTreeMap<String, i64>,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let seed = support::root().join("examples/allclients/sandbox.yaml");
        let sandbox = Sandbox::start(
            "freshsales.yaml",
            &[
                "--seed",
                seed.to_str().expect("path"),
                "--tier",
                "growth",
                "--calls-per-minute",
                "0",
            ],
        );
        let example = Example::against("allclients", &sandbox);
        let report = example.run();
        let second = example.run();
        let contacts = sandbox.view("contacts", "All Contacts");
        let users = sandbox.get("/selector/owners")["users"]
            .as_array()
            .expect("users")
            .iter()
            .filter_map(|u| Some((u["email"].as_str()?.to_lowercase(), u["id"].as_i64()?)))
            .collect();
        World {
            sandbox,
            example,
            report,
            second,
            contacts,
            users,
        }
    })
}

fn export(file: &str) -> Vec<BTreeMap<String, String>> {
    let path: PathBuf = world().example.folder.path().join("export").join(file);
    csv_rows(&path)
}

/// Destination contacts by e-mail in lower case.
fn by_email() -> BTreeMap<String, &'static Value> {
    world()
        .contacts
        .iter()
        .filter_map(|c| Some((c["email"].as_str()?.to_lowercase(), c)))
        .collect()
}

/// Export rows of contacts by e-mail in lower case; several where the export has duplicates.
fn rows_by_email() -> BTreeMap<String, Vec<BTreeMap<String, String>>> {
    let mut all: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for row in export("Contacts.csv") {
        let email = row["Email"].to_lowercase();
        if !email.is_empty() {
            all.entry(email).or_default().push(row);
        }
    }
    all
}

fn held(step: &str) -> BTreeMap<String, Vec<String>> {
    let output = support::transload()
        .args(["holds", "list"])
        .arg(world().example.migration())
        .args(["--step", step, "--format", "json"])
        .output()
        .expect("it runs");
    let rows: Value = serde_json::from_slice(&output.stdout).expect("json");
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows.as_array().expect("rows") {
        all.entry(row["code"].as_str().expect("code").to_owned())
            .or_default()
            .push(row["key"].as_str().expect("key").to_owned());
    }
    all
}

fn held_keys(step: &str) -> BTreeSet<String> {
    held(step).into_values().flatten().collect()
}

#[test]
fn books_balance_and_a_second_run_writes_nothing() {
    let w = world();
    for s in w.report["steps"].as_array().expect("steps") {
        assert_eq!(s["balanced"], true, "{s}");
        assert_eq!(s["failed"], 0, "{s}");
    }
    assert_eq!(w.second["nothing_left"], true);
    assert_eq!(w.second["calls_write"], 0);
    for s in w.second["steps"].as_array().expect("steps") {
        assert_eq!(
            (&s["created"], &s["updated"]),
            (&0.into(), &0.into()),
            "{s}"
        );
    }
}

#[test]
fn ac_01_contacts_arrive_with_every_standard_field_and_email_as_key() {
    let (there, rows) = (by_email(), rows_by_email());
    let held = held_keys("contact");
    let (mut compared, mut partners, mut phones) = (0, 0, BTreeSet::new());
    let merged: usize = rows.values().map(|r| r.len() - 1).sum();
    for (email, rows) in &rows {
        let keys: Vec<&String> = rows.iter().map(|r| &r["ContactID"]).collect();
        if keys.iter().any(|k| held.contains(*k)) {
            continue;
        }
        let contact = there
            .get(email)
            .unwrap_or_else(|| panic!("{email} is not at the destination"));
        if rows.len() > 1 || contact["job_title"] == "Broker" {
            continue;
        }
        let row = &rows[0];
        for (column, field) in [
            ("First Name", "first_name"),
            ("Address", "address"),
            ("City", "city"),
            ("State", "state"),
            ("Postal Code", "zipcode"),
        ] {
            if !row[column].is_empty() {
                assert_eq!(contact[field], row[column].as_str(), "{email} {field}");
            }
        }
        if !row["Last Name"].is_empty() {
            assert_eq!(contact["last_name"], row["Last Name"].as_str(), "{email}");
        }
        // Telephone numbers keep their digits; the country's code may be put before them.
        let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
        let custom = &contact["custom_field"];
        for (column, found) in [
            ("Phone 1", &contact["mobile_number"]),
            ("Phone 2", &contact["work_number"]),
            ("Phone 3", &custom["cf_phone_3"]),
            ("Phone 4", &custom["cf_phone_4"]),
        ] {
            if !row[column].is_empty() {
                let found = digits(found.as_str().unwrap_or_default());
                assert!(
                    found.ends_with(&digits(&row[column])),
                    "{email} {column}: {found}"
                );
                phones.insert(column);
            }
        }
        let partner = format!("{} {}", row["Other First Name"], row["Other Last Name"]);
        if !partner.trim().is_empty() {
            assert_eq!(custom["cf_partner"], partner.trim(), "{email}");
            partners += 1;
        }
        for (column, field) in [
            ("Other Birthday", "cf_partner_birthday"),
            ("ContactID", "cf_allclients_id"),
            ("Company", "cf_company"),
            ("Other Email", "cf_other_email"),
            ("Birthday", "cf_birthday"),
            ("Category", "cf_category"),
            ("Source", "cf_source"),
        ] {
            if !row[column].is_empty() {
                assert_eq!(custom[field], row[column].as_str(), "{email} {field}");
            }
        }
        assert_eq!(
            contact["owner_id"].as_i64(),
            w_owner(&row["Owner Email"]),
            "{email} owner"
        );
        compared += 1;
    }
    assert!(compared > 200, "only {compared} compared");
    assert!(partners > 5 && phones.len() > 1, "{partners} {phones:?}");
    assert!(merged > 0, "the export has duplicates");
    let books = step(&world().report, "contact");
    assert_eq!(books["merged"].as_u64(), Some(merged as u64));
    assert!(books["updated"].as_u64() > Some(0), "some existed before");
    // No e-mail twice, in whatever case.
    let emails: BTreeSet<String> = world()
        .contacts
        .iter()
        .filter_map(|c| Some(c["email"].as_str()?.to_lowercase()))
        .collect();
    assert_eq!(emails.len(), world().contacts.len());
}

fn w_owner(email: &str) -> Option<i64> {
    world().users.get(&email.to_lowercase()).copied()
}

#[test]
fn ac_01_the_latest_duplicate_survives_and_gaps_are_filled() {
    let there = by_email();
    let mut seen = 0;
    for (email, rows) in rows_by_email().into_iter().filter(|(_, r)| r.len() > 1) {
        let Some(contact) = there.get(&email) else {
            continue;
        };
        let survivor = contact["custom_field"]["cf_allclients_id"].as_str();
        assert!(
            rows.iter()
                .any(|r| Some(r["ContactID"].as_str()) == survivor),
            "{email}: {survivor:?}"
        );
        // Whatever one of the rows knows, the destination knows.
        for (column, field) in [("City", "city"), ("Address", "address"), ("State", "state")] {
            if rows.iter().any(|r| !r[column].is_empty()) {
                assert!(
                    contact[field].as_str().is_some_and(|c| !c.is_empty()),
                    "{email} lost its {field}"
                );
            }
        }
        seen += 1;
    }
    assert!(
        seen > 0,
        "the export has duplicates with another letter case"
    );
}

#[test]
fn ac_02_notes_follow_their_contact_and_orphans_are_held() {
    let w = world();
    let (there, contacts) = (by_email(), export("Contacts.csv"));
    let email_of: BTreeMap<&str, &str> = contacts
        .iter()
        .map(|r| (r["ContactID"].as_str(), r["Email"].as_str()))
        .collect();
    let held = held("note");
    let orphans: BTreeSet<&String> = held.get("join_none").into_iter().flatten().collect();
    assert!(
        !orphans.is_empty(),
        "some notes name a contact the export lacks"
    );
    let all_held: BTreeSet<&String> = held.values().flatten().collect();
    let mut checked = 0;
    for row in export("Notes.csv") {
        let by_id = email_of.get(row["ContactID"].as_str()).copied();
        let email = by_id
            .filter(|e| !e.is_empty())
            .unwrap_or(&row["Contact Email"])
            .to_lowercase();
        let known = by_id.is_some()
            || contacts.iter().any(|c| {
                c["Email"].eq_ignore_ascii_case(&row["Contact Email"]) && !email.is_empty()
            });
        if !known {
            assert!(
                orphans.contains(&row["NoteID"]),
                "note {} is lost",
                row["NoteID"]
            );
            continue;
        }
        if all_held.contains(&row["NoteID"]) || checked >= 60 {
            continue;
        }
        let Some(contact) = there.get(&email) else {
            continue;
        };
        let id = contact["id"].to_string();
        let notes = w.sandbox.children("contacts", &id, "notes");
        let words: String = row["Note"]
            .split(|c: char| !c.is_alphanumeric())
            .filter(|x| x.len() > 3 && !["strong", "href", "https", "nbsp"].contains(x))
            .take(1)
            .collect();
        assert!(
            notes.iter().any(
                |n| n["description"].as_str().is_some_and(|d| d.contains(&words)
                    && (row["Created By"].is_empty() || d.contains(&row["Created By"])))
            ),
            "note {} of {email} is not there: {notes:?}",
            row["NoteID"]
        );
        checked += 1;
    }
    assert!(checked > 20, "only {checked} notes compared");
    let books = step(&w.report, "note");
    // Books count records of the source: a text over two pages is one of them, and two notes at the destination.
    let dump = w.sandbox.admin_get("/dump?object=note");
    let there = dump["note"].as_array().expect("notes");
    let second_page = |n: &&Value| {
        let text = n["fields"]["body"].as_str().unwrap_or_default();
        text.contains("(2/2)")
    };
    let second_pages = there.iter().filter(second_page).count() as u64;
    assert_eq!(second_pages, 1);
    assert_eq!(
        books["created"].as_u64().map(|n| n + second_pages),
        Some(there.len() as u64)
    );
    assert_eq!(
        books["read"].as_u64(),
        books["created"]
            .as_u64()
            .zip(books["held"].as_u64())
            .map(|(a, b)| a + b)
    );
}

#[test]
fn ac_03_groups_become_a_multi_select_whose_choices_exist() {
    let w = world();
    let there = by_email();
    let mut seen = BTreeSet::new();
    let mut several = 0;
    for (email, rows) in rows_by_email() {
        let (Some(contact), [row]) = (there.get(&email), rows.as_slice()) else {
            continue;
        };
        let wanted: BTreeSet<&str> = row["Groups"]
            .split(',')
            .map(str::trim)
            .filter(|g| !g.is_empty())
            .collect();
        if wanted.is_empty() {
            continue;
        }
        let found: BTreeSet<&str> = contact["custom_field"]["cf_groups"]
            .as_str()
            .unwrap_or_else(|| panic!("{email} has no groups: {contact}"))
            .split(';')
            .map(str::trim)
            .collect();
        assert_eq!(found, wanted, "{email}");
        several += usize::from(wanted.len() > 1);
        seen.extend(wanted.into_iter().map(str::to_owned));
    }
    assert!(several > 0, "some contacts are in several groups");
    let fields = w.sandbox.get("/settings/contacts/fields");
    let field = fields["fields"]
        .as_array()
        .expect("fields")
        .iter()
        .find(|f| f["name"] == "cf_groups")
        .expect("cf_groups exists");
    let choices: BTreeSet<String> = field["choices"]
        .as_array()
        .expect("choices")
        .iter()
        .filter_map(|c| c["value"].as_str().map(str::to_owned))
        .collect();
    assert!(
        choices.is_superset(&seen),
        "{choices:?} lacks some of {seen:?}"
    );
}

#[test]
fn ac_04_tags_are_parsed_and_applied_once_each() {
    let there = by_email();
    let mut compared = 0;
    for (email, rows) in rows_by_email() {
        let (Some(contact), [row]) = (there.get(&email), rows.as_slice()) else {
            continue;
        };
        let wanted: BTreeSet<&str> = row["Tags"]
            .split(',')
            .map(str::trim)
            .filter(|t| !t.is_empty())
            .collect();
        let found: Vec<&str> = contact["tags"]
            .as_array()
            .map(|t| t.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let unique: BTreeSet<&str> = found.iter().copied().collect();
        assert_eq!(
            unique.len(),
            found.len(),
            "{email}: a tag twice in {found:?}"
        );
        assert!(
            unique.is_superset(&wanted),
            "{email}: {found:?} lacks some of {wanted:?}"
        );
        compared += usize::from(!wanted.is_empty());
    }
    assert!(compared > 50, "only {compared} compared");
    // What people had put there by hand is still there.
    let lee = there
        .get("lee.known@family.example")
        .expect("existed before");
    let tags = lee["tags"].as_array().expect("tags");
    assert!(tags.contains(&"Imported by hand".into()), "{tags:?}");
    assert!(
        held("contact").contains_key("too_long"),
        "a tag over 40 characters holds its contact"
    );
}

#[test]
fn ac_05_custom_fields_of_all_five_types_keep_their_values() {
    let w = world();
    let there = by_email();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (email, rows) in rows_by_email() {
        let (Some(contact), [row]) = (there.get(&email), rows.as_slice()) else {
            continue;
        };
        let custom = &contact["custom_field"];
        let mut check = |column: &'static str, found: Option<String>, wanted: String| {
            assert_eq!(found.as_deref(), Some(wanted.as_str()), "{email} {column}");
            *seen.entry(column).or_default() += 1;
        };
        let text = |v: &Value| v.as_str().map(str::to_owned);
        if !row["Gift Idea"].is_empty() {
            check(
                "Gift Idea",
                text(&custom["cf_gift_idea"]),
                row["Gift Idea"].clone(),
            );
        }
        if !row["Policies"].is_empty() {
            let found = &custom["cf_policies"];
            let found = text(found).or_else(|| found.as_i64().map(|n| n.to_string()));
            check("Policies", found, row["Policies"].clone());
        }
        if !row["Renewal Date"].is_empty() {
            let parts: Vec<u32> = row["Renewal Date"]
                .split('/')
                .filter_map(|p| p.parse().ok())
                .collect();
            let [month, day, year] = parts[..] else {
                panic!("{email}: a bad date was loaded: {}", row["Renewal Date"]);
            };
            let found = text(&custom["cf_renewal_date"]).map(|t| t[..10].to_owned());
            check("Renewal Date", found, format!("{year}-{month:02}-{day:02}"));
        }
        if !row["Client Type"].is_empty() {
            check(
                "Client Type",
                text(&custom["cf_client_type"]),
                row["Client Type"].clone(),
            );
        }
        if !row["Newsletter"].is_empty() {
            check(
                "Newsletter",
                custom["cf_newsletter"].as_bool().map(|b| b.to_string()),
                row["Newsletter"].eq_ignore_ascii_case("yes").to_string(),
            );
        }
    }
    assert_eq!(seen.len(), 5, "{seen:?}");
    let fields = w.sandbox.get("/settings/contacts/fields");
    for (name, kind) in [
        ("cf_gift_idea", "text"),
        ("cf_policies", "number"),
        ("cf_renewal_date", "date"),
        ("cf_client_type", "dropdown"),
        ("cf_newsletter", "checkbox"),
    ] {
        let field = fields["fields"]
            .as_array()
            .expect("fields")
            .iter()
            .find(|f| f["name"] == name)
            .unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!(field["type"], kind, "{name}");
    }
    assert!(
        held("contact").contains_key("not_a_date"),
        "bad dates hold their contact"
    );
}

#[test]
fn ac_06_tasks_keep_subject_date_state_priority_and_owner() {
    let w = world();
    let (there, held) = (by_email(), held_keys("task"));
    let contacts = export("Contacts.csv");
    let mut compared = BTreeMap::new();
    for row in export("Tasks.csv") {
        if held.contains(&row["TaskID"]) || compared.values().sum::<usize>() >= 60 {
            continue;
        }
        let email =
            contacts
                .iter()
                .find(|c| {
                    !row["Contact Email"].is_empty()
                        && c["Email"].eq_ignore_ascii_case(&row["Contact Email"])
                })
                .or_else(|| contacts.iter().find(|c| c["ContactID"] == row["ContactID"]))
                .unwrap_or_else(|| panic!("task {} has no contact and is not held", row["TaskID"]))
                ["Email"]
                .to_lowercase();
        let contact = there.get(&email).expect("its contact is there");
        let tasks = w
            .sandbox
            .children("contacts", &contact["id"].to_string(), "tasks");
        let done = row["Status"].eq_ignore_ascii_case("closed");
        let parts: Vec<u32> = row["Due Date"]
            .split('/')
            .filter_map(|p| p.parse().ok())
            .collect();
        let due = format!("{}-{:02}-{:02}", parts[2], parts[0], parts[1]);
        let priority = match row["Priority"].as_str() {
            "1" => "High",
            "3" => "Normal",
            "5" => "Low",
            "" => "none",
            other => other,
        };
        // Tasks have no key: the same title may stand below a contact more than once.
        let found = tasks.iter().any(|t| {
            let words = t["description"].as_str().unwrap_or_default();
            t["title"] == row["Title"].as_str()
                && t["status"].as_i64() == Some(i64::from(done))
                && t["owner_id"].as_i64() == w_owner(&row["Owner Email"])
                && t["due_date"].as_str().is_some_and(|d| d[..10] == due)
                && words.contains(&format!("Priority: {priority}"))
                && words.contains(&row["Details"])
        });
        assert!(
            found,
            "task {row:?} is not there as it should be: {tasks:?}"
        );
        *compared.entry(done).or_insert(0) += 1;
    }
    assert_eq!(compared.len(), 2, "open and closed ones: {compared:?}");
    assert!(!held.is_empty(), "tasks without due date or owner wait");
}

#[test]
fn ac_07_templates_keep_html_and_image_addresses_and_embedded_images_are_noted() {
    let w = world();
    let templates = w.sandbox.admin_get("/objects/email_template");
    let templates = templates.as_array().expect("templates");
    let folder = w.example.folder.path().join("export/EmailTemplates");
    let held = held_keys("template");
    assert_eq!(held.len(), 1, "one names a file that is not in the export");
    let mut embedded = Vec::new();
    let mut addressed = 0;
    for row in csv_rows(&folder.join("index.csv")) {
        if held.contains(&row["id"]) {
            continue;
        }
        let html = support::text_of(&folder.join(&row["file"]));
        let there = templates
            .iter()
            .map(|t| &t["wire"])
            .find(|t| t["name"] == row["name"].as_str())
            .unwrap_or_else(|| panic!("template {} is not there: {templates:?}", row["name"]));
        let body = there["html_content"].as_str().expect("html");
        assert_eq!(
            body.trim(),
            html.replace("\r\n", "\n").trim(),
            "{}",
            row["name"]
        );
        if html.contains("data:image/") {
            embedded.push(row["name"].clone());
        }
        addressed += usize::from(html.contains("src=\"http"));
    }
    assert!(!embedded.is_empty() && addressed > 0);
    let note = std::fs::read_to_string(
        w.example
            .folder
            .path()
            .join(".transload/handoff/embedded_images.md"),
    )
    .expect("a document for manual work");
    for name in &embedded {
        assert!(note.contains(name.as_str()), "{name} is not noted:\n{note}");
    }
}

#[test]
fn ac_08_contacts_wait_until_their_owner_is_there() {
    let w = world();
    let users = held("user");
    assert!(
        users
            .values()
            .flatten()
            .any(|k| k.contains("lena.brandt@agency.example")),
        "{users:?}"
    );
    let held = held_keys("contact");
    let mut waiting = 0;
    for row in export("Contacts.csv") {
        if row["Owner Email"].is_empty() || row["Email"].is_empty() {
            continue;
        }
        if w_owner(&row["Owner Email"]).is_none() {
            let there = by_email().contains_key(&row["Email"].to_lowercase());
            assert!(
                held.contains(&row["ContactID"]) || there,
                "contact {} is neither held nor there",
                row["ContactID"]
            );
            waiting += usize::from(held.contains(&row["ContactID"]));
        }
    }
    assert!(waiting > 0, "some contacts wait for their owner");
    // No contact of this migration is without a resolved owner.
    for contact in &w.contacts {
        if contact["custom_field"]["cf_allclients_id"].is_string() {
            assert!(contact["owner_id"].is_i64(), "{contact}");
        }
    }
}

#[test]
fn ac_08_holds_release_themselves_when_the_owner_appears() {
    let seed = support::root().join("examples/allclients/sandbox.yaml");
    let sandbox = Sandbox::start(
        "freshsales.yaml",
        &[
            "--seed",
            seed.to_str().expect("path"),
            "--calls-per-minute",
            "0",
        ],
    );
    let example = Example::against("allclients", &sandbox);
    let first = example.run();
    let (status, answer) = sandbox.admin_post(
        "/objects/user",
        &serde_json::json!({"name": "Lena Brandt", "email": "lena.brandt@agency.example", "active": true}),
    );
    assert!(status < 300, "{status} {answer}");
    let second = example.run();
    let (before, after) = (step(&first, "contact"), step(&second, "contact"));
    assert!(after["created"].as_u64() > Some(0), "{after}");
    assert!(
        after["held"].as_u64() < before["held"].as_u64(),
        "{before} {after}"
    );
    let third = example.run();
    assert_eq!(third["calls_write"], 0);
}

#[test]
fn a_name_of_a_file_is_not_taken_for_its_content() {
    let w = world();
    let mut rows = sheet::export(&w.example);
    rows.retain(|r| r["step"] == "template" && r["code"] == "no_file");
    assert_eq!(rows.len(), 1, "{rows:?}");
    let proposed = rows[0]["proposed fix"].clone();
    assert!(proposed.starts_with("put the file right"), "{proposed}");
    rows[0].insert("decision".to_owned(), "set".to_owned());
    rows[0].insert("new_value".to_owned(), "welcome.html".to_owned());
    sheet::write(&sheet::path(&w.example), &rows);
    let output = sheet::holds(
        &w.example,
        "import",
        &["holds.csv", "--by", "Kim Ortega", "--dry-run"],
    );
    let said = support::failed_with(&output, 2);
    assert!(said.contains("1 fault"), "{said}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("holds what stands in a file"), "{said}");
}
