//! Rehearsals: ids before files, where references stand in a ring.
//!
//! A file is written once, so every reference must resolve when its record is written. The first rehearsal leaves the
//! references of a ring out and learns the ids; further ones learn which records are held because what they refer
//! to is held, until nothing changes. Then the files are written with everything known.

use super::run::Executor;
use crate::run::failure::RunError;

/// Rounds before a chain of holds that does not end is given up.
const ROUNDS: usize = 64;

impl Executor {
    /// Rehearses where something is deferred.
    pub(super) fn rehearse(&mut self) -> Result<(), RunError> {
        if self.deferred.is_empty() {
            return Ok(());
        }
        let batches = self.plan.batches.clone();
        let mut before = None;
        for _ in 0..ROUNDS {
            for batch in &batches {
                self.passes(batch, true)?;
                self.finished(batch);
            }
            self.deferred.clear();
            let now = std::mem::take(&mut self.set_aside);
            if before == Some(now) {
                return Ok(());
            }
            before = Some(now);
        }
        Err(RunError::Internal(
            "references in a ring hold records without end".to_owned(),
        ))
    }
}
