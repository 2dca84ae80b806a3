//! Path expressions: `field`, `join.field`, `join[0].field`, `join[1..].field`, `let.member`, `count(join)`,
//! `$param`.

use super::{
    kind::Kind,
    place::within,
    scope::{Ctx, Scope},
    token::{Token, TokenKind, describe, tokens},
};
use crate::{
    diag::{Code, Diagnostic, Span},
    ident::JoinId,
    mapping::{Input, JoinKind, OnJoin, OutcomePart, Pick},
    spec::Node,
    value::Type,
};
use std::ops::Range;

/// A path as written, with ranges in the scalar's text.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The first name.
    pub name: (String, Range<usize>),
    /// What it is.
    pub form: PathForm,
    /// All of it.
    pub range: Range<usize>,
}

/// The forms of a path.
#[derive(Clone, Debug, PartialEq)]
pub enum PathForm {
    /// `$name`
    Param,
    /// `count(name)`
    Count,
    /// `name`, `name[0]`, `name.member`, `name[1..].member`
    Name {
        /// Between brackets.
        pick: Option<Pick>,
        /// After the dot.
        member: Option<(String, Range<usize>)>,
    },
}

/// A fault of grammar: what was expected, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// The message.
    pub message: String,
    /// Where, in the scalar's text.
    pub range: Range<usize>,
}

/// Tokens with a position.
pub struct Cursor<'t> {
    tokens: &'t [Token],
    at: usize,
    end: usize,
}

impl<'t> Cursor<'t> {
    /// At the first token of a text of `end` bytes.
    pub fn new(tokens: &'t [Token], end: usize) -> Self {
        Cursor { tokens, at: 0, end }
    }

    /// The next token.
    pub fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at)
    }

    /// Takes the next token.
    pub fn next(&mut self) -> Option<&'t Token> {
        let token = self.peek();
        self.at += usize::from(token.is_some());
        token
    }

    /// Takes a mark when it is next.
    pub fn mark(&mut self, mark: &str) -> Option<Range<usize>> {
        match self.peek() {
            Some(t) if matches!(t.kind, TokenKind::Mark(m) if m == mark) => {
                self.at += 1;
                Some(t.range.clone())
            }
            _ => None,
        }
    }

    /// Takes a keyword when it is next.
    pub fn word(&mut self, word: &str) -> bool {
        let found =
            matches!(self.peek(), Some(t) if matches!(&t.kind, TokenKind::Word(w) if w == word));
        self.at += usize::from(found);
        found
    }

    /// True when the token after next is this mark.
    pub fn then_mark(&self, mark: &str) -> bool {
        matches!(self.tokens.get(self.at + 1), Some(t) if matches!(t.kind, TokenKind::Mark(m) if m == mark))
    }

    /// "expected …, found …" at the next token.
    pub fn expected(&self, what: &str) -> Fault {
        let range = self.peek().map_or(self.end..self.end, |t| t.range.clone());
        Fault {
            message: format!("expected {what}, found {}", describe(self.peek())),
            range,
        }
    }

    /// The end of the last token taken.
    pub fn last_end(&self) -> usize {
        self.at
            .checked_sub(1)
            .and_then(|i| self.tokens.get(i))
            .map_or(0, |t| t.range.end)
    }
}

/// Reads one path from a cursor.
pub fn parse(cursor: &mut Cursor<'_>) -> Result<Path, Fault> {
    let Some(first) = cursor.peek() else {
        return Err(cursor.expected("a field, join, let or `$param`"));
    };
    let start = first.range.start;
    let path = |name, form, end| Path {
        name,
        form,
        range: start..end,
    };
    match &first.kind {
        TokenKind::Param(name) if !name.is_empty() => {
            cursor.next();
            Ok(path(
                (name.clone(), first.range.clone()),
                PathForm::Param,
                first.range.end,
            ))
        }
        TokenKind::Word(word) if word == "count" && cursor.then_mark("(") => {
            cursor.next();
            cursor.next();
            let Some(Token {
                kind: TokenKind::Word(name),
                range,
            }) = cursor.peek()
            else {
                return Err(cursor.expected("the name of a join"));
            };
            cursor.next();
            let end = cursor.mark(")").ok_or_else(|| cursor.expected("`)`"))?.end;
            Ok(path((name.clone(), range.clone()), PathForm::Count, end))
        }
        TokenKind::Word(name) => {
            cursor.next();
            let pick = match cursor.mark("[") {
                Some(_) => Some(index(cursor)?),
                None => None,
            };
            let member = match cursor.mark(".") {
                Some(_) => match cursor.peek() {
                    Some(Token {
                        kind: TokenKind::Word(m),
                        range,
                    }) => {
                        cursor.next();
                        Some((m.clone(), range.clone()))
                    }
                    _ => return Err(cursor.expected("a field after the dot")),
                },
                None => None,
            };
            Ok(path(
                (name.clone(), first.range.clone()),
                PathForm::Name { pick, member },
                cursor.last_end(),
            ))
        }
        _ => Err(cursor.expected("a field, join, let or `$param`")),
    }
}

fn index(cursor: &mut Cursor<'_>) -> Result<Pick, Fault> {
    let number = match cursor.peek() {
        Some(Token {
            kind: TokenKind::Number(n),
            ..
        }) => n.parse::<usize>().ok(),
        _ => None,
    };
    let Some(number) = number else {
        return Err(cursor.expected("a position such as `0` or `1..`"));
    };
    cursor.next();
    let open = cursor.mark("..").is_some();
    if cursor.mark("]").is_none() {
        return Err(cursor.expected("`]`"));
    }
    Ok(if open {
        Pick::From(number)
    } else {
        Pick::At(number)
    })
}

/// Reads a scalar that is one path, and resolves it.
pub fn lower(ctx: &mut Ctx<'_>, scope: &mut Scope, node: &Node) -> Option<(Input, Kind)> {
    let text = node.text()?;
    let list = tokens(text);
    let mut cursor = Cursor::new(&list, text.len());
    let path = parse(&mut cursor).and_then(|p| match cursor.peek() {
        None => Ok(p),
        Some(_) => Err(cursor.expected("the end of the path")),
    });
    match path {
        Ok(path) => resolve(ctx, scope, node, &path),
        Err(fault) => {
            let span = within(ctx.files, node, fault.range.start, fault.range.end);
            ctx.push(
                Diagnostic::new(Code::BadPath, span, format!("the path `{text}`: {}", fault.message))
                    .hint("a path is `field`, `join.field`, `join[0].field`, `join[1..].field`, `let.member`, `count(join)` or `$param`"),
            );
            None
        }
    }
}

/// Gives the names of a path their meaning.
pub fn resolve(
    ctx: &mut Ctx<'_>,
    scope: &mut Scope,
    node: &Node,
    path: &Path,
) -> Option<(Input, Kind)> {
    let (name, range) = &path.name;
    let at = |ctx: &Ctx<'_>, r: &Range<usize>| within(ctx.files, node, r.start, r.end);
    let span = at(ctx, range);
    let all = at(ctx, &path.range);
    match &path.form {
        PathForm::Param => param(ctx, name, span),
        PathForm::Count => {
            let Some(join) = scope.joins.iter().position(|j| j.name == *name) else {
                unknown_join(ctx, scope, name, span);
                return None;
            };
            scope.joins_used.insert(join);
            let id = JoinId(u16::try_from(join).ok()?);
            Some((Input::Count(id), Kind::plain(Type::Int, false)))
        }
        PathForm::Name { pick, member } => {
            let member = member.as_ref().map(|(m, r)| (m.as_str(), at(ctx, r)));
            if scope.broken.contains(name) {
                return None;
            }
            if name == "outcome" && scope.of.is_report() {
                return outcome(ctx, member, all);
            }
            if let Some(join) = scope.joins.iter().position(|j| j.name == *name) {
                return joined(ctx, scope, join, *pick, member, all);
            }
            if let Some(binding) = scope.lets.iter().position(|l| l.name == *name) {
                return bound(ctx, scope, binding, *pick, member, all);
            }
            let object = ctx.source_of(scope.object);
            match object.field(name) {
                Some((id, field)) => {
                    if pick.is_some() || member.is_some() {
                        ctx.push(
                            Diagnostic::new(
                                Code::PathMisuse,
                                all,
                                format!("`{name}` is a field of {}, it has no members", object.name),
                            )
                            .hint("only joins and lets have members: join the other object under `join:`"),
                        );
                        return None;
                    }
                    ctx.reads(scope.object, id);
                    Some((Input::Field(id), Kind::of_field(field)))
                }
                None => {
                    let known = scope.names(ctx.source);
                    ctx.push(
                        Diagnostic::new(
                            Code::UnknownName,
                            span,
                            format!("{} has no field, join or let `{name}`", object.name),
                        )
                        .did_you_mean(name, known.iter().map(String::as_str)),
                    );
                    None
                }
            }
        }
    }
}

fn unknown_join(ctx: &mut Ctx<'_>, scope: &Scope, name: &str, span: Span) {
    if scope.broken.contains(name) {
        return;
    }
    ctx.push(
        Diagnostic::new(
            Code::UnknownJoin,
            span,
            format!("there is no join `{name}` here"),
        )
        .did_you_mean(name, scope.joins.iter().map(|j| j.name.as_str())),
    );
}

/// A parameter by name.
pub fn param(ctx: &mut Ctx<'_>, name: &str, span: Span) -> Option<(Input, Kind)> {
    let Some(at) = ctx.params.iter().position(|p| p.name == name) else {
        let known: Vec<String> = ctx.params.iter().map(|p| p.name.clone()).collect();
        ctx.push(
            Diagnostic::new(
                Code::UnknownParam,
                span,
                format!("there is no parameter `{name}`"),
            )
            .did_you_mean(name, known.iter().map(String::as_str)),
        );
        return None;
    };
    ctx.uses.params.insert(at);
    Some((
        Input::Param(at),
        Kind::plain(ctx.params[at].data_type, false),
    ))
}

fn joined(
    ctx: &mut Ctx<'_>,
    scope: &mut Scope,
    at: usize,
    pick: Option<Pick>,
    member: Option<(&str, Span)>,
    all: Span,
) -> Option<(Input, Kind)> {
    scope.joins_used.insert(at);
    let join = scope.joins[at].clone();
    let pick = match (&join.kind, pick) {
        (JoinKind::One { .. }, None) => Pick::At(0),
        (JoinKind::One { .. }, Some(_)) => {
            ctx.push(
                Diagnostic::new(
                    Code::PathMisuse,
                    all,
                    format!("`{}` joins one record, it takes no position", join.name),
                )
                .related(join.span, "declared here with `one:`")
                .hint(format!("write `{}` or `{}.FIELD`", join.name, join.name)),
            );
            return None;
        }
        (JoinKind::All, Some(pick)) => pick,
        (JoinKind::All, None) => {
            ctx.push(
                Diagnostic::new(
                    Code::PathMisuse,
                    all,
                    format!(
                        "`{}` joins several records; the path does not say which",
                        join.name
                    ),
                )
                .related(join.span, "declared here with `all:`")
                .hint(format!(
                    "write `{0}[0]` for the first, `{0}[1..]` for the others, or `count({0})`",
                    join.name
                )),
            );
            return None;
        }
    };
    let object = ctx.source_of(join.object);
    ctx.uses.objects.insert(join.object);
    let surely_there =
        matches!(join.kind, JoinKind::One { none: OnJoin::Hold, many } if many != OnJoin::Blank);
    let (field, mut kind) = match member {
        None => (None, Kind::record(join.object, !surely_there)),
        Some((name, span)) => {
            let (id, field) = ctx.field(object, name, span)?;
            ctx.reads(join.object, id);
            (Some(id), Kind::of_field(field))
        }
    };
    kind.optional |= !surely_there;
    kind.many = matches!(pick, Pick::From(_));
    let join = JoinId(u16::try_from(at).ok()?);
    Some((Input::Join { join, pick, field }, kind))
}

/// A part of what became of a record.
fn outcome(ctx: &mut Ctx<'_>, member: Option<(&str, Span)>, all: Span) -> Option<(Input, Kind)> {
    let names = OutcomePart::ALL.iter().map(|(n, _)| *n);
    let (name, span) = member.unwrap_or(("", all));
    let Some((_, part)) = OutcomePart::ALL.iter().find(|(n, _)| *n == name) else {
        ctx.push(
            Diagnostic::new(
                Code::UnknownName,
                span,
                "`outcome` has `reason`, `code`, `into`, `step`, `key` and `records`",
            )
            .did_you_mean(name, names),
        );
        return None;
    };
    let data_type = match part {
        OutcomePart::Records => Type::Int,
        _ => Type::Text,
    };
    Some((Input::Outcome(*part), Kind::plain(data_type, true)))
}

fn bound(
    ctx: &mut Ctx<'_>,
    scope: &mut Scope,
    binding: usize,
    pick: Option<Pick>,
    member: Option<(&str, Span)>,
    all: Span,
) -> Option<(Input, Kind)> {
    scope.lets_used.insert(binding);
    let bound = &scope.lets[binding];
    if pick.is_some() {
        ctx.push(Diagnostic::new(
            Code::PathMisuse,
            all,
            format!("`{}` is a let, it takes no position", bound.name),
        ));
        return None;
    }
    let Some((name, span)) = member else {
        if !bound.members.is_empty() {
            ctx.push(
                Diagnostic::new(
                    Code::PathMisuse,
                    all,
                    format!("`{}` has members; the path does not say which", bound.name),
                )
                .did_you_mean("", bound.members.iter().map(|(n, _)| n.as_str())),
            );
            return None;
        }
        return Some((
            Input::Let {
                binding,
                member: None,
            },
            scope.let_kinds[binding].clone(),
        ));
    };
    match bound.members.iter().position(|(n, _)| n == name) {
        Some(member) => Some((
            Input::Let {
                binding,
                member: Some(member),
            },
            Kind::plain(bound.members[member].1, true),
        )),
        None => {
            let finding = Diagnostic::new(
                Code::UnknownName,
                span,
                format!("the let `{}` has no member `{name}`", bound.name),
            );
            ctx.push(if bound.members.is_empty() {
                finding.hint("members come from a closing `parse_json`")
            } else {
                finding.did_you_mean(name, bound.members.iter().map(|(n, _)| n.as_str()))
            });
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Result<PathForm, String> {
        let list = tokens(text);
        let mut cursor = Cursor::new(&list, text.len());
        parse(&mut cursor)
            .map(|p| p.form)
            .map_err(|f| format!("{} {}", f.range.start, f.message))
    }

    #[test]
    fn every_form_is_read() {
        assert_eq!(form("$owner"), Ok(PathForm::Param));
        assert_eq!(form("count(firms)"), Ok(PathForm::Count));
        assert_eq!(
            form("email"),
            Ok(PathForm::Name {
                pick: None,
                member: None
            })
        );
        assert_eq!(
            form("firms[1..].company_id"),
            Ok(PathForm::Name {
                pick: Some(Pick::From(1)),
                member: Some(("company_id".into(), 11..21)),
            })
        );
    }

    #[test]
    fn faults_say_where() {
        assert_eq!(
            form("firms[x]"),
            Err("6 expected a position such as `0` or `1..`, found `x`".into())
        );
        assert_eq!(
            form("who."),
            Err("4 expected a field after the dot, found the end".into())
        );
        assert_eq!(
            form("count(1)"),
            Err("6 expected the name of a join, found `1`".into())
        );
    }
}
