//! The transform from spec files to effects, holds and settlements, without reading a file of records or
//! calling anything: pages are made by hand, references are answered from a table.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod books;
mod joins;
mod merges;
mod ops;
mod references;
mod shipped;
mod splits;
mod texts;
mod world;
