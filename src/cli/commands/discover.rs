//! `transload discover`: what the source and the destination hold, kept as the schema lock. Writes to neither.

use super::{ledger_path, run, state_folder};
use crate::cli::ledger_faults::open_failure;
use crate::{
    cli::{
        begin,
        connect::{self, Access},
        exit::{Exit, Failure},
        extract,
        load::{self, Loaded},
        lock, out, pacing, prints,
    },
    clock::{Clock, SystemClock},
    ledger::{Ledger, Options},
    mapping::DestinationConnection,
    platform::lock::{AccountInventory, ReadState, SchemaLock, VERSION, drift},
    report::{self, document},
    run::{context::Emit, discover},
};
use clap::{Args, ValueEnum};
use std::{path::PathBuf, sync::Arc};

/// Arguments of `discover`.
#[derive(Debug, Args)]
pub struct DiscoverArgs {
    /// The migration file.
    #[arg(default_value = "migration.yaml")]
    pub migration: PathBuf,
    /// How to print what was found.
    #[arg(long, value_enum, default_value_t = DocumentFormat::Text)]
    pub format: DocumentFormat,
    /// Look at the source only: no call, no secret.
    #[arg(long)]
    pub source_only: bool,
    /// Compare with the lock and leave it as it is; what changed is a finding (exit 1).
    #[arg(long)]
    pub check: bool,
}

/// How a document is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DocumentFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
    /// For a page or a ticket.
    Markdown,
}

/// Looks, compares with the last lock, keeps a new one.
///
/// # Errors
/// When the migration has errors, the source cannot be opened, or the destination cannot be reached.
pub fn run(args: &DiscoverArgs) -> Result<Exit, Failure> {
    let loaded = load::migration(&args.migration)?;
    let state = state_folder(&loaded.migration.path);
    let old = lock::read(&state)?;
    if args.check && old.is_none() {
        return Err(Failure::new(
            Exit::Nothing,
            format!(
                "there is no schema lock at {}",
                lock::path(&state).display()
            ),
        )
        .hint("`transload discover` without `--check` makes one"));
    }
    let progress = begin::progress(None)?;
    let emit = begin::listener(&progress);
    let new = look(&loaded, args.source_only, &emit);
    progress.clear();
    let new = new?;
    let changes = old.as_ref().map(|old| drift(old, &new));
    out::result(&match args.format {
        DocumentFormat::Text => document::text(&report::discover::blocks(&new, changes.as_deref())),
        DocumentFormat::Markdown => {
            document::markdown(&report::discover::blocks(&new, changes.as_deref()))
        }
        DocumentFormat::Json => report::discover::render_json(&new, changes.as_deref()).to_string(),
    });
    if args.check {
        let changed = changes.is_some_and(|c| !c.is_empty());
        return Ok(if changed { Exit::Findings } else { Exit::Done });
    }
    let path = lock::write(&state, &new)?;
    out::note(&format!("kept as {}", path.display()));
    let unread = new
        .source
        .objects
        .iter()
        .any(|o| matches!(o.state, ReadState::Missing | ReadState::Unreadable));
    Ok(if unread { Exit::Findings } else { Exit::Done })
}

/// The inventory of both sides, or of the source alone.
///
/// # Errors
/// When the source cannot be opened, or the destination cannot be reached.
pub fn look(loaded: &Loaded, source_only: bool, emit: &Emit) -> Result<SchemaLock, Failure> {
    let migration = &loaded.migration;
    let source = if source_only {
        connect::source_of(migration)?
    } else {
        extract::source_now(migration, emit)?
    };
    let zone = connect::zone_of(migration);
    let (inventory, values) = discover::source(&migration.mapping, &source, zone.as_deref(), emit)
        .map_err(run::failure)?;
    prints::note(&state_folder(&migration.path), &source, &inventory);
    let folder = matches!(migration.destination, DestinationConnection::Folder { .. });
    let destination = if source_only || folder {
        None
    } else {
        Some(account(loaded, emit)?)
    };
    Ok(SchemaLock {
        version: VERSION.to_owned(),
        mapping: migration.mapping.name.clone(),
        plan: loaded.plan.hash(),
        source: inventory,
        values,
        destination,
    })
}

/// What the account holds now. Where a ledger exists its lease is taken, so that a run is not disturbed, and its rate
/// budget is kept.
///
/// # Errors
/// When a run is active, or the destination cannot be reached.
pub fn account(loaded: &Loaded, emit: &Emit) -> Result<AccountInventory, Failure> {
    let migration = &loaded.migration;
    let state = state_folder(&migration.path);
    let clock = Arc::new(SystemClock::new());
    let path = ledger_path(&migration.path);
    let ledger = if path.is_file() {
        let options = Options::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let ledger = Ledger::open(&path, options).map_err(|e| open_failure(&e))?;
        Some(Arc::new(ledger))
    } else {
        pacing::ledger_to_look(migration)?
    };
    let runtime = begin::runtime()?;
    let found = runtime.block_on(async {
        let destination =
            connect::destination(loaded, Access::default(), &state, Arc::clone(emit)).await?;
        let counted = (ledger.as_ref())
            .map(|ledger| pacing::Calls::count(ledger, &destination, migration, pacing::Use::Look))
            .transpose()?;
        let found = match destination.rest.probe().await {
            Ok(()) => {
                let tier = migration.tier.as_deref();
                discover::account(&destination.rest, &migration.mapping, tier).await
            }
            Err(stop) => Err(stop),
        };
        if let Some(counted) = counted {
            counted.end().await;
        }
        destination.close().await;
        found.map_err(|stop| run::failure(stop.into()))
    });
    runtime.shutdown_background();
    found
}
