//! What a record costs in a pass: bare, with ops, conditions, splits, joins and look-ups. Each row does what `copy` does
//! and one thing more, so that the difference is that thing.

use crate::world::{self, Count, RECORDS};
use bumpalo::Bump;
use divan::{Bencher, black_box, counter::ItemsCount};
use std::{collections::HashMap, sync::Arc};
use transload::{
    ident::StepId,
    ledger::{IdEntry, IdMap, IdState},
    mapping::Mapping,
    run::resolver::Resolver,
    transform::TablesBuilder,
};

const IGNORE: &str = "ignore:\n  user: {name: Not of this bench}\n";
const USERS: &str = "  user: {from: user, to: user, match: [{email: email}], found: use, absent: hold, fields: {email: email}}\n";

/// A mapping of people with these entries in front of `objects`, and these fields beside the copied ones.
fn people(front: &str, extra: &str, used: &[&str]) -> String {
    let all = [
        "email", "owner", "score", "count", "vip", "edited", "tags", "kind", "extra", "bio",
    ];
    let open = all.iter().filter(|f| !used.contains(f));
    let open: Vec<String> = open.map(|f| format!("{f}: Not of this bench")).collect();
    format!(
        "{front}
objects:
{USERS}  contact:
    from: person
    to: contact
    fields: {{id: id, name: name{extra}}}
ignore:
  user: {{name: Not of this bench}}
  person: {{{}}}
  note: Not of this bench
",
        open.join(", ")
    )
}

/// Every user is at the destination, and every person as a contact.
fn resolver(mapping: &Arc<Mapping>) -> Resolver {
    let ids = IdMap::new(mapping.steps.len());
    let mut known = Vec::new();
    for (id, step) in (0u16..).map(StepId).zip(&mapping.steps) {
        for n in 0..RECORDS {
            let key = match mapping.source.objects[step.from.ix()].name.as_str() {
                "user" => format!("owner{}@corp.example", n % 220),
                _ => (n + 1).to_string(),
            };
            let entry = IdEntry {
                dest_id: &format!("70000{n}"),
                fingerprint: 0,
                state: IdState::Confirmed,
                origin: None,
                second_pass: false,
            };
            ids.insert(id, &key, 0, &entry);
        }
        known.push(Some(ids.snapshot(id)));
    }
    Resolver::new(
        mapping,
        known,
        HashMap::new(),
        HashMap::new(),
        HashMap::new(),
    )
}

fn run(bencher: Bencher<'_, '_>, mapping: &str, object: &str) {
    let mapping = world::migration(mapping).mapping;
    let pass = world::pass(&mapping, object);
    let page = world::page(&mapping, pass.object(), pass.columns());
    let keys = pass.keys(&page);
    let resolver = resolver(&mapping);
    let mut arena = Bump::new();
    bencher
        .counter(ItemsCount::new(page.rows()))
        .bench_local(|| {
            let mut count = Count::default();
            pass.run(black_box(&page), &keys, &resolver, &arena, &mut count);
            arena.reset();
            assert!(count.values > 0 && count.holds == 0, "{} held", count.holds);
            count.values + count.settled
        });
}

#[divan::bench]
fn copy(bencher: Bencher<'_, '_>) {
    run(bencher, &people("", "", &[]), "person");
}

#[divan::bench]
fn typed_fields(bencher: Bencher<'_, '_>) {
    let extra = ", amount: score, number: count, flag: vip, at: edited, labels: tags";
    run(
        bencher,
        &people("", extra, &["score", "count", "vip", "edited", "tags"]),
        "person",
    );
}

#[divan::bench]
fn ops(bencher: Bencher<'_, '_>) {
    let front = "value_maps:\n  kind: {rows: {new: New, qualified: Qualified, demo scheduled: Demo}, other: {use: Other}}\n";
    let extra = ", email: {from: email, transform: [trim, lower]}, labels: {from: tags, transform: [unique]}, text: {from: kind, transform: [{map: kind}, {prefix: k-}]}";
    run(
        bencher,
        &people(front, extra, &["email", "tags", "kind"]),
        "person",
    );
}

#[divan::bench]
fn when(bencher: Bencher<'_, '_>) {
    let extra = ", text: {from: kind, when: \"count > 10 and kind in ['new', 'won'] and email is present\"}";
    run(
        bencher,
        &people("", extra, &["count", "kind", "email"]),
        "person",
    );
}

#[divan::bench]
fn lookups(bencher: Bencher<'_, '_>) {
    run(
        bencher,
        &people("", ", owner: {from: owner, missing: hold}", &["owner"]),
        "person",
    );
}

#[divan::bench]
fn splits(bencher: Bencher<'_, '_>) {
    let mapping = format!(
        "splits:
  person:
    - {{when: kind == 'won', drop: Won already}}
    - {{when: vip, to: [contact]}}
    - {{else: [lead]}}
objects:
{USERS}  contact: {{from: person, to: contact, fields: {{id: id, name: name}}}}
  lead: {{from: person, to: lead, fields: {{id: id, name: name}}}}
{IGNORE}  person: {{email: No, owner: No, score: No, count: No, edited: No, tags: No, extra: No, bio: No}}
  note: Not of this bench
"
    );
    run(bencher, &mapping, "person");
}

const JOINED: &str = "objects:
  user: {from: user, to: user, match: [{email: email}], found: use, absent: hold, fields: {email: email}}
  contact:
    from: person
    to: contact
    join: {notes: {all: note, by: [{person: id}], order: [written asc, id asc]}}
    fields: {id: id, name: name, number: count(notes), text: {text: \"{% for n in notes %}{{ n.body }}{% endfor %}\"}}
ignore:
  user: {name: Not of this bench}
  person: {email: No, owner: No, score: No, count: No, vip: No, edited: No, tags: No, kind: No, extra: No, bio: No}
";

#[divan::bench]
fn joins(bencher: Bencher<'_, '_>) {
    run(bencher, JOINED, "person");
}

/// Reading what joins need, record by record.
#[divan::bench]
fn index_of_joins(bencher: Bencher<'_, '_>) {
    let mapping = world::migration(JOINED).mapping;
    let need = &transload::transform::needs(&mapping)[0];
    let page = world::page(&mapping, need.object, &need.columns);
    bencher
        .counter(ItemsCount::new(page.rows()))
        .bench_local(|| {
            let mut builder = TablesBuilder::new(Arc::clone(&mapping), None).unwrap();
            builder.feed(need.object, black_box(&page));
            builder.finish().unwrap()
        });
}

/// References to people, as notes make them.
#[divan::bench]
fn references(bencher: Bencher<'_, '_>) {
    let mapping = format!(
        "objects:
{USERS}  contact: {{from: person, to: contact, fields: {{id: id, name: name}}}}
  note: {{from: note, to: note, fields: {{id: id, about: {{from: person, missing: hold}}, body: body}}}}
{IGNORE}  person: {{email: No, owner: No, score: No, count: No, vip: No, edited: No, tags: No, kind: No, extra: No, bio: No}}
  note: {{written: No}}
"
    );
    run(bencher, &mapping, "note");
}
