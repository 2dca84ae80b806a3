//! Members of lists: added and taken out by their ids, shown below their list.

use crate::{
    contact,
    support::{Box, fresh},
};
use serde_json::{Value, json};

async fn people(b: &Box, count: usize) -> Vec<i64> {
    let mut ids = Vec::new();
    for n in 0..count {
        let body = contact(&format!("m{n}@b.test"));
        let made = b.made("/contacts", "contact", body).await;
        ids.push(made["id"].as_i64().unwrap());
    }
    ids
}

async fn put(b: &Box, path: &str, body: Value) -> u16 {
    b.send(b.request("PUT", path).json(&body)).await.status
}

async fn ids(b: &Box, list: i64) -> Vec<i64> {
    let answer = b.get(&format!("/contacts/lists/{list}")).await.json();
    assert_eq!(
        answer.as_object().unwrap().keys().next().unwrap(),
        "contacts",
        "the records come first"
    );
    let rows = answer["contacts"].as_array().unwrap();
    assert_eq!(answer["meta"]["total"], rows.len());
    rows.iter().filter_map(|r| r["id"].as_i64()).collect()
}

#[tokio::test]
async fn ids_come_and_go() {
    let b = fresh().await;
    let all = people(&b, 3).await;
    let list = b.made("/lists", "list", json!({"name": "Tea"})).await["id"]
        .as_i64()
        .unwrap();
    let add = format!("/lists/{list}/add_contacts");
    assert_eq!(put(&b, &add, json!({"ids": all})).await, 200);
    assert_eq!(put(&b, &add, json!({"ids": [all[0]]})).await, 200);
    assert_eq!(ids(&b, list).await, all, "adding twice is adding once");
    let remove = format!("/lists/{list}/remove_contacts");
    assert_eq!(put(&b, &remove, json!({"ids": [all[1]]})).await, 200);
    assert_eq!(put(&b, &remove, json!({"ids": [all[1]]})).await, 200);
    assert_eq!(ids(&b, list).await, [all[0], all[2]]);

    // A contact in the recycle bin is no member, and one again when it comes back.
    let path = format!("/contacts/{}", all[0]);
    assert_eq!(b.send(b.request("DELETE", &path)).await.status, 200);
    assert_eq!(ids(&b, list).await, [all[2]]);
    let path = format!("{path}/restore");
    assert_eq!(b.send(b.request("PUT", &path)).await.status, 200);
    assert_eq!(ids(&b, list).await, [all[0], all[2]]);

    // Repeated calls that change nothing are no repeated creates.
    assert_eq!(b.calls().await["repeated"]["after_effect"], 0);
}

#[tokio::test]
async fn wrong_calls_change_nothing() {
    let b = fresh().await;
    let all = people(&b, 1).await;
    let list = b.made("/lists", "list", json!({"name": "Tea"})).await["id"]
        .as_i64()
        .unwrap();
    let add = format!("/lists/{list}/add_contacts");
    assert_eq!(
        put(&b, "/lists/999/add_contacts", json!({"ids": all})).await,
        404
    );
    assert_eq!(put(&b, &add, json!({"contacts": all})).await, 400);
    assert_eq!(put(&b, &add, json!({"ids": all[0]})).await, 400);
    assert_eq!(b.get("/contacts/lists/999").await.status, 404);
    assert_eq!(ids(&b, list).await, [0; 0]);

    // What a list does with an id that means nothing is a switch.
    let mixed = json!({"ids": [999, all[0]]});
    b.admin("POST", "/quirks", json!({"unknown_member": "reject"}))
        .await;
    assert_eq!(put(&b, &add, mixed.clone()).await, 400);
    assert_eq!(ids(&b, list).await, [0; 0]);
    b.admin("POST", "/quirks", json!({"unknown_member": "ignore"}))
        .await;
    assert_eq!(put(&b, &add, mixed).await, 200);
    assert_eq!(ids(&b, list).await, all);
}
