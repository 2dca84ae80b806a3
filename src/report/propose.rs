//! Proposals and their measure, for people and machines.

use crate::{
    ident::ObjectId,
    platform::Platform,
    propose::{Candidate, Measure, Proposal},
};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Version of the JSON shapes.
const SCHEMA_VERSION: u32 = 1;

fn name(platform: &Platform, object: ObjectId) -> &str {
    platform.objects.get(object.ix()).map_or("", |o| &o.name)
}

fn path(source: &Platform, c: &Candidate) -> String {
    let Some(object) = source.objects.get(c.from.object.ix()) else {
        return String::new();
    };
    let field = object.fields.get(c.from.field.ix()).map_or("", |f| &f.name);
    format!("{}.{field}", object.name)
}

/// A table for each pair of objects.
pub fn markdown(source: &Platform, destination: &Platform, proposal: &Proposal) -> String {
    let mut out = format!(
        "# A proposal: {} to {}\n\nNothing runs from it; a person decides about every line.\n",
        source.title, destination.title
    );
    for object in &proposal.objects {
        let Some((to, confidence)) = object.to.first() else {
            let _ = write!(
                out,
                "\n## {}\n\nNo object of the destination fits.\n",
                object.name
            );
            continue;
        };
        let _ = write!(
            out,
            "\n## {} to {} ({confidence:.2})\n\n",
            object.name,
            name(destination, *to)
        );
        let also: Vec<String> = object
            .to
            .iter()
            .skip(1)
            .map(|(o, c)| format!("{} ({c:.2})", name(destination, *o)))
            .collect();
        if !also.is_empty() {
            let _ = write!(out, "Or: {}.\n\n", also.join(", "));
        }
        out.push_str("| field | from | confidence | why | or |\n|---|---|---|---|---|\n");
        let to_object = destination.objects.get(to.ix());
        for field in object.fields.first().into_iter().flatten() {
            let label = to_object
                .and_then(|o| o.fields.get(field.to.ix()))
                .map_or("", |f| &f.name);
            let Some(best) = field.candidates.first() else {
                continue;
            };
            let others: Vec<String> = field
                .candidates
                .iter()
                .skip(1)
                .take(2)
                .map(|c| format!("{} ({:.2})", path(source, c), c.confidence))
                .collect();
            let _ = writeln!(
                out,
                "| {label} | {} | {:.2} | {} | {} |",
                path(source, best),
                best.confidence,
                best.reasons.join("; "),
                others.join(", ")
            );
        }
    }
    out
}

/// The same for machines: every candidate with its reasons.
pub fn json(source: &Platform, destination: &Platform, proposal: &Proposal) -> Value {
    let candidate = |c: &Candidate| {
        json!({
            "from": path(source, c),
            "confidence": rounded(c.confidence),
            "reasons": c.reasons,
        })
    };
    let objects: Vec<Value> = proposal
        .objects
        .iter()
        .map(|object| {
            let to: Vec<Value> = object
                .to
                .iter()
                .zip(&object.fields)
                .map(|((to, confidence), fields)| {
                    let declared = destination.objects.get(to.ix()).map(|o| &o.fields);
                    let fields: Vec<Value> = fields
                        .iter()
                        .map(|f| {
                            let label = declared.and_then(|d| d.get(f.to.ix())).map(|d| &d.name);
                            json!({
                                "field": label,
                                "candidates": f.candidates.iter().map(candidate).collect::<Vec<_>>(),
                            })
                        })
                        .collect();
                    json!({
                        "object": name(destination, *to),
                        "confidence": rounded(*confidence),
                        "fields": fields,
                    })
                })
                .collect();
            json!({"from": object.name, "to": to})
        })
        .collect();
    json!({
        "schema_version": SCHEMA_VERSION,
        "source": source.name,
        "destination": destination.name,
        "objects": objects,
    })
}

fn rounded(confidence: f64) -> f64 {
    (confidence * 1000.0).round() / 1000.0
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of fields are far below 2^53"
)]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

fn together(rows: &[(String, Measure)]) -> Measure {
    Measure::sum(rows.iter().map(|(_, m)| m))
}

/// The measure of several mappings, with a line for all of them.
pub fn measure_markdown(rows: &[(String, Measure)]) -> String {
    let mut out = String::from(
        "| mapping | objects | first | in 3 | fields | top-1 | top-3 | sure and wrong |\n|---|---|---|---|---|---|---|---|\n",
    );
    let all = ("all".to_owned(), together(rows));
    for (name, m) in rows.iter().chain([&all]) {
        let _ = writeln!(
            out,
            "| {name} | {} | {:.2} | {:.2} | {} | {:.3} | {:.3} | {} |",
            m.objects,
            share(m.objects_first, m.objects),
            share(m.objects_third, m.objects),
            m.fields,
            share(m.first, m.fields),
            share(m.third, m.fields),
            m.sure_and_wrong,
        );
    }
    let missed: Vec<String> = rows
        .iter()
        .flat_map(|(name, m)| m.misses.iter().map(move |miss| (name, miss)))
        .map(|(name, miss)| {
            let proposed = match &miss.proposed {
                Some((from, c)) => format!("{from} ({c:.2})"),
                None => "nothing".to_owned(),
            };
            let wanted = if miss.wanted.is_empty() {
                "nothing".to_owned()
            } else {
                miss.wanted.join(" or ")
            };
            format!(
                "- {name} {}.{}: proposed {proposed}, the mapping reads {wanted}\n",
                miss.step, miss.field
            )
        })
        .collect();
    if !missed.is_empty() {
        let _ = write!(out, "\nMissed:\n{}", missed.concat());
    }
    out.trim_end().to_owned()
}

/// The same for machines.
pub fn measure_json(rows: &[(String, Measure)]) -> Value {
    let mappings: serde_json::Map<String, Value> = rows
        .iter()
        .map(|(name, m)| (name.clone(), figures(m)))
        .collect();
    json!({
        "schema_version": SCHEMA_VERSION,
        "mappings": mappings,
        "all": figures(&together(rows)),
    })
}

fn figures(m: &Measure) -> Value {
    json!({
        "objects": m.objects,
        "objects_first": m.objects_first,
        "objects_third": m.objects_third,
        "fields": m.fields,
        "top_1": rounded(share(m.first, m.fields)),
        "top_3": rounded(share(m.third, m.fields)),
        "sure_and_wrong": m.sure_and_wrong,
    })
}
