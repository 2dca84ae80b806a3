//! How the records of a compatibility row meet, computed from what implements the row.
//!
//! One class per row, the strongest that holds: *1:many* when a split or several steps share the records of an
//! object, *many:1* when a field goes through an `all:` join to records that are loaded themselves, *lossy* when a
//! field loses more than spelling, *by hand* when only documents leave, else *1:1*. A field, or a value map, that
//! has a row of its own counts there and not in the row of its step.

use super::{Load, Plan, loss};
use crate::{
    ident::{FieldId, ObjectId, StepId},
    mapping::{Found, JoinKind, Mapping, Op, PageRow, SplitTo, Step},
    platform::Object,
};
use std::collections::{BTreeMap, BTreeSet};

/// How records meet. The order is the order in which a class is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cardinality {
    /// One object becomes several.
    OneToMany,
    /// Several records become one.
    ManyToOne,
    /// Something is lost.
    Lossy,
    /// Only documents leave.
    ByHand,
    /// One becomes one.
    OneToOne,
}

impl Cardinality {
    /// The word of a row, as in `cardinality:`.
    pub fn word(self) -> &'static str {
        match self {
            Cardinality::OneToMany => "1:many",
            Cardinality::ManyToOne => "many:1",
            Cardinality::Lossy => "lossy",
            Cardinality::ByHand => "by hand",
            Cardinality::OneToOne => "1:1",
        }
    }
}

/// What was computed for a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Computed {
    /// The class; `None` where only a migration can tell.
    pub cardinality: Option<Cardinality>,
    /// Why it is that class; empty for 1:1.
    pub because: Vec<String>,
    /// What else a reader should know.
    pub remarks: Vec<String>,
}

/// Computes every row of the compatibility table, in its order.
pub fn of_rows(plan: &Plan) -> Vec<Computed> {
    let rows = &plan.mapping.page;
    let covered = Covered::by(&plan.mapping);
    rows.iter()
        .map(|row| Row::new(plan, &covered).compute(row))
        .collect()
}

/// What has a row of its own: fields by source object, destination object and field; value maps.
#[derive(Default)]
struct Covered {
    fields: BTreeSet<(ObjectId, ObjectId, FieldId)>,
    maps: BTreeSet<usize>,
}

impl Covered {
    fn by(mapping: &Mapping) -> Covered {
        let mut covered = Covered::default();
        for by in mapping.page.iter().flat_map(|row| &row.by) {
            let parts: Vec<&str> = by.split('.').collect();
            match parts.as_slice() {
                ["objects", step, field] => {
                    let Some((_, step)) = named(mapping, step) else {
                        continue;
                    };
                    let object = mapping.destination.objects.get(step.to.ix());
                    if let Some((id, _)) = object.and_then(|o| o.field(field)) {
                        covered.fields.insert((step.from, step.to, id));
                    }
                }
                ["value_maps", name] => {
                    covered
                        .maps
                        .extend(mapping.value_maps.iter().position(|m| m.name == *name));
                }
                _ => {}
            }
        }
        covered
    }
}

fn named<'m>(mapping: &'m Mapping, name: &str) -> Option<(StepId, &'m Step)> {
    let at = mapping.steps.iter().position(|s| s.name == name)?;
    Some((StepId(u16::try_from(at).ok()?), mapping.steps.get(at)?))
}

struct Row<'p> {
    plan: &'p Plan,
    mapping: &'p Mapping,
    covered: &'p Covered,
    found: BTreeMap<Cardinality, Vec<String>>,
    remarks: Vec<String>,
    /// Whole steps of the row by the object they read.
    readers: BTreeMap<ObjectId, Vec<&'p str>>,
    /// True when something but documents implements the row.
    loads: bool,
    unknown: bool,
}

impl<'p> Row<'p> {
    fn new(plan: &'p Plan, covered: &'p Covered) -> Row<'p> {
        Row {
            plan,
            mapping: &plan.mapping,
            covered,
            found: BTreeMap::new(),
            remarks: Vec::new(),
            readers: BTreeMap::new(),
            loads: false,
            unknown: false,
        }
    }

    fn compute(mut self, row: &PageRow) -> Computed {
        for by in &row.by {
            let parts: Vec<&str> = by.split('.').collect();
            match parts.as_slice() {
                ["splits", object] => self.split(object),
                ["merge", object] => {
                    self.loads = true;
                    self.tell(
                        Cardinality::ManyToOne,
                        format!("duplicates of `{object}` become one record"),
                    );
                }
                ["value_maps", name] => self.value_map(name),
                ["handoff", name] => self
                    .remarks
                    .push(format!("`{name}` leaves as a document for a person")),
                ["migration", ..] => self.custom_fields(),
                ["objects", step] => self.step(step),
                ["objects", step, part] => self.part(step, part),
                _ => self.loads = true,
            }
        }
        self.shared();
        let class = match self.found.first_key_value() {
            Some((class, _)) => Some(*class),
            None if self.unknown => None,
            None if !self.loads => Some(Cardinality::ByHand),
            None => Some(Cardinality::OneToOne),
        };
        let because = class
            .and_then(|class| self.found.remove(&class))
            .unwrap_or_default();
        let mut remarks: Vec<String> = self.found.into_values().flatten().collect();
        remarks.append(&mut self.remarks);
        if self.unknown && class.is_none() {
            remarks.push("depends on the custom fields of the migration".to_owned());
        }
        Computed {
            cardinality: class,
            because,
            remarks,
        }
    }

    fn tell(&mut self, class: Cardinality, why: String) {
        let list = self.found.entry(class).or_default();
        if !list.contains(&why) {
            list.push(why);
        }
    }

    fn remark(&mut self, text: String) {
        if !self.remarks.contains(&text) {
            self.remarks.push(text);
        }
    }

    fn split(&mut self, object: &str) {
        self.loads = true;
        let Some((id, _)) = self.mapping.source.object(object) else {
            return;
        };
        let routes = routes(self.mapping, id);
        if routes.len() > 1 {
            self.tell(
                Cardinality::OneToMany,
                format!(
                    "the split of `{object}` sends records to {}",
                    listed(&routes)
                ),
            );
        }
        let rows = self.mapping.splits.get(id.ix()).into_iter().flatten();
        let dropped: Vec<&String> = rows
            .filter_map(|row| match &row.to {
                SplitTo::Drop(reason) => Some(reason),
                SplitTo::Steps(_) => None,
            })
            .collect();
        for reason in dropped {
            self.remark(format!("left out: {reason}"));
        }
    }

    fn value_map(&mut self, name: &str) {
        self.loads = true;
        if let Some(map) = self.mapping.value_maps.iter().find(|m| m.name == name) {
            let lost = loss::of_map(map);
            if lost.is_lossy() {
                self.tell(Cardinality::Lossy, lost.why);
            }
        }
    }

    /// The fields that the migration brings.
    fn custom_fields(&mut self) {
        let mut any = false;
        for step in &self.mapping.steps {
            let object = self.mapping.source.objects.get(step.from.ix());
            for (at, map) in step.fields.iter().enumerate() {
                let custom = match map.input {
                    crate::mapping::Input::Field(f) => object
                        .and_then(|o| o.fields.get(f.ix()))
                        .is_some_and(|f| f.custom),
                    _ => false,
                };
                if custom && map.automatic {
                    any = true;
                    self.field(step, at);
                }
            }
        }
        self.loads = true;
        self.unknown |= !any;
    }

    fn step(&mut self, name: &str) {
        self.loads = true;
        let Some((id, step)) = named(self.mapping, name) else {
            return;
        };
        self.readers.entry(step.from).or_default().push(&step.name);
        for (at, map) in step.fields.iter().enumerate() {
            let own_row = self.covered.fields.contains(&(step.from, step.to, map.to))
                || map
                    .ops
                    .iter()
                    .any(|op| matches!(op, Op::Map(m) if self.covered.maps.contains(m)));
            if !map.automatic && !own_row {
                self.field(step, at);
            }
        }
        self.several_keys(step);
        let title = title(self.mapping.destination.objects.get(step.to.ix()));
        if *self.plan.load(id) == Load::ByHand {
            self.remark(format!(
                "no call makes {title} records: an admin makes those that are missing"
            ));
        }
        let merge = self
            .mapping
            .merges
            .get(step.from.ix())
            .and_then(Option::as_ref);
        if let Some(merge) = merge {
            let object = self.mapping.source.objects.get(step.from.ix());
            let by: Vec<&str> = merge
                .by
                .iter()
                .filter_map(|f| Some(object?.fields.get(f.ix())?.name.as_str()))
                .collect();
            self.remark(format!("duplicates by {} become one record", by.join(", ")));
        }
    }

    /// A record that only a later key recognises keeps what the first key compared.
    fn several_keys(&mut self, step: &Step) {
        let [first, rest @ ..] = step.match_keys.as_slice() else {
            return;
        };
        if step.found != Found::Use || rest.is_empty() {
            return;
        }
        let object = self.mapping.destination.objects.get(step.to.ix());
        let name = |id: &FieldId| {
            object
                .and_then(|o| o.fields.get(id.ix()))
                .map_or("", |f| f.name.as_str())
        };
        for key in rest {
            let of = |pairs: &[(FieldId, usize)]| -> Vec<&str> {
                pairs.iter().map(|(id, _)| name(id)).collect()
            };
            let (had, by) = (of(&first.pairs), of(&key.pairs));
            let lost: Vec<&str> = had.into_iter().filter(|n| !by.contains(n)).collect();
            if !lost.is_empty() {
                self.tell(
                    Cardinality::Lossy,
                    format!(
                        "a record recognised by {} keeps its own {}",
                        by.join(", "),
                        lost.join(", ")
                    ),
                );
            }
        }
    }

    fn part(&mut self, step: &str, part: &str) {
        self.loads = true;
        let Some((_, step)) = named(self.mapping, step) else {
            return;
        };
        let object = self.mapping.destination.objects.get(step.to.ix());
        let field = object.and_then(|o| o.field(part)).map(|(id, _)| id);
        if let Some(at) = step.fields.iter().position(|f| Some(f.to) == field) {
            self.field(step, at);
        }
        // A join or a let counts through the fields that read it.
        let join = step.joins.iter().position(|j| j.name == part);
        for (at, map) in step.fields.iter().enumerate() {
            let reads = loss::joins_read(self.mapping, step, map)
                .iter()
                .any(|(id, _)| Some(id.ix()) == join);
            if reads {
                self.field(step, at);
            }
        }
    }

    fn field(&mut self, step: &Step, at: usize) {
        let Some(map) = step.fields.get(at) else {
            return;
        };
        let object = self.mapping.destination.objects.get(step.to.ix());
        let name = object
            .and_then(|o| o.fields.get(map.to.ix()))
            .map_or("", |f| f.name.as_str());
        for (join, field) in loss::joins_read(self.mapping, step, map) {
            if let Some(of) = step.joins.get(join.ix())
                && of.kind == JoinKind::All
                && let Some(loaded) = loaded(self.mapping, of.object, field)
            {
                self.tell(
                    Cardinality::ManyToOne,
                    format!(
                        "`{}.{name}` takes several {loaded} records of one {}",
                        step.name,
                        title(self.mapping.source.objects.get(step.from.ix()))
                    ),
                );
            }
        }
        let lost = loss::of_field(self.mapping, step, at);
        if lost.is_lossy() {
            self.tell(
                Cardinality::Lossy,
                format!("`{}.{name}`: {}", step.name, lost.why),
            );
        }
    }

    /// Several steps of one row that share the records of an object.
    fn shared(&mut self) {
        let shared: Vec<(ObjectId, String)> = self
            .readers
            .iter()
            .filter(|(_, steps)| steps.len() > 1)
            .map(|(object, steps)| (*object, listed(steps)))
            .collect();
        for (object, steps) in shared {
            if routes(self.mapping, object).len() > 1
                && self.found.contains_key(&Cardinality::OneToMany)
            {
                continue;
            }
            let object = self
                .mapping
                .source
                .objects
                .get(object.ix())
                .map_or("", |o| o.name.as_str());
            self.tell(
                Cardinality::OneToMany,
                format!("records of `{object}` go to {steps}"),
            );
        }
    }
}

/// The name of the object of joined records that steps load: that of the records the read field refers to, or the
/// joined one; `None` when they are part of the record that joins them.
pub(super) fn loaded(mapping: &Mapping, joined: ObjectId, field: Option<FieldId>) -> Option<&str> {
    let objects = &mapping.source.objects;
    let reference = field
        .and_then(|f| {
            objects
                .get(joined.ix())?
                .fields
                .get(f.ix())?
                .reference
                .as_ref()
        })
        .map_or(&[][..], |r| r.to.as_slice());
    let is_loaded = |id: &&ObjectId| {
        mapping
            .steps_from(**id)
            .any(|(_, s)| !s.of.is_report() && s.found != Found::Use)
    };
    let found = reference.iter().find(is_loaded);
    let found = found.or_else(|| Some(&joined).filter(is_loaded)).copied();
    found
        .and_then(|id| objects.get(id.ix()))
        .map(|o| o.name.as_str())
}

/// The names of the steps that the split of an object sends records to, in the order of its rows.
pub(super) fn routes(mapping: &Mapping, object: ObjectId) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for row in mapping.splits.get(object.ix()).into_iter().flatten() {
        let SplitTo::Steps(steps) = &row.to else {
            continue;
        };
        for step in steps.iter().filter_map(|id| mapping.steps.get(id.ix())) {
            if !names.contains(&step.name.as_str()) {
                names.push(&step.name);
            }
        }
    }
    names
}

fn listed(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
    names.join(", ")
}

fn title(object: Option<&Object>) -> &str {
    object.map_or("", |o| o.title.as_str())
}
