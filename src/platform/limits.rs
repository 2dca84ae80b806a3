//! Rate limits, retry settings and quirks, as the platform file states them.

use std::time::Duration;

/// A number that may differ by tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tiered {
    /// The same for all.
    All(u64),
    /// By tier name.
    ByTier(Vec<(String, u64)>),
}

impl Tiered {
    /// The number for a tier: that tier's, or the smallest where the tier is unknown.
    pub fn at(&self, tier: Option<&str>) -> u64 {
        match self {
            Tiered::All(n) => *n,
            Tiered::ByTier(list) => tier
                .and_then(|t| list.iter().find(|(name, _)| name == t))
                .map(|(_, n)| *n)
                .or_else(|| list.iter().map(|(_, n)| *n).min())
                .unwrap_or(0),
        }
    }
}

/// A limit on calls in a window of time.
#[derive(Clone, Debug)]
pub struct CallLimit {
    /// Most calls.
    pub max: Tiered,
    /// Length of the window.
    pub per: Duration,
}

/// What the platform says about rates.
#[derive(Clone, Debug)]
pub struct Limits {
    /// All of them hold at the same time.
    pub calls: Vec<CallLimit>,
    /// Header with the size of the window's budget, lower case.
    pub limit_header: Option<String>,
    /// Header with the calls left, lower case.
    pub left_header: Option<String>,
    /// Header with the moment of reset, lower case.
    pub reset_header: Option<String>,
    /// strftime format of that header; `None`: seconds (epoch or relative, told apart by size).
    pub reset_format: Option<String>,
    /// Answers worth another try.
    pub retry_status: Vec<u16>,
    /// Most tries of one call, the first included.
    pub tries: u32,
    /// First wait between tries.
    pub wait: Duration,
    /// Longest wait between tries.
    pub wait_max: Duration,
    /// Calls in flight at a time.
    pub in_flight: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            calls: Vec::new(),
            limit_header: None,
            left_header: None,
            reset_header: None,
            reset_format: None,
            retry_status: vec![429, 500, 502, 503, 504],
            tries: 6,
            wait: Duration::from_secs(2),
            wait_max: Duration::from_secs(300),
            in_flight: 4,
        }
    }
}

/// A switch for behaviour that is unknown or surprising.
#[derive(Clone, Debug)]
pub struct Quirk {
    /// Its name.
    pub name: String,
    /// The value to start with.
    pub default: String,
    /// The values it may have.
    pub options: Vec<String>,
    /// What is known about it.
    pub why: String,
}
