//! Documents for people, written beside the ledger after a run or by `transload handoff`: what leaves the migration by
//! hand.

use super::exit::{Exit, Failure, cannot_write};
use crate::{
    mapping::{Handoff, Migration},
    report::{
        books::{self, Unmatched},
        handoff,
    },
    run::source::Source,
    transform::{HandoffPass, Tables},
};
use bumpalo::Bump;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A document that was written.
pub struct Document {
    /// Its name.
    pub name: String,
    /// The records in it.
    pub records: u64,
    /// What to do with it.
    pub say: String,
    /// Its files: the sheet, then the page.
    pub files: Vec<PathBuf>,
}

/// Writes a CSV and a Markdown file for each `handoff:` of the mapping that has records. Gives what was written,
/// for the report.
///
/// # Errors
/// When the source cannot be read again or a document cannot be written.
pub fn write(
    migration: &Migration,
    source: &Source,
    state: &Path,
    tables: Option<&Arc<Tables>>,
) -> Result<Vec<String>, Failure> {
    let Some(tables) = tables else {
        return Ok(Vec::new());
    };
    let written = write_all(migration, source, &state.join("handoff"), tables)?;
    Ok(written
        .into_iter()
        .filter_map(|d| {
            Some(format!(
                "{} {}: {}",
                d.records,
                d.name.replace('_', " "),
                d.files.last()?.display()
            ))
        })
        .collect())
}

/// The same into any folder.
///
/// # Errors
/// As for [`write`].
pub fn write_all(
    migration: &Migration,
    source: &Source,
    folder: &Path,
    tables: &Arc<Tables>,
) -> Result<Vec<Document>, Failure> {
    let mut written = Vec::new();
    for item in &migration.mapping.handoffs {
        let rows = rows(migration, source, item, tables)?;
        if rows.is_empty() {
            continue;
        }
        let write = |name: String, text: String| {
            let path = folder.join(&name);
            fs::create_dir_all(folder)
                .and_then(|()| fs::write(&path, text))
                .map(|()| path.clone())
                .map_err(|e| cannot_write(&path, &e))
        };
        let header = header(migration, item);
        let files = vec![
            write(format!("{}.csv", item.name), handoff::csv(&header, &rows))?,
            write(
                format!("{}.md", item.name),
                handoff::markdown(item, &header, &rows),
            )?,
        ];
        written.push(Document {
            name: item.name.clone(),
            records: rows.len() as u64,
            say: item.say.clone().unwrap_or_default(),
            files,
        });
    }
    Ok(written)
}

/// Writes the sheet of references that were left blank. Gives what was written, for the report.
///
/// # Errors
/// When the document cannot be written.
pub fn unmatched(rows: &[Unmatched], state: &Path) -> Result<Option<String>, Failure> {
    let path = state.join("handoff").join("unmatched.csv");
    if rows.is_empty() {
        // What an earlier run left is no longer so.
        let _ = fs::remove_file(&path);
        return Ok(None);
    }
    fs::create_dir_all(state.join("handoff"))
        .and_then(|()| fs::write(&path, books::unmatched_csv(rows)))
        .map_err(|e| cannot_write(&path, &e))?;
    Ok(Some(format!(
        "{} references left blank: {}",
        rows.len(),
        path.display()
    )))
}

fn header(migration: &Migration, item: &Handoff) -> Vec<String> {
    let mut header = Vec::new();
    if let Some(object) = migration.mapping.source.objects.get(item.from.ix()) {
        header.extend(
            item.show
                .iter()
                .filter_map(|f| Some(object.fields.get(f.ix())?.name.clone())),
        );
    }
    if item.advise.is_some() {
        header.push("recommended".to_owned());
    }
    header
}

fn rows(
    migration: &Migration,
    source: &Source,
    item: &Handoff,
    tables: &Arc<Tables>,
) -> Result<Vec<Vec<String>>, Failure> {
    let fail = |e: String| Failure::new(Exit::Usage, e);
    let compiled = HandoffPass::compile(&migration.mapping, Arc::clone(tables), item)
        .map_err(|e| fail(e.to_string()))?;
    let mut arena = Bump::new();
    let mut reader = source
        .open(compiled.object(), compiled.columns())
        .map_err(|e| fail(e.to_string()))?;
    let mut rows = Vec::new();
    while let Some(page) = reader.next_page().map_err(|e| fail(e.to_string()))? {
        rows.extend(compiled.run(&page, &arena));
        arena.reset();
    }
    Ok(rows)
}
