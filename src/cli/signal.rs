//! A clean stop on SIGINT and SIGTERM.

use super::{exit::Exit, out};
use crate::connector::Cancel;
use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

/// Stops the run on SIGINT and SIGTERM: no new calls, calls under way come to their end. Gives the signal's number.
pub fn listen(cancel: &Cancel) -> Arc<AtomicU8> {
    let by = Arc::new(AtomicU8::new(0));
    let cancel = cancel.clone();
    let told = Arc::clone(&by);
    tokio::spawn(async move {
        let signal = wait_for_signal().await;
        told.store(signal, Ordering::Relaxed);
        cancel.cancel();
    });
    by
}

/// Says that a stop was clean, and gives the code of the signal that asked for it.
pub fn stopped(by: &AtomicU8) -> Exit {
    out::note("stopped cleanly; run the same command to go on");
    match by.load(Ordering::Relaxed) {
        15 => Exit::Terminated,
        _ => Exit::Interrupted,
    }
}

/// The number of the next signal that asks to stop.
#[cfg(unix)]
pub async fn wait_for_signal() -> u8 {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut term) => tokio::select! {
            _ = tokio::signal::ctrl_c() => 2,
            _ = term.recv() => 15,
        },
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
            2
        }
    }
}

/// The number of the next signal that asks to stop.
#[cfg(not(unix))]
pub async fn wait_for_signal() -> u8 {
    let _ = tokio::signal::ctrl_c().await;
    2
}
