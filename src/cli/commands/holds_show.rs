//! `transload holds show`: one hold in full, from the ledger, the specs and the export. Asks no destination.

use super::open_view;
use crate::cli::ledger_faults::unread;
use crate::{
    cli::{
        args::ReportFormat,
        connect,
        exit::{Exit, Failure},
        held::{self, Held, propose},
        load, out,
    },
    diag::hold,
    ledger::View,
    mapping::{Migration, Step},
    report::holds::{self, HoldStory},
    run::{context::Emit, trace},
    spec::Project,
};
use clap::Args;
use std::{path::PathBuf, sync::Arc};

/// Arguments of `holds show`.
#[derive(Debug, Args)]
pub struct HoldsShow {
    /// The migration file.
    pub migration: PathBuf,
    /// The step, or the record as in `trace`: source object and key, `contact/10076`.
    #[arg(value_name = "STEP|OBJECT/ID")]
    pub step: String,
    /// The record's key, after a step.
    #[arg(value_name = "KEY")]
    pub key: Option<String>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
}

/// Shows the holds of one record.
///
/// # Errors
/// When there is no ledger, the source cannot be read (2), or nothing of the kind is held (3).
pub fn run(args: &HoldsShow) -> Result<Exit, Failure> {
    let loaded = load::migration(&args.migration)?;
    let migration = &loaded.migration;
    let view = open_view(&migration.path)?;
    let all = held::gather(&view, &migration.mapping).map_err(|e| unread(&e))?;
    let (place, key) = match &args.key {
        Some(key) => (args.step.as_str(), key.as_str()),
        None => args
            .step
            .split_once('/')
            .filter(|(object, key)| !object.is_empty() && !key.is_empty())
            .ok_or_else(|| {
                Failure::new(Exit::Usage, format!("`{}` names no record", args.step))
                    .hint("write step and key, or source object and key as in `contact/10076`")
            })?,
    };
    let is = |h: &&Held| {
        let of_object = h.step_of(&migration.mapping).is_some_and(|s| {
            let object = migration.mapping.source.objects.get(s.from.ix());
            args.key.is_none() && object.is_some_and(|o| o.name == place)
        });
        h.hold.key == key && (h.hold.step == place || of_object)
    };
    let found: Vec<&Held> = all.iter().filter(is).collect();
    if found.is_empty() {
        return Err(
            Failure::new(Exit::Nothing, format!("{place} holds no record `{key}`")).hint(
                "`transload holds list` names what is held; `transload trace` explains any record",
            ),
        );
    }
    let project = Project::load(&[&migration.path]);
    let mut stories = Vec::new();
    for held in found {
        stories.push(story(migration, &project, &view, held)?);
    }
    out::result(&match args.format {
        ReportFormat::Text => holds::render_stories(&stories),
        ReportFormat::Json => holds::render_stories_json(&stories),
    });
    Ok(Exit::Done)
}

fn story(
    migration: &Migration,
    project: &Project,
    view: &View,
    held: &Held,
) -> Result<HoldStory, Failure> {
    let mapping = &migration.mapping;
    let hold = held.hold.clone();
    let step = held.step_of(mapping);
    let read = |e: crate::ledger::ReadError| unread(&e);
    let mut history = Vec::new();
    view.each_entry_of(&hold.key, |_, run, at_ms, entry| {
        if entry.step() == hold.step {
            let at = jiff::Timestamp::from_millisecond(at_ms).map(|t| t.to_string());
            history.push((
                at.unwrap_or_default(),
                run,
                entry.kind().to_owned(),
                trace::detail(&entry),
            ));
        }
    })
    .map_err(read)?;
    let place = step.map(|s| {
        let span = match held.entry.and_then(|at| s.fields.get(at)) {
            Some(entry) => entry.span,
            None => s.span,
        };
        let (line, _) = project.files.line_column(span.file, span.start);
        (
            format!("{}:{line}", project.files.path(span.file).display()),
            project.files.line(span.file, line).trim().to_owned(),
        )
    });
    let (spec, spec_line) = place.unwrap_or_default();
    Ok(HoldStory {
        cells: match step {
            Some(step) => cells(migration, step, &hold.key)?,
            None => Vec::new(),
        },
        spec,
        spec_line,
        explained: hold::find(&hold.code).unwrap_or_default(),
        proposal: propose::proposal(mapping, held).words(),
        behind: held.behind,
        decided: held.rows(mapping).to_vec(),
        mapped: held.mapped(mapping).cloned(),
        history,
        hold,
    })
}

/// The source record's cells, empty ones left out.
fn cells(migration: &Migration, step: &Step, key: &str) -> Result<Vec<(String, String)>, Failure> {
    let mapping = &migration.mapping;
    let source = connect::source_of(migration)?;
    let quiet: Emit = Arc::new(|_| {});
    trace::cells_of(
        mapping,
        &source,
        connect::zone_of(migration).as_deref(),
        &quiet,
        step.from,
        key,
    )
    .map_err(super::run::failure)
}
