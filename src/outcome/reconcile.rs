//! A reconciliation: what should be at the destination by the source and the mapping, against what is there.

use serde::Serialize;
use std::collections::BTreeMap;

/// The most findings that are told one by one; all are counted.
pub const MOST: usize = 10_000;

/// Everything a reconciliation says.
#[derive(Clone, Debug, Serialize)]
pub struct Reconciliation {
    /// Version of this shape.
    pub schema_version: u32,
    /// Name of the mapping.
    pub mapping: String,
    /// The destination's name for people.
    pub destination: String,
    /// Records per step whose values were compared; `None`: all.
    pub sample: Option<u64>,
    /// True when nothing is wrong.
    pub clean: bool,
    /// All findings, also those that are not told one by one.
    pub findings_total: u64,
    /// By step, in the order of the plan.
    pub steps: Vec<StepCheck>,
    /// By destination object.
    pub objects: Vec<ObjectCheck>,
    /// What is wrong, at most [`MOST`].
    pub findings: Vec<Finding>,
    /// References that went to a fallback or wait, because what they name is not at the destination.
    pub unassigned: Vec<Unassigned>,
    /// Values without a row in their value map.
    pub unmatched: Vec<Unmatched>,
}

/// One step: every source record has one end, every destination record to be is found or told.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StepCheck {
    /// The step.
    pub step: String,
    /// The source object.
    pub from: String,
    /// The destination object.
    pub to: String,
    /// Source records read.
    pub read: u64,
    /// Source records that should be at the destination.
    pub loaded: u64,
    /// Source records that went into another one.
    pub merged: u64,
    /// Source records that a split sends elsewhere.
    pub routed: u64,
    /// Source records left out on purpose.
    pub dropped: u64,
    /// Source records set aside, by reason.
    pub held: BTreeMap<String, u64>,
    /// `read = loaded + merged + routed + dropped + held`.
    pub balanced: bool,
    /// Destination records that should be there: more than `loaded` where a text was spread over several.
    pub expected: u64,
    /// Those that are there.
    pub found: u64,
    /// Those that are not.
    pub missing: u64,
    /// Further ones that should not be there.
    pub doubled: u64,
    /// Those that nobody can look for: the destination shows them nowhere, or they are not in the sample.
    pub unchecked: u64,
    /// Records whose values were compared.
    pub compared: u64,
    /// Compared ones where all is equal.
    pub equal: u64,
    /// Compared ones that are equal but for white space at the ends or the case of an e-mail address.
    pub normalised: u64,
    /// Compared ones with a difference.
    pub differing: u64,
    /// Records that were there and stay as they are (`found: use`), with other values. No finding.
    pub as_found: u64,
}

impl StepCheck {
    /// Source records set aside, for any reason.
    pub fn held_total(&self) -> u64 {
        self.held.values().sum()
    }
}

/// One destination object: its own count against what source records explain.
#[derive(Clone, Debug, Serialize)]
pub struct ObjectCheck {
    /// The object.
    pub object: String,
    /// Records it holds, by its own lists; `None`: it shows none.
    pub there: Option<u64>,
    /// Those that source records explain.
    pub explained: u64,
    /// Those that are doubles of them.
    pub doubled: u64,
    /// The rest: there before, or made by people. Which, only the ledger knows.
    pub extra: u64,
    /// What could not be read, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Kinds of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A record is not there.
    Missing,
    /// A record is there more than once.
    Doubled,
    /// It is there below another record.
    WrongParent,
    /// A reference points elsewhere, or nowhere.
    WrongReference,
    /// A value is another one.
    WrongValue,
}

impl Kind {
    /// The words in reports.
    pub fn words(self) -> &'static str {
        match self {
            Kind::Missing => "missing",
            Kind::Doubled => "doubled",
            Kind::WrongParent => "below another record",
            Kind::WrongReference => "wrong reference",
            Kind::WrongValue => "wrong value",
        }
    }
}

/// How a value differs, as far as it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Nothing is there.
    Empty,
    /// Only its beginning is there.
    Truncated,
    /// Its letters were read in another encoding.
    Encoding,
    /// Its marks were escaped, or unescaped.
    Escaped,
    /// Only upper and lower case differ.
    Case,
    /// Only white space differs.
    Spaces,
    /// A number lost digits.
    Rounded,
    /// A day or time moved.
    Shifted,
    /// It is the value of another field of the record.
    Swapped,
    /// Items of a list are not there.
    Items,
    /// It is another value.
    Other,
}

impl How {
    /// The words in reports.
    pub fn words(self) -> &'static str {
        match self {
            How::Empty => "empty",
            How::Truncated => "cut off",
            How::Encoding => "read in another encoding",
            How::Escaped => "escaped",
            How::Case => "other upper and lower case",
            How::Spaces => "other white space",
            How::Rounded => "rounded",
            How::Shifted => "moved in time",
            How::Swapped => "the value of another field",
            How::Items => "items are gone",
            How::Other => "another value",
        }
    }
}

/// Something wrong.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What.
    pub kind: Kind,
    /// The step.
    pub step: String,
    /// Key of the source record.
    pub key: String,
    /// Which part, where a record became several.
    pub part: u16,
    /// Its line in the export.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The destination object.
    pub object: String,
    /// The destination's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The destination field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// How the value differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub how: Option<How>,
    /// What should be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A record that others name and that is not at the destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unassigned {
    /// The step that binds such records (`user`).
    pub step: String,
    /// Its key in the source.
    pub key: String,
    /// How often it is named.
    pub references: u64,
    /// True when a fallback stands in for it; else what names it waits.
    pub fallback: bool,
}

/// A value without a row in its value map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unmatched {
    /// The step.
    pub step: String,
    /// The destination field.
    pub field: String,
    /// The value.
    pub value: String,
    /// In how many records.
    pub records: u64,
}
