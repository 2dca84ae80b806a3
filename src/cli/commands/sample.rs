//! `transload sample`: loads a slice of the export that shows everything the mapping does, reads it back, and says how
//! each value came back.

use super::{
    ledger_path,
    run::{failure, listen, stopped},
    state_folder,
};
use crate::cli::ledger_faults::{open_failure, unread};
use crate::{
    cli::{
        approval, begin, belonging,
        connect::{self, Access},
        exit::{Exit, Failure, cannot_write},
        extract, load, out, pacing, preflight,
        progress::Progress,
        sampled, undoing,
    },
    clock::{Clock, SystemClock},
    connector::{Cancel, Stop},
    event::Event,
    ledger::{Ledger, Options, RunMeta},
    mapping::DestinationConnection,
    report::sample::{self, SampleReport},
    run::{self, Inputs, RunError, extract::Again},
};
use clap::{Args, ValueEnum};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Arguments of `sample`.
#[derive(Debug, Args)]
pub struct SampleArgs {
    /// The migration file.
    #[arg(default_value = "migration.yaml")]
    pub migration: PathBuf,
    /// How many source records (default: `policy.sample.size`), up to a tenth of the export, or 300 where that is less, and
    /// never above 5000; more are taken where showing everything needs more.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub size: Option<u32>,
    /// The seed of the draw (default: `policy.sample.seed`).
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// How to print the report.
    #[arg(long, value_enum, default_value_t = SampleFormat::Text)]
    pub format: SampleFormat,
    /// Print values as they are; without it letters and digits are hidden. The file that is kept hides them always.
    #[arg(long)]
    pub values: bool,
    /// Create through the sandbox's admin plane what only an admin can create. Only for a sandbox destination.
    #[arg(long)]
    pub provision: bool,
    /// Where the migration's pace says to stop: wait, and go on by itself, instead of ending with 75.
    #[arg(long)]
    pub wait: bool,
    /// Append events as JSON lines to this file.
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// Override the destination's limit of calls per minute, downwards.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub calls_per_minute: Option<u64>,
}

/// How the report of a sample is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SampleFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
    /// For a pull request or a page.
    Markdown,
}

/// Draws, loads and compares a sample.
///
/// # Errors
/// As for `run`.
pub fn run(args: &SampleArgs) -> Result<Exit, Failure> {
    let loaded = load::with_decisions(&args.migration)?;
    if matches!(
        loaded.migration.destination,
        DestinationConnection::Folder { .. }
    ) {
        return Err(Failure::new(
            Exit::Usage,
            "a destination of files takes no sample: nothing but files is written",
        )
        .hint("`transload run` writes them; look at them before they are used"));
    }
    let progress = begin::progress(args.events.as_deref())?;
    let runtime = begin::runtime()?;
    let result = pacing::again(&runtime, args.wait, &progress, || {
        start(args, &loaded, &progress)
    });
    progress.clear();
    runtime.shutdown_background();
    result
}

async fn start(
    args: &SampleArgs,
    loaded: &load::Loaded,
    progress: &Arc<Progress>,
) -> Result<Exit, Failure> {
    let clock = Arc::new(SystemClock::new());
    let migration = &loaded.migration;
    let temporary = |e: &dyn std::fmt::Display| Failure::new(Exit::Temporary, e.to_string());
    pacing::open(migration)?;
    let ledger = Ledger::open(
        &ledger_path(&migration.path),
        Options::new(Arc::clone(&clock) as Arc<dyn Clock>),
    )
    .map_err(|e| open_failure(&e))?;
    let ledger = Arc::new(ledger);
    undoing::refuse(&ledger)?;
    let claim = belonging::check(&ledger.glance().map_err(|e| unread(&e))?, migration, false)?;
    let emit = begin::listener(progress);
    let cancel = Cancel::new();
    let stopped_by = listen(&cancel);
    let source = extract::source(
        migration,
        extract::Reading {
            again: Again::Nothing,
            cancel: &cancel,
            emit: &emit,
            ledger: Some(&ledger),
        },
    )
    .await;
    if cancel.is_cancelled() {
        return Ok(stopped(&stopped_by));
    }
    let source = Arc::new(source?.0);
    let state = state_folder(&migration.path);
    let access = Access {
        provision: args.provision,
        calls_per_minute: args.calls_per_minute,
    };
    let destination =
        connect::destination_until(loaded, access, &state, Arc::clone(&emit), cancel).await?;
    let counted = pacing::Calls::count(&ledger, &destination, migration, pacing::Use::Load)?;
    let begun = ledger
        .begin_run(RunMeta {
            command: "sample".to_owned(),
            plan: loaded.plan.hash(),
            engine: env!("CARGO_PKG_VERSION").to_owned(),
        })
        .map_err(|e| temporary(&e))?;
    claim.note(&ledger)?;
    let policy = &migration.mapping.policy;
    let size = args.size.unwrap_or(policy.sample_size);
    let seed = args.seed.unwrap_or(policy.sample_seed);
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
        watch: false,
        only: None,
    };
    let result = match preflight::before_run(loaded, &destination, &source).await {
        Ok(()) => run::sample::run(inputs, size as usize, seed).await,
        Err(error) => Err(error),
    };
    if matches!(result, Err(RunError::Waits { .. })) {
        preflight::leave_checklist(loaded, &destination, &source).await;
    }
    counted.end().await;
    let calls = destination.rest.calls();
    let outcome = match &result {
        Ok(done)
            if done
                .outcome
                .steps
                .iter()
                .all(|(_, c)| c.held + c.failed == 0) =>
        {
            "completed"
        }
        Ok(_) => "completed_with_holds",
        Err(error) => pacing::outcome(error),
    };
    emit(&Event::RunFinished {
        outcome: outcome.to_owned(),
        calls: (calls.read, calls.write),
    });
    progress.clear();
    let exit = match result {
        Ok(done) => {
            if done.size < size as usize {
                out::note(&format!(
                    "a sample of {size} records would be a load of its own: it aims at {} (docs/SAMPLE.md)",
                    done.size
                ));
            }
            let size = done.size as u64;
            let model = |masked: bool| -> Result<SampleReport, Failure> {
                sampled::report(
                    loaded,
                    &ledger,
                    &done,
                    (size, seed),
                    approval::spec_parts(loaded),
                    masked,
                )
                .map_err(|e| unread(&e))
            };
            let report = model(true)?;
            keep(&state, &report)?;
            let shown = if args.values { model(false)? } else { report };
            ledger.end_run(outcome).map_err(|e| temporary(&e))?;
            out::result(&match args.format {
                SampleFormat::Text => sample::render_text(&shown),
                SampleFormat::Json => sample::render_json(&shown),
                SampleFormat::Markdown => sample::render_markdown(&shown),
            });
            out::note(&format!(
                "{} writing calls; kept in {}",
                calls.write,
                approval::sample_path(&state).display()
            ));
            Ok(match shown.findings().is_empty() {
                true => Exit::Done,
                false => Exit::Findings,
            })
        }
        Err(RunError::Stop(Stop::Cancelled)) => {
            let _ = ledger.end_run(outcome);
            Ok(stopped(&stopped_by))
        }
        Err(error) => {
            let result: Result<(), RunError> = Err(error);
            let _ = pacing::end_run(&ledger, &result, outcome);
            result.map(|()| Exit::Done).map_err(failure)
        }
    };
    destination.close().await;
    exit
}

/// Keeps the report, so that an approval can name it. A file that would be the same stays as it is.
fn keep(state: &Path, report: &SampleReport) -> Result<(), Failure> {
    let path = approval::sample_path(state);
    let mut text = sample::render_json(report);
    text.push('\n');
    if std::fs::read_to_string(&path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    let fresh = path.with_extension("json.new");
    std::fs::write(&fresh, text)
        .and_then(|()| std::fs::rename(&fresh, &path))
        .map_err(|e| cannot_write(&path, &e))
}
