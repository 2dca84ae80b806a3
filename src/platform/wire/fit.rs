//! Whether a value fits a destination field, and the value as the field takes it.
//!
//! Only what loses nothing is changed: a text that is a number becomes that number, a choice takes the
//! declared spelling. What does not fit is a fault, never cut, rounded or dropped here.

use super::{
    encode::{Encoder, targets},
    number, plausible,
    time::{self, Zone},
};
use crate::{
    ident::ObjectId,
    platform::{Field, Platform},
    value::{DestRef, Fault, FaultKind, Type, Value},
};
use bumpalo::{Bump, collections::Vec as BumpVec};
use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashSet};
use rust_decimal::Decimal;

/// What a field takes.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    pub data_type: Type,
    max: Option<u64>,
    min: Option<Decimal>,
    largest: Option<Decimal>,
    scale: Option<u32>,
    item_max: Option<u64>,
    choices: Option<Choices>,
    truth: Vec<(String, bool)>,
    to: Vec<ObjectId>,
    strict: bool,
}

impl Limits {
    pub fn new(platform: &Platform, field: &Field) -> Limits {
        let rule = platform
            .custom
            .as_ref()
            .filter(|_| field.custom)
            .and_then(|c| c.custom_type(field.data_type));
        let max = field.max.or(rule.and_then(|r| r.max));
        let digits = rule
            .and_then(|r| r.digits)
            .and_then(|d| 10u64.checked_pow(d))
            .map(|n| Decimal::from(n - 1));
        let truth = field.truth.iter().flat_map(|t| {
            let yes = t.yes.iter().map(|w| (w.clone(), true));
            yes.chain(t.no.iter().map(|w| (w.clone(), false)))
        });
        Limits {
            data_type: field.data_type,
            max,
            min: field.min.map(Decimal::from).or(digits.map(|d| -d)),
            largest: field.max.map(Decimal::from).or(digits),
            scale: field.scale.or(rule.and_then(|r| r.scale)),
            item_max: field.item_max,
            choices: field.values.as_ref().map(|v| Choices::new(v)),
            truth: truth
                .chain([("true".to_owned(), true), ("false".to_owned(), false)])
                .collect(),
            to: targets(field),
            strict: field.blank_when_bad,
        }
    }
}

/// The choices of a field.
#[derive(Clone, Debug)]
struct Choices {
    /// As declared.
    exact: HashSet<String, FixedState>,
    /// By folded form; `None` where several fold to the same.
    folded: HashMap<String, Option<String>, FixedState>,
}

impl Choices {
    fn new(values: &[String]) -> Choices {
        let mut folded: HashMap<String, Option<String>, FixedState> = HashMap::default();
        for v in values {
            folded
                .entry(fold(v))
                .and_modify(|known| *known = known.take().filter(|k| k == v))
                .or_insert_with(|| Some(v.clone()));
        }
        Choices {
            exact: values.iter().cloned().collect(),
            folded,
        }
    }

    /// The declared spelling of a text.
    fn find(&self, text: &str) -> Option<&str> {
        self.exact
            .get(text)
            .or_else(|| self.folded.get(&fold(text))?.as_ref())
            .map(String::as_str)
    }
}

/// Lower case, runs of white space as one blank.
fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().flat_map(char::to_lowercase));
    }
    out
}

type Fits<'a> = Result<Value<'a>, Fault<'a>>;

fn fault<'a>(kind: FaultKind, found: &'a str) -> Fits<'a> {
    Err(Fault { kind, found })
}

impl Encoder {
    /// True when the value fits as it is and that shows at a glance, so that [`fits`](Encoder::fits) need not be asked.
    #[inline]
    pub fn takes(&self, value: &Value<'_>) -> bool {
        let l = &self.limits;
        let any_number = l.min.is_none() && l.largest.is_none();
        match (value, l.data_type) {
            (Value::Text(t), Type::Text | Type::Id | Type::Html) => {
                l.choices.is_none() && l.max.is_none_or(|max| t.len() as u64 <= max)
            }
            (Value::Int(_), Type::Int | Type::Bytes) => any_number,
            (Value::Decimal(_), Type::Decimal) => any_number && l.scale.is_none(),
            (Value::Bool(_), Type::Bool)
            | (Value::Date(_), Type::Date)
            | (Value::DateTime(_), Type::DateTime) => true,
            _ => false,
        }
    }

    /// The value as the field takes it.
    ///
    /// # Errors
    ///
    /// The fault that holds the record: of the wrong type, too long, out of range, not a choice, or not
    /// plausible as what the field holds. Absent and blank always fit; whether a field is required is the
    /// caller's matter.
    pub fn fits<'a>(&self, value: Value<'a>, arena: &'a Bump) -> Fits<'a> {
        match value {
            Value::Absent | Value::Blank => return Ok(value),
            Value::Bad(f) => return Err(*f),
            _ => {}
        }
        match self.limits.data_type {
            Type::Int | Type::Bytes => self.int(value, arena),
            Type::Decimal => self.decimal(value, arena),
            Type::Bool => self.truth_value(value, arena),
            Type::Date => self.date(value, arena),
            Type::DateTime => self.instant(value, arena),
            Type::Ref => self.reference(value, arena),
            Type::MultiEnum | Type::Tags | Type::List => self.list(value, arena),
            _ => self.text(value, arena),
        }
    }

    /// The value in words, for a fault.
    fn shown<'a>(&self, value: &Value<'a>, arena: &'a Bump) -> &'a str {
        match value {
            Value::Text(t) => t,
            Value::Dest(d) => d.id,
            other => {
                let mut out = Vec::new();
                self.write_text(other, &mut out);
                arena.alloc_str(&String::from_utf8_lossy(&out))
            }
        }
    }

    fn int<'a>(&self, value: Value<'a>, arena: &'a Bump) -> Fits<'a> {
        let n = match value {
            Value::Int(n) => n,
            Value::Decimal(d) => {
                let whole = d.normalize();
                match i64::try_from(whole) {
                    Ok(n) if whole.scale() == 0 => n,
                    _ => return fault(FaultKind::OutOfRange, self.shown(&value, arena)),
                }
            }
            Value::Text(t) => match (number::int(t), number::decimal(t)) {
                (Some(n), _) => n,
                (None, Some(_)) => return fault(FaultKind::OutOfRange, t),
                (None, None) => return fault(FaultKind::NotANumber, t),
            },
            other => return fault(FaultKind::NotANumber, self.shown(&other, arena)),
        };
        if self.in_range(Decimal::from(n)) {
            Ok(Value::Int(n))
        } else {
            fault(FaultKind::OutOfRange, self.shown(&value, arena))
        }
    }

    fn decimal<'a>(&self, value: Value<'a>, arena: &'a Bump) -> Fits<'a> {
        let d = match value {
            Value::Decimal(d) => d,
            Value::Int(n) => Decimal::from(n),
            Value::Text(t) => match number::decimal(t) {
                Some(d) => d,
                None => return fault(FaultKind::NotANumber, t),
            },
            other => return fault(FaultKind::NotANumber, self.shown(&other, arena)),
        };
        let fine = self
            .limits
            .scale
            .is_none_or(|most| d.scale() <= most || d.normalize().scale() <= most);
        if fine && self.in_range(d) {
            Ok(Value::Decimal(d))
        } else {
            fault(FaultKind::OutOfRange, self.shown(&value, arena))
        }
    }

    fn in_range(&self, d: Decimal) -> bool {
        let l = &self.limits;
        l.min.is_none_or(|min| d >= min) && l.largest.is_none_or(|max| d <= max)
    }

    fn truth_value<'a>(&self, value: Value<'a>, arena: &'a Bump) -> Fits<'a> {
        match value {
            Value::Bool(_) => Ok(value),
            Value::Text(t) => {
                let word = t.trim();
                let found = self.limits.truth.iter();
                match found
                    .into_iter()
                    .find(|(w, _)| w.to_lowercase() == word.to_lowercase())
                {
                    Some((_, b)) => Ok(Value::Bool(*b)),
                    None => fault(FaultKind::NotABool, t),
                }
            }
            other => fault(FaultKind::NotABool, self.shown(&other, arena)),
        }
    }

    /// A day. A time would be lost, so an instant does not fit.
    fn date<'a>(&self, value: Value<'a>, arena: &'a Bump) -> Fits<'a> {
        match value {
            Value::Date(_) => Ok(value),
            Value::Text(t) => match time::iso(t.trim()) {
                Some(m) if m.time.is_none() => Ok(Value::Date(m.date)),
                _ => fault(FaultKind::NotADate, t),
            },
            other => fault(FaultKind::NotADate, self.shown(&other, arena)),
        }
    }

    /// An instant. A day has no time, and a text without an offset no zone: neither is guessed.
    fn instant<'a>(&self, value: Value<'a>, arena: &'a Bump) -> Fits<'a> {
        match value {
            Value::DateTime(_) => Ok(value),
            Value::Text(t) => match time::iso(t.trim()) {
                Some(m) if m.offset.is_some() => match m.instant(&Zone::of(None)) {
                    Some(at) => Ok(Value::DateTime(at)),
                    None => fault(FaultKind::NotADate, t),
                },
                _ => fault(FaultKind::NotADate, t),
            },
            other => fault(FaultKind::NotADate, self.shown(&other, arena)),
        }
    }

    fn reference<'a>(&self, value: Value<'a>, arena: &'a Bump) -> Fits<'a> {
        match (value, self.limits.to.as_slice()) {
            (Value::Dest(d), to) if to.contains(&d.object) => Ok(value),
            // A literal id says enough where only one object is meant.
            (Value::Text(id), [object]) => Ok(Value::Dest(DestRef {
                object: *object,
                id,
            })),
            _ => fault(FaultKind::NotAChoice, self.shown(&value, arena)),
        }
    }

    fn text<'a>(&self, value: Value<'a>, arena: &'a Bump) -> Fits<'a> {
        let text = match value {
            Value::Text(t) => t,
            Value::List([one]) => return self.text(*one, arena),
            // Several values in one text need an op that says how.
            Value::List(_) | Value::Bad(_) => {
                return fault(FaultKind::OutOfRange, self.shown(&value, arena));
            }
            Value::Absent | Value::Blank => return Ok(value),
            other => self.shown(&other, arena),
        };
        let plausible = match self.limits.data_type {
            Type::Email => plausible::is_email(text)
                .then_some(())
                .ok_or(FaultKind::NotAnEmail),
            Type::Url => plausible::is_url(text)
                .then_some(())
                .ok_or(FaultKind::NotAUrl),
            Type::Phone => plausible::is_phone(text, self.limits.strict)
                .then_some(())
                .ok_or(FaultKind::NotAPhone),
            Type::JsonText => serde_json::from_str::<serde::de::IgnoredAny>(text)
                .map(|_| ())
                .map_err(|_| FaultKind::NotJson),
            _ => Ok(()),
        };
        if let Err(kind) = plausible {
            return fault(kind, text);
        }
        let text = self.choice(text, arena)?;
        if too_long(text, self.limits.max) {
            return fault(FaultKind::TooLong, text);
        }
        Ok(Value::Text(text))
    }

    /// The declared spelling of a choice.
    fn choice<'a>(&self, text: &'a str, arena: &'a Bump) -> Result<&'a str, Fault<'a>> {
        let Some(choices) = &self.limits.choices else {
            return Ok(text);
        };
        match choices.find(text) {
            Some(declared) if declared == text => Ok(text),
            Some(declared) => Ok(arena.alloc_str(declared)),
            None => Err(Fault {
                kind: FaultKind::NotAChoice,
                found: text,
            }),
        }
    }

    fn list<'a>(&self, value: Value<'a>, arena: &'a Bump) -> Fits<'a> {
        let items: &[Value<'a>] = match value {
            Value::List(items) => items,
            one => arena.alloc_slice_copy(&[one]),
        };
        let mut changed: Option<BumpVec<'a, Value<'a>>> = None;
        for (i, item) in items.iter().enumerate() {
            let text = match item {
                Value::Text(t) => *t,
                Value::List(_) | Value::Bad(_) | Value::Absent | Value::Blank => {
                    return fault(FaultKind::NotAList, self.shown(&value, arena));
                }
                other => self.shown(other, arena),
            };
            let fitting = self.choice(text, arena)?;
            if too_long(fitting, self.limits.item_max) {
                return fault(FaultKind::TooLong, fitting);
            }
            // Written into one text, an item with the separator would come back as two.
            if let Some(format) = &self.joined
                && !format.quoted
                && fitting.contains(format.separator.as_str())
            {
                return fault(FaultKind::NotAList, fitting);
            }
            let same = matches!(item, Value::Text(t) if std::ptr::eq(*t, fitting));
            if !same || changed.is_some() {
                changed
                    .get_or_insert_with(|| {
                        let mut kept = BumpVec::with_capacity_in(items.len(), arena);
                        kept.extend_from_slice(&items[..i]);
                        kept
                    })
                    .push(Value::Text(fitting));
            }
        }
        let value = Value::List(changed.map_or(items, BumpVec::into_bump_slice));
        if self.joined.is_some() && self.limits.max.is_some() {
            let whole = self.shown(&value, arena);
            if too_long(whole, self.limits.max) {
                return fault(FaultKind::TooLong, whole);
            }
        }
        Ok(value)
    }
}

/// Longer than so many characters. Bytes decide nearly always.
fn too_long(text: &str, max: Option<u64>) -> bool {
    max.is_some_and(|max| text.len() as u64 > max && text.chars().count() as u64 > max)
}
