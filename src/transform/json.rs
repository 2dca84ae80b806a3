//! The `parse_json` op: members of a JSON object by a declared shape, without building the whole.
//!
//! Members outside the shape are skipped over. A member that is missing is absent, null is blank.

use super::text;
use crate::value::{Fault, FaultKind, Type, Value, glance};
use bumpalo::Bump;
use rust_decimal::Decimal;
use serde::{
    Deserialize as _,
    de::{
        Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use serde_json::Value as Json;
use std::fmt;

/// A shape: member names with their types.
pub(crate) type Shape = Vec<(String, Type)>;

/// The members of a JSON object in the order of the shape, as a list; bad when the text is not JSON or no object.
pub(crate) fn members<'a>(source: &'a str, shape: &Shape, arena: &'a Bump) -> Value<'a> {
    let out = arena.alloc_slice_fill_copy(shape.len(), Value::Absent);
    let mut reader = serde_json::Deserializer::from_str(source);
    let read = reader
        .deserialize_map(Members { shape, arena, out })
        .and_then(|out| reader.end().map(|()| out));
    match read {
        Ok(out) => Value::List(out),
        Err(_) => bad(FaultKind::NotJson, source, arena),
    }
}

fn bad<'a>(kind: FaultKind, found: &'a str, arena: &'a Bump) -> Value<'a> {
    Value::Bad(arena.alloc(Fault { kind, found }))
}

struct Members<'s, 'a> {
    shape: &'s Shape,
    arena: &'a Bump,
    out: &'a mut [Value<'a>],
}

impl<'de: 'a, 's, 'a> Visitor<'de> for Members<'s, 'a> {
    type Value = &'a [Value<'a>];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while let Some(slot) = map.next_key_seed(Name(self.shape))? {
            match slot {
                Some(at) => {
                    let wanted = self.shape.get(at).map_or(Type::Text, |(_, t)| *t);
                    let arena = self.arena;
                    let value = map.next_value_seed(Typed { wanted, arena })?;
                    if let Some(place) = self.out.get_mut(at) {
                        *place = value;
                    }
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(self.out)
    }
}

/// Reads a member's name as its position in the shape.
struct Name<'s>(&'s Shape);

impl<'de> serde::de::DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: serde::Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|(n, _)| n == name))
    }
}

/// Reads a member as a value of a type.
struct Typed<'a> {
    wanted: Type,
    arena: &'a Bump,
}

impl<'a> Typed<'a> {
    fn text(self, found: &'a str) -> Value<'a> {
        match glance::trim(found).is_empty() {
            true => Value::Blank,
            false => from_text(found, self.wanted, self.arena),
        }
    }

    fn whole<E>(self, json: Json) -> Result<Value<'a>, E> {
        Ok(typed(&json, self.wanted, self.arena))
    }
}

impl<'de: 'a, 'a> serde::de::DeserializeSeed<'de> for Typed<'a> {
    type Value = Value<'a>;

    fn deserialize<D: serde::Deserializer<'de>>(self, d: D) -> Result<Value<'a>, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Typed<'a> {
    type Value = Value<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value<'a>, E> {
        Ok(Value::Blank)
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value<'a>, E> {
        self.whole(v.into())
    }

    fn visit_i64<E>(self, v: i64) -> Result<Value<'a>, E> {
        match self.wanted {
            Type::Int => Ok(Value::Int(v)),
            _ => self.whole(v.into()),
        }
    }

    fn visit_u64<E>(self, v: u64) -> Result<Value<'a>, E> {
        match (self.wanted, i64::try_from(v)) {
            (Type::Int, Ok(v)) => Ok(Value::Int(v)),
            _ => self.whole(v.into()),
        }
    }

    fn visit_f64<E>(self, v: f64) -> Result<Value<'a>, E> {
        self.whole(v.into())
    }

    fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Value<'a>, E> {
        Ok(self.text(v))
    }

    fn visit_str<E>(self, v: &str) -> Result<Value<'a>, E> {
        let copy = self.arena.alloc_str(v);
        Ok(self.text(copy))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Value<'a>, A::Error> {
        self.whole(Json::deserialize(SeqAccessDeserializer::new(seq))?)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value<'a>, A::Error> {
        self.whole(Json::deserialize(MapAccessDeserializer::new(map))?)
    }
}

/// A JSON value as a value of a type.
fn typed<'a>(member: &serde_json::Value, wanted: Type, arena: &'a Bump) -> Value<'a> {
    match member {
        Json::Null => Value::Blank,
        Json::Bool(b) if wanted == Type::Bool => Value::Bool(*b),
        Json::Array(items) if wanted.is_list() => {
            let items = items.iter().map(|i| typed(i, Type::Text, arena));
            let kept: Vec<_> = items.filter(Value::is_present).collect();
            if kept.is_empty() {
                Value::Blank
            } else {
                Value::List(arena.alloc_slice_copy(&kept))
            }
        }
        Json::String(s) if s.trim().is_empty() => Value::Blank,
        Json::String(s) => from_text(arena.alloc_str(s), wanted, arena),
        other => from_text(arena.alloc_str(&other.to_string()), wanted, arena),
    }
}

/// A text as a value of a type: numbers, booleans, days and instants in their usual forms.
pub(crate) fn from_text<'a>(found: &'a str, wanted: Type, arena: &'a Bump) -> Value<'a> {
    let trimmed = glance::trim(found);
    match wanted {
        Type::Int | Type::Bytes => match whole(trimmed) {
            Some(i) => Value::Int(i),
            None => bad(FaultKind::NotANumber, found, arena),
        },
        Type::Decimal => match decimal(trimmed) {
            Some(d) => Value::Decimal(d),
            None => bad(FaultKind::NotANumber, found, arena),
        },
        Type::Bool => {
            if trimmed.eq_ignore_ascii_case("true") {
                Value::Bool(true)
            } else if trimmed.eq_ignore_ascii_case("false") {
                Value::Bool(false)
            } else {
                bad(FaultKind::NotABool, found, arena)
            }
        }
        Type::Date => match trimmed.parse() {
            Ok(d) => Value::Date(d),
            Err(_) => bad(FaultKind::NotADate, found, arena),
        },
        Type::DateTime => match trimmed.parse() {
            Ok(t) => Value::DateTime(t),
            Err(_) => bad(FaultKind::NotADate, found, arena),
        },
        t if t.is_list() => Value::List(arena.alloc_slice_copy(&[Value::Text(found)])),
        Type::Email | Type::Phone | Type::Url => Value::Text(trimmed),
        Type::Ref => Value::Text(text::fold_in(found, arena)),
        _ => Value::Text(found),
    }
}

fn whole(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| {
        let d = decimal(text)?;
        (d.fract().is_zero()).then(|| i64::try_from(d).ok())?
    })
}

/// An exact decimal, also in scientific notation.
pub(crate) fn decimal(text: &str) -> Option<Decimal> {
    Decimal::from_str_exact(text)
        .or_else(|_| Decimal::from_scientific(text))
        .ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn shape() -> Shape {
        vec![
            ("city".into(), Type::Text),
            ("score".into(), Type::Int),
            ("vip".into(), Type::Bool),
            ("tags".into(), Type::Tags),
        ]
    }

    fn read<'a>(text: &'a str, arena: &'a Bump) -> &'a [Value<'a>] {
        match members(text, &shape(), arena) {
            Value::List(items) => items,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn members_have_their_four_states() {
        let arena = Bump::new();
        let m = read(
            r#"{"x":{"y":[1]},"score":42.0,"city":"K\u00f6ln","vip":"maybe","tags":["a",null,"b"]}"#,
            &arena,
        );
        assert_eq!(m[0], Value::Text("Köln"));
        assert_eq!(m[1], Value::Int(42));
        assert!(matches!(m[2], Value::Bad(f) if f.kind == FaultKind::NotABool));
        assert_eq!(m[3], Value::List(&[Value::Text("a"), Value::Text("b")]));
        let m = read(r#"{"city":null,"vip":true}"#, &arena);
        assert_eq!(m[0], Value::Blank);
        assert_eq!(m[1], Value::Absent);
        assert_eq!(m[2], Value::Bool(true));
    }

    #[test]
    fn what_is_no_object_is_bad() {
        let arena = Bump::new();
        for text in ["", "[1]", "{\"city\":\"Bon", "7", "{} x"] {
            let value = members(text, &shape(), &arena);
            assert!(
                matches!(value, Value::Bad(f) if f.kind == FaultKind::NotJson),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "\\PC{0,40}|[{}\\[\\]\":,a-z0-9]{0,30}") {
            let arena = Bump::new();
            members(&text, &shape(), &arena);
            for (_, t) in Type::ALL {
                from_text(&text, *t, &arena);
            }
        }
    }
}
