//! `transload extract`: reads a source behind an API into files beside the ledger. Calls the source alone.

use super::{run::wait_for_signal, state_folder};
use crate::{
    cli::{
        args::ReportFormat,
        begin,
        exit::{Exit, Failure},
        extract, load, out,
        progress::Progress,
    },
    connector::Cancel,
    report::extract::{ExtractReport, ObjectRows},
    run::extract::Again,
};
use clap::Args;
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

/// Arguments of `extract`.
#[derive(Debug, Args)]
pub struct ExtractArgs {
    /// The migration file.
    #[arg(default_value = "migration.yaml")]
    pub migration: PathBuf,
    /// Read everything anew, whatever was read before.
    #[arg(long)]
    pub refresh: bool,
    /// Read what changed since, where the API can be asked for that; the rest anew. What was deleted there stays.
    #[arg(long, conflicts_with = "refresh")]
    pub changed: bool,
    /// Append events as JSON lines to this file.
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// How to print what was read.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
}

/// Reads what is lacking, or everything.
///
/// # Errors
/// See the table of exit codes. What was complete by then is kept, and the same command goes on.
pub fn run(args: &ExtractArgs) -> Result<Exit, Failure> {
    let loaded = load::migration(&args.migration)?;
    let progress = begin::progress(args.events.as_deref())?;
    let runtime = begin::runtime()?;
    let result = runtime.block_on(start(args, &loaded, &progress));
    progress.clear();
    runtime.shutdown_background();
    result
}

async fn start(
    args: &ExtractArgs,
    loaded: &load::Loaded,
    progress: &Arc<Progress>,
) -> Result<Exit, Failure> {
    let cancel = Cancel::new();
    let by = Arc::new(AtomicU8::new(0));
    tokio::spawn({
        let (cancel, by) = (cancel.clone(), Arc::clone(&by));
        async move {
            by.store(wait_for_signal().await, Ordering::Relaxed);
            cancel.cancel();
        }
    });
    let emit = begin::listener(progress);
    let read = extract::source(
        &loaded.migration,
        extract::Reading {
            again: match (args.refresh, args.changed) {
                (true, _) => Again::Everything,
                (_, true) => Again::Changed,
                _ => Again::Nothing,
            },
            cancel: &cancel,
            emit: &emit,
            ledger: None,
        },
    )
    .await;
    if cancel.is_cancelled() {
        out::note("stopped cleanly; run the same command to go on");
        return Ok(match by.load(Ordering::Relaxed) {
            15 => Exit::Terminated,
            _ => Exit::Interrupted,
        });
    }
    let (_, index) = read?;
    let Some(index) = index else {
        return Err(Failure::new(
            Exit::Nothing,
            "the source is a folder of exports, which is read where it stands",
        ));
    };
    let folder = crate::run::extract::folder(&state_folder(&loaded.migration.path));
    let report = ExtractReport {
        schema_version: 1,
        account: index.account.clone(),
        folder: folder.display().to_string(),
        began: index.began.to_string(),
        objects: index
            .objects
            .iter()
            .map(|(name, entry)| ObjectRows {
                object: name.clone(),
                records: entry.records,
                twice: entry.twice,
                bytes: entry.bytes,
                read: entry.ended.to_string(),
            })
            .collect(),
    };
    progress.clear();
    out::result(&match args.format {
        ReportFormat::Text => crate::report::extract::render_text(&report),
        ReportFormat::Json => crate::report::extract::render_json(&report),
    });
    Ok(Exit::Done)
}
