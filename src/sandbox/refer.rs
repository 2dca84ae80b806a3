//! References in a write: ids, kinds, lists of items, keys of seeds, and references that must agree.

use super::{
    accept::{Draft, Judge, Refused, set},
    shape::{key_text, member},
    store::{Order, Query, Record},
};
use crate::ident::{FieldId, ObjectId};
use serde_json::{Map, Value};

/// What a body says about a reference.
pub(super) enum Sent {
    /// Nothing.
    Nothing,
    /// Its stored form; null clears it.
    Value(Value),
    /// It points to nothing; the value that was sent.
    Refused(Value),
}

/// How many records are looked through for a default.
const DEFAULT_AMONG: u64 = 1000;

impl Judge<'_> {
    /// The stored form of a reference: an id; a list of ids where it is an array; `{object: id}` where it may
    /// point to several objects.
    pub(super) fn refer(&mut self, draft: &Draft<'_>, id: FieldId) -> Result<Sent, Refused> {
        let rules = self.rules;
        let field = &rules.object(draft.object).fields[id.ix()];
        let Some(form) = &field.reference else {
            return Ok(Sent::Nothing);
        };
        let named = self.by_name.then(|| draft.body.get(&field.name)).flatten();
        let raw = named.or_else(|| member(draft.body, &field.path));
        if form.item.is_some() {
            return self.refer_list(draft, id, raw);
        }
        let kind = form
            .kind_path
            .as_ref()
            .and_then(|path| member(draft.body, path));
        if raw.is_none() && kind.is_none() {
            return Ok(Sent::Nothing);
        }
        let before = draft
            .old
            .and_then(|r| rules.links(draft.object, id, r).first().copied());
        let Some(raw) = raw.cloned().or_else(|| before.map(|(_, id)| id.into())) else {
            // A kind without an id.
            return Ok(Sent::Refused(Value::Null));
        };
        if raw.is_null() || raw.as_str() == Some("") {
            return Ok(Sent::Value(Value::Null));
        }
        let to = match (&form.kind_path, kind) {
            (None, _) => form.to.clone(),
            (Some(_), Some(word)) => {
                let found = form
                    .kinds
                    .iter()
                    .find(|(_, w)| Some(w.as_str()) == word.as_str());
                match found {
                    Some((object, _)) => vec![*object],
                    None => return Ok(Sent::Refused(word.clone())),
                }
            }
            (Some(_), None) => match (before, self.by_name) {
                (Some((object, _)), _) => vec![object],
                (None, true) => form.to.clone(),
                (None, false) => return Ok(Sent::Refused(raw)),
            },
        };
        match self.target(&to, &raw, draft)? {
            None => Ok(Sent::Refused(raw)),
            Some((_, id)) if form.kind_path.is_none() && form.to.len() == 1 => {
                Ok(Sent::Value(id.into()))
            }
            Some((object, id)) => {
                let mut one = Map::new();
                one.insert(rules.object(object).name.clone(), id.into());
                Ok(Sent::Value(Value::Object(one)))
            }
        }
    }

    fn refer_list(
        &mut self,
        draft: &Draft<'_>,
        id: FieldId,
        raw: Option<&Value>,
    ) -> Result<Sent, Refused> {
        let rules = self.rules;
        let field = &rules.object(draft.object).fields[id.ix()];
        let Some(form) = &field.reference else {
            return Ok(Sent::Nothing);
        };
        let (id_member, mark) = form.item.clone().unwrap_or_default();
        let removed = form
            .remove_path
            .as_ref()
            .and_then(|path| member(draft.body, path));
        if raw.is_none() && removed.is_none() {
            return Ok(Sent::Nothing);
        }
        let mut links: Vec<(ObjectId, i64)> = match (&form.remove_path, draft.old) {
            (Some(_), Some(old)) => rules.links(draft.object, id, old),
            _ => Vec::new(),
        };
        let list = match raw {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(list)) => list.clone(),
            Some(one) if self.by_name => vec![one.clone()],
            Some(other) => return Ok(Sent::Refused(other.clone())),
        };
        for item in list {
            let inner = match (&id_member, &item) {
                (Some(member), Value::Object(map)) => map.get(member),
                (None, _) => Some(&item),
                (Some(_), _) if self.by_name => Some(&item),
                _ => None,
            };
            let Some(inner) = inner else {
                return Ok(Sent::Refused(item));
            };
            let to = match form.item_kind.as_ref().filter(|_| !self.by_name) {
                None => form.to.clone(),
                Some(member) => {
                    let word = item.get(member).and_then(Value::as_str);
                    let kind = form.kinds.iter().find(|(_, w)| Some(w.as_str()) == word);
                    match kind {
                        Some((object, _)) => vec![*object],
                        None => return Ok(Sent::Refused(item)),
                    }
                }
            };
            let Some(found) = self.target(&to, inner, draft)? else {
                return Ok(Sent::Refused(inner.clone()));
            };
            let first = mark
                .as_ref()
                .is_some_and(|m| item.get(m) == Some(&Value::Bool(true)));
            if let Some(at) = links.iter().position(|l| *l == found) {
                if !first {
                    continue;
                }
                links.remove(at);
            }
            links.insert(if first { 0 } else { links.len() }, found);
        }
        if let Some(gone) = removed {
            let gone: Vec<i64> = gone
                .as_array()
                .map(|l| l.iter().filter_map(as_id).collect())
                .unwrap_or_default();
            links.retain(|l| !gone.contains(&l.1));
        }
        let stored = links.into_iter().map(|(object, id)| {
            if form.to.len() == 1 {
                return Value::from(id);
            }
            let mut one = Map::new();
            one.insert(rules.object(object).name.clone(), id.into());
            Value::Object(one)
        });
        let stored: Vec<Value> = stored.collect();
        Ok(Sent::Value(if stored.is_empty() {
            Value::Null
        } else {
            stored.into()
        }))
    }

    /// The live record that an id, or the key of a seed, means.
    fn target(
        &mut self,
        to: &[ObjectId],
        raw: &Value,
        draft: &Draft<'_>,
    ) -> Result<Option<(ObjectId, i64)>, Refused> {
        if self.by_name {
            if let Value::Object(one) = raw {
                for (name, key) in one {
                    if let Some((object, _)) = self.rules.platform.object(name)
                        && to.contains(&object)
                    {
                        return self.target(&[object], &key.clone(), draft);
                    }
                }
                return Ok(None);
            }
            for object in to {
                if let Some(id) = self.by_key(*object, raw, draft)? {
                    return Ok(Some((*object, id)));
                }
            }
        }
        let Some(id) = as_id(raw) else {
            return Ok(None);
        };
        for object in to {
            if self.store.get(*object, id)?.is_some_and(|r| !r.deleted) {
                return Ok(Some((*object, id)));
            }
        }
        Ok(None)
    }

    /// The record with that value in one of its keys, the preferred one first. Where the key names an owner too (the stage's pipeline), the
    /// owner is what this record says it is.
    fn by_key(
        &mut self,
        object: ObjectId,
        raw: &Value,
        draft: &Draft<'_>,
    ) -> Result<Option<i64>, Refused> {
        let rules = self.rules;
        let def = rules.object(object);
        for key in &def.keys {
            let own = key
                .by
                .iter()
                .find(|f| def.fields[f.ix()].reference.is_none());
            let Some(own) = own else { continue };
            let name = &def.fields[own.ix()].name;
            for id in self.store.find(object, name, &key_text(raw), false)? {
                let found = self.store.get(object, id)?;
                if found.is_some_and(|r| self.fits(draft, object, &r)) {
                    return Ok(Some(id));
                }
            }
        }
        Ok(None)
    }

    /// True when a record lies within the owner that the draft names.
    fn fits(&self, draft: &Draft<'_>, object: ObjectId, found: &Record) -> bool {
        self.rules.shapes[draft.object.ix()]
            .agree
            .iter()
            .filter(|a| a.to == object)
            .all(|a| {
                let outer = self.rules.links(draft.object, a.outer, &draft.new);
                let through = self.rules.links(object, a.through, found);
                outer.is_empty() || outer.first() == through.first()
            })
    }

    /// What a reference points to in a new record without it.
    pub(super) fn default_link(
        &mut self,
        draft: &Draft<'_>,
        id: FieldId,
        default: &str,
    ) -> Result<Value, Refused> {
        let rules = self.rules;
        let to = rules.object(draft.object).fields[id.ix()]
            .reference
            .as_ref()
            .and_then(|r| r.to.first().copied());
        let Some(to) = to else {
            return Ok(Value::Null);
        };
        if default != "first" {
            let found = self.by_key(to, &Value::String(default.to_owned()), draft)?;
            return Ok(found.map_or(Value::Null, Value::from));
        }
        let all = Query {
            deleted: false,
            entry: None,
            since: None,
            order: Order::Id,
            desc: false,
            offset: 0,
            limit: DEFAULT_AMONG,
        };
        let (records, _) = self.store.list(to, &all)?;
        let first = records
            .iter()
            .filter(|r| self.fits(draft, to, r))
            .min_by_key(|r| {
                let position = r.fields.get("position").and_then(Value::as_i64);
                (position.unwrap_or(i64::MAX), r.id)
            });
        Ok(first.map_or(Value::Null, |r| r.id.into()))
    }

    /// Makes references agree. A narrower one that was sent decides about a wider one that was not; a wider one
    /// that was sent takes an old narrower one to its default; two that were sent and differ are refused.
    pub(super) fn agree(&mut self, draft: &mut Draft<'_>, early: bool) -> Result<(), Refused> {
        let rules = self.rules;
        let def = rules.object(draft.object);
        for a in &rules.shapes[draft.object.ix()].agree {
            let inner = rules.links(draft.object, a.inner, &draft.new);
            let Some((to, id)) = inner.first() else {
                continue;
            };
            let Some(target) = self.store.get(*to, *id)? else {
                continue;
            };
            let through = rules.links(a.to, a.through, &target);
            let outer = rules.links(draft.object, a.outer, &draft.new);
            if through.first() == outer.first() {
                continue;
            }
            let (outer_name, inner_field) =
                (&def.fields[a.outer.ix()].name, &def.fields[a.inner.ix()]);
            match (draft.sent[a.inner.ix()], draft.sent[a.outer.ix()]) {
                (true, true) if early => {
                    let value = draft.new.fields.get(&inner_field.name).cloned();
                    let says = self.says(inner_field, "reference", &value.unwrap_or(Value::Null));
                    draft.reasons.push(says);
                }
                (true, false) => {
                    let value = through.first().map_or(Value::Null, |(_, id)| (*id).into());
                    set(&mut draft.new.fields, outer_name, value);
                }
                (false, true) => {
                    draft.new.fields.remove(&inner_field.name);
                    let value = self.default_link(draft, a.inner, "first")?;
                    set(&mut draft.new.fields, &inner_field.name, value);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// An id as a number or as a text of digits.
pub(super) fn as_id(value: &Value) -> Option<i64> {
    match value {
        Value::Number(n) => n.as_i64(),
        Value::String(s) => s.parse().ok(),
        _ => None,
    }
    .filter(|id| *id > 0)
}
