//! Splits and conditions: the first row that holds, typed comparisons, blanks.

use crate::world::{Said, World};

fn goes(when: &str, cells: &[(&str, &str)]) -> bool {
    let mut w = World::new(&format!(
        "
splits:
  person:
    - {{when: \"{when}\", to: [contact]}}
    - {{else: [lead]}}
objects:
  contact: {{from: person, to: contact, absent: create, fields: {{code: id}}}}
  lead: {{from: person, to: lead, absent: create, fields: {{name: id}}}}
"
    ));
    let mut all = vec![("id", "1")];
    all.extend(cells);
    w.add("person", &all);
    let (contact, lead) = (w.said("person", "contact"), w.said("person", "lead"));
    match (&contact[0].1, &lead[0].1) {
        (Said::Effect(_), Said::Routed) => true,
        (Said::Routed, Said::Effect(_)) => false,
        other => panic!("{when}: {other:?}"),
    }
}

#[test]
fn conditions_are_typed() {
    for (when, cells, expected) in [
        ("vip", &[("vip", "t")][..], true),
        ("vip", &[("vip", "f")], false),
        ("vip", &[], false),
        ("not vip", &[], true),
        ("name is present", &[("name", " ")], false),
        ("name is blank", &[], true),
        ("count > 2", &[("count", "3")], true),
        ("count > 2", &[("count", "2")], false),
        ("count > 2", &[], false),
        ("count <= 2", &[], false),
        ("count != 2", &[], false),
        ("score >= 1.5", &[("score", "1.50")], true),
        ("score < count", &[("score", "0.5"), ("count", "1")], true),
        ("kind == 'Lead'", &[("kind", " LEAD ")], true),
        ("kind != 'Lead'", &[("kind", "lead")], false),
        ("kind in ['a', 'Ä']", &[("kind", "ä")], true),
        ("kind not in ['a', 'b']", &[("kind", "c")], true),
        ("tags has 'vip'", &[("tags", "x, VIP")], true),
        ("tags has 'vip'", &[("tags", "vips")], false),
        (
            "bio contains 'data:'",
            &[("bio", "<img src='data:x'>")],
            true,
        ),
        ("bio contains 'data:'", &[("bio", "DATA:")], false),
        ("born < 2000-01-01", &[("born", "1999-12-31")], true),
        (
            "count == 1 and (vip or kind is present)",
            &[("count", "1"), ("kind", "x")],
            true,
        ),
        ("count == 1 or vip", &[("vip", "t")], true),
        // A value that cannot be read is neither equal nor unequal to anything.
        ("count == 1", &[("count", "many")], false),
        ("count != 1", &[("count", "many")], false),
        ("count is present", &[("count", "many")], false),
        ("count is blank", &[("count", "many")], false),
    ] {
        assert_eq!(goes(when, cells), expected, "{when} with {cells:?}");
    }
}

#[test]
fn a_guard_holds_with_its_code() {
    let mut w = World::new(
        "
objects:
  contact:
    from: person
    to: contact
    absent: create
    guards:
      - {when: count > 10, code: too_many, say: Ask the admin first}
    fields: {code: id}
",
    );
    w.add("person", &[("id", "1"), ("count", "11")]);
    w.add("person", &[("id", "2"), ("count", "10")]);
    let entries = w.run("person");
    assert_eq!(
        entries[0].said,
        Said::Hold("too_many".into(), String::new())
    );
    assert_eq!(entries[0].words, "Ask the admin first");
    assert!(matches!(entries[1].said, Said::Effect(_)));
}
