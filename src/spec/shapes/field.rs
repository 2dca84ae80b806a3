//! A field of a platform's object: what it means, and how it looks on the wire.

use super::{CHOICES, COUNT, NAMES, SOME_NAMES, SOME_TEXTS, TEXTS, TYPE};
use crate::spec::shape::{Kind, Literal, Shape, key, preset, required};

/// A field of an object.
pub(super) static FIELD: Shape = Shape {
    name: "field",
    doc: "A field: what it means, and how it looks on the wire.",
    keys: &[
        required("type", TYPE, "What the field holds."),
        key(
            "label",
            Kind::Text,
            "The name for people; without it the name in words.",
        ),
        key(
            "path",
            Kind::Text,
            "The column, or the dotted member path; without it the name of the field.",
        ),
        key(
            "read",
            Kind::Text,
            "The member path on reads, where it differs from `path`.",
        ),
        key("aliases", TEXTS, "Other headers of the same column."),
        key(
            "max",
            COUNT,
            "Longest text in characters, or the largest number.",
        ),
        key("min", Kind::Int(i64::MIN, i64::MAX), "The smallest number."),
        key("scale", Kind::Int(0, 28), "Digits after the decimal point."),
        key("item_max", COUNT, "Longest item of a list, in characters."),
        key("values", CHOICES, "The choices; without them any."),
        key(
            "unique",
            Kind::Bool,
            "True when no two records share a value.",
        ),
        key("required", Kind::Bool, "True when a record needs a value."),
        preset(
            "write",
            Kind::Words(&[
                ("always", "on create and update"),
                ("on_create", "only when the record is created"),
                ("never", "the server sets it"),
            ]),
            "always",
            "When it may be written.",
        ),
        key(
            "set",
            Kind::Text,
            "What the server sets by itself: `created`, `updated`, `when FIELD`, `REFERENCE.FIELD`, or a text with `{field}`.",
        ),
        key(
            "default",
            Kind::Text,
            "What the server puts into a new record without a value; `first` for a reference: the first record by position.",
        ),
        key(
            "to",
            SOME_NAMES,
            "The objects a reference may point to; on a source, those whose key the value is.",
        ),
        key(
            "kind_path",
            Kind::Text,
            "The member that names the object of a reference with several.",
        ),
        key(
            "kinds",
            Kind::Map(NAMES, &Kind::Text),
            "The word for each object in that member.",
        ),
        key(
            "item",
            Kind::Object(&ITEM),
            "For a reference: that it is the first item of an array. For several values: that they stand in a list of objects.",
        ),
        key(
            "parent",
            Kind::Bool,
            "True when the record does not carry it: it is the parent whose list the record was read from.",
        ),
        key(
            "many",
            Kind::Bool,
            "True when the array holds any number of references, not just the first.",
        ),
        key(
            "remove",
            Kind::Text,
            "The member that takes ids out of an array of references; `path` then adds.",
        ),
        key(
            "unlink",
            Kind::Bool,
            "True when deleting the record it points to clears it for good.",
        ),
        key(
            "truth",
            Kind::Object(&TRUTH),
            "The texts that mean true and false.",
        ),
        key(
            "list",
            Kind::Object(&LIST),
            "How several values stand in one text.",
        ),
        key(
            "format",
            SOME_TEXTS,
            "strptime formats of dates and times, tried in order; without them ISO 8601.",
        ),
        key(
            "zone",
            Kind::Literal(Literal::Zone),
            "The zone of times without one; without it the connection's.",
        ),
        preset(
            "number",
            Kind::Words(&[("plain", "as a JSON number"), ("text", "as a JSON text")]),
            "plain",
            "How numbers are written.",
        ),
        key(
            "contents",
            Kind::Words(&[("text", "the cell names a text file beside the export")]),
            "Says that the value is the content of a file.",
        ),
        preset(
            "on_bad",
            Kind::Words(&[
                ("refuse", "the record is refused"),
                ("blank", "the value becomes null, with a success answer"),
            ]),
            "refuse",
            "What the server does with a value that does not fit.",
        ),
        key(
            "include",
            Kind::Text,
            "The word that makes a read carry this field.",
        ),
        key(
            "says",
            Kind::Object(&SAYS),
            "The API's own wording of refusals of this field.",
        ),
    ],
    rules: &[],
};

static ITEM: Shape = Shape {
    name: "item",
    doc: "The members of an item of an array; a reference without any is the bare id.",
    keys: &[
        key("id", Kind::Text, "The member that holds the id."),
        key(
            "mark",
            Kind::Text,
            "The member that marks the first one; for references.",
        ),
        key(
            "kind",
            Kind::Text,
            "The member that names the object of this item, with the words of `kinds`.",
        ),
        key(
            "value",
            Kind::Text,
            "The member that holds the value; for several values.",
        ),
    ],
    rules: &[],
};

/// The texts that mean true and false.
pub(super) static TRUTH: Shape = Shape {
    name: "truth",
    doc: "Texts that mean true and false, compared without case.",
    keys: &[
        required(
            "means_true",
            SOME_TEXTS,
            "Texts that mean true; the first is written.",
        ),
        required(
            "means_false",
            SOME_TEXTS,
            "Texts that mean false; the first is written.",
        ),
        preset(
            "as",
            Kind::Words(&[("text", "as a JSON text"), ("number", "as a JSON number")]),
            "text",
            "How they are written.",
        ),
    ],
    rules: &[],
};

/// Several values in one text.
pub(super) static LIST: Shape = Shape {
    name: "list_format",
    doc: "How several values stand in one text.",
    keys: &[
        required("separator", Kind::Text, "What stands between the values."),
        key(
            "brackets",
            Kind::Text,
            "The opening and the closing mark around the list: `{}`.",
        ),
        key(
            "quoted",
            Kind::Bool,
            "True when values with special characters stand in double quotes.",
        ),
    ],
    rules: &[],
};

static SAYS: Shape = Shape {
    name: "field_wording",
    doc: "The API's wording of refusals of one field; `{label}` and `{value}` are filled in.",
    keys: &[
        key("required", Kind::Text, "A needed value is missing."),
        key("unique", Kind::Text, "Another record has the value."),
        key("max", Kind::Text, "The value is too long or too large."),
        key("bad", Kind::Text, "The value has the wrong form."),
        key("choice", Kind::Text, "The value is not among the choices."),
        key(
            "reference",
            Kind::Text,
            "The record it points to does not exist.",
        ),
    ],
    rules: &[],
};
