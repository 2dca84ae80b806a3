//! The books of a run that ended early, as far as its ledger has them.

use super::{exit::Failure, ledger_faults::unread};
use crate::{ident::StepId, ledger::Ledger, mapping::Mapping, run::Outcome};

/// The steps of a run that came to their end, with their books, in the order of the mapping.
///
/// # Errors
/// When the ledger cannot be read.
pub fn outcome(ledger: &Ledger, run: i64, mapping: &Mapping) -> Result<Outcome, Failure> {
    let rows = ledger
        .view()
        .and_then(|view| view.steps(run))
        .map_err(|e| unread(&e))?;
    let books = |name: &str| rows.iter().find(|row| row.step == name)?.counts;
    let steps = mapping.steps.iter().enumerate();
    Ok(Outcome {
        steps: steps
            .filter_map(|(at, step)| Some((StepId(u16::try_from(at).ok()?), books(&step.name)?)))
            .collect(),
        ..Outcome::default()
    })
}
