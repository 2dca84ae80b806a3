//! `transload reconcile`: compares the source, as the mapping reads it, with what the destination really holds.

use super::{discover::DocumentFormat, run as runs, state_folder};
use crate::{
    cli::{
        attachments, begin,
        connect::{self, Access},
        exit::{Exit, Failure},
        load, out, pacing,
        progress::Progress,
    },
    mapping::DestinationConnection,
    outcome::reconcile::Reconciliation,
    report::reconcile as report,
    run::{
        RunError,
        reconcile::{Inputs, reconcile},
    },
};
use clap::Args;
use std::{path::PathBuf, sync::Arc};

/// Arguments of `reconcile`.
#[derive(Debug, Args)]
pub struct ReconcileArgs {
    /// The migration file.
    #[arg(default_value = "migration.yaml")]
    pub migration: PathBuf,
    /// Compare the values of about so many records of each step; all keys are still looked for. Of records that are
    /// only shown below others (notes), those below about so many.
    #[arg(long, value_name = "N", conflicts_with = "all", value_parser = some_records)]
    pub sample: Option<u64>,
    /// Compare the values of all records (the default).
    #[arg(long)]
    pub all: bool,
    /// Show values. Else letters are shown as x and digits as 9, as they may be personal.
    #[arg(long)]
    pub values: bool,
    /// Read through the sandbox's admin plane what no call of the API shows. Only for a sandbox destination.
    #[arg(long)]
    pub provision: bool,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = DocumentFormat::Text)]
    pub format: DocumentFormat,
    /// Override the destination's limit of calls per minute, downwards.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub calls_per_minute: Option<u64>,
}

/// A number of records, from 1.
fn some_records(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) => Err(
            "no values would be compared; leave `--sample` out, or say `--all`, to compare the values of all records"
                .to_owned(),
        ),
        Ok(n) => Ok(n),
        Err(_) => Err("it is no number of records".to_owned()),
    }
}

/// Reconciles.
///
/// # Errors
/// See the table of exit codes; one message each. Differences are findings, no errors.
pub fn run(args: &ReconcileArgs) -> Result<Exit, Failure> {
    let loaded = load::migration(&args.migration)?;
    if matches!(
        loaded.migration.destination,
        DestinationConnection::Folder { .. }
    ) {
        return Err(Failure::new(
            Exit::Usage,
            "reconciliation reads a destination back over its API, and this one is a folder of files",
        )
        .hint("a run into files writes the same bytes again when nothing is wrong"));
    }
    let progress = begin::progress(None)?;
    let runtime = begin::runtime()?;
    let result = runtime.block_on(start(args, &loaded, &progress));
    progress.clear();
    runtime.shutdown_background();
    let mut found = result?;
    if !args.values {
        report::mask(&mut found);
    }
    out::result(&match args.format {
        DocumentFormat::Text => report::render_text(&found),
        DocumentFormat::Json => report::render_json(&found),
        DocumentFormat::Markdown => report::render_markdown(&found),
    });
    if let Some(step) = found.steps.iter().find(|s| !s.balanced) {
        return Err(Failure::new(
            Exit::Internal,
            format!(
                "internal error: the books of step `{}` do not balance",
                step.step
            ),
        ));
    }
    Ok(match found.clean {
        true => Exit::Done,
        false => Exit::Findings,
    })
}

async fn start(
    args: &ReconcileArgs,
    loaded: &load::Loaded,
    progress: &Arc<Progress>,
) -> Result<Reconciliation, Failure> {
    let migration = &loaded.migration;
    let emit = begin::listener(progress);
    let rules = attachments::rules(migration);
    let source = Arc::new(connect::source_of(migration)?.fetching(rules));
    let state = state_folder(&migration.path);
    let access = Access {
        provision: args.provision,
        calls_per_minute: args.calls_per_minute,
    };
    let destination = connect::destination(loaded, access, &state, Arc::clone(&emit)).await?;
    runs::listen(&destination.cancel);
    let counting = pacing::ledger_to_look(migration)?;
    let counted = (counting.as_ref())
        .map(|ledger| pacing::Calls::count(ledger, &destination, migration, pacing::Use::Look))
        .transpose()?;
    let found = reconcile(Inputs {
        mapping: Arc::clone(&migration.mapping),
        plan: Arc::clone(&loaded.plan),
        source,
        zone: connect::zone_of(migration),
        rest: destination.rest.clone(),
        provision: destination.provision,
        sample: args.sample,
        emit,
    })
    .await;
    if let Some(counted) = counted {
        counted.end().await;
    }
    destination.close().await;
    found.map_err(|error| match error {
        RunError::Stop(crate::connector::Stop::Cancelled) => {
            Failure::new(Exit::Interrupted, "stopped; nothing was written")
        }
        error => runs::failure(error),
    })
}
