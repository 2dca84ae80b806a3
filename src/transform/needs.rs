//! Which source records must be indexed before a pass: joins, counts, merges, names, observed choices.

use super::{
    index::IndexSpec,
    keys::KeyRule,
    uses::{self, Uses},
};
use crate::{
    ident::{FieldId, ObjectId, StepId},
    mapping::{Input, Join, JoinKind, Mapping, Step},
    value::Type,
};
use std::collections::BTreeSet;

/// Source records to be fed to the tables before passes run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableNeed {
    /// The object.
    pub object: ObjectId,
    /// The columns its pages must have, in this order.
    pub columns: Vec<FieldId>,
}

/// What the tables need of one object.
#[derive(Clone, Debug)]
pub(crate) struct ObjectNeed {
    /// The object.
    pub object: ObjectId,
    /// The columns to read.
    pub columns: Vec<FieldId>,
    /// The fields kept of each record; `None`: no record is kept.
    pub kept: Option<Vec<FieldId>>,
    /// True when records that are in no merge are kept too.
    pub keep_all: bool,
    /// Look-ups.
    pub indexes: Vec<IndexSpec>,
    /// The index that finds records to merge, among `indexes`.
    pub merge: Option<usize>,
    /// Entries whose values are collected.
    pub observed: Vec<(StepId, usize)>,
}

/// The records that must be fed to [`super::TablesBuilder`], object by object.
pub fn needs(mapping: &Mapping) -> Vec<TableNeed> {
    collect(mapping)
        .into_iter()
        .map(|n| TableNeed {
            object: n.object,
            columns: n.columns,
        })
        .collect()
}

/// Under construction.
#[derive(Default)]
struct Draft {
    read: BTreeSet<FieldId>,
    kept: BTreeSet<FieldId>,
    keep_rows: bool,
    keep_all: bool,
    indexes: Vec<IndexSpec>,
    merge: Option<usize>,
    observed: Vec<(StepId, usize)>,
    wanted: bool,
}

impl Draft {
    fn index(&mut self, spec: IndexSpec) -> usize {
        self.wanted = true;
        self.read.extend(&spec.fields);
        if spec.rows {
            self.keep_rows = true;
            self.kept.extend(spec.order.iter().map(|o| o.field));
        }
        match self.indexes.iter().position(|i| *i == spec) {
            Some(at) => at,
            None => {
                self.indexes.push(spec);
                self.indexes.len() - 1
            }
        }
    }
}

/// What every object must provide; objects that provide nothing are left out.
pub(crate) fn collect(mapping: &Mapping) -> Vec<ObjectNeed> {
    let mut drafts: Vec<Draft> = mapping
        .source
        .objects
        .iter()
        .map(|_| Draft::default())
        .collect();
    merges(mapping, &mut drafts);
    for (at, step) in (0u16..).zip(&mapping.steps) {
        let uses = Uses::of_step(mapping, step);
        joins(mapping, &step.joins, &uses, &mut drafts);
        for object in &uses.named {
            if let (Some(spec), Some(draft)) =
                (names_index(mapping, *object), drafts.get_mut(object.ix()))
            {
                draft.index(spec);
                draft.keep_all = true;
                let declared = mapping.source.objects.get(object.ix());
                draft.kept.extend(declared.and_then(uses::name_field));
            }
        }
        let Some(draft) = drafts.get_mut(step.from.ix()) else {
            continue;
        };
        for (entry, field) in step.fields.iter().enumerate() {
            let choices = field.create.as_ref().is_some_and(|c| {
                c.values.is_none() && matches!(c.data_type, Type::Enum | Type::MultiEnum)
            });
            if choices && !reads_joins(step, &field.input) {
                draft.wanted = true;
                draft.observed.push((StepId(at), entry));
                draft.read.extend(&uses.own);
            }
        }
    }
    for (at, _) in (0u16..).zip(&mapping.source.objects) {
        let object = ObjectId(at);
        let uses = Uses::of_split(mapping, object);
        joins(
            mapping,
            uses::split_joins(mapping, object),
            &uses,
            &mut drafts,
        );
    }
    let drafts = (0u16..).zip(drafts).filter(|(_, d)| d.wanted);
    drafts
        .map(|(at, draft)| finish(mapping, ObjectId(at), draft))
        .collect()
}

fn merges(mapping: &Mapping, drafts: &mut [Draft]) {
    for (at, merge) in (0u16..).zip(&mapping.merges) {
        let (Some(merge), Some(draft)) = (merge, drafts.get_mut(usize::from(at))) else {
            continue;
        };
        let object = ObjectId(at);
        draft.merge = Some(draft.index(IndexSpec {
            object,
            fields: merge.by.clone(),
            order: merge.keep.clone(),
            rows: true,
            filter: None,
        }));
        draft.kept.extend(&merge.by);
        if let Some(declared) = mapping.source.objects.get(object.ix()) {
            draft.kept.extend(KeyRule::of(declared).needs());
        }
        draft.kept.extend(Uses::of_split(mapping, object).own);
        if merge.fill {
            for (_, step) in mapping.steps_from(object) {
                draft.kept.extend(Uses::of_step(mapping, step).own);
            }
        }
    }
}

fn joins(mapping: &Mapping, joins: &[Join], uses: &Uses, drafts: &mut [Draft]) {
    for (at, join) in joins.iter().enumerate() {
        let rows = join_rows(mapping, join, uses.rows[at]);
        let Some(draft) = drafts.get_mut(join.object.ix()) else {
            continue;
        };
        for spec in join_indexes(join, rows) {
            draft.index(spec);
        }
        if let Some(filter) = &join.filter {
            draft
                .read
                .extend(Uses::of_condition(mapping, join.object, filter).own);
        }
        if rows {
            draft.keep_all = true;
            draft.kept.extend(&uses.joined[at]);
        }
    }
}

/// True when the rows of a join are needed: they are read, or their number depends on merges among them.
pub(crate) fn join_rows(mapping: &Mapping, join: &Join, read: bool) -> bool {
    let merged = mapping.merges.get(join.object.ix());
    read || merged.is_some_and(Option::is_some)
}

/// The indexes of a join's alternatives.
pub(crate) fn join_indexes(join: &Join, rows: bool) -> impl Iterator<Item = IndexSpec> {
    let ordered = rows
        && match &join.kind {
            JoinKind::All => true,
            JoinKind::One { .. } => !join.order.is_empty(),
        };
    join.by.iter().map(move |pairs| IndexSpec {
        object: join.object,
        fields: pairs.iter().map(|(theirs, _)| *theirs).collect(),
        order: if ordered {
            join.order.clone()
        } else {
            Vec::new()
        },
        rows,
        filter: join.filter.clone(),
    })
}

/// The index that finds a record of an object by its key.
pub(crate) fn names_index(mapping: &Mapping, object: ObjectId) -> Option<IndexSpec> {
    let rule = KeyRule::of(mapping.source.objects.get(object.ix())?);
    rule.is_single().then(|| IndexSpec {
        object,
        fields: rule.fields.clone(),
        order: Vec::new(),
        rows: true,
        filter: None,
    })
}

/// True when an input cannot be evaluated before the tables are there.
pub(crate) fn reads_joins(step: &Step, input: &Input) -> bool {
    match input {
        Input::Join { .. } | Input::Count(_) | Input::Text(_) => true,
        Input::FirstOf(inputs) => inputs.iter().any(|i| reads_joins(step, i)),
        Input::Let { .. } => step.lets.iter().any(|l| match &l.input {
            Input::Let { .. } => false,
            other => reads_joins(step, other),
        }),
        Input::Field(_) | Input::Const(_) | Input::Param(_) | Input::Outcome(_) => false,
    }
}

fn finish(mapping: &Mapping, object: ObjectId, draft: Draft) -> ObjectNeed {
    let mut read = draft.read;
    if draft.keep_rows {
        read.extend(&draft.kept);
    }
    if let Some(declared) = mapping.source.objects.get(object.ix()) {
        read.extend(KeyRule::of(declared).needs());
    }
    ObjectNeed {
        object,
        columns: read.into_iter().collect(),
        kept: draft.keep_rows.then(|| draft.kept.into_iter().collect()),
        keep_all: draft.keep_all,
        indexes: draft.indexes,
        merge: draft.merge,
        observed: draft.observed,
    }
}
