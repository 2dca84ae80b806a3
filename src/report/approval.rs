//! An approval as text, JSON and Markdown.

use crate::ledger::Approval;
use serde::Serialize;

/// An approval that was written into the ledger.
#[derive(Clone, Debug, Serialize)]
pub struct ApprovalReport {
    /// Version of this shape.
    pub schema_version: u32,
    /// Name of the mapping.
    pub mapping: String,
    /// Its number among the runs of the ledger.
    pub run: i64,
    /// When, in UTC.
    pub at: String,
    /// Who approved what.
    #[serde(flatten)]
    pub approval: Approval,
    /// Everybody who has approved exactly this, each name once.
    pub people: Vec<String>,
    /// How many must.
    pub needed: u32,
    /// Records of the sample.
    pub records: u64,
    /// Records of the export.
    pub of: u64,
    /// Head of the ledger's hash chain, in hex.
    pub ledger_head: String,
}

/// What is still lacking; `None` where enough people have approved.
fn lacking(report: &ApprovalReport) -> Option<String> {
    let have = report.people.len();
    ((have as u64) < u64::from(report.needed)).then(|| {
        format!(
            "{have} of {} people have approved it ({}): a run waits for the others",
            report.needed,
            report.people.join(", ")
        )
    })
}

/// The approval for people.
pub fn render_text(report: &ApprovalReport) -> String {
    let mut out = format!(
        "{}: sample of {} of {} records approved by {}\n",
        report.mapping, report.records, report.of, report.approval.by
    );
    if let Some(note) = &report.approval.note {
        out.push_str(&format!("  {note}\n"));
    }
    for finding in &report.approval.accepted {
        out.push_str(&format!("  accepted: {finding}\n"));
    }
    if let Some(lacking) = lacking(report) {
        out.push_str(&format!("{lacking}\n"));
    }
    out.push_str(&format!(
        "It holds for these specs, this schema and this engine ({} parts); ledger head {}\n",
        report.approval.parts.len(),
        report.ledger_head.get(..16).unwrap_or(&report.ledger_head)
    ));
    out
}

/// The approval for machines.
pub fn render_json(report: &ApprovalReport) -> String {
    serde_json::to_string_pretty(report).unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}"))
}

/// The approval for a pull request.
pub fn render_markdown(report: &ApprovalReport) -> String {
    let mut out = format!(
        "# Approval of {}\n\nSample of {} of {} records, approved by {} at {}.\n",
        report.mapping, report.records, report.of, report.approval.by, report.at
    );
    if let Some(lacking) = lacking(report) {
        out.push_str(&format!("\n{lacking}.\n"));
    }
    if let Some(note) = &report.approval.note {
        out.push_str(&format!("\n> {}\n", note.replace('\n', "\n> ")));
    }
    if !report.approval.accepted.is_empty() {
        out.push_str("\n## Accepted\n\n");
        for finding in &report.approval.accepted {
            out.push_str(&format!("- {finding}\n"));
        }
    }
    out.push_str("\n## Parts\n\n| part | hash |\n| --- | --- |\n");
    for (part, hash) in &report.approval.parts {
        out.push_str(&format!(
            "| {part} | {} |\n",
            hash.get(..12).unwrap_or(hash)
        ));
    }
    out.push_str(&format!("\nLedger head `{}`\n", report.ledger_head));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_say_who_and_what() {
        let report = ApprovalReport {
            schema_version: 1,
            mapping: "a--b".into(),
            run: 2,
            at: "2026-01-01T00:00:00Z".into(),
            approval: Approval {
                by: "Ann".into(),
                note: Some("looked at all of them".into()),
                parts: [("engine".to_owned(), "1.0".to_owned())].into(),
                accepted: vec!["contact.phone: 2 dropped".into()],
            },
            people: vec!["Ann".into()],
            needed: 2,
            records: 300,
            of: 900,
            ledger_head: "00112233445566778899".into(),
        };
        for text in [
            render_text(&report),
            render_json(&report),
            render_markdown(&report),
        ] {
            for part in [
                "Ann",
                "looked at all of them",
                "contact.phone: 2 dropped",
                "2",
            ] {
                assert!(text.contains(part), "{text}");
            }
        }
    }
}
