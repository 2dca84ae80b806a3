//! `params:` of a mapping, with the values a migration gives them.

use super::{literal, scope::Ctx};
use crate::{
    diag::{Code, Diagnostic, Span},
    mapping::Param,
    spec::Node,
    value::Type,
};

/// Declares the parameters of a mapping and takes their values from the migration. Gives back where each
/// stands.
pub fn lower(ctx: &mut Ctx<'_>, mapping: &Node, migration: Option<&Node>) -> Vec<Span> {
    let mut spans = Vec::new();
    for entry in mapping.get_entries("params") {
        let word = entry.value.text().or_else(|| entry.value.get_text("type"));
        let data_type = word.and_then(Type::parse).unwrap_or(Type::Text);
        let given = migration
            .and_then(|m| m.get("params"))
            .and_then(|p| p.get(&entry.key));
        let value = match given {
            Some(node) => value_of(ctx, &entry.key, data_type, node),
            None => entry
                .value
                .get("default")
                .and_then(|node| value_of(ctx, &entry.key, data_type, node)),
        };
        if let (Some(migration), None, None) = (migration, given, entry.value.get("default")) {
            let at = migration
                .entry("params")
                .or_else(|| migration.entry("mapping"))
                .map_or(migration.span, |e| e.key_span);
            ctx.push(
                Diagnostic::new(
                    Code::ParamMissing,
                    at,
                    format!("the parameter `{}` has no value", entry.key),
                )
                .related(entry.key_span, "the mapping declares it here")
                .hint(format!(
                    "add `{}: VALUE` under `params:`, of type {}",
                    entry.key,
                    data_type.name()
                )),
            );
        }
        spans.push(entry.key_span);
        ctx.params.push(Param {
            name: entry.key.clone(),
            data_type,
            value,
        });
    }
    for entry in migration
        .map(|m| m.get_entries("params"))
        .unwrap_or_default()
    {
        if !ctx.params.iter().any(|p| p.name == entry.key) {
            let known: Vec<String> = ctx.params.iter().map(|p| p.name.clone()).collect();
            ctx.push(
                Diagnostic::new(
                    Code::UnknownParam,
                    entry.key_span,
                    format!("the mapping has no parameter `{}`", entry.key),
                )
                .did_you_mean(&entry.key, known.iter().map(String::as_str)),
            );
        }
    }
    spans
}

fn value_of(
    ctx: &mut Ctx<'_>,
    name: &str,
    data_type: Type,
    node: &Node,
) -> Option<crate::value::Scalar> {
    let value = node.text().and_then(|t| literal::typed(t, data_type));
    if value.is_none() {
        ctx.push(Diagnostic::new(
            Code::ParamType,
            node.span,
            format!("the parameter `{name}` takes {}", data_type.name()),
        ));
    }
    value
}
