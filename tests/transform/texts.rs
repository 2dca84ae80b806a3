//! Templates: what they see, what they refuse, and that their work is bounded.

use crate::world::World;

fn world(template: &str) -> World {
    World::new(&format!(
        "
value_maps:
  level: {{in: [person.kind], rows: {{\"1\": High}}, other: hold}}
objects:
  contact:
    from: person
    to: contact
    absent: create
    join:
      notes: {{all: note, by: [{{person: id}}], order: [written asc, id asc]}}
      firm_is: {{one: firm, by: [{{id: firm}}], none: blank, many: hold}}
    fields:
      code: id
      text:
        text: |
{}
",
        template
            .lines()
            .map(|l| format!("          {l}\n"))
            .collect::<String>()
    ))
}

fn render(template: &str, cells: &[(&str, &str)]) -> Result<String, (String, String)> {
    let mut w = world(template);
    let mut all = vec![("id", "1")];
    all.extend(cells);
    w.add("person", &all);
    w.add("firm", &[("id", "7"), ("name", "North")]);
    w.add(
        "note",
        &[
            ("id", "12"),
            ("person", "1"),
            ("written", "2024-01-02T18:00:00Z"),
            ("body", "<b>second</b>"),
        ],
    );
    w.add(
        "note",
        &[
            ("id", "13"),
            ("person", "1"),
            ("written", "2024-01-01T18:00:00Z"),
            ("body", "first"),
        ],
    );
    w.add(
        "note",
        &[("id", "14"), ("person", "2"), ("body", "another's")],
    );
    let entries = w.run("person");
    match &entries[0].said {
        crate::world::Said::Effect(v) => Ok(v.get("text").cloned().unwrap_or_default()),
        crate::world::Said::Hold(code, field) => {
            assert_eq!(field, "text");
            Err((code.clone(), entries[0].words.clone()))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn joined_records_are_gone_through_in_order() {
    let text = render(
        "{% for n in notes %}\n{{ n.written | date }} {{ n.written | time }}: {{ n.body | plain }}\n{% endfor %}\n{{ notes | length }} notes of {{ firm_is.name | or('nobody') }}",
        &[("firm", "7")],
    );
    assert_eq!(
        text.unwrap(),
        "2024-01-01 12:00: first\n2024-01-02 12:00: second\n2 notes of North"
    );
}

#[test]
fn a_join_that_finds_nothing_is_blank() {
    let text = render(
        "{{ firm_is.name | or('none') }}{% if firm_is is blank %}!{% endif %}",
        &[("firm", "8")],
    );
    assert_eq!(text.unwrap(), "none!");
}

#[test]
fn values_keep_their_form() {
    let text = render(
        "{{ score }} {{ score | round(1) }} {{ count }} {{ vip }} {{ born }} {{ edited }} {{ tags | join('/') }} {{ kind | map('level') }}",
        &[
            ("score", "1.250"),
            ("count", "7"),
            ("vip", "t"),
            ("born", "2024-02-29"),
            ("edited", "2024-01-01T18:00:00Z"),
            ("tags", "a,b"),
            ("kind", "1"),
        ],
    );
    assert_eq!(
        text.unwrap(),
        "1.250 1.3 7 true 2024-02-29 2024-01-01T12:00:00-06:00 a/b High"
    );
}

#[test]
fn a_blank_must_be_expected() {
    for template in [
        "{{ name }}",
        "{{ name | upper }}",
        "{% if name %}x{% endif %}",
        "{{ kind | map('level') }}",
    ] {
        let (code, words) = render(template, &[]).unwrap_err();
        assert_eq!(code, "text_failed", "{template}");
        assert!(words.contains("line 1"), "{words}");
    }
    assert_eq!(render("{{ name | upper | or('-') }}", &[]).unwrap(), "-");
    assert_eq!(
        render("{% if name is present %}{{ name }}{% endif %}", &[]).unwrap(),
        ""
    );
}

#[test]
fn a_bad_value_keeps_its_own_code() {
    let (code, _) = render("{{ born | date }}", &[("born", "2024-02-31")]).unwrap_err();
    assert_eq!(code, "not_a_date");
    let (code, words) = render("{{ kind | map('level') }}", &[("kind", "9")]).unwrap_err();
    assert_eq!(code, "text_failed");
    assert!(words.contains("no row for `9`"), "{words}");
}

#[test]
fn data_is_never_a_template() {
    assert_eq!(
        render("{{ name }}", &[("name", "{{ 7 * 7 }}{% raw %}")]).unwrap(),
        "{{ 7 * 7 }}{% raw %}"
    );
}

#[test]
fn work_and_output_are_bounded() {
    let (code, _) = render(
        "{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}x",
        &[],
    )
    .unwrap_err();
    assert_eq!(code, "text_failed");
    let (code, words) = render(
        "{% for a in range(20000) %}{{ name }}{% endfor %}",
        &[("name", &"n".repeat(100))],
    )
    .unwrap_err();
    assert_eq!(code, "text_failed");
    assert!(words.contains("1 MiB"), "{words}");
}
