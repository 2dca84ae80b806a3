//! What discovery found, for people and for machines.

use super::document::{Block, count, mark};
use crate::platform::lock::{
    AccountInventory, AccountObject, Change, KeyCount, Link, LinkKind, Need, ReadState, SchemaLock,
    Side, SourceField, SourceObject,
};
use serde_json::{Value, json};

/// The version of the JSON shape.
pub const VERSION: u32 = 1;
/// Choices, names and lines that are shown of a list.
const SHOWN: usize = 12;

/// For machines: the lock, and what changed since the last one.
pub fn render_json(lock: &SchemaLock, changes: Option<&[Change]>) -> Value {
    json!({
        "schema_version": VERSION,
        "inventory": lock,
        "drift": changes.map(|list| list.iter().map(|c| json!({
            "side": c.side,
            "place": c.place,
            "kind": c.kind,
            "was": c.was,
            "now": c.now,
            "words": c.words(),
        })).collect::<Vec<_>>()),
    })
}

/// The document: drift first, then the source, then the destination. `changes`: `None` without an earlier lock.
pub fn blocks(lock: &SchemaLock, changes: Option<&[Change]>) -> Vec<Block> {
    let mut out = vec![Block::Heading(1, format!("Discovery for {}", lock.mapping))];
    drift(&mut out, changes);
    source(&mut out, lock);
    match &lock.destination {
        Some(account) => destination(&mut out, account),
        None => {
            out.push(Block::Heading(2, "Destination".to_owned()));
            out.push(Block::Line("not known: it was not looked at".to_owned()));
        }
    }
    out
}

fn drift(out: &mut Vec<Block>, changes: Option<&[Change]>) {
    out.push(Block::Heading(2, "Since the last discovery".to_owned()));
    match changes {
        None => out.push(Block::Line("this is the first one".to_owned())),
        Some([]) => out.push(Block::Line("nothing changed".to_owned())),
        Some(list) => {
            let line = |c: &Change| {
                let side = match c.side {
                    Side::Source => "source",
                    Side::Destination => "destination",
                };
                format!("{side}: {}", c.words())
            };
            out.push(Block::Items(list.iter().map(line).collect()));
        }
    }
}

fn source(out: &mut Vec<Block>, lock: &SchemaLock) {
    let source = &lock.source;
    out.push(Block::Heading(2, format!("Source: {}", source.platform)));
    let rows = source.objects.iter().map(|o| {
        let custom = o.fields.iter().filter(|f| f.custom).count();
        let fields = o.fields.iter().filter(|f| f.found).count();
        vec![
            o.object.clone(),
            o.file.clone().unwrap_or_default(),
            match o.state {
                ReadState::Read => o.records.to_string(),
                ReadState::Missing => "missing".to_owned(),
                ReadState::Unreadable => "unreadable".to_owned(),
                ReadState::LeftOut => "not read by the mapping".to_owned(),
            },
            none_or(o.bad_rows),
            format!(
                "{fields}{}",
                mark(custom > 0, &format!(" ({custom} custom)"))
            ),
            none_or(o.keys.iter().map(|k| k.clusters).sum()),
        ]
    });
    out.push(Block::Rows(
        vec![
            "object",
            "file",
            "records",
            "bad rows",
            "fields",
            "duplicate groups",
        ],
        rows.collect(),
    ));
    for object in &source.objects {
        one_object(out, object);
    }
    out.push(Block::Heading(3, "Relationships".to_owned()));
    out.push(Block::Rows(
        vec!["from", "to", "records", "orphans", "ambiguous", "note"],
        source.links.iter().map(link).collect(),
    ));
    out.push(Block::Heading(3, "Owners".to_owned()));
    let owners = source.owners.iter().map(|o| {
        let by: Vec<String> = o
            .records
            .iter()
            .map(|r| format!("{}.{} {}", r.object, r.field, r.records))
            .collect();
        vec![
            o.matched_by.clone().unwrap_or_else(|| o.key.clone()),
            o.total().to_string(),
            by.join(", "),
            mark(!o.listed, "not in the list of owners"),
        ]
    });
    out.push(Block::Rows(
        vec!["owner", "records", "of which", "note"],
        owners.collect(),
    ));
    if !source.handed_off.is_empty() {
        out.push(Block::Heading(3, "Leaves as a document".to_owned()));
        let rows = source.handed_off.iter().map(|h| {
            let of = if h.some { "some of " } else { "" };
            vec![
                h.name.replace('_', " "),
                format!("{of}{} {}", h.records, h.object),
            ]
        });
        out.push(Block::Rows(vec!["what", "records"], rows.collect()));
    }
}

fn one_object(out: &mut Vec<Block>, object: &SourceObject) {
    if object.state == ReadState::LeftOut {
        return;
    }
    out.push(Block::Heading(3, object.object.clone()));
    if let Some(why) = &object.why {
        let file = object.file.as_deref().unwrap_or_default();
        out.push(Block::Line(format!("{file}: {why}")));
        return;
    }
    let rows = object.fields.iter().map(|f| field(f, object.records));
    out.push(Block::Rows(
        vec![
            "field",
            "declared",
            "looks like",
            "filled",
            "distinct",
            "longest",
            "shapes",
            "note",
        ],
        rows.collect(),
    ));
    for f in &object.fields {
        if let Some(choices) = &f.choices
            && !choices.is_empty()
        {
            let mut list: Vec<String> = choices
                .iter()
                .take(SHOWN)
                .map(|c| format!("{} ({})", c.value, c.records))
                .collect();
            let more = choices.len().saturating_sub(SHOWN) as u64 + f.choices_more;
            if more > 0 {
                list.push(format!("and {more} more"));
            }
            out.push(Block::Line(format!("{}: {}", f.field, list.join(", "))));
        }
    }
    let keys: Vec<String> = object.keys.iter().filter_map(key).collect();
    if !keys.is_empty() {
        out.push(Block::Items(keys));
    }
}

fn field(f: &SourceField, records: u64) -> Vec<String> {
    let mut notes = Vec::new();
    if !f.found {
        notes.push("the column is not there".to_owned());
    }
    if f.declared.is_none() {
        notes.push("no spec names this column".to_owned());
    }
    if f.bad > 0 {
        notes.push(format!("{} cannot be read as declared", f.bad));
    }
    if f.missing > 0 {
        let who = match f.needed_by {
            Some(Need::Source) => "required",
            _ => "needed by the mapping",
        };
        notes.push(format!("{who}, {} without", f.missing));
    }
    let mut declared = f.declared.clone().unwrap_or_default();
    if f.custom {
        declared.push_str(" (custom)");
    }
    vec![
        f.field.clone(),
        declared,
        f.looks_like.clone().unwrap_or_default(),
        share(f.filled, records),
        format!("{}{}", f.distinct, mark(f.distinct_capped, " or more")),
        none_or(f.max_chars),
        f.examples.join(" · "),
        notes.join("; "),
    ]
}

/// Duplicates and gaps of a key, in words; `None` when there are none.
fn key(key: &KeyCount) -> Option<String> {
    let name = key.fields.join("+");
    let used = if key.used_by.is_empty() {
        "looked up by a join".to_owned()
    } else {
        key.used_by.join(", ")
    };
    let mut parts = Vec::new();
    if key.clusters > 0 {
        let lines: Vec<String> = key
            .examples
            .iter()
            .map(|c| format!("{} at lines {} to {}", c.records, c.first_line, c.last_line))
            .collect();
        parts.push(format!(
            "{} in {}: {}",
            count(key.records, "record", "records"),
            count(key.clusters, "group of duplicates", "groups of duplicates"),
            lines.join(", ")
        ));
    }
    if key.blank > 0 {
        parts.push(format!(
            "{} without it",
            count(key.blank, "record", "records")
        ));
    }
    if key.capped {
        parts.push("not counted to the end: too many different ones".to_owned());
    }
    (!parts.is_empty()).then(|| format!("{name} ({used}): {}", parts.join("; ")))
}

fn link(link: &Link) -> Vec<String> {
    let from: Vec<String> = link
        .fields
        .iter()
        .map(|f| format!("{}.{f}", link.object))
        .collect();
    let mut notes = Vec::new();
    if link.kind == LinkKind::Join {
        notes.push(format!("join {}", link.name.as_deref().unwrap_or_default()));
    }
    if !link.orphan_lines.is_empty() {
        let lines: Vec<String> = link.orphan_lines.iter().map(u64::to_string).collect();
        notes.push(format!("orphans from line {}", lines.join(", ")));
    }
    if link.capped {
        notes.push("not followed to the end".to_owned());
    }
    vec![
        from.join(" or "),
        link.to.join(" or "),
        link.records.to_string(),
        none_or(link.orphans),
        none_or(link.ambiguous),
        notes.join("; "),
    ]
}

fn destination(out: &mut Vec<Block>, account: &AccountInventory) {
    let tier = account.tier.as_deref().unwrap_or("not said");
    out.push(Block::Heading(
        2,
        format!("Destination: {}, tier {tier}", account.platform),
    ));
    let rows = account.objects.iter().map(|o| {
        vec![
            o.object.clone(),
            o.records
                .map_or_else(|| "not told".to_owned(), |n| n.to_string()),
            if o.described {
                o.custom().count().to_string()
            } else {
                String::new()
            },
            names(o),
        ]
    });
    out.push(Block::Rows(
        vec!["object", "records", "custom fields", "names"],
        rows.collect(),
    ));
    let fields = account.objects.iter().flat_map(|o| {
        o.custom().map(move |f| {
            vec![
                format!("{}.{}", o.object, f.name),
                f.label.clone(),
                f.kind.clone(),
                f.choices.join(" | "),
            ]
        })
    });
    out.push(Block::Heading(3, "Custom fields".to_owned()));
    out.push(Block::Rows(
        vec!["field", "label", "type", "choices"],
        fields.collect(),
    ));
}

fn names(object: &AccountObject) -> String {
    let Some(names) = &object.names else {
        return String::new();
    };
    let mut shown: Vec<String> = names.iter().take(SHOWN).cloned().collect();
    if names.len() > SHOWN {
        shown.push(format!("and {} more", names.len() - SHOWN));
    }
    shown.join(", ")
}

fn none_or(number: u64) -> String {
    if number == 0 {
        String::new()
    } else {
        number.to_string()
    }
}

/// A share in per cent; below all and above nothing it is never rounded to either.
fn share(part: u64, whole: u64) -> String {
    match (part, whole) {
        (_, 0) => String::new(),
        (0, _) => "0 %".to_owned(),
        (p, w) if p >= w => "100 %".to_owned(),
        (p, w) => format!("{} %", (p * 100 / w).clamp(1, 99)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_honest_at_the_ends() {
        assert_eq!(share(0, 10), "0 %");
        assert_eq!(share(1, 1000), "1 %");
        assert_eq!(share(999, 1000), "99 %");
        assert_eq!(share(1000, 1000), "100 %");
        assert_eq!(share(0, 0), "");
    }
}
