//! What could be done about a hold: a concrete decision where one can be computed, else what a person has to do.

use super::Held;
use crate::{
    diag::nearest,
    mapping::{Absent, Input, Mapping, Op, Step, overrides},
    platform::Field,
    value::Scalar,
};

/// A proposal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fix {
    /// The decision; empty where it is none of the sheet's.
    pub decision: &'static str,
    /// The value that goes with it.
    pub value: String,
    /// Why, or what to do instead.
    pub say: String,
}

impl Fix {
    fn of(decision: &'static str, value: impl Into<String>, say: impl Into<String>) -> Fix {
        Fix {
            decision,
            value: value.into(),
            say: say.into(),
        }
    }

    fn say(say: impl Into<String>) -> Fix {
        Fix::of("", "", say)
    }

    /// As a sheet has it: `set 500: the number in it`, `drop, or correct the source and run again`.
    pub fn words(&self) -> String {
        let what = match (self.decision, self.value.as_str()) {
            ("", _) => return self.say.clone(),
            ("set", "") => "set a new_value".to_owned(),
            ("map", "") => "map to a new_value".to_owned(),
            (decision, "") => decision.to_owned(),
            (decision, value) => format!("{decision} {value}"),
        };
        let joined = if self.say.starts_with("or ") {
            ", "
        } else {
            ": "
        };
        format!("{what}{joined}{}", self.say)
    }
}

/// What could be done about a hold.
pub fn proposal(mapping: &Mapping, held: &Held) -> Fix {
    let hold = &held.hold;
    let value = hold.value.as_deref().unwrap_or("");
    let place = held
        .step_of(mapping)
        .and_then(|step| Some((step, held.entry?)));
    let field = place.and_then(|(step, at)| target(mapping, step, at));
    if let (Some((step, at)), Some(field)) = (place, field)
        && let Some(fix) = for_value(mapping, step, at, field, &hold.code, value)
    {
        return fix;
    }
    match hold.code.as_str() {
        "parent_held" => Fix::say(format!(
            "decide about record {value} first; this one goes along with it"
        )),
        "join_none" | "join_many" | "exists" | "same_match_key" => {
            Fix::of("drop", "", "or correct the source and run again")
        }
        "duplicate_key" => Fix::of("drop", "", "the first record with the key is loaded"),
        "bad_row" => Fix::say(format!(
            "correct line {} of the export and run again; or drop",
            hold.line.unwrap_or(0)
        )),
        "missing_key" => Fix::say("fill the key at the source and run again"),
        "conflict" => Fix::of("keep", "", "what people wrote stays; or overwrite"),
        "gone" => Fix::of("drop", "", "or restore the record at the destination"),
        "in_doubt" => Fix::say(
            "look at the destination: when the record is not there, `again` sends it once more",
        ),
        "not_at_destination" | "by_hand" => Fix::say(format!(
            "create `{}` at the destination; then it goes by itself",
            hold.key
        )),
        code if code.starts_with("refused") => Fix::of(
            "again",
            "",
            "after what the destination names is corrected there",
        ),
        _ => Fix::of("drop", "", "or correct the source and run again"),
    }
}

/// The same for a further fault of the record, of which only the words are known.
pub fn further(mapping: &Mapping, held: &Held, field: &str) -> Fix {
    let known = held.step_of(mapping).and_then(|step| {
        let at = overrides::entry(mapping, step, field)?;
        target(mapping, step, at)
    });
    match known {
        Some(f) if !f.required => Fix::of("blank", "", "or set a new_value"),
        _ => Fix::of("set", "", "the record does not go without one"),
    }
}

/// True when an entry sends what stands in a file that the source's cell names.
pub fn holds_file(mapping: &Mapping, step: &Step, at: usize) -> bool {
    let input = step.fields.get(at).map(|e| &e.input);
    let Some(Input::Field(id)) = input else {
        return false;
    };
    let object = mapping.source.objects.get(step.from.ix());
    object
        .and_then(|o| o.fields.get(id.ix()))
        .is_some_and(|f| f.contents)
}

/// The destination field of an entry.
pub fn target<'m>(mapping: &'m Mapping, step: &Step, entry: usize) -> Option<&'m Field> {
    let object = mapping.destination.objects.get(step.to.ix())?;
    object.fields.get(step.fields.get(entry)?.to.ix())
}

fn for_value(
    mapping: &Mapping,
    step: &Step,
    at: usize,
    field: &Field,
    code: &str,
    value: &str,
) -> Option<Fix> {
    let entry = step.fields.get(at)?;
    if holds_file(mapping, step, at) {
        let again = "put the file right in the export and run again";
        return Some(match field.required {
            true => Fix::say(format!("{again}; or drop")),
            false => Fix::of("blank", "", format!("or {again}")),
        });
    }
    let leave_out = |say: &str| match field.required {
        true => Fix::of("set", "", format!("{say}, and the field is required")),
        false => Fix::of("blank", "", format!("or set a new_value: {say}")),
    };
    Some(match code {
        "not_mapped" | "not_a_choice" => {
            let map = overrides::map_of(step, entry).and_then(|m| mapping.value_maps.get(m));
            let choices = choices(mapping, step, at);
            let near = near(value, &choices);
            let decision = if map.is_some() { "map" } else { "set" };
            match near {
                Some(near) => Fix::of(decision, near, "the nearest choice"),
                None if choices.is_empty() => {
                    Fix::of(decision, "", "the field does not take the old one")
                }
                None => Fix::of(decision, "", format!("one of {}", listed(&choices))),
            }
        }
        "too_long" => {
            let over = entry.ops.iter().find_map(|op| match op {
                Op::Over { max, .. } => Some(*max),
                _ => None,
            });
            let max = [over, field.max, field.item_max]
                .into_iter()
                .flatten()
                .min()?;
            if field.data_type.is_list() {
                return Some(Fix::of(
                    "set",
                    "",
                    format!("the list with items of at most {max} characters"),
                ));
            }
            let cut: String = value.chars().take(usize::try_from(max).ok()?).collect();
            Fix::of("set", cut.trim_end(), format!("cut to {max} characters"))
        }
        "not_a_number" | "out_of_range" => match number_in(value) {
            Some(n) if code == "not_a_number" => Fix::of("set", n, "the number in it"),
            _ => leave_out("no number can be read from the old one"),
        },
        "not_a_date" | "not_a_bool" | "not_an_email" | "not_a_url" | "not_a_phone" | "not_json"
        | "not_a_list" | "no_match" | "text_failed" => {
            leave_out("the old one cannot be read as what the field takes")
        }
        "required" => Fix::of("set", "", "the field is required"),
        "reference_missing" => missing(mapping, step, at, field, value),
        _ => return None,
    })
}

/// A reference to something that is not there.
fn missing(mapping: &Mapping, step: &Step, at: usize, field: &Field, value: &str) -> Fix {
    let refers = field.reference.as_ref().map_or(&[][..], |r| &r.to);
    let owners = refers.iter().any(|id| {
        let object = mapping.destination.objects.get(id.ix());
        object.is_some_and(crate::platform::Object::holds_owners)
    });
    if let Some(fallback) = fallback(mapping, refers) {
        return Fix::of("set", fallback, "the fallback owner");
    }
    let mapped = step.fields.get(at).and_then(|e| overrides::map_of(step, e));
    let decision = if mapped.is_some() { "map" } else { "set" };
    match (owners, value) {
        (true, "") => Fix::of("set", "", "an owner"),
        (true, value) => Fix::of(
            decision,
            "",
            format!("another owner; or invite {value} as a user at the destination and run again"),
        ),
        (false, "") if !field.required => {
            Fix::of("blank", "", "the record goes without the reference")
        }
        (false, _) => Fix::of(
            decision,
            "",
            "the key of another record; or export the missing one too",
        ),
    }
}

/// The literal of a fallback for records of these destination objects.
fn fallback(mapping: &Mapping, to: &[crate::ident::ObjectId]) -> Option<String> {
    mapping.steps.iter().find_map(|step| {
        let Absent::Fallback(keys) = &step.absent else {
            return None;
        };
        if !to.contains(&step.to) {
            return None;
        }
        let scalar = match &keys.first()?.value {
            Input::Const(scalar) => scalar,
            Input::Param(at) => mapping.params.get(*at)?.value.as_ref()?,
            _ => return None,
        };
        match scalar {
            Scalar::Text(text) => Some(text.clone()),
            _ => None,
        }
    })
}

/// What an entry may become: the field's choices, else what its value map gives.
pub fn choices(mapping: &Mapping, step: &Step, at: usize) -> Vec<String> {
    let field = target(mapping, step, at);
    if let Some(values) = field
        .and_then(|f| f.values.clone())
        .filter(|v| !v.is_empty())
    {
        return values;
    }
    let map = step
        .fields
        .get(at)
        .and_then(|e| overrides::map_of(step, e))
        .and_then(|m| mapping.value_maps.get(m));
    let mut all: Vec<String> = map
        .into_iter()
        .flat_map(|m| m.rows.iter().map(|(_, to)| to.clone()))
        .filter(|to| !to.is_empty())
        .collect();
    all.sort();
    all.dedup();
    all
}

/// What the value map of an entry has rows for.
pub fn mapped(mapping: &Mapping, step: &Step, at: usize) -> Vec<String> {
    let map = step
        .fields
        .get(at)
        .and_then(|e| overrides::map_of(step, e))
        .and_then(|m| mapping.value_maps.get(m));
    let rows = map.into_iter().flat_map(|m| &m.rows);
    rows.map(|(from, _)| from.clone()).collect()
}

/// The choice that a value most likely means.
pub fn near(value: &str, choices: &[String]) -> Option<String> {
    let lower = value.trim().to_lowercase();
    let folded: Vec<String> = choices.iter().map(|c| c.to_lowercase()).collect();
    let hit = nearest(&lower, folded.iter().map(String::as_str))
        .or_else(|| {
            let words =
                |c: &&String| !lower.is_empty() && (c.contains(&lower) || lower.contains(*c));
            folded.iter().find(words).map(String::as_str)
        })?
        .to_owned();
    let at = folded.iter().position(|c| *c == hit)?;
    choices.get(at).cloned()
}

/// Choices as a list, the first eight.
pub fn listed(choices: &[String]) -> String {
    let mut text = choices
        .iter()
        .take(8)
        .map(|c| format!("`{c}`"))
        .collect::<Vec<_>>()
        .join(", ");
    if choices.len() > 8 {
        text.push_str(&format!(" and {} more", choices.len() - 8));
    }
    text
}

/// The only number in a text.
fn number_in(text: &str) -> Option<String> {
    let mut found = text
        .split(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-'))
        .filter(|p| p.parse::<f64>().is_ok());
    let one = found.next()?.to_owned();
    found.next().is_none().then_some(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_choice_is_found_by_letters_and_by_words() {
        let choices: Vec<String> = ["Customer", "Lead", "Sales Qualified Lead"]
            .map(str::to_owned)
            .to_vec();
        for (value, expected) in [
            ("customr", Some("Customer")),
            ("CUSTOMER ", Some("Customer")),
            ("regular customer", Some("Customer")),
            ("waiting", None),
            ("", None),
        ] {
            assert_eq!(near(value, &choices).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn a_number_is_taken_out_of_words_only_where_it_is_the_only_one() {
        for (text, expected) in [
            ("about 500", Some("500")),
            ("3 or 4", None),
            ("three", None),
            ("-2.5 %", Some("-2.5")),
        ] {
            assert_eq!(number_in(text).as_deref(), expected, "{text}");
        }
    }
}
