//! What a simulated account starts with.

use super::fault::FaultRule;
use crate::clock::{Clock, SystemClock};
use serde_json::{Map, Value};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// The key that a sandbox accepts unless told otherwise.
pub const DEFAULT_KEY: &str = "sandbox-key";

/// How a sandbox is set up.
#[derive(Clone)]
pub struct SandboxOptions {
    /// Port on loopback; 0 takes a free one.
    pub port: u16,
    /// File that keeps the account; `None` keeps it in memory.
    pub data: Option<PathBuf>,
    /// Records it holds when it is new.
    pub seed: Seed,
    /// Records of a simulated source: as they stand there, whatever a new record would have to be. Ids and
    /// references are whole numbers.
    pub fill: Seed,
    /// Tier; `None` takes the smallest.
    pub tier: Option<String>,
    /// Switches that differ from the platform file: name and value.
    pub quirks: Vec<(String, String)>,
    /// Calls a minute instead of the tier's limits.
    pub calls_per_minute: Option<u64>,
    /// No limits at all.
    pub unlimited: bool,
    /// Faults.
    pub faults: Vec<FaultRule>,
    /// What decides by chance which calls the faults strike.
    pub fault_seed: u64,
    /// The key that is accepted.
    pub key: String,
    /// How long a bulk job takes.
    pub job_delay: Duration,
    /// The time of the account.
    pub clock: Arc<dyn Clock>,
}

impl Default for SandboxOptions {
    fn default() -> SandboxOptions {
        SandboxOptions {
            port: 0,
            data: None,
            seed: Seed::default(),
            fill: Seed::default(),
            tier: None,
            quirks: Vec::new(),
            calls_per_minute: None,
            unlimited: false,
            faults: Vec::new(),
            fault_seed: 0,
            key: DEFAULT_KEY.to_owned(),
            job_delay: Duration::from_millis(50),
            clock: Arc::new(SystemClock::new()),
        }
    }
}

/// Records of a new account: by object name, each record by field name. A reference names the other record by
/// one of its keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seed {
    /// In the order they are made.
    pub records: Vec<(String, Vec<Map<String, Value>>)>,
}

/// Why a seed cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// It is no YAML, or no map of lists of records.
    #[error("the seed cannot be read: {0}")]
    Yaml(#[from] serde_yaml::Error),
    /// An object's records are no list of maps.
    #[error(
        "the seed's `{object}` is no list of records: write `- {{field: value}}` lines below it"
    )]
    NoList {
        /// The object.
        object: String,
    },
}

impl Seed {
    /// Reads a seed file.
    ///
    /// # Errors
    /// When the text is no YAML or not of that form.
    pub fn from_yaml(text: &str) -> Result<Seed, SeedError> {
        let all: Option<Map<String, Value>> = serde_yaml::from_str(text)?;
        let mut records = Vec::new();
        for (object, list) in all.unwrap_or_default() {
            let rows = match list {
                Value::Null => Some(Vec::new()),
                Value::Array(items) => items
                    .into_iter()
                    .map(|i| match i {
                        Value::Object(map) => Some(map),
                        _ => None,
                    })
                    .collect(),
                _ => None,
            };
            match rows {
                Some(rows) => records.push((object, rows)),
                None => return Err(SeedError::NoList { object }),
            }
        }
        Ok(Seed { records })
    }
}
