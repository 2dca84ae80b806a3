//! Keys, envelopes, pages, views, selectors, lookups and includes.

use crate::{
    contact,
    support::{Box, fresh, start_with},
};
use serde_json::{Value, json};
use transload::sandbox::SandboxOptions;

#[tokio::test]
async fn only_the_exact_key_opens() {
    let b = fresh().await;
    let url = format!("{}/selector/owners", b.server.base_url);
    for header in [
        None,
        Some("Token token=wrong"),
        Some("Token sandbox-key"),
        Some("Token token=SANDBOX-KEY"),
        Some("Bearer sandbox-key"),
        Some("sandbox-key"),
    ] {
        let mut request = b.http.get(&url).header("accept", "application/json");
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let answer = b.send(request).await;
        assert_eq!(answer.status, 401, "{header:?}");
        assert_eq!(answer.text, r#"{"login":"failed","message":null}"#);
    }
    assert_eq!(b.get("/selector/owners").await.status, 200);
}

#[tokio::test]
async fn paths_that_are_not_there() {
    let b = fresh().await;
    for (method, path) in [
        ("GET", "/leads"),
        ("POST", "/leads"),
        ("GET", "/contacts/1/2/3"),
        ("PATCH", "/contacts/1"),
        ("POST", "/selector/owners"),
        ("GET", "/email_templates"),
        ("POST", "/settings/contacts/fields"),
        ("GET", "/notes/1"),
        ("GET", "/"),
    ] {
        let answer = b.send(b.request(method, path)).await;
        assert_eq!(answer.status, 404, "{method} {path}");
    }
    // Outside the API's own prefix there is nothing.
    let origin = b.server.base_url.split("/crm").next().unwrap().to_owned();
    let outside = b
        .http
        .get(format!("{origin}/contacts/1"))
        .header("authorization", "Token token=sandbox-key");
    assert_eq!(b.send(outside).await.status, 404);
}

#[tokio::test]
async fn the_json_suffix_is_tolerated_and_xml_is_not() {
    let b = fresh().await;
    let id = b.made("/contacts", "contact", contact("a@b.test")).await["id"].clone();
    let answer = b.get(&format!("/contacts/{id}.json")).await;
    assert_eq!((answer.status, &answer.json()["contact"]["id"]), (200, &id));
    assert_eq!(b.get("/contacts/view/301.json?page=1").await.status, 200);
    assert_eq!(b.get(&format!("/contacts/{id}.xml")).await.status, 406);
}

#[tokio::test]
async fn unknown_records_and_ids_that_are_no_numbers() {
    let b = fresh().await;
    for path in [
        "/contacts/999",
        "/sales_accounts/999",
        "/deals/999",
        "/tasks/999",
    ] {
        let answer = b.get(path).await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.reasons(), ["The requested record is not in the CRM"]);
    }
    let odd = b.get("/contacts/abc").await;
    assert_eq!((odd.status, odd.text.as_str()), (404, ""));
}

#[tokio::test]
async fn lists_go_through_views() {
    let b = fresh().await;
    for path in [
        "/contacts",
        "/sales_accounts",
        "/deals",
        "/contacts/view/999",
    ] {
        let answer = b.get(path).await;
        assert_eq!(answer.status, 403, "{path}");
        assert_eq!(answer.reasons(), ["not authorized"]);
    }
    let filters = b.get("/contacts/filters").await.json();
    assert!(
        filters["filters"]
            .as_array()
            .unwrap()
            .iter()
            .any(|f| f["id"] == 301 && f["name"] == "All Contacts"),
        "{filters}"
    );
}

async fn many(b: &Box, n: usize) -> Vec<i64> {
    let mut ids = Vec::new();
    for i in 0..n {
        let made = b
            .made(
                "/contacts",
                "contact",
                contact(&format!("c{i:03}@acme.test")),
            )
            .await;
        ids.push(made["id"].as_i64().unwrap());
    }
    ids
}

fn ids(list: &Value) -> Vec<i64> {
    list.as_array()
        .expect("a list")
        .iter()
        .map(|r| r["id"].as_i64().expect("an id"))
        .collect()
}

#[tokio::test]
async fn pages_and_their_sizes() {
    let b = fresh().await;
    let all = many(&b, 130).await;
    let default = b.get("/contacts/view/301").await.json();
    assert_eq!(ids(&default["contacts"]), all[..25]);
    assert_eq!(default["meta"], json!({"total_pages": 6, "total": 130}));

    // More than the documented maximum is cut to it.
    let most = b.get("/contacts/view/301?per_page=1000").await.json();
    assert_eq!(ids(&most["contacts"]), all[..100]);
    assert_eq!(most["meta"], json!({"total_pages": 2, "total": 130}));

    let second = b.get("/contacts/view/301?page=2&per_page=100").await.json();
    assert_eq!(ids(&second["contacts"]), all[100..]);

    let past = b.get("/contacts/view/301?page=9&per_page=100").await;
    assert_eq!(past.status, 200);
    assert_eq!(past.json()["contacts"], json!([]));
    assert_eq!(past.json()["meta"], json!({"total_pages": 2, "total": 130}));

    let none = b.get("/contacts/view/301?per_page=0").await;
    assert_eq!((none.status, &none.json()["contacts"]), (200, &json!([])));
    for odd in [
        "page=0",
        "page=-3",
        "page=x&per_page=y",
        "page=99999999999999999999",
    ] {
        assert_eq!(
            b.get(&format!("/contacts/view/301?{odd}")).await.status,
            200,
            "{odd}"
        );
    }
}

#[tokio::test]
async fn short_pages_lose_nothing() {
    let b = start_with(SandboxOptions {
        unlimited: true,
        quirks: vec![("short_pages".into(), "some".into())],
        ..SandboxOptions::default()
    })
    .await;
    let all = many(&b, 53).await;
    let (mut seen, mut sizes, mut page) = (Vec::new(), Vec::new(), 1);
    loop {
        let json = b
            .get(&format!("/contacts/view/301?page={page}&per_page=10"))
            .await
            .json();
        let found = ids(&json["contacts"]);
        if found.is_empty() {
            assert_eq!(json["meta"]["total_pages"], page - 1);
            break;
        }
        sizes.push(found.len());
        seen.extend(found);
        page += 1;
    }
    assert_eq!(seen, all);
    assert_eq!(sizes, [10, 9, 10, 9, 10, 5]);
}

#[tokio::test]
async fn sorted_by_change_or_by_a_field() {
    let b = fresh().await;
    let all = many(&b, 3).await;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    b.put(
        &format!("/contacts/{}", all[1]),
        json!({"contact": {"city": "Aachen"}}),
    )
    .await;
    let order = async |query: &str| {
        let json = b.get(&format!("/contacts/view/301?{query}")).await.json();
        ids(&json["contacts"])
    };
    assert_eq!(order("sort=updated_at&sort_type=desc").await[0], all[1]);
    assert_eq!(order("sort=updated_at&sort_type=asc").await[2], all[1]);
    assert_eq!(order("sort=city&sort_type=desc").await[0], all[1]);
    assert_eq!(order("sort=nonsense&sort_type=asc").await, all);
    assert_eq!(
        order("sort=id&sort_type=desc").await,
        [all[2], all[1], all[0]]
    );
}

#[tokio::test]
async fn the_records_come_first_then_what_is_beside_them() {
    let b = fresh().await;
    let owner = owner(&b).await;
    let account = b
        .made("/sales_accounts", "sales_account", json!({"name": "Acme"}))
        .await["id"]
        .clone();
    let id = b
        .made(
            "/contacts",
            "contact",
            json!({"email": "a@b.test", "owner_id": owner, "sales_accounts": [{"id": account, "is_primary": true}]}),
        )
        .await["id"]
        .clone();

    let list = b
        .get("/contacts/view/301?include=owner,contact_status,sales_accounts,nonsense")
        .await;
    let json = list.json();
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["contacts", "users", "contact_statuses", "meta"]);
    assert_eq!(json["users"][0]["display_name"], "Dana Reed");
    assert_eq!(json["contact_statuses"][0]["name"], "New");
    assert_eq!(
        json["contacts"][0]["sales_accounts"],
        json!([{"id": account, "name": "Acme", "is_primary": true}])
    );

    // Without the include there is no account link; nor in a lookup.
    let plain = b.get(&format!("/contacts/{id}")).await.json();
    assert_eq!(plain["contact"].get("sales_accounts"), None);
    let found = b
        .get("/lookup?q=a@b.test&f=email&entities=contact")
        .await
        .json();
    assert_eq!(found["contacts"]["contacts"][0].get("sales_accounts"), None);
    let one = b
        .get(&format!("/contacts/{id}?include=sales_accounts,owner"))
        .await
        .json();
    assert_eq!(one["contact"]["sales_accounts"][0]["id"], account);
    assert_eq!(one["users"][0]["id"], owner);
}

async fn owner(b: &Box) -> Value {
    let made = b
        .admin(
            "POST",
            "/objects/user",
            json!({"name": "Dana Reed", "email": "dana@agency.test", "active": true}),
        )
        .await;
    assert_eq!(made.status, 200, "{made:?}");
    made.json()["id"].clone()
}

#[tokio::test]
async fn selectors_name_their_lists() {
    let b = fresh().await;
    let owner = owner(&b).await;
    let owners = b.get("/selector/owners").await.json();
    assert_eq!(
        owners,
        json!({"users": [{"id": owner, "display_name": "Dana Reed", "email": "dana@agency.test", "is_active": true}]})
    );
    let names = async |path: &str, list: &str| {
        let json = b.get(path).await.json();
        json[list]
            .as_array()
            .expect("a list")
            .iter()
            .map(|r| r["name"].as_str().expect("a name").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names("/selector/deal_stages", "deal_stages").await,
        [
            "New",
            "Qualification",
            "Discovery",
            "Demo",
            "Negotiation",
            "Won",
            "Lost"
        ]
    );
    assert_eq!(
        names("/selector/lifecycle_stages", "lifecycle_stages").await,
        ["Lead", "Sales Qualified Lead", "Customer"]
    );
    assert_eq!(
        names("/selector/contact_statuses", "contact_statuses").await,
        [
            "New",
            "Contacted",
            "Interested",
            "Qualified",
            "Won",
            "Churned"
        ]
    );
    assert_eq!(
        names("/selector/deal_pipelines", "deal_pipelines").await,
        ["Default Pipeline"]
    );
    let stages = b.get("/selector/deal_stages").await.json();
    let pipeline =
        b.get("/selector/deal_pipelines").await.json()["deal_pipelines"][0]["id"].clone();
    assert_eq!(stages["deal_stages"][5]["forecast_type"], "Closed Won");
    assert_eq!(stages["deal_stages"][0]["deal_pipeline_id"], pipeline);
}

#[tokio::test]
async fn lookups_are_exact_and_may_lag() {
    let b = fresh().await;
    let id = b
        .made(
            "/contacts",
            "contact",
            json!({"email": "Ada@Acme.test", "external_id": "src-1", "mobile_number": "+1 555 0100"}),
        )
        .await["id"]
        .clone();
    b.made(
        "/sales_accounts",
        "sales_account",
        json!({"name": "Acme Inc"}),
    )
    .await;
    let found = async |q: &str, f: &str, entities: &str, list: &str| {
        let answer = b
            .send(
                b.request("GET", "/lookup")
                    .query(&[("q", q), ("f", f), ("entities", entities)]),
            )
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()[list][list].clone()
    };
    for (q, f) in [
        ("ada@acme.test", "email"),
        ("src-1", "external_id"),
        ("+1 555 0100", "mobile_number"),
    ] {
        assert_eq!(found(q, f, "contact", "contacts").await[0]["id"], id, "{f}");
    }
    let whole = b
        .get("/lookup?q=src-1&f=external_id&entities=contact")
        .await
        .json();
    assert_eq!(
        whole["contacts"]["meta"],
        json!({"total_pages": 1, "total": 1})
    );
    for q in ["ada@acme", "da@acme.test", ""] {
        assert_eq!(
            found(q, "email", "contact", "contacts").await,
            json!([]),
            "{q}"
        );
    }
    assert_eq!(
        found("acme inc", "name", "sales_account", "sales_accounts").await[0]["name"],
        "Acme Inc"
    );
    assert_eq!(
        b.get("/lookup?q=x&f=nonsense&entities=contact")
            .await
            .status,
        400
    );
    assert_eq!(
        b.get("/lookup?q=x&f=email&entities=planet").await.status,
        400
    );
    assert_eq!(b.get("/lookup").await.status, 400);

    b.admin("POST", "/quirks", json!({"search_lag": "20s"}))
        .await;
    assert_eq!(
        found("ada@acme.test", "email", "contact", "contacts").await,
        json!([])
    );
    // The list is not behind.
    assert_eq!(b.get("/contacts/view/301").await.json()["meta"]["total"], 1);
}

#[tokio::test]
async fn times_carry_the_accounts_offset() {
    let b = fresh().await;
    let made = b
        .made(
            "/contacts",
            "contact",
            json!({"email": "a@b.test", "created_at": "2001-01-01T00:00:00Z", "updated_at": "2001-01-01T00:00:00Z", "id": 5}),
        )
        .await;
    for at in ["created_at", "updated_at"] {
        let text = made[at].as_str().unwrap();
        assert!(
            text.ends_with("-06:00") && !text.starts_with("2001"),
            "{text}"
        );
    }
    assert_ne!(made["id"], 5);
    assert!(made["id"].as_i64().unwrap() > i64::from(u32::MAX));
}
