//! Writing and reading back: tables of every type, and properties that must hold for any value.

mod fitting;
mod reading;
mod writing;

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
        item_kind: None,
        many: false,
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
