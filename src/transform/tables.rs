//! Tables made before passes run: joined records, counts, merges, names, and the choices seen in the data.
//!
//! A [`TablesBuilder`] is fed the pages of the objects that [`super::needs()`] names, each object in source order.
//! The finished [`Tables`] are read-only and shared by all passes and threads.

mod feeder;
mod memory;
mod routes;

pub use feeder::Feeder;

use super::{
    act::Act,
    columns::Columns,
    compile::{CompileError, Compiler, map_tables},
    condition::Condition,
    groups::{Groups, Part},
    index::{Index, IndexBuilder, IndexSpec},
    keys::{KeyRule, KeyScan},
    map::MapTable,
    needs::{self, ObjectNeed},
    node::{LetCode, Node},
    overflow::Room,
    scope::{Members, Record, Scope},
    store::Store,
    text,
};
use crate::{
    ident::{ObjectId, StepId},
    mapping::Mapping,
    platform::zone as zones,
    value::{Page, Value},
};
use bumpalo::Bump;
use jiff::tz::TimeZone;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Builds [`Tables`] from pages.
pub struct TablesBuilder {
    zone: Zone,
    mapping: Arc<Mapping>,
    empty: Tables,
    objects: Vec<ObjectBuilder>,
    arena: Bump,
    room: Option<Room>,
}

/// The zone of times that carry none.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    /// Its name, for decoders.
    pub name: Option<String>,
    /// The zone, for templates.
    pub zone: TimeZone,
}

impl Zone {
    fn of(name: Option<&str>) -> Zone {
        Zone {
            name: name.map(str::to_owned),
            zone: name.and_then(zones::find).unwrap_or(TimeZone::UTC),
        }
    }
}

struct ObjectBuilder {
    need: ObjectNeed,
    columns: Columns,
    keys: KeyScan,
    store: Option<(Store, Vec<usize>)>,
    indexes: Vec<IndexBuilder>,
    /// What feeds each index.
    feeds: Vec<IndexFeed>,
    observed: Vec<ObservedCode>,
    /// Bytes in memory as told to the room last.
    told: usize,
}

/// What feeds an index.
struct IndexFeed {
    /// The columns of its key.
    own: Vec<usize>,
    /// Which records it takes.
    filter: Option<Condition>,
}

/// An entry whose values are collected.
struct ObservedCode {
    at: (StepId, usize),
    lets: Vec<LetCode>,
    node: Node,
    acts: Vec<Act>,
    seen: BTreeSet<String>,
}

impl TablesBuilder {
    /// A builder for a mapping. `zone`: the connection's zone for times that carry none.
    ///
    /// # Errors
    ///
    /// When a part of the mapping that tables need does not compile; a checked mapping does.
    pub fn new(mapping: Arc<Mapping>, zone: Option<&str>) -> Result<TablesBuilder, CompileError> {
        let zone = Zone::of(zone);
        let maps = map_tables(&mapping);
        let needs = needs::collect(&mapping).into_iter();
        let objects = needs
            .map(|need| ObjectBuilder::new(need, &mapping, &maps, &zone))
            .collect::<Result<_, _>>()?;
        Ok(TablesBuilder {
            empty: Tables::empty(Arc::clone(&mapping), zone.clone()),
            zone,
            mapping,
            objects,
            arena: Bump::new(),
            room: None,
        })
    }

    /// Takes the next page of an object, with the columns its [`super::TableNeed`] names. Pages of one object come
    /// in source order. Records without a usable key are left out, as no pass will load them.
    pub fn feed(&mut self, object: ObjectId, page: &Page) {
        if let Some(builder) = self.objects.iter_mut().find(|o| o.need.object == object) {
            builder.feed(page, &self.arena, &self.empty);
            builder.keep_within(self.room.as_ref());
        }
        self.arena.reset();
    }

    /// The finished tables.
    ///
    /// # Errors
    ///
    /// When a split of merged records does not compile; those of a checked mapping do.
    pub fn finish(self) -> Result<Tables, CompileError> {
        let mut tables = Tables::empty(self.mapping, self.zone);
        tables.room = self.room;
        let mut split_objects = Vec::new();
        for object in self.objects {
            let at = object.need.object;
            if object.finish(&mut tables) {
                split_objects.push(at);
            }
        }
        // Routes of merged records look into the tables that are now complete.
        let tables = Arc::new(tables);
        let mut routes = Vec::new();
        for object in split_objects {
            routes.push((object, routes::of_survivors(&tables, object)?));
        }
        let mut tables = Arc::try_unwrap(tables).map_err(|_| CompileError {
            place: "tables".to_owned(),
            why: "they are still in use".to_owned(),
        })?;
        for (object, routes) in routes {
            if let Some(groups) = tables.groups.get_mut(object.ix()).and_then(Option::as_mut) {
                groups.set_routes(routes);
            }
        }
        Ok(tables)
    }
}

impl ObjectBuilder {
    fn new(
        need: ObjectNeed,
        mapping: &Mapping,
        maps: &[Arc<MapTable>],
        zone: &Zone,
    ) -> Result<ObjectBuilder, CompileError> {
        let place = || CompileError {
            place: "tables".to_owned(),
            why: format!("there is no {:?}", need.object),
        };
        let object = mapping.source.objects.get(need.object.ix());
        let object = object.ok_or_else(place)?;
        let name = zone.name.as_deref();
        let columns = Columns::new(object, &need.columns, name);
        let position = |f| columns.position(f).unwrap_or(usize::MAX);
        let store = need.kept.as_ref().map(|kept| {
            let from = kept.iter().map(|f| position(*f)).collect();
            (Store::new(Columns::new(object, kept, name)), from)
        });
        let feeds = need.indexes.iter().map(|spec| {
            let plain =
                || Compiler::plain(mapping, maps, &zone.zone, need.object, &columns, "a join");
            Ok(IndexFeed {
                own: spec.fields.iter().map(|f| position(*f)).collect(),
                filter: match &spec.filter {
                    Some(when) => Some(plain().condition(when)?),
                    None => None,
                },
            })
        });
        let feeds = feeds.collect::<Result<_, CompileError>>()?;
        let indexes = need.indexes.iter().cloned().map(IndexBuilder::new);
        let mut observed = Vec::new();
        for (step_id, entry) in &need.observed {
            let Some(step) = mapping.steps.get(step_id.ix()) else {
                continue;
            };
            let Some(field) = step.fields.get(*entry) else {
                continue;
            };
            let compiler =
                Compiler::plain(mapping, maps, &zone.zone, need.object, &columns, "").step(step);
            observed.push(ObservedCode {
                at: (*step_id, *entry),
                node: compiler.node(&field.input)?,
                acts: compiler.acts(&field.input, &field.ops)?,
                // Lets that read joins are not reached from here.
                lets: compiler.lets().unwrap_or_default(),
                seen: BTreeSet::new(),
            });
        }
        Ok(ObjectBuilder {
            keys: KeyScan::new(&KeyRule::of(object), &need.columns),
            store,
            indexes: indexes.collect(),
            feeds,
            observed,
            columns,
            need,
            told: 0,
        })
    }

    fn feed(&mut self, page: &Page, arena: &Bump, empty: &Tables) {
        let keys = self.keys.page(page);
        let mut scope = Scope::new(&self.columns, empty, None, arena);
        for row in 0..page.rows() {
            let (key, fault) = keys.get(page, row);
            if fault.is_some() {
                continue;
            }
            let stored = match &mut self.store {
                Some((store, from)) => store.push(page, row, from, key),
                None => Some(0),
            };
            let Some(stored) = stored else { continue };
            for (index, feed) in self.indexes.iter_mut().zip(&self.feeds) {
                if let Some(filter) = &feed.filter {
                    scope.enter(Record::Page(page, row), None);
                    if !filter.holds(&mut scope) {
                        continue;
                    }
                }
                let values = feed.own.iter().map(|column| {
                    let (kind, text) = page.cell(row, *column);
                    self.columns.decode(*column, kind, text, arena)
                });
                index.add(values, stored);
            }
        }
        if self.observed.is_empty() {
            return;
        }
        let mut seen = Vec::with_capacity(self.observed.len());
        {
            let mut scope = Scope::new(&self.columns, empty, None, arena);
            for code in &self.observed {
                let mut found = BTreeSet::new();
                for row in 0..page.rows() {
                    scope.enter(Record::Page(page, row), None);
                    scope.program(&[], &code.lets);
                    let mut value = code.node.value(&mut scope);
                    for act in &code.acts {
                        value = act.apply(value, &mut scope);
                    }
                    note(&value, arena, &mut found);
                }
                seen.push(found.into_iter().map(str::to_owned).collect::<Vec<_>>());
            }
        }
        for (code, found) in self.observed.iter_mut().zip(seen) {
            code.seen.extend(found);
        }
    }

    /// Puts what was built into the tables; true when routes of merged records are still to be found.
    fn finish(self, tables: &mut Tables) -> bool {
        let object = self.need.object;
        let mut store = self.store.map(|(store, _)| store);
        let mut groups = None;
        let room = tables.room.clone();
        let room = room.as_ref();
        let mut builders: Vec<Option<IndexBuilder>> = self.indexes.into_iter().map(Some).collect();
        let merge = self.need.merge.and_then(|at| builders.get_mut(at)?.take());
        if let (Some(merge), Some(all)) = (merge, store.as_ref()) {
            // The same look-up may serve a join too, which then wants survivors.
            let index = merge.finish(room, Some(all), &|row| row);
            let lists = index.repeated();
            let made = if self.need.keep_all {
                Groups::new(lists, all)
            } else {
                let mut rows: Vec<u32> = lists.iter().flatten().copied().collect();
                rows.sort_unstable();
                let renumber = |old: &u32| rows.binary_search(old).unwrap_or(0) as u32;
                let lists = lists
                    .iter()
                    .map(|l| l.iter().map(renumber).collect())
                    .collect();
                let kept = store.take().map(|s| s.select(&rows));
                let made = match &kept {
                    Some(kept) => Groups::new(lists, kept),
                    None => Groups::default(),
                };
                store = kept;
                made
            };
            if self.need.keep_all {
                tables
                    .indexes
                    .push(index.surviving(&|row| made.survivor(row)));
            }
            groups = Some(made);
        }
        for builder in builders.into_iter().flatten() {
            let survivor = |row| groups.as_ref().map_or(row, |g| g.survivor(row));
            tables
                .indexes
                .push(builder.finish(room, store.as_ref(), &survivor));
        }
        for code in self.observed {
            tables
                .observed
                .insert(code.at, code.seen.into_iter().collect());
        }
        let merged = groups.is_some();
        if let Some(slot) = tables.stores.get_mut(object.ix()) {
            *slot = store;
        }
        if let Some(slot) = tables.groups.get_mut(object.ix()) {
            *slot = groups;
        }
        merged
    }
}

fn note<'a>(value: &Value<'a>, arena: &'a Bump, seen: &mut BTreeSet<&'a str>) {
    match value {
        Value::Bad(_) => {}
        Value::List(items) => {
            for item in *items {
                note(item, arena, seen);
            }
        }
        other => seen.extend(text::canonical(other, arena)),
    }
}

/// Joined records, counts, merges, names and observed choices. Read-only.
#[derive(Debug)]
pub struct Tables {
    pub(crate) mapping: Arc<Mapping>,
    pub(crate) zone: Zone,
    stores: Vec<Option<Store>>,
    groups: Vec<Option<Groups>>,
    indexes: Vec<Index>,
    observed: BTreeMap<(StepId, usize), Vec<String>>,
    room: Option<Room>,
}

impl Tables {
    /// Tables of nothing, for values without a record around them.
    pub(crate) fn none(mapping: Arc<Mapping>, zone: Option<&str>) -> Tables {
        Tables::empty(mapping, Zone::of(zone))
    }

    fn empty(mapping: Arc<Mapping>, zone: Zone) -> Tables {
        let objects = mapping.source.objects.len();
        Tables {
            stores: (0..objects).map(|_| None).collect(),
            groups: (0..objects).map(|_| None).collect(),
            indexes: Vec::new(),
            observed: BTreeMap::new(),
            room: None,
            mapping,
            zone,
        }
    }

    /// The choices of a field that the mapping creates with observed values, sorted: each text its input and ops gave
    /// for any record. `step` and `field` name the entry. `None` when the entry has choices of its own, or reads
    /// joined records or a template, whose values are not collected.
    pub fn observed(&self, step: StepId, field: usize) -> Option<&[String]> {
        self.observed.get(&(step, field)).map(Vec::as_slice)
    }

    /// The key of the record that a merged one went into; `None` for records that stand for themselves.
    pub fn merged_into(&self, object: ObjectId, key: &str) -> Option<&str> {
        let found = self.groups_of(object)?.find(key)?;
        (found.rows.first() != Some(&found.row)).then_some(found.into)
    }

    /// The number of records that went into others, by object.
    pub fn merged(&self, object: ObjectId) -> u64 {
        let groups = self.groups_of(object).into_iter();
        let sizes = groups.flat_map(|g| g.lists()).map(Vec::len);
        sizes.map(|n| n.saturating_sub(1) as u64).sum()
    }

    pub(crate) fn store(&self, object: usize) -> Option<&Store> {
        self.stores.get(object)?.as_ref()
    }

    fn groups_of(&self, object: ObjectId) -> Option<&Groups> {
        self.groups.get(object.ix())?.as_ref()
    }

    pub(crate) fn index(&self, at: usize) -> Option<&Index> {
        self.indexes.get(at)
    }

    pub(crate) fn index_of(&self, spec: &IndexSpec) -> Option<usize> {
        self.indexes.iter().position(|i| i.spec == *spec)
    }

    pub(crate) fn key_rule(&self, object: ObjectId) -> Option<KeyRule> {
        self.mapping
            .source
            .objects
            .get(object.ix())
            .map(KeyRule::of)
    }

    /// True when blanks of the object's survivors are filled.
    pub(crate) fn fills(&self, object: ObjectId) -> bool {
        let merge = self.mapping.merges.get(object.ix());
        merge.and_then(Option::as_ref).is_some_and(|m| m.fill)
    }

    /// A value of a kept record, filled from merged ones where it is blank.
    pub(crate) fn value<'a>(
        &'a self,
        object: usize,
        row: u32,
        column: usize,
        arena: &'a Bump,
    ) -> Value<'a> {
        let Some(store) = self.store(object) else {
            return Value::Absent;
        };
        let value = store.value(row, column, arena);
        if !value.is_blank() {
            return value;
        }
        let groups = self.groups.get(object).and_then(Option::as_ref);
        let others = groups.and_then(|g| g.members(row));
        let id = u16::try_from(object).map(ObjectId);
        match (others, id) {
            (Some(rows), Ok(id)) if self.fills(id) => rows
                .iter()
                .skip(1)
                .map(|r| store.value(*r, column, arena))
                .find(Value::is_present)
                .unwrap_or(value),
            _ => value,
        }
    }

    /// A record's part in a merge; `None` when it stands for itself alone.
    pub(crate) fn part(&self, object: ObjectId, key: &str) -> Option<Part<'_>> {
        let found = self.groups_of(object)?.find(key)?;
        let store = self.store(object.ix())?;
        Some(Part {
            members: Members {
                store,
                rows: found.rows,
                fill: self.fills(object),
            },
            into: found.into,
            survives: found.rows.first() == Some(&found.row),
            route: found.route,
        })
    }
}
