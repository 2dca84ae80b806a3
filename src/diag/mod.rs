//! Findings about files people wrote: stable codes, places, causes and hints.
//!
//! Knows no stage of the engine: codes are one flat list. A stage says *where* with a [`Span`] and
//! never counts columns; the renderers turn spans into lines late.

pub mod code;
pub mod diagnostic;
pub mod hold;
pub mod render;
pub mod span;

pub use code::Code;
pub use diagnostic::{Diagnostic, Diagnostics, Label, Severity, nearest};
pub use render::{render_json, render_short, render_text};
pub use span::{FileId, Files, Span};
