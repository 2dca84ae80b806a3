//! Everything that can end a run: the documented exit code, one clear message, nothing lost, and the same
//! command goes on when the cause is gone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test reports"
)]

mod support;

use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, Instant},
};
use support::{
    Example, Sandbox, account, counts, failed_with, recorder::Recorder, step, transload,
};
use transload::{
    clock::SystemClock,
    ledger::{Entry, Ledger, Options, RunMeta, View},
};

fn run(example: &Example) -> Output {
    example.command().output().expect("it runs")
}

/// A command on a migration file; its further arguments follow the file.
fn on(file: &Path, command: &[&str]) -> Output {
    transload()
        .arg(command[0])
        .arg(file)
        .args(&command[1..])
        .output()
        .expect("it runs")
}

/// The same command ends well now, has loaded what an undisturbed run loads, and a further one writes nothing.
fn goes_on(example: &Example, sandbox: &Sandbox) {
    example.run();
    assert_eq!(example.run()["calls_write"], 0);
    let there = counts(sandbox);
    // A long note has two parts.
    let (contacts, notes, tasks) = (there["contact"], there["note"], there["task"]);
    assert_eq!((contacts, notes, tasks), (286, 329, 124));
    assert_eq!(sandbox.admin_get("/calls")["repeated"]["after_effect"], 0);
}

/// Retries that take no time.
fn hasty(name: &str, text: String) -> String {
    if name != "freshsales.yaml" {
        return text;
    }
    let there = "tries: 6, wait: 2s, wait_max: 5m";
    assert!(text.contains(there));
    text.replace(there, "tries: 2, wait: 10ms, wait_max: 20ms")
}

#[test]
fn a_wrong_key_ends_with_2() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    let output = example
        .command()
        .env("TRANSLOAD_TEST_KEY", "wrong-key-42")
        .output()
        .expect("it runs");
    let message = failed_with(&output, 2);
    assert!(message.contains("refuses the key"), "{message}");
    assert!(message.contains("401"), "{message}");
    assert!(!message.contains("wrong-key-42"), "{message}");
    goes_on(&example, &sandbox);
}

#[test]
fn a_missing_secret_ends_with_2() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    let output = example
        .command()
        .env_remove("TRANSLOAD_TEST_KEY")
        .output()
        .expect("it runs");
    let message = failed_with(&output, 2);
    assert!(message.contains("TRANSLOAD_TEST_KEY"), "{message}");
    assert_eq!(sandbox.admin_get("/calls")["calls"], 0);
    goes_on(&example, &sandbox);
}

#[test]
fn a_missing_export_ends_with_2() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    let folder = example.folder.path();
    fs::rename(folder.join("export"), folder.join("elsewhere")).expect("rename");
    let message = failed_with(&run(&example), 2);
    assert!(message.contains("export folder"), "{message}");
    fs::rename(folder.join("elsewhere"), folder.join("export")).expect("rename");
    let notes = folder.join("export/Notes.csv");
    fs::rename(&notes, folder.join("Notes.csv")).expect("rename");
    let message = failed_with(&run(&example), 2);
    assert!(message.contains("Notes.csv"), "{message}");
    fs::rename(folder.join("Notes.csv"), &notes).expect("rename");
    goes_on(&example, &sandbox);
}

#[test]
fn a_missing_migration_ends_with_2() {
    for command in ["run", "plan"] {
        let output = transload()
            .args([command, "not-there/migration.yaml"])
            .output()
            .expect("it runs");
        let message = failed_with(&output, 2);
        assert!(message.contains("not-there"), "{message}");
    }
}

#[test]
fn an_unreachable_host_ends_with_75() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    example.own_specs(hasty);
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|l| l.local_addr())
        .expect("a port")
        .port();
    let (base, gone) = (
        sandbox.base.clone(),
        format!("http://127.0.0.1:{port}/crm/sales/api"),
    );
    example.edit(|t| t.replace(&base, &gone));
    let message = failed_with(&run(&example), 75);
    assert!(message.contains("cannot reach"), "{message}");
    assert!(message.contains(&format!("127.0.0.1:{port}")), "{message}");
    assert!(message.contains("run the same command"), "{message}");
    example.edit(|t| t.replace(&gone, &base));
    goes_on(&example, &sandbox);
}

#[test]
fn a_destination_that_goes_away_in_mid_run_ends_with_75() {
    let data = tempfile::tempdir().expect("a folder");
    let file = data.path().join("account.sqlite");
    let file = file.to_str().expect("path");
    let sandbox = account(&["--data", file, "--fault", "slow=0.2"]);
    let example = Example::against("allclients", &sandbox);
    example.own_specs(hasty);
    let child = example
        .command()
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    wait_until("some contacts", || counts(&sandbox)["contact"] > 40);
    let base = sandbox.base.clone();
    drop(sandbox);
    let message = failed_with(&child.wait_with_output().expect("it ends"), 75);
    assert!(message.contains("cannot reach"), "{message}");
    let sandbox = account(&["--data", file]);
    example.edit(|t| t.replace(&base, &sandbox.base));
    goes_on(&example, &sandbox);
}

#[test]
fn a_key_that_is_revoked_in_mid_run_ends_with_2() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    let faults =
        json!({"faults": [{"fault": "denied", "method": "POST", "path": "/notes", "call": 60}]});
    assert_eq!(sandbox.admin_post("/faults", &faults).0, 200);
    let message = failed_with(&run(&example), 2);
    assert!(message.contains("refuses the key"), "{message}");
    let some = counts(&sandbox)["note"];
    assert!((40..329).contains(&some), "{some}");
    goes_on(&example, &sandbox);
}

#[test]
fn a_full_disk_ends_with_75_and_sends_nothing_more() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    // No file of the process may grow beyond this; the signal that says so is ignored, so that writing fails.
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 600; exec \"$@\"", "sh"])
        .arg(env!("CARGO_BIN_EXE_transload"))
        .arg("run")
        .arg(example.migration())
        .args(["--auto-approve", "--provision"])
        .env("TRANSLOAD_TEST_KEY", "sandbox-key");
    let message = failed_with(&limited.output().expect("it runs"), 75);
    assert!(message.contains("ledger cannot be written"), "{message}");
    assert!(message.contains("run the same command"), "{message}");
    let there = counts(&sandbox);
    // Three contacts were there before.
    for (step, before) in [("contact", 3), ("note", 0), ("task", 0)] {
        let (sent, intended) = (there[step] - before, intents(&ledger(&example), step));
        assert!(
            sent <= intended as usize,
            "{step}: {sent} of {intended} intents"
        );
    }
    goes_on(&example, &sandbox);
}

/// The intents of a step that are in a ledger, as another process sees them.
fn intents(ledger: &Path, step: &str) -> u32 {
    let mut all = 0;
    View::open(ledger)
        .expect("a ledger")
        .each_entry(0, |_, _, _, entry| {
            all += u32::from(entry.kind() == "intended" && entry.step() == step);
        })
        .expect("entries");
    all
}

#[test]
fn every_call_finds_its_intent_in_the_ledger_when_it_arrives() {
    let sandbox = account(&[]);
    let path: Arc<OnceLock<PathBuf>> = Arc::default();
    let seen: Arc<Mutex<BTreeMap<&str, (u32, u32)>>> = Arc::default();
    let recorder = {
        let (path, seen) = (Arc::clone(&path), Arc::clone(&seen));
        Recorder::watching(&sandbox, move |call| {
            let (step, records) = match call.path.rsplit('/').next() {
                Some("notes") => ("note", 1),
                Some("tasks") => ("task", 1),
                Some("bulk_upsert") => {
                    let rows = call.body["contacts"].as_array().map_or(0, Vec::len);
                    ("contact", u32::try_from(rows).expect("a few rows"))
                }
                _ => return,
            };
            let mut seen = seen.lock().expect("a lock");
            let (sent, without) = seen.entry(step).or_default();
            *sent += records;
            // Calls of the same step are alike here: what counts is that none is ahead of the ledger.
            *without += u32::from(intents(path.get().expect("a path"), step) < *sent);
        })
    };
    let example = Example::at("allclients", &recorder.base);
    path.set(ledger(&example)).expect("set once");
    example.run();
    let seen = seen.lock().expect("a lock").clone();
    // Three contacts were there before and are changed, each by a call of its own.
    let all = [
        ("contact", (283, 0)),
        ("note", (329, 0)),
        ("task", (124, 0)),
    ];
    assert_eq!(seen, BTreeMap::from(all));
}

#[test]
fn documents_that_cannot_be_written_end_with_2() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    let state = example.folder.path().join(".transload");
    fs::create_dir_all(&state).expect("folder");
    fs::write(state.join("handoff"), "in the way").expect("file");
    let message = failed_with(&run(&example), 2);
    assert!(message.contains("handoff"), "{message}");
    fs::remove_file(state.join("handoff")).expect("file");
    goes_on(&example, &sandbox);
    assert!(state.join("handoff/embedded_images.csv").is_file());
}

#[test]
#[cfg(unix)]
fn a_read_only_folder_ends_with_one_message() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    let set = |mode| fs::set_permissions(example.folder.path(), fs::Permissions::from_mode(mode));
    set(0o555).expect("rights");
    // Rights do not bind a superuser.
    let bound = fs::write(example.folder.path().join("probe"), "").is_err();
    let output = run(&example);
    set(0o755).expect("rights");
    if bound {
        let message = failed_with(&output, 2);
        assert!(message.contains(".transload"), "{message}");
    }
    goes_on(&example, &sandbox);
}

#[test]
fn another_run_that_is_active_ends_with_7() {
    let sandbox = account(&["--fault", "slow=0.3"]);
    let example = Example::against("allclients", &sandbox);
    let mut first = example
        .command()
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    wait_until("the first run", || counts(&sandbox)["contact"] > 10);
    let message = failed_with(&run(&example), 7);
    assert!(message.contains(&first.id().to_string()), "{message}");
    let status = transload()
        .arg("status")
        .arg(example.migration())
        .output()
        .expect("it runs");
    assert!(status.status.success());
    let text = String::from_utf8_lossy(&status.stdout).into_owned();
    for part in [
        "is under way",
        "under way  ",
        &format!("process {}", first.id()),
        " of 3",
        "transload status --watch",
    ] {
        assert!(text.contains(part), "`{part}` in {text}");
    }
    assert!(first.wait().expect("it ends").success());
    goes_on(&example, &sandbox);
}

#[test]
fn a_run_without_approval_ends_with_4() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    let output = transload()
        .arg("run")
        .arg(example.migration())
        .output()
        .expect("it runs");
    let message = failed_with(&output, 4);
    assert!(message.contains("--auto-approve"), "{message}");
    assert_eq!(sandbox.admin_get("/calls")["calls"], 0);
    goes_on(&example, &sandbox);
}

#[test]
fn missing_custom_fields_end_with_6_and_the_list() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    let output = transload()
        .arg("run")
        .arg(example.migration())
        .arg("--auto-approve")
        .output()
        .expect("it runs");
    let message = failed_with(&output, 6);
    let told = status(&example);
    assert_eq!(
        (&told["state"], &told["run"]["outcome"]),
        (&json!("waiting"), &json!("waiting")),
        "{told}"
    );
    let what = told["waits"]["what"].as_str().expect("words");
    assert!(what.lines().count() > 3, "{what}");
    let text = transload()
        .arg("status")
        .arg(example.migration())
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains(" more lines"), "{text}");
    assert!(text.lines().all(|l| l.chars().count() < 400), "{text}");
    assert!(
        message.contains(what.lines().next().expect("a line")),
        "{what}"
    );
    for words in [
        "18 custom fields",
        "cf_groups",
        "Golf Day",
        "multi_select_dropdown",
    ] {
        assert!(message.contains(words), "{words}: {message}");
    }
    assert_eq!(counts(&sandbox)["contact"], 3);
    goes_on(&example, &sandbox);
}

#[test]
fn a_spec_with_errors_ends_with_1() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    example.edit(|t| t.replace("tier: growth", "tiers: growth"));
    let message = failed_with(&run(&example), 1);
    assert!(message.contains("nothing was started"), "{message}");
    assert_eq!(sandbox.admin_get("/calls")["calls"], 0);
    example.edit(|t| t.replace("tiers: growth", "tier: growth"));
    goes_on(&example, &sandbox);
}

#[test]
fn more_holds_than_the_policy_allows_end_with_5() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    example.edit(|t| t.replace("max_share: \"30%\"", "max_share: \"5%\""));
    let message = failed_with(&run(&example), 5);
    assert!(message.contains("step `contact` has 25 held"), "{message}");
    // Everything else is there all the same.
    example.edit(|t| t.replace("max_share: \"5%\"", "max_share: \"30%\""));
    assert_eq!(example.run()["calls_write"], 0);
    goes_on(&example, &sandbox);
}

#[test]
fn nothing_to_validate_ends_with_3() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = transload()
        .arg("validate")
        .arg(folder.path())
        .output()
        .expect("it runs");
    failed_with(&output, 3);
    for command in [&["status"][..], &["holds", "list"], &["audit", "verify"]] {
        let output = transload()
            .args(command)
            .arg(folder.path())
            .output()
            .expect("it runs");
        let message = failed_with(&output, 3);
        assert!(message.contains("has not run yet"), "{message}");
    }
}

#[test]
fn a_fault_that_does_not_exist_is_answered_with_those_that_do() {
    let help = transload()
        .args(["sandbox", "--help"])
        .output()
        .expect("it runs");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let output = transload()
        .arg("sandbox")
        .arg(support::root().join("specs/platforms/freshsales.yaml"))
        .args(["--fault", "nope=0.2"])
        .output()
        .expect("it runs");
    let message = failed_with(&output, 2);
    let hint = message.lines().find(|l| l.contains("hint: "));
    let names: Vec<&str> = hint
        .expect("a hint")
        .split('`')
        .skip(1)
        .step_by(2)
        .collect();
    assert!(names.len() > 8, "{message}");
    for name in names {
        assert!(help.contains(name), "{name} in {help}");
    }
}

fn ledger(example: &Example) -> std::path::PathBuf {
    example.folder.path().join(".transload/ledger.sqlite")
}

/// Runs SQL on the ledger behind the engine's back.
fn sql(path: &Path, text: &str) {
    rusqlite::Connection::open(path)
        .and_then(|c| c.execute_batch(text))
        .expect("SQL");
}

#[test]
fn a_ledger_that_is_damaged_foreign_or_newer_ends_with_2() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    example.run();
    let path = ledger(&example);
    // One file without a log beside it, so that it can be kept and put back.
    sql(
        &path,
        "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = delete;",
    );
    let good = fs::read(&path).expect("the ledger");
    let calls = || sandbox.admin_get("/calls")["calls"].clone();
    let before = calls();
    let refuse = |what: &str, words: &str| {
        let message = failed_with(&run(&example), 2);
        assert!(message.contains(words), "{what}: {message}");
        assert!(message.contains("ledger.sqlite"), "{what}: {message}");
        assert!(message.contains("hint: "), "{what}: {message}");
        for command in [&["status"][..], &["holds", "list"], &["audit", "verify"]] {
            let output = transload()
                .args(command)
                .arg(example.migration())
                .output()
                .expect("it runs");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(!stderr.contains("panicked"), "{what} {command:?}: {stderr}");
        }
        assert_eq!(calls(), before, "{what}");
        for name in ["ledger.sqlite-wal", "ledger.sqlite-shm"] {
            let _ = fs::remove_file(path.with_file_name(name));
        }
    };
    sql(&path, "PRAGMA user_version = 99");
    refuse("newer", "version 99");
    refuse("newer", "keep the file: a newer engine wrote it");
    fs::write(&path, "this is a text and no database at all").expect("write");
    refuse("a text", "ledger");
    fs::write(&path, "").expect("write");
    refuse("empty", "is empty, so nobody knows what was loaded");
    let status = transload()
        .arg("status")
        .arg(example.migration())
        .output()
        .expect("it runs");
    let message = failed_with(&status, 2);
    assert!(
        message.contains("restore the file from a copy"),
        "{message}"
    );
    fs::write(&path, &good[..good.len() / 2]).expect("write");
    refuse("cut", "ledger");
    let mut zeroed = good.clone();
    zeroed[4096..].fill(0);
    fs::write(&path, zeroed).expect("write");
    refuse("zeroed", "ledger");
    fs::write(&path, &good).expect("write");
    sql(
        &path,
        "UPDATE journal SET hash = zeroblob(32) WHERE seq = (SELECT max(seq) FROM journal)",
    );
    refuse("a changed hash", "damaged");
    fs::write(&path, &good).expect("write");
    goes_on(&example, &sandbox);
}

#[test]
fn a_ledger_of_another_account_or_migration_file_is_refused_until_somebody_says_that_it_is_the_same()
 {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    example.run();
    let calls = || sandbox.admin_get("/calls")["calls"].clone();
    let before = calls();
    let refuse = |file: &Path, words: &str| {
        for command in [
            &["run", "--auto-approve"][..],
            &["delta", "--auto-approve"],
            &["sample"],
            &["rollback"],
            &["rollback", "--plan"],
        ] {
            let output = on(file, command);
            let message = failed_with(&output, 2);
            assert!(message.contains(words), "{command:?}: {message}");
            assert!(
                message.contains("hint: one folder holds one migration into one account"),
                "{command:?}: {message}"
            );
        }
        assert_eq!(calls(), before, "{words}");
    };
    // Another migration file in the same folder, with nothing else changed.
    let other = example.folder.path().join("north.yaml");
    fs::copy(example.migration(), &other).expect("a copy");
    refuse(
        &other,
        "its migration file is `migration.yaml`, not `north.yaml`",
    );
    // The same server under another name: nobody can know that it is the same.
    example.edit(|text| {
        assert!(text.contains("//127.0.0.1:"));
        text.replace("//127.0.0.1:", "//localhost:")
    });
    let words = "its destination is `freshsales at 127.0.0.1/crm/sales/api`, not `freshsales at localhost/crm/sales/api`";
    refuse(&example.migration(), words);
    let mut command = example.command();
    command.arg("--renamed");
    let output = command.output().expect("it runs");
    assert!(
        matches!(output.status.code(), Some(0 | 5)),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    goes_on(&example, &sandbox);
}

#[test]
fn a_rehearsal_is_not_taken_for_the_load_of_the_account() {
    let sandbox = account(&[]);
    let example = Example::copy("allclients");
    example.run();
    let base = sandbox.base.clone();
    let there = fs::read_to_string(example.migration()).expect("migration");
    example.edit(|text| {
        let at = text.find("destination:").expect("a destination");
        let end = at + 12 + text[at + 12..].find("\n\n").expect("a block");
        let http = format!("destination:\n  http: {{base: \"{base}\", secret: \"env:TRANSLOAD_TEST_KEY\", calls_per_minute: 0}}");
        format!("{}{http}{}", &text[..at], &text[end..])
    });
    assert_ne!(
        there,
        fs::read_to_string(example.migration()).expect("migration")
    );
    let message = failed_with(&run(&example), 2);
    assert!(
        message.contains("its destination is `sandbox freshsales`, not `freshsales at 127.0.0.1"),
        "{message}"
    );
    assert_eq!(sandbox.admin_get("/calls")["calls"], 0);
    // In a folder of its own it loads everything.
    fs::remove_dir_all(example.folder.path().join(".transload")).expect("removed");
    goes_on(&example, &sandbox);
}

#[test]
fn commands_that_read_a_journal_damaged_in_its_middle_end_with_2_and_name_the_entry() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    example.run();
    let path = ledger(&example);
    let key: String = rusqlite::Connection::open(&path)
        .and_then(|c| {
            c.query_row("SELECT min(key) FROM records WHERE step = (SELECT id FROM steps WHERE name = 'contact')", [], |r| r.get(0))
        })
        .expect("a contact");
    // What opens a ledger looks at its end only.
    sql(
        &path,
        "UPDATE journal SET data = substr(data, 1, length(data) / 2)
         WHERE seq = (SELECT seq FROM journal WHERE entries > 50 ORDER BY seq LIMIT 1)",
    );
    let record = format!("contact/{key}");
    let before = sandbox.admin_get("/calls")["by_method"].clone();
    for (command, more) in [
        (&["audit", "export"][..], &[][..]),
        (&["rollback"], &["--plan"]),
        (&["trace"], &[record.as_str()]),
    ] {
        let output = transload()
            .args(command)
            .arg(example.migration())
            .args(more)
            .output()
            .expect("it runs");
        let message = failed_with(&output, 2);
        assert!(message.contains("entry "), "{command:?}: {message}");
        assert!(message.contains("damaged"), "{command:?}: {message}");
        assert!(
            message.contains("hint: restore the file from a copy"),
            "{command:?}: {message}"
        );
    }
    assert_eq!(sandbox.admin_get("/calls")["by_method"], before);
}

#[test]
fn a_folder_that_cannot_be_written_to_ends_every_command_with_2_and_a_hint() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    // A file stands where the folder should be: nobody may write below it, whatever rights they have.
    let state = example.folder.path().join(".transload");
    fs::write(&state, "a file").expect("write");
    for command in [
        &["discover"][..],
        &["run", "--auto-approve", "--provision"],
        &["delta", "--auto-approve", "--provision"],
        &["sample", "--provision"],
        &["provision"],
        &["handoff"],
    ] {
        let output = on(&example.migration(), command);
        let message = failed_with(&output, 2);
        assert!(message.contains(".transload"), "{command:?}: {message}");
        assert!(
            message.contains("hint: see that it is a folder"),
            "{command:?}: {message}"
        );
    }
    assert_eq!(fs::read(&state).expect("the file"), b"a file");
    fs::remove_file(&state).expect("removed");
    goes_on(&example, &sandbox);
}

#[test]
fn a_broken_lock_ends_with_2_and_says_what_to_do() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    let lock = example.folder.path().join(".transload/schema.lock.json");
    fs::create_dir_all(lock.parent().expect("a folder")).expect("a folder");
    fs::write(&lock, "{\"version\": ").expect("write");
    let before = counts(&sandbox);
    for command in [&["run", "--auto-approve"][..], &["plan"], &["discover"]] {
        let output = on(&example.migration(), command);
        let message = failed_with(&output, 2);
        assert!(message.contains("schema.lock.json"), "{message}");
        assert!(
            message.contains("hint: remove it and run `transload discover`"),
            "{command:?}: {message}"
        );
    }
    assert_eq!(counts(&sandbox), before, "nothing was sent");
    fs::remove_file(&lock).expect("removed");
    goes_on(&example, &sandbox);
}

#[test]
fn rows_that_are_cut_binary_or_huge_are_told_and_lose_no_other_row() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    let undisturbed = Example::against("allclients", &account(&[]));
    let (file, rows) = ("Notes.csv", |e: &Example| {
        fs::read(e.folder.path().join("export/Notes.csv")).expect("notes")
    });
    let whole = rows(&undisturbed);
    // A file that ends in the middle of a quoted cell, a cell with NUL, one of 20 MB, one that is no UTF-8.
    example.edit_export(file, |mut bytes| {
        let header = bytes.iter().position(|b| *b == b'\n').expect("a header") + 1;
        let columns = bytes[..header].iter().filter(|b| **b == b',').count();
        let row = |first: &str, body: &[u8]| {
            let mut row = first.as_bytes().to_vec();
            row.extend_from_slice(b",\"");
            row.extend_from_slice(body);
            row.push(b'"');
            row.extend(std::iter::repeat_n(b',', columns.saturating_sub(1)));
            row.extend_from_slice(b"\r\n");
            row
        };
        if !bytes.ends_with(b"\n") {
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend(row("900001", b"a\0b"));
        bytes.extend(row("900002", &vec![b'x'; 20 << 20]));
        bytes.extend(row("900003", b"caf\xe9 \x81"));
        bytes.extend_from_slice(b"900004,\"cut in the mid");
        bytes
    });
    let report = example.run();
    let notes = step(&report, "note");
    assert_eq!(notes["balanced"], true);
    assert_eq!(notes["created"], 328, "{notes}");
    let held: Vec<_> = example.holds();
    assert!(
        held.iter().filter(|(s, _, _)| s == "note").count() >= 56 + 3,
        "{held:?}"
    );
    // With the file mended the same command ends well, and nothing came twice.
    fs::write(example.folder.path().join("export/Notes.csv"), whole).expect("notes");
    goes_on(&example, &sandbox);
    let again: Vec<_> = example.holds();
    assert_eq!(again.iter().filter(|(s, _, _)| s == "note").count(), 56);
}

#[test]
fn files_that_are_no_table_end_with_one_message_or_hold_their_rows() {
    let sandbox = account(&[]);
    for (what, bytes) in [
        ("empty", Vec::new()),
        (
            "binary",
            (0..=255u8).cycle().take(100_000).collect::<Vec<u8>>(),
        ),
        ("one line", b"hello".to_vec()),
        ("nul", vec![0u8; 5000]),
        ("quotes", b"\"\"\"\"\"".repeat(1000)),
    ] {
        let example = Example::against("allclients", &sandbox);
        example.edit_export("Tasks.csv", |_| bytes);
        let output = run(&example);
        let stderr = String::from_utf8_lossy(&output.stderr);
        let code = output.status.code();
        assert!(matches!(code, Some(2 | 5)), "{what}: {code:?} {stderr}");
        let message = failed_with(&output, code.unwrap_or_default());
        assert!(message.contains("ask"), "{what}: {message}");
        drop(example);
    }
}

#[test]
fn a_job_that_an_interrupted_run_left_is_asked_for_before_anything_is_looked_up() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    example.run();
    let asked = || -> u64 {
        let calls = sandbox.admin_get("/calls");
        let routes = calls["by_route"].as_object().expect("routes").clone();
        let of_jobs = routes.iter().filter(|(r, _)| r.contains("job_statuses"));
        of_jobs.map(|(_, n)| n.as_u64().expect("a number")).sum()
    };
    {
        let options = Options::new(Arc::new(SystemClock::new()));
        let left = Ledger::open(&ledger(&example), options).expect("a ledger");
        left.begin_run(RunMeta::default()).expect("a run");
        left.append_blocking(vec![Entry::JobStarted {
            step: "contact".to_owned(),
            chunk: "contact-1-left".to_owned(),
            job: "987654321".to_owned(),
        }])
        .expect("an entry");
    }
    let before = asked();
    goes_on(&example, &sandbox);
    assert_eq!(asked(), before + 1, "once, and not again by the next run");
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{what} never came"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_interrupted_change_of_a_record_of_others_is_made_again() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    example.own_specs(hasty);
    // Contacts that were there before cannot be changed: each change stays open in the ledger.
    let fault =
        json!({"fault": "server_error", "method": "PUT", "path": "/contacts/*", "rate": 1.0});
    let faults = json!({"faults": [fault]});
    assert_eq!(sandbox.admin_post("/faults", &faults).0, 200);
    assert!(run(&example).status.code().is_some());
    assert_eq!(sandbox.admin_post("/faults", &json!({"faults": []})).0, 200);
    goes_on(&example, &sandbox);
    let known: Vec<_> = sandbox
        .view("contacts", "All Contacts")
        .into_iter()
        .filter(|c| c["last_name"] == "Known")
        .collect();
    assert_eq!(known.len(), 3);
    for contact in known {
        let id = &contact["custom_field"]["cf_allclients_id"];
        assert!(id.is_string(), "not brought up to date: {contact}");
    }
}

/// What `status` says as JSON.
fn status(example: &Example) -> Value {
    let output = transload()
        .arg("status")
        .arg(example.migration())
        .args(["--format", "json"])
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn status_tells_from_another_terminal_how_far_a_run_is_and_what_it_waits_for() {
    let sandbox = account(&[]);
    let example = Example::against("allclients", &sandbox);
    // Calls for a part of the notes; then the minute is used up.
    example.edit(|text| text.replace("calls_per_minute: 0", "calls_per_minute: 300"));
    let mut run = example
        .command()
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    let ledger = example.folder.path().join(".transload/ledger.sqlite");
    let mut seen = Value::Null;
    wait_until("a run that waits", || {
        if !ledger.is_file() {
            return false;
        }
        seen = status(&example);
        seen["waits"]["until"].is_string() && seen["rate"]["calls_per_minute"].is_u64()
    });
    let watch = transload()
        .arg("status")
        .arg(example.migration())
        .args(["--watch=1", "--format", "markdown"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    assert_eq!(seen["schema_version"], 2);
    assert_eq!(
        (&seen["state"], &seen["run"]["command"]),
        (&json!("running"), &json!("run")),
        "{seen}"
    );
    assert_eq!(seen["holder"]["process"], run.id(), "{seen}");
    assert_eq!(seen["batch"], json!({"number": 3, "of": 3}), "{seen}");
    let step = |seen: &Value, name: &str| {
        let all = seen["steps"].as_array().expect("steps").iter();
        all.clone().find(|s| s["step"] == name).expect("it").clone()
    };
    let (contact, note) = (step(&seen, "contact"), step(&seen, "note"));
    assert_eq!(
        (&contact["state"], &contact["counts"]["created"]),
        (&json!("done"), &json!(283)),
        "{contact}"
    );
    assert_eq!(
        (&note["state"], &note["of"], &note["batch"]),
        (&json!("at_work"), &json!(384), &json!(3)),
        "{note}"
    );
    let settled = note["settled"].as_u64().expect("a number");
    assert!(settled > 0 && settled < 384, "{note}");
    assert!(
        seen["end"]["from"]
            .as_str()
            .expect("words")
            .contains("calls to go by the plan")
    );
    let end = seen["end"]["at"].as_str();
    assert!(end >= seen["waits"]["until"].as_str(), "{seen}");
    assert!(seen["books"]["created"].as_u64() >= Some(283), "{seen}");
    assert_eq!(seen["counts"]["contact"]["verdict"], "balanced");
    assert!(!seen["holds"].as_array().expect("holds").is_empty());

    // It dies; whoever watches is told, and the watch is over.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    run.kill().expect("it dies");
    run.wait().expect("it died");
    let told = watch.wait_with_output().expect("it ends");
    assert!(told.status.success(), "{told:?}");
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.contains("is under way"), "{told}");
    assert!(told.contains("run (run 1 of 1) was interrupted"), "{told}");
    let seen = status(&example);
    assert_eq!(
        (&seen["state"], &seen["holder"]),
        (&json!("interrupted"), &Value::Null)
    );
    assert_eq!(step(&seen, "note")["state"], "stopped");
    // Whoever watches now waits for nothing; the books are those of that run, and its waiver is named.
    let idle = transload()
        .arg("status")
        .arg(example.migration())
        .arg("--watch")
        .output()
        .expect("it ends");
    let text = String::from_utf8_lossy(&idle.stdout).into_owned();
    for part in [
        "was interrupted",
        "books of run (run 1), ",
        "waived with --auto-approve by run 1",
        "transload run --auto-approve ",
    ] {
        assert!(text.contains(part), "`{part}` in {text}");
    }
    let next = seen["next"]["command"].as_str().expect("a command");
    assert!(next.starts_with("transload run "), "{next}");

    example.edit(|text| text.replace("calls_per_minute: 300", "calls_per_minute: 0"));
    example.run();
    let seen = status(&example);
    assert_eq!(
        (&seen["state"], &seen["waits"], &seen["rate"]),
        (&json!("ended"), &Value::Null, &Value::Null)
    );
    let next = seen["next"]["command"].as_str().expect("a command");
    assert!(next.starts_with("transload holds list "), "{next}");
    goes_on(&example, &sandbox);
}
