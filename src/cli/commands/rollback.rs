//! `transload rollback`: undoes what the migration did, and only that. `--plan` shows it first.

use super::{discover::DocumentFormat, ledger_path, open_view, run as runs, state_folder};
use crate::cli::ledger_faults::{open_failure, unread};
use crate::{
    cli::{
        begin, belonging,
        connect::{self, Access},
        exit::{Exit, Failure},
        load, out, pacing,
        progress::Progress,
        undoing,
    },
    clock::{Clock, SystemClock},
    connector::Stop,
    ledger::{Entry, Ledger, Options, ROLLBACK_ONLY, RunMeta, View},
    mapping::DestinationConnection,
    outcome::rollback::Rollback,
    report::rollback as report,
    run::{
        RunError,
        rollback::{Inputs, loaded_ms, rollback},
    },
};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use std::{path::PathBuf, sync::Arc, sync::atomic::Ordering};

/// Arguments of `rollback`.
#[derive(Debug, Args)]
pub struct RollbackArgs {
    /// The migration file.
    #[arg(default_value = "migration.yaml")]
    pub migration: PathBuf,
    /// Show what would be undone and what would stay; write nothing.
    #[arg(long)]
    pub plan: bool,
    /// Undo only this destination object, or this step. What others of this migration refer to stays.
    #[arg(long, value_name = "OBJECT")]
    pub only: Option<String>,
    /// Where the migration's pace says to stop: wait, and go on by itself, instead of ending with 75.
    #[arg(long)]
    pub wait: bool,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = DocumentFormat::Text)]
    pub format: DocumentFormat,
    /// Override the destination's limit of calls per minute, downwards.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub calls_per_minute: Option<u64>,
}

/// Rolls back, or shows what a rollback would do.
///
/// # Errors
/// See the table of exit codes; one message each.
pub fn run(args: &RollbackArgs) -> Result<Exit, Failure> {
    let loaded = load::migration(&args.migration)?;
    if matches!(
        loaded.migration.destination,
        DestinationConnection::Folder { .. }
    ) {
        return Err(Failure::new(
            Exit::Usage,
            "this destination is a folder of files: there is nothing to undo but the files themselves",
        )
        .hint("remove the folder, or run again"));
    }
    // Where nothing was loaded there is no ledger, and none is made.
    open_view(&loaded.migration.path)?;
    let progress = begin::progress(None)?;
    let runtime = begin::runtime()?;
    let result = pacing::again(&runtime, args.wait, &progress, || {
        start(args, &loaded, &progress)
    });
    progress.clear();
    runtime.shutdown_background();
    result
}

async fn start(
    args: &RollbackArgs,
    loaded: &load::Loaded,
    progress: &Arc<Progress>,
) -> Result<Exit, Failure> {
    let clock = Arc::new(SystemClock::new());
    let migration = &loaded.migration;
    let emit = begin::listener(progress);
    if !args.plan {
        pacing::open(migration)?;
    }
    let ledger = match args.plan {
        true => None,
        false => Some(Arc::new(
            Ledger::open(
                &ledger_path(&migration.path),
                Options::new(Arc::clone(&clock) as Arc<dyn Clock>),
            )
            .map_err(|e| open_failure(&e))?,
        )),
    };
    let temporary = |e: &dyn std::fmt::Display| Failure::new(Exit::Temporary, e.to_string());
    let view = match &ledger {
        Some(ledger) => ledger.view().map_err(|e| unread(&e))?,
        None => open_view(&migration.path)?,
    };
    belonging::check(&view, migration, false)?;
    let window = Window::of(&view, loaded)?;
    // What began in time comes to its end: nothing else can be done before.
    if undoing::open_calls(&ledger_path(&migration.path), &view)? == 0 {
        window.check(clock.now())?;
    }
    let state = state_folder(&migration.path);
    let access = Access {
        provision: false,
        calls_per_minute: args.calls_per_minute,
    };
    let destination = connect::destination(loaded, access, &state, Arc::clone(&emit)).await?;
    let stopped_by = runs::listen(&destination.cancel);
    let (to, counting) = match &ledger {
        Some(ledger) => (pacing::Use::Load, Some(Arc::clone(ledger))),
        None => (pacing::Use::Look, pacing::ledger_to_look(migration)?),
    };
    let counted = (counting.as_ref())
        .map(|ledger| pacing::Calls::count(ledger, &destination, migration, to))
        .transpose()?;
    if let Some(ledger) = &ledger {
        ledger
            .begin_run(RunMeta {
                command: "rollback".to_owned(),
                plan: loaded.plan.hash(),
                engine: env!("CARGO_PKG_VERSION").to_owned(),
            })
            .map_err(|e| temporary(&e))?;
        // Whoever goes on after a stop must not undo more than was asked for.
        ledger
            .append(vec![Entry::Decided {
                name: ROLLBACK_ONLY.to_owned(),
                value: args.only.clone().unwrap_or_default(),
            }])
            .await
            .map_err(|e| temporary(&e))?;
    }
    let done = rollback(Inputs {
        mapping: Arc::clone(&migration.mapping),
        plan: Arc::clone(&loaded.plan),
        rest: destination.rest.clone(),
        view,
        ledger: ledger.clone(),
        only: args.only.clone(),
        emit,
    })
    .await;
    if let Some(counted) = counted {
        counted.end().await;
    }
    let outcome = match &done {
        Ok(r) if r.kept.is_empty() => "completed",
        Ok(_) => "completed_with_holds",
        Err(error) => pacing::outcome(error),
    };
    let ended = ledger.as_ref().map(|l| pacing::end_run(l, &done, outcome));
    destination.close().await;
    progress.clear();
    match done {
        Ok(mut done) => {
            if let Some(ended) = ended {
                ended.map_err(|e| temporary(&e))?;
            }
            window.tell(&mut done);
            out::result(&match args.format {
                DocumentFormat::Text => report::render_text(&done),
                DocumentFormat::Json => report::render_json(&done),
                DocumentFormat::Markdown => report::render_markdown(&done),
            });
            Ok(Exit::Done)
        }
        Err(RunError::Stop(Stop::Cancelled)) => {
            out::note("stopped cleanly; run the same command to go on");
            Ok(match stopped_by.load(Ordering::Relaxed) {
                15 => Exit::Terminated,
                _ => Exit::Interrupted,
            })
        }
        Err(error) => Err(runs::failure(error)),
    }
}

/// The time in which a load can be undone.
struct Window {
    loaded: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Window {
    fn of(view: &View, loaded: &load::Loaded) -> Result<Window, Failure> {
        let mapping = &loaded.migration.mapping;
        let at = loaded_ms(view, mapping).map_err(runs::failure)?;
        let at = at.and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let span = i64::try_from(mapping.policy.rollback_seconds).unwrap_or(i64::MAX);
        let until = at.and_then(|at| at.checked_add(SignedDuration::from_secs(span)).ok());
        Ok(Window { loaded: at, until })
    }

    fn check(&self, now: Timestamp) -> Result<(), Failure> {
        match self.until {
            Some(until) if now > until => Err(Failure::new(
                Exit::Usage,
                format!("the load could be undone until {until}, and that is over"),
            )
            .hint(
                "people have worked with the records since; `policy: {rollback: {for: 30d}}` in the migration says otherwise",
            )),
            _ => Ok(()),
        }
    }

    fn tell(&self, report: &mut Rollback) {
        let second = |t: Timestamp| t.round(jiff::Unit::Second).unwrap_or(t).to_string();
        report.loaded = self.loaded.map(second);
        report.until = self.until.map(second);
    }
}
