//! A whole record as a JSON object, straight to bytes: members by path, compiled for one list of fields.

use super::{Encoder, json::write_text};
use crate::{
    ident::ObjectId,
    platform::{Connect, Field, Platform},
    value::{
        Value,
        glance::{self, Stamp},
    },
};

/// Writes records of one list of destination fields.
#[derive(Clone, Debug)]
pub struct RecordEncoder {
    encoders: Vec<Encoder>,
    clears: Vec<bool>,
    root: Vec<Member>,
}

/// A member of an object, or an item of an array.
#[derive(Clone, Debug)]
struct Member {
    /// Its name.
    name: String,
    /// `,"name":`, for the first one without the comma.
    key: Stamp,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// The value in that slot.
    Value(usize),
    /// The word for the object that the reference in that slot points to.
    Kind(usize, Vec<(ObjectId, Vec<u8>)>),
    /// Further members.
    Object(Vec<Member>),
    /// Items, by their position in the path.
    Array(Vec<Member>),
}

impl RecordEncoder {
    /// Compiles a list of fields with, for each, whether a blank clears it. Members stand in that order;
    /// nested ones at the first of their group.
    pub fn new<'f>(
        platform: &Platform,
        fields: impl IntoIterator<Item = (&'f Field, bool)>,
    ) -> RecordEncoder {
        let mut made = RecordEncoder {
            encoders: Vec::new(),
            clears: Vec::new(),
            root: Vec::new(),
        };
        for (slot, (field, clear)) in fields.into_iter().enumerate() {
            made.encoders.push(Encoder::new(platform, field));
            made.clears.push(clear);
            let path = segments(platform, field);
            let kind = field.reference.as_ref().and_then(|r| {
                let kinds = r.kinds.iter().map(|(object, word)| {
                    let mut json = Vec::new();
                    write_text(word, &mut json);
                    (*object, json)
                });
                Some((r.kind_path.as_deref()?, kinds.collect()))
            });
            insert(&mut made.root, &path, What::Value(slot));
            if let Some((path, kinds)) = kind {
                let path: Vec<&str> = path.split('.').collect();
                insert(&mut made.root, &path, What::Kind(slot, kinds));
            }
        }
        made
    }

    /// The encoder of a slot: a position in the list of fields.
    pub fn encoder(&self, slot: usize) -> Option<&Encoder> {
        self.encoders.get(slot)
    }

    /// Appends the record as a JSON object. `values` stand in the order of the fields; absent ones are left
    /// out, and so are blank ones unless they clear. A bad value is never written.
    pub fn append(&self, values: &[Value<'_>], out: &mut Vec<u8>) {
        out.push(b'{');
        self.members(&self.root, values, out);
        out.push(b'}');
    }

    /// Appends the members without the braces, to stand beside others. True when there were any.
    pub fn append_members(&self, values: &[Value<'_>], out: &mut Vec<u8>) -> bool {
        self.members(&self.root, values, out)
    }

    fn members(&self, members: &[Member], values: &[Value<'_>], out: &mut Vec<u8>) -> bool {
        let mut any = false;
        for member in members {
            let begin = |out: &mut Vec<u8>| match any {
                true => member.key.append(out),
                false => glance::append(member.key.text().get(1..).unwrap_or_default(), out),
            };
            if let What::Value(slot) = member.what {
                let (Some(value), Some(encoder)) = (values.get(slot), self.encoders.get(slot))
                else {
                    continue;
                };
                match value {
                    Value::Absent | Value::Bad(_) => continue,
                    Value::Blank if !self.clears[slot] => continue,
                    Value::Blank => {
                        begin(out);
                        encoder.write_clear(out);
                    }
                    value => {
                        begin(out);
                        encoder.write_json(value, out);
                    }
                }
                any = true;
                continue;
            }
            let before = out.len();
            begin(out);
            if self.member(&member.what, values, out) {
                any = true;
            } else {
                out.truncate(before);
            }
        }
        any
    }

    /// Whether a slot has something to write.
    fn is_written(&self, slot: usize, values: &[Value<'_>]) -> bool {
        match values.get(slot) {
            None | Some(Value::Absent | Value::Bad(_)) => false,
            Some(Value::Blank) => self.clears[slot],
            Some(_) => true,
        }
    }

    fn member(&self, what: &What, values: &[Value<'_>], out: &mut Vec<u8>) -> bool {
        match what {
            What::Object(members) => {
                out.push(b'{');
                let any = self.members(members, values, out);
                out.push(b'}');
                any
            }
            What::Array(items) => self.items(items, values, out),
            What::Value(slot) => {
                let written = self.is_written(*slot, values);
                match values.get(*slot) {
                    _ if !written => {}
                    Some(Value::Blank) => self.encoders[*slot].write_clear(out),
                    Some(value) => self.encoders[*slot].write_json(value, out),
                    None => {}
                }
                written
            }
            What::Kind(slot, kinds) => match values.get(*slot) {
                Some(Value::Dest(dest)) => {
                    let word = kinds.iter().find(|(object, _)| *object == dest.object);
                    if let Some((_, word)) = word {
                        out.extend_from_slice(word);
                    }
                    word.is_some()
                }
                Some(Value::Blank) if self.clears[*slot] => {
                    out.extend_from_slice(b"null");
                    true
                }
                _ => false,
            },
        }
    }

    fn items(&self, items: &[Member], values: &[Value<'_>], out: &mut Vec<u8>) -> bool {
        let mut any = false;
        out.push(b'[');
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            let start = out.len();
            if self.member(&item.what, values, out) {
                any = true;
            } else {
                // A place that later items need.
                out.truncate(start);
                out.extend_from_slice(b"null");
            }
        }
        out.push(b']');
        any
    }
}

/// The member names that lead to a field. A customer's own field is one member, whatever marks its name has;
/// so is the column of a file.
pub(super) fn segments<'p>(platform: &'p Platform, field: &'p Field) -> Vec<&'p str> {
    if matches!(platform.connect, Connect::Files(_)) {
        return vec![&field.path];
    }
    if !field.custom {
        return field.path.split('.').collect();
    }
    let at = platform.custom.as_ref().map_or("", |c| c.at.as_str());
    at.split('.')
        .filter(|s| !s.is_empty())
        .chain([field.path.as_str()])
        .collect()
}

fn insert(members: &mut Vec<Member>, path: &[&str], what: What) {
    let Some((name, rest)) = path.split_first() else {
        return;
    };
    let Some(next) = rest.first() else {
        members.push(member(name, what));
        return;
    };
    let array = next.parse::<usize>().is_ok_and(|n| n < 100);
    let at = members.iter().position(|m| {
        m.name == *name
            && match m.what {
                What::Object(_) => !array,
                What::Array(_) => array,
                _ => false,
            }
    });
    let at = at.unwrap_or_else(|| {
        let empty = if array {
            What::Array(Vec::new())
        } else {
            What::Object(Vec::new())
        };
        members.push(member(name, empty));
        members.len() - 1
    });
    match &mut members[at].what {
        What::Object(inner) => insert(inner, rest, what),
        What::Array(items) => {
            // Places before it are kept for later fields, or written as null.
            let place = next.parse().unwrap_or(0);
            while items.len() <= place {
                items.push(member("", What::Object(Vec::new())));
            }
            match (&rest[1..], &mut items[place].what) {
                ([], slot) => *slot = what,
                (deeper, What::Object(inner)) => insert(inner, deeper, what),
                _ => {}
            }
        }
        _ => {}
    }
}

fn member(name: &str, what: What) -> Member {
    let mut key = vec![b','];
    write_text(name, &mut key);
    key.push(b':');
    Member {
        name: name.to_owned(),
        key: Stamp::new(key),
        what,
    }
}
