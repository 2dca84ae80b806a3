//! Which step writes which file, with which encoder, and what others ask of it; decided once before a run.

use super::{collect::StepWriter, output};
use crate::{
    connector::files::Form,
    ident::{ObjectId, StepId},
    mapping::{Absent, Input, Mapping, MatchKey, RefSource, Step},
    plan::Plan,
    platform::Object,
    run::{failure::RunError, item},
    value::{Scalar, Type},
};
use std::collections::{BTreeSet, HashMap};

/// A file of the destination.
pub struct FilePlan {
    /// Its object.
    pub object: ObjectId,
    /// The steps that write to it.
    pub steps: Vec<StepId>,
    /// The batch after which it is whole.
    pub last: usize,
}

/// What is decided before a run.
pub struct Layout {
    /// By step.
    pub steps: Vec<StepWriter>,
    /// The files.
    pub files: Vec<FilePlan>,
    /// Ids that stand in for records that are not there, by step.
    pub fallbacks: HashMap<StepId, String>,
}

/// Decides.
///
/// # Errors
/// When an object has no file, or records are referred to that have no id.
pub fn of(mapping: &Mapping, plan: &Plan) -> Result<Layout, RunError> {
    let mut asked = BTreeSet::new();
    let mut named = BTreeSet::new();
    for step in &mapping.steps {
        let own = step.guards.iter().map(|g| &g.when);
        let fields = step.fields.iter().filter_map(|f| f.when.as_ref());
        own.chain(fields).for_each(|w| w.asks(&mut asked));
        for field in &step.fields {
            field.reference.iter().for_each(|r| names(r, &mut named));
        }
    }
    for row in mapping.splits.iter().flatten() {
        row.when.iter().for_each(|w| w.asks(&mut asked));
    }
    let mut layout = Layout {
        steps: Vec::with_capacity(mapping.steps.len()),
        files: Vec::new(),
        fallbacks: HashMap::new(),
    };
    for (id, step) in (0u16..).map(StepId).zip(&mapping.steps) {
        let object = object_of(mapping, step)?;
        let file = match plan.load(id).writes() {
            true => Some(file_of(&mut layout.files, plan, id, step)),
            false => None,
        };
        let at = |field: usize| step.fields.iter().position(|m| m.to.ix() == field);
        let is_id = |f: &crate::platform::Field| f.data_type == Type::Id;
        let own_id = object.fields.iter().position(is_id).and_then(at);
        let referred = refers(mapping, id, step);
        let wanted = !step.of.is_report() && (referred || asked.contains(&step.from));
        if referred && own_id.is_none() {
            return Err(RunError::Policy(format!(
                "others refer to records of `{}`, and it gives them no id: fill the field of type `id` of `{}`",
                step.name, object.name
            )));
        }
        let natural = named.contains(&step.to).then(|| natural(object, &at));
        layout.steps.push(StepWriter {
            file,
            encoder: item::encoder(&mapping.destination, object, step),
            form: match file {
                Some(_) => output::form_of(&mapping.destination, object)?,
                None => Form::Jsonl,
            },
            columns: (0..object.fields.len()).map(at).collect(),
            id: own_id,
            wanted,
            natural: natural.flatten().map(|key| (step.to, key)),
            report: step.of.is_report(),
        });
        if let Absent::Fallback(keys) = &step.absent {
            let stands_in = keys.iter().find_map(|key| {
                let field = object.fields.get(key.field.ix())?;
                literal(mapping, &key.value).filter(|_| is_id(field))
            });
            let Some(stands_in) = stands_in else {
                return Err(RunError::Policy(format!(
                    "the fallback of step `{}` must give the id of the record, as nothing can be looked up in files",
                    step.name
                )));
            };
            layout.fallbacks.insert(id, stands_in);
        }
    }
    Ok(layout)
}

/// The destination object of a step.
pub fn object_of<'m>(mapping: &'m Mapping, step: &Step) -> Result<&'m Object, RunError> {
    mapping
        .destination
        .objects
        .get(step.to.ix())
        .ok_or_else(|| RunError::Internal(format!("no destination object {:?}", step.to)))
}

fn file_of(files: &mut Vec<FilePlan>, plan: &Plan, id: StepId, step: &Step) -> usize {
    let batch = plan.batches.iter().position(|b| b.contains(&id));
    let batch = batch.unwrap_or(0);
    if let Some(at) = files.iter().position(|f| f.object == step.to)
        && let Some(file) = files.get_mut(at)
    {
        file.steps.push(id);
        file.last = file.last.max(batch);
        return at;
    }
    files.push(FilePlan {
        object: step.to,
        steps: vec![id],
        last: batch,
    });
    files.len() - 1
}

/// True when some reference may name a record of this step.
fn refers(mapping: &Mapping, id: StepId, step: &Step) -> bool {
    mapping.steps.iter().any(|other| {
        other.fields.iter().any(|field| {
            let Some(reference) = &field.reference else {
                return false;
            };
            let takes = mapping
                .destination
                .objects
                .get(other.to.ix())
                .and_then(|o| o.fields.get(field.to.ix()))
                .and_then(|f| f.reference.as_ref())
                .is_some_and(|r| r.to.contains(&step.to));
            takes
                && !step.of.is_report()
                && (field.only.is_empty() || field.only.contains(&id))
                && reference.names(step.from)
        })
    })
}

fn names(reference: &RefSource, objects: &mut BTreeSet<ObjectId>) {
    match reference {
        RefSource::NaturalKey(object) => {
            objects.insert(*object);
        }
        RefSource::ByInput(list) => list.iter().for_each(|r| names(r, objects)),
        RefSource::SourceKey(_) => {}
    }
}

/// The object's first key, where the step fills it.
fn natural(object: &Object, at: &impl Fn(usize) -> Option<usize>) -> Option<MatchKey> {
    let key = object.keys.first()?;
    let pairs = key.by.iter().map(|f| Some((*f, at(f.ix())?)));
    Some(MatchKey {
        pairs: pairs.collect::<Option<_>>()?,
        trim: true,
        // References are looked up in lower case.
        lower: true,
        span: object.span,
    })
}

fn literal(mapping: &Mapping, input: &Input) -> Option<String> {
    let scalar = match input {
        Input::Const(s) => Some(s),
        Input::Param(at) => mapping.params.get(*at)?.value.as_ref(),
        _ => None,
    }?;
    match scalar {
        Scalar::Text(t) => Some(t.clone()),
        Scalar::Int(n) => Some(n.to_string()),
        _ => None,
    }
}
