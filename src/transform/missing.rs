//! The report of records that others name and that are not there: one for each key, with how many name it.

use super::{
    columns::Columns,
    compile::{CompileError, Compiler, map_tables},
    effect::Sink,
    resolve::Resolve,
    scope::{Outcome, Scope},
    step::{At, StepCode, Work},
    tables::Tables,
};
use crate::{ident::StepId, mapping::Mapping};
use bumpalo::Bump;
use std::sync::Arc;

/// A step that reports missing records, compiled.
#[derive(Debug)]
pub struct MissingPass {
    columns: Columns,
    tables: Arc<Tables>,
    step: StepCode,
}

impl MissingPass {
    /// Compiles the step. It sees no fields, only the outcome.
    ///
    /// # Errors
    ///
    /// When it reads a field or a join; that of a checked mapping does not.
    pub fn compile(
        mapping: &Mapping,
        tables: Arc<Tables>,
        id: StepId,
    ) -> Result<MissingPass, CompileError> {
        let Some(step) = mapping.steps.get(id.ix()) else {
            return Err(CompileError {
                place: "a report".to_owned(),
                why: "it names a step that is not there".to_owned(),
            });
        };
        let columns = Columns::default();
        let maps = map_tables(mapping);
        let code = {
            let zone = &tables.zone.zone;
            let compiler = Compiler {
                tables: Some(&tables),
                ..Compiler::plain(mapping, &maps, zone, step.from, &columns, "")
            };
            StepCode::new(&compiler.step(step), id, step, &[], false)?
        };
        Ok(MissingPass {
            columns,
            tables,
            step: code,
        })
    }

    /// Tells the missing records: their keys, and how many written records name each.
    pub fn run<'k>(
        &self,
        missing: impl Iterator<Item = (&'k str, u64)>,
        resolve: &dyn Resolve,
        sink: &mut dyn Sink,
    ) {
        let mut arena = Bump::new();
        for (key, records) in missing {
            {
                let mut scope = Scope::new(&self.columns, &self.tables, Some(resolve), &arena);
                scope.leave();
                scope.outcome = Outcome {
                    key,
                    records: Some(records),
                    ..Outcome::default()
                };
                let at = At { key, line: 0 };
                let mut work = Work::default();
                self.step.run(at, &mut scope, resolve, &mut work, sink);
            }
            arena.reset();
        }
    }
}
