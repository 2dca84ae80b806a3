//! How a platform is reached, what it answers, and how often it may be asked.

use super::{NAMES, POSITIVE, SOME_TEXTS, TEXT_MAP, TIERED, TYPE};
use crate::spec::shape::{Kind, Literal, Rule, Shape, key, preset, required};

/// How a platform is reached.
pub(super) static CONNECT: Shape = Shape {
    name: "connect",
    doc: "How a platform is reached: files in a folder, or an HTTP API.",
    keys: &[
        key("files", Kind::Object(&FILES), "Files in a folder."),
        key("http", Kind::Object(&HTTP), "An HTTP API."),
    ],
    rules: &[Rule::One(&["files", "http"])],
};

static FILES: Shape = Shape {
    name: "files",
    doc: "What holds for all files of the folder unless a file or a migration says otherwise.",
    keys: &[
        preset(
            "encoding",
            Kind::Text,
            "auto",
            "The encoding: a label such as `windows-1252`, or `auto`.",
        ),
        preset(
            "delimiter",
            Kind::Text,
            "auto",
            "The cell separator of CSV files: one character, `tab` or `auto`.",
        ),
        key(
            "zone",
            Kind::Literal(Literal::Zone),
            "The zone of times without one; without it UTC.",
        ),
    ],
    rules: &[],
};

static HTTP: Shape = Shape {
    name: "http",
    doc: "An HTTP API.",
    keys: &[
        required(
            "base",
            Kind::Text,
            "The base address, with `{param}` places.",
        ),
        key(
            "mount",
            Kind::Text,
            "The path under which the simulated server mounts the API.",
        ),
        key(
            "params",
            Kind::Map(NAMES, &Kind::Object(&PARAM)),
            "The parameters of the base address.",
        ),
        key("auth", Kind::Object(&AUTH), "How the secret is sent."),
        key("headers", TEXT_MAP, "Further headers of each call."),
        key(
            "form",
            TEXT_MAP,
            "Form parameters of each call, with `{param}` places, where every call is a posted form.",
        ),
        key(
            "probe",
            Kind::Text,
            "The path of a cheap GET that proves the key works.",
        ),
        key(
            "asks",
            Kind::Object(&ASKS),
            "The query parameters of lists, by use.",
        ),
        key(
            "zone",
            Kind::Literal(Literal::Zone),
            "The offset or zone in which the API answers times.",
        ),
    ],
    rules: &[],
};

static PARAM: Shape = Shape {
    name: "http_param",
    doc: "A parameter of the base address.",
    keys: &[required("type", TYPE, "What it holds.")],
    rules: &[],
};

static AUTH: Shape = Shape {
    name: "auth",
    doc: "How the secret is sent.",
    keys: &[
        preset(
            "header",
            Kind::Text,
            "authorization",
            "The header that carries it.",
        ),
        preset(
            "value",
            Kind::Text,
            "{secret}",
            "The value of the header, with one `{secret}` place.",
        ),
        key(
            "form",
            Kind::Text,
            "The form parameter that carries it instead of a header, where every call is a posted form.",
        ),
    ],
    rules: &[Rule::AtMostOne(&["header", "form"])],
};

static ASKS: Shape = Shape {
    name: "list_parameters",
    doc: "The names of the query parameters that lists understand.",
    keys: &[
        key("sort", Kind::Text, "The field to sort by."),
        key("direction", Kind::Text, "The direction, `asc` or `desc`."),
        key(
            "include",
            Kind::Text,
            "The further parts of records, with commas.",
        ),
    ],
    rules: &[],
};

/// Rate limits and retries.
pub(super) static LIMITS: Shape = Shape {
    name: "limits",
    doc: "How often the platform may be asked, and when a call is tried again.",
    keys: &[
        key(
            "calls",
            Kind::List(&Kind::Object(&CALLS)),
            "Limits on calls; all of them hold at the same time.",
        ),
        key(
            "told_by",
            Kind::Object(&TOLD_BY),
            "The headers that tell how many calls are left.",
        ),
        key(
            "retry",
            Kind::Object(&RETRY),
            "When and how a call is tried again.",
        ),
        preset(
            "in_flight",
            POSITIVE,
            "4",
            "Most calls in flight at a time.",
        ),
    ],
    rules: &[],
};

static CALLS: Shape = Shape {
    name: "call_limit",
    doc: "A limit on calls in a window of time.",
    keys: &[
        required("max", TIERED, "Most calls, for all tiers or by tier."),
        required(
            "per",
            Kind::Literal(Literal::Duration),
            "The length of the window.",
        ),
        preset(
            "scope",
            Kind::Words(&[
                ("account", "all keys of the account share it"),
                ("key", "each key has its own"),
            ]),
            "account",
            "Who shares the budget.",
        ),
    ],
    rules: &[],
};

static TOLD_BY: Shape = Shape {
    name: "limit_headers",
    doc: "The headers that tell about the budget.",
    keys: &[
        key(
            "limit",
            Kind::Text,
            "The header with the size of the budget.",
        ),
        key("left", Kind::Text, "The header with the calls left."),
        key("reset", Kind::Text, "The header with the moment of reset."),
        key(
            "reset_format",
            Kind::Text,
            "The strftime format of that moment; without it seconds.",
        ),
    ],
    rules: &[Rule::Needs("reset_format", "reset")],
};

static RETRY: Shape = Shape {
    name: "retry",
    doc: "When and how a call is tried again.",
    keys: &[
        key(
            "status",
            Kind::Filled(&STATUS),
            "The answers that are worth another try.",
        ),
        preset(
            "tries",
            POSITIVE,
            "6",
            "Most tries of one call, the first included.",
        ),
        preset(
            "wait",
            Kind::Literal(Literal::Duration),
            "2s",
            "The first wait; later ones grow.",
        ),
        preset(
            "wait_max",
            Kind::Literal(Literal::Duration),
            "5m",
            "The longest wait.",
        ),
    ],
    rules: &[],
};

/// An HTTP status.
pub(super) const STATUS: Kind = Kind::Int(100, 599);

/// What the API answers beside records.
pub(super) static ANSWERS: Shape = Shape {
    name: "answers",
    doc: "What the API answers beside records.",
    keys: &[
        key(
            "messages",
            Kind::Text,
            "The dotted path of the reasons in an answer.",
        ),
        key(
            "error",
            Kind::Text,
            "The dotted path of an error in an answer whose status says success.",
        ),
        key(
            "denied",
            SOME_TEXTS,
            "Words of such an error that mean that the key is refused.",
        ),
        key(
            "bodies",
            Kind::Object(&BODIES),
            "The answers to calls that go wrong; `{status}` and `{message}` are filled in.",
        ),
        key(
            "says",
            Kind::Object(&WORDING),
            "The wording of refusals; `{label}` and `{value}` are filled in.",
        ),
    ],
    rules: &[Rule::Needs("denied", "error")],
};

static BODIES: Shape = Shape {
    name: "bodies",
    doc: "The answers to calls that go wrong, by case.",
    keys: &[
        key("refused", Kind::Object(&BODY), "A record does not fit."),
        key(
            "denied",
            Kind::Object(&BODY),
            "The key is missing or wrong.",
        ),
        key("forbidden", Kind::Object(&BODY), "The key may not do this."),
        key("gone", Kind::Object(&BODY), "The record does not exist."),
        key("limited", Kind::Object(&BODY), "The budget is used up."),
        key("broken", Kind::Object(&BODY), "The server has failed."),
        key("bad_id", Kind::Object(&BODY), "The id is no number."),
        key(
            "format",
            Kind::Object(&BODY),
            "The suffix of the path is unknown.",
        ),
        key(
            "header",
            Kind::Object(&BODY),
            "One of the declared headers is missing or other than declared.",
        ),
    ],
    rules: &[],
};

static BODY: Shape = Shape {
    name: "body",
    doc: "An answer's status and JSON body.",
    keys: &[
        required("status", STATUS, "The HTTP status."),
        key(
            "body",
            Kind::Any,
            "The JSON body; without it the answer is empty.",
        ),
    ],
    rules: &[],
};

static WORDING: Shape = Shape {
    name: "wording",
    doc: "The API's wording of refusals.",
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
        key("gone", Kind::Text, "The record does not exist."),
    ],
    rules: &[],
};
