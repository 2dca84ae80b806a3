//! What commands found and did, as data: made by the runner, rendered by reports, read by machines.
//!
//! Stands before both, so that neither imports the other.

pub mod audit;
pub mod gate;
pub mod reconcile;
pub mod rollback;
pub mod trace;
