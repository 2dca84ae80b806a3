//! Files that are read from web addresses: from allowed hosts only, to a file beside the ledger, never into memory.
//!
//! An address stands in a customer's data, so it is trusted with nothing: which hosts may be asked is the migration's
//! word, every redirect is judged like the first address, names are resolved here and addresses inside a private network
//! are left alone, and a key goes to the one host that it was given for.

mod address;
mod fetch;
mod follow;
mod hosts;
mod name;

pub use fetch::{Downloads, Fetched, Halt, Settings};
pub use follow::{Missed, bare};
pub use hosts::{Host, HostError, HostKey, Hosts};
pub use name::safe as safe_name;

pub(super) use follow::{Fault, Hop, Sink, follow};
pub(super) use hosts::public_client;

/// The SHA-256 checksum and the size of a file, read piece by piece.
///
/// # Errors
/// When it cannot be read.
pub fn checksum(path: &std::path::Path) -> std::io::Result<(String, u64)> {
    use std::io::Read as _;
    let mut file = std::fs::File::open(path)?;
    let mut sum = ring::digest::Context::new(&ring::digest::SHA256);
    let mut piece = vec![0; 64 << 10];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok((follow::hex(sum), bytes));
        }
        sum.update(piece.get(..read).unwrap_or_default());
        bytes += read as u64;
    }
}
