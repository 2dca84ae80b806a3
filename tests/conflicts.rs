//! Both sides change after a load: people at the destination, the export at the source. Only what changed at the source
//! is sent, and what people wrote is overwritten only where the policy says so.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use serde_json::{Value, json};
use std::fs;
use support::{Example, Sandbox, account, recorder::Recorder, report_of, sheet, step};

const HEADER: &str = "ContactID,First Name,Last Name,Company,Email,Other Email,Phone 1,Phone 2,Phone 3,Phone 4,Address,City,State,Postal Code,Birthday,Other First Name,Other Last Name,Other Birthday,Category,Source,Groups,Tags,Owner Email,Add Date,Edit Date,Gift Idea,Policies,Renewal Date,Client Type,Newsletter";

/// Three contacts as the export has them: (column, value) over a common row.
fn export(changes: [&[(&str, &str)]; 3]) -> String {
    let mut out = format!("{HEADER}\r\n");
    for (n, changed) in changes.iter().enumerate() {
        let cells = HEADER.split(',').map(|column| {
            let value = changed
                .iter()
                .find(|(c, _)| *c == column)
                .map(|(_, v)| *v)
                .or(match column {
                    "First Name" => Some("Kim"),
                    "Last Name" => Some("Sample"),
                    "Company" => Some("Sample Dental"),
                    "City" => Some("Omaha"),
                    "State" => Some("NE"),
                    "Tags" => Some("\"VIP,Newsletter,Open House\""),
                    "Owner Email" => Some("dana.reed@agency.example"),
                    "Add Date" => Some("11/9/2018 11:40:39 PM"),
                    "Edit Date" => Some("12/04/2023 11:06:14 AM"),
                    _ => None,
                });
            match column {
                "ContactID" => (n + 1).to_string(),
                "Email" => format!("kim{}@clients.example", n + 1),
                _ => value.unwrap_or("").to_owned(),
            }
        });
        out.push_str(&cells.collect::<Vec<_>>().join(","));
        out.push_str("\r\n");
    }
    out
}

/// A loaded account of three contacts, and what stands before it.
struct Loaded {
    sandbox: Sandbox,
    recorder: Recorder,
    example: Example,
}

impl Loaded {
    fn new() -> Loaded {
        let sandbox = account(&[]);
        let recorder = Recorder::before(&sandbox);
        let example = Example::at("allclients", &recorder.base);
        let loaded = Loaded {
            sandbox,
            recorder,
            example,
        };
        loaded
            .example
            .edit(|t| t.replace("max_share: \"30%\"", "max_share: \"100%\""));
        for (file, rows) in [("Notes.csv", 0), ("Tasks.csv", 0)] {
            loaded.example.edit_export(file, |b| {
                let text = String::from_utf8_lossy(&b).into_owned();
                let kept: Vec<&str> = text.split_inclusive('\n').take(rows + 1).collect();
                kept.concat().into_bytes()
            });
        }
        loaded.source([&[], &[], &[]]);
        let report = loaded.example.run();
        assert_eq!(step(&report, "contact")["created"], 3, "{report}");
        loaded.recorder.take();
        loaded
    }

    fn source(&self, changes: [&[(&str, &str)]; 3]) {
        let path = self.example.folder.path().join("export/Contacts.csv");
        fs::write(path, export(changes)).expect("an export");
    }

    /// The contact of that number as it is.
    fn contact(&self, n: usize) -> Value {
        let email = format!("kim{n}@clients.example");
        let mut all = self.sandbox.view("contacts", "All Contacts").into_iter();
        all.find(|c| c["email"] == email.as_str())
            .expect("a contact")
    }

    /// A person changes a contact.
    fn person(&self, n: usize, change: &Value) {
        let id = self.contact(n)["id"].clone();
        self.sandbox.person(
            "PUT",
            &format!("/contacts/{id}"),
            &json!({"contact": change}),
        );
    }

    /// Runs; gives the report and the bodies of the writes to contacts.
    fn run(&self) -> (Value, Vec<Value>) {
        let report = self.example.run();
        let written = self.recorder.take();
        assert!(
            written.iter().all(|w| w.method == "PUT"),
            "nothing is created twice: {written:?}"
        );
        let bodies = written.into_iter().map(|w| w.body["contact"].clone());
        (report, bodies.collect())
    }

    /// Held contacts.
    fn held(&self) -> Vec<(String, String, String)> {
        let mut all = self.example.holds();
        all.retain(|h| h.0 == "contact");
        all
    }

    fn nothing_left(&self) {
        let (report, bodies) = self.run();
        assert_eq!(bodies, Vec::<Value>::new());
        assert_eq!(report["nothing_left"], true, "{report}");
        assert_eq!(report["conflicts"], json!([]));
    }
}

#[test]
fn only_what_changed_at_the_source_is_sent_and_other_edits_stay() {
    let loaded = Loaded::new();
    loaded.person(1, &json!({"city": "Elsewhere", "mobile_number": "1234567"}));
    loaded.source([&[("State", "KS")], &[], &[]]);
    let (report, bodies) = loaded.run();
    assert_eq!(bodies, [json!({"state": "KS"})]);
    assert_eq!(step(&report, "contact")["updated"], 1);
    assert_eq!(report["conflicts"], json!([]));
    let is = loaded.contact(1);
    assert_eq!(
        (&is["city"], &is["state"], &is["mobile_number"]),
        (&json!("Elsewhere"), &json!("KS"), &json!("1234567"))
    );
    loaded.nothing_left();
    // Told before it was done.
    let preview = &report["preview"].as_array().expect("a preview")[1];
    assert_eq!(preview["step"], "contact", "{preview}");
    assert_eq!(
        (
            &preview["changed"],
            &preview["unchanged"],
            &preview["fields"]
        ),
        (&json!(1), &json!(2), &json!({"state": 1}))
    );
}

#[test]
fn a_field_changed_at_both_sides_is_a_conflict_and_the_policy_decides() {
    let loaded = Loaded::new();
    let edit = json!({"city": "Springfield"});
    for n in 1..=3 {
        loaded.person(n, &edit);
    }
    // Kept, told, and the rest of the record goes on.
    loaded.source([&[("City", "Lincoln"), ("State", "KS")], &[], &[]]);
    let (report, bodies) = loaded.run();
    assert_eq!(bodies, [json!({"state": "KS"})]);
    assert_eq!(loaded.contact(1)["city"], "Springfield");
    assert_eq!(
        report["conflicts"],
        json!([{
            "step": "contact", "field": "city", "policy": "keep", "records": 1,
            "examples": [{"key": "1", "source": "L*****n", "destination": "S*********d"}],
        }])
    );
    loaded.nothing_left();
    // It is still theirs when the source changes it again.
    loaded.source([&[("City", "Boston"), ("State", "KS")], &[], &[]]);
    let (report, bodies) = loaded.run();
    assert_eq!(bodies, Vec::<Value>::new());
    assert_eq!(report["conflicts"][0]["records"], 1);
    assert_eq!(loaded.contact(1)["city"], "Springfield");

    // Overwritten, and told.
    loaded
        .example
        .edit(|t| t.replace("policy:\n", "policy:\n  conflict: overwrite\n"));
    let kept: &[(&str, &str)] = &[("City", "Boston"), ("State", "KS")];
    loaded.source([kept, &[("City", "Lincoln")], &[]]);
    let (report, bodies) = loaded.run();
    assert_eq!(bodies, [json!({"city": "Lincoln"})]);
    assert_eq!(report["conflicts"][0]["policy"], "overwrite");
    loaded.nothing_left();

    // Held for a person: the field says so, whatever the migration says.
    loaded.example.own_specs(|name, text| match name {
        "allclients--freshsales.yaml" => text.replace(
            "      city: city\n",
            "      city: {from: city, conflict: hold}\n",
        ),
        _ => text,
    });
    let second: &[(&str, &str)] = &[("City", "Lincoln")];
    loaded.source([kept, second, &[("City", "Dallas"), ("State", "KS")]]);
    let (report, bodies) = loaded.run();
    assert_eq!(bodies, Vec::<Value>::new());
    assert_eq!(step(&report, "contact")["held"], 1);
    assert_eq!(report["conflicts"][0]["policy"], "hold");
    let held = ("contact".to_owned(), "3".to_owned(), "conflict".to_owned());
    assert_eq!(loaded.held(), [held]);
    assert_eq!(loaded.contact(3)["state"], "NE");
    // The person takes the source's value: no conflict any more, and the rest arrives.
    loaded.person(3, &json!({"city": "Dallas"}));
    let (report, bodies) = loaded.run();
    assert_eq!(bodies, [json!({"state": "KS"})]);
    assert_eq!(report["conflicts"], json!([]));
    assert_eq!(loaded.held(), []);
    loaded.nothing_left();
}

#[test]
fn the_same_change_at_both_sides_is_no_conflict() {
    let loaded = Loaded::new();
    loaded.person(1, &json!({"city": "Boston"}));
    // White space at the ends is the destination's to drop.
    loaded.source([&[("City", "Boston")], &[], &[]]);
    let (report, bodies) = loaded.run();
    assert_eq!(bodies, Vec::<Value>::new());
    assert_eq!(report["conflicts"], json!([]));
    assert_eq!(step(&report, "contact")["unchanged"], 3);
    loaded.nothing_left();
    // From there on it is the common ground: the next change of the source is sent.
    loaded.source([&[("City", "Salem")], &[], &[]]);
    let (report, bodies) = loaded.run();
    assert_eq!(bodies, [json!({"city": "Salem"})]);
    assert_eq!(report["conflicts"], json!([]));
}

#[test]
fn tags_of_both_sides_are_merged() {
    let loaded = Loaded::new();
    let tags = |n: usize| -> Vec<String> {
        let contact = loaded.contact(n);
        let mut all: Vec<String> = contact["tags"]
            .as_array()
            .expect("tags")
            .iter()
            .map(|t| t.as_str().expect("a text").to_owned())
            .collect();
        all.sort();
        all
    };
    assert_eq!(tags(1), ["Newsletter", "Open House", "VIP"]);
    // A person takes VIP away and adds one; the source takes Newsletter away and adds another.
    loaded.person(1, &json!({"tags": ["Newsletter", "Open House", "Golf"]}));
    loaded.source([&[("Tags", "\"VIP,Open House,Renewal\"")], &[], &[]]);
    let (report, bodies) = loaded.run();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(
        bodies[0].as_object().map(|o| o.keys().collect::<Vec<_>>()),
        Some(vec![&"tags".to_owned()])
    );
    assert_eq!(tags(1), ["Golf", "Open House", "Renewal"]);
    assert_eq!(report["conflicts"], json!([]));
    loaded.nothing_left();
}

#[test]
fn custom_fields_of_people_survive_a_container_that_is_replaced() {
    let loaded = Loaded::new();
    let mut custom = loaded.contact(1)["custom_field"].clone();
    custom["cf_company"] = json!("Renamed Dental");
    loaded.person(1, &json!({"custom_field": custom}));
    loaded.source([&[("Category", "Vendor")], &[], &[]]);
    let (report, bodies) = loaded.run();
    assert_eq!(bodies.len(), 1);
    assert_eq!(
        bodies[0].as_object().map(|o| o.keys().collect::<Vec<_>>()),
        Some(vec![&"custom_field".to_owned()])
    );
    let is = loaded.contact(1)["custom_field"].clone();
    assert_eq!(
        (&is["cf_company"], &is["cf_category"]),
        (&json!("Renamed Dental"), &json!("Vendor"))
    );
    assert_eq!(report["conflicts"], json!([]));
    assert_eq!(step(&report, "contact")["updated"], 1);
    loaded.nothing_left();
}

#[test]
fn a_field_that_people_filled_while_the_source_had_none_is_theirs() {
    let loaded = Loaded::new();
    loaded.person(1, &json!({"zipcode": "68102"}));
    let zip: &[(&str, &str)] = &[("Postal Code", "66101")];
    loaded.source([zip, zip, &[]]);
    let (report, bodies) = loaded.run();
    // The second contact was touched by nobody: it gets its code.
    assert_eq!(bodies, [json!({"zipcode": "66101"})]);
    assert_eq!(report["conflicts"][0]["examples"][0]["key"], "1");
    assert_eq!(loaded.contact(1)["zipcode"], "68102");
    assert_eq!(loaded.contact(2)["zipcode"], "66101");
    loaded.nothing_left();
}

#[test]
fn a_record_that_people_deleted_is_held_and_not_made_again() {
    let loaded = Loaded::new();
    let id = loaded.contact(2)["id"].clone();
    loaded
        .sandbox
        .person("DELETE", &format!("/contacts/{id}"), &Value::Null);
    loaded.source([&[], &[("City", "Boston")], &[]]);
    let output = loaded.example.command().output().expect("it runs");
    report_of(&output);
    let held = ("contact".to_owned(), "2".to_owned(), "gone".to_owned());
    assert_eq!(loaded.held(), [held]);
}

#[test]
fn one_changed_row_of_a_value_map_changes_those_records_and_that_field() {
    let sandbox = account(&[]);
    let recorder = Recorder::before(&sandbox);
    let example = Example::at("allclients", &recorder.base);
    example.run();
    recorder.take();
    let with = |priority: &str| {
        let dump = sandbox.admin_get("/dump");
        let tasks = dump["task"].as_array().expect("tasks").clone();
        let line = format!("Priority: {priority}");
        let has = |t: &&Value| t.to_string().contains(&line);
        tasks.iter().filter(has).count()
    };
    let expected = with("High");
    assert!(expected > 5 && with("Urgent") == 0, "{expected}");
    example.own_specs(|name, text| match name {
        "allclients--freshsales.yaml" => text.replace("\"1\": \"High\"", "\"1\": \"Urgent\""),
        _ => text,
    });
    let report = example.run();
    let written = recorder.take();
    assert_eq!(written.len(), expected);
    for call in &written {
        assert_eq!(call.method, "PUT");
        assert!(call.path.contains("/tasks/"), "{call:?}");
        let fields = call.body["task"].as_object().expect("a task");
        assert_eq!(
            fields.keys().collect::<Vec<_>>(),
            ["description"],
            "{call:?}"
        );
    }
    assert_eq!((with("High"), with("Urgent")), (0, expected));
    assert_eq!(step(&report, "task")["updated"], expected);
    let previews = report["preview"].as_array().expect("a preview");
    for preview in previews {
        let changes = if preview["step"] == "task" {
            expected
        } else {
            0
        };
        assert_eq!(preview["changed"], changes, "{preview}");
        assert_eq!(preview["new"], 0, "{preview}");
    }
    let task = previews.iter().find(|p| p["step"] == "task");
    assert_eq!(
        task.expect("a step")["fields"],
        json!({"description": expected})
    );
    assert_eq!(example.run()["calls_write"], 0);
}

impl Loaded {
    /// Decides about contacts by key, and tries them again; gives the bodies that were written.
    fn decide(&self, decisions: &[(&'static str, &'static str, &'static str)]) -> Vec<Value> {
        let of = |(key, field, decision): &(&'static str, &'static str, &'static str)| {
            ("contact", *key, *field, *decision, "", "")
        };
        let all: Vec<sheet::Decision<'_>> = decisions.iter().map(of).collect();
        sheet::decide(&self.example, &all);
        sheet::import(&self.example);
        report_of(&sheet::retry(&self.example, &[]));
        let bodies = self.recorder.take().into_iter();
        bodies.map(|w| w.body["contact"].clone()).collect()
    }
}

#[test]
fn a_held_conflict_is_decided_in_the_sheet_and_only_that_one() {
    let loaded = Loaded::new();
    loaded
        .example
        .edit(|t| t.replace("policy:\n", "policy:\n  conflict: hold\n"));
    for n in 1..=3 {
        loaded.person(n, &json!({"city": "Springfield", "state": "OR"}));
    }
    let change: &[(&str, &str)] = &[
        ("City", "Lincoln"),
        ("State", "KS"),
        ("Postal Code", "66101"),
    ];
    loaded.source([change, change, change]);
    loaded.run();
    assert_eq!(loaded.held().len(), 3);
    // Nothing has changed: nothing is noted down.
    let told = sheet::told(&loaded.example);
    loaded.run();
    assert_eq!(sheet::told(&loaded.example), told);

    let bodies = loaded.decide(&[
        ("1", "city", "keep"),
        ("1", "state", "overwrite"),
        ("2", "city", "overwrite"),
    ]);
    // The second has a field that nobody decided about, so it waits as a whole.
    assert_eq!(bodies, [json!({"state": "KS", "zipcode": "66101"})]);
    let is = loaded.contact(1);
    assert_eq!(
        (&is["city"], &is["state"]),
        (&json!("Springfield"), &json!("KS"))
    );
    assert_eq!(loaded.held().len(), 2);
    let bodies = loaded.decide(&[("2", "state", "keep")]);
    assert_eq!(bodies, [json!({"city": "Lincoln", "zipcode": "66101"})]);
    assert_eq!(loaded.contact(2)["state"], "OR");

    // The source changes again what was kept: another conflict, and nobody has decided about that.
    let later: &[(&str, &str)] = &[
        ("City", "Dallas"),
        ("State", "KS"),
        ("Postal Code", "66101"),
    ];
    loaded.source([later, change, change]);
    let (_, bodies) = loaded.run();
    assert_eq!(bodies, Vec::<Value>::new());
    assert_eq!(
        loaded
            .held()
            .iter()
            .map(|h| h.1.as_str())
            .collect::<Vec<_>>(),
        ["1", "3"]
    );
}

#[test]
fn a_record_that_is_gone_is_told_once_and_dropped_by_a_decision() {
    let loaded = Loaded::new();
    let id = loaded.contact(2)["id"].clone();
    loaded
        .sandbox
        .person("DELETE", &format!("/contacts/{id}"), &Value::Null);
    loaded.source([&[], &[("City", "Boston")], &[]]);
    report_of(&loaded.example.command().output().expect("it runs"));
    let told = sheet::told(&loaded.example);
    report_of(&loaded.example.command().output().expect("it runs"));
    assert_eq!(sheet::told(&loaded.example), told);
    assert_eq!(loaded.decide(&[("2", "", "drop")]), Vec::<Value>::new());
    assert_eq!(loaded.held(), []);
    let report = loaded.example.run();
    assert_eq!(step(&report, "contact")["dropped"], 1, "{report}");
    assert_eq!(report["calls_write"], 0);
}
