//! A platform file as meant: from its tree to a `Platform`.
//!
//! The shape of the tree (known keys, kinds of values, closed words) was checked before; here names are
//! resolved, shapes of operations filled in, and what contradicts itself is reported. Knows nothing of
//! mappings.

mod connect;
mod field;
mod membership;
mod object;
mod ops;
pub(super) mod read;
mod side;
pub mod variant;

use crate::{
    diag::{Code, Diagnostic, Diagnostics},
    platform::{Connect, Gotcha, Object, OpKind, Platform, Quiesce, Variant},
    spec::{Entry, Node},
};
use object::Around;
use read::{Scope, text, texts};

pub use field::lower_field;

/// The platform that a file describes. Faults go to `diags`; a platform with faults is given back all the
/// same, as far as it goes, so that a mapping of it can be checked too. `None` only when the file has no
/// name or no connection.
pub fn lower(root: &Node, diags: &mut Diagnostics) -> Option<Platform> {
    let mut found = Diagnostics::default();
    let platform = lower_all(root, &mut found);
    // A shape with a fault is met once per object that uses it: one fault, one finding.
    let mut seen = Vec::new();
    for one in found.sorted() {
        let this = (one.code, one.primary.span, &one.message);
        if !seen.contains(&this) {
            seen.push(this);
            diags.push(one.clone());
        }
    }
    platform
}

fn lower_all(root: &Node, diags: &mut Diagnostics) -> Option<Platform> {
    let name = root.get("platform")?;
    let entries = root.get_entries("objects");
    let objects: Vec<String> = entries.iter().map(|e| e.key.clone()).collect();
    let tiers = texts(root, "tiers");
    let scope = &mut Scope {
        objects: &objects,
        tiers: &tiers,
        diags,
    };
    if objects.len() > usize::from(u16::MAX) {
        scope.fault(
            Code::PlatformSize,
            name.span,
            format!(
                "{} objects are more than a platform can have",
                objects.len()
            ),
        );
        return None;
    }
    let connect = connect::connect(root, scope)?;
    let custom = connect::custom(root, scope);
    let around = Around {
        root,
        files: matches!(connect, Connect::Files(_)),
        custom: custom.as_ref(),
    };
    let lowered: Vec<_> = entries
        .iter()
        .map(|e| object::object(e, &around, scope))
        .collect();
    for (entry, one) in entries.iter().zip(&lowered) {
        object::links(entry, one, &lowered, scope);
    }
    if let Connect::Http(http) = &connect
        && http.auth_form.is_some()
    {
        forms_only(entries, &lowered, scope);
    }
    let limits = connect::limits(root, scope);
    let quirks = connect::quirks(root, scope);
    let gotchas = gotchas(root, scope);
    Some(Platform {
        name: name.text()?.to_owned(),
        title: text(root, "title")
            .unwrap_or_else(|| crate::platform::words::in_title_case(name.text().unwrap_or(""))),
        variant: root.get("variant").and_then(variant_of),
        checked: text(root, "checked").unwrap_or_default(),
        tiers: tiers.clone(),
        connect,
        limits,
        quirks,
        custom,
        objects: lowered,
        quiesce: quiesce(root),
        gotchas,
        span: name.span,
    })
}

fn variant_of(node: &Node) -> Option<Variant> {
    Some(Variant {
        of: text(node, "of")?,
        lacks: read::pairs(node, "lacks"),
        span: node.get("of")?.span,
    })
}

/// Where the key is a form parameter, a call without a form would go out without it, and records in JSON have no
/// place in a form.
fn forms_only(entries: &[Entry], objects: &[Object], scope: &mut Scope<'_>) {
    for (entry, object) in entries.iter().zip(objects) {
        for op in &object.ops {
            let reads = matches!(
                op.kind,
                OpKind::List | OpKind::Get | OpKind::Lookup | OpKind::Children
            );
            if op.method == "POST" && reads {
                continue;
            }
            let at = entry
                .value
                .get("ops")
                .and_then(|o| o.entry(op.kind.name()))
                .map_or(entry.key_span, |e| e.key_span);
            scope.diags.push(
                Diagnostic::new(
                    Code::PlatformConnect,
                    at,
                    format!(
                        "the key is a form parameter, and `{}` is no posted form that reads",
                        op.kind.name()
                    ),
                )
                .hint("such an API can be read by `post:` operations; it cannot be a destination"),
            );
        }
    }
}

fn quiesce(root: &Node) -> Vec<Quiesce> {
    root.get_items("quiesce")
        .iter()
        .map(|n| Quiesce {
            id: text(n, "id").unwrap_or_default(),
            who: text(n, "who").unwrap_or_default(),
            say: text(n, "say").unwrap_or_default(),
        })
        .collect()
}

fn gotchas(root: &Node, scope: &mut Scope<'_>) -> Vec<Gotcha> {
    root.get_items("gotchas")
        .iter()
        .map(|n| Gotcha {
            id: text(n, "id").unwrap_or_default(),
            say: text(n, "say").unwrap_or_default(),
            check: text(n, "check").unwrap_or_else(|| "none".to_owned()),
            of: n.get("of").and_then(|of| scope.object(of.text()?, of.span)),
            block: read::is_word(n, "level", "block"),
        })
        .collect()
}

#[cfg(test)]
mod tests;
