//! Value maps: used, without rows for values that cannot come, complete where they hold the rest.

use crate::{
    check::facts::Facts,
    diag::{Code, Diagnostic, Diagnostics},
    mapping::model::OtherValue,
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
