//! Memberships: members are added to their owner and taken out of it by their ids, and read back as the
//! members of that owner.
//!
//! To everybody else a membership looks like a record: its id is that of the owner and of the member, its
//! members are the two references.

use super::{
    member,
    payload::{Payload, quoted},
    send::{Nature, Settled},
    setup::Rest,
    write::label,
};
use crate::{
    connector::{Reply, Stop},
    ident::ObjectId,
    platform::{Membership, Object, OpKind},
};
use serde_json::{Map, Value};

impl Rest {
    /// Adds members to an owner. At most `Op::size` ids, which the caller sees to. The id in the reply is the
    /// owner's.
    ///
    /// # Errors
    /// When no further call makes sense.
    pub async fn add_members(
        &self,
        object: ObjectId,
        owner: &str,
        members: &[&str],
    ) -> Result<Reply, Stop> {
        self.members_call(object, OpKind::Create, owner, members)
            .await
    }

    /// Takes members out of an owner.
    ///
    /// # Errors
    /// When no further call makes sense.
    pub async fn remove_members(
        &self,
        object: ObjectId,
        owner: &str,
        members: &[&str],
    ) -> Result<Reply, Stop> {
        self.members_call(object, OpKind::Delete, owner, members)
            .await
    }

    async fn members_call(
        &self,
        object: ObjectId,
        kind: OpKind,
        owner: &str,
        members: &[&str],
    ) -> Result<Reply, Stop> {
        let op = self.op(object, kind)?;
        let Some(name) = &op.ids else {
            return Err(
                self.unexpected_at(&label(op), "the platform file declares no `ids` for it")
            );
        };
        let body = format!("{{{}:[{}]}}", quoted(name), ids(members));
        // Only the platform file can say that adding twice is adding once; taking out twice always is.
        let nature = match op.repeatable || kind == OpKind::Delete {
            true => Nature::Repeatable,
            false => Nature::Once,
        };
        let payload = Payload::Json(body.into_bytes());
        let call = self.call(op, &[("parent_id", owner)], payload, nature)?;
        Ok(match self.settle(&call).await? {
            Settled::Done { .. } => Reply::Done {
                id: Some(owner.to_owned()),
                created: kind == OpKind::Create,
                record: None,
            },
            Settled::Refused { status, reasons } => Reply::Refused { status, reasons },
            Settled::Gone => Reply::Gone,
            Settled::InDoubt { why } => Reply::InDoubt { why },
        })
    }

    /// Adds the one member that a wire record names.
    pub(super) async fn add_member(
        &self,
        object: ObjectId,
        form: Membership,
        record: &[u8],
    ) -> Result<Reply, Stop> {
        let def = self.object(object)?;
        let record: Value = serde_json::from_slice(record).unwrap_or_default();
        let at = |field: crate::ident::FieldId| {
            member::text_at(&record, &def.fields.get(field.ix())?.path)
        };
        let (Some(owner), Some(one)) = (at(form.of), at(form.member)) else {
            return Ok(Reply::Refused {
                status: 0,
                reasons: vec!["a membership needs its owner and its member".to_owned()],
            });
        };
        Ok(match self.add_members(object, &owner, &[&one]).await? {
            Reply::Done { created, .. } => Reply::Done {
                id: Some(Membership::id(&owner, &one)),
                created,
                record: Some(as_record(def, form, &owner, &one)),
            },
            other => other,
        })
    }

    /// Takes out the one member that the id of a membership names.
    pub(super) async fn remove_member(&self, object: ObjectId, id: &str) -> Result<Reply, Stop> {
        let Some((owner, one)) = Membership::parts(id) else {
            return Ok(Reply::Gone);
        };
        Ok(match self.remove_members(object, owner, &[one]).await? {
            Reply::Done { .. } => Reply::Done {
                id: Some(id.to_owned()),
                created: false,
                record: None,
            },
            other => other,
        })
    }
}

/// What stands for a membership: its id and its two references.
fn as_record(def: &Object, form: Membership, owner: &str, one: &str) -> Value {
    let mut record = Map::new();
    record.insert("id".to_owned(), Membership::id(owner, one).into());
    for (field, id) in [(form.of, owner), (form.member, one)] {
        if let Some(field) = def.fields.get(field.ix()) {
            record.insert(field.path.clone(), id.into());
        }
    }
    Value::Object(record)
}

/// The members of an owner as memberships. Members without an id are left out.
pub(super) fn as_records(
    def: &Object,
    form: Membership,
    owner: &str,
    rows: &[Value],
) -> Vec<Value> {
    rows.iter()
        .filter_map(|row| member::text_at(row, "id"))
        .map(|one| as_record(def, form, owner, &one))
        .collect()
}

/// Ids with commas: as numbers where they are whole numbers.
fn ids(members: &[&str]) -> String {
    let all: Vec<String> = members
        .iter()
        .map(|id| match id.parse::<u64>() {
            Ok(number) if number.to_string() == **id => (*id).to_owned(),
            _ => quoted(id),
        })
        .collect();
    all.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ident::FieldId, platform::Field, value::Type};

    #[test]
    fn ids_are_numbers_where_they_can_be() {
        assert_eq!(ids(&["12", "012", "a\"b"]), r#"12,"012","a\"b""#);
    }

    #[test]
    fn members_read_as_memberships() {
        let mut def = Object::new("list_member");
        def.fields = vec![
            Field::new("list", Type::Ref),
            Field::new("contact", Type::Ref),
        ];
        let form = Membership {
            of: FieldId(0),
            member: FieldId(1),
        };
        let rows = [serde_json::json!({"id": 12}), serde_json::json!({"no": 1})];
        assert_eq!(
            as_records(&def, form, "9", &rows),
            [serde_json::json!({"id": "9:12", "list": "9", "contact": "12"})]
        );
        assert_eq!(Membership::parts("9:12"), Some(("9", "12")));
        assert_eq!(Membership::parts("9"), None);
    }
}
