//! Where a value comes from, compiled: columns and joins by position, literals ready, nothing looked up by name.

use super::{act::Act, scope::Scope, template::Template, text};
use crate::{
    mapping::{JoinKind, OnJoin, OutcomePart},
    value::{Scalar, Value},
};

/// The start of a value's way.
#[derive(Debug)]
pub(crate) enum Node {
    /// A column of the record.
    Column(usize),
    /// A column of one joined record; no column: its key.
    Joined {
        join: usize,
        at: usize,
        column: Option<usize>,
    },
    /// A column of all joined records from one on, as a list; no column: their keys.
    JoinedFrom {
        join: usize,
        from: usize,
        column: Option<usize>,
    },
    /// The number of joined records.
    Count(usize),
    /// A `let`.
    Let(usize),
    /// A member of a `let`.
    Member(usize, usize),
    /// A literal.
    Const(Scalar),
    /// The first that is present, or bad.
    FirstOf(Vec<Node>),
    /// A part of what became of the record.
    Outcome(OutcomePart),
    /// A template.
    Text(Box<Template>),
}

/// A join, compiled.
#[derive(Debug)]
pub(crate) struct JoinCode {
    /// Position of the joined object.
    pub object: usize,
    /// How many are expected.
    pub kind: JoinKind,
    /// Alternatives in order.
    pub by: Vec<JoinBy>,
    /// True when its rows are read, not only counted.
    pub rows: bool,
    /// Its name.
    pub name: String,
    /// Words for the hold.
    pub say: Option<String>,
}

/// One alternative of a join.
#[derive(Debug)]
pub(crate) struct JoinBy {
    /// Position in the tables' indexes.
    pub index: usize,
    /// The record's own columns.
    pub own: Vec<usize>,
    /// True when a merged record is looked up under the keys of all its members.
    pub own_key: bool,
}

/// A `let`, compiled.
#[derive(Debug)]
pub(crate) struct LetCode {
    /// Where it comes from.
    pub node: Node,
    /// Ops, in order.
    pub acts: Vec<Act>,
    /// A bad value is blank, and counted.
    pub blank_when_bad: bool,
    /// Names of its members.
    pub members: Vec<String>,
}

/// What a join found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Joined<'a> {
    /// Its rows in order; empty for joins that are only counted.
    pub rows: &'a [u32],
    /// How many.
    pub count: u32,
}

/// Why a join holds the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JoinFault {
    /// There is none.
    None,
    /// There are several.
    Many,
}

impl JoinCode {
    /// Looks up the joined records, and applies what a `one:` join says about none and many.
    pub fn find<'a>(&'a self, scope: &mut Scope<'a>) -> Result<Joined<'a>, JoinFault> {
        let mut found = Joined::default();
        for by in &self.by {
            found = scope.lookup(by, self.rows);
            if found.count > 0 {
                break;
            }
        }
        let JoinKind::One { none, many } = &self.kind else {
            return Ok(found);
        };
        match found.count {
            0 if *none == OnJoin::Hold => Err(JoinFault::None),
            0 | 1 => Ok(found),
            _ => match many {
                OnJoin::Hold => Err(JoinFault::Many),
                OnJoin::Blank => Ok(Joined::default()),
                OnJoin::First => Ok(Joined {
                    rows: found.rows.get(..1).unwrap_or(&[]),
                    count: 1,
                }),
            },
        }
    }
}

impl Node {
    /// The value for the record in scope into its place.
    #[inline]
    pub fn write<'a>(&'a self, scope: &mut Scope<'a>, out: &mut Value<'a>) {
        match self {
            Node::Column(column) => scope.copy(*column, out),
            Node::Let(binding) => out.set(scope.bound(*binding)),
            Node::Member(binding, member) => match scope.bound(*binding) {
                Value::List(members) => out.set(members.get(*member).unwrap_or(&Value::Absent)),
                other => out.set(other),
            },
            node => *out = node.value(scope),
        }
    }

    /// What a question about the value for the record in scope has as its answer.
    #[inline]
    pub fn ask<'a, T>(
        &'a self,
        scope: &mut Scope<'a>,
        question: impl FnOnce(&Value<'a>) -> T,
    ) -> T {
        match self {
            Node::Column(column) => question(scope.cell(*column)),
            node => question(&node.value(scope)),
        }
    }

    /// The value for the record in scope.
    pub fn value<'a>(&'a self, scope: &mut Scope<'a>) -> Value<'a> {
        match self {
            Node::Column(column) => scope.column(*column),
            Node::Joined { join, at, column } => match scope.joined(*join).rows.get(*at) {
                Some(row) => scope.joined_value(*join, *row, *column),
                None => Value::Blank,
            },
            Node::JoinedFrom { join, from, column } => {
                let rows = scope.joined(*join).rows.get(*from..).unwrap_or(&[]);
                let mut out = bumpalo::collections::Vec::new_in(scope.arena);
                for row in rows {
                    match scope.joined_value(*join, *row, *column) {
                        bad @ Value::Bad(_) => return bad,
                        Value::List(items) => out.extend_from_slice(items),
                        value if value.is_present() => out.push(value),
                        _ => {}
                    }
                }
                if out.is_empty() {
                    Value::Blank
                } else {
                    Value::List(out.into_bump_slice())
                }
            }
            Node::Count(join) => Value::Int(i64::from(scope.joined(*join).count)),
            Node::Let(binding) => scope.binding(*binding),
            Node::Member(binding, member) => match scope.bound(*binding) {
                Value::List(members) => members.get(*member).copied().unwrap_or(Value::Absent),
                other => *other,
            },
            Node::Const(scalar) => text::literal(scalar, scope.arena),
            Node::FirstOf(nodes) => match first_of(nodes, scope) {
                Some((_, value)) => value,
                None => Value::Blank,
            },
            Node::Outcome(part) => scope.outcome.part(*part),
            Node::Text(template) => template.render(scope),
        }
    }
}

/// The first alternative that is present or bad, with its position.
pub(crate) fn first_of<'a>(nodes: &'a [Node], scope: &mut Scope<'a>) -> Option<(usize, Value<'a>)> {
    nodes.iter().enumerate().find_map(|(i, node)| {
        let value = node.value(scope);
        (!value.is_blank()).then_some((i, value))
    })
}
