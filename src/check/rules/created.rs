//! Created fields must be possible at the destination: name, type, limits, and how many.

use crate::{
    check::facts::Facts,
    diag::{Code, Diagnostic, Diagnostics, Span},
    ident::{FieldId, ObjectId},
    mapping::Create,
    platform::CustomRules,
    value::Type,
};
use std::collections::BTreeMap;

pub(super) fn rule(facts: &Facts<'_>, out: &mut Diagnostics) {
    let Some(rules) = &facts.mapping.destination.custom else {
        return;
    };
    let mut all: BTreeMap<(ObjectId, FieldId), (&Create, Span)> = BTreeMap::new();
    for step in &facts.mapping.steps {
        for map in &step.fields {
            if let Some(create) = &map.create {
                all.entry((step.to, map.to)).or_insert((create, map.span));
            }
        }
    }
    for ((object, field), (create, span)) in &all {
        let declared = &facts.mapping.destination.objects[object.ix()].fields[field.ix()];
        let follows = rules.api_name(&declared.label);
        if follows != declared.name {
            out.push(
                Diagnostic::new(
                    Code::CreatedName,
                    *span,
                    format!(
                        "the label \"{}\" becomes `{follows}`, not `{}`",
                        declared.label, declared.name
                    ),
                )
                .hint(format!("name the field `{follows}`, or change the label")),
            );
        }
        limits(
            rules,
            &declared.name,
            create,
            *span,
            &facts.mapping.destination.title,
            out,
        );
    }
    if let Some(tier) = facts.tier {
        counts(facts, rules, tier, &all, out);
    }
}

/// A type the destination has, and no more than it allows.
fn limits(
    rules: &CustomRules,
    name: &str,
    create: &Create,
    span: Span,
    platform: &str,
    out: &mut Diagnostics,
) {
    let Some(allowed) = rules.custom_type(create.data_type) else {
        out.push(
            Diagnostic::new(
                Code::TypeNotAvailable,
                span,
                format!(
                    "{platform} has no custom fields of type {}",
                    create.data_type.name()
                ),
            )
            .did_you_mean("", rules.types.iter().map(|t| t.data_type.name())),
        );
        return;
    };
    let mut over = |what: &str, wants: u64, has: u64| {
        out.push(
            Diagnostic::new(
                Code::CreatedLimit,
                span,
                format!("`{name}` wants {wants} {what}, and {platform} allows {has}"),
            )
            .hint(if what == "characters" && create.data_type == Type::Text {
                "take the allowed length and say `cut` or `over`, or create it as `html` where that is longer"
            } else {
                "ask for less"
            }),
        );
    };
    if let (Some(wants), Some(has)) = (create.max, allowed.max)
        && wants > has
    {
        over("characters", wants, has);
    }
    if let (Some(wants), Some(has)) = (create.scale, allowed.scale)
        && wants > has
    {
        over("digits after the point", u64::from(wants), u64::from(has));
    }
    if let (Some(values), Some(has)) = (&create.values, allowed.choices_max)
        && values.len() as u64 > has
    {
        over("choices", values.len() as u64, has);
    }
}

/// No more fields than the tier allows, in all and of each type. What the account holds beside ours is not
/// known offline.
fn counts(
    facts: &Facts<'_>,
    rules: &CustomRules,
    tier: &str,
    all: &BTreeMap<(ObjectId, FieldId), (&Create, Span)>,
    out: &mut Diagnostics,
) {
    for (ix, object) in facts.mapping.destination.objects.iter().enumerate() {
        let ours: Vec<(&Create, Span)> = all
            .iter()
            .filter(|((o, _), _)| o.ix() == ix)
            .map(|(_, v)| *v)
            .collect();
        let mut tell = |what: String, list: &[(&Create, Span)], max: u64| {
            // The first that is too many is where the limit is passed.
            let at = usize::try_from(max).ok().and_then(|m| list.get(m));
            if let Some((_, span)) = at {
                out.push(
                    Diagnostic::new(
                        Code::CreatedCount,
                        *span,
                        format!(
                            "{} {what} are created on {}, and the tier {tier} allows {max}",
                            list.len(),
                            object.name
                        ),
                    )
                    .hint("leave some out, put several into one text, or choose a larger tier"),
                );
            }
        };
        if let Some(max) = &rules.total_max {
            tell("fields".to_owned(), &ours, max.at(Some(tier)));
        }
        for custom in &rules.types {
            if let Some(max) = &custom.count_max {
                let same: Vec<(&Create, Span)> = ours
                    .iter()
                    .filter(|(c, _)| c.data_type == custom.data_type)
                    .copied()
                    .collect();
                let what = format!("fields of type {}", custom.data_type.name());
                tell(what, &same, max.at(Some(tier)));
            }
        }
    }
}
