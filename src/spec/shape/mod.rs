//! What a spec file may hold, described once.
//!
//! A [`Shape`] is a table of keys with their kinds and their doc sentences. [`check()`] holds a tree against
//! it and reports every fault; [`json_schema`] publishes the same tables for editors and other tools, so
//! the two cannot drift apart. The tables themselves are in [`super::shapes`]. Names of objects, fields and
//! files are not resolved here.

pub mod check;
pub mod literal;
pub mod mend;
pub mod reference;
pub mod schema;

pub use check::check;
pub use literal::Literal;
pub use mend::mend;
pub use reference::reference;
pub use schema::json_schema;

/// An object: a closed set of keys.
#[derive(Debug)]
pub struct Shape {
    /// Its name in messages and in the schema, in snake case.
    pub name: &'static str,
    /// What it is, in one sentence.
    pub doc: &'static str,
    /// Its keys. [`WHY`] is a key of every shape and is not listed.
    pub keys: &'static [Key],
    /// How keys go together.
    pub rules: &'static [Rule],
}

/// A key of a shape.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The key.
    pub name: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// True when the object needs it.
    pub required: bool,
    /// What holds without it, as written in YAML.
    pub default: Option<&'static str>,
    /// What it is for, in one sentence.
    pub doc: &'static str,
}

/// What a value may be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A text. A plain scalar that YAML takes for a number or boolean is none.
    Text,
    /// A text of a certain form.
    Literal(Literal),
    /// One of these words, each with its meaning.
    Words(&'static [Word]),
    /// A whole number within these bounds, both included.
    Int(i64, i64),
    /// A number within these bounds, both included.
    Number(f64, f64),
    /// `true` or `false`.
    Bool,
    /// Any scalar but null.
    Scalar,
    /// A list.
    List(&'static Kind),
    /// A list of at least one item.
    Filled(&'static Kind),
    /// An open map: keys of this form, values of this kind.
    Map(Keys, &'static Kind),
    /// A closed object.
    Object(&'static Shape),
    /// One of these, told apart by being a scalar, a list or a map; at most one of each.
    Either(&'static [Kind]),
    /// Anything; judged later or by nobody.
    Any,
}

/// A word with its meaning.
pub type Word = (&'static str, &'static str);

/// The keys of an open map.
#[derive(Clone, Copy, Debug)]
pub enum Keys {
    /// Any text.
    Any,
    /// Names of this form.
    Form(Literal),
    /// Only these words.
    Words(&'static [Word]),
}

/// How keys go together.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// Exactly one of them.
    One(&'static [&'static str]),
    /// At least one of them.
    AnyOf(&'static [&'static str]),
    /// Not more than one of them.
    AtMostOne(&'static [&'static str]),
    /// The first only together with the second.
    Needs(&'static str, &'static str),
    /// The object has exactly one key.
    SingleKey,
}

/// Allowed in every shape but those of a single key.
pub static WHY: Key = key(
    "why",
    Kind::Text,
    "The reason, for readers; it is printed in the documents made from this file.",
);

/// An optional key.
pub const fn key(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key {
        name,
        kind,
        required: false,
        default: None,
        doc,
    }
}

/// A key that the object needs.
pub const fn required(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key {
        name,
        kind,
        required: true,
        default: None,
        doc,
    }
}

/// An optional key with the value that holds without it.
pub const fn preset(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    doc: &'static str,
) -> Key {
    Key {
        name,
        kind,
        required: false,
        default: Some(default),
        doc,
    }
}

impl Shape {
    /// Every key, [`WHY`] included.
    pub fn all_keys(&self) -> impl Iterator<Item = &'static Key> + Clone {
        let why =
            (!self.is_single() && self.keys.iter().all(|k| k.name != WHY.name)).then_some(&WHY);
        self.keys.iter().chain(why)
    }

    /// The key of that name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.all_keys().find(|k| k.name == name)
    }

    /// Its name in words.
    pub fn title(&self) -> String {
        self.name.replace('_', " ")
    }

    /// True for objects of exactly one key.
    pub fn is_single(&self) -> bool {
        self.rules.iter().any(|r| matches!(r, Rule::SingleKey))
    }
}

impl Kind {
    /// True when a scalar may stand here.
    pub fn takes_scalar(&self) -> bool {
        match self {
            Kind::Text
            | Kind::Literal(_)
            | Kind::Words(_)
            | Kind::Int(..)
            | Kind::Number(..)
            | Kind::Bool
            | Kind::Scalar
            | Kind::Any => true,
            Kind::List(_) | Kind::Filled(_) | Kind::Map(..) | Kind::Object(_) => false,
            Kind::Either(kinds) => kinds.iter().any(Kind::takes_scalar),
        }
    }

    /// What it is, for messages: "a text", "a list".
    pub fn named(&self) -> String {
        match self {
            Kind::Text => "a text".to_owned(),
            Kind::Literal(l) => l.named().to_owned(),
            Kind::Words(words) => match words {
                [(only, _)] => format!("the word `{only}`"),
                _ => "one of its words".to_owned(),
            },
            Kind::Int(..) => "a whole number".to_owned(),
            Kind::Number(..) => "a number".to_owned(),
            Kind::Bool => "`true` or `false`".to_owned(),
            Kind::Scalar => "a value".to_owned(),
            Kind::List(_) | Kind::Filled(_) => "a list".to_owned(),
            Kind::Map(..) => "a map".to_owned(),
            Kind::Object(_) => "a map of its own keys".to_owned(),
            Kind::Either(kinds) => kinds
                .iter()
                .map(Kind::named)
                .collect::<Vec<_>>()
                .join(" or "),
            Kind::Any => "anything".to_owned(),
        }
    }
}
