//! The names an object mapping can use, what it used, and where findings go.

use super::kind::Kind;
use crate::{
    diag::{Code, Diagnostic, Diagnostics, Files, Span, nearest},
    ident::{FieldId, ObjectId, StepId},
    mapping::{Join, Let, Of, Param, ValueMap},
    platform::{Field, Object, Platform},
    spec::Node,
};
use std::collections::BTreeSet;

/// What every part of the lowering reads and writes.
pub struct Ctx<'a> {
    /// The files, to find places inside scalars.
    pub files: &'a Files,
    /// The platform read, with the migration's custom fields.
    pub source: &'a Platform,
    /// The platform written, with the created custom fields.
    pub destination: &'a Platform,
    /// Parameters.
    pub params: Vec<Param>,
    /// Value maps, and what is known of each.
    pub value_maps: Vec<ValueMap>,
    /// What is known of each value map.
    pub map_facts: Vec<MapFacts>,
    /// The steps' names and objects.
    pub headers: Vec<Header>,
    /// Names of value maps that are broken and told.
    pub broken_maps: BTreeSet<String>,
    /// What was used.
    pub uses: Uses,
    /// What was found.
    pub out: Diagnostics,
}

/// What is known of a value map beyond the model.
#[derive(Clone, Debug)]
pub struct MapFacts {
    /// What comes out.
    pub out: Kind,
    /// The source fields named under `in:`.
    pub takes: Vec<(ObjectId, FieldId, Span)>,
    /// The field named under `out:`.
    pub gives: Option<(ObjectId, FieldId)>,
    /// Where the rows stand, in the order of the rows.
    pub rows: Vec<(Span, Span)>,
}

/// A step before it is lowered.
#[derive(Clone, Debug)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// Source object; `None` when it is unknown, which is told.
    pub from: Option<ObjectId>,
    /// Which records of the source object.
    pub of: Of,
    /// Destination object.
    pub to: Option<ObjectId>,
    /// Position in `Mapping::steps`; only steps whose objects are known have one.
    pub id: Option<StepId>,
}

/// What was used, for coverage and for the unused.
#[derive(Clone, Debug, Default)]
pub struct Uses {
    /// Source fields that something reads.
    pub fields: BTreeSet<(ObjectId, FieldId)>,
    /// Source objects that something reads.
    pub objects: BTreeSet<ObjectId>,
    /// Params, by position.
    pub params: BTreeSet<usize>,
    /// Value maps, by position.
    pub value_maps: BTreeSet<usize>,
}

impl<'a> Ctx<'a> {
    /// Adds a finding and gives it back for labels and hints.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.out.push(diagnostic);
    }

    /// The source object of that name, or a finding.
    pub fn source_object(&mut self, name: &str, span: Span) -> Option<ObjectId> {
        find_object(self.source, "source", name, span, &mut self.out)
    }

    /// The destination object of that name, or a finding.
    pub fn destination_object(&mut self, name: &str, span: Span) -> Option<ObjectId> {
        find_object(self.destination, "destination", name, span, &mut self.out)
    }

    /// A source object.
    pub fn source_of(&self, id: ObjectId) -> &'a Object {
        &self.source.objects[id.ix()]
    }

    /// A destination object.
    pub fn destination_of(&self, id: ObjectId) -> &'a Object {
        &self.destination.objects[id.ix()]
    }

    /// The field of that name, or a finding.
    pub fn field(
        &mut self,
        object: &'a Object,
        name: &str,
        span: Span,
    ) -> Option<(FieldId, &'a Field)> {
        let found = object.field(name);
        if found.is_none() {
            let known = object.fields.iter().map(|f| f.name.as_str());
            self.push(
                Diagnostic::new(
                    Code::UnknownField,
                    span,
                    format!("{} has no field `{name}`", object.name),
                )
                .did_you_mean(name, known)
                .related(object.span, format!("`{}` is declared here", object.name)),
            );
        }
        found
    }

    /// Notes that a source field is read.
    pub fn reads(&mut self, object: ObjectId, field: FieldId) {
        self.uses.fields.insert((object, field));
        self.uses.objects.insert(object);
    }

    /// The step of that name, or a finding.
    pub fn step(&mut self, node: &Node) -> Option<&Header> {
        let name = node.text()?;
        let at = self.headers.iter().position(|h| h.name == name);
        if at.is_none() {
            let known: Vec<String> = self.headers.iter().map(|h| h.name.clone()).collect();
            self.push(
                Diagnostic::new(
                    Code::UnknownStep,
                    node.span,
                    format!("there is no object mapping `{name}`"),
                )
                .did_you_mean(name, known.iter().map(String::as_str)),
            );
        }
        self.headers.get(at?)
    }
}

/// The object of that name on a platform, or a finding and the object that was most likely meant.
pub fn find_object(
    platform: &Platform,
    side: &str,
    name: &str,
    span: Span,
    out: &mut Diagnostics,
) -> Option<ObjectId> {
    if let Some((id, _)) = platform.object(name) {
        return Some(id);
    }
    let known = || platform.objects.iter().map(|o| o.name.as_str());
    let message = format!("{} ({side}) has no object `{name}`", platform.name);
    // A name that is not there is told once, and read on as the one that it was most likely meant to be.
    if !out.has(Code::UnknownObject, &message) {
        out.push(Diagnostic::new(Code::UnknownObject, span, message).did_you_mean(name, known()));
    }
    nearest(name, known())
        .and_then(|name| platform.object(name))
        .map(|(id, _)| id)
}

/// The names that stand for values: the fields of one source object, joins and lets.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The source object.
    pub object: ObjectId,
    /// Which of its records; reports know the outcome of each.
    pub of: Of,
    /// Joins so far.
    pub joins: Vec<Join>,
    /// Where the names of the joins stand.
    pub join_spans: Vec<Span>,
    /// Joins that were read, by position.
    pub joins_used: BTreeSet<usize>,
    /// Lets so far.
    pub lets: Vec<Let>,
    /// Where the names of the lets stand.
    pub let_spans: Vec<Span>,
    /// What each let is.
    pub let_kinds: Vec<Kind>,
    /// Lets that were read, by position.
    pub lets_used: BTreeSet<usize>,
    /// Names of joins and lets that are broken, which is told; using them is no second finding.
    pub broken: BTreeSet<String>,
}

impl Scope {
    /// A scope with the fields of one object only.
    pub fn of(object: ObjectId) -> Scope {
        Scope {
            object,
            of: Of::Loaded,
            joins: Vec::new(),
            join_spans: Vec::new(),
            joins_used: BTreeSet::new(),
            lets: Vec::new(),
            let_spans: Vec::new(),
            let_kinds: Vec::new(),
            lets_used: BTreeSet::new(),
            broken: BTreeSet::new(),
        }
    }

    /// Every name that can start a path.
    pub fn names(&self, source: &Platform) -> Vec<String> {
        source.objects[self.object.ix()]
            .fields
            .iter()
            .map(|f| f.name.clone())
            .chain(self.joins.iter().map(|j| j.name.clone()))
            .chain(self.lets.iter().map(|l| l.name.clone()))
            .collect()
    }
}
