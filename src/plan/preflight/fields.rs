//! The custom-field manifest against the account: there, missing, or not as needed.

use super::{Facts, Preflight};
use crate::{
    ident::ObjectId,
    plan::{FieldNeed, Plan},
    platform::lock::AccountObject,
};
use serde::Serialize;
use std::collections::BTreeSet;

/// A custom field that the mapping needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldLine {
    /// The destination object.
    pub object: String,
    /// Its label.
    pub label: String,
    /// Its API name.
    pub name: String,
    /// Our type.
    #[serde(rename = "type")]
    pub data_type: String,
    /// The vendor's word for it.
    pub vendor_type: String,
    /// Its options; `None`: it has none, or they are not known yet.
    pub options: Option<Vec<String>>,
    /// True when the options are those found in the data.
    pub observed: bool,
    /// How it stands.
    pub state: FieldState,
    /// What is different, in words; empty otherwise.
    pub lacks: String,
}

/// How a custom field stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldState {
    /// It is there as needed.
    Exists,
    /// It is not there.
    Missing,
    /// It is there with another type, or lacks options.
    Differs,
    /// Nobody looked.
    NotKnown,
}

impl FieldState {
    /// The word in reports.
    pub fn words(self) -> &'static str {
        match self {
            FieldState::Exists => "exists",
            FieldState::Missing => "missing",
            FieldState::Differs => "differs",
            FieldState::NotKnown => "not known",
        }
    }
}

pub(super) fn judge(plan: &Plan, facts: &Facts<'_>, out: &mut Preflight) {
    let mut by_the_run = 0;
    for need in &plan.manifest.objects {
        let Some(object) = plan.mapping.destination.objects.get(need.object.ix()) else {
            continue;
        };
        let account = facts.account().and_then(|a| a.object(&object.name));
        for field in &need.fields {
            let options = options(plan, facts, need.object, field);
            let (state, lacks, retype) = state(field, options.as_deref(), account);
            let line = FieldLine {
                object: object.name.clone(),
                label: field.label.clone(),
                name: field.name.clone(),
                data_type: field.data_type.name().to_owned(),
                vendor_type: field.vendor.clone(),
                observed: field.has_choices() && field.choices.is_none(),
                options,
                state,
                lacks,
            };
            let made = facts.provision && !retype;
            if made && matches!(line.state, FieldState::Missing | FieldState::Differs) {
                by_the_run += 1;
            } else {
                find(&line, out);
            }
            out.fields.push(line);
        }
    }
    if by_the_run > 0 {
        out.find(
            "custom_field_missing",
            false,
            format!("custom fields that are not at the destination as needed: {by_the_run}"),
            "nothing: the run makes them through the admin plane of the simulated account",
            None,
        );
    }
}

fn find(line: &FieldLine, out: &mut Preflight) {
    let place = format!("{}.{}", line.object, line.name);
    let way_out = match line.state {
        FieldState::Missing => format!(
            "an admin creates it: label \"{}\", type {}{}",
            line.label,
            line.vendor_type,
            options_words(line)
        ),
        _ => "an admin changes it, or the mapping takes another field".to_owned(),
    };
    match line.state {
        FieldState::Missing => out.find(
            "custom_field_missing",
            true,
            format!("{place} is not at the destination"),
            way_out,
            None,
        ),
        FieldState::Differs => out.find(
            "custom_field_differs",
            true,
            format!("{place} {}", line.lacks),
            way_out,
            None,
        ),
        FieldState::Exists | FieldState::NotKnown => {}
    }
}

fn options_words(line: &FieldLine) -> String {
    match &line.options {
        Some(options) if !options.is_empty() => format!(", options {}", super::list(options, 12)),
        _ if line.observed => ", options as found in the data".to_owned(),
        _ => String::new(),
    }
}

/// The options a field needs: listed ones, else those the mapping made of the data; `None` where there are none or
/// they are not known.
fn options(
    plan: &Plan,
    facts: &Facts<'_>,
    object: ObjectId,
    need: &FieldNeed,
) -> Option<Vec<String>> {
    if !need.has_choices() {
        return None;
    }
    if let Some(listed) = &need.choices {
        return Some(listed.clone());
    }
    let destination = plan.mapping.destination.objects.get(object.ix())?;
    let (_, declared) = destination.field_at(&need.name)?;
    let mut all = BTreeSet::new();
    let mut known = false;
    for table in facts.tables(plan) {
        if table.to == destination.name
            && table.field == declared.name
            && let Some(observed) = &table.observed
        {
            known = true;
            all.extend(observed.iter().cloned());
        }
    }
    known.then(|| all.into_iter().collect())
}

/// How a field stands, what it lacks, and whether its type is another one, which nobody changes in place.
fn state(
    need: &FieldNeed,
    options: Option<&[String]>,
    account: Option<&AccountObject>,
) -> (FieldState, String, bool) {
    let Some(account) = account.filter(|a| a.described) else {
        return (FieldState::NotKnown, String::new(), false);
    };
    let Some(there) = account.field(&need.name) else {
        return (FieldState::Missing, String::new(), false);
    };
    if there.kind != need.vendor {
        let words = format!("has type {} there, {} is needed", there.kind, need.vendor);
        return (FieldState::Differs, words, true);
    }
    let known: BTreeSet<String> = there
        .choices
        .iter()
        .map(|c| c.trim().to_lowercase())
        .collect();
    let lacking: Vec<String> = options
        .unwrap_or_default()
        .iter()
        .filter(|o| !known.contains(&o.trim().to_lowercase()))
        .cloned()
        .collect();
    if lacking.is_empty() {
        (FieldState::Exists, String::new(), false)
    } else {
        let words = format!("lacks the options {}", super::list(&lacking, 12));
        (FieldState::Differs, words, false)
    }
}
