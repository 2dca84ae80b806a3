//! One value, borrowed from the page it was read from or from the chunk's arena.

use crate::ident::ObjectId;
use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;

/// A value in one of its four states: absent, blank, a value, or bad. They are never confused.
///
/// `Copy` on purpose: texts and lists live in the page or in the chunk's bump arena, so that moving a
/// value costs nothing and dropping a chunk frees everything at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// The source has no such field in this record.
    Absent,
    /// The source has the field, and it is empty or null.
    Blank,
    /// A text; never empty.
    Text(&'a str),
    /// A whole number.
    Int(i64),
    /// An exact decimal.
    Decimal(Decimal),
    /// True or false.
    Bool(bool),
    /// A calendar day.
    Date(Date),
    /// An instant, in UTC.
    DateTime(Timestamp),
    /// Several values; never empty.
    List(&'a [Value<'a>]),
    /// A record at the destination: what a reference resolved to.
    Dest(DestRef<'a>),
    /// Something was there and could not be read or does not fit.
    Bad(&'a Fault<'a>),
}

/// A record at the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DestRef<'a> {
    /// The destination object.
    pub object: ObjectId,
    /// The destination's id of the record, as text.
    pub id: &'a str,
}

/// Why a value is bad.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault<'a> {
    /// The kind of fault; decides the hold code.
    pub kind: FaultKind,
    /// The text that was found.
    pub found: &'a str,
}

/// Kinds of value faults. Each is the code of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// Not a whole or decimal number.
    NotANumber,
    /// Neither of the texts that mean true and false.
    NotABool,
    /// Not a date or time in any declared format, or no such day.
    NotADate,
    /// Not an e-mail address.
    NotAnEmail,
    /// Not a web address.
    NotAUrl,
    /// Not a telephone number.
    NotAPhone,
    /// Not well-formed JSON.
    NotJson,
    /// A list that its brackets or quotes do not close.
    NotAList,
    /// Longer than the field takes.
    TooLong,
    /// Below the minimum or above the maximum, or with more digits than the field takes.
    OutOfRange,
    /// Not among the choices of the field.
    NotAChoice,
    /// The value map has no row for it.
    NotMapped,
    /// A template met a value that is missing, or ran out of fuel.
    TextFailed,
    /// A pattern did not match.
    NoMatch,
    /// A named file could not be read.
    NoFile,
}

impl FaultKind {
    /// The hold code, as in reports and tests.
    pub fn code(self) -> &'static str {
        match self {
            FaultKind::NotANumber => "not_a_number",
            FaultKind::NotABool => "not_a_bool",
            FaultKind::NotADate => "not_a_date",
            FaultKind::NotAnEmail => "not_an_email",
            FaultKind::NotAUrl => "not_a_url",
            FaultKind::NotAPhone => "not_a_phone",
            FaultKind::NotJson => "not_json",
            FaultKind::NotAList => "not_a_list",
            FaultKind::TooLong => "too_long",
            FaultKind::OutOfRange => "out_of_range",
            FaultKind::NotAChoice => "not_a_choice",
            FaultKind::NotMapped => "not_mapped",
            FaultKind::TextFailed => "text_failed",
            FaultKind::NoMatch => "no_match",
            FaultKind::NoFile => "no_file",
        }
    }
}

impl<'a> Value<'a> {
    /// Takes over another value part by part: what was just written in parts is slow to read as a whole.
    #[inline]
    pub fn set(&mut self, from: &Value<'a>) {
        *self = match from {
            Value::Absent => Value::Absent,
            Value::Blank => Value::Blank,
            Value::Text(t) => Value::Text(t),
            Value::Int(i) => Value::Int(*i),
            Value::Bool(b) => Value::Bool(*b),
            Value::List(items) => Value::List(items),
            other => *other,
        };
    }
}

impl Value<'_> {
    /// True when there is something to write: not absent, blank or bad.
    pub fn is_present(&self) -> bool {
        !matches!(self, Value::Absent | Value::Blank | Value::Bad(_))
    }

    /// True for absent and blank.
    pub fn is_blank(&self) -> bool {
        matches!(self, Value::Absent | Value::Blank)
    }
}

/// An owned literal, as written in a spec.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// Nothing.
    Blank,
    /// A text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// An exact decimal.
    Decimal(Decimal),
    /// True or false.
    Bool(bool),
    /// A calendar day.
    Date(Date),
    /// A size in bytes (`25MB` is 25,000,000; `25MiB` is 26,214,400).
    Bytes(i64),
    /// A span of time in seconds (`48h`).
    Seconds(i64),
    /// Several literals.
    List(Vec<Scalar>),
}
