//! An HTTP API, declared: base address, envelopes, answers and operations.

use crate::{
    ident::{FieldId, ObjectId},
    value::Type,
};

/// How an HTTP API is reached and how it answers.
#[derive(Clone, Debug, Default)]
pub struct Http {
    /// Base address with `{param}` places.
    pub base: String,
    /// Path under which the simulated server mounts the API.
    pub mount: String,
    /// Parameters of the base address.
    pub params: Vec<(String, Type)>,
    /// Header that carries the secret, lower case.
    pub auth_header: String,
    /// Its value with one `{secret}` place.
    pub auth_value: String,
    /// The form parameter that carries the secret instead of a header, where every call is a posted form.
    pub auth_form: Option<String>,
    /// Form parameters of each call, with `{param}` places of the connection.
    pub form: Vec<(String, String)>,
    /// Further headers of each call.
    pub headers: Vec<(String, String)>,
    /// A cheap GET that proves the key works.
    pub probe: Option<String>,
    /// The offset or zone in which the API answers times.
    pub zone: Option<String>,
    /// Dotted path of the reasons in an answer (`errors.message`): a text or a list of texts.
    pub messages: Option<String>,
    /// Dotted path of an error in an answer whose status says success; `None`: a success is one.
    pub error: Option<String>,
    /// Words of such an error that mean that the key is refused, compared without case.
    pub denied: Vec<String>,
    /// Query parameters of lists, by use: `sort` (a wire name), `direction` (`asc`, `desc`), `include` (words with
    /// commas).
    pub asks: Vec<(String, String)>,
    /// Bodies the API answers with, by case: refused, denied, forbidden, gone, limited, broken, bad_id (an id that
    /// is no number), format (an unknown suffix of the path), header (a declared header is missing).
    pub bodies: Vec<(String, Body)>,
    /// Wording of refusals, by case: required, unique, max, bad, choice, reference, gone.
    pub says: Vec<(String, String)>,
}

/// An answer's status and JSON body. `{status}` and `{message}` inside texts are filled in; a text that is
/// only `{status}` becomes a number.
#[derive(Clone, Debug)]
pub struct Body {
    /// HTTP status.
    pub status: u16,
    /// The body; null: an empty one.
    pub json: serde_json::Value,
}

/// What an operation does. The closed list of operations that the connector and the sandbox know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OpKind {
    /// All records, page by page.
    List,
    /// One record by id.
    Get,
    /// A new record.
    Create,
    /// Changes to a record by id.
    Update,
    /// Create or update by a key the server matches.
    Upsert,
    /// The same for many records in one asynchronous job.
    BulkUpsert,
    /// Remove by id.
    Delete,
    /// Undo a soft delete.
    Restore,
    /// Remove for good.
    Forget,
    /// Records by the exact value of a key.
    Lookup,
    /// Records that belong to a parent.
    Children,
}

impl OpKind {
    /// Every kind with its YAML key.
    pub const ALL: &'static [(&'static str, OpKind)] = &[
        ("list", OpKind::List),
        ("get", OpKind::Get),
        ("create", OpKind::Create),
        ("update", OpKind::Update),
        ("upsert", OpKind::Upsert),
        ("bulk_upsert", OpKind::BulkUpsert),
        ("delete", OpKind::Delete),
        ("restore", OpKind::Restore),
        ("forget", OpKind::Forget),
        ("lookup", OpKind::Lookup),
        ("children", OpKind::Children),
    ];

    /// The YAML key.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, k)| *k == self)
            .map_or("list", |(n, _)| n)
    }
}

/// One operation of an object, with `{path}`, `{wrap}`, `{include}` and `{view_name}` of the object filled in.
/// What stays in braces in `path` and `query` is filled per call: `{id}`, `{view}`, `{parent}`,
/// `{parent_id}`, `{value}`, `{key}`, `{job}` and the names in `each`.
#[derive(Clone, Debug)]
pub struct Op {
    /// What it does.
    pub kind: OpKind,
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: &'static str,
    /// Path under the base.
    pub path: String,
    /// Static query parameters.
    pub query: Vec<(String, String)>,
    /// Envelope of the request; `None`: the record itself is the body.
    pub wrap: Option<String>,
    /// True for `multipart/form-data`: fields become parts, file fields become file parts.
    pub multipart: bool,
    /// Dotted path of the record in an answer; `None`: the answer is the record.
    pub record: Option<String>,
    /// Dotted path of the records in an answer; `None`: the answer is the array.
    pub records: Option<String>,
    /// Dotted path of the id within a record; `id` unless said otherwise.
    pub id: String,
    /// Status of success that the simulated server answers (200 unless said otherwise). For an upsert: when it
    /// created; an update answers 200.
    pub status: u16,
    /// What the simulated server answers where no record is: a JSON body (`true` for a delete), or further
    /// members beside those that are declared.
    pub answer: Option<serde_json::Value>,
    /// What the answer says about a file that was sent; then it carries no record.
    pub file: Option<FileAnswer>,
    /// How a list goes on.
    pub page: Option<Paging>,
    /// How a list is asked for what changed since a moment; `None`: it always gives everything.
    pub since: Option<Since>,
    /// The view a list needs: where views are listed, under which key, and the name to take.
    pub view: Option<(String, String, String)>,
    /// Values a list must be called with one after the other, by query name (`filter: [open, completed]`).
    pub each: Vec<(String, Vec<String>)>,
    /// Member that carries the match key of an upsert (`unique_identifier`).
    pub key_at: Option<String>,
    /// Wire name of a key and the field it stands for, in order of preference.
    pub keys: Vec<(String, FieldId)>,
    /// Records of one bulk call.
    pub size: usize,
    /// Member of a bulk row that holds the record (`data`); `None`: beside the key.
    pub data: Option<String>,
    /// How an asynchronous job is followed.
    pub job: Option<Job>,
    /// For children: the reference field to the parent.
    pub of: Option<FieldId>,
    /// For children: the path part of each parent object.
    pub parents: Vec<(ObjectId, String)>,
    /// Member of the request that carries ids (`ids`); only for memberships.
    pub ids: Option<String>,
    /// True when the same call twice is the same as once, so that it may be sent again when its answer was lost.
    pub repeatable: bool,
    /// True when new records show up here late.
    pub lags: bool,
    /// True when a delete can be undone.
    pub soft: bool,
    /// Seconds for which a delete can be undone; `None`: not known.
    pub keeps: Option<u64>,
    /// True when a list gives the last changed records first.
    pub newest_first: bool,
}

/// What the answer to a file says about it, as dotted paths.
#[derive(Clone, Debug, Default)]
pub struct FileAnswer {
    /// The address that gives the file back.
    pub url: Option<String>,
    /// Its size in bytes.
    pub size: Option<String>,
    /// Its SHA-256 checksum in hexadecimal.
    pub sha256: Option<String>,
}

/// An asynchronous job.
#[derive(Clone, Debug)]
pub struct Job {
    /// Dotted path of the job's address in the answer that started it; its last path part is the job id.
    pub url: String,
    /// Path to ask, with `{job}`.
    pub get: String,
    /// Dotted path of the status.
    pub status: String,
    /// Statuses that mean done.
    pub done: Vec<String>,
    /// Statuses that mean failed.
    pub failed: Vec<String>,
    /// The status before that.
    pub running: Option<String>,
    /// The rest of the answer: `{progress}`, `{created_at}` and `{updated_at}` inside it are filled in.
    pub answer: Option<serde_json::Value>,
    /// Dotted path of the results, one per record.
    pub rows: Option<String>,
    /// The shape of one: `{index}` (from 0), `{id}`, `{outcome}` (created, updated, failed) and `{message}` are
    /// filled in.
    pub row: Option<serde_json::Value>,
}

/// How a list is asked for what changed since a moment.
#[derive(Clone, Debug)]
pub struct Since {
    /// The parameter.
    pub param: String,
    /// strftime format of the moment; `None`: ISO 8601 in UTC.
    pub format: Option<String>,
}

/// How a list goes on.
#[derive(Clone, Debug)]
pub struct Paging {
    /// The style.
    pub style: PagingStyle,
    /// Query parameter of the page number or cursor.
    pub param: String,
    /// Query parameter of the page size.
    pub size_param: Option<String>,
    /// Page size to ask for; the largest the server gives.
    pub size: usize,
    /// Page size when none is asked for; `None`: the largest.
    pub default_size: Option<usize>,
    /// First page number.
    pub start: u64,
    /// Dotted path of the number of pages.
    pub total_pages: Option<String>,
    /// Dotted path of the number of records.
    pub total: Option<String>,
    /// Dotted path of the next cursor or link.
    pub next: Option<String>,
    /// Dotted path of the address of the page before, which the simulated server fills.
    pub previous: Option<String>,
}

/// Styles of paging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PagingStyle {
    /// Page numbers; ends at `total_pages`, else at the first empty page (a short page is not the last one).
    Number,
    /// The answer holds a cursor for the next call.
    Cursor,
    /// The answer holds the next address.
    Link,
    /// The number of records to pass over; ends as numbers do.
    Offset,
}
