//! Value tables: what the mapping makes of each value of a pick-list, through the same code that a run uses.
//!
//! Looks at entries that end in a choice: fields with choices, value maps, references by name, and the keys of objects
//! that people make. Splits are followed; entries that read joined records or templates are left out, and so is a
//! field's own `when:`.

use super::{
    act::Act,
    columns::Columns,
    compile::{CompileError, Compiler, map_tables},
    needs,
    node::{LetCode, Node},
    scope::{Record, Scope},
    split::{Goes, SplitCode},
    tables::Tables,
    text,
};
use crate::{
    ident::{FieldId, ObjectId, StepId},
    mapping::{FieldMap, Input, Mapping, Op, RefSource, Step},
    platform::{
        Creation, Object,
        lock::{ValueRow, ValueTable},
    },
    value::{Page, Type, Value},
};
use bumpalo::Bump;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};
use xxhash_rust::xxh3::xxh3_64;

/// Different values of an entry that are listed.
const ROWS_MAX: usize = 500;
/// Different values beyond those that are counted.
const MORE_MAX: usize = 100_000;

/// The entries of one object whose values are looked at, compiled.
#[derive(Debug)]
pub struct ValuePass {
    mapping: Arc<Mapping>,
    columns: Columns,
    tables: Arc<Tables>,
    split: SplitCode,
    codes: Vec<Code>,
    seen: Vec<Seen>,
}

#[derive(Debug)]
struct Code {
    step: StepId,
    entry: usize,
    lets: Vec<LetCode>,
    node: Node,
    acts: Vec<Act>,
}

#[derive(Debug, Default)]
struct Seen {
    records: u64,
    rows: BTreeMap<String, Row>,
    more: HashSet<u64>,
}

#[derive(Debug)]
struct Row {
    records: u64,
    to: Option<String>,
    fault: Option<&'static str>,
}

/// What became of one value on one page.
struct Met<'a> {
    records: u64,
    to: Option<&'a str>,
    fault: Option<&'static str>,
}

/// True when an entry ends in a choice.
fn is_choice(mapping: &Mapping, step: &Step, entry: usize, map: &FieldMap) -> bool {
    let Some(to) = mapping.destination.objects.get(step.to.ix()) else {
        return false;
    };
    let Some(field) = to.fields.get(map.to.ix()) else {
        return false;
    };
    let choices = matches!(field.data_type, Type::Enum | Type::MultiEnum) || field.values.is_some();
    let mapped = map.ops.iter().any(|op| matches!(op, Op::Map(_)));
    let named = map.reference.as_ref().is_some_and(|r| by_name(mapping, r));
    choices || mapped || named || names_a_record(to, step, entry)
}

/// True for the key of an object that people make, or whose number the tier bounds.
fn names_a_record(to: &Object, step: &Step, entry: usize) -> bool {
    let few = to.create == Creation::ByHand || to.rows_max.is_some();
    few && step
        .match_keys
        .iter()
        .any(|key| matches!(key.pairs.as_slice(), [(_, at)] if *at == entry))
}

/// True for records that are named by something else than a person's address.
fn by_name(mapping: &Mapping, source: &RefSource) -> bool {
    match source {
        RefSource::NaturalKey(id) => {
            let target = mapping.destination.objects.get(id.ix());
            target.is_some_and(|o| !o.holds_owners())
        }
        RefSource::SourceKey(_) => false,
        RefSource::ByInput(list) => list.iter().any(|r| by_name(mapping, r)),
    }
}

impl ValuePass {
    /// Compiles the entries of an object; `None` when it has none. `chosen` narrows them further.
    ///
    /// # Errors
    ///
    /// When a part does not compile; those of a checked mapping do.
    pub fn compile(
        mapping: &Arc<Mapping>,
        tables: &Arc<Tables>,
        object: ObjectId,
        chosen: impl Fn(&Step, usize) -> bool,
    ) -> Result<Option<ValuePass>, CompileError> {
        let Some(declared) = mapping.source.objects.get(object.ix()) else {
            return Ok(None);
        };
        let all: Vec<FieldId> = (0u16..).take(declared.fields.len()).map(FieldId).collect();
        let columns = Columns::new(declared, &all, tables.zone.name.as_deref());
        let maps = map_tables(mapping);
        let compiler = |place: &str| Compiler {
            tables: Some(tables),
            ..Compiler::plain(mapping, &maps, &tables.zone.zone, object, &columns, place)
        };
        let mut codes = Vec::new();
        for (id, step) in mapping
            .steps_from(object)
            .filter(|(_, s)| !s.of.is_report())
        {
            for (entry, map) in step.fields.iter().enumerate() {
                if !is_choice(mapping, step, entry, map)
                    || needs::reads_joins(step, &map.input)
                    || !chosen(step, entry)
                {
                    continue;
                }
                let compiler = compiler("").step(step);
                codes.push(Code {
                    step: id,
                    entry,
                    node: compiler.node(&map.input)?,
                    acts: compiler.acts(&map.input, &map.ops)?,
                    // Lets that read joins are not reached from here.
                    lets: compiler.lets().unwrap_or_default(),
                });
            }
        }
        if codes.is_empty() {
            return Ok(None);
        }
        let split = SplitCode::new(compiler("a split"), object)?;
        Ok(Some(ValuePass {
            mapping: Arc::clone(mapping),
            tables: Arc::clone(tables),
            split,
            seen: codes.iter().map(|_| Seen::default()).collect(),
            codes,
            columns,
        }))
    }

    /// The columns its pages begin with: every declared field, in order.
    pub fn columns(&self) -> &[FieldId] {
        &self.columns.fields
    }

    /// Takes the next page.
    pub fn feed(&mut self, page: &Page, arena: &Bump) {
        let mut records = vec![0u64; self.codes.len()];
        let mut met: Vec<HashMap<&str, Met<'_>>> =
            self.codes.iter().map(|_| HashMap::new()).collect();
        let mut scope = Scope::new(&self.columns, &self.tables, None, arena);
        for row in 0..page.rows() {
            scope.enter(Record::Page(page, row), None);
            let route = self.split.route(&mut scope);
            let codes = self.codes.iter().zip(&mut met).zip(&mut records);
            for ((code, met), records) in codes {
                if self.split.goes(route, code.step) != Goes::Here {
                    continue;
                }
                *records += 1;
                scope.program(&[], &code.lets);
                match code.node.value(&mut scope) {
                    Value::List(items) => {
                        for item in items {
                            let one = Value::List(arena.alloc_slice_copy(&[*item]));
                            code.note(item, one, &mut scope, met);
                        }
                    }
                    value => code.note(&value, value, &mut scope, met),
                }
            }
        }
        drop(scope);
        for ((seen, met), records) in self.seen.iter_mut().zip(met).zip(records) {
            seen.records += records;
            for (value, met) in met {
                seen.add(value, &met);
            }
        }
    }

    /// The tables, in the order of the mapping.
    pub fn finish(mut self) -> Vec<ValueTable> {
        let mut out = Vec::with_capacity(self.codes.len());
        let all = std::mem::take(&mut self.seen);
        for (code, seen) in self.codes.iter().zip(all) {
            let Some(step) = self.mapping.steps.get(code.step.ix()) else {
                continue;
            };
            let (Some(map), Some(to)) = (
                step.fields.get(code.entry),
                self.mapping.destination.objects.get(step.to.ix()),
            ) else {
                continue;
            };
            let mut rows: Vec<ValueRow> = seen
                .rows
                .into_iter()
                .map(|(value, row)| ValueRow {
                    value,
                    records: row.records,
                    to: row.to,
                    fault: row.fault.map(str::to_owned),
                })
                .collect();
            rows.sort_by(|a, b| {
                b.records
                    .cmp(&a.records)
                    .then_with(|| a.value.cmp(&b.value))
            });
            out.push(ValueTable {
                step: step.name.clone(),
                to: to.name.clone(),
                field: to
                    .fields
                    .get(map.to.ix())
                    .map_or_else(String::new, |f| f.name.clone()),
                from: self.names(step, &map.input),
                records: seen.records,
                rows,
                more: seen.more.len() as u64,
                observed: self
                    .tables
                    .observed(code.step, code.entry)
                    .map(<[String]>::to_vec),
            });
        }
        out
    }

    /// The source fields an input reads.
    fn names(&self, step: &Step, input: &Input) -> Vec<String> {
        match input {
            Input::Field(field) => self
                .mapping
                .source
                .objects
                .get(step.from.ix())
                .and_then(|o| o.fields.get(field.ix()))
                .map(|f| f.name.clone())
                .into_iter()
                .collect(),
            Input::FirstOf(list) => list.iter().flat_map(|i| self.names(step, i)).collect(),
            Input::Let { binding, .. } => step
                .lets
                .get(*binding)
                .map(|l| self.names(step, &l.input))
                .unwrap_or_default(),
            _ => Vec::new(),
        }
    }
}

impl Code {
    /// Notes a value, `shown` for people and `value` for the ops.
    fn note<'a>(
        &'a self,
        shown: &Value<'a>,
        value: Value<'a>,
        scope: &mut Scope<'a>,
        met: &mut HashMap<&'a str, Met<'a>>,
    ) {
        let key = match &self.node {
            Node::Const(_) => "",
            _ => text::canonical(shown, scope.arena).unwrap_or(""),
        };
        if let Some(known) = met.get_mut(key) {
            known.records += 1;
            return;
        }
        let mut value = value;
        for act in &self.acts {
            value = act.apply(value, scope);
        }
        let (to, fault) = match &value {
            Value::Bad(fault) => (None, Some(fault.kind.code())),
            Value::List([only]) => (text::canonical(only, scope.arena), None),
            other => (text::canonical(other, scope.arena), None),
        };
        // A blank that stays blank is no value.
        if key.is_empty() && to.is_none() && fault.is_none() {
            return;
        }
        met.insert(
            key,
            Met {
                records: 1,
                to,
                fault,
            },
        );
    }
}

impl Seen {
    fn add(&mut self, value: &str, met: &Met<'_>) {
        if let Some(row) = self.rows.get_mut(value) {
            row.records += met.records;
        } else if self.rows.len() < ROWS_MAX {
            self.rows.insert(
                value.to_owned(),
                Row {
                    records: met.records,
                    to: met.to.map(str::to_owned),
                    fault: met.fault,
                },
            );
        } else if self.more.len() < MORE_MAX {
            self.more.insert(xxh3_64(value.as_bytes()));
        }
    }
}
