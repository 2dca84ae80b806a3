//! Chooses a sample: few records that show everything, then more of each kind up to the size asked for, with all the
//! records they need. The same seed gives the same sample.

use super::survey::{Feature, RowId, Survey};
use crate::{ident::ObjectId, mapping::Cover};
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A sample, chosen.
#[derive(Debug, Default)]
pub struct Selection {
    /// The records: source object and short key.
    pub keys: Vec<(ObjectId, u64)>,
    /// How many of them are there to show something (or because such a one needs them).
    pub cover: usize,
    /// The features that they show, as positions in [`Survey::features`].
    pub shown: Vec<u32>,
}

struct Chooser<'s> {
    survey: &'s Survey,
    taken: Vec<bool>,
    /// Features that must be shown and are not yet.
    open: Vec<bool>,
    /// Features that are shown.
    shown: Vec<bool>,
    chosen: Vec<RowId>,
}

/// True for what the policy wants to see. Merges, records in parts and records found there are always shown.
fn wanted(cover: Cover, feature: &Feature) -> bool {
    match feature {
        Feature::Split(..) => cover.splits,
        Feature::MapRow(..) | Feature::MapOther(_) => cover.value_maps,
        Feature::Held(..) | Feature::Dropped(_) => cover.guards,
        Feature::Field(..) => cover.types,
        Feature::Depth(..) => cover.refs,
        Feature::Merged(_) | Feature::Parts(_) | Feature::Found(_) => true,
    }
}

/// Chooses about `size` records; more where that many do not show everything that is to be covered.
pub fn select(survey: &Survey, size: usize, seed: u64, cover: Cover) -> Selection {
    let mut by_signature: Vec<Vec<(u64, RowId)>> = vec![Vec::new(); survey.signatures()];
    for (at, row) in survey.rows().iter().enumerate().filter(|(_, r)| r.met) {
        let mut bytes = [0u8; 10];
        bytes[..2].copy_from_slice(&row.object.0.to_le_bytes());
        bytes[2..].copy_from_slice(&row.key.to_le_bytes());
        let rank = xxh3_64_with_seed(&bytes, seed);
        if let Some(list) = by_signature.get_mut(row.signature as usize) {
            list.push((rank, at as RowId));
        }
    }
    for list in &mut by_signature {
        list.sort_unstable();
        list.truncate(size.max(1));
    }
    let mut chooser = Chooser {
        survey,
        taken: vec![false; survey.rows().len()],
        open: survey.features().iter().map(|f| wanted(cover, f)).collect(),
        shown: vec![false; survey.features().len()],
        chosen: Vec::new(),
    };
    chooser.cover(&by_signature);
    let cover = chooser.chosen.len();
    chooser.fill(&by_signature, size);
    let shown = (0u32..)
        .zip(&chooser.shown)
        .filter(|(_, shown)| **shown)
        .map(|(id, _)| id)
        .collect();
    let mut keys: Vec<(ObjectId, u64)> = chooser
        .chosen
        .iter()
        .filter_map(|at| survey.rows().get(*at as usize))
        .map(|row| (row.object, row.key))
        .collect();
    keys.sort_unstable();
    Selection { keys, cover, shown }
}

impl Chooser<'_> {
    /// Takes a record with all it needs.
    fn take(&mut self, row: RowId) {
        let mut stack = vec![row];
        while let Some(at) = stack.pop() {
            let Some(taken) = self.taken.get_mut(at as usize).filter(|t| !**t) else {
                continue;
            };
            *taken = true;
            let Some(row) = self.survey.rows().get(at as usize).filter(|r| r.met) else {
                continue;
            };
            self.chosen.push(at);
            for feature in self.survey.list(row.signature) {
                if let Some(open) = self.open.get_mut(*feature as usize) {
                    *open = false;
                }
                if let Some(shown) = self.shown.get_mut(*feature as usize) {
                    *shown = true;
                }
            }
            stack.extend(self.survey.needs(at));
        }
    }

    fn opens(&self, signature: usize) -> usize {
        self.survey
            .list(signature as u32)
            .iter()
            .filter(|f| self.open.get(**f as usize).copied().unwrap_or(false))
            .count()
    }

    /// Greedy: the list of features that shows most of what is not shown yet, until all is.
    fn cover(&mut self, by_signature: &[Vec<(u64, RowId)>]) {
        loop {
            let best = by_signature
                .iter()
                .enumerate()
                .filter_map(|(signature, rows)| {
                    let (rank, row) = rows.first()?;
                    let opens = self.opens(signature);
                    (opens > 0).then_some((opens, std::cmp::Reverse(*rank), *row))
                })
                .max();
            match best {
                Some((.., row)) => self.take(row),
                None => return,
            }
        }
    }

    /// One more of each object in turn; within an object one more of each list of features, round after round.
    fn fill(&mut self, by_signature: &[Vec<(u64, RowId)>], size: usize) {
        let mut by_object: BTreeMap<ObjectId, Vec<(usize, u64, RowId)>> = BTreeMap::new();
        for rows in by_signature {
            for (round, (rank, row)) in rows.iter().enumerate() {
                if let Some(found) = self.survey.rows().get(*row as usize) {
                    let list = by_object.entry(found.object).or_default();
                    list.push((round, *rank, *row));
                }
            }
        }
        let mut queues: Vec<_> = by_object
            .into_values()
            .map(|mut list| {
                list.sort_unstable();
                list.into_iter().map(|(.., row)| row)
            })
            .collect();
        loop {
            let mut any = false;
            for queue in &mut queues {
                if self.chosen.len() >= size {
                    return;
                }
                let next = queue.find(|row| self.taken.get(*row as usize) == Some(&false));
                if let Some(row) = next {
                    any = true;
                    self.take(row);
                }
            }
            if !any {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ident::StepId;

    /// A thousand records of which one in a hundred shows something rare, and each needs its parent.
    fn survey() -> Survey {
        let (people, firms) = (ObjectId(0), ObjectId(1));
        let mut survey = Survey::default();
        for key in 0..50u64 {
            survey.note(firms, key, [Feature::Field(StepId(1), 0)], []);
        }
        for key in 0..1000u64 {
            let mut shows = vec![Feature::Field(StepId(0), 0)];
            if key % 100 == 7 {
                shows.push(Feature::MapRow(0, (key / 100) as usize));
            }
            survey.note(people, key, shows, [(firms, key % 50)]);
        }
        survey.finish();
        survey
    }

    #[test]
    fn a_sample_shows_everything_and_has_what_it_needs() {
        let survey = survey();
        let small = select(&survey, 1, 7, Cover::default());
        assert_eq!(small.shown.len(), survey.features().len());
        assert!(small.keys.len() < 40, "{}", small.keys.len());
        let large = select(&survey, 300, 7, Cover::default());
        assert!((300..=301).contains(&large.keys.len()));
        for (object, key) in &large.keys {
            if *object == ObjectId(0) {
                assert!(large.keys.contains(&(ObjectId(1), key % 50)));
            }
        }
    }

    #[test]
    fn only_what_is_to_be_covered_costs_records() {
        let survey = survey();
        let maps = |selection: &Selection| {
            let all = survey.features();
            let shown = selection.shown.iter().map(|at| &all[*at as usize]);
            shown.filter(|f| matches!(f, Feature::MapRow(..))).count()
        };
        let all = select(&survey, 1, 7, Cover::default());
        assert_eq!(maps(&all), 10);
        let few = Cover {
            value_maps: false,
            ..Cover::default()
        };
        let few = select(&survey, 1, 7, few);
        assert!(few.cover < all.cover && few.keys.len() < all.keys.len());
        // What is shown all the same is told.
        assert_eq!(maps(&select(&survey, 5000, 7, Cover::default())), 10);
        assert!(maps(&few) < 10, "{}", maps(&few));
    }

    #[test]
    fn the_seed_decides() {
        let survey = survey();
        let keys = |seed| select(&survey, 100, seed, Cover::default()).keys;
        assert_eq!(keys(7), keys(7));
        assert_ne!(keys(7), keys(8));
    }

    #[test]
    fn all_records_are_taken_where_there_are_few() {
        assert_eq!(
            select(&survey(), 5000, 7, Cover::default()).keys.len(),
            1050
        );
    }
}
