//! One object mapping: records of a source object become records of a destination object.

use super::{Absent, BlankPolicy, Conflict, Found, Input, Missing, OnBad, Op, OrderBy, When};
use crate::{
    diag::Span,
    ident::{FieldId, JoinId, ObjectId, StepId},
    value::Type,
};

/// One object mapping, a node of the plan.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its name (the key under `objects:`).
    pub name: String,
    /// The source object.
    pub from: ObjectId,
    /// Which of its records: those to load, or those that became of them what a report tells.
    pub of: Of,
    /// The destination object.
    pub to: ObjectId,
    /// How existing records are recognised, in order.
    pub match_keys: Vec<MatchKey>,
    /// What happens when one exists.
    pub found: Found,
    /// What happens when none exists.
    pub absent: Absent,
    /// True when records that took a fallback are reassigned later.
    pub later_reassign: bool,
    /// Joined records. [`JoinId`] is a position here.
    pub joins: Vec<Join>,
    /// Named intermediate values.
    pub lets: Vec<Let>,
    /// Conditions that hold a record.
    pub guards: Vec<Guard>,
    /// One entry per destination field, stamps and custom fields included, in destination field order.
    pub fields: Vec<FieldMap>,
    /// Steps that come first for a reason no reference shows.
    pub after: Vec<StepId>,
    /// Why, for the pair page.
    pub why: Option<String>,
    /// Where its name stands.
    pub span: Span,
}

/// Which records of the source object a step takes. All but the first make a report: a file of what was not loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Of {
    /// Those to load.
    #[default]
    Loaded,
    /// Those that went into another record.
    Merged,
    /// Those that were left out on purpose.
    Dropped,
    /// Those that are held.
    Held,
    /// Those that loaded records name and that are not there, one for each key.
    Missing,
}

impl Of {
    /// True for steps that tell what was not loaded.
    pub fn is_report(self) -> bool {
        self != Of::Loaded
    }
}

/// One way to recognise an existing record: all pairs must be equal.
#[derive(Clone, Debug)]
pub struct MatchKey {
    /// Destination field and position in [`Step::fields`] of the entry that computes it.
    pub pairs: Vec<(FieldId, usize)>,
    /// Trim before comparing (from the destination's key).
    pub trim: bool,
    /// Compare in lower case (from the destination's key).
    pub lower: bool,
    /// Where it stands.
    pub span: Span,
}

/// How one destination field is filled.
#[derive(Clone, Debug)]
pub struct FieldMap {
    /// The destination field.
    pub to: FieldId,
    /// Where its value comes from.
    pub input: Input,
    /// Ops, in order.
    pub ops: Vec<Op>,
    /// The field is filled only where this holds.
    pub when: Option<When>,
    /// What happens to a bad value.
    pub bad: OnBad,
    /// For reference fields: how the value becomes a destination record.
    pub reference: Option<RefSource>,
    /// What happens when a reference does not resolve, or when a needed value is blank.
    pub missing: Missing,
    /// True when a blank value counts as missing: the destination requires the field, or the mapping says
    /// `missing:`. Elsewhere a blank is just not sent.
    pub needed: bool,
    /// Whether a blank value clears the destination.
    pub blank: BlankPolicy,
    /// What happens when it changed at both sides; `None`: what the policy of the mapping says.
    pub conflict: Option<Conflict>,
    /// For references: only records loaded by these steps count; empty: any.
    pub only: Vec<StepId>,
    /// A custom field that the mapping brings along.
    pub create: Option<Create>,
    /// True for entries made from `stamp:` or `custom_fields:`.
    pub automatic: bool,
    /// Why, for the pair page.
    pub why: Option<String>,
    /// Where its key stands.
    pub span: Span,
}

/// How a reference value becomes a destination record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefSource {
    /// The value is the key of a record of one of these source objects; the id map knows where it went.
    SourceKey(Vec<ObjectId>),
    /// The value is the first key (by name, e-mail, …) of a record of this destination object.
    NaturalKey(ObjectId),
    /// For [`Input::FirstOf`]: one entry per alternative, in order, as each may point elsewhere (and two objects
    /// may use the same key). Never nested.
    ByInput(Vec<RefSource>),
}

impl RefSource {
    /// True when it may name records of a source object by their key.
    pub fn names(&self, object: ObjectId) -> bool {
        match self {
            RefSource::SourceKey(objects) => objects.contains(&object),
            RefSource::NaturalKey(_) => false,
            RefSource::ByInput(list) => list.iter().any(|r| r.names(object)),
        }
    }
}

/// A custom field that the destination must have.
#[derive(Clone, Debug, PartialEq)]
pub struct Create {
    /// Its type.
    pub data_type: Type,
    /// Its label; the API name follows from it by the destination's rule.
    pub label: String,
    /// Its choices; `None`: observed in the data.
    pub values: Option<Vec<String>>,
    /// Longest text.
    pub max: Option<u64>,
    /// Digits after the decimal point.
    pub scale: Option<u32>,
}

/// Records of another source object that belong to this one.
#[derive(Clone, Debug)]
pub struct Join {
    /// Its name.
    pub name: String,
    /// The joined source object.
    pub object: ObjectId,
    /// One or all.
    pub kind: JoinKind,
    /// Pairs of (field of the joined object, field of this object), alternatives in order of preference: the
    /// first alternative whose own value is present and finds something decides. Texts compare trimmed and in lower case.
    pub by: Vec<Vec<(FieldId, FieldId)>>,
    /// Only joined records for which this holds; it sees their own fields.
    pub filter: Option<When>,
    /// Order of the joined records; total for `all`.
    pub order: Vec<OrderBy>,
    /// Words for the hold.
    pub say: Option<String>,
    /// Where it stands.
    pub span: Span,
}

/// The cardinality of a join, stated.
#[derive(Clone, Debug, PartialEq)]
pub enum JoinKind {
    /// At most one is expected.
    One {
        /// When there is none.
        none: OnJoin,
        /// When there are several.
        many: OnJoin,
    },
    /// Any number.
    All,
}

/// What a `one:` join does when the count is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnJoin {
    /// Holds the record (`join_none`, `join_many`).
    Hold,
    /// Goes on with a blank.
    Blank,
    /// Takes the first in order.
    First,
}

/// A named intermediate value; later fields name it as `name` or `name.member`.
#[derive(Clone, Debug)]
pub struct Let {
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub input: Input,
    /// Ops, in order. A closing `parse_json` gives it members.
    pub ops: Vec<Op>,
    /// What happens to a bad value.
    pub bad: OnBad,
    /// Members with types, when the last op is `parse_json`.
    pub members: Vec<(String, Type)>,
}

/// A condition that holds a record before it is loaded.
#[derive(Clone, Debug)]
pub struct Guard {
    /// When.
    pub when: When,
    /// The hold code.
    pub code: String,
    /// Words for the hold.
    pub say: Option<String>,
}

/// A position helper for code that walks joins.
pub fn join_ids(step: &Step) -> impl Iterator<Item = (JoinId, &Join)> {
    step.joins
        .iter()
        .enumerate()
        .filter_map(|(i, j)| Some((JoinId(u16::try_from(i).ok()?), j)))
}
