//! What changed between runs: what a run is going to do, what both sides changed, what the source no longer has.

use super::books::count;
use crate::event::Event;
use serde::Serialize;
use std::collections::BTreeMap;

/// What was going to happen to the records of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StepPreview {
    /// The step.
    pub step: String,
    /// Not at the destination yet, as far as the ledger knew.
    pub new: u64,
    /// At the destination with other content.
    pub changed: u64,
    /// At the destination as they are.
    pub unchanged: u64,
    /// Held, or refused and not changed since.
    pub waiting: u64,
    /// Of the changed ones: how many by destination field.
    pub fields: BTreeMap<String, u64>,
}

/// A field that changed at the source and, by people, at the destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConflictGroup {
    /// The step.
    pub step: String,
    /// The destination field.
    pub field: String,
    /// What was done: `keep`, `overwrite`, `hold`.
    pub policy: String,
    /// In how many records.
    pub records: u64,
    /// The first few.
    pub examples: Vec<ConflictExample>,
}

/// A record with both values, masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConflictExample {
    /// The source record's key.
    pub key: String,
    /// The value of the source, masked.
    pub source: String,
    /// The value of the destination, masked.
    pub destination: String,
}

/// Examples of a conflict that a report shows.
pub const EXAMPLES: usize = 3;

/// What a step is going to do, for people; `None` when there is nothing to do, or it is another event.
pub fn preview_line(event: &Event) -> Option<String> {
    let Event::Previewed {
        step,
        new,
        changed,
        unchanged,
        fields,
        ..
    } = event
    else {
        return None;
    };
    (new + changed > 0).then(|| preview_words(step, *new, *changed, *unchanged, fields))
}

fn preview_words(
    step: &str,
    new: u64,
    changed: u64,
    unchanged: u64,
    fields: &BTreeMap<String, u64>,
) -> String {
    let by_field: Vec<String> = fields.iter().map(|(f, n)| format!("{f} {n}")).collect();
    let by_field = match by_field.is_empty() {
        true => String::new(),
        false => format!(" ({})", by_field.join(", ")),
    };
    format!("  {step}: to create {new}, to change {changed}{by_field}, unchanged {unchanged}")
}

/// Appends the conflicts to a report for people.
pub fn push_conflicts(out: &mut String, groups: &[ConflictGroup]) {
    if groups.is_empty() {
        return;
    }
    out.push_str("\nChanged at both sides since it was written\n");
    for g in groups {
        let done = match g.policy.as_str() {
            "overwrite" => "the source's value was written",
            "hold" => "held for a decision",
            _ => "the destination's value stays",
        };
        let examples: Vec<String> = g
            .examples
            .iter()
            .map(|e| {
                format!(
                    "{}: source \"{}\", destination \"{}\"",
                    e.key, e.source, e.destination
                )
            })
            .collect();
        out.push_str(&format!(
            "  {} {}.{}: {done} (for example {})\n",
            count(g.records, "record"),
            g.step,
            g.field,
            examples.join("; ")
        ));
    }
}
