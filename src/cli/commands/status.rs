//! `transload status`: where a migration stands, read from its ledger; works beside a run.

use super::{discover::DocumentFormat, open_view, state_folder};
use crate::cli::ledger_faults::unreadable;
use crate::{
    cli::{
        approval::{self, Standing},
        decided,
        exit::{Exit, Failure},
        load, out,
    },
    clock::{Clock, SystemClock},
    ledger::Approved,
    mapping::{DestinationConnection, Migration},
    plan::paced,
    report::status::{self, ApprovalState, Facts, Limit, State, StatusReport},
};
use clap::Args;
use jiff::tz::TimeZone;
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
    /// Show it again every so many seconds (2), until the command that is at work ends; at once when none is.
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
    loop {
        let status = look(args)?;
        if std::io::stdout().is_terminal() {
            // Back to the upper left corner of an empty screen.
            out::piece("\u{1b}[2J\u{1b}[H");
        }
        tell(args, &status);
        let works = matches!(status.state, State::Starting | State::Running);
        if !works || out::is_gone() {
            return Ok(Exit::Done);
        }
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
    let loaded = load::quietly(&args.migration);
    let view = open_view(&args.migration).map_err(|failure| with_pace(failure, loaded.as_ref()))?;
    if loaded.is_none()
        && let Some(note) = decided::wrong(&args.migration)
    {
        out::note(&note);
    }
    let facts = Facts {
        now: SystemClock::new().now(),
        migration: args.migration.display().to_string(),
        mapping: loaded.as_ref().map(|l| l.migration.mapping.name.clone()),
        approval: approval_of(&args.migration, loaded.as_ref()),
        limits: loaded
            .as_ref()
            .map(|l| limits(&l.migration))
            .unwrap_or_default(),
        zone: Some(zone(loaded.as_ref())),
    };
    let mut report = status::gather(&view, facts)
        .map_err(|e| unreadable(&super::ledger_path(&args.migration), &e))?;
    if let (Some(end), Some(loaded)) = (&mut report.end, &loaded)
        && let (Some(calls), Some(pace)) = (end.calls, &loaded.migration.pace)
    {
        let migration = &loaded.migration;
        let limits = &migration.mapping.destination.limits;
        end.days = paced(pace, limits, migration.tier.as_deref(), calls, 0).days;
    }
    Ok(report)
}

/// The zone that a run tells its times in, with its name: that of the pace, else this machine's.
fn zone(loaded: Option<&load::Loaded>) -> (TimeZone, String) {
    if let Some(pace) = loaded.and_then(|l| l.migration.pace.as_ref()) {
        return (pace.zone.clone(), pace.zone_name.clone());
    }
    let zone = TimeZone::system();
    let name = zone.iana_name().unwrap_or("local time").to_owned();
    (zone, name)
}

/// The limits of calls that hold for the destination: those of its platform at the tier, or those that stand in their
/// place at a simulated account; that of the connection; that of the pace.
fn limits(migration: &Migration) -> Vec<Limit> {
    let (own, instead) = match &migration.destination {
        DestinationConnection::Sandbox(c) => (c.calls_per_minute, c.calls_per_minute.is_some()),
        DestinationConnection::Http(c) => (c.calls_per_minute, c.calls_per_minute == Some(0)),
        DestinationConnection::Folder { .. } => return Vec::new(),
    };
    let tier = migration.tier.as_deref();
    let platform = migration.mapping.destination.limits.calls.iter();
    let mut all: Vec<Limit> = platform
        .filter(|_| !instead)
        .map(|limit| Limit {
            calls: limit.max.at(tier),
            seconds: limit.per.as_secs().max(1),
            of: "the limit of the tier".to_owned(),
        })
        .collect();
    let per_hour = migration.pace.as_ref().and_then(|p| p.per_hour);
    for (calls, seconds, of) in [
        (own.filter(|n| *n > 0), 60, "the limit of the connection"),
        (per_hour, 3_600, "the pace of the migration"),
    ] {
        all.extend(calls.map(|calls| Limit {
            calls,
            seconds,
            of: of.to_owned(),
        }));
    }
    all
}

/// Says the pace beside what a migration that has not run yet has to say.
fn with_pace(failure: Failure, loaded: Option<&load::Loaded>) -> Failure {
    let pace = loaded.and_then(|l| l.migration.pace.as_ref());
    let (Some(pace), Exit::Nothing, Some(hint)) = (pace, failure.exit, &failure.hint) else {
        return failure;
    };
    let now = match pace.closed(SystemClock::new().now()) {
        Some(pause) => format!("its window opens at {}", pause.moment),
        None if pace.has_window() => "its window is open now".to_owned(),
        None => "it has no window".to_owned(),
    };
    let hint = format!("{hint}; its pace is {}, and {now}", pace.words());
    failure.hint(hint)
}

/// How the approval stands; what cannot be known is said.
fn approval_of(migration: &Path, loaded: Option<&load::Loaded>) -> ApprovalState {
    let mut state = ApprovalState {
        sampled: approval::sample_path(&state_folder(migration)).is_file(),
        ..ApprovalState::default()
    };
    let Some(loaded) = loaded else {
        "not_known".clone_into(&mut state.state);
        state.why = vec![match decided::read(&state_folder(migration)) {
            Ok(_) => "the specs have errors (`transload validate`)".to_owned(),
            Err(failure) => failure.message,
        }];
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
