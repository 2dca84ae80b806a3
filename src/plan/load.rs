//! How a step loads: which operation of the destination serves its `found:` and `absent:` best.

use crate::{
    diag::{Code, Diagnostic, Diagnostics},
    ident::FieldId,
    mapping::{Absent, Found, Mapping, Step},
    platform::{Connect, Creation, Object, OpKind},
};

/// How a step loads its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// Many records in one asynchronous call; the server matches by this field.
    Bulk {
        /// The field.
        key: FieldId,
        /// Records of one call.
        size: usize,
    },
    /// One record a call; the server matches by this field.
    Upsert {
        /// The field.
        key: FieldId,
    },
    /// One record a call; existing ones are found first.
    Single {
        /// New records are created.
        create: bool,
        /// Existing ones are written.
        update: bool,
    },
    /// Members are added to their owner, so many a call.
    Members {
        /// Members of one call.
        size: usize,
    },
    /// Records are bound to existing ones, nothing is written.
    Use,
    /// An admin makes the records; the engine binds to them.
    ByHand,
    /// Records go into a file.
    File,
}

impl Load {
    /// The words in a plan.
    pub fn words(&self) -> &'static str {
        match self {
            Load::Bulk { .. } => "bulk upsert",
            Load::Upsert { .. } => "upsert",
            Load::Single {
                create: true,
                update: true,
            } => "find, then create or update",
            Load::Single {
                create: true,
                update: false,
            } => "create",
            Load::Single { .. } => "update",
            Load::Members { .. } => "add members",
            Load::Use => "bind only",
            Load::ByHand => "by hand",
            Load::File => "file",
        }
    }

    /// True when the step writes.
    pub fn writes(&self) -> bool {
        !matches!(self, Load::Use | Load::ByHand)
    }
}

/// Chooses for one step, and says what is missing where nothing serves.
pub(super) fn choose(mapping: &Mapping, step: &Step, diagnostics: &mut Diagnostics) -> Load {
    let Some(object) = mapping.destination.objects.get(step.to.ix()) else {
        return Load::Use;
    };
    let create = matches!(step.absent, Absent::Create | Absent::Placeholder(_));
    let update = step.found == Found::Update;
    if matches!(mapping.destination.connect, Connect::Files(_)) {
        // A file holds what a step makes; a step that makes nothing binds to the ids its mapping gives.
        return match create {
            true => Load::File,
            false => Load::Use,
        };
    }
    if object.create == Creation::ByHand && object.op(OpKind::Create).is_none() {
        if update && object.op(OpKind::Update).is_none() {
            diagnostics.push(missing(step, object, "update", "say `found: use`"));
        }
        return match (create, update) {
            (true, _) => Load::ByHand,
            (false, true) => Load::Single {
                create: false,
                update: true,
            },
            (false, false) => Load::Use,
        };
    }
    if !create && !update {
        return Load::Use;
    }
    if object.membership.is_some() {
        return members(step, object, create, diagnostics);
    }
    // A server-side match both creates and updates; where only one is wanted it would do too much.
    if create && update {
        if let Some((key, size)) = served(step, object, OpKind::BulkUpsert) {
            return Load::Bulk { key, size };
        }
        if let Some((key, _)) = served(step, object, OpKind::Upsert) {
            return Load::Upsert { key };
        }
    }
    if create && object.op(OpKind::Create).is_none() {
        diagnostics.push(missing(step, object, "create", "say `absent: hold`"));
    }
    let writes_existing = update && !step.match_keys.is_empty();
    if writes_existing && object.op(OpKind::Update).is_none() {
        diagnostics.push(missing(step, object, "update", "say `found: use`"));
    }
    if !step.match_keys.is_empty() && !can_find(object) {
        diagnostics.push(
            Diagnostic::new(
                Code::NoWayToFind,
                step.match_keys.first().map_or(step.span, |k| k.span),
                format!(
                    "`{}` looks for existing `{}` records, and {} has no call that finds them",
                    step.name, object.name, mapping.destination.title
                ),
            )
            .hint(format!(
                "give `{}` the operation `list` or `lookup` in the platform file, or leave out `match`",
                object.name
            )),
        );
    }
    Load::Single {
        create,
        update: writes_existing,
    }
}

/// A membership is known by its owner and its member together, and there is nothing in it to update.
fn members(step: &Step, object: &Object, create: bool, diagnostics: &mut Diagnostics) -> Load {
    if step.found == Found::Update {
        diagnostics.push(missing(step, object, "update", "say `found: use`"));
    }
    let keyed = object.membership.is_some_and(|m| {
        step.match_keys.iter().any(|key| {
            let has = |field| key.pairs.iter().any(|(f, _)| *f == field);
            key.pairs.len() == 2 && has(m.of) && has(m.member)
        })
    });
    if !keyed {
        diagnostics.push(
            Diagnostic::new(
                Code::NoWayToFind,
                step.match_keys.first().map_or(step.span, |k| k.span),
                format!(
                    "`{}` writes memberships, which are known by both of their references together",
                    step.name
                ),
            )
            .hint("add `match:` with both references in one entry"),
        );
    }
    let add = object.op(OpKind::Create).filter(|_| create);
    add.map_or(Load::Use, |op| Load::Members {
        size: op.size.max(1),
    })
}

/// The key by which an operation of this kind can match the step's records: a unique field that is a whole
/// match key of the step.
fn served(step: &Step, object: &Object, kind: OpKind) -> Option<(FieldId, usize)> {
    let op = object.op(kind)?;
    step.match_keys.iter().find_map(|key| {
        let [(field, _)] = key.pairs.as_slice() else {
            return None;
        };
        let unique = object.fields.get(field.ix())?.unique || object.key_of(*field).is_some();
        (unique && op.keys.iter().any(|(_, f)| f == field)).then_some((*field, op.size.max(1)))
    })
}

fn can_find(object: &Object) -> bool {
    [
        OpKind::List,
        OpKind::Lookup,
        OpKind::Upsert,
        OpKind::Children,
    ]
    .iter()
    .any(|kind| object.op(*kind).is_some())
}

fn missing(step: &Step, object: &Object, verb: &str, hint: &str) -> Diagnostic {
    Diagnostic::new(
        Code::NoWayToLoad,
        step.span,
        format!(
            "`{}` has to {verb} `{}` records, and the destination has no call for that",
            step.name, object.name
        ),
    )
    .hint(format!(
        "{hint}, or give `{}` the operation `{verb}` in the platform file",
        object.name
    ))
}
