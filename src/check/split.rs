//! `splits:`: where the records of a source object go, row by row.
//!
//! A split is a list of rows, or a map of `join:` (what its rows may count) and `rows:`.

use super::{
    facts::SplitFacts,
    field::steps_named,
    join,
    scope::{Ctx, Scope},
    when,
};
use crate::{
    diag::{Code, Diagnostic},
    ident::ObjectId,
    mapping::{Join, SplitRow, SplitTo},
    spec::{Entry, Node},
};

/// A split with what is known of it.
pub struct Split {
    /// The source object.
    pub object: ObjectId,
    /// Its rows.
    pub rows: Vec<SplitRow>,
    /// Its joins.
    pub joins: Vec<Join>,
    /// Places.
    pub facts: SplitFacts,
}

/// Reads one split.
pub fn lower(ctx: &mut Ctx<'_>, entry: &Entry) -> Option<Split> {
    let object = ctx.source_object(&entry.key, entry.key_span)?;
    ctx.uses.objects.insert(object);
    let mut scope = Scope::of(object);
    join::lower(ctx, &mut scope, entry.value.get_entries("join"));
    let nodes = match entry.value.items() {
        [] => entry.value.get_items("rows"),
        items => items,
    };
    let mut rows = Vec::new();
    let mut broken = !scope.broken.is_empty();
    for node in nodes {
        match row(ctx, &mut scope, object, node) {
            Some(row) => rows.push(row),
            None => broken = true,
        }
    }
    Some(Split {
        object,
        rows,
        facts: SplitFacts {
            span: Some(entry.key_span),
            broken,
            unused_joins: (0..scope.joins.len())
                .filter(|i| !scope.joins_used.contains(i))
                .map(|i| (scope.joins[i].name.clone(), scope.join_spans[i]))
                .collect(),
        },
        joins: scope.joins,
    })
}

fn row(ctx: &mut Ctx<'_>, scope: &mut Scope, object: ObjectId, node: &Node) -> Option<SplitRow> {
    let condition = node.get("when").map(|w| when::lower(ctx, scope, w));
    let rest = node.entry("else");
    let to = match node
        .get("drop")
        .or_else(|| rest.and_then(|e| e.value.get("drop")))
    {
        Some(reason) => {
            let reason_text = reason.text().unwrap_or("").trim();
            if reason_text.is_empty() {
                ctx.push(
                    Diagnostic::new(
                        Code::NoReason,
                        reason.span,
                        "records are dropped without a reason",
                    )
                    .hint("write why: `drop: Chat-only visitor, left out by agreement`"),
                );
            }
            SplitTo::Drop(reason_text.to_owned())
        }
        None => {
            let list = match rest {
                Some(e) if !e.value.items().is_empty() => e.value.items(),
                _ => node.get_items("to"),
            };
            let steps = steps_named(ctx, list);
            for item in list {
                let header = ctx
                    .headers
                    .iter()
                    .find(|h| Some(h.name.as_str()) == item.text());
                if let Some((name, from, span)) =
                    header.and_then(|h| Some((h.name.clone(), h.from?, h.span)))
                    && from != object
                {
                    let (own, other) = (&ctx.source_of(object).name, &ctx.source_of(from).name);
                    ctx.push(
                        Diagnostic::new(
                            Code::SplitWrongObject,
                            item.span,
                            format!("`{name}` reads {other}, and these are records of {own}"),
                        )
                        .related(span, "the object mapping"),
                    );
                }
            }
            SplitTo::Steps(steps?)
        }
    };
    let when = match condition {
        Some(None) => return None,
        Some(Some(when)) => Some(when),
        None => None,
    };
    Some(SplitRow {
        when,
        to,
        why: node.get_text("why").map(str::to_owned),
        span: node.span,
    })
}
