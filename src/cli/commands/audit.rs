//! `transload audit`: recomputes the ledger's hash chain; exports every operation.

use crate::cli::ledger_faults::{unread, unreadable};
use crate::{
    cli::{
        args::{Audit, AuditAction},
        commands::{ledger_path, open_view, state_folder},
        decided,
        exit::{Exit, Failure},
        load, out,
    },
    ledger::{View, verify::Broken},
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
            decisions(&view, migration)
        }
        Err(Broken::Read(error)) => Err(unreadable(&ledger_path(migration), &error)),
        Err(broken) => {
            out::result(&broken.to_string());
            Ok(Exit::Findings)
        }
    }
}

/// Compares the file of decisions about holds with what the chain says was decided last.
fn decisions(view: &View, migration: &Path) -> Result<Exit, Failure> {
    let state = state_folder(migration);
    let all = view.decisions().map_err(|e| unread(&e))?;
    let file = match decided::read(&state)? {
        Some(file) => Some(decided::bytes(&file)?.1),
        None => None,
    };
    let path = decided::path(&state);
    let path = path.display();
    let (told, exit) = match (decided::last(&all), file) {
        (None, None) => return Ok(Exit::Done),
        (Some(noted), Some(hash)) if noted.hash == hash => {
            (format!("{path} is what was decided last"), Exit::Done)
        }
        (Some(_), None) => (
            format!("{path} is missing, and the ledger says that decisions were taken in"),
            Exit::Findings,
        ),
        (_, Some(_)) => (
            format!(
                "{path} is not what the ledger says was decided last: somebody changed it by hand, or an import was \
                 interrupted (importing the sheet again notes it)"
            ),
            Exit::Findings,
        ),
    };
    out::result(&told);
    Ok(exit)
}

fn export(args: &ExportArgs) -> Result<Exit, Failure> {
    let loaded = load::migration(&args.migration)?;
    let view = open_view(&loaded.migration.path)?;
    let mut export = Export::new(args.format == ExportFormat::Json, out::piece);
    audit::operations(&view, &loaded.migration.mapping, |o| export.add(o))
        .map_err(|e| unread(&e))?;
    export.end();
    Ok(Exit::Done)
}
