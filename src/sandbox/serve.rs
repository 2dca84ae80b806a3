//! One call of the simulated API from the request to the answer: key, limit, faults, route, effect, headers, books.

use super::{
    answer::Reply,
    content,
    fault::FaultKind,
    form,
    line::Switch,
    reads::{Params, param},
    refer::as_id,
    route::{Action, Found},
    store::Posted,
    world::{Inside, World},
};
use crate::platform::{Op, OpKind};
use axum::{
    body::Bytes,
    extract::{ConnectInfo, State},
    http::{HeaderMap, Method, Uri},
    response::Response,
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// Path of the admin plane.
const ADMIN: &str = "/_admin";

/// A sign-in page, as a proxy or an expired session would send it.
pub(super) const PAGE: &str =
    "<!DOCTYPE html><html><head><title>Sign in</title></head><body><form></form></body></html>";

/// What comes of a call before it is sent.
struct Outcome {
    reply: Reply,
    headers: Vec<(String, String)>,
    delay: u64,
    cut: bool,
    job: Option<i64>,
    late: u64,
}

/// Answers any request.
pub(super) async fn answer(
    State(world): State<Arc<World>>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut params: Params = url::form_urlencoded::parse(uri.query().unwrap_or("").as_bytes())
        .into_owned()
        .collect();
    if let Some(path) = admin_path(uri.path()) {
        let reply = match world.lock().as_mut() {
            Some(inside) => world.admin(inside, method.as_str(), path, &params, &body),
            None => return cut(&switch),
        };
        return response(reply, Vec::new());
    }
    if let Some(path) = uri.path().strip_prefix(content::FILES) {
        return world.content(&switch, path).await;
    }
    params.extend(form::pairs(&headers, &body));
    let sent = form::as_json(&headers, body).await;
    let outcome = match world.lock().as_mut() {
        Some(inside) => world.call(inside, &method, uri.path(), &params, &headers, &sent),
        None => return cut(&switch),
    };
    if let Some(id) = outcome.job {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            tokio::time::sleep(world.job_delay + Duration::from_millis(outcome.late)).await;
            world.run_job(id);
        });
    }
    if outcome.delay > 0 {
        tokio::time::sleep(Duration::from_millis(outcome.delay)).await;
    }
    if outcome.cut {
        return cut(&switch);
    }
    response(outcome.reply, outcome.headers)
}

fn admin_path(path: &str) -> Option<&str> {
    path.strip_prefix(ADMIN)
        .filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

pub(super) fn cut(switch: &Switch) -> Response {
    switch.cut();
    response(
        Reply {
            status: 500,
            body: Vec::new(),
            html: false,
            made: false,
        },
        Vec::new(),
    )
}

fn response(reply: Reply, headers: Vec<(String, String)>) -> Response {
    let mut builder = Response::builder().status(reply.status);
    if !reply.body.is_empty() {
        builder = builder.header(
            "content-type",
            if reply.html {
                "text/html; charset=utf-8"
            } else {
                "application/json; charset=utf-8"
            },
        );
    }
    for (name, value) in headers {
        builder = builder.header(name, value);
    }
    builder.body(reply.body.into()).unwrap_or_default()
}

impl World {
    fn call(
        &self,
        inside: &mut Inside,
        method: &Method,
        path: &str,
        params: &Params,
        headers: &HeaderMap,
        sent: &form::Sent,
    ) -> Outcome {
        let body: &[u8] = &sent.body;
        let now = self.now();
        let method = method.as_str();
        let read = method == "GET" || method == "HEAD";
        inside.counts.calls += 1;
        if read {
            inside.counts.reads += 1;
        } else {
            inside.counts.writes += 1;
        }
        let http = &self.rules.http;
        let local = path
            .strip_prefix(http.mount.trim_end_matches('/'))
            .filter(|p| p.starts_with('/'));
        // A suffix of the last part names the format: JSON is what there is.
        let suffix = local.and_then(|p| p.rsplit_once('.'));
        let (local, format) = match suffix {
            Some((stem, "json")) => (Some(stem), true),
            Some((_, "xml" | "csv" | "html")) => (local, false),
            _ => (local, true),
        };
        let found = local.and_then(|p| self.routes.find(method, p));
        let label = found.as_ref().map_or_else(
            || format!("{method} (no route)"),
            |f| f.routes[0].label.clone(),
        );
        *inside.counts.by_route.entry(label).or_default() += 1;

        let mut outcome = Outcome {
            reply: Reply::case(http, "denied", &[]),
            headers: Vec::new(),
            delay: 0,
            cut: false,
            job: None,
            late: 0,
        };
        let key = match &http.auth_form {
            Some(name) => param(params, name).map(str::as_bytes),
            None => headers.get(http.auth_header.as_str()).map(|v| v.as_bytes()),
        };
        if key != Some(self.auth.as_bytes()) {
            inside.counts.denied += 1;
            return self.books(inside, outcome);
        }
        let manner = inside.manner();
        let open = inside.limiter.take(now, manner);
        outcome.headers = inside.limiter.told(now, manner);
        if !open {
            inside.counts.limited += 1;
            outcome.reply = Reply::case(http, "limited", &[]);
            return self.books(inside, outcome);
        }
        if self.lacks_header(headers) {
            outcome.reply = Reply::case(http, "header", &[]);
            return self.books(inside, outcome);
        }
        if !format {
            outcome.reply = Reply::case(http, "format", &[]);
            return self.books(inside, outcome);
        }
        let Some(found) = found else {
            outcome.reply = Reply::gone(http);
            return self.books(inside, outcome);
        };
        let op = self.op_of(&found);
        if op.is_some_and(|(_, op)| {
            op.kind == OpKind::Create && op.multipart != form::is_form(headers)
        }) {
            outcome.reply = self.refuse("The request has the wrong content type");
            return self.books(inside, outcome);
        }
        let create = op.filter(|(_, op)| op.kind == OpKind::Create && !op.repeatable);
        let hash = create.map(|(object, op)| (object, self.hash(op, body)));
        let bulk = op.is_some_and(|(_, op)| op.kind == OpKind::BulkUpsert);
        let struck = inside.faults.next(method, local.unwrap_or("/"), bulk);
        outcome.delay = struck.delay;
        outcome.late = struck.late;
        if struck.delay > 0 || struck.late > 0 || struck.fault.is_some() {
            inside.counts.faults += 1;
        }
        let before = match struck.fault {
            Some(FaultKind::RateLimited) => {
                inside.counts.limited += 1;
                Some((Reply::case(http, "limited", &[]), Posted::Refused))
            }
            Some(FaultKind::Denied) => {
                inside.counts.denied += 1;
                Some((Reply::case(http, "denied", &[]), Posted::Refused))
            }
            Some(FaultKind::ServerError) => {
                Some((Reply::case(http, "broken", &[]), Posted::Unanswered))
            }
            Some(FaultKind::DropBefore) => {
                outcome.cut = true;
                Some((Reply::case(http, "broken", &[]), Posted::Unanswered))
            }
            Some(FaultKind::Html) => Some((
                Reply {
                    status: 200,
                    body: PAGE.into(),
                    html: true,
                    made: false,
                },
                Posted::Unanswered,
            )),
            _ => None,
        };
        let (reply, posted) = match before {
            Some(before) => before,
            None => {
                let partial = struck.fault == Some(FaultKind::PartialBulk);
                match self.act(inside, &found, op, params, body, partial, now) {
                    Ok((reply, job)) => {
                        outcome.job = job;
                        self.keep(inside, op, &reply, &sent.files);
                        if let (Some(FaultKind::Forgotten), Some((object, _)), true) =
                            (struck.fault, create, reply.made)
                            && let Err(why) = self.forget_newest(inside, object, now)
                        {
                            tracing::error!(%why, "the sandbox cannot use its data");
                        }
                        let posted = if reply.made {
                            Posted::Made
                        } else {
                            Posted::Refused
                        };
                        (reply, posted)
                    }
                    Err(why) => (self.broken(&why), Posted::Unanswered),
                }
            }
        };
        if let Some((object, hash)) = hash
            && let Err(why) = remember(inside, object, hash, posted)
        {
            tracing::error!(%why, "the sandbox cannot use its data");
        }
        outcome.reply = reply;
        match struck.fault {
            Some(FaultKind::DropAfter) => outcome.cut = true,
            Some(FaultKind::Truncated) => {
                let half = outcome.reply.body.len() / 2;
                outcome.reply.body.truncate(half);
            }
            _ => {}
        }
        self.books(inside, outcome)
    }

    /// True when the platform says how it answers a call without the declared headers, and this is one.
    fn lacks_header(&self, headers: &HeaderMap) -> bool {
        let http = &self.rules.http;
        let strict = http.bodies.iter().any(|(case, _)| case == "header");
        let plain = |text: &str| text.to_lowercase().replace([' ', '\t'], "");
        strict
            && http.headers.iter().any(|(name, value)| {
                let sent = headers.get(name.as_str()).and_then(|v| v.to_str().ok());
                sent.map(plain) != Some(plain(value))
            })
    }

    fn books(&self, inside: &mut Inside, outcome: Outcome) -> Outcome {
        let status = if outcome.cut { 0 } else { outcome.reply.status };
        *inside.counts.by_status.entry(status).or_default() += 1;
        outcome
    }

    fn op_of(&self, found: &Found<'_>) -> Option<(crate::ident::ObjectId, &Op)> {
        match found.routes.first()?.action {
            Action::Op(object, n) => Some((object, &self.rules.object(object).ops[n])),
            _ => None,
        }
    }

    /// What tells one create call from another: the object and the record that was sent.
    fn hash(&self, op: &Op, body: &[u8]) -> i64 {
        let seed = xxhash_rust::xxh3::xxh3_64(op.path.as_bytes());
        let hash = xxhash_rust::xxh3::xxh3_64_with_seed(body, seed);
        i64::from_ne_bytes(hash.to_ne_bytes())
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one request")]
    fn act(
        &self,
        inside: &mut Inside,
        found: &Found<'_>,
        op: Option<(crate::ident::ObjectId, &Op)>,
        params: &Params,
        body: &[u8],
        partial: bool,
        now: i64,
    ) -> rusqlite::Result<(Reply, Option<i64>)> {
        let http = &self.rules.http;
        let id = |place: &str| as_id(&Value::String(found.place(place).to_owned()));
        let bad_id = || Ok((Reply::case(http, "bad_id", &[]), None));
        let Some((object, op)) = op else {
            let Some(route) = found.routes.first() else {
                return Ok((Reply::gone(http), None));
            };
            let reply = match route.action {
                Action::Views(object, n) => {
                    let view = self.rules.object(object).ops[n].view.as_ref();
                    self.views(object, view.map_or("", |v| v.1.as_str()))
                }
                Action::NeedsView => Reply::case(http, "forbidden", &[]),
                Action::Describe(object) => self.describe(inside, object),
                Action::Children(object, n, parent) => {
                    let Some(parent_id) = id("parent_id") else {
                        return bad_id();
                    };
                    let op = &self.rules.object(object).ops[n];
                    self.children(
                        inside,
                        object,
                        op,
                        (parent, parent_id),
                        (params, found.path),
                    )?
                }
                Action::Job(..) => match id("job") {
                    Some(job) => self.job(inside, job)?,
                    None => return bad_id(),
                },
                Action::Op(..) => Reply::gone(http),
            };
            return Ok((reply, None));
        };
        let membership = self.rules.object(object).membership;
        if let Some(form) = membership.filter(|_| op.ids.is_some()) {
            let Some(owner) = id("parent_id") else {
                return bad_id();
            };
            let Ok(json) = serde_json::from_slice(body) else {
                return Ok((self.refuse("The request is no JSON"), None));
            };
            let reply = self.write_members(inside, (object, form), op, owner, &json, now)?;
            return Ok((reply, None));
        }
        let record_id = match op.kind {
            OpKind::Get | OpKind::Update | OpKind::Delete | OpKind::Restore | OpKind::Forget => {
                match id("id") {
                    Some(id) => id,
                    None => return bad_id(),
                }
            }
            _ => 0,
        };
        let json: Value = match op.kind {
            OpKind::Create | OpKind::Update | OpKind::Upsert | OpKind::BulkUpsert => {
                match serde_json::from_slice(body) {
                    Ok(json) => json,
                    Err(_) => return Ok((self.refuse("The request is no JSON"), None)),
                }
            }
            _ => Value::Null,
        };
        let reply = match op.kind {
            OpKind::List => {
                let view = found.place("view");
                self.list(inside, object, op, view, (params, found.path))?
            }
            OpKind::Get => self.get(inside, object, op, record_id, params)?,
            OpKind::Create => match self.unwrap(op, &json) {
                Ok(map) => self.create(inside, object, op, map, now)?,
                Err(reply) => reply,
            },
            OpKind::Update => match self.unwrap(op, &json) {
                Ok(map) => self.update(inside, (object, record_id), op, map, params, now)?,
                Err(reply) => reply,
            },
            OpKind::Upsert => self.upsert(inside, object, op, &json, now)?,
            OpKind::BulkUpsert => return self.bulk(inside, object, op, &json, partial, now),
            OpKind::Delete | OpKind::Restore | OpKind::Forget => {
                self.remove(inside, object, op, record_id, now)?
            }
            OpKind::Lookup => {
                let ops: Vec<_> = found
                    .routes
                    .iter()
                    .filter_map(|r| match r.action {
                        Action::Op(object, n) => Some((object, &self.rules.object(object).ops[n])),
                        _ => None,
                    })
                    .collect();
                self.lookup(inside, &ops, params, now)?
            }
            OpKind::Children => Reply::gone(http),
        };
        Ok((reply, None))
    }

    fn remove(
        &self,
        inside: &mut Inside,
        object: crate::ident::ObjectId,
        op: &Op,
        id: i64,
        now: i64,
    ) -> rusqlite::Result<Reply> {
        // Delete means a live record, restore one in the recycle bin, forget either.
        let found = inside.store.get(object, id)?.filter(|r| match op.kind {
            OpKind::Delete => !r.deleted,
            OpKind::Restore => r.deleted,
            _ => true,
        });
        let Some(record) = found else {
            return Ok(Reply::gone(&self.rules.http));
        };
        match op.kind {
            OpKind::Restore => {
                if let Err(why) = inside.restore(&self.rules, object, &record, now) {
                    return Ok(self.refusal(&why));
                }
            }
            _ => inside.delete(&self.rules, object, &record, op.soft, now)?,
        }
        Ok(self.done(op))
    }

    /// Removes the record that was made last.
    fn forget_newest(
        &self,
        inside: &mut Inside,
        object: crate::ident::ObjectId,
        now: i64,
    ) -> rusqlite::Result<()> {
        let newest = inside.store.all(object)?.into_iter().max_by_key(|r| r.id);
        match newest {
            Some(record) => inside.delete(&self.rules, object, &record, false, now),
            None => Ok(()),
        }
    }

    /// Does a job's work, if the server still runs.
    pub(super) fn run_job(&self, id: i64) {
        let now = self.now();
        if let Some(inside) = self.lock().as_mut()
            && let Err(why) = self.work(inside, id, now)
        {
            tracing::error!(%why, job = id, "a bulk job of the sandbox failed");
        }
    }
}

/// Keeps the books of bodies that are posted more than once.
fn remember(
    inside: &mut Inside,
    object: crate::ident::ObjectId,
    hash: i64,
    state: Posted,
) -> rusqlite::Result<()> {
    match inside.store.posted(hash)? {
        Some(Posted::Made) => inside.counts.repeated.after_effect += 1,
        Some(Posted::Unanswered) => inside.counts.repeated.after_silence += 1,
        Some(Posted::Refused) | None => {}
    }
    inside.store.set_posted(object, hash, state)
}
