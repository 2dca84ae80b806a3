//! The steps of a story, each a command with its exit code and what it must have done.

use crate::{
    account::{self, Dump},
    export::Sheet,
    support::{Example, Sandbox, counts, fetch_with, root, transload},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    process::{Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A pair, and where its people are edited.
#[derive(Clone, Copy)]
pub struct Pair {
    pub name: &'static str,
    pub tier: &'static str,
    /// The file of contacts in the export.
    pub file: &'static str,
    pub delimiter: char,
    /// Columns of that file.
    pub id: &'static str,
    pub email: &'static str,
    pub name_column: &'static str,
}

/// What people changed while the migration was under way.
pub struct Edits {
    /// E-mail of a contact whose name changed at the source.
    renamed: String,
    /// Of one that is new at the source.
    added: String,
    /// Source key of one that the source no longer has.
    deleted: String,
    /// Destination id of a contact that got a nickname which the mapping does not know.
    nicknamed: String,
    /// Of one that got a note by a person.
    noted: String,
    /// Of that note.
    note: String,
    /// Of one whose name people changed on both sides.
    contested: String,
}

/// One account and one migration into it.
pub struct Tale {
    pair: Pair,
    sandbox: Sandbox,
    example: Example,
}

const NEW_NAME: &str = "Renamed";
const THEIRS: &str = "Theirs";
const OURS: &str = "Ours";

impl Tale {
    pub fn begin(pair: Pair) -> Tale {
        let seed = root().join(format!("examples/{}/sandbox.yaml", pair.name));
        let seed = seed.to_str().expect("path");
        let sandbox = Sandbox::start(
            "freshsales.yaml",
            &[
                "--seed",
                seed,
                "--tier",
                pair.tier,
                "--calls-per-minute",
                "0",
            ],
        );
        let example = Example::against(pair.name, &sandbox);
        Tale {
            pair,
            sandbox,
            example,
        }
    }

    pub fn dump(&self) -> Dump {
        account::dump(&self.sandbox)
    }

    fn call(&self, command: &str, more: &[&str]) -> Output {
        transload()
            .arg(command)
            .arg(self.example.migration())
            .args(more)
            .output()
            .expect("it runs")
    }

    /// Runs a command that must end with that code; gives what it printed.
    fn ends(&self, code: i32, command: &str, more: &[&str]) -> String {
        let output = self.call(command, more);
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{}: {command} {more:?}\nstdout:\n{stdout}\nstderr:\n{stderr}",
            self.pair.name
        );
        assert!(!stderr.contains("panicked"), "{stderr}");
        format!("{stdout}{stderr}")
    }

    /// The JSON report of a command that must end with that code.
    fn report(&self, code: i32, command: &str, more: &[&str]) -> Value {
        let more = [&["--format", "json"], more].concat();
        let output = self.call(command, &more);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{}: {command} {more:?}\nstdout:\n{}\nstderr:\n{}",
            self.pair.name,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).expect("a JSON report")
    }

    fn writes(&self) -> u64 {
        counts(&self.sandbox).values().sum::<usize>() as u64
    }

    pub fn discovers(&self) {
        self.ends(0, "discover", &[]);
        let lock = self
            .example
            .folder
            .path()
            .join(".transload/schema.lock.json");
        assert!(lock.is_file(), "no lock");
    }

    /// Custom fields and users are not there yet: nothing may start.
    pub fn plan_is_blocked(&self) {
        let before = self.writes();
        let said = self.ends(1, "plan", &[]);
        assert!(said.contains("cf_"), "the missing fields are named: {said}");
        self.ends(6, "run", &["--auto-approve"]);
        assert_eq!(self.writes(), before, "a blocked run wrote");
    }

    pub fn is_provisioned(&self) {
        self.ends(0, "provision", &[]);
        self.ends(0, "discover", &[]);
        self.ends(0, "plan", &[]);
    }

    pub fn draws_a_sample(&self) {
        let sample = self.report(0, "sample", &["--provision"]);
        assert!(sample["schema_version"].is_number(), "{sample}");
        // A second one finds everything there.
        let there = self.writes();
        self.ends(0, "sample", &["--provision"]);
        assert_eq!(self.writes(), there);
    }

    pub fn run_is_refused(&self) {
        let there = self.writes();
        self.ends(4, "run", &[]);
        assert_eq!(self.writes(), there);
    }

    pub fn is_approved(&self) {
        self.ends(
            0,
            "approve",
            &["--by", "reviewer@example.test", "--accept-findings"],
        );
    }

    /// Starts a command and kills it once `enough` says that it is in the middle.
    fn killed(&self, command: &str, more: &[&str], enough: impl Fn() -> bool) {
        let mut child = transload()
            .arg(command)
            .arg(self.example.migration())
            .args(more)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let until = Instant::now() + Duration::from_secs(60);
        while !enough() {
            assert!(Instant::now() < until, "{command} does nothing");
            if child.try_wait().expect("a state").is_some() {
                return; // Too fast to be caught: the story goes on with a finished command.
            }
            thread::sleep(Duration::from_millis(3));
        }
        child.kill().expect("killed");
        child.wait().expect("ended");
    }

    pub fn is_killed_in_the_middle(&self) {
        let there = self.writes();
        self.killed("run", &["--provision"], || self.writes() > there + 30);
    }

    pub fn runs_to_the_end(&self) {
        let report = self.report(0, "run", &["--provision"]);
        for step in report["steps"].as_array().expect("steps") {
            assert_eq!(step["balanced"], true, "{step}");
        }
        let second = self.report(0, "run", &["--provision"]);
        assert_eq!(second["calls_write"], 0, "{second}");
        assert_eq!(second["nothing_left"], true);
    }

    /// Contacts by e-mail.
    fn contacts(&self) -> BTreeMap<String, Value> {
        self.sandbox
            .view("contacts", "All Contacts")
            .into_iter()
            .filter_map(|c| Some((c["email"].as_str()?.to_lowercase(), c)))
            .collect()
    }

    fn contact(&self, id: &str) -> Value {
        self.sandbox.get(&format!("/contacts/{id}"))["contact"].clone()
    }

    fn put(&self, id: &str, members: &Value) {
        let url = format!("{}/contacts/{id}", self.sandbox.base);
        let body = json!({ "contact": members });
        let (status, answer) = fetch_with("PUT", &url, &self.sandbox.key, Some(&body));
        assert_eq!(status, 200, "{answer}");
    }

    fn export(&self) -> PathBuf {
        self.example
            .folder
            .path()
            .join("export")
            .join(self.pair.file)
    }

    pub fn people_edit_both_sides(&self) -> Edits {
        // Times of change have whole seconds: what people do now is later than what was loaded.
        thread::sleep(Duration::from_millis(1100));
        let contacts = self.contacts();
        let before = self.existed();
        let mut sheet = Sheet::read(&self.export(), self.pair.delimiter);
        let mut rows: Vec<(usize, String, String)> = sheet
            .plain_rows(&self.pair)
            .into_iter()
            .filter(|(_, _, email)| {
                contacts
                    .get(email)
                    .is_some_and(|c| !before.contains(&id_text(c)))
            })
            .collect();
        assert!(rows.len() > 20, "only {} plain rows", rows.len());
        let id = |email: &String| id_text(&contacts[email]);
        let mut take = || rows.remove(rows.len() / 2);

        let renamed = take();
        sheet.set(renamed.0, self.pair.name_column, NEW_NAME);
        let contested = take();
        sheet.set(contested.0, self.pair.name_column, OURS);
        self.put(&id(&contested.2), &json!({"first_name": THEIRS}));
        let nicknamed = take();
        self.put(&id(&nicknamed.2), &json!({"twitter": "@nickname"}));
        let noted = take();
        let url = format!("{}/notes", self.sandbox.base);
        let note = json!({"note": {
            "description": "Called today, likes the new system",
            "targetable_type": "Contact",
            "targetable_id": contacts[&noted.2]["id"],
        }});
        let (status, answer) = fetch_with("POST", &url, &self.sandbox.key, Some(&note));
        assert_eq!(status, 200, "{answer}");
        let added = "new.person@added.example".to_owned();
        let model = take();
        sheet.add_like(model.0, &self.pair, "999999", &added);
        let deleted = take();
        sheet.remove(deleted.0);
        sheet.write(&self.export());
        Edits {
            renamed: renamed.2,
            added,
            deleted: deleted.1,
            nicknamed: id(&nicknamed.2),
            noted: id(&noted.2),
            note: id_text(&answer["note"]),
            contested: id(&contested.2),
        }
    }

    /// Ids of contacts that were there before the migration, by the example's seed.
    fn existed(&self) -> BTreeSet<String> {
        let seed = root().join(format!("examples/{}/sandbox.yaml", self.pair.name));
        let text = std::fs::read_to_string(seed).expect("a seed");
        self.contacts()
            .iter()
            .filter(|(email, _)| text.to_lowercase().contains(email.as_str()))
            .map(|(_, c)| id_text(c))
            .collect()
    }

    pub fn delta_brings_the_changes(&self, edits: &Edits) {
        // The approval was of this mapping; new data does not void it.
        let report = self.report(0, "delta", &["--provision"]).to_string();
        assert!(
            report.contains(&edits.deleted),
            "the deletion of {} is not told: {report}",
            edits.deleted
        );
        let contacts = self.contacts();
        assert_eq!(contacts[&edits.renamed]["first_name"], NEW_NAME);
        assert!(contacts.contains_key(&edits.added), "no new contact");
        // What people changed stays theirs.
        assert_eq!(self.contact(&edits.contested)["first_name"], THEIRS);
        assert_eq!(self.contact(&edits.nicknamed)["twitter"], "@nickname");
        let again = self.report(0, "delta", &["--provision"]);
        assert_eq!(again["calls_write"], 0, "{again}");
    }

    /// The one contested value is found; once people have settled it, there is nothing.
    pub fn reconciles(&self, edits: &Edits) {
        let found = self.report(1, "reconcile", &["--all"]).to_string();
        assert!(found.contains(&edits.contested), "{found}");
        self.put(&edits.contested, &json!({"first_name": OURS}));
        self.ends(0, "reconcile", &["--all"]);
    }

    /// What the preview says will stay, as objects and ids.
    pub fn previews_the_rollback(&self) -> BTreeSet<(String, String)> {
        let there = self.dump();
        let preview = self.report(0, "rollback", &["--plan"]);
        assert_eq!(preview["preview"], true);
        assert_eq!(preview["calls_write"], 0);
        assert_eq!(self.dump(), there, "a preview wrote");
        let mut listed = ids(&preview["kept"]);
        listed.extend(ids(&preview["by_hand"]));
        listed
    }

    pub fn rollback_is_killed(&self) {
        let there = self.writes();
        self.killed("rollback", &[], || self.writes() + 20 < there);
    }

    pub fn rolls_back(&self, edits: &Edits) {
        let report = self.report(0, "rollback", &[]);
        let kept = ids(&report["kept"]);
        for id in [&edits.nicknamed, &edits.noted, &edits.contested] {
            assert!(
                kept.contains(&("contact".to_owned(), id.clone())),
                "contact {id} is not listed as kept: {report}"
            );
        }
        let second = self.report(0, "rollback", &[]);
        assert_eq!(second["calls_write"], 0, "{second}");
        assert_eq!(second["nothing_left"], true, "{second}");
    }

    /// The account is what it was, except for what is listed.
    pub fn is_as_before(
        &self,
        before: &Dump,
        mut listed: BTreeSet<(String, String)>,
        edits: &Edits,
    ) {
        listed.insert(("note".to_owned(), edits.note.clone()));
        let after = self.dump();
        for (object, rows) in before {
            for (id, row) in rows {
                let is = after.get(object).and_then(|rows| rows.get(id));
                assert_eq!(is, Some(row), "{object} {id} is not as before");
            }
        }
        let mut removed_something = false;
        for (object, rows) in &after {
            for id in rows.keys() {
                let was = before.get(object).is_some_and(|b| b.contains_key(id));
                assert!(
                    was || listed.contains(&(object.clone(), id.clone())),
                    "{object} {id} stays and is not listed: {}",
                    rows[id]
                );
            }
            removed_something |= object == "contact" && rows.len() < 50;
        }
        assert!(removed_something, "the contacts are still there");
    }
}

fn id_text(record: &Value) -> String {
    record["id"].to_string().trim_matches('"').to_owned()
}

/// Objects and ids of listed records.
fn ids(list: &Value) -> BTreeSet<(String, String)> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    list.as_array()
        .expect("a list")
        .iter()
        .map(|l| (text(&l["object"]), text(&l["id"])))
        .collect()
}
