//! `transload run`: loads, or goes on loading. The same command resumes after any stop.

use super::{
    delta::{self, DeltaArgs},
    ledger_path, run_files, state_folder,
};
use crate::cli::ledger_faults::{open_failure, unread};
use crate::{
    cli::{
        approval,
        args::{ReportFormat, RunArgs},
        attachments, begin, belonging, changes,
        connect::{self, Access},
        documents,
        exit::{Exit, Failure, unwritable},
        extract, load, out, pacing, preflight,
        progress::Progress,
        so_far,
        togo::ToGo,
        undoing,
    },
    clock::{Clock, SystemClock},
    connector::{Cancel, Stop, files::WriteError, rest::CallCounts},
    event::Event,
    ident::ObjectId,
    ledger::{Ledger, Options, RunMeta},
    mapping::{Deleted, DestinationConnection, Migration, Policy},
    report::{self, Difference, HoldGroup, RunReport, StepBooks, delta::DeltaReport},
    run::{self, Inputs, Outcome, RunError, books::Group, extract::Again, overflow::Memory},
};
use std::{collections::BTreeMap, path::Path, sync::Arc};

pub(super) use crate::cli::signal::{listen, stopped, wait_for_signal};

/// Runs a migration.
///
/// # Errors
/// See the table of exit codes; one message each.
pub fn run(args: &RunArgs) -> Result<Exit, Failure> {
    go(args, &load::with_decisions(&args.migration)?, Task::Run)
}

/// What is done.
#[derive(Clone, Copy)]
pub(super) enum Task<'a> {
    /// The load, or what is left of it.
    Run,
    /// A pass over what changed since.
    Delta(&'a DeltaArgs),
    /// Held records only, by source object and short key.
    Retry(&'a [(ObjectId, u64)]),
}

/// Runs a loaded migration.
pub(super) fn go(args: &RunArgs, loaded: &load::Loaded, task: Task<'_>) -> Result<Exit, Failure> {
    let waived = approval::gate(loaded, args.auto_approve)?;
    if let Some(by) = waived {
        out::note(&format!("runs without an approved sample: {by}"));
    }
    let progress = begin::progress(args.events.as_deref())?;
    let runtime = begin::runtime()?;
    let result = pacing::again(&runtime, args.wait, &progress, || {
        start(args, loaded, &progress, waived, task)
    });
    progress.clear();
    // Readers that still wait for a page do not keep the process.
    runtime.shutdown_background();
    result
}

async fn start(
    args: &RunArgs,
    loaded: &load::Loaded,
    progress: &Arc<Progress>,
    waived: Option<&str>,
    task: Task<'_>,
) -> Result<Exit, Failure> {
    let clock = Arc::new(SystemClock::new());
    let migration = &loaded.migration;
    pacing::open(migration)?;
    let path = ledger_path(&migration.path);
    let ledger = Arc::new(
        Ledger::open(&path, Options::new(Arc::clone(&clock) as Arc<dyn Clock>))
            .map_err(|e| open_failure(&e))?,
    );
    undoing::refuse(&ledger)?;
    let claim = belonging::check(
        &ledger.glance().map_err(|e| unread(&e))?,
        migration,
        args.renamed,
    )?;
    let (emit, to_go) = ToGo::listen(progress);
    let cancel = Cancel::new();
    let stopped_by = listen(&cancel);
    let source = extract::source(
        migration,
        extract::Reading {
            again: match task {
                _ if args.refresh => Again::Everything,
                Task::Delta(_) => Again::Changed,
                Task::Run | Task::Retry(_) => Again::Nothing,
            },
            cancel: &cancel,
            emit: &emit,
            ledger: Some(&ledger),
        },
    )
    .await;
    if cancel.is_cancelled() {
        return Ok(stopped(&stopped_by));
    }
    let mut memory = Memory::usual(state_folder(&migration.path));
    memory.most = args.memory.or(memory.most);
    let source = Arc::new(source?.0.within(memory));
    let state = state_folder(&migration.path);
    if let DestinationConnection::Folder { folder } = &migration.destination {
        return run_files::start(
            args, loaded, progress, &ledger, &clock, source, folder, waived, claim,
        )
        .await;
    }
    let last = match task {
        Task::Run | Task::Retry(_) => 0,
        Task::Delta(_) => changes::last_complete(&ledger)?,
    };
    let destination = connect::destination_until(
        loaded,
        Access::from(args),
        &state,
        Arc::clone(&emit),
        cancel,
    )
    .await?;
    let counted = pacing::Calls::count(&ledger, &destination, migration, pacing::Use::Load)?;
    let begun = ledger
        .begin_run(RunMeta {
            command: task.word().to_owned(),
            plan: loaded.plan.hash(),
            engine: env!("CARGO_PKG_VERSION").to_owned(),
        })
        .map_err(|e| Failure::new(Exit::Temporary, e.to_string()))?;
    claim.note(&ledger)?;
    approval::note_waiver(&ledger, waived)?;
    let inputs = Inputs {
        mapping: Arc::clone(&migration.mapping),
        plan: Arc::clone(&loaded.plan),
        source: Arc::clone(&source),
        zone: connect::zone_of(migration),
        rest: destination.rest.clone(),
        ledger: Arc::clone(&ledger),
        run: begun,
        provision: destination.provision,
        emit: Arc::clone(&emit),
        watch: task.watches(&migration.mapping.policy),
        only: task.only(),
    };
    let result = match preflight::before_run(loaded, &destination, &source).await {
        Ok(()) => run::run(inputs).await,
        Err(error) => Err(error),
    };
    if matches!(result, Err(RunError::Waits { .. })) {
        preflight::leave_checklist(loaded, &destination, &source).await;
    }
    counted.end().await;
    let calls = destination.rest.calls();
    let elapsed_ms = u64::try_from(clock.monotonic().as_millis()).unwrap_or(u64::MAX);
    let outcome = match &result {
        Ok(o) if o.steps.iter().all(|(_, c)| c.held + c.failed == 0) => "completed",
        Ok(_) => "completed_with_holds",
        Err(error) => pacing::outcome(error),
    };
    emit(&Event::RunFinished {
        outcome: outcome.to_owned(),
        calls: (calls.read, calls.write),
    });
    progress.clear();
    let ended = pacing::end_run(&ledger, &result, outcome);
    let exit = match result {
        Ok(done) => {
            let head = ended
                .map(|a| a.head.to_string())
                .map_err(|e| Failure::new(Exit::Temporary, e.to_string()))?;
            let documents = documents::write(migration, &source, &state, done.tables.as_ref())?;
            let mut report = report_of(
                loaded, &ledger, begun.id, outcome, &done, &calls, documents, elapsed_ms, head,
            )?;
            let blank = documents::unmatched(&report.unmatched, &state)?;
            report.documents.extend(blank);
            save(&state, &report);
            tell(args, loaded, task, &report, &done, last);
            match (task, over_limit(loaded, &done)) {
                // The policy counts shares of all records, and these were the held ones.
                (Task::Retry(_), _) | (_, None) => Ok(Exit::Done),
                (_, Some(failure)) => Err(failure),
            }
        }
        Err(RunError::Stop(Stop::Cancelled)) => Ok(stopped(&stopped_by)),
        Err(error) => {
            if let RunError::Gate(_) = &error {
                let head = ended.map(|a| a.head.to_string()).unwrap_or_default();
                let done = so_far::outcome(&ledger, begun.id, &migration.mapping)?;
                let report = report_of(
                    loaded,
                    &ledger,
                    begun.id,
                    outcome,
                    &done,
                    &calls,
                    Vec::new(),
                    elapsed_ms,
                    head,
                )?;
                save(&state, &report);
                tell(args, loaded, task, &report, &done, last);
            }
            Err(to_go.tell(failure(error), migration, &source))
        }
    };
    destination.close().await;
    exit
}

/// Prints the books. Where stdout carries events, every line of it is one.
fn tell(
    args: &RunArgs,
    loaded: &load::Loaded,
    task: Task<'_>,
    report: &RunReport,
    done: &Outcome,
    last: i64,
) {
    let books = match args.format {
        ReportFormat::Text => report::books::render_text(report),
        ReportFormat::Json => report::books::render_json(report),
    };
    match (task, args.events.as_deref()) {
        (Task::Delta(args), _) => {
            let found = changes::found(loaded, done, last, args);
            delta::tell(args, &DeltaReport::new(report, found));
        }
        (_, Some(p)) if p.as_os_str() == "-" => out::note(&books),
        (_, _) => out::result(&books),
    }
}

impl Task<'_> {
    /// Its word in the ledger.
    fn word(self) -> &'static str {
        match self {
            Task::Run => "run",
            Task::Delta(_) => "delta",
            Task::Retry(_) => "holds retry",
        }
    }

    /// The records it is about; `None`: all.
    fn only(self) -> Option<run::chosen::Chosen> {
        match self {
            Task::Retry(keys) => Some(run::chosen::Chosen::new(keys.iter().copied())),
            Task::Run | Task::Delta(_) => None,
        }
    }

    /// True when deletions are looked for.
    fn watches(self, policy: &Policy) -> bool {
        matches!(self, Task::Delta(args) if !args.partial)
            && policy.delta_deleted == Deleted::Report
    }
}

/// Why the run counts as one with too many exceptions; `None` when the policy allows them.
fn over_limit(loaded: &load::Loaded, done: &Outcome) -> Option<Failure> {
    let steps: Vec<String> = done
        .steps
        .iter()
        .filter(|(id, _)| done.over_limit.contains(id))
        .filter_map(|(id, c)| {
            let step = loaded.migration.mapping.steps.get(id.ix())?;
            Some(format!(
                "step `{}` has {} held and {} failed of {} records",
                step.name, c.held, c.failed, c.read
            ))
        })
        .collect();
    if steps.is_empty() {
        return None;
    }
    Some(
        Failure::new(
            Exit::Held,
            format!("{}: more than `policy.errors` allows", steps.join(", ")),
        )
        .hint("everything else is loaded; `transload holds list` names them, and the same command loads what was corrected"),
    )
}

/// The exit code and hint of each way a run can end early.
pub(crate) fn failure(error: RunError) -> Failure {
    let again = "nothing is lost; run the same command to go on";
    let text = error.to_string();
    match error {
        RunError::Stop(Stop::Denied { .. }) => {
            Failure::new(Exit::Usage, text).hint("check the secret and the rights of its user")
        }
        RunError::Stop(Stop::Paused(pause)) => pacing::failure(&pause),
        RunError::Stop(
            Stop::Unreachable { .. }
            | Stop::Busy { .. }
            | Stop::Damaged { .. }
            | Stop::Uncounted { .. },
        ) => Failure::new(Exit::Temporary, text).hint(again),
        RunError::Stop(Stop::Cancelled) => Failure::new(Exit::Interrupted, text),
        RunError::Stop(Stop::Unexpected { .. }) => Failure::new(Exit::Internal, text)
            .hint("the platform file may not describe this account; -vv shows the calls"),
        RunError::Extract(_) | RunError::Source { .. } => Failure::new(Exit::Usage, text),
        RunError::Open(e) => open_failure(&e),
        RunError::Reading { .. } => {
            Failure::new(Exit::Busy, text).hint("wait until it ends, then run the same command")
        }
        RunError::Unusable { hint, .. } => Failure::new(Exit::Usage, text).hint(hint),
        RunError::Write { source, .. } | RunError::File(WriteError::Io { source, .. }) => {
            unwritable(text, &source)
        }
        RunError::View(error) => unread(&error),
        RunError::Ledger(_) | RunError::File(_) | RunError::Overflow(_) => {
            Failure::new(Exit::Temporary, text).hint(again)
        }
        RunError::Waits { .. } => Failure::new(Exit::Waits, text)
            .hint("for a sandbox destination `--provision` does the admin's part"),
        RunError::Policy(_) => Failure::new(Exit::Held, text),
        RunError::Gate(_) => Failure::new(Exit::Held, text).hint("`transload reconcile` compares record by record; bring back what is missing and run the same command, or go on with `policy: {gate: {counts: warn}}` in the migration"),
        RunError::Books { .. } | RunError::Internal(_) => Failure::new(Exit::Internal, text),
    }
}

/// The report of a finished run.
#[expect(
    clippy::too_many_arguments,
    reason = "one call, each a different part of the report"
)]
pub(super) fn report_of(
    loaded: &load::Loaded,
    ledger: &Ledger,
    run: i64,
    outcome: &str,
    done: &Outcome,
    calls: &CallCounts,
    documents: Vec<String>,
    elapsed_ms: u64,
    ledger_head: String,
) -> Result<RunReport, Failure> {
    let migration: &Migration = &loaded.migration;
    let mapping = &migration.mapping;
    let name_of = |id: crate::ident::StepId| {
        mapping
            .steps
            .get(id.ix())
            .map_or_else(String::new, |s| s.name.clone())
    };
    let steps: Vec<StepBooks> = done
        .steps
        .iter()
        .filter_map(|(id, counts)| {
            let step = mapping.steps.get(id.ix())?;
            Some(StepBooks {
                step: step.name.clone(),
                from: mapping.source.objects.get(step.from.ix())?.name.clone(),
                to: mapping.destination.objects.get(step.to.ix())?.name.clone(),
                counts: *counts,
                balanced: counts.balanced(),
            })
        })
        .collect();
    let mut holds: BTreeMap<(String, String, String), Group> = BTreeMap::new();
    ledger
        .view()
        .and_then(|view| {
            view.each_hold(None, |h| {
                if h.kind == crate::ledger::HoldKind::Held {
                    let field = h.field.unwrap_or_default();
                    let words = if field.is_empty() {
                        h.words
                    } else {
                        format!("{field}: {}", h.words)
                    };
                    holds
                        .entry((h.step, h.code, field_words(&words)))
                        .or_default()
                        .add(&h.key);
                }
            })
        })
        .map_err(|e| unread(&e))?;
    Ok(RunReport {
        schema_version: 1,
        mapping: mapping.name.clone(),
        run,
        outcome: outcome.to_owned(),
        nothing_left: calls.write == 0 && done.files.iter().all(|f| !f.changed),
        steps,
        holds: holds
            .into_iter()
            .map(|((step, code, words), group)| HoldGroup {
                step,
                code,
                words,
                records: group.records,
                examples: group.examples,
            })
            .collect(),
        refusals: done
            .refusals
            .iter()
            .map(|((id, words), group)| HoldGroup {
                step: name_of(*id),
                code: "refused".to_owned(),
                words: words.clone(),
                records: group.records,
                examples: group.examples.clone(),
            })
            .collect(),
        counts: done.counts.clone(),
        differences: done
            .differences
            .iter()
            .map(|((id, field), group)| Difference {
                step: name_of(*id),
                field: field.clone(),
                records: group.records,
                examples: group.examples.clone(),
            })
            .collect(),
        files: attachments::books(mapping, done),
        unmatched: done
            .unmatched
            .iter()
            .map(|((id, field, value), group)| report::books::Unmatched {
                step: name_of(*id),
                field: field.clone(),
                value: value.clone(),
                records: group.records,
                examples: group.examples.clone(),
            })
            .collect(),
        preview: changes::previews(mapping, &done.previews),
        conflicts: changes::conflicts(mapping, &done.conflicts),
        documents,
        calls_read: calls.read,
        calls_write: calls.write,
        overflow_bytes: done.tables.as_ref().map_or(0, |t| t.spilled()),
        elapsed_ms,
        ledger_head,
    })
}

/// Groups reasons that differ only in the value they quote.
fn field_words(words: &str) -> String {
    let mut out = String::new();
    let mut quoted = false;
    for c in words.chars() {
        match c {
            '"' | '\u{201c}' | '\u{201d}' => {
                if !quoted {
                    out.push('\u{2026}');
                }
                quoted = !quoted;
            }
            _ if quoted => {}
            c => out.push(c),
        }
    }
    out
}

pub(super) fn save(state: &Path, report: &RunReport) {
    // The report is a copy of what the ledger holds: not being able to keep it is no reason to fail.
    let folder = state.join("reports");
    if std::fs::create_dir_all(&folder).is_ok() {
        let path = folder.join(format!("run-{}.json", report.run));
        if let Err(error) = std::fs::write(&path, report::books::render_json(report)) {
            out::note(&format!(
                "cannot keep the report at {}: {error}",
                path.display()
            ));
        }
    }
}
