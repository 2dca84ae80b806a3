//! From a migration file to a checked migration and its plan, or to findings on stderr.

use super::{
    decided,
    exit::{Exit, Failure},
    out,
};
use crate::{
    check, diag,
    diag::{Diagnostics, Severity},
    mapping::Migration,
    plan::{self, Plan},
    platform::Platform,
    spec::{Project, project::Side},
};
use std::{path::Path, sync::Arc};

/// A migration that passed every check, with its plan.
pub struct Loaded {
    /// The migration.
    pub migration: Migration,
    /// Its plan.
    pub plan: Arc<Plan>,
    /// The destination as its platform file describes it, without the fields that the mapping brings along: what a
    /// simulated account starts from.
    pub bare_destination: Arc<Platform>,
}

/// Loads, checks and plans. Warnings go to stderr; errors end it.
///
/// # Errors
/// A usage failure when the file is missing, findings when something is wrong in it.
pub fn migration(path: &Path) -> Result<Loaded, Failure> {
    checked(path, &tell)
}

/// As [`migration`], for a command that writes by what was decided about holds, or has people approve what it writes.
///
/// # Errors
/// Also when the ledger knows of decisions of which there is no file.
pub fn with_decisions(path: &Path) -> Result<Loaded, Failure> {
    match decided::lost(path) {
        Some(lost) => Err(lost),
        None => migration(path),
    }
}

/// As [`migration`] without a word: `None` when anything is wrong.
pub fn quietly(path: &Path) -> Option<Loaded> {
    checked(path, &|_, _| {}).ok()
}

fn checked(path: &Path, tell: &dyn Fn(&Project, &Diagnostics)) -> Result<Loaded, Failure> {
    let path = &if path.is_dir() {
        path.join("migration.yaml")
    } else {
        path.to_owned()
    };
    if !path.is_file() {
        return Err(
            Failure::new(Exit::Usage, format!("cannot find {}", path.display()))
                .hint("name a migration file (`spec: migration/v1`) or its folder"),
        );
    }
    let project = Project::load(&[path]);
    if project.migrations.is_empty() && !project.diagnostics.has_errors() {
        let kind = project.specs().next().map_or("no spec", |s| s.kind.name());
        return Err(Failure::new(
            Exit::Usage,
            format!("{} is no migration ({kind})", path.display()),
        )
        .hint("a migration begins with `spec: migration/v1` and names its mapping"));
    }
    let (migration, found) = match project.migrations.first() {
        Some(file) => check::check_migration(&project, file),
        None => (None, Diagnostics::default()),
    };
    let mut all = project.diagnostics.clone();
    all.extend(found);
    for file in &project.platforms {
        all.extend(check::check_platform(file).1);
    }
    let found = all;
    tell(&project, &found);
    let Some(mut migration) = migration.filter(|_| !found.has_errors()) else {
        return Err(Failure::new(
            Exit::Findings,
            format!("{} has errors; nothing was started", path.display()),
        ));
    };
    let bare_destination = project
        .migrations
        .first()
        .and_then(|m| project.mapping_of(m))
        .and_then(|m| project.platform_of(m, Side::Destination))
        .and_then(|p| check::check_platform(p).0)
        .map_or_else(|| Arc::clone(&migration.mapping.destination), Arc::new);
    for note in decided::onto(&mut migration)? {
        out::note(&note);
    }
    match plan::compile(Arc::clone(&migration.mapping)) {
        Ok(plan) => Ok(Loaded {
            migration,
            plan: Arc::new(plan),
            bare_destination,
        }),
        Err(found) => {
            tell(&project, &found);
            Err(Failure::new(
                Exit::Findings,
                format!("{} cannot be planned; nothing was started", path.display()),
            ))
        }
    }
}

/// Shows errors and warnings. Notes are for `validate`: they say nothing new before every run.
fn tell(project: &Project, found: &Diagnostics) {
    let mut worth_saying = Diagnostics::default();
    for d in found.sorted() {
        if d.severity != Severity::Note {
            worth_saying.push(d.clone());
        }
    }
    if !worth_saying.is_empty() {
        out::note(&diag::render_text(&project.files, &worth_saying, true));
    }
}
