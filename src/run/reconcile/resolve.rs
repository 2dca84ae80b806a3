//! Where source records went, as far as the destination itself shows it.

use crate::{
    ident::{ObjectId, StepId},
    mapping::{Absent, Mapping, RefSource},
    transform::{Resolution, Resolve},
    value::DestRef,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

/// What became of a source record in a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Went {
    /// It should be at the destination; the id, where it was found.
    To(Option<String>),
    /// It is set aside.
    Held,
    /// It was left out on purpose.
    Dropped,
}

/// What begins the id of a record that should be there and was not found. No destination has such ids.
const NOT_FOUND: &str = "\u{1}";

/// True when a reference points to a record that was not found, so that its id is not known.
pub fn is_not_found(id: &str) -> bool {
    id == NOT_FOUND
}

/// Where the records of each step went; `None` while the step is to come.
pub type Steps = Vec<Option<Arc<HashMap<String, Went>>>>;

/// A frozen view for one pass.
pub struct Resolver {
    mapping: Arc<Mapping>,
    steps: Steps,
    natural: HashMap<ObjectId, HashMap<String, String>>,
    fallbacks: HashMap<StepId, String>,
    /// References that found no record of their own: (step, key) to (how many, a fallback stood in).
    unassigned: Mutex<BTreeMap<(StepId, String), (u64, bool)>>,
}

/// References that found no record of their own: step and key, how many, and whether a fallback stood in.
pub type UnassignedKeys = BTreeMap<(StepId, String), (u64, bool)>;

impl Resolver {
    /// A resolver over finished steps. `natural`: key text to id, by object; `fallbacks`: the records that stand in.
    pub fn new(
        mapping: Arc<Mapping>,
        steps: Steps,
        natural: HashMap<ObjectId, HashMap<String, String>>,
        fallbacks: HashMap<StepId, String>,
    ) -> Resolver {
        Resolver {
            mapping,
            steps,
            natural,
            fallbacks,
            unassigned: Mutex::new(BTreeMap::new()),
        }
    }

    /// The references that found no record of their own.
    pub fn unassigned(&self) -> UnassignedKeys {
        let mut all = self
            .unassigned
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *all)
    }

    fn count(&self, step: StepId, key: &str, fallback: bool) {
        let mut all = self
            .unassigned
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.entry((step, key.to_owned())).or_insert((0, fallback)).0 += 1;
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
        let mut waits = None;
        for (at, step) in self.mapping.steps.iter().enumerate() {
            let Ok(id) = u16::try_from(at).map(StepId) else {
                break;
            };
            let fits = step.from == object
                && !step.of.is_report()
                && to.contains(&step.to)
                && (only.is_empty() || only.contains(&id));
            if !fits {
                continue;
            }
            let Some(Some(went)) = self.steps.get(at) else {
                answer = Resolution::Later;
                continue;
            };
            let binds = matches!(step.absent, Absent::Hold | Absent::Fallback(_));
            let fallback = self.fallbacks.get(&id).map(|id| Resolution::Fallback {
                record: DestRef {
                    object: step.to,
                    id,
                },
                reassign: step.later_reassign,
            });
            match went.get(key) {
                Some(Went::To(found)) => {
                    return Resolution::Found(DestRef {
                        object: step.to,
                        id: found.as_deref().unwrap_or(NOT_FOUND),
                    });
                }
                Some(Went::Dropped) => {
                    if answer == Resolution::Unknown {
                        answer = Resolution::Dropped;
                    }
                }
                held => {
                    if let Some(found) = fallback {
                        self.count(id, key, true);
                        return found;
                    }
                    if held.is_some() && answer != Resolution::Later {
                        answer = Resolution::Held;
                        waits = binds.then_some(id).or(waits);
                    }
                }
            }
        }
        if answer == Resolution::Held
            && let Some(step) = waits
        {
            self.count(step, key, false);
        }
        answer
    }

    fn fallback(&self, object: ObjectId, only: &[StepId], to: &[ObjectId]) -> Option<DestRef<'_>> {
        self.fallbacks.iter().find_map(|(id, found)| {
            let step = self.mapping.steps.get(id.ix())?;
            let fits = step.from == object
                && to.contains(&step.to)
                && (only.is_empty() || only.contains(id));
            fits.then_some(DestRef {
                object: step.to,
                id: found,
            })
        })
    }

    fn by_natural(&self, object: ObjectId, key: &str) -> Resolution<'_> {
        match self.natural.get(&object).and_then(|ids| ids.get(key)) {
            Some(id) => Resolution::Found(DestRef { object, id }),
            None => Resolution::Unknown,
        }
    }

    /// Which tags people had before only the ledger knows; a comparison takes both forms.
    fn tag_taken(&self, _object: ObjectId, _tag: &str) -> bool {
        false
    }
}

/// The objects whose records a step names by natural keys.
pub fn natural_objects(mapping: &Mapping) -> Vec<ObjectId> {
    fn add(reference: &RefSource, all: &mut Vec<ObjectId>) {
        match reference {
            RefSource::NaturalKey(object) if !all.contains(object) => all.push(*object),
            RefSource::ByInput(list) => list.iter().for_each(|one| add(one, all)),
            _ => {}
        }
    }
    let mut all = Vec::new();
    for step in &mapping.steps {
        for field in step.fields.iter().filter_map(|f| f.reference.as_ref()) {
            add(field, &mut all);
        }
    }
    all
}
