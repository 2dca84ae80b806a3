//! Bulk jobs.

use crate::support::{Box, fresh};
use serde_json::{Value, json};
use std::time::Duration;

async fn finished(b: &Box, answer: &crate::support::Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    let url = answer.json()["job_status_url"]
        .as_str()
        .expect("an address")
        .to_owned();
    assert!(url.starts_with(&b.server.base_url), "{url}");
    let path = url.trim_start_matches(&b.server.base_url).to_owned();
    for _ in 0..200 {
        let job = b.get(&path).await.json();
        match job["status"].as_str() {
            Some("in_progress") => assert_eq!(job["progress"], 0),
            Some("completed") => return job,
            other => panic!("{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the job does not end");
}

#[tokio::test]
async fn a_job_writes_in_the_background() {
    let b = fresh().await;
    let old = b
        .made(
            "/contacts",
            "contact",
            json!({"email": "old@b.test", "city": "Oslo"}),
        )
        .await;
    let rows = json!([
        {"emails": "new@b.test", "data": {"last_name": "Lind"}},
        {"emails": "OLD@b.test", "data": {"job_title": "CTO"}},
        {"id": old["id"], "data": {"zipcode": "0150"}},
        {"emails": "no mail", "data": {"last_name": "Odd"}},
        {"id": 999, "data": {"last_name": "Odd"}},
    ]);
    let answer = b
        .post("/contacts/bulk_upsert", json!({"contacts": rows}))
        .await;
    assert!(answer.json()["message"].is_string());
    assert_eq!(
        b.get("/contacts/view/301").await.json()["meta"]["total"],
        1,
        "not yet"
    );
    let job = finished(&b, &answer).await;
    assert_eq!(
        (&job["progress"], &job["job_type_name"]),
        (&json!(100), &json!("bulk_upsert"))
    );
    assert!(job["created_at"].as_str().unwrap().ends_with("-06:00"));
    let rows = job["data"].as_array().unwrap().clone();
    let outcomes: Vec<&Value> = rows.iter().map(|r| &r["outcome"]).collect();
    assert_eq!(
        outcomes,
        ["created", "updated", "updated", "failed", "failed"]
    );
    assert!(
        rows[3]["message"]
            .as_str()
            .unwrap()
            .contains("invalid email")
    );
    let all = b.dump("contact").await;
    assert_eq!(all.len(), 2);
    assert_eq!(all[0]["fields"]["job_title"], "CTO");
    assert_eq!(all[0]["fields"]["zipcode"], "0150");
    assert_eq!(all[0]["fields"]["city"], "Oslo");
    assert_eq!(all[1]["fields"]["email"], "new@b.test");
    assert_eq!(rows[0]["id"], all[1]["id"]);
}

#[tokio::test]
async fn only_the_documented_form_is_taken() {
    let b = fresh().await;
    let row = |n: usize| json!({"emails": format!("c{n}@b.test"), "data": {"last_name": "x"}});
    let many = |n: usize| Value::Array((0..n).map(row).collect());
    for body in [
        json!({"contacts": many(101)}),
        json!({"contacts": []}),
        json!({}),
        json!({"contacts": {}}),
        json!({"contacts": [{"emails": "a@b.test", "last_name": "flat"}]}),
        json!({"contacts": [{"unique_identifier": {"emails": "a@b.test"}, "data": {}}]}),
        json!({"contacts": [{"data": {"email": "a@b.test"}}]}),
        json!({"contacts": [7]}),
        json!([row(1)]),
    ] {
        let answer = b.post("/contacts/bulk_upsert", body.clone()).await;
        assert_eq!(answer.status, 400, "{body}");
    }
    let answer = b
        .post("/contacts/bulk_upsert", json!({"contacts": many(100)}))
        .await;
    let job = finished(&b, &answer).await;
    assert_eq!(job["data"].as_array().unwrap().len(), 100);
    assert_eq!(b.dump("contact").await.len(), 100);
    assert_eq!(b.get("/job_statuses/999").await.status, 404);

    let accounts = json!({"sales_accounts": [{"name": "Acme", "data": {"city": "Oslo"}}]});
    let answer = b.post("/sales_accounts/bulk_upsert", accounts).await;
    finished(&b, &answer).await;
    assert_eq!(b.dump("account").await[0]["fields"]["name"], "Acme");
}

#[tokio::test]
async fn a_fault_fails_some_rows() {
    let b = fresh().await;
    b.admin(
        "POST",
        "/faults",
        json!({"faults": [{"fault": "partial_bulk", "rate": 1.0}]}),
    )
    .await;
    let rows: Vec<Value> = (0..4)
        .map(|n| json!({"emails": format!("c{n}@b.test"), "data": {}}))
        .collect();
    let answer = b
        .post("/contacts/bulk_upsert", json!({"contacts": rows}))
        .await;
    let job = finished(&b, &answer).await;
    let outcomes: Vec<&Value> = job["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| &r["outcome"])
        .collect();
    assert_eq!(outcomes, ["created", "failed", "created", "failed"]);
    assert_eq!(b.dump("contact").await.len(), 2);
}
