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

    /// Creates a record of an object by its name through the admin plane. `record`: the bytes of a JSON object.
    ///
    /// # Errors
    /// When the server is not a simulated one on this machine, or no further call makes sense.
    pub async fn admin_create(&self, path: &str, record: &[u8]) -> Result<Reply, Stop> {
        let call = self.admin_call("POST", path, Payload::Json(record.to_vec()), Nature::Once)?;
        Ok(match self.settle(&call).await? {
            Settled::Done { body, .. } => match member::text_at(&body, "id") {
                Some(id) => Reply::Done {
                    id: Some(id),
                    created: true,
                    record: Some(as_the_api_shows(body)),
                },
                None => Reply::InDoubt {
                    why: "the answer carries no id".to_owned(),
                },
            },
            Settled::Refused { status, reasons } => Reply::Refused { status, reasons },
            Settled::Gone => Reply::Gone,
            Settled::InDoubt { why } => Reply::InDoubt { why },
        })
    }

    /// All live records of an object on the admin plane, as the API shows them.
    ///
    /// # Errors
    /// When the server is not a simulated one on this machine, or no further call makes sense.
    pub async fn admin_records(&self, path: &str) -> Result<Vec<Value>, Stop> {
        let call = self.admin_call("GET", path, Payload::None, Nature::Read)?;
        match self.fetch(&call).await? {
            Some(Value::Array(rows)) => Ok(rows
                .into_iter()
                .filter(|row| row.get("deleted") != Some(&Value::Bool(true)))
                .map(as_the_api_shows)
                .collect()),
            _ => Err(self.unexpected(&call, "it is not a list of records")),
        }
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

/// The admin plane shows a record from several sides; `wire` is how the API shows it.
fn as_the_api_shows(row: Value) -> Value {
    match row {
        Value::Object(mut sides) => match sides.remove("wire") {
            Some(wire) if wire.is_object() => wire,
            _ => Value::Object(sides),
        },
        other => other,
    }
}
