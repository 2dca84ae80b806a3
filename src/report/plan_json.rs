//! A plan for machines: `transload plan --format json`.
//!
//! The shape is an interface: members are added, never renamed. No secret and no record is in it.

use super::plan_text::{by_hand_words, destination, field_name, source};
use crate::plan::{ByHand, Estimate, Load, Plan, Reason};
use serde_json::{Value, json};

/// The version of the shape.
pub const VERSION: &str = "transload/plan/v1";

/// The plan as JSON.
pub fn render(plan: &Plan, estimate: Option<&Estimate>) -> Value {
    let mapping = &plan.mapping;
    json!({
        "version": VERSION,
        "mapping": mapping.name,
        "source": mapping.source.name,
        "destination": mapping.destination.name,
        "hash": plan.hash(),
        "batches": plan.batches.iter().map(|batch| {
            batch.iter().map(|id| plan.name(*id)).collect::<Vec<_>>()
        }).collect::<Vec<_>>(),
        "steps": plan.batches.iter().flatten().filter_map(|id| {
            let step = plan.step(*id)?;
            Some(json!({
                "step": step.name,
                "from": source(plan, step),
                "to": destination(plan, step),
                "load": load(plan, step.to, plan.load(*id)),
                "hash": plan.fingerprints.steps.get(id.ix()).map(ToString::to_string),
                "fields": step.fields.iter().enumerate().map(|(i, _)| json!({
                    "field": field_name(plan, step, i),
                    "hash": plan.fingerprints.fields.get(id.ix()).and_then(|f| f.get(i)).map(ToString::to_string),
                })).collect::<Vec<_>>(),
            }))
        }).collect::<Vec<_>>(),
        "edges": plan.edges.iter().map(|edge| {
            let field = match edge.reason {
                Reason::Field(field) => plan.step(edge.then).map(|s| field_name(plan, s, field)),
                Reason::After | Reason::When => None,
            };
            json!({
                "first": plan.name(edge.first),
                "then": plan.name(edge.then),
                "field": field,
                "deferred": edge.deferred,
            })
        }).collect::<Vec<_>>(),
        "second_pass": plan.deferred.iter().filter_map(|deferred| {
            let step = plan.step(deferred.step)?;
            Some(json!({"step": step.name, "field": field_name(plan, step, deferred.field)}))
        }).collect::<Vec<_>>(),
        "custom_fields": {
            "by_hand": plan.manifest.fields_by_hand,
            "objects": plan.manifest.objects.iter().map(|need| json!({
                "object": object(plan, need.object),
                "fields": need.fields.iter().map(|field| json!({
                    "label": field.label,
                    "name": field.name,
                    "type": field.data_type.name(),
                    "vendor_type": field.vendor,
                    "choices": field.choices,
                    "choices_observed": field.has_choices() && field.choices.is_none(),
                    "steps": field.steps,
                })).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
        },
        "by_hand": plan.manifest.by_hand.iter().map(|item| json!({
            "kind": match item {
                ByHand::Records { .. } => "records",
                ByHand::Quiesce { .. } => "quiesce",
                ByHand::Handoff { .. } => "handoff",
            },
            "say": by_hand_words(plan, item),
        })).collect::<Vec<_>>(),
        "estimate": estimate.map(|e| costs(plan, e)),
    })
}

fn object(plan: &Plan, id: crate::ident::ObjectId) -> Option<&str> {
    let objects = &plan.mapping.destination.objects;
    objects.get(id.ix()).map(|o| o.name.as_str())
}

fn load(plan: &Plan, to: crate::ident::ObjectId, load: &Load) -> Value {
    let field = |id: crate::ident::FieldId| {
        let objects = &plan.mapping.destination.objects;
        objects
            .get(to.ix())
            .and_then(|o| o.fields.get(id.ix()))
            .map(|f| f.name.as_str())
    };
    match load {
        Load::Bulk { key, size } => json!({"kind": "bulk", "key": field(*key), "size": size}),
        Load::Upsert { key } => json!({"kind": "upsert", "key": field(*key)}),
        Load::Single { create, update } => {
            json!({"kind": "single", "create": create, "update": update})
        }
        Load::Members { size } => json!({"kind": "members", "size": size}),
        Load::Use => json!({"kind": "use"}),
        Load::ByHand => json!({"kind": "by_hand"}),
        Load::File => json!({"kind": "file"}),
    }
}

fn costs(plan: &Plan, estimate: &Estimate) -> Value {
    let mut costs = calls_and_hours(plan, estimate);
    if let (Some(p), Some(members)) = (&estimate.paced, costs.as_object_mut()) {
        let paced = json!({
            "pace": p.pace,
            "days": p.days,
            "listing": p.listing,
            "days_a_week": p.days_a_week,
            "calls_a_day": p.calls_a_day,
        });
        members.insert("paced".to_owned(), paced);
    }
    costs
}

fn calls_and_hours(plan: &Plan, estimate: &Estimate) -> Value {
    json!({
        "steps": plan.batches.iter().flatten().filter_map(|id| {
            let calls = estimate.steps.get(id.ix())?;
            Some(json!({
                "step": plan.name(*id),
                "records": calls.records,
                "at_most": calls.at_most,
                "write": calls.write,
                "jobs": calls.poll,
                "ids": calls.find,
                "second_pass": calls.second_pass,
                "calls": calls.total(),
            }))
        }).collect::<Vec<_>>(),
        "listing": estimate.listing.iter().map(|(id, calls)| json!({
            "object": object(plan, *id),
            "calls": calls,
        })).collect::<Vec<_>>(),
        "calls": estimate.calls,
        "source_calls": estimate.source_calls,
        "not_counted": estimate.unknown.iter().map(|id| plan.name(*id)).collect::<Vec<_>>(),
        "tiers": estimate.tiers.iter().map(|tier| json!({
            "tier": tier.tier,
            "seconds": tier.time.as_secs(),
            "window": tier.window.map(|(max, per)| json!({"calls": max, "seconds": per.as_secs()})),
        })).collect::<Vec<_>>(),
    })
}
