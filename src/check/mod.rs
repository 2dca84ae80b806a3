//! From what the files say to what they mean: names resolved, types compared, every fault reported.
//!
//! Pure and offline: reads no file, no clock and no secret. After this module nobody sees `spec`.

pub mod platform;
