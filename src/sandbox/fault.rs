//! Faults on order: which call is to go wrong, and how. Decided by a seed and the number of the call alone, so
//! that the same calls meet the same faults again.

use serde::{Deserialize, Serialize};

/// A way in which a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The answer says that the rate limit is reached.
    RateLimited,
    /// The answer says that the key is refused.
    Denied,
    /// The answer is a server error; the call had no effect.
    ServerError,
    /// The connection closes without an answer; the call had no effect.
    DropBefore,
    /// The connection closes without an answer; the call had its effect.
    DropAfter,
    /// The answer comes late.
    Slow,
    /// The body of the answer ends in the middle; the call had its effect.
    Truncated,
    /// The answer is a sign-in page with status 200; the call had no effect.
    Html,
    /// The answer says success, and what was created is gone at once.
    Forgotten,
    /// Some rows of a bulk job fail.
    PartialBulk,
    /// A bulk job begins late.
    LateJob,
}

/// A fault and when it strikes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// How the call goes wrong.
    pub fault: FaultKind,
    /// Share of the calls it strikes, 0 to 1.
    #[serde(default)]
    pub rate: f64,
    /// Only calls with this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Only calls of this path below the API's own (`/contacts`, `/contacts/*`).
    #[serde(default)]
    pub path: Option<String>,
    /// Only the n-th of these calls since the rule was set, from 1.
    #[serde(default)]
    pub call: Option<u64>,
    /// Milliseconds of delay, for `slow` and `late_job`; 1000 when not said.
    #[serde(default)]
    pub millis: Option<u64>,
}

impl FaultRule {
    /// A fault that strikes this share of all calls.
    pub fn rate(fault: FaultKind, rate: f64) -> FaultRule {
        FaultRule {
            fault,
            rate,
            method: None,
            path: None,
            call: None,
            millis: None,
        }
    }

    /// A fault that strikes the n-th call (from 1) of a method and path.
    pub fn nth(fault: FaultKind, method: &str, path: &str, call: u64) -> FaultRule {
        FaultRule {
            fault,
            rate: 0.0,
            method: Some(method.to_owned()),
            path: Some(path.to_owned()),
            call: Some(call),
            millis: None,
        }
    }
}

/// What is to happen to one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Struck {
    /// The fault, `slow` and `late_job` left out.
    pub fault: Option<FaultKind>,
    /// Milliseconds of delay.
    pub delay: u64,
    /// Milliseconds that its bulk job begins later.
    pub late: u64,
}

/// The rules in force.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    rules: Vec<(FaultRule, u64)>,
    seed: u64,
    calls: u64,
}

impl Faults {
    /// Puts rules in force in place of the old ones and starts counting afresh.
    pub(super) fn new(rules: Vec<FaultRule>, seed: u64) -> Faults {
        Faults {
            rules: rules.into_iter().map(|r| (r, 0)).collect(),
            seed,
            calls: 0,
        }
    }

    /// The rules in force.
    pub(super) fn rules(&self) -> Vec<&FaultRule> {
        self.rules.iter().map(|r| &r.0).collect()
    }

    /// What is to happen to the next call.
    pub(super) fn next(&mut self, method: &str, path: &str, bulk: bool) -> Struck {
        self.calls += 1;
        let mut struck = Struck::default();
        for (at, (rule, seen)) in self.rules.iter_mut().enumerate() {
            let meant = rule
                .method
                .as_ref()
                .is_none_or(|m| m.eq_ignore_ascii_case(method))
                && rule.path.as_ref().is_none_or(|p| like(p, path))
                && (bulk || !matches!(rule.fault, FaultKind::PartialBulk | FaultKind::LateJob));
            if !meant {
                continue;
            }
            *seen += 1;
            let hit = match rule.call {
                Some(n) => *seen == n,
                None => chance(self.seed, self.calls, at as u64) < rule.rate,
            };
            if !hit {
                continue;
            }
            let millis = rule.millis.unwrap_or(1000);
            if rule.fault == FaultKind::Slow {
                struck.delay = struck.delay.max(millis);
            } else if rule.fault == FaultKind::LateJob {
                struck.late = struck.late.max(millis);
            } else if struck.fault.is_none() {
                struck.fault = Some(rule.fault);
            }
        }
        struck
    }
}

/// Paths are alike part by part; `*` stands for any one part.
fn like(pattern: &str, path: &str) -> bool {
    let parts =
        |s: &'_ str| -> Vec<String> { s.trim_matches('/').split('/').map(str::to_owned).collect() };
    let (pattern, path) = (parts(pattern), parts(path));
    pattern.len() == path.len() && pattern.iter().zip(&path).all(|(a, b)| a == "*" || a == b)
}

/// A number from 0 up to 1 that depends on the three alone (SplitMix64).
fn chance(seed: u64, call: u64, rule: u64) -> f64 {
    let mut z = seed
        .wrapping_add(call.wrapping_mul(0x9E37_79B9_7F4A_7C15))
        .wrapping_add(rule.wrapping_mul(0xD1B5_4A32_D192_ED03));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    // 53 bits are what a double holds exactly.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let share = (z >> 11) as f64 / (1u64 << 53) as f64;
    share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_strikes_the_same_calls() {
        let run = |seed| {
            let mut f = Faults::new(vec![FaultRule::rate(FaultKind::DropAfter, 0.2)], seed);
            (0..1000)
                .map(|_| f.next("POST", "/x", false).fault.is_some())
                .collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        let hits = run(7).iter().filter(|h| **h).count();
        assert!(
            (150..250).contains(&hits),
            "{hits} of 1000 at a rate of 0.2"
        );
    }

    #[test]
    fn the_nth_call_of_a_path_is_struck_once() {
        let rule = FaultRule::nth(FaultKind::ServerError, "PUT", "/things/*", 2);
        let mut f = Faults::new(vec![rule], 0);
        let calls = [
            ("PUT", "/things/1", false),
            ("GET", "/things/1", false),
            ("PUT", "/things", false),
            ("PUT", "/things/2", true),
            ("PUT", "/things/3", false),
        ];
        for (method, path, struck) in calls {
            assert_eq!(
                f.next(method, path, false).fault.is_some(),
                struck,
                "{method} {path}"
            );
        }
    }
}
