//! From what the files say to what they mean: names resolved, types compared, every fault reported.
//!
//! Pure and offline: reads no file, no clock and no secret. After this module nobody sees `spec`.

mod kind;
mod literal;
mod ops;
mod path;
mod place;
pub mod platform;
mod scope;
mod template;
mod token;
mod when;
