//! How commands that talk to a server begin: progress, its listener, a runtime.

use super::{
    exit::{Exit, Failure},
    progress::Progress,
};
use crate::{event::Event, run::context::Emit};
use std::{path::Path, sync::Arc};
use tokio::runtime::{Builder, Runtime};

/// Progress on stderr, and events into a file where one is named.
///
/// # Errors
/// When the events cannot be written there.
pub fn progress(events: Option<&Path>) -> Result<Arc<Progress>, Failure> {
    let progress = Progress::new(events, false).map_err(|e| {
        let path = events.unwrap_or(Path::new("")).display();
        Failure::new(
            Exit::Usage,
            format!("cannot write the events to {path}: {e}"),
        )
    })?;
    Ok(Arc::new(progress))
}

/// What tells progress of events.
pub fn listener(progress: &Arc<Progress>) -> Emit {
    let progress = Arc::clone(progress);
    Arc::new(move |event: &Event| progress.event(event))
}

/// Where asynchronous work is done. Whoever is done with it shuts it down without waiting: readers that still wait for a
/// page do not keep the process.
///
/// # Errors
/// When no thread can be started.
pub fn runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(Exit::Internal, format!("cannot start: {e}")))
}
