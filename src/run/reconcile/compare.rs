//! One record that should be there against one that is, field by field.

use super::{
    differ::{self, Verdict},
    resolve::is_not_found,
    rules::StepRules,
    shelf::Shelf,
};
use crate::{
    outcome::reconcile::{How, Kind},
    platform::wire::WireValue,
    value::Type,
};

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Position in `StepRules::fields`.
    pub field: usize,
    /// What kind of finding it is.
    pub kind: Kind,
    /// How it differs.
    pub how: How,
    /// What should be there.
    pub expected: WireValue,
    /// What is there.
    pub there: WireValue,
}

/// What a comparison says.
#[derive(Clone, Debug, Default)]
pub struct Compared {
    /// Fields that differ.
    pub differences: Vec<Difference>,
    /// Fields that are equal.
    pub equal: usize,
    /// True when some are equal only after normalising.
    pub normalised: bool,
}

impl Compared {
    /// True when nothing differs.
    pub fn is_clean(&self) -> bool {
        self.differences.is_empty()
    }

    /// True when nothing but the parent differs.
    pub fn is_moved(&self) -> bool {
        !self.is_clean() && self.differences.iter().all(|d| d.kind == Kind::WrongParent)
    }

    /// How much of the record is what it should be, from 0 to 1: equal fields, and texts by their common words. The
    /// parent does not count.
    pub fn likeness(&self) -> f64 {
        let mut total = self.equal as f64;
        let mut alike = total;
        for d in &self.differences {
            if d.kind == Kind::WrongParent {
                continue;
            }
            total += 1.0;
            if let (WireValue::One(a), WireValue::One(b)) = (&d.expected, &d.there) {
                alike += match d.how {
                    How::Spaces | How::Case | How::Truncated | How::Escaped | How::Encoding => 0.9,
                    _ => differ::likeness(a, b),
                };
            }
        }
        if total == 0.0 { 0.0 } else { alike / total }
    }
}

/// Compares. `expected` is aligned with `Step::fields`; absent values are not compared, nor members that the
/// destination shows in no record.
pub fn compare(
    rules: &StepRules,
    expected: &[WireValue],
    shelf: &mut Shelf,
    at: usize,
) -> Compared {
    let mut out = Compared::default();
    for (i, field) in rules.fields.iter().enumerate() {
        let Some(wanted) = expected.get(field.at) else {
            continue;
        };
        if matches!(wanted, WireValue::Absent) {
            continue;
        }
        let there = shelf.value(at, field.field);
        if matches!(there, WireValue::Absent) && !shelf.shows(field.field) {
            continue;
        }
        if field.data_type == Type::Ref {
            let unknown = matches!(wanted, WireValue::Record { id, .. } if is_not_found(id));
            if unknown {
                continue;
            }
            if wanted.same(&there) {
                // Many records share an owner; one parent is what few share.
                out.equal += usize::from(!field.is_parent);
                continue;
            }
            out.differences.push(Difference {
                field: i,
                kind: match field.is_parent {
                    true => Kind::WrongParent,
                    false => Kind::WrongReference,
                },
                how: match there.is_nothing() {
                    true => How::Empty,
                    false => How::Other,
                },
                expected: wanted.clone(),
                there,
            });
            continue;
        }
        match differ::compare(field.data_type, wanted, &there, field.prefix.as_deref()) {
            Verdict::Equal => out.equal += 1,
            Verdict::Normalised => {
                out.equal += 1;
                out.normalised = true;
            }
            Verdict::Differs(how) => out.differences.push(Difference {
                field: i,
                kind: Kind::WrongValue,
                how,
                expected: wanted.clone(),
                there,
            }),
        }
    }
    swaps(&mut out.differences);
    out
}

/// Two fields that hold each other's value.
fn swaps(all: &mut [Difference]) {
    let pairs: Vec<usize> = (0..all.len())
        .filter(|at| {
            let Some(d) = all.get(*at) else { return false };
            !d.there.is_nothing()
                && all
                    .iter()
                    .any(|o| o.field != d.field && d.there == o.expected && o.there == d.expected)
        })
        .collect();
    for at in pairs {
        if let Some(d) = all.get_mut(at) {
            d.how = How::Swapped;
        }
    }
}
