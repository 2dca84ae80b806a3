//! Hand-offs: records that leave as documents, as rows of shown texts.

use super::{
    columns::Columns,
    compile::{CompileError, Compiler, map_tables},
    condition::Condition,
    scope::{Record, Scope},
    tables::Tables,
    text,
    uses::Uses,
};
use crate::{
    ident::{FieldId, ObjectId},
    mapping::{Advice, Handoff, Mapping},
    value::Page,
};
use bumpalo::Bump;
use std::{collections::BTreeSet, sync::Arc};

/// A hand-off, compiled.
#[derive(Debug)]
pub struct HandoffPass {
    object: ObjectId,
    columns: Columns,
    tables: Arc<Tables>,
    when: Option<Condition>,
    show: Vec<usize>,
    advise: Option<(usize, Advice)>,
}

impl HandoffPass {
    /// Compiles a hand-off of a mapping.
    ///
    /// # Errors
    ///
    /// When its condition does not compile; that of a checked mapping does.
    pub fn compile(
        mapping: &Mapping,
        tables: Arc<Tables>,
        handoff: &Handoff,
    ) -> Result<HandoffPass, CompileError> {
        let place = format!("hand-off `{}`", handoff.name);
        let Some(declared) = mapping.source.objects.get(handoff.from.ix()) else {
            return Err(CompileError {
                place,
                why: "it reads an object that is not there".to_owned(),
            });
        };
        let mut read: BTreeSet<FieldId> = handoff.show.iter().copied().collect();
        read.extend(handoff.advise.iter().map(|a| a.from));
        if let Some(when) = &handoff.when {
            read.extend(Uses::of_condition(mapping, handoff.from, when).own);
        }
        let read: Vec<FieldId> = read.into_iter().collect();
        let columns = Columns::new(declared, &read, tables.zone.name.as_deref());
        let maps = map_tables(mapping);
        let zone = &tables.zone.zone;
        let compiler = Compiler::plain(mapping, &maps, zone, handoff.from, &columns, &place);
        let when = match &handoff.when {
            Some(when) => Some(compiler.condition(when)?),
            None => None,
        };
        let show = handoff.show.iter();
        Ok(HandoffPass {
            object: handoff.from,
            show: show.filter_map(|f| columns.position(*f)).collect(),
            advise: handoff
                .advise
                .as_ref()
                .and_then(|a| Some((columns.position(a.from)?, a.clone()))),
            when,
            columns,
            tables,
        })
    }

    /// The object whose records it shows.
    pub fn object(&self) -> ObjectId {
        self.object
    }

    /// The columns its pages must have, in this order.
    pub fn columns(&self) -> &[FieldId] {
        &self.columns.fields
    }

    /// The shown texts of each record of a page that the condition takes, in the order of
    /// `Handoff::show`; what is recommended for it stands last, where the hand-off advises.
    pub fn run(&self, page: &Page, arena: &Bump) -> Vec<Vec<String>> {
        let mut scope = Scope::new(&self.columns, &self.tables, None, arena);
        let mut out = Vec::new();
        for row in 0..page.rows() {
            scope.enter(Record::Page(page, row), None);
            if self.when.as_ref().is_none_or(|w| w.holds(&mut scope)) {
                let texts = self.show.iter().map(|column| {
                    let value = scope.column(*column);
                    text::canonical(&value, arena).unwrap_or("").to_owned()
                });
                let mut texts: Vec<String> = texts.collect();
                if let Some((column, advice)) = &self.advise {
                    let value = scope.column(*column);
                    let value = text::canonical(&value, arena).unwrap_or("");
                    let row = advice.rows.iter().find(|(v, _)| text::fold_equal(v, value));
                    let words = row.map(|(_, words)| words).or(advice.other.as_ref());
                    texts.push(words.cloned().unwrap_or_default());
                }
                out.push(texts);
            }
        }
        out
    }
}
