//! Calls that write: create, update, upsert, bulk, delete, restore.
//!
//! Every call ends in a [`Reply`] that says what is known about its effect; looking up what is in doubt is
//! the caller's part.

use super::{
    address::{Unfilled, fill_path, fill_text},
    member,
    payload::{FilePart, Payload, bulk_row, enveloped, form_fields, quoted},
    send::{Call, Nature, Settled},
    setup::Rest,
};
use crate::{
    connector::{BulkReply, Reply, Stop},
    ident::ObjectId,
    platform::{Object, Op, OpKind},
};
use serde_json::Value;

/// One record of a bulk call.
#[derive(Clone, Copy, Debug)]
pub struct BulkRow<'a> {
    /// Wire name of the key the server matches by (`emails`, `id`).
    pub key_wire: &'a str,
    /// Its value.
    pub key_value: &'a str,
    /// The wire record: a JSON object without envelope.
    pub record: &'a [u8],
}

impl Rest {
    /// Creates a record. `record`: the bytes of a JSON object, without envelope. A call whose effect is not known
    /// is in doubt and never sent again from here.
    ///
    /// # Errors
    /// When no further call makes sense.
    pub async fn create(&self, object: ObjectId, record: &[u8]) -> Result<Reply, Stop> {
        self.create_multipart(object, record, Vec::new()).await
    }

    /// Creates a record with files. Where the operation is no form, files are refused before anything is sent.
    ///
    /// # Errors
    /// When no further call makes sense. A file that cannot be read is a refusal with status 0.
    pub async fn create_multipart(
        &self,
        object: ObjectId,
        record: &[u8],
        files: Vec<FilePart>,
    ) -> Result<Reply, Stop> {
        if let Some(form) = self.object(object)?.membership {
            return self.add_member(object, form, record).await;
        }
        let op = self.op(object, OpKind::Create)?;
        for file in &files {
            if let Err(e) = tokio::fs::File::open(&file.path).await {
                return Ok(Reply::Refused {
                    status: 0,
                    reasons: vec![format!("cannot read {}: {e}", file.path.display())],
                });
            }
        }
        let payload = if op.multipart {
            let Some(fields) = form_fields(record, op.wrap.as_deref()) else {
                return Err(self.unexpected_at(&label(op), "the record to send is no JSON object"));
            };
            Payload::Form { fields, files }
        } else if files.is_empty() {
            Payload::Json(enveloped(record, op.wrap.as_deref(), None))
        } else {
            return Err(self.unexpected_at(&label(op), "the platform file declares no form for it"));
        };
        let nature = match op.repeatable {
            true => Nature::Repeatable,
            false => Nature::Once,
        };
        let call = self.call(op, &[], payload, nature)?;
        let settled = self.settle(&call).await?;
        Ok(reply(op, settled, None))
    }

    /// Changes a record by id.
    ///
    /// # Errors
    /// When no further call makes sense.
    pub async fn update(&self, object: ObjectId, id: &str, record: &[u8]) -> Result<Reply, Stop> {
        let op = self.op(object, OpKind::Update)?;
        let payload = Payload::Json(enveloped(record, op.wrap.as_deref(), None));
        self.by_id(op, id, payload).await
    }

    /// Creates or updates by a key the server matches. `key_wire`: the key's wire name, one of `Op::keys`.
    ///
    /// # Errors
    /// When no further call makes sense.
    pub async fn upsert(
        &self,
        object: ObjectId,
        key_wire: &str,
        key_value: &str,
        record: &[u8],
    ) -> Result<Reply, Stop> {
        let op = self.op(object, OpKind::Upsert)?;
        let key = op.key_at.as_deref().map(|at| (at, key_wire, key_value));
        let payload = Payload::Json(enveloped(record, op.wrap.as_deref(), key));
        let values = [("key", key_wire), ("value", key_value)];
        // Twice is once: the second finds what the first created.
        let call = self.call(op, &values, payload, Nature::Repeatable)?;
        let settled = self.settle(&call).await?;
        Ok(reply(op, settled, None))
    }

    /// Creates or updates many records in one asynchronous job. At most `Op::size` records, which the caller
    /// sees to. Not sent again when its effect is not known: two jobs over the same records may race.
    ///
    /// # Errors
    /// When no further call makes sense.
    pub async fn bulk_upsert(
        &self,
        object: ObjectId,
        rows: &[BulkRow<'_>],
    ) -> Result<BulkReply, Stop> {
        let op = self.op(object, OpKind::BulkUpsert)?;
        let mut body = Vec::with_capacity(rows.iter().map(|r| r.record.len() + 64).sum());
        if let Some(records) = &op.records {
            body.extend_from_slice(format!("{{{}:", quoted(records)).as_bytes());
        }
        body.push(b'[');
        for (at, row) in rows.iter().enumerate() {
            if at > 0 {
                body.push(b',');
            }
            bulk_row(
                &mut body,
                (row.key_wire, row.key_value),
                row.record,
                op.data.as_deref(),
            );
        }
        body.push(b']');
        if op.records.is_some() {
            body.push(b'}');
        }
        let call = self.call(op, &[], Payload::Json(body), Nature::Once)?;
        Ok(match self.settle(&call).await? {
            Settled::Done { body, .. } => match job_id(op, &body) {
                Some(job) => BulkReply::Job(job),
                None => BulkReply::InDoubt {
                    why: "the answer names no job".to_owned(),
                },
            },
            Settled::Refused { status, reasons } => BulkReply::Refused { status, reasons },
            Settled::Gone => BulkReply::Refused {
                status: 404,
                reasons: vec!["there is no such address".to_owned()],
            },
            Settled::InDoubt { why } => BulkReply::InDoubt { why },
        })
    }

    /// Removes a record by id; [`Reply::Gone`] when it is not there (any more).
    ///
    /// # Errors
    /// When no further call makes sense.
    pub async fn delete(&self, object: ObjectId, id: &str) -> Result<Reply, Stop> {
        if self.object(object)?.membership.is_some() {
            return self.remove_member(object, id).await;
        }
        let op = self.op(object, OpKind::Delete)?;
        self.by_id(op, id, Payload::None).await
    }

    /// Undoes a soft delete.
    ///
    /// # Errors
    /// When no further call makes sense.
    pub async fn restore(&self, object: ObjectId, id: &str) -> Result<Reply, Stop> {
        let op = self.op(object, OpKind::Restore)?;
        self.by_id(op, id, Payload::None).await
    }

    /// Removes a record for good.
    ///
    /// # Errors
    /// When no further call makes sense.
    pub async fn forget(&self, object: ObjectId, id: &str) -> Result<Reply, Stop> {
        let op = self.op(object, OpKind::Forget)?;
        self.by_id(op, id, Payload::None).await
    }

    async fn by_id(&self, op: &Op, id: &str, payload: Payload) -> Result<Reply, Stop> {
        let call = self.call(op, &[("id", id)], payload, Nature::Repeatable)?;
        let settled = self.settle(&call).await?;
        Ok(reply(op, settled, Some(id)))
    }

    /// An object of the platform.
    pub(super) fn object(&self, object: ObjectId) -> Result<&Object, Stop> {
        let found = self.inner.platform.objects.get(object.ix());
        found.ok_or_else(|| self.unexpected_at("a call", "the platform file has no such object"))
    }

    /// The declared operation of an object.
    pub(super) fn op(&self, object: ObjectId, kind: OpKind) -> Result<&Op, Stop> {
        let found = self.inner.platform.objects.get(object.ix());
        found.and_then(|o| o.op(kind)).ok_or_else(|| {
            let name = found.map_or("an unknown object", |o| o.name.as_str());
            self.unexpected_at(
                &format!("{} of {name}", kind.name()),
                "the platform file declares no such operation",
            )
        })
    }

    /// A call of an operation with its places filled in. Query words left empty are not sent.
    pub(super) fn call(
        &self,
        op: &Op,
        values: &[(&str, &str)],
        payload: Payload,
        nature: Nature,
    ) -> Result<Call, Stop> {
        let label = label(op);
        let unfilled = |Unfilled(why)| self.unexpected_at(&label, why);
        let path = fill_path(&op.path, values).map_err(unfilled)?;
        let mut query = Vec::with_capacity(op.query.len());
        for (name, template) in &op.query {
            let text = fill_text(template, values).map_err(unfilled)?;
            if !text.is_empty() {
                query.push((name.clone(), text));
            }
        }
        // A call that reads by POST carries its parameters as a form, the key with them where that is its place.
        let posted = op.method == "POST" && nature == Nature::Read;
        let payload = if posted {
            let mut pairs = self.inner.form.clone();
            pairs.0.append(&mut query);
            Payload::Pairs(pairs)
        } else {
            payload
        };
        let url = self
            .inner
            .base
            .below(&path, &query)
            .ok_or_else(|| self.unexpected_at(&label, "its path makes no address"))?;
        Ok(Call {
            method: op.method,
            label,
            url,
            payload,
            nature,
            metered: true,
        })
    }
}

pub(super) fn label(op: &Op) -> String {
    format!("{} {}", op.method, op.path)
}

/// What an answer to a write says. `id`: the record the call addressed.
fn reply(op: &Op, settled: Settled, id: Option<&str>) -> Reply {
    let (status, body) = match settled {
        Settled::Done { status, body } => (status, body),
        Settled::Refused { status, reasons } => return Reply::Refused { status, reasons },
        Settled::Gone => return Reply::Gone,
        Settled::InDoubt { why } => return Reply::InDoubt { why },
    };
    let record = member::take(body, op.record.as_deref()).filter(Value::is_object);
    let answered = record.as_ref().and_then(|r| member::text_at(r, &op.id));
    let id = id.map(str::to_owned).or(answered);
    if id.is_none() {
        return Reply::InDoubt {
            why: format!("status {status}: the answer carries no id"),
        };
    }
    let created = match op.kind {
        OpKind::Create => true,
        OpKind::Upsert => status == 201 || (op.status != 200 && status == op.status),
        _ => false,
    };
    Reply::Done {
        id,
        created,
        record,
    }
}

/// The id of the job an answer names: the last part of its address.
fn job_id(op: &Op, body: &Value) -> Option<String> {
    let address = member::text_at(body, &op.job.as_ref()?.url)?;
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let id = path.trim_end_matches('/').rsplit('/').next()?;
    (!id.is_empty()).then(|| id.to_owned())
}
