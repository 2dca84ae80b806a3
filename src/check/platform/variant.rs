//! Two ways to the same records: the file of a variant beside the file of its platform.
//!
//! One mapping reads both only when they have the same objects and fields of the same types. What the variant
//! cannot give it says under `lacks`, with the reason. Wire formats are each file's own.

use crate::{
    diag::{Code, Diagnostic, Diagnostics, Span},
    platform::{Field, Object, Platform},
    spec::Node,
};

/// Compares a variant with its platform; findings stand in the variant's file, whose root is `root`.
pub fn compare(root: &Node, variant: &Platform, base: &Platform, out: &mut Diagnostics) {
    let Some(rules) = &variant.variant else {
        return;
    };
    if base.variant.is_some() {
        out.push(
            Diagnostic::new(
                Code::PlatformVariant,
                rules.span,
                format!("`{}` is a variant itself", base.name),
            )
            .hint("name the platform that it is a variant of"),
        );
        return;
    }
    let lacks = |name: &str| rules.lacks.iter().any(|(n, _)| n == name);
    for object in &base.objects {
        let Some((_, own)) = variant.object(&object.name) else {
            if !lacks(&object.name) {
                missing(rules.span, base, &object.name, object.span, out);
            }
            continue;
        };
        for field in &object.fields {
            let name = format!("{}.{}", object.name, field.name);
            match own.field(&field.name) {
                Some((_, there)) => {
                    if let Some(why) = differs(variant, there, base, field) {
                        let message = format!(
                            "`{name}` is not the same field as that of `{}`: {why}",
                            base.name
                        );
                        out.push(
                            Diagnostic::new(Code::PlatformVariant, there.span, message)
                                .related(field.span, "the field of the platform"),
                        );
                    }
                }
                None if lacks(&name) => {}
                None => missing(own.span, base, &name, field.span, out),
            }
        }
        for field in &own.fields {
            if object.field(&field.name).is_none() {
                unknown(field.span, base, &object.name, Some(field), object, out);
            }
        }
    }
    for object in &variant.objects {
        if base.object(&object.name).is_none() {
            unknown(object.span, base, &object.name, None, object, out);
        }
    }
    stale(root, variant, base, out);
}

fn missing(at: Span, base: &Platform, name: &str, there: Span, out: &mut Diagnostics) {
    out.push(
        Diagnostic::new(
            Code::PlatformVariant,
            at,
            format!("`{}` has `{name}`, and this variant of it has not", base.name),
        )
        .related(there, "there")
        .hint(format!(
            "add it, or say under `variant: {{lacks: {{{name}: …}}}}` why it cannot be read this way"
        )),
    );
}

fn unknown(
    at: Span,
    base: &Platform,
    object: &str,
    field: Option<&Field>,
    known: &Object,
    out: &mut Diagnostics,
) {
    let name = field.map_or_else(|| object.to_owned(), |f| format!("{object}.{}", f.name));
    let d = Diagnostic::new(
        Code::PlatformVariant,
        at,
        format!(
            "`{}` has no `{name}`, so no mapping of it can know it",
            base.name
        ),
    );
    out.push(match field {
        Some(f) => d.did_you_mean(&f.name, known.fields.iter().map(|f| f.name.as_str())),
        None => d.did_you_mean(object, base.objects.iter().map(|o| o.name.as_str())),
    });
}

/// What makes two fields mean something else.
fn differs(variant: &Platform, own: &Field, base: &Platform, field: &Field) -> Option<String> {
    if own.data_type != field.data_type {
        return Some(format!(
            "its type is {}, not {}",
            own.data_type.name(),
            field.data_type.name()
        ));
    }
    let names = |platform: &Platform, f: &Field| -> Vec<String> {
        let to = f.reference.as_ref().map_or(&[][..], |r| r.to.as_slice());
        to.iter()
            .filter_map(|o| platform.objects.get(o.ix()))
            .map(|o| o.name.clone())
            .collect()
    };
    let (mine, theirs) = (names(variant, own), names(base, field));
    if mine != theirs {
        return Some(format!(
            "it points to {}, not to {}",
            mine.join(" or "),
            theirs.join(" or ")
        ));
    }
    if own.values != field.values {
        return Some("its choices are others".to_owned());
    }
    None
}

/// Entries of `lacks` about something that is there, or nowhere.
fn stale(root: &Node, variant: &Platform, base: &Platform, out: &mut Diagnostics) {
    let has = |platform: &Platform, name: &str| match name.split_once('.') {
        None => platform.object(name).is_some(),
        Some((object, field)) => platform
            .object(object)
            .is_some_and(|(_, o)| o.field(field).is_some()),
    };
    for entry in root
        .get("variant")
        .map(|v| v.get_entries("lacks"))
        .unwrap_or_default()
    {
        let why = if has(variant, &entry.key) {
            format!("`{}` is declared in this file all the same", entry.key)
        } else if !has(base, &entry.key) {
            format!("`{}` has no `{}`", base.name, entry.key)
        } else {
            continue;
        };
        out.push(Diagnostic::new(Code::PlatformVariant, entry.key_span, why));
    }
}
