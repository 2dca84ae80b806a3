//! `transload holds`: its actions, and `holds list`: what is held, and why.

use crate::cli::ledger_faults::unread;
use crate::{
    cli::{
        args::{Holds, HoldsAction, HoldsFormat, HoldsList},
        commands::{holds_export, holds_import, holds_retry, holds_show, open_view},
        decided,
        exit::{Exit, Failure},
        held, load, out,
    },
    ledger::{View, view::ReadError},
    report::holds::{self, ListRow},
};
use std::collections::BTreeSet;

/// Does what is asked with holds.
///
/// # Errors
/// When there is no ledger or it cannot be read; further ones are those of each action.
pub fn run(args: &Holds) -> Result<Exit, Failure> {
    match &args.action {
        HoldsAction::List(args) => list(args),
        HoldsAction::Show(args) => holds_show::run(args),
        HoldsAction::Export(args) => holds_export::run(args),
        HoldsAction::Import(args) => holds_import::run(args),
        HoldsAction::Retry(args) => holds_retry::run(args),
    }
}

/// Refuses a step that no run had. One that never held anything is fine; one that never was is a slip of the pen.
pub(super) fn check_step(view: &View, step: Option<&String>) -> Result<(), Failure> {
    let Some(step) = step else {
        return Ok(());
    };
    let known = known_steps(view)?;
    if known.is_empty() || known.contains(step) {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Usage,
        format!("no run of this migration had a step `{step}`"),
    )
    .hint(format!("its steps are {}", known.join(", "))))
}

fn list(args: &HoldsList) -> Result<Exit, Failure> {
    let HoldsList {
        migration,
        code,
        step,
        format,
    } = args;
    let view = open_view(migration)?;
    if let Some(note) = decided::wrong(migration) {
        out::note(&note);
    }
    check_step(&view, step.as_ref())?;
    let rows = listed(args, &view).map_err(|e| unread(&e))?;
    if rows.is_empty() {
        let reasons = view.hold_reasons().map_err(|e| unread(&e))?;
        let (steps, codes): (BTreeSet<_>, BTreeSet<_>) =
            reasons.into_iter().map(|r| (r.step, r.code)).unzip();
        let nothing_like_it = |wanted: &Option<String>, known: &BTreeSet<String>, what: &str| {
            let wanted = wanted.as_ref().filter(|w| !known.contains(*w))?;
            let list: Vec<&str> = known.iter().map(String::as_str).collect();
            Some(format!(
                "nothing is held with {what} `{wanted}`; there is: {}",
                list.join(", ")
            ))
        };
        if let Some(note) = nothing_like_it(step, &steps, "step")
            .or_else(|| nothing_like_it(code, &codes, "code"))
            .filter(|_| !steps.is_empty())
        {
            out::note(&note);
        }
    }
    let text = match format {
        HoldsFormat::Text => holds::render_text(&rows),
        HoldsFormat::Json => holds::render_json(&rows),
        HoldsFormat::Csv => holds::render_csv(&rows),
    };
    out::result(&text);
    Ok(Exit::Done)
}

/// The holds that are meant. Specs with a fault do not keep anybody from looking at them; only what was decided cannot
/// be said then.
fn listed(args: &HoldsList, view: &View) -> Result<Vec<ListRow>, ReadError> {
    let is = |wanted: &Option<String>, has: &str| wanted.as_ref().is_none_or(|w| w == has);
    if let Some(loaded) = load::quietly(&args.migration) {
        let mapping = &loaded.migration.mapping;
        let all = held::gather(view, mapping)?.into_iter();
        let meant = all.filter(|h| is(&args.step, &h.hold.step) && is(&args.code, &h.hold.code));
        return Ok(meant
            .map(|h| ListRow {
                decided: h.decided(mapping),
                hold: h.hold,
            })
            .collect());
    }
    let mut rows = Vec::new();
    view.each_hold(args.step.as_deref(), |hold| {
        if is(&args.code, &hold.code) {
            let decided = Vec::new();
            rows.push(ListRow { hold, decided });
        }
    })?;
    if !rows.is_empty() {
        out::note(
            "the specs have faults (`transload validate` tells them): what was decided is not shown",
        );
    }
    Ok(rows)
}

fn known_steps(view: &View) -> Result<Vec<String>, Failure> {
    let read = |e: ReadError| unread(&e);
    let mut names = std::collections::BTreeSet::new();
    for run in view.runs().map_err(read)? {
        names.extend(
            view.steps(run.run)
                .map_err(read)?
                .into_iter()
                .map(|s| s.step),
        );
    }
    Ok(names.into_iter().collect())
}
