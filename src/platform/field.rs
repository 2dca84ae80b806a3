//! A field of an object: what it means, and how it looks on the wire.

use crate::{diag::Span, ident::ObjectId, value::Type};

/// A named slot of an object.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name in specs.
    pub name: String,
    /// Its name for people (`label`, else the name in words).
    pub label: String,
    /// Its type.
    pub data_type: Type,
    /// Its column or dotted member path on the wire. Custom fields: the API name, below `CustomRules::at`.
    pub path: String,
    /// Its member on reads, where that is another one (`read`).
    pub read_path: Option<String>,
    /// Other headers of the same column.
    pub aliases: Vec<String>,
    /// True for a customer's own field.
    pub custom: bool,
    /// Longest text in characters (decimal and int: largest value).
    pub max: Option<u64>,
    /// Smallest number.
    pub min: Option<i64>,
    /// Digits after the decimal point.
    pub scale: Option<u32>,
    /// Longest item of a list, in characters.
    pub item_max: Option<u64>,
    /// The choices; `None`: any, or not known.
    pub values: Option<Vec<String>>,
    /// True when the choices are what discovery observes.
    pub values_observed: bool,
    /// No two records share a value.
    pub unique: bool,
    /// A record needs it.
    pub required: bool,
    /// When it may be written.
    pub write: Write,
    /// What the server sets by itself: `created`, `updated`, `{other} text`, `stage.probability`, `when done`.
    pub set: Option<String>,
    /// What the server puts into a new record without it: a text as in a spec, or `first` for a reference: the
    /// first record by position among those within the same owner (the first stage of the deal's pipeline).
    pub default: Option<String>,
    /// The references it holds; only for `Type::Ref`.
    pub reference: Option<RefForm>,
    /// Texts that mean true and false.
    pub truth: Option<Truth>,
    /// How several values stand in one text.
    pub list: Option<ListFormat>,
    /// The members of an item, where the items of a list are objects.
    pub item: Option<ItemForm>,
    /// True when the record does not carry it: it is the parent that the record was read under.
    pub parent: bool,
    /// strptime formats of dates and times, tried in order; empty: ISO 8601 in its usual forms.
    pub format: Vec<String>,
    /// Zone of times without one; `None`: the connection's.
    pub zone: Option<String>,
    /// How numbers are written.
    pub number: NumberForm,
    /// True when the cell names a file beside the export whose text is the value.
    pub contents: bool,
    /// True when a value that does not fit becomes null with a success answer.
    pub blank_when_bad: bool,
    /// Query word that makes a read carry this field; `None`: always there.
    pub include: Option<String>,
    /// The API's own wording of refusals, by case (required, unique, max, bad, choice, reference).
    pub says: Vec<(String, String)>,
    /// What is known about it.
    pub why: Option<String>,
    /// Where its name stands.
    pub span: Span,
}

/// When a field may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// Always.
    Always,
    /// Only when the record is created.
    OnCreate,
    /// Never: the server sets it.
    Never,
}

/// How a reference stands on the wire.
#[derive(Clone, Debug)]
pub struct RefForm {
    /// Objects it may point to. On a source: the object whose key the value is.
    pub to: Vec<ObjectId>,
    /// Member that names the kind of a polymorphic reference (`targetable_type`).
    pub kind_path: Option<String>,
    /// The word for each object in that member.
    pub kinds: Vec<(ObjectId, String)>,
    /// The reference is the first item of an array: `Some((id member, flag member))`; an item without members is
    /// the bare id.
    pub item: Option<(Option<String>, Option<String>)>,
    /// Member of an item that names the kind of what it points to, with the words of `kinds`.
    pub item_kind: Option<String>,
    /// True when the array holds any number of references, each an item of its own.
    pub many: bool,
    /// Member that takes ids out of an array (`remove`); where there is one, `path` adds to what is there.
    pub remove_path: Option<String>,
    /// True when deleting the record it points to clears it, and restoring that record does not bring it back
    /// (`unlink`).
    pub unlink: bool,
}

/// Texts that mean true and false, compared without case.
#[derive(Clone, Debug)]
pub struct Truth {
    /// The first is written.
    pub yes: Vec<String>,
    /// The first is written.
    pub no: Vec<String>,
    /// True when they are written as JSON numbers.
    pub as_number: bool,
}

/// The members of an item in a list of objects (`{id, name}` for a tag).
#[derive(Clone, Debug)]
pub struct ItemForm {
    /// The member that holds the value.
    pub value: String,
    /// The member with a number of the item's own; only the simulated server fills it.
    pub id: Option<String>,
}

/// How several values stand in one text.
#[derive(Clone, Debug)]
pub struct ListFormat {
    /// Between items.
    pub separator: String,
    /// Around the list: the opening and closing mark (`{}`), or none.
    pub brackets: Option<(char, char)>,
    /// True for PostgreSQL array quoting: `"a,b"`, `\"`, `NULL`.
    pub quoted: bool,
}

/// How numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberForm {
    /// As a JSON number.
    Plain,
    /// As a JSON text.
    Text,
}
