//! What a field loses on its way: the worst of its input, its ops and its template.
//!
//! The classes are an order ([`Loss`]); a value that is kept whole by another field of the same step is not lost.
//! Said about the rule, not about records: `cut` *may* shorten.

mod template;

use crate::{
    ident::{FieldId, JoinId},
    mapping::{FieldMap, Input, JoinKind, Loss, Mapping, Op, OtherValue, Pick, Step, ValueMap},
};
use std::collections::{BTreeMap, BTreeSet};

/// A class of loss and its reason in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The class.
    pub class: Loss,
    /// Why; empty where nothing is lost.
    pub why: String,
}

impl Lost {
    fn nothing() -> Lost {
        Lost::of(Loss::None, "")
    }

    fn of(class: Loss, why: impl Into<String>) -> Lost {
        Lost {
            class,
            why: why.into(),
        }
    }

    fn or_worse(self, other: Lost) -> Lost {
        if other.class > self.class {
            other
        } else {
            self
        }
    }

    /// True when more than case, white space or spelling is lost.
    pub fn is_lossy(&self) -> bool {
        self.class > Loss::Normal
    }
}

/// What the field at this position of a step loses.
pub fn of_field(mapping: &Mapping, step: &Step, at: usize) -> Lost {
    let Some(map) = step.fields.get(at) else {
        return Lost::nothing();
    };
    let lost = on_path(mapping, step, map);
    if lost.is_lossy() && is_kept(mapping, step, at, map) {
        return Lost::nothing();
    }
    lost
}

/// What a value map loses: values that become the same one.
pub fn of_map(map: &ValueMap) -> Lost {
    let mut sources: BTreeMap<&str, u32> = BTreeMap::new();
    for (_, to) in &map.rows {
        *sources.entry(to).or_default() += 1;
    }
    let mut merged: Vec<String> = sources
        .iter()
        .filter(|(_, n)| **n > 1)
        .map(|(to, n)| format!("{n} values become `{to}`"))
        .collect();
    if let OtherValue::Use(to) = &map.other {
        merged.push(format!("values without a row become `{to}`"));
    }
    if merged.is_empty() {
        return Lost::nothing();
    }
    Lost::of(
        Loss::Merge,
        format!("value map `{}`: {}", map.name, merged.join(", ")),
    )
}

/// The joins that a field reads, with the field of the joined records; `None`: the records themselves.
pub fn joins_read(
    mapping: &Mapping,
    step: &Step,
    map: &FieldMap,
) -> BTreeSet<(JoinId, Option<FieldId>)> {
    let mut out = BTreeSet::new();
    gather_joins(mapping, step, &map.input, &mut out);
    out
}

fn gather_joins(
    mapping: &Mapping,
    step: &Step,
    input: &Input,
    out: &mut BTreeSet<(JoinId, Option<FieldId>)>,
) {
    match input {
        Input::Join { join, field, .. } => {
            out.insert((*join, *field));
        }
        Input::FirstOf(list) => {
            for input in list {
                gather_joins(mapping, step, input, out);
            }
        }
        // A let names only lets before it.
        Input::Let { binding, .. } => {
            if let Some(binding) = step.lets.get(*binding) {
                gather_joins(mapping, step, &binding.input, out);
            }
        }
        Input::Text(text) => out.extend(template::joins(mapping, step, text)),
        Input::Field(_) | Input::Count(_) | Input::Const(_) | Input::Param(_) => {}
        Input::Outcome(_) => {}
    }
}

fn on_path(mapping: &Mapping, step: &Step, map: &FieldMap) -> Lost {
    of_input(mapping, step, &map.input).or_worse(of_ops(mapping, &map.ops))
}

fn of_input(mapping: &Mapping, step: &Step, input: &Input) -> Lost {
    match input {
        Input::Join {
            join,
            pick: Pick::At(at),
            ..
        } => {
            let all = step
                .joins
                .get(join.ix())
                .is_some_and(|j| j.kind == JoinKind::All);
            if all && !reads_rest(step, *join, at + 1) {
                return Lost::of(Loss::Items, "only one of the joined records is kept");
            }
            Lost::nothing()
        }
        Input::FirstOf(list) => list.iter().fold(Lost::nothing(), |lost, input| {
            lost.or_worse(of_input(mapping, step, input))
        }),
        Input::Let { binding, .. } => match step.lets.get(*binding) {
            Some(binding) => {
                of_input(mapping, step, &binding.input).or_worse(of_ops(mapping, &binding.ops))
            }
            None => Lost::nothing(),
        },
        Input::Text(text) => template::lost(mapping, step, text),
        _ => Lost::nothing(),
    }
}

/// True when a field of the step takes the records of a join from this position on.
fn reads_rest(step: &Step, join: JoinId, from: usize) -> bool {
    step.fields.iter().any(|f| match f.input {
        Input::Join {
            join: j,
            pick: Pick::From(n),
            ..
        } => j == join && n <= from,
        _ => false,
    })
}

fn of_ops(mapping: &Mapping, ops: &[Op]) -> Lost {
    let mut lost = Lost::nothing();
    for (at, op) in ops.iter().enumerate() {
        let next = match op {
            Op::Map(map) => match mapping.value_maps.get(*map) {
                Some(map) => of_map(map),
                None => Lost::nothing(),
            },
            // What stands before an op that reads a format takes its marks away and loses no meaning.
            Op::Replace { .. } | Op::Regex(_)
                if ops
                    .get(at + 1..)
                    .is_some_and(|rest| rest.iter().any(reads_a_format)) =>
            {
                Lost::nothing()
            }
            op => Lost::of(op.loss(), words(op)),
        };
        lost = lost.or_worse(next);
    }
    lost
}

fn reads_a_format(op: &Op) -> bool {
    matches!(
        op,
        Op::Number
            | Op::ParseDate(_)
            | Op::PhoneNumber(_)
            | Op::WebAddress
            | Op::EmailAddress
            | Op::ParseJson(_)
    )
}

fn words(op: &Op) -> String {
    match op {
        Op::Cut { max, .. } => format!("`cut` may shorten it to {max} characters"),
        Op::Over { max, .. } => format!("items over {max} characters are left out"),
        Op::Round { scale: 0, .. } => "`round` makes it a whole number".to_owned(),
        Op::Round { scale, .. } => format!("`round` leaves {scale} digits"),
        Op::DayIn(_) => "`day_in` leaves out the time of day".to_owned(),
        Op::First => "`first` takes one item".to_owned(),
        Op::ParseJson(_) => "members outside of its shape stay behind".to_owned(),
        Op::Plain => "`plain` leaves out the markup".to_owned(),
        Op::Replace { .. } | Op::Regex(_) => format!("`{}` leaves out a part", op.name()),
        Op::Mask | Op::Hash => format!("`{}` hides it on purpose", op.name()),
        op => format!("`{}` changes the spelling", op.name()),
    }
}

/// True when every source field of a field is kept whole by another field of the step.
fn is_kept(mapping: &Mapping, step: &Step, at: usize, map: &FieldMap) -> bool {
    let mut sources = BTreeSet::new();
    if !gather_sources(step, &map.input, &mut sources) || sources.is_empty() {
        return false;
    }
    sources.into_iter().all(|source| {
        step.fields.iter().enumerate().any(|(i, other)| {
            i != at
                && other.input == Input::Field(source)
                && !on_path(mapping, step, other).is_lossy()
        })
    })
}

/// Collects the record's own fields behind an input; false when there is more behind it.
fn gather_sources(step: &Step, input: &Input, out: &mut BTreeSet<FieldId>) -> bool {
    match input {
        Input::Field(field) => {
            out.insert(*field);
            true
        }
        Input::FirstOf(list) => list.iter().all(|i| gather_sources(step, i, out)),
        Input::Let { binding, .. } => step
            .lets
            .get(*binding)
            .is_some_and(|b| gather_sources(step, &b.input, out)),
        Input::Const(_) | Input::Param(_) => true,
        _ => false,
    }
}
