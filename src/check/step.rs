//! One object mapping: joins, lets, guards, fields and match keys.

use super::{
    create::Created,
    facts::{PairFacts, StepFacts},
    field::{self, Lowered, destination_field},
    join,
    kind::Kind,
    literal, ops, path,
    scope::{Ctx, Header, Scope},
    when,
};
use crate::{
    diag::{Code, Diagnostic, Span},
    ident::{FieldId, ObjectId},
    mapping::{
        Absent, BlankPolicy, Found, Guard, Input, Let, MatchKey, Op, Step, policy::FallbackKey,
    },
    spec::{Entry, Node},
    value::{Scalar, Type},
};
use std::collections::BTreeSet;

/// Reads one object mapping whose objects are known.
pub fn lower(
    ctx: &mut Ctx<'_>,
    created: &Created,
    at: usize,
    header: &Header,
    entry: &Entry,
    blank: BlankPolicy,
) -> Option<(Step, StepFacts)> {
    let node = &entry.value;
    let (from, to) = (header.from?, header.to?);
    ctx.uses.objects.insert(from);
    let mut scope = Scope::of(from);
    scope.of = header.of;
    join::lower(ctx, &mut scope, node.get_entries("join"));
    lets(ctx, &mut scope, node.get_entries("let"));
    let guards = guards(ctx, &mut scope, node.get_items("guards"));

    let mut broken = BTreeSet::new();
    let mut lowered: Vec<Lowered> = Vec::new();
    for field_entry in node.get_entries("fields") {
        match field::lower(ctx, &mut scope, created, to, blank, field_entry) {
            Ok(one) => add(ctx, to, &mut lowered, one),
            Err(Some(id)) => {
                broken.insert(id);
            }
            Err(None) => {}
        }
    }
    for auto in created.automatic.iter().filter(|a| a.header == at) {
        if let Some(one) = field::automatic(ctx, from, to, auto) {
            add(ctx, to, &mut lowered, one);
        }
    }
    let (keys, pairs) = match_keys(
        ctx,
        &mut scope,
        created,
        to,
        node,
        &mut lowered,
        &mut broken,
    );
    lowered.sort_by_key(|(f, _)| f.to);
    let match_keys = keys
        .into_iter()
        .filter_map(|(fields, span)| positioned(ctx, to, &lowered, &fields, span))
        .collect();

    let (absent, later_reassign) = absent(ctx, created, to, node);
    let after_nodes = node.get_items("after");
    let after = field::steps_named(ctx, after_nodes);
    let key_span = |key: &str| node.entry(key).map(|e| e.key_span);
    let unused = |used: &BTreeSet<usize>, spans: &[Span], name: &dyn Fn(usize) -> String| {
        (0..spans.len())
            .filter(|i| !used.contains(i))
            .map(|i| (name(i), spans[i]))
            .collect::<Vec<_>>()
    };
    let facts = StepFacts {
        header: header.clone(),
        broken,
        unused_joins: unused(&scope.joins_used, &scope.join_spans, &|i| {
            scope.joins[i].name.clone()
        }),
        unused_lets: unused(&scope.lets_used, &scope.let_spans, &|i| {
            scope.lets[i].name.clone()
        }),
        found: key_span("found"),
        absent: key_span("absent"),
        matched: key_span("match"),
        written: key_span("fields"),
        pairs,
        after: after_nodes.iter().map(|n| n.span).collect(),
        fields: lowered.iter().map(|(_, f)| f.clone()).collect(),
    };
    Some((
        Step {
            name: header.name.clone(),
            from,
            of: header.of,
            to,
            match_keys,
            found: match node.get_text("found") {
                Some("use") => Found::Use,
                Some("hold") => Found::Hold,
                Some("fail") => Found::Fail,
                _ => Found::Update,
            },
            absent,
            later_reassign,
            joins: scope.joins,
            lets: scope.lets,
            guards,
            fields: lowered.into_iter().map(|(f, _)| f).collect(),
            after: after.unwrap_or_default(),
            why: node.get_text("why").map(str::to_owned),
            span: header.span,
        },
        facts,
    ))
}

/// Adds an entry unless its field is filled already.
fn add(ctx: &mut Ctx<'_>, object: ObjectId, lowered: &mut Vec<Lowered>, one: Lowered) {
    if let Some((first, _)) = lowered.iter().find(|(f, _)| f.to == one.0.to) {
        let name = &ctx.destination_of(object).fields[one.0.to.ix()].name;
        ctx.out.push(
            Diagnostic::new(
                Code::WrittenTwice,
                one.0.span,
                format!("`{name}` is filled twice"),
            )
            .related(first.span, "the other entry")
            .hint("remove one of them, or send this one to another field"),
        );
        return;
    }
    lowered.push(one);
}

fn lets(ctx: &mut Ctx<'_>, scope: &mut Scope, entries: &[Entry]) {
    for entry in entries {
        join::collides(ctx, scope, entry);
        let node = &entry.value;
        let lowered = field::start(ctx, scope, node).and_then(|start| {
            let (ops, kind) = ops::lower(ctx, node.get_items("transform"), start.kind)?;
            Some((start.input, ops, kind))
        });
        let Some((input, ops, kind)) = lowered else {
            scope.broken.insert(entry.key.clone());
            continue;
        };
        let ops: Vec<Op> = ops.into_iter().map(|(op, _)| op).collect();
        let members = match ops.last() {
            Some(Op::ParseJson(shape)) => shape.clone(),
            _ => Vec::new(),
        };
        scope.lets.push(Let {
            name: entry.key.clone(),
            input,
            ops,
            bad: field::on_bad(node),
            members,
        });
        scope.let_spans.push(entry.key_span);
        scope.let_kinds.push(kind);
    }
}

fn guards(ctx: &mut Ctx<'_>, scope: &mut Scope, nodes: &[Node]) -> Vec<Guard> {
    let mut out = Vec::new();
    for node in nodes {
        let Some(when) = node.get("when").and_then(|w| when::lower(ctx, scope, w)) else {
            continue;
        };
        out.push(Guard {
            when,
            code: node.get_text("code").unwrap_or("guard").to_owned(),
            say: node.get_text("say").map(str::to_owned),
        });
    }
    out
}

type Fields = (Vec<FieldId>, Span);

/// Reads `match:`. Fields that the step does not fill get an entry of their own where the step never
/// writes; elsewhere a record it creates could not be recognised again, which is told by a rule.
fn match_keys(
    ctx: &mut Ctx<'_>,
    scope: &mut Scope,
    created: &Created,
    to: ObjectId,
    node: &Node,
    lowered: &mut Vec<Lowered>,
    broken: &mut BTreeSet<FieldId>,
) -> (Vec<Fields>, Vec<PairFacts>) {
    let mut keys = Vec::new();
    let mut pairs = Vec::new();
    for key in node.get_items("match") {
        let mut fields = Vec::new();
        let mut good = true;
        for pair in key.entries() {
            let Some(field) = destination_field(ctx, created, to, pair) else {
                // The path is looked at all the same.
                path::lower(ctx, scope, &pair.value);
                good = false;
                continue;
            };
            let there = lowered
                .iter()
                .find(|(f, facts)| f.to == field && !facts.matched_only)
                .is_some();
            if there || broken.contains(&field) {
                match path::lower(ctx, scope, &pair.value) {
                    Some((input, _)) => pairs.push(PairFacts {
                        field,
                        input,
                        span: pair.value.span,
                        filled: true,
                    }),
                    None => good = false,
                }
            } else if let Some((map, facts)) = field::matched(ctx, scope, to, field, pair) {
                pairs.push(PairFacts {
                    field,
                    input: map.input.clone(),
                    span: pair.value.span,
                    filled: false,
                });
                if !lowered.iter().any(|(f, _)| f.to == field) {
                    lowered.push((map, facts));
                }
            } else {
                broken.insert(field);
                good = false;
            }
            fields.push(field);
        }
        if good && !fields.is_empty() {
            keys.push((fields, key.span));
        }
    }
    (keys, pairs)
}

fn positioned(
    ctx: &Ctx<'_>,
    to: ObjectId,
    lowered: &[Lowered],
    fields: &[FieldId],
    span: Span,
) -> Option<MatchKey> {
    let pairs = fields
        .iter()
        .map(|field| Some((*field, lowered.iter().position(|(f, _)| f.to == *field)?)))
        .collect::<Option<Vec<_>>>()?;
    let object = ctx.destination_of(to);
    let key = object
        .keys
        .iter()
        .find(|k| k.by.len() == fields.len() && fields.iter().all(|f| k.by.contains(f)));
    Some(MatchKey {
        pairs,
        trim: key.is_some_and(|k| k.trim),
        lower: key.is_some_and(|k| k.lower),
        span,
    })
}

fn absent(ctx: &mut Ctx<'_>, created: &Created, to: ObjectId, node: &Node) -> (Absent, bool) {
    let Some(absent) = node.get("absent") else {
        return (Absent::Create, false);
    };
    let later = node.get_text("later") == Some("reassign");
    let policy = match absent.text() {
        Some("hold") => Absent::Hold,
        Some("fail") => Absent::Fail,
        Some(_) => Absent::Create,
        None => {
            if absent.get("fallback").is_some() {
                let keys = keys(
                    ctx,
                    created,
                    to,
                    absent.get_entries("fallback"),
                    fallback_value,
                );
                Absent::Fallback(keys)
            } else if absent.get("placeholder").is_some() {
                // A stand-in is made from the record's own fields, with these values over them.
                Absent::Placeholder(keys(
                    ctx,
                    created,
                    to,
                    absent.get_entries("placeholder"),
                    fallback_value,
                ))
            } else {
                Absent::Create
            }
        }
    };
    (policy, later)
}

fn keys(
    ctx: &mut Ctx<'_>,
    created: &Created,
    to: ObjectId,
    entries: &[Entry],
    mut value: impl FnMut(&mut Ctx<'_>, ObjectId, FieldId, &Node) -> Option<Input>,
) -> Vec<FallbackKey> {
    entries
        .iter()
        .filter_map(|e| {
            let field = destination_field(ctx, created, to, e)?;
            let value = value(ctx, to, field, &e.value)?;
            Some(FallbackKey { field, value })
        })
        .collect()
}

/// A literal, or a parameter, of the field's type.
fn fallback_value(ctx: &mut Ctx<'_>, to: ObjectId, field: FieldId, node: &Node) -> Option<Input> {
    let text = node.text()?;
    if let Some(name) = text.strip_prefix('$') {
        return path::param(ctx, name, node.span).map(|(input, _)| input);
    }
    let declared = &ctx.destination_of(to).fields[field.ix()];
    let data_type = match declared.data_type {
        Type::Ref => Type::Text,
        other => other,
    };
    let value = literal::typed(text, data_type).filter(|v| {
        let too_long = declared.data_type.is_text()
            && Kind::literal(v)
                .max
                .zip(declared.max)
                .is_some_and(|(a, b)| a > b);
        !matches!(v, Scalar::Blank) && !too_long
    });
    if value.is_none() {
        ctx.push(Diagnostic::new(
            Code::OutOfRange,
            node.span,
            format!("'{text}' does not fit `{}`", declared.name),
        ));
    }
    value.map(Input::Const)
}
