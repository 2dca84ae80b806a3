//! One record while a program runs over it: its cells, its joined records, its intermediate values.
//!
//! Cells are decoded when first asked for and kept for the record. A scope is made once per page and
//! moved from record to record, so that a record allocates nothing of its own.

use super::{
    columns::Columns,
    index,
    node::{JoinBy, JoinCode, Joined, LetCode},
    resolve::{Resolution, Resolve},
    store::Store,
    tables::Tables,
};
use crate::{
    ident::ObjectId,
    mapping::{Loss, OutcomePart},
    value::{CellKind, Fault, FaultKind, Page, Value},
};
use bumpalo::Bump;

/// Where the cells of the current record are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Record<'a> {
    /// In a page.
    Page(&'a Page, usize),
    /// In a store.
    Stored(&'a Store, u32),
}

/// Records that a survivor stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Members<'a> {
    /// The store of the object.
    pub store: &'a Store,
    /// All members, the survivor first.
    pub rows: &'a [u32],
    /// True when blanks are filled from the others.
    pub fill: bool,
}

/// What is known about a reference of the record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// The source object.
    pub object: ObjectId,
    /// The key as the record has it.
    pub written: &'a str,
    /// The key it was looked up by.
    pub key: &'a str,
    /// The answer.
    pub answer: Resolution<'a>,
    /// It is the answer of all steps and destination objects; else of some, and of all it is at least found, too.
    pub of_all: bool,
}

/// What became of a record that was not loaded.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome<'a> {
    /// Why, in words.
    pub reason: &'a str,
    /// The code of the hold.
    pub code: &'a str,
    /// The key of the record it went into.
    pub into: &'a str,
    /// The name of the step.
    pub step: &'a str,
    /// The record's key.
    pub key: &'a str,
    /// How many records name it.
    pub records: Option<u64>,
}

impl<'a> Outcome<'a> {
    /// A part as a value.
    pub fn part(&self, part: OutcomePart) -> Value<'a> {
        let text = match part {
            OutcomePart::Reason => self.reason,
            OutcomePart::Code => self.code,
            OutcomePart::Into => self.into,
            OutcomePart::Step => self.step,
            OutcomePart::Key => self.key,
            OutcomePart::Records => {
                let count = self.records.and_then(|n| i64::try_from(n).ok());
                return count.map_or(Value::Blank, Value::Int);
            }
        };
        if text.is_empty() {
            Value::Blank
        } else {
            Value::Text(text)
        }
    }
}

/// The state of one record in a program.
pub(crate) struct Scope<'a> {
    /// Where values that need room are put.
    pub arena: &'a Bump,
    /// Tables of joined records.
    pub tables: &'a Tables,
    /// Answers about the destination; `None` while tables are built.
    pub resolve: Option<&'a dyn Resolve>,
    columns: &'a Columns,
    record: Option<Record<'a>>,
    members: Option<Members<'a>>,
    turn: u32,
    turns: Vec<u32>,
    cells: Vec<Value<'a>>,
    join_codes: &'a [JoinCode],
    joins: Vec<Joined<'a>>,
    let_codes: &'a [LetCode],
    lets: Vec<Option<Value<'a>>>,
    scratch: String,
    lost: u16,
    /// What became of the record, for reports.
    pub outcome: Outcome<'a>,
    /// The last reference that a condition asked about, or that was found.
    pub asked: Option<Asked<'a>>,
    /// References to records that are not there: the source object and the key.
    pub missed: Vec<(ObjectId, &'a str)>,
    /// References that were left blank because nothing is there: the destination field and what it named.
    pub unmatched: Vec<(&'a str, &'a str)>,
}

impl<'a> Scope<'a> {
    /// A scope over pages or stores with these columns.
    pub fn new(
        columns: &'a Columns,
        tables: &'a Tables,
        resolve: Option<&'a dyn Resolve>,
        arena: &'a Bump,
    ) -> Scope<'a> {
        Scope {
            arena,
            tables,
            resolve,
            columns,
            record: None,
            members: None,
            turn: 0,
            turns: vec![0; columns.len()],
            cells: vec![Value::Absent; columns.len()],
            join_codes: &[],
            joins: Vec::new(),
            let_codes: &[],
            lets: Vec::new(),
            scratch: String::new(),
            lost: 0,
            outcome: Outcome::default(),
            asked: None,
            missed: Vec::new(),
            unmatched: Vec::new(),
        }
    }

    /// Moves to a record.
    pub fn enter(&mut self, record: Record<'a>, members: Option<Members<'a>>) {
        self.record = Some(record);
        self.members = members;
        self.asked = None;
        self.turn += 1;
        self.program(&[], &[]);
    }

    /// Moves to no record: only literals and the outcome have values.
    pub fn leave(&mut self) {
        self.record = None;
        self.members = None;
        self.turn += 1;
        self.program(&[], &[]);
    }

    /// Changes to the joins and lets of a program, for the same record.
    pub fn program(&mut self, joins: &'a [JoinCode], lets: &'a [LetCode]) {
        self.join_codes = joins;
        self.joins.clear();
        self.let_codes = lets;
        self.lets.clear();
        self.lets.resize(lets.len(), None);
    }

    /// Adds what the next join found.
    pub fn push_join(&mut self, joined: Joined<'a>) {
        self.joins.push(joined);
    }

    /// The value of a column, filled from merged records where it is blank.
    pub fn column(&mut self, column: usize) -> Value<'a> {
        *self.cell(column)
    }

    /// The same where it stands: a value is large, and a copy of it waits for its parts to be written.
    #[inline]
    pub fn cell(&mut self, column: usize) -> &Value<'a> {
        match self.turns.get(column) {
            Some(turn) if *turn == self.turn => {}
            Some(_) => self.fetch(column),
            None => return &Value::Absent,
        }
        self.cells.get(column).unwrap_or(&Value::Absent)
    }

    /// The value of a column into its place: decoded there, when nothing else has asked for it.
    #[inline]
    pub fn copy(&mut self, column: usize, out: &mut Value<'a>) {
        if let (Some(Record::Page(page, row)), None) = (self.record, self.members)
            && self.turns.get(column).is_some_and(|t| *t != self.turn)
        {
            let (kind, text) = page.cell(row, column);
            let columns = self.columns;
            columns.decode_into(column, kind, text, self.arena, out);
        } else {
            out.set(self.cell(column));
        }
    }

    /// A text as if it stood in a column.
    #[cold]
    pub fn read(&self, column: usize, text: &'a str) -> Value<'a> {
        self.columns
            .decode(column, CellKind::Text, text, self.arena)
    }

    fn fetch(&mut self, column: usize) {
        let Some(cell) = self.cells.get_mut(column) else {
            return;
        };
        self.turns[column] = self.turn;
        match self.record {
            Some(Record::Page(page, row)) => {
                let (kind, text) = page.cell(row, column);
                let columns = self.columns;
                columns.decode_into(column, kind, text, self.arena, cell);
            }
            Some(Record::Stored(store, row)) => *cell = store.value(row, column, self.arena),
            None => *cell = Value::Absent,
        }
        if let Some(members) = self.members
            && members.fill
            && cell.is_blank()
            && let Some(value) = self.filled(column, members)
        {
            self.cells[column] = value;
        }
    }

    fn filled(&self, column: usize, members: Members<'a>) -> Option<Value<'a>> {
        let field = *self.columns.fields.get(column)?;
        let stored = members.store.columns.position(field)?;
        members
            .rows
            .iter()
            .skip(1)
            .map(|row| members.store.value(*row, stored, self.arena))
            .find(Value::is_present)
    }

    /// What a join found; nothing when it has not been looked up.
    pub fn joined(&self, join: usize) -> Joined<'a> {
        self.joins.get(join).copied().unwrap_or_default()
    }

    /// The code of a join.
    pub fn join_code(&self, join: usize) -> Option<&'a JoinCode> {
        self.join_codes.get(join)
    }

    /// A value of a joined record; without a column its key.
    pub fn joined_value(&self, join: usize, row: u32, column: Option<usize>) -> Value<'a> {
        let Some(code) = self.join_code(join) else {
            return Value::Absent;
        };
        match column {
            Some(column) => self.tables.value(code.object, row, column, self.arena),
            None => match self.tables.store(code.object) {
                Some(store) => Value::Text(store.key(row, self.arena)),
                None => Value::Absent,
            },
        }
    }

    /// Looks up records by the values of the current one.
    pub fn lookup(&mut self, by: &JoinBy, rows: bool) -> Joined<'a> {
        let tables = self.tables;
        let Some(index) = tables.index(by.index) else {
            return Joined::default();
        };
        let mut key = std::mem::take(&mut self.scratch);
        let found = match self.members {
            Some(members) if by.own_key && members.rows.len() > 1 => {
                self.lookup_members(by, index, members, rows, &mut key)
            }
            _ => {
                let values = by.own.iter().map(|column| self.column(*column));
                if !index::key_of(values, &mut key) {
                    Joined::default()
                } else if rows {
                    let rows = index.rows(&key, self.arena);
                    Joined {
                        rows,
                        count: rows.len() as u32,
                    }
                } else {
                    Joined {
                        rows: &[],
                        count: index.count(&key),
                    }
                }
            }
        };
        self.scratch = key;
        found
    }

    /// The records found under the keys of all members together.
    fn lookup_members(
        &mut self,
        by: &JoinBy,
        index: &'a index::Index,
        members: Members<'a>,
        rows: bool,
        key: &mut String,
    ) -> Joined<'a> {
        let columns: Vec<Option<usize>> = by
            .own
            .iter()
            .map(|c| {
                let field = *self.columns.fields.get(*c)?;
                members.store.columns.position(field)
            })
            .collect();
        let mut all = Vec::new();
        let mut count = 0u32;
        for member in members.rows {
            let values = columns.iter().map(|c| match c {
                Some(c) => members.store.value(*member, *c, self.arena),
                None => Value::Absent,
            });
            if !index::key_of(values, key) {
                continue;
            }
            if rows {
                all.extend_from_slice(index.rows(key, self.arena));
            } else {
                count = count.saturating_add(index.count(key));
            }
        }
        if !rows {
            return Joined { rows: &[], count };
        }
        all.sort_unstable();
        all.dedup();
        if let Some(store) = self.tables.store(index.spec.object.ix()) {
            index::sort_rows(&mut all, store, &index.spec.order, self.arena);
        }
        Joined {
            count: all.len() as u32,
            rows: self.arena.alloc_slice_copy(&all),
        }
    }

    /// The value of a `let`, computed once for a record.
    pub fn binding(&mut self, binding: usize) -> Value<'a> {
        *self.bound(binding)
    }

    /// The same where it stands.
    pub fn bound(&mut self, binding: usize) -> &Value<'a> {
        if let Some(None) = self.lets.get(binding) {
            self.bind(binding);
        }
        match self.lets.get(binding) {
            Some(Some(value)) => value,
            _ => &Value::Absent,
        }
    }

    fn bind(&mut self, binding: usize) {
        // A `let` that names itself or a later one finds nothing.
        self.lets[binding] = Some(Value::Absent);
        let code = &self.let_codes[binding];
        let mut value = Value::Absent;
        code.node.write(self, &mut value);
        for act in &code.acts {
            act.change(&mut value, self);
        }
        if code.blank_when_bad && matches!(value, Value::Bad(_)) {
            self.lose(Loss::All);
            value = Value::Blank;
        }
        self.lets[binding] = Some(value);
    }

    /// The code of the lets, for templates.
    pub fn let_code(&self, binding: usize) -> Option<&'a LetCode> {
        self.let_codes.get(binding)
    }

    /// A bad value.
    pub fn bad(&self, kind: FaultKind, found: &'a str) -> Value<'a> {
        Value::Bad(self.arena.alloc(Fault { kind, found }))
    }

    /// Notes that the value being computed lost something.
    pub fn lose(&mut self, loss: Loss) {
        self.lost |= 1 << loss as u16;
    }

    /// What was lost since the last call, as bits by [`Loss`].
    pub fn take_lost(&mut self) -> u16 {
        std::mem::take(&mut self.lost)
    }
}
