//! Values in flight: what a cell, a field and a record are between reading and writing.
//!
//! Knows no platform and no mapping. [`Page`] is what extraction yields, [`Value`] what transforms
//! work on, [`Type`] what a field is declared to be.

pub mod counts;
pub mod data_type;
pub mod glance;
mod directory;
pub mod mask;
pub mod number_set;
pub mod numbers;
pub mod page;
pub mod ranks;
pub mod scalar;

pub use counts::NumberCounts;
pub use data_type::Type;
pub use number_set::NumberSet;
pub use numbers::{NumberMap, whole_number};
pub use page::{Cell, CellKind, Page, RowFault};
pub use ranks::Ranks;
pub use scalar::{DestRef, Fault, FaultKind, Scalar, Value};
