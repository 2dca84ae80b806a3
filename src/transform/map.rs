//! Value maps as tables: a text in, a typed value out.

use super::{
    json, text,
    trace::{Touched, Trace},
};
use crate::{
    mapping::{ValueMap, model::OtherValue},
    value::{Fault, FaultKind, Type, Value},
};
use bumpalo::Bump;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::{hash::BuildHasher as _, sync::Arc};

/// A value map, ready to look up.
#[derive(Debug)]
pub(crate) struct MapTable {
    /// Its name.
    pub name: String,
    rows: Vec<MapRow>,
    table: HashTable<u32>,
    hasher: FixedState,
    exact: bool,
    other: OtherValue,
    out: Type,
    /// What it gives is the text as it is written.
    as_text: bool,
    /// Told of every look-up, under this position of the map.
    trace: Option<(Arc<Trace>, usize)>,
}

#[derive(Debug)]
struct MapRow {
    from: String,
    to: String,
    /// Its position in the mapping.
    at: usize,
    /// True when several rows give the same value, so that they cannot be told apart afterwards.
    merges: bool,
}

/// What a look-up gave.
enum Mapped<'a> {
    /// A value, and whether several source values become it.
    Value(Value<'a>, bool),
    /// The source value itself.
    Keep,
    /// No row, and the map holds such records.
    Nothing,
}

impl MapTable {
    /// The table of a value map. Of rows with the same key the first counts.
    pub fn new(map: &ValueMap) -> MapTable {
        let mut out = MapTable {
            name: map.name.clone(),
            rows: Vec::with_capacity(map.rows.len()),
            table: HashTable::with_capacity(map.rows.len()),
            hasher: FixedState::default(),
            exact: map.exact,
            other: map.other.clone(),
            out: map.out_type,
            as_text: matches!(map.out_type, Type::Text | Type::Enum | Type::Id),
            trace: None,
        };
        let mut outs = hashbrown::HashMap::<&str, u32>::new();
        for (_, to) in &map.rows {
            *outs.entry(to.as_str()).or_default() += 1;
        }
        for (at, (from, to)) in map.rows.iter().enumerate() {
            let from = if map.exact {
                from.clone()
            } else {
                text::folded(from)
            };
            let hash = out.hasher.hash_one(from.as_str());
            if out.find(hash, &from).is_some() {
                continue;
            }
            let id = out.rows.len() as u32;
            let merges = outs.get(to.as_str()).is_some_and(|n| *n > 1);
            let to = to.clone();
            out.rows.push(MapRow {
                from,
                to,
                at,
                merges,
            });
            let (rows, hasher) = (&out.rows, &out.hasher);
            out.table.insert_unique(hash, id, |id| {
                hasher.hash_one(rows[*id as usize].from.as_str())
            });
        }
        out
    }

    /// The same table, which tells a trace what is looked up. `at`: its position among the mapping's value maps.
    pub fn traced(mut self, trace: &Arc<Trace>, at: usize) -> MapTable {
        self.trace = Some((Arc::clone(trace), at));
        self
    }

    fn find(&self, hash: u64, key: &str) -> Option<&MapRow> {
        self.table
            .find(hash, |id| self.rows[*id as usize].from == key)
            .and_then(|id| self.rows.get(*id as usize))
    }

    fn get_key<'a>(&'a self, key: &str, arena: &'a Bump) -> Mapped<'a> {
        let found = self.find(self.hasher.hash_one(key), key);
        if let Some((trace, map)) = &self.trace {
            trace.note(match found {
                Some(row) => Touched::MapRow(*map, row.at),
                None => Touched::MapOther(*map),
            });
        }
        match found {
            Some(row) => Mapped::Value(self.typed(&row.to, arena), row.merges),
            None => match &self.other {
                OtherValue::Hold => Mapped::Nothing,
                OtherValue::Keep | OtherValue::Create => Mapped::Keep,
                OtherValue::Use(to) => Mapped::Value(self.typed(to, arena), true),
            },
        }
    }

    fn typed<'a>(&'a self, to: &'a str, arena: &'a Bump) -> Value<'a> {
        if to.is_empty() {
            Value::Blank
        } else if self.out.is_list() {
            Value::Text(to)
        } else {
            json::from_text(to, self.out, arena)
        }
    }

    /// Puts what the map makes of a value in its place, as [`MapTable::apply`] does.
    pub fn change<'a>(&'a self, value: &mut Value<'a>, arena: &'a Bump) -> bool {
        if let Value::Text(found) = *value
            && self.trace.is_none()
            && self.as_text
        {
            let key = match self.exact {
                true => found,
                false => text::fold_in(found, arena),
            };
            if let Some(row) = self.find(self.hasher.hash_one(key), key) {
                *value = match row.to.as_str() {
                    "" => Value::Blank,
                    to => Value::Text(to),
                };
                return row.merges;
            }
        }
        let (mapped, merged) = self.apply(*value, arena);
        *value = mapped;
        merged
    }

    /// A value through the map: texts by themselves, other values by their canonical text, lists item by item.
    /// The flag says that values were merged.
    pub fn apply<'a>(&'a self, value: Value<'a>, arena: &'a Bump) -> (Value<'a>, bool) {
        match value {
            Value::List(items) => {
                let mut merged = false;
                let mut out = bumpalo::collections::Vec::with_capacity_in(items.len(), arena);
                for item in items {
                    let (value, loss) = self.apply(*item, arena);
                    merged |= loss;
                    match value {
                        Value::Bad(_) => return (value, merged),
                        v if v.is_present() => out.push(v),
                        _ => {}
                    }
                }
                let list = out.into_bump_slice();
                let value = if list.is_empty() {
                    Value::Blank
                } else {
                    Value::List(list)
                };
                (value, merged)
            }
            _ => match text::canonical(&value, arena) {
                None => (value, false),
                Some(found) => {
                    let key = if self.exact {
                        found
                    } else {
                        text::fold_in(found, arena)
                    };
                    match self.get_key(key, arena) {
                        Mapped::Value(v, merges) => (v, merges),
                        Mapped::Keep => (value, false),
                        Mapped::Nothing => {
                            let kind = FaultKind::NotMapped;
                            (Value::Bad(arena.alloc(Fault { kind, found })), false)
                        }
                    }
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{FileId, Span};

    fn map(exact: bool, other: OtherValue, out_type: Type) -> MapTable {
        let row = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        MapTable::new(&ValueMap {
            name: "m".into(),
            rows: vec![
                row("Open", "false"),
                row("closed", "true"),
                row("done", "true"),
            ],
            exact,
            other,
            out_type,
            span: Span {
                file: FileId(0),
                start: 0,
                end: 0,
            },
        })
    }

    #[test]
    fn rows_match_without_case_unless_exact() {
        let arena = Bump::new();
        let table = map(false, OtherValue::Hold, Type::Bool);
        let get = |t| table.apply(Value::Text(t), &arena);
        assert_eq!(get(" OPEN "), (Value::Bool(false), false));
        assert_eq!(get("closed"), (Value::Bool(true), true));
        assert!(matches!(get("late").0, Value::Bad(f) if f.kind == FaultKind::NotMapped));
        let table = map(true, OtherValue::Keep, Type::Text);
        assert_eq!(
            table.apply(Value::Text("Open"), &arena).0,
            Value::Text("false")
        );
        assert_eq!(
            table.apply(Value::Text("open"), &arena).0,
            Value::Text("open")
        );
    }

    #[test]
    fn other_values_follow_the_policy_item_by_item() {
        let arena = Bump::new();
        let table = map(false, OtherValue::Use("maybe".into()), Type::Text);
        let list = [Value::Text("open"), Value::Int(3), Value::Text("done")];
        let out = [
            Value::Text("false"),
            Value::Text("maybe"),
            Value::Text("true"),
        ];
        assert_eq!(
            table.apply(Value::List(&list), &arena),
            (Value::List(&out), true)
        );
        let held = map(false, OtherValue::Hold, Type::Text);
        assert!(
            matches!(held.apply(Value::List(&list), &arena).0, Value::Bad(f) if f.found == "3")
        );
    }
}
