//! The shapes as JSON Schema (draft 2020-12), for editors and other validators.
//!
//! No `oneOf` and no `anyOf`: with them validators can only say that nothing matched. Where several kinds
//! may stand, `type` lists them, and each keyword speaks of one kind alone; words beside other texts hang
//! on an `if`. Every object is closed.

use super::{Key, Keys, Kind, Rule, Shape, Word};
use crate::spec::{SpecKind, shapes};
use serde_json::{Map, Value, json};

/// The schema of one kind of file.
pub fn json_schema(kind: SpecKind) -> Value {
    let mut builder = Builder { defs: Map::new() };
    let shape = shapes::of(kind);
    let body = builder.object(shape);
    let mut schema = Map::new();
    schema.insert(
        "$schema".into(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    schema.insert(
        "title".into(),
        json!(format!("Transload {} file", shape.title())),
    );
    schema.insert("description".into(), json!(shape.doc));
    schema.extend(body);
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.insert(
            "spec".into(),
            json!({"description": "The kind and version of this file.", "const": kind.tag()}),
        );
    }
    builder.defs.sort_keys();
    schema.insert("$defs".into(), Value::Object(builder.defs));
    Value::Object(schema)
}

struct Builder {
    defs: Map<String, Value>,
}

impl Builder {
    fn key(&mut self, key: &Key) -> Value {
        let mut schema = Map::new();
        let mut doc = key.doc.to_owned();
        if let Some(words) = words_of(&key.kind) {
            doc.push_str(&in_words(words));
        }
        schema.insert("description".into(), json!(doc));
        if let Some(default) = key.default {
            schema.insert("default".into(), default_value(&key.kind, default));
        }
        schema.extend(self.kind(&key.kind));
        Value::Object(schema)
    }

    fn kind(&mut self, kind: &Kind) -> Map<String, Value> {
        let value = match kind {
            Kind::Text => json!({"type": "string"}),
            Kind::Literal(form) => json!({"type": "string", "pattern": form.pattern()}),
            Kind::Words(words) => {
                let words: Vec<&str> = words.iter().map(|(w, _)| *w).collect();
                json!({"type": "string", "enum": words})
            }
            Kind::Int(low, high) => bounds(
                "integer",
                json!(low),
                (*high != i64::MAX).then(|| json!(high)),
                *low == i64::MIN,
            ),
            Kind::Number(low, high) => bounds("number", json!(low), Some(json!(high)), false),
            Kind::Bool => json!({"type": "boolean"}),
            Kind::Scalar => json!({"type": ["string", "number", "boolean"]}),
            Kind::List(of) => json!({"type": "array", "items": self.kind(of)}),
            Kind::Filled(of) => json!({"type": "array", "minItems": 1, "items": self.kind(of)}),
            Kind::Map(keys, of) => {
                let mut schema = Map::new();
                schema.insert("type".into(), json!("object"));
                match keys {
                    Keys::Any => {}
                    Keys::Form(form) => {
                        schema.insert("propertyNames".into(), json!({"pattern": form.pattern()}));
                    }
                    Keys::Words(words) => {
                        let words: Vec<&str> = words.iter().map(|(w, _)| *w).collect();
                        schema.insert("propertyNames".into(), json!({"enum": words}));
                    }
                }
                schema.insert("additionalProperties".into(), Value::Object(self.kind(of)));
                Value::Object(schema)
            }
            Kind::Object(shape) => {
                let name = shape.name.to_owned();
                self.define(name, |b| {
                    let mut schema = Map::new();
                    schema.insert("description".into(), json!(shape.doc));
                    schema.extend(b.object(shape));
                    schema
                })
            }
            Kind::Either(kinds) => match kinds.iter().find_map(object_of) {
                Some(shape) => {
                    let name = either_name(kinds, shape);
                    self.define(name, |b| b.either(kinds))
                }
                None => Value::Object(self.either(kinds)),
            },
            Kind::Any => json!({}),
        };
        match value {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    /// Puts a schema among the definitions, once, and refers to it.
    fn define(
        &mut self,
        name: String,
        make: impl FnOnce(&mut Self) -> Map<String, Value>,
    ) -> Value {
        if !self.defs.contains_key(&name) {
            // The name is taken first, so that a shape may hold itself.
            self.defs.insert(name.clone(), Value::Null);
            let made = make(self);
            self.defs.insert(name.clone(), Value::Object(made));
        }
        json!({"$ref": format!("#/$defs/{name}")})
    }

    fn object(&mut self, shape: &'static Shape) -> Map<String, Value> {
        let mut schema = Map::new();
        schema.insert("type".into(), json!("object"));
        let required: Vec<&str> = shape
            .all_keys()
            .filter(|k| k.required)
            .map(|k| k.name)
            .collect();
        if !required.is_empty() {
            schema.insert("required".into(), json!(required));
        }
        let mut properties = Map::new();
        for key in shape.all_keys() {
            let made = self.key(key);
            properties.insert(key.name.into(), made);
        }
        schema.insert("properties".into(), Value::Object(properties));
        schema.insert("additionalProperties".into(), json!(false));
        let mut conditions = Vec::new();
        for rule in shape.rules {
            match rule {
                Rule::SingleKey => {
                    schema.insert("minProperties".into(), json!(1));
                    schema.insert("maxProperties".into(), json!(1));
                }
                Rule::Needs(name, other) => {
                    let needs = schema
                        .entry("dependentRequired")
                        .or_insert_with(|| json!({}));
                    if let Value::Object(needs) = needs {
                        needs.insert((*name).to_owned(), json!([other]));
                    }
                }
                Rule::One(names) => {
                    conditions.push(at_least_one(names));
                    conditions.extend(at_most_one(names));
                }
                Rule::AnyOf(names) => conditions.push(at_least_one(names)),
                Rule::AtMostOne(names) => conditions.extend(at_most_one(names)),
            }
        }
        if !conditions.is_empty() {
            schema.insert("allOf".into(), Value::Array(conditions));
        }
        schema
    }

    /// Several kinds in one schema: the types are listed, and the keywords of each kind stand beside each
    /// other, as each speaks of its own type alone.
    fn either(&mut self, kinds: &'static [Kind]) -> Map<String, Value> {
        let mut types: Vec<Value> = Vec::new();
        let mut schema = Map::new();
        schema.insert("type".into(), Value::Null);
        for kind in kinds {
            let mut one = match kind {
                Kind::Object(shape) => {
                    let mut one = self.object(shape);
                    one.insert("description".into(), json!(shape.doc));
                    one
                }
                _ => self.kind(kind),
            };
            match one.remove("type") {
                Some(Value::Array(more)) => types.extend(more),
                Some(one) => types.push(one),
                None => {}
            }
            if let Some(words) = one.remove("enum") {
                one.insert("if".into(), json!({"type": "string"}));
                one.insert("then".into(), json!({"enum": words}));
            }
            schema.extend(one);
        }
        schema.insert("type".into(), Value::Array(types));
        schema
    }
}

fn bounds(name: &str, low: Value, high: Option<Value>, open: bool) -> Value {
    let mut schema = Map::new();
    schema.insert("type".into(), json!(name));
    if !open {
        schema.insert("minimum".into(), low);
    }
    if let Some(high) = high {
        schema.insert("maximum".into(), high);
    }
    Value::Object(schema)
}

/// When all but the last are absent, the last is required.
fn at_least_one(names: &[&str]) -> Value {
    let Some((last, rest)) = names.split_last() else {
        return json!({});
    };
    let absent: Map<String, Value> = rest
        .iter()
        .map(|n| ((*n).to_owned(), json!(false)))
        .collect();
    json!({"if": {"properties": absent}, "then": {"required": [last]}})
}

/// Each of them refuses those that follow.
fn at_most_one(names: &[&str]) -> Vec<Value> {
    (0..names.len().saturating_sub(1))
        .map(|i| {
            let refused: Map<String, Value> = names[i + 1..]
                .iter()
                .map(|n| ((*n).to_owned(), json!(false)))
                .collect();
            json!({"if": {"required": [names[i]]}, "then": {"properties": refused}})
        })
        .collect()
}

fn object_of(kind: &Kind) -> Option<&'static Shape> {
    match kind {
        Kind::Object(shape) => Some(shape),
        _ => None,
    }
}

/// The name of a definition for several kinds, of which one is an object.
fn either_name(kinds: &[Kind], shape: &Shape) -> String {
    let other = kinds
        .iter()
        .find_map(|k| match k {
            Kind::Words(_) => Some("word"),
            Kind::Int(..) | Kind::Number(..) => Some("number"),
            Kind::List(_) | Kind::Filled(_) => Some("list"),
            Kind::Map(..) | Kind::Object(_) => None,
            _ => Some("text"),
        })
        .unwrap_or("other");
    format!("{}_or_{other}", shape.name)
}

fn words_of(kind: &Kind) -> Option<&'static [Word]> {
    match kind {
        Kind::Words(words) => Some(words),
        Kind::Either(kinds) => kinds.iter().find_map(words_of),
        Kind::List(of) | Kind::Filled(of) => words_of(of),
        _ => None,
    }
}

/// The words with their meanings, behind the doc sentence.
fn in_words(words: &[Word]) -> String {
    let list: Vec<String> = words
        .iter()
        .filter(|(_, doc)| !doc.is_empty())
        .map(|(w, doc)| format!("`{w}`: {doc}"))
        .collect();
    match list.is_empty() {
        true => String::new(),
        false => format!(" {}.", list.join("; ")),
    }
}

/// A default as written in YAML, as JSON.
fn default_value(kind: &Kind, text: &str) -> Value {
    let plain = match kind {
        Kind::Text | Kind::Literal(_) | Kind::Words(_) => false,
        Kind::Either(kinds) => !kinds
            .iter()
            .any(|k| matches!(k, Kind::Text | Kind::Words(_))),
        _ => true,
    };
    match serde_json::from_str(text) {
        Ok(value) if plain => value,
        _ => json!(text),
    }
}
