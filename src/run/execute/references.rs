//! What references resolve through while a batch runs: finished steps, natural keys, and what stands in for records
//! that are not there.

use super::Executor;
use crate::{
    ident::{ObjectId, StepId},
    mapping::{Absent, Input, RefSource, Step, policy::FallbackKey},
    run::{failure::RunError, resolver::Resolver},
    value::Scalar,
};
use std::collections::HashMap;

impl Executor {
    /// Answers where records of finished steps went.
    pub(super) fn resolver(&self, batch: &[StepId]) -> Result<Resolver, RunError> {
        let steps = (0u16..)
            .map(StepId)
            .zip(&self.finished)
            .map(|(id, done)| done.then(|| self.ids.snapshot(id)))
            .collect();
        Ok(Resolver::new(
            &self.ctx.mapping,
            steps,
            self.natural(batch)?,
            self.taken.clone(),
            self.fallbacks()?,
        ))
    }

    /// The destination's records by their natural keys, where a batch refers by them.
    pub(in crate::run) fn natural(
        &self,
        batch: &[StepId],
    ) -> Result<HashMap<ObjectId, HashMap<String, String>>, RunError> {
        let mut natural = HashMap::new();
        for id in batch {
            let step = self.ctx.step(*id)?;
            for field in &step.fields {
                let Some(RefSource::NaturalKey(object)) = &field.reference else {
                    continue;
                };
                if let Some(key) = self.ctx.object(*object)?.keys.first()
                    && let Some(directory) = self.ctx.directory(*object)
                    && let Some(rule) = directory.rule(&key.into())
                {
                    natural.insert(*object, directory.ids_by(rule));
                }
            }
        }
        Ok(natural)
    }

    /// The destination records that stand in for what is not there, of finished steps.
    fn fallbacks(&self) -> Result<HashMap<StepId, String>, RunError> {
        let mut all = HashMap::new();
        for (id, step) in (0u16..).map(StepId).zip(&self.ctx.mapping.steps) {
            let Absent::Fallback(keys) = &step.absent else {
                continue;
            };
            if !self.finished.get(id.ix()).copied().unwrap_or(false) {
                continue;
            }
            let Some(found) = self.stand_in(step, keys) else {
                let texts: Vec<String> =
                    keys.iter().filter_map(|k| self.literal(&k.value)).collect();
                return Err(RunError::Waits {
                    what: format!(
                        "the fallback of step `{}` ({}) is not at the destination",
                        step.name,
                        texts.join(", ")
                    ),
                });
            };
            all.insert(id, found);
        }
        Ok(all)
    }

    /// The record with the keys of a fallback.
    pub(in crate::run) fn stand_in(&self, step: &Step, keys: &[FallbackKey]) -> Option<String> {
        let texts: Vec<String> = keys.iter().filter_map(|k| self.literal(&k.value)).collect();
        step.match_keys.iter().find_map(|m| {
            let fields: Vec<_> = m.pairs.iter().map(|(f, _)| *f).collect();
            if fields != keys.iter().map(|k| k.field).collect::<Vec<_>>() {
                return None;
            }
            let directory = self.ctx.directory(step.to)?;
            let rule = directory.rule(&m.into())?;
            let mut text = texts.join("\u{1f}");
            if m.lower {
                text = text.to_lowercase();
            }
            directory.id_of(rule, text.trim()).map(str::to_owned)
        })
    }

    fn literal(&self, input: &Input) -> Option<String> {
        let scalar = match input {
            Input::Const(s) => Some(s),
            Input::Param(at) => self.ctx.mapping.params.get(*at)?.value.as_ref(),
            _ => None,
        }?;
        match scalar {
            Scalar::Text(t) => Some(t.clone()),
            Scalar::Int(n) => Some(n.to_string()),
            _ => None,
        }
    }
}
