//! An example that was moved into a stand-alone sandbox, twice, and what the destination holds then.

use super::{Example, Sandbox, csv_rows, root};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A row of an export by header.
pub type Row = BTreeMap<String, String>;

/// A finished move.
pub struct Moved {
    pub sandbox: Sandbox,
    pub example: Example,
    /// Report of the first run.
    pub report: Value,
    /// Report of the second.
    pub second: Value,
    /// Contacts, accounts and deals of the destination.
    pub contacts: Vec<Value>,
    pub accounts: Vec<Value>,
    pub deals: Vec<Value>,
    /// E-mail in lower case to id.
    pub users: BTreeMap<String, i64>,
}

impl Moved {
    /// Runs `examples/NAME` twice against a sandbox of that tier.
    pub fn run(name: &str, tier: &str) -> Moved {
        Moved::run_on("freshsales.yaml", name, tier, |_| {})
    }

    /// The same against another platform, with a change to the example.
    pub fn run_on(platform: &str, name: &str, tier: &str, change: impl Fn(&Example)) -> Moved {
        let seed = root().join(format!("examples/{name}/sandbox.yaml"));
        let seed = seed.to_str().expect("path");
        let sandbox = Sandbox::start(
            platform,
            &["--seed", seed, "--tier", tier, "--calls-per-minute", "0"],
        );
        let example = Example::against(name, &sandbox);
        change(&example);
        let report = example.run();
        let second = example.run();
        Moved {
            contacts: sandbox.view("contacts", "All Contacts"),
            accounts: sandbox.view("sales_accounts", "All Accounts"),
            deals: sandbox.view("deals", "All Deals"),
            users: sandbox.get("/selector/owners")["users"]
                .as_array()
                .expect("users")
                .iter()
                .filter_map(|u| Some((u["email"].as_str()?.to_lowercase(), u["id"].as_i64()?)))
                .collect(),
            sandbox,
            example,
            report,
            second,
        }
    }

    /// The rows of a file of the export.
    pub fn export(&self, file: &str) -> Vec<Row> {
        csv_rows(&self.example.folder.path().join("export").join(file))
    }

    /// Keys of held records of a step by code.
    pub fn held(&self, step: &str) -> BTreeMap<String, BTreeSet<String>> {
        let output = super::transload()
            .args(["holds", "list"])
            .arg(self.example.migration())
            .args(["--step", step, "--format", "json"])
            .output()
            .expect("it runs");
        let rows: Value = serde_json::from_slice(&output.stdout).expect("json");
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in rows.as_array().expect("rows") {
            all.entry(row["code"].as_str().expect("code").to_owned())
                .or_default()
                .insert(row["key"].as_str().expect("key").to_owned());
        }
        all
    }

    /// Keys of all held records of a step.
    pub fn held_keys(&self, step: &str) -> BTreeSet<String> {
        self.held(step).into_values().flatten().collect()
    }

    /// The id of a user.
    pub fn user(&self, email: &str) -> Option<i64> {
        self.users.get(&email.to_lowercase()).copied()
    }

    /// Rows of a selector: name in lower case to id.
    pub fn selector(&self, path: &str) -> BTreeMap<String, i64> {
        self.sandbox.get(&format!("/selector/{path}"))[path]
            .as_array()
            .expect("rows")
            .iter()
            .filter_map(|r| Some((r["name"].as_str()?.to_lowercase(), r["id"].as_i64()?)))
            .collect()
    }

    /// Fails unless every step balanced, nothing failed, and the second run wrote nothing.
    pub fn assert_balanced(&self) {
        for step in self.report["steps"].as_array().expect("steps") {
            assert_eq!(step["balanced"], true, "{step}");
            assert_eq!(step["failed"], 0, "{step}");
        }
        assert_eq!(self.second["nothing_left"], true);
        assert_eq!(self.second["calls_write"], 0);
    }
}

/// Records by a custom field.
pub fn by_custom<'r>(records: &'r [Value], field: &str) -> BTreeMap<String, &'r Value> {
    records
        .iter()
        .filter_map(|r| Some((r["custom_field"][field].as_str()?.to_owned(), r)))
        .collect()
}

/// Rows by a column.
pub fn by_column(rows: &[Row], column: &str) -> BTreeMap<String, Row> {
    rows.iter()
        .map(|r| (r[column].clone(), r.clone()))
        .collect()
}

/// Fails unless each column that has a value arrived in its field.
pub fn assert_same(row: &Row, record: &Value, pairs: &[(&str, &str)]) {
    for (column, field) in pairs {
        if !row[*column].is_empty() {
            assert_eq!(
                record[*field],
                row[*column].as_str(),
                "{column} -> {field} of {row:?}"
            );
        }
    }
}
