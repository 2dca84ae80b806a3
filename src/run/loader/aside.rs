//! Records that are not sent: set aside by the transform, settled without a call, or no longer in the source.

use super::Loader;
use crate::{
    ident::StepId,
    ledger::Entry,
    run::{
        failure::RunError,
        item::{HeldRecord, Settlement},
    },
};

impl Loader {
    /// Ends the holds of records that are no longer in the source: nothing waits for them. A run over some records
    /// cannot tell.
    pub(super) async fn release_gone(&self) -> Result<(), RunError> {
        let mut entries = Vec::new();
        for (id, memory) in &self.memory {
            let name = &self.ctx.step(*id)?.name;
            entries.extend(
                memory
                    .holds_of_nothing()
                    .into_iter()
                    .map(|key| Entry::Released {
                        step: name.clone(),
                        key,
                    }),
            );
        }
        if !entries.is_empty() {
            self.ctx.ledger.append(entries).await?;
        }
        Ok(())
    }

    /// Books a record that the transform set aside.
    pub(super) fn hold(
        &mut self,
        held: HeldRecord,
        entries: &mut Vec<Entry>,
    ) -> Result<(), RunError> {
        self.books.of(held.step).held += 1;
        self.settled += 1;
        let name = self.ctx.step(held.step)?.name.clone();
        let memory = self.memory(held.step)?;
        memory.set_held(&held.key);
        // A hold that stands already is not written again.
        if !memory.is_open_hold_of(&held.key, &held.code, &held.words, &held.value) {
            entries.push(Entry::Held {
                step: name,
                key: held.key,
                part: 0,
                code: held.code,
                field: (!held.field.is_empty()).then_some(held.field),
                value: (!held.value.is_empty()).then_some(held.value),
                words: held.words,
                line: (held.line > 0).then_some(held.line),
            });
        }
        Ok(())
    }

    /// Books a record that this step neither writes nor holds.
    pub(super) fn settle(
        &mut self,
        step: StepId,
        key: String,
        why: Settlement,
        entries: &mut Vec<Entry>,
    ) -> Result<(), RunError> {
        self.settled += 1;
        let name = self.ctx.step(step)?.name.clone();
        let counts = self.books.of(step);
        match &why {
            Settlement::Routed => counts.routed += 1,
            Settlement::Dropped(_) => counts.dropped += 1,
            Settlement::Merged(_) => counts.merged += 1,
            Settlement::Skipped => counts.unchanged += 1,
        }
        let memory = self.memory(step)?;
        match &why {
            Settlement::Routed => memory.left(&key, "routed"),
            Settlement::Dropped(_) => memory.left(&key, "dropped"),
            Settlement::Merged(_) => memory.left(&key, "merged"),
            Settlement::Skipped => {}
        }
        if memory.has_open_hold(&key) {
            entries.push(Entry::Released {
                step: name,
                key: key.clone(),
            });
        }
        if let Settlement::Dropped(_) = why {
            memory.set_dropped(&key);
        }
        Ok(())
    }
}
