//! Match keys as text: the same text whether it comes from a value about to be sent or from a record the
//! destination shows.

use crate::{
    ident::FieldId,
    mapping::MatchKey,
    platform::{
        Key,
        wire::{FieldReader, WireValue},
    },
    value::Value,
};

/// A match key's text: its parts trimmed and lowered as the destination compares them, joined by U+001F.
pub type KeyText = String;

/// Which fields make a key, and how they compare.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyRule {
    /// The destination fields.
    pub fields: Vec<FieldId>,
    /// Trim before comparing.
    pub trim: bool,
    /// Compare in lower case.
    pub lower: bool,
}

impl From<&MatchKey> for KeyRule {
    fn from(m: &MatchKey) -> KeyRule {
        KeyRule {
            fields: m.pairs.iter().map(|(f, _)| *f).collect(),
            trim: m.trim,
            lower: m.lower,
        }
    }
}

impl From<&Key> for KeyRule {
    fn from(k: &Key) -> KeyRule {
        KeyRule {
            fields: k.by.clone(),
            trim: k.trim,
            lower: k.lower,
        }
    }
}

fn push(out: &mut String, text: &str, trim: bool, lower: bool) {
    if !out.is_empty() {
        out.push('\u{1f}');
    }
    let text = if trim { text.trim() } else { text };
    if lower {
        out.extend(text.chars().flat_map(char::to_lowercase));
    } else {
        out.push_str(text);
    }
}

/// The key's text from values aligned with `Step::fields`; `None` where one is missing.
pub fn of_values(key: &MatchKey, values: &[Value<'_>]) -> Option<KeyText> {
    let mut out = String::new();
    for (_, at) in &key.pairs {
        let text = match values.get(*at)? {
            Value::Text(t) => (*t).to_owned(),
            Value::Int(n) => n.to_string(),
            Value::Decimal(d) => d.normalize().to_string(),
            Value::Bool(b) => b.to_string(),
            Value::Date(d) => d.to_string(),
            Value::DateTime(t) => t.to_string(),
            Value::Dest(d) => d.id.to_owned(),
            Value::Absent | Value::Blank | Value::Bad(_) | Value::List(_) => return None,
        };
        push(&mut out, &text, key.trim, key.lower);
    }
    (!out.is_empty()).then_some(out)
}

/// The key's text from a record as the destination shows it; `None` where a field is missing. `readers` are those
/// of the object's fields.
pub fn of_record(
    rule: &KeyRule,
    readers: &[FieldReader],
    record: &serde_json::Value,
) -> Option<KeyText> {
    let mut out = String::new();
    for field in &rule.fields {
        let text = match readers.get(field.ix())?.read(record) {
            WireValue::One(text) | WireValue::Record { id: text, .. } => text,
            WireValue::Absent | WireValue::Null | WireValue::Many(_) => return None,
        };
        push(&mut out, &text, rule.trim, rule.lower);
    }
    (!out.is_empty()).then_some(out)
}
