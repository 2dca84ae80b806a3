//! `transload page`: the pair page of a mapping, or a customer's page of a migration. Calls nobody.

use crate::{
    check,
    cli::{
        commands::state_folder,
        connect::source_of,
        exit::{Exit, Failure, cannot_write},
        load, lock, out, preflight,
    },
    diag,
    mapping::Migration,
    plan::{
        self, Counts, Estimate, Plan, estimate,
        preflight::{CheckLine, Facts, judge},
        yardstick,
    },
    report::page,
    spec::Project,
};
use clap::{Args, ValueEnum};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Arguments of `page`.
#[derive(Debug, Args)]
pub struct PageArgs {
    /// The mapping file; or a migration, for a page with its records, its tier and its own fields.
    pub spec: PathBuf,
    /// How to print it (default: by the ending of `--out`, else text).
    #[arg(long, value_enum)]
    pub format: Option<PageFormat>,
    /// Write it into this file instead of stdout.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Do not count the records of a migration's export.
    #[arg(long)]
    pub offline: bool,
}

/// How a page is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PageFormat {
    /// For a terminal.
    Text,
    /// For a repository.
    Markdown,
    /// One self-contained file for a browser or a printer.
    Html,
    /// For machines.
    Json,
}

/// Record counts that pairs are compared by.
const YARDSTICKS: &[u64] = &[1_000, 10_000, 100_000];

/// Which of them grades the volume.
const GRADED: usize = 1;

/// Makes the page.
///
/// # Errors
/// When the spec has errors or cannot be planned, or the file cannot be written.
pub fn run(args: &PageArgs) -> Result<Exit, Failure> {
    let format = args
        .format
        .unwrap_or_else(|| by_ending(args.out.as_deref()));
    let (plan, migration) = planned(&args.spec)?;
    let tier = migration.as_ref().and_then(|m| m.tier.as_deref());
    let counts = migration
        .as_ref()
        .filter(|_| !args.offline)
        .and_then(|m| counted(m, &plan));
    let (estimates, graded) = match &counts {
        Some(counts) => {
            let own = (
                "the records of this migration".to_owned(),
                estimate(&plan, counts),
            );
            (vec![own], 0)
        }
        None => (measured(&plan), GRADED),
    };
    let checks = match &migration {
        Some(migration) => checked(migration, &plan, args.offline)?,
        None => Vec::new(),
    };
    let page = page::build(&page::Input {
        checks: &checks,
        plan: &plan,
        migration: migration
            .as_ref()
            .and_then(|m| m.path.file_name()?.to_str()),
        tier,
        counts: counts.as_ref(),
        estimates: &estimates,
        graded,
    });
    let text = match format {
        PageFormat::Text => page::text(&page),
        PageFormat::Markdown => page::markdown(&page),
        PageFormat::Html => page::html(&page),
        PageFormat::Json => format!("{:#}\n", page::json(&page)),
    };
    match &args.out {
        None => out::result(&text),
        Some(path) => {
            fs::write(path, text).map_err(|e| cannot_write(path, &e))?;
            out::note(&format!("wrote {}", path.display()));
        }
    }
    Ok(Exit::Done)
}

fn by_ending(out: Option<&Path>) -> PageFormat {
    match out.and_then(|p| p.extension()?.to_str()) {
        Some("md") => PageFormat::Markdown,
        Some("html" | "htm") => PageFormat::Html,
        Some("json") => PageFormat::Json,
        _ => PageFormat::Text,
    }
}

/// Calls and hours for the same number of records in every object.
fn measured(plan: &Plan) -> Vec<(String, Estimate)> {
    YARDSTICKS
        .iter()
        .map(|n| {
            let counts = yardstick::of(&plan.mapping, *n);
            (
                format!("{} records of every object", page::grouped(*n)),
                estimate(plan, &counts),
            )
        })
        .collect()
}

/// The records of a migration's source, where they can be counted without a call.
fn counted(migration: &Migration, plan: &Plan) -> Option<Counts> {
    let source = source_of(migration).ok()?;
    let mut counts = Counts::default();
    for step in &plan.mapping.steps {
        if let Some(n) = source.estimate(step.from) {
            counts.source.insert(step.from, n);
        }
    }
    (!counts.source.is_empty()).then_some(counts)
}

/// What the pre-flight says of the gotchas, with the schema lock where there is one.
fn checked(migration: &Migration, plan: &Plan, offline: bool) -> Result<Vec<CheckLine>, Failure> {
    let lock = lock::read(&state_folder(&migration.path))?;
    let source = (!offline).then(|| source_of(migration).ok()).flatten();
    let stale = match (&source, &lock) {
        (Some(source), Some(lock)) => preflight::stale(migration, source, lock),
        _ => Vec::new(),
    };
    let facts = Facts {
        lock: lock.as_ref(),
        account: None,
        tier: migration.tier.as_deref(),
        provision: preflight::provisions(migration),
        stale: &stale,
    };
    Ok(judge(plan, &facts).checks)
}

/// The plan of a mapping, or of a migration.
fn planned(path: &Path) -> Result<(Arc<Plan>, Option<Migration>), Failure> {
    if path.is_dir() {
        let loaded = load::migration(path)?;
        return Ok((loaded.plan, Some(loaded.migration)));
    }
    if !path.is_file() {
        return Err(
            Failure::new(Exit::Usage, format!("cannot find {}", path.display()))
                .hint("name a mapping file (`spec: mapping/v1`) or a migration"),
        );
    }
    let project = Project::load(&[path]);
    if !project.migrations.is_empty() {
        let loaded = load::migration(path)?;
        return Ok((loaded.plan, Some(loaded.migration)));
    }
    if project.mappings.is_empty() && !project.diagnostics.has_errors() {
        return Err(
            Failure::new(Exit::Usage, format!("{} is no mapping", path.display()))
                .hint("a pair page is made from a mapping (`spec: mapping/v1`) or a migration"),
        );
    }
    let refused = |found: &diag::Diagnostics| {
        // Notes are for `validate`.
        let mut told = diag::Diagnostics::default();
        for d in found.sorted() {
            if d.severity != diag::Severity::Note {
                told.push(d.clone());
            }
        }
        out::note(&diag::render_text(&project.files, &told, true));
        Failure::new(
            Exit::Findings,
            format!("{} has errors; no page was made", path.display()),
        )
    };
    let found = check::check_project(&project);
    if found.has_errors() {
        return Err(refused(&found));
    }
    let mapping = project
        .mappings
        .first()
        .and_then(|file| check::check_mapping(&project, file).0)
        .ok_or_else(|| refused(&found))?;
    let plan = plan::compile(Arc::new(mapping)).map_err(|found| refused(&found))?;
    Ok((Arc::new(plan), None))
}
