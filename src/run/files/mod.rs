//! A run into files: records become rows of one file per object, on all cores, in source order.
//!
//! Nothing is sent and nothing has to be asked: ids come from the mapping and are known before anything is
//! written. So the ledger keeps no record here, only steps, holds and whole files; a run that stops is run again and
//! writes the same. A file that is there with the same content is left alone.

pub mod collect;
mod layout;
pub mod output;
pub mod pipeline;
mod rehearse;
mod run;
mod settle;

pub use output::WrittenFile;
pub use run::{Inputs, run};
