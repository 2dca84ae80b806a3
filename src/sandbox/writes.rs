//! Writing calls of the simulated API: create, update, upsert, bulk upsert, delete, restore, forget.

use super::{
    accept::Refused,
    answer::{Reply, fill_places},
    reads::Params,
    refer::as_id,
    shape::{at, key_text, put},
    store::{Record, StoredJob},
    world::{Inside, World},
};
use crate::{ident::ObjectId, platform::Op};
use serde_json::{Map, Value};

/// Which record a key means.
enum Match {
    Found(Record),
    Absent,
    /// The key is not one of the operation's.
    NoKey(String),
}

impl World {
    /// The record in a request: in the operation's envelope, or the body itself.
    pub(super) fn unwrap<'a>(
        &self,
        op: &Op,
        body: &'a Value,
    ) -> Result<&'a Map<String, Value>, Reply> {
        let inner = op.wrap.as_ref().and_then(|w| at(body, w)).unwrap_or(body);
        match inner {
            Value::Object(map) => Ok(map),
            _ => Err(self.refuse("The request has no record")),
        }
    }

    /// The answer to a request that cannot be read.
    pub(super) fn refuse(&self, says: &str) -> Reply {
        Reply::case(&self.rules.http, "refused", &[says.to_owned()])
    }

    /// `create`.
    pub(super) fn create(
        &self,
        inside: &mut Inside,
        object: ObjectId,
        op: &Op,
        body: &Map<String, Value>,
        now: i64,
    ) -> rusqlite::Result<Reply> {
        match inside.create(&self.rules, object, body, now, false) {
            Ok(record) => {
                let mut reply = match self.told(object, op, &record) {
                    Some(told) => told,
                    None => self.single(inside, object, op, op.status, &record, &Vec::new())?,
                };
                reply.made = true;
                Ok(reply)
            }
            Err(why) => Ok(self.refusal(&why)),
        }
    }

    /// `update` of a live record.
    pub(super) fn update(
        &self,
        inside: &mut Inside,
        (object, id): (ObjectId, i64),
        op: &Op,
        body: &Map<String, Value>,
        params: &Params,
        now: i64,
    ) -> rusqlite::Result<Reply> {
        let Some(old) = inside.store.get(object, id)?.filter(|r| !r.deleted) else {
            return Ok(Reply::gone(&self.rules.http));
        };
        match inside.update(&self.rules, object, &old, body, now, false) {
            Ok(record) => self.single(inside, object, op, op.status, &record, params),
            Err(why) => Ok(self.refusal(&why)),
        }
    }

    /// `upsert`: the record with that key, changed; or a new one.
    pub(super) fn upsert(
        &self,
        inside: &mut Inside,
        object: ObjectId,
        op: &Op,
        body: &Value,
        now: i64,
    ) -> rusqlite::Result<Reply> {
        let record = match self.unwrap(op, body) {
            Ok(record) => record,
            Err(reply) => return Ok(reply),
        };
        let keys = match &op.key_at {
            Some(member) => at(body, member).and_then(Value::as_object),
            None => Some(record),
        };
        let Some(keys) = keys else {
            return Ok(self.refuse("The request names no key"));
        };
        match self.matched(inside, object, op, keys)? {
            Match::NoKey(says) => Ok(self.refuse(&says)),
            Match::Found(old) => match inside.update(&self.rules, object, &old, record, now, false)
            {
                Ok(new) => self.single(inside, object, op, 200, &new, &Vec::new()),
                Err(why) => Ok(self.refusal(&why)),
            },
            Match::Absent => {
                let full = self.with_keys(inside, object, op, keys, record);
                match inside.create(&self.rules, object, &full, now, false) {
                    Ok(new) => {
                        let mut reply =
                            self.single(inside, object, op, op.status, &new, &Vec::new())?;
                        reply.made = true;
                        Ok(reply)
                    }
                    Err(why) => Ok(self.refusal(&why)),
                }
            }
        }
    }

    /// The live record that the first known key means.
    fn matched(
        &self,
        inside: &mut Inside,
        object: ObjectId,
        op: &Op,
        keys: &Map<String, Value>,
    ) -> rusqlite::Result<Match> {
        let def = self.rules.object(object);
        if let Some(id) = keys.get(&op.id).and_then(as_id) {
            let found = inside.store.get(object, id)?.filter(|r| !r.deleted);
            return Ok(found.map_or_else(
                || Match::NoKey(format!("There is no record with the id {id}")),
                Match::Found,
            ));
        }
        let mut known = op
            .keys
            .iter()
            .filter_map(|(wire, id)| Some((def.fields[id.ix()].name.clone(), keys.get(wire)?)))
            .collect::<Vec<_>>();
        for custom in inside.store.custom(object) {
            if let Some(value) = keys.get(&custom.name) {
                known.push((custom.name.clone(), value));
            }
        }
        let Some((name, value)) = known.first() else {
            return Ok(Match::NoKey("The request names no known key".to_owned()));
        };
        if !(value.is_string() || value.is_number()) || key_text(value).is_empty() {
            return Ok(Match::NoKey(format!("The key {name} is blank")));
        }
        let ids = inside.store.find(object, name, &key_text(value), false)?;
        match ids.first() {
            Some(id) => Ok(inside
                .store
                .get(object, *id)?
                .map_or(Match::Absent, Match::Found)),
            None => Ok(Match::Absent),
        }
    }

    /// The record with its keys in their fields, unless it has them itself.
    fn with_keys(
        &self,
        inside: &Inside,
        object: ObjectId,
        op: &Op,
        keys: &Map<String, Value>,
        record: &Map<String, Value>,
    ) -> Map<String, Value> {
        let mut full = record.clone();
        for (wire, id) in &op.keys {
            let path = &self.rules.object(object).fields[id.ix()].path;
            if let (Some(value), false) = (keys.get(wire), full.contains_key(path)) {
                put(&mut full, path, value.clone());
            }
        }
        if let Some(form) = self
            .rules
            .platform
            .custom
            .as_ref()
            .filter(|c| !c.at.is_empty())
        {
            for custom in inside.store.custom(object) {
                if let Some(value) = keys.get(&custom.name) {
                    put(
                        &mut full,
                        &format!("{}.{}", form.at, custom.name),
                        value.clone(),
                    );
                }
            }
        }
        full
    }

    /// `bulk_upsert`: takes a job on. Gives its id beside the answer.
    pub(super) fn bulk(
        &self,
        inside: &mut Inside,
        object: ObjectId,
        op: &Op,
        body: &Value,
        partial: bool,
        now: i64,
    ) -> rusqlite::Result<(Reply, Option<i64>)> {
        let rows = op
            .records
            .as_ref()
            .map_or(Some(body), |path| at(body, path))
            .and_then(Value::as_array);
        let refuse = |says: String| Ok((self.refuse(&says), None));
        let Some(rows) = rows.filter(|r| !r.is_empty()) else {
            return refuse("The request has no records".to_owned());
        };
        if op.size > 0 && rows.len() > op.size {
            return refuse(format!("At most {} records can be sent at a time", op.size));
        }
        for (n, row) in rows.iter().enumerate() {
            let keyed = row.as_object().is_some_and(|r| {
                r.contains_key(&op.id) || op.keys.iter().any(|(k, _)| r.contains_key(k))
            });
            let held = op
                .data
                .as_ref()
                .is_none_or(|d| row.get(d).is_some_and(Value::is_object));
            if !keyed || !held {
                return refuse(format!("Record {} is not in the expected form", n + 1));
            }
        }
        let id = inside
            .store
            .together(|s| s.add_job(object, rows, partial, now))?;
        let mut out = Map::new();
        if let Some(Value::Object(answer)) = &op.answer {
            out.extend(answer.clone());
        }
        if let Some(job) = &op.job {
            let path = job.get.replace("{job}", &id.to_string());
            let url = format!("{}{}{path}", self.origin, self.rules.http.mount);
            put(&mut out, &job.url, url.into());
        }
        Ok((Reply::object(op.status, out), Some(id)))
    }

    /// Does the work of a job. A job that is done is left alone.
    pub(super) fn work(&self, inside: &mut Inside, id: i64, now: i64) -> rusqlite::Result<()> {
        let Some(job) = inside.store.job(id)?.filter(|j| j.results.is_none()) else {
            return Ok(());
        };
        let Some(op) = self
            .rules
            .object(job.object)
            .op(crate::platform::OpKind::BulkUpsert)
            .cloned()
        else {
            return Ok(());
        };
        let mut results = Vec::with_capacity(job.rows.len());
        for (n, row) in job.rows.iter().enumerate() {
            let done = self.work_row(inside, &job, &op, n, row, now)?;
            let (id, outcome, message) = match done {
                Ok((id, created)) => (
                    id.into(),
                    if created { "created" } else { "updated" },
                    Value::Null,
                ),
                Err(says) => (Value::Null, "failed", says.join("; ").into()),
            };
            let places = [
                ("{index}", Value::from(n)),
                ("{id}", id),
                ("{outcome}", outcome.into()),
                ("{message}", message),
            ];
            if let Some(template) = op.job.as_ref().and_then(|j| j.row.as_ref()) {
                results.push(fill_places(template, &places));
            }
        }
        inside.store.finish_job(id, &Value::Array(results), now)
    }

    fn work_row(
        &self,
        inside: &mut Inside,
        job: &StoredJob,
        op: &Op,
        n: usize,
        row: &Value,
        now: i64,
    ) -> rusqlite::Result<Result<(i64, bool), Vec<String>>> {
        if job.partial && n % 2 == 1 {
            return Ok(Err(vec!["The record could not be written".to_owned()]));
        }
        let empty = Map::new();
        let keys = row.as_object().unwrap_or(&empty);
        let data = match &op.data {
            Some(member) => row.get(member).and_then(Value::as_object).unwrap_or(&empty),
            None => keys,
        };
        let done = match self.matched(inside, job.object, op, keys)? {
            Match::NoKey(says) => return Ok(Err(vec![says])),
            Match::Found(old) => inside
                .update(&self.rules, job.object, &old, data, now, false)
                .map(|r| (r.id, false)),
            Match::Absent => {
                let full = self.with_keys(inside, job.object, op, keys, data);
                inside
                    .create(&self.rules, job.object, &full, now, false)
                    .map(|r| (r.id, true))
            }
        };
        match done {
            Ok(done) => Ok(Ok(done)),
            Err(Refused::Says(says)) => Ok(Err(says)),
            Err(Refused::Store(why)) => Err(why),
        }
    }

    /// `delete`, `restore` and `forget`: the answer the platform file declares, or an empty one.
    pub(super) fn done(&self, op: &Op) -> Reply {
        match &op.answer {
            Some(body) => Reply::json(op.status, body),
            None => Reply {
                status: op.status,
                body: Vec::new(),
                html: false,
                made: false,
            },
        }
    }
}
