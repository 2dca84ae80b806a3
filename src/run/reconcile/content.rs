//! Records without a key: found by their content below their parent, then below another, then by likeness.

use super::{
    compare::Compared,
    resolve::is_not_found,
    state::{Expected, State},
};
use crate::{ident::StepId, platform::wire::WireValue};
use std::sync::Arc;

/// How much of a record must be what it should be, so that it is this one, damaged.
const ALIKE: f64 = 0.5;
/// The most records that are looked at for likeness.
const LOOKS: usize = 5_000;

impl State {
    /// Finds records that are there exactly, below their parent. What is not found goes on waiting.
    pub fn settle_exact(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        for expected in waiting {
            let near = self.near(&expected);
            match self.first(&expected, near, Compared::is_clean) {
                Some((at, compared)) => self.bind(&expected, at, &compared),
                None => self.waiting.push(expected),
            }
        }
    }

    /// Finds the rest: moved below another parent, or changed. What is left is missing.
    pub fn settle_rest(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        let mut left = Vec::new();
        for expected in waiting {
            let far = self.anchored(&expected);
            match self.first(&expected, far, |c| c.is_clean() || c.is_moved()) {
                Some((at, compared)) => self.bind(&expected, at, &compared),
                None => left.push(expected),
            }
        }
        for expected in left {
            match self.most_alike(&expected) {
                Some((at, compared)) => self.bind(&expected, at, &compared),
                None => {
                    let mapping = Arc::clone(&self.mapping);
                    if let Some(step) = mapping.steps.get(expected.step.ix()) {
                        self.absent(step, expected);
                    }
                }
            }
        }
    }

    fn first(
        &mut self,
        expected: &Expected,
        candidates: Vec<usize>,
        fits: impl Fn(&Compared) -> bool,
    ) -> Option<(usize, Compared)> {
        candidates.into_iter().find_map(|at| {
            let compared = self.compare(expected, at)?;
            (fits(&compared) && compared.equal > 0).then_some((at, compared))
        })
    }

    fn most_alike(&mut self, expected: &Expected) -> Option<(usize, Compared)> {
        let mut best: Option<(f64, usize, Compared)> = None;
        for at in self.near(expected).into_iter().take(LOOKS) {
            let Some(compared) = self.compare(expected, at) else {
                continue;
            };
            let alike = compared.likeness();
            if alike >= ALIKE && best.as_ref().is_none_or(|(most, ..)| alike > *most) {
                best = Some((alike, at, compared));
            }
        }
        best.map(|(_, at, compared)| (at, compared))
    }

    /// Free records below the expected parent; of an object without parents those with the same text, or all.
    fn near(&mut self, expected: &Expected) -> Vec<usize> {
        let Some(rules) = self.rules.get(expected.step.ix()) else {
            return Vec::new();
        };
        let parent = rules
            .parent
            .and_then(|at| expected.values.get(at))
            .and_then(|v| match v {
                WireValue::Record { id, .. } if !is_not_found(id) => Some(id.clone()),
                _ => None,
            });
        let field = rules.fields.iter().find(|f| f.is_parent).map(|f| f.field);
        let Some(shelf) = self.shelves.get_mut(&rules.object) else {
            return Vec::new();
        };
        match (parent, field) {
            (Some(id), Some(field)) => {
                let mut all = shelf.with(field, &id);
                all.retain(|at| shelf.is_free(*at));
                all
            }
            _ => shelf.free(),
        }
    }

    /// Free records with the text that tells most.
    fn anchored(&mut self, expected: &Expected) -> Vec<usize> {
        let Some(rules) = self.rules.get(expected.step.ix()) else {
            return Vec::new();
        };
        let Some(anchor) = rules.anchor.and_then(|at| rules.fields.get(at)) else {
            return Vec::new();
        };
        let Some(shelf) = self.shelves.get_mut(&rules.object) else {
            return Vec::new();
        };
        match expected.values.get(anchor.at) {
            Some(WireValue::One(text)) => {
                let mut all = shelf.with(anchor.field, text);
                all.retain(|at| shelf.is_free(*at));
                all
            }
            _ => Vec::new(),
        }
    }

    /// Records that nothing explains and that hold the same as one that is explained.
    pub fn settle_doubles(&mut self) {
        let mut doubles: Vec<(StepId, String, usize)> = Vec::new();
        for (id, step) in (0u16..).map(StepId).zip(&self.mapping.steps) {
            let Some(rules) = self.rules.get(id.ix()) else {
                continue;
            };
            let Some(anchor) = rules.anchor.and_then(|at| rules.fields.get(at)) else {
                continue;
            };
            if !step.match_keys.is_empty() {
                continue;
            }
            let Some(shelf) = self.shelves.get_mut(&rules.object) else {
                continue;
            };
            for at in shelf.free() {
                let WireValue::One(text) = shelf.value(at, anchor.field) else {
                    continue;
                };
                let same = shelf
                    .with(anchor.field, &text)
                    .into_iter()
                    .find_map(|other| {
                        let owner = shelf.owner(other).filter(|o| o.step == step.name)?;
                        let equal = rules
                            .fields
                            .iter()
                            .all(|f| shelf.value(at, f.field).same(&shelf.value(other, f.field)));
                        equal.then(|| owner.key.clone())
                    });
                if let Some(key) = same {
                    doubles.push((id, key, at));
                }
            }
        }
        for (step, key, at) in doubles {
            self.doubled(step, &key, at);
        }
    }
}
