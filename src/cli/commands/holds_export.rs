//! `transload holds export`: the sheet that goes out for decisions.

use super::{holds::check_step, open_view};
use crate::cli::ledger_faults::unread;
use crate::{
    cli::{
        exit::{Exit, Failure},
        held::{self, Filter, workbook},
        load, out,
    },
    report::{
        document::count,
        holds::{self, SheetRow},
    },
};
use clap::Args;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Arguments of `holds export`.
#[derive(Debug, Args)]
pub struct HoldsExport {
    /// The migration file.
    #[arg(default_value = "migration.yaml")]
    pub migration: PathBuf,
    /// The sheet to write; by its ending CSV, XLSX or JSON (default: CSV to stdout).
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Only this step.
    #[arg(long)]
    pub step: Option<String>,
    /// Only this reason.
    #[arg(long)]
    pub code: Option<String>,
}

/// Writes the sheet.
///
/// # Errors
/// When there is no ledger, it cannot be read, or the sheet cannot be written.
pub fn run(args: &HoldsExport) -> Result<Exit, Failure> {
    let ending = args.out.as_deref().map(ending);
    if let (Some(ending), Some(path)) = (&ending, &args.out)
        && !["csv", "xlsx", "json"].contains(&ending.as_str())
    {
        return Err(Failure::new(
            Exit::Usage,
            format!("cannot write a sheet to {}", path.display()),
        )
        .hint("its name ends in .csv, .xlsx or .json"));
    }
    let loaded = load::migration(&args.migration)?;
    let mapping = &loaded.migration.mapping;
    let view = open_view(&loaded.migration.path)?;
    check_step(&view, args.step.as_ref())?;
    let filter = Filter {
        step: args.step.clone(),
        code: args.code.clone(),
        key: None,
    };
    let lineage = view.lineage().map_err(|e| unread(&e))?;
    let all = held::gather(&view, mapping).map_err(|e| unread(&e))?;
    let chosen = all.iter().filter(|h| filter.takes(&h.hold));
    let rows: Vec<SheetRow> = chosen
        .flat_map(|h| held::rows(mapping, &lineage, h))
        .collect();
    let bytes = match ending.as_deref() {
        Some("json") => holds::render_sheet_json(&rows).into_bytes(),
        Some("xlsx") => {
            workbook::bytes(&rows).map_err(|e| Failure::new(Exit::Internal, e.to_string()))?
        }
        _ => holds::render_sheet(&rows).into_bytes(),
    };
    match &args.out {
        None => out::result(&String::from_utf8_lossy(&bytes)),
        Some(path) => {
            fs::write(path, bytes).map_err(|e| {
                Failure::new(Exit::Usage, format!("cannot write {}: {e}", path.display()))
            })?;
            out::note(&format!(
                "{} in {}; fill in decision, new_value and note, then `transload holds import` takes it back",
                count(rows.len() as u64, "row", "rows"),
                path.display()
            ));
        }
    }
    if rows.is_empty() {
        out::note("nothing is held");
    }
    Ok(Exit::Done)
}

fn ending(path: &Path) -> String {
    path.extension()
        .map(|e| e.to_string_lossy().to_lowercase())
        .unwrap_or_default()
}
