//! The meaning of a migration in named parts, each with its hash: what an approval is bound to, so that a run can say
//! which part has changed since.

use super::{Plan, canon::Canon, platform_print::PlatformPrints};
use crate::{
    ident::ObjectId,
    mapping::{DestinationConnection, Migration, SourceConnection},
    platform::Platform,
};
use std::collections::BTreeMap;

/// Named parts and their hashes in hexadecimal. The names are for people.
pub type Parts = BTreeMap<String, String>;

/// The parts of a migration: both platforms, each step and split, value maps, policies, hand-offs, and the migration
/// file's own choices.
pub fn of(plan: &Plan, migration: &Migration) -> Parts {
    let mapping = &plan.mapping;
    let prints = &plan.fingerprints;
    let mut parts = Parts::new();
    for platform in [&mapping.source, &mapping.destination] {
        parts.insert(format!("platform {}", platform.name), platform_of(platform));
    }
    for (step, print) in mapping.steps.iter().zip(&prints.steps) {
        parts.insert(format!("mapping step {}", step.name), print.to_string());
    }
    for (object, print) in mapping.source.objects.iter().zip(&prints.splits) {
        if let Some(print) = print {
            parts.insert(format!("mapping split {}", object.name), print.to_string());
        }
    }
    for (map, print) in mapping.value_maps.iter().zip(&prints.value_maps) {
        parts.insert(format!("value map {}", map.name), print.to_string());
    }
    let mut policy = Canon::new("policy");
    policy.debug(&mapping.policy);
    parts.insert("policy".to_owned(), policy.finish().to_string());
    parts.insert("migration file".to_owned(), migration_of(migration));
    // Whatever is in none of the others (hand-offs, merges) is in the whole.
    parts.insert("plan".to_owned(), plan.hash());
    parts
}

fn platform_of(platform: &Platform) -> String {
    let prints = PlatformPrints::of(platform);
    let mut canon = Canon::new("platform");
    canon.text(&platform.name).set(prints.objects());
    for at in 0..platform.objects.len() {
        let object = ObjectId(u16::try_from(at).unwrap_or(u16::MAX));
        let fields = prints.fields_of(object);
        canon
            .text(prints.object_name(object))
            .set(fields.into_iter().map(|(_, print)| print));
    }
    canon.finish().to_string()
}

/// Where records come from and go to, and how they are read: no secret, no rate, no place on this machine.
fn migration_of(migration: &Migration) -> String {
    let mut canon = Canon::new("migration");
    canon.text(&migration.mapping.name).debug(&migration.tier);
    for param in &migration.mapping.params {
        canon.text(&param.name).debug(&param.value);
    }
    match &migration.source {
        SourceConnection::Folder { encoding, zone, .. } => {
            canon.text("folder").debug(encoding).debug(zone);
        }
        SourceConnection::Http(http) => {
            canon.text("http").debug(&http.base).debug(&http.params);
        }
        SourceConnection::Sandbox(_) => {
            canon.text("sandbox");
        }
    }
    match &migration.destination {
        DestinationConnection::Folder { .. } => {
            canon.text("folder");
        }
        DestinationConnection::Http(http) => {
            canon.text("http").debug(&http.base).debug(&http.params);
        }
        DestinationConnection::Sandbox(sandbox) => {
            canon.text("sandbox").debug(&sandbox.quirks);
        }
    }
    canon.finish().to_string()
}

/// What has changed between two sets of parts, in words. The whole plan is named only where no part of it is.
pub fn changes(before: &Parts, now: &Parts) -> Vec<String> {
    let mut out = Vec::new();
    let mut plan = false;
    for (name, hash) in before {
        match now.get(name) {
            Some(other) if other == hash => {}
            _ if name == "plan" => plan = true,
            Some(_) => out.push(format!("{name} has changed")),
            None => out.push(format!("{name} is gone")),
        }
    }
    for name in now.keys().filter(|n| !before.contains_key(*n)) {
        out.push(format!("{name} is new"));
    }
    if plan && out.is_empty() {
        out.push("the plan has changed".to_owned());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(list: &[(&str, &str)]) -> Parts {
        list.iter()
            .map(|(n, h)| ((*n).to_owned(), (*h).to_owned()))
            .collect()
    }

    #[test]
    fn changes_are_named() {
        let before = parts(&[
            ("engine", "1"),
            ("plan", "a"),
            ("step x", "s"),
            ("step y", "s"),
        ]);
        assert_eq!(changes(&before, &before), Vec::<String>::new());
        let now = parts(&[
            ("engine", "2"),
            ("plan", "b"),
            ("step x", "s"),
            ("step z", "s"),
        ]);
        assert_eq!(
            changes(&before, &now),
            ["engine has changed", "step y is gone", "step z is new"]
        );
        let now = parts(&[
            ("engine", "1"),
            ("plan", "b"),
            ("step x", "s"),
            ("step y", "s"),
        ]);
        assert_eq!(changes(&before, &now), ["the plan has changed"]);
    }
}
