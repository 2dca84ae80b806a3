//! Words and codes of holds.

use super::{field::Trouble, keys::KeyFault, node::JoinFault};
use crate::value::FaultKind;

/// The row could not be cut into cells.
pub(crate) const BAD_ROW: &str = "bad_row";

/// The code of a record without a usable key, and why.
pub(crate) fn key(fault: KeyFault) -> (&'static str, &'static str) {
    match fault {
        KeyFault::Missing => (
            "missing_key",
            "the record has no key, so it could not be recognised again",
        ),
        KeyFault::Duplicate => (
            "duplicate_key",
            "an earlier record of the file has the same key",
        ),
    }
}

/// The code of a join that found none or several.
pub(crate) fn join(fault: JoinFault) -> &'static str {
    match fault {
        JoinFault::None => "join_none",
        JoinFault::Many => "join_many",
    }
}

/// The code of a field's trouble; `None` when it is no hold.
pub(crate) fn code(trouble: &Trouble<'_>) -> Option<&'static str> {
    Some(match trouble {
        Trouble::Fault(fault) => fault.kind.code(),
        Trouble::Required => "required",
        Trouble::Missing(_) => "reference_missing",
        Trouble::ParentHeld(_) => "parent_held",
        Trouble::SkipRow => return None,
    })
}

/// The text a trouble is about.
pub(crate) fn found<'a>(trouble: &Trouble<'a>) -> &'a str {
    match trouble {
        Trouble::Fault(fault) => fault.found,
        Trouble::Missing(key) | Trouble::ParentHeld(key) => key,
        Trouble::Required | Trouble::SkipRow => "",
    }
}

/// What is wrong, after the field's name: `due …`.
pub(crate) fn words(trouble: &Trouble<'_>) -> String {
    match trouble {
        Trouble::Fault(fault) if fault.kind == FaultKind::TextFailed => {
            format!("cannot be written: {}", fault.found)
        }
        Trouble::Fault(fault) => fault_words(fault.kind).to_owned(),
        Trouble::Required => "is required and has no value".to_owned(),
        Trouble::Missing("") => "refers to nothing".to_owned(),
        Trouble::Missing(_) => "refers to a record that is not there".to_owned(),
        Trouble::ParentHeld(_) => "refers to a record that is held".to_owned(),
        Trouble::SkipRow => "refers to a record that was left out".to_owned(),
    }
}

fn fault_words(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::NotANumber => "is not a number",
        FaultKind::NotABool => "is neither of the texts for true and false",
        FaultKind::NotADate => "is not a date or time in the declared format",
        FaultKind::NotAnEmail => "is not an e-mail address",
        FaultKind::NotAUrl => "is not a web address",
        FaultKind::NotAPhone => "is not a telephone number",
        FaultKind::NotJson => "is not well-formed JSON",
        FaultKind::NotAList => "is a list that does not close",
        FaultKind::TooLong => "is longer than the field takes",
        FaultKind::OutOfRange => "is outside the range of the field",
        FaultKind::NotAChoice => "is not among the choices of the field",
        FaultKind::NotMapped => "has no row in its value map",
        FaultKind::TextFailed => "cannot be written",
        FaultKind::NoMatch => "does not match the pattern",
        FaultKind::NoFile => "names a file that cannot be read",
    }
}
