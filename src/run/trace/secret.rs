//! Keeps out of a trace what may be secret in addresses: names and passwords, and the query of an address of a file.

use crate::{connector::download::bare, outcome::trace::Trace, platform::Object, value::Type};
use serde_json::Value;
use std::collections::BTreeMap;

/// Puts every address that stands in the trace with a secret as holds and the ledger show it.
pub fn hide<'o>(told: &mut Trace, to: impl Fn(&str) -> Option<&'o Object>) {
    let mut found = BTreeMap::new();
    let mut add = |text: &str| {
        if let Some(bare) = bare(text) {
            found.insert(text.trim().to_owned(), bare);
        }
    };
    for (_, text) in told.cells.iter().filter(|(_, t)| has_name(t)) {
        add(text);
    }
    for step in &told.steps {
        let object = to(&step.to);
        let is_file = |name: &str| {
            let field = object.and_then(|o| o.fields.iter().find(|f| f.name == name));
            field.is_some_and(|f| f.data_type == Type::File)
        };
        for field in &step.fields {
            let all = field.values.iter().map(|(_, v)| v).chain([&field.sent]);
            let is_file = is_file(&field.field);
            all.filter(|v| is_file || has_name(v)).for_each(|v| add(v));
        }
    }
    if found.is_empty() {
        return;
    }
    let clean = |text: &mut String| {
        // The longest first: one address may begin another.
        for (raw, bare) in found.iter().rev() {
            if text.contains(raw.as_str()) {
                *text = text.replace(raw.as_str(), bare);
            }
        }
    };
    told.cells.iter_mut().for_each(|(_, text)| clean(text));
    for step in &mut told.steps {
        clean(&mut step.reason);
        for field in &mut step.fields {
            field.values.iter_mut().for_each(|(_, text)| clean(text));
            clean(&mut field.sent);
        }
        for request in &mut step.requests {
            each_text(&mut request.body, &clean);
        }
        for there in &mut step.there {
            for (_, expected, found) in &mut there.differences {
                clean(expected);
                clean(found);
            }
        }
    }
}

/// True for an address with a name or a password in it.
fn has_name(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    host.contains('@')
}

fn each_text(value: &mut Value, clean: &impl Fn(&mut String)) {
    match value {
        Value::String(text) => clean(text),
        Value::Array(all) => all.iter_mut().for_each(|v| each_text(v, clean)),
        Value::Object(all) => all.values_mut().for_each(|v| each_text(v, clean)),
        _ => {}
    }
}
