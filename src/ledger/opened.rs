//! Which command left calls without an end.

use super::{
    stretch,
    view::{ReadError, View},
};
use std::collections::{HashMap, HashSet};

impl View {
    /// Records with an intent that has no answer and that a run of this command made last. A killed rollback leaves some; a
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
        let mut runs = HashSet::new();
        let mut query = self
            .connection
            .prepare_cached("SELECT run FROM runs WHERE command = ?1")?;
        let mut rows = query.query([command])?;
        while let Some(row) = rows.next()? {
            runs.insert(row.get::<_, i64>(0)?);
        }
        // Whether their last intent is of such a run: a load makes again what a rollback has removed.
        let mut open: HashMap<(String, String, u32), bool> = HashMap::new();
        let mut query = self.connection.prepare_cached(
            "SELECT s.name, r.key, r.part FROM records r JOIN steps s ON s.id = r.step WHERE r.state IN (1, 4)",
        )?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            open.insert((row.get(0)?, row.get(1)?, row.get(2)?), false);
        }
        stretch::walk(
            &self.connection,
            0,
            |found| found.kind == "intended",
            |place, found| {
                let step = place.step(found)?;
                let name = (step.to_owned(), found.key.to_owned(), found.part);
                if let Some(made) = open.get_mut(&name) {
                    *made = runs.contains(&place.run);
                }
                Ok(())
            },
        )?;
        Ok(open.values().filter(|made| **made).count() as u64)
    }
}
