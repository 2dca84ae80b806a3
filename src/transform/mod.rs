//! Records in, effects or holds out: pure, compiled to positions, the same code for every command.

pub mod effect;
pub mod resolve;

pub use effect::{Effect, Hold, LossCount, Settled, Sink};
pub use resolve::{Resolution, Resolve};
