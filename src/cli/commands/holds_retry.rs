//! `transload holds retry`: runs only what is held and what waits for it, by the executor of `run`.

use super::{
    holds::check_step,
    open_view,
    run::{self as runs, Task},
};
use crate::cli::ledger_faults::unread;
use crate::{
    cli::{
        args::{ReportFormat, RunArgs},
        exit::{Exit, Failure},
        held::{self, Filter, Held, Waiting},
        load, out,
    },
    ident::ObjectId,
    mapping::{DestinationConnection, Mapping},
    report::holds::{self, RetryRow},
    run::chosen::short,
};
use clap::Args;
use std::{collections::BTreeSet, path::PathBuf};

/// Arguments of `holds retry`.
#[derive(Debug, Args)]
pub struct HoldsRetry {
    /// The migration file.
    #[arg(default_value = "migration.yaml")]
    pub migration: PathBuf,
    /// Only holds of this step, and what waits for them.
    #[arg(long)]
    pub step: Option<String>,
    /// Only holds with this reason, and what waits for them.
    #[arg(long)]
    pub code: Option<String>,
    /// Only holds of this record, and what waits for them.
    #[arg(long)]
    pub key: Option<String>,
    /// Only say how many and which; nothing runs.
    #[arg(long)]
    pub dry_run: bool,
    /// Run without an approved sample. The waiver is written into the ledger.
    #[arg(long)]
    pub auto_approve: bool,
    /// Create through the sandbox's admin plane what only an admin can create. Only for a sandbox destination.
    #[arg(long)]
    pub provision: bool,
    /// Where the migration's pace lets nothing happen now, wait instead of ending with 75.
    #[arg(long)]
    pub wait: bool,
    /// How to print the books of what ran.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
    /// Override the destination's limit of calls per minute, downwards.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub calls_per_minute: Option<u64>,
}

/// Tries held records again.
///
/// # Errors
/// Those of `run`; 3 when no hold is meant.
pub fn run(args: &HoldsRetry) -> Result<Exit, Failure> {
    let loaded = load::with_decisions(&args.migration)?;
    let mapping = &loaded.migration.mapping;
    if matches!(
        loaded.migration.destination,
        DestinationConnection::Folder { .. }
    ) {
        return Err(Failure::new(
            Exit::Usage,
            "a destination of files is written as a whole, so that nothing of it can be tried again alone",
        )
        .hint("`transload run` writes it with every decision in it"));
    }
    let view = open_view(&loaded.migration.path)?;
    check_step(&view, args.step.as_ref())?;
    let all = held::gather(&view, mapping).map_err(|e| unread(&e))?;
    drop(view);
    let filter = Filter {
        step: args.step.clone(),
        code: args.code.clone(),
        key: args.key.clone(),
    };
    let chosen = chosen(mapping, &all, &filter);
    if all.is_empty() {
        out::note("nothing is held");
        return Ok(Exit::Done);
    }
    if chosen.is_empty() {
        return Err(Failure::new(Exit::Nothing, "no hold is meant")
            .hint("`transload holds list` names what is held"));
    }
    let rows: Vec<RetryRow> = chosen
        .iter()
        .filter_map(|at| all.get(*at))
        .map(|held| row(mapping, held))
        .collect();
    if args.dry_run {
        out::result(&match args.format {
            ReportFormat::Text => holds::render_retry(&rows),
            ReportFormat::Json => holds::render_retry_json(&rows),
        });
        return Ok(Exit::Done);
    }
    let decided = rows.iter().filter(|r| !r.decided.is_empty()).count();
    out::note(&format!(
        "goes over {} of {} held records, {decided} of them with a decision",
        rows.len(),
        all.len()
    ));
    let keys: Vec<(ObjectId, u64)> = chosen
        .iter()
        .filter_map(|at| {
            let held = all.get(*at)?;
            Some((held.step_of(mapping)?.from, short(&held.hold.key)))
        })
        .collect();
    let run = RunArgs {
        renamed: false,
        migration: args.migration.clone(),
        auto_approve: args.auto_approve,
        refresh: false,
        provision: args.provision,
        events: None,
        format: args.format,
        calls_per_minute: args.calls_per_minute,
        memory: None,
        wait: args.wait,
    };
    runs::go(&run, &loaded, Task::Retry(&keys))
}

/// The holds that are meant and those that wait for them, by position.
fn chosen(mapping: &Mapping, all: &[Held], filter: &Filter) -> BTreeSet<usize> {
    let waiting = Waiting::new(mapping, all);
    let mut chosen = BTreeSet::new();
    for (at, held) in all.iter().enumerate() {
        if filter.takes(&held.hold) {
            chosen.insert(at);
            if !filter.is_empty() {
                chosen.extend(waiting.of(mapping, all, at));
            }
        }
    }
    // A hold of a step that is no longer in the mapping ends with the next run.
    chosen.retain(|at| all.get(*at).is_some_and(|h| h.step.is_some()));
    chosen
}

fn row(mapping: &Mapping, held: &Held) -> RetryRow {
    RetryRow {
        step: held.hold.step.clone(),
        key: held.hold.key.clone(),
        code: held.hold.code.clone(),
        decided: held.decided(mapping),
    }
}
