//! Value maps: used, without rows for values that cannot come, complete where they hold the rest.

use crate::{
    check::facts::Facts,
    diag::{Code, Diagnostic, Diagnostics},
    ident::{FieldId, ObjectId},
    mapping::{Compare, Input, Mapping, Operand, SplitTo, When, model::OtherValue},
    value::Scalar,
};

pub(super) fn rule(facts: &Facts<'_>, out: &mut Diagnostics) {
    let unclear = facts.steps.iter().any(|k| !k.broken.is_empty());
    for (at, (map, known)) in facts
        .mapping
        .value_maps
        .iter()
        .zip(&facts.ctx.map_facts)
        .enumerate()
    {
        if !facts.ctx.uses.value_maps.contains(&at) {
            if !unclear {
                out.push(
                    Diagnostic::new(
                        Code::UnusedValueMap,
                        map.span,
                        format!("nothing uses the value map `{}`", map.name),
                    )
                    .hint(format!("use it with `{{map: {}}}`, or remove it", map.name)),
                );
            }
            continue;
        }
        let same = |a: &str, b: &str| {
            if map.exact {
                a == b
            } else {
                a.trim().to_lowercase() == b.trim().to_lowercase()
            }
        };
        // Choices are known only when every field under `in:` has closed ones.
        let mut choices: Vec<&str> = Vec::new();
        let mut closed = !known.takes.is_empty();
        for (object, field, _) in &known.takes {
            match &facts.ctx.source.objects[object.ix()].fields[field.ix()].values {
                Some(values) => choices.extend(values.iter().map(String::as_str)),
                None => closed = false,
            }
        }
        if !closed {
            continue;
        }
        for ((key, _), (span, _)) in map.rows.iter().zip(&known.rows) {
            if !choices.iter().any(|c| same(c, key)) {
                out.push(
                    Diagnostic::new(
                        Code::MapDeadRow,
                        *span,
                        format!("'{key}' cannot come: it is not among the choices of the source"),
                    )
                    .did_you_mean(key, choices.iter().copied()),
                );
            }
        }
        let open: Vec<&str> = choices
            .iter()
            .filter(|c| !map.rows.iter().any(|(k, _)| same(k, c)))
            // What a split leaves out everywhere never comes to the map.
            .filter(|c| {
                !known
                    .takes
                    .iter()
                    .all(|(object, field, _)| is_left_out(facts.mapping, *object, *field, c))
            })
            .copied()
            .collect();
        if map.other == OtherValue::Hold && !open.is_empty() {
            out.push(
                Diagnostic::new(
                    Code::ChoicesUncovered,
                    map.span,
                    format!(
                        "records with '{}' will be held: the value map `{}` has no row",
                        open.join("', '"),
                        map.name
                    ),
                )
                .hint("add rows, or say `other: keep` or `other: {use: …}`"),
            );
        }
    }
}

/// True when the first row of the object's split that can hold for this choice leaves the record out.
fn is_left_out(mapping: &Mapping, object: ObjectId, field: FieldId, choice: &str) -> bool {
    let rows = mapping
        .splits
        .get(object.ix())
        .map_or(&[][..], Vec::as_slice);
    rows.iter()
        // Only a row at the front is certain: one before it may take the record.
        .take_while(|row| matches!(row.to, SplitTo::Drop(_)))
        .filter_map(|row| row.when.as_ref())
        .any(|when| asks_for(when, field, choice))
}

/// True when a condition holds for every record with this choice.
fn asks_for(when: &When, field: FieldId, choice: &str) -> bool {
    let is_field = |o: &Operand| *o == Operand::Input(Input::Field(field));
    let is_choice = |s: &Scalar| match s {
        Scalar::Text(t) => t.trim().eq_ignore_ascii_case(choice.trim()),
        _ => false,
    };
    match when {
        When::Or(any) => any.iter().any(|w| asks_for(w, field, choice)),
        When::And(all) => all.iter().all(|w| asks_for(w, field, choice)),
        When::In(of, list) => is_field(of) && list.iter().any(is_choice),
        When::Compare(of, Compare::Equal, Operand::Literal(s)) => is_field(of) && is_choice(s),
        _ => false,
    }
}
