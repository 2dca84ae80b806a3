//! The state of a migration as text, Markdown and JSON.

use super::{ApprovalState, State, StatusReport, StepState, StepStatus, pace::span};
use crate::report::document::{self, Block};
use jiff::Timestamp;

/// Characters of a line of words that are shown.
const WIDE: usize = 300;

/// The state for people.
pub fn render_text(status: &StatusReport) -> String {
    document::text(&blocks(status))
}

/// The state for a page or a ticket.
pub fn render_markdown(status: &StatusReport) -> String {
    document::markdown(&blocks(status))
}

/// The state for machines.
pub fn render_json(status: &StatusReport) -> String {
    serde_json::to_string_pretty(status).unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}"))
}

fn blocks(status: &StatusReport) -> Vec<Block> {
    let name = status.mapping.as_deref().unwrap_or("Migration");
    let mut out = vec![Block::Heading(1, format!("{name}: {}", headline(status)))];
    let mut facts = Vec::new();
    if let Some(holder) = &status.holder {
        facts.push(format!(
            "at work: process {} on {}, since {}",
            holder.process,
            holder.host,
            moment(status, &holder.since)
        ));
    }
    if let Some(batch) = &status.batch {
        facts.push(format!("batch {} of {}", batch.number, batch.of));
    }
    if let Some(rate) = &status.rate {
        if let Some(n) = rate.records_per_minute {
            facts.push(format!(
                "{n} records a minute over the last {}",
                span(rate.records_seconds)
            ));
        }
        if let Some(n) = rate.calls_per_minute {
            facts.push(format!(
                "{n} calls a minute over the last {}",
                span(rate.calls_seconds)
            ));
        }
    }
    if let Some(end) = &status.end {
        facts.push(match end.days {
            Some(days) if days > 1 => format!(
                "{}; under the pace of the migration that takes {days} days",
                end.from
            ),
            _ => format!("ends about {}: {}", moment(status, &end.at), end.from),
        });
    }
    if let Some(waits) = &status.waits {
        facts.push(match &waits.until {
            Some(until) => {
                format!(
                    "waits until {}: {}",
                    moment(status, until),
                    brief(&waits.what)
                )
            }
            None => format!("waits for {}", brief(&waits.what)),
        });
    }
    if let (State::Aborted, Some(why)) = (
        status.state,
        status.run.as_ref().and_then(|r| r.why.as_ref()),
    ) {
        facts.push(format!("why: {}", brief(why)));
    }
    if !status.steps.is_empty() {
        facts.push(books(status));
    }
    facts.push(approval(status));
    out.push(Block::Items(facts));
    if !status.steps.is_empty() {
        out.push(Block::Heading(2, steps_title(status)));
        let rows = status.steps.iter().map(|s| row(status, s)).collect();
        let header = vec![
            "step",
            "batch",
            "state",
            "records",
            "created",
            "updated",
            "unchanged",
            "merged",
            "routed",
            "dropped",
            "held",
            "failed",
        ];
        out.push(Block::Rows(header, rows));
    }
    if !status.holds.is_empty() {
        out.push(Block::Heading(2, "Held, by reason".to_owned()));
        let rows = status.holds.iter().map(|h| {
            let field = h.field.clone().unwrap_or_default();
            vec![h.records.to_string(), h.step.clone(), h.code.clone(), field]
        });
        let header = vec!["records", "step", "code", "field"];
        out.push(Block::Rows(header, rows.collect()));
    }
    if !status.counts.is_empty() {
        let title = "The destination's own counts, as compared last".to_owned();
        out.push(Block::Heading(2, title));
        let number = |n: Option<u64>| n.map_or_else(|| "not known".to_owned(), |n| n.to_string());
        let rows = status.counts.iter().map(|(object, last)| {
            vec![
                object.clone(),
                number(last.count.found),
                number(last.count.expected),
                last.count.verdict.replace('_', " "),
                last.run.to_string(),
            ]
        });
        let header = vec!["object", "there", "expected", "verdict", "run"];
        out.push(Block::Rows(header, rows.collect()));
    }
    out.push(Block::Heading(2, "Next".to_owned()));
    out.push(Block::Line(status.next.command.clone()));
    out.push(Block::Line(status.next.why.clone()));
    if let Some(head) = &status.ledger_head {
        out.push(Block::Line(format!("ledger head {head}")));
    }
    out
}

fn headline(status: &StatusReport) -> String {
    let Some(run) = &status.run else {
        return match status.state {
            State::Starting => "a command is at work and has not begun its run".to_owned(),
            _ => "nothing was done yet".to_owned(),
        };
    };
    let what = format!("{} (run {} of {})", run.command, run.run, status.runs);
    match status.state {
        State::New | State::Ended => format!(
            "{what} {}",
            match run.outcome.as_deref() {
                Some("completed_with_holds") => "completed with holds",
                Some(outcome) => outcome,
                None => "ended",
            }
        ),
        State::Starting => {
            format!("a command is at work and has not begun its run; {what} came before")
        }
        State::Running => format!("{what} is under way"),
        State::Interrupted => format!("{what} was interrupted"),
        State::Stopped => format!("{what} was stopped"),
        State::Paused => format!("{what} is paused"),
        State::Waiting => format!("{what} waits for a person"),
        State::Aborted => format!("{what} ended early"),
    }
}

fn steps_title(status: &StatusReport) -> String {
    match &status.load {
        Some(load) => format!("Steps of {} (run {})", load.command, load.run),
        None => "Steps".to_owned(),
    }
}

fn books(status: &StatusReport) -> String {
    let c = &status.books;
    let done = status.steps.iter().filter(|s| s.counts.is_some()).count();
    let of = status.load.as_ref().map_or_else(String::new, |load| {
        format!("{} (run {}), ", load.command, load.run)
    });
    format!(
        "books of {of}{done} of {} steps: read {} = created {} + updated {} + unchanged {} + merged {} + routed {} + dropped {} + held {} + failed {}",
        status.steps.len(),
        c.read,
        c.created,
        c.updated,
        c.unchanged,
        c.merged,
        c.routed,
        c.dropped,
        c.held,
        c.failed
    )
}

fn row(status: &StatusReport, step: &StepStatus) -> Vec<String> {
    let records = match (step.state, step.of) {
        (StepState::ToCome, Some(of)) => of.to_string(),
        (StepState::ToCome, None) => String::new(),
        (_, Some(of)) if of > 0 && step.settled != of => {
            format!("{} of {of} ({} %)", step.settled, share(step.settled, of))
        }
        _ => step.settled.to_string(),
    };
    let state = match step.state {
        StepState::Done => "done".to_owned(),
        StepState::AtWork => "under way".to_owned(),
        StepState::SecondPass => "second pass".to_owned(),
        StepState::Stopped => "stopped".to_owned(),
        StepState::ToCome => "to come".to_owned(),
    };
    let doubt: u64 = ["in_doubt", "intended"]
        .iter()
        .filter_map(|s| status.records.get(&step.step)?.get(*s))
        .sum();
    let state = match (step.state, doubt) {
        (StepState::Stopped, 1..) => format!("{state}, {doubt} in doubt"),
        _ => state,
    };
    let mut cells = vec![
        step.step.clone(),
        step.batch.map(|b| b.to_string()).unwrap_or_default(),
        state,
        records,
    ];
    match &step.counts {
        Some(c) => cells.extend(
            [
                c.created,
                c.updated,
                c.unchanged,
                c.merged,
                c.routed,
                c.dropped,
                c.held,
                c.failed,
            ]
            .map(|n| n.to_string()),
        ),
        None => cells.extend(std::iter::repeat_n(String::new(), 8)),
    }
    cells
}

fn share(part: u64, whole: u64) -> u64 {
    let share = u128::from(part) * 100 / u128::from(whole.max(1));
    u64::try_from(share).unwrap_or(100).min(100)
}

/// An instant as the clock of the migration's zone shows it.
fn moment(status: &StatusReport, at: &str) -> String {
    let local = (status.zone.as_ref()).zip(at.parse::<Timestamp>().ok());
    let Some(((zone, name), at)) = local else {
        return at.to_owned();
    };
    let shown = at.to_zoned(zone.clone());
    format!("{} ({name})", shown.strftime("%Y-%m-%d %H:%M:%S"))
}

/// The first line of words that may have many, and how many more there are.
fn brief(words: &str) -> String {
    let mut lines = words.trim().lines();
    let first = lines.next().unwrap_or_default();
    let more = lines.count();
    let mut out: String = first.chars().take(WIDE).collect();
    if first.chars().count() > WIDE {
        out.push('\u{2026}');
    }
    match more {
        0 => out,
        1 => format!("{} and 1 more line", out.trim_end_matches(':')),
        n => format!("{} and {n} more lines", out.trim_end_matches(':')),
    }
}

fn approval(status: &StatusReport) -> String {
    let approval = &status.approval;
    let said = stands(status, approval);
    match (approval.waived_run, approval.waived_by.as_deref()) {
        (Some(run), Some(by @ "--auto-approve")) => {
            format!("{said}; waived with {by} by run {run}")
        }
        _ => said,
    }
}

fn stands(status: &StatusReport, approval: &ApprovalState) -> String {
    let by = || {
        let at = approval.at.as_deref().map(|at| moment(status, at));
        format!(
            "by {} at {}",
            approval.by.as_deref().unwrap_or("?"),
            at.unwrap_or_default()
        )
    };
    match approval.state.as_str() {
        "holds" => format!("approval: {}, holds", by()),
        "stale" => format!(
            "approval: {}, no longer holds: {}",
            by(),
            approval.why.join(", ")
        ),
        "few" => format!("approval: {}; {}", by(), approval.why.join(", ")),
        "waived" => "approval: not needed (`approve: none`)".to_owned(),
        "not_needed" => "approval: not needed, the destination is files".to_owned(),
        "not_known" => format!("approval: not known: {}", approval.why.join(", ")),
        _ if approval.sampled => "approval: none; there is a sample to look at".to_owned(),
        _ => "approval: none, and no sample".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::Counts,
        ledger::{CountedAfter, HoldReason, RunRow, counted::LastCount},
        report::status::{Batch, End, Holder, Next, Rate, Waits},
    };

    fn run(outcome: Option<&str>) -> RunRow {
        RunRow {
            run: 3,
            command: "run".into(),
            plan: "00".into(),
            engine: "1".into(),
            resumed: true,
            started_ms: 0,
            ended_ms: outcome.map(|_| 9_000),
            outcome: outcome.map(str::to_owned),
            until_ms: None,
            why: None,
        }
    }

    fn step(name: &str, batch: usize, state: StepState, settled: u64, of: u64) -> StepStatus {
        StepStatus {
            step: name.into(),
            batch: Some(batch),
            state,
            settled,
            of: Some(of),
            calls: Some(of),
            counts: None,
        }
    }

    fn report() -> StatusReport {
        let counts = Counts {
            read: 9,
            created: 8,
            held: 1,
            ..Counts::default()
        };
        StatusReport {
            schema_version: 2,
            mapping: Some("a--b".into()),
            at: "2026-01-01T00:00:00Z".into(),
            state: State::Running,
            holder: Some(Holder {
                host: "desk".into(),
                process: 4242,
                since: "2025-12-31T23:50:00Z".into(),
            }),
            run: Some(run(None)),
            runs: 3,
            load: Some(run(None)),
            batch: Some(Batch { number: 2, of: 3 }),
            steps: vec![
                StepStatus {
                    counts: Some(counts),
                    ..step("firm", 1, StepState::Done, 9, 9)
                },
                step("person", 2, StepState::AtWork, 120, 320),
                step("note", 3, StepState::ToCome, 0, 384),
            ],
            books: counts,
            rate: Some(Rate {
                records_per_minute: Some(60),
                records_seconds: 290,
                calls_per_minute: Some(118),
                calls_seconds: 590,
            }),
            end: Some(End {
                at: "2026-01-01T00:29:00Z".into(),
                from: "3400 calls to go by the plan, at 118 a minute as over the last 9 minutes"
                    .into(),
                calls: Some(3400),
                days: None,
            }),
            waits: Some(Waits {
                what: "the calls that the destination allows are used up for now".into(),
                until: Some("2026-01-01T00:00:40Z".into()),
            }),
            holds: vec![HoldReason {
                step: "person".into(),
                code: "too_long".into(),
                field: Some("mobile".into()),
                records: 12,
            }],
            counts: [(
                "firm".to_owned(),
                LastCount {
                    run: 3,
                    at_ms: 0,
                    count: CountedAfter {
                        found: Some(8),
                        expected: Some(8),
                        verdict: "balanced".into(),
                        passed: true,
                        ..CountedAfter::default()
                    },
                },
            )]
            .into(),
            approval: ApprovalState {
                state: "stale".into(),
                by: Some("Ann".into()),
                at: Some("2025-12-30T10:00:00Z".into()),
                why: vec!["policy has changed".into()],
                sampled: true,
                ..ApprovalState::default()
            },
            next: Next {
                command: "transload status --watch migration.yaml".into(),
                why: "it is at work; this shows how it goes on".into(),
            },
            ledger_head: Some("0011".into()),
            ..StatusReport::default()
        }
    }

    #[test]
    fn a_run_under_way_for_people() {
        insta::assert_snapshot!(render_text(&report()));
    }

    #[test]
    fn a_run_under_way_for_a_page() {
        insta::assert_snapshot!(render_markdown(&report()));
    }

    #[test]
    fn every_state_has_its_words() {
        let mut texts = Vec::new();
        for (state, outcome) in [
            (State::Starting, None),
            (State::Interrupted, None),
            (State::Stopped, Some("stopped")),
            (State::Paused, Some("paused")),
            (State::Waiting, Some("waiting")),
            (State::Aborted, Some("aborted")),
            (State::Ended, Some("completed_with_holds")),
        ] {
            let mut report = report();
            report.state = state;
            report.run = Some(run(outcome));
            texts.push(headline(&report));
        }
        let mut new = report();
        (new.state, new.run) = (State::New, None);
        texts.push(headline(&new));
        insta::assert_snapshot!(texts.join("\n"));
    }

    #[test]
    fn times_are_those_of_the_zone_and_words_of_many_lines_are_cut() {
        let mut report = report();
        let zone = jiff::tz::TimeZone::fixed(jiff::tz::Offset::constant(2));
        report.zone = Some((zone, "Somewhere".to_owned()));
        report.approval.waived_run = Some(3);
        report.approval.waived_by = Some("--auto-approve".to_owned());
        if let Some(waits) = &mut report.waits {
            waits.what = "the admin:\n  one\n  two".to_owned();
        }
        let text = render_text(&report);
        for part in [
            "waits until 2026-01-01 02:00:40 (Somewhere): the admin and 2 more lines",
            "since 2026-01-01 01:50:00 (Somewhere)",
            "; waived with --auto-approve by run 3",
            "books of run (run 3), 1 of 3 steps",
        ] {
            assert!(text.contains(part), "`{part}` in {text}");
        }
        // Machines get all of it.
        assert!(render_json(&report).contains("one\\n  two"));
        assert!(brief(&"x".repeat(2_000)).chars().count() < 310);
    }
}
