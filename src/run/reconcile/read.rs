//! Reads the destination back: lists where it has lists, the records below each parent where it has not.

use super::shelf::Shelf;
use crate::{
    connector::rest::Rest,
    event::Event,
    ident::ObjectId,
    mapping::{Mapping, RefSource},
    platform::{Creation, Object, OpKind, wire::FieldReader},
    run::{RunError, context::Emit, key::KeyRule},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};
use tokio::task::JoinSet;

/// Calls for the records below parents under way at a time; the rate budget decides how fast they go.
const SIDE_BY_SIDE: usize = 16;

/// Reads the destination of a mapping.
pub struct Reader {
    rest: Rest,
    mapping: Arc<Mapping>,
    provision: bool,
    /// Parents whose children are read, of each object; `None`: all.
    sample: Option<u64>,
    emit: Emit,
    readers: Vec<Arc<[FieldReader]>>,
    rules: HashMap<ObjectId, Vec<KeyRule>>,
}

impl Reader {
    /// A reader; nothing is read yet.
    pub fn new(
        rest: Rest,
        mapping: Arc<Mapping>,
        provision: bool,
        sample: Option<u64>,
        emit: Emit,
    ) -> Reader {
        let platform = &mapping.destination;
        let readers = platform.objects.iter().map(|o| {
            let fields = o.fields.iter();
            fields.map(|f| FieldReader::new(platform, f)).collect()
        });
        let readers = readers.collect();
        let mut rules: HashMap<ObjectId, Vec<KeyRule>> = HashMap::new();
        let mut add = |object: ObjectId, rule: KeyRule| {
            let all = rules.entry(object).or_default();
            if !all.contains(&rule) {
                all.push(rule);
            }
        };
        for step in &mapping.steps {
            for key in &step.match_keys {
                add(step.to, KeyRule::from(key));
            }
        }
        for (at, object) in platform.objects.iter().enumerate() {
            for key in &object.keys {
                if let Ok(id) = u16::try_from(at) {
                    add(ObjectId(id), KeyRule::from(key));
                }
            }
        }
        Reader {
            rest,
            mapping,
            provision,
            sample,
            emit,
            readers,
            rules,
        }
    }

    /// The readers of an object's fields.
    pub fn readers(&self, object: ObjectId) -> Arc<[FieldReader]> {
        self.readers
            .get(object.ix())
            .cloned()
            .unwrap_or_else(|| Arc::from([]))
    }

    /// The objects that the mapping writes or refers to.
    pub fn objects(&self) -> BTreeSet<ObjectId> {
        let mut all = BTreeSet::new();
        for step in &self.mapping.steps {
            all.insert(step.to);
            for field in &step.fields {
                natural(field.reference.as_ref(), &mut all);
            }
        }
        all
    }

    /// Reads the objects of the mapping.
    ///
    /// # Errors
    /// When the destination stops answering.
    pub async fn read(&self) -> Result<BTreeMap<ObjectId, Shelf>, RunError> {
        self.read_objects(&self.objects(), None).await
    }

    /// Reads these objects. `parents`: where a list is only shown below others, only below these; `None`: below all
    /// that were read.
    ///
    /// # Errors
    /// When the destination stops answering.
    pub async fn read_objects(
        &self,
        objects: &BTreeSet<ObjectId>,
        parents: Option<&HashMap<ObjectId, HashSet<String>>>,
    ) -> Result<BTreeMap<ObjectId, Shelf>, RunError> {
        let mut shelves = BTreeMap::new();
        let mut below = Vec::new();
        for id in objects.iter().copied() {
            let Some(object) = self.mapping.destination.objects.get(id.ix()) else {
                continue;
            };
            let rules = self.rules.get(&id).cloned().unwrap_or_default();
            let mut shelf = Shelf::new(self.readers(id), rules);
            if object.op(OpKind::List).is_some() {
                self.list(id, object, &mut shelf).await?;
            } else if self.provision && object.create == Creation::ByHand {
                let path = format!("/_admin/objects/{}", object.name);
                for record in self.rest.admin_records(&path).await? {
                    shelf.add(record);
                }
            } else if object.op(OpKind::Children).is_some() {
                below.push(id);
            } else {
                shelf.unread = Some("no call of its API shows it".to_owned());
            }
            shelves.insert(id, shelf);
        }
        for id in below {
            self.below(id, parents, &mut shelves).await?;
        }
        Ok(shelves)
    }

    async fn list(&self, id: ObjectId, object: &Object, shelf: &mut Shelf) -> Result<(), RunError> {
        let mut cursor = self.rest.list(id);
        while let Some(page) = cursor.next().await? {
            for record in page.records {
                shelf.add(record);
            }
            self.say(object, shelf.count());
        }
        Ok(())
    }

    /// Reads an object that is only shown below its parents.
    async fn below(
        &self,
        id: ObjectId,
        only: Option<&HashMap<ObjectId, HashSet<String>>>,
        shelves: &mut BTreeMap<ObjectId, Shelf>,
    ) -> Result<(), RunError> {
        let Some(object) = self.mapping.destination.objects.get(id.ix()) else {
            return Ok(());
        };
        let mut parents = Vec::new();
        let mut partial = false;
        for (parent, _) in object
            .op(OpKind::Children)
            .into_iter()
            .flat_map(|op| &op.parents)
        {
            if let Some(only) = only {
                let mut ids: Vec<&String> = only.get(parent).into_iter().flatten().collect();
                ids.sort_unstable();
                parents.extend(ids.into_iter().map(|id| (*parent, id.clone())));
                continue;
            }
            let Some(shelf) = shelves.get(parent) else {
                continue;
            };
            let chosen = Chosen::of(self.sample, shelf.count() as u64);
            for parent_id in shelf.ids() {
                match chosen.takes(parent_id) {
                    true => parents.push((*parent, parent_id.clone())),
                    false => partial = true,
                }
            }
        }
        let mut tasks: JoinSet<Result<Vec<serde_json::Value>, RunError>> = JoinSet::new();
        let mut found = Vec::new();
        for (parent, parent_id) in parents {
            if tasks.len() >= SIDE_BY_SIDE {
                found.extend(joined(tasks.join_next().await)?);
            }
            let rest = self.rest.clone();
            tasks.spawn(async move { Ok(rest.children(id, parent, &parent_id).await?) });
        }
        while let Some(done) = tasks.join_next().await {
            found.extend(joined(Some(done))?);
        }
        // Answers come in any order; what is found first must not depend on it.
        found.sort_by_cached_key(order_of);
        if let Some(shelf) = shelves.get_mut(&id) {
            for record in found {
                shelf.add(record);
            }
            shelf.partial = partial;
            self.say(object, shelf.count());
        }
        Ok(())
    }

    fn say(&self, object: &Object, records: usize) {
        (self.emit)(&Event::Listing {
            object: object.name.clone(),
            records: records as u64,
        });
    }
}

fn natural(reference: Option<&RefSource>, all: &mut BTreeSet<ObjectId>) {
    match reference {
        Some(RefSource::NaturalKey(object)) => {
            all.insert(*object);
        }
        Some(RefSource::ByInput(list)) => {
            for one in list {
                natural(Some(one), all);
            }
        }
        Some(RefSource::SourceKey(_)) | None => {}
    }
}

type Answer = Result<Result<Vec<serde_json::Value>, RunError>, tokio::task::JoinError>;

fn joined(done: Option<Answer>) -> Result<Vec<serde_json::Value>, RunError> {
    match done {
        Some(done) => done.map_err(|e| RunError::Internal(e.to_string()))?,
        None => Ok(Vec::new()),
    }
}

/// Ids that are numbers in their order, others after them by text.
fn order_of(record: &serde_json::Value) -> (u64, String) {
    let id = crate::run::directory::record_id(record).unwrap_or_default();
    (id.parse().unwrap_or(u64::MAX), id)
}

/// About so many of a number of keys, always the same ones.
#[derive(Clone, Copy, Debug)]
pub struct Chosen {
    below: u64,
}

impl Chosen {
    /// About `sample` of `all`; `None`: all.
    pub fn of(sample: Option<u64>, all: u64) -> Chosen {
        let below = match sample {
            Some(sample) if sample < all => (u64::MAX / all.max(1)).saturating_mul(sample),
            _ => u64::MAX,
        };
        Chosen { below }
    }

    /// True when this key is among them.
    pub fn takes(self, key: &str) -> bool {
        self.below == u64::MAX || xxhash_rust::xxh3::xxh3_64(key.as_bytes()) < self.below
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_about_as_large_as_asked_for_and_always_the_same() {
        let keys: Vec<String> = (0..10_000).map(|n| n.to_string()).collect();
        let chosen = Chosen::of(Some(500), 10_000);
        let taken: Vec<&String> = keys.iter().filter(|k| chosen.takes(k)).collect();
        assert!((400..600).contains(&taken.len()), "{}", taken.len());
        let again = Chosen::of(Some(500), 10_000);
        assert!(taken.iter().all(|k| again.takes(k)));
        assert!(keys.iter().all(|k| Chosen::of(None, 10_000).takes(k)));
        assert!(keys.iter().all(|k| Chosen::of(Some(10_000), 9).takes(k)));
    }
}
