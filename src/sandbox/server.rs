//! Starting and stopping a simulated account.

use super::{
    count::Counts,
    fault::Faults,
    fill,
    limiter::Limiter,
    line::{Lines, Switch},
    options::SandboxOptions,
    quirk::Quirks,
    route::Routes,
    serve,
    shape::Rules,
    store::Store,
    world::{Inside, World},
};
use crate::platform::{Object, Platform};
use axum::Router;
use serde_json::{Map, Value};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// How long a stop waits for calls in flight.
const STOP_WAIT: Duration = Duration::from_secs(2);

/// The largest body that is read, in bytes.
const BODY_MAX: usize = 32 * 1024 * 1024;

/// Why a sandbox does not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Only an HTTP API can be simulated.
    #[error("platform {0} has no API to simulate: it is read from files")]
    NoApi(String),
    /// The tier is not one of the platform's.
    #[error("there is no tier `{tier}`: there are {}", .known.join(", "))]
    Tier {
        /// The tier asked for.
        tier: String,
        /// The tiers there are.
        known: Vec<String>,
    },
    /// A switch or its value is not known.
    #[error("{0}")]
    Quirk(String),
    /// The port cannot be had.
    #[error("port {port} cannot be opened: {source}")]
    Port {
        /// The port.
        port: u16,
        /// The cause.
        source: std::io::Error,
    },
    /// The file that keeps the account cannot be used.
    #[error("the account in {} cannot be used: {source}", place(.path))]
    Data {
        /// The file; `None` is memory.
        path: Option<PathBuf>,
        /// The cause.
        source: rusqlite::Error,
    },
    /// The file keeps the account of another platform.
    #[error("{path} keeps an account of {found}, not of {wanted}: take another file", path = .path.display())]
    OtherPlatform {
        /// The file.
        path: PathBuf,
        /// Whose account it is.
        found: String,
        /// Whose account was asked for.
        wanted: String,
    },
    /// A record of the seed or of the platform's own new account is refused.
    #[error("record {number} of {object} cannot be made: {}", .reasons.join("; "))]
    Seed {
        /// The object.
        object: String,
        /// Its number in the list, from 1.
        number: usize,
        /// Why.
        reasons: Vec<String>,
    },
}

fn place(path: &Option<PathBuf>) -> String {
    path.as_ref()
        .map_or_else(|| "memory".to_owned(), |p| p.display().to_string())
}

/// A running simulated account. It ends when it is dropped; [`Sandbox::stop`] also waits until its data is closed.
pub struct Sandbox {
    /// Address of the API, as a connection's base address (`http://127.0.0.1:4000/api`).
    pub base_url: String,
    /// Address of the admin plane (`http://127.0.0.1:4000/_admin`).
    pub admin_url: String,
    /// The key that is accepted.
    pub key: String,
    /// Where it listens.
    pub addr: SocketAddr,
    world: Arc<World>,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox")
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

/// Starts a simulated account of a platform on loopback. Must be called within a Tokio runtime.
///
/// # Errors
/// When the platform has no API, an option is not one of the platform's, the port or file cannot be used, or the
/// seed is refused.
pub async fn start(
    platform: Arc<Platform>,
    options: SandboxOptions,
) -> Result<Sandbox, SandboxError> {
    let tier = match options.tier.clone() {
        Some(tier) if !platform.tiers.contains(&tier) => {
            return Err(SandboxError::Tier {
                tier,
                known: platform.tiers.clone(),
            });
        }
        Some(tier) => Some(tier),
        None => platform.tiers.first().cloned(),
    };
    let rules = Rules::of(Arc::clone(&platform), tier.clone())
        .ok_or_else(|| SandboxError::NoApi(platform.name.clone()))?;
    let mut quirks = Quirks::of(&platform);
    for (name, value) in &options.quirks {
        quirks.set(name, value).map_err(SandboxError::Quirk)?;
    }
    let data = |source| SandboxError::Data {
        path: options.data.clone(),
        source,
    };
    let store = Store::open(options.data.as_deref(), &platform).map_err(data)?;
    if let (Some(found), Some(path)) = (store.fact("platform").map_err(data)?, &options.data)
        && found != platform.name
    {
        return Err(SandboxError::OtherPlatform {
            path: path.clone(),
            found,
            wanted: platform.name.clone(),
        });
    }
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, options.port)))
        .await
        .map_err(|source| SandboxError::Port {
            port: options.port,
            source,
        })?;
    let addr = listener.local_addr().map_err(|source| SandboxError::Port {
        port: options.port,
        source,
    })?;
    let origin = format!("http://{addr}");
    let world = Arc::new(World {
        routes: Routes::of(&platform),
        auth: match rules.http.auth_form {
            Some(_) => options.key.clone(),
            None => rules.http.auth_value.replace("{secret}", &options.key),
        },
        origin: origin.clone(),
        job_delay: options.job_delay,
        started: (
            options.clock.now().as_millisecond(),
            options.clock.monotonic(),
        ),
        clock: Arc::clone(&options.clock),
        inside: Mutex::new(Some(Inside {
            store,
            quirks,
            limiter: Limiter::of(
                &platform.limits,
                tier.as_deref(),
                options.calls_per_minute,
                options.unlimited,
                rules.http.zone.as_deref(),
            ),
            faults: Faults::new(options.faults.clone(), options.fault_seed),
            counts: Counts::default(),
        })),
        rules,
    });
    if let Some(inside) = world.lock().as_mut() {
        furnish(&world, inside, &options)?;
    }
    let base_url = format!("{origin}{}", world.rules.http.mount.trim_end_matches('/'));
    let app = Router::new()
        .fallback(serve::answer)
        .layer(axum::extract::DefaultBodyLimit::max(BODY_MAX))
        .with_state(Arc::clone(&world));
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        let service = app.into_make_service_with_connect_info::<Switch>();
        let server = axum::serve(Lines(listener), service).with_graceful_shutdown(async {
            // An error is a dropped sandbox, which means stop as well.
            drop(stopped.await);
        });
        if let Err(why) = server.await {
            tracing::error!(%why, "the sandbox stopped serving");
        }
    });
    Ok(Sandbox {
        base_url,
        admin_url: format!("{origin}/_admin"),
        key: options.key,
        addr,
        world,
        stop: Some(stop),
        task: Some(task),
    })
}

impl Sandbox {
    /// Stops it: no new calls, a short wait for those in flight, then its data is closed. A file can be opened by
    /// another sandbox afterwards.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            // It fails only when the server has ended already.
            let _ = stop.send(());
        }
        if let Some(mut task) = self.task.take()
            && tokio::time::timeout(STOP_WAIT, &mut task).await.is_err()
        {
            task.abort();
        }
        self.close();
    }

    fn close(&self) {
        drop(self.world.lock().take());
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
        self.close();
    }
}

/// What a new account holds, and the jobs that an earlier server left open.
fn furnish(
    world: &World,
    inside: &mut Inside,
    options: &SandboxOptions,
) -> Result<(), SandboxError> {
    let data = |source| SandboxError::Data {
        path: options.data.clone(),
        source,
    };
    if inside.store.fact("platform").map_err(data)?.is_none() {
        let platform = Arc::clone(&world.rules.platform);
        for object in &platform.objects {
            let rows: Vec<_> = object.initial.iter().map(|r| initial(object, r)).collect();
            make(world, inside, &object.name, &rows, options)?;
        }
        for (name, rows) in &options.seed.records {
            make(world, inside, name, rows, options)?;
        }
        fill::all(&world.rules, inside, world.now(), &options.fill).map_err(|why| match why {
            fill::Unfit::Record {
                object,
                number,
                why,
            } => SandboxError::Seed {
                object,
                number,
                reasons: vec![why],
            },
            fill::Unfit::Store(source) => data(source),
        })?;
        inside
            .store
            .set_fact("platform", &platform.name)
            .map_err(data)?;
    }
    for id in inside.store.open_jobs().map_err(data)? {
        world.work(inside, id, world.now()).map_err(data)?;
    }
    Ok(())
}

fn initial(object: &Object, row: &[(crate::ident::FieldId, String)]) -> Map<String, Value> {
    row.iter()
        .map(|(id, text)| (object.fields[id.ix()].name.clone(), text.clone().into()))
        .collect()
}

fn make(
    world: &World,
    inside: &mut Inside,
    name: &str,
    rows: &[Map<String, Value>],
    options: &SandboxOptions,
) -> Result<(), SandboxError> {
    use super::accept::Refused;
    let refused = |number, reasons| SandboxError::Seed {
        object: name.to_owned(),
        number,
        reasons,
    };
    let Some((object, def)) = world.rules.platform.object(name) else {
        return Err(refused(1, vec!["there is no such object".to_owned()]));
    };
    for (at, row) in rows.iter().enumerate() {
        let odd = row.keys().find(|k| def.field(k).is_none());
        if let Some(key) = odd {
            return Err(refused(at + 1, vec![format!("there is no field `{key}`")]));
        }
        if let Some(why) = inside.over_tier(&world.rules, object) {
            return Err(refused(at + 1, vec![why]));
        }
        match inside.create(&world.rules, object, row, world.now(), true) {
            Ok(_) => {}
            Err(Refused::Says(reasons)) => return Err(refused(at + 1, reasons)),
            Err(Refused::Store(source)) => {
                return Err(SandboxError::Data {
                    path: options.data.clone(),
                    source,
                });
            }
        }
    }
    Ok(())
}
