//! What steps read: the record's own fields, and fields of joined records. Decides projections and tables.
//!
//! Templates are searched for words: a field whose name stands in a template counts as read by it.

use crate::{
    ident::{FieldId, ObjectId},
    mapping::{FieldMap, Input, Join, Mapping, Op, Operand, Step, When},
    platform::Object,
};
use std::collections::BTreeSet;

/// What one record's evaluation reads.
#[derive(Clone, Debug)]
pub(crate) struct Uses {
    /// Fields of the record itself.
    pub own: BTreeSet<FieldId>,
    /// For each join the fields of its records.
    pub joined: Vec<BTreeSet<FieldId>>,
    /// For each join whether its records are read, and not only counted.
    pub rows: Vec<bool>,
    /// Objects whose records are named (`names`).
    pub named: BTreeSet<ObjectId>,
}

impl Uses {
    fn new(joins: &[Join]) -> Uses {
        let mut uses = Uses {
            own: BTreeSet::new(),
            joined: vec![BTreeSet::new(); joins.len()],
            rows: vec![false; joins.len()],
            named: BTreeSet::new(),
        };
        for join in joins {
            uses.own
                .extend(join.by.iter().flatten().map(|(_, own)| *own));
        }
        uses
    }

    /// What a step reads, its guards, lets and joins included.
    pub fn of_step(mapping: &Mapping, step: &Step) -> Uses {
        let mut uses = Uses::new(&step.joins);
        let walk = Walk {
            mapping,
            object: mapping.source.objects.get(step.from.ix()),
            joins: &step.joins,
        };
        for binding in &step.lets {
            walk.input(&binding.input, &mut uses);
            walk.ops(&binding.input, &binding.ops, &mut uses);
        }
        for guard in &step.guards {
            walk.when(&guard.when, &mut uses);
        }
        for field in &step.fields {
            if let Some(when) = &field.when {
                walk.when(when, &mut uses);
            }
            walk.input(&field.input, &mut uses);
            walk.ops(&field.input, &field.ops, &mut uses);
        }
        uses
    }

    /// What the split of an object reads.
    pub fn of_split(mapping: &Mapping, object: ObjectId) -> Uses {
        let joins = split_joins(mapping, object);
        let mut uses = Uses::new(joins);
        let walk = Walk {
            mapping,
            object: mapping.source.objects.get(object.ix()),
            joins,
        };
        for row in mapping.splits.get(object.ix()).into_iter().flatten() {
            if let Some(when) = &row.when {
                walk.when(when, &mut uses);
            }
        }
        uses
    }

    /// What a condition on records of an object reads, outside any step.
    pub fn of_condition(mapping: &Mapping, object: ObjectId, when: &When) -> Uses {
        let mut uses = Uses::new(&[]);
        let walk = Walk {
            mapping,
            object: mapping.source.objects.get(object.ix()),
            joins: &[],
        };
        walk.when(when, &mut uses);
        uses
    }
}

/// The fields of the source record that one destination field of a step reads, through lets too; of joined records
/// only the fields that find them.
pub fn reads(mapping: &Mapping, step: &Step, field: &FieldMap) -> BTreeSet<FieldId> {
    let walk = Walk {
        mapping,
        object: mapping.source.objects.get(step.from.ix()),
        joins: &step.joins,
    };
    let mut uses = Uses::new(&[]);
    uses.joined = vec![BTreeSet::new(); step.joins.len()];
    uses.rows = vec![false; step.joins.len()];
    walk.input(&field.input, &mut uses);
    if let Some(when) = &field.when {
        walk.when(when, &mut uses);
    }
    let mut names_let = |input: &Input| {
        let all = match input {
            Input::FirstOf(all) => all.as_slice(),
            one => std::slice::from_ref(one),
        };
        for input in all {
            if let Input::Let { binding, .. } = input
                && let Some(binding) = step.lets.get(*binding)
            {
                walk.input(&binding.input, &mut uses);
            }
        }
    };
    names_let(&field.input);
    let template = match &field.input {
        Input::Text(source) => source.as_str(),
        _ => "",
    };
    for binding in &step.lets {
        if template.contains(binding.name.as_str()) {
            walk.input(&binding.input, &mut uses);
        }
    }
    for (join, read) in step.joins.iter().zip(uses.rows.clone()) {
        if read {
            uses.own
                .extend(join.by.iter().flatten().map(|(_, own)| *own));
        }
    }
    uses.own
}

/// The joins that the split rows of an object may count.
pub(crate) fn split_joins(mapping: &Mapping, object: ObjectId) -> &[Join] {
    mapping
        .split_joins
        .get(object.ix())
        .map_or(&[], Vec::as_slice)
}

struct Walk<'m> {
    mapping: &'m Mapping,
    object: Option<&'m Object>,
    joins: &'m [Join],
}

impl Walk<'_> {
    fn input(&self, input: &Input, uses: &mut Uses) {
        match input {
            Input::Field(field) => {
                uses.own.insert(*field);
            }
            Input::Join { join, field, .. } => {
                if let (Some(fields), Some(rows)) =
                    (uses.joined.get_mut(join.ix()), uses.rows.get_mut(join.ix()))
                {
                    fields.extend(field);
                    *rows = true;
                }
            }
            Input::Count(_)
            | Input::Let { .. }
            | Input::Const(_)
            | Input::Param(_)
            | Input::Outcome(_) => {}
            Input::FirstOf(inputs) => {
                for input in inputs {
                    self.input(input, uses);
                }
            }
            Input::Text(source) => self.template(source, uses),
        }
    }

    fn template(&self, source: &str, uses: &mut Uses) {
        let words: BTreeSet<&str> = source
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .collect();
        uses.own.extend(named_fields(self.object, &words));
        for (at, join) in self.joins.iter().enumerate() {
            if words.contains(join.name.as_str()) {
                let object = self.mapping.source.objects.get(join.object.ix());
                uses.joined[at].extend(named_fields(object, &words));
                uses.rows[at] = true;
            }
        }
    }

    fn ops(&self, input: &Input, ops: &[Op], uses: &mut Uses) {
        if ops.contains(&Op::Names) {
            uses.named.extend(self.refers(input));
        }
    }

    /// The object that the references of an input point to.
    fn refers(&self, input: &Input) -> Option<ObjectId> {
        refers(self.mapping, self.object, self.joins, input)
    }

    fn when(&self, when: &When, uses: &mut Uses) {
        match when {
            When::And(all) | When::Or(all) => {
                for inner in all {
                    self.when(inner, uses);
                }
            }
            When::Not(inner) => self.when(inner, uses),
            When::True(o)
            | When::Present(o)
            | When::Blank(o)
            | When::In(o, _)
            | When::Has(o, _)
            | When::Contains(o, _)
            | When::Reference(o, _, _) => self.operand(o, uses),
            When::Compare(a, _, b) => {
                self.operand(a, uses);
                self.operand(b, uses);
            }
        }
    }

    fn operand(&self, operand: &Operand, uses: &mut Uses) {
        if let Operand::Input(input) = operand {
            self.input(input, uses);
        }
    }
}

/// The source object whose records an input's values name by key.
pub(crate) fn refers(
    mapping: &Mapping,
    object: Option<&Object>,
    joins: &[Join],
    input: &Input,
) -> Option<ObjectId> {
    let of_field = |object: &Object, field: FieldId| {
        let reference = object.fields.get(field.ix())?.reference.as_ref()?;
        reference.to.first().copied()
    };
    match input {
        Input::Field(field) => of_field(object?, *field),
        Input::Join { join, field, .. } => {
            let joined = joins.get(join.ix())?.object;
            match field {
                Some(field) => of_field(mapping.source.objects.get(joined.ix())?, *field),
                None => Some(joined),
            }
        }
        Input::FirstOf(inputs) => inputs
            .iter()
            .find_map(|i| refers(mapping, object, joins, i)),
        _ => None,
    }
}

/// The field that names a record for people: `name`, `title`, `subject`, else the first text.
pub(crate) fn name_field(object: &Object) -> Option<FieldId> {
    ["name", "title", "subject", "display_name"]
        .iter()
        .find_map(|n| object.field(n).map(|(id, _)| id))
        .or_else(|| {
            let at = object.fields.iter().position(|f| {
                matches!(
                    f.data_type,
                    crate::value::Type::Text | crate::value::Type::Email
                )
            })?;
            u16::try_from(at).ok().map(FieldId)
        })
}

fn named_fields(object: Option<&Object>, words: &BTreeSet<&str>) -> Vec<FieldId> {
    let fields = object.map_or(&[][..], |o| &o.fields);
    (0u16..)
        .zip(fields)
        .filter(|(_, f)| words.contains(f.name.as_str()))
        .map(|(i, _)| FieldId(i))
        .collect()
}
