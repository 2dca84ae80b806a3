//! Objects whose records are memberships: one record is a member of another, and ids are added to it and taken
//! out of it.

use super::read::{Scope, join};
use crate::{
    diag::{Code, Diagnostic},
    ident::FieldId,
    platform::{Field, Key, Membership, Op, OpKind},
    spec::Entry,
};

/// The declaration of an object; what contradicts it is reported.
pub(super) fn membership(
    entry: &Entry,
    fields: &[Field],
    ops: &[Op],
    keys: &[Key],
    scope: &mut Scope<'_>,
) -> Option<Membership> {
    let Some(at) = entry.value.entry("membership") else {
        for op in ops.iter().filter(|o| o.ids.is_some()) {
            scope.diags.push(
                Diagnostic::new(
                    Code::PlatformOp,
                    entry.key_span,
                    format!(
                        "`{}` sends `ids`, and `{}` is no membership",
                        op.kind.name(),
                        entry.key
                    ),
                )
                .hint("add `membership: {of: owner, member: member}` to the object"),
            );
        }
        return None;
    };
    let mut reference = |key: &str| -> Option<FieldId> {
        let node = at.value.get(key)?;
        let id = scope.field(&entry.key, fields, node.text()?, node.span)?;
        let one = fields
            .get(id.ix())
            .and_then(|f| f.reference.as_ref())
            .is_some_and(|r| r.to.len() == 1);
        if !one {
            scope.fault(
                Code::PlatformReference,
                node.span,
                "a membership needs a reference to exactly one object here",
            );
        }
        one.then_some(id)
    };
    let (of, member) = (reference("of")?, reference("member")?);
    let lacks: Vec<&str> = [
        (
            "create",
            ops.iter()
                .any(|o| o.kind == OpKind::Create && o.ids.is_some()),
        ),
        (
            "children",
            ops.iter()
                .any(|o| o.kind == OpKind::Children && o.of == Some(of)),
        ),
    ]
    .into_iter()
    .filter(|(_, there)| !there)
    .map(|(name, _)| name)
    .collect();
    if !lacks.is_empty() {
        scope.diags.push(
            Diagnostic::new(
                Code::PlatformOp,
                at.key_span,
                format!("a membership without {}", join(&lacks)),
            )
            .hint("`create` adds members (with `ids`), `children` lists them below their owner (with `of`)"),
        );
    }
    for op in ops {
        let fits = match op.kind {
            OpKind::Create | OpKind::Delete => op.ids.is_some(),
            OpKind::Children => true,
            _ => false,
        };
        if !fits {
            scope.diags.push(
                Diagnostic::new(
                    Code::PlatformOp,
                    at.key_span,
                    format!("`{}` does not fit a membership", op.kind.name()),
                )
                .hint("a membership has `create` and `delete`, both with `ids`, and `children`"),
            );
        }
    }
    let keyed = keys
        .iter()
        .any(|k| k.by.len() == 2 && k.by.contains(&of) && k.by.contains(&member));
    if !keyed {
        scope.diags.push(
            Diagnostic::new(
                Code::PlatformOp,
                at.key_span,
                "a membership is known by its owner and its member, and no key says so",
            )
            .hint("add `keys: [{by: [owner, member]}]` with the names of the two references"),
        );
    }
    Some(Membership { of, member })
}
