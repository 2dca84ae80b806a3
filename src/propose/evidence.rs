//! What records show about fields: gathered by the caller from a few thousand of them, weighed here.

use crate::ident::{FieldId, ObjectId};
use std::collections::{BTreeMap, BTreeSet};

/// Distinct values kept for a field.
const KEPT: usize = 200;

/// What records of the source show.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    fields: BTreeMap<(ObjectId, FieldId), FieldEvidence>,
}

/// What records show about one field.
#[derive(Clone, Debug, Default)]
pub struct FieldEvidence {
    /// Values seen that are not blank.
    pub filled: u64,
    /// Of those: look like e-mail addresses.
    pub emails: u64,
    /// Look like whole or decimal numbers.
    pub numbers: u64,
    /// Begin like a date.
    pub dates: u64,
    /// Distinct values in lower case, up to a limit.
    pub distinct: BTreeSet<String>,
}

impl Evidence {
    /// Takes in a value.
    pub fn add(&mut self, object: ObjectId, field: FieldId, value: &str) {
        let value = value.trim();
        if value.is_empty() {
            return;
        }
        let seen = self.fields.entry((object, field)).or_default();
        seen.filled += 1;
        seen.emails += u64::from(is_email(value));
        seen.numbers += u64::from(value.trim_end_matches('%').parse::<f64>().is_ok());
        seen.dates += u64::from(is_date(value));
        if seen.distinct.len() < KEPT {
            seen.distinct.insert(value.to_lowercase());
        }
    }

    /// What is known about a field; `None` without records.
    pub fn of(&self, object: ObjectId, field: FieldId) -> Option<&FieldEvidence> {
        self.fields.get(&(object, field))
    }
}

impl FieldEvidence {
    /// The share of the distinct values that are among these (in lower case).
    pub fn overlap(&self, choices: &BTreeSet<String>) -> f64 {
        if self.distinct.is_empty() {
            return 0.0;
        }
        let hits = self.distinct.intersection(choices).count();
        ratio(hits as u64, self.distinct.len() as u64)
    }

    /// The share of values for which a count stands.
    pub fn share(&self, count: u64) -> f64 {
        ratio(count, self.filled)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a sample are far below 2^53"
)]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

fn is_email(value: &str) -> bool {
    value
        .split_once('@')
        .is_some_and(|(user, host)| !user.is_empty() && host.contains('.') && !host.contains('@'))
}

/// Four digits, a mark and a digit; or one or two digits, a mark, and digits again.
fn is_date(value: &str) -> bool {
    let mut parts = value.split(['-', '/', '.']);
    let (Some(a), Some(b), Some(c)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let digits = |s: &str| !s.is_empty() && s.len() <= 4 && s.bytes().all(|b| b.is_ascii_digit());
    digits(a) && digits(b) && c.starts_with(|d: char| d.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_by_their_shape() {
        let mut evidence = Evidence::default();
        let (object, field) = (ObjectId(0), FieldId(0));
        for value in [
            "ada@acme.test",
            " ",
            "12.5",
            "85%",
            "2026-01-02",
            "02.01.2026 10:00",
            "x",
        ] {
            evidence.add(object, field, value);
        }
        let seen = evidence.of(object, field).expect("seen");
        assert_eq!(
            (seen.filled, seen.emails, seen.numbers, seen.dates),
            (6, 1, 2, 2)
        );
        let choices = ["x", "12.5", "other"].map(str::to_owned).into();
        assert!((seen.overlap(&choices) - 2.0 / 6.0).abs() < 1e-9);
    }
}
