//! The export itself: files, columns, keys, pointers, lengths.

use super::{Facts, Preflight};
use crate::{
    ident::{FieldId, ObjectId},
    mapping::{Found, Input, Mapping, Op, Step},
    plan::Plan,
    platform::{
        Object,
        lock::{KeyCount, Link, LinkKind, ReadState, SchemaLock, SourceObject},
    },
};

pub(super) fn judge(plan: &Plan, facts: &Facts<'_>, out: &mut Preflight) {
    let Some(lock) = facts.lock else { return };
    let mapping = &plan.mapping;
    let read = mapping.source_objects();
    for seen in &lock.source.objects {
        let Some((id, object)) = mapping.source.object(&seen.object) else {
            continue;
        };
        if read.contains(&id) {
            files(mapping, id, object, seen, out);
        }
        keys(mapping, id, seen, out);
    }
    for link in &lock.source.links {
        orphans(mapping, link, out);
    }
    for step in &mapping.steps {
        lengths(mapping, step, lock, out);
    }
}

fn files(
    mapping: &Mapping,
    id: ObjectId,
    object: &Object,
    seen: &SourceObject,
    out: &mut Preflight,
) {
    let file = seen.file.as_deref().unwrap_or(&seen.object);
    if matches!(seen.state, ReadState::Missing | ReadState::Unreadable) {
        let why = seen.why.as_deref().unwrap_or("it cannot be read");
        out.find(
            "file_unreadable",
            true,
            format!("{file}: {why}"),
            "export it again; a run does not begin without it",
            None,
        );
        return;
    }
    let ignored = |name: &str| {
        let field = object.field(name).map(|(f, _)| f);
        mapping
            .ignored
            .iter()
            .any(|(o, f, _)| *o == id && Some(*f) == field)
    };
    for field in &seen.fields {
        if field.declared.is_none() {
            let way_out = if object.custom_columns {
                format!(
                    "name it in the migration under custom_fields: {}: (with a type, or `ignore:` and the reason); it looks like {}",
                    object.name,
                    field
                        .looks_like
                        .as_deref()
                        .unwrap_or("nothing, it is empty")
                )
            } else {
                "name it in the platform file, and map or ignore it in the mapping".to_owned()
            };
            out.find(
                "column_not_named",
                true,
                format!("{file} has a column `{}` that nobody named", field.column),
                way_out,
                Some(field.filled),
            );
        } else if !field.found && !ignored(&field.field) {
            out.find(
                "column_missing",
                true,
                format!("{file} has no column `{}`", field.column),
                "export it with that column, or ignore the field with a reason",
                None,
            );
        }
        if field.bad > 0 {
            out.find(
                "value_unreadable",
                false,
                format!(
                    "{}.{}: {} values cannot be read as {}",
                    object.name,
                    field.field,
                    field.bad,
                    field.declared.as_deref().unwrap_or_default()
                ),
                "their records are held unless the mapping says `bad: blank`; correct the export, or the field's format",
                Some(field.bad),
            );
        }
    }
    if seen.bad_rows > 0 {
        out.find(
            "row_unreadable",
            false,
            format!("{file}: {} rows are no records", seen.bad_rows),
            "they are held with their line; correct the export",
            Some(seen.bad_rows),
        );
    }
}

fn keys(mapping: &Mapping, id: ObjectId, seen: &SourceObject, out: &mut Preflight) {
    for key in seen.keys.iter().filter(|k| k.clusters > 0) {
        let used = |word: &str| key.used_by.iter().any(|u| u.starts_with(word));
        let place = format!("{}.{}", seen.object, key.fields.join("+"));
        let what = format!(
            "{place}: {} records share a key with another, in {}",
            key.records,
            match key.clusters {
                1 => "one group".to_owned(),
                n => format!("{n} groups"),
            }
        );
        let surplus = Some(key.records - key.clusters);
        if used("record key") {
            out.find(
                "key_repeats",
                false,
                what,
                "only the first of each group is loaded, the others are held: correct the export",
                surplus,
            );
        } else if used("match of step") && !used("merge") && !merges(mapping, id) {
            let way_out = match_words(mapping, key);
            out.find("match_repeats", false, what, way_out, surplus);
        }
    }
}

fn merges(mapping: &Mapping, id: ObjectId) -> bool {
    mapping.merges.get(id.ix()).is_some_and(Option::is_some)
}

/// What happens to further records of one destination record.
fn match_words(mapping: &Mapping, key: &KeyCount) -> String {
    let step = key
        .used_by
        .iter()
        .find_map(|u| u.strip_prefix("match of step "))
        .and_then(|name| mapping.steps.iter().find(|s| s.name == name));
    let binds = step.is_some_and(|s| s.found == Found::Use);
    if binds {
        "they are one record at the destination".to_owned()
    } else {
        "say in the mapping how they merge (`merge:`); without that the later ones are held"
            .to_owned()
    }
}

fn orphans(mapping: &Mapping, link: &Link, out: &mut Preflight) {
    let to_owners = mapping.steps.iter().any(|s| {
        let source = mapping.source.objects.get(s.from.ix());
        let destination = mapping.destination.objects.get(s.to.ix());
        destination.is_some_and(Object::holds_owners)
            && source.is_some_and(|o| {
                link.to
                    .iter()
                    .any(|t| t.starts_with(&format!("{}.", o.name)))
            })
    });
    let from: Vec<String> = link
        .fields
        .iter()
        .map(|f| format!("{}.{f}", link.object))
        .collect();
    let from = from.join(" or ");
    if link.orphans > 0 && !to_owners {
        let lines: Vec<String> = link.orphan_lines.iter().map(u64::to_string).collect();
        out.find(
            "orphans",
            false,
            format!(
                "{from}: {} records point to what the export does not have (from line {})",
                link.orphans,
                lines.join(", ")
            ),
            "the mapping's `missing:` or its join decides; most are held. A complete export has them",
            Some(link.orphans),
        );
    }
    if link.ambiguous > 0 && link.kind == LinkKind::Join {
        out.find(
            "ambiguous",
            false,
            format!("{from}: {} records point to several at once", link.ambiguous),
            "the join's `many:` decides; make the names differ at the source, or join by another field",
            Some(link.ambiguous),
        );
    }
}

/// Values that are longer than the field they go into, where nothing on the way shortens them.
fn lengths(mapping: &Mapping, step: &Step, lock: &SchemaLock, out: &mut Preflight) {
    if step.of.is_report() {
        return;
    }
    let (Some(from), Some(to)) = (
        mapping.source.objects.get(step.from.ix()),
        mapping.destination.objects.get(step.to.ix()),
    ) else {
        return;
    };
    for map in &step.fields {
        let (Input::Field(FieldId(at)), Some(target)) = (&map.input, to.fields.get(map.to.ix()))
        else {
            continue;
        };
        let keeps = map
            .ops
            .iter()
            .all(|op| matches!(op, Op::Trim | Op::Lower | Op::Upper | Op::Squeeze));
        let declared = from.fields.get(usize::from(*at));
        let (Some(declared), Some(max)) = (declared, target.max) else {
            continue;
        };
        if !keeps
            || !target.data_type.is_text()
            || !declared.data_type.is_text()
            || declared.contents
        {
            continue;
        }
        let seen = lock
            .source
            .object(&from.name)
            .and_then(|o| o.field(&declared.name));
        if let Some(seen) = seen.filter(|s| s.max_chars > max) {
            out.find(
                "text_too_long",
                false,
                format!(
                    "{}.{}: the longest value has {} characters, {}.{} takes {max}",
                    from.name, seen.field, seen.max_chars, to.name, target.name
                ),
                "such records are held; shorten by name (`transform: [{cut: ...}]`), or take a longer field",
                None,
            );
        }
    }
}
