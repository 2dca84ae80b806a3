//! Files that the account gives back: their content, and the address that an answer to an upload names.
//!
//! The address needs no key: it holds what nobody guesses. Whether a vendor's does is for the platform file to doubt, by
//! the switch `file_url`.

use super::{
    answer::{Reply, fill_places},
    fault::FaultKind,
    line::Switch,
    refer::as_id,
    serve::{PAGE, cut},
    store::Record,
    world::{Inside, World},
};
use crate::{ident::ObjectId, platform::Op, value::Type};
use axum::{body::Bytes, response::Response};
use serde_json::Value;
use std::time::Duration;

/// Path below which files are given back.
pub(super) const FILES: &str = "/_files/";

/// A file that is given back.
struct File {
    status: u16,
    kind: String,
    body: Vec<u8>,
    delay: u64,
    cut: bool,
}

impl World {
    /// The answer to an upload, where it is none of the record.
    pub(super) fn told(&self, object: ObjectId, op: &Op, record: &Record) -> Option<Reply> {
        op.file.as_ref()?;
        let name = &self.rules.object(object).name;
        let token = self.token(name, record.id);
        let url = format!("{}{FILES}{name}/{}/{token}", self.origin, record.id);
        let places = [
            ("{id}", Value::from(record.id)),
            ("{url}", Value::from(url)),
        ];
        let body = fill_places(op.answer.as_ref().unwrap_or(&Value::Null), &places);
        Some(Reply::json(op.status, &body))
    }

    /// Keeps the files of a record that was made, where they can be asked for.
    pub(super) fn keep(
        &self,
        inside: &mut Inside,
        op: Option<(ObjectId, &Op)>,
        reply: &Reply,
        files: &[(String, Bytes)],
    ) {
        let wanted = op.is_some_and(|(_, op)| op.file.as_ref().is_some_and(|f| f.url.is_some()));
        if !wanted || !reply.made {
            return;
        }
        for (sum, content) in files {
            if let Err(why) = inside.store.keep_content(sum, content) {
                tracing::error!(%why, "the sandbox cannot keep a file");
            }
        }
    }

    /// Gives a file back.
    pub(super) async fn content(&self, switch: &Switch, path: &str) -> Response {
        let found = match self.lock().as_mut() {
            Some(inside) => self.file(inside, path),
            None => return cut(switch),
        };
        if found.delay > 0 {
            tokio::time::sleep(Duration::from_millis(found.delay)).await;
        }
        if found.cut {
            return cut(switch);
        }
        Response::builder()
            .status(found.status)
            .header("content-type", found.kind)
            .body(found.body.into())
            .unwrap_or_default()
    }

    fn file(&self, inside: &mut Inside, path: &str) -> File {
        inside.counts.calls += 1;
        inside.counts.reads += 1;
        let label = format!("GET {FILES}");
        *inside.counts.by_route.entry(label).or_default() += 1;
        let struck = inside.faults.next("GET", &format!("{FILES}{path}"), false);
        if struck.delay > 0 || struck.fault.is_some() {
            inside.counts.faults += 1;
        }
        let mut found = self.found(inside, path);
        found.delay = struck.delay;
        match struck.fault {
            Some(FaultKind::DropBefore | FaultKind::DropAfter) => found.cut = true,
            Some(FaultKind::ServerError) => found.status = 500,
            Some(FaultKind::Truncated) => {
                let half = found.body.len() / 2;
                found.body.truncate(half);
            }
            _ => {}
        }
        *inside.counts.by_status.entry(found.status).or_default() += 1;
        found
    }

    fn found(&self, inside: &Inside, path: &str) -> File {
        let plain = |status: u16, kind: &str, body: Vec<u8>| File {
            status,
            kind: kind.to_owned(),
            body,
            delay: 0,
            cut: false,
        };
        let gone = || plain(404, "text/plain", Vec::new());
        let parts: Vec<&str> = path.split('/').collect();
        let [name, id, token] = parts.as_slice() else {
            return gone();
        };
        let (Some((object, def)), Some(id)) = (
            self.rules.platform.object(name),
            as_id(&Value::String((*id).to_owned())),
        ) else {
            return gone();
        };
        if self.token(name, id) != *token {
            return gone();
        }
        if inside.quirks.is("file_url", "page") {
            return plain(200, "text/html; charset=utf-8", PAGE.into());
        }
        if inside.quirks.is("file_url", "denied") {
            return plain(403, "text/plain", Vec::new());
        }
        let record = inside.store.get(object, id).ok().flatten();
        let file = record.filter(|r| !r.deleted).and_then(|r| {
            let field = def.fields.iter().find(|f| f.data_type == Type::File)?;
            r.fields.get(&field.name).cloned()
        });
        let text = |key: &str| {
            let value = file.as_ref().and_then(|f| f.get(key));
            value.and_then(Value::as_str).map(str::to_owned)
        };
        let content = text("blake3").and_then(|sum| inside.store.content(&sum).ok().flatten());
        match content {
            Some(content) => {
                let kind = text("type").unwrap_or_else(|| "application/octet-stream".to_owned());
                plain(200, &kind, content)
            }
            None => gone(),
        }
    }

    /// What nobody guesses about a record's file.
    fn token(&self, object: &str, id: i64) -> String {
        let hash = blake3::hash(format!("{} {object} {id}", self.auth).as_bytes());
        hash.to_hex().as_str().chars().take(32).collect()
    }
}
