//! `when:` conditions: read from text, names resolved, both sides of each comparison of one type.
//!
//! ```text
//! expr := term (("and" | "or") term)*      no mixing without brackets
//! term := "not" term | "(" expr ")" | path "is" ("present" | "blank" | "unknown" | "dropped") | path
//!       | value cmp value | value ["not"] "in" "[" literal, … "]" | path "has" literal | path "contains" 'text'
//! ```

use super::{
    kind::{Family, Kind, family},
    literal,
    path::{self, Cursor, Fault, Path},
    place::within,
    scope::{Ctx, Scope},
    token::{Token, TokenKind, describe, tokens},
};
use crate::{
    diag::{Code, Diagnostic, Span},
    mapping::{Compare, Operand, RefState, When},
    spec::Node,
    value::{Scalar, Type},
};
use std::ops::Range;

/// Brackets and `not` may nest so deep.
const DEPTH_MAX: usize = 32;

/// A condition as written.
#[derive(Clone, Debug, PartialEq)]
pub enum Ast {
    /// All.
    And(Vec<Ast>),
    /// Any.
    Or(Vec<Ast>),
    /// Not.
    Not(Box<Ast>),
    /// A bare path.
    Bare(Path),
    /// `is present` (true) or `is blank` (false).
    Is(Path, bool),
    /// `is unknown`, `is dropped`
    State(Path, RefState),
    /// A comparison.
    Compare(Side, Compare, Side),
    /// `in`, or `not in` when true.
    In(Side, bool, Vec<Literal>),
    /// `has`
    Has(Path, Literal),
    /// `contains`
    Contains(Path, Literal),
}

/// A side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Side {
    /// A path.
    Path(Path),
    /// A literal.
    Literal(Literal),
}

/// A literal and its range.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal(pub Scalar, pub Range<usize>);

/// Reads a condition.
pub fn parse(text: &str) -> Result<Ast, Fault> {
    let list = tokens(text);
    let mut cursor = Cursor::new(&list, text.len());
    let ast = any(&mut cursor, 0)?;
    match cursor.peek() {
        None => Ok(ast),
        Some(Token {
            kind: TokenKind::Stray('='),
            range,
        }) => Err(Fault {
            message: "found `=`; equality is `==`".to_owned(),
            range: range.clone(),
        }),
        Some(_) => Err(cursor.expected("`and`, `or`, a comparison or the end")),
    }
}

fn any(cursor: &mut Cursor<'_>, depth: usize) -> Result<Ast, Fault> {
    let first = term(cursor, depth)?;
    let (joiner, other) = match cursor.peek().map(|t| &t.kind) {
        Some(TokenKind::Word(w)) if w == "and" => ("and", "or"),
        Some(TokenKind::Word(w)) if w == "or" => ("or", "and"),
        _ => return Ok(first),
    };
    let mut terms = vec![first];
    while cursor.word(joiner) {
        terms.push(term(cursor, depth)?);
    }
    if let Some(Token {
        kind: TokenKind::Word(w),
        range,
    }) = cursor.peek()
        && w == other
    {
        return Err(Fault {
            message: format!("`{joiner}` and `{other}` are mixed without brackets"),
            range: range.clone(),
        });
    }
    Ok(if joiner == "and" {
        Ast::And(terms)
    } else {
        Ast::Or(terms)
    })
}

fn term(cursor: &mut Cursor<'_>, depth: usize) -> Result<Ast, Fault> {
    if depth > DEPTH_MAX {
        return Err(cursor.expected("fewer brackets and `not`"));
    }
    if cursor.word("not") {
        return Ok(Ast::Not(Box::new(term(cursor, depth + 1)?)));
    }
    if cursor.mark("(").is_some() {
        let inner = any(cursor, depth + 1)?;
        return match cursor.mark(")") {
            Some(_) => Ok(inner),
            None => Err(cursor.expected("`)`")),
        };
    }
    let left = side(cursor)?;
    if let Side::Path(path) = &left {
        if cursor.word("is") {
            for (word, state) in [
                ("unknown", RefState::Unknown),
                ("dropped", RefState::Dropped),
            ] {
                if cursor.word(word) {
                    return Ok(Ast::State(path.clone(), state));
                }
            }
            let present = cursor.word("present");
            if !present && !cursor.word("blank") {
                return Err(cursor.expected("`present`, `blank`, `unknown` or `dropped`"));
            }
            return Ok(Ast::Is(path.clone(), present));
        }
        if cursor.word("has") {
            return Ok(Ast::Has(path.clone(), lit(cursor)?));
        }
        if cursor.word("contains") {
            return Ok(Ast::Contains(path.clone(), lit(cursor)?));
        }
    }
    let negated =
        matches!(cursor.peek(), Some(Token { kind: TokenKind::Word(w), .. }) if w == "not");
    if negated {
        cursor.next();
    }
    if cursor.word("in") {
        return Ok(Ast::In(left, negated, list(cursor)?));
    }
    if negated {
        return Err(cursor.expected("`in`"));
    }
    let compare = match cursor.peek().map(|t| &t.kind) {
        Some(TokenKind::Mark("==")) => Some(Compare::Equal),
        Some(TokenKind::Mark("!=")) => Some(Compare::NotEqual),
        Some(TokenKind::Mark("<")) => Some(Compare::Less),
        Some(TokenKind::Mark("<=")) => Some(Compare::AtMost),
        Some(TokenKind::Mark(">")) => Some(Compare::Greater),
        Some(TokenKind::Mark(">=")) => Some(Compare::AtLeast),
        _ => None,
    };
    match (compare, left) {
        (Some(compare), left) => {
            cursor.next();
            let right = side(cursor)?;
            Ok(Ast::Compare(left, compare, right))
        }
        (None, Side::Path(path)) => Ok(Ast::Bare(path)),
        (None, Side::Literal(_)) => Err(cursor.expected("a comparison")),
    }
}

fn side(cursor: &mut Cursor<'_>) -> Result<Side, Fault> {
    match cursor.peek().map(|t| &t.kind) {
        Some(TokenKind::Text(_) | TokenKind::Number(_) | TokenKind::Open) => {
            Ok(Side::Literal(lit(cursor)?))
        }
        Some(TokenKind::Word(w)) if w == "true" || w == "false" => Ok(Side::Literal(lit(cursor)?)),
        _ => Ok(Side::Path(path::parse(cursor)?)),
    }
}

fn lit(cursor: &mut Cursor<'_>) -> Result<Literal, Fault> {
    let Some(token) = cursor.peek() else {
        return Err(cursor.expected("a literal"));
    };
    let value = match &token.kind {
        TokenKind::Text(t) => Scalar::Text(t.clone()),
        TokenKind::Word(w) if w == "true" => Scalar::Bool(true),
        TokenKind::Word(w) if w == "false" => Scalar::Bool(false),
        TokenKind::Number(n) => match literal::number(n) {
            Some(value) => value,
            None => {
                return Err(Fault {
                    message: format!("`{n}` is no number, size, span of time or date"),
                    range: token.range.clone(),
                });
            }
        },
        TokenKind::Word(w) => {
            return Err(Fault {
                message: format!(
                    "expected a literal, found {}; texts stand in quotes: '{w}'",
                    describe(Some(token))
                ),
                range: token.range.clone(),
            });
        }
        _ => return Err(cursor.expected("a literal")),
    };
    cursor.next();
    Ok(Literal(value, token.range.clone()))
}

fn list(cursor: &mut Cursor<'_>) -> Result<Vec<Literal>, Fault> {
    if cursor.mark("[").is_none() {
        return Err(cursor.expected("`[`"));
    }
    let mut out = vec![lit(cursor)?];
    while cursor.mark(",").is_some() {
        out.push(lit(cursor)?);
    }
    match cursor.mark("]") {
        Some(_) => Ok(out),
        None => Err(cursor.expected("`,` or `]`")),
    }
}

/// Reads a condition from a scalar and resolves it in a scope.
pub fn lower(ctx: &mut Ctx<'_>, scope: &mut Scope, node: &Node) -> Option<When> {
    let text = node.text()?;
    match parse(text) {
        Ok(ast) => resolve(ctx, scope, node, &ast),
        Err(fault) => {
            let span = within(ctx.files, node, fault.range.start, fault.range.end);
            let code = if fault.message.contains("without brackets") {
                Code::MixedAndOr
            } else {
                Code::BadExpression
            };
            let finding = Diagnostic::new(code, span, format!("the condition: {}", fault.message));
            ctx.push(if code == Code::MixedAndOr {
                finding.hint("put brackets around the part that belongs together")
            } else {
                finding.hint("for example: `email is present and status in ['open', 'late']`")
            });
            None
        }
    }
}

fn resolve(ctx: &mut Ctx<'_>, scope: &mut Scope, node: &Node, ast: &Ast) -> Option<When> {
    match ast {
        // Every part is looked at, so that one run tells all faults.
        Ast::And(terms) => all(ctx, scope, node, terms).map(When::And),
        Ast::Or(terms) => all(ctx, scope, node, terms).map(When::Or),
        Ast::Not(inner) => Some(When::Not(Box::new(resolve(ctx, scope, node, inner)?))),
        Ast::Bare(path) => {
            let (input, kind) = path::resolve(ctx, scope, node, path)?;
            if kind.data_type != Type::Bool || kind.is_list() {
                let span = within(ctx.files, node, path.range.start, path.range.end);
                ctx.push(
                    Diagnostic::new(
                        Code::ConditionType,
                        span,
                        format!(
                            "`{}` is {}, a condition by itself must be bool",
                            path.name.0,
                            kind.shown()
                        ),
                    )
                    .hint(format!("compare it, or write `{} is present`", path.name.0)),
                );
                return None;
            }
            Some(When::True(Operand::Input(input)))
        }
        Ast::Is(path, present) => {
            let (input, _) = path::resolve(ctx, scope, node, path)?;
            let operand = Operand::Input(input);
            Some(if *present {
                When::Present(operand)
            } else {
                When::Blank(operand)
            })
        }
        Ast::State(path, state) => {
            let (input, kind) = path::resolve(ctx, scope, node, path)?;
            let Some(objects) = kind.link.filter(|_| !kind.many) else {
                ctx.push(
                    Diagnostic::new(
                        Code::ConditionType,
                        within(ctx.files, node, path.range.start, path.range.end),
                        format!(
                            "`is unknown` and `is dropped` ask a reference, and `{}` is none",
                            path.name.0
                        ),
                    )
                    .hint("declare the field as `type: ref` in the platform file"),
                );
                return None;
            };
            Some(When::Reference(Operand::Input(input), *state, objects))
        }
        Ast::Compare(left, compare, right) => {
            let a = operand(ctx, scope, node, left);
            let b = operand(ctx, scope, node, right);
            let ((a, ka, ra), (b, kb, rb)) = (a?, b?);
            let ordered = !matches!(compare, Compare::Equal | Compare::NotEqual);
            one_type(ctx, &a, &ka, &b, &kb, ordered, rb)?;
            choice(ctx, &ka, &b, rb);
            choice(ctx, &kb, &a, ra);
            Some(When::Compare(a, *compare, b))
        }
        Ast::In(side, negated, literals) => {
            let (a, kind, _) = operand(ctx, scope, node, side)?;
            let mut good = true;
            for Literal(value, range) in literals {
                let span = within(ctx.files, node, range.start, range.end);
                let b = Operand::Literal(value.clone());
                good &= one_type(ctx, &a, &kind, &b, &Kind::literal(value), false, span).is_some();
                choice(ctx, &kind, &b, span);
            }
            let inside = When::In(a, literals.iter().map(|l| l.0.clone()).collect());
            good.then_some(if *negated {
                When::Not(Box::new(inside))
            } else {
                inside
            })
        }
        Ast::Has(path, Literal(value, range)) => {
            let (input, kind) = path::resolve(ctx, scope, node, path)?;
            let span = within(ctx.files, node, range.start, range.end);
            if !kind.is_list() {
                ctx.push(
                    Diagnostic::new(
                        Code::ConditionType,
                        within(ctx.files, node, path.range.start, path.range.end),
                        format!(
                            "`has` asks a list, and `{}` is {}",
                            path.name.0,
                            kind.shown()
                        ),
                    )
                    .hint("compare with `==`, or with `contains` for a part of a text"),
                );
                return None;
            }
            choice(ctx, &kind, &Operand::Literal(value.clone()), span);
            Some(When::Has(Operand::Input(input), value.clone()))
        }
        Ast::Contains(path, Literal(value, range)) => {
            let (input, kind) = path::resolve(ctx, scope, node, path)?;
            let Scalar::Text(part) = value else {
                let span = within(ctx.files, node, range.start, range.end);
                ctx.push(Diagnostic::new(
                    Code::ConditionType,
                    span,
                    "`contains` looks for a text; put it in quotes",
                ));
                return None;
            };
            if kind.is_list() || family(kind.data_type) != Family::Text {
                ctx.push(
                    Diagnostic::new(
                        Code::ConditionType,
                        within(ctx.files, node, path.range.start, path.range.end),
                        format!(
                            "`contains` asks a text, and `{}` is {}",
                            path.name.0,
                            kind.shown()
                        ),
                    )
                    .hint("lists are asked with `has`"),
                );
                return None;
            }
            Some(When::Contains(Operand::Input(input), part.clone()))
        }
    }
}

fn all(ctx: &mut Ctx<'_>, scope: &mut Scope, node: &Node, terms: &[Ast]) -> Option<Vec<When>> {
    let lowered: Vec<Option<When>> = terms.iter().map(|t| resolve(ctx, scope, node, t)).collect();
    lowered.into_iter().collect()
}

fn operand(
    ctx: &mut Ctx<'_>,
    scope: &mut Scope,
    node: &Node,
    side: &Side,
) -> Option<(Operand, Kind, Span)> {
    match side {
        Side::Path(path) => {
            let (input, kind) = path::resolve(ctx, scope, node, path)?;
            let span = within(ctx.files, node, path.range.start, path.range.end);
            Some((Operand::Input(input), kind, span))
        }
        Side::Literal(Literal(value, range)) => {
            let span = within(ctx.files, node, range.start, range.end);
            Some((Operand::Literal(value.clone()), Kind::literal(value), span))
        }
    }
}

/// Both sides must be of one family, and lists compare with nothing.
fn one_type(
    ctx: &mut Ctx<'_>,
    a: &Operand,
    ka: &Kind,
    b: &Operand,
    kb: &Kind,
    ordered: bool,
    span: Span,
) -> Option<()> {
    let seconds = |o: &Operand| matches!(o, Operand::Literal(Scalar::Seconds(_)));
    let (fa, fb) = (family(ka.data_type), family(kb.data_type));
    let word = if ka.is_list() || kb.is_list() {
        Some("lists are asked with `has`")
    } else if seconds(a) || seconds(b) {
        Some("a span of time compares with nothing here; compare dates")
    } else if fa != fb
        // Sizes may be written as plain numbers, and days compare with instants by nothing but choice.
        && !matches!((fa, fb), (Family::Bytes, Family::Number) | (Family::Number, Family::Bytes))
    {
        Some("both sides of a comparison must be of one type")
    } else if ordered && fa == Family::Bool {
        Some("true and false have no order")
    } else if ordered && fa == Family::Text {
        Some("texts have no order here; compare numbers or dates")
    } else {
        None
    };
    let Some(word) = word else { return Some(()) };
    ctx.push(
        Diagnostic::new(
            Code::ConditionType,
            span,
            format!("{} is compared with {}", ka.shown(), kb.shown()),
        )
        .hint(word),
    );
    None
}

/// A literal compared with a closed choice must be one of the choices.
fn choice(ctx: &mut Ctx<'_>, kind: &Kind, literal: &Operand, span: Span) {
    let (Some(values), Operand::Literal(Scalar::Text(text))) = (&kind.values, literal) else {
        return;
    };
    if !matches!(kind.data_type, Type::Enum | Type::MultiEnum) || kind.many {
        return;
    }
    let same = |v: &String| v.trim().to_lowercase() == text.trim().to_lowercase();
    if !values.iter().any(same) {
        ctx.push(
            Diagnostic::new(
                Code::NotAChoice,
                span,
                format!("'{text}' is not among the choices of this field"),
            )
            .did_you_mean(text, values.iter().map(String::as_str)),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        match parse(text) {
            Ok(ast) => format!("{ast:?}"),
            Err(f) => format!("{}: {}", f.range.start, f.message),
        }
    }

    #[test]
    fn mixing_needs_brackets() {
        assert_eq!(
            fault("a and b or c"),
            "8: `and` and `or` are mixed without brackets"
        );
        assert!(parse("a and (b or c)").is_ok());
        assert!(parse("not (a or b) and c").is_ok());
    }

    #[test]
    fn all_forms_parse() {
        for text in [
            "chat_only",
            "email is present",
            "not email is blank",
            "count(deals) > 0",
            "size > 25MB",
            "due < 2026-08-20",
            "stage not in ['won', 'lost']",
            "tags has 'vip'",
            "html contains 'data:image/'",
            "$owner == email",
        ] {
            assert!(parse(text).is_ok(), "{text}: {}", fault(text));
        }
    }

    #[test]
    fn faults_say_what_was_expected() {
        assert_eq!(fault("a = 'b'"), "2: found `=`; equality is `==`");
        assert_eq!(
            fault("a == "),
            "5: expected a field, join, let or `$param`, found the end"
        );
        assert_eq!(
            fault("a in [b]"),
            "6: expected a literal, found `b`; texts stand in quotes: 'b'"
        );
        assert_eq!(
            fault("a is empty"),
            "5: expected `present`, `blank`, `unknown` or `dropped`, found `empty`"
        );
        assert!(fault(&"(".repeat(99)).contains("fewer brackets"));
    }
}
