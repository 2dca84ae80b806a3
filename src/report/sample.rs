//! The report of a sample: what it covers, what became of it, and how each value came back. Text, JSON and Markdown.
//!
//! It holds nothing that changes when the same sample is drawn again (no time, no number of calls), so that its hash can
//! stand in an approval.

mod render;

pub use render::{render_json, render_markdown, render_text};

use crate::platform::wire::Class;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of the shape of [`SampleReport`].
pub const SCHEMA_VERSION: u32 = 1;

/// A sample.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleReport {
    /// Version of this shape.
    pub schema_version: u32,
    /// Name of the mapping.
    pub mapping: String,
    /// The size asked for, in source records.
    pub size: u64,
    /// The seed of the draw.
    pub seed: u64,
    /// How many records it takes to show everything; more than `size` are taken where that many are needed.
    pub cover: u64,
    /// True when values are masked.
    pub masked: bool,
    /// Records by source object.
    pub records: Vec<ObjectCount>,
    /// Keys of the sample's records by source object.
    pub keys: BTreeMap<String, Vec<String>>,
    /// What is covered, by kind.
    pub coverage: Vec<Coverage>,
    /// What became of the records, by step.
    pub steps: Vec<StepEnds>,
    /// Records set aside or refused, by step and reason.
    pub held: Vec<HeldGroup>,
    /// Values by how they came back.
    pub classes: BTreeMap<Class, u64>,
    /// The same by step and field.
    pub fields: Vec<FieldClasses>,
    /// Every record that is at the destination, field by field.
    pub compared: Vec<SampleRecord>,
    /// Hashes of what the sample was drawn with.
    pub parts: BTreeMap<String, String>,
    /// BLAKE3 hash of all values, unmasked: two samples with the same one are the same.
    pub content: String,
}

/// Records of a source object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectCount {
    /// The object.
    pub object: String,
    /// In the sample.
    pub chosen: u64,
    /// In the export.
    pub of: u64,
}

/// How much of one kind of thing is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// The kind: `split rows`, `value-map rows`, `guards`, …
    pub kind: String,
    /// How many there are.
    pub total: u64,
    /// How many the sample shows.
    pub shown: u64,
    /// Those not shown, because no record of the export has them.
    pub missing: Vec<String>,
}

/// What became of the records of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepEnds {
    /// The step.
    pub step: String,
    /// The source object.
    pub from: String,
    /// The destination object.
    pub to: String,
    /// Records of the sample.
    pub records: u64,
    /// At the destination.
    pub loaded: u64,
    /// Duplicates that went into another record.
    pub merged: u64,
    /// Sent to another step by a split.
    pub routed: u64,
    /// Left out on purpose.
    pub dropped: u64,
    /// Set aside.
    pub held: u64,
    /// Refused by the destination.
    pub failed: u64,
}

/// Records set aside for the same reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldGroup {
    /// The step.
    pub step: String,
    /// The code.
    pub code: String,
    /// The destination field; empty when it is about the record.
    pub field: String,
    /// How many.
    pub records: u64,
    /// Keys of the first few.
    pub examples: Vec<String>,
}

/// How the values of a field came back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldClasses {
    /// The step.
    pub step: String,
    /// The destination field.
    pub field: String,
    /// Its type.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Values by class.
    pub classes: BTreeMap<Class, u64>,
    /// Values written that the destination does not show.
    pub not_shown: u64,
}

/// A record at the destination.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleRecord {
    /// The step.
    pub step: String,
    /// The source record's key.
    pub key: String,
    /// Its line in the file; 0 where there are none.
    pub line: u64,
    /// The part, from 0, of a record that became several.
    pub part: u16,
    /// Its id at the destination.
    pub id: String,
    /// `created`, `updated`, `matched` or `unchanged`: how it came to be there.
    pub origin: String,
    /// Why it was not compared; empty when it was.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unread: String,
    /// Its fields.
    pub fields: Vec<SampleField>,
}

/// A field of a record at the destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleField {
    /// The destination field.
    pub field: String,
    /// The cells of the source it is made from.
    pub source: Vec<SourceCell>,
    /// What was written; empty when nothing was.
    pub expected: String,
    /// What is there; empty when nothing is.
    pub actual: String,
    /// How they compare.
    pub class: Class,
}

/// A cell of the source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceCell {
    /// The source field.
    pub field: String,
    /// Its text.
    pub value: String,
}

impl SampleReport {
    /// How many records there are, and of how many.
    pub fn size_of(&self) -> (u64, u64) {
        self.records
            .iter()
            .fold((0, 0), |(n, of), o| (n + o.chosen, of + o.of))
    }

    /// The findings that a person must accept: (class, `step.field`, how many).
    pub fn findings(&self) -> Vec<(Class, String, u64)> {
        let mut all = Vec::new();
        for class in Class::ALL.iter().rev().filter(|c| c.is_finding()) {
            for field in &self.fields {
                if let Some(n) = field.classes.get(class) {
                    all.push((*class, format!("{}.{}", field.step, field.field), *n));
                }
            }
        }
        all
    }

    /// Values that came back in one way: their records and themselves.
    fn of(&self, class: Class) -> impl Iterator<Item = (&SampleRecord, &SampleField)> {
        self.compared
            .iter()
            .flat_map(|r| r.fields.iter().map(move |f| (r, f)))
            .filter(move |(_, f)| f.class == class)
    }
}
