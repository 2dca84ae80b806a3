//! Answers read back in their canonical form.

use super::*;

fn reads(field: &Field, record: &Json) -> WireValue {
    FieldReader::new(&api(), field).read(record)
}

#[test]
fn what_is_there_is_read_in_its_canonical_form() {
    let one = |t: &str| WireValue::One(t.to_owned());
    let plain = |t| field("f", t);
    for (field, json, value) in [
        (plain(Type::Text), json!(7), one("7")),
        (plain(Type::Text), json!(" a "), one(" a ")),
        (plain(Type::Text), json!(""), WireValue::Null),
        (plain(Type::Decimal), json!("12.50"), one("12.5")),
        (plain(Type::Decimal), json!(12.5), one("12.5")),
        (plain(Type::Int), json!("x"), one("x")),
        (plain(Type::Bool), json!(true), one("true")),
        (
            Field {
                truth: truth(true),
                ..plain(Type::Bool)
            },
            json!(1),
            one("true"),
        ),
        (
            plain(Type::Date),
            json!("2026-01-02T00:00:00+05:30"),
            one("2026-01-02"),
        ),
        (
            plain(Type::DateTime),
            json!("2026-01-02T03:04:05-06:00"),
            one("2026-01-02T09:04:05Z"),
        ),
        (
            plain(Type::DateTime),
            json!("2026-01-02 03:04:05"),
            one("2026-01-02T09:04:05Z"),
        ),
        (plain(Type::Tags), json!([]), WireValue::Null),
        (
            plain(Type::Tags),
            json!(["b", 1]),
            WireValue::Many(vec!["b".to_owned(), "1".to_owned()]),
        ),
        (
            Field {
                list: joined(";", false),
                ..plain(Type::MultiEnum)
            },
            json!("a; b"),
            WireValue::Many(vec!["a".to_owned(), "b".to_owned()]),
        ),
        (plain(Type::Text), Json::Null, WireValue::Null),
    ] {
        assert_eq!(reads(&field, &json!({"f": json})), value, "{field:?}");
    }
    assert_eq!(reads(&plain(Type::Text), &json!({})), WireValue::Absent);
    let custom = Field {
        custom: true,
        ..field("cf_a.b", Type::Text)
    };
    assert_eq!(
        reads(&custom, &json!({"custom_field": {"cf_a.b": "x"}})),
        one("x")
    );
}

#[test]
fn references_are_read_in_each_of_their_forms() {
    let found = |object: Option<u16>, id: &str| WireValue::Record {
        object: object.map(ObjectId),
        id: id.to_owned(),
    };
    let mut f = reference("f", &[1]);
    assert_eq!(reads(&f, &json!({"f": 7})), found(Some(1), "7"));
    assert_eq!(reads(&f, &json!({"f": {"id": 7}})), found(Some(1), "7"));
    assert_eq!(reads(&f, &json!({"f": []})), WireValue::Null);
    if let Some(r) = &mut f.reference {
        r.item = Some((Some("id".to_owned()), Some("is_primary".to_owned())));
    }
    assert_eq!(
        reads(
            &f,
            &json!({"f": [{"id": 1, "is_primary": false}, {"id": 2, "is_primary": true}]})
        ),
        found(Some(1), "2")
    );
    assert_eq!(
        reads(&f, &json!({"f": [{"id": 1}, {"id": 2}]})),
        found(Some(1), "1")
    );
    f.read_path = Some("ids".to_owned());
    assert_eq!(reads(&f, &json!({"ids": [9]})), found(Some(1), "9"));
    assert_eq!(
        reads(&about(), &json!({"target_id": 5, "target_type": "Firm"})),
        found(Some(2), "5")
    );
    assert_eq!(
        reads(&about(), &json!({"target_id": 5, "target_type": "Else"})),
        found(None, "5")
    );
    assert!(found(None, "5").same(&found(Some(2), "5")));
    assert!(!found(Some(1), "5").same(&found(Some(2), "5")));
}

#[test]
fn what_was_sent_compares_with_what_is_there() {
    let f = Field {
        number: NumberForm::Text,
        ..field("f", Type::Decimal)
    };
    let reader = FieldReader::new(&api(), &f);
    let sent = reader.sent(&Value::Decimal(Decimal::new(1250, 2)));
    assert!(sent.same(&reader.read(&json!({"f": "12.50"}))));
    assert!(!sent.same(&reader.read(&json!({"f": "12.51"}))));
    assert!(!sent.same(&reader.read(&json!({"f": null}))));
    assert!(reader.sent(&Value::Blank).same(&reader.read(&json!({}))));
    let tags = FieldReader::new(&api(), &field("f", Type::Tags));
    let sent = tags.sent(&Value::List(&[Value::Text("a"), Value::Text("b")]));
    assert!(sent.same(&tags.read(&json!({"f": ["b", "a"]}))));
    assert!(!sent.same(&tags.read(&json!({"f": ["b"]}))));
}
