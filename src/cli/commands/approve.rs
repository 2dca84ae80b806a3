//! `transload approve`: says that the sample is right. Bound to exactly these specs, this schema, this sample.

use super::{ledger_path, state_folder};
use crate::cli::ledger_faults::{open_failure, unread};
use crate::{
    cli::{
        approval,
        exit::{Exit, Failure},
        load, out, person,
    },
    clock::{Clock, SystemClock},
    ledger::{Approval, Entry, Ledger, Options, RunMeta},
    plan,
    report::{
        approval::{self as shown, ApprovalReport},
        sample::{SCHEMA_VERSION, SampleReport},
    },
};
use clap::{Args, ValueEnum};
use std::{path::PathBuf, sync::Arc};

/// Arguments of `approve`.
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// The migration file.
    #[arg(default_value = "migration.yaml")]
    pub migration: PathBuf,
    /// Who approves (default: $USER).
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// What is to be said about it.
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// Also accept values that came back wrong or not at all.
    #[arg(long)]
    pub accept_findings: bool,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = ApproveFormat::Text)]
    pub format: ApproveFormat,
}

/// How an approval is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ApproveFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
    /// For a pull request or a page.
    Markdown,
}

/// Approves the last sample.
///
/// # Errors
/// Without a sample (3), when it was drawn with other specs (4), when it has findings that nobody accepted (1), when
/// a run is under way (7).
pub fn run(args: &ApproveArgs) -> Result<Exit, Failure> {
    let loaded = load::with_decisions(&args.migration)?;
    let sample = sample(&loaded)?;
    let changes = plan::parts::changes(&sample.parts, &approval::spec_parts(&loaded));
    if !changes.is_empty() {
        return Err(Failure::new(
            Exit::NotApproved,
            format!(
                "the sample does not show what would run:\n  {}",
                changes.join("\n  ")
            ),
        )
        .hint("draw it again: `transload sample`"));
    }
    let findings: Vec<String> = sample
        .findings()
        .into_iter()
        .map(|(class, field, n)| format!("{field}: {n} {}", class.word()))
        .collect();
    if !findings.is_empty() && !args.accept_findings {
        return Err(Failure::new(
            Exit::Findings,
            format!(
                "values of the sample are lost or wrong:\n  {}",
                findings.join("\n  ")
            ),
        )
        .hint(
            "correct the mapping and draw the sample again, or approve with `--accept-findings`",
        ));
    }
    let approval = Approval {
        by: person::named(args.by.as_deref(), "nobody is named who approves")?,
        note: args.note.clone(),
        parts: approval::parts(&loaded)?,
        accepted: findings,
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let ledger = Ledger::open(
        &ledger_path(&loaded.migration.path),
        Options::new(Arc::clone(&clock)),
    )
    .map_err(|e| open_failure(&e))?;
    let temporary = |e: crate::ledger::LedgerError| Failure::new(Exit::Temporary, e.to_string());
    let begun = ledger
        .begin_run(RunMeta {
            command: "approve".to_owned(),
            plan: loaded.plan.hash(),
            engine: env!("CARGO_PKG_VERSION").to_owned(),
        })
        .map_err(temporary)?;
    ledger
        .append_blocking(vec![Entry::Approved(approval.clone())])
        .map_err(temporary)?;
    let ended = ledger.end_run("completed").map_err(temporary)?;
    let people = ledger
        .view()
        .and_then(|view| approval::people(&view, &approval.parts))
        .map_err(|e| unread(&e))?;
    let (records, of) = sample.size_of();
    let report = ApprovalReport {
        schema_version: 1,
        mapping: sample.mapping,
        run: begun.id,
        at: clock.now().to_string(),
        approval,
        people,
        needed: loaded.migration.mapping.policy.approvals,
        records,
        of,
        ledger_head: ended.head.to_string(),
    };
    out::result(&match args.format {
        ApproveFormat::Text => shown::render_text(&report),
        ApproveFormat::Json => shown::render_json(&report),
        ApproveFormat::Markdown => shown::render_markdown(&report),
    });
    Ok(Exit::Done)
}

fn sample(loaded: &load::Loaded) -> Result<SampleReport, Failure> {
    let path = approval::sample_path(&state_folder(&loaded.migration.path));
    let bytes = std::fs::read(&path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            Failure::new(Exit::Nothing, "there is no sample to approve")
                .hint("`transload sample` draws one")
        }
        _ => Failure::new(
            Exit::Temporary,
            format!("cannot read {}: {e}", path.display()),
        ),
    })?;
    let wrong = |why: String| {
        Failure::new(
            Exit::Usage,
            format!("{} is no sample: {why}", path.display()),
        )
        .hint("draw it again: `transload sample`")
    };
    let sample: SampleReport = serde_json::from_slice(&bytes).map_err(|e| wrong(e.to_string()))?;
    if sample.schema_version != SCHEMA_VERSION {
        return Err(wrong(format!(
            "it has version {}, this engine knows version {SCHEMA_VERSION}",
            sample.schema_version
        )));
    }
    Ok(sample)
}
