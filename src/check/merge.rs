//! `merge:`: records of a source object that stand for the same thing.

use super::{join, kind::Kind, scope::Ctx};
use crate::{
    diag::{Code, Diagnostic},
    ident::ObjectId,
    mapping::Merge,
    spec::Entry,
};

/// Reads one merge.
pub fn lower(ctx: &mut Ctx<'_>, entry: &Entry) -> Option<(ObjectId, Merge)> {
    let object = ctx.source_object(&entry.key, entry.key_span)?;
    let declared = ctx.source_of(object);
    let node = &entry.value;
    let mut good = true;
    let mut by = Vec::new();
    for item in node.get_items("by") {
        match ctx.field(declared, item.text().unwrap_or(""), item.span) {
            Some((id, field)) => {
                ctx.reads(object, id);
                if Kind::of_field(field).is_list() {
                    ctx.push(Diagnostic::new(
                        Code::JoinTypes,
                        item.span,
                        format!("`{}` is a list; lists are not compared", field.name),
                    ));
                    good = false;
                }
                by.push(id);
            }
            None => good = false,
        }
    }
    let keep_nodes = node.get_items("keep");
    let keep = join::order(ctx, object, keep_nodes)?;
    let at = keep_nodes.last().map_or(entry.key_span, |n| n.span);
    join::total(ctx, declared, &keep, at, "the merge");
    good.then(|| {
        (
            object,
            Merge {
                by,
                keep,
                fill: node.get_bool("fill").unwrap_or(false),
                why: node.get_text("why").map(str::to_owned),
                span: entry.key_span,
            },
        )
    })
}
