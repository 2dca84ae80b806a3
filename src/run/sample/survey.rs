//! What the records of an export would show: rows of splits and value maps, holds, fields, depths of references; and
//! which records they need. What a sample is chosen from.
//!
//! Records are known by short keys and share their lists of features, so that millions fit.

use crate::ident::{ObjectId, StepId};
use std::collections::{BTreeMap, HashMap};

/// Something that a record shows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// It takes this row of its object's split.
    Split(ObjectId, usize),
    /// A value of it takes this row of a value map.
    MapRow(usize, usize),
    /// A value of it has no row in this value map.
    MapOther(usize),
    /// The step holds it under this code, for this destination field (empty: the record).
    Held(StepId, String, String),
    /// The step leaves it out, though the split does not.
    Dropped(StepId),
    /// It goes into another record.
    Merged(StepId),
    /// It becomes several records.
    Parts(StepId),
    /// It is at the destination before.
    Found(StepId),
    /// A destination field gets a value: position in the step's fields.
    Field(StepId, usize),
    /// It refers, through others, this deep.
    Depth(ObjectId, u32),
}

/// Depths beyond this are not told apart: a chain of a thousand would make a sample of a thousand.
const DEPTH_MAX: u32 = 8;

/// A record, by its position.
pub type RowId = u32;

/// What is known about one record.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The source object.
    pub object: ObjectId,
    /// Its key in short.
    pub key: u64,
    /// Its list of features.
    pub signature: u32,
    /// False for records that others name and the export does not have.
    pub met: bool,
}

/// Lists of features, each kept once.
#[derive(Debug)]
struct Signatures {
    lists: Vec<Box<[u32]>>,
    known: HashMap<Box<[u32]>, u32>,
}

impl Default for Signatures {
    fn default() -> Signatures {
        Signatures {
            lists: vec![Box::default()],
            known: HashMap::from([(Box::default(), 0)]),
        }
    }
}

impl Signatures {
    fn with(&mut self, signature: u32, more: &[u32]) -> u32 {
        let Some(list) = self.lists.get(signature as usize) else {
            return signature;
        };
        if more.iter().all(|f| list.binary_search(f).is_ok()) {
            return signature;
        }
        let mut list = list.to_vec();
        list.extend(more);
        list.sort_unstable();
        list.dedup();
        let list: Box<[u32]> = list.into();
        if let Some(known) = self.known.get(&list) {
            return *known;
        }
        let id = self.lists.len() as u32;
        self.lists.push(list.clone());
        self.known.insert(list, id);
        id
    }
}

/// The features and needs of all records.
#[derive(Debug, Default)]
pub struct Survey {
    features: Vec<Feature>,
    known: HashMap<Feature, u32>,
    signatures: Signatures,
    rows: Vec<Row>,
    by_key: HashMap<(ObjectId, u64), RowId>,
    edges: Vec<(RowId, RowId)>,
    /// Where the edges of each row begin, once they are sorted.
    begins: Vec<u32>,
}

impl Survey {
    fn feature(&mut self, feature: Feature) -> u32 {
        if let Some(id) = self.known.get(&feature) {
            return *id;
        }
        let id = self.features.len() as u32;
        self.features.push(feature.clone());
        self.known.insert(feature, id);
        id
    }

    fn row(&mut self, object: ObjectId, key: u64) -> RowId {
        let next = self.rows.len() as u32;
        let id = *self.by_key.entry((object, key)).or_insert(next);
        if id == next {
            self.rows.push(Row {
                object,
                key,
                signature: 0,
                met: false,
            });
        }
        id
    }

    /// Notes what a record shows and which records it needs.
    pub fn note(
        &mut self,
        object: ObjectId,
        key: u64,
        features: impl IntoIterator<Item = Feature>,
        needs: impl IntoIterator<Item = (ObjectId, u64)>,
    ) {
        let ids: Vec<u32> = features.into_iter().map(|f| self.feature(f)).collect();
        let at = self.row(object, key);
        for (object, key) in needs {
            let needed = self.row(object, key);
            if needed != at {
                self.edges.push((at, needed));
            }
        }
        if let Some(row) = self.rows.get_mut(at as usize) {
            row.met = true;
            row.signature = self.signatures.with(row.signature, &ids);
        }
    }

    /// Notes that one record is to be shown with another.
    pub fn note_need(&mut self, of: (ObjectId, u64), needed: (ObjectId, u64)) {
        let (of, needed) = (self.row(of.0, of.1), self.row(needed.0, needed.1));
        if of != needed {
            self.edges.push((of, needed));
        }
    }

    /// Ends the survey: needs are sorted, depths are known.
    pub fn finish(&mut self) {
        self.edges.sort_unstable();
        self.edges.dedup();
        let mut begins = vec![0u32; self.rows.len() + 1];
        for (from, _) in &self.edges {
            if let Some(count) = begins.get_mut(*from as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for count in &mut begins {
            sum += *count;
            *count = sum;
        }
        self.begins = begins;
        for (at, depth) in self.depths().into_iter().enumerate() {
            let Some(row) = self.rows.get(at).copied().filter(|r| r.met) else {
                continue;
            };
            let id = self.feature(Feature::Depth(row.object, depth));
            let signature = self.signatures.with(row.signature, &[id]);
            if let Some(row) = self.rows.get_mut(at) {
                row.signature = signature;
            }
        }
    }

    /// How deep each record refers. A ring counts as deep as what leads out of it.
    fn depths(&self) -> Vec<u32> {
        const UNKNOWN: u32 = u32::MAX;
        const BUSY: u32 = u32::MAX - 1;
        let mut depths = vec![UNKNOWN; self.rows.len()];
        let mut stack: Vec<(RowId, usize, u32)> = Vec::new();
        for start in 0..self.rows.len() as u32 {
            if depths.get(start as usize) != Some(&UNKNOWN) {
                continue;
            }
            stack.push((start, 0, 0));
            while let Some((row, next, deepest)) = stack.pop() {
                if let Some(depth) = depths.get_mut(row as usize) {
                    *depth = BUSY;
                }
                let Some(needed) = self.needs(row).nth(next) else {
                    if let Some(depth) = depths.get_mut(row as usize) {
                        *depth = deepest.min(DEPTH_MAX);
                    }
                    continue;
                };
                match depths.get(needed as usize).copied() {
                    Some(UNKNOWN) => {
                        stack.push((row, next, deepest));
                        stack.push((needed, 0, 0));
                    }
                    Some(BUSY) | None => stack.push((row, next + 1, deepest)),
                    Some(depth) => stack.push((row, next + 1, deepest.max(depth + 1))),
                }
            }
        }
        depths
    }

    /// The records that a record needs.
    pub fn needs(&self, row: RowId) -> impl Iterator<Item = RowId> + '_ {
        let begin = self.begins.get(row as usize).copied().unwrap_or(0) as usize;
        let end = self.begins.get(row as usize + 1).copied().unwrap_or(0) as usize;
        self.edges
            .get(begin..end)
            .unwrap_or(&[])
            .iter()
            .map(|(_, needed)| *needed)
    }

    /// All records.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The number of different lists of features.
    pub fn signatures(&self) -> usize {
        self.signatures.lists.len()
    }

    /// A list of features.
    pub fn list(&self, signature: u32) -> &[u32] {
        self.signatures
            .lists
            .get(signature as usize)
            .map_or(&[], |l| l)
    }

    /// All features, by their ids.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// Records of the export by object.
    pub fn counts(&self) -> BTreeMap<ObjectId, u64> {
        let mut all = BTreeMap::new();
        for row in self.rows.iter().filter(|r| r.met) {
            *all.entry(row.object).or_default() += 1;
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ObjectId = ObjectId(0);

    #[test]
    fn records_share_lists_of_features_and_depths_follow_needs() {
        let mut survey = Survey::default();
        let field = |n| Feature::Field(StepId(0), n);
        survey.note(A, 1, [field(0)], []);
        survey.note(A, 2, [field(0)], [(A, 1)]);
        survey.note(A, 3, [field(0)], [(A, 2), (A, 9)]);
        survey.note(A, 2, [field(1)], []);
        survey.finish();
        let depth = |at: usize| {
            let row = survey.rows()[at];
            survey
                .list(row.signature)
                .iter()
                .find_map(|f| match survey.features()[*f as usize] {
                    Feature::Depth(_, d) => Some(d),
                    _ => None,
                })
        };
        assert_eq!((depth(0), depth(1), depth(2)), (Some(0), Some(1), Some(2)));
        // Record 9 is only named.
        assert_eq!(survey.counts()[&A], 3);
        assert_eq!(survey.needs(2).count(), 2);
    }

    #[test]
    fn a_ring_of_needs_ends() {
        let mut survey = Survey::default();
        survey.note(A, 1, [], [(A, 2)]);
        survey.note(A, 2, [], [(A, 1), (A, 3)]);
        survey.note(A, 3, [], []);
        survey.finish();
        assert_eq!(survey.counts()[&A], 3);
    }
}
