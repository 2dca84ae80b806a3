//! Three-way: what was written last (the ledger's hashes), what is wanted now, what is there. Only what changed at
//! the source is sent; what people changed at the destination since is a conflict where the source changed it, too.
//!
//! Both sides at the same value are no conflict. Lists are merged item by item: what was added or removed at
//! either side is.

use super::base::{stamp, value_hash};
use crate::{
    ledger::{
        Written, WrittenField,
        written::{item_hash, name_hash},
    },
    mapping::{Conflict, FieldMap, Policy, RecordOverride, Step},
    platform::{
        Field, Object,
        wire::{FieldReader, WireValue, text_of},
    },
    run::compare::same,
    value::Value,
};
use serde_json::{Map, Value as Json};

/// A field that changed at both sides, with its values masked: they are personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// The destination field.
    pub field: String,
    /// What the policy made of it.
    pub policy: Conflict,
    /// What the source has now, masked.
    pub ours: String,
    /// What the destination has, masked.
    pub theirs: String,
    /// Both values in short: a decision about the conflict counts as long as they are the same.
    pub seen: String,
}

/// What to do about a record that is there.
#[derive(Clone, Debug, Default)]
pub struct Merged {
    /// The members to send; `None` when there is nothing to send.
    pub patch: Option<Json>,
    /// What changed at both sides.
    pub clashes: Vec<Clash>,
    /// Fields whose new value is sent or is there already; for the others the base stays what it was.
    settled: Vec<WrittenField>,
    /// Nobody else touched the record since it was written.
    untouched: bool,
}

/// What a merge looks at.
pub struct Sides<'a> {
    /// Readers of the object's fields.
    pub readers: &'a [FieldReader],
    /// Container of custom fields; they travel as a whole, because a destination may replace it.
    pub custom_at: Option<&'a str>,
    /// The destination object.
    pub object: &'a Object,
    /// The step.
    pub step: &'a Step,
    /// Policies where the field says nothing.
    pub policy: &'a Policy,
    /// What is wanted: a wire record.
    pub wanted: &'a Json,
    /// What was written last; `None` when this migration never wrote the record.
    pub base: Option<&'a Written>,
    /// What people decided about the record.
    pub decided: Option<&'a RecordOverride>,
}

/// What is to be done with one field.
enum Verdict {
    /// Nothing, and the base stays.
    Leave,
    /// Nothing: both sides have the value.
    Agreed,
    /// Send it.
    Send,
    /// Send these items.
    SendItems(Vec<String>),
}

impl Sides<'_> {
    /// True when some wanted value is another one than was written last. Where not, nobody needs to be asked.
    pub fn changed(&self) -> bool {
        let Some(base) = self.base else {
            return true;
        };
        self.fields().any(|(_, field, reader)| {
            let wanted = reader.read(self.wanted);
            wanted != WireValue::Absent
                && base
                    .fields
                    .get(&field.name)
                    .is_none_or(|b| b.sent != value_hash(field.data_type, &wanted))
        })
    }

    /// Decides field by field. `there`: the record at the destination; `None` where it cannot be read, so that
    /// nothing is known of other people's changes.
    pub fn merge(&self, there: Option<&Json>) -> Merged {
        let mut merged = Merged {
            untouched: self.untouched(there),
            ..Merged::default()
        };
        let mut out = Map::new();
        for (m, field, reader) in self.fields() {
            let wanted = reader.read(self.wanted);
            let is = there.map_or(WireValue::Absent, |t| reader.read(t));
            if wanted == WireValue::Absent {
                if self.base.is_none() && is != WireValue::Absent {
                    merged.settled.push(WrittenField {
                        name: name_hash(&field.name),
                        sent: 0,
                        kept: None,
                        items: Vec::new(),
                    });
                }
                continue;
            }
            match self.field(m, field, &wanted, &is, there.is_some(), &mut merged) {
                Verdict::Leave => continue,
                Verdict::Agreed => {}
                Verdict::Send => {
                    self.put(field, None, there, &mut out);
                    self.detach(field, &is, &mut out);
                }
                Verdict::SendItems(items) => {
                    let value = encoded(reader, &items);
                    self.put(field, Some((value, items)), there, &mut out);
                }
            }
            merged.settled.push(WrittenField {
                name: name_hash(&field.name),
                sent: value_hash(field.data_type, &wanted),
                kept: None,
                items: hashes(&wanted),
            });
        }
        merged.patch = (!out.is_empty()).then_some(Json::Object(out));
        merged
    }

    fn fields(&self) -> impl Iterator<Item = (&FieldMap, &Field, &FieldReader)> {
        self.step.fields.iter().filter_map(|m| {
            let at = m.to.ix();
            Some((m, self.object.fields.get(at)?, self.readers.get(at)?))
        })
    }

    /// True when the destination says that nobody changed the record since it was written.
    fn untouched(&self, there: Option<&Json>) -> bool {
        let was = self.base.and_then(|b| b.stamp.as_deref());
        let is = there.and_then(|t| stamp(self.readers, self.object, t));
        was.is_some() && was == is.as_deref()
    }

    fn field(
        &self,
        m: &FieldMap,
        field: &Field,
        wanted: &WireValue,
        is: &WireValue,
        seen: bool,
        merged: &mut Merged,
    ) -> Verdict {
        if seen && same(field.data_type, wanted, is) {
            return Verdict::Agreed;
        }
        let Some(base) = self.base else {
            // Never written by this migration: the source wins, and lists are united.
            return match (wanted, is) {
                (WireValue::Many(ours), WireValue::Many(theirs)) => {
                    items(&[], ours, theirs).map_or(Verdict::Agreed, Verdict::SendItems)
                }
                _ => Verdict::Send,
            };
        };
        let base = base.fields.get(&field.name);
        let hash = value_hash(field.data_type, wanted);
        if base.as_ref().is_some_and(|b| b.sent == hash) {
            return Verdict::Leave;
        }
        if field.data_type.is_list()
            && let WireValue::Many(theirs) = is
        {
            let was = base.map(|b| b.items).unwrap_or_default();
            let ours = match wanted {
                WireValue::Many(items) => items.as_slice(),
                _ => &[],
            };
            return items(&was, ours, theirs).map_or(Verdict::Agreed, Verdict::SendItems);
        }
        let theirs = value_hash(field.data_type, is);
        let changed_there = match &base {
            // A member that is not shown says nothing.
            _ if *is == WireValue::Absent => false,
            Some(b) => !(b.is(theirs) || b.kept.is_none() && merged.untouched),
            // A field that is new in the mapping: a value there is a person's unless nobody touched the record.
            None => !is.is_nothing() && !merged.untouched,
        };
        if !changed_there {
            return Verdict::Send;
        }
        let seen = format!("{hash:016x}{theirs:016x}");
        let decided = self.decided.and_then(|d| d.conflict(&field.name, &seen));
        let policy = decided.or(m.conflict).unwrap_or(self.policy.conflict);
        merged.clashes.push(Clash {
            field: field.name.clone(),
            policy,
            seen,
            ours: masked(&wanted.to_string()),
            theirs: masked(&is.to_string()),
        });
        match policy {
            Conflict::Overwrite => Verdict::Send,
            Conflict::Keep | Conflict::Hold => Verdict::Leave,
        }
    }

    /// Where writing a reference only adds one, takes away the one that we wrote before.
    fn detach(&self, field: &Field, is: &WireValue, out: &mut Map<String, Json>) {
        let remove = field
            .reference
            .as_ref()
            .and_then(|r| r.remove_path.as_ref());
        let ours = self.base.and_then(|b| b.fields.get(&field.name));
        if let (Some(remove), Some(ours), WireValue::Record { id, .. }) = (remove, ours, is)
            && ours.is(value_hash(field.data_type, is))
        {
            let id = id
                .parse::<u64>()
                .map_or_else(|_| Json::from(id.as_str()), Json::from);
            out.insert(remove.clone(), Json::Array(vec![id]));
        }
    }

    /// Puts the member of a field into what is sent: as wanted, or with these items.
    fn put(
        &self,
        field: &Field,
        items: Option<(Option<Json>, Vec<String>)>,
        there: Option<&Json>,
        out: &mut Map<String, Json>,
    ) {
        let container = self.custom_at.filter(|at| field.custom && !at.is_empty());
        let (ours, name, rest) = match container {
            Some(at) => (self.wanted.get(at), field.path.as_str(), ""),
            None => {
                let (top, rest) = field.path.split_once('.').unwrap_or((&field.path, ""));
                (Some(self.wanted), top, rest)
            }
        };
        let Some(wanted) = ours.and_then(|o| o.get(name)) else {
            return;
        };
        let theirs = match container {
            Some(at) => there.and_then(|t| t.get(at)),
            None => there,
        };
        let value = match items {
            Some((encoded, items)) if rest.is_empty() => match wanted {
                Json::Array(ours) => {
                    let theirs = theirs.and_then(|t| t.get(name)?.as_array());
                    Json::Array(as_sent(items, ours, theirs.map_or(&[], Vec::as_slice)))
                }
                _ => encoded.unwrap_or_else(|| wanted.clone()),
            },
            _ => wanted.clone(),
        };
        match container {
            Some(at) => {
                let all = out.entry(at.to_owned()).or_insert_with(|| {
                    let mut all = theirs.and_then(Json::as_object).cloned();
                    if let Some(all) = &mut all {
                        all.retain(|_, v| !v.is_null());
                    }
                    Json::Object(all.unwrap_or_default())
                });
                if let Json::Object(all) = all {
                    all.insert(name.to_owned(), value);
                }
            }
            // What stands beside it below the same member stays theirs.
            None if !rest.is_empty() && wanted.is_object() => {
                let all = out.entry(name.to_owned()).or_insert_with(|| {
                    let theirs = theirs.and_then(|t| t.get(name));
                    theirs.filter(|t| t.is_object()).unwrap_or(&value).clone()
                });
                graft(all, &value, rest);
            }
            None => {
                out.insert(name.to_owned(), value);
            }
        }
        // The kind of a polymorphic reference travels with it.
        if let Some(kind) = field.reference.as_ref().and_then(|r| r.kind_path.as_ref())
            && let Some(value) = self.wanted.get(kind)
        {
            out.insert(kind.clone(), value.clone());
        }
    }
}

/// Puts what stands at a dotted path into another object.
fn graft(into: &mut Json, from: &Json, path: &str) {
    let (head, rest) = path.split_once('.').unwrap_or((path, ""));
    let (Json::Object(into), Some(value)) = (into, from.get(head)) else {
        return;
    };
    match into.get_mut(head) {
        Some(inner) if !rest.is_empty() && inner.is_object() => graft(inner, value, rest),
        _ => {
            into.insert(head.to_owned(), value.clone());
        }
    }
}

/// Items in the form in which either side has them.
fn as_sent(items: Vec<String>, ours: &[Json], theirs: &[Json]) -> Vec<Json> {
    let known = |item: &String| {
        let mut all = ours.iter().chain(theirs);
        all.find(|j| text_of(j).is_some_and(|t| t == item.as_str()))
            .cloned()
    };
    items
        .into_iter()
        .map(|i| known(&i).unwrap_or(Json::String(i)))
        .collect()
}

impl Merged {
    /// Some field must be decided by a person before the record is written.
    pub fn holds(&self) -> bool {
        self.clashes.iter().any(|c| c.policy == Conflict::Hold)
    }

    /// What the ledger is to know of the record from now on: of settled fields the new value and what the destination
    /// shows (`answer`: the record after the write, or as it is), of all others what it knew. `wrote`: something was
    /// sent.
    pub fn written(&self, sides: &Sides<'_>, answer: Option<&Json>, wrote: bool) -> Written {
        let mut all = Written::default();
        if let Some(base) = sides.base {
            for field in base.fields.iter() {
                if !self.settled.iter().any(|s| s.name == field.name) {
                    all.fields.add(&field);
                }
            }
        }
        for field in &self.settled {
            let shown = sides
                .fields()
                .find(|(_, f, _)| name_hash(&f.name) == field.name)
                .and_then(|(_, f, reader)| match reader.read(answer?) {
                    WireValue::Absent => None,
                    value => Some(value_hash(f.data_type, &value)),
                });
            all.fields.add(&WrittenField {
                kept: shown,
                ..field.clone()
            });
        }
        all.stamp = match sides.base {
            Some(base) if !wrote => base.stamp.clone(),
            // Where somebody touched the record, its own time never again proves that nobody did.
            Some(_) if !self.untouched => None,
            _ => answer.and_then(|a| stamp(sides.readers, sides.object, a)),
        };
        all
    }
}

fn hashes(value: &WireValue) -> Vec<u32> {
    match value {
        WireValue::Many(items) => items.iter().map(|i| item_hash(i)).collect(),
        _ => Vec::new(),
    }
}

/// Their items without those that we removed, with those that we added; `None` when that is what they have.
fn items(was: &[u32], ours: &[String], theirs: &[String]) -> Option<Vec<String>> {
    let had = |item: &String| was.contains(&item_hash(item));
    let mut merged: Vec<String> = theirs
        .iter()
        .filter(|i| !had(i) || ours.contains(i))
        .cloned()
        .collect();
    let kept = merged.len();
    for item in ours {
        if !had(item) && !merged.contains(item) {
            merged.push(item.clone());
        }
    }
    (kept < theirs.len() || merged.len() > kept).then_some(merged)
}

/// A list as the destination takes it.
fn encoded(reader: &FieldReader, items: &[String]) -> Option<Json> {
    let values: Vec<Value<'_>> = items.iter().map(|i| Value::Text(i)).collect();
    let mut out = Vec::new();
    match values.is_empty() {
        true => reader.encoder().write_clear(&mut out),
        false => reader.encoder().write_json(&Value::List(&values), &mut out),
    }
    serde_json::from_slice(&out).ok()
}

/// A value of which only its ends show: enough to recognise it beside the record, too little to know it.
pub fn masked(text: &str) -> String {
    let count = text.chars().count();
    let shown = text.chars().take(40).enumerate().map(|(i, c)| {
        let end = i == 0 || i + 1 == count;
        match c {
            _ if count > 4 && end => c,
            _ => '*',
        }
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn lists_merge_what_either_side_did() {
        for (was, ours, theirs, expected) in [
            ("a b", "a b c", "a b", Some("a b c")),
            ("a b", "a", "a b", Some("a")),
            ("a b", "a", "a b x", Some("a x")),
            ("a b", "a b c", "a", Some("a c")),
            // Removed by people, kept by us: it stays away.
            ("a b", "a b", "a", None),
            ("a b", "a b c", "a b c", None),
            ("", "a", "x", Some("x a")),
            ("a", "", "a", Some("")),
        ] {
            let was: Vec<u32> = list(was).iter().map(|i| item_hash(i)).collect();
            let merged = items(&was, &list(ours), &list(theirs));
            assert_eq!(merged, expected.map(list), "{ours} into {theirs}");
        }
    }

    #[test]
    fn masks_show_the_ends_of_longer_values_only() {
        assert_eq!(masked("Springfield"), "S*********d");
        assert_eq!(masked("1234"), "****");
        assert_eq!(masked(""), "");
        assert_eq!(masked(&"x".repeat(100)).chars().count(), 40);
    }
}
