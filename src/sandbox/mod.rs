//! A simulated account of a platform: real HTTP on loopback, generated from the platform file, kept in SQLite.
//!
//! It does what the file says the vendor does, refusals and surprises included, and knows nothing of mappings or of
//! how this engine writes. Faults can be ordered; an admin plane under `/_admin/` does what people with rights do
//! by hand, and tells tests what was called.
//!
//! A call goes through [`serve`] (key, limit, faults, route), then `reads` or `writes`; `accept` and `refer` judge
//! what may be written, `render` shows it, `store` keeps it.

mod accept;
mod admin;
mod answer;
mod coerce;
mod content;
mod count;
mod describe;
mod fault;
mod fill;
mod form;
mod limiter;
mod line;
mod members;
mod options;
mod quirk;
mod reads;
mod refer;
mod render;
mod route;
mod serve;
mod server;
mod shape;
mod store;
mod world;
mod writes;

pub use fault::{FaultKind, FaultRule};
pub use options::{DEFAULT_KEY, SandboxOptions, Seed, SeedError};
pub use server::{Sandbox, SandboxError, start};
