//! Where words go: results to stdout, notes for people to stderr. A closed pipe is no error here.
//!
//! `println!` panics when its reader is gone; everything this program prints goes through these two.

use std::io::Write;

/// Writes a result to stdout. A closed pipe is ignored: the work goes on and the exit code tells.
pub fn result(text: &str) {
    let mut out = anstream::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = out.write_all(b"\n");
    }
    let _ = out.flush();
}

/// Writes a piece of a result as it is.
pub fn piece(text: &str) {
    let mut out = anstream::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
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
