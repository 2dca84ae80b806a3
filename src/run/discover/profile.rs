//! What one column holds, value by value, in bounded memory.

use super::{looks::Looks, tally};
use crate::{
    platform::{
        Field,
        lock::{Choice, Need, SourceField},
    },
    value::{CellKind, Type, Value, mask},
};
use foldhash::fast::FixedState;
use hashbrown::HashSet;
use std::collections::BTreeMap;

/// Different values that are counted.
const DISTINCT_MAX: usize = 10_000;
/// Choices that are listed.
const CHOICES_MAX: usize = 300;
/// Shapes that are shown.
const SHAPES: usize = 3;
/// Most characters of a shape.
const SHAPE_MAX: usize = 40;

/// The profile of a column.
pub(super) struct Profile {
    filled: u64,
    bad: u64,
    max_chars: usize,
    distinct: HashSet<u64, FixedState>,
    capped: bool,
    looks: Looks,
    shapes: Vec<String>,
    choices: Option<BTreeMap<String, u64>>,
    more: HashSet<u64, FixedState>,
}

impl Profile {
    /// A profile. `is_choice`: its values are listed.
    pub fn new(is_choice: bool) -> Profile {
        Profile {
            filled: 0,
            bad: 0,
            max_chars: 0,
            distinct: HashSet::with_hasher(FixedState::default()),
            capped: false,
            looks: Looks::default(),
            shapes: Vec::new(),
            choices: is_choice.then(BTreeMap::new),
            more: HashSet::with_hasher(FixedState::default()),
        }
    }

    /// Takes a cell and what the declared type makes of it.
    pub fn take(&mut self, kind: CellKind, text: &str, value: &Value<'_>) {
        if matches!(kind, CellKind::Absent | CellKind::Null) {
            return;
        }
        let text = text.trim();
        // `{}` is a text, and an empty list. A column without a declared type has no value to ask.
        if text.is_empty() || *value == Value::Blank {
            return;
        }
        self.filled += 1;
        if matches!(value, Value::Bad(_)) {
            self.bad += 1;
        }
        if kind == CellKind::NoFile {
            return;
        }
        self.max_chars = self.max_chars.max(text.chars().count());
        self.looks.at(text);
        let hash = tally::hash(text, false);
        let fresh = if self.capped {
            false
        } else {
            let fresh = self.distinct.insert(hash);
            if self.distinct.len() > DISTINCT_MAX {
                self.distinct.remove(&hash);
                self.capped = true;
            }
            fresh
        };
        if fresh && self.shapes.len() < SHAPES {
            let shape = mask::shape(text, SHAPE_MAX);
            if !self.shapes.contains(&shape) {
                self.shapes.push(shape);
            }
        }
        if self.choices.is_some() {
            match value {
                Value::List(items) => {
                    for item in *items {
                        if let Value::Text(item) = item {
                            self.choice(item);
                        }
                    }
                }
                _ => self.choice(text),
            }
        }
    }

    fn choice(&mut self, text: &str) {
        let Some(choices) = &mut self.choices else {
            return;
        };
        if let Some(count) = choices.get_mut(text) {
            *count += 1;
        } else if choices.len() < CHOICES_MAX {
            choices.insert(text.to_owned(), 1);
        } else if self.more.len() < DISTINCT_MAX {
            self.more.insert(tally::hash(text, false));
        }
    }

    /// The account of a declared field among so many records.
    pub fn of_field(
        self,
        field: &Field,
        found: bool,
        records: u64,
        need: Option<Need>,
    ) -> SourceField {
        SourceField {
            declared: Some(field.data_type.name().to_owned()),
            custom: field.custom,
            needed_by: need,
            missing: if need.is_some() {
                records.saturating_sub(self.filled)
            } else {
                0
            },
            ..self.told(&field.name, &field.path, found)
        }
    }

    /// The account of a column that no field names.
    pub fn of_column(self, column: &str) -> SourceField {
        self.told(column, column, true)
    }

    fn told(self, name: &str, column: &str, found: bool) -> SourceField {
        let choices = self.choices.map(|all| {
            let mut list: Vec<Choice> = all
                .into_iter()
                .map(|(value, records)| Choice { value, records })
                .collect();
            list.sort_by(|a, b| {
                b.records
                    .cmp(&a.records)
                    .then_with(|| a.value.cmp(&b.value))
            });
            list
        });
        SourceField {
            field: name.to_owned(),
            column: column.to_owned(),
            declared: None,
            custom: false,
            found,
            filled: self.filled,
            bad: self.bad,
            distinct: self.distinct.len() as u64,
            distinct_capped: self.capped,
            max_chars: self.max_chars as u64,
            looks_like: self.looks.verdict().map(str::to_owned),
            needed_by: None,
            missing: 0,
            examples: self.shapes,
            choices,
            choices_more: self.more.len() as u64,
        }
    }
}

/// True for types whose values are choices by themselves.
pub(super) fn is_choice_type(field: &Field) -> bool {
    field.values.is_some()
        || matches!(
            field.data_type,
            Type::Enum | Type::MultiEnum | Type::Tags | Type::Bool
        )
}
