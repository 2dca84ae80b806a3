//! Pre-flight: what stands between a plan and its run, judged from what discovery found.
//!
//! Pure: compares the plan with a schema lock. What the lock does not tell is *not known*, which is never taken for
//! missing. A finding blocks when the run would lose something or be refused; everything else is told and left to the
//! mapping's policies.

mod checklist;
mod fields;
mod gotchas;
mod owners;
mod source;
mod tiers;
mod values;

pub use checklist::Todo;
pub use fields::{FieldLine, FieldState};
pub use gotchas::{CheckLine, CheckResult};
pub use owners::{OwnerLine, OwnerState};
pub use tiers::{TierKind, TierLine, too_many_fields};
pub use values::{ValueLine, ValueState, ValueView};

use super::Plan;
use crate::platform::lock::{AccountInventory, SchemaLock, ValueTable};
use serde::Serialize;

/// Everything that is known before a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Preflight {
    /// True when the source was looked at.
    pub source_known: bool,
    /// True when the destination was looked at.
    pub destination_known: bool,
    /// What stands in the way, blocking ones first.
    pub findings: Vec<Finding>,
    /// The custom fields the mapping needs.
    pub fields: Vec<FieldLine>,
    /// Where the values of pick-lists go.
    pub values: Vec<ValueView>,
    /// The owners, and what becomes of each.
    pub owners: Vec<OwnerLine>,
    /// The tier's limits against what is there and what comes.
    pub tiers: Vec<TierLine>,
    /// The platforms' known traps, checked.
    pub checks: Vec<CheckLine>,
    /// What people have to do.
    pub checklist: Vec<Todo>,
}

/// One thing that stands in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its kind, for machines.
    pub kind: &'static str,
    /// True when a run refuses to start.
    pub blocks: bool,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub way_out: String,
    /// Records behind it, where that is known.
    pub records: Option<u64>,
}

/// What is known, and how the run is meant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'f> {
    /// What discovery found.
    pub lock: Option<&'f SchemaLock>,
    /// The account as it is now, where somebody looked again.
    pub account: Option<&'f AccountInventory>,
    /// The tier of the account.
    pub tier: Option<&'f str>,
    /// The run does an admin's part through the admin plane of a simulated server.
    pub provision: bool,
    /// What is known to have changed since discovery, in words.
    pub stale: &'f [String],
}

impl<'f> Facts<'f> {
    fn account(&self) -> Option<&'f AccountInventory> {
        self.account
            .or_else(|| self.lock.and_then(|l| l.destination.as_ref()))
    }

    /// The value tables, where they belong to this plan.
    fn tables(&self, plan: &Plan) -> &'f [ValueTable] {
        match self.lock {
            Some(lock) if lock.plan == plan.hash() => &lock.values,
            _ => &[],
        }
    }
}

impl Preflight {
    /// Findings that block.
    pub fn blocking(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| f.blocks)
    }

    /// True when a run refuses to start.
    pub fn is_blocked(&self) -> bool {
        self.blocking().next().is_some()
    }

    fn find(
        &mut self,
        kind: &'static str,
        blocks: bool,
        what: impl Into<String>,
        way_out: impl Into<String>,
        records: Option<u64>,
    ) {
        self.findings.push(Finding {
            kind,
            blocks,
            what: what.into(),
            way_out: way_out.into(),
            records,
        });
    }
}

/// Judges a plan.
pub fn judge(plan: &Plan, facts: &Facts<'_>) -> Preflight {
    let mut out = Preflight {
        source_known: facts.lock.is_some(),
        destination_known: facts.account().is_some(),
        ..Preflight::default()
    };
    for words in facts.stale {
        out.find(
            "changed_since",
            false,
            words.clone(),
            "run `transload discover` again",
            None,
        );
    }
    if let Some(lock) = facts.lock
        && lock.plan != plan.hash()
    {
        out.find(
            "other_plan",
            false,
            "the mapping or a platform file changed since discovery, so value tables are not known",
            "run `transload discover` again",
            None,
        );
    }
    source::judge(plan, facts, &mut out);
    fields::judge(plan, facts, &mut out);
    values::judge(plan, facts, &mut out);
    owners::judge(plan, facts, &mut out);
    tiers::judge(plan, facts, &mut out);
    gotchas::judge(plan, facts, &mut out);
    checklist::collect(plan, facts, &mut out);
    out.findings.sort_by_key(|f| !f.blocks);
    out
}

/// `a, b, c and 4 more`.
fn list(items: &[String], shown: usize) -> String {
    let mut words = items
        .iter()
        .take(shown)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if items.len() > shown {
        words.push_str(&format!(" and {} more", items.len() - shown));
    }
    words
}
