//! Whether a value that a person gives for a field would do: the field's own ops and checks over that value, without
//! a record around it. For sheets of decisions, which are checked before anything runs.

use super::{
    columns::Columns,
    compile::{Compiler, map_tables},
    field::{FieldCode, Turn},
    fingerprint::Fingerprint,
    holds,
    resolve::{Resolution, Resolve},
    scope::Scope,
    tables::Tables,
};
use crate::{
    ident::{FieldId, ObjectId, StepId},
    mapping::{FieldMap, Given, Input, Mapping},
    value::{Scalar, Value},
};
use bumpalo::Bump;
use std::sync::Arc;

/// Nobody knows any record.
struct Nobody;

impl Resolve for Nobody {
    fn by_source(&self, _: ObjectId, _: &str, _: &[StepId], _: &[ObjectId]) -> Resolution<'_> {
        Resolution::Unknown
    }

    fn by_natural(&self, _: ObjectId, _: &str) -> Resolution<'_> {
        Resolution::Unknown
    }

    fn tag_taken(&self, _: ObjectId, _: &str) -> bool {
        false
    }
}

/// What is wrong with a text as the value of an entry: the code and the words of the hold it would lead to. `None` when
/// nothing is, and where only a run can tell: references, and ops that look other records up. `zone`: the connection's
/// zone for times that carry none.
pub fn trial(
    mapping: &Arc<Mapping>,
    id: StepId,
    entry: usize,
    text: &str,
    zone: Option<&str>,
) -> Option<(&'static str, String)> {
    let step = mapping.steps.get(id.ix())?;
    let field = step.fields.get(entry)?;
    let to = mapping.destination.objects.get(step.to.ix())?;
    let from = mapping.source.objects.get(step.from.ix())?;
    if field.reference.is_some() {
        return None;
    }
    let own = FieldMap {
        input: plain(&field.input),
        when: None,
        ..field.clone()
    };
    let all: Vec<FieldId> = (0u16..).take(from.fields.len()).map(FieldId).collect();
    let columns = Columns::new(from, &all, zone);
    let tables = Tables::none(Arc::clone(mapping), zone);
    let maps = map_tables(mapping);
    let compiler = Compiler::plain(
        mapping,
        &maps,
        &tables.zone.zone,
        step.from,
        &columns,
        "a decision",
    )
    .step(step);
    let code = FieldCode::new(&compiler, &own, to, Turn::Now).ok()?;
    let given = Given::Set(text.to_owned());
    let arena = Bump::new();
    let mut scope = Scope::new(&columns, &tables, None, &arena);
    scope.leave();
    let (mut print, mut value) = (Fingerprint::default(), Value::Absent);
    let trouble = code
        .given(&given, &mut scope, &Nobody, &mut print, &mut value)
        .err()?;
    Some((holds::code(&trouble)?, holds::words(&trouble)))
}

/// The column that a given value is read as; a literal where the entry reads none.
fn plain(input: &Input) -> Input {
    match input {
        Input::Field(field) => Input::Field(*field),
        Input::FirstOf(all) => all.first().map_or(Input::Const(Scalar::Blank), plain),
        _ => Input::Const(Scalar::Blank),
    }
}
