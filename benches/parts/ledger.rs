//! The account: journal entries on disk, alone and in groups, and the id map in memory.

use divan::{Bencher, black_box, counter::ItemsCount};
use std::sync::Arc;
use transload::{
    clock::SystemClock,
    ident::StepId,
    ledger::{Entry, IdEntry, IdMap, IdState, Intent, Ledger, Options, Origin, RunMeta, WriteOp},
};

fn begun(folder: &std::path::Path) -> Ledger {
    let options = Options::new(Arc::new(SystemClock::new()));
    let ledger = Ledger::open(&folder.join("ledger.db"), options).unwrap();
    ledger.begin_run(RunMeta::default()).unwrap();
    ledger
}

fn intended(key: u64) -> Entry {
    Entry::Intended(Intent {
        step: "contact".to_owned(),
        key: key.to_string(),
        op: WriteOp::Bulk,
        fingerprint: key,
        chunk: Some("contact-17".to_owned()),
        match_key: Some(format!("first.last{key}@mail.example")),
        ..Intent::default()
    })
}

fn confirmed(key: u64) -> Entry {
    Entry::Confirmed {
        step: "contact".to_owned(),
        key: key.to_string(),
        part: 0,
        dest_id: (70_000_000_000 + key).to_string(),
        origin: Origin::Created,
        fingerprint: key,
        written: None,
    }
}

/// Intents and outcomes of records that go in chunks, each chunk durable before and after its call.
#[divan::bench(args = [1, 100, 1000], sample_count = 20)]
fn ledger_writes(bencher: Bencher<'_, '_>, chunk: u64) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = begun(folder.path());
    let mut next = 0;
    bencher.counter(ItemsCount::new(chunk)).bench_local(|| {
        let keys = next..next + chunk;
        next += chunk;
        ledger
            .append_blocking(keys.clone().map(intended).collect())
            .unwrap();
        ledger
            .append_blocking(keys.map(confirmed).collect())
            .unwrap()
    });
}

const IDS: u64 = 100_000;

fn filled(key: impl Fn(u64) -> String) -> IdMap {
    let map = IdMap::new(1);
    for n in 0..IDS {
        let entry = IdEntry {
            dest_id: &(70_000_000_000 + n).to_string(),
            fingerprint: n,
            state: IdState::Confirmed,
            origin: Some(Origin::Created),
            second_pass: false,
        };
        map.insert(StepId(0), &key(n), 0, &entry);
    }
    map
}

/// References by number, spread over all records.
#[divan::bench]
fn id_map_numbers(bencher: Bencher<'_, '_>) {
    find(bencher, |n| (n + 1).to_string());
}

/// The same by text.
#[divan::bench]
fn id_map_texts(bencher: Bencher<'_, '_>) {
    find(bencher, |n| format!("first.last{n}@mail.example"));
}

fn find(bencher: Bencher<'_, '_>, key: impl Fn(u64) -> String) {
    let ids = filled(&key).snapshot(StepId(0));
    let keys: Vec<String> = (0..1000u64)
        .map(|n| key(n.wrapping_mul(2_654_435_761) % IDS))
        .collect();
    bencher
        .counter(ItemsCount::new(keys.len()))
        .bench_local(|| {
            let found = keys.iter().filter_map(|k| ids.get(black_box(k)));
            assert_eq!(
                found.map(|e| e.dest_id.len()).sum::<usize>(),
                11 * keys.len()
            );
        });
}
