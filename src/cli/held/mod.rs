//! Holds with what a person needs to decide about them: the entry of the mapping, what waits behind, what could be done.

pub mod json;
pub mod judge;
pub mod propose;
pub mod read;
pub mod workbook;

use crate::{
    ident::{ObjectId, StepId},
    ledger::{Hold, ReadError, View},
    mapping::{
        Mapping, RefSource, Step,
        overrides::{self, RecordRow, ValueRow},
    },
    report::holds::SheetRow,
};
use std::collections::{HashMap, HashSet};

/// Which holds are meant.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only this step.
    pub step: Option<String>,
    /// Only this reason.
    pub code: Option<String>,
    /// Only this record.
    pub key: Option<String>,
}

impl Filter {
    /// True when nothing is left out.
    pub fn is_empty(&self) -> bool {
        self.step.is_none() && self.code.is_none() && self.key.is_none()
    }

    /// True when a hold is meant.
    pub fn takes(&self, hold: &Hold) -> bool {
        let is = |wanted: &Option<String>, has: &str| wanted.as_ref().is_none_or(|w| w == has);
        is(&self.step, &hold.step) && is(&self.code, &hold.code) && is(&self.key, &hold.key)
    }
}

/// A hold, placed in the mapping.
#[derive(Clone, Debug)]
pub struct Held {
    /// The hold.
    pub hold: Hold,
    /// Its step; `None` when the mapping has none of that name any more.
    pub step: Option<StepId>,
    /// The position in `Step::fields` of the entry it is about.
    pub entry: Option<usize>,
    /// Records that wait for it, directly or behind others.
    pub behind: u64,
    /// Further fields of the record that have a fault of their own, with the words.
    pub further: Vec<(String, String)>,
}

impl Held {
    /// The step in the mapping.
    pub fn step_of<'m>(&self, mapping: &'m Mapping) -> Option<&'m Step> {
        mapping.steps.get(self.step?.ix())
    }

    /// What was decided about the record alone.
    pub fn rows<'m>(&self, mapping: &'m Mapping) -> &'m [RecordRow] {
        self.step
            .and_then(|id| mapping.overrides.of(id, &self.hold.key))
            .map(|o| o.rows.as_slice())
            .unwrap_or_default()
    }

    /// The row of a value map that was decided for the value it is held with.
    pub fn mapped<'m>(&self, mapping: &'m Mapping) -> Option<&'m ValueRow> {
        let step = self.step_of(mapping)?;
        let map = overrides::map_of(step, step.fields.get(self.entry?)?)?;
        let map = mapping.value_maps.get(map)?;
        mapping.overrides.mapped(map, self.hold.value.as_deref()?)
    }

    /// Everything that was decided about it, in words: `set owner`, `map lifecycle`.
    pub fn decided(&self, mapping: &Mapping) -> Vec<String> {
        let word = |word: &str, field: &str| format!("{word} {field}").trim_end().to_owned();
        let field = self.hold.field.as_deref().unwrap_or("");
        let mapped = self.mapped(mapping).map(|_| word("map", field));
        let rows = self.rows(mapping).iter();
        rows.map(|r| word(r.decision.word(), &r.field))
            .chain(mapped)
            .collect()
    }

    /// Names this row of a sheet: which ledger, which record and field, and the reason as it was then.
    pub fn id(&self, lineage: &str, field: &str) -> String {
        let mut hasher = blake3::Hasher::new();
        let hold = &self.hold;
        let value = hold.value.as_deref().unwrap_or("");
        let part = hold.part.to_string();
        for text in [&hold.step, &hold.key, &part, &hold.code, field, value] {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        let of = hasher.finalize().to_hex();
        format!("{}-{}", sheet_of(lineage), of.get(..12).unwrap_or(""))
    }
}

/// What the rows of one ledger's sheets begin with. A letter first: no spreadsheet takes it for a number.
pub fn sheet_of(lineage: &str) -> String {
    let hash = blake3::hash(lineage.as_bytes()).to_hex();
    format!("h{}", hash.get(..8).unwrap_or(""))
}

/// All holds of a ledger, in the order of step and key.
///
/// # Errors
/// When the ledger cannot be read.
pub fn gather(view: &View, mapping: &Mapping) -> Result<Vec<Held>, ReadError> {
    let mut all = Vec::new();
    view.each_hold(None, |hold| {
        let found = (0u16..)
            .map(StepId)
            .zip(&mapping.steps)
            .find(|(_, s)| s.name == hold.step);
        let entry = found.and_then(|(_, step)| {
            overrides::entry(mapping, step, hold.field.as_deref().unwrap_or(""))
        });
        let further = match (found, entry) {
            (Some((_, step)), Some(_)) => further(mapping, step, &hold),
            _ => Vec::new(),
        };
        all.push(Held {
            step: found.map(|(id, _)| id),
            entry,
            behind: 0,
            further,
            hold,
        });
    })?;
    let waiting = Waiting::new(mapping, &all);
    for at in 0..all.len() {
        let behind = waiting.behind(mapping, &all, at);
        if let Some(held) = all.get_mut(at) {
            held.behind = behind;
        }
    }
    Ok(all)
}

/// Fields that the words of a hold name behind the first.
fn further(mapping: &Mapping, step: &Step, hold: &Hold) -> Vec<(String, String)> {
    let first = hold.field.as_deref().unwrap_or("");
    let mut all: Vec<(String, String)> = Vec::new();
    for part in hold.words.split("; ").skip(1) {
        let Some((name, _)) = part.split_once(' ') else {
            continue;
        };
        let is_known = name == first || all.iter().any(|(n, _)| n == name);
        if !is_known && overrides::entry(mapping, step, name).is_some() {
            all.push((name.to_owned(), part.to_owned()));
        }
    }
    all
}

/// Which holds wait for which record.
pub struct Waiting {
    /// By source object and key in lower case: positions among the holds.
    by_parent: HashMap<(ObjectId, String), Vec<usize>>,
}

impl Waiting {
    /// Reads the references of holds that wait for others.
    pub fn new(mapping: &Mapping, all: &[Held]) -> Waiting {
        let mut by_parent: HashMap<(ObjectId, String), Vec<usize>> = HashMap::new();
        for (at, held) in all.iter().enumerate() {
            let entry = held
                .step_of(mapping)
                .and_then(|s| s.fields.get(held.entry?));
            if held.hold.code != "parent_held" {
                continue;
            }
            let (Some(entry), Some(value)) = (entry, &held.hold.value) else {
                continue;
            };
            for object in entry.reference.iter().flat_map(objects) {
                let key = (object, value.to_lowercase());
                by_parent.entry(key).or_default().push(at);
            }
        }
        Waiting { by_parent }
    }

    /// The holds that wait for one, directly or behind others, by position.
    pub fn of(&self, mapping: &Mapping, all: &[Held], at: usize) -> HashSet<usize> {
        let mut seen = HashSet::new();
        let mut next = vec![at];
        while let Some(at) = next.pop() {
            let Some(held) = all.get(at) else { continue };
            let Some(step) = held.step_of(mapping) else {
                continue;
            };
            let key = (step.from, held.hold.key.to_lowercase());
            for waits in self.by_parent.get(&key).into_iter().flatten() {
                if *waits != at && seen.insert(*waits) {
                    next.push(*waits);
                }
            }
        }
        seen.remove(&at);
        seen
    }

    fn behind(&self, mapping: &Mapping, all: &[Held], at: usize) -> u64 {
        self.of(mapping, all, at).len() as u64
    }
}

/// The source objects that a reference names.
fn objects(reference: &RefSource) -> Vec<ObjectId> {
    match reference {
        RefSource::SourceKey(objects) => objects.clone(),
        RefSource::NaturalKey(_) => Vec::new(),
        RefSource::ByInput(all) => all.iter().flat_map(objects).collect(),
    }
}

/// The rows of a sheet for one hold: one, and one for each further fault of the record.
pub fn rows(mapping: &Mapping, lineage: &str, held: &Held) -> Vec<SheetRow> {
    let hold = &held.hold;
    let field = hold.field.clone().unwrap_or_default();
    let decided = held.rows(mapping);
    let of_map = held.mapped(mapping).map(|row| ("map", &row.decided.by));
    let proposal = |name: &str, words: String| {
        let made = decided
            .iter()
            .find(|d| d.field == name || d.decision == overrides::Decision::Drop)
            .map(|d| (d.decision.word(), &d.decided.by));
        match made.or(of_map.filter(|_| name == field)) {
            Some((word, by)) => {
                format!("decided: {word} by {by}; `transload holds retry` applies it")
            }
            None => words,
        }
    };
    let mut all = vec![SheetRow {
        step: hold.step.clone(),
        key: hold.key.clone(),
        line: hold.line,
        code: hold.code.clone(),
        value: hold.value.clone().unwrap_or_default(),
        reason: hold.words.clone(),
        proposal: proposal(&field, propose::proposal(mapping, held).words()),
        behind: held.behind,
        id: held.id(lineage, &field),
        field: field.clone(),
        ..SheetRow::default()
    }];
    for (field, words) in &held.further {
        all.push(SheetRow {
            step: hold.step.clone(),
            key: hold.key.clone(),
            line: hold.line,
            code: hold.code.clone(),
            field: field.clone(),
            reason: words.clone(),
            proposal: proposal(field, propose::further(mapping, held, field).words()),
            behind: held.behind,
            id: held.id(lineage, field),
            ..SheetRow::default()
        });
    }
    all
}
