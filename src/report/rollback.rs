//! A rollback, or its preview, as text, JSON and Markdown.

use super::reconcile::{markdown, table};
use crate::outcome::rollback::{Left, Rollback};
use std::collections::BTreeMap;

/// Examples of each reason.
const EXAMPLES: usize = 10;

fn title(report: &Rollback) -> String {
    match report.preview {
        true => format!(
            "Preview of a rollback of {} at {}: nothing was written",
            report.mapping, report.destination
        ),
        false => format!("Rollback of {} at {}", report.mapping, report.destination),
    }
}

fn sentences(report: &Rollback) -> Vec<String> {
    let mut all = Vec::new();
    if report.nothing_left {
        all.push("nothing is left to undo".to_owned());
    }
    if let (Some(loaded), Some(until)) = (&report.loaded, &report.until) {
        all.push(format!("last loaded {loaded}; can be undone until {until}"));
    }
    let days = report.steps.iter().filter_map(|s| s.bin_seconds).min();
    if let Some(seconds) = days {
        all.push(format!(
            "what is removed can be brought back from the destination's recycle bin for {} days",
            seconds / 86_400
        ));
    }
    all
}

fn header(report: &Rollback) -> [&'static str; 8] {
    match report.preview {
        true => [
            "step",
            "object",
            "to remove",
            "gone",
            "to restore",
            "untouched",
            "stay",
            "by hand",
        ],
        false => [
            "step",
            "object",
            "removed",
            "gone",
            "restored",
            "untouched",
            "stay",
            "by hand",
        ],
    }
}

fn rows(report: &Rollback) -> Vec<Vec<String>> {
    let rows = report.steps.iter().map(|s| {
        vec![
            s.step.clone(),
            s.object.clone(),
            s.removed.to_string(),
            s.gone.to_string(),
            s.restored.to_string(),
            s.untouched.to_string(),
            s.kept.to_string(),
            s.by_hand.to_string(),
        ]
    });
    rows.collect()
}

/// Records by step and reason; the reasons that name another record are told one by one.
fn by_reason(all: &[Left]) -> Vec<(&str, &str, Vec<&Left>)> {
    let mut groups: BTreeMap<(&str, &str), Vec<&Left>> = BTreeMap::new();
    for one in all {
        groups.entry((&one.step, &one.why)).or_default().push(one);
    }
    groups
        .into_iter()
        .map(|((step, why), all)| (step, why, all))
        .collect()
}

fn named(left: &Left) -> String {
    let mut out = left.key.clone();
    if left.part > 0 {
        out.push_str(&format!(" part {}", left.part + 1));
    }
    if !left.id.is_empty() {
        out.push_str(&format!(" ({} {})", left.object, left.id));
    }
    if !left.fields.is_empty() {
        out.push_str(&format!(": {}", left.fields.join(", ")));
    }
    out
}

/// For people.
pub fn render_text(report: &Rollback) -> String {
    let mut out = format!("{}\n", title(report));
    for sentence in sentences(report) {
        out.push_str(&sentence);
        out.push('\n');
    }
    if !report.steps.is_empty() {
        out.push('\n');
        out.push_str(&table(&header(report), rows(report), &[0, 1]));
        out.push('\n');
    }
    for (title, all) in [
        ("these stay", &report.kept),
        ("these only a person can remove", &report.by_hand),
    ] {
        if all.is_empty() {
            continue;
        }
        out.push_str(&format!("\n{title}\n"));
        for (step, why, all) in by_reason(all) {
            out.push_str(&format!("  {:>6}  {step}: {why}\n", all.len()));
            for one in all.iter().take(EXAMPLES).filter(|l| !l.key.is_empty()) {
                out.push_str(&format!("            {}\n", named(one)));
            }
        }
    }
    out
}

/// For machines.
pub fn render_json(report: &Rollback) -> String {
    serde_json::to_string_pretty(report).unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}"))
}

/// For a page or a ticket.
pub fn render_markdown(report: &Rollback) -> String {
    let mut out = format!("# {}\n\n", title(report));
    for sentence in sentences(report) {
        out.push_str(&format!("{sentence}\n\n"));
    }
    if !report.steps.is_empty() {
        out.push_str(&markdown(&header(report), rows(report)));
    }
    for (title, all) in [
        ("These stay", &report.kept),
        ("These only a person can remove", &report.by_hand),
    ] {
        if all.is_empty() {
            continue;
        }
        out.push_str(&format!("\n## {title}\n\n"));
        let rows = by_reason(all).into_iter().map(|(step, why, all)| {
            let examples = all.iter().take(EXAMPLES).map(|l| named(l));
            vec![
                all.len().to_string(),
                step.to_owned(),
                why.to_owned(),
                examples.collect::<Vec<_>>().join("<br>"),
            ]
        });
        out.push_str(&markdown(
            &["records", "step", "why", "which"],
            rows.collect(),
        ));
    }
    out
}
