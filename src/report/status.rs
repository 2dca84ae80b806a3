//! Where a migration stands: its last command, batch and steps, how fast it goes and when it may end, what it waits for,
//! what is held, how the approval stands, and what to type next.
//!
//! Everything comes from the ledger, read beside whoever writes it; what the specs say (the approval) comes with the
//! caller. Nothing here reads a clock.

mod next;
mod pace;
mod render;

pub use next::Next;
pub use pace::{End, Limit, Rate};
pub use render::{render_json, render_markdown, render_text};

use crate::{
    event::Counts,
    ledger::{
        HoldReason, Planned, Progressed, RunRow, StepRow, View, counted::LastCount, view::ReadError,
    },
};
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use std::collections::BTreeMap;

/// What the caller knows beside the ledger.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The time.
    pub now: Timestamp,
    /// The migration as it was typed.
    pub migration: String,
    /// Name of the mapping; `None` where the specs have errors.
    pub mapping: Option<String>,
    /// How the approval stands.
    pub approval: ApprovalState,
    /// Limits of calls that hold for the destination; each alone.
    pub limits: Vec<Limit>,
    /// The zone in which people are told times, with its name; `None`: UTC.
    pub zone: Option<(TimeZone, String)>,
}

/// The state of a migration.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StatusReport {
    /// Version of this shape.
    pub schema_version: u32,
    /// Name of the mapping; `None` where the specs have errors.
    pub mapping: Option<String>,
    /// When this was so: an instant in UTC.
    pub at: String,
    /// In one word.
    pub state: State,
    /// Who is at work; `None` when nobody is.
    pub holder: Option<Holder>,
    /// The last command that the ledger knows; `None` before the first.
    pub run: Option<RunRow>,
    /// Commands so far.
    pub runs: usize,
    /// The last one that loads (`run`, `delta`, `sample`, `holds retry`): what batch, steps and books are about.
    pub load: Option<RunRow>,
    /// True when everything was loaded, but for what is held, and not undone since.
    pub loaded: bool,
    /// Of a rollback that came last: records by step that stay at the destination.
    pub stays: BTreeMap<String, u64>,
    /// What a rollback that came last was told to undo alone; `None`: all.
    pub only: Option<String>,
    /// Where it is.
    pub batch: Option<Batch>,
    /// Its steps in the order of the plan.
    pub steps: Vec<StepStatus>,
    /// The books of that command so far: the sum of its steps that are over.
    pub books: Counts,
    /// How fast it goes; `None` when it does not, or it is not known.
    pub rate: Option<Rate>,
    /// When it may end, and from what that follows.
    pub end: Option<End>,
    /// What it waits for.
    pub waits: Option<Waits>,
    /// Records by step and state; empty beside a run, whose steps tell how far they are.
    pub records: BTreeMap<String, BTreeMap<String, u64>>,
    /// Held and refused records by step, code and field, the most frequent first.
    pub holds: Vec<HoldReason>,
    /// The destination's own counts as compared last, by object.
    pub counts: BTreeMap<String, LastCount>,
    /// How the approval stands.
    pub approval: ApprovalState,
    /// What to type next.
    pub next: Next,
    /// Head of the hash chain.
    pub ledger_head: Option<String>,
    /// The zone in which people are told times, with its name; `None`: UTC.
    #[serde(skip)]
    pub zone: Option<(TimeZone, String)>,
}

/// The state of a migration in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing was done yet.
    #[default]
    New,
    /// A command is at work and has not begun its run: it reads the source, or looks at the destination.
    Starting,
    /// A command is at work.
    Running,
    /// Its process ended without a word.
    Interrupted,
    /// The last command stopped cleanly, on request.
    Stopped,
    /// It waits for its hours or for calls.
    Paused,
    /// It waits for a person.
    Waiting,
    /// It ended early.
    Aborted,
    /// It came to its end.
    Ended,
}

/// Who is at work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// Name of the machine.
    pub host: String,
    /// Process id.
    pub process: u32,
    /// Since when: an instant in UTC.
    pub since: String,
}

/// A batch under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Batch {
    /// From 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// It is over.
    Done,
    /// It is under way.
    AtWork,
    /// Its references are being written a second time.
    SecondPass,
    /// It was under way when the run ended.
    Stopped,
    /// It has not begun.
    ToCome,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepStatus {
    /// The step.
    pub step: String,
    /// Its batch, from 1; `None`: not known.
    pub batch: Option<usize>,
    /// How it stands.
    pub state: StepState,
    /// Records that have an outcome.
    pub settled: u64,
    /// Records there are; `None`: not known.
    pub of: Option<u64>,
    /// Calls it was going to make, if every record is new; `None`: not known.
    pub calls: Option<u64>,
    /// Its books; `None` before its end.
    pub counts: Option<Counts>,
}

/// What it waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waits {
    /// For what.
    pub what: String,
    /// Until when: an instant in UTC; `None`: for a person, or not known.
    pub until: Option<String>,
}

/// How an approval stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ApprovalState {
    /// `holds`, `stale`, `few`, `none`, `waived`, `not_needed`, `not_known`.
    pub state: String,
    /// Who gave the last one.
    pub by: Option<String>,
    /// When: an instant in UTC.
    pub at: Option<String>,
    /// Why it does not hold, or is not known.
    pub why: Vec<String>,
    /// True when there is a sample to approve.
    pub sampled: bool,
    /// The last run that began without an approved sample.
    pub waived_run: Option<i64>,
    /// What allowed it (`--auto-approve`, `approve: none`).
    pub waived_by: Option<String>,
}

impl ApprovalState {
    /// True when a run may begin.
    pub fn lets_run(&self) -> bool {
        matches!(self.state.as_str(), "holds" | "waived" | "not_needed")
    }
}

/// True for commands that load records.
fn loads(run: &RunRow) -> bool {
    matches!(
        run.command.as_str(),
        "run" | "delta" | "sample" | "holds retry"
    )
}

/// True when the last load of everything came to its end, and was not undone since.
fn is_loaded(runs: &[RunRow]) -> bool {
    let mut loaded = false;
    for run in runs {
        match run.command.as_str() {
            "run" | "delta" => loaded = whole(run),
            // A part of it may be undone already.
            "rollback" => loaded = false,
            _ => {}
        }
    }
    loaded
}

/// Reads the state.
///
/// # Errors
/// When the ledger cannot be read.
pub fn gather(view: &View, facts: Facts) -> Result<StatusReport, ReadError> {
    let now_ms = facts.now.as_millisecond();
    let lease = view.lease()?;
    let working = lease.at_work(now_ms);
    let runs = view.runs()?;
    let run = runs.last().cloned();
    let load = runs.iter().rev().find(|r| loads(r)).cloned();
    let state = state_of(run.as_ref(), working, lease.since_ms);
    let under_way = matches!(state, State::Running)
        && load.as_ref().map(|l| l.run) == run.as_ref().map(|r| r.run);
    let mut report = StatusReport {
        schema_version: 2,
        mapping: facts.mapping.clone(),
        at: shown(now_ms),
        state,
        holder: working.then(|| Holder {
            host: lease.holder.host.clone(),
            process: lease.holder.process,
            since: shown(lease.since_ms),
        }),
        runs: runs.len(),
        loaded: is_loaded(&runs),
        holds: view.hold_reasons()?,
        counts: view.last_counts()?,
        approval: facts.approval.clone(),
        ledger_head: view.head()?.map(|(_, h)| h.to_string()),
        zone: facts.zone.clone(),
        ..StatusReport::default()
    };
    if let Some((run, by)) = view.waived()? {
        report.approval.waived_run = Some(run);
        report.approval.waived_by = Some(by);
    }
    if run.as_ref().is_some_and(|r| r.command == "rollback") {
        report.only = view.rollback_only()?;
        for (step, state, n) in view.states()? {
            if state.word() == "confirmed" && n > 0 {
                *report.stays.entry(step).or_default() += n;
            }
        }
    }
    if let Some(load) = &load {
        let planned = view
            .planned()?
            .filter(|(run, ..)| *run == load.run)
            .map(|(.., planned)| planned);
        let begun = view.steps(load.run)?;
        let progress = view.progress(load.run)?;
        // Beside a run that tells its progress nobody counts all records: that is not cheap.
        if !under_way || progress.is_empty() {
            records(view, &mut report.records)?;
        }
        report.steps = steps(
            planned.as_ref(),
            &begun,
            &progress,
            &report.records,
            under_way,
        );
        report.batch = planned.as_ref().and_then(|p| batch(p, &begun));
        for counts in report.steps.iter().filter_map(|s| s.counts) {
            report.books.add(&counts);
        }
        if under_way {
            let waiting = view.waiting(load.run)?.filter(|w| w.until_ms > now_ms);
            let until_ms = waiting.as_ref().map_or(now_ms, |w| w.until_ms);
            report.waits = waiting.map(|w| Waits {
                what: w.why,
                until: Some(shown(w.until_ms)),
            });
            let (since_ms, calls) = pace::calls(view, load.started_ms, now_ms)?;
            report.rate = pace::rate(&progress, &report.steps, since_ms, now_ms, calls);
            report.end = pace::end(
                &report.steps,
                report.rate.as_ref(),
                &facts.limits,
                now_ms,
                until_ms,
            );
        }
    }
    report.run = run;
    report.load = load;
    if report.waits.is_none() {
        report.waits = waits(&report);
    }
    report.next = next::next(&report, &facts.migration);
    Ok(report)
}

/// Records by step and state.
fn records(
    view: &View,
    all: &mut BTreeMap<String, BTreeMap<String, u64>>,
) -> Result<(), ReadError> {
    for (step, state, n) in view.states()? {
        let states = all.entry(step).or_default();
        *states.entry(state.word().to_owned()).or_default() += n;
    }
    Ok(())
}

/// What a command that has ended waits for.
fn waits(report: &StatusReport) -> Option<Waits> {
    let run = report.run.as_ref();
    match report.state {
        State::Paused | State::Waiting => Some(Waits {
            what: run?.why.clone()?,
            until: run?.until_ms.map(shown),
        }),
        State::New | State::Stopped | State::Ended
            if !report.loaded && !report.approval.lets_run() && !next::goes_on_waived(report) =>
        {
            Some(Waits {
                what: match (report.approval.state.as_str(), report.approval.sampled) {
                    ("not_known", _) => return None,
                    (_, true) => "somebody who approves the sample".to_owned(),
                    (_, false) => "a sample, and somebody who approves it".to_owned(),
                },
                until: None,
            })
        }
        _ => None,
    }
}

/// True for a run that came to its end.
fn whole(run: &RunRow) -> bool {
    run.outcome
        .as_deref()
        .is_some_and(|o| o.starts_with("completed"))
}

fn state_of(run: Option<&RunRow>, working: bool, since_ms: i64) -> State {
    let Some(run) = run else {
        return if working { State::Starting } else { State::New };
    };
    match (run.outcome.as_deref(), working) {
        // Another command has taken over and has not begun its run yet.
        (_, true) if run.started_ms < since_ms => State::Starting,
        (None, true) => State::Running,
        (None, false) => State::Interrupted,
        (Some("stopped"), _) => State::Stopped,
        (Some("paused"), _) => State::Paused,
        (Some("waiting"), _) => State::Waiting,
        (Some("aborted"), _) => State::Aborted,
        (Some(_), _) => State::Ended,
    }
}

/// Where the plan is: the last batch of which a step has begun.
fn batch(planned: &Planned, begun: &[StepRow]) -> Option<Batch> {
    let has_begun = |name: &str| begun.iter().any(|b| b.step == name);
    let at = planned
        .batches
        .iter()
        .rposition(|batch| batch.iter().any(|s| has_begun(&s.step)))?;
    Some(Batch {
        number: at + 1,
        of: planned.batches.len(),
    })
}

fn steps(
    planned: Option<&Planned>,
    begun: &[StepRow],
    progress: &[(String, i64, Progressed)],
    records: &BTreeMap<String, BTreeMap<String, u64>>,
    under_way: bool,
) -> Vec<StepStatus> {
    let mut all: Vec<StepStatus> = Vec::new();
    let blank = |step: &str, batch| StepStatus {
        step: step.to_owned(),
        batch,
        state: StepState::ToCome,
        settled: 0,
        of: None,
        calls: None,
        counts: None,
    };
    for (at, batch) in planned.iter().flat_map(|p| &p.batches).enumerate() {
        for step in batch {
            all.push(StepStatus {
                of: step.records,
                calls: step.calls,
                ..blank(&step.step, Some(at + 1))
            });
        }
    }
    for row in begun {
        let at = all.iter().position(|s| s.step == row.step);
        let at = at.unwrap_or_else(|| {
            all.push(blank(&row.step, None));
            all.len() - 1
        });
        let Some(step) = all.get_mut(at) else {
            continue;
        };
        let said = progress.iter().find(|(name, ..)| *name == row.step);
        let latest = progress
            .iter()
            .filter(|(.., p)| p.second_pass)
            .map(|(_, at, _)| at)
            .max();
        step.counts = row.counts;
        match (&row.counts, said) {
            (Some(counts), said) => {
                step.settled = counts.read;
                step.of = Some(counts.read);
                let second = said.is_some_and(|(_, at, p)| p.second_pass && latest == Some(at));
                step.state = match second && under_way {
                    true => StepState::SecondPass,
                    false => StepState::Done,
                };
            }
            (None, Some((.., p))) => {
                step.settled = p.settled;
                step.of = p.of.or(step.of);
            }
            (None, None) => {
                // It has not said anything yet, or an older engine wrote this.
                let at = records.get(&row.step).and_then(|r| r.get("confirmed"));
                step.settled = at.copied().unwrap_or_default();
            }
        }
        if row.counts.is_none() {
            step.state = match under_way {
                true => StepState::AtWork,
                false => StepState::Stopped,
            };
        }
    }
    all
}

/// An instant for people and machines, without fractions of a second.
fn shown(ms: i64) -> String {
    let at = Timestamp::from_millisecond(ms).unwrap_or_default();
    at.round(jiff::Unit::Second).unwrap_or(at).to_string()
}
