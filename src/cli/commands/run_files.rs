//! `transload run` into a folder of files: the part of the command that differs from loading over HTTP.

use super::{
    run::{failure, report_of, save, wait_for_signal},
    state_folder,
};
use crate::{
    cli::{
        args::{ReportFormat, RunArgs},
        begin,
        belonging::Claim,
        connect, documents,
        exit::{Exit, Failure},
        load, out,
        progress::Progress,
    },
    clock::{Clock, SystemClock},
    connector::{Cancel, Stop, rest::CallCounts},
    event::Event,
    ledger::{Ledger, RunMeta},
    report,
    run::{self, RunError, source::Source},
};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

/// Runs a migration into a folder.
///
/// # Errors
/// As for [`super::run::run`].
#[expect(
    clippy::too_many_arguments,
    reason = "what the command has ready by then"
)]
pub async fn start(
    args: &RunArgs,
    loaded: &load::Loaded,
    progress: &Arc<Progress>,
    ledger: &Arc<Ledger>,
    clock: &Arc<SystemClock>,
    source: Arc<Source>,
    folder: &Path,
    waived: Option<&str>,
    claim: Claim,
) -> Result<Exit, Failure> {
    if args.provision {
        return Err(Failure::new(
            Exit::Usage,
            "--provision is for a sandbox; this destination is a folder of files",
        ));
    }
    let migration = &loaded.migration;
    let state = state_folder(&migration.path);
    let emit = begin::listener(progress);
    let cancel = Cancel::new();
    let stopped_by = Arc::new(AtomicU8::new(0));
    let waiting = {
        let (cancel, by) = (cancel.clone(), Arc::clone(&stopped_by));
        tokio::spawn(async move {
            by.store(wait_for_signal().await, Ordering::Relaxed);
            cancel.cancel();
        })
    };
    let begun = ledger
        .begin_run(RunMeta {
            command: "run".to_owned(),
            plan: loaded.plan.hash(),
            engine: env!("CARGO_PKG_VERSION").to_owned(),
        })
        .map_err(|e| Failure::new(Exit::Temporary, e.to_string()))?;
    claim.note(ledger)?;
    crate::cli::approval::note_waiver(ledger, waived)?;
    let inputs = run::files::Inputs {
        mapping: Arc::clone(&migration.mapping),
        plan: Arc::clone(&loaded.plan),
        source: Arc::clone(&source),
        zone: connect::zone_of(migration),
        folder: folder.to_owned(),
        ledger: Arc::clone(ledger),
        run: begun,
        cancel,
        emit: Arc::clone(&emit),
    };
    let result = tokio::task::spawn_blocking(move || run::files::run(inputs))
        .await
        .unwrap_or_else(|e| Err(RunError::Internal(e.to_string())));
    waiting.abort();
    let elapsed_ms = u64::try_from(clock.monotonic().as_millis()).unwrap_or(u64::MAX);
    let outcome = match &result {
        Ok(o) if o.steps.iter().all(|(_, c)| c.held + c.failed == 0) => "completed",
        Ok(_) => "completed_with_holds",
        Err(RunError::Stop(Stop::Cancelled)) => "stopped",
        Err(_) => "aborted",
    };
    emit(&Event::RunFinished {
        outcome: outcome.to_owned(),
        calls: (0, 0),
    });
    progress.clear();
    let ended = ledger.end_run(outcome);
    match result {
        Ok(done) => {
            let head = ended
                .map(|a| a.head.to_string())
                .map_err(|e| Failure::new(Exit::Temporary, e.to_string()))?;
            let documents = documents::write(migration, &source, &state, done.tables.as_ref())?;
            let calls = CallCounts::default();
            let report = report_of(
                loaded, ledger, begun.id, outcome, &done, &calls, documents, elapsed_ms, head,
            )?;
            save(&state, &report);
            out::result(&match args.format {
                ReportFormat::Text => report::books::render_text(&report),
                ReportFormat::Json => report::books::render_json(&report),
            });
            if done.over_limit.is_empty() {
                Ok(Exit::Done)
            } else {
                out::note("more records are held or failed than the policy allows (policy.errors)");
                Ok(Exit::Held)
            }
        }
        Err(RunError::Stop(Stop::Cancelled)) => {
            out::note("stopped cleanly; run the same command to go on");
            Ok(match stopped_by.load(Ordering::Relaxed) {
                15 => Exit::Terminated,
                _ => Exit::Interrupted,
            })
        }
        Err(error) => Err(failure(error)),
    }
}
