//! `text:` templates: compiled, every name in them resolved, what they read counted.
//!
//! minijinja parses; this file walks its tree. Names that a template brings itself (`for`, `set`) hide ours.

mod depth;
mod names;

use super::{
    kind::Kind,
    place::within,
    scope::{Ctx, Scope},
};
use crate::{
    diag::{Code, Diagnostic, Span},
    ident::ObjectId,
    mapping::text,
    spec::Node,
    value::Type,
};
use minijinja::machinery::{ast, parse};
use std::collections::BTreeSet;

/// What a name in a template stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Thing {
    /// A value without members; true when it can be blank.
    Value(bool),
    /// A list of values.
    Values,
    /// A record of a source object; true when it can be missing.
    Record(ObjectId, bool),
    /// Several records.
    Records(ObjectId),
    /// A let with members, by position.
    Members(usize),
    /// Nothing is known of it: its members are not looked at.
    Any,
}

struct Walk<'c, 'a, 'n> {
    ctx: &'c mut Ctx<'a>,
    scope: &'c mut Scope,
    node: &'n Node,
    /// Names the template brings, innermost last.
    locals: Vec<(String, Thing)>,
    /// Names that an enclosing `if … is present` has tested.
    present: Vec<String>,
    /// Optional names read without `or(…)`, told once each.
    strict: BTreeSet<String>,
    good: bool,
}

/// Checks a template. `Some` gives what is known of the text.
pub fn lower(ctx: &mut Ctx<'_>, scope: &mut Scope, node: &Node) -> Option<Kind> {
    let source = node.text()?;
    if let Some((why, start, end)) = depth::too_deep(source) {
        let span = within(ctx.files, node, start, end);
        ctx.push(
            Diagnostic::new(
                Code::BadTemplate,
                span,
                format!("the template is too deep: {why}"),
            )
            .hint("split it: compute parts with `let:`, or write several fields"),
        );
        return None;
    }
    let tree = match parse(source, "text", Default::default()) {
        Ok(tree) => tree,
        Err(error) => {
            let span = line_span(ctx, node, source, error.line());
            let why = error
                .detail()
                .map_or_else(|| error.kind().to_string(), str::to_owned);
            ctx.push(Diagnostic::new(
                Code::BadTemplate,
                span,
                format!("the template cannot be compiled: {why}"),
            ));
            return None;
        }
    };
    let mut walk = Walk {
        ctx,
        scope,
        node,
        locals: Vec::new(),
        present: Vec::new(),
        strict: BTreeSet::new(),
        good: true,
    };
    walk.statement(&tree);
    let good = walk.good;
    good.then(|| Kind::plain(Type::Text, !has_own_words(&tree)))
}

/// The line of the text that a minijinja error names.
fn line_span(ctx: &Ctx<'_>, node: &Node, source: &str, line: Option<usize>) -> Span {
    let mut start = 0;
    for (i, text) in source.split_inclusive('\n').enumerate() {
        let end = start + text.trim_end().len();
        if Some(i + 1) == line {
            let indent = text.len() - text.trim_start().len();
            return within(ctx.files, node, (start + indent).min(end), end);
        }
        start += text.len();
    }
    node.span
}

/// True when the template writes something whatever the values are: words of its own, or a value that
/// nothing empty stands in for (then a blank holds the record).
fn has_own_words(tree: &ast::Stmt<'_>) -> bool {
    match tree {
        ast::Stmt::Template(t) => t.children.iter().any(has_own_words),
        ast::Stmt::EmitRaw(raw) => !raw.raw.trim().is_empty(),
        ast::Stmt::EmitExpr(e) => !may_be_empty(&e.expr),
        _ => false,
    }
}

/// True when `or("")` stands somewhere in an expression.
fn may_be_empty(expression: &ast::Expr<'_>) -> bool {
    match expression {
        ast::Expr::Filter(f) => {
            let empty = f.name == "or"
                && f.args.iter().all(|a| match a {
                    ast::CallArg::Pos(ast::Expr::Const(c)) => {
                        c.value.as_str().is_some_and(|t| t.trim().is_empty())
                    }
                    _ => true,
                });
            empty || f.expr.as_ref().is_some_and(may_be_empty)
        }
        ast::Expr::IfExpr(_) => true,
        _ => false,
    }
}

impl Walk<'_, '_, '_> {
    fn span(&self, span: minijinja::machinery::Span) -> Span {
        within(
            self.ctx.files,
            self.node,
            span.start_offset as usize,
            span.end_offset as usize,
        )
    }

    fn fault(&mut self, finding: Diagnostic) -> Thing {
        self.ctx.push(finding);
        self.good = false;
        Thing::Any
    }

    fn block(&mut self, body: &[ast::Stmt<'_>]) {
        for statement in body {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &ast::Stmt<'_>) {
        match statement {
            ast::Stmt::Template(t) => self.block(&t.children),
            ast::Stmt::EmitExpr(e) => {
                self.expression(&e.expr, false);
            }
            ast::Stmt::EmitRaw(_) | ast::Stmt::Continue(_) | ast::Stmt::Break(_) => {}
            ast::Stmt::ForLoop(l) => {
                let over = self.expression(&l.iter, true);
                let item = match over {
                    Thing::Records(object) => Thing::Record(object, false),
                    Thing::Values => Thing::Value(false),
                    Thing::Any => Thing::Any,
                    Thing::Value(_) | Thing::Record(..) | Thing::Members(_) => {
                        let span = self.span(l.iter.span());
                        self.fault(
                            Diagnostic::new(
                                Code::PathMisuse,
                                span,
                                "`for` needs several records or a list",
                            )
                            .hint("join with `all:` to go through several records"),
                        )
                    }
                };
                let depth = self.locals.len();
                self.bring(&l.target, item);
                self.locals.push(("loop".to_owned(), Thing::Any));
                if let Some(filter) = &l.filter_expr {
                    self.expression(filter, true);
                }
                self.block(&l.body);
                self.locals.truncate(depth);
                self.block(&l.else_body);
            }
            ast::Stmt::IfCond(i) => {
                let tested = self.present.len();
                self.expression(&i.expr, true);
                tests_present(&i.expr, &mut self.present);
                self.block(&i.true_body);
                self.present.truncate(tested);
                self.block(&i.false_body);
            }
            ast::Stmt::WithBlock(w) => {
                let depth = self.locals.len();
                for (target, value) in &w.assignments {
                    let thing = self.expression(value, true);
                    self.bring(target, thing);
                }
                self.block(&w.body);
                self.locals.truncate(depth);
            }
            ast::Stmt::Set(s) => {
                let thing = self.expression(&s.expr, true);
                self.bring(&s.target, thing);
            }
            ast::Stmt::SetBlock(s) => {
                self.block(&s.body);
                self.bring(&s.target, Thing::Value(false));
            }
            ast::Stmt::AutoEscape(a) => self.block(&a.body),
            ast::Stmt::FilterBlock(f) => {
                self.expression(&f.filter, true);
                self.block(&f.body);
            }
            ast::Stmt::Do(d) => {
                let span = self.span(d.span());
                self.fault(Diagnostic::new(
                    Code::BadTemplate,
                    span,
                    "`do` has no use here",
                ));
            }
            // The crate's other statements (macros, blocks, imports) are compiled out.
            #[allow(unreachable_patterns, reason = "features of minijinja add statements")]
            _ => {}
        }
    }

    fn bring(&mut self, target: &ast::Expr<'_>, thing: Thing) {
        match target {
            ast::Expr::Var(v) => self.locals.push((v.id.to_owned(), thing)),
            ast::Expr::List(l) => {
                for item in &l.items {
                    self.bring(item, Thing::Any);
                }
            }
            ast::Expr::Tuple(t) => {
                for item in &t.items {
                    self.bring(item, Thing::Any);
                }
            }
            _ => {}
        }
    }

    /// Looks at an expression. `guarded`: a blank value here does no harm (it is tested, or `or(…)` follows).
    fn expression(&mut self, expression: &ast::Expr<'_>, guarded: bool) -> Thing {
        match expression {
            ast::Expr::Var(v) => self.name(v.id, self.span(v.span()), guarded),
            ast::Expr::Const(_) => Thing::Value(false),
            ast::Expr::GetAttr(g) => {
                let of = self.expression(&g.expr, true);
                // The span of an attribute covers the whole path; the name is its end.
                let span = self.span(g.span());
                let name_span = Span {
                    start: span
                        .end
                        .saturating_sub(u32::try_from(g.name.len()).unwrap_or(0))
                        .max(span.start),
                    ..span
                };
                self.member(of, g.name, name_span, guarded)
            }
            ast::Expr::GetItem(g) => {
                let of = self.expression(&g.expr, true);
                self.expression(&g.subscript_expr, guarded);
                match of {
                    Thing::Records(object) => Thing::Record(object, true),
                    Thing::Values => Thing::Value(true),
                    _ => Thing::Any,
                }
            }
            ast::Expr::Slice(s) => {
                for part in [&s.start, &s.stop, &s.step].into_iter().flatten() {
                    self.expression(part, guarded);
                }
                self.expression(&s.expr, guarded)
            }
            ast::Expr::UnaryOp(u) => {
                self.expression(&u.expr, true);
                Thing::Value(false)
            }
            ast::Expr::BinOp(b) => {
                if matches!(b.op, ast::BinOpKind::Concat) {
                    let span = self.span(b.span());
                    self.fault(
                        Diagnostic::new(
                            Code::BadTemplate,
                            span,
                            "`~` glues values unseen: a blank would become text",
                        )
                        .hint("write the values one after the other: `{{ a }}{{ b }}`"),
                    );
                }
                let logic = matches!(b.op, ast::BinOpKind::ScAnd | ast::BinOpKind::ScOr);
                let tested = self.present.len();
                self.expression(&b.left, guarded || logic);
                if matches!(b.op, ast::BinOpKind::ScAnd) {
                    tests_present(&b.left, &mut self.present);
                }
                self.expression(&b.right, guarded || logic);
                self.present.truncate(tested);
                Thing::Value(false)
            }
            ast::Expr::Compare(c) => {
                self.expression(&c.expr, guarded);
                for op in &c.ops {
                    self.expression(&op.expr, guarded);
                }
                Thing::Value(false)
            }
            ast::Expr::IfExpr(i) => {
                let tested = self.present.len();
                self.expression(&i.test_expr, true);
                tests_present(&i.test_expr, &mut self.present);
                self.expression(&i.true_expr, guarded);
                self.present.truncate(tested);
                match &i.false_expr {
                    Some(e) => self.expression(e, guarded),
                    None => Thing::Value(!guarded),
                }
            }
            ast::Expr::Filter(f) => self.filter(f, guarded),
            ast::Expr::Test(t) => {
                self.expression(&t.expr, true);
                if !text::TESTS.contains(&t.name) {
                    let span = self.span(t.span());
                    self.fault(
                        Diagnostic::new(
                            Code::UnknownFilter,
                            span,
                            format!("templates have no test `{}`", t.name),
                        )
                        .did_you_mean(t.name, text::TESTS.iter().copied()),
                    );
                }
                self.arguments(&t.args);
                Thing::Value(false)
            }
            ast::Expr::Call(c) => {
                let span = self.span(c.span());
                if let ast::CallType::Function("range") = c.identify_call() {
                    self.arguments(&c.args);
                    return Thing::Values;
                }
                self.arguments(&c.args);
                self.fault(
                    Diagnostic::new(Code::UnknownFilter, span, "templates call no functions")
                        .did_you_mean("", text::FILTERS.iter().copied()),
                )
            }
            ast::Expr::List(l) => {
                for item in &l.items {
                    self.expression(item, guarded);
                }
                Thing::Values
            }
            ast::Expr::Tuple(t) => {
                for item in &t.items {
                    self.expression(item, guarded);
                }
                Thing::Values
            }
            ast::Expr::Map(m) => {
                for value in &m.values {
                    self.expression(value, guarded);
                }
                Thing::Any
            }
        }
    }

    fn arguments(&mut self, args: &[ast::CallArg<'_>]) {
        for arg in args {
            match arg {
                ast::CallArg::Pos(e)
                | ast::CallArg::Kwarg(_, e)
                | ast::CallArg::PosSplat(e)
                | ast::CallArg::KwargSplat(e) => {
                    self.expression(e, true);
                }
            }
        }
    }

    fn filter(&mut self, filter: &ast::Spanned<ast::Filter<'_>>, guarded: bool) -> Thing {
        let span = self.span(filter.span());
        let name = filter.name;
        if !text::FILTERS.contains(&name) {
            self.fault(
                Diagnostic::new(
                    Code::UnknownFilter,
                    span,
                    format!("templates have no filter `{name}`"),
                )
                .did_you_mean(name, text::FILTERS.iter().copied()),
            );
        }
        let guards = name == "or";
        if name == "map" {
            self.map(filter, span);
        }
        let of = filter
            .expr
            .as_ref()
            .map(|e| self.expression(e, guarded || guards));
        self.arguments(&filter.args);
        match (name, of) {
            ("first" | "last", Some(Thing::Records(object))) => Thing::Record(object, true),
            ("reverse", Some(thing)) => thing,
            ("or", _) => Thing::Value(false),
            _ => Thing::Value(true),
        }
    }
}

/// Names that are surely present when this expression is true.
fn tests_present(expression: &ast::Expr<'_>, out: &mut Vec<String>) {
    match expression {
        ast::Expr::Test(t) if t.name == "present" || t.name == "defined" => match &t.expr {
            ast::Expr::Var(v) => out.push(v.id.to_owned()),
            ast::Expr::GetAttr(g) => out.push(g.name.to_owned()),
            _ => {}
        },
        ast::Expr::BinOp(b) if matches!(b.op, ast::BinOpKind::ScAnd) => {
            tests_present(&b.left, out);
            tests_present(&b.right, out);
        }
        _ => {}
    }
}
