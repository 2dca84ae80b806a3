//! Typed conditions (`reference` grammar: paths, literals, comparison, `in`, `has`, `contains`, `is present`).

use super::Input;
use crate::value::Scalar;

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
