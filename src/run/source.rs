//! The source of a run: opens the records of an object as pages.

use crate::{
    connector::{ExtractError, files},
    ident::{FieldId, ObjectId},
    platform::Platform,
};
use std::{path::PathBuf, sync::Arc};

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
}

impl Source {
    /// An export folder.
    pub fn folder(platform: Arc<Platform>, folder: PathBuf, overrides: files::Overrides) -> Source {
        Source {
            platform,
            folder,
            overrides,
        }
    }

    /// Opens an object's records with these fields as columns, in this order.
    ///
    /// # Errors
    /// When its file is missing, unreadable or no file of its format.
    pub fn open(&self, object: ObjectId, columns: &[FieldId]) -> Result<files::Rows, ExtractError> {
        files::open(
            &self.platform,
            object,
            &self.folder,
            columns,
            &self.overrides,
        )
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

    /// About how many records an object has; `None` where its file cannot be read.
    pub fn estimate(&self, object: ObjectId) -> Option<u64> {
        files::count_rows(&self.platform, object, &self.folder, &self.overrides)
            .ok()
            .map(|c| c.rows)
    }
}
