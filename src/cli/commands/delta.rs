//! `transload delta`: the second pass over what was created or changed at the source since the load.

use super::{discover::DocumentFormat, run as runs};
use crate::{
    cli::{
        args::{ReportFormat, RunArgs},
        exit::{Exit, Failure},
        load, out,
    },
    mapping::SourceConnection,
};
use clap::Args;
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
    /// Run without an approved sample. The waiver is written into the ledger.
    #[arg(long)]
    pub auto_approve: bool,
    /// Create through the sandbox's admin plane what only an admin can create. Only for a sandbox destination.
    #[arg(long)]
    pub provision: bool,
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
    let mut loaded = load::migration(&args.migration)?;
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
    let common = RunArgs {
        migration: args.migration.clone(),
        auto_approve: args.auto_approve,
        provision: args.provision,
        events: args.events.clone(),
        format: ReportFormat::Text,
        calls_per_minute: args.calls_per_minute,
        refresh: args.whole,
        memory: None,
    };
    runs::go(&common, &loaded, runs::Task::Delta(args))
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
