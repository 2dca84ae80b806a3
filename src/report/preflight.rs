//! What stands before a run, for people: findings with their way out, fields, values, owners, tiers, checks, and the
//! checklist as a document and as a sheet.

use super::{
    document::{Block, count},
    sheet,
};
use crate::plan::preflight::{
    FieldState, Finding, OwnerState, Preflight, TierLine, Todo, ValueLine, ValueState, ValueView,
};

/// Values of a table that are shown.
const SHOWN: usize = 15;

/// The document, to stand behind a plan.
pub fn blocks(flight: &Preflight) -> Vec<Block> {
    let mut out = vec![Block::Heading(2, "Pre-flight".to_owned())];
    if !flight.source_known {
        out.push(Block::Line(
            "source and destination: not known; run `transload discover`".to_owned(),
        ));
    } else if !flight.destination_known {
        out.push(Block::Line(
            "destination: not known; run `transload discover` with access to it".to_owned(),
        ));
    }
    findings(&mut out, flight);
    if flight.source_known || flight.destination_known {
        fields(&mut out, flight);
        flight.values.iter().for_each(|v| values(&mut out, v));
        owners(&mut out, flight);
        tiers(&mut out, flight);
    }
    checks(&mut out, flight);
    out.push(Block::Heading(3, "Checklist".to_owned()));
    out.extend(checklist(&flight.checklist));
    out
}

fn findings(out: &mut Vec<Block>, flight: &Preflight) {
    let blocking = flight.blocking().count();
    let others = flight.findings.len() - blocking;
    out.push(Block::Line(if blocking > 0 {
        format!(
            "blocked by {}; {} besides",
            count(blocking as u64, "finding", "findings"),
            count(others as u64, "finding", "findings")
        )
    } else if flight.source_known && flight.destination_known {
        format!(
            "nothing blocks the run; {}",
            count(others as u64, "finding", "findings")
        )
    } else {
        format!(
            "whether anything blocks the run is not known: `transload discover` first; {} so far",
            count(others as u64, "finding", "findings")
        )
    }));
    out.push(Block::Rows(
        vec!["", "finding", "records", "what to do"],
        flight.findings.iter().map(finding).collect(),
    ));
}

fn finding(f: &Finding) -> Vec<String> {
    vec![
        if f.blocks { "BLOCKS" } else { "" }.to_owned(),
        f.what.clone(),
        f.records.map_or_else(String::new, |n| n.to_string()),
        f.way_out.clone(),
    ]
}

/// One line a blocking finding, for the message of a run that does not begin.
pub fn blocking_lines(flight: &Preflight) -> Vec<String> {
    let line = |f: &Finding| format!("  {}: {}", f.what, f.way_out);
    flight.blocking().map(line).collect()
}

fn fields(out: &mut Vec<Block>, flight: &Preflight) {
    out.push(Block::Heading(3, "Custom fields".to_owned()));
    let rows = flight.fields.iter().map(|f| {
        let options = match &f.options {
            Some(options) => options.join(" | "),
            None if f.observed => "as found in the data".to_owned(),
            None => String::new(),
        };
        vec![
            format!("{}.{}", f.object, f.name),
            f.label.clone(),
            f.vendor_type.clone(),
            match f.state {
                FieldState::Differs => format!("differs: {}", f.lacks),
                state => state.words().to_owned(),
            },
            options,
        ]
    });
    out.push(Block::Rows(
        vec!["field", "label", "type", "state", "options"],
        rows.collect(),
    ));
}

fn values(out: &mut Vec<Block>, view: &ValueView) {
    let own = view
        .record_of
        .as_deref()
        .is_some_and(|o| view.to.split('.').next() == Some(o));
    let settled = |r: &ValueLine| matches!(r.state, ValueState::Goes | ValueState::Made);
    // Records that the step itself brings are no choices; they are told where something is left to do.
    if view.rows.is_empty() || (own && view.rows.iter().all(settled)) {
        return;
    }
    let from = if view.from.is_empty() {
        "a literal of the mapping".to_owned()
    } else {
        view.from.join(", ")
    };
    out.push(Block::Heading(
        3,
        format!("Values of {} in step {}, from {from}", view.to, view.step),
    ));
    let rows = view.rows.iter().take(SHOWN).map(|r| {
        let state = match (&r.code, r.state) {
            (Some(code), ValueState::Held) => format!("{} ({code})", r.state.words()),
            _ => r.state.words().to_owned(),
        };
        vec![
            if r.value.is_empty() {
                "(none)".to_owned()
            } else {
                r.value.clone()
            },
            r.records.to_string(),
            r.to.clone().unwrap_or_default(),
            state,
        ]
    });
    out.push(Block::Rows(
        vec!["value", "records", "goes to", "state"],
        rows.collect(),
    ));
    let more = view.rows.len().saturating_sub(SHOWN) as u64 + view.more;
    if more > 0 {
        out.push(Block::Line(format!(
            "and {more} more; `--format json` lists those that were kept"
        )));
    }
}

fn owners(out: &mut Vec<Block>, flight: &Preflight) {
    if flight.owners.is_empty() {
        return;
    }
    out.push(Block::Heading(3, "Owners".to_owned()));
    let rows = flight.owners.iter().map(|o| {
        let by: Vec<String> =
            o.by.iter()
                .map(|r| format!("{}.{} {}", r.object, r.field, r.records))
                .collect();
        vec![
            match o.state {
                OwnerState::Nobody => "(none)".to_owned(),
                _ => o.owner.clone(),
            },
            o.state.words().to_owned(),
            o.records.to_string(),
            by.join(", "),
            o.decision.clone(),
        ]
    });
    out.push(Block::Rows(
        vec!["owner", "state", "records", "of which", "decision"],
        rows.collect(),
    ));
}

fn tiers(out: &mut Vec<Block>, flight: &Preflight) {
    out.push(Block::Heading(3, "Limits of the tier".to_owned()));
    let rows = flight.tiers.iter().map(|line: &TierLine| {
        vec![
            line.words(),
            line.max.to_string(),
            line.there
                .map_or_else(|| "not known".to_owned(), |n| n.to_string()),
            line.comes.to_string(),
            if line.is_over() { "too many" } else { "" }.to_owned(),
        ]
    });
    out.push(Block::Rows(
        vec!["what", "allowed", "there", "to come", ""],
        rows.collect(),
    ));
}

fn checks(out: &mut Vec<Block>, flight: &Preflight) {
    if flight.checks.is_empty() {
        return;
    }
    out.push(Block::Heading(3, "Known traps".to_owned()));
    let rows = flight.checks.iter().map(|c| {
        vec![
            c.id.clone(),
            c.result.words().to_owned(),
            c.say.clone(),
            c.found.clone(),
        ]
    });
    out.push(Block::Rows(
        vec!["trap", "result", "what it is", "found"],
        rows.collect(),
    ));
}

/// The checklist as blocks, what is due before the run first.
pub fn checklist(list: &[Todo]) -> Vec<Block> {
    let mut out = Vec::new();
    for (when, words) in [("before", "Before the run"), ("after", "After the run")] {
        let items: Vec<String> = list
            .iter()
            .filter(|t| t.when == when)
            .map(words_of)
            .collect();
        if !items.is_empty() {
            out.push(Block::Line(format!("{words}:")));
            out.push(Block::Items(items));
        }
    }
    if out.is_empty() {
        out.push(Block::Line("nothing is left for people".to_owned()));
    }
    out
}

fn words_of(todo: &Todo) -> String {
    let place = match (todo.kind, todo.object.is_empty()) {
        ("custom field", _) => format!("custom field {}.{}", todo.object, todo.item),
        (_, false) => format!("{} {}", todo.object, todo.item),
        (_, true) => todo.item.clone(),
    };
    let records = match todo.records {
        Some(n) if n > 0 => format!(" ({})", count(n, "record waits", "records wait")),
        _ => String::new(),
    };
    if place.is_empty() {
        format!("[ ] {}: {}", todo.who, todo.what)
    } else {
        format!("[ ] {}: {place}: {}{records}", todo.who, todo.what)
    }
}

/// The checklist as a document of its own.
pub fn checklist_markdown(mapping: &str, list: &[Todo]) -> String {
    let mut blocks = vec![Block::Heading(1, format!("Checklist for {mapping}"))];
    blocks.extend(checklist(list));
    super::document::markdown(&blocks)
}

/// The checklist for a spreadsheet.
pub fn checklist_csv(list: &[Todo]) -> String {
    let rows = list.iter().map(|t| {
        [
            t.when.to_owned(),
            t.who.clone(),
            t.kind.to_owned(),
            t.object.clone(),
            t.item.clone(),
            t.what.clone(),
            t.records.map_or_else(String::new, |n| n.to_string()),
        ]
    });
    sheet::csv(
        &["when", "who", "kind", "object", "item", "what", "records"],
        rows,
    )
}
