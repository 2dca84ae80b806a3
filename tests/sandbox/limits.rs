//! Rate limits: headers, refusals, windows.

use crate::support::{Box, shipped, start, start_with};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use transload::{
    clock::{Clock, FixedClock},
    platform::Tiered,
    sandbox::SandboxOptions,
};

fn standing_at(text: &str) -> Arc<FixedClock> {
    Arc::new(FixedClock::new(text.parse().expect("an instant")))
}

#[tokio::test]
async fn three_headers_on_every_answer() {
    let clock = standing_at("2026-01-02T09:00:00Z");
    let b = start_with(SandboxOptions {
        clock,
        ..SandboxOptions::default()
    })
    .await;
    for (left, path, status) in [
        (999, "/selector/owners", 200),
        (998, "/contacts", 403),
        (997, "/nope", 404),
    ] {
        let answer = b.get(path).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("x-ratelimit-limit"), Some("1000"));
        assert_eq!(
            answer.header("x-ratelimit-remaining"),
            Some(left.to_string().as_str())
        );
        // An hour from the first call, in the account's zone, day first.
        assert_eq!(answer.header("x-ratelimit-reset"), Some("020126040001"));
        assert_eq!(answer.header("retry-after"), None);
    }
    for (tier, limit) in [("pro", "2000"), ("enterprise", "5000")] {
        let b = start_with(SandboxOptions {
            tier: Some(tier.into()),
            ..SandboxOptions::default()
        })
        .await;
        assert_eq!(
            b.get("/selector/owners").await.header("x-ratelimit-limit"),
            Some(limit)
        );
    }
}

#[tokio::test]
async fn over_the_limit() {
    let clock = standing_at("2026-01-02T09:00:00Z");
    let b = start_with(SandboxOptions {
        clock: clock.clone(),
        ..SandboxOptions::default()
    })
    .await;
    for n in 0..400 {
        assert_eq!(b.get("/selector/owners").await.status, 200, "call {n}");
    }
    let over = b.get("/selector/owners").await;
    assert_eq!(
        (over.status, over.text.as_str()),
        (429, r#"{"error_code":429}"#)
    );
    assert_eq!(over.header("retry-after"), None);
    assert_eq!(
        over.header("x-ratelimit-limit"),
        Some("400"),
        "the limit that refuses"
    );
    assert_eq!(over.header("x-ratelimit-remaining"), Some("0"));
    clock.advance(Duration::from_secs(61));
    assert_eq!(b.get("/selector/owners").await.status, 200);
    let calls = b.calls().await;
    assert_eq!(
        (&calls["calls"], &calls["limited"]),
        (&Value::from(402), &Value::from(1))
    );
    assert_eq!(calls["by_status"]["429"], 1);
    assert_eq!(calls["peaks"][1]["sent"], 401, "{calls}");
}

async fn burst(b: &Box, n: usize) -> usize {
    let mut open = 0;
    for _ in 0..n {
        open += usize::from(b.get("/selector/owners").await.status == 200);
    }
    open
}

async fn small(options: SandboxOptions) -> Box {
    let mut platform = shipped("freshsales");
    platform.limits.calls.truncate(1);
    platform.limits.calls[0].max = Tiered::All(5);
    platform.limits.calls[0].per = Duration::from_secs(3600);
    start(platform, options).await
}

#[tokio::test]
async fn rejected_calls_may_use_up_the_window() {
    for (quirk, later) in [("count", 0), ("free", 5)] {
        let clock = standing_at("2026-01-02T09:30:00Z");
        let b = small(SandboxOptions {
            clock: clock.clone(),
            quirks: vec![("rejected_calls".into(), quirk.into())],
            ..SandboxOptions::default()
        })
        .await;
        assert_eq!(burst(&b, 5).await, 5);
        clock.advance(Duration::from_secs(1800));
        assert_eq!(burst(&b, 5).await, 0);
        clock.advance(Duration::from_secs(1801));
        assert_eq!(burst(&b, 5).await, later, "{quirk}");
    }
}

#[tokio::test]
async fn windows_roll_or_follow_the_clock() {
    for (quirk, later) in [("rolling", 0), ("clock", 5)] {
        let clock = standing_at("2026-01-02T09:59:00Z");
        let b = small(SandboxOptions {
            clock: clock.clone(),
            quirks: vec![("window".into(), quirk.into())],
            ..SandboxOptions::default()
        })
        .await;
        assert_eq!(burst(&b, 6).await, 5);
        clock.advance(Duration::from_secs(120));
        assert_eq!(burst(&b, 6).await, later, "{quirk}");
    }
}

#[tokio::test]
async fn other_limits_or_none() {
    let b = start_with(SandboxOptions {
        calls_per_minute: Some(3),
        ..SandboxOptions::default()
    })
    .await;
    assert_eq!(burst(&b, 10).await, 3);
    let b = start_with(SandboxOptions {
        unlimited: true,
        ..SandboxOptions::default()
    })
    .await;
    assert_eq!(burst(&b, 450).await, 450);
    let answer = b.get("/selector/owners").await;
    assert_eq!(answer.header("x-ratelimit-limit"), None);
    assert_eq!(
        b.calls().await["peaks"][1]["sent"],
        451,
        "counted all the same"
    );
    assert!(standing_at("2026-01-02T09:59:00Z").now().as_second() > 0);
}

#[tokio::test]
async fn many_at_once_are_never_too_many() {
    let b = Arc::new(
        start_with(SandboxOptions {
            calls_per_minute: Some(50),
            ..SandboxOptions::default()
        })
        .await,
    );
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let b = Arc::clone(&b);
        tasks.push(tokio::spawn(async move { burst(&b, 20).await }));
    }
    let mut open = 0;
    for task in tasks {
        open += task.await.expect("a task");
    }
    assert_eq!(open, 50);
}
