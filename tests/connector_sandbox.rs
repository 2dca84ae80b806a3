//! The HTTP connector and the simulated account, each built from the platform file alone: do they understand each
//! other, and is the account's limit used up and never exceeded?

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;
use transload::{
    check::platform::lower,
    connector::{
        BulkReply, Reply, Stop,
        rest::{BulkRow, JobState, Rest, RestOptions},
    },
    diag::{Diagnostics, FileId},
    ident::ObjectId,
    platform::{CallLimit, Platform, Tiered},
    sandbox::{Sandbox, SandboxOptions, start},
    secret::Secret,
    spec::yaml,
};

fn platform(limits: &[(u64, u64)]) -> Arc<Platform> {
    let path = format!(
        "{}/specs/platforms/freshsales.yaml",
        env!("CARGO_MANIFEST_DIR")
    );
    let mut diags = Diagnostics::default();
    let text = std::fs::read_to_string(path).unwrap();
    let tree = yaml::parse(FileId(0), &text, &mut diags).unwrap();
    let mut platform = lower(&tree.root, &mut diags).unwrap();
    platform.limits.calls = limits
        .iter()
        .map(|(max, ms)| CallLimit {
            max: Tiered::All(*max),
            per: Duration::from_millis(*ms),
        })
        .collect();
    platform.limits.wait = Duration::from_millis(50);
    Arc::new(platform)
}

async fn account(platform: &Arc<Platform>, quirks: &[(&str, &str)]) -> Sandbox {
    let options = SandboxOptions {
        quirks: quirks
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect(),
        ..SandboxOptions::default()
    };
    start(Arc::clone(platform), options).await.unwrap()
}

fn connect(platform: &Arc<Platform>, account: &Sandbox) -> Rest {
    let options = RestOptions {
        base: Some(account.base_url.clone()),
        secret: Some(Secret::new(&account.key)),
        ..RestOptions::default()
    };
    Rest::new(Arc::clone(platform), options).unwrap()
}

fn object(platform: &Platform, name: &str) -> ObjectId {
    platform.object(name).unwrap().0
}

async fn listed(rest: &Rest, object: ObjectId) -> Vec<Value> {
    let mut cursor = rest.list(object);
    let mut all = Vec::new();
    while let Some(page) = cursor.next().await.unwrap() {
        all.extend(page.records);
    }
    all
}

#[tokio::test]
async fn records_go_there_and_come_back() {
    let platform = platform(&[]);
    let account = account(&platform, &[("short_pages", "some")]).await;
    let rest = connect(&platform, &account);
    rest.probe().await.unwrap();
    let (contact, note) = (object(&platform, "contact"), object(&platform, "note"));

    let reply = rest
        .create(contact, br#"{"last_name":"One","email":"one@x.example"}"#)
        .await
        .unwrap();
    let Reply::Done { id: Some(id), .. } = reply else {
        panic!("{reply:?}")
    };
    let again = rest
        .create(contact, br#"{"email":"one@x.example"}"#)
        .await
        .unwrap();
    assert!(
        matches!(&again, Reply::Refused { status: 400, reasons } if !reasons.is_empty()),
        "{again:?}"
    );
    let reply = rest
        .update(contact, &id, br#"{"last_name":"Uno"}"#)
        .await
        .unwrap();
    assert!(
        matches!(reply, Reply::Done { created: false, .. }),
        "{reply:?}"
    );
    assert_eq!(
        rest.get(contact, &id).await.unwrap().unwrap()["last_name"],
        "Uno"
    );

    let rows: Vec<_> = (0..60)
        .map(|n| {
            (
                format!("b{n}@x.example"),
                json!({"last_name": format!("B{n}")}).to_string(),
            )
        })
        .collect();
    let rows: Vec<_> = rows
        .iter()
        .map(|(key, record)| BulkRow {
            key_wire: "emails",
            key_value: key,
            record: record.as_bytes(),
        })
        .collect();
    let BulkReply::Job(job) = rest.bulk_upsert(contact, &rows).await.unwrap() else {
        panic!("a job")
    };
    assert!(matches!(
        rest.wait_job(contact, &job).await.unwrap(),
        JobState::Done(_)
    ));
    assert_eq!(rest.job(contact, "999999").await.unwrap(), JobState::Gone);

    let mut ids: Vec<_> = listed(&rest, contact)
        .await
        .iter()
        .map(|r| r["id"].as_u64().unwrap())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 61);
    let found = rest.lookup(contact, "email", "b7@x.example").await.unwrap();
    assert_eq!(found.len(), 1);
    assert!(
        rest.lookup(contact, "email", "nobody@x.example")
            .await
            .unwrap()
            .is_empty()
    );

    let body = json!({"description": "hello", "targetable_type": "Contact", "targetable_id": id.parse::<u64>().unwrap()});
    let reply = rest
        .create(note, body.to_string().as_bytes())
        .await
        .unwrap();
    assert!(matches!(reply, Reply::Done { .. }), "{reply:?}");
    let notes = rest.children(note, contact, &id).await.unwrap();
    assert_eq!(notes.len(), 1);

    let reply = rest
        .upsert(contact, "emails", "one@x.example", br#"{"city":"Rome"}"#)
        .await
        .unwrap();
    assert!(
        matches!(&reply, Reply::Done { id: Some(i), created: false, .. } if *i == id),
        "{reply:?}"
    );
    assert!(matches!(
        rest.delete(contact, &id).await.unwrap(),
        Reply::Done { .. }
    ));
    assert_eq!(rest.get(contact, &id).await.unwrap(), None);
    assert_eq!(rest.delete(contact, &id).await.unwrap(), Reply::Gone);
    assert!(matches!(
        rest.restore(contact, &id).await.unwrap(),
        Reply::Done { .. }
    ));
    assert!(rest.get(contact, &id).await.unwrap().is_some());

    let user = json!({"name": "Kim", "email": "kim@x.example"}).to_string();
    let reply = rest
        .admin_create("/_admin/objects/user", user.as_bytes())
        .await
        .unwrap();
    assert!(
        matches!(reply, Reply::Done { created: true, .. }),
        "{reply:?}"
    );
    let field = json!({"object": "contact", "label": "Shoe Size", "type": "int"});
    rest.admin_post("/_admin/fields", &field).await.unwrap();
    let shown = rest.admin_records("/_admin/objects/user").await.unwrap();
    assert_eq!(shown, listed(&rest, object(&platform, "user")).await);
    let fields = rest.fields(contact).await.unwrap();
    let ours = fields.iter().find(|f| f.name == "cf_shoe_size").unwrap();
    assert!(!ours.standard && ours.vendor_type == "number", "{ours:?}");
}

#[tokio::test]
async fn a_wrong_key_is_told_at_once() {
    let platform = platform(&[]);
    let account = account(&platform, &[]).await;
    let options = RestOptions {
        base: Some(account.base_url.clone()),
        secret: Some(Secret::new("another-key")),
        ..RestOptions::default()
    };
    let rest = Rest::new(platform, options).unwrap();
    assert!(matches!(
        rest.probe().await,
        Err(Stop::Denied { status: 401, .. })
    ));
}

/// The account lets 60 calls through in 1.5 s and 150 in 6 s; ten tasks want 300.
async fn used_up(manner: &str) {
    let platform = platform(&[(150, 6000), (60, 1500)]);
    let account = account(&platform, &[("window", manner)]).await;
    let rest = connect(&platform, &account);
    let user = object(&platform, "user");
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..10 {
        let rest = rest.clone();
        tasks.spawn(async move {
            for _ in 0..30 {
                listed(&rest, user).await;
            }
        });
    }
    tasks.join_all().await;
    let took = begun.elapsed();
    let statuses: Vec<_> = rest.calls().by_status.into_iter().collect();
    assert_eq!(statuses, [(200, 300)], "{manner}: never one too many");
    // 150 in the first 3 s, the next 60 at 6 s, 7.5 s, 9 s: the last one goes out a little after 9 s.
    assert!(took >= Duration::from_secs(9), "{manner}: {took:?}");
    assert!(took < Duration::from_secs(20), "{manner}: {took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_limit_is_used_up_and_never_exceeded() {
    used_up("rolling").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_by_the_clock_is_used_up_and_never_exceeded() {
    used_up("clock").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_share_an_account_get_through_both() {
    let platform = platform(&[(40, 2000)]);
    let account = account(&platform, &[]).await;
    let user = object(&platform, "user");
    let mut tasks = JoinSet::new();
    for _ in 0..2 {
        // Each has a budget of its own and learns of the other from the headers alone.
        let rest = connect(&platform, &account);
        tasks.spawn(async move {
            for _ in 0..60 {
                listed(&rest, user).await;
            }
            rest.calls()
        });
    }
    let begun = Instant::now();
    let calls = tokio::time::timeout(Duration::from_secs(40), tasks.join_all())
        .await
        .unwrap();
    let refused: u64 = calls.iter().filter_map(|c| c.by_status.get(&429)).sum();
    assert!(
        refused < 30,
        "{refused} of 120 refused after {:?}",
        begun.elapsed()
    );
}
