//! One field of a platform file: its type, limits and wire format.

use super::read::{Scope, pairs, text, texts};
use crate::{
    diag::{Code, Diagnostic, Diagnostics, Span},
    ident::ObjectId,
    platform::{Field, ItemForm, ListFormat, NumberForm, RefForm, Truth, Write, words, zone},
    spec::{Entry, Node},
    value::Type,
};

/// A key, whether a type takes it, and those types in words.
type Fitting = (&'static str, fn(Type) -> bool, &'static str);

/// Keys that only some types take.
const FITTING: &[Fitting] = &[
    ("to", |t| t == Type::Ref, "ref"),
    ("kind_path", |t| t == Type::Ref, "ref"),
    ("kinds", |t| t == Type::Ref, "ref"),
    (
        "item",
        |t| t == Type::Ref || t.is_list(),
        "ref, multi_enum, tags and list",
    ),
    ("parent", |t| t == Type::Ref, "ref"),
    ("many", |t| t == Type::Ref, "ref"),
    ("remove", |t| t == Type::Ref, "ref"),
    ("unlink", |t| t == Type::Ref, "ref"),
    ("truth", |t| t == Type::Bool, "bool"),
    ("list", Type::is_list, "multi_enum, tags and list"),
    ("item_max", Type::is_list, "multi_enum, tags and list"),
    (
        "format",
        |t| matches!(t, Type::Date | Type::DateTime),
        "date and datetime",
    ),
    (
        "zone",
        |t| matches!(t, Type::Date | Type::DateTime),
        "date and datetime",
    ),
    (
        "number",
        |t| matches!(t, Type::Int | Type::Decimal),
        "int and decimal",
    ),
    (
        "min",
        |t| matches!(t, Type::Int | Type::Decimal | Type::Bytes),
        "int, decimal and bytes",
    ),
    ("scale", |t| t == Type::Decimal, "decimal"),
    (
        "max",
        |t| t.is_text() || t.is_list() || matches!(t, Type::Int | Type::Decimal | Type::Bytes),
        "texts, lists and numbers",
    ),
    (
        "values",
        |t| matches!(t, Type::Enum | Type::MultiEnum),
        "enum and multi_enum",
    ),
    (
        "contents",
        |t| matches!(t, Type::Text | Type::Html | Type::JsonText),
        "text, html and json_text",
    ),
];

/// A field as declared under `fields:` of an object, or under a migration's `custom_fields:`. `objects` are
/// the names that `to:` may use, by [`ObjectId`]. The path is the name unless the field says otherwise.
pub fn lower_field(entry: &Entry, objects: &[String], diags: &mut Diagnostics) -> Field {
    let scope = &mut Scope {
        objects,
        tiers: &[],
        diags,
    };
    let node = &entry.value;
    let data_type = node
        .get_text("type")
        .and_then(Type::parse)
        .unwrap_or(Type::Text);
    check_keys(node, data_type, scope);
    let says_observed = node.get_text("values") == Some("observed");
    let field = Field {
        name: entry.key.clone(),
        label: text(node, "label").unwrap_or_else(|| words::in_words(&entry.key)),
        data_type,
        path: text(node, "path").unwrap_or_else(|| entry.key.clone()),
        read_path: text(node, "read"),
        aliases: texts(node, "aliases"),
        custom: false,
        max: scope.count(node.get("max")),
        min: node.get_int("min"),
        scale: scope.small(node.get("scale")),
        item_max: scope.count(node.get("item_max")),
        values: node
            .get("values")
            .filter(|n| n.text().is_none())
            .map(|_| texts(node, "values")),
        values_observed: says_observed,
        unique: node.get_bool("unique").unwrap_or(false),
        required: node.get_bool("required").unwrap_or(false),
        write: match node.get_text("write") {
            Some("on_create") => Write::OnCreate,
            Some("never") => Write::Never,
            _ => Write::Always,
        },
        set: text(node, "set"),
        default: text(node, "default"),
        reference: (data_type == Type::Ref).then(|| reference(entry, scope)),
        truth: node.get("truth").map(|t| truth(t, scope)),
        list: node.get("list").and_then(|l| list_format(l, scope)),
        item: item(node, data_type, scope),
        parent: node.get_bool("parent").unwrap_or(false),
        format: formats(node, scope),
        zone: zone_name(node.get("zone"), scope),
        number: match node.get_text("number") {
            Some("text") => NumberForm::Text,
            _ => NumberForm::Plain,
        },
        contents: node.get_text("contents") == Some("text"),
        blank_when_bad: node.get_text("on_bad") == Some("blank"),
        include: text(node, "include"),
        says: pairs(node, "says"),
        why: text(node, "why"),
        span: entry.key_span,
    };
    check_limits(&field, node, scope);
    field
}

fn check_keys(node: &Node, data_type: Type, scope: &mut Scope<'_>) {
    for (key, fits, types) in FITTING {
        let Some(e) = node.entry(key) else { continue };
        if !fits(data_type) {
            scope.diags.push(
                Diagnostic::new(
                    Code::PlatformFieldKey,
                    e.key_span,
                    format!("`{key}` does not go with the type {}", data_type.name()),
                )
                .hint(format!("`{key}` belongs to {types}")),
            );
        }
    }
}

fn check_limits(field: &Field, node: &Node, scope: &mut Scope<'_>) {
    let at = |key: &str| node.entry(key).map_or(field.span, |e| e.value.span);
    if let (Some(min), Some(max)) = (field.min, field.max)
        && u64::try_from(min).is_ok_and(|min| min > max)
    {
        scope.fault(
            Code::PlatformRange,
            at("min"),
            format!("the least number {min} is above the largest {max}"),
        );
    }
    if field.required && field.write == Write::Never {
        scope.diags.push(
            Diagnostic::new(
                Code::PlatformRange,
                at("required"),
                format!("`{}` is required and never written", field.name),
            )
            .hint("remove `required: true`, or say when it may be written"),
        );
    }
    if let Some(values) = &field.values
        && let Some((v, item)) = values
            .iter()
            .zip(node.get_items("values"))
            .enumerate()
            .find(|(i, (v, _))| values[..*i].contains(v))
            .map(|(_, pair)| pair)
    {
        scope.fault(
            Code::PlatformRange,
            item.span,
            format!("the choice `{v}` stands here twice"),
        );
    }
}

fn reference(entry: &Entry, scope: &mut Scope<'_>) -> RefForm {
    let node = &entry.value;
    let to: Vec<ObjectId> = node
        .get_items("to")
        .iter()
        .filter_map(|n| scope.object(n.text()?, n.span))
        .collect();
    if node.get_items("to").is_empty() {
        scope.diags.push(
            Diagnostic::new(
                Code::PlatformReference,
                entry.key_span,
                format!(
                    "`{}` is a reference and does not say to which object",
                    entry.key
                ),
            )
            .hint("add `to: [object]`"),
        );
    }
    let kinds = kinds(node, &to, scope);
    if let Some(many) = node.entry("many")
        && node.get("item").is_none()
    {
        scope.diags.push(
            Diagnostic::new(
                Code::PlatformReference,
                many.key_span,
                "several references, and nothing says how one of them stands in its array",
            )
            .hint("add `item: {id: member}`, or `item: {}` for bare ids"),
        );
    }
    RefForm {
        to,
        kind_path: text(node, "kind_path"),
        kinds,
        item: node.get("item").map(|i| (text(i, "id"), text(i, "mark"))),
        item_kind: node.get("item").and_then(|i| text(i, "kind")),
        many: node.get_bool("many").unwrap_or(false),
        remove_path: text(node, "remove"),
        unlink: node.get_bool("unlink").unwrap_or(false),
    }
}

fn kinds(node: &Node, to: &[ObjectId], scope: &mut Scope<'_>) -> Vec<(ObjectId, String)> {
    let mut kinds: Vec<(ObjectId, String)> = Vec::new();
    for e in node.get_entries("kinds") {
        let Some(object) = scope.object(&e.key, e.key_span) else {
            continue;
        };
        if !to.contains(&object) {
            scope.fault(
                Code::PlatformKinds,
                e.key_span,
                format!("the reference does not point to `{}`", e.key),
            );
        }
        if let Some(word) = e.value.text() {
            if kinds.iter().any(|(_, w)| w == word) {
                scope.fault(
                    Code::PlatformKinds,
                    e.value.span,
                    format!("two objects have the same word `{word}`"),
                );
            }
            kinds.push((object, word.to_owned()));
        }
    }
    let in_item = node.get("item").and_then(|i| i.entry("kind"));
    match (node.entry("kind_path").or(in_item), node.entry("kinds")) {
        (Some(path), None) => scope.diags.push(
            Diagnostic::new(
                Code::PlatformKinds,
                path.key_span,
                "a member for the kind, and no words for the objects",
            )
            .hint("add `kinds: {object: word, ...}`"),
        ),
        (None, Some(words)) => scope.diags.push(
            Diagnostic::new(
                Code::PlatformKinds,
                words.key_span,
                "words for the objects, and no member that carries them",
            )
            .hint("add `kind_path: member`, or `kind: member` to the item of an array"),
        ),
        (Some(_), Some(words)) => {
            let missing: Vec<&str> = to
                .iter()
                .filter(|o| !kinds.iter().any(|(k, _)| k == *o))
                .filter_map(|o| scope.objects.get(o.ix()))
                .map(String::as_str)
                .collect();
            if !missing.is_empty() {
                let message = format!("no word for {}", super::read::join(&missing));
                scope.fault(Code::PlatformKinds, words.key_span, message);
            }
        }
        (None, None) => {}
    }
    kinds
}

fn truth(node: &Node, scope: &mut Scope<'_>) -> Truth {
    let truth = Truth {
        yes: texts(node, "means_true"),
        no: texts(node, "means_false"),
        as_number: node.get_text("as") == Some("number"),
    };
    for item in node.get_items("means_false") {
        if let Some(word) = item.text()
            && truth.yes.iter().any(|y| y.eq_ignore_ascii_case(word))
        {
            scope.fault(
                Code::PlatformRange,
                item.span,
                format!("`{word}` means both true and false"),
            );
        }
    }
    if truth.as_number {
        for item in node
            .get_items("means_true")
            .iter()
            .chain(node.get_items("means_false"))
        {
            if item.text().is_some_and(|t| t.parse::<i64>().is_err()) {
                scope.fault(
                    Code::PlatformRange,
                    item.span,
                    "written as a number, and this is none",
                );
            }
        }
    }
    truth
}

/// The item of a list of objects. A reference has its own.
fn item(node: &Node, data_type: Type, scope: &mut Scope<'_>) -> Option<ItemForm> {
    let item = node.get("item")?;
    let refers = data_type == Type::Ref;
    if let Some(e) = item.entry("value").filter(|_| refers) {
        scope.diags.push(
            Diagnostic::new(
                Code::PlatformFieldKey,
                e.key_span,
                "the item of a reference has no value",
            )
            .hint("`id` names the member with the id it points to"),
        );
    }
    if refers || !data_type.is_list() {
        return None;
    }
    if let Some(e) = item.entry("mark") {
        scope.fault(
            Code::PlatformFieldKey,
            e.key_span,
            "only the item of a reference has a mark",
        );
    }
    if let Some(e) = node.entry("list") {
        scope.fault(
            Code::PlatformFieldKey,
            e.key_span,
            "`list` says how values stand in one text, and `item` that they are objects",
        );
    }
    let Some(value) = text(item, "value") else {
        scope.diags.push(
            Diagnostic::new(
                Code::PlatformFieldKey,
                item.span,
                "nothing says which member of an item holds the value",
            )
            .hint("add `value: name`, or whatever the member is called"),
        );
        return None;
    };
    Some(ItemForm {
        value,
        id: text(item, "id"),
    })
}

fn list_format(node: &Node, scope: &mut Scope<'_>) -> Option<ListFormat> {
    let brackets = node.get("brackets").and_then(|n| {
        let mut marks = n.text()?.chars();
        match (marks.next(), marks.next(), marks.next()) {
            (Some(open), Some(close), None) => Some((open, close)),
            _ => {
                scope.fault(
                    Code::BadLiteral,
                    n.span,
                    "brackets are two characters: the opening and the closing one",
                );
                None
            }
        }
    });
    let separator = node.get("separator")?;
    let text = separator.text()?;
    if text.is_empty() {
        scope.fault(
            Code::BadLiteral,
            separator.span,
            "the separator of a list is empty",
        );
        return None;
    }
    Some(ListFormat {
        separator: text.to_owned(),
        brackets,
        quoted: node.get_bool("quoted").unwrap_or(false),
    })
}

fn formats(node: &Node, scope: &mut Scope<'_>) -> Vec<String> {
    let mut formats = Vec::new();
    for item in node.get_items("format") {
        let Some(format) = item.text() else { continue };
        if let Err(why) = zone::check_reading_format(format) {
            scope.fault(
                Code::PlatformTime,
                item.span,
                format!("the date format `{format}` cannot be read: {why}"),
            );
        } else {
            formats.push(format.to_owned());
        }
    }
    formats
}

/// A zone as written, when it can be read.
pub(super) fn zone_name(node: Option<&Node>, scope: &mut Scope<'_>) -> Option<String> {
    let node = node?;
    let name = node.text()?;
    if zone::find(name).is_none() {
        zone_fault(name, node.span, scope);
        return None;
    }
    Some(name.to_owned())
}

fn zone_fault(name: &str, span: Span, scope: &mut Scope<'_>) {
    scope.diags.push(
        Diagnostic::new(
            Code::PlatformTime,
            span,
            format!("`{name}` is not a known zone"),
        )
        .hint("write an IANA name such as `America/Chicago`, an offset such as `-06:00`, or `UTC`"),
    );
}
