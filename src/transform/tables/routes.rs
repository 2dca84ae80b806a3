//! Where the survivors of merges go, decided once when the tables are complete.

use super::Tables;
use crate::{
    ident::ObjectId,
    transform::{
        compile::{CompileError, Compiler, map_tables},
        scope::{Members, Record, Scope},
        split::{Route, SplitCode},
    },
};
use bumpalo::Bump;
use std::{collections::BTreeSet, sync::Arc};

/// Where the survivors of an object's merges go, group by group.
pub(super) fn of_survivors(
    tables: &Arc<Tables>,
    object: ObjectId,
) -> Result<Vec<Route>, CompileError> {
    let (Some(store), Some(groups)) = (tables.store(object.ix()), tables.groups_of(object)) else {
        return Ok(Vec::new());
    };
    let mut asked = BTreeSet::new();
    let rows = tables.mapping.splits.get(object.ix());
    for when in rows.into_iter().flatten().filter_map(|r| r.when.as_ref()) {
        when.asks(&mut asked);
    }
    // A split that asks what became of other records is decided when they are loaded.
    if !asked.is_empty() {
        return Ok(Vec::new());
    }
    let maps = map_tables(&tables.mapping);
    let compiler = Compiler {
        tables: Some(tables),
        ..Compiler::plain(
            &tables.mapping,
            &maps,
            &tables.zone.zone,
            object,
            &store.columns,
            "a split",
        )
    };
    let split = SplitCode::new(compiler, object)?;
    let mut arena = Bump::new();
    let mut routes = Vec::with_capacity(groups.lists().len());
    for rows in groups.lists() {
        let Some(survivor) = rows.first() else {
            continue;
        };
        {
            let members = Members {
                store,
                rows,
                fill: tables.fills(object),
            };
            let mut scope = Scope::new(&store.columns, tables, None, &arena);
            scope.enter(Record::Stored(store, *survivor), Some(members));
            routes.push(split.route(&mut scope));
        }
        arena.reset();
    }
    Ok(routes)
}
