//! The ops of `transform:`, each with its arguments.

use super::{COUNT, POSITIVE, TYPE};
use crate::spec::shape::{Keys, Kind, Literal, Rule, Shape, Word, key, preset, required};

/// An item of `transform:`: a word, or an op with its argument.
pub(super) const OP_ITEM: Kind = Kind::Either(&[Kind::Words(WORDS), Kind::Object(&OP)]);

/// Ops that may stand without an argument.
pub static WORDS: &[Word] = &[
    ("trim", "removes white space at both ends"),
    ("lower", "lower case"),
    ("upper", "upper case"),
    ("squeeze", "trims and folds white space"),
    ("phone", "keeps digits and a leading `+`"),
    ("url", "checks a web address and adds a missing scheme"),
    ("email", "checks an e-mail address"),
    ("plain", "markup to plain text"),
    ("unique", "removes repeats of a list"),
    ("first", "the first item of a list"),
    ("names", "references to the names of their records"),
    ("number", "text to number"),
    ("mask", "hides the middle"),
    ("hash", "a keyed fingerprint"),
];

/// Ops with an argument.
pub static OP: Shape = Shape {
    name: "op",
    doc: "An op with its argument.",
    keys: &[
        key("map", super::NAME, "Puts the value through this value map."),
        key(
            "cut",
            Kind::Either(&[POSITIVE, Kind::Object(&CUT)]),
            "Cuts to so many characters.",
        ),
        key(
            "over",
            Kind::Object(&OVER),
            "Says what happens to texts or items that are too long.",
        ),
        key(
            "pages",
            Kind::Object(&PAGES),
            "Spreads a long text over several records.",
        ),
        key(
            "round",
            Kind::Either(&[ROUND_MODE, Kind::Object(&ROUND)]),
            "Rounds a number, to a whole one unless `scale` says otherwise.",
        ),
        key("day_in", ZONE, "The day of an instant in this zone."),
        key(
            "at",
            Kind::Object(&AT),
            "An instant from a day, at a time of day in a zone.",
        ),
        key(
            "phone",
            Kind::Text,
            "Keeps digits and a leading `+`; a number without `+` gets this region's country code.",
        ),
        key(
            "parse_json",
            Kind::Map(Keys::Any, &TYPE),
            "Parses JSON text with these members and types.",
        ),
        key("split", Kind::Text, "Text to list at this separator."),
        key("join", Kind::Text, "List to text with this separator."),
        key(
            "prefix_if_taken",
            Kind::Text,
            "Puts this before tags that the destination already has.",
        ),
        key(
            "regex",
            Kind::Text,
            "The first match of this pattern, or its first group.",
        ),
        key(
            "replace",
            Kind::Object(&REPLACE),
            "Replaces all matches of a pattern.",
        ),
        key(
            "date",
            Kind::Text,
            "Text to date with this strptime format.",
        ),
        key(
            "format",
            Kind::Either(&[Kind::Text, Kind::Object(&FORMAT)]),
            "A day or instant as text with this strftime format.",
        ),
        key("default", Kind::Scalar, "A fixed value for a blank one."),
        key("prefix", Kind::Text, "Puts this text before the value."),
    ],
    rules: &[Rule::SingleKey],
};

const ZONE: Kind = Kind::Literal(Literal::Zone);

const ROUND_MODE: Kind = Kind::Words(&[
    ("half_up", "a half goes up"),
    ("half_even", "a half goes to the even neighbour"),
    ("down", "towards zero"),
]);

static CUT: Shape = Shape {
    name: "cut",
    doc: "Where a text is cut.",
    keys: &[
        required("max", POSITIVE, "Most characters."),
        key(
            "at",
            Kind::Text,
            "The preferred place to cut: the last one of these before the limit.",
        ),
    ],
    rules: &[],
};

static OVER: Shape = Shape {
    name: "over",
    doc: "What happens to texts or items that are too long.",
    keys: &[
        required(
            "max",
            POSITIVE,
            "Most characters of a text or of each item.",
        ),
        required(
            "then",
            Kind::Words(&[
                ("hold", "the record is held"),
                ("drop", "the item is dropped and counted"),
            ]),
            "What happens to longer ones.",
        ),
    ],
    rules: &[],
};

static PAGES: Shape = Shape {
    name: "pages",
    doc: "How a long text is spread over several records.",
    keys: &[
        required("max", POSITIVE, "Most characters of one."),
        preset(
            "mark",
            Kind::Text,
            "({n}/{of})",
            "The mark before each when there are several, with `{n}` and `{of}`.",
        ),
    ],
    rules: &[],
};

static ROUND: Shape = Shape {
    name: "round",
    doc: "How a number is rounded.",
    keys: &[
        required("mode", ROUND_MODE, "The mode."),
        preset("scale", COUNT, "0", "Digits kept after the decimal point."),
    ],
    rules: &[],
};

static AT: Shape = Shape {
    name: "at",
    doc: "The time of day that a day gets.",
    keys: &[
        required("zone", ZONE, "The zone."),
        required(
            "time",
            Kind::Literal(Literal::TimeOfDay),
            "The time of day.",
        ),
    ],
    rules: &[],
};

static REPLACE: Shape = Shape {
    name: "replace",
    doc: "A pattern and its replacement.",
    keys: &[
        required("pattern", Kind::Text, "The pattern."),
        required(
            "with",
            Kind::Text,
            "The replacement, with `$1` for the first group.",
        ),
    ],
    rules: &[],
};

static FORMAT: Shape = Shape {
    name: "format",
    doc: "A format and the zone it is written in.",
    keys: &[
        required("format", Kind::Text, "The strftime format."),
        preset("zone", ZONE, "UTC", "The zone."),
    ],
    rules: &[],
};
