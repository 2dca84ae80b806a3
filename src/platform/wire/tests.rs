//! Writing and reading back: tables of every type, and properties that must hold for any value.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::{
    ident::ObjectId,
    platform::{
        Connect, CustomRules, CustomType, Field, Files, Http, ListFormat, NumberForm, Platform,
        RefForm, Truth,
    },
    value::{CellKind, DestRef, FaultKind, Type, Value},
};
use bumpalo::Bump;
use jiff::{Timestamp, civil::date};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};

/// An API with custom fields under `custom_field`, several choices joined by `;`.
fn api() -> Platform {
    let mut p = Platform::new(
        "api",
        Connect::Http(Box::new(Http {
            zone: Some("-06:00".to_owned()),
            ..Http::default()
        })),
    );
    let rule = |data_type, separator: Option<&str>, digits, scale| CustomType {
        data_type,
        vendor: "x".to_owned(),
        max: None,
        digits,
        scale,
        separator: separator.map(str::to_owned),
        choices_max: None,
        count_max: None,
    };
    p.custom = Some(CustomRules {
        prefix: "cf_".to_owned(),
        at: "custom_field".to_owned(),
        by_hand: true,
        describe: Vec::new(),
        total_max: None,
        types: vec![
            rule(Type::Text, None, None, None),
            rule(Type::Decimal, None, Some(3), Some(2)),
            rule(Type::MultiEnum, Some(";"), None, None),
        ],
    });
    p
}

fn field(name: &str, data_type: Type) -> Field {
    Field::new(name, data_type)
}

fn reference(name: &str, to: &[u16]) -> Field {
    let mut f = field(name, Type::Ref);
    f.reference = Some(RefForm {
        to: to.iter().map(|n| ObjectId(*n)).collect(),
        kind_path: None,
        kinds: Vec::new(),
        item: None,
        remove_path: None,
        unlink: false,
    });
    f
}

fn dest(object: u16, id: &str) -> Value<'_> {
    Value::Dest(DestRef {
        object: ObjectId(object),
        id,
    })
}

fn truth(as_number: bool) -> Option<Truth> {
    Some(Truth {
        yes: vec!["1".to_owned(), "on".to_owned()],
        no: vec!["0".to_owned()],
        as_number,
    })
}

fn joined(separator: &str, quoted: bool) -> Option<ListFormat> {
    Some(ListFormat {
        separator: separator.to_owned(),
        brackets: quoted.then_some(('{', '}')),
        quoted,
    })
}

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

/// What a field makes of a value: its JSON, or the code of the fault.
fn fit(field: &Field, value: Value<'_>) -> String {
    let arena = Bump::new();
    let encoder = Encoder::new(&api(), field);
    // Both live as long as the arena of this call.
    match encoder.fits(value, &arena) {
        Ok(v) => {
            let mut out = Vec::new();
            encoder.write_json(&v, &mut out);
            String::from_utf8(out).unwrap()
        }
        Err(f) => f.kind.code().to_owned(),
    }
}

#[test]
fn numbers_fit_when_nothing_is_lost() {
    let int = Field {
        min: Some(0),
        max: Some(100),
        ..field("f", Type::Int)
    };
    for (value, result) in [
        (Value::Int(100), "100"),
        (Value::Int(101), "out_of_range"),
        (Value::Int(-1), "out_of_range"),
        (Value::Text("42"), "42"),
        (Value::Text("4.2"), "out_of_range"),
        (Value::Text("4.0"), "4"),
        (Value::Text("many"), "not_a_number"),
        (Value::Decimal(Decimal::new(70, 1)), "7"),
        (Value::Decimal(Decimal::new(75, 1)), "out_of_range"),
        (Value::Bool(true), "not_a_number"),
        (Value::Blank, "null"),
    ] {
        assert_eq!(fit(&int, value), result, "{value:?}");
    }
    let money = Field {
        scale: Some(2),
        ..field("f", Type::Decimal)
    };
    assert_eq!(fit(&money, Value::Text("1.250")), "1.25");
    assert_eq!(fit(&money, Value::Text("1.255")), "out_of_range");
    assert_eq!(fit(&money, Value::Int(3)), "3");
    let custom = Field {
        custom: true,
        ..field("f", Type::Decimal)
    };
    assert_eq!(fit(&custom, Value::Int(999)), "999");
    assert_eq!(fit(&custom, Value::Int(1000)), "out_of_range");
    assert_eq!(fit(&custom, Value::Int(-1000)), "out_of_range");
    assert_eq!(fit(&custom, Value::Text("0.125")), "out_of_range");
}

#[test]
fn texts_fit_by_characters_and_by_kind() {
    let short = Field {
        max: Some(3),
        ..field("f", Type::Text)
    };
    assert_eq!(fit(&short, Value::Text("äöü")), "\"äöü\"");
    assert_eq!(fit(&short, Value::Text("äöüß")), "too_long");
    assert_eq!(fit(&short, Value::Int(12)), "\"12\"");
    assert_eq!(fit(&short, Value::List(&[Value::Text("one")])), "\"one\"");
    assert_eq!(
        fit(&short, Value::List(&[Value::Text("a"), Value::Text("b")])),
        "out_of_range"
    );
    assert_eq!(
        fit(&field("f", Type::Email), Value::Text("nobody")),
        "not_an_email"
    );
    assert_eq!(
        fit(&field("f", Type::Email), Value::Text("a@b.example")),
        "\"a@b.example\""
    );
    assert_eq!(
        fit(&field("f", Type::Url), Value::Text("none")),
        "not_a_url"
    );
    assert_eq!(
        fit(&field("f", Type::Phone), Value::Text("call me")),
        "not_a_phone"
    );
    let silent = Field {
        blank_when_bad: true,
        ..field("f", Type::Phone)
    };
    assert_eq!(fit(&silent, Value::Text("312 555 0100 x1")), "not_a_phone");
    assert_eq!(
        fit(&field("f", Type::JsonText), Value::Text("{\"a\":")),
        "not_json"
    );
    assert_eq!(
        fit(&field("f", Type::JsonText), Value::Text("{\"a\":1}")),
        "\"{\\\"a\\\":1}\""
    );
}

#[test]
fn choices_take_the_declared_spelling() {
    let f = Field {
        values: Some(vec![
            "In Progress".to_owned(),
            "done".to_owned(),
            "Done".to_owned(),
        ]),
        ..field("f", Type::Enum)
    };
    assert_eq!(fit(&f, Value::Text(" in  PROGRESS ")), "\"In Progress\"");
    assert_eq!(fit(&f, Value::Text("Done")), "\"Done\"");
    assert_eq!(fit(&f, Value::Text("done")), "\"done\"");
    // Two choices differ by case alone: neither is guessed.
    assert_eq!(fit(&f, Value::Text("DONE")), "not_a_choice");
    assert_eq!(fit(&f, Value::Text("open")), "not_a_choice");
    let several = Field {
        data_type: Type::MultiEnum,
        ..f
    };
    assert_eq!(
        fit(
            &several,
            Value::List(&[Value::Text("Done"), Value::Text("in progress")])
        ),
        "[\"Done\",\"In Progress\"]"
    );
    assert_eq!(fit(&several, Value::Text("Done")), "[\"Done\"]");
    assert_eq!(
        fit(
            &several,
            Value::List(&[Value::Text("Done"), Value::Text("x")])
        ),
        "not_a_choice"
    );
    assert_eq!(
        fit(&field("f", Type::Enum), Value::Text("anything")),
        "\"anything\""
    );
}

#[test]
fn lists_fit_item_by_item() {
    let tags = Field {
        item_max: Some(3),
        ..field("f", Type::Tags)
    };
    assert_eq!(
        fit(&tags, Value::List(&[Value::Text("äöü"), Value::Int(5)])),
        "[\"äöü\",\"5\"]"
    );
    assert_eq!(fit(&tags, Value::List(&[Value::Text("long")])), "too_long");
    let custom = Field {
        custom: true,
        ..field("f", Type::MultiEnum)
    };
    assert_eq!(
        fit(&custom, Value::List(&[Value::Text("a"), Value::Text("b")])),
        "\"a;b\""
    );
    assert_eq!(
        fit(&custom, Value::List(&[Value::Text("a;b")])),
        "not_a_list"
    );
    let short = Field {
        max: Some(3),
        ..custom
    };
    assert_eq!(
        fit(&short, Value::List(&[Value::Text("a"), Value::Text("bc")])),
        "too_long"
    );
}

#[test]
fn truths_days_and_instants_fit_without_guessing() {
    let f = Field {
        truth: truth(true),
        ..field("f", Type::Bool)
    };
    assert_eq!(fit(&f, Value::Text("false")), "0");
    assert_eq!(fit(&f, Value::Text("ON")), "1");
    assert_eq!(fit(&f, Value::Text("perhaps")), "not_a_bool");
    assert_eq!(fit(&f, Value::Int(1)), "not_a_bool");
    let day = field("f", Type::Date);
    let instant = field("f", Type::DateTime);
    assert_eq!(fit(&day, Value::Text("2026-01-02")), "\"2026-01-02\"");
    assert_eq!(fit(&day, Value::Text("2026-01-02T03:04:05Z")), "not_a_date");
    assert_eq!(
        fit(&day, Value::DateTime(Timestamp::UNIX_EPOCH)),
        "not_a_date"
    );
    assert_eq!(fit(&instant, Value::Date(date(2026, 1, 2))), "not_a_date");
    assert_eq!(
        fit(&instant, Value::Text("2026-01-02 03:04:05")),
        "not_a_date"
    );
    assert_eq!(
        fit(&instant, Value::Text("2026-01-02T03:04:05+01:00")),
        "\"2026-01-02T02:04:05Z\""
    );
}

#[test]
fn references_fit_by_object() {
    assert_eq!(fit(&reference("f", &[3]), dest(3, "7")), "7");
    assert_eq!(fit(&reference("f", &[3]), dest(4, "7")), "not_a_choice");
    assert_eq!(fit(&reference("f", &[3]), Value::Text("7")), "7");
    assert_eq!(
        fit(&reference("f", &[3, 4]), Value::Text("7")),
        "not_a_choice"
    );
    assert_eq!(fit(&reference("f", &[3]), Value::Int(7)), "not_a_choice");
}

#[test]
fn a_bad_value_keeps_its_fault() {
    let fault = crate::value::Fault {
        kind: FaultKind::NoFile,
        found: "x",
    };
    assert_eq!(fit(&field("f", Type::Text), Value::Bad(&fault)), "no_file");
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

fn about() -> Field {
    let mut f = reference("target_id", &[1, 2]);
    if let Some(r) = &mut f.reference {
        r.kind_path = Some("target_type".to_owned());
        r.kinds = vec![
            (ObjectId(1), "Person".to_owned()),
            (ObjectId(2), "Firm".to_owned()),
        ];
    }
    f
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

/// Fields of every type, some with a declared wire format.
fn any_field() -> impl Strategy<Value = Field> {
    (
        0..Type::ALL.len(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(t, declared, custom, silent)| {
            let mut f = reference("f", &[1, 2]);
            f.data_type = Type::ALL[t].1;
            f.custom = custom;
            f.blank_when_bad = silent;
            if declared {
                f.list = joined(",", silent);
                f.truth = truth(silent);
                f.number = NumberForm::Text;
                f.format = vec!["%m/%d/%Y %I:%M %p".to_owned()];
            }
            f
        })
}

/// Text that looks like dates, numbers, lists or anything else.
fn any_cell() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,30}",
        "[-0-9:TZ+. /]{0,30}",
        "[\\[\\]{}\"\\\\, a:1]{0,20}",
        any::<String>(),
    ]
}

fn any_kind() -> impl Strategy<Value = CellKind> {
    prop_oneof![
        Just(CellKind::Absent),
        Just(CellKind::Null),
        Just(CellKind::Text),
        Just(CellKind::Json),
        Just(CellKind::NoFile),
    ]
}

proptest! {
    #[test]
    fn any_cell_is_read_fitted_and_written_as_json(f in any_field(), to in any_field(), kind in any_kind(), cell in any_cell()) {
        let arena = Bump::new();
        let platform = api();
        let value = Decoder::new(&f, Some("America/Chicago")).decode(kind, &cell, &arena);
        let encoder = Encoder::new(&platform, &to);
        for v in [Some(value), encoder.fits(value, &arena).ok()].into_iter().flatten() {
            let mut out = Vec::new();
            encoder.write_json(&v, &mut out);
            prop_assert!(serde_json::from_slice::<Json>(&out).is_ok(), "{:?}", String::from_utf8_lossy(&out));
            let record = RecordEncoder::new(&platform, [(&to, true), (&to, false)]);
            out.clear();
            record.append(&[v, v], &mut out);
            prop_assert!(serde_json::from_slice::<Json>(&out).is_ok(), "{:?}", String::from_utf8_lossy(&out));
            let _ = FieldReader::new(&platform, &to).sent(&v);
        }
    }

    #[test]
    fn what_fits_comes_back_the_same(t in 0..Type::ALL.len(), custom in any::<bool>(), text in "[a-zA-Z0-9 .@é]{0,12}", n in -999i64..999) {
        let platform = api();
        let mut f = field("f", Type::ALL[t].1);
        f.custom = custom;
        let arena = Bump::new();
        for value in [
            Value::Text(text.trim()),
            Value::Int(n),
            Value::Decimal(Decimal::new(n, 2)),
            Value::Bool(n > 0),
            Value::Date(date(2026, 1, 2)),
            Value::DateTime(Timestamp::from_second(n * 100_000).unwrap()),
            Value::List(&[Value::Text("a"), Value::Text("b")]),
        ] {
            if value == Value::Text("") {
                continue;
            }
            let record = RecordEncoder::new(&platform, [(&f, false)]);
            let Ok(fitting) = record.encoder(0).unwrap().fits(value, &arena) else { continue };
            let mut out = Vec::new();
            record.append(&[fitting], &mut out);
            let json: Json = serde_json::from_slice(&out).unwrap();
            let reader = FieldReader::new(&platform, &f);
            prop_assert!(
                reader.sent(&fitting).same(&reader.read(&json)),
                "{:?} {:?} {}", f.data_type, fitting, json
            );
        }
    }

    #[test]
    fn any_answer_is_read(f in any_field(), text in any_cell()) {
        let reader = FieldReader::new(&api(), &f);
        let json: Json = serde_json::from_str(&text).unwrap_or_else(|_| json!({"f": text}));
        let _ = (reader.read(&json), reader.read(&json!({"f": json})), reader.read(&json!({"f": [json]})));
    }
}
