//! Field descriptions: what the API says about the standard and custom fields of an object.

use super::{
    answer::Reply,
    coerce,
    shape::put,
    world::{Inside, World},
};
use crate::{
    ident::ObjectId,
    platform::{CustomRules, Field},
    value::Type,
};
use serde_json::{Map, Value};

impl World {
    /// The fields of an object in the vendor's form.
    pub(super) fn describe(&self, inside: &Inside, object: ObjectId) -> Reply {
        let Some(rules) = &self.rules.platform.custom else {
            return Reply::gone(&self.rules.http);
        };
        let mut rows = Vec::new();
        for (at, field) in self.rules.object(object).fields.iter().enumerate() {
            let id = i64::try_from(at).unwrap_or(0) + 1;
            rows.push(self.row(rules, id, field, true, &[]));
        }
        for custom in inside.store.custom(object) {
            let field = coerce::custom_as_field(custom, &self.rules.platform);
            let ids: Vec<i64> = (0..custom.choices.len())
                .map(|at| coerce::choice_id(custom, at))
                .collect();
            // Above any standard field's number.
            rows.push(self.row(rules, custom.id + 100_000, &field, false, &ids));
        }
        let mut out = Map::new();
        let path = part(rules, "records").unwrap_or("fields");
        put(&mut out, path, Value::Array(rows));
        Reply::object(200, out)
    }

    fn row(
        &self,
        rules: &CustomRules,
        id: i64,
        field: &Field,
        standard: bool,
        choice_ids: &[i64],
    ) -> Value {
        let mut row = Map::new();
        row.insert("id".to_owned(), id.into());
        let mut tell = |what: &str, value: Value| {
            if let Some(path) = part(rules, what) {
                put(&mut row, path, value);
            }
        };
        tell("label", field.label.clone().into());
        tell("name", field.path.clone().into());
        let word = rules
            .custom_type(field.data_type)
            .map_or(field.data_type.name(), |t| t.vendor.as_str());
        tell("type", word.into());
        tell("standard", standard.into());
        tell("required", field.required.into());
        if let Some(path) = part(rules, "choices") {
            let (list, member) = path.split_once('.').unwrap_or((path, ""));
            let choices = field.values.iter().flatten().enumerate().map(|(at, text)| {
                if member.is_empty() {
                    return Value::String(text.clone());
                }
                let mut choice = Map::new();
                let id = choice_ids.get(at).copied();
                choice.insert("id".to_owned(), id.map_or(at.into(), Value::from));
                put(&mut choice, member, text.clone().into());
                choice.insert("position".to_owned(), (at + 1).into());
                Value::Object(choice)
            });
            row.insert(list.to_owned(), choices.collect());
        }
        Value::Object(row)
    }
}

/// Where a part of a description stands.
fn part<'a>(rules: &'a CustomRules, what: &str) -> Option<&'a str> {
    rules
        .describe
        .iter()
        .find(|(name, _)| name == what)
        .map(|(_, path)| path.as_str())
}

/// The reason why a custom field cannot be made, by the rules of the tier.
pub(super) fn too_many(
    world: &World,
    inside: &Inside,
    object: ObjectId,
    data_type: Type,
    choices: usize,
) -> Option<String> {
    let rules = world.rules.platform.custom.as_ref()?;
    let tier = world.rules.tier.as_deref();
    let there = inside.store.custom(object);
    let Some(rule) = rules.custom_type(data_type) else {
        return Some(format!(
            "no custom field can be of type {}",
            data_type.name()
        ));
    };
    if rule.choices_max.is_some_and(|max| choices as u64 > max) {
        return Some(format!(
            "{choices} choices are more than the {} a field can have",
            rule.choices_max.unwrap_or(0)
        ));
    }
    if let Some(max) = rules.total_max.as_ref().map(|m| m.at(tier))
        && there.len() as u64 >= max
    {
        return Some(format!(
            "there are {max} custom fields: the tier allows no more"
        ));
    }
    // Types that share the vendor's word share its number, too.
    let alike = there
        .iter()
        .filter(|c| {
            rules
                .custom_type(c.data_type)
                .is_some_and(|t| t.vendor == rule.vendor)
        })
        .count() as u64;
    let max = rule.count_max.as_ref().map(|m| m.at(tier))?;
    (alike >= max).then(|| {
        format!(
            "there are {max} custom fields of type {}: the tier allows no more",
            rule.vendor
        )
    })
}
