//! `join:` and orders: records of other objects that belong to a record.

use super::{
    kind::{Family, Kind, family},
    path,
    scope::{Ctx, Scope},
    when,
};
use crate::{
    diag::{Code, Diagnostic, Span},
    ident::{FieldId, ObjectId},
    mapping::{Input, Join, JoinKind, OnJoin, OrderBy},
    platform::Object,
    spec::{Entry, Node},
    value::Type,
};

/// Reads the joins of a step or split into its scope.
pub fn lower(ctx: &mut Ctx<'_>, scope: &mut Scope, entries: &[Entry]) {
    for entry in entries {
        collides(ctx, scope, entry);
        match one(ctx, scope, entry) {
            Some(join) => {
                scope.joins.push(join);
                scope.join_spans.push(entry.key_span);
            }
            None => {
                scope.broken.insert(entry.key.clone());
            }
        }
    }
}

/// A join or let must not hide a field or another join or let.
pub fn collides(ctx: &mut Ctx<'_>, scope: &Scope, entry: &Entry) {
    let object = ctx.source_of(scope.object);
    let other = if let Some((_, field)) = object.field(&entry.key) {
        Some((field.span, format!("a field of {}", object.name)))
    } else if let Some(i) = scope.joins.iter().position(|j| j.name == entry.key) {
        Some((scope.join_spans[i], "a join".to_owned()))
    } else {
        scope
            .lets
            .iter()
            .position(|l| l.name == entry.key)
            .map(|i| (scope.let_spans[i], "a let".to_owned()))
    };
    if let Some((span, what)) = other {
        ctx.push(
            Diagnostic::new(
                Code::NamesCollide,
                entry.key_span,
                format!("`{}` is the name of {what} too", entry.key),
            )
            .related(span, "the other one")
            .hint("choose another name"),
        );
    }
}

fn one(ctx: &mut Ctx<'_>, scope: &mut Scope, entry: &Entry) -> Option<Join> {
    let node = &entry.value;
    let (target, all) = match (node.get("one"), node.get("all")) {
        (Some(one), _) => (one, false),
        (None, Some(all)) => (all, true),
        (None, None) => return None,
    };
    let object = ctx.source_object(target.text()?, target.span)?;
    ctx.uses.objects.insert(object);
    let declared = ctx.source_of(object);
    let by_node = node.get("by")?;
    let alternatives: Vec<&Node> = match by_node.items() {
        [] => vec![by_node],
        items => items.iter().collect(),
    };
    let mut good = true;
    let mut by = Vec::new();
    for alternative in alternatives {
        let mut pairs = Vec::new();
        for pair in alternative.entries() {
            match by_pair(ctx, scope, declared, object, pair) {
                Some(pair) => pairs.push(pair),
                None => good = false,
            }
        }
        by.push(pairs);
    }
    let filter = match node.get("where") {
        None => None,
        Some(condition) => {
            let mut theirs = Scope::of(object);
            let lowered = when::lower(ctx, &mut theirs, condition);
            good &= lowered.is_some();
            lowered
        }
    };
    let order_node = node.get_items("order");
    let order = order(ctx, object, order_node);
    good &= order.is_some();
    let order = order.unwrap_or_default();
    let on = |key: &str| match node.get_text(key) {
        Some("hold") => Some(OnJoin::Hold),
        Some("blank") => Some(OnJoin::Blank),
        Some("first") => Some(OnJoin::First),
        _ => None,
    };
    let kind = if all {
        JoinKind::All
    } else {
        JoinKind::One {
            none: on("none").unwrap_or(OnJoin::Hold),
            many: on("many").unwrap_or(OnJoin::Hold),
        }
    };
    let ordered = all
        || matches!(
            kind,
            JoinKind::One {
                many: OnJoin::First,
                ..
            }
        );
    if ordered && good {
        let at = order_node.last().map_or(entry.key_span, |n| n.span);
        total(
            ctx,
            declared,
            &order,
            at,
            &format!("the join `{}`", entry.key),
        );
    }
    good.then(|| Join {
        name: entry.key.clone(),
        object,
        kind,
        by,
        filter,
        order,
        say: node.get_text("say").map(str::to_owned),
        span: entry.key_span,
    })
}

fn by_pair(
    ctx: &mut Ctx<'_>,
    scope: &mut Scope,
    joined: &Object,
    object: ObjectId,
    pair: &Entry,
) -> Option<(FieldId, FieldId)> {
    let declared = ctx.source_of(object);
    let theirs = ctx.field(declared, &pair.key, pair.key_span);
    let ours = path::lower(ctx, scope, &pair.value);
    let (theirs, their_field) = theirs?;
    ctx.reads(object, theirs);
    let (input, our_kind) = ours?;
    let Input::Field(ours) = input else {
        ctx.push(
            Diagnostic::new(
                Code::PathMisuse,
                pair.value.span,
                "a join compares fields of this object only",
            )
            .hint("write the name of a field"),
        );
        return None;
    };
    let their_kind = Kind::of_field(their_field);
    let comparable = |k: &Kind| {
        // Whole numbers and keys are compared as text, and an export has no other form of them.
        matches!(family(k.data_type), Family::Text) || k.data_type == Type::Int
    };
    let same = family(their_kind.data_type) == family(our_kind.data_type);
    if their_kind.is_list()
        || our_kind.is_list()
        || !(same || comparable(&their_kind) && comparable(&our_kind))
    {
        ctx.push(
            Diagnostic::new(
                Code::JoinTypes,
                pair.key_span,
                format!(
                    "{}.{} is {} and is compared with {}",
                    joined.name,
                    pair.key,
                    their_kind.shown(),
                    our_kind.shown()
                ),
            )
            .hint("join by fields of one type"),
        );
        return None;
    }
    Some((theirs, ours))
}

/// Reads an order: `updated_at desc, id asc`. `None` when a term is broken.
pub fn order(ctx: &mut Ctx<'_>, object: ObjectId, nodes: &[Node]) -> Option<Vec<OrderBy>> {
    let declared = ctx.source_of(object);
    let mut good = true;
    let mut out = Vec::new();
    for node in nodes {
        let text = node.text().unwrap_or("");
        let mut words = text.split_whitespace();
        let name = words.next().unwrap_or("");
        let descending = words.next() == Some("desc");
        match ctx.field(declared, name, node.span) {
            Some((field, _)) => {
                ctx.reads(object, field);
                out.push(OrderBy { field, descending });
            }
            None => good = false,
        }
    }
    good.then_some(out)
}

/// Reports an order that can leave two records equal: its last term must be unique.
pub fn total(ctx: &mut Ctx<'_>, object: &Object, order: &[OrderBy], at: Span, what: &str) {
    let ends_unique = order.last().is_some_and(|o| is_unique(object, o.field));
    if !ends_unique {
        let unique: Vec<&str> = (0..object.fields.len())
            .filter_map(|i| Some(FieldId(u16::try_from(i).ok()?)))
            .filter(|f| is_unique(object, *f))
            .map(|f| object.fields[f.ix()].name.as_str())
            .collect();
        let finding = Diagnostic::new(
            Code::OrderNotTotal,
            at,
            format!(
                "the order of {what} can leave two records of {} equal",
                object.name
            ),
        );
        ctx.push(match unique.first() {
            Some(name) => finding.hint(format!("end it with a unique field: `{name} asc`")),
            None => finding.hint(format!("{} declares no unique field", object.name)),
        });
    }
}

fn is_unique(object: &Object, field: FieldId) -> bool {
    let f = &object.fields[field.ix()];
    f.unique || f.data_type == Type::Id || object.rows.as_ref().is_some_and(|r| r.key == [field])
}
