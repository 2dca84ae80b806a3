//! A sample: a slice of the export that shows everything the mapping does, loaded by the executor of a run, read back
//! and compared field by field.
//!
//! [`rehearse`] surveys what each record would show, [`select`] chooses, the executor loads what was chosen, and
//! [`readback`] compares.

pub mod readback;
mod rehearse;
pub mod select;
pub mod survey;

pub use readback::{Compared, ComparedField};
pub use survey::Feature;

use super::{
    chosen::{Chosen, Seen},
    execute::{Executor, Inputs, Outcome},
    failure::RunError,
};
use crate::ident::ObjectId;
use std::collections::{BTreeMap, BTreeSet};

/// A sample that was loaded and compared.
#[derive(Debug)]
pub struct Sampled {
    /// What the load did.
    pub outcome: Outcome,
    /// Records of the export by source object.
    pub records: BTreeMap<ObjectId, u64>,
    /// Records of the sample by source object.
    pub chosen: BTreeMap<ObjectId, u64>,
    /// What some record of the export shows.
    pub found: BTreeSet<Feature>,
    /// What some record of the sample shows.
    pub shown: BTreeSet<Feature>,
    /// How many records the cover takes.
    pub cover: usize,
    /// How many records were aimed at: what was asked for, but no more than [`most`].
    pub size: usize,
    /// What the run saw of them.
    pub seen: Seen,
    /// The records as they came back.
    pub compared: Vec<Compared>,
}

/// Records that any sample may have.
const ALWAYS: usize = 300;
/// Records that no sample may have more of, but for what showing everything takes.
const NEVER_MORE: usize = 5000;

/// The largest sample of an export of so many records: a tenth of it, at least 300, at most 5000. What is as large as
/// the load is the load, and that one wants an approval.
pub fn most(records: u64) -> usize {
    let tenth = usize::try_from(records / 10).unwrap_or(usize::MAX);
    tenth.clamp(ALWAYS, NEVER_MORE)
}

/// Chooses a sample, loads it and compares it. Running it again writes nothing.
///
/// # Errors
/// See [`RunError`]; running it again goes on from there.
pub async fn run(inputs: Inputs, size: usize, seed: u64) -> Result<Sampled, RunError> {
    let mut executor = Executor::prepare(inputs).await?;
    let survey = rehearse::survey(&mut executor).await?;
    let cover = executor.ctx.mapping.policy.sample_cover;
    let size = size.min(most(survey.counts().values().sum()));
    let selection = select::select(&survey, size, seed, cover);
    let mut chosen: BTreeMap<ObjectId, u64> = BTreeMap::new();
    for (object, _) in &selection.keys {
        *chosen.entry(*object).or_default() += 1;
    }
    let all = survey.features();
    let shown = selection
        .shown
        .iter()
        .filter_map(|at| all.get(*at as usize).cloned())
        .collect();
    let (records, found) = (survey.counts(), all.iter().cloned().collect());
    let (keys, cover) = (selection.keys, selection.cover);
    drop(survey);
    if executor.ctx.chosen.set(Chosen::new(keys)).is_err() {
        return Err(RunError::Internal("a sample was chosen twice".to_owned()));
    }
    executor.load().await?;
    let compared = readback::all(&executor).await?;
    let seen = executor
        .ctx
        .chosen
        .get()
        .map(|chosen| std::mem::take(&mut *chosen.seen()))
        .unwrap_or_default();
    Ok(Sampled {
        outcome: executor.outcome,
        records,
        chosen,
        found,
        shown,
        cover,
        size,
        seen,
        compared,
    })
}
