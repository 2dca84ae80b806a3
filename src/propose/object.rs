//! Which destination objects a source object may become: by name, and by how many of the destination's needs it can fill.

use super::words::Words;
use crate::{
    ident::ObjectId,
    platform::{Object, Platform, Write},
    value::Type,
};

/// Pairs below this confidence are not proposed.
const LEAST: f64 = 0.4;

/// Objects kept for one source object.
const KEPT: usize = 4;

/// The pairs of objects of two platforms.
#[derive(Debug)]
pub struct Pairs {
    /// By source object: destination objects with their confidence, the likeliest first.
    by_source: Vec<Vec<(ObjectId, f64)>>,
}

impl Pairs {
    /// What a source object may become.
    pub fn of(&self, source: ObjectId) -> &[(ObjectId, f64)] {
        self.by_source.get(source.ix()).map_or(&[], Vec::as_slice)
    }

    /// How likely a source object becomes that destination object.
    pub fn confidence(&self, source: ObjectId, destination: ObjectId) -> f64 {
        let found = self.of(source).iter().find(|(to, _)| *to == destination);
        found.map_or(0.0, |(_, c)| *c)
    }
}

/// Pairs every source object with the destination objects it may become.
pub fn pairs(source: &Platform, destination: &Platform) -> Pairs {
    let by_source = source
        .objects
        .iter()
        .map(|from| {
            let mut list: Vec<(ObjectId, f64)> = (0u16..)
                .map(ObjectId)
                .zip(&destination.objects)
                .map(|(id, to)| (id, score(from, to)))
                .filter(|(_, s)| *s >= LEAST)
                .collect();
            list.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            list.truncate(KEPT);
            list
        })
        .collect();
    Pairs { by_source }
}

fn score(from: &Object, to: &Object) -> f64 {
    let names = |o: &Object| [Words::of(&o.name), Words::of(&o.title), Words::of(&o.path)];
    let name = names(from)
        .iter()
        .flat_map(|a| names(to).map(|b| a.near(&b)))
        .fold(0.0, f64::max);
    0.75 * name + 0.25 * fills(from, to) * name.max(0.4)
}

/// The share of the destination's writable fields for which the source has a field of a near name, the required ones twice.
fn fills(from: &Object, to: &Object) -> f64 {
    let (mut have, mut all) = (0.0, 0.0);
    for field in &to.fields {
        if field.write == Write::Never || field.data_type == Type::Id {
            continue;
        }
        let weight = if field.required { 2.0 } else { 1.0 };
        let wanted = Words::of(&field.name);
        let best = from
            .fields
            .iter()
            .map(|f| Words::of(&f.name).near(&wanted))
            .fold(0.0, f64::max);
        all += weight;
        have += weight * best;
    }
    if all == 0.0 { 0.0 } else { have / all }
}
