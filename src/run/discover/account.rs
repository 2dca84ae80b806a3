//! What an account holds: its fields as described, its pick-lists by name, the number of its records. Reads only.

use crate::{
    connector::{Stop, rest::Rest},
    ident::ObjectId,
    mapping::Mapping,
    platform::{
        Creation, Object, OpKind, Platform,
        lock::{AccountField, AccountInventory, AccountObject},
        wire::{FieldReader, WireValue},
    },
    run::directory::record_id,
};
use serde_json::Value as Json;
use std::collections::{BTreeSet, HashMap};

/// Looks at an account.
///
/// # Errors
/// When no further call makes sense.
pub async fn account(
    rest: &Rest,
    mapping: &Mapping,
    tier: Option<&str>,
) -> Result<AccountInventory, Stop> {
    part(rest, mapping, tier, |_| true).await
}

/// Looks at some objects of an account.
///
/// # Errors
/// When no further call makes sense.
pub async fn part(
    rest: &Rest,
    mapping: &Mapping,
    tier: Option<&str>,
    chosen: impl Fn(&Object) -> bool,
) -> Result<AccountInventory, Stop> {
    let platform = &mapping.destination;
    let mut out = AccountInventory {
        platform: platform.name.clone(),
        tier: tier.map(str::to_owned),
        objects: Vec::with_capacity(platform.objects.len()),
    };
    let mut names: HashMap<ObjectId, HashMap<String, String>> = HashMap::new();
    for (id, object) in (0u16..).map(ObjectId).zip(&platform.objects) {
        if !chosen(object) {
            continue;
        }
        let mut found = AccountObject {
            object: object.name.clone(),
            ..AccountObject::default()
        };
        if object.custom_at.is_some() {
            found.described = true;
            found.fields = rest
                .fields(id)
                .await?
                .into_iter()
                .map(|f| AccountField {
                    name: f.name,
                    label: f.label,
                    kind: f.vendor_type,
                    choices: f.choices,
                    required: f.required,
                    standard: f.standard,
                })
                .collect();
            found.fields.sort_by(|a, b| a.name.cmp(&b.name));
        }
        if is_pick_list(object) {
            let records = all(rest, id).await?;
            found.records = Some(records.len() as u64);
            let by_id = named(platform, object, &records, &names);
            let sorted: BTreeSet<&String> = by_id.iter().map(|(_, name)| name).collect();
            found.names = Some(sorted.into_iter().cloned().collect());
            names.insert(id, by_id.into_iter().collect());
        } else {
            found.records = total(rest, id, object).await?;
        }
        out.objects.push(found);
    }
    Ok(out)
}

/// True for objects whose records are choices of others: few, made by an admin, known by name.
fn is_pick_list(object: &Object) -> bool {
    let few = object.create == Creation::ByHand || object.rows_max.is_some();
    few && !object.keys.is_empty() && object.op(OpKind::List).is_some()
}

async fn all(rest: &Rest, id: ObjectId) -> Result<Vec<Json>, Stop> {
    let mut cursor = rest.list(id);
    let mut records = Vec::new();
    while let Some(page) = cursor.next().await? {
        records.extend(page.records);
    }
    Ok(records)
}

/// The number of records, where the first page of the list tells it for the whole.
async fn total(rest: &Rest, id: ObjectId, object: &Object) -> Result<Option<u64>, Stop> {
    let tells = object.op(OpKind::List).is_some_and(|op| {
        op.each.is_empty() && op.page.as_ref().is_some_and(|p| p.total.is_some())
    });
    if !tells {
        return Ok(None);
    }
    Ok(match rest.list(id).next().await? {
        Some(page) => page.total,
        None => Some(0),
    })
}

/// Names by id: the parts of the first key, a reference by the name of its record.
fn named(
    platform: &Platform,
    object: &Object,
    records: &[Json],
    others: &HashMap<ObjectId, HashMap<String, String>>,
) -> Vec<(String, String)> {
    let Some(key) = object.keys.first() else {
        return Vec::new();
    };
    let readers: Vec<FieldReader> = key
        .by
        .iter()
        .filter_map(|f| Some(FieldReader::new(platform, object.fields.get(f.ix())?)))
        .collect();
    records
        .iter()
        .filter_map(|record| {
            let parts: Vec<String> = readers
                .iter()
                .map(|reader| match reader.read(record) {
                    WireValue::Record {
                        object: Some(of),
                        id,
                    } => others
                        .get(&of)
                        .and_then(|names| names.get(&id))
                        .cloned()
                        .unwrap_or(id),
                    other => other.to_string(),
                })
                .collect();
            Some((record_id(record)?, parts.join(" / ")))
        })
        .collect()
}
