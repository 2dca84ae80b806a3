//! One streaming pass over one object: profiles, keys, pointers, owners and value tables at once.

use super::{
    profile::Profile,
    tally::{self, KEYS_MAX, Tally},
    wants::Wants,
};
use crate::{
    connector::ExtractError,
    ident::ObjectId,
    platform::{
        Object,
        lock::{KeyCount, LinkKind, Need, ReadState, SourceObject, ValueTable},
        wire::Decoder,
    },
    run::source::{Source, print_of},
    transform::ValuePass,
    value::{Page, Value},
};
use bumpalo::Bump;
use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// Owners that are kept by name.
const OWNERS_MAX: usize = 10_000;

/// What a pass over an object found.
pub(super) struct Read {
    /// The account of the object; its keys are filled in by [`Read::keys`].
    pub object: SourceObject,
    /// For each key of the object its tally.
    pub tallies: Vec<Tally>,
    /// For each relationship of the object its position among all, and where it points.
    pub pointers: Vec<(usize, Pointers)>,
    /// For each step that brings owners from this object its position among those, and the owners.
    pub owners: Vec<(usize, Vec<Owner>)>,
    /// Value tables.
    pub values: Vec<ValueTable>,
}

/// An owner as the source lists it.
pub(super) struct Owner {
    /// Its key.
    pub key: String,
    /// What it is found by.
    pub matched_by: Option<String>,
}

/// Where the records of an object point, by one relationship.
#[derive(Default)]
pub(super) struct Pointers {
    /// By the hash of all ways together.
    pub seen: HashMap<u64, Pointer, FixedState>,
    /// Records that point somewhere.
    pub records: u64,
    /// True when there were more different ones than are kept.
    pub capped: bool,
}

/// Records that point to the same thing.
pub(super) struct Pointer {
    /// For each way the hash of the key; `None` where it is blank.
    pub ways: Box<[Option<u64>]>,
    /// How many.
    pub count: u64,
    /// The line of the first.
    pub first: u64,
    /// The text, where it names an owner.
    pub text: Option<String>,
}

/// Reads an object to its end. What cannot be read is said in the account and is no error.
pub(super) fn read(
    source: &Source,
    id: ObjectId,
    object: &Object,
    wants: &Wants,
    zone: Option<&str>,
    values: Option<ValuePass>,
) -> Read {
    let mut out = Read {
        object: SourceObject {
            object: object.name.clone(),
            file: source.file(id),
            bytes: source.size(id),
            print: source.path(id).and_then(|path| print_of(&path)),
            state: ReadState::Read,
            why: None,
            records: 0,
            bad_rows: 0,
            fields: Vec::new(),
            keys: Vec::new(),
        },
        tallies: Vec::new(),
        pointers: Vec::new(),
        owners: Vec::new(),
        values: Vec::new(),
    };
    let mut pass = Scan::new(id, object, wants, zone, values);
    if !source.offers(id) {
        out.object.state = ReadState::LeftOut;
        pass.found = vec![false; object.fields.len()];
    } else if let Err(error) = pass.all(source, &mut out.object) {
        out.object.state = match error {
            ExtractError::Missing { .. } => ReadState::Missing,
            _ => ReadState::Unreadable,
        };
        out.object.why = Some(why(&error));
        // Half a file proves nothing.
        pass = Scan::new(id, object, wants, zone, None);
        pass.found = vec![false; object.fields.len()];
        out.object.records = 0;
        out.object.bad_rows = 0;
    }
    pass.finish(&mut out);
    out
}

/// The cause without the machine's own folders in it.
fn why(error: &ExtractError) -> String {
    match error {
        ExtractError::Missing { .. } => "the file is not there".to_owned(),
        ExtractError::Io { source, .. } => source.to_string(),
        ExtractError::Shape { why, .. } => why.clone(),
        ExtractError::Stop(stop) => stop.to_string(),
    }
}

struct Scan<'w> {
    id: ObjectId,
    declared: &'w Object,
    wants: &'w Wants,
    decoders: Vec<Decoder>,
    found: Vec<bool>,
    unknown: Vec<String>,
    profiles: Vec<Profile>,
    tallies: Vec<Tally>,
    pointers: Vec<(usize, Pointers)>,
    owners: Vec<(usize, Vec<Owner>)>,
    values: Option<ValuePass>,
}

impl<'w> Scan<'w> {
    fn new(
        id: ObjectId,
        object: &'w Object,
        wants: &'w Wants,
        zone: Option<&str>,
        values: Option<ValuePass>,
    ) -> Scan<'w> {
        let at = id.ix();
        let choices = wants.choices.get(at);
        let is_choice = |f: usize| choices.is_some_and(|c| c.iter().any(|id| id.ix() == f));
        Scan {
            id,
            declared: object,
            wants,
            decoders: object
                .fields
                .iter()
                .map(|f| Decoder::new(f, zone))
                .collect(),
            found: vec![true; object.fields.len()],
            unknown: Vec::new(),
            profiles: (0..object.fields.len())
                .map(|f| Profile::new(is_choice(f)))
                .collect(),
            tallies: wants
                .keys
                .get(at)
                .into_iter()
                .flatten()
                .map(|_| Tally::new())
                .collect(),
            pointers: wants
                .links
                .iter()
                .enumerate()
                .filter(|(_, link)| link.object == id)
                .map(|(n, _)| (n, Pointers::default()))
                .collect(),
            owners: wants
                .owners
                .iter()
                .enumerate()
                .filter(|(_, owner)| owner.object == id)
                .map(|(n, _)| (n, Vec::new()))
                .collect(),
            values,
        }
    }

    fn all(&mut self, source: &Source, object: &mut SourceObject) -> Result<(), ExtractError> {
        let (mut rows, unknown) = source.open_wide(self.id)?;
        for at in rows.missing_columns() {
            if let Some(found) = self.found.get_mut(at) {
                *found = false;
            }
        }
        self.profiles
            .extend(unknown.iter().map(|_| Profile::new(false)));
        self.unknown = unknown;
        let mut arena = Bump::new();
        while let Some(page) = rows.next_page()? {
            object.records += page.rows() as u64;
            object.bad_rows += page.faults.len() as u64;
            self.page(&page, &arena);
            if let Some(values) = &mut self.values {
                values.feed(&page, &arena);
            }
            arena.reset();
            rows.recycle(page);
        }
        Ok(())
    }

    fn page(&mut self, page: &Page, arena: &Bump) {
        let mut cells: Vec<Value<'_>> = Vec::with_capacity(self.profiles.len());
        for row in 0..page.rows() {
            let line = page.lines.get(row).copied().unwrap_or(0);
            cells.clear();
            for (column, profile) in self.profiles.iter_mut().enumerate() {
                let (kind, text) = page.cell(row, column);
                let value = match self.decoders.get(column) {
                    Some(decoder) => decoder.decode(kind, text, arena),
                    None => Value::Absent,
                };
                profile.take(kind, text, &value);
                cells.push(value);
            }
            self.keys(&cells, line);
            self.point(&cells, line);
            self.own(&cells);
        }
    }

    fn keys(&mut self, cells: &[Value<'_>], line: u64) {
        let keys = self.wants.keys.get(self.id.ix()).into_iter().flatten();
        for (want, tally) in keys.zip(&mut self.tallies) {
            match key(cells, &want.fields, want.lower) {
                Some(hash) => tally.add(hash, line),
                None => tally.blank += 1,
            }
        }
    }

    fn point(&mut self, cells: &[Value<'_>], line: u64) {
        for (at, pointers) in &mut self.pointers {
            let Some(want) = self.wants.links.get(*at) else {
                continue;
            };
            let lower = |w: &super::wants::Way| {
                let keys = self.wants.keys.get(w.to.ix());
                keys.and_then(|k| k.get(w.key)).is_some_and(|k| k.lower)
            };
            let ways: Box<[Option<u64>]> = want
                .ways
                .iter()
                .map(|w| key(cells, &w.own, lower(w)))
                .collect();
            if ways.iter().all(Option::is_none) {
                continue;
            }
            pointers.records += 1;
            let parts: Vec<u64> = ways.iter().map(|w| w.unwrap_or(0)).collect();
            let hash = tally::together(&parts);
            if let Some(pointer) = pointers.seen.get_mut(&hash) {
                pointer.count += 1;
                continue;
            }
            if pointers.seen.len() >= KEYS_MAX {
                pointers.capped = true;
                continue;
            }
            let text = (want.keep_text && pointers.seen.len() < OWNERS_MAX)
                .then(|| want.ways.first())
                .flatten()
                .and_then(|w| plain(cells.get(w.own.first()?.ix())?));
            let pointer = Pointer {
                ways,
                count: 1,
                first: line,
                text,
            };
            pointers.seen.insert(hash, pointer);
        }
    }

    fn own(&mut self, cells: &[Value<'_>]) {
        for (at, owners) in &mut self.owners {
            let Some(want) = self.wants.owners.get(*at) else {
                continue;
            };
            let Some(record_key) = self.wants.keys.get(self.id.ix()).and_then(|k| k.first()) else {
                continue;
            };
            let text = |field: crate::ident::FieldId| plain(cells.get(field.ix())?);
            let key = match record_key.fields.as_slice() {
                [only] => text(*only),
                _ => None,
            };
            if let Some(key) = key.filter(|_| owners.len() < OWNERS_MAX) {
                owners.push(Owner {
                    key,
                    matched_by: want.matched_by.and_then(text),
                });
            }
        }
    }

    fn finish(self, out: &mut Read) {
        let records = out.object.records;
        let needs = self.wants.needs.get(self.id.ix());
        let need = |at: usize| -> Option<Need> {
            needs?.iter().find(|(f, _)| f.ix() == at).map(|(_, n)| *n)
        };
        let mut profiles = self.profiles.into_iter();
        for (at, field) in self.declared.fields.iter().enumerate() {
            let found = self.found.get(at).copied().unwrap_or(false);
            if let Some(profile) = profiles.next() {
                let told = profile.of_field(field, found, records, need(at));
                out.object.fields.push(told);
            }
        }
        for (profile, column) in profiles.zip(&self.unknown) {
            out.object.fields.push(profile.of_column(column));
        }
        out.object.keys = key_counts(self.declared, self.id, self.wants, &self.tallies);
        out.tallies = self.tallies;
        out.pointers = self.pointers;
        out.owners = self.owners;
        out.values = self.values.map(ValuePass::finish).unwrap_or_default();
    }
}

fn key_counts(object: &Object, id: ObjectId, wants: &Wants, tallies: &[Tally]) -> Vec<KeyCount> {
    let keys = wants.keys.get(id.ix()).into_iter().flatten();
    keys.zip(tallies)
        // Keys that only others point to are no duplicates' concern.
        .filter(|(want, _)| !want.used_by.is_empty() || named_once(want, id, wants))
        .map(|(want, tally)| {
            let (clusters, records, examples) = tally.clusters();
            KeyCount {
                fields: want
                    .fields
                    .iter()
                    .filter_map(|f| Some(object.fields.get(f.ix())?.name.clone()))
                    .collect(),
                used_by: want.used_by.clone(),
                blank: tally.blank,
                clusters,
                records,
                examples,
                capped: tally.capped,
            }
        })
        .collect()
}

/// True for a key that a join looks one record up by.
fn named_once(want: &super::wants::KeyWant, id: ObjectId, wants: &Wants) -> bool {
    wants.links.iter().any(|link| {
        link.kind == LinkKind::Join
            && link.ways.iter().any(|w| {
                let keys = wants.keys.get(id.ix());
                w.to == id && keys.and_then(|k| k.get(w.key)) == Some(want)
            })
    })
}

/// The hash of a key; `None` where a part is blank.
fn key(cells: &[Value<'_>], fields: &[crate::ident::FieldId], lower: bool) -> Option<u64> {
    let one = |field: &crate::ident::FieldId| -> Option<u64> {
        match cells.get(field.ix())? {
            Value::Text(text) => Some(tally::hash(text, lower)),
            other => Some(tally::hash(&plain(other)?, lower)),
        }
    };
    match fields {
        [only] => one(only),
        many => {
            let parts: Option<Vec<u64>> = many.iter().map(one).collect();
            parts.filter(|p| !p.is_empty()).map(|p| tally::together(&p))
        }
    }
}

/// The text of one value; `None` for nothing and for lists.
fn plain(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Text(text) => Some((*text).trim().to_owned()),
        Value::Int(n) => Some(n.to_string()),
        Value::Decimal(d) => Some(d.normalize().to_string()),
        Value::Bool(b) => Some(b.to_string()),
        Value::Date(d) => Some(d.to_string()),
        Value::DateTime(t) => Some(t.to_string()),
        Value::Absent | Value::Blank | Value::List(_) | Value::Dest(_) | Value::Bad(_) => None,
    }
    .filter(|text| !text.is_empty())
}
