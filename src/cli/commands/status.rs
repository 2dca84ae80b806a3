//! `transload status`: where a migration stands, read from its ledger; works beside a run.

use super::{discover::DocumentFormat, open_view, state_folder};
use crate::{
    cli::{
        approval::{self, Standing},
        exit::{Exit, Failure},
        load, out,
    },
    clock::{Clock, SystemClock},
    ledger::Approved,
    mapping::DestinationConnection,
    plan::paced,
    report::status::{self, ApprovalState, Facts, State, StatusReport},
};
use clap::Args;
use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    time::Duration,
};

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The migration file.
    #[arg(default_value = "migration.yaml")]
    pub migration: PathBuf,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = DocumentFormat::Text)]
    pub format: DocumentFormat,
    /// Show it again every so many seconds (2), until the command that is at work ends.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "2",
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub watch: Option<u64>,
}

/// Prints where the migration stands.
///
/// # Errors
/// When there is no ledger or it cannot be read.
pub fn run(args: &StatusArgs) -> Result<Exit, Failure> {
    let Some(seconds) = args.watch else {
        tell(args, &look(args)?);
        return Ok(Exit::Done);
    };
    // Started beside a command, or shortly before one: what has worked and works no more is over.
    let mut worked = false;
    loop {
        let status = look(args)?;
        if std::io::stdout().is_terminal() {
            // Back to the upper left corner of an empty screen.
            out::piece("\u{1b}[2J\u{1b}[H");
        }
        tell(args, &status);
        let works = matches!(status.state, State::Starting | State::Running);
        if (worked && !works) || out::is_gone() {
            return Ok(Exit::Done);
        }
        worked |= works;
        std::thread::sleep(Duration::from_secs(seconds));
    }
}

fn tell(args: &StatusArgs, report: &StatusReport) {
    out::result(&match args.format {
        DocumentFormat::Text => status::render_text(report),
        DocumentFormat::Json => status::render_json(report),
        DocumentFormat::Markdown => status::render_markdown(report),
    });
}

fn look(args: &StatusArgs) -> Result<StatusReport, Failure> {
    let view = open_view(&args.migration)?;
    let loaded = load::quietly(&args.migration);
    let facts = Facts {
        now: SystemClock::new().now(),
        migration: args.migration.display().to_string(),
        mapping: loaded.as_ref().map(|l| l.migration.mapping.name.clone()),
        approval: approval_of(&args.migration, loaded.as_ref()),
    };
    let mut report = status::gather(&view, facts)
        .map_err(|e| super::unreadable(&super::ledger_path(&args.migration), &e))?;
    if let (Some(end), Some(loaded)) = (&mut report.end, &loaded)
        && let (Some(calls), Some(pace)) = (end.calls, &loaded.migration.pace)
    {
        let migration = &loaded.migration;
        let limits = &migration.mapping.destination.limits;
        end.days = paced(pace, limits, migration.tier.as_deref(), calls, 0).days;
    }
    Ok(report)
}

/// How the approval stands; what cannot be known is said.
fn approval_of(migration: &Path, loaded: Option<&load::Loaded>) -> ApprovalState {
    let mut state = ApprovalState {
        sampled: approval::sample_path(&state_folder(migration)).is_file(),
        ..ApprovalState::default()
    };
    let Some(loaded) = loaded else {
        "not_known".clone_into(&mut state.state);
        state.why = vec!["the specs have errors (`transload validate`)".to_owned()];
        return state;
    };
    let given = |state: &mut ApprovalState, approved: Approved| {
        state.by = Some(approved.approval.by);
        let at = jiff::Timestamp::from_millisecond(approved.at_ms).unwrap_or_default();
        let at = at.round(jiff::Unit::Second).unwrap_or(at);
        state.at = Some(at.to_string());
    };
    let files = matches!(
        loaded.migration.destination,
        DestinationConnection::Folder { .. }
    );
    let word = match approval::standing(loaded) {
        Ok(Standing::Holds(approved)) => {
            given(&mut state, approved);
            "holds"
        }
        _ if files => "not_needed",
        _ if loaded.migration.approval_waived => "waived",
        Ok(Standing::Missing) => "none",
        Ok(Standing::Few(approved, people, needed)) => {
            given(&mut state, approved);
            state.why = vec![format!(
                "{} of {needed} people have approved: {}",
                people.len(),
                people.join(", ")
            )];
            "few"
        }
        Ok(Standing::Stale(approved, changes)) => {
            given(&mut state, approved);
            state.why = changes;
            "stale"
        }
        Err(failure) => {
            state.why = vec![failure.message];
            "not_known"
        }
    };
    word.clone_into(&mut state.state);
    state
}
