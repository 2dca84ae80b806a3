//! What changed between two looks at the same systems.

use super::{AccountObject, SchemaLock, SourceField, SourceObject};
use serde::Serialize;
use std::collections::BTreeSet;

/// Where something changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// At the source.
    Source,
    /// At the destination.
    Destination,
}

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// An object, file or field is gone.
    Gone,
    /// Its type is another one.
    Type,
    /// A choice, or a record of a pick-list, is gone.
    ChoiceGone,
    /// An object, file or field is new.
    Appeared,
    /// A choice, or a record of a pick-list, is new.
    ChoiceAppeared,
    /// There are more or fewer records.
    Count,
    /// Its name for people, or the tier, is another one.
    Label,
}

impl ChangeKind {
    /// True when what was relied on may not hold any more.
    pub fn takes_away(self) -> bool {
        matches!(
            self,
            ChangeKind::Gone | ChangeKind::Type | ChangeKind::ChoiceGone
        )
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// Where.
    pub side: Side,
    /// The object or field: `contact.cf_groups`.
    pub place: String,
    /// What.
    pub kind: ChangeKind,
    /// What it was; empty where there was nothing.
    pub was: String,
    /// What it is now; empty where there is nothing.
    pub now: String,
}

impl Change {
    /// The change in words.
    pub fn words(&self) -> String {
        let (was, now) = (&self.was, &self.now);
        match self.kind {
            ChangeKind::Gone => format!("{} is gone", self.place),
            ChangeKind::Appeared => format!("{} is new", self.place),
            ChangeKind::Type => format!("{} was {was}, is {now}", self.place),
            ChangeKind::ChoiceGone => format!("{} has no `{was}` any more", self.place),
            ChangeKind::ChoiceAppeared => format!("{} has `{now}`, too", self.place),
            ChangeKind::Count => format!("{}: {was} records before, {now} now", self.place),
            ChangeKind::Label => format!("{} was called {was}, is called {now}", self.place),
        }
    }
}

/// What is different in `new`, in the order of the objects. A destination that only one of them saw is no change.
pub fn drift(old: &SchemaLock, new: &SchemaLock) -> Vec<Change> {
    let mut changes = Changes(Vec::new());
    sources(&old.source.objects, &new.source.objects, &mut changes);
    if let (Some(old), Some(new)) = (&old.destination, &new.destination) {
        if old.tier != new.tier {
            let name = |t: &Option<String>| t.clone().unwrap_or_else(|| "not said".to_owned());
            changes.add(
                Side::Destination,
                "tier",
                ChangeKind::Label,
                &name(&old.tier),
                &name(&new.tier),
            );
        }
        for object in &new.objects {
            if let Some(before) = old.object(&object.object) {
                account(before, object, &mut changes);
            }
        }
    }
    changes.0
}

struct Changes(Vec<Change>);

impl Changes {
    fn add(&mut self, side: Side, place: &str, kind: ChangeKind, was: &str, now: &str) {
        self.0.push(Change {
            side,
            place: place.to_owned(),
            kind,
            was: was.to_owned(),
            now: now.to_owned(),
        });
    }

    /// Choices that one of two lists lacks, trimmed and without case.
    fn choices(&mut self, side: Side, place: &str, old: &[&str], new: &[&str]) {
        let folded = |list: &[&str]| -> BTreeSet<String> {
            list.iter().map(|c| c.trim().to_lowercase()).collect()
        };
        let (before, after) = (folded(old), folded(new));
        for choice in old {
            if !after.contains(&choice.trim().to_lowercase()) {
                self.add(side, place, ChangeKind::ChoiceGone, choice, "");
            }
        }
        for choice in new {
            if !before.contains(&choice.trim().to_lowercase()) {
                self.add(side, place, ChangeKind::ChoiceAppeared, "", choice);
            }
        }
    }
}

fn sources(old: &[SourceObject], new: &[SourceObject], changes: &mut Changes) {
    use super::ReadState;
    let there = |o: &SourceObject| o.state == ReadState::Read;
    for object in old {
        let now = new.iter().find(|o| o.object == object.object);
        if there(object) && !now.is_some_and(there) {
            changes.add(Side::Source, &object.object, ChangeKind::Gone, "", "");
        }
    }
    for object in new.iter().filter(|o| there(o)) {
        let Some(before) = old.iter().find(|o| o.object == object.object && there(o)) else {
            changes.add(Side::Source, &object.object, ChangeKind::Appeared, "", "");
            continue;
        };
        if before.records != object.records {
            let (was, now) = (before.records.to_string(), object.records.to_string());
            changes.add(Side::Source, &object.object, ChangeKind::Count, &was, &now);
        }
        for field in before.fields.iter().filter(|f| f.found) {
            let now = object.fields.iter().find(|f| f.column == field.column);
            if !now.is_some_and(|f| f.found) {
                let place = format!("{}.{}", object.object, field.field);
                changes.add(Side::Source, &place, ChangeKind::Gone, "", "");
            }
        }
        for field in object.fields.iter().filter(|f| f.found) {
            let place = format!("{}.{}", object.object, field.field);
            let was = before.fields.iter().find(|f| f.column == field.column);
            match was.filter(|f| f.found) {
                Some(was) => source_field(&place, was, field, changes),
                None => changes.add(Side::Source, &place, ChangeKind::Appeared, "", ""),
            }
        }
    }
}

fn source_field(place: &str, old: &SourceField, new: &SourceField, changes: &mut Changes) {
    let kind = |f: &SourceField| {
        let looks = f.looks_like.as_deref().unwrap_or("nothing");
        match f.declared.as_deref() {
            Some(declared) if declared == looks => declared.to_owned(),
            Some(declared) => format!("{declared} that looks like {looks}"),
            None => format!("a column that looks like {looks}"),
        }
    };
    // A column that got its first values has no new type.
    let seen = old.looks_like.is_some() && new.looks_like.is_some();
    if old.declared != new.declared || (seen && old.looks_like != new.looks_like) {
        changes.add(
            Side::Source,
            place,
            ChangeKind::Type,
            &kind(old),
            &kind(new),
        );
    }
    if let (Some(before), Some(after)) = (&old.choices, &new.choices)
        && old.choices_more == 0
        && new.choices_more == 0
    {
        let mut before: Vec<&str> = before.iter().map(|c| c.value.as_str()).collect();
        let mut after: Vec<&str> = after.iter().map(|c| c.value.as_str()).collect();
        before.sort_unstable();
        after.sort_unstable();
        changes.choices(Side::Source, place, &before, &after);
    }
}

fn account(old: &AccountObject, new: &AccountObject, changes: &mut Changes) {
    let side = Side::Destination;
    if let (Some(was), Some(now)) = (old.records, new.records)
        && was != now
    {
        let (was, now) = (was.to_string(), now.to_string());
        changes.add(side, &new.object, ChangeKind::Count, &was, &now);
    }
    if let (Some(was), Some(now)) = (&old.names, &new.names) {
        let texts = |list: &[String]| list.to_vec();
        let (was, now) = (texts(was), texts(now));
        let was: Vec<&str> = was.iter().map(String::as_str).collect();
        let now: Vec<&str> = now.iter().map(String::as_str).collect();
        changes.choices(side, &new.object, &was, &now);
    }
    if !(old.described && new.described) {
        return;
    }
    for field in &old.fields {
        if new.field(&field.name).is_none() {
            let place = format!("{}.{}", new.object, field.name);
            changes.add(side, &place, ChangeKind::Gone, "", "");
        }
    }
    for field in &new.fields {
        let place = format!("{}.{}", new.object, field.name);
        let Some(was) = old.field(&field.name) else {
            changes.add(side, &place, ChangeKind::Appeared, "", "");
            continue;
        };
        if was.kind != field.kind {
            changes.add(side, &place, ChangeKind::Type, &was.kind, &field.kind);
        }
        if was.label != field.label {
            changes.add(side, &place, ChangeKind::Label, &was.label, &field.label);
        }
        let before: Vec<&str> = was.choices.iter().map(String::as_str).collect();
        let after: Vec<&str> = field.choices.iter().map(String::as_str).collect();
        changes.choices(side, &place, &before, &after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::lock::{
        AccountField, AccountInventory, Choice, ReadState, SourceInventory, VERSION,
    };

    fn field(name: &str, looks_like: &str, choices: &[&str]) -> SourceField {
        SourceField {
            field: name.to_owned(),
            column: name.to_owned(),
            declared: Some("text".to_owned()),
            custom: false,
            found: true,
            filled: 1,
            bad: 0,
            distinct: 1,
            distinct_capped: false,
            max_chars: 1,
            looks_like: Some(looks_like.to_owned()),
            needed_by: None,
            missing: 0,
            examples: Vec::new(),
            choices: (!choices.is_empty()).then(|| {
                let choice = |c: &&str| Choice {
                    value: (*c).to_owned(),
                    records: 1,
                };
                choices.iter().map(choice).collect()
            }),
            choices_more: 0,
        }
    }

    fn lock(records: u64, fields: Vec<SourceField>, custom: &[(&str, &[&str])]) -> SchemaLock {
        SchemaLock {
            version: VERSION.to_owned(),
            mapping: "a--b".to_owned(),
            plan: String::new(),
            source: SourceInventory {
                platform: "a".to_owned(),
                objects: vec![SourceObject {
                    object: "contact".to_owned(),
                    file: None,
                    bytes: None,
                    print: None,
                    state: ReadState::Read,
                    why: None,
                    records,
                    bad_rows: 0,
                    fields,
                    keys: Vec::new(),
                }],
                ..SourceInventory::default()
            },
            values: Vec::new(),
            destination: Some(AccountInventory {
                platform: "b".to_owned(),
                tier: None,
                objects: vec![AccountObject {
                    object: "contact".to_owned(),
                    described: true,
                    fields: custom
                        .iter()
                        .map(|(name, choices)| AccountField {
                            name: (*name).to_owned(),
                            label: (*name).to_owned(),
                            kind: "text".to_owned(),
                            choices: choices.iter().map(|c| (*c).to_owned()).collect(),
                            required: false,
                            standard: false,
                        })
                        .collect(),
                    ..AccountObject::default()
                }],
            }),
        }
    }

    #[test]
    fn every_kind_of_change_has_its_words() {
        let old = lock(
            2,
            vec![
                field("id", "int", &[]),
                field("kind", "text", &["A", "b"]),
                field("gone", "int", &[]),
            ],
            &[("cf_a", &["x"]), ("cf_b", &[])],
        );
        let new = lock(
            3,
            vec![
                field("id", "text", &[]),
                field("kind", "text", &["B", "c"]),
                field("new", "int", &[]),
            ],
            &[("cf_a", &["y"]), ("cf_c", &[])],
        );
        let words: Vec<String> = drift(&old, &new).iter().map(Change::words).collect();
        assert_eq!(
            words,
            [
                "contact: 2 records before, 3 now",
                "contact.gone is gone",
                "contact.id was text that looks like int, is text",
                "contact.kind has no `A` any more",
                "contact.kind has `c`, too",
                "contact.new is new",
                "contact.cf_b is gone",
                "contact.cf_a has no `x` any more",
                "contact.cf_a has `y`, too",
                "contact.cf_c is new",
            ]
        );
        assert_eq!(drift(&new, &new), []);
    }

    #[test]
    fn the_same_content_has_the_same_bytes_and_comes_back() {
        let one = lock(2, vec![field("id", "int", &["A"])], &[("cf_a", &["x"])]);
        let bytes = one.to_bytes().unwrap();
        let back = SchemaLock::from_bytes(&bytes).unwrap();
        assert_eq!(back, one);
        assert_eq!(back.to_bytes().unwrap(), bytes);
        let more = lock(9, vec![field("id", "int", &["A"])], &[("cf_a", &["x"])]);
        assert_eq!(more.schema_hash(), one.schema_hash());
        let other = lock(
            2,
            vec![field("id", "int", &["A"])],
            &[("cf_a", &["x", "y"])],
        );
        assert_ne!(other.schema_hash(), one.schema_hash());
        let text = String::from_utf8(bytes)
            .unwrap()
            .replace("lock/v1", "lock/v9");
        let error = SchemaLock::from_bytes(text.as_bytes()).unwrap_err();
        assert!(error.to_string().contains("transload/lock/v9"), "{error}");
    }
}
