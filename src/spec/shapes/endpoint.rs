//! The operations of an object over HTTP: addresses, envelopes, paging, jobs.

use super::{COUNT, NAME, NAMES, POSITIVE, SOME_TEXTS, connect::STATUS};
use crate::spec::shape::{Key, Keys, Kind, Literal, Rule, Shape, key, preset, required};

const fn op(name: &'static str, doc: &'static str) -> Key {
    key(name, Kind::Object(&OP), doc)
}

/// The operations of an object, or of a shape that objects take over.
pub(super) static OPS: Shape = Shape {
    name: "ops",
    doc: "What the API can do with the records of an object.",
    keys: &[
        key(
            "use",
            NAME,
            "The entry of `shapes` whose operations hold here; those written here replace them.",
        ),
        op("list", "All records, page by page."),
        op("get", "One record by its id."),
        op("create", "A new record."),
        op("update", "Changes to a record by its id."),
        op(
            "upsert",
            "Create or update by a key that the server matches.",
        ),
        op(
            "bulk_upsert",
            "The same for many records in one asynchronous job.",
        ),
        op("delete", "Removes a record by its id."),
        op("restore", "Undoes a delete."),
        op("forget", "Removes a record for good."),
        op("lookup", "Records by the exact value of a key."),
        op("children", "Records that belong to a parent."),
    ],
    rules: &[],
};

static OP: Shape = Shape {
    name: "operation",
    doc: "One operation; `{path}`, `{wrap}`, `{include}` and `{view_name}` come from the object, `{id}` and its like from the call.",
    keys: &[
        key("get", Kind::Text, "The path of a GET."),
        key("post", Kind::Text, "The path of a POST."),
        key("put", Kind::Text, "The path of a PUT."),
        key("delete", Kind::Text, "The path of a DELETE."),
        key(
            "query",
            Kind::Map(Keys::Any, &Kind::Scalar),
            "Query parameters of every call.",
        ),
        key(
            "wrap",
            Kind::Text,
            "The member that holds the record in the request; without it the record is the body.",
        ),
        key(
            "multipart",
            Kind::Bool,
            "True when the request is a form of several parts, for files.",
        ),
        key(
            "record",
            Kind::Text,
            "The dotted path of the record in the answer; without it the answer is the record.",
        ),
        key(
            "records",
            Kind::Text,
            "The dotted path of the records in the answer; without it the answer is the list.",
        ),
        preset(
            "id",
            Kind::Text,
            "id",
            "The dotted path of the id within a record.",
        ),
        key(
            "file",
            Kind::Object(&FILE_ANSWER),
            "What the answer says about a file that was sent, where it is no record.",
        ),
        preset(
            "status",
            STATUS,
            "200",
            "The status of success that the simulated server answers.",
        ),
        key(
            "answer",
            Kind::Any,
            "What the simulated server answers where no record is.",
        ),
        key("page", Kind::Object(&PAGE), "How a list goes on."),
        key(
            "since",
            Kind::Object(&SINCE),
            "How a list is asked for what changed since a moment.",
        ),
        key("view", Kind::Object(&LIST_VIEW), "The view a list needs."),
        key(
            "each",
            Kind::Map(Keys::Any, &SOME_TEXTS),
            "Query parameters that a list needs, with the values to call it with one after the other.",
        ),
        key(
            "key_at",
            Kind::Text,
            "The member that carries the match key of an upsert.",
        ),
        key(
            "keys",
            Kind::Map(Keys::Any, &NAME),
            "The wire name of each key and the field it stands for, in order of preference.",
        ),
        key("size", POSITIVE, "Most records of one call."),
        key(
            "data",
            Kind::Text,
            "The member of a row of a bulk call that holds the record.",
        ),
        key(
            "job",
            Kind::Object(&JOB),
            "How the asynchronous job is followed.",
        ),
        key("of", NAME, "The field that refers to the parent."),
        key(
            "parents",
            Kind::Map(NAMES, &Kind::Text),
            "The part of the path for each parent object.",
        ),
        key(
            "ids",
            Kind::Text,
            "The member of the request that carries the ids of members; for memberships.",
        ),
        key(
            "repeatable",
            Kind::Bool,
            "True when the same call twice is the same as once: it is sent again when its answer was lost.",
        ),
        key(
            "lags",
            Kind::Bool,
            "True when new records show up here late.",
        ),
        key("soft", Kind::Bool, "True when a delete can be undone."),
        key(
            "keeps",
            Kind::Literal(Literal::Duration),
            "How long a delete can be undone (`90d`).",
        ),
        key(
            "newest_first",
            Kind::Bool,
            "True when a list gives the last changed records first, so that it can stop at a page without news.",
        ),
    ],
    rules: &[],
};

static FILE_ANSWER: Shape = Shape {
    name: "file_answer",
    doc: "What the answer to a file says about it: how a copy can be compared with what was sent.",
    keys: &[
        key(
            "url",
            Kind::Text,
            "The dotted path of the address that gives the file back.",
        ),
        key("size", Kind::Text, "The dotted path of its size in bytes."),
        key(
            "sha256",
            Kind::Text,
            "The dotted path of its SHA-256 checksum in hexadecimal.",
        ),
    ],
    rules: &[Rule::AnyOf(&["url", "size", "sha256"])],
};

static PAGE: Shape = Shape {
    name: "paging",
    doc: "How a list goes on.",
    keys: &[
        required(
            "style",
            Kind::Words(&[
                ("number", "page numbers"),
                ("offset", "the number of records to pass over"),
                ("cursor", "the answer holds a cursor for the next call"),
                ("link", "the answer holds the next address"),
            ]),
            "The style of paging.",
        ),
        key(
            "param",
            Kind::Text,
            "The query parameter of the page number, offset or cursor.",
        ),
        key(
            "size_param",
            Kind::Text,
            "The query parameter of the page size.",
        ),
        preset(
            "size",
            POSITIVE,
            "100",
            "The page size to ask for: the largest the server gives.",
        ),
        key("default", POSITIVE, "The page size when none is asked for."),
        preset("start", COUNT, "1", "The number of the first page."),
        key(
            "total_pages",
            Kind::Text,
            "The dotted path of the number of pages.",
        ),
        key(
            "total",
            Kind::Text,
            "The dotted path of the number of records.",
        ),
        key(
            "next",
            Kind::Text,
            "The dotted path of the next cursor or address.",
        ),
        key(
            "previous",
            Kind::Text,
            "The dotted path of the address of the page before, for the simulated server.",
        ),
    ],
    rules: &[],
};

static SINCE: Shape = Shape {
    name: "since",
    doc: "How a list is asked for what changed since a moment.",
    keys: &[
        required("param", Kind::Text, "The parameter that takes the moment."),
        key(
            "format",
            Kind::Text,
            "The strftime format of the moment; without it ISO 8601 in UTC.",
        ),
    ],
    rules: &[],
};

static LIST_VIEW: Shape = Shape {
    name: "list_view",
    doc: "Where the id of the view to list is found.",
    keys: &[
        required("get", Kind::Text, "The path that lists the views."),
        required(
            "records",
            Kind::Text,
            "The dotted path of the views in the answer.",
        ),
        required("name", Kind::Text, "The name of the view to take."),
    ],
    rules: &[],
};

static JOB: Shape = Shape {
    name: "job",
    doc: "An asynchronous job.",
    keys: &[
        required(
            "url",
            Kind::Text,
            "The dotted path of the job's address in the answer that started it.",
        ),
        required("get", Kind::Text, "The path to ask, with `{job}`."),
        required("status", Kind::Text, "The dotted path of the status."),
        key("running", Kind::Text, "The status of a job under way."),
        required("done", SOME_TEXTS, "The statuses that mean done."),
        key("failed", SOME_TEXTS, "The statuses that mean failed."),
        key(
            "answer",
            Kind::Any,
            "The rest of the simulated answer, with `{progress}`, `{created_at}` and `{updated_at}`.",
        ),
        key(
            "rows",
            Kind::Text,
            "The dotted path of the results, one per record.",
        ),
        key(
            "row",
            Kind::Any,
            "The shape of one result, with `{index}`, `{id}`, `{outcome}` and `{message}`.",
        ),
    ],
    rules: &[],
};
