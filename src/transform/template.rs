//! `text:` templates: minijinja in an environment of our own, strict about everything that is missing.
//!
//! A template sees the fields, joins and lets that it names, nothing else; there are no loaders, a bound on
//! its work and one on its output. Absent and blank values are undefined in it, so that printing one
//! or gluing it to a text is an error unless it went through `or(…)`. Record data is never compiled.

use super::{filters, map::MapTable, node::Joined, scope::Scope, tables::Tables};
use crate::value::{FaultKind, Value};
use bumpalo::Bump;
use jiff::tz::TimeZone;
use minijinja::{
    Environment, Error, ErrorKind, UndefinedBehavior, Value as JValue,
    value::{Enumerator, Object, ValueKind},
};
use std::{borrow::Cow, io, sync::Arc};

/// Most instructions of one rendering.
const FUEL: u64 = 2_000_000;
/// Most bytes of one text.
const OUTPUT_MAX: usize = 1 << 20;

/// A compiled template.
pub(crate) struct Template {
    env: Environment<'static>,
    names: Arc<Vec<String>>,
    vars: Vec<Var>,
    tables: Option<Arc<Tables>>,
    zone: TimeZone,
}

/// What a name in a template stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Var {
    /// A column of the record.
    Column(usize),
    /// A join; true for a `one:` join.
    Join(usize, bool),
    /// A `let`.
    Let(usize),
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Template")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl Template {
    /// Compiles a template. `name_of` says what a name stands for.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub fn new(
        source: &str,
        maps: Vec<Arc<MapTable>>,
        tables: Option<Arc<Tables>>,
        zone: &TimeZone,
        mut name_of: impl FnMut(&str) -> Option<Var>,
    ) -> Result<Template, String> {
        let mut env = Environment::empty();
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_fuel(Some(FUEL));
        env.set_formatter(|out, state, value| {
            if value.is_none() {
                return Err(Error::new(ErrorKind::UndefinedError, "nothing to print"));
            }
            // As everywhere else here, and not as in Python.
            if value.kind() == ValueKind::Bool {
                let word = if value.is_true() { "true" } else { "false" };
                return out.write_str(word).map_err(Error::from);
            }
            minijinja::escape_formatter(out, state, value)
        });
        filters::add(&mut env, maps, zone);
        env.add_template_owned("text", standalone(source).into_owned())
            .map_err(|e| words(&e))?;
        let compiled = env.get_template("text").map_err(|e| words(&e))?;
        let mut names: Vec<String> = compiled.undeclared_variables(false).into_iter().collect();
        names.retain(|n| n != "range" && n != "loop");
        names.sort_unstable();
        let vars = names
            .iter()
            .map(|n| name_of(n).ok_or_else(|| format!("nothing is called `{n}`")))
            .collect::<Result<_, _>>()?;
        drop(compiled);
        Ok(Template {
            env,
            names: Arc::new(names),
            vars,
            tables,
            zone: zone.clone(),
        })
    }

    /// The text for the record in scope. Bad when a value it names is bad, or when it cannot be rendered; then the
    /// reason stands in the place of the text found.
    pub fn render<'a>(&'a self, scope: &mut Scope<'a>) -> Value<'a> {
        let mut values = Vec::with_capacity(self.vars.len());
        for var in &self.vars {
            let value = match *var {
                Var::Column(column) => match scope.column(column) {
                    bad @ Value::Bad(_) => return bad,
                    value => self.value(&value),
                },
                Var::Join(join, one) => self.records(scope.joined(join), one, join, scope),
                Var::Let(binding) => match scope.binding(binding) {
                    bad @ Value::Bad(_) => return bad,
                    value => match scope.let_code(binding) {
                        Some(code) if !code.members.is_empty() => {
                            self.members(&code.members, &value)
                        }
                        _ => self.value(&value),
                    },
                },
            };
            values.push(value);
        }
        let root = JValue::from_object(Members {
            names: Arc::clone(&self.names),
            values,
        });
        let mut out = Bounded(Vec::new());
        let rendered = self
            .env
            .get_template("text")
            .and_then(|t| t.render_captured_to(root, &mut out).map(drop));
        match (rendered, std::str::from_utf8(&out.0)) {
            (Ok(()), Ok("")) => Value::Blank,
            (Ok(()), Ok(text)) => Value::Text(scope.arena.alloc_str(text)),
            (Err(e), _) => scope.bad(FaultKind::TextFailed, scope.arena.alloc_str(&words(&e))),
            (Ok(()), Err(_)) => scope.bad(FaultKind::TextFailed, "not UTF-8"),
        }
    }

    fn value(&self, value: &Value<'_>) -> JValue {
        filters::value(value, &self.zone)
    }

    fn records(&self, joined: Joined<'_>, one: bool, join: usize, scope: &Scope<'_>) -> JValue {
        let (Some(tables), Some(code)) = (&self.tables, scope.join_code(join)) else {
            return JValue::UNDEFINED;
        };
        let record = |row: Option<u32>| {
            JValue::from_object(JoinedRecord {
                tables: Arc::clone(tables),
                object: code.object,
                row,
                zone: self.zone.clone(),
            })
        };
        if one {
            record(joined.rows.first().copied())
        } else {
            let records: Vec<JValue> = joined.rows.iter().map(|r| record(Some(*r))).collect();
            JValue::from(records)
        }
    }

    fn members(&self, names: &[String], value: &Value<'_>) -> JValue {
        let values: Vec<JValue> = match value {
            Value::List(items) => items.iter().map(|v| self.value(v)).collect(),
            _ => Vec::new(),
        };
        JValue::from_object(Members {
            names: Arc::new(names.to_vec()),
            values,
        })
    }
}

/// Names with values: the variables of a template, or the members of a `let`.
#[derive(Debug)]
struct Members {
    names: Arc<Vec<String>>,
    values: Vec<JValue>,
}

impl Object for Members {
    fn get_value(self: &Arc<Self>, key: &JValue) -> Option<JValue> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<JValue> {
        let at = self.names.iter().position(|n| n == key)?;
        self.values.get(at).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }
}

/// A record of a join. Its fields are decoded when they are asked for; without a row all are undefined.
#[derive(Debug)]
struct JoinedRecord {
    tables: Arc<Tables>,
    object: usize,
    row: Option<u32>,
    zone: TimeZone,
}

impl Object for JoinedRecord {
    fn get_value(self: &Arc<Self>, key: &JValue) -> Option<JValue> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<JValue> {
        let row = self.row?;
        let store = self.tables.store(self.object)?;
        let column = store.columns.names.iter().position(|n| n == key)?;
        let arena = Bump::new();
        let value = self.tables.value(self.object, row, column, &arena);
        Some(filters::value(&value, &self.zone))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.row.is_some()
    }
}

/// Takes output up to the bound.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > OUTPUT_MAX {
            return Err(io::Error::other("the text is longer than 1 MiB"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Lines that hold only `{% … %}` tags leave no line in the text.
fn standalone(source: &str) -> Cow<'_, str> {
    let only_tags = |line: &str| {
        let mut rest = line.trim();
        if rest.is_empty() {
            return false;
        }
        while let Some(tag) = rest.strip_prefix("{%") {
            match tag.find("%}") {
                Some(end) => rest = tag[end + 2..].trim_start(),
                None => return false,
            }
        }
        rest.is_empty()
    };
    if !source.lines().any(only_tags) {
        return Cow::Borrowed(source);
    }
    let mut out = String::with_capacity(source.len());
    for line in source.split_inclusive('\n') {
        out.push_str(if only_tags(line) { line.trim() } else { line });
    }
    Cow::Owned(out)
}

/// A minijinja error in words, with its line in the template.
fn words(error: &Error) -> String {
    let mut cause = std::error::Error::source(error);
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    let cause = cause.map(ToString::to_string);
    let what = match (cause, error.detail()) {
        (Some(cause), _) => cause,
        (None, Some(detail)) => detail.to_owned(),
        (None, None) => error.kind().to_string(),
    };
    match error.line() {
        Some(line) => format!("{what} (line {line} of the text)"),
        None => what,
    }
}
