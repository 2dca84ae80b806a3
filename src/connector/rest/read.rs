//! Calls that read one record, or the few that belong together.

use super::{
    list::Pages,
    member, members,
    payload::Payload,
    send::{Call, Nature},
    setup::Rest,
};
use crate::{
    connector::Stop,
    ident::ObjectId,
    platform::{Op, OpKind},
};
use serde_json::Value;

impl Rest {
    /// Proves with a cheap call that the address and the key are right; learns what its headers say about the
    /// budget. Does nothing where the platform declares no such call.
    ///
    /// # Errors
    /// When the key is refused, or the account cannot be reached.
    pub async fn probe(&self) -> Result<(), Stop> {
        let Some(path) = self.inner.http.probe.clone() else {
            return Ok(());
        };
        let call = self.get_call(&path)?;
        match self.fetch(&call).await? {
            Some(_) => Ok(()),
            None => Err(self.unexpected(
                &call,
                "status 404: there is no such address; check the base address",
            )),
        }
    }

    /// A GET of a fixed path.
    pub(super) fn get_call(&self, path: &str) -> Result<Call, Stop> {
        let label = format!("GET {path}");
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut url = self
            .inner
            .base
            .below(path, &[])
            .ok_or_else(|| self.unexpected_at(&label, "its path makes no address"))?;
        if !query.is_empty() {
            url.set_query(Some(query));
        }
        Ok(Call {
            method: "GET",
            label,
            url,
            payload: Payload::None,
            nature: Nature::Read,
            metered: true,
        })
    }

    /// One record by id; `None` when it is not there.
    ///
    /// # Errors
    /// When no further call makes sense.
    pub async fn get(&self, object: ObjectId, id: &str) -> Result<Option<Value>, Stop> {
        let op = self.op(object, OpKind::Get)?;
        let call = self.call(op, &[("id", id)], Payload::None, Nature::Read)?;
        let Some(body) = self.fetch(&call).await? else {
            return Ok(None);
        };
        match member::take(body, op.record.as_deref()) {
            Some(record) if record.is_object() => Ok(Some(record)),
            _ => Err(self.unexpected(&call, no_member("a record", op.record.as_deref()))),
        }
    }

    /// Records by the exact value of a key, as the server finds them: some servers follow late (`Op::lags`) or
    /// find more than was asked for. An empty value finds nothing.
    ///
    /// # Errors
    /// When no further call makes sense.
    pub async fn lookup(
        &self,
        object: ObjectId,
        key_wire: &str,
        value: &str,
    ) -> Result<Vec<Value>, Stop> {
        let op = self.op(object, OpKind::Lookup)?;
        if value.is_empty() {
            return Ok(Vec::new());
        }
        let values = [("key", key_wire), ("value", value)];
        let call = self.call(op, &values, Payload::None, Nature::Read)?;
        match self.fetch(&call).await? {
            Some(body) => self.records(op, &call, body),
            None => Ok(Vec::new()),
        }
    }

    /// All records that belong to a parent; none when the parent is not there. Members of an owner come as
    /// memberships.
    ///
    /// # Errors
    /// When no further call makes sense.
    pub async fn children(
        &self,
        object: ObjectId,
        parent: ObjectId,
        parent_id: &str,
    ) -> Result<Vec<Value>, Stop> {
        let op = self.op(object, OpKind::Children)?;
        let Some((_, part)) = op.parents.iter().find(|(id, _)| *id == parent) else {
            return Err(self.unexpected_at(
                &super::write::label(op),
                "the platform file declares no such parent",
            ));
        };
        let values = [("parent", part.as_str()), ("parent_id", parent_id)];
        let first = self.call(op, &values, Payload::None, Nature::Read)?;
        let mut pages = Pages::new(op.clone(), first);
        let mut all = Vec::new();
        while let Some(page) = pages.next(self).await? {
            all.extend(page.records);
        }
        let def = self.object(object)?;
        Ok(match def.membership {
            Some(form) => members::as_records(def, form, parent_id, &all),
            None => all,
        })
    }

    /// The records of an answer.
    pub(super) fn records(&self, op: &Op, call: &Call, body: Value) -> Result<Vec<Value>, Stop> {
        match member::take(body, op.records.as_deref()) {
            Some(Value::Array(list)) => Ok(list),
            // Taking anything else for "none" would create what is there already.
            _ => Err(self.unexpected(call, no_member("a list of records", op.records.as_deref()))),
        }
    }
}

pub(super) fn no_member(what: &str, path: Option<&str>) -> String {
    match path {
        Some(path) => format!("there is no `{path}` with {what} in it"),
        None => format!("it is not {what}"),
    }
}
