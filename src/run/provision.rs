//! Custom fields the mapping needs: there before anything is loaded, or the run does not begin.
//!
//! Where an unknown field is dropped in silence, a missing one loses a column of every record. What cannot be
//! created by API goes to a list for the admin; a sandbox destination can do the admin's part.

use super::{
    context::Context,
    execute::{Executor, Inputs},
    failure::RunError,
};
use crate::{
    connector::{
        Reply, Stop,
        rest::{RemoteField, Rest},
    },
    ident::{ObjectId, StepId},
    mapping::Create,
    platform::Object,
    transform::Tables,
    value::Type,
};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// A custom field that a destination object must have.
struct Wanted {
    name: String,
    label: String,
    data_type: Type,
    vendor: String,
    choices: BTreeSet<String>,
    takes_choices: bool,
}

/// Compares what the mapping needs with what is there, and creates what is missing where that is allowed.
///
/// # Errors
/// [`RunError::Waits`] with the list for the admin, or when the destination stops answering.
pub async fn fields(ctx: &Context, tables: &Tables) -> Result<Vec<String>, RunError> {
    let mut missing = Vec::new();
    let mut made = Vec::new();
    for (id, wanted) in wanted(ctx, tables) {
        let object = ctx.object(id)?;
        let there = ctx.rest.fields(id).await?;
        for field in wanted {
            let existing = there.iter().find(|f| f.name == field.name);
            let Some(what) = lack(&field, existing) else {
                continue;
            };
            if ctx.provision {
                let there = existing.into_iter().flat_map(|f| &f.choices);
                let choices: BTreeSet<String> = there.chain(&field.choices).cloned().collect();
                let refused = make_field(
                    &ctx.rest,
                    &object.name,
                    &field.name,
                    &field.label,
                    field.data_type.name(),
                    &choices,
                )
                .await?;
                match refused {
                    None => made.push(match existing {
                        None => format!("custom field {}.{}: made", object.name, field.name),
                        Some(_) => format!("custom field {}.{}: changed", object.name, field.name),
                    }),
                    Some(why) => missing.push(line(object, &field, &why)),
                }
            } else {
                missing.push(line(object, &field, &what));
            }
        }
    }
    if missing.is_empty() {
        return Ok(made);
    }
    Err(RunError::Waits {
        what: format!(
            "the destination lacks {} that an admin must create first:\n{}",
            if missing.len() == 1 {
                "a custom field".to_owned()
            } else {
                format!("{} custom fields", missing.len())
            },
            missing.join("\n")
        ),
    })
}

/// What was done in the place of an admin.
#[derive(Debug, Default)]
pub struct Provisioned {
    /// What was made or changed, one line each.
    pub made: Vec<String>,
    /// What was refused, with the reason, one line each.
    pub refused: Vec<String>,
}

/// Does what a run with `--provision` does in the place of an admin, and no more: custom fields, and the records of
/// steps that no call makes. `inputs.plan` is the admin's part of the plan.
///
/// # Errors
/// As a run: with the fields that the account refuses, or when destination or ledger stop.
pub async fn admins_part(inputs: Inputs) -> Result<Provisioned, RunError> {
    let mut executor = Executor::prepare(inputs).await?;
    executor.load().await?;
    let mapping = Arc::clone(&executor.ctx.mapping);
    let named = |id: StepId| {
        let step = mapping.steps.get(id.ix());
        let object = step.and_then(|s| mapping.destination.objects.get(s.to.ix()));
        object.map_or("", |o| o.name.as_str())
    };
    let outcome = executor.outcome;
    let mut done = Provisioned {
        made: outcome.fields_made,
        refused: Vec::new(),
    };
    for (id, counts) in &outcome.steps {
        for (count, word) in [(counts.created, "made"), (counts.updated, "changed")] {
            match count {
                0 => {}
                1 => done
                    .made
                    .push(format!("1 record of {}: {word}", named(*id))),
                n => done
                    .made
                    .push(format!("{n} records of {}: {word}", named(*id))),
            }
        }
    }
    for ((id, why), group) in &outcome.refusals {
        let (object, examples) = (named(*id), group.examples.join(", "));
        let records = group.records;
        done.refused
            .push(format!("{records} of {object} ({examples}): {why}"));
    }
    Ok(done)
}

/// Makes a custom field of a simulated account, or gives it these choices. `Some`: why that was refused.
///
/// # Errors
/// When the account cannot be reached.
async fn make_field(
    rest: &Rest,
    object: &str,
    name: &str,
    label: &str,
    data_type: &str,
    choices: &BTreeSet<String>,
) -> Result<Option<String>, RunError> {
    let body = json!({
        "object": object,
        "name": name,
        "label": label,
        "type": data_type,
        "choices": choices,
    });
    refusal(rest.admin_post("/_admin/fields", &body).await)
}

/// Makes a record of a simulated account as an admin does. `Some`: why that was refused.
///
/// # Errors
/// When the account cannot be reached.
pub async fn make_record(
    rest: &Rest,
    object: &str,
    record: &serde_json::Value,
) -> Result<Option<String>, RunError> {
    let path = format!("/_admin/objects/{object}");
    let record = record.to_string();
    Ok(match rest.admin_create(&path, record.as_bytes()).await? {
        Reply::Done { .. } => None,
        Reply::Gone => Some("there is no such object".to_owned()),
        Reply::Refused { reasons, .. } => Some(reasons.join("; ")),
        Reply::InDoubt { why } => Some(why),
    })
}

fn refusal(answer: Result<serde_json::Value, Stop>) -> Result<Option<String>, RunError> {
    match answer {
        Ok(_) => Ok(None),
        // The admin plane has no other way to say no.
        Err(Stop::Unexpected { why, .. }) => Ok(Some(why)),
        Err(stop) => Err(stop.into()),
    }
}

fn line(object: &Object, field: &Wanted, what: &str) -> String {
    let choices = if field.takes_choices {
        let list: Vec<&str> = field.choices.iter().map(String::as_str).collect();
        format!(", choices: {}", list.join(" | "))
    } else {
        String::new()
    };
    format!(
        "  {} field {} (label \"{}\", type {}{choices}): {what}",
        object.name, field.name, field.label, field.vendor
    )
}

/// What a field lacks; `None` when it is there as needed.
fn lack(field: &Wanted, existing: Option<&RemoteField>) -> Option<String> {
    let Some(existing) = existing else {
        return Some("missing".to_owned());
    };
    if existing.vendor_type != field.vendor {
        return Some(format!("has type {} there", existing.vendor_type));
    }
    if !field.takes_choices {
        return None;
    }
    let known: BTreeSet<String> = existing
        .choices
        .iter()
        .map(|c| c.trim().to_lowercase())
        .collect();
    let lacking: Vec<&str> = field
        .choices
        .iter()
        .filter(|c| !known.contains(&c.trim().to_lowercase()))
        .map(String::as_str)
        .collect();
    (!lacking.is_empty()).then(|| format!("lacks the choices {}", lacking.join(" | ")))
}

fn wanted(ctx: &Context, tables: &Tables) -> BTreeMap<ObjectId, Vec<Wanted>> {
    let mut all: BTreeMap<ObjectId, BTreeMap<String, Wanted>> = BTreeMap::new();
    let Some(rules) = &ctx.mapping.destination.custom else {
        return BTreeMap::new();
    };
    for (id, step) in (0u16..).map(StepId).zip(&ctx.mapping.steps) {
        for (at, field) in step.fields.iter().enumerate() {
            let (Some(create), Some(target)) = (
                &field.create,
                ctx.mapping
                    .destination
                    .objects
                    .get(step.to.ix())
                    .and_then(|o| o.fields.get(field.to.ix())),
            ) else {
                continue;
            };
            let takes_choices = matches!(create.data_type, Type::Enum | Type::MultiEnum);
            let entry = all
                .entry(step.to)
                .or_default()
                .entry(target.path.clone())
                .or_insert_with(|| Wanted {
                    name: target.path.clone(),
                    label: create.label.clone(),
                    data_type: create.data_type,
                    vendor: rules
                        .custom_type(create.data_type)
                        .map_or_else(|| create.data_type.name().to_owned(), |t| t.vendor.clone()),
                    choices: BTreeSet::new(),
                    takes_choices,
                });
            if takes_choices {
                entry.choices.extend(choices(create, tables, id, at));
            }
        }
    }
    all.into_iter()
        .map(|(o, f)| (o, f.into_values().collect()))
        .collect()
}

fn choices(create: &Create, tables: &Tables, step: StepId, field: usize) -> Vec<String> {
    match &create.values {
        Some(values) => values.clone(),
        None => tables
            .observed(step, field)
            .map(<[String]>::to_vec)
            .unwrap_or_default(),
    }
}
