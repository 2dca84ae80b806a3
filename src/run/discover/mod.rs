//! Discovery: what a source holds and what an account holds, counted and kept as a schema lock. Writes nothing.
//!
//! The source is read in one streaming pass per object, after one over the objects that joins look things up in.
//! Memory is bounded: different values, keys and pointers are counted up to a limit, and what went beyond is said.

pub mod account;
mod links;
mod looks;
mod object;
mod profile;
mod tally;
mod wants;

pub use account::{account, part};

use super::{context::Emit, failure::RunError, prepare, source::Source};
use crate::{
    event::Event,
    ident::ObjectId,
    mapping::Mapping,
    platform::lock::{HandedOff, SourceInventory, ValueTable},
    transform::{Tables, ValuePass},
};
use object::Read;
use std::sync::Arc;

/// Reads the source of a mapping: the inventory, and where the values of pick-lists go. Objects that cannot be read are
/// part of the answer; value tables are left out where what they need is missing.
///
/// # Errors
/// When a thread stops or a checked mapping does not compile: faults of the engine.
pub fn source(
    mapping: &Arc<Mapping>,
    source: &Source,
    zone: Option<&str>,
    emit: &Emit,
) -> Result<(SourceInventory, Vec<ValueTable>), RunError> {
    let wants = wants::collect(mapping);
    // Without the files that joins need there is no split to follow; the inventory says which are missing.
    let tables: Option<Arc<Tables>> = prepare::index(mapping, source, zone, emit)
        .ok()
        .map(Arc::new);
    let platform = &mapping.source;
    let read = |id: ObjectId| -> Result<Read, RunError> {
        let object = platform
            .objects
            .get(id.ix())
            .ok_or_else(|| RunError::Internal(format!("no source object {id:?}")))?;
        emit(&Event::Indexing {
            object: object.name.clone(),
        });
        let values = match &tables {
            Some(tables) => ValuePass::compile(mapping, tables, id, |_, _| true)
                .map_err(|e| RunError::Internal(e.to_string()))?,
            None => None,
        };
        Ok(object::read(source, id, object, &wants, zone, values))
    };
    let ids = || (0u16..).take(platform.objects.len()).map(ObjectId);
    // Objects are independent of each other, so each has a thread.
    let reads: Vec<Read> = std::thread::scope(|scope| {
        let threads: Vec<_> = ids().map(|id| scope.spawn(move || read(id))).collect();
        threads
            .into_iter()
            .map(|t| {
                t.join()
                    .unwrap_or_else(|_| Err(RunError::Internal("discovery stopped".to_owned())))
            })
            .collect::<Result<_, _>>()
    })?;
    let links = links::follow(platform, &wants, &reads);
    let owners = links::owners(platform, &wants, &reads);
    let mut values: Vec<ValueTable> = Vec::new();
    let mut objects = Vec::with_capacity(reads.len());
    for read in reads {
        values.extend(read.values);
        objects.push(read.object);
    }
    let order = |t: &ValueTable| mapping.steps.iter().position(|s| s.name == t.step);
    values.sort_by_key(order);
    let handed_off = mapping
        .handoffs
        .iter()
        .filter_map(|h| {
            let object = objects.get(h.from.ix())?;
            Some(HandedOff {
                name: h.name.clone(),
                object: object.object.clone(),
                records: object.records,
                some: h.when.is_some(),
            })
        })
        .collect();
    let inventory = SourceInventory {
        platform: platform.name.clone(),
        objects,
        links,
        owners,
        handed_off,
    };
    Ok((inventory, values))
}
