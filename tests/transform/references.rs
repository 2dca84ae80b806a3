//! References: found, later, held, dropped, unknown; the two passes; fingerprints.

use crate::world::{Said, World};

fn world(missing: &str) -> World {
    World::new(&format!(
        "
objects:
  user: {{from: user, to: user, match: [{{email: email}}], found: use, absent: hold, fields: {{email: email}}}}
  account: {{from: firm, to: account, absent: create, fields: {{name: name}}}}
  contact:
    from: person
    to: contact
    absent: create
    fields:
      code: id
      name: name
      account: {{from: firm, missing: {missing}}}
      owner: {{from: owner, missing: blank}}
      boss: {{from: boss, missing: blank}}
"
    ))
}

#[test]
fn what_is_not_there_follows_the_policy() {
    for (state, missing, expected) in [
        (
            "unknown",
            "hold",
            Said::Hold("reference_missing".into(), "account".into()),
        ),
        (
            "dropped",
            "hold",
            Said::Hold("reference_missing".into(), "account".into()),
        ),
        (
            "held",
            "blank",
            Said::Hold("parent_held".into(), "account".into()),
        ),
    ] {
        let mut w = world(missing);
        w.known.other.insert("7".into(), state);
        w.add("person", &[("id", "1"), ("firm", "7")]);
        assert_eq!(w.run("person")[0].said, expected, "{state}");
    }
    let mut w = world("blank");
    w.add("person", &[("id", "1"), ("firm", "7")]);
    assert!(!w.values("person").contains_key("account"));
    let mut w = world("skip_row");
    w.add("person", &[("id", "1"), ("firm", "7")]);
    w.add("person", &[("id", "2"), ("firm", "")]);
    for e in w.run("person") {
        assert!(
            matches!(&e.said, Said::Dropped(why) if why.contains("account")),
            "{e:?}"
        );
    }
    let mut w = world("hold");
    w.add("person", &[("id", "1")]);
    assert_eq!(
        w.hold("person"),
        ("reference_missing".into(), "account".into())
    );
}

#[test]
fn keys_are_looked_up_in_their_own_form() {
    let mut w = world("blank");
    w.is_there("user", "kim@x.example").is_there("firm", "7");
    w.add(
        "person",
        &[("id", "1"), ("firm", " 7 "), ("owner", "KIM@x.example ")],
    );
    let v = w.values("person");
    assert_eq!(
        (v["account"].as_str(), v["owner"].as_str()),
        ("->firm/7", "->user/kim@x.example")
    );
}

#[test]
fn deferred_fields_wait_for_the_second_pass() {
    let mut w = world("blank");
    w.is_there("person", "1").is_there("firm", "7");
    w.add("person", &[("id", "1"), ("firm", "7"), ("name", "Top")]);
    w.add("person", &[("id", "2"), ("firm", "7"), ("boss", "1")]);
    let deferred = [("contact", "boss")];
    let (first, _) = w.pass("person", &deferred, false);
    assert_eq!(
        (first[0].has_deferred, first[1].has_deferred),
        (false, true)
    );
    let Said::Effect(values) = &first[1].said else {
        panic!("{first:?}")
    };
    assert!(values.contains_key("account") && !values.contains_key("boss"));
    let (second, _) = w.pass("person", &deferred, true);
    assert_eq!(second[0].said, Said::Skipped);
    let Said::Effect(values) = &second[1].said else {
        panic!("{second:?}")
    };
    assert_eq!(values.len(), 1);
    assert_eq!(values["boss"], "->person/1");
    // What the second pass writes is not in the fingerprint of the first.
    w.records.get_mut("person").unwrap()[1][2].1 = "3".into();
    let (changed, _) = w.pass("person", &deferred, false);
    assert_eq!(changed[1].fingerprint, first[1].fingerprint);
}

#[test]
fn fingerprints_follow_the_source_and_not_the_destination() {
    let mut w = world("blank");
    w.is_there("firm", "7").is_there("firm", "8");
    w.add("person", &[("id", "1"), ("firm", "7"), ("name", "Ann")]);
    let print = |w: &World| w.run("person")[0].fingerprint;
    let base = print(&w);
    let (firm, _) = w.mapping.source.object("firm").unwrap();
    w.known
        .ids
        .insert((firm.0, "7".into()), "another-id".into());
    assert_eq!(print(&w), base);
    w.records.get_mut("person").unwrap()[0][1].1 = "8".into();
    assert_ne!(print(&w), base);
    w.records.get_mut("person").unwrap()[0][1].1 = "7".into();
    w.records.get_mut("person").unwrap()[0][2].1 = "Anna".into();
    assert_ne!(print(&w), base);
}

#[test]
fn the_first_fault_names_the_hold_and_the_others_stand_in_its_words() {
    let mut w = World::new(
        "
objects:
  contact:
    from: person
    to: contact
    absent: create
    fields: {code: name, day: born, number: count, flag: vip}
",
    );
    w.add(
        "person",
        &[("id", "1"), ("born", "x"), ("count", "x"), ("vip", "x")],
    );
    let entries = w.run("person");
    let e = &entries[0];
    assert!(
        matches!(&e.said, Said::Hold(code, field) if (code.as_str(), field.as_str()) == ("not_a_number", "number"))
    );
    assert_eq!(e.words.matches("; ").count(), 3, "{}", e.words);
    assert_eq!(e.line, 2);
}
