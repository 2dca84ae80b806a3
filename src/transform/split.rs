//! Splits, compiled: the first row that holds says where a record goes.

use super::{
    compile::{CompileError, Compiler},
    condition::Condition,
    node::JoinCode,
    scope::Scope,
    uses::{self, Uses},
};
use crate::{
    ident::{ObjectId, StepId},
    mapping::{Mapping, SplitTo},
};

/// The split rows of one object. Without rows every step of the object takes every record.
#[derive(Debug, Default)]
pub(crate) struct SplitCode {
    joins: Vec<JoinCode>,
    rows: Vec<(Option<Condition>, SplitTo)>,
}

/// Where a record goes: a row of the split, or everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route(Option<usize>);

impl Route {
    /// The row of the split; `None` without a split.
    pub fn row(self) -> Option<usize> {
        self.0
    }
}

/// What a route means for one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goes<'a> {
    /// Here.
    Here,
    /// To other steps.
    Elsewhere,
    /// Nowhere, for this reason.
    Nowhere(&'a str),
}

impl SplitCode {
    /// The split of an object.
    pub fn new(compiler: Compiler<'_>, object: ObjectId) -> Result<SplitCode, CompileError> {
        let mapping: &Mapping = compiler.mapping;
        let Some(rows) = mapping.splits.get(object.ix()).filter(|r| !r.is_empty()) else {
            return Ok(SplitCode::default());
        };
        let compiler = Compiler {
            joins: uses::split_joins(mapping, object),
            ..compiler
        };
        let uses = Uses::of_split(mapping, object);
        let compiled = rows.iter().map(|row| {
            let when = match &row.when {
                Some(when) => Some(compiler.condition(when)?),
                None => None,
            };
            Ok((when, row.to.clone()))
        });
        Ok(SplitCode {
            rows: compiled.collect::<Result<_, _>>()?,
            joins: compiler.joins(&uses.rows)?,
        })
    }

    /// Where the record in scope goes.
    pub fn route<'a>(&'a self, scope: &mut Scope<'a>) -> Route {
        if self.rows.is_empty() {
            return Route(None);
        }
        scope.program(&self.joins, &[]);
        for join in &self.joins {
            let found = join.find(scope).unwrap_or_default();
            scope.push_join(found);
        }
        let row = self.rows.iter().position(|(when, _)| match when {
            Some(when) => when.holds(scope),
            None => true,
        });
        // `else` is required; a split without one sends the rest nowhere.
        Route(Some(row.unwrap_or(self.rows.len())))
    }

    /// Why a route leaves a record out; `None` when some step takes it.
    pub fn leaves_out(&self, route: Route) -> Option<&str> {
        match self.rows.get(route.0?) {
            Some((_, SplitTo::Drop(reason))) => Some(reason),
            Some((_, SplitTo::Steps(_))) => None,
            None => Some("no row of the split holds for it"),
        }
    }

    /// What a route means for a step.
    pub fn goes(&self, route: Route, step: StepId) -> Goes<'_> {
        let Some(row) = route.0 else {
            return Goes::Here;
        };
        match self.rows.get(row) {
            Some((_, SplitTo::Steps(steps))) if steps.contains(&step) => Goes::Here,
            Some((_, SplitTo::Steps(_))) => Goes::Elsewhere,
            Some((_, SplitTo::Drop(reason))) => Goes::Nowhere(reason),
            None => Goes::Nowhere("no row of the split holds for it"),
        }
    }
}
