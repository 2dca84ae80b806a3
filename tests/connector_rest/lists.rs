//! Lists in the three styles of paging, views, filters and children.

use crate::server::{CONTACT, EVENT, NOTE, Reaction, Request, Server, TASK, VISIT, json, soon};
use serde_json::{Value, json as j};
use transload::{
    connector::{Stop, rest::Rest},
    ident::ObjectId,
};

async fn all(rest: &Rest, object: ObjectId) -> Result<(Vec<u64>, Vec<Option<u64>>), Stop> {
    let mut cursor = rest.list(object);
    let (mut ids, mut totals) = (Vec::new(), Vec::new());
    while let Some(page) = soon(cursor.next()).await? {
        ids.extend(page.records.iter().map(|r| r["id"].as_u64().unwrap()));
        totals.push(page.total);
    }
    assert_eq!(soon(cursor.next()).await?, None, "it stays at its end");
    Ok((ids, totals))
}

fn rows(ids: &[u64]) -> Value {
    ids.iter().map(|id| j!({"id": id})).collect()
}

fn contacts(r: &Request, pages: &[&[u64]], meta: Value) -> Reaction {
    match r.path.as_str() {
        "/api/contacts/filters" => json(
            200,
            j!({"filters": [{"id": 300, "name": "My Contacts"}, {"id": 301, "name": "All Contacts"}]}),
        ),
        "/api/contacts/view/301" => {
            let page: usize = r.ask("page").parse().unwrap();
            let ids = pages.get(page - 1).copied().unwrap_or_default();
            json(200, j!({"contacts": rows(ids), "meta": meta}))
        }
        _ => json(404, ""),
    }
}

#[tokio::test]
async fn a_short_page_is_not_the_last_one() {
    let meta = j!({"total_pages": 4, "total": 8});
    let server =
        Server::start(move |r| contacts(r, &[&[1, 2, 3], &[4], &[], &[5, 6]], meta.clone())).await;
    let rest = server.rest();
    let (ids, totals) = all(&rest, CONTACT).await.unwrap();
    assert_eq!(ids, [1, 2, 3, 4, 5, 6]);
    assert_eq!(
        totals,
        [Some(8); 3],
        "an empty page in the middle is passed over"
    );
    let seen = server.seen();
    assert_eq!(seen.len(), 5, "the view and four pages");
    assert_eq!(seen[1].ask("per_page"), "3");
    assert_eq!(seen[1].ask("sort"), "updated_at");
    // The id of the view is asked for once.
    all(&rest, CONTACT).await.unwrap();
    let views = server
        .seen()
        .into_iter()
        .filter(|r| r.path.ends_with("/filters"));
    assert_eq!(views.count(), 1);
    assert_eq!(rest.calls().read, 9);
}

#[tokio::test]
async fn without_a_number_of_pages_the_first_empty_page_ends_it() {
    let server = Server::start(|r| contacts(r, &[&[1], &[2], &[3, 4]], Value::Null)).await;
    assert_eq!(all(&server.rest(), CONTACT).await.unwrap().0, [1, 2, 3, 4]);
    assert_eq!(server.seen().len(), 5);
    let server = Server::start(|r| contacts(r, &[], j!({"total_pages": 0, "total": 0}))).await;
    assert_eq!(all(&server.rest(), CONTACT).await.unwrap().0, [0u64; 0]);
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_server_that_does_not_turn_pages_is_noticed() {
    let server = Server::start(|r| contacts(r, &[&[1], &[1]], Value::Null)).await;
    let stop = all(&server.rest(), CONTACT).await.unwrap_err();
    assert!(stop.to_string().contains("same page twice"), "{stop}");
    let server = Server::start(|_| json(200, j!({"data": [], "paging": {"next": "a"}}))).await;
    let stop = all(&server.rest(), EVENT).await.unwrap_err();
    assert!(stop.to_string().contains("round in circles"), "{stop}");
}

#[tokio::test]
async fn an_answer_without_the_list_is_not_an_empty_list() {
    for body in [j!({}), j!({"contacts": null}), j!({"contacts": {}}), j!([])] {
        let shown = body.clone();
        let server = Server::start(move |r| match r.path.as_str() {
            "/api/lookup" => json(200, j!({"contacts": body})),
            _ => json(200, j!({"data": body})),
        })
        .await;
        let stop = soon(server.rest().lookup(CONTACT, "email", "a@b.example"))
            .await
            .unwrap_err();
        assert!(matches!(stop, Stop::Unexpected { .. }), "{shown}: {stop:?}");
        if !shown.is_array() {
            let stop = all(&server.rest(), EVENT).await.unwrap_err();
            assert!(stop.to_string().contains("no `data`"), "{shown}: {stop}");
        }
    }
}

#[tokio::test]
async fn a_view_that_is_not_there_is_named() {
    let server = Server::start(|_| json(200, j!({"filters": [{"id": 1, "name": "Mine"}]}))).await;
    let stop = all(&server.rest(), CONTACT).await.unwrap_err();
    assert!(
        stop.to_string().contains("no view named `All Contacts`"),
        "{stop}"
    );
    let server = Server::start(|r| match r.path.as_str() {
        "/api/contacts/filters" => json(
            200,
            j!({"filters": [{"id": 301, "name": " all contacts "}]}),
        ),
        _ => contacts(r, &[&[1]], j!({"total_pages": 1})),
    })
    .await;
    assert_eq!(all(&server.rest(), CONTACT).await.unwrap().0, [1]);
}

#[tokio::test]
async fn every_filter_value_is_listed_in_turn() {
    let server = Server::start(|r| {
        let ids: &[u64] = match (r.ask("filter"), r.ask("page")) {
            ("open", "1") => &[1, 2],
            ("open", "2") => &[3],
            ("completed", "1") => &[4],
            _ => &[],
        };
        json(200, j!({"tasks": rows(ids)}))
    })
    .await;
    assert_eq!(all(&server.rest(), TASK).await.unwrap().0, [1, 2, 3, 4]);
    let asked: Vec<_> = server
        .seen()
        .iter()
        .map(|r| format!("{} {}", r.ask("filter"), r.ask("page")))
        .collect();
    assert_eq!(
        asked,
        ["open 1", "open 2", "open 3", "completed 1", "completed 2"]
    );
}

#[tokio::test]
async fn cursors_are_followed_to_their_end() {
    let server = Server::start(|r| {
        let (ids, next): (&[u64], _) = match r.ask("after") {
            "" => (&[1, 2], j!("x=/&y")),
            "x=/&y" => (&[], j!(77)),
            "77" => (&[3], Value::Null),
            other => panic!("{other}"),
        };
        json(200, j!({"data": rows(ids), "paging": {"next": next}}))
    })
    .await;
    assert_eq!(all(&server.rest(), EVENT).await.unwrap().0, [1, 2, 3]);
    assert!(server.seen().iter().all(|r| r.ask("limit") == "2"));
}

#[tokio::test]
async fn links_are_followed_on_the_same_server_alone() {
    let server = Server::start(|r| {
        let host = &r.headers["host"];
        let (ids, next): (&[u64], _) = match r.ask("p") {
            "" => (&[1], j!("?p=2")),
            "2" => (&[2], j!(format!("http://{host}/api/visits?p=3"))),
            _ => (&[3], Value::Null),
        };
        json(200, j!({"data": rows(ids), "links": {"next": next}}))
    })
    .await;
    assert_eq!(all(&server.rest(), VISIT).await.unwrap().0, [1, 2, 3]);

    let other = Server::start(|_| json(200, j!({"data": []}))).await;
    let elsewhere = format!("http://{}/api/visits", other.address);
    let server =
        Server::start(move |_| json(200, j!({"data": [{"id": 1}], "links": {"next": elsewhere}})))
            .await;
    let stop = all(&server.rest(), VISIT).await.unwrap_err();
    assert!(stop.to_string().contains("another server"), "{stop}");
    assert!(other.seen().is_empty(), "the key must not go there");
}

#[tokio::test]
async fn children_come_from_all_pages_and_a_missing_parent_has_none() {
    let server = Server::start(|r| match (r.path.as_str(), r.ask("page")) {
        ("/api/contacts/7/notes", page) => {
            let ids: &[u64] = if page == "1" { &[1, 2] } else { &[3] };
            json(200, j!({"notes": rows(ids), "meta": {"total_pages": 2}}))
        }
        _ => json(404, ""),
    })
    .await;
    let rest = server.rest();
    let notes = soon(rest.children(NOTE, CONTACT, "7")).await.unwrap();
    assert_eq!(Value::from(notes), rows(&[1, 2, 3]));
    assert!(
        soon(rest.children(NOTE, CONTACT, "8"))
            .await
            .unwrap()
            .is_empty()
    );
    let stop = soon(rest.children(NOTE, TASK, "8")).await.unwrap_err();
    assert!(stop.to_string().contains("no such parent"), "{stop}");
}
