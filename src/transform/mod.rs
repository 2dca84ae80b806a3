//! Records in, effects or holds out: pure, compiled to positions, the same code for every command.

pub mod resolve;

pub use resolve::{Resolution, Resolve};
