//! Intents without an answer: which there are, and that an answer follows an intent.
//!
//! That the intent comes first is what makes a crash harmless, so an answer without one is refused.

use super::{
    entry::{Entry, Intent},
    fold::{Of, RecordKey},
    store::LedgerError,
    words::{Origin, WriteOp},
};
use hashbrown::HashMap;

/// Records whose intent has no answer.
#[derive(Default)]
pub(super) struct Open {
    /// True for those with a call of their own.
    all: HashMap<RecordKey, bool>,
    calls: usize,
    /// Of the entries of one request: which of them changed something, and what stood there before.
    undo: Vec<(usize, Option<bool>)>,
}

/// What becomes of an intent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Becomes {
    /// A call for this record alone may go out.
    Call,
    /// Open, but nothing of its own is under way: it goes with others, or is in doubt.
    Waits,
    /// Answered.
    Closed,
}

impl Open {
    /// Calls of single records that this writer knows to be under way, or to be about to go out.
    pub fn calls(&self) -> usize {
        self.calls
    }

    /// How many records have an intent without an answer.
    pub fn records(&self) -> usize {
        self.all.len()
    }

    /// Notes an intent that an earlier run left open.
    pub fn waits(&mut self, key: RecordKey) {
        self.set(&Of(key.0, &key.1, key.2), Some(false));
    }

    /// Gives what stood there before.
    fn set(&mut self, of: &Of<'_>, call: Option<bool>) -> Option<bool> {
        let before = match call {
            None => self.all.remove(of),
            Some(call) => match self.all.get_mut(of) {
                Some(place) => Some(std::mem::replace(place, call)),
                None => self.all.insert(of.into(), call),
            },
        };
        self.calls += usize::from(call == Some(true));
        self.calls -= usize::from(before == Some(true));
        before
    }

    /// Opens and closes what entries open and close, in their order. `steps`: the number of the step of each.
    ///
    /// # Errors
    /// [`LedgerError::Illegal`] when one of them answers an intent that is not open; then nothing is changed.
    pub fn apply(&mut self, entries: &[Entry], steps: &[i64]) -> Result<(), LedgerError> {
        self.undo.clear();
        for (nth, (entry, step)) in entries.iter().zip(steps).enumerate() {
            let Some(becomes) = becomes(entry) else {
                continue;
            };
            let needs_intent = match entry {
                Entry::Confirmed { origin, .. } => {
                    matches!(origin, Origin::Created | Origin::Updated)
                }
                Entry::Refused { .. } | Entry::Absent { .. } | Entry::InDoubt { .. } => true,
                _ => false,
            };
            let (name, key, part) = entry.place();
            let call = match becomes {
                Becomes::Call => Some(true),
                Becomes::Waits => Some(false),
                Becomes::Closed => None,
            };
            let before = self.set(&Of(*step, key, part), call);
            self.undo.push((nth, before));
            if needs_intent && before.is_none() {
                let what = format!(
                    "{} of {name} `{key}` without an intent before it",
                    entry.kind()
                );
                self.take_back(entries, steps);
                return Err(LedgerError::Illegal { what });
            }
        }
        Ok(())
    }

    fn take_back(&mut self, entries: &[Entry], steps: &[i64]) {
        while let Some((nth, before)) = self.undo.pop() {
            if let (Some(entry), Some(step)) = (entries.get(nth), steps.get(nth)) {
                let (_, key, part) = entry.place();
                self.set(&Of(*step, key, part), before);
            }
        }
    }
}

/// What becomes of an intent by an entry; `None` where it says nothing about one.
pub(super) fn becomes(entry: &Entry) -> Option<Becomes> {
    match entry {
        Entry::Intended(Intent {
            op: WriteOp::Bulk, ..
        })
        | Entry::InDoubt { .. } => Some(Becomes::Waits),
        Entry::Intended(_) => Some(Becomes::Call),
        Entry::Confirmed { .. }
        | Entry::Refused { .. }
        | Entry::Absent { .. }
        | Entry::RolledBack { .. }
        | Entry::Again { .. } => Some(Becomes::Closed),
        _ => None,
    }
}
