//! What the lowering learned beside the model: kinds and places. The rules read it.

use super::{
    kind::Kind,
    scope::{Ctx, Header},
};
use crate::{
    diag::Span,
    ident::{FieldId, ObjectId},
    mapping::{Input, Mapping},
};
use std::collections::BTreeSet;

/// Everything a rule may look at.
pub struct Facts<'a> {
    /// Platforms, value maps, headers and uses.
    pub ctx: &'a Ctx<'a>,
    /// The mapping as far as it could be lowered.
    pub mapping: &'a Mapping,
    /// Facts of each step.
    pub steps: &'a [StepFacts],
    /// Where the parameters stand.
    pub params: &'a [Span],
    /// Facts of splits, by source object.
    pub splits: &'a [SplitFacts],
    /// Where source fields are ignored.
    pub ignored: &'a [Ignored],
    /// Source objects ignored as a whole.
    pub ignored_objects: &'a [(ObjectId, Span)],
    /// Source objects that something broken reads; their coverage is not known.
    pub murky: &'a BTreeSet<ObjectId>,
    /// The tier of the destination account.
    pub tier: Option<&'a str>,
    /// Where the mapping names its source platform, for findings about the whole.
    pub source_span: Span,
}

/// An ignored field.
#[derive(Clone, Debug)]
pub struct Ignored {
    /// The object.
    pub object: ObjectId,
    /// The field.
    pub field: FieldId,
    /// The key that names it.
    pub span: Span,
}

/// What is known of a step beside the model.
#[derive(Clone, Debug)]
pub struct StepFacts {
    /// As declared.
    pub header: Header,
    /// In the order of `Step::fields`.
    pub fields: Vec<FieldFacts>,
    /// Destination fields whose entries are there and broken.
    pub broken: BTreeSet<FieldId>,
    /// Joins nobody reads.
    pub unused_joins: Vec<(String, Span)>,
    /// Lets nobody reads.
    pub unused_lets: Vec<(String, Span)>,
    /// Where `found:`, `absent:`, `match:` and `fields:` stand.
    pub found: Option<Span>,
    /// Where `absent:` stands.
    pub absent: Option<Span>,
    /// Where `match:` stands.
    pub matched: Option<Span>,
    /// Where `fields:` stands.
    pub written: Option<Span>,
    /// Pairs of the match keys as written.
    pub pairs: Vec<PairFacts>,
    /// Where each entry of `after:` stands, in the order of `Step::after`.
    pub after: Vec<Span>,
}

/// A pair of a match key as written.
#[derive(Clone, Debug)]
pub struct PairFacts {
    /// The destination field.
    pub field: FieldId,
    /// What it is compared with.
    pub input: Input,
    /// Where it stands.
    pub span: Span,
    /// Whether the step's `fields:` fill the field.
    pub filled: bool,
}

/// What is known of a field entry beside the model.
#[derive(Clone, Debug)]
pub struct FieldFacts {
    /// The value after its ops.
    pub kind: Kind,
    /// Where the value stands.
    pub value: Span,
    /// Where the key stands.
    pub key: Span,
    /// Where each op stands.
    pub ops: Vec<Span>,
    /// True when `missing:` is written.
    pub says_missing: bool,
    /// True when the entry came from a match only.
    pub matched_only: bool,
}

/// What is known of a split beside the model.
#[derive(Clone, Debug, Default)]
pub struct SplitFacts {
    /// Where the object's name stands.
    pub span: Option<Span>,
    /// A row is broken, so nothing is said about completeness.
    pub broken: bool,
    /// Joins nobody reads.
    pub unused_joins: Vec<(String, Span)>,
}
