//! From connections as resolved to open ones: export folders, servers, secrets, a sandbox in this process.

use super::{
    args::RunArgs,
    commands::state_folder,
    exit::{Exit, Failure, cannot_write},
    extract,
    load::Loaded,
};
use crate::{
    clock::{Clock, SystemClock},
    connector::{
        Cancel,
        budget::OnWait,
        files,
        rest::{Rest, RestOptions},
    },
    event::Event,
    mapping::{
        DestinationConnection, HttpConnection, Migration, SandboxConnection, SecretRef,
        SourceConnection,
    },
    platform::{Connect, Platform},
    run::{context::Emit, overflow::Memory, source::Source},
    sandbox::{self, FaultRule, Sandbox, SandboxOptions, Seed},
    secret::Secret,
};
use std::{path::Path, sync::Arc, time::Duration};

/// How a command uses a destination.
#[derive(Clone, Copy, Debug, Default)]
pub struct Access {
    /// Do an admin's part through the admin plane of a sandbox.
    pub provision: bool,
    /// Limit of calls per minute, below the destination's own.
    pub calls_per_minute: Option<u64>,
}

impl From<&RunArgs> for Access {
    fn from(args: &RunArgs) -> Access {
        Access {
            provision: args.provision,
            calls_per_minute: args.calls_per_minute,
        }
    }
}

/// An open destination.
pub struct Destination {
    /// The connector.
    pub rest: Rest,
    /// Stops it.
    pub cancel: Cancel,
    /// Do an admin's part through the admin plane.
    pub provision: bool,
    /// Names the account in the ledger's rate budget.
    pub account: String,
    sandbox: Option<Sandbox>,
}

impl Destination {
    /// Closes a sandbox of this process.
    pub async fn close(self) {
        if let Some(sandbox) = self.sandbox {
            sandbox.stop().await;
        }
    }
}

/// The source of a migration, without a call: an export folder, or what was read of an API before. To read an API
/// now, see [`extract::source`].
///
/// # Errors
/// When there is no such folder, or the API was not read yet.
pub fn source_of(migration: &Migration) -> Result<Source, Failure> {
    match &migration.source {
        SourceConnection::Folder {
            folder, encoding, ..
        } => {
            if !folder.is_dir() {
                return Err(Failure::new(
                    Exit::Usage,
                    format!("cannot find the export folder {}", folder.display()),
                )
                .hint("`source: {folder: ...}` is relative to the migration file"));
            }
            Ok(Source::folder(
                Arc::clone(&migration.mapping.source),
                folder.clone(),
                files::Overrides {
                    encoding: encoding.clone(),
                    ..files::Overrides::default()
                },
            )
            .within(Memory::usual(state_folder(&migration.path))))
        }
        SourceConnection::Http(_) | SourceConnection::Sandbox(_) => extract::cached(migration),
    }
}

/// The zone of source times without one.
pub fn zone_of(migration: &Migration) -> Option<String> {
    if let SourceConnection::Folder {
        zone: Some(zone), ..
    } = &migration.source
    {
        return Some(zone.clone());
    }
    match &migration.mapping.source.connect {
        Connect::Files(files) => files.zone.clone(),
        Connect::Http(http) => http.zone.clone(),
    }
}

/// Opens the destination of a migration.
///
/// # Errors
/// Usage failures: a missing secret, a bad address, `--provision` for a real account.
pub async fn destination(
    loaded: &Loaded,
    access: Access,
    state: &Path,
    emit: Emit,
) -> Result<Destination, Failure> {
    destination_until(loaded, access, state, emit, Cancel::new()).await
}

/// The same, stopped by a signal that others share.
///
/// # Errors
/// As for [`destination`].
pub async fn destination_until(
    loaded: &Loaded,
    access: Access,
    state: &Path,
    emit: Emit,
    cancel: Cancel,
) -> Result<Destination, Failure> {
    let migration = &loaded.migration;
    let platform = &migration.mapping.destination;
    let on_wait: OnWait = Arc::new(move |wait: Duration, why: &str| {
        emit(&Event::Waiting {
            millis: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            why: why.to_owned(),
        });
    });
    let mut options = RestOptions {
        tier: migration.tier.clone(),
        cancel: cancel.clone(),
        on_wait: Some(on_wait),
        calls_per_hour: migration.pace.as_ref().and_then(|p| p.per_hour),
        ..RestOptions::default()
    };
    match &migration.destination {
        DestinationConnection::Sandbox(connection) => {
            let sandbox = start_sandbox(
                &loaded.bare_destination,
                migration.tier.clone(),
                connection,
                state,
            )
            .await?;
            options.base = Some(sandbox.base_url.clone());
            options.secret = Some(Secret::new(sandbox.key.clone()));
            options.calls_per_minute = match connection.calls_per_minute {
                Some(0) => {
                    options.no_limits = true;
                    None
                }
                limit => {
                    // The limit of a simulated account takes the place of the platform's own.
                    options.no_limits = limit.is_some();
                    limit
                }
            };
            limit(&mut options, access);
            let account = simulated(&platform.name);
            open(
                platform,
                options,
                cancel,
                connection.provision || access.provision,
                account,
                Some(sandbox),
            )
        }
        DestinationConnection::Http(connection) => {
            http(&mut options, connection)?;
            let base = options.base.clone();
            let loopback = base.as_deref().is_some_and(is_loopback);
            if options.calls_per_minute == Some(0) {
                if !loopback {
                    return Err(Failure::new(
                        Exit::Usage,
                        "`calls_per_minute: 0` (no limits) is for a simulated server on this machine",
                    )
                    .hint("leave it out: the platform file has the account's limits"));
                }
                options.calls_per_minute = None;
                options.no_limits = true;
            }
            limit(&mut options, access);
            if access.provision && !loopback {
                return Err(Failure::new(
                    Exit::Usage,
                    "--provision is for a sandbox; this destination is a real account",
                )
                .hint("an admin creates what the plan's checklist names"));
            }
            let account = base.unwrap_or_else(|| by_params(&platform.name, connection));
            open(platform, options, cancel, access.provision, account, None)
        }
        DestinationConnection::Folder { .. } => Err(Failure::new(
            Exit::Usage,
            "a destination of files is written by another path",
        )),
    }
}

fn limit(options: &mut RestOptions, access: Access) {
    if let Some(n) = access.calls_per_minute {
        options.calls_per_minute = Some(options.calls_per_minute.map_or(n, |m| m.min(n)));
    }
}

fn open(
    platform: &Arc<Platform>,
    options: RestOptions,
    cancel: Cancel,
    provision: bool,
    account: String,
    sandbox: Option<Sandbox>,
) -> Result<Destination, Failure> {
    let rest = Rest::new(Arc::clone(platform), options)
        .map_err(|e| Failure::new(Exit::Usage, e.to_string()))?;
    Ok(Destination {
        rest,
        cancel,
        provision,
        account,
        sandbox,
    })
}

pub(super) fn http(options: &mut RestOptions, connection: &HttpConnection) -> Result<(), Failure> {
    options.base.clone_from(&connection.base);
    options.params.clone_from(&connection.params);
    options.calls_per_minute = connection.calls_per_minute;
    if let Some(seconds) = connection.timeout_seconds {
        options.timeout = Duration::from_secs(seconds);
    }
    if let Some(pages) = connection.idle_pages {
        options.idle_pages = pages;
    }
    options.secret = match &connection.secret {
        None => None,
        Some(SecretRef::Env(name)) => {
            Some(Secret::from_env(name).map_err(|e| Failure::new(Exit::Usage, e.to_string()))?)
        }
        Some(SecretRef::File(path)) => {
            Some(Secret::from_file(path).map_err(|e| Failure::new(Exit::Usage, e.to_string()))?)
        }
    };
    Ok(())
}

/// Names an account of a platform whose address is made from parameters.
pub(super) fn by_params(platform: &str, connection: &HttpConnection) -> String {
    let params: Vec<&str> = connection.params.iter().map(|(_, v)| v.as_str()).collect();
    format!("{platform} {}", params.join(" "))
}

/// Names the simulated account of a platform.
pub(super) fn simulated(platform: &str) -> String {
    format!("sandbox {platform}")
}

pub(super) fn is_loopback(base: &str) -> bool {
    url::Url::parse(base)
        .is_ok_and(|u| matches!(u.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")))
}

/// Starts the simulated server of a migration; its data stays beside the ledger.
async fn start_sandbox(
    platform: &Arc<Platform>,
    tier: Option<String>,
    connection: &SandboxConnection,
    state: &Path,
) -> Result<Sandbox, Failure> {
    std::fs::create_dir_all(state).map_err(|e| cannot_write(state, &e))?;
    let options = SandboxOptions {
        data: Some(state.join("sandbox.sqlite")),
        seed: seed(connection.seed.as_deref())?,
        tier,
        quirks: connection.quirks.clone(),
        calls_per_minute: connection.calls_per_minute.filter(|n| *n > 0),
        unlimited: connection.calls_per_minute == Some(0),
        faults: faults(&connection.faults)?,
        fault_seed: connection.random_seed,
        clock: Arc::new(SystemClock::new()) as Arc<dyn Clock>,
        ..SandboxOptions::default()
    };
    sandbox::start(Arc::clone(platform), options)
        .await
        .map_err(|e| Failure::new(Exit::Usage, e.to_string()))
}

/// Reads a seed file.
///
/// # Errors
/// When it cannot be read or is no seed.
pub fn seed(path: Option<&Path>) -> Result<Seed, Failure> {
    let Some(path) = path else {
        return Ok(Seed::default());
    };
    let text = std::fs::read_to_string(path)
        .map_err(|e| Failure::new(Exit::Usage, format!("cannot read {}: {e}", path.display())))?;
    Seed::from_yaml(&text)
        .map_err(|e| Failure::new(Exit::Usage, format!("{}: {e}", path.display())))
}

/// Turns fault names and rates into rules.
///
/// # Errors
/// When a name is unknown.
pub fn faults(list: &[(String, f64)]) -> Result<Vec<FaultRule>, Failure> {
    list.iter()
        .map(|(name, rate)| {
            serde_json::from_value(serde_json::Value::String(name.clone()))
                .map(|kind| FaultRule::rate(kind, *rate))
                .map_err(|error: serde_json::Error| {
                    // The words of the reader name every fault there is.
                    let said = error.to_string();
                    let all = said.split_once("expected ").map_or("", |(_, all)| all);
                    Failure::new(Exit::Usage, format!("there is no fault `{name}`")).hint(all)
                })
        })
        .collect()
}
