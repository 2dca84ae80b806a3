//! Records in, effects or holds out: pure, compiled to positions, the same code for every command.
//!
//! 1. [`needs()`] says which source records must be indexed first; a [`TablesBuilder`] makes [`Tables`] of their pages.
//! 2. A [`Pass`] is compiled for the steps that read one object. Its pages go through [`Pass::keys`] in source order, and
//!    then through [`Pass::run`] on any thread; a [`Sink`] takes effects, holds and settlements.
//! 3. A [`Resolve`] answers where referenced records went.
//!
//! No I/O, no clock, no name looked up per record: fields are columns, joins are rows of tables, ops are
//! prepared nodes, values borrow from the page, the tables or the page's arena.

mod act;
mod ahead;
mod columns;
mod compile;
mod condition;
mod contact;
pub mod effect;
mod field;
mod filters;
mod fingerprint;
mod groups;
pub mod handoff;
mod holds;
mod html;
mod index;
mod items;
mod json;
mod keys;
mod map;
pub mod missing;
mod moment;
mod needs;
mod node;
mod order;
pub mod overflow;
mod pages;
pub mod pass;
mod reference;
pub mod resolve;
mod scope;
mod sorted;
mod split;
mod step;
mod store;
pub mod tables;
mod template;
mod text;
pub mod trace;
mod trial;
mod uses;
pub mod values;

pub use compile::CompileError;
pub use effect::{Effect, Hold, LossCount, Settled, Sink};
pub use handoff::HandoffPass;
pub use keys::{KeyFault, PageKeys};
pub use missing::MissingPass;
pub use needs::{TableNeed, needs};
pub use overflow::{Overflow, Room};
pub use pass::{Pass, PassOptions};
pub use resolve::{Resolution, Resolve};
pub use tables::{Feeder, Tables, TablesBuilder};
pub use trace::{Touched, Trace};
pub use trial::trial;
pub use uses::reads;
pub use values::ValuePass;
