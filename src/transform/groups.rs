//! Merges: which kept records stand for the same thing, who survives, and where the survivor goes.
//!
//! Only records that are in a merge are known here, so that the look-up by key stays small.

use super::{scope::Members, split::Route, store::Store};
use bumpalo::Bump;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use xxhash_rust::xxh3::xxh3_64;

/// Bits of the filter for each key: one key in sixteen passes without need.
const FILTER: usize = 16;

/// Records of one object that stand for the same thing.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    /// The rows of each group, the survivor first.
    lists: Vec<Vec<u32>>,
    /// The key of each group's survivor.
    keys: Vec<String>,
    of_row: HashMap<u32, u32, FixedState>,
    of_key: HashMap<String, (u32, u32), FixedState>,
    /// A bit for each hash of a key: most keys are in no merge, and this says so without a look at the table.
    filter: Vec<u64>,
    routes: Vec<Route>,
}

impl Groups {
    /// Groups of rows of a store, the survivor of each first.
    pub fn new(lists: Vec<Vec<u32>>, store: &Store) -> Groups {
        let keys = lists.iter().map(Vec::len).sum::<usize>();
        let mut groups = Groups {
            filter: vec![0; (keys * FILTER / 64).next_power_of_two()],
            ..Groups::default()
        };
        let mut arena = Bump::new();
        for (group, rows) in (0u32..).zip(&lists) {
            let survivor = rows.first().map_or("", |row| store.key(*row, &arena));
            groups.keys.push(survivor.to_owned());
            for row in rows {
                groups.of_row.insert(*row, group);
                let key = store.key(*row, &arena).to_owned();
                let (word, bit) = groups.place(&key);
                groups.filter[word] |= bit;
                groups.of_key.insert(key, (group, *row));
            }
            arena.reset();
        }
        groups.lists = lists;
        groups
    }

    /// The place of a key in the filter.
    fn place(&self, key: &str) -> (usize, u64) {
        let hash = xxh3_64(key.as_bytes());
        let word = (hash >> 6) as usize & self.filter.len().wrapping_sub(1);
        (word, 1 << (hash & 63))
    }

    /// The survivor of a row, or the row.
    pub fn survivor(&self, row: u32) -> u32 {
        let group = self.of_row.get(&row);
        group
            .and_then(|g| self.lists.get(*g as usize)?.first().copied())
            .unwrap_or(row)
    }

    /// The members of a row that survives for others.
    pub fn members(&self, row: u32) -> Option<&[u32]> {
        let rows = self.lists.get(*self.of_row.get(&row)? as usize)?;
        (rows.first() == Some(&row)).then_some(rows)
    }

    /// The rows of each group.
    pub fn lists(&self) -> &[Vec<u32>] {
        &self.lists
    }

    /// Says where the survivors go, group by group.
    pub fn set_routes(&mut self, routes: Vec<Route>) {
        self.routes = routes;
    }

    /// What is known about a record by its key.
    pub fn find(&self, key: &str) -> Option<Found<'_>> {
        let (word, bit) = self.place(key);
        if self.filter.get(word)? & bit == 0 {
            return None;
        }
        let (group, row) = *self.of_key.get(key)?;
        let at = group as usize;
        Some(Found {
            row,
            rows: self.lists.get(at)?,
            into: self.keys.get(at)?,
            route: self.routes.get(at).copied(),
        })
    }
}

/// A record that is in a merge.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'g> {
    /// Its row.
    pub row: u32,
    /// The rows of its group, the survivor first.
    pub rows: &'g [u32],
    /// The survivor's key.
    pub into: &'g str,
    /// Where the survivor goes.
    pub route: Option<Route>,
}

/// A record's part in a merge.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    /// The members, the survivor first.
    pub members: Members<'a>,
    /// The survivor's key.
    pub into: &'a str,
    /// True for the survivor.
    pub survives: bool,
    /// Where the survivor goes.
    pub route: Option<Route>,
}
