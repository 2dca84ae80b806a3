//! From a resolved mapping to code: names and ids become columns, rows of tables and prepared ops.

use super::{
    act::Act,
    columns::Columns,
    condition::{Condition, Literal},
    contact,
    keys::KeyRule,
    map::MapTable,
    moment, needs,
    node::{JoinBy, JoinCode, LetCode, Node},
    tables::Tables,
    template::{Template, Var},
    text,
    trace::Trace,
    uses,
};
use crate::{
    ident::{FieldId, ObjectId},
    mapping::{Input, Join, JoinKind, Let, Mapping, OnBad, Op, Operand, Pick, Step, When},
    platform::zone,
    value::Scalar,
};
use jiff::{civil::Time, tz::TimeZone};
use memchr::memmem::Finder;
use std::sync::Arc;

/// Why a mapping cannot be compiled. A checked mapping compiles; this is for those built otherwise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot compile {place}: {why}")]
pub struct CompileError {
    /// The step, and the field where it is about one.
    pub place: String,
    /// What is wrong.
    pub why: String,
}

/// What names mean while something is compiled.
pub(crate) struct Compiler<'m> {
    /// The mapping.
    pub mapping: &'m Mapping,
    /// The finished tables; `None` while they are built.
    pub tables: Option<&'m Arc<Tables>>,
    /// Value maps, prepared.
    pub maps: &'m [Arc<MapTable>],
    /// The zone of the source's times.
    pub zone: &'m TimeZone,
    /// The object read.
    pub object: ObjectId,
    /// The columns of its records.
    pub columns: &'m Columns,
    /// The joins in scope.
    pub joins: &'m [Join],
    /// The lets in scope.
    pub lets: &'m [Let],
    /// The destination object, for ops that ask about it.
    pub to: Option<ObjectId>,
    /// Where we are, for errors.
    pub place: String,
}

/// The prepared value maps of a mapping.
pub(crate) fn map_tables(mapping: &Mapping) -> Vec<Arc<MapTable>> {
    let tables = mapping.value_maps.iter().map(MapTable::new);
    tables.map(Arc::new).collect()
}

/// The same, telling a trace what is looked up.
pub(crate) fn traced_map_tables(mapping: &Mapping, trace: &Arc<Trace>) -> Vec<Arc<MapTable>> {
    let tables = mapping.value_maps.iter().enumerate();
    tables
        .map(|(at, map)| Arc::new(MapTable::new(map).traced(trace, at)))
        .collect()
}

impl<'m> Compiler<'m> {
    /// A compiler for conditions on records of an object, outside any step.
    pub fn plain(
        mapping: &'m Mapping,
        maps: &'m [Arc<MapTable>],
        zone: &'m TimeZone,
        object: ObjectId,
        columns: &'m Columns,
        place: &str,
    ) -> Compiler<'m> {
        Compiler {
            mapping,
            tables: None,
            maps,
            zone,
            object,
            columns,
            joins: &[],
            lets: &[],
            to: None,
            place: place.to_owned(),
        }
    }

    /// The same for a step.
    pub fn step(self, step: &'m Step) -> Compiler<'m> {
        Compiler {
            joins: &step.joins,
            lets: &step.lets,
            to: Some(step.to),
            place: format!("step `{}`", step.name),
            ..self
        }
    }

    /// An error at the current place.
    pub fn error(&self, why: impl Into<String>) -> CompileError {
        CompileError {
            place: self.place.clone(),
            why: why.into(),
        }
    }

    fn column(&self, field: FieldId) -> Result<usize, CompileError> {
        self.columns
            .position(field)
            .ok_or_else(|| self.error(format!("{field:?} is not among the columns")))
    }

    /// A value's source.
    pub fn node(&self, input: &Input) -> Result<Node, CompileError> {
        Ok(match input {
            Input::Field(field) => Node::Column(self.column(*field)?),
            Input::Join { join, pick, field } => {
                let join = join.ix();
                let column = match field {
                    Some(field) => Some(self.joined_column(join, *field)?),
                    None => None,
                };
                match *pick {
                    Pick::At(at) => Node::Joined { join, at, column },
                    Pick::From(from) => Node::JoinedFrom { join, from, column },
                }
            }
            Input::Count(join) => Node::Count(join.ix()),
            Input::Let { binding, member } => match member {
                Some(member) => Node::Member(*binding, *member),
                None => Node::Let(*binding),
            },
            Input::Const(scalar) => Node::Const(scalar.clone()),
            Input::Param(at) => {
                let param = self.mapping.params.get(*at);
                let value = param.and_then(|p| p.value.clone());
                Node::Const(value.unwrap_or(Scalar::Blank))
            }
            Input::FirstOf(inputs) => Node::FirstOf(
                inputs
                    .iter()
                    .map(|i| self.node(i))
                    .collect::<Result<_, _>>()?,
            ),
            Input::Outcome(part) => Node::Outcome(*part),
            Input::Text(source) => Node::Text(Box::new(self.template(source)?)),
        })
    }

    fn joined_column(&self, join: usize, field: FieldId) -> Result<usize, CompileError> {
        let join = self
            .joins
            .get(join)
            .ok_or_else(|| self.error("it names a join that is not there"))?;
        self.tables
            .and_then(|t| t.store(join.object.ix()))
            .and_then(|s| s.columns.position(field))
            .ok_or_else(|| self.error(format!("join `{}` keeps no {field:?}", join.name)))
    }

    fn template(&self, source: &str) -> Result<Template, CompileError> {
        let object = self.mapping.source.objects.get(self.object.ix());
        let tables = self.tables.map(Arc::clone);
        Template::new(source, self.maps.to_vec(), tables, self.zone, |name| {
            if let Some(at) = self.joins.iter().position(|j| j.name == name) {
                let one = matches!(self.joins[at].kind, JoinKind::One { .. });
                return Some(Var::Join(at, one));
            }
            if let Some(at) = self.lets.iter().position(|l| l.name == name) {
                return Some(Var::Let(at));
            }
            let (field, _) = object?.field(name)?;
            self.columns.position(field).map(Var::Column)
        })
        .map_err(|why| self.error(why))
    }

    /// The joins of a step or split.
    pub fn joins(&self, read: &[bool]) -> Result<Vec<JoinCode>, CompileError> {
        let Some(tables) = self.tables else {
            return Ok(Vec::new());
        };
        let rule = &tables.key_rule(self.object);
        let compile = |(at, join): (usize, &Join)| {
            let read = read.get(at).copied().unwrap_or(true);
            let rows = needs::join_rows(self.mapping, join, read);
            let mut by = Vec::with_capacity(join.by.len());
            for (spec, pairs) in needs::join_indexes(join, rows).zip(&join.by) {
                let own: Vec<FieldId> = pairs.iter().map(|(_, own)| *own).collect();
                let columns = own.iter().map(|f| self.column(*f));
                by.push(JoinBy {
                    index: tables
                        .index_of(&spec)
                        .ok_or_else(|| self.error(format!("join `{}` has no index", join.name)))?,
                    own: columns.collect::<Result<_, _>>()?,
                    own_key: rule.as_ref().is_some_and(|r| {
                        !r.fields.is_empty() && own.iter().all(|f| r.fields.contains(f))
                    }),
                });
            }
            Ok(JoinCode {
                object: join.object.ix(),
                kind: join.kind.clone(),
                by,
                rows,
                name: join.name.clone(),
                say: join.say.clone(),
            })
        };
        self.joins.iter().enumerate().map(compile).collect()
    }

    /// The lets of a step.
    pub fn lets(&self) -> Result<Vec<LetCode>, CompileError> {
        let compile = |binding: &Let| {
            Ok(LetCode {
                node: self.node(&binding.input)?,
                blank_when_bad: binding.bad == OnBad::Blank,
                acts: self.acts(&binding.input, &binding.ops)?,
                members: binding.members.iter().map(|(n, _)| n.clone()).collect(),
            })
        };
        self.lets.iter().map(compile).collect()
    }

    /// Ops in order. `pages` is none of them: the pass spreads records itself.
    pub fn acts(&self, input: &Input, ops: &[Op]) -> Result<Vec<Act>, CompileError> {
        ops.iter()
            .filter(|op| !matches!(op, Op::Pages { .. }))
            .map(|op| self.act(input, op))
            .collect()
    }

    fn act(&self, input: &Input, op: &Op) -> Result<Act, CompileError> {
        let zone_of = |name: &str| {
            zone::find(name).ok_or_else(|| self.error(format!("there is no zone `{name}`")))
        };
        let pattern = |p: &str| {
            regex::Regex::new(p)
                .map(Box::new)
                .map_err(|e| self.error(format!("the pattern `{p}` cannot be used: {e}")))
        };
        let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        Ok(match op {
            Op::Trim => Act::Trim,
            Op::Lower => Act::Lower,
            Op::Upper => Act::Upper,
            Op::Squeeze => Act::Squeeze,
            Op::Map(at) => {
                Act::Map(Arc::clone(self.maps.get(*at).ok_or_else(|| {
                    self.error("it names a value map that is not there")
                })?))
            }
            Op::Cut { max, at } => Act::Cut {
                max: size(*max),
                at: at.clone(),
            },
            Op::Over { max, hold } => Act::Over {
                max: size(*max),
                hold: *hold,
            },
            Op::Pages { .. } => return Err(self.error("`pages` does not fit here")),
            Op::Round { mode, scale } => Act::Round {
                mode: *mode,
                scale: *scale,
            },
            Op::DayIn(zone) => Act::DayIn(zone_of(zone)?),
            Op::At { zone, time } => Act::At {
                zone: zone_of(zone)?,
                time: Time::strptime("%H:%M", time)
                    .map_err(|e| self.error(format!("`{time}` is no time: {e}")))?,
            },
            Op::PhoneNumber(region) => Act::Phone(region.as_deref().and_then(contact::region)),
            Op::WebAddress => Act::WebAddress,
            Op::EmailAddress => Act::EmailAddress,
            Op::ParseJson(shape) => Act::ParseJson(shape.clone()),
            Op::Plain => Act::Plain,
            Op::Split(separator) => Act::Split(separator.clone()),
            Op::JoinWith(separator) => Act::JoinWith(separator.clone()),
            Op::Unique => Act::Unique,
            Op::First => Act::First,
            Op::Names => self.names(input)?,
            Op::PrefixIfTaken(prefix) => Act::PrefixIfTaken {
                prefix: prefix.clone(),
                object: self
                    .to
                    .ok_or_else(|| self.error("`prefix_if_taken` needs a destination"))?,
            },
            Op::Regex(p) => Act::Regex(pattern(p)?),
            Op::Replace { pattern: p, with } => Act::Replace {
                pattern: pattern(p)?,
                with: with.clone(),
            },
            Op::Number => Act::Number,
            Op::ParseDate(format) => Act::ParseDate(format.clone()),
            Op::FormatDate { format, zone } => {
                if !moment::is_format(format) {
                    return Err(self.error(format!("`{format}` is no strftime format")));
                }
                Act::FormatDate {
                    format: format.clone(),
                    zone: match zone {
                        Some(name) => zone_of(name)?,
                        None => TimeZone::UTC,
                    },
                }
            }
            Op::Default(scalar) => Act::Default(scalar.clone()),
            Op::Prefix(prefix) => Act::Prefix(prefix.clone()),
            Op::Mask => Act::Mask,
            Op::Hash => Act::Hash(Box::new(blake3::derive_key(
                "transload op hash",
                self.mapping.name.as_bytes(),
            ))),
        })
    }

    fn names(&self, input: &Input) -> Result<Act, CompileError> {
        let own = self.mapping.source.objects.get(self.object.ix());
        let object = uses::refers(self.mapping, own, self.joins, input)
            .ok_or_else(|| self.error("`names` needs references"))?;
        let found = self.tables.and_then(|tables| {
            let spec = needs::names_index(self.mapping, object)?;
            let declared = self.mapping.source.objects.get(object.ix())?;
            let store = tables.store(object.ix())?;
            let column = uses::name_field(declared).and_then(|f| store.columns.position(f));
            Some((tables.index_of(&spec)?, column))
        });
        let (index, column) =
            found.ok_or_else(|| self.error("the records that `names` names are not kept"))?;
        Ok(Act::Names {
            object: object.ix(),
            index,
            column,
        })
    }

    /// A condition.
    pub fn condition(&self, when: &When) -> Result<Condition, CompileError> {
        let all = |list: &[When]| {
            list.iter()
                .map(|w| self.condition(w))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(match when {
            When::And(list) => Condition::And(all(list)?),
            When::Or(list) => Condition::Or(all(list)?),
            When::Not(inner) => Condition::Not(Box::new(self.condition(inner)?)),
            When::True(o) => Condition::True(self.operand(o)?),
            When::Present(o) => Condition::Present(self.operand(o)?),
            When::Blank(o) => Condition::Blank(self.operand(o)?),
            When::Compare(a, how, b) => {
                Condition::Compare(self.operand(a)?, *how, self.operand(b)?)
            }
            When::In(o, list) => {
                Condition::In(self.operand(o)?, list.iter().map(literal).collect())
            }
            When::Has(o, item) => Condition::Has(self.operand(o)?, literal(item)),
            When::Reference(o, state, objects) => {
                let lower = |object: &ObjectId| {
                    let declared = self.mapping.source.objects.get(object.ix());
                    (*object, declared.is_some_and(|o| KeyRule::of(o).lower))
                };
                let to = self.mapping.destination.objects.iter().zip(0u16..);
                Condition::Reference {
                    node: self.operand(o)?,
                    state: *state,
                    objects: objects.iter().map(lower).collect(),
                    to: to.map(|(_, at)| ObjectId(at)).collect(),
                }
            }
            When::Contains(o, part) => Condition::Contains(
                self.operand(o)?,
                Box::new(Finder::new(part.as_bytes()).into_owned()),
            ),
        })
    }

    fn operand(&self, operand: &Operand) -> Result<Node, CompileError> {
        match operand {
            Operand::Input(input) => self.node(input),
            Operand::Literal(scalar) => Ok(Node::Const(scalar.clone())),
        }
    }
}

fn literal(scalar: &Scalar) -> Literal {
    match scalar {
        Scalar::Text(t) => Literal::Text(text::folded(t)),
        Scalar::Int(i) | Scalar::Bytes(i) | Scalar::Seconds(i) => Literal::Number((*i).into()),
        Scalar::Decimal(d) => Literal::Number(*d),
        Scalar::Bool(b) => Literal::Bool(*b),
        Scalar::Date(d) => Literal::Date(*d),
        Scalar::Blank | Scalar::List(_) => Literal::Nothing,
    }
}
