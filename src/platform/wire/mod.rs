//! Wire formats: from cells to values, and from values to what a platform takes.
//!
//! The hot path of every migration: a [`Decoder`] is made once per source field, an [`Encoder`] once per
//! destination field, a [`RecordEncoder`] once per step. Nothing here looks a name up per record, and
//! nothing allocates where a value can be borrowed. No file and no network is touched.

mod class;
mod decode;
mod encode;
mod fit;
mod json;
mod list;
mod number;
mod pattern;
mod plausible;
mod read;
mod record;
mod time;

#[cfg(test)]
mod tests;

pub use class::{Class, class_of};
pub use decode::Decoder;
pub use encode::Encoder;
pub use json::{at, text_of, texts_of, write_text};
pub use plausible::{is_email, is_phone, is_url};
pub use read::{FieldReader, WireValue};
pub use record::RecordEncoder;
