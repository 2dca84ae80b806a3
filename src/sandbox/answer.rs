//! Answers: the bodies that the platform file declares, filled in.

use crate::platform::Http;
use serde_json::{Map, Value};

/// An answer before it is sent.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Body; empty for none.
    pub body: Vec<u8>,
    /// True for a page instead of JSON.
    pub html: bool,
    /// The create call had an effect, for the books of repeated calls.
    pub made: bool,
}

impl Reply {
    /// A JSON answer.
    pub(super) fn json(status: u16, body: &Value) -> Reply {
        Reply {
            status,
            body: serde_json::to_vec(body).unwrap_or_default(),
            html: false,
            made: false,
        }
    }

    /// A JSON object.
    pub(super) fn object(status: u16, body: Map<String, Value>) -> Reply {
        Reply::json(status, &Value::Object(body))
    }

    /// The answer declared for a case (`refused`, `gone`, …), with its reasons. A case that is not declared has
    /// the status alone.
    pub(super) fn case(http: &Http, case: &str, reasons: &[String]) -> Reply {
        let plain = match case {
            "denied" => 401,
            "forbidden" => 403,
            "gone" | "bad_id" => 404,
            "format" => 406,
            "limited" => 429,
            "broken" => 500,
            _ => 400,
        };
        let found = http.bodies.iter().find(|(name, _)| name == case);
        let (status, body) = match found {
            Some((_, b)) => (b.status, fill(&b.json, b.status, reasons)),
            None => (plain, Value::Null),
        };
        let mut reply = Reply::json(status, &body);
        if body.is_null() {
            reply.body.clear();
        }
        reply
    }

    /// The answer to a record that is not there.
    pub(super) fn gone(http: &Http) -> Reply {
        let says = http.says.iter().find(|(case, _)| case == "gone");
        let text = says.map_or("there is no such record", |(_, t)| t);
        Reply::case(http, "gone", &[text.to_owned()])
    }
}

/// Fills `{status}` and `{message}` in. A list that holds only `{message}` takes all reasons.
fn fill(template: &Value, status: u16, reasons: &[String]) -> Value {
    match template {
        Value::String(s) if s == "{status}" => status.into(),
        Value::String(s) => s
            .replace("{status}", &status.to_string())
            .replace("{message}", &reasons.join("; "))
            .into(),
        Value::Array(items) if items.len() == 1 && items[0] == "{message}" => reasons.into(),
        Value::Array(items) => items.iter().map(|i| fill(i, status, reasons)).collect(),
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(k, v)| (k.clone(), fill(v, status, reasons)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Fills named places of a template in; a text that is only a place becomes the value itself.
pub(super) fn fill_places(template: &Value, places: &[(&str, Value)]) -> Value {
    match template {
        Value::String(s) => match places.iter().find(|(name, _)| s == name) {
            Some((_, value)) => value.clone(),
            None => template.clone(),
        },
        Value::Array(items) => items.iter().map(|i| fill_places(i, places)).collect(),
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(k, v)| (k.clone(), fill_places(v, places)))
                .collect(),
        ),
        other => other.clone(),
    }
}
