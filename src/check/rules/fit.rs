//! Values must fit: length, size, digits. What is known not to fit is said before a record is held for it.

use crate::{
    check::{
        facts::{Facts, FieldFacts},
        literal,
    },
    diag::{Code, Diagnostic, Diagnostics},
    mapping::{FieldMap, Input},
    platform::Field,
    value::{Scalar, Type},
};

pub(super) fn rule(facts: &Facts<'_>, out: &mut Diagnostics) {
    for (step, known) in facts.mapping.steps.iter().zip(facts.steps) {
        let object = &facts.mapping.destination.objects[step.to.ix()];
        for (map, field) in step.fields.iter().zip(&known.fields) {
            let declared = &object.fields[map.to.ix()];
            if declared.data_type == Type::Ref {
                continue;
            }
            match &map.input {
                Input::Const(value) if map.ops.is_empty() => constant(value, declared, field, out),
                _ => variable(map, declared, field, out),
            }
        }
    }
}

fn constant(value: &Scalar, declared: &Field, field: &FieldFacts, out: &mut Diagnostics) {
    let length = match value {
        Scalar::Text(t) => Some(t.chars().count() as u64),
        _ => None,
    };
    let number = match value {
        Scalar::Int(i) | Scalar::Bytes(i) => Some(*i),
        _ => None,
    };
    let why =
        if declared.data_type.is_text() && length.zip(declared.max).is_some_and(|(l, m)| l > m) {
            declared
                .max
                .map(|m| format!("is longer than {m} characters"))
        } else if number.zip(declared.min).is_some_and(|(n, m)| n < m) {
            declared.min.map(|m| format!("is below {m}"))
        } else if number
            .and_then(|n| u64::try_from(n).ok())
            .zip(declared.max)
            .is_some_and(|(n, m)| n > m)
            && !declared.data_type.is_text()
        {
            declared.max.map(|m| format!("is above {m}"))
        } else {
            None
        };
    if let Some(why) = why {
        out.push(
            Diagnostic::new(
                Code::OutOfRange,
                field.value,
                format!(
                    "{} {why}, and `{}` takes no more",
                    literal::show(value),
                    declared.name
                ),
            )
            .related(declared.span, "the limit is declared here"),
        );
    }
}

fn variable(map: &FieldMap, declared: &Field, field: &FieldFacts, out: &mut Diagnostics) {
    let kind = &field.kind;
    let tell = |message: String, hint: &str| {
        Diagnostic::new(Code::MayNotFit, field.value, message)
            .related(declared.span, "the limit is declared here")
            .hint(hint)
    };
    if !kind.is_list()
        && let (Some(from), Some(to)) = (kind.max, declared.max)
        && from > to
    {
        if declared.data_type.is_text() && kind.data_type.is_text() {
            out.push(tell(
                format!("up to {from} characters go into `{}`, which takes {to}; longer values hold the record", declared.name),
                "say what happens: `{cut: …}`, `{over: …}` or `{pages: …}`",
            ));
        } else if !declared.data_type.is_text() && !kind.data_type.is_text() {
            out.push(tell(
                format!("numbers up to {from} go into `{}`, which takes {to}; larger ones hold the record", declared.name),
                "map another field, or keep the number in a text",
            ));
        }
    }
    if let (Some(from), Some(to)) = (kind.item_max, declared.item_max)
        && from > to
    {
        out.push(tell(
            format!(
                "items up to {from} characters go into `{}`, which takes {to}",
                declared.name
            ),
            "say what happens: `{over: {max: …, then: hold}}`, or `then: drop`",
        ));
    }
    if let (Some(from), Some(to)) = (kind.min, declared.min)
        && from < to
        && !declared.data_type.is_text()
    {
        out.push(tell(
            format!(
                "numbers down to {from} go into `{}`, which takes no less than {to}",
                declared.name
            ),
            "map another field, or keep the number in a text",
        ));
    }
    if let (Type::Decimal, Some(from), Some(to)) = (declared.data_type, kind.scale, declared.scale)
        && from > to
        && map
            .create
            .as_ref()
            .is_none_or(|c| c.scale.is_none_or(|s| s < from))
    {
        out.push(
            Diagnostic::new(
                Code::LosesDigits,
                field.value,
                format!("{from} digits after the point go into `{}`, which takes {to}; others hold the record", declared.name),
            )
            .related(declared.span, "the scale is declared here")
            .hint(format!("round aloud: `{{round: {{mode: half_up, scale: {to}}}}}`")),
        );
    }
}
