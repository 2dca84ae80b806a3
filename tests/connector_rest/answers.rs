//! The table of answers, row by row, for calls that must not happen twice, calls that may, and reads.

use crate::server::{CONTACT, KEY, Reaction, Server, demo, json, soon, web_page, with};
use serde_json::json as j;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use transload::connector::{Reply, Stop, rest::Rest};

const RECORD: &[u8] = br#"{"name":"Ada"}"#;

fn done() -> Reaction {
    json(201, r#"{"contact":{"id":42,"name":"Ada"}}"#)
}

fn lost() -> Vec<(&'static str, Reaction)> {
    vec![
        ("hangs up after the commit", Reaction::HangUp),
        (
            "cut short",
            Reaction::CutShort(r#"{"contact":{"id":"#.to_owned()),
        ),
        (
            "too late",
            Reaction::Late(Duration::from_secs(9), Box::new(done())),
        ),
        ("truncated JSON", json(200, r#"{"contact":{"id":4"#)),
        ("a web page", web_page()),
        ("408", json(408, "")),
        ("500", json(500, r#"{"error_code":500}"#)),
        ("502", json(502, "<html>Bad gateway</html>")),
        ("503", json(503, "")),
        ("504", json(504, "")),
    ]
}

/// A connection that is patient, but where the answer comes too late.
fn patient(server: &Server, case: &str) -> Rest {
    server.rest_with(demo(""), |o| {
        if case == "too late" {
            o.timeout = Duration::from_millis(600);
        }
    })
}

#[tokio::test]
async fn an_answer_that_is_long_in_coming_is_told_once_for_all_who_wait() {
    let server =
        Server::start(|_| Reaction::Late(Duration::from_millis(1700), Box::new(done()))).await;
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let rest = server.rest_with(demo(""), |o| {
        // Told half-way at the latest.
        o.timeout = Duration::from_millis(2600);
        let told = Arc::clone(&told);
        o.on_wait = Some(Arc::new(move |_, why| {
            told.lock().unwrap().push(why.to_owned());
        }));
    });
    let (one, other) = (rest.create(CONTACT, RECORD), rest.create(CONTACT, RECORD));
    let (one, other) = soon(async { tokio::join!(one, other) }).await;
    for reply in [one, other] {
        assert!(matches!(reply, Ok(Reply::Done { .. })), "{reply:?}");
    }
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].ends_with("does not answer yet"), "{told:?}");
}

#[tokio::test]
async fn a_create_that_is_answered_is_done() {
    let server = Server::script(vec![done()]).await;
    let reply = soon(server.rest().create(CONTACT, RECORD)).await.unwrap();
    let Reply::Done {
        id,
        created,
        record,
    } = reply
    else {
        panic!("{reply:?}")
    };
    assert_eq!((id.as_deref(), created), (Some("42"), true));
    assert_eq!(record, Some(j!({"id": 42, "name": "Ada"})));
    let sent = &server.seen()[0];
    assert_eq!(
        (sent.method.as_str(), sent.path.as_str()),
        ("POST", "/api/contacts")
    );
    assert_eq!(sent.body, r#"{"contact":{"name":"Ada"}}"#);
    assert_eq!(sent.headers["authorization"], format!("Token token={KEY}"));
    assert_eq!(sent.headers["content-type"], "application/json");
    assert_eq!(sent.headers["accept"], "application/json");
    let agent = concat!("transload/", env!("CARGO_PKG_VERSION"));
    assert_eq!(sent.headers["user-agent"], agent);
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_in_doubt_and_never_sent_twice() {
    let without_id = [
        ("no id", json(200, r#"{"contact":{"name":"Ada"}}"#)),
        ("no record", json(200, r#"{"ok":true}"#)),
        ("nothing", json(204, "")),
        ("a redirect", with(302, "location", "/sign-in")),
    ];
    for (name, reaction) in lost().into_iter().chain(without_id) {
        let server = Server::script(vec![reaction, done()]).await;
        let reply = soon(patient(&server, name).create(CONTACT, RECORD))
            .await
            .unwrap();
        assert!(matches!(reply, Reply::InDoubt { .. }), "{name}: {reply:?}");
        tokio::time::sleep(Duration::from_millis(60)).await;
        assert_eq!(server.seen().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn an_update_whose_answer_is_lost_is_sent_again() {
    for (name, reaction) in lost() {
        let server = Server::script(vec![reaction, done()]).await;
        let reply = soon(patient(&server, name).update(CONTACT, "42", RECORD))
            .await
            .unwrap();
        assert!(
            matches!(&reply, Reply::Done { id, created: false, .. } if id.as_deref() == Some("42")),
            "{name}: {reply:?}"
        );
        let seen = server.seen();
        assert_eq!(seen.len(), 2, "{name}");
        assert_eq!(
            (seen[0].path.as_str(), &seen[0].body),
            ("/api/contacts/42", &seen[1].body)
        );
    }
}

#[tokio::test]
async fn an_update_that_never_gets_an_answer_ends_in_doubt() {
    let server = Server::script(vec![json(503, "")]).await;
    let reply = soon(server.rest().update(CONTACT, "42", RECORD))
        .await
        .unwrap();
    assert_eq!(
        reply,
        Reply::InDoubt {
            why: "status 503".to_owned()
        }
    );
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_read_is_tried_again_and_ends_by_its_cause() {
    let there = json(200, r#"{"contact":{"id":42}}"#);
    for (name, reaction) in lost() {
        let server = Server::script(vec![reaction.clone(), reaction.clone(), there.clone()]).await;
        let got = soon(patient(&server, name).get(CONTACT, "42"))
            .await
            .unwrap();
        assert_eq!(got, Some(j!({"id": 42})), "{name}");

        let server = Server::script(vec![reaction]).await;
        let stop = soon(patient(&server, name).get(CONTACT, "42"))
            .await
            .unwrap_err();
        let fits = match name {
            "hangs up after the commit" | "too late" => matches!(stop, Stop::Unreachable { .. }),
            "408" | "500" | "502" | "503" | "504" => matches!(stop, Stop::Busy { .. }),
            "cut short" | "truncated JSON" => matches!(stop, Stop::Damaged { .. }),
            _ => matches!(stop, Stop::Unexpected { .. }),
        };
        assert!(fits, "{name}: {stop:?}");
        assert_eq!(server.seen().len(), 3, "{name}");
    }
}

#[tokio::test]
async fn a_refusal_carries_its_reasons_and_is_final() {
    for status in [400, 409, 422, 405, 415] {
        let server = Server::script(vec![json(
            status,
            r#"{"errors":{"code":400,"message":["is blank","is long"]}}"#,
        )])
        .await;
        let rest = server.rest();
        let want = Reply::Refused {
            status,
            reasons: vec!["is blank".to_owned(), "is long".to_owned()],
        };
        assert_eq!(soon(rest.create(CONTACT, RECORD)).await.unwrap(), want);
        assert_eq!(soon(rest.update(CONTACT, "1", RECORD)).await.unwrap(), want);
        assert_eq!(server.seen().len(), 2);
        let stop = soon(rest.get(CONTACT, "1")).await.unwrap_err();
        assert!(stop.to_string().contains("is blank; is long"), "{stop}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_gone() {
    let server = Server::script(vec![json(404, "")]).await;
    let rest = server.rest();
    assert_eq!(
        soon(rest.update(CONTACT, "1", RECORD)).await.unwrap(),
        Reply::Gone
    );
    assert_eq!(soon(rest.delete(CONTACT, "1")).await.unwrap(), Reply::Gone);
    assert_eq!(soon(rest.get(CONTACT, "1")).await.unwrap(), None);
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_refused_key_ends_everything_at_once() {
    for (status, body, said) in [
        (401, r#"{"login":"failed"}"#, r#"{"login":"failed"}"#),
        (
            403,
            r#"{"errors":{"message":["not authorized"]}}"#,
            "not authorized",
        ),
    ] {
        let server = Server::script(vec![json(status, body)]).await;
        let rest = server.rest();
        for stop in [
            soon(rest.create(CONTACT, RECORD)).await.unwrap_err(),
            soon(rest.update(CONTACT, "1", RECORD)).await.unwrap_err(),
            soon(rest.probe()).await.unwrap_err(),
        ] {
            assert_eq!(
                stop,
                Stop::Denied {
                    system: "Demo CRM".to_owned(),
                    status,
                    reasons: vec![said.to_owned()],
                }
            );
        }
        assert_eq!(server.seen().len(), 3);
    }
}

#[tokio::test]
async fn a_server_that_is_not_up_yet_gets_the_call_once_it_is() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let placeholder = Server::script(vec![done()]).await;
    let patient = demo("retry: {status: [], tries: 9, wait: 50ms, wait_max: 400ms}");
    let rest = placeholder.rest_with(patient, |o| o.base = Some(format!("http://{address}/api")));
    let create = tokio::spawn(async move { rest.create(CONTACT, RECORD).await });
    tokio::time::sleep(Duration::from_millis(120)).await;
    let server = Server::on(socket.listen(8).unwrap(), |_| done());
    let reply = soon(create).await.unwrap().unwrap();
    assert!(matches!(reply, Reply::Done { .. }), "{reply:?}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_server_that_never_comes_up_is_unreachable() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let placeholder = Server::script(vec![done()]).await;
    let rest = placeholder.rest_with(demo(""), |o| {
        o.base = Some(format!("http://{address}/api"));
        o.calls_per_minute = Some(1);
    });
    // Three tries within one call a minute: what never left costs nothing.
    let stop = soon(rest.create(CONTACT, RECORD)).await.unwrap_err();
    let Stop::Unreachable {
        address: named,
        why,
        ..
    } = stop
    else {
        panic!("{stop:?}")
    };
    assert_eq!(named, address.to_string());
    assert!(why.contains("refused"), "{why}");
}

#[tokio::test]
async fn a_status_worth_another_try_is_tried_again_and_then_refused() {
    let locked = "retry: {status: [423], tries: 3, wait: 10ms, wait_max: 40ms}";
    let server = Server::script(vec![json(423, ""), done()]).await;
    let reply = soon(
        server
            .rest_with(demo(locked), |_| {})
            .create(CONTACT, RECORD),
    )
    .await;
    assert!(matches!(reply.unwrap(), Reply::Done { .. }));
    let server = Server::script(vec![json(423, "")]).await;
    let reply = soon(
        server
            .rest_with(demo(locked), |_| {})
            .create(CONTACT, RECORD),
    )
    .await;
    assert!(matches!(reply.unwrap(), Reply::Refused { status: 423, .. }));
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn many_bad_answers_in_a_row_end_the_run() {
    let server = Server::script(vec![json(500, "")]).await;
    let rest = server.rest();
    let mut doubts = 0;
    let stop = loop {
        match soon(rest.create(CONTACT, RECORD)).await {
            Ok(Reply::InDoubt { .. }) => doubts += 1,
            Ok(other) => panic!("{other:?}"),
            Err(stop) => break stop,
        }
    };
    assert_eq!((doubts, server.seen().len()), (30, 30));
    assert!(
        matches!(&stop, Stop::Busy { why, .. } if why.contains("30 calls in a row")),
        "{stop:?}"
    );
    let calls = rest.calls();
    assert_eq!((calls.read, calls.write, calls.lost), (0, 30, 0));
    assert_eq!(calls.by_status.into_iter().collect::<Vec<_>>(), [(500, 30)]);
    assert!(calls.waited_ms > 0);
}

#[tokio::test]
async fn one_good_answer_keeps_the_run_going() {
    let server = Server::start(|r| if r.n % 9 == 8 { done() } else { json(500, "") }).await;
    let rest = server.rest();
    for _ in 0..60 {
        soon(rest.create(CONTACT, RECORD)).await.unwrap();
    }
}

#[tokio::test]
async fn a_stop_lets_a_write_under_way_finish_and_drops_a_read() {
    let server =
        Server::start(|_| Reaction::Late(Duration::from_millis(400), Box::new(done()))).await;
    let rest = server.rest();
    let write = tokio::spawn({
        let rest = rest.clone();
        async move { rest.create(CONTACT, RECORD).await }
    });
    let read = tokio::spawn({
        let rest = rest.clone();
        async move { rest.get(CONTACT, "1").await }
    });
    tokio::time::sleep(Duration::from_millis(150)).await;
    rest.cancel().cancel();
    assert_eq!(soon(read).await.unwrap(), Err(Stop::Cancelled));
    assert!(matches!(soon(write).await.unwrap(), Ok(Reply::Done { .. })));
    assert_eq!(
        soon(rest.create(CONTACT, RECORD)).await,
        Err(Stop::Cancelled)
    );
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_write_that_outlasts_the_grace_is_in_doubt() {
    let server = Server::start(|_| Reaction::Late(Duration::from_secs(20), Box::new(done()))).await;
    let rest = server.rest_with(demo(""), |o| o.grace = Duration::from_millis(50));
    let cancel = rest.cancel().clone();
    let write = tokio::spawn(async move { rest.update(CONTACT, "1", RECORD).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    cancel.cancel();
    let reply = soon(write).await.unwrap().unwrap();
    assert!(
        matches!(&reply, Reply::InDoubt { why } if why.contains("stopped")),
        "{reply:?}"
    );
}
