//! Match keys: records that the engine creates must be recognised again, by the same values.

use crate::{
    check::facts::Facts,
    diag::{Code, Diagnostic, Diagnostics},
    mapping::{Absent, Found, Input},
};

pub(super) fn rule(facts: &Facts<'_>, out: &mut Diagnostics) {
    for (step, known) in facts.mapping.steps.iter().zip(facts.steps) {
        let object = &facts.mapping.destination.objects[step.to.ix()];
        let writes =
            step.absent == Absent::Create || step.found == Found::Update && known.written.is_some();
        for pair in &known.pairs {
            let name = &object.fields[pair.field.ix()].name;
            if !pair.filled {
                if writes && step.absent == Absent::Create {
                    out.push(
                        Diagnostic::new(
                            Code::MatchNotFilled,
                            pair.span,
                            format!("`{name}` is matched and not filled: records that are created could not be recognised again"),
                        )
                        .hint(format!("fill it under `fields:` as well: `{name}: …`")),
                    );
                }
                continue;
            }
            let Some(at) = step.fields.iter().position(|f| f.to == pair.field) else {
                continue;
            };
            let filled = &step.fields[at];
            let same = match &filled.input {
                Input::FirstOf(parts) => parts.contains(&pair.input),
                other => *other == pair.input,
            };
            // Texts and lets may well be made from the same field; only plain sources are compared.
            let plain = matches!(
                filled.input,
                Input::Field(_) | Input::Join { .. } | Input::FirstOf(_) | Input::Const(_)
            );
            if plain && !same {
                out.push(
                    Diagnostic::new(
                        Code::MatchNotFilled,
                        pair.span,
                        format!("`{name}` is matched by one value and filled with another"),
                    )
                    .related(filled.span, "filled here")
                    .hint("use the same source in both places"),
                );
            }
        }
        let is_key = |fields: &[crate::ident::FieldId]| {
            object
                .keys
                .iter()
                .any(|k| k.by.len() == fields.len() && k.by.iter().all(|f| fields.contains(f)))
        };
        let keys: Vec<Vec<_>> = step
            .match_keys
            .iter()
            .map(|k| k.pairs.iter().map(|(f, _)| *f).collect())
            .collect();
        if let (Some(span), false) = (known.matched, keys.is_empty())
            && !keys.iter().any(|k| is_key(k))
        {
            out.push(
                Diagnostic::new(
                    Code::MatchNotKey,
                    span,
                    format!(
                        "none of these is a key of {}, so several records may match",
                        object.name
                    ),
                )
                .related(object.span, "its keys are declared here")
                .hint(key_hint(object)),
            );
        }
        if known.matched.is_none() && step.absent == Absent::Create && !object.keys.is_empty() {
            out.push(
                Diagnostic::new(
                    Code::NoMatch,
                    known.header.span,
                    format!(
                        "records of {} are created without looking for existing ones",
                        object.name
                    ),
                )
                .hint(key_hint(object)),
            );
        }
    }
}

fn key_hint(object: &crate::platform::Object) -> String {
    let words: Vec<String> = object
        .keys
        .iter()
        .map(|k| {
            k.by.iter()
                .map(|f| object.fields[f.ix()].name.as_str())
                .collect::<Vec<_>>()
                .join(" with ")
        })
        .collect();
    if words.is_empty() {
        format!("{} declares no key", object.name)
    } else {
        format!("match by {}", words.join(", or by "))
    }
}
