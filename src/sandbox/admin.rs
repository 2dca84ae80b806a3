//! The admin plane, `/_admin/`: what a person with rights over the account does by hand, and what a test wants to
//! know. It asks for no key, is bound by no limit and is not counted.

use super::{
    accept::Refused,
    answer::Reply,
    count::{Counts, Shown},
    describe,
    fault::{FaultRule, Faults},
    reads::{Params, param},
    refer::as_id,
    render,
    shape::Setting,
    store::{CustomField, Record},
    world::{Inside, World},
};
use crate::{
    ident::ObjectId,
    platform::{OpKind, words},
    value::Type,
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Why an admin call failed.
enum Fault {
    /// The request is wrong, for these reasons.
    Wrong(Vec<String>),
    /// There is no such thing.
    Missing(String),
    /// The account cannot be used.
    Store(rusqlite::Error),
}

impl From<rusqlite::Error> for Fault {
    fn from(why: rusqlite::Error) -> Fault {
        Fault::Store(why)
    }
}

impl From<Refused> for Fault {
    fn from(why: Refused) -> Fault {
        match why {
            Refused::Says(reasons) => Fault::Wrong(reasons),
            Refused::Store(why) => Fault::Store(why),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewField {
    object: String,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(rename = "type")]
    data_type: String,
    #[serde(default)]
    choices: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewFaults {
    #[serde(default)]
    faults: Vec<FaultRule>,
    #[serde(default)]
    seed: u64,
}

impl World {
    /// Answers a call of the admin plane. `path` is what follows `/_admin`.
    pub(super) fn admin(
        &self,
        inside: &mut Inside,
        method: &str,
        path: &str,
        params: &Params,
        body: &[u8],
    ) -> Reply {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let done = match (method, parts.as_slice()) {
            ("GET", ["health"]) => Ok(json!({
                "platform": self.rules.platform.name,
                "tier": self.rules.tier,
                "ok": true,
            })),
            ("GET", ["dump"]) => self.dump(inside, param(params, "object")),
            ("GET", ["calls"]) => Ok(json!(Shown {
                counts: &inside.counts,
                peaks: inside.limiter.peaks(),
            })),
            ("POST", ["reset_counters"]) => {
                inside.counts = Counts::default();
                inside.limiter.reset_peaks();
                inside
                    .store
                    .forget_posted()
                    .map(|()| json!({"ok": true}))
                    .map_err(Fault::from)
            }
            ("GET", ["fields"]) => self.fields(inside, param(params, "object")),
            ("POST", ["fields"]) => parse(body).and_then(|f| self.add_field(inside, f)),
            ("GET", ["objects", object]) => self.rows_of(inside, object),
            ("POST", ["objects", object]) => {
                parse(body).and_then(|b| self.add_record(inside, object, &b))
            }
            ("GET", ["objects", object, id]) => self
                .record(inside, object, id)
                .and_then(|(object, r)| Ok(self.shown(inside, object, &r)?)),
            ("PUT", ["objects", object, id]) => {
                parse(body).and_then(|b| self.edit_record(inside, object, id, &b))
            }
            ("DELETE", ["objects", object, id]) => self.drop_record(inside, object, id),
            ("GET", ["quirks"]) => Ok(json!(inside.quirks.all())),
            ("POST", ["quirks"]) => parse::<BTreeMap<String, String>>(body).and_then(|all| {
                for (name, value) in &all {
                    inside
                        .quirks
                        .set(name, value)
                        .map_err(|why| Fault::Wrong(vec![why]))?;
                }
                Ok(json!(inside.quirks.all()))
            }),
            ("GET", ["faults"]) => Ok(json!({"faults": inside.faults.rules()})),
            ("POST", ["faults"]) => parse::<NewFaults>(body).map(|new| {
                inside.faults = Faults::new(new.faults, new.seed);
                json!({"faults": inside.faults.rules()})
            }),
            _ => Err(Fault::Missing(format!("{method} /_admin{path}"))),
        };
        match done {
            Ok(value) => Reply::json(200, &value),
            Err(Fault::Wrong(reasons)) => Reply::json(400, &json!({"errors": reasons})),
            Err(Fault::Missing(what)) => {
                Reply::json(404, &json!({"errors": [format!("there is no {what}")]}))
            }
            Err(Fault::Store(why)) => {
                tracing::error!(%why, "the sandbox cannot use its data");
                Reply::json(500, &json!({"errors": [why.to_string()]}))
            }
        }
    }

    fn named(&self, name: &str) -> Result<ObjectId, Fault> {
        self.rules
            .platform
            .object(name)
            .map(|(id, _)| id)
            .ok_or_else(|| Fault::Missing(format!("object `{name}`")))
    }

    fn record(&self, inside: &Inside, object: &str, id: &str) -> Result<(ObjectId, Record), Fault> {
        let object = self.named(object)?;
        let found = match as_id(&Value::String(id.to_owned())) {
            Some(id) => inside.store.get(object, id)?,
            None => None,
        };
        found
            .map(|r| (object, r))
            .ok_or_else(|| Fault::Missing(format!("record {id}")))
    }

    /// A record by field names and as the API shows it with everything included.
    fn shown(&self, inside: &Inside, object: ObjectId, record: &Record) -> rusqlite::Result<Value> {
        let def = self.rules.object(object);
        let all: render::Words<'_> = def
            .fields
            .iter()
            .filter_map(|f| f.include.as_deref())
            .collect();
        let mut fields = record.fields.clone();
        for (field, setting) in def.fields.iter().zip(&self.rules.shapes[object.ix()].set) {
            let millis = match setting {
                Setting::Created => record.created,
                Setting::Updated => record.updated,
                _ => continue,
            };
            let t = Timestamp::from_millisecond(millis).unwrap_or_default();
            fields.insert(field.name.clone(), t.to_string().into());
        }
        fields.sort_keys();
        let mut custom = record.custom.clone();
        custom.sort_keys();
        Ok(json!({
            "id": record.id,
            "deleted": record.deleted,
            "fields": fields,
            "custom": custom,
            "wire": render::record(&self.rules, &inside.store, object, record, &all)?,
        }))
    }

    fn rows_of(&self, inside: &Inside, object: &str) -> Result<Value, Fault> {
        let object = self.named(object)?;
        let rows = inside
            .store
            .all(object)?
            .iter()
            .map(|r| self.shown(inside, object, r))
            .collect::<rusqlite::Result<_>>()?;
        Ok(Value::Array(rows))
    }

    fn dump(&self, inside: &Inside, object: Option<&str>) -> Result<Value, Fault> {
        let mut out = Map::new();
        for def in &self.rules.platform.objects {
            if object.is_none_or(|o| o == def.name) {
                out.insert(def.name.clone(), self.rows_of(inside, &def.name)?);
            }
        }
        match object {
            Some(name) if out.is_empty() => Err(Fault::Missing(format!("object `{name}`"))),
            _ => Ok(Value::Object(out)),
        }
    }

    fn fields(&self, inside: &Inside, object: Option<&str>) -> Result<Value, Fault> {
        let mut rows = Vec::new();
        for (at, def) in self.rules.platform.objects.iter().enumerate() {
            if object.is_some_and(|o| o != def.name) {
                continue;
            }
            let id = ObjectId(u16::try_from(at).unwrap_or_default());
            for custom in inside.store.custom(id) {
                rows.push(field_row(&def.name, custom));
            }
        }
        Ok(json!({"fields": rows}))
    }

    /// Makes a custom field; one with the same API name and type gets the label and choices instead.
    fn add_field(&self, inside: &mut Inside, new: NewField) -> Result<Value, Fault> {
        let wrong = |why: String| Err(Fault::Wrong(vec![why]));
        let object = self.named(&new.object)?;
        let def = self.rules.object(object);
        let Some(rules) = self
            .rules
            .platform
            .custom
            .as_ref()
            .filter(|_| def.custom_at.is_some())
        else {
            return wrong(format!("{} takes no custom fields", def.title));
        };
        let Some(data_type) = Type::parse(&new.data_type) else {
            return wrong(format!("`{}` is no type", new.data_type));
        };
        let label = match (&new.label, &new.name) {
            (Some(label), _) => label.clone(),
            (None, Some(name)) => {
                words::in_title_case(name.strip_prefix(rules.prefix.as_str()).unwrap_or(name))
            }
            (None, None) => return wrong("a custom field needs a label".to_owned()),
        };
        let name = new.name.clone().unwrap_or_else(|| rules.api_name(&label));
        if name.is_empty() || !name.starts_with(&rules.prefix) {
            return wrong(format!("an API name begins with `{}`", rules.prefix));
        }
        let there = inside.store.custom(object).iter().find(|c| c.name == name);
        match there {
            Some(old) if old.data_type != data_type => {
                return wrong(format!(
                    "{name} is there and of type {}",
                    old.data_type.name()
                ));
            }
            Some(_) => {}
            None => {
                let count = new.choices.len();
                if let Some(why) = describe::too_many(self, inside, object, data_type, count) {
                    return wrong(why);
                }
            }
        }
        let mut field = CustomField {
            id: 0,
            name,
            label,
            data_type,
            choices: new.choices,
        };
        field.id = inside.store.put_custom(object, &field)?;
        Ok(field_row(&def.name, &field))
    }

    fn add_record(
        &self,
        inside: &mut Inside,
        object: &str,
        body: &Map<String, Value>,
    ) -> Result<Value, Fault> {
        let object = self.named(object)?;
        if let Some(why) = inside.over_tier(&self.rules, object) {
            return Err(Fault::Wrong(vec![why]));
        }
        let record = inside.create(&self.rules, object, body, self.now(), true)?;
        Ok(self.shown(inside, object, &record)?)
    }

    fn edit_record(
        &self,
        inside: &mut Inside,
        object: &str,
        id: &str,
        body: &Map<String, Value>,
    ) -> Result<Value, Fault> {
        let (object, old) = self.record(inside, object, id)?;
        let now = self.now();
        let record = inside.update(&self.rules, object, &old, body, now, true)?;
        Ok(self.shown(inside, object, &record)?)
    }

    fn drop_record(&self, inside: &mut Inside, object: &str, id: &str) -> Result<Value, Fault> {
        let (object, record) = self.record(inside, object, id)?;
        let soft = self
            .rules
            .object(object)
            .op(OpKind::Delete)
            .is_some_and(|op| op.soft);
        let now = self.now();
        inside.delete(&self.rules, object, &record, soft && !record.deleted, now)?;
        Ok(json!({"ok": true}))
    }
}

fn field_row(object: &str, custom: &CustomField) -> Value {
    json!({
        "object": object,
        "id": custom.id,
        "name": custom.name,
        "label": custom.label,
        "type": custom.data_type.name(),
        "choices": custom.choices,
    })
}

fn parse<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(body).map_err(|why| Fault::Wrong(vec![why.to_string()]))
}
