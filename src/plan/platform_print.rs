//! Hashes of objects and fields of a platform: how they look on the wire, without places, reasons and
//! positions.

use super::canon::{Canon, Fingerprint};
use crate::{
    diag::{FileId, Span},
    ident::{FieldId, ObjectId},
    platform::{Connect, Field, Object, Platform},
};

/// The hashes of one platform.
pub(super) struct PlatformPrints {
    names: Vec<String>,
    fields: Vec<Vec<(String, Fingerprint)>>,
    objects: Vec<Fingerprint>,
    nothing: Fingerprint,
}

impl PlatformPrints {
    pub fn of(platform: &Platform) -> PlatformPrints {
        let names: Vec<String> = platform.objects.iter().map(|o| o.name.clone()).collect();
        let mut connect = Canon::new("connect");
        match &platform.connect {
            Connect::Files(files) => connect.debug(files),
            Connect::Http(http) => connect.debug(http),
        };
        let connect = connect.debug(&platform.custom).finish();
        PlatformPrints {
            fields: platform
                .objects
                .iter()
                .map(|o| {
                    o.fields
                        .iter()
                        .map(|f| (f.name.clone(), field(platform, o, f)))
                        .collect()
                })
                .collect(),
            objects: platform
                .objects
                .iter()
                .map(|o| object(platform, o, connect))
                .collect(),
            names,
            nothing: Canon::new("nothing").finish(),
        }
    }

    pub fn object_name(&self, object: ObjectId) -> &str {
        self.names.get(object.ix()).map_or("", String::as_str)
    }

    pub fn field(&self, object: ObjectId, field: FieldId) -> Fingerprint {
        self.fields
            .get(object.ix())
            .and_then(|f| f.get(field.ix()))
            .map_or(self.nothing, |(_, print)| *print)
    }

    /// Names and hashes of an object's fields, by name.
    pub fn fields_of(&self, object: ObjectId) -> Vec<(&str, Fingerprint)> {
        let mut all: Vec<(&str, Fingerprint)> = self
            .fields
            .get(object.ix())
            .into_iter()
            .flatten()
            .map(|(name, print)| (name.as_str(), *print))
            .collect();
        all.sort_unstable();
        all
    }

    pub fn objects(&self) -> impl Iterator<Item = Fingerprint> + '_ {
        self.objects.iter().copied()
    }
}

fn object_name(platform: &Platform, id: ObjectId) -> &str {
    platform
        .objects
        .get(id.ix())
        .map_or("", |o| o.name.as_str())
}

fn field_name(object: &Object, id: FieldId) -> &str {
    object.fields.get(id.ix()).map_or("", |f| f.name.as_str())
}

fn field(platform: &Platform, object: &Object, field: &Field) -> Fingerprint {
    let mut canon = Canon::new("platform field");
    canon.text(&object.name);
    if let Some(reference) = &field.reference {
        for id in &reference.to {
            canon.text(object_name(platform, *id));
        }
        for (id, word) in &reference.kinds {
            canon.text(object_name(platform, *id)).text(word);
        }
        canon
            .debug(&reference.kind_path)
            .debug(&reference.item)
            .debug(&reference.item_kind)
            .flag(reference.many);
    }
    let bare = Field {
        reference: None,
        why: None,
        span: nowhere(),
        ..field.clone()
    };
    canon.debug(&bare).finish()
}

/// How records of an object are read and written. Its fields are not in it: what a mapping uses of them is in
/// the hashes of its steps.
fn object(platform: &Platform, object: &Object, connect: Fingerprint) -> Fingerprint {
    let mut canon = Canon::new("platform object");
    canon.print(connect).text(&object.name).text(&object.path);
    canon.flag(object.rows.is_some());
    if let Some(rows) = &object.rows {
        canon
            .text(&rows.file)
            .text(&rows.format)
            .debug(&rows.sheet)
            .debug(&rows.encoding)
            .debug(&rows.delimiter);
        for key in &rows.key {
            canon.text(field_name(object, *key));
        }
    }
    canon.debug(&object.create);
    for key in &object.keys {
        canon.flag(key.trim).flag(key.lower).number(key.by.len());
        for part in &key.by {
            canon.text(field_name(object, *part));
        }
    }
    if let Some(m) = &object.membership {
        canon
            .text(field_name(object, m.of))
            .text(field_name(object, m.member));
    }
    canon.set(object.ops.iter().map(|op| {
        let mut one = Canon::new("op");
        for (wire, id) in &op.keys {
            one.text(wire).text(field_name(object, *id));
        }
        one.text(op.of.map_or("", |id| field_name(object, id)));
        for (id, path) in &op.parents {
            one.text(object_name(platform, *id)).text(path);
        }
        let mut bare = op.clone();
        bare.keys = Vec::new();
        bare.of = None;
        bare.parents = Vec::new();
        one.debug(&bare).finish()
    }));
    canon.finish()
}

fn nowhere() -> Span {
    Span {
        file: FileId(0),
        start: 0,
        end: 0,
    }
}
