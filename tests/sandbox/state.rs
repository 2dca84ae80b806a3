//! Seeds, the admin plane, and what outlives a server.

use crate::{
    contact,
    support::{Box, fresh, platform_of, shipped, start, start_with},
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;
use transload::sandbox::{self, SandboxError, SandboxOptions, Seed};

const SEED: &str = "
user:
  - {name: Dana Reed, email: dana@agency.test, active: true}
account:
  - {name: Acme, owner: DANA@agency.test}
contact:
  - {email: a@b.test, account: Acme, owner: dana@agency.test, tags: [x, y], status: Qualified}
deal:
  - {name: Pilot, account: Acme, contact: a@b.test, stage: Won, amount: 12.5, close_date: 2026-03-31}
note:
  - {body: Hello, about: {contact: a@b.test}}
task:
  - {title: Call, due: 2026-02-01T10:00:00Z, done: true, about: {account: Acme}}
";

fn seeded(text: &str) -> SandboxOptions {
    SandboxOptions {
        unlimited: true,
        seed: Seed::from_yaml(text).expect("a seed"),
        ..SandboxOptions::default()
    }
}

#[tokio::test]
async fn a_seed_names_records_by_their_keys() {
    let b = start_with(seeded(SEED)).await;
    let user = b.dump("user").await[0]["id"].clone();
    let account = b.dump("account").await[0].clone();
    assert_eq!(account["fields"]["owner"], user);
    let person = b.dump("contact").await[0].clone();
    assert_eq!(person["wire"]["sales_accounts"][0]["id"], account["id"]);
    assert_eq!(person["fields"]["tags"], json!(["x", "y"]));
    let deal = b.dump("deal").await[0].clone();
    assert_eq!(deal["fields"]["probability"], 100);
    assert_eq!(deal["wire"]["contact_ids"], json!([person["id"]]));
    assert_eq!(deal["wire"]["amount"], "12.5");
    assert_eq!(
        b.dump("note").await[0]["fields"]["about"],
        json!({"contact": person["id"]})
    );
    let task = b.dump("task").await[0].clone();
    assert_eq!(
        (&task["wire"]["status"], &task["wire"]["targetable_type"]),
        (&json!(1), &json!("SalesAccount"))
    );
    assert_eq!(task["wire"]["targetable_id"], account["id"]);
}

#[tokio::test]
async fn the_seed_of_the_shipped_example() {
    let path = format!(
        "{}/examples/allclients/sandbox.yaml",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(path).expect("the example");
    let b = start_with(seeded(&text)).await;
    assert_eq!(
        b.get("/selector/owners").await.json()["users"][0]["email"],
        "dana.reed@agency.example"
    );
}

#[tokio::test]
async fn seeds_that_are_wrong_say_where() {
    for (text, says) in [
        ("user:\n  - {name: X}", "record 1 of user"),
        (
            "account:\n  - {name: A}\n  - {name: a}",
            "record 2 of account cannot be made: Name has already been taken",
        ),
        ("planet:\n  - {name: X}", "there is no such object"),
        (
            "contact:\n  - {email: a@b.test, colour: red}",
            "there is no field `colour`",
        ),
        ("deal:\n  - {name: P, account: Nobody}", "record 1 of deal"),
        (
            "pipeline:\n  - {name: Second}",
            "limited to 1 in tier growth",
        ),
    ] {
        let why = sandbox::start(Arc::new(shipped("freshsales")), seeded(text))
            .await
            .expect_err(text);
        assert!(why.to_string().contains(says), "{why}");
    }
    for text in [
        "- x",
        "contact: 7",
        "contact: [7]",
        "a: [",
        "contact: {x: 1}",
    ] {
        assert!(Seed::from_yaml(text).is_err(), "{text}");
    }
    assert_eq!(
        Seed::from_yaml("# nothing\n").expect("a seed"),
        Seed::default()
    );
}

#[tokio::test]
async fn options_that_are_wrong() {
    let start = async |options| sandbox::start(Arc::new(shipped("freshsales")), options).await;
    let tier = SandboxOptions {
        tier: Some("gold".into()),
        ..SandboxOptions::default()
    };
    assert!(matches!(start(tier).await, Err(SandboxError::Tier { .. })));
    let quirk = SandboxOptions {
        quirks: vec![("x".into(), "y".into())],
        ..SandboxOptions::default()
    };
    assert!(matches!(start(quirk).await, Err(SandboxError::Quirk(_))));
    let taken = start(SandboxOptions::default()).await.expect("a sandbox");
    let port = SandboxOptions {
        port: taken.addr.port(),
        ..SandboxOptions::default()
    };
    assert!(matches!(start(port).await, Err(SandboxError::Port { .. })));
    let data = SandboxOptions {
        data: Some("/no/such/folder/x".into()),
        ..SandboxOptions::default()
    };
    assert!(matches!(start(data).await, Err(SandboxError::Data { .. })));
    let files = sandbox::start(Arc::new(shipped("allclients")), SandboxOptions::default()).await;
    assert!(matches!(files, Err(SandboxError::NoApi(_))));
}

#[tokio::test]
async fn people_edit_things() {
    let b = fresh().await;
    let template = json!({"name": "Welcome", "subject": "Hi", "html": "<p>Hi</p>"});
    let made = b
        .admin("POST", "/objects/email_template", template)
        .await
        .json();
    let path = format!("/objects/email_template/{}", made["id"]);
    let put = b
        .admin("PUT", &path, json!({"html_content": "<p>Hey</p>"}))
        .await
        .json();
    assert_eq!(put["fields"]["html"], "<p>Hey</p>");
    assert_eq!(put["fields"]["subject"], "Hi");
    assert_eq!(b.admin("GET", &path, Value::Null).await.json(), put);
    let list = b
        .admin("GET", "/objects/email_template", Value::Null)
        .await
        .json();
    assert_eq!(list, json!([put]));
    assert_eq!(
        b.admin("PUT", &path, json!({"name": null})).await.status,
        400
    );
    assert_eq!(b.admin("DELETE", &path, Value::Null).await.status, 200);
    assert_eq!(b.admin("GET", &path, Value::Null).await.status, 404);

    let id = b.made("/contacts", "contact", contact("a@b.test")).await["id"].clone();
    b.admin(
        "PUT",
        &format!("/objects/contact/{id}"),
        json!({"city": "Oslo"}),
    )
    .await;
    assert_eq!(
        b.get(&format!("/contacts/{id}")).await.json()["contact"]["city"],
        "Oslo"
    );
    b.admin("DELETE", &format!("/objects/contact/{id}"), Value::Null)
        .await;
    assert_eq!(b.get(&format!("/contacts/{id}")).await.status, 404);
    assert_eq!(b.dump("contact").await[0]["deleted"], true);

    let calls = b.calls().await;
    assert_eq!(calls["calls"], 3, "the admin plane is not counted: {calls}");
    assert_eq!((&calls["reads"], &calls["writes"]), (&json!(2), &json!(1)));
    assert_eq!(calls["by_route"]["GET /contacts/{id}"], 2);
    for (method, path, status) in [
        ("GET", "/health", 200),
        ("GET", "/dump?object=planet", 404),
        ("GET", "/objects/planet", 404),
        ("GET", "/objects/contact/x", 404),
        ("GET", "/nope", 404),
        ("POST", "/faults", 400),
        ("POST", "/objects/contact", 400),
    ] {
        let body = if method == "POST" {
            json!([1])
        } else {
            Value::Null
        };
        assert_eq!(
            b.admin(method, path, body).await.status,
            status,
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn an_account_outlives_its_server() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("sandbox.sqlite");
    let options = || SandboxOptions {
        data: Some(file.clone()),
        ..seeded(SEED)
    };
    let b = start_with(options()).await;
    b.admin(
        "POST",
        "/fields",
        json!({"object": "contact", "label": "Region", "type": "text"}),
    )
    .await;
    let body = json!({"email": "x@y.test", "custom_field": {"cf_region": "North"}});
    let id = b.made("/contacts", "contact", body.clone()).await["id"].clone();
    let forgotten = b.made("/contacts", "contact", contact("z@y.test")).await["id"].clone();
    b.delete(&format!("/contacts/{forgotten}/forget")).await;
    // A job that the first server does not get to finish.
    let rows = json!({"contacts": [{"emails": "late@y.test", "data": {}}]});
    b.post("/contacts/bulk_upsert", rows).await;
    let before = b.admin("GET", "/dump?object=deal", Value::Null).await.text;

    let locked = sandbox::start(Arc::new(shipped("freshsales")), options()).await;
    assert!(
        matches!(locked, Err(SandboxError::Data { .. })),
        "one server at a time"
    );
    let Box { server, .. } = b;
    server.stop().await;

    let b = start_with(options()).await;
    let got = b.get(&format!("/contacts/{id}")).await.json();
    assert_eq!(got["contact"]["custom_field"]["cf_region"], "North");
    assert_eq!(
        b.admin("GET", "/dump?object=deal", Value::Null).await.text,
        before
    );
    assert_eq!(b.dump("user").await.len(), 1, "a seed is sown once");
    let mails: Vec<Value> = b
        .dump("contact")
        .await
        .iter()
        .map(|c| c["fields"]["email"].clone())
        .collect();
    assert_eq!(mails, ["a@b.test", "x@y.test", "late@y.test"]);
    // Keys, ids and the memory of what was posted stand as well.
    assert_eq!(
        b.post("/contacts", json!({"contact": body})).await.status,
        400
    );
    assert_eq!(b.calls().await["repeated"]["after_effect"], 1);
    let next = b.made("/contacts", "contact", contact("n@y.test")).await["id"].clone();
    assert!(next.as_i64() > forgotten.as_i64());
    let Box { server, .. } = b;
    server.stop().await;

    let mut other = shipped("freshsales");
    other.name = "another".into();
    let other = sandbox::start(Arc::new(other), options()).await;
    assert!(matches!(other, Err(SandboxError::OtherPlatform { .. })));
}

/// A platform with the other ways of paging, without envelopes.
const PAGED: &str = r#"
spec: platform/v1
platform: paged
title: Paged
checked: "2026-01-01"
connect:
  http:
    base: "https://{host}/v2"
    mount: /v2
    params: {host: {type: text}}
    auth: {header: x-api-key, value: "{secret}"}
objects:
  thing:
    path: things
    ops:
      list: {get: /things, records: results, page: {style: link, param: cursor, size_param: limit, size: 2, next: paging.next}}
      create: {post: /things, status: 201}
    fields:
      id: {type: id}
      name: {type: text, required: true}
  item:
    path: items
    ops:
      list: {get: /items, records: data.items, page: {style: cursor, param: after, size: 2, next: data.after}}
      create: {post: /items}
    fields:
      id: {type: id}
      name: {type: text}
"#;

#[tokio::test]
async fn cursors_and_links() {
    let b = start(
        platform_of(PAGED),
        SandboxOptions {
            key: "k".into(),
            ..SandboxOptions::default()
        },
    )
    .await;
    let base = b.server.base_url.clone();
    assert!(base.ends_with("/v2"));
    let call = async |method: &str, url: &str, body: Value| {
        let request = b
            .http
            .request(method.parse().unwrap(), url)
            .header("x-api-key", "k")
            .json(&body);
        b.send(request).await
    };
    for n in 0..5 {
        let made = call(
            "POST",
            &format!("{base}/things"),
            json!({"name": n.to_string()}),
        )
        .await;
        assert_eq!(
            (made.status, &made.json()["name"]),
            (201, &json!(n.to_string()))
        );
        call(
            "POST",
            &format!("{base}/items"),
            json!({"name": n.to_string()}),
        )
        .await;
    }
    let (mut url, mut names) = (format!("{base}/things?limit=2&x=y"), Vec::new());
    loop {
        let page = call("GET", &url, Value::Null).await.json();
        names.extend(
            page["results"]
                .as_array()
                .unwrap()
                .iter()
                .map(|r| r["name"].clone()),
        );
        match page["paging"]["next"].as_str() {
            Some(next) => url = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(names, ["0", "1", "2", "3", "4"]);
    let (mut url, mut names) = (format!("{base}/items"), Vec::new());
    loop {
        let page = call("GET", &url, Value::Null).await.json();
        names.extend(
            page["data"]["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|r| r["name"].clone()),
        );
        match page["data"]["after"].as_str() {
            Some(next) => url = format!("{base}/items?after={next}"),
            None => break,
        }
    }
    assert_eq!(names, ["0", "1", "2", "3", "4"]);
    let denied = b.http.get(format!("{base}/items"));
    assert_eq!(b.send(denied).await.status, 401);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("2026-02-01T10:00:00Z")),
        Just(json!("9999-12-31T23:59:59Z")),
        Just(json!("a@b.test")),
        Just(json!(10_000_001_001_i64)),
    ];
    let key = prop_oneof![
        Just("contact"),
        Just("email"),
        Just("emails"),
        Just("first_name"),
        Just("sales_accounts"),
        Just("id"),
        Just("is_primary"),
        Just("custom_field"),
        Just("cf_note"),
        Just("tags"),
        Just("deal"),
        Just("name"),
        Just("amount"),
        Just("expected_close"),
        Just("deal_stage_id"),
        Just("contacts_added_list"),
        Just("task"),
        Just("title"),
        Just("due_date"),
        Just("status"),
        Just("targetable_type"),
        Just("targetable_id"),
        Just("unique_identifier"),
        Just("contacts"),
        Just("data"),
        Just("owner_id"),
        Just("lifecycle_stage_id"),
        Just("sales_account"),
        Just("website"),
        Just("number_of_employees"),
        Just("annual_revenue"),
    ]
    .prop_map(str::to_owned);
    leaf.prop_recursive(4, 40, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((key.clone(), inner), 0..8)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

#[test]
fn no_body_breaks_it() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let b = runtime.block_on(async {
        let b = start_with(seeded(SEED)).await;
        b.admin(
            "POST",
            "/fields",
            json!({"object": "contact", "label": "Note", "type": "text"}),
        )
        .await;
        b
    });
    let routes = [
        ("POST", "/contacts"),
        ("POST", "/sales_accounts"),
        ("POST", "/deals"),
        ("POST", "/tasks"),
        ("POST", "/notes"),
        ("POST", "/contacts/upsert"),
        ("POST", "/contacts/bulk_upsert"),
        ("POST", "/sales_accounts/upsert"),
        ("PUT", "/contacts/20000001001"),
        ("PUT", "/contacts/0"),
    ];
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 150,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    runner
        .run(&(any_json(), 0..routes.len(), proptest::collection::vec(any::<u8>(), 0..40)), |(body, at, raw)| {
            let (method, path) = routes[at];
            let wrapped = json!({"contact": body, "sales_account": body, "deal": body, "task": body, "note": body});
            let admin = ["/objects/contact", "/fields", "/faults/", "/quirks/x", "/objects/deal"][at % 5];
            runtime.block_on(async {
                for body in [&body, &wrapped] {
                    let answer = b.send(b.request(method, path).json(body)).await;
                    prop_assert!(answer.status < 500, "{} {} {}: {:?}", method, path, body, answer);
                }
                let answer = b.send(b.request(method, path).body(raw)).await;
                prop_assert!((400..500).contains(&answer.status), "{:?}", answer);
                let answer = b.admin("POST", admin, body.clone()).await;
                prop_assert!(answer.status < 500, "{} {}: {:?}", admin, body, answer);
                let answer = b.get("/contacts/view/301?include=sales_accounts,owner&per_page=1").await;
                prop_assert_eq!(answer.status, 200);
                Ok(())
            })
        })
        .expect("no body breaks it");
}
