//! `transload audit`: recomputes the ledger's hash chain; exports every operation.

use crate::{
    cli::{
        args::{Audit, AuditAction},
        commands::{ledger_path, open_view, unreadable},
        exit::{Exit, Failure},
        load, out,
    },
    ledger::verify::Broken,
    report::audit::{self, Export},
};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// Arguments of `audit export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The migration file.
    #[arg(default_value = "migration.yaml")]
    pub migration: PathBuf,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = ExportFormat::Csv)]
    pub format: ExportFormat,
}

/// How operations are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// For a spreadsheet.
    Csv,
    /// For machines.
    Json,
}

/// Verifies or exports the ledger beside a migration.
///
/// # Errors
/// When there is no ledger, or it cannot be read.
pub fn run(args: &Audit) -> Result<Exit, Failure> {
    match &args.action {
        AuditAction::Verify { migration } => verify(migration),
        AuditAction::Export(args) => export(args),
    }
}

fn verify(migration: &Path) -> Result<Exit, Failure> {
    let view = open_view(migration)?;
    match view.verify() {
        Ok(verified) => {
            out::result(&format!(
                "{} entries, chain unbroken, head {}",
                verified.entries, verified.head
            ));
            Ok(Exit::Done)
        }
        Err(Broken::Read(error)) => Err(unreadable(&ledger_path(migration), &error)),
        Err(broken) => {
            out::result(&broken.to_string());
            Ok(Exit::Findings)
        }
    }
}

fn export(args: &ExportArgs) -> Result<Exit, Failure> {
    let loaded = load::migration(&args.migration)?;
    let view = open_view(&loaded.migration.path)?;
    let mut export = Export::new(args.format == ExportFormat::Json, out::piece);
    audit::operations(&view, &loaded.migration.mapping, |o| export.add(o))
        .map_err(|e| Failure::new(Exit::Temporary, e.to_string()))?;
    export.end();
    Ok(Exit::Done)
}
