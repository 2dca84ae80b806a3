//! The mapping of a pair, with the migration's additions applied.

use super::{Join, Overrides, Policy, Step, When};
use crate::{
    diag::Span,
    ident::{FieldId, ObjectId, StepId},
    platform::Platform,
    value::{Scalar, Type},
};
use std::{collections::BTreeSet, sync::Arc};

/// A mapping, resolved. Built per migration: its custom fields, value-map rows, params and renames are in.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// `allclients--freshsales`.
    pub name: String,
    /// The platform read. Its objects already hold the migration's custom fields.
    pub source: Arc<Platform>,
    /// The platform written. Its objects already hold the custom fields the mapping creates.
    pub destination: Arc<Platform>,
    /// The object mappings. [`StepId`] is a position here.
    pub steps: Vec<Step>,
    /// For each source object (by position) its split rows; empty: every step of the object takes every record.
    pub splits: Vec<Vec<SplitRow>>,
    /// For each source object (by position) the joins its split rows may count; a [`crate::ident::JoinId`] in a
    /// split's condition is a position here.
    pub split_joins: Vec<Vec<Join>>,
    /// For each source object (by position) how its duplicates merge.
    pub merges: Vec<Option<Merge>>,
    /// The value maps.
    pub value_maps: Vec<ValueMap>,
    /// Parameters with their values for this migration.
    pub params: Vec<Param>,
    /// Policies that hold where a step has none of its own.
    pub policy: Policy,
    /// What leaves as documents.
    pub handoffs: Vec<Handoff>,
    /// Rows of the compatibility table.
    pub page: Vec<PageRow>,
    /// Cases for `transload test`.
    pub tests: Vec<TestCase>,
    /// Source fields left out, with the reason: (object, field, reason).
    pub ignored: Vec<(ObjectId, FieldId, String)>,
    /// Whole source objects left out, with the reason.
    pub ignored_objects: Vec<(ObjectId, String)>,
    /// Every `why:` of the mapping and the migration, in the order of the files.
    pub reasons: Vec<Reason>,
    /// What people decided about single records; of no meaning to plans and approvals.
    pub overrides: Overrides,
}

/// A `why:` and what it is about, for documents. Means nothing to a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The element as the compatibility table names it: `objects.contact.email`, `splits.contact.2`.
    pub at: String,
    /// The reason as written.
    pub text: String,
}

impl Mapping {
    /// The source objects that steps, splits, joins and hand-offs read.
    pub fn source_objects(&self) -> BTreeSet<ObjectId> {
        let joined = self.steps.iter().flat_map(|s| &s.joins);
        let split = self.split_joins.iter().flatten();
        self.steps
            .iter()
            .map(|s| s.from)
            .chain(joined.chain(split).map(|j| j.object))
            .chain(self.handoffs.iter().map(|h| h.from))
            .collect()
    }

    /// The steps that read an object.
    pub fn steps_from(&self, object: ObjectId) -> impl Iterator<Item = (StepId, &Step)> {
        self.steps
            .iter()
            .enumerate()
            .filter(move |(_, s)| s.from == object)
            .filter_map(|(i, s)| Some((StepId(u16::try_from(i).ok()?), s)))
    }
}

/// One row of a split. Rows are tried in order; the last has no condition.
#[derive(Clone, Debug)]
pub struct SplitRow {
    /// The condition; `None` is `else`.
    pub when: Option<When>,
    /// Where the record goes.
    pub to: SplitTo,
    /// Why, for the pair page.
    pub why: Option<String>,
    /// Where it stands.
    pub span: Span,
}

/// Where a split row sends a record.
#[derive(Clone, Debug)]
pub enum SplitTo {
    /// To these steps.
    Steps(Vec<StepId>),
    /// Nowhere, for this reason.
    Drop(String),
}

/// Records of one source object that stand for the same thing.
#[derive(Clone, Debug)]
pub struct Merge {
    /// Fields compared, trimmed and in lower case; a record with a blank one stands alone.
    pub by: Vec<FieldId>,
    /// The survivor comes first in this order; total.
    pub keep: Vec<OrderBy>,
    /// Blank fields of the survivor are filled from the others, in order.
    pub fill: bool,
    /// Why.
    pub why: Option<String>,
    /// Where it stands.
    pub span: Span,
}

/// One term of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderBy {
    /// The field. Ids that are whole numbers compare as numbers.
    pub field: FieldId,
    /// True for descending; blanks come last either way.
    pub descending: bool,
}

/// A value map. Keys are texts as written; they compare trimmed and without case unless `exact`.
#[derive(Clone, Debug)]
pub struct ValueMap {
    /// Its name.
    pub name: String,
    /// Rows: source text to destination text.
    pub rows: Vec<(String, String)>,
    /// Compare exactly.
    pub exact: bool,
    /// What happens to other values.
    pub other: OtherValue,
    /// Type of what comes out.
    pub out_type: Type,
    /// Where it stands.
    pub span: Span,
}

/// What a value map does with a value that has no row.
#[derive(Clone, Debug, PartialEq)]
pub enum OtherValue {
    /// Holds the record.
    Hold,
    /// Keeps the value as it is.
    Keep,
    /// Takes this one instead.
    Use(String),
    /// Keeps it and adds it to the choices of the destination field.
    Create,
}

/// A parameter with its value.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: Type,
    /// The value; `None` when a mapping is checked without a migration.
    pub value: Option<Scalar>,
}

/// Something that leaves as a document.
#[derive(Clone, Debug)]
pub struct Handoff {
    /// Its name, also of its file.
    pub name: String,
    /// The source object.
    pub from: ObjectId,
    /// Which records; `None`: all.
    pub when: Option<When>,
    /// The fields shown.
    pub show: Vec<FieldId>,
    /// What to do with it.
    pub say: Option<String>,
    /// What is recommended for each record.
    pub advise: Option<Advice>,
}

/// What is recommended for each record of a hand-off, by the value of a field.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// The field.
    pub from: FieldId,
    /// Its values, compared trimmed and without case, each with the recommendation.
    pub rows: Vec<(String, String)>,
    /// For other values; `None`: nothing.
    pub other: Option<String>,
}

/// A row of the compatibility table.
#[derive(Clone, Debug)]
pub struct PageRow {
    /// Its id in the requirements.
    pub id: String,
    /// Label of the source side.
    pub source: String,
    /// Label of the destination side.
    pub destination: String,
    /// Declared cardinality: `1:1`, `1:many`, `many:1`, `lossy`.
    pub cardinality: String,
    /// Declared support: `full`, `mapping`, `by_hand`, `none`.
    pub support: String,
    /// A note for the reader.
    pub note: Option<String>,
    /// What implements it: `objects.contact`, `objects.contact.owner`, `splits.contact`, `value_maps.x`, `handoff.y`, `migration.custom_fields`.
    pub by: Vec<String>,
    /// Where it stands.
    pub span: Span,
}

/// A test case, parsed; run by `transload test`.
#[derive(Clone, Debug)]
pub struct TestCase {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub span: Span,
}
