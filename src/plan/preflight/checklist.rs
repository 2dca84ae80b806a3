//! What people have to do before a run, one item a line: for a ticket, a sheet, a meeting.

use super::{Facts, FieldState, OwnerState, Preflight, ValueState};
use crate::{
    mapping::Absent,
    plan::{ByHand, Load, Plan},
};
use serde::Serialize;

/// Something people have to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Todo {
    /// Who does it.
    pub who: String,
    /// What kind of thing it is about.
    pub kind: &'static str,
    /// The destination object; empty where it is about none.
    pub object: String,
    /// The thing: an address, a name, an API name.
    pub item: String,
    /// What to do with it.
    pub what: String,
    /// When it is due: `before` or `after` the run.
    pub when: &'static str,
    /// Records that wait for it, where that is known.
    pub records: Option<u64>,
}

pub(super) fn collect(plan: &Plan, facts: &Facts<'_>, out: &mut Preflight) {
    let mut list = Vec::new();
    users(plan, facts, out, &mut list);
    records(plan, facts, out, &mut list);
    fields(facts, out, &mut list);
    for item in &plan.manifest.by_hand {
        match item {
            ByHand::Quiesce { who, say } => list.push(Todo {
                who: who.clone(),
                kind: "switch",
                object: String::new(),
                item: String::new(),
                what: say.clone(),
                when: "before",
                records: None,
            }),
            ByHand::Handoff { name, say } => list.push(Todo {
                who: "engineer".to_owned(),
                kind: "handoff",
                object: String::new(),
                item: name.clone(),
                what: say.clone(),
                when: "after",
                records: None,
            }),
            ByHand::Records { .. } => {}
        }
    }
    out.checklist = list;
}

fn users(plan: &Plan, facts: &Facts<'_>, out: &Preflight, list: &mut Vec<Todo>) {
    for owner in &out.owners {
        let step = plan.mapping.steps.iter().find(|s| s.name == owner.step);
        let Some(step) = step else { continue };
        let object = plan.mapping.destination.objects.get(step.to.ix());
        let there = facts
            .account()
            .and_then(|a| a.object(&object?.name)?.has(&owner.owner));
        let placeholder = matches!(step.absent, Absent::Placeholder(_) | Absent::Create);
        let (what, when) = match owner.state {
            OwnerState::Unmatched if placeholder => ("activate the placeholder user", "after"),
            OwnerState::Unmatched => ("create the user", "before"),
            OwnerState::NotListed if there == Some(true) => {
                ("add the user to the source's list", "before")
            }
            OwnerState::NotListed => ("create the user, and add it to the source's list", "before"),
            _ => continue,
        };
        list.push(Todo {
            who: "admin".to_owned(),
            kind: "user",
            object: object.map_or_else(String::new, |o| o.name.clone()),
            item: owner.owner.clone(),
            what: what.to_owned(),
            when,
            records: Some(owner.records),
        });
    }
}

/// Records that an admin makes, by name where the names are known.
fn records(plan: &Plan, facts: &Facts<'_>, out: &Preflight, list: &mut Vec<Todo>) {
    for view in &out.values {
        let field_of = view.to.split('.').next().unwrap_or_default();
        let object = view.record_of.as_deref().unwrap_or(field_of);
        for row in &view.rows {
            let missing = row.state == ValueState::Missing;
            if missing || row.state == ValueState::ByHand {
                let name = row.to.as_deref().unwrap_or(&row.value);
                list.push(Todo {
                    who: "admin".to_owned(),
                    kind: "record",
                    object: object.to_owned(),
                    item: name.to_owned(),
                    what: if missing {
                        format!("add it: {} has no such choice", view.to)
                    } else {
                        "create it".to_owned()
                    },
                    when: "before",
                    records: Some(row.records),
                });
            }
        }
    }
    if facts.provision {
        return;
    }
    for (at, step) in plan.mapping.steps.iter().enumerate() {
        let Some(object) = plan.mapping.destination.objects.get(step.to.ix()) else {
            continue;
        };
        let named = out
            .values
            .iter()
            .any(|v| v.step == step.name && v.record_of.as_deref() == Some(object.name.as_str()));
        if plan.loads.get(at) != Some(&Load::ByHand) || named || object.holds_owners() {
            continue;
        }
        list.push(Todo {
            who: "admin".to_owned(),
            kind: "record",
            object: object.name.clone(),
            item: format!("all records of `{}` that are not there", step.name),
            what: "create them; no call makes them".to_owned(),
            when: "before",
            records: facts
                .lock
                .and_then(|l| {
                    let from = plan.mapping.source.objects.get(step.from.ix())?;
                    l.source.object(&from.name)
                })
                .map(|o| o.records),
        });
    }
}

fn fields(facts: &Facts<'_>, out: &Preflight, list: &mut Vec<Todo>) {
    if facts.provision {
        return;
    }
    for field in &out.fields {
        let options = field
            .options
            .as_ref()
            .filter(|o| !o.is_empty())
            .map(|o| format!(", options: {}", o.join(" | ")))
            .unwrap_or_default();
        let what = match field.state {
            FieldState::Missing => format!(
                "create it: label \"{}\", type {}{options}",
                field.label, field.vendor_type
            ),
            FieldState::Differs => format!("change it: it {}", field.lacks),
            FieldState::NotKnown => format!(
                "see that it is there: label \"{}\", type {}{options}",
                field.label, field.vendor_type
            ),
            FieldState::Exists => continue,
        };
        list.push(Todo {
            who: "admin".to_owned(),
            kind: "custom field",
            object: field.object.clone(),
            item: field.name.clone(),
            what,
            when: "before",
            records: None,
        });
    }
}
