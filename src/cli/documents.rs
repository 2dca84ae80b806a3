//! Documents for people, written beside the ledger after a run: what leaves the migration by hand.

use super::exit::{Exit, Failure};
use crate::{
    mapping::{Handoff, Migration},
    report::handoff,
    run::source::Source,
    transform::{HandoffPass, Tables},
};
use bumpalo::Bump;
use std::{fs, path::Path, sync::Arc};

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
    let mut written = Vec::new();
    for item in &migration.mapping.handoffs {
        let rows = rows(migration, source, item, tables)?;
        if rows.is_empty() {
            continue;
        }
        let folder = state.join("handoff");
        let write = |name: String, text: String| {
            fs::create_dir_all(&folder)
                .and_then(|()| fs::write(folder.join(&name), text))
                .map_err(|e| {
                    Failure::new(
                        Exit::Temporary,
                        format!("cannot write {}: {e}", folder.join(&name).display()),
                    )
                })
        };
        let header = header(migration, item);
        write(format!("{}.csv", item.name), handoff::csv(&header, &rows))?;
        write(
            format!("{}.md", item.name),
            handoff::markdown(item, &header, &rows),
        )?;
        written.push(format!(
            "{} {}: {}",
            rows.len(),
            item.name.replace('_', " "),
            folder.join(format!("{}.md", item.name)).display()
        ));
    }
    Ok(written)
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
    header
}

fn rows(
    migration: &Migration,
    source: &Source,
    item: &Handoff,
    tables: Option<&Arc<Tables>>,
) -> Result<Vec<Vec<String>>, Failure> {
    let fail = |e: String| Failure::new(Exit::Usage, e);
    let Some(tables) = tables else {
        return Ok(Vec::new());
    };
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
