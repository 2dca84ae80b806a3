//! A source behind an API: what was read of it before, or reading it now.

use super::{
    attachments, begin,
    commands::state_folder,
    connect,
    exit::{Exit, Failure},
    fill, pacing,
};
use crate::{
    clock::{Clock, SystemClock},
    connector::{
        Cancel,
        budget::OnWait,
        rest::{Rest, RestOptions},
    },
    event::Event,
    ledger::Ledger,
    mapping::{HttpConnection, Migration, SandboxConnection, SourceConnection},
    run::{
        context::Emit,
        extract::{
            self, Again, Extraction,
            cache::{Cache, Hold, Index},
        },
        source::Source,
    },
    sandbox::{self, Sandbox, SandboxOptions},
    secret::Secret,
};
use std::{path::Path, sync::Arc, time::Duration};
use xxhash_rust::xxh3::xxh3_64;

/// What a run, or another command that may call a source, brings along.
pub struct Reading<'a> {
    /// What to read of what was read before.
    pub again: Again,
    /// Stops it.
    pub cancel: &'a Cancel,
    /// Listener.
    pub emit: &'a Emit,
    /// Where calls are counted, so that a restart does not exceed the source's limits.
    pub ledger: Option<&'a Arc<Ledger>>,
}

/// The source as read before, without a call.
///
/// # Errors
/// When it was not read yet, or not as the platform file says now.
pub fn cached(migration: &Migration) -> Result<Source, Failure> {
    let platform = &migration.mapping.source;
    let cache = cache_of(migration);
    let objects = extract::objects(platform, &migration.mapping.source_objects());
    let account = account_of(migration)?;
    let hold = cache.hold();
    match cache.whole(platform, &objects, &account) {
        Some(index) => Ok(opened(migration, &cache, &index, hold)),
        None => Err(Failure::new(
            Exit::Nothing,
            format!("the records of {} have not been read yet", platform.title),
        )
        .hint("`transload extract` reads them; so does `transload run`")),
    }
}

/// The source, read through its API where that has not happened before, with the hosts that its files may come from.
/// Gives what there is of it, too; `None`
/// for a folder of exports.
///
/// # Errors
/// When the source cannot be reached, refuses the key or stops answering; what was complete by then is kept.
pub async fn source(
    migration: &Migration,
    reading: Reading<'_>,
) -> Result<(Source, Option<Index>), Failure> {
    let downloads = attachments::downloads(migration, reading.cancel)?;
    let (source, index) = records(migration, reading).await?;
    Ok((source.fetching(downloads), index))
}

async fn records(
    migration: &Migration,
    reading: Reading<'_>,
) -> Result<(Source, Option<Index>), Failure> {
    let (from, http) = match &migration.source {
        SourceConnection::Folder { .. } => {
            let source = connect::source_of(migration)?;
            return Ok((source.until(reading.cancel), None));
        }
        SourceConnection::Sandbox(connection) => (Some(connection), None),
        SourceConnection::Http(connection) => (None, Some(connection)),
    };
    if let Some(beside) = migration.beside.as_deref().filter(|b| !b.is_dir()) {
        return Err(Failure::new(
            Exit::Usage,
            format!("cannot find the folder {}", beside.display()),
        )
        .hint("`source: {beside: ...}` is relative to the migration file"));
    }
    let platform = &migration.mapping.source;
    let cache = cache_of(migration);
    let objects = extract::objects(platform, &migration.mapping.source_objects());
    let account = account_of(migration)?;
    if reading.again == Again::Nothing {
        let hold = cache.hold();
        if let Some(index) = cache.whole(platform, &objects, &account) {
            let source = opened(migration, &cache, &index, hold);
            return Ok((source.until(reading.cancel), Some(index)));
        }
    }
    let mut options = RestOptions {
        cancel: reading.cancel.clone(),
        on_wait: Some(on_wait(reading.emit)),
        ..RestOptions::default()
    };
    let simulated = match (from, http) {
        (Some(connection), _) => Some(simulate(migration, connection, &mut options).await?),
        (None, Some(connection)) => {
            real(&mut options, connection)?;
            None
        }
        (None, None) => None,
    };
    let rest = Rest::new(Arc::clone(platform), options)
        .map_err(|e| Failure::new(Exit::Usage, e.to_string()))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let counted = reading
        .ledger
        .map(|ledger| pacing::Calls::of(ledger, &rest, &account));
    let read = extract::read(Extraction {
        rest,
        objects,
        account,
        cache: cache.clone(),
        again: reading.again,
        overlap: jiff::SignedDuration::from_secs(
            i64::try_from(migration.mapping.policy.delta_overlap_seconds).unwrap_or(i64::MAX),
        ),
        clock,
        emit: Arc::clone(reading.emit),
    })
    .await;
    if let Some(counted) = counted {
        counted.end().await;
    }
    if let Some(sandbox) = simulated {
        sandbox.stop().await;
    }
    let index = read.map_err(super::commands::run::failure)?;
    let hold = cache.hold();
    let source = opened(migration, &cache, &index, hold);
    Ok((source.until(reading.cancel), Some(index)))
}

/// The source, with what is lacking of it read now. For commands that run nothing else beside it.
///
/// # Errors
/// As for [`source`].
pub fn source_now(migration: &Migration, emit: &Emit) -> Result<Source, Failure> {
    if matches!(migration.source, SourceConnection::Folder { .. }) {
        return connect::source_of(migration);
    }
    let runtime = begin::runtime()?;
    let read = runtime.block_on(source(
        migration,
        Reading {
            again: Again::Nothing,
            cancel: &Cancel::new(),
            emit,
            ledger: None,
        },
    ));
    runtime.shutdown_background();
    read.map(|(source, _)| source)
}

fn cache_of(migration: &Migration) -> Cache {
    Cache::new(extract::folder(&state_folder(&migration.path)))
}

fn opened(migration: &Migration, cache: &Cache, index: &Index, hold: Option<Hold>) -> Source {
    Source::extract(
        Arc::clone(&migration.mapping.source),
        cache,
        index,
        hold,
        migration.beside.as_deref(),
    )
}

fn on_wait(emit: &Emit) -> OnWait {
    let emit = Arc::clone(emit);
    Arc::new(move |wait: Duration, why: &str| {
        emit(&Event::Waiting {
            millis: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            why: why.to_owned(),
        });
    })
}

/// Names the account: the address, or the parameters that make it. Of a simulated one, what it is filled with: a
/// changed export is another account.
fn account_of(migration: &Migration) -> Result<String, Failure> {
    let platform = &migration.mapping.source.name;
    Ok(match &migration.source {
        SourceConnection::Folder { folder, .. } => format!("{platform} in {}", folder.display()),
        SourceConnection::Http(connection) => match &connection.base {
            Some(base) => format!("{platform} at {base}"),
            None => connect::by_params(platform, connection),
        },
        SourceConnection::Sandbox(connection) => {
            let what = match (&connection.from, &connection.seed) {
                (Some(folder), _) => state_of(folder)?,
                (None, Some(seed)) => state_of(seed)?,
                (None, None) => 0,
            };
            format!("simulated {platform} filled with {what:016x}")
        }
    })
}

/// A number that changes with the names, sizes and times of the files.
fn state_of(path: &Path) -> Result<u64, Failure> {
    let trouble = |e: std::io::Error| {
        Failure::new(Exit::Usage, format!("cannot read {}: {e}", path.display()))
            .hint("`source: {sandbox: {from: ...}}` names the folder of an export")
    };
    let mut files = Vec::new();
    if path.is_dir() {
        for entry in std::fs::read_dir(path).map_err(trouble)? {
            files.push(entry.map_err(trouble)?.path());
        }
        files.sort();
    } else {
        files.push(path.to_owned());
    }
    let mut text = String::new();
    for file in files {
        let meta = std::fs::metadata(&file).map_err(trouble)?;
        let changed = meta
            .modified()
            .ok()
            .and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok())
            .map_or(0, |d| d.as_nanos());
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        text.push_str(&format!("{name} {} {changed}\n", meta.len()));
    }
    Ok(xxh3_64(text.as_bytes()))
}

fn real(options: &mut RestOptions, connection: &HttpConnection) -> Result<(), Failure> {
    connect::http(options, connection)?;
    let loopback = options.base.as_deref().is_some_and(connect::is_loopback);
    if options.calls_per_minute == Some(0) {
        if !loopback {
            return Err(Failure::new(
                Exit::Usage,
                "`calls_per_minute: 0` (no limits) is for a simulated server on this machine",
            )
            .hint("leave it out: the platform file has the limits of the source"));
        }
        options.calls_per_minute = None;
        options.no_limits = true;
    }
    Ok(())
}

/// Starts the simulated source of a migration, in memory, filled anew.
async fn simulate(
    migration: &Migration,
    connection: &SandboxConnection,
    options: &mut RestOptions,
) -> Result<Sandbox, Failure> {
    let platform = &migration.mapping.source;
    let filled = match (&connection.from, &migration.base) {
        (Some(folder), Some(base)) => fill::from_export(base, platform, folder)?,
        _ => sandbox::Seed::default(),
    };
    let sandbox = sandbox::start(
        Arc::clone(platform),
        SandboxOptions {
            seed: connect::seed(connection.seed.as_deref())?,
            fill: filled,
            quirks: connection.quirks.clone(),
            calls_per_minute: connection.calls_per_minute.filter(|n| *n > 0),
            unlimited: connection.calls_per_minute == Some(0),
            faults: connect::faults(&connection.faults)?,
            fault_seed: connection.random_seed,
            ..SandboxOptions::default()
        },
    )
    .await
    .map_err(|e| Failure::new(Exit::Usage, e.to_string()))?;
    options.base = Some(sandbox.base_url.clone());
    options.secret = Some(Secret::new(sandbox.key.clone()));
    options.no_limits = connection.calls_per_minute.is_some();
    options.calls_per_minute = connection.calls_per_minute.filter(|n| *n > 0);
    Ok(sandbox)
}
