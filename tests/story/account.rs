//! What an account holds, as plain values to compare.

use crate::support::Sandbox;
use serde_json::Value;
use std::collections::BTreeMap;

/// Live records by object and id, without what the server computes by itself.
pub type Dump = BTreeMap<String, BTreeMap<String, Value>>;

/// The live records of an account.
pub fn dump(sandbox: &Sandbox) -> Dump {
    let all = sandbox.admin_get("/dump");
    let objects = all.as_object().expect("objects");
    objects
        .iter()
        .map(|(object, rows)| {
            let live = rows.as_array().expect("rows").iter();
            let rows = live
                .filter(|r| r["deleted"] != true)
                .map(|r| (id_of(r), plain(r)))
                .collect();
            (object.clone(), rows)
        })
        .collect()
}

fn id_of(row: &Value) -> String {
    row["id"].to_string().trim_matches('"').to_owned()
}

/// A record without the times of the server's own clock, and without members that hold nothing.
fn plain(row: &Value) -> Value {
    match row {
        Value::Object(members) => members
            .iter()
            .filter(|(name, value)| {
                let clock =
                    ["created_at", "updated_at", "created", "updated"].contains(&name.as_str());
                !clock && !is_nothing(value)
            })
            .map(|(name, value)| (name.clone(), plain(value)))
            .filter(|(_, value)| !is_nothing(value))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}
