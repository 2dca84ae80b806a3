//! Typed conditions (`reference` grammar: paths, literals, comparison, `in`, `has`, `contains`, `is present`).

use super::Input;
use crate::{ident::ObjectId, value::Scalar};

/// A condition, resolved and typed.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// All of them.
    And(Vec<When>),
    /// Any of them.
    Or(Vec<When>),
    /// Not.
    Not(Box<When>),
    /// A boolean value is true; absent and blank are false.
    True(Operand),
    /// A value is there.
    Present(Operand),
    /// A value is absent or blank.
    Blank(Operand),
    /// A comparison; false when either side is absent, blank or bad.
    Compare(Operand, Compare, Operand),
    /// Among literals; texts compare trimmed and without case.
    In(Operand, Vec<Scalar>),
    /// A list has this item.
    Has(Operand, Scalar),
    /// A text contains this text.
    Contains(Operand, String),
    /// A reference to a record of one of these source objects is in this state; false for a blank one.
    Reference(Operand, RefState, Vec<ObjectId>),
}

impl When {
    /// Adds the source objects whose records' outcome the condition asks for.
    pub fn asks(&self, objects: &mut std::collections::BTreeSet<ObjectId>) {
        match self {
            When::And(all) | When::Or(all) => all.iter().for_each(|w| w.asks(objects)),
            When::Not(inner) => inner.asks(objects),
            When::Reference(_, _, of) => objects.extend(of),
            _ => {}
        }
    }
}

/// How a reference stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefState {
    /// There is no such record.
    Unknown,
    /// The record was left out on purpose.
    Dropped,
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A value of the record.
    Input(Input),
    /// A literal.
    Literal(Scalar),
}

/// Comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// `==`; texts compare trimmed and without case.
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}
