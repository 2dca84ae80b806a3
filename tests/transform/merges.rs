//! Merges: who survives, what is filled, and what children see.

use crate::world::{Said, World};

fn world() -> World {
    World::new(
        "
merge:
  person: {by: [email], keep: [edited desc, id asc], fill: true}
splits:
  person:
    join:
      notes: {all: note, by: [{person: id}], order: [id asc]}
    rows:
      - {when: \"count(notes) > 0\", to: [contact]}
      - {when: name is present, to: [lead]}
      - {else: {drop: Nothing is known of them}}
objects:
  contact:
    from: person
    to: contact
    absent: create
    fields: {code: id, email: email, name: name, text: phone}
  lead:
    from: person
    to: lead
    absent: create
    fields: {email: email, name: name}
  note:
    from: note
    to: note
    absent: create
    join:
      who: {one: person, by: [{id: person}, {email: email}], none: hold, many: hold}
    fields:
      about: who
      body: {first_of: [who.phone, body], transform: [plain]}
",
    )
}

#[test]
fn the_survivor_takes_gaps_children_and_the_route() {
    let mut w = world();
    w.is_there("person", "2").is_there("person", "3");
    // 1 and 2 are one person; 2 was edited later, and the note belongs to 1.
    w.add(
        "person",
        &[
            ("id", "1"),
            ("email", "Ann@x.example"),
            ("phone", "111"),
            ("name", "Old"),
            ("edited", "2024-01-01"),
        ],
    );
    w.add(
        "person",
        &[
            ("id", "2"),
            ("email", "ann@x.example"),
            ("name", "New"),
            ("edited", "2024-02-01"),
        ],
    );
    w.add(
        "person",
        &[("id", "3"), ("email", "bo@x.example"), ("name", "Bo")],
    );
    w.add("person", &[("id", "4"), ("email", "cy@x.example")]);
    w.add("person", &[("id", "5"), ("name", "No address")]);
    w.add("person", &[("id", "6"), ("name", "No address")]);
    w.add("note", &[("id", "10"), ("person", "1"), ("body", "hi")]);
    w.add(
        "note",
        &[("id", "11"), ("email", "ANN@x.example"), ("body", "ho")],
    );

    let contact = w.said("person", "contact");
    assert_eq!(contact[0], ("1".into(), Said::Merged("2".into())));
    let Said::Effect(values) = &contact[1].1 else {
        panic!("{contact:?}")
    };
    assert_eq!(
        (values["name"].as_str(), values["text"].as_str()),
        ("New", "111")
    );
    assert_eq!(contact[2].1, Said::Routed);
    let lead = w.said("person", "lead");
    assert_eq!(lead[0].1, Said::Routed);
    assert_eq!(lead[1].1, Said::Routed);
    assert!(matches!(lead[2].1, Said::Effect(_)));
    let dropped = Said::Dropped("Nothing is known of them".into());
    assert_eq!((&contact[3].1, &lead[3].1), (&dropped, &dropped));
    assert!(
        matches!(lead[4].1, Said::Effect(_)),
        "a blank key stands alone"
    );
    assert!(matches!(lead[5].1, Said::Effect(_)));

    let notes = w.said("note", "note");
    for (_, said) in &notes {
        let Said::Effect(values) = said else {
            panic!("{said:?}")
        };
        assert_eq!(
            (values["about"].as_str(), values["body"].as_str()),
            ("->person/2", "111")
        );
    }
}

#[test]
fn ties_go_to_the_smaller_number() {
    let mut w = world();
    for id in ["10", "9", "100"] {
        w.add(
            "person",
            &[("id", id), ("email", "a@x.example"), ("name", "A")],
        );
    }
    let said = w.said("person", "lead");
    assert_eq!(said[0].1, Said::Merged("9".into()));
    assert!(matches!(said[1].1, Said::Effect(_)));
    assert_eq!(said[2].1, Said::Merged("9".into()));
    let (id, _) = w.mapping.source.object("person").unwrap();
    assert_eq!(w.tables().merged(id), 2);
}
