//! The files of extracts: which are there, whole and still those of this account and platform file.
//!
//! `index.json` names the files of the extract that is in use; it is replaced as a whole, so that readers see one
//! extract or the other. `next.json` names the objects that an extract under way has completed. A file counts only
//! under an entry that gives its length, and an entry only with the same way of reading.

use crate::{
    connector::files::{Form, Writer},
    ident::ObjectId,
    platform::{Connect, Object, OpKind, Platform},
    run::failure::RunError,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};
use xxhash_rust::xxh3::xxh3_128;

/// Locked while the source is read.
const UNDER_WAY: &str = "reading.lock";

/// Locked by those who read the files.
const IN_USE: &str = "in-use.lock";

/// Version of the files' form.
const VERSION: u32 = 1;

/// How long the objects of an interrupted extract are good for: later ones would not fit them.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(24);

/// An extract: its objects by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Index {
    /// Version of this form.
    pub version: u32,
    /// The account it was read from.
    pub account: String,
    /// Its number; files carry it.
    pub generation: u64,
    /// When it was begun.
    #[serde(with = "moment")]
    pub began: Timestamp,
    /// The objects that are complete.
    pub objects: BTreeMap<String, Entry>,
}

/// All records of one object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The file's name.
    pub file: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Records in it.
    pub records: u64,
    /// Records that the API gave more than once while its list moved, left out.
    pub twice: u64,
    /// Hash of how they were read.
    pub print: String,
    /// When their reading began.
    #[serde(with = "moment")]
    pub began: Timestamp,
    /// When it ended.
    #[serde(with = "moment")]
    pub ended: Timestamp,
}

/// Instants as RFC 3339 texts.
mod moment {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(at)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// Keeps the files of the extract in use from being removed, or everybody else from reading the source. Ends when
/// dropped, or with the process.
#[derive(Debug)]
pub struct Hold {
    _file: File,
}

/// The folder of extracts.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// A folder, which need not exist.
    pub fn new(folder: PathBuf) -> Cache {
        Cache { folder }
    }

    /// Holds the files of the extract in use. `None` where there is none, or no lock can be had: then they may be
    /// removed by somebody who reads the source twice meanwhile.
    pub fn hold(&self) -> Option<Hold> {
        let file = File::open(self.folder.join(IN_USE)).ok()?;
        file.try_lock_shared().ok()?;
        Some(Hold { _file: file })
    }

    /// Takes the source for one reader.
    pub(super) fn take(&self) -> Result<Hold, RunError> {
        fs::create_dir_all(&self.folder).map_err(|e| trouble(&self.folder, e))?;
        self.lock(UNDER_WAY).and_then(|taken| {
            taken.ok_or_else(|| RunError::Reading {
                folder: self.folder.clone(),
            })
        })
    }

    /// `None` when somebody else has it.
    fn lock(&self, name: &str) -> Result<Option<Hold>, RunError> {
        let path = self.folder.join(name);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|e| trouble(&path, e))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Hold { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => {
                tracing::debug!(name, error = %e, "no locks here");
                Ok(Some(Hold { _file: file }))
            }
        }
    }

    /// The extract in use, when it has all of these objects of this account, read as the platform file says now.
    pub fn whole(
        &self,
        platform: &Platform,
        objects: &BTreeSet<ObjectId>,
        account: &str,
    ) -> Option<Index> {
        let index = self.load("index.json", platform, account)?;
        objects
            .iter()
            .filter_map(|id| platform.objects.get(id.ix()))
            .all(|o| index.objects.contains_key(&o.name))
            .then_some(index)
    }

    /// The extract in use, as far as it is this account's and still read as the platform file says now.
    pub(super) fn used(&self, platform: &Platform, account: &str) -> Option<Index> {
        self.load("index.json", platform, account)
    }

    /// The path of an entry's file.
    pub fn path(&self, entry: &Entry) -> PathBuf {
        self.folder.join(&entry.file)
    }

    /// The file that an extract of that number has for an object.
    pub(super) fn file(&self, platform: &Platform, object: ObjectId, generation: u64) -> PathBuf {
        let name = platform
            .objects
            .get(object.ix())
            .map_or("unknown", |o| o.name.as_str());
        self.folder.join(format!("{name}.{generation}.jsonl"))
    }

    /// The extract to go on with, or a new one. Without `refresh` it takes over what is good in the one in use.
    pub(super) fn begin(
        &self,
        platform: &Platform,
        account: &str,
        now: Timestamp,
        refresh: bool,
    ) -> Result<Index, RunError> {
        let used = self.load("index.json", platform, account);
        let under_way = self
            .load("next.json", platform, account)
            .filter(|i| now.duration_since(i.began) < GOOD_FOR && now >= i.began);
        // Numbers are never used again, whatever the files of another account or version say.
        let last = ["index.json", "next.json"]
            .iter()
            .filter_map(|name| self.generation(name))
            .max()
            .unwrap_or(0);
        let mut next = under_way.unwrap_or_else(|| Index {
            version: VERSION,
            account: account.to_owned(),
            generation: last.saturating_add(1),
            began: now,
            objects: BTreeMap::new(),
        });
        if let Some(used) = used.filter(|_| !refresh) {
            for (name, entry) in used.objects {
                next.objects.entry(name).or_insert(entry);
            }
        }
        self.keep(&next)?;
        Ok(next)
    }

    /// Remembers what the extract under way has completed.
    pub(super) fn keep(&self, next: &Index) -> Result<(), RunError> {
        self.store("next.json", next)
    }

    /// Puts the extract in use and removes the files of others.
    pub(super) fn publish(&self, next: &Index) -> Result<(), RunError> {
        self.store("index.json", next)?;
        let stale = self.folder.join("next.json");
        fs::remove_file(&stale).map_err(|e| trouble(&stale, e))?;
        // Files that somebody reads, or that cannot be removed, go another time.
        let Some(_alone) = self.lock(IN_USE)? else {
            return Ok(());
        };
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let data = name.ends_with(".jsonl") || name.ends_with(".part");
            if data && !next.objects.values().any(|e| e.file == name) {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }

    fn generation(&self, name: &str) -> Option<u64> {
        let bytes = fs::read(self.folder.join(name)).ok()?;
        let any: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
        any.get("generation")?.as_u64()
    }

    fn store(&self, name: &str, index: &Index) -> Result<(), RunError> {
        let text = serde_json::to_vec(index).map_err(|e| RunError::Internal(e.to_string()))?;
        let mut writer = Writer::create(&self.folder.join(name), Form::Jsonl)?;
        writer.write_json(&text)?;
        writer.finish()?;
        Ok(())
    }

    /// An index without the entries that no longer hold. `None` when it is of another account or form.
    fn load(&self, name: &str, platform: &Platform, account: &str) -> Option<Index> {
        let bytes = fs::read(self.folder.join(name)).ok()?;
        let mut index: Index = serde_json::from_slice(&bytes).ok()?;
        if index.version != VERSION || index.account != account {
            return None;
        }
        index.objects.retain(|name, entry| {
            let same = platform
                .object(name)
                .is_some_and(|(_, o)| print(platform, o) == entry.print);
            let plain = !entry.file.contains(['/', '\\']);
            same && plain
                && fs::metadata(self.folder.join(&entry.file))
                    .is_ok_and(|m| m.is_file() && m.len() == entry.bytes)
        });
        Some(index)
    }
}

/// A hash of how an object's records are read: another way may give other records.
pub(super) fn print(platform: &Platform, object: &Object) -> String {
    let mut text = format!("{} {}", platform.name, object.name);
    if let Connect::Http(http) = &platform.connect {
        text.push_str(&format!("{:?} {:?}", http.headers, http.form));
    }
    for op in &object.ops {
        if matches!(op.kind, OpKind::List | OpKind::Children) {
            let parents: Vec<&str> = op
                .parents
                .iter()
                .filter_map(|(id, _)| platform.objects.get(id.ix()))
                .map(|o| o.name.as_str())
                .collect();
            text.push_str(&format!(
                " {} {} {:?} {:?} {:?} {:?} {:?} {:?} {parents:?}",
                op.method, op.path, op.query, op.records, op.id, op.page, op.view, op.each
            ));
        }
    }
    for field in object.fields.iter().filter(|f| f.parent) {
        text.push_str(&field.path);
    }
    format!("{:032x}", xxh3_128(text.as_bytes()))
}

/// The name of a file in the folder.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn trouble(path: &Path, source: std::io::Error) -> RunError {
    RunError::Write {
        path: path.display().to_string(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        check::platform::lower,
        diag::{Diagnostics, FileId},
        spec::yaml,
    };

    fn platform(path: &str) -> Platform {
        let text = format!(
            "spec: platform/v1\nplatform: p\nchecked: \"2026-01-01\"\n\
             connect: {{http: {{base: \"https://p.example\"}}}}\n\
             objects:\n  person: {{ops: {{list: {{get: {path}}}}}, fields: {{id: {{type: id}}}}}}\n  \
             firm: {{ops: {{list: {{get: {path}}}}}, fields: {{id: {{type: id}}}}}}\n"
        );
        let mut diags = Diagnostics::default();
        let tree = yaml::parse(FileId(0), &text, &mut diags).unwrap();
        lower(&tree.root, &mut diags).unwrap()
    }

    fn entry(cache: &Cache, platform: &Platform, id: u16, index: &mut Index, text: &str) {
        let path = cache.file(platform, ObjectId(id), index.generation);
        fs::write(&path, text).unwrap();
        let object = &platform.objects[usize::from(id)];
        index.objects.insert(
            object.name.clone(),
            Entry {
                file: path.file_name().unwrap().to_string_lossy().into_owned(),
                bytes: text.len() as u64,
                records: 1,
                twice: 0,
                print: print(platform, object),
                began: index.began,
                ended: index.began,
            },
        );
        cache.keep(index).unwrap();
    }

    #[test]
    fn an_extract_is_there_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path().join("extracts"));
        let p = platform("/all");
        let both: BTreeSet<ObjectId> = [ObjectId(0), ObjectId(1)].into();
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(cache.whole(&p, &both, "a"), None);
        let taken = cache.take().unwrap();
        assert!(matches!(cache.take(), Err(RunError::Reading { .. })));
        let mut next = cache.begin(&p, "a", now, false).unwrap();
        entry(&cache, &p, 0, &mut next, "{}\n");
        assert_eq!(cache.whole(&p, &both, "a"), None);
        // Interrupted: it goes on with what it has, unless that is of yesterday or of somebody else.
        let again = cache.begin(&p, "a", now, true).unwrap();
        assert_eq!(again, next);
        let late = now + SignedDuration::from_hours(25);
        entry(&cache, &p, 1, &mut next, "{}\n");
        cache.publish(&next).unwrap();
        assert_eq!(cache.whole(&p, &both, "a"), Some(next.clone()));
        assert_eq!(cache.whole(&p, &both, "b"), None);
        assert_eq!(cache.whole(&platform("/other"), &both, "a"), None);
        // A refresh under way leaves the one in use alone, and does not go on the next day.
        let mut fresh = cache.begin(&p, "a", now, true).unwrap();
        assert_eq!((fresh.generation, fresh.objects.len()), (2, 0));
        entry(&cache, &p, 0, &mut fresh, "{}\n{}\n");
        assert_eq!(cache.whole(&p, &both, "a"), Some(next.clone()));
        assert_eq!(cache.begin(&p, "a", now, true).unwrap(), fresh);
        assert!(cache.begin(&p, "a", late, true).unwrap().objects.is_empty());
        drop(taken);
        assert!(cache.take().is_ok());
        // Files that are read stay until nobody reads them.
        let (held, first) = (
            cache.hold().unwrap(),
            dir.path().join("extracts/person.1.jsonl"),
        );
        let mut third = cache.begin(&p, "a", late, true).unwrap();
        entry(&cache, &p, 0, &mut third, "{}\n");
        cache.publish(&third).unwrap();
        assert!(first.exists());
        drop(held);
        cache.keep(&next).unwrap();
        cache.publish(&next).unwrap();
        assert!(first.exists() && !dir.path().join("extracts/person.3.jsonl").exists());
        // A file that was tampered with does not count.
        fs::write(dir.path().join("extracts/firm.1.jsonl"), "{}").unwrap();
        assert_eq!(cache.whole(&p, &both, "a"), None);
        let one: BTreeSet<ObjectId> = [ObjectId(0)].into();
        assert!(cache.whole(&p, &one, "a").is_some());
    }
}
