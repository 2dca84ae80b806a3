//! The platform file: what is said about the platform as a whole. Its objects stand in
//! [`super::object`], how it is reached in [`super::connect`].

use super::{
    COUNT, NAME, NAMES, SOME_NAMES, SOME_TEXTS, SPEC, TIERED, TYPES,
    connect::{ANSWERS, CONNECT, LIMITS},
    endpoint::OPS,
    object::OBJECT,
};
use crate::spec::shape::{Keys, Kind, Literal, Shape, key, preset, required};

/// A platform file.
pub static PLATFORM: Shape = Shape {
    name: "platform",
    doc: "One vendor's system: its objects, fields, wire formats, endpoints or files, limits and traps; usable as source or destination.",
    keys: &[
        SPEC,
        required(
            "platform",
            NAME,
            "The name of the platform, as in file names and mappings.",
        ),
        key("title", Kind::Text, "The name for people."),
        required(
            "checked",
            Kind::Literal(Literal::Date),
            "The day the facts in this file were last checked against the vendor.",
        ),
        key(
            "variant",
            Kind::Object(&VARIANT),
            "Says that this file is another way to the records of a platform, so that mappings of that platform can read from here.",
        ),
        key(
            "tiers",
            SOME_NAMES,
            "The names of the vendor's tiers, smallest first.",
        ),
        required(
            "connect",
            Kind::Object(&CONNECT),
            "How the platform is reached.",
        ),
        key("limits", Kind::Object(&LIMITS), "Rate limits and retries."),
        key(
            "answers",
            Kind::Object(&ANSWERS),
            "What the API answers beside records.",
        ),
        key(
            "quirks",
            Kind::Map(NAMES, &Kind::Object(&QUIRK)),
            "Behaviour that is unknown or surprising, as switches.",
        ),
        key(
            "shapes",
            Kind::Map(NAMES, &Kind::Object(&OPS)),
            "Sets of operations that objects take over with `ops: {use: NAME}`; one level, no chains.",
        ),
        key(
            "custom_fields",
            Kind::Object(&CUSTOM_RULES),
            "How custom fields work on this platform.",
        ),
        required(
            "objects",
            Kind::Map(NAMES, &Kind::Object(&OBJECT)),
            "The objects by name.",
        ),
        key(
            "quiesce",
            Kind::List(&Kind::Object(&QUIESCE)),
            "What must be switched off while records are loaded.",
        ),
        key(
            "gotchas",
            Kind::List(&Kind::Object(&GOTCHA)),
            "Known traps, each with the check that watches it.",
        ),
    ],
    rules: &[],
};

static VARIANT: Shape = Shape {
    name: "variant",
    doc: "Another way to the records of a platform: the same objects and fields in other wire formats.",
    keys: &[
        required(
            "of",
            NAME,
            "The platform whose objects and fields this file has; its file stands beside this one.",
        ),
        key(
            "lacks",
            Kind::Map(Keys::Any, &Kind::Text),
            "What cannot be read this way, `object` or `object.field`, each with the reason.",
        ),
    ],
    rules: &[],
};

static QUIRK: Shape = Shape {
    name: "quirk",
    doc: "A switch for behaviour that is unknown or surprising.",
    keys: &[
        required("use", Kind::Text, "The value the sandbox starts with."),
        required("of", SOME_TEXTS, "The values it may have."),
    ],
    rules: &[],
};

static QUIESCE: Shape = Shape {
    name: "quiesce",
    doc: "Something an admin must switch off before a load.",
    keys: &[
        required("id", Kind::Text, "A short name for the checklist."),
        required("who", Kind::Text, "Who does it."),
        required("say", Kind::Text, "What to do, in one sentence."),
    ],
    rules: &[],
};

static GOTCHA: Shape = Shape {
    name: "gotcha",
    doc: "A known trap with the check that watches it.",
    keys: &[
        required("id", Kind::Text, "Its id in documents."),
        required("say", Kind::Text, "The trap in one sentence."),
        required("check", NAME, "The name of its check, or `none`."),
        key("of", NAME, "The object it is about."),
        preset(
            "level",
            Kind::Words(&[
                ("warn", "it is reported"),
                ("block", "a failing check stops the run"),
            ]),
            "warn",
            "What a failing check does.",
        ),
    ],
    rules: &[],
};

static CUSTOM_RULES: Shape = Shape {
    name: "custom_field_rules",
    doc: "How custom fields work on a platform.",
    keys: &[
        required(
            "prefix",
            Kind::Text,
            "What API names of custom fields begin with.",
        ),
        preset(
            "at",
            Kind::Text,
            "",
            "The member of a record that holds them; without it they stand beside the others.",
        ),
        preset(
            "naming",
            Kind::Words(&[(
                "snake",
                "the prefix, then the label in small letters with `_` for spaces",
            )]),
            "snake",
            "How the API name follows from the label.",
        ),
        preset(
            "create",
            Kind::Words(&[
                ("by_hand", "an admin creates them; they go to the checklist"),
                ("api", "the engine creates them"),
            ]),
            "api",
            "How a new custom field comes to be.",
        ),
        key(
            "describe",
            Kind::Object(&DESCRIBE),
            "Where the API's description of fields keeps its parts.",
        ),
        key(
            "total_max",
            TIERED,
            "Most custom fields of an object, for all tiers or by tier.",
        ),
        required(
            "types",
            Kind::Map(Keys::Words(TYPES), &Kind::Object(&CUSTOM_TYPE)),
            "The types a custom field may have, each with the vendor's word and limits.",
        ),
    ],
    rules: &[],
};

static DESCRIBE: Shape = Shape {
    name: "field_description",
    doc: "Dotted paths into the API's description of the fields of an object.",
    keys: &[
        required("records", Kind::Text, "The list of fields in the answer."),
        required("name", Kind::Text, "The API name of a field."),
        key("label", Kind::Text, "The label of a field."),
        key("type", Kind::Text, "The vendor's type of a field."),
        key("choices", Kind::Text, "The choices of a field."),
        key("required", Kind::Text, "Whether a record needs the field."),
        key(
            "standard",
            Kind::Text,
            "Whether the field is the vendor's own.",
        ),
    ],
    rules: &[],
};

static CUSTOM_TYPE: Shape = Shape {
    name: "custom_field_type",
    doc: "What one of our types becomes as a custom field.",
    keys: &[
        key("vendor", Kind::Text, "The vendor's word for the type."),
        key("max", COUNT, "Longest text, in characters."),
        key("digits", COUNT, "Most digits before the decimal point."),
        key("scale", COUNT, "Digits after the decimal point."),
        key(
            "separator",
            Kind::Text,
            "What stands between several values; without it they are a JSON array.",
        ),
        key("choices_max", COUNT, "Most choices of one field."),
        key(
            "count_max",
            TIERED,
            "Most fields of this type on an object, for all tiers or by tier.",
        ),
    ],
    rules: &[],
};
