//! The migration file: one customer's connections and choices.

use super::{
    COUNT, NAME, NAMES, SPEC, TEXT_MAP, field_map::CUSTOM_FIELD, mapping::OTHER, object::FORMATS,
    pace::PACE, policy::POLICY,
};
use crate::spec::shape::{Keys, Kind, Literal, Rule, Shape, key, preset, required};

/// A migration file.
pub static MIGRATION: Shape = Shape {
    name: "migration",
    doc: "One customer's move: which mapping, which connections, which choices; no new logic and no secrets.",
    keys: &[
        SPEC,
        required(
            "mapping",
            Kind::Literal(Literal::PairName),
            "The mapping, as its file is called: `SOURCE--DESTINATION`.",
        ),
        key(
            "specs",
            Kind::Text,
            "The folder with `mappings/` and `platforms/`; without it the nearest `specs` above this file.",
        ),
        key("tier", NAME, "The tier of the destination account."),
        required("source", Kind::Object(&SOURCE), "Where records are read."),
        required(
            "destination",
            Kind::Object(&DESTINATION),
            "Where records are written.",
        ),
        key(
            "params",
            Kind::Map(NAMES, &Kind::Scalar),
            "Values of the mapping's parameters.",
        ),
        key(
            "custom_fields",
            Kind::Map(NAMES, &Kind::Map(Keys::Any, &Kind::Object(&CUSTOM_FIELD))),
            "The customer's own fields, by source object and column.",
        ),
        key(
            "value_maps",
            Kind::Map(NAMES, &Kind::Object(&MORE_ROWS)),
            "Further rows of the mapping's value maps; they come before its own.",
        ),
        key(
            "rename",
            Kind::Map(Keys::Form(Literal::DottedName), &Kind::Text),
            "Other names for custom fields that the mapping creates: `contact.cf_groups: cf_client_groups`.",
        ),
        key(
            "policy",
            Kind::Object(&POLICY),
            "What differs from the mapping's policy.",
        ),
        key(
            "pace",
            Kind::Object(&PACE),
            "When the destination account may be called, and how often.",
        ),
        key(
            "attachments",
            Kind::Object(&ATTACHMENTS),
            "Files that records name: how large they may be, and from which hosts those behind addresses are read.",
        ),
        preset(
            "approve",
            Kind::Words(&[
                ("sample", "a full run needs an approved sample"),
                ("none", "a run needs no approval; it says so aloud"),
            ]),
            "sample",
            "What must be approved before a full run.",
        ),
    ],
    rules: &[],
};

static SOURCE: Shape = Shape {
    name: "source_connection",
    doc: "Where records are read: a folder of exports, an API, or a simulated API.",
    keys: &[
        key(
            "platform",
            NAME,
            "A variant of the mapping's source platform to read from instead.",
        ),
        key("folder", Kind::Text, "The folder of the export."),
        key(
            "encoding",
            Kind::Text,
            "The encoding of its files, instead of the platform's.",
        ),
        key(
            "zone",
            Kind::Literal(Literal::Zone),
            "The zone of times without one, instead of the platform's.",
        ),
        key(
            "files",
            Kind::Map(NAMES, &Kind::Object(&FILE)),
            "Files that objects are read from, instead of the platform's.",
        ),
        key(
            "http",
            Kind::Object(&HTTP),
            "The API of the source platform.",
        ),
        key(
            "sandbox",
            Kind::Object(&SOURCE_SANDBOX),
            "A simulated API of the source platform.",
        ),
        key(
            "beside",
            Kind::Text,
            "The folder with the files of objects that the API does not give.",
        ),
    ],
    rules: &[
        Rule::One(&["folder", "http", "sandbox"]),
        Rule::Needs("encoding", "folder"),
        Rule::Needs("zone", "folder"),
    ],
};

static FILE: Shape = Shape {
    name: "source_file",
    doc: "A file that an object is read from.",
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
    ],
    rules: &[],
};

static DESTINATION: Shape = Shape {
    name: "destination_connection",
    doc: "Where records are written: a simulated server, an API, or a folder of files.",
    keys: &[
        key(
            "sandbox",
            Kind::Object(&SANDBOX),
            "A simulated server in the same process.",
        ),
        key(
            "http",
            Kind::Object(&HTTP),
            "The real API, or a simulated server elsewhere.",
        ),
        key("folder", Kind::Text, "A folder for files, one per object."),
    ],
    rules: &[Rule::One(&["sandbox", "http", "folder"])],
};

static HTTP: Shape = Shape {
    name: "http_connection",
    doc: "An HTTP connection.",
    keys: &[
        key(
            "base",
            Kind::Text,
            "The base address, instead of the platform's.",
        ),
        key(
            "params",
            TEXT_MAP,
            "Values of the parameters of the platform's base address.",
        ),
        key(
            "secret",
            Kind::Literal(Literal::SecretRef),
            "Where the secret is; never the secret itself.",
        ),
        key(
            "calls_per_minute",
            COUNT,
            "Most calls per minute, below the platform's own limits; 0, only for a server on this machine: none.",
        ),
        preset(
            "timeout",
            Kind::Literal(Literal::Duration),
            "60s",
            "How long a call may be without an answer. From 10 s on it is told.",
        ),
        preset(
            "idle_pages",
            COUNT,
            "50",
            "After so many pages in a row with nothing but records of pages before, a list that is read counts as endless.",
        ),
    ],
    rules: &[],
};

static SANDBOX: Shape = Shape {
    name: "sandbox_connection",
    doc: "A simulated server for this migration.",
    keys: &[
        key(
            "seed",
            Kind::Text,
            "A YAML file with what the account holds before, object name to records.",
        ),
        preset(
            "provision",
            Kind::Bool,
            "false",
            "Whether what only an admin can create is created by itself.",
        ),
        key(
            "quirks",
            Kind::Map(NAMES, &Kind::Text),
            "Quirks that differ from the platform's defaults.",
        ),
        key(
            "calls_per_minute",
            COUNT,
            "Most calls per minute, instead of the platform's limits; 0 switches limits off.",
        ),
        key(
            "faults",
            Kind::Map(NAMES, &Kind::Number(0.0, 1.0)),
            "Faults to inject, each with its rate from 0 to 1.",
        ),
        preset(
            "random_seed",
            COUNT,
            "0",
            "The seed of the faults, so that a run can be repeated.",
        ),
    ],
    rules: &[],
};

static SOURCE_SANDBOX: Shape = Shape {
    name: "source_sandbox",
    doc: "A simulated source for this migration, filled anew whenever it is read.",
    keys: &[
        key(
            "from",
            Kind::Text,
            "The folder of an export of the platform that the source is a variant of: the account holds its records.",
        ),
        key(
            "seed",
            Kind::Text,
            "A YAML file with what the account holds instead, object name to records.",
        ),
        key(
            "quirks",
            Kind::Map(NAMES, &Kind::Text),
            "Quirks that differ from the platform's defaults.",
        ),
        key(
            "calls_per_minute",
            COUNT,
            "Most calls per minute, instead of the platform's limits; 0 switches limits off.",
        ),
        key(
            "faults",
            Kind::Map(NAMES, &Kind::Number(0.0, 1.0)),
            "Faults to inject, each with its rate from 0 to 1.",
        ),
        preset(
            "random_seed",
            COUNT,
            "0",
            "The seed of the faults, so that a run can be repeated.",
        ),
    ],
    rules: &[Rule::One(&["from", "seed"])],
};

static ATTACHMENTS: Shape = Shape {
    name: "attachments",
    doc: "Files that records name: by a path below the export's folder, or by a web address.",
    keys: &[
        key(
            "hosts",
            Kind::Map(Keys::Form(Literal::Host), &Kind::Object(&FILE_HOST)),
            "The hosts that files behind web addresses are read from; without it, none. `*.example.com` means every host below `example.com`.",
        ),
        preset(
            "max",
            Kind::Literal(Literal::Size),
            "25MB",
            "Most bytes of one file, counted as they are read; a larger one holds its record.",
        ),
        preset(
            "timeout",
            Kind::Literal(Literal::Duration),
            "5m",
            "The longest time for one try to read one file.",
        ),
        preset(
            "read_back",
            Kind::Bool,
            "true",
            "Whether the copy of a file is read back where the destination tells its address, which costs a call of the account for each file where the address is on the account's own server.",
        ),
    ],
    rules: &[],
};

static FILE_HOST: Shape = Shape {
    name: "file_host",
    doc: "A host that files are read from; `{}` for one that needs nothing further.",
    keys: &[
        key(
            "secret",
            Kind::Literal(Literal::SecretRef),
            "Where the key for this host is; without it none is sent. It goes to no other host.",
        ),
        preset(
            "header",
            Kind::Text,
            "authorization",
            "The header that carries the key.",
        ),
        preset(
            "value",
            Kind::Text,
            "Bearer {secret}",
            "What stands in it, with the key's place.",
        ),
        preset(
            "internal",
            Kind::Bool,
            "false",
            "True when the host may have an address of a private network or of this machine.",
        ),
        preset(
            "plain",
            Kind::Bool,
            "false",
            "True when it may be asked over plain HTTP, where everybody on the way can read and change the file. This machine may be, where it is `internal`.",
        ),
    ],
    rules: &[
        Rule::Needs("header", "secret"),
        Rule::Needs("value", "secret"),
    ],
};

static MORE_ROWS: Shape = Shape {
    name: "more_rows",
    doc: "Further rows of a value map.",
    keys: &[
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
        key(
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
            "What happens to a value without a row, instead of what the mapping says.",
        ),
    ],
    rules: &[Rule::AtMostOne(&["rows", "file"])],
};
