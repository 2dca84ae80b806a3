//! The tables of keys of each kind of spec file.
//!
//! Every word that a person may write in a platform, mapping or migration file stands here, once, with
//! its doc sentence. What the words mean together is judged by `check`.

pub mod connect;
pub mod endpoint;
pub mod field;
pub mod field_map;
pub mod mapping;
pub mod migration;
pub mod object;
pub mod op;
pub mod pace;
pub mod platform;
pub mod policy;
pub mod step;

use super::{
    SpecKind,
    shape::{Key, Keys, Kind, Literal, Shape, Word, required},
};

/// The shape of one kind of file.
pub fn of(kind: SpecKind) -> &'static Shape {
    match kind {
        SpecKind::Platform => &platform::PLATFORM,
        SpecKind::Mapping => &mapping::MAPPING,
        SpecKind::Migration => &migration::MIGRATION,
    }
}

/// `spec: kind/vN`, the first key of every file.
pub(super) const SPEC: Key = required(
    "spec",
    Kind::Text,
    "The kind and version of this file; its first key.",
);

/// A name: small letters, digits, `_`.
pub(super) const NAME: Kind = Kind::Literal(Literal::Name);
/// A whole number from 0.
pub(super) const COUNT: Kind = Kind::Int(0, i64::MAX);
/// A whole number from 1.
pub(super) const POSITIVE: Kind = Kind::Int(1, i64::MAX);
/// Keys that are names.
pub(super) const NAMES: Keys = Keys::Form(Literal::Name);
/// A list of texts.
pub(super) const TEXTS: Kind = Kind::List(&Kind::Text);
/// A list of texts with at least one.
pub(super) const SOME_TEXTS: Kind = Kind::Filled(&Kind::Text);
/// A list of names with at least one.
pub(super) const SOME_NAMES: Kind = Kind::Filled(&NAME);
/// Texts by any key.
pub(super) const TEXT_MAP: Kind = Kind::Map(Keys::Any, &Kind::Text);
/// A number that may differ by tier.
pub(super) const TIERED: Kind = Kind::Either(&[COUNT, Kind::Map(NAMES, &COUNT)]);
/// The choices of a field.
pub(super) const CHOICES: Kind = Kind::Either(&[
    Kind::Words(&[("observed", "the choices are those found in the data")]),
    Kind::List(&Kind::Text),
]);

/// The types of fields.
pub static TYPES: &[Word] = &[
    ("id", "the record's own id"),
    ("text", "plain text"),
    ("html", "text with markup"),
    ("email", "an e-mail address"),
    ("phone", "a telephone number as written"),
    ("url", "a web address"),
    ("int", "a whole number"),
    ("decimal", "an exact decimal number"),
    ("bool", "true or false"),
    ("date", "a day"),
    ("datetime", "an instant"),
    ("bytes", "a size in bytes"),
    ("enum", "one of a list of choices"),
    ("multi_enum", "several of a list of choices"),
    ("tags", "free labels"),
    ("ref", "a reference to a record of another object"),
    ("file", "a file"),
    ("json_text", "text that holds JSON"),
    ("list", "several values"),
];

/// A type.
pub(super) const TYPE: Kind = Kind::Words(TYPES);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{spec::shape::Rule, value::Type};

    #[test]
    fn the_types_are_those_of_values() {
        let ours: Vec<&str> = TYPES.iter().map(|(w, _)| *w).collect();
        let theirs: Vec<&str> = Type::ALL.iter().map(|(w, _)| *w).collect();
        assert_eq!(ours, theirs);
    }

    fn walk(kind: &Kind, seen: &mut Vec<&'static Shape>) {
        match kind {
            Kind::List(of) | Kind::Filled(of) | Kind::Map(_, of) => walk(of, seen),
            Kind::Either(kinds) => kinds.iter().for_each(|k| walk(k, seen)),
            Kind::Object(shape) if !seen.iter().any(|s| std::ptr::eq(*s, *shape)) => {
                seen.push(shape);
                shape.keys.iter().for_each(|k| walk(&k.kind, seen));
            }
            _ => {}
        }
    }

    fn all() -> Vec<&'static Shape> {
        let mut seen = Vec::new();
        for (kind, ..) in SpecKind::ALL {
            walk(&Kind::Object(of(*kind)), &mut seen);
        }
        seen
    }

    #[test]
    fn every_shape_and_key_is_described() {
        let mut names: Vec<&str> = Vec::new();
        for shape in all() {
            assert!(
                !names.contains(&shape.name),
                "two shapes are called {}",
                shape.name
            );
            names.push(shape.name);
            assert!(shape.doc.ends_with('.'), "{}", shape.name);
            let mut keys: Vec<&str> = Vec::new();
            for key in shape.keys {
                let at = format!("{}.{}", shape.name, key.name);
                assert!(
                    key.doc.ends_with('.') && key.doc.len() > 8,
                    "{at}: {}",
                    key.doc
                );
                assert!(!keys.contains(&key.name), "{at} stands twice");
                assert!(
                    !crate::spec::yaml::is_doubtful_key(key.name),
                    "{at} is a boolean for YAML 1.1"
                );
                keys.push(key.name);
            }
        }
        assert!(names.len() > 30, "{}", names.len());
    }

    #[test]
    fn rules_name_keys_that_exist() {
        for shape in all() {
            for rule in shape.rules {
                let names: Vec<&str> = match rule {
                    Rule::One(n) | Rule::AnyOf(n) | Rule::AtMostOne(n) => n.to_vec(),
                    Rule::Needs(a, b) => vec![a, b],
                    Rule::SingleKey => Vec::new(),
                };
                for name in names {
                    assert!(shape.key(name).is_some(), "{}: {name}", shape.name);
                }
            }
        }
    }

    #[test]
    fn alternatives_can_be_told_apart() {
        fn look(kind: &Kind, at: &str) {
            if let Kind::Either(kinds) = kind {
                let count = |f: fn(&Kind) -> bool| kinds.iter().filter(|k| f(k)).count();
                assert!(count(Kind::takes_scalar) <= 1, "{at}: two scalars");
                assert!(
                    count(|k| matches!(k, Kind::List(_) | Kind::Filled(_))) <= 1,
                    "{at}: two lists"
                );
                assert!(
                    count(|k| matches!(k, Kind::Map(..) | Kind::Object(_))) <= 1,
                    "{at}: two maps"
                );
                assert!(
                    !kinds
                        .iter()
                        .any(|k| matches!(k, Kind::Either(_) | Kind::Any)),
                    "{at}"
                );
            }
            match kind {
                Kind::List(of) | Kind::Filled(of) | Kind::Map(_, of) => look(of, at),
                Kind::Either(kinds) => kinds.iter().for_each(|k| look(k, at)),
                _ => {}
            }
        }
        for shape in all() {
            for key in shape.keys {
                look(&key.kind, &format!("{}.{}", shape.name, key.name));
            }
        }
    }
}
