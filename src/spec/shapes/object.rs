//! An object of a platform: its files, keys, views. Operations stand in [`super::endpoint`], fields in
//! [`super::field`].

use super::{COUNT, NAME, NAMES, SOME_NAMES, TIERED, endpoint::OPS, field::FIELD};
use crate::spec::shape::{Keys, Kind, Rule, Shape, key, preset, required};

/// An object.
pub(super) static OBJECT: Shape = Shape {
    name: "object",
    doc: "A type of record on a platform.",
    keys: &[
        key(
            "title",
            Kind::Text,
            "The name for people; without it the name in words.",
        ),
        key(
            "path",
            Kind::Text,
            "The part of addresses that names the collection; `{path}` in operations.",
        ),
        key(
            "wrap",
            Kind::Text,
            "The member that holds one record in requests and answers; `{wrap}` in operations.",
        ),
        key(
            "view_name",
            Kind::Text,
            "The name of the view that lists all records; `{view_name}` in operations.",
        ),
        key(
            "include",
            Kind::Text,
            "The further parts to ask for when reading; `{include}` in operations.",
        ),
        key(
            "rows",
            Kind::Object(&ROWS),
            "How records are read from a file, or written to one.",
        ),
        key(
            "ops",
            Kind::Object(&OPS),
            "What the API can do with records.",
        ),
        key(
            "create",
            Kind::Words(&[("by_hand", "only an admin can create records")]),
            "Says that the engine cannot create records.",
        ),
        key(
            "keys",
            Kind::List(&Kind::Object(&KEY)),
            "What identifies a record beside its id, in order of preference.",
        ),
        key(
            "membership",
            Kind::Object(&MEMBERSHIP),
            "Says that a record is one record's membership in another; `create` and `delete` then send ids.",
        ),
        key(
            "custom",
            Kind::Object(&CUSTOM),
            "Where the custom fields of the object are found.",
        ),
        key(
            "views",
            Kind::List(&Kind::Object(&VIEW)),
            "The named views of the object.",
        ),
        key(
            "filters",
            Kind::Map(Keys::Any, &Kind::Map(Keys::Any, &Kind::Scalar)),
            "Named filters of a list: field values that must hold; `past`, `ahead`, `today` and `tomorrow` for times.",
        ),
        key(
            "rows_max",
            TIERED,
            "Most records, for all tiers or by tier.",
        ),
        required(
            "fields",
            Kind::Map(NAMES, &Kind::Object(&FIELD)),
            "The fields by name.",
        ),
        key(
            "initial",
            Kind::List(&Kind::Map(Keys::Any, &Kind::Scalar)),
            "Records a new account holds; a reference names the other record by its first key.",
        ),
    ],
    rules: &[],
};

/// Formats of files.
pub(super) const FORMATS: &[(&str, &str)] = &[
    ("csv", "cells between separators"),
    ("jsonl", "one JSON object per line"),
    ("xlsx", "a sheet of a workbook"),
];

static ROWS: Shape = Shape {
    name: "rows",
    doc: "A file of records.",
    keys: &[
        required(
            "file",
            Kind::Text,
            "The path of the file below the folder of the connection.",
        ),
        key(
            "format",
            Kind::Words(FORMATS),
            "The format, where the name of the file does not show it.",
        ),
        key(
            "sheet",
            Kind::Text,
            "The sheet of a workbook; without it the first that is not hidden.",
        ),
        key("key", SOME_NAMES, "The fields whose values identify a row."),
        key(
            "hash_key",
            Kind::Bool,
            "True when no field identifies a row: its content and its repetition number do.",
        ),
        key(
            "encoding",
            Kind::Text,
            "The encoding, where it differs from the connection's.",
        ),
        key(
            "delimiter",
            Kind::Text,
            "The cell separator, where it differs from the connection's: one character, `tab` or `auto`.",
        ),
    ],
    rules: &[],
};

static KEY: Shape = Shape {
    name: "key",
    doc: "Fields that identify a record together.",
    keys: &[
        required("by", SOME_NAMES, "The fields."),
        key(
            "compare",
            Kind::List(&Kind::Words(&[
                ("trim", "without white space at the ends"),
                ("lower", "without regard to case"),
            ])),
            "How values are made alike before they are compared.",
        ),
    ],
    rules: &[],
};

static MEMBERSHIP: Shape = Shape {
    name: "membership",
    doc: "Records without an id of their own: who is a member of what.",
    keys: &[
        required("of", NAME, "The reference to the owner."),
        required("member", NAME, "The reference to the member."),
    ],
    rules: &[],
};

static CUSTOM: Shape = Shape {
    name: "custom_fields_of_object",
    doc: "Where the custom fields of an object are found.",
    keys: &[
        key(
            "get",
            Kind::Text,
            "The address that describes the fields of the object.",
        ),
        key(
            "columns",
            Kind::Words(&[("rest", "the columns that `fields` does not name")]),
            "Which columns of a file are custom fields.",
        ),
    ],
    rules: &[Rule::One(&["get", "columns"])],
};

static VIEW: Shape = Shape {
    name: "view",
    doc: "A named view of an object.",
    keys: &[
        required("id", COUNT, "Its id in the simulated account."),
        required("name", Kind::Text, "Its name."),
        preset(
            "of",
            Kind::Words(&[
                ("live", "the records that are there"),
                ("deleted", "the records that were deleted"),
            ]),
            "live",
            "Which records it shows.",
        ),
    ],
    rules: &[],
};
