//! From a sample as the executor gives it to its report: ids become names, values become texts, masked or not.

use super::load::Loaded;
use crate::{
    ident::{FieldId, ObjectId, StepId},
    ledger::{Hold, HoldKind, Ledger, ReadError},
    mapping::{Input, Mapping, Op, SplitTo, Step},
    plan::Parts,
    platform::wire::WireValue,
    report::{
        mask,
        sample::{
            Coverage, FieldClasses, HeldGroup, ObjectCount, SCHEMA_VERSION, SampleField,
            SampleRecord, SampleReport, SourceCell, StepEnds,
        },
    },
    run::{
        chosen::SeenEnd,
        sample::{Compared, Feature, Sampled},
    },
    transform,
    value::Type,
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// The report of a sample.
///
/// # Errors
/// When the ledger cannot be read.
pub fn report(
    loaded: &Loaded,
    ledger: &Ledger,
    sampled: &Sampled,
    drawn: (u64, u64),
    parts: Parts,
    masked: bool,
) -> Result<SampleReport, ReadError> {
    let mapping = &loaded.migration.mapping;
    let mut report = SampleReport {
        schema_version: SCHEMA_VERSION,
        mapping: mapping.name.clone(),
        size: drawn.0,
        seed: drawn.1,
        cover: sampled.cover as u64,
        masked,
        records: sampled
            .records
            .iter()
            .map(|(id, of)| ObjectCount {
                object: object_name(mapping, *id),
                chosen: sampled.chosen.get(id).copied().unwrap_or_default(),
                of: *of,
            })
            .collect(),
        keys: keys(mapping, sampled, masked),
        coverage: coverage(mapping, sampled),
        parts,
        ..SampleReport::default()
    };
    let holds = holds(mapping, ledger, sampled)?;
    report.steps = ends(mapping, sampled, &holds);
    report.held = held(&holds, masked);
    let cells = Cells::new(mapping, sampled);
    let mut content = blake3::Hasher::new();
    let mut fields: BTreeMap<(StepId, usize), FieldClasses> = BTreeMap::new();
    for one in &sampled.compared {
        let Some(step) = mapping.steps.get(one.step.ix()) else {
            continue;
        };
        for at in &one.not_shown {
            field_of(&mut fields, mapping, one.step, *at).not_shown += 1;
        }
        for field in &one.fields {
            *report.classes.entry(field.class).or_default() += 1;
            *field_of(&mut fields, mapping, one.step, field.at)
                .classes
                .entry(field.class)
                .or_default() += 1;
        }
        report
            .compared
            .push(record(mapping, step, one, &cells, masked, &mut content));
    }
    report.fields = fields.into_values().collect();
    report.content = content.finalize().to_hex().to_string();
    Ok(report)
}

/// The records of the sample: each was seen by some step.
fn keys(mapping: &Mapping, sampled: &Sampled, masked: bool) -> BTreeMap<String, Vec<String>> {
    let works = sampled.seen.works.iter().map(|w| (w.step, &w.key));
    let ends = sampled.seen.ends.keys().map(|(step, key)| (*step, key));
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (id, key) in works.chain(ends) {
        if let Some(step) = mapping.steps.get(id.ix()) {
            let keys = all.entry(object_name(mapping, step.from)).or_default();
            keys.insert(key_shown(key, masked));
        }
    }
    all.into_iter()
        .map(|(object, keys)| (object, keys.into_iter().collect()))
        .collect()
}

fn object_name(mapping: &Mapping, id: ObjectId) -> String {
    let object = mapping.source.objects.get(id.ix());
    object.map_or_else(String::new, |o| o.name.clone())
}

fn step_name(mapping: &Mapping, id: StepId) -> &str {
    mapping.steps.get(id.ix()).map_or("", |s| &s.name)
}

/// The destination field of an entry: its name and type.
fn target<'m>(mapping: &'m Mapping, step: &Step, at: usize) -> (&'m str, Type) {
    step.fields
        .get(at)
        .and_then(|m| {
            let object = mapping.destination.objects.get(step.to.ix())?;
            object.fields.get(m.to.ix())
        })
        .map_or(("", Type::Text), |f| (f.name.as_str(), f.data_type))
}

fn field_of<'f>(
    fields: &'f mut BTreeMap<(StepId, usize), FieldClasses>,
    mapping: &Mapping,
    id: StepId,
    at: usize,
) -> &'f mut FieldClasses {
    fields.entry((id, at)).or_insert_with(|| {
        let (name, data_type) = match mapping.steps.get(id.ix()) {
            Some(step) => target(mapping, step, at),
            None => ("", Type::Text),
        };
        FieldClasses {
            step: step_name(mapping, id).to_owned(),
            field: name.to_owned(),
            data_type: data_type.name().to_owned(),
            ..FieldClasses::default()
        }
    })
}

/// The cells of the sample's records, and which of them each destination field is made from.
struct Cells<'s> {
    sampled: &'s Sampled,
    reads: HashMap<(StepId, usize), Vec<FieldId>>,
}

impl<'s> Cells<'s> {
    fn new(mapping: &Mapping, sampled: &'s Sampled) -> Cells<'s> {
        let mut reads = HashMap::new();
        for (id, step) in (0u16..).map(StepId).zip(&mapping.steps) {
            for (at, field) in step.fields.iter().enumerate() {
                let fields = transform::reads(mapping, step, field);
                reads.insert((id, at), fields.into_iter().collect());
            }
        }
        Cells { sampled, reads }
    }

    fn of(&self, id: StepId, from: ObjectId, key: &str, at: usize) -> Vec<(FieldId, &'s str)> {
        let cells = self.sampled.seen.cells.get(&(from, key.to_owned()));
        let (Some(cells), Some(fields)) = (cells, self.reads.get(&(id, at))) else {
            return Vec::new();
        };
        fields
            .iter()
            .filter_map(|f| {
                let (_, text) = cells.iter().find(|(field, _)| field == f)?;
                Some((*f, text.as_str()))
            })
            .collect()
    }
}

fn record(
    mapping: &Mapping,
    step: &Step,
    one: &Compared,
    cells: &Cells<'_>,
    masked: bool,
    content: &mut blake3::Hasher,
) -> SampleRecord {
    let mut take = |text: &str| {
        content.update(&(text.len() as u64).to_le_bytes());
        content.update(text.as_bytes());
    };
    for text in [&step.name, &one.key, &one.dest_id] {
        take(text);
    }
    let from = mapping.source.objects.get(step.from.ix());
    let mut fields = Vec::with_capacity(one.fields.len());
    for field in &one.fields {
        let (name, data_type) = target(mapping, step, field.at);
        let (expected, actual) = (text_of(&field.expected), text_of(&field.actual));
        let source: Vec<SourceCell> = cells
            .of(one.step, step.from, &one.key, field.at)
            .into_iter()
            .filter_map(|(id, text)| {
                take(text);
                let declared = from?.fields.get(id.ix())?;
                Some(SourceCell {
                    field: declared.name.clone(),
                    value: shown(declared.data_type, text, masked),
                })
            })
            .collect();
        for text in [&expected, &actual] {
            take(text);
        }
        take(field.class.word());
        fields.push(SampleField {
            field: name.to_owned(),
            source,
            expected: shown(data_type, &expected, masked),
            actual: shown(data_type, &actual, masked),
            class: field.class,
        });
    }
    SampleRecord {
        step: step.name.clone(),
        key: key_shown(&one.key, masked),
        line: one.line,
        part: one.part,
        id: one.dest_id.clone(),
        origin: one.origin.word().to_owned(),
        unread: one.unread.unwrap_or_default().to_owned(),
        fields,
    }
}

fn text_of(value: &WireValue) -> String {
    value.to_string()
}

fn shown(data_type: Type, text: &str, masked: bool) -> String {
    if masked {
        mask::value(data_type, text)
    } else {
        text.to_owned()
    }
}

fn key_shown(key: &str, masked: bool) -> String {
    if masked {
        mask::key(key)
    } else {
        key.to_owned()
    }
}

/// Holds and refusals of the sample's records, as they stand in the ledger.
fn holds(
    mapping: &Mapping,
    ledger: &Ledger,
    sampled: &Sampled,
) -> Result<Vec<(StepId, Hold)>, ReadError> {
    let mut keys: HashMap<StepId, HashSet<&str>> = HashMap::new();
    for work in &sampled.seen.works {
        keys.entry(work.step).or_default().insert(&work.key);
    }
    for (step, key) in sampled.seen.ends.keys() {
        keys.entry(*step).or_default().insert(key);
    }
    let view = ledger.view()?;
    let mut all = Vec::new();
    for (id, step) in (0u16..).map(StepId).zip(&mapping.steps) {
        let Some(keys) = keys.get(&id) else { continue };
        view.each_hold(Some(&step.name), |hold| {
            if keys.contains(hold.key.as_str()) {
                all.push((id, hold));
            }
        })?;
    }
    Ok(all)
}

fn held(holds: &[(StepId, Hold)], masked: bool) -> Vec<HeldGroup> {
    let mut groups: BTreeMap<(StepId, String, String), HeldGroup> = BTreeMap::new();
    for (id, hold) in holds {
        let field = hold.field.clone().unwrap_or_default();
        let group = groups
            .entry((*id, hold.code.clone(), field.clone()))
            .or_insert_with(|| HeldGroup {
                step: hold.step.clone(),
                code: hold.code.clone(),
                field,
                ..HeldGroup::default()
            });
        group.records += 1;
        if group.examples.len() < 3 {
            group.examples.push(key_shown(&hold.key, masked));
        }
    }
    groups.into_values().collect()
}

/// What became of the records, each counted once for each step of its object.
fn ends(mapping: &Mapping, sampled: &Sampled, holds: &[(StepId, Hold)]) -> Vec<StepEnds> {
    let set_aside: HashMap<(StepId, &str), HoldKind> = holds
        .iter()
        .map(|(id, h)| ((*id, h.key.as_str()), h.kind))
        .collect();
    let there: HashSet<(StepId, &str)> = sampled
        .compared
        .iter()
        .map(|c| (c.step, c.key.as_str()))
        .collect();
    let mut out = Vec::new();
    for (id, step) in (0u16..).map(StepId).zip(&mapping.steps) {
        let to = mapping.destination.objects.get(step.to.ix());
        let mut ends = StepEnds {
            step: step.name.clone(),
            from: object_name(mapping, step.from),
            to: to.map_or_else(String::new, |o| o.name.clone()),
            ..StepEnds::default()
        };
        let mut works = BTreeSet::new();
        for work in sampled.seen.works.iter().filter(|w| w.step == id) {
            if !works.insert(work.key.as_str()) {
                continue;
            }
            ends.records += 1;
            let kind = set_aside.get(&(id, work.key.as_str()));
            match (kind, there.contains(&(id, work.key.as_str()))) {
                (Some(HoldKind::Failed), _) => ends.failed += 1,
                (None, true) => ends.loaded += 1,
                _ => ends.held += 1,
            }
        }
        for ((_, _), end) in sampled.seen.ends.iter().filter(|((s, _), _)| *s == id) {
            ends.records += 1;
            match end {
                SeenEnd::Held(..) => ends.held += 1,
                SeenEnd::Routed => ends.routed += 1,
                SeenEnd::Dropped(_) => ends.dropped += 1,
                SeenEnd::Merged(_) => ends.merged += 1,
            }
        }
        if ends.records > 0 {
            out.push(ends);
        }
    }
    out
}

/// Everything that a sample should show, with what of it is shown.
fn coverage(mapping: &Mapping, sampled: &Sampled) -> Vec<Coverage> {
    let mut all = Vec::new();
    let mut kind = |name: &str, wanted: Vec<(String, bool)>| {
        if wanted.is_empty() {
            return;
        }
        let missing: Vec<String> = wanted
            .iter()
            .filter(|(_, shown)| !shown)
            .map(|(name, _)| name.clone())
            .collect();
        all.push(Coverage {
            kind: name.to_owned(),
            total: wanted.len() as u64,
            shown: (wanted.len() - missing.len()) as u64,
            missing,
        });
    };
    let shown = |feature: &Feature| sampled.shown.contains(feature);
    let objects = (0u16..).map(ObjectId).zip(&mapping.source.objects);
    let mut rows = Vec::new();
    for ((id, object), split) in objects.zip(&mapping.splits) {
        for (at, row) in split.iter().enumerate() {
            let to = match &row.to {
                SplitTo::Steps(steps) => {
                    let names: Vec<&str> = steps.iter().map(|s| step_name(mapping, *s)).collect();
                    format!("to {}", names.join(", "))
                }
                SplitTo::Drop(_) => "dropped".to_owned(),
            };
            let name = format!("{} row {} ({to})", object.name, at + 1);
            rows.push((name, shown(&Feature::Split(id, at))));
        }
    }
    kind("split rows", rows);
    let used = used_maps(mapping);
    let maps = mapping.value_maps.iter().enumerate();
    let mut rows = Vec::new();
    for (at, map) in maps.filter(|(at, _)| used.contains(at)) {
        let mut keys = BTreeSet::new();
        for (row, (from, _)) in map.rows.iter().enumerate() {
            // Of rows with the same key the first counts.
            let key = match map.exact {
                true => from.clone(),
                false => from.trim().to_lowercase(),
            };
            if keys.insert(key) {
                let name = format!("{} \"{from}\"", map.name);
                rows.push((name, shown(&Feature::MapRow(at, row))));
            }
        }
    }
    kind("value-map rows", rows);
    let steps: Vec<(StepId, &Step)> = (0u16..).map(StepId).zip(&mapping.steps).collect();
    let mut guards = Vec::new();
    for (id, step) in &steps {
        for guard in &step.guards {
            let feature = Feature::Held(*id, guard.code.clone(), String::new());
            guards.push((format!("{} {}", step.name, guard.code), shown(&feature)));
        }
    }
    kind("guards", guards);
    // Reasons to hold, drop and merge that the export has: what no record has is nobody's to show.
    let (mut holds, mut others, mut depths) = (Vec::new(), Vec::new(), Vec::new());
    for feature in &sampled.found {
        let is = shown(feature);
        match feature {
            Feature::Held(id, code, field) => {
                let of = match field.as_str() {
                    "" => step_name(mapping, *id).to_owned(),
                    field => format!("{}.{field}", step_name(mapping, *id)),
                };
                holds.push((format!("{of} {code}"), is));
            }
            Feature::Dropped(id) => {
                others.push((format!("{} dropped", step_name(mapping, *id)), is));
            }
            Feature::Merged(id) => {
                others.push((format!("{} merged", step_name(mapping, *id)), is));
            }
            Feature::Parts(id) => {
                others.push((format!("{} in parts", step_name(mapping, *id)), is));
            }
            Feature::Found(id) => {
                others.push((format!("{} found there", step_name(mapping, *id)), is));
            }
            Feature::MapOther(at) => {
                let map = mapping.value_maps.get(*at).map_or("", |m| &m.name);
                others.push((format!("{map} without a row"), is));
            }
            Feature::Depth(id, depth) => {
                depths.push((format!("{} {depth} deep", object_name(mapping, *id)), is));
            }
            Feature::Split(..) | Feature::MapRow(..) | Feature::Field(..) => {}
        }
    }
    kind("holds", holds);
    kind("merges, drops, parts and records found", others);
    let mut types: BTreeMap<(String, &str), bool> = BTreeMap::new();
    let mut fields = Vec::new();
    for (id, step) in &steps {
        let to = mapping.destination.objects.get(step.to.ix());
        for at in 0..step.fields.len() {
            let (name, data_type) = target(mapping, step, at);
            let is = shown(&Feature::Field(*id, at));
            let to = to.map_or_else(String::new, |o| o.name.clone());
            *types.entry((to, data_type.name())).or_default() |= is;
            fields.push((format!("{}.{name}", step.name), is));
        }
    }
    let types = types
        .into_iter()
        .map(|((to, name), is)| (format!("{to} {name}"), is));
    kind("types of destination fields", types.collect());
    kind("destination fields", fields);
    kind("depths of references", depths);
    all
}

/// The value maps that steps read: by ops, or by name in a template.
fn used_maps(mapping: &Mapping) -> BTreeSet<usize> {
    let mut used = BTreeSet::new();
    let mut look = |input: &Input, ops: &[Op]| {
        for op in ops {
            if let Op::Map(at) = op {
                used.insert(*at);
            }
        }
        if let Input::Text(template) = input {
            for (at, map) in mapping.value_maps.iter().enumerate() {
                let named = [format!("\"{}\"", map.name), format!("'{}'", map.name)];
                if named.iter().any(|n| template.contains(n.as_str())) {
                    used.insert(at);
                }
            }
        }
    };
    for step in &mapping.steps {
        for field in &step.fields {
            look(&field.input, &field.ops);
        }
        for binding in &step.lets {
            look(&binding.input, &binding.ops);
        }
    }
    used
}
