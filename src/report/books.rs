//! The books of a run: what was read, and where each record went.

use super::changes::{self, ConflictGroup, StepPreview};
use crate::{event::Counts, outcome::gate::BatchCount};
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

/// Everything the books show.
#[derive(Clone, Debug, Serialize)]
pub struct RunReport {
    /// Version of this shape.
    pub schema_version: u32,
    /// Name of the mapping.
    pub mapping: String,
    /// The run's number in the ledger.
    pub run: i64,
    /// `completed`, `completed_with_holds`, `stopped` or `aborted`.
    pub outcome: String,
    /// True when nothing was written because nothing was left to write.
    pub nothing_left: bool,
    /// The books by step, in the order of the plan.
    pub steps: Vec<StepBooks>,
    /// What is held, by step and reason.
    pub holds: Vec<HoldGroup>,
    /// What was refused by the destination, by step and reason.
    pub refusals: Vec<HoldGroup>,
    /// What the destination kept otherwise than it was sent, by step and field.
    pub differences: Vec<Difference>,
    /// Files that were sent, by step and by how sure it is that their copies are right.
    pub files: Vec<FileBooks>,
    /// References left blank because nothing is there, by step, field and what they named.
    pub unmatched: Vec<Unmatched>,
    /// The destination's own counts after the batches that made records.
    pub counts: Vec<BatchCount>,
    /// What the run was going to do, by step; empty when no run before came to its end.
    pub preview: Vec<StepPreview>,
    /// What changed at both sides, by step and field.
    pub conflicts: Vec<ConflictGroup>,
    /// Documents for people, written beside the ledger.
    pub documents: Vec<String>,
    /// Calls that read.
    pub calls_read: u64,
    /// Calls that write.
    pub calls_write: u64,
    /// Bytes of joins and merges that outgrew their memory and stood in a file.
    pub overflow_bytes: u64,
    /// Wall time in milliseconds.
    pub elapsed_ms: u64,
    /// Head of the ledger's hash chain, in hex.
    pub ledger_head: String,
}

/// The books of one step.
#[derive(Clone, Debug, Serialize)]
pub struct StepBooks {
    /// The step.
    pub step: String,
    /// The source object.
    pub from: String,
    /// The destination object.
    pub to: String,
    /// The counts.
    #[serde(flatten)]
    pub counts: Counts,
    /// True when they balance.
    pub balanced: bool,
}

/// Records set aside for one reason.
#[derive(Clone, Debug, Serialize)]
pub struct HoldGroup {
    /// The step.
    pub step: String,
    /// The code.
    pub code: String,
    /// The reason in words, of the first one.
    pub words: String,
    /// How many.
    pub records: u64,
    /// Keys of the first few.
    pub examples: Vec<String>,
}

/// Values that the destination keeps otherwise than sent.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// The step.
    pub step: String,
    /// The destination field.
    pub field: String,
    /// How many records.
    pub records: u64,
    /// Keys of the first few.
    pub examples: Vec<String>,
}

/// The files that a step sent, by how sure it is that the copies at the destination are what was sent.
#[derive(Clone, Debug, Serialize)]
pub struct FileBooks {
    /// The step.
    pub step: String,
    /// Read back, or by the destination's checksum: the same.
    pub verified: u64,
    /// The size is the same; nothing else is told.
    pub size_only: u64,
    /// Nothing is told about them.
    pub not_verifiable: u64,
    /// Another content: held as `file_differs`.
    pub differs: u64,
}

/// A reference that was left blank because nothing is there.
#[derive(Clone, Debug, Serialize)]
pub struct Unmatched {
    /// The step.
    pub step: String,
    /// The destination field.
    pub field: String,
    /// What it named; empty for those beyond the number that is kept apart.
    pub value: String,
    /// How many records name it.
    pub records: u64,
    /// Keys of the first few.
    pub examples: Vec<String>,
}

/// References left blank as a sheet: step, field, what they named, how many records, and the first few.
pub fn unmatched_csv(rows: &[Unmatched]) -> String {
    super::sheet::csv(
        &["step", "field", "value", "records", "examples"],
        rows.iter().map(|r| {
            [
                r.step.clone(),
                r.field.clone(),
                r.value.clone(),
                r.records.to_string(),
                r.examples.join(" "),
            ]
        }),
    )
}

impl RunReport {
    /// The sum of all steps.
    pub fn total(&self) -> Counts {
        let mut total = Counts::default();
        for s in &self.steps {
            total.add(&s.counts);
        }
        total
    }
}

/// The report for people.
pub fn render_text(report: &RunReport) -> String {
    let mut out = String::new();
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "step",
        "read",
        "created",
        "updated",
        "unchanged",
        "merged",
        "routed",
        "dropped",
        "held",
        "failed",
        "",
    ]);
    let row = |name: String, c: &Counts, mark: &str| {
        vec![
            name,
            c.read.to_string(),
            c.created.to_string(),
            c.updated.to_string(),
            c.unchanged.to_string(),
            c.merged.to_string(),
            c.routed.to_string(),
            c.dropped.to_string(),
            c.held.to_string(),
            c.failed.to_string(),
            mark.to_owned(),
        ]
    };
    let mark = |balanced| {
        if balanced {
            "balanced"
        } else {
            "DOES NOT BALANCE"
        }
    };
    for s in &report.steps {
        let name = format!("{} ({} -> {})", s.step, s.from, s.to);
        table.add_row(row(name, &s.counts, mark(s.balanced)));
    }
    let total = report.total();
    table.add_row(row("all".to_owned(), &total, mark(total.balanced())));
    for column in table.column_iter_mut().skip(1).take(9) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    out.push_str(&format!(
        "Books of run {} ({})\n\n",
        report.run, report.mapping
    ));
    out.push_str(&trim_lines(&table.to_string()));
    out.push_str(
        "\n\nread = created + updated + unchanged + merged + routed + dropped + held + failed\n",
    );
    if !report.counts.is_empty() {
        out.push_str("\nThe destination's own counts, after each batch that made records\n");
        for counted in &report.counts {
            out.push_str(&format!("  {}\n", counted.line()));
        }
    }
    push_groups(&mut out, "Held, by reason", &report.holds);
    push_groups(&mut out, "Refused by the destination", &report.refusals);
    if !report.differences.is_empty() {
        out.push_str("\nKept otherwise than sent\n");
        for d in &report.differences {
            out.push_str(&format!(
                "  {} {}.{}, for example {}\n",
                count(d.records, "record"),
                d.step,
                d.field,
                d.examples.join(", ")
            ));
        }
    }
    push_files(&mut out, &report.files);
    push_unmatched(&mut out, &report.unmatched);
    changes::push_conflicts(&mut out, &report.conflicts);
    if !report.documents.is_empty() {
        out.push_str("\nFor people\n");
        for d in &report.documents {
            out.push_str(&format!("  {d}\n"));
        }
    }
    out.push_str(&format!(
        "\n{} · {} · {:.1} s · ledger head {}\n",
        count(report.calls_read, "reading call"),
        count(report.calls_write, "writing call"),
        report.elapsed_ms as f64 / 1000.0,
        report.ledger_head.get(..16).unwrap_or(&report.ledger_head),
    ));
    out.push_str(match (report.outcome.as_str(), report.nothing_left) {
        ("stopped", _) => "Stopped cleanly. Run the same command to go on.\n",
        ("paused", _) => "Paused. Run the same command later to go on.\n",
        ("aborted", _) => "Aborted. Run the same command to go on.\n",
        (_, true) if report.holds.is_empty() => "Nothing is left to do; nothing was written.\n",
        (_, true) => {
            "Nothing is left to do; nothing was written. Held records wait: transload holds list\n"
        }
        (_, false) if report.holds.is_empty() => "Done.\n",
        (_, false) => "Done. Held records wait: transload holds list\n",
    });
    out
}

/// Files by how sure their copies are; classes without a file are left out.
fn push_files(out: &mut String, files: &[FileBooks]) {
    if files.is_empty() {
        return;
    }
    out.push_str("\nFiles sent, against their copies\n");
    for f in files {
        let classes = [
            (f.verified, "verified"),
            (f.size_only, "size only"),
            (f.not_verifiable, "not verifiable"),
            (f.differs, "other content"),
        ];
        let words: Vec<String> = classes
            .iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, word)| format!("{n} {word}"))
            .collect();
        out.push_str(&format!("  {}: {}\n", f.step, words.join(", ")));
    }
}

fn push_groups(out: &mut String, title: &str, groups: &[HoldGroup]) {
    if groups.is_empty() {
        return;
    }
    out.push_str(&format!("\n{title}\n"));
    for g in groups {
        out.push_str(&format!(
            "  {:>6}  {}: {}, {} (for example {})\n",
            g.records,
            g.step,
            g.code,
            g.words,
            g.examples.join(", ")
        ));
    }
}

/// Fields with references left blank: how many values, and the first few.
fn push_unmatched(out: &mut String, rows: &[Unmatched]) {
    if rows.is_empty() {
        return;
    }
    out.push_str("\nLeft blank: nothing is there\n");
    for same in rows.chunk_by(|a, b| a.step == b.step && a.field == b.field) {
        let records: u64 = same.iter().map(|r| r.records).sum();
        let few: Vec<&str> = same.iter().take(3).map(|r| r.value.as_str()).collect();
        let first = &same[0];
        out.push_str(&format!(
            "  {records:>6}  {}.{}: {}, for example {}\n",
            first.step,
            first.field,
            count(same.len() as u64, "value"),
            few.join(", ")
        ));
    }
}

/// `1 call`, `2 calls`.
pub(super) fn count(n: u64, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

fn trim_lines(text: &str) -> String {
    text.lines()
        .map(str::trim_end)
        .collect::<Vec<_>>()
        .join("\n")
}

/// The report for machines.
pub fn render_json(report: &RunReport) -> String {
    serde_json::to_string_pretty(report).unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::gate::Verdict;

    fn sample(nothing_left: bool) -> RunReport {
        RunReport {
            schema_version: 1,
            mapping: "a--b".into(),
            run: 3,
            outcome: "completed_with_holds".into(),
            nothing_left,
            steps: vec![StepBooks {
                step: "contact".into(),
                from: "contact".into(),
                to: "person".into(),
                counts: Counts {
                    read: 10,
                    created: 6,
                    updated: 1,
                    unchanged: 0,
                    merged: 1,
                    routed: 0,
                    dropped: 0,
                    held: 2,
                    failed: 0,
                },
                balanced: true,
            }],
            holds: vec![HoldGroup {
                step: "contact".into(),
                code: "required".into(),
                words: "`email` is required at the destination".into(),
                records: 2,
                examples: vec!["7".into(), "9".into()],
            }],
            refusals: vec![],
            differences: vec![],
            files: vec![],
            unmatched: vec![],
            counts: vec![BatchCount {
                batch: 1,
                object: "person".into(),
                before: Some(4),
                made: 6,
                expected: Some(10),
                found: Some(10),
                verdict: Verdict::Balanced,
                missing: vec![],
                missing_records: 0,
            }],
            preview: vec![],
            conflicts: vec![],
            documents: vec![],
            calls_read: 1,
            calls_write: 7,
            overflow_bytes: 0,
            elapsed_ms: 1234,
            ledger_head: "00112233445566778899".into(),
        }
    }

    #[test]
    fn text_shows_the_equation_and_the_reasons() {
        insta::assert_snapshot!(render_text(&sample(false)));
    }

    #[test]
    fn json_and_text_agree_on_the_sum() {
        let report = sample(true);
        let json: serde_json::Value = serde_json::from_str(&render_json(&report)).expect("json");
        assert_eq!(json["steps"][0]["held"], 2);
        assert!(render_text(&report).contains("nothing was written"));
    }
}
