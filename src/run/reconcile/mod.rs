//! Reconciliation: evaluates the mapping over the source, reads the destination, and says what is not as it should be.
//!
//! Reads no ledger, so that it proves what a run says about itself: every expected record is found at the destination by
//! its match key, its stamp, or its content below its parent. Writes nothing.

pub mod compare;
mod content;
mod differ;
pub mod evaluate;
pub mod read;
pub mod resolve;
pub mod rules;
pub mod shelf;
mod state;

use super::{RunError, context::Emit, preflight, prepare, source::Source};
use crate::{
    connector::rest::Rest, mapping::Mapping, outcome::reconcile::Reconciliation, plan::Plan,
};
use read::{Chosen, Reader};
use rules::StepRules;
use state::State;
use std::sync::Arc;

/// What a reconciliation needs.
pub struct Inputs {
    /// The mapping.
    pub mapping: Arc<Mapping>,
    /// Its plan.
    pub plan: Arc<Plan>,
    /// Where records are read.
    pub source: Arc<Source>,
    /// Zone of source times without one.
    pub zone: Option<String>,
    /// The destination.
    pub rest: Rest,
    /// Read through the admin plane what no call of the API shows.
    pub provision: bool,
    /// Records per step whose values are compared; `None`: all. Of objects that are only shown below their parents it
    /// is the number of parents.
    pub sample: Option<u64>,
    /// Listener.
    pub emit: Emit,
}

/// Reconciles.
///
/// # Errors
/// When source or destination stop answering.
pub async fn reconcile(inputs: Inputs) -> Result<Reconciliation, RunError> {
    let Inputs {
        mapping,
        plan,
        source,
        zone,
        rest,
        provision,
        sample,
        emit,
    } = inputs;
    preflight::columns(&mapping, &source)?;
    rest.probe().await?;
    let reader = Reader::new(
        rest,
        Arc::clone(&mapping),
        provision,
        sample,
        Arc::clone(&emit),
    );
    let shelves = reader.read().await?;
    let rules: Vec<StepRules> = mapping
        .steps
        .iter()
        .map(|s| StepRules::new(&mapping, s, reader.readers(s.to)))
        .collect();
    let work = move || {
        let tables = Arc::new(prepare::index(&mapping, &source, zone.as_deref(), &emit)?);
        let chosen = mapping.steps.iter().map(|s| {
            let all = sample.and_then(|_| source.estimate(s.from)).unwrap_or(0);
            Chosen::of(sample, all)
        });
        let chosen = chosen.collect();
        let state = State::new(
            Arc::clone(&mapping),
            Arc::clone(&plan),
            provision,
            sample,
            shelves,
            rules,
            chosen,
        );
        evaluate::all(state, &plan, &source, &tables, sample)
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| RunError::Internal(e.to_string()))?
}
