//! A reconciliation as text, JSON and Markdown. Values are masked unless asked for.

use super::mask::{masked, shortened};
use crate::outcome::reconcile::{Finding, Kind, Reconciliation};
use comfy_table::{CellAlignment, Table, presets};
use std::collections::BTreeMap;

/// Examples of each group of findings.
const EXAMPLES: usize = 5;

/// Masks the values of all findings, so that the result can be shown to everybody.
pub fn mask(report: &mut Reconciliation) {
    for finding in &mut report.findings {
        for text in [&mut finding.expected, &mut finding.found]
            .into_iter()
            .flatten()
        {
            *text = masked(text);
        }
    }
}

const STEP_HEADER: [&str; 15] = [
    "step",
    "read",
    "loaded",
    "merged",
    "routed",
    "dropped",
    "held",
    "",
    "expected",
    "found",
    "missing",
    "doubled",
    "unchecked",
    "compared",
    "differing",
];

fn step_rows(report: &Reconciliation) -> Vec<Vec<String>> {
    let rows = report.steps.iter().map(|s| {
        let n = |n: u64| n.to_string();
        vec![
            format!("{} ({} -> {})", s.step, s.from, s.to),
            n(s.read),
            n(s.loaded),
            n(s.merged),
            n(s.routed),
            n(s.dropped),
            n(s.held_total()),
            match s.balanced {
                true => "balanced".to_owned(),
                false => "DOES NOT BALANCE".to_owned(),
            },
            n(s.expected),
            n(s.found),
            n(s.missing),
            n(s.doubled),
            n(s.unchecked),
            n(s.compared),
            n(s.differing),
        ]
    });
    rows.collect()
}

const OBJECT_HEADER: [&str; 6] = [
    "object",
    "at the destination",
    "explained",
    "doubled",
    "extra",
    "",
];

fn object_rows(report: &Reconciliation) -> Vec<Vec<String>> {
    let rows = report.objects.iter().map(|o| {
        vec![
            o.object.clone(),
            o.there.map_or("not known".to_owned(), |n| n.to_string()),
            o.explained.to_string(),
            o.doubled.to_string(),
            o.extra.to_string(),
            o.note.clone().unwrap_or_default(),
        ]
    });
    rows.collect()
}

/// Findings of one kind about one field of one step.
struct Group<'r> {
    step: &'r str,
    kind: Kind,
    field: &'r str,
    how: &'static str,
    all: Vec<&'r Finding>,
}

fn groups(report: &Reconciliation) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<_, Group<'_>> = BTreeMap::new();
    for f in &report.findings {
        let field = f.field.as_deref().unwrap_or("");
        let group = groups
            .entry((&f.step, f.kind, field, f.how))
            .or_insert_with(|| Group {
                step: &f.step,
                kind: f.kind,
                field,
                how: f.how.map_or("", |h| h.words()),
                all: Vec::new(),
            });
        group.all.push(f);
    }
    groups.into_values().collect()
}

impl Group<'_> {
    fn title(&self) -> String {
        let mut out = self.step.to_owned();
        if !self.field.is_empty() {
            out.push('.');
            out.push_str(self.field);
        }
        out.push_str(": ");
        out.push_str(self.kind.words());
        if !self.how.is_empty() {
            out.push_str(", ");
            out.push_str(self.how);
        }
        out
    }
}

fn example(f: &Finding) -> String {
    let mut out = f.key.clone();
    if f.part > 0 {
        out.push_str(&format!(" part {}", f.part + 1));
    }
    if let Some(id) = &f.id {
        out.push_str(&format!(" ({} {id})", f.object));
    }
    if let (Some(expected), Some(found)) = (&f.expected, &f.found) {
        out.push_str(&format!(
            ": \"{}\" became \"{}\"",
            shortened(expected),
            shortened(found)
        ));
    }
    if let Some(note) = &f.note {
        out.push_str(&format!(": {note}"));
    }
    out
}

/// The sentence that says whether all is well.
fn verdict(report: &Reconciliation) -> String {
    let compared: u64 = report.steps.iter().map(|s| s.compared).sum();
    let expected: u64 = report.steps.iter().map(|s| s.expected).sum();
    let scope = match report.sample {
        None => "all".to_owned(),
        Some(n) => format!("about {n} of each step"),
    };
    match report.findings_total {
        0 => format!(
            "nothing is wrong: {expected} records expected, values of {compared} compared ({scope})"
        ),
        n => format!(
            "{n} findings: {expected} records expected, values of {compared} compared ({scope})"
        ),
    }
}

/// For people.
pub fn render_text(report: &Reconciliation) -> String {
    let mut out = format!(
        "Reconciliation of {} with {}\n{}\n\n",
        report.mapping,
        report.destination,
        verdict(report)
    );
    out.push_str(&table(&STEP_HEADER, step_rows(report), &[0, 7]));
    out.push_str("\nread = loaded + merged + routed + dropped + held; expected = found + missing + unchecked\n\n");
    out.push_str(&table(&OBJECT_HEADER, object_rows(report), &[0, 5]));
    out.push('\n');
    let groups = groups(report);
    if !groups.is_empty() {
        out.push_str("\nfindings\n");
        for g in &groups {
            out.push_str(&format!("  {:>6}  {}\n", g.all.len(), g.title()));
            for f in g.all.iter().take(EXAMPLES) {
                out.push_str(&format!("            {}\n", example(f)));
            }
        }
    }
    if !report.unassigned.is_empty() {
        out.push_str("\nnot at the destination, though others name it\n");
        for u in &report.unassigned {
            out.push_str(&format!(
                "  {:>6}  {} {}: {}\n",
                u.references,
                u.step,
                u.key,
                match u.fallback {
                    true => "the fallback stands in",
                    false => "what names it waits",
                }
            ));
        }
    }
    if !report.unmatched.is_empty() {
        out.push_str("\nvalues without a row in their map\n");
        for u in &report.unmatched {
            out.push_str(&format!(
                "  {:>6}  {}.{}: \"{}\"\n",
                u.records,
                u.step,
                u.field,
                shortened(&u.value)
            ));
        }
    }
    let held = held(report);
    if !held.is_empty() {
        out.push_str("\nset aside by the mapping\n");
        for (step, code, n) in held {
            out.push_str(&format!("  {n:>6}  {step}: {code}\n"));
        }
    }
    out
}

fn held(report: &Reconciliation) -> Vec<(&str, &str, u64)> {
    let all = report.steps.iter().flat_map(|s| {
        let codes = s.held.iter();
        codes.map(|(code, n)| (s.step.as_str(), code.as_str(), *n))
    });
    all.collect()
}

/// For machines.
pub fn render_json(report: &Reconciliation) -> String {
    serde_json::to_string_pretty(report).unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}"))
}

/// For a page or a comment.
pub fn render_markdown(report: &Reconciliation) -> String {
    let mut out = format!(
        "# Reconciliation of {} with {}\n\n{}\n\n## Steps\n\n",
        report.mapping,
        report.destination,
        verdict(report)
    );
    out.push_str(&markdown(&STEP_HEADER, step_rows(report)));
    out.push_str("\n## Objects\n\n");
    out.push_str(&markdown(&OBJECT_HEADER, object_rows(report)));
    let groups = groups(report);
    if !groups.is_empty() {
        out.push_str("\n## Findings\n\n");
        let rows = groups.iter().map(|g| {
            let examples = g.all.iter().take(EXAMPLES).map(|f| example(f));
            vec![
                g.all.len().to_string(),
                g.title(),
                examples.collect::<Vec<_>>().join("<br>"),
            ]
        });
        out.push_str(&markdown(&["records", "what", "examples"], rows.collect()));
    }
    if !report.unassigned.is_empty() {
        out.push_str("\n## Not at the destination, though others name it\n\n");
        let rows = report.unassigned.iter().map(|u| {
            vec![
                u.step.clone(),
                u.key.clone(),
                u.references.to_string(),
                match u.fallback {
                    true => "the fallback stands in".to_owned(),
                    false => "what names it waits".to_owned(),
                },
            ]
        });
        out.push_str(&markdown(&["step", "record", "named", ""], rows.collect()));
    }
    if !report.unmatched.is_empty() {
        out.push_str("\n## Values without a row in their map\n\n");
        let rows = report.unmatched.iter().map(|u| {
            vec![
                format!("{}.{}", u.step, u.field),
                shortened(&u.value),
                u.records.to_string(),
            ]
        });
        out.push_str(&markdown(&["field", "value", "records"], rows.collect()));
    }
    out
}

/// A table for people, numbers to the right but for the columns at `left`.
pub(super) fn table(header: &[&str], rows: Vec<Vec<String>>, left: &[usize]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header);
    table.add_rows(rows);
    for (at, column) in table.column_iter_mut().enumerate() {
        if !left.contains(&at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines: Vec<String> = table
        .to_string()
        .lines()
        .map(|l| l.trim_end().to_owned())
        .collect();
    lines.join("\n")
}

/// A table in Markdown.
pub(super) fn markdown(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut out = line(header.iter().map(|h| (*h).to_owned()).collect());
    out.push_str(&line(vec!["---".to_owned(); header.len()]));
    for row in rows {
        let cells = row
            .into_iter()
            .map(|c| c.replace('|', "\\|").replace('\n', " "));
        out.push_str(&line(cells.collect()));
    }
    out
}
