//! Sets a connection up: the HTTP client with its headers and certificates, the budget, the counters.

use super::{
    address::Base,
    breaker::Breaker,
    counts::{CallCounts, Counters},
    options::{ConnectError, RestOptions},
    payload::Pairs,
};
use crate::{
    clock::Clock,
    connector::{
        budget::{Budget, OurLimits},
        cancel::Cancel,
        retry::{Backoff, Jitter},
    },
    ident::ObjectId,
    platform::{Connect, Http, Limits, Platform},
    secret::Secret,
};
use reqwest::{
    Certificate, Client, ClientBuilder,
    header::{ACCEPT, HeaderMap, HeaderName, HeaderValue},
    redirect, retry,
};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, atomic::AtomicU64},
    time::Duration,
};

/// Idle connections are closed before a server closes them: a call on a dying connection would be in doubt.
const IDLE: Duration = Duration::from_secs(15);
/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Added to the longest window: waiting for a place must not look like a server that says no.
const PATIENCE_MARGIN: Duration = Duration::from_secs(60);

/// A connection to one account of a platform. Clones share its budget, counters and connections.
#[derive(Clone)]
pub struct Rest {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) platform: Arc<Platform>,
    pub(super) http: Http,
    pub(super) base: Base,
    /// What every posted form carries: the declared parameters, and the key where that is its place.
    pub(super) form: Pairs,
    /// What must not be shown where a server repeats it.
    pub(super) secret: Option<Secret>,
    pub(super) client: Client,
    pub(super) budget: Budget,
    pub(super) backoff: Backoff,
    pub(super) jitter: Jitter,
    pub(super) breaker: Breaker,
    pub(super) counters: Counters,
    pub(super) cancel: Cancel,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) timeout: Duration,
    pub(super) idle_pages: u64,
    pub(super) grace: Duration,
    pub(super) busy_after: Duration,
    /// Since when every answer is "too many calls".
    pub(super) limited: Mutex<Option<Limited>>,
    /// Ids of views, by object.
    pub(super) views: Mutex<BTreeMap<ObjectId, String>>,
    /// When it was last told that an answer does not come, in milliseconds of the clock; 0: never.
    pub(super) told_waiting_ms: AtomicU64,
    /// How long the last job ran, in milliseconds; 0: none has ended yet.
    pub(super) last_job_ms: AtomicU64,
}

/// A row of "too many calls" without a good answer in between.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limited {
    pub(super) since: Duration,
    /// The last round of them; calls that were under way together count once.
    pub(super) at: Duration,
    pub(super) times: u32,
}

impl Rest {
    /// Sets a connection up. Sends nothing.
    ///
    /// # Errors
    /// When the platform has no API, a parameter is missing, the address is not https (or plain http on this
    /// machine), or certificates cannot be read.
    pub fn new(platform: Arc<Platform>, options: RestOptions) -> Result<Rest, ConnectError> {
        let Connect::Http(http) = &platform.connect else {
            return Err(ConnectError::NoApi {
                platform: platform.title.clone(),
            });
        };
        let base = Base::new(&platform.title, http, &options)?;
        let client = client(&platform, http, &base, &options)?;
        let limits = limits(&platform, &options)?;
        let hour = options.calls_per_hour.map(|_| Duration::from_secs(3600));
        let longest = limits.calls.iter().map(|c| c.per).chain(hour).max();
        let budget = Budget::new(
            &limits,
            options.tier.as_deref(),
            OurLimits {
                per_minute: options.calls_per_minute.filter(|n| *n > 0),
                per_hour: options.calls_per_hour,
            },
            Arc::clone(&options.clock),
            options
                .busy_after
                .max(longest.unwrap_or_default().min(Duration::from_secs(3600)))
                + PATIENCE_MARGIN,
            options.on_wait.clone(),
        );
        let seed = options.clock.now().as_nanosecond() as u64;
        let inner = Inner {
            form: form(http, &options),
            secret: options.secret.clone(),
            http: http.as_ref().clone(),
            base,
            client,
            budget,
            backoff: Backoff::of(&platform.limits),
            jitter: Jitter::new(seed),
            breaker: Breaker::default(),
            counters: Counters::default(),
            cancel: options.cancel,
            clock: options.clock,
            timeout: options.timeout,
            idle_pages: options.idle_pages,
            grace: options.grace,
            busy_after: options.busy_after,
            limited: Mutex::new(None),
            views: Mutex::new(BTreeMap::new()),
            told_waiting_ms: AtomicU64::new(0),
            last_job_ms: AtomicU64::new(0),
            platform,
        };
        Ok(Rest {
            inner: Arc::new(inner),
        })
    }

    /// The platform it speaks to.
    pub fn platform(&self) -> &Arc<Platform> {
        &self.inner.platform
    }

    /// The account's budget, to be kept for the next process and given back to it.
    pub fn budget(&self) -> &Budget {
        &self.inner.budget
    }

    /// The signal that stops it.
    pub fn cancel(&self) -> &Cancel {
        &self.inner.cancel
    }

    /// Calls made so far.
    pub fn calls(&self) -> CallCounts {
        self.inner.counters.read_out(self.inner.budget.waited_ms())
    }
}

fn limits(platform: &Platform, options: &RestOptions) -> Result<Limits, ConnectError> {
    let mut limits = platform.limits.clone();
    if options.no_limits {
        limits.calls.clear();
    }
    let tier = options.tier.as_deref();
    if limits.calls.iter().any(|c| c.max.at(tier) == 0) {
        return Err(ConnectError::NoCalls {
            platform: platform.title.clone(),
            tier: tier.unwrap_or("not said").to_owned(),
        });
    }
    Ok(limits)
}

fn client(
    platform: &Platform,
    http: &Http,
    base: &Base,
    options: &RestOptions,
) -> Result<Client, ConnectError> {
    // Somebody else in the process may have chosen a provider before: any will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .user_agent(concat!("transload/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers(platform, http, options)?)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .connect_timeout(CONNECT.min(options.timeout))
        .pool_idle_timeout(IDLE)
        .tcp_nodelay(true);
    let builder = match &options.ca_file {
        Some(path) => builder.tls_certs_only(certificates(path)?),
        // Nothing to trust on a connection without TLS; reading the system's certificates takes time.
        None if base.is_plain() => builder.tls_certs_only(Vec::new()),
        None => builder,
    };
    built(builder)
}

fn built(builder: ClientBuilder) -> Result<Client, ConnectError> {
    builder
        .tls_version_min(reqwest::tls::Version::TLS_1_2)
        .build()
        .map_err(|e| ConnectError::Client { why: e.to_string() })
}

fn headers(
    platform: &Platform,
    http: &Http,
    options: &RestOptions,
) -> Result<HeaderMap, ConnectError> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let bad = |name: &str| ConnectError::BadHeader {
        platform: platform.title.clone(),
        name: name.to_owned(),
    };
    for (name, value) in &http.headers {
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad(name))?;
        let value = HeaderValue::from_str(value).map_err(|_| bad(name))?;
        headers.insert(key, value);
    }
    if let Some(secret) = options.secret.as_ref().filter(|_| http.auth_form.is_none()) {
        let name = HeaderName::from_bytes(http.auth_header.as_bytes())
            .map_err(|_| bad(&http.auth_header))?;
        let text = http.auth_value.replace("{secret}", secret.expose());
        let mut value = HeaderValue::from_str(&text).map_err(|_| ConnectError::BadSecret {
            platform: platform.title.clone(),
        })?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

fn form(http: &Http, options: &RestOptions) -> Pairs {
    let mut pairs = Vec::with_capacity(http.form.len() + 1);
    if let (Some(name), Some(secret)) = (&http.auth_form, &options.secret) {
        pairs.push((name.clone(), secret.expose().to_owned()));
    }
    for (name, template) in &http.form {
        let mut value = template.clone();
        for (param, _) in &http.params {
            let given = options.params.iter().find(|(n, _)| n == param);
            let given = given.map_or("", |(_, v)| v.as_str());
            value = value.replace(&format!("{{{param}}}"), given);
        }
        pairs.push((name.clone(), value));
    }
    Pairs(pairs)
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, ConnectError> {
    let fault = |why: String| ConnectError::CaFile {
        path: path.to_owned(),
        why,
    };
    let pem = std::fs::read(path).map_err(|e| fault(e.to_string()))?;
    let found = Certificate::from_pem_bundle(&pem).map_err(|e| fault(e.to_string()))?;
    if found.is_empty() {
        return Err(fault("there is none in it (PEM is expected)".to_owned()));
    }
    Ok(found)
}
