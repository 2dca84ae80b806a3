//! The shipped AllClients files over a few records of each kind.

use crate::world::{Said, World, load};
use std::path::Path;

fn world() -> World {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/allclients/migration.yaml");
    World::of(load(&path).mapping)
}

#[test]
fn contacts_keep_what_they_have() {
    let mut w = world();
    w.is_there("user", "kim@x.example");
    w.add("user", &[("email", "Kim@X.example"), ("name", "Kim")]);
    w.add(
        "contact",
        &[
            ("id", "1"),
            ("email", "ann@x.example"),
            ("first_name", "Ann"),
            ("owner_email", "KIM@x.example"),
            ("tags", "vip, new, vip"),
            ("groups", "Clients,Golf"),
            ("other_first_name", "Bo"),
            ("created_at", "03/09/2024 11:30 PM"),
            ("phone1", "(312) 555-0142"),
        ],
    );
    let v = w.values("contact");
    assert_eq!(v["email"], "ann@x.example");
    assert_eq!(v["last_name"], "ann@x.example");
    assert_eq!(v["owner"], "->user/kim@x.example");
    assert_eq!(v["tags"], "[vip|new]");
    assert_eq!(v["cf_groups"], "[Clients|Golf]");
    assert_eq!(v["cf_partner"], "Bo");
    assert_eq!(v["mobile"], "(312) 555-0142");
    assert_eq!(v["cf_allclients_id"], "1");
}

#[test]
fn a_note_finds_its_contact_by_id_or_address() {
    let mut w = world();
    w.is_there("contact", "1");
    w.add("contact", &[("id", "1"), ("email", "Ann@x.example")]);
    w.add(
        "note",
        &[
            ("id", "5"),
            ("contact_email", "ann@X.example"),
            ("written", "03/09/2024 11:30 PM"),
            ("author", "Kim"),
            ("body", "<p>Likes <b>golf</b> &amp; tea</p>"),
        ],
    );
    let v = w.values("note");
    assert_eq!(v["about"], "->contact/1");
    assert_eq!(v["body"], "2024-03-09 Kim\nLikes golf & tea");
    w.records.get_mut("note").unwrap()[0][1].1 = "old@x.example".to_owned();
    assert_eq!(w.hold("note"), ("join_none".into(), String::new()));
}

#[test]
fn a_long_note_becomes_several() {
    let mut w = world();
    w.is_there("contact", "1");
    w.add("contact", &[("id", "1"), ("email", "ann@x.example")]);
    let body = "word ".repeat(5000);
    w.add("note", &[("id", "5"), ("contact_id", "1"), ("body", &body)]);
    let entries = w.run("note");
    assert_eq!(entries.len(), 2);
    let mut prints = Vec::new();
    for (i, e) in entries.iter().enumerate() {
        assert_eq!((e.key.as_str(), e.part), ("5", (i as u16, 2)));
        let Said::Effect(v) = &e.said else {
            panic!("{e:?}")
        };
        assert!(v["body"].starts_with(&format!("({}/2) ", i + 1)));
        prints.push(e.fingerprint);
    }
    assert_ne!(prints[0], prints[1]);
}

#[test]
fn tasks_compose_their_description() {
    let mut w = world();
    w.is_there("contact", "1").is_there("user", "kim@x.example");
    w.add("contact", &[("id", "1"), ("email", "ann@x.example")]);
    w.add(
        "task",
        &[
            ("id", "9"),
            ("contact_email", "ann@x.example"),
            ("title", "Call"),
            ("due", "06/30/2024"),
            ("status", "closed"),
            ("priority", "1"),
            ("category", "3"),
            ("completed", "07/01/2024"),
            ("owner_email", "kim@x.example"),
        ],
    );
    let v = w.values("task");
    assert_eq!(v["due"], "2024-06-30T17:00:00Z");
    assert_eq!(v["done"], "true");
    assert_eq!(
        v["description"],
        "\nPriority: High, kind: Phone, completed 2024-07-01"
    );
    w.records.get_mut("task").unwrap()[0][3].1 = "13/45/2024".to_owned();
    assert_eq!(w.hold("task"), ("not_a_date".into(), "due".into()));
}

#[test]
fn duplicates_in_other_case_merge_and_choices_are_observed() {
    let mut w = world();
    w.add(
        "contact",
        &[
            ("id", "1"),
            ("email", "Ann@x.example"),
            ("updated_at", "01/02/2024"),
            ("groups", "A,B"),
        ],
    );
    w.add(
        "contact",
        &[
            ("id", "2"),
            ("email", "ann@X.example"),
            ("updated_at", "01/03/2024"),
            ("city", "Rome"),
            ("groups", "B,C"),
        ],
    );
    w.add("contact", &[("id", "3"), ("email", "bo@x.example")]);
    let said = w.said("contact", "contact");
    assert_eq!(said[0], ("1".into(), Said::Merged("2".into())));
    let tables = w.tables();
    let (id, _) = w.mapping.source.object("contact").unwrap();
    assert_eq!(tables.merged_into(id, "1"), Some("2"));
    assert_eq!(tables.merged_into(id, "2"), None);
    let (step_id, step) = w.mapping.steps_from(id).next().unwrap();
    let observed: Vec<_> = (0..step.fields.len())
        .filter_map(|f| tables.observed(step_id, f))
        .collect();
    assert!(
        observed.contains(&["A".to_owned(), "B".into(), "C".into()].as_slice()),
        "{observed:?}"
    );
}

#[test]
fn templates_with_pictures_are_handed_off() {
    use transload::transform::HandoffPass;
    let mut w = world();
    w.add(
        "template",
        &[
            ("id", "1"),
            ("name", "Hi"),
            ("subject", "Hello"),
            ("html", "<img src='data:image/png;base64,AA'>"),
        ],
    );
    w.add(
        "template",
        &[
            ("id", "2"),
            ("name", "Bye"),
            ("subject", "So long"),
            ("html", "<p>x</p>"),
        ],
    );
    let pass = HandoffPass::compile(&w.mapping, w.tables(), &w.mapping.handoffs[0]).unwrap();
    let arena = bumpalo::Bump::new();
    let pages = w.pages(pass.object(), pass.columns());
    let rows: Vec<_> = pages.iter().flat_map(|p| pass.run(p, &arena)).collect();
    assert_eq!(rows, [["Hi", "Hello"]]);
}
