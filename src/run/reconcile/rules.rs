//! What a step compares, worked out once: its fields, its parent, the stamp that tells its records apart.

use crate::{
    ident::{FieldId, ObjectId},
    mapping::{Absent, Found, Input, Mapping, Op, Step},
    platform::{OpKind, Write, wire::FieldReader},
    value::Type,
};
use std::sync::Arc;

/// A field that is compared.
#[derive(Clone, Debug)]
pub struct FieldRule {
    /// Its position in `Step::fields`.
    pub at: usize,
    /// The destination field.
    pub field: FieldId,
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: Type,
    /// Put before items that people had already.
    pub prefix: Option<String>,
    /// True for the reference to the parent.
    pub is_parent: bool,
}

/// A step, ready to compare.
#[derive(Clone, Debug)]
pub struct StepRules {
    /// The destination object.
    pub object: ObjectId,
    /// Readers of its fields.
    pub readers: Arc<[FieldReader]>,
    /// The fields that are compared.
    pub fields: Vec<FieldRule>,
    /// Position in `fields` of the one that carries the source record's key unchanged.
    pub stamp: Option<usize>,
    /// Position in `Step::fields` of the reference to the parent, where the object is shown below one.
    pub parent: Option<usize>,
    /// Position in `fields` of the text that tells most about a record.
    pub anchor: Option<usize>,
    /// True when files travel with its records.
    pub has_files: bool,
}

impl StepRules {
    /// The rules of a step.
    pub fn new(mapping: &Mapping, step: &Step, readers: Arc<[FieldReader]>) -> StepRules {
        let mut rules = StepRules {
            object: step.to,
            readers,
            fields: Vec::new(),
            stamp: None,
            parent: None,
            anchor: None,
            has_files: false,
        };
        let Some(object) = mapping.destination.objects.get(step.to.ix()) else {
            return rules;
        };
        rules.has_files = object.op(OpKind::Create).is_some_and(|op| op.multipart);
        let parent = object.op(OpKind::Children).and_then(|op| op.of);
        rules.parent = parent.and_then(|of| step.fields.iter().position(|m| m.to == of));
        let own_key: &[FieldId] = mapping
            .source
            .objects
            .get(step.from.ix())
            .and_then(|o| o.rows.as_ref())
            .map_or(&[], |rows| rows.key.as_slice());
        let stood_in: Vec<FieldId> = match &step.absent {
            Absent::Placeholder(keys) => keys.iter().map(|k| k.field).collect(),
            _ => Vec::new(),
        };
        for (at, m) in step.fields.iter().enumerate() {
            let Some(field) = object.fields.get(m.to.ix()) else {
                continue;
            };
            // Files are shown in other shapes than they are sent, and what is only written into new records says
            // nothing about one that was there.
            let left_out = field.data_type == Type::File
                || field.write == Write::Never
                || (field.write == Write::OnCreate && step.found == Found::Update)
                || stood_in.contains(&m.to);
            if left_out {
                continue;
            }
            let is_key = matches!(&m.input, Input::Field(f) if own_key == [*f]);
            if is_key && m.ops.is_empty() && m.reference.is_none() && rules.stamp.is_none() {
                rules.stamp = Some(rules.fields.len());
            }
            rules.fields.push(FieldRule {
                at,
                field: m.to,
                name: field.name.clone(),
                data_type: field.data_type,
                prefix: m.ops.iter().find_map(|op| match op {
                    Op::PrefixIfTaken(prefix) => Some(prefix.clone()),
                    _ => None,
                }),
                is_parent: Some(at) == rules.parent,
            });
        }
        let is = |types: &[Type]| {
            rules
                .fields
                .iter()
                .position(|f| types.contains(&f.data_type))
        };
        rules.anchor = is(&[Type::Html]).or_else(|| is(&[Type::Text]));
        rules
    }
}
