//! `transload handoff`: everything that leaves the migration for people, as documents: what the mapping hands off, and the
//! admin's checklist. Calls nobody.

use super::state_folder;
use crate::{
    cli::{
        commands::discover::DocumentFormat,
        connect, documents,
        exit::{Exit, Failure, cannot_write},
        load, lock, out, preflight,
    },
    event::Event,
    plan::preflight::{Facts, judge},
    report::document::{self, Block},
    run::{context::Emit, prepare},
};
use clap::Args;
use serde_json::json;
use std::{path::PathBuf, sync::Arc};

/// Arguments of `handoff`.
#[derive(Debug, Args)]
pub struct HandoffArgs {
    /// The migration file.
    #[arg(default_value = "migration.yaml")]
    pub migration: PathBuf,
    /// Where to write the documents (default: `.transload/handoff` beside the migration).
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// How to print the list of documents.
    #[arg(long, value_enum, default_value_t = DocumentFormat::Text)]
    pub format: DocumentFormat,
}

/// Writes the documents and prints what is in them.
///
/// # Errors
/// When the source cannot be read or a document cannot be written.
pub fn run(args: &HandoffArgs) -> Result<Exit, Failure> {
    let loaded = load::migration(&args.migration)?;
    let migration = &loaded.migration;
    let state = state_folder(&migration.path);
    let folder = args.out.clone().unwrap_or_else(|| state.join("handoff"));
    let source = connect::source_of(migration)?;
    let quiet: Emit = Arc::new(|_: &Event| {});
    let zone = connect::zone_of(migration);
    let tables = prepare::index(&migration.mapping, &source, zone.as_deref(), &quiet)
        .map_err(super::run::failure)?;
    let written = documents::write_all(migration, &source, &folder, &Arc::new(tables))?;
    let known = lock::read(&state)?;
    let flight = judge(
        &loaded.plan,
        &Facts {
            lock: known.as_ref(),
            account: None,
            tier: migration.tier.as_deref(),
            provision: preflight::provisions(migration),
            stale: &[],
        },
    );
    let checklist = preflight::write_checklist(&folder, &migration.mapping.name, &flight)?;
    let index = folder.join("README.md");
    let mut blocks = vec![
        Block::Heading(1, format!("Handed over from {}", migration.mapping.name)),
        Block::Rows(
            vec!["document", "records", "what to do"],
            written
                .iter()
                .map(|d| vec![d.name.clone(), d.records.to_string(), d.say.clone()])
                .collect(),
        ),
        Block::Heading(2, "Checklist".to_owned()),
    ];
    blocks.extend(crate::report::preflight::checklist(&flight.checklist));
    if known.is_none() {
        blocks.push(Block::Line(
            "owners, values and fields are not known; run `transload discover` first".to_owned(),
        ));
    }
    std::fs::write(&index, document::markdown(&blocks)).map_err(|e| cannot_write(&index, &e))?;
    out::result(&match args.format {
        DocumentFormat::Text => document::text(&blocks),
        DocumentFormat::Markdown => document::markdown(&blocks),
        DocumentFormat::Json => json!({
            "schema_version": 1,
            "documents": written.iter().map(|d| json!({
                "name": d.name,
                "records": d.records,
                "say": d.say,
                "files": d.files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "checklist": checklist.iter().map(|f| f.display().to_string()).collect::<Vec<_>>(),
            "todo": serde_json::to_value(&flight.checklist)
                .map_err(|e| Failure::new(Exit::Internal, e.to_string()))?,
        })
        .to_string(),
    });
    out::note(&format!("written to {}", folder.display()));
    Ok(Exit::Done)
}
