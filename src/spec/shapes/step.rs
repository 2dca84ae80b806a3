//! One object mapping: where its records come from, how existing ones are recognised, what is joined.

use super::{
    NAME, NAMES,
    field_map::{FIELD_MAP, LET},
};
use crate::spec::shape::{Keys, Kind, Literal, Rule, Shape, key, preset, required};

/// An object mapping.
pub(super) static STEP: Shape = Shape {
    name: "object_mapping",
    doc: "Records of a source object become records of a destination object.",
    keys: &[
        required("from", NAME, "The source object."),
        key(
            "of",
            Kind::Words(&[
                ("merged", "those that went into another record"),
                ("dropped", "those that were left out on purpose"),
                ("held", "those that are held"),
                (
                    "missing",
                    "those that loaded records name and that are not there, one for each key",
                ),
            ]),
            "Makes a report of the records that were not loaded: which of them. `outcome` says what became of each.",
        ),
        required("to", NAME, "The destination object."),
        key(
            "match",
            Kind::Filled(&Kind::Map(Keys::Any, &Kind::Text)),
            "How an existing record is recognised: destination field and source path, tried in order.",
        ),
        key(
            "found",
            Kind::Words(&[
                ("use", "it is bound and never written"),
                ("update", "the mapped fields are written"),
                ("hold", "the record is held"),
                ("fail", "the run stops"),
            ]),
            "What happens when a record exists at the destination.",
        ),
        key(
            "absent",
            Kind::Either(&[
                Kind::Words(&[
                    ("create", "it is created"),
                    ("hold", "the record is held, and what needs it"),
                    ("fail", "the run stops"),
                ]),
                Kind::Object(&ABSENT),
            ]),
            "What happens when no record exists at the destination.",
        ),
        key(
            "later",
            Kind::Words(&[(
                "reassign",
                "references to the fallback are moved when the record appears",
            )]),
            "What happens to fallback decisions later.",
        ),
        key(
            "join",
            Kind::Map(NAMES, &Kind::Object(&JOIN)),
            "Records of other source objects that belong to this one, by name.",
        ),
        key(
            "let",
            Kind::Map(NAMES, &Kind::Either(&[Kind::Text, Kind::Object(&LET)])),
            "Named intermediate values.",
        ),
        key(
            "guards",
            Kind::List(&Kind::Object(&GUARD)),
            "Conditions that hold a record before it is loaded.",
        ),
        key(
            "fields",
            Kind::Map(
                Keys::Any,
                &Kind::Either(&[Kind::Text, Kind::Object(&FIELD_MAP)]),
            ),
            "How each destination field is filled; a text is the short form of `{from: path}`.",
        ),
        key(
            "after",
            Kind::List(&Kind::Either(&[NAME, Kind::Object(&AFTER)])),
            "Object mappings that come first although no reference shows it.",
        ),
    ],
    rules: &[],
};

static ABSENT: Shape = Shape {
    name: "absent",
    doc: "Another record that stands in for the one that does not exist.",
    keys: &[
        key(
            "fallback",
            Kind::Map(Keys::Any, &Kind::Scalar),
            "References go to the record with these values: `{email: $fallback_owner}`.",
        ),
        key(
            "placeholder",
            Kind::Map(Keys::Any, &Kind::Scalar),
            "The record is created from its own fields, with these values over them, for an admin to complete.",
        ),
    ],
    rules: &[Rule::One(&["fallback", "placeholder"])],
};

static AFTER: Shape = Shape {
    name: "after",
    doc: "An object mapping that comes first, and why.",
    keys: &[
        required("step", NAME, "The object mapping that comes first."),
        required("why", Kind::Text, "The reason that no reference shows."),
    ],
    rules: &[],
};

/// Joined records, of a step or a split.
pub(super) static JOIN: Shape = Shape {
    name: "join",
    doc: "Records of another source object that belong to this one; the keyword says how many.",
    keys: &[
        key(
            "one",
            NAME,
            "The source object of which at most one record belongs here.",
        ),
        key(
            "all",
            NAME,
            "The source object of which any number belongs here.",
        ),
        required(
            "by",
            Kind::Either(&[BY, Kind::Filled(&BY)]),
            "Pairs of the joined object's field and the own field; a list holds alternatives, tried in order.",
        ),
        key(
            "where",
            Kind::Text,
            "Only records for which this condition on their own fields holds.",
        ),
        key(
            "order",
            Kind::Filled(&Kind::Literal(Literal::Order)),
            "The order of the joined records; it must leave no tie for `all`.",
        ),
        preset(
            "none",
            Kind::Words(&[
                ("hold", "the record is held"),
                ("blank", "the value is blank"),
            ]),
            "hold",
            "What happens when there is none.",
        ),
        preset(
            "many",
            Kind::Words(&[
                ("hold", "the record is held"),
                ("blank", "the value is blank"),
                ("first", "the first in order is taken"),
            ]),
            "hold",
            "What happens when there are several.",
        ),
        key("say", Kind::Text, "Words for the hold."),
    ],
    rules: &[
        Rule::One(&["one", "all"]),
        Rule::AtMostOne(&["all", "none"]),
        Rule::AtMostOne(&["all", "many"]),
    ],
};

const BY: Kind = Kind::Map(Keys::Any, &Kind::Text);

static GUARD: Shape = Shape {
    name: "guard",
    doc: "A condition that holds a record before it is loaded.",
    keys: &[
        required("when", Kind::Text, "The condition."),
        preset(
            "then",
            Kind::Words(&[("hold", "the record is held")]),
            "hold",
            "What happens.",
        ),
        required("code", NAME, "The code of the hold."),
        key("say", Kind::Text, "Words for the hold."),
    ],
    rules: &[],
};
