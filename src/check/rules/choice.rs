//! Values of a destination field with choices must be among them.

use crate::{
    check::facts::Facts,
    diag::{Code, Diagnostic, Diagnostics},
    mapping::{Input, Op},
    value::Type,
};

pub(super) fn rule(facts: &Facts<'_>, out: &mut Diagnostics) {
    for (step, known) in facts.mapping.steps.iter().zip(facts.steps) {
        let object = &facts.mapping.destination.objects[step.to.ix()];
        for (map, field) in step.fields.iter().zip(&known.fields) {
            let declared = &object.fields[map.to.ix()];
            if !matches!(declared.data_type, Type::Enum | Type::MultiEnum) {
                continue;
            }
            let Some(choices) = &declared.values else {
                if map.create.is_none() {
                    out.push(
                        Diagnostic::new(
                            Code::ChoicesUnknown,
                            field.key,
                            format!("the choices of `{}` are not known offline", declared.name),
                        )
                        .related(declared.span, "declared here without `values:`")
                        .hint("a run compares them with the account before it begins"),
                    );
                }
                continue;
            };
            // What a value map gives was compared with its own `out:` already, row by row.
            if matches!(map.ops.last(), Some(Op::Map(at)) if facts.ctx.map_facts[*at].gives == Some((step.to, map.to)))
            {
                continue;
            }
            let strange: Vec<&str> = field
                .kind
                .values
                .iter()
                .flatten()
                .filter(|v| !choices.contains(v))
                .map(String::as_str)
                .collect();
            if strange.is_empty() {
                continue;
            }
            if let Input::Const(_) = map.input {
                out.push(
                    Diagnostic::new(
                        Code::NotAChoice,
                        field.value,
                        format!(
                            "'{}' is not among the choices of `{}`",
                            strange[0], declared.name
                        ),
                    )
                    .did_you_mean(strange[0], choices.iter().map(String::as_str)),
                );
            } else {
                out.push(
                    Diagnostic::new(
                        Code::ChoicesUncovered,
                        field.value,
                        format!(
                            "records with '{}' will be held: `{}` has no such choice",
                            strange.join("', '"),
                            declared.name
                        ),
                    )
                    .related(declared.span, "the choices are declared here")
                    .hint("add a value map: `transform: [{map: NAME}]`"),
                );
            }
        }
    }
}
