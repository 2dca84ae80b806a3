//! The parts of a run, each alone: what one record costs to read, transform, look up, write and account for.
//!
//! ```text
//! cargo bench --bench parts             # all of them
//! cargo bench --bench parts -- joins    # those with that word in their name
//! ```
//!
//! Rates are per record unless a row says bytes. On a shared machine compare two rows of one run, or the `fastest`
//! column of several; a single figure means little there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a bench that cannot start has nothing to say"
)]

mod files;
mod ledger;
mod specs;
mod transform;
mod world;

fn main() {
    divan::main();
}
