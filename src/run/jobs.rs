//! Bulk calls that an interrupted run left behind: the destination may still be at work on them.
//!
//! They are followed to their end before anything is looked up. Who looks earlier finds half of their records, and what is sent
//! for the other half is refused because it is there by then.

use super::{context::Context, failure::RunError};
use crate::ledger::Entry;

/// Waits for the jobs that the ledger holds as not ended.
///
/// # Errors
/// When the ledger cannot be read or written, or the destination stops; a job that runs too long ends the run, which
/// can be started again.
pub async fn follow(ctx: &Context) -> Result<(), RunError> {
    let mut left = Vec::new();
    {
        let view = ctx.ledger.glance()?;
        for step in &ctx.mapping.steps {
            for (chunk, job) in view.jobs(&step.name)? {
                left.push((step, chunk, job));
            }
        }
    }
    for (step, chunk, job) in left {
        // How it ended does not matter: each of its records is looked up.
        ctx.rest.wait_job(step.to, &job).await?;
        let ended = Entry::JobEnded {
            step: step.name.clone(),
            chunk,
        };
        ctx.ledger.append(vec![ended]).await?;
    }
    Ok(())
}
