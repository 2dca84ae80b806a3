//! Known traps and what the files alone say about them. What needs the live account is checked at the run.

use super::model::{GotchaLine, Outcome};
use crate::{
    mapping::{JoinKind, OnJoin, OtherValue},
    plan::{
        Counts, Plan,
        grade::tier_limits,
        preflight::{CheckLine, CheckResult},
    },
    platform::{Gotcha, Platform},
};

pub(super) fn lines(
    plan: &Plan,
    checks: &[CheckLine],
    counts: Option<&Counts>,
    tier: Option<&str>,
) -> Vec<GotchaLine> {
    let mapping = &plan.mapping;
    [&mapping.source, &mapping.destination]
        .into_iter()
        .flat_map(|platform| platform.gotchas.iter().map(move |g| (platform, g)))
        .map(|(platform, gotcha)| {
            let checked = checks
                .iter()
                .find(|c| c.platform == platform.title && c.id == gotcha.id)
                .and_then(by_check);
            let (outcome, result) =
                checked.unwrap_or_else(|| result(plan, counts, tier, platform, gotcha));
            GotchaLine {
                id: gotcha.id.clone(),
                platform: platform.title.clone(),
                say: gotcha.say.clone(),
                check: gotcha.check.clone(),
                blocks: gotcha.block,
                outcome,
                result,
            }
        })
        .collect()
}

/// What the pre-flight found with the schema lock; `None` where it knows no more than the files.
fn by_check(check: &CheckLine) -> Option<(Outcome, String)> {
    match check.result {
        CheckResult::Ok => Some((
            Outcome::Handled,
            "checked against the data: nothing is wrong".to_owned(),
        )),
        CheckResult::Failed => Some((
            Outcome::Open,
            format!("checked against the data: {}", check.found),
        )),
        CheckResult::NotKnown | CheckResult::Said => None,
    }
}

fn result(
    plan: &Plan,
    counts: Option<&Counts>,
    tier: Option<&str>,
    platform: &Platform,
    gotcha: &Gotcha,
) -> (Outcome, String) {
    match gotcha.check.as_str() {
        "manifest_complete" => manifest(plan),
        "choices_complete" => choices(plan),
        "rows_within_tier" => rows(plan, counts, tier, gotcha),
        "join_complete" => joins(plan, platform, gotcha),
        "keys_unique" | "values_readable" => (
            Outcome::AtTheRun,
            "checked against the data, by discovery".to_owned(),
        ),
        _ => (Outcome::Note, "nothing can be checked".to_owned()),
    }
}

fn manifest(plan: &Plan) -> (Outcome, String) {
    let fields: usize = plan.manifest.objects.iter().map(|o| o.fields.len()).sum();
    match fields {
        0 => (
            Outcome::NotConcerned,
            "the mapping fills no custom field".to_owned(),
        ),
        n => (
            Outcome::AtTheRun,
            format!("checked at the run: {n} custom fields must be there, or nothing is sent"),
        ),
    }
}

fn choices(plan: &Plan) -> (Outcome, String) {
    let observed: usize = plan
        .manifest
        .objects
        .iter()
        .flat_map(|o| &o.fields)
        .filter(|f| f.has_choices())
        .count();
    let open = plan
        .mapping
        .value_maps
        .iter()
        .filter(|m| matches!(m.other, OtherValue::Keep | OtherValue::Create))
        .count();
    let held = plan
        .mapping
        .value_maps
        .iter()
        .filter(|m| m.other == OtherValue::Hold)
        .count();
    if plan.mapping.value_maps.is_empty() && observed == 0 {
        return (
            Outcome::NotConcerned,
            "no field with choices is filled".to_owned(),
        );
    }
    let mut parts = Vec::new();
    for (n, words) in [
        (
            observed,
            "custom fields with choices of the mapping or the data",
        ),
        (held, "value maps that hold an unknown value"),
        (open, "value maps that pass it on"),
    ] {
        if n > 0 {
            parts.push(format!("{n} {words}"));
        }
    }
    if parts.is_empty() {
        parts.push("every value map has a value for what it does not know".to_owned());
    }
    (
        Outcome::AtTheRun,
        format!("checked at the run: {}", parts.join(", ")),
    )
}

fn rows(
    plan: &Plan,
    counts: Option<&Counts>,
    tier: Option<&str>,
    gotcha: &Gotcha,
) -> (Outcome, String) {
    let limits = tier_limits(plan, counts, tier);
    let Some(limit) = limits.iter().find(|l| Some(l.object) == gotcha.of) else {
        return (
            Outcome::NotConcerned,
            "the mapping brings no such records".to_owned(),
        );
    };
    match (limit.needed, limit.exceeded) {
        (None, _) => (
            Outcome::AtTheRun,
            format!("checked at the run; {}", limit.words),
        ),
        (Some(n), true) => (
            Outcome::Open,
            format!(
                "the source has {n}, more than this tier takes ({}): choose another tier, or map several to one",
                limit.words
            ),
        ),
        (Some(n), false) => (
            Outcome::Handled,
            format!("the source has {n}; {}", limit.words),
        ),
    }
}

/// Joins of the steps that read the object: each must say what happens to a record without a partner.
fn joins(plan: &Plan, platform: &Platform, gotcha: &Gotcha) -> (Outcome, String) {
    let mapping = &plan.mapping;
    if !std::ptr::eq(platform, &*mapping.source) {
        return (Outcome::Note, "nothing can be checked".to_owned());
    }
    let mut held = Vec::new();
    let mut blank = Vec::new();
    for step in mapping.steps.iter().filter(|s| Some(s.from) == gotcha.of) {
        for join in &step.joins {
            let JoinKind::One { none, .. } = &join.kind else {
                continue;
            };
            let name = format!("`{}.{}`", step.name, join.name);
            // A guard that asks for the join holds what the join lets pass.
            let guarded = step.guards.iter().any(|g| asks(&g.when, step, &join.name));
            if *none == OnJoin::Hold || guarded {
                held.push(name);
            } else {
                blank.push(name);
            }
        }
    }
    match (held.is_empty(), blank.is_empty()) {
        (true, true) => (
            Outcome::NotConcerned,
            "the mapping joins nothing here".to_owned(),
        ),
        (_, true) => (
            Outcome::Handled,
            format!("a record without its partner is held ({})", held.join(", ")),
        ),
        (_, false) => (
            Outcome::Open,
            format!(
                "a record without its partner goes on ({})",
                blank.join(", ")
            ),
        ),
    }
}

fn asks(when: &crate::mapping::When, step: &crate::mapping::Step, join: &str) -> bool {
    use crate::mapping::{Input, Operand, When};
    let names = |operand: &Operand| match operand {
        Operand::Input(Input::Join { join: id, .. } | Input::Count(id)) => {
            step.joins.get(id.ix()).is_some_and(|j| j.name == join)
        }
        _ => false,
    };
    match when {
        When::And(all) | When::Or(all) => all.iter().any(|w| asks(w, step, join)),
        When::Not(inner) => asks(inner, step, join),
        When::Present(o) | When::Blank(o) | When::True(o) => names(o),
        When::Compare(a, _, b) => names(a) || names(b),
        _ => false,
    }
}
