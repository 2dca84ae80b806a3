//! The books of a simulated server: what was called, how often, and what should not have been called twice.

use super::limiter::Peak;
use serde::Serialize;
use std::collections::BTreeMap;

/// Calls since the start or the last reset. The admin plane is not counted.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Counts {
    /// All calls, refused ones included.
    pub calls: u64,
    /// Calls with GET.
    pub reads: u64,
    /// All other calls.
    pub writes: u64,
    /// Calls answered with the rate limit, by the limiter or by a fault.
    pub limited: u64,
    /// Calls without a valid key.
    pub denied: u64,
    /// Calls by answer's status; 0 when the connection was closed without an answer.
    pub by_status: BTreeMap<u16, u64>,
    /// Calls by method and route.
    pub by_route: BTreeMap<String, u64>,
    /// Create calls with a body that was posted before.
    pub repeated: Repeated,
    /// Faults that struck.
    pub faults: u64,
}

/// Create calls with the body of an earlier one, by what had become of that one.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Repeated {
    /// It had made a record: a blind second POST that made a duplicate, or would have.
    pub after_effect: u64,
    /// It had no effect, but the client was not told so.
    pub after_silence: u64,
}

/// The books as the admin plane shows them.
#[derive(Debug, Serialize)]
pub(super) struct Shown<'a> {
    /// The counts.
    #[serde(flatten)]
    pub counts: &'a Counts,
    /// The most calls within any window.
    pub peaks: Vec<Peak>,
}
