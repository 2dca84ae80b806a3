//! Faults on order.

use crate::{
    contact,
    support::{Box, fresh, start_with},
};
use serde_json::{Value, json};
use transload::sandbox::{FaultKind, FaultRule, SandboxOptions};

async fn order(b: &Box, fault: Value) {
    let answer = b.admin("POST", "/faults", json!({"faults": [fault]})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// The status of a create call; 0 when the connection closed without an answer.
async fn create(b: &Box, mail: &str) -> (u16, String) {
    let body = json!({"contact": contact(mail)});
    match b.request("POST", "/contacts").json(&body).send().await {
        Err(why) => {
            assert!(!why.is_timeout() && !why.is_connect(), "{why:?}");
            (0, String::new())
        }
        Ok(answer) => (
            answer.status().as_u16(),
            answer.text().await.unwrap_or_default(),
        ),
    }
}

#[tokio::test]
async fn each_fault_and_its_effect() {
    for (fault, status, effect) in [
        ("rate_limited", 429, false),
        ("server_error", 500, false),
        ("drop_before", 0, false),
        ("drop_after", 0, true),
        ("truncated", 200, true),
        ("html", 200, false),
    ] {
        let b = fresh().await;
        order(
            &b,
            json!({"fault": fault, "method": "POST", "path": "/contacts", "call": 1}),
        )
        .await;
        let (found, text) = create(&b, "a@b.test").await;
        assert_eq!(found, status, "{fault}");
        assert_eq!(
            b.dump("contact").await.len(),
            usize::from(effect),
            "{fault}"
        );
        match fault {
            "rate_limited" => assert_eq!(text, r#"{"error_code":429}"#),
            "server_error" => assert_eq!(text, r#"{"error_code":500}"#),
            "truncated" => {
                assert!(text.starts_with(r#"{"contact":{"#));
                assert!(serde_json::from_str::<Value>(&text).is_err());
            }
            "html" => assert!(text.starts_with("<!DOCTYPE html>")),
            _ => {}
        }
        // Only the first call was meant.
        assert_eq!(create(&b, "c@d.test").await.0, 200);
        assert_eq!(b.calls().await["faults"], 1);
    }
}

#[tokio::test]
async fn a_slow_answer_comes() {
    let b = fresh().await;
    order(&b, json!({"fault": "slow", "rate": 1.0, "millis": 60})).await;
    let before = std::time::Instant::now();
    assert_eq!(b.get("/selector/owners").await.status, 200);
    assert!(before.elapsed().as_millis() >= 60);
}

#[tokio::test]
async fn the_same_seed_makes_the_same_faults() {
    let run = async |seed| {
        let b = start_with(SandboxOptions {
            unlimited: true,
            faults: vec![
                FaultRule::rate(FaultKind::DropAfter, 0.2),
                FaultRule::rate(FaultKind::ServerError, 0.2),
            ],
            fault_seed: seed,
            ..SandboxOptions::default()
        })
        .await;
        let mut seen = Vec::new();
        for n in 0..60 {
            seen.push(create(&b, &format!("c{n}@b.test")).await.0);
        }
        let kept = b.dump("contact").await.len();
        assert_eq!(kept, seen.iter().filter(|s| **s != 500).count());
        seen
    };
    let first = run(7).await;
    assert_eq!(first, run(7).await);
    assert_ne!(first, run(8).await);
    for status in [0, 200, 500] {
        assert!(first.contains(&status), "{status}");
    }
}

#[tokio::test]
async fn repeated_create_calls_are_counted() {
    let b = fresh().await;
    let repeated = async || {
        let calls = b.calls().await;
        (
            calls["repeated"]["after_effect"].clone(),
            calls["repeated"]["after_silence"].clone(),
        )
    };
    create(&b, "a@b.test").await;
    create(&b, "c@d.test").await;
    assert_eq!(repeated().await, (json!(0), json!(0)));
    create(&b, "a@b.test").await;
    assert_eq!(repeated().await, (json!(1), json!(0)));
    order(&b, json!({"fault": "drop_before", "call": 1})).await;
    create(&b, "e@f.test").await;
    create(&b, "e@f.test").await;
    assert_eq!(repeated().await, (json!(1), json!(1)));
    // After a refusal another try is right.
    order(&b, json!({"fault": "rate_limited", "call": 1})).await;
    create(&b, "g@h.test").await;
    create(&b, "g@h.test").await;
    assert_eq!(repeated().await, (json!(1), json!(1)));
    b.admin("POST", "/reset_counters", Value::Null).await;
    assert_eq!(b.calls().await["calls"], 0);
    create(&b, "g@h.test").await;
    assert_eq!(repeated().await, (json!(0), json!(0)));
}
