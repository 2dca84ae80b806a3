//! Each op by a table: a cell, the ops, and the value or the hold.

use crate::world::World;

/// A contact whose field `to` is filled from `from` with these ops.
fn world(from: &str, to: &str, ops: &str) -> World {
    World::new(&format!(
        "
value_maps:
  level:
    in: [person.kind]
    rows: {{\"1\": High, \"2\": Low, \"3\": Low}}
    other: hold
objects:
  contact:
    from: person
    to: contact
    absent: create
    fields:
      code: id
      {to}: {{from: {from}, transform: [{ops}]}}
"
    ))
}

fn check(from: &str, to: &str, ops: &str, table: &[(&str, Result<&str, &str>)]) {
    for (cell, expected) in table {
        let mut w = world(from, to, ops);
        w.add("person", &[("id", "1"), (from, cell)]);
        match expected {
            Ok(value) => {
                let values = w.values("person");
                let got = values.get(to).map_or("", String::as_str);
                assert_eq!(got, *value, "{cell:?} through {ops}");
            }
            Err(code) => {
                assert_eq!(
                    w.hold("person"),
                    ((*code).to_owned(), to.to_owned()),
                    "{cell:?} through {ops}"
                );
            }
        }
    }
}

#[test]
fn texts() {
    check("kind", "text", "lower", &[("ÄB c", Ok("äb c"))]);
    check("kind", "text", "upper", &[("straße", Ok("STRASSE"))]);
    check(
        "kind",
        "text",
        "squeeze",
        &[(" a \n\t b  c", Ok("a b c")), ("", Ok(""))],
    );
    check(
        "kind",
        "text",
        "trim, {prefix: \"old/\"}",
        &[("x", Ok("old/x")), ("", Ok(""))],
    );
    check(
        "kind",
        "text",
        "{default: none}",
        &[("", Ok("none")), ("x", Ok("x"))],
    );
    check(
        "kind",
        "text",
        "mask",
        &[("secret", Ok("s****t")), ("abc", Ok("***"))],
    );
    check(
        "bio",
        "text",
        "plain",
        &[("<p>a</p>b &lt; c", Ok("a\n\nb < c"))],
    );
}

#[test]
fn shortening() {
    check(
        "kind",
        "text",
        "{cut: 3}",
        &[("äöüß", Ok("äöü")), ("abc", Ok("abc"))],
    );
    check(
        "kind",
        "text",
        "{cut: {max: 12, at: \"; \"}}",
        &[
            ("one; two; three", Ok("one; two")),
            ("abcdefghijklmnop", Ok("abcdefghijkl")),
            ("twelve chars; x", Ok("twelve chars")),
        ],
    );
    check(
        "kind",
        "text",
        "{over: {max: 3, then: hold}}",
        &[("abcd", Err("too_long")), ("abc", Ok("abc"))],
    );
    check(
        "tags",
        "labels",
        "{over: {max: 3, then: hold}}",
        &[("a,abcd", Err("too_long"))],
    );
    check(
        "tags",
        "labels",
        "{over: {max: 3, then: drop}}",
        &[("a,abcd,b", Ok("[a|b]"))],
    );
    // Without an op nothing is shortened: what does not fit is held.
    check(
        "kind",
        "name",
        "trim",
        &[("123456789012345678901", Err("too_long"))],
    );
}

#[test]
fn lists() {
    check("tags", "labels", "unique", &[("a,b,a", Ok("[a|b]"))]);
    check("tags", "text", "{join: \"; \"}", &[("a,b", Ok("a; b"))]);
    check("tags", "text", "first", &[("a,b", Ok("a"))]);
    check(
        "kind",
        "labels",
        "{split: \"/\"}",
        &[("a / b//", Ok("[a|b]"))],
    );
    check("tags", "labels", "upper", &[("a,b", Ok("[A|B]"))]);
    let many: Vec<String> = (0..40).map(|i| format!("t{}", i % 35)).collect();
    let kept: Vec<String> = (0..35).map(|i| format!("t{i}")).collect();
    check(
        "tags",
        "labels",
        "unique",
        &[(&many.join(","), Ok(&format!("[{}]", kept.join("|"))))],
    );
}

#[test]
fn numbers() {
    check(
        "score",
        "number",
        "{round: half_up}",
        &[
            ("2.5", Ok("3")),
            ("3.49", Ok("3")),
            ("x", Err("not_a_number")),
        ],
    );
    check(
        "score",
        "number",
        "{round: half_even}",
        &[("2.5", Ok("2")), ("3.5", Ok("4"))],
    );
    check("score", "number", "{round: down}", &[("2.99", Ok("2"))]);
    check(
        "score",
        "amount",
        "{round: {mode: half_up, scale: 2}}",
        &[("1.005", Ok("1.01")), ("1", Ok("1"))],
    );
    check(
        "kind",
        "amount",
        "number",
        &[
            ("1.25", Ok("1.25")),
            ("1e3", Ok("1000")),
            ("one", Err("not_a_number")),
        ],
    );
    check(
        "score",
        "number",
        "{round: down}",
        &[("101", Err("out_of_range"))],
    );
}

#[test]
fn days_and_instants() {
    check(
        "edited",
        "day",
        "{day_in: America/Chicago}",
        &[("2024-01-01T03:00:00Z", Ok("2023-12-31"))],
    );
    check(
        "born",
        "at",
        "{at: {zone: Europe/Berlin, time: \"12:00\"}}",
        &[("2024-07-01", Ok("2024-07-01T10:00:00Z"))],
    );
    check(
        "kind",
        "day",
        "{date: \"%d.%m.%Y\"}",
        &[
            ("31.01.2024", Ok("2024-01-31")),
            ("31.02.2024", Err("not_a_date")),
        ],
    );
    check(
        "edited",
        "text",
        "{format: {format: \"%d %b %Y %H:%M\", zone: America/Chicago}}",
        &[("2024-01-01T03:00:00Z", Ok("31 Dec 2023 21:00"))],
    );
    // A time that the clocks skip: the instant of the old offset.
    check(
        "born",
        "at",
        "{at: {zone: America/Chicago, time: \"02:30\"}}",
        &[("2024-03-10", Ok("2024-03-10T08:30:00Z"))],
    );
}

#[test]
fn patterns_and_contacts() {
    check(
        "kind",
        "text",
        "{regex: \"no ([0-9]+)\"}",
        &[("order no 12!", Ok("12")), ("none", Err("no_match"))],
    );
    check(
        "kind",
        "text",
        "{replace: {pattern: \"[0-9]\", with: \"#\"}}",
        &[("a1b2", Ok("a#b#"))],
    );
    check(
        "phone",
        "text",
        "{phone: DE}",
        &[
            ("030 123456", Ok("+4930123456")),
            ("ask me", Err("not_a_phone")),
        ],
    );
    check(
        "kind",
        "text",
        "url",
        &[
            ("X.example", Ok("https://x.example")),
            ("x", Err("not_a_url")),
        ],
    );
    check(
        "kind",
        "text",
        "email",
        &[
            ("A@X.example", Ok("a@x.example")),
            ("A@", Err("not_an_email")),
        ],
    );
}

#[test]
fn value_maps() {
    check(
        "kind",
        "choice",
        "{map: level}",
        &[
            (" 1 ", Ok("High")),
            ("2", Ok("Low")),
            ("9", Err("not_mapped")),
        ],
    );
}

/// A value that the source's platform file does not know is no value of its; a value map says otherwise.
#[test]
fn choices_of_the_source() {
    let table = [
        ("Gold", Ok("Gold")),
        (" silver ", Ok("silver")),
        ("", Ok("")),
        ("Bronze", Err("not_a_choice")),
    ];
    check("grade", "text", "trim", &table);
    check("grade", "text", "", &table);
    check(
        "grade",
        "choice",
        "{map: level}",
        &[("1", Ok("High")), ("Bronze", Err("not_mapped"))],
    );
}

#[test]
fn a_hash_is_the_same_each_time_and_tells_nothing() {
    let mut w = world("kind", "text", "hash");
    w.add("person", &[("id", "1"), ("kind", "secret")]);
    let first = w.values("person")["text"].clone();
    assert_eq!(first.len(), 32);
    assert!(!first.contains("secret"));
    assert_eq!(w.values("person")["text"], first);
}

#[test]
fn losses_are_counted_where_something_was_lost() {
    let mut w = world("kind", "text", "{cut: 3}");
    for (id, kind) in [("1", "abc"), ("2", "abcd"), ("3", "abcdefg"), ("4", "")] {
        w.add("person", &[("id", id), ("kind", kind)]);
    }
    let (_, pass) = w.pass("person", &[], false);
    let losses: Vec<_> = pass.losses().iter().map(|l| (l.loss, l.records)).collect();
    assert_eq!(losses, [(transload::mapping::Loss::Shorten, 2)]);
}

#[test]
fn tags_of_people_get_a_prefix() {
    let mut w = world("tags", "labels", "{prefix_if_taken: \"old/\"}");
    w.known.taken.insert("vip".into());
    w.add("person", &[("id", "1"), ("tags", "vip,new")]);
    assert_eq!(w.values("person")["labels"], "[old/vip|new]");
}

#[test]
fn json_members_are_lets() {
    let mut w = World::new(
        "
objects:
  contact:
    from: person
    to: contact
    absent: create
    let:
      more: {from: extra, transform: [{parse_json: {city: text, score: int}}]}
    fields:
      code: id
      text: more.city
      number: more.score
",
    );
    w.add(
        "person",
        &[
            ("id", "1"),
            ("extra", r#"{"city":"Köln","score":"7","x":[1]}"#),
        ],
    );
    let v = w.values("person");
    assert_eq!((v["text"].as_str(), v["number"].as_str()), ("Köln", "7"));
    w.records.get_mut("person").unwrap()[0][1].1 = "{\"city\":".into();
    assert_eq!(w.hold("person"), ("not_json".into(), "text".into()));
    w.records.get_mut("person").unwrap()[0][1].1 = String::new();
    assert_eq!(w.values("person").len(), 1);
}
