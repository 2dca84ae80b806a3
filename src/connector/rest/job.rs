//! Asynchronous jobs: asked for until they end.

use super::{
    address::{Unfilled, fill_path},
    member,
    payload::Payload,
    send::{Call, Nature},
    setup::Rest,
};
use crate::{
    connector::Stop,
    ident::ObjectId,
    platform::{OpKind, http::Job},
};
use serde_json::Value;
use std::{sync::atomic::Ordering, time::Duration};

/// What a job is at.
#[derive(Clone, Debug, PartialEq)]
pub enum JobState {
    /// Not at its end.
    Running,
    /// At its end; the answer.
    Done(Value),
    /// Given up by the server; the answer.
    Failed(Value),
    /// The server does not know it (any more): its effect must be looked up.
    Gone,
}

/// First wait when no job has ended yet.
const FIRST: Duration = Duration::from_millis(250);
/// Longest wait between two questions; each costs a call of the budget.
const LONGEST: Duration = Duration::from_secs(15);

impl Rest {
    /// Asks once what a job is at. A status the platform file does not name counts as running.
    ///
    /// # Errors
    /// When no further call makes sense.
    pub async fn job(&self, object: ObjectId, job: &str) -> Result<JobState, Stop> {
        let op = self.op(object, OpKind::BulkUpsert)?;
        let Some(rules) = &op.job else {
            return Err(self.unexpected_at(
                &super::write::label(op),
                "the platform file declares no job for it",
            ));
        };
        let call = self.job_call(rules, job)?;
        let Some(body) = self.fetch(&call).await? else {
            return Ok(JobState::Gone);
        };
        let Some(status) = member::text_at(&body, &rules.status) else {
            return Err(self.unexpected(&call, format!("there is no `{}` in it", rules.status)));
        };
        let named = |list: &[String]| list.iter().any(|s| s.eq_ignore_ascii_case(&status));
        Ok(if named(&rules.done) {
            JobState::Done(body)
        } else if named(&rules.failed) {
            JobState::Failed(body)
        } else {
            JobState::Running
        })
    }

    /// Asks until the job ends, less and less often. The first question comes when the job before was done.
    ///
    /// # Errors
    /// When no further call makes sense, or the job runs longer than `RestOptions::busy_after`; it can be asked
    /// for again later.
    pub async fn wait_job(&self, object: ObjectId, job: &str) -> Result<JobState, Stop> {
        let clock = &self.inner.clock;
        let begun = clock.monotonic();
        let last = self.inner.last_job_ms.load(Ordering::Relaxed);
        let mut wait = if last == 0 {
            FIRST
        } else {
            Duration::from_millis(last)
        }
        .min(LONGEST);
        loop {
            self.pause_here(wait).await?;
            let state = self.job(object, job).await?;
            let ran = clock.monotonic().saturating_sub(begun);
            if state != JobState::Running {
                let ms = u64::try_from(ran.as_millis()).unwrap_or(u64::MAX);
                // A little less than it took: questions come at its end, not long after.
                let next = (ms - ms / 5).max(1);
                self.inner.last_job_ms.store(next, Ordering::Relaxed);
                return Ok(state);
            }
            if ran > self.inner.busy_after {
                return Err(self.busy(format!(
                    "a bulk job has been running for {} min",
                    ran.as_secs() / 60
                )));
            }
            wait = (ran / 3).clamp(FIRST / 2, LONGEST);
        }
    }

    fn job_call(&self, rules: &Job, job: &str) -> Result<Call, Stop> {
        let label = format!("GET {}", rules.get);
        let path = fill_path(&rules.get, &[("job", job)])
            .map_err(|Unfilled(why)| self.unexpected_at(&label, why))?;
        let url = self
            .inner
            .base
            .below(&path, &[])
            .ok_or_else(|| self.unexpected_at(&label, "its path makes no address"))?;
        Ok(Call {
            method: "GET",
            label,
            url,
            payload: Payload::None,
            nature: Nature::Read,
            metered: true,
        })
    }
}
