//! What a `text:` template loses and which joins it reads, from its tree.
//!
//! `check` has refused templates that cannot be parsed or are too deep; one that came another way loses nothing here.

use super::{Lost, of_map};
use crate::{
    ident::{FieldId, JoinId, ObjectId},
    mapping::{Loss, Mapping, Step},
    value::Type,
};
use minijinja::machinery::{ast, parse};
use std::collections::{BTreeMap, BTreeSet};

/// What is lost.
pub(super) fn lost(mapping: &Mapping, step: &Step, text: &str) -> Lost {
    let walk = Walk::over(mapping, step, text);
    let mut lost = walk.lost;
    for (path, filters) in &walk.instants {
        let part = match (filters.contains("date"), filters.contains("time")) {
            (true, false) => "time of day",
            (false, true) => "day",
            _ => continue,
        };
        lost = lost.or_worse(Lost::of(
            Loss::Precision,
            format!("`{path}` is written without its {part}"),
        ));
    }
    lost
}

/// The joins it reads, with the fields of their records.
pub(super) fn joins(
    mapping: &Mapping,
    step: &Step,
    text: &str,
) -> BTreeSet<(JoinId, Option<FieldId>)> {
    Walk::over(mapping, step, text).joins
}

/// A name that the template brings: the join its records are of, or nothing known.
type Local = (String, Option<(JoinId, ObjectId)>);

struct Walk<'m> {
    mapping: &'m Mapping,
    step: &'m Step,
    locals: Vec<Local>,
    lost: Lost,
    joins: BTreeSet<(JoinId, Option<FieldId>)>,
    /// The filters over each path to an instant.
    instants: BTreeMap<String, BTreeSet<String>>,
}

impl<'m> Walk<'m> {
    fn over(mapping: &'m Mapping, step: &'m Step, text: &str) -> Walk<'m> {
        let mut walk = Walk {
            mapping,
            step,
            locals: Vec::new(),
            lost: Lost::nothing(),
            joins: BTreeSet::new(),
            instants: BTreeMap::new(),
        };
        if let Ok(tree) = parse(text, "text", Default::default()) {
            walk.statement(&tree);
        }
        walk
    }

    fn block(&mut self, body: &[ast::Stmt<'_>]) {
        for statement in body {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &ast::Stmt<'_>) {
        match statement {
            ast::Stmt::Template(t) => self.block(&t.children),
            ast::Stmt::EmitExpr(e) => self.expression(&e.expr),
            ast::Stmt::ForLoop(l) => {
                self.expression(&l.iter);
                let depth = self.locals.len();
                if let ast::Expr::Var(name) = &l.target {
                    let of = self.records(&l.iter);
                    self.locals.push((name.id.to_owned(), of));
                }
                self.block(&l.body);
                self.locals.truncate(depth);
                self.block(&l.else_body);
            }
            ast::Stmt::IfCond(i) => {
                self.expression(&i.expr);
                self.block(&i.true_body);
                self.block(&i.false_body);
            }
            ast::Stmt::WithBlock(w) => {
                let depth = self.locals.len();
                for (target, value) in &w.assignments {
                    self.expression(value);
                    self.bring(target);
                }
                self.block(&w.body);
                self.locals.truncate(depth);
            }
            ast::Stmt::Set(s) => {
                self.expression(&s.expr);
                self.bring(&s.target);
            }
            ast::Stmt::SetBlock(s) => {
                self.block(&s.body);
                self.bring(&s.target);
            }
            ast::Stmt::AutoEscape(a) => self.block(&a.body),
            ast::Stmt::FilterBlock(f) => self.block(&f.body),
            _ => {}
        }
    }

    fn bring(&mut self, target: &ast::Expr<'_>) {
        if let ast::Expr::Var(name) = target {
            self.locals.push((name.id.to_owned(), None));
        }
    }

    fn expression(&mut self, expression: &ast::Expr<'_>) {
        match expression {
            ast::Expr::Var(_) | ast::Expr::GetAttr(_) => {
                self.path(expression);
            }
            ast::Expr::GetItem(g) => self.expression(&g.expr),
            ast::Expr::Slice(s) => self.expression(&s.expr),
            ast::Expr::UnaryOp(u) => self.expression(&u.expr),
            ast::Expr::BinOp(b) => {
                self.expression(&b.left);
                self.expression(&b.right);
            }
            ast::Expr::IfExpr(i) => {
                self.expression(&i.test_expr);
                self.expression(&i.true_expr);
                if let Some(other) = &i.false_expr {
                    self.expression(other);
                }
            }
            ast::Expr::Filter(f) => self.filter(f),
            ast::Expr::Test(t) => self.expression(&t.expr),
            _ => {}
        }
    }

    fn filter(&mut self, filter: &ast::Spanned<ast::Filter<'_>>) {
        for arg in &filter.args {
            if let ast::CallArg::Pos(argument) = arg {
                self.expression(argument);
            }
        }
        let Some(of) = &filter.expr else { return };
        self.expression(of);
        let mut base = of;
        while let ast::Expr::Filter(inner) = base {
            match &inner.expr {
                Some(next) => base = next,
                None => return,
            }
        }
        let told = match filter.name {
            "map" => self.mapped(filter),
            "round" => Lost::of(Loss::Precision, "`round` leaves out digits"),
            "replace" => Lost::of(Loss::Markup, "`replace` leaves out a part"),
            _ => Lost::nothing(),
        };
        self.lost = self.lost.clone().or_worse(told);
        let Some((path, data_type)) = self.path(base) else {
            return;
        };
        if filter.name == "plain" && data_type == Type::Html {
            let told = Lost::of(
                Loss::Markup,
                format!("`{path}` is written without its markup"),
            );
            self.lost = self.lost.clone().or_worse(told);
        }
        if data_type == Type::DateTime {
            self.instants
                .entry(path)
                .or_default()
                .insert(filter.name.to_owned());
        }
    }

    fn mapped(&self, filter: &ast::Spanned<ast::Filter<'_>>) -> Lost {
        let named = match filter.args.first() {
            Some(ast::CallArg::Pos(ast::Expr::Const(c))) => c.value.as_str(),
            _ => None,
        };
        let map = self
            .mapping
            .value_maps
            .iter()
            .find(|m| Some(m.name.as_str()) == named);
        map.map_or_else(Lost::nothing, of_map)
    }

    /// The join that an expression stands for.
    fn records(&self, expression: &ast::Expr<'_>) -> Option<(JoinId, ObjectId)> {
        match expression {
            ast::Expr::Var(v) => {
                if let Some((_, of)) = self.locals.iter().rev().find(|(n, _)| n == v.id) {
                    return *of;
                }
                let at = self.step.joins.iter().position(|j| j.name == v.id)?;
                let join = self.step.joins.get(at)?;
                Some((JoinId(u16::try_from(at).ok()?), join.object))
            }
            ast::Expr::Filter(f) => self.records(f.expr.as_ref()?),
            ast::Expr::GetItem(g) => self.records(&g.expr),
            ast::Expr::Slice(s) => self.records(&s.expr),
            _ => None,
        }
    }

    /// A path and the type of its values; notes the join it goes through.
    fn path(&mut self, expression: &ast::Expr<'_>) -> Option<(String, Type)> {
        match expression {
            ast::Expr::Var(v) => {
                if let Some((join, _)) = self.records(expression) {
                    self.joins.insert((join, None));
                    return None;
                }
                if self.locals.iter().any(|(n, _)| n == v.id) {
                    return None;
                }
                let object = self.mapping.source.objects.get(self.step.from.ix())?;
                let (_, field) = object.field(v.id)?;
                Some((v.id.to_owned(), field.data_type))
            }
            ast::Expr::GetAttr(g) => {
                let (join, object) = self.records(&g.expr)?;
                let object = self.mapping.source.objects.get(object.ix())?;
                let (id, field) = object.field(g.name)?;
                self.joins.insert((join, Some(id)));
                Some((format!("{}.{}", object.name, g.name), field.data_type))
            }
            _ => None,
        }
    }
}
