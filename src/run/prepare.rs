//! Before the first batch: the source's records that joins, merges and choices need, indexed once.

use super::{context::Emit, failure::RunError, source::Source};
use crate::{
    event::Event,
    mapping::Mapping,
    transform::{CompileError, Feeder, Tables, TablesBuilder},
};
use std::sync::Arc;

/// Reads what the mapping joins, merges and observes, and keeps it within the source's memory.
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
    let builder = TablesBuilder::new(Arc::clone(mapping), zone).map_err(internal)?;
    let mut builder = builder.within(source.room());
    // Objects are independent of each other, so each has a thread.
    let read = |mut feeder: Feeder<'_>| -> Result<(), RunError> {
        if let Some(object) = mapping.source.objects.get(feeder.object().ix()) {
            emit(&Event::Indexing {
                object: object.name.clone(),
            });
        }
        let mut reader = source.open(feeder.object(), feeder.columns())?;
        while let Some(page) = reader.next_page()? {
            feeder.feed(&page);
            reader.recycle(page);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let feeders = builder.feeders().into_iter();
        let threads: Vec<_> = feeders.map(|f| scope.spawn(|| read(f))).collect();
        let mut all = Ok(());
        for thread in threads {
            let one = thread
                .join()
                .unwrap_or_else(|_| Err(RunError::Internal("indexing stopped".to_owned())));
            all = all.and(one);
        }
        all
    })?;
    let tables = builder.finish().map_err(internal)?;
    sound(&tables)?;
    let bytes = tables.spilled();
    if bytes > 0 {
        emit(&Event::Overflowed { bytes });
    }
    Ok(tables)
}

/// What was found in tables counts only while all of them can be read.
///
/// # Errors
/// When what outgrew its memory cannot be read back.
pub fn sound(tables: &Tables) -> Result<(), RunError> {
    match tables.failure() {
        Some(why) => Err(RunError::Overflow(why)),
        None => Ok(()),
    }
}
