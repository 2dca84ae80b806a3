//! What a plan means, in hashes: per field of a step, per step, split and value map, and for the whole.
//!
//! A hash depends on meaning only: not on comments, not on `why`, not on the order in which a file lists things,
//! not on how a value map or let is called. Names stand in for positions, and what a name refers to is hashed
//! with it. How objects and fields look on the wire is in [`super::platform_print`].

mod when;

use super::{
    canon::{Canon, Fingerprint},
    platform_print::PlatformPrints,
};
use crate::{
    ident::{FieldId, ObjectId},
    mapping::{
        Absent, Conflict, FieldMap, Input, Join, Let, Mapping, OnBad, Op, OrderBy, RefSource,
        SplitRow, SplitTo, Step, ValueMap,
    },
};

/// The hashes of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprints {
    /// By [`crate::ident::StepId`].
    pub steps: Vec<Fingerprint>,
    /// By [`crate::ident::StepId`], then by position in `Step::fields`.
    pub fields: Vec<Vec<Fingerprint>>,
    /// By source object; `None` where nothing is split.
    pub splits: Vec<Option<Fingerprint>>,
    /// By position in `Mapping::value_maps`.
    pub value_maps: Vec<Fingerprint>,
    /// Everything that decides what a run does.
    pub plan: Fingerprint,
}

impl Fingerprints {
    /// Hashes a mapping.
    pub fn of(mapping: &Mapping) -> Fingerprints {
        let value_maps: Vec<Fingerprint> = mapping.value_maps.iter().map(value_map).collect();
        let walk = Walk {
            mapping,
            source: PlatformPrints::of(&mapping.source),
            destination: PlatformPrints::of(&mapping.destination),
            value_maps: &value_maps,
        };
        let mut steps = Vec::with_capacity(mapping.steps.len());
        let mut fields = Vec::with_capacity(mapping.steps.len());
        for step in &mapping.steps {
            let (whole, each) = walk.step(step);
            steps.push(whole);
            fields.push(each);
        }
        let splits: Vec<Option<Fingerprint>> = mapping
            .splits
            .iter()
            .enumerate()
            .map(|(i, rows)| (!rows.is_empty()).then(|| walk.split(i, rows)))
            .collect();
        let plan = walk.plan(&steps, &splits);
        Fingerprints {
            steps,
            fields,
            splits,
            value_maps,
            plan,
        }
    }
}

/// Rows by key, so that their order means nothing.
fn value_map(map: &ValueMap) -> Fingerprint {
    let mut canon = Canon::new("value map");
    let mut rows: Vec<&(String, String)> = map.rows.iter().collect();
    rows.sort();
    canon.number(rows.len());
    for (from, to) in rows {
        canon.text(from).text(to);
    }
    canon
        .flag(map.exact)
        .debug(&map.other)
        .text(map.out_type.name())
        .finish()
}

struct Walk<'a> {
    mapping: &'a Mapping,
    source: PlatformPrints,
    destination: PlatformPrints,
    value_maps: &'a [Fingerprint],
}

/// What the positions in inputs refer to.
struct Scope<'a> {
    walk: &'a Walk<'a>,
    object: ObjectId,
    joins: &'a [Join],
    join_prints: Vec<Fingerprint>,
    lets: Vec<LetPrint<'a>>,
}

struct LetPrint<'a> {
    binding: &'a Let,
    print: Fingerprint,
}

impl Walk<'_> {
    fn step(&self, step: &Step) -> (Fingerprint, Vec<Fingerprint>) {
        let mut scope = Scope::new(self, step.from, &step.joins);
        for binding in &step.lets {
            let mut canon = Canon::new("let");
            scope.input(&mut canon, &binding.input);
            scope.ops(&mut canon, &binding.ops);
            if binding.bad != OnBad::Hold {
                canon.debug(&binding.bad);
            }
            let print = canon.debug(&binding.members).finish();
            scope.lets.push(LetPrint { binding, print });
        }
        let fields: Vec<Fingerprint> = step.fields.iter().map(|f| scope.field(step, f)).collect();
        let mut canon = Canon::new("step");
        canon
            .text(&step.name)
            .text(self.source.object_name(step.from))
            .text(self.destination.object_name(step.to))
            .debug(&step.found)
            .flag(step.later_reassign);
        if step.of.is_report() {
            canon.debug(&step.of);
        }
        match &step.absent {
            Absent::Fallback(keys) | Absent::Placeholder(keys) => {
                canon.flag(matches!(step.absent, Absent::Placeholder(_)));
                for key in keys {
                    canon.print(self.destination.field(step.to, key.field));
                    scope.input(&mut canon, &key.value);
                }
            }
            plain => {
                canon.debug(plain);
            }
        }
        for key in &step.match_keys {
            let prints = key
                .pairs
                .iter()
                .filter_map(|(_, at)| fields.get(*at).copied());
            canon.set(prints).flag(key.trim).flag(key.lower);
        }
        // A join can hold a record even where no field reads it.
        canon.set(scope.join_prints.iter().copied());
        let guards = step.guards.iter().map(|guard| {
            let mut canon = Canon::new("guard");
            scope.when(&mut canon, &guard.when);
            canon.text(&guard.code).finish()
        });
        canon.set(guards);
        let mut after: Vec<&str> = step
            .after
            .iter()
            .filter_map(|id| self.mapping.steps.get(id.ix()))
            .map(|s| s.name.as_str())
            .collect();
        after.sort_unstable();
        canon.debug(&after).set(fields.iter().copied());
        if let Some(Some(merge)) = self.mapping.merges.get(step.from.ix()) {
            let by = merge.by.iter().map(|f| self.source.field(step.from, *f));
            canon.text("merge").set(by).flag(merge.fill);
            self.order(&mut canon, step.from, &merge.keep);
        }
        (canon.finish(), fields)
    }

    fn split(&self, object: usize, rows: &[SplitRow]) -> Fingerprint {
        let joins = self
            .mapping
            .split_joins
            .get(object)
            .map_or(&[][..], Vec::as_slice);
        let id = ObjectId(u16::try_from(object).unwrap_or(u16::MAX));
        let scope = Scope::new(self, id, joins);
        let mut canon = Canon::new("split");
        canon.text(self.source.object_name(id));
        for row in rows {
            canon.text("row").flag(row.when.is_some());
            if let Some(when) = &row.when {
                scope.when(&mut canon, when);
            }
            match &row.to {
                SplitTo::Drop(_) => canon.text("drop"),
                SplitTo::Steps(steps) => {
                    let mut names: Vec<&str> = steps
                        .iter()
                        .filter_map(|s| self.mapping.steps.get(s.ix()))
                        .map(|s| s.name.as_str())
                        .collect();
                    names.sort_unstable();
                    canon.debug(&names)
                }
            };
        }
        canon.finish()
    }

    fn plan(&self, steps: &[Fingerprint], splits: &[Option<Fingerprint>]) -> Fingerprint {
        let mapping = self.mapping;
        let mut canon = Canon::new("plan");
        canon
            .text(&mapping.source.name)
            .text(&mapping.destination.name)
            .set(steps.iter().copied())
            .set(splits.iter().flatten().copied())
            .debug(&mapping.policy)
            .set(self.source.objects())
            .set(self.destination.objects());
        let handoffs = mapping.handoffs.iter().map(|handoff| {
            let scope = Scope::new(self, handoff.from, &[]);
            let mut canon = Canon::new("handoff");
            canon
                .text(&handoff.name)
                .text(self.source.object_name(handoff.from))
                .flag(handoff.when.is_some());
            if let Some(when) = &handoff.when {
                scope.when(&mut canon, when);
            }
            for field in &handoff.show {
                canon.print(self.source.field(handoff.from, *field));
            }
            canon.finish()
        });
        canon.set(handoffs);
        canon.finish()
    }

    fn order(&self, canon: &mut Canon, object: ObjectId, order: &[OrderBy]) {
        for term in order {
            canon
                .print(self.source.field(object, term.field))
                .flag(term.descending);
        }
    }
}

impl<'a> Scope<'a> {
    fn new(walk: &'a Walk<'a>, object: ObjectId, joins: &'a [Join]) -> Scope<'a> {
        let join_prints = joins
            .iter()
            .map(|join| {
                let mut canon = Canon::new("join");
                canon
                    .text(walk.source.object_name(join.object))
                    .debug(&join.kind);
                for alternative in &join.by {
                    canon.set(alternative.iter().map(|(theirs, ours)| {
                        let mut pair = Canon::new("pair");
                        pair.print(walk.source.field(join.object, *theirs))
                            .print(walk.source.field(object, *ours));
                        pair.finish()
                    }));
                }
                walk.order(&mut canon, join.object, &join.order);
                if let Some(filter) = &join.filter {
                    canon.text("where");
                    Scope::new(walk, join.object, &[]).when(&mut canon, filter);
                }
                canon.finish()
            })
            .collect();
        Scope {
            walk,
            object,
            joins,
            join_prints,
            lets: Vec::new(),
        }
    }

    fn field(&self, step: &Step, map: &FieldMap) -> Fingerprint {
        let mut canon = Canon::new("field");
        canon.print(self.walk.destination.field(step.to, map.to));
        self.input(&mut canon, &map.input);
        self.ops(&mut canon, &map.ops);
        canon.flag(map.reference.is_some());
        if let Some(reference) = &map.reference {
            self.reference(&mut canon, reference);
        }
        if let Some(when) = &map.when {
            canon.text("when");
            self.when(&mut canon, when);
        }
        if map.bad != OnBad::Hold {
            canon.debug(&map.bad);
        }
        let policy = self.walk.mapping.policy.conflict;
        if map.conflict.unwrap_or(policy) != Conflict::Keep {
            canon.debug(&map.conflict.unwrap_or(policy));
        }
        let mut only: Vec<&str> = map
            .only
            .iter()
            .filter_map(|id| self.walk.mapping.steps.get(id.ix()))
            .map(|s| s.name.as_str())
            .collect();
        only.sort_unstable();
        canon
            .debug(&map.missing)
            .flag(map.needed)
            .debug(&map.blank)
            .debug(&only)
            .debug(&map.create)
            .finish()
    }

    fn reference(&self, canon: &mut Canon, reference: &RefSource) {
        match reference {
            RefSource::SourceKey(objects) => {
                let mut names: Vec<&str> = objects
                    .iter()
                    .map(|o| self.walk.source.object_name(*o))
                    .collect();
                names.sort_unstable();
                canon.text("by key").debug(&names);
            }
            RefSource::NaturalKey(object) => {
                canon
                    .text("by natural key")
                    .text(self.walk.destination.object_name(*object));
            }
            RefSource::ByInput(list) => {
                canon.text("by input").number(list.len());
                for one in list {
                    self.reference(canon, one);
                }
            }
        }
    }

    fn source_field(&self, canon: &mut Canon, object: ObjectId, field: FieldId) {
        canon.print(self.walk.source.field(object, field));
    }

    fn input(&self, canon: &mut Canon, input: &Input) {
        match input {
            Input::Field(field) => {
                canon.text("field");
                self.source_field(canon, self.object, *field);
            }
            Input::Join { join, pick, field } => {
                canon.text("join").debug(pick).flag(field.is_some());
                if let Some(print) = self.join_prints.get(join.ix()) {
                    canon.print(*print);
                }
                if let (Some(join), Some(field)) = (self.joins.get(join.ix()), field) {
                    self.source_field(canon, join.object, *field);
                }
            }
            Input::Count(join) => {
                canon.text("count");
                if let Some(print) = self.join_prints.get(join.ix()) {
                    canon.print(*print);
                }
            }
            Input::Let { binding, member } => {
                canon.text("let");
                if let Some(used) = self.lets.get(*binding) {
                    let member = member.and_then(|m| used.binding.members.get(m));
                    canon.print(used.print).debug(&member);
                }
            }
            Input::Const(value) => {
                canon.text("const").debug(value);
            }
            Input::Param(param) => {
                canon.text("param");
                if let Some(param) = self.walk.mapping.params.get(*param) {
                    canon
                        .text(&param.name)
                        .text(param.data_type.name())
                        .debug(&param.value);
                }
            }
            Input::FirstOf(list) => {
                canon.text("first of").number(list.len());
                for one in list {
                    self.input(canon, one);
                }
            }
            Input::Outcome(part) => {
                canon.text("outcome").debug(part);
            }
            Input::Text(template) => self.template(canon, template),
        }
    }

    /// A template and whatever it may name: a name is taken to be used where it stands in the text as a word.
    fn template(&self, canon: &mut Canon, template: &str) {
        canon.text("text").text(template);
        let words: std::collections::BTreeSet<&str> = template
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .collect();
        let named = |name: &str| words.contains(name);
        for (join, print) in self.joins.iter().zip(&self.join_prints) {
            if named(&join.name) {
                canon.text(&join.name).print(*print);
                for (name, print) in self.walk.source.fields_of(join.object) {
                    if named(name) {
                        canon.text(name).print(print);
                    }
                }
            }
        }
        for used in &self.lets {
            if named(&used.binding.name) {
                canon.text(&used.binding.name).print(used.print);
            }
        }
        for (name, print) in self.walk.source.fields_of(self.object) {
            if named(name) {
                canon.text(name).print(print);
            }
        }
        for param in &self.walk.mapping.params {
            if named(&param.name) {
                canon.text(&param.name).debug(&param.value);
            }
        }
        for (map, print) in self
            .walk
            .mapping
            .value_maps
            .iter()
            .zip(self.walk.value_maps)
        {
            if named(&map.name) {
                canon.text(&map.name).print(*print);
            }
        }
    }

    fn ops(&self, canon: &mut Canon, ops: &[Op]) {
        canon.number(ops.len());
        for op in ops {
            match op {
                Op::Map(map) => {
                    canon.text("map");
                    if let Some(print) = self.walk.value_maps.get(*map) {
                        canon.print(*print);
                    }
                }
                plain => {
                    canon.debug(plain);
                }
            }
        }
    }
}
