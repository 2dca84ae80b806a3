//! The shapes as a reference for people, in Markdown: every key with what it may hold and what it is for.
//!
//! Made from the same tables as the check and the JSON Schema; `docs/language.md` holds it, and a test keeps it fresh.

use super::{Key, Keys, Kind, Rule, Shape, Word};
use crate::spec::{SpecKind, shapes};
use std::fmt::Write;

/// The reference of one kind of file: its own keys first, then each object in the order in which it is first named.
pub fn reference(kind: SpecKind) -> String {
    let mut seen: Vec<&'static Shape> = Vec::new();
    gather(&Kind::Object(shapes::of(kind)), &mut seen);
    let mut out = String::new();
    for shape in seen {
        section(&mut out, shape, kind);
    }
    out
}

fn gather(kind: &Kind, seen: &mut Vec<&'static Shape>) {
    match kind {
        Kind::List(of) | Kind::Filled(of) | Kind::Map(_, of) => gather(of, seen),
        Kind::Either(kinds) => kinds.iter().for_each(|k| gather(k, seen)),
        Kind::Object(shape) if !seen.iter().any(|s| std::ptr::eq(*s, *shape)) => {
            seen.push(shape);
            shape.keys.iter().for_each(|k| gather(&k.kind, seen));
        }
        _ => {}
    }
}

fn section(out: &mut String, shape: &Shape, kind: SpecKind) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(
        out,
        "#### {}: {}\n\n{}\n",
        kind.name(),
        shape.title(),
        shape.doc
    );
    let _ = writeln!(out, "| key | holds | meaning |\n|---|---|---|");
    for key in shape.keys {
        let _ = writeln!(
            out,
            "| `{}` | {} | {} |",
            key.name,
            cell(&holds(key)),
            cell(&meaning(key))
        );
    }
    for rule in shape.rules {
        let _ = writeln!(out, "\n{}", together(rule));
    }
    out.push('\n');
}

fn holds(key: &Key) -> String {
    let kind = described(&key.kind);
    match (key.required, key.default) {
        (true, _) => format!("{kind}; **needed**"),
        (false, Some(default)) => format!("{kind}; without it `{default}`"),
        (false, None) => kind,
    }
}

fn meaning(key: &Key) -> String {
    let mut out = key.doc.to_owned();
    for words in words_of(&key.kind) {
        // Types are a list of their own.
        if std::ptr::eq(words, shapes::TYPES) {
            continue;
        }
        for (word, says) in words {
            let _ = write!(out, " `{word}`: {says}.");
        }
    }
    out
}

fn words_of(kind: &Kind) -> Vec<&'static [Word]> {
    match kind {
        Kind::Words(words) => vec![*words],
        Kind::Either(kinds) => kinds.iter().flat_map(words_of).collect(),
        Kind::List(of) | Kind::Filled(of) | Kind::Map(_, of) => words_of(of),
        _ => Vec::new(),
    }
}

fn described(kind: &Kind) -> String {
    match kind {
        Kind::Text => "text".to_owned(),
        Kind::Literal(form) => form.named().to_owned(),
        Kind::Words(words) if std::ptr::eq(*words, shapes::TYPES) => "a [type](#types)".to_owned(),
        Kind::Words(words) => {
            let words: Vec<String> = words.iter().map(|(w, _)| format!("`{w}`")).collect();
            words.join(" \\| ")
        }
        Kind::Int(low, high) => match (*low, *high) {
            (0, i64::MAX) => "whole number".to_owned(),
            (1, i64::MAX) => "whole number from 1".to_owned(),
            (i64::MIN, i64::MAX) => "whole number, also below 0".to_owned(),
            (low, high) => format!("whole number from {low} to {high}"),
        },
        Kind::Number(low, high) => format!("number from {low} to {high}"),
        Kind::Bool => "`true` or `false`".to_owned(),
        Kind::Scalar => "one value".to_owned(),
        Kind::List(of) => format!("list of {}", described(of)),
        Kind::Filled(of) => format!("list, not empty, of {}", described(of)),
        Kind::Map(keys, of) => format!("map of {} to {}", keyed(keys), described(of)),
        Kind::Object(shape) => format!("*{}*", shape.title()),
        Kind::Either(kinds) => {
            let all: Vec<String> = kinds.iter().map(described).collect();
            all.join(", or ")
        }
        Kind::Any => "anything".to_owned(),
    }
}

fn keyed(keys: &Keys) -> String {
    match keys {
        Keys::Any => "text".to_owned(),
        Keys::Form(form) => form.named().to_owned(),
        Keys::Words(words) if std::ptr::eq(*words, shapes::TYPES) => "[type](#types)".to_owned(),
        Keys::Words(words) => {
            let words: Vec<String> = words.iter().map(|(w, _)| format!("`{w}`")).collect();
            words.join(" \\| ")
        }
    }
}

fn together(rule: &Rule) -> String {
    let listed = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
        names.join(", ")
    };
    match rule {
        Rule::One(names) => format!("Exactly one of {}.", listed(names)),
        Rule::AnyOf(names) => format!("At least one of {}.", listed(names)),
        Rule::AtMostOne(names) => format!("At most one of {}.", listed(names)),
        Rule::Needs(key, other) => format!("`{key}` only together with `{other}`."),
        Rule::SingleKey => "Exactly one key.".to_owned(),
    }
}

/// A text that breaks no table: line breaks and bars that are not escaped yet.
fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars() {
        match c {
            '\n' => out.push(' '),
            '|' if before != '\\' => out.push_str("\\|"),
            '<' => out.push_str("&lt;"),
            c => out.push(c),
        }
        before = c;
    }
    out
}
