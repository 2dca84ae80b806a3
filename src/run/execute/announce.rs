//! What a run is about to do, said in the ledger before it begins: for whoever looks on.

use super::Executor;
use crate::{
    ident::{ObjectId, StepId},
    ledger::{Entry, Planned, PlannedStep},
    plan::{Counts, estimate},
    run::failure::RunError,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

impl Executor {
    /// Counts the records of every source object that steps read, and writes batches and steps into the ledger.
    ///
    /// # Errors
    /// When the ledger stops.
    pub(super) async fn announce(&mut self) -> Result<(), RunError> {
        let plan = Arc::clone(&self.ctx.plan);
        let read: BTreeSet<ObjectId> = plan.mapping.steps.iter().map(|s| s.from).collect();
        self.expected = match self.ctx.chosen.get() {
            Some(chosen) => read.into_iter().map(|id| (id, chosen.count(id))).collect(),
            None => {
                let source = Arc::clone(&self.source);
                let count = move || -> BTreeMap<ObjectId, u64> {
                    let counted = read.into_iter().map(|id| (id, source.estimate(id)));
                    counted.filter_map(|(id, n)| Some((id, n?))).collect()
                };
                tokio::task::spawn_blocking(count)
                    .await
                    .map_err(|e| RunError::Internal(e.to_string()))?
            }
        };
        let estimate = estimate(
            &plan,
            &Counts {
                source: self.expected.clone(),
                ..Counts::default()
            },
        );
        let (calls, unknown) = (estimate.steps, estimate.unknown);
        let planned = |id: &StepId| {
            let step = self.ctx.step(*id)?;
            let calls = calls.get(id.ix());
            Ok::<_, RunError>(PlannedStep {
                step: step.name.clone(),
                records: self.expected.get(&step.from).copied(),
                calls: calls.map(|c| c.total()).filter(|_| !unknown.contains(id)),
            })
        };
        let batches = plan
            .batches
            .iter()
            .map(|batch| batch.iter().map(planned).collect())
            .collect::<Result<_, _>>()?;
        self.ctx
            .ledger
            .append(vec![Entry::Planned(Planned { batches })])
            .await?;
        Ok(())
    }
}
