//! What a delta found and did: created, updated, unchanged, conflicts, and what the source no longer has.

use super::{
    books::{HoldGroup, RunReport},
    changes::{ConflictGroup, StepPreview},
    document::{self, Block},
};
use crate::event::Counts;
use serde::Serialize;

/// The report of a delta.
#[derive(Clone, Debug, Serialize)]
pub struct DeltaReport {
    /// Version of this shape.
    pub schema_version: u32,
    /// Name of the mapping.
    pub mapping: String,
    /// The run's number in the ledger.
    pub run: i64,
    /// The last run before it that came to its end.
    pub after_run: i64,
    /// `completed`, `completed_with_holds`.
    pub outcome: String,
    /// True when nothing was written because nothing was left to write.
    pub nothing_left: bool,
    /// What became of the records, by step.
    pub steps: Vec<DeltaStep>,
    /// What it was going to do, by step, as it was told before.
    pub preview: Vec<StepPreview>,
    /// What changed at both sides, by step and field.
    pub conflicts: Vec<ConflictGroup>,
    /// What is held, by step and reason.
    pub holds: Vec<HoldGroup>,
    /// What was refused by the destination, by step and reason.
    pub refusals: Vec<HoldGroup>,
    /// Records that are at the destination and that the source no longer has there. They stay.
    pub gone: Vec<GoneRecord>,
    /// Steps whose source was asked only for what changed: deletions cannot be seen there.
    pub deletions_unseen: Vec<String>,
    /// Calls that read.
    pub calls_read: u64,
    /// Calls that write.
    pub calls_write: u64,
    /// Head of the ledger's hash chain, in hex.
    pub ledger_head: String,
}

/// What a delta did to the records of one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeltaStep {
    /// The step.
    pub step: String,
    /// The counts.
    #[serde(flatten)]
    pub counts: Counts,
    /// Up to when the source had changes when the step was done last; `None` where its records have no such time.
    pub watermark_before: Option<String>,
    /// The same now.
    pub watermark: Option<String>,
}

/// A record that a step loaded once and that is no longer its record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GoneRecord {
    /// The step.
    pub step: String,
    /// Key of the source record.
    pub key: String,
    /// Its id at the destination.
    pub destination_id: String,
    /// `deleted`, or where it went instead: `routed`, `dropped`, `merged`.
    pub why: String,
}

/// What a delta adds to the report of its run.
pub struct Found {
    /// The last run before it that came to its end.
    pub after_run: i64,
    /// Watermarks by step: before and now.
    pub watermarks: Vec<(String, Option<String>, Option<String>)>,
    /// What is gone.
    pub gone: Vec<GoneRecord>,
    /// Steps whose deletions cannot be seen.
    pub deletions_unseen: Vec<String>,
}

impl DeltaReport {
    /// The report of a run that was a delta.
    pub fn new(run: &RunReport, found: Found) -> DeltaReport {
        DeltaReport {
            schema_version: 1,
            mapping: run.mapping.clone(),
            run: run.run,
            after_run: found.after_run,
            outcome: run.outcome.clone(),
            nothing_left: run.nothing_left,
            steps: run
                .steps
                .iter()
                .map(|s| {
                    let mark = found.watermarks.iter().find(|w| w.0 == s.step);
                    DeltaStep {
                        step: s.step.clone(),
                        counts: s.counts,
                        watermark_before: mark.and_then(|m| m.1.clone()),
                        watermark: mark.and_then(|m| m.2.clone()),
                    }
                })
                .collect(),
            preview: run.preview.clone(),
            conflicts: run.conflicts.clone(),
            holds: run.holds.clone(),
            refusals: run.refusals.clone(),
            gone: found.gone,
            deletions_unseen: found.deletions_unseen,
            calls_read: run.calls_read,
            calls_write: run.calls_write,
            ledger_head: run.ledger_head.clone(),
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        document::text(&self.blocks())
    }

    /// For people, in Markdown.
    pub fn markdown(&self) -> String {
        document::markdown(&self.blocks())
    }

    /// For machines.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}"))
    }

    fn blocks(&self) -> Vec<Block> {
        let title = format!(
            "Delta of {}: run {}, after run {}",
            self.mapping, self.run, self.after_run
        );
        let mut out = vec![Block::Heading(1, title)];
        let rows = self.steps.iter().map(|s| {
            let c = &s.counts;
            let aside = c.merged + c.routed + c.dropped;
            let counts = [c.created, c.updated, c.unchanged, aside, c.held, c.failed];
            let mut row = vec![s.step.clone()];
            row.extend(counts.iter().map(u64::to_string));
            row.push(s.watermark.clone().unwrap_or_default());
            row
        });
        let header = vec![
            "step",
            "created",
            "updated",
            "unchanged",
            "aside",
            "held",
            "failed",
            "changes up to",
        ];
        out.push(Block::Rows(header, rows.collect()));
        if !self.conflicts.is_empty() {
            out.push(Block::Heading(2, "Changed at both sides".to_owned()));
            let rows = self.conflicts.iter().map(|g| {
                let examples: Vec<&str> = g.examples.iter().map(|e| e.key.as_str()).collect();
                vec![
                    format!("{}.{}", g.step, g.field),
                    g.records.to_string(),
                    g.policy.clone(),
                    examples.join(", "),
                ]
            });
            let header = vec!["field", "records", "policy", "for example"];
            out.push(Block::Rows(header, rows.collect()));
        }
        if !self.gone.is_empty() {
            let words = "No longer at the source (nothing is deleted at the destination)";
            out.push(Block::Heading(2, words.to_owned()));
            let rows = self.gone.iter().map(|g| {
                vec![
                    g.step.clone(),
                    g.key.clone(),
                    g.destination_id.clone(),
                    g.why.clone(),
                ]
            });
            let header = vec!["step", "record", "destination", "why"];
            out.push(Block::Rows(header, rows.collect()));
        }
        if !self.deletions_unseen.is_empty() {
            out.push(Block::Line(format!(
                "Deletions were not looked for in {}: only what changed was read, or the policy says so",
                self.deletions_unseen.join(", ")
            )));
        }
        for (title, groups) in [
            ("Held, by reason", &self.holds),
            ("Refused by the destination", &self.refusals),
        ] {
            if groups.is_empty() {
                continue;
            }
            out.push(Block::Heading(2, title.to_owned()));
            let item = |g: &HoldGroup| format!("{} {}: {}, {}", g.records, g.step, g.code, g.words);
            out.push(Block::Items(groups.iter().map(item).collect()));
        }
        out.push(Block::Line(format!(
            "{} reading and {} writing calls; ledger head {}",
            self.calls_read,
            self.calls_write,
            self.ledger_head.get(..16).unwrap_or(&self.ledger_head)
        )));
        out.push(Block::Line(
            match self.nothing_left {
                true => "Nothing changed; nothing was written.",
                false => "Done.",
            }
            .to_owned(),
        ));
        out
    }
}
