//! What each operation sends, and what it makes of the answer: keys, bulk jobs, forms, fields, the admin plane.

use crate::server::{CONTACT, DOCUMENT, NOTE, Reaction, Server, TASK, demo, json, soon, with};
use serde_json::json as j;
use std::{
    io::Write as _,
    sync::{Arc, Mutex},
    time::Duration,
};
use transload::connector::{
    BulkReply, Reply, Stop,
    rest::{BulkRow, FilePart, JobState, RemoteField},
};

#[tokio::test]
async fn an_upsert_carries_its_key_and_says_what_was_new() {
    let server = Server::start(|r| {
        let status = if r.n == 0 { 201 } else { 200 };
        json(status, j!({"contact": {"id": 5}}))
    })
    .await;
    let rest = server.rest();
    for created in [true, false] {
        let reply = soon(rest.upsert(CONTACT, "emails", "a@b.example", b"{\"name\":\"A\"}")).await;
        assert_eq!(
            reply.unwrap(),
            Reply::Done {
                id: Some("5".to_owned()),
                created,
                record: Some(j!({"id": 5}))
            }
        );
    }
    let sent = &server.seen()[0];
    assert_eq!(sent.path, "/api/contacts/upsert");
    assert_eq!(
        sent.json(),
        j!({"unique_identifier": {"emails": "a@b.example"}, "contact": {"name": "A"}})
    );
}

#[tokio::test]
async fn a_lookup_asks_for_the_exact_value() {
    let server = Server::start(|_| json(200, j!({"contacts": {"contacts": [{"id": 5}]}}))).await;
    let rest = server.rest();
    let found = soon(rest.lookup(CONTACT, "email", "a+b&c=d e@x.example"))
        .await
        .unwrap();
    assert_eq!(found, [j!({"id": 5})]);
    let sent = &server.seen()[0];
    assert_eq!(
        (sent.ask("q"), sent.ask("f")),
        ("a+b&c=d e@x.example", "email")
    );
    assert!(
        soon(rest.lookup(CONTACT, "email", ""))
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn deletes_and_restores_need_no_record_in_the_answer() {
    let server = Server::start(|r| match r.method.as_str() {
        "DELETE" => json(200, "true"),
        _ => json(204, ""),
    })
    .await;
    let rest = server.rest();
    let done = Reply::Done {
        id: Some("a b".to_owned()),
        created: false,
        record: None,
    };
    assert_eq!(soon(rest.delete(CONTACT, "a b")).await.unwrap(), done);
    assert_eq!(soon(rest.restore(CONTACT, "a b")).await.unwrap(), done);
    let seen = server.seen();
    assert_eq!(seen[0].path, "/api/contacts/a%20b");
    assert_eq!(
        (seen[1].method.as_str(), seen[1].path.as_str()),
        ("PUT", "/api/contacts/a%20b/restore")
    );
    for id in ["", "..", "."] {
        let stop = soon(rest.delete(CONTACT, id)).await.unwrap_err();
        assert!(matches!(stop, Stop::Unexpected { .. }), "{id}: {stop:?}");
    }
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn an_operation_that_is_not_declared_sends_nothing() {
    let server = Server::start(|_| json(200, "{}")).await;
    let stop = soon(server.rest().delete(NOTE, "1")).await.unwrap_err();
    assert!(stop.to_string().contains("delete of note"), "{stop}");
    assert!(soon(server.rest().job(TASK, "1")).await.is_err());
    assert!(server.seen().is_empty());
}

const ROWS: [BulkRow<'static>; 2] = [
    BulkRow {
        key_wire: "emails",
        key_value: "a@b.example",
        record: b"{\"name\":\"A\"}",
    },
    BulkRow {
        key_wire: "id",
        key_value: "77",
        record: b"{}",
    },
];

#[tokio::test]
async fn a_bulk_call_starts_a_job_that_is_asked_for_until_it_ends() {
    let server = Server::start(|r| match (r.path.as_str(), r.n) {
        ("/api/contacts/bulk_upsert", _) => json(
            200,
            j!({"message": "ok", "job_status_url": "https://elsewhere.example/api/jobs/j-9/?x=1"}),
        ),
        (_, 1) => json(200, j!({"status": "in_progress"})),
        (_, 2) => json(502, ""),
        (_, 3) => Reaction::HangUp,
        _ => json(200, j!({"status": "Completed", "data": [1]})),
    })
    .await;
    let rest = server.rest();
    let reply = soon(rest.bulk_upsert(CONTACT, &ROWS)).await.unwrap();
    assert_eq!(reply, BulkReply::Job("j-9".to_owned()));
    assert_eq!(
        server.seen()[0].json(),
        j!({"contacts": [
            {"emails": "a@b.example", "data": {"name": "A"}},
            {"id": 77, "data": {}},
        ]})
    );
    let state = soon(rest.wait_job(CONTACT, "j-9")).await.unwrap();
    assert_eq!(
        state,
        JobState::Done(j!({"status": "Completed", "data": [1]}))
    );
    let seen = server.seen();
    assert!(
        seen[1..]
            .iter()
            .all(|r| r.path == "/api/jobs/j-9" && r.method == "GET")
    );
    assert_eq!(seen.len(), 5);
    assert!(seen[1].at - seen[0].at >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_job_may_fail_be_lost_or_never_end() {
    let state = Arc::new(Mutex::new(json(200, j!({"status": "failed"}))));
    let server = Server::start({
        let state = Arc::clone(&state);
        move |_| state.lock().unwrap().clone()
    })
    .await;
    let rest = server.rest_with(demo(""), |o| o.busy_after = Duration::from_millis(300));
    let failed = soon(rest.wait_job(CONTACT, "1")).await.unwrap();
    assert_eq!(failed, JobState::Failed(j!({"status": "failed"})));
    *state.lock().unwrap() = json(404, "");
    assert_eq!(
        soon(rest.wait_job(CONTACT, "1")).await.unwrap(),
        JobState::Gone
    );
    *state.lock().unwrap() = json(200, j!({"status": "a word nobody knows"}));
    assert_eq!(
        soon(rest.job(CONTACT, "1")).await.unwrap(),
        JobState::Running
    );
    let stop = soon(rest.wait_job(CONTACT, "1")).await.unwrap_err();
    assert!(matches!(stop, Stop::Busy { .. }), "{stop:?}");
    *state.lock().unwrap() = json(200, j!({"other": 1}));
    assert!(matches!(
        soon(rest.job(CONTACT, "1")).await,
        Err(Stop::Unexpected { .. })
    ));
}

#[tokio::test]
async fn a_bulk_call_without_an_answer_is_in_doubt_and_not_repeated() {
    for reaction in [
        Reaction::HangUp,
        json(503, ""),
        json(200, j!({"message": "ok"})),
    ] {
        let server = Server::script(vec![reaction]).await;
        let reply = soon(server.rest().bulk_upsert(CONTACT, &ROWS))
            .await
            .unwrap();
        assert!(matches!(reply, BulkReply::InDoubt { .. }), "{reply:?}");
        assert_eq!(server.seen().len(), 1);
    }
    let server = Server::script(vec![json(400, j!({"errors": {"message": "too many"}}))]).await;
    let reply = soon(server.rest().bulk_upsert(CONTACT, &ROWS))
        .await
        .unwrap();
    let reasons = vec!["too many".to_owned()];
    assert_eq!(
        reply,
        BulkReply::Refused {
            status: 400,
            reasons
        }
    );
}

#[tokio::test]
async fn a_form_carries_fields_and_files() {
    type Part = (String, Option<String>, Option<String>, Vec<u8>);
    let got: Arc<Mutex<Vec<Part>>> = Arc::default();
    let app = axum::Router::new().route(
        "/api/documents",
        axum::routing::post({
            let got = Arc::clone(&got);
            move |mut form: axum::extract::Multipart| async move {
                while let Some(part) = form.next_field().await.unwrap() {
                    let name = part.name().unwrap_or_default().to_owned();
                    let file = part.file_name().map(str::to_owned);
                    let kind = part.content_type().map(str::to_owned);
                    let bytes = part.bytes().await.unwrap().to_vec();
                    got.lock().unwrap().push((name, file, kind, bytes));
                }
                let calls = got.lock().unwrap().len() / 3;
                if calls == 1 {
                    let wait = [("retry-after", "0")];
                    return (
                        axum::http::StatusCode::TOO_MANY_REQUESTS,
                        wait,
                        String::new(),
                    );
                }
                (
                    axum::http::StatusCode::CREATED,
                    [("x", "y")],
                    r#"{"id":9,"url":"u"}"#.to_owned(),
                )
            }
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });

    let mut file = tempfile::NamedTempFile::with_suffix(".txt").unwrap();
    file.write_all("Grüße\r\n--boundary".as_bytes()).unwrap();
    let placeholder = Server::script(vec![json(500, "")]).await;
    let rest = placeholder.rest_with(demo(""), |o| o.base = Some(format!("http://{address}/api")));
    let files = vec![FilePart {
        field: "file".to_owned(),
        path: file.path().to_owned(),
        name: Some("a \"b\".txt".to_owned()),
        kind: None,
    }];
    let record = br#"{"title":"T\u00e9","shared":true,"none":null}"#;
    let reply = soon(rest.create_multipart(DOCUMENT, record, files))
        .await
        .unwrap();
    assert!(
        matches!(&reply, Reply::Done { id, created: true, .. } if id.as_deref() == Some("9")),
        "{reply:?}"
    );
    let got = got.lock().unwrap().clone();
    assert_eq!(
        got.len(),
        6,
        "refused once, so the whole form was sent again"
    );
    for call in got.chunks(3) {
        assert_eq!(call[0], ("title".to_owned(), None, None, "Té".into()));
        assert_eq!(call[1], ("shared".to_owned(), None, None, "true".into()));
        let (name, _, kind, bytes) = &call[2];
        assert_eq!(
            (name.as_str(), kind.as_deref()),
            ("file", Some("text/plain"))
        );
        assert_eq!(bytes, "Grüße\r\n--boundary".as_bytes());
    }

    let missing = vec![FilePart {
        field: "file".to_owned(),
        path: "no/such/file".into(),
        name: None,
        kind: None,
    }];
    let reply = soon(rest.create_multipart(DOCUMENT, b"{}", missing))
        .await
        .unwrap();
    assert!(
        matches!(reply, Reply::Refused { status: 0, .. }),
        "{reply:?}"
    );
}

#[tokio::test]
async fn fields_are_read_where_the_platform_describes_them() {
    let server = Server::start(|_| {
        json(
            200,
            j!({"fields": [
                {"id": 1, "name": "cf_color", "label": "Color", "type": "dropdown", "required": false,
                 "default": false, "choices": [{"id": 1, "value": "Red"}, {"id": 2, "value": "Blue"}]},
                {"name": "email", "type": "text", "required": true, "default": true},
            ]}),
        )
    })
    .await;
    let fields = soon(server.rest().fields(CONTACT)).await.unwrap();
    assert_eq!(
        fields,
        [
            RemoteField {
                name: "cf_color".to_owned(),
                label: "Color".to_owned(),
                vendor_type: "dropdown".to_owned(),
                choices: vec!["Red".to_owned(), "Blue".to_owned()],
                required: false,
                standard: false,
            },
            RemoteField {
                name: "email".to_owned(),
                label: "email".to_owned(),
                vendor_type: "text".to_owned(),
                choices: Vec::new(),
                required: true,
                standard: true,
            },
        ]
    );
    assert_eq!(server.seen()[0].path, "/api/settings/contacts/fields");
    assert!(soon(server.rest().fields(NOTE)).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_admin_plane_is_outside_the_limits_and_on_this_machine_alone() {
    let server = Server::start(|r| match r.method.as_str() {
        "GET" => json(
            200,
            j!([{"id": 1, "deleted": false, "wire": {"id": 1, "n": "a"}}, {"id": 2, "deleted": true, "wire": {"id": 2}}]),
        ),
        _ => json(200, j!({"id": 3, "wire": {"id": 3}})),
    })
    .await;
    let rest = server.rest_with(demo("calls: [{max: 1, per: 1h}]"), |_| {});
    for _ in 0..5 {
        let rows = soon(rest.admin_records("/_admin/objects/user"))
            .await
            .unwrap();
        assert_eq!(rows, [j!({"id": 1, "n": "a"})]);
    }
    let reply = soon(rest.admin_create("/_admin/objects/user", b"{\"n\":1}"))
        .await
        .unwrap();
    assert_eq!(
        reply,
        Reply::Done {
            id: Some("3".to_owned()),
            created: true,
            record: Some(j!({"id": 3}))
        }
    );
    soon(rest.admin_post("/_admin/fields", &j!({"a": 1})))
        .await
        .unwrap();
    soon(rest.admin_get("/_admin/health")).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[5].path, "/_admin/objects/user");
    assert_eq!(seen[6].json(), j!({"a": 1}));

    let far = server.rest_with(demo(""), |o| {
        o.base = Some("https://crm.example/api".to_owned())
    });
    let stop = soon(far.admin_get("/_admin/health")).await.unwrap_err();
    assert!(stop.to_string().contains("this machine"), "{stop}");
}

#[tokio::test]
async fn the_probe_asks_the_declared_call() {
    let server = Server::start(|_| json(200, j!({"users": []}))).await;
    soon(server.rest().probe()).await.unwrap();
    assert_eq!(server.seen()[0].path, "/api/me");
    let server =
        Server::start(|_| with(302, "location", "https://login.example/?back=secret")).await;
    let stop = soon(server.rest().probe()).await.unwrap_err();
    assert!(stop.to_string().contains("login.example"), "{stop}");
    assert!(!stop.to_string().contains("back="), "{stop}");
    let server = Server::start(|_| json(404, "")).await;
    assert!(matches!(
        soon(server.rest().probe()).await,
        Err(Stop::Unexpected { .. })
    ));
}
