//! Answers where referenced records went: from the id map as it stood when the pass began, and from the
//! destination's own records for natural keys.

use crate::{
    ident::{ObjectId, StepId},
    ledger::{IdState, StepIds},
    mapping::Mapping,
    transform::{Resolution, Resolve},
    value::DestRef,
};
use std::collections::{HashMap, HashSet};

/// A step that records of a source object may have gone to.
struct Target {
    step: StepId,
    /// The object it writes.
    to: ObjectId,
    /// What became of its records; `None` while the step is still to come.
    ids: Option<StepIds>,
    /// The id that stands in for records that are not there.
    fallback: Option<String>,
    /// It does so until the right one is there.
    reassign: bool,
}

/// A frozen view for one pass.
pub struct Resolver {
    /// For each source object its steps.
    by_source: Vec<Vec<Target>>,
    /// Natural keys of destination objects: text to id.
    natural: HashMap<ObjectId, HashMap<String, String>>,
    /// Tags that people had before the migration, by destination object, in lower case.
    tags: HashMap<ObjectId, HashSet<String>>,
    /// What answers for natural keys that are not known; `None`: nothing.
    unknown: Option<String>,
}

impl Resolver {
    /// A resolver over finished steps. `fallbacks`: by step the id that stands in for records that are not there.
    pub fn new(
        mapping: &Mapping,
        steps: Vec<Option<StepIds>>,
        natural: HashMap<ObjectId, HashMap<String, String>>,
        tags: HashMap<ObjectId, HashSet<String>>,
        fallbacks: HashMap<StepId, String>,
    ) -> Resolver {
        let mut by_source = Vec::new();
        by_source.resize_with(mapping.source.objects.len(), Vec::new);
        let mut steps = steps.into_iter();
        let mut fallbacks = fallbacks;
        for (step, of) in (0u16..).map(StepId).zip(&mapping.steps) {
            let ids = steps.next().flatten();
            let fallback = fallbacks.remove(&step);
            if of.of.is_report() {
                continue;
            }
            if let Some(list) = by_source.get_mut(of.from.ix()) {
                list.push(Target {
                    step,
                    to: of.to,
                    ids,
                    fallback,
                    reassign: of.later_reassign,
                });
            }
        }
        Resolver {
            by_source,
            natural,
            tags,
            unknown: None,
        }
    }

    /// Natural keys that are not known are taken to be somewhere: at this id.
    pub fn with_unknown(mut self, id: &str) -> Resolver {
        self.unknown = Some(id.to_owned());
        self
    }
}

impl Target {
    fn fits(&self, only: &[StepId], to: &[ObjectId]) -> bool {
        to.contains(&self.to) && (only.is_empty() || only.contains(&self.step))
    }

    fn fallback(&self) -> Option<DestRef<'_>> {
        let id = self.fallback.as_deref()?;
        Some(DestRef {
            object: self.to,
            id,
        })
    }
}

impl Resolve for Resolver {
    fn by_source(
        &self,
        object: ObjectId,
        key: &str,
        only: &[StepId],
        to: &[ObjectId],
    ) -> Resolution<'_> {
        // The best answer wins: found, then later, then held, then dropped.
        let mut answer = Resolution::Unknown;
        let Some(targets) = self.by_source.get(object.ix()) else {
            return answer;
        };
        for target in targets {
            if !target.fits(only, to) {
                continue;
            }
            let Some(ids) = &target.ids else {
                answer = Resolution::Later;
                continue;
            };
            let fallback = || {
                let record = target.fallback()?;
                Some(Resolution::Fallback {
                    record,
                    reassign: target.reassign,
                })
            };
            match ids.get(key) {
                Some(entry) => match entry.state {
                    IdState::Confirmed if !entry.dest_id.is_empty() => {
                        return Resolution::Found(DestRef {
                            object: target.to,
                            id: entry.dest_id,
                        });
                    }
                    IdState::Dropped if answer == Resolution::Unknown => {
                        answer = Resolution::Dropped;
                    }
                    IdState::Dropped | IdState::Merged => {}
                    _ => match fallback() {
                        Some(found) => return found,
                        None if answer != Resolution::Later => answer = Resolution::Held,
                        None => {}
                    },
                },
                None => {
                    if let Some(found) = fallback() {
                        return found;
                    }
                }
            }
        }
        answer
    }

    fn ahead(&self, object: ObjectId, keys: &[u64]) {
        let targets = self.by_source.get(object.ix()).into_iter().flatten();
        for ids in targets.filter_map(|t| t.ids.as_ref()) {
            ids.ahead(keys);
        }
    }

    fn fallback(&self, object: ObjectId, only: &[StepId], to: &[ObjectId]) -> Option<DestRef<'_>> {
        let targets = self.by_source.get(object.ix())?;
        let fitting = targets.iter().filter(|t| t.fits(only, to));
        fitting.into_iter().find_map(Target::fallback)
    }

    fn by_natural(&self, object: ObjectId, key: &str) -> Resolution<'_> {
        match self.natural.get(&object).and_then(|ids| ids.get(key)) {
            Some(id) => Resolution::Found(DestRef { object, id }),
            None => match &self.unknown {
                Some(id) => Resolution::Found(DestRef { object, id }),
                None => Resolution::Unknown,
            },
        }
    }

    fn tag_taken(&self, object: ObjectId, tag: &str) -> bool {
        self.tags
            .get(&object)
            .is_some_and(|t| t.contains(&tag.trim().to_lowercase()))
    }
}
