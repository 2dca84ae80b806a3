//! Books: every record has one outcome for every step, whatever it holds; nothing panics.

use crate::world::{Said, World};
use proptest::prelude::*;
use std::collections::BTreeMap;

const MAPPING: &str = "
merge:
  person: {by: [email], keep: [edited desc, id asc], fill: true}
splits:
  person:
    - {when: kind == 'gone', drop: Left}
    - {when: vip, to: [contact]}
    - {else: [lead]}
objects:
  user: {from: user, to: user, match: [{email: email}], found: use, absent: hold, fields: {email: email}}
  contact:
    from: person
    to: contact
    absent: create
    join:
      notes: {all: note, by: [{person: id}], order: [written asc, id asc]}
    let:
      more: {from: extra, transform: [{parse_json: {city: text, score: int}}]}
    fields:
      code: id
      email: {from: email, transform: [email]}
      name: {from: name, transform: [{cut: 20}]}
      amount: score
      number: more.score
      day: born
      at: edited
      flag: vip
      labels: {from: tags, transform: [unique, {over: {max: 8, then: hold}}]}
      owner: {from: owner, missing: hold}
      boss: {from: boss, missing: skip_row}
      text: {text: \"{{ bio | plain | or('') }}{% for n in notes %}{{ n.body | plain | or('') }}{% endfor %}\", transform: [squeeze]}
  lead:
    from: person
    to: lead
    absent: create
    fields: {email: email, name: {first_of: [name, email, id]}}
";

fn world() -> World {
    // The checks of spec files are not what is tried here; one mapping serves all cases.
    thread_local!(static MAPPING_IS: std::sync::Arc<transload::mapping::Mapping> = World::new(MAPPING).mapping);
    World::of(MAPPING_IS.with(Clone::clone))
}

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => Just(String::new()),
        3 => "[0-9]{1,2}",
        2 => "[ab]@x\\.example|[AB]@X\\.example",
        2 => "t|f|gone|2024-0[1-9]-1[0-9]|\\{\"score\":[0-9]\\}|a,b,a|<p>x</p>",
        2 => "\\PC{0,20}",
        1 => "[<>{}%&\"', \n\r\t|]{0,12}",
    ]
}

const FIELDS: &[&str] = &[
    "id", "email", "name", "owner", "boss", "score", "vip", "born", "edited", "tags", "kind",
    "extra", "bio",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_record_has_one_outcome_for_every_step(
        people in proptest::collection::vec(proptest::collection::vec(cell(), FIELDS.len()), 0..12),
        notes in proptest::collection::vec((cell(), cell()), 0..6),
        bad in 0u64..3,
        page_rows in 1usize..5,
    ) {
        let mut w = world();
        w.page_rows = page_rows;
        for person in &people {
            let cells: Vec<_> = FIELDS.iter().copied().zip(person.iter().map(String::as_str)).collect();
            w.add("person", &cells);
        }
        for (at, (person, body)) in notes.iter().enumerate() {
            w.add("note", &[("id", &at.to_string()), ("person", person), ("body", body)]);
        }
        w.bad_rows.insert("person".into(), bad);
        w.is_there("person", "1").is_there("user", "a@x.example");
        let entries = w.run("person");
        let mut books: BTreeMap<(&str, u64), Vec<&Said>> = BTreeMap::new();
        for e in &entries {
            books.entry((&e.step, e.line)).or_default().push(&e.said);
        }
        for step in ["contact", "lead"] {
            let read = people.len() as u64 + bad;
            prop_assert_eq!(books.keys().filter(|(s, _)| *s == step).count() as u64, read);
        }
        for ((step, line), said) in &books {
            prop_assert_eq!(said.len(), 1, "{} line {}: {:?}", step, line, said);
        }
        // Splits are exclusive: written by one step at most, and left to others by the other.
        for line in books.keys().map(|(_, l)| *l) {
            let of = |step: &'static str| books[&(step, line)][0];
            let (a, b) = (of("contact"), of("lead"));
            let elsewhere = |s: &Said| matches!(s, Said::Routed);
            let dropped = matches!((a, b), (Said::Dropped(x), Said::Dropped(y)) if x == "Left" && y == "Left");
            prop_assert!(dropped || elsewhere(a) != elsewhere(b), "line {}: {:?} {:?}", line, a, b);
        }
        // How records are cut into pages changes nothing.
        w.page_rows = 100;
        prop_assert_eq!(entries, w.run("person"));
    }
}

#[test]
fn keys_decide_what_is_held() {
    let mut w = world();
    w.add("person", &[("id", "1")]);
    w.add("person", &[("id", " ")]);
    w.add("person", &[("id", "1")]);
    w.bad_rows.insert("person".into(), 1);
    let held: Vec<_> = w
        .run("person")
        .into_iter()
        .filter_map(|e| match e.said {
            Said::Hold(code, _) => Some((e.step, e.key, e.line, code)),
            _ => None,
        })
        .collect();
    let hold =
        |key: &str, line, code: &str| ("contact".to_owned(), key.to_owned(), line, code.to_owned());
    assert_eq!(
        held,
        [
            hold("line 3", 3, "missing_key"),
            hold("1 (line 4)", 4, "duplicate_key"),
            hold("line 1000", 1000, "bad_row"),
        ]
    );
}

#[test]
fn rows_without_a_key_are_told_apart_by_content_and_repetition() {
    let mut w = World::new(
        "
objects:
  contact: {from: person, to: contact, absent: create, fields: {code: id}}
  note:
    from: visit
    to: note
    absent: create
    fields: {about: {from: person, missing: hold}, body: page}
",
    );
    w.is_there("person", "1");
    for page in ["a", "b", "a"] {
        w.add("visit", &[("person", "1"), ("page", page)]);
    }
    let keys: Vec<String> = w.run("visit").into_iter().map(|e| e.key).collect();
    assert_eq!(keys[0].strip_suffix("-1"), keys[2].strip_suffix("-2"));
    assert_ne!(keys[0], keys[1]);
    let again: Vec<String> = w.run("visit").into_iter().map(|e| e.key).collect();
    assert_eq!(keys, again);
}

#[test]
fn passes_are_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<transload::transform::Pass>();
    shared::<transload::transform::Tables>();
    shared::<transload::transform::HandoffPass>();
    shared::<transload::transform::PageKeys>();
}
