//! Memberships in the simulated account: ids added to an owner and taken out again, and an owner's members.
//!
//! A membership is kept as a record of its own with two references. The API shows it as the member only.

use super::{
    answer::Reply,
    reads::{Params, slice, totals},
    refer::as_id,
    shape::{at, put},
    store::{Order, Query, Record},
    world::{Inside, World},
};
use crate::{
    ident::{FieldId, ObjectId},
    platform::{Membership, Op, OpKind},
};
use serde_json::{Map, Value};

impl World {
    /// `create` and `delete` of memberships: adds the ids of a request to an owner, or takes them out. Adding a
    /// member twice changes nothing, and taking out who is no member neither.
    pub(super) fn write_members(
        &self,
        inside: &mut Inside,
        (object, form): (ObjectId, Membership),
        op: &Op,
        owner: i64,
        body: &Value,
        now: i64,
    ) -> rusqlite::Result<Reply> {
        let (Some(owners), Some(to)) = (
            self.points_to(object, form.of),
            self.points_to(object, form.member),
        ) else {
            return Ok(Reply::gone(&self.rules.http));
        };
        if !self.is_live(inside, owners, owner)? {
            return Ok(Reply::gone(&self.rules.http));
        }
        let ids = op.ids.as_deref().and_then(|path| at(body, path));
        let Some(Value::Array(ids)) = ids else {
            return Ok(self.refuse("The request names no members"));
        };
        let mut known = Vec::with_capacity(ids.len());
        for id in ids {
            match as_id(id) {
                Some(id) if self.is_live(inside, to, id)? => known.push(id),
                _ if inside.quirks.is("unknown_member", "reject") => {
                    let label = &self.rules.object(to).title;
                    return Ok(self.refuse(&format!("{label} doesn't exist")));
                }
                _ => {}
            }
        }
        for id in known {
            let there = self.membership(inside, (object, form), owner, id)?;
            match (op.kind, there) {
                (OpKind::Create, None) => {
                    let mut record = Record {
                        created: now,
                        updated: now,
                        ..Record::default()
                    };
                    for (field, id) in [(form.of, owner), (form.member, id)] {
                        let name = self.rules.object(object).fields[field.ix()].name.clone();
                        record.fields.insert(name, id.into());
                    }
                    let entries = self.rules.entries(object, &record);
                    inside
                        .store
                        .together(|s| s.insert(object, &mut record, &entries))?;
                }
                (OpKind::Delete, Some(record)) => {
                    inside.delete(&self.rules, object, &record, false, now)?;
                }
                _ => {}
            }
        }
        Ok(self.done(op))
    }

    /// The live members of an owner, page by page.
    pub(super) fn members(
        &self,
        inside: &mut Inside,
        (object, form): (ObjectId, Membership),
        op: &Op,
        (owners, owner): (ObjectId, i64),
        params: &Params,
    ) -> rusqlite::Result<Reply> {
        let Some(to) = self.points_to(object, form.member) else {
            return Ok(Reply::gone(&self.rules.http));
        };
        if !self.is_live(inside, owners, owner)? {
            return Ok(Reply::gone(&self.rules.http));
        }
        let name = &self.rules.object(object).fields[form.of.ix()].name;
        let all = Query {
            deleted: false,
            since: None,
            entry: Some(self.rules.link_entry(name, owners, owner)),
            order: Order::Id,
            desc: false,
            offset: 0,
            limit: u64::MAX,
        };
        let mut members = Vec::new();
        for membership in inside.store.list(object, &all)?.0 {
            for (_, id) in self.rules.links(object, form.member, &membership) {
                members.extend(inside.store.get(to, id)?.filter(|r| !r.deleted));
            }
        }
        let short = inside.quirks.is("short_pages", "some");
        let slice = slice(op.page.as_ref(), params, short);
        let total = members.len() as u64;
        let whole = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let shown: Vec<Record> = members
            .into_iter()
            .skip(whole(slice.offset))
            .take(whole(slice.limit))
            .collect();
        let rows = self.rows(inside, to, &shown, &self.include(params))?;
        let Some(path) = &op.records else {
            return Ok(Reply::json(op.status, &rows));
        };
        let mut out = Map::new();
        put(&mut out, path, rows);
        totals(&mut out, op.page.as_ref(), &slice, total);
        Ok(Reply::object(op.status, out))
    }

    /// The object that a reference with one object points to.
    fn points_to(&self, object: ObjectId, field: FieldId) -> Option<ObjectId> {
        let field = &self.rules.object(object).fields[field.ix()];
        field.reference.as_ref()?.to.first().copied()
    }

    fn is_live(&self, inside: &Inside, object: ObjectId, id: i64) -> rusqlite::Result<bool> {
        Ok(inside.store.get(object, id)?.is_some_and(|r| !r.deleted))
    }

    fn membership(
        &self,
        inside: &mut Inside,
        (object, form): (ObjectId, Membership),
        owner: i64,
        member: i64,
    ) -> rusqlite::Result<Option<Record>> {
        let Some(to) = self.points_to(object, form.member) else {
            return Ok(None);
        };
        let name = &self.rules.object(object).fields[form.member.ix()].name;
        let (entry, value) = self.rules.link_entry(name, to, member);
        for id in inside.store.find(object, &entry, &value, false)? {
            let found = inside.store.get(object, id)?.filter(|r| {
                let owners = self.rules.links(object, form.of, r);
                owners.first().is_some_and(|(_, id)| *id == owner)
            });
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}
