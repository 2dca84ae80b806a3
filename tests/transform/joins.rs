//! Joins: alternatives, order, picks, counts, and what none and many do.

use crate::world::{Said, World};

fn notes(none: &str, many: &str) -> World {
    World::new(&format!(
        "
objects:
  contact:
    from: person
    to: contact
    absent: create
    fields: {{code: id}}
  note:
    from: note
    to: note
    absent: create
    join:
      who: {{one: person, by: [{{id: person}}, {{email: email}}], none: {none}, many: {many}}}
    fields:
      about: {{from: who, missing: hold}}
      body: {{first_of: [who.name, body], transform: [plain]}}
"
    ))
}

#[test]
fn the_first_alternative_that_finds_something_decides() {
    let mut w = notes("hold", "hold");
    w.is_there("person", "1").is_there("person", "2");
    w.add(
        "person",
        &[("id", "1"), ("email", "a@x.example"), ("name", "Ann")],
    );
    w.add(
        "person",
        &[("id", "2"), ("email", "b@x.example"), ("name", "Bo")],
    );
    w.add(
        "note",
        &[
            ("id", "1"),
            ("person", "1"),
            ("email", "b@x.example"),
            ("body", "x"),
        ],
    );
    w.add(
        "note",
        &[
            ("id", "2"),
            ("person", "77"),
            ("email", " B@X.example "),
            ("body", "y"),
        ],
    );
    w.add(
        "note",
        &[("id", "3"), ("email", "b@x.example"), ("body", "z")],
    );
    let bodies: Vec<_> = w
        .run("note")
        .iter()
        .map(|e| match &e.said {
            Said::Effect(v) => format!("{} {}", v["about"], v["body"]),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(bodies, ["->person/1 Ann", "->person/2 Bo", "->person/2 Bo"]);
}

#[test]
fn none_and_many_hold_with_their_codes() {
    let mut w = notes("hold", "hold");
    w.add("person", &[("id", "1"), ("email", "a@x.example")]);
    w.add("person", &[("id", "2"), ("email", "A@x.example")]);
    w.add("note", &[("id", "4"), ("email", "a@x.example")]);
    w.add("note", &[("id", "5"), ("email", "nobody@x.example")]);
    w.add("note", &[("id", "6"), ("body", "names nobody")]);
    let codes: Vec<_> = w
        .run("note")
        .into_iter()
        .map(|e| match e.said {
            Said::Hold(code, _) => code,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(codes, ["join_many", "join_none", "join_none"]);
}

#[test]
fn records_without_a_usable_key_are_not_found() {
    let mut w = notes("hold", "hold");
    w.is_there("person", "1");
    w.add("person", &[("id", ""), ("email", "a@x.example")]);
    w.add("person", &[("id", "1"), ("email", "a@x.example")]);
    w.add("person", &[("id", "1"), ("email", "a@x.example")]);
    w.add(
        "note",
        &[("id", "7"), ("email", "a@x.example"), ("body", "b")],
    );
    assert_eq!(w.values("note")["about"], "->person/1");
}

#[test]
fn all_joins_have_order_picks_names_and_counts() {
    let mut w = World::new(
        "
objects:
  account:
    from: firm
    to: account
    absent: create
    join:
      staff: {all: person, by: [{firm: id}], order: [score desc, id asc]}
    fields:
      name: {from: \"staff[1..].boss\", transform: [names, {join: \"; \"}]}
  contact:
    from: person
    to: contact
    absent: create
    join:
      notes: {all: note, by: [{person: id}], order: [written asc, id asc]}
    fields:
      code: id
      number: count(notes)
      text: {from: \"notes[0].body\", transform: [plain]}
",
    );
    w.add("firm", &[("id", "1")]);
    w.add(
        "person",
        &[("id", "10"), ("firm", "1"), ("score", "5"), ("name", "Top")],
    );
    w.add(
        "person",
        &[
            ("id", "9"),
            ("firm", "1"),
            ("score", "1"),
            ("boss", "10"),
            ("name", "Nine"),
        ],
    );
    w.add(
        "person",
        &[("id", "11"), ("firm", "1"), ("score", "1"), ("boss", "77")],
    );
    w.add(
        "note",
        &[
            ("id", "8"),
            ("person", "10"),
            ("written", "2024-01-02"),
            ("body", "late"),
        ],
    );
    w.add(
        "note",
        &[
            ("id", "9"),
            ("person", "10"),
            ("written", "2024-01-01"),
            ("body", "early"),
        ],
    );
    assert_eq!(w.values("firm")["name"], "Top (10); 77");
    let said = w.said("person", "contact");
    let Said::Effect(first) = &said[0].1 else {
        panic!("{said:?}")
    };
    assert_eq!(
        (first["number"].as_str(), first["text"].as_str()),
        ("2", "early")
    );
    let Said::Effect(second) = &said[1].1 else {
        panic!("{said:?}")
    };
    assert_eq!(second["number"], "0");
    assert!(!second.contains_key("text"));
}
