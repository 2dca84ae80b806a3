//! How one destination field is filled, and how a new custom field looks.

use super::{
    CHOICES, COUNT, NAME, SOME_TEXTS, TYPE,
    field::{LIST, TRUTH},
    op::OP_ITEM,
    policy::CONFLICT,
};
use crate::spec::shape::{Key, Kind, Literal, Rule, Shape, key, preset, required};

const FROM: Key = key(
    "from",
    Kind::Text,
    "A path: a source field, a join, a `let`, `$param` or `count(join)`.",
);
const CONST: Key = key("const", Kind::Scalar, "A fixed value.");
const FIRST_OF: Key = key(
    "first_of",
    Kind::Filled(&FIRST_OF_ITEM),
    "The first of these paths that has a value.",
);
static FIRST_OF_ITEM: Kind = Kind::Either(&[Kind::Text, Kind::Object(&ALTERNATIVE)]);
const TEXT: Key = key(
    "text",
    Kind::Text,
    "A template; it sees the record's fields, joins and lets by name.",
);
const BAD: Key = preset(
    "bad",
    Kind::Words(&[
        ("hold", "the record is held"),
        ("blank", "the value is blank, and counted as lost"),
    ]),
    "hold",
    "What happens when the value cannot be read, computed or written.",
);
const TRANSFORM: Key = key(
    "transform",
    Kind::List(&OP_ITEM),
    "What is done to the value, in order.",
);

/// Where a value comes from: exactly one of these.
const SOURCES: Rule = Rule::One(&["from", "const", "first_of", "text"]);

/// How one destination field is filled.
pub(super) static FIELD_MAP: Shape = Shape {
    name: "field_mapping",
    doc: "How one destination field is filled.",
    keys: &[
        FROM,
        CONST,
        FIRST_OF,
        TEXT,
        TRANSFORM,
        key(
            "when",
            Kind::Text,
            "The field is filled only where this condition holds.",
        ),
        BAD,
        key(
            "missing",
            Kind::Words(&[
                ("hold", "the record is held"),
                ("blank", "the field is left out"),
                ("skip_row", "the record is dropped and counted"),
                (
                    "fallback",
                    "a blank reference goes to the fallback, as one to a record that is not there does",
                ),
            ]),
            "What happens when a needed value is blank or a reference does not resolve.",
        ),
        key(
            "blank",
            Kind::Words(&[
                ("skip", "nothing is sent"),
                ("clear", "the field is cleared"),
            ]),
            "What a blank value does to a record that exists.",
        ),
        key(
            "conflict",
            CONFLICT,
            "What happens when it was changed at the destination since it was written, and changed at the source, too.",
        ),
        key(
            "only",
            Kind::Filled(&NAME),
            "For references: only records loaded by these object mappings count.",
        ),
        key(
            "object",
            NAME,
            "For references that may point to several objects: the one whose key the value is.",
        ),
        key(
            "create",
            Kind::Object(&CREATE),
            "Says that the field is a new custom field.",
        ),
    ],
    rules: &[SOURCES],
};

/// A named intermediate value.
pub(super) static LET: Shape = Shape {
    name: "let_value",
    doc: "A named intermediate value; a closing `parse_json` gives it members.",
    keys: &[FROM, CONST, FIRST_OF, TEXT, TRANSFORM, BAD],
    rules: &[SOURCES],
};

static ALTERNATIVE: Shape = Shape {
    name: "alternative",
    doc: "A fixed value among the alternatives.",
    keys: &[required("const", Kind::Scalar, "The fixed value.")],
    rules: &[],
};

static CREATE: Shape = Shape {
    name: "create",
    doc: "A custom field that the destination must have.",
    keys: &[
        required("type", TYPE, "What it holds."),
        key(
            "label",
            Kind::Text,
            "Its label; the API name follows from it by the destination's rule.",
        ),
        key("values", CHOICES, "Its choices."),
        key("max", COUNT, "Longest text, in characters."),
        key("scale", COUNT, "Digits after the decimal point."),
    ],
    rules: &[],
};

/// A customer's own column, in a migration file.
pub(super) static CUSTOM_FIELD: Shape = Shape {
    name: "custom_field",
    doc: "A customer's own field: how it is read, and what it becomes.",
    keys: &[
        key("type", TYPE, "What it holds."),
        key(
            "label",
            Kind::Text,
            "Its label at the destination; without it the name of the column.",
        ),
        key(
            "path",
            Kind::Text,
            "The column, where it is not called like the entry.",
        ),
        key(
            "to",
            Kind::Text,
            "The destination field that takes it; without it a new custom field.",
        ),
        key("values", CHOICES, "Its choices."),
        key(
            "format",
            SOME_TEXTS,
            "strptime formats of dates and times, tried in order.",
        ),
        key(
            "zone",
            Kind::Literal(Literal::Zone),
            "The zone of times without one.",
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
        key("max", COUNT, "Longest text, in characters."),
        key("scale", COUNT, "Digits after the decimal point."),
        TRANSFORM,
        key(
            "ignore",
            Kind::Text,
            "Says that the field is left out, and why.",
        ),
    ],
    rules: &[
        Rule::One(&["type", "ignore"]),
        Rule::AtMostOne(&["ignore", "to"]),
        Rule::AtMostOne(&["ignore", "transform"]),
    ],
};
