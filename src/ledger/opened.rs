//! Which command left calls without an end.

use super::view::{ReadError, View};

impl View {
    /// Records with an intent that has no answer and that a run of this command made. A killed rollback leaves some; a
    /// load that went on from there would take what it half removed for gone.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn open_by(&self, command: &str) -> Result<u64, ReadError> {
        let any: bool = self
            .connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM records WHERE state IN (1, 4))
                   AND EXISTS (SELECT 1 FROM runs WHERE command = ?1)",
            )?
            .query_row([command], |r| r.get(0))?;
        if !any {
            return Ok(0);
        }
        // Only after a crash or a lost answer: then the journal is gone through once.
        let count: i64 = self
            .connection
            .prepare_cached(
                "WITH made AS (
                   SELECT DISTINCT j.step, j.key, j.part FROM journal j
                   WHERE j.kind = 'intended' AND j.run IN (SELECT run FROM runs WHERE command = ?1))
                 SELECT count(*) FROM records r JOIN steps s ON s.id = r.step
                   JOIN made m ON m.step = s.name AND m.key = r.key AND m.part = r.part
                 WHERE r.state IN (1, 4)",
            )?
            .query_row([command], |r| r.get(0))?;
        Ok(count.cast_unsigned())
    }
}
