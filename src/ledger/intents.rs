//! Intents without an answer: which there are, and that an answer follows an intent.
//!
//! That the intent comes first is what makes a crash harmless, so an answer without one is refused.

use super::{
    entry::{Entry, Intent},
    fold::{Fold, RecordKey},
    store::LedgerError,
    words::{Origin, WriteOp},
};
use foldhash::{HashMap, HashMapExt};

/// Records whose intent has no answer.
#[derive(Default)]
pub(super) struct Open {
    /// True for those with a call of their own.
    all: HashMap<RecordKey, bool>,
    calls: usize,
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

    /// Notes an intent that an earlier run left open.
    pub fn waits(&mut self, key: RecordKey) {
        self.set(key, Becomes::Waits);
    }

    fn set(&mut self, key: RecordKey, becomes: Becomes) {
        let call = becomes == Becomes::Call;
        let before = match becomes {
            Becomes::Closed => self.all.remove(&key),
            Becomes::Call | Becomes::Waits => self.all.insert(key, call),
        };
        self.calls += usize::from(call);
        self.calls -= usize::from(before == Some(true));
    }

    /// Makes what [`Open::check`] found so.
    pub fn apply(&mut self, changes: HashMap<RecordKey, Becomes>) {
        for (key, becomes) in changes {
            self.set(key, becomes);
        }
    }

    /// What entries open and close, in their order.
    ///
    /// # Errors
    /// [`LedgerError::Illegal`] when one of them answers an intent that is not open.
    pub fn check(
        &self,
        entries: &[Entry],
        fold: &mut Fold,
    ) -> Result<HashMap<RecordKey, Becomes>, LedgerError> {
        let mut changes: HashMap<RecordKey, Becomes> = HashMap::new();
        for entry in entries {
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
            let (step, key, part) = entry.place();
            let place: RecordKey = (fold.step(step), key.into(), part);
            let is_open = match changes.get(&place) {
                Some(change) => *change != Becomes::Closed,
                None => self.all.contains_key(&place),
            };
            if needs_intent && !is_open {
                return Err(LedgerError::Illegal {
                    what: format!(
                        "{} of {step} `{key}` without an intent before it",
                        entry.kind()
                    ),
                });
            }
            changes.insert(place, becomes);
        }
        Ok(changes)
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
