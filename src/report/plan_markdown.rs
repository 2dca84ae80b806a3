//! A plan as Markdown: for a page, a ticket, a pull request.

use super::{
    document::{Block, markdown},
    plan_text::{
        by_hand_words, destination, duration_words, field_name, load_words, paced_words, source,
    },
    preflight,
};
use crate::plan::{Estimate, Plan, Preflight};

/// The plan with what stands before its run.
pub fn render(
    plan: &Plan,
    estimate: Option<&Estimate>,
    tier: Option<&str>,
    flight: &Preflight,
) -> String {
    let mapping = &plan.mapping;
    let mut out = vec![
        Block::Heading(1, format!("Plan of {}", mapping.name)),
        Block::Line(format!(
            "{} to {}, plan {}",
            mapping.source.title,
            mapping.destination.title,
            plan.fingerprints.plan.short()
        )),
    ];
    out.extend(preflight::blocks(flight));
    out.push(Block::Heading(2, "Steps".to_owned()));
    let steps = plan.batches.iter().enumerate().flat_map(|(n, batch)| {
        batch.iter().filter_map(move |id| {
            let step = plan.step(*id)?;
            let records = estimate
                .and_then(|e| e.steps.get(id.ix()))
                .and_then(|s| s.records)
                .map_or_else(|| "not known".to_owned(), |n| n.to_string());
            Some(vec![
                (n + 1).to_string(),
                step.name.clone(),
                format!("{} to {}", source(plan, step), destination(plan, step)),
                load_words(plan, step, plan.load(*id)),
                records,
            ])
        })
    });
    out.push(Block::Rows(
        vec!["batch", "step", "from and to", "how", "records at most"],
        steps.collect(),
    ));
    let second: Vec<String> = plan
        .deferred
        .iter()
        .filter_map(|d| {
            let step = plan.step(d.step)?;
            Some(format!("{}.{}", step.name, field_name(plan, step, d.field)))
        })
        .collect();
    if !second.is_empty() {
        out.push(Block::Line(format!("Second pass: {}", second.join(", "))));
    }
    if !plan.manifest.by_hand.is_empty() {
        out.push(Block::Heading(2, "By hand".to_owned()));
        let items = plan.manifest.by_hand.iter();
        out.push(Block::Items(
            items
                .map(|i| format!("[ ] {}", by_hand_words(plan, i)))
                .collect(),
        ));
    }
    if let Some(estimate) = estimate {
        out.push(Block::Heading(2, "Calls and hours".to_owned()));
        out.push(Block::Line(format!(
            "{} calls at the destination, if every record is new and none is held or fails",
            estimate.calls
        )));
        let rows = estimate.tiers.iter().map(|t| {
            let name = t.tier.clone().unwrap_or_else(|| "any".to_owned());
            let ours = tier.is_some() && t.tier.as_deref() == tier;
            vec![
                name,
                duration_words(t),
                if ours { "this account" } else { "" }.to_owned(),
            ]
        });
        out.push(Block::Rows(vec!["tier", "time", ""], rows.collect()));
        if let Some(paced) = &estimate.paced {
            out.push(Block::Line(paced_words(paced)));
        }
    }
    markdown(&out)
}
