//! What the writer does while nobody waits for it: gathered changes go into their tables, and the log of changes into the file.
//!
//! Both have to be done once for every record. Done here, they cost no time between two steps and at the end of a run,
//! when everybody waits. Nothing depends on when they are done.

use super::{store::LedgerError, writer::Writer};
use rusqlite::Connection;
use std::time::Duration;

/// How often an idle writer looks around.
const LOOK: Duration = Duration::from_millis(500);
/// After how long a writer that has something to do takes itself for idle.
const MOMENT: Duration = Duration::from_millis(2);
/// Changes that are worth a transaction of their own.
const WORTH_SETTLING: usize = 512;
/// Bytes of the journal that are worth a copy of the log into the file, which costs two flushes.
const WORTH_COPYING: usize = 1 << 18;

/// What is worth doing in an idle moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chore {
    Settle,
    Copy,
}

/// `waiting`: gathered changes; `open`: how many of them may change again, because an intent is written once more with its
/// outcome; `uncopied`: bytes of the journal that stand in the log alone.
fn worth(waiting: usize, open: usize, uncopied: usize) -> Option<Chore> {
    if waiting.saturating_sub(open) >= WORTH_SETTLING.max(open) {
        Some(Chore::Settle)
    } else if uncopied >= WORTH_COPYING {
        Some(Chore::Copy)
    } else {
        None
    }
}

impl Writer {
    /// What there is to do when nobody asks for anything for a moment.
    pub fn chore(&self) -> Option<Chore> {
        match self.poison {
            Some(_) => None,
            None => worth(self.fold.waiting(), self.open.records(), self.uncopied),
        }
    }

    /// How long to wait for the next request.
    pub fn patience(&self, chore: Option<Chore>) -> Duration {
        match chore {
            Some(_) => MOMENT,
            None => LOOK.min(self.ttl / 3),
        }
    }

    /// Does what is to be done while nothing is asked; keeps the lease alive.
    pub fn look(&mut self, connection: &Connection, chore: Option<Chore>) {
        let seen = self.clock.monotonic().saturating_sub(self.seen_at);
        match chore {
            Some(Chore::Copy) => self.copy(connection),
            None if self.fold.waiting() == 0 && seen <= self.ttl / 3 => {}
            _ => self.settle_alone(connection),
        }
    }

    fn settle_alone(&mut self, connection: &Connection) {
        if self.poison.is_some() {
            return;
        }
        let settle = |writer: &mut Writer| -> Result<(), LedgerError> {
            writer.begin(connection)?;
            writer.settle(connection)?;
            writer.commit(connection)
        };
        if let Err(error) = settle(self) {
            let _ = connection.execute_batch("ROLLBACK");
            self.poison = Some(error);
        }
    }

    /// Copies the log of changes into the file, as far as no reader is in the way. What is not copied is no less safe where
    /// it is, so a failure is no matter here.
    fn copy(&mut self, connection: &Connection) {
        self.uncopied = 0;
        let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_waits_for_company_and_much_is_written() {
        assert_eq!(worth(WORTH_SETTLING - 1, 0, WORTH_COPYING - 1), None);
        assert_eq!(worth(WORTH_SETTLING, 0, 0), Some(Chore::Settle));
        assert_eq!(worth(0, 0, WORTH_COPYING), Some(Chore::Copy));
        assert_eq!(worth(WORTH_SETTLING, 0, WORTH_COPYING), Some(Chore::Settle));
    }

    #[test]
    fn what_has_no_answer_yet_is_not_written_for_itself() {
        assert_eq!(worth(3_000, 3_000, 0), None, "calls under way, no answer");
        assert_eq!(worth(3_000, 2_000, 0), None, "most would be written twice");
        assert_eq!(worth(3_000, 1_500, 0), Some(Chore::Settle));
        assert_eq!(worth(10, 3_000, 0), None, "written, and open since");
    }
}
