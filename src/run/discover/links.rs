//! After all objects were read: what points to nothing, what points to too much, and how many records each owner has.

use super::{
    object::{Pointer, Read},
    tally,
    wants::{LinkWant, Wants, Way},
};
use crate::{
    ident::{FieldId, ObjectId},
    platform::{
        Platform,
        lock::{Link, LinkKind, OwnerCount, OwnerRecords},
    },
};
use std::collections::BTreeMap;

/// Lines of orphans that are told.
const LINES: usize = 5;

/// The accounts of all relationships.
pub(super) fn follow(source: &Platform, wants: &Wants, reads: &[Read]) -> Vec<Link> {
    let mut links = Vec::with_capacity(wants.links.len());
    for (at, want) in wants.links.iter().enumerate() {
        let found = reads
            .iter()
            .flat_map(|r| &r.pointers)
            .find(|(n, _)| *n == at);
        let Some((_, pointers)) = found else { continue };
        let mut link = Link {
            object: name(source, want.object),
            fields: want
                .ways
                .iter()
                .map(|w| fields(source, want.object, &w.own))
                .collect(),
            to: want
                .ways
                .iter()
                .map(|w| {
                    let key = wants.keys.get(w.to.ix()).and_then(|k| k.get(w.key));
                    let fields = key.map_or_else(String::new, |k| fields(source, w.to, &k.fields));
                    format!("{}.{fields}", name(source, w.to))
                })
                .collect(),
            kind: want.kind,
            name: want.name.clone(),
            records: pointers.records,
            distinct: pointers.seen.len() as u64,
            orphans: 0,
            orphan_values: 0,
            ambiguous: 0,
            orphan_lines: Vec::new(),
            capped: pointers.capped || want.ways.iter().any(|w| is_capped(reads, w)),
        };
        // A reference field is one field, however many objects it may mean.
        if want.kind == LinkKind::Reference {
            link.fields.dedup();
        }
        let mut lines = Vec::new();
        for pointer in pointers.seen.values() {
            match target(reads, want, pointer) {
                None => {
                    link.orphans += pointer.count;
                    link.orphan_values += 1;
                    lines.push(pointer.first);
                }
                Some(records) if want.one && records > 1 => link.ambiguous += pointer.count,
                Some(_) => {}
            }
        }
        lines.sort_unstable();
        lines.truncate(LINES);
        link.orphan_lines = lines;
        links.push(link);
    }
    links
}

/// How many records a pointer means, by the first way that finds some.
fn target(reads: &[Read], want: &LinkWant, pointer: &Pointer) -> Option<u64> {
    want.ways
        .iter()
        .zip(&*pointer.ways)
        .find_map(|(way, hash)| {
            let read = reads.get(way.to.ix())?;
            Some(read.tallies.get(way.key)?.get((*hash)?)?.count)
        })
}

fn is_capped(reads: &[Read], way: &Way) -> bool {
    let tally = reads.get(way.to.ix()).and_then(|r| r.tallies.get(way.key));
    tally.is_some_and(|t| t.capped)
}

/// The owners, listed ones and those that only records name, with the records behind each.
pub(super) fn owners(source: &Platform, wants: &Wants, reads: &[Read]) -> Vec<OwnerCount> {
    let mut out = Vec::new();
    for (at, want) in wants.owners.iter().enumerate() {
        let lower = wants
            .keys
            .get(want.object.ix())
            .and_then(|k| k.first())
            .is_some_and(|k| k.lower);
        let mut all: BTreeMap<u64, OwnerCount> = BTreeMap::new();
        let mut order = Vec::new();
        let owner = |key: &str, matched_by: Option<String>, listed: bool| OwnerCount {
            object: name(source, want.object),
            step: want.step.clone(),
            key: key.to_owned(),
            matched_by,
            listed,
            records: Vec::new(),
        };
        let listed = reads
            .iter()
            .flat_map(|r| &r.owners)
            .filter(|(n, _)| *n == at);
        for found in listed.flat_map(|(_, owners)| owners) {
            let hash = tally::hash(&found.key, lower);
            all.entry(hash).or_insert_with(|| {
                order.push(hash);
                owner(&found.key, found.matched_by.clone(), true)
            });
        }
        let mut unlisted: Vec<(String, u64)> = Vec::new();
        for (link, pointers) in reads.iter().flat_map(|r| &r.pointers) {
            let Some(link) = wants.links.get(*link) else {
                continue;
            };
            let way = link.ways.iter().position(|w| w.to == want.object);
            let Some(way) = way.filter(|_| link.kind == LinkKind::Reference) else {
                continue;
            };
            for pointer in pointers.seen.values() {
                let Some(hash) = pointer.ways.get(way).copied().flatten() else {
                    continue;
                };
                let Some(text) = &pointer.text else { continue };
                // A reference that may mean something else is an owner only where it is one.
                if link.ways.len() > 1 && !all.contains_key(&hash) {
                    continue;
                }
                let entry = all.entry(hash).or_insert_with(|| {
                    unlisted.push((text.to_lowercase(), hash));
                    owner(text, None, false)
                });
                let field = link
                    .ways
                    .get(way)
                    .map(|w| fields(source, link.object, &w.own));
                add(
                    entry,
                    name(source, link.object),
                    field.unwrap_or_default(),
                    pointer.count,
                );
            }
        }
        unlisted.sort();
        order.extend(unlisted.into_iter().map(|(_, hash)| hash));
        for hash in order {
            if let Some(mut owner) = all.remove(&hash) {
                owner
                    .records
                    .sort_by(|a, b| (&a.object, &a.field).cmp(&(&b.object, &b.field)));
                out.push(owner);
            }
        }
    }
    out
}

fn add(owner: &mut OwnerCount, object: String, field: String, records: u64) {
    let known = owner
        .records
        .iter_mut()
        .find(|r| r.object == object && r.field == field);
    match known {
        Some(known) => known.records += records,
        None => owner.records.push(OwnerRecords {
            object,
            field,
            records,
        }),
    }
}

fn name(source: &Platform, id: ObjectId) -> String {
    source
        .objects
        .get(id.ix())
        .map_or_else(String::new, |o| o.name.clone())
}

fn fields(source: &Platform, object: ObjectId, ids: &[FieldId]) -> String {
    let object = source.objects.get(object.ix());
    let names: Vec<&str> = ids
        .iter()
        .filter_map(|f| Some(object?.fields.get(f.ix())?.name.as_str()))
        .collect();
    names.join("+")
}
