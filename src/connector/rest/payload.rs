//! Request bodies: JSON put around bytes that are JSON already, and multipart forms.

use serde_json::Value;
use std::path::PathBuf;

/// A file to send as one part of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePart {
    /// Name of the part.
    pub field: String,
    /// The file.
    pub path: PathBuf,
    /// File name to send; `None`: the file's own.
    pub name: Option<String>,
    /// Its type; `None`: what its name shows.
    pub kind: Option<String>,
}

/// What a call carries. Kept so that it can be sent again.
#[derive(Clone, Debug)]
pub(super) enum Payload {
    None,
    Json(Vec<u8>),
    /// A plain form of names and values, for calls that read by POST. May hold the key: never shown.
    Pairs(Pairs),
    Form {
        fields: Vec<(String, String)>,
        files: Vec<FilePart>,
    },
}

/// Names and values of a plain form. Its `Debug` form shows names alone, as one of the values may be the key.
#[derive(Clone, Default)]
pub(super) struct Pairs(pub(super) Vec<(String, String)>);

impl std::fmt::Debug for Pairs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(n, _)| n))
            .finish()
    }
}

impl Pairs {
    /// As the body of a request.
    pub(super) fn encoded(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.0)
            .finish()
    }
}

/// A JSON text literal.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The record in its envelope; `key`: the member that carries the match key, the key's name and value.
pub(super) fn enveloped(
    record: &[u8],
    wrap: Option<&str>,
    key: Option<(&str, &str, &str)>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(record.len() + 64);
    let key = key.map(|(at, name, value)| {
        format!(
            "{}:{{{}:{}}}",
            quoted(at),
            quoted(name),
            key_json(name, value)
        )
    });
    match (wrap, key) {
        (None, None) => out.extend_from_slice(record),
        (None, Some(key)) => spliced(&mut out, &key, record),
        (Some(wrap), key) => {
            out.push(b'{');
            if let Some(key) = key {
                out.extend_from_slice(key.as_bytes());
                out.push(b',');
            }
            out.extend_from_slice(quoted(wrap).as_bytes());
            out.push(b':');
            out.extend_from_slice(record);
            out.push(b'}');
        }
    }
    out
}

/// One row of a bulk call: the key beside the record in `data`, or among the record's members.
pub(super) fn bulk_row(out: &mut Vec<u8>, key: (&str, &str), record: &[u8], data: Option<&str>) {
    let key = format!("{}:{}", quoted(key.0), key_json(key.0, key.1));
    match data {
        Some(data) => {
            out.push(b'{');
            out.extend_from_slice(key.as_bytes());
            out.push(b',');
            out.extend_from_slice(quoted(data).as_bytes());
            out.push(b':');
            out.extend_from_slice(record);
            out.push(b'}');
        }
        None => spliced(out, &key, record),
    }
}

/// Ids are numbers where they can be; other keys are texts.
fn key_json(name: &str, value: &str) -> String {
    match value.parse::<u64>() {
        Ok(number) if name == "id" && number.to_string() == value => value.to_owned(),
        _ => quoted(value),
    }
}

/// The JSON object with one more member in front.
fn spliced(out: &mut Vec<u8>, member: &str, record: &[u8]) {
    let record = record.trim_ascii();
    let inner = record
        .strip_prefix(b"{")
        .and_then(|r| r.strip_suffix(b"}"))
        .unwrap_or_default()
        .trim_ascii();
    out.push(b'{');
    out.extend_from_slice(member.as_bytes());
    if !inner.is_empty() {
        out.push(b',');
        out.extend_from_slice(inner);
    }
    out.push(b'}');
}

/// The members of a record as parts of a form. Null members have no part; `None` when it is no object.
pub(super) fn form_fields(record: &[u8], wrap: Option<&str>) -> Option<Vec<(String, String)>> {
    let Ok(Value::Object(members)) = serde_json::from_slice(record) else {
        return None;
    };
    let fields = members
        .into_iter()
        .filter_map(|(name, value)| {
            let text = match value {
                Value::Null => return None,
                Value::String(text) => text,
                other => other.to_string(),
            };
            let name = match wrap {
                Some(wrap) => format!("{wrap}[{name}]"),
                None => name,
            };
            Some((name, text))
        })
        .collect();
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parsed(bytes: &[u8]) -> Value {
        serde_json::from_slice(bytes).unwrap()
    }

    #[test]
    fn envelopes_are_put_around_the_bytes() {
        let record = br#"{"a":"x\"y"}"#;
        assert_eq!(enveloped(record, None, None), record);
        assert_eq!(
            parsed(&enveloped(record, Some("contact"), None)),
            json!({"contact": {"a": "x\"y"}})
        );
        assert_eq!(
            parsed(&enveloped(
                record,
                Some("contact"),
                Some(("by", "emails", "a@\"b"))
            )),
            json!({"by": {"emails": "a@\"b"}, "contact": {"a": "x\"y"}})
        );
        assert_eq!(
            parsed(&enveloped(b"{}", None, Some(("by", "id", "7")))),
            json!({"by": {"id": 7}})
        );
    }

    #[test]
    fn bulk_rows_carry_their_key() {
        let row = |key, data| {
            let mut out = Vec::new();
            bulk_row(&mut out, key, b" {\"n\":1} ", data);
            parsed(&out)
        };
        assert_eq!(
            row(("emails", "12"), Some("data")),
            json!({"emails": "12", "data": {"n": 1}})
        );
        assert_eq!(
            row(("id", "12"), Some("data")),
            json!({"id": 12, "data": {"n": 1}})
        );
        assert_eq!(row(("id", "012"), None), json!({"id": "012", "n": 1}));
    }

    #[test]
    fn forms_have_a_part_per_member() {
        let got = form_fields(br#"{"a":"x","n":1.50,"b":true,"z":null,"l":[1]}"#, None).unwrap();
        let got: Vec<_> = got.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(got, [("a", "x"), ("n", "1.5"), ("b", "true"), ("l", "[1]")]);
        assert_eq!(
            form_fields(br#"{"a":"x"}"#, Some("doc")).unwrap()[0].0,
            "doc[a]"
        );
        assert_eq!(form_fields(b"[]", None), None);
    }
}
