//! The books of a pass while it runs: each source record gets exactly one outcome per step.

use crate::{event::Counts, ident::StepId, run::send::Sent};
use std::collections::{BTreeMap, HashMap};

/// How a record ended, from best to worst: of a record in several parts the worst counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Unchanged,
    Updated,
    Created,
    Held,
    Failed,
}

/// The books of the steps of a pass.
#[derive(Debug, Default)]
pub struct Books {
    counts: BTreeMap<StepId, Counts>,
    parts: HashMap<(StepId, String), (u16, Outcome)>,
    refusals: BTreeMap<(StepId, String), Group>,
    differences: BTreeMap<(StepId, String), Group>,
    unmatched: BTreeMap<Unmatched, Group>,
}

/// A reference that was left blank because nothing is there: step, destination field, and what it named.
pub type Unmatched = (StepId, String, String);

/// Most values without a record that are kept apart, for all fields of a pass together; further ones are counted
/// under no value.
const UNMATCHED: usize = 20_000;

/// Records with something in common: how many, and the keys of the first few.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// How many.
    pub records: u64,
    /// Keys of the first three.
    pub examples: Vec<String>,
}

impl Group {
    /// Adds a record.
    pub fn add(&mut self, key: &str) {
        self.records += 1;
        if self.examples.len() < 3 {
            self.examples.push(key.to_owned());
        }
    }
}

impl Books {
    /// The counts of a step, to add to.
    pub fn of(&mut self, step: StepId) -> &mut Counts {
        self.counts.entry(step).or_default()
    }

    /// All counts.
    pub fn counts(&self) -> impl Iterator<Item = (StepId, Counts)> {
        self.counts.iter().map(|(s, c)| (*s, *c))
    }

    /// Records of a step that have an outcome.
    pub fn settled(&self, step: StepId) -> u64 {
        self.counts.get(&step).map_or(0, Counts::settled)
    }

    /// Refusals by step and reason.
    pub fn refusals(&self) -> &BTreeMap<(StepId, String), Group> {
        &self.refusals
    }

    /// Fields kept otherwise than sent, by step and field.
    pub fn differences(&self) -> &BTreeMap<(StepId, String), Group> {
        &self.differences
    }

    /// References that were left blank, by step, field and what they named.
    pub fn left_blank(&self) -> &BTreeMap<Unmatched, Group> {
        &self.unmatched
    }

    /// Notes a reference that was left blank because nothing is there.
    pub fn unmatched(&mut self, step: StepId, key: &str, field: String, value: String) {
        let mut at = (step, field, value);
        if self.unmatched.len() >= UNMATCHED && !self.unmatched.contains_key(&at) {
            at.2.clear();
        }
        self.unmatched.entry(at).or_default().add(key);
    }

    /// Books the end of a record or of one part of it. Returns true when the whole record is settled.
    pub fn settle(&mut self, step: StepId, key: &str, parts: u16, sent: &Sent) -> bool {
        let outcome = match sent {
            Sent::Created { .. } => Outcome::Created,
            Sent::Updated { .. } => Outcome::Updated,
            Sent::Unchanged { .. } => Outcome::Unchanged,
            Sent::Failed { reasons } => {
                self.refusals
                    .entry((step, reasons.clone()))
                    .or_default()
                    .add(key);
                Outcome::Failed
            }
            Sent::Held { .. } => Outcome::Held,
        };
        let outcome = if parts > 1 {
            let at = (step, key.to_owned());
            let (seen, worst) = self.parts.entry(at.clone()).or_insert((0, outcome));
            *seen += 1;
            *worst = (*worst).max(outcome);
            if *seen < parts {
                return false;
            }
            let worst = *worst;
            self.parts.remove(&at);
            worst
        } else {
            outcome
        };
        let counts = self.of(step);
        match outcome {
            Outcome::Unchanged => counts.unchanged += 1,
            Outcome::Updated => counts.updated += 1,
            Outcome::Created => counts.created += 1,
            Outcome::Held => counts.held += 1,
            Outcome::Failed => counts.failed += 1,
        }
        true
    }

    /// Notes that the destination kept fields of a record otherwise than sent.
    pub fn differs(&mut self, step: StepId, key: &str, fields: &[String]) {
        for field in fields {
            self.differences
                .entry((step, field.clone()))
                .or_default()
                .add(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_in_parts_counts_once_and_as_its_worst_part() {
        let mut books = Books::default();
        let step = StepId(0);
        let created = Sent::Created { id: "1".into() };
        let failed = Sent::Failed {
            reasons: "too long".into(),
        };
        assert!(!books.settle(step, "a", 3, &created));
        assert!(!books.settle(step, "a", 3, &failed));
        assert!(books.settle(step, "a", 3, &created));
        let counts = *books.of(step);
        assert_eq!((counts.created, counts.failed), (0, 1));
    }
}
