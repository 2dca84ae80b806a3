//! Values to bytes, one field at a time and as whole records.

use super::*;

fn written(field: &Field, value: Value<'_>) -> String {
    let mut out = Vec::new();
    Encoder::new(&api(), field).write_json(&value, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn each_type_has_its_bytes() {
    let instant = Value::DateTime("2026-01-02T03:04:05.5Z".parse::<Timestamp>().unwrap());
    let tags = &[Value::Text("a\"b"), Value::Text("c")];
    let plain = |t| field("f", t);
    for (field, value, bytes) in [
        (
            plain(Type::Text),
            Value::Text("a\"\\\n\u{1}é"),
            "\"a\\\"\\\\\\n\\u0001é\"",
        ),
        (plain(Type::Int), Value::Int(-5), "-5"),
        (
            plain(Type::Decimal),
            Value::Decimal(Decimal::new(1250, 2)),
            "12.5",
        ),
        (
            Field {
                number: NumberForm::Text,
                ..plain(Type::Decimal)
            },
            Value::Decimal(Decimal::new(1250, 2)),
            "\"12.5\"",
        ),
        (plain(Type::Bool), Value::Bool(true), "true"),
        (
            Field {
                truth: truth(true),
                ..plain(Type::Bool)
            },
            Value::Bool(true),
            "1",
        ),
        (
            Field {
                truth: truth(false),
                ..plain(Type::Bool)
            },
            Value::Bool(false),
            "\"0\"",
        ),
        (
            plain(Type::Date),
            Value::Date(date(2026, 1, 2)),
            "\"2026-01-02\"",
        ),
        (plain(Type::DateTime), instant, "\"2026-01-02T03:04:05.5Z\""),
        (
            Field {
                format: vec!["%d/%m/%Y \"%H\"".to_owned()],
                zone: Some("-06:00".to_owned()),
                ..plain(Type::DateTime)
            },
            instant,
            "\"01/01/2026 \\\"21\\\"\"",
        ),
        (plain(Type::Tags), Value::List(tags), "[\"a\\\"b\",\"c\"]"),
        (
            Field {
                list: joined(";", false),
                ..plain(Type::Tags)
            },
            Value::List(tags),
            "\"a\\\"b;c\"",
        ),
        (
            Field {
                list: joined(",", true),
                ..plain(Type::Tags)
            },
            Value::List(tags),
            r#""{\"a\\\"b\",c}""#,
        ),
        (
            Field {
                custom: true,
                ..plain(Type::MultiEnum)
            },
            Value::List(tags),
            "\"a\\\"b;c\"",
        ),
        (plain(Type::Ref), dest(0, "402"), "402"),
        (plain(Type::Ref), dest(0, "acc-1"), "\"acc-1\""),
        (plain(Type::Text), Value::Blank, "null"),
    ] {
        assert_eq!(written(&field, value), bytes, "{field:?}");
        assert!(serde_json::from_str::<Json>(bytes).is_ok(), "{bytes}");
    }
}

#[test]
fn plain_text_has_no_quotes() {
    let text = |f: &Field, v: Value<'_>| {
        let mut out = Vec::new();
        Encoder::new(&api(), f).write_text(&v, &mut out);
        String::from_utf8(out).unwrap()
    };
    let mut f = field("f", Type::Bool);
    assert_eq!(text(&f, Value::Bool(false)), "false");
    f.truth = truth(false);
    assert_eq!(text(&f, Value::Bool(true)), "1");
    assert_eq!(text(&f, Value::Blank), "");
    assert_eq!(text(&f, dest(0, "7")), "7");
    assert_eq!(text(&f, Value::Text("a\"b")), "a\"b");
}

fn record(fields: &[(Field, bool)], values: &[Value<'_>]) -> String {
    let encoder = RecordEncoder::new(&api(), fields.iter().map(|(f, c)| (f, *c)));
    let mut out = Vec::new();
    encoder.append(values, &mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(serde_json::from_str::<Json>(&text).is_ok(), "{text}");
    text
}

fn at_path(name: &str, path: &str) -> Field {
    Field {
        path: path.to_owned(),
        ..field(name, Type::Text)
    }
}

#[test]
fn records_nest_by_path_and_keep_the_order_of_fields() {
    let custom = |name: &str| Field {
        custom: true,
        ..field(name, Type::Text)
    };
    let fields = [
        (at_path("a", "company.name"), false),
        (custom("cf_one"), false),
        (at_path("b", "last"), false),
        (at_path("c", "company.address.city"), false),
        (custom("cf_no._2"), false),
        (at_path("d", "emails.1.value"), false),
    ];
    let t = Value::Text;
    assert_eq!(
        record(&fields, &[t("A"), t("1"), t("B"), t("C"), t("2"), t("D")]),
        r#"{"company":{"name":"A","address":{"city":"C"}},"custom_field":{"cf_one":"1","cf_no._2":"2"},"last":"B","emails":[null,{"value":"D"}]}"#
    );
    let none = Value::Absent;
    assert_eq!(
        record(&fields, &[none, none, none, t("C"), none, none]),
        r#"{"company":{"address":{"city":"C"}}}"#
    );
    assert_eq!(record(&fields, &[none; 6]), "{}");
    assert_eq!(record(&fields, &[]), "{}");
}

#[test]
fn blanks_are_left_out_unless_they_clear() {
    let list = |clear| (field("tags", Type::Tags), clear);
    let text = |clear| (field("name", Type::Text), clear);
    let mut account = reference("accounts", &[1]);
    if let Some(r) = &mut account.reference {
        r.item = Some((Some("id".to_owned()), Some("is_primary".to_owned())));
    }
    let blank = [Value::Blank; 3];
    assert_eq!(
        record(
            &[list(false), text(false), (account.clone(), false)],
            &blank
        ),
        "{}"
    );
    assert_eq!(
        record(&[list(true), text(true), (account.clone(), true)], &blank),
        r#"{"tags":[],"name":null,"accounts":[]}"#
    );
    assert_eq!(
        record(&[(account, false)], &[dest(1, "402")]),
        r#"{"accounts":[{"id":402,"is_primary":true}]}"#
    );
    let mut ids = reference("ids", &[1]);
    if let Some(r) = &mut ids.reference {
        r.item = Some((None, None));
    }
    assert_eq!(record(&[(ids, false)], &[dest(1, "9")]), r#"{"ids":[9]}"#);
}

#[test]
fn a_polymorphic_reference_names_its_kind() {
    assert_eq!(
        record(&[(about(), false)], &[dest(2, "5")]),
        r#"{"target_id":5,"target_type":"Firm"}"#
    );
    assert_eq!(
        record(&[(about(), true)], &[Value::Blank]),
        r#"{"target_id":null,"target_type":null}"#
    );
    assert_eq!(record(&[(about(), false)], &[Value::Blank]), "{}");
}

#[test]
fn several_references_are_items_each_with_its_kind() {
    let mut guests = about();
    guests.name = "guests".to_owned();
    guests.path = "guests".to_owned();
    if let Some(r) = &mut guests.reference {
        r.kind_path = None;
        r.item = Some((Some("guest_id".to_owned()), None));
        r.item_kind = Some("guest_type".to_owned());
        r.many = true;
    }
    let both = [dest(2, "5"), dest(1, "x")];
    let written = record(&[(guests.clone(), false)], &[Value::List(&both)]);
    let word = &guests.reference.as_ref().expect("a reference").kinds[0];
    assert_eq!(word.0, ObjectId(1));
    assert_eq!(
        written,
        format!(
            r#"{{"guests":[{{"guest_type":"Firm","guest_id":5}},{{"guest_type":"{}","guest_id":"x"}}]}}"#,
            word.1
        )
    );
    let reader = FieldReader::new(&api(), &guests);
    let read = reader.read(&serde_json::from_str(&written).expect("JSON"));
    assert_eq!(read, WireValue::Many(vec!["5".to_owned(), "x".to_owned()]));
    assert!(read.same(&reader.sent(&Value::List(&both))));
    assert_eq!(
        record(&[(guests.clone(), true)], &[Value::Blank]),
        r#"{"guests":[]}"#
    );
    assert!(
        reader
            .read(&json!({"guests": [{"guest_id": 7}]}))
            .same(&reader.sent(&dest(1, "7")))
    );
}

#[test]
fn a_column_of_a_file_is_one_member_whatever_its_name() {
    let files = Platform::new(
        "files",
        Connect::Files(Files {
            encoding: "auto".to_owned(),
            delimiter: None,
            zone: None,
        }),
    );
    let f = at_path("a", "E.mail \"1\"");
    let encoder = RecordEncoder::new(&files, [(&f, false)]);
    let mut out = Vec::new();
    assert!(encoder.append_members(&[Value::Text("x")], &mut out));
    assert_eq!(out, br#""E.mail \"1\"":"x""#);
    let reader = FieldReader::new(&files, &f);
    assert_eq!(
        reader.read(&json!({"E.mail \"1\"": "x"})),
        WireValue::One("x".to_owned())
    );
}
