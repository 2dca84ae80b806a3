//! Conditions, compiled and evaluated: typed, on positions, without allocation for ASCII texts.

use super::{
    node::Node,
    order,
    resolve::Resolution,
    scope::{Asked, Scope},
    text,
};
use crate::{
    ident::ObjectId,
    mapping::{Compare, RefState},
    value::{Value, glance},
};
use memchr::memmem::Finder;
use rust_decimal::Decimal;
use std::cmp::Ordering;

/// A condition.
#[derive(Debug)]
pub(crate) enum Condition {
    /// All of them.
    And(Vec<Condition>),
    /// Any of them.
    Or(Vec<Condition>),
    /// Not.
    Not(Box<Condition>),
    /// A boolean value is true.
    True(Node),
    /// A value is there.
    Present(Node),
    /// A value is absent or blank.
    Blank(Node),
    /// A comparison.
    Compare(Node, Compare, Node),
    /// Among literals.
    In(Node, Vec<Literal>),
    /// A list has this item.
    Has(Node, Literal),
    /// A text contains this text, exactly as written.
    Contains(Node, Box<Finder<'static>>),
    /// A reference is in this state.
    Reference {
        /// Its value.
        node: Node,
        /// The state.
        state: RefState,
        /// The source objects it may name, and whether their keys are in lower case.
        objects: Vec<(ObjectId, bool)>,
        /// Every destination object: wherever the record goes, it is known.
        to: Vec<ObjectId>,
    },
}

/// A literal that texts are compared with trimmed and without case.
#[derive(Debug)]
pub(crate) enum Literal {
    /// Trimmed and in lower case.
    Text(String),
    /// A number.
    Number(Decimal),
    /// True or false.
    Bool(bool),
    /// A day.
    Date(jiff::civil::Date),
    /// Equal to nothing.
    Nothing,
}

impl Literal {
    fn is(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Literal::Text(folded), Value::Text(t)) => text::folds_to(t, folded),
            (Literal::Number(n), Value::Int(i)) => Decimal::from(*i) == *n,
            (Literal::Number(n), Value::Decimal(d)) => d == n,
            // An id or a choice that looks like a number may be written without quotes.
            (Literal::Number(n), Value::Text(t)) => t.trim().parse() == Ok(*n),
            (Literal::Bool(b), Value::Bool(v)) => b == v,
            (Literal::Date(d), Value::Date(_) | Value::DateTime(_)) => {
                order::comparing(value, &Value::Date(*d)) == Some(Ordering::Equal)
            }
            _ => false,
        }
    }
}

impl Condition {
    /// Whether it holds for the record in scope.
    pub fn holds<'a>(&'a self, scope: &mut Scope<'a>) -> bool {
        match self {
            Condition::And(all) => all.iter().all(|c| c.holds(scope)),
            Condition::Or(any) => any.iter().any(|c| c.holds(scope)),
            Condition::Not(inner) => !inner.holds(scope),
            Condition::True(node) => node.ask(scope, |v| matches!(v, Value::Bool(true))),
            Condition::Present(node) => node.ask(scope, Value::is_present),
            Condition::Blank(node) => node.ask(scope, Value::is_blank),
            Condition::Compare(left, how, right) => {
                let right = right.value(scope);
                left.ask(scope, |left| compare(left, *how, &right))
            }
            Condition::In(node, literals) => node.ask(scope, |v| literals.iter().any(|l| l.is(v))),
            Condition::Has(node, literal) => node.ask(scope, |v| match v {
                Value::List(items) => items.iter().any(|i| literal.is(i)),
                value => literal.is(value),
            }),
            Condition::Contains(node, finder) => node.ask(scope, |v| match v {
                Value::Text(t) => finder.find(t.as_bytes()).is_some(),
                Value::List(items) => items
                    .iter()
                    .any(|i| matches!(i, Value::Text(t) if finder.find(t.as_bytes()).is_some())),
                _ => false,
            }),
            Condition::Reference {
                node,
                state,
                objects,
                to,
            } => {
                let key = node.ask(scope, |v| match v {
                    Value::Text(key) => Some(*key),
                    _ => None,
                });
                key.is_some_and(|key| reference(key, *state, objects, to, scope))
            }
        }
    }
}

/// Whether a reference is in a state. Of several objects the best answer counts.
fn reference<'a>(
    key: &'a str,
    state: RefState,
    objects: &[(ObjectId, bool)],
    to: &[ObjectId],
    scope: &mut Scope<'a>,
) -> bool {
    let Some(resolve) = scope.resolve else {
        return false;
    };
    let mut best = RefState::Unknown;
    for (object, lower) in objects {
        let written = key;
        if let Some(asked) = scope.asked
            && asked.object == *object
            && std::ptr::eq(asked.written, written)
        {
            match asked.answer {
                Resolution::Unknown | Resolution::Fallback { .. } => {}
                Resolution::Dropped => best = RefState::Dropped,
                _ => return false,
            }
            continue;
        }
        let key = if *lower {
            text::fold_in(key, scope.arena)
        } else {
            glance::trim(key)
        };
        let key = scope.tables.merged_into(*object, key).unwrap_or(key);
        let answer = resolve.by_source(*object, key, &[], to);
        scope.asked = Some(Asked {
            object: *object,
            written,
            key,
            answer,
            of_all: true,
        });
        match answer {
            Resolution::Unknown | Resolution::Fallback { .. } => {}
            Resolution::Dropped => best = RefState::Dropped,
            Resolution::Found(_) | Resolution::Later | Resolution::Held => return false,
        }
    }
    best == state
}

/// A comparison; false when a side is absent, blank or bad, or when the kinds differ.
fn compare(left: &Value<'_>, how: Compare, right: &Value<'_>) -> bool {
    if let (Value::Text(a), Value::Text(b), Compare::Equal | Compare::NotEqual) = (left, right, how)
    {
        return text::fold_equal(a, b) == (how == Compare::Equal);
    }
    let Some(order) = order::comparing(left, right) else {
        return false;
    };
    match how {
        Compare::Equal => order.is_eq(),
        Compare::NotEqual => order.is_ne(),
        Compare::Less => order.is_lt(),
        Compare::AtMost => order.is_le(),
        Compare::Greater => order.is_gt(),
        Compare::AtLeast => order.is_ge(),
    }
}
