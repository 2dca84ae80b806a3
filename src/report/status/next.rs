//! What to type next.

use super::{State, StatusReport, whole};
use serde::Serialize;

/// The command to type next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Next {
    /// The command line.
    pub command: String,
    /// What for.
    pub why: String,
}

/// The next command for a state.
pub(super) fn next(report: &StatusReport, migration: &str) -> Next {
    let migration = match migration.contains([' ', '\'', '"', '$', '\\']) {
        true => format!("'{}'", migration.replace('\'', "'\\''")),
        false => migration.to_owned(),
    };
    let say = |command: &str, why: &str| Next {
        command: format!("transload {command} {migration}"),
        why: why.to_owned(),
    };
    let last = report.run.as_ref().map_or("run", |r| r.command.as_str());
    match report.state {
        State::Starting | State::Running => {
            return say("status --watch", "it is at work; this shows how it goes on");
        }
        State::Interrupted => return say(last, "it was interrupted; the same command goes on"),
        State::Stopped => return say(last, "it was stopped; the same command goes on"),
        State::Paused => {
            return say(
                last,
                match report.waits.as_ref().and_then(|w| w.until.as_ref()) {
                    Some(_) => "when the wait is over, the same command goes on",
                    None => "the same command goes on",
                },
            );
        }
        State::Waiting => {
            return say(last, "when that is done, the same command goes on");
        }
        State::Aborted => {
            return say(
                last,
                "when what stopped it is mended, the same command goes on",
            );
        }
        State::New | State::Ended => {}
    }
    if last == "rollback" && report.run.as_ref().is_some_and(whole) {
        return say("run", "what it did is undone; this loads again");
    }
    if report.loaded {
        return match report.holds.is_empty() {
            true => say("reconcile", "it is loaded; this proves it from outside"),
            false => say(
                "holds list",
                "it is loaded but for what is held; this names it",
            ),
        };
    }
    match (report.approval.state.as_str(), report.approval.sampled) {
        ("holds" | "waived" | "not_needed", _) => say("run", "nothing stands before the load"),
        ("not_known", _) => say("validate", "the specs have errors"),
        ("stale", _) | (_, false) => say("sample", "a run needs an approved sample"),
        _ => say("approve", "a run needs an approved sample"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ledger::RunRow,
        report::status::{ApprovalState, is_loaded},
    };

    fn runs(list: &[(&str, &str)]) -> Vec<RunRow> {
        let row = |(command, outcome): &(&str, &str)| RunRow {
            run: 1,
            command: (*command).to_owned(),
            plan: String::new(),
            engine: String::new(),
            resumed: false,
            started_ms: 0,
            ended_ms: Some(1),
            outcome: Some((*outcome).to_owned()),
            until_ms: None,
            why: None,
        };
        list.iter().map(row).collect()
    }

    #[test]
    fn what_comes_next_follows_from_what_was() {
        let done = "completed";
        for (list, approval, sampled, next) in [
            (&[][..], "none", false, "sample"),
            (&[("sample", done)], "none", true, "approve"),
            (&[("sample", done), ("approve", done)], "holds", true, "run"),
            (&[("approve", done)], "stale", true, "sample"),
            (&[("run", done)], "waived", false, "reconcile"),
            // A sample, or a retry of what was held, changes nothing about that.
            (
                &[("run", done), ("sample", done)],
                "none",
                true,
                "reconcile",
            ),
            (
                &[("run", done), ("holds retry", done)],
                "none",
                true,
                "reconcile",
            ),
            (&[("run", done), ("rollback", done)], "holds", true, "run"),
            (
                &[("run", done), ("provision", done)],
                "stale",
                true,
                "reconcile",
            ),
            (&[], "not_known", true, "validate"),
        ] {
            let runs = runs(list);
            let report = StatusReport {
                state: match runs.is_empty() {
                    true => State::New,
                    false => State::Ended,
                },
                run: runs.last().cloned(),
                loaded: is_loaded(&runs),
                approval: ApprovalState {
                    state: approval.to_owned(),
                    sampled,
                    ..ApprovalState::default()
                },
                ..StatusReport::default()
            };
            let told = super::next(&report, "a b.yaml");
            assert_eq!(
                told.command,
                format!("transload {next} 'a b.yaml'"),
                "{list:?}"
            );
        }
    }
}
