//! Policies: what holds where nothing else is said.

use super::{COUNT, POSITIVE};
use crate::spec::shape::{Kind, Literal, Shape, key, preset};

/// What happens to a field that changed at both sides.
pub(super) const CONFLICT: Kind = Kind::Words(&[
    ("keep", "what people wrote stays, and the report tells it"),
    ("overwrite", "the source wins, and the report tells it"),
    ("hold", "the record is held"),
]);

/// Policies of a mapping or a migration.
pub(super) static POLICY: Shape = Shape {
    name: "policy",
    doc: "What holds where nothing else is said.",
    keys: &[
        preset(
            "overflow",
            Kind::Words(&[("hold", "a value that does not fit holds the record")]),
            "hold",
            "What happens to values that do not fit.",
        ),
        preset(
            "blank",
            Kind::Words(&[
                ("skip", "nothing is sent"),
                ("clear", "the field is cleared"),
            ]),
            "skip",
            "What a blank value does to a record that exists.",
        ),
        preset(
            "conflict",
            CONFLICT,
            "keep",
            "What happens to a field that people changed at the destination since it was written, when it changed at the source, too.",
        ),
        key(
            "errors",
            Kind::Object(&ERRORS),
            "How many held and failed records a run may end with.",
        ),
        key(
            "gate",
            Kind::Object(&GATE),
            "What must hold before the next batch begins.",
        ),
        key("sample", Kind::Object(&SAMPLE), "How a sample is drawn."),
        key(
            "delta",
            Kind::Object(&DELTA),
            "The passes over what changed at the source during cutover.",
        ),
        key(
            "rollback",
            Kind::Object(&ROLLBACK),
            "What a rollback may do.",
        ),
        key(
            "approve",
            Kind::Object(&APPROVE),
            "How many people must approve.",
        ),
    ],
    rules: &[],
};

static ERRORS: Shape = Shape {
    name: "errors",
    doc: "How many held and failed records a run may end with.",
    keys: &[
        key(
            "max_share",
            Kind::Literal(Literal::Share),
            "Largest share of the records.",
        ),
        key("max_count", COUNT, "Largest number of records."),
        preset(
            "per",
            Kind::Words(&[
                ("object", "each object is counted by itself"),
                ("run", "all records are counted together"),
            ]),
            "object",
            "What is counted together.",
        ),
    ],
    rules: &[],
};

static GATE: Shape = Shape {
    name: "gate",
    doc: "What must hold before the next batch begins.",
    keys: &[preset(
        "counts",
        Kind::Words(&[
            (
                "balanced",
                "fewer records at the destination than this migration left there end the run before the next batch",
            ),
            ("warn", "they are told, and the run goes on"),
            ("off", "the destination is not asked"),
        ]),
        "balanced",
        "What the destination's own counts must show after a batch that made records.",
    )],
    rules: &[],
};

static SAMPLE: Shape = Shape {
    name: "sample",
    doc: "How a sample is drawn.",
    keys: &[
        preset("size", POSITIVE, "300", "How many records."),
        key(
            "cover",
            Kind::List(&Kind::Words(&[
                ("splits", "each row of each split"),
                ("value_maps", "each row of each value map"),
                ("guards", "each guard"),
                ("types", "each type"),
                ("refs", "each reference"),
            ])),
            "What the sample must show, as far as the export has it; without it everything.",
        ),
        preset(
            "seed",
            COUNT,
            "7",
            "The seed of the draw, so that it can be repeated.",
        ),
    ],
    rules: &[],
};

static DELTA: Shape = Shape {
    name: "delta",
    doc: "The passes over what changed at the source during cutover.",
    keys: &[
        key(
            "for",
            Kind::Literal(Literal::Duration),
            "How long after the end of the load a delta is taken without `--late`; without it for ever.",
        ),
        preset(
            "overlap",
            Kind::Literal(Literal::Duration),
            "10m",
            "How much further back than the last reading a source behind an API is asked for changes: clocks differ.",
        ),
        preset(
            "deleted",
            Kind::Words(&[
                ("report", "they are listed"),
                ("ignore", "they are not looked for"),
            ]),
            "report",
            "What happens with records deleted at the source.",
        ),
    ],
    rules: &[],
};

static ROLLBACK: Shape = Shape {
    name: "rollback",
    doc: "What a rollback may do.",
    keys: &[
        key(
            "for",
            Kind::Literal(Literal::Duration),
            "How long after the load it is possible.",
        ),
        preset(
            "edited",
            Kind::Words(&[("keep", "what people edited since stays")]),
            "keep",
            "What happens to records that people edited since.",
        ),
    ],
    rules: &[],
};

static APPROVE: Shape = Shape {
    name: "approve",
    doc: "How many people must approve.",
    keys: &[preset(
        "sample",
        POSITIVE,
        "1",
        "How many people, each by another name, must approve the same sample of the same specs.",
    )],
    rules: &[],
};
