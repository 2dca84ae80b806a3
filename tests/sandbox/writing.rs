//! What can be written, what is refused and in which words, and what changes in silence.

use crate::{
    contact,
    support::{Box, fresh},
};
use serde_json::{Value, json};
use transload::clock::{Clock, SystemClock};

#[tokio::test]
async fn statuses_of_success() {
    let b = fresh().await;
    for (path, wrap, body, status) in [
        ("/contacts", "contact", contact("a@b.test"), 200),
        (
            "/sales_accounts",
            "sales_account",
            json!({"name": "Acme"}),
            200,
        ),
        ("/deals", "deal", json!({"name": "Pilot"}), 200),
        (
            "/tasks",
            "task",
            json!({"title": "Call", "due_date": "2026-02-01T10:00:00+01:00"}),
            201,
        ),
    ] {
        let answer = b.post(path, json!({wrap: body})).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        let id = answer.json()[wrap]["id"].clone();
        let put = b.put(&format!("{path}/{id}"), json!({wrap: {}})).await;
        assert_eq!((put.status, &put.json()[wrap]["id"]), (200, &id));
    }
}

#[tokio::test]
async fn with_or_without_the_envelope() {
    let b = fresh().await;
    let flat = b
        .post(
            "/contacts",
            json!({"email": "a@b.test", "nonsense": {"x": [1]}, "custom_fields": {"cf_a": 1}}),
        )
        .await;
    assert_eq!(flat.status, 200);
    assert_eq!(flat.json()["contact"]["email"], "a@b.test");
    let id = flat.json()["contact"]["id"].clone();
    let put = b
        .put(&format!("/contacts/{id}"), json!({"city": "Oslo"}))
        .await;
    assert_eq!(put.json()["contact"]["city"], "Oslo");
    let wrapped = b
        .post(
            "/contacts",
            json!({"contact": contact("c@d.test"), "other": true}),
        )
        .await;
    assert_eq!(wrapped.status, 200);
}

#[tokio::test]
async fn bodies_that_are_no_records() {
    let b = fresh().await;
    for body in [
        "",
        "{",
        "[]",
        "3",
        "null",
        "\"x\"",
        r#"{"contact": []}"#,
        r#"{"contact": 7}"#,
    ] {
        let answer = b.send(b.request("POST", "/contacts").body(body)).await;
        assert_eq!(answer.status, 400, "{body}");
        assert!(!answer.reasons().is_empty());
    }
    assert_eq!(b.dump("contact").await.len(), 0);
}

/// The only reason of a refusal.
async fn reason(b: &Box, path: &str, wrap: &str, record: Value) -> String {
    let answer = b.post(path, json!({wrap: record})).await;
    assert_eq!(answer.status, 400, "{path} {record}: {}", answer.text);
    let mut reasons = answer.reasons();
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    reasons.remove(0)
}

#[tokio::test]
async fn refusals_in_the_vendors_words() {
    let b = fresh().await;
    let long = "x".repeat(300);
    b.made("/contacts", "contact", contact("Ada@acme.test"))
        .await;
    b.made("/sales_accounts", "sales_account", json!({"name": "Acme"}))
        .await;
    let c = async |record| reason(&b, "/contacts", "contact", record).await;
    assert_eq!(
        c(json!({"last_name": "Lind"})).await,
        "Need to fill this Email"
    );
    assert_eq!(
        c(json!({"mobile_number": "+15550100"})).await,
        "Need to fill this Email"
    );
    assert_eq!(c(json!({"email": ""})).await, "Need to fill this Email");
    // A duplicate is 400, never 409, and case does not tell two apart.
    assert_eq!(
        c(contact("ADA@ACME.test")).await,
        "ADA@ACME.test already exists."
    );
    assert!(
        c(json!({"email": "no mail"}))
            .await
            .contains("invalid email address")
    );
    let mut over = contact("x@y.test");
    over["first_name"] = json!(long);
    assert!(c(over).await.contains("not in required length"));
    let mut odd = contact("x@y.test");
    odd["contact_status_id"] = json!(7);
    assert_eq!(c(odd).await, "Invalid contact status provided.");
    let mut odd = contact("x@y.test");
    odd["lifecycle_stage_id"] = json!(7);
    assert_eq!(c(odd).await, "Invalid lifecycle stage provided.");

    let a = async |record| reason(&b, "/sales_accounts", "sales_account", record).await;
    assert_eq!(a(json!({"phone": "1"})).await, "Name can't be empty");
    assert_eq!(a(json!({"name": " "})).await, "Name can't be empty");
    assert_eq!(
        a(json!({"name": "acme"})).await,
        "Name has already been taken"
    );
    assert!(
        a(json!({"name": "x".repeat(256)}))
            .await
            .contains("not in required length")
    );
    assert_eq!(
        a(json!({"name": "Beta", "website": "not a site"})).await,
        "website is not in required format"
    );

    let d = async |record| reason(&b, "/deals", "deal", record).await;
    assert_eq!(d(json!({"amount": 1})).await, "Deal name can't be empty");
    assert_eq!(
        d(json!({"name": "P", "deal_stage_id": 7})).await,
        "Deal stage doesn't exist"
    );
    d(json!({"name": "P", "amount": "a lot"})).await;
    d(json!({"name": "P", "amount": 9_007_199_254_740_993_i64})).await;
    d(json!({"name": "P", "sales_account_id": 7})).await;
    d(json!({"name": "P", "owner_id": 7})).await;
    d(json!({"name": "P", "contacts_added_list": [7]})).await;

    let t = async |record| reason(&b, "/tasks", "task", record).await;
    assert_eq!(
        t(json!({"due_date": "2026-02-01T10:00:00Z"})).await,
        "Title can't be blank"
    );
    assert_eq!(t(json!({"title": "Call"})).await, "Due date can't be blank");
    t(json!({"title": "Call", "due_date": "soon"})).await;

    let n = async |record| reason(&b, "/notes", "note", record).await;
    let id = b.dump("contact").await[0]["id"].clone();
    assert!(
        n(json!({"description": "", "targetable_type": "Contact", "targetable_id": id}))
            .await
            .contains("can't be blank")
    );
    for (kind, id) in [
        ("Contact", json!(7)),
        ("Planet", id.clone()),
        ("SalesAccount", id.clone()),
    ] {
        n(json!({"description": "x", "targetable_type": kind, "targetable_id": id})).await;
    }
    n(json!({"description": "x", "targetable_id": id})).await;
    n(json!({"description": "x"})).await;

    // All reasons at once.
    let both = b
        .post("/tasks", json!({"task": {"description": "x"}}))
        .await;
    assert_eq!(
        both.reasons(),
        ["Title can't be blank", "Due date can't be blank"]
    );
    assert_eq!(
        (b.dump("deal").await.len(), b.dump("note").await.len()),
        (0, 0)
    );
}

#[tokio::test]
async fn what_becomes_null_in_silence() {
    let b = fresh().await;
    let account = b
        .made(
            "/sales_accounts",
            "sales_account",
            json!({"name": "Acme", "phone": "call the desk"}),
        )
        .await;
    assert_eq!(account["phone"], Value::Null);
    let good = b
        .made(
            "/sales_accounts",
            "sales_account",
            json!({"name": "Beta", "phone": "+1 (555) 010-0 ext. 4"}),
        )
        .await;
    assert_eq!(good["phone"], "+1 (555) 010-0 ext. 4");
    let deal = b
        .made(
            "/deals",
            "deal",
            json!({"name": "P", "expected_close": "next spring"}),
        )
        .await;
    assert_eq!(deal["expected_close"], Value::Null);
}

#[tokio::test]
async fn an_update_is_partial_and_null_clears() {
    let b = fresh().await;
    let made = b
        .made(
            "/contacts",
            "contact",
            json!({"email": "a@b.test", "city": "Oslo", "tags": ["x", "y"], "first_name": "Ada"}),
        )
        .await;
    let path = format!("/contacts/{}", made["id"]);
    let put = b
        .put(
            &path,
            json!({"contact": {"job_title": "CTO", "tags": ["z"]}}),
        )
        .await
        .json();
    assert_eq!(put["contact"]["city"], "Oslo");
    assert_eq!(put["contact"]["job_title"], "CTO");
    assert_eq!(put["contact"]["tags"], json!(["z"]));
    let put = b
        .put(&path, json!({"contact": {"city": null}}))
        .await
        .json();
    assert_eq!(put["contact"]["city"], Value::Null);
    assert_eq!(put["contact"]["display_name"], "Ada");
    let refused = b.put(&path, json!({"contact": {"email": null}})).await;
    assert_eq!(refused.reasons(), ["Need to fill this Email"]);
    let same = b
        .put(&path, json!({"contact": {"email": "A@B.test"}}))
        .await;
    assert_eq!(same.status, 200, "its own e-mail is not taken");
}

#[tokio::test]
async fn emails_in_their_three_forms() {
    let b = fresh().await;
    let text = b
        .made("/contacts", "contact", json!({"emails": "a@b.test"}))
        .await;
    assert_eq!(text["email"], "a@b.test");
    let list = json!([{"value": "x@b.test", "is_primary": false}, {"value": "p@b.test", "is_primary": true}]);
    let list = b
        .made("/contacts", "contact", json!({"emails": list}))
        .await;
    assert_eq!(list["email"], "p@b.test");
    assert_eq!(
        list["emails"],
        json!([{"value": "p@b.test", "is_primary": true, "label": null, "_destroy": false}])
    );
    for odd in [json!({}), json!(7), json!([]), json!([{}]), json!([[1]])] {
        let answer = b
            .post("/contacts", json!({"contact": {"emails": odd}}))
            .await;
        assert_eq!(answer.status, 400, "{odd}");
    }
}

#[tokio::test]
async fn a_new_contact_is_a_new_lead() {
    let b = fresh().await;
    let lead = b
        .id_of("/selector/lifecycle_stages", "lifecycle_stages", "Lead")
        .await;
    let new = b
        .id_of("/selector/contact_statuses", "contact_statuses", "New")
        .await;
    let made = b.made("/contacts", "contact", contact("a@b.test")).await;
    assert_eq!(made["lifecycle_stage_id"], lead);
    assert_eq!(made["contact_status_id"], new);
}

#[tokio::test]
async fn a_deal_follows_its_stage() {
    let b = fresh().await;
    let stage = async |name: &str| b.id_of("/selector/deal_stages", "deal_stages", name).await;
    let pipeline = b
        .id_of(
            "/selector/deal_pipelines",
            "deal_pipelines",
            "Default Pipeline",
        )
        .await;
    let deal = b
        .made(
            "/deals",
            "deal",
            json!({"name": "P", "amount": 1200.5, "probability": 77}),
        )
        .await;
    assert_eq!(deal["deal_pipeline_id"], pipeline);
    assert_eq!(deal["deal_stage_id"], stage("New").await);
    assert_eq!(deal["probability"], 10);
    assert_eq!(deal["amount"], "1200.5");
    let path = format!("/deals/{}", deal["id"]);
    let next = stage("Qualification").await;
    let put = b
        .put(
            &path,
            json!({"deal": {"deal_stage_id": next, "amount": "0"}}),
        )
        .await
        .json();
    assert_eq!(put["deal"]["probability"], 30);
    assert_eq!(put["deal"]["amount"], "0.0");
    let minus = b.put(&path, json!({"deal": {"amount": -5}})).await.json();
    assert_eq!(minus["deal"]["amount"], "-5.0");
    let close = b
        .put(&path, json!({"deal": {"expected_close": "2026-03-31"}}))
        .await
        .json();
    assert_eq!(close["deal"]["expected_close"], "2026-03-31");
}

#[tokio::test]
async fn a_stage_belongs_to_a_pipeline() {
    let b = crate::support::start_with(transload::sandbox::SandboxOptions {
        unlimited: true,
        tier: Some("pro".into()),
        ..Default::default()
    })
    .await;
    let made = b
        .admin("POST", "/objects/pipeline", json!({"name": "Upsell"}))
        .await
        .json();
    let upsell = made["id"].clone();
    let made = b
        .admin(
            "POST",
            "/objects/stage",
            json!({"pipeline": "Upsell", "name": "New", "position": 1, "probability": 5}),
        )
        .await;
    assert_eq!(made.status, 200, "{made:?}");
    let first = made.json()["id"].clone();
    let won = b.id_of("/selector/deal_stages", "deal_stages", "Won").await;

    let deal = b
        .made(
            "/deals",
            "deal",
            json!({"name": "P", "deal_pipeline_id": upsell}),
        )
        .await;
    assert_eq!(
        (&deal["deal_stage_id"], &deal["probability"]),
        (&first, &json!(5))
    );
    let deal = b
        .made(
            "/deals",
            "deal",
            json!({"name": "Q", "deal_stage_id": first}),
        )
        .await;
    assert_eq!(deal["deal_pipeline_id"], upsell);
    let path = format!("/deals/{}", deal["id"]);
    let put = b
        .put(&path, json!({"deal": {"deal_stage_id": won}}))
        .await
        .json();
    assert_ne!(put["deal"]["deal_pipeline_id"], upsell);
    let put = b
        .put(&path, json!({"deal": {"deal_pipeline_id": upsell}}))
        .await
        .json();
    assert_eq!(put["deal"]["deal_stage_id"], first);
    let both = json!({"name": "R", "deal_pipeline_id": upsell, "deal_stage_id": won});
    assert_eq!(
        reason(&b, "/deals", "deal", both).await,
        "Deal stage doesn't exist"
    );
}

#[tokio::test]
async fn contacts_are_added_to_a_deal_and_removed() {
    let b = fresh().await;
    let mut ids = Vec::new();
    for mail in ["a@b.test", "c@d.test"] {
        ids.push(b.made("/contacts", "contact", contact(mail)).await["id"].clone());
    }
    let deal = b
        .made(
            "/deals",
            "deal",
            json!({"name": "P", "contacts_added_list": [ids[0]]}),
        )
        .await;
    let path = format!("/deals/{}", deal["id"]);
    let read = async || {
        let json = b.get(&format!("{path}?include=contacts")).await.json();
        (
            json["deal"]["contact_ids"].clone(),
            json["contacts"].as_array().unwrap().len(),
        )
    };
    assert_eq!(read().await, (json!([ids[0]]), 1));
    b.put(&path, json!({"deal": {"contacts_added_list": [ids[1]]}}))
        .await;
    assert_eq!(read().await, (json!(ids), 2));
    b.put(&path, json!({"deal": {"contacts_removed_list": [ids[0]]}}))
        .await;
    assert_eq!(read().await, (json!([ids[1]]), 1));
    assert_eq!(b.get(&path).await.json()["deal"].get("contact_ids"), None);
}

#[tokio::test]
async fn the_recycle_bin() {
    let b = fresh().await;
    let made = b.made("/contacts", "contact", contact("a@b.test")).await;
    let path = format!("/contacts/{}", made["id"]);
    let gone = b.delete(&path).await;
    assert_eq!((gone.status, gone.text.as_str()), (200, "true"));
    for answer in [
        b.get(&path).await,
        b.delete(&path).await,
        b.put(&path, json!({"contact": {"city": "x"}})).await,
    ] {
        assert_eq!(answer.status, 404);
    }
    let total = async |view: u64| {
        let json = b.get(&format!("/contacts/view/{view}")).await.json();
        json["meta"]["total"].clone()
    };
    assert_eq!((total(301).await, total(302).await), (json!(0), json!(1)));
    assert_eq!(b.dump("contact").await[0]["deleted"], true);
    let lookup = b
        .get("/lookup?q=a@b.test&f=email&entities=contact")
        .await
        .json();
    assert_eq!(lookup["contacts"]["contacts"], json!([]));

    assert_eq!(
        b.put(&format!("{path}/restore"), json!({})).await.status,
        200
    );
    assert_eq!(b.get(&path).await.json()["contact"]["email"], "a@b.test");
    assert_eq!(
        b.put(&format!("{path}/restore"), json!({})).await.status,
        404
    );
    assert_eq!((total(301).await, total(302).await), (json!(1), json!(0)));

    assert_eq!(b.delete(&format!("{path}/forget")).await.status, 200);
    assert_eq!(
        b.put(&format!("{path}/restore"), json!({})).await.status,
        404
    );
    assert_eq!(b.dump("contact").await.len(), 0);
    let next = b.made("/contacts", "contact", contact("a@b.test")).await;
    assert_ne!(next["id"], made["id"], "an id is not used again");
}

#[tokio::test]
async fn the_key_of_a_deleted_record() {
    let b = fresh().await;
    let first = b.made("/contacts", "contact", contact("a@b.test")).await["id"].clone();
    b.delete(&format!("/contacts/{first}")).await;
    b.admin("POST", "/quirks", json!({"deleted_key": "taken"}))
        .await;
    assert_eq!(
        b.post("/contacts", json!({"contact": contact("a@b.test")}))
            .await
            .status,
        400
    );
    b.admin("POST", "/quirks", json!({"deleted_key": "freed"}))
        .await;
    b.made("/contacts", "contact", contact("a@b.test")).await;
    // The old one cannot come back now.
    let back = b
        .put(&format!("/contacts/{first}/restore"), json!({}))
        .await;
    assert_eq!(back.reasons(), ["a@b.test already exists."]);
}

#[tokio::test]
async fn deleting_an_account_drops_its_links() {
    let b = fresh().await;
    let account = b
        .made("/sales_accounts", "sales_account", json!({"name": "Acme"}))
        .await["id"]
        .clone();
    let child = b
        .made(
            "/sales_accounts",
            "sales_account",
            json!({"name": "Sub", "parent_sales_account_id": account}),
        )
        .await["id"]
        .clone();
    let deal = b
        .made(
            "/deals",
            "deal",
            json!({"name": "P", "sales_account_id": account}),
        )
        .await["id"]
        .clone();
    b.delete(&format!("/sales_accounts/{account}")).await;
    assert_eq!(
        b.post(
            "/deals",
            json!({"deal": {"name": "Q", "sales_account_id": account}})
        )
        .await
        .status,
        400,
        "a record in the recycle bin cannot be pointed to"
    );
    b.put(&format!("/sales_accounts/{account}/restore"), json!({}))
        .await;
    let deal = b.get(&format!("/deals/{deal}")).await.json();
    assert_eq!(deal["deal"]["sales_account_id"], Value::Null);
    let child = b.get(&format!("/sales_accounts/{child}")).await.json();
    assert_eq!(
        child["sales_account"]["parent_sales_account_id"],
        Value::Null
    );
}

#[tokio::test]
async fn tasks_open_and_done() {
    let b = fresh().await;
    let about = b.made("/contacts", "contact", contact("a@b.test")).await["id"].clone();
    let due = "2026-02-01T10:00:00+01:00";
    let task = b
        .made("/tasks", "task", json!({"title": "Call", "due_date": due, "targetable_type": "Contact", "targetable_id": about, "completed_date": due}))
        .await;
    assert_eq!(task["due_date"], "2026-02-01T03:00:00-06:00");
    assert_eq!(
        (&task["targetable_type"], &task["targetable_id"]),
        (&json!("Contact"), &about)
    );
    assert_eq!(task["completed_date"], Value::Null);
    b.made(
        "/tasks",
        "task",
        json!({"title": "Write", "due_date": due, "status": 1}),
    )
    .await;
    let titles = async |query: &str| {
        let json = b.get(&format!("/tasks?{query}")).await.json();
        let list = json["tasks"].as_array().unwrap().clone();
        assert_eq!(json["meta"]["total"], list.len());
        list.iter().map(|t| t["title"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(titles("filter=open").await, ["Call"]);
    assert_eq!(titles("filter=completed").await, ["Write"]);
    assert_eq!(titles("").await, ["Call"], "without a filter: open");
    assert_eq!(b.get("/tasks?filter=nonsense").await.status, 400);

    let path = format!("/tasks/{}", task["id"]);
    let done = b.put(&path, json!({"task": {"status": 1}})).await.json();
    assert_eq!(done["task"]["status"], 1);
    assert!(
        done["task"]["completed_date"]
            .as_str()
            .unwrap()
            .ends_with("-06:00")
    );
    assert_eq!(titles("filter=completed").await, ["Call", "Write"]);
    let mine = b.get(&format!("/contacts/{about}/tasks")).await.json();
    assert_eq!(mine["tasks"].as_array().unwrap().len(), 1);
    let open = b.put(&path, json!({"task": {"status": 0}})).await.json();
    assert_eq!(open["task"]["completed_date"], Value::Null);
    assert_eq!(
        b.put(&path, json!({"task": {"status": 2}})).await.status,
        400
    );

    let gone = b.delete(&path).await;
    assert_eq!((gone.status, gone.json()), (200, json!({"success": "200"})));
    assert_eq!(b.get(&path).await.status, 404);
    assert_eq!(b.dump("task").await.len(), 1);
}

#[tokio::test]
async fn notes_belong_to_a_record() {
    let b = fresh().await;
    let account = b
        .made("/sales_accounts", "sales_account", json!({"name": "Acme"}))
        .await["id"]
        .clone();
    let note = b
        .post("/notes", json!({"note": {"description": "<b>hi</b>", "targetable_type": "SalesAccount", "targetable_id": account}}))
        .await;
    assert_eq!(note.status, 200);
    let note = note.json()["note"].clone();
    assert_eq!(note["description"], "<b>hi</b>");
    let list = b
        .get(&format!(
            "/sales_accounts/{account}/notes?page=1&per_page=100"
        ))
        .await
        .json();
    assert_eq!(list["notes"], json!([note]));
    assert_eq!(list["meta"], json!({"total_pages": 1, "total": 1}));
    assert_eq!(b.get("/sales_accounts/999/notes").await.status, 404);
    let put = b
        .put(
            &format!("/notes/{}", note["id"]),
            json!({"note": {"description": "new"}}),
        )
        .await
        .json();
    assert_eq!(put["note"]["description"], "new");
    assert_eq!(put["note"]["targetable_id"], account);
    assert_eq!(
        b.delete(&format!("/notes/{}", note["id"])).await.status,
        200
    );
    let list = b
        .get(&format!("/sales_accounts/{account}/notes"))
        .await
        .json();
    assert_eq!(list["notes"], json!([]));
}

#[tokio::test]
async fn upserts_match_by_key() {
    let b = fresh().await;
    let upsert = async |key: Value, record: Value| {
        b.post(
            "/contacts/upsert",
            json!({"unique_identifier": key, "contact": record}),
        )
        .await
    };
    let new = upsert(
        json!({"external_id": "src-1"}),
        json!({"email": "a@b.test"}),
    )
    .await;
    assert_eq!(new.status, 201);
    let new = new.json()["contact"].clone();
    assert_eq!(new["external_id"], "src-1");
    let again = upsert(json!({"external_id": "src-1"}), json!({"job_title": "CTO"})).await;
    assert_eq!(
        (again.status, &again.json()["contact"]["id"]),
        (200, &new["id"])
    );
    let mail = upsert(json!({"emails": "A@b.test"}), json!({"city": "Oslo"})).await;
    assert_eq!(
        (mail.status, &mail.json()["contact"]["id"]),
        (200, &new["id"])
    );
    assert_eq!(mail.json()["contact"]["job_title"], "CTO");
    for key in [
        json!({}),
        json!({"nonsense": 1}),
        json!({"emails": ""}),
        json!(null),
        json!("x"),
    ] {
        assert_eq!(
            upsert(key.clone(), json!({"email": "z@b.test"}))
                .await
                .status,
            400,
            "{key}"
        );
    }
    let account = b
        .post(
            "/sales_accounts/upsert",
            json!({"unique_identifier": {"name": "Acme"}, "sales_account": {"city": "Oslo"}}),
        )
        .await;
    assert_eq!(
        (account.status, &account.json()["sales_account"]["name"]),
        (201, &json!("Acme"))
    );
}

#[tokio::test]
async fn an_appointment_keeps_its_attendees_of_both_kinds() {
    let b = fresh().await;
    b.admin(
        "POST",
        "/objects/user",
        json!({"name": "Ann", "email": "ann@b.test"}),
    )
    .await;
    let user = b.id_of("/selector/owners", "users", "Ann").await;
    let guest = b.made("/contacts", "contact", contact("g@b.test")).await["id"].clone();
    let meeting = |attendees: Value| {
        json!({"appointment": {
            "title": "Demo",
            "from_date": "2026-01-02T10:00:00+01:00",
            "end_date": "2026-01-02T11:00:00+01:00",
            "appointment_attendees_attributes": attendees,
        }})
    };
    let both = json!([
        {"attendee_type": "FdMultitenant::User", "attendee_id": user.to_string()},
        {"attendee_type": "Contact", "attendee_id": guest},
    ]);
    let made = b.post("/appointments", meeting(both)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!("/appointments/{}", made.json()["appointment"]["id"]);
    let plain = b.get(&path).await.json();
    assert_eq!(plain["appointment"].get("appointment_attendees"), None);
    let shown = b
        .get("/appointments?filter=past&include=appointment_attendees")
        .await
        .json();
    assert_eq!(
        shown["appointments"][0]["appointment_attendees"],
        json!([
            {"attendee_type": "FdMultitenant::User", "attendee_id": user},
            {"attendee_type": "Contact", "attendee_id": guest},
        ])
    );
    for wrong in [
        json!([{"attendee_type": "Contact", "attendee_id": user}]),
        json!([{"attendee_type": "Robot", "attendee_id": user}]),
        json!([{"attendee_id": user}]),
        json!([user]),
    ] {
        let answer = b.post("/appointments", meeting(wrong)).await;
        assert_eq!(answer.status, 400, "{answer:?}");
    }
}

/// The task filters of the vendor's list; days are those of the account's zone.
#[tokio::test]
async fn tasks_are_listed_by_when_they_are_due() {
    let b = fresh().await;
    let hours = |n: i64| {
        let offset = jiff::tz::Offset::from_hours(-6).expect("an offset");
        let now = SystemClock::new().now().to_zoned(offset.to_time_zone());
        let noon = now
            .date()
            .at(12, 0, 0, 0)
            .to_zoned(offset.to_time_zone())
            .expect("noon");
        noon.checked_add(jiff::Span::new().hours(n))
            .expect("a time")
            .timestamp()
            .to_string()
    };
    for (title, due, status) in [
        ("Long ago", hours(-240), 0),
        ("Today", hours(0), 0),
        ("Tomorrow", hours(24), 0),
        ("Later", hours(240), 0),
        ("Over", hours(0), 1),
    ] {
        let task = json!({"title": title, "due_date": due, "status": status});
        b.made("/tasks", "task", task).await;
    }
    for (filter, expected, never) in [
        (
            "due today",
            vec!["Today"],
            vec!["Tomorrow", "Later", "Long ago", "Over"],
        ),
        (
            "due tomorrow",
            vec!["Tomorrow"],
            vec!["Today", "Later", "Long ago", "Over"],
        ),
        (
            "overdue",
            vec!["Long ago"],
            vec!["Tomorrow", "Later", "Over"],
        ),
        (
            "completed",
            vec!["Over"],
            vec!["Today", "Tomorrow", "Later", "Long ago"],
        ),
    ] {
        let path = format!("/tasks?filter={}&per_page=100", filter.replace(' ', "%20"));
        let answer = b.get(&path).await.json();
        let titles: Vec<&str> = answer["tasks"]
            .as_array()
            .expect("tasks")
            .iter()
            .filter_map(|t| t["title"].as_str())
            .collect();
        for title in expected {
            assert!(titles.contains(&title), "{filter}: {titles:?}");
        }
        for title in never {
            assert!(!titles.contains(&title), "{filter}: {titles:?}");
        }
    }
}
