//! Where the records of an object come from: files or an API, and never from both in silence.

use super::read::Scope;
use crate::{
    diag::{Code, Diagnostic},
    platform::{Field, Op, OpKind},
    spec::Entry,
};

/// Files have rows and no operations. An API has operations; what it does not give may come from a file beside it,
/// for a reason.
pub(super) fn check(entry: &Entry, ops: &[Op], files: bool, scope: &mut Scope<'_>) {
    let node = &entry.value;
    if let Some(e) = node.entry("ops").filter(|_| files) {
        scope.fault(
            Code::PlatformConnect,
            e.key_span,
            "`ops` does not go with a platform that is reached by files",
        );
    }
    if let Some(e) = node.entry("rows").filter(|_| !files) {
        if e.value.get("why").is_none() && node.get("why").is_none() {
            scope.diags.push(
                Diagnostic::new(
                    Code::PlatformRows,
                    e.key_span,
                    format!(
                        "`{}` is read from a file beside an API, and nothing says why",
                        entry.key
                    ),
                )
                .hint("add `why:` with what the API does not give"),
            );
        }
        let read = |o: &&Op| matches!(o.kind, OpKind::List | OpKind::Children);
        if let Some(op) = ops.iter().find(read) {
            scope.diags.push(
                Diagnostic::new(
                    Code::PlatformRows,
                    e.key_span,
                    format!(
                        "`{}` is read from a file, and has the operation `{}`, too",
                        entry.key,
                        op.kind.name()
                    ),
                )
                .hint("records come from one place: remove one of the two"),
            );
        }
    }
    if files && node.get("rows").is_none() {
        scope.diags.push(
            Diagnostic::new(
                Code::PlatformRows,
                entry.key_span,
                format!("`{}` does not say which file it is read from", entry.key),
            )
            .hint("add `rows: {file: Name.csv, key: [id]}`"),
        );
    }
}

/// A field that is the parent needs a parent that the object is read below.
pub(super) fn parents(fields: &[Field], ops: &[Op], scope: &mut Scope<'_>) {
    for (at, field) in fields.iter().enumerate().filter(|(_, f)| f.parent) {
        let under = ops
            .iter()
            .any(|o| o.kind == OpKind::Children && o.of.is_some_and(|of| of.ix() == at));
        if !under {
            scope.diags.push(
                Diagnostic::new(
                    Code::PlatformReference,
                    field.span,
                    format!(
                        "`{}` is said to be the parent, and the object is not read below one",
                        field.name
                    ),
                )
                .hint(format!(
                    "add `ops: {{children: {{get: …, of: {}, parents: {{…}}}}}}`",
                    field.name
                )),
            );
        }
    }
}
