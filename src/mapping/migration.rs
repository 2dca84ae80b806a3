//! One customer's migration: which mapping, which connections, which choices.

use super::Mapping;
use crate::{pace::Pace, platform::Platform};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// A migration, resolved. Holds references to secrets, never secrets.
#[derive(Clone, Debug)]
pub struct Migration {
    /// The migration file.
    pub path: PathBuf,
    /// Its folder; relative paths in it start here, and `.transload/` stands here.
    pub folder: PathBuf,
    /// The mapping with this migration's additions.
    pub mapping: Arc<Mapping>,
    /// The tier of the destination account; `None`: not said.
    pub tier: Option<String>,
    /// Where records are read.
    pub source: SourceConnection,
    /// The folder with the files of objects that an API source does not give.
    pub beside: Option<PathBuf>,
    /// The platform that the source platform is a variant of.
    pub base: Option<Arc<Platform>>,
    /// Where they are written.
    pub destination: DestinationConnection,
    /// Files that records name.
    pub attachments: Attachments,
    /// True when a run needs no approved sample (`approve: none`).
    pub approval_waived: bool,
    /// When the destination account may be called, and how often; `None`: its own limits are all.
    pub pace: Option<Arc<Pace>>,
}

/// Files that records name.
#[derive(Clone, Debug)]
pub struct Attachments {
    /// The hosts that files behind web addresses are read from.
    pub hosts: Vec<FileHost>,
    /// Most bytes of one file.
    pub max: u64,
    /// The longest time for one try to read one file.
    pub timeout: Duration,
    /// Whether the copy of a file is read back where the destination tells its address.
    pub read_back: bool,
}

impl Default for Attachments {
    fn default() -> Self {
        Attachments {
            hosts: Vec::new(),
            max: 25_000_000,
            timeout: Duration::from_secs(300),
            read_back: true,
        }
    }
}

/// A host that files are read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileHost {
    /// Its name in small letters, or its address; `*.` before it means every host below.
    pub name: String,
    /// Its port; `None`: the usual one of the scheme.
    pub port: Option<u16>,
    /// Where its key is; `None`: none is sent.
    pub secret: Option<SecretRef>,
    /// The header that carries the key.
    pub header: String,
    /// What stands in it; `{secret}` is the key's place.
    pub value: String,
    /// True when it may have an address of a private network or of this machine.
    pub internal: bool,
    /// True when it may be asked over plain HTTP.
    pub plain: bool,
}

/// Where records are read.
#[derive(Clone, Debug)]
pub enum SourceConnection {
    /// An export folder.
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Encoding instead of the platform's.
        encoding: Option<String>,
        /// Zone instead of the platform's.
        zone: Option<String>,
    },
    /// An API.
    Http(HttpConnection),
    /// A simulated API of the source platform, filled from a folder of exports.
    Sandbox(SandboxConnection),
}

/// Where records are written.
#[derive(Clone, Debug)]
pub enum DestinationConnection {
    /// A simulated server in the same process.
    Sandbox(SandboxConnection),
    /// The real API, or a simulated server elsewhere.
    Http(HttpConnection),
    /// Files in a folder: one per object, named by the platform file.
    Folder {
        /// The folder.
        folder: PathBuf,
    },
}

/// An HTTP connection.
#[derive(Clone, Debug)]
pub struct HttpConnection {
    /// Base address; instead of the platform's with `params` filled in.
    pub base: Option<String>,
    /// Values of the base address's parameters.
    pub params: Vec<(String, String)>,
    /// Where the secret is: `env:NAME` or `file:PATH`.
    pub secret: Option<SecretRef>,
    /// Calls per minute, below the platform's own limits.
    pub calls_per_minute: Option<u64>,
    /// Seconds that a call may be without an answer; `None`: the usual time.
    pub timeout_seconds: Option<u64>,
    /// Pages in a row without a new record after which a list counts as endless; `None`: the usual number.
    pub idle_pages: Option<u64>,
}

/// Where a secret is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretRef {
    /// An environment variable.
    Env(String),
    /// A file, first line.
    File(PathBuf),
}

/// A simulated server for this migration.
#[derive(Clone, Debug, Default)]
pub struct SandboxConnection {
    /// The folder of an export whose records a simulated source holds.
    pub from: Option<PathBuf>,
    /// What the account holds before: a YAML file, object name to records.
    pub seed: Option<PathBuf>,
    /// Create what only an admin can create (custom fields, by-hand objects) through the admin plane.
    pub provision: bool,
    /// Quirks other than the platform's defaults.
    pub quirks: Vec<(String, String)>,
    /// Calls per minute, instead of the platform's limits; 0 switches the limits off.
    pub calls_per_minute: Option<u64>,
    /// Faults to inject: `drop_after: 0.05` and its like, name to rate.
    pub faults: Vec<(String, f64)>,
    /// Seed of the fault generator.
    pub random_seed: u64,
}
