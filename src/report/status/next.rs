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
    if report.runs_to_the_end() {
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
