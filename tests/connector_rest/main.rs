//! The HTTP connector against servers that misbehave on purpose. The servers here are written by hand, byte
//! by byte where it matters, and share nothing with the simulated account of the engine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod answers;
mod limits;
mod lists;
mod operations;
mod server;
mod trust;
