//! What a run into files keeps: holds in groups, whole files, the books of each step.

use super::run::Executor;
use crate::{
    event::Event,
    ident::StepId,
    ledger::Entry,
    run::{execute::over_limit, failure::RunError, item::HeldRecord},
};

/// Ledger entries that are written together.
const GROUP: usize = 4096;

impl Executor {
    /// Keeps a hold, unless the same one stands in the ledger.
    pub(super) fn hold(&mut self, held: HeldRecord) -> Result<(), RunError> {
        let known = self.holds.get_mut(held.step.ix());
        let known = known.and_then(|holds| holds.remove(&held.key));
        if known.is_some_and(|(code, words)| code == held.code && words == held.words) {
            return Ok(());
        }
        let step = self.step(held.step)?.name.clone();
        let some = |text: String| (!text.is_empty()).then_some(text);
        self.entries.push(Entry::Held {
            step,
            key: held.key,
            part: 0,
            code: held.code,
            field: some(held.field),
            value: some(held.value),
            words: held.words,
            line: (held.line > 0).then_some(held.line),
        });
        if self.entries.len() >= GROUP {
            self.write_entries()?;
        }
        Ok(())
    }

    pub(super) fn write_entries(&mut self) -> Result<(), RunError> {
        if !self.entries.is_empty() {
            let entries = std::mem::take(&mut self.entries);
            self.ledger.append_blocking(entries)?;
        }
        Ok(())
    }

    /// Finishes the files that are whole after this batch, and closes the books of their steps.
    pub(super) fn finish(&mut self, number: usize, batch: &[StepId]) -> Result<(), RunError> {
        let mut closed: Vec<StepId> = batch
            .iter()
            .copied()
            .filter(|id| self.steps.get(id.ix()).is_some_and(|s| s.file.is_none()))
            .collect();
        for at in 0..self.files.len() {
            let Some(file) = self.files.get(at).filter(|f| f.last == number) else {
                continue;
            };
            let steps = file.steps.clone();
            let Some(output) = self.outputs.get_mut(at).and_then(Option::take) else {
                continue;
            };
            let first = match steps.first() {
                Some(first) => self.step(*first)?.name.clone(),
                None => String::new(),
            };
            let (written, entry) = output.finish(&first)?;
            if !written.changed {
                for id in &steps {
                    if let Some(counts) = self.counts.get_mut(id.ix()) {
                        counts.unchanged += std::mem::take(&mut counts.created);
                    }
                }
            }
            self.entries.extend(entry);
            self.outcome.files.push(written);
            closed.extend(steps);
        }
        for id in closed {
            self.close(id)?;
        }
        self.write_entries()
    }

    /// Closes the books of a step.
    fn close(&mut self, id: StepId) -> Result<(), RunError> {
        let step = self.step(id)?.name.clone();
        let counts = self.counts.get(id.ix()).copied().unwrap_or_default();
        if !counts.balanced() {
            return Err(RunError::Books {
                step,
                detail: format!("{counts:?}"),
            });
        }
        // What was held in an earlier run and is not any more.
        if let Some(open) = self.holds.get_mut(id.ix()) {
            for key in std::mem::take(open).into_keys() {
                let step = step.clone();
                self.entries.push(Entry::Released { step, key });
            }
        }
        self.entries.push(Entry::StepEnded {
            step: step.clone(),
            counts,
        });
        (self.emit)(&Event::StepFinished { step, counts });
        self.outcome.steps.push((id, counts));
        self.outcome.over_limit = over_limit(&self.mapping, &self.outcome.steps);
        Ok(())
    }
}
