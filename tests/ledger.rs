//! The ledger under attack: crashes, torn files, tampering, full disks and rivals.

#![allow(clippy::unwrap_used, reason = "a panic is the report")]

use jiff::Timestamp;
use proptest::prelude::*;
use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};
use transload::ledger::*;
use transload::{
    clock::{Clock, FixedClock, SystemClock},
    event::Counts,
};

fn options() -> Options {
    Options::new(Arc::new(SystemClock::new()))
}

fn open(path: &Path) -> Ledger {
    Ledger::open(path, options()).unwrap()
}

fn begun(path: &Path) -> Ledger {
    let ledger = open(path);
    ledger.begin_run(RunMeta::default()).unwrap();
    ledger
}

fn intended(key: &str) -> Entry {
    Entry::Intended(Intent {
        step: "contact".into(),
        key: key.into(),
        part: 0,
        op: WriteOp::Create,
        fingerprint: 1,
        chunk: None,
        match_key: Some(format!("{key}@x.example")),
        before: None,
    })
}

fn confirmed(key: &str, origin: Origin) -> Entry {
    Entry::Confirmed {
        step: "contact".into(),
        key: key.into(),
        part: 0,
        dest_id: format!("9{key}"),
        origin,
        fingerprint: u64::MAX - 1,
        written: None,
    }
}

/// What was written into a record of three fields.
fn what() -> Written {
    let mut written = Written {
        stamp: Some("2026-05-01T10:00:00Z".into()),
        ..Written::default()
    };
    for (name, sent, kept, items) in [
        ("city", 1, None, vec![]),
        ("phone", u64::MAX, Some(0), vec![]),
        ("tags", 3, Some(3), vec![7, u32::MAX]),
    ] {
        written.fields.add(&WrittenField {
            name: written::name_hash(name),
            sent,
            kept,
            items,
        });
    }
    written
}

fn held(key: &str, code: &str) -> Entry {
    Entry::Held {
        step: "contact".into(),
        key: key.into(),
        part: 0,
        code: code.into(),
        field: Some("email".into()),
        value: None,
        words: "it is odd".into(),
        line: Some(7),
    }
}

/// One entry of each kind, in a legal order.
fn every_kind() -> Vec<Entry> {
    let step = "contact".to_owned();
    let key = "\"k\\é\n".to_owned();
    vec![
        Entry::StepStarted {
            step: step.clone(),
            hash: "h".into(),
            second_pass: true,
        },
        Entry::Intended(Intent {
            step: step.clone(),
            key: key.clone(),
            part: 3,
            op: WriteOp::Bulk,
            fingerprint: u64::MAX,
            chunk: Some("c1".into()),
            match_key: None,
            before: None,
        }),
        Entry::InDoubt {
            step: step.clone(),
            key: key.clone(),
            part: 3,
            why: "reset".into(),
        },
        Entry::Confirmed {
            step: step.clone(),
            key: key.clone(),
            part: 3,
            dest_id: "12".into(),
            origin: Origin::Created,
            fingerprint: u64::MAX,
            written: Some(what()),
        },
        intended("r"),
        Entry::Refused {
            step: step.clone(),
            key: "r".into(),
            part: 0,
            status: 422,
            reasons: vec!["a".into(), "b".into()],
            fingerprint: 9,
        },
        intended("a"),
        Entry::Absent {
            step: step.clone(),
            key: "a".into(),
            part: 0,
        },
        Entry::Again {
            step: step.clone(),
            key: "a".into(),
            part: 0,
            doubt: true,
        },
        held("h", "too_long"),
        Entry::Released {
            step: step.clone(),
            key: "h".into(),
        },
        Entry::Merged {
            step: step.clone(),
            key: "m".into(),
            into: key.clone(),
        },
        Entry::Before {
            step: step.clone(),
            key: key.clone(),
            part: 3,
            members: serde_json::json!({"city": null, "custom": {"x": [1]}}),
        },
        Entry::Kept {
            step: step.clone(),
            key: key.clone(),
            part: 3,
            why: "people changed it".into(),
        },
        Entry::RolledBack {
            step: step.clone(),
            key: "z".into(),
            part: 0,
            dest_id: "17".into(),
            did: Undone::Removed,
        },
        Entry::SecondPassDone {
            step: step.clone(),
            key,
            part: 3,
            written: Some(Written {
                stamp: None,
                ..what()
            }),
        },
        Entry::JobStarted {
            step: step.clone(),
            chunk: "c1".into(),
            job: "j".into(),
        },
        Entry::JobEnded {
            step: step.clone(),
            chunk: "c0".into(),
        },
        Entry::CountedBefore(CountedBefore {
            object: "person".into(),
            batch: 2,
            records: Some(7),
            made: 3,
        }),
        Entry::CountedAfter(CountedAfter {
            object: "person".into(),
            batch: 2,
            found: Some(9),
            expected: Some(10),
            verdict: "missing".into(),
            passed: false,
        }),
        Entry::Planned(Planned {
            batches: vec![vec![PlannedStep {
                step: step.clone(),
                records: Some(40),
                calls: Some(4),
            }]],
        }),
        Entry::Progressed(Progressed {
            step: step.clone(),
            second_pass: false,
            settled: 30,
            of: Some(40),
            since_ms: 1_000,
            since_settled: 10,
        }),
        Entry::Waiting(Waiting {
            until_ms: 2_000,
            why: "no call is free".into(),
        }),
        Entry::Decided {
            name: "tag prefix".into(),
            value: "old-".into(),
        },
        Entry::Watermark {
            step: step.clone(),
            value: "2026-01-01".into(),
        },
        Entry::FileWritten {
            step: step.clone(),
            path: "out.csv".into(),
            bytes: 5,
            blake3: "00".into(),
        },
        Entry::BudgetUsed {
            account: "acme".into(),
            second: 1_700_000_000,
            calls: 42,
        },
        Entry::StepEnded {
            step,
            counts: Counts {
                read: 2,
                created: 2,
                ..Counts::default()
            },
        },
    ]
}

fn journal(path: &Path) -> Vec<Entry> {
    let mut all = Vec::new();
    View::open(path)
        .unwrap()
        .each_entry(0, |_, _, _, entry| all.push(entry))
        .unwrap();
    all
}

/// Copies the database as a crash would leave it: whatever is in the files now.
fn crash_copy(from: &Path, to: &Path) -> PathBuf {
    fs::create_dir_all(to).unwrap();
    for end in ["", "-wal"] {
        let name = format!("ledger.sqlite{end}");
        let source = from.with_file_name(&name);
        if source.exists() {
            fs::copy(&source, to.join(&name)).unwrap();
        }
    }
    to.join("ledger.sqlite")
}

#[test]
fn every_entry_comes_back_as_it_went_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".transload/ledger.sqlite");
    let ledger = begun(&path);
    ledger.append_blocking(every_kind()).unwrap();
    ledger.end_run("completed").unwrap();
    drop(ledger);
    let read = journal(&path);
    assert_eq!(read[1..read.len() - 1], every_kind());
    let view = View::open(&path).unwrap();
    assert_eq!(view.verify().unwrap().entries, read.len() as i64);
    let mut rows = Vec::new();
    view.each_record("contact", |r| {
        rows.push((
            r.key.to_owned(),
            r.part,
            r.state,
            r.fingerprint,
            r.second_pass,
        ));
    })
    .unwrap();
    assert_eq!(
        rows,
        [
            (
                "\"k\\é\n".into(),
                3,
                RecordState::Confirmed,
                Some(u64::MAX),
                true
            ),
            ("a".into(), 0, RecordState::Absent, None, false),
            ("m".into(), 0, RecordState::Merged, None, false),
            ("r".into(), 0, RecordState::Refused, Some(9), false),
            ("z".into(), 0, RecordState::Absent, None, false),
        ]
    );
    let mut holds = Vec::new();
    view.each_hold(None, |h| holds.push((h.key, h.code, h.words)))
        .unwrap();
    assert_eq!(holds, [("r".into(), "refused_422".into(), "a; b".into())]);
    assert_eq!(view.jobs("contact").unwrap(), [("c1".into(), "j".into())]);
    assert_eq!(
        view.watermark("contact").unwrap().as_deref(),
        Some("2026-01-01")
    );
    assert_eq!(view.files("contact").unwrap()[0].1, 5);
    assert_eq!(view.budget("acme", 0).unwrap(), [(1_700_000_000, 42)]);
    let decided = view.decisions().unwrap();
    assert!(decided.contains(&("tag prefix".into(), "old-".into())));
    let before = view.counted_before("person").unwrap().unwrap();
    assert_eq!((before.records, before.made), (Some(7), 3));
    let last = &view.last_counts().unwrap()["person"].count;
    assert_eq!(
        (last.expected, last.verdict.as_str()),
        (Some(10), "missing")
    );
    let runs = view.runs().unwrap();
    assert_eq!(runs[0].outcome.as_deref(), Some("completed"));
    assert_eq!(view.steps(1).unwrap()[0].counts.unwrap().created, 2);
}

#[test]
fn a_run_without_an_end_is_resumed_and_one_with_an_end_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let run = |end: bool| {
        let ledger = open(&path);
        let run = ledger.begin_run(RunMeta::default()).unwrap();
        if end {
            ledger.end_run("completed").unwrap();
        }
        (run.id, run.resumed)
    };
    assert_eq!(run(false), (1, false));
    assert_eq!(run(true), (2, true));
    assert_eq!(run(true), (3, false));
}

#[test]
fn an_answer_without_an_intent_is_refused_and_harms_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let ledger = open(&path);
    assert!(matches!(
        ledger.append_blocking(vec![held("1", "odd")]),
        Err(LedgerError::Illegal { .. })
    ));
    ledger.begin_run(RunMeta::default()).unwrap();
    for entry in [
        confirmed("1", Origin::Created),
        confirmed("1", Origin::Updated),
        Entry::Absent {
            step: "contact".into(),
            key: "1".into(),
            part: 0,
        },
    ] {
        assert!(matches!(
            ledger.append_blocking(vec![intended("2"), entry]),
            Err(LedgerError::Illegal { .. })
        ));
    }
    // The refused requests left nothing behind, not even the intent of record 2.
    assert!(
        ledger
            .append_blocking(vec![confirmed("2", Origin::Created)])
            .is_err()
    );
    ledger
        .append_blocking(vec![confirmed("3", Origin::Matched)])
        .unwrap();
    ledger
        .append_blocking(vec![intended("2"), confirmed("2", Origin::Created)])
        .unwrap();
    // The intent is answered; a second answer has nothing to answer.
    assert!(
        ledger
            .append_blocking(vec![confirmed("2", Origin::Created)])
            .is_err()
    );
    // One that was open before a refused request is open after it.
    let twice = || {
        vec![
            confirmed("2", Origin::Created),
            confirmed("2", Origin::Created),
        ]
    };
    ledger.append_blocking(vec![intended("2")]).unwrap();
    assert!(ledger.append_blocking(twice()).is_err());
    let mut again = vec![intended("2")];
    again.extend(twice());
    assert!(ledger.append_blocking(again).is_err());
    ledger
        .append_blocking(vec![confirmed("2", Origin::Created)])
        .unwrap();
    assert_eq!(ledger.view().unwrap().verify().unwrap().entries, 6);
}

#[test]
fn what_nobody_waits_for_is_on_disk_before_what_follows_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/ledger.sqlite");
    let ledger = begun(&path);
    let keys: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    ledger
        .append_blocking(keys.iter().map(|k| intended(k)).collect())
        .unwrap();
    for key in &keys {
        ledger.note(vec![confirmed(key, Origin::Created)]).unwrap();
    }
    let last = ledger.append_blocking(vec![held("h", "odd")]).unwrap();
    assert_eq!(last.seq, 202);
    let copy = crash_copy(&path, &folder.path().join("b"));
    assert_eq!(journal(&copy), journal(&path));
    assert_eq!(journal(&copy).len(), 202);
    // Nor does it need anything that follows.
    let noted = |key: &str| {
        ledger.append_blocking(vec![intended(key)]).unwrap();
        ledger.note(vec![confirmed(key, Origin::Created)]).unwrap();
    };
    noted("alone");
    let begun = std::time::Instant::now();
    while journal(&path).len() < 204 && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(journal(&path).len(), 204);
    noted("last");
    drop(ledger);
    assert_eq!(journal(&path).len(), 206);
    // What is wrong with it is told to whoever asks next, and nothing more is taken.
    let ledger = self::begun(&path);
    ledger
        .note(vec![confirmed("never meant", Origin::Created)])
        .unwrap();
    for _ in 0..2 {
        let refused = ledger.append_blocking(vec![intended("next")]);
        assert!(matches!(refused, Err(LedgerError::Illegal { .. })));
    }
    drop(ledger);
    View::open(&path).unwrap().verify().unwrap();
    assert_eq!(journal(&path).len(), 207);
}

#[test]
fn what_was_rolled_back_is_forgotten_wherever_the_gathering_was_cut() {
    for cut in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.sqlite");
        let ledger = begun(&path);
        let settle = || {
            if cut {
                ledger.settle().unwrap();
            }
        };
        let confirmed = |origin, id: &str| Entry::Confirmed {
            step: "contact".into(),
            key: "1".into(),
            part: 0,
            dest_id: id.into(),
            origin,
            fingerprint: 7,
            written: None,
        };
        let undone = || Entry::RolledBack {
            step: "contact".into(),
            key: "1".into(),
            part: 0,
            dest_id: "17".into(),
            did: Undone::Removed,
        };
        ledger
            .append_blocking(vec![intended("1"), confirmed(Origin::Created, "17")])
            .unwrap();
        settle();
        // An open intent of the rollback ends with it.
        ledger.append_blocking(vec![intended("1")]).unwrap();
        settle();
        ledger.append_blocking(vec![undone()]).unwrap();
        settle();
        let mut open = 0;
        let view = ledger.view().unwrap();
        view.each_open("contact", |_| open += 1).unwrap();
        assert_eq!(open, 0);
        view.each_record("contact", |r| {
            assert_eq!((r.state, r.origin), (RecordState::Absent, None));
            assert_eq!(r.dest_id.unwrap_or_default(), "");
        })
        .unwrap();
        view.verify().unwrap();
        // What it is from now on does not depend on what it was.
        ledger
            .append_blocking(vec![undone(), confirmed(Origin::Matched, "18")])
            .unwrap();
        let view = ledger.view().unwrap();
        view.each_record("contact", |r| {
            assert_eq!(r.origin, Some(Origin::Matched));
            assert_eq!(r.dest_id, Some("18"));
        })
        .unwrap();
        view.verify().unwrap();
        ledger.end_run("completed").unwrap();
    }
}

#[test]
fn what_was_created_stays_created() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let ledger = begun(&path);
    for (origin, settle) in [
        (Origin::Created, true),
        (Origin::Updated, false),
        (Origin::Unchanged, true),
    ] {
        ledger
            .append_blocking(vec![intended("1"), confirmed("1", origin)])
            .unwrap();
        if settle {
            ledger.settle().unwrap();
        }
    }
    let mut origins = Vec::new();
    ledger
        .view()
        .unwrap()
        .each_record("contact", |r| origins.push(r.origin))
        .unwrap();
    assert_eq!(origins, [Some(Origin::Created)]);
}

#[test]
fn a_hold_stands_since_it_was_said_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let refused = Entry::Refused {
        step: "contact".into(),
        key: "1".into(),
        part: 0,
        status: 400,
        reasons: vec![],
        fingerprint: 9,
    };
    let since = |entries: Vec<Entry>| {
        let ledger = begun(&path);
        ledger.append_blocking(entries).unwrap();
        let view = ledger.view().unwrap();
        view.verify().unwrap();
        let mut runs = Vec::new();
        view.each_hold(Some("contact"), |h| runs.push((h.since_run, h.kind)))
            .unwrap();
        runs
    };
    assert_eq!(since(vec![intended("1"), refused]), [(1, HoldKind::Failed)]);
    assert_eq!(since(vec![held("1", "odd")]), [(1, HoldKind::Held)]);
    let released = Entry::Released {
        step: "contact".into(),
        key: "1".into(),
    };
    assert_eq!(
        since(vec![released, held("1", "odd")]),
        [(3, HoldKind::Held)]
    );
}

#[test]
fn every_acknowledged_entry_survives_a_crash_at_any_point() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/ledger.sqlite");
    let ledger = begun(&path);
    let mut acknowledged = vec![journal(&path).remove(0)];
    for (n, entry) in every_kind().into_iter().enumerate() {
        ledger.append_blocking(vec![entry.clone()]).unwrap();
        acknowledged.push(entry);
        if n % 4 == 3 {
            ledger.settle().unwrap();
        }
        let copy = crash_copy(&path, &folder.path().join(format!("crash{n}")));
        let resumed = open(&copy);
        assert!(resumed.begin_run(RunMeta::default()).unwrap().resumed);
        let view = resumed.view().unwrap();
        view.verify().unwrap();
        let mut read = journal(&copy);
        read.pop();
        assert_eq!(read, acknowledged);
    }
}

#[test]
fn open_intents_are_known_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/ledger.sqlite");
    let ledger = begun(&path);
    ledger
        .append_blocking(vec![
            intended("1"),
            intended("2"),
            confirmed("2", Origin::Created),
            intended("3"),
            Entry::InDoubt {
                step: "contact".into(),
                key: "3".into(),
                part: 0,
                why: "timeout".into(),
            },
        ])
        .unwrap();
    let copy = crash_copy(&path, &folder.path().join("b"));
    let resumed = begun(&copy);
    let mut found = Vec::new();
    let count = resumed
        .view()
        .unwrap()
        .each_open("contact", |r| {
            found.push((r.key.to_owned(), r.match_key.map(str::to_owned)));
        })
        .unwrap();
    assert_eq!(count, 2);
    assert_eq!(found[0], ("1".into(), Some("1@x.example".into())));
    // Both can be answered now, as if nothing had happened.
    resumed
        .append_blocking(vec![
            confirmed("1", Origin::Created),
            Entry::Absent {
                step: "contact".into(),
                key: "3".into(),
                part: 0,
            },
        ])
        .unwrap();
    let view = resumed.view().unwrap();
    assert_eq!(view.each_open("contact", |_| {}).unwrap(), 0);
    view.verify().unwrap();
}

/// Whatever is torn or flipped: the ledger is refused, or it holds a beginning of what was acknowledged,
/// entry for entry. It never holds anything else.
#[test]
fn torn_and_flipped_bytes_are_never_silently_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/ledger.sqlite");
    let ledger = begun(&path);
    for n in 0..120 {
        ledger
            .append_blocking(vec![
                intended(&n.to_string()),
                confirmed(&n.to_string(), Origin::Created),
                held(&format!("h{n}"), "odd"),
            ])
            .unwrap();
    }
    ledger.settle().unwrap();
    let whole = crash_copy(&path, &folder.path().join("whole"));
    let truth = journal(&path);
    let wal = fs::read(whole.with_file_name("ledger.sqlite-wal")).unwrap();
    // How many entries are left; `None`: refused.
    let attack = |name: &str, wal: &[u8], db: Option<&[u8]>| -> Option<usize> {
        let to = folder.path().join(name);
        let copy = crash_copy(&whole, &to);
        fs::write(copy.with_file_name("ledger.sqlite-wal"), wal).unwrap();
        if let Some(db) = db {
            fs::write(&copy, db).unwrap();
        }
        let ledger = Ledger::open(&copy, options()).ok()?;
        ledger.view().ok()?.verify().ok()?;
        let read = journal(&copy);
        assert!(
            truth.starts_with(&read),
            "{name}: other entries than were written"
        );
        drop(ledger);
        fs::remove_dir_all(&to).unwrap();
        Some(read.len())
    };
    let mut left = Vec::new();
    for at in (0..wal.len()).step_by(wal.len() / 60) {
        left.push(attack(&format!("cut{at}"), &wal[..at], None));
        let mut flipped = wal.clone();
        flipped[at] ^= 0x20;
        left.push(attack(&format!("flip{at}"), &flipped, None));
    }
    // The log protects itself: what is torn is cut off, and the rest is whole.
    assert!(left.iter().all(Option::is_some));
    assert!(left.iter().flatten().filter(|n| **n < truth.len()).count() > 60);
    drop(ledger);
    // The file does not; a flipped bit is found wherever it matters.
    let db = fs::read(&path).unwrap();
    let refused = (0..db.len())
        .step_by(db.len() / 80)
        .filter(|at| {
            let mut flipped = db.clone();
            flipped[*at] ^= 0x04;
            attack(&format!("db{at}"), &[], Some(&flipped)).is_none()
        })
        .count();
    assert!(refused > 20, "{refused}");
}

/// What was made since is not in an older copy: a run on it would make it again.
#[test]
fn an_older_copy_in_its_place_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let ledger = begun(&path);
    ledger.append_blocking(vec![intended("1")]).unwrap();
    ledger.end_run("completed").unwrap();
    drop(ledger);
    let older = fs::read(&path).unwrap();
    drop(open(&path));
    let ledger = begun(&path);
    ledger
        .append_blocking(vec![confirmed("1", Origin::Created), intended("2")])
        .unwrap();
    drop(ledger);
    drop(open(&path));
    let latest = fs::read(&path).unwrap();
    fs::write(&path, &older).unwrap();
    match Ledger::open(&path, options()) {
        Err(OpenError::Older {
            seq,
            reached,
            beside,
            ..
        }) => {
            assert_eq!((seq, reached), (3, 6));
            assert!(View::open(&path).unwrap().verify().is_ok());
            // Whoever put the destination back, too, says so by removing it.
            fs::remove_file(beside).unwrap();
        }
        other => panic!("{:?}", other.map(|_| "opened")),
    }
    drop(open(&path));
    fs::write(&path, latest).unwrap();
    drop(begun(&path));
    // Another ledger is none of its business.
    fs::remove_file(&path).unwrap();
    drop(begun(&path));
}

#[test]
fn whose_call_is_open_says_its_last_intent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let begin = |command: &str| {
        let ledger = open(&path);
        let run = RunMeta {
            command: command.into(),
            ..RunMeta::default()
        };
        ledger.begin_run(run).unwrap();
        ledger
    };
    let open_by = |ledger: &Ledger| ledger.view().unwrap().open_by("rollback").unwrap();
    let ledger = begin("run");
    ledger
        .append_blocking(vec![intended("1"), confirmed("1", Origin::Created)])
        .unwrap();
    drop(ledger);
    let ledger = begin("rollback");
    ledger.append_blocking(vec![intended("1")]).unwrap();
    assert_eq!(open_by(&ledger), 1);
    drop(ledger);
    let ledger = begin("run");
    ledger.append_blocking(vec![intended("1")]).unwrap();
    assert_eq!(open_by(&ledger), 0);
}

#[test]
fn every_tampering_is_found_at_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/ledger.sqlite");
    let ledger = begun(&path);
    for n in 0..5 {
        ledger
            .append_blocking(vec![
                intended(&n.to_string()),
                confirmed(&n.to_string(), Origin::Created),
            ])
            .unwrap();
    }
    ledger.append_blocking(vec![held("h", "odd")]).unwrap();
    ledger.end_run("completed").unwrap();
    drop(ledger);
    let cases: &[(&str, &str)] = &[
        (
            "UPDATE journal SET data = zeroblob(length(data)) WHERE seq = 3",
            "entry 2",
        ),
        (
            "UPDATE journal SET at_ms = at_ms + 1 WHERE seq = 5",
            "entry 4",
        ),
        ("UPDATE journal SET run = 9 WHERE seq = 3", "entry 2"),
        ("UPDATE journal SET entries = 1 WHERE seq = 3", "entry 2"),
        ("UPDATE journal SET entries = 0 WHERE seq = 3", "entry 2"),
        (
            "UPDATE journal SET entries = 3, seq = 4 WHERE seq = 3",
            "entry 2",
        ),
        (
            "UPDATE journal SET hash = zeroblob(32) WHERE seq = 5",
            "entry 4",
        ),
        ("UPDATE journal SET hash = x'00' WHERE seq = 5", "entry 4"),
        ("DELETE FROM journal WHERE seq = 7", "entry 6"),
        ("DELETE FROM journal WHERE seq = 1", "entry 1"),
        ("DELETE FROM journal WHERE seq >= 12", "entry 12"),
        (
            "UPDATE journal SET seq = -seq WHERE seq IN (5, 7); UPDATE journal SET seq = 12 + seq WHERE seq < 0",
            "entry 4",
        ),
        (
            "INSERT INTO journal SELECT 0, entries, run, at_ms, data, hash FROM journal WHERE seq = 1",
            "entry 1",
        ),
        (
            "INSERT INTO journal SELECT 14, entries, run, at_ms, data, hash FROM journal WHERE seq = 13",
            "entry 14",
        ),
        (
            "UPDATE meta SET value = zeroblob(32) WHERE name = 'head'",
            "entry 13",
        ),
        (
            "UPDATE meta SET value = 'ffff' WHERE name = 'lineage'",
            "entry 1",
        ),
        (
            "UPDATE records SET dest_id = '77' WHERE key = '2'",
            "table `records`",
        ),
        ("DELETE FROM records WHERE key = '2'", "table `records`"),
        ("DELETE FROM holds", "table `holds`"),
        ("UPDATE runs SET outcome = 'aborted'", "table `runs`"),
        (
            "INSERT INTO decisions VALUES ('a', 'b')",
            "table `decisions`",
        ),
        ("DELETE FROM steps", "table `steps`"),
        ("UPDATE steps SET name = 'note'", "table `steps`"),
        ("UPDATE steps SET id = 2", "table `steps`"),
    ];
    for (n, (sql, expected)) in cases.iter().enumerate() {
        let copy = crash_copy(&path, &folder.path().join(n.to_string()));
        rusqlite::Connection::open(&copy)
            .unwrap()
            .execute_batch(sql)
            .unwrap();
        let found = View::open(&copy).unwrap().verify().unwrap_err().to_string();
        assert!(found.starts_with(expected), "{sql}: {found}");
    }
    View::open(&path).unwrap().verify().unwrap();
}

#[test]
fn every_changed_byte_of_what_was_written_together_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let ledger = begun(&path);
    ledger.append_blocking(every_kind()).unwrap();
    drop(ledger);
    let connection = rusqlite::Connection::open(&path).unwrap();
    let last = every_kind().len() as i64 + 1;
    let good: Vec<u8> = connection
        .query_row("SELECT data FROM journal WHERE seq = ?1", [last], |r| {
            r.get(0)
        })
        .unwrap();
    let put = |bytes: &[u8]| {
        let sql = "UPDATE journal SET data = ?1 WHERE seq = ?2";
        connection.execute(sql, (bytes, last)).unwrap();
    };
    let verify = || View::open(&path).unwrap().verify();
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        put(&bytes);
        let found = verify().unwrap_err().to_string();
        assert!(found.starts_with("entry 2 is broken"), "{at}: {found}");
        // Whoever reads it without a proof gets other entries or an error, and no panic.
        let _ = View::open(&path)
            .unwrap()
            .each_entry(0, |_, _, _, entry| drop(entry));
    }
    put(&good[..good.len() - 1]);
    assert!(verify().is_err());
    put(&good);
    verify().unwrap();
}

#[test]
fn what_was_written_is_read_back_record_by_record() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = begun(&folder.path().join("ledger.sqlite"));
    let of = |part| {
        let view = ledger.view().unwrap();
        view.written("contact", "1", part).unwrap()
    };
    let confirm = |written| {
        let Entry::Confirmed {
            step,
            key,
            part,
            dest_id,
            origin,
            fingerprint,
            ..
        } = confirmed("1", Origin::Created)
        else {
            unreachable!()
        };
        let entry = Entry::Confirmed {
            step,
            key,
            part,
            dest_id,
            origin,
            fingerprint,
            written,
        };
        ledger
            .append_blocking(vec![intended("1"), entry])
            .map(drop)
            .unwrap();
    };
    assert_eq!(of(0), None);
    confirm(Some(what()));
    assert_eq!(of(0), Some(what()));
    assert_eq!(of(1), None);
    // The references of a second pass stand beside it, and fall with a new record.
    let mut later = Written::default();
    later.fields.add(&WrittenField {
        name: written::name_hash("account"),
        sent: 5,
        kept: None,
        items: vec![],
    });
    ledger
        .append_blocking(vec![Entry::SecondPassDone {
            step: "contact".into(),
            key: "1".into(),
            part: 0,
            written: Some(later),
        }])
        .unwrap();
    let both = of(0).unwrap();
    assert_eq!(both.fields.iter().count(), 4);
    assert_eq!(both.fields.get("account").map(|f| f.sent), Some(5));
    confirm(Some(what()));
    assert_eq!(of(0), Some(what()));
    let end = ledger
        .append_blocking(vec![
            intended("1"),
            Entry::Absent {
                step: "contact".into(),
                key: "1".into(),
                part: 0,
            },
        ])
        .map(drop);
    end.unwrap();
    assert_eq!(of(0), None);
    ledger.view().unwrap().verify().unwrap();
}

/// A ledger as an engine of version 3 left it, each entry a row: two runs, of which the second was killed with two open
/// intents and three entries that were not folded yet.
fn version_3(path: &Path) {
    rusqlite::Connection::open(path)
        .unwrap()
        .execute_batch(include_str!("ledger/version_3.sql"))
        .unwrap();
}

#[test]
fn a_ledger_of_version_3_is_read_verified_lifted_and_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    version_3(&path);
    // As it is, without a writer.
    let view = View::open(&path).unwrap();
    let old = journal(&path);
    let verified = view.verify().unwrap();
    assert_eq!(verified.entries, old.len() as i64);
    assert_eq!(
        view.head().unwrap(),
        Some((verified.entries, verified.head))
    );
    let kinds = every_kind().len();
    assert_eq!(old[1..=kinds], every_kind());
    let mut of_1 = 0;
    view.each_entry_of("1", |_, _, _, _| of_1 += 1).unwrap();
    assert_eq!(of_1, 3);
    assert_eq!(view.approvals().unwrap().len(), 1);
    assert_eq!(view.open_by("").unwrap(), 2);
    assert_eq!(view.runs().unwrap().len(), 2);
    // Lifted while somebody looks on.
    let ledger = open(&path);
    assert_eq!(view.verify().unwrap(), verified);
    assert_eq!(journal(&path), old);
    assert!(ledger.begin_run(RunMeta::default()).unwrap().resumed);
    let mut open = Vec::new();
    let found = |r: RecordRow<'_>| open.push(r.key.to_owned());
    ledger.view().unwrap().each_open("contact", found).unwrap();
    assert_eq!(open, ["4"]);
    let more = vec![
        confirmed("4", Origin::Created),
        intended("1"),
        Entry::Absent {
            step: "note".into(),
            key: "1".into(),
            part: 0,
        },
        held("new", "odd"),
    ];
    assert!(
        ledger
            .append_blocking(vec![confirmed("3", Origin::Created)])
            .is_err(),
        "it is answered"
    );
    ledger.append_blocking(more.clone()).unwrap();
    let view = ledger.view().unwrap();
    let all = journal(&path);
    assert_eq!(all[..old.len()], old);
    assert_eq!(all[old.len() + 1..], more);
    assert_eq!(
        view.verify().unwrap().entries,
        (old.len() + 1 + more.len()) as i64
    );
    let mut of_1 = Vec::new();
    view.each_entry_of("1", |seq, run, _, entry| {
        of_1.push((seq > old.len() as i64, run, entry.kind()));
    })
    .unwrap();
    assert_eq!(
        of_1,
        [
            (false, 2, "intended"),
            (false, 2, "intended"),
            (false, 2, "confirmed"),
            (true, 3, "intended"),
            (true, 3, "absent"),
        ]
    );
    let mut after = 0;
    view.each_entry(old.len() as i64 + 2, |_, _, _, _| after += 1)
        .unwrap();
    assert_eq!(after, 3);
    assert_eq!(view.approvals().unwrap().len(), 1);
    // Since it was counted, in the old rows; of the step that is asked for.
    let made = view.made_since("person", &["contact"]).unwrap();
    let keys: Vec<&str> = made.iter().map(|(_, key, _)| key.as_str()).collect();
    assert_eq!(keys, ["1", "3", "4"]);
    assert_eq!(view.made_since("person", &["note"]).unwrap(), []);
    assert_eq!(view.made_since("other", &["contact"]).unwrap().len(), 4);
    drop((view, ledger));
    // The next one goes on with frames.
    let ledger = begun(&path);
    ledger
        .append_blocking(vec![confirmed("1", Origin::Created)])
        .unwrap();
    ledger.end_run("completed").unwrap();
    ledger.view().unwrap().verify().unwrap();
    drop(ledger);
    // What was tampered with is found in the old part and in the new one.
    let last = old.len() as i64;
    for (n, (sql, entry)) in [
        (
            "UPDATE journal_rows SET data = replace(data, '422', '423') WHERE seq = 7",
            7,
        ),
        ("DELETE FROM journal_rows WHERE seq = 5", 5),
        ("UPDATE journal_rows SET hash = x'00' WHERE seq = 3", 3),
        (
            "DELETE FROM journal_rows WHERE seq = (SELECT max(seq) FROM journal_rows)",
            last,
        ),
        ("DELETE FROM journal_rows", 1),
        ("DROP TABLE journal_rows", 1),
        (
            "DELETE FROM journal WHERE seq = (SELECT min(seq) FROM journal)",
            last + 1,
        ),
        (
            "UPDATE journal SET data = x'01' WHERE entries = 4",
            last + 2,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let copy = crash_copy(&path, &folder.path().join(n.to_string()));
        rusqlite::Connection::open(&copy)
            .unwrap()
            .execute_batch(sql)
            .unwrap();
        let found = View::open(&copy).unwrap().verify().unwrap_err().to_string();
        assert!(
            found.starts_with(&format!("entry {entry} is broken")),
            "{sql}: {found}"
        );
    }
}

#[test]
fn a_damaged_end_of_version_3_is_refused_with_its_number_and_lifted_only_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    version_3(&path);
    let last = journal(&path).len() as i64;
    let connection = rusqlite::Connection::open(&path).unwrap();
    let sql = "UPDATE journal SET data = replace(data, '9', '8') WHERE seq = ?1";
    connection.execute(sql, [last - 1]).unwrap();
    match Ledger::open(&path, options()) {
        Err(OpenError::Damaged { seq, .. }) => assert_eq!(seq, last - 1),
        other => panic!("{other:?}"),
    }
    // What stands in the way of the new table leaves the file as it was.
    let path = folder.path().join("other.sqlite");
    version_3(&path);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch("CREATE TABLE journal_rows (a)")
        .unwrap();
    assert!(Ledger::open(&path, options()).is_err());
    let view = View::open(&path).unwrap();
    assert_eq!(view.verify().unwrap().entries, last);
    connection.execute_batch("DROP TABLE journal_rows").unwrap();
    drop(begun(&path));
    view.verify().unwrap();
}

#[test]
fn a_ledger_of_version_1_is_read_verified_and_lifted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch(include_str!("ledger/version_1.sql"))
        .unwrap();
    let view = View::open(&path).unwrap();
    view.verify().unwrap();
    assert_eq!(view.written("contact", "1", 0).unwrap(), None);
    assert_eq!(view.each_record("contact", |_| {}).unwrap(), 1);
    assert_eq!(view.reserved("acme", 0).unwrap(), []);
    assert_eq!(view.runs().unwrap()[0].until_ms, None);
    drop(view);
    let ledger = begun(&path);
    ledger
        .append_blocking(vec![
            reserved(5, 1),
            intended("2"),
            Entry::Confirmed {
                step: "contact".into(),
                key: "2".into(),
                part: 0,
                dest_id: "92".into(),
                origin: Origin::Created,
                fingerprint: 1,
                written: Some(what()),
            },
        ])
        .unwrap();
    let view = ledger.view().unwrap();
    assert_eq!(view.written("contact", "1", 0).unwrap(), None);
    assert_eq!(view.written("contact", "2", 0).unwrap(), Some(what()));
    assert_eq!(view.reserved("acme", 0).unwrap(), [(5, 1)]);
    view.verify().unwrap();
}

fn reserved(second: i64, calls: u64) -> Entry {
    Entry::CallsReserved {
        account: "acme".into(),
        second,
        calls,
    }
}

#[test]
fn calls_are_set_aside_without_a_run_and_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let day = 86_400;
    let ledger = open(&path);
    ledger
        .append_blocking(vec![reserved(10, 7), reserved(4 * day, 50)])
        .unwrap();
    assert!(ledger.append_blocking(vec![intended("1")]).is_err());
    ledger
        .append_blocking(vec![reserved(4 * day, 13), reserved(4 * day + 1, 20)])
        .unwrap();
    drop(ledger);
    let view = View::open(&path).unwrap();
    let left = view.reserved("acme", 0).unwrap();
    assert_eq!(left, [(4 * day, 13), (4 * day + 1, 20)]);
    assert_eq!(view.reserved("other", 0).unwrap(), []);
    assert!(view.runs().unwrap().is_empty());
    view.verify().unwrap();
}

#[test]
fn a_pause_says_until_when_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let ledger = begun(&path);
    ledger.pause_run(1_700_000_000_000, "the window").unwrap();
    drop(ledger);
    let ledger = open(&path);
    let run = ledger.begin_run(RunMeta::default()).unwrap();
    assert!(!run.resumed, "a pause is an end");
    let view = ledger.view().unwrap();
    let row = &view.runs().unwrap()[0];
    assert_eq!(row.outcome.as_deref(), Some("paused"));
    assert_eq!(row.until_ms, Some(1_700_000_000_000));
    assert_eq!(row.why.as_deref(), Some("the window"));
    view.verify().unwrap();
}

#[test]
fn a_crash_while_a_ledger_is_made_leaves_none_and_the_next_one_makes_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    // What a killed process leaves: its own half of a file, a lock, and perhaps a log of a ledger that is gone.
    let debris = folder.path().join("ledger.sqlite.1.new");
    std::fs::write(&debris, "").unwrap();
    std::fs::write(path.with_extension("lock"), "").unwrap();
    let other = folder.path().join("other.sqlite");
    let ledger = open(&other);
    ledger.begin_run(RunMeta::default()).unwrap();
    ledger.end_run("completed").unwrap();
    let log = std::fs::read(folder.path().join("other.sqlite-wal")).unwrap();
    assert!(!log.is_empty());
    std::fs::write(folder.path().join("ledger.sqlite-wal"), log).unwrap();
    drop(ledger);
    assert!(View::open(&path).is_err(), "there is none yet");
    drop(open(&path));
    let view = View::open(&path).unwrap();
    assert_eq!(view.runs().unwrap().len(), 0, "the log of another one");
    view.verify().unwrap();
    // Many at once: one makes it, and all open the same.
    let path = folder.path().join("many.sqlite");
    let lineages: Vec<Option<String>> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let ledger = Ledger::open(&path, options()).ok()?;
                    Some(ledger.lineage().to_owned())
                })
            })
            .collect();
        all.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let lineage = View::open(&path).unwrap().lineage().unwrap();
    assert!(lineages.iter().any(Option::is_some));
    assert!(lineages.iter().flatten().all(|l| *l == lineage));
}

#[test]
fn a_foreign_or_newer_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = folder.path().join("foreign.sqlite");
    let connection = rusqlite::Connection::open(&foreign).unwrap();
    connection.execute_batch("CREATE TABLE t (x)").unwrap();
    drop(connection);
    let error = Ledger::open(&foreign, options()).unwrap_err().to_string();
    assert!(error.contains("not a ledger"), "{error}");
    assert!(View::open(&foreign).is_err());

    // Only a file that somebody emptied is empty: what makes a ledger puts a whole one in its place, or none.
    let empty = folder.path().join("empty.sqlite");
    std::fs::write(&empty, "").unwrap();
    let error = Ledger::open(&empty, options()).unwrap_err().to_string();
    assert!(error.contains("is empty"), "{error}");
    assert!(View::open(&empty).is_err_and(|e| e.is_damage()));
    assert_eq!(std::fs::metadata(&empty).unwrap().len(), 0, "left as it is");

    let newer = folder.path().join("newer.sqlite");
    drop(open(&newer));
    rusqlite::Connection::open(&newer)
        .unwrap()
        .execute_batch("PRAGMA user_version = 5")
        .unwrap();
    let error = Ledger::open(&newer, options()).unwrap_err().to_string();
    assert!(
        error.contains("version 5") && error.contains("newer"),
        "{error}"
    );
}

#[test]
fn one_run_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let first = begun(&path);
    let error = Ledger::open(&path, options()).unwrap_err();
    assert!(matches!(&error, OpenError::Held { by, .. } if *by == Holder::this_process()));
    // Readers are welcome.
    assert_eq!(View::open(&path).unwrap().runs().unwrap().len(), 1);
    drop(first);
    assert!(open(&path).begin_run(RunMeta::default()).unwrap().resumed);
}

#[test]
fn another_machine_waits_for_the_heartbeat_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/ledger.sqlite");
    let clock = Arc::new(FixedClock::new(Timestamp::UNIX_EPOCH));
    let here = Options {
        ttl: Duration::from_secs(30),
        ..Options::new(clock.clone() as Arc<dyn Clock>)
    };
    let ledger = Ledger::open(&path, here.clone()).unwrap();
    let copy = crash_copy(&path, &folder.path().join("b"));
    let there = Options {
        holder: Holder {
            host: "elsewhere".into(),
            process: 1,
        },
        ..here
    };
    assert!(matches!(
        Ledger::open(&copy, there.clone()),
        Err(OpenError::Held { .. })
    ));
    clock.advance(Duration::from_secs(31));
    Ledger::open(&copy, there).unwrap();
    drop(ledger);
}

#[test]
fn an_overtaken_run_writes_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let frozen = Arc::new(FixedClock::new(Timestamp::UNIX_EPOCH));
    let later = Arc::new(FixedClock::new(Timestamp::from_second(3600).unwrap()));
    // The first one's clock stands still, so it never renews its lease: a stopped process.
    let first = Ledger::open(&path, Options::new(frozen)).unwrap();
    first.begin_run(RunMeta::default()).unwrap();
    let second = Ledger::open(&path, Options::new(later)).unwrap();
    assert!(second.begin_run(RunMeta::default()).unwrap().resumed);
    assert_eq!(
        first.append_blocking(vec![held("1", "odd")]),
        Err(LedgerError::Fenced)
    );
    second.append_blocking(vec![held("2", "odd")]).unwrap();
    assert_eq!(
        first.append_blocking(vec![held("1", "odd")]),
        Err(LedgerError::Fenced)
    );
    drop(first);
    let view = second.view().unwrap();
    assert_eq!(view.verify().unwrap().entries, 3);
}

#[test]
fn a_full_disk_ends_all_writing_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let full = Options {
        max_pages: Some(60),
        ..options()
    };
    let ledger = Ledger::open(&path, full).unwrap();
    ledger.begin_run(RunMeta::default()).unwrap();
    let mut acknowledged = 1;
    let error = loop {
        let batch = (0..20).map(|n| held(&format!("{acknowledged}-{n}"), "odd"));
        match ledger.append_blocking(batch.collect()) {
            Ok(done) => acknowledged = done.seq,
            Err(error) => break error,
        }
    };
    assert!(
        matches!(&error, LedgerError::Unwritable { why } if why.contains("full")),
        "{error}"
    );
    assert_eq!(
        ledger.append_blocking(vec![held("tiny", "odd")]),
        Err(error),
        "even what would fit is refused now"
    );
    drop(ledger);
    let ledger = open(&path);
    assert!(ledger.begin_run(RunMeta::default()).unwrap().resumed);
    assert_eq!(
        ledger.view().unwrap().verify().unwrap().entries,
        acknowledged + 1
    );
}

#[test]
fn callers_share_transactions_and_keep_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let ledger = begun(&path);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let ledger = &ledger;
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    let mut last = 0;
                    for n in 0..50 {
                        let key = format!("{thread}-{n}");
                        // Both are asked for before either is waited for.
                        let first = ledger.append(vec![intended(&key)]);
                        let second = ledger.append(vec![confirmed(&key, Origin::Created)]);
                        let (first, second) = (first.await.unwrap(), second.await.unwrap());
                        assert!(last < second.seq && first.seq < second.seq);
                        last = second.seq;
                    }
                });
            });
        }
    });
    let view = ledger.view().unwrap();
    assert_eq!(view.verify().unwrap().entries, 401);
    assert_eq!(
        view.states().unwrap(),
        [("contact".to_owned(), RecordState::Confirmed, 200)]
    );
}

/// Records on their way: each is sent when its intent is acknowledged, and answered then. Gives the keys that were
/// sent, whatever came of the rest.
fn send_side_by_side(ledger: &Ledger, records: usize, sent: &(dyn Fn(String) + Sync)) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let send = |n: usize| async move {
            let key = n.to_string();
            if ledger.append(vec![intended(&key)]).await.is_ok() {
                sent(key.clone());
                tokio::task::yield_now().await;
                let _ = ledger.append(vec![confirmed(&key, Origin::Created)]).await;
            }
        };
        let mut tasks: Vec<_> = (0..records).map(|n| Box::pin(send(n))).collect();
        std::future::poll_fn(|context| {
            tasks.retain_mut(|task| task.as_mut().poll(context).is_pending());
            match tasks.is_empty() {
                true => std::task::Poll::Ready(()),
                false => std::task::Poll::Pending,
            }
        })
        .await;
    });
}

fn intents(path: &Path) -> Vec<String> {
    let keys = journal(path).into_iter().filter_map(|entry| match entry {
        Entry::Intended(intent) => Some(intent.key),
        _ => None,
    });
    keys.collect()
}

#[test]
fn nothing_is_sent_whose_intent_a_crash_would_lose() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/ledger.sqlite");
    let ledger = begun(&path);
    let sent = std::sync::Mutex::new(Vec::new());
    let crashes = std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            send_side_by_side(&ledger, 120, &|key| sent.lock().unwrap().push(key));
        });
        let mut crashes = Vec::new();
        while !sender.is_finished() {
            let known = sent.lock().unwrap().clone();
            let to = folder.path().join(format!("crash{}", crashes.len()));
            crashes.push((known, crash_copy(&path, &to)));
        }
        crashes
    });
    assert!(crashes.len() > 1 && sent.lock().unwrap().len() == 120);
    for (known, copy) in crashes {
        drop(open(&copy));
        let there = intents(&copy);
        let lost: Vec<_> = known.iter().filter(|k| !there.contains(k)).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
}

/// Set for the process that is killed.
const VICTIM: &str = "TRANSLOAD_LEDGER_VICTIM";

/// A real process, really killed: what it said was acknowledged is there, and the next run starts at once.
#[test]
fn a_killed_process_loses_nothing_it_was_told_and_frees_the_lease() {
    if let Ok(path) = std::env::var(VICTIM) {
        let ledger = begun(Path::new(&path));
        for n in 0.. {
            ledger
                .append_blocking(vec![held(&format!("{}-{n}", std::process::id()), "odd")])
                .unwrap();
            writeln!(std::io::stderr(), "acknowledged {n}").unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let mut entries = 0;
    for round in 1..=4_i64 {
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "--nocapture",
                "a_killed_process_loses_nothing_it_was_told_and_frees_the_lease",
            ])
            .env(VICTIM, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(victim.stderr.take().unwrap()).lines();
        let acknowledged = lines
            .map(|l| l.unwrap())
            .filter(|l| l.starts_with("acknowledged"))
            .take(15 * usize::try_from(round).unwrap())
            .count();
        assert!(
            matches!(Ledger::open(&path, options()), Err(OpenError::Held { .. })),
            "it is alive"
        );
        victim.kill().unwrap();
        victim.wait().unwrap();
        let ledger = open(&path);
        let verified = ledger.view().unwrap().verify().unwrap().entries;
        assert!(verified > entries + i64::try_from(acknowledged).unwrap());
        entries = verified;
    }
}

#[derive(Clone, Debug)]
enum Act {
    Load(u8, bool),
    Doubt(u8),
    Refuse(u8),
    Hold(u8),
    Release(u8),
    Settle,
    Reopen,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let key = 0..4_u8;
    prop::collection::vec(
        prop_oneof![
            4 => (key.clone(), any::<bool>()).prop_map(|(k, c)| Act::Load(k, c)),
            1 => key.clone().prop_map(Act::Doubt),
            1 => key.clone().prop_map(Act::Refuse),
            2 => key.clone().prop_map(Act::Hold),
            1 => key.prop_map(Act::Release),
            2 => Just(Act::Settle),
            1 => Just(Act::Reopen),
        ],
        1..30,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Wherever the disk is full: what was sent has its intent in the journal, and nothing is sent afterwards.
    #[test]
    fn where_the_journal_cannot_be_written_nothing_is_sent(pages in 40..110_u32, records in 1..400_usize) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.sqlite");
        let full = Options { max_pages: Some(pages), ..options() };
        let ledger = Ledger::open(&path, full).unwrap();
        ledger.begin_run(RunMeta::default()).unwrap();
        let sent = std::sync::Mutex::new(Vec::new());
        send_side_by_side(&ledger, records, &|key| sent.lock().unwrap().push(key));
        let broken = ledger.append_blocking(vec![intended("one more")]).is_err();
        drop(ledger);
        let mut sent = sent.into_inner().unwrap();
        prop_assert!(broken || sent.len() == records);
        let mut there = intents(&path);
        there.retain(|key| key != "one more");
        sent.sort();
        there.sort();
        prop_assert_eq!(sent, there);
        open(&path).view().unwrap().verify().unwrap();
    }

    /// Wherever the gathering is cut, the state is the one a plain model has.
    #[test]
    fn the_state_is_the_fold_of_the_journal(acts in acts()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.sqlite");
        let mut ledger = begun(&path);
        let mut records: BTreeMap<String, RecordState> = BTreeMap::new();
        let mut holds: BTreeMap<String, &str> = BTreeMap::new();
        for act in acts {
            match act {
                Act::Load(k, created) => {
                    let key = k.to_string();
                    let origin = if created { Origin::Created } else { Origin::Updated };
                    ledger.append_blocking(vec![intended(&key), confirmed(&key, origin)]).unwrap();
                    holds.remove(&key);
                    records.insert(key, RecordState::Confirmed);
                }
                Act::Doubt(k) => {
                    let key = k.to_string();
                    ledger.append_blocking(vec![intended(&key)]).unwrap();
                    ledger.append_blocking(vec![Entry::InDoubt {
                        step: "contact".into(), key: key.clone(), part: 0, why: "reset".into(),
                    }]).unwrap();
                    records.insert(key, RecordState::InDoubt);
                }
                Act::Refuse(k) => {
                    let key = k.to_string();
                    ledger.append_blocking(vec![intended(&key), Entry::Refused {
                        step: "contact".into(), key: key.clone(), part: 0, status: 400, reasons: vec![], fingerprint: 9,
                    }]).unwrap();
                    holds.insert(key.clone(), "refused_400");
                    records.insert(key, RecordState::Refused);
                }
                Act::Hold(k) => {
                    ledger.append_blocking(vec![held(&k.to_string(), "odd")]).unwrap();
                    holds.insert(k.to_string(), "odd");
                }
                Act::Release(k) => {
                    ledger.append_blocking(vec![Entry::Released {
                        step: "contact".into(), key: k.to_string(),
                    }]).unwrap();
                    holds.remove(&k.to_string());
                }
                Act::Settle => { ledger.settle().unwrap(); }
                Act::Reopen => {
                    drop(ledger);
                    ledger = begun(&path);
                }
            }
        }
        let view = ledger.view().unwrap();
        view.verify().unwrap();
        let mut found = BTreeMap::new();
        view.each_record("contact", |r| { found.insert(r.key.to_owned(), r.state); }).unwrap();
        prop_assert_eq!(found, records);
        let mut found = BTreeMap::new();
        view.each_hold(None, |h| { found.insert(h.key, h.code); }).unwrap();
        let holds: BTreeMap<String, String> = holds.into_iter().map(|(k, c)| (k, c.to_owned())).collect();
        prop_assert_eq!(found, holds);
    }
}
