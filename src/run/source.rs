//! The source of a run: opens the records of an object as pages, from a folder of exports or from an extract.

use super::{
    extract::cache::{Cache, Hold, Index},
    overflow::Memory,
};
use crate::{
    connector::{Cancel, ExtractError, download::Downloads, files},
    ident::{FieldId, ObjectId},
    platform::{Field, Platform},
    transform::Room,
    value::Type,
};
use std::{
    collections::BTreeMap,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};
use xxhash_rust::xxh3::Xxh3;

/// What a file's header has and lacks.
pub struct Header {
    /// Positions of fields whose column is not there.
    pub missing: Vec<usize>,
    /// Columns without a field.
    pub unknown: Vec<String>,
}

/// Where records are read.
pub struct Source {
    platform: Arc<Platform>,
    folder: PathBuf,
    overrides: files::Overrides,
    /// Objects that were read through an API: the file, and how many records it has.
    extracts: BTreeMap<ObjectId, (PathBuf, u64)>,
    /// Keeps these files there.
    _hold: Option<Hold>,
    memory: Option<Memory>,
    downloads: Option<Downloads>,
}

impl Source {
    /// The platform as its file describes it.
    pub fn platform(&self) -> &Platform {
        &self.platform
    }

    /// An export folder.
    pub fn folder(platform: Arc<Platform>, folder: PathBuf, overrides: files::Overrides) -> Source {
        Source {
            platform,
            folder,
            overrides,
            extracts: BTreeMap::new(),
            _hold: None,
            memory: None,
            downloads: None,
        }
    }

    /// An extract, and the folder of files beside the API.
    pub fn extract(
        platform: Arc<Platform>,
        cache: &Cache,
        index: &Index,
        hold: Option<Hold>,
        beside: Option<&Path>,
    ) -> Source {
        let extracts = index
            .objects
            .iter()
            .filter_map(|(name, entry)| {
                let (id, _) = platform.object(name)?;
                Some((id, (cache.path(entry), entry.records)))
            })
            .collect();
        Source {
            platform,
            folder: beside.map(Path::to_owned).unwrap_or_default(),
            overrides: files::Overrides::default(),
            extracts,
            _hold: hold,
            memory: None,
            downloads: None,
        }
    }

    /// Bounds what joins and merges keep of it in memory.
    pub fn within(mut self, memory: Memory) -> Source {
        self.memory = Some(memory);
        self
    }

    /// Lets files be read from other hosts.
    pub fn fetching(mut self, downloads: Downloads) -> Source {
        self.downloads = Some(downloads);
        self
    }

    /// Reads files from other hosts; `None` for commands that do not.
    pub fn downloads(&self) -> Option<&Downloads> {
        self.downloads.as_ref()
    }

    /// Most bytes of one file that records name; `None`: not said.
    pub fn file_max(&self) -> Option<u64> {
        self.downloads.as_ref().map(Downloads::max)
    }

    /// Stops reading when this is asked for.
    pub fn until(mut self, cancel: &Cancel) -> Source {
        self.overrides.cancel = Some(cancel.clone());
        self
    }

    /// The room for one set of tables; `None` where it is not bounded.
    pub fn room(&self) -> Option<Room> {
        self.memory.as_ref()?.room()
    }

    /// Opens an object's records with these fields as columns, in this order.
    ///
    /// # Errors
    /// When its file is missing, unreadable or no file of its format.
    pub fn open(&self, object: ObjectId, columns: &[FieldId]) -> Result<files::Rows, ExtractError> {
        match self.extracts.get(&object) {
            Some((path, _)) => {
                files::open_records(&self.platform, object, path, columns, &self.overrides)
            }
            None => files::open(
                &self.platform,
                object,
                &self.folder,
                columns,
                &self.overrides,
            ),
        }
    }

    /// The real path and the size of a file that a cell of an object's rows names. An error is a sentence fragment.
    ///
    /// # Errors
    /// When there is no such file, or it lies outside the export folder.
    pub fn attached(&self, object: ObjectId, name: &str) -> Result<(PathBuf, u64), String> {
        let rows = self
            .platform
            .objects
            .get(object.ix())
            .and_then(|o| o.rows.as_ref())
            .ok_or_else(|| "its records are read from no file".to_owned())?;
        files::attached(&self.folder, &self.folder.join(&rows.file), name)
    }

    /// The header of an object's file against the object's fields.
    ///
    /// # Errors
    /// When the file is missing, unreadable or no file of its format.
    pub fn header(&self, object: ObjectId) -> Result<Header, ExtractError> {
        let fields = self
            .platform
            .objects
            .get(object.ix())
            .map_or(0, |o| o.fields.len());
        let all: Vec<FieldId> = (0..fields)
            .filter_map(|f| u16::try_from(f).ok().map(FieldId))
            .collect();
        let rows = self.open(object, &all)?;
        Ok(Header {
            missing: rows.missing_columns(),
            unknown: rows.unknown_columns(),
        })
    }

    /// Opens everything an object's file has: the declared fields in order, then the columns that no field names.
    /// Gives the names of those columns, too.
    ///
    /// # Errors
    /// When the file is missing, unreadable or no file of its format.
    pub fn open_wide(&self, object: ObjectId) -> Result<(files::Rows, Vec<String>), ExtractError> {
        let ids = |count: usize| -> Vec<FieldId> { (0u16..).take(count).map(FieldId).collect() };
        let declared = self
            .platform
            .objects
            .get(object.ix())
            .map_or(0, |o| o.fields.len());
        let rows = self.open(object, &ids(declared))?;
        let unknown = rows.unknown_columns();
        if unknown.is_empty() {
            return Ok((rows, unknown));
        }
        let more = unknown.iter().map(|column| Field {
            path: column.clone(),
            // No field is named like this, so none is left out.
            ..Field::new(format!("\u{1}{column}"), Type::Text)
        });
        let wide = (*self.platform).clone().with_custom(object, more);
        let all = wide.objects.get(object.ix()).map_or(0, |o| o.fields.len());
        let rows = files::open(&wide, object, &self.folder, &ids(all), &self.overrides)?;
        Ok((rows, unknown))
    }

    /// The name of an object's file, for people: of an extract the same whenever it was read.
    pub fn file(&self, object: ObjectId) -> Option<String> {
        let declared = self.platform.objects.get(object.ix())?;
        match &declared.rows {
            Some(rows) => Some(rows.file.clone()),
            None => self
                .extracts
                .contains_key(&object)
                .then(|| format!("{}.jsonl", declared.name)),
        }
    }

    /// The file that an object is read from; `None` where there can be none.
    pub fn path(&self, object: ObjectId) -> Option<PathBuf> {
        match self.extracts.get(&object) {
            Some((path, _)) => Some(path.clone()),
            None => files::path_of(self.platform.objects.get(object.ix())?, &self.folder),
        }
    }

    /// The size of an object's file in bytes; `None` where there is none.
    pub fn size(&self, object: ObjectId) -> Option<u64> {
        let path = self.path(object)?;
        std::fs::metadata(path).ok().map(|m| m.len())
    }

    /// True for objects whose records can be there: of an API only what the mapping reads is.
    pub fn offers(&self, object: ObjectId) -> bool {
        let declared = self.platform.objects.get(object.ix());
        self.extracts.contains_key(&object) || declared.is_some_and(|o| o.rows.is_some())
    }

    /// About how many records an object has; `None` where its file cannot be read.
    pub fn estimate(&self, object: ObjectId) -> Option<u64> {
        if let Some((_, records)) = self.extracts.get(&object) {
            return Some(*records);
        }
        files::count_rows(&self.platform, object, &self.folder, &self.overrides)
            .ok()
            .map(|c| c.rows)
    }
}

/// The hash of a file's content (XXH3, 128 bits, hexadecimal): equal for equal bytes. `None` where it cannot be read.
pub fn print_of(path: &Path) -> Option<String> {
    // A pipe would be waited for.
    if !std::fs::metadata(path).is_ok_and(|m| m.is_file()) {
        return None;
    }
    let mut file = File::open(path).ok()?;
    let mut hash = Xxh3::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer).ok()? {
            0 => return Some(format!("{:032x}", hash.digest128())),
            n => hash.update(buffer.get(..n)?),
        }
    }
}
