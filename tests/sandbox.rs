//! The simulated account over plain HTTP, held against what is documented or verified about the vendor. The
//! engine's own client is not used.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the report"
)]

#[path = "sandbox/bulk.rs"]
mod bulk;
#[path = "sandbox/custom.rs"]
mod custom;
#[path = "sandbox/faults.rs"]
mod faults;
#[path = "sandbox/limits.rs"]
mod limits;
#[path = "sandbox/members.rs"]
mod members;
#[path = "sandbox/reading.rs"]
mod reading;
#[path = "sandbox/state.rs"]
mod state;
#[path = "sandbox/support.rs"]
mod support;
#[path = "sandbox/writing.rs"]
mod writing;

use serde_json::{Value, json};
use support::fresh;

/// The least that a contact needs, and a name.
fn contact(email: &str) -> Value {
    json!({"first_name": "Ada", "last_name": "Lind", "email": email})
}

#[tokio::test]
async fn a_contact_is_created_read_listed_and_looked_up() {
    let b = fresh().await;
    let made = b
        .made("/contacts", "contact", contact("ada@acme.test"))
        .await;
    assert_eq!(made["display_name"], "Ada Lind");
    assert_eq!(made["custom_field"], json!({}));
    let id = made["id"].as_i64().unwrap();
    let got = b.get(&format!("/contacts/{id}")).await;
    assert_eq!((got.status, &got.json()["contact"]), (200, &made));

    let list = b.get("/contacts/view/301?page=1&per_page=100").await;
    assert_eq!(list.json()["contacts"], json!([made]));
    assert_eq!(list.json()["meta"], json!({"total_pages": 1, "total": 1}));

    let found = b
        .get("/lookup?q=ADA@acme.test&f=email&entities=contact")
        .await;
    assert_eq!(found.json()["contacts"]["contacts"][0]["id"], id);

    let dump = b.dump("contact").await;
    assert_eq!(dump[0]["id"], id);
    assert_eq!(dump[0]["fields"]["email"], "ada@acme.test");
    assert_eq!(dump[0]["wire"]["email"], "ada@acme.test");
}
