//! Where words go: results to stdout, notes for people to stderr. A closed pipe is no error here; a full disk is one,
//! and the exit code tells.
//!
//! `println!` panics when its reader is gone; everything this program prints goes through these two.

use std::{
    io::{self, ErrorKind, Write},
    sync::atomic::{AtomicBool, Ordering},
};

/// Set once a result could not be written for another reason than that its reader is gone.
static LOST: AtomicBool = AtomicBool::new(false);

/// Set once the reader of the results is gone.
static GONE: AtomicBool = AtomicBool::new(false);

/// True when nobody reads the results any more.
pub fn is_gone() -> bool {
    GONE.load(Ordering::Relaxed)
}

/// True when a result is not whole.
pub fn is_lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

fn told(written: io::Result<()>) {
    if written
        .as_ref()
        .is_err_and(|e| e.kind() == ErrorKind::BrokenPipe)
    {
        GONE.store(true, Ordering::Relaxed);
    }
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
        && !LOST.swap(true, Ordering::Relaxed)
    {
        note(&format!("error: cannot write the result: {error}"));
    }
}

/// Writes a result to stdout. A closed pipe is ignored: the work goes on and the exit code tells how it ended.
pub fn result(text: &str) {
    let mut out = anstream::stdout().lock();
    let mut written = out.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        written = written.and_then(|()| out.write_all(b"\n"));
    }
    told(written.and_then(|()| out.flush()));
}

/// Writes a piece of a result as it is.
pub fn piece(text: &str) {
    let mut out = anstream::stdout().lock();
    told(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Writes a note for people to stderr.
pub fn note(text: &str) {
    let mut err = anstream::stderr().lock();
    let _ = err.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = err.write_all(b"\n");
    }
    let _ = err.flush();
}
