//! One destination field of a record: input, ops, reference, check against the destination.

use super::{
    act::Act,
    compile::{CompileError, Compiler},
    condition::Condition,
    fingerprint::{self, Fingerprint},
    node::{self, Node},
    pages,
    reference::{Found, RefCode},
    resolve::Resolve,
    scope::Scope,
    text,
};
use crate::{
    mapping::{BlankPolicy, FieldMap, Given, Input, Loss, Mapping, Missing, OnBad, Op},
    platform::{Object, wire::Encoder},
    value::{Fault, FaultKind, Type, Value},
};

/// An entry of a step, compiled.
#[derive(Debug)]
pub(crate) struct FieldCode {
    /// The destination field's name.
    pub name: String,
    node: Node,
    /// The column, when the entry copies one and does nothing else.
    copied: Option<usize>,
    /// The choices that the source field has, where nothing in the entry says what becomes of others.
    choices: Option<Vec<String>>,
    before: Vec<Act>,
    pages: Option<(usize, String)>,
    after: Vec<Act>,
    when: Option<Condition>,
    blank_when_bad: bool,
    encoder: Encoder,
    reference: Option<RefCode>,
    missing: Missing,
    needed: bool,
    required: bool,
    clears: bool,
    hash: u64,
    turn: Turn,
}

/// Whether an entry is written in this pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is.
    Now,
    /// In the second pass; this is the first.
    Later,
    /// It was in the first pass; this is the second.
    Before,
}

/// What an entry gives.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Got<'a> {
    /// A value for this pass, absent and blank included. It stands in its place.
    Value,
    /// One text for each of several records.
    Pages(&'a [Value<'a>]),
    /// A value that the second pass writes.
    Deferred,
}

/// Why an entry gives nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble<'a> {
    /// The value is bad or does not fit.
    Fault(Fault<'a>),
    /// The destination requires a value.
    Required,
    /// A reference is blank or does not resolve; what it named.
    Missing(&'a str),
    /// What it refers to is held.
    ParentHeld(&'a str),
    /// The record is left out, counted.
    SkipRow,
}

/// The closed choices of the source field that an entry reads: a value outside of them is none the platform knows. A
/// value map says itself what becomes of others.
fn choices(compiler: &Compiler<'_>, entry: &FieldMap) -> Option<Vec<String>> {
    let Input::Field(id) = entry.input else {
        return None;
    };
    let object = compiler.mapping.source.objects.get(compiler.object.ix())?;
    let field = object.fields.get(id.ix())?;
    let mapped = entry.ops.iter().any(|op| matches!(op, Op::Map(_)));
    if mapped || field.data_type != Type::Enum || field.values_observed {
        return None;
    }
    field.values.clone()
}

/// Choices compare trimmed and without case.
fn same_choice(choice: &str, text: &str) -> bool {
    let (choice, text) = (choice.trim(), text.trim());
    choice.eq_ignore_ascii_case(text)
        || (!text.is_ascii() && choice.to_lowercase() == text.to_lowercase())
}

impl FieldCode {
    /// Compiles an entry. `to` is the destination object.
    pub fn new(
        compiler: &Compiler<'_>,
        entry: &FieldMap,
        to: &Object,
        turn: Turn,
    ) -> Result<FieldCode, CompileError> {
        let mapping: &Mapping = compiler.mapping;
        let field = to
            .fields
            .get(entry.to.ix())
            .ok_or_else(|| compiler.error(format!("the destination has no {:?}", entry.to)))?;
        let named = |e: CompileError| CompileError {
            place: format!("{}, field `{}`", e.place, field.name),
            ..e
        };
        let at = entry.ops.iter().position(|o| matches!(o, Op::Pages { .. }));
        let (before, after) = entry.ops.split_at(at.unwrap_or(entry.ops.len()));
        let pages = match at.and_then(|at| entry.ops.get(at)) {
            Some(Op::Pages { max, mark }) => {
                Some((usize::try_from(*max).unwrap_or(usize::MAX), mark.clone()))
            }
            _ => None,
        };
        let targets = field.reference.as_ref().map_or(&[][..], |r| &r.to);
        let node = compiler.node(&entry.input).map_err(named)?;
        let choices = choices(compiler, entry);
        let plain = entry.ops.is_empty()
            && choices.is_none()
            && entry.when.is_none()
            && entry.reference.is_none()
            && turn == Turn::Now;
        Ok(FieldCode {
            copied: match &node {
                Node::Column(column) if plain => Some(*column),
                _ => None,
            },
            node,
            choices,
            before: compiler.acts(&entry.input, before).map_err(named)?,
            after: compiler.acts(&entry.input, after).map_err(named)?,
            pages,
            when: match &entry.when {
                Some(when) => Some(compiler.condition(when).map_err(named)?),
                None => None,
            },
            blank_when_bad: entry.bad == OnBad::Blank,
            encoder: Encoder::new(&mapping.destination, field),
            reference: entry
                .reference
                .as_ref()
                .map(|r| RefCode::new(mapping, r, &entry.only, targets)),
            missing: entry.missing,
            needed: entry.needed,
            required: field.required,
            clears: entry.blank == BlankPolicy::Clear,
            hash: fingerprint::name_hash(&field.name),
            name: field.name.clone(),
            turn,
        })
    }

    /// Evaluates the entry for the record in scope into `out`, and adds to the fingerprint what belongs there (a text
    /// on several pages is added page by page by the caller).
    pub fn evaluate<'a>(
        &'a self,
        scope: &mut Scope<'a>,
        resolve: &'a dyn Resolve,
        print: &mut Fingerprint,
        out: &mut Value<'a>,
    ) -> Result<Got<'a>, Trouble<'a>> {
        if let Some(column) = self.copied {
            scope.copy(column, out);
            let fits = match out.is_blank() {
                true => !self.required && !self.needed,
                false => self.encoder.takes(out),
            };
            if fits {
                print.value(self.hash, out, self.clears);
                return Ok(Got::Value);
            }
        }
        if self.turn == Turn::Before {
            *out = Value::Absent;
            return Ok(Got::Value);
        }
        // A deferred entry is decided in the second pass, when all that it may ask is known.
        if let Some(when) = &self.when
            && self.turn == Turn::Now
            && !when.holds(scope)
        {
            *out = Value::Absent;
            return match self.required {
                true => Err(Trouble::Required),
                false => Ok(Got::Value),
            };
        }
        let alternative = match &self.node {
            Node::FirstOf(nodes) => {
                let (at, value) = node::first_of(nodes, scope).unwrap_or((0, Value::Blank));
                *out = value;
                at
            }
            node => {
                node.write(scope, out);
                0
            }
        };
        self.go_on(alternative, scope, resolve, print, out)
    }

    /// The same with a value that a person gave instead of the source's.
    #[cold]
    pub fn given<'a>(
        &'a self,
        given: &'a Given,
        scope: &mut Scope<'a>,
        resolve: &'a dyn Resolve,
        print: &mut Fingerprint,
        out: &mut Value<'a>,
    ) -> Result<Got<'a>, Trouble<'a>> {
        *out = Value::Absent;
        if self.turn == Turn::Before {
            return Ok(Got::Value);
        }
        let skipped = match (&self.when, self.turn) {
            (Some(when), Turn::Now) => !when.holds(scope),
            _ => false,
        };
        let text = match given {
            Given::Set(text) if !skipped => text,
            _ if self.required => return Err(Trouble::Required),
            _ => return Ok(Got::Value),
        };
        let first = match &self.node {
            Node::FirstOf(nodes) => nodes.first().unwrap_or(&self.node),
            node => node,
        };
        *out = match first {
            Node::Column(column) => scope.read(*column, text),
            _ => Value::Text(text),
        };
        self.go_on(0, scope, resolve, print, out)
    }

    /// From the value at first, which stands in `out`, to what is written. `alternative`: which input of a `first_of` gave
    /// it.
    #[inline]
    fn go_on<'a>(
        &'a self,
        alternative: usize,
        scope: &mut Scope<'a>,
        resolve: &'a dyn Resolve,
        print: &mut Fingerprint,
        out: &mut Value<'a>,
    ) -> Result<Got<'a>, Trouble<'a>> {
        if let (Some(choices), Value::Text(text)) = (&self.choices, &*out)
            && !choices.iter().any(|c| c == text)
            && !choices.iter().any(|c| same_choice(c, text))
        {
            *out = scope.bad(FaultKind::NotAChoice, text);
        }
        for act in &self.before {
            act.change(out, scope);
        }
        if let Some((max, mark)) = &self.pages
            && let Value::Text(whole) = *out
        {
            return self.spread(whole, *max, mark, scope);
        }
        for act in &self.after {
            act.change(out, scope);
        }
        if self.blank_when_bad && matches!(out, Value::Bad(_)) {
            scope.lose(Loss::All);
            *out = Value::Blank;
        }
        match &*out {
            Value::Bad(fault) => return Err(Trouble::Fault(**fault)),
            Value::Absent | Value::Blank => {
                if self.missing == Missing::Fallback
                    && let Some(reference) = &self.reference
                    && let Some(record) = reference.fallback(alternative, resolve)
                {
                    print.reference(self.hash, "");
                    *out = Value::Dest(record);
                    return Ok(Got::Value);
                }
                self.lacking("")?;
                if self.turn == Turn::Now {
                    print.value(self.hash, out, self.clears);
                }
                return Ok(Got::Value);
            }
            _ => {}
        }
        if self.turn == Turn::Later {
            return Ok(Got::Deferred);
        }
        if let Some(reference) = &self.reference {
            return self.resolve(reference, alternative, scope, resolve, print, out);
        }
        if !self.encoder.takes(out) {
            match self.encoder.fits(*out, scope.arena) {
                Ok(value) => *out = value,
                Err(_) if self.blank_when_bad => {
                    scope.lose(Loss::All);
                    self.lacking("")?;
                    *out = Value::Blank;
                }
                Err(fault) => return Err(Trouble::Fault(fault)),
            }
        }
        print.value(self.hash, out, self.clears);
        Ok(Got::Value)
    }

    /// What a blank value means. `named` is the reference that led to it.
    fn lacking<'a>(&self, named: &'a str) -> Result<(), Trouble<'a>> {
        if self.needed || !named.is_empty() {
            return match self.missing {
                Missing::SkipRow => Err(Trouble::SkipRow),
                Missing::Blank if !self.required => Ok(()),
                _ if self.reference.is_some() && !(self.required && named.is_empty()) => {
                    Err(Trouble::Missing(named))
                }
                _ => Err(Trouble::Required),
            };
        }
        if self.required {
            return Err(Trouble::Required);
        }
        Ok(())
    }

    fn spread<'a>(
        &'a self,
        whole: &'a str,
        max: usize,
        mark: &str,
        scope: &mut Scope<'a>,
    ) -> Result<Got<'a>, Trouble<'a>> {
        let parts = pages::spread(whole, max, mark, scope.arena);
        let mut out = bumpalo::collections::Vec::with_capacity_in(parts.len(), scope.arena);
        for part in parts {
            let mut value = Value::Text(part);
            for act in &self.after {
                value = act.apply(value, scope);
            }
            match self.encoder.fits(value, scope.arena) {
                Ok(value) => out.push(value),
                Err(fault) => return Err(Trouble::Fault(fault)),
            }
        }
        Ok(Got::Pages(out.into_bump_slice()))
    }

    /// True when a blank clears the destination's value in this pass.
    pub fn clears(&self) -> bool {
        self.clears && self.turn == Turn::Now
    }

    /// Adds a page to a fingerprint.
    pub fn print_page(&self, value: &Value<'_>, print: &mut Fingerprint) {
        print.value(self.hash, value, self.clears);
    }

    fn resolve<'a>(
        &'a self,
        reference: &'a RefCode,
        alternative: usize,
        scope: &mut Scope<'a>,
        resolve: &'a dyn Resolve,
        print: &mut Fingerprint,
        out: &mut Value<'a>,
    ) -> Result<Got<'a>, Trouble<'a>> {
        let Value::List(items) = *out else {
            let key = match &*out {
                Value::Text(key) => *key,
                other => text::canonical(other, scope.arena).unwrap_or(""),
            };
            let (found, key) = reference.find(key, alternative, resolve, scope);
            match found {
                Found::Record(record) => {
                    print.reference(self.hash, key);
                    *out = Value::Dest(record);
                }
                Found::StandIn(record) => {
                    print.stand_in(self.hash, key);
                    *out = Value::Dest(record);
                }
                Found::Later => {
                    print.reference(self.hash, key);
                    return Ok(Got::Deferred);
                }
                Found::Held => return Err(Trouble::ParentHeld(key)),
                Found::Dropped | Found::Unknown => {
                    self.lacking(key)?;
                    scope.unmatched.push((&self.name, key));
                    print.value(self.hash, &Value::Blank, self.clears);
                    *out = Value::Blank;
                }
            }
            return Ok(Got::Value);
        };
        let mut records = bumpalo::collections::Vec::with_capacity_in(items.len(), scope.arena);
        let mut later = false;
        for item in items {
            let key = text::canonical(item, scope.arena).unwrap_or("");
            let (found, key) = reference.find(key, alternative, resolve, scope);
            match found {
                Found::Record(record) => {
                    print.reference(self.hash, key);
                    records.push(Value::Dest(record));
                }
                Found::StandIn(record) => {
                    print.stand_in(self.hash, key);
                    records.push(Value::Dest(record));
                }
                Found::Later => {
                    print.reference(self.hash, key);
                    later = true;
                }
                Found::Held => return Err(Trouble::ParentHeld(key)),
                Found::Dropped | Found::Unknown => {
                    self.lacking(key)?;
                    scope.unmatched.push((&self.name, key));
                }
            }
        }
        if later {
            return Ok(Got::Deferred);
        }
        *out = if records.is_empty() {
            Value::Blank
        } else {
            Value::List(records.into_bump_slice())
        };
        Ok(Got::Value)
    }
}
