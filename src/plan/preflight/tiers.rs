//! The tier's limits against what is there and what the run brings: records of bounded objects, custom fields by type
//! and in all, options of a field.

use super::{Facts, FieldState, Preflight};
use crate::{
    mapping::Absent,
    plan::Plan,
    platform::{CustomRules, lock::AccountObject},
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// One limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TierLine {
    /// What is limited.
    pub kind: TierKind,
    /// The destination object.
    pub object: String,
    /// What of it: the vendor's type, or a field; empty for records.
    pub of: String,
    /// The most there may be.
    pub max: u64,
    /// How many are there; `None`: nobody looked.
    pub there: Option<u64>,
    /// How many come.
    pub comes: u64,
}

/// What a limit is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TierKind {
    /// Records of an object.
    Records,
    /// Custom fields of one type.
    FieldsOfType,
    /// Custom fields in all.
    Fields,
    /// Options of a field.
    Options,
}

impl TierLine {
    /// True when there would be more than the tier allows.
    pub fn is_over(&self) -> bool {
        self.comes > 0 && self.there.unwrap_or(0) + self.comes > self.max
    }

    /// What is limited, in words.
    pub fn words(&self) -> String {
        match self.kind {
            TierKind::Records => format!("{} records", self.object),
            TierKind::FieldsOfType => format!("{} custom fields of type {}", self.object, self.of),
            TierKind::Fields => format!("{} custom fields", self.object),
            TierKind::Options => format!("options of {}.{}", self.object, self.of),
        }
    }
}

pub(super) fn judge(plan: &Plan, facts: &Facts<'_>, out: &mut Preflight) {
    let mut lines = records(plan, facts);
    if let Some(rules) = &plan.mapping.destination.custom {
        lines.extend(custom_fields(plan, facts, rules, out));
    }
    let tiers = &plan.mapping.destination.tiers;
    let tier = match facts.tier {
        Some(tier) => format!("tier {tier}"),
        None if tiers.is_empty() => "the account".to_owned(),
        None => "the smallest tier (the migration names none)".to_owned(),
    };
    for line in lines.iter().filter(|l| l.is_over()) {
        let there = match line.there {
            Some(n) => format!("{n} there and {} to come", line.comes),
            None => format!("{} to come", line.comes),
        };
        out.find(
            "over_tier",
            true,
            format!("{}: {there}, {tier} allows {}", line.words(), line.max),
            way_out(plan, line, facts.tier),
            None,
        );
    }
    out.tiers = lines;
}

/// The way out: the next tier that has room, or fewer.
fn way_out(plan: &Plan, line: &TierLine, tier: Option<&str>) -> String {
    let destination = &plan.mapping.destination;
    let wanted = line.there.unwrap_or(0) + line.comes;
    let rules = destination.custom.as_ref();
    let limit = |tier: &str| -> Option<u64> {
        let tiered = match line.kind {
            TierKind::Records => destination.object(&line.object)?.1.rows_max.as_ref()?,
            TierKind::Fields => rules?.total_max.as_ref()?,
            TierKind::FieldsOfType => {
                let of_type = rules?.types.iter().find(|t| t.vendor == line.of)?;
                of_type.count_max.as_ref()?
            }
            TierKind::Options => return None,
        };
        Some(tiered.at(Some(tier)))
    };
    let bigger = destination
        .tiers
        .iter()
        .skip_while(|t| tier.is_some_and(|ours| ours != t.as_str()))
        .find(|t| limit(t).is_some_and(|max| max >= wanted));
    let fewer = match line.kind {
        TierKind::Records => {
            "map several of the source's to one (a value map), or leave some out with a split"
        }
        TierKind::Fields | TierKind::FieldsOfType => {
            "ignore fields, or let several share one (a text)"
        }
        TierKind::Options => "map options to fewer ones, or make the field a text",
    };
    match bigger {
        Some(tier) => format!("take tier {tier} and say so in the migration, or {fewer}"),
        None => fewer.to_owned(),
    }
}

/// Objects whose number of records the tier bounds.
fn records(plan: &Plan, facts: &Facts<'_>) -> Vec<TierLine> {
    let mapping = &plan.mapping;
    let mut lines = Vec::new();
    for object in &mapping.destination.objects {
        let Some(max) = object.rows_max.as_ref().map(|m| m.at(facts.tier)) else {
            continue;
        };
        let account = facts.account().and_then(|a| a.object(&object.name));
        let mut fresh: BTreeSet<String> = BTreeSet::new();
        for table in facts.tables(plan).iter().filter(|t| t.to == object.name) {
            let step = mapping.steps.iter().find(|s| s.name == table.step);
            let creates = step.is_some_and(|s| {
                let named = s.match_keys.iter().any(|k| match k.pairs.as_slice() {
                    [(field, _)] => object
                        .fields
                        .get(field.ix())
                        .is_some_and(|f| f.name == table.field),
                    _ => false,
                });
                named && matches!(s.absent, Absent::Create | Absent::Placeholder(_))
            });
            if !creates {
                continue;
            }
            for to in table.rows.iter().filter_map(|r| r.to.as_deref()) {
                if account.and_then(|a| a.has(to)) != Some(true) {
                    fresh.insert(to.trim().to_lowercase());
                }
            }
        }
        lines.push(TierLine {
            kind: TierKind::Records,
            object: object.name.clone(),
            of: String::new(),
            max,
            there: account.and_then(|a| a.records),
            comes: fresh.len() as u64,
        });
    }
    lines
}

/// Custom fields by type and in all, and options.
fn custom_fields(
    plan: &Plan,
    facts: &Facts<'_>,
    rules: &CustomRules,
    out: &Preflight,
) -> Vec<TierLine> {
    let mut lines = Vec::new();
    for need in &plan.manifest.objects {
        let Some(object) = plan.mapping.destination.objects.get(need.object.ix()) else {
            continue;
        };
        let account = facts
            .account()
            .and_then(|a| a.object(&object.name))
            .filter(|a| a.described);
        let comes: BTreeMap<&str, u64> = out
            .fields
            .iter()
            .filter(|f| f.object == object.name)
            .filter(|f| matches!(f.state, FieldState::Missing | FieldState::NotKnown))
            .fold(BTreeMap::new(), |mut all, f| {
                *all.entry(f.vendor_type.as_str()).or_default() += 1;
                all
            });
        for (vendor, number) in &comes {
            let of_type = rules.types.iter().find(|t| t.vendor == *vendor);
            if let Some(max) = of_type.and_then(|t| t.count_max.as_ref()) {
                lines.push(TierLine {
                    kind: TierKind::FieldsOfType,
                    object: object.name.clone(),
                    of: (*vendor).to_owned(),
                    max: max.at(facts.tier),
                    there: account.map(|a| of_kind(a, vendor)),
                    comes: *number,
                });
            }
        }
        if let Some(max) = &rules.total_max {
            lines.push(TierLine {
                kind: TierKind::Fields,
                object: object.name.clone(),
                of: String::new(),
                max: max.at(facts.tier),
                there: account.map(|a| a.custom().count() as u64),
                comes: comes.values().sum(),
            });
        }
        for field in out.fields.iter().filter(|f| f.object == object.name) {
            let max = rules
                .types
                .iter()
                .find(|t| t.vendor == field.vendor_type)
                .and_then(|t| t.choices_max);
            let options = field.options.as_ref().map_or(0, |o| o.len() as u64);
            if let Some(max) = max
                && options > 0
            {
                lines.push(TierLine {
                    kind: TierKind::Options,
                    object: object.name.clone(),
                    of: field.name.clone(),
                    max,
                    there: Some(0),
                    comes: options,
                });
            }
        }
    }
    lines
}

fn of_kind(account: &AccountObject, vendor: &str) -> u64 {
    account.custom().filter(|f| f.kind == vendor).count() as u64
}

/// Why further custom fields cannot be made on an object, in words; `None` when there is room. `there`: the vendor's
/// type of each custom field that is there; `comes`: the same of those to come.
pub fn too_many_fields(
    rules: &CustomRules,
    tier: Option<&str>,
    there: &[&str],
    comes: &[&str],
) -> Option<String> {
    for of_type in &rules.types {
        let count = |list: &[&str]| list.iter().filter(|v| **v == of_type.vendor).count() as u64;
        let max = of_type.count_max.as_ref().map(|m| m.at(tier));
        if let Some(max) = max
            && count(comes) > 0
            && count(there) + count(comes) > max
        {
            return Some(format!(
                "{} fields of type {} are there and {} more are needed; the tier allows {max}",
                count(there),
                of_type.vendor,
                count(comes)
            ));
        }
    }
    let max = rules.total_max.as_ref().map(|m| m.at(tier))?;
    let all = (there.len() + comes.len()) as u64;
    (!comes.is_empty() && all > max).then(|| {
        format!(
            "{} fields are there and {} more are needed; the tier allows {max}",
            there.len(),
            comes.len()
        )
    })
}
