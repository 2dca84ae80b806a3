//! Before the first batch: the source's records that joins, merges and choices need, indexed once.

use super::{context::Emit, failure::RunError, source::Source};
use crate::{
    event::Event,
    mapping::Mapping,
    transform::{CompileError, Tables, TablesBuilder, needs},
};
use std::sync::Arc;

/// Reads what the mapping joins, merges and observes.
///
/// # Errors
/// When a file of the source cannot be read.
pub fn index(
    mapping: &Arc<Mapping>,
    source: &Source,
    zone: Option<&str>,
    emit: &Emit,
) -> Result<Tables, RunError> {
    let internal = |e: CompileError| RunError::Internal(e.to_string());
    let mut builder = TablesBuilder::new(Arc::clone(mapping), zone).map_err(internal)?;
    for need in needs(mapping) {
        if let Some(object) = mapping.source.objects.get(need.object.ix()) {
            emit(&Event::Indexing {
                object: object.name.clone(),
            });
        }
        let mut reader = source.open(need.object, &need.columns)?;
        while let Some(page) = reader.next_page()? {
            builder.feed(need.object, &page);
        }
    }
    builder.finish().map_err(internal)
}
