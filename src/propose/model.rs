//! What a proposal is made of.

use crate::ident::{FieldId, ObjectId};

/// A proposed mapping.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// One entry for each source object, in the order of the platform file.
    pub objects: Vec<ObjectProposal>,
}

/// What a source object may become.
#[derive(Clone, Debug)]
pub struct ObjectProposal {
    /// The source object.
    pub from: ObjectId,
    /// Its name.
    pub name: String,
    /// The destination objects, the likeliest first, each with a confidence from 0 to 1; empty: none fits, it may leave
    /// as a document.
    pub to: Vec<(ObjectId, f64)>,
    /// Aligned with `to`: what fills the fields of that object.
    pub fields: Vec<Vec<FieldProposal>>,
}

/// What may fill a destination field.
#[derive(Clone, Debug)]
pub struct FieldProposal {
    /// The destination field.
    pub to: FieldId,
    /// Where its value may come from, the likeliest first; never empty.
    pub candidates: Vec<Candidate>,
}

/// A source of a value, with what speaks for it.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Where the value comes from.
    pub from: SourcePath,
    /// How sure, from 0 to 1.
    pub confidence: f64,
    /// What speaks for it, in words, the strongest first.
    pub reasons: Vec<String>,
}

/// A field of the source object, or of an object that links it to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourcePath {
    /// The object that has the field.
    pub object: ObjectId,
    /// The field.
    pub field: FieldId,
}
