//! Where a value comes from, before ops.

use crate::{
    ident::{FieldId, JoinId},
    value::Scalar,
};

/// The start of a value's way.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A field of the source record.
    Field(FieldId),
    /// From joined records: `firms[0].company_id`, `firms[1..].company_id`, `who.email`; without a field the
    /// value is the joined record's key (a reference to it).
    Join {
        /// The join.
        join: JoinId,
        /// Which of its records.
        pick: Pick,
        /// Which field; `None`: the record itself.
        field: Option<FieldId>,
    },
    /// The number of joined records.
    Count(JoinId),
    /// A `let`, or one of its members.
    Let {
        /// Position in `Step::lets`.
        binding: usize,
        /// Position in `Let::members`.
        member: Option<usize>,
    },
    /// A literal.
    Const(Scalar),
    /// A parameter: position in `Mapping::params`.
    Param(usize),
    /// The first input that is present.
    FirstOf(Vec<Input>),
    /// A minijinja template; it sees the record's fields, joins and lets by name.
    Text(String),
}

/// Which joined records are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// The only one of a `one:` join, or the one at this position.
    At(usize),
    /// From this position on; the value is a list.
    From(usize),
}
