//! An object of a platform.

use super::{Field, Op, OpKind, Tiered, words};
use crate::{
    diag::{FileId, Span},
    ident::{FieldId, ObjectId},
    value::Type,
};

/// A type of thing on a platform.
#[derive(Clone, Debug)]
pub struct Object {
    /// Its name (`contact`).
    pub name: String,
    /// Its name for people (`Contact`): `title`, else the name in words.
    pub title: String,
    /// Path part of its collection (`contacts`).
    pub path: String,
    /// How it is read from files; `None` for API objects.
    pub rows: Option<Rows>,
    /// Its operations; empty for file objects.
    pub ops: Vec<Op>,
    /// Whether it can be created by the engine.
    pub create: Creation,
    /// What identifies a record, in order of preference.
    pub keys: Vec<Key>,
    /// Says that a record is no thing of its own but that one record is a member of another.
    pub membership: Option<Membership>,
    /// Where its custom fields are described (path of a GET); `None`: it takes none by API.
    pub custom_at: Option<String>,
    /// True when file columns without a field are the customer's own fields.
    pub custom_columns: bool,
    /// Named views and whether they show live or deleted records: (id, name, deleted).
    pub views: Vec<(u64, String, bool)>,
    /// Named filters of a list: name, then (field, value as text) that must hold.
    pub filters: Vec<(String, Vec<(FieldId, String)>)>,
    /// Most records by tier.
    pub rows_max: Option<Tiered>,
    /// The fields. [`FieldId`] is a position here.
    pub fields: Vec<Field>,
    /// Records a new account holds, as (field, text) pairs; a reference names the other record by its first key.
    pub initial: Vec<Vec<(FieldId, String)>>,
    /// Where its name stands.
    pub span: Span,
}

/// Records that are memberships: written by calls that add ids to an owner and take them out again, read as the
/// members of that owner. They have no ids of their own; see [`Membership::id`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The reference to the owner.
    pub of: FieldId,
    /// The reference to the member.
    pub member: FieldId,
}

impl Membership {
    /// What stands for the id of a membership: both ids.
    pub fn id(owner: &str, member: &str) -> String {
        format!("{owner}:{member}")
    }

    /// The ids of owner and member in it.
    pub fn parts(id: &str) -> Option<(&str, &str)> {
        id.split_once(':')
            .filter(|(owner, member)| !owner.is_empty() && !member.is_empty())
    }
}

/// Whether the engine can create records of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    /// By an operation, or by writing a file.
    Api,
    /// Only by an admin; goes to the checklist.
    ByHand,
}

/// How an object is read from a file.
#[derive(Clone, Debug)]
pub struct Rows {
    /// Path under the connection's folder.
    pub file: String,
    /// `csv`, `jsonl` or `xlsx`.
    pub format: String,
    /// Sheet of an XLSX file.
    pub sheet: Option<String>,
    /// Fields whose values identify a record; empty: the fingerprint of the row and its repetition number.
    pub key: Vec<FieldId>,
    /// Encoding, where it differs from the connection's.
    pub encoding: Option<String>,
    /// Cell separator, where it differs from the connection's.
    pub delimiter: Option<u8>,
}

impl Rows {
    /// The format that the name of a file shows.
    pub fn format_of(file: &str) -> Option<&'static str> {
        let (_, extension) = file.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "csv" | "txt" | "tsv" => Some("csv"),
            "jsonl" | "ndjson" => Some("jsonl"),
            "xlsx" => Some("xlsx"),
            _ => None,
        }
    }
}

/// A key: fields that identify a record together.
#[derive(Clone, Debug)]
pub struct Key {
    /// The fields.
    pub by: Vec<FieldId>,
    /// Trim before comparing.
    pub trim: bool,
    /// Compare in lower case.
    pub lower: bool,
}

impl Object {
    /// An object with nothing but a name, its collection under the same name.
    pub fn new(name: impl Into<String>) -> Object {
        let name = name.into();
        Object {
            title: words::in_words(&name),
            path: name.clone(),
            name,
            rows: None,
            ops: Vec::new(),
            create: Creation::Api,
            keys: Vec::new(),
            membership: None,
            custom_at: None,
            custom_columns: false,
            views: Vec::new(),
            filters: Vec::new(),
            rows_max: None,
            fields: Vec::new(),
            initial: Vec::new(),
            span: Span {
                file: FileId(0),
                start: 0,
                end: 0,
            },
        }
    }

    /// The field with that name.
    pub fn field(&self, name: &str) -> Option<(FieldId, &Field)> {
        let ix = self.fields.iter().position(|f| f.name == name)?;
        Some((FieldId(u16::try_from(ix).ok()?), &self.fields[ix]))
    }

    /// The operation of that kind.
    pub fn op(&self, kind: OpKind) -> Option<&Op> {
        self.ops.iter().find(|o| o.kind == kind)
    }

    /// The key that is exactly that one field.
    pub fn key_of(&self, field: FieldId) -> Option<&Key> {
        self.keys.iter().find(|k| k.by == [field])
    }

    /// True for people who own records: an admin makes them, and an e-mail address alone identifies each.
    pub fn holds_owners(&self) -> bool {
        self.create == Creation::ByHand
            && self.keys.iter().any(|key| {
                matches!(key.by.as_slice(), [only] if self
                    .fields
                    .get(only.ix())
                    .is_some_and(|f| f.data_type == Type::Email))
            })
    }

    /// Objects that reference fields of this object point to.
    pub fn references(&self) -> impl Iterator<Item = (FieldId, &[ObjectId])> {
        self.fields.iter().enumerate().filter_map(|(i, f)| {
            let r = f.reference.as_ref()?;
            Some((FieldId(u16::try_from(i).ok()?), r.to.as_slice()))
        })
    }
}
