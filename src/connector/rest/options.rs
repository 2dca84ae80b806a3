//! What a connection is told, and why one cannot be made.

use crate::{
    clock::{Clock, SystemClock},
    connector::{budget::OnWait, cancel::Cancel},
    secret::Secret,
};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// What a connection is told about one account.
#[derive(Clone)]
pub struct RestOptions {
    /// Base address, whole; instead of the platform's with `params` filled in.
    pub base: Option<String>,
    /// Values for the places in the platform's base address.
    pub params: Vec<(String, String)>,
    /// The account's key; `None` sends none.
    pub secret: Option<Secret>,
    /// The account's tier; `None` takes the smallest limits.
    pub tier: Option<String>,
    /// Fewer calls a minute than the platform allows.
    pub calls_per_minute: Option<u64>,
    /// Fewer calls an hour than the platform allows.
    pub calls_per_hour: Option<u64>,
    /// A PEM file with the certificates to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Asks everything to stop.
    pub cancel: Cancel,
    /// Told of waits longer than a second.
    pub on_wait: Option<OnWait>,
    /// True for a server without the platform's rate limits; `calls_per_minute` and the number of calls in flight
    /// still hold.
    pub no_limits: bool,
    /// Where time is read.
    pub clock: Arc<dyn Clock>,
    /// Longest wait for one answer.
    pub timeout: Duration,
    /// Pages in a row that hold nothing new, after which a list counts as endless.
    pub idle_pages: u64,
    /// How long the server may go on saying "too many calls" before the run stops, and the longest wait for a
    /// place in the budget.
    pub busy_after: Duration,
    /// How long a write that is under way may go on after a stop was asked for.
    pub grace: Duration,
}

impl Default for RestOptions {
    fn default() -> RestOptions {
        RestOptions {
            base: None,
            params: Vec::new(),
            secret: None,
            tier: None,
            calls_per_minute: None,
            calls_per_hour: None,
            ca_file: None,
            cancel: Cancel::new(),
            on_wait: None,
            no_limits: false,
            clock: Arc::new(SystemClock::new()),
            timeout: Duration::from_secs(60),
            idle_pages: 50,
            busy_after: Duration::from_secs(3600),
            grace: Duration::from_secs(5),
        }
    }
}

/// Why a connection cannot be made. Nothing has been sent.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The platform is read from files.
    #[error("{platform} has no API: its platform file declares files")]
    NoApi {
        /// The platform's name for people.
        platform: String,
    },
    /// A place in the base address has no value.
    #[error("the connection to {platform} needs `{name}`: give it under `params`")]
    MissingParam {
        /// The platform's name for people.
        platform: String,
        /// The parameter.
        name: String,
    },
    /// A value does not fit into an address.
    #[error(
        "`{name}` does not fit into an address: leave out the scheme, spaces and the marks ? # @ \\"
    )]
    BadParam {
        /// The parameter.
        name: String,
    },
    /// The base address is none.
    #[error("the base address {address} cannot be used: {why}")]
    BadBase {
        /// The address, without what may be secret in it.
        address: String,
        /// What is wrong with it.
        why: String,
    },
    /// The platform file declares something that cannot be sent.
    #[error("the platform file of {platform} declares a header that cannot be sent: {name}")]
    BadHeader {
        /// The platform's name for people.
        platform: String,
        /// The header.
        name: String,
    },
    /// The secret cannot stand in a header.
    #[error(
        "the secret for {platform} cannot be sent in a header: it holds marks beyond plain ASCII"
    )]
    BadSecret {
        /// The platform's name for people.
        platform: String,
    },
    /// The certificates to trust cannot be read.
    #[error("cannot read the certificates in {}: {why}", .path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// The cause.
        why: String,
    },
    /// The account's tier has no API.
    #[error("{platform} allows no API calls on the tier `{tier}`")]
    NoCalls {
        /// The platform's name for people.
        platform: String,
        /// The tier.
        tier: String,
    },
    /// The HTTP client cannot be set up.
    #[error("cannot set up the HTTP client: {why}")]
    Client {
        /// The cause.
        why: String,
    },
}
