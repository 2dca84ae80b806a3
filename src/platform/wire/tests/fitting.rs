//! What a destination field takes, and the fault for what it does not.

use super::*;

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
