//! One pass: reads a source object once for all steps of a batch that read it, transforms page by page in its
//! own thread, and hands the outcome to the loader.

use super::{
    chosen::Chosen,
    context::Context,
    failure::RunError,
    item::{Collector, StepEncoder, encoder},
    known::StepMemory,
    loader::{Loaded, Loader, PageItems},
    newest, prepare,
    resolver::Resolver,
    source::Source,
};
use crate::{
    ident::StepId,
    platform::OpKind,
    transform::{Pass, Tables},
};
use bumpalo::Bump;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use tokio::sync::mpsc;

/// Pages between the reader and the loader. Small: a page is megabytes, and loading is the slow part.
const PAGES_AHEAD: usize = 2;

/// Runs one pass over a source object into an HTTP destination.
///
/// # Errors
/// When source, destination or ledger stop.
pub async fn load(
    ctx: &Arc<Context>,
    source: &Arc<Source>,
    resolver: Arc<Resolver>,
    tables: &Arc<Tables>,
    steps: &[StepId],
    memory: BTreeMap<StepId, StepMemory>,
) -> Result<Loaded, RunError> {
    let pass = Pass::compile(
        Arc::clone(&ctx.mapping),
        Arc::clone(tables),
        steps,
        &ctx.deferred,
        false,
    )
    .map_err(|e| RunError::Internal(e.to_string()))?;
    let encoders = encoders(ctx, steps)?;
    let (tx, rx) = mpsc::channel(PAGES_AHEAD);
    let (source, tables) = (Arc::clone(source), Arc::clone(tables));
    let shared = Arc::clone(ctx);
    let first = steps.first().copied();
    let reader = tokio::task::spawn_blocking(move || {
        let only = shared.chosen.get().zip(first);
        read(&source, &tables, &pass, &encoders, &resolver, only, &tx);
    });
    let loaded = Loader::new(Arc::clone(ctx), memory).run(rx).await;
    reader
        .await
        .map_err(|e| RunError::Internal(format!("the reader stopped: {e}")))?;
    loaded
}

/// The encoders of the steps of a pass.
pub(super) fn encoders(
    ctx: &Context,
    steps: &[StepId],
) -> Result<HashMap<StepId, StepEncoder>, RunError> {
    let platform = &ctx.mapping.destination;
    let mut all = HashMap::new();
    for id in steps {
        let step = ctx.step(*id)?;
        let object = ctx.object(step.to)?;
        let encoder = encoder(platform, object, step);
        let parent = object.op(OpKind::Children).and_then(|op| op.of);
        all.insert(*id, StepEncoder::new(step, encoder, parent));
    }
    Ok(all)
}

fn read(
    source: &Source,
    tables: &Tables,
    pass: &Pass,
    encoders: &HashMap<StepId, StepEncoder>,
    resolver: &Resolver,
    only: Option<(&Chosen, StepId)>,
    tx: &mpsc::Sender<Result<PageItems, RunError>>,
) {
    let (columns, mark) = newest::columns(source.platform(), pass.object(), pass.columns());
    let mut reader = match source.open(pass.object(), &columns) {
        Ok(reader) => reader,
        Err(error) => {
            let _ = tx.blocking_send(Err(error.into()));
            return;
        }
    };
    let mut arena = Bump::new();
    loop {
        match reader.next_page() {
            Ok(Some(page)) => {
                let mut collector = Collector::new(encoders);
                let keys = pass.keys(&page);
                pass.run(&page, &keys, resolver, &arena, &mut collector);
                let mut items = PageItems {
                    records: (page.rows() + page.faults.len()) as u64,
                    items: collector.into_items(),
                    newest: mark.as_ref().and_then(|m| m.of(&page, &arena)),
                };
                if let Some((chosen, first)) = only {
                    items.records = chosen.keep(pass.object(), first, &mut items.items);
                    chosen.note_cells(pass.object(), pass.columns(), &page, &keys);
                }
                arena.reset();
                // A loader that went away has its own reason.
                let sound = prepare::sound(tables).map(|()| items);
                if tx.blocking_send(sound).is_err() {
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => {
                let _ = tx.blocking_send(Err(error.into()));
                return;
            }
        }
    }
}
