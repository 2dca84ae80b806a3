//! The admin plane of a simulated server: what an admin does by hand on a real account.
//!
//! Only on this machine, outside of all limits. A real account never sees these calls.

use super::{
    member,
    payload::Payload,
    send::{Call, Nature, Settled},
    setup::Rest,
    verdict::with_reasons,
};
use crate::connector::{Reply, Stop};
use serde_json::Value;

impl Rest {
    /// Reads from the admin plane; null when there is nothing.
    ///
    /// # Errors
    /// When the server is not a simulated one on this machine, or no further call makes sense.
    pub async fn admin_get(&self, path: &str) -> Result<Value, Stop> {
        let call = self.admin_call("GET", path, Payload::None, Nature::Read)?;
        Ok(self.fetch(&call).await?.unwrap_or(Value::Null))
    }

    /// Sends to the admin plane.
    ///
    /// # Errors
    /// When the server is not a simulated one on this machine, refuses, or no further call makes sense.
    pub async fn admin_post(&self, path: &str, body: &Value) -> Result<Value, Stop> {
        let payload = Payload::Json(body.to_string().into_bytes());
        let call = self.admin_call("POST", path, payload, Nature::Once)?;
        match self.settle(&call).await? {
            Settled::Done { body, .. } => Ok(body),
            Settled::Refused { status, reasons } => {
                Err(self.unexpected(&call, with_reasons(status, &reasons)))
            }
            Settled::Gone => Err(self.unexpected(&call, "status 404: there is no such address")),
            Settled::InDoubt { why } => Err(self.unexpected(&call, why)),
        }
    }

    /// Creates a record through the admin plane. Its id is the `id` of the answer, or of the answer's record.
    ///
    /// # Errors
    /// When the server is not a simulated one on this machine, or no further call makes sense.
    pub async fn admin_create(&self, path: &str, record: &[u8]) -> Result<Reply, Stop> {
        let call = self.admin_call("POST", path, Payload::Json(record.to_vec()), Nature::Once)?;
        Ok(match self.settle(&call).await? {
            Settled::Done { body, .. } => match body {
                Value::Object(mut map) => {
                    let record = match map.remove("record") {
                        Some(record) if record.is_object() => record,
                        _ => Value::Object(map),
                    };
                    match member::text_at(&record, "id") {
                        Some(id) => Reply::Done {
                            id: Some(id),
                            created: true,
                            record: Some(record),
                        },
                        None => no_id(),
                    }
                }
                _ => no_id(),
            },
            Settled::Refused { status, reasons } => Reply::Refused { status, reasons },
            Settled::Gone => Reply::Gone,
            Settled::InDoubt { why } => Reply::InDoubt { why },
        })
    }

    fn admin_call(
        &self,
        method: &'static str,
        path: &str,
        payload: Payload,
        nature: Nature,
    ) -> Result<Call, Stop> {
        let label = format!("{method} {path}");
        if !self.inner.base.is_loopback() {
            return Err(self.unexpected_at(
                &label,
                "there is an admin plane only on a simulated server of this machine",
            ));
        }
        let url = self
            .inner
            .base
            .at_root(path)
            .ok_or_else(|| self.unexpected_at(&label, "its path makes no address"))?;
        Ok(Call {
            method,
            label,
            url,
            payload,
            nature,
            metered: false,
        })
    }
}

fn no_id() -> Reply {
    Reply::InDoubt {
        why: "the answer carries no id".to_owned(),
    }
}
