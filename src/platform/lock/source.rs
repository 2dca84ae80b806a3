//! What a source holds: objects, fields, values, keys, relationships, owners. Counted, masked, bounded.

use serde::{Deserialize, Serialize};

/// A source as it was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceInventory {
    /// The platform.
    pub platform: String,
    /// Its objects, in the order of the platform file.
    pub objects: Vec<SourceObject>,
    /// Relationships: references and joins.
    pub links: Vec<Link>,
    /// Owners with the records behind each.
    pub owners: Vec<OwnerCount>,
    /// What leaves as a document.
    pub handed_off: Vec<HandedOff>,
}

/// Whether an object could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadState {
    /// It was read to its end.
    Read,
    /// Its file is not there.
    Missing,
    /// Its file cannot be read.
    Unreadable,
    /// It was left out: behind an API only what the mapping reads is read.
    LeftOut,
}

/// An object of a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceObject {
    /// Its name.
    pub object: String,
    /// The file it is read from, below the export folder.
    pub file: Option<String>,
    /// The size of that file.
    pub bytes: Option<u64>,
    /// The hash of its content (XXH3, 128 bits, hexadecimal); `None` where it could not be read, and in locks of older
    /// engines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub print: Option<String>,
    /// Whether it could be read.
    pub state: ReadState,
    /// Why it could not be read.
    pub why: Option<String>,
    /// Its records.
    pub records: u64,
    /// Rows that are no records.
    pub bad_rows: u64,
    /// Its fields: the declared ones, then columns that no field names.
    pub fields: Vec<SourceField>,
    /// Its keys.
    pub keys: Vec<KeyCount>,
}

/// A field of a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceField {
    /// Its name in specs; of a column that nobody named the column.
    pub field: String,
    /// Its column.
    pub column: String,
    /// The declared type; `None`: no spec names the column.
    pub declared: Option<String>,
    /// True for a customer's own field.
    pub custom: bool,
    /// False when the file has no such column.
    pub found: bool,
    /// Records that have a value.
    pub filled: u64,
    /// Values that the declared type cannot read.
    pub bad: u64,
    /// Different values, at most the cap of counting.
    pub distinct: u64,
    /// True when there are more than were counted.
    pub distinct_capped: bool,
    /// The longest value, in characters.
    pub max_chars: u64,
    /// The narrowest type that nearly all looked-at values fit; `None` without values.
    pub looks_like: Option<String>,
    /// Who needs it in every record.
    pub needed_by: Option<Need>,
    /// Records that lack it although it is needed.
    pub missing: u64,
    /// The shape of some values: letters as x, digits as 9.
    pub examples: Vec<String>,
    /// The values of a pick-list, the most frequent first; `None`: it is none.
    pub choices: Option<Vec<Choice>>,
    /// Further choices that are not listed.
    pub choices_more: u64,
}

/// Who needs a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// The source's own platform file.
    Source,
    /// The mapping: records without it are held, or go to a fallback.
    Mapping,
}

/// A value of a pick-list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The value.
    pub value: String,
    /// Records that have it.
    pub records: u64,
}

/// A key and the records that share one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyCount {
    /// Its fields.
    pub fields: Vec<String>,
    /// Who uses it as a key, in words.
    pub used_by: Vec<String>,
    /// Records without it.
    pub blank: u64,
    /// Groups of records that share a key.
    pub clusters: u64,
    /// Records in such groups.
    pub records: u64,
    /// Some of the groups, the largest first.
    pub examples: Vec<Cluster>,
    /// True when there were more different keys than were kept: duplicates among the later ones are not counted.
    pub capped: bool,
}

/// Records that share a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// How many.
    pub records: u64,
    /// The line of the first.
    pub first_line: u64,
    /// The line of the last.
    pub last_line: u64,
}

/// Kinds of relationship.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// A reference field of the platform.
    Reference,
    /// A join of the mapping.
    Join,
}

/// A relationship between two objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The object that points.
    pub object: String,
    /// Its fields; alternatives of a join one after the other.
    pub fields: Vec<String>,
    /// What it points to: `object.field`, alternatives one after the other.
    pub to: Vec<String>,
    /// Its kind.
    pub kind: LinkKind,
    /// For a join, its name.
    pub name: Option<String>,
    /// Records that point somewhere.
    pub records: u64,
    /// Different things they point to.
    pub distinct: u64,
    /// Records that point to what is not there.
    pub orphans: u64,
    /// Different things that are not there.
    pub orphan_values: u64,
    /// Records that point to several records at once.
    pub ambiguous: u64,
    /// Lines of some orphans.
    pub orphan_lines: Vec<u64>,
    /// True when not everything could be followed: orphans are those of the part that was.
    pub capped: bool,
}

/// An owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerCount {
    /// The source object of owners.
    pub object: String,
    /// The step that brings them to the destination.
    pub step: String,
    /// Its key in the source.
    pub key: String,
    /// What it is found by at the destination, as the mapping makes it; `None` where it has nothing.
    pub matched_by: Option<String>,
    /// False when records name it and the source's list of owners does not have it.
    pub listed: bool,
    /// Records behind it, by object and field.
    pub records: Vec<OwnerRecords>,
}

/// Records that one field puts behind an owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerRecords {
    /// The object.
    pub object: String,
    /// The field.
    pub field: String,
    /// How many.
    pub records: u64,
}

impl OwnerCount {
    /// All records behind it.
    pub fn total(&self) -> u64 {
        self.records.iter().map(|r| r.records).sum()
    }
}

/// Something the mapping hands to people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandedOff {
    /// Its name.
    pub name: String,
    /// The object whose records it shows.
    pub object: String,
    /// Records of the object; those it shows may be fewer.
    pub records: u64,
    /// True when a condition chooses among them.
    pub some: bool,
}

impl SourceInventory {
    /// An object by name.
    pub fn object(&self, name: &str) -> Option<&SourceObject> {
        self.objects.iter().find(|o| o.object == name)
    }
}

impl SourceObject {
    /// A field by name.
    pub fn field(&self, name: &str) -> Option<&SourceField> {
        self.fields.iter().find(|f| f.field == name)
    }
}
