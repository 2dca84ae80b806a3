//! Evaluates the mapping for one record: what each step makes of it, and the values of its fields op by op.

use super::{Place, Spot, chain};
use crate::{
    ident::{FieldId, ObjectId, StepId},
    mapping::{BlankPolicy, FieldMap, Input, Mapping, SplitTo, Step},
    outcome::trace::{FieldTrace, Request, SplitTrace, StepTrace, Trace},
    platform::{
        OpKind,
        wire::{FieldReader, RecordEncoder, WireValue},
    },
    run::{RunError, context::Emit, item, prepare, reconcile::rules::StepRules, source::Source},
    transform::{
        Effect, Hold, Pass, PassOptions, Resolve, Settled, Sink, Touched, trace::Trace as Touches,
    },
    value::Value,
};
use bumpalo::Bump;
use serde_json::Value as Json;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// One part of a record as a step makes it.
#[derive(Default)]
pub struct Made {
    /// Which part.
    pub part: u16,
    /// Fingerprint of its values.
    pub fingerprint: u64,
    /// The wire record.
    pub body: Vec<u8>,
    /// What each field should hold.
    pub values: Vec<WireValue>,
    /// Its parent, where it is shown below one.
    pub parent: Option<(ObjectId, String)>,
}

/// Takes what a pass says about one record.
struct Watch<'w> {
    mapping: &'w Mapping,
    rules: &'w HashMap<StepId, StepRules>,
    encoders: &'w HashMap<StepId, RecordEncoder>,
    key: &'w str,
    made: BTreeMap<StepId, Vec<Made>>,
    decided: BTreeMap<StepId, (&'static str, String)>,
    line: u64,
    touches: &'w Touches,
    /// The row of the split that took the record.
    split: Option<usize>,
}

impl Watch<'_> {
    /// True when it is this record that is told of. The split decides before any step does.
    fn is_it(&mut self, key: &str) -> bool {
        let touched = self.touches.take();
        if key != self.key {
            return false;
        }
        self.split = self.split.or(touched.iter().find_map(|t| match t {
            Touched::SplitRow(row) => Some(*row),
            _ => None,
        }));
        true
    }
}

impl Sink for Watch<'_> {
    fn effect(&mut self, e: &Effect<'_>) {
        if !self.is_it(e.key) {
            return;
        }
        self.line = e.line;
        self.decided.insert(e.step, ("loaded", String::new()));
        let mut made = Made {
            part: e.part,
            fingerprint: e.fingerprint,
            ..Made::default()
        };
        if let Some(encoder) = self.encoders.get(&e.step) {
            encoder.append(e.values, &mut made.body);
        }
        if let (Some(step), Some(rules)) =
            (self.mapping.steps.get(e.step.ix()), self.rules.get(&e.step))
        {
            let values = step.fields.iter().zip(e.values).map(|(m, value)| {
                match (value, m.blank, rules.readers.get(m.to.ix())) {
                    (Value::Blank, BlankPolicy::Skip, _) | (_, _, None) => WireValue::Absent,
                    (_, _, Some(reader)) => reader.sent(value),
                }
            });
            made.values = values.collect();
            made.parent = rules.parent.and_then(|at| match e.values.get(at) {
                Some(Value::Dest(d)) => Some((d.object, d.id.to_owned())),
                _ => None,
            });
        }
        self.made.entry(e.step).or_default().push(made);
    }

    fn hold(&mut self, h: &Hold<'_>) {
        if self.is_it(h.key) {
            self.line = h.line;
            let reason = format!("{}: {}", h.code, h.words);
            self.decided.insert(h.step, ("held", reason));
        }
    }

    fn settle(&mut self, step: StepId, key: &str, line: u64, why: Settled<'_>) {
        if !self.is_it(key) {
            return;
        }
        self.line = line;
        let told = match why {
            Settled::Routed => ("routed", "the split sends it elsewhere".to_owned()),
            Settled::Dropped(reason) => ("dropped", reason.to_owned()),
            Settled::Merged { into } => ("merged", format!("into {into}")),
            Settled::Skipped => ("loaded", "nothing to write".to_owned()),
        };
        self.decided.insert(step, told);
    }
}

/// Takes the values of prefixes.
struct Chains<'w> {
    key: &'w str,
    values: BTreeMap<StepId, Vec<String>>,
}

impl Sink for Chains<'_> {
    fn effect(&mut self, e: &Effect<'_>) {
        if e.key == self.key && e.part == 0 {
            let values = e.values.iter().map(chain::shown).collect();
            self.values.insert(e.step, values);
        }
    }

    fn hold(&mut self, _: &Hold<'_>) {}

    fn settle(&mut self, _: StepId, _: &str, _: u64, _: Settled<'_>) {}
}

/// Evaluates the mapping for one record, and once more op by op. Gives its parts by step.
///
/// # Errors
/// When no step reads the object, or the source stops.
#[expect(
    clippy::too_many_arguments,
    reason = "one call, in a thread of its own"
)]
pub fn record(
    mapping: &Arc<Mapping>,
    source: &Source,
    zone: Option<&str>,
    emit: &Emit,
    object: ObjectId,
    key: &str,
    resolver: &dyn Resolve,
    place: &Arc<Place>,
    out: &mut Trace,
) -> Result<BTreeMap<StepId, Vec<Made>>, RunError> {
    let ids: Vec<StepId> = mapping
        .steps_from(object)
        .filter(|(_, s)| !s.of.is_report())
        .map(|(id, _)| id)
        .collect();
    if ids.is_empty() {
        return Err(RunError::Source {
            what: format!("no step of the mapping reads `{}`", out.object),
        });
    }
    let mut rules = HashMap::new();
    let mut encoders = HashMap::new();
    for id in &ids {
        let Some(step) = mapping.steps.get(id.ix()) else {
            continue;
        };
        let Some(to) = mapping.destination.objects.get(step.to.ix()) else {
            continue;
        };
        let readers: Vec<_> = to
            .fields
            .iter()
            .map(|f| FieldReader::new(&mapping.destination, f))
            .collect();
        rules.insert(*id, StepRules::new(mapping, step, readers.into()));
        encoders.insert(*id, item::encoder(&mapping.destination, to, step));
    }
    let touches = Arc::new(Touches::default());
    let mut watch = Watch {
        mapping,
        rules: &rules,
        encoders: &encoders,
        key,
        made: BTreeMap::new(),
        decided: BTreeMap::new(),
        line: 0,
        touches: &touches,
        split: None,
    };
    let traced = Some(&touches);
    let row = run(
        mapping, source, zone, emit, &ids, key, resolver, traced, &mut watch,
    )?;
    let (prefixed, prefixes) = chain::mapping(mapping, object);
    let mut chains = Chains {
        key,
        values: BTreeMap::new(),
    };
    run(
        &Arc::new(prefixed),
        source,
        zone,
        emit,
        &ids,
        key,
        resolver,
        None,
        &mut chains,
    )?;
    out.in_source = row.is_some() || !watch.decided.is_empty();
    out.line = (watch.line > 0).then_some(watch.line);
    if let Some(row) = row {
        out.cells = cells(mapping, source, object, row)?;
    }
    out.split = watch.split.map(|row| taken(mapping, object, row, place));
    for id in &ids {
        let Some(step) = mapping.steps.get(id.ix()) else {
            continue;
        };
        let (decision, reason) = watch.decided.remove(id).unwrap_or_default();
        let mut told = StepTrace {
            step: step.name.clone(),
            place: place(Spot::Step(*id)).0,
            to: mapping
                .destination
                .objects
                .get(step.to.ix())
                .map(|o| o.name.clone())
                .unwrap_or_default(),
            decision: decision.to_owned(),
            reason,
            decided: chain::decided(mapping, *id, key),
            ..StepTrace::default()
        };
        let made = watch.made.get(id).map_or(&[][..], Vec::as_slice);
        if matches!(decision, "loaded" | "held") {
            let order = prefixes.iter().find(|(s, _)| s == id).map(|(_, p)| p);
            let values = chains.values.get(id);
            told.fields = fields(mapping, *id, order, values, made.first(), place, &out.cells);
        }
        told.requests = made.iter().map(|m| request(mapping, *id, m)).collect();
        out.steps.push(told);
    }
    Ok(std::mem::take(&mut watch.made))
}

/// Runs the steps over the source for one record. Gives the record's position among the good rows.
#[expect(clippy::too_many_arguments, reason = "the parts of a pass, used twice")]
fn run(
    mapping: &Arc<Mapping>,
    source: &Source,
    zone: Option<&str>,
    emit: &Emit,
    ids: &[StepId],
    key: &str,
    resolver: &dyn Resolve,
    touches: Option<&Arc<Touches>>,
    sink: &mut dyn Sink,
) -> Result<Option<u64>, RunError> {
    let tables = Arc::new(prepare::index(mapping, source, zone, emit)?);
    // References that a run writes at its end are known by now.
    let options = PassOptions {
        trace: touches,
        ..PassOptions::default()
    };
    let pass = Pass::build(Arc::clone(mapping), tables, ids, &options)
        .map_err(|e| RunError::Internal(e.to_string()))?;
    let mut reader = source.open(pass.object(), pass.columns())?;
    let mut arena = Bump::new();
    let mut found = None;
    while let Some(page) = reader.next_page()? {
        let keys = pass.keys(&page);
        for row in 0..page.rows() {
            if found.is_none() && keys.get(&page, row) == (key, None) {
                found = Some(page.first + row as u64);
            }
        }
        pass.run(&page, &keys, resolver, &arena, sink);
        arena.reset();
        reader.recycle(page);
    }
    Ok(found)
}

/// The cells of one record, empty ones left out; none where the source has no such record.
///
/// # Errors
/// When the source cannot be read.
pub fn cells_of(
    mapping: &Arc<Mapping>,
    source: &Source,
    zone: Option<&str>,
    emit: &Emit,
    object: ObjectId,
    key: &str,
) -> Result<Vec<(String, String)>, RunError> {
    let ids: Vec<StepId> = mapping
        .steps_from(object)
        .map(|(id, _)| id)
        .take(1)
        .collect();
    let tables = Arc::new(prepare::index(mapping, source, zone, emit)?);
    let pass = Pass::compile(Arc::clone(mapping), tables, &ids, &[], false)
        .map_err(|e| RunError::Internal(e.to_string()))?;
    let mut reader = source.open(pass.object(), pass.columns())?;
    while let Some(page) = reader.next_page()? {
        let keys = pass.keys(&page);
        let row = (0..page.rows()).find(|row| keys.get(&page, *row) == (key, None));
        if let Some(row) = row {
            return cells(mapping, source, object, page.first + row as u64);
        }
        reader.recycle(page);
    }
    Ok(Vec::new())
}

/// The cells of a row, empty ones left out.
fn cells(
    mapping: &Mapping,
    source: &Source,
    object: ObjectId,
    row: u64,
) -> Result<Vec<(String, String)>, RunError> {
    let Some(declared) = mapping.source.objects.get(object.ix()) else {
        return Ok(Vec::new());
    };
    let all: Vec<FieldId> = (0..declared.fields.len())
        .filter_map(|f| u16::try_from(f).ok().map(FieldId))
        .collect();
    let mut reader = source.open(object, &all)?;
    while let Some(page) = reader.next_page()? {
        if row < page.first + page.rows() as u64 {
            let at = usize::try_from(row.saturating_sub(page.first)).unwrap_or_default();
            let cells =
                declared.fields.iter().enumerate().map(|(column, field)| {
                    (field.name.clone(), page.cell(at, column).1.to_owned())
                });
            return Ok(cells.filter(|(_, text)| !text.is_empty()).collect());
        }
        reader.recycle(page);
    }
    Ok(Vec::new())
}

fn fields(
    mapping: &Mapping,
    id: StepId,
    order: Option<&Vec<(usize, usize)>>,
    values: Option<&Vec<String>>,
    made: Option<&Made>,
    place: &Arc<Place>,
    cells: &[(String, String)],
) -> Vec<FieldTrace> {
    let Some(step) = mapping.steps.get(id.ix()) else {
        return Vec::new();
    };
    let object = mapping.destination.objects.get(step.to.ix());
    let mut all = Vec::new();
    for (at, entry) in step.fields.iter().enumerate() {
        let (place, line) = place(Spot::Entry(id, at));
        let field = object.and_then(|o| o.fields.get(entry.to.ix()));
        let mut told = FieldTrace {
            field: field.map(|f| f.name.clone()).unwrap_or_default(),
            place,
            line: line.trim().to_owned(),
            values: Vec::new(),
            sent: made
                .and_then(|m| m.values.get(at))
                .map(ToString::to_string)
                .unwrap_or_default(),
        };
        for ((of, count), value) in order
            .into_iter()
            .flatten()
            .zip(values.into_iter().flatten())
        {
            if *of != at {
                continue;
            }
            let before = told.values.last().map_or("", |(_, v): &(String, String)| v);
            let op = match count.checked_sub(1).and_then(|n| entry.ops.get(n)) {
                None => "source".to_owned(),
                Some(op) => chain::named(mapping, op, before),
            };
            let mut value = value.clone();
            if *count == 0 && value.is_empty() {
                value = unreadable(mapping, step, entry, cells);
            }
            told.values.push((op, value));
        }
        all.push(told);
    }
    all
}

/// The cell of a value that its declared type cannot read, as it is; empty where there is none.
fn unreadable(
    mapping: &Mapping,
    step: &Step,
    entry: &FieldMap,
    cells: &[(String, String)],
) -> String {
    let Input::Field(id) = entry.input else {
        return String::new();
    };
    let object = mapping.source.objects.get(step.from.ix());
    let Some(field) = object.and_then(|o| o.fields.get(id.ix())) else {
        return String::new();
    };
    let cell = cells.iter().find(|(name, _)| *name == field.name);
    cell.map_or_else(String::new, |(_, text)| text.trim().to_owned())
}

/// The row of the split that took the record, or the lack of one.
fn taken(mapping: &Mapping, object: ObjectId, row: usize, place: &Arc<Place>) -> SplitTrace {
    let rows = mapping.splits.get(object.ix());
    let Some(found) = rows.and_then(|rows| rows.get(row)) else {
        return SplitTrace {
            row: row + 1,
            dropped: "no row of the split holds for it".to_owned(),
            ..SplitTrace::default()
        };
    };
    let (place, line) = place(Spot::SplitRow(object, row));
    let mut told = SplitTrace {
        row: row + 1,
        place,
        line: line.trim().to_owned(),
        ..SplitTrace::default()
    };
    match &found.to {
        SplitTo::Steps(steps) => {
            let steps = steps.iter().filter_map(|id| mapping.steps.get(id.ix()));
            told.to = steps.map(|s| s.name.clone()).collect();
        }
        SplitTo::Drop(reason) => told.dropped.clone_from(reason),
    }
    told
}

fn request(mapping: &Mapping, id: StepId, made: &Made) -> Request {
    let step = mapping.steps.get(id.ix());
    let object = step.and_then(|s| mapping.destination.objects.get(s.to.ix()));
    let op = object.and_then(|o| o.op(OpKind::Create));
    Request {
        part: made.part,
        call: op.map_or("by an admin".to_owned(), |op| {
            format!("{} {}", op.method, op.path)
        }),
        body: serde_json::from_slice(&made.body).unwrap_or(Json::Null),
    }
}
