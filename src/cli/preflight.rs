//! Pre-flight on this machine: what is known of a migration, what changed since, and what a run looks at again before
//! it begins.

use super::{
    commands::state_folder,
    connect::{self, Destination},
    exit::{Failure, cannot_write},
    load::Loaded,
    lock, out,
    prints::Prints,
};
use crate::{
    ident::ObjectId,
    mapping::{Absent, DestinationConnection, Mapping, Migration, Step},
    plan::{
        Preflight,
        preflight::{Facts, judge},
    },
    platform::lock::{SchemaLock, SourceInventory, VERSION, ValueTable, drift},
    report::preflight as words,
    run::{RunError, discover, preflight, source::Source},
    transform::{TablesBuilder, ValuePass},
};
use bumpalo::Bump;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Findings about the export that a run looks at by itself.
const LOOKED_AT_AGAIN: [&str; 3] = ["file_unreadable", "column_not_named", "column_missing"];

/// True when the run does an admin's part: a sandbox that says so.
pub fn provisions(migration: &Migration) -> bool {
    matches!(&migration.destination, DestinationConnection::Sandbox(s) if s.provision)
}

/// What is different in the export since the lock was made: by the sizes of its files, and where these are the same by
/// their content.
pub fn stale(migration: &Migration, source: &Source, lock: &SchemaLock) -> Vec<String> {
    let objects = (0u16..)
        .map(ObjectId)
        .zip(&migration.mapping.source.objects);
    let mut prints = Prints::load(&state_folder(&migration.path));
    let stale = objects
        .filter_map(|(id, object)| {
            let seen = lock.source.object(&object.name)?;
            let file = seen.file.as_deref().unwrap_or(&object.name);
            let other = seen.bytes != source.size(id)
                || seen.print.is_some()
                    && source.path(id).and_then(|path| prints.of(&path)) != seen.print;
            other.then(|| format!("{file} changed since discovery"))
        })
        .collect();
    prints.keep();
    stale
}

/// Looks again at what a run needs: the account as it is, the lock where there is one, the tier's limits in any case.
///
/// # Errors
/// [`RunError::Waits`] while a finding blocks, and whatever stops the calls.
pub async fn before_run(
    loaded: &Loaded,
    destination: &Destination,
    source: &Arc<Source>,
) -> Result<(), RunError> {
    let migration = &loaded.migration;
    // Before the first call, as an export that does not fit needs none.
    preflight::columns(&migration.mapping, source)?;
    let lock = lock::read(&state_folder(&migration.path)).map_err(|f| RunError::Unusable {
        what: f.message,
        hint: f.hint.unwrap_or_default(),
    })?;
    let flight = match lock {
        Some(lock) => with_lock(loaded, destination, source, lock).await?,
        None => match limits(loaded, destination, source).await? {
            Some(flight) => flight,
            None => return Ok(()),
        },
    };
    let lines: Vec<String> = flight
        .blocking()
        .filter(|f| !LOOKED_AT_AGAIN.contains(&f.kind))
        .map(|f| format!("  {}: {}", f.what, f.way_out))
        .collect();
    if lines.is_empty() {
        return Ok(());
    }
    Err(RunError::Waits {
        what: format!(
            "{} in the way of the run; nothing was sent\n{}",
            match lines.len() {
                1 => "a finding stands".to_owned(),
                n => format!("{n} findings stand"),
            },
            lines.join("\n")
        ),
    })
}

async fn with_lock(
    loaded: &Loaded,
    destination: &Destination,
    source: &Source,
    mut lock: SchemaLock,
) -> Result<Preflight, RunError> {
    let migration = &loaded.migration;
    let tier = migration.tier.as_deref();
    destination.rest.probe().await?;
    let account = discover::account(&destination.rest, &migration.mapping, tier).await?;
    let mut now = lock.clone();
    now.destination = Some(account.clone());
    for change in drift(&lock, &now).iter().filter(|c| c.kind.takes_away()) {
        out::note(&format!("since discovery: destination {}", change.words()));
    }
    for words in stale(migration, source, &lock) {
        out::note(&format!(
            "{words}: its values are not checked; run `transload discover`"
        ));
        // Values of another export would block, or let pass, what is not there.
        lock.plan.clear();
    }
    Ok(judge(
        &loaded.plan,
        &Facts {
            lock: Some(&lock),
            account: Some(&account),
            tier,
            provision: destination.provision,
            stale: &[],
        },
    ))
}

/// The tier's limits on numbers of records, without a lock; `None` where nothing that comes is limited.
async fn limits(
    loaded: &Loaded,
    destination: &Destination,
    source: &Arc<Source>,
) -> Result<Option<Preflight>, RunError> {
    let migration = &loaded.migration;
    let mapping = &migration.mapping;
    let bounded = |step: &Step| {
        let to = mapping.destination.objects.get(step.to.ix());
        to.is_some_and(|o| o.rows_max.is_some()) && step.absent == Absent::Create
    };
    let objects: BTreeSet<ObjectId> = mapping
        .steps
        .iter()
        .filter(|s| bounded(s))
        .map(|s| s.from)
        .collect();
    if objects.is_empty() {
        return Ok(None);
    }
    let zone = connect::zone_of(migration);
    let values = {
        let (mapping, source) = (Arc::clone(mapping), Arc::clone(source));
        tokio::task::spawn_blocking(move || values(&mapping, &source, zone.as_deref(), &objects))
            .await
            .map_err(|e| RunError::Internal(e.to_string()))?
    };
    destination.rest.probe().await?;
    let tier = migration.tier.as_deref();
    let account =
        discover::part(&destination.rest, mapping, tier, |o| o.rows_max.is_some()).await?;
    let lock = SchemaLock {
        version: VERSION.to_owned(),
        mapping: mapping.name.clone(),
        plan: loaded.plan.hash(),
        source: SourceInventory::default(),
        values,
        destination: None,
    };
    Ok(Some(judge(
        &loaded.plan,
        &Facts {
            lock: Some(&lock),
            account: Some(&account),
            tier,
            provision: destination.provision,
            stale: &[],
        },
    )))
}

/// Value tables of a few objects, without anything else read. What cannot be read or followed has none: the run itself
/// says why.
fn values(
    mapping: &Arc<Mapping>,
    source: &Source,
    zone: Option<&str>,
    objects: &BTreeSet<ObjectId>,
) -> Vec<ValueTable> {
    let tables = TablesBuilder::new(Arc::clone(mapping), zone).and_then(TablesBuilder::finish);
    let Ok(tables) = tables.map(Arc::new) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for id in objects {
        let Ok(Some(mut pass)) = ValuePass::compile(mapping, &tables, *id, |_, _| true) else {
            continue;
        };
        let Ok(mut rows) = source.open(*id, pass.columns()) else {
            continue;
        };
        let mut arena = Bump::new();
        while let Ok(Some(page)) = rows.next_page() {
            pass.feed(&page, &arena);
            arena.reset();
            rows.recycle(page);
        }
        out.extend(pass.finish());
    }
    out
}

/// Writes the checklist as Markdown and CSV; gives the files.
///
/// # Errors
/// When a file cannot be written.
pub fn write_checklist(
    folder: &Path,
    mapping: &str,
    flight: &Preflight,
) -> Result<Vec<PathBuf>, Failure> {
    let files = [
        (
            "checklist.md",
            words::checklist_markdown(mapping, &flight.checklist),
        ),
        ("checklist.csv", words::checklist_csv(&flight.checklist)),
    ];
    let mut written = Vec::new();
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, text))
            .map_err(|e| cannot_write(&path, &e))?;
        written.push(path);
    }
    Ok(written)
}

/// The checklist of a run that waits: from the lock and the account as it is now, else from a look at the source now.
/// Tells where it was written. Not being able to make it is no reason to say less about why the run waits.
pub async fn leave_checklist(loaded: &Loaded, destination: &Destination, source: &Arc<Source>) {
    let migration = &loaded.migration;
    let state = state_folder(&migration.path);
    let tier = migration.tier.as_deref();
    let lock = match lock::read(&state) {
        Ok(Some(lock)) if lock.plan == loaded.plan.hash() => Some(lock),
        _ => look_at_source(loaded, source).await,
    };
    let account = discover::account(&destination.rest, &migration.mapping, tier)
        .await
        .ok();
    let flight = judge(
        &loaded.plan,
        &Facts {
            lock: lock.as_ref(),
            account: account.as_ref(),
            tier,
            provision: destination.provision,
            stale: &[],
        },
    );
    if let Ok(files) = write_checklist(&state, &migration.mapping.name, &flight) {
        let names: Vec<String> = files.iter().map(|f| f.display().to_string()).collect();
        out::note(&format!("the checklist: {}", names.join(", ")));
    }
}

/// A lock of the source as it is now, kept nowhere.
async fn look_at_source(loaded: &Loaded, source: &Arc<Source>) -> Option<SchemaLock> {
    let migration = &loaded.migration;
    let (mapping, source) = (Arc::clone(&migration.mapping), Arc::clone(source));
    let zone = connect::zone_of(migration);
    let look = move || {
        let quiet = Arc::new(|_: &crate::event::Event| {}) as crate::run::context::Emit;
        discover::source(&mapping, &source, zone.as_deref(), &quiet)
    };
    let (inventory, values) = tokio::task::spawn_blocking(look).await.ok()?.ok()?;
    Some(SchemaLock {
        version: VERSION.to_owned(),
        mapping: migration.mapping.name.clone(),
        plan: loaded.plan.hash(),
        source: inventory,
        values,
        destination: None,
    })
}
