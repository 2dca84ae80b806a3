//! References: from the key of a source record, or a natural key, to the destination record.

use super::{
    keys::KeyRule,
    resolve::{Resolution, Resolve},
    scope::{Asked, Scope},
    text,
};
use crate::{
    ident::{ObjectId, StepId},
    mapping::{Mapping, Of, RefSource},
    value::{DestRef, glance},
};

/// How a reference entry finds its records.
#[derive(Debug)]
pub(crate) struct RefCode {
    source: Source,
    only: Vec<StepId>,
    to: Vec<ObjectId>,
    /// Source objects whose missing records a report tells.
    told: Vec<ObjectId>,
}

#[derive(Debug)]
enum Source {
    /// By the key of a source record: the objects, and whether their keys are in lower case.
    Keys(Vec<(ObjectId, bool)>),
    /// By the first key of a destination object.
    Natural(ObjectId),
    /// By the alternative the value came from.
    ByInput(Vec<Source>),
}

/// What became of one reference.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found<'a> {
    /// The destination record.
    Record(DestRef<'a>),
    /// A record that stands in until the right one is there.
    StandIn(DestRef<'a>),
    /// Written in the second pass.
    Later,
    /// What it needs is held.
    Held,
    /// What it needs was left out on purpose.
    Dropped,
    /// There is no such record.
    Unknown,
}

impl RefCode {
    /// Compiles a reference to destination objects `to`.
    pub fn new(mapping: &Mapping, of: &RefSource, only: &[StepId], to: &[ObjectId]) -> RefCode {
        RefCode {
            source: Source::new(mapping, of),
            only: only.to_vec(),
            to: to.to_vec(),
            told: mapping
                .steps
                .iter()
                .filter(|s| s.of == Of::Missing)
                .map(|s| s.from)
                .collect(),
        }
    }

    /// Looks a key up. `alternative`: which one of a `first_of` it came from. Gives the key in the form it was looked
    /// up in, with merges applied.
    pub fn find<'a>(
        &self,
        key: &'a str,
        alternative: usize,
        resolve: &'a dyn Resolve,
        scope: &mut Scope<'a>,
    ) -> (Found<'a>, &'a str) {
        let mut source = &self.source;
        if let Source::ByInput(list) = source {
            match list.get(alternative) {
                Some(one) => source = one,
                None => return (Found::Unknown, key),
            }
        }
        match source {
            Source::Natural(object) => {
                let key = text::fold_in(key, scope.arena);
                (found(resolve.by_natural(*object, key)), key)
            }
            Source::Keys(objects) => {
                if let ([(object, _)], Some(asked), []) =
                    (objects.as_slice(), scope.asked, self.only.as_slice())
                    && asked.of_all
                    && asked.object == *object
                    && std::ptr::eq(asked.written, key)
                    && let Resolution::Found(record) = asked.answer
                    && self.to.contains(&record.object)
                {
                    return (Found::Record(record), asked.key);
                }
                let mut first_key = None;
                let mut dropped = false;
                let written = key;
                for (object, lower) in objects {
                    let key = if *lower {
                        text::fold_in(key, scope.arena)
                    } else {
                        glance::trim(key)
                    };
                    let key = scope.tables.merged_into(*object, key).unwrap_or(key);
                    first_key.get_or_insert(key);
                    let resolution = resolve.by_source(*object, key, &self.only, &self.to);
                    if matches!(
                        resolution,
                        Resolution::Unknown | Resolution::Fallback { .. }
                    ) && self.told.contains(object)
                        && !key.is_empty()
                    {
                        scope.missed.push((*object, key));
                    }
                    match resolution {
                        Resolution::Unknown => {}
                        Resolution::Dropped => dropped = true,
                        Resolution::Found(record) => {
                            // What is found among some is found: a condition that asks next need not look. What a
                            // condition learnt of all of them serves more, and stays.
                            if scope.asked.is_none_or(|asked| !asked.of_all) {
                                scope.asked = Some(Asked {
                                    object: *object,
                                    written,
                                    key,
                                    answer: resolution,
                                    of_all: false,
                                });
                            }
                            return (Found::Record(record), key);
                        }
                        other => return (found(other), key),
                    }
                }
                let found = if dropped {
                    Found::Dropped
                } else {
                    Found::Unknown
                };
                (found, first_key.unwrap_or(key))
            }
            // Never nested.
            Source::ByInput(_) => (Found::Unknown, key),
        }
    }
}

impl RefCode {
    /// The record that blank references go to.
    pub fn fallback<'a>(
        &self,
        alternative: usize,
        resolve: &'a dyn Resolve,
    ) -> Option<DestRef<'a>> {
        let mut source = &self.source;
        if let Source::ByInput(list) = source {
            source = list.get(alternative)?;
        }
        let Source::Keys(objects) = source else {
            return None;
        };
        objects
            .iter()
            .find_map(|(object, _)| resolve.fallback(*object, &self.only, &self.to))
    }
}

impl Source {
    fn new(mapping: &Mapping, of: &RefSource) -> Source {
        match of {
            RefSource::SourceKey(objects) => {
                let lower = |object: &ObjectId| {
                    let declared = mapping.source.objects.get(object.ix());
                    (*object, declared.is_some_and(|o| KeyRule::of(o).lower))
                };
                Source::Keys(objects.iter().map(lower).collect())
            }
            RefSource::NaturalKey(object) => Source::Natural(*object),
            RefSource::ByInput(list) => {
                Source::ByInput(list.iter().map(|s| Source::new(mapping, s)).collect())
            }
        }
    }
}

fn found(resolution: Resolution<'_>) -> Found<'_> {
    match resolution {
        Resolution::Found(record)
        | Resolution::Fallback {
            record,
            reassign: false,
        } => Found::Record(record),
        Resolution::Fallback { record, .. } => Found::StandIn(record),
        Resolution::Later => Found::Later,
        Resolution::Held => Found::Held,
        Resolution::Dropped => Found::Dropped,
        Resolution::Unknown => Found::Unknown,
    }
}
