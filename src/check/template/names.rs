//! Names in templates: fields, joins, lets and value maps, and their members.

use super::{Thing, Walk};
use crate::{
    check::kind::Kind,
    diag::{Code, Diagnostic, Span},
    mapping::{JoinKind, OnJoin},
};
use minijinja::machinery::ast;

impl Walk<'_, '_, '_> {
    /// `map("table")` names a value map.
    pub(super) fn map(&mut self, filter: &ast::Spanned<ast::Filter<'_>>, span: Span) {
        let named = match filter.args.first() {
            Some(ast::CallArg::Pos(ast::Expr::Const(c))) => c.value.as_str().map(str::to_owned),
            _ => None,
        };
        let Some(named) = named else {
            self.fault(
                Diagnostic::new(
                    Code::OpArgument,
                    span,
                    "`map` needs the name of a value map",
                )
                .hint("write `| map(\"NAME\")`"),
            );
            return;
        };
        match self.ctx.value_maps.iter().position(|m| m.name == named) {
            Some(at) => {
                self.ctx.uses.value_maps.insert(at);
            }
            None if self.ctx.broken_maps.contains(&named) => {}
            None => {
                let known: Vec<String> =
                    self.ctx.value_maps.iter().map(|m| m.name.clone()).collect();
                self.fault(
                    Diagnostic::new(
                        Code::UnknownValueMap,
                        span,
                        format!("there is no value map `{named}`"),
                    )
                    .did_you_mean(&named, known.iter().map(String::as_str)),
                );
            }
        }
    }

    pub(super) fn name(&mut self, name: &str, span: Span, guarded: bool) -> Thing {
        if let Some((_, thing)) = self.locals.iter().rev().find(|(n, _)| n == name) {
            return *thing;
        }
        if self.scope.broken.contains(name) {
            self.good = false;
            return Thing::Any;
        }
        if let Some(at) = self.scope.joins.iter().position(|j| j.name == name) {
            self.scope.joins_used.insert(at);
            let join = &self.scope.joins[at];
            self.ctx.uses.objects.insert(join.object);
            return match join.kind {
                JoinKind::One { none, many } => {
                    Thing::Record(join.object, none != OnJoin::Hold || many == OnJoin::Blank)
                }
                JoinKind::All => Thing::Records(join.object),
            };
        }
        if let Some(at) = self.scope.lets.iter().position(|l| l.name == name) {
            self.scope.lets_used.insert(at);
            if !self.scope.lets[at].members.is_empty() {
                return Thing::Members(at);
            }
            let optional = self.scope.let_kinds[at].optional;
            return self.value(
                name,
                self.scope.let_kinds[at].is_list(),
                optional,
                span,
                guarded,
            );
        }
        let object = self.ctx.source_of(self.scope.object);
        match object.field(name) {
            Some((id, field)) => {
                self.ctx.reads(self.scope.object, id);
                let list = Kind::of_field(field).is_list();
                self.value(name, list, !field.required, span, guarded)
            }
            None => {
                let mut known = self.scope.names(self.ctx.source);
                known.extend(self.locals.iter().map(|(n, _)| n.clone()));
                self.fault(
                    Diagnostic::new(
                        Code::UnknownName,
                        span,
                        format!("{} has no field, join or let `{name}`", object.name),
                    )
                    .did_you_mean(name, known.iter().map(String::as_str)),
                )
            }
        }
    }

    pub(super) fn member(&mut self, of: Thing, name: &str, span: Span, guarded: bool) -> Thing {
        match of {
            Thing::Any => Thing::Any,
            Thing::Record(object, missing) => {
                let declared = self.ctx.source_of(object);
                let Some((id, field)) = self.ctx.field(declared, name, span) else {
                    self.good = false;
                    return Thing::Any;
                };
                self.ctx.reads(object, id);
                let list = Kind::of_field(field).is_list();
                self.value(name, list, missing || !field.required, span, guarded)
            }
            Thing::Members(at) => {
                let members = &self.scope.lets[at].members;
                match members.iter().find(|(n, _)| n == name) {
                    Some((_, t)) => {
                        let list = t.is_list();
                        self.value(name, list, true, span, guarded)
                    }
                    None => {
                        let finding = Diagnostic::new(
                            Code::UnknownName,
                            span,
                            format!(
                                "the let `{}` has no member `{name}`",
                                self.scope.lets[at].name
                            ),
                        )
                        .did_you_mean(name, members.iter().map(|(n, _)| n.as_str()));
                        self.fault(finding)
                    }
                }
            }
            Thing::Records(_) => self.fault(
                Diagnostic::new(
                    Code::PathMisuse,
                    span,
                    format!("there are several records here; `{name}` does not say of which"),
                )
                .hint("go through them with `{% for r in NAME %}`, or take `NAME[0]`"),
            ),
            Thing::Value(_) | Thing::Values => self.fault(
                Diagnostic::new(
                    Code::PathMisuse,
                    span,
                    format!("a value has no member `{name}`"),
                )
                .hint("only joins and lets have members"),
            ),
        }
    }

    /// A value that was read; one that can be blank and is not guarded is noted, as it would hold the record.
    fn value(
        &mut self,
        name: &str,
        list: bool,
        optional: bool,
        span: Span,
        guarded: bool,
    ) -> Thing {
        if optional
            && !guarded
            && !self.present.iter().any(|p| p == name)
            && self.strict.insert(name.to_owned())
        {
            self.ctx.push(
                Diagnostic::new(Code::TextHolds, span, format!("a record whose `{name}` is blank is held here"))
                    .hint(format!("say what stands in its place: `{name} | or(\"…\")`, or test `{name} is present`")),
            );
        }
        if list {
            Thing::Values
        } else {
            Thing::Value(optional)
        }
    }
}
