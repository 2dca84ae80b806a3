//! Text files of any encoding and size as row-aligned blocks of UTF-8. Knows where rows end, not what is in
//! them: CSV and JSONL build on it.

pub mod blocks;
pub mod cut;
pub mod decode;
pub(crate) mod lanes;
pub(crate) mod outline;

pub use blocks::{Block, Blocks, Damage, Limits};
pub use cut::{Cutter, RowEnds, count_breaks};
