//! The pair page: what moves, how, what stays, what it costs, and why, from the files alone.
//!
//! [`build`] computes a model; each format is a pure function of it. The compatibility rows are declared in the
//! mapping; what the engine computes for them stands beside, and a difference is said.

mod gotcha;
mod html;
mod markdown;
mod model;
mod text;
mod words;

pub use html::render as html;
pub use markdown::render as markdown;
pub use model::*;
pub use text::render as text;

pub use super::plan_text::grouped;
use super::plan_text::{by_hand_words, duration_words, load_words};
use crate::{
    mapping::{Mapping, SplitTo},
    plan::{
        Computed, Counts, Estimate, Plan, cardinality,
        grade::{self, Area, Grade, Volume},
        preflight::CheckLine,
    },
};

/// What a page is made of.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The migration file, where the page is a customer's.
    pub migration: Option<&'a str>,
    /// The tier of the account, where it is known.
    pub tier: Option<&'a str>,
    /// Records of the source, where they were counted.
    pub counts: Option<&'a Counts>,
    /// What the pre-flight found out about the gotchas; empty without a migration.
    pub checks: &'a [CheckLine],
    /// What loads cost: the number of records in words, and the estimate.
    pub estimates: &'a [(String, Estimate)],
    /// Which of them grades the volume.
    pub graded: usize,
}

/// The page as JSON: an interface whose members are added and never renamed.
pub fn json(page: &Page) -> serde_json::Value {
    serde_json::to_value(page).unwrap_or_default()
}

/// Makes the model.
pub fn build(input: &Input<'_>) -> Page {
    let plan = input.plan;
    let mapping = &*plan.mapping;
    let computed = cardinality::of_rows(plan);
    let grade = grade::grade(
        plan,
        &computed,
        input.counts,
        input
            .estimates
            .get(input.graded)
            .map(|(basis, estimate)| Volume {
                estimate,
                tier: input.tier,
                basis,
            }),
    );
    let rows: Vec<Row> = mapping
        .page
        .iter()
        .zip(&computed)
        .map(|(row, computed)| Row {
            id: row.id.clone(),
            source: row.source.clone(),
            destination: row.destination.clone(),
            cardinality: row.cardinality.clone(),
            support: row.support.clone(),
            note: row.note.clone(),
            by: row.by.clone(),
            computed: computed.cardinality.map(|c| c.word().to_owned()),
            because: computed.because.clone(),
            remarks: computed.remarks.clone(),
            differs: differs(&row.cardinality, computed),
        })
        .collect();
    Page {
        schema_version: VERSION.to_owned(),
        mapping: mapping.name.clone(),
        migration: input.migration.map(str::to_owned),
        source: side(&mapping.source),
        destination: side(&mapping.destination),
        one_to_one: rows.iter().filter(|r| r.cardinality == "1:1").count(),
        objects: rows.len(),
        rows,
        gotchas: gotcha::lines(plan, input.checks, input.counts, input.tier),
        quirks: quirks(mapping),
        stays: stays(plan),
        fields_to_create: plan.manifest.objects.iter().map(|o| o.fields.len()).sum(),
        before: before(plan),
        steps: steps(plan),
        grade: graded(&grade),
        timeline: timeline(plan, input),
        reasons: mapping
            .reasons
            .iter()
            .map(|r| Why {
                at: if r.at.is_empty() {
                    mapping.name.clone()
                } else {
                    r.at.clone()
                },
                why: r.text.clone(),
            })
            .collect(),
    }
}

/// True when what was computed is another class than the declared one.
fn differs(declared: &str, computed: &Computed) -> bool {
    computed.cardinality.is_some_and(|c| c.word() != declared)
}

fn side(platform: &crate::platform::Platform) -> Side {
    Side {
        name: platform.name.clone(),
        title: platform.title.clone(),
        checked: platform.checked.clone(),
    }
}

fn quirks(mapping: &Mapping) -> Vec<QuirkLine> {
    let line = |platform: &crate::platform::Platform| {
        let title = platform.title.clone();
        let of = |q: &crate::platform::Quirk| QuirkLine {
            platform: title.clone(),
            name: q.name.clone(),
            assumed: q.default.clone(),
            options: q.options.clone(),
            why: q.why.clone(),
        };
        platform.quirks.iter().map(of).collect::<Vec<_>>()
    };
    let mut all = line(&mapping.source);
    all.extend(line(&mapping.destination));
    all
}

fn stays(plan: &Plan) -> Vec<Stay> {
    let mapping = &*plan.mapping;
    let mut out = Vec::new();
    for row in &mapping.page {
        if row.support == "by_hand" || row.support == "none" {
            out.push(Stay {
                kind: StayKind::Row,
                what: format!("{}: {} to {}", row.id, row.source, row.destination),
                why: match (&row.note, row.support.as_str()) {
                    (Some(note), _) => note.clone(),
                    (None, "none") => "it does not move".to_owned(),
                    (None, _) => "a person moves it".to_owned(),
                },
            });
        }
    }
    let objects = &mapping.source.objects;
    for handoff in &mapping.handoffs {
        let title = objects
            .get(handoff.from.ix())
            .map_or("", |o| o.title.as_str());
        out.push(Stay {
            kind: StayKind::Document,
            what: format!("{} (from {title})", handoff.name),
            why: handoff
                .say
                .clone()
                .unwrap_or_else(|| "leaves as a document for a person".to_owned()),
        });
    }
    for (object, rows) in objects.iter().zip(&mapping.splits) {
        for row in rows {
            if let SplitTo::Drop(reason) = &row.to {
                out.push(Stay {
                    kind: StayKind::Dropped,
                    what: object.title.clone(),
                    why: reason.clone(),
                });
            }
        }
    }
    for (object, why) in &mapping.ignored_objects {
        out.push(Stay {
            kind: StayKind::Ignored,
            what: objects
                .get(object.ix())
                .map_or_else(String::new, |o| o.title.clone()),
            why: why.clone(),
        });
    }
    for (object, field, why) in &mapping.ignored {
        let Some(object) = objects.get(object.ix()) else {
            continue;
        };
        let field = object.fields.get(field.ix()).map_or("", |f| &f.label);
        out.push(Stay {
            kind: StayKind::Ignored,
            what: format!("{}: {field}", object.title),
            why: why.clone(),
        });
    }
    out
}

/// What people do before the load.
fn before(plan: &Plan) -> Vec<String> {
    plan.manifest
        .by_hand
        .iter()
        .filter(|item| !matches!(item, crate::plan::ByHand::Handoff { .. }))
        .map(|item| by_hand_words(plan, item))
        .collect()
}

fn steps(plan: &Plan) -> Vec<StepLine> {
    let mapping = &*plan.mapping;
    let title = |objects: &[crate::platform::Object], id: crate::ident::ObjectId| {
        objects
            .get(id.ix())
            .map_or_else(String::new, |o| o.title.clone())
    };
    plan.batches
        .iter()
        .enumerate()
        .flat_map(|(batch, ids)| ids.iter().map(move |id| (batch + 1, *id)))
        .filter_map(|(batch, id)| {
            let step = plan.step(id)?;
            Some(StepLine {
                batch,
                step: step.name.clone(),
                from: title(&mapping.source.objects, step.from),
                to: title(&mapping.destination.objects, step.to),
                load: load_words(plan, step, plan.load(id)),
                fields: step.fields.len(),
            })
        })
        .collect()
}

fn graded(grade: &Grade) -> GradeBox {
    GradeBox {
        letter: grade.letter,
        points: grade.points,
        ranges: ranges(),
        areas: Area::ALL
            .iter()
            .map(|(area, title)| AreaBox {
                title: (*title).to_owned(),
                points: grade.points_of(*area),
                items: grade
                    .items
                    .iter()
                    .filter(|i| i.area == *area)
                    .map(|i| ItemLine {
                        id: i.id.to_owned(),
                        say: i.say.clone(),
                        of: i.of.clone(),
                        weight: i.weight,
                        points: i.points,
                    })
                    .collect(),
            })
            .collect(),
    }
}

/// The letters with their ranges: `A to 24, B to 90, C to 160, D above`.
fn ranges() -> String {
    let mut parts: Vec<String> = grade::LETTERS
        .iter()
        .map(|(letter, most)| format!("{letter} to {most}"))
        .collect();
    parts.push(format!("{} above", grade::WORST));
    parts.join(", ")
}

fn timeline(plan: &Plan, input: &Input<'_>) -> Vec<Load> {
    let load = |(basis, estimate): &(String, Estimate)| Load {
        basis: basis.clone(),
        calls: estimate.calls,
        calls_words: grouped(estimate.calls),
        not_counted: estimate
            .unknown
            .iter()
            .map(|id| plan.name(*id).to_owned())
            .collect(),
        tiers: estimate
            .tiers
            .iter()
            .map(|hours| TierTime {
                tier: hours.tier.clone(),
                this_account: input.tier.is_some() && hours.tier.as_deref() == input.tier,
                seconds: hours.time.as_secs(),
                time: duration_words(hours),
            })
            .collect(),
    };
    input.estimates.iter().map(load).collect()
}
