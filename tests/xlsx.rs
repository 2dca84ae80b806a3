//! The same export as CSV files and as one workbook: both end in the same state of the destination.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use serde_json::Value;
use std::collections::BTreeMap;
use support::{Example, failed_with, moved::Moved, step};

/// Records by their source id, without what differs from account to account: ids, and times of the server.
fn plain(m: &Moved, records: &[Value]) -> BTreeMap<String, Value> {
    let users: BTreeMap<i64, &String> = m.users.iter().map(|(email, id)| (*id, email)).collect();
    records
        .iter()
        .filter_map(|record| {
            let key = record["custom_field"]["cf_actimo_id"].as_str()?.to_owned();
            let mut record = record.as_object().expect("a record").clone();
            for member in ["id", "created_at", "updated_at"] {
                record.remove(member);
            }
            let owner = record["owner_id"].as_i64().and_then(|id| users.get(&id));
            record.insert(
                "owner_id".to_owned(),
                owner.expect("a user").as_str().into(),
            );
            if let Some(Value::Array(linked)) = record.get_mut("sales_accounts") {
                for account in linked {
                    account.as_object_mut().expect("an item").remove("id");
                }
            }
            Some((key, Value::Object(record)))
        })
        .collect()
}

#[test]
fn a_workbook_moves_as_its_csv_files_do() {
    let (sheets, files) = std::thread::scope(|scope| {
        let sheets = scope.spawn(|| Moved::run("actimo_xlsx", "pro"));
        let files = scope.spawn(|| Moved::run("actimo", "pro"));
        (
            sheets.join().expect("it runs"),
            files.join().expect("it runs"),
        )
    });
    sheets.assert_balanced();
    let contacts = plain(&sheets, &sheets.contacts);
    assert!(contacts.len() > 250, "{}", contacts.len());
    for (key, contact) in plain(&files, &files.contacts) {
        assert_eq!(contacts.get(&key), Some(&contact), "contact {key}");
    }
    let accounts = plain(&sheets, &sheets.accounts);
    assert!(accounts.len() > 30, "{}", accounts.len());
    for (key, account) in plain(&files, &files.accounts) {
        assert_eq!(accounts.get(&key), Some(&account), "account {key}");
    }
    for name in ["user", "account", "contact", "lead"] {
        assert_eq!(step(&sheets.report, name), step(&files.report, name));
        assert_eq!(sheets.held(name), files.held(name), "{name}");
    }
    let rows = |m: &Moved| {
        let path = m
            .example
            .folder
            .path()
            .join(".transload/handoff/survey_history.csv");
        std::fs::read_to_string(path).expect("the document")
    };
    assert_eq!(rows(&sheets), rows(&files));
}

#[test]
fn a_workbook_that_is_none_stops_the_run_before_anything_is_sent() {
    for (bytes, says) in [
        (
            b"user_id;email\n".to_vec(),
            "is no workbook of the kind .xlsx",
        ),
        (Vec::new(), "is no workbook of the kind .xlsx"),
        (b"PK\x03\x04cut".to_vec(), "is a damaged workbook"),
    ] {
        let example = Example::copy("actimo_xlsx");
        example.edit_export("actimo.xlsx", |_| bytes);
        let output = example.command().output().expect("it runs");
        let said = failed_with(&output, 2);
        assert!(
            said.contains("actimo.xlsx") && said.contains(says),
            "{said}"
        );
    }
    let example = Example::copy("actimo_xlsx");
    example.edit(|text| text.replace("sheet: Surveys", "sheet: Pulse"));
    let said = failed_with(&example.command().output().expect("it runs"), 2);
    assert!(
        said.contains("has no sheet \"Pulse\"; it has \"Users\", \"Companies\""),
        "{said}"
    );
}
