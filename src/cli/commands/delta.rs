//! `transload delta`: the second pass over what was created or changed at the source since the load.

use super::{discover::DocumentFormat, ledger_path, run as runs};
use crate::cli::ledger_faults::unreadable;
use crate::{
    cli::{
        args::{ReportFormat, RunArgs},
        exit::{Exit, Failure},
        load, out,
    },
    clock::{Clock, SystemClock},
    ledger::View,
    mapping::SourceConnection,
};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use std::path::PathBuf;

/// Arguments of `delta`.
#[derive(Debug, Args)]
pub struct DeltaArgs {
    /// The migration file.
    #[arg(default_value = "migration.yaml")]
    pub migration: PathBuf,
    /// Read this export folder instead of the migration's: the new export.
    #[arg(long, value_name = "FOLDER")]
    pub export: Option<PathBuf>,
    /// The export holds only what changed: do not look for what was deleted.
    #[arg(long)]
    pub partial: bool,
    /// Read everything again where a source behind an API could be asked for changes only; needed to see deletions there.
    #[arg(long, conflicts_with = "partial")]
    pub whole: bool,
    /// Also after the time that `policy.delta.for` foresees.
    #[arg(long)]
    pub late: bool,
    /// Run without an approved sample. The waiver is written into the ledger.
    #[arg(long)]
    pub auto_approve: bool,
    /// Create through the sandbox's admin plane what only an admin can create. Only for a sandbox destination.
    #[arg(long)]
    pub provision: bool,
    /// Where the migration's pace says to stop: wait, and go on by itself, instead of ending with 75.
    #[arg(long)]
    pub wait: bool,
    /// Append events as JSON lines to this file (`-`: stdout; the report then goes to stderr).
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// How to print the report.
    #[arg(long, value_enum, default_value_t = DocumentFormat::Text)]
    pub format: DocumentFormat,
    /// Override the destination's limit of calls per minute, downwards.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub calls_per_minute: Option<u64>,
}

/// Loads what changed, and reports it.
///
/// # Errors
/// See the table of exit codes; one message each.
pub fn run(args: &DeltaArgs) -> Result<Exit, Failure> {
    let mut loaded = load::with_decisions(&args.migration)?;
    if let Some(export) = &args.export {
        match &mut loaded.migration.source {
            SourceConnection::Folder { folder, .. } => folder.clone_from(export),
            SourceConnection::Http(_) | SourceConnection::Sandbox(_) => {
                return Err(Failure::new(
                    Exit::Usage,
                    "--export names a folder, and this source is an API",
                )
                .hint("leave it out: what changed is asked for"));
            }
        }
    }
    if !args.late {
        in_time(&loaded)?;
    }
    let common = RunArgs {
        renamed: false,
        migration: args.migration.clone(),
        auto_approve: args.auto_approve,
        provision: args.provision,
        wait: args.wait,
        events: args.events.clone(),
        format: ReportFormat::Text,
        calls_per_minute: args.calls_per_minute,
        refresh: args.whole,
        memory: None,
    };
    runs::go(&common, &loaded, runs::Task::Delta(args))
}

/// Refuses after the time that the policy foresees, counted from the end of the last `run` that came to its end.
fn in_time(loaded: &load::Loaded) -> Result<(), Failure> {
    let Some(seconds) = loaded.migration.mapping.policy.delta_seconds else {
        return Ok(());
    };
    let path = ledger_path(&loaded.migration.path);
    if !path.is_file() {
        return Ok(());
    }
    let runs = View::open(&path)
        .and_then(|view| view.runs())
        .map_err(|e| unreadable(&path, &e))?;
    let loaded_ms = runs.iter().rev().find_map(|r| {
        let whole = r
            .outcome
            .as_deref()
            .is_some_and(|o| o.starts_with("completed"));
        (r.command == "run" && whole).then_some(r.ended_ms)?
    });
    let span = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    let until = loaded_ms
        .and_then(|ms| Timestamp::from_millisecond(ms).ok())
        .and_then(|t| t.checked_add(span).ok());
    match until {
        Some(until) if SystemClock::new().now() > until => Err(Failure::new(
            Exit::Usage,
            format!(
                "deltas were foreseen until {}, and that is over (`policy.delta.for`)",
                until.round(jiff::Unit::Second).unwrap_or(until)
            ),
        )
        .hint("people work in the destination by now, and what a delta changes they may have changed, too: `--late` loads all the same, `policy: {delta: {for: 7d}}` in the migration says otherwise")),
        _ => Ok(()),
    }
}

/// Prints the report of a delta.
pub(super) fn tell(args: &DeltaArgs, report: &crate::report::delta::DeltaReport) {
    let text = match args.format {
        DocumentFormat::Text => report.text(),
        DocumentFormat::Json => report.json(),
        DocumentFormat::Markdown => report.markdown(),
    };
    match args.events.as_deref() {
        Some(p) if p.as_os_str() == "-" => out::note(&text),
        _ => out::result(&text),
    }
}
