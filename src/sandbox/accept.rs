//! What a create or update may write: a body in, the whole new record or the reasons of refusal out.
//!
//! Nothing is stored here. The rules are the platform's alone; whatever it does not know is ignored, as the
//! simulated server would.

use super::{
    coerce::{self, Case, Reading},
    quirk::Quirks,
    refer::Sent,
    shape::{Rules, Setting, member},
    store::{Record, Store},
};
use crate::{
    ident::{FieldId, ObjectId},
    platform::{Field, Write},
    value::Type,
};
use jiff::Timestamp;
use serde_json::{Map, Value};

/// Why a write was refused.
#[derive(Debug)]
pub(super) enum Refused {
    /// For these reasons, in the vendor's wording.
    Says(Vec<String>),
    /// The account cannot be read.
    Store(rusqlite::Error),
}

impl From<rusqlite::Error> for Refused {
    fn from(why: rusqlite::Error) -> Refused {
        Refused::Store(why)
    }
}

/// Judges writes.
pub(super) struct Judge<'a> {
    /// The platform.
    pub rules: &'a Rules,
    /// The account.
    pub store: &'a mut Store,
    /// Its switches.
    pub quirks: &'a Quirks,
    /// The moment of the call, in milliseconds.
    pub now: i64,
    /// True for seeds and the admin plane: members may be field names, references keys, values texts.
    pub by_name: bool,
}

/// A write on its way.
pub(super) struct Draft<'a> {
    /// What is written to.
    pub object: ObjectId,
    /// The body.
    pub body: &'a Map<String, Value>,
    /// The record before.
    pub old: Option<&'a Record>,
    /// The record as it will be.
    pub new: Record,
    /// By field: whether the body wrote it.
    pub sent: Vec<bool>,
    /// Reasons of refusal.
    pub reasons: Vec<String>,
}

impl Judge<'_> {
    /// The record after the write.
    ///
    /// # Errors
    /// With every reason of refusal, or when the account cannot be read.
    pub(super) fn judge(
        &mut self,
        object: ObjectId,
        body: &Map<String, Value>,
        old: Option<&Record>,
    ) -> Result<Record, Refused> {
        let mut draft = Draft {
            object,
            body,
            old,
            new: old.cloned().unwrap_or_else(|| Record {
                created: self.now,
                ..Record::default()
            }),
            sent: vec![false; self.rules.object(object).fields.len()],
            reasons: Vec::new(),
        };
        draft.new.updated = self.now;
        self.standard(&mut draft)?;
        self.custom(&mut draft);
        self.agree(&mut draft, true)?;
        if old.is_none() {
            self.defaults(&mut draft)?;
        }
        self.agree(&mut draft, false)?;
        self.required(&mut draft);
        self.unique(&mut draft)?;
        if !draft.reasons.is_empty() {
            return Err(Refused::Says(draft.reasons));
        }
        self.settings(&mut draft)?;
        Ok(draft.new)
    }

    fn reading(&self) -> Reading<'_> {
        Reading {
            zone: &self.rules.zone,
            as_text: self.by_name,
            drop_unknown_choice: self.quirks.is("unknown_choice", "ignore"),
        }
    }

    fn standard(&mut self, draft: &mut Draft<'_>) -> Result<(), Refused> {
        let rules = self.rules;
        for (at, field) in rules.object(draft.object).fields.iter().enumerate() {
            let closed = match field.write {
                Write::Always => false,
                Write::OnCreate => draft.old.is_some(),
                Write::Never => true,
            };
            if closed || field.data_type == Type::Id {
                continue;
            }
            let id = FieldId(u16::try_from(at).unwrap_or_default());
            if field.reference.is_some() {
                match self.refer(draft, id)? {
                    Sent::Nothing => {}
                    Sent::Value(value) => {
                        draft.sent[at] = true;
                        set(&mut draft.new.fields, &field.name, value);
                    }
                    Sent::Refused(value) => {
                        draft.sent[at] = true;
                        let says = self.says(field, "reference", &value);
                        draft.reasons.push(says);
                    }
                }
                continue;
            }
            let Some(raw) = self.raw(draft, id, field) else {
                continue;
            };
            draft.sent[at] = true;
            match coerce::stored(field, &raw, self.reading()) {
                Ok(value) => set(&mut draft.new.fields, &field.name, value),
                Err("bad") if field.blank_when_bad => {
                    draft.new.fields.remove(&field.name);
                }
                Err(case) => draft.reasons.push(self.says(field, case, &raw)),
            }
        }
        Ok(())
    }

    /// What the body holds for a field: under its name (seeds), its member, or a list that shows it.
    fn raw(&self, draft: &Draft<'_>, id: FieldId, field: &Field) -> Option<Value> {
        if self.by_name
            && let Some(value) = draft.body.get(&field.name)
        {
            return Some(value.clone());
        }
        if let Some(value) = member(draft.body, &field.path) {
            return Some(value.clone());
        }
        let shape = &self.rules.shapes[draft.object.ix()];
        let place = format!("{{{}}}", field.name);
        for (at, setting) in shape.set.iter().enumerate() {
            let Setting::List(Value::Array(items)) = setting else {
                continue;
            };
            let Some(Value::Object(item)) = items.first() else {
                continue;
            };
            let Some((inside, _)) = item.iter().find(|(_, v)| v.as_str() == Some(&place)) else {
                continue;
            };
            let other = &self.rules.object(draft.object).fields[at];
            debug_assert_ne!(at, id.ix(), "a field does not show itself");
            match member(draft.body, &other.path) {
                Some(Value::Array(list)) => {
                    // The marked item, else the first.
                    let marked = list.iter().find(|i| {
                        item.iter()
                            .any(|(k, v)| *v == Value::Bool(true) && i.get(k) == Some(v))
                    });
                    let one = marked.or_else(|| list.first())?;
                    return Some(one.get(inside).unwrap_or(one).clone());
                }
                Some(plain @ (Value::String(_) | Value::Null)) => return Some(plain.clone()),
                _ => {}
            }
        }
        None
    }

    fn custom(&mut self, draft: &mut Draft<'_>) {
        let rules = self.rules;
        let Some(form) = &rules.platform.custom else {
            return;
        };
        if rules.object(draft.object).custom_at.is_none() {
            return;
        }
        let defined = self.store.custom(draft.object).to_vec();
        let mut sent: Map<String, Value> = Map::new();
        let mut whole = false;
        if self.by_name {
            for custom in &defined {
                let found = draft
                    .body
                    .get(&custom.name)
                    .or_else(|| draft.body.get(&custom.label));
                if let Some(value) = found {
                    sent.insert(custom.name.clone(), value.clone());
                }
            }
        }
        if form.at.is_empty() {
            let known = |k: &str| {
                defined.iter().any(|c| c.name == k)
                    || (!form.prefix.is_empty() && k.starts_with(&form.prefix))
            };
            sent.extend(
                draft
                    .body
                    .iter()
                    .filter(|(k, _)| known(k))
                    .map(|(k, v)| (k.clone(), v.clone())),
            );
        } else {
            match member(draft.body, &form.at) {
                None | Some(Value::Null) => {}
                Some(Value::Object(map)) => {
                    whole = self.quirks.is("custom_field_update", "replace") && !self.by_name;
                    sent.extend(map.clone());
                }
                Some(other) => draft
                    .reasons
                    .push(self.wording(&[], "bad", &form.at, other)),
            }
        }
        if whole {
            draft.new.custom.clear();
        }
        for (key, value) in sent {
            let Some(custom) = defined.iter().find(|c| c.name == key) else {
                if self.quirks.is("unknown_custom_field", "reject") {
                    draft
                        .reasons
                        .push(self.wording(&[], "reference", &key, &value));
                }
                continue;
            };
            let field = coerce::custom_as_field(custom, &rules.platform);
            let mut value = if matches!(custom.data_type, Type::Enum | Type::MultiEnum) {
                coerce::choice_text(custom, &value)
            } else {
                value
            };
            if custom.data_type == Type::Text
                && self.quirks.is("custom_text_over", "cut")
                && let (Some(max), Some(text)) = (field.max, value.as_str())
            {
                value = text
                    .chars()
                    .take(usize::try_from(max).unwrap_or(usize::MAX))
                    .collect::<String>()
                    .into();
            }
            match coerce::stored(&field, &value, self.reading()) {
                Ok(stored) => set(&mut draft.new.custom, &custom.name, stored),
                Err(case) => draft.reasons.push(self.says(&field, case, &value)),
            }
        }
    }

    fn defaults(&mut self, draft: &mut Draft<'_>) -> Result<(), Refused> {
        let rules = self.rules;
        let inner: Vec<FieldId> = rules.shapes[draft.object.ix()]
            .agree
            .iter()
            .map(|a| a.inner)
            .collect();
        // The wider reference first: the narrower one depends on it.
        for late in [false, true] {
            for (at, field) in rules.object(draft.object).fields.iter().enumerate() {
                let id = FieldId(u16::try_from(at).unwrap_or_default());
                let Some(default) = &field.default else {
                    continue;
                };
                if inner.contains(&id) != late || draft.new.fields.contains_key(&field.name) {
                    continue;
                }
                let value = if field.reference.is_some() {
                    self.default_link(draft, id, default)?
                } else {
                    let how = Reading {
                        as_text: true,
                        ..self.reading()
                    };
                    coerce::stored(field, &Value::String(default.clone()), how)
                        .unwrap_or(Value::Null)
                };
                set(&mut draft.new.fields, &field.name, value);
            }
        }
        Ok(())
    }

    fn required(&self, draft: &mut Draft<'_>) {
        for (at, field) in self.rules.object(draft.object).fields.iter().enumerate() {
            let blank = match draft.new.fields.get(&field.name) {
                None => true,
                Some(Value::String(s)) => s.trim().is_empty(),
                Some(Value::Array(list)) => list.is_empty(),
                Some(_) => false,
            };
            if !(field.required && blank) || field.write == Write::Never {
                continue;
            }
            // A value that was refused for another reason has been spoken of; an old record keeps its gaps.
            let spoken = draft.sent[at]
                && self
                    .raw(draft, FieldId(u16::try_from(at).unwrap_or_default()), field)
                    .is_some_and(|v| !is_blank(&v));
            if !spoken && (draft.old.is_none() || draft.sent[at]) {
                draft
                    .reasons
                    .push(self.says(field, "required", &Value::Null));
            }
        }
    }

    fn unique(&mut self, draft: &mut Draft<'_>) -> Result<(), Refused> {
        let taken = self.quirks.is("deleted_key", "taken");
        for (at, field) in self.rules.object(draft.object).fields.iter().enumerate() {
            let Some(value) = draft.new.fields.get(&field.name).cloned() else {
                continue;
            };
            if !field.unique || !draft.sent[at] {
                continue;
            }
            let key = super::shape::key_text(&value);
            let others = self.store.find(draft.object, &field.name, &key, taken)?;
            if others.iter().any(|id| *id != draft.new.id) {
                draft.reasons.push(self.says(field, "unique", &value));
            }
        }
        Ok(())
    }

    /// What the server sets by itself.
    fn settings(&mut self, draft: &mut Draft<'_>) -> Result<(), Refused> {
        let rules = self.rules;
        let def = rules.object(draft.object);
        for (at, setting) in rules.shapes[draft.object.ix()].set.iter().enumerate() {
            let name = &def.fields[at].name;
            match setting {
                Setting::Nothing | Setting::Created | Setting::Updated | Setting::List(_) => {}
                Setting::Text(template) => {
                    let mut text = template.clone();
                    for field in &def.fields {
                        let place = format!("{{{}}}", field.name);
                        if text.contains(&place) {
                            let value = draft.new.fields.get(&field.name).map(coerce::plain);
                            text = text.replace(&place, &value.unwrap_or_default());
                        }
                    }
                    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                    let value = if text.is_empty() {
                        Value::Null
                    } else {
                        text.into()
                    };
                    set(&mut draft.new.fields, name, value);
                }
                Setting::Through(reference, other) => {
                    let link = rules.links(draft.object, *reference, &draft.new);
                    let value = match link.first() {
                        Some((to, id)) => self
                            .store
                            .get(*to, *id)?
                            .and_then(|r| r.fields.get(other).cloned()),
                        None => None,
                    };
                    set(&mut draft.new.fields, name, value.unwrap_or(Value::Null));
                }
                Setting::When(flag) => {
                    let flag = &def.fields[flag.ix()].name;
                    let on = |r: &Record| r.fields.get(flag) == Some(&Value::Bool(true));
                    if !on(&draft.new) {
                        draft.new.fields.remove(name);
                    } else if !draft.old.is_some_and(on) || !draft.new.fields.contains_key(name) {
                        let now = Timestamp::from_millisecond(self.now).unwrap_or_default();
                        set(&mut draft.new.fields, name, now.to_string().into());
                    }
                }
            }
        }
        Ok(())
    }

    /// The vendor's wording of a refusal.
    pub(super) fn says(&self, field: &Field, case: Case, value: &Value) -> String {
        self.wording(&field.says, case, &field.label, value)
    }

    fn wording(&self, own: &[(String, String)], case: Case, label: &str, value: &Value) -> String {
        let find = |list: &[(String, String)]| {
            list.iter().find(|(c, _)| c == case).map(|(_, t)| t.clone())
        };
        find(own)
            .or_else(|| find(&self.rules.http.says))
            .unwrap_or_else(|| format!("{{label}} is refused ({case})"))
            .replace("{label}", label)
            .replace("{value}", &coerce::plain(value))
    }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(s) => s.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

/// Null leaves a field out.
pub(super) fn set(map: &mut Map<String, Value>, name: &str, value: Value) {
    if value.is_null() {
        map.remove(name);
    } else {
        map.insert(name.to_owned(), value);
    }
}
