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
    let why = match report.state {
        State::Starting | State::Running => {
            return say("status --watch", "it is at work; this shows how it goes on");
        }
        State::Interrupted => "it was interrupted; the same command goes on",
        State::Stopped => "it was stopped; the same command goes on",
        State::Paused => match report.waits.as_ref().and_then(|w| w.until.as_ref()) {
            Some(_) => "when the wait is over, the same command goes on",
            None => "the same command goes on",
        },
        State::Waiting => "when that is done, the same command goes on",
        State::Aborted => "when what stopped it is mended, the same command goes on",
        State::New | State::Ended => return after(report, last, &say),
    };
    match (last, &report.only) {
        ("rollback", Some(only)) => say(&format!("rollback --only {only}"), why),
        _ if !needs_approval(last) || report.approval.lets_run() => say(last, why),
        _ if was_waived(report) => say(&format!("{last} --auto-approve"), why),
        _ => approve(report, &say),
    }
}

/// What comes after a command that came to its end.
fn after(report: &StatusReport, last: &str, say: &dyn Fn(&str, &str) -> Next) -> Next {
    if last == "rollback" && report.run.as_ref().is_some_and(whole) {
        let undone = match report.stays.values().sum::<u64>() {
            0 => "what it did is undone".to_owned(),
            n => {
                let steps: Vec<&str> = report.stays.keys().map(String::as_str).collect();
                format!(
                    "what it did is undone in part: {n} {} of {} stay",
                    if n == 1 { "record" } else { "records" },
                    steps.join(", ")
                )
            }
        };
        let next = match report.approval.lets_run() {
            true => say("run", "this loads again"),
            false => approve(report, say),
        };
        return Next {
            why: format!("{undone}; {}", next.why),
            ..next
        };
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
    if let Some(load) = &report.load
        && !report.approval.lets_run()
        && goes_on_waived(report)
    {
        return say(
            &format!("{} --auto-approve", load.command),
            "it was begun with --auto-approve; the same command goes on",
        );
    }
    approve(report, say)
}

/// What stands before a load.
fn approve(report: &StatusReport, say: &dyn Fn(&str, &str) -> Next) -> Next {
    match (report.approval.state.as_str(), report.approval.sampled) {
        ("holds" | "waived" | "not_needed", _) => say("run", "nothing stands before the load"),
        ("not_known", _) => say("validate", "the specs have errors"),
        ("stale", _) | (_, false) => say("sample", "a run needs an approved sample"),
        _ => say("approve", "a run needs an approved sample"),
    }
}

/// True for commands that refuse to begin without an approved sample.
fn needs_approval(command: &str) -> bool {
    matches!(command, "run" | "delta" | "holds retry")
}

/// True when a load that was begun with `--auto-approve` is to be continued.
pub(super) fn goes_on_waived(report: &StatusReport) -> bool {
    was_waived(report)
        && report.load.as_ref().is_some_and(|load| !whole(load))
        && report.run.as_ref().is_some_and(|r| r.command != "rollback")
}

/// True when the last load was begun with `--auto-approve`.
fn was_waived(report: &StatusReport) -> bool {
    let load = report.load.as_ref().map(|l| l.run);
    load.is_some()
        && report.approval.waived_run == load
        && report.approval.waived_by.as_deref() == Some("--auto-approve")
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

    fn stopped(command: &str, approval: &str, waived_by: Option<&str>) -> StatusReport {
        let runs = runs(&[(command, "stopped")]);
        StatusReport {
            state: State::Stopped,
            run: runs.last().cloned(),
            load: runs.last().cloned(),
            approval: ApprovalState {
                state: approval.to_owned(),
                sampled: true,
                waived_run: waived_by.map(|_| 1),
                waived_by: waived_by.map(str::to_owned),
                ..ApprovalState::default()
            },
            ..StatusReport::default()
        }
    }

    #[test]
    fn the_next_command_is_not_refused() {
        let next = |report: &StatusReport| super::next(report, "m.yaml").command;
        let flag = Some("--auto-approve");
        for (command, approval, waived_by, told) in [
            ("run", "holds", flag, "run"),
            ("run", "none", flag, "run --auto-approve"),
            ("delta", "stale", flag, "delta --auto-approve"),
            // `approve: none` was taken back since.
            ("run", "none", Some("approve: none"), "approve"),
            ("run", "stale", None, "sample"),
            ("reconcile", "none", None, "reconcile"),
        ] {
            let report = stopped(command, approval, waived_by);
            assert_eq!(next(&report), format!("transload {told} m.yaml"));
        }
        let mut report = stopped("rollback", "none", None);
        report.only = Some("task".to_owned());
        assert_eq!(next(&report), "transload rollback --only task m.yaml");
        // Another command came after the run that waits.
        let mut report = stopped("run", "none", flag);
        (report.state, report.run) = (State::Ended, runs(&[("provision", "completed")]).pop());
        assert_eq!(next(&report), "transload run --auto-approve m.yaml");
    }

    #[test]
    fn what_a_rollback_left_is_said() {
        let mut report = stopped("run", "none", None);
        (report.state, report.run) = (State::Ended, runs(&[("rollback", "completed")]).pop());
        let told = super::next(&report, "m.yaml");
        assert_eq!(told.command, "transload approve m.yaml");
        assert!(told.why.starts_with("what it did is undone; "), "{told:?}");
        report.stays.insert("contact".to_owned(), 286);
        let told = super::next(&report, "m.yaml");
        assert!(
            told.why.contains("in part: 286 records of contact stay"),
            "{told:?}"
        );
    }
}
