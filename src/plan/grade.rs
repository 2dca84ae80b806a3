//! The complexity grade of a mapping: what makes it work for people, weighed, summed, and a letter by range.
//!
//! The weights are one table ([`WEIGHTS`]), the ranges another ([`LETTERS`]). Every item names what it counted, so
//! that a reader can disagree with a weight and still trust the count. Nothing here knows a pair.

mod count;
mod weights;

pub use weights::{Area, LETTERS, VOLUME, WEIGHTS, WORST, Weight};

use super::{Computed, Counts, Estimate, Load, Plan, TierHours};
use crate::{ident::ObjectId, mapping::Step, platform::Tiered};
use count::{
    by_hand_fields, composed, files_only, guards, joins, lossy, many_to_one, merges, not_moved,
    second_pass, splits, steps,
};
use std::time::Duration;

/// One line of the grade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The id of its weight; `hours` for the volume.
    pub id: &'static str,
    /// Its area.
    pub area: Area,
    /// What was counted.
    pub say: String,
    /// Points for each.
    pub weight: u32,
    /// What was counted, by name.
    pub of: Vec<String>,
    /// Points in all.
    pub points: u32,
}

/// A grade with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grade {
    /// The letter.
    pub letter: char,
    /// The sum of all items.
    pub points: u32,
    /// The items, by area, heaviest first.
    pub items: Vec<Item>,
}

impl Grade {
    /// The points of an area.
    pub fn points_of(&self, area: Area) -> u32 {
        self.items
            .iter()
            .filter(|i| i.area == area)
            .map(|i| i.points)
            .sum()
    }
}

/// The letter of a sum.
pub fn letter(points: u32) -> char {
    LETTERS
        .iter()
        .find(|(_, most)| points <= *most)
        .map_or(WORST, |(letter, _)| *letter)
}

/// What the volume is measured by.
#[derive(Clone, Copy, Debug)]
pub struct Volume<'a> {
    /// The estimate.
    pub estimate: &'a Estimate,
    /// The tier; `None`: the smallest.
    pub tier: Option<&'a str>,
    /// What the counts are, in words: `with 10 000 records of every object`.
    pub basis: &'a str,
}

/// Grades a plan. `counts`: the records of a migration, where they are known; `rows`: the computed rows of its
/// compatibility table.
pub fn grade(
    plan: &Plan,
    rows: &[Computed],
    counts: Option<&Counts>,
    volume: Option<Volume<'_>>,
) -> Grade {
    let tier = volume.and_then(|v| v.tier);
    let limits = tier_limits(plan, counts, tier);
    let (conflicts, tight): (Vec<&TierLimit>, Vec<&TierLimit>) =
        limits.iter().partition(|l| l.exceeded);
    let titles = |list: Vec<&TierLimit>| list.into_iter().map(|l| l.words.clone()).collect();
    let mut items = Vec::new();
    for weight in WEIGHTS {
        let of: Vec<String> = match weight.id {
            "split" => splits(plan),
            "many_to_one" => many_to_one(plan),
            "not_moved" => not_moved(plan, rows),
            "handoff" => plan
                .mapping
                .handoffs
                .iter()
                .map(|h| h.name.clone())
                .collect(),
            "lossy_field" => lossy(plan),
            "join" => joins(plan),
            "merge" => merges(plan),
            "reassign" => steps(plan, |_, s| s.later_reassign),
            "value_map" => plan
                .mapping
                .value_maps
                .iter()
                .map(|m| m.name.clone())
                .collect(),
            "guard" => guards(plan),
            "param" => plan.mapping.params.iter().map(|p| p.name.clone()).collect(),
            "composed" => composed(plan),
            "tier_conflict" => titles(conflicts.clone()),
            "files_only" => files_only(plan),
            "by_hand" => steps(plan, |load, _| *load == Load::ByHand),
            "fields_by_hand" => by_hand_fields(plan),
            "second_pass" => second_pass(plan),
            "tier_limit" => titles(tight.clone()),
            "single_calls" => steps(plan, |load, _| {
                matches!(
                    load,
                    Load::Single { create: true, .. } | Load::Upsert { .. }
                )
            }),
            _ => Vec::new(),
        };
        let count = u32::try_from(of.len()).unwrap_or(u32::MAX);
        if count > 0 {
            items.push(Item {
                id: weight.id,
                area: weight.area,
                say: weight.say.to_owned(),
                weight: weight.points,
                points: weight.points.saturating_mul(count),
                of,
            });
        }
    }
    items.extend(volume.and_then(hours));
    items.sort_by_key(|i| (i.area, std::cmp::Reverse(i.points)));
    let points = items.iter().map(|i| i.points).sum();
    Grade {
        letter: letter(points),
        points,
        items,
    }
}

/// The tier of an estimate, or its smallest.
pub fn tier_of<'e>(estimate: &'e Estimate, tier: Option<&str>) -> Option<&'e TierHours> {
    let named = |t: &&TierHours| tier.is_some() && t.tier.as_deref() == tier;
    estimate.tiers.iter().find(named).or(estimate.tiers.first())
}

fn hours(volume: Volume<'_>) -> Option<Item> {
    let hours = tier_of(volume.estimate, volume.tier)?;
    let taken = hours.time;
    let within = |most: &&(u64, u32)| taken <= Duration::from_secs(most.0 * 3600);
    let points = VOLUME
        .iter()
        .find(within)
        .or(VOLUME.last())
        .map_or(0, |(most, points)| {
            if taken > Duration::from_secs(most * 3600) {
                points * 2
            } else {
                *points
            }
        });
    let on = hours
        .tier
        .as_ref()
        .map_or_else(String::new, |t| format!(" on {t}"));
    Some(Item {
        id: "hours",
        area: Area::Volume,
        say: format!("hours of calls{on}, {}", volume.basis),
        weight: points,
        of: vec![format!("{} h", taken.as_secs().div_ceil(3600))],
        points,
    })
}

/// An object whose records a tier limits, and whose records a step brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierLimit {
    /// The destination object.
    pub object: ObjectId,
    /// The limit in words: `Pipeline: growth 1, pro 10`.
    pub words: String,
    /// Records that the migration brings, where they are known.
    pub needed: Option<u64>,
    /// True when they are more than the tier takes.
    pub exceeded: bool,
}

/// The objects that tiers limit.
pub fn tier_limits(plan: &Plan, counts: Option<&Counts>, tier: Option<&str>) -> Vec<TierLimit> {
    let mapping = &plan.mapping;
    let mut out = Vec::new();
    for (at, object) in mapping.destination.objects.iter().enumerate() {
        let (Some(most), Ok(id)) = (&object.rows_max, u16::try_from(at).map(ObjectId)) else {
            continue;
        };
        let brings: Vec<&Step> = mapping
            .steps
            .iter()
            .zip(&plan.loads)
            .filter(|(s, load)| s.to == id && **load != Load::Use)
            .map(|(s, _)| s)
            .collect();
        if brings.is_empty() {
            continue;
        }
        let by_tier = match most {
            Tiered::All(n) => n.to_string(),
            Tiered::ByTier(list) => {
                let all: Vec<String> = list.iter().map(|(t, n)| format!("{t} {n}")).collect();
                all.join(", ")
            }
        };
        let needed: Option<u64> = counts.and_then(|c| {
            brings
                .iter()
                .map(|s| c.source.get(&s.from).copied())
                .sum::<Option<u64>>()
        });
        out.push(TierLimit {
            object: id,
            words: format!("{}: {by_tier}", object.title),
            needed,
            exceeded: needed.is_some_and(|n| n > most.at(tier)),
        });
    }
    out
}
