//! The mapping file around its object mappings: splits, merges, value maps, documents, tests.

use super::{
    NAME, NAMES, SOME_NAMES, SPEC, TEXT_MAP, TYPE,
    policy::POLICY,
    step::{JOIN, STEP},
};
use crate::spec::shape::{Keys, Kind, Literal, Rule, Shape, key, preset, required};

/// A mapping file.
pub static MAPPING: Shape = Shape {
    name: "mapping",
    doc: "How the records of one platform become records of another: meaning only, no wire formats, no credentials, no order that references already show.",
    keys: &[
        SPEC,
        required("source", NAME, "The platform read."),
        required("destination", NAME, "The platform written."),
        key(
            "params",
            Kind::Map(NAMES, &Kind::Either(&[TYPE, Kind::Object(&PARAM)])),
            "What a migration must supply, with types; used as `$name`.",
        ),
        key(
            "policy",
            Kind::Object(&POLICY),
            "What holds where nothing else is said.",
        ),
        key(
            "stamp",
            Kind::Map(NAMES, &TEXT_MAP),
            "Source fields that are kept in custom fields of every record, by source object: `{contact: {id: cf_old_id}}`.",
        ),
        key(
            "merge",
            Kind::Map(NAMES, &Kind::Object(&MERGE)),
            "Records of one source object that stand for the same thing, by source object.",
        ),
        key(
            "value_maps",
            Kind::Map(NAMES, &Kind::Object(&VALUE_MAP)),
            "Tables of values, by name; used by the op `map`.",
        ),
        key(
            "splits",
            Kind::Map(NAMES, &Kind::Either(&[SPLIT_ROWS, Kind::Object(&SPLIT)])),
            "Where records of a source object go, by source object; the first row that holds wins.",
        ),
        required(
            "objects",
            Kind::Map(NAMES, &Kind::Object(&STEP)),
            "The object mappings by name; their order means nothing.",
        ),
        key(
            "handoff",
            Kind::Map(NAMES, &Kind::Object(&HANDOFF)),
            "What leaves as documents instead of records.",
        ),
        key(
            "ignore",
            Kind::Map(NAMES, &Kind::Either(&[Kind::Text, TEXT_MAP])),
            "Source fields that are left out, each with the reason, by source object; a reason alone leaves out the whole object.",
        ),
        key("page", Kind::Object(&PAGE), "What the pair page shows."),
        key(
            "tests",
            Kind::List(&Kind::Object(&TEST)),
            "Cases that `transload test` runs.",
        ),
    ],
    rules: &[],
};

static PARAM: Shape = Shape {
    name: "param",
    doc: "A parameter of a mapping.",
    keys: &[required("type", TYPE, "What it holds.")],
    rules: &[],
};

static MERGE: Shape = Shape {
    name: "merge",
    doc: "Source records that stand for the same thing become one.",
    keys: &[
        required(
            "by",
            SOME_NAMES,
            "The fields that are alike; a record with a blank one stands alone.",
        ),
        required(
            "keep",
            Kind::Filled(&Kind::Literal(Literal::Order)),
            "The order in which the first survives; it must leave no tie.",
        ),
        preset(
            "fill",
            Kind::Bool,
            "false",
            "Whether blanks of the survivor are filled from the others.",
        ),
    ],
    rules: &[],
};

/// A value map of a mapping.
static VALUE_MAP: Shape = Shape {
    name: "value_map",
    doc: "A table from source values to destination values.",
    keys: &[
        key(
            "in",
            Kind::Filled(&Kind::Literal(Literal::DottedName)),
            "The source fields it reads: `contact.lifecycle`.",
        ),
        key(
            "out",
            Kind::Literal(Literal::DottedName),
            "The destination field it fills.",
        ),
        key(
            "rows",
            TEXT_MAP,
            "The rows: the source text and what it becomes.",
        ),
        key(
            "file",
            Kind::Text,
            "A CSV file with the rows: two columns, with a header.",
        ),
        preset(
            "other",
            Kind::Either(&[
                Kind::Words(&[
                    ("hold", "the record is held"),
                    ("keep", "the value stays as it is"),
                    (
                        "create",
                        "the value stays and becomes a choice of the field",
                    ),
                ]),
                Kind::Object(&OTHER),
            ]),
            "hold",
            "What happens to a value without a row.",
        ),
        preset(
            "exact",
            Kind::Bool,
            "false",
            "Whether case and outer white space count.",
        ),
    ],
    rules: &[Rule::One(&["rows", "file"])],
};

/// A fixed value for what has no row.
pub(super) static OTHER: Shape = Shape {
    name: "other_value",
    doc: "A fixed value for everything that has no row.",
    keys: &[required("use", Kind::Text, "The value.")],
    rules: &[],
};

const SPLIT_ROWS: Kind = Kind::Filled(&Kind::Object(&SPLIT_ROW));

static SPLIT: Shape = Shape {
    name: "split",
    doc: "A split whose rows ask about joined records.",
    keys: &[
        key(
            "join",
            Kind::Map(NAMES, &Kind::Object(&JOIN)),
            "Records of other source objects that the rows may count or ask, by name.",
        ),
        required("rows", SPLIT_ROWS, "The rows."),
    ],
    rules: &[],
};

static SPLIT_ROW: Shape = Shape {
    name: "split_row",
    doc: "One row of a split: a condition and where its records go; the last row is `else`.",
    keys: &[
        key("when", Kind::Text, "The condition."),
        key(
            "to",
            SOME_NAMES,
            "The object mappings that take the record.",
        ),
        key(
            "drop",
            Kind::Text,
            "Says that the record is left out, and why.",
        ),
        key(
            "else",
            Kind::Either(&[SOME_NAMES, Kind::Object(&SPLIT_ELSE)]),
            "Where all other records go; the last row.",
        ),
    ],
    rules: &[
        Rule::One(&["when", "else"]),
        Rule::AtMostOne(&["to", "drop", "else"]),
        Rule::AnyOf(&["to", "drop", "else"]),
    ],
};

static SPLIT_ELSE: Shape = Shape {
    name: "split_else",
    doc: "Leaves out what no row takes.",
    keys: &[required(
        "drop",
        Kind::Text,
        "Why the records are left out.",
    )],
    rules: &[],
};

static HANDOFF: Shape = Shape {
    name: "handoff",
    doc: "Records that leave as a document for a person.",
    keys: &[
        required("from", NAME, "The source object."),
        key("when", Kind::Text, "Which records; without it all."),
        required("show", SOME_NAMES, "The fields shown."),
        key("say", Kind::Text, "What to do with the document."),
        key(
            "advise",
            Kind::Object(&ADVISE),
            "What is recommended for each record: a column of its own.",
        ),
    ],
    rules: &[],
};

static ADVISE: Shape = Shape {
    name: "advise",
    doc: "Recommendations by the value of a field.",
    keys: &[
        required("from", NAME, "The field."),
        required(
            "rows",
            Kind::Map(Keys::Any, &Kind::Text),
            "Its values, each with the recommendation.",
        ),
        key("other", Kind::Text, "The recommendation for other values."),
    ],
    rules: &[],
};

static PAGE: Shape = Shape {
    name: "page",
    doc: "What the pair page shows.",
    keys: &[required(
        "rows",
        Kind::List(&Kind::Object(&PAGE_ROW)),
        "The rows of the compatibility table.",
    )],
    rules: &[],
};

static PAGE_ROW: Shape = Shape {
    name: "page_row",
    doc: "A row of the compatibility table, bound to what implements it.",
    keys: &[
        required("id", Kind::Text, "Its id in the requirements."),
        required("source", Kind::Text, "The label of the source side."),
        required(
            "destination",
            Kind::Text,
            "The label of the destination side.",
        ),
        required(
            "cardinality",
            Kind::Words(&[
                ("1:1", "one becomes one"),
                ("1:many", "one object becomes several"),
                ("many:1", "several records become one"),
                ("lossy", "something is lost"),
            ]),
            "How records meet.",
        ),
        required(
            "support",
            Kind::Words(&[
                ("full", "it moves by itself"),
                ("mapping", "it moves after decisions of the customer"),
                ("by_hand", "a person moves it"),
                ("none", "it does not move"),
            ]),
            "How far it is supported.",
        ),
        key("note", Kind::Text, "A note for the reader."),
        required(
            "by",
            Kind::List(&Kind::Text),
            "What implements it: `objects.contact`, `splits.contact`, `value_maps.x`, `handoff.y`, `migration.custom_fields`.",
        ),
    ],
    rules: &[],
};

static TEST: Shape = Shape {
    name: "test",
    doc: "A case for `transload test`: given records, expected records.",
    keys: &[
        required("name", Kind::Text, "What the case shows."),
        required("of", NAME, "The source object it is about."),
        required("given", RECORDS, "Source records by object."),
        key(
            "destination",
            RECORDS,
            "Records the destination holds before, by object.",
        ),
        key(
            "params",
            Kind::Map(NAMES, &Kind::Scalar),
            "Parameters of the case.",
        ),
        required(
            "expect",
            Kind::Map(NAMES, &Kind::List(&Kind::Any)),
            "The records of each object mapping, and `held`, `dropped`, `merged` and `reassign`; exact.",
        ),
    ],
    rules: &[],
};

/// Records by object.
const RECORDS: Kind = Kind::Map(NAMES, &Kind::List(&Kind::Map(Keys::Any, &Kind::Any)));
