//! How many source records a run that pauses has still to go through.
//!
//! An object is as far as the step of it that is least far: records that a split sends elsewhere, and unchanged ones,
//! count as done with the rest.

use super::{exit::Failure, progress::Progress};
use crate::{
    event::Event,
    mapping::Migration,
    run::{context::Emit, source::Source},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

/// How far each step is, as its events say.
#[derive(Clone, Default)]
pub struct ToGo {
    /// Records settled; `None`: all.
    steps: Arc<Mutex<HashMap<String, Option<u64>>>>,
}

impl ToGo {
    /// Listens to a run together with its progress.
    pub fn listen(progress: &Arc<Progress>) -> (Emit, ToGo) {
        let (to_go, progress) = (ToGo::default(), Arc::clone(progress));
        let heard = to_go.clone();
        let emit: Emit = Arc::new(move |event: &Event| {
            heard.event(event);
            progress.event(event);
        });
        (emit, to_go)
    }

    fn event(&self, event: &Event) {
        let (step, settled) = match event {
            Event::StepProgress { step, settled, .. } => (step, Some(*settled)),
            Event::StepFinished { step, .. } => (step, None),
            _ => return,
        };
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        match steps.get_mut(step) {
            Some(known) => *known = settled,
            None => drop(steps.insert(step.clone(), settled)),
        }
    }

    /// Adds to a pause how many records are left; other failures stay as they are.
    pub fn tell(&self, failure: Failure, migration: &Migration, source: &Source) -> Failure {
        if failure.until.is_none() {
            return failure;
        }
        let steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let mut objects = BTreeMap::new();
        for step in &migration.mapping.steps {
            let settled = match steps.get(&step.name) {
                Some(None) => u64::MAX,
                Some(Some(n)) => *n,
                None => 0,
            };
            let least = objects.entry(step.from).or_insert(u64::MAX);
            *least = settled.min(*least);
        }
        let left: u64 = objects
            .into_iter()
            .filter(|(_, settled)| *settled < u64::MAX)
            .filter_map(|(object, settled)| Some(source.estimate(object)?.saturating_sub(settled)))
            .sum();
        let message = match left {
            0 => format!("{}; second passes to go", failure.message),
            1 => format!("{}; 1 record to go", failure.message),
            n => format!("{}; {n} records to go", failure.message),
        };
        Failure { message, ..failure }
    }
}
