//! Rates: what the server allows is never exceeded, whatever it says about waiting.

use crate::server::{CONTACT, Server, demo, json, soon, with};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::task::JoinSet;
use transload::connector::{Reply, Stop};

const RECORD: &[u8] = b"{}";

fn done() -> crate::server::Reaction {
    json(201, r#"{"contact":{"id":1}}"#)
}

/// The wait between the first call, answered with this, and the second.
async fn waited(limits: &str, reaction: crate::server::Reaction) -> Duration {
    let server = Server::script(vec![reaction, done()]).await;
    let rest = server.rest_with(demo(limits), |_| {});
    let reply = soon(rest.create(CONTACT, RECORD)).await.unwrap();
    assert!(matches!(reply, Reply::Done { .. }), "{reply:?}");
    let seen = server.seen();
    assert_eq!(
        seen.len(),
        2,
        "429 means: not executed, so it is sent again"
    );
    assert_eq!(seen[0].body, seen[1].body);
    seen[1].at - seen[0].at
}

const TOLD: &str = r#"told_by: {left: x-left, reset: x-reset, reset_format: "%d%m%y%H%M%S"}
  retry: {status: [429], tries: 2, wait: 300ms, wait_max: 1s}
  calls: [{max: 1000, per: 2s}]"#;

#[tokio::test]
async fn the_wait_is_what_the_server_asks_for() {
    let wait = waited(TOLD, with(429, "retry-after", 1)).await;
    assert!(wait >= Duration::from_secs(1), "{wait:?}");
    let date = jiff::Timestamp::from_second(
        std::time::UNIX_EPOCH
            .elapsed()
            .unwrap()
            .as_secs()
            .cast_signed()
            + 2,
    )
    .unwrap()
    .to_zoned(jiff::tz::TimeZone::UTC)
    .strftime("%a, %d %b %Y %H:%M:%S GMT")
    .to_string();
    let wait = waited(TOLD, with(429, "retry-after", date)).await;
    assert!(wait >= Duration::from_millis(900), "{wait:?}");
}

#[tokio::test]
async fn a_wait_that_makes_no_sense_is_replaced_and_an_endless_one_capped() {
    for odd in ["-1", "soon", "0", "NaN"] {
        let wait = waited(TOLD, with(429, "retry-after", odd)).await;
        let range = Duration::from_millis(190)..Duration::from_secs(15);
        assert!(range.contains(&wait), "{odd}: {wait:?}");
    }
    let wait = waited(TOLD, with(429, "retry-after", 9_999_999)).await;
    let range = Duration::from_secs(2)..Duration::from_secs(20);
    assert!(range.contains(&wait), "{wait:?}");
}

#[tokio::test]
async fn without_a_wait_the_moment_of_reset_counts() {
    let wait = waited(TOLD, with(429, "x-reset", 1)).await;
    assert!(wait >= Duration::from_secs(1), "{wait:?}");
    let wait = waited(TOLD, with(429, "x-reset", "garbage")).await;
    assert!(wait >= Duration::from_millis(190), "{wait:?}");
}

#[tokio::test]
async fn a_server_that_only_says_no_ends_the_run_as_busy() {
    let server = Server::script(vec![json(429, "")]).await;
    let rest = server.rest_with(demo(""), |o| o.busy_after = Duration::from_millis(900));
    let stop = soon(rest.create(CONTACT, RECORD)).await.unwrap_err();
    assert!(
        matches!(&stop, Stop::Busy { why, .. } if why.contains("too many calls")),
        "{stop:?}"
    );
    let calls = server.seen().len();
    assert!(
        (2..8).contains(&calls),
        "{calls} calls: neither given up nor hammered"
    );
}

#[tokio::test]
async fn many_refused_calls_all_arrive_in_the_end_once_each() {
    let refused = |n: usize| !n.is_multiple_of(3);
    let server = Server::start(move |r| if refused(r.n) { json(429, "") } else { done() }).await;
    let rest = server.rest();
    let mut tasks = JoinSet::new();
    for n in 0..12 {
        let rest = rest.clone();
        tasks.spawn(async move {
            rest.create(CONTACT, format!("{{\"n\":{n}}}").as_bytes())
                .await
        });
    }
    for reply in soon(tasks.join_all()).await {
        assert!(matches!(reply, Ok(Reply::Done { .. })), "{reply:?}");
    }
    let mut executed: Vec<_> = server
        .seen()
        .into_iter()
        .filter(|r| !refused(r.n))
        .map(|r| r.body)
        .collect();
    executed.sort();
    executed.dedup();
    assert_eq!(executed.len(), 12);
}

#[tokio::test]
async fn fewer_calls_left_than_declared_are_obeyed() {
    // Somebody else uses the account: two of a hundred calls are left for two seconds.
    let spare = Mutex::new(2);
    let begun = Instant::now();
    let server = Server::start(move |_| {
        let mut spare = spare.lock().unwrap();
        if begun.elapsed() > Duration::from_millis(1500) {
            return done();
        }
        if *spare == 0 {
            return json(429, "");
        }
        *spare -= 1;
        let headers = vec![("x-left", spare.to_string()), ("x-reset", "2".to_owned())];
        crate::server::Reaction::Answer(201, headers, r#"{"contact":{"id":1}}"#.to_owned())
    })
    .await;
    let limits =
        "told_by: {left: x-left, reset: x-reset}\n  calls: [{max: 100, per: 5s}]\n  in_flight: 1";
    let rest = server.rest_with(demo(limits), |_| {});
    for _ in 0..4 {
        soon(rest.create(CONTACT, RECORD)).await.unwrap();
    }
    assert!(
        !rest.calls().by_status.contains_key(&429),
        "{:?}",
        rest.calls()
    );
}

/// Ten tasks, forty calls a second (and a slower, longer window): the server counts rolling windows and aligned
/// ones and says no to whatever is too much.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strict_server_never_has_to_say_no() {
    const MAX: usize = 40;
    const PER: Duration = Duration::from_secs(1);
    let begun = Instant::now();
    let seen = Arc::new(Mutex::new(VecDeque::<Duration>::new()));
    let server = Server::start({
        let seen = Arc::clone(&seen);
        move |r| {
            let mut seen = seen.lock().unwrap();
            let now = begun.elapsed();
            let rolling = seen.iter().filter(|t| **t + PER > now).count();
            let aligned = seen.iter().filter(|t| t.as_secs() == now.as_secs()).count();
            seen.push_back(now);
            if rolling.max(aligned) >= MAX {
                return json(429, "");
            }
            let late = Duration::from_millis(3 + (r.n as u64 * 7) % 11);
            crate::server::Reaction::Late(late, Box::new(done()))
        }
    })
    .await;
    let limits = "calls: [{max: 40, per: 1s}, {max: 300, per: 10s}]\n  in_flight: 8";
    let rest = server.rest_with(demo(limits), |_| {});
    let mut tasks = JoinSet::new();
    for _ in 0..10 {
        let rest = rest.clone();
        tasks.spawn(async move {
            for _ in 0..16 {
                let reply = rest.create(CONTACT, RECORD).await.unwrap();
                assert!(matches!(reply, Reply::Done { .. }), "{reply:?}");
            }
        });
    }
    soon(tasks.join_all()).await;
    let took = begun.elapsed();
    assert_eq!(
        rest.calls().by_status.into_iter().collect::<Vec<_>>(),
        [(201, 160)]
    );
    // Four windows of forty: three lengths and the rest of the last. The machine may be busy, so what is left
    // unused is measured on a clock of its own in the budget's unit tests.
    assert!(took < Duration::from_secs(15), "{took:?}");
    assert!(took >= Duration::from_secs(3), "{took:?}");
}

#[tokio::test]
async fn a_stop_ends_the_wait_for_a_place() {
    let server = Server::script(vec![done()]).await;
    let said = Arc::new(Mutex::new(Vec::new()));
    let rest = server.rest_with(demo("calls: [{max: 1, per: 50m}]"), |o| {
        let said = Arc::clone(&said);
        o.on_wait = Some(Arc::new(move |wait, why| {
            said.lock().unwrap().push((wait, why.to_owned()));
        }));
    });
    soon(rest.create(CONTACT, RECORD)).await.unwrap();
    let waiting = tokio::spawn({
        let rest = rest.clone();
        async move { rest.create(CONTACT, RECORD).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    rest.cancel().cancel();
    assert_eq!(soon(waiting).await.unwrap(), Err(Stop::Cancelled));
    assert_eq!(server.seen().len(), 1);
    let said = said.lock().unwrap();
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].1, "1 calls in 50m are used up");
}

#[tokio::test]
async fn limits_follow_the_tier_and_can_be_lowered_or_left_out() {
    let limits = "calls: [{max: {small: 0, large: 5}, per: 1h}]";
    let server = Server::script(vec![done()]).await;
    let options = |tier: &str| transload::connector::rest::RestOptions {
        base: Some(format!("http://{}/api", server.address)),
        tier: Some(tier.to_owned()),
        ..Default::default()
    };
    let refused = transload::connector::rest::Rest::new(demo(limits), options("small")).err();
    assert_eq!(
        refused.unwrap().to_string(),
        "Demo CRM allows no API calls on the tier `small`"
    );
    let rest = server.rest_with(demo(limits), |o| {
        o.tier = Some("small".to_owned());
        o.no_limits = true;
        o.calls_per_minute = Some(3);
        o.busy_after = Duration::ZERO;
    });
    for _ in 0..3 {
        soon(rest.create(CONTACT, RECORD)).await.unwrap();
    }
    let spent: u64 = rest.budget().snapshot().iter().map(|s| s.calls).sum();
    assert_eq!(spent, 3);
    assert_eq!(rest.budget().longest(), Some(Duration::from_secs(60)));
}
