//! Custom fields: how they are made by hand, described, written, and what the tier allows.

use crate::support::{Box, fresh, start_with};
use serde_json::{Value, json};
use transload::sandbox::SandboxOptions;

async fn field(b: &Box, label: &str, data_type: &str, choices: Value) -> Value {
    let made = b
        .admin(
            "POST",
            "/fields",
            json!({"object": "contact", "label": label, "type": data_type, "choices": choices}),
        )
        .await;
    assert_eq!(made.status, 200, "{made:?}");
    made.json()
}

async fn with_fields() -> Box {
    let b = fresh().await;
    for (label, data_type, choices) in [
        ("Region", "enum", json!(["North", "South"])),
        ("Skills", "multi_enum", json!(["a", "b", "c"])),
        ("Note", "text", json!([])),
        ("Story", "html", json!([])),
        ("Age", "int", json!([])),
        ("Rate", "decimal", json!([])),
        ("VIP", "bool", json!([])),
        ("Since", "date", json!([])),
    ] {
        field(&b, label, data_type, choices).await;
    }
    b
}

#[tokio::test]
async fn the_api_name_comes_from_the_label() {
    let b = fresh().await;
    let made = field(&b, "BDR Stage - Contact", "text", json!([])).await;
    assert_eq!(made["name"], "cf_bdr_stage_-_contact");
    let list = b.admin("GET", "/fields", Value::Null).await.json();
    assert_eq!(list["fields"][0]["label"], "BDR Stage - Contact");
    // Once more is no second field.
    field(&b, "BDR Stage - Contact", "text", json!([])).await;
    let list = b.admin("GET", "/fields", Value::Null).await.json();
    assert_eq!(list["fields"].as_array().unwrap().len(), 1);
    for wrong in [
        json!({"object": "contact", "label": "BDR Stage - Contact", "type": "int"}),
        json!({"object": "contact", "label": "X", "type": "planet"}),
        json!({"object": "contact", "label": "X", "type": "ref"}),
        json!({"object": "task", "label": "X", "type": "text"}),
        json!({"object": "contact", "type": "text"}),
        json!({"object": "contact", "name": "no_prefix", "type": "text"}),
        json!({"object": "contact", "label": "X", "type": "text", "odd": 1}),
    ] {
        assert_eq!(
            b.admin("POST", "/fields", wrong.clone()).await.status,
            400,
            "{wrong}"
        );
    }
    let none = json!({"object": "planet", "label": "X", "type": "text"});
    assert_eq!(b.admin("POST", "/fields", none).await.status, 404);
}

#[tokio::test]
async fn fields_are_described_in_the_vendors_form() {
    let b = with_fields().await;
    let all = b.get("/settings/contacts/fields").await;
    assert_eq!(all.status, 200);
    let all = all.json()["fields"].as_array().unwrap().clone();
    let one = |name: &str| all.iter().find(|f| f["name"] == name).unwrap();
    let region = one("cf_region");
    assert_eq!(
        (
            &region["label"],
            &region["type"],
            &region["default"],
            &region["required"]
        ),
        (
            &json!("Region"),
            &json!("dropdown"),
            &json!(false),
            &json!(false)
        )
    );
    let values: Vec<&Value> = region["choices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| &c["value"])
        .collect();
    assert_eq!(values, ["North", "South"]);
    assert_eq!(one("cf_skills")["type"], "multi_select_dropdown");
    assert_eq!(one("cf_since")["type"], "date");
    assert_eq!(
        (&one("email")["default"], &one("email")["required"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(one("first_name")["required"], false);
}

#[tokio::test]
async fn values_of_every_type() {
    let b = with_fields().await;
    let made = b
        .made(
            "/contacts",
            "contact",
            json!({"email": "a@b.test", "custom_field": {
                "cf_region": "North", "cf_skills": "a;c", "cf_note": "hi", "cf_story": "<p>x</p>", "cf_age": 41,
                "cf_rate": 1.25, "cf_vip": true, "cf_since": "2020-02-29"}}),
        )
        .await;
    let want = json!({"cf_region": "North", "cf_skills": "a;c", "cf_note": "hi", "cf_story": "<p>x</p>", "cf_age": 41,
        "cf_rate": 1.25, "cf_vip": true, "cf_since": "2020-02-29"});
    assert_eq!(made["custom_field"], want);

    // Choices by id and lists as arrays are taken, too.
    let all = b.get("/settings/contacts/fields").await.json();
    let south = all["fields"]
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["name"] == "cf_region")
        .unwrap()["choices"][1]["id"]
        .clone();
    let made = b
        .made("/contacts", "contact", json!({"email": "c@d.test", "custom_field": {"cf_region": south, "cf_skills": ["b", "c"]}}))
        .await;
    assert_eq!(made["custom_field"]["cf_region"], "South");
    assert_eq!(made["custom_field"]["cf_skills"], "b;c");
    assert_eq!(made["custom_field"]["cf_note"], Value::Null);

    for (key, bad) in [
        ("cf_region", json!("East")),
        ("cf_skills", json!("a;z")),
        ("cf_note", json!("x".repeat(257))),
        ("cf_note", json!({"x": 1})),
        ("cf_story", json!("x".repeat(10_001))),
        ("cf_age", json!("old")),
        ("cf_age", json!(100_000_000_000_i64)),
        ("cf_rate", json!("1,5")),
        ("cf_vip", json!("Yes")),
        ("cf_since", json!("02/29/2020")),
        ("cf_since", json!("2021-02-29")),
    ] {
        let body = json!({"contact": {"email": "e@f.test", "custom_field": {key: bad}}});
        let answer = b.post("/contacts", body.clone()).await;
        assert_eq!(answer.status, 400, "{body}");
    }
    let text = "x".repeat(256);
    let longest = json!({"email": "e@f.test", "custom_field": {"cf_note": text}});
    assert_eq!(
        b.made("/contacts", "contact", longest).await["custom_field"]["cf_note"],
        text
    );

    // A lookup by a custom field.
    let found = b
        .get("/lookup?q=HI&f=cf_note&entities=contact")
        .await
        .json();
    assert_eq!(found["contacts"]["contacts"][0]["email"], "a@b.test");
}

#[tokio::test]
async fn unknown_fields_and_choices_follow_their_switches() {
    let b = with_fields().await;
    let with = |mail: &str, key: &str, value: &str| json!({"contact": {"email": mail, "custom_field": {key: value}}});
    let ignored = b.post("/contacts", with("a@b.test", "cf_nope", "x")).await;
    assert_eq!(ignored.status, 200);
    assert_eq!(
        ignored.json()["contact"]["custom_field"].get("cf_nope"),
        None
    );
    let plural = b
        .made(
            "/contacts",
            "contact",
            json!({"email": "p@b.test", "custom_fields": {"cf_note": "x"}}),
        )
        .await;
    assert_eq!(plural["custom_field"]["cf_note"], Value::Null);

    b.admin(
        "POST",
        "/quirks",
        json!({"unknown_custom_field": "reject", "unknown_choice": "ignore"}),
    )
    .await;
    assert_eq!(
        b.post("/contacts", with("c@d.test", "cf_nope", "x"))
            .await
            .status,
        400
    );
    let dropped = b
        .post("/contacts", with("c@d.test", "cf_region", "East"))
        .await;
    assert_eq!(
        dropped.json()["contact"]["custom_field"]["cf_region"],
        Value::Null
    );

    b.admin("POST", "/quirks", json!({"custom_text_over": "cut"}))
        .await;
    let cut = b
        .post("/contacts", with("e@f.test", "cf_note", &"é".repeat(300)))
        .await;
    assert_eq!(
        cut.json()["contact"]["custom_field"]["cf_note"],
        "é".repeat(256)
    );
    for wrong in [json!({"nope": "x"}), json!({"window": "sliding"})] {
        assert_eq!(b.admin("POST", "/quirks", wrong).await.status, 400);
    }
}

#[tokio::test]
async fn an_update_replaces_custom_values_or_merges_them() {
    let b = with_fields().await;
    let body = json!({"email": "a@b.test", "custom_field": {"cf_note": "x", "cf_age": 4}});
    let path = format!(
        "/contacts/{}",
        b.made("/contacts", "contact", body).await["id"]
    );
    let put = async |custom: Value| {
        let json = b
            .put(&path, json!({"contact": {"custom_field": custom}}))
            .await
            .json();
        let values = &json["contact"]["custom_field"];
        (values["cf_note"].clone(), values["cf_age"].clone())
    };
    assert_eq!(put(json!({"cf_age": 5})).await, (Value::Null, json!(5)));
    let other = b
        .put(&path, json!({"contact": {"city": "Oslo"}}))
        .await
        .json();
    assert_eq!(
        other["contact"]["custom_field"]["cf_age"], 5,
        "not sent, not replaced"
    );
    b.admin("POST", "/quirks", json!({"custom_field_update": "merge"}))
        .await;
    assert_eq!(put(json!({"cf_note": "y"})).await, (json!("y"), json!(5)));
    assert_eq!(
        put(json!({"cf_age": null})).await,
        (json!("y"), Value::Null)
    );
}

#[tokio::test]
async fn the_tier_bounds_fields_and_rows() {
    let b = fresh().await;
    for n in 0..20 {
        field(&b, &format!("T{n}"), "text", json!([])).await;
    }
    let more = json!({"object": "contact", "label": "T20", "type": "text"});
    let refused = b.admin("POST", "/fields", more.clone()).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("20"), "{}", refused.text);
    // Numbers of both kinds share one count.
    for n in 0..30 {
        field(
            &b,
            &format!("N{n}"),
            if n % 2 == 0 { "int" } else { "decimal" },
            json!([]),
        )
        .await;
    }
    let number = json!({"object": "contact", "label": "N30", "type": "int"});
    assert_eq!(b.admin("POST", "/fields", number).await.status, 400);
    // Another object has its own.
    let deal = json!({"object": "deal", "label": "T20", "type": "text"});
    assert_eq!(b.admin("POST", "/fields", deal).await.status, 200);
    let choices: Vec<String> = (0..301).map(|n| n.to_string()).collect();
    let many = json!({"object": "deal", "label": "C", "type": "enum", "choices": choices});
    assert_eq!(b.admin("POST", "/fields", many).await.status, 400);

    let pipeline = b
        .admin("POST", "/objects/pipeline", json!({"name": "Second"}))
        .await;
    assert_eq!(
        pipeline.status, 400,
        "growth has one pipeline: {pipeline:?}"
    );
    let pro = start_with(SandboxOptions {
        tier: Some("pro".into()),
        ..SandboxOptions::default()
    })
    .await;
    assert_eq!(
        pro.admin("POST", "/objects/pipeline", json!({"name": "Second"}))
            .await
            .status,
        200
    );
    assert_eq!(pro.admin("POST", "/fields", more).await.status, 200);
}
