//! A plan for people: what `transload plan` prints.
//!
//! Plain text without colours; columns are aligned, lines have no trailing blanks. What it prints is the test of
//! the planner.

use crate::{
    mapping::{FieldMap, Step},
    plan::{ByHand, Estimate, FieldNeed, Load, Paced, Plan, Reason, StepCalls, TierHours},
};
use comfy_table::{CellAlignment, Table, presets};
use std::{fmt::Write, time::Duration};

/// The plan as text. `estimate`: calls and hours, where records are counted; `tier`: the account's, marked.
pub fn render(plan: &Plan, estimate: Option<&Estimate>, tier: Option<&str>) -> String {
    let mut out = String::new();
    head(&mut out, plan);
    batches(&mut out, plan);
    second_pass(&mut out, plan);
    manifest(&mut out, plan);
    by_hand(&mut out, plan);
    if let Some(estimate) = estimate {
        calls(&mut out, plan, estimate);
        hours(&mut out, plan, estimate, tier);
    }
    out
}

/// `1 step`, `2 steps`, `1 234 steps`.
pub(super) fn count(number: u64, one: &str, many: &str) -> String {
    let word = if number == 1 { one } else { many };
    format!("{} {word}", grouped(number))
}

/// Digits in groups of three: `1 234 567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

fn head(out: &mut String, plan: &Plan) {
    let mapping = &plan.mapping;
    line(
        out,
        &format!(
            "{}: {} to {}",
            mapping.name, mapping.source.title, mapping.destination.title
        ),
    );
    let steps = count(mapping.steps.len() as u64, "step", "steps");
    let batches = count(plan.batches.len() as u64, "batch", "batches");
    line(
        out,
        &format!(
            "{steps} in {batches}, plan {}",
            plan.fingerprints.plan.short()
        ),
    );
}

fn batches(out: &mut String, plan: &Plan) {
    for (i, batch) in plan.batches.iter().enumerate() {
        line(out, &format!("\nBatch {}", i + 1));
        let mut table = columns();
        for id in batch {
            let Some(step) = plan.step(*id) else { continue };
            let needs: Vec<String> = plan
                .edges
                .iter()
                .filter(|e| e.then == *id && !e.deferred)
                .map(|e| match e.reason {
                    Reason::Field(field) => {
                        format!("{} ({})", plan.name(e.first), field_name(plan, step, field))
                    }
                    Reason::After => format!("{} (after)", plan.name(e.first)),
                    Reason::When => format!("{} (when)", plan.name(e.first)),
                })
                .collect();
            table.add_row([
                step.name.clone(),
                format!("{} to {}", source(plan, step), destination(plan, step)),
                load_words(plan, step, plan.load(*id)),
                if needs.is_empty() {
                    String::new()
                } else {
                    format!("needs {}", needs.join(", "))
                },
            ]);
        }
        push_table(out, &table);
    }
}

fn second_pass(out: &mut String, plan: &Plan) {
    if plan.deferred.is_empty() {
        return;
    }
    line(out, "\nSecond pass");
    let mut table = columns();
    for deferred in &plan.deferred {
        let Some(step) = plan.step(deferred.step) else {
            continue;
        };
        let mut targets: Vec<&str> = plan
            .edges
            .iter()
            .filter(|e| {
                e.deferred && e.then == deferred.step && e.reason == Reason::Field(deferred.field)
            })
            .map(|e| plan.name(e.first))
            .collect();
        targets.sort_unstable();
        table.add_row([
            step.name.clone(),
            field_name(plan, step, deferred.field).to_owned(),
            format!("to {}", targets.join(", ")),
        ]);
    }
    push_table(out, &table);
}

fn manifest(out: &mut String, plan: &Plan) {
    let manifest = &plan.manifest;
    if manifest.objects.is_empty() {
        return;
    }
    line(
        out,
        if manifest.fields_by_hand {
            "\nCustom fields, to be made by an admin"
        } else {
            "\nCustom fields"
        },
    );
    for need in &manifest.objects {
        let object = plan
            .mapping
            .destination
            .objects
            .get(need.object.ix())
            .map_or("", |o| o.title.as_str());
        let fields = count(need.fields.len() as u64, "field", "fields");
        line(out, &format!("  {object}: {fields}"));
        let mut table = columns();
        for field in &need.fields {
            table.add_row([
                format!("  {}", field.label),
                field.name.clone(),
                if field.vendor.is_empty() {
                    field.data_type.name().to_owned()
                } else {
                    field.vendor.clone()
                },
                choices(field),
            ]);
        }
        push_table(out, &table);
    }
}

fn choices(field: &FieldNeed) -> String {
    match &field.choices {
        Some(list) => list.join(" | "),
        None if field.has_choices() => "choices as found in the data".to_owned(),
        None => String::new(),
    }
}

fn by_hand(out: &mut String, plan: &Plan) {
    if plan.manifest.by_hand.is_empty() {
        return;
    }
    line(out, "\nBy hand");
    for item in &plan.manifest.by_hand {
        line(out, &format!("  [ ] {}", by_hand_words(plan, item)));
    }
}

/// One item of the checklist in words.
pub(super) fn by_hand_words(plan: &Plan, item: &ByHand) -> String {
    match item {
        ByHand::Records { object, step } => {
            let title = plan
                .mapping
                .destination
                .objects
                .get(object.ix())
                .map_or("", |o| o.title.as_str());
            format!("admin: make the {title} records of `{step}`; no call makes them")
        }
        ByHand::Quiesce { who, say } => format!("{who}: {say}"),
        ByHand::Handoff { name, say } if say.is_empty() => format!("work through `{name}`"),
        ByHand::Handoff { name, say } => format!("work through `{name}`: {say}"),
    }
}

fn calls(out: &mut String, plan: &Plan, estimate: &Estimate) {
    line(
        out,
        "\nCalls, if every record is new and none is held or fails",
    );
    let mut table = columns();
    table.set_header([
        "",
        "records",
        "write",
        "jobs",
        "ids",
        "second pass",
        "calls",
    ]);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let row = |name: &str, calls: &StepCalls| {
        let records = match calls.records {
            None => "not known".to_owned(),
            Some(n) if calls.at_most => format!("<= {}", grouped(n)),
            Some(n) => grouped(n),
        };
        let or_blank = |n: u64| if n == 0 { String::new() } else { grouped(n) };
        [
            name.to_owned(),
            records,
            or_blank(calls.write),
            or_blank(calls.poll),
            or_blank(calls.find),
            or_blank(calls.second_pass),
            grouped(calls.total()),
        ]
    };
    for id in plan.batches.iter().flatten() {
        if let Some(calls) = estimate.steps.get(id.ix()) {
            table.add_row(row(plan.name(*id), calls));
        }
    }
    for (object, calls) in &estimate.listing {
        let title = plan
            .mapping
            .destination
            .objects
            .get(object.ix())
            .map_or("", |o| o.title.as_str());
        table.add_row([
            format!("list {title}"),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            grouped(*calls),
        ]);
    }
    table.add_row([
        "all".to_owned(),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
        grouped(estimate.calls),
    ]);
    push_table(out, &table);
    if estimate.source_calls > 0 {
        let calls = count(estimate.source_calls, "call", "calls");
        line(
            out,
            &format!("  and {calls} to read {}", plan.mapping.source.title),
        );
    }
    if !estimate.unknown.is_empty() {
        let mut names: Vec<&str> = estimate.unknown.iter().map(|id| plan.name(*id)).collect();
        names.sort_unstable();
        line(out, &format!("  not counted: {}", names.join(", ")));
    }
}

fn hours(out: &mut String, plan: &Plan, estimate: &Estimate, tier: Option<&str>) {
    line(
        out,
        &format!("\nTime, as {} limits calls", plan.mapping.destination.title),
    );
    let mut table = columns();
    for hours in &estimate.tiers {
        let ours = tier.is_some() && hours.tier.as_deref() == tier;
        table.add_row([
            hours.tier.clone().unwrap_or_else(|| "any".to_owned()),
            duration_words(hours),
            match hours.window {
                Some((max, per)) => {
                    format!("{} in {}", count(max, "call", "calls"), span_words(per))
                }
                None => "no limit".to_owned(),
            },
            if ours {
                "this account".to_owned()
            } else {
                String::new()
            },
        ]);
    }
    push_table(out, &table);
    if let Some(paced) = &estimate.paced {
        line(out, &format!("  {}", paced_words(paced)));
    }
}

/// How many days the pace of the migration takes, in words.
pub(super) fn paced_words(paced: &Paced) -> String {
    let (one, many) = match paced.window {
        true => ("opening of the window", "openings of the window"),
        false => ("day", "days"),
    };
    let most = match paced.calls_a_day {
        Some(n) => format!(", at most {} each", count(n, "call", "calls")),
        None => String::new(),
    };
    let weeks = match paced.days_a_week {
        7 => String::new(),
        n => format!(" ({n} a week)"),
    };
    let Some(days) = paced.days else {
        return format!(
            "pace {}: never{most}, and each run begins with {} that list what is there",
            paced.pace,
            count(paced.listing, "call", "calls")
        );
    };
    format!(
        "pace {}: {}{weeks}{most}",
        paced.pace,
        count(days, one, many)
    )
}

/// How long a tier takes, in words.
pub(super) fn duration_words(hours: &TierHours) -> String {
    match hours.time.as_secs() {
        0 => "under one window".to_owned(),
        s if s < 3600 => format!("{} min", s.div_ceil(60)),
        s if s < 48 * 3600 => format!("{} h {:02} min", s / 3600, s % 3600 / 60),
        s => format!("{} d {:02} h", s / 86_400, s % 86_400 / 3600),
    }
}

fn span_words(span: Duration) -> String {
    match span.as_secs() {
        60 => "a minute".to_owned(),
        3600 => "an hour".to_owned(),
        86_400 => "a day".to_owned(),
        s => format!("{s} s"),
    }
}

/// How a step loads, in words.
pub(super) fn load_words(plan: &Plan, step: &Step, load: &Load) -> String {
    let field = |id: &crate::ident::FieldId| {
        plan.mapping
            .destination
            .objects
            .get(step.to.ix())
            .and_then(|o| o.fields.get(id.ix()))
            .map_or("", |f| f.name.as_str())
    };
    match load {
        Load::Bulk { key, size } => format!("{} by {}, {size} a call", load.words(), field(key)),
        Load::Upsert { key } => format!("{} by {}", load.words(), field(key)),
        Load::Members { size } => format!("{}, {size} a call", load.words()),
        other => other.words().to_owned(),
    }
}

/// The name of the destination field that an entry of a step fills.
pub(super) fn field_name<'p>(plan: &'p Plan, step: &Step, field: usize) -> &'p str {
    step.fields
        .get(field)
        .and_then(|map: &FieldMap| {
            let object = plan.mapping.destination.objects.get(step.to.ix())?;
            object.fields.get(map.to.ix())
        })
        .map_or("", |f| f.name.as_str())
}

pub(super) fn source<'p>(plan: &'p Plan, step: &Step) -> &'p str {
    let objects = &plan.mapping.source.objects;
    objects.get(step.from.ix()).map_or("", |o| o.name.as_str())
}

pub(super) fn destination<'p>(plan: &'p Plan, step: &Step) -> &'p str {
    let objects = &plan.mapping.destination.objects;
    objects.get(step.to.ix()).map_or("", |o| o.name.as_str())
}

fn line(out: &mut String, text: &str) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(out, "{}", text.trim_end());
}

/// A table without lines.
fn columns() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
}

fn push_table(out: &mut String, table: &Table) {
    for row in table.lines().filter(|l| !l.trim().is_empty()) {
        line(out, &format!(" {row}"));
    }
}
