//! What discovery has to look at: which keys may repeat, which values point to other records, which columns are
//! pick-lists. Decided once, from the platform and the mapping.

use super::profile::is_choice_type;
use crate::{
    ident::{FieldId, ObjectId},
    mapping::{FieldMap, Input, Join, JoinKind, Mapping, Missing, Op, RefSource, Step},
    platform::{
        Object, Platform,
        lock::{LinkKind, Need},
    },
    value::Type,
};
use std::collections::BTreeSet;

/// A key of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyWant {
    /// Its fields.
    pub fields: Vec<FieldId>,
    /// Compared in lower case.
    pub lower: bool,
    /// Who uses it, in words.
    pub used_by: Vec<String>,
}

/// A relationship.
#[derive(Clone, Debug)]
pub(super) struct LinkWant {
    /// The object that points.
    pub object: ObjectId,
    /// Its kind.
    pub kind: LinkKind,
    /// The name of a join.
    pub name: Option<String>,
    /// The alternatives in order.
    pub ways: Vec<Way>,
    /// The texts are kept: they name owners.
    pub keep_text: bool,
    /// Several records found are one too many.
    pub one: bool,
}

/// One way a record points to another.
#[derive(Clone, Debug)]
pub(super) struct Way {
    /// The fields of the record that points.
    pub own: Vec<FieldId>,
    /// The object it points to.
    pub to: ObjectId,
    /// Position among the keys of that object.
    pub key: usize,
}

/// What brings owners to the destination.
#[derive(Clone, Debug)]
pub(super) struct OwnerWant {
    /// The source object.
    pub object: ObjectId,
    /// The step.
    pub step: String,
    /// The source field whose value finds them there; `None`: it is no plain field.
    pub matched_by: Option<FieldId>,
}

/// Everything to look at, by object.
#[derive(Debug, Default)]
pub(super) struct Wants {
    /// For each source object its keys.
    pub keys: Vec<Vec<KeyWant>>,
    /// Relationships.
    pub links: Vec<LinkWant>,
    /// For each source object its pick-lists.
    pub choices: Vec<BTreeSet<FieldId>>,
    /// For each source object the fields that are needed in every record.
    pub needs: Vec<Vec<(FieldId, Need)>>,
    /// Steps that bring owners.
    pub owners: Vec<OwnerWant>,
}

/// Collects what a mapping makes interesting about its source.
pub(super) fn collect(mapping: &Mapping) -> Wants {
    let source = &mapping.source;
    let mut wants = Wants {
        keys: vec![Vec::new(); source.objects.len()],
        choices: vec![BTreeSet::new(); source.objects.len()],
        needs: vec![Vec::new(); source.objects.len()],
        ..Wants::default()
    };
    let objects = || (0u16..).map(ObjectId).zip(&source.objects);
    for (id, object) in objects() {
        own_keys(&mut wants, id, object);
        if let Some(Some(merge)) = mapping.merges.get(id.ix()) {
            wants.key(id, &merge.by, true, "merge");
        }
        let fields = (0u16..).map(FieldId).zip(&object.fields);
        for (field, declared) in fields {
            if is_choice_type(declared) {
                wants.choices[id.ix()].insert(field);
            }
            if declared.required {
                wants.needs[id.ix()].push((field, Need::Source));
            }
        }
    }
    for step in &mapping.steps {
        of_step(&mut wants, mapping, step);
    }
    for (id, object) in objects() {
        references(&mut wants, source, id, object);
    }
    joins(&mut wants, mapping);
    wants
}

impl Wants {
    /// The position of a key among those of its object, added where it is new.
    fn key(&mut self, object: ObjectId, fields: &[FieldId], lower: bool, used_by: &str) -> usize {
        let Some(keys) = self.keys.get_mut(object.ix()) else {
            return 0;
        };
        let at = match keys
            .iter()
            .position(|k| k.fields == fields && k.lower == lower)
        {
            Some(at) => at,
            None => {
                keys.push(KeyWant {
                    fields: fields.to_vec(),
                    lower,
                    used_by: Vec::new(),
                });
                keys.len() - 1
            }
        };
        let words = &mut keys[at].used_by;
        if !used_by.is_empty() && !words.iter().any(|w| w == used_by) {
            words.push(used_by.to_owned());
        }
        at
    }
}

/// The fields that identify a record, and whether they compare in lower case: as the run has it.
fn record_key(object: &Object) -> (Vec<FieldId>, bool) {
    let fields = match &object.rows {
        Some(rows) => rows.key.clone(),
        None => {
            let id = object.fields.iter().position(|f| f.data_type == Type::Id);
            match id.and_then(|at| u16::try_from(at).ok()) {
                Some(id) => vec![FieldId(id)],
                None => object
                    .keys
                    .first()
                    .map(|k| k.by.clone())
                    .unwrap_or_default(),
            }
        }
    };
    let lower = object.keys.iter().any(|k| k.by == fields && k.lower);
    (fields, lower)
}

fn own_keys(wants: &mut Wants, id: ObjectId, object: &Object) {
    let (fields, lower) = record_key(object);
    if !fields.is_empty() {
        wants.key(id, &fields, lower, "record key");
    }
    for key in &object.keys {
        wants.key(id, &key.by, key.lower, "key of the platform");
    }
    for (field, declared) in (0u16..).map(FieldId).zip(&object.fields) {
        let known = wants.keys[id.ix()].iter().any(|k| k.fields == [field]);
        if declared.unique && !known {
            wants.key(id, &[field], false, "declared unique");
        }
    }
}

fn of_step(wants: &mut Wants, mapping: &Mapping, step: &Step) {
    if step.of.is_report() {
        return;
    }
    let Some(to) = mapping.destination.objects.get(step.to.ix()) else {
        return;
    };
    let plain = |at: usize| match step.fields.get(at).map(|f| &f.input) {
        Some(Input::Field(field)) => Some(*field),
        _ => None,
    };
    for key in &step.match_keys {
        let fields: Option<Vec<FieldId>> = key.pairs.iter().map(|(_, at)| plain(*at)).collect();
        if let Some(fields) = fields {
            let used_by = format!("match of step {}", step.name);
            wants.key(step.from, &fields, key.lower, &used_by);
        }
    }
    for map in &step.fields {
        let Input::Field(field) = &map.input else {
            continue;
        };
        if ends_in_a_choice(mapping, to, map)
            && let Some(choices) = wants.choices.get_mut(step.from.ix())
        {
            choices.insert(*field);
        }
        let given = map.ops.iter().any(|op| matches!(op, Op::Default(_)));
        let needed = map.needed && !given && !matches!(map.missing, Missing::Blank);
        if needed
            && let Some(needs) = wants.needs.get_mut(step.from.ix())
            && !needs.iter().any(|(f, _)| f == field)
        {
            needs.push((*field, Need::Mapping));
        }
    }
    if to.holds_owners() {
        let found_by = step
            .match_keys
            .iter()
            .find_map(|key| match key.pairs.as_slice() {
                [(_, at)] => plain(*at),
                _ => None,
            });
        wants.owners.push(OwnerWant {
            object: step.from,
            step: step.name.clone(),
            matched_by: found_by,
        });
    }
}

/// People are named by their addresses, which are nobody's choices.
fn ends_in_a_choice(mapping: &Mapping, to: &Object, map: &FieldMap) -> bool {
    let field = to.fields.get(map.to.ix());
    let choices = field
        .is_some_and(|f| f.values.is_some() || matches!(f.data_type, Type::Enum | Type::MultiEnum));
    let named = match &map.reference {
        Some(RefSource::NaturalKey(id)) => {
            let target = mapping.destination.objects.get(id.ix());
            target.is_some_and(|o| !o.holds_owners())
        }
        _ => false,
    };
    choices || named || map.ops.iter().any(|op| matches!(op, Op::Map(_)))
}

fn references(wants: &mut Wants, source: &Platform, id: ObjectId, object: &Object) {
    for (field, targets) in object.references() {
        let mut ways = Vec::with_capacity(targets.len());
        for to in targets {
            let Some(target) = source.objects.get(to.ix()) else {
                continue;
            };
            let (fields, lower) = record_key(target);
            if fields.len() == 1 {
                let key = wants.key(*to, &fields, lower, "");
                ways.push(Way {
                    own: vec![field],
                    to: *to,
                    key,
                });
            }
        }
        if ways.is_empty() {
            continue;
        }
        let names_owners = |w: &Way| wants.owners.iter().any(|o| o.object == w.to);
        wants.links.push(LinkWant {
            object: id,
            kind: LinkKind::Reference,
            name: None,
            keep_text: ways.iter().any(names_owners),
            ways,
            one: false,
        });
    }
}

/// Joins that look for one record. Two steps may have the same one; it is followed once.
fn joins(wants: &mut Wants, mapping: &Mapping) {
    let mut known: Vec<(ObjectId, &Join)> = Vec::new();
    for step in mapping.steps.iter().filter(|s| !s.of.is_report()) {
        for join in &step.joins {
            let same = |(from, other): &(ObjectId, &Join)| {
                *from == step.from && other.object == join.object && other.by == join.by
            };
            let looks_one_up = matches!(join.kind, JoinKind::One { .. });
            if !looks_one_up || join.filter.is_some() || known.iter().any(same) {
                continue;
            }
            known.push((step.from, join));
            let ways = join.by.iter().map(|pairs| {
                let theirs: Vec<FieldId> = pairs.iter().map(|(theirs, _)| *theirs).collect();
                Way {
                    own: pairs.iter().map(|(_, own)| *own).collect(),
                    to: join.object,
                    key: wants.key(join.object, &theirs, true, ""),
                }
            });
            let ways = ways.collect();
            wants.links.push(LinkWant {
                object: step.from,
                kind: LinkKind::Join,
                name: Some(join.name.clone()),
                ways,
                keep_text: false,
                one: true,
            });
        }
    }
}
