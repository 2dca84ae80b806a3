//! The complexity grade of a mapping: what makes it work for people, weighed, summed, and a letter by range.
//!
//! The weights are one table ([`WEIGHTS`]), the ranges another ([`LETTERS`]). Every item names what it counted, so
//! that a reader can disagree with a weight and still trust the count. Nothing here knows a pair.

use super::{
    Counts, Estimate, Load, Plan, TierHours,
    cardinality::{Cardinality, Computed, routes},
    loss,
};
use crate::{
    ident::ObjectId,
    mapping::{Input, JoinKind, Step},
    platform::{Connect, Tiered},
};
use std::{collections::BTreeSet, time::Duration};

/// What an item is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// How objects meet.
    Objects,
    /// How many decisions the mapping holds.
    Clarity,
    /// What the two APIs make harder.
    Api,
    /// How long the load takes.
    Volume,
}

impl Area {
    /// Every area with its title, in the order of the page.
    pub const ALL: &'static [(Area, &'static str)] = &[
        (Area::Objects, "Object compatibility"),
        (Area::Clarity, "Mapping clarity"),
        (Area::Api, "API constraints"),
        (Area::Volume, "Data volume"),
    ];
}

/// What one of a kind costs.
#[derive(Clone, Copy, Debug)]
pub struct Weight {
    /// Its id, stable for machines.
    pub id: &'static str,
    /// Its area.
    pub area: Area,
    /// Points for each.
    pub points: u32,
    /// What is counted.
    pub say: &'static str,
}

const fn weight(id: &'static str, area: Area, points: u32, say: &'static str) -> Weight {
    Weight {
        id,
        area,
        points,
        say,
    }
}

/// The policy: what each kind costs.
pub const WEIGHTS: &[Weight] = &[
    weight(
        "split",
        Area::Objects,
        6,
        "objects whose records a split sends to several places",
    ),
    weight(
        "many_to_one",
        Area::Objects,
        6,
        "fields that several loaded records fill",
    ),
    weight(
        "not_moved",
        Area::Objects,
        4,
        "rows that a person moves, or that do not move",
    ),
    weight(
        "handoff",
        Area::Objects,
        2,
        "documents that a person works through",
    ),
    weight(
        "lossy_field",
        Area::Objects,
        1,
        "fields that lose more than spelling",
    ),
    weight("join", Area::Clarity, 3, "joins of other objects"),
    weight("merge", Area::Clarity, 2, "rules that merge duplicates"),
    weight(
        "reassign",
        Area::Clarity,
        2,
        "decisions that are opened again later",
    ),
    weight(
        "value_map",
        Area::Clarity,
        1,
        "value maps for the customer to confirm",
    ),
    weight("guard", Area::Clarity, 1, "conditions that hold records"),
    weight(
        "param",
        Area::Clarity,
        1,
        "parameters for the customer to choose",
    ),
    weight(
        "composed",
        Area::Clarity,
        1,
        "texts that a template composes",
    ),
    weight(
        "tier_conflict",
        Area::Api,
        8,
        "objects with more records than the tier takes",
    ),
    weight(
        "files_only",
        Area::Api,
        5,
        "platforms read from exports, without an API",
    ),
    weight(
        "by_hand",
        Area::Api,
        3,
        "objects whose records an admin makes",
    ),
    weight(
        "fields_by_hand",
        Area::Api,
        2,
        "objects whose custom fields an admin makes first",
    ),
    weight(
        "second_pass",
        Area::Api,
        3,
        "references that are written in a second pass",
    ),
    weight("tier_limit", Area::Api, 2, "objects that a tier limits"),
    weight(
        "single_calls",
        Area::Api,
        1,
        "object mappings that load one record a call",
    ),
];

/// What the load time costs: up to so many hours, so many points. Beyond the last line its double.
pub const VOLUME: &[(u64, u32)] = &[(1, 0), (8, 1), (24, 2), (72, 4), (168, 8)];

/// The letters: up to so many points. Beyond the last line it is [`WORST`].
pub const LETTERS: &[(char, u32)] = &[('A', 24), ('B', 90), ('C', 160)];

/// The letter beyond the ranges.
pub const WORST: char = 'D';

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
            "fields_by_hand" => fields_by_hand(plan),
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

fn source_name(plan: &Plan, object: ObjectId) -> &str {
    let objects = &plan.mapping.source.objects;
    objects.get(object.ix()).map_or("", |o| o.name.as_str())
}

fn field_name<'p>(plan: &'p Plan, step: &Step, at: usize) -> &'p str {
    let objects = &plan.mapping.destination.objects;
    step.fields
        .get(at)
        .and_then(|map| objects.get(step.to.ix())?.fields.get(map.to.ix()))
        .map_or("", |f| f.name.as_str())
}

/// The names of steps for which this holds, by name.
fn steps(plan: &Plan, holds: impl Fn(&Load, &Step) -> bool) -> Vec<String> {
    let mut names: Vec<String> = plan
        .mapping
        .steps
        .iter()
        .zip(&plan.loads)
        .filter(|(step, load)| holds(load, step))
        .map(|(step, _)| step.name.clone())
        .collect();
    names.sort();
    names
}

fn splits(plan: &Plan) -> Vec<String> {
    (0..plan.mapping.splits.len())
        .filter_map(|at| Some(ObjectId(u16::try_from(at).ok()?)))
        .filter(|id| routes(&plan.mapping, *id).len() > 1)
        .map(|id| source_name(plan, id).to_owned())
        .collect()
}

/// Fields of distinct destination fields: steps that share an object of the source say the same thing twice.
fn distinct(plan: &Plan, holds: impl Fn(&Step, usize) -> bool) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut names = Vec::new();
    for step in plan.mapping.steps.iter().filter(|s| !s.of.is_report()) {
        for (at, map) in step.fields.iter().enumerate() {
            if !map.automatic && holds(step, at) && seen.insert((step.from, step.to, map.to)) {
                names.push(format!("{}.{}", step.name, field_name(plan, step, at)));
            }
        }
    }
    names.sort();
    names
}

fn lossy(plan: &Plan) -> Vec<String> {
    distinct(plan, |step, at| {
        loss::of_field(&plan.mapping, step, at).is_lossy()
    })
}

/// Joins whose records are loaded themselves and of which a field takes several.
fn many_to_one(plan: &Plan) -> Vec<String> {
    let mapping = &plan.mapping;
    let mut seen = BTreeSet::new();
    for step in mapping.steps.iter().filter(|s| !s.of.is_report()) {
        for map in &step.fields {
            for (join, field) in loss::joins_read(mapping, step, map) {
                let Some(of) = step.joins.get(join.ix()) else {
                    continue;
                };
                let loaded = super::cardinality::loaded(mapping, of.object, field);
                if of.kind == JoinKind::All && loaded.is_some() {
                    seen.insert((step.from, of.object));
                }
            }
        }
    }
    let words = |(from, of)| format!("{} of {}", source_name(plan, of), source_name(plan, from));
    seen.into_iter().map(words).collect()
}

fn not_moved(plan: &Plan, rows: &[Computed]) -> Vec<String> {
    plan.mapping
        .page
        .iter()
        .enumerate()
        .filter(|(at, row)| {
            let computed = rows.get(*at).and_then(|c| c.cardinality);
            row.support == "by_hand"
                || row.support == "none"
                || computed == Some(Cardinality::ByHand)
        })
        .map(|(_, row)| row.id.clone())
        .collect()
}

fn joins(plan: &Plan) -> Vec<String> {
    let mapping = &plan.mapping;
    let of_splits = mapping
        .split_joins
        .iter()
        .enumerate()
        .filter_map(|(at, joins)| Some((ObjectId(u16::try_from(at).ok()?), joins)))
        .flat_map(|(from, joins)| joins.iter().map(move |j| (from, j.object)));
    let of_steps = mapping
        .steps
        .iter()
        .filter(|s| !s.of.is_report())
        .flat_map(|s| s.joins.iter().map(move |j| (s.from, j.object)));
    let all: BTreeSet<(ObjectId, ObjectId)> = of_splits.chain(of_steps).collect();
    all.into_iter()
        .map(|(from, of)| format!("{} to {}", source_name(plan, from), source_name(plan, of)))
        .collect()
}

fn merges(plan: &Plan) -> Vec<String> {
    plan.mapping
        .merges
        .iter()
        .enumerate()
        .filter(|(_, merge)| merge.is_some())
        .filter_map(|(at, _)| Some(ObjectId(u16::try_from(at).ok()?)))
        .map(|id| source_name(plan, id).to_owned())
        .collect()
}

fn guards(plan: &Plan) -> Vec<String> {
    let mut all: Vec<String> = plan
        .mapping
        .steps
        .iter()
        .flat_map(|s| s.guards.iter().map(|g| format!("{}: {}", s.name, g.code)))
        .collect();
    all.sort();
    all
}

fn composed(plan: &Plan) -> Vec<String> {
    distinct(plan, |step, at| {
        step.fields
            .get(at)
            .is_some_and(|f| matches!(f.input, Input::Text(_)))
    })
}

fn files_only(plan: &Plan) -> Vec<String> {
    [&plan.mapping.source, &plan.mapping.destination]
        .into_iter()
        .filter(|p| matches!(p.connect, Connect::Files(_)))
        .map(|p| p.title.clone())
        .collect()
}

fn fields_by_hand(plan: &Plan) -> Vec<String> {
    if !plan.manifest.fields_by_hand {
        return Vec::new();
    }
    let objects = &plan.mapping.destination.objects;
    plan.manifest
        .objects
        .iter()
        .filter_map(|need| {
            let title = &objects.get(need.object.ix())?.title;
            Some(format!("{title} ({})", need.fields.len()))
        })
        .collect()
}

fn second_pass(plan: &Plan) -> Vec<String> {
    let mut all: Vec<String> = plan
        .deferred
        .iter()
        .filter_map(|d| {
            let step = plan.step(d.step)?;
            Some(format!("{}.{}", step.name, field_name(plan, step, d.field)))
        })
        .collect();
    all.sort();
    all
}
