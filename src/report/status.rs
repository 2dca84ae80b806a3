//! Where a migration stands: its last run, the books of its steps, what is held.

use crate::{
    event::Counts,
    ledger::{
        View,
        view::{ReadError, RunRow},
    },
};
use serde::Serialize;
use std::collections::BTreeMap;

/// The state of a migration.
#[derive(Debug, Serialize)]
pub struct StatusReport {
    /// Version of this shape.
    pub schema_version: u32,
    /// The last run; `None` before the first.
    pub run: Option<RunRow>,
    /// Runs so far.
    pub runs: usize,
    /// Steps of the last run in the order they began; counts once they have ended.
    pub steps: Vec<(String, Option<Counts>)>,
    /// Records by step and state.
    pub records: BTreeMap<String, BTreeMap<String, u64>>,
    /// Held records by step and code.
    pub holds: Vec<(String, String, u64)>,
    /// Head of the hash chain.
    pub ledger_head: Option<String>,
}

/// Reads the state.
///
/// # Errors
/// When the ledger cannot be read.
pub fn gather(view: &View) -> Result<StatusReport, ReadError> {
    let runs = view.runs()?;
    let run = runs.last().cloned();
    let steps = match &run {
        Some(run) => view
            .steps(run.run)?
            .into_iter()
            .map(|s| (s.step, s.counts))
            .collect(),
        None => Vec::new(),
    };
    let mut records: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for (step, state, n) in view.states()? {
        *records
            .entry(step)
            .or_default()
            .entry(state.word().to_owned())
            .or_default() += n;
    }
    let mut holds: BTreeMap<(String, String), u64> = BTreeMap::new();
    for reason in view.hold_reasons()? {
        *holds.entry((reason.step, reason.code)).or_default() += reason.records;
    }
    Ok(StatusReport {
        schema_version: 1,
        runs: runs.len(),
        run,
        steps,
        records,
        holds: holds.into_iter().map(|((s, c), n)| (s, c, n)).collect(),
        ledger_head: view.head()?.map(|(_, h)| h.to_string()),
    })
}

/// The state for people.
pub fn render_text(status: &StatusReport) -> String {
    let mut out = String::new();
    match &status.run {
        None => out.push_str("not run yet\n"),
        Some(run) => {
            let state = match (&run.outcome, run.ended_ms) {
                (Some(outcome), _) => outcome.clone(),
                (None, _) => "running, or interrupted: run the same command to go on".to_owned(),
            };
            out.push_str(&format!("run {} of {}: {state}\n", run.run, status.runs));
        }
    }
    for (step, counts) in &status.steps {
        match counts {
            Some(c) => out.push_str(&format!(
                "  {step}: read {}, created {}, updated {}, unchanged {}, merged {}, routed {}, dropped {}, held {}, failed {}\n",
                c.read, c.created, c.updated, c.unchanged, c.merged, c.routed, c.dropped, c.held, c.failed
            )),
            None => {
                let states = status.records.get(step);
                let at = |state: &str| {
                    states
                        .and_then(|s| s.get(state))
                        .copied()
                        .unwrap_or_default()
                };
                out.push_str(&format!(
                    "  {step}: under way, {} at the destination, {} in doubt\n",
                    at("confirmed"),
                    at("in_doubt") + at("intended")
                ));
            }
        }
    }
    if !status.holds.is_empty() {
        out.push_str("held\n");
        for (step, code, n) in &status.holds {
            out.push_str(&format!("  {n:>6}  {step}: {code}\n"));
        }
    }
    if let Some(head) = &status.ledger_head {
        out.push_str(&format!("ledger head {head}\n"));
    }
    out
}

/// The state for machines.
pub fn render_json(status: &StatusReport) -> String {
    serde_json::to_string_pretty(status).unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}"))
}
