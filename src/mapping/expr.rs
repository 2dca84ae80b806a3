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
    /// What became of the record; in steps that report it ([`super::Of`]).
    Outcome(OutcomePart),
    /// A minijinja template; it sees the record's fields, joins and lets by name.
    Text(String),
}

/// A part of what became of a record, for reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutcomePart {
    /// Why it was dropped or held, in words.
    Reason,
    /// The code of the hold.
    Code,
    /// The key of the record it went into.
    Into,
    /// The step that dropped or held it; blank where all do.
    Step,
    /// Its key; of a missing record the key that others name.
    Key,
    /// How many written records name the missing one.
    Records,
}

impl OutcomePart {
    /// Every part with its name in paths, as in `outcome.reason`.
    pub const ALL: &'static [(&'static str, OutcomePart)] = &[
        ("reason", OutcomePart::Reason),
        ("code", OutcomePart::Code),
        ("into", OutcomePart::Into),
        ("step", OutcomePart::Step),
        ("key", OutcomePart::Key),
        ("records", OutcomePart::Records),
    ];
}

/// Which joined records are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// The only one of a `one:` join, or the one at this position.
    At(usize),
    /// From this position on; the value is a list.
    From(usize),
}
