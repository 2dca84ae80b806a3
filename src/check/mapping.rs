//! From a mapping file (and a migration's additions) to the resolved mapping.

use super::{
    column, create, document,
    facts::{Facts, SplitFacts},
    merge, params, policy, reasons, rules,
    scope::{Ctx, Header, Uses},
    split, step, value_map,
};
use crate::{
    diag::{Code, Diagnostic, Diagnostics},
    ident::{ObjectId, StepId},
    mapping::{Mapping, Of, Overrides},
    platform::Platform,
    spec::{Node, Project, SpecFile},
};
use std::{collections::BTreeSet, sync::Arc};

/// Lowers a mapping and runs every rule on it. `None` when there are errors.
pub fn lower(
    project: &Project,
    file: &SpecFile,
    mut source: Platform,
    destination: Platform,
    migration: Option<&Node>,
    tier: Option<&str>,
    out: &mut Diagnostics,
) -> Option<Mapping> {
    let node = file.root();
    let mut found = Diagnostics::default();
    let columns = migration
        .map(|m| column::declare(&mut source, m, &mut found))
        .unwrap_or_default();
    let mut with_created = destination.clone();
    let mut ctx = Ctx {
        files: &project.files,
        source: &source,
        destination: &destination,
        params: Vec::new(),
        value_maps: Vec::new(),
        map_facts: Vec::new(),
        headers: Vec::new(),
        broken_maps: BTreeSet::new(),
        uses: Uses::default(),
        out: found,
    };
    headers(&mut ctx, node);
    let param_spans = params::lower(&mut ctx, node, migration);
    let mut created = create::gather(&mut ctx, node, migration, &mut with_created);

    // Value maps may name created fields; custom columns may use value maps.
    let first = with_created.clone();
    let mut ctx = Ctx {
        destination: &first,
        ..ctx
    };
    value_map::lower(&mut ctx, project, node, migration);
    let mut ignored_columns = column::carry(&mut ctx, &columns, &mut with_created, &mut created);
    for column in &columns {
        if let Some(ignore) = column.entry.value.entry("ignore") {
            document::reason(&mut ctx, &ignore.value, &column.entry.key, ignore.key_span);
        }
    }
    let mut ctx = Ctx {
        destination: &with_created,
        ..ctx
    };
    let policy = policy::lower(&mut ctx, node, migration);

    let mut steps = Vec::new();
    let mut step_facts = Vec::new();
    let declared = ctx.headers.clone();
    for (at, (header, entry)) in declared.iter().zip(node.get_entries("objects")).enumerate() {
        if header.id.is_none() {
            continue;
        }
        if let Some((step, facts)) =
            step::lower(&mut ctx, &created, at, header, entry, policy.blank)
        {
            steps.push(step);
            step_facts.push(facts);
        }
    }
    let objects = source.objects.len();
    let mut splits = vec![Vec::new(); objects];
    let mut split_joins = vec![Vec::new(); objects];
    let mut split_facts = vec![SplitFacts::default(); objects];
    for entry in node.get_entries("splits") {
        if let Some(split) = split::lower(&mut ctx, entry) {
            let at = split.object.ix();
            splits[at] = split.rows;
            split_joins[at] = split.joins;
            split_facts[at] = split.facts;
        }
    }
    let mut merges = vec![None; objects];
    for entry in node.get_entries("merge") {
        if let Some((object, merge)) = merge::lower(&mut ctx, entry) {
            merges[object.ix()] = Some(merge);
        }
    }
    let handoffs = document::handoffs(&mut ctx, node);
    let mut left = document::ignored(&mut ctx, node);
    left.fields.append(&mut ignored_columns);
    let page = document::page(&mut ctx, node);
    let tests = document::tests(&mut ctx, node);

    let mut found = std::mem::take(&mut ctx.out);
    let mut murky = BTreeSet::new();
    hidden(&source, node, &declared, &found, &mut murky);
    let mapping = Mapping {
        name: file.name(),
        source: Arc::new(source.clone()),
        destination: Arc::new(with_created.clone()),
        steps,
        splits,
        split_joins,
        merges,
        value_maps: ctx.value_maps.clone(),
        params: ctx.params.clone(),
        policy,
        handoffs,
        page,
        tests,
        ignored: left.fields.clone(),
        ignored_objects: left.reasons.clone(),
        reasons: reasons::gather(node, migration),
        overrides: Overrides::default(),
    };
    let facts = Facts {
        ctx: &ctx,
        mapping: &mapping,
        steps: &step_facts,
        params: &param_spans,
        splits: &split_facts,
        ignored: &left.places,
        ignored_objects: &left.objects,
        murky: &murky,
        tier,
        source_span: node.get("source").map_or(node.span, |n| n.span),
    };
    for (_, rule) in rules::ALL {
        rule(&facts, &mut found);
    }
    let good = !found.has_errors();
    out.extend(found);
    good.then_some(mapping)
}

/// Source objects whose fields may be read by something that could not be understood: a field that looks
/// uncovered may be used there, and nothing is said about it.
fn hidden(
    source: &Platform,
    mapping: &Node,
    headers: &[Header],
    found: &Diagnostics,
    murky: &mut BTreeSet<ObjectId>,
) {
    let all = || (0..source.objects.len()).filter_map(|i| Some(ObjectId(u16::try_from(i).ok()?)));
    let hides = |code: Code| {
        matches!(
            code,
            Code::BadPath
                | Code::BadExpression
                | Code::BadTemplate
                | Code::UnknownObject
                | Code::UnknownField
                | Code::UnknownName
                | Code::UnknownJoin
                | Code::PathMisuse
                | Code::ConditionType
                | Code::MixedAndOr
        )
    };
    for finding in found.sorted().into_iter().filter(|d| hides(d.code)) {
        let at = finding.primary.span;
        let step = mapping
            .get_entries("objects")
            .iter()
            .zip(headers)
            .find(|(e, _)| {
                let span = e.value.span;
                span.file == at.file && span.start <= at.start && at.end <= span.end
            });
        match step {
            Some((entry, header)) if header.from.is_some() => {
                murky.extend(header.from);
                for join in entry.value.get_entries("join") {
                    let name = join
                        .value
                        .get_text("one")
                        .or_else(|| join.value.get_text("all"));
                    murky.extend(name.and_then(|n| source.object(n)).map(|(id, _)| id));
                }
            }
            _ => murky.extend(all()),
        }
    }
}

/// Resolves the objects of every step, so that steps can name each other.
fn headers(ctx: &mut Ctx<'_>, node: &Node) {
    let mut next: u16 = 0;
    for entry in node.get_entries("objects") {
        let side = |key: &str| entry.value.get(key).and_then(|n| Some((n.text()?, n.span)));
        let from = side("from").and_then(|(name, span)| ctx.source_object(name, span));
        let to = side("to").and_then(|(name, span)| ctx.destination_object(name, span));
        let id = match (from, to) {
            (Some(_), Some(_)) => {
                let id = StepId(next);
                next = next.saturating_add(1);
                Some(id)
            }
            _ => None,
        };
        if next == u16::MAX {
            ctx.push(Diagnostic::new(
                Code::TooLarge,
                entry.key_span,
                "there are too many object mappings",
            ));
            return;
        }
        ctx.headers.push(Header {
            name: entry.key.clone(),
            span: entry.key_span,
            from,
            of: match entry.value.get_text("of") {
                Some("merged") => Of::Merged,
                Some("dropped") => Of::Dropped,
                Some("held") => Of::Held,
                Some("missing") => Of::Missing,
                _ => Of::Loaded,
            },
            to,
            id,
        });
    }
}
