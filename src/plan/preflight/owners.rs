//! Owners: who is at the destination, who is not, how many records stand behind each, and what the mapping decides.

use super::{Facts, Preflight};
use crate::{
    mapping::{Absent, Input, Mapping, Missing, Step, policy::FallbackKey},
    plan::Plan,
    platform::lock::{AccountInventory, OwnerCount, OwnerRecords, SchemaLock},
    value::Scalar,
};
use serde::Serialize;

/// One owner and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OwnerLine {
    /// What it is found by at the destination, else its key in the source; empty: records without an owner.
    pub owner: String,
    /// The step that brings owners.
    pub step: String,
    /// How it stands.
    pub state: OwnerState,
    /// Records behind it.
    pub records: u64,
    /// The same by object and field.
    pub by: Vec<OwnerRecords>,
    /// What happens to them.
    pub decision: String,
}

/// How an owner stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnerState {
    /// It is at the destination.
    Matched,
    /// It is not there.
    Unmatched,
    /// The source's own list of owners does not have it.
    NotListed,
    /// The record names nobody.
    Nobody,
    /// Nobody looked.
    NotKnown,
}

impl OwnerState {
    /// The word in reports.
    pub fn words(self) -> &'static str {
        match self {
            OwnerState::Matched => "matched",
            OwnerState::Unmatched => "unmatched",
            OwnerState::NotListed => "not in the source's list",
            OwnerState::Nobody => "no owner",
            OwnerState::NotKnown => "not known",
        }
    }
}

pub(super) fn judge(plan: &Plan, facts: &Facts<'_>, out: &mut Preflight) {
    let Some(lock) = facts.lock else { return };
    let mapping = &plan.mapping;
    for step in &mapping.steps {
        let Some(to) = mapping.destination.objects.get(step.to.ix()) else {
            continue;
        };
        if !to.holds_owners() {
            continue;
        }
        let account = facts.account();
        let there = |name: &str| account?.object(&to.name)?.has(name);
        let mut stopped = 0u64;
        for owner in lock.source.owners.iter().filter(|o| o.step == step.name) {
            let state = match (owner.listed, &owner.matched_by) {
                (false, _) => OwnerState::NotListed,
                (true, Some(by)) => match there(by) {
                    Some(true) => OwnerState::Matched,
                    Some(false) => OwnerState::Unmatched,
                    None => OwnerState::NotKnown,
                },
                (true, None) => OwnerState::Unmatched,
            };
            if state == OwnerState::Unmatched && step.absent == Absent::Fail {
                stopped += owner.total().max(1);
            }
            out.owners.push(line(mapping, step, owner, state));
        }
        if stopped > 0 {
            out.find(
                "owner_unmatched",
                true,
                format!("owners of step `{}` are not at the destination, and its policy is `absent: fail`", step.name),
                "an admin creates the users, or the mapping takes `hold`, `fallback` or `placeholder`",
                Some(stopped),
            );
        }
        nobody(mapping, step, lock, out);
        told(step, out);
        fallback(mapping, step, account, &to.name, out);
    }
}

fn line(mapping: &Mapping, step: &Step, owner: &OwnerCount, state: OwnerState) -> OwnerLine {
    let decision = match state {
        OwnerState::Matched => "keeps its records".to_owned(),
        OwnerState::NotKnown => "not known; run `transload discover`".to_owned(),
        OwnerState::NotListed => match &step.absent {
            Absent::Fallback(keys) => fallback_words(mapping, keys),
            _ => "queue: its records are held".to_owned(),
        },
        OwnerState::Unmatched | OwnerState::Nobody => match &step.absent {
            Absent::Create | Absent::Placeholder(_) => {
                "placeholder user, to be activated by an admin".to_owned()
            }
            Absent::Hold => "queue: its records are held until the user exists".to_owned(),
            Absent::Fail => "the run stops".to_owned(),
            Absent::Fallback(keys) => fallback_words(mapping, keys),
        },
    };
    OwnerLine {
        owner: owner
            .matched_by
            .clone()
            .unwrap_or_else(|| owner.key.clone()),
        step: step.name.clone(),
        state,
        records: owner.total(),
        by: owner.records.clone(),
        decision,
    }
}

fn fallback_words(mapping: &Mapping, keys: &[FallbackKey]) -> String {
    format!("fallback owner {}", fallback_name(mapping, keys))
}

/// The name of the fallback owner.
fn fallback_name(mapping: &Mapping, keys: &[FallbackKey]) -> String {
    let texts: Vec<String> = keys
        .iter()
        .filter_map(|k| {
            let scalar = match &k.value {
                Input::Const(scalar) => Some(scalar),
                Input::Param(at) => mapping.params.get(*at)?.value.as_ref(),
                _ => None,
            };
            match scalar? {
                Scalar::Text(text) => Some(text.clone()),
                Scalar::Int(n) => Some(n.to_string()),
                _ => None,
            }
        })
        .collect();
    texts.join(", ")
}

/// Records that name no owner although they need one, by step.
fn nobody(mapping: &Mapping, owners: &Step, lock: &SchemaLock, out: &mut Preflight) {
    let mut lines: Vec<(OwnerRecords, String)> = Vec::new();
    for step in mapping.steps.iter().filter(|s| !s.of.is_report()) {
        let Some(from) = mapping.source.objects.get(step.from.ix()) else {
            continue;
        };
        for map in &step.fields {
            let (Input::Field(field), true) = (&map.input, map.needed) else {
                continue;
            };
            let names = map.reference.as_ref().is_some_and(|r| r.names(owners.from));
            let Some(declared) = from.fields.get(field.ix()).filter(|_| names) else {
                continue;
            };
            let seen = lock.source.object(&from.name).and_then(|o| {
                let field = o.field(&declared.name)?;
                Some(o.records.saturating_sub(field.filled))
            });
            let Some(records) = seen.filter(|n| *n > 0) else {
                continue;
            };
            let known =
                |l: &(OwnerRecords, String)| l.0.object == from.name && l.0.field == declared.name;
            if lines.iter().any(known) {
                continue;
            }
            let decision = match (map.missing, &owners.absent) {
                (Missing::Fallback, Absent::Fallback(keys)) => fallback_words(mapping, keys),
                (Missing::Hold | Missing::Fallback, _) => "queue: held".to_owned(),
                (Missing::Blank, _) => "lands without an owner, as the mapping says".to_owned(),
                (Missing::SkipRow, _) => "left out, as the mapping says".to_owned(),
            };
            let by = OwnerRecords {
                object: from.name.clone(),
                field: declared.name.clone(),
                records,
            };
            lines.push((by, decision));
        }
    }
    for (by, decision) in lines {
        out.owners.push(OwnerLine {
            owner: String::new(),
            step: owners.name.clone(),
            state: OwnerState::Nobody,
            records: by.records,
            by: vec![by],
            decision,
        });
    }
}

/// One finding for the owners that do not keep their records.
fn told(step: &Step, out: &mut Preflight) {
    let lines: Vec<&OwnerLine> = out.owners.iter().filter(|o| o.step == step.name).collect();
    let of = |state: OwnerState| -> (Vec<String>, u64) {
        let some = lines.iter().filter(|o| o.state == state);
        (
            some.clone()
                .map(|o| format!("{} ({})", o.owner, o.records))
                .collect(),
            some.map(|o| o.records).sum(),
        )
    };
    let (unmatched, records) = of(OwnerState::Unmatched);
    let (unlisted, more) = of(OwnerState::NotListed);
    if !unmatched.is_empty() && step.absent != Absent::Fail {
        out.find(
            "owner_unmatched",
            false,
            format!("owners without a user: {}", super::list(&unmatched, 8)),
            "an admin creates the users before the run, or the mapping's policy decides as the owner report says",
            Some(records),
        );
    }
    if !unlisted.is_empty() {
        out.find(
            "owner_not_listed",
            false,
            format!(
                "owners that the source's own list does not have: {}",
                super::list(&unlisted, 8)
            ),
            "add them to the source's list of owners, or let the policy decide",
            Some(more),
        );
    }
}

/// A fallback that is not there would stop the run in its middle.
fn fallback(
    mapping: &Mapping,
    step: &Step,
    account: Option<&AccountInventory>,
    object: &str,
    out: &mut Preflight,
) {
    let Absent::Fallback(keys) = &step.absent else {
        return;
    };
    let name = fallback_name(mapping, keys);
    let there = account
        .and_then(|a| a.object(object))
        .and_then(|o| o.has(&name));
    if there == Some(false) {
        out.find(
            "fallback_missing",
            true,
            format!(
                "the fallback owner {name} of step `{}` is not at the destination",
                step.name
            ),
            "an admin creates the user, or the migration names another one under `params:`",
            None,
        );
    }
}
