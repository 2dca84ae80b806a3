//! Answers where referenced records went: from the id map as it stood when the pass began, and from the
//! destination's own records for natural keys.

use crate::{
    ident::{ObjectId, StepId},
    ledger::{IdState, StepIds},
    mapping::Mapping,
    transform::{Resolution, Resolve},
    value::DestRef,
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// A frozen view for one pass.
pub struct Resolver {
    mapping: Arc<Mapping>,
    /// By step; `None` while the step is still to come.
    steps: Vec<Option<StepIds>>,
    /// For each source object its steps.
    by_source: Vec<Vec<StepId>>,
    /// Natural keys of destination objects: text to id.
    natural: HashMap<ObjectId, HashMap<String, String>>,
    /// Tags that people had before the migration, by destination object, in lower case.
    tags: HashMap<ObjectId, HashSet<String>>,
    /// Destination ids that stand in for records that are not there: step to id.
    fallbacks: HashMap<StepId, String>,
}

impl Resolver {
    /// A resolver over finished steps.
    pub fn new(
        mapping: Arc<Mapping>,
        steps: Vec<Option<StepIds>>,
        natural: HashMap<ObjectId, HashMap<String, String>>,
        tags: HashMap<ObjectId, HashSet<String>>,
        fallbacks: HashMap<StepId, String>,
    ) -> Resolver {
        let mut by_source = vec![Vec::new(); mapping.source.objects.len()];
        for (i, step) in mapping.steps.iter().enumerate() {
            if step.of.is_report() {
                continue;
            }
            if let (Some(list), Ok(id)) = (by_source.get_mut(step.from.ix()), u16::try_from(i)) {
                list.push(StepId(id));
            }
        }
        Resolver {
            mapping,
            steps,
            by_source,
            natural,
            tags,
            fallbacks,
        }
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
        let Some(steps) = self.by_source.get(object.ix()) else {
            return answer;
        };
        for id in steps {
            let Some(step) = self.mapping.steps.get(id.ix()) else {
                continue;
            };
            if !to.contains(&step.to) || !(only.is_empty() || only.contains(id)) {
                continue;
            }
            let Some(Some(ids)) = self.steps.get(id.ix()) else {
                answer = Resolution::Later;
                continue;
            };
            let fallback = self.fallbacks.get(id).map(|id| {
                Resolution::Fallback(DestRef {
                    object: step.to,
                    id,
                })
            });
            match ids.get(key) {
                Some(entry) => match entry.state {
                    IdState::Confirmed if !entry.dest_id.is_empty() => {
                        return Resolution::Found(DestRef {
                            object: step.to,
                            id: entry.dest_id,
                        });
                    }
                    IdState::Dropped if answer == Resolution::Unknown => {
                        answer = Resolution::Dropped;
                    }
                    IdState::Dropped | IdState::Merged => {}
                    _ => match fallback {
                        Some(found) => return found,
                        None if answer != Resolution::Later => answer = Resolution::Held,
                        None => {}
                    },
                },
                None => {
                    if let Some(found) = fallback {
                        return found;
                    }
                }
            }
        }
        answer
    }

    fn fallback(&self, object: ObjectId, only: &[StepId], to: &[ObjectId]) -> Option<DestRef<'_>> {
        let steps = self.by_source.get(object.ix())?;
        steps.iter().find_map(|id| {
            let step = self.mapping.steps.get(id.ix())?;
            let fits = to.contains(&step.to) && (only.is_empty() || only.contains(id));
            let id = self.fallbacks.get(id).filter(|_| fits)?;
            Some(DestRef {
                object: step.to,
                id,
            })
        })
    }

    fn by_natural(&self, object: ObjectId, key: &str) -> Resolution<'_> {
        match self.natural.get(&object).and_then(|ids| ids.get(key)) {
            Some(id) => Resolution::Found(DestRef { object, id }),
            None => Resolution::Unknown,
        }
    }

    fn tag_taken(&self, object: ObjectId, tag: &str) -> bool {
        self.tags
            .get(&object)
            .is_some_and(|t| t.contains(&tag.trim().to_lowercase()))
    }
}
