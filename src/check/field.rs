//! One entry under `fields:`: where the value comes from, its ops, and how it fits.

use super::{
    create::{Automatic, Created},
    facts::FieldFacts,
    kind::{Kind, fits},
    literal, ops, path, reference,
    scope::{Ctx, Scope},
    signature, template, when,
};
use crate::{
    diag::{Code, Diagnostic, Span},
    ident::{FieldId, ObjectId, StepId},
    mapping::{BlankPolicy, Conflict, FieldMap, Input, Missing, OnBad, Op, RefSource},
    platform::{Connect, Field, Write},
    spec::{Entry, Node},
    value::Type,
};

/// A field entry with what is known of it.
pub type Lowered = (FieldMap, FieldFacts);

/// The destination field that a key of `fields:`, `match:` or `absent:` names.
pub fn destination_field(
    ctx: &mut Ctx<'_>,
    created: &Created,
    object: ObjectId,
    entry: &Entry,
) -> Option<FieldId> {
    if let Some((id, _)) = created.find(object, &entry.key) {
        return Some(*id);
    }
    let declared = ctx.destination_of(object);
    if let Some((id, _)) = declared.field(&entry.key) {
        return Some(id);
    }
    // A create that was refused is told already.
    if entry.value.get("create").is_some() {
        return None;
    }
    let prefix = ctx.destination.custom.as_ref().map(|c| c.prefix.as_str());
    let custom = prefix.is_some_and(|p| !p.is_empty() && entry.key.starts_with(p));
    let finding = Diagnostic::new(
        Code::UnknownField,
        entry.key_span,
        format!("{} has no field `{}`", declared.name, entry.key),
    )
    .related(
        declared.span,
        format!("`{}` is declared here", declared.name),
    );
    ctx.push(if custom {
        finding.hint("a new field needs `create: {type: text, label: …}`")
    } else {
        finding.did_you_mean(&entry.key, declared.fields.iter().map(|f| f.name.as_str()))
    });
    None
}

/// The value of an entry before its ops: alternatives with their kinds and places.
pub struct Start {
    /// The input.
    pub input: Input,
    /// What is known of it.
    pub kind: Kind,
    /// Alternatives of `first_of`.
    parts: Vec<(Kind, Span)>,
    span: Span,
}

/// Reads where a value comes from: a path, `from`, `first_of`, `text` or `const`.
pub fn start(ctx: &mut Ctx<'_>, scope: &mut Scope, node: &Node) -> Option<Start> {
    let single = |input: Input, kind: Kind, span: Span| Start {
        input,
        parts: vec![(kind.clone(), span)],
        kind,
        span,
    };
    if node.text().is_some() {
        let (input, kind) = path::lower(ctx, scope, node)?;
        return Some(single(input, kind, node.span));
    }
    if let Some(from) = node.get("from") {
        let (input, kind) = path::lower(ctx, scope, from)?;
        return Some(single(input, kind, from.span));
    }
    if let Some(text) = node.get("text") {
        let kind = template::lower(ctx, scope, text)?;
        let source = text.text().unwrap_or("").to_owned();
        return Some(single(Input::Text(source), kind, text.span));
    }
    if let Some(value) = node.get("const") {
        let literal = literal::scalar(value)?;
        let kind = Kind::literal(&literal);
        return Some(single(Input::Const(literal), kind, value.span));
    }
    let list = node.get("first_of")?;
    let lowered: Vec<_> = list
        .items()
        .iter()
        .map(|n| match n.get("const") {
            Some(value) => {
                let literal = literal::scalar(value)?;
                let kind = Kind::literal(&literal);
                Some((Input::Const(literal), kind, value.span))
            }
            None => path::lower(ctx, scope, n).map(|(i, k)| (i, k, n.span)),
        })
        .collect();
    let lowered = lowered.into_iter().collect::<Option<Vec<_>>>()?;
    let kinds: Vec<Kind> = lowered.iter().map(|l| l.1.clone()).collect();
    Some(Start {
        kind: Kind::first_of(&kinds),
        parts: lowered.iter().map(|l| (l.1.clone(), l.2)).collect(),
        input: Input::FirstOf(lowered.into_iter().map(|l| l.0).collect()),
        span: list.span,
    })
}

/// Reads one entry of `fields:`.
pub fn lower(
    ctx: &mut Ctx<'_>,
    scope: &mut Scope,
    created: &Created,
    object: ObjectId,
    blank: BlankPolicy,
    entry: &Entry,
) -> Result<Lowered, Option<FieldId>> {
    let node = &entry.value;
    let to = destination_field(ctx, created, object, entry);
    // The value is looked at even when the field is unknown: all faults in one run.
    let start = start(ctx, scope, node);
    let only = steps_named(ctx, node.get_items("only"));
    let among = node.get("object");
    let when = node.get("when").map(|w| when::lower(ctx, scope, w));
    let to = to.ok_or(None)?;
    let declared = &ctx.destination_of(object).fields[to.ix()];
    writable(ctx, declared, entry.key_span);
    let start = start.ok_or(Some(to))?;
    let (ops, kind) =
        ops::lower(ctx, node.get_items("transform"), start.kind.clone()).ok_or(Some(to))?;
    let only = only.ok_or(Some(to))?;
    let when = match when {
        Some(lowered) => Some(lowered.ok_or(Some(to))?),
        None => None,
    };
    let reference = if declared.data_type == Type::Ref {
        let among = match among {
            Some(named) => vec![reference::named(ctx, declared, named).ok_or(Some(to))?],
            None => declared
                .reference
                .as_ref()
                .map_or(Vec::new(), |r| r.to.clone()),
        };
        let takes = reference::Takes {
            field: declared,
            objects: &among,
            only: &only,
        };
        Some(reference_of(ctx, &takes, &start, &kind, ops.is_empty()).ok_or(Some(to))?)
    } else {
        if let Some(named) = among {
            ctx.push(Diagnostic::new(
                Code::ReferenceKind,
                named.span,
                format!("`{}` is no reference", declared.name),
            ));
        }
        typed(ctx, declared, &kind, start.span, entry.key_span);
        None
    };
    let (ops, op_spans): (Vec<Op>, Vec<Span>) = ops.into_iter().unzip();
    Ok((
        FieldMap {
            to,
            input: start.input,
            ops,
            when,
            bad: on_bad(node),
            reference,
            missing: missing(node),
            needed: declared.required || node.get("missing").is_some(),
            blank: match node.get_text("blank") {
                Some("clear") => BlankPolicy::Clear,
                Some("skip") => BlankPolicy::Skip,
                _ => blank,
            },
            conflict: node.get_text("conflict").and_then(Conflict::read),
            only,
            create: created.find(object, &entry.key).map(|(_, c)| c.clone()),
            automatic: false,
            why: node.get_text("why").map(str::to_owned),
            span: entry.key_span,
        },
        FieldFacts {
            kind,
            value: start.span,
            key: entry.key_span,
            ops: op_spans,
            says_missing: node.get("missing").is_some(),
            matched_only: false,
        },
    ))
}

/// What `bad:` says.
pub fn on_bad(node: &Node) -> OnBad {
    match node.get_text("bad") {
        Some("blank") => OnBad::Blank,
        _ => OnBad::Hold,
    }
}

fn missing(node: &Node) -> Missing {
    match node.get_text("missing") {
        Some("blank") => Missing::Blank,
        Some("skip_row") => Missing::SkipRow,
        Some("fallback") => Missing::Fallback,
        _ => Missing::Hold,
    }
}

fn reference_of(
    ctx: &mut Ctx<'_>,
    takes: &reference::Takes<'_>,
    start: &Start,
    kind: &Kind,
    plain: bool,
) -> Option<RefSource> {
    // With ops between, the value is what the ops make of it.
    let parts = if plain {
        start.parts.clone()
    } else {
        vec![(kind.clone(), start.span)]
    };
    let several = takes.field.reference.as_ref().is_some_and(|r| r.many);
    let ways: Vec<Option<RefSource>> = parts
        .iter()
        .map(|(kind, span)| {
            if kind.many && !several {
                ctx.push(
                    Diagnostic::new(
                        Code::TypeMismatch,
                        *span,
                        format!(
                            "`{}` takes one record, and here come several",
                            takes.field.name
                        ),
                    )
                    .hint("take one by position: `NAME[0]`"),
                );
                return None;
            }
            reference::source_of(ctx, takes, kind, *span)
        })
        .collect();
    let mut ways = ways.into_iter().collect::<Option<Vec<_>>>()?;
    match (&start.input, plain) {
        (Input::FirstOf(_), true) => Some(RefSource::ByInput(ways)),
        _ => ways.pop(),
    }
}

fn writable(ctx: &mut Ctx<'_>, declared: &Field, span: Span) {
    // Whoever writes files gives the ids.
    let server = matches!(ctx.destination.connect, Connect::Http(_));
    if declared.write == Write::Never || declared.data_type == Type::Id && server {
        ctx.push(
            Diagnostic::new(
                Code::ReadOnlyField,
                span,
                format!("`{}` is written by the server only", declared.name),
            )
            .related(declared.span, "declared here")
            .hint("keep the value in a created field or in a text"),
        );
    }
}

/// Reports a value whose type the field does not take.
fn typed(ctx: &mut Ctx<'_>, declared: &Field, kind: &Kind, value: Span, _key: Span) {
    let Err(misfit) = fits(kind, declared.data_type) else {
        return;
    };
    let finding = Diagnostic::new(
        Code::TypeMismatch,
        value,
        format!(
            "`{}` takes {}, and here comes {}",
            declared.name,
            declared.data_type.name(),
            kind.shown()
        ),
    )
    .related(declared.span, "the field is declared here");
    ctx.push(match misfit.mend {
        Some(op) => finding.hint(format!("add `transform: [{op}]`")),
        None => finding.hint("no op makes one of the other; map another field"),
    });
}

/// The steps of a list of names; `None` when one is unknown.
pub fn steps_named(ctx: &mut Ctx<'_>, nodes: &[Node]) -> Option<Vec<StepId>> {
    let mut good = true;
    let mut out = Vec::new();
    for node in nodes {
        // `after:` may name a step together with the reason.
        let node = node.get("step").unwrap_or(node);
        match ctx.step(node) {
            Some(header) => match header.id {
                Some(id) => out.push(id),
                None => good = false,
            },
            None => good = false,
        }
    }
    good.then_some(out)
}

/// An entry from a stamp or a custom column.
pub fn automatic(
    ctx: &mut Ctx<'_>,
    from: ObjectId,
    to: ObjectId,
    auto: &Automatic,
) -> Option<Lowered> {
    let source = &ctx.source_of(from).fields[auto.from.ix()];
    let declared = &ctx.destination_of(to).fields[auto.to.ix()];
    let start = Kind::of_field(source);
    let (written, kind) = ops::lower(ctx, &auto.transform, start)?;
    let kind = signature::through(ctx, &auto.ops, kind)?;
    let reference = if declared.data_type == Type::Ref {
        Some(reference::by_declaration(ctx, declared, &kind, auto.span)?)
    } else {
        typed(ctx, declared, &kind, auto.span, auto.span);
        None
    };
    if auto.create.is_none() {
        writable(ctx, declared, auto.span);
    }
    let (ops, spans): (Vec<Op>, Vec<Span>) = written
        .into_iter()
        .chain(auto.ops.iter().map(|o| (o.clone(), auto.span)))
        .unzip();
    Some((
        FieldMap {
            to: auto.to,
            input: Input::Field(auto.from),
            ops,
            when: None,
            bad: OnBad::Hold,
            reference,
            missing: Missing::Hold,
            needed: declared.required,
            blank: BlankPolicy::Skip,
            conflict: None,
            only: Vec::new(),
            create: auto.create.clone(),
            automatic: true,
            why: None,
            span: auto.span,
        },
        FieldFacts {
            kind,
            value: auto.span,
            key: auto.span,
            ops: spans,
            says_missing: false,
            matched_only: false,
        },
    ))
}

/// An entry that exists only to recognise records.
pub fn matched(
    ctx: &mut Ctx<'_>,
    scope: &mut Scope,
    object: ObjectId,
    to: FieldId,
    pair: &Entry,
) -> Option<Lowered> {
    let (input, kind) = path::lower(ctx, scope, &pair.value)?;
    let declared = &ctx.destination_of(object).fields[to.ix()];
    let reference = if declared.data_type == Type::Ref {
        Some(reference::by_declaration(
            ctx,
            declared,
            &kind,
            pair.value.span,
        )?)
    } else {
        typed(ctx, declared, &kind, pair.value.span, pair.key_span);
        None
    };
    Some((
        FieldMap {
            to,
            input,
            ops: Vec::new(),
            when: None,
            bad: OnBad::Hold,
            reference,
            missing: Missing::Hold,
            needed: true,
            blank: BlankPolicy::Skip,
            conflict: None,
            only: Vec::new(),
            create: None,
            automatic: true,
            why: None,
            span: pair.key_span,
        },
        FieldFacts {
            kind,
            value: pair.value.span,
            key: pair.key_span,
            ops: Vec::new(),
            says_missing: true,
            matched_only: true,
        },
    ))
}
